"""Which patterns a reader may read, as a condition of SQL, and what a query of the library asks besides.

Invariant: the condition is the table of ``store.library_port``, for every level and reader; a contract test holds it
against the policy in Python for all of them. It takes everything from the reader, nothing from the query: a query can
only narrow it.
"""

from collections.abc import Sequence
from dataclasses import fields

import msgspec

from seasoned.model import LEARNER, Identity
from seasoned.store.dialect import Dialect, among, holds, id_in, ids_parameter, json_text, unindexed
from seasoned.store.knowledge_rows import known_ids
from seasoned.store.library_port import LibraryQuery, PatternCard
from seasoned.store.rows import codec_of
from seasoned.store.session import Row

__all__ = ["CARD_SELECT", "Condition", "auditable", "cards_of", "matching", "readable"]

Condition = tuple[str, list[object]]
"""SQL on ``patterns p`` and its parameters."""

CARD_SELECT = tuple(field.name for field in fields(PatternCard))
_TIMES = ("last_used_at", "created_at", "updated_at")
_LISTS = ("technology_requirements", "review_flags")


def readable(dialect: Dialect, reader: Identity, *, found_otherwise: bool = False) -> Condition:
    """What ``reader`` may read. ``found_otherwise``: the rest of the statement names few rows, by an index of its own.

    SQLite, which keeps no statistics, would else find all that may be read first: 8 ms of 10,000 for one by its id.
    """
    level, space, owner = (
        unindexed(dialect, f"p.{name}") if found_otherwise else f"p.{name}"
        for name in ("access_level", "namespace", "agent_id")
    )
    mine = [f"{owner} = ?", f"{level} = 'team'"]
    values: list[object] = [reader.namespace, reader.agent_id]
    if reader.role == "admin":
        mine.append(f"{owner} = ?")
        values.append(LEARNER)
    mine.append(f"({level} = 'shared' AND {holds(dialect, 'p.shared_with_agents')})")
    values.append(reader.agent_id)
    return f"({level} IN ('public', 'system') OR ({space} = ? AND ({' OR '.join(mine)})))", values


def matching(dialect: Dialect, reader: Identity, query: LibraryQuery) -> Condition | None:
    """What ``reader`` may read of what ``query`` asks for; None where that is nothing without looking."""
    named = query.pattern_ids is not None or bool(query.fingerprint_ids) or query.pattern_name is not None
    sql, values = readable(dialect, reader, found_otherwise=named)
    conditions = [sql]
    equal = {
        "namespace": query.namespace,
        "pattern_type": query.pattern_type,
        "category": query.category,
        "subcategory": query.subcategory,
        "agent_id": query.agent_id,
        "pattern_name": query.pattern_name,
    }
    for column, value in equal.items():
        if value is not None:
            conditions.append(f"p.{column} = ?")
            values.append(value)
    for column, several in (("status", query.status), ("access_level", query.access_levels)):
        if several:
            conditions.append(among(dialect, f"p.{column}", "text"))
            values.append(_several(dialect, several))
    for column, ids in (("pattern_id", query.pattern_ids), ("fingerprint_id", query.fingerprint_ids or None)):
        if ids is not None:
            known = known_ids(ids)
            if not known:
                return None
            conditions.append(among(dialect, f"p.{column}"))
            values.append(_several(dialect, known))
    if query.flag is not None:
        conditions.append(holds(dialect, "p.review_flags"))
        values.append(query.flag)
    if query.min_success_rate > 0:
        conditions.append("p.success_rate >= ?")
        values.append(query.min_success_rate)
    if query.min_usage_count > 0:
        conditions.append("p.usage_count >= ?")
        values.append(query.min_usage_count)
    return " AND ".join(conditions), values


_OTHER = "EXISTS (SELECT 1 FROM audit_log b WHERE b.subject = a.subject AND b.namespace = a.namespace AND "


def auditable(dialect: Dialect, reader: Identity) -> Condition:
    """Entries of ``audit_log a`` that ``reader`` may read; asked with the rights of the service, which alone knows what
    is deleted and what is only hidden."""
    sql, values = readable(dialect, reader, found_otherwise=True)
    named = f"p.pattern_id = {id_in(dialect, 'a.subject')}"
    gone = f"NOT EXISTS (SELECT 1 FROM patterns p WHERE {named})"
    acted = f" for {reader.agent_id}"
    terms = [
        f"EXISTS (SELECT 1 FROM patterns p WHERE {named} AND {sql})",
        "a.who = ?",
        f"({gone} AND {_OTHER} b.what = 'create' AND (b.who = ? OR substr(b.who, length(b.who) - ? + 1) = ?)))",
    ]
    values += [reader.agent_id, reader.agent_id, len(acted), acted]
    if reader.reviewer:
        # Of a deleted pattern the entry that says so says what level it had; one that does not counts as private.
        level = json_text(dialect, 'b."before"', "access_level")
        private = f"b.what = 'delete' AND coalesce({level}, 'private') = 'private'"
        terms.append(f"({gone} AND NOT {_OTHER} {private}))")
    return f"a.namespace = ? AND ({' OR '.join(terms)})", [reader.namespace, *values]


def _several(dialect: Dialect, values: Sequence[str]) -> object:
    return ids_parameter(dialect, sorted(set(values)))


def cards_of(dialect: Dialect, rows: Sequence[Row]) -> list[PatternCard]:
    """From the columns CARD_SELECT."""
    codec = codec_of(dialect)
    lists = [CARD_SELECT.index(name) for name in _LISTS]
    times = [CARD_SELECT.index(name) for name in _TIMES]
    found: list[dict[str, object]] = []
    for row in rows:
        values = list(row)
        for place in lists:
            values[place] = codec.read_list(values[place])
        for place in times:
            if values[place] is not None:
                values[place] = codec.read_time(values[place])
        found.append(dict(zip(CARD_SELECT, values, strict=True)))
    # Half the time of the constructor, which sets 28 fields of a frozen dataclass one by one.
    return msgspec.convert(found, list[PatternCard])
