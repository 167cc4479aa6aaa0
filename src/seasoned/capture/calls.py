"""What a program says of its own calls, as spans: any Python value in, bounded JSON out.

Pure functions of values. An agent's arguments can hold anything (clients, cyclic structures, a gigabyte of bytes); what
is kept is bounded in size, depth and number of entries before it is looked at closely, never calls into foreign code
(an object that is no plain value is named by its class, its ``repr`` is not asked), and can always be encoded.
"""

import dataclasses
import math
import os
import sys
import traceback
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from typing import Any, cast
from uuid import UUID

from seasoned.capture.excerpt import cut, cut_arguments, ends
from seasoned.capture.stack import artifact_type_of, language_of
from seasoned.errors import UsageError
from seasoned.model.ids import canonical_json, name_id
from seasoned.model.limits import ARGUMENT_LIMIT, ERROR_LIMIT
from seasoned.model.trace import Artifact, Document, Signal, SpanOutcome, Status

__all__ = [
    "LONGEST_MS",
    "ArtifactLike",
    "ModelTotals",
    "artifact_from",
    "document_from",
    "elapsed_ms",
    "ending_of",
    "error_from",
    "outcome_from",
    "result_from",
    "stack_text",
    "stated",
    "status_from",
    "whole_ms",
]

ArtifactLike = Artifact | str | os.PathLike[str]
"""A file that was created or changed: its path, or all that is known of it."""

_STACK_LIMIT = 2_000
"""Characters; both ends of a traceback, which name the entry and the raising line."""
_ENTRIES = 51
"""One more than ``excerpt.cut_arguments`` keeps of a container."""
_DEPTH = 8
_NODES = 200
"""Values looked at in one argument; a structure of shared parts can unfold to more than the memory holds."""
_EXACT = 2**53
"""Below this every JSON reader gets the same integer."""
LONGEST_MS = 10 * 366 * 24 * 3_600_000
"""What is longer is a time of day taken for a duration."""
_OUTCOMES: dict[str, Status] = {
    "success": "success",
    "succeeded": "success",
    "failure": "failure",
    "failed": "failure",
    "aborted": "aborted",
    "cancelled": "aborted",
    "unknown": "unknown",
}
_BY_TEXT = (date, time, timedelta, Decimal, PurePath, UUID)
"""Plain values whose text says it all (a datetime is a date)."""


def document_from(values: Mapping[str, object] | None) -> Document | None:
    """A JSON object within the limits of ``model.limits``; None for nothing."""
    if not values:
        return None
    if _is_small(values):
        return dict(values)
    return cut_arguments({_key(key): _json(value, _DEPTH, [_NODES]) for key, value in islice(values.items(), _ENTRIES)})


def _is_small(values: Mapping[str, object]) -> bool:
    """Whether every limit holds at a glance, as it does for most calls: this stands in the time of each of them."""
    if len(values) >= _ENTRIES:
        return False
    size = 0
    for key, value in values.items():
        kind = type(value)
        if kind is str:
            text = cast("str", value)
            if not text.isascii() or "\0" in text:
                return False
            size += len(text)
        elif kind is int:
            if not -_EXACT < cast("int", value) < _EXACT:
                return False
        elif kind is not bool and value is not None:
            return False
        if type(key) is not str or len(key) > 100 or not key.isascii() or "\0" in key:
            return False
    return size <= ARGUMENT_LIMIT


