"""``seasoned mcp`` as clients meet it: a process of its own, on its pipes or on a port of loopback."""

import subprocess
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from command import PROGRAM, environment
from httpx2 import AsyncClient
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from seasoned.app import Seasoned
from seasoned.library import create_token
from seasoned.model import Identity, Role
from seasoned.settings import load

__all__ = ["answered", "bearing", "http_server", "on_pipes", "opened", "refused", "token"]


def on_pipes(home: Path, **variables: str) -> StdioServerParameters:
    """A server for one client."""
    return StdioServerParameters(
        command=PROGRAM[0], args=[*PROGRAM[1:], "mcp"], env=environment(home, **variables), cwd=str(home)
    )


@contextmanager
def http_server(home: Path, *options: str, **variables: str) -> Generator[str]:
    """A server for many; yields its address."""
    process = subprocess.Popen(
        [*PROGRAM, "mcp", "--http", "--port", "0", *options],
        env=environment(home, **variables),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = ""
        while "MCP over HTTP at " not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        yield said.split("MCP over HTTP at ")[1].split(";")[0]
    finally:
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert out == ""
    assert "Traceback" not in err, err


@asynccontextmanager
async def bearing(url: str, secret: str) -> AsyncGenerator[Client]:
    """A client with this token."""
    async with AsyncClient(headers={"Authorization": f"Bearer {secret}"}, timeout=60) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode="legacy", read_timeout_seconds=60) as client:
            yield client


def opened(home: Path, **variables: str) -> Seasoned:
    """The same data folder, in this process."""
    return Seasoned(load({"HOME": str(home), **variables}, working_dir=home))


def token(
    home: Path, agent: str, role: Role = "agent", namespace: str = "default", variables: Mapping[str, str] | None = None
) -> str:
    """A new token."""
    admin = Identity(namespace=namespace, agent_id="local", role="admin", local=True)
    with opened(home, **(variables or {})) as seasoned:
        return create_token(seasoned.store, admin, agent_id=agent, role=role, now=datetime.now(UTC)).secret


async def answered(client: Client, tool: str, /, **arguments: Any) -> Any:
    """``result`` of a call that succeeds."""
    found = await client.call_tool(tool, arguments)
    document: Any = found.structured_content
    assert not found.is_error, document
    assert document["success"] is True
    assert document["message"]
    return document["result"]


async def refused(client: Client, tool: str, /, **arguments: Any) -> tuple[str, str]:
    """Code and message of a call that does not."""
    found = await client.call_tool(tool, arguments)
    document: Any = found.structured_content
    assert found.is_error
    assert (document["success"], document["result"]) == (False, None)
    assert "Traceback" not in document["message"]
    return document["code"], document["message"]
