"""Nearest patterns by meaning: every vector is looked at, so the answer is exact.

A library has thousands of patterns where a history has millions of spans: 10,000 vectors of 384 numbers are 15 MB, and
comparing with all of them takes a millisecond. SQLite's are kept in memory for as long as ``library_revision`` says
that no vector has changed; PostgreSQL compares where the vectors lie. Who may read what is decided by the same
statement either way, before the comparison.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from seasoned.model import Identity
from seasoned.store.dialect import among, ids_parameter
from seasoned.store.encoding import vector_bytes, vector_text
from seasoned.store.library_rows import Condition
from seasoned.store.session import Engine, Session

__all__ = ["PatternVectors"]

_MODELS_KEPT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    revision: int
    owners: list[str]
    """Pattern of each row."""
    matrix: NDArray[np.float32]
    """(n_patterns, dim) float32, L2-normalised."""


class PatternVectors:
    """Vectors of one database's patterns. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[tuple[str, int], _Kept] = {}
        self._lock = Lock()

    def nearest(
        self, reader: Identity, model: str, vector: Sequence[float], wanted: Condition, limit: int
    ) -> list[tuple[str, float]]:
        """(id, cosine) of those that meet ``wanted``, nearest first, ties by id. ``vector``: (dim,) L2-normalised."""
        with self._engine.reading(reader) as session:
            match session.dialect:
                case "sqlite":
                    kept = self._current(session, model, len(vector))
                    return _compared(kept, session, np.asarray(vector, dtype=np.float32), wanted, limit)
                case "postgresql":
                    return _compared_there(session, model, vector, wanted, limit)
                case _:
                    assert_never(session.dialect)

    def _current(self, session: Session, model: str, dimensions: int) -> _Kept:
        revision = int(session.rows("SELECT revision FROM library_revision WHERE part = 'vectors'")[0][0])
        with self._lock:
            kept = self._kept.get((model, dimensions))
            if kept is not None and kept.revision == revision:
                return kept
        rows = session.rows(
            "SELECT e.owner_id, e.vector FROM patterns p CROSS JOIN embeddings e ON e.owner_id = p.pattern_id "
            "WHERE e.owner_kind = 'pattern' AND e.model = ? AND e.dimensions = ?",
            (model, dimensions),
        )
        matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4").reshape(len(rows), dimensions)
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
        usable = norms[:, 0] > 0
        kept = _Kept(
            revision=revision,
            owners=[row[0] for row, fit in zip(rows, usable, strict=True) if fit],
            matrix=(matrix[usable] / norms[usable]).astype(np.float32),
        )
        with self._lock:
            while len(self._kept) >= _MODELS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[model, dimensions] = kept
        return kept


def _compared(
    kept: _Kept, session: Session, vector: NDArray[np.float32], wanted: Condition, limit: int
) -> list[tuple[str, float]]:
    """Of the nearest of all, those that meet ``wanted``; more of the nearest are tried until they are enough, so that the
    answer is that of looking at each."""
    cosines = kept.matrix @ vector
    tried = 4 * limit
    while True:
        least = np.partition(cosines, len(cosines) - tried)[len(cosines) - tried] if tried < len(cosines) else -np.inf
        near = {kept.owners[place]: float(cosines[place]) for place in np.flatnonzero(cosines >= least)}
        rows = session.rows(
            f"SELECT p.pattern_id FROM patterns p WHERE {wanted[0]} AND {among(session.dialect, 'p.pattern_id')}",
            (*wanted[1], ids_parameter(session.dialect, list(near))),
        )
        if len(rows) >= limit or tried >= len(cosines):
            found = [(row[0], near[row[0]]) for row in rows]
            return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:limit]
        tried *= 8


def _compared_there(
    session: Session, model: str, vector: Sequence[float], wanted: Condition, limit: int
) -> list[tuple[str, float]]:
    # Sorted by a computed column, so that no approximate index is taken; a vector of zeros has no cosine (NaN).
    rows = session.rows(
        "WITH seen AS MATERIALIZED (SELECT p.pattern_id FROM patterns p WHERE " + wanted[0] + "), "
        "compared AS MATERIALIZED (SELECT e.owner_id, 1 - (e.vector <=> ?::vector) AS cosine FROM embeddings e "
        "JOIN seen s ON s.pattern_id = e.owner_id WHERE e.owner_kind = 'pattern' AND e.model = ? AND e.dimensions = ?) "
        "SELECT owner_id, cosine FROM compared WHERE cosine <> 'NaN' ORDER BY cosine DESC, owner_id LIMIT ?",
        (*wanted[1], vector_text(vector_bytes(vector)), model, len(vector), limit),
    )
    return [(row[0], float(row[1])) for row in rows]
