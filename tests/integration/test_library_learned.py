"""What the learner draws anew, what it leaves alone, and what happens when somebody uses a pattern meanwhile."""

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from library_callers import Callers, opened

from seasoned.library import Library
from seasoned.library.learned import intake
from seasoned.library.words import keywords_of
from seasoned.model import Pattern, PatternUsage
from seasoned.model.ids import name_id
from seasoned.testing.knowledge_records import pattern


@pytest.fixture(params=["sqlite", "postgresql"])
def callers(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Callers, None, None]:
    with opened(request, tmp_path) as found:
        yield found


def drawn(name: str, evidence: int = 4, **changes: Any) -> Pattern:
    """As the learner proposes it."""
    plain: dict[str, Any] = {
        "agent_id": "seasoned", "extraction_method": "cluster", "evidence_count": evidence, "pattern_data": {"problem": name},
        "evidence_success_count": evidence, "success_score": 0.9, "success_rate": 0.9, "confidence_score": 0.2,
    }  # fmt: skip
    return pattern(name, **{**plain, **changes})


def learn(callers: Callers, *proposed: Pattern) -> None:
    found = intake(callers.store, "n", proposed, callers.now)
    with callers.store.writing() as writing:
        found.write(writing)


def stored(callers: Callers, one: Pattern) -> Pattern | None:
    with callers.store.writing() as writing:
        return writing.pattern(one.pattern_id)


def test_an_untouched_candidate_is_drawn_anew_and_goes_with_its_evidence(callers: Callers) -> None:
    one = drawn("one")
    learn(callers, one)
    first = stored(callers, one)
    assert first is not None
    assert (first.keywords, first.extracted_at) == (keywords_of(one), callers.now)
    learn(callers, one)
    assert stored(callers, one) == first
    learn(callers, drawn("one", 6))
    again = stored(callers, one)
    assert again is not None
    assert again.evidence_count == 6
    learn(callers)
    assert stored(callers, one) is None


DECISIONS: dict[str, Callable[[Library, str], object]] = {
    "promote": lambda library, key: library.promote(key, waiver="seen"),
    "reject": lambda library, key: library.reject(key, "no"),
    "deprecate": lambda library, key: library.deprecate(key, "old"),
    "use": lambda library, key: library.use_pattern(key),
    "publish": lambda library, key: library.update_pattern(key, access_level="public"),
    "hide": lambda library, key: library.update_pattern(key, access_level="private"),
}


@pytest.mark.parametrize("decision", DECISIONS)
def test_what_somebody_decided_or_counted_stays(callers: Callers, decision: str) -> None:
    one = drawn("one")
    learn(callers, one)
    DECISIONS[decision](callers.admin, one.pattern_id)
    before = stored(callers, one)
    assert before is not None
    learn(callers, drawn("one", 9, success_score=0.95))
    after = stored(callers, one)
    assert after is not None
    assert after.evidence_count == 9
    for kept in ("status", "access_level", "usage_count", "waiver", "deprecation_reason", "learning_weight"):
        assert getattr(after, kept) == getattr(before, kept), kept
    learn(callers)
    assert stored(callers, one) is not None


def test_flags_that_were_looked_at_are_not_held_up_again(callers: Callers) -> None:
    one = drawn("one", review_flags=("instructions_in_text", "few_sessions"))
    learn(callers, one)
    callers.admin.clear_flags(one.pattern_id, "harmless", ["instructions_in_text"])
    learn(callers, drawn("one", 7, review_flags=("instructions_in_text", "few_sessions")))
    after = stored(callers, one)
    assert after is not None
    assert after.review_flags == ("few_sessions",)


def test_the_rate_after_a_redraw_is_the_one_that_use_gives(callers: Callers) -> None:
    one = drawn("one", learning_weight=10.0)
    learn(callers, one)
    for success in (True, False, False):
        used = callers.admin.use_pattern(one.pattern_id, success=success)
    assert used.success_rate == pytest.approx((5 + 5) / (7 + 10), abs=1e-6)
    learn(callers, drawn("one", 8, learning_weight=10.0))
    after = stored(callers, one)
    assert after is not None
    assert after.success_rate == pytest.approx((9 + 5) / (11 + 10), abs=1e-6)
    assert after.confidence_score == pytest.approx(11 / 23.5, abs=1e-6)


def test_a_use_between_reading_and_writing_is_not_lost(callers: Callers) -> None:
    kept, withdrawn = drawn("kept"), drawn("withdrawn")
    learn(callers, kept, withdrawn)
    found = intake(callers.store, "n", [drawn("kept", 9)], callers.now)
    for one in (kept, withdrawn):
        callers.admin.use_pattern(one.pattern_id, success=True)
    with callers.store.writing() as writing:
        found.write(writing)
    for one, evidence in ((kept, 9), (withdrawn, 4)):
        after = stored(callers, one)
        assert after is not None
        assert (after.usage_count, after.success_count, after.evidence_count) == (1, 1, evidence)


def test_a_promotion_between_reading_and_writing_is_not_lost(callers: Callers) -> None:
    one = drawn("one")
    learn(callers, one)
    found = intake(callers.store, "n", [drawn("one", 9)], callers.now)
    callers.admin.promote(one.pattern_id, waiver="seen")
    with callers.store.writing() as writing:
        found.write(writing)
    after = stored(callers, one)
    assert after is not None
    assert (after.status, after.evidence_count, (after.waiver or {})["reason"]) == ("active", 9, "seen")


def test_what_agents_recorded_is_not_the_learners(callers: Callers) -> None:
    mine = callers.ana.create_pattern("mine", "testing", {"solution": "x"})
    learn(callers)
    assert callers.ana.get_pattern(mine.pattern_id) == mine
    usage = PatternUsage(
        usage_id=name_id("u"), pattern_id=mine.pattern_id, namespace="n", agent_id="ana", used_at=callers.now
    )
    with callers.store.writing() as writing:
        writing.save_usage(usage)
    learn(callers, drawn("other"))
    after = callers.ana.get_pattern(mine.pattern_id)
    assert after is not None
    assert after == replace(mine, usage_count=1, last_used_at=callers.now, updated_at=after.updated_at)


def test_an_edit_of_what_was_drawn_is_a_version_that_the_next_run_leaves_alone(callers: Callers) -> None:
    learn(callers, drawn("one"))
    edited = callers.admin.update_pattern(
        drawn("one").pattern_id, pattern_data={"problem": "one", "solution": "better"}
    )
    assert (edited.version, edited.status, edited.extraction_method) == ("1.1.0", "candidate", "recorded")
    assert edited.parent_pattern_id == drawn("one").pattern_id
    learn(callers, drawn("one", 6))
    again, kept = stored(callers, drawn("one")), stored(callers, edited)
    assert again is not None
    assert kept is not None
    assert (again.evidence_count, again.pattern_data) == (6, {"problem": "one"})
    assert kept.pattern_data == {"problem": "one", "solution": "better"}
    learn(callers)
    assert stored(callers, drawn("one")) is None
    assert stored(callers, edited) is not None
