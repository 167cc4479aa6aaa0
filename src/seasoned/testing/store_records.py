"""Small records for tests of a store: finished, of namespace ``n``, each named by a word that makes its id.

Equal words give equal records, so that a test can name a record again instead of carrying it about.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from seasoned.model import Event, ExecutionUpdate, Fingerprint, Span, Trace
from seasoned.model.ids import name_id
from seasoned.store.port import Store

__all__ = ["NOON", "event", "fingerprint", "save", "span", "trace"]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def trace(name: str, /, **changes: object) -> Trace:
    """A small finished trace of namespace ``n``; its id is made of ``name``."""
    plain = Trace(
        execution_id=name_id("trace", name),
        namespace="n",
        session_id="s1",
        source="claude_code",
        agent_name="claude-code",
        prompt=f"do {name}",
        started_at=NOON,
        completed_at=NOON + timedelta(seconds=5),
        duration_ms=5000,
        status="success",
    )
    return replace(plain, **changes)  # pyright: ignore[reportArgumentType]  # checked by the dataclass' fields


def span(owner: Trace, name: str, /, **changes: object) -> Span:
    """A tool call of ``owner``."""
    plain = Span(span_id=name_id("span", name), execution_id=owner.execution_id, number=0, kind="tool", name="Bash")
    return replace(plain, **changes)  # pyright: ignore[reportArgumentType]


def fingerprint(name: str, /, *tokens: str, **changes: object) -> Fingerprint:
    """A fingerprint of namespace ``n`` with these keywords."""
    plain = Fingerprint(
        fingerprint_id=name_id("fingerprint", name),
        namespace="n",
        task_hash=f"hash-{name}",
        shape_hash="shape",
        shape_prompt="do «name»",
        task_type="debugging",
        task_type_confidence=0.75,
        domain="database",
        domain_confidence=0.5,
        intent="debug",
        complexity_score=0.25,
        original_prompt=f"Do {name}",
        normalized_prompt=f"do {name}",
        prompt_tokens=tuple(sorted(tokens)),
    )
    return replace(plain, **changes)  # pyright: ignore[reportArgumentType]


def event(name: str, /, **changes: object) -> Event:
    """An event about ``trace(name)``."""
    owner = trace(name)
    plain = Event(
        event_id=name_id("event", name),
        topic="task-executions",
        key="k",
        occurred_at=NOON,
        namespace="n",
        payload=ExecutionUpdate(trace=owner, spans=(span(owner, name),)),
    )
    return replace(plain, **changes)  # pyright: ignore[reportArgumentType]


def save(store: Store, traces: Sequence[tuple[Trace, Fingerprint | None]], spans: Sequence[Span] = ()) -> None:
    """Everything in one transaction, as the writer does it."""
    with store.writing() as writing:
        writing.save_fingerprints([owner for _, owner in traces if owner])
        writing.save_traces([(item, owner.fingerprint_id if owner else None) for item, owner in traces])
        writing.save_spans(spans)
        writing.refresh_derived(
            [item.execution_id for item, _ in traces], [owner.fingerprint_id for _, owner in traces if owner]
        )
