"""Asking the service: one request over its socket, within a budget.

HTTP/1.1 by hand, because the standard library's client costs a command 20 ms to load. Invariant: a reply is whole or
there is none; and it comes from a process of this user.
"""

import os
import socket
import stat
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from seasoned.errors import ServiceError
from seasoned.resident.place import Place

__all__ = ["Reply", "ask", "peer_user"]

_MOST_BYTES = 64 << 20
_SO_PEERCRED = 17  # only Linux has it, and socket names it only there


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the service answered."""

    status: int
    """As HTTP has it: 200 is an answer."""
    body: bytes


def ask(
    place: Place,
    path: str,
    body: bytes = b"",
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    budget_s: float = 2.0,
) -> Reply:
    """Send one request to the service of ``place`` and wait for its answer, ``budget_s`` seconds at most.

    Raises ServiceError where it does not run, does not answer in time or is another user's.
    """
    until = monotonic() + budget_s
    try:
        address = place.address.read_bytes()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(budget_s)
            _check_folder(address)
            connection.connect(address)
            _check_peer(connection)
            lines = [f"{method} {path} HTTP/1.1", "Host: seasoned", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
            connection.sendall("\r\n".join(lines).encode("ascii") + body)
            return _reply(_received(connection, until))
    except OSError as error:
        raise ServiceError(f"The service does not answer: {error.strerror or error}.") from error


def _check_folder(address: bytes) -> None:
    about = os.stat(os.path.dirname(address))  # noqa: PTH116, PTH120  bytes, which a Path cannot hold
    if about.st_uid != os.getuid() or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ServiceError("The folder of the service's socket is not private to this user.")


def peer_user(connection: socket.socket) -> int | None:
    """Whose process is at the other end of a Unix socket (SO_PEERCRED, unix(7)); None where the system does not say.
    Raises OSError."""
    if sys.platform != "linux":
        return None
    _, user, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, _SO_PEERCRED, 12))
    return user


def _check_peer(connection: socket.socket) -> None:
    user = peer_user(connection)
    if user is not None and user != os.getuid():
        raise ServiceError(f"The service is of another user ({user}).")


def _received(connection: socket.socket, until: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        left = until - monotonic()
        if left <= 0:
            raise ServiceError("The service does not answer in time.")
        connection.settimeout(left)
        piece = connection.recv(1 << 16)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
        if size > _MOST_BYTES:
            raise ServiceError("The service answers without end.")


def _reply(received: bytes) -> Reply:
    head, _, body = received.partition(b"\r\n\r\n")
    first, *others = head.split(b"\r\n")
    words = first.split(b" ", 2)
    stated = [line.partition(b":")[2].strip() for line in others if line.lower().startswith(b"content-length:")]
    if len(words) < 2 or not words[1].isdigit() or stated != [str(len(body)).encode()]:
        raise ServiceError("The service did not answer whole.")
    return Reply(status=int(words[1]), body=body)
