"""A connection that is closed where its request takes too long to arrive.

uvicorn itself waits for ever for the rest of a head or a body. Invariant: a connection without a whole request ends, so
that those which are opened and left (by a broken client, or on purpose) do not use up the file descriptors.
"""

import asyncio
from typing import ClassVar, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

__all__ = ["Connection"]


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
