"""What is known of failures in one namespace, in memory: fixes by error, failures by task, calls that keep failing.

Invariant: a value, built from the rows at one moment; questions to it read nothing. Built anew when the rows have
changed (``Store.failures_mark``), off the path of whoever asks.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from seasoned.advise.failing_calls import FailingCalls, failing_calls
from seasoned.learn.failures import FixIndex
from seasoned.learn.failures.refusals import refusal_of
from seasoned.learn.statistics import posterior
from seasoned.model import Execution, FailurePattern, Resolution
from seasoned.store import FailureQuery, Store

__all__ = ["KnownFailures", "MetFailure", "ShownFix", "known_failures"]

_PAGE = 500
_MOST_OCCURRENCES = 1_000
"""Of one failure, the newest, that are looked at."""
_LEAST_MET = 2
_BATCH = 50
"""Executions read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFix:
    """A failure and its best fix, of those that agents may be shown."""

    failure: FailurePattern
    resolution: Resolution
    chance: float
    """Posterior mean of its working."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFailures:
    """See the module."""

    fixes: FixIndex
    shown: Mapping[str, ShownFix]
    """By failure_id."""
    met: Mapping[str, Mapping[str, int]]
    """By fingerprint_id: in how many executions of that task each failure of ``shown`` was met."""
    calls: FailingCalls

    def of_tasks(self, runs: Mapping[str, int]) -> list["MetFailure"]:
        """Failures with a fix that runs of these tasks meet more often than not, most often met first; ``runs``: by
        fingerprint_id, the number of executions. Two of them at least must have met it: what happens to every task now
        and then says nothing about this one."""
        together = sum(runs.values())
        met: Counter[str] = Counter()
        for task in runs:
            met.update(self.met.get(task, {}))
        return [
            MetFailure(shown=self.shown[failure_id], met=count, runs=max(together, count))
            for failure_id, count in sorted(met.items(), key=lambda one: (-one[1], one[0]))
            if count >= _LEAST_MET and 2 * count > together
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetFailure:
    """A failure that runs of certain tasks met."""

    shown: ShownFix
    met: int
    """Executions of those tasks that met it."""
    runs: int
    """All executions of those tasks."""


def known_failures(store: Store, namespace: str) -> KnownFailures:
    """Read everything that is known. Raises StoreError."""
    failures: list[FailurePattern] = []
    while page := store.failures(FailureQuery(namespace=namespace, limit=_PAGE, offset=len(failures))):
        failures += page
    resolutions = store.resolutions([each.failure_id for each in failures])
    shown = {
        failure.failure_id: best
        for failure in failures
        if (best := _best(failure, resolutions.get(failure.failure_id, ()))) is not None
    }
    met: dict[str, dict[str, set[str]]] = {}
    executions: dict[str, None] = {}
    for failure_id in shown:
        for each in store.occurrences(failure_id, limit=_MOST_OCCURRENCES):
            if each.execution_id is not None:
                executions[each.execution_id] = None
                if each.fingerprint_id is not None:
                    met.setdefault(each.fingerprint_id, {}).setdefault(failure_id, set()).add(each.execution_id)
    return KnownFailures(
        fixes=FixIndex(failures, resolutions),
        shown=shown,
        met={task: {key: len(runs) for key, runs in by_failure.items()} for task, by_failure in met.items()},
        calls=failing_calls(
            _read(store, list(executions)),
            {each.failure.signature: failure_id for failure_id, each in shown.items()},
            lambda: (each for batch in store.all_executions(namespace) for each in batch),
        ),
    )


def _best(failure: FailurePattern, resolutions: Sequence[Resolution]) -> ShownFix | None:
    """The mined resolution that the miner says may be shown, and that nothing speaks against."""
    told = (failure.metadata or {}).get("resolutions")
    facts: Mapping[str, Mapping[str, object]] = {}
    if isinstance(told, dict):
        facts = cast("Mapping[str, Mapping[str, object]]", told)
    fit: list[ShownFix] = []
    for each in resolutions:
        chance = posterior(each.times_worked, each.times_seen)
        shown = facts.get(each.resolution_id, {}).get("shown") is True
        if each.source == "mined" and shown and chance is not None and refusal_of(each) is None:
            fit.append(ShownFix(failure=failure, resolution=each, chance=chance))
    return max(fit, key=lambda one: (one.chance, one.resolution.resolution_id), default=None)


def _read(store: Store, execution_ids: Sequence[str]) -> Iterator[Execution]:
    for at in range(0, len(execution_ids), _BATCH):
        yield from store.executions(execution_ids[at : at + _BATCH])
