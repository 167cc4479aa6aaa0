"""Migrations: up gives the schema of the code, down leaves the database as it was found, newer ones are refused."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import Connection
from sqlalchemy import create_engine, inspect

from seasoned.errors import StoreError, StoreOutdatedError, StoreTooNewError, UsageError
from seasoned.model import ExecutionUpdate
from seasoned.model.ids import name_id
from seasoned.store import PatternQuery, migrations, open_store
from seasoned.store.doctor import examine
from seasoned.store.migrate import downgrade, revision, upgrade
from seasoned.store.rows import (
    ARTIFACT_COLUMNS,
    EVENT_COLUMNS,
    FINGERPRINT_SELECT,
    SPAN_COLUMNS,
    TRACE_COLUMNS,
    TRACE_SELECT,
    codec_of,
)
from seasoned.store.schema import METADATA
from seasoned.store.session import Engine
from seasoned.store.sql import open_engine
from seasoned.store.transfer import export_store, import_store
from seasoned.testing.knowledge_records import pattern
from seasoned.testing.library_records import usage
from seasoned.testing.postgres import PostgresServer
from seasoned.testing.stores import NOON, event, span, trace
from seasoned.workers import Writer

_PG_CATALOG = (
    # columns with type, default and generation; constraints; indexes; everything else by name
    "SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' "
    "|| a.attnotnull || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' ' "
    "|| a.attgenerated::text || a.attidentity::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid "
    "AND d.adnum = a.attnum WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped",
    "SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) "
    "FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT 'relation ' || relkind::text || ' ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
    "AND relkind IN ('r', 'v', 'S', 'm')",
    "SELECT 'function ' || p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace "
    "AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.objid = p.oid AND x.deptype = 'e')",
    "SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT 'extension ' || extname FROM pg_extension",
)


def catalogue(url: str) -> set[str]:
    """Everything that a database is made of."""
    if url.startswith("sqlite"):
        with create_engine(url).connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
            )
            found = {f"{kind} {name} {' '.join((sql or '').split())}" for kind, name, sql in rows}
        connection.engine.dispose()
        return found
    with Connection.connect(url) as connection:
        return {str(row[0]) for query in _PG_CATALOG for row in connection.execute(query.encode())}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str, None, None]:
    """A database without a schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.database(migrated=False) as url:
            yield url


@pytest.fixture
def engine(empty_url: str) -> Generator[Engine, None, None]:
    opened = open_engine(empty_url)
    yield opened
    opened.close()


def test_migrated_equals_the_tables_of_the_code_on_sqlite(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path / 'migrated.db'}").close()
    declared = f"sqlite:///{tmp_path / 'declared.db'}"
    created = create_engine(declared)
    METADATA.create_all(created)
    created.dispose()
    names = set(METADATA.tables)
    migrated = {
        entry
        for entry in catalogue(f"sqlite:///{tmp_path / 'migrated.db'}")
        if entry.startswith("index ") or (entry.startswith("table ") and entry.split(" ")[1] in names)
    }
    assert {_loosely(entry) for entry in migrated} == {_loosely(entry) for entry in catalogue(declared)}


def _loosely(sql: str) -> str:
    # A table that was made under another name is quoted by SQLite.
    return re.sub(r'CREATE TABLE "(\w+)"', r"CREATE TABLE \1", sql.replace("( ", "(").replace(" )", ")"))


def test_migrated_equals_the_tables_of_the_code_on_postgresql(postgres: PostgresServer) -> None:
    with postgres.database() as url, postgres.database(migrated=False) as declared:
        created = create_engine(declared.replace("postgresql://", "postgresql+psycopg://"))
        with created.begin() as connection:
            connection.exec_driver_sql("CREATE EXTENSION vector")
            METADATA.create_all(connection)
        created.dispose()
        kinds = ("column ", "constraint ", "index ")
        wanted = {entry for entry in catalogue(declared) if entry.startswith(kinds)}
        found = {
            entry
            for entry in catalogue(url)
            if entry.startswith(kinds)
            and migrations.VERSION_TABLE not in entry
            and "ix_task_fingerprints_search" not in entry
        }
    assert found == wanted


