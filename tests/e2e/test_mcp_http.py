"""``seasoned mcp --http`` and what comes to it: with no token, with one that is none, too much, too slowly, too often."""

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
import uvicorn
from command import PROGRAM, environment, run
from mcp import Client, MCPError
from mcp_servers import answered, bearing, http_server, opened, token

from seasoned.answers.listening import Connection
from seasoned.library import create_token, revoke_token
from seasoned.model import Identity

pytestmark = pytest.mark.slow

HELLO = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
    }
).encode()
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
ADMIN = Identity(namespace="default", agent_id="local", role="admin", local=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def secret(home: Path) -> str:
    return token(home, "bob")


@pytest.fixture(scope="module")
def url(home: Path, secret: str) -> Iterator[str]:
    with http_server(home, SEASONED_LIMITS__RECORD="3", SEASONED_LIMITS__CHECK="2") as address:
        yield address


def post(
    url: str, secret: str | None, content: bytes = HELLO, headers: Mapping[str, str] | None = None
) -> httpx2.Response:
    known = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    return httpx2.post(url, content=content, headers={**HEADERS, **known, **(headers or {})}, timeout=60)


@pytest.mark.parametrize("wrong", [None, "seasoned_unknown", "x" * 5000, "local"])
def test_nobody_is_let_in_without_a_token(url: str, wrong: str | None) -> None:
    answer = post(url, wrong)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert "token" in answer.json()["error_description"]


def test_a_token_that_ran_out_or_was_revoked(url: str, home: Path) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    with opened(home) as seasoned:
        old = create_token(seasoned.store, ADMIN, agent_id="old", lives=timedelta(days=1), now=past).secret
        soon = create_token(seasoned.store, ADMIN, agent_id="soon", now=past).secret
        assert post(url, soon).status_code == 200
        revoke_token(seasoned.store, ADMIN, soon, now=datetime.now(UTC))
    assert "expired" in post(url, old).json()["error_description"]
    answer = post(url, soon)
    assert (answer.status_code, "was revoked" in answer.json()["error_description"]) == (401, True)


def test_requests_that_are_none(url: str, secret: str) -> None:
    assert post(url, secret, headers={"Host": "evil.example"}).status_code == 421
    assert post(url, secret, headers={"Origin": "http://evil.example"}).status_code == 403
    assert post(url, secret, content=b"a" * (5 << 20)).status_code == 413
    for body in (b"{", b"\xff", b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"\\ud800"}}', b"[" * 100_000):
        assert post(url, secret, content=body).status_code == 400
    for method in ("GET", "PUT", "DELETE"):  # there is no stream to be held open
        assert httpx2.request(method, url, headers=HEADERS | {"Authorization": f"Bearer {secret}"}).status_code == 405
    assert post(url, secret).status_code == 200


def test_beyond_loopback_needs_a_token_first(tmp_path: Path) -> None:
    answer = run(tmp_path, "mcp", "--http", "--host", "0.0.0.0", "--port", "0")
    assert answer.returncode == 2
    assert "nobody has a token yet" in answer.stderr
    wrong = run(tmp_path, "mcp", "--host", "0.0.0.0")
    assert (wrong.returncode, "add --http" in wrong.stderr) == (2, True)
    taken = run(tmp_path, "mcp", "--http", "--host", "203.0.113.1", "--port", "1")
    assert taken.returncode == 2


def test_an_agent_that_calls_too_often_is_told_when_to_go_on(url: str, home: Path, secret: str) -> None:
    """Whatever token it uses; others, and calls of another kind, are let in."""
    first, second = token(home, "eager"), token(home, "eager")

    async def learn(client: Client, number: int) -> Any:
        arguments = {"pattern_name": f"n{number}", "pattern_content": "c", "category": "c"}
        return (await client.call_tool("learn_pattern", arguments)).structured_content

    async def main() -> None:
        async with bearing(url, first) as client, bearing(url, second) as other:
            for number in range(3):
                assert (await learn(client, number))["success"], number
            for each in (client, other):
                told = await learn(each, 4)
                assert (told["success"], told["result"], told["code"]) == (False, None, "TooManyCallsError")
                assert 1 <= told["retry_after_s"] <= 60
                assert f"wait {told['retry_after_s']} s" in told["message"]
            assert (await answered(client, "get_pattern_analytics"))["total_patterns"] == 3
        async with bearing(url, secret) as bob:
            assert (await learn(bob, 0))["success"]

    anyio.run(main)


def test_resources_count_as_questions(url: str, home: Path) -> None:
    secret = token(home, "reader")

    async def main() -> None:
        async with bearing(url, secret) as client:
            await client.list_resources()
            await answered(client, "get_pattern_analytics")
            with pytest.raises(MCPError, match="may make 2 calls of this kind") as error:
                await client.list_resources()
            assert error.value.error.data["retry_after_s"] >= 1

    anyio.run(main)


def test_a_port_that_is_taken(url: str, home: Path) -> None:
    port = httpx2.URL(url).port
    taken = run(home, "mcp", "--http", "--port", str(port))
    assert (taken.returncode, f"port {port} cannot be used" in taken.stderr) == (2, True)


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "mcp", "--http", "--port", "0"], env=environment(tmp_path), cwd=tmp_path, text=True,
        stderr=subprocess.PIPE,
        # A shell without job control starts what it puts in the background with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:  # fmt: skip
        assert process.stderr is not None
        while "Ctrl-C ends it" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert (process.returncode, said.strip()) == (
        130,
        "Interrupted. What was committed stays; run the command again to go on.",
    )


class Hasty(Connection):
    arrives_s = 0.05


@pytest.mark.parametrize(
    "begun", [b"", b"POST / HTTP/1.1\r\nHost: h\r\nX: ", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\na"]
)
def test_a_request_that_does_not_arrive_is_not_waited_for(begun: bytes) -> None:
    """Nor is the second one on a connection; what arrives whole may take as long as it takes to answer."""
    released = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            await released.wait()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
        elif scope["type"] == "http":
            while (await receive())["type"] != "http.disconnect":
                pass
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body"})

    async def main() -> None:
        config = uvicorn.Config(application, http=Hasty, lifespan="off", log_level="warning")
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port: int = listening.getsockname()[1]
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            reading, writing = await asyncio.open_connection("127.0.0.1", port)
            writing.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            begun_reading, begun_writing = await asyncio.open_connection("127.0.0.1", port)
            begun_writing.write(begun)
            assert await begun_reading.read() == b"", "closed without an answer"
            released.set()
            assert (await reading.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            writing.write(begun)
            assert await reading.read() == b""
            for each in (writing, begun_writing):
                each.close()
            server.should_exit = True
            await serving

    asyncio.run(main())
