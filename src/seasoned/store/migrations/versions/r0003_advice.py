"""Advice says by which chance it was given and what came of it; modes are of known names."""

from seasoned.store.migrations.script import engine_name, run

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen the tables."""
    run(f"0003_tables.{engine_name()}.sql")


def downgrade() -> None:
    """Leave the tables as 0002 made them."""
    run(f"0003_tables_down.{engine_name()}.sql")
