"""Starting the service behind whoever needs it, and stopping it.

Invariant: nobody waits for a start but who says so, and a start that is not needed does no harm: the lock lets one live.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress

from seasoned.errors import ServiceError
from seasoned.resident.asking import ask
from seasoned.resident.holding import holder
from seasoned.resident.place import Place, private_folder, write_whole

__all__ = ["ensure_running", "said_at_start", "start_behind", "stop", "write_start"]

_AGAIN_S = 10.0
"""A start that fails is tried again after so long, so that a broken one costs little."""
_LOOK_S = 0.02


def _command_for(place: Place) -> list[str]:
    """The command line that starts the service of ``place`` with this Python."""
    program = "from seasoned.doors.cli import main; main()"
    # -P: what lies in the working folder is not imported.
    return [sys.executable, "-P", "-c", program, "--home", str(place.data_dir), "service", "run"]


def write_start(place: Place) -> None:
    """Say, in ``place.start`` and ``place.python``, how hooks start the service. Raises ServiceError."""
    private_folder(place.run)
    for path, text in (
        (place.start, json.dumps(_command_for(place)).encode()),
        # The interpreter behind a virtual environment: it starts as well without it, and sooner.
        (place.python, os.fsencode(os.path.realpath(sys.executable)) + b"\n"),
    ):
        try:
            stands = path.exists() and path.read_bytes() == text
        except OSError as error:
            raise ServiceError(f"{path}: {error.strerror or error}.") from error
        if not stands:
            write_whole(path, text)


def ensure_running(place: Place) -> bool:
    """Start the service behind unless it runs or was asked for a moment ago; whether it was started. Does not wait.

    Raises ServiceError.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        if abs(time.time() - place.asked.stat().st_mtime) < _AGAIN_S:
            return False
    if holder(place) is not None:
        return False
    start_behind(place)
    return True


def start_behind(place: Place, *, wait_s: float = 0.0) -> None:
    """Start the service in a session of its own, and wait until it answers, ``wait_s`` seconds at most (0: not at all).

    Raises ServiceError where it cannot be started or, when waited for, does not answer.
    """
    private_folder(place.run)
    try:
        place.asked.touch(mode=0o600)
        os.utime(place.asked)
        said = os.open(place.started_log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            started = subprocess.Popen(
                _command_for(place),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=place.data_dir,  # so that no project's settings apply to what serves all of them
                start_new_session=True,
            )
        finally:
            os.close(said)
    except OSError as error:
        raise ServiceError(f"The service cannot be started: {error.strerror or error}.") from error
    until = time.monotonic() + wait_s
    while wait_s:
        with suppress(ServiceError):
            if ask(place, "/health", method="GET", budget_s=1).status == 200:
                return
        if started.poll() is not None and holder(place) is None:
            raise ServiceError(f"The service did not start: {said_at_start(place) or 'it said nothing'}")
        if time.monotonic() > until:
            raise ServiceError(f"The service did not answer within {wait_s:g} s; see {place.log}.")
        time.sleep(_LOOK_S)
    # Not waited for: the process outlives this one, and is no child to be warned about.
    started.returncode = 0


def stop(place: Place, *, wait_s: float = 10.0) -> bool:
    """Let the service of ``place`` finish what it answers and end; whether one ran. Raises ServiceError."""
    if holder(place) is None:
        return False
    ask(place, "/stop", budget_s=wait_s)
    until = time.monotonic() + wait_s
    while (left := holder(place)) is not None:
        if time.monotonic() > until:
            raise ServiceError(f"The service (process {left}) did not end within {wait_s:g} s.")
        time.sleep(_LOOK_S)
    return True


def said_at_start(place: Place) -> str:
    """The last line that the last start said before the service had its log; empty for nothing."""
    try:
        lines = place.started_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
