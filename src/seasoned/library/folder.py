"""``.agent/patterns``: the only place that a sync reads and writes, and what it remembers of the last time.

Invariant: nothing outside the three folders is read, written or deleted, whatever a name, a link or a pattern says: names
are made of letters and digits, links are never followed, and a file is replaced in one step and only while it is still the
one that was read. One sync at a time works in a folder; a lock of the operating system, which a killed one leaves free,
sees to that.
"""

import base64
import contextlib
import hashlib
import os
import re
import stat
import unicodedata
import zlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec
from filelock import FileLock, Timeout

from seasoned.errors import ConflictError, InputError, OutputError, UnreadableFileError
from seasoned.library.page import without_figures

__all__ = [
    "FOLDERS",
    "FolderFile",
    "PatternFolder",
    "Remembered",
    "digest_of",
    "file_name",
    "read_text_file",
    "remembered",
    "write_text_file",
]

Shown = Literal["candidate", "active", "deprecated"]
FOLDERS: Final[Mapping[Shown, str]] = {"candidate": "candidates", "active": "active", "deprecated": "deprecated"}
MOST_BYTES = 1024 * 1024
"""Of a file; a pattern's data holds at most a quarter of it."""
STATE = ".sync.json"
LOCK = ".sync.lock"
_WAIT_S = 30
"""For a sync that is at work; one of 10,000 patterns takes less."""
_TEMPORARY = re.compile(r"\.seasoned-[0-9a-f]{16}\.tmp")
_NAME_BYTES = 80
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{a}{n}" for a in ("com", "lpt") for n in range(1, 10))})
"""Names that Windows keeps for devices, with any ending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFile:
    """A file as it stands."""

    path: str
    """Below the root, with ``/``."""
    status: Shown
    text: str
    """Without byte order mark, line ends ``\\n``."""
    newline: str
    bom: bool
    digest: str
    """Of the text without figures."""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern and its file as they were when they last agreed."""

    path: str
    status: Shown
    text: str
    """Digest of the file."""
    library: str
    """Digest of the pattern."""
    by: str = ""
    """Agent who synced it. To another agent the pattern may be hidden, which is not the same as gone."""
    base: str
    """The file's text: zlib, base64. What both sides of a conflict are compared with."""

    @property
    def base_text(self) -> str:
        """The file as it was; InputError where the state was damaged by hand."""
        try:
            return zlib.decompressobj().decompress(base64.b64decode(self.base), 4 * MOST_BYTES).decode()
        except (ValueError, zlib.error) as error:
            raise InputError(
                f"{STATE}: damaged ({error}); delete it, the next sync compares both sides anew."
            ) from error


class _State(msgspec.Struct, frozen=True, kw_only=True):
    format: Literal[1] = 1
    namespace: str
    patterns: dict[str, Remembered]


def digest_of(text: str) -> str:
    """SHA-256, hex, of a text without its figures."""
    return hashlib.sha256(without_figures(text).encode("utf-8", "surrogatepass")).hexdigest()


def remembered(path: str, status: Shown, text: str, library: str, by: str) -> Remembered:
    """What is to be known of ``text`` next time."""
    packed = base64.b64encode(zlib.compress(text.encode())).decode()
    return Remembered(path=path, status=status, text=digest_of(text), library=library, by=by, base=packed)


def file_name(name: str) -> str:
    """A name for a file, without its ending: letters and digits of any script, small, the rest as ``-``; at most 80
    bytes, no device's name, never empty."""
    words = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", name).casefold()).strip("-")
    words = unicodedata.normalize("NFC", words)
    cut = words.encode("utf-8", "ignore")[:_NAME_BYTES].decode("utf-8", "ignore").strip("-")
    return f"{cut}-pattern" if cut in _RESERVED else cut or "pattern"


