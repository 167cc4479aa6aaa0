"""Commands for agents: exact argument names, JSON in and out."""

from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.arguments import boolean, documents, names
from seasoned.doors.cli.root import application, context
from seasoned.errors import UsageError

if TYPE_CHECKING:
    from seasoned.advise import Recommendation, Recommended
    from seasoned.model import Match, TaskType, Template

__all__: list[str] = []

Text = Annotated[str, typer.Option()]
Maybe = Annotated[str | None, typer.Option()]


@application.command("capture-task-execution")
def capture_task_execution(
    invocation: typer.Context,
    prompt: Text,
    task_type: Text,
    domain: Text,
    agent: Text,
    success: Annotated[str, typer.Option(help="true or false.")],
    quality_score: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    duration_ms: Annotated[int | None, typer.Option(min=0)] = None,
    steps_json: Annotated[str | None, typer.Option(help="JSON list, @file or - for standard input.")] = None,
    correlation_id: Maybe = None,
    execution_id: Maybe = None,
    artifacts: Annotated[str | None, typer.Option(help="JSON list, @file or -.")] = None,
    user_acceptance: Maybe = None,
    complexity_score: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    agent_chain: Annotated[str | None, typer.Option(help="JSON list, or names with commas.")] = None,
    tools_used: Annotated[str | None, typer.Option(help="JSON list, or names with commas.")] = None,
    file_patterns: Annotated[str | None, typer.Option(help="JSON list, or patterns with commas.")] = None,
    technology_stack: Annotated[str | None, typer.Option(help="JSON list, or names with commas.")] = None,
    auto_detect: Annotated[
        bool, typer.Option("--auto-detect", help="Waive what Seasoned can find for itself.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", hidden=True)] = True,  # noqa: ARG001  # always JSON
) -> None:
    """Record one finished execution."""
    from seasoned.capture.record import described_execution
    from seasoned.learn.fingerprint import fingerprint

    lacking = [
        name
        for name, value in (
            ("--quality-score", quality_score),
            ("--duration-ms", duration_ms),
            ("--steps-json", steps_json),
        )
        if value is None
    ]
    if lacking and not auto_detect:
        raise UsageError(f"Missing: {', '.join(lacking)}. --auto-detect waives what Seasoned can find for itself.")
    succeeded = boolean("--success", success)
    _task_type(task_type)
    with context(invocation).open() as seasoned:
        update = described_execution(
            namespace=seasoned.namespace,
            prompt=prompt,
            agent=agent,
            success=succeeded,
            quality_score=quality_score,
            duration_ms=duration_ms,
            steps=documents("--steps-json", steps_json),
            artifacts=documents("--artifacts", artifacts),
            correlation_id=correlation_id,
            execution_id=execution_id,
            user_acceptance=None if user_acceptance is None else boolean("--user-acceptance", user_acceptance),
            agent_chain=names("--agent-chain", agent_chain),
            technology_stack=names("--technology-stack", technology_stack),
            context={
                key: value
                for key, value in (
                    ("task_type", None if task_type == "auto" else task_type),
                    ("domain", None if domain == "auto" else domain),
                    ("complexity_score", complexity_score),
                    ("tools_used", list(names("--tools-used", tools_used)) or None),
                    ("file_patterns", list(names("--file-patterns", file_patterns)) or None),
                )
                if value is not None
            },
        )
        before = seasoned.similar(prompt, task_type=task_type, domain=domain, semantic=False)
        known = seasoned.recommended(before.matches)
        trace = seasoned.record(update)
        print_ = fingerprint(trace.prompt or "", seasoned.namespace)
    output.emit_json(
        {
            "success": True,
            "fingerprint_id": print_.fingerprint_id,
            "fingerprint_hash": print_.task_hash,
            "path_id": trace.execution_id,
            "artifacts_created": len(update.artifacts),
            "similar_tasks_found": len(before.matches),
            "pattern_candidates": [_pattern(each) for each in known.patterns if each.pattern.status == "candidate"],
            "created_at": trace.completed_at,
        }
    )


