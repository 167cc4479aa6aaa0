"""How the library is doing, as far as the caller may read it, and where learning would pay."""

from typing import TYPE_CHECKING, Annotated, Literal, TypedDict, cast

from msgspec import Meta

from seasoned.answers.checked import Arguments
from seasoned.model import Document, PatternStatus

if TYPE_CHECKING:
    from seasoned.app import Seasoned

__all__ = [
    "GetPatternAnalytics",
    "SuggestLearningOpportunities",
    "get_pattern_analytics",
    "suggest_learning_opportunities",
]


class GetPatternAnalytics(Arguments, frozen=True, kw_only=True):
    """Arguments of ``get_pattern_analytics``: none is needed."""

    days: Annotated[int, Meta(description="The period that rates over time are about.", ge=1, le=3660)] = 30


class SuggestLearningOpportunities(Arguments, frozen=True, kw_only=True):
    """``suggest_learning_opportunities`` has no arguments."""


class PatternFigures(TypedDict):
    """One pattern and its counts."""

    pattern_id: str
    pattern_name: str
    version: str
    category: str | None
    status: PatternStatus
    usage_count: Annotated[int, Meta(ge=0)]
    success_rate: Annotated[float | None, Meta(description="0 to 1; null while no outcome is known.")]
    confidence: Annotated[float | None, Meta(description="0 to 1.")]
    known_outcomes: Annotated[int, Meta(ge=0)]
    review_flags: list[str]
    last_used_at: Annotated[str | None, Meta(description="Time, ISO 8601.")]


class Overview(TypedDict):
    """Totals of what the caller may read."""

    total_patterns: Annotated[int, Meta(ge=0)]
    total_applications: Annotated[int, Meta(ge=0)]
    applications_in_period: Annotated[int, Meta(ge=0)]
    days: Annotated[int, Meta(ge=1)]
    avg_applications_per_pattern: float | None
    avg_success_rate: Annotated[float | None, Meta(description="0 to 1; null while no outcome is known.")]
    knowledge_base_health: Literal["good", "fair", "poor", "unknown"]


class Distribution(TypedDict):
    """How many patterns, by what."""

    by_category: dict[str, int]
    by_confidence: dict[str, int]
    by_access: dict[str, int]
    by_status: dict[str, int]


class UsagePatterns(TypedDict):
    """What is used, and what is not."""

    most_applied: list[PatternFigures]
    least_applied: list[PatternFigures]
    unused_patterns: list[PatternFigures]
    unused_count: Annotated[int, Meta(ge=0)]


class KnowledgeGap(TypedDict):
    """An area with much work and few patterns, or failing ones."""

    category: str | None
    subcategory: str | None
    executions: Annotated[int, Meta(ge=0)]
    success_rate: float | None
    known_outcomes: Annotated[int, Meta(ge=0)]
    active_patterns: Annotated[int, Meta(ge=0)]
    candidates: Annotated[int, Meta(ge=0)]
    failing_patterns: Annotated[int, Meta(ge=0)]


class Advised(TypedDict):
    """What to look at."""

    high_value_patterns: list[PatternFigures]
    patterns_to_review: list[PatternFigures]
    knowledge_gaps: list[KnowledgeGap]


class PatternAnalytics(TypedDict):
    """Figures of the library, over what the caller may read and nothing else."""

    success: bool
    overview: Overview
    distribution: Distribution
    usage_patterns: UsagePatterns
    recommendations: Advised
    total_patterns: Annotated[int, Meta(ge=0)]
    category_distribution: dict[str, int]
    top_patterns: list[PatternFigures]
    success_statistics: Document
    over_time: Annotated[list[Document], Meta(description="By day.")]
    versions: Annotated[list[Document], Meta(description="Versions of one pattern beside one another.")]
    health: Annotated[Document, Meta(description="The criteria of knowledge_base_health, with their values.")]


class BaseSummary(TypedDict):
    """How much of the recorded work the active patterns cover."""

    total_memories: Annotated[int, Meta(description="Recorded executions.", ge=0)]
    total_patterns: Annotated[int, Meta(ge=0)]
    coverage_ratio: Annotated[float | None, Meta(description="0 to 1; null without recorded work.")]


class Opportunity(TypedDict):
    """One thing that would pay."""

    type: str
    area: str
    priority: Literal["high", "medium", "low"]
    reason: str
    suggested_action: str


class LearningOpportunities(TypedDict):
    """Where learning would pay."""

    success: bool
    knowledge_base_summary: BaseSummary
    learning_opportunities: Annotated[list[Opportunity], Meta(description="Most urgent first.")]
    opportunity_count: Annotated[int, Meta(ge=0)]
    priority_breakdown: dict[str, int]


def get_pattern_analytics(seasoned: "Seasoned", given: GetPatternAnalytics) -> PatternAnalytics:
    """The figures. Raises StoreError."""
    return cast("PatternAnalytics", {"success": True, **seasoned.library.get_pattern_analytics(days=given.days)})


def suggest_learning_opportunities(seasoned: "Seasoned", given: SuggestLearningOpportunities) -> LearningOpportunities:  # noqa: ARG001  # as all answers
    """Gaps and patterns that wait for somebody. Raises StoreError."""
    return cast("LearningOpportunities", {"success": True, **seasoned.library.suggest_learning_opportunities()})
