"""One way found in two places of a history: what it rests on together.

A pattern in the making carries the numbers of each run behind it (``metadata["runs"]``, ``metadata["steps"]``), so that
whatever is said of the joined pattern is counted over all of its runs and not taken from one half: rates, durations,
sentences, flags. ``bare`` takes them off again before a pattern is kept. Invariant: joining is commutative but for the
example and the wording, which are those of the greater.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from seasoned.learn.patterns.sentences import (
    Troubles,
    criteria,
    description,
    gotchas,
    rationale,
    solution,
    when_not,
)
from seasoned.learn.statistics import confidence, posterior, weighted_quantile
from seasoned.model import Document, Execution, Pattern

__all__ = ["bare", "joined", "quartiles", "raw_numbers"]

_FEWEST_OUTCOMES = 3
_RECOUNTED = frozenset(
    "rests_on_one_execution one_session one_prompt outcome_unknown few_outcomes also_seen_failing".split()
)
_LONGEST = 1200
_Run = tuple[str, str, bool | None, float, int | None, bool, str]
"""execution_id, session, outcome, weight, duration_ms, whether a source, fingerprint_id or prompt."""


def raw_numbers(
    sources: Sequence[Execution],
    failures: Sequence[Execution],
    troubles: Sequence[Troubles],
    durations: Sequence[Sequence[int]],
) -> Document:
    """What ``joined`` needs; ``troubles`` and ``durations`` (ms) by step."""
    runs: list[object] = []
    for each, source in [*((one, True) for one in sources), *((one, False) for one in failures)]:
        trace = each.trace
        weight = 1.0 if trace.outcome_confidence is None else trace.outcome_confidence
        session = trace.session_id or trace.execution_id
        run: _Run = (trace.execution_id, session, trace.success, weight, trace.duration_ms, source, trace.prompt or "")
        runs.append(list(run))
    steps: list[object] = [
        [each.failed, each.red, each.passed, list(lasted)] for each, lasted in zip(troubles, durations, strict=True)
    ]
    return {"runs": runs, "steps": steps}


def bare(pattern: Pattern) -> Pattern:
    """``pattern`` without the numbers of its runs."""
    kept = {key: value for key, value in (pattern.metadata or {}).items() if key not in {"runs", "steps"}}
    return pattern if kept == pattern.metadata or pattern.metadata is None else replace(pattern, metadata=kept)


def quartiles(durations: Iterable[int]) -> Document | None:
    """Quartiles in milliseconds (low, median, high) and n; None without any."""
    values = [(float(each), 1.0) for each in durations]
    if not values:
        return None
    low, median, high = (round(weighted_quantile(values, share) or 0.0) for share in (0.25, 0.5, 0.75))
    return {"low": low, "median": median, "high": high, "n": len(values)}


def joined(one: Pattern, other: Pattern) -> Pattern:
    """Two patterns of the same content as one. ``one`` alone where they rest on the same runs in part: then what was
    counted by step cannot be added, and the greater has most of it anyway."""
    mine, theirs = _runs(one), _runs(other)
    runs = {**theirs, **mine}
    sources = [run for run in runs.values() if run[5]]
    if len(sources) < sum(run[5] for run in mine.values()) + sum(run[5] for run in theirs.values()):
        return one
    known = [run for run in runs.values() if run[2] is not None]
    won = sum(run[2] is True for run in known)
    weights = [run[3] for run in sorted(known)]
    total = sum(weights)
    score = posterior(sum(run[3] for run in sorted(known) if run[2]), total) if total else None
    unknown, failures = sum(run[2] is None for run in sources), sum(not run[5] for run in runs.values())
    troubles, lasted = _steps_of(one, other)
    steps = tuple(
        replace(
            step,
            seen_in=step.seen_in + twin.seen_in,
            of=step.of + twin.of,
            optional=step.optional or twin.optional,
            median_duration_ms=(quartiles(each) or {}).get("median"),  # pyright: ignore[reportArgumentType]
        )
        for step, twin, each in zip(one.recommended_steps, other.recommended_steps, lasted, strict=True)
    )
    sessions, prompts = {run[1] for run in sources}, {run[6] for run in sources}
    successes = len(sources) - unknown
    data, others = dict(one.pattern_data or {}), other.pattern_data or {}
    schema = _schemas_joined(cast("Document", data["placeholders"]), cast("Document", others["placeholders"]))
    data |= {
        "description": description(steps, len(sources), one_task=False),
        "solution": solution(steps),
        "when_to_use": _both(data.get("when_to_use"), others.get("when_to_use")),
        "when_not_to_use": list(when_not(schema, failures)),
        "rationale": rationale(successes, unknown, failures),
        "gotchas": list(gotchas(steps, troubles)),
        "placeholders": schema,
        "evidence": {
            "successes": successes,
            "failures": failures,
            "unknown": unknown,
            "beside": _number(data, "beside") + _number(others, "beside"),
            "sessions": len(sessions),
        },
        "reuse": {"executions": len(sources), "sessions": len(sessions), "prompts": len(prompts)},
        "suspicions": _union(data.get("suspicions"), others.get("suspicions")),
    }
    duration = quartiles(run[4] for run in sources if run[4] is not None)
    data.pop("time_saved_ms", None)  # it was measured against what lay beside each of them
    data.pop("duration_ms", None)
    if duration is not None:
        data["duration_ms"] = duration
    raised = {
        "one_session": len(sessions) == 1,
        "one_prompt": len(prompts) == 1,
        "outcome_unknown": unknown > 0,
        "few_outcomes": len(known) < _FEWEST_OUTCOMES,
        "also_seen_failing": failures > 0,
    }
    both_own = "outcome_from_own_checks" in one.review_flags and "outcome_from_own_checks" in other.review_flags
    flags = ({*one.review_flags, *other.review_flags} - _RECOUNTED) | {name for name, up in raised.items() if up}
    floor = (one.quality_thresholds or other.quality_thresholds or {}).get("quality_score")
    return replace(
        one,
        recommended_steps=steps,
        execution_ids=tuple(sorted(runs)),
        evidence_count=len(known),
        evidence_success_count=won,
        success_score=None if score is None else round(score, 6),
        success_rate=None if score is None else round(score, 6),
        confidence_score=round(confidence(len(known)), 6),
        learning_weight=round(total / len(known), 6) if known else None,
        estimated_duration_ms=cast("int", duration["median"]) if duration is not None else None,
        applicable_domains=tuple(sorted({*one.applicable_domains, *other.applicable_domains})),
        technology_requirements=tuple(sorted({*one.technology_requirements} & {*other.technology_requirements})),
        applicability_criteria=_criteria_joined(one.applicability_criteria or {}, other.applicability_criteria or {}),
        validation_criteria=criteria(steps, troubles, successes, cast("float | None", floor)),
        required_tools=tuple(sorted({step.tool for step in steps if not step.optional})),
        origin_trust="read_outside_content"
        if "read_outside_content" in {one.origin_trust, other.origin_trust}
        else one.origin_trust,
        pattern_data=data,
        review_flags=tuple(sorted(flags if both_own or not known else flags - {"outcome_from_own_checks"})),
        metadata={
            **(one.metadata or {}),
            "p_values": sorted([*_p_values(one), *_p_values(other)]),
            "runs": [list(run) for run in runs.values()],
            "steps": [
                [each.failed, each.red, each.passed, list(own)] for each, own in zip(troubles, lasted, strict=True)
            ],
        },
    )


def _runs(pattern: Pattern) -> dict[str, _Run]:
    rows = cast("list[list[object]]", (pattern.metadata or {}).get("runs") or [])
    return {str(row[0]): cast("_Run", tuple(row)) for row in rows}


def _steps_of(one: Pattern, other: Pattern) -> tuple[list[Troubles], list[list[int]]]:
    mine, theirs = (
        cast("list[tuple[int, int, int, list[int]]]", (each.metadata or {}).get("steps") or []) for each in (one, other)
    )
    pairs = list(zip(mine, theirs, strict=True))
    troubles = [Troubles(failed=a[0] + b[0], red=a[1] + b[1], passed=a[2] + b[2]) for a, b in pairs]
    return troubles, [[*a[3], *b[3]] for a, b in pairs]


def _p_values(pattern: Pattern) -> list[float]:
    return cast("list[float]", (pattern.metadata or {}).get("p_values") or [])


def _number(data: Document, name: str) -> int:
    return cast("Mapping[str, int]", data.get("evidence") or {}).get(name, 0)


def _union(one: object, other: object) -> list[object]:
    found = list(cast("list[object]", one or []))
    return [*found, *(each for each in cast("list[object]", other or []) if each not in found)]


def _both(one: object, other: object) -> str:
    first, second = str(one or ""), str(other or "")
    return first if second in first or len(first) + len(second) > _LONGEST else f"{first} {second}".strip()


def _criteria_joined(one: Document, other: Document) -> Document:
    """A list is what either says, but for what all must share: keywords and files."""
    found: Document = dict(one)
    for name, value in one.items():
        twin = other.get(name)
        if isinstance(value, list) and isinstance(twin, list):
            mine, theirs = set(cast("list[str]", value)), set(cast("list[str]", twin))
            found[name] = list[object](
                sorted(mine & theirs if name in {"keywords", "file_patterns"} else mine | theirs)
            )
        elif value != twin:
            found[name] = None
    return found


def _schemas_joined(one: Document, other: Document) -> Document:
    """Examples of both; a default only where they agree on it, else the value must be given."""
    mine = cast("dict[str, Document]", one["properties"])
    theirs = cast("dict[str, Document]", other["properties"])
    required = {*cast("list[str]", one["required"]), *cast("list[str]", other["required"])}
    properties: Document = {}
    for name, about in mine.items():
        twin = theirs.get(name, about)
        examples = [*cast("list[object]", about["examples"]), *cast("list[object]", twin["examples"])]
        whole = {**about, "examples": [each for at, each in enumerate(examples) if each not in examples[:at]][:3]}
        if whole.get("pattern") != twin.get("pattern"):
            whole.pop("pattern", None)
        if whole.get("description") != twin.get("description"):
            whole["description"] = str(whole.get("description", "")).rsplit("; ", 1)[-1]  # where used, not where from
        if "default" in whole and whole["default"] != twin.get("default"):
            del whole["default"]
            required.add(name)
        properties[name] = whole
    return {**one, "properties": properties, "required": sorted(required)}
