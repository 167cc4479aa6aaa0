"""How much went through the stages of recording and learning since a time: what the doctor compares.

Times are those of recording, not of the agent's work: a history that is imported today went through the stages today.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from seasoned.store.rows import codec_of
from seasoned.store.session import Row
from seasoned.store.sql import SqlStore

__all__ = ["StageCounts", "stage_counts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCounts:
    """Of one namespace, since a time."""

    events: int
    """Entries that the event log took in, of all topics."""
    executions: Mapping[str, int]
    """Executions of the user's tasks that were recorded or changed, by source; sub-agents' are not counted."""
    prompts: int
    """Of them, those with a prompt."""
    spans: int
    """Of those executions and of what they delegated."""
    vectors: int
    """Prompts among them that have a vector of the model asked about."""
    unembedded: int
    """Executions of any time whose prompt has no vector of that model; 0 where none was asked about."""
    unembedded_since: datetime | None
    """When the first of those was recorded."""
    dead_letters: int
    last_learned_at: datetime | None
    """Of any time; None where nobody has learned."""
    behind: int
    """Events in the log that came after the last learning."""
    behind_since: datetime | None
    """When the first of those came."""
    newest_position: int
    """Of the last event about an execution, of any time, in the log; 0 for none."""
    usages: int


def stage_counts(store: SqlStore, namespace: str, since: datetime, model: str | None) -> StageCounts:
    """Count. ``model``: by which prompts should be embedded; None: by none. Raises StoreError."""
    codec = codec_of(store.engine.dialect)
    at = codec.time(since)
    learner_name = f"learner {namespace} "
    with store.engine.reading() as session:

        def one(sql: str, *values: object) -> Row:
            return session.rows(sql, values)[0]

        sources = session.rows(
            "SELECT coalesce(source, 'unknown'), count(*), count(prompt), count(v.owner_id) FROM execution_traces t "
            "LEFT JOIN (SELECT DISTINCT owner_id FROM embeddings WHERE owner_kind = 'fingerprint' AND model = ?) v "
            "ON v.owner_id = t.fingerprint_id WHERE t.namespace = ? AND t.updated_at >= ? AND t.parent_id IS NULL "
            "AND t.source IS NOT NULL GROUP BY 1 ORDER BY 1",
            (model or "", namespace, at),
        )
        unembedded = one(
            "SELECT count(*), min(t.created_at) FROM execution_traces t WHERE t.namespace = ? "
            "AND t.fingerprint_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.namespace = t.namespace "
            "AND e.model = ? AND e.owner_kind = 'fingerprint' AND e.owner_id = t.fingerprint_id)",
            namespace,
            model or "",
        )
        spans = one(
            "SELECT count(*) FROM spans s JOIN execution_traces t ON t.execution_id = s.execution_id "
            "WHERE t.namespace = ? AND t.updated_at >= ?",
            namespace,
            at,
        )
        learner = session.rows(
            "SELECT position, updated_at FROM consumer_offsets WHERE substr(consumer, 1, ?) = ? "
            "ORDER BY position DESC LIMIT 1",
            (len(learner_name), learner_name),
        )
        learned_to = learner[0][0] if learner else 0
        behind = one(
            "SELECT count(*), min(recorded_at) FROM events WHERE namespace = ? AND position > ? "
            "AND topic <> 'advice-events'",
            namespace,
            learned_to,
        )
        newest = one(
            "SELECT coalesce(max(position), 0) FROM events WHERE namespace = ? AND topic <> 'advice-events'", namespace
        )

        def time_of(value: object) -> datetime | None:
            return None if value is None else codec.read_time(value)

        return StageCounts(
            events=one("SELECT count(*) FROM events WHERE namespace = ? AND recorded_at >= ?", namespace, at)[0],
            executions={row[0]: row[1] for row in sources},
            prompts=sum(row[2] for row in sources),
            spans=spans[0],
            vectors=sum(row[3] for row in sources),
            unembedded=unembedded[0] if model is not None else 0,
            unembedded_since=time_of(unembedded[1]) if model is not None else None,
            dead_letters=one("SELECT count(*) FROM dead_letters WHERE state = 'dead' AND last_at >= ?", at)[0],
            last_learned_at=time_of(learner[0][1]) if learner else None,
            behind=behind[0],
            behind_since=time_of(behind[1]),
            newest_position=newest[0],
            usages=one("SELECT count(*) FROM pattern_usages WHERE namespace = ? AND used_at >= ?", namespace, at)[0],
        )
