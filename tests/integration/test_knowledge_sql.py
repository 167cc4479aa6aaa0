"""What was learned, as rows: what deletions leave, what the doctor sees, what travels, and how few questions are asked."""

import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seasoned.errors import StoreCorruptError
from seasoned.model import FailureOccurrence, FailurePattern, Identity, Pattern, Resolution
from seasoned.store import FailureQuery, PatternQuery, open_store
from seasoned.store.dialect import Dialect
from seasoned.store.doctor import examine
from seasoned.store.knowledge_rows import TABLES
from seasoned.store.schema import METADATA
from seasoned.store.session import Engine, Parameters, Row, Session
from seasoned.store.sql import SqlStore
from seasoned.store.transfer import export_store, import_store
from seasoned.testing.knowledge_records import (
    chain,
    failure,
    full_pattern,
    occurrence,
    pattern,
    resolution,
    same,
    template,
)
from seasoned.testing.stores import NOON, fingerprint, save, span, trace


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[SqlStore, None, None]:
    """One store for all examples of a property; every example has a namespace of its own."""
    if request.param == "sqlite":
        opened = open_store(f"sqlite:///{tmp_path_factory.mktemp('knowledge') / 'store.db'}")
        yield opened
        opened.close()
    else:
        with request.getfixturevalue("postgres").database() as url:
            opened = open_store(url)
            yield opened
            opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[SqlStore, None, None]:
    given = request.param == "postgresql"
    opened = open_store(request.getfixturevalue("postgres_url") if given else f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    opened.close()


def fill(store: SqlStore) -> tuple[Pattern, FailurePattern, list[Resolution], list[FailureOccurrence]]:
    """An execution, a pattern, and a failure that happened in it and elsewhere."""
    owner, run, parent = fingerprint("f"), trace("run"), pattern("parent")
    save(store, [(run, owner)], [span(run, "call")])
    full = replace(full_pattern(owner.fingerprint_id, parent), usage_count=0, success_count=0, failure_count=0)
    broken = failure("broken", occurrence_count=3)
    fixes = [
        resolution(broken, "fix", times_seen=2, times_worked=2),
        resolution(broken, "told", source="recorded", times_seen=1, times_worked=1),
    ]
    events = [
        occurrence(broken, "here", execution_id=run.execution_id, resolved_by=fixes[0].resolution_id),
        occurrence(broken, "there", resolved_by=fixes[0].resolution_id, occurred_at=NOON - timedelta(1)),
        occurrence(broken, "open", occurred_at=NOON - timedelta(2)),
    ]
    with store.writing() as writing:
        writing.save_patterns([parent, full])
        writing.save_templates([template("t", derived_from_pattern_id=full.pattern_id)])
        writing.replace_failure(broken, fixes, events)
        writing.replace_chains("n", [chain("a", "b", last_seen_at=NOON)])
    return full, broken, fixes, events


def test_columns_are_fields_in_every_table() -> None:
    for kind, table in TABLES.items():
        columns = {column.name for column in METADATA.tables[table].columns}
        assert {item.name for item in fields(kind)} == columns - {"entry", "notified_at"}


# -- deletions and counters --------------------------------------------------------------------------------------
def test_a_deleted_execution_takes_its_occurrences_along_and_the_doctor_counts_again(store: SqlStore) -> None:
    _, broken, fixes, events = fill(store)
    assert examine(store).found == {}
    with store.engine.writing(durable=True) as session:
        session.run("DELETE FROM execution_traces WHERE execution_id = ?", (events[0].execution_id,))
    assert store.occurrences(broken.failure_id) == events[1:]
    found = examine(store)
    assert found.found == {"failure_counters": 1, "resolution_counters": 1, "fingerprint_counters": 1}
    said = {finding.check: (finding.subject, finding.found, finding.expected) for finding in found.findings}
    assert said["failure_counters"] == (broken.failure_id, "3", "2")
    assert said["resolution_counters"] == (fixes[0].resolution_id, "2 of 2", "1 of at least as many")
    assert examine(store, repair=True).repaired == 3
    assert examine(store).found == {}
    assert store.failure("n", "broken") == replace(broken, occurrence_count=2)
    assert store.resolutions([broken.failure_id])[broken.failure_id][1] in {fixes[1], replace(fixes[0], times_worked=1)}


def test_the_doctor_sees_counters_that_say_too_much_or_too_little(store: SqlStore) -> None:
    full, _, fixes, _ = fill(store)
    with store.writing() as writing:
        writing.save_patterns([replace(full, usage_count=4, success_count=1)])
    with store.engine.writing(durable=True) as session:
        session.run("UPDATE resolutions SET times_seen = 1 WHERE source = 'mined'")
        session.run("UPDATE resolutions SET times_worked = 70 WHERE source = 'recorded'")
        session.run("UPDATE failure_patterns SET occurrence_count = 0")
    assert examine(store).found == {"pattern_counters": 1, "resolution_counters": 1, "failure_counters": 1}
    assert examine(store, repair=True).sound
    assert same(store.pattern("n", full.pattern_id), full)
    told, fix = store.resolutions([fixes[0].failure_id])[fixes[0].failure_id]
    assert (told.times_worked, fix) == (70, fixes[0])


def test_evidence_outlives_what_it_was_drawn_from(store: SqlStore) -> None:
    full, _, _, _ = fill(store)
    with store.engine.writing(durable=True) as session:
        session.run("DELETE FROM task_fingerprints")
    assert same(store.pattern("n", full.pattern_id), replace(full, fingerprint_id=None))
    with store.writing() as writing:
        writing.delete_patterns([full.pattern_id])
    (kept,) = store.templates("n")
    assert kept.derived_from_pattern_id is None


def test_the_vector_of_a_failure_goes_with_it(store: SqlStore) -> None:
    _, broken, _, _ = fill(store)
    with store.engine.writing(durable=True) as session:
        for kind, owner in (("failure", broken.failure_id), ("failure", failure("kept").failure_id)):
            session.run(
                "INSERT INTO embeddings (namespace, model, owner_kind, owner_id, dimensions, vector) "
                "VALUES ('n', 'm', ?, ?, 1, ?)",
                (kind, owner, b"\0\0\0\0" if session.dialect == "sqlite" else "[0]"),
            )
    with store.writing() as writing:
        writing.delete_failures([broken.failure_id])
    with store.engine.reading() as session:
        assert session.rows("SELECT owner_id FROM embeddings") == [(failure("kept").failure_id,)]


def test_a_document_that_was_damaged_is_said_to_be(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    full, _, _, _ = fill(store)
    for column, text in (
        ("recommended_steps", '[{"number": "secret"}]'),
        ("metadata", "secret"),
        ("extracted_at", "x"),
    ):
        with store.engine.writing(durable=True) as session:
            session.run(f"UPDATE patterns SET {column} = ? WHERE pattern_id = ?", (text, full.pattern_id))
        with pytest.raises(StoreCorruptError, match=f"patterns {full.pattern_id}: {column} cannot be read") as caught:
            store.patterns(PatternQuery(namespace="n"))
        assert "secret" not in str(caught.value)
        with store.writing() as writing:
            writing.save_patterns([full])
    store.close()


# -- between the engines -----------------------------------------------------------------------------------------
def everything(store: SqlStore) -> list[object]:
    """All that the port can say about the namespace."""
    failures = store.failures(FailureQuery(namespace="n"))
    return [
        store.patterns(PatternQuery(namespace="n")),
        store.templates("n"),
        failures,
        store.resolutions([item.failure_id for item in failures]),
        [store.occurrences(item.failure_id) for item in failures],
        store.chains("n"),
        list(store.all_executions("n")),
        list(store.execution_tasks("n")),
    ]


def test_what_was_learned_travels_between_the_engines(postgres_url: str, tmp_path: Path) -> None:
    source = open_store(f"sqlite:///{tmp_path / 'source.db'}")
    fill(source)
    export_store(source, tmp_path / "one.ndjson")
    server, back = open_store(postgres_url), open_store(f"sqlite:///{tmp_path / 'back.db'}")
    import_store(server, tmp_path / "one.ndjson")
    export_store(server, tmp_path / "two.ndjson")
    import_store(back, tmp_path / "two.ndjson")
    expected = everything(source)
    assert all(expected)
    assert everything(server) == everything(back) == expected
    for store in (source, server, back):
        assert examine(store).found == {}
        store.close()


# -- order and repetition ----------------------------------------------------------------------------------------
NAMES = st.sampled_from("abcd")
MINED = st.fixed_dictionaries(
    {
        "fixes": st.dictionaries(NAMES, st.sampled_from(["mined", "recorded"]), max_size=4),
        "events": st.dictionaries(NAMES, st.none() | NAMES, max_size=4),
    }
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["E1", "E2", "E3"]), MINED, min_size=1), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_failures_matters(
    shared: SqlStore, mined: dict[str, dict[str, dict[str, str]]], random: Random
) -> None:
    def rows(order: list[str]) -> list[object]:
        for signature in order:
            owner = failure(signature)
            fixes = {name: resolution(owner, name, source=source) for name, source in mined[signature]["fixes"].items()}
            events = [
                occurrence(owner, name, resolved_by=fixes[by].resolution_id if by in fixes else None)
                for name, by in mined[signature]["events"].items()
            ]
            shuffled = [*fixes.values()]
            random.shuffle(shuffled)
            with shared.writing(durable=False) as writing:
                writing.replace_failure(owner, shuffled, events)
        found = shared.failures(FailureQuery(namespace="n"))
        ids = [item.failure_id for item in found]
        return [found, shared.resolutions(ids), [shared.occurrences(item) for item in ids]]

    def forget() -> None:
        with shared.writing(durable=False) as writing:
            writing.delete_failures([failure(signature).failure_id for signature in ("E1", "E2", "E3")])

    forget()
    first = rows(list(mined))
    assert rows(list(mined)) == first
    forget()
    twice = [*mined, *mined]
    random.shuffle(twice)
    assert rows(twice) == first


# -- cost --------------------------------------------------------------------------------------------------------
class Counting:
    """An engine, and a session on it, that count the questions."""

    def __init__(self, engine: Engine) -> None:
        self.inner = engine
        self.dialect: Dialect = engine.dialect
        self.confined = False
        self.place = engine.place
        self.asked = 0
        self._session: Session | None = None

    @contextmanager
    def reading(self, reader: Identity | None = None) -> Generator[Session, None, None]:
        with self.inner.reading(reader) as self._session:
            yield self

    def writing(self, *, durable: bool, reader: Identity | None = None) -> AbstractContextManager[Session]:
        raise AssertionError("nothing is written here")

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        assert self._session is not None
        self.asked += 1
        return self._session.rows(sql, parameters)

    def stream(self, sql: str, parameters: Parameters = ()) -> Iterator[Row]:
        raise AssertionError("nothing is streamed here")

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        raise AssertionError("nothing is run here")

    def many(self, sql: str, rows: Iterable[Parameters]) -> None:
        raise AssertionError("nothing is run here")

    def as_service(self) -> AbstractContextManager[None]:
        assert self._session is not None
        return self._session.as_service()

    def close(self) -> None:
        self.inner.close()


def test_a_batch_of_executions_costs_four_questions_however_many_they_are(store: SqlStore) -> None:
    owner = fingerprint("f")
    runs = [trace(str(number)) for number in range(60)]
    save(store, [(run, owner) for run in runs], [span(run, f"{run.execution_id}{n}") for run in runs for n in range(3)])
    engine = Counting(store.engine)
    counted = SqlStore(engine, lambda: NOON)
    assert [len(items) for items in counted.all_executions("n", batch=25)] == [25, 25, 10]
    assert engine.asked == 3 * 4 + 1  # and once for nothing more
    engine.asked = 0
    assert len(counted.executions([run.execution_id for run in runs])) == 60
    assert engine.asked == 4


def test_knowledge_is_read_and_written_without_sqlalchemy(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(url).close()
    code = (
        "import sys; from seasoned.store import open_store, PatternQuery; from seasoned.model import Pattern\n"
        f"s = open_store({url!r})\n"
        "p = Pattern(pattern_id='x', pattern_name='p', namespace='n', agent_id='a', pattern_type='fix')\n"
        "with s.writing() as w: w.save_patterns([p])\n"
        "assert s.patterns(PatternQuery(namespace='n')) and not list(s.all_executions('n'))\n"
        "s.close(); print([m for m in ('sqlalchemy', 'alembic', 'psycopg', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
