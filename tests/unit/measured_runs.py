"""Small executions for tests of metrics, insights and chains, each named by a word that makes its id."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from seasoned.model import Execution, Span, SpanOutcome, Status
from seasoned.model.ids import name_id
from seasoned.testing.stores import NOON, fingerprint, trace

__all__ = ["call", "execution", "phase"]


def call(
    tool: str,
    duration_ms: int | None = None,
    /,
    *,
    outcome: SpanOutcome = "success",
    error: str | None = None,
    **arguments: object,
) -> Span:
    """A tool call; number and ids are set by ``execution``."""
    return Span(
        span_id="",
        execution_id="",
        number=0,
        kind="tool",
        name=tool,
        tool=tool,
        duration_ms=duration_ms,
        outcome=outcome,
        error_type="tool_error" if error else None,
        error_message=error,
        arguments=dict(arguments),
    )


def phase(name: str, duration_ms: int | None, outcome: SpanOutcome = "success") -> Span:
    """A phase that the agent named."""
    return Span(
        span_id="", execution_id="", number=0, kind="phase", name=name, duration_ms=duration_ms, outcome=outcome
    )


def execution(
    name: str,
    /,
    spans: Sequence[Span] = (),
    *,
    status: Status = "success",
    shape: str = "shape",
    domain: str = "database",
    session: str | None = None,
    minute: int = 0,
    **changes: object,
) -> Execution:
    """One run of namespace ``n``; its session is its own unless named."""
    began = NOON + timedelta(minutes=minute)
    owner = trace(
        name,
        status=status,
        outcome_tier="explicit",
        session_id=session or f"session of {name}",
        started_at=began,
        completed_at=began + timedelta(seconds=5),
        **changes,
    )
    return Execution(
        trace=owner,
        fingerprint=fingerprint(f"task {shape}", shape_hash=shape, domain=domain),
        spans=tuple(
            replace(span, span_id=name_id(name, str(at)), execution_id=owner.execution_id, number=at)
            for at, span in enumerate(spans)
        ),
    )
