"""Where the service of a data folder has its files, and that nobody else can put others there.

Everything is in ``run`` below the data folder, but for the socket where its path would be too long for a socket (about
100 bytes: sockaddr_un, unix(7)) or the file system has none: then it is in a folder of this user's own elsewhere, and
``run/address`` says where. Invariant: a folder that another user could write to is never used.
"""

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seasoned.errors import ServiceError

__all__ = ["Place", "private_folder", "write_whole"]

_LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The service's files of one data folder. Nothing is made by naming them."""

    data_dir: Path
    """Absolute."""

    @property
    def run(self) -> Path:
        """The folder, 0700."""
        return self.data_dir / "run"

    @property
    def address(self) -> Path:
        """Holds the socket's path, as bytes of the file system, without a line end."""
        return self.run / "address"

    @property
    def lock(self) -> Path:
        """Held by the service for as long as it runs; its text is the process id of the last holder."""
        return self.run / "service.lock"

    @property
    def start(self) -> Path:
        """The command line that starts the service, as a JSON list."""
        return self.run / "start"

    @property
    def python(self) -> Path:
        """Path of the interpreter that hooks are answered with, on one line."""
        return self.run / "python"

    @property
    def asked(self) -> Path:
        """Its time is when somebody last asked for a start without waiting for it."""
        return self.run / "asked"

    @property
    def started_log(self) -> Path:
        """What the last start said before the service had its log."""
        return self.run / "started.log"

    @property
    def log(self) -> Path:
        """The service's log; bounded."""
        return self.run / "service.log"

    @property
    def silent(self) -> Path:
        """While it exists no hook asks for advice."""
        return self.run / "silent"

    def sockets(self, environment: Mapping[str, str]) -> list[Path]:
        """Where the socket may be, best first: beside the other files, else in a short folder of this user's own."""
        beside = self.run / "service.sock"
        name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16] + ".sock"
        runtime = environment.get("XDG_RUNTIME_DIR")
        elsewhere = [Path(runtime) / "seasoned" / name] if runtime and runtime.startswith("/") else []
        elsewhere.append(Path("/tmp") / f"seasoned-{os.getuid()}" / name)  # noqa: S108  checked by private_folder
        return [path for path in (beside, *elsewhere) if len(os.fsencode(path)) <= _LONGEST]


def private_folder(folder: Path) -> None:
    """Make ``folder``, 0700, or see that it is this user's own and nobody else's to write in.

    Raises ServiceError where it is not, or cannot be made.
    """
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # `parents` knows no mode
        folder.mkdir(mode=0o700, exist_ok=True)
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode):
            raise ServiceError(f"{folder} is no folder (or a link to one): remove it.")
        if about.st_uid != os.getuid():
            raise ServiceError(
                f"{folder} belongs to another user: the service keeps its socket in a folder of its own."
            )
        if about.st_mode & 0o022:
            raise ServiceError(f"Others can write to {folder}: `chmod 700` it, after a look at what lies in it.")
        if about.st_mode & 0o077:
            folder.chmod(0o700)
        above = folder.parent.stat()
        if above.st_mode & 0o002 and not above.st_mode & stat.S_ISVTX:
            raise ServiceError(f"Everybody can write to {folder.parent}, and so replace {folder.name} in it.")
    except OSError as error:
        raise ServiceError(
            f"{folder}: {error.strerror or error}. The service needs a folder to be found in."
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, 0600, whole or not at all. Raises ServiceError."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        partial.replace(path)
    except OSError as error:
        raise ServiceError(f"{path}: {error.strerror or error}.") from error
