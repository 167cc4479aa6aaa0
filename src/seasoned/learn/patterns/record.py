"""The record of a pattern: what a person or an agent reads, and how much stands behind it.

Every sentence here is made of counts and of the runs' own material; nothing is promised that was not seen. The id is a
function of the content (type, steps, placeholders), so the same way found twice is the same pattern, and evidence is
merged instead of doubled (``library``).
"""

from collections.abc import Mapping, Sequence
from typing import cast

from seasoned.learn.patterns.alignment import Alignment, Column
from seasoned.learn.patterns.clustering import Cluster
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
from seasoned.learn.patterns.joining import quartiles, raw_numbers
from seasoned.learn.patterns.private import private_words, without_home, without_private
from seasoned.learn.patterns.sentences import (
    Troubles,
    criteria,
    description,
    gotchas,
    rationale,
    solution,
    when_not,
)
from seasoned.learn.patterns.wording import REPEATED, action_of, name_of, plain
from seasoned.learn.statistics import confidence, posterior
from seasoned.learn.steps import Step
from seasoned.learn.templates import text_of_plan
from seasoned.model import LEARNER, Contrast, Document, Pattern, PatternStep, PatternType
from seasoned.model.ids import canonical_json, name_id

__all__ = ["pattern_of"]


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
    private = private_words(evidence.sources, evidence.steps)
    told = [without_private(each.trace.prompt or "", private) for each in evidence.sources]
    shape = told[0] if not routine and common_shape(evidence.sources) is not None else None
    name = name_of(
        general.exemplars, shape if any(step.words or step.tool == "edit" for step in general.exemplars) else None
    )
    known = [each for each in (*evidence.sources, *evidence.failures) if each.trace.success is not None]
    weights = [1.0 if each.trace.outcome_confidence is None else each.trace.outcome_confidence for each in known]
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
    successes = sum(each.trace.success is True for each in evidence.sources)
    troubles = _troubles(alignment, evidence)
    exemplary = exemplary_of(evidence.sources)
    fingerprint = exemplary.fingerprint
    data: Document = {
        "description": description(recommended, of, one_task=shape is not None),
        "problem": f"Work that involves {routine}: check what was changed, and hand it over."
        if routine
        else plain(told[0], EXCERPT),
        "solution": solution(recommended),
        "when_to_use": f"Whenever work here involves {routine}, whatever the task."
        if routine
        else _when(told, keywords(evidence.sources, told), shape),
        "when_not_to_use": list(when_not(general.schema, len(evidence.failures))),
        "rationale": rationale(successes, of - successes, len(evidence.failures)),
        "example": {
            "execution_id": exemplary.trace.execution_id,
            "task": plain(without_private(exemplary.trace.prompt or "", private), EXCERPT),
        },
        "prerequisites": _prerequisites(general),
        "gotchas": list(gotchas(recommended, troubles)),
        "placeholders": general.schema,
        "order_varies": [n for n, column in enumerate(alignment.columns, 1) if column.position_varies],
        "findings": [_finding(key, value, alignment) for key, value in sorted(contrasts.items())],
        "evidence": {
            "successes": successes,
            "failures": len(evidence.failures),
            "unknown": of - successes,
            "beside": len(evidence.others),
            "sessions": len(sessions),
        },
        "applicability": {
            "likeness_of_tasks": cluster.tightness if cluster is not None else 1.0,
            "likeness_of_runs": alignment.tightness,
        },
        "reuse": {"executions": of, "sessions": len(sessions), "prompts": len(set(prompts))},
    }
    if duration is not None:
        data["duration_ms"] = duration
    if (saved := time_saved(evidence)) is not None:
        data["time_saved_ms"] = saved
    applies = applicability(evidence.sources, shape, keywords(evidence.sources, told))
    suspected = suspicious_texts(evidence, [name, *_texts([data, applies, *(_shown(step) for step in recommended)])])
    data["suspicions"] = list[object](suspected)
    floor = thresholds(evidence.sources, quality)
    return Pattern(
        pattern_id=name_id("pattern", namespace, canonical_json(content)),
        pattern_name=name,
        namespace=namespace,
        agent_id=LEARNER,
        category=most_common([each.fingerprint.task_type for each in evidence.sources if each.fingerprint]),
        subcategory=most_common([each.fingerprint.domain for each in evidence.sources if each.fingerprint]),
        pattern_type=kind,
        intent=most_common([each.fingerprint.intent for each in evidence.sources if each.fingerprint]),
        fingerprint_id=fingerprint.fingerprint_id if fingerprint else None,
        execution_ids=tuple(sorted(each.trace.execution_id for each in (*evidence.sources, *evidence.failures))),
        extraction_method="single" if cluster is None else "cluster",
        pattern_data=data,
        pattern_template=text_of_plan(name, [step.action for step in recommended]),
        applicability_criteria=applies,
        recommended_steps=recommended,
        required_tools=tuple(sorted({step.tool for step in recommended if not step.optional})),
        estimated_duration_ms=whole(duration["median"]) if duration is not None else None,
        validation_criteria=criteria(recommended, troubles, successes, quality if floor else None),
        quality_thresholds=floor,
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
        metadata={
            "p_values": sorted(round(value, 9) for value in p_values),
            **(raw_numbers(evidence.sources, evidence.failures, troubles, _lasted(alignment)) if cluster else {}),
        },
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
    median = (quartiles(_lasting(column)) or {}).get("median")
    return PatternStep(
        number=number,
        action=action_of(exemplar, bounds, repeats=column.repeats),
        tool=exemplar.tool,
        target=plain(without_home(exemplar.target), 160),
        kind=exemplar.kind,
        seen_in=len(column.instances),
        of=of,
        optional=optional,
        repeats=column.repeats,
        median_duration_ms=whole(median),
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


def _when(told: Sequence[str], words: Sequence[str], shape: str | None) -> str:
    if shape is not None:
        return f"Tasks worded like: {plain(shape, EXCERPT)}"
    listed = "; ".join(f"«{prompt}»" for prompt in sorted({plain(each, 100) for each in told})[:3])
    about = f" Words they share: {', '.join(words)}." if words else ""
    return f"Tasks like: {listed}.{about}"


def _properties(schema: Document) -> dict[str, Document]:
    properties = schema["properties"]
    return cast("dict[str, Document]", properties)


def _finding(subject: str, contrast: Contrast, alignment: Alignment) -> Document:
    """A contrast in words and numbers. ``library.settle`` may withdraw it."""
    numbers = {column.token: number for number, column in enumerate(alignment.columns, 1)}
    where = f"Step {numbers[subject]}" if subject in numbers else f"«{plain(subject, 80)}»"
    with_what = "success" if contrast.verdict == "helps" else "failure"
    ratio = f"odds ratio {contrast.odds_ratio:.2g}" if contrast.odds_ratio else "without exception"
    return {
        "subject": plain(subject, 200),
        "sentence": f"{where} goes with {with_what} within the same task ({ratio}, {contrast.successes} successes and "
        f"{contrast.failures} failures in {contrast.sessions} sessions).",
        "verdict": contrast.verdict,
        "odds_ratio": contrast.odds_ratio or None,
        "p_value": round(contrast.p_value, 9),
        "q_value": round(contrast.q_value, 9),
        "successes": contrast.successes,
        "failures": contrast.failures,
        "sessions": contrast.sessions,
    }


def _prerequisites(general: General) -> list[str]:
    programs = sorted({program for step in general.exemplars if (program := step.program)})
    named = sorted(
        {step.tool for step in general.exemplars if not step.words and step.kind != "delegate"}
        - {"edit", "read", "search", "list", "fetch a page", "search the web"}
    )
    found = [f"Programs: {', '.join(plain(program, 40) for program in programs)}."] if programs else []
    found += [f"Tools: {', '.join(plain(name, 60) for name in named)}."] if named else []
    return found


def _troubles(alignment: Alignment, evidence: Evidence) -> list[Troubles]:
    won = {number for number, each in enumerate(evidence.sources) if each.trace.success is True}
    return [
        Troubles(
            failed=sum(any(step.failed for step in each.steps) for each in column.instances),
            red=sum(any(step.passed is False for step in each.steps) for each in column.instances),
            passed=sum(each.run in won and each.steps[-1].passed is True for each in column.instances),
        )
        for column in alignment.columns
    ]


def _lasting(column: Column) -> list[int]:
    """Milliseconds of each run's share, where they are known."""
    return [
        sum(known)
        for each in column.instances
        if (known := [step.duration_ms for step in each.steps if step.duration_ms is not None])
    ]


def _lasted(alignment: Alignment) -> list[list[int]]:
    return [_lasting(column) for column in alignment.columns]


def _shown(step: PatternStep) -> list[str]:
    return [step.action, step.tool, step.target]


def _texts(value: object) -> list[str]:
    """All texts within ``value``."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for each in cast("Mapping[str, object]", value).values() for text in _texts(each)]
    return [text for each in cast("list[object]", value) for text in _texts(each)] if isinstance(value, list) else []
