"""OpenHands' event stream: actions and observations to spans, in results and conversations alike."""

import re
from collections.abc import Iterator
from datetime import datetime

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.conversation import Conversation
from seasoned.capture.documents import members
from seasoned.capture.excerpt import cut
from seasoned.capture.loose import document_of, items_of, number_of, text_of, time_of, whole_of
from seasoned.capture.patches import line_changes
from seasoned.capture.port import Recording, Report, Source
from seasoned.model import Document, SpanOutcome

__all__ = ["WORKSPACE", "Events", "follow_conversation"]

WORKSPACE = "/workspace"
"""Where OpenHands mounts the project, unless a task says otherwise."""
_SHELL = {"run"}
_TOOLS = {
    "run", "run_ipython", "read", "write", "edit", "browse", "browse_interactive", "call_tool_mcp", "mcp", "delegate",
    "think", "task_tracking", "condensation_request", "send", "kill", "loop_recall",
}  # fmt: skip
_ENVIRONMENT = {
    "system",
    "recall",
    "change_agent_state",
    "null",
    "condensation",
    "pause",
    "resume",
    "stop",
    "summarize",
}
"""Actions of the harness, not of the agent."""
_STATES = {"agent_state_changed", "recall", "null", "condense", "user_rejected", "success", "system"}
_BESIDE = {"action", "observation", "thought", "source", "id", "timestamp", "message", "cause", "is_confirmed"}
"""Keys of the oldest events, which hold their arguments beside these."""
_REFUSED = re.compile(r"\s*\[?(?:(?:ERROR|Error)\b|Your proposed edit has introduced|No replacement was performed)")
_MAX_FOLLOW_UPS = 50


class Events:
    """Takes the events of one execution into its builder."""

    def __init__(
        self, builder: ExecutionBuilder, report: Report, *, count_answers: bool = False, has_patch: bool = False
    ) -> None:
        """``count_answers``: sum the tokens of the model's answers, where no totals will be given.

        ``has_patch``: the source states what became of all edits together, so that single ones must not count too.
        """
        self.builder = builder
        self._report = report
        self._has_patch = has_patch
        self._answers: set[str] | None = set() if count_answers else None
        self._waiting: dict[str, str] = {}
        self._last: str | None = None
        self._edits: dict[str, tuple[str, Document]] = {}
        self._accumulated: Document = {}

    def read(self, event: Document, *, first_prompt: bool = False) -> None:
        """One action or observation. ``first_prompt``: the execution's own prompt is among the messages to come."""
        at = time_of(event.get("timestamp"))
        self.builder.seen(at)
        usage = document_of(document_of(event.get("llm_metrics")).get("accumulated_token_usage"))
        if usage:
            self._accumulated = document_of(event.get("llm_metrics"))
        action, observation = event.get("action"), event.get("observation")
        if isinstance(action, str):
            self._action(action, event, at, first_prompt)
        elif isinstance(observation, str):
            self._observation(observation, event, at)
        else:
            self._report.unknown("event without action or observation")

    def count_tokens(self, metrics: Document) -> None:
        """Totals from the result's metrics, else the last accumulated ones among the events."""
        metrics = metrics if document_of(metrics.get("accumulated_token_usage")) else (self._accumulated or metrics)
        usage = document_of(metrics.get("accumulated_token_usage"))
        if not usage:
            return
        prompt, cached = whole_of(usage.get("prompt_tokens")) or 0, whole_of(usage.get("cache_read_tokens")) or 0
        written = whole_of(usage.get("cache_write_tokens")) or 0
        each = items_of(metrics.get("token_usages")) or items_of(metrics.get("response_latencies"))
        self.builder.count_tokens(
            # prompt_tokens are all of them, cached ones included.
            input_=max(0, prompt - cached - written),
            output=whole_of(usage.get("completion_tokens")) or 0,
            cache_read=cached,
            cache_write=written,
            calls=len(each),
        )
        cost = number_of(metrics.get("accumulated_cost"))
        if cost:
            self.builder.cost_usd = cost

    def _action(self, action: str, event: Document, at: datetime | None, first_prompt: bool) -> None:
        metadata = document_of(event.get("tool_call_metadata"))
        answer = document_of(metadata.get("model_response"))
        if self.builder.model is None:
            self.builder.model = text_of(answer.get("model")) or None
        self._count_answer(answer)
        arguments = document_of(event.get("args")) or {k: v for k, v in event.items() if k not in _BESIDE}
        if action == "message":
            text = text_of(arguments.get("content"))
            if event.get("source") == "user" and not (first_prompt and self._is_prompt(text)):
                self._follow_up(text)
            return
        if action in {"finish", "reject"}:
            return
        if action in _ENVIRONMENT:
            self._report.ignore(action)
            return
        if action not in _TOOLS:
            self._report.unknown(f"action {action}")
        path = arguments.get("path")
        kept = {k: v for k, v in arguments.items() if v not in (None, "", []) and k not in _NOISE}
        span_id = self.builder.begin(
            "tool",
            text_of(metadata.get("function_name")) or action,
            native_id=str(event["id"]) if "id" in event else None,
            arguments=kept,
            at=at,
            files=(path,) if isinstance(path, str) else (),
            command=text_of(arguments.get("command")) if action in _SHELL else None,
        )
        if action in {"edit", "write"} and isinstance(path, str) and not self._has_patch:
            self._edits[span_id] = (path, arguments)
        self._waiting[str(event.get("id"))] = self._last = span_id

    def _count_answer(self, answer: Document) -> None:
        """One answer can hold several calls, and stands beside each of them."""
        named = text_of(answer.get("id"))
        usage = document_of(answer.get("usage"))
        if self._answers is None or not usage or named in self._answers:
            return
        self._answers.add(named)
        details = document_of(usage.get("prompt_tokens_details"))
        cached = whole_of(usage.get("cache_read_input_tokens") or details.get("cached_tokens")) or 0
        written = whole_of(usage.get("cache_creation_input_tokens")) or 0
        self.builder.count_tokens(
            input_=max(0, (whole_of(usage.get("prompt_tokens")) or 0) - cached - written),
            output=whole_of(usage.get("completion_tokens")) or 0,
            cache_read=cached,
            cache_write=written,
        )

    def _is_prompt(self, text: str) -> bool:
        """The first words of the user are the task as the harness put it."""
        first = self.builder.records <= 4 and not self.builder.follow_ups
        return first or text == self.builder.prompt

    def _follow_up(self, text: str) -> None:
        if len(self.builder.follow_ups) < _MAX_FOLLOW_UPS:
            self.builder.follow_ups.append(cut(text, 2_000))

    def _observation(self, observation: str, event: Document, at: datetime | None) -> None:
        if observation in _STATES:
            self._report.ignore(observation)
            self._waiting.pop(str(event.get("cause")), None)
            return
        content, extras = text_of(event.get("content")), document_of(event.get("extras"))
        span_id = self._waiting.pop(str(event.get("cause")), None) if "cause" in event else self._last
        self._last = None
        if observation == "error" and span_id is None:
            # A call that the harness refused before it became an action: a failed call of its own.
            span_id = self.builder.begin("tool", "rejected call", at=at)
        if span_id is None:
            return
        exit_code = _exit_code(event, extras)
        outcome: SpanOutcome = "success"
        error_type = None
        if observation == "error" or (observation != "run" and _REFUSED.match(content[:80])):
            outcome, error_type = "failure", "tool_error"
        elif exit_code is not None and exit_code != 0:
            # -1: still running when the harness looked.
            outcome, error_type = ("unknown", "timeout") if exit_code == -1 else ("failure", "exit_code")
        elif observation == "run_ipython" and "Traceback (most recent call last)" in content:
            outcome, error_type = "failure", "exception"
        edit = self._edits.pop(span_id, None)
        if edit is not None and outcome == "success":
            self._changed(edit[0], edit[1], extras)
        self.builder.end(span_id, outcome=outcome, result=content, at=at, exit_code=exit_code, error_type=error_type)

    def _changed(self, path: str, arguments: Document, extras: Document) -> None:
        created = extras.get("prev_exist") is False
        old = "" if created else text_of(extras.get("old_content") or arguments.get("old_str"))
        new = text_of(extras.get("new_content") or arguments.get("file_text") or arguments.get("new_str"))
        added, modified, deleted = line_changes(old, new)
        self.builder.changed(path, added=added, modified=modified, deleted=deleted, content=new if created else None)


