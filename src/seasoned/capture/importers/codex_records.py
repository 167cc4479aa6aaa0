"""The shape of Codex's rollout lines, as far as Seasoned reads them.

Invariant: a field of an unexpected shape costs that field, never its record: every field is typed ``object`` and asked
for its type where it is used. One struct holds the fields of all payloads, because the payload's own type stands inside
it and a second pass over the bytes would cost more than the empty fields. What is not named here (instructions,
encrypted reasoning, replaced histories, world states: more than half of the bytes) is skipped by the parser.
"""

import re
from typing import TypeVar, cast

import msgspec

from seasoned.capture.jsonl import as_utf8_json
from seasoned.capture.loose import document_of, number_of, whole_of
from seasoned.model import Document

__all__ = [
    "IGNORED_EVENTS",
    "IGNORED_ITEMS",
    "IGNORED_LINES",
    "Line",
    "Payload",
    "content_text",
    "context_of",
    "document_in",
    "line_decoder",
    "milliseconds_of",
    "own_words",
    "request_in",
    "usage_of",
    "version_of",
    "word",
]

T = TypeVar("T")
_ABSENT = msgspec.Raw()
_REQUEST = "\n## My request for Codex:\n"
_INJECTED = re.compile(r"# AGENTS\.md |</?[A-Za-z][\w-]{2,40}[> ]")

IGNORED_LINES = frozenset({"compacted", "world_state", "inter_agent_communication_metadata"})
IGNORED_ITEMS = frozenset({"reasoning", "ghost_snapshot", "compaction", "context_compaction", "other"})
IGNORED_EVENTS = frozenset(
    {"agent_message", "agent_reasoning", "agent_reasoning_raw_content", "agent_reasoning_section_break"}
    | {"context_compacted", "thread_name_updated", "thread_settings_applied", "thread_goal_updated", "warning"}
    | {"entered_review_mode", "exited_review_mode", "thread_rolled_back", "undo_completed", "background_event"}
    | {"web_search_end", "image_generation_end", "view_image_tool_call", "guardian_assessment", "plan_update"}
    | {"dynamic_tool_call_request", "dynamic_tool_call_response", "sub_agent_activity", "stream_error"}
    | {"collab_agent_spawn_end", "collab_waiting_end", "collab_close_end", "collab_agent_interaction_end"}
    | {"collab_resume_end", "model_reroute", "model_verification", "deprecation_notice"}
)
"""Known, and either empty or told a second time by the response item that they accompany."""


class Payload(msgspec.Struct):
    """What a line carries; which fields are set depends on its type."""

    type: object = None
    id: object = None
    call_id: object = None
    turn_id: object = None
    # session_meta
    session_id: object = None
    forked_from_id: object = None
    parent_thread_id: object = None
    timestamp: object = None
    cwd: object = None
    originator: object = None
    cli_version: object = None
    source: object = None
    agent_role: object = None
    agent_nickname: object = None
    agent_path: object = None
    git: object = None
    # turn_context, task_started
    model: object = None
    effort: object = None
    approval_policy: object = None
    sandbox_policy: object = None
    turn_attribution: object = None
    # calls and their results
    name: object = None
    namespace: object = None
    arguments: object = None
    input: object = None
    action: object = None
    status: object = None
    output: object = None
    tools: object = None
    exit_code: object = None
    duration: object = None
    success: object = None
    changes: object = None
    stdout: object = None
    stderr: object = None
    command: object = None
    aggregated_output: msgspec.Raw = _ABSENT
    invocation: object = None
    result: msgspec.Raw = _ABSENT
    # words
    role: object = None
    message: object = None
    content: msgspec.Raw = _ABSENT
    author: object = None
    recipient: object = None
    reason: object = None
    codex_error_info: object = None
    error: object = None
    # tokens
    info: object = None
    usage: object = None
    thread_token_usage: object = None
    # item_completed
    item: msgspec.Raw = _ABSENT


class Line(msgspec.Struct):
    """One line of a rollout."""

    timestamp: object = None
    type: object = None
    payload: Payload | None = None


class _Text(msgspec.Struct):
    """One part of a message's content; images are skipped."""

    type: object = None
    text: object = None


line_decoder = msgspec.json.Decoder(Line)
_texts = msgspec.json.Decoder(list[_Text])
_anything = msgspec.json.Decoder(object)


def word(value: object) -> str | None:
    """A non-empty string as it stands, else None."""
    return value if isinstance(value, str) and value else None


def content_text(content: msgspec.Raw) -> str:
    """The text parts of a message's content, one below the other."""
    parts = _decoded(_texts, content) or []
    return "\n".join(part.text for part in parts if isinstance(part.text, str) and part.text)


def own_words(content: msgspec.Raw) -> str | None:
    """What the user said, out of words to the model in the user's name; None for what Codex put in by itself.

    Instructions begin with ``# AGENTS.md`` and everything else that Codex injects stands in a tag.
    """
    texts = [part.text for part in _decoded(_texts, content) or [] if isinstance(part.text, str)]
    own = [text for text in texts if text.strip() and not _INJECTED.match(text.lstrip())]
    return "\n".join(own) or None


def request_in(prompt: str) -> str:
    """A prompt without the open files and attachments that the desktop app and the IDE extensions put before it."""
    if prompt.lstrip().startswith("# "):
        _, mark, request = prompt.partition(_REQUEST)
        if mark and request.strip():
            return request.strip()
    return prompt


def document_in(raw: msgspec.Raw) -> Document:
    """The JSON object in a part of a line that was put off; empty where there is none."""
    return document_of(_decoded(_anything, raw))


def _decoded(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw) -> T | None:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # What the line's decoder skipped it did not look at: bytes that are no UTF-8 come to light here.
        repaired = as_utf8_json(bytes(memoryview(raw)))
    try:
        return decoder.decode(repaired) if repaired is not None else None
    except (msgspec.DecodeError, RecursionError):
        return None


def version_of(text: object) -> tuple[int, ...] | None:
    """``0.126.0-alpha.8`` as (0, 126, 0)."""
    if not isinstance(text, str):
        return None
    parts = text.split("-", 1)[0].split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() and len(part) < 8 for part in parts) else None


def milliseconds_of(duration: object) -> int | None:
    """A duration as Codex writes it: ``{"secs": 1, "nanos": 500000000}``."""
    if not isinstance(duration, dict):
        return None
    parts = document_of(cast("dict[str, object]", duration))
    seconds, nanos = number_of(parts.get("secs")), whole_of(parts.get("nanos")) or 0
    return round(seconds * 1000 + nanos / 1e6) if seconds is not None and 0 <= seconds < 1e9 else None


def usage_of(told: Document) -> tuple[int, int, int, int]:
    """(input, cache read, cache write, output) tokens of one model call; what Codex calls input holds the first three.

    Reasoning tokens are part of the output.
    """
    given, cached, written, output = (
        whole_of(told.get(name)) or 0
        for name in ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens")
    )
    cached = min(cached, given)
    written = min(written, given - cached)
    return given - cached - written, cached, written, output


def context_of(payload: Payload) -> Document:
    """What a ``turn_context`` says of how the agent was set up."""
    sandbox = document_of(payload.sandbox_policy)
    told = {"effort": payload.effort, "approval_policy": payload.approval_policy, "sandbox": sandbox.get("type")}
    return {name: value for name, value in told.items() if isinstance(value, str) and value}
