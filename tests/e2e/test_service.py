"""The resident service with real processes: one for each data folder, used when it is there, never missed when it is not."""

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import PROGRAM, environment, run
from residents import ON, ask_hook, health, prompt, resident, started, until

from seasoned.app import Seasoned
from seasoned.doors.hooks import ASK
from seasoned.errors import ServiceError
from seasoned.model.advice import Advice
from seasoned.resident import Place, ask, hold, holder, listening
from seasoned.sample import sample_folder
from seasoned.settings import load

pytestmark = pytest.mark.slow

TASK = "Fix the failing tests of the parser"
VARYING = ("latency_ms", "took_ms", "created_at", "path_id")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with resident(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A history of a few real sessions, and its service."""
    home = tmp_path_factory.mktemp("home")
    assert run(home, "--home", home / "data", "import", sample_folder()).returncode == 0
    with resident(home):
        started(home)
        yield home


def alone(home: Path, *arguments: str) -> Any:
    return _answer(run(home, "--home", home / "data", *arguments))


def served(home: Path, *arguments: str, **variables: str) -> Any:
    return _answer(run(home, "--home", home / "data", *arguments, variables={**ON, **variables}))


def _answer(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stderr
    return _without(json.loads(done.stdout))


def _without(document: Any) -> Any:
    """What differs between two answers that are the same."""
    if isinstance(document, dict):
        return {key: _without(value) for key, value in document.items() if key not in VARYING}  # pyright: ignore[reportUnknownVariableType]
    return [_without(each) for each in document] if isinstance(document, list) else document  # pyright: ignore[reportUnknownVariableType]


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
    before = health(home)["answered"]
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
    before = health(home)["answered"]
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
    before = health(home)["answered"]
    given = [option.format(home=home) for option in options]
    served(home, *given, "similar", "--json", TASK, **variables)
    assert health(home)["answered"] == before


def test_a_projects_settings_are_those_of_its_commands_alone(home: Path) -> None:
    project = home / "project"
    project.mkdir()
    (project / "seasoned.toml").write_text("[similarity]\nmin_score = 0.9\n")
    before = health(home)["answered"]
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


# -- its life --------------------------------------------------------------------------------------------------------
def test_start_status_stop(place: Place, tmp_path: Path) -> None:
    nobody = run(tmp_path, "--home", place.data_dir, "service", "status", variables=ON)
    assert nobody.stdout.startswith("No service runs")
    pid = started(tmp_path)["pid"]
    assert pid == holder(place)
    assert {path.name for path in place.run.iterdir()} >= {"address", "start", "python", "service.lock", "service.sock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.run.iterdir()} == {0o600}
    assert stat.S_IMODE(place.run.stat().st_mode) == stat.S_IMODE(place.data_dir.stat().st_mode) == 0o700
    again = run(tmp_path, "--home", place.data_dir, "service", "start", variables=ON)
    assert again.stdout.startswith("It runs already.")
    assert run(tmp_path, "--home", place.data_dir, "service", "stop", variables=ON).stdout == "Stopped.\n"
    assert holder(place) is None
    assert not place.address.exists()
    assert not (place.run / "service.sock").exists()
    assert run(tmp_path, "--home", place.data_dir, "service", "stop", variables=ON).stdout == "It did not run.\n"
    assert place.started_log.read_text() == ""


def test_of_many_starts_at_once_one_lives(place: Place, tmp_path: Path) -> None:
    command = [*PROGRAM, "--home", str(place.data_dir), "service", "run", "--json"]
    running = [
        subprocess.Popen(command, env=environment(tmp_path, **ON), cwd=tmp_path, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for _ in until("three have ended"):
        if sum(each.poll() is not None for each in running) == 3:
            break
    (alive,) = [each for each in running if each.poll() is None]
    for _ in until("it listens"):
        if place.address.exists():
            break
    assert json.loads(ask(place, "/health", method="GET").body)["pid"] == alive.pid == holder(place)
    assert [json.loads(each.communicate()[0])["ran"] for each in running if each is not alive] == [False] * 3
    alive.send_signal(signal.SIGTERM)
    assert json.loads(alive.communicate(timeout=30)[0])["ran"] is True
    assert alive.returncode == 0
    assert not place.address.exists()


def test_a_killed_one_leaves_nothing_in_the_way(place: Place, tmp_path: Path) -> None:
    first = started(tmp_path)["pid"]
    os.kill(first, signal.SIGKILL)
    for _ in until("it is dead"):
        if holder(place) is None:
            break
    assert place.address.exists()  # stale, as its socket
    assert served(tmp_path, "similar", "--json", TASK)["matches"] == []
    assert ask_hook(tmp_path, prompt("s", TASK)).stdout == b""
    place.asked.unlink(missing_ok=True)
    assert started(tmp_path)["pid"] != first


def test_a_hook_starts_it_for_the_next_time_and_not_again_and_again(place: Place, tmp_path: Path) -> None:
    started(tmp_path)  # says how it is started
    run(tmp_path, "--home", place.data_dir, "service", "stop", variables=ON)
    asked = int(time.time()) - 1  # a moment ago
    os.utime(place.asked, (asked, asked))
    assert ask_hook(tmp_path, prompt("s", TASK)).stdout == b""
    assert place.asked.stat().st_mtime == asked
    place.asked.unlink()
    assert ask_hook(tmp_path, prompt("s", TASK)).stdout == b""
    for _ in until("the service runs"):
        if holder(place) is not None:
            break
    (place.run / "silent").touch()
    place.asked.unlink()
    run(tmp_path, "--home", place.data_dir, "service", "stop", variables=ON)
    ask_hook(tmp_path, prompt("s", TASK))
    assert not place.asked.exists()


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


def test_an_answer_that_is_not_whole_is_none(tmp_path: Path) -> None:
    """Whoever listens: what is printed is all of an answer, or nothing."""
    place = Place(data_dir=tmp_path / "data")
    held = hold(place)
    assert held is not None
    listener, _ = listening(place, {})
    payload = tmp_path / "payload"
    payload.write_bytes(b"{}")
    for said in (
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\noops",
        b"HTTP/1.1 200 OK\r\n\r\nno length",
        b"",
        b"\xff" * 70_000,
    ):
        asking = subprocess.Popen(
            ["python3", "-I", "-S", str(ASK), str(payload), str(place.data_dir), "codex"],
            env=environment(tmp_path, SEASONED_HOOK_BUDGET_MS="10000"),
            stdout=subprocess.PIPE,
        )
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(said)
        assert (asking.communicate(timeout=30)[0], asking.returncode) == (b"", 0), said[:40]
    listener.close()
    held.release()


def test_it_ends_when_nobody_needs_it(place: Place, tmp_path: Path) -> None:
    done = run(tmp_path, "--home", place.data_dir, "service", "start", variables=ON, SEASONED_SERVICE__IDLE_S="0.5")
    assert done.returncode == 0, done.stderr
    for _ in until("it has ended by itself"):
        if holder(place) is None:
            break
    assert "Nobody needed it" in place.log.read_text()
    assert not place.address.exists()
    inbox = place.data_dir / "inbox"
    inbox.mkdir(mode=0o700, exist_ok=True)
    (inbox / "claude_code.1.0").write_bytes(prompt("open", "An open session"))
    ahead = time.time() + 50  # within a minute: what is further ahead is of a clock that was wrong
    os.utime(inbox / "claude_code.1.0", (ahead, ahead))
    started(tmp_path, SEASONED_SERVICE__IDLE_S="0.5")
    later = time.monotonic() + 3
    for _ in until("three seconds are over"):
        assert holder(place) is not None, place.log.read_text()
        if time.monotonic() > later:
            break


def test_switched_off_nothing_is_started(place: Place, tmp_path: Path) -> None:
    alone(tmp_path, "similar", "--json", TASK)
    ask_hook(tmp_path, prompt("s", TASK), {"SEASONED_SERVICE": "off"})
    assert not place.run.exists()
    refused = run(tmp_path, "--home", place.data_dir, "service", "start")
    assert (refused.returncode, "is off" in refused.stderr) == (2, True)
    served(tmp_path, "similar", "--json", TASK)
    for _ in until("the command has started it"):
        if holder(place) is not None:
            break


def test_it_has_no_settings_of_one_command(place: Place, tmp_path: Path) -> None:
    for option in (("--namespace", "other"), ("--database-url", "sqlite:///x.db"), ("--as-agent", "bob")):
        refused = run(tmp_path, "--home", place.data_dir, *option, "service", "start", variables=ON)
        assert (refused.returncode, "only --home counts" in refused.stderr) == (2, True)
    assert not place.data_dir.exists()


# -- where it listens ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["run", "data"])
def test_a_folder_that_others_can_write_is_refused(place: Place, tmp_path: Path, what: str) -> None:
    place.run.mkdir(parents=True)
    (place.run if what == "run" else place.data_dir).chmod(0o777)
    refused = run(tmp_path, "--home", place.data_dir, "service", "run", variables=ON)
    assert refused.returncode == 13
    assert "can write to" in refused.stderr
    assert run(tmp_path, "--home", place.data_dir, "similar", TASK, variables=ON).returncode == 0


def test_a_path_that_is_no_text(tmp_path: Path) -> None:
    home = Path(os.fsdecode(bytes(tmp_path) + b"/gr\xf6\xdfe"))
    home.mkdir()
    with resident(home) as place:
        assert started(home)["data_dir"] == f"{tmp_path}/gr??e/data"
        assert ask_hook(home, prompt("s", TASK)).stdout == b""
        assert health(home)["answered"] == 1
        assert "gr\\udcf6" in place.log.read_text()
        assert run(home, "--home", place.data_dir, "service", "status", "--json", variables=ON).returncode == 0
        assert run(home, "--home", place.data_dir, "service", "stop", variables=ON).returncode == 0


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    home.mkdir()
    runtime = tmp_path / "r"
    runtime.mkdir(mode=0o700)
    variables = {**ON, "XDG_RUNTIME_DIR": str(runtime)}
    with resident(home) as place:
        started(home, **variables)
        address = Path(os.fsdecode(place.address.read_bytes()))
        assert not address.is_relative_to(home)
        assert len(os.fsencode(address)) <= 100
        assert stat.S_IMODE(address.parent.stat().st_mode) == 0o700
        assert run(home, "--home", place.data_dir, "service", "stop", variables=variables).returncode == 0
        assert not address.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_other_users_are_refused_even_where_they_reach_the_socket(tmp_path: Path) -> None:
    place = Place(data_dir=tmp_path / "data")
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
        "s.connect(sys.argv[1]); print(len(s.recv(999)))"  # nothing is asked: a refusal is the end of it at once
    )
    with resident(tmp_path):
        started(tmp_path)
        for folder in (place.run, *place.run.parents):
            if folder.stat().st_mode & 0o001 == 0:
                folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
        socket = place.run / "service.sock"
        socket.chmod(0o666)
        done = subprocess.run(
            ["/usr/bin/env", "python3", "-I", "-c", program, str(socket)], capture_output=True, check=False, timeout=30
        )
        assert done.stdout == b"0\n", done.stderr
        assert "User 65534 was refused." in place.log.read_text()
        assert health(tmp_path)["ready"]
