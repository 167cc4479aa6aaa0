"""A failure that an agent reports by itself, beside those that are mined from the history.

Both are one when their signatures are: a report adds an occurrence, and a resolution where it has one. Invariant: counts
are added to, never overwritten; nothing that was mined is lost by a report, nor a report by the next mining
(``with_reports``). Everything handed in must be redacted already.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median
from typing import cast

from seasoned.capture.excerpt import cut
from seasoned.errors import NotFoundError, UsageError
from seasoned.learn.failures import signature
from seasoned.learn.failures.families import families
from seasoned.learn.failures.kinds import kind_of
from seasoned.learn.failures.lookup import worded
from seasoned.learn.failures.refusals import refusal, refusal_of
from seasoned.model import Document, FailureOccurrence, FailurePattern, FailureType, Resolution, ResolutionStep
from seasoned.model.ids import canonical_json, name_id, new_id
from seasoned.model.limits import ERROR_LIMIT
from seasoned.store import FailureQuery, Store

__all__ = ["RecordedFailure", "ReportedFailure", "record_failure", "with_reports"]

_EVERY = 1_000_000
_MOST_FAILURES = 5_000
"""Signatures that are looked through for similar ones, the most frequent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFailure:
    """What the caller says, redacted."""

    fingerprint_id: str
    failure_type: FailureType | None
    """None: told from the message."""
    error_message: str
    execution_id: str | None = None
    correlation_id: str | None = None
    error_category: str | None = None
    error_stack_trace: str | None = None
    failed_step: str | None = None
    """Tool or program."""
    root_cause: str | None = None
    contributing_factors: Document | None = None
    resolution: str | None = None
    resolution_steps: tuple[Document, ...] = ()
    """Each with ``command`` (or ``action``) and, where it is no shell line, ``tool``."""
    time_to_resolve_ms: int | None = None
    prevention_strategy: str | None = None
    automated_fix_available: bool | None = None
    context_at_failure: Document | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFailure:
    """The failure as it stands after the report."""

    failure: FailurePattern
    occurrence_id: str
    similar: tuple[str, ...]
    """Ids of other failures whose signatures are of the same family (``learn.failures.families``)."""
    recommendations: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())


def record_failure(store: Store, namespace: str, report: ReportedFailure, *, now: datetime) -> RecordedFailure:
    """Record one occurrence, durably. Raises UsageError for an empty message or a step without a command, NotFoundError
    for a task or an execution that the namespace does not have, StoreError."""
    if not report.error_message.strip():
        raise UsageError("--error-message is empty.")
    _must_know(store, namespace, report.fingerprint_id, report.execution_id)
    context = report.context_at_failure or {}
    tool = str(context.get("tool") or report.failed_step or "")
    command = str(context.get("command") or "")
    message = cut(report.error_message, ERROR_LIMIT)
    read = signature(tool, command, "\n".join(filter(None, (message, report.error_stack_trace))))
    failure_id = name_id(namespace, "failure", read.text)
    kind = report.failure_type or kind_of(read, tool=tool, command=command, error_type=None)
    resolution = _resolution(report, failure_id, namespace, now)
    occurrence = FailureOccurrence(
        occurrence_id=new_id(now),
        failure_id=failure_id,
        namespace=namespace,
        execution_id=report.execution_id,
        span_id=None,
        fingerprint_id=report.fingerprint_id,
        message=message,
        occurred_at=now,
        resolved_by=resolution.resolution_id if resolution is not None else None,
        time_to_resolve_ms=report.time_to_resolve_ms,
    )
    with store.writing() as writing:
        # Read behind the write lock: what is added to cannot change before it is written.
        known = store.failure(namespace, failure_id)
        resolutions = store.resolutions([failure_id]).get(failure_id, [])
        occurrences = [*store.occurrences(failure_id, limit=_EVERY), occurrence]
        if resolution is not None:
            resolutions = _with(resolutions, resolution)
        base = known or FailurePattern(
            failure_id=failure_id, namespace=namespace, signature=read.text, failure_type=kind
        )
        failure = _told(base, report, kind, occurrences, resolutions)
        if resolution is not None:
            failure = _with_wording(failure, resolution, worded(read, resolution))
        writing.replace_failure(failure, resolutions, occurrences)
    stored = store.failure(namespace, failure_id) or failure
    notes: list[str] = []
    if report.automated_fix_available and not stored.automated_fix_available:
        notes.append("No automated fix: that needs a resolution whose steps are commands without open placeholders.")
    if resolution is not None and (why := refusal_of(resolution)) is not None:
        notes.append(f"The resolution {why}: it is kept, and never offered.")
    if not read.informative:
        notes.append("The message does not say what went wrong, so only the program tells this failure from others.")
    similar = _similar(store, namespace, stored)
    return RecordedFailure(
        failure=stored,
        occurrence_id=occurrence.occurrence_id,
        similar=similar,
        recommendations=tuple(_recommendations(stored, resolutions)),
        notes=tuple(notes),
    )


