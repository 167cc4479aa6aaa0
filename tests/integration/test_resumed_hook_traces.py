"""Sessions that were ended and resumed, told by hooks and transcript piece by piece: the rows are those of the transcript.

The sessions are real ones: a task, "yes, go on", another task, a correction, the first task once more, thanks; each in
a process of its own, so that the session is over and goes on five times.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hook_machine import RESUMED, Machine, Recorded, Row, recorded

from seasoned.model import Artifact, Trace

IDLE = timedelta(minutes=31)
NONE = timedelta()
SESSIONS = [recorded(folder.name.removeprefix("session_"), resumed=True) for folder in sorted(RESUMED.iterdir())]
PROMPTS = {"UserPromptSubmit", "BeforeAgent"}


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


def told(machine: Machine) -> dict[str, Row]:
    """What may be compared: of a file that is edited again, an earlier reading may know a content and a later one none."""
    rows = machine.rows()
    return {
        key: replace(row, content_hash=None, content_preview=None) if isinstance(row, Artifact) else row
        for key, row in rows.items()
    }


def traces(machine: Machine) -> list[Trace]:
    return sorted((row for row in machine.rows().values() if isinstance(row, Trace)), key=lambda row: row.revision)


def test_hooks_alone_know_the_tasks(session: Recorded, machines: Callable[[], Machine]) -> None:
    hooks, transcript = machines(), machines()
    hooks.put(session)
    hooks.drain(session.end + IDLE)
    transcript.read_transcript(session)
    known = [(row.execution_id, row.prompt, row.follow_ups, row.status) for row in traces(transcript)]
    assert len(known) == 3
    assert sorted(known) == sorted((r.execution_id, r.prompt, r.follow_ups, r.status) for r in traces(hooks))
    assert hooks.left() == []


@pytest.mark.parametrize("seed", range(6))
def test_piece_by_piece_it_is_the_same(session: Recorded, machines: Callable[[], Machine], seed: int) -> None:
    """Drains and imports at random moments of the session, some after it seemed to be over in the middle of a turn."""
    chance = random.Random(seed)
    whole, pieces = machines(), machines()
    whole.read_transcript(session)
    drains, imports, pauses = [(0.1, 0.1, 0.0), (0.6, 0.0, 0.0), (0.6, 0.3, 0.3), (0.9, 0.05, 0.1)][seed % 4]
    for place in range(len(session.payloads)):
        pieces.put(session, range(place, place + 1))
        if chance.random() < imports and session.lines[place]:
            pieces.read_transcript(session, lines=session.lines[place])
        if chance.random() < drains:
            pieces.drain(session.at(place) + (IDLE if chance.random() < pauses else NONE))
    first, last = chance.sample(("hooks", "transcript"), 2)
    for step in (first, last):
        if step == "hooks":
            pieces.drain(session.end + IDLE)
        else:
            pieces.read_transcript(session)
    assert told(pieces) == told(whole)
    assert pieces.left() == []


def test_hooks_that_were_set_up_late_tell_nothing_twice(session: Recorded, machines: Callable[[], Machine]) -> None:
    """From the middle of a turn on, of a turn that carries on, of a task: what belongs to no prompt is the transcript's."""
    whole = machines()
    whole.read_transcript(session)
    prompts = [place for place, payload in enumerate(session.payloads) if payload["hook_event_name"] in PROMPTS]
    for place in (prompts[0] + 3, prompts[1] - 1, prompts[1], prompts[1] + 2, prompts[2], prompts[4] + 1):
        late = machines()
        late.put(session, range(place, len(session.payloads)))
        late.drain(session.end + IDLE)
        late.read_transcript(session)
        assert told(late) == told(whole), place


def test_the_transcript_of_a_session_that_broke_off_is_named(machines: Callable[[], Machine]) -> None:
    """Whose agent was killed: no event tells of the end of a turn."""
    session = SESSIONS[0]
    machine = machines()
    there = machine.transcript(session)
    begun = replace(session, payloads=[each | {"transcript_path": str(there)} for each in session.payloads[:4]])
    machine.put(begun)
    assert machine.drain(session.at(3)).transcripts == []
    assert machine.drain(session.at(3) + IDLE).transcripts == [there]
