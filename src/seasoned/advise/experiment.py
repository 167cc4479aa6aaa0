"""The experiment: who is told, decided by chance, and how large a share is held out.

Invariant: whether a unit is told is a function of its name and of the probability at that time, and nothing else: no
state, no clock, no generator that another process would have to share. The probability is a function of the logged rows
alone; it is logged with every row, and the analysis (``effects``) holds whatever it was.

It begins at even odds. With a tenth held out, five points of success would show after 6,540 sessions instead of 2,354:
(z₀.₉₇₅ + z₀.₈)² · rate (1 − rate) · (1/share + 1/(1 − share)) / difference² at a rate of 0.75, for a single look with
80 % power at the two-sided 5 % level (Fleiss, Levin and Paik, "Statistical Methods for Rates and Proportions", 2003,
§4.3). Looks at any time need about 2.4 times as many. Once the test has decided that advice helps, less is held out, and still less once that is sure; where it
has decided that advice harms, nothing more is given. Then nothing can be learned any more either, whatever is changed:
only somebody who has looked into it can begin anew (``anew``), by a mark in the same log."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from seasoned.advise.endpoints import QUESTIONS
from seasoned.advise.session_memory import Decided
from seasoned.model.advice import Advice, Arm
from seasoned.model.ids import name_id

if TYPE_CHECKING:
    from seasoned.advise.effects import Answered

__all__ = ["EVEN", "HoldOut", "Schedule", "anew", "assigned", "begun", "hold_out", "schedule"]

EVEN: Final = 0.5
_HELPS, _SURELY_HELPS = 0.8, 0.9
"""Shares given once it is decided, and once it is sure: a rest is held out for good, as a library that helped may stop
to."""
_SALT = "seasoned.experiment.1"
_ANEW = "experiment"
"""Unit of the rows that are marks. No row that chance decided about has it: those begin with ``session:`` or ``fix:``."""


def assigned(unit: str, *, namespace: str, share: float) -> Arm:
    """The arm of a unit. ``share``: probability of ``given``, 0..1.

    The first 64 bits of a SHA-256 are as good as uniform and independent between units, whatever their names. A unit
    that is given at one share is given at every larger one. Raises ValueError for a share out of range."""
    if not 0 <= share <= 1:
        raise ValueError(f"share {share}: allowed is 0 to 1")
    digest = hashlib.sha256("\x1f".join((_SALT, namespace, unit)).encode("utf-8", "surrogatepass")).digest()
    return "given" if int.from_bytes(digest[:8], "big") < share * 2.0**64 else "held_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOut:
    """How much is given of one kind of advice, and why."""

    share: float = EVEN
    """Probability of ``given``; 0: nothing is given any more."""
    state: Literal["undecided", "helps", "surely helps", "harms"] = "undecided"

    def at_least(self, share: float) -> "HoldOut":
        """The same where ``share`` are to be given before anything is known, and never fewer but after harm."""
        match self.state:
            case "harms":
                return self
            case "undecided":
                return replace(self, share=share)
            case _:
                return replace(self, share=max(share, self.share))

    def decide(self, unit: str, namespace: str) -> Decided:
        """Draw for a unit that has no arm yet; the first arm of a unit stands for its session."""
        return Decided(arm=assigned(unit, namespace=namespace, share=self.share), share=self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What is held out at present."""

    plans: HoldOut = HoldOut()
    fixes: HoldOut = HoldOut()
    """Also of warnings: they have the units of fixes."""

    def of(self, unit: str) -> HoldOut:
        """That of a unit of either kind."""
        return self.fixes if unit.startswith("fix:") else self.plans


def anew(*, namespace: str, agent_id: str, at: datetime) -> Advice:
    """The mark in the log from which on the experiment begins anew: units from before no longer decide what is given."""
    return Advice(
        advice_id=name_id("advice", namespace, _ANEW, at.isoformat()),
        namespace=namespace,
        given_at=at,
        agent_id=agent_id,
        unit=_ANEW,
        reason="experiment begun anew",
    )


def begun(rows: Iterable[Advice]) -> datetime | None:
    """The latest such mark."""
    return max((row.given_at for row in rows if row.unit == _ANEW), default=None)


def schedule(rows: Iterable[Advice]) -> Schedule:
    """What to hold out after these rows, in any order; from the latest mark on (``anew``).

    Takes about a second for 100,000 units: ask it when feedback came in, not at every moment.
    """
    from seasoned.advise.effects import answered, opportunities

    held = list(rows)
    units = opportunities(held, since=begun(held))
    decided = {
        each.name: hold_out(answered(each, units[each.name], {each.primary, "success"}))
        for each in QUESTIONS
        if each.primary is not None
    }
    return Schedule(plans=decided["plans"], fixes=decided["fixes"])


def hold_out(answer: "Answered") -> HoldOut:
    """What to hold out after this answer to a question."""
    if answer.verdict == "harms":
        return HoldOut(share=0.0, state="harms")
    if answer.verdict != "helps":
        return HoldOut()
    if answer.effects[0].sure:
        return HoldOut(share=_SURELY_HELPS, state="surely helps")
    return HoldOut(share=_HELPS, state="helps")
