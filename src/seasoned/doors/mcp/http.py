"""Several clients over streamable HTTP, each known by its token.

Invariant: no request reaches the protocol without an identity, which is that of its token at that moment; a token that
was revoked is refused at its next request. There are no sessions, so that none can be taken over; and nothing is sent
that was not asked for, so that no connection need stay open for it.
"""

import ipaddress
import logging
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import uvicorn
from anyio import to_thread
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from seasoned.answers.rates import Rates
from seasoned.app import Seasoned
from seasoned.doors.mcp.connection import Connection
from seasoned.doors.mcp.server import server_for
from seasoned.errors import AccessDeniedError, SeasonedError, UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from seasoned.model import Identity

__all__ = ["application", "serve"]

_MOST_BYTES = 4 << 20
_WAITING = 128
_WHO = "seasoned.who"
_PATH = "/mcp"
logging.getLogger("mcp.server.streamable_http").addFilter(  # a client that goes is no fault, and needs no traceback
    lambda record: not (record.exc_info and isinstance(record.exc_info[1], ClientDisconnect))
)


def serve(seasoned: Seasoned, *, host: str, port: int, names: Sequence[str] = ()) -> None:
    """Serve until interrupted. Raises UsageError."""
    known = seasoned.store.tokens(seasoned.namespace)
    if not any(each.revoked_at is None for each in known):
        if not _is_loopback(host):
            raise UsageError(
                f"--host {host} can be reached from elsewhere, and nobody has a token yet: make one first with "
                "`seasoned token create`, and put TLS in front."
            )
        sys.stderr.write(
            "Nobody has a token yet, so that every request is refused: `seasoned token create` makes one.\n"
        )
    with _listening(host, port) as listening:
        config = uvicorn.Config(
            application(seasoned, names=[host, *names]),
            http=Connection,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        bound = listening.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        said = f"MCP over HTTP at http://{shown}:{bound}{_PATH}; Ctrl-C ends it.\n"
        if not _is_loopback(host):
            said += "It can be reached from elsewhere: put TLS in front, else tokens travel in the clear.\n"
        _Announced(config, said).run(sockets=[listening])


class _Announced(uvicorn.Server):
    """Says where it is once it answers, and Ctrl-C is heard."""

    def __init__(self, config: uvicorn.Config, said: str) -> None:
        super().__init__(config)
        self._said = said

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stderr.write(self._said)
        sys.stderr.flush()


def application(seasoned: Seasoned, *, names: Sequence[str] = ()) -> "ASGIApp":
    """The ASGI application. ``names``: hosts by which it may be called besides those of loopback."""
    hosts = ["127.0.0.1", "localhost", "[::1]", *(f"[{name}]" if ":" in name else name for name in names)]
    limits = seasoned.settings.limits
    rates = Rates({"check": limits.check, "capture": limits.capture, "record": limits.record})
    server = server_for(lambda request: seasoned.seen_by(_asking(request)), rates)
    inner = server.streamable_http_app(
        streamable_http_path=_PATH,
        stateless_http=True,
        json_response=True,
        max_request_body_size=_MOST_BYTES,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[each for host in hosts for each in (host, f"{host}:*")],
            allowed_origins=[
                f"{scheme}://{each}" for host in hosts for each in (host, f"{host}:*") for scheme in ("http", "https")
            ],
        ),
    )
    return _Identified(inner, seasoned)


def _asking(request: object) -> "Identity":
    assert isinstance(request, Request)
    return request.scope[_WHO]


@dataclass(frozen=True, slots=True)
class _Identified:
    """Lets through whoever has a valid token."""

    inner: "ASGIApp"
    seasoned: Seasoned

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        try:
            scope[_WHO] = await to_thread.run_sync(partial(self._bearer, Headers(scope=scope)))
        except AccessDeniedError as error:
            await _refusal(401, "invalid_token", str(error))(scope, receive, send)
            return
        except SeasonedError as error:
            await _refusal(503, "unavailable", str(error))(scope, receive, send)
            return
        if scope["method"] == "GET":  # the SDK would hold a stream open, on which nothing is ever sent
            await _refusal(405, "method_not_allowed", "Messages are sent by POST; there is no stream.")(
                scope, receive, send
            )
            return
        await self.inner(scope, receive, send)

    def _bearer(self, headers: Headers) -> "Identity":
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AccessDeniedError(
                "A token is needed, as the header Authorization: Bearer TOKEN; `seasoned token create` makes one."
            )
        return self.seasoned.identify(token.strip())


def _refusal(status: int, code: str, message: str) -> JSONResponse:
    shown = message.encode("ascii", "replace").decode().replace('"', "'").replace("\n", " ")
    headers = {
        401: {"WWW-Authenticate": f'Bearer error="{code}", error_description="{shown}"'},
        405: {"Allow": "POST"},
    }.get(status)
    return JSONResponse({"error": code, "error_description": message}, status_code=status, headers=headers)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises UsageError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            found.listen(_WAITING)  # before anybody is told the address
        except OSError:
            found.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{host} port {port} cannot be used: {reason}. --host and --port choose others.") from error
    return found
