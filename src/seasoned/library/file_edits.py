"""What a file asks for, done in the library: a new pattern, a change, a next version.

Invariant: steps that were drawn from executions stay those of the version that they were drawn for. A file that says
otherwise makes a version whose steps are a person's, without counts.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from seasoned.library.comparing import without_layout
from seasoned.library.learned import LEARNER_METHODS
from seasoned.library.markdown import content_under, pattern_text
from seasoned.library.page import PatternFile, read_pattern, said_by
from seasoned.library.sections import Step
from seasoned.library.service import Library
from seasoned.library.versions import proposed_bump
from seasoned.model import Pattern

__all__ = ["kept_of", "recorded", "revised"]


def kept_of(library: Library, page: PatternFile) -> tuple[object, ...]:
    """What the file says (``said_by``) as the library would keep it, without secrets: by this an edit is known again
    that a sync took over before it was cut off."""
    name, steps, *others = said_by(page)
    held = (replace(each, action=library.as_kept(each.action)) for each in cast("tuple[Step, ...]", steps))
    return library.as_kept(name), tuple(held), *map(library.as_kept, others)  # pyright: ignore[reportArgumentType]


def recorded(library: Library, page: PatternFile) -> Pattern:
    """Record the pattern of a new file, a candidate of the caller. Raises what ``create_pattern`` raises."""
    return library.create_pattern(
        page.name,
        page.category or "general",
        page.data(),
        subcategory=page.subcategory,
        access_level=page.access_level or "private",
        learning_weight=1.0 if page.learning_weight is None else page.learning_weight,
        complexity_score=page.complexity,
        version=page.version or "1.0.0",
        shared_with_agents=page.shared_with,
        pattern_type=page.pattern_type or "workflow",
        technology_requirements=page.technologies,
        required_tools=page.tools,
        applicable_domains=page.domains,
    )


def revised(
    library: Library, pattern: Pattern, page: PatternFile, renewed: bool, facts: Mapping[str, object]
) -> Pattern:
    """Change the pattern as its file says; what stands then: itself, or the next version. ``renewed``: the content is
    other; ``facts``: arguments of ``update_pattern``. Raises what that and ``create_version`` raise."""
    if not renewed:
        return library.update_pattern(pattern.pattern_id, **facts)  # pyright: ignore[reportArgumentType]
    data = content_under(pattern, page)
    other_steps = page.steps != read_pattern(pattern_text(pattern), "").steps
    drawn = pattern.extraction_method in LEARNER_METHODS
    unused = pattern.status == "candidate" and pattern.usage_count == 0 and not drawn
    if unused and page.version in {None, pattern.version} and not (pattern.recommended_steps and other_steps):
        if pattern.recommended_steps and "steps" not in (pattern.pattern_data or {}):
            data.pop("steps", None)  # they stay what was drawn from the executions
        return library.update_pattern(pattern.pattern_id, pattern_data=data, **facts)  # pyright: ignore[reportArgumentType]
    if facts:
        library.update_pattern(pattern.pattern_id, **facts)  # pyright: ignore[reportArgumentType]
    number = page.version if page.version not in {None, pattern.version} else None
    bump = proposed_bump(without_layout(pattern.pattern_data or {}), without_layout(data))
    return library.create_version(pattern.pattern_id, data, number, bump=bump)
