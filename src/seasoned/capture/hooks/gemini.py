"""Gemini CLI's hook payloads in the words of its chats.

Neither prompts nor calls have ids here: both are named by what they are and how often they came before, as in chats.
A call is told when it is over, with the beginning that its hook before the tool saw; the earliest one of the same name
and arguments that has not ended.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from seasoned.capture.hooks.events import HookEvent, call_of
from seasoned.capture.importers.gemini_chat import Chat
from seasoned.capture.loose import document_of, text_of
from seasoned.capture.port import Recording, Report, Resume, Source
from seasoned.model import Document
from seasoned.model.ids import canonical_json

__all__ = ["GeminiHooks"]

_QUIET = frozenset({"BeforeModel", "AfterModel", "BeforeToolSelection", "Notification", "PreCompress", "SessionStart"})
_STOPPED = "Request cancelled."


class GeminiHooks:
    """One session."""

    def __init__(self, namespace: str, session_id: str, state: Document, report: Report) -> None:
        path = Path("chats", f"session-{session_id}.jsonl")
        source = Source(path=path, namespace=namespace, size=0, resume=Resume(offset=0, state=state))
        self._report = report
        self._chat = Chat(source, report)
        self._begun: dict[str, list[datetime]] = {}
        self._in_turn = False

    def event(self, event: HookEvent, place: int) -> Iterator[Recording]:
        """One event, the ``place``-th of those that are read."""
        at = event.at.isoformat()
        if event.name == "BeforeAgent":
            self._chat.header({"sessionId": event.session_id, "cwd": event.text("cwd")})
            if self._in_turn:
                # AfterAgent does not run for a turn that the user cancels.
                yield from self._chat.message({"type": "info", "content": _STOPPED, "timestamp": at}, place)
            self._in_turn = True
            self._begun.clear()
            message: Document = {"type": "user", "content": event.text("prompt") or "", "timestamp": at}
            yield from self._chat.message(message, place)
        elif event.name == "BeforeTool":
            self._begun.setdefault(_key(event), []).append(event.at)
        elif event.name == "AfterTool":
            self._chat.header({"sessionId": event.session_id, "cwd": event.text("cwd")})
            yield from self._chat.message(self._call(event, at), place)
        elif event.name in {"AfterAgent", "SessionEnd"}:
            self._in_turn = False
            self._chat.stopped(event.at)
        elif event.name in _QUIET:
            self._report.ignore(event.name)
        else:
            self._report.unknown(event.name)

    def finish(self, over: int | None) -> Iterator[Recording]:
        """What is still open; ``over``: the session is over, and what may follow begins there."""
        yield from self._chat.finish(None, over=over)

    def needs(self, event: HookEvent) -> bool:  # noqa: ARG002  # as the other readers
        """Never: sub-agents are read in their chats alone, as hooks do not say which agent called."""
        return False

    def _call(self, event: HookEvent, at: str) -> Document:
        tool, arguments = call_of(event)
        begun = self._begun.get(_key(event))
        response = document_of(event.payload.get("tool_response"))
        error = document_of(response.get("error"))
        output = {"error": text_of(error.get("message"))} if error else {"output": text_of(response.get("llmContent"))}
        call: Document = {
            "name": tool,
            "args": arguments,
            "status": "error" if error else "success",
            "timestamp": at,
            "result": [{"functionResponse": {"response": output}}],
            "resultDisplay": response.get("returnDisplay"),
        }
        asked = begun.pop(0).isoformat() if begun else at
        return {"id": f"{at} {tool}", "type": "gemini", "timestamp": asked, "toolCalls": [call]}


def _key(event: HookEvent) -> str:
    return canonical_json(list(call_of(event)))
