"""How often an agent may ask: so many calls a minute of each kind.

Invariant: what is counted is the agent that a token names, so that a second token or connection buys nothing; a call
that was refused is not counted, so that whoever waits as long as it was told is let in. Counts are of this process.
The window moves (https://limits.readthedocs.io/en/stable/strategies.html#moving-window): a fixed one lets twice as many
through around its edge.
"""

import math
import time
from collections.abc import Mapping
from typing import Literal

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from seasoned.errors import TooManyCallsError
from seasoned.model import Identity

__all__ = ["Kind", "Rates"]

Kind = Literal["check", "capture", "record"]
"""Asking; recording what was done; putting something into the library, or judging it."""


class Rates:
    """The calls of the last minute, by agent and kind. Safe to use from several threads."""

    def __init__(self, per_minute: Mapping[Kind, int]) -> None:
        """``per_minute``: calls of each kind that one agent may make in a minute, ≥ 1."""
        self._counts = MovingWindowRateLimiter(MemoryStorage())
        self._items = {kind: RateLimitItemPerMinute(amount, namespace=kind) for kind, amount in per_minute.items()}

    def count(self, who: Identity, kind: Kind) -> None:
        """Count one call. Raises TooManyCallsError where the minute has no room for it."""
        item, agent = self._items[kind], (who.namespace, who.agent_id)
        if self._counts.hit(item, *agent):
            return
        free_at = self._counts.get_window_stats(item, *agent).reset_time
        wait_s = max(1, math.ceil(free_at - time.time()))
        raise TooManyCallsError(
            f"{who.agent_id} may make {item.amount} calls of this kind ({kind}) a minute, and has made them: "
            f"wait {wait_s} s.",
            retry_after_s=wait_s,
        )
