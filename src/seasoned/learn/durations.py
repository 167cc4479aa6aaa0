"""How long a run will take, from how long others took.

Durations differ by factors, so everything is done on their logarithms, and with medians, which one run left open over
night does not move. Knowledge is stacked: all runs, then what is known of the agent or of the task, then what this agent
did on this very task (a *kind*). Each level's median is drawn towards what the level above it says, as if that were
``*_STRENGTH`` more runs (``statistics.shrunk_mean``), so that one odd run decides nothing and four of a kind decide almost
alone. On a task that others did, the agent's own pace is added: by which factor it differed from other agents on the
tasks that they share (only those, since an agent that is given long tasks is not slow).

Invariant: the answer depends on which runs were added, not on their order.
"""

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from seasoned.learn.statistics import shrunk_mean

__all__ = ["DurationBasis", "DurationModel", "DurationPrediction"]

DurationBasis = Literal["kind", "task", "agent", "all"]

_AGENT_STRENGTH = 5.0
_TASK_STRENGTH = 2.0
_KIND_STRENGTH = 0.5
_PACE_STRENGTH = 2.0
"""Runs (for the pace: tasks) that the level above counts for. Runs of one kind resemble each other far more than kinds do (on Terminal-Bench
their median error is a fifth of the global one), so little is needed to hold them; an agent alone says little."""
_TENTH = 1.2815515655446004
"""90 % quantile of the normal distribution: an interval of this many deviations holds 80 %."""
_IQR_DEVIATIONS = 1.3489795003921634
"""Interquartile range of a normal distribution in deviations."""
_FEWEST_QUARTILES = 4
_FEWEST_TENTHS = 20
_WIDEST = math.log(4)
"""Deviation of the logarithm assumed where nothing is known of it: a factor of four either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationPrediction:
    """What to expect."""

    median_ms: float
    low_ms: float
    """A tenth of such runs are expected to be shorter."""
    high_ms: float
    """A tenth of such runs are expected to be longer."""
    n: int
    """Runs of ``basis``, ≥ 1."""
    basis: DurationBasis
    """The narrowest level that has seen a run."""


class DurationModel:
    """Durations seen so far. ``add`` costs a bisection, ``predict`` a look at a few sorted lists."""

    def __init__(self) -> None:
        self._all: list[float] = []
        self._agents: dict[str, list[float]] = {}
        self._tasks: dict[str, list[float]] = {}
        self._kinds: dict[tuple[str, str], list[float]] = {}
        self._agents_of: dict[str, set[str]] = {}
        self._shared: dict[str, set[str]] = {}
        """Tasks of an agent that another agent did as well."""

    def __len__(self) -> int:
        """Runs added."""
        return len(self._all)

    def add(self, agent: str | None, task: str | None, duration_ms: float) -> None:
        """One run. ``task`` is a task's shape; None is not known. Less than a millisecond counts as one.

        Raises ValueError for a negative or infinite duration."""
        if not 0 <= duration_ms < math.inf:
            raise ValueError(f"a duration is 0 or more milliseconds, not {duration_ms}")
        value = math.log(max(1.0, duration_ms))
        insort(self._all, value)
        if agent is not None:
            insort(self._agents.setdefault(agent, []), value)
        if task is not None:
            insort(self._tasks.setdefault(task, []), value)
        if agent is not None and task is not None:
            insort(self._kinds.setdefault((agent, task), []), value)
            doing = self._agents_of.setdefault(task, set())
            doing.add(agent)
            for each in doing if len(doing) == 2 else (agent,) if len(doing) > 2 else ():
                self._shared.setdefault(each, set()).add(task)

    def known(self, agent: str | None, task: str | None) -> tuple[int, int]:
        """(runs of this kind, runs of this task by any agent)."""
        kind = self._kinds.get((agent or "", task or ""), ())
        return len(kind), len(self._tasks.get(task or "", ()))

    def predict(self, agent: str | None, task: str | None, *, across_agents: bool = False) -> DurationPrediction | None:
        """What a run of ``task`` by ``agent`` will take; None before the first run was added.

        ``across_agents``: as if this agent had never done this task, from what others took for it and from what the
        agent took for other things."""
        if not self._all:
            return None
        kind = self._kinds.get((agent or "", task or ""), [])
        of_agent = self._agents.get(agent or "", [])
        # What the agent took itself speaks once, as the kind.
        by_others = _without(self._tasks.get(task or "", []), kind)
        if across_agents:
            of_agent, kind = _without(of_agent, kind), []
        middle = _median(self._all)
        spread = _deviation(self._all, _WIDEST, 1.0)
        if by_others:
            expected = _drawn(by_others, middle, _TASK_STRENGTH) + self._pace(agent or "", but=task or "")
            spread = _deviation(by_others, spread, _TASK_STRENGTH)
        else:
            expected = _drawn(_without(of_agent, kind), middle, _AGENT_STRENGTH)
        value = _drawn(kind, expected, _KIND_STRENGTH)
        spread = _deviation(kind, spread, _TASK_STRENGTH)
        basis: DurationBasis = "kind" if kind else "task" if by_others else "agent" if of_agent else "all"
        narrowest: Sequence[float] = kind or by_others or of_agent or self._all
        half = _TENTH * spread * math.sqrt(1 + 1 / (len(narrowest) + _KIND_STRENGTH))
        return DurationPrediction(
            median_ms=math.exp(value),
            low_ms=math.exp(value - half),
            high_ms=math.exp(value + half),
            n=len(narrowest),
            basis=basis,
        )

    def _pace(self, agent: str, *, but: str) -> float:
        """By how much (logarithm) ``agent`` takes longer than others on tasks that they share, ``but`` left out."""
        offs = sorted(
            _median(own) - _median(rest)
            for task in self._shared.get(agent, ())
            if task != but and (rest := _without(self._tasks[task], own := self._kinds[agent, task]))
        )
        return _drawn(offs, 0.0, _PACE_STRENGTH)


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _drawn(ordered: Sequence[float], towards: float, strength: float) -> float:
    return shrunk_mean([_median(ordered)] * len(ordered), towards, strength) if ordered else towards


def _deviation(ordered: Sequence[float], above: float, strength: float) -> float:
    """Deviation of the values, drawn towards ``above``: variances are averaged, by the count of values."""
    n = len(ordered)
    if n < 2:
        return above
    if n >= _FEWEST_TENTHS:
        own = (ordered[(9 * n) // 10] - ordered[n // 10]) / (2 * _TENTH)
    elif n >= _FEWEST_QUARTILES:
        own = (ordered[(3 * n) // 4] - ordered[n // 4]) / _IQR_DEVIATIONS
    else:
        own = (ordered[-1] - ordered[0]) / 2
    return math.sqrt(((n - 1) * own * own + strength * above * above) / (n - 1 + strength))


def _without(ordered: Sequence[float], some: Sequence[float]) -> list[float]:
    """``ordered`` without as many of its values as ``some``, which are among them."""
    if not some:
        return list(ordered)
    left: list[float] = []
    taken = 0
    for value in ordered:
        if taken < len(some) and value == some[taken]:
            taken += 1
        else:
            left.append(value)
    return left
