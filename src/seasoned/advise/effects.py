"""What advice did, read from the log: given against held out, by intention to treat.

A unit is what chance decided over: a session, or one kind of failure in one session. It enters with its *first*
opportunity, its arm then, and what was measured after that; later ones of the same unit are what advice may have
made of it (a session that was helped asks other things next), and comparing those would compare different work.

Invariant: nothing but the logged rows decides, in whatever order they are handed over, so that the same log gives the
same answer everywhere. Asked questions, moments without anything to say and modes that say nothing are no part of it:
chance had none in them.

Two checks come first. Were as many given as chance would have it? Are outcomes as often known in both arms? Where not,
something else than chance made the arms, and no effect is claimed. Below that, intervals are widened by what outcomes
that are not known could hide (``unknown_outcomes``).
"""

import math
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from seasoned.advise.endpoints import ENDPOINTS, QUESTIONS, Endpoint, Question, QuestionName, question_of
from seasoned.advise.sequential import (
    LEAST_CLUSTERS,
    Sequential,
    boundary,
    expected_from_the_past,
    sequential,
    weights,
)
from seasoned.advise.unknown_outcomes import doubt
from seasoned.model.advice import Advice

__all__ = [
    "LEVEL",
    "Answered",
    "Effect",
    "Opportunities",
    "Verdict",
    "answered",
    "more_needed",
    "opportunities",
]

Verdict = Literal["helps", "harms", "no_difference", "cannot_tell", "not_comparable", "no_data"]

