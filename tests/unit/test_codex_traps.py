"""Every trap of Codex's rollouts, on real records; forms that no recorded session shows are built from Codex's source."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.capture.importers.codex import CodexImporter
from seasoned.capture.importers.codex_commands import deed_of, patch_changes
from seasoned.capture.importers.codex_output import output_of
from seasoned.capture.port import Report
from seasoned.model import Span, Trace
from seasoned.model.ids import source_id
from seasoned.testing.importers import Rows, read

DATA = Path(__file__).parent.parent / "data"
FORK_ONE = DATA / "entireio" / "codex_0_118_fork_one.jsonl"
FORK_TWO = DATA / "entireio" / "codex_0_118_fork_two.jsonl"
ABORT = DATA / "entireio" / "codex_0_120_abort.jsonl"
FILES = DATA / "entireio" / "codex_0_126_files.jsonl"
REVIEW = DATA / "entireio" / "codex_0_139_review.jsonl"
OLD = DATA / "agtrace" / "codex_0_66.jsonl"
NEW = DATA / "agent-runs" / "codex_0_169.jsonl"
HOOKS = DATA / "agent-runs" / "codex_0_169_hooks.jsonl"
THREAD = "019fc8be-3658-7ca3-9e29-000000000000"
TURN = "019fc8be-4000-7000-8000-000000000001"


def _rows(path: Path) -> Rows:
    return Rows(read(CodexImporter(), path)[0])


def _traces(rows: Rows) -> list[Trace]:
    return [trace for trace in rows.traces.values() if trace.revision > 0]


def _made(
    tmp_path: Path, records: Iterable[tuple[str, dict[str, Any]]], **meta: object
) -> tuple[list[Trace], list[Span], Report]:
    """A session of these records: meta and one open turn come first."""
    lines: list[tuple[str, dict[str, Any]]] = [
        ("session_meta", {"id": THREAD, "cwd": "/home/dev/p", "cli_version": "0.146.0", "source": "cli", **meta}),
        ("event_msg", {"type": "task_started", "turn_id": TURN}),
        ("turn_context", {"turn_id": TURN, "cwd": "/home/dev/p", "model": "gpt-5.6"}),
        *records,
    ]
    path = tmp_path / f"rollout-2026-08-03T10-48-56-{THREAD}.jsonl"
    texts = [
        json.dumps({"timestamp": f"2026-08-03T10:48:{place % 60:02}.000Z", "type": kind, "payload": payload})
        for place, (kind, payload) in enumerate(lines)
    ]
    path.write_text("\n".join(texts) + "\n", "utf-8")
    recordings, report = read(CodexImporter(), path)
    rows = Rows(recordings)
    return _traces(rows), sorted(rows.spans.values(), key=lambda span: span.number), report


def _said(text: str) -> tuple[str, dict[str, Any]]:
    return "event_msg", {"type": "user_message", "message": text}


def _call(call_id: str, name: str, **arguments: object) -> tuple[str, dict[str, Any]]:
    given = {"type": "function_call", "name": name, "arguments": json.dumps(arguments), "call_id": call_id}
    return "response_item", given


def _program(call_id: str, code: str) -> tuple[str, dict[str, Any]]:
    return "response_item", {"type": "custom_tool_call", "name": "exec", "input": code, "call_id": call_id}


def _output(call_id: str, output: object, kind: str = "function_call_output") -> tuple[str, dict[str, Any]]:
    return "response_item", {"type": kind, "call_id": call_id, "output": output}


# -- words --------------------------------------------------------------------------------------------------------
def test_only_the_user_s_words_are_prompts() -> None:
    """The response items of role user also hold AGENTS.md and the environment."""
    assert [trace.prompt for trace in _traces(_rows(OLD))] == [
        "add myapp directory and create myapp/hoge.py which shows result of print(1+1).",
        "cd to myapp and run python hoge.py",
    ]
    assert [trace.prompt for trace in _traces(_rows(NEW))] == ["please write the file"]


def test_what_the_app_puts_before_the_words_is_no_prompt() -> None:
    """The desktop app and the IDE extensions list open files and attachments above what was typed."""
    [trace] = _traces(_rows(FILES))
    assert trace.prompt is not None
    assert trace.prompt.startswith("can you add this image to the top of the repo please")


@pytest.mark.parametrize("path", [FILES, REVIEW, NEW], ids=lambda path: path.stem)
def test_a_version_without_prompt_events_tells_the_prompt_to_the_model(path: Path, tmp_path: Path) -> None:
    """The same executions then, with the same ids; context that Codex put in by itself still is no prompt."""
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    silent = [
        record
        for record in records
        if record["payload"].get("type") != "user_message"
        and record["payload"].get("item", {}).get("type") != "UserMessage"
    ]
    assert len(silent) < len(records)
    file = tmp_path / path.name
    file.write_text("".join(json.dumps(record) + "\n" for record in silent), "utf-8")
    told, found = _traces(_rows(path)), _traces(_rows(file))
    assert [(trace.execution_id, trace.prompt) for trace in found] == [
        (trace.execution_id, trace.prompt) for trace in told
    ]
    recordings = read(CodexImporter(), file)[0]
    assert recordings[-1].resume is not None
    assert read(CodexImporter(), file, resume=recordings[-1].resume)[0] == recordings


def test_a_prompt_that_is_told_twice_is_one(tmp_path: Path) -> None:
    item = {"type": "UserMessage", "content": [{"type": "text", "text": "fix it"}]}
    both = [_said("fix it"), ("event_msg", {"type": "item_completed", "item": item}), _call("c", "update_plan")]
    traces, _, _ = _made(tmp_path, both)
    assert [(trace.prompt, trace.follow_ups) for trace in traces] == [("fix it", ())]


def test_words_within_a_turn_steer_its_task() -> None:
    """Turn bfd0… of the 0.118 sample holds two user messages."""
    steered = [trace for trace in _traces(_rows(FORK_ONE)) if trace.follow_ups]
    assert steered[0].follow_ups[0] == "also put the rewrite memo into a markdown file for future reference"


def test_hooks_and_importer_name_the_same_things(tmp_path: Path) -> None:
    """The hooks and the rollout are of two sessions of one version; given the same ids, they give the same rows."""
    hooks = [json.loads(line) for line in HOOKS.read_text("utf-8").splitlines()]
    prompt = next(hook for hook in hooks if hook["hook_event_name"] == "UserPromptSubmit")
    tool = next(hook for hook in hooks if hook["hook_event_name"] == "PreToolUse")
    lines = [json.loads(line) for line in NEW.read_text("utf-8").splitlines()]
    turn = next(line["payload"]["turn_id"] for line in lines if line["type"] == "turn_context")
    call = next(line["payload"]["call_id"] for line in lines if line["payload"].get("type") == "function_call")
    text = NEW.read_text("utf-8").replace(lines[0]["payload"]["id"], prompt["session_id"])
    path = tmp_path / "rollout.jsonl"
    path.write_text(text.replace(turn, prompt["turn_id"]).replace(call, tool["tool_use_id"]), "utf-8")

    rows = _rows(path)
    trace = rows.traces[source_id("codex", prompt["session_id"], prompt["turn_id"])]
    span = rows.spans[source_id("codex", tool["session_id"], tool["tool_use_id"])]
    assert trace.prompt == prompt["prompt"]
    assert (span.arguments or {})["cmd"] == tool["tool_input"]["command"]


# -- how it went --------------------------------------------------------------------------------------------------
def test_an_interrupted_turn_is_aborted() -> None:
    traces = _traces(_rows(ABORT))
    assert [trace.status for trace in traces].count("aborted") == 1
    aborted = next(trace for trace in traces if trace.status == "aborted")
    assert aborted.duration_ms is not None
    assert aborted.duration_ms < 20_000, "the pause before the next prompt is not work"


def test_an_end_event_makes_no_second_span() -> None:
    ends = [json.loads(line)["payload"] for line in ABORT.read_text("utf-8").splitlines()]
    ended = [end["call_id"] for end in ends if end.get("type") == "exec_command_end"]
    spans = _rows(ABORT).spans
    assert len(ended) > 5
    session = _traces(_rows(ABORT))[0].session_id or ""
    told = [spans[source_id("codex", session, call)] for call in ended if source_id("codex", session, call) in spans]
    assert len(told) == len(set(ended))
    assert len([span for span in spans.values() if span.name == "exec_command"]) >= len(told)


def test_polls_belong_to_the_command_that_they_poll(tmp_path: Path) -> None:
    running = (
        "Chunk ID: e2\nWall time: 1.0 seconds\nProcess running with session ID 7\nOriginal token count: 3\nOutput:\n"
    )
    done = "Chunk ID: e3\nWall time: 0.5 seconds\nProcess exited with code 1\nOriginal token count: 3\nOutput:\n"
    traces, spans, _ = _made(
        tmp_path,
        [
            _said("test it"),
            _call("c1", "exec_command", cmd="pytest -q"),
            _output("c1", running + "collected 2 items\n"),
            _call("c2", "write_stdin", session_id=7, chars=""),
            _output("c2", running + "F"),
            _call("c3", "write_stdin", session_id=7, chars=""),
            _output("c3", done + "1 failed, 1 passed in 3.1s\n"),
        ],
    )
    assert [(span.name, span.outcome, span.error_type) for span in spans] == [("exec_command", "failure", "exit_code")]
    assert (spans[0].result_preview or "").startswith("collected 2 items\nF1 failed")
    assert [(seen.kind, seen.verdict) for seen in traces[0].outcome_evidence] == [("test", "failure")]


def test_what_a_command_prints_is_no_exit_code() -> None:
    text = "Chunk ID: a\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\nProcess exited with code 9\nOutput:\n"
    assert output_of(text).exit_code == 0
    quoted = "Command: echo 'Process exited with code 3\n'\n" + text
    assert output_of(quoted).exit_code == 0


@pytest.mark.parametrize(
    ("output", "outcome", "error_type"),
    [
        ('{"output":"no such file","metadata":{"exit_code":2,"duration_seconds":0.1}}', "failure", "exit_code"),
        (
            "Exit code: 1\nWall time: 0.1 seconds\nOutput:\nerror: target shim binary not found\n",
            "failure",
            "exit_code",
        ),
        ("apply_patch verification failed: Failed to find expected lines in a.go", "failure", "tool_error"),
        ("exec_command failed for `/bin/zsh -lc 'go mod tidy'`: CreateProcess", "failure", "tool_error"),
        ("write_stdin failed: stdin is closed for this session", "failure", "tool_error"),
        ("collab spawn failed: agent thread limit reached (max 6)", "failure", "tool_error"),
        ("exec command rejected by user", "rejected", "permission_denied"),
        ("aborted by user after 3.2s", "cancelled", "interrupted"),
        (
            "Exit code: 124\nWall time: 10 seconds\nOutput:\ncommand timed out after 10000 milliseconds\n",
            "failure",
            "timeout",
        ),
        ("Plan updated", "success", None),
    ],
)
def test_errors_have_no_flag(tmp_path: Path, output: str, outcome: str, error_type: str | None) -> None:
    _, spans, _ = _made(tmp_path, [_said("go"), _call("c", "shell", command=["ls"]), _output("c", output)])
    assert [(span.outcome, span.error_type) for span in spans] == [(outcome, error_type)]


def test_a_failed_mcp_call_is_seen_in_its_end_event(tmp_path: Path) -> None:
    end = {"type": "mcp_tool_call_end", "call_id": "c", "duration": {"secs": 1, "nanos": 500_000_000}}
    end |= {"invocation": {"server": "db", "tool": "ask"}, "result": {"Ok": {"content": [], "isError": True}}}
    records = [_said("ask"), _call("c", "mcp__db__ask", q=1), ("event_msg", end), _output("c", "no such table")]
    _, spans, _ = _made(tmp_path, records)
    assert [(span.name, span.outcome, span.duration_ms) for span in spans] == [("mcp__db__ask", "failure", 1500)]


# -- code mode ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "code",
    [
        'const r = await tools.exec_command({"cmd":"go test ./...","workdir":"/w"}); text(r.output);',
        "const r = await tools.exec_command({\n  cmd: 'go test ./...',\n  workdir: '/w' });",
        "const cmd = `go test ./...`; const r = await tools.exec_command({cmd});",
        'const line = "go test ./..."; await tools["exec_command"]({cmd: line})',
    ],
)
def test_the_command_inside_a_program_is_found(code: str) -> None:
    deed = deed_of("exec", code)
    assert (deed.name, deed.command, deed.code_mode) == ("exec_command", "go test ./...", True)


def test_a_program_s_patch_becomes_artifacts(tmp_path: Path) -> None:
    patch = "*** Begin Patch\n*** Update File: a.py\n@@\n-x = 1\n+x = 2\n+y = 3\n*** End Patch"
    code = f"const p = {json.dumps(patch)};\nawait tools.apply_patch(p);"
    done = [{"type": "input_text", "text": "Script completed\nWall time 0.3 seconds\nOutput:\n"}]
    _, spans, _ = _made(tmp_path, [_said("go"), _program("c", code), _output("c", done, "custom_tool_call_output")])
    assert [(span.name, span.outcome, span.duration_ms, span.files) for span in spans] == [
        ("apply_patch", "success", 300, ("a.py",))
    ]


@pytest.mark.parametrize(
    ("printed", "outcome"),
    [
        ('{"exit_code":1,"output":"boom"}', "failure"),
        ("FAILED t.py::a\n1 failed in 1.2s", "failure"),
        ("3 passed in 0.10s", "success"),
    ],
)
def test_a_program_hides_the_exit_code(tmp_path: Path, printed: str, outcome: str) -> None:
    parts = [
        {"type": "input_text", "text": text} for text in ("Script completed\nWall time 1.0 seconds\nOutput:\n", printed)
    ]
    code = 'const r = await tools.exec_command({cmd:"pytest -q"}); text(r.output);'
    traces, spans, _ = _made(
        tmp_path, [_said("go"), _program("c", code), _output("c", parts, "custom_tool_call_output")]
    )
    assert [span.outcome for span in spans] == [outcome]
    assert [seen.kind for seen in traces[0].outcome_evidence] == ["test"]


def test_what_a_program_calls_is_below_it(tmp_path: Path) -> None:
    item = {"type": "CommandExecution", "id": "exec-1", "command": ["/bin/bash", "-lc", "pytest"], "exit_code": 1}
    code = 'for (const c of ["pytest"]) await tools.exec_command({cmd: c});'
    done = [{"type": "input_text", "text": "Script completed\nWall time 1.0 seconds\nOutput:\n"}]
    records = [_said("go"), _program("c", code), ("event_msg", {"type": "item_completed", "item": item})]
    _, spans, _ = _made(tmp_path, [*records, _output("c", done, "custom_tool_call_output")])
    outer, inner = spans
    assert inner.parent_span_id == outer.span_id
    assert (inner.outcome, inner.error_type, inner.arguments) == ("failure", "exit_code", {"cmd": "pytest"})


# -- tokens -------------------------------------------------------------------------------------------------------
def test_repeated_and_empty_token_counts_count_once() -> None:
    """0.66 repeats the count whenever a rate limit changes, and begins with one whose ``info`` is null."""
    events = [json.loads(line)["payload"] for line in OLD.read_text("utf-8").splitlines()]
    counts = [event["info"] for event in events if event.get("type") == "token_count"]
    assert None in counts
    distinct = {json.dumps(info["total_token_usage"]) for info in counts if info}
    assert sum(trace.api_calls_count or 0 for trace in _traces(_rows(OLD))) == len(distinct) < len(counts) - 1


def test_a_usage_record_and_a_count_are_one_call() -> None:
    trace = _traces(_rows(NEW))[0]
    assert (trace.api_calls_count, trace.input_tokens, trace.output_tokens) == (2, 200, 20)


# -- forks and sub-agents -----------------------------------------------------------------------------------------
def test_a_fork_s_copy_has_the_original_s_ids() -> None:
    """Two sub-agents forked from one thread copy the same turns; both copies are the parent thread's."""
    one, two = _rows(FORK_ONE), _rows(FORK_TWO)
    parent = json.loads(FORK_ONE.read_text("utf-8").splitlines()[0])["payload"]["forked_from_id"]
    copied = {key for key, trace in one.traces.items() if trace.session_id == parent}
    assert len(copied) == 4
    assert copied == {key for key, trace in two.traces.items() if trace.session_id == parent}
    turn = json.loads(FORK_ONE.read_text("utf-8").splitlines()[2])["payload"]["turn_id"]
    assert source_id("codex", parent, turn) in copied
    spans = [
        {s.span_id for s in rows.spans.values() if s.execution_id in copied and s.kind == "tool"} for rows in (one, two)
    ]
    assert spans[0] <= spans[1]
    assert len(spans[0]) > 5


