"""Being the one service of a data folder: the lock, and the socket that only its holder makes.

Two starts at once leave one: ``flock`` is given to one of them (flock(2)), and neither looks at process ids. Whoever
holds the lock may remove what an earlier holder left, because that one is dead.
"""

import fcntl
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seasoned.errors import ServiceError
from seasoned.resident.place import Place, private_folder, write_whole

__all__ = ["Held", "Seat", "hold", "holder", "listening"]

_WAITING = 128
_LOOKS, _LOOK_S = 100, 0.005
"""A holder writes its process id within microseconds."""
_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The lock of a data folder's service, until ``release`` or the end of the process."""

    descriptor: int

    def release(self) -> None:
        """Give it back."""
        os.close(self.descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """The files by which a service is found. One whose data folder was removed and made again still runs, and its lock
    is of a file that nobody else can open: another may be the service by now, and the rows are another database."""

    files: tuple[tuple[Path, tuple[int, int]], ...]
    """Each with its device and number, most telling first. Nothing is opened to compare them: there may be no
    descriptor left."""

    @classmethod
    def taken(cls, place: Place, held: Held, socket: Path) -> "Seat":
        """Of who holds the lock and listens at ``socket``. Raises OSError."""
        own = (place.lock, _number(os.fstat(held.descriptor)))
        others = [(path, _number(path.lstat())) for path in (socket, place.address)]
        return cls(files=(own, *others))

    def lost(self) -> Path | None:
        """What is gone or is somebody else's; None as long as whoever asks for the service comes here."""
        return next((path for path, number in self.files if _here(path) != number), None)

    def leave(self) -> None:
        """Take away what leads here, and nothing of another's. Raises OSError."""
        (lock, own), *others = self.files
        for path, number in others:
            if _here(lock) == own and _here(path) == number:
                path.unlink()


def hold(place: Place) -> Held | None:
    """Become the service of ``place``; None where another process is. Raises ServiceError."""
    private_folder(place.run)
    try:
        descriptor = os.open(place.lock, _OPEN, 0o600)
    except OSError as error:
        raise ServiceError(f"{place.lock}: {error.strerror or error}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise ServiceError(f"{place.lock}: {error.strerror or error}.") from error
    return Held(descriptor=descriptor)


def holder(place: Place) -> int | None:
    """Process id of the service that runs now; None where none does. Raises ServiceError."""
    try:
        descriptor = os.open(place.lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ServiceError(f"{place.lock}: {error.strerror or error}.") from error
    try:
        for _ in range(_LOOKS):
            try:
                # Shared, so that two who look at once do not take each other for the service.
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                said = os.pread(descriptor, 20, 0)
            else:
                return None
            if said.isdigit() and int(said) > 0:
                return int(said)
            time.sleep(_LOOK_S)  # it has just taken the lock and not said who it is
    finally:
        os.close(descriptor)
    raise ServiceError(f"{place.lock} is held, but does not say by which process.")


def listening(place: Place, environment: Mapping[str, str]) -> tuple[socket.socket, Path]:
    """A socket that listens at the first place where there can be one, said in ``place.address``; and where that is.

    Only for the holder of the lock. Raises ServiceError.
    """
    refused: list[str] = []
    for path in place.sockets(environment):
        try:
            private_folder(path.parent)
            found = _bound(path)
        except ServiceError as error:
            refused.append(str(error))
        except OSError as error:
            refused.append(f"{path}: {error.strerror or error}.")
        else:
            write_whole(place.address, os.fsencode(path))
            return found, path
    raise ServiceError("There is no place for the service's socket. " + " ".join(refused))


def _here(path: Path) -> tuple[int, int] | None:
    """Which file lies there; None where none does, or none that can be seen."""
    try:
        return _number(path.lstat())
    except OSError:
        return None


def _number(about: os.stat_result) -> tuple[int, int]:
    return about.st_dev, about.st_ino


def _bound(path: Path) -> socket.socket:
    with suppress(FileNotFoundError):
        path.unlink()
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        found.bind(os.fspath(path))
        found.listen(_WAITING)
    except OSError:
        found.close()
        raise
    finally:
        os.umask(before)
    return found
