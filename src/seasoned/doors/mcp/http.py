"""Several clients over streamable HTTP, each known by its token.

Invariant: no request reaches the protocol without an identity, which is that of its token at that moment; a token that
was revoked is refused at its next request. There are no sessions, so that none can be taken over; and nothing is sent
that was not asked for, so that no connection need stay open for it.
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from seasoned.answers.callers import allowed_hosts, allowed_origins, bearer, check_tokens
from seasoned.answers.listening import serve_on
from seasoned.answers.rates import Rates
from seasoned.app import Seasoned
from seasoned.doors.mcp.server import server_for
from seasoned.errors import AccessDeniedError, SeasonedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from seasoned.model import Identity

__all__ = ["application", "serve"]

_MOST_BYTES = 4 << 20
_WHO = "seasoned.who"
_PATH = "/mcp"
logging.getLogger("mcp.server.streamable_http").addFilter(  # a client that goes is no fault, and needs no traceback
    lambda record: not (record.exc_info and isinstance(record.exc_info[1], ClientDisconnect))
)


def serve(seasoned: Seasoned, *, host: str, port: int, names: Sequence[str] = ()) -> None:
    """Serve until interrupted. Raises UsageError."""
    sys.stderr.write(check_tokens(seasoned, host))
    serve_on(host, port, application(seasoned, names=[host, *names]), what="MCP over HTTP", path=_PATH)


def application(seasoned: Seasoned, *, names: Sequence[str] = ()) -> "ASGIApp":
    """The ASGI application. ``names``: hosts by which it may be called besides those of loopback."""
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
            allowed_hosts=allowed_hosts(names),
            allowed_origins=allowed_origins(names),
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
            scope[_WHO] = await to_thread.run_sync(bearer, self.seasoned, Headers(scope=scope).get("authorization", ""))
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


def _refusal(status: int, code: str, message: str) -> JSONResponse:
    shown = message.encode("ascii", "replace").decode().replace('"', "'").replace("\n", " ")
    headers = {
        401: {"WWW-Authenticate": f'Bearer error="{code}", error_description="{shown}"'},
        405: {"Allow": "POST"},
    }.get(status)
    return JSONResponse({"error": code, "error_description": message}, status_code=status, headers=headers)
