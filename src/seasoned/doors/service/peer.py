"""Who may speak to the service: processes of its own user.

The socket lies in a folder that nobody else may enter; where the operating system tells whose process is at the other
end (SO_PEERCRED, unix(7)), that is looked at too. Root is everybody.
"""

import asyncio
import logging
import os
import socket
import struct
import sys
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["OwnUser"]

_log = logging.getLogger("seasoned.service")
_SO_PEERCRED = 17


class OwnUser(H11Protocol):
    """A connection as uvicorn has it, cut where another user made it."""

    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # as uvicorn has it
        """Look who it is."""
        user = _user(cast("socket.socket | None", transport.get_extra_info("socket")))
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


def _user(connection: socket.socket | None) -> int | None:
    if connection is None or sys.platform != "linux":
        return None
    _, user, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, _SO_PEERCRED, 12))
    return user
