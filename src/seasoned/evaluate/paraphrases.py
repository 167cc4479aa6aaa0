"""Is the same task found again when it is asked in other words?

Two kinds of lines are read, never mixed in one file. ``{group, prompt}``: every prompt is asked in turn against all
others, and any other prompt of its group is right; prompts whose group holds no other are only in the way.
``{family, query, target, distractor | distractors}``: every query is asked against all targets of the file, and only
its own is right; then again with the distractors among them, which share words with the query but not the task, or are
near-copies with another name. Plain language is held against its target without them, as it was set so (PARTS.md);
prompts that carry names with them, as a near-copy with another name is what they are about.

* ``top1``: how often the first answer is right. ``mrr``: one over the place of the first right one.
* ``overlap``: mean Jaccard index of the content words of a question and its answer; it names how hard a set is.

Ours is the product's default score; beside it the published weights, the embedding alone, BM25, how many words are
shared, and a constant answer, on the same prompts with the same document frequencies; what is asked is not itself
among the documents. Ties count against the method: a right answer stands behind every wrong one of equal score, so
that an empty method scores nothing.

Of the sets that come with Seasoned, ``paraphrases_low_overlap`` and the ``blind`` half of ``identifiers`` were written
and frozen before any method was run on them. Half of ``paraphrases_no_overlap`` and of the older identifiers
(``tune``) served to choose the weights: those halves are held against no target.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from seasoned.embed import Embedder
from seasoned.errors import InputError, UnreadableFileError, UsageError
from seasoned.evaluate.intervals import cluster_interval
from seasoned.evaluate.report import Figure, Part, Report, Target
from seasoned.learn import PUBLISHED, Scorer, fingerprint, keywords, names
from seasoned.learn.bm25 import Bm25

__all__ = ["packaged_paraphrases", "run_paraphrases"]

_NAMESPACE = "evaluation"
_OURS = "ours"
_KEYS = ("top1", "mrr")
_SEEN = "tune"
"""Name of the half on which weights were chosen."""
_TOP1 = Target(least=0.85)
_AHEAD = Target(least=0.10)
_NEVER_BELOW = Target(least=0.0)

Marks = dict[str, NDArray[np.float64]]


class _Line(msgspec.Struct):
    prompt: str | None = None
    group: str | None = None
    query: str | None = None
    target: str | None = None
    family: str | None = None
    half: str | None = None
    distractor: str | None = None
    distractors: list[str] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    prompt: int
    """Its number among the texts."""
    right: frozenset[int]
    family: str
    half: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Set:
    name: str
    texts: tuple[str, ...]
    answers: tuple[int, ...]
    """Numbers of the texts that may be answered."""
    questions: tuple[_Question, ...]


def packaged_paraphrases() -> tuple[Path, ...]:
    """The sets that come with Seasoned: paraphrases that share few words or none, and prompts that carry names."""
    folder = Path(str(files("seasoned.evaluate"))) / "data"
    order = ("paraphrases_low_overlap", "paraphrases_no_overlap", "identifiers")
    return tuple(folder / f"{name}.jsonl" for name in order)


def run_paraphrases(paths: Sequence[Path], embedder: Embedder, *, seed: int = 0) -> Report:
    """Measure on each file, and on its halves where lines name one (weights were fitted on ``tune``).

    The first file is what counts at the top. Raises UsageError without a file, InputError naming the line that is not
    as described, UnreadableFileError, EmbedderError as the embedder does.
    """
    if not paths:
        raise UsageError("evaluate paraphrases: name a JSONL file of {group, prompt}.")
    parts: list[Part] = []
    shuffled: list[Part] = []
    for path in paths:
        sets = _read(path)
        if _carries_names(sets[-1]):
            sets.reverse()
        for place, data in enumerate(sets):
            parts += _measured(data, embedder, seed, held=place == 0)
        order: list[int] = np.random.default_rng(seed).permutation(len(sets[0].questions)).tolist()
        mixed = _marks(sets[0], embedder, order)
        everything = list(range(len(order)))
        shuffled.append(_part(f"{sets[0].name}, prompts shuffled", sets[0], mixed, everything, seed, held=False))
    return Report(
        name="paraphrases",
        parts=(*parts, *shuffled),
        notes=("Intervals: bootstrap over groups. published: 0.40, 0.30, 0.20, 0.10. Ties count against the method.",),
    )


def _measured(data: _Set, embedder: Embedder, seed: int, *, held: bool) -> list[Part]:
    """One part for all questions and one for each half. ``held``: against the targets."""
    marks = _marks(data, embedder, None)
    everything = list(range(len(data.questions)))
    halves = sorted({question.half for question in data.questions if question.half is not None})
    unseen = [number for number in everything if data.questions[number].half != _SEEN]
    clean = len(unseen) == len(everything)
    parts = [_part(data.name, data, marks, everything, seed, held=held and clean)]
    for half in halves if len(halves) > 1 and held else ():
        own = [number for number in everything if data.questions[number].half == half]
        parts.append(_part(f"{data.name}, {half} half", data, marks, own, seed, held=half != _SEEN))
    if held and not clean and unseen and len(halves) > 2:
        parts.append(_part(f"{data.name}, all but the {_SEEN} half", data, marks, unseen, seed, held=True))
    return parts


def _carries_names(data: _Set) -> bool:
    """Whether most of the questions name something out of code: an identifier, a path, an error."""
    named = sum(bool(names(data.texts[question.prompt])) for question in data.questions)
    return named > len(data.questions) / 2


def _read(path: Path) -> list[_Set]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    decoder = msgspec.json.Decoder(_Line)
    rows: list[_Line] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}, line {number}: {error}") from error
        grouped = row.group is not None and row.prompt is not None
        paired = row.query is not None and row.target is not None
        if grouped == paired or (rows and (rows[0].prompt is not None) != grouped):
            raise InputError(f"{path}, line {number}: neither group and prompt, nor query and target, as line 1 has.")
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: no line in it.")
    if rows[0].prompt is not None:
        return [_grouped(path.stem, rows)]
    sets = [_paired(f"{path.stem}, targets only", rows, distracted=False)]
    if any(row.distractor is not None or row.distractors for row in rows):
        sets.append(_paired(f"{path.stem}, with distractors", rows, distracted=True))
    return sets


def _grouped(name: str, rows: list[_Line]) -> _Set:
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(str(row.group), []).append(number)
    questions = tuple(
        _Question(
            prompt=number,
            right=frozenset(groups[str(row.group)]) - {number},
            family=str(row.group),
            half=row.half,
        )
        for number, row in enumerate(rows)
        if len(groups[str(row.group)]) > 1
    )
    if not questions:
        raise InputError(f"{name}: no group holds two prompts.")
    return _Set(
        name=name,
        texts=tuple(str(row.prompt) for row in rows),
        answers=tuple(range(len(rows))),
        questions=questions,
    )


def _paired(name: str, rows: list[_Line], *, distracted: bool) -> _Set:
    answers: dict[str, int] = {}
    for row in rows:
        for text in (row.target, *((row.distractor, *row.distractors) if distracted else ())):
            if text is not None:
                answers.setdefault(text, len(answers))
    return _Set(
        name=name,
        texts=(*answers, *(str(row.query) for row in rows)),
        answers=tuple(range(len(answers))),
        questions=tuple(
            _Question(
                prompt=len(answers) + number,
                right=frozenset({answers[str(row.target)]}),
                family=row.family or str(number),
                half=row.half,
            )
            for number, row in enumerate(rows)
        ),
    )


def _marks(data: _Set, embedder: Embedder, order: list[int] | None) -> Marks:
    """Method → ``(n_questions, 2)`` of top1 and reciprocal rank. ``order``: whose prompt each question is given."""
    prints = [fingerprint(text, _NAMESPACE) for text in data.texts]
    answers = np.asarray(data.answers)
    candidates = [prints[number] for number in data.answers]
    frequencies = Counter(token for candidate in candidates for token in candidate.prompt_tokens)
    documents = embedder.embed([data.texts[number] for number in data.answers], "document")
    asked = list(range(len(data.questions))) if order is None else order
    queries = embedder.embed([data.texts[data.questions[number].prompt] for number in asked], "query")
    cosines = (queries @ documents.T).astype(np.float64)
    words = Bm25(candidate.prompt_tokens for candidate in candidates)
    token_sets = [frozenset(candidate.prompt_tokens) for candidate in candidates]
    marks: dict[str, list[tuple[float, float]]] = {}
    for place, (question, other) in enumerate(zip(data.questions, asked, strict=True)):
        prompt = data.questions[other].prompt
        row = cosines[place].tolist()
        asking = prints[prompt]
        right = np.isin(answers, sorted(question.right))
        open_ = ~np.isin(answers, [question.prompt])
        known = frequencies - Counter(asking.prompt_tokens) if prompt in data.answers else frequencies
        total = int(open_.sum())
        ours = Scorer(asking, document_frequencies=known, documents=total)
        published = Scorer(asking, document_frequencies=known, documents=total, strategy=PUBLISHED)
        scores = {
            _OURS: ours.scores(candidates, row),
            "published": published.scores(candidates, row),
            "embedding": row,
            "BM25": words.scores(asking.prompt_tokens, open_).tolist(),
            "shared words": [len(tokens & frozenset(asking.prompt_tokens)) for tokens in token_sets],
            "constant": [-number for number in range(len(candidates))],
        }
        for method, values in scores.items():
            marks.setdefault(method, []).append(_mark(np.asarray(values, dtype=np.float64), right, open_))
    return {method: np.asarray(each) for method, each in marks.items()}


def _mark(scores: NDArray[np.float64], right: NDArray[np.bool_], open_: NDArray[np.bool_]) -> tuple[float, float]:
    best = float(scores[right & open_].max())
    before = int((scores[open_ & ~right] >= best).sum())
    return float(before == 0), 1 / (before + 1)


def _part(name: str, data: _Set, marks: Marks, numbers: list[int], seed: int, *, held: bool) -> Part:
    named = _carries_names(data)
    families = [data.questions[number].family for number in numbers]
    own = {method: values[numbers] for method, values in marks.items()}
    shared = np.asarray([_overlap(data, data.questions[number]) for number in numbers])
    figures: list[Figure] = [
        Figure(
            key="overlap",
            n=len(numbers),
            value=float(shared.mean()),
            interval=cluster_interval(families, _mean(shared), seed=seed),
        )
    ]
    for column, key in enumerate(_KEYS):
        ours = own[_OURS][:, column]
        figures.append(
            Figure(
                key=key,
                n=len(numbers),
                value=float(ours.mean()),
                interval=cluster_interval(families, _mean(ours), seed=seed, share=True),
                baselines=tuple((m, float(v[:, column].mean())) for m, v in own.items() if m != _OURS),
                target=_TOP1 if held and key == "top1" and not named else None,
            )
        )
    for key, other in (("top1_over_embedding", "embedding"), ("top1_over_bm25", "BM25")):
        ahead = own[_OURS][:, 0] - own[other][:, 0]
        figures.append(
            Figure(
                key=key,
                n=len(numbers),
                value=float(ahead.mean()),
                interval=cluster_interval(families, _mean(ahead), seed=seed),
                target=_target_ahead(other, named=named) if held else None,
            )
        )
    return Part(name=name, n=len(numbers), figures=tuple(figures))


def _overlap(data: _Set, question: _Question) -> float:
    """Largest Jaccard index of the question's content words with those of one of its answers."""
    asked = frozenset(keywords(data.texts[question.prompt]))
    answers = [frozenset(keywords(data.texts[number])) for number in question.right]
    return max(len(asked & answer) / len(asked | answer) if asked | answer else 0.0 for answer in answers)


def _target_ahead(other: str, *, named: bool) -> Target | None:
    if named:
        return _AHEAD
    return _NEVER_BELOW if other == "embedding" else None


def _mean(values: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
    return lambda drawn: float(values[drawn].mean())
