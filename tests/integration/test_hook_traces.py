"""One session, told twice: by the agent's hooks and by its own transcript. The rows are the same."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hook_machine import DATA, Machine, Recorded, Row, recorded

from seasoned.bus import Inbox, Payload
from seasoned.errors import StoreFullError
from seasoned.model import Artifact, Span, Trace

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"  # of the right shape, and nobody's
IDLE = timedelta(minutes=31)

MILLISECONDS = {"started_at", "completed_at", "duration_ms"}
TOKENS = {
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "total_tokens_used",
    "api_calls_count",
}
TRACE_COLUMNS = {
    "claude_code": {"revision", "source_version", "model", "context"} | TOKENS | MILLISECONDS,
    "codex": {"revision", "source_version", "context"} | TOKENS | MILLISECONDS,
    "gemini": {"revision", "model"} | TOKENS | MILLISECONDS,
}
"""Columns of a trace in which hooks and transcript may differ, by agent."""
SPAN_COLUMNS = {
    "claude_code": {"number", "started_at", "duration_ms", "result_bytes", "result_preview"},
    "codex": {"number", "started_at", "duration_ms", "result_bytes", "outcome"},
    "gemini": {"number", "started_at", "duration_ms", "result_bytes"},
}
"""Columns of a tool's span. Spans of model calls are in transcripts alone."""

SESSIONS = [recorded(folder.name.removeprefix("session_")) for folder in sorted(DATA.iterdir())]


@pytest.fixture(params=SESSIONS, ids=lambda session: session.folder.name)
def session(request: pytest.FixtureRequest) -> Recorded:
    return request.param


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Callable[[], Machine]]:
    made: list[Machine] = []

    def make() -> Machine:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Machine(folder))
        return made[-1]

    yield make
    for machine in made:
        machine.store.close()


class Killed(Exception):  # noqa: N818  # no error: the power goes
    """The process ended here."""


class Dying(Inbox):
    """Ends the process where files are to be deleted."""

    def remove(self, payloads: Iterable[Payload]) -> int:
        if list(payloads):
            raise Killed
        return 0


def kill_before_deletion(machine: Machine, now: datetime) -> None:
    machine.inbox, whole = Dying(machine.inbox.folder), machine.inbox
    with pytest.raises(Killed):
        machine.drain(now)
    machine.inbox = whole


def changed(one: Row, other: Row) -> set[str]:
    return {field.name for field in fields(one) if getattr(one, field.name) != getattr(other, field.name)}


# -- the same rows -------------------------------------------------------------------------------------------------
def test_hooks_tell_what_the_transcript_tells(session: Recorded, machines: Callable[[], Machine]) -> None:
    hooks, transcript = machines(), machines()
    hooks.put(session)
    taken = hooks.drain(session.end + IDLE)
    transcript.read_transcript(session)
    told, known = hooks.rows(), transcript.rows()

    only_there = {key for key, row in known.items() if isinstance(row, Span) and row.kind in {"llm", "hook"}}
    assert told.keys() == known.keys() - only_there
    differing: dict[type, set[str]] = {Trace: set(), Span: set(), Artifact: set()}
    for key, row in told.items():
        differing[type(row)] |= changed(row, known[key])
    # A time may be the same by chance.
    assert differing[Trace] | MILLISECONDS == TRACE_COLUMNS[session.source]
    assert differing[Span] | MILLISECONDS == SPAN_COLUMNS[session.source] | MILLISECONDS
    assert differing[Artifact] == set()
    counted = {row.api_calls_count for row in told.values() if isinstance(row, Trace)}
    assert counted == {None}
    calls = [[row for row in rows.values() if isinstance(row, Span) and row.kind == "tool"] for rows in (told, known)]
    order = [[span.span_id for span in sorted(each, key=lambda one: (one.execution_id, one.number))] for each in calls]
    assert order[0] == order[1]
    assert (taken.done, taken.sessions, taken.bad, taken.unknown) == (len(session.payloads), 1, [], {})
    assert hooks.left() == []


def test_where_outcomes_differ_hooks_know_nothing(session: Recorded, machines: Callable[[], Machine]) -> None:
    """Codex's hooks are not told how a command ended; the one that the shell did not find is proven all the same."""
    hooks, transcript = machines(), machines()
    hooks.put(session)
    hooks.drain(session.end + IDLE)
    transcript.read_transcript(session)
    known = transcript.rows()
    spans = [row for row in hooks.rows().values() if isinstance(row, Span)]
    for span in spans:
        there = known[span.span_id]
        assert isinstance(there, Span)
        assert span.outcome in {"unknown", there.outcome}
    failures = [span for span in spans if span.outcome == "failure"]
    assert [(span.arguments or {}).get("command", (span.arguments or {}).get("cmd")) for span in failures] == [
        "pyton total.py 1 2 3"
    ]
    assert "pyton: command not found" in (failures[0].error_message or "")


