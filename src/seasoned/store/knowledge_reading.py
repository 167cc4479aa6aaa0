"""Reading what was learned, and whole executions to learn from.

Whole executions are read by the batch: one statement each for traces, fingerprints, spans and artifacts, whatever the
number of executions. A batch is one read transaction; between batches nothing is held, so a learner may take minutes
over one without keeping the writer's log from being folded in.
"""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import TypeVar

from seasoned.model import (
    AgentChain,
    Artifact,
    Execution,
    FailureOccurrence,
    FailurePattern,
    Pattern,
    Resolution,
    Span,
    Template,
)
from seasoned.model.versions import version_order
from seasoned.store.dialect import Dialect, among, bytewise, ids_parameter, prefix_bounds, unindexed, zero_ids
from seasoned.store.knowledge_port import FailureQuery, PatternQuery
from seasoned.store.knowledge_rows import RecordCodec, knowledge_codec_of, known_ids, storable
from seasoned.store.rows import ARTIFACT_SELECT, FINGERPRINT_SELECT, SPAN_SELECT, TRACE_SELECT, codec_of
from seasoned.store.session import Engine, Row, Session
from seasoned.store.writing import UNKNOWN_NAMESPACE

__all__ = ["KnowledgeReads"]

_SHORTEST_PREFIX = 6
_PAGE = 500
"""Executions read by one statement when many are asked for by id."""
_TASK_PAGE = 5_000
_TRACE = ", ".join(f"t.{name}" for name in TRACE_SELECT) + ", t.fingerprint_id"
_PART = TypeVar("_PART", Span, Artifact)
_RECORD = TypeVar("_RECORD")


