"""Where a program's own events go, and how each of them is made.

Capture does not know the spool (rooms beside each other do not import each other): it knows a ``Sink``, and the
application says which one is meant where a tracker was given none.
"""

import itertools
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, Protocol

from seasoned.errors import UsageError
from seasoned.model.events import Event, ExecutionUpdate, TopicName
from seasoned.model.ids import name_id, name_ids
from seasoned.model.trace import Artifact, Span, Trace

__all__ = ["NAME_LIMIT", "Clock", "ExecutionStream", "Sink", "default_namespace", "set_default_sink", "utc_now"]

Clock = Callable[[], datetime]

NAME_LIMIT = 200
"""Characters of a tool's, model's, phase's or agent's name."""


class Sink(Protocol):
    """Where events go. ``bus.Spool`` is one."""

    def write(self, event: Event, /) -> object:
        """Take one event; on return it is safe from a crash of this process, or known to be lost.

        Called from any thread. Must not block and must not raise for reasons of its own (disk, network).
        """
        ...


class _Wiring:
    """What the application puts in before the first tracker that was given no sink."""

    def __init__(self) -> None:
        self.factory: Callable[[], Sink] | None = None
        self.namespace: Callable[[], str] | None = None


_wiring = _Wiring()


class _Process:
    """This process's id, without asking the system at each call: 0.2 µs twice."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
            os.register_at_fork(after_in_child=self._changed)

    def _changed(self) -> None:
        self.pid = os.getpid()


_process = _Process()


def set_default_sink(factory: Callable[[], Sink] | None, namespace: Callable[[], str] | None = None) -> None:
    """Where trackers without a ``sink`` send their events; ``factory`` is called at a tracker's first event.

    ``namespace`` says to which namespace those belong that name none; it is called when a tracker is made.
    """
    _wiring.factory = factory
    _wiring.namespace = namespace


def default_namespace() -> str:
    """Of trackers that go to the default sink and name no namespace."""
    return _wiring.namespace() if _wiring.namespace is not None else "default"


def _default_sink() -> Sink:
    if _wiring.factory is None:
        raise UsageError(
            "ExecutionTracker has nowhere to send its events: use `from seasoned import ExecutionTracker`, "
            "or give it a sink"
        )
    return _wiring.factory()


def utc_now() -> datetime:
    """The system's time."""
    return datetime.now(UTC)


class ExecutionStream:
    """The events of one execution: numbered, named by UUIDv5 under the execution, one ``write`` each.

    The first event says what the execution is, every later one only what is new. Safe to share between threads; a
    forked process that goes on with the execution gives ids that differ from its parent's.
    """

    def __init__(self, trace: Trace, sink: Sink | None, clock: Clock) -> None:
        self.trace = trace
        """What the first event says; revision 1."""
        self.mention = Trace(
            execution_id=trace.execution_id, namespace=trace.namespace, revision=1, source=trace.source
        )
        """What a later event says that has no news of the trace itself. One object, so that a call stays cheap."""
        self.sink = sink
        self.clock = clock
        self._correlation_id = trace.correlation_id or trace.execution_id
        self._lock = threading.RLock()
        self._begun = False
        self._events = itertools.count()
        self._spans = itertools.count()
        self._revisions = itertools.count(2)
        self._pid = _process.pid
        self._event_id = name_ids(trace.execution_id, "event")
        self._span_id = name_ids(trace.execution_id, "span")

    def now(self) -> datetime:
        """Aware UTC. Raises UsageError for a clock without a zone."""
        now = self.clock()
        if now.tzinfo is None:
            raise UsageError("ExecutionTracker: the clock must give aware times")
        return now if now.tzinfo is UTC else now.astimezone(UTC)

    def revision(self) -> int:
        """Higher than every one before."""
        return next(self._revisions)

    def next_span(self) -> tuple[str, int]:
        """Id and number of the next span of the execution."""
        number = next(self._spans)
        return self._id("span", number), number

    def begin(self) -> None:
        """Send the first event, once."""
        with self._lock:
            if not self._begun:
                self.sink = self.sink or _default_sink()
                self._begun = True
                self.send(self.trace, now=self.trace.started_at or self.now())

    def send(
        self,
        trace: Trace,
        *spans: Span,
        artifacts: tuple[Artifact, ...] = (),
        topic: TopicName = "agent-actions",
        now: datetime,
    ) -> None:
        """Send one piece of news."""
        if not self._begun:
            self.begin()
        sink = self.sink
        assert sink is not None
        sink.write(
            Event(
                event_id=self._id("event", next(self._events)),
                topic=topic,
                # The drain gives finished executions their fingerprint's key, once the prompt is redacted.
                key=self._correlation_id,
                occurred_at=now,
                namespace=trace.namespace,
                correlation_id=self._correlation_id,
                root_id=self.trace.root_id,
                parent_id=self.trace.parent_id,
                payload=ExecutionUpdate(trace=trace, spans=spans, artifacts=artifacts),
            )
        )

    def _id(self, kind: Literal["event", "span"], number: int) -> str:
        if _process.pid == self._pid:
            return (self._event_id if kind == "event" else self._span_id)(str(number))
        # A forked child counts on from where its parent was, which does the same.
        return name_id(self.trace.execution_id, kind, str(_process.pid), str(number))
