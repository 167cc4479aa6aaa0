"""The store port: what the rest of Seasoned may ask of a database.

One implementation serves both dialects (``store.sql``). Its contract suite, ``seasoned.testing.stores``, runs on
SQLite and on PostgreSQL. Every method may raise the ``StoreError`` family of ``errors`` and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from seasoned.model import Artifact, Event, Fingerprint, FingerprintStats, Identity, Span, Status, Trace
from seasoned.model.events import NewerEvent
from seasoned.store.advice_port import AdviceStore, AdviceWriting
from seasoned.store.forgetting_port import ForgettingStore, ForgettingWriting
from seasoned.store.knowledge_port import KnowledgeStore, KnowledgeWriting
from seasoned.store.library_port import LibraryStore, LibraryWriting

__all__ = [
    "Appended",
    "Counts",
    "DeadLetter",
    "Delivery",
    "ImportState",
    "Store",
    "StoredFingerprint",
    "TraceQuery",
    "Writing",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFingerprint:
    """A fingerprint with its counters."""

    fingerprint: Fingerprint
    stats: FingerprintStats


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceQuery:
    """Which traces; every given condition must hold. Newest first, ties by id."""

    namespace: str
    domain: str | None = None
    task_type: str | None = None
    status: Status | None = None
    source: str | None = None
    agent_name: str | None = None
    session_id: str | None = None
    fingerprint_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    roots_only: bool = False
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Size of one namespace's history."""

    sessions: int
    traces: int
    child_traces: int
    spans: int
    failed_spans: int
    artifacts: int
    fingerprints: int
    tokens: int
    by_status: Mapping[str, int]
    by_source: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportState:
    """How far one file was imported."""

    file: str
    """Absolute path, or a stable name for what is no file."""
    size: int
    modified_ns: int
    offset: int
    """Byte where the next import resumes."""
    digest: str
    """Over head and tail of what was read (``capture.discover``), so that a rewritten file is noticed."""
    state: Mapping[str, object]
    """``Resume.state`` of the importer."""
    importer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """Which of the events handed over were new."""

    fresh: Sequence[Event]
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One entry of the log as a consumer gets it."""

    position: int
    event_id: str
    topic: str
    event: Event | None
    """None when the payload cannot be decoded; ``error`` then says why."""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that a consumer could not apply."""

    event_id: str
    consumer: str
    topic: str
    error: str
    attempts: int
    state: Literal["dead", "replayed"]
    last_at: datetime


