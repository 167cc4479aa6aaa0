"""The figures of the library: right, inside the reader's rights, and never older than the library."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from library_callers import DATA, Callers, opened

from seasoned.errors import ValidationError
from seasoned.library import Library
from seasoned.model import ExecutionUpdate, Trace
from seasoned.model.ids import name_id
from seasoned.store import Store
from seasoned.workers import Writer
from seasoned.workers.reading import event_of


@pytest.fixture(params=["sqlite", "postgresql"])
def callers(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Callers, None, None]:
    with opened(request, tmp_path) as found:
        yield found


def figures(library: Library, **given: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", library.get_pattern_analytics(**given))


def test_an_empty_library_claims_nothing(callers: Callers) -> None:
    told = figures(callers.ana)
    assert told["overview"]["avg_success_rate"] is told["overview"]["avg_applications_per_pattern"] is None
    assert (told["health"]["verdict"], told["health"]["of"]) == ("unknown", 0)
    assert told["versions"] == told["over_time"] == told["top_patterns"] == []


def test_sums_are_over_what_the_reader_may_read(callers: Callers) -> None:
    team = callers.ana.create_pattern("team", "testing", DATA, access_level="team")
    private = callers.ana.create_pattern("private", "secret plans", DATA)
    for success in (True, False, None):
        callers.ana.use_pattern(team.pattern_id, success=success)
        callers.ana.use_pattern(private.pattern_id, success=success)
    told = figures(callers.bob)
    assert (told["total_patterns"], told["overview"]["total_applications"]) == (1, 3)
    assert told["category_distribution"] == {"testing": 1}
    assert told["success_statistics"] == {
        "avg_success_rate": 0.5, "patterns_with_known_outcomes": 1, "uses": 3, "successes": 1, "failures": 1, "unknown": 1,
    }  # fmt: skip
    assert (told["over_time"][0]["uses"], told["over_time"][0]["success_rate"]) == (3, 0.5)
    assert "secret plans" not in str(told)
    assert "private'" not in str(told["usage_patterns"])
    assert figures(callers.ana)["total_patterns"] == 2
    assert figures(callers.bob, agent_id="bob")["total_patterns"] == 0
    assert figures(callers.bob, agent_id="ana")["total_patterns"] == 1
    assert figures(callers.bob, namespace="elsewhere")["total_patterns"] == 0


def test_the_period_is_in_days(callers: Callers) -> None:
    made = callers.ana.create_pattern("one", "testing", DATA)
    start = callers.now
    for days_ago in (40, 29, 0):
        callers.now = start - timedelta(days=days_ago)
        callers.ana.use_pattern(made.pattern_id, success=True)
    callers.now = start
    assert [figures(callers.ana, days=days)["overview"]["applications_in_period"] for days in (1, 30, 41)] == [1, 2, 3]
    assert figures(callers.ana)["overview"]["total_applications"] == 3
    for bad in ({"days": 0}, {"days": 3_661}, {"days": 1.5}, {"days": "30"}, {"agent_id": 5}, {"namespace": "\0"}):
        with pytest.raises(ValidationError):
            figures(callers.ana, **bad)
    callers.now = start + timedelta(days=2)
    assert figures(callers.ana, days=30)["overview"]["applications_in_period"] == 1


class Counted:
    """A store that counts how often all patterns are asked for."""

    def __init__(self, store: Store) -> None:
        self.store, self.asked = store, 0

    def __getattr__(self, name: str) -> Any:
        if name == "cards":
            self.asked += 1
        return getattr(self.store, name)


def test_an_answer_is_kept_until_anything_changes_anywhere(callers: Callers) -> None:
    """Another process is played by another library of the same database: it shares no cache."""
    made = callers.ana.create_pattern("one", "testing", DATA, access_level="team")
    counted = Counted(callers.store)
    reader = Library(
        cast("Store", counted), callers.bob.who, redactor=callers.redactor, clock=lambda: callers.now, cache_size=2
    )
    first = figures(reader)
    asked = counted.asked
    assert figures(reader) == first
    assert counted.asked == asked
    for change in (
        lambda: callers.ana.use_pattern(made.pattern_id, success=True),
        lambda: callers.librarian.promote(made.pattern_id, waiver="w"),
        lambda: callers.ana.create_version(made.pattern_id, {"solution": "new"}),
        lambda: callers.ana.update_pattern(made.pattern_id, learning_weight=5),
        lambda: callers.ana.delete_pattern(made.pattern_id),
    ):
        before = figures(reader)
        change()
        assert figures(reader) != before or counted.asked > asked
        assert counted.asked > asked
        asked = counted.asked
    for days in range(1, 9):
        figures(reader, days=days)
    assert len(reader.cache) == 2


def test_what_a_caller_does_to_its_answer_stays_with_it(callers: Callers) -> None:
    callers.ana.create_pattern("one", "testing", DATA)
    for _ in range(2):  # one that was made, one that was kept
        told = figures(callers.ana)
        told["overview"]["total_patterns"] = 99
        told["top_patterns"].clear()
    again = figures(callers.ana)
    assert (again["overview"]["total_patterns"], len(again["top_patterns"])) == (1, 1)


def test_gaps_follow_the_work_without_a_change_of_the_library(callers: Callers) -> None:
    assert figures(callers.ana)["recommendations"]["knowledge_gaps"] == []
    for number in range(6):
        trace = Trace(
            execution_id=name_id("run", str(number)), namespace="n", revision=1, prompt=f"Fix the login bug {number}",
            status="failure", started_at=callers.now, completed_at=callers.now, source="sdk",
        )  # fmt: skip
        Writer(callers.store).ingest([event_of(ExecutionUpdate(trace=trace), now=callers.now)])
    (gap,) = figures(callers.ana)["recommendations"]["knowledge_gaps"]
    assert (gap["executions"], gap["active_patterns"]) == (6, 0)
    chances = cast("dict[str, Any]", callers.ana.suggest_learning_opportunities())
    assert chances["knowledge_base_summary"] == {"total_memories": 6, "total_patterns": 0, "coverage_ratio": 0.0}
    assert (
        chances["opportunity_count"]
        == len(chances["learning_opportunities"])
        == sum(chances["priority_breakdown"].values())
    )


def test_health_counts_only_what_can_be_judged(callers: Callers) -> None:
    made = callers.ana.create_pattern("one", "testing", DATA, access_level="team")
    callers.librarian.promote(made.pattern_id, waiver="w")
    met = {each["name"]: each["met"] for each in figures(callers.bob)["health"]["criteria"]}
    assert met == {"active": True, "used": False, "successful": None, "reviewed": True, "known": None}
    for success in (True, True, True, True, False):
        callers.bob.use_pattern(made.pattern_id, success=success)
    assert figures(callers.bob)["health"] | {"criteria": None} == {
        "verdict": "good",
        "met": 5,
        "of": 5,
        "criteria": None,
    }
