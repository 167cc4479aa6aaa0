"""The shape of Claude Code's transcript lines, as far as Seasoned reads them.

Invariant: a field of an unexpected shape costs that field, never its record. Every scalar is therefore typed
``object`` and asked for its type where it is used, big payloads stay ``Raw`` until somebody needs them, and a payload
that the typed decoder refuses is decoded again without types.

Only named fields are materialised; everything else (thinking, signatures, images, whole original files, progress
data: up to nine tenths of the bytes) is skipped by the parser.
"""

from typing import TypeVar, cast

import msgspec

from seasoned.capture.jsonl import as_utf8_json
from seasoned.capture.loose import whole_of

__all__ = [
    "Block",
    "Line",
    "Message",
    "ToolReport",
    "Usage",
    "line_decoder",
    "message_of",
    "payload_of",
    "report_of",
    "text_of",
    "version_of",
    "word",
]

T = TypeVar("T")
_ABSENT = msgspec.Raw()


class Line(msgspec.Struct, rename="camel"):
    """One line of a transcript."""

    type: object = None
    subtype: object = None
    uuid: object = None
    parent_uuid: object = None
    session_id: object = None
    agent_id: object = None
    timestamp: object = None
    version: object = None
    cwd: object = None
    git_branch: object = None
    entrypoint: object = None
    permission_mode: object = None
    is_sidechain: object = None
    is_meta: object = None
    is_compact_summary: object = None
    is_visible_in_transcript_only: object = None
    is_api_error_message: object = None
    error: object = None
    prompt_id: object = None
    prompt_source: object = None
    origin: object = None
    forked_from: object = None
    attribution_agent: object = None
    agent_setting: object = None
    pr_number: object = None
    pr_repository: object = None
    hook_infos: object = None
    message: msgspec.Raw = _ABSENT
    attachment: msgspec.Raw = _ABSENT
    tool_use_result: msgspec.Raw = _ABSENT


class Block(msgspec.Struct):
    """One block of a message's content, or of a tool result's."""

    type: object = None
    text: object = None
    id: object = None
    name: object = None
    input: object = None
    tool_use_id: object = None
    is_error: object = None
    tool_name: object = None
    content: "str | list[Block] | None" = None


class Usage(msgspec.Struct):
    """Tokens of one model call. Claude Code repeats it on every line of a message, sometimes growing."""

    input_tokens: object = None
    output_tokens: object = None
    cache_read_input_tokens: object = None
    cache_creation_input_tokens: object = None

    @property
    def is_known(self) -> bool:
        """Whether any of the fields that this version reads is there."""
        told = (self.input_tokens, self.output_tokens, self.cache_read_input_tokens, self.cache_creation_input_tokens)
        return any(whole_of(value) is not None for value in told)

    def counts(self) -> tuple[int, int, int, int]:
        """(input, output, cache read, cache write), each ≥ 0."""
        return (
            whole_of(self.input_tokens) or 0,
            whole_of(self.output_tokens) or 0,
            whole_of(self.cache_read_input_tokens) or 0,
            whole_of(self.cache_creation_input_tokens) or 0,
        )


class Message(msgspec.Struct):
    """The API message inside a user or assistant line."""

    id: object = None
    model: object = None
    stop_reason: object = None
    content: str | list[Block] | None = None
    usage: Usage | None = None

    def blocks(self) -> list[Block]:
        """The content as blocks; a plain string is one text block."""
        if isinstance(self.content, str):
            return [Block(type="text", text=self.content)]
        return self.content or []


class ToolReport(msgspec.Struct, rename="camel"):
    """What the client says about a tool's result besides its text (``toolUseResult``)."""

    agent_id: object = None
    agent_type: object = None
    run_id: object = None
    """Of a workflow that was started."""
    summary: object = None
    status: object = None
    interrupted: object = None
    background_task_id: object = None
    duration_ms: object = None
    total_duration_ms: object = None
    structured_patch: object = None
    type: object = None
    git_operation: object = None
    original_file: object = msgspec.field(default=None, name="original_file")
    """NotebookEdit only: the others name it ``originalFile``, and nobody needs it there."""
    updated_file: object = msgspec.field(default=None, name="updated_file")


_BLOCK_FIELDS = ("type", "text", "id", "name", "input", "tool_use_id", "is_error", "tool_name")

line_decoder = msgspec.json.Decoder(Line)
_message_decoder = msgspec.json.Decoder(Message)
_report_decoder = msgspec.json.Decoder(ToolReport)


def _decode(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw) -> T | None:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        repaired = as_utf8_json(bytes(raw))
        try:
            return decoder.decode(repaired) if repaired is not None else None
        except (msgspec.DecodeError, RecursionError):
            return None


def payload_of(raw: msgspec.Raw) -> dict[str, object]:
    """Any JSON object without types; empty when it is none."""
    if not memoryview(raw):
        return {}
    value = _decode(msgspec.json.Decoder(object), raw)
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def message_of(raw: msgspec.Raw) -> Message:
    """The message, as far as its shape is known."""
    if not memoryview(raw):
        return Message()
    return _decode(_message_decoder, raw) or _loose_message(payload_of(raw))


def report_of(raw: msgspec.Raw) -> ToolReport | None:
    """The client's report on a result; None where it gave a bare text or nothing."""
    return _decode(_report_decoder, raw) if memoryview(raw)[:1].tobytes() == b"{" else None


def _loose_message(value: dict[str, object]) -> Message:
    content = value.get("content")
    usage = value.get("usage")
    return Message(
        id=value.get("id"),
        model=value.get("model"),
        stop_reason=value.get("stop_reason"),
        content=content if isinstance(content, str) else _loose_blocks(content),
        usage=_loose_usage(cast(dict[str, object], usage)) if isinstance(usage, dict) else None,
    )


def _loose_usage(value: dict[str, object]) -> Usage:
    return Usage(
        input_tokens=value.get("input_tokens"),
        output_tokens=value.get("output_tokens"),
        cache_read_input_tokens=value.get("cache_read_input_tokens"),
        cache_creation_input_tokens=value.get("cache_creation_input_tokens"),
    )


def _loose_blocks(value: object, depth: int = 3) -> list[Block]:
    entries = cast(list[object], value) if isinstance(value, list) else [value]
    blocks: list[Block] = []
    for entry in entries:
        if isinstance(entry, str):
            blocks.append(Block(type="text", text=entry))
        elif isinstance(entry, dict):
            fields = cast(dict[str, object], entry)
            block = Block()
            for name in _BLOCK_FIELDS:
                setattr(block, name, fields.get(name))
            inner = fields.get("content")
            block.content = inner if isinstance(inner, str) else _loose_blocks(inner, depth - 1) if depth else None
            blocks.append(block)
    return blocks


def text_of(content: str | list[Block] | None) -> str:
    """The text of a tool result; images and other blocks are named, not kept."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts: list[str] = []
    for block in content:
        if isinstance(block.text, str):
            parts.append(block.text)
        elif isinstance(block.tool_name, str):
            parts.append(block.tool_name)
        elif block.type == "image":
            parts.append("[image]")
    return "\n".join(parts)


def word(value: object) -> str | None:
    """A string with something in it, else None."""
    return value if isinstance(value, str) and value else None


def version_of(value: object) -> tuple[int, ...] | None:
    """``2.1.196`` → (2, 1, 196); None for anything that does not begin with three numbers."""
    if not isinstance(value, str):
        return None
    parts = value.split("-", 1)[0].split(".")[:3]
    return (
        tuple(int(part) for part in parts)
        if len(parts) == 3 and all(p.isascii() and p.isdigit() for p in parts)
        else None
    )
