"""Reading spool segments: claimed by one drain at a time, line by line, and deleted only after the commit.

Nothing that stands in a segment is ever thrown away unread: a line that is no event of ours (torn by a kill, damaged,
foreign), or that its taker cannot keep, is reported with its place and kept in a ``.bad`` file beside the segment. The
``.bad`` file has the segment's name and replaces an older one of that name, so that a drain that is killed between
writing it and deleting the segment, and repeated, leaves one copy. An event of a newer version goes to whoever takes
those, which is the dead letters of the event log.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from seasoned.errors import EventError, UnknownEventVersionError, UnreadableFileError
from seasoned.model.codec import decode_event, decode_newer, encode_event
from seasoned.model.events import Event, NewerEvent

__all__ = ["BadLine", "Claim", "Drained", "Refused", "claim", "drain"]

SEGMENT = ".jsonl"
PARTIAL = ".new"
BAD = ".bad"
MAX_LINE = 16 << 20
"""Bytes. The largest event of ours (500 spans at their limits) is below 4 MB; beyond this it is not one of ours, and
reading it whole would let one foreign file decide how much memory a drain takes."""
_KEPT_REASONS = 20
_PRIVATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_TORN = "the line is torn: its writer was stopped in the middle of it"
_TOO_LONG = f"the line is longer than {MAX_LINE >> 20} MiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that is no event."""

    place: str
    """``/path/of/segment.jsonl line 17``."""
    reason: str
    """Without the line's content, which was not redacted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An event that its taker cannot keep, now or later; its line is set aside."""

    event: Event | NewerEvent
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What one ``drain`` did."""

    events: int
    """Events handed over; those handed over before by a drain that was killed count again."""
    newer: int
    """Those of them that are of a newer version."""
    segments: int
    """Segments read and deleted."""
    bad: tuple[BadLine, ...]
    """The first ``20`` of each segment; their lines are in the ``.bad`` files."""
    bad_lines: int
    busy: int
    """Segments that another drain has."""
    foreign: tuple[Path, ...]
    """Files in the folder that are not ours."""


class Claim:
    """One segment, held against every other drain and against its writer, until it is closed."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.bad: list[BadLine] = []
        """The first lines that could not be used, filled in by ``events``."""
        self.bad_lines = 0
        self.newer: list[NewerEvent] = []
        """Events of a newer version met by ``events`` so far; whoever takes them empties the list."""
        self._file = file
        self._bad_file: BinaryIO | None = None

    def events(self, *, newer: bool = False) -> Iterator[Event]:
        """Every event of the segment in the order of writing, from the start. Streams.

        Lines that are no events are noted in ``bad`` and set aside; so are events of a newer version, unless
        ``newer`` says to put them in ``self.newer``. Raises UnreadableFileError when the disk fails.
        """
        self._file.seek(0)
        self.bad.clear()
        self.newer.clear()
        self.bad_lines = 0
        self._drop_bad()
        for number, line in enumerate(self._lines(), 1):
            if not line.endswith(b"\n"):
                self._set_aside(number, line, _TORN if len(line) <= MAX_LINE else _TOO_LONG)
                continue
            try:
                event = decode_event(line)
            except UnknownEventVersionError as error:
                if newer:
                    self.newer.append(decode_newer(line))
                else:
                    self._set_aside(number, line, str(error))
            except EventError as error:
                self._set_aside(number, line, str(error))
            else:
                yield event

    def _lines(self) -> Iterator[bytes]:
        try:
            while line := self._file.readline(MAX_LINE + 1):
                yield line
                while len(line) > MAX_LINE and not line.endswith(b"\n"):
                    line = self._file.readline(MAX_LINE + 1)
                    self._keep(line)
        except OSError as error:
            raise UnreadableFileError(f"{self.path}: {error.strerror}") from error

    def refuse(self, refused: Refused) -> None:
        """Set the line of an event aside that cannot be kept. Call it before ``done``."""
        self._note(f"{self.path} event {refused.event.event_id}", refused.reason)
        self._keep(encode_event(refused.event) + b"\n")

    def _set_aside(self, number: int, line: bytes, reason: str) -> None:
        self._note(f"{self.path} line {number}", reason)
        self._keep(line)

    def _note(self, place: str, reason: str) -> None:
        self.bad_lines += 1
        if len(self.bad) < _KEPT_REASONS:
            self.bad.append(BadLine(place=place, reason=reason))

    def _keep(self, line: bytes) -> None:
        try:
            if self._bad_file is None:
                self._bad_file = os.fdopen(os.open(self._bad_partial, _PRIVATE, 0o600), "wb")
            self._bad_file.write(line)
        except OSError as error:
            raise UnreadableFileError(
                f"{self._bad_partial}: cannot set a bad line aside ({error.strerror}); the segment is kept"
            ) from error

    @property
    def _bad_partial(self) -> Path:
        return self.path.with_name(f".{self.path.stem}{BAD}{PARTIAL}")

    def _drop_bad(self) -> None:
        if self._bad_file is not None:
            self._bad_file.close()
            self._bad_file = None
            self._bad_partial.unlink(missing_ok=True)

    def done(self) -> None:
        """Delete the segment. Call only when everything that ``events`` gave is committed.

        Bad lines are on disk in the ``.bad`` file before the segment goes. Raises UnreadableFileError when the
        folder refuses; the segment then stays and will be read again, which is harmless: events carry their ids.
        """
        try:
            if self._bad_file is not None:
                self._bad_file.flush()
                os.fsync(self._bad_file.fileno())
                self._bad_file.close()
                self._bad_file = None
                self._bad_partial.replace(self.path.with_suffix(BAD))
            self._file.truncate(0)  # tells its writer, who still has it open, that it is gone
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise UnreadableFileError(f"{self.path}: read, but cannot be removed ({error.strerror})") from error

    def close(self) -> None:
        """Let go of the segment; unless ``done`` was called it is as it was."""
        self._drop_bad()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Spool(Protocol):
    """The reading side of ``bus.Spool``."""

    def segments(self) -> list[Path]: ...
    def foreign(self) -> list[Path]: ...
    def sweep(self) -> int: ...


