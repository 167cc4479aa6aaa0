"""``seasoned db``: the store itself."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context
from seasoned.errors import UsageError

__all__: list[str] = []

db = typer.Typer(help="The store: migrate, downgrade, export, import.", no_args_is_help=True, rich_markup_mode=None)
application.add_typer(db, name="db")


@db.command()
def migrate(invocation: typer.Context, as_json: AsJson = False) -> None:
    """Bring the schema up to this version."""
    from seasoned.store.migrate import revision as stored_revision

    # Opening migrates; what is asked for here is done once the store is open.
    with context(invocation).open() as seasoned, seasoned.store.engine.reading() as session:
        revision = stored_revision(session)
    _done({"revision": revision}, f"The schema is at {revision}.", as_json=as_json)


@db.command()
def downgrade(
    invocation: typer.Context,
    revision: Annotated[str, typer.Argument(help="Revision to go back to; `base` removes everything.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take the schema back. What the older one cannot hold is lost."""
    from seasoned.store.migrate import downgrade as downgrade_store
    from seasoned.store.migrations import KNOWN

    if revision not in {"base", *KNOWN}:
        raise UsageError(f"There is no revision {revision!r}; these are: base, {', '.join(sorted(KNOWN))}.")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("A downgrade loses data. `seasoned db export FILE` keeps it; then say --yes.")
        typer.confirm(f"Take the schema back to {revision}? What it cannot hold is lost", abort=True)
    with context(invocation).open() as seasoned:
        downgrade_store(seasoned.store.engine, revision, lose_data=True)
    _done({"revision": revision}, f"The schema is at {revision}.", as_json=as_json)


@db.command("export")
def export(
    invocation: typer.Context,
    file: Annotated[Path, typer.Argument(help="To be written; .gz compresses.")],
    as_json: AsJson = False,
) -> None:
    """Write every row to a file that any store can take in."""
    from seasoned.store.transfer import export_store

    with context(invocation).open() as seasoned:
        rows = export_store(seasoned.store, file)
    _done({"rows": rows, "file": str(file)}, f"{output.counted(sum(rows.values()), 'row')} → {file}", as_json=as_json)


@db.command("import")
def import_(
    invocation: typer.Context,
    file: Annotated[Path, typer.Argument(help="Written by `seasoned db export`.")],
    as_json: AsJson = False,
) -> None:
    """Take in every row of an export; the store must be empty."""
    from seasoned.store.transfer import import_store

    with context(invocation).open() as seasoned:
        rows = import_store(seasoned.store, file)
    _done({"rows": rows, "file": str(file)}, f"{output.counted(sum(rows.values()), 'row')} taken in.", as_json=as_json)


def _done(document: dict[str, object], sentence: str, *, as_json: bool) -> None:
    if as_json:
        output.emit_json(document)
    else:
        output.say(sentence)
