"""What every way to the library must deny, and allow: the whole access matrix, as tests. Subclass, give fixtures::

    class TestMine(AccessContract):
        @pytest.fixture
        def store(self) -> Iterator[Store]:
            ...

        @pytest.fixture
        def face(self, store: Store) -> Face:
            return MyFace(store)

Nothing is sampled: each identity of ``access_table`` tries everything on a pattern of every owner, level and state. What
is denied must leave no trace in the store, and what is allowed must have happened. Then each identity asks for all that
can be read, and no text, id or sum may give away a pattern that it may not read.
"""
# ruff: noqa: D102  the name of a test is its sentence

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from seasoned.model import PROMOTION_ASKED, Alert, AuditEntry, Document, Identity, Pattern, PatternUsage
from seasoned.model.ids import name_id
from seasoned.store import PatternQuery, Store
from seasoned.testing.access_faces import Answer, Face
from seasoned.testing.access_table import (
    IDENTITIES,
    NAMESPACE,
    OPERATIONS,
    Attempt,
    expected,
    marker_of,
    matrix_patterns,
    may_see,
    named,
)

__all__ = ["AccessContract", "fill", "leaks"]

_EVERYONE = pytest.mark.parametrize("who", IDENTITIES, ids=named)


class AccessContract:
    """The tests; ``store`` is empty, and ``face`` works on it."""

    cells: int
    """How many pairs of an identity and an attempt this face covers; counted, so that none is left out unseen."""

    @pytest.fixture
    def patterns(self, store: Store) -> list[Pattern]:
        """One for every owner, level and state, in the store."""
        with store.writing(durable=False) as writing:
            writing.save_patterns(matrix_patterns())
        return _all(store)

    @_EVERYONE
    def test_every_attempt_ends_as_the_table_says(
        self, store: Store, face: Face, patterns: list[Pattern], who: Identity
    ) -> None:
        wrong: list[str] = []
        refused: dict[Attempt, list[tuple[Pattern, Answer]]] = {}
        tried = 0
        for operation in OPERATIONS:
            asked = [each for each in patterns if face.covers(operation, each)]
            answers = face.attempts(who, operation, asked) if asked else []
            after = {each.pattern_id: each for each in _all(store)}
            for pattern, answer in zip(asked, answers, strict=True):
                tried += 1
                wanted = face.narrowed(who, pattern, expected(who, operation, pattern))
                told = f"{operation} {pattern.agent_id} {pattern.access_level} {pattern.status}"
                if answer.outcome != wanted:
                    wrong.append(f"{told}: {answer.outcome} instead of {wanted} ({answer.said})")
                elif not _came_true(who, operation, answer, pattern, after):
                    wrong.append(f"{told}: {answer.outcome}, but the store says otherwise")
            _restore(store, patterns, after)
            refused[operation] = [
                (pattern, answer) for pattern, answer in zip(asked, answers, strict=True) if answer.outcome == "hidden"
            ]
        wrong += _told_apart(store, face, who, refused)
        assert not wrong, f"{len(wrong)} of {tried} wrong:\n" + "\n".join(wrong)
        assert tried * len(IDENTITIES) == self.cells

    @_EVERYONE
    def test_nothing_of_a_hidden_pattern_shows_anywhere(self, store: Store, face: Face, who: Identity) -> None:
        patterns = fill(store)
        seen = face.seen(who, patterns)
        found = leaks(seen, [each for each in patterns if not may_see(who, each)])
        assert not found, "\n".join(found)
        readable = [each for each in patterns if may_see(who, each) and face.narrowed(who, each, "yes") == "yes"]
        missing = [each.pattern_name for each in readable if each.pattern_name not in seen]
        assert missing == []
        # Sums over all that may be read come first; those of one namespace or owner are sums of fewer.
        readable = [each for each in patterns if may_see(who, each)]
        uses = sum(each.usage_count for each in readable)
        for name, value in (("total_applications", uses), ("total_patterns", len(readable))):
            sums = [int(each) for each in re.findall(rf"['\"]{name}['\"]: (\d+)", seen)]
            assert not sums or sums[0] == max(sums) == value