def test_a_copy_knows_no_times_and_gives_way_to_the_original(tmp_path: Path) -> None:
    lines = FORK_ONE.read_text("utf-8").splitlines()
    own = next(place for place, line in enumerate(lines) if '"019d7e30-2f9f' in line)
    original = tmp_path / "original.jsonl"
    original.write_text("\n".join(lines[1:own]) + "\n", "utf-8")
    copies, originals = _rows(FORK_ONE), _rows(original)
    shared = copies.traces.keys() & originals.traces.keys()
    assert len(shared) == 4
    for key in shared:
        copy, first = copies.traces[key], originals.traces[key]
        assert first.revision > copy.revision
        assert (copy.completed_at, copy.duration_ms) == (None, None)
        assert copy.started_at is not None
        assert copy.started_at.hour < 20, "the copy was stamped at 20:16"
        assert (copy.prompt, copy.total_tokens_used) == (first.prompt, first.total_tokens_used)
    assert all(s.started_at is None for s in copies.spans.values() if s.execution_id in shared)


def test_a_forked_sub_agent_is_a_child_of_the_turn_that_spawned_it() -> None:
    traces = _traces(_rows(FORK_ONE))
    child = traces[-1]
    assert child.agent_chain == ("codex", "explorer")
    assert child.parent_id == traces[-2].execution_id
    assert (child.prompt or "").startswith("Review the latest changes")


