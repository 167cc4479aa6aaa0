"""The executions of one domain, read once: what all questions of the analysis are asked of.

Invariant: sorted by id and each execution once, so that nothing below depends on the order in which they were given.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from seasoned.learn.calls import line_of, tool_name
from seasoned.learn.failures.signature import signature
from seasoned.learn.fingerprint import fingerprint
from seasoned.learn.metrics import PhaseRun, Recorded, execution_of, left_out_of, phase_runs
from seasoned.learn.patterns.contrast import known_outcome
from seasoned.model import Execution, Span

__all__ = ["MOST_IDS", "Gathered", "Run", "gather"]

MOST_IDS = 50
"""Executions listed behind one insight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is asked of one execution."""

    execution_id: str
    session: str
    place: str
    """Repository, else working directory; empty where neither is known."""
    began: float | None
    """Seconds since 1970."""
    duration_ms: int | None
    success: bool | None
    """As recorded."""
    proven: bool | None
    """The same where it is known otherwise than from steps, this run's or others' (``patterns.contrast``): only such an
    outcome can say what a step is worth."""
    stratum: str | None
    """Hash of the task's shape."""
    phases: tuple[PhaseRun, ...]
    tools: frozenset[str]
    errors: tuple[tuple[str, str], ...]
    """(signature, program) of calls that failed and said why."""
    domain: str | None = None
    """Of the task; None where it is not known."""
    left_out: int = 0
    """Calls that a tracker recorded and no longer held."""

    @property
    def derived(self) -> bool:
        """Whether its phases are derived."""
        return bool(self.phases) and self.phases[0].derived


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What was handed over."""

    runs: tuple[Run, ...]
    """Of the domain."""
    others: tuple[Run, ...]
    """Of other domains."""


def gather(recorded: Iterable[Recorded], domain: str | None) -> Gathered:
    """Executions of ``domain``: those whose task is known to be of it, and bare traces, of which only the caller can say
    what they are. None: all. Takes a stream; what is kept of an execution is its ``Run``."""
    own: dict[str, Run] = {}
    others: dict[str, Run] = {}
    for each in recorded:
        execution = execution_of(each)
        run = _run(execution, left_out_of(each))
        of = execution.fingerprint.domain if execution.fingerprint else None
        is_own = domain is None or of == domain or not isinstance(each, Execution)
        side = own if is_own else others
        known = side.get(run.execution_id)
        # Of two readings of one execution the fuller stands, whichever came first.
        side[run.execution_id] = run if known is None else max(known, run, key=lambda one: (len(one.phases), repr(one)))
    return Gathered(
        runs=tuple(own[key] for key in sorted(own)),
        others=tuple(others[key] for key in sorted(others) if key not in own),
    )


def _run(execution: Execution, left_out: int) -> Run:
    trace = execution.trace
    return Run(
        execution_id=trace.execution_id,
        session=trace.session_id or trace.execution_id,
        place=trace.repo or trace.cwd or "",
        began=trace.started_at.timestamp() if trace.started_at else None,
        duration_ms=trace.duration_ms,
        success=trace.success,
        proven=known_outcome(trace),
        stratum=_stratum(execution),
        phases=phase_runs(execution.spans),
        tools=frozenset(tool_name(span) for span in execution.spans if span.kind == "tool"),
        errors=tuple(
            error
            for span in execution.spans
            if span.kind == "tool" and span.outcome == "failure" and (error := _error(span)) is not None
        ),
        domain=execution.fingerprint.domain if execution.fingerprint else None,
        left_out=left_out,
    )


def _stratum(execution: Execution) -> str | None:
    """What a tracker has just completed has a prompt but no fingerprint yet."""
    if execution.fingerprint is not None:
        return execution.fingerprint.shape_hash
    prompt = execution.trace.prompt
    return fingerprint(prompt, execution.trace.namespace).shape_hash if prompt else None


def _error(span: Span) -> tuple[str, str] | None:
    """None where the message says nothing of its own: that a program failed is no error that one can act on."""
    found = signature(tool_name(span), line_of(span.arguments or {}), span.error_message or span.error_type or "")
    return (found.text, found.program) if found.informative else None
