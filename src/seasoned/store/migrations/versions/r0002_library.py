"""The library: who may see what, counted failures, words, what changed last, and what was forgotten."""

from seasoned.store.migrations.postgres_role import create_role, drop_role
from seasoned.store.migrations.script import engine_name, run

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen the tables; on PostgreSQL, put row-level security before them."""
    engine = engine_name()
    run(f"0002_tables.{engine}.sql")
    run(f"0002_search.{engine}.sql")
    if engine == "postgresql":
        create_role()
        run("0002_rights.postgresql.sql")


def downgrade() -> None:
    """Leave the tables as 0001 made them."""
    engine = engine_name()
    if engine == "postgresql":
        run("0002_rights_down.postgresql.sql")
        drop_role()
    run(f"0002_search_down.{engine}.sql")
    run(f"0002_tables_down.{engine}.sql")
