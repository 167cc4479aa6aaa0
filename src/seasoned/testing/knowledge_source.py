"""What every knowledge source must do, as tests. Subclass with four fixtures, and run pytest::

    class TestMine(KnowledgeSourceContract):
        @pytest.fixture
        def source(self) -> KnowledgeSource: ...  # holds PASSAGES, in this order of relevance to QUERY
        @pytest.fixture
        def empty(self) -> KnowledgeSource: ...  # answers, and holds nothing
        @pytest.fixture
        def down(self) -> KnowledgeSource: ...  # cannot be reached
        @pytest.fixture
        def hung(self) -> KnowledgeSource: ...  # can be reached, and never answers

``KnownPassages`` is the smallest source: passages in memory, for whoever tests what asks one.
"""
# ruff: noqa: D102  the name of a test is its sentence

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from seasoned.knowledge import KnowledgeAnswer, KnowledgeResult, KnowledgeSource

__all__ = ["BUDGET_MS", "PASSAGES", "QUERY", "KnowledgeSourceContract", "KnownPassages"]

QUERY = "how is a release published"
PASSAGES = (
    KnowledgeResult(title="Release", text="A release is published by its tag.", url="https://docs.example/release"),
    KnowledgeResult(title="Tags", text="A tag is published with git push --tags.", url="https://docs.example/tags"),
    KnowledgeResult(title="Rights", text="Maintainers publish.", url="https://docs.example/rights"),
)
BUDGET_MS = 60_000
"""Enough for any machine: what keeps to it is slow, not wrong."""
_SHORT_MS = 200


class KnownPassages:
    """Finds the passages it was given by any word of the query; ``fault`` makes it one that does not answer."""

    def __init__(self, passages: Sequence[KnowledgeResult] = PASSAGES, *, fault: str | None = None) -> None:
        self._passages = tuple(passages)
        self._fault = fault

    def search(self, query: str, *, most: int, budget_ms: int) -> KnowledgeAnswer:
        """See ``KnowledgeSource``."""
        if most < 1 or budget_ms < 1:
            raise ValueError("most and budget_ms are 1 or more")
        words = query.casefold().split()
        found = [each for each in self._passages if any(word in each.text.casefold() for word in words)]
        results = tuple(found[:most]) if self._fault is None else ()
        return KnowledgeAnswer(
            source="known passages",
            asked=query,
            available=self._fault is None,
            results=results,
            said=self._fault or f"Found {len(results)} of {len(self._passages)} passages.",
            took_ms=0,
        )


class KnowledgeSourceContract:
    """The tests; each takes the fixtures that the subclass gives."""

    def test_answers_with_passages_in_its_own_order(self, source: KnowledgeSource) -> None:
        found = source.search(QUERY, most=5, budget_ms=BUDGET_MS)
        assert found.available, found.said
        told = [(each.title, each.text, each.url) for each in found.results]
        assert told == [(each.title, each.text, each.url) for each in PASSAGES]
        assert {each.origin for each in found.results} == {"outside"}
        assert found.asked == QUERY
        assert found.source
        assert 0 <= found.took_ms <= BUDGET_MS

    def test_gives_no_more_than_it_was_asked_for(self, source: KnowledgeSource) -> None:
        found = source.search(QUERY, most=1, budget_ms=BUDGET_MS)
        assert [each.title for each in found.results] == [PASSAGES[0].title]

    def test_finding_nothing_is_an_answer(self, empty: KnowledgeSource) -> None:
        found = empty.search(QUERY, most=5, budget_ms=BUDGET_MS)
        assert (found.available, found.results) == (True, ()), found.said
        assert found.said

    def test_one_that_cannot_be_reached_is_an_answer(self, down: KnowledgeSource) -> None:
        found = down.search(QUERY, most=5, budget_ms=BUDGET_MS)
        assert (found.available, found.results) == (False, ())
        assert found.said

    def test_one_that_never_answers_is_left_when_the_budget_is_over(self, hung: KnowledgeSource) -> None:
        found = hung.search(QUERY, most=5, budget_ms=_SHORT_MS)
        assert (found.available, found.results) == (False, ())
        assert found.said

    def test_takes_any_text(self, source: KnowledgeSource) -> None:
        for query in ("", "\x00", "\ud800", '"}]', "x" * 100_000):
            assert source.search(query, most=1, budget_ms=BUDGET_MS).available

    def test_is_asked_from_several_threads(self, source: KnowledgeSource) -> None:
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(source.search, QUERY, most=2, budget_ms=BUDGET_MS) for _ in range(3)]
            found = [each.result() for each in waiting]
        assert [[each.title for each in answer.results] for answer in found] == [["Release", "Tags"]] * 3

    @pytest.mark.parametrize(("most", "budget_ms"), [(0, 100), (1, 0), (-1, -1)])
    def test_refuses_what_makes_no_sense(self, source: KnowledgeSource, most: int, budget_ms: int) -> None:
        with pytest.raises(ValueError, match="1 or more"):
            source.search(QUERY, most=most, budget_ms=budget_ms)
