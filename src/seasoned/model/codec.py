"""Events to bytes and back: the one wire form, used by the spool, the event log and, later, any broker.

JSON without nulls and defaults, so that a line of the spool can be read by eye and a small event stays small.
Decoding validates types and enumerations (msgspec checks ``Literal`` and ``datetime``).
"""

from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, cast

import msgspec

from seasoned.errors import MalformedEventError, UnknownEventVersionError
from seasoned.model.events import PAYLOADS, Event, NewerEvent, Payload, TopicName

__all__ = ["decode_event", "decode_newer", "decode_payload", "encode_event", "encode_payload"]

_Shape = tuple[Callable[[Any], tuple[object, ...]], tuple[tuple[str, object, bool], ...]]

_encoder = msgspec.json.Encoder()
_payload_decoders = {key: msgspec.json.Decoder(kind) for key, kind in PAYLOADS.items()}
_newest = {topic: max(v for t, v in PAYLOADS if t == topic) for topic, _ in PAYLOADS}
_shapes: dict[type, _Shape] = {}


class _Envelope(msgspec.Struct, kw_only=True, omit_defaults=True):
    event_id: str
    topic: TopicName
    key: str
    occurred_at: datetime
    namespace: str
    schema_version: int = 1
    correlation_id: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    payload: msgspec.Raw


_envelope_decoder = msgspec.json.Decoder(_Envelope)


_REQUIRED = object()
_NESTED = frozenset({"trace", "spans", "artifacts", "outcome_evidence", "advice", "items"})
"""Fields of ours that hold dataclasses of ours."""


def _shape(kind: type) -> _Shape:
    known = fields(kind)
    names = [field.name for field in known]
    shape: _Shape = (
        attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),),
        tuple(
            (field.name, _REQUIRED if field.default is MISSING else field.default, field.name in _NESTED)
            for field in known
        ),
    )
    _shapes[kind] = shape
    return shape


def _compact(value: object) -> dict[str, object]:
    """A dataclass as a dict without the fields that stand at their default."""
    kind: type = type(value)
    get, known = _shapes.get(kind) or _shape(kind)
    result: dict[str, object] = {}
    for (name, default, nested), item in zip(known, get(value), strict=True):
        if item is default or (default is not None and default is not _REQUIRED and item == default):
            continue
        if nested:
            parts = cast("tuple[object, ...]", item)
            result[name] = [_compact(part) for part in parts] if isinstance(item, tuple) else _nested(item)
        else:
            result[name] = item
    return result


_repeated: dict[int, tuple[object, dict[str, object]]] = {}
"""By ``id`` of an object that the entry itself keeps alive."""
_REPEATED_LIMIT = 64


def _nested(value: object) -> dict[str, object]:
    # A tracker says with every call of which execution it is, with one and the same object: a third of the time.
    known = _repeated.get(id(value))
    if known is not None:
        return known[1]
    compact = _compact(value)
    if len(_repeated) >= _REPEATED_LIMIT:
        _repeated.clear()
    _repeated[id(value)] = value, compact
    return compact


_KEPT_BYTES = 8 << 20
"""More than one batch of an import; what is still kept then belongs to events that nobody wrote."""


class _KeptPayloads:
    """Encoded payloads that will be asked for once more, each until it is."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[Payload, bytes]] = {}
        """By ``id`` of the payload, which the entry itself keeps alive."""
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def keep(self, payload: Payload, encoded: bytes) -> None:
        """For the next ``take`` of this very object."""
        if self._bytes > _KEPT_BYTES:
            self._entries.clear()
            self._bytes = 0
        self._entries[id(payload)] = payload, encoded
        self._bytes += len(encoded)

    def take(self, payload: Payload) -> bytes | None:
        """What was kept of this object, once."""
        entry = self._entries.pop(id(payload), None)
        if entry is None:
            return None
        self._bytes -= len(entry[1])
        return entry[1]


_kept = _KeptPayloads()


def encode_payload(payload: Payload, *, keep: bool = False) -> bytes:
    """UTF-8 JSON; lone surrogates, which JSON cannot carry, must have been replaced before.

    ``keep``: the same object will be encoded once more, and its bytes are kept until then. An import needs them for
    the event's id and again for the log; encoding once is 4 % of its time.
    """
    encoded = _kept.take(payload) or _encoder.encode(_compact(payload))
    if keep:
        _kept.keep(payload, encoded)
    return encoded


def decode_payload(topic: TopicName, schema_version: int, data: bytes) -> Payload:
    """The payload of an event.

    Raises UnknownEventVersionError for a version newer than this code reads, MalformedEventError for one that
    breaks its schema.
    """
    decoder = _payload_decoders.get((topic, schema_version))
    if decoder is None:
        newest = _newest.get(topic)
        known = f"up to {newest}" if newest else "none"
        raise UnknownEventVersionError(
            f"{topic} events of schema version {schema_version}: this Seasoned reads {known}. Upgrade, then replay."
        )
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedEventError(f"{topic} payload: {error}") from error


def encode_event(event: Event | NewerEvent) -> bytes:
    """One line of the spool, without the line end."""
    return _encoder.encode(
        _Envelope(
            event_id=event.event_id,
            topic=event.topic,
            key=event.key,
            occurred_at=event.occurred_at,
            namespace=event.namespace,
            schema_version=event.schema_version,
            correlation_id=event.correlation_id,
            root_id=event.root_id,
            parent_id=event.parent_id,
            payload=msgspec.Raw(event.payload if isinstance(event, NewerEvent) else encode_payload(event.payload)),
        )
    )


def decode_newer(line: bytes) -> NewerEvent:
    """The event of a line on which ``decode_event`` raised UnknownEventVersionError, its payload undecoded.

    Raises MalformedEventError for a line that is no event at all.
    """
    envelope = _decode_envelope(line)
    return NewerEvent(
        event_id=envelope.event_id,
        topic=envelope.topic,
        key=envelope.key,
        occurred_at=envelope.occurred_at,
        namespace=envelope.namespace,
        schema_version=envelope.schema_version,
        correlation_id=envelope.correlation_id,
        root_id=envelope.root_id,
        parent_id=envelope.parent_id,
        payload=bytes(envelope.payload),
    )


def _decode_envelope(line: bytes) -> _Envelope:
    try:
        return _envelope_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedEventError(f"event: {error}") from error


def decode_event(line: bytes, *, keep: bool = False) -> Event:
    """The event of one line, as ``encode_event`` wrote it. Raises as ``decode_payload`` does.

    ``keep``: its payload will be encoded once more, and its bytes are kept until then.
    """
    envelope = _decode_envelope(line)
    encoded = bytes(envelope.payload)
    payload = decode_payload(envelope.topic, envelope.schema_version, encoded)
    if keep:
        _kept.keep(payload, encoded)
    return Event(
        event_id=envelope.event_id,
        topic=envelope.topic,
        key=envelope.key,
        occurred_at=envelope.occurred_at,
        namespace=envelope.namespace,
        schema_version=envelope.schema_version,
        correlation_id=envelope.correlation_id,
        root_id=envelope.root_id,
        parent_id=envelope.parent_id,
        payload=payload,
    )
