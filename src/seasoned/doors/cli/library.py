"""``seasoned library``: the pattern library as files, in step with a repository, and as skills of coding agents."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context, must_exist
from seasoned.errors import ConflictError, InputError, UsageError

if TYPE_CHECKING:
    from seasoned.library.skills import SkillChange
    from seasoned.library.sync_report import Side

__all__: list[str] = []

library = typer.Typer(help="Patterns as files: sync, publish, import.", no_args_is_help=True, rich_markup_mode=None)
application.add_typer(library, name="library")

Project = Annotated[
    Path, typer.Option("--project", help="Folder of the repository.", file_okay=False, show_default="here")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@library.command("sync")
def sync(
    invocation: typer.Context,
    project: Project = Path(),
    take: Annotated[
        list[str] | None,
        typer.Option(metavar="SIDE=NAME", help="library=NAME or file=NAME: which side of a conflict counts."),
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="What is gone on one side goes on the other.")] = False,
    figures: Annotated[bool, typer.Option("--figures", help="Write counts anew also where nothing changed.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring .agent/patterns and the library in step. An edit makes a version, a move promotes or deprecates."""
    from seasoned.library.sync import sync_folder
    from seasoned.library.sync_report import SyncOptions

    must_exist([project])
    sides = _sides(take or [])
    options = SyncOptions(dry_run=dry_run, delete=delete, take=sides, figures=figures)
    with context(invocation).open() as seasoned:
        report = sync_folder(context(invocation).library(seasoned), project, options)
    if as_json:
        output.emit_json({"changes": report.changes, "unchanged": report.unchanged, "dry_run": report.dry_run})
    else:
        for change in report.changes:
            output.say(_line(change.what, change.path, change.message))
            if change.diff:
                output.say("\n".join(f"    {line}" for line in output.clean(change.diff).splitlines()))
        tried = "Nothing was done (--dry-run); " if dry_run else ""
        output.say(
            f"{tried}{output.counted(len(report.changes), 'change')}, {output.number(report.unchanged)} unchanged."
        )
    raise typer.Exit(report.exit_code)


def _line(what: str, path: str, message: str) -> str:
    placed = message if message.startswith(path) else f"{path}: {message}"
    return output.clean(output.printable(f"{what.replace('_', ' '):<12} {placed}"))


def _sides(given: Sequence[str]) -> "dict[str, Side]":
    found: dict[str, Side] = {}
    for each in given:
        side, equals, name = each.partition("=")
        if side not in {"library", "file"} or not equals or not name:
            raise UsageError(f"--take {each!r}: library=NAME or file=NAME is needed; NAME is a path, name or id.")
        found[name] = cast("Side", side)
    return found


@library.command("publish")
def publish(
    invocation: typer.Context, project: Project = Path(), dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Write active patterns as Agent Skills: .claude/skills/NAME/SKILL.md. Skills of others are left as they are."""
    from seasoned.library.skills import publish_skills

    must_exist([project])
    with context(invocation).open() as seasoned:
        found = publish_skills(context(invocation).library(seasoned), project, dry_run=dry_run)
    _say(found, as_json=as_json, nothing="No active pattern to publish; `seasoned patterns review` shows candidates.")


@library.command("import-skills")
def import_skills(
    invocation: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="SKILL.md files, or folders that hold some.", show_default=False)],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Record skills as candidates. A second import of the same changes nothing; a changed skill is the next version."""
    from seasoned.library.skills import import_skills as import_all

    must_exist(paths)
    with context(invocation).open() as seasoned:
        found = import_all(context(invocation).library(seasoned), paths, dry_run=dry_run)
    _say(found, as_json=as_json, nothing="There is no SKILL.md.")


def _say(found: "Sequence[SkillChange]", *, as_json: bool, nothing: str) -> None:
    if as_json:
        output.emit_json({"skills": found})
    else:
        for each in found:
            output.say(_line(each.what, each.path, each.message))
        if not found:
            output.say(nothing)
    if broken := [each for each in found if each.what == "broken"]:
        only_taken = all(each.error == ConflictError.__name__ for each in broken)
        raise typer.Exit(ConflictError.exit_code if only_taken else InputError.exit_code)
