"""What scripts left in the inbox, into the database: each file one event, redacted, applied, and only then deleted.

Unlike the payloads of hooks these need nothing of each other (``capture.reported_events``), so that none has to stay.
Invariant: a file goes only after the commit that holds its event; one that is no event is set aside and said. A file
whose event came over HTTP as well is the same event by its id, and changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from seasoned.bus import BadLine, Inbox, Payload
from seasoned.capture.reported_events import filed_event
from seasoned.errors import ValidationError
from seasoned.model import Event, ExecutionUpdate
from seasoned.workers.spooling import cleaned
from seasoned.workers.writer import Applied, Writer

__all__ = ["REPORTS", "Filed", "take_reports"]

REPORTS = "shell"
"""``Payload.source`` of such files."""
_BATCH = 500


@dataclass(slots=True, kw_only=True)
class Filed:
    """What became of the files."""

    applied: list[Applied] = field(default_factory=list[Applied])
    done: int = 0
    """Files deleted."""
    bad: list[BadLine] = field(default_factory=list[BadLine])
    """Files set aside, with the reason."""


def take_reports(
    inbox: Inbox,
    payloads: Sequence[Payload],
    writer: Writer,
    redact: Callable[[ExecutionUpdate], ExecutionUpdate],
    *,
    namespace: str,
) -> Filed:
    """Drain ``payloads`` of the held ``inbox`` through ``redact`` into ``writer``.

    Raises StoreError when a commit fails and UnreadableFileError when the folder refuses; what was not committed stays.
    """
    filed = Filed()
    for start in range(0, len(payloads), _BATCH):
        events: dict[str, tuple[Event, Payload]] = {}
        again: list[Payload] = []
        for payload in payloads[start : start + _BATCH]:
            written = datetime.fromtimestamp(payload.modified_ns / 1e9, UTC)
            try:
                event = filed_event(payload.content, namespace=namespace, now=written)
            except ValidationError as error:
                filed.bad.append(inbox.set_aside(payload, str(error)))
                continue
            if event.event_id in events:
                again.append(payload)
            else:
                events[event.event_id] = event, payload
        applied = writer.ingest([cleaned(event, redact) for event, _ in events.values()])
        filed.applied.append(applied)
        for event, reason in applied.refused:
            _, payload = events.pop(event.event_id)
            filed.bad.append(inbox.set_aside(payload, reason))
        filed.done += inbox.remove([*again, *(payload for _, payload in events.values())])
    return filed
