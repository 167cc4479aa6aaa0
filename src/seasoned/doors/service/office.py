"""What the service has open, and whether it is still needed.

Everything is loaded in a thread of its own after the service listens; until then it is not ready, and says so. Where
loading fails (a newer database, a damaged model) it stays unready with the reason, and tries again after a while.
"""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, time

from seasoned import bus
from seasoned.app import Seasoned
from seasoned.errors import SeasonedError, SettingsError
from seasoned.resident import Seat, code_stamp, settings_digest
from seasoned.settings import Loaded, load

__all__ = ["Office"]

_log = logging.getLogger("seasoned.service")
_THREADS = 4
_AGAIN_S = 60.0
_QUIET_S = 5.0


class Office:
    """One ``Seasoned``, held open, and the threads that answer from it. Safe to share between threads."""

    def __init__(self, seasoned: Seasoned, seat: Seat) -> None:
        self.seasoned = seasoned
        self.seat = seat
        self.digest = _digest(seasoned.loaded)
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="answer")
        self.spool = bus.Spool(seasoned.data_dir / bus.SPOOL_FOLDER)
        """For what is reported over the socket."""
        self.failed: str | None = None
        """Why it is not ready, where loading failed."""
        self.began = monotonic()
        self.ready_after_s: float | None = None
        """Seconds from its beginning until it was ready; None before."""
        self.answered = 0
        self.late = 0
        """Hooks that were answered with nothing because their time was over."""
        self.working = False
        """Whether something is done behind."""
        self.failing: dict[str, str] = {}
        """What is done behind and failed the last time, with the reason."""
        self._last = monotonic()
        self._compared = monotonic()
        self._code = code_stamp()
        self._ended = threading.Event()
        self._stop: Callable[[], None] | None = None

    @property
    def ready(self) -> bool:
        """Whether model and indexes are loaded."""
        return self.ready_after_s is not None

    def load_behind(self) -> None:
        """Load what answers need, and return at once."""
        threading.Thread(target=self._load, name="load", daemon=True).start()

    def _load(self) -> None:
        while True:
            try:
                self.seasoned.advising.warm()
                self.seasoned.similar("What was done before?")  # its own finder, redactor and statements are used once
                self.seasoned.fixes("command not found")
            except Exception as error:  # noqa: BLE001  of whatever kind: a library, the memory
                known = isinstance(error, SeasonedError)
                reason = str(error) if known else f"{type(error).__name__}: {error}"
                if self.failed != reason:
                    _log.error("Not ready: %s", reason, exc_info=not known)
                self.failed = reason
            else:
                self.failed, self.ready_after_s = None, monotonic() - self.began
                self.touch()
                _log.info("Ready after %.2f s.", self.ready_after_s)
                return
            if self._ended.wait(_AGAIN_S):
                return

    def touch(self) -> None:
        """Somebody asked something."""
        self._last = monotonic()

    def on_stop(self, stop: Callable[[], None]) -> None:
        """``stop`` is what ends the service."""
        self._stop = stop

    def stop(self) -> None:
        """End the service, once it has answered."""
        _log.info("Somebody asked it to stop.")
        if self._stop is not None:
            self._stop()

    def over(self) -> str | None:
        """Why the service should end now; None as long as it is needed."""
        if lost := self.seat.lost():
            return f"Nobody finds it any more: {lost} is gone or another's."
        if self.working:
            return None
        idle = monotonic() - self._last
        if idle > self.seasoned.settings.service.idle_s and not self._session_open():
            return "Nobody needed it for a while."
        if idle > _QUIET_S and monotonic() - self._compared > _QUIET_S:
            self._compared = monotonic()
            if code_stamp() != self._code:
                return "Another version was installed; the next one who asks starts that."
            if self._settings_changed():
                return "The settings were changed; the next one who asks starts it under the new ones."
        return None

    def _settings_changed(self) -> bool:
        """Whether it would have others if it started now. Half a millisecond."""
        data_dir = self.seasoned.data_dir
        try:
            return _digest(load(working_dir=data_dir, flags={"data_dir": data_dir})) != self.digest
        except SettingsError:
            return False  # with these it could not start

    def _session_open(self) -> bool:
        """Whether an agent has said something within the time that the service idles."""
        since = time() - self.seasoned.settings.service.idle_s
        try:
            with os.scandir(self.seasoned.data_dir / bus.INBOX_FOLDER) as entries:
                return any(entry.stat().st_mtime > since for entry in entries)
        except OSError:
            return False

    def health(self) -> dict[str, object]:
        """The state as a document."""
        return {
            "ready": self.ready,
            "failed": self.failed,
            "pid": os.getpid(),
            "namespace": self.seasoned.namespace,
            "digest": self.digest,
            "data_dir": str(self.seasoned.data_dir),
            "up_s": round(monotonic() - self.began, 1),
            "ready_after_s": None if self.ready_after_s is None else round(self.ready_after_s, 3),
            "answered": self.answered,
            "late": self.late,
            "working": self.working,
            "failing": self.failing,
        }

    def close(self) -> None:
        """Wait for no answer that nobody waits for."""
        self._ended.set()
        self.spool.close()
        self.threads.shutdown(wait=False, cancel_futures=True)


def _digest(loaded: Loaded) -> str:
    return settings_digest((origin.key, origin.value) for origin in loaded.origins)
