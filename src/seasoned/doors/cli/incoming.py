"""What the doctor sees of the intake: whether what agents do arrives, in files that somebody takes in.

Invariant: looking takes nothing in. An agent says nothing when its hooks are idle, and a hook nothing when nobody takes in
what it keeps: so the agents' own transcripts are compared with what hooks told, and files with the time they have lain.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seasoned.doors.cli import output
from seasoned.doors.cli.outside import as_written, changed_at
from seasoned.doors.cli.stages import StageRow, told_sessions
from seasoned.errors import InputError

if TYPE_CHECKING:
    from seasoned.agents import Standing
    from seasoned.app import Seasoned

__all__ = ["came_in", "waits"]

_WAITED = timedelta(minutes=15)
"""A transcript that grew for so long without a word from the hooks was overlooked."""
_OPEN = timedelta(minutes=45)
"""A session that fell silent is over after 30 minutes; its payloads may lie so long."""
_BY_HAND = timedelta(hours=24)
"""Without a service they lie until somebody calls a command."""
_LOG_BYTES = 64 << 10
_HEAD_BYTES = 64 << 10
_FEW_LATE = 5
_LATE = re.compile(r"no answer: (?:TimeoutError|BlockingIOError|ConnectionResetError|BrokenPipeError)")
"""What a hook meets with when the service is busy, or ends: the agent went on, and nothing of it was lost."""
_TIME = re.compile(rb'"timestamp"\s*:\s*"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)')
_SESSION = re.compile(rb'"session_id"\s*:\s*"([^"\\]{1,200})"')


def waits(data_dir: Path) -> bool:
    """Whether anything lies in inbox or spool that is not taken in yet."""
    return bool(_inbox(data_dir) or _segments(data_dir))


def came_in(
    seasoned: "Seasoned", events: int, *, since: datetime, now: datetime, standing: "Sequence[Standing] | InputError"
) -> StageRow:
    """Whether what agents do arrives: hooks against the agents' own transcripts, and files against who takes them in."""
    sessions = told_sessions(seasoned)
    waiting = _inbox(seasoned.data_dir)
    newest = {source: max(times) for source, times in sessions.items()}
    for path, at in waiting:
        source = path.name.partition(".")[0]
        newest[source] = max(newest.get(source, 0.0), at)
    patience = _BY_HAND if seasoned.settings.service.use == "off" else _OPEN
    problems = _left_lying(waiting, _segments(seasoned.data_dir), now - patience)
    if not isinstance(standing, InputError):
        problems += _unheard(standing, newest, seasoned.data_dir, since)
    problems += _said_by_hooks(seasoned.data_dir / "hooks.log", since, sum(map(len, sessions.values())))
    told = sum(at >= since.timestamp() for times in sessions.values() for at in times)
    said = output.counted(events, "event")
    if told:
        said += f"; {output.counted(told, 'session')} told by hooks"
    said += f"; {output.counted(len(waiting), 'payload')} of sessions under way"
    return StageRow(name="came in", healthy=not problems, came="", detail="; ".join(problems) or said)


def _left_lying(
    waiting: Sequence[tuple[Path, float]], segments: Sequence[tuple[Path, float]], by: datetime
) -> list[str]:
    found: list[str] = []
    limit = by.timestamp()
    # A task that goes on keeps its payloads, however old: what counts is when its session last said something.
    last: dict[str, float] = {}
    for path, at in waiting if any(at < limit for _, at in waiting) else ():
        session = _session_of(path)
        last[session] = max(last.get(session, 0.0), at)
    if over := [at for at in last.values() if at < limit]:
        found.append(
            f"what hooks told of {output.counted(len(over), 'session')} lies in the inbox, the first since "
            f"{output.when(_time(min(over)))}, and nobody took it in. Any command does, as this one did now; "
            "`seasoned service start` says why the service did not"
        )
    if old := [at for _, at in segments if at < limit]:
        found.append(
            f"{output.counted(len(old), 'segment')} of the spool, the first since {output.when(_time(min(old)))}: nobody "
            "took them in. Any command does, as this one did now; `seasoned service start` says why the service did not"
        )
    return found


