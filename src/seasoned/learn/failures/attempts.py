"""A run's tool calls as failure mining sees them: what was called, whether it changed code, and which failures count.

Not every failed span is a failure to learn from. Left out, each with its reason: what a person stopped or refused, what
fell with a sibling, a search that found nothing (exit code 1 without a word), a probe whose error output was thrown
away, and a poll that came too late. A poll that brings the failure of a running command counts as that command.

Pure; spans may come in any order.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from seasoned.learn.calls import EDITS, PROGRAMMED, line_of, only_reads, tool_name
from seasoned.learn.failures.program import SHOWING, deciding, is_shell, name_of, simple_commands
from seasoned.learn.failures.signature import Signature, signature
from seasoned.model import Document, Span

__all__ = ["Attempt", "LeftOut", "attempts", "left_out"]

LeftOut = Literal[
    "interrupted", "rejected", "collateral", "no_match", "probe", "poll", "cause_redacted", "running_command"
]

_POLLS = frozenset({"write_stdin", "bashoutput", "taskoutput", "wait_agent", "killbash", "killshell", "taskstop"})
_POLL_ITSELF = re.compile(
    r"unknown process|stdin is closed|no (?:shell|task|process) (?:found )?with|not running", re.I
)
_INTERRUPTED = re.compile(r"\binterrupted by (?:the )?user\b|^\[?request interrupted|aborted by (?:the )?user", re.I)
_REJECTED = re.compile(
    r"user (?:doesn't|does not) want|rejected by (?:the )?user|haven't granted|has not been granted|permission .{0,60}denied by"
    r"|user (?:denied|declined|rejected)|tool use was rejected",
    re.I,
)
_COLLATERAL = re.compile(r"sibling tool call|cancelled: parallel|parallel tool call", re.I)
_REDACTED = re.compile(r"\s*(?:«redacted:[a-z0-9\-]{1,60}(?::[0-9a-f]{8})?»\s*)+")
_NO_MATCH = frozenset(
    {"grep", "egrep", "fgrep", "rg", "ag", "diff", "cmp", "test", "[", "which", "pgrep", "find", "fd"}
)
_ASKS = frozenset({"which", "type", "command", "whereis"})
"""Programs whose question was whether a program is there; "not found" is their answer."""
_NO_MATCH_VERBS = frozenset({"git grep", "git diff", "git config", "git rev-parse", "git show-ref", "command -v"})
_SILENCED = re.compile(r"2>\s?/dev/null|&>\s?/dev/null|>\s?/dev/null 2>&1|--quiet\b|(?<!\S)-q\b")
_WRITES = re.compile(r"(?<![<>&\d])>{1,2}\s?(?!/dev/null|&|/tmp/|\"?\$)[\w./~\"']")
_EDITING = frozenset({"sed", "perl", "patch", "gofmt", "prettier", "black"})
_MOVING = frozenset({"cp", "mv", "rm"})
_SOURCE = re.compile(r"(?<![./])[\w\-/]+\.(?!lock$|log$|tmp$|db$)[A-Za-z]{1,5}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One tool call."""

    span: Span
    tool: str
    """Own name of the tool, without its server's."""
    line: str
    """Shell line; empty for what is no shell."""
    names: tuple[str, ...]
    """What it ran: programs with their verbs, in order, or the tool alone. At least one."""
    edits: bool
    """Whether it may have changed code: what follows it may have succeeded for that reason."""
    failed: bool
    """Whether it failed in a way that counts."""
    signature: Signature | None = None
    """Of a failed one."""
    left_out: LeftOut | None = None
    """Why a failed span does not count."""

    @property
    def name(self) -> str:
        """The one that decided: the last command whose exit code was seen."""
        step = deciding(self.line) if self.line else None
        return name_of(step.words) if step is not None else self.names[-1]


def attempts(spans: Iterable[Span]) -> tuple[Attempt, ...]:
    """The tool calls among ``spans`` in order. Never raises."""
    ordered = sorted((span for span in spans if span.kind == "tool"), key=lambda span: (span.number, span.span_id))
    found: list[Attempt] = []
    for span in ordered:
        found.append(_attempt(span, found))
    return tuple(found)


def left_out(span: Span, line: str, read: Signature) -> LeftOut | None:
    """Why the failure of ``span`` teaches nothing; None where it counts."""
    message = span.error_message or span.result_preview or ""
    match span.error_type:
        case "interrupted":
            return "interrupted"
        case "user_rejected":
            return "rejected"
        case "sibling":
            return "collateral"
        case _:
            pass
    head = message[:400]
    if _INTERRUPTED.search(head):
        return "interrupted"
    if _REJECTED.search(head):
        return "rejected"
    if _COLLATERAL.search(head):
        return "collateral"
    if message and _REDACTED.fullmatch(message):
        return "cause_redacted"
    if tool_name(span).casefold() in _POLLS and _POLL_ITSELF.search(head):
        return "poll"
    return _nothing_found(line, read) if line else None


def _nothing_found(line: str, read: Signature) -> LeftOut | None:
    step = deciding(line)
    if step is None or read.telling.exit_code not in (None, 1):
        return None
    program, name = step.words[0].rsplit("/", 1)[-1], name_of(step.words)
    if program in _ASKS and read.text == "command not found":
        return "no_match"
    if read.informative:
        return None
    if program in _NO_MATCH or name in _NO_MATCH_VERBS:
        return "no_match"
    last = line.rsplit("&&", 1)[-1]
    if (program in SHOWING or only_reads(program, step.words[1:])) and _SILENCED.search(last):
        return "probe"
    return None


def _attempt(span: Span, before: list[Attempt]) -> Attempt:
    tool = tool_name(span)
    arguments: Document = span.arguments or {}
    line = line_of(arguments) if is_shell(tool) else ""
    if span.outcome == "failure" and tool.casefold() in _POLLS:
        polled = _polled(arguments, before)
        if polled is not None and not _POLL_ITSELF.search(span.error_message or ""):
            tool, line = polled.tool, polled.line
    names = tuple(dict.fromkeys(name_of(step.words) for step in simple_commands(line))) if line else ()
    read = why = None
    if span.outcome == "failure":
        read = signature(tool, line, span.error_message or span.result_preview or "")
        why = left_out(span, line, read)
    return Attempt(
        span=span,
        tool=tool,
        line=line,
        names=names or (tool,),
        edits=_edits(tool, line),
        failed=span.outcome == "failure" and why is None,
        signature=read,
        left_out=why,
    )


def _polled(arguments: Document, before: list[Attempt]) -> Attempt | None:
    """The running command that a poll asks about: the last one that said so, else the last whose end is not known."""
    number = arguments.get("session_id") or arguments.get("bash_id") or arguments.get("task_id")
    shells = [attempt for attempt in reversed(before) if attempt.line]
    if number is not None:
        for attempt in shells:
            if re.search(rf"\b{re.escape(str(number))}\b", attempt.span.result_preview or ""):
                return attempt
    return next((attempt for attempt in shells if attempt.span.outcome == "unknown"), None)


def _edits(tool: str, line: str) -> bool:
    folded = tool.casefold()
    if folded in EDITS or folded in PROGRAMMED:
        return True
    if not line:
        return False
    if _WRITES.search(line) or "<<" in line:
        return True
    return any(
        (step.words[0].rsplit("/", 1)[-1] in _EDITING and not only_reads(step.words[0], step.words[1:]))
        or (step.words[0] in _MOVING and any(_SOURCE.search(word) for word in step.words[1:]))
        for step in simple_commands(line)
    )
