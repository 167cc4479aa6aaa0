"""What is left of a pattern or a reported failure when executions behind it are forgotten.

Invariant: nothing is kept that only a forgotten execution said. Counts are taken again from the executions that are left,
and every quotation goes (examples, prompts, values, template text): of a text that was drawn from several executions
nobody can tell whose words it has. The learner, which runs next, draws what the others support anew. What people decided
about a pattern stays.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import cast

from seasoned.learn.statistics import confidence, posterior
from seasoned.library.trust import success_rate
from seasoned.library.words import keywords_of
from seasoned.model import Document, FailureOccurrence, FailurePattern, Pattern, PatternStep, Resolution, Trace

__all__ = [
    "SOME_FORGOTTEN",
    "SOURCES_FORGOTTEN",
    "detached",
    "disposable",
    "failure_without",
    "pattern_without",
    "upheld",
]

SOURCES_FORGOTTEN = "sources_forgotten"
"""Flag: nothing stands behind it any more."""
SOME_FORGOTTEN = "some_sources_forgotten"
"""Flag: it lost executions, and its steps may show what only those did."""
_KEPT_DATA = frozenset({"order_varies"})
"""Of the data of a pattern: what quotes nobody and counts nothing."""


def disposable(pattern: Pattern) -> bool:
    """A candidate that nobody has used or decided anything about."""
    return (
        pattern.status == "candidate"
        and not pattern.usage_count
        and pattern.waiver is None
        and pattern.successor_id is None
        and pattern.validation_status is None
    )


def upheld(pattern: Pattern, gone: Collection[str], resting: Mapping[str, Pattern]) -> bool:
    """Whether an execution stays behind ``pattern`` or, where it is a version without any, behind one that it was drawn
    from. ``resting`` has, by id, all patterns behind which there is a forgotten one."""
    seen = set[str]()
    each: Pattern | None = pattern
    while each is not None and each.pattern_id not in seen:
        if any(execution_id not in gone for execution_id in each.execution_ids):
            return True
        seen.add(each.pattern_id)
        each = resting.get(each.parent_pattern_id or "")
    return False


def detached(pattern: Pattern, withdrawn: Mapping[str, Pattern]) -> Pattern:
    """``pattern`` without references to those that were ``withdrawn``; their parent is its parent then."""
    parent = pattern.parent_pattern_id
    while parent is not None and parent in withdrawn:
        parent = withdrawn[parent].parent_pattern_id
    return replace(
        pattern,
        parent_pattern_id=parent,
        duplicate_of=None if pattern.duplicate_of in withdrawn else pattern.duplicate_of,
        successor_id=None if pattern.successor_id in withdrawn else pattern.successor_id,
    )


def pattern_without(
    pattern: Pattern,
    gone: Collection[str],
    left: Mapping[str, Trace],
    *,
    something_left: bool,
    drawn_names: Collection[str] = (),
) -> Pattern:
    """``pattern`` as what is ``left`` of its executions supports it. ``left`` has those of them that still exist;
    ``something_left``: whether it is ``upheld``; ``drawn_names``: names that the learner gave, made of prompts."""
    sources = tuple(each for each in pattern.execution_ids if each not in gone)
    known = [left[each] for each in sources if each in left and left[each].success is not None]
    weights = [1.0 if each.outcome_confidence is None else each.outcome_confidence for each in known]
    won = sum(weight for each, weight in zip(known, weights, strict=True) if each.success)
    score = posterior(won, sum(weights))
    flags = set(pattern.review_flags) - {SOURCES_FORGOTTEN, SOME_FORGOTTEN}
    flags.add(SOME_FORGOTTEN if something_left else SOURCES_FORGOTTEN)
    counted = replace(
        pattern,
        execution_ids=sources,
        fingerprint_id=None,
        pattern_name=pattern.pattern_name
        if something_left or pattern.pattern_name not in drawn_names
        else _plain_name(pattern),
        pattern_data=_data_without(pattern, sources),
        pattern_template=None,
        applicability_criteria=None,
        recommended_steps=pattern.recommended_steps if something_left else tuple(map(_bare, pattern.recommended_steps)),
        validation_criteria=None,
        estimated_duration_ms=None,
        success_score=None if score is None else round(score, 6),
        evidence_count=len(known),
        evidence_success_count=sum(each.success is True for each in known),
        review_flags=tuple(sorted(flags)),
        metadata=None,
    )
    outcomes = counted.evidence_count + counted.success_count + counted.failure_count
    return replace(
        counted,
        success_rate=success_rate(counted),
        confidence_score=round(confidence(outcomes), 6) if outcomes else None,
        keywords=keywords_of(counted) if pattern.keywords else (),
    )


def _plain_name(pattern: Pattern) -> str:
    return f"{pattern.pattern_type.replace('_', ' ').capitalize()} {pattern.pattern_id[:8]}"


def _data_without(pattern: Pattern, sources: Sequence[str]) -> Document:
    data: Document = {key: value for key, value in (pattern.pattern_data or {}).items() if key in _KEPT_DATA}
    many = "1 execution" if len(sources) == 1 else f"{len(sources)} executions"
    data["description"] = (
        f"{len(pattern.recommended_steps)} steps. Executions behind it were forgotten; it rests on {many}."
    )
    return data


def _bare(step: PatternStep) -> PatternStep:
    """A step with what kind of thing it did, and nothing that it did it to."""
    return replace(
        step,
        action=f"{step.kind.capitalize()}, with {step.tool or 'no tool'}",
        target="",
        seen_in=0,
        of=0,
        contrast=None,
    )


def failure_without(
    failure: FailurePattern,
    resolutions: Sequence[Resolution],
    occurrences: Sequence[FailureOccurrence],
    lost: Mapping[str, int],
) -> tuple[FailurePattern, tuple[Resolution, ...], tuple[FailureOccurrence, ...]] | None:
    """A failure that agents reported, as the reports that are left tell it; None where none is.

    ``occurrences`` are those that still stand, ``lost`` counts by recorded resolution the forgotten ones that named it.
    Words of whoever reported it go with the first forgotten report: they are not kept report by report.
    """
    reports = sorted(
        (each for each in occurrences if each.span_id is None), key=lambda each: (each.occurred_at, each.occurrence_id)
    )
    if not reports:
        return None
    named = {each.resolved_by for each in reports}
    recorded = [each for each in resolutions if each.source == "recorded" and not _only_lost(each, named, lost)]
    fewer = [
        replace(
            each,
            times_seen=max(0, each.times_seen - lost.get(each.resolution_id, 0)),
            times_worked=max(0, each.times_worked - lost.get(each.resolution_id, 0)),
        )
        for each in recorded
    ]
    mined = [each for each in resolutions if each.source == "mined"]
    metadata: Document = {**(failure.metadata or {}), "reported": cast("Document", {})}
    told = replace(
        failure,
        error_message=reports[0].message,
        error_stack_trace=None,
        error_category=None,
        root_cause_analysis=None,
        contributing_factors=None,
        resolution_applied=None,
        resolution_steps=None,
        time_to_resolve_ms=None,
        prevention_strategy=None,
        automated_fix_available=False,
        fix_success_rate=None,
        context_at_failure=None,
        occurrence_count=len(occurrences),
        first_occurrence_at=min(each.occurred_at for each in occurrences),
        last_occurrence_at=max(each.occurred_at for each in occurrences),
        metadata=metadata,
    )
    return told, (*mined, *fewer), tuple(occurrences)


def _only_lost(resolution: Resolution, named: Collection[str | None], lost: Mapping[str, int]) -> bool:
    return resolution.resolution_id in lost and resolution.resolution_id not in named
