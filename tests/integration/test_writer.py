"""The writer under attack: poison, newer versions, namespaces, replay of a whole log; the same on both engines."""

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from seasoned import ExecutionTracker, Spool
from seasoned.app import Seasoned
from seasoned.capture import Redactor
from seasoned.errors import StoreFullError, StoreOutdatedError
from seasoned.model import Event, ExecutionUpdate, Trace
from seasoned.model.codec import encode_event
from seasoned.model.events import PAYLOADS
from seasoned.model.ids import name_id
from seasoned.sample import sample_folder
from seasoned.settings import load
from seasoned.store import open_store
from seasoned.store.doctor import examine
from seasoned.store.schema import ordered_tables
from seasoned.store.sql import SqlStore
from seasoned.testing.stores import NOON, event, fingerprint, span, trace
from seasoned.workers import ImportOptions, Writer, import_histories
from seasoned.workers.spooling import take_spool

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"  # of the right shape, and nobody's
HISTORIES = sorted(sample_folder().rglob("*.jsonl"), key=lambda path: path.stat().st_size)[:4]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[SqlStore, None, None]:
    given = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if given else f"sqlite:///{tmp_path / 'store.db'}"
    opened = open_store(url, clock=lambda: NOON)
    yield opened
    opened.close()


def about(name: str, **changes: object) -> Event:
    """An event about ``trace(name)`` with these fields of the trace changed."""
    return event(name, payload=ExecutionUpdate(trace=trace(name, **changes), spans=(span(trace(name), name),)))


POISON: dict[str, Event] = {
    "no uuid": event("p", payload=ExecutionUpdate(trace=trace("p", execution_id="zz"))),
    "a parent that is no uuid": about("p", parent_id="my parent"),
    "upper case": about("p", root_id=name_id("r").upper()),
    "infinite cost": about("p", cost_usd=float("inf")),
    "quality out of range": about("p", quality_score=3.0),
    "more tokens than 64 bits": about("p", input_tokens=2**70),
}
REFUSED: dict[str, Event] = {
    "no uuid": event("p", event_id="x"),
    "a NUL in a prompt": about("p", prompt="a\0b"),
    "a NUL in a document": about("p", context={"a\0": 1}),
    "half a character": about("p", context={"a": "\ud800"}),
    "a NUL in the key": event("p", key="k\0"),
    "a version beyond reason": event("p", schema_version=2**70),
}


@pytest.mark.parametrize("name", POISON)
def test_poison_in_the_middle_of_a_batch_dies_alone(store: SqlStore, name: str) -> None:
    batch = [event("1"), event("2"), POISON[name], event("3"), event("4")]
    applied = Writer(store).ingest(batch)
    assert (applied.events, len(applied.dead), applied.refused) == (4, 1, [])
    (letter,) = store.dead_letters()
    assert (letter.event_id, letter.state) == (POISON[name].event_id, "dead")
    assert store.counts("n").traces == 4
    again = Writer(store).ingest(batch)
    assert (again.events, again.duplicates, again.dead) == (0, 5, [])
    assert examine(store).found == {}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_log_cannot_hold_is_given_back(store: SqlStore, name: str) -> None:
    applied = Writer(store).ingest([event("1"), REFUSED[name], event("2")])
    assert (applied.events, applied.dead) == (2, [])
    ((given_back, reason),) = applied.refused
    assert given_back == REFUSED[name]
    assert reason
    assert "\0" not in reason
    assert [delivery.event_id for delivery in store.read_log(0, 9)] == [event("1").event_id, event("2").event_id]


def test_a_literal_backslash_u0000_is_no_nul(store: SqlStore) -> None:
    odd = about("1", prompt="write \\u0000 and \\\\u0000", context={"a": "\\u0000"})
    assert Writer(store).ingest([odd]).refused == []
    found = store.trace("n", odd.update.trace.execution_id)
    assert found is not None
    assert found.prompt == odd.update.trace.prompt


