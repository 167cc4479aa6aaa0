"""Records to rows and back.

Column lists are written out here rather than taken from the SQLAlchemy tables, which are not loaded at run time
(``schema``); a test holds the two together. Encoding a span is the hottest code of the store: one tuple, no loop.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, assert_never

import msgspec

from seasoned.model import Artifact, Event, Fingerprint, FingerprintStats, Signal, Span, Trace
from seasoned.model.events import NewerEvent
from seasoned.store.dialect import Dialect
from seasoned.store.encoding import decode_list, decode_time, document_text, jsonb_text, list_text, time_text, to_utc
from seasoned.store.port import StoredFingerprint
from seasoned.store.session import Row

__all__ = [
    "ARTIFACT_COLUMNS",
    "ARTIFACT_FINDINGS",
    "ARTIFACT_SELECT",
    "EVENT_COLUMNS",
    "FINGERPRINT_COLUMNS",
    "FINGERPRINT_SELECT",
    "SPAN_COLUMNS",
    "SPAN_SELECT",
    "TRACE_COLUMNS",
    "TRACE_SELECT",
    "Codec",
    "codec_of",
]

_TRACE_FIELDS = tuple(field.name for field in fields(Trace))
TRACE_SELECT = _TRACE_FIELDS
TRACE_COLUMNS = (*_TRACE_FIELDS, "fingerprint_id", "tools_used", "created_at", "updated_at")
SPAN_COLUMNS = (
    "span_id", "execution_id", "namespace", "parent_span_id", "number", "kind", "name", "tool", "model", "description",
    "started_at", "duration_ms", "outcome", "error_type", "error_message", "files", "arguments", "result_preview",
    "result_bytes", "tokens", "attributes",
)  # fmt: skip
SPAN_SELECT = tuple(name for name in SPAN_COLUMNS if name != "namespace")
ARTIFACT_COLUMNS = (
    "artifact_id", "execution_id", "fingerprint_id", "namespace", "file_path", "artifact_type", "language",
    "content_hash", "content_preview", "lines_added", "lines_modified", "lines_deleted", "quality_score",
    "onex_compliance_score", "onex_node_type", "pattern_compliance", "complexity_metrics", "test_coverage",
    "tests_passed", "tests_failed", "lint_passed", "type_check_passed", "security_scan_passed", "created_at", "metadata",
)  # fmt: skip
ARTIFACT_FINDINGS = (*ARTIFACT_COLUMNS[ARTIFACT_COLUMNS.index("language") : -2], "metadata")
"""Columns of an artifact that one piece of knowledge says and another leaves open: who imports the changes of a file and
who measures the file know different things, and either may come again."""
ARTIFACT_SELECT = tuple(name for name in ARTIFACT_COLUMNS if name not in {"fingerprint_id", "namespace", "created_at"})
_FINGERPRINT_FIELDS = tuple(field.name for field in fields(Fingerprint))
FINGERPRINT_COLUMNS = _FINGERPRINT_FIELDS
_STATS_FIELDS = tuple(field.name for field in fields(FingerprintStats))
FINGERPRINT_SELECT = (*_FINGERPRINT_FIELDS, *_STATS_FIELDS)
EVENT_COLUMNS = (
    "event_id", "topic", "key", "namespace", "occurred_at", "recorded_at", "schema_version", "correlation_id",
    "root_id", "parent_id", "payload",
)  # fmt: skip

_TIMES = frozenset({"started_at", "completed_at", "first_seen_at", "last_seen_at"})
_LISTS = frozenset({"agent_chain", "follow_ups", "technology_stack", "tags", "files", "prompt_tokens", "file_patterns"})
_DOCUMENTS = frozenset({"context", "metadata", "arguments", "attributes", "pattern_compliance", "complexity_metrics"})
_FLAGS = frozenset({"user_acceptance", "lint_passed", "type_check_passed", "security_scan_passed"})

_decode_document = msgspec.json.Decoder(dict[str, object]).decode
_decode_signals = msgspec.json.Decoder(tuple[Signal, ...]).decode
Convert = Callable[[Any], object]


class Codec:
    """Encoding and decoding for one engine. Stateless; one instance per engine."""

    def __init__(self, dialect: Dialect) -> None:
        self.time: Convert
        self.list: Convert
        self.document: Callable[[object], str]
        self.read_list: Callable[[Any], tuple[str, ...]]
        self.read_time: Callable[[Any], datetime]
        self.read_document = _decode_document
        match dialect:
            case "sqlite":
                self.document = document_text
                self.time, self.list, self.read_list, self.read_time = time_text, list_text, decode_list, decode_time
                decoders: dict[str, Convert] = {
                    **dict.fromkeys(_TIMES, decode_time),
                    **dict.fromkeys(_LISTS, decode_list),
                    **dict.fromkeys(_FLAGS, bool),
                }
            case "postgresql":
                self.document = jsonb_text
                self.time, self.list, self.read_list, self.read_time = to_utc, list, tuple, _plain_utc
                decoders = {**dict.fromkeys(_TIMES, _plain_utc), **dict.fromkeys(_LISTS, tuple)}
            case _:
                assert_never(dialect)
        decoders |= {**dict.fromkeys(_DOCUMENTS, _decode_document), "outcome_evidence": _decode_signals}
        self._trace = _converters(TRACE_SELECT, decoders)
        self._span = _converters(SPAN_SELECT, decoders)
        self._artifact = _converters(ARTIFACT_SELECT, decoders)
        self._fingerprint = _converters(FINGERPRINT_SELECT, decoders)
        self._trace_encoders = self._encoders_of_trace()

    # -- to rows -------------------------------------------------------------------------------------------------
    def _encoders_of_trace(self) -> tuple[tuple[int, Convert], ...]:
        encoders: dict[str, Convert] = {
            **dict.fromkeys(_TIMES, self.time),
            **dict.fromkeys(_LISTS, self.list),
            **dict.fromkeys(_DOCUMENTS, self.document),
            "outcome_evidence": self.document,
        }
        return _converters(_TRACE_FIELDS, encoders)

    def trace_row(self, trace: Trace, fingerprint_id: str | None, now: datetime) -> list[object]:
        """In the order of TRACE_COLUMNS; ``tools_used`` is empty, ``refresh_derived`` fills it in."""
        values: list[object] = [getattr(trace, name) for name in _TRACE_FIELDS]
        for place, encode in self._trace_encoders:
            value = values[place]
            if value is not None:
                values[place] = encode(value)
        stamp = self.time(now)
        values += (fingerprint_id, self.list(()), stamp, stamp)
        return values

    def span_row(self, span: Span, namespace: str) -> tuple[object, ...]:
        """In the order of SPAN_COLUMNS."""
        started, arguments, attributes = span.started_at, span.arguments, span.attributes
        return (
            span.span_id,
            span.execution_id,
            namespace,
            span.parent_span_id,
            span.number,
            span.kind,
            span.name,
            span.tool,
            span.model,
            span.description,
            None if started is None else self.time(started),
            span.duration_ms,
            span.outcome,
            span.error_type,
            span.error_message,
            self.list(span.files),
            None if arguments is None else self.document(arguments),
            span.result_preview,
            span.result_bytes,
            span.tokens,
            None if attributes is None else self.document(attributes),
        )

    def artifact_row(
        self, artifact: Artifact, namespace: str, fingerprint_id: str | None, now: datetime
    ) -> tuple[object, ...]:
        """In the order of ARTIFACT_COLUMNS."""
        return (
            artifact.artifact_id,
            artifact.execution_id,
            fingerprint_id,
            namespace,
            artifact.file_path,
            artifact.artifact_type,
            artifact.language,
            artifact.content_hash,
            artifact.content_preview,
            artifact.lines_added,
            artifact.lines_modified,
            artifact.lines_deleted,
            artifact.quality_score,
            artifact.onex_compliance_score,
            artifact.onex_node_type,
            None if artifact.pattern_compliance is None else self.document(artifact.pattern_compliance),
            None if artifact.complexity_metrics is None else self.document(artifact.complexity_metrics),
            artifact.test_coverage,
            artifact.tests_passed,
            artifact.tests_failed,
            artifact.lint_passed,
            artifact.type_check_passed,
            artifact.security_scan_passed,
            self.time(now),
            None if artifact.metadata is None else self.document(artifact.metadata),
        )

    def fingerprint_row(
        self, fingerprint: Fingerprint, file_patterns: Iterable[str], technology_stack: Iterable[str]
    ) -> list[object]:
        """In the order of FINGERPRINT_COLUMNS; the two lists, sorted, stand in for the fingerprint's own."""
        values = {name: getattr(fingerprint, name) for name in _FINGERPRINT_FIELDS}
        values["file_patterns"] = tuple(sorted(file_patterns))
        values["technology_stack"] = tuple(sorted(technology_stack))
        return [self.list(value) if isinstance(value, tuple) else value for value in values.values()]

    def event_row(self, event: Event | NewerEvent, payload: bytes, now: datetime) -> tuple[object, ...]:
        """In the order of EVENT_COLUMNS."""
        return (
            event.event_id,
            event.topic,
            event.key,
            event.namespace,
            self.time(event.occurred_at),
            self.time(now),
            event.schema_version,
            event.correlation_id,
            event.root_id,
            event.parent_id,
            payload,
        )

    # -- from rows -----------------------------------------------------------------------------------------------
    def trace(self, row: Row) -> Trace:
        """From the columns TRACE_SELECT."""
        # Twice as fast as the constructor, which sets 47 fields of a frozen dataclass one by one.
        values = _decoded(TRACE_SELECT, row, self._trace)
        if values["outcome_evidence"] is None:  # a stub
            del values["outcome_evidence"]
        return msgspec.convert(values, Trace)

    def span(self, row: Row) -> Span:
        """From the columns SPAN_SELECT."""
        return Span(**_decoded(SPAN_SELECT, row, self._span))

    def artifact(self, row: Row) -> Artifact:
        """From the columns ARTIFACT_SELECT."""
        return Artifact(**_decoded(ARTIFACT_SELECT, row, self._artifact))

    def fingerprint(self, row: Row) -> StoredFingerprint:
        """From the columns FINGERPRINT_SELECT."""
        values = _decoded(FINGERPRINT_SELECT, row, self._fingerprint)
        stats = FingerprintStats(**{name: values.pop(name) for name in _STATS_FIELDS})
        return StoredFingerprint(fingerprint=Fingerprint(**values), stats=stats)


def _plain_utc(value: datetime) -> datetime:
    # One representation of the zone: values are compared by ``repr`` where pieces of a trace are merged.
    return value.astimezone(UTC)


def _converters(names: Sequence[str], functions: Mapping[str, Convert]) -> tuple[tuple[int, Convert], ...]:
    return tuple((place, functions[name]) for place, name in enumerate(names) if name in functions)


def _decoded(names: Sequence[str], row: Row, converters: tuple[tuple[int, Convert], ...]) -> dict[str, Any]:
    values = list(row)
    for place, decode in converters:
        value = values[place]
        if value is not None:
            values[place] = decode(value)
    return dict(zip(names, values, strict=True))


_codecs: dict[Dialect, Codec] = {}


def codec_of(dialect: Dialect) -> Codec:
    """The codec of an engine."""
    codec = _codecs.get(dialect)
    if codec is None:
        codec = _codecs[dialect] = Codec(dialect)
    return codec
