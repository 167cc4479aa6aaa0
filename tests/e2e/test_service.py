"""The resident service with real processes: one for each data folder, used when it is there, never missed when it is not."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import PROGRAM, environment, run
from residents import ON, TASK, alone, answered, ask_hook, health, prompt, resident, served, started, until

from seasoned.app import Seasoned
from seasoned.errors import ServiceError
from seasoned.model.advice import Advice
from seasoned.resident import Place, ask
from seasoned.sample import sample_folder
from seasoned.settings import load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A history of a few real sessions, and its service."""
    home = tmp_path_factory.mktemp("home")
    assert run(home, "--home", home / "data", "import", sample_folder()).returncode == 0
    with resident(home):
        started(home)
        yield home


# -- answers ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "question",
    [
        ("check-similar-tasks", "--prompt", TASK, "--min-similarity", "0.2"),
        ("similar", "--json", "Review the staged changes of this Go repository"),
        ("failures", "fix", "--json", "--tool", "Bash", "mise: command not found"),
    ],
    ids=lambda question: question[0],
)
def test_the_answer_is_the_same_whoever_gives_it(home: Path, question: tuple[str, ...]) -> None:
    before = answered(home)
    by_itself = alone(home, *question)
    assert health(home)["answered"] == before
    assert served(home, *question) == by_itself
    assert health(home)["answered"] == before + 1


def test_the_words_for_people_are_the_same_too(home: Path) -> None:
    for question in (("similar", TASK), ("failures", "fix", "mise: command not found")):
        by_itself = run(home, "--home", home / "data", *question)
        from_service = run(home, "--home", home / "data", *question, variables=ON)
        assert (from_service.stdout, from_service.returncode) == (by_itself.stdout, 0)


def test_an_execution_is_recorded_by_the_service(home: Path) -> None:
    before = answered(home)
    said = (
        "--prompt",
        "Rename the field",
        "--task-type",
        "auto",
        "--domain",
        "auto",
        "--agent",
        "a",
        "--success",
        "true",
    )
    done = run(home, "--home", home / "data", "capture-task-execution", *said, "--auto-detect", variables=ON)
    assert done.returncode == 0, done.stderr
    assert health(home)["answered"] == before + 1
    shown = alone(home, "traces", "show", "--json", json.loads(done.stdout)["path_id"])
    assert shown["trace"]["prompt"] == "Rename the field"


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (("--namespace", "other"), {}),
        (("--database-url", "sqlite:///{home}/other.db"), {}),
        (("--as-agent", "bob"), {}),
        ((), {"SEASONED_SIMILARITY__STRATEGY": "published"}),
        ((), {"SEASONED_AGENT_ID": "somebody"}),
    ],
)
def test_under_other_settings_a_command_answers_by_itself(
    home: Path, options: tuple[str, ...], variables: dict[str, str]
) -> None:
    before = answered(home)
    given = [option.format(home=home) for option in options]
    served(home, *given, "similar", "--json", TASK, **variables)
    assert health(home)["answered"] == before


