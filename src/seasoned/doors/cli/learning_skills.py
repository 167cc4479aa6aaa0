"""Commands for agents that say what they learned: code quality, failures, ways that worked. Exact argument names, JSON
out. What they answer is made by ``answers``."""

from typing import Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.arguments import (
    argument,
    boolean,
    document,
    documents,
    maybe_argument,
    maybe_boolean,
    names,
)
from seasoned.doors.cli.root import application, context

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
    from seasoned import answers

    given = answers.checked(
        answers.LogCodeQuality,
        {
            "path_id": path_id,
            "file_path": file_path,
            "artifact_type": artifact_type,
            "language": language,
            "quality_score": quality_score,
            "onex_compliance": onex_compliance,
            "complexity_metrics": document("--complexity-metrics", complexity_metrics),
            "lines_added": lines_added,
            "lines_modified": lines_modified,
            "lines_deleted": lines_deleted,
            "test_coverage": test_coverage,
            "tests_passed": tests_passed,
            "tests_failed": tests_failed,
            "lint_passed": maybe_boolean("--lint-passed", lint_passed),
            "type_check_passed": maybe_boolean("--type-check-passed", type_check_passed),
            "security_scan_passed": maybe_boolean("--security-scan-passed", security_scan_passed),
            "onex_node_type": None if onex_node_type is None else onex_node_type.capitalize(),
        },
    )
    with context(invocation).open() as seasoned:
        answer = answers.log_code_quality(seasoned, given)
    output.emit_json(answer)


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
    from seasoned import answers

    given = answers.checked(
        answers.RecordFailurePattern,
        {
            "fingerprint_id": fingerprint_id,
            "failure_type": failure_type,
            "error_message": argument("--error-message", error_message),
            "path_id": path_id,
            "correlation_id": correlation_id,
            "error_category": error_category,
            "error_stack_trace": maybe_argument("--error-stack-trace", error_stack_trace),
            "failed_step": failed_step,
            "root_cause": root_cause,
            "contributing_factors": document("--contributing-factors", contributing_factors),
            "resolution": resolution,
            "resolution_steps": documents("--resolution-steps", resolution_steps),
            "time_to_resolve_ms": time_to_resolve_ms,
            "prevention_strategy": prevention_strategy,
            "automated_fix_available": maybe_boolean("--automated-fix-available", automated_fix_available),
            "context_at_failure": document("--context-at-failure", context_at_failure),
        },
    )
    with context(invocation).open() as seasoned:
        answer = answers.record_failure_pattern(seasoned, given)
    output.emit_json(answer)


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
    from seasoned import answers

    given = answers.checked(
        answers.RecordSuccessPattern,
        {
            "fingerprint_id": fingerprint_id,
            "path_id": path_id,
            "pattern_name": pattern_name,
            "pattern_type": pattern_type,
            "recommended_steps": documents("--recommended-steps", recommended_steps),
            "pattern_template": maybe_argument("--pattern-template", pattern_template),
            "applicability_criteria": document("--applicability-criteria", applicability_criteria),
            "validation_criteria": document("--validation-criteria", validation_criteria),
            "quality_thresholds": document("--quality-thresholds", quality_thresholds),
            "required_tools": names("--required-tools", required_tools),
            "estimated_duration_ms": estimated_duration_ms,
            "applicable_domains": names("--applicable-domains", applicable_domains),
            "technology_requirements": names("--technology-requirements", technology_requirements),
            "create_template": boolean("--create-template", create_template),
        },
    )
    with context(invocation).open() as seasoned:
        answer = answers.record_success_pattern(seasoned, given)
    output.emit_json(answer)
