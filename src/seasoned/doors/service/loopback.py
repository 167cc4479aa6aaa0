"""The routes for scripts and programs on a port: ``seasoned serve``.

The resident service has them on its socket, where whoever can open the socket may use them. A port is open to every user
of the machine and to every web page that a browser shows, so that here each request needs a token, and is answered only
under a name that the server was given. What comes in is drained here, too: nobody else may be about to.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request

from seasoned.answers.callers import allowed_hosts, allowed_origins, bearer, check_tokens
from seasoned.answers.listening import serve_on
from seasoned.answers.rates import Rates
from seasoned.app.parts import now
from seasoned.bus import SPOOL_FOLDER, Spool
from seasoned.capture.reported_events import EVENT_TYPES, HEADERS
from seasoned.doors.service.events import (
    MOST_BYTES,
    MOST_LINE_BYTES,
    MOST_LINES_BYTES,
    PATH,
    Intake,
    event_routes,
    http_problem,
    problem,
)
from seasoned.errors import SeasonedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from seasoned.app import Seasoned
    from seasoned.model import Document, ExecutionUpdate, Identity

__all__ = ["application", "offered", "serve"]

_log = logging.getLogger("seasoned.serve")

_PAUSE_S = 0.2
"""Between two drains: what comes meanwhile shares one commit."""
_AFTER_FAILURE_S = 5.0


def serve(seasoned: "Seasoned", *, host: str, port: int, names: Sequence[str] = ()) -> None:
    """Serve until interrupted. Raises UsageError."""
    sys.stderr.write(check_tokens(seasoned, host))
    with closing(Spool(seasoned.data_dir / SPOOL_FOLDER)) as spool:
        serve_on(
            host, port, application(seasoned, spool, names=[host, *names]), what="Events are taken", path="/api/traces/"
        )


def offered() -> "Document":
    """What is served, as a document."""
    return {
        "routes": [{"method": "POST", "path": PATH, "event_types": list(EVENT_TYPES), "headers": sorted(HEADERS)}],
        "limits": {"bytes": MOST_BYTES, "ndjson_bytes": MOST_LINES_BYTES, "ndjson_line_bytes": MOST_LINE_BYTES},
    }


def application(seasoned: "Seasoned", spool: "Spool", *, names: Sequence[str] = ()) -> Starlette:
    """The ASGI application. ``names``: hosts by which it may be called besides those of loopback."""
    waiting = asyncio.Event()

    def caller(request: Request) -> "Identity":
        return bearer(seasoned, request.headers.get("authorization", ""))

    def clean(who: "Identity", update: "ExecutionUpdate") -> "ExecutionUpdate":
        # The drain redacts under the key of this server's own namespace; placeholders are of the event's.
        return update if who.namespace == seasoned.namespace else seasoned.seen_by(who).redactor.update(update)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        draining = asyncio.create_task(_drain(seasoned, waiting))
        try:
            yield
        finally:
            draining.cancel()
            with suppress(asyncio.CancelledError):
                await draining
            await _drain_once(seasoned)

    limits = seasoned.settings.limits
    intake = Intake(
        spool=spool,
        caller=caller,
        now=now,
        rates=Rates({"capture": limits.capture}),
        clean=clean,
        taken=waiting.set,
    )
    return Starlette(
        routes=event_routes(intake),
        lifespan=lifespan,
        exception_handlers={HTTPException: http_problem},
        middleware=[Middleware(_Called, hosts=tuple(allowed_hosts(names)), origins=tuple(allowed_origins(names)))],
    )


async def _drain(seasoned: "Seasoned", waiting: asyncio.Event) -> None:
    while True:
        await waiting.wait()
        waiting.clear()
        if await _drain_once(seasoned):
            await asyncio.sleep(_PAUSE_S)
        else:
            waiting.set()
            await asyncio.sleep(_AFTER_FAILURE_S)


async def _drain_once(seasoned: "Seasoned") -> bool:
    """Whether it worked; where not, everything stays in the spool, and the reason is said."""
    try:
        await to_thread.run_sync(seasoned.drain_spool)
    except SeasonedError as error:
        _log.warning("Events wait in the spool: %s", error)
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Called:
    """Lets requests through that call the server by a name it was given."""

    app: "ASGIApp"
    hosts: tuple[str, ...]
    origins: tuple[str, ...]

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if not _among(headers.get("host", ""), self.hosts):
                refused = problem(421, "Not this server", "The header Host names another server; --name adds a name.")
                await refused(scope, receive, send)
                return
            origin = headers.get("origin")
            if origin is not None and not _among(origin, self.origins):
                refused = problem(403, "Not from there", "Pages of another origin may not send events.")
                await refused(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _among(given: str, allowed: Sequence[str]) -> bool:
    """``:*`` at the end of what is allowed stands for a port."""
    name, colon, port = given.rpartition(":")
    return given in allowed or (bool(colon) and port.isdecimal() and f"{name}:*" in allowed)
