"""Fields of an event that a program reports, read as what they claim to be.

A reported event is written by hand, in somebody's script: unlike the odd value of a transcript (``capture.loose``), a
wrong one is told to its author, who can mend it. Invariant: what was asked for by name does not come again in ``rest``,
so that nothing which was said is lost, and nothing is kept twice.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from seasoned.capture.calls import LONGEST_MS, document_from, whole_ms
from seasoned.capture.excerpt import cut
from seasoned.capture.loose import time_of
from seasoned.errors import ValidationError
from seasoned.model.limits import ERROR_LIMIT
from seasoned.model.trace import Document

__all__ = ["NAME_LIMIT", "Fields", "aware_time"]

NAME_LIMIT = 200
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
"""Clocks differ; what lies further in the future is no time of something that happened."""
_LARGEST = 2**53


class Fields:
    """The fields of one event. Each reader takes the names that a field may have, and gives the first that is not null.

    All readers raise ValidationError, naming the field, for a value of another kind.
    """

    def __init__(self, values: Document, now: datetime) -> None:
        """``now`` is aware; no time may lie a day after it."""
        self._values = values
        self._now = now
        self._used: set[str] = set()

    def first(self, *names: str) -> object:
        """The value as it came; None where there is none."""
        return self._named(names)[1]

    def _named(self, names: Sequence[str]) -> tuple[str, object]:
        self._used.update(names)
        found = next((name for name in names if self._values.get(name) is not None), names[0])
        return found, self._values.get(found)

    def text(self, *names: str, limit: int = NAME_LIMIT) -> str | None:
        """Text, or a number as text, cut to ``limit`` characters; None for none and for blanks."""
        name, value = self._named(names)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            raise ValidationError(f"{name} is text, not {_kind(value)}.")
        return cut(value, limit) if value and not value.isspace() else None

    def flag(self, *names: str) -> bool | None:
        """True or false."""
        name, value = self._named(names)
        if value is not None and not isinstance(value, bool):
            raise ValidationError(f"{name} is true or false, not {_kind(value)}.")
        return value

    def count(self, *names: str) -> int | None:
        """A whole number from 0 to 2^53."""
        name, value = self._named(names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST:
            raise ValidationError(f"{name} is a whole number of 0 or more, not {_kind(value)}.")
        return value

    def code(self, name: str) -> int | None:
        """A whole number below 2^31 either way, as programs end with and servers answer with."""
        value = self.first(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**31:
            raise ValidationError(f"{name} is a whole number, not {_kind(value)}.")
        return value

    def amount(self, *names: str, most: float = 1e12) -> float | None:
        """A number from 0 to ``most``."""
        name, value = self._named(names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise ValidationError(f"{name} is a number from 0 to {most:g}, not {_kind(value)}.")
        return float(value)

    def duration_ms(self, *names: str) -> int | None:
        """Milliseconds, rounded; below ten years."""
        name, value = self._named(names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LONGEST_MS:
            raise ValidationError(f"{name} is a number of milliseconds from 0 to ten years, not {_kind(value)}.")
        return whole_ms(value)

    def time(self, *names: str) -> datetime | None:
        """Aware UTC; see ``aware_time``."""
        name, value = self._named(names)
        return None if value is None else aware_time(name, value, self._now)

    def texts(self, *names: str, most: int = 50) -> tuple[str, ...]:
        """Texts; one alone may stand without a list."""
        name, value = self._named(names)
        given = [value] if isinstance(value, str) else [] if value is None else value
        items = cast("list[object]", given) if isinstance(given, list) else [None]
        if not all(isinstance(item, str) for item in items):
            raise ValidationError(f"{name} is a list of texts.")
        return tuple(cut(item, 500) for item in cast("list[str]", items)[:most] if item)

    def document(self, *names: str) -> Document | None:
        """A JSON object within the limits of ``model.limits``; a text stands for ``{"input": text}``."""
        name, value = self._named(names)
        if isinstance(value, str):
            value = {"input": value}
        if value is not None and not isinstance(value, dict):
            raise ValidationError(f"{name} is an object, not {_kind(value)}.")
        return document_from(cast("Document | None", value))

    def documents(self, *names: str, most: int = 200) -> list[Document]:
        """JSON objects; a text in their place is the path of a file."""
        name, value = self._named(names)
        listed: list[object] = [] if value is None else [value]
        items = cast("list[object]", value) if isinstance(value, list) else listed
        found = [{"file": item} if isinstance(item, str) else item for item in items]
        if not all(isinstance(item, dict) for item in found):
            raise ValidationError(f"{name} is a list of paths or objects.")
        if len(found) > most:
            raise ValidationError(f"{name} has {len(found)} entries; {most} are allowed.")
        return cast("list[Document]", found)

    def error(self, *names: str) -> tuple[str | None, str | None]:
        """(type, message) of an error told as text or as an object that has them; (None, None) for none."""
        name, value = self._named(names)
        kind = self.text("error_type")
        if isinstance(value, dict):
            inner = Fields(cast("Document", value), self._now)
            told = inner.text("message", "error", limit=ERROR_LIMIT)
            return kind or inner.text("type", "name", "code"), told
        if value is not None and not isinstance(value, str):
            raise ValidationError(f"{name} is text or an object with type and message, not {_kind(value)}.")
        message = cut(value, ERROR_LIMIT) if value and not value.isspace() else None
        return kind, message

    def rest(self) -> Document | None:
        """What nobody asked for, within the limits of ``model.limits``; None for nothing."""
        left = {name: value for name, value in self._values.items() if name not in self._used}
        return document_from(left)


def aware_time(name: str, value: object, now: datetime) -> datetime:
    """Aware UTC, from ISO 8601 or from seconds or milliseconds since 1970. Raises ValidationError naming the field."""
    found = time_of(value)
    if found is None:
        raise ValidationError(
            f"{name} is a time (ISO 8601, or seconds or milliseconds since 1970), not {_kind(value)}."
        )
    if not _FIRST <= found <= now + _AHEAD:
        raise ValidationError(f"{name} is {found:%Y-%m-%d}, which is before 2000 or still to come.")
    return found


def _kind(value: object) -> str:
    """What was given, without more of its content than a word: a wrong field may hold a secret."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return f"{value:.6g}" if abs(value) < 1e300 else "a huge number"
    if isinstance(value, str):
        return "text" if len(value) > 12 or not value.isalnum() else repr(value)
    return "a list" if isinstance(value, list) else "an object"
