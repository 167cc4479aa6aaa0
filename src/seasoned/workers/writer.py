"""The database writer: folds events into traces, spans, artifacts, fingerprints and counters, exactly once.

Rows and consumer offset are one transaction, so an event takes effect with its offset or not at all; and because every
effect is a merge by id (``model.merge_traces``, ``Writing.save_spans``), an event applied again, or in another order,
changes nothing. A poison event is set aside among the dead letters with its error, and the batch goes on; one that
the log itself cannot hold is given back to whoever brought it.

An execution belongs to the namespace that recorded it first, because its id says what happened and not who tells it.
News of it from another namespace are refused: no import takes somebody's history away.

On one machine the log lies in the same database: ``ingest`` then appends and applies in a single transaction, so that
an import costs one commit per batch and its progress (``ImportState``) is saved with the rows it speaks of.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import isfinite
from types import MappingProxyType

from seasoned.errors import EventError, MalformedEventError, SeasonedError, StoreConflictError, StoreError
from seasoned.learn.consensus import without_agreement
from seasoned.learn.fingerprint import file_patterns, fingerprint
from seasoned.model import AdviceUpdate, Event, ExecutionUpdate, Fingerprint, Trace, merge_traces
from seasoned.model.events import NewerEvent
from seasoned.store import Delivery, ImportState, Store, Writing

__all__ = ["CONSUMER", "Applied", "Writer"]

CONSUMER = "database-writer"
BATCH_EVENTS = 100
"""Events that wait in the log are applied so many in a transaction: enough to share its cost, and a replay of a long
log keeps nobody else from writing for more than a moment."""
_IDS = re.compile(r"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})*")
_UNUSABLE = (EventError, ValueError, TypeError, ArithmeticError, StoreError)
"""What an event's content can make the code below raise."""


@dataclass(slots=True, kw_only=True)
class Applied:
    """What one call did."""

    events: int = 0
    duplicates: int = 0
    traces: int = 0
    new_traces: int = 0
    spans: int = 0
    dead: list[str] = field(default_factory=list[str])
    """Reasons of the events that went to the dead letters."""
    refused: list[tuple[Event, str]] = field(default_factory=list[tuple[Event, str]])
    """Events that the log cannot hold or that another namespace owns, with the reason; nothing of them was kept."""
    forgotten: int = 0
    """Events of executions that were forgotten, or that such a one delegated; nothing of them was kept."""
    elsewhere: dict[str, str] = field(default_factory=dict[str, str])
    """Executions among the refused that another namespace owns: id → that namespace."""


