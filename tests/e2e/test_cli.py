"""The command as a user runs it: a process of its own, an empty home, real transcripts, and wrong input."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seasoned.sample import sample_folder

Result = subprocess.CompletedProcess[str]


def seasoned(home: Path, *arguments: str, **environment: str) -> Result:
    """Run the command with nothing of this machine's settings or histories in sight."""
    inherited = {key: value for key, value in os.environ.items() if key in {"PATH", "LANG", "TMPDIR"}}
    return subprocess.run(
        [sys.executable, "-c", "from seasoned.doors.cli import main; main()", *arguments],
        env={**inherited, "HOME": str(home), "PYTHONWARNINGS": "error", "SEASONED_SERVICE": "off", **environment},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def document(result: Result) -> Any:
    """Its answer as JSON; a failed command shows what it said."""
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has imported the sample."""
    home = tmp_path_factory.mktemp("home")
    assert seasoned(home, "import", str(sample_folder())).returncode == 0
    return home


def test_up_on_an_empty_home_shows_the_sample(tmp_path: Path) -> None:
    result = seasoned(tmp_path, "up")
    assert result.returncode == 0, result.stderr
    assert "No agent history was found" in result.stdout
    assert "Try next:" in result.stdout
    assert not list(tmp_path.glob("*.db")), "nothing is written outside the data folder"


def test_up_finds_what_is_there(tmp_path: Path) -> None:
    project = tmp_path / ".claude" / "projects" / "-work"
    project.mkdir(parents=True)
    transcript = next(path for path in sorted(sample_folder().rglob("*.jsonl")) if "claude" in str(path))
    (project / "a.jsonl").write_bytes(transcript.read_bytes())
    found = document(seasoned(tmp_path, "up", "--json"))
    assert found["agents"] == ["Claude Code"]
    assert found["sample"] is False
    assert found["added"] >= 1


def test_import_counts_and_a_second_run_adds_nothing(tmp_path: Path) -> None:
    first = document(seasoned(tmp_path, "import", str(sample_folder()), "--json"))
    for key in (
        "files", "sessions", "traces", "spans", "tool_calls", "tool_errors", "input_tokens", "output_tokens", "added",
        "updated", "skipped", "redactions", "problems", "seconds",
    ):  # fmt: skip
        assert key in first
    assert first["added"] == first["traces"] > 0
    second = document(seasoned(tmp_path, "import", str(sample_folder()), "--json"))
    assert (second["added"], second["files"], second["skipped"]) == (0, 0, first["files"])


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    tried = document(seasoned(tmp_path, "import", str(sample_folder()), "--dry-run", "--json"))
    assert tried["traces"] > 0
    assert document(seasoned(tmp_path, "traces", "list", "--json"))["traces"] == []


def test_list_show_similar(history: Path) -> None:
    listed = document(seasoned(history, "traces", "list", "--json"))["traces"]
    chosen = next(trace for trace in listed if trace["prompt"] and len(trace["prompt"]) > 20)
    shown = document(seasoned(history, "traces", "show", chosen["execution_id"][:12], "--json"))
    assert shown["trace"]["execution_id"] == chosen["execution_id"]
    tree = seasoned(history, "traces", "show", chosen["execution_id"])
    assert tree.returncode == 0
    assert chosen["execution_id"] in tree.stdout
    answer = document(seasoned(history, "similar", chosen["prompt"], "--json"))
    assert answer["matches"][0]["kind"] == "exact"
    assert answer["matches"][0]["score"] == 1.0
    assert "1. " in seasoned(history, "similar", chosen["prompt"]).stdout


def test_nothing_relevant_is_an_answer(history: Path) -> None:
    answer = document(seasoned(history, "similar", "bake a sourdough bread with rye and caraway", "--json"))
    assert answer["matches"] == []
    assert answer["reason"]


def test_capture_then_check(tmp_path: Path) -> None:
    captured = document(
        seasoned(
            tmp_path, "capture-task-execution", "--prompt", "Add retry with backoff to the upload client",
            "--task-type", "code_generation", "--domain", "api_development", "--agent", "builder", "--success", "true",
            "--quality-score", "0.9", "--duration-ms", "120000",
            "--steps-json", '[{"step": 1, "action": "edit", "tool": "Edit", "files": ["u.py"], "outcome": "success"}]',
        )
    )  # fmt: skip
    for key in ("success", "fingerprint_id", "fingerprint_hash", "path_id", "artifacts_created", "similar_tasks_found",
                "pattern_candidates", "created_at"):  # fmt: skip
        assert key in captured
    checked = document(
        seasoned(tmp_path, "check-similar-tasks", "--prompt", "add retry with backoff to the upload client",
                 "--task-type", "auto", "--domain", "auto")
    )  # fmt: skip
    assert checked["matches_found"] == 1
    assert checked["matches"][0]["fingerprint_id"] == captured["fingerprint_id"]
    assert checked["matches"][0]["success_rate"] == 100.0


def test_what_a_tracker_spooled_is_taken_in(tmp_path: Path) -> None:
    program = (
        "from seasoned import ExecutionTracker\n"
        "with ExecutionTracker('builder', prompt='Rotate the signing keys') as run:\n"
        "    run.record_tool_use('rotate', {'token': 'ghp_' + 'aB3dE5fG7h' * 3 + 'aB3dE5'}, duration_ms=3, success=True)\n"
        "    run.complete('success')\n"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, check=True)
    listed = document(seasoned(tmp_path, "traces", "list", "--json"))["traces"]
    assert [trace["prompt"] for trace in listed] == ["Rotate the signing keys"]
    assert listed[0]["status"] == "success"
    shown = document(seasoned(tmp_path, "traces", "show", listed[0]["execution_id"], "--json"))
    assert "redacted" in json.dumps(shown["spans"])
    stored = b"".join(path.read_bytes() for path in (tmp_path / ".local").rglob("*") if path.is_file())
    assert b"aB3dE5fG7haB3dE5" not in stored


def test_cold_answer_without_the_model(history: Path) -> None:
    checked = document(seasoned(history, "check-similar-tasks", "--prompt", "lint fails", "--no-semantic"))
    assert checked["semantic"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("import", "nowhere"), 2, "no such file or folder: nowhere"),
        (("traces", "show", "0123456789"), 4, "traces list"),
        (("similar", "  "), 2, "empty"),
        (("traces", "list", "--status", "good"), 2, "in_progress, success, failure, aborted, unknown"),
        (("import", ".", "--agent", "cobol"), 2, "claude_code"),
        (("capture-task-execution", "--prompt", "p", "--task-type", "auto", "--domain", "auto", "--agent", "a",
          "--success", "perhaps", "--auto-detect"), 2, "true and false"),
        (("db", "downgrade", "base"), 2, "--yes"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(tmp_path: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    result = seasoned(tmp_path, *arguments)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_errors_as_json(tmp_path: Path) -> None:
    result = seasoned(tmp_path, "traces", "show", "0123456789", "--json")
    assert json.loads(result.stderr)["error"]["code"] == "NotFoundError"


def test_an_unknown_setting(tmp_path: Path) -> None:
    result = seasoned(tmp_path, "traces", "list", SEASONED_STORE__COLOUR="red")
    assert result.returncode == 2
    assert "SEASONED_STORE__COLOUR" in result.stderr


def test_an_unreachable_postgresql_keeps_its_password(tmp_path: Path) -> None:
    url = "postgresql://me:hunter2secret@127.0.0.1:9/none"
    result = seasoned(tmp_path, "traces", "list", SEASONED_DATABASE_URL=url)
    assert result.returncode == 5
    assert "127.0.0.1" in result.stderr
    assert "hunter2secret" not in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "seasoned.db").write_bytes(b"this is no database, it only says so" * 200)
    result = seasoned(tmp_path, "traces", "list", SEASONED_HOME=str(data))
    assert result.returncode == 5
    assert "Traceback" not in result.stderr


def test_a_locked_database(history: Path) -> None:
    path = history / ".local" / "share" / "seasoned" / "seasoned.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        arguments = ("import", str(sample_folder()), "--again")
        result = seasoned(history, *arguments, SEASONED_STORE__BUSY_TIMEOUT_S="0.2")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert result.returncode == 5
    assert "Traceback" not in result.stderr


def test_doctor_and_config(history: Path) -> None:
    assert document(seasoned(history, "doctor", "--json"))["healthy"] is True
    shown = document(seasoned(history, "config", "show", "--json", SEASONED_STORE__POOL_MAX="3"))
    assert shown["store.pool_max"]["source"] == "environment SEASONED_STORE__POOL_MAX"


def test_help_needs_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom seasoned.doors.cli.root import application\n"
        "heavy = {'sqlalchemy', 'numpy', 'onnxruntime', 'pydantic', 'rich'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stderr
