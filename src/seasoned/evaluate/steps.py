"""Are the recommended steps those that a successful run takes?

Steps are compared as effects (tool and normalised target, not wording), plans by order-aware F1: twice their longest
common subsequence over both lengths. Only successful runs are scored against. Keys that end in ``_changes`` count
the steps that change something alone; two plans that change nothing agree.

* ``recurring_ratio``: leave one run out; the plan comes from the other successes of its task, literals included. The
  ceiling is another success of the same task, chosen without looking at the run: the mean over them. ``outcomes
  unknown`` beside it: the same from all other runs, as a history without outcomes would have it.
* ``new_f1`` and ``new_margin``: leave one family out; the task is new, so targets are compared with literals as typed
  slots. The plan is the one among those of the nearest known tasks that agrees best with all of them
  (``learn.patterns.plan``); near are those that share words which, in the training families, go with equal plans. Rules beside it: one constant plan, the best of the training part; and a copy of the
  nearest task's run. The margin is over the better of the two, chosen with hindsight, which is in their favour.
* ``offered_share``: whether a plan is offered at all is decided on the training part: only if its margin there has a
  lower bound above 0, and then only where the neighbours agree at least as much as a threshold chosen there.
* ``adherence_auc``: within a task with at least three successes, does a success follow the common way of the other
  successes more than a failure does? Both are held against a way that knows neither. ``length_auc`` beside it: the
  shorter run wins.

Families are dealt to a develop and a test half by their hash. The method was looked at on the develop half only; all
parts are reported. ``prompts permuted`` runs the whole sweep with prompts dealt out anew among the tasks of a set.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seasoned.embed import Embedder
from seasoned.errors import UsageError
from seasoned.evaluate.intervals import Interval, cluster_interval
from seasoned.evaluate.labelled_runs import LabelledRun
from seasoned.evaluate.new_tasks import NewTask, Scored, new_tasks, scored
from seasoned.evaluate.report import Figure, Part, Report, Target
from seasoned.learn.patterns.alignment import align, likeness, recurring, tokens_of
from seasoned.learn.patterns.plan import common_plan
from seasoned.learn.steps import Step

__all__ = ["run_steps"]

_RATIO = Target(least=0.9)
_MARGIN = Target(least=0.0, low_above=0.0)
_FEWEST_SUCCESSES = 3


def run_steps(runs: Sequence[LabelledRun], embedder: Embedder | None = None, *, seed: int = 0) -> Report:
    """Measure on ``runs``. Raises UsageError when no task has two runs, one of them successful."""
    known = {run.task for run in runs if run.success}
    if not known:
        raise UsageError("evaluate steps: no run is known to have succeeded. Give transcripts with labels.")
    tasks = new_tasks(runs, embedder)
    results = [each for name in dict.fromkeys(task.set_name for task in tasks) for each in scored(_of(tasks, name))]
    permuted = [
        each
        for name in dict.fromkeys(task.set_name for task in tasks)
        for each in scored(_permuted(_of(tasks, name), seed))
    ]
    parts = [Part(name="all", n=len(runs), figures=tuple(_figures(runs, results, seed)))]
    for half in ("develop", "test"):
        own = [run for run in runs if _half(run.family) == half]
        parts.append(
            Part(
                name=half,
                n=len(own),
                figures=tuple(_figures(own, [each for each in results if _half(each.family) == half], seed)),
            )
        )
    names = list(dict.fromkeys(run.set_name for run in runs))
    for name in names if len(names) > 1 else ():
        own = [run for run in runs if run.set_name == name]
        parts.append(
            Part(
                name=name,
                n=len(own),
                figures=tuple(_figures(own, [each for each in results if each.set_name == name], seed)),
            )
        )
    parts.append(
        Part(
            name="prompts permuted",
            n=len(permuted),
            figures=(
                *_new([each for each in permuted if each.view == "steps"], seed, targets=False),
                *_new([each for each in permuted if each.view == "changes"], seed, targets=False, suffix="_changes"),
            ),
        )
    )
    families = len({run.family for run in runs})
    notes = (
        f"{len(runs)} runs of {len({run.task for run in runs})} tasks in {families} families, "
        f"{sum(run.success for run in runs)} successful.",
        "constant: the best constant plan of the training part. nearest copy: a run of the nearest known task. "
        "ceiling: another success of the same task.",
        "_changes: only steps that change something. always_: as if a plan were always offered.",
    )
    return Report(name="steps", parts=tuple(parts), notes=notes)


def _half(family: str) -> Literal["develop", "test"]:
    return "test" if hashlib.sha256(family.encode()).digest()[0] & 1 else "develop"


def _of(tasks: Sequence[NewTask], name: str) -> list[NewTask]:
    return [task for task in tasks if task.set_name == name]


def _permuted(tasks: list[NewTask], seed: int) -> list[NewTask]:
    """The same tasks with what is known of the prompts dealt out anew."""
    dealt: list[int] = np.random.default_rng(seed).permutation(len(tasks)).tolist()
    return [
        replace(task, words=tasks[other].words, vector=tasks[other].vector)
        for task, other in zip(tasks, dealt, strict=True)
    ]


def _figures(runs: Sequence[LabelledRun], results: Sequence[Scored], seed: int) -> list[Figure]:
    return [
        *_recurring(runs, seed),
        *_new([each for each in results if each.view == "steps"], seed),
        *_new([each for each in results if each.view == "changes"], seed, suffix="_changes"),
        *_adherence(runs, seed),
    ]


def _changes(steps: Sequence[Step]) -> tuple[str, ...]:
    return tuple(step.key for step in steps if step.kind == "change")


def _keys(steps: Sequence[Step]) -> tuple[str, ...]:
    return tuple(step.key for step in steps)


def _by_task(runs: Sequence[LabelledRun]) -> list[list[LabelledRun]]:
    groups: dict[tuple[str, str], list[LabelledRun]] = {}
    for run in runs:
        groups.setdefault((run.set_name, run.task), []).append(run)
    return [groups[key] for key in sorted(groups)]


def _recurring(runs: Sequence[LabelledRun], seed: int) -> list[Figure]:
    rows: list[tuple[str, dict[str, float]]] = []
    for group in _by_task(runs):
        for run in group:
            others = [other for other in group if other is not run]
            right = [other for other in others if other.success]
            if not run.success or not right:
                continue
            row: dict[str, float] = {}
            for view, of in (("", _keys), ("_changes", _changes)):
                own = of(run.steps)
                row[f"ours{view}"] = likeness(of(common_plan([other.steps for other in right])), own)
                row[f"unknown{view}"] = likeness(of(common_plan([other.steps for other in others])), own)
                row[f"ceiling{view}"] = float(np.mean([likeness(of(other.steps), own) for other in right]))
                row[f"any{view}"] = float(np.mean([likeness(of(other.steps), own) for other in others]))
            rows.append((run.family, row))
    figures: list[Figure] = []
    for view in ("", "_changes") if rows else ():
        columns = {
            name: np.asarray([row[f"{name}{view}"] for _, row in rows])
            for name in ("ours", "unknown", "ceiling", "any")
        }
        families = [family for family, _ in rows]
        figures.append(
            Figure(
                key=f"recurring_ratio{view}",
                n=len(rows),
                value=_ratio(columns["ours"], columns["ceiling"])(np.arange(len(rows))),
                interval=cluster_interval(families, _ratio(columns["ours"], columns["ceiling"]), seed=seed),
                baselines=(
                    ("outcomes unknown", _ratio(columns["unknown"], columns["ceiling"])(np.arange(len(rows)))),
                    ("copy of any run", _ratio(columns["any"], columns["ceiling"])(np.arange(len(rows)))),
                    ("ceiling F1", float(columns["ceiling"].mean())),
                ),
                target=_RATIO if not view else None,
            )
        )
    return figures


def _ratio(ours: NDArray[np.float64], ceiling: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
    def ratio(drawn: NDArray[np.intp]) -> float:
        below = float(ceiling[drawn].sum())
        return float(ours[drawn].sum()) / below if below else float("nan")

    return ratio


def _new(results: Sequence[Scored], seed: int, *, targets: bool = True, suffix: str = "") -> list[Figure]:
    if not results:
        return []
    offered = [each for each in results if each.offered]
    figures: list[Figure] = [
        Figure(
            key=f"offered_share{suffix}",
            n=len(results),
            value=len(offered) / len(results),
            interval=cluster_interval(
                [each.family for each in results],
                _mean([float(each.offered) for each in results]),
                seed=seed,
                share=True,
            ),
        )
    ]
    for name, chosen in (("new", offered), ("always", list(results))):
        if not chosen:
            figures.append(Figure(key=f"{name}_f1{suffix}", n=0, value=None))
            figures.append(Figure(key=f"{name}_margin{suffix}", n=0, value=None))
            continue
        families = [each.family for each in chosen]
        constant, nearest = (np.mean([getattr(each, rule) for each in chosen]) for rule in ("constant", "nearest"))
        better = [each.constant if constant >= nearest else each.nearest for each in chosen]
        ours = [each.ours for each in chosen]
        margin = [mine - theirs for mine, theirs in zip(ours, better, strict=True)]
        ceilings = [each.ceiling for each in chosen if each.ceiling is not None]
        figures.append(
            Figure(
                key=f"{name}_f1{suffix}",
                n=len(chosen),
                value=float(np.mean(ours)),
                interval=cluster_interval(families, _mean(ours), seed=seed),
                baselines=(
                    ("constant", float(constant)),
                    ("nearest copy", float(nearest)),
                    ("ceiling", float(np.mean(ceilings)) if ceilings else None),
                ),
            )
        )
        figures.append(
            Figure(
                key=f"{name}_margin{suffix}",
                n=len(chosen),
                value=float(np.mean(margin)),
                interval=cluster_interval(families, _mean(margin), seed=seed),
                target=_MARGIN if targets and name == "new" and not suffix else None,
            )
        )
    return figures


def _mean(values: Sequence[float]) -> Callable[[NDArray[np.intp]], float]:
    array = np.asarray(values, dtype=np.float64)
    return lambda drawn: float(array[drawn].mean())


def _adherence(runs: Sequence[LabelledRun], seed: int) -> list[Figure]:
    """One row for each pair of a success and a failure of one task."""
    families: list[str] = []
    follows: list[float] = []
    shorter: list[float] = []
    for group in _by_task(runs):
        right = [run for run in group if run.success]
        wrong = [run for run in group if not run.success]
        if len(right) < _FEWEST_SUCCESSES or not wrong:
            continue
        for run in right:
            rest = [other for other in right if other is not run]
            literal = recurring([other.steps for other in rest], 0.6)
            way = [
                column.token
                for column in align([tokens_of(n, other.steps, literal) for n, other in enumerate(rest)], 0.6).columns
            ]
            own = likeness(way, tokens_of(0, run.steps, literal).tokens)
            for other in wrong:
                theirs = likeness(way, tokens_of(0, other.steps, literal).tokens)
                families.append(run.family)
                follows.append(_won(own, theirs))
                shorter.append(_won(-len(run.steps), -len(other.steps)))
    if not families:
        return [Figure(key="adherence_auc", n=0, value=None), Figure(key="length_auc", n=0, value=None)]
    interval: Interval | None = cluster_interval(families, _mean(follows), seed=seed)
    return [
        Figure(
            key="adherence_auc",
            n=len(families),
            value=float(np.mean(follows)),
            interval=interval,
            baselines=(("constant", 0.5), ("trace length", float(np.mean(shorter)))),
        ),
        Figure(
            key="length_auc",
            n=len(families),
            value=float(np.mean(shorter)),
            interval=cluster_interval(families, _mean(shorter), seed=seed),
        ),
    ]


def _won(one: float, other: float) -> float:
    return 0.5 if one == other else float(one > other)