def with_reports(
    store: Store,
    failure: FailurePattern,
    resolutions: Sequence[Resolution],
    occurrences: Sequence[FailureOccurrence],
) -> tuple[FailurePattern, tuple[Resolution, ...], tuple[FailureOccurrence, ...]]:
    """A mined failure together with what was reported of it: occurrences that no call stands behind, and the words of
    whoever reported it. For the learner, before it replaces the failure."""
    known = store.failure(failure.namespace, failure.failure_id)
    reported = (known.metadata or {}).get("reported") if known is not None else None
    if known is None or not isinstance(reported, dict):
        return failure, tuple(resolutions), tuple(occurrences)
    said = cast("Document", reported)
    own = [each for each in store.occurrences(failure.failure_id, limit=_EVERY) if each.span_id is None]
    every = sorted([*occurrences, *own], key=lambda each: (each.occurred_at, each.occurrence_id))
    kept = {name: getattr(known, name) for name in said if name in _SAID and getattr(known, name) is not None}
    mined_ids = {each.resolution_id for each in resolutions}
    recorded = [
        each
        for each in store.resolutions([failure.failure_id]).get(failure.failure_id, [])
        if each.source == "recorded" and each.resolution_id not in mined_ids
    ]
    best = max(recorded, key=lambda each: each.times_worked, default=None)
    if failure.resolution_applied is None and best is not None:
        kept |= {
            "resolution_applied": best.description,
            "resolution_steps": {"steps": [_step(step) for step in best.steps]},
            "fix_success_rate": 100 * best.times_worked / best.times_seen if best.times_seen else None,
        }
    joined = replace(
        failure,
        **kept,
        automated_fix_available=failure.automated_fix_available or any(map(_replayable, recorded)),
        occurrence_count=len(every),
        first_occurrence_at=every[0].occurred_at if every else None,
        last_occurrence_at=every[-1].occurred_at if every else None,
        metadata={**(failure.metadata or {}), "reported": dict(said)},
    )
    return joined, (*resolutions, *recorded), tuple(every)


_SAID = ("error_category", "root_cause_analysis", "contributing_factors", "prevention_strategy")
"""Fields in which the word of whoever reported a failure stands before what was mined."""


def _must_know(store: Store, namespace: str, fingerprint_id: str, execution_id: str | None) -> None:
    task = store.fingerprints([fingerprint_id]).get(fingerprint_id)
    if task is None or task.fingerprint.namespace != namespace:
        raise NotFoundError(f"There is no task {fingerprint_id!r} in namespace {namespace!r}.")
    if execution_id is not None and store.trace(namespace, execution_id) is None:
        raise NotFoundError(f"There is no execution {execution_id!r} in namespace {namespace!r}.")


def _resolution(report: ReportedFailure, failure_id: str, namespace: str, now: datetime) -> Resolution | None:
    steps: list[ResolutionStep] = []
    for number, step in enumerate(report.resolution_steps, 1):
        command = step.get("command") or step.get("action") or step.get("step")
        if not isinstance(command, str) or not command.strip():
            raise UsageError(f"--resolution-steps: step {number} needs a `command` or an `action`.")
        tool = step.get("tool") or ("shell" if isinstance(step.get("command"), str) else "")
        example = step.get("example")
        steps.append(
            ResolutionStep(
                tool=cut(str(tool), 200), command=cut(command, 600), example=cut(str(example), 600) if example else None
            )
        )
    description = report.resolution or "; then ".join(step.command for step in steps)
    if not description.strip():
        return None
    key = canonical_json([step.command for step in steps]) if steps else description
    return Resolution(
        resolution_id=name_id(failure_id, "resolution", key),
        failure_id=failure_id,
        namespace=namespace,
        description=cut(description, ERROR_LIMIT),
        steps=tuple(steps),
        times_seen=1,
        times_worked=1,
        last_worked_at=now,
        source="recorded",
    )


