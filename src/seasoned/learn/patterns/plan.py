"""The plan to recommend when several ways are known: the one that is nearest to all of them.

Choosing, among candidates, the one with the greatest expected agreement with what will turn out to be right is minimum
Bayes risk decoding (Kumar and Byrne 2004, https://aclanthology.org/N04-1022/), with order-aware F1 as the agreement and
known runs, weighted by how alike their tasks are, as the distribution. A common way that drops what only some runs
did competes with the runs themselves.
"""

import math
from collections.abc import Sequence

from seasoned.learn.patterns.alignment import align, likeness, recurring, tokens_of
from seasoned.learn.steps import Step

__all__ = ["central_plan", "common_plan"]


def central_plan(candidates: Sequence[Sequence[str]], known: Sequence[tuple[Sequence[str], float]]) -> int | None:
    """Number of the candidate with the highest mean likeness to ``known`` (plan, weight ≥ 0); ties go to the earlier
    one. None without candidates."""
    if not candidates:
        return None
    scores = [math.fsum(weight * likeness(one, other) for other, weight in known) for one in candidates]
    best = max(round(score, 9) for score in scores)
    return next(number for number, score in enumerate(scores) if round(score, 9) == best)


def common_plan(runs: Sequence[Sequence[Step]], *, support: float = 0.6) -> tuple[Step, ...]:
    """What to do when the task of ``runs`` comes up again: their common way or one of them, whichever is nearer to all.

    Steps carry the literals of the run that they are taken from. Empty for no runs."""
    if not runs:
        return ()
    literal = recurring(runs, support)
    alignment = align([tokens_of(number, steps, literal) for number, steps in enumerate(runs)], support)
    common = tuple(column.instances[0].steps[0] for column in alignment.columns)
    plans: list[tuple[Step, ...]] = [common, *sorted((tuple(steps) for steps in runs), key=_keys)]
    keys = [_keys(plan) for plan in plans]
    chosen = central_plan(keys, [(_keys(steps), 1.0) for steps in runs])
    return plans[chosen or 0]


def _keys(steps: Sequence[Step]) -> tuple[str, ...]:
    return tuple(step.key for step in steps)
