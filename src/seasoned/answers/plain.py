"""Documents as JSON values that every reader can take."""

from typing import cast

import msgspec

__all__ = ["plain"]

_HALF = dict.fromkeys(range(55296, 57344), "�")


def plain(answer: object) -> object:
    """The document in JSON's own types: times as text, tuples as lists, and ``\ufffd`` for half of a surrogate pair,
    which JSON cannot carry; Python has those in names of files that are no UTF-8."""
    return _whole(msgspec.to_builtins(answer, str_keys=True))


def _whole(value: object) -> object:
    if isinstance(value, str):
        return value if value.isascii() else value.translate(_HALF)
    if isinstance(value, dict):
        return {_whole(key): _whole(below) for key, below in cast("dict[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_whole(below) for below in cast("list[object]", value)]
    return value
