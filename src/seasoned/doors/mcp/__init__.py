"""The Model Context Protocol's door: ``serve_stdio`` for the agent that starts it, ``serve_http`` for several.

Who asks is known before anything is answered: on stdio this machine's own configuration, over HTTP the bearer of a
token. Standard output belongs to the protocol; whatever else is to be said goes to standard error.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seasoned.app import Seasoned

__all__ = ["offered", "serve_http", "serve_stdio"]


def serve_stdio(seasoned: "Seasoned") -> None:
    """Serve one client on standard input and output, until the input ends."""
    from seasoned.doors.mcp.stdio import serve

    serve(seasoned)


def serve_http(seasoned: "Seasoned", *, host: str, port: int, names: "Sequence[str]" = ()) -> None:
    """Serve on ``http://host:port/mcp`` until interrupted; ``names`` are further names that clients may call it by.

    Raises UsageError beyond loopback where nobody has a token, and for an address that cannot be used."""
    from seasoned.doors.mcp.http import serve

    serve(seasoned, host=host, port=port, names=names)


def offered() -> "dict[str, Any]":
    """Tools with their schemas, resources and prompts, as one document."""
    from seasoned.doors.mcp.server import offered

    return offered()
