"""The plugin packages in the real clients: their own validators, an installed session offline, and the approval.

A client that is not installed (`make agents`) skips its part and says so.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from command import environment, run

from clients import CLIENTS, ClaudeCode, Client, Codex, Gemini, ModelServer, Ran, Script, Turn, model_server, need

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
PROMPT = "Say hello in the shell"
KIND = type[Client]
WITH_PLUGINS = ("--enable", "plugins")
"""Codex is settled without, as it would ask the network for catalogues; they are on for users."""
SKILLS = (
    "capture-task-execution",
    "check-similar-tasks",
    "log-code-quality",
    "record-failure-pattern",
    "record-success-pattern",
)


Start = Callable[[KIND], tuple[Client, ModelServer]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a client with a model that says hello in its shell; no service answers its hooks."""
    servers: list[ModelServer] = []
    with ExitStack() as running:

        def started(kind: KIND) -> tuple[Client, ModelServer]:
            need(kind)

            def hello(_: str) -> Turn:
                return Turn(calls=(client.shell("echo hello"),))

            turns = [hello, Turn(text="Done."), Turn(text="It is approved.")]
            server = running.enter_context(model_server(Script(prompt=PROMPT, turns=turns)))
            servers.append(server)
            client = kind(tmp_path / "home", tmp_path / "project", server.url)
            (data(client) / "run").mkdir(parents=True, mode=0o700)
            (data(client) / "run" / "silent").touch()
            return client, server

        yield started
        for server in servers:
            assert server.refused == []