class Writer:
    """Applies events to one store. One writer per store works at a time; the store's write lock sees to it."""

    def __init__(self, store: Store, *, before_commit: Callable[[], None] | None = None) -> None:
        """``before_commit`` is called inside the transaction, last: fault tests stop the process there."""
        self._store = store
        self._before_commit = before_commit

    def ingest(self, events: Sequence[Event], progress: Sequence[ImportState] = ()) -> Applied:
        """Append ``events`` to the log and apply them, with ``progress``, in one transaction.

        Entries that were already waiting in the log are applied first, in batches of their own. On return everything
        is durable. Raises StoreError when the transaction could not be committed; then nothing of it happened.
        """
        applied = Applied()
        self.drain(applied)
        with self._store.writing() as writing:
            behind = writing.log_head()
            fresh = self._append(writing, self._own(writing, _remembered(writing, events, applied), applied), applied)
            # Not "==": where old entries of the log were purged, its head lies below the offset.
            if writing.committed_offset(CONSUMER) >= behind:
                self._apply_each(writing, fresh, applied)
                writing.commit_offset(CONSUMER, max(writing.log_head(), behind))
            for state in progress:
                writing.save_import_state(state)
            self._finish()
        self.drain(applied)
        return applied

    def take_newer(self, events: Sequence[NewerEvent]) -> Applied:
        """Append events of a newer version: they become dead letters, which ``replay`` takes after an upgrade.

        Raises StoreError as ``ingest`` does, also when the log cannot hold one of them.
        """
        with self._store.writing() as writing:
            writing.append_newer(events)
            self._finish()
        return self.drain()

    @staticmethod
    def _own(writing: Writing, events: Sequence[Event], applied: Applied) -> Sequence[Event]:
        """Those of executions that no other namespace has."""
        told = [event.payload for event in events]
        owners = writing.namespaces([each.trace.execution_id for each in told if isinstance(each, ExecutionUpdate)])
        own: list[Event] = []
        for event in events:
            if isinstance(event.payload, AdviceUpdate):
                own.append(event)
                continue
            trace = event.payload.trace
            owner = owners.setdefault(trace.execution_id, trace.namespace)
            if owner == trace.namespace:
                own.append(event)
            else:
                applied.elsewhere[trace.execution_id] = owner
                applied.refused.append((event, _elsewhere(trace, owner)))
        return own

    @classmethod
    def _append(cls, writing: Writing, events: Sequence[Event], applied: Applied) -> list[Event]:
        """Append all at once; when that fails, one by one, so that only what cannot stand in a log is left out."""
        if not events:
            return []
        try:
            with writing.savepoint():
                appended = writing.append(events)
        except _UNUSABLE as error:
            reason = _reason(error)
            if len(events) == 1:
                applied.refused.append((events[0], reason))
                return []
            middle = len(events) // 2
            return cls._append(writing, events[:middle], applied) + cls._append(writing, events[middle:], applied)
        applied.duplicates += appended.duplicates
        return list(appended.fresh)

    def drain(self, applied: Applied | None = None) -> Applied:
        """Apply whatever stands in the log behind the committed offset, batch by batch, until there is no more."""
        applied = applied or Applied()
        while True:
            with self._store.writing() as writing:
                position = writing.committed_offset(CONSUMER)
                if position == writing.log_head():
                    return applied
                batch = self._store.read_log(position, BATCH_EVENTS)
                if not batch:
                    return applied
                self._apply_batch(writing, batch, applied)
                writing.commit_offset(CONSUMER, batch[-1].position)
                self._finish()

    def replay(self, event_ids: Sequence[str] | None = None) -> Applied:
        """Try the dead letters again, or those named; the ones that work now are marked as replayed."""
        applied = Applied()
        wanted = {
            letter.event_id
            for letter in self._store.dead_letters(CONSUMER)
            if letter.state == "dead" and (event_ids is None or letter.event_id in event_ids)
        }
        position = 0
        while wanted and (batch := self._store.read_log(position, BATCH_EVENTS)):
            position = batch[-1].position
            again = [delivery for delivery in batch if delivery.event_id in wanted]
            if again:
                with self._store.writing() as writing:
                    self._apply_batch(writing, again, applied)
                    self._finish()
        return applied

    def _finish(self) -> None:
        if self._before_commit is not None:
            self._before_commit()

    def _apply_batch(self, writing: Writing, batch: Sequence[Delivery], applied: Applied) -> None:
        waiting = {letter.event_id for letter in self._store.dead_letters(CONSUMER) if letter.state == "dead"}
        good: list[Event] = []
        for delivery in batch:
            if delivery.event is not None:
                good.append(delivery.event)
            else:
                self._bury(writing, delivery, delivery.error or "the payload cannot be decoded", applied)
        kept = _remembered(writing, good, applied)
        if len(kept) < len(good):
            writing.drop_events(sorted({event.event_id for event in good} - {event.event_id for event in kept}))
            good = list(kept)
        dead = self._apply_each(writing, good, applied, {delivery.event_id: delivery.position for delivery in batch})
        for event in good:
            if event.event_id in waiting and event.event_id not in dead:
                writing.resolve_dead_letter(event.event_id, CONSUMER)

    @staticmethod
    def _bury(writing: Writing, delivery: Delivery, reason: str, applied: Applied) -> None:
        writing.save_dead_letter(delivery, CONSUMER, reason)
        applied.dead.append(reason)

    def _apply_each(
        self,
        writing: Writing,
        events: Sequence[Event],
        applied: Applied,
        positions: Mapping[str, int] = MappingProxyType({}),
    ) -> set[str]:
        """All at once; when that fails, one by one, so that only the poison is left out.

        ``positions``: places in the log, by event id, as far as they are known. Ids of the dead ones.
        """
        if not events:
            return set()
        try:
            with writing.savepoint():
                strangers = self._apply(writing, events, applied)
        except _UNUSABLE as error:
            reason = _reason(error)
            if len(events) > 1:
                middle = len(events) // 2
                dead = self._apply_each(writing, events[:middle], applied, positions)
                return dead | self._apply_each(writing, events[middle:], applied, positions)
            strangers = [(events[0], reason)]
        for event, reason in strangers:
            position = positions.get(event.event_id, 0)
            delivery = Delivery(position=position, event_id=event.event_id, topic=event.topic, event=event)
            self._bury(writing, delivery, reason, applied)
        return {event.event_id for event, _ in strangers}

    @staticmethod
    def _apply(writing: Writing, events: Sequence[Event], applied: Applied) -> list[tuple[Event, str]]:
        """Fold ``events`` into the rows; those of an execution that belongs to another namespace, with the reason."""
        for event in events:
            _check(event)
        writing.save_advice([each.payload.advice for each in events if isinstance(each.payload, AdviceUpdate)])
        news = [(event, event.payload) for event in events if isinstance(event.payload, ExecutionUpdate)]
        applied.events += len(events) - len(news)
        before = writing.traces(list({update.trace.execution_id for _, update in news}))
        told = {known.execution_id for known in before.values() if not _is_stub(known)}
        owners = {execution_id: before[execution_id].namespace for execution_id in told}
        updates: list[ExecutionUpdate] = []
        strangers: list[tuple[Event, str]] = []
        for event, update in news:
            trace = update.trace
            owner = owners.setdefault(trace.execution_id, trace.namespace)
            if owner == trace.namespace:
                updates.append(update)
            else:
                strangers.append((event, _elsewhere(trace, owner)))
        pieces: dict[str, Trace] = {}
        for update in updates:
            piece = pieces.get(update.trace.execution_id)
            pieces[update.trace.execution_id] = merge_traces(piece, update.trace) if piece else update.trace
        for execution_id in pieces.keys() & told:  # a stub has nothing to add
            known = without_agreement(before[execution_id])
            pieces[execution_id] = merge_traces(known, pieces[execution_id])
        files: dict[str, set[str]] = {}
        for update in updates:
            if update.artifacts:
                changed = files.setdefault(update.trace.execution_id, set())
                changed.update(artifact.file_path for artifact in update.artifacts)
        fingerprints: list[Fingerprint] = []
        named: dict[str, str] = {}
        for execution_id, trace in pieces.items():
            if trace.prompt:
                known = _fingerprint(trace.prompt, trace.namespace)
                named[execution_id] = known.fingerprint_id
                patterns = file_patterns(files.get(execution_id, ()))
                stack = tuple(sorted(set(trace.technology_stack)))
                fingerprints.append(replace(known, file_patterns=patterns, technology_stack=stack))
        writing.save_fingerprints(fingerprints)
        writing.save_traces([(trace, named.get(execution_id)) for execution_id, trace in pieces.items()])
        spans = [span for update in updates for span in update.spans]
        writing.save_spans(spans)
        writing.save_artifacts([artifact for update in updates for artifact in update.artifacts])
        writing.refresh_derived(list(pieces), sorted(set(named.values())))
        applied.events += len(updates)
        applied.traces += len(pieces)
        applied.new_traces += len(pieces.keys() - before.keys())
        applied.spans += len(spans)
        return strangers


