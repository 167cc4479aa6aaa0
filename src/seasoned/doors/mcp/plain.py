"""Answers as JSON values that every client can read."""

from typing import Any, cast

import msgspec

__all__ = ["plain"]

_HALF = dict.fromkeys(range(55296, 57344), "�")


def plain(answer: object) -> dict[str, Any]:
    """The document in JSON's own types: times as text, tuples as lists, and no half of a surrogate pair, which would
    break the line it travels in."""
    return cast("dict[str, Any]", _whole(msgspec.to_builtins(answer, str_keys=True)))


def _whole(value: object) -> object:
    if isinstance(value, str):
        return value if value.isascii() else value.translate(_HALF)
    if isinstance(value, dict):
        return {_whole(key): _whole(below) for key, below in cast("dict[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_whole(below) for below in cast("list[object]", value)]
    return value
