"""What separates success from failure, among runs of the same task shape only.

Pooled over tasks almost everything seems to help or harm: hard tasks need more steps and fail more often (pooled odds
ratios gave 15 false lessons out of 15). So every question is asked within strata, a stratum being the runs of one task
shape, and only of strata that can answer: with at least ``least`` successes and failures each. The test is exact and
two-sided (``statistics.stratified``); over all questions asked the false discovery rate is held at ``rate``
(``statistics.false_discovery``). What does not pass is not said at all.

An outcome that was itself concluded from the steps is no outcome here. Tier ``consensus`` would prove that successful
runs do the same by the rule that runs doing the same are successful; and where a run counts as a success because its
own tests passed or it was committed, running tests and committing would always help.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from seasoned.capture.check_commands import CheckKind
from seasoned.learn.statistics import StratifiedTest, Stratum, false_discovery, stratified
from seasoned.model import Contrast, Trace

__all__ = [
    "FEWEST_OUTCOMES",
    "FEWEST_SESSIONS",
    "RATE",
    "Labelled",
    "Tested",
    "known_outcome",
    "lessons",
    "rests_on_own_checks",
    "tested",
]

RATE = 0.10
_OWN_CHECKS = frozenset(get_args(CheckKind))
FEWEST_OUTCOMES = 3
FEWEST_SESSIONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One run with a known outcome."""

    run: int
    success: bool
    stratum: str
    """Hash of the task's shape."""
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One question that was asked, with its answer before the correction for many questions."""

    subject: str
    """A step's token; ``a → b`` for an order; ``passed: token`` for a check."""
    test: StratifiedTest
    successes: int
    failures: int
    sessions: int


def known_outcome(trace: Trace) -> bool | None:
    """True or False where the outcome is known otherwise than from the steps of this or other runs; else None."""
    if trace.outcome_tier == "consensus" or rests_on_own_checks(trace):
        return None
    return trace.success


def rests_on_own_checks(trace: Trace) -> bool:
    """Whether all that speaks for the outcome are checks and deliveries among the run's own steps."""
    kinds = {signal.kind for signal in trace.outcome_evidence if signal.verdict == trace.status}
    return bool(kinds) and kinds <= _OWN_CHECKS


def tested(
    having: Mapping[str, frozenset[int]], runs: Sequence[Labelled], *, least: int = FEWEST_OUTCOMES
) -> list[Tested]:
    """Ask of every subject whether the runs that have it (numbers) do better. Sorted by subject.

    Only subjects are asked about that vary in a stratum with at least ``least`` successes and failures, over at least
    two sessions."""
    strata: dict[str, list[Labelled]] = {}
    for run in runs:
        strata.setdefault(run.stratum, []).append(run)
    telling = [
        members
        for _, members in sorted(strata.items())
        if min(sum(each.success for each in members), sum(not each.success for each in members)) >= least
    ]
    found: list[Tested] = []
    for subject in sorted(having):
        varying = [(members, table) for members in telling if _varies(table := _table(members, having[subject]))]
        counted = [run for members, _ in varying for run in members]
        sessions = len({run.session for run in counted})
        if not counted or sessions < FEWEST_SESSIONS:
            continue
        test = stratified([table for _, table in varying])
        if test is None:
            continue
        outcomes = Counter(run.success for run in counted)
        found.append(
            Tested(subject=subject, test=test, successes=outcomes[True], failures=outcomes[False], sessions=sessions)
        )
    return found


def _table(members: Iterable[Labelled], having: frozenset[int]) -> Stratum:
    counts = Counter((run.run in having, run.success) for run in members)
    return Stratum(
        with_success=counts[True, True],
        with_failure=counts[True, False],
        without_success=counts[False, True],
        without_failure=counts[False, False],
    )


def _varies(table: Stratum) -> bool:
    return 0 < table.with_success + table.with_failure < table.n


def _bounded(value: float) -> float | None:
    return value if math.isfinite(value) else None


def lessons(asked: Sequence[Tested], *, rate: float = RATE) -> dict[str, Contrast]:
    """By subject, what may be said after all of ``asked`` are corrected together."""
    q_values = false_discovery([each.test.p_value for each in asked])
    found: dict[str, Contrast] = {}
    for each, q_value in zip(asked, q_values, strict=True):
        if q_value <= rate:
            found[each.subject] = Contrast(
                verdict="helps" if each.test.odds_ratio > 1 else "harms",
                odds_ratio=_bounded(each.test.odds_ratio),
                low=each.test.low,
                high=_bounded(each.test.high),
                p_value=each.test.p_value,
                q_value=q_value,
                successes=each.successes,
                failures=each.failures,
                sessions=each.sessions,
            )
    return found
