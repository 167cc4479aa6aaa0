"""Export and import: nothing is lost between the engines, and a broken export leaves nothing behind."""

import gzip
import json
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seasoned.capture.importers.claude_code import ClaudeCodeImporter
from seasoned.capture.port import Report, Source
from seasoned.errors import InputError, StoreTooNewError, UnreadableFileError, UsageError
from seasoned.learn.fingerprint import fingerprint
from seasoned.model import Event, ExecutionUpdate
from seasoned.model.ids import name_id
from seasoned.store import ImportState, open_store
from seasoned.store.doctor import examine
from seasoned.store.rows import codec_of
from seasoned.store.schema import METADATA, ordered_tables
from seasoned.store.sql import SqlStore
from seasoned.store.transfer import Progress, export_store, import_store
from seasoned.testing.stores import NOON, event, span, trace
from seasoned.workers import Writer

DATA = Path(__file__).parent.parent / "data"
SESSIONS = sorted(DATA.glob("entireio/claude_code_*.jsonl"))[:4]


def fill(store: SqlStore) -> None:
    """Real sessions, and a row in every table that no capture fills."""
    for path in SESSIONS:
        source = Source(path=path, namespace="n", size=path.stat().st_size)
        for number, recording in enumerate(ClaudeCodeImporter().read(source, Report())):
            update = recording.update
            owner = fingerprint(update.trace.prompt or "none", "n")
            with store.writing() as writing:
                writing.append(
                    [
                        Event(
                            event_id=name_id(str(path.name), str(number)),
                            topic="task-executions",
                            key="k",
                            occurred_at=NOON,
                            namespace="n",
                            payload=update,
                        )
                    ]
                )
                writing.save_fingerprints([owner])
                writing.save_traces([(update.trace, owner.fingerprint_id)])
                writing.save_spans(update.spans)
                writing.save_artifacts(update.artifacts)
                writing.save_embeddings("m", [("n", owner.fingerprint_id, [0.1, 1 / 3, -number])])
                writing.refresh_derived([update.trace.execution_id], [owner.fingerprint_id])
    with store.writing() as writing:
        writing.save_import_state(
            ImportState(
                file="ü.jsonl", size=1, modified_ns=2, offset=3, digest="d", state={"b": 1, "a": [2.5]}, importer="x"
            )
        )
        writing.save_dead_letter(store.read_log(0, 1)[0], "w", "reason")
        writing.commit_offset("w", 1)
    with store.engine.writing(durable=True) as session:
        codec = codec_of(session.dialect)
        none, at = codec.list(()), codec.time(NOON)
        session.run(
            "INSERT INTO patterns (pattern_id, pattern_name, namespace, agent_id, pattern_type, status, access_level, "
            "shared_with_agents, version, execution_ids, required_tools, applicable_domains, technology_requirements, "
            "origin_trust, review_flags, pattern_data, created_at, updated_at) VALUES "
            "(?, 'p', 'n', 'a', 'fix', 'active', 'team', ?, '1.0.0', ?, ?, ?, ?, 'own', ?, ?, ?, ?)",
            (name_id("p"), none, none, none, none, none, none, '{"zz": 1, "a": {"y": null, "x": 1.0}}', at, at),
        )
        session.run(
            "INSERT INTO metric_rollups (namespace, metric, subject, period, starts_at, samples, total, sketch) "
            "VALUES ('n', 'duration', 'all', 'hour', ?, 3, 1.5, ?)",
            (at, b"\x00\xff"),
        )
        session.run(
            "INSERT INTO modes (namespace, agent, mode, kill_switch, set_at) VALUES ('n', '*', 'suggest', ?, ?)",
            (True, at),
        )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Generator[SqlStore, None, None]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('source') / 'store.db'}")
    fill(store)
    yield store
    store.close()


