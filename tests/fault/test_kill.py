"""kill -9 at random points of tracker, drain, writer and import, all at once: nothing lost, nothing doubled.

In each trial real processes work on one data folder: a tracker that spools, two drains that take the spool into the
store, and an importer of real histories. Each is killed at a random moment of its work, some twice. Then what an
ordinary user does is done once, undisturbed: any command drains the spool, and the import is run again. The store must
hold what an undisturbed run gives, every call whose recording returned exactly once, and no damage that the doctor
knows. ``make fault`` runs 100 trials on each engine; ``FAULT_TRIALS`` says how many.
"""

import json
import os
import random
import select
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from seasoned import ExecutionTracker, Spool
from seasoned.capture import Redactor
from seasoned.sample import sample_folder
from seasoned.store import SqlStore, open_store
from seasoned.store.doctor import examine
from seasoned.testing.postgres import PostgresServer
from seasoned.workers import CONSUMER, ImportOptions, Writer, import_histories, importing
from seasoned.workers.spooling import take_spool

pytestmark = pytest.mark.slow

TRIALS = int(os.environ.get("FAULT_TRIALS", "10"))
KEY = b"k" * 32
CALLS = 600
LONGEST_S = 0.15
"""Between two kills of drains and importers; an import of the histories takes some of these."""
HISTORIES = sorted(sample_folder().rglob("*.jsonl"), key=lambda path: path.stat().st_size)[:3]
CLOCK = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A forked process and the end of the pipe that it speaks on."""

    pid: int
    pipe: int

    def kill_after(self, seconds: float) -> bytes:
        """Let it work for that long, kill -9 it, and return what it said."""
        said = bytearray()
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0 and select.select([self.pipe], [], [], left)[0]:
            if not (piece := os.read(self.pipe, 65536)):
                break
            said += piece
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        while piece := os.read(self.pipe, 65536):
            said += piece
        os.close(self.pipe)
        return bytes(said)


def start(work: Callable[[int], None]) -> Process:
    """Fork a process that does ``work(pipe)``."""
    listen, speak = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(listen)
        try:
            work(speak)
        except BaseException:  # noqa: BLE001  shown; the parent sees by the rows what is missing
            os.write(speak, b"!")
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(0)
    os.close(speak)
    return Process(pid=pid, pipe=listen)


@contextmanager
def opened(url: str) -> Generator[SqlStore, None, None]:
    store = open_store(url, busy_timeout_s=30, pool=(1, 2), clock=lambda: CLOCK)
    try:
        yield store
    finally:
        store.close()


def track(folder: Path, run: str) -> Callable[[int], None]:
    """Records calls; says a point for each that has returned."""

    def work(pipe: int) -> None:
        with ExecutionTracker("killed-agent", prompt=f"Task {run}", sink=Spool(folder, rotate_bytes=20_000)) as tracker:
            for number in range(CALLS):
                tracker.record_tool_use("bash", {"run": run, "number": number}, duration_ms=1, success=True)
                os.write(pipe, b".")
            signal.pause()

    return work


def drain(folder: Path, url: str) -> Callable[[int], None]:
    """Takes the spool in, again and again."""

    def work(pipe: int) -> None:
        del pipe
        with opened(url) as store:
            while True:
                take_spool(Spool(folder), Writer(store), Redactor(KEY).update, batch_events=37)

    return work


def take_in(url: str) -> Callable[[int], None]:
    """Imports the histories once."""

    def work(pipe: int) -> None:
        del pipe
        importing.BATCH_EVENTS = 2  # many small commits, and a moment between any two of them to be killed at
        imported(url)
        signal.pause()

    return work


def imported(url: str) -> None:
    options = ImportOptions(namespace="default", redactor_key=KEY, jobs=0)
    with opened(url) as store:
        import_histories(HISTORIES, store, Writer(store), options)


def rows(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    """What the imported histories have become."""
    queries = {
        "traces": "SELECT execution_id, status, revision, prompt, step_count, path_signature, total_tokens_used, "
        "parent_id, fingerprint_id FROM execution_traces WHERE source <> 'sdk' OR source IS NULL ORDER BY 1",
        "spans": "SELECT s.span_id, s.execution_id, s.name, s.outcome, s.number, s.result_bytes FROM spans s "
        "JOIN execution_traces t ON t.execution_id = s.execution_id WHERE t.source <> 'sdk' ORDER BY 1",
        "artifacts": "SELECT artifact_id, file_path, lines_added FROM code_artifacts ORDER BY 1",
        "events": "SELECT event_id FROM events ORDER BY 1",
        "states": 'SELECT file, "offset", digest FROM import_state ORDER BY 1',
    }
    with store.engine.reading() as session:
        return {name: session.rows(query) for name, query in queries.items()}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Iterator[str]]:
    """Fresh databases, one for each call."""

    def sqlite() -> Iterator[str]:
        yield f"sqlite:///{tmp_path_factory.mktemp('fault') / 'store.db'}"

    def postgresql() -> Iterator[str]:
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.database() as url:
            yield url

    return sqlite if request.param == "sqlite" else postgresql


@pytest.fixture(scope="module")
def undisturbed(databases: Callable[[], Iterator[str]]) -> dict[str, list[tuple[object, ...]]]:
    for url in databases():
        imported(url)
        with opened(url) as store:
            return rows(store)
    raise AssertionError


@pytest.mark.parametrize("seed", range(TRIALS))
def test_killed_at_random_points(
    tmp_path: Path,
    databases: Callable[[], Iterator[str]],
    undisturbed: dict[str, list[tuple[object, ...]]],
    seed: int,
) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "spool"
    for url in databases():
        open_store(url).close()
        heard = disturb(chance, folder, url)
        with opened(url) as store:
            take_spool(Spool(folder), Writer(store), Redactor(KEY).update)
        imported(url)
        with opened(url) as store:
            check(store, folder, heard, undisturbed)


def disturb(chance: random.Random, folder: Path, url: str) -> dict[str, int]:
    """Everything at once, each killed at its own moment; how many calls of each run had returned."""
    heard: dict[str, int] = {}
    for round_ in range(2):
        runs = [f"{round_}{name}" for name in "ab"]
        trackers = {run: start(track(folder, run)) for run in runs}
        others = [start(drain(folder, url)), start(drain(folder, url)), start(take_in(url))]
        for run in chance.sample(runs, len(runs)):
            heard[run] = trackers[run].kill_after(chance.uniform(0, 0.02)).count(b".")
        for process in chance.sample(others, len(others)):
            assert process.kill_after(chance.uniform(0, LONGEST_S)) == b"", "a process failed by itself"
    return heard


def check(
    store: SqlStore, folder: Path, heard: dict[str, int], undisturbed: dict[str, list[tuple[object, ...]]]
) -> None:
    with store.engine.reading() as session:
        arguments = [
            str(row[0])
            for row in session.rows(
                "SELECT s.arguments FROM spans s JOIN execution_traces t ON t.execution_id = s.execution_id "
                "WHERE t.source = 'sdk'"
            )
        ]
        log = session.rows("SELECT count(*), count(DISTINCT event_id), max(position) FROM events")[0]
        offset = session.rows("SELECT position FROM consumer_offsets WHERE consumer = ?", (CONSUMER,))[0][0]
    found = Counter((said["run"], said["number"]) for said in map(json.loads, arguments))
    assert max(found.values(), default=0) <= 1, "a call stands there twice"
    for run, returned in heard.items():
        numbers = {number for name, number in found if name == run}
        assert set(range(returned)) <= numbers, "a call is lost whose recording had returned"
        # One more may stand there, whose process was killed before it could say so.
        assert len(numbers) <= returned + 1
    now = rows(store)
    for table in ("traces", "spans", "artifacts", "states"):
        assert now[table] == undisturbed[table], table
    assert {row[0] for row in undisturbed["events"]} <= {row[0] for row in now["events"]}
    assert log[0] == log[1]
    assert offset == log[2]
    assert store.dead_letters() == []
    assert examine(store).found == {}
    assert list(folder.glob("*.jsonl")) == []
