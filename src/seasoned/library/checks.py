"""What the library takes: names, documents, versions, levels. Each refusal names the field and what is allowed.

Invariant: nothing that passes here is refused by the store for its form, and nothing of it is larger than a reader can
be expected to want: a pattern is advice of a few hundred words, not an archive.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import cast, get_args

import msgspec

from seasoned.errors import ValidationError
from seasoned.model import AccessLevel, Document, PatternStatus, PatternType

__all__ = [
    "DATA_LIMIT",
    "access_level",
    "agent_id",
    "agent_list",
    "document",
    "flag",
    "label",
    "labels",
    "listed",
    "name",
    "number",
    "pattern_type",
    "status",
    "text",
    "version",
    "wanted",
    "whole",
]

DATA_LIMIT = 256 * 1024
"""Bytes of a pattern's data as JSON."""
_DEPTH = 24
_NAME, _LABEL, _AGENT, _TEXT = 200, 100, 64, 20_000
_LISTED = 1_000
# https://semver.org/#is-there-a-suggested-regular-expression-regex-to-check-a-semver-string, of three numbers of at most
# nine digits, and a pre-release and build of at most 60 characters.
_VERSION = re.compile(
    r"(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})"
    r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_AGENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)
# Control characters; line ends; and what shows nothing, or turns the text around it (https://trojansource.codes), so that
# two names that differ look the same. The joiners of emoji and of Persian are none of them.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def _plain(field: str, value: object, limit: int) -> str:
    if not isinstance(value, str):
        raise ValidationError(f"{field}: a text is needed, not {type(value).__name__}.")
    if not value.strip():
        raise ValidationError(f"{field}: must not be empty.")
    if len(value) > limit:
        raise ValidationError(f"{field}: {len(value):,} characters; at most {limit:,} are allowed.")
    _storable(field, value)
    return value.strip()


