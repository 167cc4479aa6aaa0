"""Histories that join prompts to the commits they led to, as questions with a known answer.

A folder holds ``checkpoints.jsonl`` (sessions at a commit: ``checkpoint_id``, ``session_id``, ``_prompt_head``) and
``commits.jsonl`` (``sha``, ``author_date``, ``subject``, ``checkpoint_ids``, ``files`` with lines added and deleted).

Time is the commits' author date: checkpoints were migrated later in bulk and bear that date. A question is asked when
the first of its commits was made; a task is known when the last of its commits was. Families join everything that
shares a session, a checkpoint, a commit (also a rebased copy of it) or the beginning of a prompt: the same session
comes back at every commit with a prompt that has only grown, and would otherwise answer itself.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from seasoned.errors import InputError, UnreadableFileError
from seasoned.learn import normalise

__all__ = ["Change", "Families", "History", "LinkedTask", "read_history", "same_beginning"]

_SAME_PROMPT = 300
"""Prompts that agree on so many characters are one session's, carried over by hand."""
_TELLING = 40
"""Shorter prompts (``continue``) agree by chance and join nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedTask:
    """A prompt and the files of the commits that came of it."""

    prompt: str
    """Never empty. As the source has it, cut there; the commit's subject where ``asked`` is False."""
    files: frozenset[str]
    asked_at: float
    """Seconds since 1970."""
    done_at: float
    """Seconds since 1970, ≥ ``asked_at``."""
    family: str
    session: str
    asked: bool
    """Whether somebody put this prompt to an agent; if not it is a commit without one, known but never a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One commit."""

    at: float
    files: tuple[tuple[str, int], ...]
    """(path, lines added minus lines deleted)."""
    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One repository's tasks and commits, each oldest first."""

    name: str
    tasks: tuple[LinkedTask, ...]
    changes: tuple[Change, ...]


class _Checkpoint(msgspec.Struct):
    checkpoint_id: str
    session_id: str | None = None
    prompt_head: str | None = msgspec.field(default=None, name="_prompt_head")
    prompt: str | None = None


class _Commit(msgspec.Struct):
    sha: str
    author_date: datetime
    checkpoint_ids: list[str]
    files: list[tuple[str, int | None, int | None]]
    subject: str = ""


_Row = TypeVar("_Row", _Checkpoint, _Commit)


def read_history(folder: Path) -> History:
    """The history in ``folder``. Raises UnreadableFileError, or InputError naming the line that is not as described."""
    rows = _rows(folder / "checkpoints.jsonl", _Checkpoint)
    commits = [commit for commit in _rows(folder / "commits.jsonl", _Commit) if commit.files]
    sessions = [row for row in rows if row.session_id is not None]
    families = Families()
    linked: dict[str, list[_Commit]] = {}
    for commit in commits:
        if len(commit.checkpoint_ids) < 2:  # one that closes several checkpoints at once is a squash, not a copy
            families.join(("commit", commit.sha), ("copy", f"{commit.subject} {commit.author_date.isoformat()}"))
        for checkpoint in commit.checkpoint_ids:
            families.join(("commit", commit.sha), ("checkpoint", checkpoint))
            linked.setdefault(checkpoint, []).append(commit)
    for row in sessions:
        families.join(("session", str(row.session_id)), ("checkpoint", row.checkpoint_id))
        if (begun := same_beginning(_prompt(row))) is not None:
            families.join(("session", str(row.session_id)), ("prompt", begun))
    tasks: list[LinkedTask] = []
    told: set[str] = set()
    for row in sessions:
        if row.checkpoint_id in linked and _prompt(row):
            own = linked[row.checkpoint_id]
            told.update(commit.sha for commit in own)
            session = str(row.session_id)
            tasks.append(_task(_prompt(row), own, families.of(("session", session)), session, asked=True))
    for commit in commits:
        if commit.sha not in told and commit.subject.strip():
            tasks.append(_task(commit.subject, [commit], families.of(("commit", commit.sha)), "", asked=False))
    changes = [
        Change(
            at=commit.author_date.timestamp(),
            files=tuple((path, (added or 0) - (deleted or 0)) for path, added, deleted in commit.files),
            family=families.of(("commit", commit.sha)),
        )
        for commit in commits
    ]
    tasks.sort(key=lambda task: (task.done_at, task.asked_at, task.prompt, sorted(task.files)))
    changes.sort(key=lambda change: (change.at, change.files))
    return History(name=folder.resolve().name, tasks=tuple(tasks), changes=tuple(changes))


def same_beginning(prompt: str) -> str | None:
    """What two prompts share when one is the other carried over; None for a prompt that agrees with others by chance."""
    normal = normalise(prompt)
    return normal[:_SAME_PROMPT] if len(normal) >= _TELLING else None


def _prompt(row: _Checkpoint) -> str:
    return (row.prompt_head or row.prompt or "").strip()


def _task(prompt: str, commits: list[_Commit], family: str, session: str, *, asked: bool) -> LinkedTask:
    times = [commit.author_date.timestamp() for commit in commits]
    return LinkedTask(
        prompt=prompt,
        files=frozenset(path for commit in commits for path, _, _ in commit.files),
        asked_at=min(times),
        done_at=max(times),
        family=family,
        session=session,
        asked=asked,
    )


def _rows(path: Path, kind: type[_Row]) -> list[_Row]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    decoder = msgspec.json.Decoder(kind)
    rows: list[_Row] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                rows.append(decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise InputError(f"{path}, line {number}: {error}") from error
    return rows


class Families:
    """Union-find; a family is named after the smallest of its members, so that names do not depend on the order."""

    def __init__(self) -> None:
        self._above: dict[tuple[str, str], tuple[str, str]] = {}

    def _top(self, one: tuple[str, str]) -> tuple[str, str]:
        path: list[tuple[str, str]] = []
        while (above := self._above.setdefault(one, one)) != one:
            path.append(one)
            one = above
        self._above.update(dict.fromkeys(path, one))
        return one

    def join(self, one: tuple[str, str], other: tuple[str, str]) -> None:
        """The two belong together."""
        low, high = sorted((self._top(one), self._top(other)))
        self._above[high] = low

    def of(self, one: tuple[str, str]) -> str:
        """Name of the family of ``one``."""
        return " ".join(self._top(one))
