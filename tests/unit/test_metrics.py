"""Metrics: sketches that merge exactly, one execution in figures, groups, phases, comparison."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured_runs import call, execution, phase

from seasoned.capture.sink import Sink
from seasoned.learn.metrics import (
    MetricsCollector,
    Recorded,
    Sketch,
    compare,
    estimate_accuracy,
    phase_runs,
    ratio_of_medians,
)
from seasoned.learn.metrics.compare import cliffs_delta, rate_difference
from seasoned.learn.metrics.sketch import RELATIVE_ERROR
from seasoned.learn.statistics import rate
from seasoned.model import Event, Execution, ExecutionUpdate, Span, Trace

VALUES = st.lists(st.one_of(st.integers(0, 50), st.integers(0, 10**12)), max_size=60)


class Kept(Sink):
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, event: Event, /) -> None:
        self.events.append(event)


# -- sketch --------------------------------------------------------------------------------------------------
@given(VALUES, VALUES)
def test_merged_sketches_equal_the_sketch_of_everything(one: list[int], other: list[int]) -> None:
    merged = Sketch(one)
    merged.merge(Sketch(other))
    assert merged == Sketch(other + one)
    assert merged.to_bytes() == Sketch([*other, *one]).to_bytes()


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=60), st.floats(0, 1))
def test_a_quantile_is_within_the_stated_error(values: list[int], share: float) -> None:
    exact = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    found = Sketch(values).quantile(share)
    assert found is not None
    assert abs(found - exact) <= RELATIVE_ERROR * exact + 1e-9


@given(VALUES)
def test_bytes_bring_back_the_sketch(values: list[int]) -> None:
    sketch = Sketch(values)
    again = Sketch.from_bytes(sketch.to_bytes())
    assert again == sketch
    assert (again.count, again.total, again.smallest, again.largest) == (
        len(values),
        sum(values),
        min(values, default=None),
        max(values, default=None),
    )


def test_a_sketch_of_a_million_different_values_stays_small() -> None:
    assert len(Sketch(range(0, 10**9, 10**4)).to_bytes()) < 5_000


@pytest.mark.parametrize("broken", [b"", b"\xff", b"\x95\x02\x00\xc0\xc0\x90", b"\x95\x01\x00\xc0\xc0\x91\x92\x01\x01"])
def test_bytes_of_something_else_are_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="not a sketch"):
        Sketch.from_bytes(broken)


def test_what_is_no_count_of_milliseconds_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        Sketch([-1])
    with pytest.raises(ValueError, match=r"1\.5"):
        Sketch([1]).quantile(1.5)
    assert Sketch().quantile(0.5) is None
    assert Sketch().mean is None


# -- one execution -------------------------------------------------------------------------------------------
def test_one_execution_in_figures() -> None:
    spans = [
        call("Read", 10, file_path="a.py"),
        call("Edit", 20, file_path="a.py", outcome="rejected"),
        call("Bash", 4000, command="pytest -q", outcome="failure", error="1 failed"),
        call("Edit", 20, file_path="a.py"),
        call("Bash", 3000, command="pytest -q"),
        call("Bash", 500, command="git commit -m done"),
    ]
    found = MetricsCollector.collect_metrics(
        execution("a", spans, cost_usd=0.25, input_tokens=100, cache_read_tokens=300, cache_hits=2)
    )
    assert (found.calls, found.failed_calls, found.retries) == (6, 1, 1)
    assert [(use.tool, use.calls, use.failures) for use in found.tools] == [
        ("Bash", 3, 1),
        ("Edit", 2, 0),
        ("Read", 1, 0),
    ]
    assert found.tools[0].share == pytest.approx(0.5)
    assert found.cost_usd == 0.25
    assert found.tokens.cache_share == pytest.approx(0.75)
    assert (found.domain, found.task_type, found.success) == ("database", "debugging", True)
    assert [(each.name, each.runs, each.duration_ms) for each in found.phases] == [
        ("explore", 1, 10),
        ("check", 2, 7000),
        ("change", 1, 20),
        ("deliver", 1, 500),
    ]
    assert all(each.derived for each in found.phases)
    assert sum(each.share or 0 for each in found.phases) == pytest.approx(1)


def test_phases_that_the_agent_named_are_its_phases() -> None:
    spans = [phase("plan", 100), call("Read", 5), phase("build", 300, "failure"), phase("plan", 50)]
    found = MetricsCollector.collect_metrics(execution("a", spans))
    assert [(each.name, each.derived, each.runs, each.duration_ms) for each in found.phases] == [
        ("plan", False, 2, 150),
        ("build", False, 1, 300),
    ]
    assert found.phases[1].outcomes.failures == 1


def test_a_checkpoint_is_no_phase() -> None:
    spans = [replace(phase("half way", 0), attributes={"mark": "checkpoint"}), call("Read", 5, file_path="a")]
    assert [run.name for run in phase_runs(execution("a", spans).spans)] == ["explore"]


def test_a_call_that_waited_counts_for_ten_minutes() -> None:
    hours = 8 * 3600 * 1000
    (run,) = phase_runs(execution("a", [call("Edit", hours, file_path="a"), call("Edit", 10, file_path="b")]).spans)
    assert run.duration_ms == 600_010


def test_what_a_tracker_returns_can_be_measured() -> None:
    from seasoned import ExecutionTracker

    sink = Kept()
    tracker = ExecutionTracker("agent", sink=sink)
    tracker.start_phase("analysis")
    tracker.record_tool_use("bash", {"command": "pytest"}, duration_ms=50)
    tracker.end_phase("analysis")
    done = tracker.complete("Success")
    own = MetricsCollector.collect_metrics(done)
    assert ([each.name for each in own.phases], [each.tool for each in own.tools], own.calls) == (
        ["analysis"],
        ["bash"],
        1,
    )
    bare = MetricsCollector.collect_metrics(done.bare)
    assert (bare.agent, bare.success, bare.phases, bare.calls) == ("agent", True, (), 0)
    newest: dict[str, Span] = {}
    for event in sink.events:
        assert isinstance(event.payload, ExecutionUpdate)
        newest.update((span.span_id, span) for span in event.payload.spans)
    whole = MetricsCollector().collect_metrics(ExecutionUpdate(trace=done.bare, spans=tuple(newest.values())))
    assert whole == own
    assert [each.name for each in whole.phases] == ["analysis"]
    assert whole.calls == 1


# -- groups --------------------------------------------------------------------------------------------------
STATUSES = ("success", "failure", "aborted", "unknown")


def drawn(seed: int, count: int) -> list[Recorded]:
    """Executions that have a bit of everything."""
    draw = random.Random(seed)
    found: list[Recorded] = []
    for number in range(count):
        spans = [
            call(draw.choice(["Read", "Edit", "Bash"]), draw.randrange(5000), command=draw.choice(["ls", "pytest"]))
            if draw.random() < 0.8
            else phase(draw.choice(["plan", "check"]), draw.randrange(5000))
            for _ in range(draw.randrange(6))
        ]
        cost = draw.choice([None, draw.random() / 3])
        one = execution(
            f"{seed} {number}", spans, status=draw.choice(STATUSES), cost_usd=cost, model=draw.choice([None, "m", "o"])
        )
        found.append(draw.choice([one, one.trace]))
    return found


def collected(executions: list[Recorded]) -> MetricsCollector:
    collector = MetricsCollector()
    for each in executions:
        collector.add(each)
    return collector


@given(st.integers(0, 10_000), st.integers(0, 8), st.integers(0, 8))
def test_merging_equals_collecting_everything_in_any_order(seed: int, one: int, other: int) -> None:
    left, right = drawn(seed, one), drawn(seed + 1, other)
    merged = collected(left)
    merged.merge(collected(right))
    together = [*right, *left]
    random.Random(seed).shuffle(together)
    whole = collected(together)
    assert merged == whole
    for dimension in ("all", "agent", "model", "domain", "task_type", "phase", "tool"):
        assert merged.groups(dimension) == whole.groups(dimension)
    assert merged.phases() == whole.phases()


def test_unknown_outcomes_are_counted_apart() -> None:
    runs: list[Recorded] = [execution(str(at), status=status) for at, status in enumerate((*STATUSES, "success"))]
    (group,) = collected(runs).groups("all")
    assert (group.outcomes.successes, group.outcomes.failures, group.outcomes.unknown) == (2, 1, 2)
    assert group.outcomes.rate == rate(2, 3)
    assert group.cost_usd is None
    assert group.cache_hits is None


def test_calls_of_a_tool_are_a_group_of_their_own() -> None:
    spans = [
        call("mcp__shop__find", 10),
        call("mcp__shop__find", 30, outcome="failure"),
        call("mcp__shop__find", 30, outcome="rejected"),
    ]
    (group,) = collected([execution("a", spans)]).groups("tool")
    assert (group.name, group.n, group.executions, group.failed_calls) == ("find", 3, 1, 1)
    assert group.outcomes.unknown == 1
    assert group.duration is not None
    assert group.duration.total_ms == 70


def test_a_derived_phase_is_not_the_one_of_its_name_that_an_agent_opened() -> None:
    runs: list[Recorded] = [
        execution("a", [phase("check", 100)]),
        execution("b", [call("Bash", 900, command="pytest")]),
    ]
    assert [(each.name, each.derived, each.share) for each in collected(runs).phases()] == [
        ("check", True, 1.0),
        ("check", False, 1.0),
    ]


# -- comparison ----------------------------------------------------------------------------------------------
def test_difference_of_rates_as_published() -> None:
    # Newcombe 1998, table II, case (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339.
    found = rate_difference(rate(48, 80), rate(56, 70))
    assert found is not None
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)
    assert rate_difference(None, rate(1, 2)) is None


def test_ratio_of_medians_finds_a_factor_whatever_the_scale() -> None:
    draw = random.Random(3)
    ones = [math.exp(draw.gauss(5, 1)) for _ in range(300)]
    found = ratio_of_medians(ones, [3 * value for value in ones])
    assert found is not None
    assert found.value == pytest.approx(3, rel=0.05)
    assert 1 < found.low < 3 < found.high
    few = ratio_of_medians([100, 200], [300, 400])
    assert few is not None
    assert (few.low, few.high) == (0.0, math.inf)
    assert ratio_of_medians([1.0], [2.0, 3.0]) is None


def test_cliffs_delta_counts_pairs() -> None:
    found = cliffs_delta([1, 2, 3, 4], [2, 3, 4, 5])
    assert found is not None
    # Of 16 pairs 10 are larger, 3 equal, 3 smaller.
    assert found.value == pytest.approx(7 / 16)
    assert -1 <= found.low < found.value < found.high <= 1
    apart = cliffs_delta([1, 2, 3], [7, 8, 9])
    assert apart is not None
    assert (apart.value, apart.high) == (1, 1)
    assert apart.low < 1
    mirrored = cliffs_delta([7, 8, 9], [1, 2, 3])
    assert mirrored is not None
    assert (mirrored.value, mirrored.low, mirrored.high) == (-1, -1, -apart.low)


def test_the_intervals_hold_what_they_should() -> None:
    draw = random.Random(11)
    inside = [0, 0]
    for _ in range(300):
        ones = [draw.gauss(0, 1) for _ in range(25)]
        others = [draw.gauss(0.5, 1) for _ in range(30)]
        delta = cliffs_delta(ones, others)
        factor = ratio_of_medians([math.exp(9 + value) for value in ones], [math.exp(9 + value) for value in others])
        assert delta is not None
        assert factor is not None
        inside[0] += delta.low <= 2 * 0.6381631950841185 - 1 <= delta.high  # Φ(0.5 / √2)
        inside[1] += factor.low <= math.exp(0.5) <= factor.high
    assert min(inside) >= 0.91 * 300


def test_two_sets_beside_each_other() -> None:
    quick: list[Recorded] = [
        execution(f"a{at}", duration_ms=1000 + at, total_tokens_used=10, status="success") for at in range(12)
    ]
    slow: list[Trace | Execution] = [
        execution(f"b{at}", duration_ms=4000 + at, total_tokens_used=20, status="failure") for at in range(12)
    ]
    found = compare(quick, slow)
    assert found.success is not None
    assert found.success.value == -1
    assert found.success.high < 0
    assert found.duration_ratio is not None
    assert found.duration_ratio.value == pytest.approx(4, rel=0.02)
    assert found.token_ratio is not None
    assert found.token_ratio.value == pytest.approx(2)
    assert compare([], slow).success is None


def test_accuracy_of_estimates() -> None:
    found = estimate_accuracy([(100, 100), (200, 100), (50, 100), (110, 100), (0, 5)])
    assert found is not None
    assert (found.n, found.near.successes) == (4, 2)
    assert found.bias_factor == pytest.approx(math.sqrt(1.1))
    assert found.error_factor == pytest.approx(math.sqrt(1.1 * 2))
    assert estimate_accuracy([]) is None
