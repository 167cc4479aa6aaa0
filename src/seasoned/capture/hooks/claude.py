"""Claude Code's hook payloads in the words of its transcripts.

Invariant: each sub-agent is read by itself, as its own transcript is; what its parent knows of it comes with the result
of the call that started it. Spans of model calls are in transcripts alone: hooks are not told of them.

What hooks do not say is concluded from what they are not called for (https://code.claude.com/docs/en/hooks): ``Stop``
does not run when the user interrupts, so a prompt that follows a prompt without ``Stop`` between interrupted it; and a
call of which nobody has told the end when the turn is over was refused, or belongs to the background.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from seasoned.capture.hooks.events import HookEvent, call_of
from seasoned.capture.hooks.responses import output_in_claude
from seasoned.capture.importers.claude_records import Block, Line
from seasoned.capture.importers.claude_session import Session
from seasoned.capture.importers.claude_words import INTERRUPTED, spoken
from seasoned.capture.loose import document_of
from seasoned.capture.port import Recording, Report, Resume, Source
from seasoned.model import Document

__all__ = ["ClaudeHooks"]

_BY_USER = f"{INTERRUPTED}]"
_FOR_TOOL_USE = f"{INTERRUPTED} for tool use]"
_DENIED = "Permission for this action has been denied."
_QUIET = frozenset({"SessionStart", "Notification", "PreCompact", "PostCompact", "PostToolBatch", "PermissionRequest"})


class ClaudeHooks:
    """One session."""

    def __init__(self, namespace: str, session_id: str, state: Document, report: Report) -> None:
        self._namespace = namespace
        self._report = report
        self._main = Session(_source(namespace, Path(f"{session_id}.jsonl"), state), report)
        self._folder = Path(session_id, "subagents")
        self._agents: dict[str, Session] = {}
        self._working: set[str] = set()
        self._open: dict[str | None, set[str]] = {}
        self._in_turn = False

    def event(self, event: HookEvent, place: int) -> Iterator[Recording]:
        """One event, the ``place``-th of those that are read."""
        agent = event.text("agent_id")
        if event.tool_call:
            if agent is not None:
                self._working.add(agent)
            yield from self._call(event, agent, place)
        elif event.name == "UserPromptSubmit":
            yield from self._prompt(event, place)
        elif event.name == "SubagentStart" and agent is not None:
            self._working.add(agent)
        elif event.name == "SubagentStop" and agent is not None:
            self._stop(event, agent)
        elif event.name in {"Stop", "SessionEnd"}:
            self._stop(event, None)
        elif event.name == "StopFailure":
            yield from self._failed(event, place)
            self._stop(event, None)
        elif event.name in _QUIET:
            self._report.ignore(event.name)
        else:
            self._report.unknown(event.name)

    def finish(self, over: int | None) -> Iterator[Recording]:
        """What is still open; ``over``: the session is over, and what may follow begins there."""
        for agent in self._agents.values():
            # How far to read again is said by the main agent's executions.
            yield from (replace(item, resume=None) for item in agent.finish())
        yield from self._main.finish(over=over)

    def needs(self, event: HookEvent) -> bool:
        """Whether it is of a sub-agent that has not stopped, whose trace rests on all of its events."""
        return event.text("agent_id") in self._working

    # -- prompts and turns ----------------------------------------------------------------------------------
    def _prompt(self, event: HookEvent, place: int) -> Iterator[Recording]:
        text = event.text("prompt") or ""
        if self._in_turn and spoken(Line(), [Block(type="text", text=text)]).kind == "prompt":
            yield from self._main.line(_line(event, "user", _words(_BY_USER)), place)
        self._in_turn = True
        self._open.pop(None, None)
        line = _line(event, "user", {"role": "user", "content": text})
        line.permission_mode = event.text("permission_mode")
        yield from self._main.line(line, place)

    def _stop(self, event: HookEvent, agent: str | None) -> None:
        self._open.pop(agent, None)
        if agent is None:
            self._in_turn = False
            self._main.stopped(event.at)
        else:
            self._working.discard(agent)
            if agent in self._agents:
                self._agents[agent].stopped(event.at, agent)

    def _failed(self, event: HookEvent, place: int) -> Iterator[Recording]:
        """The turn ended because the model's provider refused or failed."""
        text = event.text("error_details") or event.text("last_assistant_message") or event.text("error") or "error"
        line = _line(event, "assistant", {"role": "assistant", "model": "<synthetic>", **_words(text)})
        line.is_api_error_message, line.error = True, event.payload.get("error")
        yield from self._main.line(line, place)

    # -- calls ----------------------------------------------------------------------------------------------
    def _call(self, event: HookEvent, agent: str | None, place: int) -> Iterator[Recording]:
        native = event.text("tool_use_id")
        if native is None:
            self._report.skip(event.place, f"a {event.name} without tool_use_id")
            return
        known = self._open.setdefault(agent, set())
        if native not in known:
            # A hook may be set for the end of a call alone, or come late: the payload tells of the beginning too.
            known.add(native)
            yield from self._told(event, agent, self._asked(event, native), place)
        if event.name == "PostToolUse":
            response = event.payload.get("tool_response")
            result: Document = {"type": "tool_result", "tool_use_id": native, "content": output_in_claude(response)}
            yield from self._told(event, agent, self._ended(event, [result], document_of(response)), place)
        elif event.name != "PreToolUse":
            yield from self._told(event, agent, self._ended(event, _failure(event, native), {}), place)

    def _told(self, event: HookEvent, agent: str | None, line: Line, place: int) -> Iterator[Recording]:
        if agent is None:
            yield from self._main.line(line, place)
            return
        if agent not in self._agents:
            path = self._folder / f"agent-{agent[:100]}.jsonl"
            self._agents[agent] = Session(_source(self._namespace, path, {}), self._report)
        line.is_sidechain, line.agent_id = True, agent
        line.attribution_agent = event.text("agent_type")
        yield from self._agents[agent].line(line, place)

    @staticmethod
    def _asked(event: HookEvent, native: str) -> Line:
        tool, arguments = call_of(event)
        use = {"type": "tool_use", "id": native, "name": tool, "input": arguments}
        line = _line(event, "assistant", {"role": "assistant", "content": [use]})
        line.uuid = native  # names work whose prompt was missed, wherever it stands among what is read
        return line

    @staticmethod
    def _ended(event: HookEvent, content: list[Document], response: Document) -> Line:
        line = _line(event, "user", {"role": "user", "content": content})
        report = {"durationMs": event.payload.get("duration_ms"), **response}
        line.tool_use_result = _raw(report)
        return line


def _source(namespace: str, path: Path, state: Document) -> Source:
    return Source(path=path, namespace=namespace, size=0, resume=Resume(offset=0, state=state))


def _line(event: HookEvent, kind: str, message: Document) -> Line:
    """A line without version and uuid, which hooks are not told."""
    return Line(
        type=kind,
        session_id=event.session_id,
        timestamp=event.at.isoformat(),
        cwd=event.text("cwd"),
        prompt_id=event.text("prompt_id"),
        is_sidechain=False,
        message=_raw(message),
    )


def _raw(document: Document) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(document))


def _words(text: str) -> Document:
    return {"content": [{"type": "text", "text": text}]}


def _failure(event: HookEvent, native: str) -> list[Document]:
    """The result of a call that failed, was stopped or was denied, as the transcript words it."""
    told: Document = {"type": "tool_result", "tool_use_id": native, "is_error": True}
    if event.payload.get("is_interrupt") is True:
        return [{**told, "content": _FOR_TOOL_USE}, {"type": "text", "text": _FOR_TOOL_USE}]
    error = event.text("error") or event.text("reason") or ""
    return [{**told, "content": f"{_DENIED} {error}".strip() if event.name == "PermissionDenied" else error}]
