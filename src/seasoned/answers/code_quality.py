"""The quality of a changed file: measured where it can be seen, and else what the agent states."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from msgspec import Meta

from seasoned.answers.checked import Arguments, Count, Share
from seasoned.answers.recommended import Percent
from seasoned.model import ArtifactType, Document, OnexNodeType

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.workers.measuring import Measured

__all__ = ["LogCodeQuality", "LoggedQuality", "log_code_quality"]


class LogCodeQuality(Arguments, frozen=True, kw_only=True):
    """Arguments of ``log_code_quality``."""

    path_id: Annotated[str, Meta(description="The execution that changed the file.")]
    file_path: Annotated[str, Meta(description="Absolute, or below the folder of the execution or the server.")]
    artifact_type: Annotated[Literal[ArtifactType, "auto"], Meta(description="auto: told from the path.")]
    language: Annotated[str, Meta(description="Name of the language; auto: told from the path.", max_length=60)]
    quality_score: Annotated[Share | None, Meta(description="Your own judgement, 0 to 1.")] = None
    onex_compliance: Annotated[Share | None, Meta(description="Compliance with ONEX conventions, 0 to 1.")] = None
    complexity_metrics: Annotated[Document | None, Meta(description="Figures of your own, by name.")] = None
    lines_added: Annotated[Count | None, Meta(description="By this execution.")] = None
    lines_modified: Annotated[Count | None, Meta(description="By this execution.")] = None
    lines_deleted: Annotated[Count | None, Meta(description="By this execution.")] = None
    test_coverage: Annotated[Percent | None, Meta(description="Percent of lines.")] = None
    tests_passed: Annotated[Count | None, Meta(description="Tests that passed.")] = None
    tests_failed: Annotated[Count | None, Meta(description="Tests that failed.")] = None
    lint_passed: Annotated[bool | None, Meta(description="Whether the linter was content.")] = None
    type_check_passed: Annotated[bool | None, Meta(description="Whether the type checker was content.")] = None
    security_scan_passed: Annotated[bool | None, Meta(description="Whether a security scan was content.")] = None
    onex_node_type: Annotated[OnexNodeType | None, Meta(description="Kind of ONEX node in the file.")] = None


class Issue(TypedDict):
    """One thing that is wrong with the file."""

    kind: str
    message: str
    line: int | None
    function: str | None
    figure: float | None
    threshold: float | None
    source: Annotated[str | None, Meta(description="Where the threshold, or the finding, comes from.")]


class LoggedQuality(TypedDict):
    """What is known of the file, and which of it was measured."""

    success: bool
    artifact_id: str
    content_hash: Annotated[str | None, Meta(description="SHA-256; null where the file was not seen.")]
    quality_score: Annotated[float | None, Meta(description="0 to 1; null where nothing is known.")]
    onex_compliance_score: Annotated[float | None, Meta(description="0 to 1.")]
    quality_issues: list[Issue]
    recommendations: Annotated[tuple[str, ...], Meta(description="What to do, about this file.")]
    created_at: datetime
    basis: Annotated[Document, Meta(description="By field: measured or stated.")]
    score_parts: Annotated[dict[str, float], Meta(description="What the score consists of, 0 to 1 each.")]
    known_weight: Annotated[float, Meta(description="Share of the score's parts that are known, 0 to 1.")]
    file_path: str
    language: str | None
    onex_node_type: OnexNodeType | None
    complexity_metrics: Document | None
    test_coverage: Annotated[float | None, Meta(description="Percent.")]
    tests_passed: int | None
    tests_failed: int | None
    lint_passed: bool | None
    type_check_passed: bool | None
    security_scan_passed: bool | None
    reports: Annotated[list[str], Meta(description="Reports of tools that were read.")]
    notes: list[str]


def log_code_quality(seasoned: "Seasoned", given: LogCodeQuality) -> LoggedQuality:
    """Measure and record. Raises NotFoundError for an unknown execution, UnreadableFileError, UsageError, StoreError."""
    from seasoned.capture.stack import artifact_type_of
    from seasoned.learn.quality import Stated
    from seasoned.workers.measuring import StatedFile

    kind = given.artifact_type
    stated = Stated(
        quality_score=given.quality_score,
        test_coverage=given.test_coverage,
        tests_passed=given.tests_passed,
        tests_failed=given.tests_failed,
        lint_passed=given.lint_passed,
        type_check_passed=given.type_check_passed,
        security_scan_passed=given.security_scan_passed,
    )
    about = StatedFile(
        artifact_type=artifact_type_of(given.file_path) if kind == "auto" else kind,
        language=None if given.language == "auto" else given.language,
        lines_added=given.lines_added,
        lines_modified=given.lines_modified,
        lines_deleted=given.lines_deleted,
        complexity_metrics=given.complexity_metrics,
        onex_compliance=given.onex_compliance,
        onex_node_type=given.onex_node_type,
    )
    return _logged(seasoned.log_quality(given.path_id, given.file_path, stated=stated, about=about))


def _logged(found: "Measured") -> LoggedQuality:
    artifact, assessment, seen = found.artifact, found.assessment, found.seen
    problems = [f"{each.path}: {each.reason}" for each in seen.problems] if seen is not None else []
    return {
        "success": True,
        "artifact_id": artifact.artifact_id,
        "content_hash": artifact.content_hash,
        "quality_score": artifact.quality_score,
        "onex_compliance_score": artifact.onex_compliance_score,
        "quality_issues": [
            {
                "kind": each.kind,
                "message": each.message,
                "line": each.line,
                "function": each.function,
                "figure": each.figure,
                "threshold": each.threshold,
                "source": each.source,
            }
            for each in assessment.issues
        ],
        "recommendations": assessment.recommendations,
        "created_at": datetime.now(UTC),
        "basis": found.basis,
        "score_parts": {str(name): part for name, part in assessment.parts.items()},
        "known_weight": assessment.known_weight,
        "file_path": artifact.file_path,
        "language": artifact.language,
        "onex_node_type": artifact.onex_node_type,
        "complexity_metrics": artifact.complexity_metrics,
        "test_coverage": artifact.test_coverage,
        "tests_passed": artifact.tests_passed,
        "tests_failed": artifact.tests_failed,
        "lint_passed": artifact.lint_passed,
        "type_check_passed": artifact.type_check_passed,
        "security_scan_passed": artifact.security_scan_passed,
        "reports": sorted(set(assessment.figures.sources.values())),
        "notes": [*assessment.notes, *problems],
    }
