"""Executions made for tests of what is learned: a line of calls each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from seasoned.learn import fingerprint
from seasoned.model import Document, Execution, Span, SpanOutcome, Status, Trace
from seasoned.model.ids import name_id

START = datetime(2026, 3, 1, tzinfo=UTC)

Call = tuple[str, Document] | tuple[str, Document, SpanOutcome] | tuple[str, Document, SpanOutcome, str]


def spans_of(execution_id: str, calls: Sequence[Call]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for number, call in enumerate(calls):
        tool, arguments = call[0], call[1]
        outcome: SpanOutcome = call[2] if len(call) > 2 else "success"
        result = call[3] if len(call) > 3 else None
        spans.append(
            Span(
                span_id=name_id(execution_id, str(number)),
                execution_id=execution_id,
                number=number,
                kind="tool",
                name=tool,
                tool=tool,
                outcome=outcome,
                arguments=arguments,
                duration_ms=100,
                result_preview=result,
                files=(str(arguments["file_path"]),) if "file_path" in arguments else (),
            )
        )
    return tuple(spans)


def execution(
    name: str,
    prompt: str,
    calls: Sequence[Call],
    *,
    status: Status = "success",
    session: str | None = None,
    quality: float | None = None,
    duration_ms: int = 1000,
    stack: Sequence[str] = (),
) -> Execution:
    execution_id = name_id("test run", name)
    trace = Trace(
        execution_id=execution_id,
        namespace="test",
        session_id=session or name,
        source="claude_code",
        prompt=prompt,
        started_at=START,
        completed_at=START + timedelta(milliseconds=duration_ms),
        duration_ms=duration_ms,
        status=status,
        outcome_tier="explicit" if status in ("success", "failure") else "unknown",
        outcome_confidence=0.9 if status in ("success", "failure") else None,
        quality_score=quality,
        technology_stack=tuple(stack),
    )
    return Execution(
        trace=trace,
        fingerprint=fingerprint(prompt, "test", stack=stack),
        spans=spans_of(execution_id, calls),
    )


def shell(line: str, outcome: SpanOutcome = "success", result: str = "") -> Call:
    return "Bash", {"command": line}, outcome, result


def edit(path: str) -> Call:
    return "Edit", {"file_path": path}


def cancellation(
    name: str, order: str, user: str, *, status: Status = "success", session: str | None = None
) -> Execution:
    """A customer's order cancelled: the user is found by the e-mail in the prompt, the order is named there."""
    return execution(
        name,
        f"Please cancel the order {order} of {user}@example.com, it is no longer needed.",
        [
            ("find_user_id_by_email", {"email": f"{user}@example.com"}, "success", f'{{"result":"{user}_4711"}}'),
            ("get_user_details", {"user_id": f"{user}_4711"}, "success", f'{{"orders":["{order}"]}}'),
            ("get_order_details", {"order_id": order}, "success", '{"status":"pending"}'),
            ("cancel_pending_order", {"order_id": order, "reason": "no longer needed"}),
        ],
        status=status,
        session=session,
    )
