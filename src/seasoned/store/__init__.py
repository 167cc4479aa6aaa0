"""The store: history and knowledge in one SQL schema, on SQLite or PostgreSQL.

``open_store(url)`` is the door. Importing this package loads no driver, no SQLAlchemy and opens nothing.
"""

from typing import TYPE_CHECKING

from seasoned.store.forgetting_port import (
    ForgettingStore,
    ForgettingWriting,
    Forgotten,
    Holdings,
    Selection,
    TaskSource,
)
from seasoned.store.knowledge_port import FailureQuery, KnowledgeStore, KnowledgeWriting, PatternQuery
from seasoned.store.library_port import LibraryQuery, LibraryStore, LibraryWriting, PatternCard, TaskArea, UsageCounts
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
    "ForgettingStore",
    "ForgettingWriting",
    "Forgotten",
    "Holdings",
    "ImportState",
    "KnowledgeStore",
    "KnowledgeWriting",
    "LibraryQuery",
    "LibraryStore",
    "LibraryWriting",
    "PatternCard",
    "PatternQuery",
    "Selection",
    "SqlStore",
    "Store",
    "StoredFingerprint",
    "TaskArea",
    "TaskSource",
    "TraceQuery",
    "UsageCounts",
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
