"""The analysis of many executions: where time goes, what recurs, what goes with success, what to expect.

Pure and deterministic: the same executions give the same answer, whatever their order. Costs n log n at most: everything
is counted in one pass over steps, sorted once, and pairs of values are only formed over a bounded number of them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from seasoned.learn.durations import DurationModel
from seasoned.learn.insights.errors import common_errors
from seasoned.learn.insights.gathered import Gathered, gather
from seasoned.learn.insights.records import DurationEstimate, Insight, PerformanceInsights
from seasoned.learn.insights.separating import Separated, separating
from seasoned.learn.insights.slow import slow_phases, slower_than_before
from seasoned.learn.insights.wording import counted, quoted
from seasoned.learn.metrics import Outcomes, PhaseRun, Recorded, phases_together
from seasoned.learn.statistics import confidence, rate

__all__ = ["PerformanceAnalyzer"]

_DOMAIN = "of the domain"
_MOST_DOMAINS = 12


class PerformanceAnalyzer:
    """Turns executions into insights. Holds nothing; one instance may serve any number of threads."""

    def analyze_domain(self, traces: Iterable[Recorded], domain: str | None) -> PerformanceInsights:
        """What the executions of ``domain`` teach; None for all of them.

        ``traces``: executions of the store, or what ``ExecutionTracker.complete`` returned. Executions whose task is
        known to be of another domain are left out of the findings, but short histories of durations are drawn towards
        them. Nothing given is no error: the answer says that there is nothing to say."""
        gathered = gather(traces, domain)
        runs = gathered.runs
        phases = phases_together(run.phases for run in runs)
        separated = separating(runs)
        insights: list[Insight] = [
            *(each for each in separated.insights if each.evidence == "tested"),
            *slow_phases(runs, phases),
            *slower_than_before(runs),
            *common_errors(runs),
            *(each for each in separated.insights if each.evidence != "tested"),
        ]
        successes = sum(run.success is True for run in runs)
        known = successes + sum(run.success is False for run in runs)
        sessions = len({run.session for run in runs})
        return PerformanceInsights(
            domain=domain,
            executions=len(runs),
            sessions=sessions,
            left_out=len(gathered.others),
            outcomes=Outcomes(
                successes=successes,
                failures=known - successes,
                unknown=len(runs) - known,
                rate=rate(successes, known),
            ),
            confidence=confidence(len(runs)),
            phases=phases,
            estimates=_estimates(gathered),
            insights=tuple(insights),
            reason=_reason(gathered, sessions, known, separated, insights),
        )


def _reason(gathered: Gathered, sessions: int, known: int, separated: Separated, insights: Sequence[Insight]) -> str:
    executions, others = len(gathered.runs), len(gathered.others)
    if not executions:
        elsewhere = f" of this domain; there are {others} of others: {_domains(gathered)}" if others else ""
        return f"There is no execution to learn from{elsewhere}."
    said = f"{counted(executions, 'execution')} in {counted(sessions, 'session')}, the outcome of {known} is known."
    if short := sum(run.left_out > 0 for run in gathered.runs):
        said += f" Of {short} of them only the first calls are at hand."
    if not insights:
        said += " Nothing recurs or stands out."
    if not separated.comparable:
        said += (
            " Tools and orders could not be tested: no task has at least 3 successes and 3 failures that are known "
            "otherwise than from the runs' own steps."
        )
    elif not separated.asked:
        said += f" No tool and no order varies within the {counted(separated.comparable, 'task')} that could have told."
    else:
        said += (
            f" {counted(separated.asked, 'question')} about tools and orders "
            f"{'was' if separated.asked == 1 else 'were'} tested within {counted(separated.comparable, 'task')}."
        )
    return said


def _domains(gathered: Gathered) -> str:
    """Of the others, the most frequent first."""
    counts = Counter(run.domain or "unknown" for run in gathered.others)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    listed = [f"{quoted(name, 40)} ({count})" for name, count in ordered[:_MOST_DOMAINS]]
    return ", ".join([*listed, *(["…"] if len(ordered) > _MOST_DOMAINS else [])])


def _estimates(gathered: Gathered) -> tuple[DurationEstimate, ...]:
    whole = DurationModel()
    of_phase: dict[tuple[bool, str], DurationModel] = {}
    counts: dict[tuple[bool, str], int] = {}
    n = 0
    for run in gathered.runs:
        if run.duration_ms is not None:
            n += 1
            whole.add(None, _DOMAIN, run.duration_ms)
        for key, spent in _spent(run.phases).items():
            of_phase.setdefault(key, DurationModel()).add(None, _DOMAIN, spent)
            counts[key] = counts.get(key, 0) + 1
    for other in gathered.others:
        if other.duration_ms is not None:
            whole.add(None, None, other.duration_ms)
        for key, spent in _spent(other.phases).items():
            if key in of_phase:
                of_phase[key].add(None, None, spent)
    found = [_estimate(None, derived=False, n=n, model=whole)] if n else []
    parts = [
        _estimate(name, derived=derived, n=counts[derived, name], model=model)
        for (derived, name), model in sorted(of_phase.items())
    ]
    return (*found, *sorted(parts, key=lambda estimate: (-estimate.median_ms, estimate.phase or "")))


def _spent(phases: Iterable[PhaseRun]) -> dict[tuple[bool, str], int]:
    """Time of one execution in each of its timed phases."""
    found: dict[tuple[bool, str], int] = {}
    for phase in phases:
        if phase.duration_ms is not None:
            key = (phase.derived, phase.name)
            found[key] = found.get(key, 0) + phase.duration_ms
    return found


def _estimate(phase: str | None, *, derived: bool, n: int, model: DurationModel) -> DurationEstimate:
    expected = model.predict(None, _DOMAIN)
    assert expected is not None  # at least one was added
    return DurationEstimate(
        phase=phase,
        derived=derived,
        n=n,
        median_ms=expected.median_ms,
        low_ms=expected.low_ms,
        high_ms=expected.high_ms,
        confidence=confidence(n),
    )
