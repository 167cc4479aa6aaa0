"""Every trap that Claude Code's transcripts are known to hold, each on a record that a real session wrote.

Where the trap is a change to a record (a newer version, a field of another type, a copied line), the record changed is
a real one.
"""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from seasoned.capture.importers.claude_code import ClaudeCodeImporter
from seasoned.capture.port import Recording, Report
from seasoned.model import Span, Trace
from seasoned.model.ids import occurrence_id, source_id
from seasoned.testing.importers import Rows, read

DATA = Path(__file__).parent.parent / "data"
IMPORTER = ClaudeCodeImporter()
Write = Callable[[list[dict[str, Any]]], Path]


def sample(name: str) -> Path:
    return next(DATA.glob(f"*/claude_code_{name}.jsonl"))


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sample(name).read_text("utf-8").splitlines()]


def recordings(path: Path) -> list[Recording]:
    return read(IMPORTER, path)[0]


def spans(path: Path) -> list[Span]:
    return [span for recording in recordings(path) for span in recording.update.spans]


def main_traces(path: Path) -> list[Trace]:
    return [item.update.trace for item in recordings(path) if item.update.trace.agent_name == "claude-code"]


def blocks(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All content blocks of the talk, in order."""
    return [
        block
        for record in records
        if record["type"] in {"user", "assistant"} and isinstance(record["message"]["content"], list)
        for block in record["message"]["content"]
    ]


def words(path: Path) -> list[str]:
    """Everything that the user said, in order."""
    return [text for trace in main_traces(path) for text in (*filter(None, [trace.prompt]), *trace.follow_ups)]


def index(records: list[dict[str, Any]], **wanted: object) -> int:
    return next(place for place, record in enumerate(records) if all(record.get(k) == v for k, v in wanted.items()))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    numbers = itertools.count()

    def to_file(records: list[dict[str, Any]]) -> Path:
        path = tmp_path / f"{next(numbers)}.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
        return path

    return to_file


# -- ids ----------------------------------------------------------------------------------------------------
def test_from_2_1_196_on_a_prompt_has_the_id_that_hooks_carry() -> None:
    session, prompt_id = "d0ecf8c0-24f5-4fbb-9bcc-84a8aa4bc5dc", "3684d1bd-5a18-4472-b974-6e5f27074bf6"  # hooks' log
    [trace] = main_traces(sample("2_1_220_fail"))
    assert trace.execution_id == source_id("claude_code", session, prompt_id)


def test_before_2_1_196_a_prompt_is_known_by_its_text_though_it_has_an_id() -> None:
    record = next(record for record in lines("2_1_178_pull_request") if "promptSource" in record)
    assert record["promptId"]
    [first, *_] = main_traces(sample("2_1_178_pull_request"))
    prompt = record["message"]["content"]
    assert first.execution_id == occurrence_id("claude_code", record["sessionId"], "prompt", prompt, 0)


def test_a_call_is_known_by_its_tool_use_id() -> None:
    session = "d0ecf8c0-24f5-4fbb-9bcc-84a8aa4bc5dc"
    calls = [block["id"] for block in blocks(lines("2_1_220_fail")) if block["type"] == "tool_use"]
    assert {source_id("claude_code", session, call) for call in calls} == {
        span.span_id for span in spans(sample("2_1_220_fail")) if span.kind == "tool"
    }


def test_the_second_name_of_the_session_changes_nothing(write: Write) -> None:
    """From 2.1.199 on some lines hold ``session_id`` beside ``sessionId``."""
    records = [{**record, "session_id": "another"} for record in lines("2_1_220_fail")]
    assert [item.update for item in recordings(write(records))] == [
        item.update for item in recordings(write(lines("2_1_220_fail")))
    ]


def test_lines_of_two_sessions_mixed_in_one_file_stay_one_task() -> None:
    sessions = [record["sessionId"] for record in lines("2_1_12_two_sessions") if "sessionId" in record]
    assert sum(one != other for one, other in itertools.pairwise(sessions)) > 3
    traces = main_traces(sample("2_1_12_two_sessions"))
    assert traces[0].session_id == sessions[0]
    assert {trace.session_id for trace in traces[1:]} == {sessions[-1]}
    assert traces[0].prompt is not None
    assert traces[0].prompt.startswith("Implement the following plan:")


def test_a_fork_that_copies_lines_gives_the_same_ids(write: Write) -> None:
    original = lines("2_1_178_pull_request")
    forked = [
        {**record, "sessionId": "11111111-2222-4333-8444-555555555555"}
        | (
            {"forkedFrom": {"sessionId": record["sessionId"], "messageUuid": record["uuid"]}}
            if "uuid" in record
            else {}
        )
        for record in original
    ]
    assert set(Rows(recordings(write(forked))).spans) == set(Rows(recordings(write(original))).spans)


# -- who spoke ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("2_0_28", ["add myapp directory and create", "cd to myapp and run python hoge.py"]),  # /exit and its echo
        ("2_0_74_ide", ["create me a .github/CODEOWNERS"]),  # <ide_opened_file> before the prompt
        ("1_0_98_permission", ["/init"]),
        ("1_0_98_side_chains", ["/orchestrator create TODO app by Next.js"]),
        (
            "2_1_123_command",
            ["Add an installation instructions section", "/commit-commands:commit-push-pr this fixes issue #20"],
        ),
        (
            "2_1_12_shell",  # <bash-input>, <bash-stdout>
            [
                "do you have access to linear?",
                "I'm considering if we want",
                "yes please",
                "with entire/sessions we want to be explicit",
            ],
        ),
        ("2_1_14_compaction", ["let's go back to current code"]),
        (
            "2_1_29_refusal",  # "Operation stopped by hook", expanded skills, a refusal with words
            [
                "hi",
                "we are getting this warning",
                "wait let's discuss",
                "okay, so we are triggering",
                "and if that other session _did_ have any changes in a shadow branch, we would see this same error?",
                "and if that other session _did_ have any changes in a shadow branch, we would see this same error - l",
                "/superpowers:write-plan",
            ],
        ),
        (
            "2_1_121_interrupts",  # one of them put in while the agent worked
            [
                "can you update to the latest go version?",
                "can you also check golangci-lint version?",
                "ok, change in plan",
                "can you help me understand",
            ],
        ),
    ],
)
def test_only_what_a_user_said_is_a_prompt(name: str, heads: list[str]) -> None:
    said = words(sample(name))
    assert [text[: len(head)] for text, head in zip(said, heads, strict=True)] == heads


def test_background_notices_are_no_words_of_the_user() -> None:
    assert any(
        record.get("attachment", {}).get("commandMode") == "task-notification" for record in lines("2_1_159_background")
    )
    assert not any("task-notification" in text for text in words(sample("2_1_159_background")))


@pytest.mark.parametrize(
    "change", [{"isMeta": True}, {"origin": {"kind": "task-notification"}}, {"promptSource": "system"}]
)
def test_prompts_that_no_human_typed_are_left_out(write: Write, change: dict[str, Any]) -> None:
    records = lines("2_1_220_basic")
    place = index(records, type="user")
    records[place] |= change
    assert words(write(records)) == []


def test_images_are_named_where_nothing_else_was_said(write: Write) -> None:
    records = lines("2_1_220_basic")
    place = index(records, type="user")
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    records[place]["message"]["content"] = [image]
    assert words(write(records)) == ["[image]"]
    records[place]["message"]["content"] = [image, {"type": "text", "text": "what is this?"}]
    assert words(write(records)) == ["what is this?"]


# -- how calls went -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "outcome", "error_type"),
    [
        ("2_1_220_fail", "failure", "exit_code"),
        ("2_1_121_interrupts", "failure", "tool_error"),
        ("2_1_110_agents", "cancelled", "sibling"),
        ("2_1_29_refusal", "rejected", "user_rejected"),
        ("1_0_98_permission", "failure", "permission_denied"),
    ],
)
def test_the_outcome_of_a_call_is_read_from_the_client_s_marks(name: str, outcome: str, error_type: str) -> None:
    assert (outcome, error_type) in {(span.outcome, span.error_type) for span in spans(sample(name))}


def test_the_exit_code_survives_and_the_tags_do_not() -> None:
    [failed] = [span for span in spans(sample("2_1_220_fail")) if span.outcome == "failure"]
    assert failed.error_message is not None
    assert failed.error_message.startswith("Exit code 2\nls: cannot access")
    assert not any("<tool_use_error>" in (span.error_message or "") for span in spans(sample("2_1_121_interrupts")))


def test_a_result_that_stands_before_its_call_finds_it() -> None:
    records = lines("2_1_126_result_first")
    called: set[str] = set()
    early: set[str] = set()
    for block in blocks(records):
        if block["type"] == "tool_result" and block["tool_use_id"] not in called:
            early.add(block["tool_use_id"])
        if block["type"] == "tool_use":
            called.add(block["id"])
    waited = {source_id("claude_code", records[-1]["sessionId"], call) for call in early & called}
    found = [span for span in spans(sample("2_1_126_result_first")) if span.span_id in waited]
    assert len(found) == 3
    assert {span.outcome for span in found} == {"success"}
    assert all(span.result_preview for span in found)


def test_a_command_sent_to_the_background_did_not_succeed_yet() -> None:
    background = [span for span in spans(sample("2_1_159_background")) if span.attributes == {"background": True}]
    assert len(background) == 3
    assert {span.outcome for span in background} == {"unknown"}


def test_an_interruption_aborts_unless_the_user_goes_on(write: Write) -> None:
    records = lines("2_1_121_interrupts")
    assert main_traces(sample("2_1_121_interrupts"))[-1].status == "aborted"
    place = next(i for i, record in enumerate(records) if "[Request interrupted" in json.dumps(record.get("message")))
    went_on, stopped = main_traces(write(records))[0], main_traces(write(records[: place + 1]))[-1]
    assert stopped.status == "aborted"
    assert went_on.status != "aborted"


def test_an_api_error_is_evidence_only_while_it_is_the_last_word(write: Write) -> None:
    records = lines("2_1_159_background")
    place = index(records, isApiErrorMessage=True)
    stopped = main_traces(write(records[: place + 1]))[-1]
    assert stopped.error_type == "api_unknown"
    assert stopped.error_message is not None
    assert "socket connection was closed" in stopped.error_message
    assert main_traces(write(records))[0].error_type is None
    assert [span.outcome for span in spans(write(records)) if span.name == "api error"] == ["failure"]


def test_a_quota_stop_is_aborted_and_no_failure(write: Write) -> None:
    records = lines("2_1_159_background")
    place = index(records, isApiErrorMessage=True)
    records[place]["error"] = "rate_limit"
    records[place]["message"]["content"] = [{"type": "text", "text": "You've hit your limit · resets 3:30pm (UTC)"}]
    trace = main_traces(write(records[: place + 1]))[-1]
    assert trace.status == "aborted"
    assert trace.outcome_evidence[-1].kind == "quota"


def test_a_file_that_ends_in_the_middle_of_a_turn_is_in_progress(write: Write) -> None:
    records = lines("2_1_220_fail")
    place = next(i for i, record in enumerate(records) if "tool_use" in json.dumps(record.get("message")))
    assert main_traces(write(records[: place + 1]))[-1].status == "in_progress"
    assert main_traces(write(records))[-1].completed_at is not None


def test_a_quota_stop_after_which_the_agent_works_on_stops_nothing(write: Write) -> None:
    error = lines("2_1_159_background")[index(lines("2_1_159_background"), isApiErrorMessage=True)]
    records = lines("2_1_220_fail")
    calls = [place for place, record in enumerate(records) if '"tool_use"' in json.dumps(record.get("message"))]
    stop = {**error, "error": "rate_limit", "uuid": None, "sessionId": records[0]["sessionId"]}
    trace = main_traces(write([*records[: calls[1]], stop, *records[calls[1] : calls[2] + 1]]))[-1]
    assert trace.status == "in_progress"
    assert trace.error_type is None
    assert [signal.kind for signal in trace.outcome_evidence if signal.kind in {"quota", "resumed"}] == [
        "quota",
        "resumed",
    ]


# -- tokens -------------------------------------------------------------------------------------------------
def test_a_message_whose_lines_stand_on_both_sides_of_a_prompt_counts_once(write: Write) -> None:
    records = lines("2_1_220_fail")
    parts = [record for record in records if record["type"] == "assistant"][:2]
    assert parts[0]["message"]["id"] == parts[1]["message"]["id"]
    prompt = records[index(records, type="user")]
    between = {
        **prompt,
        "uuid": "99999999-2222-4333-8444-555555555555",
        "promptId": "other",
        "timestamp": "2027-01-01T00:00:00Z",
    }
    between["message"] = {"role": "user", "content": "Write me a poem about the sea, in four long verses, please."}
    later = {
        **parts[1],
        "message": {**parts[1]["message"], "usage": {**parts[1]["message"]["usage"], "output_tokens": 50}},
    }
    path = write([prompt, parts[0], between, later])
    traces = main_traces(path)
    assert sum(trace.output_tokens or 0 for trace in traces) == 50
    assert sum(trace.input_tokens or 0 for trace in traces) == parts[0]["message"]["usage"]["input_tokens"]
    assert sum(trace.api_calls_count or 0 for trace in traces) == 1
    first = recordings(path)[0].resume
    assert len(traces) == 2
    assert read(IMPORTER, path, resume=first)[0] == recordings(path)[1:]


@pytest.mark.parametrize("name", ["2_1_178_pull_request", "2_1_121_interrupts", "2_1_29_refusal"])
def test_lines_that_a_resumed_session_repeats_are_dropped(write: Write, name: str) -> None:
    records = lines(name)
    once, twice = recordings(write(records)), recordings(write([*records, *records]))
    assert [item.update for item in twice] == [item.update for item in once]
    path = write([*records, *records])
    assert once[0].resume is not None
    rest = read(IMPORTER, path, resume=once[0].resume)[0]
    assert rest == twice[len(twice) - len(rest) :]


# -- sub-agents ---------------------------------------------------------------------------------------------
def test_a_side_chain_inside_the_file_is_a_child_of_the_call_that_started_it() -> None:
    by_role = {item.update.trace.execution_id: item.update.trace for item in recordings(sample("1_0_98_side_chains"))}
    parent = next(trace for trace in by_role.values() if trace.agent_name == "claude-code")
    children = [trace for trace in by_role.values() if trace.parent_id == parent.execution_id]
    assert len(children) == 2
    for child in children:
        assert child.root_id == parent.execution_id
        assert child.agent_chain == ("claude-code", "general-purpose")
    task = next(
        span for span in spans(sample("1_0_98_side_chains")) if span.name == "Task" and span.outcome == "success"
    )
    assert task.execution_id == parent.execution_id
    call = next(
        block["id"]
        for block in blocks(lines("1_0_98_side_chains"))
        if block.get("name") == "Task" and block["input"]["prompt"] == children[0].prompt
    )
    assert children[0].execution_id == source_id("claude_code", parent.session_id or "", f"agent:{call}")


def test_parent_and_sub_agent_in_two_files_meet_in_any_order(write: Write) -> None:
    session = lines("2_1_110_agents")[-1]["sessionId"]
    agent = "afb4be51dbf6f19bb"
    child_lines: list[dict[str, Any]] = [
        {**record, "sessionId": session, "agentId": agent, "version": "2.1.110"}
        for record in lines("1_0_98_side_chains")[15:36]
    ]
    assert all(record["isSidechain"] for record in child_lines)
    child_file = write(child_lines)
    parent, child = recordings(sample("2_1_110_agents")), recordings(child_file)
    assert child[-1].resume is not None
    assert read(IMPORTER, child_file, resume=child[-1].resume)[0] == child
    execution_id = source_id("claude_code", session, f"agent:{agent}")
    one, other = Rows([*parent, *child]), Rows([*child, *parent])
    assert one.traces == other.traces
    trace = one.traces[execution_id]
    assert trace.agent_chain == ("claude-code", "general-purpose")
    assert trace.parent_id in one.traces
    assert trace.prompt == child_lines[0]["message"]["content"]
    assert trace.api_calls_count == 9
    assert trace.status != "in_progress"


def test_an_agent_s_own_file_names_the_session_of_its_parent() -> None:
    folder = DATA / "agent-sessions" / "claude_subagent"
    session = "0a1b2c3d-4e5f-4061-8071-2a3b4c5d6e7f"
    [item] = recordings(folder / session / "subagents" / "agent-a0ad4f44468bdf20d.jsonl")
    trace = item.update.trace
    assert trace.execution_id == source_id("claude_code", session, "agent:a0ad4f44468bdf20d")
    assert trace.agent_name == "general-purpose"
    assert trace.prompt == "Search the repo for TODO comments"


def test_a_workflow_s_agents_are_children_of_its_run_and_the_run_of_the_task(tmp_path: Path) -> None:
    """The agents' own lines name neither; their folder names the run, and the starting call names it too."""
    parent = recordings(sample("2_1_159_workflow"))
    session = lines("2_1_159_workflow")[0]["sessionId"]
    report = lines("2_1_159_workflow")[-1]["toolUseResult"]
    task, run = (Rows(parent).traces[key] for key in (parent[-1].update.trace.execution_id, _run_id(session, report)))
    assert (run.parent_id, run.root_id) == (task.execution_id, task.execution_id)
    assert (run.agent_chain, run.prompt) == (("claude-code", "Workflow"), report["summary"])
    assert run.status == "in_progress"

    folder = DATA / "agent-sessions" / "claude_subagent" / "0a1b2c3d-4e5f-4061-8071-2a3b4c5d6e7f" / "subagents"
    agent = folder / "agent-a0ad4f44468bdf20d.jsonl"
    place = tmp_path / session / "subagents" / "workflows" / report["runId"] / agent.name
    place.parent.mkdir(parents=True)
    place.write_text(agent.read_text("utf-8").replace(folder.parent.name, session), "utf-8")
    [item] = recordings(place)
    assert item.update.trace.parent_id == run.execution_id
    assert item.update.trace.root_id is None
    assert recordings(agent)[0].update.trace.parent_id is None


def _run_id(session: str, report: dict[str, Any]) -> str:
    return source_id("claude_code", session, f"workflow:{report['runId']}")


def test_an_agent_that_starts_agents_does_not_say_that_it_is_the_root(write: Write) -> None:
    """What stands above it is told by its own parent."""
    records = lines("2_1_110_agents")
    agent = "a0ad4f44468bdf20d"
    file = write([{**record, "isSidechain": True, "agentId": agent} for record in records if "uuid" in record])
    above = source_id("claude_code", records[-1]["sessionId"], f"agent:{agent}")
    mentioned = [item.update.trace for item in recordings(file) if item.update.trace.parent_id == above]
    assert mentioned
    assert {(trace.root_id, trace.agent_chain) for trace in mentioned} == {(None, ())}


def test_an_agent_that_was_only_warmed_up_did_nothing() -> None:
    found, report = read(IMPORTER, sample("2_0_28_agent"))
    assert found == []
    assert report.ignored_records == {"warmup": 2}


# -- what was done ------------------------------------------------------------------------------------------
def test_lines_changed_are_those_of_the_client_s_own_diff() -> None:
    [trace] = [item for item in recordings(sample("2_1_220_fail")) if item.update.artifacts]
    [artifact] = trace.update.artifacts
    content = next(block["input"]["content"] for block in blocks(lines("2_1_220_fail")) if block.get("name") == "Write")
    assert artifact.file_path == "new.py"
    assert artifact.lines_added == len(content.splitlines())
    assert artifact.content_hash is not None

    [edited] = [
        artifact
        for item in recordings(sample("2_1_14_compaction"))
        for artifact in item.update.artifacts
        if artifact.file_path == "ISSUE-orphaned-sessions.md"
    ]
    reports: list[Any] = [record.get("toolUseResult") for record in lines("2_1_14_compaction")]
    found: list[Any] = [told.get("structuredPatch") or [] for told in reports if told]
    hunks: list[Any] = list(itertools.chain.from_iterable(found))
    patches: list[str] = [line for hunk in hunks for line in hunk["lines"]]
    plus, minus = (sum(line.startswith(mark) for line in patches) for mark in "+-")
    assert (edited.lines_added or 0) + (edited.lines_modified or 0) == plus
    assert (edited.lines_deleted or 0) + (edited.lines_modified or 0) == minus


def test_paths_stay_relative_to_where_the_session_began(write: Write) -> None:
    records = lines("2_1_220_fail")
    again = json.loads(json.dumps(records).replace("toolu_", "toolu_again_").replace("msg_", "msg_again_"))
    for place, record in enumerate(again):
        if "uuid" in record:
            record |= {"uuid": f"99999999-2222-4333-8444-{place:012}", "timestamp": "2027-01-01T00:00:00.000Z"}
            record["cwd"] += "/sub"
        if "promptId" in record:
            record["promptId"] = "another"
        if isinstance(record.get("message", {}).get("content"), str):
            record["message"]["content"] = (
                "Do it all over again for the second project, and write the same file there too."
            )
    path = write([*records, *again])
    found = recordings(path)
    assert [[artifact.file_path for artifact in item.update.artifacts] for item in found] == [["new.py"], ["new.py"]]
    assert read(IMPORTER, path, resume=found[0].resume)[0] == found[1:]


def test_commits_and_a_pull_request_are_told_once(write: Write) -> None:
    [trace] = main_traces(sample("2_1_159_background"))
    assert trace.metadata == {"commits": ["d755e2cd"]}
    records = lines("2_1_178_pull_request")
    [link] = [record for record in records if record["type"] == "pr-link"]
    told = [
        signal.detail
        for trace in main_traces(write([*records, {**link, "timestamp": "2026-06-18T09:00:00.000Z"}]))
        for signal in trace.outcome_evidence
        if "pull request" in signal.detail
    ]
    assert told == [f"pull request entireio/git-sync#{link['prNumber']}"]


def test_hooks_are_spans_and_their_progress_is_dropped() -> None:
    report = read(IMPORTER, sample("2_1_29_refusal"))[1]
    assert report.ignored_records["progress"] > 3
    assert {span.name for span in spans(sample("2_1_29_refusal")) if span.kind == "hook"} == {"Stop"}
    [failed] = [
        span for span in spans(sample("2_1_121_interrupts")) if span.kind == "hook" and span.outcome == "failure"
    ]
    assert failed.name == "UserPromptSubmit"
    assert "posix_spawn" in (failed.error_message or "")


def test_the_end_of_a_task_that_another_file_holds_stays_apart() -> None:
    """After a plan was approved with a fresh context, a file begins with the refusal of the old one's last call."""
    rest, task = main_traces(sample("2_1_29_leavings"))
    assert (rest.prompt, rest.status) == (None, "aborted")
    assert ((task.prompt or "")[:26], task.follow_ups) == ("Implement the following pl", ())
    assert "interruption" not in {signal.kind for signal in task.outcome_evidence}


# -- what nobody has seen yet -------------------------------------------------------------------------------
def test_a_newer_version_and_unknown_records_are_reported_not_fatal(write: Write) -> None:
    records = [{**record, "version": "3.0.1"} for record in lines("2_1_220_fail")]
    records.insert(6, {"type": "hologram", "sessionId": "x"})
    unknown = {**records[index(records, type="attachment")], "uuid": None, "attachment": {"type": "hologram"}}
    records.insert(7, unknown | {"timestamp": records[-2]["timestamp"]})
    found, report = read(IMPORTER, write(records))
    assert report.newer_version == "3.0.1"
    assert report.unknown_records == {"hologram": 1, "attachment/hologram": 1}
    assert len(found[0].update.spans) == len(spans(sample("2_1_220_fail")))
    assert read(IMPORTER, sample("2_1_220_fail"))[1].newer_version is None


def test_unknown_content_is_reported_and_the_rest_of_its_message_kept(write: Write) -> None:
    records = lines("2_1_220_fail")
    reply = next(record for record in records if '"tool_use"' in json.dumps(record.get("message")))
    reply["message"]["content"].insert(0, {"type": "hologram", "depth": 3})
    found, report = read(IMPORTER, write(records))
    assert report.unknown_records == {"block/hologram": 1}
    assert len(found[0].update.spans) == len(spans(sample("2_1_220_fail")))


def test_what_moved_elsewhere_is_reported_as_missing(write: Write) -> None:
    """Messages under another key are lost, but not silently; neither are tokens of another shape zero tokens."""
    records = lines("2_1_220_fail")
    spoken = [record for record in records if record["type"] in {"user", "assistant"}]
    for record in spoken:
        if record["type"] == "assistant":
            record["message"]["usage"] = {"tokens": {"in": 7}}
    found, report = read(IMPORTER, write(records))
    assert report.unknown_records == {"usage": sum(record["type"] == "assistant" for record in spoken)}
    [trace] = [item.update.trace for item in found]
    assert (trace.input_tokens, trace.total_tokens_used, (trace.api_calls_count or 0) > 0) == (None, None, True)
    for record in spoken:
        record["payload"] = {"message": record.pop("message")}
    report = read(IMPORTER, write(records))[1]
    assert set(report.unknown_records) == {"user without content", "assistant without content"}
    assert sum(report.unknown_records.values()) == len(spoken)


@pytest.mark.parametrize("gone", ["isSidechain", "sessionId", "uuid", "version", "timestamp"])
def test_a_version_that_leaves_a_field_out_is_still_recognised_and_read(write: Write, gone: str) -> None:
    records = [{key: value for key, value in record.items() if key != gone} for record in lines("2_1_178_pull_request")]
    path = write(records)
    assert IMPORTER.recognises(path, path.read_bytes())
    assert [trace.prompt for trace in main_traces(path)] == [
        trace.prompt for trace in main_traces(sample("2_1_178_pull_request"))
    ]


def test_tools_that_the_provider_runs_are_calls_too(write: Write) -> None:
    """Their results stand in the reply itself (https://docs.anthropic.com/en/api/messages, server tools)."""
    records = lines("2_1_220_fail")
    reply = next(record for record in records if '"tool_use"' in json.dumps(record.get("message")))
    searched = {"type": "web_search_result", "title": "Go", "url": "https://go.dev"}
    refused = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    for native, content in (("srvtoolu_1", [searched]), ("srvtoolu_2", refused)):
        call = {"type": "server_tool_use", "id": native, "name": "web_search", "input": {"query": "go"}}
        result = {"type": "web_search_tool_result", "tool_use_id": native, "content": content}
        reply["message"]["content"] += [call, result]
    found, report = read(IMPORTER, write(records))
    made = [span for item in found for span in item.update.spans if span.name == "web_search"]
    assert [span.outcome for span in made] == ["success", "failure"]
    assert report.unknown_records == {}


def test_an_edit_by_a_tool_of_another_name_is_still_an_edit(write: Write) -> None:
    records = lines("2_1_126_result_first")
    edits = [block for block in blocks(records) if block.get("name") == "Edit"]
    assert edits
    for block in edits:
        block["name"] = "Rewrite"
    assert _changes(write(records)) == _changes(sample("2_1_126_result_first")) != []


def _changes(path: Path) -> list[tuple[str, int | None, int | None, int | None]]:
    return [
        (artifact.file_path, artifact.lines_added, artifact.lines_modified, artifact.lines_deleted)
        for item in recordings(path)
        for artifact in item.update.artifacts
    ]


def _shapes(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The record with each of its fields, down to those of blocks, in shapes that nobody promised."""
    odd: list[object] = [7, "odd", [], ["odd", 1], {}, {"odd": [None]}, True, None]
    found: list[dict[str, Any]] = []
    for key, value in record.items():
        found.extend({**record, key: other} for other in odd)
        if isinstance(value, dict):
            found.extend({**record, key: inner} for inner in _shapes(cast("dict[str, Any]", value)))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            first, *rest = cast("list[dict[str, Any]]", value)
            found.extend({**record, key: [inner, *rest]} for inner in _shapes(first))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["2_1_220_fail", "2_1_178_pull_request", "1_0_98_side_chains"])
def test_a_field_of_another_shape_does_not_cost_its_record(write: Write, name: str) -> None:
    records = lines(name)
    chosen = {(record["type"], json.dumps(sorted(record))): record for record in records}.values()
    for record in chosen:
        place = records.index(record)
        for odd in _shapes(record):
            path = write([*records[:place], odd, *records[place + 1 :]])
            found, report = read(IMPORTER, path)
            path.unlink()
            assert report.skipped == 0, odd
            assert found


@pytest.mark.parametrize(
    "head",
    [
        b'{"checkpoint_id": "8cfa910f8ef9", "session_id": "2026-01-19-4931d45a", "agent": "Claude Code"}',
        b"Implement the following plan:\n\n# Plan\n",
        b'{"type":"system","subtype":"init","session_id":"004f","tools":[]}\n',
        b'{"hook_event_name":"Stop","session_id":"004f","transcript_path":"x.jsonl"}\n',
        b'{"timestamp":"2026-01-01T00:00:00Z","type":"session_meta","payload":{"id":"x"}}\n',
        b'{"type":"user","uuid":"a","parentUuid":null,"sessionId":"b","message":{"role":"user","parts":[]}}\n',
    ],
    ids=["metadata.json", "prompt.txt", "stream-json", "hooks", "codex", "qwen"],
)
def test_what_lies_beside_transcripts_is_not_taken_for_one(head: bytes) -> None:
    assert not IMPORTER.recognises(Path("full.jsonl"), head)


def test_a_first_line_longer_than_the_head_is_still_recognised() -> None:
    record = lines("2_1_178_pull_request")[-1]
    prompt = next(record for record in lines("2_1_178_pull_request") if record["type"] == "user")
    assert record
    prompt["message"]["content"] = "x" * 100_000
    assert IMPORTER.recognises(Path("x"), json.dumps(prompt, separators=(",", ":")).encode()[:65536])


def test_the_report_counts_what_was_read() -> None:
    report: Report = read(IMPORTER, sample("2_1_220_fail"))[1]
    assert report.records == len(lines("2_1_220_fail"))