def done(client: Client, *arguments: str) -> str:
    """One of the client's own commands, which must succeed; what it printed."""
    result, _ = client.start(arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def installed(client: Client) -> list[str]:
    """Install the plugin as the documentation says; further options of a session."""
    match client:
        case ClaudeCode():
            done(client, "plugin", "marketplace", "add", str(ROOT))
            done(client, "plugin", "install", "seasoned@seasoned")
            return []
        case Codex():
            done(client, "plugin", "marketplace", "add", *WITH_PLUGINS, str(ROOT))
            done(client, "plugin", "add", *WITH_PLUGINS, "seasoned@seasoned")
            return ["--dangerously-bypass-hook-trust", *WITH_PLUGINS]
        case _:
            done(client, "extensions", "install", "--consent", "--skip-settings", str(PLUGINS / "gemini"))
            return []


def data(client: Client) -> Path:
    return client.home / ".local" / "share" / "seasoned"


def seasoned(client: Client, *arguments: str) -> Any:
    result = run(client.home, "--home", str(data(client)), *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_claude_code_s_validator_accepts_both(start: Start) -> None:
    client, _ = start(ClaudeCode)
    for path in (ROOT, PLUGINS / "claude-code"):
        assert "Validation passed" in done(client, "plugin", "validate", "--strict", str(path))


def test_gemini_s_validator_accepts_it(start: Start) -> None:
    client, _ = start(Gemini)
    assert "successfully validated" in done(client, "extensions", "validate", str(PLUGINS / "gemini"))


def test_codex_lists_it(start: Start) -> None:
    client, _ = start(Codex)
    installed(client)
    listed = done(client, "plugin", "list", *WITH_PLUGINS)
    assert re.search(r"seasoned@seasoned +installed, enabled", listed)


def test_claude_code_counts_all_its_parts(start: Start) -> None:
    client, _ = start(ClaudeCode)
    installed(client)
    details = done(client, "plugin", "details", "seasoned")
    assert "Skills (6)" in details
    assert "MCP servers (1)  seasoned" in details
    hooks = json.loads((PLUGINS / "claude-code" / "hooks" / "hooks.json").read_text(encoding="utf-8"))["hooks"]
    for event in hooks:
        assert event in details


@pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.name)
def test_a_session_tells_its_hooks_and_sees_its_skills(kind: KIND, start: Start) -> None:
    client, server = start(kind)
    ran = client.run(PROMPT, options=installed(client))
    assert ran.exit_code == 0, ran.stderr
    recorded_by_hooks(client, ran)
    first = server.bodies(PROMPT)[0]
    assert [name for name in SKILLS if name not in first] == []
    assert not re.search(r"seasoned:learn|skills/learn", first), "the model may not approve its own work"


def test_claude_code_connects_to_its_mcp_server(start: Start) -> None:
    client, _ = start(ClaudeCode)
    installed(client)
    assert re.search(r"plugin:seasoned:seasoned: seasoned mcp - \S+ Connected", done(client, "mcp", "list"))


def test_claude_code_takes_it_from_a_folder(start: Start) -> None:
    client, _ = start(ClaudeCode)
    ran = client.run(PROMPT, options=["--plugin-dir", str(PLUGINS / "claude-code")])
    (begun,) = [line for line in messages(ran) if line.get("subtype") == "init"]
    assert [each["name"] for each in begun["mcp_servers"]] == ["plugin:seasoned:seasoned"]
    assert "seasoned:learn" in begun["slash_commands"]
    recorded_by_hooks(client, ran)


def messages(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("kind", [ClaudeCode, Gemini], ids=lambda kind: kind.name)
def test_learn_approves_the_work_before_it(kind: KIND, start: Start) -> None:
    client, server = start(kind)
    options = installed(client)
    ran = client.run(PROMPT, options=options)
    seasoned(client, "import", str(ran.transcript), "--json")
    if kind is ClaudeCode:
        client.run("/seasoned:learn", resume=ran.session_id)
    else:
        done(client, "--yolo", "--resume", "latest", "-p", "/learn")
    assert re.search(r"Approved: [0-9a-f]{8}  Say hello in the shell", server.bodies(PROMPT)[-1])
    approved = work(client)
    assert (approved["status"], approved["user_acceptance"]) == ("success", True)
    assert approved["outcome_evidence"][-1]["kind"] == "approved"
    # The same conversation, with the command in it; Gemini may go on in a second file.
    seasoned(client, "import", str(ran.transcript.parent), "--json")
    read_again = work(client)
    assert read_again["status"] == "success"
    assert [each["kind"] for each in read_again["outcome_evidence"]] == ["user_accepted", "approved"]
    assert len(read_again["follow_ups"]) == 1


@pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.name)
def test_beside_the_entries_of_init_nothing_is_recorded_twice(kind: KIND, start: Start) -> None:
    client, _ = start(kind)
    options = installed(client)
    written = run(client.home, "--home", str(data(client)), "init", "--yes", "--agent", kind.name)
    assert written.returncode == 0, written.stderr
    assert "has Seasoned as a plugin as well" in written.stdout
    client.trust()
    ran = client.run(PROMPT, options=options)
    assert ran.exit_code == 0, ran.stderr
    told = [json.loads(path.read_bytes())["hook_event_name"] for path in (data(client) / "inbox").iterdir()]
    assert told.count("UserPromptSubmit" if "UserPromptSubmit" in told else "BeforeAgent") == 2
    recorded_by_hooks(client, ran)


def recorded_by_hooks(client: Client, ran: Ran) -> None:
    """No transcript was imported: what is known of the session, its hooks have told."""
    trace = work(client)
    assert (trace["session_id"], trace["source"]) == (ran.session_id, client.name)
    shown = seasoned(client, "traces", "show", trace["execution_id"], "--json")
    calls = [span for span in shown["spans"] if span["kind"] == "tool"]
    assert [(span["outcome"], "echo hello" in json.dumps(span["arguments"])) for span in calls] == [("success", True)]
    assert trace["completed_at"] is not None
    assert not (data(client) / "hooks.log").exists()


def work(client: Client) -> dict[str, Any]:
    """The execution of the prompt, as it is recorded by now; hooks and transcript make one of it."""
    traces = seasoned(client, "traces", "list", "--json")["traces"]
    (trace,) = [each for each in traces if each["prompt"] == PROMPT]
    return trace


def test_codex_is_told_what_to_run_when_the_user_calls_learn(start: Start) -> None:
    client, server = start(Codex)
    options = installed(client)
    ran = client.run(PROMPT, options=options)
    client.run("$seasoned:learn", resume=ran.session_id, options=options)
    assert "seasoned learn --approve last" in server.bodies(PROMPT)[-1]


def example(command: str) -> str:
    text = (PLUGINS / "claude-code" / "skills" / command / "SKILL.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return found


def test_the_example_of_every_skill_runs(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "src" / "upload.py").write_text("def upload(path: str) -> str:\n    return path\n", encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    def answer(command: str, **ids: str) -> dict[str, Any]:
        script = example(command)
        for option, value in ids.items():
            script, replaced = re.subn(
                rf"--{option.replace('_', '-')} [0-9a-f-]{{36}}", f"--{option.replace('_', '-')} {value}", script
            )
            assert replaced == 1
        result = subprocess.run(
            ["sh", "-c", script],
            cwd=project,
            env=environment(home, PATH=path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{command}: {result.stderr}"
        return json.loads(result.stdout)

    captured = answer("capture-task-execution")
    task, execution = captured["fingerprint_id"], captured["path_id"]
    assert answer("check-similar-tasks")["query_fingerprint"]["fingerprint_id"] == task
    assert answer("log-code-quality", path_id=execution)["content_hash"] is not None
    assert answer("record-failure-pattern", fingerprint_id=task)["occurrence_count"] == 1
    assert answer("record-success-pattern", fingerprint_id=task, path_id=execution)["success"] is True


def test_the_command_behind_it_answers_in_json_and_names_what_is_not_there(tmp_path: Path) -> None:
    recorded = run(
        tmp_path, "capture-task-execution", "--prompt", PROMPT, "--task-type", "auto", "--domain", "auto",
        "--agent", "coder", "--success", "false", "--auto-detect",
    )  # fmt: skip
    execution = json.loads(recorded.stdout)["path_id"]
    answer = json.loads(run(tmp_path, "learn", "--approve", execution, "--json").stdout)
    assert (answer["approved"]["execution_id"], answer["approved"]["status"]) == (execution, "success")
    assert answer["learned"]["executions"] == 1
    refused = run(tmp_path, "learn", "--approve", "session:none", "--json")
    assert (refused.returncode, json.loads(refused.stderr)["error"]["code"]) == (4, "NotFoundError")
