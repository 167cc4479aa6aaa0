"""One finished execution, reported by the agent itself."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from msgspec import Meta

from seasoned.answers.checked import Arguments, Count, Documents, Label, Names, Share, option
from seasoned.answers.recommended import RecommendedPattern, recommended_pattern
from seasoned.errors import UsageError
from seasoned.model import TaskType

if TYPE_CHECKING:
    from seasoned.app import Seasoned

__all__ = ["CaptureTaskExecution", "CapturedExecution", "capture_task_execution"]


class CaptureTaskExecution(Arguments, frozen=True, kw_only=True):
    """Arguments of ``capture_task_execution``."""

    prompt: Annotated[str, Meta(description="What was asked, as it was asked.")]
    task_type: Annotated[Literal["auto", TaskType], Meta(description="Kind of task; auto: told from the prompt.")]
    domain: Annotated[str, Meta(description="Field the task is in, such as database or frontend; auto: told.")]
    agent: Annotated[str, Meta(description="Name of the agent that ran it.", min_length=1, max_length=200)]
    success: Annotated[bool, Meta(description="Whether it did what was asked.")]
    quality_score: Annotated[Share | None, Meta(description="Quality of the result, 0 to 1.")] = None
    duration_ms: Annotated[Count | None, Meta(description="How long it took, in milliseconds.")] = None
    steps_json: Annotated[
        Documents | None,
        Meta(
            description="Steps in order. Each may have step, action, tool, files, duration_ms, outcome; "
            "what else it holds is kept."
        ),
    ] = None
    correlation_id: Annotated[Label | None, Meta(description="Joins this with other records.")] = None
    execution_id: Annotated[str | None, Meta(description="A UUID of your own; else one is made.")] = None
    artifacts: Annotated[
        Documents | None,
        Meta(description="Changed files, each with file and, where known, language, lines_added, quality_score, …"),
    ] = None
    user_acceptance: Annotated[bool | None, Meta(description="Whether the user accepted the result.")] = None
    complexity_score: Annotated[Share | None, Meta(description="How hard the task was, 0 to 1.")] = None
    agent_chain: Annotated[Names | None, Meta(description="Agents from the outermost to the one at work.")] = None
    tools_used: Annotated[Names | None, Meta(description="Names of tools.")] = None
    file_patterns: Annotated[Names | None, Meta(description="Patterns of the files it was about.")] = None
    technology_stack: Annotated[Names | None, Meta(description="Languages and frameworks.")] = None
    auto_detect: Annotated[
        bool, Meta(description="Waive quality_score, duration_ms and steps_json, which are needed otherwise.")
    ] = False

    def __post_init__(self) -> None:
        """Raise UsageError where something lacks that only ``auto_detect`` waives."""
        lacking = [
            option(name) for name in ("quality_score", "duration_ms", "steps_json") if getattr(self, name) is None
        ]
        if lacking and not self.auto_detect:
            raise UsageError(f"Missing: {', '.join(lacking)}. --auto-detect waives what Seasoned can find for itself.")


class CapturedExecution(TypedDict):
    """What was recorded."""

    success: Annotated[bool, Meta(description="Always true; a failure is an error.")]
    fingerprint_id: Annotated[str, Meta(description="Id of the task.")]
    fingerprint_hash: Annotated[str, Meta(description="SHA-256 of namespace and normalised prompt.")]
    path_id: Annotated[str, Meta(description="Id of this execution.")]
    artifacts_created: Annotated[int, Meta(description="Files recorded with it.", ge=0)]
    similar_tasks_found: Annotated[int, Meta(description="Like tasks recorded before it.", ge=0)]
    pattern_candidates: Annotated[list[RecommendedPattern], Meta(description="Unreviewed patterns of those tasks.")]
    created_at: Annotated[datetime | None, Meta(description="When it ended.")]


def capture_task_execution(seasoned: "Seasoned", given: CaptureTaskExecution) -> CapturedExecution:
    """Record it. Raises UsageError for what makes no sense, StoreError."""
    from seasoned.capture.record import described_execution
    from seasoned.learn.fingerprint import fingerprint

    update = described_execution(
        namespace=seasoned.namespace,
        prompt=given.prompt,
        agent=given.agent,
        success=given.success,
        quality_score=given.quality_score,
        duration_ms=given.duration_ms,
        steps=given.steps_json or (),
        artifacts=given.artifacts or (),
        correlation_id=given.correlation_id,
        execution_id=given.execution_id,
        user_acceptance=given.user_acceptance,
        agent_chain=tuple(given.agent_chain or ()),
        technology_stack=tuple(given.technology_stack or ()),
        context={
            key: value
            for key, value in (
                ("task_type", None if given.task_type == "auto" else given.task_type),
                ("domain", None if given.domain == "auto" else given.domain),
                ("complexity_score", given.complexity_score),
                ("tools_used", given.tools_used or None),
                ("file_patterns", given.file_patterns or None),
            )
            if value is not None
        },
    )
    before = seasoned.similar(given.prompt, task_type=given.task_type, domain=given.domain, semantic=False)
    known = seasoned.recommended(before.matches)
    trace = seasoned.record(update)
    task = fingerprint(trace.prompt or "", seasoned.namespace)
    return {
        "success": True,
        "fingerprint_id": task.fingerprint_id,
        "fingerprint_hash": task.task_hash,
        "path_id": trace.execution_id,
        "artifacts_created": len(update.artifacts),
        "similar_tasks_found": len(before.matches),
        "pattern_candidates": [
            recommended_pattern(each) for each in known.patterns if each.pattern.status == "candidate"
        ],
        "created_at": trace.completed_at,
    }
