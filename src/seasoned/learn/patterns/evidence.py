"""What stands behind a pattern, reduced to what its record says of it: durations, where it applies, what to look at.

Pure functions of the executions. Counts and medians only; nothing here claims an effect.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from seasoned.learn.patterns.alignment import Alignment
from seasoned.learn.patterns.contrast import rests_on_own_checks
from seasoned.learn.patterns.joining import quartiles
from seasoned.learn.patterns.suspicion import suspicions
from seasoned.learn.patterns.wording import plain
from seasoned.learn.steps import Step
from seasoned.model import Document, Execution
from seasoned.model.ids import canonical_json

__all__ = [
    "EXCERPT",
    "Evidence",
    "applicability",
    "common_shape",
    "durations",
    "exemplary_of",
    "flags",
    "keywords",
    "most_common",
    "reads_outside",
    "shared_by_most",
    "suspicious_texts",
    "thresholds",
    "time_saved",
    "whole",
]

EXCERPT = 240
_KEYWORDS = 12
_FEWEST_DURATIONS = 3
_WORD = re.compile(r"\w[\w.+#-]*\w|\w")
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


def most_common(values: Sequence[str]) -> str | None:
    """The most frequent value, of equals the first by name; None without any."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


def shared_by_most(sets: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What at least three fifths of ``sets`` have, sorted."""
    counts = Counter(value for each in sets for value in set(each))
    return tuple(sorted(value for value, count in counts.items() if 5 * count >= 3 * len(sets)))


def common_shape(sources: Sequence[Execution]) -> str | None:
    """The shape that all share; else None."""
    shapes = {each.fingerprint.shape_prompt for each in sources if each.fingerprint}
    return shapes.pop() if len(shapes) == 1 else None


def exemplary_of(sources: Sequence[Execution]) -> Execution:
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


def durations(sources: Sequence[Execution]) -> Document | None:
    """Quartiles in milliseconds (low, median, high) and n; None where no run knows its duration."""
    return quartiles(each.trace.duration_ms for each in sources if each.trace.duration_ms is not None)


def time_saved(evidence: Evidence) -> int | None:
    """Median duration of the cluster's other successes minus that of the sources, where both are known of three runs
    at least and their middle halves do not overlap; else None: then it was not measured."""
    others = tuple(each for each in evidence.others if each.trace.success)
    with_it, without = durations(evidence.sources), durations(others)
    if with_it is None or without is None:
        return None
    numbers = {key: (with_it[key], without[key]) for key in ("low", "median", "high", "n")}
    if not all(isinstance(one, int) and isinstance(other, int) for one, other in numbers.values()):
        return None
    mine = {key: whole(pair[0]) or 0 for key, pair in numbers.items()}
    theirs = {key: whole(pair[1]) or 0 for key, pair in numbers.items()}
    if min(mine["n"], theirs["n"]) < _FEWEST_DURATIONS or mine["high"] >= theirs["low"]:
        return None
    return theirs["median"] - mine["median"]


def keywords(sources: Sequence[Execution], told: Sequence[str]) -> list[str]:
    """Keywords that most of the prompts share, of those that are left in ``told``: the prompts without what is about
    one person or thing."""
    left = [set(_WORD.findall(text)) for text in told]
    sets = [
        [token for token in each.fingerprint.prompt_tokens if token in words and not token.isdecimal()]
        for each, words in zip(sources, left, strict=True)
        if each.fingerprint
    ]
    return list(shared_by_most(sets))[:_KEYWORDS] if len(sets) > 1 else []


def thresholds(sources: Sequence[Execution], quality: float) -> Document | None:
    """The floor that the sources were held to, where any of them has a known quality."""
    known = [each.trace.quality_score for each in sources if each.trace.quality_score is not None]
    return {"quality_score": quality, "known_of": len(known)} if known else None


def applicability(sources: Sequence[Execution], shape: str | None, words: Sequence[str]) -> Document:
    """What a task must look like for the pattern to be thought of."""
    return {
        "task_types": sorted({each.fingerprint.task_type for each in sources if each.fingerprint}),
        "domains": sorted({each.fingerprint.domain for each in sources if each.fingerprint}),
        "keywords": list(words),
        "shape": plain(shape, EXCERPT) if shape is not None else None,
        "file_patterns": list(shared_by_most([each.fingerprint.file_patterns for each in sources if each.fingerprint])),
        "sources": sorted({each.trace.source for each in sources if each.trace.source}),
        "repos": sorted({each.trace.repo for each in sources if each.trace.repo})[:5],
    }


def reads_outside(runs: Sequence[Sequence[Step]]) -> bool:
    """Whether anything came in from the web, which anybody may have written."""
    return any(step.tool in _PAGES or step.tool.startswith(("curl", "wget")) for steps in runs for step in steps)


def suspicious_texts(evidence: Evidence, shown: Sequence[str]) -> list[Document]:
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


def flags(
    alignment: Alignment, evidence: Evidence, known: Sequence[Execution], sessions: int, suspected: Sequence[Document]
) -> tuple[str, ...]:
    """What a reviewer must look at, sorted."""
    raised = {
        "rests_on_one_execution": len(evidence.sources) == 1,
        "one_session": sessions == 1 and len(evidence.sources) > 1,
        "one_prompt": len({each.trace.prompt for each in evidence.sources}) == 1 and len(evidence.sources) > 1,
        "outcome_unknown": any(each.trace.success is None for each in evidence.sources),
        "few_outcomes": len(known) < 3,
        "also_seen_failing": bool(evidence.failures),
        "outcome_from_own_checks": bool(known) and all(rests_on_own_checks(each.trace) for each in known),
        "order_varies": any(column.position_varies for column in alignment.columns),
        "instructions_in_text": bool(suspected),
        "read_outside_content": reads_outside(evidence.steps),
    }
    return tuple(sorted(name for name, up in raised.items() if up))


def whole(value: object) -> int | None:
    """``value`` where it is a whole number."""
    return value if isinstance(value, int) else None
