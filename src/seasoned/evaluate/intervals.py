"""Uncertainty of an evaluation's figures, by resampling whole families.

Units of one family (a customer, a session, commits that share work) resemble each other, so that resampling units
would give intervals that are too narrow. Families are drawn with replacement, all their units come along, and the
figure is computed anew: the cluster bootstrap (Davison and Hinkley, "Bootstrap Methods and their Application", 1997,
§3.8), with percentile limits. Deterministic given the seed.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Interval", "auc", "cluster_interval"]

RESAMPLES = 1000
_LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


def cluster_interval(
    families: Sequence[Hashable],
    figure: Callable[[NDArray[np.intp]], float],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    share: bool = False,
) -> Interval | None:
    """Interval of ``figure``, a function of the numbers of the units drawn (with repetition).

    ``families[i]`` is the family of unit ``i``. Draws for which the figure is not defined (NaN) are left out; None
    with fewer than two families, or when more than a tenth of the draws gave nothing.

    ``share``: the figure is the share of the units that have something. Where all have it, or none, resampling cannot
    see that another family might differ and gives an interval of no width; then the exact binomial limits for that
    many families stand in (Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404).
    """
    members: dict[Hashable, list[int]] = {}
    for number, family in enumerate(families):
        members.setdefault(family, []).append(number)
    groups: list[NDArray[np.intp]] = [np.asarray(numbers, dtype=np.intp) for numbers in members.values()]
    if len(groups) < 2:
        return None
    random = np.random.default_rng(seed)
    drawn: list[float] = []
    for _ in range(resamples):
        picks: list[int] = random.integers(0, len(groups), len(groups)).tolist()
        value = figure(np.concatenate([groups[pick] for pick in picks]))
        if not np.isnan(value):
            drawn.append(value)
    if len(drawn) < 0.9 * resamples:
        return None
    if share and (drawn[0] in (0.0, 1.0)) and min(drawn) == max(drawn):
        unseen = 1 - ((1 - _LEVEL) / 2) ** (1 / len(groups))
        return Interval(low=1 - unseen, high=1.0) if drawn[0] else Interval(low=0.0, high=unseen)
    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(low=float(low), high=float(high))


def auc(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Probability that a true unit scores above a false one, ties half; NaN where one of the two is missing.

    The Mann-Whitney form of the area under the ROC curve (Hanley and McNeil 1982,
    https://doi.org/10.1148/radiology.143.1.7063747).
    """
    good, bad = scores[truth], scores[~truth]
    if not len(good) or not len(bad):
        return float("nan")
    order = np.sort(bad)
    below = np.searchsorted(order, good, side="left")
    up_to = np.searchsorted(order, good, side="right")
    return float((below + up_to).sum() / 2 / (len(good) * len(bad)))
