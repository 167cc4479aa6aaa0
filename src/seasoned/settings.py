"""One typed tree of settings: file < environment < flag.

Files are ``seasoned.toml``: the user's (``$XDG_CONFIG_HOME/seasoned/seasoned.toml``) and the project's (found from the
working directory upwards), the project's over the user's. Environment variables are ``SEASONED_`` and the setting's
path with ``__`` between (``SEASONED_IMPORTS__JOBS``); the two most used have short names, ``SEASONED_HOME`` for the
data folder and ``SEASONED_DATABASE_URL`` for the store. An unknown key or a bad value stops with its file, line and
what is allowed. Rooms receive values; only this module reads the environment.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeGuard, cast, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from seasoned.errors import SettingsError

__all__ = [
    "AdviceSettings",
    "EmbedSettings",
    "ImportSettings",
    "KnowledgeSettings",
    "LibrarySettings",
    "LimitsSettings",
    "Loaded",
    "Origin",
    "RedactionSettings",
    "ServiceSettings",
    "Settings",
    "SimilaritySettings",
    "StoreSettings",
    "load",
    "without_password",
]

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
_IS_SECTION = "is a section, no value: write its keys below [its name], or as SEASONED_SECTION__KEY"


class _Section(Struct, frozen=True, kw_only=True):
    """Read by msgspec: a pydantic model of the same tree costs every cold command 90 ms more."""


class StoreSettings(_Section, frozen=True):
    """Where the history is kept."""

    url: str | None = None
    """``sqlite:///path`` or ``postgresql://user@host/database``. Unset: SQLite in the data folder."""
    busy_timeout_s: Annotated[float, Meta(gt=0, le=600)] = 30.0
    """How long a writer waits for another one."""
    pool_min: Annotated[int, Meta(ge=1, le=100)] = 2
    pool_max: Annotated[int, Meta(ge=1, le=200)] = 10


class ImportSettings(_Section, frozen=True):
    """How histories are read."""

    jobs: Annotated[int, Meta(ge=0, le=64)] | None = None
    """Reading processes; 0: read in this one; unset: by the number of cores and the amount of work."""


class RedactionSettings(_Section, frozen=True):
    """What else counts as secret, and what does not."""

    rules: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """Name → RE2 pattern; its first group, or else the whole match, is replaced."""
    allow: tuple[str, ...] = ()
    """RE2 patterns; a finding that one of them matches whole is left as it stands."""


class EmbedSettings(_Section, frozen=True):
    """Which embedding model is used."""

    provider: str = "minilm"
    """Name of an entry of the group ``seasoned.embedders``; ``none`` switches embeddings off."""


class SimilaritySettings(_Section, frozen=True):
    """How similar tasks are scored."""

    strategy: Literal["measured", "published"] = "measured"
    """``published``: 0.40 semantic, 0.30 keyword, 0.20 domain, 0.10 type. ``measured``: what evaluation supports."""
    min_score: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Below it nothing counts as relevant; unset: the strategy's calibrated floor."""


class LibrarySettings(_Section, frozen=True):
    """How patterns earn and lose trust."""

    auto_promote: bool = False
    """Promote a validated candidate by itself after ``auto_promote_uses`` uses with at least ``auto_promote_success``;
    never one with a flag for its reviewer, nor one from outside the namespace."""
    auto_promote_uses: Annotated[int, Meta(ge=1)] = 5
    auto_promote_success: Annotated[float, Meta(ge=0, le=1)] = 0.8


class KnowledgeSettings(_Section, frozen=True):
    """A knowledge base of your own, asked beside what was learned: any MCP server with a search tool."""

    command: tuple[str, ...] = ()
    """Program and arguments of a server on stdio. Unset, with ``url`` unset: no knowledge base is asked."""
    url: str | None = None
    """Address of a server on streamable HTTP."""
    token: str | None = None
    """Sent to it as a bearer token."""
    tool: str | None = None
    """Its search tool; unset: the preset's, else the one tool whose name says that it searches."""
    preset: Literal["archon"] | None = None
    """``archon``: perform_rag_query, rag_search_knowledge_base."""
    budget_ms: Annotated[int, Meta(ge=50, le=10_000)] = 1500
    """After this the answer comes without it, and says so."""
    most: Annotated[int, Meta(ge=1, le=20)] = 5
    """Results taken at most."""


