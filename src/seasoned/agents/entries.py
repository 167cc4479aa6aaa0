"""What Seasoned writes into an agent's settings, and how it knows its own again.

A hook's command is ``sh '<data>/hooks/hook.sh' SOURCE ask|- '<data>' || :``. It names the data folder twice, which nobody
else's command does, so an entry of ours is known by its command alone, whatever version wrote it, and needs no mark
that a client with strict settings might refuse. Where the data folder was removed a shell ends with 2, by which agents
are told to stop what they were about to do: hence ``|| :``. The command holds nothing that changes from version to version: Codex
asks the user to trust a hook again when any of its text changes.
"""

import re
import shlex
from pathlib import Path
from typing import Literal, cast

from seasoned.errors import UsageError

__all__ = ["SERVER", "Source", "hook_command", "is_our_hook", "is_our_server", "server_arguments"]

Source = Literal["claude_code", "codex", "gemini"]
"""Whose hooks they are: the word that the hook script is given."""

SERVER = "seasoned"
"""The name of the MCP server in every client's settings."""
_SCRIPT = "hooks/hook.sh"


def hook_command(source: Source, *, asks: bool, data_dir: Path) -> str:
    """The command of one hook, quoted for a POSIX shell. Raises UsageError for a path that no settings file can hold."""
    folder = _written(data_dir)
    return f"sh {_quoted(f'{folder}/{_SCRIPT}')} {source} {'ask' if asks else '-'} {_quoted(folder)} || :"


def is_our_hook(handler: object) -> bool:
    """Whether a hook's entry is one of ours, from this data folder or another."""
    command = _member(handler, "command")
    if not isinstance(command, str) or _SCRIPT not in command:
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    match words:
        case ["sh", script, "claude_code" | "codex" | "gemini", "ask" | "-", folder, *rest] if rest in (
            [],
            ["||", ":"],
        ):
            return script == f"{folder}/{_SCRIPT}"
        case _:
            return False


def server_arguments(data_dir: Path) -> tuple[str, ...]:
    """What the MCP server's program is given, after what starts Seasoned itself."""
    return ("--home", _written(data_dir), "mcp")


def is_our_server(entry: object) -> bool:
    """Whether an MCP server's entry is one of ours."""
    arguments = _member(entry, "args")
    if not isinstance(arguments, list) or not isinstance(_member(entry, "command"), str):
        return False
    match cast("list[object]", arguments):
        case [*_, "--home", str(), "mcp"]:
            return True
        case _:
            return False


def _member(value: object, name: str) -> object:
    return cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None


def _written(path: Path) -> str:
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"The data folder {text!r} has a name that no settings file can hold; give --home.") from error
    return text


def _quoted(text: str) -> str:
    """For a shell, with no ``$`` before a name: Gemini CLI puts variables into every string of its settings, within
    single quotes too."""
    return "'" + re.sub(r"\$(?=[\w{])", "$''", text.replace("'", "'\"'\"'")) + "'"
