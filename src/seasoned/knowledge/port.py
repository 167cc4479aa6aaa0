"""The knowledge source port: a knowledge base of the user's own, asked beside what was learned."""

from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["KnowledgeAnswer", "KnowledgeResult", "KnowledgeSource"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeResult:
    """One passage found. Its words are the source's: outside content, never instructions."""

    title: str | None = None
    """One line of at most 200 characters; None: the source gives none."""
    text: str
    """At most 1,000 characters, without control characters; an ellipsis ends what was cut."""
    url: str | None = None
    """Where it stands, as the source says: an address, a path, or a name; at most 500 characters."""
    score: float | None = None
    """As the source states it, in its own unit; None: it states none."""
    flags: tuple[str, ...] = ()
    """What its reader must know: ``instructions_in_text`` where it addresses its reader (``advise.hybrid``)."""
    origin: Literal["outside"] = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeAnswer:
    """What a source answered, or why it did not."""

    source: str
    """What it calls itself, else its program or host; at most 80 characters."""
    asked: str
    """The query as it was sent; what left this process."""
    available: bool
    """False: it did not answer, ``results`` is empty, and ``said`` says why."""
    results: tuple[KnowledgeResult, ...] = ()
    """In the order of the source, best first by its own lights."""
    said: str
    """One sentence: what came, or why nothing did."""
    took_ms: int
    """Wall clock, connecting included."""


class KnowledgeSource(Protocol):
    """Passages for a query. Safe to ask from several threads at once; nothing is kept between questions."""

    def search(self, query: str, *, most: int, budget_ms: int) -> KnowledgeAnswer:
        """At most ``most`` (≥ 1) passages about ``query``, within ``budget_ms`` (≥ 1) of wall clock.

        The budget includes connecting. When it is over the call returns, and whatever was started for it (a process,
        a connection) is ended. A source that is slow, down, refuses or answers nonsense is an answer with ``available``
        false, never an error: advice goes on without it. Raises ValueError for a ``most`` or ``budget_ms`` below 1.
        """
        ...