def test_replay_revives_what_works_now_and_keeps_the_rest_dead(store: SqlStore) -> None:
    """The reason has gone for one of two letters of one batch: the other one must not hold it back."""
    mended, hopeless = about("mended", quality_score=3.0), about("hopeless", parent_id="no id")
    writer = Writer(store)
    writer.ingest([event("1"), mended, event("2"), hopeless])
    assert {letter.state for letter in store.dead_letters()} == {"dead"}
    with store.writing() as writing:  # as an upgrade that reads it otherwise would
        payload = replace(mended.payload, trace=replace(mended.update.trace, quality_score=0.5))
        position = next(each.position for each in store.read_log(0, 9) if each.event_id == mended.event_id)
        writing.append([replace(mended, event_id=name_id("new"), payload=payload)])
    with store.engine.writing(durable=True) as session:
        session.run(
            "UPDATE events SET payload = (SELECT e.payload FROM events e WHERE e.event_id = ?) WHERE position = ?",
            (name_id("new"), position),
        )
        session.run("DELETE FROM events WHERE event_id = ?", (name_id("new"),))
    replayed = writer.replay()
    assert (replayed.events, len(replayed.dead)) == (1, 1)
    states = {letter.event_id: (letter.state, letter.attempts) for letter in store.dead_letters()}
    assert states == {mended.event_id: ("replayed", 1), hopeless.event_id: ("dead", 2)}
    assert store.counts("n").traces == 3
    assert writer.replay([name_id("nobody")]).events == 0


def test_a_purged_log_goes_on_where_it_was(store: SqlStore) -> None:
    writer = Writer(store)
    writer.ingest([event("1"), event("2")])
    with store.engine.writing(durable=True) as session:
        session.run("DELETE FROM events")
    applied = writer.ingest([event("3")])
    assert applied.events == 1
    assert store.counts("n").traces == 3
    assert writer.drain().events == 0


def test_the_database_s_own_troubles_are_no_poison(store: SqlStore) -> None:
    def full() -> None:
        raise StoreFullError("no space left")

    with pytest.raises(StoreFullError):
        Writer(store, before_commit=full).ingest([event("1")])
    with store.engine.writing(durable=True) as session:
        session.run("ALTER TABLE code_artifacts RENAME TO elsewhere")
    with pytest.raises(StoreOutdatedError, match="seasoned db migrate"):
        Writer(store).ingest([event("1")])
    with store.engine.writing(durable=True) as session:
        session.run("ALTER TABLE elsewhere RENAME TO code_artifacts")
    assert Writer(store).ingest([event("1")]).events == 1
    assert store.dead_letters() == []


