"""What outcomes that nobody knows could hide.

Only units whose outcome is known are compared. That is fair as long as advice does not change which outcomes become
known; an agent that was told to run the tests has its failures seen more often, and looks worse for it, or better.
How much of an effect this alone could make is bounded: were the arm that is known more often cut back to the other's
share by taking away its best, or its worst, its mean would move by so much and no more (Lee 2009,
https://doi.org/10.1111/j.1467-937X.2009.00536.x; it is assumed that advice changes what is known in one direction).

That share is an estimate too, so what its usual 95 % interval allows is added in squares. The bound is no theorem at all
looks together, as the intervals of ``sequential`` are; ``benchmarks/impact_simulation.py`` shows what it does.

Invariant: where everything is known there is no doubt, and intervals are what they were.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seasoned.advise.sequential import Floats, Sequential

__all__ = ["Doubt", "doubt"]

_Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """In the scale of the outcomes that it was made of."""

    seen: float = 0.0
    """What the difference between the arms' known shares could make, as it was seen."""
    spread: float = 0.0
    """How much more it could be, as that difference is an estimate itself."""

    def widened(self, half: float) -> float:
        """Half the length of an interval that allows for both. What chance did to outcomes and to their being known
        adds up as squares do."""
        return self.seen + math.hypot(half, self.spread)


def doubt(outcome: Floats, known: NDArray[np.bool_], whether: Sequential) -> Doubt:
    """``outcome``: (n_known,), beside what was expected; ``known``: (n_units,); ``whether``: the experiment on being
    known."""
    if not len(outcome) or known.all():
        return Doubt()
    apart = abs(float(whether.difference[-1]))
    half = _Z_95 * math.sqrt(float(whether.squares[-1])) / float(whether.weight[-1])
    more_known = float(known.mean()) + apart / 2
    ordered = np.sort(outcome)
    seen, most = (_moved(ordered, min(1.0, difference / more_known)) for difference in (apart, apart + half))
    return Doubt(seen=seen, spread=most - seen)


def _moved(ordered: Floats, share: float) -> float:
    """By how much the mean moves at most when ``share`` of the values are taken away at one end."""
    keep = (1 - share) * len(ordered)
    if keep < 1:
        return float(ordered[-1] - ordered[0])
    whole = int(keep)
    mean, part = float(ordered.mean()), keep - whole
    moved = 0.0
    for values in (ordered, ordered[::-1]):
        rest = float(values[:whole].sum()) + (part * float(values[whole]) if part else 0.0)
        moved = max(moved, abs(rest / keep - mean))
    return moved
