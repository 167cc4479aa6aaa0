"""Plans for tasks that were never seen, scored with whole families left out.

Everything that is chosen (what makes tasks near, how many are asked, how sharply likeness counts, whether to offer a
plan and where) is chosen on the training families alone, by leaving each of them out in turn; the family that is scored
has no part in it. A setting fixed once on half of the families was tried too and did worse on the other half.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seasoned.embed import Embedder
from seasoned.evaluate.intervals import cluster_interval
from seasoned.evaluate.labelled_runs import LabelledRun
from seasoned.learn.patterns.alignment import likeness
from seasoned.learn.patterns.plan import telling_words
from seasoned.learn.steps import Step

__all__ = ["NewTask", "Scored", "View", "new_tasks", "scored"]

View = Literal["steps", "changes"]
_Setting = tuple[Literal["words", "prompts"], int, float]
"""How tasks are alike (the words that tell about plans; the prompts as a whole), how many of the nearest are asked,
and the power to which their likeness counts."""
_SETTINGS: tuple[_Setting, ...] = (
    *(("words", neighbours, sharpness) for neighbours in (10, 1000) for sharpness in (1.0, 2.0, 4.0)),
    ("prompts", 5, 4.0),
    ("prompts", 10, 4.0),
    ("prompts", 20, 4.0),
)
_COPY: _Setting = ("prompts", 1, 1.0)
_VIEWS: tuple[View, ...] = ("steps", "changes")
_THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_RESAMPLES = 200
_FEWEST_OFFERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """One task with the plans of its successes."""

    set_name: str
    family: str
    plans: Mapping[View, tuple[tuple[str, ...], ...]]
    """Typed tokens of each success; empty where it has none."""
    words: Mapping[str, float]
    """Keywords by rarity in the set, of length 1."""
    vector: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """How the plans for one new task did; each is the mean order-aware F1 with its successful runs, 0..1."""

    set_name: str
    family: str
    view: View
    ours: float
    constant: float
    nearest: float
    ceiling: float | None
    """None for a task with a single success."""
    offered: bool


def new_tasks(runs: Sequence[LabelledRun], embedder: Embedder | None) -> list[NewTask]:
    """The tasks of ``runs`` that have a success."""
    groups: dict[tuple[str, str], list[LabelledRun]] = {}
    for run in runs:
        groups.setdefault((run.set_name, run.task), []).append(run)
    kept = [group for _, group in sorted(groups.items()) if any(run.success for run in group)]
    frequency: dict[str, Counter[str]] = {}
    sizes = Counter(group[0].set_name for group in kept)
    for group in kept:
        frequency.setdefault(group[0].set_name, Counter()).update(group[0].fingerprint.prompt_tokens)
    vectors = (
        embedder.embed([group[0].trace.prompt or "" for group in kept], "document") if embedder is not None else None
    )
    tasks: list[NewTask] = []
    for number, group in enumerate(kept):
        name = group[0].set_name
        words = {
            token: math.log(1 + sizes[name] / frequency[name][token])
            for token in group[0].fingerprint.prompt_tokens
            if frequency[name][token] > 1
        }
        norm = math.sqrt(math.fsum(weight * weight for weight in words.values())) or 1.0
        right = [run for run in group if run.success]
        tasks.append(
            NewTask(
                set_name=name,
                family=group[0].family,
                plans={
                    "changes": tuple(_typed([step for step in run.steps if step.kind == "change"]) for run in right),
                    "steps": tuple(_typed(run.steps) for run in right),
                },
                words={token: weight / norm for token, weight in words.items()},
                vector=vectors[number] if vectors is not None else None,
            )
        )
    return tasks


def _typed(steps: Sequence[Step]) -> tuple[str, ...]:
    return tuple(step.form for step in steps)


def scored(tasks: Sequence[NewTask]) -> list[Scored]:
    """Every task of one set, planned for from the families other than its own; for all steps and for changes alone."""
    found: list[Scored] = []
    if len({task.family for task in tasks}) < 3:
        return []
    near = _likenesses(tasks)
    for view in _VIEWS:
        found += _Set(tasks, view, near).scored()
    return found


def _likenesses(tasks: Sequence[NewTask]) -> NDArray[np.float64]:
    near = np.zeros((len(tasks), len(tasks)))
    for one, other in product(range(len(tasks)), repeat=2):
        mine, theirs = tasks[one], tasks[other]
        words = math.fsum(weight * theirs.words.get(token, 0.0) for token, weight in sorted(mine.words.items()))
        if mine.vector is None or theirs.vector is None:
            near[one, other] = words
        else:
            near[one, other] = (words + max(0.0, float(np.dot(mine.vector, theirs.vector)))) / 2
    return np.round(near, 5)


def _numbers(places: NDArray[np.intp]) -> list[int]:
    return [int(place) for place in places]


def _distinct(names: NDArray[np.str_]) -> list[str]:
    return sorted({str(name) for name in names})


class _Set:
    """The tasks of one set, seen as steps or as changes; agreements of all distinct plans are computed once."""

    def __init__(self, tasks: Sequence[NewTask], view: View, near: NDArray[np.float64]) -> None:
        self.tasks = tasks
        self.view: View = view
        self.near = near
        self.distinct: list[tuple[str, ...]] = sorted({plan for task in tasks for plan in task.plans[view]})
        place = {plan: number for number, plan in enumerate(self.distinct)}
        self.own: list[list[int]] = [[place[plan] for plan in task.plans[view]] for task in tasks]
        alike: NDArray[np.float64] = np.eye(len(self.distinct))
        for one in range(len(self.distinct)):
            for other in range(one):
                alike[one, other] = alike[other, one] = likeness(self.distinct[one], self.distinct[other])
        # Agreement of each distinct plan with each task: (plans, tasks).
        self.fits: NDArray[np.float64] = np.stack([alike[:, own].mean(axis=1) for own in self.own], axis=1)
        self.families: NDArray[np.str_] = np.asarray([task.family for task in tasks], dtype=np.str_)
        vocabulary = sorted({word for task in tasks for word in task.words})
        self.words: NDArray[np.float64] = np.asarray(
            [[float(word in task.words) for word in vocabulary] for task in tasks]
        )
        self.agreement: NDArray[np.float64] = np.stack([self.fits[own].mean(axis=0) for own in self.own])
        self.apart: NDArray[np.float64] = (self.families[:, None] != self.families[None, :]).astype(np.float64)

    def scored(self) -> list[Scored]:
        return [each for family in _distinct(self.families) for each in self._family(family)]

    def _family(self, family: str) -> list[Scored]:
        asked = np.flatnonzero(self.families == family)
        known = np.flatnonzero(self.families != family)
        setting, threshold = self._chosen(known)
        telling = self._telling(known)
        found: list[Scored] = []
        for number in _numbers(asked):
            plan, sureness = self._plan(number, known, setting, telling)
            own = self.own[number]
            pairs = [self._alike(a, b) for at, a in enumerate(own) for b in own[at + 1 :]]
            found.append(
                Scored(
                    set_name=self.tasks[number].set_name,
                    family=family,
                    view=self.view,
                    ours=float(self.fits[plan, number]),
                    constant=float(self.fits[self._constant(known), number]),
                    nearest=float(self.fits[self._plan(number, known, _COPY, telling)[0], number]),
                    ceiling=float(np.mean(pairs)) if pairs else None,
                    offered=threshold is not None and sureness >= threshold,
                )
            )
        return found

    def _alike(self, one: int, other: int) -> float:
        return likeness(self.distinct[one], self.distinct[other])

    def _constant(self, known: NDArray[np.intp]) -> int:
        candidates = self._candidates(known)
        scores: NDArray[np.float64] = np.asarray(self.fits[candidates][:, known].mean(axis=1), dtype=np.float64).round(
            9
        )
        return candidates[int(np.argmax(scores))]

    def _candidates(self, known: NDArray[np.intp]) -> list[int]:
        return sorted({plan for number in _numbers(known) for plan in self.own[number]})

    def _telling(self, known: NDArray[np.intp]) -> NDArray[np.float64]:
        square = np.ix_(known, known)
        return telling_words(self.words[known], self.agreement[square], self.apart[square])

    def _plan(
        self, number: int, known: NDArray[np.intp], setting: _Setting, telling: NDArray[np.float64]
    ) -> tuple[int, float]:
        """The plan for task ``number`` and how far those who are asked agree on it, 0..1."""
        by, neighbours, sharpness = setting
        if by == "words":
            told: NDArray[np.float64] = self.words[number] * telling
            near: NDArray[np.float64] = np.asarray(np.dot(self.words[known], told), dtype=np.float64).round(9)
        else:
            near = np.asarray(self.near[number, known], dtype=np.float64)
        nearest = np.argsort(-near, kind="stable")[:neighbours]
        order = known[nearest]
        weights: NDArray[np.float64] = np.maximum(near[nearest], 1e-6) ** sharpness
        candidates = self._candidates(order)
        scores: NDArray[np.float64] = np.asarray(
            np.dot(self.fits[candidates][:, order], weights / weights.sum()), dtype=np.float64
        ).round(9)
        best = int(np.argmax(scores))
        return candidates[best], float(scores[best])

    def _chosen(self, known: NDArray[np.intp]) -> tuple[_Setting, float | None]:
        """The setting with the best mean on the training families, and from which agreement on a plan one is offered;
        None: never, as no threshold has a margin whose lower bound is above 0 there."""
        rows: dict[_Setting, list[tuple[float, float, float, float]]] = {setting: [] for setting in _SETTINGS}
        for family in _distinct(self.families[known]):
            rest = known[self.families[known] != family]
            telling = self._telling(rest)
            constant = self._constant(rest)
            for number in _numbers(known[self.families[known] == family]):
                copy = self._plan(number, rest, _COPY, telling)[0]
                trivial: list[float] = self.fits[[constant, copy], number].tolist()
                for setting in _SETTINGS:
                    plan, sureness = self._plan(number, rest, setting, telling)
                    rows[setting].append((float(self.fits[plan, number]), trivial[0], trivial[1], sureness))
        means = {setting: round(float(np.mean([row[0] for row in rows[setting]])), 9) for setting in _SETTINGS}
        best = max(_SETTINGS, key=lambda setting: means[setting])  # the first of equals
        ordered = known[np.argsort(self.families[known], kind="stable")]
        return best, self._threshold(ordered, rows[best])

    def _threshold(self, known: NDArray[np.intp], rows: Sequence[tuple[float, float, float, float]]) -> float | None:
        table = np.asarray(rows)
        for threshold in _THRESHOLDS:
            kept = np.flatnonzero(table[:, 3] >= threshold)
            if len(kept) < _FEWEST_OFFERS:
                return None
            rule = 1 if table[kept, 1].mean() >= table[kept, 2].mean() else 2
            margin = table[kept, 0] - table[kept, rule]
            families: list[str] = self.families[known[kept]].tolist()
            interval = cluster_interval(
                families, lambda drawn, margin=margin: float(margin[drawn].mean()), resamples=_RESAMPLES
            )
            if interval is not None and interval.low > 0:
                return threshold
        return None
