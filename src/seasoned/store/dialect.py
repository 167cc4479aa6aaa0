"""Where the two engines must differ in SQL text, and nowhere else.

SQL is written once, with ``?`` for parameters; each function here answers for both engines and ends in
``assert_never``, so that a third one would not type-check before every difference is answered.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, assert_never

__all__ = [
    "Dialect",
    "among",
    "bytewise",
    "differs",
    "excluded_wins",
    "holds",
    "id_in",
    "ids_parameter",
    "json_text",
    "placeholders",
    "prefix_bounds",
    "unindexed",
    "upsert",
    "utc_day",
    "zero_ids",
]

Dialect = Literal["sqlite", "postgresql"]


@lru_cache(maxsize=1024)
def placeholders(dialect: Dialect, sql: str) -> str:
    """``sql`` with its ``?`` in the style of the driver."""
    match dialect:
        case "sqlite":
            return sql
        case "postgresql":
            return sql.replace("%", "%%").replace("?", "%s")
        case _:
            assert_never(dialect)


def among(dialect: Dialect, column: str, kind: Literal["uuid", "text", "bigint"] = "uuid") -> str:
    """Condition that ``column`` is one of a list given as a single parameter (``ids_parameter``).

    One parameter whatever the length: the statement stays prepared, and no limit on parameters is met.
    """
    match dialect:
        case "sqlite":
            return f"{column} IN (SELECT value FROM json_each(?))"
        case "postgresql":
            return f"{column} = ANY(?::{kind}[])"
        case _:
            assert_never(dialect)


def ids_parameter(dialect: Dialect, values: Sequence[str] | Sequence[int]) -> object:
    """The parameter that ``among`` expects."""
    match dialect:
        case "sqlite":
            return json.dumps(list(values))
        case "postgresql":
            return list(values)
        case _:
            assert_never(dialect)


def holds(dialect: Dialect, column: str) -> str:
    """Condition that a column of texts (``list_of``) has one that is given as a parameter."""
    match dialect:
        case "sqlite":
            return f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = ?)"
        case "postgresql":
            return f"?::text = ANY({column})"
        case _:
            assert_never(dialect)


def id_in(dialect: Dialect, column: str) -> str:
    """A text column as an id, to look a row up by; NULL where it holds no id."""
    match dialect:
        case "sqlite":
            return column
        case "postgresql":
            shape = "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"
            return f"CASE WHEN {column} ~ '{shape}' THEN {column}::uuid END"
        case _:
            assert_never(dialect)


def json_text(dialect: Dialect, column: str, name: str) -> str:
    """What a JSON document says under ``name``, as text; NULL where it says nothing. ``name`` is one of the code's."""
    match dialect:
        case "sqlite":
            return f"json_extract({column}, '$.{name}')"
        case "postgresql":
            return f"{column} ->> '{name}'"
        case _:
            assert_never(dialect)


def utc_day(dialect: Dialect, column: str) -> str:
    """The day of a time in UTC, as an ISO date."""
    match dialect:
        case "sqlite":
            return f"substr({column}, 1, 10)"
        case "postgresql":
            return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
        case _:
            assert_never(dialect)


def upsert(
    table: str,
    columns: Sequence[str],
    key: str,
    *,
    keep: Sequence[str] = (),
    known: Sequence[str] = (),
    chosen: Sequence[str] = (),
    when: str = "",
    where: str = "",
) -> str:
    """INSERT that replaces the row with the same ``key``, all columns but those in ``keep``, under ``where``; columns
    in ``known`` keep what they have where the new row says nothing (NULL), and those of them in ``chosen`` also where
    ``when``, a condition on both rows, does not hold and they have something.

    Both engines know ON CONFLICT … DO UPDATE and ``excluded``.
    """
    keys = [part.strip() for part in key.split(",")]

    def change(name: str) -> str:
        new, old = f"excluded.{name}", f"{table}.{name}"
        if name in chosen:
            return f"{name} = CASE WHEN {when} THEN coalesce({new}, {old}) ELSE coalesce({old}, {new}) END"
        return f"{name} = coalesce({new}, {old})" if name in known else f"{name} = {new}"

    changes = ", ".join(change(name) for name in columns if name not in keys and name not in keep)
    marks = ", ".join("?" * len(columns))
    condition = f" WHERE {where}" if where else ""
    action = f"DO UPDATE SET {changes}{condition}" if changes else "DO NOTHING"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT ({key}) {action}"


def excluded_wins(dialect: Dialect, table: str, terms: Sequence[str], texts: Sequence[str]) -> str:
    """Condition that the row to be inserted ranks above the one that is there: by ``terms``, then by ``texts``.

    A term is SQL with ``@`` where the row's name belongs; a text is a column, compared byte by byte on both engines.
    """
    match dialect:
        case "sqlite":
            collate, row = "", ""
        case "postgresql":
            collate, row = ' COLLATE "C"', "ROW"
        case _:
            assert_never(dialect)
    every = [*terms, *(f"coalesce(@.{name}, ''){collate}" for name in texts)]
    new = ", ".join(term.replace("@", "excluded") for term in every)
    old = ", ".join(term.replace("@", table) for term in every)
    return f"{row}({new}) > {row}({old})"


def bytewise(dialect: Dialect, column: str) -> str:
    """A text column to sort by, in the order of its UTF-8 bytes on both engines."""
    match dialect:
        case "sqlite":
            return column
        case "postgresql":
            return f'{column} COLLATE "C"'
        case _:
            assert_never(dialect)


def unindexed(dialect: Dialect, column: str) -> str:
    """A column in a condition for which no index is to be taken.

    SQLite, which keeps no statistics, prefers any equality to the order asked for; PostgreSQL knows better by itself.
    """
    match dialect:
        case "sqlite":
            return f"+{column}"
        case "postgresql":
            return column
        case _:
            assert_never(dialect)


def differs(dialect: Dialect) -> str:
    """Operator: unlike, where NULL is like NULL only. SQLite knows the standard's words from 3.39 on."""
    match dialect:
        case "sqlite":
            return "IS NOT"
        case "postgresql":
            return "IS DISTINCT FROM"
        case _:
            assert_never(dialect)


def prefix_bounds(prefix: str) -> tuple[str, str] | None:
    """Smallest and largest id that begin with ``prefix``; None where no id can. Ids sort as text and as uuid alike."""
    shape = "00000000-0000-0000-0000-000000000000"
    text = prefix.lower()
    if len(text) > len(shape):
        return None
    for place, character in enumerate(text):
        if (character == "-") != (shape[place] == "-") or character not in "0123456789abcdef-":
            return None
    return text + shape[len(text) :], text + shape[len(text) :].replace("0", "f")


def zero_ids(dialect: Dialect) -> str:
    """An id below every other, to start keyset paging from."""
    match dialect:
        case "sqlite":
            return ""
        case "postgresql":
            return "00000000-0000-0000-0000-000000000000"
        case _:
            assert_never(dialect)
