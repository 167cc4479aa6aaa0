"""Advice and modes as rows: the SQL behind ``advice_port``."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from seasoned.errors import StoreCorruptError
from seasoned.model import Advice, Mode
from seasoned.store.dialect import Dialect, prefix_bounds, upsert
from seasoned.store.knowledge_rows import knowledge_codec_of, storable
from seasoned.store.rows import codec_of
from seasoned.store.session import Engine, Session

__all__ = ["AdviceReads", "AdviceWrites"]

_SHORTEST_PREFIX = 6
_CHUNK = 2_000
"""Rows read in one transaction: a reader that stops in the middle keeps no other waiting."""
_DRAWN_CHUNK = 10_000
_DRAWN = (
    "advice_id, given_at, session_id, user_id, repo, moment, opportunity, arm, share, unit, subject, outcome, endpoints"
)


class AdviceWrites:
    """The part of ``store.port.Writing`` that is about advice. Stubs of executions are the caller's."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._knowledge = knowledge_codec_of(session.dialect)

    def _save_advice_rows(self, advice: Sequence[Advice]) -> None:
        codec = self._knowledge.advice
        sql = upsert(
            codec.table,
            codec.columns,
            "advice_id",
            keep=("namespace",),
            known=codec.columns,
            where="advice.namespace = excluded.namespace",
        )
        self._session.many(sql, [codec.row(each) for each in advice])

    def save_mode(self, mode: Mode) -> None:
        """Insert or replace by namespace and agent."""
        codec = self._knowledge.modes
        self._session.run(upsert(codec.table, codec.columns, "namespace, agent"), codec.row(mode))


class AdviceReads:
    """The part of ``store.port.Store`` that is about advice."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect: Dialect = engine.dialect
        self._knowledge = knowledge_codec_of(engine.dialect)

    def advice(self, namespace: str, advice_id: str) -> Advice | None:
        """By id or a unique prefix of it."""
        bounds = prefix_bounds(advice_id) if len(advice_id) >= _SHORTEST_PREFIX else None
        if bounds is None:
            return None
        codec = self._knowledge.advice
        with self._engine.reading() as session:
            rows = session.rows(
                f"SELECT {codec.selected} FROM advice WHERE advice_id BETWEEN ? AND ? AND namespace = ? LIMIT 2",
                (*bounds, namespace),
            )
        return codec.record(rows[0]) if len(rows) == 1 else None

    def advice_of_session(self, namespace: str, session_id: str) -> list[Advice]:
        """Oldest first, ties by id."""
        if not storable(session_id):
            return []
        codec = self._knowledge.advice
        with self._engine.reading() as session:
            rows = session.rows(
                f"SELECT {codec.selected} FROM advice WHERE namespace = ? AND session_id = ? "
                "ORDER BY given_at, advice_id",
                (namespace, session_id),
            )
        return [codec.record(row) for row in rows]

    def all_advice(
        self, namespace: str, *, since: datetime | None = None, newest_first: bool = False
    ) -> Iterator[Advice]:
        """By time, ties by id; read a chunk at a time."""
        codec = self._knowledge.advice
        compared, order = ("<", "DESC") if newest_first else (">", "ASC")
        conditions = ["namespace = ?"]
        values: list[object] = [namespace]
        if since is not None:
            conditions.append("given_at >= ?")
            values.append(self._knowledge.time(since))
        last: tuple[object, ...] = ()
        while True:
            behind = [f"(given_at, advice_id) {compared} (?, ?)"] if last else []
            with self._engine.reading() as session:
                rows = session.rows(
                    f"SELECT {codec.selected} FROM advice WHERE {' AND '.join([*conditions, *behind])} "
                    f"ORDER BY given_at {order}, advice_id {order} LIMIT {_CHUNK}",
                    (*values, *last),
                )
            found = [codec.record(row) for row in rows]
            yield from found
            if len(found) < _CHUNK:
                return
            last = (self._knowledge.time(found[-1].given_at), found[-1].advice_id)

    def drawn_advice(self, namespace: str) -> Iterator[Advice]:
        """By time, ties by id; read a chunk at a time, no other column than those wanted."""
        codec = codec_of(self._dialect)
        read_time, read_document = codec.read_time, codec.read_document
        last: tuple[object, ...] = ()
        while True:
            behind = " AND (given_at, advice_id) > (?, ?)" if last else ""
            with self._engine.reading() as session:
                rows = session.rows(
                    f"SELECT {_DRAWN} FROM advice WHERE namespace = ? AND unit IS NOT NULL{behind} "
                    f"ORDER BY given_at, advice_id LIMIT {_DRAWN_CHUNK}",
                    (namespace, *last),
                )
            for (
                key,
                at,
                session_id,
                user_id,
                repo,
                moment,
                opportunity,
                arm,
                share,
                unit,
                subject,
                outcome,
                ends,
            ) in rows:
                try:
                    yield Advice(
                        advice_id=key, namespace=namespace, given_at=read_time(at), session_id=session_id,
                        user_id=user_id, repo=repo, moment=moment, opportunity=opportunity, arm=arm, share=share,
                        unit=unit, subject=subject, outcome=outcome,
                        endpoints=None if ends is None else read_document(ends),
                    )  # fmt: skip
                except (msgspec.DecodeError, ValueError) as error:
                    raise StoreCorruptError(f"advice {key}: endpoints or time cannot be read: {error}") from error
            if len(rows) < _DRAWN_CHUNK:
                return
            last = (rows[-1][1], rows[-1][0])

    def modes(self, namespace: str) -> list[Mode]:
        """By agent."""
        codec = self._knowledge.modes
        with self._engine.reading() as session:
            rows = session.rows(f"SELECT {codec.selected} FROM modes WHERE namespace = ? ORDER BY agent", (namespace,))
        return [codec.record(row) for row in rows]
