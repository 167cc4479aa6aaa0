"""``seasoned init``: Seasoned into the agents' settings, and out of them again.

What would change is shown as a difference before anything does. An agent's settings hold keys and tokens, and what this
command prints may be read by an agent: the difference is shown redacted.
"""

import os
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.outside import as_written
from seasoned.doors.cli.root import AsJson, Context, application, context
from seasoned.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seasoned.agents import Change, Found, Surroundings

__all__: list[str] = []

_MODE = "suggest"
_UNDO = "seasoned init --remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One settings file in the answer."""

    path: str
    target: str
    """Behind all links."""
    action: str
    """create, change, delete, or none."""
    diff: str
    """Unified; redacted."""
    attention: tuple[str, ...]
    """Settings of the user's own that matter here, and were left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agent:
    """One agent in the answer."""

    name: str
    found: str | None
    """By which folder or program; None: it is not on this machine."""
    chosen: bool
    """Whether this call is about it."""
    files: tuple[_File, ...]
    gives: tuple[str, ...]
    cannot: tuple[str, ...]
    next_steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What was, or would be, done."""

    level: str
    """user, or the project's root."""
    removing: bool
    applied: bool
    agents: tuple[_Agent, ...]
    scripts: tuple[str, ...]
    """Hook scripts that were written into the data folder."""
    mode: str
    undo: str
    elsewhere: tuple[str, ...]
    """Settings files at other levels that hold entries of ours."""


