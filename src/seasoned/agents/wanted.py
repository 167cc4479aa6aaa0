"""The edits that bring a file's values to what is wanted: our entries in, or out, and nobody else's touched.

An entry of ours that stands is brought up to date where it stands, whatever surrounds it. Order matters: Codex knows a
trusted hook by its place among the others of its event, so what others wrote must not move.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from seasoned.agents.clients import Client, Hook
from seasoned.agents.entries import SERVER, hook_command, is_our_hook, is_our_server, server_arguments
from seasoned.agents.json_text import Append, Edit, Insert, Path, Remove, Replace
from seasoned.agents.places import Surroundings, Target
from seasoned.errors import InputError

__all__ = ["Wanted", "hook_groups", "hooks_in", "idle", "in_edits", "out_edits", "server_entry", "servers_in"]

_MAP = "an object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Edits, and what they make beside our own entries."""

    edits: tuple[Edit, ...]
    created: tuple[Path, ...]
    """Objects and arrays that did not exist before and hold nothing but ours."""
    present: bool
    """Whether entries of ours stood there before."""
    attention: tuple[str, ...] = ()
    """What the user should know about this file."""


def hook_groups(client: Client, surroundings: Surroundings) -> dict[str, list[object]]:
    """For each event the groups that are ours, as the agent's settings write them."""
    groups: dict[str, list[object]] = {}
    for hook in client.hooks:
        group: dict[str, object] = {} if hook.matcher is None else {"matcher": hook.matcher}
        group["hooks"] = [_handler(client, hook, surroundings)]
        groups.setdefault(hook.event, []).append(group)
    return groups


def server_entry(client: Client, surroundings: Surroundings) -> dict[str, object]:
    """The MCP server as the agent's settings write it."""
    program, *arguments = (*surroundings.program, *server_arguments(surroundings.data_dir))
    kind = {"type": "stdio"} if client.name == "claude-code" else {}
    return {**kind, "command": program, "args": arguments}


def in_edits(value: object, target: Target, surroundings: Surroundings) -> Wanted:
    """The edits that put our entries in, or bring them up to date; none where they stand as wanted.

    Raises InputError where the file holds something else in a place that the agent defines.
    """
    root = _object(value, "the file")
    edits: list[Edit] = []
    created: list[Path] = []
    attention: list[str] = []
    present = False
    if target.hooks:
        held = _events(root)
        groups = hook_groups(target.client, surroundings)
        for event, found in held.items():
            present = present or bool(_ours(found))
            edits += _event_in(event, found, groups.get(event, []))
        new = {event: wanted for event, wanted in groups.items() if event not in held}
        if new and "hooks" in root:
            edits.append(Insert(path=("hooks",), members=new))
            created += [("hooks", event) for event in new]
        elif new:
            edits.append(Insert(path=(), members={"hooks": new}))
            created.append(("hooks",))
    if target.servers is not None:
        entry = server_entry(target.client, surroundings)
        way, rest = _way(root, target.servers)
        old = _get(root, (*target.servers, SERVER)) if not rest else None
        if old is None:
            nested: object = {SERVER: entry}
            for name in reversed(rest[1:]):
                nested = {name: nested}
            members = {rest[0]: nested} if rest else {SERVER: entry}
            edits.append(Insert(path=way, members=members))
            created += [target.servers[: len(way) + at + 1] for at in range(len(rest))]
        elif not is_our_server(old):
            attention.append(
                f'{target.path}: an MCP server "{SERVER}" that is not ours stands there and was left alone.'
            )
        else:
            present = True
            fresh = {**cast("dict[str, object]", old), **entry}
            if fresh != old:
                edits.append(Replace(path=(*target.servers, SERVER), value=fresh))
    attention += _attention(root, target)
    return Wanted(edits=tuple(edits), created=tuple(created), present=present, attention=tuple(attention))


def out_edits(value: object, target: Target, created: Iterable[Path] | None) -> Wanted:
    """The edits that take our entries out. What they leave empty goes too where it is in ``created``; where that is not
    known (None), empty hooks and servers go."""
    root = _object(value, "the file")
    made = None if created is None else set(created)
    edits: list[Edit] = []
    if target.hooks:
        left = set(_object(root.get("hooks", {}), "hooks"))
        for event, groups in _events(root).items():
            kept = len(groups)
            for at, handlers in reversed(_ours(groups)):
                whole = len(_handlers(groups[at])) == len(handlers)
                kept -= whole
                paths = [("hooks", event, at)] if whole else [("hooks", event, at, "hooks", each) for each in handlers]
                edits += [Remove(path=path) for path in reversed(paths)]
            if not kept and groups and (made is None or {("hooks",), ("hooks", event)} & made):
                edits = [edit for edit in edits if edit.path[:2] != ("hooks", event)]
                edits.append(Remove(path=("hooks", event)))
                left.discard(event)
        if edits and not left and (made is None or ("hooks",) in made):
            edits = [Remove(path=("hooks",))]
    hooks_out = bool(edits)
    way = target.servers
    server_out = way is not None and is_our_server(_get(root, (*way, SERVER)))
    if way is not None and server_out:
        out: Path = (*way, SERVER)
        while len(out) > 1 and len(cast("dict[str, object]", _get(root, out[:-1]))) == 1:
            above = out[:-1]
            if not (above == way[-1:] if made is None else above in made):
                break
            out = above
        edits.append(Remove(path=out))
    return Wanted(edits=tuple(edits), created=(), present=hooks_out or server_out)


def hooks_in(value: object) -> dict[str, list[str]]:
    """The commands of the hooks of ours that stand in a file, by event. Raises InputError as ``in_edits``."""
    found: dict[str, list[str]] = {}
    for event, groups in _events(_object(value, "the file")).items():
        for at, handlers in _ours(groups):
            held = _handlers(groups[at])
            found.setdefault(event, []).extend(
                str(cast("dict[str, object]", held[each])["command"]) for each in handlers
            )
    return found


