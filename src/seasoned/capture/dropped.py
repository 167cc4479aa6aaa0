"""Results that are dropped whole, whatever they hold: ``.env`` contents, environment dumps and files
outside the project.

Such results are not searched for secrets: a home-made password in a ``.env`` file has no shape to be known by.
"""

import re

from seasoned.capture.shell_lines import steps_of
from seasoned.model import Span

__all__ = ["dropped_reason", "is_env_file"]

_ENV_FILE = re.compile(r"(?:^|[/\\])\.env(?:\.(?!example|sample|template|dist)[\w.-]+)?$|(?:^|[/\\])\.envrc$")
_SECRET_FILE = re.compile(
    r"(?:^|[/\\])(?:\.netrc|\.pgpass|\.npmrc|\.pypirc|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519)|credentials"
    r"|\.htpasswd|[\w.-]+\.(?:pem|key|p12|pfx|keystore|jks))$"
)
_READERS = frozenset({"read", "read_file", "readfile", "view", "cat", "open", "read_many_files", "notebookread"})
_SHOWS = frozenset("cat less more head tail bat batcat grep rg sed awk nl tac strings type source .".split())
_DUMPS = frozenset({"env", "printenv"})
_MENTIONED = re.compile(
    r"env|\bset\b|declare|export|\.(?:netrc|pgpass|npmrc|pypirc|git-|htpasswd|pem|key|p12|pfx|keystore|jks)|id_|credentials"
)
"""Cheap test before a line is taken apart: what a dump of the environment or the name of a secret file must hold."""
_QUOTES = str.maketrans("", "", "'\"\\")
_ABSOLUTE = re.compile(r"^(?:[/~]|[A-Za-z]:[\\/]|\.\.[\\/])")


def is_env_file(path: str) -> bool:
    """Whether ``path`` is a ``.env`` or ``.envrc`` file and no published example of one."""
    return _ENV_FILE.search(path) is not None


def dropped_reason(span: Span, *, outside_known: bool) -> str | None:
    """The name of the placeholder for this span's result, or None where the result may stay.

    ``outside_known``: paths inside the project have been made relative, so that an absolute one lies outside.
    """
    tool = (span.tool or span.name).lower()
    if any(is_env_file(path) for path in span.files):
        return "env-file"
    if any(_SECRET_FILE.search(path) for path in span.files):
        return "secret-file"
    command = _command_of(span)
    if command is not None and (reason := _of_command(command)) is not None:
        return reason
    if span.outcome == "failure":
        return None  # a reader that failed tells why (no such file, too large) and has no content to tell
    if outside_known and tool in _READERS and span.files and all(_ABSOLUTE.match(path) for path in span.files):
        return "outside-file"
    return None


def _command_of(span: Span) -> str | None:
    for name in ("command", "cmd", "script", "input"):
        value = (span.arguments or {}).get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value:
            parts: list[object] = value  # pyright: ignore[reportUnknownVariableType]
            return str(parts[-1])
    return None


def _of_command(command: str) -> str | None:
    if not _MENTIONED.search(command.translate(_QUOTES)):
        return None
    for step in steps_of(command):
        name, rest = step.words[0].rsplit("/", 1)[-1], step.words[1:]
        if name in _DUMPS and all("=" in word or word.startswith("-") for word in rest):
            return "environment"
        if (name == "set" and not rest) or (name in {"export", "declare"} and rest in {("-p",), ("-x",)}):
            return "environment"
        if name in _SHOWS and any(is_env_file(word) for word in rest):
            return "env-file"
        if name in _SHOWS and any(_SECRET_FILE.search(word) for word in rest):
            return "secret-file"
    return None
