"""Looking for fingerprints: by hash, by word, and the vectors to look by meaning with.

Words. Both engines hold exact terms, so both find the same fingerprints; neither engine's own rank is used. A candidate
ranks by the summed rarity ``ln(1 + N / df)`` of the words it shares, which the document frequencies give at once and
equally on both. Posting lists are read from the rarest word on until ``_BUDGET`` rows: a word that stands in every
tenth prompt says little and would cost the most.
"""

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import assert_never

from seasoned.store.dialect import Dialect, among, ids_parameter, zero_ids
from seasoned.store.session import Engine, Session

__all__ = ["WITHOUT_EMBEDDING", "SearchReads", "vector_column", "vector_from_engine"]

_BUDGET = 2_000
"""Postings read for one question, at least; measured: 2,000 rows cost 3 ms on SQLite at 100,000 fingerprints."""
_PAGE = 2_000
"""Vectors read at once: 3 MB at 384 dimensions."""
_SAME_HASH = 20
WITHOUT_EMBEDDING = (
    "SELECT f.namespace, f.fingerprint_id, f.normalized_prompt FROM task_fingerprints f WHERE NOT EXISTS ("
    "SELECT 1 FROM embeddings e WHERE e.namespace = f.namespace AND e.model = ? AND e.owner_kind = 'fingerprint' "
    "AND e.owner_id = f.fingerprint_id) ORDER BY f.number LIMIT ?"
)

_COUNT = "SELECT count(*) FROM embeddings WHERE namespace = ? AND model = ? AND owner_kind = 'fingerprint'"


def vector_column(dialect: Dialect) -> str:
    """What to select so that ``vector_from_engine`` can read it."""
    match dialect:
        case "sqlite":
            return "vector"
        case "postgresql":
            return "vector_send(vector)"
        case _:
            assert_never(dialect)


def vector_from_engine(dialect: Dialect, data: bytes) -> bytes:
    """Little-endian float32. pgvector sends two 16-bit words (dimensions, unused), then big-endian float32."""
    match dialect:
        case "sqlite":
            return data
        case "postgresql":
            numbers = array("f", bytes(data[4:]))
            numbers.byteswap()
            return numbers.tobytes()
        case _:
            assert_never(dialect)


