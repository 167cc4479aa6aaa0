"""Insights: what many executions of a domain teach, as sentences with the executions behind them."""

from seasoned.learn.insights.analyzer import PerformanceAnalyzer
from seasoned.learn.insights.records import DurationEstimate, Evidence, Insight, InsightKind, PerformanceInsights

__all__ = [
    "DurationEstimate",
    "Evidence",
    "Insight",
    "InsightKind",
    "PerformanceAnalyzer",
    "PerformanceInsights",
]
