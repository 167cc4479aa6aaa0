"""What several runs of alike tasks have in common, in order: a multiple alignment of their steps.

Runs are aligned one after the other to a growing list of columns, the most central run first (progressive alignment,
Feng and Doolittle 1987, https://doi.org/10.1007/BF02603120; for event logs Bose and van der Aalst 2012,
https://doi.org/10.1016/j.is.2011.08.003). Two steps may stand in one column only if they are the same token, so the
dynamic programme (Needleman and Wunsch 1970, https://doi.org/10.1016/0022-2836(70)90057-4) maximises the summed
support of the columns met, and gaps cost nothing.

A token is a step's ``key`` where the same deed on the same thing occurs in enough runs, else its ``form``: what
recurs literally stands by itself, everything else is an instance of its kind. Tokens in fewer runs than ``support``
asks for cannot be kept, so they are left out before aligning, which bounds the work by what can come of it. Several
of a form in a row, and blocks of up to three steps that follow upon themselves (edit, test, edit, test), are loops and
count once.

Invariant: the result is a function of the multiset of runs; ids only break ties between runs with equal tokens,
which makes no difference to the result.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seasoned.learn.arguments import names_one
from seasoned.learn.steps import Step

__all__ = ["Alignment", "Column", "Instance", "TokenRun", "align", "likeness", "recurring", "tokens_of"]

_LONGEST_LOOP = 3
_STEPS_LIMIT = 400
"""Steps of one run that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One run's share in a column."""

    run: int
    """Number of the run, as given."""
    steps: tuple[Step, ...]
    """At least one; several where they form a loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One step of the common way."""

    token: str
    instances: tuple[Instance, ...]
    """One for each run that has it, by run."""
    position_varies: bool = False
    """True where runs agree on the step but not on its place; it then stands where it stands on average."""

    @property
    def repeats(self) -> bool:
        """Whether most of the runs that have it do it several times over."""
        several = sum(sum(step.times for step in each.steps) > 1 for each in self.instances)
        return 2 * several > len(self.instances)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What runs have in common."""

    runs: int
    columns: tuple[Column, ...]
    """Those with enough support, in order."""
    tightness: float
    """0..1: mean over the runs of the order-aware F1 between the common way and the run."""


class TokenRun:
    """One run as tokens with the steps behind each."""

    __slots__ = ("run", "steps", "tokens")

    def __init__(self, run: int, tokens: list[str], steps: list[tuple[Step, ...]]) -> None:
        self.run = run
        self.tokens = tokens
        self.steps = steps


def likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """Order-aware F1 of two token sequences, 0..1: twice their longest common subsequence over their lengths together.

    1 for two empty ones. Symmetric."""
    if not one and not other:
        return 1.0
    return 2 * _in_common(one, other) / (len(one) + len(other))


def _in_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of a longest common subsequence, a row of the programme at a time as bits of one integer.

    Hyyrö 2004, https://www.sis.uta.fi/~hh56766/pubs/awoca04.pdf: bits of ``row`` are places of ``one`` at which the
    row does *not* grow. Two runs of 400 steps take 0.1 ms instead of 30."""
    places: dict[str, int] = {}
    for place, token in enumerate(one):
        places[token] = places.get(token, 0) | 1 << place
    every = (1 << len(one)) - 1
    row = every
    for token in other:
        met = row & places.get(token, 0)
        row = (row + met | row - met) & every
    return len(one) - row.bit_count()


