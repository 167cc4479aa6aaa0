"""The body of a pattern's Markdown file: sections below ``## `` headings, lists and steps in them.

Invariant: a text that is written is read back as it was, whatever stands in it. A line of a text that would begin a
section, a fence without an end or one of our comments is written with a backslash before it, and read without. What is
no known section is kept as it stands, in its place.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import msgspec

from seasoned.errors import InputError
from seasoned.model import Pattern

__all__ = [
    "Section",
    "Step",
    "bullets",
    "clean_text",
    "escaped",
    "fenced_json",
    "numbered",
    "read_bullets",
    "read_fenced_json",
    "read_sections",
    "read_steps",
    "step_documents",
    "steps_of",
    "unescaped",
]

Kind = Literal["change", "check", "look", "delegate"]
_SAYING = ("action", "step", "description", "command", "name")
"""Where a step that is an object may say what to do, first of these."""
_HEADING = re.compile(r"##(?!#)[ \t]*(.*?)[ \t]*#*[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_ESCAPE = re.compile(r"(\\*)(##(?!#)| {0,3}(?:`{3,}|~{3,})|<!-- /?seasoned:)")
_ITEM = re.compile(r"(?:\d{1,9}[.)]|[-*+])(?:[ \t]+(.*)|)$")
_NUMBER = re.compile(r"\d{1,9}[.)](?:[ \t]+(.*)|)$")
_TAGS = re.compile(r"\[([a-z, ]+)\](?:[ \n]|$)")
_KINDS = ("change", "check", "look", "delegate")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One ``## `` section."""

    heading: str
    line: int
    """Of the heading in the file, from 1."""
    raw: str
    """Heading and text as written."""
    text: str
    """What stands below the heading, without empty lines around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step as a file has it."""

    action: str
    kind: Kind = "change"
    optional: bool = False
    repeats: bool = False


