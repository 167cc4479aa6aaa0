"""Who may speak to the service: processes of its own user.

The socket lies in a folder that nobody else may enter; where the operating system tells whose process is at the other
end, that is looked at too. Root is everybody.
"""

import asyncio
import logging
import os
import socket
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from seasoned.resident import peer_user

__all__ = ["OwnUser"]

_log = logging.getLogger("seasoned.service")


class OwnUser(H11Protocol):
    """A connection as uvicorn has it, cut where another user made it."""

    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # as uvicorn has it
        """Look who it is."""
        connection = cast("socket.socket | None", transport.get_extra_info("socket"))
        user = None if connection is None else peer_user(connection)
        if user is not None and user not in {os.getuid(), 0}:
            _log.warning("User %d was refused.", user)
            self._refused = True
            transport.abort()
            return
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Nothing of a connection that was cut."""
        if not self._refused:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """uvicorn knows only of those that were let in."""
        if not self._refused:
            super().connection_lost(exc)
