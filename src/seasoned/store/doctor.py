"""Is the database sound, and is every counter what the rows say? Looks, reports, and repairs where asked.

Everything that is derived is computed again from its source and compared; a difference is reported with both values,
because a counter that was off is the trace of a bug. Repairing replaces what is derived and never touches a source row.
Looking happens in one read transaction, so a writer that works meanwhile makes no false alarm.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose
from typing import Literal

from seasoned.store import derived, drift, knowledge_doctor
from seasoned.store.dialect import Dialect, among, ids_parameter
from seasoned.store.schema import index_statements
from seasoned.store.session import Row, Session
from seasoned.store.sql import SqlStore
from seasoned.store.writing import UNKNOWN_NAMESPACE

__all__ = ["Finding", "Health", "examine"]

Check = Literal[
    "integrity", "foreign_keys", "trace_counters", "fingerprint_counters", "pattern_counters", "failure_counters",
    "resolution_counters", "artifact_fingerprints", "span_namespaces", "keyword_counts", "full_text", "pattern_keywords", "orphan_spans",
    "orphan_embeddings", "waiting_traces", "consumer_offsets",
    "indexes",
]  # fmt: skip
_CHUNK = 1_000
_KEPT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be."""

    check: Check
    subject: str
    """Id of the row, name of the file or word."""
    found: str
    expected: str
    repairable: bool
    """Whether ``repair=True`` puts it right: what is derived can be computed again, a damaged page cannot."""

    @property
    def remedy(self) -> str:
        """What to do about one that is not repairable; empty for the others."""
        return "" if self.repairable else _REMEDIES[self.check]


