"""Taking out what stands beside executions: what the library, advice and the audit log say of somebody or something.

Invariant: counts and moves stay (who, what, when, how often), words go. A usage keeps counting for its pattern whoever
asked to be forgotten; an entry of the audit log keeps its place.
"""

from collections.abc import Iterator, Sequence

from seasoned.store.dialect import Dialect, among, ids_parameter
from seasoned.store.knowledge_rows import known_ids
from seasoned.store.session import Clock, Row, Session

__all__ = ["CHUNK", "KnowledgeForgetting"]

CHUNK = 5_000
"""Ids in one statement: a parameter of some 200 KB."""
NOBODY = "forgotten"
"""Stands as agent in a usage whose agent was forgotten."""
_LEARNED = (
    "pattern_usages", "pattern_templates", "patterns", "failure_patterns", "agent_chaining_patterns",
    "agent_routing_decisions", "recovery_attempts", "plan_adaptations", "learning_runs", "advice", "metric_rollups",
    "alerts",
)  # fmt: skip


class KnowledgeForgetting:
    """The part of ``store.forgetting_port.ForgettingWriting`` that is about the library."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._dialect: Dialect = session.dialect

    def _rows_of(self, sql: str, ids: Sequence[str], *more: object) -> Iterator[Row]:
        """Rows of ``sql`` for all ids; its first parameter is a list of them, the others are ``more``."""
        for start in range(0, len(ids), CHUNK):
            yield from self._session.rows(sql, (ids_parameter(self._dialect, ids[start : start + CHUNK]), *more))

    def _run_on(self, sql: str, ids: Sequence[str], *more: object) -> int:
        """Execute ``sql`` for all ids, as ``_rows_of``; how many rows were touched."""
        return sum(
            max(0, self._session.run(sql, (ids_parameter(self._dialect, ids[start : start + CHUNK]), *more)))
            for start in range(0, len(ids), CHUNK)
        )

    def forget_person(self, namespace: str, agent_id: str) -> dict[str, int]:
        """What is stored about an agent or user beside executions."""
        run = self._session.run
        mine = (namespace, agent_id)
        private = [
            row[0]
            for row in self._session.rows(
                "SELECT pattern_id FROM patterns WHERE namespace = ? AND agent_id = ? AND access_level = 'private'",
                mine,
            )
        ]
        self.quiet(namespace, private)
        run("DELETE FROM pattern_templates WHERE namespace = ? AND agent_id = ? AND access_level = 'private'", mine)
        self._session.many("DELETE FROM patterns WHERE pattern_id = ?", [(each,) for each in private])
        return {
            "private_patterns": len(private),
            "usages": run(
                "UPDATE pattern_usages SET agent_id = ?, context_data = NULL, execution_id = NULL "
                "WHERE namespace = ? AND agent_id = ?",
                (NOBODY, *mine),
            ),
            "advice": run("DELETE FROM advice WHERE namespace = ? AND ? IN (agent_id, user_id)", mine),
            "audit": run(
                "UPDATE audit_log SET before = NULL, after = NULL, reason = NULL WHERE namespace = ? AND who = ?", mine
            ),
        }

    def forget_learned(self, namespace: str) -> dict[str, int]:
        """Everything that was learned or recorded in a namespace."""
        self._session.run(
            "UPDATE audit_log SET before = NULL, after = NULL, reason = NULL WHERE namespace = ?", (namespace,)
        )
        # Nobody's parent, so that no row has to be moved while others go.
        self._session.run("UPDATE patterns SET parent_pattern_id = NULL WHERE namespace = ?", (namespace,))
        found = {name: self._session.run(f"DELETE FROM {name} WHERE namespace = ?", (namespace,)) for name in _LEARNED}
        self._session.run("DELETE FROM embeddings WHERE namespace = ? AND owner_kind <> 'fingerprint'", (namespace,))
        return {name: count for name, count in found.items() if count}

    def quiet(self, namespace: str, subjects: Sequence[str]) -> None:
        """What was said about ``subjects`` goes."""
        nothing = "UPDATE audit_log SET before = NULL, after = NULL, reason = NULL WHERE"
        theirs = among(self._dialect, "subject", "text")
        self._run_on(f"{nothing} {theirs}", list(subjects))
        self._run_on(f"UPDATE alerts SET details = NULL WHERE {theirs}", list(subjects))
        # Of what was deleted before nobody can tell what it rested on, and its name may be made of a prompt.
        deleted = "SELECT subject FROM audit_log WHERE namespace = ? AND what = 'delete'"
        self._session.run(
            f"{nothing} namespace = ? AND (before IS NOT NULL OR after IS NOT NULL OR reason IS NOT NULL) "
            f"AND subject IN ({deleted})",
            (namespace, namespace),
        )
        self._session.run(
            f"UPDATE alerts SET details = NULL WHERE namespace = ? AND subject IN ({deleted})", (namespace, namespace)
        )

    def drop_pattern_vectors(self, pattern_ids: Sequence[str]) -> None:
        """Their vectors go."""
        self._run_on(
            f"DELETE FROM embeddings WHERE owner_kind = 'pattern' AND {among(self._dialect, 'owner_id')}",
            known_ids(pattern_ids),
        )
