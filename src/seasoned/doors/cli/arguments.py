"""Arguments of the commands for agents: booleans with values, and JSON inline, from a file (``@file``) or from standard
input (``-``). What does not fit is a UsageError that names the option."""

import sys
from pathlib import Path

import msgspec

from seasoned.errors import UsageError

__all__ = ["argument", "boolean", "document", "documents", "maybe_argument", "maybe_boolean", "names"]


def boolean(option: str, value: str) -> bool:
    """``true`` or ``false``, also as 1, 0, yes, no."""
    lowered = value.strip().lower()
    if lowered in {"true", "1", "yes"}:
        return True
    if lowered in {"false", "0", "no"}:
        return False
    raise UsageError(f"{option} {value!r}: allowed are true and false.")


def maybe_boolean(option: str, value: str | None) -> bool | None:
    """The same; None where nothing is said."""
    return None if value is None else boolean(option, value)


def argument(option: str, value: str) -> str:
    """The text itself, that of ``@file``, or standard input for ``-``."""
    if value == "-":
        return sys.stdin.read()
    if value.startswith("@"):
        try:
            return Path(value[1:]).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{option} {value}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{option} {value}: not UTF-8 (byte {error.start})") from error
    return value


def maybe_argument(option: str, value: str | None) -> str | None:
    """The same; None where nothing is said."""
    return None if value is None else argument(option, value)


def document(option: str, value: str | None) -> dict[str, object] | None:
    """A JSON object; None where nothing is said."""
    if value is None:
        return None
    try:
        return msgspec.json.decode(argument(option, value), type=dict[str, object])
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{option}: a JSON object is needed: {error}") from error


def documents(option: str, value: str | None) -> list[dict[str, object]]:
    """A JSON list of objects; empty where nothing is said."""
    if value is None:
        return []
    try:
        return msgspec.json.decode(argument(option, value), type=list[dict[str, object]])
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{option}: a JSON list of objects is needed: {error}") from error


def names(option: str, value: str | None) -> tuple[str, ...]:
    """A JSON list of strings, or names with commas between them."""
    if not value:
        return ()
    text = argument(option, value).strip()
    if text.startswith("["):
        try:
            return tuple(msgspec.json.decode(text, type=list[str]))
        except msgspec.DecodeError as error:
            raise UsageError(f"{option}: a JSON list of strings is needed: {error}") from error
    return tuple(part.strip() for part in text.split(",") if part.strip())
