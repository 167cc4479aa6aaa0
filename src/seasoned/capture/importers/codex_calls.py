"""Codex's calls in flight: from the model's request, over polls and end events, to one span each.

One deed leaves several records: the request, perhaps an end event (``exec_command_end`` up to 0.126, ``item_completed``
from 0.146 on) with the true exit code, the output given to the model, and for a command that runs on any number of
``write_stdin`` polls. They become one span, that of the request. Only what a code mode program does inside itself (ids
``exec-…``) has spans of its own, as children of the program's.
"""

from dataclasses import dataclass, field
from datetime import datetime

from seasoned.capture import checks
from seasoned.capture.assemble import ExecutionBuilder
from seasoned.capture.importers.codex_commands import Deed, deed_of
from seasoned.capture.importers.codex_output import Output, output_of
from seasoned.capture.loose import document_of
from seasoned.capture.patches import FileChange
from seasoned.model import Document, SpanOutcome

__all__ = ["Calls", "End"]

_POLLS = frozenset({"write_stdin", "wait"})
_KEPT_OUTPUT = 200_000
"""Characters of a polled command's output that are kept for judging it: its end says how it went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What an end event says of a call."""

    exit_code: int | None = None
    duration_ms: int | None = None
    outcome: SpanOutcome | None = None
    error_type: str | None = None
    result: str | None = None
    changes: tuple[FileChange, ...] = ()


@dataclass(slots=True)
class _Call:
    builder: ExecutionBuilder
    call_id: str | None
    span_id: str
    deed: Deed
    polled: "_Call | None" = None
    """The running call whose output this one asks for."""
    printed: list[str] = field(default_factory=list[str])
    printed_length: int = 0
    printed_bytes: int = 0
    end: End | None = None
    nested: bool = False
    runs_as: str | None = None


