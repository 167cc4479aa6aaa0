"""SQLite: one file, one writer connection, as many readers as ask at once.

WAL lets readers go on while the writer writes. Writers of this process queue on a lock (fair and cheap), those of
other processes on SQLite's own (``BEGIN IMMEDIATE`` and the busy time-out); a transaction that begins as a writer can
never find out too late that it may not write. ``synchronous`` is set for each transaction: FULL syncs the log at
commit, NORMAL only at a checkpoint, which loses the last commits in a power cut but never the file.

A connection must not be used, nor even closed, on the other side of a fork (https://sqlite.org/howtocorrupt.html,
2.6). A forked child leaves its parent's connections alone and makes its own.
"""

import os
import queue
import shutil
import sqlite3
import threading
import time
import weakref
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from seasoned.errors import (
    StoreBusyError,
    StoreConflictError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreOutdatedError,
    StoreUnavailableError,
)
from seasoned.model import Identity
from seasoned.store.dialect import Dialect
from seasoned.store.session import Parameters, Row

__all__ = ["SqliteEngine", "SqliteSession", "translated"]

_IDLE_READERS = 10
_CACHE_KIB = 16_384
_MAP_BYTES = 256 << 20
_NO_SPACE_BYTES = 1 << 20


def translated(error: sqlite3.Error, path: Path, waited_s: float) -> StoreError:
    """What the driver said, as one of ours. Never with values of the statement in it."""
    name: str = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusyError(
            f"{path}: another process held the database for more than {waited_s:g} s. Try again when it is done."
        )
    if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and _no_space(path)):
        return StoreFullError(
            f"{path}: no space left on the device; nothing was written. Free some space, then try again."
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT")):
        return StoreCorruptError(
            f"{path}: {error}. Restore it from a backup, or move it away and import the histories again."
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_IOERR")):
        return StoreUnavailableError(
            f"{path}: {error}. The file and its folder must be readable and writable for this user."
        )
    if name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}:
        return StoreConflictError(f"{path}: {error}")
    if name == "SQLITE_CONSTRAINT_CHECK":
        from seasoned.store.constraints import allowed_by

        allowed = allowed_by(str(error).rpartition(": ")[2])
        return StoreError(f"{path}: {error}" + (f". Allowed in {allowed}." if allowed else ""))
    if name == "SQLITE_ERROR" and str(error).startswith(("no such table", "no such column", "no such view")):
        return StoreOutdatedError(
            f"{path}: the schema is not the one that this Seasoned opened ({error}). Run `seasoned db migrate`."
        )
    return StoreError(f"{path}: {error}")


def _no_space(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _NO_SPACE_BYTES
    except OSError:
        return False


def _plainly(error: Exception) -> str:
    # A UnicodeError quotes the text it stumbled on.
    return error.reason if isinstance(error, UnicodeEncodeError) else str(error)


class SqliteSession:
    """A transaction on one connection."""

    dialect: Dialect = "sqlite"
    confined = False

    def __init__(self, connection: sqlite3.Connection, path: Path, timeout_s: float) -> None:
        self.connection = connection
        self._path = path
        self.timeout_s = timeout_s

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a query."""
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise translated(error, self._path, self.timeout_s) from error

    def stream(self, sql: str, parameters: Parameters = ()) -> Iterator[Row]:
        """Rows of a query as they come."""
        try:
            yield from self.connection.execute(sql, parameters)
        except sqlite3.Error as error:
            raise translated(error, self._path, self.timeout_s) from error

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute; how many rows were touched."""
        try:
            return self.connection.execute(sql, parameters).rowcount
        except sqlite3.Error as error:
            raise translated(error, self._path, self.timeout_s) from error

    def many(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Execute once per row."""
        try:
            self.connection.executemany(sql, rows)
        except sqlite3.Error as error:
            raise translated(error, self._path, self.timeout_s) from error
        except (OverflowError, UnicodeError) as error:
            raise StoreError(f"{self._path}: a value cannot be stored: {_plainly(error)}") from error

    def as_service(self) -> AbstractContextManager[None]:
        """Nothing changes: a file knows no rights."""
        return nullcontext()


class SqliteEngine:
    """Connections to one SQLite file. The file is created with mode 0600, its folder with 0700."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, *, busy_timeout_s: float, create: bool) -> None:
        self.path = path
        self.timeout_s = busy_timeout_s
        self._writer_lock = threading.Lock()
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(_IDLE_READERS)
        self._closed = False
        self._prepare_file(create)
        self._writer: sqlite3.Connection | None = self._connect()
        try:
            self._set_wal(self._writer)
        except StoreError:
            self._writer.close()
            raise
        _engines.add(self)

    @property
    def place(self) -> str:
        """The path."""
        return str(self.path)

    def _prepare_file(self, create: bool) -> None:
        try:
            if self.path.exists():
                return
            if not create:
                raise StoreUnavailableError(f"{self.path}: there is no such file.")
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StoreUnavailableError(
                f"{self.path}: {reason}. The folder must exist and be writable for this user."
            ) from error

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path,
                timeout=self.timeout_s,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
        except sqlite3.Error as error:
            raise translated(error, self.path, self.timeout_s) from error
        try:
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            connection.execute(f"PRAGMA mmap_size={_MAP_BYTES}")
            connection.execute("PRAGMA temp_store=MEMORY")
        except sqlite3.Error as error:
            connection.close()
            raise translated(error, self.path, self.timeout_s) from error
        return connection

    def _set_wal(self, connection: sqlite3.Connection) -> None:
        """WAL is persistent in the file. It is asked for only when it is not so: changing it needs the file alone.

        SQLite does not wait for that by itself: of several processes that open a new file at once, all but one see
        it busy for a moment.
        """
        until = time.monotonic() + self.timeout_s
        while self._ask(connection, "PRAGMA journal_mode") != "wal":
            try:
                self._ask(connection, "PRAGMA journal_mode=WAL")
            except StoreBusyError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def _ask(self, connection: sqlite3.Connection, pragma: str) -> object:
        try:
            return connection.execute(pragma).fetchone()[0]
        except sqlite3.Error as error:
            raise translated(error, self.path, self.timeout_s) from error

    def connect(self) -> sqlite3.Connection:
        """A connection of the caller's own, outside the queue; for migrations."""
        return self._connect()

    @contextmanager
    def reading(self, reader: Identity | None = None) -> Generator[SqliteSession, None, None]:
        """A read-only transaction. A file knows no rights: the queries carry the reader's as a condition."""
        del reader
        self._check_open()
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        session = SqliteSession(connection, self.path, self.timeout_s)
        process = os.getpid()
        try:
            session.run("PRAGMA query_only=ON")
            session.run("BEGIN")
            yield session
        finally:
            self._give_back(connection, process)

    def _give_back(self, connection: sqlite3.Connection, process: int) -> None:
        if process != os.getpid():
            _left_behind.append(connection)
            return
        if not self._closed and _rolled_back(connection):
            with suppress(queue.Full):
                self._idle.put_nowait(connection)
                return
        connection.close()

    @contextmanager
    def writing(self, *, durable: bool, reader: Identity | None = None) -> Generator[SqliteSession, None, None]:
        """The write transaction."""
        del reader
        started = time.monotonic()
        lock = self._writer_lock
        if not lock.acquire(timeout=self.timeout_s):
            raise StoreBusyError(
                f"{self.path}: another thread wrote for more than {self.timeout_s:g} s. Try again when it is done."
            )
        try:
            self._check_open()
            writer = self._writer = self._writer or self._connect()
            session = SqliteSession(writer, self.path, self.timeout_s)
            left_ms = max(0, int((self.timeout_s - (time.monotonic() - started)) * 1000))
            session.run(f"PRAGMA busy_timeout={left_ms}")
            session.run(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            session.run("BEGIN IMMEDIATE")
            try:
                yield session
                session.run("COMMIT")
            finally:
                # SQLite rolls back by itself on some errors (no space, for one); then there is nothing left to undo.
                if self._writer is writer and not _rolled_back(writer):
                    writer.close()
                    self._writer = None
        finally:
            if lock is self._writer_lock:  # else this is a forked child, whose lock is a new one
                lock.release()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailableError(f"{self.path}: the store was closed.")

    def close(self) -> None:
        """Close every connection; the last one out folds the log into the file."""
        with self._writer_lock:
            self._closed = True
            while True:
                try:
                    self._idle.get_nowait().close()
                except queue.Empty:
                    break
            if self._writer is not None:
                self._writer.close()

    def after_fork_in_child(self) -> None:
        """Let go of the parent's connections without touching them; called by the interpreter after a fork."""
        _left_behind.append(self._writer)
        with suppress(queue.Empty):
            while True:
                _left_behind.append(self._idle.get_nowait())
        self._writer = None
        self._idle = queue.LifoQueue(_IDLE_READERS)
        self._writer_lock = threading.Lock()


def _rolled_back(connection: sqlite3.Connection) -> bool:
    """Undo what was not committed; False for a connection on which even that fails, to be closed."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        return False  # closing it undoes the same; the error on the way here is the one to tell
    return True


_engines: "weakref.WeakSet[SqliteEngine]" = weakref.WeakSet()
_left_behind: list[object] = []
"""Connections of a parent process, kept so that nothing closes them."""


def _after_fork_in_child() -> None:
    for engine in list(_engines):
        engine.after_fork_in_child()


os.register_at_fork(after_in_child=_after_fork_in_child)