def test_a_projects_settings_are_those_of_its_commands_alone(home: Path) -> None:
    project = home / "project"
    project.mkdir()
    (project / "seasoned.toml").write_text("[similarity]\nmin_score = 0.9\n")
    before = answered(home)
    command = [*PROGRAM, "--home", str(home / "data"), "similar", "--json", TASK]
    done = subprocess.run(
        command, cwd=project, env=environment(home, **ON), capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert health(home)["answered"] == before


def test_errors_are_said_once_by_the_command(home: Path) -> None:
    for question in (
        ("check-similar-tasks", "--prompt", TASK, "--domain", "x", "--technologies", "[1]"),
        ("similar", " "),
    ):
        by_itself = run(home, "--home", home / "data", *question)
        from_service = run(home, "--home", home / "data", *question, variables=ON)
        assert (from_service.returncode, from_service.stderr) == (by_itself.returncode, by_itself.stderr)


def test_whoever_knows_not_the_settings_is_sent_away(home: Path) -> None:
    place = Place(data_dir=home / "data")
    digest = {"Seasoned-Digest": health(home)["digest"]}
    assert ask(place, "/similar", b'{"prompt":"x"}').status == 409
    assert ask(place, "/similar", b'{"prompt":"x"}', headers=digest).status == 200
    assert ask(place, "/similar", b'{"prompt":1}', headers=digest).status == 422
    assert ask(place, "/similar", b'{"prompt"', headers=digest).status == 400
    assert ask(place, "/similar", b'{"prompt":"x","more":1}', headers=digest).status == 422
    assert ask(place, "/hook/unknown", b"{}").status == 404
    for budget in ("-1", "1e9", "9" * 999):
        assert ask(place, "/hook/codex", b"{}", headers={"Seasoned-Budget-Ms": budget}).status == 200
    assert ask(place, "/nothing", b"{}").status == 404


# -- hooks -----------------------------------------------------------------------------------------------------------
def test_a_hook_is_given_what_is_known_in_its_agents_format(home: Path) -> None:
    """Half of the sessions are told nothing, by chance over their id."""
    known = alone(home, "traces", "list", "--json", "--source", "codex", "--limit", "1")["traces"][0]
    told: list[bytes] = []
    for number in range(12):
        told.append(ask_hook(home, prompt(f"session-{number}", known["prompt"])).stdout)
    given = [json.loads(each)["hookSpecificOutput"] for each in told if each]
    assert 0 < len(given) < len(told)
    assert {each["hookEventName"] for each in given} == {"UserPromptSubmit"}
    assert all("Seasoned" in each["additionalContext"] for each in given)


def test_an_answer_that_is_too_late_counts_as_not_given(home: Path) -> None:
    place = Place(data_dir=home / "data")
    known = alone(home, "traces", "list", "--json", "--source", "codex", "--limit", "1")["traces"][0]
    before = health(home)["late"]
    sessions = [f"late-{number}" for number in range(4)]  # as many as it answers at once: those who wait are not begun
    for session in sessions:
        said = ask(place, "/hook/claude_code", prompt(session, known["prompt"]), headers={"Seasoned-Budget-Ms": "1"})
        assert (said.status, said.body) == (200, b"")
    assert health(home)["late"] == before + len(sessions)
    with Seasoned(load(environment(home), working_dir=home, flags={"data_dir": place.data_dir})) as seasoned:
        found: list[Advice] = []
        for _ in until("what was too late is recorded"):
            found = [each for session in sessions for each in seasoned.store.advice_of_session("default", session)]
            if sum(each.arm == "held_out" or each.reason == "too late" for each in found) == len(sessions):
                break
    assert {each.arm for each in found} == {"given", "held_out"}
    assert {each.tokens_added for each in found} == {0}


@pytest.mark.parametrize(
    "payload", [b"{}", b"[]", b"{", b"\xff\xfe", b'{"hook_event_name":"UserPromptSubmit"}', b"1" * 99]
)
def test_a_payload_that_is_none_is_answered_with_nothing(home: Path, payload: bytes) -> None:
    assert ask_hook(home, payload).stdout == b""
    assert health(home)["ready"]


def test_a_large_payload(home: Path) -> None:
    big = json.dumps({"session_id": "s", "hook_event_name": "PostToolUse", "tool_response": "x" * (8 << 20)}).encode()
    assert ask_hook(home, big).stdout == b""
    assert not (home / "data" / "hooks.log").exists() or "PostToolUse" not in (home / "data" / "hooks.log").read_text()


def test_what_hooks_were_told_is_in_the_history_once_the_session_has_ended(place: Place, tmp_path: Path) -> None:
    started(tmp_path)
    for event in ({"hook_event_name": "UserPromptSubmit", "prompt": "Sort the list"}, {"hook_event_name": "Stop"},
                  {"hook_event_name": "SessionEnd", "reason": "other"}):  # fmt: skip
        ask_hook(tmp_path, json.dumps({"session_id": "ended", "cwd": str(tmp_path), **event}).encode())
    for _ in until("the session is recorded"):
        # By the service: this process takes nothing in.
        if not list((place.data_dir / "inbox").glob("claude_code.*")):
            break
    found = alone(tmp_path, "traces", "list", "--json")["traces"]
    assert [each["prompt"] for each in found] == ["Sort the list"]


def test_a_hung_one_costs_its_budget_and_no_more(home: Path) -> None:
    pid = health(home)["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        # Ended by itself, or ``ask_hook`` would fail; the log says how.
        done = ask_hook(home, prompt("hung", TASK), {"SEASONED_HOOK_BUDGET_MS": "20"})
        assert done.stdout == b""
        assert "no answer: TimeoutError" in (home / "data" / "hooks.log").read_text().splitlines()[-1]
        with pytest.raises(ServiceError, match="does not answer"):
            ask(Place(data_dir=home / "data"), "/health", method="GET", budget_s=0.05)
        assert served(home, "similar", "--json", TASK) == alone(home, "similar", "--json", TASK)
    finally:
        os.kill(pid, signal.SIGCONT)
    for _ in until("it answers again"):
        if health(home)["pid"] == pid:
            break
