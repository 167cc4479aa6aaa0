"""One hook's call: payload → moment → advice → the bytes that the agent's hook prints.

Invariant: advice counts as given only where its text was handed to the agent. Whoever is first decides: the route, that
time is over (``Delivery.give_up``), or the answer, that it goes out (``Delivery.hand_over``). What chance decided stands
either way: those who were to be told and were not are compared as if they had been (advice is analysed as it was meant).
"""

import threading
from typing import TYPE_CHECKING, cast

import msgspec

from seasoned.capture.hooks import hook_output, moment_of

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.model import Document

__all__ = ["Delivery", "hook_answer"]


class Delivery:
    """Whether an answer is still waited for. Decided once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decided = False

    def give_up(self) -> bool:
        """Nobody waits any more; False where the answer is already on its way."""
        return self._decide()

    def hand_over(self) -> bool:
        """The answer is ready to go; False where nobody waits any more."""
        return self._decide()

    def _decide(self) -> bool:
        with self._lock:
            first, self._decided = not self._decided, True
        return first


def hook_answer(seasoned: "Seasoned", source: str, body: bytes, delivery: Delivery) -> bytes:
    """What to print; empty for nothing. Raises msgspec.DecodeError for what is no JSON, StoreError, EmbedderError."""
    found: object = msgspec.json.decode(body)
    payload = cast("Document", found) if isinstance(found, dict) else {}
    moment = moment_of(source, payload)
    if moment is None:
        return b""
    advised = seasoned.advise(moment)
    answer = hook_output(source, str(payload.get("hook_event_name", "")), advised.text)
    if delivery.hand_over():
        return answer
    if answer:
        seasoned.advising.undelivered(advised)
    return b""
