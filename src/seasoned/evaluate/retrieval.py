"""Past work for a new prompt: does the history know which files it will touch?

Each prompt that led to commits is asked in time order, with nothing known but what was committed before it by other
families (``evaluate.histories``). The answer is a list of ten files; the truth is the files of its commits.

* ``list10_recall``: share of the truth in the list. ``file_recall_at_5``: in its first five. ``mrr``: one over the
  place of the first right file, 0 where there is none.
* ``ratio_bm25``, ``ratio_popular``: our ``list10_recall`` over theirs, on the same questions.

Files that a commit created cannot be known before; the ``ceiling`` row says how much of the truth could. Methods of
the field (BM25 over the past prompts, the embedding alone) turn likeness into files as ours does, by the sum of the
scores of their twenty nearest tasks, which serves them better than the nearest task or all tasks.
The same sweep runs once more with each question given the prompt of another family: what is left there is owed to
popularity and recency, not to the prompt.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seasoned.embed import Embedder
from seasoned.errors import UsageError
from seasoned.evaluate.histories import History, LinkedTask, read_history
from seasoned.evaluate.intervals import cluster_interval
from seasoned.evaluate.own_history import read_own_histories
from seasoned.evaluate.report import Figure, Part, Report, Target
from seasoned.learn.bm25 import Bm25
from seasoned.learn.keywords import keywords
from seasoned.learn.past_files import PastFiles, PastTask
from seasoned.store import Store

__all__ = ["run_own_retrieval", "run_retrieval"]

_LIST = 10
_FEWEST_KNOWN = 5
"""Questions with fewer past tasks than this are left out: there is no history to speak of yet."""
_FEWEST_QUESTIONS = 20
_FEWEST_FAMILIES = 5
"""Of a user's own history: below this the intervals are as wide as the scale."""
_NEAREST = 20
_OURS = "ours"
_KEYS = ("list10_recall", "file_recall_at_5", "mrr")
_RATIO = Target(least=1.2, low_above=1.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One question with every method's marks."""

    family: str
    marks: dict[str, tuple[float, float, float]]
    """Method → (list10_recall, file_recall_at_5, mrr)."""


def run_retrieval(folders: Sequence[Path], embedder: Embedder, *, seed: int = 0) -> Report:
    """Measure on histories (``evaluate.histories``), one per folder.

    Raises UsageError without a folder or when no question is left, InputError and UnreadableFileError as
    ``read_history`` does, EmbedderError as the embedder does.
    """
    if not folders:
        raise UsageError("evaluate retrieval: name a folder with checkpoints.jsonl and commits.jsonl.")
    report = _measured([read_history(folder) for folder in folders], embedder, seed, fewest=1)
    if isinstance(report, _TooSmall):
        raise UsageError("evaluate retrieval: no prompt in these folders has a commit and a history before it.")
    return report


def run_own_retrieval(store: Store, namespace: str, embedder: Embedder, *, seed: int = 0) -> Report:
    """Measure on what the store holds of ``namespace`` (``evaluate.own_history``).

    Raises UsageError when that is too little to say anything, StoreError, EmbedderError as the embedder does.
    """
    histories = read_own_histories(store, namespace)
    report = _measured(histories, embedder, seed, fewest=_FEWEST_QUESTIONS)
    if isinstance(report, _TooSmall):
        raise UsageError(
            f"evaluate retrieval: the history is too small to measure. It holds {report.asked} prompts that changed "
            f"files, {report.answerable} of them with at least {_FEWEST_KNOWN} tasks before them in the same "
            f"repository, in {report.families} sessions; needed are {_FEWEST_QUESTIONS} in {_FEWEST_FAMILIES}. "
            "`seasoned import` more, or name a folder with checkpoints.jsonl and commits.jsonl."
        )
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _TooSmall:
    """Why there is nothing to report."""

    asked: int
    answerable: int
    families: int


def _measured(histories: Sequence[History], embedder: Embedder, seed: int, *, fewest: int) -> Report | _TooSmall:
    asked: dict[str, list[_Asked]] = {}
    shuffled: list[_Asked] = []
    left_out = 0
    for history in histories:
        questions = [number for number, task in enumerate(history.tasks) if task.asked]
        if not questions:
            continue
        prepared = _Prepared(history, embedder)
        others = _dealt(history, questions, seed)
        for number in questions:
            found = prepared.ask(number, number)
            if found is None:
                left_out += 1
                continue
            asked.setdefault(history.name, []).append(found)
            one = prepared.ask(number, others[number]) if number in others else None
            shuffled.extend([one] if one is not None else [])
    everything = [each for group in asked.values() for each in group]
    families = len({each.family for each in everything})
    if len(everything) < fewest or (fewest > 1 and families < _FEWEST_FAMILIES):
        return _TooSmall(asked=len(everything) + left_out, answerable=len(everything), families=families)
    parts = [_part("all", everything, seed)]
    if len(asked) > 1:
        parts += [_part(name, group, seed) for name, group in asked.items() if len(group) >= fewest]
    if shuffled:
        parts.append(_part("prompts shuffled among the questions", shuffled, seed, targets=False))
    return Report(
        name="retrieval",
        parts=tuple(parts),
        notes=(
            f"{len(everything)} prompts in {families} families; {left_out} left out, asked before there was a history.",
            "Intervals: bootstrap over families. ceiling: share of the truth that existed before the prompt.",
        ),
    )


def _dealt(history: History, questions: list[int], seed: int) -> dict[int, int]:
    """For each question the number of one of another family whose prompt it is given instead of its own."""
    random = np.random.default_rng(seed)
    dealt: dict[int, int] = {}
    for number in questions:
        others = [other for other in questions if history.tasks[other].family != history.tasks[number].family]
        if others:
            dealt[number] = others[int(random.integers(len(others)))]
    return dealt


class _Prepared:
    """One history, indexed for every method."""

    def __init__(self, history: History, embedder: Embedder) -> None:
        self._name = history.name
        self._tasks = history.tasks
        self._changes = history.changes
        self._done = np.asarray([task.done_at for task in self._tasks])
        families = {name: n for n, name in enumerate(dict.fromkeys(task.family for task in self._tasks))}
        self._family = np.asarray([families[task.family] for task in self._tasks])
        texts = list(dict.fromkeys(task.prompt for task in self._tasks))
        place = {text: n for n, text in enumerate(texts)}
        self._vectors = embedder.embed(texts, "document")[[place[task.prompt] for task in self._tasks]]
        questions = list(dict.fromkeys(task.prompt for task in self._tasks if task.asked))
        self._queries = dict(zip(questions, embedder.embed(questions, "query"), strict=True))
        self._prompts = Bm25(keywords(task.prompt) for task in self._tasks)
        past = [PastTask(prompt=task.prompt, files=tuple(sorted(task.files))) for task in self._tasks]
        self._ours = PastFiles(past)

    def ask(self, number: int, prompt_of: int) -> _Asked | None:
        """The marks for task ``number`` with the prompt of task ``prompt_of``; None without a history."""
        task, prompt = self._tasks[number], self._tasks[prompt_of].prompt
        known = (self._done < task.asked_at) & (self._family != self._family[number])
        if int(known.sum()) < _FEWEST_KNOWN:
            return None
        lexical = np.where(known, self._prompts.scores(keywords(prompt), known), 0.0)
        cosine: Floats = (self._vectors @ self._queries[prompt]).astype(np.float64)
        semantic = np.where(known, np.maximum(cosine, 0.0), 0.0)
        before = [change for change in self._changes if change.at < task.asked_at and change.family != task.family]
        lists = {
            _OURS: [guess.path for guess in self._ours.rank(prompt, cosine, known, _LIST)],
            "bm25": self._voted(lexical),
            "embedding": self._voted(semantic),
            "nearest copy": self._copied(lexical),
            "popular": _best(Counter(path for change in before for path, _ in change.files)),
            "recent": list(dict.fromkeys(path for change in reversed(before) for path, _ in change.files))[:_LIST],
            "largest": _best(_sizes((path, lines) for change in before for path, lines in change.files)),
            "empty": [],
        }
        marks = {name: _marks(files, task) for name, files in lists.items()}
        existing = {path for change in before for path, _ in change.files} & task.files
        marks["ceiling"] = (
            min(len(existing), _LIST) / len(task.files),
            min(len(existing), 5) / len(task.files),
            float(bool(existing)),
        )
        return _Asked(family=f"{self._name} {task.family}", marks=marks)

    def _voted(self, scores: Floats) -> list[str]:
        votes: dict[str, float] = {}
        for number in _nearest(scores)[:_NEAREST]:
            for path in self._tasks[number].files:
                votes[path] = votes.get(path, 0.0) + float(scores[number])
        return _best(votes)

    def _copied(self, scores: Floats) -> list[str]:
        files: dict[str, None] = {}
        for number in _nearest(scores):
            files.update(dict.fromkeys(sorted(self._tasks[number].files)))
            if len(files) >= _LIST:
                break
        return list(files)[:_LIST]


def _nearest(scores: Floats) -> list[int]:
    """Numbers of the tasks with a score, best first; the newer one among equals."""
    numbers = np.flatnonzero(scores > 0)
    return numbers[np.lexsort((-numbers, -scores[numbers]))].tolist()


def _sizes(changes: Iterable[tuple[str, int]]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path, lines in changes:
        sizes[path] = sizes.get(path, 0) + lines
    return sizes


def _best(scores: "Counter[str] | dict[str, float] | dict[str, int]") -> list[str]:
    return sorted(scores, key=lambda path: (-scores[path], path))[:_LIST]


def _marks(files: list[str], task: LinkedTask) -> tuple[float, float, float]:
    right = [place for place, path in enumerate(files) if path in task.files]
    wanted = len(task.files)
    return len(right) / wanted, sum(place < 5 for place in right) / wanted, 1 / (right[0] + 1) if right else 0.0


def _part(name: str, asked: list[_Asked], seed: int, *, targets: bool = True) -> Part:
    families = [each.family for each in asked]
    methods = list(asked[0].marks)
    marks = {method: np.asarray([each.marks[method] for each in asked]) for method in methods}
    others = [method for method in methods if method != _OURS]
    figures = [
        Figure(
            key=key,
            n=len(asked),
            value=float(marks[_OURS][:, column].mean()),
            interval=cluster_interval(families, _mean(marks[_OURS][:, column]), seed=seed),
            baselines=tuple((method, float(marks[method][:, column].mean())) for method in others),
        )
        for column, key in enumerate(_KEYS)
    ]
    for key, other in (("ratio_bm25", "bm25"), ("ratio_popular", "popular")):
        ratio = _ratio(marks[_OURS][:, 0], marks[other][:, 0])
        figures.append(
            Figure(
                key=key,
                n=len(asked),
                value=ratio(np.arange(len(asked))),
                interval=cluster_interval(families, ratio, seed=seed),
                target=_RATIO if targets else None,
            )
        )
    return Part(name=name, n=len(asked), figures=tuple(figures))


def _mean(values: Floats) -> Callable[[NDArray[np.intp]], float]:
    return lambda drawn: float(values[drawn].mean())


def _ratio(ours: Floats, theirs: Floats) -> Callable[[NDArray[np.intp]], float]:
    def figure(drawn: NDArray[np.intp]) -> float:
        below = float(theirs[drawn].sum())
        return float(ours[drawn].sum()) / below if below > 0 else float("nan")

    return figure
