"""What the schema says about a value that it refused, in words.

The engines name the constraint and stop there. What is allowed stands in the table definitions; they are loaded here,
where something went wrong already, and nowhere on the way of a query.
"""

from sqlalchemy import CheckConstraint

from seasoned.store.schema import METADATA

__all__ = ["allowed_by"]


def allowed_by(constraint: str) -> str | None:
    """``patterns: success_score BETWEEN 0 AND 1`` for the name of a CHECK constraint; None for one of another kind."""
    for table in METADATA.tables.values():
        for item in table.constraints:
            if isinstance(item, CheckConstraint) and str(item.name) == constraint:
                return f"{table.name}: {item.sqltext}"
    return None
