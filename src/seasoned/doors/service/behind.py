"""When something is done behind: looked at every half second, done in the process of ``work``.

What came is taken in at once after a session's end, else at most one tenth of the time, because of an open session every
drain reads all there is; and now and then without anything new, because a session may end by saying nothing more.
Learning follows when the agents are quiet. The process is started when there is work and ended when there has been none
for a while, which gives the memory back; where it dies it is started anew, each time later, and what it was at lies there
still.
"""

import logging
import os
import re
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic, time
from typing import Final

import msgspec

from seasoned import bus
from seasoned.doors.service.office import Office

__all__ = ["Behind", "Done"]

_log = logging.getLogger("seasoned.service")

_LOOK_S: Final = 0.5
_FRESH_S: Final = 3.0
"""A folder that did not change for so long holds no file that is still being written by a hook."""
_LEAST_S: Final = 2.0
"""Between two drains while sessions go on."""
_QUIET_S: Final = 5.0
"""After the last that was taken in, until what is new is learned from."""
_REST_S: Final = 60.0
"""Without work, after which its process ends."""
_STILL_S: Final = 300.0
"""Between two drains of an inbox to which nothing is added."""
_SHARE: Final = 10
"""A drain is followed by nine times its own length without one; learning likewise."""
_END: Final = re.compile(rb'"hook_event_name"\s*:\s*"(?:SessionEnd|Stop|AfterAgent)"')
_MOST_BYTES: Final = 1 << 16


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What ``work`` said of one job."""

    events: int = 0
    embedded: int = 0
    heard: int = 0
    learned: int = 0
    failed: str | None = None
    seconds: float = 0.0


class Behind(threading.Thread):
    """Looks, and has things done."""

    def __init__(self, office: Office) -> None:
        super().__init__(name="behind", daemon=True)
        self._office = office
        self._data = office.seasoned.data_dir
        self._ending = threading.Event()
        self._worker: subprocess.Popen[bytes] | None = None
        self._taken: dict[str, frozenset[tuple[str, int]]] = {}
        self._changed_ns: dict[str, int] = {}
        self._free_from = 0.0
        self._again_from = 0.0
        self._learn_from = 0.0
        self._worked_at = monotonic()
        self._new = 0
        self._failures = 0

    def run(self) -> None:
        """Until ``end``."""
        step = self._drain  # what came while no service ran
        while not self._ending.is_set():
            try:
                step()
            except Exception as error:  # noqa: BLE001  it must go on, whatever it is
                if not self._ending.is_set():
                    self._put_off()
                    _log.warning("Behind: %s", error, exc_info=not isinstance(error, OSError))
            step = self._look
            self._ending.wait(_LOOK_S)
        self._dismiss()

    def end(self) -> None:
        """Let what is being done be finished within five seconds; whatever is not is done the next time."""
        self._ending.set()
        self._dismiss()
        self.join(timeout=5)

    def _look(self) -> None:
        now = monotonic()
        if now < self._again_from:
            return
        new = self._new_in(bus.SPOOL_FOLDER, grows=True) | self._new_in(bus.INBOX_FOLDER, grows=False)
        if (new and (now >= self._free_from or any(_END.search(_head(path)) for path in new))) or (
            self._taken.get(bus.INBOX_FOLDER) and now - self._worked_at > _STILL_S
        ):
            self._drain()
        elif self._new and now - self._worked_at > _QUIET_S and now >= self._learn_from:
            self._learn()
        elif self._worker is not None and now - self._worked_at > _REST_S:
            self._dismiss()

    def _new_in(self, name: str, *, grows: bool) -> set[Path]:
        """Files that were not there, or shorter, at the last drain. ``grows``: whether files are appended to."""
        folder = self._data / name
        try:
            changed = folder.stat().st_mtime_ns
        except FileNotFoundError:
            return set()
        same = changed == self._changed_ns.get(name) and time() - changed / 1e9 > _FRESH_S
        if same and not grows:
            return set()
        self._changed_ns[name] = changed
        return {folder / each for each, _ in _listed(folder) - self._taken.get(name, frozenset())}

    def _drain(self) -> None:
        before = {name: _listed(self._data / name) for name in (bus.SPOOL_FOLDER, bus.INBOX_FOLDER)}
        done = self._do("drain")
        if done is not None:
            self._taken = before
            self._new += done.events
            self._free_from = monotonic() + max(_LEAST_S, done.seconds * (_SHARE - 1))
            if done.events:
                _log.info("Taken in: %d events, %d embedded, %.2f s.", done.events, done.embedded, done.seconds)

    def _learn(self) -> None:
        self._new = 0
        done = self._do("learn")
        if done is None:
            return
        self._learn_from = monotonic() + done.seconds * (_SHARE - 1)
        _log.info(
            "Learned from %d executions; of %d pieces of advice more is known. %.2f s.",
            done.learned,
            done.heard,
            done.seconds,
        )
        if done.heard:
            self._office.seasoned.advising.reschedule()

    def _do(self, job: str) -> Done | None:
        """Have one job done; None where it could not be."""
        if self._office.seat.lost():  # it would be done to a database that was removed
            return None
        self._office.working = True
        try:
            worker = self._worker = self._worker or self._hired()
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(job.encode() + b"\n")
            worker.stdin.flush()
            said = worker.stdout.readline()
            done = msgspec.json.decode(said, type=Done) if said else Done(failed="it ended in the middle of it")
        except (OSError, msgspec.DecodeError) as error:
            done = Done(failed=str(error))
        finally:
            self._office.working = False
            self._worked_at = monotonic()
        if done.failed is None:
            self._failures = 0
            self._office.failing.pop(job, None)
            return done
        if not self._ending.is_set():
            self._put_off()
            self._office.failing[job] = done.failed
            _log.warning("Behind: %s failed: %s", job, done.failed)
        self._dismiss()
        return None

    def _put_off(self) -> None:
        """After a failure nothing is done for a while: what it failed at lies there still."""
        self._failures += 1
        self._changed_ns.clear()  # else a folder to which nothing is added would not be looked into again
        self._again_from = monotonic() + min(2.0 ** min(self._failures, 10), _STILL_S)

    def _hired(self) -> "subprocess.Popen[bytes]":
        # -P: what lies in the working folder is not imported.
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "seasoned.doors.service.work", str(self._data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._data,
            start_new_session=True,  # Ctrl-C is for the service
        )

    def _dismiss(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        assert worker.stdin is not None
        with suppress(OSError):
            worker.stdin.close()
        try:
            worker.wait(timeout=3)
        except subprocess.TimeoutExpired:
            worker.kill()  # also of one that is stopped; what is not committed is as if it had not begun
            worker.wait()
        if worker.stdout is not None:
            worker.stdout.close()


def _listed(folder: Path) -> frozenset[tuple[str, int]]:
    """Name and size of the files in a folder; nothing where it is not there."""
    found: list[tuple[str, int]] = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                found.append((entry.name, entry.stat().st_size))
    return frozenset(found)


def _head(path: Path) -> bytes:
    with suppress(FileNotFoundError), path.open("rb") as file:
        return file.read(_MOST_BYTES)
    return b""
