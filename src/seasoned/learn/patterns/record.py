"""The record of a pattern: what a person or an agent reads, and how much stands behind it.

Every sentence here is made of counts and of the runs' own material; nothing is promised that was not seen. The id is a
function of the content (type, steps, placeholders), so the same way found twice is the same pattern, and evidence is
merged instead of doubled (``library``).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from seasoned.learn.patterns.alignment import Alignment, Column
from seasoned.learn.patterns.clusters import Cluster
from seasoned.learn.patterns.generalise import Bound, General
from seasoned.learn.patterns.suspicion import suspicions
from seasoned.learn.patterns.wording import REPEATED, action_of, name_of, plain
from seasoned.learn.statistics import confidence, posterior, weighted_quantile
from seasoned.learn.steps import Step
from seasoned.learn.templates import text_of_plan
from seasoned.model import Contrast, Document, Execution, Pattern, PatternStep, PatternType
from seasoned.model.ids import canonical_json, name_id

__all__ = ["OWNER", "Evidence", "pattern_of"]

OWNER = "seasoned"
_EXCERPT = 240
_KEYWORDS = 12
_FEWEST_DURATIONS = 3
_PAGES = frozenset({"fetch a page", "search the web"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The executions behind a pattern and beside it."""

    sources: tuple[Execution, ...]
    """Those it was drawn from, by id: successes, and runs with an unknown outcome."""
    failures: tuple[Execution, ...]
    """Those that went the same way and failed."""
    others: tuple[Execution, ...]
    """The rest of the cluster."""
    steps: tuple[tuple[Step, ...], ...]
    """Of each source."""


