"""A pattern written as a Markdown file.

Front matter holds what the library knows of it by name; the body has the sections Problem, Solution, Steps, Rationale,
Evidence, and others where there is something to say. Invariant: a line of a file that says what the pattern says is not
touched; ``page`` reads back what stands here.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from seasoned.errors import InputError
from seasoned.library.front_matter import Entry, FrontMatter, read_front_matter, write_front_matter
from seasoned.library.page import (
    FIGURES_FROM,
    FIGURES_TO,
    KEYS,
    LAYOUT,
    SECTIONS,
    PatternFile,
    Piece,
    heading_of,
    key_of,
    read_pattern,
    said_by,
    section_value,
    title_of,
)
from seasoned.library.sections import (
    bullets,
    clean_text,
    escaped,
    fenced_json,
    numbered,
    read_sections,
    step_documents,
    steps_of,
)
from seasoned.model import Document, Pattern

__all__ = ["body_text", "content_of", "content_under", "pattern_text"]

_ALWAYS = frozenset({"problem", "solution", "steps", "rationale", "evidence"})
_LISTED = 10
"""Executions that are named in a file."""


def content_under(known: Pattern, page: PatternFile) -> Document:
    """The file as data of a pattern whose version ``known`` it is of: what that holds and no file shows is kept, and so
    is, as it is there, whatever the file does not say otherwise."""
    before = read_pattern(pattern_text(known), "")
    data: Document = dict(known.pattern_data or {})
    for key in before.sections.keys() - page.sections.keys():
        data.pop(key, None)
    data.update({key: value for key, value in page.sections.items() if value != before.sections.get(key)})
    if before.steps != page.steps or known.recommended_steps:
        data.pop("steps", None)
        if page.steps:
            data["steps"] = step_documents(page.steps, known)
    layout = page.layout()
    data.pop(LAYOUT, None)
    if layout is not None:
        data[LAYOUT] = layout
    return data


def content_of(pattern: Pattern) -> tuple[object, ...]:
    """What a file of this pattern says; see ``said_by``."""
    return said_by(read_pattern(pattern_text(pattern), ""))


def pattern_text(pattern: Pattern, *, over: PatternFile | None = None) -> str:
    """The file of a pattern; ends in a newline. ``over``: the file as it stands; what says the same keeps its lines.
    Without it the pattern's own layout decides."""
    layout = over if over is not None else _stored_layout(pattern)
    texts = {key: _written(key, pattern) for key in SECTIONS}
    front = write_front_matter(layout.front, _front_values(pattern), KEYS)
    return front + _body(pattern, layout, texts, frozenset() if layout.pieces else _ALWAYS)


def body_text(pattern: Pattern, *, over: PatternFile | None = None) -> str:
    """The body alone, without figures and empty sections, as a skill has it."""
    layout = over if over is not None else _stored_layout(pattern)
    texts = {key: _written(key, pattern) for key in SECTIONS}
    texts["evidence"] = _value((pattern.pattern_data or {}).get("evidence_note"))
    return _body(pattern, layout, texts, frozenset())


def _body(pattern: Pattern, layout: PatternFile, texts: Mapping[str, str], always: frozenset[str]) -> str:
    order = list(SECTIONS)
    there = {each.key for each in layout.pieces}
    waiting = [key for key in order if key not in there and (texts[key] or key in always)]
    parts: list[str] = []
    for piece in layout.pieces:
        if piece.key is None:
            parts.append(piece.raw)
            continue
        while waiting and order.index(waiting[0]) < order.index(piece.key):
            parts.append(_section_text(heading_of(waiting[0]), texts[waiting.pop(0)]))
        parts.append(_kept(piece, texts[piece.key]))
    parts += [_section_text(heading_of(key), texts[key]) for key in waiting]
    intro = layout.intro
    title = title_of(intro)[0]
    if not intro.strip() or (title == layout.name != pattern.pattern_name):
        rest = title_of(intro)[1].strip("\n") if title else ""
        intro = f"\n# {clean_text(pattern.pattern_name)}\n" + (f"\n{rest}\n" if rest else "")
    return _joined([intro, *parts])


def _joined(parts: Sequence[str]) -> str:
    text = ""
    for part in parts:
        if text and not text.endswith("\n"):
            text += "\n"
        if text and part.startswith("## ") and not text.endswith("\n\n"):
            text += "\n"
        text += part
    return text if text.endswith("\n") else text + "\n"


def _section_text(heading: str, text: str) -> str:
    return f"## {heading}\n\n{text}\n" if text else f"## {heading}\n"


def _kept(piece: Piece, text: str) -> str:
    """The section as it was written where it says what ``text`` says, else anew below its own heading."""
    assert piece.key is not None
    if piece.raw:
        section = piece.raw.partition("\n")[2].strip("\n").rstrip()
        if section_value(piece.key, section, 1, "") == section_value(piece.key, text, 1, ""):
            return _with_figures(piece.raw, text) if piece.key == "evidence" else piece.raw
    return _section_text(piece.heading, text)


def _with_figures(raw: str, text: str) -> str:
    """The section as it stands with the figures of ``text``: in the place of those that it has, else first."""
    if FIGURES_FROM not in text:
        return raw
    figures = text[text.index(FIGURES_FROM) : text.index(FIGURES_TO) + len(FIGURES_TO)]
    begin = raw.find(FIGURES_FROM)
    end = raw.find(FIGURES_TO, begin)
    if begin >= 0 and end >= 0:
        return raw[:begin] + figures + raw[end + len(FIGURES_TO) :]
    heading, _, rest = raw.partition("\n")
    return f"{heading}\n\n{figures}\n" + (f"\n{rest.lstrip(chr(10))}" if rest.strip() else "")


