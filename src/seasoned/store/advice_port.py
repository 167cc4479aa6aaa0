"""The store port, fifth part: advice, and how far Seasoned may go. See ``store.port`` for transactions and errors.

Advice is written by the writer alone, from events, so that a replay of the log gives the same rows.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from seasoned.model import Advice, Mode

__all__ = ["AdviceStore", "AdviceWriting"]


class AdviceWriting(Protocol):
    """Part of ``store.port.Writing``."""

    def save_advice(self, advice: Sequence[Advice]) -> None:
        """Insert, or add to what is known: of each field the newest that says something. An execution that is not there
        gets a stub; advice of another namespace stays as it is. StoreError for what not both engines can hold."""
        ...

    def save_mode(self, mode: Mode) -> None:
        """Insert or replace by namespace and agent."""
        ...


class AdviceStore(Protocol):
    """Part of ``store.port.Store``."""

    def advice(self, namespace: str, advice_id: str) -> Advice | None:
        """One; a unique prefix of at least 6 characters will do. None when there is none."""
        ...

    def advice_of_session(self, namespace: str, session_id: str) -> list[Advice]:
        """What was given or withheld in one session, oldest first, ties by id."""
        ...

    def all_advice(
        self, namespace: str, *, since: datetime | None = None, newest_first: bool = False
    ) -> Iterator[Advice]:
        """Every piece of advice by time, ties by id. Streams."""
        ...

    def drawn_advice(self, namespace: str) -> Iterator[Advice]:
        """What chance decided about, and the marks of the experiment: every row that has a unit, by time, ties by id.
        Streams. Of each only what the experiment reads is filled in, the rest is None: time, session, user, repo,
        moment, opportunity, arm, share, unit, subject, outcome and endpoints. Some four times as fast as ``all_advice``
        where half of the moments had something to say."""
        ...

    def modes(self, namespace: str) -> list[Mode]:
        """By agent; empty where nobody has set one."""
        ...
