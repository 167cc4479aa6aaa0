"""The calls of one execution, each sent as one event before it returns: phases, tools, models, errors, checkpoints.

Invariant: a span's id, its number and its parent are fixed when it is first sent; a phase is sent twice under one id,
at its beginning and at its end, and the second says more.
"""

import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from seasoned.capture.calls import (
    ModelTotals,
    document_from,
    elapsed_ms,
    error_from,
    outcome_from,
    result_from,
    stack_text,
    whole_ms,
)
from seasoned.capture.excerpt import cut
from seasoned.capture.phases import OpenPhases, Phase
from seasoned.capture.sink import NAME_LIMIT, ExecutionStream
from seasoned.errors import UsageError
from seasoned.model.limits import ERROR_LIMIT
from seasoned.model.trace import Document, Span, SpanOutcome

__all__ = ["MOST_KEPT", "Recorder"]

MOST_KEPT = 2_000
"""Spans of one execution that its tracker keeps, for whoever measures what ``complete`` returns: 2 MB as calls usually
are, 10 MB where each is as long as ``model.limits`` allow."""
_HIGHEST_COST = 1e12
"""US dollars. What lies above is a mistake, and infinity is no number that can be kept."""


class Recorder:
    """What can be recorded of an execution while it runs. Safe to share between threads and asyncio tasks."""

    def __init__(self, stream: ExecutionStream) -> None:
        self.stream = stream
        """The events of this execution."""
        self._execution_id = stream.trace.execution_id
        self._phases = OpenPhases()
        self._totals = ModelTotals()
        self._lock = threading.RLock()
        self._kept: dict[str, Span] = {}
        self._left_out = 0

    # -- phases ----------------------------------------------------------------------------------------------
    def start_phase(self, name: str, *, description: str | None = None) -> str:
        """Begin a phase inside the innermost open one; what follows belongs to it. Returns its span id."""
        if not name:
            raise UsageError("start_phase: the phase needs a name")
        now = self.stream.now()
        span_id, number = self.stream.next_span()
        span = Span(
            span_id=span_id,
            execution_id=self._execution_id,
            parent_span_id=self._phases.parent_span_id(),
            number=number,
            kind="phase",
            name=cut(name, NAME_LIMIT),
            description=description and cut(description, ERROR_LIMIT),
            started_at=now,
        )
        self._phases.begin(name, span)
        self._send(span, now)
        return span_id

    def end_phase(self, name: str, *, success: bool = True, error: BaseException | str | None = None) -> str:
        """End the innermost open phase, which must be ``name``. Returns its span id.

        A phase may also be ended from another thread or task than the one that began it.
        Raises UnbalancedPhaseError, which names the phase, when it was not begun, has ended, or holds an open phase.
        """
        phase = self._phases.end(name)
        self._send_end(phase, "success" if success and error is None else "failure", error)
        return phase.span.span_id

    @contextmanager
    def phase(self, name: str, *, description: str | None = None) -> Generator[str]:
        """A phase as a block; it fails when the block raises. Gives its span id."""
        span_id = self.start_phase(name, description=description)
        try:
            yield span_id
        except BaseException as error:
            self.end_phase(name, success=False, error=error)
            raise
        self.end_phase(name)

    def _send_end(self, phase: Phase, outcome: SpanOutcome, error: BaseException | str | None) -> None:
        now = self.stream.now()
        kind, message = (None, None) if error is None else error_from(error)
        ended = replace(
            phase.span,
            duration_ms=elapsed_ms(phase.span.started_at, now),
            outcome=outcome,
            error_type=kind,
            error_message=message,
        )
        self._send(ended, now)

    # -- calls -----------------------------------------------------------------------------------------------
    def record_tool_use(
        self,
        tool: str,
        arguments: Mapping[str, object] | None = None,
        duration_ms: float | None = None,
        success: bool | None = None,
        *,
        result: object = None,
        error: BaseException | str | None = None,
        files: Sequence[str] = (),
    ) -> str:
        """One call of a tool, at its end. Returns its span id.

        ``arguments`` are cut to the limits of ``model.limits``; ``duration_ms`` is ≥ 0; ``success`` None means that
        nobody knows, or a failure where an ``error`` is given. ``files`` are paths that it read or wrote.
        """
        kind, message = (None, None) if error is None else error_from(error)
        preview, size = (None, None) if result is None else result_from(result)
        now = self.stream.now()
        elapsed = whole_ms(duration_ms)
        span_id, number = self.stream.next_span()
        name = cut(tool, NAME_LIMIT)
        span = Span(
            span_id=span_id,
            execution_id=self._execution_id,
            parent_span_id=self._phases.parent_span_id(),
            number=number,
            kind="tool",
            name=name,
            tool=name,
            started_at=now if elapsed is None else now - timedelta(0, 0, 1000 * elapsed),
            duration_ms=elapsed,
            outcome=outcome_from(success, error),
            error_type=kind,
            error_message=message,
            files=tuple(files),
            arguments=document_from(arguments),
            result_preview=preview,
            result_bytes=size,
        )
        self._send(span, now)
        return span_id

    def record_llm_call(
        self,
        model: str,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        duration_ms: float | None = None,
        success: bool | None = None,
        response: str | None = None,
        error: BaseException | str | None = None,
        cost_usd: float | None = None,
    ) -> str:
        """One call of a language model, at its end. Returns its span id.

        Tokens are ≥ 0 and counted once: ``input_tokens`` are those that were not read from a cache. They and
        ``cost_usd`` add up in the trace, also when the run is cut short.
        """
        counts = (input_tokens, output_tokens, cache_read_tokens, cache_write_tokens)
        known = {kind: count for kind, count in zip(ModelTotals.FIELDS, counts, strict=True) if count is not None}
        if any(count < 0 for count in known.values()):
            raise UsageError(f"record_llm_call: token counts are 0 or more, not {known}")
        if cost_usd is not None and not 0 <= cost_usd < _HIGHEST_COST:
            raise UsageError(f"record_llm_call: cost_usd is an amount of 0 or more, not {cost_usd}")
        kind, message = (None, None) if error is None else error_from(error)
        preview, size = result_from(response)
        now = self.stream.now()
        elapsed = whole_ms(duration_ms)
        span_id, number = self.stream.next_span()
        name = cut(model, NAME_LIMIT)
        span = Span(
            span_id=span_id,
            execution_id=self._execution_id,
            parent_span_id=self._phases.parent_span_id(),
            number=number,
            kind="llm",
            name=name,
            model=name,
            started_at=now if elapsed is None else now - timedelta(0, 0, 1000 * elapsed),
            duration_ms=elapsed,
            outcome=outcome_from(success, error),
            error_type=kind,
            error_message=message,
            result_preview=preview,
            result_bytes=size,
            tokens=sum(known.values()) if known else None,
        )
        with self._lock:  # the sums of a higher revision are never lower
            self._keep(span)
            self._totals.add(name, known, cost_usd)
            sums = self._totals.values()
            self.stream.send(replace(self.stream.mention, revision=self.stream.revision(), **sums), span, now=now)
        return span_id

    def record_error(self, error: BaseException | str, context: Mapping[str, object] | None = None) -> str:
        """Something that went wrong and is no call's own result. Returns its span id."""
        kind, message = error_from(error)
        attributes = document_from(context) or {}
        if not isinstance(error, str):
            attributes["stack"] = stack_text(error)
        return self._mark("error", kind, "failure", attributes, error_type=kind, error_message=message)

    def checkpoint(self, name: str, state: Mapping[str, object] | None = None) -> str:
        """A point that the execution reached, with what is worth remembering of it. Returns its span id."""
        return self._mark("checkpoint", name, "success", document_from(state) or {})

    def _mark(
        self,
        mark: str,
        name: str,
        outcome: SpanOutcome,
        attributes: Document,
        *,
        error_type: str | None = None,
        error_message: str | None = None,
    ) -> str:
        """A point in time: a phase without length."""
        now = self.stream.now()
        span_id, number = self.stream.next_span()
        span = Span(
            span_id=span_id,
            execution_id=self._execution_id,
            parent_span_id=self._phases.parent_span_id(),
            number=number,
            kind="phase",
            name=cut(name, NAME_LIMIT),
            started_at=now,
            duration_ms=0,
            outcome=outcome,
            error_type=error_type,
            error_message=error_message,
            attributes={**attributes, "mark": mark},
        )
        self._send(span, now)
        return span_id

    def _send(self, span: Span, now: datetime) -> None:
        self._keep(span)
        self.stream.send(self.stream.mention, span, now=now)

    def _keep(self, span: Span) -> None:
        """For ``complete``. A phase that is told again takes the place of its beginning."""
        if len(self._kept) < MOST_KEPT or span.span_id in self._kept:
            self._kept[span.span_id] = span
        elif span.kind != "phase" or span.duration_ms is not None:  # counted once, at its end
            with self._lock:
                self._left_out += 1
