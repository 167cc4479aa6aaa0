"""Failure signatures against errors whose kind is known, and against hand-labelled pairs.

``homogeneity``: how pure signatures are, over distinct messages; a signature for each message would be perfect, so that
``clusters`` and the adjusted mutual information stand beside it. It is a smoke test.
What counts are the pairs: of those put together, how many have the same cause (``precision``), of those with the same
cause, how many are put together (``recall``).

Baselines: the first words of the message, the whole message, and everything together.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from seasoned.errors import InputError, UnreadableFileError
from seasoned.evaluate.groupings import adjusted_mutual_information, homogeneity
from seasoned.evaluate.intervals import Interval, cluster_interval
from seasoned.evaluate.report import Figure, Part, Report, Target
from seasoned.learn.failures.families import families
from seasoned.learn.failures.kinds import kind_of
from seasoned.learn.failures.signature import signature
from seasoned.learn.statistics import rate

__all__ = ["packaged_pairs", "run_failures"]

FIRST_WORDS = 3
"""Words of the trivial rule. Of 3, 5 and 8 the one with the best F1 on the pairs to develop with."""


class _Labelled(msgspec.Struct):
    error: str
    label: str | None = None
    error_type: str | None = None


class _Pair(msgspec.Struct):
    id: str
    part: str
    tool_a: str
    command_a: str
    error_a: str
    tool_b: str
    command_b: str
    error_b: str


class _Typed(msgspec.Struct):
    id: str
    side: str
    part: str
    type: str


class _Judged(msgspec.Struct):
    id: str
    same: bool
    doubtful: bool = False
    reason: str = ""
    overlap: str = ""
    picked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    pair: _Pair
    judged: _Judged


_Row = TypeVar("_Row", _Labelled, _Pair, _Judged, _Typed)
_Rule = Callable[[str, str, str], str]
"""(tool, command, error) → what two failures must have in common to be put together."""


def packaged_pairs() -> Path:
    """The hand-labelled pairs that come with Seasoned; the labels lie beside them."""
    return Path(str(files("seasoned.evaluate") / "data" / "failure_pairs.jsonl"))


def run_failures(path: Path | None, pairs: Path | None = None, *, seed: int = 0) -> Report:
    """``path``: JSONL of ``{error, label}`` (``error_type`` does as a label); ``pairs``: JSONL of pairs, with
    ``<name>.labels.jsonl`` beside it. At least the packaged pairs are judged.

    Raises UnreadableFileError, or InputError naming the line that is not as described.
    """
    parts: list[Part] = []
    notes: list[str] = []
    cases = _cases(pairs or packaged_pairs())
    tested = [case for case in cases if case.pair.part == "test"] or cases
    figures = list(_pair_figures(tested, seed))
    if path is not None:
        figures += _cluster_figures(path)
    parts.append(
        Part(
            name="pairs kept aside for the test" if tested is not cases else "pairs",
            n=len(tested),
            figures=tuple(figures),
        )
    )
    for name, chosen in _slices(cases, tested):
        parts.append(Part(name=name, n=len(chosen), figures=tuple(_pair_figures(chosen, seed))))
    parts += _second_reading(pairs or packaged_pairs(), cases, seed)
    if pairs is None:
        parts += _types(cases)
    parts.append(_permuted(cases))
    notes.append(
        "Rules were tuned on the labels of the pairs marked develop only; the texts of both halves come from the same histories. Bands are not drawn in proportion to a history."
    )
    notes.append(
        "Intervals: whole messages (that of the first failure) are drawn anew, since a message recurs in several pairs."
    )
    return Report(name="failures", parts=tuple(parts), notes=tuple(notes))


def _slices(cases: list[_Case], tested: list[_Case]) -> list[tuple[str, list[_Case]]]:
    found: list[tuple[str, list[_Case]]] = [("develop", [case for case in cases if case.pair.part == "develop"])]
    found += [
        ("test, random", [case for case in tested if not case.judged.picked]),
        ("test, picked", [case for case in tested if case.judged.picked]),
        ("test, not doubtful", [case for case in tested if not case.judged.doubtful]),
    ]
    frequent = ("text to replace not found", "path not there", "amount does not add up")
    found.append(
        ("test, without the three commonest causes", [c for c in tested if not c.judged.reason.startswith(frequent)])
    )
    for band in sorted({case.judged.overlap for case in tested}):
        found.append((f"test, overlap {band}", [case for case in tested if case.judged.overlap == band]))
    return [(name, chosen) for name, chosen in found if chosen]


def _signature(tool: str, command: str, error: str) -> str:
    return signature(tool, command, error).text


def _first_words(tool: str, command: str, error: str) -> str:
    del tool, command
    return " ".join(error.split()[:FIRST_WORDS])


def _whole_message(tool: str, command: str, error: str) -> str:
    del tool, command
    return error.strip()


def _all_together(tool: str, command: str, error: str) -> str:
    del tool, command, error
    return ""


_BASELINES: tuple[tuple[str, _Rule], ...] = (
    ("first words", _first_words),
    ("whole message", _whole_message),
    ("all together", _all_together),
)


def _pair_figures(cases: Sequence[_Case], seed: int) -> tuple[Figure, ...]:
    same = np.array([case.judged.same for case in cases], dtype=bool)
    joined = _joined(cases, _signature)
    others = [(name, _joined(cases, rule)) for name, rule in _BASELINES]
    heads = [case.pair.error_a for case in cases]

    def precision(of: NDArray[np.bool_]) -> Callable[[NDArray[np.intp]], float]:
        return lambda drawn: _share(same[drawn] & of[drawn], of[drawn])

    def recall(of: NDArray[np.bool_]) -> Callable[[NDArray[np.intp]], float]:
        return lambda drawn: _share(same[drawn] & of[drawn], same[drawn])

    every = np.arange(len(cases), dtype=np.intp)
    return (
        Figure(
            key="precision",
            n=int(joined.sum()),
            value=precision(joined)(every),
            interval=cluster_interval(heads, precision(joined), seed=seed),
            baselines=tuple((name, precision(of)(every)) for name, of in others),
            target=Target(least=0.9),
        ),
        Figure(
            key="recall",
            n=int(same.sum()),
            value=recall(joined)(every),
            interval=cluster_interval(heads, recall(joined), seed=seed),
            baselines=tuple((name, recall(of)(every)) for name, of in others),
            target=Target(least=0.7),
        ),
    )


def _joined(cases: Sequence[_Case], rule: _Rule) -> NDArray[np.bool_]:
    return np.array(
        [
            rule(case.pair.tool_a, case.pair.command_a, case.pair.error_a)
            == rule(case.pair.tool_b, case.pair.command_b, case.pair.error_b)
            for case in cases
        ],
        dtype=bool,
    )


def _share(hits: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    return float(hits.sum() / of.sum()) if of.sum() else float("nan")


def _second_reading(path: Path, cases: Sequence[_Case], seed: int) -> list[Part]:
    """The same pairs by a second reader's labels, and how far the two readers agree; nothing without such labels."""
    beside = path.with_name(f"{path.name.removesuffix('.jsonl')}.labels_2.jsonl")
    if not beside.is_file():
        return []
    second = {row.id: row for _, row in _rows(beside, _Judged)}
    tested = [case for case in cases if case.pair.part == "test"] or list(cases)
    again = [_Case(pair=case.pair, judged=second[case.pair.id]) for case in tested if case.pair.id in second]
    both = [(case.judged.same, second[case.pair.id].same) for case in cases if case.pair.id in second]
    agreed = sum(one == other for one, other in both) / len(both)
    first_yes, second_yes = (sum(judged[reader] for judged in both) / len(both) for reader in (0, 1))
    chance = first_yes * second_yes + (1 - first_yes) * (1 - second_yes)
    kappa = (agreed - chance) / (1 - chance) if chance < 1 else None
    return [
        Part(name="test, second reader", n=len(again), figures=_pair_figures(again, seed)),
        Part(
            name="agreement of the two readers",
            n=len(both),
            figures=(
                Figure(key="agreement", n=len(both), value=agreed, baselines=(("chance", chance),)),
                Figure(key="kappa", n=len(both), value=kappa),
            ),
        ),
    ]


