"""Codex's hook payloads in the words of its rollouts.

Codex names shell calls ``Bash`` with ``command`` before its hooks, whatever tool made them, and says nothing of exit
codes: a command told of by hooks alone has an unknown outcome. ``PostToolUse`` runs for calls that succeeded (a command
that ran to its end, whatever its exit code: ``codex-rs/core/src/tools/registry.rs``), so other tools' outcomes are known.

The calls of a sub-agent come under the session of the root thread, in a turn of their own for which no prompt was
submitted; such a turn is read by itself, as its own rollout is.
"""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec

from seasoned.capture.hooks.events import HookEvent, call_of
from seasoned.capture.hooks.responses import failed_in_codex, output_in_codex
from seasoned.capture.importers.codex_records import Line, Payload
from seasoned.capture.importers.codex_session import Session
from seasoned.capture.loose import text_of
from seasoned.capture.port import Recording, Report, Resume, Source
from seasoned.model import Document

__all__ = ["CodexHooks"]

_QUIET = frozenset({"PermissionRequest", "PreCompact", "PostCompact", "SubagentStart", "SubagentStop"})


class CodexHooks:
    """One session."""

    def __init__(
        self, namespace: str, session_id: str, state: Document, report: Report, *, prompted: frozenset[str]
    ) -> None:
        """``prompted``: the turns, among all that are read now, for which a prompt was submitted."""
        self._namespace = namespace
        self._session_id = session_id
        self._report = report
        self._main = self._session(state)
        self._told = bool(state)
        self._sides: dict[str, Session] = {}
        self._working: set[str] = set()
        self._prompted = prompted
        self._open: set[str] = set()
        self._turn: str | None = None
        """The turn that runs."""

    def event(self, event: HookEvent, place: int) -> Iterator[Recording]:
        """One event, the ``place``-th of those that are read."""
        turn = event.text("turn_id")
        if not self._told or event.name == "SessionStart":
            self._told = True
            yield from self._main.line(_meta(event), place)
        if event.name == "UserPromptSubmit":
            yield from self._prompt(event, turn, place)
        elif event.tool_call:
            session = self._main
            if turn is not None and turn not in self._prompted and self._prompted:
                session = yield from self._side(event, turn, place)
            elif turn is not None and turn != self._turn:
                yield from self._begin(session, event, turn, place)
                self._turn = turn
            yield from self._call(session, event, place)
        elif event.name in {"Stop", "StopFailure"}:
            yield from self._stop(event, turn, place)
        elif event.name in _QUIET or event.name == "SessionStart":
            self._report.ignore(event.name)
        else:
            self._report.unknown(event.name)

    def finish(self, over: int | None) -> Iterator[Recording]:
        """What is still open; ``over``: the session is over, and what may follow begins there."""
        for side in self._sides.values():
            yield from (replace(item, resume=None) for item in side.finish())
        yield from self._main.finish(over=over)

    def needs(self, event: HookEvent) -> bool:
        """Whether it is of a sub-agent's turn that has not stopped, whose trace rests on all of its events."""
        return event.text("turn_id") in self._working

    def _session(self, state: Document) -> Session:
        path = Path(f"rollout-{self._session_id}.jsonl")
        source = Source(path=path, namespace=self._namespace, size=0, resume=Resume(offset=0, state=state))
        return Session(source, self._report, from_hooks=True)

    # -- turns ----------------------------------------------------------------------------------------------
    def _prompt(self, event: HookEvent, turn: str | None, place: int) -> Iterator[Recording]:
        if self._turn is not None and turn != self._turn:
            # Stop does not run for a turn that the user interrupts.
            yield from self._main.line(_event(event, {"type": "turn_aborted", "reason": "interrupted"}), place)
        if turn is not None and turn != self._turn:
            self._turn = turn
            yield from self._begin(self._main, event, turn, place)
        yield from self._main.line(_event(event, {"type": "user_message", "message": event.text("prompt")}), place)

    def _begin(self, session: Session, event: HookEvent, turn: str, place: int) -> Iterator[Recording]:
        yield from session.line(_event(event, {"type": "task_started", "turn_id": turn}), place)
        told: Document = {"turn_id": turn, "cwd": event.text("cwd"), "model": event.text("model")}
        yield from session.line(_told(event, "turn_context", told), place)

    def _side(self, event: HookEvent, turn: str, place: int) -> Generator[Recording, None, Session]:
        if turn not in self._sides:
            session = self._sides[turn] = self._session({})
            self._working.add(turn)
            yield from session.line(_meta(event), place)
            yield from self._begin(session, event, turn, place)
        return self._sides[turn]

    def _stop(self, event: HookEvent, turn: str | None, place: int) -> Iterator[Recording]:
        session = self._main
        if turn is not None and turn in self._sides:
            session = self._sides[turn]
            if turn not in self._working:
                return
            self._working.remove(turn)
        elif self._turn is None:
            return  # told already
        else:
            self._turn = None
        if event.name == "StopFailure":
            message = event.text("error_details") or text_of(event.payload.get("error"))
            info = event.payload.get("error")
            yield from session.line(
                _event(event, {"type": "error", "message": message, "codex_error_info": info}), place
            )
        yield from session.line(_event(event, {"type": "task_complete", "turn_id": turn}), place)

    # -- calls ----------------------------------------------------------------------------------------------
    def _call(self, session: Session, event: HookEvent, place: int) -> Iterator[Recording]:
        native = event.text("tool_use_id")
        if native is None:
            self._report.skip(event.place, f"a {event.name} without tool_use_id")
            return
        if native not in self._open:
            self._open.add(native)
            yield from session.line(_told(event, "response_item", _asked(event, native)), place)
        if event.name == "PostToolUse":
            output: Document = {"type": "function_call_output", "call_id": native}
            failed = failed_in_codex(event.payload)
            text = output_in_codex(event.payload.get("tool_response"))
            # As the rollout has it, where what was printed proves how the command ended.
            if failed is not None and failed.error == text.strip():
                text = f"Process exited with code {failed.exit_code}\nOutput:\n{text}"
            output["output"] = text
            yield from session.line(_told(event, "response_item", output), place)


def _asked(event: HookEvent, native: str) -> Document:
    tool, arguments = call_of(event)
    if tool == "Bash":
        tool, arguments = "exec_command", {"cmd": arguments.get("command")}
    elif tool == "apply_patch":
        patch = arguments.get("command", arguments.get("input", arguments.get("patch")))
        return {"type": "custom_tool_call", "name": tool, "call_id": native, "input": patch}
    return {
        "type": "function_call",
        "name": tool,
        "call_id": native,
        "arguments": msgspec.json.encode(arguments).decode(),
    }


def _meta(event: HookEvent) -> Line:
    return _told(event, "session_meta", {"id": event.session_id, "cwd": event.text("cwd")})


def _event(event: HookEvent, payload: Document) -> Line:
    return _told(event, "event_msg", payload)


def _told(event: HookEvent, kind: str, payload: Document) -> Line:
    return Line(timestamp=event.at.isoformat(), type=kind, payload=msgspec.convert(cast("object", payload), Payload))
