"""Intervals for the effect of something given by chance, which hold at every look.

Whoever looks at figures every day and stops when they please him finds an effect sooner or later, if the interval is
the usual one: it holds for one look only. The intervals here hold at all times at once (a *confidence sequence*), at
any number of units and with nothing assumed about the outcomes but their bounds. Because of that they are about twice
as wide as the usual ones; that is the price of looking.

How. A unit i is given the advice with probability p, known before; Z is 1 if it was, Y its outcome, and m what was
expected of Y from *earlier* units, whatever their arm. Then

    X = w · (Z/p − (1−Z)/(1−p)) · (Y − m),   w = 2 · min(p, 1−p)

has the conditional mean w · (effect on this unit), whatever m is: the inverse-probability estimator with an
augmentation that is predictable (Robins, Rotnitzky and Zhao 1994, https://doi.org/10.1080/01621459.1994.10476818). So
each unit is its own concurrent comparison: a library that improves, tasks that drift and a p that depends on everything
seen before bias nothing. The weight w keeps |X| ≤ 2 at any p, so that p may change on the way; what is estimated is the
mean effect on the units seen, those with p near 0 or 1 counting less, as they can tell less.

For X ≥ −c and 0 ≤ λ < 1/c, exp(λ Σ(X − E X) − ψ(λ) ΣX²) with ψ(λ) = (−log(1 − cλ) − cλ)/c² is a supermartingale (Fan,
Grama and Liu 2015, https://doi.org/10.1214/EJP.v20-3496), and so is a mixture of them over λ, which by Ville's
inequality ever exceeds 1/α with probability at most α. This is the empirical-Bernstein confidence sequence of Howard,
Ramdas, McAuliffe and Sekhon (2021, Theorem 4, and Corollary 2 for randomised trials,
https://doi.org/10.1214/20-AOS1991), with a mixture over a grid instead of one in closed form, which would need special
functions. The asymptotic ones (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, https://arxiv.org/abs/2103.06476) are a
tenth narrower, and missed no more than they may in our trials but where effects differ between clusters
(``benchmarks/impact_simulation.py`` has them beside ours); yet they hold in the limit only, and nobody says from which
unit on.

Invariant: all that enters the term of a unit but its own outcome and arm was known before its arm was drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LEAST_CLUSTERS",
    "Floats",
    "Sequential",
    "boundary",
    "cluster_spread",
    "expected_from_the_past",
    "sequential",
    "weights",
]

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]

LEAST_CLUSTERS: Final = 10
"""Clusters from which on their spread is taken into account: that of a few says next to nothing (Cameron, Gelbach and
Miller 2008, https://doi.org/10.1162/rest.90.3.414)."""
_BOUND = 2.0
"""c: no term is larger."""
_LAMBDAS: Floats = np.array([0.98 / _BOUND * 0.85**step for step in range(36)])
"""Down to 0.0017, which suits a million units."""
_SCALE = 0.15
"""Where the mixture has its weight (half a normal of this scale, with a thin tail of smaller λ): it makes the interval
narrowest, 1.2 times what the best λ alone would give, between 200 and 5000 units."""
_TAIL = 1e-4
_GRID: Floats = np.geomspace(1e-3, 1e8, 4000)
"""Sums of squares at which the boundary is tabulated; in between the next larger one stands, 0.3 % too wide."""
_FIRST_WEIGHT = 2.0
"""Units that the expectation before any unit counts as."""
_GROUP_WEIGHT = 5.0
"""Units that the expectation of all groups counts as in that of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequential:
    """The estimate after each unit. All arrays: (n_units,) float64, in the scale of the outcomes given.

    ``low`` and ``high`` hold for all units at once with the probability asked for.
    """

    given: Floats
    """Estimated mean outcome, had all units been given it. Not confined to the outcomes' range."""
    held_out: Floats
    """Had none."""
    low: Floats
    high: Floats
    squares: Floats
    """Sum of X² so far."""
    weight: Floats
    """Sum of w so far."""
    widening: Floats
    """≥ 1: by how much clusters that differ have widened the interval."""

    @property
    def difference(self) -> Floats:
        """``given`` − ``held_out``."""
        return self.given - self.held_out


def sequential(
    outcome: Floats,
    given: NDArray[np.bool_],
    share: Floats,
    expected: Floats,
    *,
    alpha: float,
    clusters: Sequence[Whole] = (),
) -> Sequential:
    """Follow the effect over units in the order in which chance decided about them.

    ``outcome``, ``expected``: |outcome − expected| ≤ 1, ``expected`` from earlier units only. ``share``: probability of
    ``given``, strictly between 0 and 1, decided before. ``alpha``: probability that the interval ever misses, both
    sides together. ``clusters``: for each way of grouping the units the number of each unit's group; where groups
    differ by more than chance the interval is widened (``cluster_spread``). Raises ValueError for values out of these
    ranges."""
    if len(outcome) and not (np.all(share > 0) and np.all(share < 1)):
        raise ValueError("a share must be between 0 and 1, and neither of them")
    surprise = outcome - expected
    if len(outcome) and not np.max(np.abs(surprise)) <= 1 + 1e-9:
        raise ValueError("an outcome may be at most 1 away from what was expected")
    weight = weights(share)
    up = np.where(given, weight * surprise / share, 0.0)
    down = np.where(given, 0.0, weight * surprise / (1 - share))
    term = up - down
    squares, total = np.cumsum(term**2), np.cumsum(weight)
    base = np.cumsum(weight * expected)
    mean = np.cumsum(term) / total
    widening = np.ones(len(term))
    for groups in clusters:
        widening = np.maximum(widening, cluster_spread(term, weight, groups))
    half = widening * boundary(squares, alpha / 2) / total
    return Sequential(
        given=(base + np.cumsum(up)) / total,
        held_out=(base + np.cumsum(down)) / total,
        low=mean - half,
        high=mean + half,
        squares=squares,
        weight=total,
        widening=widening,
    )


def weights(share: Floats) -> Floats:
    """How much a unit can tell, 0..1: 1 at even odds."""
    return 2 * np.minimum(share, 1 - share)


def expected_from_the_past(outcome: Floats, groups: Whole, first: float) -> Floats:
    """For each unit the mean outcome of earlier ones: of its group, drawn towards that of all, drawn towards ``first``.

    The arm is left out of account, so that it is nearly the best expectation at even odds, and a fair one elsewhere.
    """
    count = np.arange(len(outcome))
    overall = (np.cumsum(outcome) - outcome + _FIRST_WEIGHT * first) / (count + _FIRST_WEIGHT)
    before, seen = _before(outcome, groups)
    return (before + _GROUP_WEIGHT * overall) / (seen + _GROUP_WEIGHT)


def cluster_spread(term: Floats, weight: Floats, groups: Whole) -> Floats:
    """After each unit, by which factor an interval must be wider as groups differ in more than chance accounts for.

    The root of the ratio of the variance from sums of whole groups (Liang and Zeger 1986,
    https://doi.org/10.1093/biomet/73.1.13, with the factor G/(G−1)) to that from single units; never below 1, and 1
    below ``LEAST_CLUSTERS`` groups that have been seen, where the interval is about the units seen and no others.
    Chance is in the arm of each unit, so that outcomes that are alike within a group widen nothing; effects that differ
    between groups do (Abadie, Athey, Imbens and Wooldridge 2023, https://doi.org/10.1093/qje/qjac038)."""
    term_before, seen = _before(term, groups)
    weight_before, _ = _before(weight, groups)
    mean = np.cumsum(term) / np.cumsum(weight)
    terms = np.cumsum(term * (2 * term_before + term))  # Σ over groups of (Σ term)², and so on
    both = np.cumsum(term * weight_before + weight * term_before + term * weight)
    weighed = np.cumsum(weight * (2 * weight_before + weight))
    found = np.cumsum(seen == 0)
    by_group = terms - 2 * mean * both + mean**2 * weighed
    by_unit = np.cumsum(term**2) - 2 * mean * np.cumsum(term * weight) + mean**2 * np.cumsum(weight**2)
    ratio = np.divide(by_group, by_unit, out=np.ones(len(term)), where=by_unit > 1e-12)
    wide = np.sqrt(np.maximum(1.0, ratio * found / np.maximum(found - 1, 1)))
    return np.where(found >= LEAST_CLUSTERS, wide, 1.0)


def _before(values: Floats, groups: Whole) -> tuple[Floats, Whole]:
    """For each unit: sum over the earlier units of its group, and how many they are."""
    order = np.argsort(groups, kind="stable")
    sums = np.cumsum(values[order]) - values[order]
    firsts = np.flatnonzero(np.r_[True, np.diff(groups[order]) != 0]) if len(values) else np.zeros(0, np.intp)
    lengths = np.diff(np.r_[firsts, len(values)])
    sums -= np.repeat(sums[firsts], lengths)
    seen = np.arange(len(values)) - np.repeat(firsts, lengths)
    summed, counted = np.empty(len(values)), np.empty(len(values), np.intp)
    summed[order], counted[order] = sums, seen
    return summed, counted


def boundary(squares: Floats, alpha: float) -> Floats:
    """The value that Σ(X − E X) ever exceeds with probability at most ``alpha`` (one side), where ΣX² is ``squares``.

    ``squares``: 0..1e8, any shape; the same shape is returned."""
    return _table(alpha)[np.minimum(np.searchsorted(_GRID, squares), len(_GRID) - 1)]


@lru_cache(maxsize=32)
def _table(alpha: float) -> Floats:
    weight = _LAMBDAS * np.exp(-((_LAMBDAS / _SCALE) ** 2) / 2) + _TAIL / (np.arange(len(_LAMBDAS)) + 3) ** 1.5
    start = np.log(weight / weight.sum())[:, None] - _psi(_LAMBDAS)[:, None] * _GRID
    # Newton on a convex function from above: every step stays above the root, so the result is never too small.
    at = np.min((np.log(1 / alpha) - start) / _LAMBDAS[:, None], axis=0)
    for _ in range(8):
        exponents = start + _LAMBDAS[:, None] * at
        top = exponents.max(axis=0)
        parts = np.exp(exponents - top)
        whole = parts.sum(axis=0)
        slope = (_LAMBDAS[:, None] * parts).sum(axis=0) / whole
        at = at - (top + np.log(whole) - np.log(1 / alpha)) / slope
    return at


def _psi(rate: Floats) -> Floats:
    return (-np.log1p(-_BOUND * rate) - _BOUND * rate) / _BOUND**2
