"""The whole schema as one ``MetaData``: what every migration together must amount to, which a test holds.

The store itself does not import this at run time: loading SQLAlchemy takes longer (0.5 s on the machine where it was
measured) than a command that only looks something up may take. Migrations, export, import and doctor do.
"""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex

from seasoned.store import schema_history, schema_knowledge
from seasoned.store.dialect import Dialect

__all__ = ["METADATA", "index_statements", "ordered_tables"]

METADATA = schema_knowledge.METADATA
assert schema_history.METADATA is METADATA


def ordered_tables() -> list[Table]:
    """Every table, each behind those that it refers to."""
    return list(METADATA.sorted_tables)


def index_statements(dialect: Dialect) -> dict[str, str]:
    """What makes each index of the tables, by its name."""
    engine = sqlite.dialect() if dialect == "sqlite" else postgresql.dialect()
    return {
        str(index.name): str(CreateIndex(index).compile(dialect=engine))
        for table in ordered_tables()
        for index in table.indexes
    }
