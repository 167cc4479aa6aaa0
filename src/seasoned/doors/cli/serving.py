"""``seasoned mcp``: the library and the skill commands for agents that speak the Model Context Protocol."""

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
