"""What a hook was told, as a moment, and advice in the agent's own format. Payloads are the clients' own where they can be."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.capture.hooks import (
    SOURCES,
    HookEvent,
    HookSession,
    at_work,
    event_of_payload,
    hook_output,
    moment_of,
    read_hooks,
)
from seasoned.capture.hooks.output import LIMIT

DATA = Path(__file__).parents[1] / "data" / "agent-hooks"
START = datetime(2026, 11, 21, 14, tzinfo=UTC)
FOLDERS = {"claude_code": "claude_code_2_1_330", "codex": "codex_0_169", "gemini": "gemini_0_61"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def payloads(source: str, folder: str | None = None) -> list[dict[str, Any]]:
    text = (DATA / f"session_{folder or FOLDERS[source]}" / "hooks.jsonl").read_text("utf-8")
    return [json.loads(line)["payload"] for line in text.splitlines()]


def claude(name: str, **more: object) -> dict[str, Any]:
    return {"session_id": "s-1", "hook_event_name": name, "cwd": "/p", "prompt_id": "p-1", **more}


def bash(name: str, **more: object) -> dict[str, Any]:
    call = {"tool_name": "Bash", "tool_input": {"command": "make test"}, "tool_use_id": "toolu_1"}
    return claude(name, **{**call, **more})


def codex(command: str, response: object) -> dict[str, Any]:
    call = {"tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": "c", "tool_response": response}
    return {"session_id": "s", "hook_event_name": "PostToolUse", "turn_id": "t", **call}


def gemini(response: object, tool: str = "run_shell_command") -> dict[str, Any]:
    call = {"tool_name": tool, "tool_input": {"command": "make"}, "tool_response": response}
    return {"session_id": "s", "hook_event_name": "AfterTool", "timestamp": "2026-11-21T14:54:37.480Z", **call}


def read(
    source: str,
    told: list[dict[str, Any]],
    *,
    first: int = 0,
    state: dict[str, object] | None = None,
    idle: bool = False,
) -> HookSession:
    """The reading of these payloads, one a second; the first one is the ``first``-th."""
    events = [
        event
        for place, payload in enumerate(told, first)
        if (event := event_of_payload(source, payload, at=START + timedelta(seconds=place), place=f"{place:03}"))
    ]
    now = START + timedelta(hours=1 if idle else 0, seconds=first + len(told))
    return read_hooks(source, "default", events[0].session_id, events, state or {}, now=now)


# -- moments -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("source", SOURCES)
def test_a_real_session_has_its_moments(source: str) -> None:
    """One prompt, a call before each tool, and the one command that failed."""
    moments = [moment for payload in payloads(source) if (moment := moment_of(source, payload)) is not None]
    prompts = [moment for moment in moments if moment.name == "prompt"]
    failures = [moment for moment in moments if moment.name == "after_failure"]
    before = [moment for moment in moments if moment.name == "before_tool"]
    assert [moment.prompt for moment in prompts] == [
        "Write total.py, which adds the numbers of its arguments, and run it."
    ]
    assert [moment.command for moment in failures if moment.name == "after_failure"] == ["pyton total.py 1 2 3"]
    assert "pyton: command not found" in (failures[0].error or "")
    assert len(before) == {"claude_code": 8, "codex": 6, "gemini": 6}[source]
    assert {moment.sub_agent for moment in before} == ({True, False} if source == "claude_code" else {False})
    assert all(moment.native_id for moment in moments) == (source != "gemini")
    assert {moment.session_id for moment in moments} == {payloads(source)[0]["session_id"]}


def test_a_notice_of_a_background_task_is_no_prompt() -> None:
    told = payloads("claude_code", "claude_code_2_1_330_background")
    notices = [payload for payload in told if str(payload.get("prompt")).startswith("<task-notification>")]
    assert len(notices) == 1
    assert [moment_of("claude_code", payload) for payload in notices] == [None]


@pytest.mark.parametrize(
    "more",
    [
        {"error": "Exit code 1\nno", "is_interrupt": True},
        {"error": "[Request interrupted by user for tool use]"},
        {"error": "The user doesn't want to proceed with this tool use. The tool use was rejected"},
        {"error": "Permission to use Bash has been denied because of a rule"},
        {"error": ""},
        {"error": ["no text"]},
        {},
    ],
)
def test_what_the_user_stopped_is_no_failure(more: dict[str, object]) -> None:
    assert moment_of("claude_code", bash("PostToolUseFailure", **more)) is None


def test_a_failure_is_told_with_its_error() -> None:
    moment = moment_of("claude_code", bash("PostToolUseFailure", error="Exit code 2\nmake: *** no rule", agent_id="a1"))
    assert moment is not None
    assert (moment.name, moment.tool, moment.command, moment.native_id) == (
        "after_failure",
        "Bash",
        "make test",
        "toolu_1",
    )
    assert (moment.error, moment.sub_agent) == ("Exit code 2\nmake: *** no rule", True)


@pytest.mark.parametrize(
    ("command", "response", "error"),
    [
        ("pyton x", "/bin/bash: line 1: pyton: command not found\n", "/bin/bash: line 1: pyton: command not found"),
        ("pyton x", "sh: 1: pyton: not found\n", "sh: 1: pyton: not found"),
        ("make", "Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code 2\nOutput:\nno rule\n", "no rule\n"),
        ("make", {"output": "no rule", "exit_code": 2}, "no rule"),
        ("make", {"output": "fine", "exit_code": 0}, None),
        ("make", "Wall time: 0.1 seconds\nProcess exited with code 0\nOutput:\nfine", None),
        ("pyton x || true", "/bin/bash: line 1: pyton: command not found\n", None),
        ("pyton x; date", "/bin/bash: line 1: pyton: command not found\n", None),
        ("$(pyton x)", "/bin/bash: line 1: pyton: command not found\n", None),
        ("cat log", "/bin/bash: line 1: pyton: command not found\nand more\n", None),
        ("cat log", "my log\nProcess exited with code 2\nOutput:\nno rule\n", None),
        ("make", "error: it failed\n", None),
        ("make", "", None),
        ("make", None, None),
    ],
)
def test_codex_failures_are_told_only_when_they_are_proven(command: str, response: object, error: str | None) -> None:
    moment = moment_of("codex", codex(command, response))
    assert (moment.error if moment is not None else None) == error


@pytest.mark.parametrize(
    ("response", "error"),
    [
        ({"llmContent": "Output: no\nExit Code: 2\nProcess Group PGID: 1", "returnDisplay": "no"}, "no"),
        ({"llmContent": "Output: fine\nProcess Group PGID: 1", "returnDisplay": "fine"}, None),
        ({"llmContent": "Output: fine\nExit Code: 0"}, None),
        ({"llmContent": "x", "error": {"message": "file not found", "type": "x"}}, "file not found"),
        ({"llmContent": "x", "error": {"message": "Request cancelled by user"}}, None),
        ("text", None),
        (None, None),
    ],
)
def test_gemini_failures_are_told_by_error_or_exit_code(response: object, error: str | None) -> None:
    moment = moment_of("gemini", gemini(response))
    assert (moment.error if moment is not None else None) == error


def test_an_exit_code_that_a_file_quotes_is_none() -> None:
    assert moment_of("gemini", gemini({"llmContent": "Exit Code: 2"}, tool="read_file")) is None


@given(source=st.sampled_from([*SOURCES, "other"]), payload=st.dictionaries(st.text(), JSON, max_size=4), more=JSON)
def test_no_payload_raises(source: str, payload: dict[str, object], more: object) -> None:
    names = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "BeforeAgent", "AfterTool", "Stop")
    fields = (
        "prompt",
        "tool_input",
        "tool_response",
        "tool_use_id",
        "error",
        "turn_id",
        "prompt_id",
        "cwd",
        "agent_id",
    )
    told = [{**payload, "hook_event_name": name, "session_id": "s", **dict.fromkeys(fields, more)} for name in names]
    for each in [payload, *told]:
        moment_of(source, each)
    if source in SOURCES:
        read(source, told)
        read(source, told, idle=True)


# -- output --------------------------------------------------------------------------------------------------------
def test_each_agent_is_told_in_its_format() -> None:
    for source, event in (("claude_code", "UserPromptSubmit"), ("codex", "PostToolUse"), ("gemini", "BeforeAgent")):
        told = json.loads(hook_output(source, event, "Use python3 «here»"))
        assert told == {"hookSpecificOutput": {"hookEventName": event, "additionalContext": "Use python3 «here»"}}


@pytest.mark.parametrize(
    ("source", "event"),
    [("claude_code", "SessionEnd"), ("gemini", "BeforeTool"), ("codex", "Stop"), ("other", "UserPromptSubmit")],
)
def test_an_event_that_takes_no_text_gets_none(source: str, event: str) -> None:
    assert hook_output(source, event, "words") == b""


def test_nothing_to_say_is_nothing() -> None:
    assert hook_output("claude_code", "UserPromptSubmit", None) == b""
    assert hook_output("claude_code", "UserPromptSubmit", "") == b""


@given(st.text(min_size=1, max_size=40), st.integers(LIMIT - 50, 2 * LIMIT))
def test_a_text_stays_within_the_limit(words: str, length: int) -> None:
    text = (words * length)[:length]
    told = json.loads(hook_output("claude_code", "UserPromptSubmit", text))["hookSpecificOutput"]["additionalContext"]
    assert len(told) <= LIMIT
    if len(text) > LIMIT:
        assert "characters]" in told


# -- reading -------------------------------------------------------------------------------------------------------
def test_a_prompt_without_a_stop_before_it_interrupted_the_one_before() -> None:
    told = [
        claude("UserPromptSubmit", prompt="Write the parser for the dates in the log."),
        bash("PreToolUse"),
        bash("PostToolUse", tool_response={"stdout": "ok", "stderr": ""}),
        claude("UserPromptSubmit", prompt="How does the cache of the server work?", prompt_id="p-2"),
        claude("Stop", prompt_id="p-2"),
    ]
    traces = [item.update.trace for item in read("claude_code", told, idle=True).recordings]
    assert [trace.status for trace in traces] == ["aborted", "unknown"]


def test_an_interrupted_call_is_cancelled_and_a_refused_one_unknown() -> None:
    told = [
        claude("UserPromptSubmit", prompt="Run the tests of the parser."),
        bash("PreToolUse"),
        bash("PostToolUseFailure", error="stopped", is_interrupt=True),
        bash("PreToolUse", tool_use_id="toolu_2"),
        claude("SessionEnd", reason="other"),
    ]
    (recording,) = read("claude_code", told).recordings
    assert [span.outcome for span in recording.update.spans] == ["cancelled", "unknown"]


def test_a_call_of_which_only_the_end_came_is_whole() -> None:
    ended = bash("PostToolUse", tool_response={"stdout": "ok", "stderr": ""})
    told = [claude("UserPromptSubmit", prompt="Run it."), ended, bash("PreToolUse"), claude("SessionEnd")]
    (recording,) = read("claude_code", told).recordings
    assert [(span.outcome, span.result_preview) for span in recording.update.spans] == [("success", "ok")]


def test_work_whose_prompt_was_missed_gets_the_prompts_id() -> None:
    begun = claude("SessionStart", source="startup")
    told = [bash("PostToolUse", tool_response={"stdout": "ok", "stderr": ""}), claude("SessionEnd")]
    whole = [claude("UserPromptSubmit", prompt="Run it."), *told]
    one, other = (read("claude_code", [begun, *each]).recordings[0].update.trace for each in (told, whole))
    assert (one.execution_id, one.prompt, other.prompt) == (other.execution_id, None, "Run it.")


def test_work_whose_prompt_was_missed_keeps_its_id() -> None:
    """Before 2.1.196 no event named the prompt; what stands before the work may be gone when it is read again."""
    begun = claude("SessionStart", source="startup")
    told = [bash("PostToolUse", tool_response={"stdout": "ok", "stderr": ""}), claude("Stop")]
    for each in told:
        del each["prompt_id"]
    first = read("claude_code", [begun, *told])
    assert [event.place for event in first.done] == ["000"]
    again = read("claude_code", told, first=1, state=json.loads(json.dumps(first.state)))
    assert again.recordings[-1].update.trace.execution_id == first.recordings[-1].update.trace.execution_id


def test_finished_executions_go_and_the_open_one_stays() -> None:
    told = [
        claude("UserPromptSubmit", prompt="Write the parser for the dates in the log."),
        claude("Stop"),
        claude("UserPromptSubmit", prompt="How does the cache of the server work?", prompt_id="p-2"),
        claude("Stop", prompt_id="p-2"),
    ]
    reading = read("claude_code", told)
    assert [event.place for event in reading.done] == ["000", "001"]
    again = read("claude_code", told[2:], first=2, state=json.loads(json.dumps(reading.state)))
    assert again.recordings[-1].update.trace == reading.recordings[-1].update.trace


def test_a_sub_agent_that_works_on_keeps_its_events() -> None:
    """Its trace rests on all of them, whatever the main agent does meanwhile."""
    side = {"agent_id": "a1", "agent_type": "Explore"}
    told = [
        claude("UserPromptSubmit", prompt="Write the parser for the dates in the log."),
        bash("PostToolUse", tool_use_id="toolu_2", tool_response={"stdout": "ok"}, **side),
        claude("Stop"),
        claude("UserPromptSubmit", prompt="How does the cache of the server work?", prompt_id="p-2"),
        claude("Stop", prompt_id="p-2"),
    ]
    reading = read("claude_code", told)
    assert [event.place for event in reading.done] == ["000", "002"]
    late = [
        bash("PostToolUse", tool_use_id="toolu_3", tool_response={"stdout": "ok"}, **side),
        claude("SubagentStop", **side),
    ]
    again = read("claude_code", [told[1], *told[3:], *late], first=1, state=reading.state)
    assert [event.place for event in again.done] == ["001"]
    spans = {len(item.update.spans) for item in again.recordings}
    assert spans == {2, 0}


def test_codex_turns_of_a_sub_agent_are_read_by_themselves() -> None:
    prompt = {
        "session_id": "s",
        "hook_event_name": "UserPromptSubmit",
        "turn_id": "t",
        "prompt": "Look at it.",
        "cwd": "/p",
    }
    side = {**codex("ls", "x\n"), "turn_id": "t-2", "tool_use_id": "c-2"}
    stop = {"session_id": "s", "hook_event_name": "Stop", "turn_id": "t"}
    traces = {
        item.update.trace.execution_id: item.update
        for item in read("codex", [prompt, codex("ls", "y\n"), side, stop]).recordings
    }
    assert sorted(len(update.spans) for update in traces.values()) == [1, 1]


def test_unknown_events_are_counted() -> None:
    for source in SOURCES:
        told = {"session_id": "s", "hook_event_name": "Invented", "tool_input": 7}
        reading = read(source, [{"session_id": "s", "hook_event_name": "SessionStart", "source": "startup"}, told])
        assert (reading.report.unknown_records, len(reading.done)) == ({"Invented": 1}, 2)


@pytest.mark.parametrize("session", [None, 7, "", "../../etc", "a b", "x" * 201])
def test_a_payload_that_names_no_session_is_no_event(session: object) -> None:
    told = {"session_id": session, "hook_event_name": "Stop"}
    assert event_of_payload("claude_code", told, at=START) is None


def test_at_work_is_between_a_prompt_and_its_stop() -> None:
    def events(*names: str) -> list[HookEvent]:
        made = (event_of_payload("claude_code", claude(name), at=START, place=str(n)) for n, name in enumerate(names))
        return [event for event in made if event is not None]

    assert not at_work(events("SessionStart"), now=START)
    assert at_work(events("SessionStart", "UserPromptSubmit"), now=START)
    assert not at_work(events("UserPromptSubmit", "PreToolUse", "Stop"), now=START)
    assert not at_work(events("UserPromptSubmit"), now=START + timedelta(minutes=30))
