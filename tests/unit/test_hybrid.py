"""Asking a knowledge base beside the rest: who waits for whom, and what comes back of errors."""

from threading import Event

import pytest

from seasoned.advise.hybrid import AskedBeside
from seasoned.knowledge import KnowledgeAnswer
from seasoned.testing.knowledge_source import QUERY, KnownPassages


class Waiting(KnownPassages):
    """Answers when it is let go, whatever its budget."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = Event()
        self.let_go = Event()

    def search(self, query: str, *, most: int, budget_ms: int) -> KnowledgeAnswer:
        self.reached.set()
        self.let_go.wait()
        return super().search(query, most=most, budget_ms=budget_ms)


def test_the_question_is_on_its_way_before_anybody_waits_for_it() -> None:
    source = Waiting()
    asked = AskedBeside(source, QUERY, most=2, budget_ms=60_000)
    assert source.reached.wait(60)
    source.let_go.set()
    assert [each.title for each in asked.answer().results] == ["Release", "Tags"]


def test_a_source_that_does_not_keep_its_budget_is_left_behind() -> None:
    source = Waiting()
    told = AskedBeside(source, QUERY, most=2, budget_ms=1).answer()
    source.let_go.set()
    assert (told.available, told.results, told.asked) == (False, (), QUERY)
    assert told.said == "The knowledge base did not answer within 1 ms."


def test_an_error_of_the_sources_programming_is_raised_where_it_is_waited_for() -> None:
    asked = AskedBeside(KnownPassages(), QUERY, most=0, budget_ms=60_000)
    with pytest.raises(ValueError, match="1 or more"):
        asked.answer()


def test_what_a_source_says_of_its_faults_is_redacted() -> None:
    asked = AskedBeside(
        KnownPassages(fault="Wrong key k-1."),
        QUERY,
        most=1,
        budget_ms=60_000,
        redact=lambda text: text.replace("k-1", "…"),
    )
    assert asked.answer().said == "Wrong key …."
