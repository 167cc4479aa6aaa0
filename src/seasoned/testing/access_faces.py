"""Ways to reach the library, each as the access matrix drives it: the Python service, and the folder of files.

A face tries what it is told as the identity it is told, and says what came of it and every word that it was told in
return. It decides nothing and hides nothing. ``seen`` is everything that reading could ever show, asked for by whoever
knows all ids, names and words already, with the asker's own words taken out of the answer.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, get_args

from seasoned.errors import AccessDeniedError, ConflictError, NotFoundError, SeasonedError
from seasoned.library import Library
from seasoned.library.folder import STATE
from seasoned.library.sync import SyncOptions, SyncReport, sync_folder
from seasoned.model import LEARNER, AccessLevel, Identity, Pattern
from seasoned.store import LibraryQuery
from seasoned.testing.access_table import NAMESPACE, Attempt, Outcome

__all__ = ["Answer", "Face", "FilesFace", "PythonFace", "outcome_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of an attempt."""

    outcome: Outcome
    said: str = ""
    """Kind and words of the refusal; empty where there was none."""


class Face(Protocol):
    """A way to reach the library."""

    def attempts(self, who: Identity, operation: Attempt, patterns: Sequence[Pattern]) -> list[Answer]:
        """Try it on each, as ``who``; the answers in order. A pattern need not exist."""
        ...

    def seen(self, who: Identity, patterns: Sequence[Pattern]) -> str:
        """All that reading shows to ``who``, as one text."""
        ...

    def covers(self, operation: Attempt, pattern: Pattern) -> bool:
        """Whether it can be tried here."""
        ...

    def narrowed(self, who: Identity, pattern: Pattern, outcome: Outcome) -> Outcome:
        """What the table's ``outcome`` is here, where this face shows less than may be read."""
        ...


