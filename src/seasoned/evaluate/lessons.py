"""Does what is learned about steps hold: lessons from true outcomes, and from outcomes dealt out anew.

A lesson is a step, or the order of two, that separates success from failure within the same task shape after the
correction for everything that was asked (``learn.patterns.contrast``). Asked is, over all runs of a set, about every kind
of step, the order of any two frequent ones, and checks that passed.

* ``lessons``: how many come out of the true outcomes.
* ``lessons_shuffled``: how many come out, on average, when outcomes are dealt out anew among the runs of each task. A
  task keeps its share of successes, so whatever is found is false.

``pooled`` beside both: the same questions without strata. Hard tasks then make lessons out of the steps that they need,
and keep doing so when outcomes mean nothing. ``small strata``: stratified, but without the minimum of successes and
failures in a stratum.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from seasoned.errors import UsageError
from seasoned.evaluate.labelled_runs import LabelledRun
from seasoned.evaluate.report import Figure, Part, Report
from seasoned.learn.patterns.alignment import tokens_of
from seasoned.learn.patterns.contrast import FEWEST_OUTCOMES, Labelled, lessons, tested

__all__ = ["run_lessons"]

_SHUFFLES = 20
_FREQUENT = 0.1
"""Share of the runs that must have a step before its order is asked about."""


def run_lessons(runs: Sequence[LabelledRun], *, seed: int = 0) -> Report:
    """Count on ``runs``. Raises UsageError without a success or without a failure."""
    if len({run.success for run in runs}) < 2:
        raise UsageError("evaluate lessons: successes and failures are needed. Give transcripts with labels.")
    names = list(dict.fromkeys(run.set_name for run in runs))
    parts = [_part(name, [run for run in runs if run.set_name == name], seed) for name in names]
    strata = sum(_strata(runs))
    whole = parts[0] if len(parts) == 1 else Part(name="all", n=len(runs), figures=_summed(parts))
    notes = (
        f"{len(runs)} runs of {len({run.task for run in runs})} tasks; {strata} task shapes have at least "
        f"{FEWEST_OUTCOMES} successes and {FEWEST_OUTCOMES} failures, and only those can teach a lesson.",
        f"Shuffled: the mean of {_SHUFFLES} deals within each task.",
    )
    return Report(name="lessons", parts=(replace(whole, name="all"), *(parts if len(parts) > 1 else ())), notes=notes)


def _strata(runs: Sequence[LabelledRun]) -> list[bool]:
    counts = Counter((run.set_name, run.fingerprint.shape_hash, run.success) for run in runs)
    shapes = {(run.set_name, run.fingerprint.shape_hash) for run in runs}
    return [min(counts[*shape, True], counts[*shape, False]) >= FEWEST_OUTCOMES for shape in sorted(shapes)]


def _summed(parts: Sequence[Part]) -> tuple[Figure, ...]:
    found: list[Figure] = []
    for number, figure in enumerate(parts[0].figures):
        same = [part.figures[number] for part in parts]
        rules = [name for name, _ in figure.baselines]
        found.append(
            replace(
                figure,
                n=sum(each.n for each in same),
                value=sum(each.value or 0.0 for each in same),
                baselines=tuple((name, sum(dict(each.baselines)[name] or 0.0 for each in same)) for name in rules),
            )
        )
    return tuple(found)


def _part(name: str, runs: Sequence[LabelledRun], seed: int) -> Part:
    having = _having(runs)
    outcomes = [run.success for run in runs]
    tasks: dict[str, list[int]] = {}
    for number, run in enumerate(runs):
        tasks.setdefault(run.fingerprint.shape_hash, []).append(number)
    random = np.random.default_rng(seed)
    rules: dict[str, Callable[[Sequence[bool]], int]] = {
        "ours": lambda told: _count(runs, told, having, least=FEWEST_OUTCOMES, pooled=False),
        "pooled": lambda told: _count(runs, told, having, least=FEWEST_OUTCOMES, pooled=True),
        "small strata": lambda told: _count(runs, told, having, least=1, pooled=False),
    }
    true = {rule: float(count(outcomes)) for rule, count in rules.items()}
    totals = dict.fromkeys(rules, 0)
    for _ in range(_SHUFFLES):
        dealt = list(outcomes)
        for members in tasks.values():
            order: list[int] = random.permutation(members).tolist()
            for number, other in zip(members, order, strict=True):
                dealt[number] = outcomes[other]
        for rule, count in rules.items():
            totals[rule] += count(dealt)
    shuffled = {rule: total / _SHUFFLES for rule, total in totals.items()}
    beside = ("pooled", "small strata")
    return Part(
        name=name,
        n=len(runs),
        figures=(
            Figure(
                key="lessons", n=len(having), value=true["ours"], baselines=tuple((rule, true[rule]) for rule in beside)
            ),
            Figure(
                key="lessons_shuffled",
                n=len(having),
                value=shuffled["ours"],
                baselines=tuple((rule, shuffled[rule]) for rule in beside),
            ),
        ),
    )


def _having(runs: Sequence[LabelledRun]) -> dict[str, frozenset[int]]:
    """Which runs (numbers) have each thing that is asked about."""
    having: dict[str, set[int]] = {}
    sequences = [tokens_of(number, run.steps) for number, run in enumerate(runs)]
    frequency = Counter(token for each in sequences for token in set(each.tokens))
    frequent = {token for token, count in frequency.items() if count >= _FREQUENT * len(runs)}
    for number, each in enumerate(sequences):
        first: dict[str, int] = {}
        for place, (token, behind) in enumerate(zip(each.tokens, each.steps, strict=True)):
            first.setdefault(token, place)
            having.setdefault(token, set()).add(number)
            if behind[-1].passed:
                having.setdefault(f"passed: {token}", set()).add(number)
        common = sorted(frequent & first.keys())
        for one in common:
            for other in common:
                if first[one] < first[other]:
                    having.setdefault(f"{one} → {other}", set()).add(number)
    return {subject: frozenset(numbers) for subject, numbers in having.items()}


def _count(
    runs: Sequence[LabelledRun],
    told: Sequence[bool],
    having: dict[str, frozenset[int]],
    *,
    least: int,
    pooled: bool,
) -> int:
    labelled = [
        Labelled(
            run=number,
            success=success,
            stratum="" if pooled else run.fingerprint.shape_hash,
            session=run.trace.session_id or run.trace.execution_id,
        )
        for number, (run, success) in enumerate(zip(runs, told, strict=True))
    ]
    return len(lessons(tested(having, labelled, least=least)))
