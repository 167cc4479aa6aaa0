"""Reading history and the event log. Every method is one read transaction: it sees one state of the database."""

import zlib
from collections.abc import Callable, Sequence
from datetime import datetime

from seasoned.errors import EventError
from seasoned.model import Artifact, Event, Span, Trace
from seasoned.model.codec import decode_payload
from seasoned.store.dialect import Dialect, among, ids_parameter, prefix_bounds
from seasoned.store.port import Counts, DeadLetter, Delivery, ImportState, StoredFingerprint, TraceQuery
from seasoned.store.rows import (
    ARTIFACT_SELECT,
    EVENT_COLUMNS,
    FINGERPRINT_SELECT,
    SPAN_SELECT,
    TRACE_SELECT,
    codec_of,
)
from seasoned.store.session import Engine, Row, Session

__all__ = ["HistoryReads"]

_TRACE = ", ".join(f"t.{name}" for name in TRACE_SELECT)
_NEWEST = "t.started_at DESC NULLS LAST, t.execution_id"
_SHORTEST_PREFIX = 6
_FEW_FINGERPRINTS = 1_000
_LOG = "SELECT position, " + ", ".join(EVENT_COLUMNS) + " FROM events WHERE position > ? ORDER BY position LIMIT ?"


def _query_traces(
    query: TraceQuery, time: Callable[[datetime], object], *, kind_first: bool | None
) -> tuple[str, list[object]]:
    """SQL and parameters of a trace query; ``time`` encodes a time for the engine.

    ``kind_first`` settles for SQLite, which keeps no statistics, whether fingerprints of the wanted domain and type
    are found first (few of them) or traces are walked in order until there are enough (many); None leaves it to the
    planner. Where fingerprints come first, each one's traces are read from ``ix_execution_traces_fingerprint`` (a plus
    hides the other columns from the planner, which would read every trace of the namespace once for each fingerprint:
    2.5 s of 100,000 traces), and only ids and times are sorted before the rows are fetched. That index has no
    namespace: a fingerprint's id is made of it, so that its traces are of no other.
    """
    plain = "+" if kind_first else ""
    conditions = ["f.namespace = ?" if kind_first else "t.namespace = ?"]
    values: list[object] = [query.namespace]
    equal: dict[str, object] = {
        f"{plain}t.status": query.status,
        "t.source": query.source,
        "t.agent_name": query.agent_name,
        f"{plain}t.session_id": query.session_id,
        "t.fingerprint_id": query.fingerprint_id,
        "f.domain": query.domain,
        "f.task_type": query.task_type,
    }
    for column, value in equal.items():
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    for condition, moment in ((f"{plain}t.started_at >= ?", query.since), (f"{plain}t.started_at < ?", query.until)):
        if moment is not None:
            conditions.append(condition)
            values.append(time(moment))
    if query.roots_only:
        conditions.append(f"{plain}t.parent_id IS NULL")
    kinds = query.domain is not None or query.task_type is not None
    tables = "execution_traces t"
    if kinds:
        match kind_first:
            case None:
                tables = "execution_traces t, task_fingerprints f"
            case True:
                tables = "task_fingerprints f CROSS JOIN execution_traces t"
            case False:
                tables = "execution_traces t CROSS JOIN task_fingerprints f"
        same = "" if kind_first else "f.namespace = t.namespace AND "
        conditions.append(f"{same}f.fingerprint_id = t.fingerprint_id")
    if kind_first:
        chosen = f"SELECT t.execution_id FROM {tables} WHERE {' AND '.join(conditions)}"
        sql = (
            f"SELECT {_TRACE} FROM execution_traces t "
            f"WHERE t.execution_id IN ({chosen} ORDER BY {_NEWEST} LIMIT ? OFFSET ?) ORDER BY {_NEWEST}"
        )
        return sql, [*values, query.limit, query.offset]
    sql = f"SELECT {_TRACE} FROM {tables} WHERE {' AND '.join(conditions)} ORDER BY {_NEWEST} LIMIT ? OFFSET ?"
    return sql, [*values, query.limit, query.offset]


