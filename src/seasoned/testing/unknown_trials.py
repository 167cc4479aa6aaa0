"""Simulated trials in which advice changes what becomes known of outcomes, beside or instead of the outcomes.

Invariant: what is followed is the product's own code (``advise.sequential``, ``advise.unknown_outcomes``), looked at
every 20 units, and only while its check says that the arms are comparable. Deterministic given the seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from seasoned.advise.sequential import Sequential, expected_from_the_past, sequential
from seasoned.advise.unknown_outcomes import doubt

__all__ = ["HEARING", "Heard", "Hearing", "hearing"]

_EVERY = 20
_ALPHA, _UNEQUALLY_KNOWN = 0.05, 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """A world: successes, and how often one hears of them and of failures."""

    rate: float
    """Of success, held out."""
    effect: float
    given: tuple[float, float]
    """Chance that a success, that a failure becomes known where advice was given."""
    held_out: tuple[float, float]
    units: int = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One trial."""

    claimed_at: int | None
    """Units after which an effect was claimed first."""
    claimed_bare_at: int | None
    """The same had the interval not been widened."""
    missed: bool
    """Whether the widened interval ever left out the effect while the arms were held to be comparable."""
    incomparable: bool
    """Whether they were not at the end."""


HEARING: Final[Mapping[str, Hearing]] = {
    "no effect, 3 of 10 unknown by chance": Hearing(rate=0.7, effect=0.0, given=(0.7, 0.7), held_out=(0.7, 0.7)),
    "no effect, failures known half as often": Hearing(rate=0.75, effect=0.0, given=(0.95, 0.5), held_out=(0.95, 0.5)),
    "no effect, given fewer failures known": Hearing(rate=0.75, effect=0.0, given=(0.6, 0.3), held_out=(0.6, 0.5)),
    "no effect, given a third of the failures known": Hearing(rate=0.6, effect=0.0, given=(0.6, 0.2), held_out=(0.6, 0.6)),
    "no effect, given more successes known": Hearing(rate=0.6, effect=0.0, given=(0.8, 0.5), held_out=(0.6, 0.5)),
    "+10 points, all known": Hearing(rate=0.7, effect=0.1, given=(1.0, 1.0), held_out=(1.0, 1.0)),
    "+10 points, 1 of 20 unknown by chance": Hearing(rate=0.7, effect=0.1, given=(0.95, 0.95), held_out=(0.95, 0.95)),
    "+10 points, 3 of 10 unknown by chance": Hearing(rate=0.7, effect=0.1, given=(0.7, 0.7), held_out=(0.7, 0.7)),
}  # fmt: skip


def hearing(world: Hearing, *, simulations: int, seed: int = 0) -> list[Heard]:
    """That many trials."""
    return [_heard(world, np.random.default_rng([seed, number])) for number in range(simulations)]


def _heard(world: Hearing, random: np.random.Generator) -> Heard:
    n = world.units
    told = random.random(n) < 0.5
    success = random.random(n) < world.rate + world.effect * told
    chance = np.where(success, *(np.where(told, *pair) for pair in zip(world.given, world.held_out, strict=True)))
    known = random.random(n) < chance
    half, one = np.full(n, 0.5), np.zeros(n, np.intp)
    whether = sequential(
        known.astype(float), told, half, expected_from_the_past(known.astype(float), one, 0.5), alpha=_UNEQUALLY_KNOWN
    )
    outcome = success[known].astype(float)
    outcome -= expected_from_the_past(outcome, one[known], 0.75)
    seen = sequential(outcome, told[known], half[known], 0 * outcome, alpha=_ALPHA)
    claimed: dict[bool, int | None] = {True: None, False: None}
    missed = False
    apart = (whether.low > 0) | (whether.high < 0)
    for upto in range(_EVERY, n + 1, _EVERY):
        count = int(known[:upto].sum())
        if apart[upto - 1] or not count:
            continue
        bare = float(seen.high[count - 1] - seen.low[count - 1]) / 2
        wide = doubt(outcome[:count], known[:upto], _until(whether, upto)).widened(bare)
        difference = float(seen.difference[count - 1])
        missed = missed or abs(difference - world.effect) > wide
        for widened, half_length in ((True, wide), (False, bare)):
            if claimed[widened] is None and abs(difference) > half_length:
                claimed[widened] = upto
    return Heard(claimed_at=claimed[True], claimed_bare_at=claimed[False], missed=missed, incomparable=bool(apart[-1]))


def _until(seen: Sequential, upto: int) -> Sequential:
    return Sequential(
        given=seen.given[:upto],
        held_out=seen.held_out[:upto],
        low=seen.low[:upto],
        high=seen.high[:upto],
        squares=seen.squares[:upto],
        weight=seen.weight[:upto],
        widening=seen.widening[:upto],
    )
