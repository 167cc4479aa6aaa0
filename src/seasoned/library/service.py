"""The library as its callers have it: ``Library`` for code that waits, ``LearningService`` for code that awaits.

Every method is written once, synchronously; the asynchronous face runs the same in a thread. Invariant: one instance
acts for one identity. Whoever acts for another makes another instance (``as_agent``).
"""

import copy
import functools
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from seasoned.errors import AccessDeniedError, UsageError, ValidationError
from seasoned.library import checks
from seasoned.library.analytics import Analytics
from seasoned.model import LEARNER

__all__ = ["LearningService", "Library", "set_default_library"]

P = ParamSpec("P")
R = TypeVar("R")


class Library(Analytics):
    """Patterns, shared, governed and versioned, as one identity may have them."""

    def as_agent(self, name: str) -> "Library":
        """The same library as the agent ``name`` of this namespace has it, with the role that the agent is known by.
        For a local administrator only; what is done so is noted as done by the administrator in the agent's name.

        Raises AccessDeniedError, ValidationError."""
        if not (self.who.local and self.who.role == "admin" and self.who.acting is None):
            raise AccessDeniedError(f"{self.who.agent_id} may not act for others; a local administrator may.")
        agent_id = checks.agent_id("name", name)
        if agent_id == self.who.agent_id:
            return self
        if agent_id == LEARNER:
            raise ValidationError(
                f"name: {LEARNER!r} is the learner's own name; administrators act for it as themselves."
            )
        known = {agent.agent_id: agent.role for agent in self.store.agents(self.who.namespace)}
        acting = replace(self.who, agent_id=agent_id, role=known.get(agent_id, "agent"), acting=self.who.agent_id)
        other = copy.copy(self)
        other.who = acting
        return other


def _in_thread(
    method: Callable[Concatenate[Library, P], R],
) -> "Callable[Concatenate[LearningService, P], Coroutine[Any, Any, R]]":
    @functools.wraps(method)
    async def call(service: "LearningService", /, *args: P.args, **kwargs: P.kwargs) -> R:
        import asyncio  # 29 ms, which a command that only lists must not pay

        return await asyncio.to_thread(method, service.library, *args, **kwargs)

    return call


_default: list[Callable[[str | None], Library]] = []


def set_default_library(make: Callable[[str | None], Library]) -> None:
    """What ``LearningService()`` stands before: ``make(token)``. Set by the package's door."""
    _default[:] = [make]


class LearningService:
    """``Library`` for asynchronous callers: the same methods, to be awaited."""

    def __init__(self, library: Library | None = None, *, token: str | None = None) -> None:
        """``library``: what it stands before. None: the library that this user's settings name, as the bearer of
        ``token`` has it, without one as this machine's own identity.

        Raises AccessDeniedError for a token that is not valid, UsageError where no settings were loaded (``import
        seasoned`` loads them)."""
        if library is None:
            if not _default:
                raise UsageError(
                    "LearningService needs a library, or take it from `seasoned`: seasoned.LearningService()."
                )
            library = _default[-1](token)
        elif token is not None:
            raise UsageError(
                "LearningService: give a library or a token, not both; a library has its identity already."
            )
        self.library = library

    def as_agent(self, name: str) -> "LearningService":
        """See ``Library.as_agent``; asks the store, so it waits a moment."""
        return LearningService(self.library.as_agent(name))

    create_pattern = _in_thread(Library.create_pattern)
    batch_create_patterns = _in_thread(Library.batch_create_patterns)
    get_pattern = _in_thread(Library.get_pattern)
    get_patterns_by_agent = _in_thread(Library.get_patterns_by_agent)
    search_patterns = _in_thread(Library.search_patterns)
    use_pattern = _in_thread(Library.use_pattern)
    update_pattern = _in_thread(Library.update_pattern)
    delete_pattern = _in_thread(Library.delete_pattern)
    create_version = _in_thread(Library.create_version)
    get_versions = _in_thread(Library.get_versions)
    diff = _in_thread(Library.diff)
    promote = _in_thread(Library.promote)
    deprecate = _in_thread(Library.deprecate)
    reject = _in_thread(Library.reject)
    clear_flags = _in_thread(Library.clear_flags)
    review_queue = _in_thread(Library.review_queue)
    audit = _in_thread(Library.audit)
    usages = _in_thread(Library.usages)
    alerts = _in_thread(Library.alerts)
    recommend_patterns = _in_thread(Library.recommend_patterns)
    get_pattern_analytics = _in_thread(Library.get_pattern_analytics)
    suggest_learning_opportunities = _in_thread(Library.suggest_learning_opportunities)
