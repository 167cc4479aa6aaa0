"""One execution of a Claude Code session while it is read: its model replies and its tool calls.

Invariant: tokens of a message count once, with the last figures that any of its lines states, however its lines are
interleaved with others; and a call and its result meet whichever line comes first (since 2.1.12x a result may stand
before the call, because tools start while the reply is still streaming).

Memory is bounded by what is open: a handful of replies, the calls without result, the results without call.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from seasoned.capture.assemble import ExecutionBuilder
from seasoned.capture.excerpt import cut
from seasoned.capture.importers.claude_records import Block, Line, Message, ToolReport, Usage, text_of, word
from seasoned.capture.importers.claude_tools import (
    DELEGATING,
    Judgement,
    change_of,
    command_of,
    commits_in,
    duration_of,
    files_of,
    judge,
)
from seasoned.capture.loose import document_of, whole_of
from seasoned.model import Document, SpanOutcome

__all__ = ["HOOK_OUTCOMES", "Chain", "Counted", "Delegation", "context_of", "record_hook"]

_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_OPEN_REPLIES = 16
_EARLY_RESULTS = 64
_COUNTED = 256
_QUOTA = re.compile(
    r"usage limit|out of extra usage|hit your .{0,20}limit|credit balance is too low"
    r"|(?:hour|weekly|daily|session|opus|sonnet) limit reached",
    re.IGNORECASE,
)
_NONE = (0, 0, 0, 0)

Counted = dict[str, tuple[int, int, int, int]]
"""Tokens already counted, by message id, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A call that started a sub-agent, as far as its result tells."""

    agent_id: str | None
    call_id: str
    run_id: str | None
    """Of a workflow: its agents' files stand in a folder of this name."""
    agent_type: str
    prompt: str | None
    started_at: datetime | None
    ended_at: datetime | None
    """None while it works in the background."""
    duration_ms: int | None


HOOK_OUTCOMES: dict[str, SpanOutcome] = {
    "hook_success": "success",
    "hook_cancelled": "cancelled",
    "hook_non_blocking_error": "failure",
    "hook_blocking_error": "failure",
    "hook_error_during_execution": "failure",
}
"""Attachments that tell how a hook went."""


@dataclass(slots=True)
class _Reply:
    span_id: str
    model: str | None
    stop_reason: str | None = None
    texts: list[str] = field(default_factory=list[str])
    usage: Usage | None = None


@dataclass(slots=True)
class _Call:
    span_id: str
    tool: str
    arguments: Document
    command: str | None
    at: datetime | None


@dataclass(slots=True)
class _Result:
    text: str
    is_error: bool
    report: ToolReport | None
    at: datetime | None


