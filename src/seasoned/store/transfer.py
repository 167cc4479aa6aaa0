"""The whole database as one portable stream, out of one engine and into another, with nothing lost.

A stream is JSON lines, gzip-compressed where the file's name ends in ``.gz``: a header (format, revision, rows of each
table), then for each table its columns and its rows as arrays, then an end line with the counts. Values stand in it in
one form whatever the engine: ids and times as text, lists and documents as JSON (keys sorted, since JSONB does not keep
their order), bytes and vectors (little-endian float32) in base64.

Everything is read in one transaction and written in one: a stream is one state of the database, and a broken stream
leaves nothing behind. Left out is only what triggers rebuild on the way in: ``keyword_counts``, ``pattern_keywords``, full text;
and ``library_revision``, which tells the processes of one machine that something changed.
"""

import gzip
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, assert_never, cast

import msgspec
from sqlalchemy import Boolean, Column, Identity, LargeBinary, Table

from seasoned.errors import InputError, OutputError, StoreTooNewError, UnreadableFileError, UsageError
from seasoned.store.column_types import Document, TextList, UtcTime, Vector
from seasoned.store.dialect import Dialect
from seasoned.store.encoding import decode_time, jsonb_text, list_text, time_text, vector_text
from seasoned.store.migrations import HEAD, KNOWN
from seasoned.store.pgvector import ensure_index
from seasoned.store.schema import ordered_tables
from seasoned.store.search import vector_column, vector_from_engine
from seasoned.store.session import Session
from seasoned.store.sql import SqlStore

__all__ = ["Progress", "export_store", "import_store"]

