"""Where the time goes, and what has become slower.

A share is of the time of all phases of the same set: phases that agents named, or derived ones. A phase that takes nearly
everything is left out unless its calls are known: that all the time goes where all the work is done tells nobody
anything. Where a derived phase takes long in sum but not as a rule (edits take milliseconds, unless a person is asked
first), its long calls are told instead, as waiting. What one or two executions alone account for is not told at all.

*Slower than before* compares a phase, or a program in one repository, with its own history, one value per execution, the
last third against what was before, by the factor between them (``metrics.ratio_of_medians``); only a clear and a
noticeable change is told.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

from seasoned.learn.insights.gathered import MOST_IDS, Run
from seasoned.learn.insights.records import Insight
from seasoned.learn.insights.wording import percent, quoted, spoken, times
from seasoned.learn.metrics import PhaseMetrics, ratio_of_medians
from seasoned.learn.statistics import confidence, rate

__all__ = ["slow_phases", "slower_than_before"]

_LARGE = 0.3
"""Share of the time from which a phase is told."""
_NEARLY_ALL = 0.8
_FEWEST_CARRIERS = 3
"""Executions over which the time must be spread, in effect."""
_FEWEST = 5
"""Executions that went through it."""
_RECENT = 1 / 3
_FEWEST_RECENT, _FEWEST_EARLIER = 6, 12
_CLEAR = 1.5
"""Lower bound of the factor from which 'slower' is told."""
_NOTICEABLE_MS = 1000
_WAIT_MS = 30_000
"""No read, edit or look takes so long by itself."""
_DELEGATED = "delegate"
_QUICK = frozenset({"explore", "change"})
_FEWEST_OF_PROGRAM = 3
_Z = 1.959963984540054

_ABOUT = {
    "explore": "Looking around (derived: reads, searches)",
    "change": "Changing things (derived: edits, commands that change something)",
    "check": "Checking (derived: tests, builds, linters)",
    "deliver": "Delivering (derived: commits, pushes, merges)",
}


def slow_phases(runs: Sequence[Run], phases: Sequence[PhaseMetrics]) -> list[Insight]:
    """Phases that take a large share of the time, the largest first."""
    found: list[Insight] = []
    shares = _shares(phases)
    for phase in phases:
        share = shares.get((phase.derived, phase.name), 0.0)
        if phase.duration is None or share < _LARGE or phase.executions < _FEWEST:
            continue
        spent: dict[str, int] = {}
        passages: list[int] = []
        programs: dict[str, list[int]] = defaultdict(list)
        for run in runs:
            for one in run.phases:
                if one.name == phase.name and one.derived == phase.derived and one.duration_ms is not None:
                    passages.append(one.duration_ms)
                    spent[run.execution_id] = spent.get(run.execution_id, 0) + one.duration_ms
                    for program, length in one.calls:
                        if length is not None:
                            programs[program].append(length)
        if share > _NEARLY_ALL and not programs:
            continue
        passages.sort()
        if phase.derived and phase.name in _QUICK and median(passages) < _NOTICEABLE_MS:
            found += _waits(phase, runs)
            continue
        if _carried_by(spent.values()) < _FEWEST_CARRIERS:
            continue
        middle, low, high = _median_with_limits(passages)
        about = _ABOUT.get(phase.name, quoted(phase.name)) if phase.derived else f"Phase {quoted(phase.name)}"
        where = "time inside calls" if phase.derived else "time of all phases"
        sentence = (
            f"{about} takes {percent(share)} of the {where}: {len(passages)} times in {len(spent)} executions, "
            f"median {spoken(middle)} ({spoken(low)} to {spoken(high)}), p95 {spoken(phase.duration.p95_ms)}"
            f"{_most_of_it(programs, phase.duration.total_ms)}."
        )
        found.append(
            Insight(
                kind="slow_phase",
                subject=phase.name,
                sentence=sentence,
                evidence="measured",
                execution_ids=_longest(spent),
                n=len(spent),
                value=middle,
                low=low,
                high=high,
                unit="ms",
                confidence=confidence(len(spent)),
            )
        )
    return found


def _shares(phases: Sequence[PhaseMetrics]) -> dict[tuple[bool, str], float]:
    """Of the time of the same set, without the time of sub-agents, which is that of executions of their own."""
    totals = {
        (phase.derived, phase.name): phase.duration.total_ms
        for phase in phases
        if phase.duration is not None and not (phase.derived and phase.name == _DELEGATED)
    }
    together = {derived: sum(total for (of, _), total in totals.items() if of == derived) for derived in (False, True)}
    return {key: total / together[key[0]] for key, total in totals.items() if together[key[0]]}


def _waits(phase: PhaseMetrics, runs: Sequence[Run]) -> list[Insight]:
    """The long calls of a phase whose calls are short as a rule."""
    spent: dict[str, int] = {}
    waited: dict[str, list[int]] = defaultdict(list)
    sessions: set[str] = set()
    timed: set[str] = set()
    together = calls = 0
    for run in runs:
        for one in run.phases:
            if one.name != phase.name or not one.derived:
                continue
            for program, length in one.calls:
                if length is None:
                    continue
                timed.add(run.execution_id)
                calls += 1
                together += length
                if length >= _WAIT_MS:
                    waited[program].append(length)
                    spent[run.execution_id] = spent.get(run.execution_id, 0) + length
                    sessions.add(run.session)
    lengths = sorted(length for each in waited.values() for length in each)
    share = rate(len(spent), len(timed))
    if len(spent) < _FEWEST or len(sessions) < 2 or share is None or sum(lengths) < together / 2:
        return []
    program, often = min(waited.items(), key=lambda item: (-len(item[1]), item[0]))
    sentence = (
        f"{_ABOUT[phase.name]} is quick as a rule, but {len(lengths)} of {calls} calls took half a minute or more (median "
        f"{spoken(median(lengths))}) and make up {percent(sum(lengths) / together)} of that time, {len(often)} of them "
        f"{quoted(program, 40)}, in {len(spent)} of {len(timed)} executions: most likely they waited for a person's consent."
    )
    return [
        Insight(
            kind="slow_phase",
            subject=phase.name,
            sentence=sentence,
            evidence="measured",
            execution_ids=_longest(spent),
            n=len(spent),
            value=share.value,
            low=share.low,
            high=share.high,
            unit="share of executions",
            confidence=confidence(len(spent)),
        )
    ]


def slower_than_before(runs: Iterable[Run]) -> list[Insight]:
    """Phases and programs whose time has clearly grown, the most first."""
    series: dict[tuple[str, str, str], list[tuple[float, str, float, str]]] = defaultdict(list)
    for run in runs:
        if run.began is None:
            continue
        of_run: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for phase in run.phases:
            if not phase.derived and phase.duration_ms is not None:
                of_run["phase", phase.name, ""].append(phase.duration_ms)
            for program, length in phase.calls:
                if length is not None:
                    of_run["program", program, run.place].append(length)
        for key, lengths in of_run.items():
            series[key].append((run.began, run.execution_id, float(median(lengths)), run.session))
    found: list[Insight] = []
    for (sort, name, place), values in sorted(series.items()):
        values.sort()
        cut = len(values) - math.floor(len(values) * _RECENT)
        earlier, recent = values[:cut], values[cut:]
        if len(earlier) < _FEWEST_EARLIER or len(recent) < _FEWEST_RECENT:
            continue
        if len({session for *_, session in recent}) < 2 or len({session for *_, session in earlier}) < 2:
            continue
        before, now = (median(value for _, _, value, _ in side) for side in (earlier, recent))
        if now - before < _NOTICEABLE_MS:
            continue
        factor = ratio_of_medians([value[2] for value in earlier], [value[2] for value in recent])
        if factor is None or factor.low < _CLEAR:
            continue
        what = f"Phase {quoted(name)}" if sort == "phase" else quoted(name)
        what += f" in {quoted(place, 60)}" if place else ""
        found.append(
            Insight(
                kind="slower_than_before",
                subject=name,
                sentence=(
                    f"{what} takes {times(factor.value)} times as long as before ({times(factor.low)} to "
                    f"{times(factor.high)}): median {spoken(now)} in the last {len(recent)} executions that used it, "
                    f"{spoken(before)} in the {len(earlier)} before. Other tasks, or a slower machine, can be the cause."
                ),
                evidence="measured",
                execution_ids=tuple(value[1] for value in sorted(recent, key=lambda v: (-v[2], v[1]))[:MOST_IDS]),
                n=len(values),
                value=factor.value,
                low=factor.low,
                high=factor.high,
                unit="times as long",
                confidence=confidence(len(values)),
            )
        )
    return sorted(found, key=lambda insight: (-insight.low, insight.subject))


def _most_of_it(programs: dict[str, list[int]], together: int) -> str:
    """Which call takes the most of a phase, where it takes much of it."""
    if not programs or not together:
        return ""
    name, lengths = min(programs.items(), key=lambda item: (-sum(item[1]), item[0]))
    share = sum(lengths) / together
    if share < _LARGE or len(lengths) < _FEWEST_OF_PROGRAM:
        return ""
    return f"; {percent(share)} of it is {quoted(name)} ({len(lengths)} calls, median {spoken(median(lengths))})"


def _carried_by(amounts: Iterable[int]) -> float:
    """Over how many executions a sum is spread: (Σx)² / Σx², which is their number where all are equal and 1 where one has
    it all (Kish 1965, the effective sample size)."""
    values = list(amounts)
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / squares if squares else 0.0


def _longest(spent: dict[str, int]) -> tuple[str, ...]:
    return tuple(sorted(spent, key=lambda execution_id: (-spent[execution_id], execution_id))[:MOST_IDS])


def _median_with_limits(ordered: Sequence[int]) -> tuple[float, float, float]:
    """Median and its 95 % limits by order statistics (David and Nagaraja, "Order Statistics", 2003, §7.1)."""
    n = len(ordered)
    half = _Z * math.sqrt(n) / 2
    low, high = max(0, math.floor(n / 2 - half)), min(n - 1, math.ceil(n / 2 + half))
    return float(median(ordered)), float(ordered[low]), float(ordered[high])
