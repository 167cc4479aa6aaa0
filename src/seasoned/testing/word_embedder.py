"""An embedder small enough to be read at a glance: equal words give near vectors. For tests of what rests on meaning.

Each word goes to a place that its hash names, so that texts are as near as the words that they share. Complete under
``testing.embedders`` but for meaning itself, of which it knows nothing.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

import numpy as np

from seasoned.embed import EmbedderInfo, Vectors

__all__ = ["WordEmbedder"]

_DIMENSIONS = 256


class WordEmbedder:
    """Bags of hashed words as vectors."""

    @property
    def info(self) -> EmbedderInfo:
        """Its name and 256 dimensions."""
        return EmbedderInfo(model="words@1", dimensions=_DIMENSIONS, languages=("en",))

    def embed(
        self,
        texts: Sequence[str],
        kind: Literal["query", "document"],  # noqa: ARG002  # the same for both
        *,
        most_tokens: int | None = None,
    ) -> Vectors:
        """``(len(texts), 256) float32``, L2-normalised; a text without words is its own direction."""
        rows = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
        for number, text in enumerate(texts):
            for word in text.casefold().split()[:most_tokens] or [""]:
                digest = blake2b(word.strip(".,:;`'\"").encode("utf-8", "surrogatepass"), digest_size=4).digest()
                rows[number, int.from_bytes(digest) % _DIMENSIONS] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True) if len(rows) else rows
