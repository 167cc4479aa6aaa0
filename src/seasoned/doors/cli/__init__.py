"""The command ``seasoned``. Commands parse, call ``app.Seasoned`` and render; they decide nothing.

Answers go to standard output (``--json``: one document), everything else to standard error. Exit codes are those
of ``errors``; 130 after an interruption. Heavy modules are imported by the commands that need them.
"""

import sys

__all__ = ["main"]

_ALWAYS_JSON = frozenset(
    {
        "capture-task-execution",
        "check-similar-tasks",
        "log-code-quality",
        "record-failure-pattern",
        "record-success-pattern",
    }
)
"""Commands for agents: their errors are JSON, asked for or not."""


def main() -> None:
    """Entry point of the console script."""
    from seasoned.doors.cli.output import printable, show_error
    from seasoned.doors.cli.streams import abandon_output, prepare_streams
    from seasoned.errors import OutputError, ReaderGoneError, SeasonedError

    prepare_streams()
    arguments = sys.argv[1:]
    for_agent = not _ALWAYS_JSON.isdisjoint(arguments)
    as_json = "--json" in arguments or for_agent
    if for_agent:
        arguments = [printable(argument) for argument in arguments]
    try:
        try:
            code = _run(arguments)
        finally:
            sys.stdout.flush()
    except SeasonedError as error:
        if not isinstance(error, ReaderGoneError):
            show_error(error, as_json=as_json)
        if isinstance(error, OutputError):
            abandon_output()
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    if code == 130:
        sys.stderr.write("\nInterrupted. What was committed stays; run the command again to go on.\n")
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """The exit code of a command. Raises SeasonedError, KeyboardInterrupt."""
    from click.exceptions import Abort, ClickException

    from seasoned.doors.cli.root import application
    from seasoned.errors import SeasonedError, UsageError

    try:
        code = application(args=arguments, prog_name="seasoned", standalone_mode=False)
    except ClickException as error:
        message = error.format_message()
        if "\n" in message:  # a group without a command: its help
            sys.stderr.write(f"{message}\n")
            return UsageError.exit_code
        where = getattr(getattr(error, "ctx", None), "command_path", "seasoned")
        said = message if message.endswith("?") else f"{message.rstrip('.')}."
        raise UsageError(f"{said} `{where} --help` says what is allowed.") from error
    except Abort as abort:
        if abort.__cause__ is not None:  # an end of input that nobody was asked for
            raise abort.__cause__ from None
        raise UsageError("Not confirmed; nothing was done.") from None
    except MemoryError as error:
        raise SeasonedError("Out of memory. --jobs 0 needs the least; so do fewer files at once.") from error
    except SeasonedError:  # what is not allowed is a PermissionError, too
        raise
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise SeasonedError(f"{place}{error.strerror or error}.") from error
    return code if isinstance(code, int) else 0
