"""The store port, second half: what was learned. See ``store.port`` for transactions and errors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from seasoned.model import (
    AgentChain,
    Execution,
    FailureOccurrence,
    FailurePattern,
    FailureType,
    Pattern,
    PatternStatus,
    PatternType,
    Resolution,
    Template,
)

__all__ = ["FailureQuery", "KnowledgeStore", "KnowledgeWriting", "PatternQuery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternQuery:
    """Which patterns; every given condition must hold. Highest confidence first, then name, then id."""

    namespace: str
    status: tuple[PatternStatus, ...] = ()
    """Empty: any."""
    pattern_type: PatternType | None = None
    category: str | None = None
    """Task type."""
    subcategory: str | None = None
    """Domain."""
    extraction_method: str | None = None
    fingerprint_ids: tuple[str, ...] = ()
    """Empty: any."""
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureQuery:
    """Which failure patterns; every given condition must hold. Most frequent first, ties by signature."""

    namespace: str
    failure_type: FailureType | None = None
    failed_step: str | None = None
    resolved: bool | None = None
    """Whether any resolution is known."""
    since: datetime | None = None
    """Last occurrence at or after."""
    limit: int = 50
    offset: int = 0


class KnowledgeWriting(Protocol):
    """Part of ``Writing``: one atomic transaction.

    Whatever is saved: StoreConflictError when the id stands in another namespace; StoreError for a text with a NUL or
    half of a surrogate pair, a number that is not finite, a value out of its column's range (the message says what is
    allowed), or a reference to a row that is not there at the end of the transaction. ValueError for a naive time.
    """

    def save_patterns(self, patterns: Sequence[Pattern]) -> None:
        """Insert or replace by pattern_id; ``created_at`` of an existing row stays, ``updated_at`` becomes now.
        StoreConflictError when the name is taken in this version by another pattern of the same owner."""
        ...

    def delete_patterns(self, pattern_ids: Sequence[str]) -> None:
        """Those that exist; children move to the parent of the deleted one."""
        ...

    def save_templates(self, templates: Sequence[Template]) -> None:
        """Insert or replace by template_id."""
        ...

    def delete_templates(self, template_ids: Sequence[str]) -> None:
        """Those that exist."""
        ...

    def replace_failure(
        self,
        failure: FailurePattern,
        resolutions: Sequence[Resolution],
        occurrences: Sequence[FailureOccurrence],
    ) -> None:
        """The failure with everything mined about it. Mined resolutions and occurrences that are not given again go;
        recorded resolutions stay as they were recorded, and an occurrence may point to one. ``occurrence_count`` and
        the ``times_worked`` of mined resolutions are counted from the occurrences given, whatever the records say;
        ``times_seen`` is at least ``times_worked``. StoreConflictError when the signature stands under another id."""
        ...

    def delete_failures(self, failure_ids: Sequence[str]) -> None:
        """Those that exist, with their occurrences and resolutions."""
        ...

    def replace_chains(self, namespace: str, chains: Sequence[AgentChain]) -> None:
        """These are all chains of the namespace from now on."""
        ...


class KnowledgeStore(Protocol):
    """Part of ``Store``: reading. Every method answers for one namespace only."""

    def pattern(self, namespace: str, key: str) -> Pattern | None:
        """By id, by a unique prefix of an id (at least 6 characters), or by name (then its highest version)."""
        ...

    def patterns(self, query: PatternQuery) -> list[Pattern]:
        """Matching patterns."""
        ...

    def template(self, namespace: str, key: str) -> Template | None:
        """By id, by a unique prefix of at least 6 characters, or by name."""
        ...

    def templates(
        self, namespace: str, *, derived_from: Sequence[str] = (), limit: int = 50, offset: int = 0
    ) -> list[Template]:
        """By name, then id; of the patterns ``derived_from``, where any are named."""
        ...

    def failure(self, namespace: str, key: str) -> FailurePattern | None:
        """By id, by a unique prefix of at least 6 characters, or by exact signature."""
        ...

    def failures(self, query: FailureQuery) -> list[FailurePattern]:
        """Matching failure patterns."""
        ...

    def resolutions(self, failure_ids: Sequence[str]) -> dict[str, list[Resolution]]:
        """Of each failure that has any, most often worked first, ties by id."""
        ...

    def occurrences(self, failure_id: str, *, limit: int = 50) -> list[FailureOccurrence]:
        """Newest first, ties by id."""
        ...

    def failures_mark(self, namespace: str) -> tuple[object, ...]:
        """To compare with an earlier one: equal while nobody has learned, nor reported a failure or resolution. Cheap: a
        few sums over the rows of failures, none over occurrences."""
        ...

    def chains(self, namespace: str, *, task_type: str | None = None, domain: str | None = None) -> list[AgentChain]:
        """Highest support first, ties by chain."""
        ...

    def executions(self, execution_ids: Sequence[str]) -> list[Execution]:
        """Those that exist, whole, in the order of ``execution_ids``. Read in few statements."""
        ...

    def all_executions(self, namespace: str, *, batch: int = 200) -> Iterator[list[Execution]]:
        """Every ended execution of the namespace, whole, in id order, ``batch`` at a time. Memory is that of a
        batch. Executions that begin or end while it runs may or may not be among them."""
        ...

    def execution_tasks(self, namespace: str) -> Iterator[tuple[str, str, str | None]]:
        """(execution_id, fingerprint_id, session_id) of every ended execution with a prompt, in id order. Streams."""
        ...
