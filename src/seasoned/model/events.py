"""Events: what travels from capture to the writer, and on to every other consumer.

An event is immutable and names its own effect by id, so that a second delivery is harmless. Payloads are
versioned dataclasses; ``PAYLOADS`` is the one place that says which topic carries what in which version.
There is no order between topics, so no consumer may need one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from seasoned.model.advice import Advice
from seasoned.model.trace import Artifact, Span, Trace

__all__ = [
    "PAYLOADS",
    "TOPICS",
    "AdviceUpdate",
    "Event",
    "ExecutionUpdate",
    "NewerEvent",
    "Payload",
    "Topic",
    "TopicName",
]

TopicName = Literal[
    "agent-actions",
    "agent-routing-decisions",
    "agent-transformation-events",
    "router-performance-metrics",
    "task-executions",
    "code-quality-metrics",
    "success-patterns",
    "failure-patterns",
    "library-changes",
    "advice-events",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A stream of events."""

    name: TopicName
    key: str
    """What the key of its events is; order is kept per key."""
    partitions: int
    retention_days: int


TOPICS: dict[TopicName, Topic] = {
    topic.name: topic
    for topic in (
        Topic(name="agent-actions", key="correlation_id", partitions=12, retention_days=7),
        Topic(name="agent-routing-decisions", key="correlation_id", partitions=6, retention_days=30),
        Topic(name="agent-transformation-events", key="correlation_id", partitions=6, retention_days=30),
        Topic(name="router-performance-metrics", key="agent_name", partitions=6, retention_days=30),
        Topic(name="task-executions", key="fingerprint_id", partitions=12, retention_days=90),
        Topic(name="code-quality-metrics", key="execution_id", partitions=6, retention_days=90),
        Topic(name="success-patterns", key="pattern_id", partitions=6, retention_days=365),
        Topic(name="failure-patterns", key="failure_id", partitions=6, retention_days=365),
        Topic(name="library-changes", key="pattern_id", partitions=6, retention_days=365),
        Topic(name="advice-events", key="session_id", partitions=6, retention_days=365),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionUpdate:
    """What one source knows of one execution: the trace, or a piece of it, with some of its spans and artifacts.

    The tracker sends a small one for each call, an importer one for each finished execution (several when it has
    very many spans). Applying any of them twice, or in another order, gives the same rows.
    """

    trace: Trace
    spans: tuple[Span, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceUpdate:
    """What is known of one piece of advice: that it was given or withheld, or, later, what became of it.

    Pieces merge by id, whatever order they come in: what one says and another does not is kept.
    """

    advice: Advice


Payload = ExecutionUpdate | AdviceUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of the event log."""

    event_id: str
    """UUIDv5 over the execution and the payload's content: the same news has the same id."""
    topic: TopicName
    key: str
    occurred_at: datetime
    """Aware UTC; when it happened in the agent, not when it was recorded."""
    namespace: str
    schema_version: int = 1
    correlation_id: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    payload: Payload

    @property
    def update(self) -> ExecutionUpdate:
        """The payload of an event that is about an execution. Raises TypeError for one that is about advice."""
        if not isinstance(self.payload, ExecutionUpdate):
            raise TypeError(f"event {self.event_id} of {self.topic} tells of no execution")
        return self.payload


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerEvent:
    """An event whose payload a newer Seasoned wrote: the envelope as in ``Event``, the payload as it came.

    It stands in the log, and among the dead letters, until a Seasoned that reads it replays it.
    """

    event_id: str
    topic: TopicName
    key: str
    occurred_at: datetime
    namespace: str
    schema_version: int
    correlation_id: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    payload: bytes
    """JSON."""


PAYLOADS: dict[tuple[TopicName, int], type[ExecutionUpdate] | type[AdviceUpdate]] = {
    ("agent-actions", 1): ExecutionUpdate,
    ("task-executions", 1): ExecutionUpdate,
    ("code-quality-metrics", 1): ExecutionUpdate,
    ("advice-events", 1): AdviceUpdate,
}