def _types(cases: Sequence[_Case]) -> list[Part]:
    """Failure types against those that a reader gave."""
    pairs = {case.pair.id: case.pair for case in cases}
    rows = [row for _, row in _rows(packaged_pairs().with_name("failure_types.labels.jsonl"), _Typed)]
    parts: list[Part] = []
    for part in ("test", "develop"):
        chosen = [row for row in rows if row.part == part]
        right = 0
        for row in chosen:
            pair = pairs[row.id]
            first = row.side == "a"
            tool, command = (pair.tool_a, pair.command_a) if first else (pair.tool_b, pair.command_b)
            read = signature(tool, command, pair.error_a if first else pair.error_b)
            right += kind_of(read, tool=tool, command=command, error_type=None) == row.type
        commonest = max(Counter(row.type for row in chosen).values())
        judged = rate(right, len(chosen))
        parts.append(
            Part(
                name=f"types, {part}",
                n=len(chosen),
                figures=(
                    Figure(
                        key="type_accuracy",
                        n=len(chosen),
                        value=right / len(chosen),
                        interval=Interval(low=judged.low, high=judged.high) if judged is not None else None,
                        baselines=(("commonest type", commonest / len(chosen)),),
                    ),
                ),
            )
        )
    return parts


def _permuted(cases: Sequence[_Case]) -> Part:
    """Signatures and their families again, with the input in reverse order: what differs."""
    sides = [(p.tool_a, p.command_a, p.error_a) for p in (case.pair for case in cases)]
    sides += [(p.tool_b, p.command_b, p.error_b) for p in (case.pair for case in cases)]
    forth = {side: _signature(*side) for side in sides}
    back = {side: _signature(*side) for side in reversed(sides)}
    grouped, again = families(forth.values()), families(reversed(list(back.values())))
    differ = sum(forth[side] != back[side] or grouped[forth[side]] != again[back[side]] for side in forth)
    return Part(
        name="permuted input",
        n=len(forth),
        figures=(Figure(key="differing_signatures", n=len(forth), value=float(differ)),),
    )


