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
    """Prompts among them that have a vector of any model."""
    dead_letters: int
    last_recorded_at: datetime | None
    """Of any time: when the log last took something in; None for an empty log."""
    last_learned_at: datetime | None
    """Of any time; None where nobody has learned."""
    behind: int
    """Events in the log that came after the last learning."""
    usages: int


def stage_counts(store: SqlStore, namespace: str, since: datetime) -> StageCounts:
    """Count. Raises StoreError."""
    codec = codec_of(store.engine.dialect)
    at = codec.time(since)
    learner_name = f"learner {namespace} "
    with store.engine.reading() as session:

        def one(sql: str, *values: object) -> Row:
            return session.rows(sql, values)[0]

        sources = session.rows(
            "SELECT coalesce(source, 'unknown'), count(*), count(prompt), count(v.owner_id) FROM execution_traces t "
            "LEFT JOIN (SELECT DISTINCT owner_id FROM embeddings WHERE owner_kind = 'fingerprint') v "
            "ON v.owner_id = t.fingerprint_id WHERE t.namespace = ? AND t.updated_at >= ? AND t.parent_id IS NULL "
            "AND t.source IS NOT NULL GROUP BY 1 ORDER BY 1",
            (namespace, at),
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
        newest = one("SELECT max(recorded_at) FROM events WHERE namespace = ?", namespace)[0]
        return StageCounts(
            events=one("SELECT count(*) FROM events WHERE namespace = ? AND recorded_at >= ?", namespace, at)[0],
            executions={row[0]: row[1] for row in sources},
            prompts=sum(row[2] for row in sources),
            spans=spans[0],
            vectors=sum(row[3] for row in sources),
            dead_letters=one("SELECT count(*) FROM dead_letters WHERE state = 'dead' AND last_at >= ?", at)[0],
            last_recorded_at=codec.read_time(newest) if newest is not None else None,
            last_learned_at=codec.read_time(learner[0][1]) if learner else None,
            behind=one(
                "SELECT count(*) FROM events WHERE namespace = ? AND position > ? AND topic <> 'advice-events'",
                namespace,
                learned_to,
            )[0],
            usages=one("SELECT count(*) FROM pattern_usages WHERE namespace = ? AND used_at >= ?", namespace, at)[0],
        )
