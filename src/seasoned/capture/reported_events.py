"""Events that programs report by themselves, from scripts and over HTTP: one JSON object each, one event of ours.

Each is read alone. Nothing is remembered between two of them, so that they may come in any order, in parallel, twice, or
after a restart; they meet in the writer, which merges what they say by id (``model.merge_traces``). From that follows:

- Whose an event is, it says itself. An id that is a UUID names the execution; any other text stands for the UUIDv5 of it
  in its namespace. Without an execution id it belongs to the execution of its correlation id, and a root's two are the
  same, as with ``capture.tracker``.
- Which event it is, its ``event_id`` says, or its content where it has none: the same content twice is one event.
- The order of spans is that of their times: ``Span.number`` counts microseconds since the execution began, where its id
  tells when that was (UUIDv7), else since 1970.
- What would have to be added up over events (tokens of all model calls) stands with the spans, and is of the execution
  where ``complete`` states it.

Nothing here is redacted yet; texts are cut to the limits of ``model.limits``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

from seasoned.capture.calls import stated, status_from
from seasoned.capture.excerpt import plain
from seasoned.capture.record import described_artifact
from seasoned.capture.reported_fields import Fields, aware_time
from seasoned.capture.reported_spans import EVENT_TYPES, TOKENS, EventType, reported_span
from seasoned.errors import UsageError, ValidationError
from seasoned.model.events import Event, ExecutionUpdate
from seasoned.model.ids import canonical_json, name_id
from seasoned.model.limits import PROMPT_LIMIT
from seasoned.model.trace import Artifact, Document, Span, Trace

__all__ = ["EVENT_TYPES", "HEADERS", "EventType", "Said", "filed_event", "reported_event", "said_by"]

HEADERS = {
    "x-correlation-id": "correlation_id",
    "x-root-id": "root_id",
    "x-parent-id": "parent_id",
    "x-execution-id": "execution_id",
    "x-event-id": "event_id",
    "x-event-time": "timestamp",
}
"""Header, in lower case → field of an event that it stands for where the event itself does not have it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Whose an event is and which, as its sender says; see the module."""

    correlation_id: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    execution_id: str | None = None
    event_id: str | None = None
    """The sender's own id of the event; any text."""
    timestamp: str | int | float | None = None
    """When it happened: ISO 8601, or seconds or milliseconds since 1970."""


def said_by(headers: Mapping[str, object]) -> Said:
    """What headers say, whatever the case of their names. Raises ValidationError."""
    return _overlaid(Said(), {HEADERS.get(name.lower(), ""): value for name, value in headers.items()})


def _overlaid(said: Said, values: Document) -> Said:
    found: dict[str, object] = {}
    for name in HEADERS.values():
        value = values.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValidationError(f"{name} is text or a number.")
        text = value.strip() if isinstance(value, str) else str(value)
        if len(text) > _ID_LIMIT or not text.isprintable():
            raise ValidationError(f"{name} is printable text of at most {_ID_LIMIT} characters.")
        found[name] = value if name == "timestamp" else plain(text)
    return replace(said, **found) if found else said


