"""What goes wrong with a database is said in our words, with the place, and loses nothing that was good."""

import os
import sqlite3
import threading
from collections.abc import Generator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from seasoned.errors import (
    StoreBusyError,
    StoreConflictError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    UsageError,
)
from seasoned.store import TraceQuery, open_store
from seasoned.store.postgres import translated as translated_postgres
from seasoned.store.sql import SqlStore
from seasoned.store.sqlite import translated
from seasoned.testing.postgres import PostgresServer
from seasoned.testing.stores import event, fingerprint, trace


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "store.db"


@pytest.fixture
def store(path: Path) -> Generator[SqlStore, None, None]:
    opened = open_store(f"sqlite:///{path}", busy_timeout_s=0.1)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[SqlStore, None, None]:
    given = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if given else f"sqlite:///{tmp_path / 'store.db'}"
    opened = open_store(url, busy_timeout_s=0.2)
    yield opened
    opened.close()


def test_the_file_is_private(store: SqlStore, path: Path) -> None:
    assert store.engine.place == str(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_another_writer_is_waited_for_only_so_long(any_store: SqlStore) -> None:
    url = any_store.engine.place
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with any_store.writing() as writing:
            writing.commit_offset("first", 1)
            entered.set()
            leave.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(30)
    with pytest.raises(StoreBusyError, match=r"(?i)try again") as caught, any_store.writing():
        pass
    leave.set()
    holder.join(30)
    assert url in str(caught.value)
    with any_store.writing() as writing:
        assert writing.committed_offset("first") == 1


def test_another_process_holds_the_file(store: SqlStore, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    said = r"another process held the database for more than 0\.1 s"
    with pytest.raises(StoreBusyError, match=said), store.writing():
        pass
    assert store.counts("n").traces == 0
    other.execute("ROLLBACK")
    other.close()
    with store.writing() as writing:
        writing.commit_offset("c", 1)


def test_no_space_takes_back_the_transaction_and_nothing_else(store: SqlStore) -> None:
    with store.writing() as writing:
        writing.save_traces([(trace("good"), None)])
    with store.engine.writing(durable=True) as session:
        pages = session.rows("PRAGMA page_count")[0][0]
        session.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFullError, match="nothing was written"), store.writing() as writing:
        writing.save_traces([(trace("first"), None)])
        with writing.savepoint():
            for i in range(50):
                writing.save_traces([(trace(str(i), prompt="x" * 20_000), None)])
    assert [found.prompt for found in store.traces(TraceQuery(namespace="n"))] == ["do good"]
    with store.engine.writing(durable=True) as session:
        session.rows("PRAGMA max_page_count = 1000000")
    with store.writing() as writing:
        writing.save_traces([(trace("after"), None)])
    assert store.counts("n").traces == 2


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_bytes(b"these are my notes\n" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreCorruptError, match=r"notes\.db: file is not a database"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_damaged_file_is_said_to_be_damaged(path: Path) -> None:
    first = open_store(f"sqlite:///{path}")
    with first.writing() as writing:
        writing.save_traces([(trace(str(i), prompt="x" * 900), None) for i in range(100)])
    first.close()
    data = bytearray(path.read_bytes())
    for page in range(20, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(data)
    with pytest.raises(StoreCorruptError, match="backup"):
        damaged = open_store(f"sqlite:///{path}")
        try:
            damaged.traces(TraceQuery(namespace="n"))
        finally:
            damaged.close()


def test_a_place_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for url in (f"sqlite:///{tmp_path / 'file' / 'store.db'}", f"sqlite:///{tmp_path}"):
        with pytest.raises(StoreUnavailableError, match=r"writable for this user"):
            open_store(url)
    with pytest.raises(StoreUnavailableError, match="no such file"):
        open_store(f"sqlite:///{tmp_path / 'missing.db'}", migrate=False)
    assert not (tmp_path / "missing.db").exists()


def test_an_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(StoreUnavailableError, match=r"127\.0\.0\.1:1, database seasons.*cannot be reached") as caught:
        open_store("postgresql://me:hunter2@127.0.0.1:1/seasons")
    chain: BaseException | None = caught.value
    while chain is not None:
        assert "hunter2" not in str(chain)
        chain = chain.__cause__


def test_a_missing_database_says_how_to_make_it(postgres: PostgresServer) -> None:
    with pytest.raises(StoreUnavailableError, match=r'"nowhere" does not exist\. Create it'):
        open_store(postgres.url_of("nowhere"))


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "sqlite://", "sqlite:///", "sqlite:///:memory:", "", "x.db"])
def test_a_url_of_no_known_kind(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_lost_connection_is_replaced(postgres_url: str) -> None:
    store = open_store(postgres_url)
    store.counts("n")
    with psycopg.connect(postgres_url, autocommit=True) as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert store.counts("n").traces == 0
    with store.writing() as writing:
        writing.commit_offset("c", 1)
    store.close()


def test_a_connection_lost_while_writing_loses_only_that_transaction(postgres_url: str) -> None:
    store = open_store(postgres_url)
    with pytest.raises(StoreUnavailableError, match="cannot be reached"), store.writing() as writing:
        writing.commit_offset("c", 1)
        with psycopg.connect(postgres_url, autocommit=True) as killer:
            killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND state = 'idle in transaction'"
            )
        writing.commit_offset("c", 2)
    with store.writing() as writing:
        assert writing.committed_offset("c") == 0
    store.close()


def test_values_out_of_range_are_refused_by_name_and_not_quoted(any_store: SqlStore) -> None:
    wrong = {
        "quality_score": trace("secret-name", quality_score=1.5),
        "status": trace("secret-name", status="finished"),
        "duration_ms": trace("secret-name", duration_ms=-1),
        "outcome_confidence": trace("secret-name", outcome_confidence=-0.1),
    }
    for name, value in wrong.items():
        with pytest.raises(StoreError, match=f"ck_execution_traces_{name}") as caught, any_store.writing() as writing:
            writing.save_traces([(value, None)])
        assert "secret-name" not in str(caught.value)
    with pytest.raises(StoreError), any_store.writing() as writing:
        writing.save_traces([(trace("huge", total_tokens_used=2**70), None)])
    assert any_store.counts("n").traces == 0


def test_a_trace_of_a_fingerprint_that_never_comes_is_refused(any_store: SqlStore) -> None:
    with pytest.raises(StoreError, match=r"(?i)foreign key"), any_store.writing() as writing:
        writing.save_traces([(trace("a"), fingerprint("unknown").fingerprint_id)])
    assert any_store.counts("n").traces == 0


def test_naive_times_are_refused(any_store: SqlStore) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="naive time"), any_store.writing() as writing:
        writing.save_traces([(trace("a", started_at=naive), None)])
    with pytest.raises(ValueError, match="naive time"), any_store.writing() as writing:
        writing.append([replace(event("a"), occurred_at=naive)])