def _cluster_figures(path: Path) -> list[Figure]:
    counted: dict[str, Counter[str]] = {}
    for number, row in _rows(path, _Labelled):
        label = row.label if row.label is not None else row.error_type
        if label is None:
            raise InputError(f"{path}, line {number}: neither label nor error_type")
        counted.setdefault(row.error, Counter())[label] += 1
    messages = sorted(counted)
    labels = [min(counted[one], key=lambda label: (-counted[one][label], label)) for one in messages]
    mine = [_signature("", "", message) for message in messages]
    others = [(name, [rule("", "", message) for message in messages]) for name, rule in _BASELINES]
    n = len(messages)
    return [
        Figure(
            key="homogeneity",
            n=n,
            value=homogeneity(mine, labels),
            baselines=tuple((name, homogeneity(found, labels)) for name, found in others),
            target=Target(least=0.95),
        ),
        Figure(
            key="ami",
            n=n,
            value=adjusted_mutual_information(mine, labels),
            baselines=tuple((name, adjusted_mutual_information(found, labels)) for name, found in others),
        ),
        Figure(
            key="clusters",
            n=n,
            value=float(len(set(mine))),
            baselines=tuple((name, float(len(set(found)))) for name, found in others),
        ),
    ]


def _cases(path: Path) -> list[_Case]:
    beside = path.with_name(f"{path.name.removesuffix('.jsonl')}.labels.jsonl")
    judged = {row.id: row for _, row in _rows(beside, _Judged)}
    cases: list[_Case] = []
    for number, pair in _rows(path, _Pair):
        if pair.id not in judged:
            raise InputError(f"{path}, line {number}: no label for {pair.id} in {beside.name}")
        cases.append(_Case(pair=pair, judged=judged[pair.id]))
    if not cases:
        raise InputError(f"{path}: no pairs")
    return cases


def _rows(path: Path, kind: type[_Row]) -> list[tuple[int, _Row]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    decoder = msgspec.json.Decoder(kind)
    rows: list[tuple[int, _Row]] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                rows.append((number, decoder.decode(line)))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise InputError(f"{path}, line {number}: {error}") from error
    return rows
