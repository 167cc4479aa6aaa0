"""The command as a user runs it: a process of its own, with nothing of this machine's settings in sight."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["PROGRAM", "environment", "run", "without_privileges"]

PROGRAM = (sys.executable, "-c", "from seasoned.doors.cli import main; main()")
_ALONE = {"SEASONED_SERVICE": "off"}
"""No test starts a service in the background but those that are about it."""
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a process sees. It leaves no byte code: one whose files may not grow would leave half of it."""
    inherited = {key: value for key, value in os.environ.items() if key in {"PATH", "LANG", "TMPDIR"}}
    return {**inherited, "HOME": str(home), "PYTHONWARNINGS": "error", "PYTHONDONTWRITEBYTECODE": "1", **_ALONE, **more}


def run(
    home: Path,
    *arguments: str | Path,
    before: Callable[[], object] | None = None,
    stdin: bytes = b"",
    timeout: float = 120,
    variables: Mapping[str, str] | None = None,
    **more: str,
) -> subprocess.CompletedProcess[str]:
    """Run to the end. ``before`` is called in the new process; a hang fails by its time-out."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        env=environment(home, **more, **(variables or {})),
        cwd=home,
        capture_output=True,
        check=False,
        timeout=timeout,
        preexec_fn=before,  # no threads here
        input=stdin,
    )
    out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def without_privileges() -> None:
    """For ``before``: rights of files hold for root too. Whoever is not root has nothing to give up."""
    library = ctypes.CDLL(None)
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        library.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
