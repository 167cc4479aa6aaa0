"""A pattern's Markdown file as it is read: front matter, sections, and the places of what is not known here.

Invariant: nothing that a person wrote is lost. What is not known, keys, sections, comments, is kept as it stands, in its
place, on its way through the library too (``file`` in the pattern's data). What was counted is not read from a file:
figures stand between two marks in Evidence, and whatever a person makes of them, the library's stay what they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, cast, get_args

from seasoned.errors import InputError
from seasoned.library.front_matter import Entry, FrontMatter, read_front_matter, split_front_matter
from seasoned.library.sections import (
    Step,
    clean_text,
    read_bullets,
    read_fenced_json,
    read_sections,
    read_steps,
    step_documents,
)
from seasoned.model import AccessLevel, Document, PatternType

__all__ = [
    "FIGURES_FROM",
    "FIGURES_TO",
    "KEYS",
    "LAYOUT",
    "NOTES",
    "SECTIONS",
    "PatternFile",
    "Piece",
    "heading_of",
    "key_of",
    "read_pattern",
    "said_by",
    "section_value",
    "title_of",
    "without_figures",
]

LAYOUT: Final = "file"
"""Key of the pattern's data under which it keeps what a file of it holds beside the known parts."""
SECTIONS: Final[Mapping[str, Literal["text", "list"]]] = {
    "description": "text", "problem": "text", "when_to_use": "text", "when_not_to_use": "list",
    "prerequisites": "list", "solution": "text", "steps": "list", "gotchas": "list", "example": "text",
    "expected_improvement": "text", "rationale": "text", "evidence": "text",
}  # fmt: skip
"""Sections in the order in which they are written, and how one is read that could be either."""
NOTES: Final[Mapping[str, str]] = {"steps": "steps_note", "evidence": "evidence_note"}
"""Key of the data for what a person wrote beside the steps and the figures."""
_NAMES = {"examples": "example", "usage": "when_to_use", "when not to use": "when_not_to_use"}
KEYS: Final = (
    "id", "name", "version", "type", "category", "subcategory", "owner", "access", "shared_with", "learning_weight",
    "complexity", "tools", "technologies", "domains", "successor", "deprecation_reason", "waiver",
)  # fmt: skip
"""Keys of the front matter that mean something here, in the order in which they are written."""
FIGURES_FROM = "<!-- seasoned:figures -->"
FIGURES_TO = "<!-- /seasoned:figures -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One section, in its place."""

    key: str | None
    """Of the data; None: a section that is kept as it stands."""
    heading: str
    raw: str = ""
    """As written; empty where only the place is known."""
    value: object = None
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternFile:
    """What a file says."""

    pattern_id: str | None = None
    """None: a new pattern."""
    name: str
    version: str | None = None
    pattern_type: PatternType | None = None
    category: str | None = None
    subcategory: str | None = None
    owner: str | None = None
    access_level: AccessLevel | None = None
    shared_with: tuple[str, ...] | None = None
    learning_weight: float | None = None
    complexity: float | None = None
    tools: tuple[str, ...] = ()
    technologies: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    successor: str | None = None
    deprecation_reason: str | None = None
    waiver: str | None = None
    """Why it may be active without having been validated."""
    steps: tuple[Step, ...] = ()
    sections: Mapping[str, object] = field(default_factory=dict[str, object])
    """Known sections by key, steps aside; texts, lists of texts, or what a block of JSON held."""
    front: FrontMatter
    intro: str = ""
    """What stands before the first section."""
    pieces: tuple[Piece, ...] = ()

    def data(self) -> Document:
        """As data of a new pattern."""
        found: Document = dict(self.sections)
        if self.steps:
            found["steps"] = step_documents(self.steps, None)
        layout = self.layout()
        if layout is not None:
            found[LAYOUT] = layout
        return found

    def layout(self) -> Document | None:
        """Order, and what is not known; None where the file is as it would be written anyway."""
        unknown = [each for each in self.front.entries if each.key not in KEYS]
        comments = [each for each in self.front.entries if each.key in KEYS and each.after]
        order = [each.key for each in self.pieces if each.key is not None]
        plain = all(each.key is not None and each.heading == heading_of(each.key) for each in self.pieces)
        usual = sorted(order, key=list(SECTIONS).index) == order
        if (
            not (unknown or comments or self.front.head)
            and plain
            and usual
            and self.intro.strip() in {"", f"# {self.name}"}
        ):
            return None
        front: list[object] = [
            {"key": each.key, "text": each.raw} if each.key not in KEYS else {"key": each.key, "after": each.after}
            for each in self.front.entries
        ]
        sections: list[object] = [
            {"key": each.key, "heading": each.heading} if each.key is not None else {"text": each.raw}
            for each in self.pieces
        ]
        return {"head": self.front.head, "front": front, "intro": self.intro, "sections": sections}


def said_by(found: PatternFile) -> tuple[object, ...]:
    """What a file says in its own words: equal for two that differ only in what the library itself puts there (id,
    version, state, counts)."""
    unknown = [each.raw.rstrip() for each in found.front.entries if each.key not in KEYS]
    kept = [each.raw.rstrip() for each in found.pieces if each.key is None]
    return found.name, found.steps, dict(found.sections), unknown, kept


