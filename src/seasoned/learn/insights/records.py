"""What the analysis of many executions says, as values.

Invariant: an insight is a sentence that a person can act on, with the executions behind it, their count, and how it is
known: *tested* (holds within task shapes, after correction for how much was asked), *measured* (a figure with an
interval), or *seen* (it occurred; whether it matters is not known). Nothing found is an answer, and ``reason`` says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from seasoned.learn.metrics import Outcomes, PhaseMetrics

__all__ = ["DurationEstimate", "Evidence", "Insight", "InsightKind", "PerformanceInsights"]

InsightKind = Literal["slow_phase", "slower_than_before", "error", "phase_order", "helpful_tool", "harmful_tool"]
Evidence = Literal["tested", "measured", "seen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """One thing worth knowing."""

    kind: InsightKind
    subject: str
    """Phase, tool, order or error signature that it is about."""
    sentence: str
    """Fit to be shown; text from traces in it is one line, cut, in backquotes."""
    evidence: Evidence
    execution_ids: tuple[str, ...]
    """The executions behind it, most telling first, at most 50."""
    n: int
    """How many executions are behind it, those not listed included."""
    value: float
    """The figure that the sentence is about."""
    low: float
    """95 % interval."""
    high: float
    unit: Literal["ms", "times as long", "share of executions", "odds ratio"]
    """What ``value``, ``low`` and ``high`` are."""
    confidence: float
    """0..1, by ``n`` alone: 0.8 at 50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationEstimate:
    """How long something takes in this domain."""

    phase: str | None
    """None: the whole execution."""
    derived: bool
    n: int
    """Executions of the domain behind it, ≥ 1."""
    median_ms: float
    """Drawn towards all executions given, where the domain has few."""
    low_ms: float
    """A tenth take less."""
    high_ms: float
    """A tenth take more."""
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceInsights:
    """The answer for one domain."""

    domain: str | None
    """None: all domains together."""
    executions: int
    sessions: int
    left_out: int
    """Executions handed over that belong to another domain."""
    outcomes: Outcomes
    confidence: float
    """0..1, from the number of executions: 0.8 at 50."""
    phases: tuple[PhaseMetrics, ...]
    """Most time first."""
    estimates: tuple[DurationEstimate, ...]
    """The whole first, then phases with the longest first."""
    insights: tuple[Insight, ...]
    """Tested ones first, then by kind and weight. May be empty."""
    reason: str
    """One sentence: what this rests on, and where nothing could be said, why."""

    def of_kind(self, *kinds: InsightKind) -> tuple[Insight, ...]:
        """Insights of these kinds, in order."""
        return tuple(insight for insight in self.insights if insight.kind in kinds)

    @property
    def slow_phases(self) -> tuple[Insight, ...]:
        """Where the time goes, and what has become slower."""
        return self.of_kind("slow_phase", "slower_than_before")

    @property
    def common_errors(self) -> tuple[Insight, ...]:
        """Errors that recur."""
        return self.of_kind("error")

    @property
    def phase_orders(self) -> tuple[Insight, ...]:
        """Orders that go with success where ``evidence`` is *tested*, else merely seen."""
        return self.of_kind("phase_order")

    @property
    def helpful_tools(self) -> tuple[Insight, ...]:
        """Tools whose use goes with success on the same tasks."""
        return self.of_kind("helpful_tool")

    @property
    def harmful_tools(self) -> tuple[Insight, ...]:
        """Tools whose use goes with failure on the same tasks."""
        return self.of_kind("harmful_tool")

    @property
    def duration_estimates(self) -> Mapping[str, DurationEstimate]:
        """By phase; the whole under ``total``."""
        return {estimate.phase or "total": estimate for estimate in self.estimates}
