"""What every store must do with failures, what resolved them, and hand-overs, as tests (``testing.knowledge``)."""
# ruff: noqa: D102  the name of a test is its sentence

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from seasoned.errors import StoreError
from seasoned.model import FailurePattern, ResolutionStep
from seasoned.model.ids import name_id
from seasoned.store.knowledge_port import FailureQuery
from seasoned.store.port import Store
from seasoned.testing.knowledge_records import (
    DOCUMENT,
    ODD,
    chain,
    failure,
    occurrence,
    resolution,
    silent,
)
from seasoned.testing.stores import NOON, fingerprint, save, span, trace

__all__ = ["FailureContract"]


class FailureContract:
    """Subclass with a ``store`` fixture that gives an empty store."""

    # -- failures --------------------------------------------------------------------------------------------
    def test_a_failure_is_read_back_with_all_that_is_known_of_it(self, store: Store) -> None:
        owner, run = fingerprint("a"), trace("run")
        call = span(run, "call")
        save(store, [(run, owner)], [call])
        texts = (
            "error_category", "error_message", "error_stack_trace", "failed_step", "root_cause_analysis",
            "resolution_applied", "prevention_strategy",
        )  # fmt: skip
        documents = ("contributing_factors", "resolution_steps", "context_at_failure", "metadata")
        full = failure(
            ODD, **dict.fromkeys(texts, ODD), **dict.fromkeys(documents, DOCUMENT), failure_type="network",
            time_to_resolve_ms=0, occurrence_count=2, first_occurrence_at=NOON, last_occurrence_at=NOON + timedelta(1),
            automated_fix_available=True, fix_success_rate=99.5,
        )  # fmt: skip
        step = ResolutionStep(tool=ODD, command="", example=None)
        fix = resolution(
            full, "fix", description=ODD, steps=(step, replace(step, example=ODD)), times_seen=9, times_worked=1,
            last_worked_at=NOON,
        )  # fmt: skip
        told = resolution(full, "told", steps=(), source="recorded", times_seen=2**40, times_worked=2**40)
        events = [
            occurrence(full, "old", message=ODD, resolved_by=told.resolution_id),
            occurrence(
                full, "new", execution_id=run.execution_id, span_id=call.span_id, fingerprint_id=owner.fingerprint_id,
                occurred_at=NOON + timedelta(days=1), resolved_by=fix.resolution_id, time_to_resolve_ms=2**40,
            ),
        ]  # fmt: skip
        assert silent(full) == silent(fix) == silent(events[1]) - {"message"} == set()
        with store.writing() as writing:
            writing.replace_failure(full, [fix, told], events)
        found = store.failure("n", full.failure_id)
        assert found == store.failure("n", ODD) == full
        assert found is not None
        assert found.automated_fix_available is True
        assert store.resolutions([full.failure_id, name_id("unknown"), "no id"]) == {full.failure_id: [told, fix]}
        assert store.occurrences(full.failure_id) == events[::-1]
        assert store.occurrences(full.failure_id, limit=1) == events[1:]
        assert store.occurrences("no id") == []

    def test_the_mark_changes_with_what_is_known_in_its_namespace_alone(self, store: Store) -> None:
        owner = failure("f", occurrence_count=1)
        marks = [store.failures_mark("n"), store.failures_mark("other")]
        assert marks[0] == marks[1]
        for fixes, seen in (([], 1), ([resolution(owner, "fix")], 1), ([resolution(owner, "fix", times_seen=9)], 2)):
            events = [occurrence(owner, str(number)) for number in range(seen)]
            with store.writing() as writing:
                writing.replace_failure(owner, fixes, events)
            assert store.failures_mark("n") not in marks
            marks.append(store.failures_mark("n"))
            assert store.failures_mark("n") == marks[-1]
        with store.writing() as writing:
            writing.commit_offset("learner n abc", 3)
        assert store.failures_mark("n") not in marks
        assert store.failures_mark("other") == marks[0]

    def test_what_is_not_mined_again_goes_and_what_was_recorded_stays(self, store: Store) -> None:
        owner, other = failure("f"), failure("other")
        told = resolution(owner, "told", source="recorded", times_worked=3)
        with store.writing() as writing:
            writing.replace_failure(owner, [resolution(owner, "a"), told], [occurrence(owner, "1")])
            writing.replace_failure(other, [resolution(other, "a")], [occurrence(other, "1")])
        again = replace(owner, root_cause_analysis="seen")
        kept = occurrence(owner, "2", resolved_by=told.resolution_id)
        mined_too = replace(told, source="mined", description="worse")
        for found in ([resolution(owner, "b"), mined_too], [resolution(owner, "b")], [resolution(owner, "b")]):
            with store.writing() as writing:
                writing.replace_failure(again, found, [kept])
        assert store.failure("n", "f") == replace(again, occurrence_count=1)
        assert store.resolutions([owner.failure_id]) == {owner.failure_id: [told, resolution(owner, "b")]}
        assert store.occurrences(owner.failure_id) == [kept]
        assert store.occurrences(other.failure_id) == [occurrence(other, "1")]
        assert store.resolutions([other.failure_id]) == {other.failure_id: [resolution(other, "a")]}

    def test_counters_are_those_of_the_occurrences(self, store: Store) -> None:
        owner = failure("f", occurrence_count=77)
        fix = resolution(owner, "a", times_worked=50, times_seen=1)
        told = resolution(owner, "told", source="recorded", times_worked=4, times_seen=5)
        events = [occurrence(owner, str(number), resolved_by=fix.resolution_id) for number in range(3)]
        with store.writing() as writing:
            writing.replace_failure(owner, [fix, told], [*events, events[0], occurrence(owner, "open")])
        found = store.failure("n", "f")
        assert found is not None
        assert found.occurrence_count == 4
        (by_hand, mined) = store.resolutions([owner.failure_id])[owner.failure_id]
        assert (mined.times_worked, mined.times_seen) == (3, 3)
        assert by_hand == told

    def test_an_occurrence_cannot_point_to_a_resolution_that_went(self, store: Store) -> None:
        owner = failure("f")
        fix = resolution(owner, "a")
        event = occurrence(owner, "1", resolved_by=fix.resolution_id)
        with store.writing() as writing:
            writing.replace_failure(owner, [fix], [event])
        with pytest.raises(StoreError, match=r"(?i)foreign key"), store.writing() as writing:
            writing.replace_failure(owner, [], [event])
        assert store.occurrences(owner.failure_id) == [event]

    def test_parts_of_another_failure_are_refused(self, store: Store) -> None:
        owner, other = failure("f"), failure("g")
        for resolutions, occurrences in (
            ([resolution(other, "a")], []),
            ([], [occurrence(other, "1")]),
            ([], [occurrence(owner, "1", namespace="m")]),
        ):
            with pytest.raises(StoreError, match="belongs to another failure"), store.writing() as writing:
                writing.replace_failure(owner, resolutions, occurrences)

    def test_the_order_of_failures_does_not_matter(self, store: Store) -> None:
        items = [failure(name, namespace=f"n{name}") for name in "abc"]

        def rows(order: Iterable[FailurePattern]) -> Sequence[object]:
            for owner in order:
                fix = resolution(owner, "x")
                events = [occurrence(owner, "1", resolved_by=fix.resolution_id), occurrence(owner, "2")]
                with store.writing() as writing:
                    writing.replace_failure(owner, [fix, resolution(owner, "y")], events)
                    writing.replace_failure(owner, [resolution(owner, "y"), fix], events[::-1])
            found = [
                (store.failure(item.namespace, item.signature), store.occurrences(item.failure_id)) for item in items
            ]
            return [*found, store.resolutions([owner.failure_id for owner in items])]

        assert all(rows(order) == rows(items) for order in permutations(items))

    def test_failures_are_asked_for_by_every_condition(self, store: Store) -> None:
        items = [failure("B"), failure("a", failed_step="pytest"), failure("often", failure_type="network")]
        late = failure("late", namespace="n", last_occurrence_at=NOON)
        with store.writing() as writing:
            for owner in (*items, late, failure("m", namespace="m")):
                happened = [occurrence(owner, str(number)) for number in range(2 if owner.signature == "often" else 0)]
                writing.replace_failure(owner, [resolution(owner, "r")] if owner is late else [], happened)

        def names(**conditions: object) -> list[str]:
            query = replace(FailureQuery(namespace="n"), **conditions)  # pyright: ignore[reportArgumentType]
            return [item.signature for item in store.failures(query)]

        assert names() == ["often", "B", "a", "late"]
        assert names(limit=2, offset=1) == ["B", "a"]
        assert names(failure_type="network") == ["often"]
        assert names(failed_step="pytest") == ["a"]
        assert names(resolved=True) == ["late"]
        assert names(resolved=False) == ["often", "B", "a"]
        assert names(since=NOON) == ["late"]
        assert names(since=NOON + timedelta(microseconds=1)) == []

    def test_deleting_a_failure_deletes_what_hangs_on_it(self, store: Store) -> None:
        gone, kept = failure("gone"), failure("kept")
        with store.writing() as writing:
            for owner in (gone, kept):
                fix = resolution(owner, "a")
                writing.replace_failure(owner, [fix], [occurrence(owner, "1", resolved_by=fix.resolution_id)])
        with store.writing() as writing:
            writing.delete_failures([gone.failure_id, name_id("unknown"), "no id"])
        assert [item.signature for item in store.failures(FailureQuery(namespace="n"))] == ["kept"]
        assert list(store.resolutions([gone.failure_id, kept.failure_id])) == [kept.failure_id]
        assert store.occurrences(gone.failure_id) == []
        assert len(store.occurrences(kept.failure_id)) == 1

    # -- chains ----------------------------------------------------------------------------------------------
    def test_chains_are_replaced_as_a_whole(self, store: Store) -> None:
        full = chain(
            "outer", ODD, task_type="testing", domain="database", support=2**40, success_rate=0.5, avg_duration_ms=0.1,
            last_seen_at=NOON,
        )  # fmt: skip
        others = [chain("b", "a"), chain("a", "b", "c"), chain("a", "b", domain="database")]
        with store.writing() as writing:
            writing.replace_chains("m", [chain("m", "n", namespace="m")])
            writing.replace_chains("n", [chain("gone", "soon")])
        for _ in range(2):
            with store.writing() as writing:
                writing.replace_chains("n", [*others, full])
        assert store.chains("n") == [full, others[2], others[1], others[0]]
        assert store.chains("n", domain="database") == [full, others[2]]
        assert store.chains("n", domain="database", task_type="testing") == [full]
        with pytest.raises(StoreError, match="another namespace"), store.writing() as writing:
            writing.replace_chains("n", [chain("x", "y", namespace="m")])
        with store.writing() as writing:
            writing.replace_chains("n", [])
        assert store.chains("n") == []
        assert len(store.chains("m")) == 1
