"""Outcome inference against known outcomes, in its three tiers.

Labels come from a JSONL of ``{transcript, success, customer or group}`` or, where the data state a reward, from there;
the inference never sees them (``evaluate.runs``). Runs of the same task are those of the same prompt. Families are the
customer or group of the label, else the task.

* ``consensus_auc``: how well the share of other runs of the task with the same effects (``learn.consensus``) tells
  right runs from wrong ones. Only runs whose task has another run.
* ``consensus_precision`` and ``consensus_coverage``: of the product's own claims (all others agree: success; failure
  is never claimed). ``fitted share`` beside it: claims above a share that is chosen on the *other* families, as the
  lowest that is at least 95 % precise there.
* ``single_auc``: what weak signals of one run say: the share of its calls that failed, and signals of a bad end. It is
  reported beside the trace length; there is no floor, as such signals change sign between domains.
* ``unknown_share``: runs of which the inference says ``unknown`` when it sees one run alone.
* ``explicit_precision``: of the others, how often it is right; absent when there are none.

Stops and hidden failures (``interrupted_recall``, ``piped_*``) are counted on the same transcripts (``evaluate.stops``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seasoned.errors import UsageError
from seasoned.evaluate.intervals import Interval, auc, cluster_interval
from seasoned.evaluate.labels import Label, read_labels
from seasoned.evaluate.report import Figure, Part, Report, Target
from seasoned.evaluate.runs import Run, Transcript, read_transcripts
from seasoned.evaluate.stops import stop_figures
from seasoned.learn import consensus, task_hash
from seasoned.learn.effects import Effect, effects, telling
from seasoned.model import Status

__all__ = ["run_outcomes"]

_PRECISE = 0.95
_BAD_ENDS = frozenset({"failed_end", "asked_again", "user_correction"})
_AUC = Target(least=0.85)
_PRECISION = Target(least=_PRECISE)
_COVERAGE = Target(least=0.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One run with a known outcome."""

    truth: bool
    family: str
    task: str
    set_name: str
    share: float | None
    """Of the other runs of the task, how many have the same effects; None without others."""
    claimed: bool
    """Whether the product takes the agreement for a success."""
    effects: frozenset[Effect]
    weak: float
    length: int
    """Tool and model calls."""
    inferred: Status


def run_outcomes(transcripts: Sequence[Path], labels: Path | None = None, *, seed: int = 0) -> Report:
    """Measure on every transcript at or below ``transcripts``. Without ``labels``, a ``labels.jsonl`` in one of the
    folders is used.

    Raises UsageError without transcripts, or when there is neither a labelled run nor a stop to recognise; InputError
    naming the line of ``labels`` that is not as described or whose transcript is not among those given.
    """
    unreadable: list[str] = []
    read = read_transcripts(transcripts, unreadable=unreadable)
    cases = _cases(read, read_labels(transcripts, labels, read))
    stops = stop_figures(read, seed=seed)
    if not cases and not stops:
        raise UsageError("evaluate outcomes: no run has a known outcome. Give --labels, or data that state a reward.")
    parts: list[Part] = []
    if cases:
        parts.append(Part(name="all", n=len(cases), figures=(*_figures(cases, seed), *stops)))
        names = list(dict.fromkeys(case.set_name for case in cases))
        for name in names if len(names) > 1 else ():
            own = [case for case in cases if case.set_name == name]
            parts.append(Part(name=name, n=len(own), figures=tuple(_figures(own, seed))))
        shuffled = _shuffled(cases, seed)
        parts.append(Part(name="labels shuffled", n=len(cases), figures=tuple(_figures(shuffled, seed, targets=False))))
    else:
        parts.append(Part(name="all", n=sum(figure.n for figure in stops[:1]), figures=tuple(stops)))
    families = len({case.family for case in cases})
    notes = [f"{len(read)} transcripts, {len(cases)} runs with a known outcome in {families} families."]
    notes += [f"Not read: {problem}" for problem in unreadable[:5]]
    notes.append(
        "others' labels: the share of right ones among the other runs of the task. another success: the ceiling, whether "
        "a run known to be right did the same. constant: every run called a success."
    )
    return Report(name="outcomes", parts=tuple(parts), notes=tuple(notes))


