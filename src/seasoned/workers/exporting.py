"""What is stored about somebody, as lines that ``seasoned import`` reads back.

Executions come first, each as the events that would have told of it; then what else there is, in lines of their own kind
(``{"seasoned": KIND, "record": …}``), which an importer counts and passes over: what somebody did can be taken along, what
others made of it cannot be handed to another library by a file. Invariant: nothing that is not of the selection; outcomes
that were concluded from other people's runs stay behind.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from seasoned.learn.consensus import without_agreement
from seasoned.model import Execution, ExecutionUpdate
from seasoned.model.codec import encode_event
from seasoned.store import Selection, Store
from seasoned.workers.reading import event_of

__all__ = ["export_lines"]

_BATCH = 50
_SPANS = 500
"""In one line, as importers cut them."""


def export_lines(store: Store, namespace: str, selection: Selection, *, now: datetime) -> Iterator[tuple[str, bytes]]:
    """(kind, line) of everything that is stored about the selection; the kind of an execution's lines is ``event``.

    With ``user_id`` or ``agent`` also what that identity owns or did in the library. Raises StoreError."""
    ids = store.selected(namespace, selection)
    for start in range(0, len(ids), _BATCH):
        for execution in store.executions(ids[start : start + _BATCH]):
            for update in _updates(execution):
                yield "event", encode_event(event_of(update, now=now)) + b"\n"
    for kind, record in store.held_about(namespace, _identities(selection), ids):
        yield kind, msgspec.json.encode({"seasoned": kind, "record": record}) + b"\n"


def _identities(selection: Selection) -> Sequence[str]:
    return [each for each in (selection.user_id, selection.agent) if each is not None]


def _updates(execution: Execution) -> Iterator[ExecutionUpdate]:
    trace = without_agreement(execution.trace)
    spans = execution.spans
    yield ExecutionUpdate(trace=trace, spans=tuple(spans[:_SPANS]), artifacts=tuple(execution.artifacts))
    for start in range(_SPANS, len(spans), _SPANS):
        yield ExecutionUpdate(trace=trace, spans=tuple(spans[start : start + _SPANS]))
