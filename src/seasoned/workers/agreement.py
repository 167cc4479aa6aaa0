"""Outcomes by agreement, behind the import: what the runs of one task say about each other, written to their traces.

A consumer of the event log of its own (``agreement``): it reads which executions the news are about, finds the tasks
that they are runs of, and judges every run of those tasks anew (``learn.consensus``). Claims and offset are one
transaction, so a crash costs nothing but time, and a task that nothing new is about costs nothing.

Invariant: a claim is a function of the runs that are stored, whatever came first. It follows that a run that disagrees
withdraws the claims made before it; the writer sees to it that a claim never takes part in a merge
(``consensus.without_agreement``).

Runs of one task are root executions with the same fingerprint that have ended, each the beginning of its session and
without further words of the user: only then is the prompt all that the agent was told. A prompt that was put twice in
one session is a routine or a complaint, and nothing is claimed for any of its runs. Executions that began at the same
instant are copies of one, as a forked session leaves them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from seasoned.learn.consensus import Run, agreements, blamed, self_contained, with_agreement, without_agreement
from seasoned.learn.effects import effects, telling
from seasoned.learn.fingerprint import task_hash
from seasoned.model import ExecutionUpdate, Span, Trace
from seasoned.model.ids import fingerprint_id
from seasoned.store import Store, TraceQuery, Writing
from seasoned.workers.writer import CONSUMER as WRITER

__all__ = ["CONSUMER", "Settled", "settle_again", "settle_outcomes"]

CONSUMER = "agreement"
BATCH_EVENTS = 200
"""As many as an import writes at once: their spans fit into memory together."""
_MOST_RUNS = 200
"""Of one task; a prompt that was put more often than any benchmark repeats its tasks is a routine."""


@dataclass(slots=True, kw_only=True)
class Settled:
    """What one pass did."""

    claimed: int = 0
    """Executions that got an outcome."""
    withdrawn: int = 0
    """Executions that lost one."""


def settle_outcomes(store: Store) -> Settled:
    """Judge the runs of every task that the log has news of since the last call. Raises StoreError."""
    settled = Settled()
    while _settle_batch(store, settled):
        pass
    return settled


def _settle_batch(store: Store, settled: Settled) -> bool:
    """One batch of news; False when there is no more."""
    with store.writing(durable=False) as writing:
        position, written = writing.committed_offset(CONSUMER), writing.committed_offset(WRITER)
        if position >= written:
            return False
        news = [each for each in store.read_log(position, BATCH_EVENTS) if each.position <= written]
        touched: set[str] = set()
        for delivery in news:
            update = delivery.event.payload if delivery.event is not None else None
            if isinstance(update, ExecutionUpdate):
                touched.add(update.trace.execution_id)
                touched.update(span.execution_id for span in update.spans)
        for owner in _tasks(writing, touched):
            _settle_task(store, writing, owner, settled)
        writing.commit_offset(CONSUMER, news[-1].position if len(news) == BATCH_EVENTS else written)
        return True


def settle_again(store: Store, writing: Writing, execution_ids: Iterable[str]) -> Settled:
    """Judge the tasks of these executions anew, inside an open transaction that ``store`` sees: what they were compared
    with has changed. Raises StoreError."""
    settled = Settled()
    for owner in _tasks(writing, execution_ids):
        _settle_task(store, writing, owner, settled)
    return settled


def _tasks(writing: Writing, execution_ids: Iterable[str]) -> list[str]:
    """Fingerprints of the self-contained prompts that the roots of these executions were given."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = set(execution_ids)
    while waiting:
        seen |= waiting
        parents: set[str] = set()
        for trace in writing.traces(sorted(waiting)).values():
            if trace.parent_id is not None:
                parents.add(trace.parent_id)
            elif trace.prompt and self_contained(trace.prompt):
                found.add(fingerprint_id(task_hash(trace.namespace, trace.prompt)))
        waiting = parents - seen
    return sorted(found)


def _settle_task(store: Store, writing: Writing, owner: str, settled: Settled) -> None:
    traces = store.executions_of([owner], per_fingerprint=_MOST_RUNS + 1)[owner]
    roots = [trace for trace in traces if trace.parent_id is None and trace.status != "in_progress"]
    if len(roots) < 2 and not any(trace.outcome_tier == "consensus" for trace in roots):
        return
    before = {trace.execution_id: trace for trace in roots}
    after = {trace.execution_id: without_agreement(trace) for trace in roots}
    if len(traces) <= _MOST_RUNS and _one_each(roots):
        alone = [trace for trace in roots if _from_the_start(store, trace)]
        spans = {trace.execution_id: _all_spans(store, trace.execution_id) for trace in alone}
        runs = [_run(without_agreement(trace), spans[trace.execution_id]) for trace in alone]
        for run, agreement in zip(runs, agreements(runs), strict=True):
            after[run.run_id] = with_agreement(before[run.run_id], agreement, run.effects)
    changed = [(trace, owner) for key, trace in after.items() if trace != before[key]]
    if changed:
        writing.save_traces(changed)
        writing.refresh_derived([trace.execution_id for trace, _ in changed], [owner])
        for trace, _ in changed:
            known = before[trace.execution_id].outcome_tier == "consensus", trace.outcome_tier == "consensus"
            settled.claimed += known == (False, True)
            settled.withdrawn += known == (True, False)


def _one_each(roots: list[Trace]) -> bool:
    sessions = Counter(trace.session_id for trace in roots)
    return None not in sessions and max(sessions.values()) == 1


def _from_the_start(store: Store, trace: Trace) -> bool:
    """Whether nothing was said in the session before this prompt or, within the execution, after it.

    Where the source knows no times, whether it is all that the session holds.
    """
    if trace.follow_ups:
        return False
    before = TraceQuery(
        namespace=trace.namespace, session_id=trace.session_id, until=trace.started_at, roots_only=True, limit=2
    )
    return all(other.execution_id == trace.execution_id for other in store.traces(before))


def _all_spans(store: Store, execution_id: str) -> list[Span]:
    """Of the execution and of all that it delegated."""
    found: list[Span] = []
    seen: set[str] = set()
    waiting = [execution_id]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            found += store.spans(one)
            waiting += [child.execution_id for child in store.children(one)]
    return found


def _run(trace: Trace, spans: list[Span]) -> Run:
    return Run(
        run_id=trace.execution_id,
        effects=effects(spans),
        origin=trace.started_at.isoformat() if trace.started_at else "",
        telling=telling(spans),
        blamed=blamed(trace),
    )