_NOISE = {
    "thought", "blocking", "hidden", "is_static", "confirmation_state", "impl_source", "is_input", "keep_prompt",
    "action_risk", "kernel_init_code", "image_urls", "wait_for_response", "security_risk", "include_extra",
    "translated_ipython_code",
}  # fmt: skip
"""Arguments that say how the harness runs a call, not what was asked."""


def _exit_code(event: Document, extras: Document) -> int | None:
    for place in (document_of(extras.get("metadata")), extras, event):
        code = place.get("exit_code")
        if isinstance(code, int) and not isinstance(code, bool):
            return code
    return None


def follow_conversation(source: Source, report: Report) -> Iterator[Recording]:
    """Executions of an exported conversation."""
    conversation: Conversation | None = None
    events: Events | None = None
    for _, element in members(source, report, stream=""):
        event = document_of(element)
        at = time_of(event.get("timestamp"))
        if conversation is None:
            # The export names no session: its first event's time does, which no two conversations of a host share.
            named = text_of(event.get("timestamp")) or text_of(source.path.stem)
            facts = Facts(
                source="openhands", namespace=source.namespace, session_id=named, agent_name="openhands", cwd=WORKSPACE
            )
            conversation = Conversation(facts)
        if event.get("source") == "user" and event.get("action") == "message":
            text = text_of(document_of(event.get("args")).get("content")) or text_of(event.get("message"))
            current = conversation.current
            yield from conversation.prompt(text, start=0, at=at)
            if conversation.current is not current and conversation.current is not None:
                events = Events(conversation.current, report, count_answers=True)
            continue
        if events is None:
            report.ignore(text_of(event.get("action")) or text_of(event.get("observation")) or "event before a prompt")
            continue
        events.read(event)
    if conversation is not None:
        yield from conversation.finish(resume=None)