def _cases(read: Sequence[Transcript], labels: dict[Path, Label]) -> list[_Case]:
    runs: list[tuple[Run, bool, str, str, str]] = []
    for transcript in read:
        label = labels.get(transcript.path)
        if label is not None and transcript.runs:
            # A label speaks for the whole transcript; its first root is the task, the others went on from there.
            first = transcript.runs[0]
            whole = replace(first, spans=transcript.spans)
            task = task_hash("", first.trace.prompt or "")
            family = label.customer or label.group or task
            runs.append((whole, label.success, family, task, transcript.path.parent.parent.name))
            continue
        for run in transcript.runs:
            if run.label is not None:
                task = task_hash("", run.trace.prompt or "")
                runs.append((run, run.label, task, task, transcript.path.stem))
    groups: dict[tuple[str, str], list[int]] = {}
    for number, (_, _, _, task, name) in enumerate(runs):
        groups.setdefault((name, task), []).append(number)
    done = [effects(run.spans) for run, *_ in runs]
    found: dict[int, consensus.Agreement] = {}
    for members in groups.values():
        same_task = [
            consensus.Run(
                run_id=str(number),
                effects=done[number],
                telling=telling(runs[number][0].spans),
                blamed=consensus.blamed(runs[number][0].trace),
            )
            for number in members
        ]
        found.update(zip(members, consensus.agreements(same_task), strict=True))
    return [
        _Case(
            truth=truth,
            family=family,
            task=task,
            set_name=name,
            share=found[number].share,
            claimed=run.trace.status == "unknown"
            and consensus.self_contained(run.trace.prompt or "")
            and consensus.consensus(found[number]).status == "success",
            effects=done[number],
            weak=_weak(run),
            length=sum(span.kind in {"tool", "llm"} for span in run.spans),
            inferred=run.trace.status,
        )
        for number, (run, truth, family, task, name) in enumerate(runs)
    ]


def _weak(run: Run) -> float:
    """Weak signals of one run as a number; higher speaks for success."""
    calls = [span for span in run.spans if span.kind == "tool"]
    failed = sum(span.outcome == "failure" for span in calls) / len(calls) if calls else 0.0
    return -failed - sum(signal.kind in _BAD_ENDS for signal in run.trace.outcome_evidence)


def _shuffled(cases: list[_Case], seed: int) -> list[_Case]:
    """The labels of each set dealt out anew among its runs."""
    random = np.random.default_rng(seed)
    shuffled = list(cases)
    for name in dict.fromkeys(case.set_name for case in cases):
        numbers = [number for number, case in enumerate(cases) if case.set_name == name]
        dealt: list[int] = random.permutation(numbers).tolist()
        for number, other in zip(numbers, dealt, strict=True):
            shuffled[number] = replace(cases[number], truth=cases[other].truth)
    return shuffled


def _figures(cases: list[_Case], seed: int, *, targets: bool = True) -> list[Figure]:
    shared = [case for case in cases if case.share is not None]
    figures: list[Figure] = []
    if shared:
        figures += _consensus(shared, seed, targets=targets)
    figures.append(
        Figure(
            key="single_auc",
            n=len(cases),
            value=_auc(cases, _weak_of)(np.arange(len(cases))),
            interval=_interval(cases, _auc(cases, _weak_of), seed),
            baselines=(("constant", 0.5), ("trace length", _auc(cases, _length_of)(np.arange(len(cases))))),
        )
    )
    unknown = np.asarray([case.inferred == "unknown" for case in cases], dtype=np.float64)
    figures.append(
        Figure(
            key="unknown_share",
            n=len(cases),
            value=float(unknown.mean()),
            interval=_interval(cases, lambda drawn: float(unknown[drawn].mean()), seed, share=True),
        )
    )
    claimed = [case for case in cases if case.inferred in ("success", "failure")]
    if claimed:
        right = np.asarray([(case.inferred == "success") == case.truth for case in claimed], dtype=np.float64)
        figures.append(
            Figure(
                key="explicit_precision",
                n=len(claimed),
                value=float(right.mean()),
                interval=_interval(claimed, lambda drawn: float(right[drawn].mean()), seed, share=True),
            )
        )
    return figures