def clean_text(text: str) -> str:
    """A text that a file can hold: line ends as ``\\n``, no control characters, no halves of surrogates, no empty lines
    around it, no spaces at the end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("\ufffd", text).strip("\n").rstrip()


def read_sections(text: str, first_line: int) -> tuple[str, list[Section]]:
    """What stands before the first section, and the sections."""
    lines = text.split("\n")
    starts = [number for number, line, fenced in _lines(lines) if not fenced and _HEADING.fullmatch(line)]
    if not starts:
        return text, []
    found: list[Section] = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        heading = _HEADING.fullmatch(lines[start])
        assert heading is not None
        raw = "\n".join(lines[start:end]) + ("\n" if end < len(lines) else "")
        body = "\n".join(lines[start + 1 : end])
        found.append(Section(heading=heading[1], line=first_line + start, raw=raw, text=body.strip("\n").rstrip()))
    return "".join(f"{line}\n" for line in lines[: starts[0]]), found


def _lines(lines: Sequence[str]) -> Iterator[tuple[int, str, bool]]:
    """Number (from 0), line, and whether it stands in, or begins or ends, a fenced block."""
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence:
            yield number, line, True
            if mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not mark[2].strip():
                fence = ""
        elif mark and not (mark[1][0] == "`" and "`" in mark[2]):
            fence = mark[1]
            yield number, line, True
        else:
            yield number, line, False


def escaped(text: str) -> str:
    """The text with a backslash before each line that would be read as something else."""
    text = clean_text(text)
    if not _ESCAPE.search(text):
        return text
    lines = text.split("\n")
    fenced = {number for number, _, inside in _lines(lines) if inside}
    # A fence that nothing ends would swallow the sections below it: then no fence of this text is one.
    if fenced and len(lines) - 1 in fenced and not _ends_fence(lines):
        fenced = set[int]()
    return "\n".join(
        line if number in fenced else _ESCAPE.sub(r"\\\1\2", line, count=1) if _ESCAPE.match(line) else line
        for number, line in enumerate(lines)
    )


def _ends_fence(lines: Sequence[str]) -> bool:
    """Whether a fence that reaches the last line ends there: one more line is then outside."""
    return not list(_lines([*lines, "x"]))[-1][2]


def unescaped(text: str) -> str:
    """The text as it was before ``escaped``."""
    lines = text.split("\n")
    return "\n".join(
        line[1:] if not fenced and line.startswith("\\") and _ESCAPE.match(line) else line
        for _, line, fenced in _lines(lines)
    )


def bullets(items: Sequence[str]) -> str:
    """A list."""
    return "\n".join(_item("- ", escaped(item), 2) for item in items)


def read_bullets(text: str) -> list[str] | str:
    """The items of a list; the text itself where it is none."""
    lines = text.split("\n")
    if not lines[0].startswith(("- ", "* ")) and lines[0] not in {"-", "*"}:
        return unescaped(text)
    if any(line and line[0] not in " \t-*" for _, line, fenced in _lines(lines) if not fenced):
        return unescaped(text)
    return [unescaped(item) for _, item in _items(text, re.compile(r"[-*](?:[ \t]+(.*)|)$"))]


def _item(lead: str, text: str, width: int) -> str:
    """A list item. One that begins with a fence begins below its mark, where whoever reads sections sees the fence."""
    if _FENCE.match(text):
        return f"{lead.rstrip()}\n{' ' * width}{_hanging(text, width)}"
    return lead + _hanging(text, width)


def _hanging(text: str, width: int) -> str:
    return "\n".join(
        (" " * width + line if line else line) if number else line for number, line in enumerate(text.split("\n"))
    )


def _items(text: str, mark: re.Pattern[str]) -> list[tuple[int, str]]:
    """Items at the edge with their line (from 0); what follows one belongs to it, less its indent."""
    items: list[tuple[int, list[str]]] = []
    width = 0
    inside = ""
    for number, line in enumerate(text.split("\n")):
        found = None if inside else mark.match(line)
        if found:
            body = found[1] or ""
            width = len(line) - len(body) if body else len(line.rstrip()) + 1
            items.append((number, [body]))
            bare = body
        elif items:
            lead = len(line) - len(line.lstrip(" "))
            bare = line[min(lead, width) :]
            items[-1][1].append(bare)
        else:
            continue
        fence = _FENCE.match(bare)
        if fence and not inside and not (fence[1][0] == "`" and "`" in fence[2]):
            inside = fence[1]
        elif fence and inside and fence[1][0] == inside[0] and len(fence[1]) >= len(inside) and not fence[2].strip():
            inside = ""
    return [(number, "\n".join(lines).strip("\n").rstrip()) for number, lines in items]


def numbered(steps: Sequence[Step]) -> str:
    """Steps as a numbered list; what a step is beside a change stands in brackets before it."""
    parts: list[str] = []
    for number, step in enumerate(steps, 1):
        tags = [step.kind] if step.kind != "change" else []
        tags += ["optional"] if step.optional else []
        tags += ["repeats"] if step.repeats else []
        action = escaped(step.action)
        if not tags and _tagged(action)[0] is not None:
            tags = ["change"]
        lead = f"{number}. " + (f"[{', '.join(tags)}] " if tags else "")
        parts.append(_item(lead, action, len(f"{number}. ")))
    return "\n".join(parts)


def _tagged(text: str) -> tuple[list[str] | None, str]:
    mark = _TAGS.match(text)
    words = [word.strip() for word in mark[1].split(",")] if mark else []
    if mark and words and all(word in {*_KINDS, "optional", "repeats"} for word in words):
        return words, text[mark.end() :]
    return None, text


def read_steps(text: str, line: int, place: str) -> tuple[str, list[Step]]:
    """What stands before the list, and the steps. A numbered list; where there is no number, a list with dashes.
    ``line``: of the text's first line. Raises InputError for a step without words and for two kinds of one step."""
    numbers = any(_NUMBER.match(each) for _, each, fenced in _lines(text.split("\n")) if not fenced)
    items = _items(text, _NUMBER if numbers else _ITEM)
    before = "\n".join(text.split("\n")[: items[0][0]]).strip("\n").rstrip() if items else text
    steps: list[Step] = []
    for number, item in items:
        tags, action = _tagged(item)
        kinds = [tag for tag in tags or () if tag in _KINDS]
        if not action.strip():
            raise InputError(f"{place}:{line + number}: a step without words; write what to do after its number.")
        if len(set(kinds)) > 1:
            raise InputError(
                f"{place}:{line + number}: a step is one of {', '.join(_KINDS)}, not {' and '.join(kinds)}."
            )
        steps.append(
            Step(
                action=unescaped(action),
                kind=cast("Kind", kinds[0] if kinds else "change"),
                optional="optional" in (tags or ()),
                repeats="repeats" in (tags or ()),
            )
        )
    return unescaped(before), steps