def test_down_leaves_the_database_as_it_was_found(engine: Engine, empty_url: str) -> None:
    if engine.dialect == "postgresql":
        with Connection.connect(empty_url) as connection:
            connection.execute("CREATE TABLE theirs (id integer PRIMARY KEY); INSERT INTO theirs VALUES (7)")
    before = catalogue(empty_url)
    for _ in range(2):
        upgrade(engine)
        assert len(catalogue(empty_url)) > len(before) + 50
        downgrade(engine)
        assert catalogue(empty_url) == before
    if engine.dialect == "postgresql":
        with Connection.connect(empty_url) as connection:
            assert connection.execute("SELECT id FROM theirs").fetchall() == [(7,)]


_OLD_PATTERN = (
    "INSERT INTO patterns (pattern_id, pattern_name, namespace, agent_id, pattern_type, status, access_level, "
    "shared_with_agents, version, parent_pattern_id, execution_ids, pattern_data, required_tools, applicable_domains, "
    "technology_requirements, usage_count, success_count, origin_trust, review_flags, created_at, updated_at) "
    "VALUES (?, ?, 'n', 'seasoned', 'workflow', 'active', 'team', ?, '1.0.0', ?, ?, ?, ?, ?, ?, ?, ?, 'own', ?, ?, ?)"
)
_OLD_USAGE = (
    "INSERT INTO pattern_usages (usage_id, pattern_id, namespace, agent_id, success, used_at) "
    "VALUES (?, ?, 'n', 'a', ?, ?)"
)


def _fill_first_schema(engine: Engine) -> tuple[str, str]:
    """Two patterns as revision 0001 knew them: one with three usages, its child, and a parent of itself."""
    root, child, ring = (name_id("pattern", name) for name in ("root", "child", "ring"))
    codec = codec_of(engine.dialect)
    none, noon = codec.list(()), codec.time(NOON)
    with engine.writing(durable=True) as session:
        for key, parent, uses in ((root, None, (3, 1)), (child, root, (0, 0)), (ring, ring, (0, 0))):
            lists = (none, parent, codec.list(("x",)), '{"ü":1}', none, none, none, *uses, none)
            session.run(_OLD_PATTERN, (key, key, *lists, noon, noon))
        for number, success in enumerate((True, False, None)):
            session.run(_OLD_USAGE, (name_id("usage", str(number)), root, success, noon))
    return root, child


def test_an_old_database_comes_up_with_everything_in_it_and_goes_down_again(engine: Engine, empty_url: str) -> None:
    upgrade(engine, "0001")
    old = catalogue(empty_url)
    root, child = _fill_first_schema(engine)
    store = open_store(empty_url)
    used, below = store.pattern("n", root), store.pattern("n", child)
    assert used is not None
    assert below is not None
    assert (used.usage_count, used.success_count, used.failure_count, used.keywords) == (3, 1, 1, ())
    assert (used.pattern_data, used.execution_ids, used.created_at) == ({"ü": 1}, ("x",), NOON)
    assert (below.parent_pattern_id, below.failure_count) == (root, 0)
    assert len(store.patterns(PatternQuery(namespace="n"))) == 3
    assert examine(store).found == {}
    with store.writing() as writing:
        writing.save_patterns([replace(below, keywords=("word",))])
    store.close()
    downgrade(engine, "0001", lose_data=True)
    assert {_loosely(entry) for entry in catalogue(empty_url)} == {_loosely(entry) for entry in old}
    with engine.reading() as session:
        assert len(session.rows("SELECT 1 FROM patterns")) == 3
        assert session.rows("SELECT parent_pattern_id FROM patterns WHERE pattern_id = ?", (child,)) == [(root,)]
        assert len(session.rows("SELECT 1 FROM pattern_usages")) == 3
    upgrade(engine)
    with engine.reading() as session:
        assert session.rows("SELECT failure_count FROM patterns WHERE pattern_id = ?", (root,)) == [(1,)]


