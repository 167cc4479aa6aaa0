"""``seasoned learn``, ``patterns`` and ``failures``: what the history teaches, and what it rests on."""

import sys
from typing import Annotated, Literal

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.pages import say_learned, show_failure, show_fixes
from seasoned.doors.cli.residing import answered
from seasoned.doors.cli.root import AsJson, application, context
from seasoned.errors import NotFoundError, UsageError
from seasoned.model.ids import short_id

__all__: list[str] = []

patterns = typer.Typer(
    help="What worked: list, show, search, review, promote, …", no_args_is_help=True, rich_markup_mode=None
)
failures = typer.Typer(
    help="What failed and what fixed it: list, show, fix.", no_args_is_help=True, rich_markup_mode=None
)
application.add_typer(patterns, name="patterns")
application.add_typer(failures, name="failures")

_MOST = 1000
Limit = Annotated[int, typer.Option(min=1, max=_MOST, help="At most so many.")]


@application.command()
def learn(
    invocation: typer.Context,
    again: Annotated[bool, typer.Option("--again", help="Even if nothing is new.")] = False,
    approve: Annotated[
        str | None,
        typer.Option(
            metavar="EXECUTION",
            help="First record that the user approves this one: an id, session:ID, or last (in this folder).",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Learn from the recorded history. Patterns, failures with their fixes, hand-overs between agents."""
    with context(invocation).open() as seasoned, output.stage_progress(quiet=as_json) as on_progress:
        approved = None if approve is None else seasoned.approve(approve)
        seasoned.hear_outcomes()
        learned = seasoned.learn(again=again, on_progress=on_progress)
    if as_json:
        output.emit_json(learned if approved is None else {"approved": approved, "learned": learned})
    else:
        if approved is not None:
            output.say(f"Approved: {short_id(approved.execution_id)}  {output.head(approved.prompt, 100)}")
        say_learned(learned)
        if learned.nothing_new:
            output.say("`seasoned learn --again` goes through everything once more; an upgrade may find more in it.")
        else:
            output.say("Next: seasoned patterns list · seasoned failures list · seasoned insights")


@patterns.command("list")
def list_patterns(
    invocation: typer.Context,
    status: Annotated[
        Literal["candidate", "active", "deprecated", "rejected"] | None, typer.Option(help="Only these.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--type", help="workflow, validation_sequence, preference, …")] = None,
    limit: Limit = 30,
    as_json: AsJson = False,
) -> None:
    """List patterns, the surest first."""
    from typing import cast, get_args

    from seasoned.model import PatternType
    from seasoned.store import LibraryQuery

    if kind is not None and kind not in get_args(PatternType):
        raise UsageError(f"There is no pattern type {kind!r}; these are: {', '.join(get_args(PatternType))}.")
    ctx = context(invocation)
    with ctx.open() as seasoned:
        query = LibraryQuery(
            status=(status,) if status else (),
            pattern_type=cast("PatternType | None", kind),
            limit=limit + (not as_json),
        )
        found = ctx.library(seasoned).list_patterns(query)
    if as_json:
        output.emit_json({"patterns": found})
        return
    if not found:
        output.say(
            "No pattern matches; `seasoned patterns list` shows all."
            if status or kind
            else "No patterns yet. `seasoned learn` draws them from the history."
        )
        return
    found, more = found[:limit], len(found) > limit
    output.table(
        ("id", "confidence", "succeeded", "runs", "status", "type", "name"),
        [
            (
                short_id(each.pattern_id),
                "–" if each.confidence_score is None else f"{each.confidence_score:.2f}",
                f"{each.evidence_success_count} of {each.evidence_count}" if each.evidence_count else "unknown",
                str(len(each.execution_ids)),
                each.status,
                each.pattern_type,
                output.head(each.pattern_name, 120),
            )
            for each in found
        ],
        right={1: True, 3: True},
    )
    _next(f"seasoned patterns show {short_id(found[0].pattern_id)}", more=more, limit=limit)


@failures.command("list")
def list_failures(
    invocation: typer.Context,
    resolved: Annotated[
        bool | None, typer.Option("--resolved/--unresolved", help="Only with, or without, a fix.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--type", help="timeout, permission_denied, …")] = None,
    limit: Limit = 30,
    as_json: AsJson = False,
) -> None:
    """List kinds of failure, the most frequent first."""
    from typing import cast, get_args

    from seasoned.model import FailureType
    from seasoned.store import FailureQuery

    if kind is not None and kind not in get_args(FailureType):
        raise UsageError(f"There is no failure type {kind!r}; these are: {', '.join(get_args(FailureType))}.")
    with context(invocation).open() as seasoned:
        found = seasoned.store.failures(
            FailureQuery(
                namespace=seasoned.namespace,
                resolved=resolved,
                failure_type=cast("FailureType | None", kind),
                limit=limit + (not as_json),
            )
        )
    if as_json:
        output.emit_json({"failures": found})
        return
    if not found:
        output.say(
            "No failure matches; `seasoned failures list` shows all."
            if resolved is not None or kind
            else "No failures yet. `seasoned learn` collects them from the history."
        )
        return
    found, more = found[:limit], len(found) > limit
    output.table(
        ("id", "seen", "type", "step", "fix", "signature"),
        [
            (
                each.failure_id[:8],
                str(each.occurrence_count),
                each.failure_type,
                output.head(each.failed_step, 24),
                "shown" if (each.metadata or {}).get("shown") is True else "known" if each.resolution_applied else "–",
                output.head(each.signature, 140),
            )
            for each in found
        ],
        right={1: True},
    )
    output.say("\nfix: shown = offered to agents; known = seen to work, its page says why it is not offered; – = none")
    _next(f"seasoned failures show {found[0].failure_id[:8]}", more=more, limit=limit)


def _next(command: str, *, more: bool, limit: int) -> None:
    output.say(
        f"\n{command}" + (f" · there are more: --limit {min(10 * limit, _MOST)}" if more and limit < _MOST else "")
    )


@failures.command("show")
def show_one_failure(
    invocation: typer.Context,
    failure: Annotated[str, typer.Argument(help="Id, the beginning of one, or the signature.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show one kind of failure. Where it happened, what fixed it and how often that worked."""
    with context(invocation).open() as seasoned:
        found = seasoned.store.failure(seasoned.namespace, failure)
        if found is None:
            raise NotFoundError(f"No failure is called {failure!r}. `seasoned failures list` shows them.")
        resolutions = seasoned.store.resolutions([found.failure_id]).get(found.failure_id, [])
        occurrences = seasoned.store.occurrences(found.failure_id, limit=10)
    if as_json:
        output.emit_json({"failure": found, "resolutions": resolutions, "occurrences": occurrences})
    else:
        show_failure(found, resolutions, occurrences)


@failures.command("fix")
def fix(
    invocation: typer.Context,
    error: Annotated[str, typer.Argument(help="The error's text; - reads standard input.", show_default=False)],
    tool: Annotated[str | None, typer.Option(help="The tool that failed.")] = None,
    command: Annotated[str | None, typer.Option(help="The command line that failed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what fixed this error before. No known fix is an answer too."""
    text = sys.stdin.read() if error == "-" else error
    if not text.strip():
        raise UsageError("The error is empty.")
    from seasoned.answers.fix_answer import ToldFixes, told_fixes

    answer = answered(
        context(invocation),
        "fixes",
        {"error": text, "tool": tool, "command": command},
        ToldFixes,
        lambda seasoned: told_fixes(seasoned, text, tool=tool, command=command),
    )
    if as_json:
        output.emit_json(answer)
    else:
        show_fixes(answer)