def test_a_closed_store_says_so(any_store: SqlStore) -> None:
    any_store.close()
    with pytest.raises(StoreUnavailableError):
        any_store.counts("n")


def test_every_error_of_a_driver_becomes_one_of_ours() -> None:
    names = [name for name in dir(sqlite3) if name.startswith("SQLITE_") and isinstance(getattr(sqlite3, name), int)]
    assert len(names) > 50
    for name in names:
        error = sqlite3.OperationalError("said")
        error.sqlite_errorname = name  # pyright: ignore[reportAttributeAccessIssue]
        assert isinstance(translated(error, Path("/x.db"), 1), StoreError)
    expected = {
        "53100": StoreFullError,
        "55P03": StoreBusyError,
        "40P01": StoreBusyError,
        "57014": StoreBusyError,
        "XX001": StoreCorruptError,
        "28P01": StoreUnavailableError,
        "53300": StoreUnavailableError,
        "57P01": StoreUnavailableError,
        "08006": StoreUnavailableError,
        "23505": StoreConflictError,
        "23514": StoreError,
    }
    for state, kind in expected.items():
        error_class = psycopg.errors.lookup(state)
        assert type(translated_postgres(error_class("said"), "here")) is kind, state


def test_a_forked_child_leaves_its_parent_s_connections_alone(any_store: SqlStore) -> None:
    """Also when another thread is in the middle of a write at the fork."""
    with any_store.writing() as writing:
        writing.commit_offset("c", 1)
    with any_store.writing() as writing:
        writing.commit_offset("c", 2)
        child = os.fork()
        if child == 0:
            seen = any_store.read_log(0, 1) == [] and any_store.dead_letters() == []
            os._exit(0 if seen else 1)
        assert os.waitpid(child, 0)[1] == 0
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with any_store.writing() as writing:
                assert writing.committed_offset("c") == 2
                writing.commit_offset("c", 3)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    with any_store.writing() as writing:
        assert writing.committed_offset("c") == 3
