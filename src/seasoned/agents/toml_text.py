"""One table of a TOML file as text: added at the end, replaced or taken out; nothing else of the file is touched.

A table at the end of a file means the same wherever the file ends, so adding needs no parser of the layout, only the
standard library's of the values, which then says whether the text means what it should. Taking out goes by lines: from
the table's header to its last line, and all tables below it (a client keeps what was allowed to a server there; alone
they would be an incomplete server, and the client would not start).
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import cast

from seasoned.agents.edits import Splice
from seasoned.errors import InputError

__all__ = ["read_toml", "splice_table", "without_table"]

_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HEADER = re.compile(r"[ \t]*\[\[?([^\n]*?)\]\]?[ \t]*(?:#[^\n]*)?\r?$")


def read_toml(text: str) -> dict[str, object]:
    """The values of a text. Raises InputError with line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{str(error)[:1].lower()}{str(error)[1:]}.") from error
    except RecursionError as error:
        raise InputError("values are nested too deeply.") from error


def splice_table(text: str, path: Sequence[str], values: Mapping[str, str | Sequence[str]]) -> Splice:
    """The splice that gives the table at ``path`` these values, in place where it stands, else at the end. Other keys
    of the table stay.

    Raises InputError where that cannot be done: its parent is written in one line (``a = {…}``), or the table is.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    rows = [f"{key} = {_value(value)}" for key, value in values.items()]
    ranges = _ranges(text, path)
    if ranges:
        start, end = ranges[0]
        header, *old = text[start:end].splitlines()
        key = re.compile(rf"[ \t]*(?:{'|'.join(map(re.escape, values))})[ \t]*=")
        kept = [line for line in old if not key.match(line)]  # what the user or the client set beside
        block = newline.join((header, *rows, *kept))
        block += "" if end == len(text) and not text.endswith("\n") else newline
        splice = Splice(start=start, removed=text[start:end], inserted=block)
    else:
        begin = "" if not text else newline if text.endswith("\n") else newline * 2
        header = f"[{'.'.join(path)}]"
        splice = Splice(start=len(text), removed="", inserted=begin + newline.join((header, *rows)) + newline)
    changed = text[: splice.start] + splice.inserted + text[splice.start + len(splice.removed) :]
    try:
        tomllib.loads(changed)
    except tomllib.TOMLDecodeError as error:
        name = ".".join(path[:-1])
        raise InputError(
            f"{name} is not written as tables ([{name}.NAME]), so that none can be added: {error}."
        ) from error
    return splice


def without_table(text: str, path: Sequence[str]) -> list[Splice]:
    """The splices that take the table at ``path`` out, with those below it; none where it has no header of its own."""
    splices: list[Splice] = []
    for start, end in reversed(_ranges(text, path, below=True)):
        # The blank line that set the table off goes with it, where it was the last one.
        begin = start
        if end == len(text):
            head = text[:start]
            begin -= 2 if head.endswith("\r\n\r\n") else 1 if head.endswith("\n\n") else 0
        splices.append(Splice(start=begin, removed=text[begin:end], inserted=""))
    return splices


def _ranges(text: str, path: Sequence[str], *, below: bool = False) -> list[tuple[int, int]]:
    """From each header of the table to behind its last line that says something."""
    found: list[tuple[int, int]] = []
    begin: int | None = None
    said = at = 0
    for match in _LINE.finditer(_plain(text)):
        line = match[0]
        header = _HEADER.match(line.rstrip("\n")) if line.lstrip(" \t").startswith("[") else None
        name = _name(text[at : at + len(line)]) if header else None
        if name is not None:
            if begin is not None:
                found.append((begin, said))
            ours = name == list(path) or (below and name[: len(path)] == list(path))
            begin = at if ours else None
        at += len(line)
        if line.strip():
            said = at
    if begin is not None:
        found.append((begin, said))
    return found


def _name(line: str) -> list[str] | None:
    """The keys of a header; None for what only looks like one (an array's continuation)."""
    try:
        value: object = tomllib.loads(line.strip())
    except tomllib.TOMLDecodeError:
        return None
    keys: list[str] = []
    while value:
        if isinstance(value, list):
            value = cast("list[object]", value)[-1]
            continue
        key, value = next(iter(cast("dict[str, object]", value).items()))
        keys.append(key)
    return keys


def _plain(text: str) -> str:
    """The text with comments blanked out, and line ends within strings, so that each line is one of the file's."""

    def blanked(match: re.Match[str]) -> str:
        if match[0].startswith("#"):
            return re.sub(r"[^\r]", " ", match[0])
        return re.sub(r"[\r\n]", " ", match[0])

    return _STRING.sub(blanked, text)


def _value(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "[" + ", ".join(_value(each) for each in value) + "]"
