"""The pattern library: shared, governed, versioned. One door: ``Library``, or ``LearningService`` to be awaited."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasoned.library.access import Operation, Right, may_read, right
    from seasoned.library.finding import FoundPattern, Recommendation
    from seasoned.library.governance import QueueEntry
    from seasoned.library.service import LearningService, Library
    from seasoned.library.tokens import NewToken, authenticate, create_token, list_tokens, revoke_token
    from seasoned.library.trust import Rules
    from seasoned.library.versions import VersionDiff, VersionNode, VersionTree

__all__ = [
    "FoundPattern",
    "LearningService",
    "Library",
    "NewToken",
    "Operation",
    "QueueEntry",
    "Recommendation",
    "Right",
    "Rules",
    "VersionDiff",
    "VersionNode",
    "VersionTree",
    "authenticate",
    "create_token",
    "list_tokens",
    "may_read",
    "revoke_token",
    "right",
]

_HOME = {
    **dict.fromkeys(("Operation", "Right", "may_read", "right"), "access"),
    **dict.fromkeys(("FoundPattern", "Recommendation"), "finding"),
    "QueueEntry": "governance",
    **dict.fromkeys(("LearningService", "Library"), "service"),
    **dict.fromkeys(("NewToken", "authenticate", "create_token", "list_tokens", "revoke_token"), "tokens"),
    "Rules": "trust",
    **dict.fromkeys(("VersionDiff", "VersionNode", "VersionTree"), "versions"),
}


def __getattr__(name: str) -> object:
    # Whoever only asks what somebody may read loads neither an array library nor a template engine.
    if name in _HOME:
        return getattr(import_module(f"seasoned.library.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
