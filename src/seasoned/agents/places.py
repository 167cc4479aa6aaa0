"""Where an agent is on this machine, and which of its files take what.

Hooks go where the agent reads a user's own settings. In a project that is ``.claude/settings.local.json`` for Claude
Code, not ``settings.json``: the entries name paths of one machine, and that file is the project's for everybody. Codex
and Gemini have one file for a project, so there the user is told to keep it out of version control.

The MCP server goes into ``~/.claude.json`` for Claude Code, at either level (its *user* and *local* scopes); a project's
``.mcp.json`` is shared, and asks everybody who opens the project. The file is edited as text although the client
rewrites it all the time: the client reads it anew under its lock before it writes, so that it keeps what others added,
while ``claude mcp add`` would neither show a difference beforehand nor leave the file as it was afterwards.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seasoned.agents.clients import CLIENTS, Client

__all__ = ["Found", "Surroundings", "Target", "find", "targets", "user_folder"]

Syntax = Literal["json", "json with comments", "toml"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What decides where the files are and what goes into them."""

    home: Path
    """The user's home folder."""
    environment: Mapping[str, str]
    data_dir: Path
    """Seasoned's data folder, absolute."""
    program: tuple[str, ...]
    """The command line that starts Seasoned on this machine, without arguments."""
    project: Path | None = None
    """A project's root, absolute, to write into that; None: the user's own settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One agent, and whether it is here."""

    client: Client
    folder: Path
    """The user's folder of its settings, there or not."""
    evidence: str | None
    """Its folder or its program; None: neither was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One settings file of an agent, and what of ours belongs into it."""

    client: Client
    path: Path
    """As the agent names it; perhaps a link."""
    syntax: Syntax
    hooks: bool
    """Whether the hooks go there, below the key ``hooks``."""
    servers: tuple[str, ...] | None
    """The keys to the table of MCP servers; None: it is in another file."""
    for_all: bool = False
    """Whether everybody who works on the project would get it."""


def find(surroundings: Surroundings) -> tuple[Found, ...]:
    """Every agent known, and whether its folder or its program is there."""
    found: list[Found] = []
    for client in CLIENTS:
        folder = user_folder(client, surroundings)
        program = shutil.which(client.program, path=surroundings.environment.get("PATH", os.defpath))
        evidence = str(folder) if folder.is_dir() else program
        found.append(Found(client=client, folder=folder, evidence=evidence))
    return tuple(found)


def targets(client: Client, surroundings: Surroundings) -> tuple[Target, ...]:
    """The files of one agent that take something, at the level asked for."""
    user, project = user_folder(client, surroundings), surroundings.project
    folder = user if project is None else project / client.folder
    shared = project is not None
    match client.name:
        case "claude-code":
            configured = surroundings.environment.get(client.home_variable)
            state = (Path(configured) if configured else surroundings.home) / ".claude.json"
            settings = folder / ("settings.json" if project is None else "settings.local.json")
            servers = ("mcpServers",) if project is None else ("projects", str(project), "mcpServers")
            return (
                Target(client=client, path=settings, syntax="json", hooks=True, servers=None),
                Target(client=client, path=state, syntax="json", hooks=False, servers=servers),
            )
        case "codex":
            return (
                Target(
                    client=client, path=folder / "hooks.json", syntax="json", hooks=True, servers=None, for_all=shared
                ),
                Target(
                    client=client,
                    path=folder / "config.toml",
                    syntax="toml",
                    hooks=False,
                    servers=("mcp_servers",),
                    for_all=shared,
                ),
            )
        case "gemini":
            path = folder / "settings.json"
            servers = ("mcpServers",)
            syntax: Syntax = "json with comments"
            return (Target(client=client, path=path, syntax=syntax, hooks=True, servers=servers, for_all=shared),)


def user_folder(client: Client, surroundings: Surroundings) -> Path:
    """The folder of an agent's settings for all projects, there or not."""
    configured = surroundings.environment.get(client.home_variable)
    return Path(configured) / client.home_below if configured else surroundings.home / client.folder
