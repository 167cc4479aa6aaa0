"""The templates of a library of patterns, brought up to date.

Invariant: a function of the patterns and of what is known; a second call changes nothing. A template that somebody has
used stays, also when its pattern has gone or lost its quality; one that nobody has used goes with its pattern. A pattern
whose text may not be a template (too long, placeholders without a description) has none, and is counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from seasoned.learn.templates import TemplateError, template_of
from seasoned.model import Pattern, Template

__all__ = ["TemplateChanges", "templates_of"]

_KEPT = (
    "access_level", "usage_count", "success_rate", "avg_quality_score", "created_at", "updated_at", "deprecated_at",
)  # fmt: skip
"""What belongs to the stored template and not to its pattern."""
_OUT = frozenset({"rejected", "deprecated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChanges:
    """What a learning run changes among the templates."""

    save: tuple[Template, ...]
    """New ones and those whose pattern says something else now, by id."""
    obsolete: tuple[str, ...]
    """Ids of unused templates whose pattern gives none any more, sorted."""
    refused: int
    """Patterns that would have one but for their text."""


def templates_of(
    patterns: Sequence[Pattern], known: Sequence[Template], withdrawn: Sequence[str] = ()
) -> TemplateChanges:
    """Changes for ``patterns`` (those that stand) and ``withdrawn`` (ids of those that go). Templates of patterns that
    are in neither are left as they are."""
    stored = {template.template_id: template for template in known}
    standing: dict[str, Template] = {}
    refused = 0
    for pattern in sorted(patterns, key=lambda each: each.pattern_id):
        if pattern.status in _OUT or pattern.successor_id is not None:
            continue
        try:
            template = template_of(pattern)
        except TemplateError:
            refused += 1
            continue
        if template is not None:
            standing[template.template_id] = template
    save: list[Template] = []
    for template_id, template in sorted(standing.items()):
        old = stored.get(template_id)
        fresh = template if old is None else replace(template, **{name: getattr(old, name) for name in _KEPT})
        if fresh != old:
            save.append(fresh)
    gone = {*withdrawn, *(pattern.pattern_id for pattern in patterns)}
    obsolete = sorted(
        template.template_id
        for template in known
        if template.derived_from_pattern_id in gone
        and template.template_id not in standing
        and not template.usage_count
    )
    return TemplateChanges(save=tuple(save), obsolete=tuple(obsolete), refused=refused)
