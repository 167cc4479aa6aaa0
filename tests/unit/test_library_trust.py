"""How far a pattern is trusted, at the edges of every rule."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.library.trust import Rules, auto_applied, base_score, decayed, judged, ready_by_policy, success_rate
from seasoned.model import FALLING, WORTH_SHARING, Pattern
from seasoned.testing.knowledge_records import pattern


def used(won: int, lost: int, unknown: int = 0, **changes: object) -> Pattern:
    return pattern(
        "p", evidence_count=0, evidence_success_count=0, usage_count=won + lost + unknown, success_count=won,
        failure_count=lost, learning_weight=None, review_flags=(), access_level="private", **changes,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("weight", "rate"), [(None, 3.5 / 5), (1.0, 3.5 / 5), (0.0, 3 / 4), (10.0, 8 / 14), (0.5, 3.25 / 4.5)]
)
def test_the_learning_weight_is_a_prior_and_no_evidence(weight: float | None, rate: float) -> None:
    assert success_rate(replace(used(3, 1), learning_weight=weight)) == pytest.approx(rate, abs=1e-6)
    assert success_rate(replace(used(0, 0), learning_weight=weight)) is None


def test_sources_and_uses_count_alike_and_the_unknown_not_at_all() -> None:
    mixed = replace(used(1, 1, 50), evidence_count=4, evidence_success_count=4)
    assert success_rate(mixed) == pytest.approx(5.5 / 7, abs=1e-6)
    after = judged(used(0, 0, 50), ())
    assert (after.success_rate, after.confidence_score, after.review_flags) == (None, None, ())


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 10))
def test_a_rate_is_a_rate_and_a_heavier_weight_stays_nearer_to_one_half(won: int, lost: int, weight: float) -> None:
    rate = success_rate(replace(used(won, lost), learning_weight=weight))
    heavier = success_rate(replace(used(won, lost), learning_weight=weight + 1))
    if rate is None or heavier is None:
        assert won + lost == 0
        return
    assert 0 <= rate <= 1
    assert abs(heavier - 0.5) <= abs(rate - 0.5) + 2e-6


@pytest.mark.parametrize(
    ("won", "lost", "falls"),
    [(3, 2, False), (0, 5, False), (4, 2, True), (5, 2, False), (0, 6, True), (7, 3, False), (6, 4, True)],
)
def test_it_falls_below_seven_in_ten_after_more_than_five_known_uses(won: int, lost: int, falls: bool) -> None:
    recent = [*[False] * lost, *[True] * won]
    assert (FALLING in judged(used(won, lost), recent).review_flags) is falls


def test_recent_means_the_ten_newest_known_outcomes() -> None:
    once_good = used(100, 4)
    assert FALLING in judged(once_good, [*[False] * 4, *[True] * 6, *[True] * 94]).review_flags
    once_bad = used(10, 90)
    assert FALLING not in judged(once_bad, [*[True] * 10, *[False] * 90]).review_flags


def test_a_threshold_of_its_own() -> None:
    recent = [*[False] * 5, *[True] * 5]
    for threshold, falls in (
        (0.5, False),
        (0.51, True),
        (0, False),
        (True, True),
        ("0.1", True),
        (-1, True),
        (2, True),
    ):
        own = used(5, 5, quality_thresholds={"min_success_rate": threshold})
        assert (FALLING in judged(own, recent).review_flags) is falls, threshold


def test_falling_stays_until_a_reviewer_looked_and_comes_back_by_new_outcomes_alone() -> None:
    flagged = replace(used(20, 0), review_flags=(FALLING,))
    assert FALLING in judged(flagged, [True] * 10).review_flags
    reviewed = used(2, 6, metadata={"reviewed_uses": 8})
    assert FALLING not in judged(reviewed, [False] * 6).review_flags
    five_more = used(2, 11, metadata={"reviewed_uses": 8})
    assert FALLING not in judged(five_more, [False] * 10).review_flags
    six_more = used(2, 12, metadata={"reviewed_uses": 8})
    assert FALLING in judged(six_more, [False] * 10).review_flags
    recovered = used(9, 6, metadata={"reviewed_uses": 8})
    assert FALLING not in judged(recovered, [*[True] * 7, *[False] * 3]).review_flags


@pytest.mark.parametrize(
    ("won", "level", "weight", "shown"),
    [(4, "private", 1, False), (5, "private", 1, True), (5, "team", 1, False), (5, "private", 10, False)],
)
def test_sharing_by_merit(won: int, level: str, weight: float, shown: bool) -> None:
    good = replace(used(won, 0), access_level=level, learning_weight=weight)  # pyright: ignore[reportArgumentType]
    assert (WORTH_SHARING in judged(good, [True] * won).review_flags) is shown


def test_merit_is_lost_with_success() -> None:
    shared = replace(used(5, 3), review_flags=(WORTH_SHARING,))
    assert WORTH_SHARING not in judged(shared, ()).review_flags


RULES = Rules(auto_promote=True)
READY = replace(used(5, 0), validation_status="validated", success_rate=0.8, origin_trust="own")


@pytest.mark.parametrize(
    ("changes", "ready"),
    [
        ({}, True), ({"usage_count": 4}, False), ({"success_rate": 0.79}, False), ({"success_rate": None}, False),
        ({"validation_status": None}, False), ({"validation_status": "not_proving"}, False), ({"status": "rejected"}, False),
        ({"status": "deprecated"}, False), ({"status": "active"}, False), ({"origin_trust": "team"}, True),
        ({"origin_trust": "foreign"}, False), ({"origin_trust": "read_outside_content"}, False),
        ({"duplicate_of": "x"}, False), ({"review_flags": ("instructions_in_text",)}, False),
        ({"review_flags": (FALLING,)}, False), ({"review_flags": ("read_outside_content",)}, False),
        ({"review_flags": (WORTH_SHARING, "few_sessions")}, True),
    ],
)  # fmt: skip
def test_what_policy_promotes(changes: dict[str, object], ready: bool) -> None:
    candidate = replace(READY, **changes)  # pyright: ignore[reportArgumentType]
    assert ready_by_policy(candidate, RULES) is ready
    assert not ready_by_policy(candidate, Rules())


def test_only_what_is_active_and_unflagged_is_put_before_agents() -> None:
    assert auto_applied(replace(READY, status="active"))
    assert not auto_applied(READY)
    for flag in (FALLING, "instructions_in_text", "read_outside_content"):
        assert not auto_applied(replace(READY, status="active", review_flags=(flag,)))


def test_confidence_decays_only_where_the_stack_moved_on() -> None:
    assert decayed(0.8, technologies=("Angular",), in_use={"react"}, age_days=180) == pytest.approx(0.4)
    assert decayed(0.8, technologies=("React",), in_use={"react"}, age_days=10_000) == 0.8
    assert decayed(0.8, technologies=("React", "Angular"), in_use={"react"}, age_days=10_000) == 0.8
    assert decayed(0.8, technologies=(), in_use={"react"}, age_days=10_000) == 0.8
    assert decayed(0.8, technologies=("Angular",), in_use=(), age_days=10_000) == 0.8
    assert decayed(0.8, technologies=("Angular",), in_use={"react"}, age_days=-5) == 0.8
    assert decayed(None, technologies=("Angular",), in_use={"react"}, age_days=1) == 0


def test_the_base_score_is_the_published_one() -> None:
    scored = base_score(replace(READY, usage_count=5, success_rate=0.9), 0.5)
    assert scored.total == pytest.approx(0.4 * 0.9 + 0.3 * 0.5 + 0.3 * 0.5)
    assert base_score(replace(READY, usage_count=1_000, success_rate=1.0), 1.0).total == pytest.approx(1.0)
    assert base_score(replace(READY, usage_count=0, success_rate=None), 0.0).total == 0