def fill(store: Store) -> list[Pattern]:
    """Patterns that point at each other, each used, with an alert and a history, all of it holding its marker."""
    patterns = matrix_patterns(related=True)
    now = datetime.now(UTC)
    entries: list[AuditEntry] = []
    usages: list[PatternUsage] = []
    alerts: list[Alert] = []
    for number, each in enumerate(patterns):
        entries += [
            AuditEntry(
                namespace=NAMESPACE, who=who, what=what, subject=each.pattern_id, reason=f"entry {marker_of(number)}",
                before={"duplicate_of": each.duplicate_of}, at=now, after=_pointers(each),
            )
            for who, what in ((each.agent_id, "create"), ("policy", "flag"))
        ]  # fmt: skip
        usages += [
            PatternUsage(
                usage_id=name_id("usage", namespace, str(number)), pattern_id=each.pattern_id, namespace=namespace,
                agent_id=agent_id, success=True, context_data={"task": f"usage {marker_of(number)}"},
                used_at=now - timedelta(minutes=number),
            )
            for namespace, agent_id in ((NAMESPACE, "ana"), (NAMESPACE, "ben"), ("south", "fay"))
        ]  # fmt: skip
        alerts.append(
            Alert(
                alert_id=name_id("alert", str(number)), namespace=NAMESPACE, rule="deprecated_pattern_used",
                subject=each.pattern_id, details=_pointers(each), first_seen_at=now, last_seen_at=now,
            )
        )  # fmt: skip
    with store.writing(durable=False) as writing:
        writing.save_patterns(patterns)
        writing.save_audit(entries)
        for usage in usages:
            writing.save_usage(usage)
        for alert in alerts:
            writing.raise_alert(alert)
        writing.save_patterns(patterns)  # counts as they were, for the sums
    return _all(store)


def _pointers(pattern: Pattern) -> Document:
    """What audit entries and alerts say of it, with what it points at."""
    parent, successor = pattern.parent_pattern_id, pattern.successor_id
    return {"pattern_name": pattern.pattern_name, "parent": parent, "successor_id": successor}


def leaks(seen: str, hidden: Sequence[Pattern]) -> list[str]:
    """Names and ids in ``seen`` of patterns that must not show."""
    words = set(re.findall(r"zork[a-z]{2}quux", seen))
    return [
        f"{each.pattern_name} ({each.agent_id} {each.access_level} {each.status}): …{_around(seen, found)}…"
        for each in hidden
        for found in (each.pattern_id, each.pattern_name.split()[-1])
        if (found in words if found.startswith("zork") else found in seen)
    ]


def _around(text: str, word: str) -> str:
    at = text.index(word)
    return text[max(0, at - 120) : at + 60]


def _all(store: Store) -> list[Pattern]:
    namespaces = sorted({who.namespace for who in IDENTITIES})
    return [each for name in namespaces for each in store.patterns(PatternQuery(namespace=name, limit=1000))]


def _same(one: Pattern | None, other: Pattern) -> bool:
    clocks = {"created_at": None, "updated_at": None}
    return one is not None and replace(one, **clocks) == replace(other, **clocks)


def _came_true(
    who: Identity, operation: Attempt, answer: Answer, before: Pattern, after: Mapping[str, Pattern]
) -> bool:
    """Whether the store has what the answer says, and of what was denied nothing."""
    now = after.get(before.pattern_id)
    grown = [each for each in after.values() if each.parent_pattern_id == before.pattern_id]
    if answer.outcome == "asks":
        return now is not None and now.status == before.status and PROMOTION_ASKED in now.review_flags
    if answer.outcome != "yes" or operation == "read":
        return _same(now, before) and not grown
    goes_on = [(each.namespace, each.agent_id, each.access_level) for each in grown] == [
        (before.namespace, before.agent_id, before.access_level)
    ]
    match operation:
        case "branch" if expected(who, "change", before) == "yes":
            return goes_on and _same(now, before)
        case "branch":
            own = [(each.namespace, each.agent_id, each.access_level) for each in grown]
            return own == [(who.namespace, who.agent_id, "private")] and _same(now, before)
        case "delete":
            return now is None
        case "use":
            return now is not None and now.usage_count == before.usage_count + 1
        case "change":
            changed = now is not None and not _same(now, before)
            return changed or goes_on
        case "share":
            return now is not None and now.access_level != before.access_level
        case "promote":
            return now is not None and now.status == "active"
        case "withdraw":
            return now is not None and now.status in {"rejected", "deprecated"}


def _restore(store: Store, patterns: Sequence[Pattern], present: Mapping[str, Pattern]) -> None:
    known = {each.pattern_id for each in patterns}
    with store.writing(durable=False) as writing:
        writing.delete_patterns([each for each in present if each not in known])
        writing.save_patterns(patterns)


def _told_apart(
    store: Store, face: Face, who: Identity, refused: Mapping[Attempt, Sequence[tuple[Pattern, Answer]]]
) -> list[str]:
    """Where a hidden pattern was refused in other words than one that is not there: they are deleted, and tried again."""
    hidden = {pattern.pattern_id for each in refused.values() for pattern, _ in each if not may_see(who, pattern)}
    with store.writing(durable=False) as writing:
        writing.delete_patterns(sorted(hidden))
    wrong: list[str] = []
    for operation, pairs in refused.items():
        asked = [(pattern, answer) for pattern, answer in pairs if pattern.pattern_id in hidden]
        again = face.attempts(who, operation, [pattern for pattern, _ in asked]) if asked else []
        wrong += [
            f"{operation} {pattern.access_level}: {answer.said!r}, and of one that is not there {gone.said!r}"
            for (pattern, answer), gone in zip(asked, again, strict=True)
            if (answer.outcome, answer.said) != (gone.outcome, gone.said)
        ]
    return wrong