def _remembered(writing: Writing, events: Sequence[Event], applied: Applied) -> Sequence[Event]:
    """Events without those of forgotten executions. Whatever these delegate is forgotten with them."""
    named = [(event, _relatives(event), _owners(event)) for event in events]
    gone = writing.forgotten(each for _, relatives, owners in named for each in relatives | owners)
    if not gone:
        return events
    kept: list[Event] = []
    for event, relatives, owners in named:
        if not gone.isdisjoint(relatives):
            applied.forgotten += 1
            if isinstance(event.payload, ExecutionUpdate):
                writing.remember_forgotten(event.namespace, [event.payload.trace.execution_id])
        elif not gone.isdisjoint(owners):
            applied.forgotten += 1  # malformed, and not even as a dead letter may it stay
        else:
            kept.append(event)
    return kept


def _owners(event: Event) -> set[str]:
    update = event.payload
    if isinstance(update, AdviceUpdate):
        return set()
    return {part.execution_id for part in (*update.spans, *update.artifacts)}


def _relatives(event: Event) -> set[str]:
    if isinstance(event.payload, AdviceUpdate):
        told = event.payload.advice.execution_id
        return {told} if told is not None else set()
    trace = event.payload.trace
    return {each for each in (trace.execution_id, trace.parent_id, trace.root_id) if each}


