"""A pattern beside its file: what either has otherwise, pure functions of both."""

import difflib
import hashlib
from collections.abc import Mapping

import msgspec

from seasoned.library.folder import Remembered
from seasoned.library.markdown import pattern_text
from seasoned.library.page import LAYOUT, PatternFile, read_pattern
from seasoned.model import Document, Pattern

__all__ = ["both_diffs", "changed_facts", "fixed_changes", "pattern_digest", "without_layout"]

_FIXED = ("name", "pattern_type", "category", "subcategory", "owner", "tools", "technologies", "domains")


def pattern_digest(pattern: Pattern) -> str:
    """Of everything of a pattern that a file shows, counts and state aside."""
    shown = [
        pattern.pattern_name, pattern.version, pattern.pattern_type, pattern.category, pattern.subcategory, pattern.agent_id,
        pattern.access_level, pattern.shared_with_agents, pattern.learning_weight, pattern.complexity_score,
        pattern.required_tools, pattern.technology_requirements, pattern.applicable_domains, pattern.pattern_data,
        [(each.action, each.kind, each.optional, each.repeats) for each in pattern.recommended_steps],
    ]  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(shown, order="sorted")).hexdigest()


def without_layout(data: Mapping[str, object]) -> Document:
    """The data without what only files need."""
    return {key: value for key, value in data.items() if key != LAYOUT}


def changed_facts(page: PatternFile, pattern: Pattern) -> dict[str, object]:
    """What the front matter wants otherwise and may."""
    wanted = {
        "access_level": (page.access_level, pattern.access_level),
        "shared_with_agents": (
            None if page.shared_with is None else tuple(sorted(page.shared_with)),
            tuple(sorted(pattern.shared_with_agents)),
        ),
        "learning_weight": (page.learning_weight, pattern.learning_weight),
        "complexity_score": (page.complexity, pattern.complexity_score),
    }
    return {name: new for name, (new, old) in wanted.items() if new is not None and new != old}


def fixed_changes(page: PatternFile, pattern: Pattern) -> list[str]:
    """Names of keys that the file has otherwise than the pattern, and may not."""
    held = read_pattern(pattern_text(pattern), "")
    return [name for name in _FIXED if (new := getattr(page, name)) not in {None, ()} and new != getattr(held, name)]


def both_diffs(last: Remembered | None, library: str | None, file: str | None) -> str:
    """What either side made of the text that both had; without one, what the file has otherwise than the library."""
    base = last.base_text if last is not None else library or ""
    sides = (("library", library), ("file", file)) if last is not None else (("file", file),)
    named = "last sync" if last is not None else "library"
    parts: list[str] = []
    for name, text in sides:
        lines = difflib.unified_diff(base.splitlines(), (text or "").splitlines(), named, name, lineterm="", n=2)
        parts.append("\n".join(lines))
    return "\n".join(part for part in parts if part)