@dataclass(slots=True, kw_only=True)
class Health:
    """What was looked at and what was found."""

    checked: dict[str, int] = field(default_factory=dict[str, int])
    """Rows looked at, by check."""
    findings: list[Finding] = field(default_factory=list[Finding])
    """The first 100 of each check."""
    found: dict[str, int] = field(default_factory=dict[str, int])
    """How many there are, by check."""
    repaired: int = 0
    """Findings that were put right."""

    @property
    def sound(self) -> bool:
        """Nothing found, or everything repaired."""
        return sum(self.found.values()) == self.repaired

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it among the first."""
        count = self.found.get(finding.check, 0)
        self.found[finding.check] = count + 1
        if count < _KEPT:
            self.findings.append(finding)


def examine(store: SqlStore, *, repair: bool = False) -> Health:
    """Look at everything. With ``repair`` what is derived is computed again where it was off.

    Raises StoreError when the database cannot even be read.
    """
    health = Health()
    wrong: dict[Check, list[str]] = {}
    with store.engine.reading() as session:
        for check, look in _CHECKS.items():
            for finding in look(session, health):
                health.add(finding)
                if finding.repairable:
                    wrong.setdefault(check, []).append(finding.subject)
    if repair and wrong:
        with store.engine.writing(durable=True) as session:
            for check, subjects in wrong.items():
                _REPAIRS[check](session, subjects)
                health.repaired += len(subjects)
    return health


_NEW_DATABASE = "`seasoned db export`, then `seasoned db import` into a new database; or restore a backup"
_REMEDIES: dict[Check, str] = {
    "integrity": _NEW_DATABASE,
    "foreign_keys": _NEW_DATABASE,
    "orphan_spans": "`seasoned import --again` of the history that it stands in",
    "waiting_traces": "import the history that the spans came from; until then nothing shows them",
}


# -- looking -----------------------------------------------------------------------------------------------------
def _integrity(session: Session, health: Health) -> Iterator[Finding]:
    if session.dialect == "sqlite":
        said = [row[0] for row in session.rows(f"PRAGMA integrity_check({_KEPT})")]
        health.checked["integrity"] = 1
        wrong = [line for line in said if line != "ok"]
    else:
        rows = session.rows(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "JOIN pg_class t ON t.oid = i.indrelid WHERE t.relnamespace = current_schema()::regnamespace"
        )
        health.checked["integrity"] = len(rows)
        wrong = [f"index {name} is not valid; REINDEX it" for name, valid in rows if not valid]
    for line in wrong:
        yield Finding(check="integrity", subject="database", found=line, expected="ok", repairable=False)


def _foreign_keys(session: Session, health: Health) -> Iterator[Finding]:
    if session.dialect != "sqlite":
        return  # PostgreSQL cannot hold a broken one
    rows = session.rows("PRAGMA foreign_key_check")
    health.checked["foreign_keys"] = len(rows)
    for table, number, parent, _ in rows:
        yield Finding(
            check="foreign_keys", subject=f"{table} row {number}", found=f"no such row in {parent}", expected="a row",
            repairable=False,
        )  # fmt: skip


def _indexes(session: Session, health: Health) -> Iterator[Finding]:
    """Not whether they are right (``integrity`` looks at that) but whether they are there: without, all is only slow."""
    if session.dialect == "sqlite":
        names = session.rows("SELECT name FROM sqlite_master WHERE type = 'index'")
    else:
        names = session.rows("SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()")
    wanted = index_statements(session.dialect)
    health.checked["indexes"] = len(wanted)
    for name in sorted(wanted.keys() - {row[0] for row in names}):
        yield Finding(check="indexes", subject=name, found="nothing", expected="an index", repairable=True)


def _make_indexes(session: Session, names: Sequence[str]) -> None:
    statements = index_statements(session.dialect)
    for name in names:
        session.run(statements[name])


def _trace_counters(session: Session, health: Health) -> Iterator[Finding]:
    columns = ", ".join(derived.TRACE_DERIVED)
    for chunk in _chunks(session, f"SELECT execution_id, {columns} FROM execution_traces", "execution_id"):
        health.checked["trace_counters"] = health.checked.get("trace_counters", 0) + len(chunk)
        expected = dict(derived.derived_of_traces(session, [row[0] for row in chunk]))
        for execution_id, *values in chunk:
            yield from _unlike("trace_counters", execution_id, derived.TRACE_DERIVED, values, expected[execution_id])


def _fingerprint_counters(session: Session, health: Health) -> Iterator[Finding]:
    columns = ", ".join(derived.FINGERPRINT_COUNTERS)
    for chunk in _chunks(session, f"SELECT fingerprint_id, {columns} FROM task_fingerprints", "fingerprint_id"):
        health.checked["fingerprint_counters"] = health.checked.get("fingerprint_counters", 0) + len(chunk)
        expected = derived.fingerprint_counters(session, [row[0] for row in chunk])
        for fingerprint_id, *values in chunk:
            wanted = expected.get(fingerprint_id, (0, 0, 0, None, None, None, None))
            yield from _unlike("fingerprint_counters", fingerprint_id, derived.FINGERPRINT_COUNTERS, values, wanted)


def _unlike(
    check: Check, subject: str, names: Sequence[str], found: Sequence[object], expected: Sequence[object]
) -> Iterator[Finding]:
    wrong = [place for place in range(len(names)) if not _equal(found[place], expected[place])]
    if wrong:
        yield Finding(
            check=check,
            subject=subject,
            found=", ".join(f"{names[place]}={found[place]}" for place in wrong),
            expected=", ".join(f"{names[place]}={expected[place]}" for place in wrong),
            repairable=True,
        )


def _equal(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        # An average depends in its last digit on the order in which an engine adds up.
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one == other


def _rows_unlike(
    check: Check, table: str, sql: str, *, repairable: bool
) -> Callable[[Session, Health], Iterator[Finding]]:
    """A check of ``table`` by one query that gives (subject, found, expected) of what is wrong."""

    def look(session: Session, health: Health) -> Iterator[Finding]:
        health.checked[check] = session.rows(f"SELECT count(*) FROM {table}")[0][0]
        for subject, found, expected in session.rows(sql):
            yield Finding(
                check=check, subject=str(subject), found=str(found), expected=str(expected), repairable=repairable
            )

    return look


def _drifted(check: Check, compare: drift.Compare) -> Callable[[Session, Health], Iterator[Finding]]:
    def look(session: Session, health: Health) -> Iterator[Finding]:
        looked = 0
        for namespace, token, found, expected in compare(session):
            looked += 1
            if found != expected:
                subject = f"{namespace}: {token!r}" if token else f"{namespace}: number of fingerprints"
                yield Finding(check=check, subject=subject, found=str(found), expected=str(expected), repairable=True)
        health.checked[check] = looked

    return look


def _chunks(session: Session, select: str, key: str) -> Iterator[list[Row]]:
    last: str | None = None
    while True:
        condition, parameters = (f" WHERE {key} > ?", (last,)) if last is not None else ("", ())
        rows = session.rows(f"{select}{condition} ORDER BY {key} LIMIT {_CHUNK}", parameters)
        if rows:
            yield rows
        if len(rows) < _CHUNK:
            return
        last = rows[-1][0]


_CHECKS: Mapping[Check, Callable[[Session, Health], Iterator[Finding]]] = {
    "integrity": _integrity,
    "foreign_keys": _foreign_keys,
    "indexes": _indexes,
    "trace_counters": _trace_counters,
    "fingerprint_counters": _fingerprint_counters,
    "artifact_fingerprints": _rows_unlike(
        "artifact_fingerprints",
        "code_artifacts",
        "SELECT a.artifact_id, a.fingerprint_id, t.fingerprint_id FROM code_artifacts a "
        "JOIN execution_traces t ON t.execution_id = a.execution_id "
        "WHERE coalesce(CAST(a.fingerprint_id AS text), '') <> coalesce(CAST(t.fingerprint_id AS text), '')",
        repairable=True,
    ),
    "span_namespaces": _rows_unlike(
        "span_namespaces",
        "spans",
        "SELECT s.span_id, s.namespace, t.namespace FROM spans s "
        "JOIN execution_traces t ON t.execution_id = s.execution_id WHERE s.namespace <> t.namespace",
        repairable=True,
    ),
    **{
        check: _rows_unlike(check, table, sql, repairable=True)
        for check, (table, sql) in knowledge_doctor.COUNTERS.items()
    },
    "keyword_counts": _drifted("keyword_counts", drift.keyword_counts),
    "full_text": _drifted("full_text", drift.full_text),
    "pattern_keywords": _drifted("pattern_keywords", drift.pattern_keywords),
    "orphan_spans": _rows_unlike(
        "orphan_spans",
        "spans",
        "SELECT s.span_id, 'parent ' || CAST(s.parent_span_id AS text) || ' is missing', 'a span' FROM spans s "
        "WHERE s.parent_span_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM spans p WHERE p.span_id = s.parent_span_id)",
        repairable=False,
    ),
    "orphan_embeddings": _rows_unlike(
        "orphan_embeddings",
        "embeddings",
        "SELECT e.owner_id, 'vector of ' || e.model || ' without its fingerprint', 'a fingerprint' FROM embeddings e "
        "WHERE e.owner_kind = 'fingerprint' AND NOT EXISTS "
        "(SELECT 1 FROM task_fingerprints f WHERE f.fingerprint_id = e.owner_id)",
        repairable=True,
    ),
    "waiting_traces": _rows_unlike(
        "waiting_traces",
        "execution_traces",
        "SELECT execution_id, 'spans came, their trace did not', 'a trace' FROM execution_traces "
        f"WHERE namespace = '{UNKNOWN_NAMESPACE}'",
        repairable=False,
    ),
    "consumer_offsets": _rows_unlike(
        "consumer_offsets",
        "consumer_offsets",
        "SELECT consumer, position, (SELECT coalesce(max(position), 0) FROM events) FROM consumer_offsets "
        "WHERE position > (SELECT coalesce(max(position), 0) FROM events)",
        repairable=True,
    ),
}


# -- repairing ---------------------------------------------------------------------------------------------------
def _for_each(sql: Callable[[Dialect], str]) -> Callable[[Session, Sequence[str]], None]:
    def repair(session: Session, subjects: Sequence[str]) -> None:
        session.run(sql(session.dialect), (ids_parameter(session.dialect, subjects),))

    return repair


_OF_TRACE = "(SELECT t.{0} FROM execution_traces t WHERE t.execution_id = {1}.execution_id)"
_REPAIRS: Mapping[Check, Callable[[Session, Sequence[str]], None]] = {
    "trace_counters": derived.refresh_traces,
    "fingerprint_counters": derived.refresh_fingerprints,
    "artifact_fingerprints": _for_each(
        lambda d: (
            f"UPDATE code_artifacts SET fingerprint_id = {_OF_TRACE.format('fingerprint_id', 'code_artifacts')} "
            f"WHERE {among(d, 'artifact_id')}"
        )
    ),
    "span_namespaces": _for_each(
        lambda d: f"UPDATE spans SET namespace = {_OF_TRACE.format('namespace', 'spans')} WHERE {among(d, 'span_id')}"
    ),
    **{check: _for_each(sql) for check, sql in knowledge_doctor.RECOUNTS.items()},
    # The log is then applied again from its beginning, which changes nothing that is right.
    "consumer_offsets": lambda session, consumers: session.many(
        "UPDATE consumer_offsets SET position = 0 WHERE consumer = ?", [(consumer,) for consumer in consumers]
    ),
    "indexes": _make_indexes,
    "keyword_counts": lambda session, _: drift.rebuild_keyword_counts(session),
    "full_text": lambda session, _: drift.rebuild_full_text(session),
    "pattern_keywords": lambda session, _: drift.rebuild_pattern_keywords(session),
    "orphan_embeddings": _for_each(
        lambda d: f"DELETE FROM embeddings WHERE owner_kind = 'fingerprint' AND {among(d, 'owner_id')}"
    ),
}
