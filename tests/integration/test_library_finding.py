"""What is found and what is recommended, and to whom."""

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from library_callers import DATA, Callers, opened

from seasoned.errors import AccessDeniedError, ValidationError
from seasoned.model import FALLING, ExecutionUpdate, Pattern, Trace
from seasoned.model.ids import name_id
from seasoned.testing.knowledge_records import pattern as recorded
from seasoned.workers import Writer
from seasoned.workers.reading import event_of


@pytest.fixture(params=["sqlite", "postgresql"])
def callers(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Callers, None, None]:
    with opened(request, tmp_path) as found:
        yield found


def active(callers: Callers, name: str, **changes: Any) -> Pattern:
    """Recorded by ``ana`` for the team, with keywords, and active."""
    made = callers.ana.create_pattern(
        name, changes.pop("category", "testing"), changes.pop("data", DATA), access_level="team"
    )
    changed = replace(made, **{"status": "active", **changes})
    with callers.store.writing() as writing:
        writing.save_patterns([changed])
    return changed


def names(found: list[Any]) -> list[str]:
    return [each.pattern.pattern_name if hasattr(each, "pattern") else each.pattern_name for each in found]


def test_a_question_finds_by_its_rarest_words_and_says_which(callers: Callers) -> None:
    active(callers, "Upload archives", data={"solution": "retry the upload of an archive to the bucket"})
    active(callers, "Upload pictures", data={"solution": "retry the upload of a picture to the gallery"})
    active(callers, "Brew coffee", data={"solution": "boil water"})
    found = callers.ana.find("upload a picture")
    assert names(found) == ["Upload pictures", "Upload archives"]
    assert found[0].shared[0] == "picture"
    assert found[0].semantic is None
    assert 0 < found[1].score < found[0].score <= 1
    assert names(callers.ana.search_patterns("upload a picture", limit=1)) == ["Upload pictures"]
    assert callers.ana.search_patterns("quantum chromodynamics") == []


def test_every_filter_narrows_a_search(callers: Callers) -> None:
    rated = active(callers, "rated", success_rate=0.9, usage_count=3, subcategory="x")
    active(callers, "unrated")
    callers.bob.create_pattern("of bob", "other", DATA)
    for given, expected in (
        ({}, ["rated", "unrated", "of bob"]),
        ({"category": "testing"}, ["rated", "unrated"]),
        ({"subcategory": "x"}, ["rated"]),
        ({"min_success_rate": 0.9}, ["rated"]),
        ({"min_success_rate": 0.91}, []),
        ({"min_usage_count": 3}, ["rated"]),
        ({"min_usage_count": 4}, []),
        ({"access_levels": ["private"]}, ["of bob"]),
        ({"status": ["active"]}, ["rated", "unrated"]),
        ({"namespace": "elsewhere"}, []),
        ({"category": "' OR 1=1"}, []),
    ):
        assert sorted(names(callers.bob.search_patterns(**given))) == sorted(expected), given  # pyright: ignore[reportArgumentType]
        asked = callers.bob.search_patterns("flaky tests seed", **given)  # pyright: ignore[reportArgumentType]
        assert sorted(names(asked)) == sorted(expected), given
    assert rated.pattern_id == callers.bob.search_patterns(min_success_rate=0.5)[0].pattern_id


def test_looking_is_not_using(callers: Callers) -> None:
    made = active(callers, "one")
    for _ in range(3):
        callers.bob.search_patterns("flaky tests")
        callers.bob.recommend_patterns(context_data={"task": "flaky tests"})
        callers.bob.get_pattern(made.pattern_id)
    found = callers.bob.get_pattern(made.pattern_id)
    assert found is not None
    assert (found.usage_count, found.last_used_at) == (0, None)


def test_only_active_unflagged_patterns_without_successor_are_recommended(callers: Callers) -> None:
    good = active(callers, "good")
    for status in ("candidate", "deprecated", "rejected"):
        active(callers, status, status=status)
    for flag in (FALLING, "instructions_in_text", "read_outside_content"):
        active(callers, flag, review_flags=(flag,))
    active(callers, "replaced", successor_id=good.pattern_id)
    private = callers.ana.create_pattern("private", "testing", DATA)
    callers.ana.promote(private.pattern_id, waiver="mine")
    assert names(callers.bob.recommend_patterns()) == ["good"]
    assert sorted(names(callers.ana.recommend_patterns())) == ["good", "private"]
    assert callers.bob.recommend_patterns(category="elsewhere") == []


def test_of_each_family_the_best_active_version_is_recommended(callers: Callers) -> None:
    proven = {"success_rate": 0.9, "usage_count": 20, "confidence_score": 0.6, "success_count": 18, "failure_count": 2}
    old = active(callers, "way", **proven)
    for version, changes in (
        ("1.1.0", {"success_rate": 0.4, "usage_count": 20, "success_count": 8, "failure_count": 12}),
        ("2.0.0", {}),
    ):
        child = callers.ana.create_version(old.pattern_id, {"solution": version}, version)
        with callers.store.writing() as writing:
            writing.save_patterns([replace(child, status="active", **changes)])
    untried = callers.ana.create_version(old.pattern_id, {"solution": "new"}, "3.0.0")
    with callers.store.writing() as writing:
        writing.save_patterns([replace(untried, success_rate=1.0, usage_count=100, confidence_score=0.9)])
    (found,) = callers.bob.recommend_patterns()
    assert found.pattern.version == "1.0.0"
    assert callers.bob.get_versions("way").best_active_id == old.pattern_id


