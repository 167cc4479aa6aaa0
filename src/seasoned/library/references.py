"""What patterns, audit entries and alerts point at: ids of other patterns, which not everybody may read who may read these.

Invariant: what is shown to somebody names no pattern that it may not read; a reference to one is left out, as one to a
pattern that is gone.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, cast

from seasoned.model import Document, Pattern

__all__ = ["named_in", "named_in_document", "without", "without_in_document"]

_FIELDS = ("parent_pattern_id", "successor_id", "duplicate_of")
_KEYS = frozenset({*_FIELDS, "parent", "distinct_from"})
"""Under which documents of this package name patterns: one id, or a list of them."""


def named_in(pattern: Pattern) -> set[str]:
    """Ids that the pattern names, its own aside."""
    own = {getattr(pattern, field) for field in _FIELDS} - {None}
    return own | named_in_document(pattern.metadata)


def named_in_document(document: Document | None) -> set[str]:
    """Ids that the document names at its top."""
    found: set[str] = set()
    for key in _KEYS & (document or {}).keys():
        value = (document or {})[key]
        found |= {each for each in _listed(value) if isinstance(each, str)}
    return found


def without(pattern: Pattern, hidden: Collection[str]) -> Pattern:
    """The pattern without references to ``hidden``."""
    if not named_in(pattern).intersection(hidden):
        return pattern
    changes: dict[str, Any] = {field: None for field in _FIELDS if getattr(pattern, field) in hidden}
    return replace(pattern, metadata=without_in_document(pattern.metadata, hidden), **changes)


def without_in_document(document: Document | None, hidden: Collection[str]) -> Document | None:
    """The document without references to ``hidden``; a single one becomes None."""
    if document is None or not named_in_document(document).intersection(hidden):
        return document
    return {key: _left(value, hidden) if key in _KEYS else value for key, value in document.items()}


def _listed(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _left(value: object, hidden: Collection[str]) -> object:
    if isinstance(value, list):
        return [each for each in cast("list[object]", value) if each not in hidden]
    return None if value in hidden else value
