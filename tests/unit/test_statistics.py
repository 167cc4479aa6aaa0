"""Rates, odds ratios and corrections, against published examples and against enumeration."""

import math
import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.learn.statistics import (
    Stratum,
    confidence,
    false_discovery,
    posterior,
    rate,
    shrunk_mean,
    stratified,
    weighted_quantile,
)

CELLS = st.integers(0, 4)


def tables(cells: tuple[int, int, int, int]) -> Stratum:
    a, b, c, d = cells
    return Stratum(with_success=a, with_failure=b, without_success=c, without_failure=d)


def test_wilson_interval_of_a_known_case() -> None:
    found = rate(8, 10)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (0.4902, 0.9433)  # Newcombe 1998, method 3, gives the same


def test_no_observation_is_no_rate() -> None:
    assert rate(0, 0) is None
    assert posterior(0, 0) is None
    with pytest.raises(ValueError, match="3 successes of 2"):
        rate(3, 2)


def test_confidence_at_fifty() -> None:
    assert confidence(0) == 0
    assert confidence(50) == pytest.approx(0.8)


def test_one_table_is_fishers_exact_test() -> None:
    # Fisher's tea taster: 3 of 4 right; one-sided p 17/70, doubled.
    found = stratified([Stratum(with_success=3, with_failure=1, without_success=1, without_failure=3)])
    assert found is not None
    assert found.odds_ratio == pytest.approx(9.0)
    assert found.p_value == pytest.approx(2 * 17 / 70)


def test_confounded_tables_show_no_effect() -> None:
    # Simpson: pooled, the thing looks helpful (odds ratio 5.4); within each stratum it does nothing.
    easy = Stratum(with_success=18, with_failure=2, without_success=9, without_failure=1)
    hard = Stratum(with_success=1, with_failure=9, without_success=2, without_failure=18)
    found = stratified([easy, hard])
    assert found is not None
    assert found.odds_ratio == pytest.approx(1.0)
    assert found.low < 1 < found.high
    assert found.p_value > 0.9


def test_tables_without_variation_say_nothing() -> None:
    assert stratified([Stratum(with_success=5, with_failure=5, without_success=0, without_failure=0)]) is None
    assert stratified([]) is None


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=3))
def test_exact_p_value_equals_enumeration(cells: list[tuple[int, int, int, int]]) -> None:
    strata = [tables(each) for each in cells]
    found = stratified(strata)
    if found is None:
        return
    outcomes: dict[int, float] = {}
    choices: list[list[tuple[int, float]]] = []
    for table in strata:
        having, good = table.with_success + table.with_failure, table.with_success + table.without_success
        ways = math.comb(table.n, having)
        choices.append(
            [
                (a, math.comb(good, a) * math.comb(table.n - good, having - a) / ways)
                for a in range(max(0, having + good - table.n), min(having, good) + 1)
            ]
        )
    for picked in product(*choices):
        total = sum(a for a, _ in picked)
        outcomes[total] = outcomes.get(total, 0.0) + math.prod(share for _, share in picked)
    seen = sum(table.with_success for table in strata)
    upper = sum(share for total, share in outcomes.items() if total >= seen)
    lower = sum(share for total, share in outcomes.items() if total <= seen)
    assert found.p_value == pytest.approx(min(1.0, 2 * min(upper, lower)))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_false_discovery_keeps_the_order_and_never_falls_below_p(p_values: list[float]) -> None:
    found = false_discovery(p_values)
    assert all(q >= p or math.isclose(q, p) for q, p in zip(found, p_values, strict=True))
    by_p = [q for _, q in sorted(zip(p_values, found, strict=True))]
    assert by_p == sorted(by_p)


def test_false_discovery_holds_on_noise() -> None:
    source = random.Random(7)
    false = sum(any(q <= 0.1 for q in false_discovery([source.random() for _ in range(20)])) for _ in range(400))
    assert false / 400 < 0.14  # 0.10 expected; 0.14 is 2.7 standard errors above it


def test_shrinkage_moves_from_the_prior_to_the_data() -> None:
    assert shrunk_mean([], 10.0, 3) == 10.0
    assert shrunk_mean([0.0] * 3, 10.0, 3) == 5.0
    assert shrunk_mean([0.0] * 997, 10.0, 3) == pytest.approx(0.03)


def test_weighted_quantile() -> None:
    assert weighted_quantile([], 0.5) is None
    assert weighted_quantile([(1, 1), (2, 1), (100, 1)], 0.5) == 2
    assert weighted_quantile([(1, 1), (2, 1), (100, 8)], 0.5) == 100


def test_large_tables_are_tested_without_enumerating_them() -> None:
    # The two forms meet where one gives way to the other.
    small = Stratum(with_success=110, with_failure=90, without_success=90, without_failure=110)
    large = Stratum(with_success=1100, with_failure=900, without_success=900, without_failure=1100)
    exact, split = stratified([small]), stratified([small, small, small])
    assert exact is not None
    assert split is not None
    assert exact.p_value == pytest.approx(math.erfc(9.5 / math.sqrt(2 * 200**4 / (400**2 * 399))), rel=0.03)
    assert split.p_value < exact.p_value
    found = stratified([large])
    assert found is not None
    assert 1e-10 < found.p_value < 1e-8
    none = stratified([Stratum(with_success=5000, with_failure=5000, without_success=5000, without_failure=5000)] * 50)
    assert none is not None
    assert none.p_value == 1
