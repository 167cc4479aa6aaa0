"""``seasoned mcp`` and ``seasoned serve``: what other programs reach, over MCP or over plain HTTP."""

from importlib import import_module
from typing import Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context
from seasoned.errors import UsageError

__all__: list[str] = []


@application.command()
def mcp(
    invocation: typer.Context,
    http: Annotated[bool, typer.Option("--http", help="Streamable HTTP instead of standard input and output.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on, with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --http; 0: any that is free.")] = 8182,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Further host name that clients call it by.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve agents over the Model Context Protocol. With --json: print what is offered, and serve nothing."""
    # By name alone: a door imports nothing of another, and this one needs what costs a second to load.
    door = import_module("seasoned.doors.mcp")
    if as_json:
        output.emit_json(door.offered())
        return
    if not http and (name or host != "127.0.0.1"):
        raise UsageError("--host and --name are about HTTP; add --http.")
    with context(invocation).open() as seasoned:
        if http:
            door.serve_http(seasoned, host=host, port=port, names=tuple(name or ()))
        else:
            door.serve_stdio(seasoned)


@application.command()
def serve(
    invocation: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8181,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Further host name that it is called by.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take events from scripts and programs over HTTP. With --json: print what is offered, and serve nothing."""
    door = import_module("seasoned.doors.service.loopback")  # by name alone, as above
    if as_json:
        output.emit_json(door.offered())
        return
    with context(invocation).open() as seasoned:
        door.serve(seasoned, host=host, port=port, names=tuple(name or ()))
