"""The spool: where an event stands between the agent that did something and the commit that keeps it.

A private folder (0700) of append-only segments (0600), one JSON line per event. It is the only place where text
stands that was not redacted yet, so it is kept short-lived: a drain reads a segment, commits, and deletes it.

Invariant: *an event whose ``write`` returned True is in the spool until a commit holds it*, whatever is killed when.
It rests on one ``flock`` per segment, which the kernel gives back when its holder dies, so nothing has to be cleaned
up and no process id has to be trusted:

- A writer holds the lock of its segment only while it appends one line, and first looks whether the segment is still
  linked. It never waits: a lock that is taken means that a drain has the segment, and the writer goes on in a new one.
- A drain holds the lock from before the first read until after the deletion. What it read is therefore all there is,
  two drains never work on one segment, and a deleted segment is never written to.

One line is one ``write`` with ``O_APPEND``. There is no ``fsync``: the spool survives a killed process, not a power
cut; the commit that takes an event over is on disk before the segment goes (flock(2), write(2)).
"""

import errno
import fcntl
import logging
import os
import re
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from seasoned.bus.segments import BAD, PARTIAL, SEGMENT, Claim, claim
from seasoned.errors import UnreadableFileError
from seasoned.model.codec import encode_event
from seasoned.model.events import Event

__all__ = ["Spool"]

_log = logging.getLogger("seasoned.spool")

ROTATE_BYTES = 4 << 20
"""A drain commits a few thousand events at a time; larger segments would only be read again after a crash."""

_ABANDONED_NS = 60 * 10**9
"""A writer needs well under a millisecond from creating a file to naming it; after this long it is dead."""

_lock = fcntl.flock
_TRY_LOCK = fcntl.LOCK_EX | fcntl.LOCK_NB
_UNLOCK = fcntl.LOCK_UN
"""Looked up once: they stand in the few microseconds that a call may cost."""

