"""How good a changed file is: what can be measured of it, one score with its parts, and what to do about it. Pure."""

from seasoned.learn.quality.assessment import Assessment, QualityIssue, assess
from seasoned.learn.quality.complexity import CodeFigures, FunctionFigures, measure
from seasoned.learn.quality.onex import OnexReading, read_onex
from seasoned.learn.quality.score import WEIGHTS, Known, Stated

__all__ = [
    "WEIGHTS",
    "Assessment",
    "CodeFigures",
    "FunctionFigures",
    "Known",
    "OnexReading",
    "QualityIssue",
    "Stated",
    "assess",
    "measure",
    "read_onex",
]
