"""The real agent clients run whole sessions offline, and what `tests/clients/README.md` says of their hooks is so.

Other tests rest on these facts: which events come in which order with which fields, what tells a failure, and where a
hook's text arrives. A new version of a client that changes one of them fails here, by name.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clients import (
    CLIENTS,
    ClaudeCode,
    Client,
    Codex,
    Gemini,
    ModelServer,
    RecordingHook,
    Script,
    Turn,
    model_server,
    need,
)

pytestmark = pytest.mark.slow

PROMPT = "Write the greeting and say it."
PART = "Count the files of this project."
LAST = "It says: good evening."


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A client, the model behind it and a hook on all of its events."""

    client: Client
    model: ModelServer
    hook: RecordingHook

    def learn_the_task(self) -> None:
        """Seven answers: a file made, a command that fails (no such file), the one that works, an edit, two at once."""
        made = self.client.write("greet.sh", "echo good morning\n")
        changed = self.client.edit("greet.sh", "echo good morning", "echo good evening")
        greet, count = self.client.shell("sh greet.sh"), self.client.shell("ls | wc -l")
        turns = [
            Turn(text="First the file.", calls=(made,)),
            Turn(calls=(self.client.shell("sh great.sh"),)),
            Turn(text="A typing error.", calls=(greet,)),
            Turn(calls=(changed,)),
            Turn(calls=(greet, count)),
            Turn(text=LAST),
        ]
        self.model.learn(Script(prompt=PROMPT, turns=turns))

    def events(self) -> list[str]:
        return [fired.event for fired in self.hook.fired()]

    def payloads(self, event: str) -> list[Any]:
        return [fired.payload for fired in self.hook.fired() if fired.event == event]


def prepared(kind: type[Client], folder: Path) -> Iterator[Scene]:
    need(kind)
    with model_server() as model:
        client = kind(folder / "home", folder / "project", model.url)
        hook = RecordingHook(folder / "hook")
        client.hook(dict.fromkeys(client.events, hook.command))
        yield Scene(client=client, model=model, hook=hook)
        assert model.refused == []
        assert model.other == []


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.name)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """Each client in turn. At the end each request has had its answer, and none went elsewhere."""
    yield from prepared(request.param, tmp_path)


@pytest.fixture
def claude(tmp_path: Path) -> Iterator[Scene]:
    yield from prepared(ClaudeCode, tmp_path)


@pytest.fixture
def codex(tmp_path: Path) -> Iterator[Scene]:
    yield from prepared(Codex, tmp_path)


@pytest.fixture
def gemini(tmp_path: Path) -> Iterator[Scene]:
    yield from prepared(Gemini, tmp_path)


def test_a_session_runs_to_its_end(scene: Scene) -> None:
    scene.learn_the_task()
    ran = scene.client.run(PROMPT)

    assert ran.exit_code == 0, ran.stderr
    assert LAST in ran.stdout
    assert LAST in ran.transcript.read_text()
    assert (scene.client.project / "greet.sh").read_text() == "echo good evening\n"
    bodies = scene.model.bodies(PROMPT)
    assert len(bodies) == 6
    assert ["great.sh: " in body.replace("'", "") for body in bodies] == [False, False, True, True, True, True]
    assert bodies[5].count("good evening") > bodies[4].count("good evening") > bodies[2].count("good evening")
    known = {"session_id": ran.session_id, "transcript_path": str(ran.transcript), "cwd": str(scene.client.project)}
    assert scene.hook.fired()
    assert all(known.items() <= fired.payload.items() for fired in scene.hook.fired())


def test_a_session_goes_on(scene: Scene) -> None:
    scene.model.learn(
        Script(prompt=PROMPT, turns=[Turn(text="Morning.")]), Script(prompt=PART, turns=[Turn(text=LAST)])
    )
    first = scene.client.run(PROMPT)
    again = scene.client.run(PART, resume=first.session_id)

    assert (again.session_id, again.transcript) == (first.session_id, first.transcript)
    assert [each["source"] for each in scene.payloads("SessionStart")] == ["startup", "resume"]
    assert "Morning." in scene.model.bodies(PART)[0]


def test_what_no_script_answers_is_refused(scene: Scene) -> None:
    ran = scene.client.run("Nobody wrote a script for this.")
    refused = len(scene.model.refused)
    scene.model.refused.clear()

    assert refused > 0
    assert ran.exit_code != 0


