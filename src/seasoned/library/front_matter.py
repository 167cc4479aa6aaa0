"""The YAML block at the top of a Markdown file, read as text of strangers and changed line by line.

Invariant: reading runs nothing and costs no more than the text is long: depth and numbers of nodes are counted node by
node while they are read, and anchors, aliases and tags are refused, so that no text of a few lines unfolds into
gigabytes. Entries keep the lines that they were written in, comments and all; writing changes only the lines
of the keys whose value changed, because a person's file must come back as the person left it.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import yaml

from seasoned.errors import InputError
from seasoned.model import Document

__all__ = ["Entry", "FrontMatter", "entry_lines", "read_front_matter", "split_front_matter", "write_front_matter"]

_FENCE = "---"
_BYTES, _DEPTH, _NODES = 64 * 1024, 12, 4_000
_LINE_END = re.compile("(?<=[\n\x85\u2028\u2029])")
"""Where YAML 1.1 ends a line."""
_ALLOWED = "front matter is `key: value` lines between two lines `---`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key at the top level."""

    key: str
    line: int
    """Where it stands in the file, from 1."""
    raw: str
    """Its lines as written, with the comments and empty lines that follow it; ends in a newline."""
    value: object
    """As YAML reads it, in JSON's types; dates as ISO texts."""
    scalar: str | None
    """The text of a plain value, whatever YAML makes of it (``no``, ``1.10`` and ``0123`` are names too)."""
    after: str = ""
    """The end of ``raw``: comments and empty lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """All of it, in order."""

    head: str = ""
    """Comments before the first key."""
    entries: tuple[Entry, ...] = ()

    def get(self, key: str) -> Entry | None:
        """The entry of this key."""
        return next((each for each in self.entries if each.key == key), None)

    def document(self) -> Document:
        """Keys and values."""
        return {each.key: each.value for each in self.entries}


class _Loader(yaml.SafeLoader):
    """The safe loader, which builds plain values only, within our bounds. Raises InputError outside them."""

    def __init__(self, block: str, place: str, first_line: int) -> None:
        super().__init__(block)
        self._place, self._first_line = place, first_line
        self._depth = self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = cast("yaml.Event", self.peek_event())  # pyright: ignore[reportUnknownMemberType]
        where = f"{self._place}:{self._first_line + event.start_mark.line}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(
                f"{where}: YAML anchors and aliases (& and *) are not taken; write the value out, or quote it."
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise InputError(f"{where}: YAML tags (such as {str(tag)[:40]!r}) are not taken; write a plain value.")
        self._nodes += 1
        if self._nodes > _NODES:
            raise InputError(f"{where}: the front matter holds more than {_NODES:,} values.")
        if self._depth > _DEPTH:
            raise InputError(f"{where}: the front matter is nested deeper than {_DEPTH} levels.")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def split_front_matter(text: str, place: str) -> tuple[str | None, str, int]:
    """The YAML between the fences (None: there is none), what stands below it, and on which line that begins.

    Raises InputError where the block is begun and not ended."""
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        return None, text, 1
    for number, line in enumerate(lines[1:], 2):
        if line.rstrip() in {_FENCE, "..."}:
            return "".join(f"{each}\n" for each in lines[1 : number - 1]), "\n".join(lines[number:]), number + 1
    raise InputError(f"{place}:1: the front matter is not ended by a line `---`; {_ALLOWED}.")


def read_front_matter(block: str, place: str, *, first_line: int = 2) -> FrontMatter:
    """The entries of a block. ``place`` is the file as messages name it. Raises InputError with file and line."""
    if len(block.encode("utf-8", "surrogatepass")) > _BYTES:
        raise InputError(f"{place}:{first_line}: the front matter is larger than {_BYTES // 1024} KiB.")
    try:
        loader = _Loader(block, place, first_line)
        try:
            root = loader.get_single_node()
            if root is None:
                return FrontMatter(head=block)
            if not isinstance(root, yaml.MappingNode):
                raise InputError(f"{place}:{first_line}: {_ALLOWED}, not a list or a single value.")
            return _entries(block, root, loader, place, first_line)
        finally:
            loader.dispose()  # pyright: ignore[reportUnknownMemberType]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark is not None else 0)
        problem = (error.problem or error.context or "cannot be read").replace("\n", " ")
        raise InputError(
            f"{place}:{line}: the front matter is no YAML: {problem}. Texts with `: ` or `#` need quotes."
        ) from error
    except yaml.YAMLError as error:
        raise InputError(f"{place}:{first_line}: the front matter is no YAML: {str(error).splitlines()[0]}.") from error


def _entries(block: str, root: yaml.MappingNode, loader: _Loader, place: str, first_line: int) -> FrontMatter:
    if root.flow_style:
        raise InputError(f"{place}:{first_line + root.start_mark.line}: {_ALLOWED}, not {{…}} on one line.")
    if root.start_mark.column:
        raise InputError(
            f"{place}:{first_line + root.start_mark.line}: the keys of the front matter begin at the edge."
        )
    lines = [line for line in _LINE_END.split(block) if line]
    pairs = cast("list[tuple[yaml.Node, yaml.Node]]", root.value)
    starts = [key.start_mark.line for key, _ in pairs]
    found: list[Entry] = []
    known: dict[str, int] = {}
    for number, (key, node) in enumerate(pairs):
        line = first_line + starts[number]
        if not isinstance(key, yaml.ScalarNode):
            raise InputError(f"{place}:{line}: a key of the front matter must be a word.")
        name = str(key.value)
        if name in known:
            raise InputError(f"{place}:{line}: {name!r} stands twice, first on line {known[name]}; once is allowed.")
        known[name] = line
        own = lines[starts[number] : starts[number + 1] if number + 1 < len(pairs) else len(lines)]
        body = max(1, min(_last_line(node) + 1 - starts[number], len(own)))
        try:
            value = _plain(cast("object", loader.construct_object(node, deep=True)))  # pyright: ignore[reportUnknownMemberType]
        except (ValueError, OverflowError, RecursionError) as error:
            raise InputError(f"{place}:{line}: {name}: {error}.") from error
        found.append(
            Entry(
                key=name,
                line=line,
                raw="".join(own),
                value=value,
                scalar=str(node.value) if isinstance(node, yaml.ScalarNode) and not _is_null(node) else None,
                after="".join(own[body:]),
            )
        )
    return FrontMatter(head="".join(lines[: starts[0]] if starts else lines), entries=tuple(found))


def _last_line(node: yaml.Node) -> int:
    """The last line of a value's own text. A collection in block style reaches, for YAML, to the next key."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = cast("yaml.Node | tuple[yaml.Node, yaml.Node]", node.value[-1])
        return _last_line(last[1] if isinstance(last, tuple) else last)
    return node.end_mark.line - (node.end_mark.column == 0 and node.end_mark.line > node.start_mark.line)