_FORMAT = 1
_BATCH = 500
_REBUILT = frozenset({"keyword_counts", "library_revision", "pattern_keywords"})
_BEFORE_FAILURES = frozenset({"0001"})
"""Revisions whose patterns do not count failures."""
_FAILURES = "(SELECT count(*) FROM pattern_usages u WHERE u.pattern_id = patterns.pattern_id AND NOT u.success)"
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.decode
_Convert = Callable[[Any], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a transfer is."""

    table: str
    done: int
    """Rows of all tables so far."""
    total: int
    """Rows of all tables."""


def _tables() -> list[Table]:
    return [table for table in ordered_tables() if table.name not in _REBUILT]


def _columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.computed is None]


def _same(value: object) -> object:
    return value


def _from_engine(column: Column[Any], dialect: Dialect) -> _Convert:
    """How a value of this column, as the engine gives it, is written into the stream."""
    kind = column.type
    match dialect:
        case "sqlite":
            if isinstance(kind, Boolean):
                return bool
            if isinstance(kind, TextList):
                return _decode
        case "postgresql":
            if isinstance(kind, UtcTime):
                return time_text
        case _:
            assert_never(dialect)
    if isinstance(kind, Document):
        return _decode
    if isinstance(kind, Vector):
        return lambda data: b64encode(vector_from_engine(dialect, data)).decode()
    if isinstance(kind, LargeBinary):
        return lambda data: b64encode(data).decode()
    return _same


def _to_engine(column: Column[Any], dialect: Dialect) -> _Convert:
    """Inverse of ``_from_engine``."""
    kind = column.type
    if isinstance(kind, LargeBinary):
        return b64decode
    match dialect:
        case "sqlite":
            if isinstance(kind, Document):
                return lambda value: _encode(value).decode()
            if isinstance(kind, TextList):
                return list_text
            return b64decode if isinstance(kind, Vector) else _same
        case "postgresql":
            if isinstance(kind, Document):
                return jsonb_text
            if isinstance(kind, Vector):
                return lambda value: vector_text(b64decode(value))
            return decode_time if isinstance(kind, UtcTime) else _same
        case _:
            assert_never(dialect)


@contextmanager
def _opened(path: Path, mode: str) -> Generator[IO[bytes], None, None]:
    try:
        stream = gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode)  # noqa: SIM115  # closed below
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or type(error).__name__}.") from error
    with cast("IO[bytes]", stream):
        yield cast("IO[bytes]", stream)


def _to_be_written(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "wb")) if path.suffix == ".gz" else path.open("wb")


def export_store(
    store: SqlStore, target: Path, *, progress: Callable[[Progress], None] | None = None
) -> Mapping[str, int]:
    """Write every row to ``target``; rows of each table. An existing file is replaced only when all is written.

    Raises StoreError; OutputError where the file cannot be written, and then leaves none.
    """
    partial = target.with_name(target.name + ".partial" + target.suffix)
    try:
        return _export(store, partial, target, progress)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise OutputError(f"{target}: {error.strerror or type(error).__name__}; nothing was exported.") from error


def _export(
    store: SqlStore, partial: Path, target: Path, progress: Callable[[Progress], None] | None
) -> Mapping[str, int]:
    dialect = store.engine.dialect
    with store.engine.reading() as session, _to_be_written(partial) as stream:
        counts = {str(table.name): session.rows(f"SELECT count(*) FROM {table.name}")[0][0] for table in _tables()}
        total, done = sum(counts.values()), 0
        stream.write(_encode({"seasoned_export": _FORMAT, "revision": HEAD, "rows": counts}) + b"\n")
        for table in _tables():
            columns = _columns(table)
            converters = [_from_engine(column, dialect) for column in columns]
            stream.write(
                _encode({"table": str(table.name), "columns": [str(column.name) for column in columns]}) + b"\n"
            )
            for row in session.stream(_select(table, columns, dialect)):
                values = [
                    None if value is None else convert(value) for value, convert in zip(row, converters, strict=True)
                ]
                stream.write(_encode(values) + b"\n")
                done += 1
                if progress is not None and done % _BATCH == 0:
                    progress(Progress(table=table.name, done=done, total=total))
        stream.write(_encode({"end": done}) + b"\n")
    partial.replace(target)
    if progress is not None:
        progress(Progress(table="", done=done, total=total))
    return counts


def _select(table: Table, columns: list[Column[Any]], dialect: Dialect) -> str:
    names = [vector_column(dialect) if isinstance(column.type, Vector) else f'"{column.name}"' for column in columns]
    order = ", ".join(f'"{column.name}"' for column in table.primary_key)
    return f"SELECT {', '.join(names)} FROM {table.name} ORDER BY {order}"


class _Lines:
    """The lines of a stream, decoded, with their number for messages."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self._path = path
        self._stream = stream
        self.number = 0

    def __iter__(self) -> Iterator[Any]:
        try:
            for line in self._stream:
                self.number += 1
                yield _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, EOFError, OSError) as error:
            raise InputError(f"{self._path}, line {self.number}: the export is damaged ({error}).") from error

    def wrong(self, reason: str) -> InputError:
        return InputError(f"{self._path}, line {self.number}: {reason}.")


def import_store(
    store: SqlStore, source: Path, *, progress: Callable[[Progress], None] | None = None
) -> Mapping[str, int]:
    """Read an export into an empty database; rows of each table. All of it or nothing.

    Raises UsageError when the database holds something already, InputError for a file that is no whole export,
    StoreTooNewError for one of a newer Seasoned.
    """
    with _opened(source, "rb") as stream, store.engine.writing(durable=True) as session:
        _refuse_unless_empty(session, store.engine.place)
        session.run("DELETE FROM similarity_weights")
        lines = _Lines(source, stream)
        counts = _load(session, lines, progress)
        _finish(session)
    return counts


def _refuse_unless_empty(session: Session, place: str) -> None:
    for table in _tables():
        if table.name != "similarity_weights" and session.rows(f"SELECT 1 FROM {table.name} LIMIT 1"):
            raise UsageError(f"{place}: {table.name} is not empty; an export is imported into an empty database only.")