def test_both_together_double_nothing_in_any_order(session: Recorded, machines: Callable[[], Machine]) -> None:
    alone, first, last, again = machines(), machines(), machines(), machines()
    alone.read_transcript(session)
    for machine, steps in ((first, "ht"), (last, "th"), (again, "htht")):
        for step in steps:
            if step == "t":
                machine.read_transcript(session)
            else:
                machine.put(session)
                machine.drain(session.end + IDLE)
        assert machine.rows() == alone.rows()


def test_drained_after_each_payload_it_is_the_same(session: Recorded, machines: Callable[[], Machine]) -> None:
    whole, piecewise = machines(), machines()
    whole.put(session)
    whole.drain(session.end + IDLE)
    for place, seconds in enumerate(session.times):
        piecewise.put(session, range(place, place + 1))
        piecewise.drain(datetime.fromtimestamp(seconds, UTC))
    piecewise.drain(session.end + IDLE)
    assert piecewise.rows() == whole.rows()
    assert piecewise.left() == []


def test_delivered_twice_it_counts_once(session: Recorded, machines: Callable[[], Machine]) -> None:
    once, twice = machines(), machines()
    once.put(session)
    once.drain(session.end + IDLE)
    twice.put(session)
    twice.put(session, number=1)
    twice.drain(session.end + IDLE)
    assert twice.rows() == once.rows()
    twice.put(session, range(len(session.payloads) - 3, len(session.payloads)), number=2)
    twice.drain(session.end + IDLE)
    assert twice.rows() == once.rows()
    assert twice.left() == []


@pytest.mark.parametrize(
    ("words", "begun"), [("yes, go on", 0), ("Write a parser for dates, with its tests.", 1), ("", 0)]
)
def test_words_after_the_end_begin_only_a_task_of_their_own(
    words: str, begun: int, session: Recorded, machines: Callable[[], Machine]
) -> None:
    """Where the user carries on later, the transcript has it in the execution that the hooks have closed."""
    machine = machines()
    machine.put(session)
    machine.drain(session.end + IDLE)
    before = sum(isinstance(row, Trace) for row in machine.rows().values())
    prompts = {"UserPromptSubmit", "BeforeAgent"}
    turn = [payload for payload in session.payloads if payload["hook_event_name"] in prompts | {"Stop", "AfterAgent"}]
    words = words or turn[0]["prompt"]  # the same once more
    said = {**turn[0], "prompt": words, "timestamp": (session.end + 3 * IDLE).isoformat()}
    said |= {name: f"{said[name][:-1]}0" for name in ("prompt_id", "turn_id") if name in said}
    ended = {**turn[-1], **{name: said[name] for name in ("prompt_id", "turn_id", "timestamp") if name in said}}
    late = (session.end + 3 * IDLE).timestamp()
    machine.put(replace(session, payloads=[said, ended], times=[late, late + 5]))
    machine.drain(session.end + 6 * IDLE)
    assert sum(isinstance(row, Trace) for row in machine.rows().values()) == before + begun
    assert machine.left() == []


# -- what stays, and what a kill leaves ----------------------------------------------------------------------------
def test_an_open_execution_keeps_its_payloads(session: Recorded, machines: Callable[[], Machine]) -> None:
    """All that came before the end of the session; nothing is told while the agent is at work."""
    machine = machines()
    names = {"Stop", "AfterAgent"}
    stop = max(place for place, payload in enumerate(session.payloads) if payload["hook_event_name"] in names)
    machine.put(session, range(stop))
    machine.drain(session.end)
    if not session.folder.name.endswith("background"):
        assert machine.rows() == {}
    machine.put(session, range(stop, stop + 1))
    machine.drain(session.end)
    assert len(machine.left()) >= stop
    traces = [row for row in machine.rows().values() if isinstance(row, Trace)]
    assert {trace.status for trace in traces} <= {"unknown", "success", "failure"}
    assert machine.drain(session.end).sessions == 0
    machine.drain(session.end + IDLE)
    assert machine.left() == []


def test_a_drain_that_is_killed_changes_nothing(session: Recorded, machines: Callable[[], Machine]) -> None:
    whole, killed = machines(), machines()
    whole.put(session)
    whole.drain(session.end + IDLE)

    def full() -> None:
        raise StoreFullError("no space left")

    killed.put(session)
    with pytest.raises(StoreFullError):
        killed.drain(session.end + IDLE, before_commit=full)
    assert (killed.rows(), len(killed.left())) == ({}, len(session.payloads))
    killed.drain(session.end + IDLE)
    assert killed.rows() == whole.rows()


def test_a_kill_between_commit_and_deletion_changes_nothing(session: Recorded, machines: Callable[[], Machine]) -> None:
    whole, killed = machines(), machines()
    whole.put(session)
    whole.drain(session.end + IDLE)

    killed.put(session)
    kill_before_deletion(killed, session.end + IDLE)
    assert len(killed.left()) == len(session.payloads)
    killed.drain(session.end + IDLE)
    assert killed.rows() == whole.rows()
    assert killed.left() == []


