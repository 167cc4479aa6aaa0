"""New candidates beside what is already known: merge, supersede, name, and correct for all that was asked.

The same content is the same pattern (its id says so): its evidence is brought up to date, and what people decided
about it (status, access, usage, waivers) stays. A candidate that tells the same task's way better than a known pattern
becomes its next version, with the old one as parent; if nobody has used or judged the old one yet, it simply takes its
place. Invariant: a second call with the same candidates changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, cast

from seasoned.learn.patterns.alignment import likeness
from seasoned.learn.patterns.contrast import RATE
from seasoned.learn.patterns.joining import bare, joined
from seasoned.learn.patterns.variants import with_variants
from seasoned.learn.patterns.wording import plain
from seasoned.learn.statistics import confidence, false_discovery, posterior
from seasoned.model import FALLING, PROMOTION_ASKED, REVIEW_NOTES, WORTH_SHARING, Document, Pattern

__all__ = ["Merged", "brought_up_to_date", "deduplicate", "settle"]

_SAME_TASK = 0.5
"""Share of the smaller one's executions that two patterns have in common when they are about one thing."""
_SAME_WAY = 0.7
_FROM_USE = frozenset({FALLING, WORTH_SHARING, PROMOTION_ASKED})
_TASK = 60
_KEPT = (
    "status",
    "access_level",
    "shared_with_agents",
    "agent_id",
    "pattern_name",
    "version",
    "parent_pattern_id",
    "successor_id",
    "usage_count",
    "success_count",
    "failure_count",
    "learning_weight",
    "validation_status",
    "deprecation_reason",
    "waiver",
    "duplicate_of",
    "last_used_at",
    "created_at",
    "updated_at",
    "deprecated_at",
    "extracted_at",
    "avg_quality_improvement",
)
"""What belongs to the stored pattern and not to the evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What a learning run changes in the library."""

    save: tuple[Pattern, ...]
    """New ones, and known ones that changed, by id."""
    obsolete: tuple[str, ...]
    """Ids of candidates that nobody has used or judged and that a better one replaces; to be deleted, sorted."""
    unchanged: int
    """Candidates that said nothing new."""


def settle(patterns: Sequence[Pattern], *, rate: float = RATE) -> tuple[Pattern, ...]:
    """The same patterns with every contrast corrected over all questions that were asked for any of them.

    What does not pass the false discovery rate any more is withdrawn, sentences included."""
    asked: list[float] = []
    for pattern in patterns:  # two clusters that come to one pattern asked each for themselves
        asked += _p_values(pattern)
    q_of: dict[float, float] = {}
    for p_value, q_value in zip(asked, false_discovery(asked), strict=True):
        q_of[p_value] = q_value
    return tuple(_settled(pattern, q_of, rate) for pattern in patterns)


def _p_values(pattern: Pattern) -> list[float]:
    told = (pattern.metadata or {}).get("p_values")
    return [float(value) for value in cast("list[float]", told)] if isinstance(told, list) else []


def _settled(pattern: Pattern, q_of: dict[float, float], rate: float) -> Pattern:
    steps = tuple(
        step
        if step.contrast is None
        else replace(
            step,
            contrast=replace(step.contrast, q_value=q)
            if (q := q_of.get(round(step.contrast.p_value, 9), 1.0)) <= rate
            else None,
        )
        for step in pattern.recommended_steps
    )
    data = dict(pattern.pattern_data or {})
    findings = cast("list[Document]", data.get("findings") or [])
    kept: list[Document] = []
    for finding in findings:
        q_value = q_of.get(cast("float", finding["p_value"]), 1.0)
        if q_value <= rate:
            kept.append({**finding, "q_value": round(q_value, 9)})
    data["findings"] = kept
    return replace(pattern, recommended_steps=steps, pattern_data=data)


