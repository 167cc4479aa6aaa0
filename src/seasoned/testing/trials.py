"""Simulated trials of advice whose true effect is known, to see whether the inference of ``advise`` finds just that.

Both outcomes of every unit are drawn, with and without the advice, and one of them is shown, as chance and the
product's own schedule decide. So the truth is known exactly, for these units and for the world that they were drawn
from.

Invariant: what is followed is the product's own code (``advise.sequential``), looked at after *every* unit; only the
share that is given is looked at less often, every 50 units. Deterministic given the seed."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seasoned.advise.sequential import Floats, Sequential, expected_from_the_past, sequential, weights

__all__ = ["SCENARIOS", "Scenario", "Trial", "Watched", "simulate", "watched"]

Whole = NDArray[np.intp]
_EVERY = 50
_ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Units by time, each with both of its outcomes. Arrays: (n_units,)."""

    with_it: Floats
    without: Floats
    sessions: Whole
    places: Whole
    """User and repository."""
    alike: Whole
    """What outcomes depend on most."""
    known: NDArray[np.bool_]
    easy: Floats
    """How easy the work was, in the scale of outcomes: what confounds whoever does not draw lots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of world."""

    draw: Callable[[np.random.Generator], Trial]
    effect: float
    """True mean difference in the world, in the scale of outcomes, before cutting."""
    cut: float = 1.0
    first: float = 0.75
    schedule: bool = False
    """Whether the share shrinks as the product's does; else even odds throughout."""
    by_units: bool = True
    """Whether the truth is that of the units seen (a difference within each); else of the world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One trial, looked at after every unit."""

    missed: bool
    """Whether the interval ever left out the truth."""
    helps_at: int | None
    """Units after which it was first said that outcomes are higher with it."""
    harms_at: int | None
    naive_at: int | None
    """Units after which somebody who looks at the usual 95 % interval after every unit, from 30 on, would have claimed
    any effect."""
    asymptotic_missed: bool
    """Whether the asymptotic confidence sequence, from 30 units on, ever left out the truth."""
    width: float
    """Of the interval at the end."""
    estimate: float
    truth: float
    asked: float
    """With against without, as somebody would compare who advises where it is easy and not where it is hard."""
    pooled: float
    """Given against held out, as if the share had been the same at all times."""
    share: float
    """At the end."""


def simulate(scenario: Scenario, *, simulations: int, seed: int = 0) -> list[Watched]:
    """That many trials of one kind."""
    return [watched(scenario, np.random.default_rng([seed, number])) for number in range(simulations)]


def watched(scenario: Scenario, random: np.random.Generator) -> Watched:
    """One trial from its first unit to its last."""
    trial = scenario.draw(random)
    n = len(trial.with_it)
    luck = random.random(n)
    share = np.full(n, 0.5)
    followed, end = None, n
    for start in range(_EVERY, n + _EVERY, _EVERY) if scenario.schedule else (n,):
        upto = min(start, n)
        followed = _followed(scenario, trial, luck, share, upto)
        if not scenario.schedule or upto == n:
            break
        following = _share_after(followed)
        if following == 0:
            end = upto
            break
        share[upto:] = following
    assert followed is not None
    return _judged(scenario, trial, luck, share, end, followed, random)


def _shown(trial: Trial, luck: Floats, share: Floats, upto: int) -> tuple[NDArray[np.bool_], Floats, NDArray[np.bool_]]:
    given = luck[:upto] < share[:upto]
    return given, np.where(given, trial.with_it[:upto], trial.without[:upto]), trial.known[:upto]


def _followed(scenario: Scenario, trial: Trial, luck: Floats, share: Floats, upto: int) -> Sequential:
    given, outcome, known = _shown(trial, luck, share, upto)
    outcome = outcome[known]
    expected = expected_from_the_past(outcome, trial.alike[:upto][known], scenario.first)
    scaled = np.clip(outcome - expected, -scenario.cut, scenario.cut) / scenario.cut
    clusters = (trial.sessions[:upto][known], trial.places[:upto][known])
    return sequential(scaled, given[known], share[:upto][known], 0 * scaled, alpha=_ALPHA, clusters=clusters)


def _share_after(seen: Sequential) -> float:
    """The product's rule (``experiment.hold_out``), higher being better; *sure* is taken to be a difference of 1.25
    half lengths of its interval."""
    if not len(seen.low):
        return 0.5
    if seen.high[-1] < 0:
        return 0.0
    half = (seen.high[-1] - seen.low[-1]) / 2
    return 0.5 if seen.low[-1] <= 0 else 0.9 if seen.difference[-1] > 1.25 * half else 0.8


