"""``seasoned dead-letters``: events that could not be applied, and another try at them."""

from typing import Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context

__all__: list[str] = []

dead_letters = typer.Typer(
    help="Events that could not be applied: list, redrive.", no_args_is_help=True, rich_markup_mode=None
)
application.add_typer(dead_letters, name="dead-letters")


@dead_letters.command("list")
def list_(
    invocation: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those that were applied later.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what could not be applied, and why."""
    with context(invocation).open() as seasoned:
        letters = [each for each in seasoned.store.dead_letters() if every or each.state == "dead"]
        aside = seasoned.set_aside()
    if as_json:
        output.emit_json({"dead_letters": letters, "spool_files_set_aside": aside})
        return
    if letters:
        output.table(
            ("event", "topic", "tries", "state", "last", "why"),
            [
                (each.event_id, each.topic, str(each.attempts), each.state, output.when(each.last_at), each.error)
                for each in letters
            ],
        )
    else:
        output.say("Every event was applied.")
    if aside:
        output.say(f"{aside} files of the spool hold lines that could not be read; redrive reads them again.")


@dead_letters.command()
def redrive(
    invocation: typer.Context,
    event_ids: Annotated[list[str] | None, typer.Argument(help="Only these; default: all.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Try them again, after an upgrade or a repair. What fails again stays where it is."""
    with context(invocation).open() as seasoned:
        applied = seasoned.redrive(event_ids or None)
        left = sum(each.state == "dead" for each in seasoned.store.dead_letters())
    if as_json:
        output.emit_json({"applied": applied.events, "left": left, "reasons": applied.dead})
        return
    output.say(f"{output.counted(applied.events, 'event')} applied, {output.number(left)} left.")
    for reason in sorted(set(applied.dead)):
        output.say(f"  {output.clean(reason)}")
