"""What programs report: each event read alone, and all of them together the execution that the tracker would give."""

import errno
import json
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any
from uuid import UUID

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from seasoned.answers.rates import Rates
from seasoned.capture.redact import Redactor
from seasoned.capture.reported_events import EVENT_TYPES, Said, filed_event, reported_event, said_by
from seasoned.capture.tracker import ExecutionTracker
from seasoned.doors.service.events import MOST_LINE_BYTES, Intake, event_routes
from seasoned.errors import AccessDeniedError, ValidationError
from seasoned.model import Event, ExecutionUpdate, Identity, Span, Trace, merge_traces
from seasoned.model.codec import decode_event, encode_event
from seasoned.model.ids import new_id
from seasoned.workers.spooling import cleaned

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
BEGAN = NOW - timedelta(seconds=10)
RUN = new_id(BEGAN)


def event(kind: Any, values: dict[str, Any], *, now: datetime = NOW, **said: Any) -> Event:
    found = reported_event(kind, values, Said(**(said or {"correlation_id": RUN})), namespace="default", now=now)
    assert decode_event(encode_event(found)) == found
    return found


def update(found: Event) -> ExecutionUpdate:
    assert isinstance(found.payload, ExecutionUpdate)
    return found.payload


def trace(*events: Event) -> Trace:
    return reduce(merge_traces, [update(each).trace for each in events])


def span(kind: str, **values: Any) -> Span:
    (found,) = update(event(kind, values)).spans
    return found


WHOLE: list[tuple[str, dict[str, Any]]] = [
    (
        "prompt",
        {"prompt": "Publish it", "agent": "release", "session_id": "s1", "tags": ["ci"], "timestamp": 1777895990},
    ),
    ("tool", {"tool": "make", "arguments": {"target": "dist"}, "exit_code": 2, "duration_ms": 40, "error": "no rule"}),
    ("llm", {"model": "m1", "input_tokens": 7, "output_tokens": 3, "success": True, "duration_ms": 900}),
    ("error", {"message": "gave up", "error_type": "Stop"}),
    (
        "complete",
        {"success": False, "quality_score": 0.25, "artifacts": ["src/a.py", {"file": "b.md", "lines_added": 3}]},
    ),
]


def test_the_same_rows_as_the_tracker_gives() -> None:
    written: list[Event] = []

    class Sink:
        def write(self, event: Event, /) -> None:
            written.append(event)

    with ExecutionTracker(
        "release", prompt="Publish it", session_id="s1", tags=["ci"], sink=Sink(), clock=lambda: BEGAN
    ) as run:
        run.record_tool_use("make", {"target": "dist"}, 40, success=False, error="no rule")
        run.record_llm_call("m1", input_tokens=7, output_tokens=3, duration_ms=900, success=True)
        run.record_error("gave up")
        run.complete("failure", quality_score=0.25, artifacts=["src/a.py", "b.md"])
    events = [event(kind, values, correlation_id=run.execution_id) for kind, values in WHOLE]
    theirs, ours = trace(*written), trace(*events)
    same = (
        "execution_id namespace correlation_id root_id parent_id session_id agent_name agent_chain prompt status "
        "outcome_tier outcome_confidence outcome_evidence quality_score tags"
    )
    for name in same.split():
        assert getattr(ours, name) == getattr(theirs, name), name
    spans = [[each for one in some for each in update(one).spans] for some in (events, written)]
    for name in ("kind", "name", "tool", "model", "duration_ms", "outcome", "arguments", "tokens"):
        assert [getattr(each, name) for each in spans[0][:2]] == [getattr(each, name) for each in spans[1][:2]], name
    assert [each.error_message for each in spans[0]] == [each.error_message for each in spans[1]]
    artifacts = [
        {each.artifact_id: each.artifact_type for one in some for each in update(one).artifacts}
        for some in (events, written)
    ]
    assert artifacts[0] == artifacts[1]


