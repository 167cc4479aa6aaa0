"""A knowledge base asked beside the library: who waits for whom, and what its passages are worth to a pattern.

The question leaves first and the library is searched meanwhile; then what is left of the budget is waited for, and no
more. Invariant: outside knowledge changes the order of advice and stands beside it; none of it becomes a pattern, and a
passage that addresses its reader is marked and counts for nothing.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from seasoned.knowledge import KnowledgeAnswer, KnowledgeResult, KnowledgeSource
from seasoned.learn.keywords import keywords
from seasoned.learn.patterns.suspicion import suspicions
from seasoned.model import Pattern

__all__ = ["INSTRUCTS", "AskedBeside", "outside_fit"]

INSTRUCTS = "instructions_in_text"
_SLACK_S = 0.05
"""A source keeps the budget itself; this lets it say so before it is left behind."""


class AskedBeside:
    """One question to a knowledge base, on its way from the moment this is made."""

    def __init__(
        self,
        source: KnowledgeSource,
        query: str,
        *,
        most: int,
        budget_ms: int,
        redact: Callable[[str], str] = str,
    ) -> None:
        """``query`` (redacted) leaves this machine; ``redact`` takes secrets out of what the source says of its faults."""
        self._source = source
        self._query = query
        self._most = most
        self._budget_ms = budget_ms
        self._redact = redact
        self._began = time.monotonic()
        self._answer: KnowledgeAnswer | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._ask, name="seasoned-beside", daemon=True)
        self._thread.start()

    def answer(self) -> KnowledgeAnswer:
        """Wait for what is left of the budget. Raises what the source raises, which is an error of its programming."""
        self._thread.join(max(0.0, self._began + self._budget_ms / 1000 - time.monotonic()) + _SLACK_S)
        if self._error is not None:
            raise self._error
        if self._answer is not None:
            return self._answer
        return KnowledgeAnswer(
            source=type(self._source).__name__,
            asked=self._query,
            available=False,
            said=f"The knowledge base did not answer within {self._budget_ms:,} ms.",
            took_ms=round((time.monotonic() - self._began) * 1000),
        )

    def _ask(self) -> None:
        try:
            found = self._source.search(self._query, most=self._most, budget_ms=self._budget_ms)
            self._answer = replace(
                found, results=tuple(_marked(each) for each in found.results), said=self._redact(found.said)
            )
        except Exception as error:  # noqa: BLE001  # raised again by ``answer``
            self._error = error


def outside_fit(pattern: Pattern, answer: KnowledgeAnswer) -> float | None:
    """0..1: the share of the words of the pattern's name, intent and steps that the passage which fits best says too.

    A measure of agreement in words, not of truth. Problem and examples are left out: they tell of one case, whose words
    no passage has. None where it cannot be told: no answer, nothing found, no words.
    """
    steps = (step.action for step in pattern.recommended_steps)
    words = frozenset(keywords("\n".join((pattern.pattern_name, pattern.intent or "", *steps))))
    told = [frozenset(keywords(f"{each.title or ''}\n{each.text}")) for each in answer.results if not each.flags]
    if not words or not told:
        return None
    return max(len(words & each) for each in told) / len(words)


def _marked(result: KnowledgeResult) -> KnowledgeResult:
    told = suspicions(f"{result.title or ''}\n{result.text}")
    return replace(result, flags=(*result.flags, INSTRUCTS)) if told and INSTRUCTS not in result.flags else result
