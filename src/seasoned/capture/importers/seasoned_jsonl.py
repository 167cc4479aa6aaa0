"""Seasoned's own JSONL: one event per line, as the spool and ``seasoned export`` write them.

The ids in it stand, so that an export imported elsewhere, or here again, gives the rows that it came from. Two things
do not: the namespace, because a file must not choose whose data it becomes, and the length of texts, because anybody
can write such a file. Lines of a newer version are noted with their version and left out.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from seasoned.capture.documents import outline
from seasoned.capture.excerpt import cut, cut_arguments, ends
from seasoned.capture.jsonl import records
from seasoned.capture.port import Recording, Report, Resume, Source
from seasoned.errors import EventError, UnknownEventVersionError
from seasoned.model import AdviceUpdate, ExecutionUpdate, Span, Trace
from seasoned.model.codec import decode_event
from seasoned.model.limits import ARGUMENTS_LIMIT, ERROR_LIMIT, PREVIEW_LIMIT, PROMPT_LIMIT

__all__ = ["SeasonedJsonlImporter"]

_MARK = 60
"""A text that was cut before is longer than the limit by its mark; it must not be cut again."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_decoder = msgspec.json.Decoder(msgspec.Raw)
_EXTRAS = frozenset({"pattern", "pattern_usage", "audit_entry"})
"""What an export holds beside executions. Nothing of it is taken in: a file must not write a library."""


class _Extra(msgspec.Struct):
    seasoned: str
    record: msgspec.Raw


_extra_decoder = msgspec.json.Decoder(_Extra)


class SeasonedJsonlImporter:
    """Reads ``seasoned_jsonl``."""

    name = "seasoned_jsonl"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  # the port's signature; content decides
        """Lines with an event's id, topic and payload, or with what else an export holds."""
        found = outline(head)
        return {"event_id", "topic", "occurred_at", "payload"} <= found or {"seasoned", "record"} <= found

    def read(self, source: Source, report: Report) -> Iterator[Recording]:
        """One recording per event, in file order."""
        for line in records(source, report, _decoder):
            try:
                event = decode_event(bytes(line.record))
            except UnknownEventVersionError as error:
                report.newer_version = str(error)[:200]
                report.skip(f"line {line.number}", "an event of a newer version than this Seasoned reads")
            except EventError as error:
                if (kind := _extra(bytes(line.record))) is not None:
                    report.ignore(kind)
                    continue
                report.skip(f"line {line.number}", _reason(error))
            else:
                if isinstance(event.payload, AdviceUpdate):
                    report.ignore("advice")
                    continue
                if not _is_sound(event.payload):
                    report.skip(f"line {line.number}", "an id that is no UUID, or a piece of another execution")
                    continue
                yield Recording(update=_adopted(event.payload, source.namespace), resume=Resume(offset=line.end))


def _extra(line: bytes) -> str | None:
    """The kind of a line that an export has beside executions; None for anything else."""
    try:
        kind = _extra_decoder.decode(line).seasoned
    except msgspec.DecodeError:
        return None
    return kind if kind in _EXTRAS else None


def _reason(error: EventError) -> str:
    """Without what stands in the line: msgspec quotes values of enumerations."""
    return str(error).split(" - ", 1)[0].split(" '", 1)[0][:200]


def _is_sound(update: ExecutionUpdate) -> bool:
    """Whether the ids are ids, and every piece belongs to the execution: both are decided before anything is stored."""
    trace = update.trace
    ids = [trace.execution_id, trace.root_id, trace.parent_id, trace.pattern_used_id, trace.template_used_id]
    for span in update.spans:
        ids += [span.span_id, span.parent_span_id]
    ids += [artifact.artifact_id for artifact in update.artifacts]
    pieces = (*update.spans, *update.artifacts)
    return all(each is None or _UUID.fullmatch(each) for each in ids) and all(
        piece.execution_id == trace.execution_id for piece in pieces
    )


def _adopted(update: ExecutionUpdate, namespace: str) -> ExecutionUpdate:
    return replace(
        update,
        trace=_bounded_trace(replace(update.trace, namespace=namespace)),
        spans=tuple(map(_bounded_span, update.spans)),
    )


def _bounded_trace(trace: Trace) -> Trace:
    prompt, message = trace.prompt, trace.error_message
    if prompt is not None and len(prompt) > PROMPT_LIMIT + _MARK:
        trace = replace(trace, prompt=cut(prompt, PROMPT_LIMIT))
    if message is not None and len(message) > ERROR_LIMIT + _MARK:
        trace = replace(trace, error_message=ends(message, ERROR_LIMIT))
    return trace


def _bounded_span(span: Span) -> Span:
    if span.result_preview is not None and len(span.result_preview) > PREVIEW_LIMIT + _MARK:
        span = replace(span, result_preview=ends(span.result_preview))
    if span.error_message is not None and len(span.error_message) > ERROR_LIMIT + _MARK:
        span = replace(span, error_message=ends(span.error_message, ERROR_LIMIT))
    if span.arguments is not None and len(msgspec.json.encode(span.arguments)) > 4 * ARGUMENTS_LIMIT:
        span = replace(span, arguments=cut_arguments(span.arguments))
    return span
