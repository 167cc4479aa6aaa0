"""JSON as text: where a value stands, and how a member or an item comes in or goes out without moving anything else.

Only the containers on the way to a place are walked; what lies beside is skipped by the standard library's decoder, so
that a file of some megabytes costs a fraction of a second. Comments, where the agent allows them, are blanked out for
reading (same length, so that places hold) and stay in the text.

A new member takes the layout of its siblings: their indentation, or their one line; their line ends.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, cast

from seasoned.agents.edits import Splice
from seasoned.errors import InputError

__all__ = ["Append", "Edit", "Insert", "Path", "Remove", "Replace", "changed_value", "read_json", "splice_json"]

Path = tuple[str | int, ...]
"""Keys and positions from the root to a value."""

_COMMENT_OR_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_BLANK = re.compile(r"[ \t\r\n]*")
_UNIT = "  "
"""Indentation where the text shows none. As the agents themselves write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """Members added at the end of an object. None of the names stands in it yet."""

    path: Path
    members: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """An item added at the end of an array."""

    path: Path
    item: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Another value in place of the one there."""

    path: Path
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """A member or an item taken out."""

    path: Path


Edit = Insert | Append | Replace | Remove


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A member or an item: it starts at its name, or at its value where it has none."""

    name: str | int
    start: int
    value_start: int
    end: int
    value: object


def read_json(text: str, *, comments: bool) -> object:
    """The value that the text holds; an empty object for a blank one. Raises InputError with line and column."""
    plain = _without_comments(text) if comments else text
    start = _after_blank(plain, 0)
    if start == len(plain):
        return {}
    value, end = _value_at(plain, start)
    if _after_blank(plain, end) != len(plain):
        _refuse(plain, _after_blank(plain, end), "nothing may follow the value")
    return value


def splice_json(text: str, edit: Edit, *, comments: bool) -> Splice:
    """The splice that makes one edit. Raises InputError for a text that is no JSON, or holds a key on the way twice;
    KeyError for a place that is not there."""
    plain = _without_comments(text) if comments else text
    if not plain.strip(" \t\r\n"):
        if not isinstance(edit, Insert) or edit.path:
            raise KeyError(edit.path)
        newline = _line_end(text)
        rendered = json.dumps(dict(edit.members), indent=_UNIT, ensure_ascii=False).replace("\n", newline)
        only_comments = text.rstrip(" \t\r\n") + newline if plain != text else ""
        return Splice(start=0, removed=text, inserted=only_comments + rendered + newline)
    layout = _Layout(text, plain)
    match edit:
        case Insert(path=path, members=members):
            return layout.added(layout.find(path), members)
        case Append(path=path, item=item):
            return layout.added(layout.find(path), (item,))
        case Replace(path=path, value=value):
            return layout.replaced(layout.part(path), value)
        case Remove(path=path):
            return layout.removed(layout.find(path[:-1]), path[-1])


def changed_value(value: object, edit: Edit) -> object:
    """The value with the edit made: what the edited text must read as. The given value is changed."""
    holder = value
    way = edit.path if isinstance(edit, Insert | Append) else edit.path[:-1]
    for step in way:
        holder = cast("dict[str | int, object]", holder)[step]
    match edit:
        case Insert(members=members):
            cast("dict[str, object]", holder).update(members)
        case Append(item=item):
            cast("list[object]", holder).append(item)
        case Replace(path=path, value=new):
            cast("dict[str | int, object]", holder)[path[-1]] = new
        case Remove(path=path):
            del cast("dict[str | int, object]", holder)[path[-1]]
    return value


