"""The tracker: every call is one event at once, and the events make a well-formed tree."""

import asyncio
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.capture.recorder import MOST_KEPT
from seasoned.capture.redact import Redactor
from seasoned.capture.sink import set_default_sink
from seasoned.capture.tracker import ExecutionTracker
from seasoned.errors import UnbalancedPhaseError, UsageError
from seasoned.model import Artifact, Event, ExecutionUpdate, Span, Trace, merge_traces
from seasoned.model.codec import decode_event, encode_event, encode_payload
from seasoned.model.ids import name_id
from seasoned.model.limits import ARGUMENTS_LIMIT, ERROR_LIMIT, PROMPT_LIMIT


class Record:
    """A sink that keeps what it is given; everything must survive the wire."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, event: Event, /) -> None:
        assert decode_event(encode_event(event)) == event
        self.events.append(event)

    def spans(self, kind: str | None = None) -> dict[str, Span]:
        """The last word on each span."""
        found = {span.span_id: span for one in self.events for span in one.update.spans}
        return {key: span for key, span in found.items() if kind is None or span.kind == kind}

    def trace(self, execution_id: str | None = None) -> Trace:
        """The pieces of one execution as the writer joins them, in the worst order."""
        pieces = [one.update.trace for one in reversed(self.events)]
        wanted = execution_id or pieces[-1].execution_id
        return reduce(merge_traces, [piece for piece in pieces if piece.execution_id == wanted])


def ticking(step_ms: int = 10) -> Callable[[], datetime]:
    times = (datetime(2026, 3, 1, tzinfo=UTC) + timedelta(milliseconds=step_ms * n) for n in range(10**9))
    return lambda: next(times)


@pytest.fixture
def record() -> Record:
    return Record()


def only(spans: dict[str, Span]) -> Span:
    (span,) = spans.values()
    return span


def test_a_whole_execution(record: Record) -> None:
    with ExecutionTracker("my-agent", prompt="Fix the login test", sink=record, clock=ticking()) as tracker:
        tracker.start_phase("analysis")
        tracker.record_tool_use("bash", {"command": "pytest -q"}, duration_ms=5, success=False, error="exit code 1")
        tracker.end_phase("analysis")
        tracker.record_llm_call("model-1", input_tokens=100, output_tokens=20, cache_read_tokens=5, duration_ms=900)
        tracker.record_llm_call("model-1", input_tokens=1, output_tokens=2, cost_usd=0.25)
        tracker.checkpoint("half-way", {"files": 3})
        trace = tracker.complete("Success", quality_score=0.9, artifacts=["src/login.py", Path("tests/test_login.py")])
    assert record.trace() == trace
    assert (trace.status, trace.outcome_tier, trace.outcome_confidence) == ("success", "explicit", 1.0)
    assert (trace.prompt, trace.agent_name, trace.source) == ("Fix the login test", "my-agent", "sdk")
    assert (trace.input_tokens, trace.output_tokens, trace.cache_read_tokens, trace.total_tokens_used) == (
        101,
        22,
        5,
        128,
    )
    assert (trace.api_calls_count, trace.model, trace.cost_usd, trace.quality_score) == (2, "model-1", 0.25, 0.9)
    assert trace.started_at is not None
    assert trace.completed_at is not None
    assert trace.duration_ms == (trace.completed_at - trace.started_at) // timedelta(milliseconds=1)

    tool = only(record.spans("tool"))
    assert (tool.name, tool.outcome, tool.error_message) == ("bash", "failure", "exit code 1")
    analysis = record.spans()[tool.parent_span_id or ""]
    assert (analysis.name, analysis.outcome, analysis.parent_span_id) == ("analysis", "success", None)
    assert [span.number for span in record.spans().values()] == [0, 1, 2, 3, 4]
    artifacts = record.events[-1].update.artifacts
    assert [(one.file_path, one.artifact_type, one.language) for one in artifacts] == [
        ("src/login.py", "source_code", "python"),
        ("tests/test_login.py", "test", "python"),
    ]


def test_events_are_named_and_addressed(record: Record) -> None:
    with ExecutionTracker("a", sink=record) as tracker:
        tracker.record_tool_use("read")
        tracker.complete("success")
    assert [one.topic for one in record.events] == ["agent-actions", "agent-actions", "task-executions"]
    assert {one.key for one in record.events} == {tracker.execution_id}
    assert len({one.event_id for one in record.events}) == 3
    assert {one.event_id[14] for one in record.events} == {"5"}
    assert tracker.execution_id[14] == "7"
    assert all(one.occurred_at.tzinfo is not None for one in record.events)


def test_every_call_is_with_the_sink_when_it_returns(record: Record) -> None:
    tracker = ExecutionTracker("a", sink=record)
    assert record.events == []
    calls: list[Callable[[], object]] = [
        lambda: tracker.start_phase("p"),
        lambda: tracker.record_tool_use("t"),
        lambda: tracker.record_llm_call("m"),
        lambda: tracker.record_error("e"),
        lambda: tracker.checkpoint("c"),
        lambda: tracker.end_phase("p"),
        tracker.complete,
    ]
    for number, call in enumerate(calls, 2):  # the first event says what the execution is
        call()
        assert len(record.events) == number
    assert record.trace().status == "unknown"
    assert record.trace().outcome_tier == "unknown"
    assert record.trace().outcome_confidence is None


def test_totals_stand_also_when_the_run_is_cut_short(record: Record) -> None:
    tracker = ExecutionTracker("a", sink=record)
    tracker.record_llm_call("m", input_tokens=7)
    tracker.record_llm_call("m", input_tokens=5)
    assert (record.trace().input_tokens, record.trace().status) == (12, "in_progress")


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ValueError("bad value"), "failure", "verdict"),
        (KeyboardInterrupt(), "aborted", "interruption"),
        (asyncio.CancelledError(), "aborted", "interruption"),
        (SystemExit(3), "failure", "verdict"),
    ],
)
def test_a_block_that_raises_says_why(record: Record, error: BaseException, status: str, kind: str) -> None:
    with pytest.raises(type(error)), ExecutionTracker("a", sink=record) as tracker:
        tracker.start_phase("work")
        raise error
    trace = record.trace()
    name = type(error).__name__
    assert (trace.status, trace.error_type, trace.error_message) == (status, name, str(error) or name)
    assert [signal.kind for signal in trace.outcome_evidence] == [kind]
    assert only(record.spans()).outcome == "failure"


def test_a_clean_exit_says_nothing(record: Record) -> None:
    with pytest.raises(SystemExit), ExecutionTracker("a", sink=record):
        sys.exit(0)
    assert record.trace().status == "unknown"


def test_an_outcome_once_stated_stands(record: Record) -> None:
    with pytest.raises(ValueError, match="late"), ExecutionTracker("a", sink=record) as tracker:
        tracker.complete(True)
        raise ValueError("late")
    assert record.trace().status == "success"


@pytest.mark.parametrize(
    ("outcome", "status"), [("FAILED", "failure"), (False, "failure"), ("aborted", "aborted"), (" Unknown ", "unknown")]
)
def test_outcomes_are_understood_in_any_case(record: Record, outcome: str | bool, status: str) -> None:
    assert ExecutionTracker("a", sink=record).complete(outcome).status == status


def test_calls_that_make_no_sense_are_refused_and_record_nothing(record: Record) -> None:
    tracker = ExecutionTracker("a", sink=record)
    tracker.record_tool_use("x")
    before = len(record.events)
    refused: list[Callable[[], object]] = [
        lambda: tracker.complete("great"),
        lambda: tracker.complete("success", quality_score=1.5),
        lambda: tracker.complete("success", artifacts=[""]),
        lambda: tracker.record_tool_use("x", duration_ms=-1),
        lambda: tracker.record_tool_use("x", duration_ms=float("nan")),
        lambda: tracker.record_llm_call("m", input_tokens=-1),
        lambda: tracker.start_phase(""),
        lambda: ExecutionTracker(""),
        lambda: ExecutionTracker("a", root_id="r"),
        lambda: ExecutionTracker("a", clock=lambda: datetime(2026, 1, 1)),  # noqa: DTZ001
    ]
    for call in refused:
        with pytest.raises(UsageError):
            call()
    assert len(record.events) == before
    tracker.complete("success")
    with pytest.raises(UsageError, match="complete already"):
        tracker.complete("success")
    with pytest.raises(UsageError, match="new tracker"), tracker:
        pass


def test_unbalanced_phases_are_named(record: Record) -> None:
    tracker = ExecutionTracker("a", sink=record)
    tracker.start_phase("outer")
    tracker.start_phase("inner")
    with pytest.raises(UnbalancedPhaseError, match="'outer' cannot end before 'inner'"):
        tracker.end_phase("outer")
    with pytest.raises(UnbalancedPhaseError, match=r"'other' is not open \(open phases: 'outer' > 'inner'\)"):
        tracker.end_phase("other")
    with pytest.raises(UnbalancedPhaseError, match="'inner' is still open"):
        tracker.complete("success")
    tracker.end_phase("inner")
    tracker.end_phase("outer", success=False)
    with pytest.raises(UnbalancedPhaseError, match="'outer' is not open"):
        tracker.end_phase("outer")
    assert [span.outcome for span in record.spans().values()] == ["failure", "success"]
    assert tracker.complete("success").status == "success"


def test_a_block_that_leaves_a_phase_open_is_recorded_and_refused(record: Record) -> None:
    with pytest.raises(UnbalancedPhaseError, match="'left'"), ExecutionTracker("a", sink=record) as tracker:
        tracker.start_phase("left")
    assert record.trace().status == "unknown"
    assert only(record.spans()).outcome == "cancelled"


def test_a_phase_block_fails_with_its_body(record: Record) -> None:
    tracker = ExecutionTracker("a", sink=record)
    with pytest.raises(OSError, match="gone"), tracker.phase("risky") as span_id:
        raise OSError("gone")
    assert (record.spans()[span_id].outcome, record.spans()[span_id].error_message) == ("failure", "gone")


def test_a_tracker_inside_another_is_its_child(record: Record) -> None:
    with ExecutionTracker("lead", sink=record, namespace="team", session_id="s", clock=ticking()) as lead:
        assert ExecutionTracker.current() is lead
        with ExecutionTracker("reviewer") as child, ExecutionTracker("linter") as grandchild:
            grandchild.record_tool_use("ruff")
        assert ExecutionTracker.current() is lead
    assert ExecutionTracker.current() is None
    chains = [record.trace(one.execution_id) for one in (lead, child, grandchild)]
    assert [one.agent_chain for one in chains] == [("lead",), ("lead", "reviewer"), ("lead", "reviewer", "linter")]
    assert [one.parent_id for one in chains] == [None, lead.execution_id, child.execution_id]
    assert [one.root_id for one in chains] == [None, lead.execution_id, lead.execution_id]
    assert {(one.namespace, one.session_id, one.correlation_id) for one in chains} == {("team", "s", lead.execution_id)}
    assert only(record.spans("tool")).parent_span_id is None


def test_an_execution_of_another_process_is_continued_by_its_ids(record: Record) -> None:
    parent, root = name_id("parent"), name_id("root")
    tracker = ExecutionTracker("a", sink=record, correlation_id="c", parent_id=parent.upper(), root_id=root)
    trace = tracker.complete()
    assert (trace.correlation_id, trace.parent_id, trace.root_id) == ("c", parent, root)
    with pytest.raises(UsageError, match="parent_id is the UUID of an execution, not 'my parent'"):
        ExecutionTracker("a", sink=record, parent_id="my parent")


def test_foreign_text_and_amounts_make_no_event_that_a_store_refuses(record: Record) -> None:
    tracker = ExecutionTracker("a\0\ud800", sink=record, session_id="s\0", user_id="\ud800", correlation_id="c\0")
    with pytest.raises(UsageError, match="cost_usd"):
        tracker.record_llm_call("m", cost_usd=float("inf"))
    tracker.complete()
    lines = b"".join(encode_event(event) for event in record.events)
    assert b"\\u0000" not in lines
    assert next(event.update.trace.session_id for event in record.events) == "s\ufffd"


def test_the_default_sink_brings_its_namespace(record: Record) -> None:
    set_default_sink(lambda: record, lambda: "team")
    try:
        assert ExecutionTracker("a").complete().namespace == "team"
        assert ExecutionTracker("a", namespace="own").complete().namespace == "own"
        assert ExecutionTracker("a", sink=record).complete().namespace == "default"
    finally:
        set_default_sink(None)
    assert ExecutionTracker("a", sink=record).trace.namespace == "default"


@dataclass(frozen=True)
class Bundle:
    name: str


def test_an_agent_may_be_anything_with_a_name(record: Record) -> None:
    assert ExecutionTracker(Bundle("bundled"), sink=record).trace.agent_name == "bundled"


def test_each_call_of_a_decorated_function_is_an_execution(record: Record) -> None:
    @ExecutionTracker("worker", sink=record)
    def work(number: int) -> int:
        tracker = ExecutionTracker.current()
        assert tracker is not None
        tracker.record_tool_use("count")
        return 10 // number

    @ExecutionTracker("waiter", sink=record)
    async def wait(number: int) -> int:
        await asyncio.sleep(0)
        return work(number)

    assert work(2) == 5
    with pytest.raises(ZeroDivisionError):
        work(0)
    assert asyncio.run(wait(5)) == 2
    assert work.__name__ == "work"
    ended = [one.update.trace for one in record.events if one.topic == "task-executions"]
    assert [(one.agent_name, one.status) for one in ended] == [
        ("worker", "unknown"),
        ("worker", "failure"),
        ("worker", "unknown"),
        ("waiter", "unknown"),
    ]
    assert ended[2].parent_id == ended[3].execution_id

    def generate() -> Iterator[int]:
        yield 1

    with pytest.raises(UsageError, match="generator"):
        ExecutionTracker("a", sink=record)(generate)


def test_asyncio_tasks_nest_each_in_its_own_way(record: Record) -> None:
    async def step(tracker: ExecutionTracker, name: str, started: asyncio.Event, go_on: asyncio.Event) -> None:
        tracker.start_phase(name)
        started.set()
        await go_on.wait()
        tracker.record_tool_use(f"tool of {name}")
        tracker.end_phase(name)

    async def run() -> None:
        async with ExecutionTracker("a", sink=record) as tracker:
            tracker.start_phase("both")
            one, two, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
            tasks = [
                asyncio.create_task(step(tracker, "one", one, go_on)),
                asyncio.create_task(step(tracker, "two", two, go_on)),
            ]
            await one.wait()
            await two.wait()
            tracker.record_tool_use("meanwhile")
            go_on.set()
            await asyncio.gather(*tasks)
            tracker.end_phase("both")

    asyncio.run(run())
    spans = record.spans()
    above = {span.name: spans[span.parent_span_id].name for span in spans.values() if span.parent_span_id}
    assert above == {"one": "both", "two": "both", "tool of one": "one", "tool of two": "two", "meanwhile": "both"}


def test_threads_record_below_the_phase_of_the_thread_that_made_the_tracker(record: Record) -> None:
    with ExecutionTracker("a", sink=record) as tracker:
        tracker.start_phase("fan-out")

        def work(number: int) -> None:
            assert ExecutionTracker.current() is None
            tracker.start_phase(f"phase {number}")
            for _ in range(50):
                tracker.record_tool_use(f"tool {number}")
            tracker.end_phase(f"phase {number}")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        thread = threading.Thread(target=tracker.record_tool_use, args=("alone",))
        thread.start()
        thread.join()
        tracker.end_phase("fan-out")
    spans = record.spans()
    assert len(spans) == 1 + 4 * 51 + 1
    assert len({one.event_id for one in record.events}) == len(record.events)
    assert sorted(span.number for span in spans.values()) == list(range(len(spans)))
    for span in spans.values():
        parent = spans[span.parent_span_id].name if span.parent_span_id else None
        expected = {"tool": f"phase {span.name[5:]}", "phase": "fan-out" if span.name != "fan-out" else None}[span.kind]
        assert parent == ("fan-out" if span.name == "alone" else expected)


def test_a_phase_begun_in_one_thread_may_end_in_another(record: Record) -> None:
    tracker = ExecutionTracker("a", sink=record)
    thread = threading.Thread(target=tracker.start_phase, args=("handed over",))
    thread.start()
    thread.join()
    tracker.end_phase("handed over")
    assert only(record.spans()).outcome == "success"


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("must not be asked")

    __str__ = __repr__


def test_arguments_of_any_kind_are_kept_within_limits(record: Record) -> None:
    loop: list[object] = []
    loop.append(loop)
    wide: object = 1
    for _ in range(12):
        wide = [wide] * 40
    tracker = ExecutionTracker("a", prompt="x" * 10**6, sink=record, context={"client": Hostile()})
    tracker.record_tool_use(
        "any",
        {
            "object": Hostile(),
            "bytes": b"\0" * 10**6,
            "loop": loop,
            "wide": wide,
            "set": {3, 1, 2},
            "path": Path("a/b"),
            "when": datetime(2026, 1, 1, tzinfo=UTC),
            "nan": float("nan"),
            "big": 2**80,
            "text": "y" * 10**6,
            "lone": "\ud800\0",
            "event": record,
        },
        result={"rows": [1, 2, Hostile()]},
    )
    span = only(record.spans())
    kept = span.arguments or {}
    assert kept["object"] == "<Hostile>"
    assert kept["bytes"] == "<1000000 bytes>"
    assert (kept["path"], kept["when"]) == ("a/b", "2026-01-01 00:00:00+00:00")
    assert (kept["nan"], kept["big"]) == ("nan", str(2**80))
    assert kept["set"] == [1, 2, 3]
    assert kept["lone"] == "\ufffd\ufffd"
    assert len(encode_event(record.events[-1])) < 40 * ARGUMENTS_LIMIT
    assert span.result_preview == '{"rows":[1,2,"<Hostile>"]}'
    assert len(record.trace().prompt or "") < PROMPT_LIMIT + 100


def test_errors_are_kept_with_what_led_to_them(record: Record) -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    tracker = ExecutionTracker("a", sink=record)
    try:
        raise ValueError("z" * 10**5)
    except ValueError as error:
        first = tracker.record_error(error, {"file": "a.py"})
    second = tracker.record_error(OddError())
    span = record.spans()[first]
    assert (span.outcome, span.error_type, (span.attributes or {})["file"]) == ("failure", "ValueError", "a.py")
    assert len(span.error_message or "") < ERROR_LIMIT + 100
    assert "test_errors_are_kept" in str((span.attributes or {})["stack"])
    assert record.spans()[second].error_type == "OddError"


def test_an_artifact_record_is_put_under_its_execution(record: Record) -> None:
    given_artifact = Artifact(artifact_id="i", execution_id="?", file_path="a.md", artifact_type="documentation")
    tracker = ExecutionTracker("a", sink=record)
    tracker.complete(True, artifacts=[given_artifact])
    assert [one.execution_id for one in record.events[-1].update.artifacts] == [tracker.execution_id]


def test_a_clock_that_is_put_back_gives_no_negative_duration(record: Record) -> None:
    times = iter([datetime(2026, 3, 1, 12, tzinfo=UTC), *[datetime(2026, 3, 1, 11, tzinfo=UTC)] * 9])
    tracker = ExecutionTracker("a", sink=record, clock=lambda: next(times))
    tracker.start_phase("p")
    tracker.end_phase("p")
    assert tracker.complete().duration_ms == 0
    assert only(record.spans()).duration_ms == 0


def test_without_a_sink_the_application_s_is_used(record: Record) -> None:
    set_default_sink(None)
    with pytest.raises(UsageError, match="nowhere"):
        ExecutionTracker("a").record_tool_use("x")
    set_default_sink(lambda: record)
    try:
        ExecutionTracker("a").record_tool_use("x")
    finally:
        set_default_sink(None)
    assert len(record.events) == 2


def test_what_is_returned_holds_the_calls_up_to_a_bound(record: Record) -> None:
    tracker = ExecutionTracker("a", sink=record, clock=ticking())
    tracker.start_phase("work")
    for number in range(MOST_KEPT + 5):
        tracker.record_tool_use(f"t{number}")
    tracker.end_phase("work")
    tracker.start_phase("late")
    tracker.end_phase("late")
    trace = tracker.complete("success")
    assert len(trace.spans) == MOST_KEPT
    assert trace.spans_left_out == 5 + 1 + 1  # the first phase takes a place, the second finds none
    assert [span.number for span in trace.spans] == list(range(MOST_KEPT))
    assert (trace.spans[0].name, trace.spans[0].outcome) == ("work", "success")
    assert trace.spans == tuple(record.spans().values())[:MOST_KEPT]
    assert trace == record.trace() == trace.bare
    assert trace != replace(trace, status="failure")
    assert pickle.loads(pickle.dumps(trace)).spans == trace.spans


def test_what_is_returned_takes_no_raw_calls_to_the_log() -> None:
    tracker = ExecutionTracker("a", sink=Record())
    tracker.record_tool_use("bash", {"command": "raw text"})
    update = Redactor(b"k" * 32).update(ExecutionUpdate(trace=tracker.complete("success")))
    assert type(update.trace) is Trace
    assert b"raw text" not in encode_payload(update)


def test_a_forked_child_gives_ids_of_its_own(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from seasoned.bus import Spool
from seasoned.capture.tracker import ExecutionTracker
tracker = ExecutionTracker("a", sink=Spool(Path(sys.argv[1])))
tracker.record_tool_use("before")
if os.fork() == 0:
    tracker.record_tool_use("child")
    os._exit(0)
os.wait()
tracker.record_tool_use("parent")
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    events = [decode_event(line) for path in tmp_path.iterdir() for line in path.read_bytes().splitlines()]
    assert len({one.event_id for one in events}) == 4
    assert {span.name for one in events for span in one.update.spans} == {"before", "child", "parent"}
    assert len({span.span_id for one in events for span in one.update.spans}) == 3


@dataclass(frozen=True)
class Node:
    kind: str
    inner: list["Node"]


def nodes_around(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.builds(Node, st.sampled_from(["phase", "agent"]), st.lists(inner, max_size=4))


Tree = st.recursive(
    st.builds(Node, st.sampled_from(["tool", "llm", "error", "checkpoint"]), st.just(list[Node]())),
    nodes_around,
    max_leaves=25,
)


def play(tracker: ExecutionTracker, node: Node) -> None:
    match node.kind:
        case "tool":
            tracker.record_tool_use("t", {"n": 1}, duration_ms=1)
        case "llm":
            tracker.record_llm_call("m", input_tokens=1)
        case "error":
            tracker.record_error("e")
        case "checkpoint":
            tracker.checkpoint("c")
        case "phase":
            tracker.start_phase("p")
            for child in node.inner:
                play(tracker, child)
            tracker.end_phase("p")
        case _:
            with ExecutionTracker("sub") as sub:
                for child in node.inner:
                    play(sub, child)


@given(st.lists(Tree, max_size=5))
def test_well_nested_calls_give_well_formed_trees(nodes: list[Node]) -> None:
    record = Record()
    with ExecutionTracker("root", sink=record, clock=ticking()) as tracker:
        for node in nodes:
            play(tracker, node)
    spans = record.spans()
    for span in spans.values():
        assert span.outcome != "unknown" or span.kind in {"tool", "llm"}
        assert span.duration_ms is not None or span.kind == "llm"
        if span.parent_span_id is not None:
            parent = spans[span.parent_span_id]
            assert parent.execution_id == span.execution_id
            assert parent.number < span.number
            assert parent.kind == "phase"
    traces = {
        one.update.trace.execution_id: one.update.trace for one in record.events if one.topic == "task-executions"
    }
    for trace in traces.values():
        numbers = sorted(span.number for span in spans.values() if span.execution_id == trace.execution_id)
        assert numbers == list(range(len(numbers)))
        if trace.parent_id is None:
            assert trace.execution_id == tracker.execution_id
        else:
            assert trace.root_id == tracker.execution_id
            assert trace.agent_chain[:-1] == traces[trace.parent_id].agent_chain
    assert all(early.occurred_at <= late.occurred_at for early, late in pairwise(record.events[1:]))
    assert len({one.event_id for one in record.events}) == len(record.events)
