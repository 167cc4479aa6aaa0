"""What a run did, as steps."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learned_runs import Call, edit, shell, spans_of

from seasoned.learn.arguments import file_class, slot_of
from seasoned.learn.effects import effects
from seasoned.learn.steps import Step, steps


def done(*calls: Call) -> tuple[Step, ...]:
    return steps(spans_of("run", calls))


def told(*calls: Call) -> list[str]:
    return [f"{step.kind} {step.tool}" for step in done(*calls)]


def test_a_line_is_taken_apart() -> None:
    line = "cd /srv/app && git status --short && go test ./... | tail -5; git add -A && git commit -m 'Fix it'"
    assert told(shell(line)) == ["look git status", "check go test", "change git add", "change git commit"]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (edit("src/a.go"), "change edit"),
        (("Read", {"file_path": "src/a.go"}), "look read"),
        (shell("sed -n '1,80p' src/a.go"), "look read"),
        (("Grep", {"pattern": "x"}), "look search"),
        (shell("rg -n x src"), "look search"),
        (("Agent", {"subagent_type": "Explore", "prompt": "look around"}), "delegate agent"),
        (("transfer_to_human_agents", {"summary": "…"}), "delegate transfer_to_human_agents"),
        (("mcp__shop__get_order", {"order_id": "#W1"}), "look get_order"),
        (("cancel_order", {"order_id": "#W1"}), "change cancel_order"),
        (shell("gh pr view 3 --json title"), "look gh pr view"),
        (shell("git -C /srv log --oneline"), "look git log"),
        (shell("npm run build"), "check npm build"),
        (("web_search", {"query": "x"}), "look search the web"),
    ],
)
def test_kinds(call: Call, expected: str) -> None:
    assert told(call) == [expected]


@pytest.mark.parametrize("call", [("TodoWrite", {}), ("think", {"thought": "…"}), shell("cd x; echo hi; X=3 true")])
def test_bookkeeping_and_talk_are_no_steps(call: Call) -> None:
    assert done(call) == ()


def test_variables_set_in_front_are_part_of_a_command() -> None:
    (step,) = done(shell("PYTHONPATH=vendor CI=1 ORDER=2024-11-02 python3 checks/ledger.py"))
    assert (step.kind, step.tool, step.program) == ("change", "python3", "python3")
    assert step.words == ("PYTHONPATH=vendor", "CI=1", "ORDER=…", "python3", "checks/ledger.py")
    assert [step.words[each.place] for each in step.arguments] == ["checks/ledger.py"]


def test_what_failed_is_counted_on_what_followed() -> None:
    wrong, right = ("cancel", {"id": "A1"}, "failure"), ("cancel", {"id": "A2"})
    (step,) = done(wrong, ("cancel", {"id": "A3"}, "rejected"), right)  # pyright: ignore[reportArgumentType]
    assert (step.failed, len(step.span_ids), step.arguments[0].value) == (1, 2, "A2")


def test_repeated_looks_and_deeds_count_once_but_are_remembered() -> None:
    read: Call = ("Read", {"file_path": "a.go"})
    found = done(read, ("Grep", {"pattern": "x"}), read, edit("a.go"), edit("a.go"), read)
    assert [(step.tool, step.times) for step in found] == [("read", 2), ("search", 1), ("edit", 2), ("read", 1)]


def test_a_red_check_is_a_step_and_says_so() -> None:
    red, green = shell("go test ./...", "failure", "--- FAIL: TestX"), shell("go test ./...", "success", "ok  x 0.1s")
    assert [step.passed for step in done(red, edit("a.go"), green)] == [False, None, True]


def test_form_forgets_literals_and_key_keeps_them() -> None:
    one, other = done(("cancel", {"order_id": "#W1"}), ("cancel", {"order_id": "#W2"}))
    again = done(("cancel", {"order_id": "#w1", "note": " ".join("a long explanation of why this was done".split())}))[
        0
    ]
    assert one.form == other.form
    assert one.key != other.key
    assert one.key == again.key
    assert one.target == "order_id=<id>"


def test_a_line_cut_on_import_is_read_as_far_as_it_goes() -> None:
    line = 'git add a.py && python3 -c "import os\nimport re\nprint(os.name)…[+2513]…re.compile(x)'
    assert [step.tool for step in done(shell(line))] == ["git add", "python3"]


def test_changes_among_steps_are_the_effects() -> None:
    calls: list[Call] = [
        edit("a.go"),
        ("cancel", {"id": "A1"}),
        shell("git push origin main && ls"),
        ("Read", {"file_path": "b.go"}),
    ]
    spans = spans_of("run", calls)
    assert {step.tool.split()[0] for step in steps(spans) if step.kind == "change"} == {e.tool for e in effects(spans)}


@pytest.mark.parametrize(
    ("value", "slot"),
    [("#W123", "id"), ("sofia_kim_7287", "id"), ("src/a/b.go", "path"), ("12", "number"), ("economy", ""),
     ("https://a.example/x", "url"), ("a@b.example", "email"), ("368750cee35f3193", "hash"), ("one two three four", "text")],
)  # fmt: skip
def test_slots(value: str, slot: str) -> None:
    assert slot_of(value) == slot


def test_file_classes() -> None:
    assert [file_class(path) for path in ("a/b.go", "a/b_test.go", "tests/c.py", "src/Makefile", "src/latest.go")] == [
        "*.go", "test *.go", "test *.py", "makefile", "*.go",
    ]  # fmt: skip


@given(st.permutations(range(6)))
def test_the_order_in_which_spans_are_given_does_not_matter(order: list[int]) -> None:
    calls = [
        edit("a.go"),
        shell("go test ./..."),
        edit("b.go"),
        shell("go test ./..."),
        shell("git commit -m x"),
        shell("ls"),
    ]
    spans = spans_of("run", calls)
    assert steps([spans[number] for number in order]) == steps(spans)


@given(st.text(max_size=200))
def test_any_line_can_be_read(line: str) -> None:
    found = done(shell(line))
    assert [step.number for step in found] == list(range(1, len(found) + 1))


def test_steps_scale_with_the_line() -> None:
    random = Random(1)
    line = "; ".join(f"git add f{random.randrange(9)}.py" for _ in range(500))
    assert len(done(shell(line))) <= 500
