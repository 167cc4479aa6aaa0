"""Saving vectors of fingerprints and of patterns: one table, told apart by whose they are."""

from collections.abc import Iterable, Sequence
from typing import Literal

from seasoned.store.dialect import Dialect, upsert
from seasoned.store.encoding import vector_bytes, vector_text
from seasoned.store.session import Session

__all__ = ["VectorWrites"]

_UPSERT = upsert(
    "embeddings", ("namespace", "model", "owner_kind", "owner_id", "dimensions", "vector"),
    "namespace, model, owner_kind, owner_id",
)  # fmt: skip
_MOVES = ", rowid = (SELECT max(rowid) + 1 FROM embeddings) WHERE embeddings.vector IS NOT excluded.vector"
"""On SQLite a replaced vector gets the next row number, so that row numbers tell the order of changes."""


class VectorWrites:
    """The part of ``store.port.Writing`` that is about vectors."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._dialect: Dialect = session.dialect
        self._indexed_models: set[str] = set()

    def save_embeddings(self, model: str, vectors: Iterable[tuple[str, str, Sequence[float]]]) -> None:
        """Insert or replace vectors of fingerprints."""
        dimensions = self._save_vectors("fingerprint", model, vectors)
        if dimensions and self._dialect == "postgresql" and model not in self._indexed_models:
            from seasoned.store.pgvector import ensure_index

            ensure_index(self._session, model, dimensions)
            self._indexed_models.add(model)

    def save_pattern_embeddings(self, model: str, vectors: Sequence[tuple[str, str, Sequence[float]]]) -> None:
        """Insert or replace vectors of patterns. They are too few for an index to pay."""
        self._save_vectors("pattern", model, vectors)

    def _save_vectors(
        self, kind: Literal["fingerprint", "pattern"], model: str, vectors: Iterable[tuple[str, str, Sequence[float]]]
    ) -> int:
        rows: list[tuple[object, ...]] = []
        dimensions = 0
        for namespace, owner_id, vector in vectors:
            data = vector_bytes(vector)
            dimensions = dimensions or len(data) // 4
            kept = vector_text(data) if self._dialect == "postgresql" else data
            rows.append((namespace, model, kind, owner_id, len(data) // 4, kept))
        self._session.many(_UPSERT + (_MOVES if self._dialect == "sqlite" else ""), rows)
        return dimensions