def reported_event(kind: EventType, values: Document, said: Said, *, namespace: str, now: datetime) -> Event:
    """The event of one report, not redacted. What ``values`` say themselves goes before ``said``.

    ``now`` (aware) is its time where it has none. Raises ValidationError for a field that is missing or wrong.
    """
    said = _overlaid(said, values)
    if values.get("event_type") not in {None, kind}:
        raise ValidationError(f"event_type is another one than that of the address, which is {kind}.")
    named = said.execution_id or said.correlation_id
    if named is None:
        raise ValidationError("It says of no execution: X-Correlation-ID or X-Execution-ID is needed.")
    execution_id = _execution(named, namespace)
    correlation_id = said.correlation_id or execution_id
    at = now if said.timestamp is None else aware_time("timestamp", said.timestamp, now)
    which = said.event_id or canonical_json([said.timestamp, values])
    fields = Fields(values, now)
    for name in (*HEADERS.values(), "event_type"):
        fields.first(name)
    began = _began(execution_id, now)
    trace = _trace(fields, execution_id, correlation_id, said, namespace, began)
    spans: tuple[Span, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    if kind == "prompt":
        trace = _begun(fields, trace, at)
    elif kind == "complete":
        trace, artifacts = _ended(fields, trace, at)
    else:
        span_id = name_id(execution_id, "span", kind, which)
        number = max(0, (at - (began or _EPOCH)) // timedelta(microseconds=1))
        spans = (reported_span(kind, fields, execution_id, span_id, number=number, at=at),)
    return Event(
        event_id=name_id(execution_id, "event", kind, which),
        topic="task-executions" if kind == "complete" else "agent-actions",
        key=correlation_id,
        occurred_at=at,
        namespace=namespace,
        correlation_id=correlation_id,
        root_id=trace.root_id,
        parent_id=trace.parent_id,
        payload=ExecutionUpdate(trace=trace, spans=spans, artifacts=artifacts),
    )


def filed_event(document: Document, *, namespace: str, now: datetime) -> Event:
    """The event of a file that the shell library left in the inbox: ``event_type``, ``headers`` and ``event``.

    Raises ValidationError, as ``reported_event`` does.
    """
    kind, headers, values = (document.get(name) for name in ("event_type", "headers", "event"))
    if kind not in EVENT_TYPES:
        raise ValidationError(f"event_type is one of {', '.join(EVENT_TYPES)}.")
    if not isinstance(headers, dict) or not isinstance(values, dict):
        raise ValidationError("headers and event are objects.")
    said = said_by(cast("Document", headers))
    return reported_event(kind, cast("Document", values), said, namespace=namespace, now=now)


def _execution(named: str, namespace: str) -> str:
    try:
        return str(UUID(named))
    except ValueError:
        return name_id("reported", namespace, named)


def _began(execution_id: str, now: datetime) -> datetime | None:
    """When a UUIDv7 was made (RFC 9562 §5.7); None for other ids, and for a time that cannot be."""
    named = UUID(execution_id)
    if named.version != 7:
        return None
    try:
        return aware_time("execution_id", named.int >> 80, now)
    except ValidationError:
        return None


def _trace(
    fields: Fields, execution_id: str, correlation_id: str, said: Said, namespace: str, began: datetime | None
) -> Trace:
    """What any event may say of its execution."""
    # A script hands its own ids down to what it starts, and names itself with them, too.
    above = [_execution(each, namespace) if each else None for each in (said.parent_id, said.root_id)]
    parent_id, root_id = (None if each == execution_id else each for each in above)
    agent = fields.text("agent_name", "agent")
    return Trace(
        execution_id=execution_id,
        namespace=namespace,
        revision=1,
        correlation_id=correlation_id,
        parent_id=parent_id or root_id,
        root_id=root_id or parent_id,
        session_id=fields.text("session_id"),
        user_id=fields.text("user_id"),
        agent_name=agent,
        agent_chain=fields.texts("agent_chain") or ((agent,) if agent else ()),
        source="http",
        started_at=began,
        repo=fields.text("repo", limit=500),
        git_branch=fields.text("git_branch", "branch"),
        git_commit=fields.text("git_commit", "commit"),
        cwd=fields.text("cwd", limit=500),
    )


def _begun(fields: Fields, trace: Trace, at: datetime) -> Trace:
    prompt = fields.text("prompt", "text", limit=PROMPT_LIMIT)
    if prompt is None:
        raise ValidationError("prompt is needed: what was asked.")
    # Whoever reports the prompt knows more of the run than one of its calls.
    return replace(
        trace,
        revision=2,
        prompt=prompt,
        started_at=fields.time("started_at") or trace.started_at or at,
        model=fields.text("model"),
        technology_stack=fields.texts("technology_stack"),
        tags=fields.texts("tags"),
        context=fields.document("context"),
        metadata=fields.rest(),
    )


def _ended(fields: Fields, trace: Trace, at: datetime) -> tuple[Trace, tuple[Artifact, ...]]:
    error_type, error_message = fields.error("error", "error_message")
    success = fields.flag("success")
    word = fields.text("outcome", "status")
    try:
        status = status_from(success if success is not None else word, error_message)
        artifacts = tuple(
            described_artifact(trace.execution_id, number, each)
            for number, each in enumerate(fields.documents("artifacts"), 1)
        )
    except UsageError as error:
        raise ValidationError(str(error)) from error
    elapsed = fields.duration_ms("duration_ms")
    started_at = fields.time("started_at") or trace.started_at
    if started_at is None and elapsed is not None:
        started_at = at - timedelta(milliseconds=elapsed)
    if elapsed is None and started_at is not None:
        elapsed = max(0, round((at - started_at) / timedelta(milliseconds=1)))
    signals = () if status == "unknown" else (stated("verdict", status, "stated by the caller"),)
    tokens = {name: fields.count(name) for name in TOKENS}
    known = [count for count in tokens.values() if count is not None]
    return replace(
        trace,
        # Of two endings the later one holds.
        revision=_milliseconds(at),
        started_at=started_at,
        completed_at=at,
        duration_ms=elapsed,
        status=status,
        outcome_tier="explicit" if signals else "unknown",
        outcome_confidence=1.0 if signals else None,
        outcome_evidence=signals,
        quality_score=fields.amount("quality_score", most=1),
        user_acceptance=fields.flag("user_acceptance"),
        error_type=error_type or ("error" if error_message else None),
        error_message=error_message,
        model=fields.text("model"),
        **tokens,
        api_calls_count=fields.count("api_calls_count"),
        total_tokens_used=fields.count("total_tokens", "total_tokens_used") or (sum(known) if known else None),
        cost_usd=fields.amount("cost_usd"),
        technology_stack=fields.texts("technology_stack"),
        tags=fields.texts("tags"),
        context=fields.document("context"),
        metadata=fields.rest(),
    ), artifacts


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
