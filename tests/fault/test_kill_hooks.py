"""kill -9 at random points of the hook's script and of the drain of its inbox: nothing lost, nothing doubled.

In each trial real hooks (``sh hook.sh``) tell of sessions, call by call, while two processes drain the inbox, and all of
them are killed at random moments. A call counts as told once its hook has ended by itself, as the agent waits for that; a
payload whose hook was killed may stand there whole, in part or not at all. Then the inbox is drained once, undisturbed.
The first hook of a session is left in peace: without it the session is one that had begun before, and its calls are the
transcript's until a task begins.
``FAULT_TRIALS`` says how many trials.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seasoned.bus import Inbox
from seasoned.capture import Redactor
from seasoned.doors.hooks import HOOK
from seasoned.model import Span
from seasoned.store import SqlStore, TraceQuery, open_store
from seasoned.store.doctor import examine
from seasoned.workers import Writer
from seasoned.workers.hooking import take_inbox

pytestmark = pytest.mark.slow

TRIALS = int(os.environ.get("FAULT_TRIALS", "10"))
KEY = b"k" * 32
SESSIONS = 2
CALLS = 4
HOOK_S = 0.004
"""A hook's script is done in about as long."""
DRAIN_S = 0.08
"""A drain of what a trial tells takes about as long."""


def payloads(session: str) -> list[tuple[int | None, bytes]]:
    """(number of the call that it ends, payload) of a session in which two tasks are done."""
    events: list[tuple[int | None, dict[str, object]]] = [
        (None, {"hook_event_name": "SessionStart", "source": "startup"})
    ]
    for task in range(2):
        prompt = {"prompt": f"Write part {task} of the report about {session}.", "prompt_id": f"{session}-{task}"}
        events.append((None, {"hook_event_name": "UserPromptSubmit", **prompt}))
        for number in range(task * CALLS // 2, (task + 1) * CALLS // 2):
            call = {
                "tool_name": "Bash",
                "tool_input": {"command": f"make {number}"},
                "tool_use_id": f"{session}-{number}",
            }
            events.append((None, {"hook_event_name": "PreToolUse", **call}))
            events.append((number, {"hook_event_name": "PostToolUse", **call, "tool_response": {"stdout": "ok"}}))
        events.append((None, {"hook_event_name": "Stop"}))
    events.append((None, {"hook_event_name": "SessionEnd", "reason": "other"}))
    common = {"session_id": session, "cwd": "/nowhere"}
    return [(number, json.dumps(common | each).encode()) for number, each in events]


def hook(data: Path, payload: bytes, chance: random.Random, *, safe: bool) -> bool:
    """Run the hook as an agent does, unless ``safe`` now and then killed; whether it ended by itself."""
    process = subprocess.Popen(
        ["sh", str(HOOK), "claude_code", "-", str(data)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "HOME": str(data)},
    )
    assert process.stdin is not None
    killed = not safe and chance.random() < 0.3
    half = chance.randrange(len(payload)) if killed and chance.random() < 0.5 else len(payload)
    try:
        process.stdin.write(payload[:half])
        process.stdin.flush()
        if half == len(payload):
            process.stdin.close()
    except BrokenPipeError:
        killed = True
    if killed:
        try:
            process.wait(timeout=chance.uniform(0, 2 * HOOK_S))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    ended = process.wait(timeout=30) == 0
    if not process.stdin.closed:
        process.stdin.close()
    return ended and half == len(payload)


def drain_always(data: Path) -> None:
    os.nice(10)  # hooks do not wait for drains
    store, redactor = opened(data), Redactor(KEY)
    while True:
        drain(data, store, redactor, later=timedelta())


def drain(data: Path, store: SqlStore, redactor: Redactor, *, later: timedelta) -> None:
    clock = time.time_ns() + int(later.total_seconds()) * 10**9
    inbox = Inbox(data / "inbox", now_ns=lambda: clock)
    take_inbox(inbox, store, Writer(store), redactor.update, namespace="default", now=datetime.now(UTC) + later)


def opened(data: Path) -> SqlStore:
    return open_store(f"sqlite:///{data / 'seasoned.db'}", busy_timeout_s=30)


def start(work: Callable[[], None]) -> int:
    """Fork a process that does ``work``."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001  shown, and told by the exit code
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(3)
    return pid


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL, "a drain failed by itself"


@pytest.mark.parametrize("seed", range(TRIALS))
def test_killed_at_random_points(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    data = tmp_path
    opened(data).close()
    told: set[str] = set()
    waiting = [payloads(f"session-{number}") for number in range(SESSIONS)]
    drains = {start(lambda: drain_always(data)): 0.0 for _ in range(2)}
    try:
        while waiting:
            events = chance.choice(waiting)
            number, payload = events.pop(0)
            if hook(data, payload, chance, safe=b"SessionStart" in payload) and number is not None:
                told.add(f"{json.loads(payload)['session_id']}-{number}")
            if not events:
                waiting.remove(events)
            for pid, until in list(drains.items()):
                if time.monotonic() >= until:
                    if until:
                        del drains[pid]
                        end(pid)
                        pid = start(lambda: drain_always(data))  # noqa: PLW2901
                    drains[pid] = time.monotonic() + chance.uniform(0, 2 * DRAIN_S)
    finally:
        for pid in drains:
            end(pid)
    check(data, told)


def check(data: Path, told: set[str]) -> None:
    store = opened(data)
    try:
        drain(data, store, Redactor(KEY), later=timedelta(hours=1))
        traces = store.traces(TraceQuery(namespace="default", limit=1000))
        calls: list[Span] = [
            span for trace in traces for span in store.spans(trace.execution_id) if span.kind == "tool"
        ]
        found = Counter(str((span.arguments or {}).get("command")) + str(span.execution_id) for span in calls)
        assert max(found.values(), default=0) <= 1, "a call stands there twice"
        ended = {
            f"{trace.session_id}-{str((span.arguments or {})['command']).removeprefix('make ')}"
            for trace in traces
            for span in calls
            if span.execution_id == trace.execution_id and span.outcome == "success"
        }
        assert told <= ended, "a call is lost whose hook had ended"
        tasks = Counter((trace.session_id, trace.prompt) for trace in traces)
        assert max(tasks.values(), default=0) <= 1, f"a task stands there twice: {tasks}"
        assert store.dead_letters() == []
        assert examine(store).found == {}
    finally:
        store.close()
    left = [path.name for path in (data / "inbox").iterdir()]
    assert [name for name in left if not name.endswith(".bad")] == [], "a payload was left"
