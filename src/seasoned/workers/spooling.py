"""The spool's way into the database: redact, apply, and only then let the segment go.

Invariant: an event leaves the spool only after the transaction that holds it is on disk, and no event enters the log
before its secrets are out. A kill in between leaves the segment, and the next drain repeats it; the ids make that
harmless. Of an event of a newer version the payload's shape is not known: every string in it is redacted, whatever
field it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from seasoned.bus import Drained, Refused, Spool, drain
from seasoned.errors import StoreConflictError, StoreError
from seasoned.learn import task_hash
from seasoned.model import AdviceUpdate, Document, Event, ExecutionUpdate
from seasoned.model.events import NewerEvent
from seasoned.model.ids import fingerprint_id
from seasoned.workers.writer import Applied, Writer

__all__ = ["cleaned", "take_spool"]


def take_spool(
    spool: Spool,
    writer: Writer,
    redact: Callable[[ExecutionUpdate], ExecutionUpdate],
    *,
    redact_document: Callable[[Document], Document] | None = None,
    batch_events: int = 500,
) -> tuple[Drained, list[Applied]]:
    """Drain ``spool`` through ``redact`` into ``writer``; what was read, and what each transaction did.

    ``redact_document`` is for payloads of newer versions, which become dead letters; without it their lines are set
    aside in the spool. Raises StoreError when a commit fails; what was committed before stays, the rest stays in the spool.
    """
    applied: list[Applied] = []

    def take(batch: Sequence[Event]) -> list[Refused]:
        raw = {event.event_id: event for event in batch}
        done = writer.ingest([cleaned(event, redact) for event in batch])
        applied.append(done)
        return [Refused(event=raw[event.event_id], reason=reason) for event, reason in done.refused]

    def take_newer(batch: Sequence[NewerEvent]) -> list[Refused]:
        assert redact_document is not None
        refused: list[Refused] = []
        for event in batch:
            try:
                applied.append(writer.take_newer([_clean_newer(event, redact_document)]))
            except StoreError as error:
                if type(error) not in {StoreError, StoreConflictError}:
                    raise  # the database's state, not the event's content
                refused.append(Refused(event=event, reason=str(error)))
        return refused

    return drain(
        spool, take, take_newer=take_newer if redact_document is not None else None, batch_events=batch_events
    ), applied


def _clean_newer(event: NewerEvent, redact: Callable[[Document], Document]) -> NewerEvent:
    payload: object = msgspec.json.decode(event.payload)
    cleaned = redact({"payload": payload})["payload"]
    return replace(event, payload=msgspec.json.encode(cleaned))


def cleaned(event: Event, redact: Callable[[ExecutionUpdate], ExecutionUpdate]) -> Event:
    """The event as it may enter the log: redacted, a finished execution under the key of its task."""
    if isinstance(event.payload, AdviceUpdate):
        return event  # ids, counts and fixed words
    payload = redact(event.payload)
    trace = payload.trace
    key = event.key
    if event.topic == "task-executions" and trace.prompt:
        key = fingerprint_id(task_hash(trace.namespace, trace.prompt))  # of the redacted prompt, as everywhere
    return replace(event, payload=payload, key=key)
