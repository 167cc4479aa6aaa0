"""How good the answers are: histories replayed in time order, known outcomes, known paraphrases; figures with intervals.

Loads numpy; commands import it when they need it.
"""

from seasoned.evaluate.durations import run_durations, run_own_durations
from seasoned.evaluate.intervals import Interval
from seasoned.evaluate.outcomes import run_outcomes
from seasoned.evaluate.paraphrases import packaged_paraphrases, run_paraphrases
from seasoned.evaluate.report import Figure, Part, Report, Target
from seasoned.evaluate.retrieval import run_own_retrieval, run_retrieval

__all__ = [
    "Figure",
    "Interval",
    "Part",
    "Report",
    "Target",
    "packaged_paraphrases",
    "run_durations",
    "run_outcomes",
    "run_own_durations",
    "run_own_retrieval",
    "run_paraphrases",
    "run_retrieval",
]
