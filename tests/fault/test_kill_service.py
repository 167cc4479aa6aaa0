"""kill -9 of the service and of what it has done behind, at random moments, while agents' hooks go on: no hook notices,
nothing is lost and nothing doubled.

In each trial hooks of several sessions are run one after the other, with a service that is killed and started again by
them. Then one ordinary command takes in what is left, and the history must hold each session once, whole.
"""

import json
import os
import random
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from seasoned.app import Seasoned
from seasoned.doors.hooks import HOOK
from seasoned.resident import Place, holder, write_start
from seasoned.settings import load
from seasoned.store import TraceQuery

pytestmark = pytest.mark.slow

TRIALS = max(int(os.environ.get("FAULT_TRIALS", "10")) // 5, 1)
SESSIONS = 12
KILLS = 6
LONGEST_S = 1.5
"""Between two kills; a service is ready in about one second."""


def payloads(session: str) -> list[bytes]:
    call = {"tool_name": "Bash", "tool_input": {"command": "make test"}, "tool_use_id": f"call-{session}"}
    events: list[dict[str, object]] = [
        {"hook_event_name": "UserPromptSubmit", "prompt": f"Task of {session}"},
        {"hook_event_name": "PreToolUse", **call},
        {"hook_event_name": "PostToolUse", **call, "tool_response": {"stdout": "ok", "stderr": ""}},
        {"hook_event_name": "Stop"},
        {"hook_event_name": "SessionEnd", "reason": "other"},
    ]
    common = {"session_id": session, "cwd": "/nowhere", "permission_mode": "default"}
    return [json.dumps(common | each).encode() for each in events]


def below(pid: int) -> list[int]:
    """Processes that one has started, whichever of its threads did."""
    found: list[int] = []
    for each in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, each.read_text().split())
    return found


def kill_something(place: Place, chance: random.Random) -> bool:
    """The service, or what works for it; whether there was one."""
    pid = holder(place)
    if not pid:
        return False
    workers = below(pid)
    with suppress(ProcessLookupError):
        os.kill(workers[0] if workers and chance.random() < 0.4 else pid, signal.SIGKILL)
    return True


@pytest.mark.parametrize("trial", range(TRIALS))
def test_nothing_is_lost_and_nothing_doubled(tmp_path: Path, trial: int) -> None:
    chance = random.Random(trial)
    place = Place(data_dir=tmp_path / "data")
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "LANG", "TMPDIR"}}
    environment = {**kept, "HOME": str(tmp_path), "SEASONED_EMBED__PROVIDER": "none", "PYTHONDONTWRITEBYTECODE": "1"}
    environment["SEASONED_SERVICE__IDLE_S"] = "10"  # one that a hook starts as the trial ends
    write_start(place)
    over = threading.Event()
    killed = 0

    def kill() -> None:
        nonlocal killed
        while not over.wait(chance.random() * LONGEST_S):
            killed += kill_something(place, chance)
            place.asked.unlink(missing_ok=True)  # so that the next hook starts it at once

    killer = threading.Thread(target=kill)
    killer.start()
    sessions: list[str] = []
    until = time.monotonic() + 60
    try:
        while (len(sessions) < SESSIONS or killed < KILLS) and time.monotonic() < until:
            sessions.append(f"session-{len(sessions)}")
            for payload in payloads(sessions[-1]):
                done = subprocess.run(
                    ["sh", str(HOOK), "claude_code", "ask", str(place.data_dir)],
                    input=payload,
                    env=environment,
                    capture_output=True,
                    check=False,
                    timeout=60,
                )
                assert (done.returncode, done.stderr) == (0, b"")
                assert done.stdout == b"" or json.loads(done.stdout)
    finally:
        over.set()
        killer.join()
        end = time.monotonic() + 30
        while (pid := holder(place)) is not None and time.monotonic() < end:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert killed >= KILLS
    settings = load(environment, working_dir=tmp_path, flags={"data_dir": place.data_dir})
    while True:  # a worker of a killed service ends once it has done what it was at
        with Seasoned(settings) as seasoned:
            if not list((place.data_dir / "inbox").iterdir()):
                break
        assert time.monotonic() < until + 30, sorted((place.data_dir / "inbox").iterdir())
    with Seasoned(settings) as seasoned:
        found = seasoned.store.traces(TraceQuery(namespace="default", limit=1000))
        assert sorted(each.prompt or "" for each in found) == sorted(f"Task of {each}" for each in sessions)
        for each in found:
            calls = [span for span in seasoned.store.spans(each.execution_id) if span.kind == "tool"]
            assert [span.outcome for span in calls] == ["success"], each.prompt
        assert seasoned.store.dead_letters() == []
    assert not list((place.data_dir / "inbox").glob("*.bad"))
