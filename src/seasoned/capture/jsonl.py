"""Reading line-oriented JSON from files that nobody promised to be whole.

Every blemish seen in real histories is met here once, so that importers see only records: torn last lines, lines of
many megabytes, byte-order marks, NULs where a file system lost a block, bytes that are not UTF-8, lone surrogates,
records of another shape. A line that cannot be used is noted with its number and a reason and does not cost its
neighbours. Memory holds one line at a time.
"""

import json
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

import msgspec

from seasoned.capture.port import Report, Source
from seasoned.errors import UnreadableFileError

__all__ = ["MAX_LINE", "Line", "as_utf8_json", "open_source", "records"]

MAX_LINE = 64 * 1024 * 1024
"""Bytes. The largest honest line seen holds one pasted image, below 10 MB."""

T = TypeVar("T")


class Line(msgspec.Struct, Generic[T], frozen=True):
    """One usable record."""

    record: T
    number: int
    """From 1 at the byte where reading began; 0-based offsets are in ``start``."""
    start: int
    """Byte at which the line begins."""
    end: int
    """Byte behind it."""


def open_source(path: Path) -> BinaryIO:
    """The file, opened for reading. Raises UnreadableFileError with the system's reason."""
    try:
        return path.open("rb", buffering=1024 * 1024)
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error


def records(source: Source, report: Report, decoder: msgspec.json.Decoder[T]) -> Iterator[Line[T]]:
    """Each record from ``source.resume`` (or the start) up to ``source.size``.

    ``decoder``'s type must be tolerant: a record that it refuses is skipped with msgspec's reason, which names types
    and places but never content. A last line without a line end is used when it is whole JSON, else left for the next
    import.
    """
    position = source.resume.offset if source.resume else 0
    decode = decoder.decode
    with open_source(source.path) as file:
        file.seek(position)
        number = 0
        while position < source.size:
            try:
                line = file.readline(min(MAX_LINE, source.size - position))
            except OSError as error:
                raise UnreadableFileError(f"{source.path}: byte {position}: {error.strerror or error}") from error
            if not line:
                break
            number += 1
            start, position = position, position + len(line)
            whole = line.endswith(b"\n")
            if not whole and len(line) == MAX_LINE:
                position = _skip_line(file, position, source.size)
                report.skip(f"line {number}", f"longer than {MAX_LINE >> 20} MB")
                continue
            try:
                record = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if not line.strip(b" \t\r\n\0\xef\xbb\xbf"):
                    continue
                if not whole and not isinstance(error, msgspec.ValidationError):
                    report.skip(f"line {number}", "cut off at the end of the file; read again when it has grown")
                    return
                repaired = as_utf8_json(line)
                if repaired is None:
                    report.skip(f"line {number}", _reason(error))
                    continue
                try:
                    record = decode(repaired)
                except msgspec.DecodeError as second:
                    report.skip(f"line {number}", _reason(second))
                    continue
            except RecursionError:
                report.skip(f"line {number}", "nested too deeply")
                continue
            report.records += 1
            yield Line(record, number, start, position)


def as_utf8_json(data: bytes) -> bytes | None:
    """The JSON text with what strict decoders refuse replaced: BOM, bad UTF-8, lone surrogates, NULs around it, NaN.

    None when it is no JSON even so.
    """
    text = data.decode("utf-8", "replace").strip("\ufeff\0 \t\r\n")
    try:
        value = json.loads(text, strict=False, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return None


def _no_number(_name: str) -> None:
    """``NaN`` and ``Infinity``, which Python writes and JSON does not have."""


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if isfinite(number) else None


def _reason(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"record of an unexpected shape: {error}"
    return "no JSON" if not isinstance(error, UnicodeDecodeError) else "not UTF-8"


def _skip_line(file: BinaryIO, position: int, size: int) -> int:
    while position < size:
        block = file.readline(min(MAX_LINE, size - position))
        position += len(block)
        if not block or block.endswith(b"\n"):
            break
    return position
