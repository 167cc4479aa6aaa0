"""What is over-represented beside a failure: its contributing factors, with odds.

Compared are executions that could have met the failure, i.e. those that called the tool which failed: how often did
those with the factor meet it, against those without. Several failures and many factors are asked at once, so that only
what survives the false discovery rate is said, and nothing that rests on one session.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seasoned.learn.failures.attempts import Attempt
from seasoned.learn.statistics import Stratum, false_discovery, stratified
from seasoned.model import Document, Execution

__all__ = ["FactorCounter", "Factors"]

_RATE = 0.10
"""False discovery rate (targets: learning quality)."""
_LEAST = 3
"""Executions with failure and factor."""
_SESSIONS = 2
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """What was found for one failure."""

    document: Document
    """``{"factors": [{factor, value, odds_ratio, low, high, q, with, of}, …], "compared": n}``, strongest first."""
    sentence: str


class FactorCounter:
    """Counts per tool, factor and failure. Memory: the distinct combinations that occur."""

    def __init__(self) -> None:
        self._called: Counter[tuple[str, str]] = Counter()
        self._beside: Counter[tuple[str, str, tuple[str, str]]] = Counter()
        self._failed: Counter[tuple[str, str]] = Counter()
        self._both: Counter[tuple[str, str, tuple[str, str]]] = Counter()
        self._tool: dict[tuple[str, str], Counter[str]] = {}
        self._sessions: dict[tuple[str, str, tuple[str, str]], set[str]] = {}

    def add(self, execution: Execution, calls: Sequence[Attempt], failures: Iterable[tuple[str, str, str]]) -> None:
        """``failures``: (signature, tool, name of the call before) of each failure in the execution."""
        trace = execution.trace
        namespace, session = trace.namespace, trace.session_id or trace.execution_id
        factors = _of(execution)
        before: dict[str, set[tuple[str, str]]] = {}
        for place, call in enumerate(calls):
            known = before.setdefault(call.tool, set())
            if place:
                known.add(("step before", calls[place - 1].name))
        for tool, steps in before.items():
            self._called[namespace, tool] += 1
            for factor in [*factors, *steps]:
                self._beside[namespace, tool, factor] += 1
        failed: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for signature, tool, step in failures:
            failed.setdefault((signature, tool), set()).update({("step before", step)} if step else ())
        for (signature, tool), steps in failed.items():
            self._tool.setdefault((namespace, signature), Counter())[tool] += 1
            self._failed[namespace, f"{tool}\n{signature}"] += 1
            for factor in [*factors, *steps]:
                whole = (namespace, f"{tool}\n{signature}", factor)
                self._both[whole] += 1
                kept = self._sessions.setdefault(whole, set())
                if len(kept) < _SESSIONS:
                    kept.add(session)

    def result(self) -> dict[tuple[str, str], Factors]:
        """By namespace and signature; failures without a factor are absent."""
        beside_it: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for namespace, named, factor in self._both:
            beside_it.setdefault((namespace, named), []).append(factor)
        asked: list[tuple[tuple[str, str], tuple[str, str], Stratum, float]] = []
        for key, tools in sorted(self._tool.items()):
            namespace, signature = key
            tool = min(tools, key=lambda one: (-tools[one], one))
            named = f"{tool}\n{signature}"
            failed, called = self._failed[namespace, named], self._called[namespace, tool]
            found = sorted(beside_it.get((namespace, named), [])) if failed >= _LEAST else []
            for factor in found:
                both, beside = self._both[namespace, named, factor], self._beside[namespace, tool, factor]
                if both < _LEAST or beside == called or len(self._sessions[namespace, named, factor]) < _SESSIONS:
                    continue
                table = Stratum(
                    with_success=both,
                    with_failure=beside - both,
                    without_success=failed - both,
                    without_failure=called - beside - (failed - both),
                )
                tested = stratified([table])
                if tested is not None and tested.odds_ratio > 1:
                    asked.append((key, factor, table, tested.p_value))
        rates = false_discovery([p_value for _, _, _, p_value in asked])
        found_by: dict[tuple[str, str], list[Document]] = {}
        for (key, factor, table, _), rate in zip(asked, rates, strict=True):
            ratio, low, high = _odds(table)
            if rate <= _RATE and low > 1:
                found_by.setdefault(key, []).append(
                    {
                        "factor": factor[0],
                        "value": factor[1],
                        "odds_ratio": round(ratio, 2),
                        "low": round(low, 2),
                        "high": round(high, 2),
                        "q": round(rate, 4),
                        "with": table.with_success,
                        "of": table.with_success + table.without_success,
                    }
                )
        return {key: _told(found, self._compared(key)) for key, found in found_by.items()}

    def _compared(self, key: tuple[str, str]) -> int:
        tools = self._tool[key]
        return self._called[key[0], min(tools, key=lambda one: (-tools[one], one))]


def _told(found: list[Document], compared: int) -> Factors:
    found.sort(key=lambda one: (-float(str(one["low"])), str(one["factor"]), str(one["value"])))
    first = found[0]
    sentence = (
        f"Met more often with {first['factor']} {first['value']} ({first['with']} of {first['of']} executions that met it, "
        f"{compared} compared): odds at least {first['low']} times as high (lower end of the 95 % interval)."
    )
    return Factors(document={"factors": list(found), "compared": compared}, sentence=sentence)


def _odds(table: Stratum) -> tuple[float, float, float]:
    """Odds ratio with its interval on the logarithm, half a count added to each cell (Haldane 1956, Anscombe 1956), so
    that an empty cell gives a wide interval instead of none."""
    a, b = table.with_success + 0.5, table.with_failure + 0.5
    c, d = table.without_success + 0.5, table.without_failure + 0.5
    log, half = math.log(a * d / (b * c)), _Z * math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    return math.exp(log), math.exp(log - half), math.exp(log + half)


def _of(execution: Execution) -> list[tuple[str, str]]:
    trace = execution.trace
    found = [("stack", one) for one in trace.technology_stack]
    found += [
        (name, value)
        for name, value in (
            ("agent", trace.agent_name),
            ("model", trace.model),
            ("agent version", f"{trace.source} {trace.source_version}" if trace.source_version else None),
        )
        if value
    ]
    files = {
        path.rsplit(".", 1)[-1] for span in execution.spans for path in span.files if "." in path.rsplit("/", 1)[-1]
    }
    found += [("file type", f".{extension}") for extension in files if extension.isalnum() and len(extension) <= 6]
    return sorted(set(found))
