"""Reading what opencode keeps, in both of its forms, without leaving a trace beside it.

From 1.2 on sessions stand in a SQLite database (tables ``session``, ``message``, ``part``; the last two hold JSON);
before, each session, message and part was a JSON file under ``storage/``. Both hold the same objects, which is all
that this module hands on, one message with its parts at a time.

The database belongs to a program that may be running. It is opened so that SQLite writes nothing next to it: without
a write-ahead log as an immutable file (a read-only connection would otherwise create ``-wal`` and ``-shm``), with
both log and shared memory through them, and with a log alone (a copied folder) from a private copy.
"""

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar, cast
from urllib.parse import quote

import msgspec

from seasoned.capture.jsonl import as_utf8_json
from seasoned.capture.loose import document_of, number_of
from seasoned.capture.port import Report
from seasoned.errors import InputError, UnreadableFileError
from seasoned.model import Document

__all__ = ["DatabaseStore", "FileStore", "Message", "Part", "Store", "open_database"]

T = TypeVar("T")
_LARGEST = 64 * 1024 * 1024
"""Bytes of one JSON value. As ``jsonl.MAX_LINE``."""


class Message(msgspec.Struct):
    """A message's own fields; the diffs in its summary are skipped."""

    id: object = None
    role: object = None
    time: object = None
    agent: object = None
    mode: object = None
    model_id: object = msgspec.field(default=None, name="modelID")
    model: object = None
    tokens: object = None
    cost: object = None
    finish: object = None
    error: object = None


class Part(msgspec.Struct):
    """One part of a message."""

    id: object = None
    message_id: object = msgspec.field(default=None, name="messageID")
    type: object = None
    text: object = None
    synthetic: object = None
    ignored: object = None
    call_id: object = msgspec.field(default=None, name="callID")
    tool: object = None
    state: object = None
    prompt: object = None


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_messages = msgspec.json.Decoder(Message)
_parts = msgspec.json.Decoder(Part)


class Store(Protocol):
    """Sessions and their messages, from wherever they stand."""

    def sessions(self) -> Iterator[Document]:
        """Each session with the keys of the JSON form (``parentID``, ``time``), parents before their children."""
        ...

    def session(self, session_id: str) -> Document | None:
        """One session by its id."""
        ...

    def messages(self, session_id: str) -> Iterator[tuple[str, Message, list[Part]]]:
        """(id, message, parts) in the order in which they were written. What cannot be decoded is noted."""
        ...


class DatabaseStore:
    """The SQLite form."""

    def __init__(self, connection: sqlite3.Connection, path: Path, report: Report) -> None:
        self._connection = connection
        self._path = path
        self._report = report

    def sessions(self) -> Iterator[Document]:
        """See ``Store``."""
        for row in self._rows("SELECT * FROM session ORDER BY time_created, id"):
            yield _session_of(row)

    def session(self, session_id: str) -> Document | None:
        """See ``Store``."""
        row = next(self._rows("SELECT * FROM session WHERE id = ?", session_id), None)
        return _session_of(row) if row is not None else None

    def messages(self, session_id: str) -> Iterator[tuple[str, Message, list[Part]]]:
        """See ``Store``."""
        query = "SELECT id, data FROM message WHERE session_id = ? ORDER BY time_created, id"
        for row in self._rows(query, session_id):
            message_id = _text(row["id"])
            message = _decoded(_messages, row["data"], self._report, f"message {message_id[:60]}")
            if message is None:
                continue
            parts: list[Part] = []
            for part_row in self._rows("SELECT id, data FROM part WHERE message_id = ? ORDER BY id", message_id):
                part_id = _text(part_row["id"])
                part = _decoded(_parts, part_row["data"], self._report, f"part {part_id[:60]}")
                if part is not None:
                    part.id = part_id
                    parts.append(part)
            yield message_id, message, parts

    def _rows(self, query: str, *values: str) -> Iterator[dict[str, object]]:
        try:
            cursor = self._connection.execute(query, values)
            names = [cast("str", column[0]) for column in cursor.description]
            for row in cursor:
                yield dict(zip(names, row, strict=True))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            # The second is a message of SQLite's own that quotes a damaged schema.
            raise InputError(f"{self._path}: {error}; opencode's own tables were expected") from error


