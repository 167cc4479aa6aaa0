"""What agents tell their hooks: payloads into recordings and moments, advice into the agents' own formats.

A payload is read by the reader of the agent's transcripts: it is put into the words of that format first
(``claude``, ``codex``, ``gemini``), so that ids, follow-ups, checks and outcomes agree because they are made in one place.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasoned.capture.hooks.events import SOURCES, HookEvent, event_of_payload
    from seasoned.capture.hooks.moments import moment_of
    from seasoned.capture.hooks.output import hook_output
    from seasoned.capture.hooks.session import IDLE, HookSession, at_work, read_hooks

__all__ = [
    "IDLE",
    "SOURCES",
    "HookEvent",
    "HookSession",
    "at_work",
    "event_of_payload",
    "hook_output",
    "moment_of",
    "read_hooks",
]

_HOME = {
    **dict.fromkeys(("SOURCES", "HookEvent", "event_of_payload"), "events"),
    "moment_of": "moments",
    "hook_output": "output",
    **dict.fromkeys(("IDLE", "HookSession", "at_work", "read_hooks"), "session"),
}


def __getattr__(name: str) -> object:
    # Whoever answers a hook needs no importer.
    if name in _HOME:
        return getattr(import_module(f"seasoned.capture.hooks.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