_STEM = r"\d{20}-\d+-\d+"
_SEGMENT_NAME = re.compile(_STEM + re.escape(SEGMENT))
_PARTIAL_NAME = re.compile(r"\." + _STEM + re.escape(PARTIAL))
_OUR_NAME = re.compile(
    rf"{_STEM}({re.escape(SEGMENT)}|{re.escape(BAD)})|\.{_STEM}({re.escape(BAD)})?{re.escape(PARTIAL)}"
)

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Spool:
    """The spool in one folder. Safe to share between threads; a forked child goes on in segments of its own."""

    def __init__(
        self, folder: Path, *, rotate_bytes: int = ROTATE_BYTES, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """Nothing is opened or created before the first ``write``.

        ``rotate_bytes`` (> 0) is the size from which a segment is left for a new one; ``now_ns`` (nanoseconds since
        1970) only names segments, so that they sort by age.
        """
        self.folder = folder
        self.lost = 0
        """Events of this process that could not be written, and so were not accepted."""
        self.why_lost: OSError | None = None
        """Why the last one of them could not."""
        self._rotate_bytes = rotate_bytes
        self._now_ns = now_ns
        self._fd = -1
        self._size = 0
        self._number = 0
        self._inside = False
        self._lock = threading.RLock()
        self._silent_since = 0
        _spools.add(self)

    # -- writing ---------------------------------------------------------------------------------------------
    def write(self, event: Event) -> bool:
        """Append ``event``; True when it is accepted, which is when it would survive a crash of this process.

        False when the operating system refuses (disk full, read-only folder): the event is lost and counted in
        ``lost``, and the log says so once, and once more when writing works again. The caller is an agent at work:
        it is never made to wait, and never sees an OSError. Raises TypeError for a payload that is not JSON.
        """
        return self.write_line(encode_event(event) + b"\n")

    def write_line(self, line: bytes) -> bool:
        """As ``write``, for an event already encoded: ``encode_event(event) + b"\\n"``."""
        with self._lock:
            again, self._inside = self._inside, True
            try:
                if again:
                    # A signal handler came between two steps of the write that it interrupts, on the same thread.
                    self._append_alone(line)
                else:
                    self._append(line)
            except OSError as error:
                self._say_lost(error)
                return False
            finally:
                self._inside = again
            if self._silent_since:
                self._say_recovered()
            return True

    def _append(self, line: bytes) -> None:
        fd = self._fd
        size = self._enter(fd) if fd >= 0 else -1
        if size < 0:
            self._leave_segment()
            fd = self._fd = self._new_segment()
            size = self._size = 0
        try:
            if os.write(fd, line) != len(line):
                self._take_back(fd, size)
            self._size = size + len(line)
        finally:
            if self._fd >= 0:
                _lock(fd, _UNLOCK)

    def _append_alone(self, line: bytes) -> None:
        fd = self._new_segment()
        try:
            if os.write(fd, line) != len(line):
                self._take_back(fd, 0)
        finally:
            os.close(fd)

    def _take_back(self, fd: int, size: int) -> NoReturn:
        """A full disk took what fitted. The rest does not follow in a second write: a kill between the two would leave
        half an event, and the next line would be glued to it."""
        try:
            os.ftruncate(fd, size)
        except OSError:
            self._leave_segment()
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))

    def _enter(self, fd: int) -> int:
        """Lock the segment for one line and return its size; -1 when it must be left for a new one."""
        try:
            _lock(fd, _TRY_LOCK)
        except BlockingIOError:
            return -1  # a drain is at it
        # Nobody else writes here, and a drain that is done empties the segment before it unlinks it. Asking for the
        # size is three times as fast as asking for the number of links.
        if os.lseek(fd, 0, os.SEEK_END) != self._size or self._size >= self._rotate_bytes:
            return -1
        if self._size == 0 and os.fstat(fd).st_nlink == 0:
            return -1
        return self._size

    def _new_segment(self) -> int:
        """A new segment, locked by us before any drain can see it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.folder.stat().st_mode & 0o077:
            self.folder.chmod(0o700)
        number = self._number = self._number + 1
        name = f"{self._now_ns():020d}-{os.getpid()}-{number}"
        hidden = self.folder / f".{name}{PARTIAL}"
        fd = os.open(hidden, _APPEND, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            hidden.rename(self.folder / f"{name}{SEGMENT}")
        except OSError:
            os.close(fd)
            raise
        return fd

    def _leave_segment(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)  # gives the lock back too
            self._fd = -1

    def close(self) -> None:
        """Give the open segment up; a later ``write`` begins a new one."""
        with self._lock:
            self._leave_segment()

    def __del__(self) -> None:
        fd, self._fd = getattr(self, "_fd", -1), -1
        if fd >= 0:
            os.close(fd)

    def _say_lost(self, error: OSError) -> None:
        self.lost += 1
        self.why_lost = error
        if not self._silent_since:
            self._silent_since = self.lost
            _log.error(
                "%s: events cannot be recorded (%s). The agent goes on; what it does meanwhile is not kept. "
                "Free some space or make the folder writable.",
                self.folder,
                error.strerror or error,
            )

    def _say_recovered(self) -> None:
        missed = self.lost - self._silent_since + 1
        self._silent_since = 0
        _log.warning("%s: events are recorded again; %d could not be.", self.folder, missed)

    def after_fork_in_child(self) -> None:
        """Forget what belongs to the parent process; called by the interpreter after a fork."""
        self._lock = threading.RLock()
        self._inside = False
        # The lock of an open file is shared with the parent: were the child to use it too, either could give it back
        # while the other is writing. Closing our copy leaves the parent's lock alone.
        self._leave_segment()

    # -- reading ---------------------------------------------------------------------------------------------
    def segments(self) -> list[Path]:
        """Every segment, oldest first; also those that are still being written.

        Raises UnreadableFileError when the folder cannot be listed; a folder that is not there has no segments.
        """
        return sorted(path for path in self._listing() if _SEGMENT_NAME.fullmatch(path.name))

    def foreign(self) -> list[Path]:
        """What lies in the folder and is none of ours: to be reported, never touched. Raises as ``segments`` does."""
        return sorted(path for path in self._listing() if not _OUR_NAME.fullmatch(path.name))

    def claim(self, segment: Path) -> Claim | None:
        """Take one segment for reading; None when another drain has it, or had it and is done.

        Use the claim as a context manager. Raises UnreadableFileError when the file cannot be opened.
        """
        return claim(segment)

    def restore_bad(self) -> int:
        """Make every line that was set aside readable again, after an upgrade; how many files that were."""
        listing = self._listing()
        bad = [path for path in listing if path.suffix == BAD and path.with_suffix(SEGMENT) not in listing]
        for path in bad:
            path.rename(path.with_suffix(SEGMENT))
        return len(bad)

    def sweep(self) -> int:
        """Remove what writers left that were killed while they made a segment (empty files); how many there were."""
        swept = 0
        for path in self._listing():
            if _PARTIAL_NAME.fullmatch(path.name) and self._is_abandoned(path):
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def _is_abandoned(self, path: Path) -> bool:
        try:
            return self._now_ns() - path.stat().st_mtime_ns > _ABANDONED_NS
        except FileNotFoundError:
            return False

    def _listing(self) -> list[Path]:
        try:
            return list(self.folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UnreadableFileError(f"{self.folder}: the spool cannot be listed ({error.strerror})") from error


_spools: "weakref.WeakSet[Spool]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for spool in list(_spools):
        spool.after_fork_in_child()


os.register_at_fork(after_in_child=_after_fork_in_child)
