"""``seasoned doctor``: does it work, did it work, and is what it keeps sound.

Invariant: it says what it can. Where the store cannot be opened, or refuses, that is a finding like the others.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context
from seasoned.errors import EmbedderError, InputError, SeasonedError, StoreError

if TYPE_CHECKING:
    from seasoned.agents import Standing
    from seasoned.app import Seasoned
    from seasoned.doors.cli.checkup import Checked
    from seasoned.doors.cli.self_test import Stage
    from seasoned.doors.cli.stages import StageRow

__all__: list[str] = []


@application.command()
def doctor(
    invocation: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Set right the counters that are off.")] = False,
    self_test: Annotated[
        bool, typer.Option("--self-test/--no-self-test", help="Send a made-up task through every stage (2 s).")
    ] = True,
    hours: Annotated[int, typer.Option(min=1, max=720, help="How far back the real work is looked at.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Check everything. A task sent through every stage, the stages of the last day, the store, its counters and indexes."""
    from seasoned.app import Seasoned
    from seasoned.doors.cli.self_test import SelfTest, hook_script, settings_in

    loaded = context(invocation).load()
    tested: list[Stage] = []
    if self_test:
        script = hook_script(loaded.data_dir)
        tested = SelfTest(lambda folder: Seasoned(settings_in(loaded, folder)), script=script).run()
    # Not as a context manager: what waits in inbox and spool is looked at before it is taken in.
    seasoned = context(invocation).open()
    try:
        stages = _stages(seasoned, hours)
        checks = _checks(seasoned, repair=repair)
    finally:
        seasoned.close()
    healthy = all(each.healthy for each in (*tested, *stages, *checks))
    if as_json:
        output.emit_json({"healthy": healthy, "self_test": tested, "stages": stages, "checks": checks})
    else:
        _show(tested, stages, checks, hours)
    if not healthy:
        raise typer.Exit(1)


def _stages(seasoned: "Seasoned", hours: int) -> "list[StageRow]":
    """The real work, stage by stage."""
    from seasoned.doors.cli.incoming import came_in, waits
    from seasoned.doors.cli.outside import hooks_row, hooks_standing, service_row
    from seasoned.doors.cli.stages import StageRow, stage_rows
    from seasoned.store.stages import stage_counts

    now = datetime.now(UTC)
    since = now - timedelta(hours=hours)
    standing: tuple[Standing, ...] | InputError
    try:
        standing = hooks_standing(seasoned.data_dir)
    except InputError as error:
        standing = error
    rows = [hooks_row(standing, seasoned.data_dir), service_row(seasoned.loaded)]
    try:
        counts = stage_counts(seasoned.store, seasoned.namespace, since, seasoned.embedding_model)
        rows.append(came_in(seasoned, counts.events, since=since, now=now, standing=standing))
        rows += stage_rows(seasoned, counts, since=since, now=now, waiting=waits(seasoned.data_dir))
    except (StoreError, EmbedderError) as error:
        rows.append(StageRow(name="store", healthy=False, came="", detail=str(error)))
    return rows


def _checks(seasoned: "Seasoned", *, repair: bool) -> "list[Checked]":
    """What is kept, once what waited is taken in."""
    from seasoned.doors.cli.checkup import Checked, checkup

    checks: list[Checked] = []
    try:
        seasoned.drain_spool()
    except SeasonedError as error:
        checks.append(Checked(name="taking in", healthy=False, detail=str(error)))
    try:
        checks += checkup(seasoned, repair=repair)
    except SeasonedError as error:
        checks.append(Checked(name="database", healthy=False, detail=str(error)))
    return checks


def _show(tested: "list[Stage]", stages: "list[StageRow]", checks: "list[Checked]", hours: int) -> None:
    if tested:
        output.say("A made-up task through every stage, in a folder of its own:")
        output.table(("", "stage", "found"), [(_mark(each.healthy), each.name, each.detail) for each in tested])
        output.say("")
    output.say(f"The real work of the last {hours} hours:")
    rows = [(_mark(each.healthy), each.name, each.came, each.detail) for each in stages]
    output.table(("", "stage", "out of", "found"), rows)
    output.say("")
    output.say("What is kept:")
    output.table(("", "check", "found"), [(_mark(each.healthy), each.name, each.detail) for each in checks])
    wrong = [each.name for each in (*tested, *stages, *checks) if not each.healthy]
    output.say("")
    output.say(f"Not well: {', '.join(wrong)}." if wrong else "All is well.")


def _mark(healthy: bool) -> str:
    return "✓" if healthy else "✗"