def steps_of(pattern: Pattern) -> list[Step] | str:
    """The steps that the pattern holds: those drawn from executions, else those of its data; a text where they are one."""
    if pattern.recommended_steps:
        return [
            Step(action=clean_text(each.action), kind=each.kind, optional=each.optional, repeats=each.repeats)
            for each in pattern.recommended_steps
        ]
    held = (pattern.pattern_data or {}).get("steps")
    if not isinstance(held, list):
        return clean_text(held) if isinstance(held, str) else []
    return [_step(each) for each in cast("list[object]", held)]


def _step(value: object) -> Step:
    if not isinstance(value, Mapping):
        return Step(action=clean_text(str(value)))
    known = cast("Mapping[str, object]", value)
    action = next((known[key] for key in _SAYING if isinstance(known.get(key), str)), None)
    kind = known.get("kind")
    return Step(
        action=clean_text(str(action)) if action is not None else msgspec.json.encode(known).decode(),
        kind=kind if kind in _KINDS else "change",
        optional=known.get("optional") is True,
        repeats=known.get("repeats") is True,
    )


def step_documents(steps: Sequence[Step], pattern: Pattern | None) -> list[object]:
    """Steps of a file as a pattern's data holds them: a text each, an object where there is more to say. A step whose
    words ``pattern`` has keeps what is known of it there (tool, target, …); counts do not go over, for they are of the
    version that they were counted of."""
    held: list[object] = []
    if pattern is not None and pattern.recommended_steps:
        held = [{"action": each.action, "tool": each.tool, "target": each.target} for each in pattern.recommended_steps]
    elif pattern is not None and isinstance((pattern.pattern_data or {}).get("steps"), list):
        held = list(cast("list[object]", (pattern.pattern_data or {})["steps"]))
    found: list[object] = []
    for step in steps:
        old = next((each for each in held if _step(each).action == step.action), None)
        if old is not None:
            held.remove(old)
        if old is not None and _step(old) == step and not (pattern is not None and pattern.recommended_steps):
            found.append(old)
            continue
        about: dict[str, object] = dict(cast("Mapping[str, object]", old)) if isinstance(old, Mapping) else {}
        for key, value, usual in (
            ("kind", step.kind, "change"), ("optional", step.optional, False), ("repeats", step.repeats, False),
        ):  # fmt: skip
            about.pop(key, None)
            if value != usual:
                about[key] = value
        about = {key: value for key, value in about.items() if value not in ("", None)}
        if not any(key in about for key in _SAYING):
            about = {"action": step.action, **about}
        found.append(about["action"] if about.keys() == {"action"} else about)
    return found


def fenced_json(value: object) -> str:
    """A value that is no text."""
    return f"```json\n{msgspec.json.format(msgspec.json.encode(value), indent=2).decode()}\n```"


def read_fenced_json(text: str) -> object:
    """The value of a section that is one block of JSON and nothing else; its text where it is not."""
    if text.startswith("```json\n") and text.endswith("\n```") and text.count("\n```") == 1:
        try:
            return msgspec.json.decode(text[len("```json\n") : -len("\n```")].encode())
        except (msgspec.DecodeError, RecursionError):
            return unescaped(text)
    return unescaped(text)
