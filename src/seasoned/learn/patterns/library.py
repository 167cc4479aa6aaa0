"""New candidates beside what is already known: merge, supersede, name, and correct for all that was asked.

The same content is the same pattern (its id says so): its evidence is brought up to date, and what people decided
about it (status, access, usage, waivers) stays. A candidate that tells the same task's way better than a known pattern
becomes its next version, with the old one as parent; if nobody has used or judged the old one yet, it simply takes its
place. Invariant: a second call with the same candidates changes nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from seasoned.learn.patterns.alignment import likeness
from seasoned.learn.patterns.contrast import RATE
from seasoned.learn.statistics import confidence, false_discovery, posterior
from seasoned.model import Document, Pattern

__all__ = ["Merged", "deduplicate", "settle"]

_SAME_TASK = 0.5
"""Share of the smaller one's executions that two patterns have in common when they are about one thing."""
_SAME_WAY = 0.7
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
    for pattern in {each.pattern_id: each for each in patterns}.values():
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
    merged = _merged_alike(candidates)
    known = {pattern.pattern_id: pattern for pattern in library}
    save: dict[str, Pattern] = {}
    obsolete: set[str] = set()
    unchanged = 0
    for candidate in merged:
        stored = known.get(candidate.pattern_id)
        if stored is not None:
            fresh = _brought_up_to_date(stored, candidate)
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


def _merged_alike(candidates: Sequence[Pattern]) -> list[Pattern]:
    by_id: dict[str, list[Pattern]] = {}
    for candidate in candidates:
        by_id.setdefault(candidate.pattern_id, []).append(candidate)
    found: list[Pattern] = []
    for _, same in sorted(by_id.items()):
        ordered = sorted(same, key=_weight)
        joined = ordered[0]
        for other in ordered[1:]:
            joined = _joined(joined, other)
        found.append(joined)
    kept: list[Pattern] = []
    for candidate in sorted(found, key=_weight):
        way = _way(candidate)
        if not way or not any(_way(other) == way and _shared(candidate, other) >= _SAME_TASK for other in kept):
            kept.append(candidate)
    return kept


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


def _joined(one: Pattern, other: Pattern) -> Pattern:
    """One content found in two places: the evidence of both where they are different executions, else the greater's."""
    if set(one.execution_ids) & set(other.execution_ids):
        return one
    won = one.evidence_success_count + other.evidence_success_count
    known = one.evidence_count + other.evidence_count
    score = posterior(won, known)
    steps = tuple(
        replace(
            step, seen_in=step.seen_in + twin.seen_in, of=step.of + twin.of, optional=step.optional or twin.optional
        )
        for step, twin in zip(one.recommended_steps, other.recommended_steps, strict=True)
    )
    data = dict(one.pattern_data or {})
    theirs = other.pattern_data or {}
    data["evidence"] = _added(data.get("evidence"), theirs.get("evidence"))
    data["reuse"] = _added(data.get("reuse"), theirs.get("reuse"))
    data["when_to_use"] = _both(data.get("when_to_use"), theirs.get("when_to_use"))
    if "placeholders" in data and "placeholders" in theirs:
        data["placeholders"] = _schemas_joined(
            cast("Document", data["placeholders"]), cast("Document", theirs["placeholders"])
        )
    flags = {*one.review_flags, *other.review_flags} - {"one_prompt", "rests_on_one_execution", "one_session"}
    if known >= 3:
        flags.discard("few_outcomes")
    return replace(
        one,
        recommended_steps=steps,
        execution_ids=tuple(sorted({*one.execution_ids, *other.execution_ids})),
        evidence_count=known,
        evidence_success_count=won,
        success_score=None if score is None else round(score, 6),
        success_rate=None if score is None else round(score, 6),
        confidence_score=round(confidence(known), 6),
        applicable_domains=tuple(sorted({*one.applicable_domains, *other.applicable_domains})),
        pattern_data=data,
        review_flags=tuple(sorted(flags)),
        metadata={"p_values": sorted([*_p_values(one), *_p_values(other)])},
    )


def _added(one: object, other: object) -> Document:
    mine, theirs = cast("dict[str, int]", one or {}), cast("dict[str, int]", other or {})
    return {key: mine.get(key, 0) + theirs.get(key, 0) for key in sorted(mine.keys() | theirs.keys())}


_LONGEST = 1200


def _both(one: object, other: object) -> str:
    first, second = str(one or ""), str(other or "")
    return first if second in first or len(first) + len(second) > _LONGEST else f"{first} {second}".strip()


def _schemas_joined(one: Document, other: Document) -> Document:
    """Examples of both; a default only where they agree on it, else the value must be given."""
    mine = cast("dict[str, Document]", one["properties"])
    theirs = cast("dict[str, Document]", other["properties"])
    required = {*cast("list[str]", one["required"]), *cast("list[str]", other["required"])}
    properties: Document = {}
    for name, about in mine.items():
        twin = theirs.get(name, about)
        examples = [*cast("list[object]", about["examples"]), *cast("list[object]", twin["examples"])]
        joined = {**about, "examples": [each for at, each in enumerate(examples) if each not in examples[:at]][:3]}
        if joined.get("pattern") != twin.get("pattern"):
            joined.pop("pattern", None)
        if "default" in joined and joined["default"] != twin.get("default"):
            del joined["default"]
            required.add(name)
        properties[name] = joined
    return {**one, "properties": properties, "required": sorted(required)}


def _brought_up_to_date(stored: Pattern, candidate: Pattern) -> Pattern:
    kept = {name: getattr(stored, name) for name in _KEPT}
    if not stored.usage_count:
        return replace(candidate, **kept)
    # The score is (won + ½) / (n + 1); taken apart, the usages join it under the same prior.
    won = (candidate.success_score or 0.5) * (candidate.evidence_count + 1) - 0.5 + stored.success_count
    known = candidate.evidence_count + stored.usage_count
    rate = posterior(won, known)
    return replace(
        candidate,
        **kept,
        success_rate=None if rate is None else round(rate, 6),
        confidence_score=round(confidence(known), 6),
    )


def _rival(candidate: Pattern, library: Sequence[Pattern]) -> Pattern | None:
    """The known pattern that tells of the same executions or the same task in a like way; the likest, ties by id."""
    near: list[tuple[float, str, Pattern]] = []
    if not candidate.recommended_steps:
        return None
    for known in library:
        if known.pattern_type != candidate.pattern_type or known.successor_id is not None:
            continue
        about_one = known.fingerprint_id is not None and known.fingerprint_id == candidate.fingerprint_id
        if known.extraction_method != candidate.extraction_method or not (
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
    """Two different patterns may come to the same words; then a piece of the id is added to them."""
    own = {each.pattern_id for each in patterns}
    counts = Counter(each.pattern_name for each in patterns if each.parent_pattern_id is None)
    taken = {each.pattern_name for each in library if each.pattern_id not in own}
    return [
        replace(each, pattern_name=f"{each.pattern_name} ({each.pattern_id[:4]})")
        if each.parent_pattern_id is None
        and not each.pattern_name.endswith(f"({each.pattern_id[:4]})")
        and (counts[each.pattern_name] > 1 or each.pattern_name in taken)
        else each
        for each in patterns
    ]
