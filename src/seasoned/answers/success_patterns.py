"""A way that worked, reported by the agent that went it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypedDict

from msgspec import Meta

from seasoned.answers.checked import Arguments, Count, Documents, Names
from seasoned.errors import UsageError
from seasoned.model import Document, PatternStatus, PatternType

if TYPE_CHECKING:
    from seasoned.app import Seasoned

__all__ = ["RecordSuccessPattern", "RecordedSuccess", "record_success_pattern"]

_SIMILAR = 20
_LONGEST_NAME = 200


class RecordSuccessPattern(Arguments, frozen=True, kw_only=True):
    """Arguments of ``record_success_pattern``."""

    fingerprint_id: Annotated[str, Meta(description="The task that was done.")]
    path_id: Annotated[str, Meta(description="The execution that did it.")]
    pattern_name: Annotated[str, Meta(description="1 to 200 characters.")]
    pattern_type: Annotated[PatternType, Meta(description="What kind of way it is.")]
    recommended_steps: Annotated[
        Documents,
        Meta(
            description="Steps in order, each with action or command and, where known, tool, kind and files; "
            "{name} is a placeholder."
        ),
    ]
    pattern_template: Annotated[str | None, Meta(description="Template text; else it is made of the steps.")] = None
    applicability_criteria: Annotated[Document | None, Meta(description="When it fits, and when not.")] = None
    validation_criteria: Annotated[Document | None, Meta(description="How to tell that it worked.")] = None
    quality_thresholds: Annotated[Document | None, Meta(description="What quality the result must have.")] = None
    required_tools: Annotated[Names | None, Meta(description="Tools that it needs.")] = None
    estimated_duration_ms: Annotated[Count | None, Meta(description="How long it takes.")] = None
    applicable_domains: Annotated[Names | None, Meta(description="Fields that it is for.")] = None
    technology_requirements: Annotated[Names | None, Meta(description="Languages and frameworks it needs.")] = None
    create_template: Annotated[bool, Meta(description="Make a template that can be filled.")] = False

    def __post_init__(self) -> None:
        """Raise UsageError for a name that is none."""
        if not 1 <= len(" ".join(self.pattern_name.split())) <= _LONGEST_NAME:
            raise UsageError(f"--pattern-name must have 1 to {_LONGEST_NAME} characters.")


class RestsOn(TypedDict, total=False):
    """Counts that a figure rests on."""

    nearest_tasks: Annotated[int, Meta(ge=0)]
    executions_of_this_shape: Annotated[int, Meta(ge=0)]


class RecordedSuccess(TypedDict):
    """The pattern as recorded: a candidate that rests on one execution."""

    success: bool
    pattern_id: str
    pattern_name: str
    template_created: bool
    template_id: str | None
    applicability_score: Annotated[float | None, Meta(description="Mean likeness of the nearest other tasks, 0 to 1.")]
    estimated_reuse_potential: Annotated[float | None, Meta(description="Share of runs that could have used it.")]
    similar_patterns_found: Annotated[int, Meta(ge=0)]
    created_at: datetime | None
    status: PatternStatus
    review_flags: Annotated[tuple[str, ...], Meta(description="What a reviewer must look at.")]
    applicability_rests_on: RestsOn
    reuse_rests_on: RestsOn
    similar_patterns: Annotated[tuple[str, ...], Meta(description="Ids.")]
    template_reason: Annotated[str | None, Meta(description="Why there is no template although one was wanted.")]


def record_success_pattern(seasoned: "Seasoned", given: RecordSuccessPattern) -> RecordedSuccess:
    """Record it. Raises UsageError, NotFoundError for an unknown execution, TemplateError, StoreConflictError for a
    name that its owner has given already, StoreError."""
    from seasoned.workers.pattern_reports import ReportedPattern

    found = seasoned.record_pattern(
        ReportedPattern(
            fingerprint_id=given.fingerprint_id,
            execution_id=given.path_id,
            name=" ".join(given.pattern_name.split()),
            pattern_type=given.pattern_type,
            steps=tuple(given.recommended_steps),
            template=given.pattern_template,
            applicability_criteria=given.applicability_criteria,
            validation_criteria=given.validation_criteria,
            quality_thresholds=given.quality_thresholds,
            required_tools=tuple(given.required_tools or ()),
            estimated_duration_ms=given.estimated_duration_ms,
            applicable_domains=tuple(given.applicable_domains or ()),
            technology_requirements=tuple(given.technology_requirements or ()),
            create_template=given.create_template,
        )
    )
    template = found.template
    return {
        "success": True,
        "pattern_id": found.pattern.pattern_id,
        "pattern_name": found.pattern.pattern_name,
        "template_created": template is not None,
        "template_id": template.template_id if template is not None else None,
        "applicability_score": found.applicability,
        "estimated_reuse_potential": found.reuse,
        "similar_patterns_found": len(found.similar),
        "created_at": found.pattern.created_at,
        "status": found.pattern.status,
        "review_flags": found.pattern.review_flags,
        "applicability_rests_on": {"nearest_tasks": found.neighbours},
        "reuse_rests_on": {"executions_of_this_shape": found.shape_executions},
        "similar_patterns": found.similar[:_SIMILAR],
        "template_reason": found.template_reason,
    }