def deduplicate(candidates: Sequence[Pattern], library: Sequence[Pattern]) -> Merged:
    """What ``candidates`` (of one namespace) change in ``library`` (its patterns, in any order)."""
    known = {pattern.pattern_id: pattern for pattern in library}
    merged = _merged_alike(candidates, frozenset(known))
    save: dict[str, Pattern] = {}
    obsolete: set[str] = set()
    unchanged = 0
    for candidate in merged:
        stored = known.get(candidate.pattern_id)
        if stored is not None:
            fresh = brought_up_to_date(stored, candidate)
            unchanged += fresh == stored
            if fresh != stored:
                save[fresh.pattern_id] = fresh
            continue
        rival = _rival(candidate, library)
        if rival is None:
            save[candidate.pattern_id] = candidate
        elif not _better(candidate, rival):
            unchanged += 1
        elif rival.status == "candidate" and not rival.usage_count:
            obsolete.add(rival.pattern_id)
            save[candidate.pattern_id] = candidate
        else:
            save[candidate.pattern_id] = replace(
                candidate,
                version=_next(rival.version),
                parent_pattern_id=rival.pattern_id,
                pattern_name=rival.pattern_name,
            )
            save[rival.pattern_id] = replace(rival, successor_id=candidate.pattern_id)
    named = _named_apart(list(save.values()), [each for each in library if each.pattern_id not in obsolete])
    return Merged(
        save=tuple(sorted(named, key=lambda each: each.pattern_id)),
        obsolete=tuple(sorted(obsolete)),
        unchanged=unchanged,
    )


def _merged_alike(candidates: Sequence[Pattern], known: frozenset[str]) -> list[Pattern]:
    by_id: dict[str, list[Pattern]] = {}
    for candidate in candidates:
        by_id.setdefault(candidate.pattern_id, []).append(candidate)
    found: list[Pattern] = []
    for _, same in sorted(by_id.items()):
        ordered = sorted(same, key=_weight)
        whole = ordered[0]
        for other in ordered[1:]:
            whole = joined(whole, other)
        found.append(whole)
    return with_variants([bare(each) for each in sorted(found, key=_weight)], known)


def _weight(pattern: Pattern) -> tuple[object, ...]:
    return (
        -len(pattern.execution_ids),
        -pattern.evidence_count,
        pattern.pattern_name,
        pattern.pattern_id,
        repr(pattern),
    )


def _way(pattern: Pattern) -> list[str]:
    return [f"{step.kind} {step.tool}" for step in pattern.recommended_steps]


def _shared(one: Pattern, other: Pattern) -> float:
    mine, theirs = set(one.execution_ids), set(other.execution_ids)
    fewer = min(len(mine), len(theirs))
    return len(mine & theirs) / fewer if fewer else 0.0


def brought_up_to_date(stored: Pattern, candidate: Pattern) -> Pattern:
    """``candidate``, which has the same content, with what people decided about ``stored`` and counted by using it."""
    kept = {name: getattr(stored, name) for name in _KEPT}
    candidate = replace(candidate, **kept, **_decided(stored, candidate))
    used = stored.success_count + stored.failure_count
    if not used:
        return candidate
    known = candidate.evidence_count + used
    rate = posterior(candidate.evidence_success_count + stored.success_count, known, stored.learning_weight)
    return replace(
        candidate,
        success_rate=None if rate is None else round(rate, 6),
        confidence_score=round(confidence(known), 6) if known else None,
    )


def _decided(stored: Pattern, candidate: Pattern) -> dict[str, Any]:
    """Flags and notes after what people have said: what a reviewer has seen is not held up again, what followed from
    use or was asked for stays."""
    notes = {name: value for name, value in (stored.metadata or {}).items() if name in REVIEW_NOTES}
    seen = notes.get("reviewed_flags")
    reviewed = set(cast("list[object]", seen)) if isinstance(seen, list) else set[object]()
    flags = (set(candidate.review_flags) - reviewed) | (set(stored.review_flags) & _FROM_USE)
    metadata = {**(candidate.metadata or {}), **notes}
    return {"review_flags": tuple(sorted(flags)), "metadata": metadata or None}


