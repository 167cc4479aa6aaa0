"""One call of a hook: what the agent told it, and when.

Invariant: the order of a session's events, and which of them are one event delivered twice, depend on the events alone
and not on the order in which a folder lists them. A hook that is set in two places (user and project) runs twice.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from seasoned.capture.loose import document_of, time_of
from seasoned.model import Document
from seasoned.model.ids import canonical_json

__all__ = ["SOURCES", "HookEvent", "call_of", "event_of_payload", "text_in"]

SOURCES = ("claude_code", "codex", "gemini")
"""Agents whose hooks are read, as ``Trace.source`` names them."""

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")
_RANKS = {
    "SessionStart": 0,
    "UserPromptSubmit": 1,
    "BeforeAgent": 1,
    "SubagentStart": 2,
    "PreToolUse": 3,
    "BeforeTool": 3,
    "SubagentStop": 5,
    "Stop": 6,
    "StopFailure": 6,
    "AfterAgent": 6,
    "SessionEnd": 7,
}
_PROMPTS = frozenset({"UserPromptSubmit", "BeforeAgent"})
_TOOLS = frozenset({"PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "BeforeTool", "AfterTool"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HookEvent:
    """One payload."""

    source: str
    """One of ``SOURCES``."""
    session_id: str
    """The agent's own id; at most 200 characters, safe in a name."""
    name: str
    """What the agent calls the event: ``PreToolUse``, ``BeforeAgent``, …"""
    payload: Document
    """As the agent wrote it; not redacted."""
    at: datetime
    """Aware; the agent's word, else when the payload was written down."""
    place: str = ""
    """Where it is kept, to say which events are done with."""

    @property
    def order(self) -> tuple[datetime, int, str]:
        """Sorts the events of a session: by time; in the same tick what begins stands before what ends."""
        return self.at, _RANKS.get(self.name, 4), self.place

    @property
    def tool_call(self) -> bool:
        """Whether it tells of a call's beginning or end."""
        return self.name in _TOOLS

    def text(self, name: str) -> str | None:
        """A field that holds text; None where it holds none."""
        return text_in(self.payload, name)

    def identity(self, turn: int) -> str | None:
        """Equal for two deliveries of one event; None for those that do no harm twice. ``turn``: how many turns have
        ended before it, which tells two prompts of the same words apart where they have no ids."""
        if self.name not in _PROMPTS and self.name not in _TOOLS:
            return None
        native = self.text("tool_use_id") if self.name in _TOOLS else self.text("prompt_id") or self.text("turn_id")
        if native is None:
            told: list[object] = [self.payload, turn]
        elif self.name in _TOOLS:
            told = [self.text("agent_id"), native]
        else:
            told = [native, self.payload.get("prompt")]
        key = canonical_json([self.name, *told])
        return blake2b(key.encode("utf-8", "replace"), digest_size=8).hexdigest()


def event_of_payload(source: str, payload: Document, *, at: datetime | None, place: str = "") -> HookEvent | None:
    """The event that a payload tells of; None for one that names no event or no session. ``at``: when it was written;
    None: now."""
    name, session = text_in(payload, "hook_event_name"), text_in(payload, "session_id")
    if name is None or session is None or not _SESSION.fullmatch(session):
        return None
    # Gemini CLI says when; the others leave it to the clock of whoever wrote the payload down.
    at = time_of(payload.get("timestamp")) or at or datetime.now(UTC)
    return HookEvent(source=source, session_id=session, name=name[:80], payload=payload, at=at, place=place)


def text_in(payload: Document, name: str) -> str | None:
    """A field of ``payload`` that holds text, without NUL, which no row can keep; None where it holds none."""
    value = payload.get(name)
    return (value.replace("\0", "") or None) if isinstance(value, str) else None


def call_of(event: HookEvent) -> tuple[str, Document]:
    """(tool, arguments) of a tool's event."""
    return event.text("tool_name") or "tool", document_of(event.payload.get("tool_input"))
