"""The way from the agent to the event log: the spool, its segments and their drain; the inbox of hooks' payloads.

The event log itself is, on one machine, a table of the store (``store.port``); a broker joins here later.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasoned.bus.inbox import Inbox, Payload, Waiting
    from seasoned.bus.segments import BadLine, Claim, Drained, Refused, drain
    from seasoned.bus.spool import Spool

__all__ = [
    "INBOX_FOLDER",
    "SPOOL_FOLDER",
    "BadLine",
    "Claim",
    "Drained",
    "Inbox",
    "Payload",
    "Refused",
    "Spool",
    "Waiting",
    "drain",
]

INBOX_FOLDER = "inbox"
"""Name of the inbox inside the data folder; ``hook.sh`` knows it too."""

SPOOL_FOLDER = "spool"
"""Name of the spool inside the data folder."""

_HOME = {
    **dict.fromkeys(("BadLine", "Claim", "Drained", "Refused", "drain"), "segments"),
    **dict.fromkeys(("Inbox", "Payload", "Waiting"), "inbox"),
    "Spool": "spool",
}


def __getattr__(name: str) -> object:
    # A command that finds the folder empty, as most do, loads nothing of it.
    if name in _HOME:
        return getattr(import_module(f"seasoned.bus.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
