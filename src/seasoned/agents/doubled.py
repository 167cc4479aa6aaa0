"""Whether an agent has Seasoned's plugin as well: then each event would be told twice, once by either.

Nothing is recorded twice for that, but each hook costs a process, and an agent may be told the same thing again. Read
only, and only what says it: a file that cannot be read here is refused where it is to be written.
"""

from collections.abc import Callable
from pathlib import Path
from typing import cast

from seasoned.agents import files
from seasoned.agents.clients import Client
from seasoned.agents.entries import SERVER
from seasoned.agents.json_text import read_json
from seasoned.agents.places import Surroundings, user_folder
from seasoned.agents.toml_text import read_toml
from seasoned.errors import InputError

__all__ = ["doubled"]


def doubled(client: Client, surroundings: Surroundings) -> tuple[str, ...]:
    """One sentence for each plugin of ours that is on in this agent. Raises UnreadableFileError, InputError."""
    folder = user_folder(client, surroundings)
    match client.name:
        case "claude-code":
            places = [folder / "settings.json"]
            if surroundings.project is not None:
                below = surroundings.project / client.folder
                places += [below / "settings.json", below / "settings.local.json"]
            tables = [(place, _table(_read(place, _json), "enabledPlugins")) for place in places]
            found = [(name, place) for place, table in tables for name, on in table.items() if on]
            remedy = "claude plugin uninstall {}"
        case "codex":
            place = folder / "config.toml"
            table = _table(_read(place, read_toml), "plugins")
            found = [(name, place) for name, entry in table.items() if _table({name: entry}, name).get("enabled", True)]
            remedy = "codex plugin remove {}"
        case "gemini":
            place = folder / "extensions" / SERVER
            found = [(f"{SERVER}@{SERVER}", place)] if place.is_dir() else []
            remedy = f"gemini extensions uninstall {SERVER}"
    return tuple(
        f"{client.title} has Seasoned as a plugin as well ({place}): what happens is told twice. Keep one: "
        f"`{remedy.format(name)}`, or leave {client.title} out here."
        for name, place in found
        if name.startswith(f"{SERVER}@")
    )


def _read(place: Path, reader: Callable[[str], object]) -> object:
    text = files.read_state(place).text
    try:
        return reader(text)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error


def _json(text: str) -> object:
    return read_json(text, comments=False)


def _table(value: object, name: str) -> dict[str, object]:
    held = cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None
    return cast("dict[str, object]", held) if isinstance(held, dict) else {}
