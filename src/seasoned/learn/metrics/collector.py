"""Metrics of executions, alone and in groups that can be merged.

Invariant: ``merge`` of two collectors equals one collector that was given everything, in whatever order, to the last bit
(``metrics.tally``). So hours roll into days and machines into a cluster without reading a trace again. Memory is that of
the distinct names seen.
"""

from collections import Counter
from collections.abc import Iterable

from seasoned.learn.calls import tool_name
from seasoned.learn.metrics.records import Dimension, ExecutionMetrics, GroupMetrics, PhaseMetrics
from seasoned.learn.metrics.tally import Tally, TokenSums, durations, tool_mix
from seasoned.learn.metrics.work import PhaseRun, Recorded, execution_of, left_out_of, phase_runs, retries_of
from seasoned.model import Execution, SpanOutcome

__all__ = ["MetricsCollector", "phases_together"]

_WENT: dict[SpanOutcome, bool] = {"success": True, "failure": False}
_EVERYTHING = "all"
_DERIVED = "\x1f"
"""Follows the name of a derived phase inside here."""


class MetricsCollector:
    """Adds up executions. ``collect_metrics`` looks at one and keeps nothing; ``add`` keeps its sums as well."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[Dimension, str], Tally] = {}

    @staticmethod
    def collect_metrics(trace: Recorded) -> ExecutionMetrics:
        """One execution in figures.

        What ``ExecutionTracker.complete`` returns, an ``Execution`` of the store and a trace with its spans have phases
        and tools. A bare ``Trace`` knows its totals but no steps: then ``phases`` and ``tools`` are empty."""
        return _measured(execution_of(trace), left_out_of(trace))[0]

    def add(self, trace: Recorded) -> ExecutionMetrics:
        """Count one execution into all of its groups. The same execution given twice counts twice."""
        execution = execution_of(trace)
        metrics, phases = _measured(execution, left_out_of(trace))
        names: list[tuple[Dimension, str | None]] = [
            ("all", _EVERYTHING),
            ("agent", metrics.agent),
            ("model", metrics.model),
            ("domain", metrics.domain),
            ("task_type", metrics.task_type),
        ]
        for dimension, name in names:
            if name is not None:
                self._add_execution(self._tally(dimension, name), execution, metrics)
        self._add_phases(phases)
        self._add_calls(execution)
        return metrics

    def merge(self, other: "MetricsCollector") -> None:
        """Add what ``other`` has counted, which stays as it is."""
        for (dimension, name), tally in other._tallies.items():
            self._tally(dimension, name).merge(tally)

    def groups(self, dimension: Dimension) -> tuple[GroupMetrics, ...]:
        """Metrics by name, the largest first, ties by name."""
        found = [(name, tally) for (of, name), tally in self._tallies.items() if of == dimension]
        found.sort(key=lambda item: (-item[1].n, item[0]))
        return tuple(_group(dimension, name, tally) for name, tally in found)

    def phases(self) -> tuple[PhaseMetrics, ...]:
        """Phases of all executions together, the one with the most time first. Shares are of stated phases among
        stated ones and of derived among derived ones."""
        found = [(name, tally) for (of, name), tally in self._tallies.items() if of == "phase"]
        return _phase_metrics(dict(found))

    def _tally(self, dimension: Dimension, name: str) -> Tally:
        tally = self._tallies.get((dimension, name))
        if tally is None:
            tally = self._tallies[dimension, name] = Tally()
        return tally

    @staticmethod
    def _add_execution(tally: Tally, execution: Execution, metrics: ExecutionMetrics) -> None:
        trace = execution.trace
        tally.went(metrics.success)
        tally.executions += 1
        if trace.duration_ms is not None:
            tally.durations.add(trace.duration_ms)
        tally.tokens.add(
            trace.input_tokens,
            trace.output_tokens,
            trace.cache_read_tokens,
            trace.cache_write_tokens,
            trace.total_tokens_used,
        )
        tally.spent(trace.cost_usd, trace.cache_hits)
        tally.calls += metrics.calls
        tally.failed_calls += metrics.failed_calls
        tally.retries += metrics.retries
        for use in metrics.tools:
            tally.tools[use.tool] += use.calls
            if use.failures:
                tally.tools_failed[use.tool] += use.failures

    def _add_phases(self, phases: tuple[PhaseRun, ...]) -> None:
        for name, tally in _tallies_of(phases).items():
            self._tally("phase", name).merge(tally)

    def _add_calls(self, execution: Execution) -> None:
        met: set[str] = set()
        for span in execution.spans:
            if span.kind != "tool":
                continue
            name = tool_name(span)
            tally = self._tally("tool", name)
            tally.went(_WENT.get(span.outcome))
            tally.calls += 1
            tally.failed_calls += span.outcome == "failure"
            if span.duration_ms is not None:
                tally.durations.add(span.duration_ms)
            if name not in met:
                met.add(name)
                tally.executions += 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MetricsCollector) and self._tallies == other._tallies

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # it changes


def phases_together(executions: Iterable[tuple[PhaseRun, ...]]) -> tuple[PhaseMetrics, ...]:
    """Phases over many executions, the one with the most time first."""
    together: dict[str, Tally] = {}
    for phases in executions:
        for name, tally in _tallies_of(phases).items():
            together.setdefault(name, Tally(derived=tally.derived)).merge(tally)
    return _phase_metrics(together)


def _measured(execution: Execution, left_out: int) -> tuple[ExecutionMetrics, tuple[PhaseRun, ...]]:
    trace, fingerprint = execution.trace, execution.fingerprint
    calls: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for span in execution.spans:
        if span.kind == "tool":
            name = tool_name(span)
            calls[name] += 1
            if span.outcome == "failure":
                failed[name] += 1
    phases = phase_runs(execution.spans)
    order = {name: place for place, name in reversed(list(enumerate(run.name for run in phases)))}
    tokens = TokenSums()
    tokens.add(
        trace.input_tokens,
        trace.output_tokens,
        trace.cache_read_tokens,
        trace.cache_write_tokens,
        trace.total_tokens_used,
    )
    metrics = ExecutionMetrics(
        execution_id=trace.execution_id,
        agent=trace.agent_name,
        model=trace.model,
        domain=fingerprint.domain if fingerprint else None,
        task_type=fingerprint.task_type if fingerprint else None,
        status=trace.status,
        success=trace.success,
        duration_ms=trace.duration_ms,
        quality_score=trace.quality_score,
        phases=tuple(sorted(_phase_metrics(_tallies_of(phases)), key=lambda phase: order[phase.name])),
        calls=sum(calls.values()),
        failed_calls=sum(failed.values()),
        retries=retries_of(execution.spans),
        tools=tool_mix(calls, failed),
        model_calls=trace.api_calls_count,
        tokens=tokens.value(),
        cost_usd=trace.cost_usd,
        cache_hits=trace.cache_hits,
        spans_left_out=left_out,
    )
    return metrics, phases


def _key(run: PhaseRun) -> str:
    """A derived phase is not the one of the same name that an agent opened."""
    return f"{run.name}{_DERIVED}" if run.derived else run.name


def _tallies_of(phases: tuple[PhaseRun, ...]) -> dict[str, Tally]:
    """By name, of one execution."""
    found: dict[str, Tally] = {}
    for run in phases:
        tally = found.setdefault(_key(run), Tally(executions=1, derived=run.derived))
        tally.went(_WENT.get(run.outcome))
        tally.calls += len(run.calls)
        if run.duration_ms is not None:
            tally.durations.add(run.duration_ms)
    return found


def _phase_metrics(tallies: dict[str, Tally]) -> tuple[PhaseMetrics, ...]:
    together = {
        derived: sum(tally.durations.total for tally in tallies.values() if tally.derived == derived)
        for derived in (False, True)
    }
    ordered = sorted(tallies.items(), key=lambda item: (-item[1].durations.total, item[0]))
    return tuple(
        PhaseMetrics(
            name=name.removesuffix(_DERIVED),
            derived=tally.derived,
            runs=tally.n,
            executions=tally.executions,
            outcomes=tally.outcomes(),
            duration=durations(tally.durations),
            share=tally.durations.total / together[tally.derived] if together[tally.derived] else None,
        )
        for name, tally in ordered
    )


def _group(dimension: Dimension, name: str, tally: Tally) -> GroupMetrics:
    return GroupMetrics(
        dimension=dimension,
        name=name.removesuffix(_DERIVED),
        n=tally.n,
        executions=tally.executions,
        outcomes=tally.outcomes(),
        duration=durations(tally.durations),
        tokens=tally.tokens.value(),
        cost_usd=tally.cost_usd,
        cost_known=tally.cost_known,
        calls=tally.calls,
        failed_calls=tally.failed_calls,
        retries=tally.retries,
        cache_hits=tally.cache_hits if tally.cache_known else None,
        tools=tool_mix(tally.tools, tally.tools_failed),
    )
