"""Reading a settings file as it is, and writing it whole or not at all.

Settings are often links into a folder of dotfiles: the file behind the link is the one that changes, the link stays.
A new text is written beside the file, takes its rights and owner, and replaces it in one step, after a last look that
the file is still the one that the change was made for.
"""

import codecs
import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seasoned.errors import ConflictError, InputError, OutputError, UnreadableFileError

__all__ = ["State", "check_unchanged", "check_writable", "delete", "digest", "encoded", "read_state", "replace"]

_LARGEST = 64 * 1024 * 1024
"""Bytes. Far beyond any settings; what is larger is something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A file as it was found."""

    path: Path
    """As it was named."""
    target: Path
    """Behind all links."""
    data: bytes | None
    """None: there is no file."""
    text: str
    """Without the byte order mark; empty where there is no file."""
    marked: bool
    """Whether it began with a byte order mark."""
    mode: int | None
    """Its rights; None: there is no file."""
    owner: tuple[int, int] | None
    """User and group."""


def digest(data: bytes) -> str:
    """By which a file's bytes are known again."""
    return hashlib.sha256(data).hexdigest()


def encoded(text: str, state: State) -> bytes:
    """A text as the file's bytes, with its byte order mark."""
    return (codecs.BOM_UTF8 if state.marked else b"") + text.encode()


def read_state(path: Path) -> State:
    """A file, or that there is none. Raises UnreadableFileError, or InputError for what is no text in UTF-8."""
    try:
        target = Path(os.path.realpath(path))
        try:
            about = target.stat()
        except (FileNotFoundError, NotADirectoryError):
            return State(path=path, target=target, data=None, text="", marked=False, mode=None, owner=None)
        if not stat.S_ISREG(about.st_mode):
            raise UnreadableFileError(f"{path}: no regular file.")
        if about.st_size > _LARGEST:
            raise UnreadableFileError(f"{path}: larger than {_LARGEST >> 20} MiB, so these are no settings.")
        data = target.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}.") from error
    marked = data.startswith(codecs.BOM_UTF8)
    try:
        text = data[len(codecs.BOM_UTF8) * marked :].decode()
    except UnicodeDecodeError as error:
        at = error.start + len(codecs.BOM_UTF8) * marked
        line, column = data.count(b"\n", 0, at) + 1, at - data.rfind(b"\n", 0, at)
        raise InputError(f"{path}: line {line}, byte {column}: no UTF-8.") from error
    mode = stat.S_IMODE(about.st_mode)
    return State(
        path=path, target=target, data=data, text=text, marked=marked, mode=mode, owner=(about.st_uid, about.st_gid)
    )


def check_writable(state: State) -> None:
    """Raise OutputError where the file could not be replaced, before any file was."""
    folder = state.target.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise OutputError(f"{state.path}: {folder} is no folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{state.path}: {folder} cannot be written to.")
    if state.mode is None:
        return
    if not state.mode & 0o222:
        raise OutputError(f"{state.path}: read-only (mode {state.mode:04o}); somebody wants it to stay as it is.")
    groups = {os.getegid(), *os.getgroups()}
    if os.geteuid() and state.owner and (state.owner[0] != os.geteuid() or state.owner[1] not in groups):
        user, group = state.owner
        raise OutputError(f"{state.path}: it belongs to somebody else (user {user}, group {group}).")
    if state.target.stat().st_nlink > 1:
        raise OutputError(
            f"{state.path}: it has further names (hard links), which would keep the old text. Make it one file first."
        )


def replace(state: State, data: bytes, *, new_mode: int) -> None:
    """Put ``data`` in the place of what was found; ``new_mode`` for a file that was not there. Its folder exists.

    Raises ConflictError where the file has changed since, OutputError where it cannot be written; nothing has then
    changed.
    """
    folder, temporary = state.target.parent, None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{state.target.name}.", suffix=".seasoned", dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), new_mode if state.mode is None else state.mode)
            if state.owner is not None and state.owner != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), *state.owner)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        check_unchanged(state)
        Path(temporary).replace(state.target)
    except OSError as error:
        raise OutputError(f"{state.path}: {error.strerror or error}.") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    _settle(folder)


def delete(state: State) -> None:
    """Take away a file that was found. Raises as ``replace``."""
    try:
        check_unchanged(state)
        state.target.unlink()
    except OSError as error:
        raise OutputError(f"{state.path}: {error.strerror or error}.") from error
    _settle(state.target.parent)


def check_unchanged(state: State) -> None:
    """Raise ConflictError where the file is no longer as it was found, OutputError where that cannot be seen."""
    try:
        now: bytes | None = state.target.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        now = None
    except OSError as error:
        raise OutputError(f"{state.path}: {error.strerror or error}.") from error
    if now != state.data:
        raise ConflictError(f"{state.path} has just been changed by somebody else; nothing was written. Try again.")


def _settle(folder: Path) -> None:
    """Make the new name last through a power cut, where the file system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
