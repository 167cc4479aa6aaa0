"""Giving the space of deleted rows back, so that their bytes do not linger in the database's files.

SQLite keeps deleted content in free pages, and stale copies of cells where pages were split; ``secure_delete`` overwrites
only the former (https://sqlite.org/pragma.html#pragma_secure_delete). VACUUM writes every page anew, the full-text index
drops deleted terms when its segments are merged (https://sqlite.org/fts5.html#the_optimize_command), and the write-ahead
log, which holds older pages, is emptied by a TRUNCATE checkpoint. It needs as much free space as the database has, and the
write lock for as long as copying it takes. What the file system or a backup keeps of old blocks is out of reach.

PostgreSQL's VACUUM makes the space of dead rows reusable; when it is overwritten is the server's affair.
"""

import sqlite3
from typing import assert_never

from seasoned.store.session import Engine

__all__ = ["scrub"]

_TABLES = (
    "execution_traces", "spans", "code_artifacts", "task_fingerprints", "embeddings", "keyword_counts", "events",
    "dead_letters", "patterns", "pattern_templates", "pattern_usages", "failure_patterns", "failure_occurrences",
    "resolutions", "agent_routing_decisions", "advice", "audit_log",
)  # fmt: skip


def scrub(engine: Engine) -> bool:
    """See ``ForgettingStore.scrub``. Outside any transaction. Raises StoreError."""
    match engine.dialect:
        case "sqlite":
            return _sqlite(engine)
        case "postgresql":
            return _postgresql(engine)
        case _:
            assert_never(engine.dialect)


def _sqlite(engine: Engine) -> bool:
    from seasoned.store.sqlite import SqliteEngine, translated

    assert isinstance(engine, SqliteEngine)
    connection = engine.connect()
    try:
        connection.execute("PRAGMA temp_store=FILE")  # the copy is as large as the database
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("INSERT INTO fingerprint_search (fingerprint_search) VALUES ('optimize')")
        connection.execute("VACUUM")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise translated(error, engine.path, engine.timeout_s) from error
    finally:
        connection.close()
    return not busy


def _postgresql(engine: Engine) -> bool:
    from psycopg import Error

    from seasoned.store.postgres import PostgresEngine, translated

    assert isinstance(engine, PostgresEngine)
    connection = engine.connect()
    try:
        connection.autocommit = True
        connection.execute(f"VACUUM {', '.join(_TABLES)}".encode())
    except Error as error:
        raise translated(error, engine.place) from error
    finally:
        connection.close()
    return True
