"""The store port, third part: the shared library. Every answer is inside the rights of ``reader``.

Who may read what is decided by ``library.access``; what is asked here is the same table as a condition of SQL, and on
PostgreSQL once more by row-level security, under the role ``seasoned_agent``, which owns nothing: these reads, and
``Store.writing(reader=…)``, run as that role with the reader's identity as settings of the transaction. A reader may
read a pattern that is

- of level ``public`` or ``system``, of whatever namespace; or
- of the reader's namespace and: its own, or ``team``, or ``shared`` and the reader is listed, or of ``LEARNER`` and the
  reader an admin.

See ``store.port`` for transactions and errors.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from seasoned.model import AccessLevel, Pattern, PatternStatus, PatternType
from seasoned.model.library import Agent, Alert, AuditEntry, Identity, PatternUsage, Token

__all__ = ["LibraryQuery", "LibraryStore", "LibraryWriting", "UsageCounts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryQuery:
    """Which patterns; every given condition must hold. Highest confidence first, then name, then id."""

    namespace: str | None = None
    """None: the reader's, and what is public or system elsewhere."""
    status: tuple[PatternStatus, ...] = ()
    """Empty: any, as in the other lists here."""
    pattern_type: PatternType | None = None
    category: str | None = None
    subcategory: str | None = None
    agent_id: str | None = None
    """Owner."""
    pattern_name: str | None = None
    """Exactly."""
    access_levels: tuple[AccessLevel, ...] = ()
    pattern_ids: tuple[str, ...] | None = None
    """None: any; an empty tuple: none at all."""
    fingerprint_ids: tuple[str, ...] = ()
    flag: str | None = None
    """Only those with this among their ``review_flags``."""
    min_success_rate: float = 0.0
    """0..1; above 0 a pattern whose rate is unknown is left out."""
    min_usage_count: int = 0
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCounts:
    """Usages of one pattern on one day (UTC)."""

    pattern_id: str
    day: str
    """ISO date."""
    uses: int
    successes: int
    failures: int
    total_ms: int
    """Of the usages that say how long they took."""
    timed: int
    """How many of them do."""


class LibraryStore(Protocol):
    """Part of ``Store``."""

    def library_revision(self) -> int:
        """Grows with every change to patterns, usages or templates, in any namespace, by any process. One cheap query,
        outside every right: it tells that something changed, not what."""
        ...

    def visible_pattern(self, reader: Identity, key: str) -> Pattern | None:
        """By id, by a unique prefix of an id (at least 6 characters, unique among what the reader may read), or by
        name: then the highest version, of several owners the reader's own, else the one with the lowest id."""
        ...

    def visible_patterns(self, reader: Identity, query: LibraryQuery) -> list[Pattern]:
        """Matching patterns."""
        ...

    def count_visible(self, reader: Identity, query: LibraryQuery) -> int:
        """How many match, ``limit`` and ``offset`` aside."""
        ...

    def keyword_patterns(self, reader: Identity, tokens: Sequence[str], query: LibraryQuery, limit: int) -> list[str]:
        """Ids of matching patterns whose ``keywords`` hold any of ``tokens``; most different tokens first, then id.
        Candidates only: the score is computed in Python."""
        ...

    def family(self, reader: Identity, pattern_id: str) -> list[Pattern]:
        """The pattern, its ancestors, and every descendant of them, as far as the reader may read them, in id order.
        What may not be read does not cut off what hangs below it. Ends also where rows form a cycle."""
        ...

    def usages(self, reader: Identity, pattern_id: str, *, limit: int = 50) -> list[PatternUsage]:
        """Newest first, ties by id, of a pattern that the reader may read: those of the reader's namespace."""
        ...

    def used_by(self, reader: Identity, *, limit: int = 50) -> list[str]:
        """Ids of the patterns that the reader itself used, last used first, each once; only those it may read."""
        ...

    def recent_outcomes(self, pattern_id: str, limit: int) -> list[bool]:
        """Known outcomes of its newest usages, newest first, whatever the namespace: counts, no contents."""
        ...

    def usage_counts(self, reader: Identity, *, since: datetime, query: LibraryQuery) -> list[UsageCounts]:
        """Per pattern that matches and day, from ``since`` on, by pattern and day: sums over every user's usages."""
        ...

    def audit(self, reader: Identity, *, subject: str | None = None, limit: int = 50) -> list[AuditEntry]:
        """Newest first: entries about patterns that the reader may read, or once owned; of the whole namespace for a
        librarian or administrator, but for entries about another's private pattern."""
        ...

    def alerts(self, namespace: str, *, open_only: bool = True) -> list[Alert]:
        """Newest first."""
        ...

    def agents(self, namespace: str) -> list[Agent]:
        """By id."""
        ...

    def tokens(self, namespace: str) -> list[Token]:
        """Oldest first."""
        ...

    def token(self, token_hash: str) -> Token | None:
        """The one with this hash."""
        ...


class LibraryWriting(Protocol):
    """Part of ``Writing``: one atomic transaction.

    In a transaction of ``Store.writing(reader=…)`` everything runs inside the reader's rights; a change outside them
    raises AccessDeniedError on PostgreSQL (row-level security), and is prevented by the caller on SQLite.
    """

    def pattern(self, pattern_id: str) -> Pattern | None:
        """As it stands in this transaction (on PostgreSQL: if the reader may read it)."""
        ...

    def save_usage(self, usage: PatternUsage) -> None:
        """Insert; the pattern's ``usage_count``, ``success_count``, ``failure_count`` and ``last_used_at`` are counted
        on in the same transaction, by the store itself and not with the reader's rights. A usage whose id is there
        changes nothing. NotFoundError where the pattern is not there, or the reader may not read it (PostgreSQL)."""
        ...

    def as_service(self) -> AbstractContextManager[None]:
        """Within the block, statements of this transaction run with the rights of the service itself: for what follows
        from a change that was allowed (counters, rates, flags, audit entries, embeddings). No-op without a reader."""
        ...

    def save_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append."""
        ...

    def raise_alert(self, alert: Alert) -> None:
        """Insert, or count one more occurrence of an open one with this id; a recovered one is opened again."""
        ...

    def save_agent(self, agent: Agent) -> None:
        """Insert or replace by (namespace, agent_id); ``created_at`` of an existing row stays."""
        ...

    def save_token(self, token: Token) -> None:
        """Insert or replace by hash."""
        ...

    def save_pattern_embeddings(self, model: str, vectors: Sequence[tuple[str, str, Sequence[float]]]) -> None:
        """(namespace, pattern_id, vector) rows, replacing older vectors of the same model."""
        ...