def table_rows(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of a SQLite store, documents as values."""
    found: dict[str, list[tuple[object, ...]]] = {}
    with store.engine.reading() as session:
        for table in ordered_tables():
            documents = {c.name for c in table.columns if type(c.type).__name__ == "Document"}
            names = [column.name for column in table.columns]
            quoted = ", ".join(f'"{name}"' for name in names)
            rows = session.rows(f"SELECT {quoted} FROM {table.name}")
            found[table.name] = sorted(
                (
                    tuple(
                        repr(json.loads(value)) if value is not None and name in documents else value
                        for name, value in zip(names, row, strict=True)
                    )
                    for row in rows
                ),
                key=repr,
            )
    return found


def sorted_keys(rows: dict[str, list[tuple[object, ...]]]) -> dict[str, list[list[object]]]:
    def plain(value: object) -> object:
        return sorted(value) if isinstance(value, str) and value.startswith(("{", "[")) else value

    return {name: [[plain(value) for value in row] for row in table] for name, table in rows.items()}


def test_sqlite_to_postgresql_to_sqlite_gives_the_same_rows(
    source: SqlStore, postgres_url: str, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    counts = export_store(source, tmp_path / "one.ndjson", progress=seen.append)
    server = open_store(postgres_url)
    assert import_store(server, tmp_path / "one.ndjson") == {name: n for name, n in counts.items() if n}
    export_store(server, tmp_path / "two.ndjson.gz")
    back = open_store(f"sqlite:///{tmp_path / 'back.db'}")
    import_store(back, tmp_path / "two.ndjson.gz")

    before, after = table_rows(source), table_rows(back)
    assert sorted_keys(after) == sorted_keys(before)
    filled = {name for name, rows in before.items() if rows}
    assert {"execution_traces", "spans", "events", "embeddings", "patterns", "modes", "keyword_counts"} <= filled
    assert (tmp_path / "one.ndjson").read_bytes() == gzip.decompress((tmp_path / "two.ndjson.gz").read_bytes())
    assert (seen[-1].done, seen[-1].total) == (sum(counts.values()), sum(counts.values()))

    for store in (server, back):
        assert examine(store).found == {}
        # What the engine counts up goes on behind what was imported.
        with store.writing() as writing:
            head = writing.log_head()
            event = source.read_log(0, 1)[0].event
            assert event is not None
            writing.append([replace(event, event_id=name_id("new"))])
            assert writing.log_head() > head
        store.close()


ODD: dict[str, object] = {
    "largest": 1e308, "whole": 1e16, "below": 1.5e300, "smallest": 5e-324, "small": 1e-7, "one": 1.0, "int": 10**30,
    "list": [], "document": {}, "nothing": None, "nested": [[[]], {"": ""}], "text": "\u2028 \x7f \U0001f600 \\u0000 1e5",
    "keys": {"b": 1, "a": 1e22},
}  # fmt: skip


def test_odd_values_survive_the_way_there_and_back(postgres_url: str, tmp_path: Path) -> None:
    """Numbers that an engine would write otherwise, empty things, all precision of a time, zones."""
    run = trace(
        "odd",
        started_at=datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        completed_at=datetime.fromisoformat("9999-12-31T23:59:59.999999+00:00"),
        context=ODD,
        metadata={},
        tags=("", " ", "{}", "NULL", "a,b", '"'),
        cost_usd=1e308,
        outcome_confidence=0.1 + 0.2,
        duration_ms=2**63 - 1,
    )
    zone = trace("zone", started_at=datetime.fromisoformat("2026-03-01T14:00:00.000001+05:30"))
    call = span(run, "odd", arguments=ODD, attributes={"x": [1e100]}, files=("", "\n"), error_message="")
    source = open_store(f"sqlite:///{tmp_path / 'source.db'}")
    direct = open_store(postgres_url)
    for store in (source, direct):
        applied = Writer(store).ingest(
            [
                event("odd", payload=ExecutionUpdate(trace=run, spans=(call,))),
                event("zone", payload=ExecutionUpdate(trace=zone)),
            ]
        )
        assert (applied.dead, applied.refused) == ([], [])
        found = store.trace("n", run.execution_id)
        assert found is not None
        assert json.dumps(found.context, sort_keys=True) == json.dumps(ODD, sort_keys=True)
        assert (found.tags, found.cost_usd, found.duration_ms) == (run.tags, 1e308, 2**63 - 1)
        assert (found.started_at, found.completed_at) == (run.started_at, run.completed_at)
        assert store.trace("n", zone.execution_id) == zone
    export_store(direct, tmp_path / "direct.ndjson")
    export_store(source, tmp_path / "one.ndjson")
    with direct.engine.writing(durable=True) as session:
        for table in reversed(ordered_tables()):
            session.run(f"DELETE FROM {table.name}")
    import_store(direct, tmp_path / "one.ndjson")
    export_store(direct, tmp_path / "two.ndjson")
    back = open_store(f"sqlite:///{tmp_path / 'back.db'}")
    import_store(back, tmp_path / "two.ndjson")
    assert sorted_keys(table_rows(back)) == sorted_keys(table_rows(source))
    assert (tmp_path / "two.ndjson").read_bytes() == (tmp_path / "one.ndjson").read_bytes()
    for store in (source, direct, back):
        assert examine(store).found == {}
        store.close()


def test_an_export_goes_into_an_empty_database_only(source: SqlStore, tmp_path: Path) -> None:
    export_store(source, tmp_path / "one.ndjson")
    with pytest.raises(UsageError, match="is not empty"):
        import_store(source, tmp_path / "one.ndjson")


def test_a_broken_export_leaves_nothing_behind(source: SqlStore, tmp_path: Path) -> None:
    whole = tmp_path / "whole.ndjson"
    export_store(source, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    table = lines.index(next(line for line in lines if line.startswith(b'{"columns"') and b'"spans"' in line))
    header = json.loads(lines[0])
    broken = {
        "early": b"".join(lines[:-1]),
        "torn": b"".join(lines)[:-200],
        "noise": b"".join([*lines[: table + 2], b"\xff\xfe\n", *lines[table + 2 :]]),
        "short": b"".join([*lines[: table + 1], b"[1, 2]\n", *lines[table + 1 :]]),
        "unknown": b"".join([*lines[:3], b'{"table": "x", "columns": ["a"]}\n', *lines[3:]]),
        "bad value": b"".join(lines).replace(b'"n",', b"[],", 3),
        "another format": json.dumps({**header, "seasoned_export": 2}).encode() + b"\n" + b"".join(lines[1:]),
        "no export": b'{"hello": 1}\n',
        "empty": b"",
        "newer": json.dumps({**header, "revision": "9999"}).encode() + b"\n" + b"".join(lines[1:]),
    }
    target = open_store(f"sqlite:///{tmp_path / 'target.db'}")
    for name, content in broken.items():
        path = tmp_path / "broken.ndjson"
        path.write_bytes(content)
        with pytest.raises((InputError, StoreTooNewError) if name != "bad value" else Exception):
            import_store(target, path)
        assert target.counts("n").traces == 0, name
        assert target.read_log(0, 1) == [], name
    with pytest.raises(UnreadableFileError):
        import_store(target, tmp_path / "missing.ndjson")
    import_store(target, whole)
    assert target.counts("n") == source.counts("n")
    target.close()


def test_every_table_travels(source: SqlStore, tmp_path: Path) -> None:
    counts = export_store(source, tmp_path / "one.ndjson")
    assert set(counts) == set(METADATA.tables) - {"keyword_counts", "library_revision", "pattern_keywords"}
