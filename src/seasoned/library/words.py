"""What a pattern is found by: the text that is embedded, and its keywords."""

from typing import cast

from seasoned.learn.keywords import keywords
from seasoned.model import Document, Pattern

__all__ = ["keywords_of", "text_of", "texts_in"]

_TOLD = (
    "problem", "description", "when_to_use", "solution", "intent", "expected_improvement", "steps", "example", "examples",
)  # fmt: skip
"""Of the data, in the order of what tells most; what comes late may be cut off by the embedding model."""
_LENGTH = 4_000


def text_of(pattern: Pattern) -> str:
    """The pattern in words, most telling first; at most 4,000 characters."""
    data: Document = pattern.pattern_data or {}
    parts = [
        pattern.pattern_name,
        pattern.intent or "",
        " ".join(filter(None, (pattern.category, pattern.subcategory))),
    ]
    for key in _TOLD:
        parts += texts_in(data.get(key))
    parts += [step.action for step in pattern.recommended_steps]
    parts += [*pattern.technology_requirements, *pattern.required_tools]
    return "\n".join(dict.fromkeys(part.strip() for part in parts if part.strip()))[:_LENGTH]


def keywords_of(pattern: Pattern) -> tuple[str, ...]:
    """Distinct words of it, sorted."""
    return keywords(text_of(pattern))


def texts_in(value: object) -> list[str]:
    """Every text in a document, in its order."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            waiting += reversed(cast("dict[str, object]", item).values())
        elif isinstance(item, list | tuple):
            waiting += reversed(cast("list[object]", item))
    return found
