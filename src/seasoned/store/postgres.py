"""PostgreSQL: a pool of psycopg 3 connections whose rows look like SQLite's.

Ids and JSON come back as text, times in UTC, and every connection has the statement time-out. One advisory lock, taken
when a write transaction begins and released with it, makes writers follow one another as they do on SQLite: that keeps
the log's positions in the order of commit and makes "read, merge, replace" safe without locking rows that do not exist
yet. Readers are never held up by it. A forked child, which must not speak on its parent's sockets, makes a pool of
its own.
"""

import os
import re
import threading
import weakref
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from psycopg import Connection, Error, conninfo, errors, pq, sql
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader

from seasoned.errors import (
    AccessDeniedError,
    DependencyMissingError,
    SeasonedError,
    StoreBusyError,
    StoreConflictError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreOutdatedError,
    StoreUnavailableError,
)
from seasoned.model import Identity
from seasoned.store.dialect import Dialect, placeholders
from seasoned.store.session import Parameters, Row

try:
    from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout
except ImportError as missing:
    raise DependencyMissingError(
        "PostgreSQL needs psycopg with its pool: pip install 'psycopg[binary,pool]'."
    ) from missing

__all__ = ["PostgresEngine", "PostgresSession", "translated"]

_WRITER_LOCK = 0x5EA5_0ED0
"""Advisory lock of write transactions; migrations have the next number."""
_STATEMENT_TIMEOUT_S = 60
_HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.%]*::?[0-9A-Za-z:.%]*")
"""A name, an IPv4 or an IPv6 address."""
_CONNECT_TIMEOUT_S = 5
_STREAM_ROWS = 1_000
_AS_AGENT = "SET LOCAL ROLE seasoned_agent"


class _UtcLoader(Loader):
    """timestamptz text (``2026-01-31 09:05:00.25+00``) to an aware UTC time."""

    def load(self, data: Buffer) -> datetime:
        """What the server sent."""
        return datetime.fromisoformat(bytes(data).decode())


def _refusal(error: Error) -> str:
    """The server's or system's last word on a connection, which comes without a code."""
    first = str(error).partition("\n")[0]
    for mark in ("FATAL:", "failed:"):
        if mark in first:
            return first.rpartition(mark)[2].strip()
    if first.startswith("failed to resolve host"):
        return "its name does not resolve"
    return type(error).__name__


def translated(error: Error, place: str) -> StoreError:
    """What the server or driver said, as one of ours. Only its primary message: details quote the rows."""
    state = error.sqlstate or ""
    said = error.diag.message_primary or _refusal(error)
    if state.startswith("53") and state != "53300":
        if state == "53100":
            return StoreFullError(
                f"{place}: {said}; nothing was written. Free some space on the server, then try again."
            )
        return StoreUnavailableError(f"{place}: {said}. The server is short of resources; try again later.")
    if state in {"55P03", "40P01", "40001"}:
        return StoreBusyError(f"{place}: another writer held the database too long ({said}). Try again.")
    if state == "57014":
        return StoreBusyError(f"{place}: {said}, after {_STATEMENT_TIMEOUT_S} s.")
    if state in {"XX001", "XX002"}:
        return StoreCorruptError(f"{place}: {said}. Restore the database from a backup.")
    if (
        state.startswith("28")
        or state == "42501"
        or (not state and said.startswith(("password ", "role ", "no pg_hba")))
    ):
        return StoreUnavailableError(f"{place}: {said}. Check user, password and rights.")
    if state == "3D000" or (not state and said.startswith("database ")):
        return StoreUnavailableError(f"{place}: {said}. Create it first, for example with createdb.")
    if state in {"42P01", "42703"}:
        return StoreOutdatedError(
            f"{place}: the schema is not the one that this Seasoned opened ({said}). Run `seasoned db migrate`."
        )
    if (state == "0A000" and "extension" in said) or state == "58P01":
        return StoreUnavailableError(f"{place}: {said}. Install pgvector on the server.")
    if isinstance(error, errors.OperationalError | errors.InterfaceError) or state.startswith(("08", "57P", "53300")):
        return StoreUnavailableError(
            f"{place}: cannot be reached ({said}). Check the store's URL, and that the server runs and takes connections."
        )
    if state == "23505":
        return StoreConflictError(f"{place}: {said}")
    if state == "23514":
        from seasoned.store.constraints import allowed_by

        allowed = allowed_by(error.diag.constraint_name or "")
        return StoreError(f"{place}: {said}" + (f". Allowed in {allowed}." if allowed else ""))
    return StoreError(f"{place}: {said}")


