"""Values by dotted path → the tree, and back. What is unknown or not allowed is said with what would be."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeGuard, cast, get_args, get_origin

import msgspec
from msgspec import Meta

from seasoned.errors import SettingsError
from seasoned.settings.sections import Section, Settings

__all__ = ["built", "flatten"]

_IS_SECTION = "is a section, no value: write its keys below [its name], or as SEASONED_SECTION__KEY"


def built(values: Mapping[str, tuple[object, str]]) -> Settings:
    """The tree of ``values`` (dotted path → value and origin). Raises SettingsError naming everything that is wrong."""
    tree: dict[str, object] = {}
    problems: list[str] = []
    for key, (value, source) in values.items():
        try:
            _put(tree, key, _checked(key, value))
        except ValueError as problem:
            problems.append(f"{source}: {problem}.")
    if problems:
        raise SettingsError("\n".join(problems))
    return msgspec.convert(tree, Settings, dec_hook=_path)


def _put(tree: dict[str, object], key: str, value: object) -> None:
    *sections, last = key.split(".")
    node = tree
    for section in sections:
        node = cast("dict[str, object]", node.setdefault(section, {}))
    node[last] = value


def _checked(key: str, value: object) -> object:
    """The value as the setting ``key`` has it. Raises ValueError with a sentence that lacks only its full stop."""
    *sections, last = key.split(".")
    kind: type[Section] = Settings
    given = repr(value)
    for number, section in enumerate(sections):
        known = _fields(kind)
        if section not in known:
            raise ValueError(_unknown(key, known))
        below = known[section].type
        if not _is_section(below):
            raise ValueError(f"{'.'.join(sections[: number + 1])} is a value, no section")
        kind = below
    known = _fields(kind)
    if last not in known:
        raise ValueError(_unknown(key, known))
    wanted = known[last].type
    if _is_section(wanted) or (wanted == dict[str, str] and not isinstance(value, dict)):
        raise ValueError(f"{key} {_IS_SECTION}")
    try:
        # Not strict: what the environment gives is always a text.
        return msgspec.convert(value, wanted, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise ValueError(f"{key}: {_expected(wanted, given, error)}") from error


def _expected(wanted: object, given: str, error: msgspec.ValidationError) -> str:
    """What a setting may be, in words where its type has some."""
    if get_origin(wanted) is Literal:
        return f"expected one of {', '.join(get_args(wanted))}, not {given}"
    for about in getattr(wanted, "__metadata__", ()):
        if isinstance(about, Meta) and about.description:
            return f"expected {about.description}, not {given}"
    return f"{str(error)[:1].lower()}{str(error)[1:]}"


def _fields(kind: type[Section]) -> "dict[str, msgspec.structs.FieldInfo]":
    return {field.name: field for field in msgspec.structs.fields(kind)}


def _is_section(kind: object) -> TypeGuard[type[Section]]:
    return isinstance(kind, type) and issubclass(kind, Section)


def _unknown(key: str, known: Mapping[str, object]) -> str:
    return f"there is no setting {key!r}. Here are allowed: {', '.join(known)}"


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value)
    raise ValueError(f"expected {kind.__name__.lower()}, got {type(value).__name__}")


def flatten(section: Section, prefix: str = "") -> list[tuple[str, object]]:
    """Every setting with its dotted path, in the order of the tree."""
    flat: list[tuple[str, object]] = []
    for name in _fields(type(section)):
        value = getattr(section, name)
        if isinstance(value, Section):
            flat += flatten(value, f"{prefix}{name}.")
        else:
            flat.append((f"{prefix}{name}", value))
    return flat
