"""How long a run will take: each predicted from the past alone, in the order of time.

A prediction knows the runs that had ended when its own began. Its error is |log(predicted / actual)|, so that twice as
long and half as long are equally wrong. A *kind* is one agent (with its model) on one task shape. The keys:

* ``ratio_after_4_same_kind``: median error over the runs of which at least 4 of the same kind were known, divided by the
  median error of the running median of all runs, on the same runs. 1 is no better than knowing neither agent nor task.
* ``ratio_after_20``: the same where at least 20 runs of the task by *other* agents were known; what the agent itself took
  for the task is hidden, so that this says what carries over from agent to agent.
* ``ratio_all``: over all runs that had any past, with all that was known.
* ``error_factor_…``: exp of the median error of ours: by what factor the typical prediction was off.
* ``interval_coverage``: share of runs inside the stated interval, which should hold 0.8.

Baselines, divided by the same thing: the last run of the kind (of the task for ``ratio_after_20``), the mean of its
durations; *permuted tasks* is our method where each agent's runs had their tasks dealt out anew. Families are tasks.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seasoned.errors import UsageError
from seasoned.evaluate.intervals import cluster_interval
from seasoned.evaluate.report import Figure, Part, Report, Target
from seasoned.evaluate.runs import read_transcripts
from seasoned.learn import normalise, shape
from seasoned.learn.durations import DurationModel
from seasoned.model import Trace
from seasoned.store import Store, TraceQuery

__all__ = ["run_durations", "run_own_durations"]

_SAME_KIND, _SAME_TASK = 4, 20
_PAGE = 500
_TARGETS = {"ratio_after_4_same_kind": Target(most=0.5), "ratio_after_20": Target(most=0.75)}
_OURS, _GLOBAL = "ours", "running median of all"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _TimedRun:
    """One execution that says how long it took."""

    execution_id: str
    began: float
    """Seconds since 1970."""
    ended: float
    duration_ms: float
    agent: str
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Predicted:
    """One run with every method's error, |log(predicted / actual)|."""

    task: str
    same_kind: int
    """Runs of the kind that were known."""
    same_task: int
    """Runs of the task by other agents that were known."""
    errors: Mapping[str, float]
    across: Mapping[str, float]
    """The same with the kind hidden."""
    inside: bool
    """Whether the interval held it."""


def run_durations(paths: Sequence[Path], *, seed: int = 0) -> Report:
    """Measure on transcripts. Raises UsageError when none of them says when runs of a task began and ended."""
    unreadable: list[str] = []
    transcripts = read_transcripts(paths, unreadable=unreadable)
    runs = _timed(trace for transcript in transcripts for trace in transcript.traces)
    return _measured(runs, seed, unreadable)


def run_own_durations(store: Store, namespace: str, *, seed: int = 0) -> Report:
    """Measure on what the store holds of ``namespace``. Raises UsageError as above, StoreError."""
    return _measured(_timed(_all_traces(store, namespace)), seed, [])


def _all_traces(store: Store, namespace: str) -> Iterable[Trace]:
    offset = 0
    while found := store.traces(TraceQuery(namespace=namespace, limit=_PAGE, offset=offset)):
        yield from found
        offset += len(found)


def _timed(traces: Iterable[Trace]) -> list[_TimedRun]:
    runs: list[_TimedRun] = []
    for trace in traces:
        if not trace.duration_ms or trace.started_at is None or not trace.prompt or not trace.prompt.strip():
            continue
        began = trace.started_at.timestamp()
        agent = " ".join(filter(None, (trace.agent_name or trace.source, trace.model)))
        task = shape(normalise(trace.prompt)).prompt
        runs.append(
            _TimedRun(
                execution_id=trace.execution_id,
                began=began,
                ended=began + trace.duration_ms / 1000,
                duration_ms=trace.duration_ms,
                agent=agent,
                task=task,
            )
        )
    return sorted(runs, key=lambda run: (run.began, run.execution_id))


def _measured(runs: Sequence[_TimedRun], seed: int, unreadable: Sequence[str]) -> Report:
    predicted = _predicted(runs)
    if not predicted:
        raise UsageError("evaluate durations: nothing here says when two runs, one after the other, began and ended.")
    permuted = _predicted(_permuted(runs, seed))
    part = Part(name="all", n=len(predicted), figures=tuple(_figures(predicted, permuted, seed)))
    tasks, kinds = len({run.task for run in runs}), len({(run.agent, run.task) for run in runs})
    notes = [
        f"{len(runs)} timed runs of {tasks} tasks, {kinds} kinds (agent with model × task). "
        "A ratio of 1 is the error of the running median of all runs."
    ]
    if unreadable:
        notes.append(f"{len(unreadable)} files could not be read; the first: {unreadable[0]}")
    return Report(name="durations", parts=(part,), notes=tuple(notes))


def _permuted(runs: Sequence[_TimedRun], seed: int) -> list[_TimedRun]:
    """The same runs with the tasks of each agent dealt out anew."""
    random = np.random.default_rng(seed)
    numbers: dict[str, list[int]] = {}
    for number, run in enumerate(runs):
        numbers.setdefault(run.agent, []).append(number)
    dealt = list(runs)
    for own in numbers.values():
        order: list[int] = random.permutation(own).tolist()
        for number, other in zip(own, order, strict=True):
            dealt[number] = replace(runs[number], task=runs[other].task)
    return dealt


