"""Arguments of an answer: one typed record each, checked in one place whichever door they came through.

A record (``Arguments``) says of each argument its type, range and meaning; MCP makes its input schemas of the same
records, so that what is said and what is checked cannot differ. Invariant: an error names one argument as a command
spells it (``--min-similarity``) and says what is allowed; it repeats at most a short piece of what was given.
"""

import math
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from seasoned.errors import UsageError

__all__ = ["Arguments", "Count", "Documents", "Label", "Names", "Share", "checked", "option"]

_SHOWN = 60

Share = Annotated[float, Meta(ge=0, le=1)]
"""0..1."""
Count = Annotated[int, Meta(ge=0, le=2**53)]
"""What is larger than 2^53 does not survive JSON in every client."""
Label = Annotated[str, Meta(max_length=200)]
Documents = list[dict[str, object]]
Names = list[str]


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody who asks may say. A field without a default is needed."""


Given = TypeVar("Given", bound=Arguments)


def option(name: str) -> str:
    """An argument as a command spells it."""
    return "--" + name.replace("_", "-")


def checked(kind: type[Given], values: Mapping[str, object]) -> Given:
    """The record of ``values``, in which None is as good as absent.

    Raises UsageError for an argument that is unknown, missing, of another type or out of its range.
    """
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    if unknown := [name for name in values if name not in fields]:
        raise UsageError(f"There is no argument {_short(unknown[0])}; these are: {', '.join(fields)}.")
    given = {name: value for name, value in values.items() if value is not None}
    if missing := [option(name) for name, field in fields.items() if field.required and name not in given]:
        raise UsageError(f"Missing: {', '.join(missing)}.")
    return kind(**{name: _value(name, value, fields[name].type) for name, value in given.items()})


def _value(name: str, value: object, wanted: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{option(name)} is no number.")
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        allowed = _allowed(wanted)
        if allowed:
            raise UsageError(f"{option(name)} {_short(value)}: allowed are {', '.join(allowed)}.") from error
        said = str(error).replace("`", "")
        raise UsageError(f"{option(name)}: {said[:1].lower()}{said[1:]}.") from error
    except RecursionError as error:
        raise UsageError(f"{option(name)} is nested too deeply.") from error


def _allowed(wanted: object) -> tuple[str, ...]:
    """The values of a ``Literal``, also of an optional one."""
    if get_origin(wanted) is Literal:
        return tuple(str(each) for each in get_args(wanted))
    if get_origin(wanted) in {Union, UnionType, Annotated}:
        return next((found for part in get_args(wanted) if (found := _allowed(part))), ())
    return ()


def _short(value: object) -> str:
    if isinstance(value, dict | list | tuple):
        return "(an object)" if isinstance(value, dict) else "(a list)"
    text = repr(value[: _SHOWN + 1]) if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
