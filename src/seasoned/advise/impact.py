"""Does it help? The report: what the experiment says, what it cannot say yet, and what a naive comparison would have
said.

Invariant: an effect is claimed only where the experiment has decided; before that the report says how many units are
missing. The naive comparison stands beside it under its own name, as a warning: advice is there for work that was done
before, which goes better with or without it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from seasoned.advise.effects import Answered, Effect, answered, opportunities
from seasoned.advise.endpoints import ENDPOINTS, QUESTIONS
from seasoned.advise.experiment import EVEN, HoldOut, begun, schedule
from seasoned.model.advice import Advice

__all__ = ["ImpactReport", "Naive", "between", "impact", "rounded", "spoken"]

_NAIVE = ("success", "quality", "duration_ms", "tokens", "cost_usd", "repeated_failures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Naive:
    """One figure with and without advice, whyever there was none. It is no effect."""

    endpoint: str
    label: str
    scale: str
    with_advice: float
    without: float
    difference: float
    """Of ratios relative."""
    n_with: int
    n_without: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactReport:
    """What advice did, as far as it can be told."""

    headline: str
    """One or a few sentences, fit to be shown as they are."""
    questions: tuple[Answered, ...]
    hold_outs: tuple[HoldOut, ...]
    """What is held out from now on, for the questions in the same order."""
    naive: tuple[Naive, ...]
    moments: int
    """Rows of the log."""
    with_something: int
    """Of these, moments at which there was something to say."""
    asked: int
    """Questions that somebody asked; always answered, and no part of the experiment."""
    first_at: datetime | None
    last_at: datetime | None
    since: datetime | None
    """Only what began then or later is told of: what was asked for, else when the experiment was begun anew; None: all."""
    anew_at: datetime | None
    """When the experiment was begun anew, the last time."""


def impact(rows: Iterable[Advice], *, since: datetime | None = None, at_least: float = EVEN) -> ImpactReport:
    """The report on the log. ``rows``: all of it, in any order, also what was before ``since``: a session that goes on
    then is no opportunity of its own. ``at_least``: share that is given where nothing is known yet, 0..1.

    Raises ValueError for an endpoint that is no finite number.
    """
    log = list(rows)
    anew_at = begun(log)
    begin = anew_at if since is None else since
    units = opportunities(log, since=begin)
    told = tuple(answered(question, units[question.name]) for question in QUESTIONS)
    # What is given from now on follows all that counts, whatever part of it somebody wants to be told of.
    planned = schedule(log)
    hold_outs = tuple((planned.plans if each.name == "plans" else planned.fixes).at_least(at_least) for each in told)
    held = [row for row in log if row.moment is not None and (begin is None or row.given_at >= begin)]
    times = [row.given_at for row in held]
    return ImpactReport(
        headline=_headline(told, hold_outs, len(held)),
        questions=told,
        hold_outs=hold_outs,
        naive=tuple(_naive(held)),
        moments=len(held),
        with_something=sum(bool(row.items) for row in held),
        asked=sum(row.opportunity == "asked" for row in held),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        since=begin,
        anew_at=anew_at,
    )


def _naive(rows: Sequence[Advice]) -> list[Naive]:
    """Prompts alone: every execution has one, and only some have a failure."""
    prompts = [row for row in rows if row.moment in {"prompt", "asked"}]
    found: list[Naive] = []
    for endpoint in (ENDPOINTS[name] for name in _NAIVE):
        values: dict[bool, list[float]] = {True: [], False: []}
        for row in prompts:
            value = endpoint.read(row)
            if value is not None:
                values[_was_told(row)].append(value)
        if values[True] and values[False]:
            with_it, without = fmean(values[True]), fmean(values[False])
            ratio = endpoint.scale == "ratio"
            found.append(
                Naive(
                    endpoint=endpoint.name,
                    label=endpoint.label,
                    scale=endpoint.scale,
                    with_advice=math.exp(with_it) if ratio else with_it,
                    without=math.exp(without) if ratio else without,
                    difference=math.expm1(with_it - without) if ratio else with_it - without,
                    n_with=len(values[True]),
                    n_without=len(values[False]),
                )
            )
    return found


def _was_told(row: Advice) -> bool:
    return bool(row.items) and (row.arm == "given" or (row.arm is None and row.reason is None))


# -- sentences --------------------------------------------------------------------------------------------------------
def _headline(told: Sequence[Answered], hold_outs: Sequence[HoldOut], rows: int) -> str:
    asked = [each for each in told if each.name != "warnings"]  # nothing is decided by warnings
    if not any(each.n_given + each.n_held_out for each in told):
        if not rows:
            return "Nothing to tell yet: no moment was seen at which advice could have been given."
        return "Nothing to tell yet: at no moment so far did chance decide between telling and holding back."
    order = {"harms": 0, "helps": 1, "no_difference": 2, "not_comparable": 3, "cannot_tell": 4, "no_data": 4}
    asked.sort(key=lambda each: order[each.verdict])
    stopped = {each.name for each, held in zip(told, hold_outs, strict=True) if held.state == "harms"}
    decided = [_sentence(each, each.name in stopped) for each in asked if order[each.verdict] < 4]
    open_ones = [each for each in asked if order[each.verdict] == 4]
    if open_ones:
        further = " and ".join(
            f"about {rounded(needed)} more {each.one if needed == 1 else each.many}"
            for each in open_ones
            if (needed := each.effects[0].needed)
        )
        if decided:
            decided.append(f"{open_ones[0].title}: cannot tell yet" + (f"; {further}." if further else "."))
        else:
            decided.append("Cannot tell yet whether advice helps" + (f": it needs {further}." if further else "."))
    if stopped:
        decided.append(
            "Nothing more is learned of what is not given: once you have changed what did harm, "
            "`seasoned impact --restart` begins anew."
        )
    return " ".join(decided)


def _sentence(question: Answered, stopped: bool) -> str:
    first = question.effects[0]
    match question.verdict:
        case "helps":
            return f"{question.title} help: {_measured(first)}."
        case "harms":
            worse = first if first.verdict == "harms" else _success_of(question)
            return f"{question.title} HARM{', and are not given any more' if stopped else ''}: {_measured(worse)}."
        case "no_difference":
            return f"{question.title} make no difference that would matter: {_measured(first)}."
        case _:
            return f"{question.title}: given and held out are not comparable, so no effect is claimed."


def _success_of(question: Answered) -> Effect:
    return next(each for each in question.effects if each.endpoint == "success")


def _measured(effect: Effect) -> str:
    if effect.difference is None:
        return f"{effect.label} not known"
    return f"{effect.label} {spoken(effect.scale, effect.difference)} ({between(effect)})"


def between(effect: Effect) -> str:
    """The interval for people; empty where there is none."""
    if effect.low is None or effect.high is None:
        return ""
    low = spoken(effect.scale, effect.low).removesuffix(" points")
    return f"{low} to {spoken(effect.scale, effect.high)}"


def spoken(scale: str, change: float) -> str:
    """A difference for people: points of shares, percent of ratios, else the number."""
    match scale:
        case "share":
            return f"{100 * change:+.1f} points".replace("-", "−")
        case "ratio":
            return f"{100 * change:+.0f}%".replace("-", "−")
        case _:
            return f"{change:+.2f}".replace("-", "−")


def rounded(number: int) -> str:
    """A need for more, to two digits: nobody knows it better. Thousands are separated."""
    return f"{round(number, min(0, 2 - len(str(number)))):,}".replace(",", "\u202f")
