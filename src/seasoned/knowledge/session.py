"""One conversation with an MCP server: connect, look for the search tool, call it. Loaded only where one is held.

Importing the SDK takes most of a second, so nothing else in this room imports it. Invariant: what a server sends is
bounded before it is looked at: ``ANSWER_LIMIT`` bytes a line or a response, and no compressed responses, which could
unpack to any size.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.metadata import version
from typing import cast

import anyio
import httpx2
import mcp_types
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from seasoned.knowledge.exchange import Exchange, SearchReply
from seasoned.knowledge.process import ServerProcess
from seasoned.knowledge.tools import OfferedTool, UnfitServerError, arguments_for, search_tool

__all__ = ["ANSWER_LIMIT", "ask", "foreign_reason", "http_transport", "pipe_transport"]

ANSWER_LIMIT = 4 * 1024 * 1024
"""Bytes of one message; passages of 1,000 characters need a few thousand."""
_PAGES = 20
_HANDSHAKE_REFUSED = (mcp_types.METHOD_NOT_FOUND, mcp_types.UNSUPPORTED_PROTOCOL_VERSION)
for _name in ("mcp", "httpx2"):  # what they say of a server's faults is in the answer; a terminal need not see it too
    logging.getLogger(_name).addHandler(logging.NullHandler())


Transport = AbstractAsyncContextManager[tuple[object, object]]


async def ask(
    connect: Callable[[], Transport],
    seen: Exchange,
    *,
    query: str,
    most: int,
    wanted: str | None,
    preset: str | None,
    deliver: Callable[[SearchReply], None],
) -> None:
    """Ask, and ``deliver`` the answer before the connection is wound down. Raises what ``foreign_reason`` knows, and
    UnfitServerError; of several errors at once a group."""
    try:
        await _ask(connect(), "legacy", seen, query, most, wanted, preset, deliver)
    except* MCPError as refused:
        # Most servers know the handshake of old, and some end the connection at any other first message. Those that
        # know only the stateless protocol of 2026 refuse it by these codes and are asked again in theirs.
        codes = [each.code for each in _leaves(refused) if isinstance(each, MCPError)]
        if seen.server is not None or not set(codes).issubset(_HANDSHAKE_REFUSED):
            raise
        await _ask(connect(), "auto", seen, query, most, wanted, preset, deliver)


async def _ask(
    transport: Transport,
    mode: str,
    seen: Exchange,
    query: str,
    most: int,
    wanted: str | None,
    preset: str | None,
    deliver: Callable[[SearchReply], None],
) -> None:
    who = mcp_types.Implementation(name="seasoned", version=version("seasoned"))
    async with Client(transport, mode=mode, cache=None, client_info=who) as client:  # pyright: ignore[reportArgumentType]
        seen.server = client.server_info.name if client.server_info is not None else ""
        offered: list[OfferedTool] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await client.list_tools(cursor=cursor)
            offered += [OfferedTool(name=each.name, input_schema=each.input_schema) for each in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                break
        tool = search_tool(offered, wanted=wanted, preset=preset)
        result = await client.call_tool(tool.name, arguments_for(tool, query, most))
        deliver(
            SearchReply(
                tool=tool.name,
                structured=result.structured_content,
                texts=tuple(_texts(result.content)),
                failed=result.is_error,
            )
        )


def _texts(content: list[mcp_types.ContentBlock]) -> list[str]:
    found: list[str] = []
    for block in content:
        if isinstance(block, mcp_types.TextContent):
            found.append(block.text)
        elif isinstance(block, mcp_types.EmbeddedResource) and isinstance(
            block.resource, mcp_types.TextResourceContents
        ):
            found.append(block.resource.text)
    return found


def foreign_reason(error: BaseException) -> str | None:
    """What a fault of the server or of the way to it says; None: the error is none of those, but one of this program."""
    reasons: list[str] = []
    for leaf in _leaves(error):
        match leaf:
            case UnfitServerError():
                return str(leaf)
            case MCPError():
                reasons.append(f"it refuses: {leaf.error.message}")
            case httpx2.HTTPError() | OSError():
                reasons.append(f"it cannot be reached: {leaf or type(leaf).__name__}")
            case (
                ValueError() | RuntimeError()
            ):  # the SDK's for messages that break the protocol or the tool's own schema
                reasons.append(f"its answer makes no sense: {leaf}")
            case anyio.ClosedResourceError() | anyio.BrokenResourceError() | anyio.EndOfStream():
                reasons.append("it closed the connection")
            case asyncio.CancelledError():
                continue
            case _:
                return None
    return reasons[0] if reasons else None


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    parts = cast("BaseExceptionGroup[BaseException]", error).exceptions
    return [leaf for each in parts for leaf in _leaves(each)]


@asynccontextmanager
async def pipe_transport(process: ServerProcess, seen: Exchange) -> AsyncGenerator[tuple[object, object]]:
    """Messages over the pipes of a running server, one JSON document a line. Closes its standard input at the end."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=ANSWER_LIMIT)
    reading, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
    writing, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, process.stdin)
    writer = asyncio.StreamWriter(writing, protocol, None, loop)
    to_session, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, from_session = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        async with to_session:
            while line := await _line(reader, seen):
                with suppress(ValueError):  # servers print to the pipe what is no message; ``_message`` takes note
                    await to_session.send(_message(line, seen))

    async def write() -> None:
        async with from_session:
            async for message in from_session:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                writer.write(text.encode() + b"\n")
                with suppress(ConnectionError):  # it has gone; reading says so
                    await writer.drain()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            group.start_soon(write)
            try:
                yield incoming, outgoing
            finally:
                group.cancel_scope.cancel()
    finally:
        reading.close()
        if not writing.is_closing():  # asyncio aborts a pipe only once
            writing.abort()
        for stream in (to_session, incoming, outgoing, from_session):
            stream.close()


async def _line(reader: asyncio.StreamReader, seen: Exchange) -> bytes:
    """The next line; empty at the end, and where it is longer than any message may be."""
    try:
        return await reader.readline()
    except ValueError:  # so asyncio calls a line over its limit
        seen.fault = f"it sent more than {ANSWER_LIMIT // 1024 // 1024} MB in one message"
        return b""


def _message(line: bytes, seen: Exchange) -> SessionMessage:
    """Raises ValueError where it is none."""
    try:
        return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        if line.strip():
            seen.fault = "it writes what is no MCP message to its standard output"
        raise


@asynccontextmanager
async def http_transport(
    url: str, token: str | None, timeout_s: float, seen: Exchange
) -> AsyncGenerator[tuple[object, object]]:
    """Streamable HTTP; ``token`` goes along as a bearer token, to this origin only."""

    async def bounded(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            seen.fault = "it compresses its answers, though it was asked not to"
            raise httpx2.DecodingError(seen.fault, request=response.request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream, seen)

    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token is not None else {})
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout_s, event_hooks={"response": [bounded]}) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=ANSWER_LIMIT) as streams,
    ):
        yield streams


class _Bounded(httpx2.AsyncByteStream):
    """A response's bytes, up to ``ANSWER_LIMIT``."""

    def __init__(self, stream: httpx2.AsyncByteStream, seen: Exchange) -> None:
        self._stream = stream
        self._seen = seen

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = ANSWER_LIMIT
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                self._seen.fault = f"it sent more than {ANSWER_LIMIT // 1024 // 1024} MB in one message"
                raise httpx2.ReadError(self._seen.fault)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