def _consensus(cases: list[_Case], seed: int, *, targets: bool) -> list[Figure]:
    everything = np.arange(len(cases))
    by_share = _auc(cases, _share_of)
    truth = np.asarray([case.truth for case in cases])
    claims = np.asarray([case.claimed for case in cases], dtype=np.bool_)
    fitted = _fitted(cases)

    made = np.flatnonzero(claims)
    right = truth[made].astype(np.float64)

    def precision(drawn: NDArray[np.intp]) -> float:
        return float(right[drawn].mean())

    def coverage(drawn: NDArray[np.intp]) -> float:
        return float(claims[drawn].mean())

    return [
        Figure(
            key="consensus_auc",
            n=len(cases),
            value=by_share(everything),
            interval=_interval(cases, by_share, seed),
            baselines=(
                ("constant", 0.5),
                ("trace length", _auc(cases, _length_of)(everything)),
                ("others' labels", auc(_others_right(cases), truth)),
                ("another success", auc(_like_a_success(cases), truth)),
            ),
            target=_AUC if targets else None,
        ),
        Figure(
            key="consensus_precision",
            n=len(made),
            value=precision(np.arange(len(made))) if len(made) else None,
            # Over the families that claims were made in: the others say nothing about how good claims are.
            interval=_interval([cases[number] for number in made], precision, seed, share=True),
            baselines=(
                ("constant", float(truth.mean())),
                ("fitted share", float(truth[fitted].mean()) if fitted.any() else None),
            ),
            target=_PRECISION if targets else None,
        ),
        Figure(
            key="consensus_coverage",
            n=len(cases),
            value=coverage(everything),
            interval=_interval(cases, coverage, seed, share=True),
            baselines=(("constant", 1.0), ("fitted share", float(fitted.mean()))),
            target=_COVERAGE if targets else None,
        ),
    ]


def _fitted(cases: list[_Case]) -> NDArray[np.bool_]:
    """Which runs a threshold would claim to be successes that is chosen, for each family, on all others."""
    shares = np.asarray([_share_of(case) for case in cases])
    truth = np.asarray([case.truth for case in cases])
    families = np.asarray([case.family for case in cases])
    claims = np.zeros(len(cases), dtype=np.bool_)
    for family in np.unique(families):
        own = families == family
        for threshold in np.unique(shares[~own]):
            above = ~own & (shares >= threshold)
            if float(truth[above].mean()) >= _PRECISE:
                claims |= own & (shares >= threshold)
                break
    return claims


def _others(cases: list[_Case]) -> list[list[_Case]]:
    """The other runs of each run's task."""
    groups: dict[tuple[str, str], list[int]] = {}
    for number, case in enumerate(cases):
        groups.setdefault((case.set_name, case.task), []).append(number)
    return [
        [cases[other] for other in groups[case.set_name, case.task] if other != number]
        for number, case in enumerate(cases)
    ]


def _others_right(cases: list[_Case]) -> NDArray[np.float64]:
    """Of the other runs of the task, how many are right: what labels on them would tell."""
    return np.asarray([sum(other.truth for other in others) / len(others) for others in _others(cases)])


def _like_a_success(cases: list[_Case]) -> NDArray[np.float64]:
    """1 where another run of the task is known to be right and did the same: the ceiling of agreement."""
    return np.asarray(
        [
            float(any(other.truth and other.effects == case.effects for other in others))
            for case, others in zip(cases, _others(cases), strict=True)
        ]
    )


def _share_of(case: _Case) -> float:
    return case.share or 0.0


def _weak_of(case: _Case) -> float:
    return case.weak


def _length_of(case: _Case) -> float:
    return -float(case.length)


def _auc(cases: Sequence[_Case], score: Callable[[_Case], float]) -> Callable[[NDArray[np.intp]], float]:
    scores = np.asarray([score(case) for case in cases])
    truth = np.asarray([case.truth for case in cases])
    return lambda drawn: auc(scores[drawn], truth[drawn])


def _interval(
    cases: Sequence[_Case], figure: Callable[[NDArray[np.intp]], float], seed: int, *, share: bool = False
) -> Interval | None:
    return cluster_interval([case.family for case in cases], figure, seed=seed, share=share)
