"""Reading the library, always inside the rights of a reader.

Every statement carries ``library_rows.readable``, and on PostgreSQL runs under a role that row-level security confines
besides: a condition that is forgotten here shows nothing there. Three answers are sums or paths over rows that the
reader itself may not see (usages of other namespaces, versions between two readable ones, what became of deleted
patterns); those are asked as the service, and only ids that the reader may read go in or come out.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from seasoned.model import Agent, Alert, AuditEntry, Identity, Pattern, PatternUsage, Token
from seasoned.model.versions import version_order
from seasoned.store.dialect import Dialect, among, bytewise, ids_parameter, prefix_bounds, utc_day
from seasoned.store.knowledge_rows import RecordCodec, knowledge_codec_of, known_ids, storable
from seasoned.store.library_port import LibraryQuery, PatternCard, TaskArea, UsageCounts
from seasoned.store.library_rows import CARD_SELECT, auditable, cards_of, matching, readable
from seasoned.store.rows import codec_of
from seasoned.store.search import vector_column, vector_from_engine
from seasoned.store.session import Engine, Row, Session

if TYPE_CHECKING:
    from seasoned.store.library_vectors import PatternVectors

__all__ = ["LibraryReads"]

_SHORTEST_PREFIX = 6
_RECENT = timedelta(days=90)
_CARD = ", ".join(f"p.{name}" for name in CARD_SELECT)
_FAMILY = (
    "WITH RECURSIVE upwards (id) AS (SELECT pattern_id FROM patterns WHERE pattern_id = ? "
    "UNION SELECT p.parent_pattern_id FROM upwards u JOIN patterns p ON p.pattern_id = u.id "
    "WHERE p.parent_pattern_id IS NOT NULL), "
    "downwards (id) AS (SELECT id FROM upwards "
    "UNION SELECT p.pattern_id FROM downwards d JOIN patterns p ON p.parent_pattern_id = d.id) "
    "SELECT id FROM downwards"
)
_FAMILIES = (
    "WITH RECURSIVE upwards (start, id) AS (SELECT pattern_id, pattern_id FROM patterns WHERE @ "
    "UNION SELECT u.start, p.parent_pattern_id FROM upwards u JOIN patterns p ON p.pattern_id = u.id "
    "WHERE p.parent_pattern_id IS NOT NULL), "
    "downwards (start, id) AS (SELECT start, id FROM upwards "
    "UNION SELECT d.start, p.pattern_id FROM downwards d JOIN patterns p ON p.parent_pattern_id = d.id) "
    "SELECT start, id FROM downwards"
)
"""As _FAMILY, for several at once."""
_STRENGTH = (
    "(0.4 * coalesce(p.success_rate, 0) + 0.3 * CASE WHEN p.usage_count < 10 THEN p.usage_count / 10.0 ELSE 1 END "
    "+ 0.3 * coalesce(p.confidence_score, 0))"
)
_RECORD = TypeVar("_RECORD")


class LibraryReads:
    """The part of ``store.port.Store`` that is about the library."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect: Dialect = engine.dialect
        self._knowledge = knowledge_codec_of(engine.dialect)
        self._vectors: PatternVectors | None = None
        self._vectors_lock = Lock()
        self._embedded: dict[str, Row] = {}
        """By model, the mark at which no pattern lacked a vector."""

    def _ids(self, ids: Iterable[str]) -> object:
        return ids_parameter(self._dialect, sorted(set(ids)))

    def library_revision(self) -> int:
        """Grows with every change to patterns, usages or templates."""
        with self._engine.reading() as session:
            return int(session.rows("SELECT revision FROM library_revision WHERE part = 'patterns'")[0][0])

    # -- patterns ------------------------------------------------------------------------------------------------
    def visible_pattern(self, reader: Identity, key: str) -> Pattern | None:
        """By id, by a unique prefix of it, or by name."""
        if not storable(key):
            return None
        condition, values = readable(self._dialect, reader, found_otherwise=True)
        codec = self._knowledge.patterns
        select = f"SELECT {codec.selected} FROM patterns p WHERE"
        with self._engine.reading(reader) as session:
            bounds = prefix_bounds(key) if len(key) >= _SHORTEST_PREFIX else None
            if bounds is not None:
                rows = session.rows(
                    f"{select} p.pattern_id BETWEEN ? AND ? AND {condition} LIMIT 2", (*bounds, *values)
                )
                if len(rows) == 1:
                    return codec.record(rows[0])
            rows = session.rows(f"{select} p.pattern_name = ? AND {condition}", (key, *values))
        found = sorted(map(codec.record, rows), key=lambda pattern: pattern.pattern_id)
        # The reader's own first, then its namespace's: nobody elsewhere can take over a name by publishing it.
        return max(
            found,
            key=lambda pattern: (
                (pattern.namespace, pattern.agent_id) == (reader.namespace, reader.agent_id),
                pattern.namespace == reader.namespace,
                version_order(pattern.version),
            ),
            default=None,
        )

    def visible_patterns(self, reader: Identity, query: LibraryQuery) -> list[Pattern]:
        """Highest confidence first, then name, then id."""
        wanted = matching(self._dialect, reader, query)
        if wanted is None:
            return []
        condition, values = wanted
        order = f"p.confidence_score DESC NULLS LAST, {bytewise(self._dialect, 'p.pattern_name')}, p.pattern_id"
        with self._engine.reading(reader) as session:
            # Ids first, rows then: only the rows that are shown are read whole.
            chosen = session.rows(
                f"SELECT p.pattern_id FROM patterns p WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?",
                (*values, query.limit, query.offset),
            )
            return self._by_id(session, [row[0] for row in chosen])

    def _by_id(self, session: Session, ids: Sequence[str]) -> list[Pattern]:
        codec = self._knowledge.patterns
        rows = session.rows(
            f"SELECT {codec.selected} FROM patterns WHERE {among(self._dialect, 'pattern_id')}", (self._ids(ids),)
        )
        found = {row[0]: row for row in rows}
        return [codec.record(found[key]) for key in ids if key in found]

    def cards(self, reader: Identity, query: LibraryQuery) -> list[PatternCard]:
        """All that match, by id."""
        wanted = matching(self._dialect, reader, query)
        if wanted is None:
            return []
        with self._engine.reading(reader) as session:
            rows = session.rows(f"SELECT {_CARD} FROM patterns p WHERE {wanted[0]} ORDER BY p.pattern_id", wanted[1])
        return cards_of(self._dialect, rows)

    def strongest(self, reader: Identity, query: LibraryQuery, limit: int) -> list[PatternCard]:
        """The best of what matches, by the published score, ties by id."""
        wanted = matching(self._dialect, reader, query)
        if wanted is None or limit < 1:
            return []
        with self._engine.reading(reader) as session:
            chosen = session.rows(
                f"SELECT p.pattern_id FROM patterns p WHERE {wanted[0]} ORDER BY {_STRENGTH} DESC, p.pattern_id LIMIT ?",
                (*wanted[1], limit),
            )
            rows = session.rows(
                f"SELECT {_CARD} FROM patterns p WHERE {among(self._dialect, 'p.pattern_id')}",
                (self._ids(row[0] for row in chosen),),
            )
        cards = {card.pattern_id: card for card in cards_of(self._dialect, rows)}
        return [cards[row[0]] for row in chosen if row[0] in cards]

    def families(self, reader: Identity, pattern_ids: Sequence[str]) -> dict[str, list[PatternCard]]:
        """Of each, every version of its tree that the reader may read, by id."""
        known = sorted(set(known_ids(pattern_ids)))
        if not known:
            return {}
        condition, values = readable(self._dialect, reader, found_otherwise=True)
        with self._engine.reading(reader) as session:
            with session.as_service():
                related = session.rows(_FAMILIES.replace("@", among(self._dialect, "pattern_id")), (self._ids(known),))
            rows = session.rows(
                f"SELECT {_CARD} FROM patterns p WHERE {among(self._dialect, 'p.pattern_id')} AND {condition} "
                "ORDER BY p.pattern_id",
                (self._ids(row[1] for row in related), *values),
            )
        cards = {card.pattern_id: card for card in cards_of(self._dialect, rows)}
        found: dict[str, list[PatternCard]] = {}
        for start, member in sorted(related):
            if start in cards and member in cards:
                found.setdefault(start, []).append(cards[member])
        return found

    def words_held(
        self, reader: Identity, pattern_ids: Sequence[str], tokens: Sequence[str]
    ) -> dict[str, frozenset[str]]:
        """Which of ``tokens`` each of these holds."""
        wanted = matching(self._dialect, reader, LibraryQuery(pattern_ids=tuple(pattern_ids)))
        words = sorted({token for token in tokens if token and storable(token)})
        if wanted is None or not words:
            return {}
        with self._engine.reading(reader) as session:
            seen = session.rows(f"SELECT p.pattern_id FROM patterns p WHERE {wanted[0]}", wanted[1])
            # By the key for each pair: some words are in thousands of patterns.
            rows = session.rows(
                f"SELECT pattern_id, token FROM pattern_keywords WHERE {among(self._dialect, 'token', 'text')} "
                f"AND {among(self._dialect, 'pattern_id')}",
                (ids_parameter(self._dialect, words), self._ids(row[0] for row in seen)),
            )
        held: dict[str, set[str]] = {}
        for pattern_id, token in rows:
            held.setdefault(pattern_id, set()).add(token)
        return {pattern_id: frozenset(tokens) for pattern_id, tokens in held.items()}

    def count_visible(self, reader: Identity, query: LibraryQuery) -> int:
        """How many match."""
        wanted = matching(self._dialect, reader, query)
        if wanted is None:
            return 0
        with self._engine.reading(reader) as session:
            return int(session.rows(f"SELECT count(*) FROM patterns p WHERE {wanted[0]}", wanted[1])[0][0])

    def keyword_patterns(self, reader: Identity, tokens: Sequence[str], query: LibraryQuery, limit: int) -> list[str]:
        """Ids of those that hold any of ``tokens``; most different ones first, then id."""
        wanted = matching(self._dialect, reader, query)
        words = sorted({token for token in tokens if token and storable(token)})
        if wanted is None or not words or limit < 1:
            return []
        with self._engine.reading(reader) as session:
            rows = session.rows(
                "SELECT p.pattern_id FROM (SELECT pattern_id, count(*) AS words FROM pattern_keywords "
                f"WHERE {among(self._dialect, 'token', 'text')} GROUP BY pattern_id) k "
                f"JOIN patterns p ON p.pattern_id = k.pattern_id WHERE {wanted[0]} "
                "ORDER BY k.words DESC, p.pattern_id LIMIT ?",
                (ids_parameter(self._dialect, words), *wanted[1], limit),
            )
        return [row[0] for row in rows]

    def nearest_patterns(
        self, reader: Identity, model: str, vector: Sequence[float], query: LibraryQuery, limit: int
    ) -> list[tuple[str, float]]:
        """(id, cosine), nearest first, ties by id; exact."""
        wanted = matching(self._dialect, reader, query)
        if wanted is None or limit < 1:
            return []
        with self._vectors_lock:
            if self._vectors is None:
                from seasoned.store.library_vectors import PatternVectors  # loads NumPy

                self._vectors = PatternVectors(self._engine)
        return self._vectors.nearest(reader, model, vector, wanted, limit)

    def pattern_vectors(self, reader: Identity, model: str, pattern_ids: Sequence[str]) -> dict[str, bytes]:
        """Little-endian float32, by id."""
        wanted = matching(self._dialect, reader, LibraryQuery(pattern_ids=tuple(pattern_ids)))
        if wanted is None:
            return {}
        with self._engine.reading(reader) as session:
            rows = session.rows(
                f"SELECT e.owner_id, {vector_column(self._dialect)} FROM patterns p JOIN embeddings e ON "
                f"e.owner_id = p.pattern_id WHERE e.owner_kind = 'pattern' AND e.model = ? AND {wanted[0]}",
                (model, *wanted[1]),
            )
        return {row[0]: vector_from_engine(self._dialect, row[1]) for row in rows}

    def without_pattern_embedding(self, model: str, limit: int) -> list[Pattern]:
        """Patterns of any namespace without a vector of this model, by id."""
        with self._engine.reading() as session:
            # As many patterns as when none lacked a vector, and no vector changed since: none lacks one. A new pattern
            # in the place of a deleted one shows by the vector that went with that.
            mark = session.rows(
                "SELECT (SELECT count(*) FROM patterns), (SELECT revision FROM library_revision WHERE part = 'vectors')"
            )[0]
            if self._embedded.get(model) == mark:
                return []
            rows = session.rows(
                "SELECT p.pattern_id FROM patterns p WHERE NOT EXISTS (SELECT 1 FROM embeddings e WHERE "
                "e.owner_id = p.pattern_id AND e.owner_kind = 'pattern' AND e.model = ?) ORDER BY p.pattern_id LIMIT ?",
                (model, limit),
            )
            if not rows:
                self._embedded[model] = mark
            return self._by_id(session, [row[0] for row in rows])

    def family(self, reader: Identity, pattern_id: str) -> list[Pattern]:
        """The pattern, its ancestors, and every descendant of them, in id order."""
        key = known_ids([pattern_id])
        condition, values = readable(self._dialect, reader, found_otherwise=True)
        codec = self._knowledge.patterns
        if not key:
            return []
        with self._engine.reading(reader) as session:
            with session.as_service():
                related = [row[0] for row in session.rows(_FAMILY, key)]
            rows = session.rows(
                f"SELECT {codec.selected} FROM patterns p WHERE {among(self._dialect, 'p.pattern_id')} "
                f"AND {condition} ORDER BY p.pattern_id",
                (self._ids(related), *values),
            )
        return [codec.record(row) for row in rows] if any(row[0] == key[0] for row in rows) else []

    # -- usages --------------------------------------------------------------------------------------------------
    def usages(self, reader: Identity, pattern_id: str, *, limit: int = 50) -> list[PatternUsage]:
        """Newest first, ties by id; those of the reader's namespace."""
        condition, values = readable(self._dialect, reader, found_otherwise=True)
        codec = self._knowledge.usages
        columns = ", ".join(f"u.{name}" for name in codec.columns)
        with self._engine.reading(reader) as session:
            rows = session.rows(
                f"SELECT {columns} FROM pattern_usages u JOIN patterns p ON p.pattern_id = u.pattern_id "
                f"WHERE u.pattern_id = ? AND u.namespace = ? AND {condition} "
                "ORDER BY u.used_at DESC, u.usage_id LIMIT ?",
                (*(known_ids([pattern_id]) or [None]), reader.namespace, *values, limit),
            )
        return [codec.record(row) for row in rows]

    def used_by(self, reader: Identity, *, limit: int = 50) -> list[str]:
        """Ids of the patterns that the reader itself used, last used first, ties by id."""
        condition, values = readable(self._dialect, reader, found_otherwise=True)
        with self._engine.reading(reader) as session:
            rows = session.rows(
                "SELECT u.pattern_id FROM pattern_usages u JOIN patterns p ON p.pattern_id = u.pattern_id "
                f"WHERE u.namespace = ? AND u.agent_id = ? AND {condition} "
                "GROUP BY u.pattern_id ORDER BY max(u.used_at) DESC, u.pattern_id LIMIT ?",
                (reader.namespace, reader.agent_id, *values, limit),
            )
        return [row[0] for row in rows]

    def usage_counts(self, reader: Identity, *, since: datetime, query: LibraryQuery) -> list[UsageCounts]:
        """Per pattern that matches and day, over every user's usages; ``limit`` and ``offset`` aside."""
        wanted = matching(self._dialect, reader, query)
        if wanted is None:
            return []
        day = utc_day(self._dialect, "u.used_at")
        with self._engine.reading(reader) as session:
            ids = session.rows(f"SELECT p.pattern_id FROM patterns p WHERE {wanted[0]}", wanted[1])
            with session.as_service():
                rows = session.rows(
                    f"SELECT u.pattern_id, {day}, count(*), count(*) FILTER (WHERE u.success), "
                    "count(*) FILTER (WHERE NOT u.success), coalesce(sum(u.execution_time_ms), 0), "
                    f"count(u.execution_time_ms) FROM pattern_usages u WHERE {among(self._dialect, 'u.pattern_id')} "
                    f"AND u.used_at >= ? GROUP BY u.pattern_id, {day} ORDER BY u.pattern_id, {day}",
                    (self._ids(row[0] for row in ids), self._knowledge.time(since)),
                )
        return [
            UsageCounts(
                pattern_id=pattern_id,
                day=on,
                uses=uses,
                successes=successes,
                failures=failures,
                total_ms=int(total_ms),
                timed=timed,
            )
            for pattern_id, on, uses, successes, failures, total_ms, timed in rows
        ]

    # -- what was worked on --------------------------------------------------------------------------------------
    def task_areas(self, namespace: str) -> list[TaskArea]:
        """Sums over the tasks of the namespace, most executions first, then by type and domain."""
        with self._engine.reading() as session:
            rows = session.rows(
                "SELECT task_type, domain, sum(execution_count), sum(success_count), sum(failure_count) "
                "FROM task_fingerprints WHERE namespace = ? GROUP BY task_type, domain",
                (namespace,),
            )
        areas = [
            TaskArea(
                task_type=row[0], domain=row[1], executions=int(row[2]), successes=int(row[3]), failures=int(row[4])
            )
            for row in rows
        ]
        return sorted(areas, key=lambda area: (-area.executions, area.task_type, area.domain))

    def technologies(self, namespace: str) -> list[str]:
        """Of the tasks last seen in the newest 90 days, sorted."""
        codec = codec_of(self._dialect)
        with self._engine.reading() as session:
            newest = session.rows("SELECT max(last_seen_at) FROM task_fingerprints WHERE namespace = ?", (namespace,))
            if newest[0][0] is None:
                return []
            rows = session.rows(
                "SELECT DISTINCT technology_stack FROM task_fingerprints WHERE namespace = ? AND last_seen_at >= ?",
                (namespace, codec.time(codec.read_time(newest[0][0]) - _RECENT)),
            )
        return sorted({technology for (stack,) in rows for technology in codec.read_list(stack)})

    # -- who, and what was done ----------------------------------------------------------------------------------
    def audit(self, reader: Identity, *, subject: str | None = None, limit: int = 50) -> list[AuditEntry]:
        """Newest first."""
        codec = self._knowledge.audit
        condition, values = auditable(self._dialect, reader)
        if subject is not None:
            condition, values = f"{condition} AND a.subject = ?", [*values, subject]
        columns = ", ".join(f"a.{name}" for name in codec.columns)
        with self._engine.reading(reader) as session:
            # Chosen as the service, which alone knows what is deleted and what is only hidden; read as the reader.
            with session.as_service():
                rows = session.rows(
                    f"SELECT a.entry FROM audit_log a WHERE {condition} ORDER BY a.at DESC, a.entry DESC LIMIT ?",
                    (*values, limit),
                )
            found = session.rows(
                f"SELECT {columns} FROM audit_log a WHERE {among(self._dialect, 'a.entry', 'bigint')} "
                "ORDER BY a.at DESC, a.entry DESC",
                (ids_parameter(self._dialect, [row[0] for row in rows]),),
            )
        return [codec.record(row) for row in found]

    def alerts(self, namespace: str, *, open_only: bool = True) -> list[Alert]:
        """Newest first, ties by id."""
        condition = "namespace = ? AND state = 'open'" if open_only else "namespace = ?"
        return self._listed(self._knowledge.alerts, condition, namespace, "last_seen_at DESC, alert_id")

    def agents(self, namespace: str) -> list[Agent]:
        """By id."""
        return self._listed(self._knowledge.agents, "namespace = ?", namespace, bytewise(self._dialect, "agent_id"))

    def tokens(self, namespace: str) -> list[Token]:
        """Oldest first, ties by hash."""
        return self._listed(self._knowledge.tokens, "namespace = ?", namespace, "created_at, hash")

    def token(self, token_hash: str) -> Token | None:
        """The one with this hash."""
        found = self._listed(self._knowledge.tokens, "hash = ?", token_hash, "hash")
        return found[0] if found else None

    def _listed(self, codec: RecordCodec[_RECORD], condition: str, value: str, order: str) -> list[_RECORD]:
        if not storable(value):
            return []
        with self._engine.reading() as session:
            rows = session.rows(
                f"SELECT {codec.selected} FROM {codec.table} WHERE {condition} ORDER BY {order}", (value,)
            )
        return [codec.record(row) for row in rows]
