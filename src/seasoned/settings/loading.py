"""Where settings are said: files, the environment, flags. Only this module of the product reads the environment for them."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from seasoned.errors import SettingsError
from seasoned.settings.checking import built, flatten
from seasoned.settings.sections import Settings

__all__ = ["Loaded", "Origin", "load", "without_password"]

_PREFIX = "SEASONED_"
_ALIASES = {"SEASONED_HOME": "data_dir", "SEASONED_DATABASE_URL": "store.url", "SEASONED_SERVICE": "service.use"}
"""Short names of environment variables, for what is set most often."""
_NO_SETTINGS = (
    "SEASONED_CORRELATION_ID",
    "SEASONED_ROOT_ID",
    "SEASONED_PARENT_ID",
    "SEASONED_URL",
    "SEASONED_TOKEN",
    "SEASONED_TEST_",
    "SEASONED_HOOK_",
)
FILE_NAME = "seasoned.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the value of one setting came from."""

    key: str
    """Dotted path."""
    value: object
    source: str
    """``default``, ``flag``, ``environment NAME`` or ``FILE:LINE``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings with their origins."""

    settings: Settings
    origins: tuple[Origin, ...]
    """Every setting of the tree, in its order."""

    @property
    def data_dir(self) -> Path:
        """The data folder that applies, absolute."""
        assert self.settings.data_dir is not None
        return self.settings.data_dir


def load(
    environment: Mapping[str, str] | None = None,
    *,
    working_dir: Path | None = None,
    flags: Mapping[str, object] | None = None,
) -> Loaded:
    """The settings that apply. ``flags`` maps dotted paths to values; None values are no flags.

    Raises SettingsError.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, tuple[object, str]] = {}
    user, project = _files(environment, working_dir or _working_dir())
    if user is not None:
        values.update(_from_file(user))
    if project is not None and project != user:
        values.update(_without_commands(_from_file(project), user or _user_file(environment)))
    values.update(_from_environment(environment))
    values.update({key: (value, "flag") for key, value in (flags or {}).items() if value is not None})
    settings = built(values)
    if settings.data_dir is None:
        data_dir = _default_data_dir(environment)
    else:
        data_dir = _data_dir(settings.data_dir, values["data_dir"][1])
    settings = msgspec.structs.replace(settings, data_dir=data_dir)
    origins = tuple(
        Origin(key=key, value=value, source=values[key][1] if key in values else "default")
        for key, value in flatten(settings)
    )
    return Loaded(settings=settings, origins=origins)


def without_password(url: str) -> str:
    """A store's address, fit to be shown: no password of any spelling; of what is no URL, nothing at all."""
    if not re.match(r"[a-z][a-z0-9+.-]*://", url):
        return "(hidden: this is no URL)"
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return url
    userinfo, at, host = rest.rpartition("@")
    user = f"{userinfo.partition(':')[0]}{at}"
    return f"{scheme}://{user}{host.partition('?')[0]}"


def _working_dir() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise SettingsError("The working directory is gone: change to one that exists.") from error


def _data_dir(given: Path, source: str) -> Path:
    try:
        path = given.expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(f"{source}: data_dir: {given} names the home folder of nobody on this machine.") from error
    if "\0" in str(path):
        raise SettingsError(f"{source}: data_dir: a path cannot hold a NUL character.")
    return path


def _is_file(path: Path) -> bool:
    """Whether there is such a file. Raises SettingsError where that cannot be told."""
    try:
        return path.is_file()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}; settings cannot be looked for there.") from error


def _user_file(environment: Mapping[str, str]) -> Path:
    config = Path(environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".config")
    return config / "seasoned" / FILE_NAME


def _files(environment: Mapping[str, str], working_dir: Path) -> tuple[Path | None, Path | None]:
    """The user's file, or the one that SEASONED_CONFIG names, and the project's; None for what is not there."""
    explicit = environment.get("SEASONED_CONFIG")
    if explicit:
        path = Path(explicit).expanduser()
        if not _is_file(path):
            raise SettingsError(f"SEASONED_CONFIG names {path}, which is no file.")
        return path, None
    project = next(
        (
            folder / FILE_NAME
            for folder in (working_dir, *working_dir.parents)
            if os.access(folder, os.X_OK) and _is_file(folder / FILE_NAME)
        ),
        None,
    )
    user = _user_file(environment)
    return (user if _is_file(user) else None), project


def _without_commands(values: dict[str, tuple[object, str]], user: Path) -> dict[str, tuple[object, str]]:
    """The values of a project's file. Raises SettingsError where one starts a program, sends prompts away or leaves secrets
    in them: such a file comes with whatever was checked out, and is read by any command that runs below it."""
    for key, (value, source) in values.items():
        if key.partition(".")[0] == "knowledge":
            what = "name a knowledge base"
        elif key == "store.url" and not str(value).startswith("sqlite:"):
            what = "name a database server"
        elif key == "redaction.allow":
            what = "leave secrets where they are"
        else:
            continue
        raise SettingsError(
            f"{source}: {key}: a project's file may not {what}, as it comes with what was checked out; set it in {user}."
        )
    return values


def _default_data_dir(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_DATA_HOME")
    home = Path(environment.get("HOME", "~")).expanduser()
    return (Path(base) if base else home / ".local" / "share").absolute() / "seasoned"


def _from_file(path: Path) -> dict[str, tuple[object, str]]:
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}:{line}: not UTF-8; save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}. This is no TOML.") from error
    except RecursionError as error:
        raise SettingsError(f"{path}: nested too deeply.") from error
    lines = text.splitlines()
    return {key: (value, f"{path}:{_line_of(lines, key)}") for key, value in _leaves(document, "")}


def _leaves(node: Mapping[str, object], prefix: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in node.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and path != "redaction.rules":
            found += _leaves(value, f"{path}.")  # pyright: ignore[reportUnknownArgumentType]
        else:
            found.append((path, value))  # pyright: ignore[reportUnknownArgumentType]
    return found


def _line_of(lines: list[str], key: str) -> int:
    """Line (from 1) on which a dotted key stands: its last name, below its section's head where there is one."""
    *sections, last = key.split(".")
    section = ""
    for number, line in enumerate(lines, 1):
        head = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        if head:
            section = head[1]
            if section == key:
                return number
        name = re.match(r"\s*([A-Za-z0-9_.\-\"]+)\s*=", line)
        if name and ".".join(filter(None, (section, name[1].strip('"')))) in {key, ".".join((*sections, last))}:
            return number
    return 1


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[object, str]]:
    values: dict[str, tuple[object, str]] = {}
    for name, value in environment.items():
        if not name.startswith(_PREFIX) or name == "SEASONED_CONFIG" or name.startswith(_NO_SETTINGS):
            continue
        key = _ALIASES.get(name) or name[len(_PREFIX) :].lower().replace("__", ".")
        values[key] = (value, f"environment {name}")
    return values
