"""The store port, fourth part: taking executions out, with everything that was derived from them row by row.

What is forgotten is gone from every table, not marked: the traces with spans and artifacts, the entries of the event log
that told of them, dead letters, failure occurrences, advice and routing decisions, fingerprints that no other execution
has. Their ids stay behind, alone, so that a later import of the same transcript cannot bring them back. What was *learned*
from them is the business of ``workers.forgetting``, in the same transaction. See ``store.port`` for transactions and errors.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from seasoned.model import AuditEntry, Document, Fingerprint, Pattern, PatternUsage, Span

if TYPE_CHECKING:
    from seasoned.store.port import Store, Writing

__all__ = ["ForgettingStore", "ForgettingWriting", "Forgotten", "Holdings", "Selection", "TaskSource"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which executions of one namespace are meant: those that any of the conditions names, and all they delegated."""

    execution_ids: tuple[str, ...] = ()
    session_id: str | None = None
    user_id: str | None = None
    agent: str | None = None
    """Name or id of the agent that acted."""
    everything: bool = False
    """Every execution of the namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """How much is stored of some executions."""

    executions: int
    children: int
    """Of them, those that another execution delegated."""
    spans: int
    artifacts: int
    failures: int
    """Failing calls that were learned from."""
    advice: int
    usages: int
    """Applications of patterns in one of them; these stay, without what was said of the execution."""
    tasks: int
    """Fingerprints that no other execution has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSource:
    """What one execution says about its task."""

    prompt: str
    technology_stack: tuple[str, ...]
    files: tuple[str, ...]
    """Paths of its artifacts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What ``forget_executions`` took out, and what that touches."""

    holdings: Holdings
    events: int
    dead_letters: int
    fingerprints: tuple[str, ...] = ()
    """Ids of those that lost executions and have others; sorted, as in the other fields."""
    sessions: tuple[str, ...] = ()
    """Sessions that lost executions."""
    parents: tuple[str, ...] = ()
    """Executions that stay and had delegated one of those."""
    failures: tuple[str, ...] = ()
    """Ids of failure patterns that lost occurrences."""
    shared: tuple[Span, ...] = ()
    """Calls of theirs that others tell of too, as these tell of them; to be saved again."""
    by_resolution: Mapping[str, int] = field(default_factory=dict[str, int])
    """Recorded resolutions, with the lost occurrences that had named them."""


class ForgettingStore(Protocol):
    """Part of ``Store``."""

    def selected(self, namespace: str, selection: Selection) -> list[str]:
        """Ids of the executions meant, with all that they delegated, sorted."""
        ...

    def holdings(self, execution_ids: Sequence[str]) -> Holdings:
        """How much is stored of them."""
        ...

    def forgotten_ids(self, namespace: str, execution_ids: Sequence[str]) -> set[str]:
        """Those of ``execution_ids`` that were forgotten; an id may be a prefix of at least 6 characters."""
        ...

    def come_late(self, namespace: str) -> list[str]:
        """Ids of executions that are here although they were forgotten, sorted: their rows came before the event that
        told that a forgotten one had delegated them."""
        ...

    def held_about(
        self, namespace: str, identities: Sequence[str], execution_ids: Sequence[str]
    ) -> Iterator[tuple[str, Pattern | PatternUsage | AuditEntry | Document]]:
        """What is held about these agents or users beside their executions, by kind and id: ``pattern`` (their own),
        ``pattern_usage`` and ``advice`` (by or to them, or in one of these executions), ``agent_routing_decision`` (in
        one of these executions), ``audit_entry`` (what they did). Streams."""
        ...

    def within(self, writing: "Writing") -> "Store":
        """This store as it stands inside an open write transaction: its answers see what was written there, and its
        own ``writing()`` is that transaction. Single-threaded, and of use only while the transaction is open."""
        ...

    def scrub(self) -> bool:
        """Give the space of what was deleted back, so that its bytes stand in the database's files no more; outside
        any transaction. False where SQLite's write-ahead log could not be emptied because another process reads; it
        empties it when that is done. On PostgreSQL: VACUUM, which frees rows for reuse and is no erasure of the disk."""
        ...


class ForgettingWriting(Protocol):
    """Part of ``Writing``: one atomic transaction."""

    def forgotten(self, execution_ids: Iterable[str]) -> set[str]:
        """Those of them that were forgotten, in any namespace."""
        ...

    def remember_forgotten(self, namespace: str, execution_ids: Iterable[str]) -> None:
        """From now on these are forgotten: events of them have no effect."""
        ...

    def drop_events(self, event_ids: Sequence[str]) -> int:
        """Take entries out of the log, with their dead letters; how many there were. Other positions stay."""
        ...

    def forget_executions(self, namespace: str, execution_ids: Sequence[str], *, remember: bool = True) -> Forgotten:
        """Take these executions of ``namespace`` out. ``execution_ids`` must hold whatever they delegated, as
        ``selected`` gives it. Reads the whole log, since an execution may be told of by any event.

        What stays is left to ``save_spans`` (of ``shared``), ``reshape_tasks`` and ``refresh_derived``.
        """
        ...

    def forget_person(self, namespace: str, agent_id: str) -> dict[str, int]:
        """What is stored about this agent or user beside executions: private patterns of its own and advice to it go,
        usages keep their count and lose who and what, audit entries keep who, what and when. Rows touched, by name."""
        ...

    def forget_learned(self, namespace: str) -> dict[str, int]:
        """All patterns, templates, failures, chains, advice, figures and alerts of the namespace go. Rows, by name."""
        ...

    def quiet(self, namespace: str, subjects: Sequence[str]) -> None:
        """Audit entries and alerts about ``subjects``, and about patterns of ``namespace`` that were deleted, keep who, what
        and when, and lose what was said."""
        ...

    def drop_pattern_vectors(self, pattern_ids: Sequence[str]) -> None:
        """Their vectors go: the words that they were made of have changed."""
        ...

    def task_sources(self, fingerprint_ids: Sequence[str]) -> dict[str, list[TaskSource]]:
        """What the executions of each fingerprint say about it."""
        ...

    def reshape_tasks(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Existing fingerprints show exactly this spelling, with these keywords, file patterns and stack."""
        ...

    def drop_import_state(self, files: Sequence[str]) -> None:
        """Files that were read are new again."""
        ...

    def last_forgetting(self, namespace: str) -> int:
        """Grows with every forgetting; 0 where there was none. Whoever computes something from rows outside the
        transaction that saves it compares: what it read may be gone."""
        ...

    def learned_before(self, namespace: str) -> bool:
        """Whether the learner has ever run on ``namespace``."""
        ...
