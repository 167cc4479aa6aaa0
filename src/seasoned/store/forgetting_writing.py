"""Taking executions out of every table, inside the one write transaction.

Invariant: afterwards the rows are those of a store that never heard of these executions, but for clocks, row numbers,
positions of the log, the audit log, and the ids in ``forgotten``. Most of it the schema does by itself (ON DELETE
CASCADE, triggers for words and vectors). What it cannot know is done here: an execution may be told of by any event of the
log; a call that two executions tell of (a forked session repeats its beginning) belongs to the other one again; stubs
stand for executions that only the forgotten ones mentioned.
"""

import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from seasoned.errors import EventError
from seasoned.model import ExecutionUpdate, Fingerprint, Span
from seasoned.model.codec import decode_payload
from seasoned.store.dialect import among, ids_parameter
from seasoned.store.forgetting_knowledge import CHUNK, KnowledgeForgetting
from seasoned.store.forgetting_port import Forgotten, TaskSource
from seasoned.store.forgetting_reading import holdings_of
from seasoned.store.knowledge_rows import known_ids
from seasoned.store.rewording import reword
from seasoned.store.rows import codec_of

__all__ = ["ForgettingWrites"]

_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class _TracePart(msgspec.Struct):
    execution_id: str


class _SpanPart(msgspec.Struct):
    span_id: str
    execution_id: str


class _ArtifactPart(msgspec.Struct):
    execution_id: str


class _Told(msgspec.Struct):
    """The ids in a payload; everything else is passed over, which is some twenty times faster than decoding it."""

    trace: _TracePart
    spans: list[_SpanPart] = []
    artifacts: list[_ArtifactPart] = []

    def tells_of(self, execution_ids: Collection[str]) -> bool:
        """Whether any part is of one of these; parts of others than the trace's make it a dead letter."""
        return self.trace.execution_id in execution_ids or any(
            each.execution_id in execution_ids for each in (*self.spans, *self.artifacts)
        )


_told = msgspec.json.Decoder(_Told)


@dataclass(slots=True)
class _Scan:
    """What the log says of the executions that go."""

    positions: list[int] = field(default_factory=list[int])
    event_ids: list[str] = field(default_factory=list[str])
    keys: set[str] = field(default_factory=set[str])
    """Keys of their events; of an execution that has ended, its fingerprint at the time."""
    shared: list[Span] = field(default_factory=list[Span])
    """Spans of theirs as other executions tell of them."""


@dataclass(slots=True)
class _LostReports:
    """Occurrences of failures that go."""

    failures: set[str] = field(default_factory=set[str])
    by_resolution: Counter[str] = field(default_factory=Counter[str])