def claim(path: Path) -> Claim | None:
    """Take the segment at ``path``: see ``Spool.claim``."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableFileError(f"{path}: the spool segment cannot be opened ({error.strerror})") from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UnreadableFileError(f"{path}: is not a regular file")
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        gone = os.fstat(fd).st_nlink == 0  # the drain that had it before us is done with it
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError as error:
        os.close(fd)
        raise UnreadableFileError(f"{path}: the spool segment cannot be locked ({error.strerror})") from error
    except UnreadableFileError:
        os.close(fd)
        raise
    if gone:
        os.close(fd)
        return None
    return Claim(path, os.fdopen(fd, "r+b"))


def drain(
    spool: _Spool,
    take: Callable[[Sequence[Event]], Iterable[Refused] | None],
    *,
    take_newer: Callable[[Sequence[NewerEvent]], Iterable[Refused]] | None = None,
    batch_events: int = 500,
) -> Drained:
    """Hand every event of the spool to ``take``, oldest segment first, and delete what was taken.

    ``take`` gets 1 to ``batch_events`` events and returns only when they are durable, all but those that it gives back;
    what it raises goes on to the caller, and the segment stays whole. Redaction is the first thing that it does. So it
    is with ``take_newer``, which gets events of a newer version, and cannot give any back. A segment that cannot be
    opened is reported and left; a disk that fails while a segment is read stops the drain with UnreadableFileError.
    """
    events = newer = segments = bad_lines = busy = 0
    bad: list[BadLine] = []
    spool.sweep()
    for path in spool.segments():
        try:
            taken = claim(path)
        except UnreadableFileError as error:
            bad.append(BadLine(place=str(path), reason=str(error)))
            continue
        if taken is None:
            busy += path.exists()
            continue
        with taken:
            for batch in _batches(taken.events(newer=take_newer is not None), batch_events):
                refused = list(take(batch) or ())
                for each in refused:
                    taken.refuse(each)
                events += len(batch) - len(refused)
            if take_newer is not None and taken.newer:
                refused = list(take_newer(taken.newer))
                for each in refused:
                    taken.refuse(each)
                newer += len(taken.newer) - len(refused)
            taken.done()
            segments += 1
            bad.extend(taken.bad)
            bad_lines += taken.bad_lines
    return Drained(
        events=events + newer,
        newer=newer,
        segments=segments,
        bad=tuple(bad),
        bad_lines=bad_lines,
        busy=busy,
        foreign=tuple(spool.foreign()),
    )


def _batches(events: Iterable[Event], size: int) -> Iterator[list[Event]]:
    batch: list[Event] = []
    for event in events:
        batch.append(event)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
