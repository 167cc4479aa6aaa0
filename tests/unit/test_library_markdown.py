"""A pattern as a Markdown file and back: nothing a person wrote is lost, and nothing of a text becomes structure."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seasoned.errors import InputError
from seasoned.library.folder import file_name
from seasoned.library.markdown import content_of, content_under, pattern_text
from seasoned.library.page import read_pattern
from seasoned.library.sections import clean_text
from seasoned.model import Pattern, PatternStep

WRITTEN = """---
# head
name: "Fix flaky tests"   # why
mood: [good, better]
# between
access: team
---

# Fix flaky tests

Intro.

## Lieder

la la

## Problem

Tests *flake*.

```
## no heading
```

## STEPS

Before.

1) Run `pytest -x`

   More of it.
2) [check, optional] Look

## Evidence

I saw it.
"""


def pattern(**changes: object) -> Pattern:
    base = Pattern(
        pattern_id="01a1fdb9-dec8-7a52-96f5-5009c2bce81b",
        pattern_name="Fix flaky tests",
        namespace="default",
        agent_id="ada",
        pattern_type="workflow",
        category="bugfix",
    )
    return replace(base, **changes)  # pyright: ignore[reportArgumentType]


def test_what_a_person_wrote_stays_as_it_was() -> None:
    page = read_pattern(WRITTEN, "a.md")
    text = pattern_text(pattern(pattern_data=page.data()), over=page)
    lines = text.splitlines()
    for line in WRITTEN.splitlines():
        assert line in lines
    left = iter(lines)
    assert all(line in left for line in WRITTEN.splitlines())  # in the same order


def test_the_library_alone_gives_the_same_back() -> None:
    page = read_pattern(WRITTEN, "a.md")
    text = pattern_text(pattern(pattern_data=page.data()))
    again = read_pattern(text, "b.md")
    assert (again.sections, again.steps) == (page.sections, page.steps)
    assert [each.heading for each in again.pieces] == ["Lieder", "Problem", "STEPS", "Evidence"]
    assert "mood: [good, better]\n# between\n" in text
    assert "\nIntro.\n" in text


def test_only_what_was_edited_is_taken_over() -> None:
    data: dict[str, object] = {
        "problem": "P  \n\n",
        "when_to_use": ["a", "b"],
        "findings": [{"x": 1}],
        "example": {"task": "t"},
    }
    before = pattern(pattern_data=data)
    page = read_pattern(pattern_text(before), "a.md")
    assert content_under(before, page) == data
    edited = read_pattern(pattern_text(before).replace("- b", "- c"), "a.md")
    assert content_under(before, edited) == {**data, "when_to_use": "- a\n- c"}
    gone = read_pattern(pattern_text(before).replace("## When to use\n\n- a\n- b\n", ""), "a.md")
    assert content_under(before, gone) == {key: value for key, value in data.items() if key != "when_to_use"}


def test_steps_keep_what_is_known_of_them() -> None:
    steps = (
        PatternStep(number=1, action="Run it", tool="pytest", target="tests", kind="check", seen_in=3, of=3),
        PatternStep(number=2, action="Edit", tool="edit", target="", seen_in=2, of=3, optional=True, repeats=True),
    )
    drawn = pattern(recommended_steps=steps)
    text = pattern_text(drawn)
    assert "1. [check] Run it\n2. [optional, repeats] Edit\n" in text
    edited = read_pattern(text.replace("1. [check] Run it\n", "1. Begin\n2. [check] Run it\n"), "a.md")
    assert content_under(drawn, edited)["steps"] == [
        "Begin",
        {"action": "Run it", "tool": "pytest", "target": "tests", "kind": "check"},
        {"action": "Edit", "tool": "edit", "optional": True, "repeats": True},
    ]


def test_figures_are_not_read_from_a_file() -> None:
    text = pattern_text(pattern(evidence_count=4, evidence_success_count=1, execution_ids=("e",)))
    assert "1 of 4 known outcomes successful" in text
    page = read_pattern(text.replace("1 of 4", "4 of 4"), "a.md")
    assert "evidence_note" not in page.data()


HARD = st.lists(
    st.sampled_from(
        [
            "## Problem",
            "\\## x",
            "```",
            "~~~~",
            "    ```",
            "- a",
            "1. b",
            "<!-- seasoned:figures -->",
            "---",
            "# t",
            "",
            "x",
            "  y",
        ]
    )
    | st.text(st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e"), max_size=12),
    min_size=1,
    max_size=8,
).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(HARD, HARD, st.lists(HARD, min_size=1, max_size=12), st.lists(HARD, min_size=1, max_size=3))
def test_no_text_becomes_structure(problem: str, note: str, steps: list[str], hints: list[str]) -> None:
    said = [each for each in map(clean_text, steps) if each.strip() and not each.startswith((" ", "\t"))]
    data: dict[str, object] = {
        "problem": problem,
        "rationale": note,
        "evidence_note": note,
        "steps": said,
        "gotchas": [each for each in map(clean_text, hints) if each.strip() and not each.startswith((" ", "\t"))],
        "solution": "the end",
    }
    first = pattern(pattern_data=data)
    page = read_pattern(pattern_text(first), "a.md")
    assert page.sections.get("problem", "") == clean_text(problem)
    assert page.sections.get("rationale", "") == clean_text(note)
    assert page.sections["solution"] == "the end"
    assert [step.action for step in page.steps] == said
    assert page.sections.get("gotchas", []) == data["gotchas"]
    assert content_of(pattern(pattern_data=page.data())) == content_of(first)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("---\nlearning_weight: 11\n---\n", "a.md:2: learning_weight: a number from 0 to 10 is needed, not 11"),
        ("---\nname: x\ntype: song\n---\n", "a.md:3: type: one of workflow"),
        ("---\nname: {a: b}\n---\n", "a.md:2: name: a text is needed"),
        ("---\n- a\n---\n", "a.md:2: front matter is"),
        ("---\nname: a: b\n---\n", "a.md:2: the front matter is no YAML"),
        ("---\na: 1\n" + "b: x\n" * 20_000 + "---\n", "larger than 64 KiB"),
        ("---\na: [" + "1," * 5_000 + "]\n---\n", "more than 4,000 values"),
        ("# t\n\n## Steps\n\n1. a\n2.\n", "a.md:6: a step without words"),
        ("## Steps\n\n1. [check, look] a\n", "a.md:3: a step is one of"),
    ],
)
def test_errors_name_file_line_and_what_is_allowed(text: str, told: str) -> None:
    with pytest.raises(InputError) as raised:
        read_pattern(text, "a.md")
    assert told in str(raised.value)


@pytest.mark.parametrize("name", ["no", "1.10", "0123", "2024-01-01", "null", "a: b", "# x", "é\u2028x", "'"])
def test_any_name_comes_back(name: str) -> None:
    assert read_pattern(pattern_text(pattern(pattern_name=name)), "a.md").name == name


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Fix: the Build!", "fix-the-build"),
        ("../../etc/passwd", "etc-passwd"),
        ("CON", "con-pattern"),
        ("...", "pattern"),
        ("日本 語", "日本-語"),
        ("ß" * 200, "s" * 80),
        ("é" * 60, "é" * 40),
    ],
)
def test_file_names_are_safe(name: str, wanted: str) -> None:
    assert file_name(name) == wanted


def test_a_page_without_sections_is_a_solution() -> None:
    page = read_pattern("# Turn it off\n\nand on again\n", "a.md", name="a")
    assert (page.name, page.sections) == ("Turn it off", {"solution": "and on again"})