def test_a_long_session_that_is_killed_there_changes_nothing(machines: Callable[[], Machine]) -> None:
    """More calls than are remembered when their payloads are gone; without ids, they could be told a second time."""
    short = recorded("gemini_0_61")
    tools = [each for each in short.payloads if each["hook_event_name"] == "AfterTool"]
    middle = [
        {**tools[1], "timestamp": f"2026-11-21T14:54:38.{place:03}Z", "tool_input": {"command": "make"}}
        for place in range(100)
    ]
    ends = [dict(each) for each in short.payloads[-2:]]
    for place, payload in enumerate(ends):
        payload["timestamp"] = f"2026-11-21T14:55:0{place}.000Z"
    told = [*short.payloads[:2], *middle, *ends]
    session = replace(short, payloads=told, times=[short.times[0] + place for place in range(len(told))])
    whole, killed = machines(), machines()
    whole.put(session)
    whole.drain(session.end)
    killed.put(session)
    kill_before_deletion(killed, session.end)
    assert len(killed.left()) == len(told)
    killed.drain(session.end)
    assert killed.rows() == whole.rows()
    assert killed.left() == []


def test_a_session_from_the_future_is_over(machines: Callable[[], Machine]) -> None:
    """The clock was set back: nobody waits until it is there again."""
    session = recorded("codex_0_169")
    machine = machines()
    machine.put(session)
    assert machine.drain(session.end - timedelta(days=400)).sessions == 1
    assert machine.left() == []


def test_a_name_with_nul_costs_nothing_but_itself(machines: Callable[[], Machine]) -> None:
    session = recorded("claude_code_2_1_330")
    machine = machines()
    for payload in session.payloads:
        for name in {"cwd", "tool_name", "agent_type", "prompt_id", "permission_mode"} & payload.keys():
            payload[name] = payload[name][:2] + "\0" + payload[name][2:]
    machine.put(session)
    taken = machine.drain(session.end + IDLE)
    assert taken.bad == []
    assert [refused for applied in taken.applied for refused in applied.refused] == []
    assert len([row for row in machine.rows().values() if isinstance(row, Trace)]) == 2


def test_only_files_that_can_be_transcripts_are_looked_at(machines: Callable[[], Machine]) -> None:
    """Of what the kernel makes up the reading may wait for ever; of other files nothing is to be known."""
    session = recorded("gemini_0_61")
    machine = machines()
    empty = machine.folder / "empty.jsonl"
    empty.touch()
    other = machine.folder / "chat.txt"
    other.write_bytes((session.folder / "transcript.jsonl").read_bytes())
    pipe = machine.folder / "pipe.jsonl"
    os.mkfifo(pipe)
    named = [Path("/proc/kmsg"), Path("/etc/passwd"), Path("/dev/zero"), machine.folder, pipe, empty, other]
    payloads = [each | {"hook_event_name": "AfterAgent"} for each in session.payloads[: len(named)]]
    for payload, path in zip(payloads, named, strict=True):
        payload["transcript_path"] = str(path)
    machine.put(replace(session, payloads=[*payloads, *session.payloads[len(named) :]]))
    assert machine.drain(session.end + IDLE).transcripts == []


def test_an_inbox_that_another_drain_has_is_left(machines: Callable[[], Machine]) -> None:
    session = recorded("gemini_0_61")
    machine = machines()
    machine.put(session)
    with Inbox(machine.inbox.folder).held():
        taken = machine.drain(session.end)
    assert (taken.busy, taken.payloads, len(machine.left())) == (True, 0, len(session.payloads))


def test_no_secret_passes(machines: Callable[[], Machine]) -> None:
    session = recorded("claude_code_2_1_330")
    machine = machines()
    for payload in session.payloads:
        for name in ("prompt", "error"):
            if name in payload:
                payload[name] += f"\nexport GH_TOKEN={TOKEN}"
        if payload.get("tool_name") == "Bash":
            payload["tool_input"]["command"] += f" # {TOKEN}"
    machine.put(session)
    machine.drain(session.end + IDLE)
    assert len(machine.rows()) > 5
    machine.store.scrub()
    machine.store.close()
    assert all(TOKEN.encode() not in path.read_bytes() for path in machine.folder.glob("seasoned.db*"))


def test_the_transcript_is_named_once_it_can_be_read(session: Recorded, machines: Callable[[], Machine]) -> None:
    machine = machines()
    there = machine.transcript(session)
    elsewhere = machine.folder / "notes.txt"
    elsewhere.write_text("no transcript", "utf-8")
    link = machine.folder / "link.jsonl"
    link.symlink_to(there)
    told = replace(session, payloads=[dict(payload) for payload in session.payloads])
    for payload, path in zip(reversed(told.payloads), [there, there, elsewhere, link, Path("/dev/zero")], strict=False):
        payload["transcript_path"] = str(path)
    machine.put(told)
    assert machine.drain(session.end + IDLE).transcripts == [there]
