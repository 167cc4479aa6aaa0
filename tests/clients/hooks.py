"""Plain hooks for tests: they keep what the clients give them, and answer what a test lays out."""

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Fired", "RecordingHook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One call of the hook."""

    event: str
    raw: bytes
    """The payload as the client wrote it."""
    payload: Mapping[str, Any]
    transcript: str
    """What the session's file held at that moment."""


class RecordingHook:
    """A hook command whose calls stay in a folder (`record_hook.py`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "answers").mkdir(parents=True)
        script = Path(__file__).with_name("record_hook.py")
        self.command = shlex.join([sys.executable, "-I", "-S", str(script), str(folder)])

    def answer(self, event: str, context: str) -> None:
        """Add this text to the model's context whenever the event comes."""
        said = {"hookSpecificOutput": {"hookEventName": event, "additionalContext": context}}
        (self.folder / "answers" / event).write_text(json.dumps(said))

    def fired(self) -> list[Fired]:
        """Every call so far, in the order in which they began."""
        return [_fired(path) for path in sorted(self.folder.glob("*.json"))]


def _fired(path: Path) -> Fired:
    raw = path.read_bytes()
    payload = json.loads(raw)
    transcript = path.with_suffix(".transcript").read_text()
    return Fired(event=payload["hook_event_name"], raw=raw, payload=payload, transcript=transcript)
