"""kill -9 at random points of writers and drains: what was accepted is committed in the end, and nothing else is.

Real processes. A writer says each accepted event on a pipe; a drain commits to a file with fsync and says each step.
The test kills them after a random number of words, so it needs no sleep and meets every place in between.
"""

import os
import random
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seasoned.bus import Spool, drain
from seasoned.capture.sink import Sink
from seasoned.capture.tracker import ExecutionTracker
from seasoned.model import Event, ExecutionUpdate, Trace
from seasoned.model.ids import name_id

EVENTS = 250

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def start(work: Callable[[int], None]) -> tuple[int, int]:
    """A forked process that does ``work(pipe)`` and ends; its id and the end of the pipe to listen at."""
    listen, speak = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(listen)
            work(speak)
            code = 0
        finally:
            os._exit(code)
    os.close(speak)
    return child, listen


def hear(pipe: int, words: int) -> int:
    """Wait for that many bytes, or the end; how many came."""
    heard = 0
    while heard < words and (got := os.read(pipe, words - heard)):
        heard += len(got)
    return heard


def kill(child: int, pipe: int) -> int:
    """Kill -9; how many words it still said before."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    rest = hear(pipe, 1 << 30)
    os.close(pipe)
    return rest


def event(writer: int, number: int) -> Event:
    execution_id = name_id("execution", str(writer))
    trace = Trace(execution_id=execution_id, namespace="default", prompt="p" * (number % 700))
    return Event(
        event_id=name_id(str(writer), str(number)),
        topic="agent-actions",
        key=execution_id,
        occurred_at=NOW,
        namespace="default",
        payload=ExecutionUpdate(trace=trace),
    )


def commit(file: Path) -> Callable[[Sequence[Event]], None]:
    def take(batch: Sequence[Event]) -> None:
        with file.open("ab") as committed:
            committed.write("".join(f"{one.event_id}\n" for one in batch).encode())
            committed.flush()
            os.fsync(committed.fileno())

    return take


def committed(file: Path) -> set[str]:
    # A drain killed inside its write leaves a torn id, which was not committed.
    return {line for line in file.read_text().split("\n") if len(line) == 36}


SEEDS = [*range(8), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 60))]


@pytest.mark.parametrize("seed", SEEDS)
def test_writers_and_drains_killed_at_random_points(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder, file = tmp_path / "spool", tmp_path / "committed"
    file.touch()
    rotate = chance.choice([400, 3_000, 1 << 20])

    def write(writer: int) -> Callable[[int], None]:
        def work(speak: int) -> None:
            spool = Spool(folder, rotate_bytes=rotate)
            for number in range(EVENTS):
                if not spool.write(event(writer, number)):
                    return
                os.write(speak, b".")
            signal.pause()

        return work

    def drain_on(speak: int) -> None:
        take = commit(file)
        while True:
            drain(Spool(folder), take, batch_events=chance.randrange(5, 120))
            os.write(speak, b".")

    writers = [start(write(number)) for number in range(2)]
    accepted = [0, 0]
    for _ in range(3):
        drainer = start(drain_on)
        for number, (_, pipe) in enumerate(writers):
            accepted[number] += hear(pipe, chance.randrange(1, 40))
        hear(drainer[1], chance.randrange(0, 4))
        kill(*drainer)
    for number, writer in enumerate(writers):
        accepted[number] += kill(*writer)

    report = drain(Spool(folder), commit(file))
    got = committed(file)
    for number, count in enumerate(accepted):
        assert {event(number, n).event_id for n in range(count)} <= got
        # One event may stand in the spool whose writer was killed before it could say so.
        assert len(got & {event(number, n).event_id for n in range(count + 1, count + 50)}) == 0
    assert report.bad_lines <= len(writers)
    assert [path for path in folder.iterdir() if path.suffix == ".jsonl"] == []


@pytest.mark.parametrize("calls", [0, 1, 7, 60])
def test_a_killed_run_leaves_every_call_that_returned(tmp_path: Path, calls: int) -> None:
    def work(speak: int) -> None:
        sink: Sink = Spool(tmp_path)
        with ExecutionTracker("agent", prompt="Fix the login test", sink=sink) as tracker:
            tracker.start_phase("work")
            os.write(speak, b".")
            for number in range(EVENTS):
                tracker.record_tool_use("bash", {"command": f"step {number}"}, duration_ms=5, success=True)
                os.write(speak, b".")
            signal.pause()

    child, pipe = start(work)
    returned = hear(pipe, 1 + calls)
    returned += kill(child, pipe) - 1

    events: list[Event] = []
    drain(Spool(tmp_path), events.extend)
    assert events[0].update.trace.prompt == "Fix the login test"
    spans = [span for one in events for span in one.update.spans]
    tools = [span for span in spans if span.kind == "tool"]
    assert [span.arguments for span in tools[:returned]] == [{"command": f"step {n}"} for n in range(returned)]
    assert len(tools) - returned in {0, 1}
    assert {span.parent_span_id for span in tools} <= {spans[0].span_id}
    assert all(one.update.trace.status == "in_progress" for one in events)
