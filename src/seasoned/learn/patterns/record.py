"""The record of a pattern: what a person or an agent reads, and how much stands behind it.

Every sentence here is made of counts and of the runs' own material; nothing is promised that was not seen. The id is a
function of the content (type, steps, placeholders), so the same way found twice is the same pattern, and evidence is
merged instead of doubled (``library``).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from seasoned.learn.patterns.alignment import Alignment, Column
from seasoned.learn.patterns.clusters import Cluster
from seasoned.learn.patterns.evidence import (
    EXCERPT,
    Evidence,
    applicability,
    common_shape,
    durations,
    exemplary_of,
    flags,
    keywords,
    most_common,
    reads_outside,
    shared_by_most,
    suspicious_texts,
    thresholds,
    time_saved,
    whole,
)
from seasoned.learn.patterns.generalise import Bound, General
from seasoned.learn.patterns.wording import REPEATED, action_of, name_of, plain
from seasoned.learn.statistics import confidence, posterior, weighted_quantile
from seasoned.learn.steps import Step
from seasoned.learn.templates import text_of_plan
from seasoned.model import Contrast, Document, Execution, Pattern, PatternStep, PatternType
from seasoned.model.ids import canonical_json, name_id

__all__ = ["OWNER", "pattern_of"]

OWNER = "seasoned"


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
        _step(
            number, column, exemplar, bounds, of=of, optional=optional[number - 1], contrast=contrasts.get(column.token)
        )
        for number, (column, exemplar, bounds) in enumerate(
            zip(alignment.columns, general.exemplars, general.arguments, strict=True), 1
        )
    )
    kind = _type(recommended)
    shape = None if routine else common_shape(evidence.sources)
    name = name_of(
        general.exemplars, shape if any(step.words or step.tool == "edit" for step in general.exemplars) else None
    )
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
    duration = durations(evidence.sources)
    suspected = suspicious_texts(evidence, [name, *(step.action for step in recommended)])
    exemplary = exemplary_of(evidence.sources)
    fingerprint = exemplary.fingerprint
    data: Document = {
        "description": _description(recommended, evidence, shape),
        "problem": f"Work that involves {routine}: check what was changed, and hand it over."
        if routine
        else plain(shape or prompts[0], EXCERPT),
        "solution": "; then ".join(step.action for step in recommended if not step.optional)[: 4 * EXCERPT],
        "when_to_use": f"Whenever work here involves {routine}, whatever the task."
        if routine
        else _when(evidence.sources, shape),
        "when_not_to_use": _when_not(general.schema, evidence),
        "rationale": _rationale(evidence),
        "example": {
            "execution_id": exemplary.trace.execution_id,
            "task": plain(exemplary.trace.prompt or "", EXCERPT),
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
        "applicability": {
            "likeness_of_tasks": cluster.tightness if cluster is not None else 1.0,
            "likeness_of_runs": alignment.tightness,
        },
        "reuse": {"executions": of, "sessions": len(sessions), "prompts": len(set(prompts))},
        "suspicions": suspected,
    }
    if duration is not None:
        data["duration_ms"] = duration
    if (saved := time_saved(evidence)) is not None:
        data["time_saved_ms"] = saved
    criteria = _criteria(alignment, recommended, evidence, quality)
    return Pattern(
        pattern_id=name_id("pattern", namespace, canonical_json(content)),
        pattern_name=name,
        namespace=namespace,
        agent_id=OWNER,
        category=most_common([each.fingerprint.task_type for each in evidence.sources if each.fingerprint]),
        subcategory=most_common([each.fingerprint.domain for each in evidence.sources if each.fingerprint]),
        pattern_type=kind,
        intent=most_common([each.fingerprint.intent for each in evidence.sources if each.fingerprint]),
        fingerprint_id=fingerprint.fingerprint_id if fingerprint else None,
        execution_ids=tuple(sorted(each.trace.execution_id for each in (*evidence.sources, *evidence.failures))),
        extraction_method="single" if cluster is None else "cluster",
        pattern_data=data,
        pattern_template=text_of_plan(name, [step.action for step in recommended]),
        applicability_criteria=applicability(evidence.sources, shape),
        recommended_steps=recommended,
        required_tools=tuple(sorted({step.tool for step in recommended if not step.optional})),
        estimated_duration_ms=whole(duration["median"]) if duration is not None else None,
        validation_criteria=criteria,
        quality_thresholds=thresholds(evidence.sources, quality),
        applicable_domains=tuple(sorted({each.fingerprint.domain for each in evidence.sources if each.fingerprint})),
        technology_requirements=shared_by_most([each.trace.technology_stack for each in evidence.sources]),
        success_score=_rounded(score),
        evidence_count=len(known),
        evidence_success_count=sum(each.trace.success is True for each in known),
        success_rate=_rounded(score),
        confidence_score=_rounded(confidence(len(known))),
        complexity_score=fingerprint.complexity_score if fingerprint else None,
        learning_weight=_rounded(sum(weights) / len(weights)) if weights else None,
        origin_trust="read_outside_content" if reads_outside(evidence.steps) else "own",
        review_flags=flags(alignment, evidence, known, len(sessions), suspected),
        metadata={"p_values": sorted(round(value, 9) for value in p_values)},
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


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
        return f"Tasks worded like: {plain(shape, EXCERPT)}"
    prompts = sorted({plain(each.trace.prompt or "", 100) for each in sources})
    listed = "; ".join(f"«{prompt}»" for prompt in prompts[:3])
    words = keywords(sources)
    about = f" Words they share: {', '.join(words)}." if words else ""
    return f"Tasks like: {listed}.{about}"


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
        red = sum(
            each.steps[0].passed is False or any(s.passed is False for s in each.steps) for each in column.instances
        )
        if red:
            found.append(
                f"The check of step {number} was red in {red} of {len(column.instances)} executions on the way."
            )
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
    return {"checks": checks, **({"quality_score": quality} if thresholds(evidence.sources, quality) else {})}
