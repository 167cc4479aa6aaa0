"""Hand-overs between agents that recur, beside the same tasks without them.

A chain is who handed over to whom, from the outermost agent to the one at work. An execution that was delegated states
it (``agent_chain``); where it does not, the chain is read from parents and children. Two agents of one name in a row are
a hand-over as well (an agent that starts itself again).

What is counted are *tasks*, not sub-agents: the support of a chain is the number of top executions below which it
occurred, so that one task with ten sub-agents of a kind counts once; and outcome and duration are those of the top
execution, because a hand-over is worth what it does for the task. Where the top execution is not known (it has not ended,
or was never imported), its kind, outcome and duration are not known either; those of a sub-agent do not stand in for
them. Compared is with executions of the same outermost agent, task type and domain that handed over nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from seasoned.learn.metrics import Effect, ratio_of_medians
from seasoned.learn.metrics.compare import rate_difference
from seasoned.learn.statistics import Rate, rate
from seasoned.model import AgentChain, Execution
from seasoned.model.ids import canonical_json, name_id

__all__ = ["ChainComparison", "ChainMiner"]

_FEWEST = 2
"""Tasks with a chain, at least."""
_DEEPEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainComparison:
    """A chain beside the same kind of task without any hand-over."""

    chain: AgentChain
    rate: Rate | None
    """Of the tasks with it whose outcome is known."""
    without: int
    """Top executions of the same agent, task type and domain that handed over nothing."""
    success: Effect | None
    """Success rate with the chain minus that without; None where either is unknown."""
    duration_ratio: Effect | None
    """How many times as long tasks with it take."""
    execution_ids: tuple[str, ...]
    """Top executions with it, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What is kept of an execution."""

    execution_id: str
    parent_id: str | None
    root_id: str | None
    agent: str | None
    chain: tuple[str, ...]
    task_type: str | None
    domain: str | None
    success: bool | None
    duration_ms: int | None
    at: datetime | None


_Kind = tuple[str | None, str | None]
"""(task type, domain)."""


class ChainMiner:
    """Fed one execution at a time, in any order; keeps a few fields of each, no spans."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._seen: dict[str, _Seen] = {}

    def add(self, execution: Execution) -> None:
        """One execution; a second time changes nothing."""
        trace, fingerprint = execution.trace, execution.fingerprint
        self._seen[trace.execution_id] = _Seen(
            execution_id=trace.execution_id,
            parent_id=trace.parent_id,
            root_id=trace.root_id,
            agent=trace.agent_name,
            chain=trace.agent_chain,
            task_type=fingerprint.task_type if fingerprint else None,
            domain=fingerprint.domain if fingerprint else None,
            success=trace.success,
            duration_ms=trace.duration_ms,
            at=trace.completed_at or trace.started_at,
        )

    def result(self, *, fewest: int = _FEWEST) -> list[AgentChain]:
        """Chains of at least ``fewest`` tasks, the most frequent first, ties by chain."""
        return [compared.chain for compared in self.comparisons(fewest=fewest)]

    def comparisons(self, *, fewest: int = _FEWEST) -> list[ChainComparison]:
        """The same chains, each beside the tasks of its kind without any hand-over."""
        tops: dict[str, _Seen] = {}
        sizes: Counter[str] = Counter()
        chains: dict[str, set[tuple[str, ...]]] = {}
        for seen in self._seen.values():
            top = self._top(seen)
            tops[top.execution_id] = top
            sizes[top.execution_id] += 1
            chain = self._chain(seen)
            if len(chain) > 1:
                chains.setdefault(top.execution_id, set()).add(chain)
        with_chain: dict[tuple[tuple[str, ...], _Kind], list[_Seen]] = {}
        without: dict[tuple[str | None, _Kind], list[_Seen]] = {}
        for execution_id, top in sorted(tops.items()):
            kind = (top.task_type, top.domain)
            for chain in chains.get(execution_id, ()):
                with_chain.setdefault((chain, kind), []).append(top)
            if execution_id not in chains and sizes[execution_id] == 1:
                without.setdefault((top.agent, kind), []).append(top)
        found = [
            self._compared(chain, kind, tasks, without.get((chain[0], kind), []))
            for (chain, kind), tasks in with_chain.items()
            if len(tasks) >= fewest
        ]
        return sorted(
            found,
            key=lambda each: (
                -each.chain.support,
                each.chain.chain,
                each.chain.task_type or "",
                each.chain.domain or "",
            ),
        )

    def _top(self, seen: _Seen) -> _Seen:
        """The outermost execution; one of which only the id is known where it was not added."""
        if seen.root_id is not None:
            return self._seen.get(seen.root_id) or _unseen(seen.root_id)
        for _ in range(_DEEPEST):
            if seen.parent_id is None:
                break
            parent = self._seen.get(seen.parent_id)
            if parent is None:
                return _unseen(seen.parent_id)
            seen = parent
        return seen

    def _chain(self, seen: _Seen) -> tuple[str, ...]:
        if len(seen.chain) > 1:
            return seen.chain
        names: list[str] = [seen.agent] if seen.agent else []
        for _ in range(_DEEPEST):
            if seen.parent_id is None or seen.parent_id not in self._seen:
                break
            seen = self._seen[seen.parent_id]
            names += [seen.agent] if seen.agent else []
        return tuple(reversed(names))

    def _compared(
        self,
        chain: tuple[str, ...],
        kind: _Kind,
        tasks: Sequence[_Seen],
        without: Sequence[_Seen],
    ) -> ChainComparison:
        task_type, domain = kind
        own, other = _rate(tasks), _rate(without)
        lengths = [task.duration_ms for task in tasks if task.duration_ms is not None]
        record = AgentChain(
            chain_id=name_id("chain", canonical_json([self._namespace, list(chain), task_type, domain])),
            namespace=self._namespace,
            chain=chain,
            task_type=task_type,
            domain=domain,
            support=len(tasks),
            success_rate=own.value if own else None,
            avg_duration_ms=sum(lengths) / len(lengths) if lengths else None,
            last_seen_at=max((task.at for task in tasks if task.at is not None), default=None),
        )
        return ChainComparison(
            chain=record,
            rate=own,
            without=len(without),
            success=rate_difference(other, own),
            duration_ratio=ratio_of_medians(
                [float(task.duration_ms) for task in without if task.duration_ms is not None], list(map(float, lengths))
            ),
            execution_ids=tuple(task.execution_id for task in tasks),
        )


def _unseen(execution_id: str) -> _Seen:
    return _Seen(
        execution_id=execution_id,
        parent_id=None,
        root_id=None,
        agent=None,
        chain=(),
        task_type=None,
        domain=None,
        success=None,
        duration_ms=None,
        at=None,
    )


def _rate(tasks: Iterable[_Seen]) -> Rate | None:
    known = [task.success for task in tasks if task.success is not None]
    return rate(sum(known), len(known))
