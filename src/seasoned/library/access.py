"""Who may do what to a pattern: the one place where that is decided.

========  ====================================  ===========  ======================
level     read and use                          change       delete, share, promote
========  ====================================  ===========  ======================
private   owner                                 owner        owner
team      any agent of the same namespace       owner        owner
shared    owner and the agents listed           owner        owner
public    any agent                             owner        owner
system    any agent                             admins       admins
========  ====================================  ===========  ======================

Administrators of a namespace own what the learner drew from its history (``LEARNER``). A *reviewer* (librarian or
administrator) may moreover promote, reject and deprecate what it may read in its own namespace, system patterns aside,
which are for administrators. An owner who is no reviewer may ask for a promotion; only of a private pattern, which
nobody else sees, it is its own reviewer.

Invariant: what may not be read does not exist. Every refusal to somebody who may not read is "not found"; a
``AccessDeniedError`` therefore tells nothing that a search would not tell.

PostgreSQL enforces the same table once more (row-level security, revision 0002); SQLite's queries carry it as a
condition. ``seasoned.testing.access`` holds all three against each other.
"""

from typing import Literal, Protocol, assert_never

from seasoned.errors import AccessDeniedError, NotFoundError
from seasoned.model import LEARNER, AccessLevel, Identity, Pattern

__all__ = ["Operation", "Right", "allow", "is_owner", "may_read", "right"]

Operation = Literal["read", "use", "change", "share", "delete", "promote"]
"""``promote`` stands for every move between states: promote, reject, deprecate, review."""
Right = Literal["yes", "asks", "no", "hidden"]
"""``asks``: the request is kept until a reviewer answers it. ``hidden``: not found."""


_NAMED = 200
"""Characters of a name that an error repeats."""


class Owned(Protocol):
    """What has an owner and a level: a pattern, or a template."""

    @property
    def namespace(self) -> str: ...
    @property
    def agent_id(self) -> str: ...
    @property
    def access_level(self) -> AccessLevel: ...


def is_owner(who: Identity, pattern: Owned) -> bool:
    """Whether it is this identity's own, or the learner's and this identity administers its namespace."""
    if who.namespace != pattern.namespace:
        return False
    return who.agent_id == pattern.agent_id or (pattern.agent_id == LEARNER and who.role == "admin")


def may_read(who: Identity, pattern: Owned) -> bool:
    """Read and use; see the table. A template lists no agents: shared, it is its owner's."""
    if pattern.access_level in {"public", "system"} or is_owner(who, pattern):
        return True
    if who.namespace != pattern.namespace:
        return False
    listed: tuple[str, ...] = getattr(pattern, "shared_with_agents", ())
    return pattern.access_level == "team" or (pattern.access_level == "shared" and who.agent_id in listed)


def right(who: Identity, operation: Operation, pattern: Pattern) -> Right:
    """What ``who`` may do; see the table."""
    if not may_read(who, pattern):
        return "hidden"
    owner = is_owner(who, pattern)
    administers = who.role == "admin" and who.namespace == pattern.namespace
    match operation:
        case "read" | "use":
            return "yes"
        case "change" | "share" | "delete":
            return "yes" if (administers if pattern.access_level == "system" else owner) else "no"
        case "promote":
            if pattern.access_level == "system":
                return "yes" if administers else "no"
            reviews = who.reviewer and who.namespace == pattern.namespace
            if reviews or (owner and pattern.access_level == "private"):
                return "yes"
            return "asks" if owner else "no"
        case _:
            assert_never(operation)


def allow(who: Identity, operation: Operation, pattern: Pattern | None, key: str) -> Right:
    """``yes`` or ``asks``. Raises NotFoundError where there is no such pattern for ``who`` (``key`` is what it called
    it), AccessDeniedError where it may read the pattern, but not do this to it."""
    given = "hidden" if pattern is None else right(who, operation, pattern)
    if pattern is None or given == "hidden":
        raise NotFoundError(f"No pattern is called {key[:_NAMED]!r}.")
    if given == "no":
        raise AccessDeniedError(
            f"{who.agent_id} may not {operation} {pattern.pattern_name!r}: {_who_may(pattern, operation)}."
        )
    return given


def _who_may(pattern: Pattern, operation: Operation) -> str:
    if pattern.access_level == "system":
        return f"administrators of {pattern.namespace} may"
    who = "an administrator" if pattern.agent_id == LEARNER else pattern.agent_id
    return f"{who} may" + (", and reviewers of its namespace" if operation == "promote" else "")
