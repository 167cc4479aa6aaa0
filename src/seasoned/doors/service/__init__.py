"""The resident service: one process for each data folder, on a Unix socket, that has everything loaded.

Three parts. ``application`` answers, each answer within its budget or not at all. ``behind`` sees to what is to be taken
in, in a process of its own (``work``): beside a thread that parses, answers took twice as long (8 against 19 ms, 36
against 77 ms at p95), beside a process at low priority hardly longer (9 and 47 ms). ``serving`` is the process: lock,
socket, idling, the end. Invariant: no answer waits for what is done behind.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasoned.settings import Loaded

__all__ = ["serve"]


def serve(loaded: "Loaded") -> bool:
    """Be the service of a data folder until it has idled or is stopped; False where another process is.

    Raises ServiceError where there is no place for its socket.
    """
    from seasoned.doors.service.serving import serve as run

    return run(loaded)
