"""Every trap of Gemini CLI's chats, on real records; rewinds and refusals are built after Gemini CLI's source."""

import json
from pathlib import Path
from typing import Any

import pytest

from seasoned.capture.importers.gemini import GeminiImporter
from seasoned.model import Trace
from seasoned.model.ids import canonical_json, name_id, occurrence_id
from seasoned.testing.importers import Rows, read

DATA = Path(__file__).parent.parent / "data"
LINES = DATA / "agent-runs" / "gemini_2026_11.jsonl"
HOOKS = DATA / "agent-runs" / "gemini_2026_11_hooks.jsonl"
DOCUMENT = DATA / "agtrace" / "gemini_0_20.json"
BEGUN = DATA / "entireio" / "gemini_0_23_begun.json"
WHOLE = DATA / "entireio" / "gemini_0_23_whole.json"


def _rows(path: Path) -> Rows:
    return Rows(read(GeminiImporter(), path)[0])


def _lines(tmp_path: Path, *more: dict[str, Any], before: int | None = None) -> Path:
    """The recorded chat with records added to it."""
    lines = LINES.read_text("utf-8").splitlines()
    path = tmp_path / "chats" / "session.jsonl"
    path.parent.mkdir()
    path.write_text("\n".join([*lines[:before], *(json.dumps(record) for record in more)]) + "\n", "utf-8")
    return path


def _only(rows: Rows) -> Trace:
    (trace,) = rows.traces.values()
    return trace


def test_hooks_and_importer_name_the_same_things() -> None:
    """Gemini's hooks carry no ids of prompts and calls: words, arguments and their order name them."""
    hooks = [json.loads(line) for line in HOOKS.read_text("utf-8").splitlines()]
    prompt = next(hook for hook in hooks if hook["hook_event_name"] == "BeforeAgent")
    tool = next(hook for hook in hooks if hook["hook_event_name"] == "BeforeTool")
    rows = _rows(LINES)
    execution_id = occurrence_id("gemini", prompt["session_id"], "prompt", prompt["prompt"], 0)
    assert rows.traces[execution_id].prompt == "please write the file"
    call = canonical_json({"name": tool["tool_name"], "arguments": tool["tool_input"]})
    span = rows.spans[name_id(execution_id, occurrence_id("gemini", tool["session_id"], "tool", call, 0))]
    assert span.result_preview == "hello-from-fake"


def test_context_and_results_in_the_user_s_name_are_no_prompts() -> None:
    trace = _only(_rows(LINES))
    assert (trace.prompt, trace.follow_ups, trace.cwd) == ("please write the file", (), "/home/dev/demo/proj")


def test_a_message_written_again_counts_once() -> None:
    trace = _only(_rows(LINES))
    assert (trace.api_calls_count, trace.total_tokens_used) == (2, 24)


def test_tokens_are_split() -> None:
    """``input`` holds the cached ones, ``thoughts`` come on top of ``output``."""
    trace = _only(_rows(BEGUN))
    assert (trace.input_tokens, trace.cache_read_tokens, trace.output_tokens) == (10179, 14378, 360)


def test_a_failed_command_has_status_success() -> None:
    failed = [span for span in _rows(DOCUMENT).spans.values() if span.outcome == "failure"]
    assert [(span.error_type, span.result_preview) for span in failed] == [
        ("exit_code", "error: target shim binary not found")
    ]


def test_written_files_are_artifacts() -> None:
    (artifact,) = _rows(WHOLE).artifacts.values()
    assert (artifact.file_path, artifact.lines_added, artifact.content_hash is not None) == ("docs/blue.md", 3, True)


def test_a_chat_that_grew_gives_the_same_execution() -> None:
    """The same session at two checkpoints."""
    begun, whole = _only(_rows(BEGUN)), _only(_rows(WHOLE))
    assert begun.execution_id == whole.execution_id
    assert begun.revision < whole.revision