def _predicted(runs: Sequence[_TimedRun]) -> list[_Predicted]:
    past = _Past()
    waiting: list[tuple[float, int]] = []
    found: list[_Predicted] = []
    for number, run in enumerate(runs):
        while waiting and waiting[0][0] <= run.began:
            past.add(runs[heapq.heappop(waiting)[1]])
        if len(past.model):
            found.append(past.asked(run))
        heapq.heappush(waiting, (run.ended, number))
    return found


class _Past:
    """The runs that had ended."""

    def __init__(self) -> None:
        self.model = DurationModel()
        self._nothing = DurationModel()
        self._kinds: dict[tuple[str, str], list[float]] = {}
        self._tasks: dict[str, list[tuple[str, float]]] = {}

    def add(self, run: _TimedRun) -> None:
        self.model.add(run.agent, run.task, run.duration_ms)
        self._nothing.add(None, None, run.duration_ms)
        self._kinds.setdefault((run.agent, run.task), []).append(run.duration_ms)
        self._tasks.setdefault(run.task, []).append((run.agent, run.duration_ms))

    def asked(self, run: _TimedRun) -> _Predicted:
        kind = self._kinds.get((run.agent, run.task), [])
        others = [duration for agent, duration in self._tasks.get(run.task, ()) if agent != run.agent]
        ours = self.model.predict(run.agent, run.task)
        across = self.model.predict(run.agent, run.task, across_agents=True)
        flat = self._nothing.predict(None, None)
        assert ours is not None and flat is not None  # asked only where something is known
        fallback = flat.median_ms
        hidden = across.median_ms if across is not None else fallback
        error = _error_of(run)
        return _Predicted(
            task=run.task,
            same_kind=len(kind),
            same_task=len(others),
            errors={
                _OURS: error(ours.median_ms),
                _GLOBAL: error(fallback),
                "last of the kind": error(kind[-1] if kind else fallback),
                "mean of the kind": error(math.fsum(kind) / len(kind) if kind else fallback),
            },
            across={
                _OURS: error(hidden),
                _GLOBAL: error(fallback),
                "last of the task": error(others[-1] if others else fallback),
                "mean of the task": error(math.fsum(others) / len(others) if others else fallback),
            },
            inside=ours.low_ms <= run.duration_ms <= ours.high_ms,
        )


def _error_of(run: _TimedRun) -> Callable[[float], float]:
    actual = math.log(max(1.0, run.duration_ms))
    return lambda predicted: abs(math.log(max(1.0, predicted)) - actual)


def _figures(predicted: Sequence[_Predicted], permuted: Sequence[_Predicted], seed: int) -> Iterable[Figure]:
    def of_kind(run: _Predicted) -> bool:
        return run.same_kind >= _SAME_KIND

    def of_any(_: _Predicted) -> bool:
        return True

    def of_task(run: _Predicted) -> bool:
        return run.same_task >= _SAME_TASK

    for key, chosen, across in (
        ("ratio_after_4_same_kind", of_kind, False),
        ("ratio_after_20", of_task, True),
        ("ratio_all", of_any, False),
    ):
        runs = [run for run in predicted if chosen(run)]
        dealt = [run for run in permuted if chosen(run)]
        yield _ratio(key, runs, dealt, across=across, seed=seed)
        errors = _errors(runs, across=across)
        yield Figure(
            key=key.replace("ratio", "error_factor"),
            n=len(runs),
            value=float(np.exp(np.median(errors[_OURS]))) if runs else None,
            baselines=tuple((name, float(np.exp(np.median(e))) if runs else None) for name, e in errors.items() if name != _OURS),
        )  # fmt: skip
    inside = np.asarray([run.inside for run in predicted], dtype=np.float64)
    yield Figure(
        key="interval_coverage",
        n=len(predicted),
        value=float(inside.mean()),
        interval=cluster_interval(
            [run.task for run in predicted], lambda drawn: float(inside[drawn].mean()), seed=seed
        ),
    )


def _errors(runs: Sequence[_Predicted], *, across: bool) -> dict[str, Floats]:
    found: dict[str, list[float]] = {}
    for run in runs:
        for name, error in (run.across if across else run.errors).items():
            found.setdefault(name, []).append(error)
    return {name: np.asarray(errors, dtype=np.float64) for name, errors in found.items()}


def _ratio(key: str, runs: Sequence[_Predicted], permuted: Sequence[_Predicted], *, across: bool, seed: int) -> Figure:
    errors = _errors(runs, across=across)
    if not runs:
        return Figure(key=key, n=0, value=None, target=_TARGETS.get(key))

    def ratio(drawn: NDArray[np.intp]) -> float:
        return _quotient(errors[_OURS][drawn], errors[_GLOBAL][drawn])

    dealt = _errors(permuted, across=across)
    baselines = [(name, _quotient(values, errors[_GLOBAL])) for name, values in errors.items() if name != _OURS] + [
        ("permuted tasks", _quotient(dealt[_OURS], dealt[_GLOBAL]) if dealt else None)
    ]
    return Figure(
        key=key,
        n=len(runs),
        value=ratio(np.arange(len(runs), dtype=np.intp)),
        interval=cluster_interval([run.task for run in runs], ratio, seed=seed),
        baselines=tuple(baselines),
        target=_TARGETS.get(key),
    )


def _quotient(ours: Floats, base: Floats) -> float:
    below = float(np.median(base))
    return float(np.median(ours)) / below if below > 0 else math.nan
