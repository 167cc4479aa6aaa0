"""The statistics behind everything that is claimed: rates, odds ratios, and how sure one may be of them.

Invariant: every figure comes with an interval or is None, and small counts give wide intervals instead of errors. Plain
Python: nothing here is large, and a hook that only reads a rate must not pay for an array library.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "Rate",
    "StratifiedTest",
    "Stratum",
    "confidence",
    "false_discovery",
    "posterior",
    "rate",
    "shrunk_mean",
    "stratified",
    "weighted_quantile",
]

_Z = 1.959963984540054
"""97.5 % quantile of the normal distribution."""
_WHOLE_NUMBERS_UP_TO = 1_000
"""Executions of a stratum beyond which binomials go by logarithms: they have thousands of digits, and 1e-10 is enough."""
_EXACT_UP_TO = 400
"""Values that a sum of cells may take before its distribution is no longer enumerated."""
_HALF_CONFIDENCE = 12.5
"""Known outcomes at which confidence is one half; so it reaches 0.8 at 50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share with its count and a 95 % interval; all 0..1."""

    successes: int
    n: int
    value: float
    low: float
    high: float


def rate(successes: int, n: int) -> Rate | None:
    """The observed share with Wilson's score interval (https://doi.org/10.1080/01621459.1927.10502953); None for
    ``n = 0``. Raises ValueError unless 0 ≤ successes ≤ n."""
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return None
    share = successes / n
    middle = (share + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z / (1 + _Z * _Z / n) * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
    return Rate(successes=successes, n=n, value=share, low=max(0.0, middle - half), high=min(1.0, middle + half))


def posterior(successes: float, n: float, weight: float | None = None) -> float | None:
    """Posterior mean of a success rate under the prior Beta(w/2, w/2): (s + w/2) / (n + w); None for ``n = 0``.

    ``weight``: w ≥ 0; None: 1, which is Jeffreys' prior. A heavier one moves slower, and never away from one half.
    Counts may be fractional where outcomes carry a weight."""
    prior = 1.0 if weight is None else weight
    return (successes + prior / 2) / (n + prior) if n > 0 else None


def confidence(n: int) -> float:
    """n / (n + 12.5), 0..1: how much ``n`` known outcomes are worth, before anything decays."""
    return n / (n + _HALF_CONFIDENCE)


def shrunk_mean(values: Sequence[float], towards: float, strength: float) -> float:
    """Mean of ``values`` and of ``strength`` pseudo-observations at ``towards``: the empirical Bayes estimate of a
    group mean under a normal prior whose variance is 1 / ``strength`` of that of a single value."""
    return (math.fsum(values) + strength * towards) / (len(values) + strength)


def weighted_quantile(values: Iterable[tuple[float, float]], share: float) -> float | None:
    """Smallest value at which the summed weights reach ``share`` (0..1) of all; None without positive weight."""
    ordered = sorted((value, weight) for value, weight in values if weight > 0)
    total = math.fsum(weight for _, weight in ordered)
    reached = 0.0
    for value, weight in ordered:
        reached += weight
        if reached >= share * total:
            return value
    return ordered[-1][0] if ordered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """One 2 × 2 table: executions of one task shape, with and without a thing, that succeeded or failed."""

    with_success: int
    with_failure: int
    without_success: int
    without_failure: int

    @property
    def n(self) -> int:
        """All of them."""
        return self.with_success + self.with_failure + self.without_success + self.without_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class StratifiedTest:
    """What several tables say together."""

    odds_ratio: float
    """Mantel-Haenszel estimate; may be 0 or infinite where a margin is empty."""
    low: float
    """95 % interval (Robins, Breslow and Greenland 1986); 0 or infinite where it is not defined."""
    high: float
    p_value: float
    """Two-sided, exact."""
    strata: int
    """Tables that say anything, i.e. in which both margins vary."""


def stratified(tables: Sequence[Stratum]) -> StratifiedTest | None:
    """Does the thing separate success from failure within strata? None where no table can say.

    The estimate is Mantel and Haenszel's common odds ratio (https://doi.org/10.1093/jnci/22.4.719), its interval that
    of Robins, Breslow and Greenland (https://doi.org/10.2307/2531052). The p-value is exact: given all margins the sum
    of the upper left cells is a sum of independent hypergeometric variables, whose distribution is their convolution
    (Agresti, "Categorical Data Analysis", 2002, §6.3.5); two-sided by doubling the smaller tail. Strata are small here
    (a handful of runs of a task), where the chi-squared form is not to be trusted. Where the sum can take more than 400
    values, enumeration would grow with their square; there the normal form with continuity correction (Mantel and
    Haenszel 1959, above) stands in, which is then close.
    """
    telling = [table for table in tables if _tells(table)]
    if not telling:
        return None
    r_sum = s_sum = pr = ps_qr = qs = 0.0
    for table in telling:
        a, b, c, d = table.with_success, table.with_failure, table.without_success, table.without_failure
        p, q, r, s = (a + d) / table.n, (b + c) / table.n, a * d / table.n, b * c / table.n
        r_sum += r
        s_sum += s
        pr += p * r
        ps_qr += p * s + q * r
        qs += q * s
    p_value = _exact(telling) if sum(map(_range, telling)) <= _EXACT_UP_TO else _by_normal(telling)
    if r_sum == 0 or s_sum == 0:
        ratio = math.inf if s_sum == 0 else 0.0
        return StratifiedTest(odds_ratio=ratio, low=0.0, high=math.inf, p_value=p_value, strata=len(telling))
    ratio = r_sum / s_sum
    variance = pr / (2 * r_sum**2) + ps_qr / (2 * r_sum * s_sum) + qs / (2 * s_sum**2)
    half = _Z * math.sqrt(variance)
    return StratifiedTest(
        odds_ratio=ratio,
        low=ratio * math.exp(-half),
        high=ratio * math.exp(half),
        p_value=p_value,
        strata=len(telling),
    )


def _tells(table: Stratum) -> bool:
    having = table.with_success + table.with_failure
    succeeded = table.with_success + table.without_success
    return 0 < having < table.n and 0 < succeeded < table.n


def _range(table: Stratum) -> int:
    """How many values the upper left cell can take above its least, the margins given."""
    having, succeeded = table.with_success + table.with_failure, table.with_success + table.without_success
    return min(having, succeeded) - max(0, having + succeeded - table.n)


def _by_normal(tables: Sequence[Stratum]) -> float:
    expected = variance = 0.0
    for table in tables:
        having, succeeded = table.with_success + table.with_failure, table.with_success + table.without_success
        expected += having * succeeded / table.n
        variance += having * succeeded * (table.n - having) * (table.n - succeeded) / (table.n**2 * (table.n - 1))
    off = abs(sum(table.with_success for table in tables) - expected)
    return min(1.0, math.erfc(max(0.0, off - 0.5) / math.sqrt(2 * variance)))


def _exact(tables: Sequence[Stratum]) -> float:
    total = [1.0]
    lowest = 0
    for table in tables:
        having = table.with_success + table.with_failure
        succeeded = table.with_success + table.without_success
        first, last = max(0, having + succeeded - table.n), min(having, succeeded)
        choose = math.comb if table.n <= _WHOLE_NUMBERS_UP_TO else None
        if choose is not None:
            ways = choose(table.n, having)
            shares = [
                choose(succeeded, a) * choose(table.n - succeeded, having - a) / ways for a in range(first, last + 1)
            ]
        else:
            log_ways = _log_comb(table.n, having)
            shares = [
                math.exp(_log_comb(succeeded, a) + _log_comb(table.n - succeeded, having - a) - log_ways)
                for a in range(first, last + 1)
            ]
        joined = [0.0] * (len(total) + len(shares) - 1)
        for i, left in enumerate(total):
            for j, right in enumerate(shares):
                joined[i + j] += left * right
        total = joined
        lowest += first
    seen = sum(table.with_success for table in tables) - lowest
    upper, lower = math.fsum(total[seen:]), math.fsum(total[: seen + 1])
    return min(1.0, 2 * min(upper, lower))


def _log_comb(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def false_discovery(p_values: Sequence[float]) -> list[float]:
    """q-values, in the order given: the smallest false discovery rate at which each would be kept (Benjamini and
    Hochberg 1995, https://doi.org/10.1111/j.2517-6161.1995.tb02031.x)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index], reverse=True)
    kept = [0.0] * len(p_values)
    smallest = 1.0
    for place, index in enumerate(order):
        smallest = min(smallest, p_values[index] * len(p_values) / (len(p_values) - place))
        kept[index] = smallest
    return kept