class KnowledgeReads:
    """The part of ``store.port.Store`` that is about knowledge."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect: Dialect = engine.dialect
        self._codec = codec_of(engine.dialect)
        self._knowledge = knowledge_codec_of(engine.dialect)

    def _among(self, ids: Iterable[str]) -> tuple[object]:
        return (ids_parameter(self._dialect, sorted(set(ids))),)

    def _named(self, codec: RecordCodec[_RECORD], column: str, namespace: str, key: str) -> list[_RECORD]:
        """What ``key`` names: the one record whose id begins with it, else every record with this in ``column``."""
        if not (storable(key) and storable(namespace)):
            return []
        select = f"SELECT {codec.selected} FROM {codec.table} WHERE"
        rows: list[Row] = []
        with self._engine.reading() as session:
            bounds = prefix_bounds(key)
            if bounds is not None and len(key) >= _SHORTEST_PREFIX:
                rows = session.rows(
                    f"{select} {codec.key} BETWEEN ? AND ? AND {unindexed(self._dialect, 'namespace')} = ? LIMIT 2",
                    (*bounds, namespace),
                )
            if len(rows) != 1:
                rows = session.rows(f"{select} namespace = ? AND {column} = ?", (namespace, key))
        return [codec.record(row) for row in rows]

    def _matching(
        self, codec: RecordCodec[_RECORD], conditions: str, values: Sequence[object], order: str, page: tuple[int, int]
    ) -> list[_RECORD]:
        # Ids first, rows then: of 10,000 patterns of 12 KB the first 50 took 73 ms sorted whole, 13 ms so.
        with self._engine.reading() as session:
            chosen = session.rows(
                f"SELECT {codec.key} FROM {codec.table} WHERE {conditions} ORDER BY {order} LIMIT ? OFFSET ?",
                (*values, *page),
            )
            rows = session.rows(
                f"SELECT {codec.selected} FROM {codec.table} WHERE {among(self._dialect, codec.key)}",
                self._among(row[0] for row in chosen),
            )
        found = {row[0]: row for row in rows}
        return [codec.record(found[row[0]]) for row in chosen]

    # -- patterns and templates ----------------------------------------------------------------------------------
    def pattern(self, namespace: str, key: str) -> Pattern | None:
        """By id, by a unique prefix of it, or by name: then its highest version, of several owners the lowest id."""
        found = self._named(self._knowledge.patterns, "pattern_name", namespace, key)
        found.sort(key=attrgetter("pattern_id"))
        return max(found, key=lambda pattern: version_order(pattern.version), default=None)

    def patterns(self, query: PatternQuery) -> list[Pattern]:
        """Highest confidence first, then name, then id."""
        # Of a few tasks: by way of the namespace's index all its patterns would be read.
        space = unindexed(self._dialect, "namespace") if query.fingerprint_ids else "namespace"
        conditions, values = [f"{space} = ?"], list[object]([query.namespace])
        equal = {
            "pattern_type": query.pattern_type,
            "category": query.category,
            "subcategory": query.subcategory,
            "extraction_method": query.extraction_method,
        }
        for column, value in equal.items():
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if query.status:
            conditions.append(among(self._dialect, "status", "text"))
            values += self._among(query.status)
        if query.fingerprint_ids:
            conditions.append(among(self._dialect, "fingerprint_id"))
            values += self._among(known_ids(query.fingerprint_ids))
        order = f"confidence_score DESC NULLS LAST, {bytewise(self._dialect, 'pattern_name')}, pattern_id"
        page = (query.limit, query.offset)
        return self._matching(self._knowledge.patterns, " AND ".join(conditions), values, order, page)

    def template(self, namespace: str, key: str) -> Template | None:
        """By id, by a unique prefix of it, or by name; of several owners the lowest id."""
        found = self._named(self._knowledge.templates, "template_name", namespace, key)
        return min(found, key=attrgetter("template_id"), default=None)

    def templates(
        self, namespace: str, *, derived_from: Sequence[str] = (), limit: int = 50, offset: int = 0
    ) -> list[Template]:
        """By name, then id."""
        conditions, values = "namespace = ?", list[object]([namespace])
        if derived_from:
            own = unindexed(self._dialect, "namespace")
            conditions = f"{own} = ? AND {among(self._dialect, 'derived_from_pattern_id')}"
            values += self._among(known_ids(derived_from))
        order = f"{bytewise(self._dialect, 'template_name')}, template_id"
        return self._matching(self._knowledge.templates, conditions, values, order, (limit, offset))

    # -- failures ------------------------------------------------------------------------------------------------
    def failure(self, namespace: str, key: str) -> FailurePattern | None:
        """By id, by a unique prefix of it, or by exact signature."""
        found = self._named(self._knowledge.failures, "signature", namespace, key)
        return found[0] if found else None

    def failures(self, query: FailureQuery) -> list[FailurePattern]:
        """Most frequent first, ties by signature."""
        conditions, values = ["namespace = ?"], list[object]([query.namespace])
        for column, value in (("failure_type", query.failure_type), ("failed_step", query.failed_step)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if query.since is not None:
            conditions.append("last_occurrence_at >= ?")
            values.append(self._codec.time(query.since))
        if query.resolved is not None:
            conditions.append(
                f"{'' if query.resolved else 'NOT '}EXISTS "
                "(SELECT 1 FROM resolutions r WHERE r.failure_id = failure_patterns.failure_id)"
            )
        order = f"occurrence_count DESC, {bytewise(self._dialect, 'signature')}"
        page = (query.limit, query.offset)
        return self._matching(self._knowledge.failures, " AND ".join(conditions), values, order, page)

    def resolutions(self, failure_ids: Sequence[str]) -> dict[str, list[Resolution]]:
        """Of each failure that has any, most often worked first, ties by id."""
        codec = self._knowledge.resolutions
        with self._engine.reading() as session:
            rows = session.rows(
                f"SELECT {codec.selected} FROM resolutions WHERE {among(self._dialect, 'failure_id')} "
                "ORDER BY times_worked DESC, resolution_id",
                self._among(known_ids(failure_ids)),
            )
        found: dict[str, list[Resolution]] = {}
        for resolution in map(codec.record, rows):
            found.setdefault(resolution.failure_id, []).append(resolution)
        return found

    def occurrences(self, failure_id: str, *, limit: int = 50) -> list[FailureOccurrence]:
        """Newest first, ties by id."""
        if not known_ids([failure_id]):
            return []
        order = "occurred_at DESC, occurrence_id"
        return self._matching(self._knowledge.occurrences, "failure_id = ?", (failure_id.lower(),), order, (limit, 0))

    def failures_mark(self, namespace: str) -> tuple[object, ...]:
        """Sums that change with whatever is learned or reported."""
        with self._engine.reading() as session:
            return (
                *session.rows(
                    "SELECT count(*), sum(occurrence_count), max(last_occurrence_at) FROM failure_patterns "
                    "WHERE namespace = ?",
                    (namespace,),
                )[0],
                *session.rows(
                    "SELECT count(*), sum(times_seen), sum(times_worked), max(last_worked_at) FROM resolutions "
                    "WHERE namespace = ?",
                    (namespace,),
                )[0],
                *session.rows(
                    "SELECT max(updated_at) FROM consumer_offsets WHERE substr(consumer, 1, ?) = ?",
                    (len(namespace) + 9, f"learner {namespace} "),
                )[0],
            )

    # -- chains --------------------------------------------------------------------------------------------------
    def chains(self, namespace: str, *, task_type: str | None = None, domain: str | None = None) -> list[AgentChain]:
        """Highest support first, ties by chain, then by id."""
        conditions, values = ["namespace = ?"], list[object]([namespace])
        for column, value in (("task_type", task_type), ("domain", domain)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        codec = self._knowledge.chains
        with self._engine.reading() as session:
            rows = session.rows(f"SELECT {codec.selected} FROM {codec.table} WHERE {' AND '.join(conditions)}", values)
        return sorted(map(codec.record, rows), key=lambda found: (-found.support, found.chain, found.chain_id))

    # -- executions ----------------------------------------------------------------------------------------------
    def executions(self, execution_ids: Sequence[str]) -> list[Execution]:
        """Those that exist, whole, in the order asked; each once."""
        wanted = list(dict.fromkeys(known_ids(execution_ids)))
        found: dict[str, Execution] = {}
        with self._engine.reading() as session:
            for start in range(0, len(wanted), _PAGE):
                rows = session.rows(
                    f"SELECT {_TRACE} FROM execution_traces t "
                    f"WHERE {among(self._dialect, 't.execution_id')} AND t.namespace <> '{UNKNOWN_NAMESPACE}'",
                    self._among(wanted[start : start + _PAGE]),
                )
                found |= {item.trace.execution_id: item for item in self._whole(session, rows)}
        return [found[key] for key in wanted if key in found]

    def all_executions(self, namespace: str, *, batch: int = 200) -> Iterator[list[Execution]]:
        """Every ended execution of the namespace, whole, in id order, ``batch`` at a time."""
        # In the order of the key: by way of the namespace's index every batch would sort the rest of the namespace.
        sql = (
            f"SELECT {_TRACE} FROM execution_traces t WHERE t.execution_id > ? AND "
            f"{unindexed(self._dialect, 't.namespace')} = ? AND {unindexed(self._dialect, 't.status')} <> 'in_progress' "
            "ORDER BY t.execution_id LIMIT ?"
        )
        last = zero_ids(self._dialect)
        while True:
            with self._engine.reading() as session:
                rows = session.rows(sql, (last, namespace, batch))
                found = self._whole(session, rows)
            if not found:
                return
            yield found
            last = found[-1].trace.execution_id

    def _whole(self, session: Session, rows: list[Row]) -> list[Execution]:
        if not rows:
            return []
        ids = self._among(row[0] for row in rows)
        fingerprints = session.rows(
            f"SELECT {', '.join(FINGERPRINT_SELECT)} FROM task_fingerprints "
            f"WHERE {among(self._dialect, 'fingerprint_id')}",
            self._among(row[-1] for row in rows if row[-1] is not None),
        )
        known = {
            item.fingerprint_id: item for item in (self._codec.fingerprint(row).fingerprint for row in fingerprints)
        }
        owned = among(self._dialect, "execution_id")
        spans = session.rows(f"SELECT {', '.join(SPAN_SELECT)} FROM spans WHERE {owned}", ids)
        artifacts = session.rows(f"SELECT {', '.join(ARTIFACT_SELECT)} FROM code_artifacts WHERE {owned}", ids)
        spans_of = _by_execution(map(self._codec.span, spans))
        artifacts_of = _by_execution(map(self._codec.artifact, artifacts))
        return [
            Execution(
                trace=self._codec.trace(row[:-1]),
                fingerprint=known.get(row[-1]),
                spans=tuple(sorted(spans_of.get(row[0], ()), key=attrgetter("number", "span_id"))),
                artifacts=tuple(sorted(artifacts_of.get(row[0], ()), key=attrgetter("file_path"))),
            )
            for row in rows
        ]

    def execution_tasks(self, namespace: str) -> Iterator[tuple[str, str, str | None]]:
        """(execution_id, fingerprint_id, session_id) of every ended execution with a prompt, in id order."""
        sql = (
            "SELECT t.execution_id, t.fingerprint_id, t.session_id FROM execution_traces t WHERE t.execution_id > ? AND "
            f"{unindexed(self._dialect, 't.namespace')} = ? AND {unindexed(self._dialect, 't.status')} <> 'in_progress' "
            f"AND {unindexed(self._dialect, 't.fingerprint_id')} IS NOT NULL ORDER BY t.execution_id LIMIT {_TASK_PAGE}"
        )
        last = zero_ids(self._dialect)
        while True:
            with self._engine.reading() as session:
                rows = session.rows(sql, (last, namespace))
            yield from rows
            if len(rows) < _TASK_PAGE:
                return
            last = rows[-1][0]


def _by_execution(parts: Iterable[_PART]) -> dict[str, list[_PART]]:
    found: dict[str, list[_PART]] = {}
    for part in parts:
        found.setdefault(part.execution_id, []).append(part)
    return found
