"""One call of an execution, as a program reports it: a span.

A call's own word on how it went holds, then an error that it tells of, then its exit or status code; of none of these
nothing is concluded. What is not known by name here is kept as the span's attributes.
"""

from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

from seasoned.capture.calls import result_from
from seasoned.capture.record import span_outcome
from seasoned.capture.reported_fields import Fields
from seasoned.errors import UsageError, ValidationError
from seasoned.model.limits import ERROR_LIMIT
from seasoned.model.trace import Span, SpanKind, SpanOutcome

__all__ = ["EVENT_TYPES", "TOKENS", "EventType", "reported_span"]

EventType = Literal["prompt", "tool", "llm", "hook", "endpoint", "routing", "error", "complete"]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
"""Counted once each: input tokens are those that were not read from a cache."""

_SPAN_KINDS: dict[EventType, SpanKind] = {
    "tool": "tool",
    "llm": "llm",
    "hook": "hook",
    "endpoint": "endpoint",
    "routing": "phase",
    "error": "phase",
}
_NAMES: dict[EventType, tuple[str, ...]] = {
    "tool": ("tool", "tool_name", "name"),
    "llm": ("model", "name"),
    "hook": ("hook", "hook_name", "name"),
    "endpoint": ("endpoint", "name", "url", "path"),
    "routing": ("selected_agent", "name"),
    "error": ("error_type", "name"),
}
"""Fields that may say what a person would call it, the usual one first."""


def reported_span(
    kind: EventType, fields: Fields, execution_id: str, span_id: str, *, number: int, at: datetime
) -> Span:
    """The span of an event that is neither a ``prompt`` nor the end; ``at`` (aware) is when it was over.

    Raises ValidationError for a field that is missing or wrong.
    """
    names = _NAMES[kind]
    name = fields.text(*names)
    if name is None and kind not in {"routing", "error"}:
        raise ValidationError(f"{names[0]} is needed: the name of the {'model' if kind == 'llm' else kind}.")
    code = fields.code("exit_code"), fields.code("status_code")
    error_type, error_message = fields.error("error", "error_message", *(("message",) if kind == "error" else ()))
    if kind == "error" and error_message is None:
        raise ValidationError("message is needed: what went wrong.")
    outcome, coded = _outcome(fields, code, failed=error_message is not None or kind == "error")
    elapsed = fields.duration_ms("duration_ms", "latency_ms")
    if kind == "error" and elapsed is None:
        elapsed = 0  # a point in time
    counts = [fields.count(each) for each in TOKENS] if kind == "llm" else []
    known = [count for count in counts if count is not None]
    tokens = fields.count("tokens", "total_tokens") if kind == "llm" else None
    preview, size = result_from(fields.first("result", "output", "response"))
    started_at = fields.time("started_at")
    parent = fields.text("parent_span_id")
    called = name or ("routing" if kind == "routing" else error_type or "error")
    told: dict[str, object] = {
        key: value for key, value in zip(("exit_code", "status_code"), code, strict=True) if value is not None
    }
    if kind in {"routing", "error"}:
        told["mark"] = kind
    told |= {each: count for each, count in zip(TOKENS, counts, strict=False) if count is not None}
    return Span(
        span_id=span_id,
        execution_id=execution_id,
        parent_span_id=None if parent is None else _uuid("parent_span_id", parent),
        number=number,
        kind=_SPAN_KINDS[kind],
        name=called,
        tool=called if kind == "tool" else None,
        model=called if kind == "llm" else None,
        description=fields.text("description", limit=ERROR_LIMIT),
        started_at=started_at or (at - timedelta(milliseconds=elapsed or 0)),
        duration_ms=elapsed,
        outcome=outcome,
        error_type=error_type or coded or ("error" if error_message else None),
        error_message=error_message,
        files=fields.texts("files", "file", "file_path"),
        arguments=fields.document("arguments", "args", "input", "parameters"),
        result_preview=preview,
        result_bytes=size,
        tokens=tokens if tokens is not None else sum(known) if known else None,
        attributes={**(fields.rest() or {}), **told} or None,
    )


def _outcome(fields: Fields, code: tuple[int | None, int | None], *, failed: bool) -> tuple[SpanOutcome, str | None]:
    """How a call went, and what kind of error its exit or status code is: its own word, then an error, then the code."""
    success, word = fields.flag("success"), fields.text("outcome", "status")
    exit_code, status_code = code
    coded: SpanOutcome = "unknown"
    kind = None
    if exit_code is not None:
        coded, kind = ("success", None) if exit_code == 0 else ("failure", "exit_code")
    elif status_code is not None:
        coded, kind = ("success", None) if status_code < 400 else ("failure", f"http_{status_code}")
    if success is not None:
        return ("success", None) if success else ("failure", kind)
    if word is not None:
        try:
            outcome = span_outcome(word, "event")
        except UsageError as error:
            raise ValidationError(str(error)) from error
        return outcome, kind if outcome == "failure" else None
    return ("failure", kind) if failed else (coded, kind)


def _uuid(name: str, value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError as error:
        raise ValidationError(f"{name} is a UUID, as the answer to the span's own event says it.") from error