def test_a_sub_agent_that_names_only_its_parent_s_thread() -> None:
    meta = json.loads(REVIEW.read_text("utf-8").splitlines()[0])["payload"]
    (trace,) = _traces(_rows(REVIEW))
    assert trace.parent_id == source_id("codex", meta["parent_thread_id"], "thread")
    assert trace.agent_chain == ("codex", "review")


def test_a_sub_agent_that_names_the_turn_of_its_parent(tmp_path: Path) -> None:
    spawned = {"subagent": {"thread_spawn": {"parent_thread_id": "root", "depth": 1, "agent_path": "/root/tests"}}}
    started = {"type": "task_started", "turn_id": "t2", "turn_attribution": {"parent_turn_id": "t1"}}
    traces, _, _ = _made(
        tmp_path,
        [("event_msg", started), _said("count"), _call("c", "update_plan")],
        source=spawned,
        session_id="root",
        parent_thread_id="root",
    )
    assert traces[0].parent_id == source_id("codex", "root", "t1")
    assert traces[0].execution_id == source_id("codex", "root", "t2")
    assert traces[0].agent_chain == ("codex", "tests")


# -- patches, records, versions -----------------------------------------------------------------------------------
def test_lines_of_patches_are_counted() -> None:
    patch = (
        "*** Begin Patch\n*** Add File: n.py\n+a\n+b\n*** Update File: o.py\n*** Move to: p.py\n@@ def f\n context\n"
        "-old\n+new\n+more\n context\n-gone\n*** Delete File: q.py\n*** End Patch"
    )
    found = [(c.path, c.added, c.modified, c.deleted, c.created) for c in patch_changes(patch)]
    assert found == [("n.py", 2, 0, 0, True), ("p.py", 1, 1, 1, False), ("q.py", 0, 0, 0, False)]


