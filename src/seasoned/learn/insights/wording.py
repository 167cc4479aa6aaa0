"""Words of insights: durations and shares for people, and text from traces so that it can stand in a sentence.

Text of a trace is foreign. In a sentence it is one line of visible characters in backquotes, cut; a text that addresses
its reader (``learn.patterns.suspicions``) is not repeated at all.
"""

import math

from seasoned.learn.patterns.suspicion import suspicions
from seasoned.learn.patterns.wording import plain

__all__ = ["counted", "percent", "quoted", "spoken", "times"]

_LIMIT = 100


def quoted(text: str, limit: int = _LIMIT) -> str:
    """``text`` in backquotes, at most ``limit`` characters of it."""
    if suspicions(text):
        return "(a text that addresses its reader; not repeated)"
    return f"`{plain(text, limit).replace('`', chr(39))}`"


def counted(count: int, noun: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def spoken(milliseconds: float) -> str:
    """A duration for people: 420 ms, 4.2 s, 3 min 05 s, 2 h 10 min."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {left:02d} s"


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.0f} %"


def times(factor: float) -> str:
    """A factor for people."""
    if math.isinf(factor):
        return "∞"
    return f"{factor:.1f}" if factor < 10 else f"{factor:.0f}"
