"""Listening on a port, the same for every door that does.

Two things that uvicorn does not do by itself. It says where it listens only in its log, and before anybody could be
answered there. And it waits for ever for the rest of a head or a body. Invariant: a connection without a whole request
ends, so that those which are opened and left (by a broken client, or on purpose) do not use up the file descriptors.
"""

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, ClassVar, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from seasoned.answers.callers import is_loopback
from seasoned.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["Connection", "serve_on"]

_WAITING = 128


def serve_on(host: str, port: int, application: "ASGIApp", *, what: str, path: str) -> None:
    """Serve until interrupted, and say on standard error that ``what`` is served at this address and ``path``.

    Raises UsageError where the address cannot be used.
    """
    with _listening(host, port) as listening:
        config = uvicorn.Config(
            application,
            http=Connection,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        bound = listening.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        said = f"{what} at http://{shown}:{bound}{path}; Ctrl-C ends it.\n"
        if not is_loopback(host):
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


class Connection(H11Protocol):
    """One client's, as uvicorn has it, with a limit to waiting."""

    arrives_s: ClassVar[float] = 15.0
    """How long a request may take to arrive, head and body; also the first one of a connection."""
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # as uvicorn has it
        """Start the clock."""
        super().connection_made(transport)
        self._await_request()

    def handle_events(self) -> None:
        """Stop the clock where a request is here whole."""
        super().handle_events()
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request, whatever its type says
        here = cycle is not None and not cycle.response_complete and not cycle.more_body
        if here and self._late is not None:
            self._late.cancel()
            self._late = None

    def on_response_complete(self) -> None:
        """Start it for the next one."""
        self._await_request()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no clock behind."""
        super().connection_lost(exc)
        if self._late is not None:
            self._late.cancel()

    def _await_request(self) -> None:
        if self._late is None and not self.transport.is_closing():
            self._late = self.loop.call_later(self.arrives_s, self.transport.close)
