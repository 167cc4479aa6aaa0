"""What stands in an agent's settings now, read and never written: which hooks of ours, and what they name.

For whoever asks whether what ``init`` wrote is still in place. A hook that names a script which is gone, or another data
folder than the one that is looked at, tells nobody anything, and no agent says so.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seasoned.agents import files
from seasoned.agents.clients import CLIENTS, Client
from seasoned.agents.doubled import doubled
from seasoned.agents.json_text import read_json
from seasoned.agents.places import Surroundings, Target, targets
from seasoned.agents.records import Record, Records
from seasoned.agents.wanted import hooks_in, idle
from seasoned.errors import InputError

__all__ = ["Standing", "standing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One settings file that has, or should have, hooks of ours."""

    client: Client
    path: Path
    level: str
    """``user``, or the root of the project whose settings these are."""
    written_at: float | None
    """When this data folder wrote its hooks there, in seconds since 1970; None: it knows of none."""
    events: tuple[str, ...]
    """That have a hook of ours, in the agent's own words; empty: none has."""
    missing: tuple[str, ...]
    """That have none, and should."""
    data_dirs: tuple[Path, ...]
    """That the hooks name, each once."""
    idle: tuple[str, ...]
    """What makes the hooks idle, or double, as sentences."""


def standing(surroundings: Surroundings) -> tuple[Standing, ...]:
    """The user's settings of every agent that hold hooks of ours, of this data folder or another, and every file that
    this data folder knows to have written hooks into, those of projects too.

    Raises UnreadableFileError, and InputError with the line for a text that is not what the agent reads.
    """
    found: list[Standing] = []
    records = Records(surroundings.data_dir)
    own = [target for each in CLIENTS for target in targets(each, replace(surroundings, project=None)) if target.hooks]
    for target in own:
        now = _standing(target, "user", records, surroundings)
        if now.written_at is not None or now.events:
            found.append(now)
    known = {target.path for target in own}
    found += [
        _standing(target, str(project), records, surroundings)
        for project, target in _of_projects(records.all(), surroundings)
        if target.path not in known and project.is_dir()  # a project that is gone misses nothing
    ]
    return tuple(found)


def _of_projects(records: Sequence[Record], surroundings: Surroundings) -> list[tuple[Path, Target]]:
    found: list[tuple[Path, Target]] = []
    for record in records:
        path = Path(record.path)
        project = path.parent.parent  # <project>/.claude/settings.local.json, and likewise in the others
        for each in CLIENTS:
            if each.name == record.agent:
                its = targets(each, replace(surroundings, project=project))
                found += [(project, target) for target in its if target.hooks and target.path == path]
    return found


def _standing(target: Target, level: str, records: Records, surroundings: Surroundings) -> Standing:
    state = files.read_state(target.path)
    try:
        value = read_json(state.text, comments=target.syntax != "json")
        held = hooks_in(value)
    except InputError as error:
        raise InputError(f"{target.path}: {error}") from error
    folders = [Path(shlex.split(command)[4]) for commands in held.values() for command in commands]
    wanted = dict.fromkeys(hook.event for hook in target.client.hooks)
    return Standing(
        client=target.client,
        path=target.path,
        level=level,
        written_at=records.written_at(target.path),
        events=tuple(held),
        missing=tuple(event for event in wanted if event not in held),
        data_dirs=tuple(dict.fromkeys(folders)),
        idle=(*idle(value, target), *doubled(target.client, surroundings)) if held else (),
    )
