"""The narrow waist between the store's SQL and the two drivers.

SQL is written with ``?``; rows come as plain tuples in which ids and documents are text on both engines. Lists are
JSON text on SQLite and Python lists on PostgreSQL, times text there and aware datetimes here (``encoding``, ``rows``).
A session speaks inside one transaction and is used by one thread at a time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from seasoned.model import Identity
from seasoned.store.dialect import Dialect

__all__ = ["Clock", "Engine", "Parameters", "Row", "Session"]

Row = tuple[Any, ...]
"""One row; the columns' types are what the SQL says."""
Parameters = Sequence[object]
Clock = Callable[[], datetime]
"""Aware now; injected, so that tests decide what time it is."""


class Session(Protocol):
    """A transaction on one connection. Every method raises the StoreError family and nothing else."""

    @property
    def dialect(self) -> Dialect:
        """Which engine answers."""
        ...

    @property
    def confined(self) -> bool:
        """Whether statements run inside a reader's rights at this moment."""
        ...

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a query."""
        ...

    def stream(self, sql: str, parameters: Parameters = ()) -> Iterator[Row]:
        """Rows of a query as they come; memory does not grow with their number. One at a time in a transaction."""
        ...

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute; how many rows were touched."""
        ...

    def many(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Execute once per row, in order, as one batch."""
        ...

    def as_service(self) -> AbstractContextManager[None]:
        """Within the block, statements run with the rights of the service; without a reader they do so anyway."""
        ...


class Engine(Protocol):
    """Connections to one database."""

    @property
    def dialect(self) -> Dialect:
        """Which engine it is."""
        ...

    @property
    def place(self) -> str:
        """Where the database is, fit for a message: never with a password."""
        ...

    def reading(self, reader: Identity | None = None) -> AbstractContextManager[Session]:
        """A read-only transaction: one consistent state of the database.

        ``reader``: statements run inside its rights, where the engine knows rights (PostgreSQL); what they deny raises
        AccessDeniedError. None: with the rights of the service.
        """
        ...

    def writing(self, *, durable: bool, reader: Identity | None = None) -> AbstractContextManager[Session]:
        """The write transaction: one at a time for the whole database. Leaving it commits, an exception rolls back.

        ``reader`` as for ``reading``.
        """
        ...

    def close(self) -> None:
        """Release every connection."""
        ...
