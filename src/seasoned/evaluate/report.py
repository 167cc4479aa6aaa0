"""What an evaluation found, as one value: to be printed as a table or given out as JSON.

Invariant: a figure never travels without its n, and never claims to have met a target that it was not held against.
The JSON keys are part of the interface: figures at the top, ``n``, ``baselines`` with the same keys
under each baseline's name, ``intervals`` by key. ``parts`` repeats the same per data set.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from seasoned.evaluate.intervals import Interval
from seasoned.model import Document

__all__ = ["Figure", "Part", "Report", "Target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure is held against."""

    least: float | None = None
    low_above: float | None = None
    """The interval's lower bound must lie above this; None: only the figure counts."""
    most: float | None = None
    """For figures that should be small, such as errors."""

    def met(self, value: float | None, interval: Interval | None) -> bool:
        """Whether a figure reaches it. A figure that could not be computed does not."""
        if value is None or math.isnan(value) or (self.least is not None and value < self.least):
            return False
        if self.most is not None and value > self.most:
            return False
        return self.low_above is None or (interval is not None and interval.low > self.low_above)

    def __str__(self) -> str:
        bounds = (("≥", self.least), ("≤", self.most), ("low >", self.low_above))
        return ", ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number."""

    key: str
    """Name in the JSON."""
    n: int
    """Units that it rests on."""
    value: float | None
    """None where it is not defined on these data."""
    interval: Interval | None = None
    baselines: tuple[tuple[str, float | None], ...] = ()
    """(name, the same figure for that method)."""
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        return None if self.target is None else self.target.met(self.value, self.interval)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The figures of one data set, or of all together."""

    name: str
    n: int
    figures: tuple[Figure, ...]

    def to_json(self) -> Document:
        """Figures by key, ``n``, ``baselines``, ``intervals``, ``targets`` (with ``met``), ``counts`` (n by key)."""
        baselines: dict[str, dict[str, float | None]] = {}
        for figure in self.figures:
            for name, value in figure.baselines:
                baselines.setdefault(name, {})[figure.key] = _finite(value)
        return {
            "n": self.n,
            **{figure.key: _finite(figure.value) for figure in self.figures},
            "baselines": baselines,
            "intervals": {f.key: [f.interval.low, f.interval.high] for f in self.figures if f.interval is not None},
            "counts": {figure.key: figure.n for figure in self.figures},
            "targets": {f.key: {"target": str(f.target), "met": f.met} for f in self.figures if f.target is not None},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The answer of one evaluation."""

    name: str
    parts: tuple[Part, ...]
    """The first is what counts (all data together); the others show it by data set. At least one."""
    notes: tuple[str, ...] = ()
    """Sentences fit to be shown: what was left out, how a term is meant, what falls short."""

    def to_json(self) -> Document:
        """The first part's figures at the top, ``name``, ``parts`` for the others, ``notes``."""
        return {
            "name": self.name,
            **self.parts[0].to_json(),
            "parts": {part.name: part.to_json() for part in self.parts[1:]},
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """Tables of plain text, one per part, without a line end at the end."""
        lines = [f"evaluate {self.name}"]
        for part in self.parts:
            lines += ["", f"{part.name} (n = {part.n})", *_table(part.figures)]
        return "\n".join([*lines, *(["", *self.notes] if self.notes else [])])


def _table(figures: Iterable[Figure]) -> list[str]:
    rows = [("figure", "n", "value", "95 % interval", "target", "met", "baselines")]
    for figure in figures:
        interval = figure.interval
        rows.append(
            (
                figure.key,
                str(figure.n),
                _shown(figure.value),
                f"{_shown(interval.low)} to {_shown(interval.high)}" if interval else "",
                str(figure.target) if figure.target else "",
                {True: "yes", False: "no", None: ""}[figure.met],
                ", ".join(f"{name} {_shown(value)}" for name, value in figure.baselines),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[6]]).rstrip() for row in rows]


def _shown(value: float | None) -> str:
    return "not defined" if value is None or math.isnan(value) else f"{value:.3f}"


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
