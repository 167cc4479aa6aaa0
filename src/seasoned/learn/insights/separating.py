"""Tools and phase orders that go with success, or with failure, among runs of the same task.

All questions are asked within task shapes and corrected together (``patterns.contrast``). What passes goes *with*
success: a tool that is called when all is lost goes with failure without being its cause, and the sentences do not say
more than was tested. What does not pass is not told, except that the order that successful runs take most is shown as
*seen*.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from seasoned.learn.insights.gathered import MOST_IDS, Run
from seasoned.learn.insights.records import Insight, InsightKind
from seasoned.learn.insights.wording import percent, quoted, times
from seasoned.learn.patterns.contrast import FEWEST_OUTCOMES, Labelled, Tested, lessons, tested
from seasoned.learn.statistics import confidence, rate
from seasoned.model import Contrast

__all__ = ["Separated", "separating"]

_MOST_SUBJECTS = 200
"""Tools asked about, those first that vary most."""
_MOST_PHASES = 8
_FEWEST_SEEN = 3
_SURE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Separated:
    """What was found."""

    insights: tuple[Insight, ...]
    asked: int
    """Questions that the history could answer."""
    comparable: int
    """Task shapes that were run often enough with both outcomes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    words: str
    """What a run did: ``used X``."""
    kinds: tuple[InsightKind, InsightKind]
    """(with success, with failure)."""
    subject: str
    having: frozenset[int]


def separating(runs: Sequence[Run]) -> Separated:
    """Everything that separates success from failure, the surest first, then the order that was seen most."""
    known = [
        Labelled(run=number, success=run.proven, stratum=run.stratum, session=run.session)
        for number, run in enumerate(runs)
        if run.proven is not None and run.stratum is not None
    ]
    by_shape: dict[str, Counter[bool]] = {}
    for one in known:
        by_shape.setdefault(one.stratum, Counter())[one.success] += 1
    comparable = {
        shape for shape, count in by_shape.items() if min(count[True], count[False]) >= FEWEST_OUTCOMES
    }  # fmt: skip
    able = [one for one in known if one.stratum in comparable]
    asked: list[Tested] = []
    questions: dict[str, _Question] = {}
    for question, eligible in [*_of_tools(runs, able), *_of_orders(runs, able)]:
        answer = tested({question.words: question.having}, eligible)
        questions.update({question.words: question} if answer else {})
        asked += answer
    told = lessons(asked)
    found = [_insight(questions[words], contrast, runs, able) for words, contrast in told.items() if _clear(contrast)]
    found.sort(key=lambda item: (item[0], item[1].subject))
    insights = [insight for _, insight in found]
    if not any(insight.kind == "phase_order" for insight in insights):
        insights += _seen(runs)
    return Separated(insights=tuple(insights), asked=len(asked), comparable=len(comparable))


def _clear(contrast: Contrast) -> bool:
    """Whether the interval leaves out 1; where a margin is empty there is none, and the p-value stands in for it."""
    if contrast.odds_ratio:
        return contrast.low > 1 or _or_infinite(contrast.high) < 1
    return contrast.p_value <= _SURE


def _or_infinite(value: float | None) -> float:
    return math.inf if value is None else value


def _of_tools(runs: Sequence[Run], able: Sequence[Labelled]) -> list[tuple[_Question, Sequence[Labelled]]]:
    users: dict[str, set[int]] = {}
    for one in able:
        for tool in runs[one.run].tools:
            users.setdefault(tool, set()).add(one.run)
    varying = sorted(users.items(), key=lambda item: (abs(len(able) - 2 * len(item[1])), item[0]))
    return [
        (
            _Question(
                words=f"used {quoted(tool, 60)}",
                kinds=("helpful_tool", "harmful_tool"),
                subject=tool,
                having=frozenset(numbers),
            ),
            able,
        )
        for tool, numbers in varying[:_MOST_SUBJECTS]
        if len(numbers) < len(able)
    ]