class FileStore:
    """The JSON files under ``storage/``; ``path`` is that of one session."""

    def __init__(self, path: Path, report: Report) -> None:
        self._path = path
        self._root = path.parent.parent.parent
        self._report = report

    def sessions(self) -> Iterator[Document]:
        """The one session whose file it is."""
        session = _document(self._path, self._report)
        if session is None:
            raise InputError(f"{self._path}: not a session of opencode")
        yield session

    def session(self, session_id: str) -> Document | None:
        """See ``Store``; looked for in the same project."""
        for name in (f"{session_id}.json", f"ses_{session_id}.json"):
            if _is_name(name) and (path := self._path.parent / name).is_file():
                return _document(path, self._report)
        return None

    def messages(self, session_id: str) -> Iterator[tuple[str, Message, list[Part]]]:
        """See ``Store``."""
        read: list[tuple[float, str, Message]] = []
        for path in _files(self._root / "message", session_id):
            message = _decoded(_messages, _bytes(path), self._report, f"message {path.name[:60]}")
            if message is not None:
                message_id = message.id if isinstance(message.id, str) and message.id else path.stem
                read.append((number_of(document_of(message.time).get("created")) or 0.0, message_id, message))
        flat: dict[str, list[Part]] = {}
        for part in self._parts():
            flat.setdefault(str(part.message_id), []).append(part)
        for _, message_id, message in sorted(read, key=lambda item: item[:2]):
            yield message_id, message, self._parts(message_id) or flat.get(message_id, [])

    def _parts(self, message_id: str = ".") -> list[Part]:
        parts: list[Part] = []
        for path in _files(self._root / "part", message_id):
            part = _decoded(_parts, _bytes(path), self._report, f"part {path.name[:60]}")
            if part is not None:
                part.id = part.id if isinstance(part.id, str) and part.id else path.stem
                parts.append(part)
        return parts


@contextmanager
def open_database(path: Path) -> Generator[sqlite3.Connection]:
    """A connection that reads ``path`` and leaves nothing beside it. Raises UnreadableFileError."""
    log, memory = path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
    try:
        path.open("rb").close()
        logged = log.is_file() and log.stat().st_size > 0
        shared = memory.is_file()
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    if logged and not shared:
        with tempfile.TemporaryDirectory(prefix="seasoned-") as folder:
            copy = Path(folder) / "copy.db"
            try:
                shutil.copyfile(path, copy)
                shutil.copyfile(log, copy.with_name("copy.db-wal"))
            except OSError as error:
                raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
            with closing(_connect(copy, path, "mode=rw")) as connection:
                yield connection
        return
    with closing(_connect(path, path, "mode=ro" if logged else "mode=ro&immutable=1")) as connection:
        yield connection


def _connect(path: Path, named: Path, options: str) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?{options}", uri=True, timeout=5)
    except sqlite3.Error as error:
        raise UnreadableFileError(f"{named}: {error}") from error
    # Text stays bytes: what is damaged costs its own row and not the query.
    connection.text_factory = bytes
    return connection


def _session_of(row: dict[str, object]) -> Document:
    """A row in the form in which the JSON file has it."""
    session: Document = {name: _text(value) if isinstance(value, bytes) else value for name, value in row.items()}
    session["parentID"] = session.get("parent_id")
    session["time"] = {"created": session.get("time_created"), "updated": session.get("time_updated")}
    session["revert"] = document_of(session.get("revert"))
    return session


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _decoded(decoder: msgspec.json.Decoder[T], data: object, report: Report, place: str) -> T | None:
    report.records += 1
    text = data if isinstance(data, bytes) else b""
    if len(text) > _LARGEST:
        report.skip(place, f"longer than {_LARGEST >> 20} MB")
        return None
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        repaired = as_utf8_json(text)
    try:
        if repaired is not None:
            return decoder.decode(repaired)
    except msgspec.DecodeError:
        pass
    report.skip(place, "no JSON object of the expected shape")
    return None


def _document(path: Path, report: Report) -> Document | None:
    try:
        value: object = msgspec.json.decode(_bytes(path))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    report.records += 1
    return cast("Document", value) if isinstance(value, dict) else None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error


def _is_name(name: str) -> bool:
    """Whether an id from a file may become a file's name: else a transcript could say what else is to be read."""
    return _NAME.fullmatch(name) is not None


def _files(folder: Path, name: str) -> list[Path]:
    """JSON files of the folder ``name`` in ``folder``; ``.`` is ``folder`` itself."""
    if name != "." and not _is_name(name):
        return []
    within = folder / name
    return sorted(path for path in within.glob("*.json") if path.is_file()) if within.is_dir() else []