def test_an_export_of_an_old_database_is_taken_with_failures_counted(empty_url: str, tmp_path: Path) -> None:
    store = open_store(empty_url)
    used = pattern("used", usage_count=2, success_count=1, failure_count=1, keywords=("word",))
    with store.writing() as writing:
        writing.save_patterns([replace(used, usage_count=0, success_count=0, failure_count=0)])
        for number in range(2):
            writing.save_usage(usage(used, str(number), success=bool(number)))
    export_store(store, tmp_path / "new.ndjson")
    store.close()
    lines: list[Any] = [json.loads(line) for line in (tmp_path / "new.ndjson").read_text().splitlines()]
    lines[0]["revision"] = "0001"
    dropped: list[int] = []
    for line in lines:
        if isinstance(line, dict):
            dropped = []
            if cast("dict[str, object]", line).get("table") == "patterns":
                columns = cast("list[str]", line["columns"])
                dropped = sorted((columns.index(name) for name in ("failure_count", "keywords")), reverse=True)
        for place in dropped:
            del (line["columns"] if isinstance(line, dict) else line)[place]
    (tmp_path / "old.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with_sqlite = open_store(f"sqlite:///{tmp_path / 'again.db'}")
    import_store(with_sqlite, tmp_path / "old.ndjson")
    found = with_sqlite.pattern("n", used.pattern_id)
    assert found is not None
    assert (found.usage_count, found.success_count, found.failure_count, found.keywords) == (2, 1, 1, ())
    assert examine(with_sqlite).found == {}
    with_sqlite.close()


def test_data_do_not_go_down_in_silence_and_come_back_by_export(engine: Engine, empty_url: str, tmp_path: Path) -> None:
    store = open_store(empty_url)
    run = trace("1", context={"a": [1.5, None]}, tags=("ü",))
    assert Writer(store).ingest([event("1", payload=ExecutionUpdate(trace=run, spans=(span(run, "s"),)))]).events == 1
    export_store(store, tmp_path / "kept.ndjson")
    with pytest.raises(UsageError, match=r"holds \d+ rows .* that a downgrade to base may lose.*db export"):
        downgrade(engine)
    assert store.trace("n", run.execution_id) == run
    store.close()
    downgrade(engine, lose_data=True)
    with engine.reading() as session:
        assert revision(session) is None
    again = open_store(empty_url)
    import_store(again, tmp_path / "kept.ndjson")
    assert again.trace("n", run.execution_id) == run
    assert [letter.event for letter in again.read_log(0, 9)] != []
    assert examine(again).found == {}
    upgrade(engine)  # there already: nothing happens
    assert again.trace("n", run.execution_id) == run
    again.close()


def test_a_migration_waits_for_a_writer_and_a_writer_for_a_migration(engine: Engine, empty_url: str) -> None:
    """Of a migration and a writer that meet, one is done before the other begins; neither sees half of the other."""
    store = open_store(empty_url, busy_timeout_s=20)
    writing, migrated = threading.Event(), threading.Event()
    seen: list[object] = []

    def migrate() -> None:
        writing.wait(20)
        upgrade(engine)
        migrated.set()

    def write() -> None:
        for number in range(20):
            with store.writing() as transaction:
                transaction.commit_offset("c", number)
                writing.set()
        migrated.wait(20)
        with store.writing() as transaction:
            seen.append(transaction.committed_offset("c"))

    threads = [threading.Thread(target=migrate), threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    store.close()
    assert seen == [19]
    assert migrated.is_set()


def test_an_extension_that_was_there_stays(postgres: PostgresServer) -> None:
    with postgres.database(migrated=False) as url:
        with Connection.connect(url) as connection:
            connection.execute("CREATE EXTENSION vector")
        engine = open_engine(url)
        upgrade(engine)
        downgrade(engine)
        engine.close()
        assert "extension vector" in catalogue(url)


def test_a_database_of_a_newer_version_is_refused_untouched(empty_url: str, engine: Engine) -> None:
    upgrade(engine)
    with engine.writing(durable=True) as session:
        session.run(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
    before = catalogue(empty_url)
    with pytest.raises(StoreTooNewError, match=r"revision 9999.* up to 0003.*Upgrade Seasoned"):
        open_store(empty_url)
    with pytest.raises(StoreTooNewError):
        downgrade(engine)
    assert catalogue(empty_url) == before


def test_no_migration_without_leave(empty_url: str, engine: Engine) -> None:
    with pytest.raises(StoreOutdatedError, match="seasoned db migrate"):
        open_store(empty_url, migrate=False)
    upgrade(engine)
    open_store(empty_url, migrate=False).close()
    with engine.reading() as session:
        assert revision(session) == migrations.HEAD


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE photos (id)")
    engine.dispose()
    before = catalogue(url)
    with pytest.raises(StoreError, match="photos"):
        open_store(url)
    assert catalogue(url) == before


def test_many_may_open_a_new_database_at_once(empty_url: str) -> None:
    barrier = threading.Barrier(4)
    errors: list[BaseException] = []

    def start() -> None:
        barrier.wait()
        try:
            open_store(empty_url).close()
        except BaseException as error:  # noqa: BLE001  shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    open_store(empty_url, migrate=False).close()


def test_every_revision_is_known() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [migrations.HEAD]
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == migrations.KNOWN


def test_column_lists_of_the_store_are_those_of_the_tables() -> None:
    def missing(table: str, names: tuple[str, ...]) -> set[str]:
        return set(names) - {column.name for column in METADATA.tables[table].columns}

    assert not missing("execution_traces", (*TRACE_COLUMNS, *TRACE_SELECT))
    assert not missing("spans", SPAN_COLUMNS)
    assert not missing("code_artifacts", ARTIFACT_COLUMNS)
    assert not missing("task_fingerprints", FINGERPRINT_SELECT)
    assert {column.name for column in METADATA.tables["events"].columns} == {"position", *EVENT_COLUMNS}
    assert {column.name for column in METADATA.tables["spans"].columns} == set(SPAN_COLUMNS)


def test_opening_what_is_up_to_date_loads_no_sqlalchemy(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(url).close()
    code = (
        "import sys; import seasoned.store; assert 'sqlite3' not in sys.modules; "
        f"s = seasoned.store.open_store({url!r}); s.keyword_candidates('n', ['a'], 3); s.close(); "
        "print([m for m in ('sqlalchemy', 'alembic', 'psycopg', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_views_have_the_columns_that_analysts_type(empty_url: str) -> None:
    open_store(empty_url).close()
    engine = create_engine(empty_url.replace("postgresql://", "postgresql+psycopg://"))
    inspector = inspect(engine)
    wanted = {
        "execution_paths": {"path_id", "total_duration_ms", "quality_score", "completed_at", "steps"},
        "agent_execution_logs": {
            *("execution_id", "status", "pattern_used_id", "quality_score", "duration_ms", "completed_at")
        },
        "success_patterns": {"reuse_count", "intent", "created_at", "success_rate"},
        "error_patterns": {"fix_success_rate"},
        "learning_patterns": {"learning_weight"},
        "pattern_usage_log": {"pattern_id", "used_at"},
        "pattern_usage_history": {"pattern_name", "used_at"},
        "hook_executions": {"hook_name"},
        "endpoint_calls": {"endpoint"},
    }
    assert set(inspector.get_view_names()) == set(wanted)
    for view, columns in wanted.items():
        assert columns <= {column["name"] for column in inspector.get_columns(view)}, view
    assert "prompt_text" in {column["name"] for column in inspector.get_columns("execution_traces")}
    engine.dispose()
