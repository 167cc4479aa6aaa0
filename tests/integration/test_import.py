"""Importing: the same rows whatever happens on the way."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from seasoned.app import Seasoned
from seasoned.sample import sample_folder
from seasoned.settings import load

_CLOCK = {"created_at", "updated_at", "recorded_at", "modified_ns", "file", "position", "number"}
"""Columns that tell of the import itself, not of what was imported: clocks, paths and arrival numbers."""


def _open(home: Path) -> Seasoned:
    environment = {"HOME": str(home), "SEASONED_HOME": str(home / "data"), "SEASONED_EMBED__PROVIDER": "none"}
    return Seasoned(load(environment, working_dir=home))


def _home(tmp_path: Path, name: str) -> Path:
    """A home whose redaction key is that of every other one here, so that placeholders compare equal."""
    home = tmp_path / name
    (home / "data").mkdir(parents=True)
    (home / "data" / "redaction.key").write_bytes(b"k" * 32)
    return home


def rows(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the history, without the columns that hold wall-clock time."""
    engine = create_engine(f"sqlite:///{home / 'data' / 'seasoned.db'}")
    found: dict[str, list[tuple[object, ...]]] = {}
    tables = ("execution_traces", "spans", "code_artifacts", "task_fingerprints", "keyword_counts", "events")
    with engine.connect() as connection:
        for table in tables:
            columns = [c["name"] for c in inspect(engine).get_columns(table) if c["name"] not in _CLOCK]
            result = connection.execute(text(f"SELECT {', '.join(columns)} FROM {table}"))
            found[table] = sorted((tuple(row) for row in result), key=repr)
    engine.dispose()
    return found


def test_a_second_import_adds_nothing(tmp_path: Path) -> None:
    home = _home(tmp_path, "a")
    with _open(home) as seasoned:
        first = seasoned.import_histories([sample_folder()])
        before = rows(home)
        second = seasoned.import_histories([sample_folder()])
        again = seasoned.import_histories([sample_folder()], again=True)
    assert first.applied.new_traces > 0
    assert not first.applied.dead
    assert (second.unchanged, second.applied.new_traces) == (len(first.files), 0)
    assert (again.unchanged, again.applied.new_traces) == (0, 0)
    assert rows(home) == before


def test_processes_give_the_same_rows_as_none(tmp_path: Path) -> None:
    for name, jobs in (("alone", 0), ("two", 2)):
        with _open(_home(tmp_path, name)) as seasoned:
            seasoned.import_histories([sample_folder()], jobs=jobs)
    assert rows(tmp_path / "alone") == rows(tmp_path / "two")


def test_a_growing_transcript_arrives_where_the_whole_one_does(tmp_path: Path) -> None:
    whole = max(sample_folder().rglob("*.jsonl"), key=lambda path: path.stat().st_size)
    data = whole.read_bytes()
    grown_home, once_home = _home(tmp_path, "grown"), _home(tmp_path, "once")
    with _open(grown_home) as seasoned:
        file = grown_home / whole.name
        for part in (len(data) // 5, len(data) // 2, len(data) * 4 // 5, len(data)):
            file.write_bytes(data[:part])
            os.utime(file, ns=(part, part))
            seasoned.import_histories([file])
    with _open(once_home) as seasoned:
        (once_home / whole.name).write_bytes(data)
        seasoned.import_histories([once_home / whole.name])
    grown, once = rows(grown_home), rows(once_home)
    for table in ("execution_traces", "spans", "code_artifacts", "task_fingerprints", "keyword_counts"):
        assert grown[table] == once[table], table


def test_a_rewritten_file_is_read_anew(tmp_path: Path) -> None:
    files = sorted(sample_folder().rglob("*.jsonl"), key=lambda path: path.stat().st_size)
    home = _home(tmp_path, "a")
    file = home / "session.jsonl"
    with _open(home) as seasoned:
        file.write_bytes(files[0].read_bytes())
        seasoned.import_histories([file])
        file.write_bytes(files[1].read_bytes())
        second = seasoned.import_histories([file])
    assert second.applied.new_traces > 0


@pytest.mark.slow
@pytest.mark.parametrize("after", (1, 2, 5, 8))
def test_killed_in_the_middle_and_run_again(tmp_path: Path, after: int) -> None:
    """The process kills itself inside its ``after``-th transaction, right before the commit."""
    home, calm = _home(tmp_path, "killed"), _home(tmp_path, "calm")
    program = f"""
import os, signal
from pathlib import Path
import seasoned.workers.importing as importing
import seasoned.workers.reading as reading
importing.BATCH_EVENTS = reading.BATCH_EVENTS = 1
from seasoned.app import Seasoned
from seasoned.sample import sample_folder
from seasoned.settings import load
from seasoned.workers import Writer
commits = 0
def stop():
    global commits
    commits += 1
    if commits == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
seasoned = Seasoned(load())
seasoned.writer = Writer(seasoned.store, before_commit=stop)
seasoned.import_histories([sample_folder()], jobs=0)
"""
    environment = {
        **os.environ,
        "HOME": str(home),
        "SEASONED_HOME": str(home / "data"),
        "SEASONED_EMBED__PROVIDER": "none",
    }
    ended = subprocess.run([sys.executable, "-c", program], env=environment, cwd=home, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    with _open(home) as seasoned:
        seasoned.import_histories([sample_folder()])
    with _open(calm) as seasoned:
        seasoned.import_histories([sample_folder()])
    killed, undisturbed = rows(home), rows(calm)
    for table, expected in undisturbed.items():
        assert killed[table] == expected, table


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.jsonl", b""),
        ("binary.jsonl", bytes(range(256)) * 64),
        ("text.txt", b"hello\n"),
        ("latin.jsonl", b'{"type":"user","x":"\xe9\xe8"}\n'),
        ("lines.jsonl", b"\n" * 5000),
        ("deep.json", b"[" * 100_000),
    ],
)
def test_files_that_are_no_history_harm_nothing(tmp_path: Path, name: str, content: bytes) -> None:
    home = _home(tmp_path, "a")
    folder = home / "mixed"
    shutil.copytree(sample_folder(), folder)
    (folder / name).write_bytes(content)
    with _open(home) as seasoned:
        result = seasoned.import_histories([folder])
        clean = _home(tmp_path, "b")
        with _open(clean) as other:
            other.import_histories([sample_folder()])
    assert result.applied.new_traces > 0
    assert rows(home)["spans"] == rows(clean)["spans"]
