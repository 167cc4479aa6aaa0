"""One client on standard input and output.

The SDK takes both descriptors for itself while it serves: whatever a library prints meanwhile goes to standard error.
Invariant: a line that cannot be read is answered too. The SDK passes over it in silence, and its sender would wait for
ever; a language model's client does send such lines (half of a surrogate pair where a text was cut).
"""

import json
from typing import TYPE_CHECKING, cast

import anyio
import mcp_types as types
import msgspec
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from seasoned.app import Seasoned
from seasoned.doors.mcp.server import server_for
from seasoned.errors import ReaderGoneError

if TYPE_CHECKING:
    from mcp.shared._stream_protocols import ReadStream, WriteStream

__all__ = ["serve"]


class _Head(msgspec.Struct):
    """The part of a message by which its answer finds back."""

    id: int | str | None = None


def serve(seasoned: Seasoned) -> None:
    """Serve until the input ends. Raises ReaderGoneError where the client takes no answers any more."""
    server = server_for(lambda _: seasoned)

    async def run() -> None:
        into, out_of = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        async with out_of, stdio_server() as (incoming, outgoing), anyio.create_task_group() as tasks:
            tasks.start_soon(_pass_on, incoming, into, outgoing)
            await server.run(out_of, outgoing, server.create_initialization_options())

    try:
        anyio.run(run)
    except ExceptionGroup as errors:
        if errors.subgroup(BrokenPipeError) is None:  # whatever else is in it follows from that
            raise
        raise ReaderGoneError("The client has gone.") from errors


async def _pass_on(
    incoming: "ReadStream[SessionMessage | Exception]",
    into: "WriteStream[SessionMessage | Exception]",
    outgoing: "WriteStream[SessionMessage]",
) -> None:
    """Hand on what was read, and answer what could not be."""
    async with incoming, into:
        async for message in incoming:
            if isinstance(message, Exception):
                await outgoing.send(SessionMessage(_unreadable(message)))
            else:
                await into.send(message)


def _unreadable(error: Exception) -> types.JSONRPCError:
    line, reason = "", "it breaks the protocol"
    if isinstance(error, ValidationError):
        told = error.errors(include_url=False)[0]
        if told["type"] == "json_invalid":
            line = told["input"] if isinstance(told["input"], str) else ""
            reason = str(told.get("ctx", {}).get("error", told["msg"]))[:200]
    return types.JSONRPCError(
        jsonrpc="2.0",
        id=_id_of(line),
        error=types.ErrorData(code=types.PARSE_ERROR, message=f"This line is no message that can be read: {reason}."),
    )


def _id_of(line: str) -> int | str | None:
    """The id of a message that the protocol's own parser refused; None where there is none to be found."""
    try:
        found = cast("object", json.loads(line))
    except (ValueError, RecursionError):
        pass
    else:
        identifier = cast("dict[str, object]", found).get("id") if isinstance(found, dict) else None
        return identifier if isinstance(identifier, int | str) and not isinstance(identifier, bool) else None
    try:
        return msgspec.json.decode(line.encode("utf-8", "replace"), type=_Head).id
    except (msgspec.MsgspecError, RecursionError):
        return None