def _matched(weights: Sequence[int], columns: Sequence[str], tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Places (in ``columns``, in ``tokens``) of the common subsequence of the greatest weight; of several the one that
    matches earliest. Whole numbers throughout, so that sums do not depend on their order."""
    numbers = {token: number for number, token in enumerate(dict.fromkeys(columns))}
    own = np.asarray([numbers.get(token, -1) for token in tokens], dtype=np.int64)
    best: NDArray[np.int64] = np.zeros((len(columns) + 1, len(tokens) + 1), dtype=np.int64)
    for i in range(len(columns) - 1, -1, -1):
        below = best[i + 1]
        here = np.where(own == numbers[columns[i]], weights[i] + below[1:], 0)
        best[i, :-1] = np.maximum.accumulate(np.maximum(below[:-1], here)[::-1])[::-1]
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(columns) and j < len(tokens):
        if columns[i] == tokens[j] and best[i, j] == weights[i] + best[i + 1, j + 1]:
            found.append((i, j))
            i += 1
            j += 1
        elif best[i + 1, j] == best[i, j]:
            i += 1
        else:
            j += 1
    return found


def recurring(runs: Sequence[Sequence[Step]], support: float, *, one_task: bool = True) -> frozenset[str]:
    """Keys of the deeds that recur literally in at least ``support`` (0..1) of the runs, and in two at least.

    ``one_task``: whether the runs are of one and the same task. Where they are not, what is done to a thing that has an
    id, an address or a number of its own is no deed by itself: one task put often enough would else pass for most."""
    least = support * len(runs) - 1e-9
    literal = Counter(
        key
        for steps in runs
        for key in {step.key for step in steps if one_task or not any(map(names_one, step.arguments))}
    )
    # One run keeps its literals: there is nothing to tell them from.
    return frozenset(key for key, count in literal.items() if count >= least and (count > 1 or len(runs) == 1))


def tokens_of(run: int, steps: Sequence[Step], literal: frozenset[str] = frozenset()) -> TokenRun:
    """A run as tokens, without loops: the key of what is in ``literal``, the form of everything else."""
    tokens: list[str] = []
    behind: list[tuple[Step, ...]] = []
    for step in steps[:_STEPS_LIMIT]:
        token = step.key if step.key in literal else step.form
        if tokens and tokens[-1] == token:
            behind[-1] = (*behind[-1], step)
        else:
            tokens.append(token)
            behind.append((step,))
    return _without_loops(TokenRun(run, tokens, behind))


def _without_loops(sequence: TokenRun) -> TokenRun:
    tokens, behind = sequence.tokens, sequence.steps
    for period in range(2, _LONGEST_LOOP + 1):
        kept: list[str] = []
        kept_steps: list[tuple[Step, ...]] = []
        at = 0
        while at < len(tokens):
            block = tokens[at : at + period]
            last = len(kept)
            if len(block) == period and last >= period and kept[last - period :] == block:
                for offset in range(period):
                    kept_steps[last - period + offset] += behind[at + offset]
                at += period
            else:
                kept.append(tokens[at])
                kept_steps.append(behind[at])
                at += 1
        tokens, behind = kept, kept_steps
    return TokenRun(sequence.run, tokens, behind)


def align(sequences: Sequence[TokenRun], support: float) -> Alignment:
    """The common way of ``sequences``: steps that at least ``support`` (0..1) of them have, in the order of most.

    With columns empty where there is none. Quadratic in the length of what can be kept, linear in the runs, but for
    the choice of the first run, which compares at most ``_CENTRES`` distinct ones with each other.
    """
    least = max(1.0, support * len(sequences) - 1e-9)
    frequency = Counter(token for each in sequences for token in set(each.tokens))
    possible = {token for token, count in frequency.items() if count >= least}
    reduced = [
        [(token, steps) for token, steps in zip(each.tokens, each.steps, strict=True) if token in possible]
        for each in sequences
    ]
    columns: list[str] = []
    members: list[dict[int, tuple[Step, ...]]] = []
    for done, number in enumerate(_central_first([[token for token, _ in each] for each in reduced]), 1):
        pairs = _matched([len(each) for each in members], columns, [token for token, _ in reduced[number]])
        met = {j: i for i, j in pairs}
        merged: list[str] = []
        merged_members: list[dict[int, tuple[Step, ...]]] = []
        at = 0
        for j, (token, steps) in enumerate(reduced[number]):
            if j in met:
                merged += columns[at : met[j]]
                merged_members += members[at : met[j]]
                at = met[j] + 1
                merged.append(token)
                merged_members.append({**members[met[j]], number: steps})
            else:
                merged.append(token)
                merged_members.append({number: steps})
        # What the runs to come cannot bring to enough any more is dropped, which keeps the columns few.
        wanted = least - (len(reduced) - done)
        alive = [
            (column, held)
            for column, held in zip(merged + columns[at:], merged_members + members[at:], strict=True)
            if len(held) >= wanted
        ]
        columns, members = [column for column, _ in alive], [held for _, held in alive]
    kept = [(c, m) for c, m in zip(columns, members, strict=True) if len(m) >= least]
    result = [_column(token, held, sequences) for token, held in kept]
    result = _with_wanderers(result, possible, reduced, sequences)
    way = [column.token for column in result]
    near = [likeness(way, each.tokens) for each in sequences]
    return Alignment(
        runs=len(sequences), columns=tuple(result), tightness=round(sum(near) / len(near), 6) if near else 0.0
    )


_CENTRES = 40


def _central_first(runs: Sequence[Sequence[str]]) -> list[int]:
    """Numbers of the runs: the most central first, then by likeness to it; equal ones by their tokens."""
    counts = Counter(tuple(run) for run in runs)
    some = sorted(counts, key=lambda run: (-counts[run], run))[:_CENTRES]
    total = {run: sum(likeness(run, other) * counts[other] for other in some) for run in some}
    if not some:
        return []
    centre = min(some, key=lambda run: (-round(total[run], 9), run))
    near = {run: likeness(centre, run) for run in counts}
    return sorted(range(len(runs)), key=lambda number: (-near[tuple(runs[number])], tuple(runs[number]), number))


def _column(token: str, held: dict[int, tuple[Step, ...]], sequences: Sequence[TokenRun]) -> Column:
    return Column(
        token=token,
        instances=tuple(
            Instance(run=sequences[number].run, steps=held[number])
            for number in sorted(held, key=lambda number: sequences[number].run)
        ),
    )


def _with_wanderers(
    columns: list[Column],
    possible: set[str],
    reduced: Sequence[Sequence[tuple[str, tuple[Step, ...]]]],
    sequences: Sequence[TokenRun],
) -> list[Column]:
    """``columns`` with those steps that enough runs have, but at places so different that no column held them."""
    placed = {column.token for column in columns}
    for token in sorted(possible - placed):
        held: dict[int, tuple[Step, ...]] = {}
        before = 0
        way = [column.token for column in columns]
        for number, run in enumerate(reduced):
            places = [j for j, (each, _) in enumerate(run) if each == token]
            if not places:
                continue
            held[number] = tuple(step for j in places for step in run[j][1])
            earlier = [each for each, _ in run[: places[0]]]
            before += _in_common(way, earlier)
        at = round(before / len(held))
        found = _column(token, held, sequences)
        columns.insert(at, Column(token=token, instances=found.instances, position_varies=True))
    return columns
