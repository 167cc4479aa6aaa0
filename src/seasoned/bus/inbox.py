"""The inbox: payloads of agents' hooks, one file for each call of a hook, until the rows hold what they say.

A private folder (0700; files 0600) into which ``hook.sh`` writes whatever an agent gives it, under the name
``<source>.<pid>.<number>``; its time is the file's. Nothing here is redacted. Invariant: a payload leaves the inbox only
by ``remove``, which is called after the commit that holds it; what is no payload is set aside or left, and said.

One drain at a time: whoever drains holds a ``flock`` on the folder, which the kernel gives back when its holder dies.
Hooks need no lock. They make a file, and a file that is not whole yet is no JSON object: it is read later, unless it is
so old that its writer must be dead (flock(2)).
"""

import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec

from seasoned.bus.segments import BAD, BadLine
from seasoned.errors import UnreadableFileError

__all__ = ["Inbox", "Payload", "Waiting"]

MAX_BYTES = 16 << 20
"""Of one payload. Beyond it one call would decide how much memory a drain takes."""
_TORN_NS = 60 * 10**9
"""A hook writes its payload in a millisecond; after this long, or so far in the future, its writer is dead."""
_NAME = re.compile(r"(claude_code|codex|gemini|shell)\.\d{1,10}\.\d{1,20}")
_SET_ASIDE = re.compile(_NAME.pattern + r"\.\d{1,20}" + re.escape(BAD))
_KEPT_REASONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One file that is whole."""

    path: Path
    source: str
    """The agent, as its hook was told (``claude_code``, ``codex``, ``gemini``); ``shell`` for what scripts report."""
    modified_ns: int
    """When it was written."""
    size: int
    """Bytes."""
    content: dict[str, object]
    """The JSON object; not redacted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What one look into the inbox found."""

    payloads: tuple[Payload, ...]
    """By name."""
    unfinished: int
    """Files that are still being written."""
    bad: tuple[BadLine, ...]
    """The first 20 files that were set aside or cannot be read, with the reason, never with their content."""
    bad_files: int
    foreign: tuple[Path, ...]
    """What lies in the folder and is none of ours; left as it is."""


class Inbox:
    """The inbox in one folder, which need not exist."""

    def __init__(self, folder: Path, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        """``now_ns``: nanoseconds since 1970, of the clock that stamps files."""
        self.folder = folder
        self._now_ns = now_ns
        self._bad: list[BadLine] = []
        self._bad_files = 0

    @contextmanager
    def held(self, *, wait: bool = False) -> Generator[bool]:
        """Hold the inbox against every other drain; gives False where another one has it or there is no folder.
        ``wait``: until the other one is done.

        Raises UnreadableFileError when the folder cannot be opened."""
        try:
            fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            yield False
            return
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(fd)

    def read(self) -> Waiting:
        """Every payload that is whole. Torn and oversized files are set aside as ``<name>.<time>.bad``.

        Call it while ``held``. Raises UnreadableFileError when the folder cannot be listed.
        """
        self._bad, self._bad_files = [], 0
        try:
            listing = sorted(self.folder.iterdir())
        except FileNotFoundError:
            listing = []
        except OSError as error:
            raise self._unreadable(error) from error
        payloads: list[Payload] = []
        foreign: list[Path] = []
        unfinished = 0
        for path in listing:
            named = _NAME.fullmatch(path.name)
            if named is None:
                if not _SET_ASIDE.fullmatch(path.name):
                    foreign.append(path)
                continue
            found = self._open(path, named[1])
            if isinstance(found, Payload):
                payloads.append(found)
            elif found == "foreign":
                foreign.append(path)
            else:
                unfinished += found == "unfinished"
        return Waiting(
            payloads=tuple(payloads),
            unfinished=unfinished,
            bad=tuple(self._bad),
            bad_files=self._bad_files,
            foreign=tuple(foreign),
        )

    def set_aside(self, payload: Payload, reason: str) -> BadLine:
        """Keep a payload that nobody can use out of the way, as a ``.bad`` file. Raises UnreadableFileError."""
        return self._put_aside(payload.path, payload.modified_ns, reason)

    def remove(self, payloads: Iterable[Payload]) -> int:
        """Delete what is committed; how many files that were. Of a file that was written anew since, nothing.

        Raises UnreadableFileError when the folder refuses; what stays is read again, which is harmless.
        """
        removed = 0
        for payload in payloads:
            try:
                if payload.path.lstat().st_mtime_ns == payload.modified_ns:
                    payload.path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                raise UnreadableFileError(f"{payload.path}: read, but cannot be removed ({error.strerror})") from error
        return removed

    def strike_set_aside(self, names: Iterable[str] | None) -> int:
        """Delete the files that were set aside and hold any of these ``names`` (of sessions, say); None: all. How many.
        What was torn before the name cannot be told and stays. Raises UnreadableFileError."""
        wanted = None if names is None else [name.encode() for name in names if name]
        struck = 0
        try:
            for path in sorted(self.folder.glob(f"*{BAD}")):
                if not _SET_ASIDE.fullmatch(path.name) or path.is_symlink():
                    continue
                # Of what is too large to be read at once nobody knows what it holds.
                data = b"" if wanted is None or path.stat().st_size > 4 * MAX_BYTES else path.read_bytes()
                if wanted is None or (wanted and not data) or any(name in data for name in wanted):
                    path.unlink()
                    struck += 1
        except OSError as error:
            raise UnreadableFileError(f"{error.filename or self.folder}: {error.strerror}") from error
        return struck

    def _open(self, path: Path, source: str) -> Payload | str:
        """The payload; ``foreign``, ``unfinished``, ``bad``, or ``gone`` for a file that is none."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return "gone"
        except OSError as error:
            if path.is_symlink() or not path.is_file():
                return "foreign"
            self._note(path, f"cannot be opened ({error.strerror})")
            return "bad"
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                return "foreign"
            data = b"" if status.st_size > MAX_BYTES else _all_of(fd)
        except OSError as error:
            self._note(path, f"cannot be read ({error.strerror})")
            return "bad"
        finally:
            os.close(fd)
        if status.st_size > MAX_BYTES:
            self._put_aside(path, status.st_mtime_ns, f"larger than {MAX_BYTES >> 20} MiB")
            return "bad"
        try:
            content: object = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            content = None
        if isinstance(content, dict):
            return Payload(
                path=path,
                source=source,
                modified_ns=status.st_mtime_ns,
                size=status.st_size,
                content=cast("dict[str, object]", content),
            )
        if abs(self._now_ns() - status.st_mtime_ns) <= _TORN_NS:
            return "unfinished"
        self._put_aside(path, status.st_mtime_ns, "torn, or no JSON object: its writer was stopped in the middle of it")
        return "bad"

    def _put_aside(self, path: Path, modified_ns: int, reason: str) -> BadLine:
        try:
            path.rename(path.with_name(f"{path.name}.{modified_ns}{BAD}"))
        except OSError as error:
            raise UnreadableFileError(f"{path}: cannot be set aside ({error.strerror})") from error
        return self._note(path, reason)

    def _note(self, path: Path, reason: str) -> BadLine:
        said = BadLine(place=str(path), reason=reason)
        self._bad_files += 1
        if len(self._bad) < _KEPT_REASONS:
            self._bad.append(said)
        return said

    def _unreadable(self, error: OSError) -> UnreadableFileError:
        return UnreadableFileError(f"{self.folder}: the inbox cannot be read ({error.strerror})")


def _all_of(fd: int) -> bytes:
    """The content, up to the largest payload there may be."""
    parts: list[bytes] = []
    left = MAX_BYTES
    while left > 0 and (part := os.read(fd, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