def _judged(
    scenario: Scenario,
    trial: Trial,
    luck: Floats,
    share: Floats,
    end: int,
    seen: Sequential,
    random: np.random.Generator,
) -> Watched:
    given, outcome, known = _shown(trial, luck, share, end)
    given, outcome, share = given[known], outcome[known], share[:end][known]
    expected = expected_from_the_past(outcome, trial.alike[:end][known], scenario.first)
    weight = weights(share)
    if scenario.by_units:

        def cut(values: Floats) -> Floats:
            return np.clip(values[:end][known] - expected, -scenario.cut, scenario.cut) / scenario.cut

        truth = np.cumsum(weight * (cut(trial.with_it) - cut(trial.without))) / np.cumsum(weight)
    else:
        truth = np.full(len(given), scenario.effect / scenario.cut)
    missed = bool(np.any((seen.low > truth + 1e-12) | (seen.high < truth - 1e-12)))
    return Watched(
        missed=missed,
        helps_at=_first(seen.low > 0),
        harms_at=_first(seen.high < 0),
        naive_at=_peeking(given, outcome),
        asymptotic_missed=_asymptotic_misses(seen, truth),
        width=float(seen.high[-1] - seen.low[-1]) * scenario.cut,
        estimate=float(seen.difference[-1]) * scenario.cut,
        truth=float(truth[-1]) * scenario.cut,
        asked=_where_easy(trial, random),
        pooled=float(outcome[given].mean() - outcome[~given].mean()) if 0 < given.sum() < len(given) else 0.0,
        share=float(share[-1]),
    )


def _first(said: NDArray[np.bool_]) -> int | None:
    return int(np.argmax(said)) + 1 if said.any() else None


def _peeking(given: NDArray[np.bool_], outcome: Floats) -> int | None:
    """The usual interval (Welch's, normal quantile), looked at after every unit."""
    sums: list[Floats] = []
    for arm in (given, ~given):
        count = np.maximum(np.cumsum(arm), 1)
        mean = np.cumsum(outcome * arm) / count
        variance = np.maximum(np.cumsum(outcome**2 * arm) / count - mean**2, 0)
        sums += [count, mean, variance]
    error = np.sqrt(sums[2] / sums[0] + sums[5] / sums[3])
    enough = (np.arange(len(given)) >= 29) & (sums[0] > 1) & (sums[3] > 1) & (error > 0)
    return _first(enough & (np.abs(sums[1] - sums[4]) > 1.959963984540054 * error))


def _asymptotic_misses(seen: Sequential, truth: Floats) -> bool:
    """Waudby-Smith and others (https://arxiv.org/abs/2103.06476, Theorem 2.2 in its weighted form), tuned for 500
    units, from 30 on."""
    best = -2 * math.log(_ALPHA)
    spread = np.maximum(seen.squares - seen.difference**2 * seen.weight, 1e-300)
    rate = (best + math.log(best) + 1) / 500
    each = spread / np.maximum(seen.weight, 1)
    t = spread / np.maximum(each, 1e-300) * rate
    half = np.sqrt((t + 1) / rate * np.log((t + 1) / _ALPHA**2) * each) / seen.weight
    out = np.abs(seen.difference - truth) > half
    return bool(np.any(out[29:]))


def _where_easy(trial: Trial, random: np.random.Generator) -> float:
    """Mean outcome where there was advice against where there was none, if there is advice mostly for easy work."""
    rank = np.argsort(np.argsort(trial.easy)) / max(len(trial.easy) - 1, 1)
    told = random.random(len(rank)) < 0.1 + 0.8 * rank
    return float(trial.with_it[told].mean() - trial.without[~told].mean())


# -- worlds -----------------------------------------------------------------------------------------------------------
def _trial(with_it: Floats, without: Floats, **other: NDArray[np.generic]) -> Trial:
    n = len(with_it)
    units = np.arange(n)
    given: dict[str, NDArray[np.generic]] = {
        "sessions": units,
        "places": np.zeros(n, np.intp),
        "alike": np.zeros(n, np.intp),
        "known": np.ones(n, bool),
        "easy": np.zeros(n),
    } | other
    return Trial(with_it=with_it, without=without, **given)  # pyright: ignore[reportArgumentType]


def _shares(n: int, rate: float, effect: float) -> Callable[[np.random.Generator], Trial]:
    """Success or not, alike at all times."""

    def draw(random: np.random.Generator) -> Trial:
        luck = random.random(n)  # one draw for both: whoever succeeds without it does so with it
        return _trial((luck < rate + effect).astype(float), (luck < rate).astype(float))

    return draw


def _drifting(n: int, effect: float) -> Callable[[np.random.Generator], Trial]:
    """Success rises from one half to nine tenths, as people and library learn; the effect grows from nothing to twice
    ``effect``."""

    def draw(random: np.random.Generator) -> Trial:
        time = np.linspace(0, 1, n)
        easy = 0.5 + 0.4 * time - 2 * effect * time
        luck = random.random(n)
        return _trial((luck < easy + 2 * effect * time).astype(float), (luck < easy).astype(float), easy=easy)

    return draw


def _places(random: np.random.Generator, n: int, count: int) -> Whole:
    """Users and repositories, a few of which have most of the sessions (Zipf's law)."""
    chance = 1 / np.arange(1, count + 1) ** 0.8
    return random.choice(count, n, p=chance / chance.sum())


