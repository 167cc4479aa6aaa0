"""What the commands print for people: nothing untrue, nothing cut to uselessness, and what to do next."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import PROGRAM, environment, run

from seasoned.doors.cli import output
from seasoned.doors.cli.pages import show_failure, show_pattern
from seasoned.model import FailureOccurrence, FailurePattern, Pattern, PatternStep, Resolution, ResolutionStep

pytestmark = pytest.mark.slow

UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
ASKED = "Use the table-driven form for these tests"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody without a history, who has seen the sample."""
    home = tmp_path_factory.mktemp("home")
    done = run(home, "up")
    assert done.returncode == 0, done.stderr
    return home


def on_a_terminal(home: Path, columns: int, *arguments: str) -> str:
    """What a terminal of this width shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        [*PROGRAM, *arguments], env=environment(home, TERM="xterm"), stdout=theirs, stderr=subprocess.PIPE, cwd=home
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if not piece:
                break
            shown += piece
        assert process.stderr is not None
        assert process.wait(timeout=60) == 0, process.stderr.read()
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode().replace("\r\n", "\n"))


@pytest.mark.parametrize("columns", [40, 60, 200])
def test_a_narrow_terminal_still_shows_ids_and_names(home: Path, columns: int) -> None:
    listed = json.loads(run(home, "patterns", "list", "--json").stdout)["patterns"]
    shown = on_a_terminal(home, columns, "patterns", "list")
    lines = [line.rstrip() for line in shown.splitlines()]
    assert [line for line in lines if len(line) > columns] == []
    for pattern in listed:
        assert pattern["pattern_id"][:8] in shown
        assert pattern["pattern_name"][:15] in shown


def test_a_list_says_what_to_do_next_and_that_there_is_more(home: Path) -> None:
    shown = run(home, "failures", "list", "--limit", "1").stdout
    assert "seasoned failures show " in shown
    assert "there are more: --limit 10" in shown
    assert "there are more" not in run(home, "failures", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("patterns", "list", "--status", "active"), "No pattern matches"),
        (("failures", "list", "--type", "timeout"), "No failure matches"),
        (("traces", "list", "--status", "aborted"), "No execution matches"),
    ],
)
def test_a_filter_that_leaves_nothing_is_not_an_empty_history(
    home: Path, arguments: tuple[str, ...], says: str
) -> None:
    assert says in run(home, *arguments).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("patterns", "list"), "`seasoned learn` draws them"),
        (("failures", "list"), "`seasoned learn` collects them"),
        (("traces", "list"), "`seasoned up` finds"),
        (("similar", "mend the fence"), "`seasoned up` finds"),
    ],
)
def test_an_empty_history_says_where_to_begin(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    assert says in run(tmp_path, *arguments).stdout


@pytest.mark.parametrize("command", ["check-similar-tasks", "capture-task-execution"])
def test_a_task_type_that_does_not_exist_is_a_wrong_call(tmp_path: Path, command: str) -> None:
    more = ("--agent", "a", "--success", "true", "--auto-detect") if command.startswith("capture") else ()
    done = run(tmp_path, command, "--prompt", "mend it", "--task-type", "cooking", "--domain", "auto", *more)
    assert done.returncode == 2
    assert "cooking" in json.loads(done.stderr)["error"]["message"]


def test_a_revision_that_does_not_exist_is_a_wrong_call(tmp_path: Path) -> None:
    done = run(tmp_path, "db", "downgrade", "9999", "--yes")
    assert done.returncode == 2
    assert "these are: base, 0001" in done.stderr


def test_what_an_agent_recorded_waits_for_its_vector_without_alarm(tmp_path: Path) -> None:
    told = (
        "--prompt",
        "mend the fence",
        "--task-type",
        "auto",
        "--domain",
        "auto",
        "--agent",
        "a",
        "--success",
        "true",
    )
    assert run(tmp_path, "capture-task-execution", *told, "--auto-detect").returncode == 0
    done = run(tmp_path, "doctor")
    assert done.returncode == 0, done.stdout
    assert "0 of 1 tasks embedded" in done.stdout


def test_a_preference_shows_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    occasion = {"said": ASKED, "proposed": "one function each", "done_instead": None}
    show_pattern(
        Pattern(
            pattern_id="p" * 36, pattern_name="table-driven", namespace="n", agent_id="seasoned",
            pattern_type="preference", execution_ids=("e" * 36,), pattern_data={"occasions": [occasion, occasion]},
        )
    )  # fmt: skip
    shown = capsys.readouterr().out
    assert shown.count(ASKED) == 1
    assert "one function each" in shown
    assert "said in 1 run\n" in shown


def test_a_pattern_says_its_counts_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    step = PatternStep(number=1, action="Run `make`", tool="make", target="", seen_in=3, of=4, optional=True)
    show_pattern(
        Pattern(
            pattern_id="p" * 36, pattern_name="make it", namespace="n", agent_id="seasoned", pattern_type="workflow",
            execution_ids=tuple("abcdef"), evidence_count=4, evidence_success_count=3, success_rate=0.7,
            confidence_score=0.24, recommended_steps=(step,), estimated_duration_ms=5000,
            pattern_data={"duration_ms": {"low": 5000, "high": 5000}, "gotchas": ["x" * 500]},
            review_flags=("outcome_from_own_checks",),
        )
    )  # fmt: skip
    shown = capsys.readouterr().out
    assert "3 of 4 runs succeeded, 2 more went unjudged; expect 70% (posterior mean) · confidence 0.24 of 1" in shown
    assert "takes 5.0 s (median)\n" in shown
    assert "[3 of 4, optional]" in shown
    assert f"  {'x' * 399}…\n" in shown
    assert "outcome_from_own_checks" not in shown


def test_a_failure_without_times_shows_none_and_calls_are_no_shell_lines(capsys: pytest.CaptureFixture[str]) -> None:
    failure = FailurePattern(
        failure_id="f" * 36, namespace="n", signature="no such file", occurrence_count=2,
        first_occurrence_at=UNKNOWN, last_occurrence_at=UNKNOWN, metadata={"not_shown": "rests on one session"},
    )  # fmt: skip
    remedy = Resolution(
        resolution_id="r", failure_id=failure.failure_id, namespace="n", description="Look first", times_seen=2,
        times_worked=1,
        steps=(
            ResolutionStep(tool="Bash", command="ls {path}"),
            ResolutionStep(tool="Read", command="Read(file_path={path})"),
            ResolutionStep(tool="Write", command="Edit again"),
        ),
    )  # fmt: skip
    once = FailureOccurrence(
        occurrence_id="o", failure_id=failure.failure_id, namespace="n", execution_id="e" * 36, span_id=None,
        occurred_at=UNKNOWN, resolved_by="r",
    )  # fmt: skip
    show_failure(failure, [remedy], [once])
    shown = capsys.readouterr().out
    assert "1970" not in shown
    assert "–" not in shown
    assert "seen 2 times\n" in shown
    assert "$ ls {path}" in shown
    assert "→ Read(file_path={path})" in shown
    assert "→ Edit again" in shown
    assert "not offered to agents: rests on one session" in shown
    assert "eeeeeeee  resolved\n" in shown
    assert "the newest 1" in shown


def test_a_time_that_is_not_known_is_a_dash() -> None:
    assert output.when(None) == output.when(UNKNOWN) == "–"
    assert output.when(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "2026-01-02 03:04"


def test_a_fix_is_told_to_programs_too(home: Path) -> None:
    done = run(home, "failures", "fix", "bash: gofrob: command not found", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["signature"] == "command not found"
    assert told["fixes"] == []
    assert told["reason"]
