"""The table of tools: name, what it is for, its arguments, its answer, and what calling it does to the world.

Invariant: a tool is a row here and a function of ``answers``; there is nothing that one can do and the other cannot.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seasoned.answers import (
    code_quality,
    executions,
    failures,
    library,
    library_state,
    promotion,
    similar_tasks,
    success_patterns,
)
from seasoned.answers.checked import Arguments

if TYPE_CHECKING:
    from seasoned.answers.rates import Kind
    from seasoned.app import Seasoned

__all__ = ["TOOLS", "ToolRow"]

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRow:
    """One tool."""

    name: str
    title: str
    description: str
    """What an agent must know to call it at the right moment."""
    arguments: type[Arguments]
    answer: type
    """A TypedDict: ``result``."""
    function: "Callable[[Seasoned, Any], Any]"
    said: Callable[[Result], str]
    """The ``message``: one sentence about the result, without a text of the library in it."""
    kind: "Kind"
    """What an agent's calls of it are counted as."""
    again_changes_nothing: bool = False
    """Calling it twice with the same arguments leaves what calling it once leaves."""
    asks_outside: bool = False
    """Its answer may rest on a knowledge base that is configured."""

    @property
    def reads_only(self) -> bool:
        """Whether it changes nothing."""
        return self.kind == "check"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


TOOLS: tuple[ToolRow, ...] = (
    ToolRow(
        name="check_similar_tasks",
        title="Was this done before?",
        description="Before you begin a task: past tasks like it, how they went, and the patterns learned from them.",
        arguments=similar_tasks.CheckSimilarTasks,
        answer=similar_tasks.SimilarTasksFound,
        function=similar_tasks.check_similar_tasks,
        said=lambda result: (
            f"{_count(result['matches_found'], 'like task')} found, "
            f"{_count(len(result['recommended_patterns']), 'pattern')} learned from them."
        ),
        kind="check",
        again_changes_nothing=True,
        asks_outside=True,
    ),
    ToolRow(
        name="apply_pattern",
        title="Find patterns that fit",
        description=(
            "Patterns of the library that fit what you want to do, best first. Looking is not using: say with "
            "record_usage, or evolve_pattern, that you applied one and how it went."
        ),
        arguments=library.ApplyPattern,
        answer=library.AppliedPatterns,
        function=library.apply_pattern,
        said=lambda result: (
            f"{_count(result['pattern_count'], 'pattern')} found. {result['application_guidance']['advice']}"
        ),
        kind="check",
        again_changes_nothing=True,
    ),
    ToolRow(
        name="learn_pattern",
        title="Keep a pattern",
        description="Keep a way of doing something as a private candidate of your own; a reviewer can make it active.",
        arguments=library.LearnPattern,
        answer=library.LearnedPattern,
        function=library.learn_pattern,
        said=lambda result: f"Recorded as a private candidate, version {result['version']}.",
        kind="record",
    ),
    ToolRow(
        name="record_usage",
        title="Say that a pattern was used",
        description="Count one application of a pattern: how long it took and how it went. Each call counts once more.",
        arguments=library.RecordUsage,
        answer=library.RecordedUsage,
        function=library.record_usage,
        said=lambda result: f"Counted; {_count(result['usage_count'], 'use')} so far.",
        kind="capture",
    ),
    ToolRow(
        name="evolve_pattern",
        title="Improve a pattern",
        description=(
            "After applying a pattern: success_feedback counts as a use, evolution_data makes a new version (a "
            "candidate). The version that you applied stays as it is."
        ),
        arguments=library.EvolvePattern,
        answer=library.EvolvedPattern,
        function=library.evolve_pattern,
        said=lambda result: (
            f"Version {result['new_version']['version']} was made, a candidate."
            if result["new_version"]
            else "The feedback was counted as a use."
        ),
        kind="record",
    ),
    ToolRow(
        name="promote_pattern",
        title="Make a pattern active",
        description=(
            "Make a candidate active, so that agents are advised by it. Reviewers (librarians, administrators) may, and "
            "whoever owns it while it is private; other owners ask by it, and it then waits for a reviewer."
        ),
        arguments=promotion.PromotePattern,
        answer=promotion.PromotedPattern,
        function=promotion.promote_pattern,
        said=lambda result: (
            f"Version {result['version']} is active."
            if result["promoted"]
            else f"You asked for version {result['version']} to be active: it waits for a reviewer, and is what it was."
        ),
        kind="record",
    ),
    ToolRow(
        name="get_pattern_analytics",
        title="How the library is doing",
        description="Totals, use, success and health of the patterns that you may read, and what to review.",
        arguments=library_state.GetPatternAnalytics,
        answer=library_state.PatternAnalytics,
        function=library_state.get_pattern_analytics,
        said=lambda result: (
            f"{_count(result['total_patterns'], 'pattern')}; health: {result['overview']['knowledge_base_health']}."
        ),
        kind="check",
        again_changes_nothing=True,
    ),
    ToolRow(
        name="suggest_learning_opportunities",
        title="Where learning would pay",
        description="Areas with much work and few or failing patterns, and patterns that wait for a reviewer.",
        arguments=library_state.SuggestLearningOpportunities,
        answer=library_state.LearningOpportunities,
        function=library_state.suggest_learning_opportunities,
        said=lambda result: f"{result['opportunity_count']} found.",
        kind="check",
        again_changes_nothing=True,
    ),
    ToolRow(
        name="capture_task_execution",
        title="Record an execution",
        description="After a task: what was asked, what you did and how it went. Later tasks learn from it.",
        arguments=executions.CaptureTaskExecution,
        answer=executions.CapturedExecution,
        function=executions.capture_task_execution,
        said=lambda result: f"Recorded as execution {result['path_id']}.",
        kind="capture",
    ),
    ToolRow(
        name="log_code_quality",
        title="Record the quality of a file",
        description=(
            "Record the quality of a file that an execution changed. Where the server can see the file it is measured; "
            "what you state fills the gaps."
        ),
        arguments=code_quality.LogCodeQuality,
        answer=code_quality.LoggedQuality,
        function=code_quality.log_code_quality,
        said=lambda result: (
            "Nothing is known of its quality."
            if result["quality_score"] is None
            else f"Quality {result['quality_score']:.2f}."
        ),
        kind="capture",
    ),
    ToolRow(
        name="record_failure_pattern",
        title="Record a failure",
        description="Record an error of a task and, where you know it, what helped.",
        arguments=failures.RecordFailurePattern,
        answer=failures.RecordedFailureAnswer,
        function=failures.record_failure_pattern,
        said=lambda result: f"Recorded; this failure was seen {_count(result['occurrence_count'], 'time')}.",
        kind="capture",
    ),
    ToolRow(
        name="record_success_pattern",
        title="Record a way that worked",
        description="Record the steps of an execution that went well as a pattern, and a template of it if you want.",
        arguments=success_patterns.RecordSuccessPattern,
        answer=success_patterns.RecordedSuccess,
        function=success_patterns.record_success_pattern,
        said=lambda result: "Recorded as a candidate" + (", with a template." if result["template_created"] else "."),
        kind="record",
    ),
    ToolRow(
        name="get_fix",
        title="What fixed this error before?",
        description="When a call fails: what fixed the same error before. No known fix is an answer too.",
        arguments=failures.GetFix,
        answer=failures.KnownFixes,
        function=failures.get_fix,
        said=lambda result: f"{_count(result['fixes_found'], 'known fix').replace('fixs', 'fixes')}.",
        kind="check",
        again_changes_nothing=True,
    ),
)