def pattern_of(
    alignment: Alignment,
    general: General,
    evidence: Evidence,
    *,
    optional: Sequence[bool],
    contrasts: Mapping[str, Contrast],
    p_values: Sequence[float],
    cluster: Cluster | None,
    namespace: str,
    quality: float,
) -> Pattern:
    """The candidate pattern of a common way. Status, version and owner are those of every new candidate.

    ``cluster`` is None for the pattern of one execution."""
    routine = cluster.about if cluster is not None and cluster.kind == "routine" else ""
    of = len(evidence.sources)
    recommended = tuple(
        _step(number, column, exemplar, bounds, of=of, optional=optional[number - 1], contrast=contrasts.get(column.token))
        for number, (column, exemplar, bounds) in enumerate(
            zip(alignment.columns, general.exemplars, general.arguments, strict=True), 1
        )
    )
    kind = _type(recommended)
    shape = None if routine else _shape(evidence.sources)
    name = name_of(general.exemplars, shape if any(step.words or step.tool == "edit" for step in general.exemplars) else None)
    known = [each for each in (*evidence.sources, *evidence.failures) if each.trace.success is not None]
    weights = [each.trace.outcome_confidence or 1.0 for each in known]
    won = sum(weight for each, weight in zip(known, weights, strict=True) if each.trace.success)
    score = posterior(won, sum(weights))
    content = {
        "type": kind,
        "steps": [[step.kind, step.tool, step.action.removesuffix(REPEATED)] for step in recommended],
        "placeholders": _identity(general.schema),
    }
    sessions = {each.trace.session_id or each.trace.execution_id for each in evidence.sources}
    prompts = [each.trace.prompt or "" for each in evidence.sources]
    duration = _durations(evidence.sources)
    suspected = _suspected(evidence, [name, *(step.action for step in recommended)])
    exemplary = _exemplary(evidence.sources)
    fingerprint = exemplary.fingerprint
    data: Document = {
        "description": _description(recommended, evidence, shape),
        "problem": f"Work on {routine}: check what was changed, and hand it over."
        if routine
        else plain(shape or prompts[0], _EXCERPT),
        "solution": "; then ".join(step.action for step in recommended if not step.optional)[: 4 * _EXCERPT],
        "when_to_use": f"Whenever {routine} is changed here, whatever the task."
        if routine
        else _when(evidence.sources, shape),
        "when_not_to_use": _when_not(general.schema, evidence),
        "rationale": _rationale(evidence),
        "example": {
            "execution_id": exemplary.trace.execution_id,
            "task": plain(exemplary.trace.prompt or "", _EXCERPT),
        },
        "prerequisites": _prerequisites(general),
        "gotchas": _gotchas(alignment),
        "placeholders": general.schema,
        "order_varies": [n for n, column in enumerate(alignment.columns, 1) if column.position_varies],
        "findings": [_finding(key, value, alignment) for key, value in sorted(contrasts.items())],
        "evidence": {
            "successes": sum(each.trace.success is True for each in evidence.sources),
            "failures": len(evidence.failures),
            "unknown": sum(each.trace.success is None for each in evidence.sources),
            "beside": len(evidence.others),
            "sessions": len(sessions),
        },
        "applicability": {"likeness_of_tasks": cluster.tightness if cluster is not None else 1.0, "likeness_of_runs": alignment.tightness},
        "reuse": {"executions": of, "sessions": len(sessions), "prompts": len(set(prompts))},
        "suspicions": suspected,
    }
    if duration is not None:
        data["duration_ms"] = duration
    if (saved := _time_saved(evidence)) is not None:
        data["time_saved_ms"] = saved
    criteria = _criteria(alignment, recommended, evidence, quality)
    return Pattern(
        pattern_id=name_id("pattern", namespace, canonical_json(content)),
        pattern_name=name,
        namespace=namespace,
        agent_id=OWNER,
        category=_most([each.fingerprint.task_type for each in evidence.sources if each.fingerprint]),
        subcategory=_most([each.fingerprint.domain for each in evidence.sources if each.fingerprint]),
        pattern_type=kind,
        intent=_most([each.fingerprint.intent for each in evidence.sources if each.fingerprint]),
        fingerprint_id=fingerprint.fingerprint_id if fingerprint else None,
        execution_ids=tuple(sorted(each.trace.execution_id for each in (*evidence.sources, *evidence.failures))),
        extraction_method="single" if cluster is None else "cluster",
        pattern_data=data,
        pattern_template=text_of_plan(name, [step.action for step in recommended]),
        applicability_criteria=_applicability(evidence.sources, shape),
        recommended_steps=recommended,
        required_tools=tuple(sorted({step.tool for step in recommended if not step.optional})),
        estimated_duration_ms=_whole(duration["median"]) if duration is not None else None,
        validation_criteria=criteria,
        quality_thresholds=_thresholds(evidence.sources, quality),
        applicable_domains=tuple(sorted({each.fingerprint.domain for each in evidence.sources if each.fingerprint})),
        technology_requirements=_shared([each.trace.technology_stack for each in evidence.sources]),
        success_score=_rounded(score),
        evidence_count=len(known),
        evidence_success_count=sum(each.trace.success is True for each in known),
        success_rate=_rounded(score),
        confidence_score=_rounded(confidence(len(known))),
        complexity_score=fingerprint.complexity_score if fingerprint else None,
        learning_weight=_rounded(sum(weights) / len(weights)) if weights else None,
        origin_trust="read_outside_content" if _reads_outside(evidence.steps) else "own",
        review_flags=_flags(alignment, evidence, known, len(sessions), suspected),
        metadata={"p_values": sorted(round(value, 9) for value in p_values)},
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _step(
    number: int,
    column: Column,
    exemplar: Step,
    bounds: Sequence[Bound],
    *,
    of: int,
    optional: bool,
    contrast: Contrast | None,
) -> PatternStep:
    durations = [
        (float(sum(known)), 1.0)
        for each in column.instances
        if (known := [step.duration_ms for step in each.steps if step.duration_ms is not None])
    ]
    median = weighted_quantile(durations, 0.5)

    return PatternStep(
        number=number,
        action=action_of(exemplar, bounds, repeats=column.repeats),
        tool=exemplar.tool,
        target=plain(exemplar.target, 160),
        kind=exemplar.kind,
        seen_in=len(column.instances),
        of=of,
        optional=optional,
        repeats=column.repeats,
        median_duration_ms=None if median is None else round(median),
        contrast=contrast,
    )


def _identity(schema: Document) -> Document:
    """A schema without what only the evidence says: examples, defaults, origins."""
    return {
        name: {key: about[key] for key in ("type", "format") if key in about}
        for name, about in _properties(schema).items()
    }


def _type(recommended: Sequence[PatternStep]) -> PatternType:
    kinds = {step.kind for step in recommended}
    if "change" not in kinds and "check" in kinds:
        return "validation_sequence"
    return "workflow" if "change" in kinds else "tool_chain"


def _most(values: Sequence[str]) -> str | None:
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


def _shared(sets: Sequence[Sequence[str]]) -> tuple[str, ...]:
    counts = Counter(value for each in sets for value in set(each))
    return tuple(sorted(value for value, count in counts.items() if 5 * count >= 3 * len(sets)))


def _shape(sources: Sequence[Execution]) -> str | None:
    """The shape that all share; else None."""
    shapes = {each.fingerprint.shape_prompt for each in sources if each.fingerprint}
    return shapes.pop() if len(shapes) == 1 else None


def _exemplary(sources: Sequence[Execution]) -> Execution:
    """The one that shows it best: a success, of the highest quality, then the quickest, then by id."""
    return min(
        sources,
        key=lambda each: (
            each.trace.success is not True,
            -(each.trace.quality_score or 0.0),
            each.trace.duration_ms if each.trace.duration_ms is not None else 10**12,
            each.trace.execution_id,
        ),
    )


def _durations(sources: Sequence[Execution]) -> Document | None:
    values = [(float(each.trace.duration_ms), 1.0) for each in sources if each.trace.duration_ms is not None]
    if not values:
        return None
    low, median, high = (round(weighted_quantile(values, share) or 0.0) for share in (0.25, 0.5, 0.75))
    return {"low": low, "median": median, "high": high, "n": len(values)}


def _time_saved(evidence: Evidence) -> int | None:
    """Median duration of the cluster's other successes minus that of the sources, where both are known of three runs
    at least and their middle halves do not overlap; else None: then it was not measured."""
    others = tuple(each for each in evidence.others if each.trace.success)
    with_it, without = _durations(evidence.sources), _durations(others)
    if with_it is None or without is None:
        return None
    numbers = {key: (with_it[key], without[key]) for key in ("low", "median", "high", "n")}
    if not all(isinstance(one, int) and isinstance(other, int) for one, other in numbers.values()):
        return None
    mine = {key: _whole(pair[0]) or 0 for key, pair in numbers.items()}
    theirs = {key: _whole(pair[1]) or 0 for key, pair in numbers.items()}
    if min(mine["n"], theirs["n"]) < _FEWEST_DURATIONS or mine["high"] >= theirs["low"]:
        return None
    return theirs["median"] - mine["median"]


def _description(recommended: Sequence[PatternStep], evidence: Evidence, shape: str | None) -> str:
    what = "one task, asked again" if shape is not None else "alike tasks"
    of = len(evidence.sources)
    always = sum(not step.optional for step in recommended)
    return (
        f"{len(recommended)} steps common to {_executions(of)} of {what if of > 1 else 'one task'}: {always} in all of them, "
        f"{len(recommended) - always} in most."
    )


def _when(sources: Sequence[Execution], shape: str | None) -> str:
    if shape is not None:
        return f"Tasks worded like: {plain(shape, _EXCERPT)}"
    prompts = sorted({plain(each.trace.prompt or "", 100) for each in sources})
    listed = "; ".join(f"«{prompt}»" for prompt in prompts[:3])
    words = _keywords(sources)
    about = f" Words they share: {', '.join(words)}." if words else ""
    return f"Tasks like: {listed}.{about}"


def _keywords(sources: Sequence[Execution]) -> list[str]:
    sets = [each.fingerprint.prompt_tokens for each in sources if each.fingerprint]
    return list(_shared(sets))[:_KEYWORDS] if len(sets) > 1 else []


def _when_not(schema: Document, evidence: Evidence) -> list[str]:
    told = [
        name
        for name, about in _properties(schema).items()
        if str(about.get("description", "")).startswith("named in the task")
    ]
    found = [f"The task does not say {', '.join(told)}."] if told else []
    if evidence.failures:
        found.append(f"{_executions(len(evidence.failures))} went this way and failed; look at what they were asked.")
    return found


def _properties(schema: Document) -> dict[str, Document]:
    properties = schema["properties"]
    return cast("dict[str, Document]", properties)


def _executions(count: int) -> str:
    return "1 execution" if count == 1 else f"{count} executions"


def _rationale(evidence: Evidence) -> str:
    known = Counter(each.trace.success for each in evidence.sources)
    seen = f"Seen in {_executions(len(evidence.sources))}: {known[True]} successful, {known[None]} of unknown outcome."
    if not evidence.failures:
        return seen
    return f"{seen} {_executions(len(evidence.failures))} more went the same way and failed."


def _finding(subject: str, contrast: Contrast, alignment: Alignment) -> Document:
    """A contrast in words and numbers. ``library.settle`` may withdraw it."""
    numbers = {column.token: number for number, column in enumerate(alignment.columns, 1)}
    where = f"Step {numbers[subject]}" if subject in numbers else f"«{plain(subject, 80)}»"
    with_what = "success" if contrast.verdict == "helps" else "failure"
    finite = contrast.odds_ratio not in (0.0, float("inf"))
    ratio = f"odds ratio {contrast.odds_ratio:.2g}" if finite else "without exception"
    return {
        "subject": plain(subject, 200),
        "sentence": f"{where} goes with {with_what} within the same task ({ratio}, {contrast.successes} successes and "
        f"{contrast.failures} failures in {contrast.sessions} sessions).",
        "verdict": contrast.verdict,
        "odds_ratio": contrast.odds_ratio if finite else None,
        "p_value": round(contrast.p_value, 9),
        "q_value": round(contrast.q_value, 9),
        "successes": contrast.successes,
        "failures": contrast.failures,
        "sessions": contrast.sessions,
    }


def _prerequisites(general: General) -> list[str]:
    programs = sorted({step.words[0] for step in general.exemplars if step.words})
    named = sorted(
        {step.tool for step in general.exemplars if not step.words and step.kind != "delegate"}
        - {"edit", "read", "search", "list", "fetch a page", "search the web"}
    )
    found = [f"Programs: {', '.join(plain(program, 40) for program in programs)}."] if programs else []
    found += [f"Tools: {', '.join(plain(name, 60) for name in named)}."] if named else []
    return found


def _gotchas(alignment: Alignment) -> list[str]:
    found: list[str] = []
    for number, column in enumerate(alignment.columns, 1):
        failed = sum(any(step.failed for step in each.steps) for each in column.instances)
        if failed:
            found.append(f"Step {number} failed at first in {failed} of {len(column.instances)} executions.")
        red = sum(each.steps[0].passed is False or any(s.passed is False for s in each.steps) for each in column.instances)
        if red:
            found.append(f"The check of step {number} was red in {red} of {len(column.instances)} executions on the way.")
    return found


def _criteria(
    alignment: Alignment, recommended: Sequence[PatternStep], evidence: Evidence, quality: float
) -> Document | None:
    """Checks that successful runs passed in the end, and the quality they had."""
    won = {number for number, each in enumerate(evidence.sources) if each.trace.success is True}
    checks: list[Document] = []
    for column, step in zip(alignment.columns, recommended, strict=True):
        if step.kind != "check":
            continue
        passed = sum(each.run in won and each.steps[-1].passed is True for each in column.instances)
        if passed:
            checks.append({"step": step.number, "check": step.action, "passed_in": passed, "of": len(won)})
    if not checks:
        return None
    return {"checks": checks, **({"quality_score": quality} if _thresholds(evidence.sources, quality) else {})}


def _thresholds(sources: Sequence[Execution], quality: float) -> Document | None:
    known = [each.trace.quality_score for each in sources if each.trace.quality_score is not None]
    return {"quality_score": quality, "known_of": len(known)} if known else None


def _applicability(sources: Sequence[Execution], shape: str | None) -> Document:
    return {
        "task_types": sorted({each.fingerprint.task_type for each in sources if each.fingerprint}),
        "domains": sorted({each.fingerprint.domain for each in sources if each.fingerprint}),
        "keywords": _keywords(sources),
        "shape": plain(shape, _EXCERPT) if shape is not None else None,
        "file_patterns": list(_shared([each.fingerprint.file_patterns for each in sources if each.fingerprint])),
        "sources": sorted({each.trace.source for each in sources if each.trace.source}),
        "repos": sorted({each.trace.repo for each in sources if each.trace.repo})[:5],
    }


def _reads_outside(runs: Sequence[Sequence[Step]]) -> bool:
    return any(step.tool in _PAGES or step.tool.split()[0] in {"curl", "wget"} for steps in runs for step in steps)


def _suspected(evidence: Evidence, shown: Sequence[str]) -> list[Document]:
    """What in the sources tries to instruct whoever reads it, and where it stands."""
    found: dict[tuple[str, str], str] = {}
    texts: list[tuple[str, str]] = [("pattern", "\n".join(shown))]
    for each, own in zip(evidence.sources, evidence.steps, strict=True):
        texts.append(("prompt", "\n".join([each.trace.prompt or "", *each.trace.follow_ups])))
        behind = {span for step in own for span in step.span_ids}
        for span in each.spans:
            if span.span_id in behind:
                texts.append(("result", f"{span.result_preview or ''}\n{span.error_message or ''}"))
                texts.append(("argument", canonical_json(span.arguments or {})))
    for place, text in texts:
        for suspicion in suspicions(text):
            key = (suspicion.kind, place)
            found[key] = min(found.get(key, suspicion.excerpt), suspicion.excerpt)
    return [{"kind": kind, "place": place, "excerpt": plain(text, 80)} for (kind, place), text in sorted(found.items())]


def _flags(
    alignment: Alignment, evidence: Evidence, known: Sequence[Execution], sessions: int, suspected: Sequence[Document]
) -> tuple[str, ...]:
    flags = {
        "rests_on_one_execution": len(evidence.sources) == 1,
        "one_session": sessions == 1 and len(evidence.sources) > 1,
        "one_prompt": len({each.trace.prompt for each in evidence.sources}) == 1 and len(evidence.sources) > 1,
        "outcome_unknown": any(each.trace.success is None for each in evidence.sources),
        "few_outcomes": len(known) < 3,
        "also_seen_failing": bool(evidence.failures),
        "order_varies": any(column.position_varies for column in alignment.columns),
        "instructions_in_text": bool(suspected),
        "read_outside_content": _reads_outside(evidence.steps),
    }
    return tuple(sorted(name for name, raised in flags.items() if raised))
