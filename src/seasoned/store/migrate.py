"""Bringing a database to the schema that this code speaks, and back.

Opening a store asks one question (``revision``); only when the answer is not ``HEAD`` is Alembic loaded. A migration
runs in one transaction that no other process can share, so that of several that start at once one migrates and the
others find it done. A revision that is not known means a newer Seasoned wrote it: it is refused, never touched.
"""

from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from seasoned.errors import StoreError, StoreOutdatedError, StoreTooNewError, UsageError
from seasoned.store.migrations import HEAD, KNOWN, VERSION_TABLE
from seasoned.store.session import Engine, Session

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

__all__ = ["check_revision", "downgrade", "has_our_tables", "revision", "upgrade"]


def _exists(session: Session, name: str) -> bool:
    match session.dialect:
        case "sqlite":
            return bool(session.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)))
        case "postgresql":
            return session.rows("SELECT to_regclass(?) IS NOT NULL", (name,))[0][0] is True
        case _:
            assert_never(session.dialect)


def revision(session: Session) -> str | None:
    """The revision that the database is at; None before the first."""
    if not _exists(session, VERSION_TABLE):
        return None
    found = session.rows(f"SELECT version_num FROM {VERSION_TABLE}")
    return str(found[0][0]) if found else None


def has_our_tables(engine: Engine) -> bool:
    """Whether a migration has run here."""
    with engine.reading() as session:
        return revision(session) is not None


def check_revision(engine: Engine, *, migrate: bool) -> None:
    """Make sure that the database is at HEAD, by migrating it where that is allowed.

    Raises StoreTooNewError, StoreOutdatedError, or StoreError for a SQLite file that belongs to something else.
    """
    with engine.reading() as session:
        found = revision(session)
        if found is None and engine.dialect == "sqlite":
            foreign = session.rows(
                # sqlite_sequence stays for good once a table has counted a key, also when that table is gone.
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' LIMIT 1"
            )
            if foreign:
                raise StoreError(
                    f"{engine.place}: this SQLite file belongs to something else (it holds a table {foreign[0][0]!r}). "
                    "Choose another path."
                )
    if found == HEAD:
        return
    _refuse_newer(found, engine)
    if not migrate:
        state = f"at revision {found}" if found else "without a schema"
        raise StoreOutdatedError(
            f"{engine.place}: the database is {state}, this Seasoned needs {HEAD}. Run `seasoned db migrate`."
        )
    upgrade(engine)


def _refuse_newer(found: str | None, engine: Engine) -> None:
    if found is not None and found not in KNOWN:
        raise StoreTooNewError(
            f"{engine.place}: the database is at revision {found}, this Seasoned knows up to {HEAD}. "
            "Upgrade Seasoned, or use another database."
        )


def _config(connection: "Connection") -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, target: str = HEAD) -> None:
    """Migrate up to ``target``. Does nothing where it is reached."""
    from alembic import command

    from seasoned.store.alchemy import open_connection

    with open_connection(engine) as connection:
        command.upgrade(_config(connection), target)


def _refuse_loss(connection: "Connection", engine: Engine, target: str) -> None:
    from sqlalchemy import inspect

    from seasoned.store.schema import ordered_tables

    there = set(inspect(connection).get_table_names())
    held = {
        str(table.name): connection.exec_driver_sql(f"SELECT count(*) FROM {table.name}").scalar_one()
        for table in ordered_tables()
        if table.name in there
        and table.name not in {"similarity_weights", "library_revision"}  # those come with the schema
    }
    if rows := sum(held.values()):
        most = max(held, key=lambda name: held[name])
        raise UsageError(
            f"{engine.place}: holds {rows} rows (most of them in {most}) that a downgrade to {target} may lose. "
            "Run `seasoned db export` first; then say that they may go."
        )


def downgrade(engine: Engine, target: str = "base", *, lose_data: bool = False) -> None:
    """Migrate down to ``target``; ``base`` leaves the database as it was before the first migration. All data go.

    Raises UsageError where there are any, unless ``lose_data`` says that they may.
    """
    from alembic import command

    from seasoned.store.alchemy import open_connection

    with engine.reading() as session:
        found = revision(session)
    _refuse_newer(found, engine)
    if found is None:
        return
    with open_connection(engine) as connection:
        if not lose_data:
            _refuse_loss(connection, engine, target)
        command.downgrade(_config(connection), target)
        if target == "base":
            connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")
