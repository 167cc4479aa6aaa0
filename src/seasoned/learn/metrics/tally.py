"""Sums that can be added to each other.

Invariant: adding one by one, in any order, or in parts that are merged gives equal tallies. Hence whole numbers
only: money is kept in billionths of a dollar, as sums of floats depend on their order.
"""

from collections import Counter
from dataclasses import dataclass, field

from seasoned.learn.metrics.records import Durations, Outcomes, Tokens, ToolUse
from seasoned.learn.metrics.sketch import Sketch
from seasoned.learn.statistics import rate

__all__ = ["Tally", "TokenSums", "durations", "tool_mix"]

_NANO = 1_000_000_000
_KINDS = ("input", "output", "cache_read", "cache_write", "total")


@dataclass(slots=True)
class TokenSums:
    """Sums of token counts; a kind that was never stated is absent."""

    sums: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, *counts: int | None) -> None:
        """input, output, cache_read, cache_write, total."""
        for kind, count in zip(_KINDS, counts, strict=True):
            if count is not None:
                self.sums[kind] = self.sums.get(kind, 0) + count

    def merge(self, other: "TokenSums") -> None:
        """Add another's."""
        for kind, count in other.sums.items():
            self.sums[kind] = self.sums.get(kind, 0) + count

    def value(self) -> Tokens:
        """As a record."""
        get = self.sums.get
        return Tokens(
            input=get("input"),
            output=get("output"),
            cache_read=get("cache_read"),
            cache_write=get("cache_write"),
            total=get("total"),
        )


@dataclass(slots=True)
class Tally:
    """Everything that is summed up under one name."""

    n: int = 0
    executions: int = 0
    successes: int = 0
    failures: int = 0
    durations: Sketch = field(default_factory=Sketch)
    tokens: TokenSums = field(default_factory=TokenSums)
    cost_nano: int = 0
    cost_known: int = 0
    calls: int = 0
    failed_calls: int = 0
    retries: int = 0
    cache_hits: int = 0
    cache_known: int = 0
    tools: Counter[str] = field(default_factory=Counter[str])
    tools_failed: Counter[str] = field(default_factory=Counter[str])
    derived: bool = False

    def went(self, success: bool | None) -> None:
        """One more outcome."""
        self.n += 1
        if success is not None:
            self.successes += success
            self.failures += not success

    def spent(self, cost_usd: float | None, cache_hits: int | None) -> None:
        """What an execution states of its cost and of its cache."""
        if cost_usd is not None:
            self.cost_nano += round(cost_usd * _NANO)
            self.cost_known += 1
        if cache_hits is not None:
            self.cache_hits += cache_hits
            self.cache_known += 1

    def merge(self, other: "Tally") -> None:
        """Add another's."""
        self.n += other.n
        self.executions += other.executions
        self.successes += other.successes
        self.failures += other.failures
        self.durations.merge(other.durations)
        self.tokens.merge(other.tokens)
        self.cost_nano += other.cost_nano
        self.cost_known += other.cost_known
        self.calls += other.calls
        self.failed_calls += other.failed_calls
        self.retries += other.retries
        self.cache_hits += other.cache_hits
        self.cache_known += other.cache_known
        self.tools.update(other.tools)
        self.tools_failed.update(other.tools_failed)
        self.derived = self.derived or other.derived

    @property
    def cost_usd(self) -> float | None:
        """None where none was stated."""
        return self.cost_nano / _NANO if self.cost_known else None

    def outcomes(self) -> Outcomes:
        """As a record."""
        known = self.successes + self.failures
        return Outcomes(
            successes=self.successes,
            failures=self.failures,
            unknown=self.n - known,
            rate=rate(self.successes, known),
        )


def durations(sketch: Sketch) -> Durations | None:
    """As a record; None for an empty sketch."""
    p50, p95, p99 = (sketch.quantile(share) for share in (0.5, 0.95, 0.99))
    if p50 is None or p95 is None or p99 is None or sketch.mean is None:
        return None
    return Durations(
        n=sketch.count, total_ms=sketch.total, mean_ms=sketch.mean, p50_ms=p50, p95_ms=p95, p99_ms=p99
    )  # fmt: skip


def tool_mix(calls: Counter[str], failed: Counter[str]) -> tuple[ToolUse, ...]:
    """Most calls first, ties by name."""
    together = sum(calls.values())
    return tuple(
        ToolUse(tool=tool, calls=count, share=count / together, failures=failed.get(tool, 0))
        for tool, count in sorted(calls.items(), key=lambda item: (-item[1], item[0]))
    )