class ForgettingWrites(KnowledgeForgetting):
    """The part of ``store.port.Writing`` that is about forgetting."""

    # -- what was forgotten --------------------------------------------------------------------------------------
    def forgotten(self, execution_ids: Iterable[str]) -> set[str]:
        """Those that were forgotten."""
        ids = sorted(set(known_ids(execution_ids)))
        sql = f"SELECT execution_id FROM forgotten WHERE {among(self._dialect, 'execution_id')}"
        return {row[0] for row in self._rows_of(sql, ids)}

    def remember_forgotten(self, namespace: str, execution_ids: Iterable[str]) -> None:
        """Events of these have no effect from now on."""
        at = codec_of(self._dialect).time(self._clock())
        self._session.many(
            "INSERT INTO forgotten (execution_id, namespace, at) VALUES (?, ?, ?) ON CONFLICT (execution_id) DO NOTHING",
            [(execution_id, namespace, at) for execution_id in sorted(set(known_ids(execution_ids)))],
        )

    def drop_events(self, event_ids: Sequence[str]) -> int:
        """Take entries out of the log, with their dead letters."""
        ids = known_ids(event_ids)
        self._run_on(f"DELETE FROM dead_letters WHERE {among(self._dialect, 'event_id')}", ids)
        dropped = self._run_on(f"DELETE FROM events WHERE {among(self._dialect, 'event_id')}", ids)
        self._mind_the_head()
        return dropped

    def _mind_the_head(self) -> None:
        """No consumer is ahead of the log. Positions are not used twice, so that nothing new can be missed."""
        self._session.run(
            "UPDATE consumer_offsets SET position = (SELECT coalesce(max(position), 0) FROM events) "
            "WHERE position > (SELECT coalesce(max(position), 0) FROM events)"
        )

    # -- executions ----------------------------------------------------------------------------------------------
    def forget_executions(self, namespace: str, execution_ids: Sequence[str], *, remember: bool = True) -> Forgotten:
        """Take these executions out of every table."""
        session, dialect = self._session, self._dialect
        if dialect == "sqlite":
            session.rows("PRAGMA secure_delete=ON")  # what is freed is overwritten, should VACUUM never come
        theirs = among(dialect, "execution_id")
        ids = [
            row[0]
            for row in self._rows_of(
                f"SELECT execution_id FROM execution_traces WHERE {theirs} AND namespace = ?",
                known_ids(execution_ids),
                namespace,
            )
        ]
        gone = set(ids)
        holdings = holdings_of(session, ids)
        tasks, sessions, parents = set[str](), set[str](), set[str]()
        for task, session_id, parent, root in self._rows_of(
            f"SELECT fingerprint_id, session_id, parent_id, root_id FROM execution_traces WHERE {theirs}", ids
        ):
            tasks |= {task} if task else set()
            sessions |= {session_id} if session_id else set()
            parents |= {each for each in (parent, root) if each and each not in gone}
        spans = {row[0] for row in self._rows_of(f"SELECT span_id FROM spans WHERE {theirs}", ids)}
        ended = self._ended_sessions(namespace, sessions, gone)
        scan = self._scan(namespace, gone | self._advice_of(namespace, ids, ended), spans)
        lost = _LostReports()
        self._count_reports("execution_id", ids, lost)
        self._run_on(f"DELETE FROM agent_routing_decisions WHERE {theirs}", ids)
        self._run_on(f"UPDATE pattern_usages SET context_data = NULL WHERE {theirs}", ids)
        self._run_on(
            "DELETE FROM embeddings WHERE owner_kind = 'file' AND owner_id IN "
            f"(SELECT artifact_id FROM code_artifacts WHERE {theirs})",
            ids,
        )
        for column in ("parent_id", "root_id"):
            # What another namespace has of a delegation is its own, and no cascade may take it along.
            self._run_on(
                f"UPDATE execution_traces SET {column} = NULL WHERE {among(dialect, column)} AND namespace <> ?",
                ids,
                namespace,
            )
        self._run_on(f"DELETE FROM execution_traces WHERE {theirs}", ids)
        dead = self._run_on(f"DELETE FROM dead_letters WHERE {among(dialect, 'event_id')}", scan.event_ids)
        for start in range(0, len(scan.positions), CHUNK):
            session.run(
                f"DELETE FROM events WHERE {among(dialect, 'position', 'bigint')}",
                (ids_parameter(dialect, scan.positions[start : start + CHUNK]),),
            )
        self._mind_the_head()
        self._session.many(
            "DELETE FROM advice WHERE namespace = ? AND session_id = ?", [(namespace, each) for each in sorted(ended)]
        )
        stubs = self._drop_stubs(parents)
        left = self._drop_tasks(sorted(tasks | set(known_ids(scan.keys))), lost)
        if remember:
            self.remember_forgotten(namespace, ids)
        return Forgotten(
            holdings=holdings,
            events=len(scan.positions),
            dead_letters=dead,
            fingerprints=tuple(sorted(left & tasks)),
            sessions=tuple(sorted(sessions)),
            parents=tuple(sorted(parents - stubs)),
            failures=tuple(sorted(lost.failures)),
            shared=tuple(scan.shared),
            by_resolution=dict(lost.by_resolution),
        )

    def _scan(self, namespace: str, gone: Collection[str], spans: Collection[str]) -> _Scan:
        """Read the log for events of the executions in ``gone``, and for other tellings of their ``spans``."""
        found = _Scan()
        rows = self._session.stream(
            "SELECT position, event_id, key, topic, schema_version, payload FROM events WHERE namespace = ? "
            "ORDER BY position",
            (namespace,),
        )
        for position, event_id, key, topic, version, packed in rows:
            try:
                raw = zlib.decompress(packed)
            except zlib.error:
                continue  # damaged: nothing in it can be read, by anybody; the doctor tells of it
            try:
                told = _told.decode(raw)
            except msgspec.DecodeError:
                # Advice, or of a newer version, whose shape is not known: any mention will do.
                theirs = any(each.decode() in gone for each in _ID.findall(raw))
                told = None
            else:
                theirs = told.tells_of(gone)
            if theirs:
                found.positions.append(position)
                found.event_ids.append(event_id)
                found.keys.add(key)
            elif told is not None and any(each.span_id in spans for each in told.spans):
                try:
                    payload = decode_payload(topic, version, raw)
                except EventError:
                    continue  # never applied either
                if isinstance(payload, ExecutionUpdate):
                    found.shared += [span for span in payload.spans if span.span_id in spans]
        return found

    def _ended_sessions(self, namespace: str, sessions: set[str], gone: Collection[str]) -> set[str]:
        """Those of which no execution is left when these are gone."""
        wanted = sorted(sessions)
        alive: set[str] = set()
        for start in range(0, len(wanted), CHUNK):
            rows = self._session.rows(
                "SELECT session_id, execution_id FROM execution_traces WHERE namespace = ? AND "
                f"{among(self._dialect, 'session_id', 'text')}",
                (namespace, ids_parameter(self._dialect, wanted[start : start + CHUNK])),
            )
            alive.update(session for session, execution_id in rows if execution_id not in gone)
        return sessions - alive

    def _advice_of(self, namespace: str, execution_ids: Sequence[str], sessions: Collection[str]) -> set[str]:
        """Ids of the advice in these executions and in these sessions."""
        found = list(
            self._rows_of(
                f"SELECT advice_id FROM advice WHERE {among(self._dialect, 'execution_id')} AND namespace = ?",
                execution_ids,
                namespace,
            )
        )
        wanted = sorted(sessions)
        for start in range(0, len(wanted), CHUNK):
            found += self._session.rows(
                f"SELECT advice_id FROM advice WHERE namespace = ? AND {among(self._dialect, 'session_id', 'text')}",
                (namespace, ids_parameter(self._dialect, wanted[start : start + CHUNK])),
            )
        return {row[0] for row in found}

    def _drop_stubs(self, parents: set[str]) -> set[str]:
        """Delete those of ``parents`` of which nobody told anything but the executions that are gone."""
        sql = (
            f"SELECT execution_id FROM execution_traces t WHERE {among(self._dialect, 'execution_id')} "
            "AND revision = 0 AND source IS NULL AND prompt IS NULL AND span_count = 0 "
            "AND NOT EXISTS (SELECT 1 FROM execution_traces c WHERE c.parent_id = t.execution_id) "
            "AND NOT EXISTS (SELECT 1 FROM execution_traces c WHERE c.root_id = t.execution_id) "
            "AND NOT EXISTS (SELECT 1 FROM code_artifacts a WHERE a.execution_id = t.execution_id)"
        )
        stubs = {row[0] for row in self._rows_of(sql, sorted(parents))}
        self._run_on(f"DELETE FROM execution_traces WHERE {among(self._dialect, 'execution_id')}", sorted(stubs))
        return stubs

    def _count_reports(self, column: str, ids: Sequence[str], lost: _LostReports) -> None:
        """Add to ``lost`` the occurrences whose ``column`` names one of ``ids``."""
        for failure_id, resolution, span_id in self._rows_of(
            f"SELECT failure_id, resolved_by, span_id FROM failure_occurrences WHERE {among(self._dialect, column)}",
            ids,
        ):
            lost.failures.add(failure_id)
            if resolution is not None and span_id is None:
                lost.by_resolution[resolution] += 1

    def _drop_tasks(self, fingerprint_ids: Sequence[str], lost: _LostReports) -> set[str]:
        """Delete the fingerprints that have no execution any more, counting what agents reported of them; the others."""
        theirs = among(self._dialect, "fingerprint_id")
        left = {
            row[0]
            for row in self._rows_of(
                f"SELECT DISTINCT fingerprint_id FROM execution_traces WHERE {theirs}", fingerprint_ids
            )
        }
        empty = [each for each in fingerprint_ids if each not in left]
        self._count_reports("fingerprint_id", empty, lost)
        # One cascade would take artifacts of others along, whose column ``refresh_derived`` has not seen yet.
        self._run_on(f"UPDATE code_artifacts SET fingerprint_id = NULL WHERE {theirs}", empty)
        self._run_on(f"DELETE FROM task_fingerprints WHERE {theirs}", empty)
        return left

    # -- what stays ----------------------------------------------------------------------------------------------
    def task_sources(self, fingerprint_ids: Sequence[str]) -> dict[str, list[TaskSource]]:
        """What the executions of each fingerprint say about it."""
        read = codec_of(self._dialect).read_list
        theirs = among(self._dialect, "fingerprint_id")
        files: dict[str, list[str]] = {}
        for execution_id, path in self._rows_of(
            "SELECT a.execution_id, a.file_path FROM code_artifacts a JOIN execution_traces t "
            f"ON t.execution_id = a.execution_id WHERE {among(self._dialect, 't.fingerprint_id')} ORDER BY a.file_path",
            fingerprint_ids,
        ):
            files.setdefault(execution_id, []).append(path)
        found: dict[str, list[TaskSource]] = {}
        for owner, execution_id, prompt, stack in self._rows_of(
            f"SELECT fingerprint_id, execution_id, prompt, technology_stack FROM execution_traces WHERE {theirs} "
            "ORDER BY execution_id",
            fingerprint_ids,
        ):
            source = TaskSource(
                prompt=prompt or "", technology_stack=read(stack), files=tuple(files.get(execution_id, ()))
            )
            found.setdefault(owner, []).append(source)
        return found

    def reshape_tasks(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Existing fingerprints show exactly this."""
        codec = codec_of(self._dialect)
        wanted = {each.fingerprint_id: each for each in fingerprints}
        rows = self._rows_of(
            "SELECT fingerprint_id, original_prompt, prompt_tokens FROM task_fingerprints "
            f"WHERE {among(self._dialect, 'fingerprint_id')}",
            sorted(wanted),
        )
        reword(
            self._session,
            codec,
            [(wanted[key], codec.read_list(words)) for key, said, words in rows if said != wanted[key].original_prompt],
        )
        self._session.many(
            "UPDATE task_fingerprints SET file_patterns = ?, technology_stack = ? WHERE fingerprint_id = ?",
            [
                (codec.list(each.file_patterns), codec.list(each.technology_stack), each.fingerprint_id)
                for each in wanted.values()
            ],
        )

    def drop_import_state(self, files: Sequence[str]) -> None:
        """Files that were read are new again."""
        self._session.many("DELETE FROM import_state WHERE file = ?", [(each,) for each in files])

    def last_forgetting(self, namespace: str) -> int:
        """Number of the newest audit entry about a forgetting."""
        return int(
            self._session.rows(
                "SELECT coalesce(max(entry), 0) FROM audit_log WHERE namespace = ? AND what = 'forget'", (namespace,)
            )[0][0]
        )

    def learned_before(self, namespace: str) -> bool:
        """Whether the learner has ever run here."""
        rows = self._session.rows("SELECT consumer FROM consumer_offsets WHERE consumer LIKE 'learner %'")
        return any(str(row[0]).rpartition(" ")[0] == f"learner {namespace}" for row in rows)
