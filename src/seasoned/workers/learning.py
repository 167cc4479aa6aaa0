"""Learning behind the import: the recorded history in, patterns, failures with their fixes, and chains out.

Two passes. One streams every execution once, for what is told call by call (failures, corrections, chains); the other
forms clusters from the fingerprints alone and then reads the executions of one cluster at a time. So memory is that of
the fingerprints and of one cluster, whatever the length of the history.

What a user approved and no pattern rests on becomes a pattern of its own, resting on one. Of failures that an agent was
told of, the log of advice says so: how it recovered from these is no measure of what agents find by themselves.

Invariant: what is learned is a function of the history, not of the order in which it arrived or of how often somebody
asked. Candidates of earlier runs that nobody has used or judged are therefore drawn anew with the rest; what people
decided about a pattern stays with it (``library.learned``). The position in the event log up to which the
history was learned from is committed with the results, under a name that holds the options: nothing new, nothing done.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seasoned.learn.chains import ChainMiner
from seasoned.learn.failures import CorrectionMiner, FailureMiner, FixIndex
from seasoned.learn.failures.mining import LEAST_SESSIONS
from seasoned.learn.patterns import Options, clusters, extract, settle, single
from seasoned.learn.template_library import templates_of
from seasoned.library.learned import LEARNER_METHODS, intake
from seasoned.model import APPROVED, Execution, FailurePattern, Fingerprint, Pattern, Template
from seasoned.store import FailureQuery, Store
from seasoned.workers.failure_reports import with_reports
from seasoned.workers.writer import CONSUMER as WRITER

__all__ = ["LEARNER_METHODS", "LearnOptions", "Learned", "Stage", "known_fixes", "learn_history"]

_PAGE = 500
Stage = Literal["reading", "patterns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnOptions:
    """What learning asks for. Other options learn anew from the same history."""

    patterns: Options = field(default_factory=Options)
    fix_sessions: int = LEAST_SESSIONS
    """Sessions in which a fix must have worked before it is shown, ≥ 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What one run of the learner found, and what it changed."""

    nothing_new: bool = False
    """Nothing was recorded since the last run with the same options, so nothing was done."""
    executions: int = 0
    clusters: int = 0
    """With enough executions to draw a pattern from."""
    patterns: int = 0
    """That stand after the run, preferences included."""
    preferences: int = 0
    patterns_saved: int = 0
    """New, or changed by new evidence."""
    patterns_withdrawn: int = 0
    """Candidates that the history no longer supports."""
    templates_saved: int = 0
    """New, or changed with their patterns."""
    failures: int = 0
    occurrences: int = 0
    resolutions: int = 0
    fixes_shown: int = 0
    """Failures with a resolution that may be shown."""
    chains: int = 0


def learn_history(
    store: Store,
    namespace: str,
    *,
    model: str | None,
    now: datetime,
    options: LearnOptions | None = None,
    again: bool = False,
    on_progress: Callable[[Stage, int, int], None] | None = None,
) -> Learned:
    """Learn from everything recorded in ``namespace``. ``model`` names the embeddings that tell which tasks are alike;
    None: their words alone. ``again`` learns although nothing is new. Raises StoreError; then nothing has changed.

    ``on_progress(stage, done, total)`` is called now and then; of ``reading`` the total is 0, as it is not known.
    """
    options = options or LearnOptions()
    consumer = f"learner {namespace} {blake2b(f'{options!r} {model}'.encode(), digest_size=6).hexdigest()}"
    with store.writing(durable=False) as writing:
        reached, written = writing.committed_offset(consumer), writing.committed_offset(WRITER)
        forgetting = writing.last_forgetting(namespace)
    if reached == written and not again:
        return Learned(nothing_new=True)
    tell = on_progress or _say_nothing
    failures = FailureMiner(options.fix_sessions, told=_told(store, namespace))
    corrections, chains = CorrectionMiner(), ChainMiner(namespace)
    approved: list[str] = []
    read = 0
    for batch in store.all_executions(namespace):
        for execution in batch:
            failures.add(execution)
            corrections.add(execution)
            chains.add(execution)
            if _approved(execution):
                approved.append(execution.trace.execution_id)
        read += len(batch)
        tell("reading", read, 0)
    found, drawn_from = _patterns(store, namespace, model, options.patterns, tell)
    found += _approved_patterns(store, namespace, approved, found, options.patterns)
    preferences = corrections.result()
    mined = list(failures.result())
    taken = intake(store, namespace, [*settle(found), *preferences], now)
    drawn = [pattern for pattern in taken.standing if pattern.extraction_method in LEARNER_METHODS]
    templates = templates_of(drawn, _all_templates(store, namespace), taken.withdrawn)
    known_failures = _all_failures(store, namespace)
    reported = {each.failure_id for each in known_failures if "reported" in (each.metadata or {})}
    found_chains = chains.result()
    with store.writing() as writing:
        current = writing.last_forgetting(namespace) == forgetting
        if current:
            writing.delete_templates(templates.obsolete)
            taken.write(writing)
            writing.save_templates(templates.save)
            for each in mined:
                writing.replace_failure(*with_reports(store, each.failure, each.resolutions, each.occurrences))
            gone = {each.failure_id for each in known_failures} - {each.failure.failure_id for each in mined} - reported
            writing.delete_failures(sorted(gone))
            writing.replace_chains(namespace, found_chains)
            writing.commit_offset(consumer, written)
    if not current:  # what was read is of executions that somebody has forgotten meanwhile
        return learn_history(
            store, namespace, model=model, now=now, options=options, again=True, on_progress=on_progress
        )
    return Learned(
        executions=read,
        clusters=drawn_from,
        patterns=len(taken.standing),
        preferences=len(preferences),
        patterns_saved=len(taken.save),
        patterns_withdrawn=len(taken.withdrawn),
        templates_saved=len(templates.save),
        failures=len(mined),
        occurrences=sum(len(each.occurrences) for each in mined),
        resolutions=sum(len(each.resolutions) for each in mined),
        fixes_shown=sum((each.failure.metadata or {}).get("shown") is True for each in mined),
        chains=len(found_chains),
    )


def known_fixes(store: Store, namespace: str) -> FixIndex:
    """Everything that is known to have fixed something, ready to be asked. Raises StoreError."""
    failures = _all_failures(store, namespace)
    return FixIndex(failures, store.resolutions([each.failure_id for each in failures]))


def _patterns(
    store: Store, namespace: str, model: str | None, options: Options, tell: Callable[[Stage, int, int], None]
) -> tuple[list[Pattern], int]:
    vectors: dict[str, NDArray[np.float32]] = {}
    if model is not None:
        vectors = {
            owner: np.frombuffer(data, dtype="<f4").astype(np.float32, copy=False)
            for owner, data in store.embeddings(namespace, model)
        }
    grown = [
        cluster
        for cluster in clusters(_tasks(store, namespace), vectors)
        if len(cluster.members) >= options.least_executions
    ]
    found: list[Pattern] = []
    for done, cluster in enumerate(grown):
        tell("patterns", done, len(grown))
        executions = store.executions(cluster.chosen(options.most_executions))
        found += extract(cluster, executions, namespace=namespace, options=options)
    tell("patterns", len(grown), len(grown))
    return found, len(grown)


def _approved(execution: Execution) -> bool:
    """Whether its user asked to learn from it."""
    return execution.trace.parent_id is None and any(each.kind == APPROVED for each in execution.trace.outcome_evidence)


def _approved_patterns(
    store: Store, namespace: str, approved: list[str], found: list[Pattern], options: Options
) -> list[Pattern]:
    """What a user approved and no pattern rests on yet, each as a pattern that rests on one."""
    behind = {execution_id for pattern in found for execution_id in pattern.execution_ids}
    alone = sorted(set(approved) - behind)
    drawn = (
        single(execution, namespace=namespace, options=options)
        for start in range(0, len(alone), _PAGE)
        for execution in store.executions(alone[start : start + _PAGE])
    )
    return [pattern for pattern in drawn if pattern is not None]


def _tasks(store: Store, namespace: str) -> Iterator[tuple[str, Fingerprint, str | None]]:
    known: dict[str, Fingerprint] = {}
    waiting: list[tuple[str, str, str | None]] = []

    def ready() -> Iterator[tuple[str, Fingerprint, str | None]]:
        missing = {owner for _, owner, _ in waiting} - known.keys()
        known.update((key, each.fingerprint) for key, each in store.fingerprints(sorted(missing)).items())
        for execution_id, owner, session_id in waiting:
            if owner in known:
                yield execution_id, known[owner], session_id
        waiting.clear()

    for task in store.execution_tasks(namespace):
        waiting.append(task)
        if len(waiting) >= _PAGE:
            yield from ready()
    yield from ready()


def _all_templates(store: Store, namespace: str) -> list[Template]:
    found: list[Template] = []
    while page := store.templates(namespace, limit=_PAGE, offset=len(found)):
        found += page
    return found


def _all_failures(store: Store, namespace: str) -> list[FailurePattern]:
    found: list[FailurePattern] = []
    while page := store.failures(FailureQuery(namespace=namespace, limit=_PAGE, offset=len(found))):
        found += page
    return found


def _told(store: Store, namespace: str) -> frozenset[tuple[str, str]]:
    """Of which failures the agents were told, as (session, failure_id)."""
    return frozenset(
        (advice.session_id, item.failure_id)
        for advice in store.all_advice(namespace)
        if advice.arm == "given" and advice.reason is None and advice.session_id is not None
        for item in advice.items or ()
        if item.failure_id is not None
    )


def _say_nothing(_stage: Stage, _done: int, _total: int) -> None:
    return
