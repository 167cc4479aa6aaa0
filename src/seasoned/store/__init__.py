"""The store: history and knowledge in one SQL schema, on SQLite or PostgreSQL.

``open_store(url)`` is the door. Importing this package loads no driver, no SQLAlchemy and opens nothing.
"""

from typing import TYPE_CHECKING

from seasoned.store.knowledge_port import FailureQuery, KnowledgeStore, KnowledgeWriting, PatternQuery
from seasoned.store.port import (
    Appended,
    Counts,
    DeadLetter,
    Delivery,
    ImportState,
    Store,
    StoredFingerprint,
    TraceQuery,
    Writing,
)

if TYPE_CHECKING:
    from seasoned.store.sql import SqlStore, open_store

__all__ = [
    "Appended",
    "Counts",
    "DeadLetter",
    "Delivery",
    "FailureQuery",
    "ImportState",
    "KnowledgeStore",
    "KnowledgeWriting",
    "PatternQuery",
    "SqlStore",
    "Store",
    "StoredFingerprint",
    "TraceQuery",
    "Writing",
    "open_store",
]

_LAZY = frozenset({"SqlStore", "open_store"})


def __getattr__(name: str) -> object:
    if name in _LAZY:
        from seasoned.store import sql

        return getattr(sql, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
