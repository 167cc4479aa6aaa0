"""A service as users have it: a real one, in the background, ended with the test."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from command import environment, run

from seasoned.doors.hooks import HOOK
from seasoned.resident import Place, ask, holder

__all__ = [
    "ON",
    "TASK",
    "alone",
    "answered",
    "ask_hook",
    "below",
    "health",
    "prompt",
    "resident",
    "served",
    "started",
    "until",
]

ON = {"SEASONED_SERVICE": "auto"}
TASK = "Fix the failing tests of the parser"
_VARYING = ("latency_ms", "took_ms", "created_at", "path_id")


def until(what: str, seconds: float = 30) -> Iterator[None]:
    """Turns until the deadline, a little apart."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.01)
    pytest.fail(f"It did not come about: {what}.")


@contextmanager
def resident(home: Path) -> Generator[Place]:
    """The place of the service of a data folder in ``home``; whoever is the service at the end is ended."""
    place = Place(data_dir=home / "data")
    try:
        yield place
    finally:
        if (pid := holder(place)) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGKILL)
            for _ in until("the end of the service"):
                if holder(place) is None:
                    break


def started(home: Path, **variables: str) -> dict[str, Any]:
    """Start it and wait until it is ready; its health."""
    done = run(home, "--home", home / "data", "service", "start", "--json", variables={**ON, **variables})
    assert done.returncode == 0, done.stderr
    for _ in until("the service is ready"):
        found = health(home)
        if found["ready"]:
            return found
        assert found["failed"] is None
    raise AssertionError


def health(home: Path) -> dict[str, Any]:
    """What the service says of itself."""
    reply = ask(Place(data_dir=home / "data"), "/health", method="GET", budget_s=20)
    assert reply.status == 200
    return json.loads(reply.body)


def below(pid: int) -> list[int]:
    """Processes that one has started, whichever of its threads did."""
    found: list[int] = []
    for each in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, each.read_text().split())
    return found


def answered(home: Path) -> int:
    """How many it has answered, once nobody is being answered any more."""
    same = [health(home)["answered"]]
    for _ in until("nobody asks"):
        if len(same) == 20:
            break
        now = health(home)["answered"]
        same = [*same, now] if now == same[-1] else [now]
    return same[-1]


def prompt(session: str, text: str) -> bytes:
    """A payload of a hook that answers."""
    said = {"session_id": session, "hook_event_name": "UserPromptSubmit", "prompt": text, "cwd": "/nowhere"}
    return json.dumps(said).encode()


def ask_hook(
    home: Path, payload: bytes, variables: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """The hook that answers, as an agent runs it. Without a budget of its own a test would depend on the machine."""
    given = {**environment(home, **ON), "SEASONED_HOOK_BUDGET_MS": "10000", **(variables or {})}
    done = subprocess.run(
        ["sh", str(HOOK), "claude_code", "ask", str(home / "data")],
        input=payload,
        env=given,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    return done


def alone(home: Path, *arguments: str) -> Any:
    """What a command answers by itself, without what varies."""
    return _answer(run(home, "--home", home / "data", *arguments))


def served(home: Path, *arguments: str, **variables: str) -> Any:
    """What it answers where it may ask the service."""
    return _answer(run(home, "--home", home / "data", *arguments, variables={**ON, **variables}))


def _answer(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stderr
    return _without(json.loads(done.stdout))


def _without(document: Any) -> Any:
    """What differs between two answers that are the same."""
    if isinstance(document, dict):
        return {key: _without(value) for key, value in document.items() if key not in _VARYING}  # pyright: ignore[reportUnknownVariableType]
    return [_without(each) for each in document] if isinstance(document, list) else document  # pyright: ignore[reportUnknownVariableType]
