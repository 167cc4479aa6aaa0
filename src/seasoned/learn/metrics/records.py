"""Metrics as values: of one execution, of one phase, of everything that shares a name.

Invariant: a share is never shown without the count behind it, unknown outcomes are counted apart and are in no rate,
and what no source stated is None, not 0.
"""

from dataclasses import dataclass
from typing import Literal

from seasoned.learn.statistics import Rate
from seasoned.model import Status

__all__ = [
    "Dimension",
    "Durations",
    "ExecutionMetrics",
    "GroupMetrics",
    "Outcomes",
    "PhaseMetrics",
    "Tokens",
    "ToolUse",
]

Dimension = Literal["all", "agent", "model", "domain", "task_type", "phase", "tool"]
"""What executions, or parts of them, are grouped by. ``phase`` groups phases and ``tool`` calls; the others executions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How things went, and how often that is known."""

    successes: int
    failures: int
    unknown: int
    """Aborted, rejected, cancelled, or not known."""
    rate: Rate | None
    """Successes among those known, with Wilson's interval; None where nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long things took. Quantiles are within 1 % (``metrics.sketch``)."""

    n: int
    """Those whose duration is known, ≥ 1."""
    total_ms: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Sums over those that state them; each None where none does."""

    input: int | None
    """Not read from a cache."""
    output: int | None
    cache_read: int | None
    cache_write: int | None
    total: int | None

    @property
    def cache_share(self) -> float | None:
        """Share of what was sent that came from a cache, 0..1."""
        if self.cache_read is None:
            return None
        sent = (self.input or 0) + self.cache_read + (self.cache_write or 0)
        return self.cache_read / sent if sent else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """One tool's part in the calls."""

    tool: str
    calls: int
    share: float
    """Of all calls, 0..1."""
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseMetrics:
    """One phase, in one execution or over many."""

    name: str
    derived: bool
    """True: read from the calls, the agent named no phases (``metrics.work``)."""
    runs: int
    """Passages, ≥ 1."""
    executions: int
    """Executions that went through it."""
    outcomes: Outcomes
    """Of the passages."""
    duration: Durations | None
    """Of the passages; of a derived phase the time inside calls. None where none is timed."""
    share: float | None
    """Of the time of all phases of the same set, 0..1."""

    @property
    def duration_ms(self) -> int | None:
        """All passages together."""
        return None if self.duration is None else self.duration.total_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionMetrics:
    """One execution in figures."""

    execution_id: str
    agent: str | None
    model: str | None
    domain: str | None
    task_type: str | None
    status: Status
    success: bool | None
    """None where the outcome is not known."""
    duration_ms: int | None
    quality_score: float | None
    phases: tuple[PhaseMetrics, ...]
    """In the order in which they were first entered. Empty for a trace handed over without its spans."""
    calls: int
    failed_calls: int
    """Refused and cancelled ones are not among them."""
    retries: int
    """Calls that repeat one that had failed."""
    tools: tuple[ToolUse, ...]
    """Most calls first."""
    model_calls: int | None
    tokens: Tokens
    cost_usd: float | None
    """As the source states it."""
    cache_hits: int | None
    spans_left_out: int = 0
    """Calls and phases that a tracker recorded and no longer held when it completed; phases, calls, retries and tools
    are of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMetrics:
    """All executions (phases, calls) that share a name."""

    dimension: Dimension
    name: str
    n: int
    """Executions; passages of a phase; calls of a tool."""
    executions: int
    """Distinct executions behind it."""
    outcomes: Outcomes
    duration: Durations | None
    tokens: Tokens
    """Of executions; of tools and phases all None."""
    cost_usd: float | None
    cost_known: int
    """How many state a cost."""
    calls: int
    failed_calls: int
    retries: int
    cache_hits: int | None
    tools: tuple[ToolUse, ...]
    """Tool mix, most calls first."""