@pytest.mark.parametrize(
    ("status", "response", "outcome", "error_type"),
    [
        ("error", {"error": "File not found."}, "failure", "tool_error"),
        (
            "cancelled",
            {"error": "[Operation Cancelled] Reason: User did not allow tool call"},
            "rejected",
            "permission_denied",
        ),
        (
            "cancelled",
            {"error": "[Operation Cancelled] Reason: User cancelled the operation."},
            "cancelled",
            "interrupted",
        ),
    ],
)
def test_calls_that_did_not_go_well(
    tmp_path: Path, status: str, response: dict[str, str], outcome: str, error_type: str
) -> None:
    call: dict[str, Any] = {"id": "c", "name": "read_file", "args": {"file_path": "x"}, "status": status}
    call["result"] = [{"functionResponse": {"id": "c", "name": "read_file", "response": response}}]
    message = {"id": "m", "timestamp": "2026-11-21T02:16:50Z", "type": "gemini", "content": "", "toolCalls": [call]}
    spans = _rows(_lines(tmp_path, message)).spans.values()
    assert [(s.outcome, s.error_type) for s in spans if s.name == "read_file"] == [(outcome, error_type)]


def test_a_call_that_is_not_over_is_read_when_it_is(tmp_path: Path) -> None:
    call: dict[str, Any] = {"id": "c", "name": "glob", "args": {}, "status": "executing"}
    message: dict[str, Any] = {"id": "m", "type": "gemini", "content": "", "toolCalls": [call]}
    done: dict[str, Any] = {**message, "toolCalls": [{**call, "status": "success", "result": []}]}
    spans = [span for span in _rows(_lines(tmp_path, message, done)).spans.values() if span.name == "glob"]
    assert [span.outcome for span in spans] == ["success"]


def test_what_a_newer_version_says_in_another_way_is_reported(tmp_path: Path) -> None:
    """A call whose end is told in an unknown word is there, without a verdict; words under ``parts`` are words."""
    document = json.loads(DOCUMENT.read_text("utf-8"))
    for message in document["messages"]:
        message["parts"] = [{"text": message.pop("content")}]
        if "tokens" in message:
            message["tokens"] = {"prompt": 3}
        for call in message.get("toolCalls", ()):
            call["status"] = "settled"
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(document), "utf-8")
    recordings, report = read(GeminiImporter(), path)
    rows, whole = Rows(recordings), _rows(DOCUMENT)
    assert [trace.prompt for trace in rows.traces.values()] == [trace.prompt for trace in whole.traces.values()]
    calls = [span for span in rows.spans.values() if span.kind == "tool"]
    assert len(calls) == sum(span.kind == "tool" for span in whole.spans.values()) > 0
    assert {span.outcome for span in calls} <= {"unknown", "failure"}
    assert {trace.total_tokens_used for trace in rows.traces.values()} == {None}
    assert report.unknown_records["call/settled"] == len(calls)
    assert report.unknown_records["tokens"] == sum("tokens" in message for message in document["messages"])


def test_what_the_user_takes_back_is_given_up(tmp_path: Path) -> None:
    rewound = _only(_rows(_lines(tmp_path, {"$rewindTo": "28f59fd7-6eac-453f-af6f-d65c04730eb4"})))
    assert (rewound.status, rewound.outcome_evidence[-1].kind) == ("aborted", "interruption")


def test_messages_told_again_belong_to_their_own_task(tmp_path: Path) -> None:
    """After a compression all messages are set anew, long after the next prompt."""
    lines = [json.loads(line) for line in LINES.read_text("utf-8").splitlines()]
    old = [record for record in lines if "id" in record]
    prompt = {"id": "p2", "timestamp": "2026-11-21T02:17:00Z", "type": "user", "content": "Write a changelog for 2.0"}
    rows = _rows(_lines(tmp_path, prompt, {"$set": {"messages": [*old, prompt]}}))
    assert len(rows.traces) == 2
    second = next(trace for trace in rows.traces.values() if trace.prompt == "Write a changelog for 2.0")
    assert second.total_tokens_used is None
    assert not [span for span in rows.spans.values() if span.execution_id == second.execution_id]


def test_errors_and_cancellations_in_the_chat(tmp_path: Path) -> None:
    error = {"id": "e", "type": "error", "content": "[API Error: You exceeded your current quota (429)]"}
    trace = _only(_rows(_lines(tmp_path, error)))
    assert (trace.status, trace.error_type) == ("aborted", "api_error")


def test_a_sub_agent_s_chat_is_a_child(tmp_path: Path) -> None:
    path = tmp_path / "chats" / "parent-session" / "helper.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(LINES.read_text("utf-8").replace('"kind":"main"', '"kind":"subagent"'), "utf-8")
    trace = _only(_rows(path))
    assert trace.parent_id is not None
    assert trace.agent_chain == ("gemini-cli", "sub-agent")
