"""Kinds of columns that the tables are made of, each with its CHECK constraint.

A table definition reads as a list of names; what a score, a rate, a percentage or an enumeration may hold is said
once, here, and enforced by both engines. Enumerations come from the ``Literal`` types of ``model`` where there is one.
"""

from collections.abc import Sequence
from typing import cast, get_args

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Computed, Double, ForeignKey, MetaData, Text
from sqlalchemy import text as sql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement

from seasoned.store.column_types import Document, Id, TextList, UtcTime

__all__ = [
    "METADATA",
    "Items",
    "Newest",
    "computed",
    "count",
    "doc",
    "duration",
    "enum",
    "flag",
    "list_of",
    "number",
    "percent",
    "rate",
    "ref",
    "score",
    "text",
    "time",
    "uid",
    "values_of",
]

METADATA = MetaData(
    naming_convention={
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
"""Every table of the schema."""

Items = tuple[SchemaItem, ...]


class Newest(ColumnElement[object]):
    """A time in an index, latest first and unknown ones last.

    SQLite sorts them so by itself and refuses the words in an index.
    """

    inherit_cache = True

    def __init__(self, column: Column[object]) -> None:
        self.column = column
        self.table = column.table


@compiles(Newest)
def _newest(element: Newest, compiler: SQLCompiler, **keywords: object) -> str:
    last = " NULLS LAST" if compiler.dialect.name == "postgresql" else ""
    return f"{compiler.process(element.column, **keywords)} DESC{last}"


class _EmptyList(ColumnElement[object]):
    """No texts, as the engine writes it."""

    inherit_cache = True


@compiles(_EmptyList)
def _empty_list(element: _EmptyList, compiler: SQLCompiler, **keywords: object) -> str:
    del element, keywords
    return "'{}'" if compiler.dialect.name == "postgresql" else "'[]'"


def values_of(literal: object) -> tuple[str, ...]:
    """The values of a ``Literal``."""
    return cast("tuple[str, ...]", get_args(literal))


def uid(name: str, *, key: bool = False, null: bool = True) -> Items:
    """An id."""
    return (Column(name, Id, primary_key=key, nullable=null and not key),)


def ref(name: str, target: str, *, on_delete: str = "CASCADE", null: bool = True) -> Items:
    """An id of a row elsewhere (``table.column``).

    Checked at commit, so that rows of one transaction may come in any order.
    """
    key = ForeignKey(target, ondelete=on_delete, deferrable=True, initially="DEFERRED")
    return (Column(name, Id, key, nullable=null),)


def text(name: str, *, key: bool = False, null: bool = True, unique: bool = False) -> Items:
    """Free text."""
    return (Column(name, Text, primary_key=key, nullable=null and not key, unique=unique or None),)


def enum(name: str, values: Sequence[str], *, null: bool = False) -> Items:
    """One of ``values``."""
    listed = ", ".join(f"'{value}'" for value in values)
    return (Column(name, Text, nullable=null), CheckConstraint(f"{name} IN ({listed})", name=name))


def _between(name: str, low: int, high: int, *, null: bool) -> Items:
    column = Column(name, Double, nullable=null)
    return (column, CheckConstraint(f"{name} BETWEEN {low} AND {high}", name=name))


def score(name: str, *, null: bool = True) -> Items:
    """0..1."""
    return _between(name, 0, 1, null=null)


def rate(name: str, *, null: bool = True) -> Items:
    """0..1."""
    return _between(name, 0, 1, null=null)


def percent(name: str, *, null: bool = True) -> Items:
    """0..100."""
    return _between(name, 0, 100, null=null)


def number(name: str, *, low: int | None = None, high: int | None = None, null: bool = True) -> Items:
    """A real number, within bounds where given."""
    if low is not None and high is not None:
        return _between(name, low, high, null=null)
    if low is not None:
        return (Column(name, Double, nullable=null), CheckConstraint(f"{name} >= {low}", name=name))
    return (Column(name, Double, nullable=null),)


def count(name: str, *, null: bool = True, default: bool = False) -> Items:
    """A whole number of 64 bits, ≥ 0; ``default``: not null and 0 where nothing is said."""
    column = Column(name, BigInteger, nullable=null and not default, server_default=sql("0") if default else None)
    return (column, CheckConstraint(f"{name} >= 0", name=name))


def duration(name: str) -> Items:
    """Milliseconds, ≥ 0."""
    return count(name)


def flag(name: str) -> Items:
    """True, false or unknown."""
    return (Column(name, Boolean),)


def time(name: str, *, null: bool = True) -> Items:
    """An instant, UTC."""
    return (Column(name, UtcTime, nullable=null),)


def list_of(name: str, *, default: bool = False) -> Items:
    """A list of texts; ``default``: empty where nothing is said."""
    return (Column(name, TextList, nullable=False, server_default=_EmptyList() if default else None),)


def doc(name: str) -> Items:
    """A JSON document."""
    return (Column(name, Document),)


def computed(name: str, kind: type[Text] | type[Boolean], sql: str) -> Items:
    """Derived by the engine when read (stored by PostgreSQL before 18, which knows nothing else)."""
    return (Column(name, kind, Computed(sql)),)