class Calls:
    """The open calls of one file."""

    def __init__(self, *, exit_codes: bool = True) -> None:
        """``exit_codes``: whether a command's output says how it ended; hooks are given what it printed, no more."""
        self._exit_codes = exit_codes
        self._open: dict[str, _Call] = {}
        self._running: dict[str, _Call] = {}

    def begin(
        self, builder: ExecutionBuilder, name: str, arguments: object, call_id: str | None, at: datetime | None
    ) -> str | None:
        """The model asks for a call. Returns its span id; None for a poll, which gets no span."""
        if call_id is not None and call_id in self._open:
            return None
        if name in _POLLS and (polled := self._polled_by(name, document_of(arguments))) is not None:
            if call_id is not None:
                self._open[call_id] = _Call(builder, call_id, polled.span_id, polled.deed, polled=polled)
            return None
        deed = deed_of(name, arguments)
        span_id = builder.begin(
            "tool",
            deed.name,
            native_id=call_id,
            arguments=deed.arguments,
            at=at,
            files=deed.files,
            command=deed.command,
        )
        if call_id is not None:
            self._open[call_id] = _Call(builder, call_id, span_id, deed)
        return span_id

    def _polled_by(self, name: str, arguments: Document) -> _Call | None:
        """The running command, where the call does nothing but wait for it."""
        if name == "wait":
            return self._running.get(f"cell {arguments.get('cell_id')}")
        if arguments.get("chars"):
            return None
        return self._running.get(f"process {arguments.get('session_id')}")

    def output(self, call_id: str, value: object, at: datetime | None) -> None:
        """The model is given the output of a call."""
        call = self._open.pop(call_id, None)
        if call is None:
            return
        output = output_of(value)
        asked, call = call, call.polled or call
        if call.runs_as is not None and call.runs_as not in self._running:
            return
        if asked.polled is not None and output.error_type == "tool_error":
            return
        _print(call, output.body)
        runs_as = f"process {output.process}" if output.process else f"cell {output.cell}" if output.cell else None
        if runs_as is not None:
            call.runs_as = runs_as
            self._running[runs_as] = call
            return
        self._finish(call, output, at)

    def ended(self, call_id: str, end: End) -> bool:
        """An end event was read. False when no call of this id is open here."""
        call = self._open.get(call_id)
        if call is not None and call.polled is None:
            call.end = end
            return True
        for running in self._running.values():
            if running.call_id == call_id:
                # The rest of its output comes with the next poll, or never.
                running.end = end
                return True
        return False

    def nested(
        self, builder: ExecutionBuilder, name: str, arguments: Document, call_id: str, end: End, at: datetime | None
    ) -> bool:
        """A call that a program made by itself, told of when it was over. False when no program is under way."""
        outer = next((call for call in reversed(self._open.values()) if call.deed.code_mode), None) or next(
            (call for call in reversed(self._running.values()) if call.deed.code_mode), None
        )
        if outer is None or outer.builder is not builder:
            return False
        outer.nested = True
        deed = deed_of(name, arguments)
        span_id = builder.begin(
            "tool",
            deed.name,
            native_id=call_id,
            arguments=deed.arguments,
            at=at,
            files=tuple(change.path for change in end.changes) or deed.files,
            command=deed.command,
            parent_span_id=outer.span_id,
        )
        outcome, error_type = _outcome(end, Output(body=""))
        if outcome == "success":
            _record(builder, end.changes)
        builder.end(
            span_id,
            outcome=outcome,
            result=end.result,
            duration_ms=end.duration_ms,
            exit_code=end.exit_code,
            error_type=error_type,
        )
        return True

    def settle(self) -> None:
        """The user speaks or the file ends: commands that still run are left alone with what they printed."""
        for call in list(self._running.values()):
            if call.end is not None:
                self._finish(call, Output(body=""), None)
            else:
                result = "".join(call.printed)
                call.builder.end(call.span_id, outcome="unknown", result=result, result_bytes=call.printed_bytes)
        self._running.clear()
        self._open.clear()

    def _finish(self, call: _Call, output: Output, at: datetime | None) -> None:
        if call.runs_as is not None:
            self._running.pop(call.runs_as, None)
        outcome, error_type = _outcome(call.end, output)
        exit_code = call.end.exit_code if call.end is not None and call.end.exit_code is not None else output.exit_code
        result = "".join(call.printed)
        if output.scripted and exit_code is None and outcome == "success" and call.deed.command is not None:
            outcome, error_type, exit_code = _by_words(call.deed.command, result)
        if not self._exit_codes and call.deed.command is not None and exit_code is None:
            outcome, error_type = "unknown", None
        if outcome == "success" and call.deed.changes and not call.nested:
            _record(call.builder, call.deed.changes)
        duration_ms = call.end.duration_ms if call.end is not None else None
        if duration_ms is None and call.runs_as is None:
            duration_ms = output.wall_ms or None
        call.builder.end(
            call.span_id,
            outcome=outcome,
            result=result,
            result_bytes=call.printed_bytes,
            at=at,
            duration_ms=duration_ms,
            exit_code=exit_code,
            error_type=error_type,
        )


def _print(call: _Call, text: str) -> None:
    call.printed_bytes += len(text.encode("utf-8", "replace"))
    call.printed_length += len(text)
    call.printed.append(text)
    while call.printed_length > _KEPT_OUTPUT and len(call.printed) > 1:
        call.printed_length -= len(call.printed.pop(0))


def _outcome(end: End | None, output: Output) -> tuple[SpanOutcome, str | None]:
    if output.refusal is not None:
        return output.refusal, output.error_type or "interrupted"
    if end is not None and end.outcome in {"rejected", "cancelled"}:
        return end.outcome, end.error_type
    exit_code = end.exit_code if end is not None and end.exit_code is not None else output.exit_code
    if output.error_type in {"timeout", "tool_error", "script_error"}:
        return "failure", output.error_type
    if exit_code is not None:
        return ("failure", "exit_code") if exit_code else ("success", None)
    if end is not None and end.outcome is not None:
        return end.outcome, end.error_type
    return ("failure", output.error_type) if output.error_type else ("success", None)


def _by_words(command: str, printed: str) -> tuple[SpanOutcome, str | None, int | None]:
    """How a command inside a program went whose exit code nobody printed."""
    found = {checks.verdict(check, None, printed) for check in checks.checks_of(command)}
    if "failed" in found:
        return "failure", "exit_code", 1
    return ("unknown", None, None) if "unknown" in found else ("success", None, 0 if found else None)


def _record(builder: ExecutionBuilder, changes: tuple[FileChange, ...]) -> None:
    for change in changes:
        content = "\n".join(change.lines) + "\n" if change.created else None
        builder.changed(
            change.path, added=change.added, modified=change.modified, deleted=change.deleted, content=content
        )