@application.command()
def init(
    invocation: typer.Context,
    agent: Annotated[
        list[str] | None,
        typer.Option("--agent", help="claude-code, codex or gemini; all that are found.", show_default=False),
    ] = None,
    project: Annotated[
        bool, typer.Option("--project", help="This project's settings, instead of your own for all projects.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take it out again.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put Seasoned into the agents on this machine. Shows each change to their settings, and asks."""
    from seasoned import agents

    asked = context(invocation)
    surroundings = _surroundings(asked, project=project)
    found = agents.find(surroundings)
    chosen = _chosen(found, agent or [], remove=remove)
    records = agents.Records(surroundings.data_dir)
    wanted = [target for each in chosen for target in agents.targets(each.client, surroundings)]
    changes = [
        agents.plan_out(target, records) if remove else agents.plan_in(target, surroundings, records)
        for target in wanted
    ]
    changing = any(change.action != "none" for change in changes)
    shown = [_shown(change) for change in changes]
    if not as_json:
        _show_plan(chosen, found, shown)
    applied = False
    scripts: tuple[Path, ...] = ()
    if not dry_run:
        if changing and not yes:
            _confirm(changes, remove=remove, as_json=as_json)
        if not remove and changes:
            scripts = _write_own(surroundings)
        agents.apply(changes, records)
        applied = changing or bool(scripts)
    here = {str(change.target.path) for change in changes}
    others = [record.path for record in records.all() if record.path not in here]
    elsewhere = tuple(path for path in others if os.path.lexists(path))
    answer = _Answer(
        level="user" if surroundings.project is None else str(surroundings.project),
        removing=remove,
        applied=applied,
        agents=tuple(_told(each, changes, shown, chosen=each in chosen, in_project=project) for each in found),
        scripts=tuple(str(path) for path in scripts),
        mode=_MODE,
        undo=_UNDO + (" --project" if project else ""),
        elsewhere=elsewhere,
    )
    if as_json:
        output.emit_json(answer)
    else:
        _show_end(answer, chosen, changing=changing, dry_run=dry_run)


def _surroundings(asked: Context, *, project: bool) -> "Surroundings":
    from seasoned.agents import Surroundings

    given = [name for name in ("store.url", "namespace") if asked.flags.get(name) is not None]
    if given:
        flag = {"store.url": "--database-url", "namespace": "--namespace"}[given[0]]
        raise UsageError(f"{flag} would not reach the hooks: set it in the data folder's or your seasoned.toml.")
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  without HOME: that of the account, as the agents do
    root = _project_root(Path.cwd(), home) if project else None
    beside = Path(sys.executable).with_name("seasoned")
    safe = (sys.executable, "-P", "-c", "from seasoned.doors.cli import main; main()")
    program = (str(beside),) if os.access(beside, os.X_OK) else safe
    where = as_written(asked.load().data_dir)
    return Surroundings(home=home, environment=dict(os.environ), data_dir=where, program=program, project=root)


def _project_root(working: Path, home: Path) -> Path:
    """The root of the repository, where the agents look; else the working folder."""
    root = next((folder for folder in (working, *working.parents) if (folder / ".git").exists()), working)
    if root == home or home.is_relative_to(root):
        raise UsageError(f"{root} is no project: its settings are your own. Leave --project out, or go to a project.")
    return root


def _chosen(found: "Sequence[Found]", names: list[str], *, remove: bool) -> "list[Found]":
    known = [each.client.name for each in found]
    names = [name.replace("_", "-") for name in names]  # as `advice` and records write them
    for name in names:
        if name not in known:
            raise UsageError(f"--agent {name}: allowed are {', '.join(known)}.")
    chosen = [each for each in found if each.client.name in names] if names else list(found)
    if not names and not remove:
        chosen = [each for each in chosen if each.evidence is not None]
        if not chosen:
            looked = ", ".join(f"{each.folder} and `{each.client.program}`" for each in found)
            raise NotFoundError(
                f"No agent was found: looked for {looked}. --agent NAME writes its settings all the same."
            )
    return chosen


def _shown(change: "Change") -> _File:
    from seasoned.agents import unified_diff

    before = (change.state.data or b"").decode("utf-8-sig")
    after = (change.after or b"").decode("utf-8-sig")
    path = str(change.target.path)
    old = "/dev/null" if change.state.data is None else path
    diff = unified_diff(before, after, old_name=old, new_name="/dev/null" if change.after is None else path)
    return _File(
        path=path,
        target=str(change.state.target),
        action=change.action,
        diff=_redacted(diff),
        attention=change.attention,
    )


def _redacted(diff: str) -> str:
    """The difference without the secrets that stand beside what changes."""
    from seasoned.capture.redact import Redactor

    redactor = Redactor(os.urandom(32))  # placeholders that nothing else is compared with
    return "\n".join(row if row.startswith("@@") else redactor.text(row) for row in diff.split("\n"))


def _confirm(changes: "Sequence[Change]", *, remove: bool, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise UsageError("Nothing can be asked here. --dry-run shows what would change; then say --yes.")
    due = [change for change in changes if change.action != "none"]
    output.say()
    for change in due:  # the differences may be longer than the screen
        output.say(f"{change.action:<6} {output.clean(output.printable(str(change.target.path)))}")
    question = "Take it out of" if remove else "Write"
    typer.confirm(f"{question} {output.counted(len(due), 'file')}?", abort=True)


def _write_own(surroundings: "Surroundings") -> tuple[Path, ...]:
    """What the entries refer to: the scripts, and how the service is started. It stands before the entries do."""
    from seasoned.agents import SCRIPTS, write_scripts
    from seasoned.resident import Place, write_start

    # By path, not by import: a door knows no other.
    door = resources.files("seasoned") / "doors" / "hooks"
    scripts = write_scripts(surroundings.data_dir, {name: (door / name).read_bytes() for name in SCRIPTS})
    write_start(Place(data_dir=surroundings.data_dir))
    return scripts


def _told(
    each: "Found", changes: "Sequence[Change]", shown: "Sequence[_File]", *, chosen: bool, in_project: bool
) -> _Agent:
    its = [file for change, file in zip(changes, shown, strict=True) if change.target.client == each.client]
    client = each.client
    return _Agent(
        name=client.name,
        found=each.evidence,
        chosen=chosen,
        files=tuple(its),
        gives=client.gives,
        cannot=client.cannot,
        next_steps=client.next_steps + (client.project_steps if in_project else ()),
    )


def _show_plan(chosen: "Sequence[Found]", found: "Sequence[Found]", shown: "Sequence[_File]") -> None:
    for each in found:
        state = each.evidence or f"not found (neither {each.folder} nor the program `{each.client.program}`)"
        output.say(
            f"{each.client.title}: {output.clean(output.printable(state))}{'' if each in chosen else ' – left out'}"
        )
    for file in shown:
        if file.diff:
            behind = "" if file.target == file.path else f" (a link to {file.target})"
            output.say(f"\n{output.clean(output.printable(file.path + behind))}")
            output.say(output.clean(output.printable(file.diff.replace("\r\n", "\n"))).rstrip("\n"))
    for note in (note for file in shown for note in file.attention):
        output.say(f"\nNote: {output.clean(output.printable(note))}")


def _show_end(answer: _Answer, chosen: "Sequence[Found]", *, changing: bool, dry_run: bool) -> None:
    output.say()
    if dry_run:
        output.say("Nothing was changed." if changing else "Nothing to do.")
        return
    if answer.removing:
        output.say("Taken out." if changing else "Nothing to do: no entry of Seasoned stands there.")
        if changing:
            output.say("Sessions that are open now go on with what they were started with.")
            output.say("What was recorded and learned stays; `seasoned forget` takes that out.")
        _show_elsewhere(answer)
        return
    output.say("Done." if changing else "Nothing to do: everything stands as it should.")
    if not changing:
        return
    titles: dict[str, str] = {each.client.name: each.client.title for each in chosen}
    for agent in (each for each in answer.agents if each.chosen):
        output.say(f"\n{titles[agent.name]}")
        for text in agent.gives:
            output.say(f"  + {text}")
        for text in agent.cannot:
            output.say(f"  – {text}")
        for text in agent.next_steps:
            output.say(f"  → {text}")
    output.say(
        f"\nMode: {answer.mode}, unless you chose another: agents are told what is known and are free to ignore it."
    )
    output.say(f"To undo: {answer.undo}")
    _show_elsewhere(answer)


def _show_elsewhere(answer: _Answer) -> None:
    for path in answer.elsewhere:
        shown = output.clean(output.printable(path))
        output.say(f"Also in: {shown} (another level or folder, so it is left as it is)")