class SearchReads:
    """The other half of ``store.port.Store``: finding fingerprints."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect: Dialect = engine.dialect

    def by_hash(self, namespace: str, *, task_hash: str | None = None, shape_hash: str | None = None) -> list[str]:
        """Fingerprint ids with this hash (both, where both are given), most executed first; at most 20."""
        given = {"task_hash": task_hash, "shape_hash": shape_hash}
        values = {name: value for name, value in given.items() if value is not None}
        if not values:
            return []
        conditions = " AND ".join(f"{name} = ?" for name in values)
        with self._engine.reading() as session:
            rows = session.rows(
                f"SELECT fingerprint_id FROM task_fingerprints WHERE namespace = ? AND {conditions} "
                f"ORDER BY execution_count DESC, fingerprint_id LIMIT {_SAME_HASH}",
                (namespace, *values.values()),
            )
        return [row[0] for row in rows]

    def document_frequencies(self, namespace: str, tokens: Sequence[str]) -> tuple[dict[str, int], int]:
        """In how many fingerprints each token stands (0 included), and how many fingerprints there are."""
        with self._engine.reading() as session:
            found, total = self._frequencies(session, namespace, tokens)
        return {token: found.get(token, 0) for token in tokens}, total

    def _frequencies(self, session: Session, namespace: str, tokens: Sequence[str]) -> tuple[dict[str, int], int]:
        rows = session.rows(
            "SELECT token, fingerprints FROM keyword_counts "
            f"WHERE namespace = ? AND {among(self._dialect, 'token', 'text')}",
            (namespace, ids_parameter(self._dialect, ["", *tokens])),
        )
        found = {row[0]: row[1] for row in rows}
        return found, found.pop("", 0)

    def keyword_candidates(self, namespace: str, tokens: Sequence[str], limit: int) -> list[str]:
        """Ids of fingerprints that share a word, rarest shared words first, ties by id."""
        wanted = sorted({token for token in tokens if token})
        if not wanted or limit < 1:
            return []
        with self._engine.reading() as session:
            frequencies, total = self._frequencies(session, namespace, wanted)
            weights: dict[str, tuple[float, int]] = {}
            budget = max(_BUDGET, 10 * limit)
            read = 0
            for count, token in sorted((count, token) for token, count in frequencies.items()):
                if weights and read + count > budget:
                    break
                weights[token] = math.log(1 + total / count), count
                read += count
            if not weights:
                return []
            match self._dialect:
                case "sqlite":
                    return _candidates_sqlite(session, namespace, weights, limit, budget)
                case "postgresql":
                    return _candidates_postgresql(session, namespace, weights, limit, budget)
                case _:
                    assert_never(self._dialect)

    # -- vectors -------------------------------------------------------------------------------------------------
    def without_embedding(self, model: str, limit: int) -> list[tuple[str, str, str]]:
        """(namespace, fingerprint_id, normalised prompt) of those without a vector of ``model``, oldest first."""
        with self._engine.reading() as session:
            return [(row[0], row[1], row[2]) for row in session.rows(WITHOUT_EMBEDDING, (model, limit))]

    def embeddings(self, namespace: str, model: str, *, after: str = "") -> Iterator[tuple[str, bytes]]:
        """(fingerprint_id, little-endian float32 bytes) in id order. Reads page by page: no transaction stays open."""
        last = after or zero_ids(self._dialect)
        while True:
            with self._engine.reading() as session:
                rows = session.rows(
                    f"SELECT owner_id, {vector_column(self._dialect)} FROM embeddings "
                    "WHERE namespace = ? AND model = ? AND owner_kind = 'fingerprint' AND owner_id > ? "
                    f"ORDER BY owner_id LIMIT {_PAGE}",
                    (namespace, model, last),
                )
            for owner_id, data in rows:
                yield owner_id, vector_from_engine(self._dialect, data)
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

    def embedding_count(self, namespace: str, model: str) -> int:
        """How many fingerprints have a vector of this model."""
        with self._engine.reading() as session:
            return int(session.rows(_COUNT, (namespace, model))[0][0])

    def embedding_mark(self, namespace: str, model: str) -> tuple[int, int, str]:
        """(how many there are, position of the last change to any vector, its owner)."""
        with self._engine.reading() as session:
            count = session.rows(_COUNT, (namespace, model))[0][0]
            match self._dialect:
                case "sqlite":
                    last = session.rows("SELECT rowid, owner_id FROM embeddings ORDER BY rowid DESC LIMIT 1")
                case "postgresql":
                    last = []
                case _:
                    assert_never(self._dialect)
        return (int(count), *last[0]) if last else (int(count), 0, "")

    def embedding_changes(self, namespace: str, model: str, position: int) -> Iterator[tuple[str, bytes]]:
        """(fingerprint_id, little-endian float32 bytes) of those inserted or replaced at ``position`` or behind it."""
        match self._dialect:
            case "sqlite":
                # A plus keeps the planner from the key: the last few row numbers are wanted, not the whole model.
                sql = (
                    "SELECT rowid, owner_id, vector FROM embeddings WHERE rowid >= ? AND +namespace = ? "
                    f"AND +model = ? AND +owner_kind = 'fingerprint' ORDER BY rowid LIMIT {_PAGE}"
                )
            case "postgresql":  # keeps no order of changes; its own index needs none
                yield from self.embeddings(namespace, model)
                return
            case _:
                assert_never(self._dialect)
        while True:
            with self._engine.reading() as session:
                rows = session.rows(sql, (position, namespace, model))
            for _, owner_id, data in rows:
                yield owner_id, data
            if len(rows) < _PAGE:
                return
            position = rows[-1][0] + 1


def _candidates_sqlite(
    session: Session, namespace: str, weights: dict[str, tuple[float, int]], limit: int, budget: int
) -> list[str]:
    prefix = namespace.encode("utf-8", "replace").hex() + "x"
    scores: dict[int, float] = {}
    for token, (weight, _) in weights.items():
        rows = session.rows(
            "SELECT rowid FROM fingerprint_search WHERE fingerprint_search MATCH ? ORDER BY rowid DESC LIMIT ?",
            (prefix + token.encode("utf-8", "replace").hex(), budget),
        )
        for (number,) in rows:
            scores[number] = scores.get(number, 0.0) + weight
    if not scores:
        return []
    # Only those that can be among the first ``limit`` are looked up: by score, with everything that ties with the last.
    least = sorted(scores.values(), reverse=True)[min(limit, len(scores)) - 1]
    rows = session.rows(
        f"SELECT number, fingerprint_id FROM task_fingerprints WHERE {among('sqlite', 'number', 'bigint')}",
        (ids_parameter("sqlite", [number for number, score in scores.items() if score >= least]),),
    )
    ranked = sorted((-scores[number], fingerprint_id) for number, fingerprint_id in rows)
    return [fingerprint_id for _, fingerprint_id in ranked[:limit]]


def _candidates_postgresql(
    session: Session, namespace: str, weights: dict[str, tuple[float, int]], limit: int, budget: int
) -> list[str]:
    found: dict[str, float] = {}
    for token, (weight, count) in weights.items():
        # Quoted by doubling, as tsquery's own text form does; a word is never read as an operator.
        term = "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"
        # An order that is not needed would tempt the planner to walk the table in that order.
        newest = "ORDER BY number DESC LIMIT ?" if count > budget else "LIMIT ?"
        rows = session.rows(
            "SELECT fingerprint_id FROM task_fingerprints "
            f"WHERE array_to_tsvector(prompt_tokens) @@ ?::tsquery AND namespace = ? {newest}",
            (term, namespace, budget),
        )
        for (fingerprint_id,) in rows:
            found[fingerprint_id] = found.get(fingerprint_id, 0.0) + weight
    ranked = sorted((-score, fingerprint_id) for fingerprint_id, score in found.items())
    return [fingerprint_id for _, fingerprint_id in ranked[:limit]]
