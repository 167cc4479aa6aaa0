"""Stores to forget in, and small histories with a word that must be found nowhere afterwards."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from seasoned.model import ExecutionUpdate, Identity, Pattern, PatternStep, Span, Trace
from seasoned.model.ids import name_id
from seasoned.store import Selection, SqlStore
from seasoned.store.schema import ordered_tables
from seasoned.workers import Writer, event_of
from seasoned.workers.forgetting import forget

CLOCK = datetime(2026, 3, 1, tzinfo=UTC)
WHO = Identity(namespace="default", agent_id="local", role="admin", local=True)
MARKER = "zyxmarker"

Opener = Callable[[str], SqlStore]
URLS: dict[SqlStore, str] = {}
"""Of the stores that are open."""


def erase(store: SqlStore, *ids: str) -> list[str]:
    return list(forget(store, Selection(execution_ids=ids), WHO, model=None, now=CLOCK).execution_ids)


def update(name: str, text: str, **more: object) -> ExecutionUpdate:
    owner = name_id("run", name)
    trace = Trace(
        execution_id=owner,
        namespace="default",
        revision=3,
        source="sdk",
        session_id=f"session of {name}",
        prompt=f"Repair the {text} parser",
        started_at=CLOCK,
        completed_at=CLOCK,
        status="success",
        outcome_tier="explicit",
        outcome_confidence=1.0,
        technology_stack=("python",),
    )
    call = Span(
        span_id=name_id("call", name),
        execution_id=owner,
        number=1,
        kind="tool",
        name="Bash",
        tool="Bash",
        outcome="success",
        arguments={"command": f"echo {text}"},
        result_preview=f"{text} went well",
    )
    return ExecutionUpdate(trace=replace(trace, **more), spans=(call,))  # type: ignore[arg-type]


def ingest(store: SqlStore, *updates: ExecutionUpdate) -> list[str]:
    Writer(store).ingest([event_of(each, now=CLOCK) for each in updates])
    return [each.trace.execution_id for each in updates]


def pattern(name: str, sources: Sequence[str], **more: object) -> Pattern:
    step = PatternStep(number=1, action=f"Run `echo {MARKER}`", tool="echo", target=MARKER, seen_in=1, of=1)
    made = Pattern(
        pattern_id=name_id("pattern", name),
        pattern_name=name,
        namespace="default",
        agent_id="seasoned",
        pattern_type="workflow",
        execution_ids=tuple(sorted(sources)),
        extraction_method="recorded",
        pattern_data={"problem": f"Repair the {MARKER} parser", "example": {"task": MARKER}},
        pattern_template=f"Do {MARKER}",
        recommended_steps=(step,),
        evidence_count=len(sources),
        evidence_success_count=len(sources),
        success_score=0.9,
        success_rate=0.9,
        confidence_score=0.5,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def places_of(store: SqlStore, word: str) -> list[str]:
    """Tables that have ``word`` in any column of any row, the packed events and the full text included."""
    found: set[str] = set()
    with store.engine.reading() as session:
        names = [str(table.name) for table in ordered_tables()]
        names += ["fingerprint_terms"] if session.dialect == "sqlite" else []
        for name in names:
            for row in session.rows(f"SELECT * FROM {name}"):
                whole = [
                    zlib.decompress(each) if name == "events" and isinstance(each, bytes) else each for each in row
                ]
                if word in repr(whole):
                    found.add(name)
    return sorted(found)