def test_the_score_is_the_published_one_and_explains_itself(callers: Callers) -> None:
    active(callers, "a", success_rate=0.9, usage_count=5, confidence_score=0.5)
    active(callers, "b", success_rate=0.5, usage_count=50, confidence_score=0.5)
    found = callers.bob.recommend_patterns("bob")
    assert [(pattern.pattern_name, score) for pattern, score in found] == [
        ("a", pytest.approx(0.36 + 0.15 + 0.15)), ("b", pytest.approx(0.2 + 0.3 + 0.15)),
    ]  # fmt: skip
    assert found[0].explanation == "0.66 = success 0.90 · 0.4, 5 uses → 0.50 · 0.3, confidence 0.50 · 0.3"
    assert names(callers.bob.recommend_patterns(limit=1)) == ["a"]


def test_boosts_are_bounded_reported_and_only_the_callers_own(callers: Callers) -> None:
    fits = active(callers, "fits", data={"solution": "seed the random order of the tests"})
    active(callers, "other", data={"solution": "boil water"})
    plain = {each.pattern.pattern_name: each for each in callers.bob.recommend_patterns()}
    assert {(each.similarity_boost, each.context_boost) for each in plain.values()} == {(0, 0)}
    asked = {
        each.pattern.pattern_name: each
        for each in callers.bob.recommend_patterns(context_data={"task": ["seed the random order of the tests"] * 50})
    }
    assert 0 < asked["fits"].context_boost <= 0.2
    assert asked["fits"].score == pytest.approx(plain["fits"].score + asked["fits"].context_boost)
    assert "fits the task" in asked["fits"].explanation
    callers.bob.use_pattern(fits.pattern_id)
    used = {each.pattern.pattern_name: each for each in callers.bob.recommend_patterns()}
    assert 0 < used["fits"].similarity_boost <= 0.1
    assert used["fits"].similarity_boost > used["other"].similarity_boost
    assert {each.similarity_boost for each in callers.ana.recommend_patterns()} == {0}


def test_the_question_of_a_recommendation_is_checked(callers: Callers) -> None:
    active(callers, "one")
    for bad in (
        {"agent_id": "ana"}, {"limit": 0}, {"context_data": "text"}, {"context_data": {"a": float("nan")}},
        {"context_data": {"a": "x" * 10_000_000}}, {"category": 5}, {"category": "a\0"},
    ):  # fmt: skip
        with pytest.raises((ValidationError, AccessDeniedError)):
            callers.bob.recommend_patterns(**bad)  # pyright: ignore[reportArgumentType]
    assert len(callers.bob.recommend_patterns(context_data={"numbers": [1, 2, None]})) == 1


def test_confidence_decays_where_the_stack_moved_on_and_stays_in_the_row(callers: Callers) -> None:
    for name, stack in (("gone", ("Angular",)), ("here", ("React",)), ("none", ())):
        active(
            callers, name, data={"solution": name}, confidence_score=0.8, technology_requirements=stack,
            last_used_at=callers.now - timedelta(days=180),
        )  # fmt: skip
    before = {each.pattern.pattern_name: each.base.confidence for each in callers.bob.recommend_patterns()}
    assert set(before.values()) == {0.8}  # nothing is known of what is in use
    trace = Trace(
        execution_id=name_id("run"), namespace="n", revision=1, prompt="Fix the React form", status="success",
        technology_stack=("react",), started_at=callers.now, completed_at=callers.now, source="sdk",
    )  # fmt: skip
    Writer(callers.store).ingest([event_of(ExecutionUpdate(trace=trace), now=callers.now)])
    after = {each.pattern.pattern_name: each.base.confidence for each in callers.bob.recommend_patterns()}
    assert after == {"gone": pytest.approx(0.4), "here": 0.8, "none": 0.8}
    stored = callers.bob.get_pattern("gone")
    assert stored is not None
    assert stored.confidence_score == 0.8


def test_what_is_public_elsewhere_is_found_as_foreign_and_what_is_not_is_not(callers: Callers) -> None:
    for level in ("private", "team", "public"):
        made = recorded(level, namespace="m", agent_id="eve", access_level=level, status="active", pattern_data=DATA)
        with callers.store.writing() as writing:
            writing.save_patterns([replace(made, keywords=("flaky", "tests"))])
    (found,) = callers.bob.search_patterns("flaky tests")
    assert (found.pattern_name, found.origin_trust) == ("public", "foreign")
    assert names(callers.bob.recommend_patterns()) == ["public"]
    assert callers.bob.search_patterns(namespace="m", access_levels=["team"]) == []
