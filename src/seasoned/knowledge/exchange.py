"""What passes between a question and the conversation that is held for it: plain values, whatever the protocol."""

from dataclasses import dataclass

__all__ = ["Exchange", "SearchReply"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchReply:
    """A tool's answer, as values of Python."""

    tool: str
    structured: object
    """Decoded JSON; None: the server sent none."""
    texts: tuple[str, ...]
    failed: bool
    """The tool says that the call failed; the texts say why."""


@dataclass(slots=True)
class Exchange:
    """What is learned of a server on the way, whatever becomes of the question. Written by one thread alone."""

    server: str | None = None
    """What it calls itself; empty: it does not say. None: it was not met yet."""
    fault: str | None = None
    """What it did that no MCP server does."""