def _rival(candidate: Pattern, library: Sequence[Pattern]) -> Pattern | None:
    """The known pattern that tells of the same executions or the same task in a like way; the likest, ties by id."""
    near: list[tuple[float, str, Pattern]] = []
    if not candidate.recommended_steps:
        return None
    for known in library:
        if known.pattern_type != candidate.pattern_type or known.successor_id is not None:
            continue
        about_one = known.fingerprint_id is not None and known.fingerprint_id == candidate.fingerprint_id
        methods = (known.extraction_method, candidate.extraction_method)
        # What one approved run showed gives way to what several show.
        if not (methods[0] == methods[1] or methods == ("single", "cluster")) or not (
            about_one or _shared(known, candidate) >= _SAME_TASK
        ):
            continue
        score = likeness(_way(known), _way(candidate))
        if score >= _SAME_WAY:
            near.append((-score, known.pattern_id, known))
    return min(near)[2] if near else None


def _better(candidate: Pattern, rival: Pattern) -> bool:
    """More known outcomes, or as many and more executions; a pattern is not replaced for one of equal standing."""
    return (candidate.evidence_count, len(candidate.execution_ids)) > (rival.evidence_count, len(rival.execution_ids))


def _next(version: str) -> str:
    major, minor, *_ = (*version.split("."), "0", "0")
    return f"{major}.{int(minor) + 1}.0" if minor.isdigit() else f"{version}.1"


def _named_apart(patterns: list[Pattern], library: Sequence[Pattern]) -> list[Pattern]:
    """Two different ways may come to the same words; then they are told apart by what only one of them does, by what
    the task was, and where neither tells, by a number. Names of the library stand."""
    known = {each.pattern_id for each in library}
    taken = {each.pattern_name for each in library}
    alike: dict[str, list[Pattern]] = {}
    for each in patterns:
        alike.setdefault(each.pattern_name, []).append(each)
    found: dict[str, str] = {}
    for name, same in sorted(alike.items()):
        free = [each for each in same if each.parent_pattern_id is None and each.pattern_id not in known]
        taken |= {name} if len(free) < len(same) else set()
        for each in sorted(free, key=_weight):
            others = [other for other in same if other is not each]
            found[each.pattern_id] = chosen = _own_name(each, others, taken)
            taken.add(chosen)
    return [
        replace(each, pattern_name=name) if (name := found.get(each.pattern_id, each.pattern_name)) else each
        for each in patterns
    ]


def _own_name(pattern: Pattern, others: Sequence[Pattern], taken: set[str]) -> str:
    name = pattern.pattern_name
    if name not in taken:
        return name
    theirs = [{step.tool for step in other.recommended_steps} for other in others]
    mine = list(dict.fromkeys(step.tool for step in pattern.recommended_steps))
    special = [tool for tool in mine if theirs and not any(tool in each for each in theirs)]
    missing = (
        [tool for tool in sorted(theirs[0]) if tool not in mine and all(tool in each for each in theirs)]
        if theirs
        else []
    )
    told: list[str] = []
    if special:
        told.append(f"{name}, with {_words_of(special[0])}")
    if missing:
        told.append(f"{name}, without {_words_of(missing[0])}")
    told += [f"{name}, starting with {_words_of(mine[0])}"] if mine else []
    task = plain(str((pattern.pattern_data or {}).get("problem") or ""), _TASK)
    told += [f"{name}, for «{task}»"] if task else []
    told += [] if not mine else [f"{name}, {len(mine)} tools in {len(pattern.recommended_steps)} steps"]
    free = next((each for each in told if each not in taken), None)
    if free is not None:
        return free
    return next(each for each in (f"{name}, way {number}" for number in count(2)) if each not in taken)


def _words_of(tool: str) -> str:
    return " ".join(tool.replace("_", " ").replace("-", " ").split())