def read_text_file(path: Path, place: str, *, most: int = MOST_BYTES) -> tuple[str, str, bool]:
    """Text with line ends ``\\n``, the line ends it had, whether it had a byte order mark. No link is followed.

    Raises UnreadableFileError; InputError for what is no text, no UTF-8, or too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if path.is_symlink():
            raise UnreadableFileError(
                f"{place}: a symbolic link, which is not followed; put the file itself there."
            ) from error
        raise UnreadableFileError(f"{place}: {error.strerror or error}.") from error
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        raise UnreadableFileError(f"{place}: not a regular file.")
    with os.fdopen(descriptor, "rb") as file:
        if about.st_size > most:
            raise InputError(f"{place}: {about.st_size:,} bytes; at most {most:,} are read.")
        data = file.read(most + 1)
    if len(data) > most:
        raise InputError(f"{place}: more than {most:,} bytes, which is the most that is read.")
    if b"\0" in data:
        raise InputError(f"{place}: holds a NUL byte, so it is no text.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{place}:{line}: not UTF-8 (byte {error.start}); save the file as UTF-8.") from error
    bom = text.startswith("\ufeff")
    text = text.removeprefix("\ufeff")
    newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    return text.replace("\r\n", "\n").replace("\r", "\n"), newline, bom


def write_text_file(target: Path, text: str, place: str, *, replaces: bool) -> None:
    """Write the file in one step, with the folders above it; what stands there is replaced if ``replaces``.

    Raises ConflictError where something stands there that may not be replaced, OutputError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".seasoned-{os.urandom(8).hex()}.tmp"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            if replaces:
                temporary.replace(target)
            else:
                os.link(temporary, target)  # fails where something is there, unlike a rename
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise ConflictError(f"{place}: a file came to be there meanwhile; it is left as it is.") from error
    except OSError as error:
        raise OutputError(f"{place}: {error.strerror or error}; the file was not written.") from error