class Chain:
    """Feeds one ``ExecutionBuilder``."""

    def __init__(self, builder: ExecutionBuilder, counted: Counted, start: int) -> None:
        self.builder = builder
        self.start = start
        """Byte at which its first record begins."""
        self.settled = False
        """Whether the last thing read ends a turn."""
        self.calls: dict[str, _Call] = {}
        self._counted = counted
        self._early: dict[str, _Result] = {}
        self._replies: dict[str, _Reply] = {}
        self._anonymous = 0
        self._spent: dict[str, int] = {}
        self._commits: list[str] = []

    @property
    def ended(self) -> bool:
        """Whether the last turn is over: stopped by the user, or answered with no call left without result."""
        return self.builder.interrupted or (self.settled and not self.calls)

    def stop(self, at: datetime | None) -> None:
        """The client says that the turn is over; ``at`` is no record of its own."""
        self.settled = True
        self.calls.clear()
        last = self.builder.last_at
        if at is not None and (last is None or at > last):
            self.builder.last_at = at

    # -- the model ------------------------------------------------------------------------------------------
    def reply(self, line: Line, message: Message, at: datetime | None) -> list[Delegation]:
        """One line of a model's reply. Returns delegations whose results were waiting for it."""
        model = word(message.model)
        if line.is_api_error_message is True or model == "<synthetic>":
            self._synthetic(line, message, at)
            return []
        if self.builder.interrupted:
            self.builder.resume_after_interruption()
        self.builder.error_type = self.builder.error_message = None
        reply = self._reply_of(message, model, at)
        done: list[Delegation] = []
        stop = word(message.stop_reason)
        for block in message.blocks():
            if block.type == "text" and isinstance(block.text, str):
                self.settled = True
                if reply is not None and block.text.strip():
                    reply.texts.append(block.text)
            elif isinstance(block.type, str) and block.type in _CALLS:
                self.settled = False
                done.extend(self._call(block, at))
            elif isinstance(block.type, str) and block.type.endswith("_tool_result"):
                self.settled = False
                self._provided(block, at)
            else:
                self.settled = False
        if stop is not None:
            self.settled = stop in {"end_turn", "stop_sequence"}
        if reply is not None:
            reply.usage = message.usage or reply.usage
            reply.stop_reason = stop or reply.stop_reason
        elif message.usage is not None:
            self._count(word(message.id), message.usage.counts(), model, calls=0)
        return done

    def close_replies(self, keep: int = 0) -> None:
        """Let all but the ``keep`` newest replies go into the execution."""
        while len(self._replies) > keep:
            key = next(iter(self._replies))
            reply = self._replies.pop(key)
            tokens = reply.usage.counts() if reply.usage is not None else _NONE
            self._count(key, tokens, reply.model, calls=1)
            self.builder.end(
                reply.span_id,
                outcome="success",
                result="\n".join(reply.texts) or None,
                tokens=sum(tokens) if reply.usage is not None else None,
                attributes={"stop_reason": reply.stop_reason} if reply.stop_reason else None,
            )

    def _reply_of(self, message: Message, model: str | None, at: datetime | None) -> _Reply | None:
        """The open reply of this message; None when it was closed already, or when it is nobody's: of a call that a hook
        told, the model and its reply are not known."""
        native = word(message.id)
        if native is None and model is None:
            return None
        if native is None:
            self._anonymous += 1
        key = native or f"#{self._anonymous}"
        reply = self._replies.get(key)
        if reply is None and key not in self._counted:
            self.close_replies(_OPEN_REPLIES - 1)
            span_id = self.builder.begin("llm", model or "model", native_id=native, at=at, model=model)
            reply = self._replies[key] = _Reply(span_id, model)
        return reply

    def _count(self, key: str | None, tokens: tuple[int, int, int, int], model: str | None, *, calls: int) -> None:
        before = self._counted.get(key, _NONE) if key else _NONE
        if key and not key.startswith("#"):
            self._counted.pop(key, None)
            self._counted[key] = tokens
            if len(self._counted) > _COUNTED:
                del self._counted[next(iter(self._counted))]
        new = [now - then for now, then in zip(tokens, before, strict=True)]
        if calls or any(new):
            self.builder.count_tokens(input_=new[0], output=new[1], cache_read=new[2], cache_write=new[3], calls=calls)
        if model:
            self._spent[model] = self._spent.get(model, 0) + 1 + tokens[1]
            self.builder.model = max(self._spent, key=lambda name: (self._spent[name], name))

    def _synthetic(self, line: Line, message: Message, at: datetime | None) -> None:
        text = text_of(message.content)
        self.settled = True
        if line.is_api_error_message is not True:
            return
        error = word(line.error) or "api_error"
        self.builder.error_type = error if error.startswith("api_") else f"api_{error}"
        self.builder.error_message = text
        span_id = self.builder.begin("llm", "api error", native_id=word(line.uuid), at=at)
        self.builder.end(span_id, outcome="failure", result=text, error_type=error, error_message=text)
        if error in {"rate_limit", "billing_error"} or _QUOTA.search(text):
            self.builder.interrupt(text, kind="quota")

    # -- tools ----------------------------------------------------------------------------------------------
    def _call(self, block: Block, at: datetime | None) -> list[Delegation]:
        tool = word(block.name) or "tool"
        native = word(block.id)
        arguments = document_of(block.input)
        command = command_of(tool, arguments)
        if native is not None and native in self.calls:
            return []
        span_id = self.builder.begin(
            "tool", tool, native_id=native, arguments=arguments, at=at, files=files_of(arguments), command=command
        )
        if native is None:
            return []
        self.calls[native] = _Call(span_id, tool, arguments, command, at)
        early = self._early.pop(native, None)
        return self._end(native, early) if early is not None else []

    def _provided(self, block: Block, at: datetime | None) -> None:
        """The result of a tool that the provider ran itself stands in the reply that asked for it."""
        inner = block.content if isinstance(block.content, list) else []
        failed = any(isinstance(part.type, str) and part.type.endswith("_error") for part in inner)
        block.is_error = block.is_error is True or failed
        self.result(block, None, at)

    def result(self, block: Block, report: ToolReport | None, at: datetime | None) -> list[Delegation]:
        """A tool's result. Returns the delegation that it ends or reports, if any."""
        native = word(block.tool_use_id)
        if native is None:
            return []
        result = _Result(text_of(block.content), block.is_error is True, report, at)
        if native in self.calls:
            return self._end(native, result)
        self._early[native] = result
        if len(self._early) > _EARLY_RESULTS:
            del self._early[next(iter(self._early))]
        return []

    def _end(self, native: str, result: _Result) -> list[Delegation]:
        call = self.calls.pop(native)
        judgement = judge(result.text, is_error=result.is_error, report=result.report)
        attributes: Document | None = None
        if judgement.outcome == "unknown":
            attributes = {"background": True}
        self.builder.end(
            call.span_id,
            outcome=judgement.outcome,
            result=judgement.text,
            at=result.at,
            duration_ms=duration_of(result.report),
            exit_code=judgement.exit_code,
            error_type=judgement.error_type,
            attributes=attributes,
        )
        if judgement.outcome in {"success", "unknown"}:
            self._effects(call, judgement, result)
        told = self._delegation(native, call, judgement, result)
        known = told.run_id or (told.agent_id and told.prompt is not None)
        return [told] if known or call.tool in DELEGATING else []

    def _effects(self, call: _Call, judgement: Judgement, result: _Result) -> None:
        change = change_of(call.tool, call.arguments, result.report)
        if change is not None:
            self.builder.changed(
                change.path,
                added=change.added,
                modified=change.modified,
                deleted=change.deleted,
                content=change.content,
            )
        for sha in commits_in(call.command, judgement.text, result.report):
            if sha not in self._commits and len(self._commits) < 20:
                self._commits.append(sha)
                self.builder.metadata = {**(self.builder.metadata or {}), "commits": list(self._commits)}

    def _delegation(self, native: str, call: _Call, judgement: Judgement, result: _Result) -> Delegation:
        report = result.report
        running = report is not None and report.status == "async_launched"
        run_id = word(report.run_id) if report is not None else None
        prompt = call.arguments.get("prompt") if report is None or run_id is None else report.summary
        return Delegation(
            agent_id=word(report.agent_id) if report is not None else None,
            call_id=native,
            run_id=run_id,
            agent_type=(word(report.agent_type) if report is not None else None)
            or word(call.arguments.get("subagent_type"))
            or (call.tool if run_id is not None else "general-purpose"),
            prompt=prompt if isinstance(prompt, str) else None,
            started_at=call.at,
            ended_at=None if running else result.at,
            duration_ms=duration_of(report) if judgement.outcome == "success" and not running else None,
        )


def record_hook(builder: ExecutionBuilder, told: Document, *, outcome: SpanOutcome, native_id: str | None) -> None:
    """A hook that ran, as an attachment or a summary tells of it."""
    name = word(told.get("hookName")) or word(told.get("hookEvent")) or "hook"
    span_id = builder.begin("hook", name, native_id=native_id)
    said = word(told.get("stderr")) if outcome == "failure" else None
    command = word(told.get("command"))
    builder.end(
        span_id,
        outcome=outcome,
        error_type="hook_error" if outcome == "failure" else None,
        error_message=said,
        duration_ms=whole_of(told.get("durationMs")),
        attributes={"command": cut(command, 200)} if command else None,
    )


def context_of(line: Line) -> Document | None:
    """How the agent was run when the execution began."""
    context: Document = {}
    if (entrypoint := word(line.entrypoint)) is not None:
        context["entrypoint"] = entrypoint[:40]
    if (mode := word(line.permission_mode)) is not None:
        context["permission_mode"] = mode[:40]
    return context or None
