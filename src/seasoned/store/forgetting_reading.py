"""What is to be forgotten, how much that is, and the store as it stands inside an open transaction.

Invariant: ``selected`` is closed under delegation. A sub-agent's run is part of what its user asked for, so that no child
can be left behind without the execution that explains it.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from seasoned.model import AuditEntry, Document, Identity, Pattern, PatternUsage
from seasoned.store.dialect import Dialect, among, ids_parameter, prefix_bounds
from seasoned.store.forgetting_port import Holdings, Selection
from seasoned.store.knowledge_rows import knowledge_codec_of, known_ids
from seasoned.store.session import Engine, Session

__all__ = ["ForgettingReads", "InsideEngine", "holdings_of"]

_ADVICE = (
    "advice_id", "given_at", "session_id", "execution_id", "about_id", "agent_id", "source", "user_id", "repo", "moment", "kind",
    "opportunity", "arm", "share", "unit", "subject", "items", "reason", "latency_ms", "tokens_added", "followed",
    "accepted", "outcome", "endpoints",
)  # fmt: skip
_ROUTING = (
    "decision_id", "execution_id", "request", "candidates", "selected_agent", "confidence", "strategy", "latency_ms",
    "decided_at", "outcome",
)  # fmt: skip
_JSON = frozenset({"items", "candidates", "endpoints"})
_SHORTEST_PREFIX = 6
_CHUNK = 5_000
"""Ids in one statement: a parameter of some 200 KB."""


class InsideEngine:
    """An ``Engine`` whose every transaction is one that is open already; leaving a block changes nothing about it."""

    def __init__(self, session: Session, place: str) -> None:
        self._session = session
        self.place = place
        self.dialect: Dialect = session.dialect

    @contextmanager
    def reading(self, reader: Identity | None = None) -> Generator[Session, None, None]:
        """The open transaction, with the rights that it has."""
        del reader
        yield self._session

    @contextmanager
    def writing(self, *, durable: bool, reader: Identity | None = None) -> Generator[Session, None, None]:
        """The open transaction; rights and durability were said when it began."""
        del durable, reader
        yield self._session

    def close(self) -> None:
        """Nothing: the transaction belongs to whoever began it."""


class ForgettingReads:
    """The part of ``store.port.Store`` that is about forgetting."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect: Dialect = engine.dialect

    def selected(self, namespace: str, selection: Selection) -> list[str]:
        """Ids of the executions meant, with all that they delegated, sorted."""
        conditions: list[str] = []
        values: list[object] = []
        if selection.everything:
            conditions.append("1 = 1")
        for column, value in (("session_id", selection.session_id), ("user_id", selection.user_id)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if selection.agent is not None:
            conditions.append("agent_name = ? OR agent_id = ?")
            values += [selection.agent, selection.agent]
        if ids := known_ids(selection.execution_ids):
            conditions.append(among(self._dialect, "execution_id"))
            values.append(ids_parameter(self._dialect, ids))
        if not conditions:
            return []
        with self._engine.reading() as session:
            rows = session.rows(
                f"SELECT execution_id FROM execution_traces WHERE namespace = ? AND ({' OR '.join(conditions)})",
                (namespace, *values),
            )
            found = {row[0] for row in rows}
            waiting = set[str]() if selection.everything else set(found)
            while waiting:
                below = _delegated(session, namespace, sorted(waiting)) - found
                found |= below
                waiting = below
        return sorted(found)

    def holdings(self, execution_ids: Sequence[str]) -> Holdings:
        """How much is stored of them."""
        with self._engine.reading() as session:
            return holdings_of(session, execution_ids)

    def forgotten_ids(self, namespace: str, execution_ids: Sequence[str]) -> set[str]:
        """Those that were forgotten, by id or by a prefix of it."""
        found: set[str] = set()
        with self._engine.reading() as session:
            for given in execution_ids:
                bounds = prefix_bounds(given)
                if bounds is not None and len(given) >= _SHORTEST_PREFIX:
                    rows = session.rows(
                        "SELECT execution_id FROM forgotten WHERE execution_id BETWEEN ? AND ? AND namespace = ?",
                        (*bounds, namespace),
                    )
                    found.update(row[0] for row in rows)
        return found

    def come_late(self, namespace: str) -> list[str]:
        """Ids of executions that are here although they were forgotten, sorted."""
        with self._engine.reading() as session:
            rows = session.rows(
                "SELECT t.execution_id FROM forgotten f JOIN execution_traces t ON t.execution_id = f.execution_id "
                "WHERE f.namespace = ? AND t.namespace = ? ORDER BY t.execution_id",
                (namespace, namespace),
            )
        return [row[0] for row in rows]

    def held_about(
        self, namespace: str, identities: Sequence[str], execution_ids: Sequence[str]
    ) -> Iterator[tuple[str, Pattern | PatternUsage | AuditEntry | Document]]:
        """What is held about these agents or users beside their executions."""
        codec = knowledge_codec_of(self._dialect)
        mine = among(self._dialect, "agent_id", "text")
        who = ids_parameter(self._dialect, list(identities))
        patterns, usages, audit = codec.patterns, codec.usages, codec.audit
        with self._engine.reading() as session:
            for row in session.rows(
                f"SELECT {patterns.selected} FROM patterns WHERE namespace = ? AND {mine} ORDER BY pattern_id",
                (namespace, who),
            ):
                yield "pattern", patterns.record(row)
            theirs = ids_parameter(self._dialect, known_ids(execution_ids))
            for row in session.rows(
                f"SELECT {usages.selected} FROM pattern_usages WHERE namespace = ? "
                f"AND ({mine} OR {among(self._dialect, 'execution_id')}) ORDER BY usage_id",
                (namespace, who, theirs),
            ):
                yield "pattern_usage", usages.record(row)
            yield from _documents(
                session,
                "advice",
                _ADVICE,
                f"({mine} OR {among(self._dialect, 'user_id', 'text')} OR {among(self._dialect, 'execution_id')})",
                (namespace, who, who, theirs),
            )
            yield from _documents(
                session, "agent_routing_decision", _ROUTING, among(self._dialect, "execution_id"), (namespace, theirs)
            )
            for row in session.rows(
                f"SELECT {audit.selected} FROM audit_log WHERE namespace = ? AND {among(self._dialect, 'who', 'text')} "
                "ORDER BY entry",
                (namespace, who),
            ):
                yield "audit_entry", audit.record(row)


def _documents(
    session: Session, kind: str, columns: Sequence[str], condition: str, values: Sequence[object]
) -> Iterator[tuple[str, Document]]:
    """Rows that no record of the model stands for, as they are in the table of ``kind``."""
    table = kind if kind == "advice" else f"{kind}s"
    for row in session.rows(
        f"SELECT {', '.join(columns)} FROM {table} WHERE namespace = ? AND {condition} ORDER BY {columns[0]}", values
    ):
        yield (
            kind,
            {
                name: msgspec.Raw(value.encode()) if name in _JSON and value is not None else value
                for name, value in zip(columns, row, strict=True)
            },
        )


def _delegated(session: Session, namespace: str, execution_ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(execution_ids), _CHUNK):
        chunk = ids_parameter(session.dialect, execution_ids[start : start + _CHUNK])
        for column in ("parent_id", "root_id"):
            rows = session.rows(
                f"SELECT execution_id FROM execution_traces WHERE {among(session.dialect, column)} AND namespace = ?",
                (chunk, namespace),
            )
            found.update(row[0] for row in rows)
    return found


def holdings_of(session: Session, execution_ids: Sequence[str]) -> Holdings:
    """How much is stored of some executions."""
    chosen = ids_parameter(session.dialect, list(execution_ids))
    theirs = among(session.dialect, "execution_id")

    def count(what: str) -> int:
        return int(session.rows(f"SELECT count(*) FROM {what}", (chosen,))[0][0])

    return Holdings(
        executions=count(f"execution_traces WHERE {theirs}"),
        children=count(f"execution_traces WHERE {theirs} AND parent_id IS NOT NULL"),
        spans=count(f"spans WHERE {theirs}"),
        artifacts=count(f"code_artifacts WHERE {theirs}"),
        failures=count(f"failure_occurrences WHERE {theirs}"),
        advice=count(f"advice WHERE {theirs}"),
        usages=count(f"pattern_usages WHERE {theirs}"),
        tasks=int(
            session.rows(
                "SELECT count(*) FROM (SELECT fingerprint_id, count(*) AS lost FROM execution_traces "
                f"WHERE {theirs} AND fingerprint_id IS NOT NULL GROUP BY fingerprint_id) AS g WHERE lost = "
                "(SELECT count(*) FROM execution_traces t WHERE t.fingerprint_id = g.fingerprint_id)",
                (chosen,),
            )[0][0]
        ),
    )