def _unheard(standing: "Sequence[Standing]", newest: Mapping[str, float], data_dir: Path, since: datetime) -> list[str]:
    """Agents with our hooks that wrote their own transcript while the hooks said nothing."""
    from seasoned.capture.discover import HOMES

    found: list[str] = []
    folder_of = {each.client.source: each for each in standing if each.level == "user"}
    for source, agent, _, _, pattern in HOMES:
        each = folder_of.get(source)  # pyright: ignore[reportArgumentType]  others have no hooks
        if each is None or each.written_at is None or each.idle or as_written(data_dir) not in each.data_dirs:
            continue
        heard = newest.get(source, 0.0)
        path, wrote = _newest_file(each.path.parent, pattern)
        if path is None or wrote < since.timestamp() or wrote - heard <= _WAITED.total_seconds():
            continue
        if _begun(path) < each.written_at:
            continue  # a session that was open before: its client has not read the hooks yet
        trust = " (Codex runs hooks once you trusted them: /hooks)" if source == "codex" else ""
        found.append(
            f"{agent} worked at {output.when(_time(wrote))} and its hooks said nothing"
            f"{f' since {output.when(_time(heard))}' if heard else ''}: start its session anew{trust}"
        )
    return found


def _said_by_hooks(log: Path, since: datetime, sessions: int) -> list[str]:
    """What hooks met with. A late answer now and then costs nothing; many, or a payload that was not kept, do."""
    lines = _log_lines(log, since)
    late = [line for line in lines if _LATE.search(line)]
    lost = [line for line in lines if not _LATE.search(line)]
    found: list[str] = []
    if lost:
        by = Counter(line.partition(": ")[2] for line in lost).most_common(1)[0][0]
        found.append(
            f"hooks failed {output.counted(len(lost), 'time')}, the last at {lost[-1][:16].replace('T', ' ')}, most often: "
            f"{by}; `seasoned import` takes in from the agents' own histories what was lost"
        )
    if len(late) >= max(_FEW_LATE, 2 * sessions):
        found.append(
            f"{len(late)} questions of hooks were not answered in time, the last at {late[-1][:16].replace('T', ' ')}: the "
            "service hangs or the machine is busy; `seasoned service status` tells which"
        )
    return found


# -- files -----------------------------------------------------------------------------------------------------------
def _inbox(data_dir: Path) -> list[tuple[Path, float]]:
    from seasoned import bus

    return [(path, at) for path, at in _files(data_dir / bus.INBOX_FOLDER) if path.suffix != ".bad"]


def _segments(data_dir: Path) -> list[tuple[Path, float]]:
    """Segments of the spool with anything in them; the one that a process writes to now may be empty."""
    from seasoned import bus

    return [(path, at) for path, at in _files(data_dir / bus.SPOOL_FOLDER) if path.suffix == ".jsonl"]


def _files(folder: Path) -> list[tuple[Path, float]]:
    found: list[tuple[Path, float]] = []
    if folder.is_dir():
        for entry in os.scandir(folder):
            try:
                about = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # taken in just now
            if entry.is_file(follow_symlinks=False) and about.st_size:
                found.append((Path(entry.path), about.st_mtime))
    return found


def _session_of(path: Path) -> str:
    """Of a payload; one that names none stands for itself."""
    try:
        with path.open("rb") as file:
            named = _SESSION.search(file.read(_HEAD_BYTES))
    except FileNotFoundError:
        return path.name
    return path.name if named is None else named[1].decode("utf-8", "replace")


def _newest_file(folder: Path, pattern: str) -> tuple[Path | None, float]:
    newest: tuple[Path | None, float] = (None, 0.0)
    for path in folder.glob(pattern):
        at = changed_at(path)
        if at > newest[1]:
            newest = (path, at)
    return newest


def _begun(transcript: Path) -> float:
    """The first time that stands in it, as every agent writes times; where there is none, when it was last written."""
    try:
        with transcript.open("rb") as file:
            said = _TIME.search(file.read(_HEAD_BYTES))
    except OSError:
        said = None
    if said is None:
        return changed_at(transcript)
    return datetime.fromisoformat(said[1].decode()).replace(tzinfo=UTC).timestamp()


def _log_lines(log: Path, since: datetime) -> list[str]:
    """Lines of the hooks' log that are newer than ``since``; each begins with its time in UTC."""
    if not log.is_file():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return [
        output.clean(line)[:200]
        for line in lines
        if line[:20] >= since.strftime("%Y-%m-%dT%H:%M:%SZ") and line[4:5] == "-"
    ]


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
