"""Settings, databases, disks, terminals and users that are not as they should be: one sentence, and a documented code."""

import json
import os
import pty
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command import PROGRAM, environment, run, without_privileges

from seasoned.sample import sample_folder

pytestmark = pytest.mark.slow

HISTORY = sample_folder() / "claude" / "c9883595c929_0.jsonl"
DATABASE = Path(".local/share/seasoned/seasoned.db")
PASSWORD = "s3cretpw"


def rows(home: Path) -> int:
    connection = sqlite3.connect(home / DATABASE)
    try:
        return connection.execute("SELECT count(*) FROM execution_traces").fetchone()[0]
    finally:
        connection.close()


@pytest.fixture
def history(tmp_path: Path) -> Path:
    assert run(tmp_path, "import", HISTORY, "--no-embed").returncode == 0
    return tmp_path


def refused(home: Path, code: int, *says: str, **more: str) -> None:
    result = run(home, "traces", "list", variables=more)
    assert result.returncode == code, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.stderr
    for word in says:
        assert word in result.stderr
    assert PASSWORD not in result.stderr + result.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"[store\nx", "line 1"),
        (b'x = 1\nnamespace = "\xe4"\n', ".toml:2: not UTF-8"),
        (b"store = 3\n", "store is a section"),
        (b"[imports]\njobs = -1\n", ".toml:2: imports.jobs"),
        (b"x = " + b"[" * 100_000, "nested too deeply"),
        (b'data_dir = "\\u0000"\n', "NUL"),
        (f'[store]\nurl = "postgresql://u:{PASSWORD}@h/d"\ncolour = 1\n'.encode(), ".toml:2: store.url"),
        (b"[store]\nbusy_timeout_s = 3\ncolour = 1\n", ".toml:3: there is no setting"),
        (b'data_dir = "~nobodyofthisname/x"\n', "home folder"),
    ],
)
def test_bad_settings_name_file_and_line(tmp_path: Path, text: bytes, says: str) -> None:
    (tmp_path / "seasoned.toml").write_bytes(text)
    refused(tmp_path, 2, says, "seasoned.toml")


def test_a_section_and_a_value_of_one_name(tmp_path: Path) -> None:
    refused(tmp_path, 2, "store is a section", SEASONED_STORE="x", SEASONED_STORE__URL="y")


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        (f"postgresql://me:{PASSWORD}@no-such-host.invalid/x", 5, "does not resolve"),
        (f"postgresql://me:{PASSWORD}/more@h/x", 5, "%2F"),
        (f"postgresql://me:1234/{PASSWORD}@h/x", 5, "%2F"),
        (f"password={PASSWORD} host=h", 2, "postgresql://"),
    ],
)
def test_a_store_that_cannot_be_reached_keeps_its_password(tmp_path: Path, url: str, code: int, says: str) -> None:
    refused(tmp_path, code, says, SEASONED_DATABASE_URL=url)
    for options in ((), ("--json",)):
        shown = run(tmp_path, "config", "show", *options, SEASONED_DATABASE_URL=f"{url}?password={PASSWORD}")
        assert shown.returncode == 0
        assert PASSWORD not in shown.stdout.replace("1234/", "")