def _kind_first(session: Session, query: TraceQuery) -> bool | None:
    if session.dialect != "sqlite" or (query.domain is None and query.task_type is None):
        return None
    if query.domain is None:
        return False
    found = session.rows(
        "SELECT count(*) FROM (SELECT 1 FROM task_fingerprints WHERE namespace = ? AND domain = ? LIMIT ?)",
        (query.namespace, query.domain, _FEW_FINGERPRINTS + 1),
    )
    return found[0][0] <= _FEW_FINGERPRINTS


def _summed(groups: Sequence[Row], place: int) -> dict[str, int]:
    """Traces by the value at ``place``, most first."""
    counts: dict[str, int] = {}
    for group in groups:
        counts[group[place]] = counts.get(group[place], 0) + group[2]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


class HistoryReads:
    """Half of ``store.port.Store``: traces and what belongs to them, the log, what was imported."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect: Dialect = engine.dialect
        self._codec = codec_of(engine.dialect)

    def trace(self, namespace: str, execution_id: str) -> Trace | None:
        """One trace by its id or a prefix of it; None where none or several begin with it."""
        bounds = prefix_bounds(execution_id)
        if bounds is None or len(execution_id) < _SHORTEST_PREFIX:
            return None
        with self._engine.reading() as session:
            found = session.rows(
                f"SELECT {_TRACE} FROM execution_traces t "
                "WHERE t.execution_id BETWEEN ? AND ? AND t.namespace = ? LIMIT 2",
                (*bounds, namespace),
            )
        return self._codec.trace(found[0]) if len(found) == 1 else None

    def traces(self, query: TraceQuery) -> list[Trace]:
        """Matching traces, newest first."""
        with self._engine.reading() as session:
            sql, parameters = _query_traces(query, self._codec.time, kind_first=_kind_first(session, query))
            found = session.rows(sql, parameters)
        return [self._codec.trace(row) for row in found]

    def children(self, execution_id: str) -> list[Trace]:
        """Traces delegated by this one, by start."""
        if prefix_bounds(execution_id) is None:
            return []
        with self._engine.reading() as session:
            found = session.rows(
                f"SELECT {_TRACE} FROM execution_traces t WHERE t.parent_id = ? "
                "ORDER BY t.started_at NULLS LAST, t.execution_id",
                (execution_id,),
            )
        return [self._codec.trace(row) for row in found]

    def spans(self, execution_id: str) -> list[Span]:
        """By number."""
        with self._engine.reading() as session:
            found = session.rows(
                f"SELECT {', '.join(SPAN_SELECT)} FROM spans WHERE execution_id = ? ORDER BY number, span_id",
                (execution_id,),
            )
        return [self._codec.span(row) for row in found]

    def artifacts(self, execution_id: str) -> list[Artifact]:
        """By path."""
        with self._engine.reading() as session:
            found = session.rows(
                f"SELECT {', '.join(ARTIFACT_SELECT)} FROM code_artifacts WHERE execution_id = ?", (execution_id,)
            )
        # Here, because the engines disagree about the order of texts.
        return sorted(map(self._codec.artifact, found), key=lambda artifact: artifact.file_path)

    def counts(self, namespace: str) -> Counts:
        """Size of the history; from the counters that traces carry, in one pass over them."""
        with self._engine.reading() as session:
            groups = session.rows(
                "SELECT status, coalesce(source, 'unknown'), count(*), count(parent_id), sum(span_count), "
                "sum(failed_span_count), coalesce(sum(total_tokens_used), 0) "
                "FROM execution_traces WHERE namespace = ? GROUP BY 1, 2",
                (namespace,),
            )
            sessions = session.rows(
                "SELECT count(DISTINCT session_id) FROM execution_traces WHERE namespace = ?", (namespace,)
            )[0][0]
            artifacts = session.rows("SELECT count(*) FROM code_artifacts WHERE namespace = ?", (namespace,))[0][0]
            fingerprints = session.rows(
                "SELECT fingerprints FROM keyword_counts WHERE namespace = ? AND token = ''", (namespace,)
            )
        traces, children, spans, failed, tokens = (int(sum(row[place] for row in groups)) for place in range(2, 7))
        return Counts(
            sessions=sessions,
            traces=traces,
            child_traces=children,
            spans=spans,
            failed_spans=failed,
            artifacts=artifacts,
            fingerprints=fingerprints[0][0] if fingerprints else 0,
            tokens=tokens,
            by_status=_summed(groups, 0),
            by_source=_summed(groups, 1),
        )

    def fingerprints(self, fingerprint_ids: Sequence[str]) -> dict[str, StoredFingerprint]:
        """Those that exist, in the order asked."""
        if not fingerprint_ids:
            return {}
        with self._engine.reading() as session:
            rows = session.rows(
                f"SELECT {', '.join(FINGERPRINT_SELECT)} FROM task_fingerprints "
                f"WHERE {among(self._dialect, 'fingerprint_id')}",
                (ids_parameter(self._dialect, list(fingerprint_ids)),),
            )
        found = {stored.fingerprint.fingerprint_id: stored for stored in map(self._codec.fingerprint, rows)}
        return {key: found[key] for key in fingerprint_ids if key in found}

    def executions_of(self, fingerprint_ids: Sequence[str], *, per_fingerprint: int) -> dict[str, list[Trace]]:
        """Newest ``per_fingerprint`` traces of each; every id asked for is a key."""
        result: dict[str, list[Trace]] = {}
        with self._engine.reading() as session:
            for fingerprint_id in fingerprint_ids:
                # One prepared statement that reads only what it returns: faster than a window over all executions.
                rows = session.rows(
                    f"SELECT {_TRACE} FROM execution_traces t WHERE t.fingerprint_id = ? ORDER BY {_NEWEST} LIMIT ?",
                    (fingerprint_id, per_fingerprint),
                )
                result[fingerprint_id] = [self._codec.trace(row) for row in rows]
        return result

    # -- event log -----------------------------------------------------------------------------------------------
    def read_log(self, after: int, limit: int) -> list[Delivery]:
        """Entries behind position ``after``, in order."""
        with self._engine.reading() as session:
            rows = session.rows(_LOG, (after, limit))
        return [self._delivery(row) for row in rows]

    def _delivery(self, row: Row) -> Delivery:
        position, *values = row
        entry = dict(zip(EVENT_COLUMNS, values, strict=True))
        occurred_at = entry["occurred_at"]
        try:
            event = Event(
                event_id=entry["event_id"],
                topic=entry["topic"],
                key=entry["key"],
                occurred_at=self._codec.read_time(occurred_at),
                namespace=entry["namespace"],
                schema_version=entry["schema_version"],
                correlation_id=entry["correlation_id"],
                root_id=entry["root_id"],
                parent_id=entry["parent_id"],
                payload=decode_payload(entry["topic"], entry["schema_version"], zlib.decompress(entry["payload"])),
            )
        except (EventError, zlib.error) as error:
            return Delivery(
                position=position, event_id=entry["event_id"], topic=entry["topic"], event=None, error=str(error)
            )
        return Delivery(position=position, event_id=event.event_id, topic=event.topic, event=event)

    def dead_letters(self, consumer: str | None = None) -> list[DeadLetter]:
        """What could not be applied, in the order of the log."""
        condition, parameters = ("WHERE consumer = ? ", (consumer,)) if consumer is not None else ("", ())
        with self._engine.reading() as session:
            rows = session.rows(
                "SELECT event_id, consumer, topic, error, attempts, state, last_at FROM dead_letters "
                f"{condition}ORDER BY position, consumer",
                parameters,
            )
        return [
            DeadLetter(
                event_id=row[0],
                consumer=row[1],
                topic=row[2],
                error=row[3],
                attempts=row[4],
                state=row[5],
                last_at=self._codec.read_time(row[6]),
            )
            for row in rows
        ]

    def import_states(self, files: Sequence[str] | None = None) -> dict[str, ImportState]:
        """By file; of ``files`` alone, or all."""
        query = 'SELECT file, size, modified_ns, "offset", digest, state, importer FROM import_state'
        with self._engine.reading() as session:
            if files is None:
                rows = session.rows(f"{query} ORDER BY file")
            else:
                known = among(self._dialect, "file", "text")
                rows = session.rows(f"{query} WHERE {known} ORDER BY file", (ids_parameter(self._dialect, files),))
        return {
            row[0]: ImportState(
                file=row[0],
                size=row[1],
                modified_ns=row[2],
                offset=row[3],
                digest=row[4],
                state=self._codec.read_document(row[5]),
                importer=row[6],
            )
            for row in rows
        }
