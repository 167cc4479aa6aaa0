"""The three streaming APIs, as far as the clients use them: what a request says, and how a turn is said in answer.

Each dialect reads a request into the same thing, a list of exchanges: who spoke (the user's side or the model) and the
blocks of text. Answers go out as server-sent events. Token counts are a quarter of the characters: clients want some.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from clients.script import Turn

__all__ = ["Dialect", "Said", "dialect_of"]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one side said before the other spoke again."""

    by_model: bool
    texts: tuple[str, ...]


class Dialect(Protocol):
    """One API."""

    name: str

    def conversation(self, body: Json) -> list[Said]:
        """Who said what so far, without the system's instructions."""
        ...

    def offers_tools(self, body: Json) -> bool:
        """Whether the model may call tools: side requests of the clients (titles, checks) offer none."""
        ...

    def events(self, turn: Turn, body: Json) -> Iterator[Json]:
        """The answer's events in order."""
        ...


class Messages:
    """Anthropic's Messages API."""

    name = "messages"

    def conversation(self, body: Json) -> list[Said]:
        return [
            Said(by_model=message["role"] == "assistant", texts=_texts(message["content"]))
            for message in body["messages"]
            if message["role"] != "system"
        ]

    def offers_tools(self, body: Json) -> bool:
        return bool(body.get("tools"))

    def events(self, turn: Turn, body: Json) -> Iterator[Json]:
        usage = {"input_tokens": _tokens(body), "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        yield {
            "type": "message_start",
            "message": {
                "id": f"msg_{uuid4().hex[:24]}",
                "type": "message",
                "role": "assistant",
                "model": body["model"],
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": usage | {"output_tokens": 1},
            },
        }
        blocks: list[tuple[Json, Json]] = []
        if turn.text:
            blocks.append(({"type": "text", "text": ""}, {"type": "text_delta", "text": turn.text}))
        for call in turn.calls:
            start: Json = {"type": "tool_use", "id": f"toolu_{uuid4().hex[:24]}", "name": call.name, "input": {}}
            blocks.append((start, {"type": "input_json_delta", "partial_json": json.dumps(call.input)}))
        for index, (start, delta) in enumerate(blocks):
            yield {"type": "content_block_start", "index": index, "content_block": start}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use" if turn.calls else "end_turn", "stop_sequence": None},
            "usage": usage | {"output_tokens": _tokens(turn)},
        }
        yield {"type": "message_stop"}


class Responses:
    """OpenAI's Responses API."""

    name = "responses"

    def conversation(self, body: Json) -> list[Said]:
        spoken: list[Said] = []
        for item in body["input"]:
            kind = item.get("type", "message")
            if kind == "message" and item["role"] in {"system", "developer"}:
                # Hooks' context comes in the developer's name; it neither starts nor ends what either side says.
                continue
            by_model = item["role"] == "assistant" if kind == "message" else not kind.endswith("_output")
            texts = _texts(item["content"]) if kind == "message" else ()
            if spoken and spoken[-1].by_model and by_model:
                texts = spoken.pop().texts + texts
            spoken.append(Said(by_model=by_model, texts=texts))
        return spoken

    def offers_tools(self, body: Json) -> bool:
        return bool(body.get("tools"))

    def events(self, turn: Turn, body: Json) -> Iterator[Json]:
        response: Json = {"id": f"resp_{uuid4().hex}", "object": "response", "status": "in_progress", "output": []}
        yield {"type": "response.created", "response": response}
        items: list[Json] = []
        if turn.text:
            content: list[Json] = [{"type": "output_text", "text": turn.text, "annotations": []}]
            items.append({"type": "message", "id": f"msg_{uuid4().hex}", "role": "assistant", "content": content})
        for call in turn.calls:
            called: Json = {"call_id": f"call_{uuid4().hex[:24]}", "name": call.name, "status": "completed"}
            if isinstance(call.input, str):
                called |= {"type": "custom_tool_call", "id": f"ctc_{uuid4().hex}", "input": call.input}
            else:
                called |= {"type": "function_call", "id": f"fc_{uuid4().hex}", "arguments": json.dumps(call.input)}
            items.append(called)
        for index, item in enumerate(items):
            yield {"type": "response.output_item.added", "output_index": index, "item": item}
            yield {"type": "response.output_item.done", "output_index": index, "item": item}
        read, written = _tokens(body), _tokens(turn)
        usage = {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + written,
        }
        yield {"type": "response.completed", "response": response | {"status": "completed", "usage": usage}}


class Generate:
    """Google's streamGenerateContent."""

    name = "generate"

    def conversation(self, body: Json) -> list[Said]:
        return [
            Said(
                by_model=content.get("role") == "model",
                texts=tuple(part["text"] for part in content["parts"] if "text" in part),
            )
            for content in body["contents"]
        ]

    def offers_tools(self, body: Json) -> bool:
        return any(tool.get("functionDeclarations") for tool in body.get("tools") or ())

    def events(self, turn: Turn, body: Json) -> Iterator[Json]:
        parts: list[Json] = [{"text": turn.text}] if turn.text else []
        parts += [{"functionCall": {"name": call.name, "args": call.input}} for call in turn.calls]
        read, written = _tokens(body), _tokens(turn)
        yield {
            "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": read,
                "candidatesTokenCount": written,
                "totalTokenCount": read + written,
            },
            "modelVersion": "scripted",
            "responseId": uuid4().hex,
        }


def dialect_of(path: str) -> Dialect | None:
    """The API that a request's path belongs to."""
    if path.endswith("/messages"):
        return Messages()
    if path.endswith("/responses"):
        return Responses()
    if path.endswith((":streamGenerateContent", ":generateContent")):
        return Generate()
    return None


def _texts(content: str | Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    if isinstance(content, str):
        return (content,)
    return tuple(block["text"] for block in content if isinstance(block.get("text"), str))


def _tokens(value: object) -> int:
    return max(len(str(value)) // 4, 1)