# -- newer versions ----------------------------------------------------------------------------------------------
def test_a_spool_line_of_a_newer_version_waits_among_the_dead_letters(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "spool"
    newer = event("newer", payload=ExecutionUpdate(trace=trace("newer", prompt=f"Publish with {TOKEN}")))
    line = encode_event(replace(newer, schema_version=2))
    folder.mkdir(mode=0o700)
    segment = folder / f"{1:020d}-1-1.jsonl"
    segment.write_bytes(b"\n".join([encode_event(event("1")), line, encode_event(event("2")), b'{"torn']))
    redactor = Redactor(b"k" * 32)
    drained, _ = take_spool(Spool(folder), Writer(store), redactor.update, redact_document=redactor.document)
    assert (drained.events, drained.newer, drained.bad_lines) == (3, 1, 1)
    (letter,) = store.dead_letters()
    assert letter.event_id == newer.event_id
    assert "schema version 2" in letter.error
    assert TOKEN not in repr(store.read_log(0, 9))
    assert store.counts("n").traces == 2
    assert Writer(store).replay().events == 0  # nothing has changed yet

    from seasoned.model import codec

    decoders = codec._payload_decoders  # pyright: ignore[reportPrivateUsage]  # the upgrade
    monkeypatch.setitem(decoders, ("task-executions", 2), decoders["task-executions", 1])
    assert Writer(store).replay().events == 1
    assert [each.state for each in store.dead_letters()] == ["replayed"]
    found = store.trace("n", newer.update.trace.execution_id)
    assert found is not None
    assert "redacted:github" in (found.prompt or "")
    assert TOKEN not in (found.prompt or "")
    assert ("task-executions", 2) not in PAYLOADS


def test_a_newer_line_that_the_log_cannot_hold_is_set_aside(store: SqlStore, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    lines = [
        replace(event(name), schema_version=2, **changes) for name, changes in (("1", {}), ("2", {"event_id": "x"}))
    ]  # pyright: ignore[reportArgumentType]
    (folder / f"{1:020d}-1-1.jsonl").write_bytes(b"".join(encode_event(line) + b"\n" for line in lines))
    drained, _ = take_spool(Spool(folder), Writer(store), lambda update: update, redact_document=lambda value: value)
    assert (drained.newer, drained.bad_lines) == (1, 1)
    (kept,) = folder.glob("*.bad")
    assert json.loads(kept.read_bytes())["event_id"] == "x"


def test_a_spooled_event_that_the_log_cannot_hold_blocks_nothing(store: SqlStore, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for each in (event("1"), REFUSED["a NUL in a prompt"], event("2")):
        assert spool.write(each)
    drained, _ = take_spool(spool, Writer(store), lambda update: update)
    assert (drained.events, drained.bad_lines) == (2, 1)
    assert store.counts("n").traces == 2
    (kept,) = (tmp_path / "spool").glob("*.bad")
    assert kept.read_bytes() == encode_event(REFUSED["a NUL in a prompt"]) + b"\n"
    assert list((tmp_path / "spool").glob("*.jsonl")) == []


# -- namespaces --------------------------------------------------------------------------------------------------
def everything(store: SqlStore, *, without: frozenset[str] = frozenset()) -> dict[str, list[tuple[object, ...]]]:
    """Every row of what events become, but for wall-clock columns."""
    found: dict[str, list[tuple[object, ...]]] = {}
    with store.engine.reading() as session:
        for table in ordered_tables():
            if table.name in {"execution_traces", "spans", "code_artifacts", "task_fingerprints", "keyword_counts"}:
                names = [
                    f'"{column.name}"'
                    for column in table.columns
                    if column.name not in {"created_at", "updated_at", "number"} | without or table.name == "spans"
                ]
                found[table.name] = sorted(session.rows(f"SELECT {', '.join(names)} FROM {table.name}"), key=repr)
    return found


def bring_in(store: SqlStore, namespace: str) -> tuple[int, list[str]]:
    options = ImportOptions(namespace=namespace, redactor_key=b"k" * 32, jobs=0)
    result = import_histories(HISTORIES, store, Writer(store), options)
    return result.unchanged, result.applied.dead


def test_a_history_stays_in_the_namespace_that_recorded_it_first(store: SqlStore) -> None:
    assert bring_in(store, "first") == (0, [])
    before, log = everything(store), len(store.read_log(0, 10_000))
    unchanged, said = bring_in(store, "second")
    assert unchanged == 0
    (sentence,) = said
    count = store.counts("first").traces
    assert sentence.startswith(f"{count} executions belong to namespace 'first', which recorded them first")
    assert everything(store) == before
    assert (len(store.read_log(0, 10_000)), store.dead_letters()) == (log, [])
    assert store.counts("second").traces == 0
    assert bring_in(store, "second") == (len(HISTORIES), [])
    assert examine(store).found == {}


def test_a_replay_keeps_to_the_first_namespace_too(store: SqlStore) -> None:
    other = event(
        "1",
        event_id=name_id("other"),
        namespace="m",
        payload=ExecutionUpdate(trace=trace("1", namespace="m", revision=9)),
    )
    with store.writing() as writing:
        writing.append([event("1"), other, event("2")])
    applied = Writer(store).drain()
    assert applied.events == 2
    assert (store.counts("n").traces, store.counts("m").traces) == (2, 0)
    (letter,) = store.dead_letters()
    assert "belongs to namespace 'n'" in letter.error


def test_a_stub_belongs_to_whoever_tells_of_it(store: SqlStore) -> None:
    child = event("child", payload=ExecutionUpdate(trace=trace("child", parent_id=name_id("trace", "parent"))))
    parent = event("parent", namespace="m", payload=ExecutionUpdate(trace=trace("parent", namespace="m")))
    assert Writer(store).ingest([child]).events == 1
    assert Writer(store).ingest([parent]).refused == []
    assert (store.counts("n").traces, store.counts("m").traces) == (1, 1)


def test_a_span_told_under_two_executions_counts_once(store: SqlStore) -> None:
    one, two = trace("1"), trace("2")
    early = span(one, "s", outcome="unknown")
    late = span(two, "s", outcome="success")
    orders = [(one, early), (two, late)], [(two, late), (one, early)]
    for order in orders:
        for owner, piece in order:
            name = f"{owner.prompt} {orders.index(order)}"
            Writer(store).ingest([event(name, payload=ExecutionUpdate(trace=owner, spans=(piece,)))])
        assert [item.execution_id for item in (*store.spans(one.execution_id), *store.spans(two.execution_id))] == [
            two.execution_id
        ]
        assert examine(store).found == {}


# -- replay ------------------------------------------------------------------------------------------------------
def test_the_whole_log_in_an_empty_store_gives_the_same_rows(
    store: SqlStore, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Real histories and a tracker's run; replayed into both engines, in batches of another size."""
    bring_in(store, "n")
    spool = Spool(tmp_path / "spool")
    with ExecutionTracker("agent", prompt=f"Publish with {TOKEN}", sink=spool, namespace="n") as run:
        run.record_tool_use("bash", {"command": "make"}, duration_ms=20, success=True)
        with ExecutionTracker("child") as child:
            child.complete("failure")
        run.complete("success", artifacts=["dist/notes.md"])
    take_spool(spool, Writer(store), Redactor(b"k" * 32).update)
    rows = everything(store)
    assert all(rows.values())
    log = [delivery.event for delivery in store.read_log(0, 10_000)]
    empty = open_store(f"sqlite:///{tmp_path / 'empty.db'}" if store.engine.dialect == "sqlite" else second(request))
    with empty.writing() as writing:
        writing.append([each for each in log if each is not None])
    Writer(empty).drain()
    assert everything(empty) == rows
    assert examine(empty).found == {}
    empty.close()


def second(request: pytest.FixtureRequest) -> str:
    """Another fresh database of the server."""
    database = request.getfixturevalue("postgres").database()
    url = database.__enter__()
    request.addfinalizer(lambda: database.__exit__(None, None, None))
    return str(url)


# -- the app -----------------------------------------------------------------------------------------------------
def test_the_default_tracker_records_into_the_namespace_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess
    import sys

    environment = {"SEASONED_HOME": str(tmp_path), "SEASONED_NAMESPACE": "team", "HOME": str(tmp_path)}
    code = "from seasoned import ExecutionTracker as T\nwith T('a', prompt='p') as t: t.complete('success')"
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with Seasoned(load()) as seasoned:
        assert (seasoned.store.counts("team").traces, seasoned.store.counts("default").traces) == (1, 0)


def test_fingerprints_of_one_trace_are_those_of_its_newest_prompt(store: SqlStore) -> None:
    owner = fingerprint("unused")
    assert owner.namespace == "n"
    first: Trace = trace("1", prompt="Fix the test")
    for revision, prompt in ((1, "Fix the test"), (2, "Fix the other test")):
        Writer(store).ingest(
            [event(prompt, payload=ExecutionUpdate(trace=replace(first, revision=revision, prompt=prompt)))]
        )
    assert store.counts("n").traces == 1
    assert examine(store).found == {}
