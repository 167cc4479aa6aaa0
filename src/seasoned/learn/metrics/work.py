"""What a run did, cut into phases and calls: the raw material of all metrics.

Where an agent opened phases itself, those are its phases. Where it did not, they are *derived* from what its calls do:
explore (look), change, check, deliver (commit, push, merge), delegate. A derived phase is a stretch of calls of one
kind, and its length is the time spent inside those calls, not the thinking between them, which transcripts do not time.
Derived phases are marked so wherever they are shown. Points in time (checkpoints, recorded errors) are no phases.

A retry is a call that repeats, in the same run, an earlier call that had failed: same tool, same arguments.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seasoned.capture.check_commands import check_command
from seasoned.learn.calls import DELIVERS, tool_name
from seasoned.learn.steps import Step, steps
from seasoned.model import Artifact, CompletedTrace, Execution, ExecutionUpdate, Fingerprint, Span, SpanOutcome, Trace
from seasoned.model.ids import canonical_json

__all__ = ["PhaseRun", "Recorded", "execution_of", "left_out_of", "phase_runs", "retries_of"]

Recorded = Trace | Execution | ExecutionUpdate
"""What can be measured: what a tracker's ``complete`` returns (a trace that has its calls with it), an execution of the
store, a trace with its spans, or a bare trace, which knows no steps."""

_DERIVED_OF = {"look": "explore", "change": "change", "check": "check", "delegate": "delegate"}
_WEIGHT = ("explore", "delegate", "change", "deliver", "check")
"""A line of several commands belongs to the last of these that it does: ``cd x && make test`` checks."""
_LONGEST_MS = 600_000
"""What a call counts for at most in a derived phase. Agents end a command after ten minutes at the latest, unless told
otherwise; a longer call was waiting for a person's consent or for a sleeping machine. Sub-agents may take longer."""
_FAILED: frozenset[SpanOutcome] = frozenset({"failure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRun:
    """One passage through a phase."""

    name: str
    derived: bool
    outcome: SpanOutcome
    """As stated; of a derived phase failure where its last call with a known end failed."""
    duration_ms: int | None
    """Of a derived phase the time inside its calls; None where nothing says."""
    calls: tuple[tuple[str, int | None], ...] = ()
    """(tool or program, duration) of the calls of a derived phase."""


def execution_of(recorded: Recorded) -> Execution:
    """``recorded`` as an execution; one without a fingerprint has none."""
    if isinstance(recorded, Execution):
        return recorded
    if isinstance(recorded, CompletedTrace):
        return Execution(trace=recorded, spans=recorded.spans)
    if isinstance(recorded, Trace):
        return Execution(trace=recorded)
    spans: tuple[Span, ...] = tuple(sorted(recorded.spans, key=lambda span: (span.number, span.span_id)))
    artifacts: tuple[Artifact, ...] = recorded.artifacts
    fingerprint: Fingerprint | None = None
    return Execution(trace=recorded.trace, fingerprint=fingerprint, spans=spans, artifacts=artifacts)


def left_out_of(recorded: Recorded) -> int:
    """Spans that are known to be missing."""
    return recorded.spans_left_out if isinstance(recorded, CompletedTrace) else 0


def phase_runs(spans: Sequence[Span]) -> tuple[PhaseRun, ...]:
    """Phases in order; stated ones where there are any, else derived ones."""
    stated = tuple(
        PhaseRun(name=span.name, derived=False, outcome=span.outcome, duration_ms=span.duration_ms)
        for span in spans
        if span.kind == "phase" and not (span.attributes or {}).get("mark")
    )
    return stated or tuple(_derived(spans))


def retries_of(spans: Iterable[Span]) -> int:
    """Calls that repeat an earlier call that had failed."""
    failed: set[str] = set()
    count = 0
    tools = [span for span in spans if span.kind == "tool"]
    if not any(span.outcome in _FAILED for span in tools):
        return 0
    for span in tools:
        if not failed and span.outcome not in _FAILED:
            continue
        key = f"{tool_name(span)} {canonical_json(span.arguments or {})}"
        count += key in failed
        if span.outcome in _FAILED:
            failed.add(key)
    return count


def _derived(spans: Sequence[Span]) -> Iterable[PhaseRun]:
    of_span: dict[str, str] = {}
    program: dict[str, str] = {}
    for step in steps(spans):
        name = _phase_of(step)
        for span_id in step.span_ids:
            known = of_span.get(span_id)
            if known is None or _WEIGHT.index(name) > _WEIGHT.index(known):
                of_span[span_id] = name
                program[span_id] = step.tool
    stretch: list[Span] = []
    name = ""
    for span in spans:
        own = of_span.get(span.span_id)
        if own is None:
            continue
        if own != name and stretch:
            yield _stretch(name, stretch, program)
            stretch = []
        name = own
        stretch.append(span)
    if stretch:
        yield _stretch(name, stretch, program)


def _stretch(name: str, spans: Sequence[Span], program: dict[str, str]) -> PhaseRun:
    longest = None if name == "delegate" else _LONGEST_MS
    lengths = [_at_most(span.duration_ms, longest) for span in spans]
    timed = [length for length in lengths if length is not None]
    known: list[SpanOutcome] = [span.outcome for span in spans if span.outcome in ("success", "failure")]
    return PhaseRun(
        name=name,
        derived=True,
        outcome=known[-1] if known else "unknown",
        duration_ms=sum(timed) if timed else None,
        calls=tuple((program[span.span_id], length) for span, length in zip(spans, lengths, strict=True)),
    )


def _at_most(duration_ms: int | None, longest: int | None) -> int | None:
    return duration_ms if duration_ms is None or longest is None else min(duration_ms, longest)


def _phase_of(step: Step) -> str:
    if step.kind in ("change", "check") and step.words:
        known = check_command(step.words)
        if known is not None and known[0] in DELIVERS:
            return "deliver"
    return _DERIVED_OF[step.kind]
