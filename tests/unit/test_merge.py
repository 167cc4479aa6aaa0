"""Merging pieces of one execution must not depend on their order, nor on how often they arrive."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from seasoned.model import APPROVED, Signal, Status, Trace, merge_traces

_START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_APPROVAL = Signal(kind=APPROVED, verdict="success", weight=1.0, detail="the user said so")
_maybe_text = st.none() | st.sampled_from(["a", "b"])


@st.composite
def pieces(draw: st.DrawFn) -> Trace:
    """A piece as a source could tell it: what it says is a function of how much it has read."""
    revision = draw(st.integers(0, 6))
    ends: list[Status] = ["success", "unknown"]
    status: Status = "in_progress" if revision < 3 else draw(st.sampled_from(ends))
    ended = status != "in_progress"
    return Trace(
        execution_id="e",
        namespace="n",
        revision=revision,
        parent_id=draw(_maybe_text),
        prompt=draw(_maybe_text),
        cwd=draw(_maybe_text),
        input_tokens=draw(st.none() | st.integers(0, 3)),
        technology_stack=draw(st.sampled_from([(), ("go",), ("python",)])),
        status=status,
        completed_at=_START + timedelta(seconds=revision) if ended else None,
        outcome_evidence=(Signal(kind="check", verdict="success", weight=1.0),) if status == "success" else (),
    )


def approval() -> Trace:
    return Trace(execution_id="e", namespace="n", outcome_evidence=(_APPROVAL,), user_acceptance=True)


@given(pieces() | st.builds(approval), pieces())
def test_order_does_not_matter(one: Trace, other: Trace) -> None:
    assert merge_traces(one, other) == merge_traces(other, one)


@given(pieces() | st.builds(approval), pieces())
def test_the_same_news_twice_changes_nothing(one: Trace, other: Trace) -> None:
    merged = merge_traces(one, other)
    assert merge_traces(merged, other) == merged
    assert merge_traces(merged, one) == merged


def test_the_fuller_reading_wins_and_gaps_are_filled() -> None:
    mention = Trace(execution_id="e", namespace="n", parent_id="p", agent_name="Explore")
    early = Trace(execution_id="e", namespace="n", revision=5, prompt="do it", status="unknown", input_tokens=10)
    late = Trace(execution_id="e", namespace="n", revision=9, prompt="do it", status="success", input_tokens=30)
    merged = merge_traces(merge_traces(late, mention), early)
    assert (merged.status, merged.input_tokens, merged.parent_id, merged.agent_name) == ("success", 30, "p", "Explore")


def test_how_it_ended_is_never_mixed_from_two_readings() -> None:
    ended = Trace(
        execution_id="e", namespace="n", revision=1, status="failure", error_message="boom", completed_at=_START
    )
    running = Trace(execution_id="e", namespace="n", revision=7, prompt="p")
    merged = merge_traces(running, ended)
    assert (merged.status, merged.error_message, merged.completed_at) == ("failure", "boom", _START)
    assert merged.prompt == "p"


@given(st.permutations([0, 1, 2]), st.sampled_from(["failure", "unknown", "aborted", "in_progress"]))
def test_an_approval_outlasts_every_reading_of_the_source(order: list[int], status: Status) -> None:
    early = Trace(execution_id="e", namespace="n", revision=3, prompt="p")
    test = Signal(kind="test", verdict="failure", weight=1.0)
    late = Trace(
        execution_id="e", namespace="n", revision=9, status=status, outcome_evidence=(test,), follow_ups=("and?",)
    )
    known = [approval(), early, late]
    first, second, third = (known[place] for place in order)
    merged = merge_traces(merge_traces(first, second), third)
    assert (merged.status, merged.outcome_tier, merged.outcome_confidence) == ("success", "explicit", 1.0)
    assert merged.user_acceptance is True
    assert _APPROVAL in merged.outcome_evidence
    assert merged.revision == 9
    if status != "in_progress":
        assert merged.outcome_evidence == (test, _APPROVAL)
        assert merged.follow_ups == ("and?",)