def _load(session: Session, lines: _Lines, progress: Callable[[Progress], None] | None) -> Mapping[str, int]:
    tables = {table.name: table for table in _tables()}
    counts: dict[str, int] = {}
    insert, name, converters = "", "", list[_Convert]()
    batch: list[list[object]] = []
    revision, done, total, ended = "", 0, 0, False

    def flush() -> None:
        if batch:
            session.many(insert, batch)
            counts[name] = counts.get(name, 0) + len(batch)
            batch.clear()
            if progress is not None:
                progress(Progress(table=name, done=done, total=total))

    for line in lines:
        if lines.number == 1:
            revision, total = _check_header(line, lines)
        elif isinstance(line, list):
            values = cast("list[object]", line)
            if len(values) != len(converters) or not converters:
                raise lines.wrong("a row does not fit its table")
            try:
                batch.append(
                    [
                        None if value is None else convert(value)
                        for value, convert in zip(values, converters, strict=True)
                    ]
                )
            except (TypeError, ValueError) as error:
                raise lines.wrong(f"a value of {name} does not fit its column ({type(error).__name__})") from error
            done += 1
            if len(batch) == _BATCH:
                flush()
        elif isinstance(line, dict) and "table" in line:
            flush()
            name = str(cast("dict[str, object]", line)["table"])
            insert, converters = _insert(tables, cast("dict[str, Any]", line), session.dialect, lines)
        elif isinstance(line, dict) and cast("dict[str, object]", line).get("end") == done:
            ended = True
        else:
            raise lines.wrong("this is no line of an export")
    if not ended:
        raise lines.wrong("the export ends early")
    flush()
    if revision in _BEFORE_FAILURES:
        session.run(f"UPDATE patterns SET failure_count = {_FAILURES} WHERE usage_count - success_count >= {_FAILURES}")
    return counts


def _check_header(line: object, lines: _Lines) -> tuple[str, int]:
    header = cast("dict[str, Any]", line) if isinstance(line, dict) else {}
    if header.get("seasoned_export") != _FORMAT:
        raise lines.wrong("this is no export of Seasoned, or one of another format")
    if header.get("revision") not in KNOWN:
        raise StoreTooNewError(
            f"the export is of revision {header.get('revision')}, this Seasoned knows up to {HEAD}. Upgrade Seasoned."
        )
    rows = header.get("rows")
    total = sum(cast("dict[str, int]", rows).values()) if isinstance(rows, dict) else 0
    return str(header["revision"]), total


def _insert(
    tables: Mapping[str, Table], line: Mapping[str, Any], dialect: Dialect, lines: _Lines
) -> tuple[str, list[_Convert]]:
    table = tables.get(str(line["table"]))
    names = line.get("columns")
    if table is None or not isinstance(names, list):
        raise lines.wrong(f"unknown table {line['table']!r}")
    known = {column.name: column for column in _columns(table)}
    columns = [known.get(str(name)) for name in cast("list[object]", names)]
    converters = [_to_engine(column, dialect) for column in columns if column is not None]
    if len(converters) != len(columns) or not columns:
        raise lines.wrong(f"{table.name} has columns that this Seasoned does not know")
    listed = ", ".join(f'"{name}"' for name in cast("list[object]", names))
    return f"INSERT INTO {table.name} ({listed}) VALUES ({', '.join('?' * len(converters))})", converters


def _finish(session: Session) -> None:
    """What the engine does not do by itself when keys are given: counters of PostgreSQL's keys, indexes of models."""
    if session.dialect != "postgresql":
        return
    for table in ordered_tables():
        for column in table.primary_key:
            if isinstance(column.server_default, Identity):
                session.run(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), "
                    f"greatest(max({column.name}), 1), max({column.name}) IS NOT NULL) FROM {table.name}"
                )
    for model, dimensions in session.rows("SELECT DISTINCT model, dimensions FROM embeddings"):
        ensure_index(session, model, dimensions)
