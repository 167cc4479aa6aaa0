"""What each session was told already, and how chance decided there.

Invariant: the first arm of a unit stands for the session, also over a restart of the service; and nothing is told, or
withheld, twice. What was withheld stays so at every later moment of the session, over whatever unit chance decides there:
else those that are held out would be told all the same. A text that came too late was not told. What is not in memory is
read from the advice that is recorded.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock, RLock

from seasoned.model.advice import Advice, AdviceItem, Arm

__all__ = ["TOO_LATE", "Decided", "SessionMemory"]

_MOST_SESSIONS = 500
"""Kept; of the one asked longest ago the rows are read again."""
_TURNS = 64
TOO_LATE = "too late"
"""Reason of advice whose text did not reach the agent in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """How chance decided over a unit."""

    arm: Arm
    share: float
    """Probability of ``given`` at that time."""


@dataclass(frozen=True, slots=True)
class _Offer:
    advice_id: str
    arm: Arm


@dataclass(slots=True)
class _Session:
    units: dict[str, Decided] = field(default_factory=dict[str, Decided])
    offered: dict[tuple[str, str], _Offer] = field(default_factory=dict[tuple[str, str], _Offer])
    """By what is said, the advice in which it came up first."""
    advice: set[str] = field(default_factory=set[str])
    """Ids of all that is recorded of it."""


class SessionMemory:
    """Safe to share between threads."""

    def __init__(self, read: Callable[[str], Sequence[Advice]]) -> None:
        """``read``: the recorded advice of a session, oldest first."""
        self._read = read
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._lock = Lock()
        self._turns = tuple(RLock() for _ in range(_TURNS))

    def turn(self, session_id: str) -> RLock:
        """Held while something is decided in a session, so that two moments at once are not told the same."""
        return self._turns[hash(session_id) % _TURNS]

    def fresh(self, session_id: str, advice_id: str, items: Iterable[AdviceItem]) -> set[AdviceItem]:
        """Those that came up in no other advice of the session."""
        with self._lock:
            offered = self._of(session_id).offered
            return {
                each for each in items if (before := offered.get(_key(each))) is None or before.advice_id == advice_id
            }

    def before(self, session_id: str, items: Iterable[AdviceItem]) -> Arm | None:
        """What chance decided when the first of ``items`` that came up before did so; None where none did."""
        with self._lock:
            offered = self._of(session_id).offered
            return next((offered[_key(each)].arm for each in items if _key(each) in offered), None)

    def decided(self, session_id: str, unit: str, decide: Callable[[], Decided]) -> Decided:
        """The arm of ``unit``: the first one that was drawn in this session, else what ``decide`` says."""
        with self._lock:
            units = self._of(session_id).units
            if unit not in units:
                units[unit] = decide()
            return units[unit]

    def recorded(self, session_id: str, advice_id: str) -> bool:
        """Whether there was advice of that id in the session."""
        with self._lock:
            return advice_id in self._of(session_id).advice

    def note(self, session_id: str, advice: Advice) -> None:
        """Remember what came up."""
        with self._lock:
            _add(self._of(session_id), advice)

    def forget(self, session_id: str, advice_id: str) -> None:
        """Its text did not reach the agent. What chance decided stands."""
        with self._lock:
            session = self._of(session_id)
            session.offered = {
                key: each for key, each in session.offered.items() if (each.advice_id, each.arm) != (advice_id, "given")
            }

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
    session.advice.add(advice.advice_id)
    if advice.arm is None:
        return
    if advice.unit is not None and advice.share is not None:
        session.units.setdefault(advice.unit, Decided(arm=advice.arm, share=advice.share))
    if advice.arm == "given" and advice.reason == TOO_LATE:
        return
    for item in advice.items or ():
        session.offered.setdefault(_key(item), _Offer(advice.advice_id, advice.arm))


def _key(item: AdviceItem) -> tuple[str, str]:
    # A plan and the pattern that it was made of say the same; so do a fix and the warning that ends with it, and the
    # remedies of one failure come together.
    if item.failure_id is not None:
        return "failure", item.failure_id
    return "pattern" if item.kind == "shortcut" else item.kind, item.id
