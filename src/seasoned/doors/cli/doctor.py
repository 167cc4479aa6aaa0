"""``seasoned doctor``: does it work, did it work, and is what it keeps sound."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context

if TYPE_CHECKING:
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
    from seasoned.doors.cli.checkup import checkup
    from seasoned.doors.cli.self_test import SelfTest, hook_script, settings_in
    from seasoned.doors.cli.stages import stage_rows

    loaded = context(invocation).load()
    tested: list[Stage] = []
    if self_test:
        script = hook_script(loaded.data_dir)
        tested = SelfTest(lambda folder: Seasoned(settings_in(loaded, folder)), script=script).run()
    # Not as a context manager: what waits in inbox and spool is looked at before it is taken in.
    seasoned = context(invocation).open()
    try:
        stages = stage_rows(seasoned, now=datetime.now(UTC), hours=hours, installed=_installed(seasoned))
        seasoned.drain_spool()
        checks = checkup(seasoned, repair=repair)
    finally:
        seasoned.close()
    healthy = all(each.healthy for each in (*tested, *stages, *checks))
    if as_json:
        output.emit_json({"healthy": healthy, "self_test": tested, "stages": stages, "checks": checks})
    else:
        _show(tested, stages, checks, hours)
    if not healthy:
        raise typer.Exit(1)


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


def _installed(seasoned: "Seasoned") -> list[tuple[str, Path, str]]:
    """Agents into whose settings ``seasoned init`` has put our hooks: (source, folder, glob of its transcripts)."""
    from seasoned.agents import Records, client
    from seasoned.capture.discover import HOMES

    found: dict[str, tuple[str, Path, str]] = {}
    for record in Records(seasoned.data_dir).all():
        agent = client(record.agent)
        if agent is None:
            continue
        for source, _, variables, default, pattern in HOMES:
            if source == agent.source:
                moved = next((os.environ[name] for name in variables if os.environ.get(name)), None)
                found[source] = source, Path(moved) if moved else Path.home() / default, pattern
    return list(found.values())