def test_events_of_claude_code(claude: Scene) -> None:
    claude.learn_the_task()
    claude.client.run(PROMPT)

    good, bad, batch = ["PreToolUse", "PostToolUse"], ["PreToolUse", "PostToolUseFailure"], ["PostToolBatch"]
    tools = good + batch + bad + batch + good + batch + good + batch
    assert claude.events()[:-6] == ["SessionStart", "UserPromptSubmit", *tools, "PreToolUse"]
    assert sorted(claude.events()[-6:-3]) == ["PostToolUse", "PostToolUse", "PreToolUse"]
    assert claude.events()[-3:] == ["PostToolBatch", "Stop", "SessionEnd"]
    assert all(fired.raw.endswith(b"}\n") for fired in claude.hook.fired())
    assert claude.payloads("UserPromptSubmit")[0]["prompt"] == PROMPT
    (failed,) = claude.payloads("PostToolUseFailure")
    assert failed["error"].startswith("Exit code ")
    assert "great.sh" in failed["error"]
    assert failed["is_interrupt"] is False
    assert failed["duration_ms"] >= 0
    assert failed["tool_input"]["command"] == "sh great.sh"
    assert failed["tool_use_id"] == claude.payloads("PreToolUse")[1]["tool_use_id"]
    written, greeted, edited = claude.payloads("PostToolUse")[:3]
    assert written["tool_response"]["type"] == "create"
    assert greeted["tool_response"]["stdout"] == "good morning"
    assert edited["tool_response"]["structuredPatch"]
    assert len({each["prompt_id"] for each in claude.payloads("PreToolUse")}) == 1
    assert claude.payloads("Stop")[0]["last_assistant_message"] == LAST


def test_events_of_codex(codex: Scene) -> None:
    codex.learn_the_task()
    codex.client.run(PROMPT)

    assert codex.events()[:-5] == ["SessionStart", "UserPromptSubmit", *["PreToolUse", "PostToolUse"] * 4]
    assert sorted(codex.events()[-5:-1]) == ["PostToolUse"] * 2 + ["PreToolUse"] * 2
    assert codex.events()[-1] == "Stop"
    assert all(fired.raw.endswith(b"}") for fired in codex.hook.fired())
    assert codex.payloads("UserPromptSubmit")[0]["prompt"] == PROMPT
    written, failed, greeted = codex.payloads("PostToolUse")[:3]
    assert written["tool_name"] == "apply_patch"
    assert written["tool_response"].startswith("Exit code: 0\n")
    assert (failed["tool_name"], failed["tool_input"]) == ("Bash", {"command": "sh great.sh"})
    assert "great.sh" in failed["tool_response"]
    assert greeted["tool_response"] == "good morning\n"
    assert set(failed) == set(greeted)  # nothing in the payload tells the failure
    assert len({each["turn_id"] for each in codex.payloads("PreToolUse")}) == 1
    assert codex.payloads("Stop")[0]["last_assistant_message"] == LAST


def test_codex_has_written_how_a_command_ended_when_the_hook_runs(codex: Scene) -> None:
    codex.learn_the_task()
    codex.client.run(PROMPT)

    ended: list[tuple[bool, str]] = []
    for fired in codex.hook.fired():
        if fired.event == "PostToolUse" and fired.payload["tool_name"] == "Bash":
            items: list[Any] = [json.loads(line)["payload"].get("item") for line in fired.transcript.splitlines()]
            (item,) = [each for each in items if each and each["id"] == fired.payload["tool_use_id"]]
            ended.append((item["exit_code"] != 0, item["status"]))
    assert ended == [(True, "failed"), (False, "completed"), (False, "completed"), (False, "completed")]


def test_events_of_gemini(gemini: Scene) -> None:
    gemini.learn_the_task()
    gemini.client.run(PROMPT)

    events = [event for event in gemini.events() if event != "PreCompress"]
    assert events[:-6] == ["SessionStart", "BeforeAgent", *["BeforeTool", "AfterTool"] * 4]
    assert sorted(events[-6:-2]) == ["AfterTool"] * 2 + ["BeforeTool"] * 2
    assert events[-2:] == ["AfterAgent", "SessionEnd"]
    assert gemini.events().count("PreCompress") == len(gemini.model.bodies(PROMPT))  # before each, not only to compress
    assert all(fired.raw.endswith(b"}") for fired in gemini.hook.fired())
    assert gemini.payloads("BeforeAgent")[0]["prompt"] == PROMPT
    failed, greeted = (each["tool_response"] for each in gemini.payloads("AfterTool")[1:3])
    assert "\nExit Code: " in failed["llmContent"]
    assert "great.sh" in failed["returnDisplay"]
    assert "error" not in failed
    assert "Exit Code" not in greeted["llmContent"]
    assert greeted["returnDisplay"] == "good morning"
    assert not any("tool_use_id" in fired.payload for fired in gemini.hook.fired())
    assert LAST in gemini.payloads("AfterAgent")[0]["prompt_response"]


MOMENTS: dict[type[Client], dict[str, int]] = {
    ClaudeCode: {"SessionStart": 0, "UserPromptSubmit": 0, "PreToolUse": 1, "PostToolUse": 1, "PostToolUseFailure": 2},
    Codex: {"SessionStart": 0, "UserPromptSubmit": 0, "PreToolUse": 1, "PostToolUse": 1},
    Gemini: {"SessionStart": 0, "BeforeAgent": 0, "AfterTool": 1},
}
"""Events that take text for the model, and the first request that must hold it."""


