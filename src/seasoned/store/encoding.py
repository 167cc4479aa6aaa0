"""How values stand in columns where the two engines differ, and back.

Invariant: what ``decode`` gives is what ``encode`` was given, on both engines, and on SQLite the text of a time sorts
as the time does. Nothing here knows a table or a driver.

* Times: aware UTC to the microsecond. SQLite: fixed-width ISO 8601 text with ``Z``, 27 characters; PostgreSQL:
  timestamptz. A naive time raises: it would silently mean another instant on another machine.
* Lists of text: JSON text on SQLite, ``text[]`` on PostgreSQL.
* Documents: JSON text on both; PostgreSQL keeps it as JSONB.
* Vectors: little-endian float32 bytes on SQLite, pgvector's text form on PostgreSQL.
"""

import re
import sys
from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import cast

import msgspec

__all__ = [
    "decode_list",
    "decode_time",
    "document_text",
    "jsonb_text",
    "list_text",
    "time_text",
    "to_utc",
    "vector_bytes",
    "vector_text",
]

_encode = msgspec.json.encode
_decode_list = msgspec.json.Decoder(tuple[str, ...]).decode


def to_utc(value: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a naive time."""
    if value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"naive time {value.isoformat()}: give it a time zone")
    return value.astimezone(UTC)


def time_text(value: datetime) -> str:
    """``2026-01-31T09:05:00.000000Z``: fixed width, sorts as the time does."""
    if value.tzinfo is not UTC:
        value = to_utc(value)
    return value.isoformat(timespec="microseconds")[:26] + "Z"


def decode_time(text: str) -> datetime:
    """The aware UTC time of ``time_text``."""
    return datetime.fromisoformat(text)


def list_text(values: Sequence[str]) -> str:
    """A list of texts as JSON."""
    return _encode(values).decode() if values else "[]"


def decode_list(text: str) -> tuple[str, ...]:
    """Inverse of ``list_text``."""
    return _decode_list(text) if text != "[]" else ()


def document_text(value: object) -> str:
    """JSON of a document; UTF-8, no spaces."""
    return _encode(value).decode()


_EXPONENT = re.compile(rb"[0-9]e[0-9]")


def jsonb_text(value: object) -> str:
    """As ``document_text``, for JSONB, which keeps numbers as decimals: ``1e308`` would come back as a whole number of
    309 digits. Written out with its ``.0`` it comes back as the float that it was."""
    data = _encode(value)
    return (_encode(_written_out(value)) if _EXPONENT.search(data) else data).decode()


def _written_out(value: object) -> object:
    if isinstance(value, dict):
        return {key: _written_out(item) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_written_out(item) for item in cast("list[object]", value)]
    if isinstance(value, float) and abs(value) >= _SHORT and isfinite(value):
        return msgspec.Raw(f"{value:.1f}".encode())
    return value


_SHORT = 1e16
"""From here on JSON encoders write a float with an exponent."""


def vector_bytes(vector: Iterable[float]) -> bytes:
    """``vector`` as little-endian float32."""
    try:
        view = memoryview(vector)  # pyright: ignore[reportArgumentType]  # numpy arrays are buffers, lists are not
    except TypeError:
        return _packed(vector)
    if view.format == "f" and view.c_contiguous and sys.byteorder == "little":
        return view.tobytes()
    return _packed(vector)


def _packed(vector: Iterable[float]) -> bytes:
    numbers = array("f", [float(x) for x in vector])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def vector_text(data: bytes) -> str:
    """pgvector's text form of little-endian float32 bytes; exact, as a float32's repr names only that float32."""
    numbers = array("f", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return "[" + ",".join(map(repr, numbers)) + "]"
