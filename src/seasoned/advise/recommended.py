"""What was learned about tasks like the one at hand: patterns, and templates made of them.

A pattern is about a matched task where that task stands for the cluster it was drawn from (``Pattern.fingerprint_id``,
which the store has an index on: the cost is that of the matches, whatever the size of the library). Invariant: what is
put before an agent is active or a candidate and says which, is not superseded, and is never one whose text addresses
its reader (``instructions_in_text``). Active ones come first, then the most applicable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seasoned.library import may_read
from seasoned.model import Identity, Match, Pattern, Template
from seasoned.store import LibraryQuery, Store

if TYPE_CHECKING:
    from seasoned.knowledge import KnowledgeAnswer

__all__ = ["MOST_RECOMMENDED", "Recommendation", "Recommended", "recommended"]

MOST_RECOMMENDED = 3
_READ = 50
"""Patterns of which the best are chosen; those with the most evidence where there are more."""
_UNFIT = frozenset({"instructions_in_text"})
_SIMILARITY, _QUALITY, _EVIDENCE, _OUTSIDE = 0.35, 0.30, 0.20, 0.15
"""Weights of applicability: the specification of advice, §1. What is not known gives its weight to the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One pattern, and why it is thought to fit."""

    pattern: Pattern
    match: Match
    """The past task that it was drawn from."""
    applicability: float
    """0..1: likeness of the tasks, quality (as extracted, else the success rate), confidence, and ``outside``."""
    outside: float | None = None
    """0..1: how far a knowledge base speaks of the same (``hybrid.outside_fit``); None: not asked, or it has nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """At most ``MOST_RECOMMENDED`` patterns, and the templates of those."""

    patterns: tuple[Recommendation, ...]
    templates: tuple[Template, ...]
    """In the order of their patterns."""
    candidates: int
    """How many of all that were found are candidates, not reviewed yet."""


def recommended(
    store: Store, who: Identity, matches: Sequence[Match], *, knowledge: "KnowledgeAnswer | None" = None
) -> Recommended:
    """What is known in the namespace of ``who`` about ``matches``, of what ``who`` may read; ``knowledge`` is a knowledge
    base's word. Raises StoreError."""
    of_task = {match.fingerprint.fingerprint_id: match for match in matches}
    if not of_task:
        return Recommended(patterns=(), templates=(), candidates=0)
    query = LibraryQuery(
        namespace=who.namespace, status=("active", "candidate"), fingerprint_ids=tuple(of_task), limit=_READ
    )
    found = [
        _recommendation(pattern, match, knowledge)
        for pattern in store.visible_patterns(who, query)
        if (match := of_task.get(pattern.fingerprint_id or "")) is not None
        and not _UNFIT.intersection(pattern.review_flags)
        and pattern.successor_id is None
        and pattern.duplicate_of is None
    ]
    found.sort(key=lambda each: (each.pattern.status != "active", -each.applicability, each.pattern.pattern_id))
    chosen = found[:MOST_RECOMMENDED]
    place = {each.pattern.pattern_id: number for number, each in enumerate(chosen)}
    templates = store.templates(who.namespace, derived_from=tuple(place)) if place else []
    usable = [each for each in templates if each.deprecated_at is None and may_read(who, each)]
    usable.sort(key=lambda each: (place[each.derived_from_pattern_id or ""], each.template_id))
    return Recommended(
        patterns=tuple(chosen),
        templates=tuple(usable),
        candidates=sum(each.pattern.status == "candidate" for each in found),
    )


def _recommendation(pattern: Pattern, match: Match, knowledge: "KnowledgeAnswer | None") -> Recommendation:
    outside = None
    if knowledge is not None:
        from seasoned.advise.hybrid import outside_fit  # most installations ask no knowledge base

        outside = outside_fit(pattern, knowledge)
    stated = (pattern.pattern_data or {}).get("quality")
    quality = stated if isinstance(stated, int | float) and not isinstance(stated, bool) else pattern.success_rate
    terms = [(_SIMILARITY, match.score), (_EVIDENCE, pattern.confidence_score or 0.0)]
    terms += [(weight, term) for weight, term in ((_QUALITY, quality), (_OUTSIDE, outside)) if term is not None]
    mixed = sum(weight * term for weight, term in terms) / sum(weight for weight, _ in terms)
    return Recommendation(pattern=pattern, match=match, applicability=round(mixed, 4), outside=outside)
