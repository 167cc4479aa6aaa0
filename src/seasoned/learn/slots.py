"""Literals out of a prompt: what stays is its shape, what left is remembered as typed slots.

Two prompts that differ only in literals (a path, a number, a quoted text) share a shape; the slots say where a
template would have its placeholders.

One pass of one alternation does the work. It cannot back-track badly: every repetition is possessive (Python 3.11,
https://docs.python.org/3/library/re.html) or bounded, and a repetition that could begin in the middle of its own
run is kept from doing so by a look-behind, so the whole is linear in the length of the text.

The order of the kinds matters: what stands earlier may contain what stands later (a URL contains a path, a path a
number), never the other way round.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast

__all__ = ["Shape", "Slot", "SlotKind", "shape"]

SlotKind = Literal["code", "url", "email", "uuid", "date", "path", "version", "hash", "id", "quoted", "number"]

_EXTENSIONS = (
    "py|pyi|ipynb|go|rs|c|h|cc|cpp|hpp|cs|java|kt|kts|scala|swift|rb|php|pl|lua|sh|bash|zsh|ps1|sql|r|jl|ex|exs|"
    "js|jsx|ts|tsx|mjs|cjs|vue|svelte|html|htm|css|scss|less|json|jsonl|yaml|yml|toml|ini|cfg|conf|env|xml|csv|tsv|"
    "parquet|md|mdx|rst|txt|log|lock|mod|sum|proto|graphql|tf|tpl|tmpl|dockerfile|gradle|png|jpg|jpeg|svg|gif|pdf|"
    "mp4|zip|tar|gz|whl|so|dll|exe|db|sqlite|patch|diff"
)
_SEGMENT = r"[\w.@+~\-\[\]]"
_PLACE = r"(?:(?::\d{1,7}(?:[:\-]\d{1,7})?)|(?:#l\d{1,7}(?:-l\d{1,7})?))?"
_KINDS: tuple[tuple[SlotKind, str], ...] = (
    ("code", r"```.{1,2000}?```|`[^`]{1,300}`"),
    (
        "url",
        r"(?<!\w)(?:https?|wss?|ssh|git|ftp|file|s3|postgres(?:ql)?)://[^\s<>\"'`]++|(?<!\w)git@[\w.\-]{1,255}:[^\s<>\"'`]++",
    ),
    ("email", r"(?<![\w.+\-])[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}+(?![\w@/])"),
    ("uuid", r"(?<!\w)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?!\w)"),
    (
        "date",
        r"(?<!\w)\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[t ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
        r"(?:z|[+\-]\d{2}:?\d{2})?)?(?![\w/])"
        r"|(?<!\w)\d{1,2}[./]\d{1,2}[./]\d{4}(?![\w/])",
    ),
    (
        "path",
        # rooted, or with two separators, or ending in a known extension; so `and/or` and `origin/main` stay words
        rf"(?<![\w./~@+\-\[\]\\])(?:(?:~|\.{{1,2}}|@)?/{_SEGMENT}++(?:/{_SEGMENT}++)*+/?|{_SEGMENT}++(?:/{_SEGMENT}++){{2,40}}+/?"
        rf"|{_SEGMENT}++/{_SEGMENT}{{0,200}}\.(?:{_EXTENSIONS})(?!\w)|[\w@+~\-]{{0,120}}\.?[\w.@+~\-]{{1,120}}\.(?:{_EXTENSIONS})(?!\w)"
        rf"|[a-z]:\\[^\s<>\"'|]{{1,300}}){_PLACE}",
    ),
    (
        "version",
        r"(?<![\w.])v?\d{1,6}(?:\.\d{1,6}){2,4}(?:[-+][\w.\-]{1,40})?(?!\w)|(?<![\w.])v\d{1,6}(?:\.\d{1,6})?(?![\w.]\w)",
    ),
    ("hash", r"(?<!\w)(?:0x[0-9a-f]{4,64}|(?=[0-9a-f]{0,63}[a-f])(?=[a-f]{0,63}\d)[0-9a-f]{7,64})(?!\w)"),
    (
        "id",
        r"(?<![\w\-])(?:[a-z][a-z0-9]{1,9}-\d{1,9}(?:-\d{1,9})?|#[a-z]{0,3}\d{1,12}|[a-z]{2,20}(?:_[a-z]{2,20}){1,3}_\d{4,12})(?![\w\-])",
    ),
    (
        "quoted",
        r"\"[^\"]{1,300}\"|“[^”]{1,300}”|«[^»]{1,300}»|„[^“”]{1,300}[“”]|(?<!\w)'[^']{1,200}'(?!\w)|‘[^’]{1,200}’(?!\w)",
    ),
    ("number", r"(?<![\w.])[-+]?\d{1,40}(?:[.,_]\d{1,40}){0,6}+(?=%|ms\b|µs\b|s\b|[kmgt]i?b\b|px\b|[kmx]\b|[^\w]|$)"),
)
_WORDS = r"(?<!\S)(?:[^\W\d_]++[,.;:!?)]*+\s++)++"
"""Words of letters alone, each up to the white space behind it: no literal begins in one, so that none is looked for.
Passing over them makes ``shape`` nearly three times as fast."""
_SLOT = re.compile("|".join([f"(?P<words>{_WORDS})", *(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One literal that was taken out."""

    kind: SlotKind
    value: str
    """As it stands in the normalised prompt, quotes and backticks included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A prompt without its literals."""

    prompt: str
    """The normalised prompt with ``<kind>`` where a literal stood."""
    slots: tuple[Slot, ...]
    """The literals, in order: as many as there are replacements in ``prompt``."""


def shape(normalised: str) -> Shape:
    """Take the literals out of a *normalised* prompt (``fingerprint.normalise``). Any text will do; never raises."""
    slots: list[Slot] = []

    def take(match: re.Match[str]) -> str:
        value = match.group()
        if match.lastgroup == "words":
            return value
        kind = cast(SlotKind, match.lastgroup)
        # Punctuation that ends the sentence does not belong to what stands before it.
        kept = value.rstrip(".,;:!?)") if kind in ("url", "path") else value
        slots.append(Slot(kind=kind, value=kept))
        return f"<{kind}>{value[len(kept) :]}"

    return Shape(prompt=_SLOT.sub(take, normalised), slots=tuple(slots))