class AdviceSettings(_Section, frozen=True):
    """What agents are told through their hooks, unasked. How far it goes with each agent is its mode."""

    enabled: bool = True
    """False: nothing is said; moments are still recorded."""
    budget_tokens: Annotated[int, Meta(ge=60, le=4_000)] = 400
    """Most that one text may cost the agent; estimated as its bytes divided by three."""
    limit: Annotated[int, Meta(ge=1, le=10)] = 3
    """Past tasks that are looked at before a task."""
    floor: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Score below which a past task is not relevant; unset: ``similarity.min_score``, else the calibrated floor."""
    held_out_share: Annotated[float, Meta(ge=0, le=0.9)] = 0.5
    """Share of the occasions at which advice is withheld at random, to measure what it does. It shrinks by itself once
    that is known; 0 measures nothing."""


class LimitsSettings(_Section, frozen=True):
    """Calls a minute that one agent may make over a token, by kind."""

    check: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    """Questions: similar tasks, patterns, fixes, figures, resources."""
    capture: Annotated[int, Meta(ge=1, le=1_000_000)] = 50
    """Records of what was done: executions, file qualities, failures, uses of patterns."""
    record: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    """Patterns put in, changed or judged."""


class ServiceSettings(_Section, frozen=True):
    """The process in the background that answers hooks and commands at once."""

    use: Literal["auto", "off"] = "auto"
    """``auto``: commands use it where it runs, and start it; ``off``: they do neither (SEASONED_SERVICE)."""
    idle_s: Annotated[float, Meta(gt=0, le=7 * 86_400)] = 1800.0
    """It ends after so many seconds without a request and without an agent's session under way."""
    learn: bool = True
    """Whether it learns by itself from what was recorded."""


class Settings(_Section, frozen=True):
    """The whole tree."""

    data_dir: Path | None = None
    """Everything Seasoned stores on this machine. Unset: ``$XDG_DATA_HOME/seasoned`` or ``~/.local/share/seasoned``."""
    namespace: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            description="at most 64 letters, digits, dots, dashes and underscores, the first a letter or digit",
        ),
    ] = "default"
    """The tenant that records belong to."""
    agent_id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$",
            description="at most 64 letters, digits, dots, dashes, underscores and @, the first a letter or digit",
        ),
    ] = "local"
    """Who acts on this machine when no token says otherwise: a local administrator of the namespace."""
    store: StoreSettings = StoreSettings()
    imports: ImportSettings = ImportSettings()
    redaction: RedactionSettings = RedactionSettings()
    embed: EmbedSettings = EmbedSettings()
    similarity: SimilaritySettings = SimilaritySettings()
    library: LibrarySettings = LibrarySettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    advice: AdviceSettings = AdviceSettings()
    limits: LimitsSettings = LimitsSettings()
    service: ServiceSettings = ServiceSettings()


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
    settings = _built(values)
    if settings.data_dir is None:
        data_dir = _default_data_dir(environment)
    else:
        data_dir = _data_dir(settings.data_dir, values["data_dir"][1])
    settings = msgspec.structs.replace(settings, data_dir=data_dir)
    origins = tuple(
        Origin(key=key, value=value, source=values[key][1] if key in values else "default")
        for key, value in _flatten(settings)
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
    """The values of a project's file. Raises SettingsError where one starts a program or sends prompts away: such a file
    comes with whatever was checked out, and is read by any command that runs below it."""
    for key, (_, source) in values.items():
        if key.partition(".")[0] == "knowledge":
            raise SettingsError(
                f"{source}: {key}: a project's file may not name a knowledge base, as it comes with what was checked out; "
                f"set it in {user}."
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


def _built(values: Mapping[str, tuple[object, str]]) -> Settings:
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
    kind: type[_Section] = Settings
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


def _fields(kind: type[_Section]) -> "dict[str, msgspec.structs.FieldInfo]":
    return {field.name: field for field in msgspec.structs.fields(kind)}


def _is_section(kind: object) -> TypeGuard[type[_Section]]:
    return isinstance(kind, type) and issubclass(kind, _Section)


def _unknown(key: str, known: Mapping[str, object]) -> str:
    return f"there is no setting {key!r}. Here are allowed: {', '.join(known)}"


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value)
    raise ValueError(f"expected {kind.__name__.lower()}, got {type(value).__name__}")


def _flatten(section: _Section, prefix: str = "") -> list[tuple[str, object]]:
    flat: list[tuple[str, object]] = []
    for name in _fields(type(section)):
        value = getattr(section, name)
        if isinstance(value, _Section):
            flat += _flatten(value, f"{prefix}{name}.")
        else:
            flat.append((f"{prefix}{name}", value))
    return flat
