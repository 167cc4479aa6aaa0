"""What every store must do with advice, as tests. Subclass with a ``store`` fixture, as ``testing.stores``.

Advice comes as events, in pieces and perhaps twice; what is stored must not depend on that.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from seasoned.errors import StoreError
from seasoned.model import Advice, AdviceItem, AdviceUpdate, Mode
from seasoned.model.ids import name_id
from seasoned.store import Store
from seasoned.testing.stores import NOON, event, trace
from seasoned.workers.feedback import advice_event

__all__ = ["AdviceContract", "advice"]


def advice(name: str, **changes: object) -> Advice:
    """One piece of given advice, in session ``s`` of namespace ``n``."""
    given = Advice(
        advice_id=name_id("advice", name),
        namespace="n",
        given_at=NOON,
        session_id="s",
        about_id=name_id("span"),
        agent_id="local",
        source="claude_code",
        user_id="dev",
        repo="/work/shop",
        moment="after_failure",
        kind="fix",
        opportunity="automatic",
        arm="given",
        share=0.5,
        unit="fix:s:x",
        subject="x",
        items=(AdviceItem(kind="fix", id=name_id("resolution"), score=0.75, failure_id=name_id("failure")),),
        latency_ms=3,
        tokens_added=40,
    )
    return replace(given, **changes)  # pyright: ignore[reportArgumentType]


class AdviceContract:
    """Subclass with a ``store`` fixture that gives an empty store."""

    def test_what_is_saved_comes_back(self, store: Store) -> None:
        """Whole, and by a prefix of its id."""
        given = advice(
            "1", endpoints={"success": 1, "cost_usd": 0.25}, followed=True, accepted=False, outcome="success"
        )
        silent = advice("2", arm=None, kind=None, share=None, unit=None, items=(), reason="nothing relevant")
        with store.writing() as writing:
            writing.save_advice([given, silent])
        assert store.advice_of_session("n", "s") == sorted([given, silent], key=lambda each: each.advice_id)
        assert store.advice("n", given.advice_id) == given
        assert store.advice("n", given.advice_id[:8]) == given
        assert store.advice("m", given.advice_id) is None
        assert store.advice("n", "zz") is None
        assert store.advice_of_session("n", "\0") == []

    def test_pieces_merge_in_any_order(self, store: Store) -> None:
        """What one piece says and another does not is kept."""
        whole = advice("1", followed=True, outcome="recovered", endpoints={"steps_to_recovery": 1})
        bare = Advice(advice_id=whole.advice_id, namespace="n", given_at=NOON)
        pieces = [
            advice("1"),
            replace(bare, followed=True),
            replace(bare, outcome="recovered", endpoints={"steps_to_recovery": 1}),
        ]
        for order in permutations(pieces):
            with store.writing() as writing:
                for piece in (*order, *order):
                    writing.save_advice([piece])
            assert store.advice("n", whole.advice_id) == whole

    def test_advice_of_another_namespace_stays_as_it_is(self, store: Store) -> None:
        """An id that is guessed changes nothing elsewhere."""
        with store.writing() as writing:
            writing.save_advice([advice("1")])
            writing.save_advice([advice("1", namespace="m", reason="taken")])
        assert store.advice("n", advice("1").advice_id) == advice("1")
        assert list(store.all_advice("m")) == []

    def test_an_execution_that_is_not_there_yet_gets_its_advice_all_the_same(self, store: Store) -> None:
        """There is no order between topics."""
        execution = trace("late")
        with store.writing() as writing:
            writing.save_advice([advice("1", execution_id=execution.execution_id)])
            writing.save_traces([(execution, None)])
        found = store.advice("n", advice("1").advice_id)
        assert found is not None
        assert found.execution_id == execution.execution_id
        assert store.trace("n", execution.execution_id) is not None

    def test_all_comes_by_time(self, store: Store) -> None:
        """Over more rows than are read at once."""
        every = [advice(str(number), given_at=NOON + timedelta(minutes=number // 2)) for number in range(4_100)]
        with store.writing() as writing:
            writing.save_advice(every[::-1])
        wanted = sorted(every, key=lambda each: (each.given_at, each.advice_id))
        assert list(store.all_advice("n")) == wanted
        assert list(store.all_advice("n", newest_first=True)) == wanted[::-1]
        assert list(store.all_advice("n", since=NOON + timedelta(minutes=2_000))) == [
            each for each in wanted if each.given_at >= NOON + timedelta(minutes=2_000)
        ]

    def test_what_chance_decided_about_is_read_without_the_rest(self, store: Store) -> None:
        """By time, over more rows than are read at once, and nothing that has no unit."""
        whole = [
            advice(str(number), given_at=NOON + timedelta(minutes=number // 2), moment="prompt", subject=None)
            for number in range(10_100)
        ]
        whole[5] = replace(whole[5], arm="held_out", endpoints={"success": 1, "cost_usd": 0.25}, outcome="success")
        silent = advice("silent", arm=None, share=None, unit=None, items=(), reason="nothing relevant")
        mark = Advice(advice_id=name_id("mark"), namespace="n", given_at=NOON, unit="mark", reason="a mark")
        with store.writing() as writing:
            writing.save_advice([silent, mark, *whole[::-1], advice("elsewhere", namespace="m")])
        nothing = dict.fromkeys(
            ("about_id", "agent_id", "source", "kind", "items", "reason", "latency_ms", "tokens_added")
        )
        bare = [replace(each, **nothing) for each in [mark, *whole]]  # pyright: ignore[reportArgumentType]
        found = list(store.drawn_advice("n"))
        assert found == sorted(bare, key=lambda each: (each.given_at, each.advice_id))
        assert list(store.drawn_advice("nobody")) == []

    def test_a_mode_replaces_the_one_before(self, store: Store) -> None:
        """One for each agent of a namespace."""
        everybody = Mode(namespace="n", mode="shadow", set_by="dev", set_at=NOON)
        with store.writing() as writing:
            writing.save_mode(everybody)
            writing.save_mode(Mode(namespace="n", agent="codex", mode="auto", kill_switch=True, set_at=NOON))
            writing.save_mode(replace(everybody, mode="auto"))
        assert store.modes("n") == [
            replace(everybody, mode="auto"),
            Mode(namespace="n", agent="codex", mode="auto", kill_switch=True, set_at=NOON),
        ]
        assert store.modes("m") == []

    def test_what_no_engine_can_hold_is_refused(self, store: Store) -> None:
        """And nothing of it is kept."""
        for changes in ({"reason": "a\0b"}, {"kind": "wisdom"}, {"share": 1.5}, {"latency_ms": -1}):
            with pytest.raises(StoreError), store.writing() as writing:
                writing.save_advice([advice("1", **changes)])
        assert list(store.all_advice("n")) == []

    def test_forgetting_an_execution_takes_its_advice_out_of_rows_and_log(self, store: Store) -> None:
        """Also the pieces that did not name it yet."""
        kept, gone = trace("kept", session_id="s"), trace("gone", session_id="t")
        told = [
            advice("of the kept", session_id="s", execution_id=kept.execution_id),
            advice("of the gone", session_id="t"),
            advice("in its session", session_id="t"),
            advice("of the gone", session_id="t", execution_id=gone.execution_id, outcome="success"),
        ]
        with store.writing() as writing:
            writing.append([event("kept"), event("gone"), *map(advice_event, told)])
            writing.save_traces([(kept, None), (gone, None)])
            writing.save_advice(told)
            writing.forget_executions("n", [gone.execution_id])
        assert [each.advice_id for each in store.all_advice("n")] == [told[0].advice_id]
        left = [each.event.payload for each in store.read_log(0, 100) if each.event is not None]
        assert [each.advice.advice_id for each in left if isinstance(each, AdviceUpdate)] == [told[0].advice_id]
