"""Effects of tool calls, and what their agreement says."""

from dataclasses import replace
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.learn.consensus import Run, agreements, consensus, self_contained
from seasoned.learn.effects import Effect, effects, telling
from seasoned.model import Document, Span, SpanOutcome

NUMBER = count()


def call(tool: str, arguments: Document, outcome: SpanOutcome = "success", files: tuple[str, ...] = ()) -> Span:
    number = next(NUMBER)
    return Span(
        span_id=str(number),
        execution_id="run",
        number=number,
        kind="tool",
        name=tool,
        tool=tool,
        outcome=outcome,
        arguments=arguments,
        files=files,
    )


def shell(command: str) -> set[tuple[str, str]]:
    return {(effect.tool, effect.target) for effect in effects([call("Bash", {"command": command})])}


@pytest.mark.parametrize(
    "tool",
    [
        "Read", "Grep", "TodoWrite", "mcp__retail-tools__get_order_details", "find_user_id_by_email", "think",
        "search_direct_flight", "transfer_to_human_agents", "mcp__ide__getDiagnostics", "list_all_airports",
    ],
)  # fmt: skip
def test_looking_and_talking_leave_no_effect(tool: str) -> None:
    assert effects([call(tool, {"order_id": "#1"})]) == frozenset()


@pytest.mark.parametrize("outcome", ["failure", "rejected", "cancelled", "skipped"])
def test_what_did_not_happen_has_no_effect(outcome: SpanOutcome) -> None:
    assert effects([call("cancel_reservation", {"id": "A"}, outcome)]) == frozenset()
    assert len(effects([call("cancel_reservation", {"id": "A"}, "unknown")])) == 1


def test_wording_order_and_spelling_of_arguments_do_not_count() -> None:
    one = call("mcp__a__cancel", {"items": ["2", "1"], "price": 5.0, "city": "New  York", "note": None, "why": WHY})
    other = call("mcp__b__cancel", {"price": "5", "items": [1, 2], "city": "new york", "why": WHY.replace("my", "his")})
    assert effects([one, one]) == effects([other])
    assert effects([one]) != effects([call("mcp__a__cancel", {"items": ["1", "3"], "price": 5, "city": "new york"})])


WHY = "the customer has said that my order should be sent back"


def test_an_edit_is_its_file() -> None:
    one = call("Edit", {"file_path": "/w/a.py", "old_string": "x", "new_string": "y"}, files=("a.py",))
    other = call("Write", {"file_path": "/w/a.py", "content": "z"}, files=("a.py",))
    assert effects([one]) == effects([other]) == {Effect(tool="edit", target="a.py")}


def test_shell_lines_are_taken_apart() -> None:
    assert shell("cd x && git status | head -3; go test ./... ; sed -n 1,9p a.go") == set()
    assert shell("cd x && git add -A && git commit -m 'all that was left to do after the first review round'") == {
        ("git", "add -A"),
        ("git", "commit"),
    }
    assert shell("sed -i s/a/b/ a.go") == {("sed", "-i s/a/b/ a.go")}
    assert shell("find . -name '*.orig' -delete") == {("find", ". -name *.orig -delete")}
    assert shell('bash -lc "rm -r build"') == {("rm", "-r build")}


def run(name: str, *targets: str) -> Run:
    return Run(run_id=name, effects=frozenset(Effect(tool="t", target=target) for target in targets))


def test_only_others_count() -> None:
    found = agreements([run("a", "1", "2"), run("b", "2", "1"), run("c", "1")])
    assert [(each.run_id, each.same, each.share) for each in found] == [("a", 1, 0.5), ("b", 1, 0.5), ("c", 0, 0.0)]
    assert agreements([run("alone")])[0].share is None


def test_success_is_claimed_only_where_all_of_two_others_agree() -> None:
    together = agreements([run("a", "1"), run("b", "1"), run("c", "1")])
    assert {consensus(each).status for each in together} == {"success"}
    assert {consensus(each).tier for each in together} == {"consensus"}
    pair = agreements([run("a", "1"), run("b", "1")])
    split = agreements([run("a", "1"), run("b", "1"), run("c", "2")])
    alone = agreements([run("a", "1")])
    assert {consensus(each).status for each in [*pair, *split, *alone]} == {"unknown"}
    assert {consensus(each).confidence for each in [*pair, *split, *alone]} == {None}


def test_unsound_agreement_claims_nothing() -> None:
    sound = [run(name, "1") for name in "abc"]
    for change in ({"telling": False}, {"blamed": True}):
        mixed = agreements([*sound, replace(run("d", "1"), **change)])  # pyright: ignore[reportArgumentType]
        assert {consensus(each).status for each in mixed} == {"unknown"}
    copies = agreements([replace(each, origin="one") for each in sound])
    assert [(each.others, each.same) for each in copies] == [(0, 0)] * 3
    forked = agreements([*sound, replace(run("d", "1"), origin="a"), replace(run("e", "2"), origin="a")])
    assert {consensus(each).status for each in forked} == {"unknown"}


TOLD: list[tuple[list[tuple[str, Document]], bool]] = [
    ([("get_order", {"id": "1"}), ("cancel_order", {"id": "1"})], True),
    ([("get_order", {"id": "1"})], True),  # looked, and left it alone
    ([], False),
    ([("Read", {"file_path": "a"}), ("TodoWrite", {})], False),
    ([("cancel_order", {"id": "1"}), ("Edit", {"file_path": "a.py"})], False),
    ([("cancel_order", {"id": "1"}), ("Bash", {"command": "rm a"})], False),
    ([("cancel_order", {"id": "1"}), ("Bash", {"command": "ls"})], True),
    ([("run_ipython", {"code": "import os"}), ("get_order", {"id": "1"})], False),
]


@pytest.mark.parametrize(("calls", "says_all"), TOLD)
def test_only_whole_calls_tell_all(calls: list[tuple[str, Document]], says_all: bool) -> None:
    assert telling([call(tool, arguments) for tool, arguments in calls]) is says_all


def test_only_requests_that_say_all_are_the_same_task_again() -> None:
    assert not any(map(self_contained, ["", "continue", "commit this and push it", "yes, please run all tests again"]))
    assert self_contained("Return the laptop of order W3826449 and send the money to the gift card of Lei in Texas")


@given(runs=st.lists(st.sets(st.sampled_from("xyz")), min_size=1, max_size=7), random=st.randoms())
def test_the_order_of_runs_does_not_count(runs: list[set[str]], random: Random) -> None:
    named = [run(str(number), *targets) for number, targets in enumerate(runs)]
    mixed = list(named)
    random.shuffle(mixed)
    assert sorted(agreements(named), key=lambda each: each.run_id) == sorted(
        agreements(mixed), key=lambda each: each.run_id
    )
