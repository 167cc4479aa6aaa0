"""Knowledge bases of the user's own, asked beside what was learned. Importing this loads no protocol and no network."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasoned.knowledge.mcp_source import McpSource
    from seasoned.knowledge.port import KnowledgeAnswer, KnowledgeResult, KnowledgeSource

__all__ = ["KnowledgeAnswer", "KnowledgeResult", "KnowledgeSource", "McpSource"]

_HOME = {
    "McpSource": "mcp_source",
    **dict.fromkeys(("KnowledgeAnswer", "KnowledgeResult", "KnowledgeSource"), "port"),
}


def __getattr__(name: str) -> object:
    # Most installations ask no knowledge base: their commands load neither threads' nor sockets' modules for one.
    if name in _HOME:
        return getattr(import_module(f"seasoned.knowledge.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