class Writing(KnowledgeWriting, LibraryWriting, AdviceWriting, ForgettingWriting, Protocol):
    """One atomic write transaction, single-threaded. Leaving the block commits; an exception rolls everything back."""

    def append(self, events: Sequence[Event]) -> Appended:
        """Append to the event log; an event whose id is already there is left out. Positions grow in commit order.

        StoreError (that class itself) for an event that a log of either engine cannot hold: an id that is no UUID,
        a NUL in a text.
        """
        ...

    def append_newer(self, events: Sequence[NewerEvent]) -> None:
        """Append events of a newer version, which ``read_log`` delivers with a reason instead of an event; an event
        whose id is already there is left out."""
        ...

    def committed_offset(self, consumer: str) -> int:
        """Position up to which ``consumer`` has applied the log; 0 before the first."""
        ...

    def commit_offset(self, consumer: str, position: int) -> None:
        """Remember it, in this transaction."""
        ...

    def log_head(self) -> int:
        """Position of the newest entry; 0 for an empty log."""
        ...

    def traces(self, execution_ids: Sequence[str]) -> dict[str, Trace]:
        """Those that exist, locked for this transaction."""
        ...

    def namespaces(self, execution_ids: Sequence[str]) -> dict[str, str]:
        """Namespace of each execution that somebody has told of; stubs, which nobody owns yet, are left out."""
        ...

    def save_traces(self, traces: Sequence[tuple[Trace, str | None]]) -> None:
        """Insert or replace whole rows; each with the fingerprint_id of its prompt. The derived columns (step_count,
        tools_used, path_signature) are left to ``refresh_derived``. Unknown parent_id and root_id get stub rows."""
        ...

    def save_spans(self, spans: Sequence[Span]) -> None:
        """Insert; where the id exists the piece that knows more wins (an outcome over none, then the larger
        result_bytes), so that the order of arrival does not matter. A missing trace or parent span gets a stub.
        A span of another namespace stays as it is."""
        ...

    def save_artifacts(self, artifacts: Sequence[Artifact]) -> None:
        """Insert or merge by (execution_id, file_path). Of the optional fields, what is None leaves what was known: a
        change that is imported again does not wipe out what was measured. Of two pieces that tell how many lines
        changed, the one with more of them tells of the change (lines, hash and preview), whichever came first."""
        ...

    def save_fingerprints(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Insert those that are new, with their keyword counts and full-text entry; file patterns and stack of
        existing ones grow by union. Of several spellings of one prompt the row shows the one that sorts first."""
        ...

    def refresh_derived(self, execution_ids: Sequence[str], fingerprint_ids: Sequence[str]) -> None:
        """Recompute, from the rows as they now are, the derived columns of these traces and the counters of these
        fingerprints, and of those that the saves before have changed besides. Call once, after the last save."""
        ...

    def save_embeddings(self, model: str, vectors: Iterable[tuple[str, str, Sequence[float]]]) -> None:
        """(namespace, fingerprint_id, vector) rows, replacing older vectors of the same model."""
        ...

    def save_import_state(self, state: ImportState) -> None:
        """Insert or replace by file."""
        ...

    def save_dead_letter(self, delivery: Delivery, consumer: str, error: str) -> None:
        """Insert, or count one more attempt."""
        ...

    def resolve_dead_letter(self, event_id: str, consumer: str) -> None:
        """Mark as replayed."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """A nested block that can fail alone: on an exception its writes vanish and the exception goes on."""
        ...


class Store(KnowledgeStore, LibraryStore, AdviceStore, ForgettingStore, Protocol):
    """A database. Safe to share between threads; readers never wait for the writer."""

    def writing(self, *, durable: bool = True, reader: Identity | None = None) -> AbstractContextManager[Writing]:
        """Begin a write transaction. Writers queue; StoreBusyError after the configured time-out.

        ``durable``: on return from the block the commit is on disk (SQLite ``synchronous=FULL``). False may lose the
        last commits in a power cut, never in a crash of the process; only for what can be derived again.
        ``reader``: whose rights the transaction has; what they deny raises AccessDeniedError on PostgreSQL and is
        prevented by the caller on SQLite. None: those of the service.
        """
        ...

    def close(self) -> None:
        """Release every connection; the store must not be used afterwards."""
        ...

    # -- reading ---------------------------------------------------------------------------------------------
    def trace(self, namespace: str, execution_id: str) -> Trace | None:
        """One trace; a unique prefix of at least 6 characters will do. None when there is none."""
        ...

    def traces(self, query: TraceQuery) -> list[Trace]:
        """Matching traces."""
        ...

    def children(self, execution_id: str) -> list[Trace]:
        """Traces delegated by this one, by start."""
        ...

    def spans(self, execution_id: str) -> list[Span]:
        """By ``number``."""
        ...

    def artifacts(self, execution_id: str) -> list[Artifact]:
        """By path."""
        ...

    def counts(self, namespace: str) -> Counts:
        """Size of the history."""
        ...

    def fingerprints(self, fingerprint_ids: Sequence[str]) -> dict[str, StoredFingerprint]:
        """Those that exist."""
        ...

    def by_hash(self, namespace: str, *, task_hash: str | None = None, shape_hash: str | None = None) -> list[str]:
        """Fingerprint ids with this hash; at most 20, most executed first."""
        ...

    def executions_of(self, fingerprint_ids: Sequence[str], *, per_fingerprint: int) -> dict[str, list[Trace]]:
        """Newest ``per_fingerprint`` traces of each."""
        ...

    def keyword_candidates(self, namespace: str, tokens: Sequence[str], limit: int) -> list[str]:
        """Ids of fingerprints that contain any of ``tokens``, best full-text rank first. Candidates only: the score is
        computed in Python."""
        ...

    def document_frequencies(self, namespace: str, tokens: Sequence[str]) -> tuple[dict[str, int], int]:
        """In how many fingerprints each token stands, and how many fingerprints there are."""
        ...

    def without_embedding(self, model: str, limit: int) -> list[tuple[str, str, str]]:
        """(namespace, fingerprint_id, text to embed) of fingerprints that have no vector of this model yet."""
        ...

    def embeddings(self, namespace: str, model: str, *, after: str = "") -> Iterator[tuple[str, bytes]]:
        """(fingerprint_id, little-endian float32 bytes) in id order, ids greater than ``after``. Streams."""
        ...

    def embedding_count(self, namespace: str, model: str) -> int:
        """How many vectors of this model there are."""
        ...

    def embedding_mark(self, namespace: str, model: str) -> tuple[int, int, str]:
        """(how many vectors of this model, position of the last change to any vector, its owner), to compare with an
        earlier one: where they are equal nothing has changed. PostgreSQL, whose index is its own, counts only."""
        ...

    def embedding_changes(self, namespace: str, model: str, position: int) -> Iterator[tuple[str, bytes]]:
        """Vectors inserted or replaced at ``position`` or behind it, oldest change first; all of them, in id order,
        where the engine keeps no order of changes. Deletions show in the number alone. Streams."""
        ...

    # -- event log -------------------------------------------------------------------------------------------
    def read_log(self, after: int, limit: int) -> list[Delivery]:
        """Entries behind position ``after``, in order."""
        ...

    def dead_letters(self, consumer: str | None = None) -> list[DeadLetter]:
        """What could not be applied."""
        ...

    def import_states(self, files: Sequence[str] | None = None) -> dict[str, ImportState]:
        """By file; of ``files`` alone, as far as they are known, in time that does not grow with the others. None: all."""
        ...
