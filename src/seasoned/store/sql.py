"""The store over SQL, for both engines, and the door to it.

``open_store`` is the only place that turns a URL into connections. SQLAlchemy and Alembic are not loaded by it unless
the database has to be migrated, and psycopg only for PostgreSQL: a command that looks something up in a file pays for
the standard library's sqlite3 alone.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from seasoned.errors import UsageError
from seasoned.model import Identity
from seasoned.store import migrate as migrations
from seasoned.store.advice_rows import AdviceReads
from seasoned.store.forgetting_reading import ForgettingReads, InsideEngine
from seasoned.store.knowledge_reading import KnowledgeReads
from seasoned.store.library_reading import LibraryReads
from seasoned.store.port import Writing
from seasoned.store.reading import HistoryReads
from seasoned.store.search import SearchReads
from seasoned.store.session import Clock, Engine
from seasoned.store.writing import SqlWriting

__all__ = ["SqlStore", "open_engine", "open_store"]

_POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg://")


def _now() -> datetime:
    return datetime.now(UTC)


class SqlStore(HistoryReads, SearchReads, KnowledgeReads, LibraryReads, AdviceReads, ForgettingReads):
    """Implements ``store.port.Store``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        HistoryReads.__init__(self, engine)
        SearchReads.__init__(self, engine)
        KnowledgeReads.__init__(self, engine)
        LibraryReads.__init__(self, engine)
        AdviceReads.__init__(self, engine)
        ForgettingReads.__init__(self, engine)
        self._clock = clock

    @property
    def engine(self) -> Engine:
        """The connections; for export, import, doctor and the vector index of this package."""
        return self._engine

    @contextmanager
    def writing(self, *, durable: bool = True, reader: Identity | None = None) -> Generator[SqlWriting, None, None]:
        """The write transaction."""
        with self._engine.writing(durable=durable, reader=reader) as session:
            yield SqlWriting(session, self._clock)

    def within(self, writing: Writing) -> "SqlStore":
        """This store as it stands inside an open write transaction of its own."""
        assert isinstance(writing, SqlWriting)
        return SqlStore(InsideEngine(writing.session, self._engine.place), self._clock)

    def scrub(self) -> bool:
        """Give the space of what was deleted back."""
        from seasoned.store.scrubbing import scrub

        return scrub(self._engine)

    def close(self) -> None:
        """Release every connection."""
        self._engine.close()


def open_engine(
    url: str, *, busy_timeout_s: float = 10.0, pool: tuple[int, int] = (2, 10), create: bool = True
) -> Engine:
    """Connections to the database that ``url`` names, whatever its schema.

    Raises UsageError for a URL that names no database of a known kind, otherwise as ``open_store``.
    """
    if url.startswith("sqlite:///"):
        from seasoned.store.sqlite import SqliteEngine

        path = unquote(url.removeprefix("sqlite:///"))
        if path in {"", ":memory:"}:
            raise UsageError("sqlite:///… needs a file: readers and the writer have connections of their own.")
        return SqliteEngine(Path(path).absolute(), busy_timeout_s=busy_timeout_s, create=create)
    if url.startswith(_POSTGRES):
        from seasoned.store.postgres import PostgresEngine

        return PostgresEngine(url.replace("postgresql+psycopg://", "postgresql://", 1), busy_timeout_s, pool)
    # Only what is surely a scheme is repeated: anything else may be a password in the wrong place.
    scheme = re.match(r"[a-z][a-z0-9+.-]{0,19}(?=://)", url)
    named = repr(scheme[0]) if scheme else "what was given as the store's URL"
    raise UsageError(
        f"{named} is no store: allowed are sqlite:///relative/path, sqlite:////absolute/path and "
        "postgresql://user:password@host:port/database."
    )


def open_store(
    url: str,
    *,
    migrate: bool = True,
    busy_timeout_s: float = 10.0,
    pool: tuple[int, int] = (2, 10),
    clock: Clock = _now,
) -> SqlStore:
    """Open a database: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``postgresql://user@host/database``.

    ``migrate``: bring the schema to what this Seasoned speaks, creating the SQLite file where there is none.
    ``busy_timeout_s``: how long a writer waits for another, in seconds.
    ``pool``: smallest and largest number of PostgreSQL connections.
    ``clock``: what created_at, updated_at and recorded_at are taken from; aware.

    Raises UsageError for a URL of no known kind; StoreUnavailableError, StoreBusyError, StoreCorruptError; and where
    the schema does not fit StoreTooNewError, StoreOutdatedError (``migrate=False``) or StoreError (the file belongs to
    something else).
    """
    engine = open_engine(url, busy_timeout_s=busy_timeout_s, pool=pool, create=migrate)
    try:
        migrations.check_revision(engine, migrate=migrate)
    except BaseException:
        engine.close()
        raise
    return SqlStore(engine, clock)