def outcome_of(error: SeasonedError) -> Answer:
    """What a refusal means. What is none of the three is a fault of the test and raised."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, NotFoundError):
        return Answer(outcome="hidden", said=said)
    if isinstance(error, AccessDeniedError):
        return Answer(outcome="no", said=said)
    if isinstance(error, ConflictError):
        return Answer(outcome="moot", said=said)
    raise error


class PythonFace:
    """The service."""

    def __init__(self, library_of: Callable[[Identity], Library]) -> None:
        """``library_of``: the library as an identity has it."""
        self._library_of = library_of

    def covers(self, operation: Attempt, pattern: Pattern) -> bool:  # noqa: ARG002  # of the protocol
        """Everything."""
        return True

    def narrowed(self, who: Identity, pattern: Pattern, outcome: Outcome) -> Outcome:  # noqa: ARG002
        """The same."""
        return outcome

    def attempts(self, who: Identity, operation: Attempt, patterns: Sequence[Pattern]) -> list[Answer]:
        """One by one."""
        library = self._library_of(who)
        return [self._attempt(library, operation, each) for each in patterns]

    def _attempt(self, library: Library, operation: Attempt, pattern: Pattern) -> Answer:
        key = pattern.pattern_id
        try:
            match operation:
                case "read":
                    found = library.get_pattern(key)
                    return Answer(outcome="hidden" if found is None else "yes")
                case "use":
                    library.use_pattern(key, execution_time=0.5, success=True)
                case "branch":
                    library.create_version(key, {"solution": "another"})
                case "change":
                    library.update_pattern(key, pattern_data={"solution": "another"}, learning_weight=2.0)
                case "share":
                    level = "public" if pattern.access_level == "team" else "team"
                    library.update_pattern(key, access_level=level, shared_with_agents=["lea", "ben"])
                case "delete":
                    library.delete_pattern(key)
                case "promote":
                    after = library.promote(key, waiver="it was tried")
                    return Answer(outcome="yes" if after.status == "active" else "asks")
                case "withdraw":
                    if pattern.status == "candidate":
                        library.reject(key, "it was tried")
                    else:
                        library.deprecate(key, "it was tried")
        except SeasonedError as error:
            return outcome_of(error)
        return Answer(outcome="yes")

    def seen(self, who: Identity, patterns: Sequence[Pattern]) -> str:
        """Every method that reads, with everything that could be asked."""
        library = self._library_of(who)
        told: list[str] = []

        def ask(key: str, question: Callable[[], object]) -> None:
            try:
                told.append(repr(question()))
            except SeasonedError as error:
                told.append(repr(error).replace(key, "KEY") if key else repr(error))

        ask("", lambda: library.review_queue(limit=1000))
        ask("", lambda: library.audit(limit=1000))
        ask("", library.alerts)
        ask("", library.suggest_learning_opportunities)
        ask("", lambda: library.recommend_patterns(limit=1000))
        ask("", lambda: library.search_patterns(limit=1000))
        ask("", lambda: library.search_patterns(namespace=NAMESPACE, limit=1000))
        ask("", lambda: library.search_patterns(min_usage_count=1, min_success_rate=0.01, limit=1000))
        ask("", lambda: library.list_patterns(LibraryQuery(limit=1000)))
        for agent_id, namespace in ((None, None), ("ana", None), (LEARNER, NAMESPACE), (None, NAMESPACE)):
            ask("", lambda a=agent_id, n=namespace: library.get_pattern_analytics(a, n))
            # Once more: what is kept of an answer must be the same caller's.
            ask("", lambda a=agent_id, n=namespace: library.get_pattern_analytics(a, n))
        for agent_id in ("ana", LEARNER):
            ask("", lambda a=agent_id: library.get_patterns_by_agent(a, limit=1000))
        for level in get_args(AccessLevel):
            ask("", lambda one=level: library.search_patterns(access_levels=[one], limit=1000))
        for number, pattern in enumerate(patterns):
            self._ask_about(library, pattern, patterns[number - 1], ask)
        return "\n".join(told)

    def _ask_about(
        self, library: Library, pattern: Pattern, other: Pattern, ask: Callable[[str, Callable[[], object]], None]
    ) -> None:
        key, name = pattern.pattern_id, pattern.pattern_name
        word = name.split()[-1]
        for spelled in (key, key[:18], name):
            ask(spelled, lambda spelled=spelled: library.get_pattern(spelled))
            ask(spelled, lambda spelled=spelled: library.get_versions(spelled))
        ask(key, lambda: library.audit(key))
        ask(key, lambda: library.usages(key))
        ask(key, lambda: library.diff(key, key))
        if library.get_pattern(other.pattern_id) is not None:
            ask(key, lambda: library.diff(key, other.pattern_id))
            ask(key, lambda: library.diff(other.pattern_id, key))
        ask(word, lambda: [_unasked(found.shared, word, found.pattern) for found in library.find(f"problem {word}")])
        ask(word, lambda: library.search_patterns(f"{word} solution", category=pattern.category))
        ask(word, lambda: library.search_patterns(subcategory=pattern.subcategory))
        ask(word, lambda: library.recommend_patterns(category=pattern.category))
        ask(word, lambda: library.recommend_patterns(context_data={"task": f"problem {word}"}, limit=1000))


def _unasked(shared: Iterable[str], word: str, pattern: Pattern) -> tuple[object, ...]:
    return [each for each in shared if each != word], pattern


class FilesFace:
    """The folder of files, in the hands of somebody who has a copy of an administrator's, and edits it."""

    def __init__(self, library_of: Callable[[Identity], Library], folder: Path) -> None:
        """``folder``: an empty one to work in."""
        self._library_of = library_of
        self._folder = folder
        self._copied = folder / "copied"
        self._number = 0

    def covers(self, operation: Attempt, pattern: Pattern) -> bool:
        """What an edit, a move or a deletion of a file can ask for."""
        match operation:
            case "use" | "branch":
                return False
            case "promote":
                return pattern.status in {"candidate", "deprecated"}
            case "withdraw":
                return pattern.status in {"candidate", "active"}
            case _:
                return True

    def narrowed(self, who: Identity, pattern: Pattern, outcome: Outcome) -> Outcome:
        """Files hold the patterns of one's own namespace, rejected ones aside."""
        elsewhere = who.namespace != pattern.namespace
        return "hidden" if elsewhere or pattern.status == "rejected" else outcome

    def attempts(self, who: Identity, operation: Attempt, patterns: Sequence[Pattern]) -> list[Answer]:
        """All of them as edits of one folder, and one sync."""
        if operation == "read":
            place = self._place()
            sync_folder(self._library_of(who), place)
            shown = _files(place)
            return [Answer(outcome="yes" if each.pattern_id in shown else "hidden") for each in patterns]
        if not self._copied.exists():
            self._copied.mkdir(parents=True)
            sync_folder(self._library_of(_ALL_SEEING), self._copied)
        place = self._place()
        shutil.copytree(self._copied, place, dirs_exist_ok=True)
        if who.namespace != NAMESPACE:  # what is remembered is bound to the namespace; the ids in the files remain
            (place / ".agent" / "patterns" / STATE).unlink()
        files = _files(place)
        for each in patterns:
            if each.pattern_id in files:
                _edit(files[each.pattern_id], operation, each)
        report = sync_folder(self._library_of(who), place, SyncOptions(delete=operation == "delete"))
        return [_told(report, each) for each in patterns]

    def seen(self, who: Identity, patterns: Sequence[Pattern]) -> str:  # noqa: ARG002
        """The files, their names, what is remembered, and what the sync said."""
        place = self._place()
        texts = [repr(sync_folder(self._library_of(who), place))]
        texts += [f"{path.name}\n{path.read_text()}" for path in sorted(place.rglob("*")) if path.is_file()]
        return "\n".join(texts)

    def _place(self) -> Path:
        self._number += 1
        place = self._folder / str(self._number)
        place.mkdir(parents=True)
        return place


