"""Which files there are to import, which importer reads each, and what of them is new.

Agents keep their histories in known places (``HOMES``); a user may also point at any file or folder. A file counts
as unchanged while its size and time of modification are; as *grown* while the head and tail of what was read are still
the same bytes; otherwise it is read anew, which the identity rules make harmless.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import msgspec

from seasoned.capture.importers import importer, importers
from seasoned.capture.port import Importer
from seasoned.errors import UnreadableFileError

__all__ = ["HOMES", "UNKNOWN_TIME", "AgentHome", "Found", "agent_homes", "digest", "find", "misfit", "recognise"]

HEAD_BYTES = 64 * 1024
UNKNOWN_TIME = -1
"""``Found.modified_ns`` of what is no file (a repository, a table): only reading it tells whether it changed."""
_WINDOW = 64 * 1024
_SKIPPED_FOLDERS = {".git", "node_modules", ".venv", "__pycache__"}
_DATABASES = {".db", ".sqlite", ".sqlite3"}
_NEVER = {".png", ".jpg", ".jpeg", ".gif", ".zip", ".gz", ".pdf", ".so", ".pyc", ".parquet", ".onnx", ".md", ".py"}


_TRANSCRIPTS = {".jsonl", ".traj"}
"""Names that only transcripts have: in a folder, one that is none is worth a word."""
_ORDINARY_LINE = 16 * 1024
_SEARCHED_BYTES = 512 * 1024 * 1024
"""Read at most, looking for lines behind damaged ones; a second or less."""
_MAGIC = (
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"\x1f\x8b", "compressed with gzip; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first"),
    (b"SQLite format 3\0", "a SQLite database that is not one of a known agent"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentHome:
    """Where one agent keeps its histories."""

    importer: str
    agent: str
    """Name fit to be shown."""
    path: Path
    pattern: str
    """Glob below ``path``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file and the importer that reads it."""

    path: Path
    importer: str
    size: int
    modified_ns: int


HOMES: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    # importer, agent, environment variables that move it, default below the home folder, glob
    ("claude_code", "Claude Code", ("CLAUDE_CONFIG_DIR",), ".claude", "projects/**/*.jsonl"),
    ("codex", "Codex CLI", ("CODEX_HOME",), ".codex", "sessions/**/*.jsonl"),
    ("gemini", "Gemini CLI", ("GEMINI_CLI_HOME",), ".gemini", "tmp/*/chats/*.json*"),
    ("opencode", "opencode", ("OPENCODE_DATA_DIR",), ".local/share/opencode", "opencode*.db"),
    ("opencode", "opencode before 1.2", ("OPENCODE_DATA_DIR",), ".local/share/opencode", "storage/session/*/*.json"),
)


def agent_homes(home: Path, environment: dict[str, str]) -> list[AgentHome]:
    """The places of ``HOMES`` that hold any history, for a user whose home folder is ``home``."""
    found: list[AgentHome] = []
    for name, agent, variables, default, pattern in HOMES:
        moved = next((environment[variable] for variable in variables if environment.get(variable)), None)
        path = Path(moved) if moved else home / default
        if path.is_dir() and next(path.glob(pattern), None) is not None:
            found.append(AgentHome(importer=name, agent=agent, path=path, pattern=pattern))
    return found


def find(paths: Iterable[Path], unreadable: list[str], *, only: str | None = None) -> Iterator[Found]:
    """Every importable file at or below ``paths``, each once, in the order of their names.

    What cannot be opened is described in ``unreadable`` and passed over. ``only`` is the name of the one importer to
    use, which is then taken at its word. A file named directly that nothing recognises raises nothing here: the caller
    sees that it is missing.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if only == "git" and os.path.isdir(path):  # noqa: PTH112  # says no where Path.is_dir raises
            yield Found(path=path.resolve(), importer=only, size=0, modified_ns=UNKNOWN_TIME)
            continue
        if only == "table" and "#" in path.name and not os.path.lexists(path):
            yield Found(path=path, importer=only, size=0, modified_ns=UNKNOWN_TIME)
            continue
        for file in _walk(path, unreadable):
            try:
                status = file.stat()
            except OSError as error:
                unreadable.append(f"{file}: {error.strerror or error}")
                continue
            if not stat.S_ISREG(status.st_mode):
                # Opening a pipe would wait for its writer, and a device has no end.
                unreadable.append(f"{file}: not a regular file")
                continue
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            try:
                chosen = importer(only) if only else recognise(file)
            except UnreadableFileError as error:
                unreadable.append(str(error))
                continue
            if chosen is None and file != path and file.suffix.lower() in _TRANSCRIPTS:
                reason = misfit(file)
                if reason is not None:
                    unreadable.append(f"{file}: {reason}")
            if chosen is not None:
                modified_ns = max(status.st_mtime_ns, _log_modified_ns(file))
                yield Found(path=file.resolve(), importer=chosen.name, size=status.st_size, modified_ns=modified_ns)


def _log_modified_ns(path: Path) -> int:
    """When the write-ahead log beside a SQLite file was last written: the file itself may lag behind it. 0: none."""
    if path.suffix not in _DATABASES:
        return 0
    try:
        return path.with_name(f"{path.name}-wal").stat().st_mtime_ns
    except OSError:
        return 0


def recognise(path: Path) -> Importer | None:
    """The importer that reads this file, by its content; None where no importer does.

    A file of lines whose first ones are damaged, or longer than any head, is judged by those that are not.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            chosen = next((each for each in importers() if each.recognises(path, head)), None)
            if chosen is not None or path.suffix.lower() != ".jsonl":
                return chosen
            file.seek(0)
            head = _sound_lines(file)
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    return next((each for each in importers() if each.recognises(path, head)), None)


def _sound_lines(file: BinaryIO) -> bytes:
    """The first lines that are whole JSON objects of ordinary length."""
    found: list[bytes] = []
    left, room = _SEARCHED_BYTES, HEAD_BYTES
    begins = True
    while left > 0 and room > 0 and (line := file.readline(_ORDINARY_LINE)):
        left -= len(line)
        whole = begins and line.endswith(b"\n")
        begins = line.endswith(b"\n")
        sound = line.strip(b" \t\r\n\0") if whole else b""
        if sound.startswith(b"{") and _is_json(sound):
            found.append(sound)
            room -= len(sound)
    return b"\n".join(found)


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def misfit(path: Path) -> str | None:
    """What a file that no importer recognises is instead; None for text that is simply something else.

    Raises UnreadableFileError.
    """
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    if not head:
        return "empty"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    return "binary data, or text that is not UTF-8; save it as UTF-8" if b"\0" in head else None


def digest(path: Path, end: int) -> str:
    """Over the first and last 64 KiB before byte ``end``: tells a file that has grown from one that was rewritten."""
    hashed = blake2b(str(end).encode(), digest_size=16)
    try:
        with path.open("rb") as file:
            hashed.update(file.read(min(_WINDOW, end)))
            if end > _WINDOW:
                file.seek(max(_WINDOW, end - _WINDOW))
                hashed.update(file.read(end - file.tell()))
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    return hashed.hexdigest()


def _walk(path: Path, unreadable: list[str]) -> Iterator[Path]:
    if not os.path.isdir(path):  # noqa: PTH112  # says no where Path.is_dir raises
        yield path
        return

    def refused(error: OSError) -> None:
        unreadable.append(f"{error.filename}: {error.strerror or error}")

    for folder, folders, files in os.walk(path, onerror=refused):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        for name in sorted(files):
            if Path(name).suffix.lower() not in _NEVER:
                yield Path(folder, name)
