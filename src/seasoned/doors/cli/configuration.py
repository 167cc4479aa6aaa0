"""``seasoned config``: every setting, its value and where the value came from; where the shell library is."""

from pathlib import Path

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context

__all__: list[str] = []

config = typer.Typer(help="Settings.", no_args_is_help=True, rich_markup_mode=None)
application.add_typer(config, name="config")


@config.command("show")
def show(invocation: typer.Context, as_json: AsJson = False) -> None:
    """Show every setting and where its value came from."""
    loaded = context(invocation).load()
    shown = [(origin.key, _shown(origin.key, origin.value), origin.source) for origin in loaded.origins]
    if as_json:
        typed = {origin.key: origin.value for origin in loaded.origins if not isinstance(origin.value, Path)}
        for key in ("store.url", "knowledge.url", "knowledge.token"):  # as shown: without a password
            typed.pop(key)
        output.emit_json(
            {key: {"value": typed.get(key, value or None), "source": source} for key, value, source in shown}
        )
    else:
        output.table(("setting", "value", "from"), [(key, value or "–", source) for key, value, source in shown])
        output.say("\n– : not set, so Seasoned chooses.")


@config.command("shell-library")
def shell_library(as_json: AsJson = False) -> None:
    """Print the path of the library with which shell scripts report what they do."""
    from seasoned.capture.shell import shell_library as found

    path = str(found())
    if as_json:
        output.emit_json({"path": path})
    else:
        output.say(path)


def _shown(key: str, value: object) -> str:
    from seasoned.settings import without_password

    text = "" if value is None else str(value)
    if key == "knowledge.token" and text:
        return "(hidden)"
    return without_password(text) if key in {"store.url", "knowledge.url"} and text else text
