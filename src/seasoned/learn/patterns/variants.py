"""Ways that differ only in how much was looked at are one way, told once.

What a way is for is what it does: changes, checks, hand-overs, in their order. Runs that do the same look at three
orders or at five, as the customer has it; told apart they were fifteen patterns of one deed. The one with most
executions stands, the others are listed with it, counted: nothing of their evidence enters the rates, as their steps are
not those shown. Ways that look with other tools stay apart: on the histories looked at, joining those too took the
order-aware F1 between a run and its pattern from 0.847 to 0.775 (37 patterns of 82 left), joining what looks with the
same tools to 0.830 (51 left). Invariant: a function of the set of candidates; what has more evidence is never hidden behind what has
less.
"""

from collections.abc import Sequence
from dataclasses import replace

from seasoned.model import Document, Pattern

__all__ = ["with_variants"]

_SAME_TASK = 0.5
"""Share of the smaller one's executions that two patterns have in common when they are about one thing."""
_LISTED = 5


def with_variants(candidates: Sequence[Pattern], known: frozenset[str] = frozenset()) -> list[Pattern]:
    """``candidates``, those first that are to stand before others, without variants of earlier ones.

    What the library has (``known``, ids) stands: somebody used it or decided about it."""
    kept: list[Pattern] = []
    variants: dict[str, list[Pattern]] = {}
    for candidate in candidates:
        stays = candidate.pattern_id in known
        standing = None if stays else next((each for each in kept if _covers(each, candidate)), None)
        if standing is None:
            kept.append(candidate)
        else:
            variants.setdefault(standing.pattern_id, []).append(candidate)
    return [_told(each, variants[each.pattern_id]) if each.pattern_id in variants else each for each in kept]


def _covers(standing: Pattern, other: Pattern) -> bool:
    if not other.recommended_steps or standing.extraction_method != other.extraction_method:
        return False
    if _way(standing) == _way(other) and _shared(standing, other) >= _SAME_TASK:
        return True
    if (standing.subcategory, _deeds(standing)) != (other.subcategory, _deeds(other)):
        return False
    if standing.evidence_count < other.evidence_count:
        return False
    return _looks(standing) == _looks(other)


def _way(pattern: Pattern) -> list[str]:
    return [f"{step.kind} {step.tool}" for step in pattern.recommended_steps]


def _deeds(pattern: Pattern) -> list[str]:
    """What it does besides looking; the same tool in a row is a loop, counted or not."""
    found: list[str] = []
    for step in pattern.recommended_steps:
        deed = f"{step.kind} {step.tool}"
        if step.kind != "look" and deed not in found[-1:]:
            found.append(deed)
    return found


def _looks(pattern: Pattern) -> set[str]:
    return {step.tool for step in pattern.recommended_steps if step.kind == "look"}


def _shared(one: Pattern, other: Pattern) -> float:
    mine, theirs = set(one.execution_ids), set(other.execution_ids)
    fewer = min(len(mine), len(theirs))
    return len(mine & theirs) / fewer if fewer else 0.0


def _told(standing: Pattern, variants: Sequence[Pattern]) -> Pattern:
    own = set(standing.execution_ids)
    further = {execution_id for each in variants for execution_id in each.execution_ids} - own
    if not further:
        return standing
    listed: list[object] = []
    for each in variants:
        beside = len(set(each.execution_ids) - own)
        if beside and len(listed) < _LISTED:
            about: Document = {
                "executions": beside,
                "known_outcomes": each.evidence_count,
                "successes": each.evidence_success_count,
                "steps": [step.tool for step in each.recommended_steps],
            }
            listed.append(about)
    data = dict(standing.pattern_data or {})
    number = "1 more execution" if len(further) == 1 else f"{len(further)} more executions"
    notes = data.get("gotchas")
    sentence = f"Also done in {number}, with more or fewer looks before; they are not counted above."
    data["gotchas"] = [*(notes if isinstance(notes, list) else []), sentence]
    data["variants"] = listed
    flags = {*standing.review_flags, *({"instructions_in_text"} & {flag for v in variants for flag in v.review_flags})}
    return replace(standing, pattern_data=data, review_flags=tuple(sorted(flags)))