def _stored_layout(pattern: Pattern) -> PatternFile:
    """Where the known parts stood in the file that the pattern came from, and the unknown ones themselves."""
    try:
        held = msgspec.convert((pattern.pattern_data or {}).get(LAYOUT) or {}, _Layout)
    except msgspec.ValidationError:
        held = _Layout()  # ``file`` is a key like any other to whoever writes data by the API
    entries = tuple(
        Entry(
            key=each.key,
            line=0,
            raw=each.text if each.key not in KEYS else "",
            value=None,
            scalar=None,
            after=each.after,
        )
        for each in held.front
        if each.key in KEYS or _one_key(each)
    )
    pieces = tuple(
        Piece(key=each.key, heading=each.heading)
        if each.key in SECTIONS and key_of(each.heading) == each.key
        else Piece(key=None, heading="", raw=each.text)
        for each in held.sections
        if each.key in SECTIONS or _key_less(each.text)
    )
    return PatternFile(
        name=pattern.pattern_name,
        front=FrontMatter(head=held.head if _comments(held.head) else "", entries=entries),
        intro=held.intro if not read_sections(held.intro, 1)[1] else "",
        pieces=pieces,
    )


class _Front(msgspec.Struct, frozen=True):
    key: str
    text: str = ""
    after: str = ""


class _Place(msgspec.Struct, frozen=True):
    key: str | None = None
    heading: str = ""
    text: str = ""


class _Layout(msgspec.Struct, frozen=True):
    head: str = ""
    front: list[_Front] = []  # msgspec copies it
    intro: str = ""
    sections: list[_Place] = []


def _comments(text: str) -> bool:
    return all(not line.strip() or line.startswith("#") for line in text.split("\n"))


def _one_key(held: _Front) -> bool:
    """Whether the text is that key and nothing else, for it was not necessarily written here."""
    try:
        found = read_front_matter(held.text, "")
    except InputError:
        return False
    return [each.key for each in found.entries] == [held.key] and held.text.endswith("\n")


def _key_less(text: str) -> bool:
    intro, sections = read_sections(text, 1)
    return not intro.strip() and len(sections) == 1 and key_of(sections[0].heading) is None


def _front_values(pattern: Pattern) -> Document:
    return {
        "id": pattern.pattern_id,
        "name": clean_text(pattern.pattern_name),
        "version": pattern.version,
        "type": pattern.pattern_type,
        "category": pattern.category,
        "subcategory": pattern.subcategory,
        "owner": pattern.agent_id,
        "access": pattern.access_level,
        "shared_with": list(pattern.shared_with_agents) or None,
        "learning_weight": pattern.learning_weight,
        "complexity": pattern.complexity_score,
        "tools": list(pattern.required_tools) or None,
        "technologies": list(pattern.technology_requirements) or None,
        "domains": list(pattern.applicable_domains) or None,
        "successor": pattern.successor_id,
        "deprecation_reason": pattern.deprecation_reason,
        "waiver": (pattern.waiver or {}).get("reason"),
    }


def _written(key: str, pattern: Pattern) -> str:
    data = pattern.pattern_data or {}
    if key == "steps":
        held = steps_of(pattern)
        listed = escaped(held) if isinstance(held, str) else numbered([each for each in held if each.action])
        return "\n\n".join(filter(None, (_value(data.get("steps_note")), listed)))
    if key == "evidence":
        return "\n\n".join(filter(None, (_figures(pattern), _value(data.get("evidence_note")))))
    return _value(data.get(key))


def _value(value: object) -> str:
    if not value and value != 0:
        return ""
    if isinstance(value, str):
        return escaped(value)
    listed = cast("list[object]", value) if isinstance(value, list) else []
    if listed and all(isinstance(each, str) for each in listed):
        return bullets(cast("list[str]", listed))
    return fenced_json(cast("object", value))


def _figures(pattern: Pattern) -> str:
    """What stands behind it, as counted when the file was written."""
    runs = len(pattern.execution_ids)
    known = pattern.evidence_count
    told = [
        f"- drawn from {runs} {'execution' if runs == 1 else 'executions'}, "
        + (f"{pattern.evidence_success_count} of {known} known outcomes successful" if known else "no outcome known")
        if runs or known
        else "- recorded, not drawn from executions"
    ]
    if pattern.usage_count:
        told.append(
            f"- used {pattern.usage_count} {'time' if pattern.usage_count == 1 else 'times'}: "
            f"{pattern.success_count} successful, {pattern.failure_count} failed"
        )
    if pattern.success_rate is not None:
        told.append(f"- success rate {pattern.success_rate:.2f}, confidence {pattern.confidence_score or 0:.2f}")
    if runs:
        more = f" and {runs - _LISTED} more" if runs > _LISTED else ""
        told.append(f"- executions: {', '.join(pattern.execution_ids[:_LISTED])}{more}")
    if pattern.review_flags:
        told.append(f"- to be looked at: {', '.join(each.replace('_', ' ') for each in pattern.review_flags)}")
    return "\n".join([FIGURES_FROM, *told, FIGURES_TO])
