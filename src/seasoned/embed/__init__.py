"""Texts to vectors and vectors to neighbours. Importing this loads no model, no inference engine, no array library."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasoned.embed.index import EmbeddingReader, UsearchIndex
    from seasoned.embed.minilm import MiniLmEmbedder
    from seasoned.embed.port import Embedder, EmbedderInfo, Neighbour, VectorIndex, Vectors
    from seasoned.embed.registry import DEFAULT_EMBEDDER, embedder_names, open_embedder

__all__ = [
    "DEFAULT_EMBEDDER",
    "Embedder",
    "EmbedderInfo",
    "EmbeddingReader",
    "MiniLmEmbedder",
    "Neighbour",
    "UsearchIndex",
    "VectorIndex",
    "Vectors",
    "embedder_names",
    "open_embedder",
]

_HOME = {
    **dict.fromkeys(("EmbeddingReader", "UsearchIndex"), "index"),
    "MiniLmEmbedder": "minilm",
    **dict.fromkeys(("Embedder", "EmbedderInfo", "Neighbour", "VectorIndex", "Vectors"), "port"),
    **dict.fromkeys(("DEFAULT_EMBEDDER", "embedder_names", "open_embedder"), "registry"),
}


def __getattr__(name: str) -> object:
    # A process that asks by hash and word alone is answered before numpy would have been loaded.
    if name in _HOME:
        return getattr(import_module(f"seasoned.embed.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