@application.command("check-similar-tasks")
def check_similar_tasks(
    invocation: typer.Context,
    prompt: Text,
    task_type: Text = "auto",
    domain: Text = "auto",
    min_similarity: Annotated[float, typer.Option(min=0, max=1)] = 0.7,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 5,
    min_quality_score: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    min_success_rate: Annotated[float | None, typer.Option(min=0, max=100, help="Percent.")] = None,
    technologies: Annotated[str | None, typer.Option(help="JSON list, or names with commas.")] = None,
    semantic: Annotated[bool, typer.Option("--semantic/--no-semantic", help="Use the embedding model.")] = True,
    as_json: Annotated[bool, typer.Option("--json", hidden=True)] = True,  # noqa: ARG001  # always JSON
) -> None:
    """Ask whether something like this was done before."""
    from seasoned.learn.fingerprint import fingerprint

    for option, value in (
        ("--min-similarity", min_similarity),
        ("--min-quality-score", min_quality_score),
        ("--min-success-rate", min_success_rate),
    ):
        if value is not None and value != value:  # noqa: PLR0124  # NaN passes every bound
            raise UsageError(f"{option} is no number.")
    wanted = {each.casefold() for each in names("--technologies", technologies)}
    kind = _task_type(task_type)
    with context(invocation).open() as seasoned:
        answer = seasoned.similar(
            prompt, task_type=task_type, domain=domain, limit=100, min_score=min_similarity, semantic=semantic
        )
        query = fingerprint(prompt, seasoned.namespace, task_type=kind, domain=domain)
        fit = [
            match
            for match in answer.matches
            if (min_quality_score is None or (match.stats.avg_quality_score or 0) >= min_quality_score)
            and (min_success_rate is None or (_success_percent(match) or 0) >= min_success_rate)
            and (not wanted or not wanted.isdisjoint(map(str.casefold, match.fingerprint.technology_stack)))
        ]
        learned = seasoned.recommended(fit)
    kept = fit[:limit]
    output.emit_json(
        {
            "success": True,
            "query_fingerprint": {
                "fingerprint_id": query.fingerprint_id,
                "fingerprint_hash": query.task_hash,
                "task_type": query.task_type,
                "domain": query.domain,
                "keywords": query.prompt_tokens,
            },
            "matches_found": len(kept),
            "matches": [_match(match, learned) for match in kept],
            "recommended_patterns": [_pattern(each) for each in learned.patterns],
            "available_templates": [_template(each) for each in learned.templates],
            "semantic": answer.embedded is not None,
            "searched": answer.searched,
            "reason": answer.reason,
            "latency_ms": round(answer.latency_ms, 3),
        }
    )


def _task_type(value: str) -> "TaskType | Literal['auto']":
    from seasoned.model import TaskType

    for known in ("auto", *get_args(TaskType)):
        if value == known:
            return known
    raise UsageError(f"--task-type {value!r}: allowed are auto, {', '.join(get_args(TaskType))}.")


def _pattern(found: "Recommendation") -> dict[str, object]:
    pattern = found.pattern
    return {
        "pattern_id": pattern.pattern_id,
        "pattern_name": pattern.pattern_name,
        "pattern_type": pattern.pattern_type,
        "success_rate": None if pattern.success_rate is None else round(100 * pattern.success_rate, 1),
        "reuse_count": pattern.usage_count,
        "applicability_score": found.applicability,
        "status": pattern.status,
        "confidence": pattern.confidence_score,
        "executions": len(pattern.execution_ids),
        "known_outcomes": pattern.evidence_count,
        "successes": pattern.evidence_success_count,
        "review_flags": pattern.review_flags,
        "steps": [step.action for step in pattern.recommended_steps],
        "fingerprint_id": pattern.fingerprint_id,
    }


def _template(template: "Template") -> dict[str, object]:
    return {
        "template_id": template.template_id,
        "template_name": template.template_name,
        "category": template.category,
        "usage_count": template.usage_count,
        "avg_quality_score": template.avg_quality_score,
        "quality_score": template.quality_score,
        "pattern_id": template.derived_from_pattern_id,
    }


def _match(match: "Match", learned: "Recommended") -> dict[str, object]:
    fingerprint, stats = match.fingerprint, match.stats
    own = next((each.pattern.pattern_id for each in learned.patterns if each.match is match), None)
    made = next((each.template_id for each in learned.templates if each.derived_from_pattern_id == own), None)
    return {
        "fingerprint_id": fingerprint.fingerprint_id,
        "similarity_score": round(match.score, 4),
        "original_prompt": fingerprint.original_prompt,
        "task_type": fingerprint.task_type,
        "domain": fingerprint.domain,
        "success_rate": _success_percent(match),
        "avg_quality_score": stats.avg_quality_score,
        "avg_execution_time_ms": stats.avg_execution_time_ms,
        "execution_count": stats.execution_count,
        "recommended_pattern_id": own,
        "pattern_template_id": made if own is not None else None,
        "estimated_time_saving_pct": None,
        "kind": match.kind,
        "known_outcomes": stats.success_count + stats.failure_count,
        "terms": match.terms,
        "shared_keywords": match.shared_keywords,
        "executions": [trace.execution_id for trace in match.executions],
    }


def _success_percent(match: "Match") -> float | None:
    known = match.stats.success_count + match.stats.failure_count
    return round(100 * match.stats.success_count / known, 1) if known else None
