"""Metrics: executions in figures that can be added up, merged and compared."""

from seasoned.learn.metrics.collector import MetricsCollector, phases_together
from seasoned.learn.metrics.compare import (
    Comparison,
    Effect,
    EstimateAccuracy,
    compare,
    estimate_accuracy,
    ratio_of_medians,
)
from seasoned.learn.metrics.records import (
    Dimension,
    Durations,
    ExecutionMetrics,
    GroupMetrics,
    Outcomes,
    PhaseMetrics,
    Tokens,
    ToolUse,
)
from seasoned.learn.metrics.sketch import Sketch
from seasoned.learn.metrics.work import PhaseRun, Recorded, execution_of, left_out_of, phase_runs

__all__ = [
    "Comparison",
    "Dimension",
    "Durations",
    "Effect",
    "EstimateAccuracy",
    "ExecutionMetrics",
    "GroupMetrics",
    "MetricsCollector",
    "Outcomes",
    "PhaseMetrics",
    "PhaseRun",
    "Recorded",
    "Sketch",
    "Tokens",
    "ToolUse",
    "compare",
    "estimate_accuracy",
    "execution_of",
    "left_out_of",
    "phase_runs",
    "phases_together",
    "ratio_of_medians",
]