class _Layout:
    """One text, its reading copy, and how it is laid out."""

    def __init__(self, text: str, plain: str) -> None:
        self._text = text
        self._plain = plain
        self._newline = _line_end(text)
        root = self._parts(_after_blank(plain, 0))
        self._spread = not root or "\n" in plain[_after_blank(plain, 0) + 1 : root[0].start]
        self._unit = self._indent(root[0].start) if root and self._spread else ""
        self._unit = self._unit or _UNIT

    def find(self, path: Path) -> int:
        """Where the value at the path starts."""
        return self.part(path).value_start if path else _after_blank(self._plain, 0)

    def part(self, path: Path) -> _Part:
        """The member or item at the path, which is not empty."""
        start = _after_blank(self._plain, 0)
        found: _Part | None = None
        for step in path:
            same = [part for part in self._parts(start) if part.name == step]
            if not same:
                raise KeyError(path)
            if len(same) > 1:
                _refuse(self._plain, same[1].start, f"the key {step!r} stands there twice")
            found = same[0]
            start = found.value_start
        assert found is not None
        return found

    def added(self, start: int, new: Mapping[str, object] | Sequence[object]) -> Splice:
        """A splice that puts members, or items, behind the last one."""
        parts = self._parts(start)
        close = _value_at(self._plain, start)[1] - 1
        if parts:
            last = parts[-1].end
            spread = "\n" in self._plain[start + 1 : parts[0].start] or "\n" in self._text[last:close]
            indent = self._indent(parts[-1].start) if spread else ""
            between = (
                self._text[last:close].rstrip(" \t\r\n") if self._plain[last:close] != self._text[last:close] else ""
            )
            joint = self._newline + indent if spread else self._joint(parts)
            rows = [self._rendered(name, value, indent, spread=spread) for name, value in _pairs(new)]
            inserted = "," + between + joint + ("," + joint).join(rows)
            return Splice(start=last, removed=between, inserted=inserted)
        inner = self._text[start + 1 : close]
        outer = self._indent(start)
        if not self._spread:
            rows = [self._rendered(name, value, "", spread=False) for name, value in _pairs(new)]
            return Splice(
                start=start + 1, removed=inner, inserted=self._ended(inner.rstrip(" \t\r\n")) + ",".join(rows)
            )
        indent = outer + self._unit
        rows = [
            self._newline + indent + self._rendered(name, value, indent, spread=True) for name, value in _pairs(new)
        ]
        inserted = inner.rstrip(" \t\r\n") + ",".join(rows) + self._newline + outer
        return Splice(start=start + 1, removed=inner, inserted=inserted)

    def replaced(self, part: _Part, value: object) -> Splice:
        """A splice that puts another value where the part's stands."""
        old = self._text[part.value_start : part.end]
        new = self._dumped(value, self._indent(part.start), spread="\n" in old)
        return Splice(start=part.value_start, removed=old, inserted=new)

    def removed(self, start: int, name: str | int) -> Splice:
        """A splice that takes a part out, with the comma and the blanks that came with it. Comments stay."""
        parts = self._parts(start)
        at = next((index for index, part in enumerate(parts) if part.name == name), None)
        if at is None:
            raise KeyError(name)
        part = parts[at]
        close = _value_at(self._plain, start)[1] - 1
        before = parts[at - 1].end if at else start + 1
        behind = parts[at + 1].start if at + 1 < len(parts) else close
        if len(parts) == 1:
            head, tail = self._text[before : part.start], self._text[part.end : close]
            kept = head.rstrip(" \t\r\n") + tail if (head + tail).strip() else ""
            return self._cut(before, close, kept)
        gap = self._text[before : part.start]
        commented = gap != self._plain[before : part.start]
        if at and not (commented and at + 1 < len(parts)):
            comma = self._plain.index(",", before) - before
            kept = (gap[:comma] + gap[comma + 1 :]).rstrip(" \t\r\n") if commented else ""
            return self._cut(before, part.end, kept)
        gap = self._text[part.end : behind]
        comma = self._plain.index(",", part.end) - part.end
        return self._cut(part.start, behind, (gap[:comma] + gap[comma + 1 :]).lstrip(" \t\r\n"))

    def _cut(self, start: int, end: int, kept: str) -> Splice:
        if self._text[end : end + 1] not in ("\r", "\n"):
            kept = self._ended(kept)
        return Splice(start=start, removed=self._text[start:end], inserted=kept)

    def _ended(self, kept: str) -> str:
        """A gap's comments, ended so that they do not take in what follows."""
        return kept + self._newline if "//" in kept.rpartition("\n")[2] else kept

    def _parts(self, start: int) -> list[_Part]:
        """What the container at ``start`` holds; nothing for any other value."""
        plain, named = self._plain, self._plain[start] == "{"
        parts: list[_Part] = []
        if plain[start] not in "{[":
            return parts
        at = _after_blank(plain, start + 1)
        while plain[at] not in "}]":
            begin = at
            name: str | int = len(parts)
            if named:
                key, at = _value_at(plain, at)
                name = str(key)
                at = _after_blank(plain, _after_blank(plain, at) + 1)
            value, end = _value_at(plain, at)
            parts.append(_Part(name=name, start=begin, value_start=at, end=end, value=value))
            at = _after_blank(plain, end)
            if plain[at] == ",":
                at = _after_blank(plain, at + 1)
        return parts

    def _indent(self, at: int) -> str:
        """The blanks that the line of ``at`` begins with."""
        line = self._text.rfind("\n", 0, at) + 1
        blank = re.compile(r"[ \t]*").match(self._text, line)
        return blank[0] if blank else ""

    def _joint(self, parts: Sequence[_Part]) -> str:
        """The blanks after a comma, where parts stand on one line."""
        if len(parts) < 2:
            return "" if not self._spread else " "
        comma = self._plain.index(",", parts[0].end)
        return self._plain[comma + 1 : parts[1].start]

    def _rendered(self, name: str | None, value: object, indent: str, *, spread: bool) -> str:
        text = self._dumped(value, indent, spread=spread)
        if name is None:
            return text
        colon = ": " if spread or self._spread else ":"
        return json.dumps(name, ensure_ascii=False) + colon + text

    def _dumped(self, value: object, indent: str, *, spread: bool) -> str:
        if not spread:
            separators = (", ", ": ") if self._spread else (",", ":")
            return json.dumps(value, ensure_ascii=False, separators=separators)
        return json.dumps(value, ensure_ascii=False, indent=self._unit).replace("\n", self._newline + indent)


def _pairs(new: Mapping[str, object] | Sequence[object]) -> list[tuple[str | None, object]]:
    if isinstance(new, Mapping):
        return list(new.items())
    return [(None, value) for value in new]


def _line_end(text: str) -> str:
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def _without_comments(text: str) -> str:
    """The text with blanks in place of comments, as long as before."""

    def blanked(match: re.Match[str]) -> str:
        return match[0] if match[0].startswith('"') else re.sub(r"[^\r\n]", " ", match[0])

    return _COMMENT_OR_STRING.sub(blanked, text)


def _after_blank(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _value_at(text: str, start: int) -> tuple[object, int]:
    """The value that begins at ``start`` and the place behind it. Raises InputError."""
    try:
        return cast("tuple[object, int]", _DECODER.raw_decode(text, start))
    except json.JSONDecodeError as error:
        _refuse(text, error.pos, error.msg)
    except RecursionError as error:
        raise InputError(f"{_place(text, start)}: values are nested too deeply.") from error
    except ValueError as error:
        raise InputError(f"{_place(text, start)}: {error}.") from error


def _place(text: str, at: int) -> str:
    line = text.count("\n", 0, at) + 1
    return f"line {line}, column {at - text.rfind(chr(10), 0, at)}"


def _refuse(text: str, at: int, what: str) -> NoReturn:
    raise InputError(f"{_place(text, at)}: {what[:1].lower()}{what[1:].rstrip('.')}.")
