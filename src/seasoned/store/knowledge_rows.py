"""Records of what was learned to rows and back.

Invariant: a record is its row. The columns of a table are the fields of its record, by name, so nothing can be
forgotten on the way; a test holds fields, columns and tables together. What consists of further records (the steps of
a pattern with their contrasts, those of a resolution) is one JSON document, an array as the field is a tuple: the
schema asks for JSON, not for an object, and ``json_each`` and ``jsonb_array_elements`` then read steps directly.

The engines refuse different things: SQLite takes a NUL in a text and turns NaN into NULL without a word. What only one
of them would take is refused here for both, since every database must fit through an export into the other.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from math import isfinite
from typing import Any, Generic, TypeVar, cast

import msgspec

from seasoned.errors import StoreCorruptError, StoreError
from seasoned.model import (
    Advice,
    AdviceItem,
    Agent,
    AgentChain,
    Alert,
    AuditEntry,
    Contrast,
    FailureOccurrence,
    FailurePattern,
    Mode,
    Pattern,
    PatternStep,
    PatternUsage,
    Resolution,
    ResolutionStep,
    Template,
    Token,
)
from seasoned.store.dialect import Dialect, prefix_bounds
from seasoned.store.encoding import document_text
from seasoned.store.rows import Codec, codec_of
from seasoned.store.session import Row

__all__ = ["TABLES", "KnowledgeCodec", "RecordCodec", "knowledge_codec_of", "known_ids", "storable"]

TABLES: dict[type, str] = {
    Pattern: "patterns",
    Template: "pattern_templates",
    FailurePattern: "failure_patterns",
    FailureOccurrence: "failure_occurrences",
    Resolution: "resolutions",
    AgentChain: "agent_chaining_patterns",
    PatternUsage: "pattern_usages",
    AuditEntry: "audit_log",
    Alert: "alerts",
    Agent: "agents",
    Token: "api_tokens",
    Advice: "advice",
    Mode: "modes",
}
"""Where the records stand. The first field of each is the key, but for entries of the audit log, which are only ever
appended, and agents and modes, whose key is a pair."""

_TIMES = frozenset({
    "extracted_at", "last_used_at", "created_at", "updated_at", "deprecated_at", "first_occurrence_at",
    "last_occurrence_at", "occurred_at", "last_worked_at", "last_seen_at", "first_seen_at", "used_at",
    "expires_at", "revoked_at", "at", "given_at", "set_at",
})  # fmt: skip
_LISTS = frozenset({
    "shared_with_agents", "execution_ids", "required_tools", "applicable_domains", "technology_requirements",
    "review_flags", "tags", "chain", "keywords", "scopes",
})  # fmt: skip
_DOCUMENTS = frozenset({
    "pattern_data", "applicability_criteria", "validation_criteria", "quality_thresholds", "waiver", "metadata",
    "placeholder_schema", "prerequisites", "validation_rules", "contributing_factors", "resolution_steps",
    "context_at_failure", "context_data", "before", "after", "details", "endpoints",
})  # fmt: skip
_FLAGS = frozenset({"automated_fix_available", "success", "followed", "accepted", "kill_switch"})
_STEPS = {
    "recommended_steps": tuple[PatternStep, ...],
    "steps": tuple[ResolutionStep, ...],
    "items": tuple[AdviceItem, ...],
}

_JSON = _DOCUMENTS.union(_STEPS)
_CONTRAST_NUMBERS = ("odds_ratio", "low", "high", "p_value", "q_value")

_ID_LENGTH = 36
_NUL_IN_JSON = re.compile(r"(\\+)u0000")
_RECORD = TypeVar("_RECORD")
_Convert = Callable[[Any], object]


def storable(text: str) -> bool:
    """Whether both engines can hold the text: it has no NUL and no half of a surrogate pair."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def known_ids(ids: Iterable[str]) -> list[str]:
    """Those that can be ids at all, as they are stored. PostgreSQL refuses a question about anything else."""
    return [text.lower() for text in ids if len(text) == _ID_LENGTH and prefix_bounds(text) is not None]


