"""What was written into which settings file, kept in the data folder so that it can be taken back exactly.

One file for each settings file, in ``<data>/installed``, private to the user. It holds the splices that were made, not
the file: settings hold keys and tokens, and no copy of those lies about. ``before`` and ``after`` are digests, so that
going back is done only from the very bytes that were left, and gives the very bytes that were found.
"""

import fcntl
import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from seasoned.agents.edits import Splice
from seasoned.errors import InputError, OutputError

__all__ = ["Record", "Records"]

_FOLDER = "installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One settings file as we left it."""

    path: str
    """As the agent names it."""
    agent: str
    after: str
    """Digest of the bytes that were left."""
    before: str | None = None
    """Digest of the bytes that were found first; None: there was no file."""
    splices: tuple[Splice, ...] | None = None
    """From the text before to the text after; None: what was found held entries of ours already."""
    created: tuple[tuple[str | int, ...], ...] | None = None
    """Objects and arrays that were made for our entries, with () the file itself; None: not known."""
    folders: tuple[str, ...] = ()
    """Folders that were made for the file, outermost first."""
    version: int = 1


class Records:
    """The records of one data folder. Reading makes nothing."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / _FOLDER

    def get(self, path: Path) -> Record | None:
        """What was written into the file of this name; None where nothing is known. Raises InputError for a record that
        cannot be read: it can be deleted, entries are then known by their commands."""
        return self._read(self._place(path))

    def all(self) -> tuple[Record, ...]:
        """Every record, by path."""
        found = [self._read(place) for place in self._folder.glob("*.json")] if self._folder.is_dir() else []
        return tuple(sorted((each for each in found if each is not None), key=lambda each: each.path))

    @contextmanager
    def locked(self) -> Generator[None]:
        """While nobody else changes settings from this data folder; waits for those who do. Raises OutputError."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise OutputError(f"{self._folder}: {error.strerror or error}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def written_at(self, path: Path) -> float | None:
        """When a record was last kept of the file of this name, in seconds since 1970; None where nothing is known."""
        try:
            return self._place(path).stat().st_mtime
        except OSError:
            return None

    def save(self, record: Record) -> None:
        """Keep a record, whole or not at all. Raises OutputError."""
        place = self._place(Path(record.path))
        partial = place.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(record))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(place)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise OutputError(f"{place}: {error.strerror or error}.") from error

    def drop(self, path: Path) -> None:
        """Forget what was written into a file. Raises OutputError."""
        place = self._place(path)
        try:
            place.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{place}: {error.strerror or error}.") from error

    def _place(self, path: Path) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"

    def _read(self, place: Path) -> Record | None:
        try:
            return msgspec.json.decode(place.read_bytes(), type=Record)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InputError(f"{place}: {reason}. Delete it: entries are then known by their commands.") from error
