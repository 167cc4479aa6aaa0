"""How a command of Codex ended, read from the end of its own transcript.

Codex (0.169) tells its hooks what a command printed and not whether it failed. By then its rollout holds the call's
``item_completed`` with the exit code (seen in every recorded session, parallel calls too), within the last few lines.
"""

import os
import stat
from pathlib import Path

import msgspec

from seasoned.capture.loose import document_of
from seasoned.model import Document

__all__ = ["ended_in_rollout"]

_TAIL_BYTES = 256 << 10
"""More than a few calls at once print; a line that begins before it is not found, and nothing is said then."""


def ended_in_rollout(path: object, call_id: object) -> Document | None:
    """The item (``exit_code``, ``status``, ``aggregated_output``) of the call in the rollout at ``path``; None where it
    does not stand there. Any path may be given: only a plain file of this user's with a rollout's name is opened."""
    if not isinstance(path, str) or not isinstance(call_id, str) or not call_id:
        return None
    name = Path(path).name
    if not (name.startswith("rollout-") and name.endswith(".jsonl")) or "\0" in path:
        return None
    try:
        tail = _tail(path)
    except OSError:
        return None  # gone, or not to be read: then nothing is known, which is an answer
    wanted = call_id.encode("utf-8", "replace")
    for line in reversed(tail.splitlines()):
        if wanted in line and b'"item_completed"' in line:
            try:
                payload = document_of(document_of(msgspec.json.decode(line)).get("payload"))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            item = document_of(payload.get("item"))
            if item.get("id") == call_id and item.get("type") == "CommandExecution":
                return item
    return None


def _tail(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
            return b""
        return os.pread(descriptor, _TAIL_BYTES, max(0, about.st_size - _TAIL_BYTES))
    finally:
        os.close(descriptor)