_ALL_SEEING = Identity(namespace=NAMESPACE, agent_id="ana", role="admin")
_ID = re.compile("^id: (.+)$", re.MULTILINE)


def _files(place: Path) -> dict[str, Path]:
    """By id of the pattern."""
    found: dict[str, Path] = {}
    for path in place.rglob("*.md"):
        if (line := _ID.search(path.read_text())) is not None:
            found[line[1]] = path
    return found


def _edit(path: Path, operation: Attempt, pattern: Pattern) -> None:
    text = path.read_text()
    match operation:
        case "change":
            path.write_text(text.replace("## Solution\n", "## Solution\n\nAnother.\n"))
        case "share":
            level = "public" if pattern.access_level == "team" else "team"
            path.write_text(re.sub("^access: .+$", f"access: {level}", text, flags=re.MULTILINE))
        case "delete":
            path.unlink()
        case "promote":
            _move(path, "active")
        case "withdraw":
            _move(path, "deprecated")
        case "read" | "use" | "branch":
            raise ValueError(operation)


def _move(path: Path, folder: str) -> None:
    target = path.parent.parent / folder / path.name
    target.parent.mkdir(exist_ok=True)
    text = path.read_text()
    path.unlink()
    target.write_text(text if "\nwaiver:" in text else text.replace("\n---\n", "\nwaiver: it was tried\n---\n", 1))


def _told(report: SyncReport, pattern: Pattern) -> Answer:
    """From what the sync said of this pattern."""
    told = [
        each for each in report.changes if each.pattern_id == pattern.pattern_id or pattern.pattern_id in each.message
    ]
    said = " ".join(f"{each.what} {each.error} {each.message}" for each in told)
    if any(each.what == "asked" for each in told):
        return Answer(outcome="asks", said=said)
    if any(each.error == AccessDeniedError.__name__ for each in told):
        return Answer(outcome="no", said=said)
    gone = "no pattern of this library" in said or "gone from the library" in said
    return Answer(outcome="hidden" if gone or not told else "yes", said=said)
