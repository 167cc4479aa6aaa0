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

from seasoned.model import AccessLevel, OriginTrust, Pattern, PatternStatus, PatternType
from seasoned.model.library import Agent, Alert, AuditEntry, Identity, PatternUsage, Token

__all__ = ["LibraryQuery", "LibraryStore", "LibraryWriting", "PatternCard", "TaskArea", "UsageCounts"]


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
class PatternCard:
    """What lists, ranks and sums need of a pattern; without its documents it reads in microseconds. Fields as there."""

    pattern_id: str
    pattern_name: str
    namespace: str
    agent_id: str
    category: str | None
    subcategory: str | None
    pattern_type: PatternType
    status: PatternStatus
    access_level: AccessLevel
    version: str
    parent_pattern_id: str | None
    successor_id: str | None
    fingerprint_id: str | None
    evidence_count: int
    evidence_success_count: int
    usage_count: int
    success_count: int
    failure_count: int
    success_rate: float | None
    confidence_score: float | None
    learning_weight: float | None
    validation_status: str | None
    origin_trust: OriginTrust
    technology_requirements: tuple[str, ...]
    review_flags: tuple[str, ...]
    last_used_at: datetime | None
    created_at: datetime
    updated_at: datetime


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskArea:
    """How much work of one kind there was, and how it went."""

    task_type: str
    domain: str
    executions: int
    successes: int
    failures: int


class LibraryStore(Protocol):
    """Part of ``Store``."""

    def library_revision(self) -> int:
        """Grows with every change to patterns, usages or templates, in any namespace, by any process. One cheap query,
        outside every right: it tells that something changed, not what."""
        ...

    def visible_pattern(self, reader: Identity, key: str) -> Pattern | None:
        """By id, by a unique prefix of an id (at least 6 characters, unique among what the reader may read), or by
        name: then of the reader's own, else of its namespace's, else of all, the highest version, ties by id."""
        ...

    def visible_patterns(self, reader: Identity, query: LibraryQuery) -> list[Pattern]:
        """Matching patterns."""
        ...

    def cards(self, reader: Identity, query: LibraryQuery) -> list[PatternCard]:
        """Matching patterns, ``limit`` and ``offset`` aside: all of them, by id. 10,000 in some 100 ms."""
        ...

    def strongest(self, reader: Identity, query: LibraryQuery, limit: int) -> list[PatternCard]:
        """The ``limit`` best of what matches, by 0.4 · success rate + 0.3 · min(uses / 10, 1) + 0.3 · confidence, what is
        unknown counting 0; ties by id."""
        ...

    def families(self, reader: Identity, pattern_ids: Sequence[str]) -> dict[str, list[PatternCard]]:
        """Of each of these, every version of its tree (as ``family``) that the reader may read, by id."""
        ...

    def words_held(
        self, reader: Identity, pattern_ids: Sequence[str], tokens: Sequence[str]
    ) -> dict[str, frozenset[str]]:
        """Which of ``tokens`` are among the keywords of each of these patterns that the reader may read; those that hold
        none are left out."""
        ...

    def count_visible(self, reader: Identity, query: LibraryQuery) -> int:
        """How many match, ``limit`` and ``offset`` aside."""
        ...

    def keyword_patterns(self, reader: Identity, tokens: Sequence[str], query: LibraryQuery, limit: int) -> list[str]:
        """Ids of matching patterns whose ``keywords`` hold any of ``tokens``; most different tokens first, then id.
        Candidates only: the score is computed in Python."""
        ...

    def nearest_patterns(
        self, reader: Identity, model: str, vector: Sequence[float], query: LibraryQuery, limit: int
    ) -> list[tuple[str, float]]:
        """(id, cosine) of matching patterns that have a vector of this model, nearest first, ties by id. Exact.

        ``vector`` is L2-normalised. On 10,000 patterns of 384 dimensions it must take milliseconds when asked again:
        SQLite's may keep the vectors in memory, under the mark of the table."""
        ...

    def pattern_vectors(self, reader: Identity, model: str, pattern_ids: Sequence[str]) -> dict[str, bytes]:
        """Vectors of this model (little-endian float32) of those that the reader may read and that have one."""
        ...

    def without_pattern_embedding(self, model: str, limit: int) -> list[Pattern]:
        """Patterns of any namespace that have no vector of this model yet, by id; for the service, not for a reader."""
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

    def usage_counts(self, reader: Identity, *, since: datetime, query: LibraryQuery) -> list[UsageCounts]:
        """Per pattern that matches and day, from ``since`` on, by pattern and day: sums over every user's usages.
        ``limit`` and ``offset`` of the query aside."""
        ...

    def audit(self, reader: Identity, *, subject: str | None = None, limit: int = 50) -> list[AuditEntry]:
        """Newest first, of the reader's namespace only: its own moves, and entries about patterns that it may read, or
        once created; for a librarian or administrator all but those about another's private pattern, also one that is
        deleted: private is what its ``delete`` entry says in ``before["access_level"]``, or says nothing about."""
        ...

    def task_areas(self, namespace: str) -> list[TaskArea]:
        """Sums over the tasks (fingerprints) of the namespace by type and domain; most executions first, then by type
        and domain."""
        ...

    def technologies(self, namespace: str) -> list[str]:
        """Distinct entries of ``technology_stack`` among the tasks of the namespace last seen in its newest 90 days
        (counted back from the newest task), sorted."""
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

    def recent_outcomes(self, pattern_id: str, limit: int) -> list[bool]:
        """Known outcomes of its newest usages, newest first (ties by id), this transaction's included, whatever the
        namespace: counts, no contents. Asked within ``as_service``."""
        ...

    def save_standing(self, patterns: Sequence[Pattern]) -> None:
        """Of existing patterns write ``success_rate``, ``confidence_score``, ``review_flags`` and ``status`` alone, with
        ``updated_at``: what changes with every use, a narrow update."""
        ...

    def save_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append."""
        ...

    def raise_alert(self, alert: Alert) -> None:
        """Insert, or count one more occurrence of an open one with this id; a recovered one is opened again, as
        a new one."""
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
