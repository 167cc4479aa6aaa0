"""What each session was told already, and how chance decided there.

Invariant: the first arm of a unit stands for the session, also over a restart of the service; and nothing is told, or
withheld, twice. What is not in memory is read from the advice that is stored.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from seasoned.model.advice import Advice, AdviceItem, Arm, MomentName

__all__ = ["Decided", "SessionMemory"]

_MOST_SESSIONS = 500
"""Kept; of the one asked longest ago the rows are read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """How chance decided over a unit."""

    arm: Arm
    share: float
    """Probability of ``given`` at that time."""


@dataclass(slots=True)
class _Session:
    units: dict[str, Decided] = field(default_factory=dict[str, Decided])
    offered: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """By item, the advice in which it came up first."""


class SessionMemory:
    """Safe to share between threads."""

    def __init__(self, read: Callable[[str], Sequence[Advice]]) -> None:
        """``read``: the stored advice of a session, oldest first."""
        self._read = read
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._lock = Lock()

    def fresh(
        self, session_id: str, advice_id: str, moment: MomentName, items: Iterable[AdviceItem]
    ) -> set[AdviceItem]:
        """Those that came up in no other advice of the session."""
        with self._lock:
            offered = self._of(session_id).offered
            return {each for each in items if offered.get(_key(each, moment), advice_id) == advice_id}

    def decided(self, session_id: str, unit: str, decide: Callable[[], Decided]) -> Decided:
        """The arm of ``unit``: the first one that was drawn in this session, else what ``decide`` says."""
        with self._lock:
            units = self._of(session_id).units
            if unit not in units:
                units[unit] = decide()
            return units[unit]

    def before(self, session_id: str, unit: str) -> Arm | None:
        """How chance decided over ``unit`` in this session; None where it did not."""
        with self._lock:
            found = self._of(session_id).units.get(unit)
        return found.arm if found is not None else None

    def note(self, session_id: str, advice: Advice) -> None:
        """Remember what came up."""
        with self._lock:
            _add(self._of(session_id), advice)

    def _of(self, session_id: str) -> _Session:
        found = self._sessions.get(session_id)
        if found is None:
            found = _Session()
            for each in self._read(session_id):
                _add(found, each)
            self._sessions[session_id] = found
            if len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
        self._sessions.move_to_end(session_id)
        return found


def _add(session: _Session, advice: Advice) -> None:
    if advice.arm is None:
        return
    if advice.unit is not None and advice.share is not None:
        session.units.setdefault(advice.unit, Decided(arm=advice.arm, share=advice.share))
    for item in advice.items or ():
        session.offered.setdefault(_key(item, advice.moment), advice.advice_id)


def _key(item: AdviceItem, moment: MomentName | None) -> tuple[str, str]:
    # A plan and the pattern that it was made of say the same. What a task may meet, what this very call did and what
    # has just failed are three things to say, though one remedy helps against all.
    kind = "pattern" if item.kind == "shortcut" else item.kind
    return (f"{kind} of task" if kind == "warning" and moment == "prompt" else kind, item.id)