def _reason(error: Exception) -> str:
    """Why an event cannot take effect. Raises what is the database's state and not the event's content."""
    if isinstance(error, StoreError) and type(error) not in {StoreError, StoreConflictError}:
        raise error
    return str(error) if isinstance(error, SeasonedError) else f"{type(error).__name__}: {error}"


def _elsewhere(trace: Trace, owner: str) -> str:
    return (
        f"execution {trace.execution_id} belongs to namespace {owner!r}, which recorded it first, and stays there; "
        f"namespace {trace.namespace!r} does not get it"
    )


def _is_stub(trace: Trace) -> bool:
    """Whether nobody has told anything of it yet but that it exists."""
    return trace.revision == 0 and trace.source is None


def _check(event: Event) -> None:
    """What both engines must see alike and only one of them would refuse. Raises MalformedEventError."""
    update = event.payload
    if isinstance(update, AdviceUpdate):
        _check_advice(event, update)
        return
    trace = update.trace
    ids = [trace.execution_id, trace.parent_id or "", trace.root_id or ""]
    for span in update.spans:
        ids += span.span_id, span.execution_id, span.parent_span_id or ""
    for artifact in update.artifacts:
        ids += artifact.artifact_id, artifact.execution_id
    if not _IDS.fullmatch("".join(ids)):
        wrong = next((each for each in ids if each and not (len(each) == 36 and _IDS.fullmatch(each))), "")
        raise MalformedEventError(f"{event.topic} payload: {wrong[:80]!r} is no id; ids are UUIDs in lower case")
    for part in (*update.spans, *update.artifacts):
        if part.execution_id != trace.execution_id:
            # Whose it is must be told by the event alone: forgetting an execution drops the events of it.
            raise MalformedEventError(
                f"{event.topic} payload: a part of execution {part.execution_id} in an update of {trace.execution_id}; "
                "each execution is told by updates of its own"
            )
    for number in (trace.cost_usd, trace.quality_score, trace.outcome_confidence):
        if number is not None and not isfinite(number):
            raise MalformedEventError(f"{event.topic} payload: {number} is no number that can be kept")


def _check_advice(event: Event, update: AdviceUpdate) -> None:
    advice = update.advice
    for each in (advice.advice_id, advice.execution_id, advice.about_id):
        if each is not None and not (len(each) == 36 and _IDS.fullmatch(each)):
            raise MalformedEventError(f"{event.topic} payload: {each[:80]!r} is no id; ids are UUIDs in lower case")
    if advice.namespace != event.namespace:
        raise MalformedEventError(
            f"{event.topic} payload: advice of namespace {advice.namespace!r} in an event of {event.namespace!r}"
        )


@lru_cache(maxsize=512)
def _fingerprint(prompt: str, namespace: str) -> Fingerprint:
    # From the prompt alone: type, domain and complexity would else depend on which execution came first. Kept, as
    # benchmarks and retries ask the same thing many times over.
    return fingerprint(prompt, namespace)