LEVEL: Final = 0.95
"""Probability with which an interval holds at every look."""
_SURE = 0.1
"""Share of the error rate at which a verdict is sure."""
_UNBALANCED = 0.001
_UNEQUALLY_KNOWN = 0.01
"""Error rates of the two checks. The second is stricter than usual for there are many endpoints."""
_POWER_Z = 0.8416212335729143
"""80 % quantile of the normal distribution: how likely an effect of interest should be found."""
_PLANNED_WEIGHT = 20
"""Units that the assumed spread counts as, beside the one seen."""
_MOST_NEEDED = 10_000_000
_WORTH_A_WORD = 0.05
"""Share of outcomes that are not known from which on the report says so; the newest never are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunities:
    """The units of one question, by time. Arrays: (n_units,)."""

    first: Sequence[Advice]
    """The first opportunity of each."""
    given: NDArray[np.bool_]
    share: NDArray[np.float64]
    sessions: NDArray[np.intp]
    """Number of the session."""
    places: NDArray[np.intp]
    """Number of the user and repository."""
    alike: NDArray[np.intp]
    """Number of what outcomes depend on most: a failure's signature, else user and repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One endpoint. Differences are given − held out: of shares and numbers as they are, of ratios relative (−0.1: a
    tenth less)."""

    endpoint: str
    label: str
    scale: str
    primary: bool
    """Whether it decides its question."""
    verdict: Verdict
    sure: bool
    """Whether the verdict *helps* or *harms* also holds at a tenth of the error rate."""
    level: float
    """Probability with which the interval holds at all looks."""
    given: float | None
    """Mean (of ratios: geometric mean), estimated as the difference is: with a few units not the plain one. None without
    data."""
    held_out: float | None
    difference: float | None
    low: float | None
    high: float | None
    n_given: int
    """Units whose value is known."""
    n_held_out: int
    unknown_given: int
    unknown_held_out: int
    smallest: float
    """Smallest difference of interest, > 0, as ``difference``."""
    needed: int | None
    """Further units until the smallest difference of interest would be found four times in five; None: it is decided,
    or not comparable, or the value was never known of any unit so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One question, as far as it is answered."""

    name: QuestionName
    title: str
    one: str
    many: str
    verdict: Verdict
    share: float
    """Probability of ``given`` at the latest unit; one half before the first."""
    n_given: int
    n_held_out: int
    places: int
    """Users and repositories."""
    first_at: datetime | None
    last_at: datetime | None
    effects: tuple[Effect, ...]
    """The one that decides first."""
    notes: tuple[str, ...]


def opportunities(
    rows: Iterable[Advice],
    wanted: Callable[[Advice], bool] = lambda _: True,
    *,
    since: datetime | None = None,
) -> dict[QuestionName, Opportunities]:
    """The units of each question, of rows in any order; ``wanted``: only those of which this holds for the first row.

    ``since``: only units that *began* then or later, which takes the rows before it too: a session that goes on is there
    because of how it went so far, and that may be the advice's doing.
    """
    chosen: dict[str, Advice] = {}
    for row in rows:
        unit = row.unit
        if unit is None or row.arm is None or row.share is None or row.opportunity == "asked":
            continue
        held = chosen.get(unit)
        if held is None or (row.given_at, row.advice_id) < (held.given_at, held.advice_id):
            chosen[unit] = row
    by_question: dict[QuestionName, list[Advice]] = {question.name: [] for question in QUESTIONS}
    for row in sorted(chosen.values(), key=lambda each: (each.given_at, each.advice_id)):
        if 0 < (row.share or 0.0) < 1 and (since is None or row.given_at >= since) and wanted(row):
            by_question[question_of(row)].append(row)
    return {name: _arranged(found) for name, found in by_question.items()}


def _arranged(rows: Sequence[Advice]) -> Opportunities:
    places = [(row.user_id, row.repo) for row in rows]
    return Opportunities(
        first=rows,
        given=np.array([row.arm == "given" for row in rows], bool),
        share=np.array([row.share for row in rows], float),
        sessions=_numbered([row.session_id or row.unit for row in rows]),
        places=_numbered(places),
        alike=_numbered([row.subject or place for row, place in zip(rows, places, strict=True)]),
    )


def _numbered(names: Sequence[Hashable]) -> NDArray[np.intp]:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.intp)


def answered(question: Question, units: Opportunities, endpoints: Collection[str] | None = None) -> Answered:
    """One question; ``endpoints``: only these of it, the one that decides among them. Raises ValueError for an endpoint
    that is no finite number."""
    notes: list[str] = []
    balanced = _balanced(units)
    if not balanced:
        notes.append(
            "More or fewer were given than chance explains: rows were lost, or written by something else. "
            "No effect is claimed."
        )
    told = tuple(
        _effect(ENDPOINTS[name], units, name == question.primary, question.alpha(name, LEVEL), comparable=balanced)
        for name in question.endpoints
        if endpoints is None or name in endpoints
    )
    notes += [
        f"{each.label}: it is known more often in one arm than in the other, so what is known is not comparable."
        for each in told
        if balanced and each.verdict == "not_comparable"
    ]
    unknown = told[0].unknown_given + told[0].unknown_held_out
    if _WORTH_A_WORD * len(units.given) <= unknown < len(units.given):
        notes.append(
            f"{told[0].label.capitalize()} is not known of {unknown} of {len(units.given)} {question.many}: what is "
            "not known is left out, and the interval is wider by what it could hide."
        )
    places = len(np.unique(units.places))
    if 0 < places < LEAST_CLUSTERS:
        notes.append(
            f"All of it is from {places} user and repository{'' if places == 1 else ' pairs'}: it is about "
            f"{'that' if places == 1 else 'those'}, and says nothing about others."
        )
    against = any(each.verdict == "harms" for each in told if each.primary or each.endpoint == "success")
    given = int(units.given.sum())
    return Answered(
        name=question.name,
        title=question.title,
        one=question.one,
        many=question.many,
        verdict="harms" if against else told[0].verdict,
        share=float(units.share[-1]) if len(units.share) else 0.5,
        n_given=given,
        n_held_out=len(units.given) - given,
        places=places,
        first_at=units.first[0].given_at if units.first else None,
        last_at=units.first[-1].given_at if units.first else None,
        effects=told,
        notes=tuple(notes),
    )


def _balanced(units: Opportunities) -> bool:
    """Whether the arms are as chance would have made them: Σ w(Z/p − (1−Z)/(1−p)) is near 0."""
    ones = np.ones(len(units.share))
    return _around_zero(sequential(ones, units.given, units.share, 0 * ones, alpha=_UNBALANCED))


def _around_zero(found: Sequential) -> bool:
    return not len(found.low) or bool(found.low[-1] <= 0 <= found.high[-1])


def _effect(endpoint: Endpoint, units: Opportunities, primary: bool, alpha: float, *, comparable: bool) -> Effect:
    values = [endpoint.read(row) for row in units.first]
    known = np.array([value is not None for value in values], bool)
    whether = known.astype(float)
    usually = expected_from_the_past(whether, units.places, 0.5)
    heard = sequential(whether, units.given, units.share, usually, alpha=_UNEQUALLY_KNOWN)
    equally = _around_zero(heard)
    outcome = np.array([value for value in values if value is not None], float)
    given, share = units.given[known], units.share[known]
    n_given = int(given.sum())
    counts = {
        "n_given": n_given,
        "n_held_out": len(given) - n_given,
        "unknown_given": int(units.given.sum()) - n_given,
        "unknown_held_out": int((~units.given & ~known).sum()),
    }
    expected = expected_from_the_past(outcome, units.alike[known], endpoint.first)
    scaled = np.clip(outcome - expected, -endpoint.cut, endpoint.cut) / endpoint.cut
    clusters = (units.sessions[known], units.places[known])
    none = np.zeros(len(outcome))
    seen = sequential(scaled, given, share, none, alpha=alpha, clusters=clusters)
    known_share = (len(outcome) + 1) / (len(known) + 1)
    verdict: Verdict = "no_data"
    sure = False
    wide = float(seen.widening[-1]) if len(outcome) else 1.0
    low = high = difference = mean_given = mean_held_out = None
    if n_given and n_given < len(given):
        unsure = doubt(scaled, known, heard)
        difference = float(seen.difference[-1]) * endpoint.cut
        plain = (float(seen.high[-1]) - float(seen.low[-1])) / 2
        half = unsure.widened(plain) * endpoint.cut
        low, high = max(difference - half, -endpoint.cut), min(difference + half, endpoint.cut)
        wide *= half / (plain * endpoint.cut)
        centre = float(np.sum(weights(share) * expected) / seen.weight[-1])
        mean_given, mean_held_out = (centre + float(each[-1]) * endpoint.cut for each in (seen.given, seen.held_out))
        verdict = _verdict(endpoint, low, high) if comparable and equally else "not_comparable"
        last = seen.squares[-1:]
        wider = float(boundary(last, alpha * _SURE / 2)[0] / boundary(last, alpha / 2)[0])
        sure = verdict in {"helps", "harms"} and abs(difference) > unsure.widened(plain * wider) * endpoint.cut
    needed = None
    never_known = not len(outcome) and len(known) >= _PLANNED_WEIGHT
    if verdict in {"cannot_tell", "no_data"} and not never_known:
        further = more_needed(endpoint, seen, alpha, float(units.share[-1]) if len(units.share) else 0.5, wide)
        needed = min(_MOST_NEEDED, math.ceil(further / known_share))
    return Effect(
        endpoint=endpoint.name,
        label=endpoint.label,
        scale=endpoint.scale,
        primary=primary,
        verdict=verdict,
        sure=sure,
        level=1 - alpha,
        given=_shown(endpoint, mean_given),
        held_out=_shown(endpoint, mean_held_out),
        difference=_change(endpoint, difference),
        low=_change(endpoint, low),
        high=_change(endpoint, high),
        smallest=1 - math.exp(-endpoint.smallest) if endpoint.scale == "ratio" else endpoint.smallest,
        needed=needed,
        **counts,
    )


def _verdict(endpoint: Endpoint, low: float, high: float) -> Verdict:
    if low > 0 or high < 0:
        return "helps" if (low > 0) == (endpoint.better > 0) else "harms"
    return "no_difference" if -endpoint.smallest < low and high < endpoint.smallest else "cannot_tell"


def _change(endpoint: Endpoint, value: float | None) -> float | None:
    return math.expm1(value) if value is not None and endpoint.scale == "ratio" else value


def _shown(endpoint: Endpoint, value: float | None) -> float | None:
    if value is None:
        return None
    if endpoint.scale == "ratio":
        return math.exp(value)
    # Estimates of few units can leave the range of what they estimate.
    return max(0.0, min(1.0, value) if endpoint.scale == "share" else value)


def more_needed(endpoint: Endpoint, seen: Sequential, alpha: float, share: float, wide: float = 1.0) -> int:
    """Further units whose outcome is known, at this share, with the spread seen and intervals ``wide`` times as wide,
    until a true difference of the smallest size of interest would be found with 80 % probability; where it would have
    been by now, until the interval is no wider than that difference, so that it must say one or the other."""
    weight = float(weights(np.array([share]))[0])
    n = len(seen.squares)
    squares, total = (float(seen.squares[-1]), float(seen.weight[-1])) if n else (0.0, 0.0)
    planned = (weight * endpoint.spread / endpoint.cut) ** 2 / (share * (1 - share))
    # The spread seen was seen at other shares; per weight it is about 4 times the variance over p(1−p)·4.
    each = weight * (squares + _PLANNED_WEIGHT * planned) / (total + _PLANNED_WEIGHT * weight)

    def halves(further: int) -> tuple[float, float]:
        q, w = squares + further * each, total + further * weight
        if w <= 0:
            return math.inf, math.inf
        scale = wide * endpoint.cut / w
        return scale * float(boundary(np.array([q]), alpha / 2)[0]), scale * math.sqrt(q)

    def found(further: int) -> bool:
        half, error = halves(further)
        return half + _POWER_Z * error <= endpoint.smallest

    def narrow(further: int) -> bool:
        return halves(further)[0] <= endpoint.smallest / 2

    enough = narrow if found(0) else found
    upper = 1
    while not enough(upper) and upper < _MOST_NEEDED:
        upper *= 2
    lower = upper // 2
    while upper - lower > 1:
        middle = (lower + upper) // 2
        lower, upper = (lower, middle) if enough(middle) else (middle, upper)
    return upper