def _clustered(n: int, effect: float, *, count: int, differing: float = 0.0) -> Callable[[np.random.Generator], Trial]:
    """Success, in sessions of users and repositories that are differently good, and differently helped."""

    def draw(random: np.random.Generator) -> Trial:
        places = _places(random, n, count)
        easy = np.clip(0.6 + 0.2 * random.standard_normal(count), 0.2, 0.85)[places]
        helped = effect + differing * random.standard_normal(count)[places]
        luck = random.random(n)
        chance = np.clip(easy + helped, 0, 1)
        return _trial(
            (luck < chance).astype(float), (luck < easy).astype(float), places=places, alike=places, easy=easy
        )

    return draw


def _failures(n: int, effect: float) -> Callable[[np.random.Generator], Trial]:
    """Steps to recovery after failures, 1 to 10, counted so that more is better: several in a session, which is a good
    or a bad one, as kinds of failure are."""

    def draw(random: np.random.Generator) -> Trial:
        sessions = np.repeat(np.arange(n), random.integers(1, 6, n))[:n]
        places = _places(random, n, 30)[sessions]
        kinds = random.integers(0, 25, n)
        hard = 3 + 1.5 * random.standard_normal(n)[sessions] + 1.5 * random.standard_normal(25)[kinds]
        tail = random.exponential(2.0, n)
        without = np.clip(hard + tail, 1, 10)
        with_it = np.clip(hard + tail - effect, 1, 10)
        return _trial(-with_it, -without, sessions=sessions, places=places, alike=kinds, easy=-hard)

    return draw


def _durations(n: int, change: float) -> Callable[[np.random.Generator], Trial]:
    """Logarithms of times of which one in twenty is heavy-tailed (Pareto with no variance), shorter by ``change``;
    negative, so that more is better."""

    def draw(random: np.random.Generator) -> Trial:
        places = _places(random, n, 20)
        usual = math.log(180_000) + 0.7 * random.standard_normal(20)[places]
        noise = 1.1 * random.standard_normal(n)
        noise = np.where(random.random(n) < 0.05, noise + random.exponential(1.5, n) * 2, noise)
        without = usual + noise
        with_it = without + math.log1p(change) + 0.3 * random.standard_normal(n)
        return _trial(-with_it, -without, places=places, alike=places, easy=-usual)

    return draw


def _half_known(inner: Callable[[np.random.Generator], Trial]) -> Callable[[np.random.Generator], Trial]:
    """The same, with four of ten outcomes never known."""

    def draw(random: np.random.Generator) -> Trial:
        trial = inner(random)
        return Trial(
            with_it=trial.with_it, without=trial.without, sessions=trial.sessions, places=trial.places,
            alike=trial.alike, easy=trial.easy, known=random.random(len(trial.easy)) < 0.6,
        )  # fmt: skip

    return draw


def _steps(effect: float) -> Scenario:
    return Scenario(draw=_failures(2000, effect), effect=effect, cut=7.0, first=-4.0)


def _times(change: float) -> Scenario:
    first = -math.log(180_000)
    return Scenario(draw=_durations(3000, change), effect=-math.log1p(change), cut=math.log(16), first=first)


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "success, no effect": Scenario(draw=_shares(3000, 0.75, 0.0), effect=0.0),
    "success, +5 points": Scenario(draw=_shares(8000, 0.75, 0.05), effect=0.05),
    "success, +10 points": Scenario(draw=_shares(3000, 0.7, 0.1), effect=0.1),
    "success, -10 points": Scenario(draw=_shares(3000, 0.7, -0.1), effect=-0.1, schedule=True),
    "few: 100 sessions, no effect": Scenario(draw=_shares(100, 0.6, 0.0), effect=0.0),
    "rare event (2 %), no effect": Scenario(draw=_shares(3000, 0.02, 0.0), effect=0.0, first=0.5),
    "rare event, 4 % to 1 %": Scenario(draw=_shares(3000, 0.04, -0.03), effect=-0.03, first=0.5),
    "steps, several in a session, no effect": _steps(0.0),
    "steps, several in a session, 1 fewer": _steps(1.0),
    "duration, heavy tails, no effect": _times(0.0),
    "duration, heavy tails, a fifth less": _times(-0.2),
    "time drifts, share shrinks, no effect": Scenario(draw=_drifting(4000, 0.0), effect=0.0, schedule=True),
    "time drifts, share shrinks, +8 points": Scenario(draw=_drifting(4000, 0.08), effect=0.08, schedule=True),
    "40 places, differently good, no effect": Scenario(draw=_clustered(3000, 0.0, count=40), effect=0.0),
    "40 places, differently helped, 0 on average": Scenario(
        draw=_clustered(3000, 0.0, count=40, differing=0.1), effect=0.0, by_units=False
    ),
    "4 places, differently helped, of these": Scenario(
        draw=_clustered(2000, 0.05, count=4, differing=0.1), effect=0.05
    ),
    "four of ten outcomes unknown, no effect": Scenario(draw=_half_known(_clustered(3000, 0.0, count=20)), effect=0.0),
}
"""By name. Truth is that of the units seen, unless a scenario says otherwise."""