def _is_null(node: yaml.ScalarNode) -> bool:
    return node.tag == "tag:yaml.org,2002:null"


def _plain(value: object) -> object:
    """In JSON's types."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in cast("Sequence[object]", value)]
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def entry_lines(key: str, value: object) -> str:
    """One key with its value as YAML; ends in a newline."""
    return yaml.safe_dump({key: value}, allow_unicode=True, sort_keys=False, default_flow_style=False, width=110)


def write_front_matter(found: FrontMatter, values: Mapping[str, object], order: Sequence[str]) -> str:
    """The block, fences and all, with ``values`` for the keys in ``order``: None takes a key out, an equal value keeps
    its lines, another is written anew; new keys follow in ``order``. Keys not in ``order`` keep their lines."""
    parts = [found.head]
    for entry in found.entries:
        if entry.key not in order:
            parts.append(entry.raw)
        elif (value := values.get(entry.key)) is None:
            parts.append(entry.after)
        elif entry.raw and value in (entry.value, entry.scalar):
            parts.append(entry.raw)
        else:
            parts.append(entry_lines(entry.key, value) + entry.after)
    there = {entry.key for entry in found.entries}
    fresh = [key for key in order if key not in there and values.get(key) is not None]
    first = [entry_lines(key, values[key]) for key in fresh if key == order[0]]
    rest = [entry_lines(key, values[key]) for key in fresh if key != order[0]]
    return f"{_FENCE}\n{''.join((*first, *parts, *rest))}{_FENCE}\n"
