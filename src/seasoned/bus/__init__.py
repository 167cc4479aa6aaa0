"""The way from the agent to the event log: the spool, its segments and their drain.

The event log itself is, on one machine, a table of the store (``store.port``); a broker joins here later.
"""

from seasoned.bus.segments import BadLine, Claim, Drained, Refused, drain
from seasoned.bus.spool import SPOOL_FOLDER, Spool

__all__ = ["SPOOL_FOLDER", "BadLine", "Claim", "Drained", "Refused", "Spool", "drain"]
