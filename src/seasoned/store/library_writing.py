"""Writing to the library, inside the one write transaction.

Invariant: the counters of a pattern are counted on in the transaction that inserts the usage, once for each usage and
by the store itself: whoever may use a pattern may not for that reason write to it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TypeVar

from seasoned.errors import NotFoundError
from seasoned.model import Agent, Alert, AuditEntry, Pattern, PatternUsage, Token
from seasoned.store.dialect import Dialect, upsert
from seasoned.store.knowledge_rows import RecordCodec, knowledge_codec_of, known_ids
from seasoned.store.session import Clock, Session

__all__ = ["LibraryWrites"]

_STANDING = ("success_rate", "confidence_score", "review_flags", "status", "updated_at")
_COUNT_ON = (
    "UPDATE patterns SET usage_count = usage_count + 1, success_count = success_count + ?, "
    "failure_count = failure_count + ?, "
    "last_used_at = CASE WHEN last_used_at > ? THEN last_used_at ELSE ? END WHERE pattern_id = ?"
)
_RAISE = (
    " ON CONFLICT (alert_id) DO UPDATE SET last_seen_at = excluded.last_seen_at, details = excluded.details, "
    "occurrences = CASE alerts.state WHEN 'open' THEN alerts.occurrences + 1 ELSE excluded.occurrences END, "
    "first_seen_at = CASE alerts.state WHEN 'open' THEN alerts.first_seen_at ELSE excluded.first_seen_at END, "
    "notified_at = CASE alerts.state WHEN 'open' THEN alerts.notified_at END, state = 'open' "
    "WHERE alerts.namespace = excluded.namespace"
)
_RECORD = TypeVar("_RECORD")


class LibraryWrites:
    """The part of ``store.port.Writing`` that is about the library."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._dialect: Dialect = session.dialect
        self._knowledge = knowledge_codec_of(session.dialect)

    def as_service(self) -> AbstractContextManager[None]:
        """Within the block, statements run with the rights of the service."""
        return self._session.as_service()

    def pattern(self, pattern_id: str) -> Pattern | None:
        """As it stands in this transaction."""
        codec = self._knowledge.patterns
        rows = self._session.rows(
            f"SELECT {codec.selected} FROM patterns WHERE pattern_id = ?", known_ids([pattern_id]) or [None]
        )
        return codec.record(rows[0]) if rows else None

    def save_usage(self, usage: PatternUsage) -> None:
        """Insert, and count on; a usage whose id is there changes nothing."""
        if not self._session.rows(
            "SELECT 1 FROM patterns WHERE pattern_id = ?", known_ids([usage.pattern_id]) or [None]
        ):
            raise NotFoundError(f"No pattern is called {usage.pattern_id!a}.")
        codec = self._knowledge.usages
        added = self._session.run(_insert(codec) + " ON CONFLICT (usage_id) DO NOTHING", codec.row(usage))
        if added:
            used_at = self._knowledge.time(usage.used_at)
            with self._session.as_service():
                self._session.run(
                    _COUNT_ON,
                    (int(usage.success is True), int(usage.success is False), used_at, used_at, usage.pattern_id),
                )

    def recent_outcomes(self, pattern_id: str, limit: int) -> list[bool]:
        """Known outcomes of its newest usages, newest first, ties by id."""
        rows = self._session.rows(
            "SELECT success FROM pattern_usages WHERE pattern_id = ? AND success IS NOT NULL "
            "ORDER BY used_at DESC, usage_id LIMIT ?",
            (*(known_ids([pattern_id]) or [None]), limit),
        )
        return [bool(row[0]) for row in rows]

    def save_standing(self, patterns: Sequence[Pattern]) -> None:
        """What changes with every use, alone."""
        codec, now = self._knowledge.patterns, self._clock()
        changes = ", ".join(f"{name} = ?" for name in _STANDING)
        self._session.many(
            f"UPDATE patterns SET {changes} WHERE pattern_id = ?",
            [codec.part(replace(pattern, updated_at=now), (*_STANDING, "pattern_id")) for pattern in patterns],
        )

    def save_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append."""
        codec = self._knowledge.audit
        self._session.many(_insert(codec), [codec.row(entry) for entry in entries])

    def raise_alert(self, alert: Alert) -> None:
        """Insert, count one more occurrence, or open again."""
        codec = self._knowledge.alerts
        self._session.run(_insert(codec) + _RAISE, codec.row(alert))

    def save_agent(self, agent: Agent) -> None:
        """Insert or replace; ``created_at`` of an existing row stays."""
        codec = self._knowledge.agents
        self._session.run(
            upsert(codec.table, codec.columns, "namespace, agent_id", keep=("created_at",)), codec.row(agent)
        )

    def save_token(self, token: Token) -> None:
        """Insert or replace by hash."""
        codec = self._knowledge.tokens
        self._session.run(upsert(codec.table, codec.columns, "hash"), codec.row(token))


def _insert(codec: RecordCodec[_RECORD]) -> str:
    marks = ", ".join("?" * len(codec.columns))
    return f"INSERT INTO {codec.table} ({', '.join(_quoted(codec.columns))}) VALUES ({marks})"


def _quoted(names: Sequence[str]) -> list[str]:
    # "before" and "after" are words of SQL.
    return [f'"{name}"' for name in names]
