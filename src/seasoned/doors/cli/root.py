"""The application object: global options and the commands below it."""

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seasoned.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seasoned.app import Seasoned
    from seasoned.library import Library
    from seasoned.settings import Loaded

__all__ = ["AsJson", "Context", "application", "context", "must_exist"]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


@dataclass(slots=True)
class Context:
    """Global options of one invocation."""

    flags: dict[str, object] = field(default_factory=dict[str, object])
    agent: str | None = None
    """In whose name the library is asked; None: this machine's own identity."""

    def load(self) -> "Loaded":
        """The settings that apply."""
        from seasoned.settings import load

        return load(flags=self.flags)

    def open(self) -> "Seasoned":
        """Everything wired; use it as a context manager."""
        from seasoned.app import Seasoned

        return Seasoned(self.load())

    def library(self, seasoned: "Seasoned") -> "Library":
        """The pattern library as whoever acts may have it."""
        return seasoned.library if self.agent is None else seasoned.library.as_agent(self.agent)


application = typer.Typer(
    name="seasoned",
    help="Experience for AI agents: keeps what worked and hands it to the next run.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def context(invocation: typer.Context) -> Context:
    """The global options given before the command."""
    found = invocation.find_object(Context)
    if found is None:
        raise UsageError("The command was called outside the application.")
    return found


def must_exist(paths: "Sequence[Path]") -> None:
    """Raise UsageError naming those that are not there. What is there and cannot be read is found when it is opened."""
    missing = [str(path) for path in paths if not _is_there(path)]
    if missing:
        raise UsageError(f"There is no such file or folder: {', '.join(missing)}.")


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"seasoned {version('seasoned')}")
        raise typer.Exit


@application.callback()
def options(
    invocation: typer.Context,
    home: Annotated[
        Path | None, typer.Option("--home", help="Data folder (SEASONED_HOME).", show_default=False)
    ] = None,
    database_url: Annotated[
        str | None, typer.Option("--database-url", help="Store (SEASONED_DATABASE_URL).", show_default=False)
    ] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", help="Tenant.", show_default=False)] = None,
    as_agent: Annotated[
        str | None,
        typer.Option("--as-agent", help="Ask the pattern library in this agent's name.", show_default=False),
    ] = None,
    version: Annotated[  # noqa: ARG001  # handled by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Global options; they go before the command."""
    flags: dict[str, object] = {"data_dir": home, "store.url": database_url, "namespace": namespace}
    invocation.obj = Context(flags, as_agent)


def register() -> None:
    """Load the modules whose commands add themselves to ``application``."""
    for name in (  # in the order in which ``--help`` lists them
        "initial",
        "history",
        "knowledge",
        "governance",
        "library",
        "insights",
        "advising",
        "impact",
        "templates",
        "skills",
        "learning_skills",
        "evaluation",
        "tokens",
        "forget",
        "database",
        "doctor",
        "letters",
        "configuration",
        "serving",
        "residing",
    ):
        import_module(f"seasoned.doors.cli.{name}")


register()
