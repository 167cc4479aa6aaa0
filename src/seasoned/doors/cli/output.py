"""Rendering: JSON documents, tables, trees, progress.

Text from traces is untrusted here too: control characters are taken out before it reaches a terminal, and Rich's markup
is never interpreted in it.
"""

import json
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from seasoned.errors import SeasonedError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "clean",
    "console",
    "counted",
    "duration",
    "emit_json",
    "head",
    "import_progress",
    "number",
    "printable",
    "say",
    "show_error",
    "size",
    "stage_progress",
    "step_progress",
    "table",
    "when",
]

_PLAIN_WIDTH = 240
_LAST_COLUMN = 24
"""What is left for a table's last column at least, in characters."""
_CONTROL = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"} | dict.fromkeys(
    (0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069)
)  # bidirectional overrides would let a trace rewrite what stands beside it


def clean(text: str) -> str:
    """Text from a trace, safe to print."""
    return text.translate(_CONTROL)


def printable(text: str) -> str:
    """Text with what no encoding can carry (file names are bytes to the system) written as escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def head(text: str | None, width: int = 80) -> str:
    """The first line's worth of a text, on one line."""
    line = " ".join(clean(text or "").split())
    return line if len(line) <= width else line[: width - 1] + "…"


def number(value: float | None) -> str:
    """Thousands separated; a dash for what is unknown."""
    return "–" if value is None else f"{value:,.0f}".replace(",", "\u202f")


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 pattern``, ``2 patterns``."""
    return f"{number(count)} {noun if count == 1 else plural or noun + 's'}"


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"


def duration(milliseconds: float | None) -> str:
    """Milliseconds for people; a dash for what is unknown."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def when(moment: datetime | None) -> str:
    """A time, to the minute, UTC; a dash for what is unknown, which some records hold as the beginning of 1970."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if moment and moment.timestamp() > 0 else "–"


def emit_json(document: object) -> None:
    """One JSON document on standard output."""
    try:
        encoded = msgspec.json.encode(document)
    except UnicodeEncodeError:  # the name of a file need not be text
        from seasoned.answers.plain import plain

        encoded = msgspec.json.encode(plain(document))
    text = msgspec.json.format(encoded, indent=2).decode()
    if not text.isascii() and sys.stdout.encoding.lower().replace("-", "") != "utf8":
        text = json.dumps(json.loads(text), indent=2)  # escapes what this encoding may lack
    sys.stdout.write(text + "\n")


def say(text: str = "") -> None:
    """A line of the answer."""
    sys.stdout.write(text + "\n")


def show_error(error: SeasonedError, *, as_json: bool) -> None:
    """An error on standard error: what is wrong and what to do."""
    if as_json:
        document = {"error": {"code": type(error).__name__, "message": str(error), "exit_code": error.exit_code}}
        sys.stderr.write(json.dumps(document) + "\n")
    else:
        sys.stderr.write(f"seasoned: {clean(printable(str(error)))}\n")


def console(*, stderr: bool = False) -> "Console":
    """A Rich console that interprets nothing in what it prints; wide where it is no terminal, so that nothing wraps."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PLAIN_WIDTH
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Mapping[int, bool] | None = None) -> None:
    """A plain table; ``right`` names the columns that hold figures. The last column takes what room there is.

    Where too little is left for it, each row becomes a few lines, the last column on a line of its own: a name or an id
    cut to nothing could not be used in the next command."""
    from rich.table import Table

    page = console()
    widths = [max(len(text) for text in texts) for texts in zip(columns, *rows, strict=True)]
    if page.width - sum(widths[:-1]) - 2 * len(widths) < min(_LAST_COLUMN, widths[-1]):
        for row in rows:
            _stacked(columns, row, page.width)
        return
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for position, name in enumerate(columns):
        last = position == len(columns) - 1
        justify = "right" if (right or {}).get(position) else "left"
        grid.add_column(
            name,
            justify=justify,
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if last else None,
            min_width=None if last else widths[position],
        )
    for row in rows:
        grid.add_row(*row)
    page.print(grid)


def _stacked(columns: Sequence[str], row: Sequence[str], width: int) -> None:
    """One row on a narrow terminal: the first cell, then the others with their names, then the last one."""
    first, *others, last = row
    parts = [first, *(f"{name} {text}" if name else text for name, text in zip(columns[1:-1], others, strict=True))]
    line = ""
    for part in parts:
        if line and len(line) + len(part) + 3 > width:
            say(line)
            line = f"  {part}"
        else:
            line = f"{line} · {part}" if line else part
    say(line)
    say(f"  {head(last, max(width - 2, 20))}")


@contextmanager
def import_progress(quiet: bool) -> Generator[Callable[[object], None] | None]:
    """A bar with files, rate and time left on standard error; nothing at all when that is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from seasoned.workers import ImportProgress

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[files]}"),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    ) as bar:
        job = bar.add_task("Importing", total=None, files="")

        def update(state: object) -> None:
            assert isinstance(state, ImportProgress)
            bar.update(
                job,
                total=max(state.bytes_total, 1),
                completed=state.bytes_done,
                files=f"{state.files_done}/{state.files_total} files",
            )

        yield update


@contextmanager
def step_progress(what: str, total: int, quiet: bool) -> Generator[Callable[[int, int], None] | None]:
    """A bar that counts to ``total``; nothing when standard error is no terminal."""
    if quiet or not sys.stderr.isatty() or total == 0:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    ) as bar:
        job = bar.add_task(what, total=total)
        yield lambda done, _waiting: bar.update(job, completed=done)


@contextmanager
def stage_progress(quiet: bool) -> Generator[Callable[[str, int, int], None] | None]:
    """A line for each stage of long work; of a stage whose end is not known only the count. Quiet as the others."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    ) as bar:
        jobs: dict[str, TaskID] = {}

        def update(stage: str, done: int, total: int) -> None:
            if stage not in jobs:
                jobs[stage] = bar.add_task(stage.capitalize(), total=None)
            bar.update(jobs[stage], total=total or None, completed=done)

        yield update