def servers_in(value: object) -> set[Path]:
    """Where MCP servers of ours stand: ``~/.claude.json`` has the user's beside those of each project."""
    projects = _get(value, ("projects",))
    names = cast("dict[str, object]", projects) if isinstance(projects, dict) else {}
    ways: list[Path] = [("mcpServers",), *(("projects", name, "mcpServers") for name in names)]
    return {way for way in ways if is_our_server(_get(value, (*way, SERVER)))}


def idle(value: object, target: Target) -> list[str]:
    """Switches of the user's own that make our entries in a file idle, as sentences. Raises InputError."""
    return _attention(_object(value, "the file"), target)


def _handler(client: Client, hook: Hook, surroundings: Surroundings) -> dict[str, object]:
    named = {"name": SERVER} if client.named_hooks else {}
    command = hook_command(client.source, asks=hook.asks, data_dir=surroundings.data_dir)
    return {**named, "type": "command", "command": command, "timeout": hook.timeout}


def _event_in(event: str, groups: list[object], wanted: list[object]) -> list[Edit]:
    """Edits of one event's array: ours in place as far as they go, then out, then at the end."""
    edits: list[Edit] = []
    surplus: list[Path] = []
    missing = list(wanted)
    for at, handlers in _ours(groups):
        alone = len(_handlers(groups[at])) == len(handlers) == 1
        if alone and missing:
            fresh = _brought_up(cast("dict[str, object]", groups[at]), cast("dict[str, object]", missing.pop(0)))
            if fresh != groups[at]:
                edits.append(Replace(path=("hooks", event, at), value=fresh))
            continue
        if len(_handlers(groups[at])) == len(handlers):
            surplus.append(("hooks", event, at))
        else:
            surplus += [("hooks", event, at, "hooks", each) for each in handlers]
    if not wanted and len(surplus) == len(groups) and all(len(path) == 3 for path in surplus):
        surplus = [("hooks", event)] if surplus else []  # an event that this version has no use for
    edits += [Remove(path=path) for path in reversed(surplus)]
    edits += [Append(path=("hooks", event), item=each) for each in missing]
    return edits


def _brought_up(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    """Our group with this version's values; what the user added to it stays."""
    handler = cast("list[dict[str, object]]", new["hooks"])[0]
    standing = cast("list[dict[str, object]]", old["hooks"])[0]
    merged = {**standing, **handler}
    return {key: value for key, value in {**old, **new, "hooks": [merged]}.items() if key != "matcher" or key in new}


def _events(root: Mapping[str, object]) -> dict[str, list[object]]:
    """Each event's array. Raises InputError for another kind of value."""
    held = _object(root.get("hooks", {}), "hooks")
    events: dict[str, list[object]] = {}
    for event, groups in held.items():
        if isinstance(groups, list):
            events[event] = cast("list[object]", groups)
        elif event[:1].isupper():  # the others are switches of the agent's
            raise InputError(
                f"hooks.{event} is {_kind(groups)}; an agent reads an array there. Correct it, or take it out."
            )
    return events


def _ours(groups: list[object]) -> list[tuple[int, list[int]]]:
    """The places of groups that hold hooks of ours, each with the places of those hooks."""
    found: list[tuple[int, list[int]]] = []
    for at, group in enumerate(groups):
        ours = [each for each, handler in enumerate(_handlers(group)) if is_our_hook(handler)]
        if ours:
            found.append((at, ours))
    return found


def _handlers(group: object) -> list[object]:
    handlers = cast("dict[str, object]", group).get("hooks") if isinstance(group, dict) else None
    return cast("list[object]", handlers) if isinstance(handlers, list) else []


def _way(root: Mapping[str, object], keys: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    """How far the keys lead, and what is missing. Raises InputError where something else than an object stands."""
    holder: Mapping[str, object] = root
    for at, key in enumerate(keys):
        if key not in holder:
            return keys[:at], keys[at:]
        holder = _object(holder[key], ".".join(keys[: at + 1]))
    return keys, ()


def _get(root: object, path: Path) -> object:
    value = root
    for key in path:
        value = cast("dict[str | int, object]", value).get(key) if isinstance(value, dict) else None
    return value


def _attention(root: Mapping[str, object], target: Target) -> list[str]:
    """Switches of the user's own that make our entries idle. They are left as they are."""
    found: list[str] = []
    if root.get("disableAllHooks") is True:
        found.append(f'{target.path}: "disableAllHooks" is true: the hooks are idle until you change that.')
    if _get(root, ("hooksConfig", "enabled")) is False:
        found.append(f'{target.path}: "hooksConfig.enabled" is false: the hooks are idle until you change that.')
    disabled = _get(root, ("hooksConfig", "disabled"))
    if isinstance(disabled, list) and SERVER in disabled:
        found.append(f'{target.path}: "hooksConfig.disabled" names {SERVER}: the hooks are idle until you change that.')
    features = _get(root, ("features",))
    for name in ("hooks", "codex_hooks"):
        if target.syntax == "toml" and _get(features, (name,)) is False:
            found.append(f"{target.path}: features.{name} is false: the hooks are idle until you change that.")
    return found


def _object(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InputError(f"{name} is {_kind(value)}; an agent reads {_MAP} there. Correct it, or take it out.")
    return cast("dict[str, object]", value)


def _kind(value: object) -> str:
    names: dict[type, str] = {str: "a string", list: "an array", dict: _MAP, bool: "true or false", type(None): "null"}
    kind: type = type(value)
    return names.get(kind, "a number")
