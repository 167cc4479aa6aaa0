"""The way from the agent to the event log: the spool, its segments and their drain.

The event log itself is, on one machine, a table of the store (``store.port``); a broker joins here later.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasoned.bus.segments import BadLine, Claim, Drained, Refused, drain
    from seasoned.bus.spool import Spool

__all__ = ["SPOOL_FOLDER", "BadLine", "Claim", "Drained", "Refused", "Spool", "drain"]

SPOOL_FOLDER = "spool"
"""Name of the spool inside the data folder."""

_HOME = {**dict.fromkeys(("BadLine", "Claim", "Drained", "Refused", "drain"), "segments"), "Spool": "spool"}


def __getattr__(name: str) -> object:
    # A command that finds the folder empty, as most do, loads nothing of it.
    if name in _HOME:
        return getattr(import_module(f"seasoned.bus.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
