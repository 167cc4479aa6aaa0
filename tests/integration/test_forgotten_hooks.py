"""After an execution was forgotten nothing of it is left where hooks put it, and nothing of it comes back."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hook_machine import DATA, Recorded, recorded

from seasoned.app import Seasoned
from seasoned.settings import load
from seasoned.store import Selection, TraceQuery

WORDS = "Write total.py"
SESSIONS = [recorded(folder.name.removeprefix("session_")) for folder in sorted(DATA.iterdir())]
LONG_AGO = 1_700_000_000
TURN_ENDS = {"Stop", "AfterAgent"}


@pytest.fixture(params=SESSIONS, ids=lambda session: session.folder.name)
def session(request: pytest.FixtureRequest) -> Recorded:
    return request.param


@pytest.fixture
def seasoned(tmp_path: Path) -> Iterator[Seasoned]:
    environment = {"HOME": str(tmp_path), "SEASONED_EMBED__PROVIDER": "none"}
    with Seasoned(load(environment, working_dir=tmp_path, flags={"data_dir": tmp_path / "data"})) as opened:
        yield opened


def put(seasoned: Seasoned, session: Recorded, places: range) -> None:
    """As they were told a moment ago."""
    folder = seasoned.data_dir / "inbox"
    folder.mkdir(parents=True, exist_ok=True)
    late = datetime.now(UTC).timestamp() - session.times[-1] - 5
    for place in places:
        payload = dict(session.payloads[place])
        if "timestamp" in payload:
            payload["timestamp"] = datetime.fromtimestamp(session.times[place] + late, UTC).isoformat()
        path = folder / f"{session.source}.{100 + place}.0"
        path.write_text(json.dumps(payload), "utf-8")
        os.utime(path, (session.times[place] + late, session.times[place] + late))


def left(seasoned: Seasoned) -> list[str]:
    return sorted(path.name for path in (seasoned.data_dir / "inbox").iterdir())


def ids(seasoned: Seasoned) -> list[str]:
    return [trace.execution_id for trace in seasoned.store.traces(TraceQuery(namespace="default", limit=100))]


def forget(seasoned: Seasoned, *names: str) -> None:
    erased = seasoned.forget(Selection(execution_ids=names))
    seasoned.tidy(erased.execution_ids)


def traces_of(words: str, folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


def test_an_open_execution_goes_with_its_payloads(session: Recorded, seasoned: Seasoned) -> None:
    names = [payload["hook_event_name"] for payload in session.payloads]
    stop = next(place for place, name in enumerate(names) if name in TURN_ENDS)
    put(seasoned, session, range(stop + 1))
    torn = seasoned.data_dir / "inbox" / f"{session.source}.7.0"
    torn.write_text(json.dumps(session.payloads[1])[:-2], "utf-8")
    os.utime(torn, (LONG_AGO, LONG_AGO))
    other = seasoned.data_dir / "inbox" / f"{session.source}.8.0"
    other.write_text('{"session_id": "another", "prompt": "cut', "utf-8")
    os.utime(other, (LONG_AGO, LONG_AGO))
    seasoned.drain_spool()
    told = ids(seasoned)
    assert told
    assert len(left(seasoned)) > stop

    forget(seasoned, *told)
    assert ids(seasoned) == []
    assert left(seasoned) == [f"{session.source}.8.0.{LONG_AGO}000000000.bad"]
    assert traces_of(WORDS, seasoned.data_dir) == []

    put(seasoned, session, range(stop + 1, len(names)))
    seasoned.drain_spool()
    put(seasoned, session, range(2, stop + 1))  # what the agent does in the same turn
    seasoned.drain_spool()
    assert ids(seasoned) == []
    assert traces_of(WORDS, seasoned.data_dir) == []


def test_another_session_keeps_its_payloads(seasoned: Seasoned) -> None:
    one, other = recorded("codex_0_169"), recorded("gemini_0_61")
    put(seasoned, one, range(len(one.payloads)))
    put(seasoned, other, range(len(other.payloads) - 1))
    seasoned.drain_spool()
    before = left(seasoned)
    assert {name.partition(".")[0] for name in before} == {"codex", "gemini"}
    by_source = {each.source: each.execution_id for each in seasoned.store.traces(TraceQuery(namespace="default"))}
    forget(seasoned, by_source["gemini"])
    assert left(seasoned) == [name for name in before if name.startswith("codex")]
    assert ids(seasoned) == [by_source["codex"]]


def test_everything_takes_what_was_set_aside(seasoned: Seasoned) -> None:
    session = recorded("codex_0_169")
    put(seasoned, session, range(len(session.payloads)))
    (seasoned.data_dir / "inbox" / "codex.9.0").write_text(json.dumps({"prompt": "Of no session."}))
    seasoned.drain_spool()
    assert any(name.endswith(".bad") for name in left(seasoned))
    erased = seasoned.forget(Selection(everything=True))
    seasoned.tidy(erased.execution_ids)
    assert left(seasoned) == []