@given(st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(chance: random.Random) -> None:
    events = [event(kind, values, now=NOW + timedelta(seconds=n)) for n, (kind, values) in enumerate(WHOLE)]
    expected = trace(*events)
    shuffled = [*events, *events]
    chance.shuffle(shuffled)
    assert trace(*shuffled) == expected
    assert (expected.status, expected.prompt, expected.started_at) == (
        "failure",
        "Publish it",
        BEGAN.replace(microsecond=0),
    )
    assert expected.duration_ms == 14_000


def test_of_two_endings_the_later_one_holds() -> None:
    first = event("complete", {"success": False}, now=NOW)
    second = event("complete", {"success": True}, now=NOW + timedelta(seconds=1))
    assert trace(first, second).status == trace(second, first).status == "success"


def test_whose_an_event_is() -> None:
    plain = event("tool", {"tool": "t"}, correlation_id="build 17")
    assert UUID(update(plain).trace.execution_id).version == 5
    assert (plain.correlation_id, plain.key) == ("build 17", "build 17")
    again = event("complete", {}, correlation_id="build 17")
    assert update(again).trace.execution_id == update(plain).trace.execution_id
    elsewhere = reported_event("complete", {}, Said(correlation_id="build 17"), namespace="other", now=NOW)
    assert update(elsewhere).trace.execution_id != update(plain).trace.execution_id

    own = event("tool", {"tool": "t"}, correlation_id=RUN, execution_id=new_id(NOW))
    assert update(own).trace.execution_id != RUN
    said = event(
        "tool", {"tool": "t", "execution_id": RUN.upper(), "correlation_id": "c"}, execution_id="other", event_id="1"
    )
    assert (update(said).trace.execution_id, said.correlation_id) == (RUN, "c"), "what an event says itself goes first"
    with pytest.raises(ValidationError, match="X-Correlation-ID or X-Execution-ID"):
        event("tool", {"tool": "t"}, event_id="1")


def test_parents() -> None:
    above = new_id(BEGAN)
    child = trace(event("tool", {"tool": "t"}, correlation_id=RUN, parent_id=above, root_id="the top"))
    assert child.parent_id == above
    assert UUID(child.root_id or "").version == 5
    only = trace(event("tool", {"tool": "t"}, correlation_id=RUN, parent_id=above))
    assert (only.parent_id, only.root_id) == (above, above)
    itself = trace(event("tool", {"tool": "t"}, correlation_id=RUN, parent_id=RUN, root_id=RUN.upper()))
    assert (itself.parent_id, itself.root_id) == (None, None)


def test_the_same_content_is_one_event_and_an_id_tells_more_apart() -> None:
    assert event("tool", {"tool": "t"}).event_id == event("tool", {"tool": "t"}, now=NOW + timedelta(1)).event_id
    by_id = [event("tool", {"tool": tool}, correlation_id=RUN, event_id="7") for tool in "ab"]
    assert by_id[0].event_id == by_id[1].event_id
    others = [
        event("tool", {"tool": "t"}),
        event("hook", {"name": "t"}),
        event("tool", {"tool": "u"}),
        event("tool", {"tool": "t"}, correlation_id="c"),
        event("tool", {"tool": "t", "timestamp": 1777895990}),
        event("tool", {"tool": "t"}, correlation_id=RUN, timestamp="1777895990123"),
        *by_id[:1],
    ]
    assert len({each.event_id for each in others}) == len(others)
    assert len({update(each).spans[0].span_id for each in others}) == len(others)


def test_times() -> None:
    told = event("tool", {"tool": "t", "duration_ms": 1500}, correlation_id=RUN, timestamp="1777895995250")
    (found,) = update(told).spans
    assert told.occurred_at == datetime(2026, 5, 4, 11, 59, 55, 250_000, UTC)
    assert found.started_at == told.occurred_at - timedelta(seconds=1.5)
    later = span("tool", tool="t", timestamp="2026-05-04T13:59:56+02:00")
    assert 0 < found.number < later.number < 10_000_000, "microseconds since the id was made"
    assert span("tool", tool="t").number == 10_000_000
    unknown = update(event("tool", {"tool": "t"}, correlation_id="c")).spans[0]
    assert unknown.number == int(NOW.timestamp() * 1_000_000)
    assert trace(event("tool", {"tool": "t"}, correlation_id="c")).started_at is None
    assert trace(event("complete", {"duration_ms": 500}, correlation_id="c")).started_at == NOW - timedelta(seconds=0.5)


@pytest.mark.parametrize(
    ("values", "outcome", "kind"),
    [
        ({}, "unknown", None),
        ({"success": True, "exit_code": 1}, "success", None),
        ({"success": False, "exit_code": 1}, "failure", "exit_code"),
        ({"exit_code": 0}, "success", None),
        ({"exit_code": -9}, "failure", "exit_code"),
        ({"status_code": 204}, "success", None),
        ({"status_code": 404}, "failure", "http_404"),
        ({"outcome": "Rejected"}, "rejected", None),
        ({"status": "ok", "exit_code": 3}, "success", None),
        ({"error": "no"}, "failure", "error"),
        ({"error": {"type": "Timeout", "message": "no"}}, "failure", "Timeout"),
        ({"error": ""}, "unknown", None),
    ],
)  # fmt: skip
def test_how_a_call_went(values: dict[str, Any], outcome: str, kind: str | None) -> None:
    found = span("tool", tool="t", **values)
    assert (found.outcome, found.error_type) == (outcome, kind)


def test_each_type_has_its_span() -> None:
    assert span("hook", hook_name="pre-commit", success=True).kind == "hook"
    assert span("endpoint", name="GET /x", status_code=200, latency_ms=12).duration_ms == 12
    routed = span("routing", selected_agent="coder", confidence=0.8, candidates=["coder", "tester"])
    assert (routed.kind, routed.name, routed.duration_ms) == ("phase", "coder", None)
    assert routed.attributes == {"mark": "routing", "confidence": 0.8, "candidates": ["coder", "tester"]}
    error = span("error", message="boom", stack="line 1")
    assert (error.kind, error.outcome, error.error_message, error.duration_ms) == ("phase", "failure", "boom", 0)
    assert error.attributes == {"mark": "error", "stack": "line 1"}
    model = span("llm", model="m", input_tokens=5, cache_read_tokens=2, response="hello")
    assert (model.tokens, model.result_preview) == (7, "hello")
    assert model.attributes == {"input_tokens": 5, "cache_read_tokens": 2}
    tool = span(
        "tool", tool_name="Read", input={"path": "a"}, files="a", output={"n": 1}, note="kept", parent_span_id=RUN
    )
    assert (tool.arguments, tool.files, tool.result_preview) == ({"path": "a"}, ("a",), '{"n":1}')
    assert (tool.attributes, tool.parent_span_id) == ({"note": "kept"}, RUN)


@pytest.mark.parametrize(
    ("kind", "values", "named"),
    [
        ("prompt", {}, "prompt is needed"),
        ("prompt", {"prompt": "  "}, "prompt is needed"),
        ("prompt", {"prompt": ["a"]}, "prompt is text, not a list"),
        ("tool", {}, "tool is needed"),
        ("llm", {"input_tokens": 1}, "model is needed: the name of the model"),
        ("llm", {"model": "m", "input_tokens": -1}, "input_tokens is a whole number"),
        ("llm", {"model": "m", "input_tokens": 1.5}, "input_tokens is a whole number"),
        ("error", {}, "message is needed"),
        ("tool", {"tool": "t", "duration_ms": -1}, "duration_ms is a number of milliseconds from 0 to ten years, not -1"),
        ("tool", {"tool": "t", "duration_ms": "5"}, "duration_ms is a number"),
        ("tool", {"tool": "t", "duration_ms": 10**400}, "duration_ms is a number"),
        ("tool", {"tool": "t", "success": "yes"}, "success is true or false, not 'yes'"),
        ("tool", {"tool": "t", "success": "AKIA-secret-0"}, "success is true or false, not text"),
        ("tool", {"tool": "t", "outcome": "superb"}, "allowed are"),
        ("tool", {"tool": "t", "exit_code": "1"}, "exit_code is a whole number"),
        ("tool", {"tool": "t", "timestamp": "soon"}, "timestamp is a time"),
        ("tool", {"tool": "t", "timestamp": "1066-10-14"}, "before 2000 or still to come"),
        ("tool", {"tool": "t", "timestamp": "2099-01-01"}, "before 2000 or still to come"),
        ("tool", {"tool": "t", "files": [1]}, "files is a list of texts"),
        ("tool", {"tool": "t", "arguments": [1]}, "arguments is an object, not a list"),
        ("tool", {"tool": "t", "parent_span_id": "7"}, "parent_span_id is a UUID"),
        ("tool", {"tool": "t", "event_type": "hook"}, "another one than that of the address"),
        ("tool", {"tool": "t", "execution_id": True}, "execution_id is text or a number"),
        ("tool", {"tool": "t", "execution_id": "a\nb"}, "execution_id is printable text"),
        ("tool", {"tool": "t", "execution_id": "x" * 201}, "at most 200 characters"),
        ("complete", {"quality_score": 1.5}, "quality_score is a number from 0 to 1, not 1.5"),
        ("complete", {"outcome": "superb"}, "outcome 'superb' is none of"),
        ("complete", {"artifacts": [{"lines_added": 1}]}, "artifact 1: it needs a `file`"),
        ("complete", {"artifacts": [5]}, "artifacts is a list of paths or objects"),
        ("complete", {"artifacts": ["a"] * 201}, "artifacts has 201 entries; 200 are allowed"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(kind: str, values: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named) as error:
        event(kind, values)
    assert "secret" not in str(error.value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
FIELDS = st.sampled_from(
    "prompt tool name model message error duration_ms success outcome exit_code arguments result files timestamp "
    "started_at execution_id event_id artifacts tags tokens quality_score context agent agent_chain".split()
)


@given(st.sampled_from(EVENT_TYPES), st.dictionaries(FIELDS | st.text(), ANYTHING, max_size=8))
def test_whatever_is_sent_is_taken_or_refused_with_a_reason(kind: Any, values: dict[str, Any]) -> None:
    try:
        found = event(
            kind, {"tool": "t", "model": "m", "prompt": "p", "hook": "h", "endpoint": "e", "message": "m"} | values
        )
    except ValidationError as error:
        assert str(error)
    else:
        assert found == event(
            kind, {"tool": "t", "model": "m", "prompt": "p", "hook": "h", "endpoint": "e", "message": "m"} | values
        )


def test_a_file_of_the_inbox_is_the_same_event() -> None:
    headers = {
        "X-Correlation-ID": RUN,
        "X-Root-ID": "",
        "X-Parent-ID": RUN,
        "X-Event-ID": "e",
        "X-Event-Time": "1777895990000",
    }
    filed = filed_event(
        {"event_type": "tool", "headers": headers, "event": {"tool": "t"}}, namespace="default", now=NOW
    )
    assert filed == event("tool", {"tool": "t"}, correlation_id=RUN, event_id="e", timestamp="1777895990000")
    assert said_by({"x-execution-id": "7", "Accept": "*/*"}) == Said(execution_id="7")
    wrongs: list[dict[str, Any]] = [
        {},
        {"event_type": "tool"},
        {"event_type": "other", "headers": {}, "event": {}},
        {"event_type": [], "headers": {}, "event": {}},
        {"event_type": "tool", "headers": [], "event": {}},
    ]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            filed_event(wrong, namespace="default", now=NOW)


# -- the route -----------------------------------------------------------------------------------------------
WHO = Identity(namespace="default", agent_id="scripty", role="agent")


class Shelf:
    """A spool of which nothing is drained, with room for so many events."""

    def __init__(self, room: int = 10**9, error: int = errno.ENOSPC) -> None:
        self.lines: list[Event] = []
        self.room = room
        self.why_lost: OSError | None = None
        self.error = error

    def write(self, event: Event) -> bool:
        if len(self.lines) >= self.room:
            self.why_lost = OSError(self.error, "Not today")
            return False
        self.lines.append(event)
        return True


def caller(_: object) -> Identity:
    return WHO


def clock() -> datetime:
    return NOW


def post(
    shelf: Shelf, kind: str, content: Any, headers: dict[str, str] | None = None, **intake: Any
) -> httpx2.Response:
    """Over the client's whole stack, in this process."""
    given: dict[str, Any] = {"spool": shelf, "caller": caller, "now": clock, **intake}

    async def main() -> httpx2.Response:
        transport = httpx2.ASGITransport(Starlette(routes=event_routes(Intake(**given))))
        async with httpx2.AsyncClient(transport=transport, base_url="http://local") as client:
            sent = {"Content-Type": "application/json", "X-Correlation-ID": RUN, **(headers or {})}
            return await client.post(f"/api/traces/{kind}", content=content, headers=sent)

    return anyio.run(main)


NDJSON = {"Content-Type": "application/x-ndjson"}


def test_one_an_array_and_lines() -> None:
    shelf = Shelf()
    one = post(shelf, "tool", b'{"tool": "a"}')
    assert one.status_code == 202
    (named,) = one.json()["events"]
    (kept,) = update(shelf.lines[0]).spans
    assert named == {
        "event_id": shelf.lines[0].event_id,
        "execution_id": RUN,
        "correlation_id": RUN,
        "span_id": kept.span_id,
    }
    many = post(shelf, "tool", json.dumps([{"tool": "b"}, {}, {"tool": "c"}]).encode()).json()
    assert (many["accepted"], many["rejected_count"]) == (2, 1)
    assert many["rejected"] == [{"place": "event 2", "reason": "tool is needed: the name of the tool."}]
    lines = post(shelf, "tool", b'{"tool":"d"}\n\n{"tool":\r\n{"tool":"\xff"}\r\n[]\n{"tool":"e"}', NDJSON).json()
    assert (lines["accepted"], [each["place"] for each in lines["rejected"]]) == (3, ["line 3", "line 5"])
    assert [update(each).spans[0].tool for each in shelf.lines] == ["a", "b", "c", "d", "\ufffd", "e"]
    assert post(shelf, "tool", b"[]").json()["accepted"] == 0


def test_an_event_id_for_many_names_each() -> None:
    shelf = Shelf()
    for _ in range(2):
        post(shelf, "tool", b'[{"tool":"a"},{"tool":"a"},{"tool":"a","event_id":"own"}]', {"X-Event-ID": "batch"})
    assert len(shelf.lines) == 6
    assert len({each.event_id for each in shelf.lines}) == 3


@given(st.lists(st.integers(1, 40), max_size=12))
def test_lines_are_lines_however_they_are_cut(cuts: list[int]) -> None:
    body = b'{"tool":"a"}\nno\n{"tool":"b","result":"' + b"x" * 100 + b'"}\n{"tool":"c"}'

    async def parts() -> AsyncIterator[bytes]:
        place = 0
        for cut in cuts:
            yield body[place : place + cut]
            place += cut
        yield body[place:]

    shelf = Shelf()
    answer = post(shelf, "tool", parts(), NDJSON).json()
    assert (answer["accepted"], answer["rejected"][0]["place"]) == (3, "line 2")


def test_a_line_that_is_too_long_costs_no_other() -> None:
    shelf = Shelf()
    body = b'{"tool":"a"}\n' + b'{"tool":"b","result":"' + b"x" * MOST_LINE_BYTES + b'"}\n{"tool":"c"}'
    answer = post(shelf, "tool", body, NDJSON).json()
    assert (answer["accepted"], answer["rejected"]) == (2, [{"place": "line 2", "reason": "A line has at most 1 MiB."}])


def refused(answer: httpx2.Response, status: int, said: str) -> Any:
    document = answer.json()
    assert (answer.status_code, document["status"]) == (status, status), document
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert said in document["detail"]
    return document


def test_requests_that_are_none() -> None:
    shelf = Shelf()
    assert refused(post(shelf, "other", b"{}"), 404, "prompt, tool, llm")["allowed"] == list(EVENT_TYPES)
    for kind in ("text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data"):
        refused(post(shelf, "tool", b"{}", {"Content-Type": kind}), 415, "application/json or application/x-ndjson")
    refused(post(shelf, "tool", b"{}", {"Content-Type": "application/json; charset=utf-16"}), 415, "UTF-8")
    refused(post(shelf, "tool", b"{}", {"Content-Encoding": "gzip"}), 415, "not compressed")
    for body in (b"", b"{", b'{"tool":"\\ud800"}', b"[" * 100_000, b"{}{}"):
        refused(post(shelf, "tool", body), 400, "no JSON")
    refused(post(shelf, "tool", b"", NDJSON), 400, "empty")
    refused(post(shelf, "tool", b"a" * (5 << 20)), 413, "at most 4 MiB")
    refused(post(shelf, "tool", b"\n" * (65 << 20), NDJSON), 413, "at most 64 MiB")
    refused(post(shelf, "tool", b"5"), 422, "An event is a JSON object")
    refused(post(shelf, "tool", b"[5, 6]"), 422, "An event is a JSON object")
    refused(post(shelf, "tool", b"{}", {"X-Event-ID": "x" * 201}), 422, "event_id is printable text")
    assert post(shelf, "tool", b'{"tool":"a"}', {"Content-Type": "Application/JSON; Charset=UTF-8"}).status_code == 202
    assert len(shelf.lines) == 1


def test_a_full_disk_is_said_and_what_came_before_is_kept() -> None:
    shelf, woken = Shelf(room=2), list[int]()
    wake: Callable[[], None] = lambda: woken.append(1)  # noqa: E731
    full = refused(post(shelf, "tool", b'[{"tool":"a"},{"tool":"b"},{"tool":"c"}]', taken=wake), 507, "event 3")
    assert (full["accepted"], len(full["events"]), woken) == (2, 2, [1])
    other = Shelf(room=0, error=errno.EROFS)
    refused(post(other, "tool", b'{"tool":"a"}', taken=wake), 503, "Not today")
    assert woken == [1]


def test_who_may_and_how_often() -> None:
    shelf = Shelf()

    def nobody(_: object) -> Identity:
        raise AccessDeniedError("A token is needed.")

    answer = post(shelf, "tool", b'{"tool":"a"}', caller=nobody)
    refused(answer, 401, "A token is needed")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    rates = Rates({"capture": 2})
    for number in range(2):
        assert post(shelf, "tool", b'[{"tool":"a"},{"tool":"b"}]', rates=rates).status_code == 202, number
    often = post(shelf, "tool", b'{"tool":"a"}', rates=rates)
    refused(often, 429, "may make 2 calls")
    assert 1 <= int(often.headers["Retry-After"]) <= 60


def test_secrets_are_out_after_the_drain_that_every_event_goes_through() -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    shelf = Shelf()
    for kind, values in WHOLE:
        post(shelf, kind, json.dumps(values | {"note": secret, "agent": secret}).encode())
    redactor = Redactor(b"k" * 32)
    for each in shelf.lines:
        assert secret.encode() in encode_event(each)
        assert secret.encode() not in encode_event(cleaned(each, redactor.update))