def test_what_a_hook_adds_reaches_the_next_request(scene: Scene) -> None:
    scene.learn_the_task()
    moments = MOMENTS[type(scene.client)]
    for event in moments:
        scene.hook.answer(event, f"[advice at {event}]")
    scene.client.run(PROMPT)

    bodies = scene.model.bodies(PROMPT)
    for event, first in moments.items():
        held = [f"[advice at {event}]" in body for body in bodies]
        assert held == [False] * first + [True] * (len(bodies) - first), event


def test_tags_that_a_hook_adds_are_escaped_by_gemini_alone(scene: Scene) -> None:
    scene.model.learn(Script(prompt=PROMPT, turns=[Turn(text=LAST)]))
    scene.hook.answer("BeforeAgent" if isinstance(scene.client, Gemini) else "UserPromptSubmit", "<known>it</known>")
    scene.client.run(PROMPT)

    (body,) = scene.model.bodies(PROMPT)
    inside = "&lt;known&gt;it&lt;/known&gt;" if isinstance(scene.client, Gemini) else "<known>it</known>"
    assert inside in body


@pytest.mark.parametrize(
    ("kind", "whole"), [(ClaudeCode, "é" * 10_000), (Codex, "é" * 5_000)], ids=["characters", "bytes"]
)
def test_what_a_hook_adds_comes_whole_up_to_ten_thousand(kind: type[Client], whole: str, tmp_path: Path) -> None:
    for scene in prepared(kind, tmp_path):
        scene.learn_the_task()
        scene.hook.answer("UserPromptSubmit", whole)
        scene.hook.answer("PostToolUse", f"{whole}e")
        scene.client.run(PROMPT)

        first, *later = [json.dumps(json.loads(body), ensure_ascii=False) for body in scene.model.bodies(PROMPT)]
        assert whole in first
        assert len(later) == 5
        assert not any(f"{whole}e" in body for body in later)


def test_a_sub_agent_of_claude_code_has_its_own_script(claude: Scene) -> None:
    assert isinstance(claude.client, ClaudeCode)
    started = Turn(calls=(claude.client.agent(PART, in_background=False),))
    counted = [Turn(calls=(claude.client.shell("ls | wc -l"),)), Turn(text="There is none.")]
    claude.model.learn(Script(prompt=PROMPT, turns=[started, Turn(text=LAST)]), Script(prompt=PART, turns=counted))
    ran = claude.client.run(PROMPT)

    assert LAST in ran.stdout
    (inner,) = [each for each in claude.payloads("PostToolUse") if each["tool_name"] == "Bash"]
    (outer,) = [each for each in claude.payloads("PostToolUse") if each["tool_name"] == "Agent"]
    (stopped,) = claude.payloads("SubagentStop")
    assert inner["agent_id"] == stopped["agent_id"] == outer["tool_response"]["agentId"]
    assert (inner["session_id"], inner["transcript_path"]) == (ran.session_id, str(ran.transcript))
    assert inner["prompt_id"] == outer["prompt_id"]
    assert "agent_id" not in outer
    assert "There is none." in Path(stopped["agent_transcript_path"]).read_text()


def test_the_end_of_a_background_agent_comes_as_a_prompt(claude: Scene) -> None:
    assert isinstance(claude.client, ClaudeCode)
    claude.client.hook({"Stop": "touch stopped"})
    waited = Turn(calls=(claude.client.shell("until [ -e stopped ]; do sleep 0.05; done"),))
    started = Turn(calls=(claude.client.agent(PART, in_background=True),))
    claude.model.learn(
        Script(prompt=PROMPT, turns=[started, Turn(text="It counts."), Turn(text=LAST)]),
        Script(prompt=PART, turns=[waited, Turn(text="There is none.")]),
    )
    claude.client.run(PROMPT)

    (outer,) = [each for each in claude.payloads("PostToolUse") if each["tool_name"] == "Agent"]
    assert outer["tool_response"]["status"] == "async_launched"
    first, second = claude.payloads("UserPromptSubmit")
    assert first["prompt"] == PROMPT
    assert second["prompt"].startswith("<task-notification>\n")
    assert second["prompt_id"] != first["prompt_id"]


def test_hooks_of_codex_are_silent_until_they_are_trusted(codex: Scene) -> None:
    assert isinstance(codex.client, Codex)
    codex.model.learn(Script(prompt=PROMPT, turns=[Turn(text=LAST)]))
    path = codex.client.home / ".codex" / "hooks.json"
    path.write_text(path.read_text().replace("record_hook.py", "../clients/record_hook.py"))

    assert {each["trustStatus"] for each in codex.client.listed()} == {"modified"}
    ran = codex.client.run(PROMPT)
    assert (ran.exit_code, codex.events()) == (0, [])
    codex.client.trust()
    codex.client.run(PROMPT)
    assert codex.events() == ["SessionStart", "UserPromptSubmit", "Stop"]
