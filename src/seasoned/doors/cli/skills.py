"""Commands for agents: exact argument names, JSON in and out. What they answer is made by ``answers``."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.arguments import boolean, documents, maybe_boolean, names
from seasoned.doors.cli.residing import answered
from seasoned.doors.cli.root import application, context

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
    from msgspec.structs import replace

    from seasoned import answers
    from seasoned.model.ids import new_id

    given = answers.checked(
        answers.CaptureTaskExecution,
        {
            "prompt": prompt,
            "task_type": task_type,
            "domain": domain,
            "agent": agent,
            "success": boolean("--success", success),
            "quality_score": quality_score,
            "duration_ms": duration_ms,
            "steps_json": None if steps_json is None else documents("--steps-json", steps_json),
            "correlation_id": correlation_id,
            "execution_id": execution_id,
            "artifacts": documents("--artifacts", artifacts),
            "user_acceptance": maybe_boolean("--user-acceptance", user_acceptance),
            "complexity_score": complexity_score,
            "agent_chain": names("--agent-chain", agent_chain),
            "tools_used": names("--tools-used", tools_used),
            "file_patterns": names("--file-patterns", file_patterns),
            "technology_stack": names("--technology-stack", technology_stack),
            "auto_detect": auto_detect,
        },
    )
    # Named before it is sent, so that it is one execution also where the service records it and cannot say so.
    named = given if given.execution_id else replace(given, execution_id=new_id(datetime.now(UTC)))
    answer = answered(
        context(invocation), "capture", named, object, lambda seasoned: answers.capture_task_execution(seasoned, named)
    )
    output.emit_json(answer)


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
    knowledge: Annotated[
        bool, typer.Option("--knowledge/--no-knowledge", help="Ask the configured knowledge base too.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", hidden=True)] = True,  # noqa: ARG001  # always JSON
) -> None:
    """Ask whether something like this was done before."""
    from seasoned import answers

    given = answers.checked(
        answers.CheckSimilarTasks,
        {
            "prompt": prompt,
            "task_type": task_type,
            "domain": domain,
            "min_similarity": min_similarity,
            "limit": limit,
            "min_quality_score": min_quality_score,
            "min_success_rate": min_success_rate,
            "technologies": names("--technologies", technologies),
            "semantic": semantic,
            "knowledge": knowledge,
        },
    )
    answer = answered(
        context(invocation), "similar", given, object, lambda seasoned: answers.check_similar_tasks(seasoned, given)
    )
    output.emit_json(answer)