class RecordCodec(Generic[_RECORD]):
    """One kind of record on one engine."""

    def __init__(self, kind: type[_RECORD], codec: Codec, dialect: Dialect) -> None:
        self._kind = kind
        self.table = TABLES[kind]
        self.columns = tuple(field.name for field in fields(kind))  # pyright: ignore[reportArgumentType]  # a dataclass
        self.key = self.columns[0]
        self.selected = ", ".join(self.columns)
        encoders: dict[str, _Convert] = {
            **dict.fromkeys(_TIMES, codec.time),
            **dict.fromkeys(_LISTS, codec.list),
            **dict.fromkeys(_JSON, document_text),
        }
        decoders: dict[str, _Convert] = {
            **dict.fromkeys(_TIMES, codec.read_time),
            **dict.fromkeys(_LISTS, codec.read_list),
            **dict.fromkeys(_DOCUMENTS, codec.read_document),
            **{name: msgspec.json.Decoder(kind).decode for name, kind in _STEPS.items()},
            **(dict.fromkeys(_FLAGS, bool) if dialect == "sqlite" else {}),
        }
        self._encoders = [encoders.get(name) for name in self.columns]
        self._decoders = [(name, decoders.get(name)) for name in self.columns]

    def row(self, record: _RECORD) -> list[object]:
        """In the order of ``columns``. StoreError for a value that not both engines can hold, ValueError for a naive
        time."""
        return [self._encoded(record, name, encode) for name, encode in zip(self.columns, self._encoders, strict=True)]

    def part(self, record: _RECORD, names: Sequence[str]) -> list[object]:
        """In the order of ``names``; otherwise as ``row``."""
        encoders = dict(zip(self.columns, self._encoders, strict=True))
        return [self._encoded(record, name, encoders[name]) for name in names]

    def _encoded(self, record: _RECORD, name: str, encode: _Convert | None) -> object:
        value: object = getattr(record, name)
        if value is None:
            return None
        sound = _is_sound(value)
        if sound and encode is not None:
            try:
                value = encode(value)
            except UnicodeEncodeError:
                sound = False
            except (TypeError, OverflowError) as error:
                raise self._refusal(record, name, "JSON cannot say it") from error
        if not sound or (name in _JSON and _holds_nul(str(value))):
            raise self._refusal(
                record, name, "it holds a NUL, half of a surrogate pair, or a number that is not finite"
            )
        return value

    def _refusal(self, record: _RECORD, name: str, reason: str) -> StoreError:
        key = getattr(record, self.key)
        return StoreError(f"{self.table} {key!a}: {name} cannot be stored: {reason}.")

    def record(self, row: Row) -> _RECORD:
        """From the columns ``columns``. StoreCorruptError for a document that is not what stands there otherwise."""
        values: dict[str, object] = {}
        for value, (name, decode) in zip(row, self._decoders, strict=True):
            if value is None:
                if name not in _STEPS:
                    values[name] = None
            elif decode is None:
                values[name] = value
            else:
                try:
                    values[name] = decode(value)
                except (msgspec.DecodeError, ValueError) as error:
                    # The decoder's words name types and places, never the text.
                    raise StoreCorruptError(f"{self.table} {row[0]}: {name} cannot be read: {error}") from error
        return self._kind(**values)


def _holds_nul(text: str) -> bool:
    # Of JSON; after an even number of backslashes it is the six characters themselves.
    return "\\u0000" in text and any(len(found[1]) % 2 for found in _NUL_IN_JSON.finditer(text))


def _is_sound(value: object) -> bool:
    """Whether both engines can store a field or an item of a list. What becomes JSON tells when it is encoded, but for
    numbers that are not finite, which turn into null."""
    match value:
        case str():
            return storable(value)
        case float():
            return isfinite(value)
        case tuple():
            return all(map(_is_sound, cast("tuple[object, ...]", value)))
        case PatternStep(contrast=Contrast() as contrast):
            numbers = (getattr(contrast, name) for name in _CONTRAST_NUMBERS)
            return all(number is None or isfinite(number) for number in numbers)
        case _:
            return True


class KnowledgeCodec:
    """Every kind of record on one engine."""

    def __init__(self, dialect: Dialect) -> None:
        codec = codec_of(dialect)
        self.time = codec.time
        self.patterns = RecordCodec(Pattern, codec, dialect)
        self.templates = RecordCodec(Template, codec, dialect)
        self.failures = RecordCodec(FailurePattern, codec, dialect)
        self.occurrences = RecordCodec(FailureOccurrence, codec, dialect)
        self.resolutions = RecordCodec(Resolution, codec, dialect)
        self.chains = RecordCodec(AgentChain, codec, dialect)
        self.usages = RecordCodec(PatternUsage, codec, dialect)
        self.audit = RecordCodec(AuditEntry, codec, dialect)
        self.alerts = RecordCodec(Alert, codec, dialect)
        self.agents = RecordCodec(Agent, codec, dialect)
        self.tokens = RecordCodec(Token, codec, dialect)
        self.advice = RecordCodec(Advice, codec, dialect)
        self.modes = RecordCodec(Mode, codec, dialect)


_codecs: dict[Dialect, KnowledgeCodec] = {}


def knowledge_codec_of(dialect: Dialect) -> KnowledgeCodec:
    """The codec of an engine."""
    codec = _codecs.get(dialect)
    if codec is None:
        codec = _codecs[dialect] = KnowledgeCodec(dialect)
    return codec