@given(st.text(alphabet="+-* \nabBeginPatchEnd:@"))
def test_no_patch_text_crashes_it(text: str) -> None:
    assert all(c.added >= 0 and c.deleted >= 0 for c in patch_changes("*** Begin Patch\n" + text))


def test_a_failed_patch_changes_nothing(tmp_path: Path) -> None:
    patch = "*** Begin Patch\n*** Add File: n.py\n+a\n*** End Patch"
    call = {"type": "custom_tool_call", "name": "apply_patch", "input": patch, "call_id": "c"}
    output = _output("c", "apply_patch verification failed: invalid hunk", "custom_tool_call_output")
    path = tmp_path / "x"
    path.mkdir()
    _made(path, [_said("go"), ("response_item", call), output])
    rows = _rows(next(path.iterdir()))
    assert not rows.artifacts
    assert [a.lines_added for a in _rows(OLD).artifacts.values()] == [1]


def test_unknown_records_and_newer_versions_are_reported(tmp_path: Path) -> None:
    records = [("brand_new", {"type": "x"}), ("event_msg", {"type": "novelty"}), ("response_item", {"type": "thing"})]
    traces, _, report = _made(tmp_path, [_said("go"), *records, _call("c", "update_plan")], cli_version="0.999.0")
    assert report.unknown_records == {"brand_new": 1, "event_msg/novelty": 1, "response_item/thing": 1}
    assert report.newer_version == "0.999.0"
    assert len(traces) == 1
