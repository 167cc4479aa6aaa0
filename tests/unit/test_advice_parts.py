"""What advice is made of: plans filled for a task, calls that failed before, a text within its budget."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_past import ERROR, FAILS, PUSH, MadePast, Said, index, known, match, pattern, prompt, run, step

from seasoned.advise.advisor import Limits
from seasoned.advise.failing_calls import call_key
from seasoned.advise.shortcut import filled
from seasoned.advise.wording import Piece, compose, estimated_tokens
from seasoned.learn.failures.signature import signature
from seasoned.model import (
    AdviceItem,
    Document,
    Execution,
    Moment,
)


# -- plans ------------------------------------------------------------------------------------------------------------
def placeholders(**described: object) -> Document:
    return {"placeholders": {"type": "object", "properties": described}}


def test_values_are_taken_by_their_place_where_the_shape_is_the_same() -> None:
    about = {"type": "string", "minLength": 1, "description": "named in the task; used in step 1"}
    data = placeholders(
        source={**about, "examples": ["a/One.py"]}, target={**about, "examples": ["b/two.py"]}
    )  # fmt: skip
    way = pattern(pattern_data=data, recommended_steps=(step(1, "Run `cp {source} {target}`"),))
    plan = filled(way, "Copy x/Alpha.py over y/beta.py", drawn_from="Copy a/One.py over b/two.py")
    assert plan.steps[0].action == "Run `cp x/Alpha.py y/beta.py`"
    assert plan.origins == {"source": "prompt", "target": "prompt"}
    other = filled(way, "Please move x/Alpha.py, y/beta.py", drawn_from="Copy a/One.py over b/two.py")
    assert [each.name for each in other.unfilled] == ["source", "target"]
    assert "cannot be told" in other.unfilled[0].why


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("I am ann_lee_4242 and want to cancel my flight", None),
        ("Cancel flight 59XX6W for ann_lee_4242", None),  # a code without letters around it is no literal of a prompt
        ("Cancel my order #W1234567 for ann_lee_4242", None),
        ("Cancel my flight `H9ZU1C` for ann_lee_4242", "H9ZU1C"),
    ],
)
def test_a_value_that_does_not_look_like_those_of_earlier_runs_is_not_taken(text: str, taken: str | None) -> None:
    about = {"type": "string", "minLength": 1, "description": "named in the task; used in step 1"}
    data = placeholders(reservation_id={**about, "examples": ["3RK2T9", "XEHM4B"]})
    way = pattern(
        pattern_data=data, recommended_steps=(step(1, "Call get_reservation(reservation_id={reservation_id})"),)
    )
    plan = filled(way, text)
    assert plan.values.get("reservation_id") == taken
    assert plan.steps[0].action == f"Call get_reservation(reservation_id={taken or '{reservation_id}'})"


def test_a_file_of_another_sort_is_not_taken() -> None:
    assert not filled(pattern(), "Fix the spelling in docs/README.md").values
    assert filled(pattern(), "Fix the test in b/c.py").values == {"path": "b/c.py"}


def test_what_runs_had_from_elsewhere_stays_open_and_a_usual_value_is_said_to_be_one() -> None:
    data = placeholders(
        order={"type": "string", "description": "from the result of step 1; used in step 2", "examples": ["#W12"]},
        count={"type": "integer", "description": "named in the task; used in step 1", "examples": [3]},
        branch={"type": "string", "description": "used in step 1", "examples": ["main"], "default": "main"},
    )
    plan = filled(pattern(pattern_data=data), "Return 12 things of order #W99")
    assert plan.values == {"count": 12, "branch": "main"}
    assert plan.origins == {"count": "prompt", "branch": "usual"}
    assert [(each.name, each.why) for each in plan.unfilled] == [("order", "from the result of step 1")]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a b.py", "Run `pytest 'a b.py'`"),
        ("x; rm -rf /", "Run `pytest 'x; rm -rf /'`"),
        ("--collect-only", "Run `pytest {path}`"),
        ("$(id)`id`", "Run `pytest {path}`"),
        ("«redacted:token:12345678»", "Run `pytest {path}`"),
        ("", "Run `pytest {path}`"),
    ],
)
def test_a_value_in_a_command_is_one_word_and_no_option(value: str, shown: str) -> None:
    plan = filled(pattern(), "whatever", given={"path": value})
    assert plan.steps[0].action == shown
    assert bool(plan.unfilled) == ("{path}" in shown)


# -- calls that failed before -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runs", "warned"),
    [
        (FAILS, True),
        (FAILS[:3], False),  # 3 of 3: the interval reaches below one half
        ([run(1, "failure", "failure", "failure", "failure")], False),  # one session
        ([*FAILS, run(5, "success", "success", cwd="/else")], False),
        ([*FAILS, *(run(n, "failure") for n in range(5, 10)), run(10, "success", cwd="/else")], True),
        ([*FAILS, *(run(n, "failure") for n in range(5, 10)), run(10, "success")], False),  # it works here now
    ],
)
def test_a_call_is_warned_of_where_it_keeps_failing(runs: list[Execution], warned: bool) -> None:
    world = Said(MadePast(failed=known(index(*runs))))
    moment = Moment(
        name="before_tool", source="claude_code", session_id="s", native_id="c", tool="Bash", command=PUSH, cwd="/w",
        arguments={"command": "git  push", "description": "other words"},
    )  # fmt: skip
    said = world.at(moment)
    assert (said.text is not None) == warned
    assert said.logged == warned
    if said.text is not None:
        assert "This very call failed" in said.text
        assert said.advice.unit == f"fix:s:{signature('Bash', PUSH, ERROR).text}"
        assert said.advice.kind == "fix"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("git push", "  git   push ", True),
        ("git push", "git push origin", False),
        ("A=1 make", "make", False),
        ("cd /w && make", "make", True),
        ("cd /other && make", "make", False),
        ('git commit -m "one thing"', 'git commit -m "another thing"', True),
        ("python - <<E\nprint(1)\nE", "python - <<E\nprint(2)\nE", False),
        ("python -c 'print(1)'", "python -c 'print(2)'", False),
    ],
)
def test_which_calls_are_the_same(one: str, other: str, same: bool) -> None:
    keys = [call_key("Bash", {"command": each}, "/w") for each in (one, other)]
    assert (keys[0] == keys[1]) == same


def test_calls_of_other_tools_are_the_same_with_the_same_arguments() -> None:
    key = call_key("mcp__shop__get_order", {"order": "#W1", "n": [1, {"a": " x "}]}, None)
    assert key == call_key("get_order", {"n": [1, {"a": "x"}], "order": "#W1"}, "/w")
    assert key != call_key("get_order", {"n": [1, {"a": "x"}], "order": "#W2"}, None)


# -- the budget -------------------------------------------------------------------------------------------------------
def piece(lines: list[str], least: int) -> Piece:
    item = AdviceItem(kind="pattern", id=repr(lines), score=0.5)
    return Piece(item=item, lines=tuple(lines), least=least, more="  … more")


PIECES = st.lists(
    st.builds(piece, st.lists(st.text(max_size=200), min_size=1, max_size=8), st.integers(1, 2)), max_size=6
)


@settings(max_examples=200, deadline=None)
@given(PIECES, st.integers(60, 400))
def test_a_text_keeps_its_budget_and_says_what_it_holds(pieces: list[Piece], budget: int) -> None:
    told = compose(pieces, budget)
    assert told.tokens == estimated_tokens(told.text) <= budget
    assert bool(told.items) == bool(told.text)
    for each in pieces:
        assert each.item not in told.items or each.lines[0].replace("<<<", "‹‹‹").replace(">>>", "›››") in told.text


def test_a_long_plan_is_cut_from_its_end_and_says_so() -> None:
    steps = tuple(
        step(number, f"Do the thing number {number} with great care and at length") for number in range(1, 13)
    )
    world = MadePast(matches=(match(),), patterns=(pattern(recommended_steps=steps),))
    said = Said(world, limits=Limits(budget_tokens=150)).at(prompt())
    assert said.text is not None
    assert "1. Do the thing" in said.text
    assert "12. Do" not in said.text
    assert "further steps: seasoned patterns show" in said.text