def _with(known: Sequence[Resolution], reported: Resolution) -> list[Resolution]:
    """The resolutions with one more success of this one. A mined one is a recorded one from then on, so that
    the next mining leaves it."""
    found = next((each for each in known if each.resolution_id == reported.resolution_id), None)
    if found is None:
        return [*known, reported]
    counted = replace(
        found,
        times_seen=found.times_seen + 1,
        times_worked=found.times_worked + 1,
        last_worked_at=reported.last_worked_at,
        source="recorded",
    )
    return [counted if each is found else each for each in known]


def _told(
    base: FailurePattern,
    report: ReportedFailure,
    kind: FailureType,
    occurrences: Sequence[FailureOccurrence],
    resolutions: Sequence[Resolution],
) -> FailurePattern:
    best = max(
        resolutions, key=lambda each: (each.times_worked, each.times_worked / max(1, each.times_seen)), default=None
    )
    took = [each.time_to_resolve_ms for each in occurrences if each.time_to_resolve_ms is not None]
    said = {
        "error_category": report.error_category,
        "root_cause_analysis": report.root_cause,
        "contributing_factors": report.contributing_factors,
        "prevention_strategy": report.prevention_strategy,
    }
    metadata = dict(base.metadata or {})
    before = cast("Document", metadata.get("reported") or {})
    metadata["reported"] = {**before, **{name: True for name, value in said.items() if value is not None}}
    changes: dict[str, object] = {name: value for name, value in said.items() if value is not None}
    return replace(
        base,
        **changes,  # pyright: ignore[reportArgumentType]  # names are those of fields
        failure_type=kind if report.failure_type is not None else base.failure_type,
        error_message=base.error_message or cut(report.error_message, ERROR_LIMIT),
        error_stack_trace=base.error_stack_trace or report.error_stack_trace,
        failed_step=base.failed_step or report.failed_step,
        context_at_failure=base.context_at_failure or report.context_at_failure,
        resolution_applied=best.description if best is not None else base.resolution_applied,
        resolution_steps={"steps": [_step(step) for step in best.steps]} if best is not None else base.resolution_steps,
        fix_success_rate=100 * best.times_worked / best.times_seen if best is not None and best.times_seen else None,
        automated_fix_available=any(_replayable(each) for each in resolutions),
        time_to_resolve_ms=round(median(took)) if took else base.time_to_resolve_ms,
        first_occurrence_at=min(each.occurred_at for each in occurrences),
        last_occurrence_at=max(each.occurred_at for each in occurrences),
        metadata=metadata,
    )


def _with_wording(failure: FailurePattern, resolution: Resolution, wording: Document) -> FailurePattern:
    """Remember for which words of an error the resolution was reported."""
    metadata = dict(failure.metadata or {})
    reported = cast("Document", metadata.get("reported") or {})
    known = cast("Document", reported.get("wordings") or {})
    metadata["reported"] = {**reported, "wordings": {**known, resolution.resolution_id: wording}}
    return replace(failure, metadata=metadata)


def _step(step: ResolutionStep) -> Document:
    return {"tool": step.tool, "command": step.command, "example": step.example}


def _replayable(resolution: Resolution) -> bool:
    """A resolution whose steps are commands as they stand, that has worked, and that can do no harm."""
    steps = resolution.steps
    stand = bool(steps) and all(step.tool and "{" not in step.command for step in steps)
    return stand and resolution.times_worked > 0 and refusal_of(resolution) is None


def _similar(store: Store, namespace: str, failure: FailurePattern) -> tuple[str, ...]:
    others = store.failures(FailureQuery(namespace=namespace, limit=_MOST_FAILURES))
    by_signature = {each.signature: each.failure_id for each in others} | {failure.signature: failure.failure_id}
    family = families(by_signature)
    return tuple(
        sorted(
            owner
            for text, owner in by_signature.items()
            if owner != failure.failure_id and family[text] == family[failure.signature]
        )
    )


def _recommendations(failure: FailurePattern, resolutions: Sequence[Resolution]) -> list[str]:
    before = failure.prevention_strategy
    found = [before] if before and refusal(before) is None else []
    ranked = sorted(resolutions, key=lambda each: (-each.times_worked, each.times_seen, each.resolution_id))
    for each in ranked[:3]:
        if each.times_worked and refusal_of(each) is None:
            found.append(f"{each.description} (worked {each.times_worked} of {each.times_seen} times)")
    return found
