"""Answers as documents, the same at every door: the arguments of each, checked once, and what it returns."""

from seasoned.answers.checked import Arguments, checked
from seasoned.answers.code_quality import LogCodeQuality, log_code_quality
from seasoned.answers.delimited import delimited, page_of
from seasoned.answers.executions import CaptureTaskExecution, capture_task_execution
from seasoned.answers.failures import GetFix, RecordFailurePattern, get_fix, record_failure_pattern
from seasoned.answers.replay import ReplayedPlan, replayed
from seasoned.answers.similar_tasks import CheckSimilarTasks, check_similar_tasks
from seasoned.answers.success_patterns import RecordSuccessPattern, record_success_pattern

__all__ = [
    "Arguments",
    "CaptureTaskExecution",
    "CheckSimilarTasks",
    "GetFix",
    "LogCodeQuality",
    "RecordFailurePattern",
    "RecordSuccessPattern",
    "ReplayedPlan",
    "capture_task_execution",
    "check_similar_tasks",
    "checked",
    "delimited",
    "get_fix",
    "log_code_quality",
    "page_of",
    "record_failure_pattern",
    "record_success_pattern",
    "replayed",
]
