"""The words of a pattern."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from seasoned.library.words import keywords_of, text_of, texts_in
from seasoned.testing.knowledge_records import pattern

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=30,
)


def by_recursion(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()  # pyright: ignore
    return [text for item in items for text in by_recursion(item)]  # pyright: ignore


@given(JSON)
def test_every_text_of_a_document_in_its_order(value: object) -> None:
    assert texts_in(value) == by_recursion(value)


def test_the_order_does_not_turn_in_a_long_list() -> None:
    long: dict[str, object] = {"a": [["x"], *(str(number) for number in range(3_000))], "b": "end"}
    assert texts_in(long) == ["x", *map(str, range(3_000)), "end"]


def test_it_is_linear_in_the_number_of_lists() -> None:
    """Some 10¹⁰ steps where every list is copied in front of what waits."""
    assert texts_in({"a": cast("list[object]", [[]] * 120_000)}) == []


def test_a_text_tells_what_it_is_about_first_and_ends() -> None:
    told = pattern("Retry uploads", pattern_data={"solution": "back off", "problem": "time-outs", "odd": "left out"})
    text = text_of(told)
    assert text.index("Retry uploads") < text.index("time-outs") < text.index("back off")
    assert "left out" not in text
    assert len(text_of(pattern("long", pattern_data={"problem": "word " * 10_000}))) == 4_000
    assert {"retry", "uploads"} <= set(keywords_of(told))
