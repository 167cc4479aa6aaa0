"""The embedder and vector index ports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Embedder", "EmbedderInfo", "Neighbour", "VectorIndex", "Vectors"]

Vectors = NDArray[np.float32]
"""``(n, dimensions) float32``, each row L2-normalised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderInfo:
    """What tells one embedder's vectors from another's."""

    model: str
    """Name under which its vectors are stored, with revision; vectors of different names never mix."""
    dimensions: int
    languages: tuple[str, ...]
    """ISO 639-1 codes it was made for."""


class Embedder(Protocol):
    """Texts to vectors. Deterministic; safe to call from several threads."""

    @property
    def info(self) -> EmbedderInfo:
        """Known without loading the model."""
        ...

    def embed(
        self, texts: Sequence[str], kind: Literal["query", "document"], *, most_tokens: int | None = None
    ) -> Vectors:
        """``(len(texts), dimensions) float32``, L2-normalised, in the order of ``texts``; ``(0, dimensions)`` for none.

        An empty text has a vector too. Texts longer than the model's window are cut by the model, and at ``most_tokens``
        (≥ 3) for whoever has less time than a long text takes.
        Raises EmbedderError when the model's files are missing, damaged or not those expected.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One result of a vector search."""

    owner_id: str
    similarity: float
    """Cosine, −1..1."""


class VectorIndex(Protocol):
    """Nearest vectors of one namespace and model. Derived: the ``embeddings`` table is the truth."""

    def nearest(self, namespace: str, model: str, vector: Vectors, limit: int) -> list[Neighbour]:
        """The ``limit`` nearest to ``vector`` (shape ``(dimensions,)``), best first, ties by owner id.

        Empty when nothing is indexed. Exact below 50,000 vectors.
        """
        ...

    def similarities(self, namespace: str, model: str, vector: Vectors, owner_ids: Sequence[str]) -> dict[str, float]:
        """Exact cosine of ``vector`` with each of these owners; those without an indexed vector are left out."""
        ...

    def refresh(self, namespace: str, model: str) -> int:
        """Take in what the table has gained or lost since; returns how many vectors the index holds now."""
        ...
