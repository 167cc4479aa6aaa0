"""Durations: what is expected of a run, and how that is measured."""

import math
import random
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from seasoned.errors import UsageError
from seasoned.evaluate.durations import run_durations
from seasoned.learn.durations import DurationModel
from seasoned.testing.stores import NOON


def known(*runs: tuple[str | None, str | None, float]) -> DurationModel:
    model = DurationModel()
    for run in runs:
        model.add(*run)
    return model


def test_each_level_speaks_when_the_narrower_ones_are_silent() -> None:
    model = known(("a", "t", 1000), ("b", "t", 2000), ("b", "u", 9000))
    bases = [model.predict(*asked) for asked in (("a", "t"), ("c", "t"), ("b", "v"), ("c", "v"), (None, None))]
    assert [found.basis for found in bases if found] == ["kind", "task", "agent", "all", "all"]
    assert [found.n for found in bases if found] == [1, 2, 2, 3, 3]
    assert DurationModel().predict("a", "t") is None


def test_four_of_a_kind_decide_almost_alone() -> None:
    others = [("b", f"t{at}", 60_000.0) for at in range(50)]
    one = known(*others, ("a", "t", 1000)).predict("a", "t")
    four = known(*others, *[("a", "t", 1000.0)] * 4).predict("a", "t")
    assert one is not None
    assert four is not None
    assert 1000 < four.median_ms < 2000 < one.median_ms < 20_000


def test_agent_and_task_add_up() -> None:
    runs = [(agent, f"t{at}", 10_000.0 * factor) for agent, factor in (("slow", 4), ("quick", 1)) for at in range(20)]
    runs += [("quick", "long", 100_000.0)] * 20
    found = known(*runs).predict("slow", "long")
    assert found is not None
    assert found.median_ms > 150_000


def test_a_run_left_open_over_night_does_not_move_the_median() -> None:
    calm = known(*[("a", "t", 1000.0 + at) for at in range(9)]).predict("a", "t")
    odd = known(*[("a", "t", 1000.0 + at) for at in range(8)], ("a", "t", 4e7)).predict("a", "t")
    assert calm is not None
    assert odd is not None
    assert odd.median_ms == pytest.approx(calm.median_ms, rel=0.01)


def test_across_agents_hides_what_the_agent_took_itself() -> None:
    others = [("b", "t", 5000.0)] * 20
    with_own = known(*others, *[("a", "t", 90_000.0)] * 5)
    hidden = with_own.predict("a", "t", across_agents=True)
    assert hidden is not None
    assert (hidden.basis, hidden.n) == ("task", 20)
    assert hidden.median_ms == pytest.approx(5000, rel=0.1)


def test_the_interval_holds_four_of_five() -> None:
    draw = random.Random(4)
    model = known(*[("a", "t", math.exp(draw.gauss(9, 0.7))) for _ in range(200)])
    found = model.predict("a", "t")
    assert found is not None
    inside = sum(found.low_ms <= math.exp(draw.gauss(9, 0.7)) <= found.high_ms for _ in range(1000))
    assert 740 <= inside <= 860


def test_the_order_of_runs_does_not_matter() -> None:
    runs: list[tuple[str | None, str | None, float]] = [
        ("a" if at % 2 else "b", f"t{at % 3}", 100.0 * at + 1) for at in range(30)
    ]
    first = known(*runs).predict("a", "t1")
    random.Random(1).shuffle(runs)
    assert known(*runs).predict("a", "t1") == first


def test_what_is_no_duration_is_refused() -> None:
    for wrong in (-1, math.inf, math.nan):
        with pytest.raises(ValueError, match="duration"):
            DurationModel().add("a", "t", wrong)


# -- the evaluation ------------------------------------------------------------------------------------------
def trials(folder: Path, *, together: bool = False, tasks: int = 6, agents: int = 5) -> Path:
    """Trials one after the other (or all at once); each task takes its own time, each agent a factor."""
    draw = random.Random(2)
    lines: list[bytes] = []
    at = NOON
    for agent in range(agents):
        for trial in range(6):
            for task in range(tasks):
                length = timedelta(seconds=20 * 3**task * (1 + agent) * math.exp(draw.gauss(0, 0.05)))
                begun = NOON if together else at
                at += length + timedelta(seconds=1)
                word = "abcdefgh"[task]
                row = {
                    "trial_name": f"{word}.{trial}.{agent}",
                    "task_id": word,
                    "instruction": f"do the {word} thing in the {word} way",
                    "is_resolved": True,
                    "agent": f"agent {agent}",
                    "id": f"{agent} {trial} {task}",
                    "trial_started_at": begun.isoformat(),
                    "trial_ended_at": (begun + length).isoformat(),
                }
                lines.append(msgspec.json.encode(row))
    path = folder / "trials.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_a_history_with_order_in_it_is_predicted_and_a_shuffled_one_is_not(tmp_path: Path) -> None:
    report = run_durations([trials(tmp_path)])
    figures = {figure.key: figure for figure in report.parts[0].figures}
    kind, task = figures["ratio_after_4_same_kind"], figures["ratio_after_20"]
    assert (kind.n, kind.met, task.met) == (5 * 6 * 2, True, True)
    assert kind.value is not None
    assert kind.value < 0.1
    shuffled = dict(kind.baselines)["permuted tasks"]
    assert shuffled is not None
    assert shuffled > 0.5
    assert dict(kind.baselines)["running median of all"] == 1
    document = report.to_json()
    assert document["ratio_after_20"] == task.value
    assert str(task.target) == "≤ 0.75"


def test_the_future_is_not_known(tmp_path: Path) -> None:
    # All began at once: no run had ended when another began.
    with pytest.raises(UsageError, match="one after the other"):
        run_durations([trials(tmp_path, together=True)])
