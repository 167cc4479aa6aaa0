"""What ``doctor`` asks about counters of what was learned, and how it puts them right.

Each is the number of rows that point to the row that carries it. They drift where rows go by another way than the one
that counts: the occurrences of a purged execution go with it, and the failure still says how many there were.
``times_seen`` of a resolution counts occurrences that it followed, of which rows keep only those that it ended; so it
is held to be no less. What somebody recorded by hand is not counted from rows at all.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from seasoned.store.dialect import Dialect, among

__all__ = ["COUNTERS", "RECOUNTS", "Counter"]

Counter = Literal["pattern_counters", "failure_counters", "resolution_counters"]

_USAGES = (
    "count(u.usage_id)",
    "count(u.usage_id) FILTER (WHERE u.success)",
    "count(u.usage_id) FILTER (WHERE NOT u.success)",
)


def _said(*numbers: str) -> str:
    return " || '/' || ".join(f"CAST({number} AS text)" for number in numbers)


COUNTERS: Mapping[Counter, tuple[str, str]] = {
    "pattern_counters": (
        "patterns",
        f"SELECT p.pattern_id, {_said('p.usage_count', 'p.success_count', 'p.failure_count')}, "
        f"{_said(*_USAGES)} FROM patterns p LEFT JOIN pattern_usages u ON u.pattern_id = p.pattern_id "
        "GROUP BY p.pattern_id, p.usage_count, p.success_count, p.failure_count HAVING p.usage_count <> "
        f"{_USAGES[0]} OR p.success_count <> {_USAGES[1]} OR p.failure_count <> {_USAGES[2]}",
    ),
    "failure_counters": (
        "failure_patterns",
        "SELECT f.failure_id, f.occurrence_count, count(o.occurrence_id) FROM failure_patterns f "
        "LEFT JOIN failure_occurrences o ON o.failure_id = f.failure_id GROUP BY f.failure_id, f.occurrence_count "
        "HAVING f.occurrence_count <> count(o.occurrence_id)",
    ),
    "resolution_counters": (
        "resolutions",
        "SELECT r.resolution_id, CAST(r.times_worked AS text) || ' of ' || CAST(r.times_seen AS text), "
        "CAST(count(o.occurrence_id) AS text) || ' of at least as many' FROM resolutions r "
        "LEFT JOIN failure_occurrences o ON o.resolved_by = r.resolution_id WHERE r.source = 'mined' "
        "GROUP BY r.resolution_id, r.times_worked, r.times_seen "
        "HAVING r.times_worked <> count(o.occurrence_id) OR r.times_seen < count(o.occurrence_id)",
    ),
}
"""Table, and a query that gives (subject, found, expected) of what is off."""


def _patterns(dialect: Dialect) -> str:
    return (
        "UPDATE patterns SET (usage_count, success_count, failure_count) = (SELECT count(*), "
        "count(*) FILTER (WHERE u.success), count(*) FILTER (WHERE NOT u.success) "
        f"FROM pattern_usages u WHERE u.pattern_id = patterns.pattern_id) WHERE {among(dialect, 'pattern_id')}"
    )


def _failures(dialect: Dialect) -> str:
    return (
        "UPDATE failure_patterns SET occurrence_count = (SELECT count(*) FROM failure_occurrences o "
        f"WHERE o.failure_id = failure_patterns.failure_id) WHERE {among(dialect, 'failure_id')}"
    )


def _resolutions(dialect: Dialect) -> str:
    ended = "(SELECT count(*) FROM failure_occurrences o WHERE o.resolved_by = resolutions.resolution_id)"
    return (
        f"UPDATE resolutions SET times_worked = {ended}, "
        f"times_seen = CASE WHEN times_seen < {ended} THEN {ended} ELSE times_seen END "
        f"WHERE {among(dialect, 'resolution_id')}"
    )


RECOUNTS: Mapping[Counter, Callable[[Dialect], str]] = {
    "pattern_counters": _patterns,
    "failure_counters": _failures,
    "resolution_counters": _resolutions,
}
"""Statement that counts again; its one parameter is the list of subjects (``dialect.ids_parameter``)."""
