"""The process: it takes the lock, listens, loads, answers, and ends by itself.

It listens before it has loaded anything that takes long, so that whoever asks early gets an empty answer at once instead
of waiting. On any end but a kill it takes its socket and address away while it still holds the lock.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import warnings
from contextlib import closing, suppress
from logging.handlers import RotatingFileHandler
from types import FrameType

import uvicorn

from seasoned.app import Seasoned
from seasoned.doors.service.application import application
from seasoned.doors.service.behind import Behind
from seasoned.doors.service.office import Office
from seasoned.doors.service.peer import OwnUser
from seasoned.resident import Place, Seat, hold, listening, write_start
from seasoned.settings import Loaded

__all__ = ["serve"]

_log = logging.getLogger("seasoned.service")
_LOG_BYTES = 256 << 10
_TICK_S = 1.0


def serve(loaded: Loaded) -> bool:
    """See ``seasoned.doors.service.serve``."""
    os.umask(0o077)
    seasoned = Seasoned(loaded)
    seasoned.ensure_data_dir()
    place = Place(data_dir=loaded.data_dir)
    held = hold(place)
    if held is None:
        return False
    try:
        listener, path = listening(place, os.environ)
        seat = Seat.taken(place, held, path)
        try:
            write_start(place)
            _log_to(place)
            _log.info("Service of %s, process %d, at %s.", place.data_dir, os.getpid(), path)
            with closing(seasoned), closing(listener):
                _run(seasoned, seat, listener)
            _log.info("The service ends.")
        finally:
            with suppress(OSError):  # what stays there is stale, and the next start replaces it
                seat.leave()
    finally:
        held.release()
    return True


def _run(seasoned: Seasoned, seat: Seat, listener: socket.socket) -> None:
    office = Office(seasoned, seat)
    behind = Behind(office)
    config = uvicorn.Config(
        application(office),
        http=OwnUser,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config, office)
    # uvicorn sends itself the signal again when it is done, which would end the process before it has tidied up.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _ignore)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # whoever started it may log out
    office.load_behind()
    behind.start()
    try:
        server.run(sockets=[listener])
    finally:
        behind.end()
        office.close()


class _Server(uvicorn.Server):
    """Looks every second whether it is needed, instead of ten times, and ends at once when told to."""

    def __init__(self, config: uvicorn.Config, office: Office) -> None:
        super().__init__(config)
        self._office = office
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Event()
        office.on_stop(self._end)

    async def main_loop(self) -> None:
        """Until somebody says so, or nobody needs it."""
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)
        while not self.should_exit:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _TICK_S)
            if reason := self._office.over():
                _log.info("%s", reason)
                self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal."""
        _log.info("Signal %d.", sig)
        super().handle_exit(sig, frame)
        self._end()

    def _end(self) -> None:
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._told.set)


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    return


def _log_to(place: Place) -> None:
    """From here on to the log, two files of 256 KiB at most; standard error keeps what Python itself says at its end."""
    handler = RotatingFileHandler(
        place.log, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("seasoned").setLevel(logging.INFO)
    logging.raiseExceptions = False  # a full disk is no reason to write elsewhere
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.captureWarnings(capture=True)
