"""JSON documents: what a file's head says of its shape, and reading a large one piece by piece.

``outline`` answers recognition: it walks the first kilobytes, which may end anywhere, and names the keys that it meets
on the way, so that an importer can ask "an array of objects with ``traj`` and ``reward``?" without parsing.

``members`` reads a document whose bulk is one long array. Elements are decoded one at a time from a sliding window,
so that memory holds the largest element, not the file. A damaged element costs itself: reading goes on at the next
place that looks like the beginning of its neighbours.
"""

import codecs
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO, cast

from seasoned.capture.jsonl import open_source
from seasoned.capture.port import Report, Source
from seasoned.errors import InputError, UnreadableFileError

__all__ = ["members", "outline", "whole"]

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}:,]', re.DOTALL)
_DEPTH = 5
_CHUNK = 1024 * 1024
_LARGEST = 64 * 1024 * 1024
"""Characters of one element. As ``jsonl.MAX_LINE``."""
_BLANK = re.compile(r"[ \t\r\n\0\ufeff]*")


@lru_cache(maxsize=4)
def outline(head: bytes) -> frozenset[str]:
    """Paths of the keys in the first JSON value of ``head``, five levels deep: ``{"info", "info.task", "steps[].id"}``.

    The keys of a top-level array's objects begin with ``[].``. Empty for what begins with no object or array. Never
    raises.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if start[:1] not in (b"{", b"["):
        return frozenset()
    found: set[str] = set()
    stack: list[str] = []
    last = key = ""
    for match in _TOKEN.finditer(start):
        token = match[0]
        if token in (b"{", b"["):
            # Deeper paths are not told, and one for each of 60 000 brackets would take their square.
            path = _join(stack[-1] if stack else "", key) if len(stack) <= _DEPTH else ""
            stack.append(path + "[]" if token == b"[" else path)
            key = ""
        elif token in (b"}", b"]"):
            stack.pop()
            key = ""
            if not stack:
                break
        elif token == b":":
            if len(stack) <= _DEPTH:
                found.add(_join(stack[-1], last))
            key = last
        elif token == b",":
            key = ""
        else:
            last = token[1:-1].decode("utf-8", "replace")
    return frozenset(found)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path and key else path or key


def whole(source: Source) -> bytes:
    """All bytes of a document that has to be parsed at once."""
    with open_source(source.path) as file:
        try:
            return file.read(source.size)
        except OSError as error:
            raise UnreadableFileError(f"{source.path}: {error.strerror or error}") from error


def members(source: Source, report: Report, *, stream: str) -> Iterator[tuple[str, object]]:
    """(key, value) of each member of a top-level object, in file order.

    Where the value of ``stream`` is an array, each of its elements comes alone, under the same key; so do the elements
    of a top-level array. What cannot be decoded is noted. Raises InputError when the file begins with neither.
    """
    with open_source(source.path) as file:
        window = _Window(file, source)
        opening = window.peek()
        if opening == "[":
            for element in _elements(window, report, ""):
                yield stream, element
            return
        if opening != "{":
            raise InputError(f"{source.path}: neither a JSON object nor an array")
        window.skip(1)
        while (mark := window.peek()) not in ("}", ""):
            if mark == ",":
                window.skip(1)
                continue
            try:
                key = window.value()
                if window.peek() != ":":
                    raise _DamagedError("a member without a value", window.at)
                window.skip(1)
                if key == stream and window.peek() == "[":
                    for element in _elements(window, report, stream):
                        yield stream, element
                elif isinstance(key, str):
                    yield key, window.value()
            except _DamagedError as damage:
                report.skip(f"character {window.before + damage.at}", damage.reason)
                return
        if mark == "":
            report.skip(f"character {window.before + window.at}", "cut off at the end of the file")


def _elements(window: "_Window", report: Report, name: str) -> Iterator[object]:
    """Elements up to the array's end; once one was damaged, up to where no further one begins.

    A bracket behind a damaged element can be its own, so that it no longer says that the array is over.
    """
    window.skip(1)
    number = 0
    first_key: str | None = None
    damaged = False
    while (mark := window.peek()) != "]" or damaged:
        if mark == ",":
            window.skip(1)
            continue
        place = f"{name}[{number}]"
        number += 1
        try:
            if mark == "" and damaged:
                return
            if mark == "":
                raise _DamagedError("cut off at the end of the file", window.at)
            if damaged and mark != "{":
                raise _DamagedError("", window.at + 1)
            element = window.value()
        except _DamagedError as damage:
            if damage.reason:
                report.skip(place, damage.reason)
            damaged = True
            if first_key is None or not window.seek_object(first_key, damage.at):
                window.skip_all()
                return
        else:
            if first_key is None and isinstance(element, dict) and element:
                first_key = str(next(iter(cast("dict[str, object]", element))))
            report.records += 1
            yield element
    window.skip(1)


class _DamagedError(Exception):
    """The text is no JSON from ``at`` on."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


class _Window:
    """The part of a text file that is being decoded."""

    def __init__(self, file: BinaryIO, source: Source) -> None:
        self._file = file
        self._path = source.path
        self._left = source.size
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._json = json.JSONDecoder(strict=False)
        self._text = ""
        self.at = 0
        """Where reading stands in the window."""
        self.before = 0
        """Characters before the window."""

    def peek(self) -> str:
        """The next character that is not blank, where reading then stands; "" at the end."""
        while True:
            self.at = cast("re.Match[str]", _BLANK.match(self._text, self.at)).end()
            if self.at < len(self._text):
                return self._text[self.at]
            if not self._more():
                return ""

    def skip(self, count: int) -> None:
        self.at += count

    def skip_all(self) -> None:
        self.at = len(self._text)
        self._left = 0

    def value(self) -> object:
        """The JSON value that begins here; reading stands behind it afterwards. Raises _DamagedError."""
        self.peek()
        while True:
            try:
                value, self.at = self._json.raw_decode(self._text, self.at)
            except json.JSONDecodeError as error:
                # A value that the window cuts fails at the window's end, or as a string that never ends.
                open_end = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - 8
                if not open_end:
                    raise _DamagedError("no JSON", self.at + 1) from error
                if len(self._text) - self.at > _LARGEST:
                    raise _DamagedError(f"longer than {_LARGEST >> 20} million characters", self.at + 1) from error
                if not self._more():
                    raise _DamagedError("cut off at the end of the file", self.at + 1) from error
            except (ValueError, RecursionError) as error:
                raise _DamagedError("nested too deeply or a number too long", self.at + 1) from error
            else:
                return value

    def seek_object(self, first_key: str, at: int) -> bool:
        """Go to the next object behind ``at`` that begins with this key.

        ``at`` is just behind the beginning of the damaged element: where its end is missing, the error shows up only
        inside its neighbour.
        """
        start = re.compile(r"\{\s*" + re.escape(json.dumps(first_key)) + r"\s*:")
        self.at = at
        while True:
            found = start.search(self._text, self.at)
            if found:
                self.at = found.start()
                return True
            self.at = max(self.at, len(self._text) - 200)
            if not self._more():
                return False

    def _more(self) -> bool:
        """Drop what is behind, read on; as much again as is left, so that a long value is tried few times."""
        kept = len(self._text) - self.at
        try:
            block = self._file.read(min(self._left, max(_CHUNK, kept)))
        except OSError as error:
            raise UnreadableFileError(f"{self._path}: {error.strerror or error}") from error
        self._left -= len(block)
        self.before += self.at
        self._text, self.at = self._text[self.at :] + self._decode(block, final=not block), 0
        return bool(block)