class PatternFolder:
    """One ``.agent/patterns``."""

    def __init__(self, project: Path) -> None:
        """``project``: the folder that holds, or shall hold, ``.agent``. Raises InputError where links lead out of it."""
        self.root = project / ".agent" / "patterns"
        self._names: dict[Shown, set[str]] = {}
        for each in (project / ".agent", self.root, *(self.root / name for name in FOLDERS.values())):
            if each.is_symlink():
                raise InputError(f"{each}: a symbolic link, which is not followed; a folder is needed there.")
            if os.path.lexists(each) and not each.is_dir():
                raise InputError(f"{each}: is no folder.")

    @contextlib.contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Alone in this folder. Raises ConflictError where another sync takes too long, InputError, OutputError."""
        path = self.root / LOCK
        if path.is_symlink():
            raise InputError(f"{path}: a symbolic link, which is not followed; delete it.")
        lock = FileLock(path, timeout=_WAIT_S)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise ConflictError(
                f"{self.root}: another sync is at work there for more than {_WAIT_S} s; try again when it has ended."
            ) from error
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror or error}; nothing was synced.") from error
        try:
            yield
        finally:
            lock.release()

    def scan(self) -> tuple[list[FolderFile], dict[str, InputError]]:
        """All ``*.md`` of the three folders by path, and, by path too, those that cannot be read, with the reason."""
        found: list[FolderFile] = []
        broken: dict[str, InputError] = {}
        for status, name in FOLDERS.items():
            for path in self._listed(name):
                short = f"{name}/{path.name}"
                if path.suffix.casefold() != ".md" or path.name.startswith("."):
                    continue
                try:
                    short.encode()
                except UnicodeEncodeError:
                    short = short.encode("utf-8", "backslashreplace").decode()
                    broken[short] = InputError(f"{short}: its name is not UTF-8; rename the file.")
                    continue
                try:
                    text, newline, bom = read_text_file(path, short)
                except InputError as error:
                    broken[short] = error
                    continue
                found.append(
                    FolderFile(path=short, status=status, text=text, newline=newline, bom=bom, digest=digest_of(text))
                )
        return found, broken

    def _listed(self, name: str) -> list[Path]:
        """What stands in one of the folders, sorted; nothing where it is not there. Raises UnreadableFileError."""
        try:
            return sorted((self.root / name).iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UnreadableFileError(f"{name}/: {error.strerror or error}; the folder cannot be listed.") from error

    def free_path(self, status: Shown, name: str, version: str, key: str, taken: set[str]) -> str:
        """A path in the folder of ``status`` that no file has, also where small and capital letters are the same."""
        if status not in self._names:  # listed once: a listing for each of 10,000 new files takes minutes
            self._names[status] = {
                unicodedata.normalize("NFC", each.name).casefold() for each in self._listed(FOLDERS[status])
            }
        there = self._names[status]
        stem = file_name(name)
        for tried in (stem, f"{stem}-{file_name(version)}", f"{stem}-{file_name(version)}-{file_name(key)}"):
            path = f"{FOLDERS[status]}/{tried}.md"
            if f"{tried}.md" not in there and path not in taken:
                return path
        raise ConflictError(
            f"{FOLDERS[status]}/{stem}.md and its other names are taken by files that are not this pattern's."
        )

    def write(
        self, path: str, text: str, *, newline: str = "\n", bom: bool = False, instead_of: str | None = None
    ) -> None:
        """Replace the file in one step. ``instead_of``: digest of what may be replaced; None: nothing may be there.

        Raises ConflictError where something else stands there by now, OutputError."""
        if instead_of is not None:
            self._still(path, instead_of)
        written = ("\ufeff" if bom else "") + text.replace("\n", newline)
        write_text_file(self.root / path, written, path, replaces=instead_of is not None)

    def move(self, old: str, new: str, digest: str) -> None:
        """Give the file another path. Raises ConflictError, OutputError."""
        self._still(old, digest)
        target = self.root / new
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(target):
                raise ConflictError(f"{new}: a file came to be there meanwhile; {old} stays where it is.")
            (self.root / old).rename(target)
        except OSError as error:
            raise OutputError(f"{old}: {error.strerror or error}; the file was not moved.") from error

    def remove(self, path: str, digest: str) -> None:
        """Delete the file. Raises ConflictError, OutputError."""
        self._still(path, digest)
        try:
            (self.root / path).unlink()
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror or error}; the file was not deleted.") from error

    def _still(self, path: str, digest: str) -> None:
        text, _, _ = read_text_file(self.root / path, path)
        if digest_of(text) != digest:
            raise ConflictError(f"{path}: was changed during the sync; it is left as it is. Sync once more.")

    def clear(self) -> None:
        """Take away what an interrupted write left."""
        for name in (".", *FOLDERS.values()):
            for path in self._listed(name):
                if _TEMPORARY.fullmatch(path.name):
                    try:
                        path.unlink()
                    except OSError as error:
                        raise OutputError(f"{name}/{path.name}: {error.strerror or error}; delete it.") from error

    def state(self, namespace: str) -> dict[str, Remembered]:
        """What is remembered, by pattern id. Raises InputError where it is damaged or of another namespace."""
        path = self.root / STATE
        if not os.path.lexists(path):
            return {}
        text, _, _ = read_text_file(path, STATE, most=256 * 1024 * 1024)
        try:
            found = msgspec.json.decode(text.encode(), type=_State)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InputError(
                f"{path}: damaged ({error}); delete it, the next sync compares both sides anew."
            ) from error
        if found.namespace != namespace:
            raise InputError(
                f"{path}: this folder is in step with namespace {found.namespace!r}, not {namespace!r}; "
                f"use --namespace {found.namespace}, or delete {STATE} to bind the folder anew."
            )
        return found.patterns

    def remember(self, namespace: str, patterns: Mapping[str, Remembered]) -> None:
        """Replace what is remembered, in one step. Raises OutputError."""
        path = self.root / STATE
        state = _State(namespace=namespace, patterns=dict(sorted(patterns.items())))
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            temporary = self.root / f".seasoned-{os.urandom(8).hex()}.tmp"
            temporary.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")
            temporary.replace(path)
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror or error}; sync once more when it can be written.") from error
