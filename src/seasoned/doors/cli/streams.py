"""Standard output that says why it cannot be written, and standard streams that are always there.

A reader that goes (``| head``), a full disk behind ``>``, and a closed descriptor (``>&-``) end in an ``OutputError``
wherever they show themselves, be it in the flush at the end. A descriptor that was closed is filled before anything is
opened: a database that got the number of standard output would else receive what is printed.
"""

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from seasoned.errors import OutputError, ReaderGoneError

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["abandon_output", "prepare_streams"]


class _StandardOutput(io.FileIO):
    """Descriptor 1, with errors of ours."""

    def __init__(self) -> None:
        super().__init__(1, "w", closefd=False)

    def write(self, data: "Buffer", /) -> int:
        """Raises OutputError."""
        try:
            return super().write(data)
        except BrokenPipeError as error:
            raise ReaderGoneError("The reader of standard output has gone.") from error
        except OSError as error:
            raise OutputError(f"standard output: {error.strerror or error}; the answer is not whole.") from error


def prepare_streams() -> None:
    """Make all three standard streams usable; text that the terminal's encoding lacks is printed as ``?``."""
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            # Lower ones are filled by now, so that this is the number it gets. Writing to 1 stays an error.
            os.open(os.devnull, mode)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # lives as long as the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    reconfigure = getattr(sys.stdin, "reconfigure", None)  # only what reads a descriptor has it
    if reconfigure is not None:
        reconfigure(errors="replace")
    encoding = "utf-8" if sys.stdout is None else sys.stdout.encoding
    terminal = os.isatty(1)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_StandardOutput()), encoding=encoding, errors="replace", line_buffering=terminal
    )


def abandon_output() -> None:
    """Throw away what standard output still holds: it could not be written, and must not fail again at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    with suppress(OutputError):
        sys.stdout.flush()
