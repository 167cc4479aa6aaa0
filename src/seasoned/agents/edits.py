"""Splices: the smallest changes to a text, in the order in which they are made, and their way back.

A settings file is somebody's own. It is changed by replacing ranges of its text, never by writing a parsed value out
again, so that spacing, comments, order and number formats outside the ranges stay as they are by construction. The list
of splices is also what is recorded of a change: going back through it gives the text before, byte for byte, without a
copy of the file (settings hold keys and tokens) lying in the data folder.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seasoned.errors import ConflictError

__all__ = ["Splice", "spliced", "unspliced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Splice:
    """One replaced range of a text."""

    start: int
    """In characters, from the beginning of the text as it is before this splice."""
    removed: str
    inserted: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text after the splices, each made on the result of the one before. Raises ConflictError for one that does not
    fit the text."""
    for each in splices:
        text = _replaced(text, each.start, each.removed, each.inserted)
    return text


def unspliced(text: str, splices: Sequence[Splice]) -> str:
    """The text that gave ``text`` when it was spliced. Raises ConflictError where the text is another one."""
    for each in reversed(splices):
        text = _replaced(text, each.start, each.inserted, each.removed)
    return text


def _replaced(text: str, start: int, old: str, new: str) -> str:
    if not text.startswith(old, start) or start > len(text):
        raise ConflictError(f"The text at character {start} is not the one that the change was made for.")
    return text[:start] + new + text[start + len(old) :]
