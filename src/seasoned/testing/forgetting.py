"""What forgetting must leave behind, as something two stores can be compared by.

``rows_of`` is every table but what may differ between a store that forgot and one that never knew: clocks of our own, row
numbers, positions of the log, the audit log, the ids that were forgotten, and how far files and consumers have come.
"""

from seasoned.store.schema import ordered_tables
from seasoned.store.sql import SqlStore

__all__ = ["rows_of"]

_OTHER_TABLES = frozenset({"audit_log", "forgotten", "consumer_offsets", "library_revision", "import_state"})
_OTHER_COLUMNS = {"events": {"position", "recorded_at"}, "task_fingerprints": {"number"}}


def rows_of(store: SqlStore) -> dict[str, list[str]]:
    """Rows by table, sorted, as text; on SQLite also the terms of the full-text index. Raises StoreError."""
    found: dict[str, list[str]] = {}
    with store.engine.reading() as session:
        for table in ordered_tables():
            if table.name in _OTHER_TABLES:
                continue
            left_out = _OTHER_COLUMNS.get(str(table.name), set[str]())
            columns = ", ".join(f'"{column.name}"' for column in table.columns if column.name not in left_out)
            found[str(table.name)] = sorted(map(repr, session.rows(f"SELECT {columns} FROM {table.name}")))
        if session.dialect == "sqlite":
            found["terms"] = sorted(map(repr, session.rows("SELECT term, doc FROM fingerprint_terms")))
    return found
