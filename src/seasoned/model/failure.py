"""Failure patterns, their occurrences, and what resolved them.

Invariant: counts are those of the rows. ``occurrence_count`` is the number of occurrences, ``times_seen`` and
``times_worked`` of a mined resolution are the occurrences that it followed and that it ended.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from seasoned.model.trace import Document

__all__ = ["FailureOccurrence", "FailurePattern", "FailureType", "Resolution", "ResolutionStep"]

FailureType = Literal[
    "compilation_error",
    "runtime_error",
    "validation_failure",
    "timeout",
    "quality_gate_failure",
    "tool_error",
    "resource_exhausted",
    "permission_denied",
    "dependency_missing",
    "network",
    "unknown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePattern:
    """A class of failures: everything with the same signature in one namespace."""

    failure_id: str
    """UUIDv5 of namespace and signature."""
    namespace: str
    signature: str
    """The error after fixed masking (``learn.failures.signature``); the same whatever else was imported."""
    failure_type: FailureType = "unknown"
    error_category: str | None = None
    """Finer than the type: the family of alike signatures it belongs to."""
    error_message: str | None = None
    """An example, redacted."""
    error_stack_trace: str | None = None
    failed_step: str | None = None
    """Tool or program that failed most often with it."""
    root_cause_analysis: str | None = None
    contributing_factors: Document | None = None
    """What is over-represented beside it, with odds ratio and interval; absent where nothing is."""
    resolution_applied: str | None = None
    """Its best resolution, in words."""
    resolution_steps: Document | None = None
    time_to_resolve_ms: int | None = None
    """Median over resolved occurrences."""
    occurrence_count: int = 0
    first_occurrence_at: datetime | None = None
    last_occurrence_at: datetime | None = None
    prevention_strategy: str | None = None
    automated_fix_available: bool = False
    """Only where a resolution is a replayable action and has worked."""
    fix_success_rate: float | None = None
    """*Percent*, 0..100, of its best resolution."""
    context_at_failure: Document | None = None
    metadata: Document | None = None
    """``shown``: whether its fix may be shown, and why not; ``sessions``; ``self_recovered`` share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureOccurrence:
    """One failing call."""

    occurrence_id: str
    """UUIDv5 of the span."""
    failure_id: str
    namespace: str
    execution_id: str | None
    span_id: str | None
    fingerprint_id: str | None = None
    message: str | None = None
    """Redacted, at most ``ERROR_LIMIT`` characters."""
    occurred_at: datetime
    resolved_by: str | None = None
    """resolution_id."""
    time_to_resolve_ms: int | None = None
    """From the failing call to the success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionStep:
    """One action of a resolution."""

    tool: str
    command: str
    """With ``{slots}`` for what varies."""
    example: str | None = None
    """As it stood once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What turned a failure into success."""

    resolution_id: str
    """UUIDv5 of failure and steps."""
    failure_id: str
    namespace: str
    description: str
    steps: tuple[ResolutionStep, ...] = ()
    times_seen: int = 0
    times_worked: int = 0
    last_worked_at: datetime | None = None
    source: Literal["mined", "recorded"] = "mined"
