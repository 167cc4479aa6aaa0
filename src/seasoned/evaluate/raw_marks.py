"""Stops and hidden failures counted in raw transcript lines, without the importers that are to be judged by them.

Looks for the literal marks that agents write and nothing else: no chains, no segmentation, no merging. Whoever changes an
importer must not change this with it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

__all__ = ["MarkKind", "RawMark", "raw_marks"]

MarkKind = Literal["rejection", "cancellation", "interruption", "quota", "piped_check", "piped_failure"]

_REJECTED = ("The user doesn't want to proceed with this tool use", "The user doesn't want to take this action")
_CANCELLED = ("Sibling tool call errored", "Cancelled: parallel tool call", "[Request interrupted by user")
_QUOTA = re.compile(r"usage limit|hit your limit|out of extra usage|credit balance is too low|limit reached", re.I)
_TEST = re.compile(
    r"(?:^|[;&(]|&&)\s*(?:\w+=\S+\s+)*(?:go test|pytest|python3? -m pytest|cargo test|npm (?:run )?test|npx (?:jest|vitest)"
    r"|make test|mise (?:run )?test)\b[^|;&\n]*(?:\d?>&\d)?[^|;&\n]*\|(?!\|)",
    re.MULTILINE,
)
_FAIL = re.compile(r"^\s*(?:--- FAIL|FAIL\b|FAILED\b)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMark:
    """One mark in a file."""

    kind: MarkKind
    line: int
    """From 1."""
    call_id: str | None
    """The agent's own id of the tool call; None for marks on the conversation itself."""
    at: datetime | None


def raw_marks(path: Path) -> Iterator[RawMark]:
    """Marks in a Claude Code or Codex JSONL file, in file order.

    Lines that are no JSON object are passed over, and so are results whose call is not in the file (a transcript that
    was cut at its head). Raises OSError when the file cannot be read.
    """
    commands: dict[str, str] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                yield from _marks(cast(dict[str, object], record), number, commands)


def _marks(record: dict[str, object], line: int, commands: dict[str, str]) -> Iterator[RawMark]:
    at = _time(record.get("timestamp"))
    payload = _object(record.get("payload"))
    if record.get("type") == "event_msg" and payload.get("type") == "turn_aborted":
        yield RawMark(kind="interruption", line=line, call_id=None, at=at)
    content = _object(record.get("message")).get("content")
    blocks = [_object(block) for block in cast(list[object], content)] if isinstance(content, list) else []
    texts = [content] if isinstance(content, str) else [text for b in blocks if isinstance(text := b.get("text"), str)]
    for block in blocks:
        if block.get("type") == "tool_use":
            command = _object(block.get("input")).get("command")
            shell = block.get("name") == "Bash" and isinstance(command, str)
            commands[str(block.get("id"))] = str(command) if shell else ""
        elif block.get("type") == "tool_result":
            yield from _of_result(block, line, at, commands)
    if record.get("isApiErrorMessage") is True and any(_QUOTA.search(text) for text in texts):
        yield RawMark(kind="quota", line=line, call_id=None, at=at)
    if record.get("type") == "user" and any(text.startswith("[Request interrupted by user") for text in texts):
        yield RawMark(kind="interruption", line=line, call_id=None, at=at)


def _of_result(block: dict[str, object], line: int, at: datetime | None, commands: dict[str, str]) -> Iterator[RawMark]:
    call = str(block.get("tool_use_id"))
    if call not in commands:
        return
    told = block.get("content")
    parts = [_object(part).get("text") for part in cast(list[object], told)] if isinstance(told, list) else [told]
    text = "\n".join(part for part in parts if isinstance(part, str))
    if block.get("is_error") is True:
        bare = text.removeprefix("<tool_use_error>")
        if bare.startswith(_REJECTED):
            yield RawMark(kind="rejection", line=line, call_id=call, at=at)
        elif bare.startswith(_CANCELLED):
            yield RawMark(kind="cancellation", line=line, call_id=call, at=at)
    elif _TEST.search(commands[call]):
        yield RawMark(kind="piped_check", line=line, call_id=call, at=at)
        if _FAIL.search(text):
            yield RawMark(kind="piped_failure", line=line, call_id=call, at=at)


def _object(value: object) -> dict[str, object]:
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
