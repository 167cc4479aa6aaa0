"""Two sets of executions beside each other: how much they differ, and how sure that is.

Every effect comes with an interval and both counts; where a side has nothing to say there is no effect, not a zero.
Nothing here says *why* two sets differ: sets of different tasks differ because the tasks do.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seasoned.learn.metrics.work import Recorded, execution_of
from seasoned.learn.statistics import Rate, rate

__all__ = [
    "Comparison",
    "Effect",
    "EstimateAccuracy",
    "cliffs_delta",
    "compare",
    "estimate_accuracy",
    "rate_difference",
    "ratio_of_medians",
]

_Z = 1.959963984540054
"""97.5 % quantile of the normal distribution."""
_PAIRS_OF = 200
"""Above so many values a side is thinned to evenly spaced order statistics before all pairs are formed."""
_NEAR = 1.25
"""An estimate within this factor of what happened counts as near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One difference between two sets, the second against the first."""

    value: float
    low: float
    """95 % interval."""
    high: float
    n_a: int
    n_b: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``b`` against ``a``."""

    executions_a: int
    executions_b: int
    success: Effect | None
    """Success rate of ``b`` minus that of ``a``, over known outcomes; -1..1."""
    duration_ratio: Effect | None
    """How many times as long ``b`` takes as ``a``; 1 is the same."""
    duration_delta: Effect | None
    """Cliff's delta of the durations: -1 (each of ``b`` is shorter) .. 1 (each is longer)."""
    token_ratio: Effect | None
    """How many times as many tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateAccuracy:
    """How good estimates of durations were."""

    n: int
    bias_factor: float
    """Median of estimate / actual: above 1 the estimates are too long."""
    error_factor: float
    """Median of the factor by which an estimate was off, either way; ≥ 1."""
    near: Rate
    """Share within a factor of 1.25."""


def compare(a: Iterable[Recorded], b: Iterable[Recorded]) -> Comparison:
    """``b`` against ``a``; the order of executions does not matter."""
    ones = [execution_of(each).trace for each in a]
    others = [execution_of(each).trace for each in b]
    known = [[trace.success for trace in side if trace.success is not None] for side in (ones, others)]
    times = [[float(t.duration_ms) for t in side if t.duration_ms is not None] for side in (ones, others)]
    tokens = [[float(t.total_tokens_used) for t in side if t.total_tokens_used is not None] for side in (ones, others)]
    return Comparison(
        executions_a=len(ones),
        executions_b=len(others),
        success=rate_difference(rate(sum(known[0]), len(known[0])), rate(sum(known[1]), len(known[1]))),
        duration_ratio=ratio_of_medians(*times),
        duration_delta=cliffs_delta(*times),
        token_ratio=ratio_of_medians(*tokens),
    )


def rate_difference(a: Rate | None, b: Rate | None) -> Effect | None:
    """``b`` minus ``a`` with Newcombe's hybrid score interval (1998, method 10,
    https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I)."""
    if a is None or b is None:
        return None
    difference = b.value - a.value
    return Effect(
        value=difference,
        low=difference - math.hypot(b.value - b.low, a.high - a.value),
        high=difference + math.hypot(b.high - b.value, a.value - a.low),
        n_a=a.n,
        n_b=b.n,
    )


def ratio_of_medians(a: Sequence[float], b: Sequence[float]) -> Effect | None:
    """The typical factor between a value of ``b`` and one of ``a``: the shift of Hodges and Lehmann on logarithms, with the
    interval of Moses (Hollander, Wolfe and Chicken, "Nonparametric Statistical Methods", 2014, §4.2-4.3). Values below
    1 count as 1. None unless both sides have two values; from 0 to infinite where they are too few for an interval."""
    n, m = len(a), len(b)
    if min(n, m) < 2:
        return None
    ones, others = (_thinned(sorted(math.log(max(1.0, value)) for value in side)) for side in (a, b))
    shifts = sorted(other - one for one in ones for other in others)
    half = _Z * math.sqrt(n * m * (n + m + 1) / 12) / (n * m)
    bounded = half < 0.5  # so few pairs have no 95 % interval
    return Effect(
        value=math.exp(_at(shifts, 0.5)),
        low=math.exp(_at(shifts, 0.5 - half)) if bounded else 0.0,
        high=math.exp(_at(shifts, 0.5 + half)) if bounded else math.inf,
        n_a=n,
        n_b=m,
    )


def cliffs_delta(a: Sequence[float], b: Sequence[float]) -> Effect | None:
    """P(b > a) − P(b < a), with the interval of Cliff ("Ordinal methods for behavioral data analysis", 1996, ch. 5) in the
    form that stays within -1..1 (Feng and Cliff 2004, https://doi.org/10.22237/jmasm/1099267380). None unless both sides have
    two values."""
    n, m = len(a), len(b)
    if min(n, m) < 2:
        return None
    ones, others = sorted(a), sorted(b)
    of_b = [(bisect_left(ones, value) + bisect_right(ones, value)) / n - 1 for value in others]
    of_a = [1 - (bisect_left(others, value) + bisect_right(others, value)) / m for value in ones]
    delta = math.fsum(of_b) / m
    ties = sum(bisect_right(ones, value) - bisect_left(ones, value) for value in others)
    within = n * m - ties - n * m * delta * delta
    spread_a = math.fsum((value - delta) ** 2 for value in of_a)
    spread_b = math.fsum((value - delta) ** 2 for value in of_b)
    variance = (m * m * spread_a + n * n * spread_b - within) / (n * m * (n - 1) * (m - 1))
    least = (1 - delta * delta) / (n * m - 1)
    variance = max(variance, least)
    if abs(delta) == 1:  # no overlap at all: the variance is zero and says nothing
        bound = (min(n, m) - _Z * _Z) / (min(n, m) + _Z * _Z)
        return Effect(value=delta, low=delta if delta < 0 else bound, high=delta if delta > 0 else -bound, n_a=n, n_b=m)
    middle, half = delta - delta**3, _Z * math.sqrt(variance) * math.sqrt((1 - delta**2) ** 2 + _Z**2 * variance)
    below = 1 - delta**2 + _Z**2 * variance
    return Effect(value=delta, low=(middle - half) / below, high=(middle + half) / below, n_a=n, n_b=m)


def estimate_accuracy(pairs: Iterable[tuple[float, float]]) -> EstimateAccuracy | None:
    """Of (estimated, actual) durations, in one unit; pairs without a positive estimate and actual say nothing. None
    where nothing is left."""
    logs = sorted(math.log(told / actual) for told, actual in pairs if told > 0 and actual > 0)
    near = rate(sum(abs(value) <= math.log(_NEAR) for value in logs), len(logs))
    if near is None:
        return None
    return EstimateAccuracy(
        n=len(logs),
        bias_factor=math.exp(_at(logs, 0.5)),
        error_factor=math.exp(_at(sorted(map(abs, logs)), 0.5)),
        near=near,
    )


def _thinned(ordered: list[float]) -> list[float]:
    n = len(ordered)
    if n <= _PAIRS_OF:
        return ordered
    return [ordered[min(n - 1, int((place + 0.5) * n / _PAIRS_OF))] for place in range(_PAIRS_OF)]


def _at(ordered: Sequence[float], share: float) -> float:
    """Between the two nearest order statistics; the ends beyond them."""
    place = min(max(share, 0.0), 1.0) * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