def read_pattern(text: str, place: str, *, name: str = "", foreign: bool = False) -> PatternFile:
    """What ``text`` (line ends ``\\n``) says. ``place`` is the file as messages name it; ``name`` that of a pattern whose
    file gives it none. ``foreign``: the keys of its front matter, ``name`` aside, mean something else. Raises InputError with file, line and what is allowed."""
    block, body, line = split_front_matter(text, place)
    front = read_front_matter(block, place) if block is not None else FrontMatter()
    intro, sections = read_sections(body, line)
    pieces: list[Piece] = []
    steps: tuple[Step, ...] = ()
    values: dict[str, object] = {}
    lines: dict[str, int] = {}
    for section in sections:
        key = key_of(section.heading)
        if key is not None and key in lines:
            raise InputError(
                f"{place}:{section.line}: the section {section.heading!r} stands twice, first on line {lines[key]}; once is allowed."
            )
        value: object = None
        if key is not None:
            lines[key] = section.line
            value, found = section_value(key, section.text, section.line + 2, place)
            steps = found or steps
            if value:
                values[NOTES.get(key, key)] = value
        pieces.append(Piece(key=key, heading=section.heading, raw=section.raw, value=value, line=section.line))
    if not sections and body.strip():
        # A page without sections is a text all the same: what to do.
        title, rest = title_of(body)
        values["solution"] = clean_text(rest)
        intro = f"# {title}\n" if title else ""
        pieces.append(Piece(key="solution", heading=heading_of("solution")))
    reader = _Reader(FrontMatter(entries=tuple(e for e in front.entries if not foreign or e.key == "name")), place)
    return PatternFile(
        pattern_id=reader.text("id"),
        name=reader.text("name") or title_of(intro)[0] or name,
        version=reader.text("version"),
        pattern_type=cast("PatternType | None", reader.one_of("type", get_args(PatternType))),
        category=reader.text("category"),
        subcategory=reader.text("subcategory"),
        owner=reader.text("owner"),
        access_level=cast("AccessLevel | None", reader.one_of("access", get_args(AccessLevel))),
        shared_with=reader.names("shared_with"),
        learning_weight=reader.number("learning_weight", 10),
        complexity=reader.number("complexity", 1),
        tools=reader.names("tools") or (),
        technologies=reader.names("technologies") or (),
        domains=reader.names("domains") or (),
        successor=reader.text("successor"),
        deprecation_reason=reader.text("deprecation_reason"),
        waiver=reader.text("waiver"),
        steps=steps,
        sections=values,
        front=front,
        intro=intro,
        pieces=tuple(pieces),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    front: FrontMatter
    place: str

    def text(self, key: str) -> str | None:
        """A text of one or more words."""
        entry = self.front.get(key)
        if entry is None or (entry.value is None and entry.scalar is None) or entry.scalar == "":
            return None
        if entry.scalar is None:
            raise self._wrong(entry, "a text")
        return entry.scalar.strip()

    def names(self, key: str) -> tuple[str, ...] | None:
        """A list of names, or names with commas."""
        entry = self.front.get(key)
        if entry is None or entry.value is None:
            return None
        held = entry.value
        if isinstance(held, list):
            return tuple(dict.fromkeys(str(each) for each in cast("list[object]", held)))
        if entry.scalar is None:
            raise self._wrong(entry, "a list of names")
        return tuple(part.strip() for part in entry.scalar.split(",") if part.strip())

    def number(self, key: str, most: float) -> float | None:
        """A number from 0 to ``most``."""
        entry = self.front.get(key)
        if entry is None or entry.value is None:
            return None
        if isinstance(entry.value, bool) or not isinstance(entry.value, int | float) or not 0 <= entry.value <= most:
            raise self._wrong(entry, f"a number from 0 to {most:g}")
        return float(entry.value)

    def one_of(self, key: str, allowed: Sequence[str]) -> str | None:
        """One of these words."""
        found = self.text(key)
        entry = self.front.get(key)
        if found is not None and entry is not None and found not in allowed:
            raise self._wrong(entry, f"one of {', '.join(allowed)}")
        return found

    def _wrong(self, entry: Entry, wanted: str) -> InputError:
        given = ascii(entry.value)
        return InputError(f"{self.place}:{entry.line}: {entry.key}: {wanted} is needed, not {given[:60]}.")


def key_of(heading: str) -> str | None:
    """The key of the data that a heading stands for; None: no known section."""
    said = " ".join(heading.casefold().replace("_", " ").split())
    key = _NAMES.get(said, said.replace(" ", "_"))
    return key if key in SECTIONS else None


def heading_of(key: str) -> str:
    """The usual heading of a key."""
    return key.replace("_", " ").capitalize()


def title_of(text: str) -> tuple[str | None, str]:
    """The first line as a title, where it is one, and the rest."""
    first, _, rest = text.strip("\n").partition("\n")
    return (first[2:].strip() or None, rest) if first.startswith("# ") else (None, text)


def section_value(key: str, text: str, line: int, place: str) -> tuple[object, tuple[Step, ...]]:
    """What a known section says, and its steps; of steps and evidence what stands beside them. Raises InputError."""
    if key == "steps":
        note, steps = read_steps(text, line, place)
        return note, tuple(steps)
    if key == "evidence":
        return read_fenced_json(without_figures(text)), ()
    return (
        read_bullets(text) if SECTIONS[key] == "list" and not text.startswith("```json\n") else read_fenced_json(text)
    ), ()


def without_figures(text: str) -> str:
    """Without what the library counted: the lines between its two marks."""
    begin = text.find(FIGURES_FROM)
    end = text.find(FIGURES_TO, begin)
    if begin < 0 or end < 0:
        return text
    return (text[:begin].rstrip("\n") + "\n" + text[end + len(FIGURES_TO) :].lstrip("\n")).strip("\n")