def _json(value: object, depth: int, budget: list[int]) -> object:
    if value is None or isinstance(value, str | bool):
        return str(value) if isinstance(value, Enum) else value
    budget[0] -= 1
    if isinstance(value, int | float):
        return value if isinstance(value, int) or math.isfinite(value) else str(value)
    if isinstance(value, _BY_TEXT):
        return str(value)
    if depth == 0 or budget[0] <= 0:
        return _named(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = islice(dataclasses.fields(value), _ENTRIES)
        return {field.name: _json(getattr(value, field.name, None), depth - 1, budget) for field in fields}
    if isinstance(value, dict):
        # Only the built-in containers are walked: iterating a lazy one (a query, a cursor) would run foreign code.
        pairs = islice(cast("dict[object, object]", value).items(), _ENTRIES)
        return {_key(key): _json(item, depth - 1, budget) for key, item in pairs}
    if isinstance(value, list | tuple):
        return [_json(item, depth - 1, budget) for item in islice(cast("list[object]", value), _ENTRIES)]
    if isinstance(value, set | frozenset):
        items = [_json(item, depth - 1, budget) for item in islice(cast("set[object]", value), _ENTRIES)]
        return sorted(items, key=repr)
    return _named(value)


def _key(key: object) -> str:
    return key if isinstance(key, str) else str(_json(key, 1, [1]))


def _named(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return f"<{type(value).__qualname__}>"


def result_from(result: object) -> tuple[str | None, int | None]:
    """Preview and whole size (UTF-8 bytes) of what a call gave back; (None, None) for None."""
    if result is None:
        return None, None
    if isinstance(result, str):
        return ends(result), len(result.encode("utf-8", "surrogatepass"))
    if isinstance(result, bytes):
        return f"<{len(result)} bytes>", len(result)
    text = canonical_json([_json(result, _DEPTH, [_NODES])])[1:-1]
    return ends(text), len(text.encode("utf-8", "surrogatepass"))


def error_from(error: BaseException | str) -> tuple[str, str]:
    """(error_type, error_message): the class and what it says; ``error`` for a bare text."""
    if isinstance(error, str):
        return "error", cut(error, ERROR_LIMIT)
    # format_exception_only also survives an exception whose own __str__ raises.
    lines = "".join(traceback.format_exception_only(error)).strip()
    name = type(error).__name__
    _, mark, message = lines.partition(f"{name}: ")
    if not mark:
        message = name if lines.endswith(name) else lines
    return name, cut(message, ERROR_LIMIT)


def stack_text(error: BaseException) -> str:
    """The traceback, both ends of it."""
    return ends("".join(traceback.format_exception(error)), _STACK_LIMIT)


def outcome_from(success: bool | None, error: object = None) -> SpanOutcome:
    """What a caller said of a call; an error without a word is a failure, nothing at all is unknown."""
    if success is None:
        return "unknown" if error is None else "failure"
    return "success" if success else "failure"


def status_from(outcome: str | bool | None, error: object = None) -> Status:
    """The status that a caller means. Raises UsageError for a word that is none."""
    if outcome is None:
        return "unknown" if error is None else "failure"
    if isinstance(outcome, bool):
        return "success" if outcome else "failure"
    status = _OUTCOMES.get(outcome.strip().lower())
    if status is None:
        raise UsageError(f"outcome {outcome!r} is none of success, failure, aborted, unknown, True, False")
    return status


def stated(kind: str, status: Status, detail: str) -> Signal:
    """Evidence that rests on what the program itself says or does."""
    return Signal(kind=kind, verdict=status, weight=1.0, detail=detail)


def ending_of(error: BaseException | None) -> tuple[Status, tuple[Signal, ...]]:
    """How an execution went whose block ended by itself: unknown, unless ``error`` left it.

    An interruption is no failure of the agent, and ``sys.exit(0)`` says nothing.
    """
    if error is None or (isinstance(error, SystemExit) and error.code in {0, None}):
        return "unknown", ()
    name = type(error).__name__
    asyncio = sys.modules.get("asyncio")  # 40 ms to import, and without it nothing can be cancelled
    if isinstance(error, KeyboardInterrupt | GeneratorExit) or (asyncio and isinstance(error, asyncio.CancelledError)):
        return "aborted", (stated("interruption", "aborted", name),)
    return "failure", (stated("verdict", "failure", f"the block raised {name}"),)


def whole_ms(duration_ms: float | None) -> int | None:
    """Whole milliseconds, as the records hold them. Raises UsageError for what is no duration."""
    if duration_ms is None:
        return None
    if not 0 <= duration_ms < LONGEST_MS:
        raise UsageError(f"duration_ms is from 0 to {LONGEST_MS} (ten years), not {duration_ms}")
    return round(duration_ms)


def elapsed_ms(start: datetime | None, end: datetime) -> int | None:
    """Never negative: a clock that was put back is no reason to write a duration below 0."""
    return None if start is None else max(0, round((end - start) / timedelta(milliseconds=1)))


class ModelTotals:
    """What the model calls of one execution add up to. Not safe between threads; its owner locks."""

    FIELDS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")

    def __init__(self) -> None:
        self._tokens: dict[str, int] = dict.fromkeys(self.FIELDS, 0)
        self._models = Counter[str]()
        self._cost_usd: float | None = None

    def add(self, model: str, tokens: Mapping[str, int], cost_usd: float | None) -> None:
        """One call; ``tokens`` holds those of ``FIELDS`` that are known."""
        self._models[model] += 1
        for field, count in tokens.items():
            self._tokens[field] += count
        if cost_usd is not None:
            self._cost_usd = (self._cost_usd or 0.0) + cost_usd

    def values(self) -> dict[str, Any]:
        """Fields of ``Trace``; nothing for an execution without model calls."""
        if not self._models:
            return {}
        return {
            **{field: count or None for field, count in self._tokens.items()},
            "api_calls_count": self._models.total(),
            "total_tokens_used": sum(self._tokens.values()) or None,
            "cost_usd": self._cost_usd,
            "model": self._models.most_common(1)[0][0],
        }


def artifact_from(execution_id: str, artifact: ArtifactLike) -> Artifact:
    """The artifact record of a path; a record given whole is put under this execution."""
    if isinstance(artifact, Artifact):
        return dataclasses.replace(artifact, execution_id=execution_id)
    path = os.fspath(artifact)
    if not path:
        raise UsageError("artifacts: expected the path of a file or an Artifact, not an empty path")
    return Artifact(
        artifact_id=name_id(execution_id, "artifact", path),
        execution_id=execution_id,
        file_path=cut(path, _STACK_LIMIT),
        artifact_type=artifact_type_of(path),
        language=language_of(path),
    )
