"""Commands for agents that say what they learned: code quality, failures, ways that worked. Exact argument names, JSON
out; what was measured and what was only stated is told apart in the answer."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, cast

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.arguments import argument, boolean, document, documents, maybe_boolean, names, one_of
from seasoned.doors.cli.root import application, context
from seasoned.errors import UsageError

if TYPE_CHECKING:
    from seasoned.model import ArtifactType, FailureType, OnexNodeType, PatternType
    from seasoned.workers.measuring import Measured

__all__: list[str] = []

Text = Annotated[str, typer.Option()]
Maybe = Annotated[str | None, typer.Option()]
MaybeBoolean = Annotated[str | None, typer.Option(help="true or false.")]
MaybeJson = Annotated[str | None, typer.Option(help="JSON object, @file or - for standard input.")]
MaybeList = Annotated[str | None, typer.Option(help="JSON list, @file or - for standard input.")]
MaybeNames = Annotated[str | None, typer.Option(help="JSON list, or names with commas.")]
Count = Annotated[int | None, typer.Option(min=0)]
Score = Annotated[float | None, typer.Option(min=0, max=1)]
Json = Annotated[bool, typer.Option("--json", hidden=True)]


@application.command("log-code-quality")
def log_code_quality(
    invocation: typer.Context,
    path_id: Annotated[str, typer.Option(help="The execution that changed the file.")],
    file_path: Text,
    artifact_type: Annotated[str, typer.Option(help="source_code, test, config, documentation or auto.")],
    language: Annotated[str, typer.Option(help="Name, or auto.")],
    quality_score: Score = None,
    onex_compliance: Score = None,
    complexity_metrics: MaybeJson = None,
    lines_added: Count = None,
    lines_modified: Count = None,
    lines_deleted: Count = None,
    test_coverage: Annotated[float | None, typer.Option(min=0, max=100, help="Percent.")] = None,
    tests_passed: Count = None,
    tests_failed: Count = None,
    lint_passed: MaybeBoolean = None,
    type_check_passed: MaybeBoolean = None,
    security_scan_passed: MaybeBoolean = None,
    onex_node_type: Annotated[str | None, typer.Option(help="Effect, Compute, Reducer or Orchestrator.")] = None,
    as_json: Json = True,  # noqa: ARG001  # always JSON
) -> None:
    """Record the quality of a changed file. Where the file can be seen, it is measured; what is stated fills the gaps."""
    from seasoned.capture.stack import artifact_type_of
    from seasoned.learn.quality import Stated
    from seasoned.model import ArtifactType, OnexNodeType
    from seasoned.workers.measuring import StatedFile

    for option, value in (
        ("--quality-score", quality_score),
        ("--onex-compliance", onex_compliance),
        ("--test-coverage", test_coverage),
    ):
        if value is not None and value != value:  # noqa: PLR0124  # NaN passes every bound
            raise UsageError(f"{option} is no number.")
    kind = (
        artifact_type_of(file_path)
        if artifact_type == "auto"
        else cast("ArtifactType", one_of("--artifact-type", artifact_type, ArtifactType))
    )
    node = None if onex_node_type is None else one_of("--onex-node-type", onex_node_type.capitalize(), OnexNodeType)
    stated = Stated(
        quality_score=quality_score,
        test_coverage=test_coverage,
        tests_passed=tests_passed,
        tests_failed=tests_failed,
        lint_passed=maybe_boolean("--lint-passed", lint_passed),
        type_check_passed=maybe_boolean("--type-check-passed", type_check_passed),
        security_scan_passed=maybe_boolean("--security-scan-passed", security_scan_passed),
    )
    about = StatedFile(
        artifact_type=kind,
        language=None if language == "auto" else language,
        lines_added=lines_added,
        lines_modified=lines_modified,
        lines_deleted=lines_deleted,
        complexity_metrics=document("--complexity-metrics", complexity_metrics),
        onex_compliance=onex_compliance,
        onex_node_type=cast("OnexNodeType | None", node),
    )
    with context(invocation).open() as seasoned:
        found = seasoned.log_quality(path_id, file_path, stated=stated, about=about)
    output.emit_json(_quality(found))


def _quality(found: "Measured") -> dict[str, object]:
    artifact, assessment, seen = found.artifact, found.assessment, found.seen
    problems = [f"{each.path}: {each.reason}" for each in seen.problems] if seen is not None else []
    return {
        "success": True,
        "artifact_id": artifact.artifact_id,
        "content_hash": artifact.content_hash,
        "quality_score": artifact.quality_score,
        "onex_compliance_score": artifact.onex_compliance_score,
        "quality_issues": assessment.issues,
        "recommendations": assessment.recommendations,
        "created_at": datetime.now(UTC),
        "basis": found.basis,
        "score_parts": assessment.parts,
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


@application.command("record-failure-pattern")
def record_failure_pattern(
    invocation: typer.Context,
    fingerprint_id: Annotated[str, typer.Option(help="The task that failed.")],
    failure_type: Annotated[str, typer.Option(help="One of the eleven failure types, or auto.")],
    error_message: Annotated[str, typer.Option(help="Text, @file or -.")],
    path_id: Maybe = None,
    correlation_id: Maybe = None,
    error_category: Maybe = None,
    error_stack_trace: Annotated[str | None, typer.Option(help="Text, @file or -.")] = None,
    failed_step: Annotated[str | None, typer.Option(help="Tool or program that failed.")] = None,
    root_cause: Maybe = None,
    contributing_factors: MaybeJson = None,
    resolution: Maybe = None,
    resolution_steps: MaybeList = None,
    time_to_resolve_ms: Count = None,
    prevention_strategy: Maybe = None,
    automated_fix_available: MaybeBoolean = None,
    context_at_failure: Annotated[
        str | None, typer.Option(help="JSON object, @file or -; `command` and `tool` tell failures apart.")
    ] = None,
    as_json: Json = True,  # noqa: ARG001  # always JSON
) -> None:
    """Record a failure, and what helped."""
    from seasoned.model import FailureType
    from seasoned.workers.failure_reports import ReportedFailure

    stack = None if error_stack_trace is None else argument("--error-stack-trace", error_stack_trace)
    report = ReportedFailure(
        fingerprint_id=fingerprint_id,
        failure_type=None
        if failure_type == "auto"
        else cast("FailureType", one_of("--failure-type", failure_type, FailureType)),
        error_message=argument("--error-message", error_message),
        execution_id=path_id,
        correlation_id=correlation_id,
        error_category=error_category,
        error_stack_trace=stack,
        failed_step=failed_step,
        root_cause=root_cause,
        contributing_factors=document("--contributing-factors", contributing_factors),
        resolution=resolution,
        resolution_steps=tuple(documents("--resolution-steps", resolution_steps)),
        time_to_resolve_ms=time_to_resolve_ms,
        prevention_strategy=prevention_strategy,
        automated_fix_available=maybe_boolean("--automated-fix-available", automated_fix_available),
        context_at_failure=document("--context-at-failure", context_at_failure),
    )
    with context(invocation).open() as seasoned:
        found = seasoned.record_failure(report)
    failure = found.failure
    output.emit_json(
        {
            "success": True,
            "failure_id": failure.failure_id,
            "occurrence_count": failure.occurrence_count,
            "similar_failures_found": len(found.similar),
            "automated_fix_available": failure.automated_fix_available,
            "prevention_recommendations": found.recommendations,
            "created_at": failure.last_occurrence_at,
            "signature": failure.signature,
            "failure_type": failure.failure_type,
            "occurrence_id": found.occurrence_id,
            "similar_failures": found.similar[:20],
            "notes": found.notes,
        }
    )


@application.command("record-success-pattern")
def record_success_pattern(
    invocation: typer.Context,
    fingerprint_id: Annotated[str, typer.Option(help="The task that was done.")],
    path_id: Annotated[str, typer.Option(help="The execution that did it.")],
    pattern_name: Text,
    pattern_type: Text,
    recommended_steps: Annotated[str, typer.Option(help="JSON list, @file or -; {name} is a placeholder.")],
    pattern_template: Annotated[str | None, typer.Option(help="Template text, @file or -.")] = None,
    applicability_criteria: MaybeJson = None,
    validation_criteria: MaybeJson = None,
    quality_thresholds: MaybeJson = None,
    required_tools: MaybeNames = None,
    estimated_duration_ms: Count = None,
    applicable_domains: MaybeNames = None,
    technology_requirements: MaybeNames = None,
    create_template: Annotated[str, typer.Option(help="true or false.")] = "false",
    as_json: Json = True,  # noqa: ARG001  # always JSON
) -> None:
    """Record a way that worked, from one execution."""
    from seasoned.model import PatternType
    from seasoned.workers.pattern_reports import ReportedPattern

    name = " ".join(pattern_name.split())
    if not name or len(name) > 200:
        raise UsageError("--pattern-name must have 1 to 200 characters.")
    report = ReportedPattern(
        fingerprint_id=fingerprint_id,
        execution_id=path_id,
        name=name,
        pattern_type=cast("PatternType", one_of("--pattern-type", pattern_type, PatternType)),
        steps=tuple(documents("--recommended-steps", recommended_steps)),
        template=None if pattern_template is None else argument("--pattern-template", pattern_template),
        applicability_criteria=document("--applicability-criteria", applicability_criteria),
        validation_criteria=document("--validation-criteria", validation_criteria),
        quality_thresholds=document("--quality-thresholds", quality_thresholds),
        required_tools=names("--required-tools", required_tools),
        estimated_duration_ms=estimated_duration_ms,
        applicable_domains=names("--applicable-domains", applicable_domains),
        technology_requirements=names("--technology-requirements", technology_requirements),
        create_template=boolean("--create-template", create_template),
    )
    with context(invocation).open() as seasoned:
        found = seasoned.record_pattern(report)
    output.emit_json(
        {
            "success": True,
            "pattern_id": found.pattern.pattern_id,
            "pattern_name": found.pattern.pattern_name,
            "template_created": found.template is not None,
            "template_id": found.template.template_id if found.template is not None else None,
            "applicability_score": found.applicability,
            "estimated_reuse_potential": found.reuse,
            "similar_patterns_found": len(found.similar),
            "created_at": found.pattern.created_at,
            "status": found.pattern.status,
            "review_flags": found.pattern.review_flags,
            "applicability_rests_on": {"nearest_tasks": found.neighbours},
            "reuse_rests_on": {"executions_of_this_shape": found.shape_executions},
            "similar_patterns": found.similar[:20],
            "template_reason": found.template_reason,
        }
    )