def _storable(field: str, value: str) -> None:
    if "\0" in value:
        raise ValidationError(f"{field}: holds a NUL character, which no text may.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValidationError(f"{field}: holds half of a surrogate pair at character {error.start}.") from error


def name(field: str, value: object) -> str:
    """A name of one line, 1 to 200 characters, composed (NFC): what looks the same is the same."""
    return _line(field, value, _NAME)


def label(field: str, value: object) -> str:
    """A category or the like: one line, 1 to 100 characters, composed."""
    return _line(field, value, _LABEL)


def wanted(field: str, value: object) -> str | None:
    """What is looked for by its name; None: anything. Raises for what nothing can be called."""
    return None if value is None else _plain(field, value, _NAME)


def labels(field: str, value: object) -> tuple[str, ...]:
    """Labels, each once, sorted."""
    return tuple(sorted({label(field, each) for each in listed(field, value)}))


def text(field: str, value: object) -> str:
    """Free text, 1 to 20,000 characters."""
    return _plain(field, value, _TEXT)


def version(field: str, value: object) -> str:
    """A semantic version."""
    found = _plain(field, value, 100)
    if not _VERSION.fullmatch(found):
        raise ValidationError(f"{field}: {found!r} is no semantic version; allowed are such as 1.0.0 and 2.1.0-beta.1.")
    return found


def number(field: str, value: object, low: float, high: float) -> float:
    """A number within bounds."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        raise ValidationError(f"{field}: a number from {low:g} to {high:g} is needed, not {_shown(value)}.")
    if not low <= value <= high:
        raise ValidationError(f"{field}: {_shown(value)} is out of range; allowed is {low:g} to {high:g}.")
    return float(value)


def whole(field: str, value: object, low: int, high: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValidationError(f"{field}: a whole number from {low} to {high} is needed, not {_shown(value)}.")
    return int(number(field, value, low, high))


def flag(field: str, value: object) -> bool | None:
    """True, false or None."""
    if value is not None and not isinstance(value, bool):
        raise ValidationError(f"{field}: true, false or nothing is needed, not {type(value).__name__}.")
    return value


def access_level(value: object) -> AccessLevel:
    """One of the five levels."""
    if value not in get_args(AccessLevel):
        raise ValidationError(
            f"access_level: {_shown(value)} is unknown; allowed are {', '.join(get_args(AccessLevel))}."
        )
    return cast(AccessLevel, value)


def pattern_type(value: object) -> PatternType:
    """One of the types of patterns."""
    if value not in get_args(PatternType):
        raise ValidationError(
            f"pattern_type: {_shown(value)} is unknown; allowed are {', '.join(get_args(PatternType))}."
        )
    return cast(PatternType, value)


def status(value: object) -> PatternStatus:
    """One of the four states."""
    if value not in get_args(PatternStatus):
        raise ValidationError(f"status: {_shown(value)} is unknown; allowed are {', '.join(get_args(PatternStatus))}.")
    return cast(PatternStatus, value)


def agent_id(field: str, value: object) -> str:
    """An agent's id: at most 64 letters, digits, dots, dashes, underscores and @."""
    found = _plain(field, value, _AGENT)
    if not _AGENT_ID.fullmatch(found):
        raise ValidationError(
            f"{field}: {_shown(found)}; allowed are at most 64 letters, digits, dots, dashes, underscores and @, the first a "
            "letter or digit."
        )
    return found


def agent_list(field: str, value: object) -> tuple[str, ...]:
    """Agent ids, each once, sorted."""
    return tuple(sorted({agent_id(field, each) for each in listed(field, value, "agent ids")}))


def document(field: str, value: object, *, limit: int = DATA_LIMIT) -> Document:
    """A JSON object of at most ``limit`` bytes and 24 levels, without NaN, NUL and halves of surrogate pairs."""
    if not isinstance(value, Mapping):
        raise ValidationError(f"{field}: an object (name: value) is needed, not {type(value).__name__}.")
    # Measured before it is walked or encoded: 10 MB in one string must not cost 10 MB of anything.
    left = limit
    waiting: list[tuple[object, int]] = [(cast("Mapping[object, object]", value), 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > _DEPTH:
            raise ValidationError(f"{field}: nested deeper than {_DEPTH} levels.")
        left -= 2
        if isinstance(item, str):
            left -= len(item)
            if left >= 0:
                _storable(field, item)
        elif isinstance(item, Mapping):
            # An item takes two bytes at least, its separator included.
            if 2 * len(cast("Mapping[object, object]", item)) > left + 1:
                left = -1
                break
            for key, each in cast("Mapping[object, object]", item).items():
                if not isinstance(key, str):
                    raise ValidationError(f"{field}: the name {_shown(key)} must be a text.")
                waiting += ((key, depth), (each, depth + 1))
        elif isinstance(item, list | tuple):
            if 2 * len(cast("Sequence[object]", item)) > left + 1:
                left = -1
                break
            waiting.extend((each, depth + 1) for each in cast("Sequence[object]", item))
        elif isinstance(item, float) and not math.isfinite(item):
            raise ValidationError(f"{field}: {item} is no number that JSON has.")
        elif item is not None and not isinstance(item, bool | int | float):
            raise ValidationError(f"{field}: a value of type {type(item).__name__} cannot be kept; use JSON's types.")
        if left < 0:
            break
    if left < 0:
        raise ValidationError(f"{field}: larger than {limit // 1024} KiB; keep what is needed to act on it.")
    try:
        encoded = msgspec.json.encode(value)
    except (OverflowError, msgspec.ValidationError, TypeError, ValueError) as error:
        raise ValidationError(f"{field}: cannot be written as JSON ({error}).") from error
    if len(encoded) > limit:
        raise ValidationError(f"{field}: larger than {limit // 1024} KiB; keep what is needed to act on it.")
    return msgspec.json.decode(encoded, type=dict[str, object])


def _line(field: str, value: object, limit: int) -> str:
    found = unicodedata.normalize("NFC", _plain(field, value, limit))
    if bad := _CONTROL.search(found):
        raise ValidationError(
            f"{field}: must be a single line without control or invisible characters; it has U+{ord(bad[0]):04X}."
        )
    return found


def listed(field: str, value: object, of: str = "texts") -> tuple[object, ...]:
    """A list of at most 1,000."""
    if not isinstance(value, list | tuple | set | frozenset):
        raise ValidationError(f"{field}: a list of {of} is needed, not {type(value).__name__}.")
    given = tuple(cast("Iterable[object]", value))
    if len(given) > _LISTED:
        raise ValidationError(f"{field}: {len(given):,} {of}; at most {_LISTED:,} can be listed.")
    return given


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**18:
        return "an integer of more than 18 digits"
    said = ascii(value) if isinstance(value, str | int | float) or value is None else type(value).__name__
    return said if len(said) <= 60 else f"{said[:57]}…"