def _is_plain(given: dict[str, Any]) -> bool:
    """Whether host, port and database are such, and no pieces of a password that was written without escapes."""
    hosts = f"{given.get('host') or ''},{given.get('hostaddr') or ''}".split(",")
    ports = str(given.get("port") or "").split(",")
    named = all(not host or host.startswith("/") or _HOST.fullmatch(host) for host in hosts)
    numbered = all(not port or port.isdecimal() for port in ports)
    return named and numbered and not {"@", "/"} & set(str(given.get("dbname") or ""))


class PostgresSession:
    """A transaction on one connection."""

    dialect: Dialect = "postgresql"

    def __init__(self, connection: Connection[Row], place: str) -> None:
        self.connection = connection
        self._place = place
        self._confined = False
        """Whether statements run inside a reader's rights, and not with those of the service."""

    @property
    def confined(self) -> bool:
        """Whether a reader's rights apply at this moment."""
        return self._confined

    def _confine(self, reader: Identity) -> str:
        """SQL after which this transaction has the rights of ``reader``, to be run by ``begin``."""
        settings = {"namespace": reader.namespace, "agent_id": reader.agent_id, "role": reader.role}
        said = [
            f"SET LOCAL seasoned.{name} = {sql.Literal(value).as_string(self.connection)}"
            for name, value in settings.items()
        ]
        return "; ".join([*said, _AS_AGENT])

    def begin(self, statements: str, reader: Identity | None) -> None:
        """What a transaction begins with, and then the reader's rights; one round trip."""
        try:
            text = statements if reader is None else f"{statements}; {self._confine(reader)}"
            self.connection.execute(text.encode())
        except Error as error:
            raise translated(error, self._place) from error
        self._confined = reader is not None

    @contextmanager
    def as_service(self) -> Generator[None, None, None]:
        """Within the block, statements run with the rights of the service."""
        if not self._confined:
            yield
            return
        self.run("RESET ROLE")
        self._confined = False
        try:
            yield
        finally:
            self._confined = True
            # In a transaction that failed nothing runs but a rollback, which sets the role as it was there.
            if self.connection.info.transaction_status == pq.TransactionStatus.INTRANS:
                self.run(_AS_AGENT)

    def _translated(self, error: Error) -> SeasonedError:
        if self._confined and error.sqlstate == "42501":
            return AccessDeniedError(f"{self._place}: {error.diag.message_primary}.")
        return translated(error, self._place)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a query."""
        try:
            return self.connection.execute(placeholders("postgresql", sql).encode(), parameters).fetchall()
        except Error as error:
            raise self._translated(error) from error

    def stream(self, sql: str, parameters: Parameters = ()) -> Iterator[Row]:
        """Rows of a query as they come, through a cursor of the server."""
        try:
            with self.connection.cursor("seasoned_stream") as cursor:
                cursor.itersize = _STREAM_ROWS
                yield from cursor.execute(placeholders("postgresql", sql).encode(), parameters)
        except Error as error:
            raise self._translated(error) from error

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute; how many rows were touched."""
        try:
            return self.connection.execute(placeholders("postgresql", sql).encode(), parameters).rowcount
        except Error as error:
            raise self._translated(error) from error

    def many(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Execute once per row, pipelined: one round trip for the batch."""
        try:
            with self.connection.cursor() as cursor:
                cursor.executemany(placeholders("postgresql", sql).encode(), rows)
        except Error as error:
            raise self._translated(error) from error
        except UnicodeEncodeError as error:
            raise StoreError(f"{self._place}: a value cannot be stored: {error.reason}") from error


class PostgresEngine:
    """A pool of connections to one database."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str, busy_timeout_s: float, pool: tuple[int, int]) -> None:
        try:
            given = conninfo.conninfo_to_dict(url)
        except Error as error:
            raise StoreUnavailableError(
                "The store's PostgreSQL URL cannot be read; is something in it unescaped?"
            ) from error
        if not _is_plain(given):
            # A "/" or "@" of the password then stands where host or database should, and must not be repeated.
            raise StoreUnavailableError(
                "The store's PostgreSQL URL cannot be read: write / as %2F, @ as %40 and : as %3A in user and password, "
                "and the port as a number."
            )
        host = given.get("host") or given.get("hostaddr") or "the local socket"
        port = f":{given['port']}" if given.get("port") else ""
        self.place = f"PostgreSQL at {host}{port}, database {given.get('dbname') or given.get('user') or 'default'}"
        self.timeout_s = busy_timeout_s
        given.setdefault("connect_timeout", _CONNECT_TIMEOUT_S)
        given.setdefault("application_name", "seasoned")
        self._url = conninfo.make_conninfo("", **given)
        # Said at once and with the server's reason, which the pool's own waiting would hide.
        self.connect().close()
        self._sizes = pool
        self._lock = threading.Lock()
        self._pool: ConnectionPool[Connection[Row]] | None = self._make_pool()
        _engines.add(self)

    def _make_pool(self) -> "ConnectionPool[Connection[Row]]":
        return ConnectionPool(
            self._url,
            min_size=self._sizes[0],
            max_size=self._sizes[1],
            timeout=30,
            configure=_configure,
            check=ConnectionPool.check_connection,
            open=True,
        )

    def connect(self) -> Connection[Row]:
        """A connection of the caller's own, outside the pool; for migrations."""
        try:
            connection = Connection.connect(self._url)
            _configure(connection, statement_timeout_s=0)
        except Error as error:
            raise translated(error, self.place) from error
        return connection

    @contextmanager
    def _borrowed(self) -> Generator[Connection[Row], None, None]:
        with self._lock:
            pool = self._pool = self._pool or self._make_pool()
        process = os.getpid()
        try:
            connection = pool.getconn()
        except (PoolTimeout, PoolClosed) as error:
            raise StoreUnavailableError(
                f"{self.place}: no connection to be had ({error}). Check that the server runs and accepts connections."
            ) from error
        try:
            yield connection
        finally:
            if process != os.getpid():
                _left_behind.append(connection)
            else:
                # Rolls back what was not committed; a broken connection is replaced by the pool.
                if not connection.closed:
                    with suppress(Error):
                        connection.rollback()
                pool.putconn(connection)

    @contextmanager
    def reading(self, reader: Identity | None = None) -> Generator[PostgresSession, None, None]:
        """A read-only transaction."""
        with self._borrowed() as connection:
            session = PostgresSession(connection, self.place)
            session.begin("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", reader)
            yield session

    @contextmanager
    def writing(self, *, durable: bool, reader: Identity | None = None) -> Generator[PostgresSession, None, None]:
        """The write transaction."""
        with self._borrowed() as connection:
            session = PostgresSession(connection, self.place)
            wait_ms = max(1, int(self.timeout_s * 1000))
            session.begin(
                f"SET LOCAL lock_timeout = {wait_ms}; SET LOCAL synchronous_commit = {'on' if durable else 'off'}; "
                f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})",
                reader,
            )
            yield session
            try:
                connection.commit()
            except Error as error:
                raise translated(error, self.place) from error

    def close(self) -> None:
        """Close the pool."""
        if self._pool is not None:
            self._pool.close()

    def after_fork_in_child(self) -> None:
        """Let go of the parent's pool without touching it; called by the interpreter after a fork."""
        _left_behind.append(self._pool)
        self._pool = None
        self._lock = threading.Lock()


_engines: "weakref.WeakSet[PostgresEngine]" = weakref.WeakSet()
_left_behind: list[object] = []
"""Pools and connections of a parent process, kept so that nothing closes them."""


def _after_fork_in_child() -> None:
    for engine in list(_engines):
        engine.after_fork_in_child()


os.register_at_fork(after_in_child=_after_fork_in_child)


def _configure(connection: Connection[Any], statement_timeout_s: int = _STATEMENT_TIMEOUT_S) -> None:
    adapters = connection.adapters
    for kind in ("uuid", "json", "jsonb"):
        adapters.register_loader(kind, TextLoader)
    adapters.register_loader("timestamptz", _UtcLoader)
    connection.execute(f"SET statement_timeout = '{statement_timeout_s}s'".encode())
    connection.execute("SET TimeZone = 'UTC'")
    connection.commit()
