"""An execution as a caller describes it: the door for agents that report by themselves when they are done.

Nothing is inferred over the caller's word: the outcome that it states is explicit evidence.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from seasoned.capture.excerpt import cut, cut_arguments
from seasoned.capture.stack import artifact_type_of, language_of
from seasoned.errors import UsageError
from seasoned.model import Artifact, Document, ExecutionUpdate, Signal, Span, SpanOutcome, Trace
from seasoned.model.ids import name_id, new_id
from seasoned.model.limits import PROMPT_LIMIT

__all__ = ["described_artifact", "described_execution", "span_outcome"]

_OUTCOMES: dict[str, SpanOutcome] = {
    "success": "success",
    "succeeded": "success",
    "ok": "success",
    "passed": "success",
    "failure": "failure",
    "failed": "failure",
    "error": "failure",
    "rejected": "rejected",
    "cancelled": "cancelled",
    "skipped": "skipped",
    "unknown": "unknown",
}


def described_execution(
    *,
    namespace: str,
    prompt: str,
    agent: str,
    success: bool,
    quality_score: float | None = None,
    duration_ms: int | None = None,
    steps: Sequence[Document] = (),
    artifacts: Sequence[Document] = (),
    correlation_id: str | None = None,
    execution_id: str | None = None,
    user_acceptance: bool | None = None,
    agent_chain: tuple[str, ...] = (),
    technology_stack: tuple[str, ...] = (),
    context: Document | None = None,
    now: datetime | None = None,
) -> ExecutionUpdate:
    """One finished execution, not yet redacted. ``now`` (aware) is its end; ids are UUIDv7 unless given.

    Steps take ``step`` or ``step_number``, ``action`` or ``step_type``, ``tool``, ``files`` or ``files_modified``,
    ``duration_ms``, ``outcome``; what else they hold is kept as attributes. Raises UsageError naming the step.
    """
    now = now or datetime.now(UTC)
    if not prompt.strip():
        raise UsageError("The prompt is empty.")
    execution_id = _uuid(execution_id) if execution_id else new_id(now)
    steps_ms = sum(_milliseconds(step, f"step {number}") or 0 for number, step in enumerate(steps, 1))
    took = duration_ms if duration_ms is not None else (steps_ms or None)
    verdict = "success" if success else "failure"
    trace = Trace(
        execution_id=execution_id,
        namespace=namespace,
        revision=1 + len(steps),
        correlation_id=correlation_id or execution_id,
        agent_name=agent,
        agent_chain=agent_chain or (agent,),
        source="cli",
        prompt=cut(prompt, PROMPT_LIMIT),
        started_at=now - timedelta(milliseconds=took or 0),
        completed_at=now,
        duration_ms=took,
        status=verdict,
        outcome_tier="explicit",
        outcome_confidence=1.0,
        outcome_evidence=(Signal(kind="stated", verdict=verdict, weight=1.0, detail=f"stated by {agent[:80]}"),),
        quality_score=quality_score,
        user_acceptance=user_acceptance,
        technology_stack=technology_stack,
        context=context or None,
    )
    return ExecutionUpdate(
        trace=trace,
        spans=tuple(_span(execution_id, number, step) for number, step in enumerate(steps)),
        artifacts=tuple(
            described_artifact(execution_id, number, document) for number, document in enumerate(artifacts, 1)
        ),
    )


def _uuid(text: str) -> str:
    import uuid

    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise UsageError(f"--execution-id {text!r} is no UUID.") from error


def _milliseconds(step: Document, place: str) -> int | None:
    value = step.get("duration_ms")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise UsageError(f"{place}: duration_ms must be a number ≥ 0, not {value!r}.")
    return round(value)


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list):
        return tuple(str(item)[:500] for item in value[:20])  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return ()


def _span(execution_id: str, number: int, step: Document) -> Span:
    place = f"step {number + 1}"
    tool = step.get("tool")
    action = step.get("action") or step.get("step_type") or tool or "step"
    used = {
        "action",
        "step_type",
        "tool",
        "files",
        "files_modified",
        "duration_ms",
        "outcome",
        "error",
        "error_message",
    }
    rest = {key: value for key, value in step.items() if key not in used}
    error = step.get("error_message") or step.get("error")
    return Span(
        span_id=name_id(execution_id, "step", str(number)),
        execution_id=execution_id,
        number=number,
        kind="tool" if tool else "phase",
        name=cut(str(action), 200),
        tool=cut(str(tool), 200) if tool else None,
        duration_ms=_milliseconds(step, place),
        outcome=span_outcome(step.get("outcome"), place),
        error_message=cut(str(error), 1_500) if error else None,
        files=_names(step.get("files") or step.get("files_modified")),
        attributes=cut_arguments(rest) if rest else None,
    )


def span_outcome(word: object, place: str) -> SpanOutcome:
    """How a call went, from a word, or true or false; nothing is unknown. Raises UsageError naming ``place``."""
    if isinstance(word, bool):
        word = "success" if word else "failure"
    known = _OUTCOMES.get(str(word or "unknown").lower())
    if known is None:
        raise UsageError(f"{place}: outcome {str(word)[:60]!r}; allowed are {', '.join(sorted(_OUTCOMES))}.")
    return known


def described_artifact(execution_id: str, number: int, document: Document) -> Artifact:
    """A changed file as a caller describes it, its ``number``-th (from 1). Raises UsageError naming it."""
    path = document.get("file") or document.get("file_path")
    if not isinstance(path, str) or not path:
        raise UsageError(f"artifact {number}: it needs a `file`.")
    lines = {key: document.get(key) for key in ("lines_added", "lines_modified", "lines_deleted")}
    for key, value in lines.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise UsageError(f"artifact {number}: {key} must be a whole number ≥ 0, not {value!r}.")
    used = {"file", "file_path", "type", "artifact_type", "language", *lines}
    rest = {key: value for key, value in document.items() if key not in used}
    language = document.get("language")
    return Artifact(
        artifact_id=name_id(execution_id, "artifact", path),
        execution_id=execution_id,
        file_path=cut(path, 500),
        artifact_type=artifact_type_of(path),
        language=str(language) if language else language_of(path),
        lines_added=lines["lines_added"],  # pyright: ignore[reportArgumentType]  # checked above
        lines_modified=lines["lines_modified"],  # pyright: ignore[reportArgumentType]
        lines_deleted=lines["lines_deleted"],  # pyright: ignore[reportArgumentType]
        metadata=cut_arguments(rest) if rest else None,
    )
