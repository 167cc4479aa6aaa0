"""`seasoned forget` and `seasoned export` as a user runs them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command import run

pytestmark = pytest.mark.slow

SESSION = Path(__file__).parents[1] / "data" / "entireio" / "claude_code_2_1_121_interrupts.jsonl"


def answer(home: Path, *arguments: str | Path) -> dict[str, Any]:
    done = run(home, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "seasoned.toml").write_text('[embed]\nprovider = "none"\n')
    return tmp_path


def test_forget_asks_shows_and_erases(home: Path) -> None:
    answer(home, "import", SESSION)
    first, second = answer(home, "traces", "list")["traces"]
    shown = answer(home, "forget", first["execution_id"][:8], "--dry-run")
    assert shown["would_forget"]["executions"] == 1
    refused = run(home, "forget", first["execution_id"])
    assert refused.returncode == 2
    assert "--dry-run" in refused.stderr
    done = answer(home, "forget", first["execution_id"], "--yes")
    assert (done["forgotten"]["holdings"], done["files_emptied"]) == (shown["would_forget"], True)
    again = answer(home, "forget", first["execution_id"], "--yes")
    assert (again["forgotten"]["holdings"]["executions"], again["forgotten_before"]) == (0, 1)
    assert answer(home, "import", SESSION, "--again")["forgotten"] == done["forgotten"]["events"]
    left = answer(home, "traces", "list")["traces"]
    assert [each["execution_id"] for each in left] == [second["execution_id"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Say what"),
        (("--source", "codex"), "allowed is `sample`"),
        (("--source", "sample", "--user", "ann"), "stands alone"),
        (("--everything", "elsewhere", "--yes"), "the namespace is called 'default'"),
        (("12345678", "--yes"), "No execution is called"),
        (("--session", "none", "--yes"), "No execution matches"),
        (("--user", "nobody", "--yes"), "No execution matches"),
    ],
)
def test_what_is_not_understood(home: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(home, "forget", *arguments)
    assert done.returncode in {2, 3, 4}
    assert said in done.stderr


@pytest.mark.parametrize("command", ["forget", "export"])
def test_nobody_does_it_in_anothers_name(home: Path, command: str) -> None:
    done = run(home, "--as-agent", "ann", command, "--agent", "ann")
    assert done.returncode == 2
    assert "administrators forget and export" in done.stderr


def test_up_takes_the_sample_out_when_there_are_histories(home: Path) -> None:
    assert answer(home, "up")["sample"] is True
    folder = home / ".claude" / "projects" / "here"
    folder.mkdir(parents=True)
    shutil.copy(SESSION, folder)
    second = answer(home, "up")
    assert second["sample_forgotten"] > 0
    assert second["history"]["traces"] == 2
    assert answer(home, "up")["sample_forgotten"] == 0


def test_export_is_read_back(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    answer(home, "import", SESSION)
    written = answer(home, "export", "--agent", "claude-code", "--output", home / "mine.jsonl")
    other = tmp_path_factory.mktemp("other")
    (other / "seasoned.toml").write_text('[embed]\nprovider = "none"\n')
    read = answer(other, "import", home / "mine.jsonl")
    assert (read["added"], read["problems"]) == (2, [])
    assert written["lines"]["event"] >= 2
    assert answer(other, "traces", "list") == answer(home, "traces", "list")