def _of_orders(runs: Sequence[Run], able: Sequence[Labelled]) -> list[tuple[_Question, Sequence[Labelled]]]:
    common = Counter(name for one in able for name in {phase.name for phase in runs[one.run].phases})
    names = sorted(sorted(common, key=lambda name: (-common[name], name))[:_MOST_PHASES])
    places = {one.run: _places(runs[one.run]) for one in able}
    kinds: tuple[InsightKind, InsightKind] = ("phase_order", "phase_order")
    found: list[tuple[_Question, Sequence[Labelled]]] = []
    for a in names:
        for b in names:
            if a == b:
                continue
            both = [one for one in able if a in places[one.run] and b in places[one.run]]
            if a < b and both:  # the other way round is the same question
                first = frozenset(one.run for one in both if places[one.run][a][0] < places[one.run][b][0])
                words = f"entered {quoted(a, 40)} before {quoted(b, 40)}"
                found.append((_Question(words=words, kinds=kinds, subject=f"{a} → {b}", having=first), both))
            having_a = [one for one in able if a in places[one.run]]
            last = frozenset(one.run for one in both if places[one.run][a][1] < places[one.run][b][1])
            words = f"went through {quoted(b, 40)} after their last {quoted(a, 40)}"
            found.append((_Question(words=words, kinds=kinds, subject=f"{a} … → {b}", having=last), having_a))
    return found


def _places(run: Run) -> dict[str, tuple[int, int]]:
    """Phase → (first, last) place."""
    found: dict[str, tuple[int, int]] = {}
    for place, phase in enumerate(run.phases):
        first, _ = found.get(phase.name, (place, place))
        found[phase.name] = (first, place)
    return found


def _insight(
    question: _Question, contrast: Contrast, runs: Sequence[Run], able: Sequence[Labelled]
) -> tuple[float, Insight]:
    helps = contrast.verdict == "helps"
    having = [runs[one.run] for one in able if one.run in question.having]
    having.sort(key=lambda run: (run.proven is not helps, run.execution_id))
    n = contrast.successes + contrast.failures
    ratio, high = _or_infinite(contrast.odds_ratio), _or_infinite(contrast.high)
    bounded = contrast.odds_ratio and contrast.high is not None
    said = f"odds ratio {times(ratio)} ({times(contrast.low)} to {times(high)})" if bounded else "without exception"
    return contrast.q_value, Insight(
        kind=question.kinds[0 if helps else 1],
        subject=question.subject,
        sentence=(
            f"Among runs of the same task, those that {question.words} succeeded {'more' if helps else 'less'} often: "
            f"{said}, from "
            f"{contrast.successes} successes and {contrast.failures} failures in {contrast.sessions} sessions, "
            f"q = {contrast.q_value:.3f}. It goes with {'success' if helps else 'failure'}; whether it is the cause "
            "was not tested."
        ),
        evidence="tested",
        execution_ids=tuple(run.execution_id for run in having[:MOST_IDS]),
        n=n,
        value=ratio,
        low=contrast.low,
        high=high,
        unit="odds ratio",
        confidence=confidence(n),
    )


def _seen(runs: Sequence[Run]) -> list[Insight]:
    """The order in which successful runs enter their phases most often."""
    orders: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        order = tuple(dict.fromkeys(phase.name for phase in run.phases))
        if run.success and len(order) > 1:
            orders.setdefault(order, []).append(run)
    if len(orders) < 2:  # nobody went another way: that is no choice
        return []
    order, took = min(orders.items(), key=lambda item: (-len(item[1]), item[0]))
    together = sum(map(len, orders.values()))
    share = rate(len(took), together)
    if len(took) < _FEWEST_SEEN or share is None:
        return []
    shown = " → ".join(quoted(name, 40) for name in order)
    return [
        Insight(
            kind="phase_order",
            subject=" → ".join(order),
            sentence=(
                f"Seen most in successful runs of more than one phase: {shown} ({len(took)} of {together}, "
                f"{percent(share.value)}). That it does better than other orders is not known."
            ),
            evidence="seen",
            execution_ids=tuple(sorted(run.execution_id for run in took)[:MOST_IDS]),
            n=len(took),
            value=share.value,
            low=share.low,
            high=share.high,
            unit="share of executions",
            confidence=confidence(len(took)),
        )
    ]