def test_a_postgresql_of_a_newer_version(tmp_path: Path, postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE seasoned_version SET version_num = 'later'")
    refused(tmp_path, 5, "later", "Upgrade Seasoned", SEASONED_DATABASE_URL=postgres_url)


def test_a_database_of_a_newer_version_is_left_as_it_is(history: Path) -> None:
    connection = sqlite3.connect(history / DATABASE)
    connection.execute("UPDATE seasoned_version SET version_num = 'later'")
    connection.commit()
    connection.close()
    refused(history, 5, "later", "Upgrade Seasoned")
    assert rows(history) == 1


def test_a_read_only_database_still_has_its_rows(history: Path) -> None:
    (history / DATABASE).chmod(0o444)
    (history / DATABASE).parent.chmod(0o555)
    try:
        result = run(history, "import", HISTORY, "--again", "--no-embed", before=without_privileges)
    finally:
        (history / DATABASE).parent.chmod(0o700)
        (history / DATABASE).chmod(0o600)
    assert (result.returncode, len(result.stderr.strip().splitlines())) == (5, 1)
    assert rows(history) == 1


def test_a_data_folder_without_rights(history: Path) -> None:
    (history / DATABASE).parent.chmod(0)
    try:
        result = run(history, "traces", "list", before=without_privileges)
    finally:
        (history / DATABASE).parent.chmod(0o700)
    assert (result.returncode, "Permission denied" in result.stderr) == (5, True)


def _no_more_than(size: int) -> Callable[[], None]:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_a_disk_that_fills_up_loses_nothing(history: Path) -> None:
    more = sample_folder() / "codex"
    result = run(history, "import", more, "--no-embed", before=_no_more_than(64 * 1024))
    assert result.returncode == 5, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert rows(history) == 1
    assert run(history, "import", more, "--no-embed").returncode == 0
    assert rows(history) > 1


def test_an_export_that_does_not_fit_leaves_no_file(history: Path) -> None:
    target = history / "out.jsonl"
    (history / "out.jsonl.partial.jsonl").symlink_to("/dev/full")
    result = run(history, "db", "export", target)
    assert (result.returncode, "nothing was exported" in result.stderr) == (9, True)
    assert not list(history.glob("out*"))


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_output_that_cannot_be_written(history: Path, options: tuple[str, ...]) -> None:
    command = [*PROGRAM, "traces", "list", *options]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, env=environment(history), cwd=history, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr.count(b"\n")) == (9, 1)
    gone, ours = os.pipe()
    os.close(gone)
    done = subprocess.run(
        command, env=environment(history), cwd=history, stdout=ours, stderr=subprocess.PIPE, check=False
    )
    os.close(ours)
    assert (done.returncode, done.stderr) == (141, b"")
    closed = run(history, "traces", "list", *options, before=lambda: os.close(1))
    assert (closed.returncode, closed.stderr.count("\n")) == (9, 1)
    assert rows(history) == 1


@pytest.mark.parametrize(
    "arguments", [("traces", "list", "--limit", "x", "--json"), ("zorp", "--json"), ("check-similar-tasks",)]
)
def test_wrong_calls_are_json_where_json_is_spoken(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run(tmp_path, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert json.loads(result.stderr)["error"]["exit_code"] == 2


def test_text_that_is_none_in_arguments_and_input(tmp_path: Path) -> None:
    odd = os.fsdecode(b"\xff\xfe")
    arguments = ("--task-type", "auto", "--domain", odd, "--agent", "a", "--success", "true", "--auto-detect")
    assert run(tmp_path, "capture-task-execution", "--prompt", odd, *arguments).returncode == 0
    wrong = run(
        tmp_path, "capture-task-execution", "--prompt", "p", *arguments, "--steps-json", "-", stdin=b"\xff\xfe["
    )
    assert (wrong.returncode, json.loads(wrong.stderr)["error"]["code"]) == (2, "UsageError")


def test_an_encoding_without_the_letters(history: Path) -> None:
    listed = run(history, "traces", "list", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(listed.stdout)["traces"]
    assert run(history, "traces", "list", LC_ALL="C", TERM="dumb", NO_COLOR="1").returncode == 0


def test_an_interrupted_import_goes_on(tmp_path: Path) -> None:
    undisturbed, interrupted = tmp_path / "one", tmp_path / "two"
    undisturbed.mkdir()
    interrupted.mkdir()
    assert run(undisturbed, "import", sample_folder(), "--no-embed").returncode == 0
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "import", str(sample_folder()), "--no-embed", "--jobs", "1"],
        env=environment(interrupted), cwd=interrupted, stdout=theirs, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not (interrupted / DATABASE).exists() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    os.close(theirs)
    os.close(ours)
    assert process.returncode in {0, 130}
    assert b"Traceback" not in told
    if process.returncode == 130:
        assert b"run the command again" in told
    assert run(interrupted, "import", sample_folder(), "--no-embed").returncode == 0
    assert rows(interrupted) == rows(undisturbed)
