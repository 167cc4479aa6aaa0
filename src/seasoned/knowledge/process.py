"""A server's process on stdio, and its certain end.

Invariant: no process outlives its question. It runs in a session of its own, so that ``end`` kills whatever it started
too; ``end`` may be called from any thread, at any time, and any number of times; what is still running when the
interpreter exits is ended then. The SDK's own transport waits up to four seconds for a server to leave and keeps the
process to itself, which a budget of 1.5 seconds cannot wait for.
"""

import atexit
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

__all__ = ["ServerProcess", "inherited_environment"]

_LAST_WORDS = 2_000
"""Bytes of standard error that are looked at."""
_DYING_S = 0.2
_running: set["ServerProcess"] = set()
_gate = threading.Lock()
"""Held while a process is started or forgotten: at exit nothing can slip in between."""
_closed = threading.Event()


def inherited_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a server may see: everything but the settings of Seasoned, which hold its own passwords."""
    return {name: value for name, value in environment.items() if not name.startswith("SEASONED_")}


class ServerProcess:
    """A running server; ``stdin`` and ``stdout`` are its pipes."""

    def __init__(self, command: Sequence[str], *, working_dir: Path) -> None:
        """Start it. Raises OSError where that fails, RuntimeError while the interpreter exits."""
        self.name = Path(command[0]).name
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed by ``end``; a pipe nobody reads would block it
        self._ended = threading.Lock()
        try:
            with _gate:
                if _closed.is_set():
                    raise RuntimeError("the interpreter is exiting")
                self._process = subprocess.Popen(
                    list(command),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._stderr,
                    cwd=working_dir,
                    env=inherited_environment(os.environ),
                    start_new_session=True,
                )
                _running.add(self)
        except BaseException:
            self._stderr.close()
            raise

    @property
    def pid(self) -> int:
        """Also the id of its process group."""
        return self._process.pid

    @property
    def stdin(self) -> IO[bytes]:
        """Where it reads."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """Where it writes."""
        assert self._process.stdout is not None
        return self._process.stdout

    def last_words(self) -> str:
        """How it ended, after it has closed its output, and the last line that it wrote on standard error, raw."""
        with suppress(subprocess.TimeoutExpired):  # its pipes are closed a moment before it is gone
            self._process.wait(_DYING_S)
        status = self._process.poll()
        ended = f"it ended with {status}" if status is not None else "it closed the connection"
        with suppress(ValueError):  # the file was closed by ``end``
            size = os.fstat(self._stderr.fileno()).st_size
            tail = os.pread(self._stderr.fileno(), _LAST_WORDS, max(0, size - _LAST_WORDS))
            lines = [line.strip() for line in tail.decode("utf-8", "replace").splitlines() if line.strip()]
            if lines:
                return f"{ended}: {lines[-1]}"
        return ended

    def leave(self, *, grace_s: float) -> None:
        """Let it end by itself, as its standard input is closed; after ``grace_s`` seconds end it."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        self.close()

    def close(self) -> None:
        """End it and close its pipes. For the thread that reads them alone."""
        self.end()
        for pipe in (self.stdin, self.stdout):
            with suppress(BrokenPipeError):  # what was not written yet
                pipe.close()

    def end(self) -> None:
        """Kill it with all that it started, and wait until it is gone. Its pipes stay open for who reads them."""
        with self._ended:
            if self not in _running:
                return
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
            with _gate:
                _running.discard(self)
            self._stderr.close()


def _end_all() -> None:
    _closed.set()
    with _gate:
        left = list(_running)
    for each in left:
        each.end()


atexit.register(_end_all)
