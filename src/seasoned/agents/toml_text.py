"""One table of a TOML file as text: added at the end, replaced or taken out; nothing else of the file is touched.

A table at the end of a file means the same wherever the file ends, so adding needs no parser of the layout, only the
standard library's of the values, which then says whether the text means what it should. The rest goes by statements, a
header or a key with its whole value, as a value may hold lines that look like headers. A table is taken out from its
header to its last key, with all tables below it (a client keeps what was allowed to a server there; alone they would be
an incomplete server, and the client would not start).
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from seasoned.agents.edits import Splice
from seasoned.errors import InputError

__all__ = ["read_toml", "splice_table", "without_table"]

# A string of three quotes may end with up to two of its own: five in a row.
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:\'{0,2})|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


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
    of the table stay. ``text`` is one that ``read_toml`` takes.

    Raises InputError where that cannot be done: its parent is written in one line (``a = {…}``), or the table is.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    rows = [f"{key} = {_value(value)}" for key, value in values.items()]
    ranges = _ranges(text, path)
    if ranges:
        start, end = ranges[0]
        header, *old = (text[begin:stop] for begin, stop, _ in _statements(text) if start <= begin < end)
        kept = [each for each in old if not values.keys() & read_toml(each).keys()]  # what the user or the client set
        block = newline.join((header.rstrip("\r\n"), *rows, "")) + "".join(kept)
        block = block if text.endswith("\n", start, end) else block.removesuffix(newline)
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
        # The blank line that set the table off goes with it, unless it sets off what stands around.
        begin = start
        if end == len(text) or text.startswith(("\n", "\r\n"), end):
            head = text[:start]
            begin -= 2 if head.endswith("\n\r\n") else 1 if head.endswith("\n\n") else 0
        splices.append(Splice(start=begin, removed=text[begin:end], inserted=""))
    return splices


def _ranges(text: str, path: Sequence[str], *, below: bool = False) -> list[tuple[int, int]]:
    """From each header of the table to behind its last key; what adjoins is one."""
    found: list[tuple[int, int]] = []
    ours = False
    for start, end, kind in _statements(text):
        if kind == "header":
            name = _name(text[start:end])
            ours = name == list(path) or (below and name[: len(path)] == list(path))
            if ours and found and found[-1][1] == start:
                found[-1] = (found[-1][0], end)
            elif ours:
                found.append((start, end))
        elif ours and kind == "key":
            found[-1] = (found[-1][0], end)
    return found


def _statements(text: str) -> Iterator[tuple[int, int, str]]:
    """Each header, each key with its whole value, and each blank line or comment between them: start, end, kind."""
    start = end = depth = 0
    kind = ""
    for match in _LINE.finditer(_masked(text)):
        line = match[0]
        end += len(line)
        if not depth:
            said = line.strip()
            kind = "header" if said.startswith("[") else "key" if said else "blank"
        depth += sum(map(line.count, "[{")) - sum(map(line.count, "]}"))
        if not depth:
            yield start, end, kind
            start = end


def _name(header: str) -> list[str]:
    value: object = tomllib.loads(header)
    keys: list[str] = []
    while value:
        if isinstance(value, list):
            value = cast("list[object]", value)[-1]
            continue
        key, value = next(iter(cast("dict[str, object]", value).items()))
        keys.append(key)
    return keys


def _masked(text: str) -> str:
    """The text, as long as before, with comments blanked out and nothing of what strings hold: each line end and each
    bracket in it is one of the file's own."""

    def masked(match: re.Match[str]) -> str:
        return re.sub(r"[^\r]", " ", match[0]) if match[0].startswith("#") else "_" * len(match[0])

    return _STRING.sub(masked, text)


def _value(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "[" + ", ".join(_value(each) for each in value) + "]"
