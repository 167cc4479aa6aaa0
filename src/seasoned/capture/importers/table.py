"""Old logs: a table of executions with at least a prompt, a start and a status, from a CSV file or a database.

Columns are found by name, in whatever case and with whatever separators, under the names that such tables commonly use
(``COLUMNS``); what is not known is kept as metadata. Where a column is missing the error lists what was found. A status
becomes an outcome only where its word says how it ended: ``completed`` says that it ended and no more.

A database is named by a URL with the table behind ``#``: ``sqlite:///logs.db#runs``, ``postgresql://host/db#runs``.
It is opened read-only and read row by row. SQLite needs nothing; PostgreSQL needs psycopg, which is imported when it
is asked for.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.excerpt import cut_arguments, plain
from seasoned.capture.importers.table_sources import Row, csv_rows, database_rows, is_database
from seasoned.capture.loose import document_of, items_of, number_of, time_of, whole_of
from seasoned.capture.outcome import signal
from seasoned.capture.port import Recording, Report, Resume, Source
from seasoned.errors import InputError
from seasoned.model import Document, Signal
from seasoned.model.ids import occurrence_id, source_id

__all__ = ["COLUMNS", "TableImporter"]

COLUMNS: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "user_prompt", "original_prompt", "task", "task_description", "instruction", "request",
               "query", "question", "description", "input"),
    "started_at": ("started_at", "start", "start_time", "started", "created_at", "timestamp", "begin", "date",
                   "time"),
    "status": ("status", "outcome", "result_status", "state", "success", "succeeded", "is_success", "passed"),
    "completed_at": ("completed_at", "end", "end_time", "ended_at", "finished_at", "completed", "finished"),
    "duration_ms": ("duration_ms", "duration_milliseconds", "elapsed_ms", "execution_time_ms", "latency_ms"),
    "duration_s": ("duration", "duration_s", "duration_seconds", "elapsed", "elapsed_s", "execution_time"),
    "execution_id": ("execution_id", "id", "run_id", "trace_id", "path_id", "uuid"),
    "session_id": ("session_id", "session", "conversation_id", "thread_id"),
    "correlation_id": ("correlation_id", "request_id"),
    "agent_name": ("agent_name", "agent", "assistant", "bot"),
    "model": ("model", "model_name", "llm"),
    "user_id": ("user_id",),
    "error_type": ("error_type", "error_class", "exception_type"),
    "error_message": ("error_message", "error", "error_text", "exception", "failure_reason"),
    "input_tokens": ("input_tokens", "prompt_tokens", "tokens_in"),
    "output_tokens": ("output_tokens", "completion_tokens", "tokens_out"),
    "total_tokens": ("total_tokens", "total_tokens_used", "tokens"),
    "cost_usd": ("cost_usd", "cost", "total_cost", "total_cost_usd"),
    "repo": ("repo", "repository", "project", "project_name"),
    "git_branch": ("git_branch", "branch"),
    "cwd": ("cwd", "working_directory", "project_path", "directory"),
    "tools": ("tools_used", "tools"),
    "tags": ("tags", "labels"),
}  # fmt: skip
"""What is read → names that it goes by, the surest first."""

_REQUIRED = ("prompt", "started_at", "status")
_SUCCESS = {"success", "succeeded", "successful", "passed", "pass", "ok", "solved", "resolved", "true", "t", "yes", "1"}
_FAILURE = {"failure", "failed", "fail", "error", "errored", "crashed", "false", "f", "no", "0"}
_ABORTED = {"aborted", "abort", "cancelled", "canceled", "interrupted", "stopped", "killed", "timeout", "timed_out"}
_RUNNING = {"in_progress", "running", "started", "pending", "queued", "active"}
_MOST_METADATA = 40


class TableImporter:
    """Reads ``table``: CSV of any dialect, or a table or view of a database."""

    name = "table"

    def recognises(self, path: Path, head: bytes) -> bool:
        """Text with a header line that names a prompt, a start and a status."""
        if path.suffix.lower() not in {".csv", ".tsv"} or b"\0" in head:
            return False
        first = head.decode("utf-8-sig", "replace").split("\n", 1)[0]
        names = [name.strip(' "\r') for name in re.split(r"[,;\t|]", first)]
        return all(column in _mapping(names) for column in _REQUIRED)

    def read(self, source: Source, report: Report) -> Iterator[Recording]:
        """One execution per row, in the table's order."""
        where = str(source.path)
        if is_database(where):
            yield from self._rows(source, report, database_rows(where), _text(Path(where.partition("#")[0]).stem))
            return
        if source.resume is not None and source.resume.offset >= source.size:
            return
        yield from self._rows(source, report, csv_rows(source, report), _text(source.path.stem))

    def _rows(self, source: Source, report: Report, rows: Iterable[Row], table: str) -> Iterator[Recording]:
        mapping: dict[str, str] | None = None
        repeated: dict[str, int] = {}
        waiting: Recording | None = None
        for row in rows:
            if mapping is None:
                mapping = _mapping(list(row.values))
                missing = [column for column in _REQUIRED if column not in mapping]
                if missing:
                    raise InputError(_complaint(where=str(source.path), found=list(row.values), missing=missing))
            report.records += 1
            recording = self._execution(source, report, row, mapping=mapping, table=table, repeated=repeated)
            if recording is None:
                continue
            if waiting is not None:
                yield waiting
            waiting = recording
        if waiting is not None:
            yield replace(waiting, resume=Resume(offset=source.size))

    def _execution(
        self,
        source: Source,
        report: Report,
        row: Row,
        *,
        mapping: dict[str, str],
        table: str,
        repeated: dict[str, int],
    ) -> Recording | None:
        def value(column: str) -> object:
            name = mapping.get(column)
            found = row.values.get(name) if name else None
            return None if isinstance(found, str) and found.strip().lower() in {"", "null", "none", "nan"} else found

        prompt = _text(value("prompt"))
        started_at = _when(value("started_at"))
        if not prompt:
            report.skip(row.place, "no prompt")
            return None
        if started_at is None:
            report.skip(row.place, "its start is no time")
            return None
        session = _text(value("session_id")) or _text(value("correlation_id")) or table
        native = _text(value("execution_id"))
        if native:
            execution_id = source_id(self.name, "", native)
        else:
            key = f"{session}\n{started_at.isoformat()}\n{prompt}"
            ordinal = repeated[key] = repeated.get(key, -1) + 1
            execution_id = occurrence_id(self.name, session, "prompt", key, ordinal)
        facts = Facts(
            source=self.name,
            namespace=source.namespace,
            session_id=session,
            agent_name=_text(value("agent_name")) or None,
            user_id=_text(value("user_id")) or None,
            repo=_text(value("repo")) or None,
            git_branch=_text(value("git_branch")) or None,
            cwd=_text(value("cwd")) or None,
        )
        builder = ExecutionBuilder(facts, execution_id, prompt=prompt, started_at=started_at)
        duration_ms = _duration_ms(value("duration_ms"), value("duration_s"))
        builder.seen(_when(value("completed_at")))
        builder.model = _text(value("model")) or None
        builder.error_type = _text(value("error_type")) or None
        builder.error_message = _text(value("error_message")) or None
        builder.input_tokens, builder.output_tokens = whole_of(value("input_tokens")), whole_of(value("output_tokens"))
        parts = [count for count in (builder.input_tokens, builder.output_tokens) if count is not None]
        builder.total_tokens = whole_of(value("total_tokens")) or (sum(parts) if parts else None)
        builder.cost_usd = number_of(value("cost_usd"))
        builder.tags = tuple(_list(value("tags")))
        for tool in _list(value("tools")):
            builder.add("tool", tool, outcome="unknown")
        status = _text(value("status")).strip().lower().replace(" ", "_").replace("-", "_")
        if (found := _verdict(status)) is not None:
            builder.signal(found)
        builder.metadata = _rest(row.values, mapping)
        recording = builder.build(ended=status not in _RUNNING)[-1]
        trace = recording.update.trace
        no_end = mapping.get("completed_at") is None or value("completed_at") is None
        if duration_ms is not None or no_end:
            trace = replace(trace, duration_ms=duration_ms)
            if no_end:
                trace = replace(trace, completed_at=None)
        return replace(recording, update=replace(recording.update, trace=trace))


def _mapping(names: Iterable[str]) -> dict[str, str]:
    """What is read → the table's own column name."""
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(
            re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_"), name
        )
    taken: set[str] = set()
    found: dict[str, str] = {}
    for column, aliases in COLUMNS.items():
        for alias in aliases:
            if alias in plain and plain[alias] not in taken:
                found[column] = plain[alias]
                taken.add(plain[alias])
                break
    return found


def _complaint(*, where: str, found: list[str], missing: list[str]) -> str:
    needs = "; ".join(f"{column} (or {', '.join(COLUMNS[column][1:5])})" for column in missing)
    return f"{_shown(where)}: no column for {needs}. Columns found: {', '.join(found[:50]) or 'none'}."


def _shown(url: str) -> str:
    """A database URL fit to be shown."""
    return re.sub(r"(://?[^:/@]*):[^@/]*@", r"\1:…@", url)


def _text(value: object) -> str:
    return "" if value is None else plain(value if isinstance(value, str) else str(value))


def _when(value: object) -> datetime | None:
    return time_of(value.isoformat()) if isinstance(value, datetime) else time_of(value)


def _duration_ms(milliseconds: object, seconds: object) -> int | None:
    found = whole_of(milliseconds)
    if found is not None:
        return found
    given = number_of(seconds)
    return round(given * 1000) if given is not None and 0 <= given < 1e12 else None


def _list(value: object) -> list[str]:
    """A list as a database gives it, as JSON text, or as words between commas or in PostgreSQL's braces."""
    if isinstance(value, str):
        parsed = document_of('{"items":' + value + "}") if value.lstrip().startswith("[") else {}
        items = items_of(parsed.get("items")) or list[object](value.strip("{}[]").split(","))
    else:
        items = items_of(value)
    return [word for item in items[:100] if (word := _text(item).strip(' "'))]


def _verdict(status: str) -> Signal | None:
    if status in _SUCCESS:
        return signal("verdict", "success", f"status {status}")
    if status in _FAILURE:
        return signal("verdict", "failure", f"status {status}")
    if status in _ABORTED:
        return signal("verdict", "aborted", f"status {status}")
    return None


def _rest(values: dict[str, object], mapping: dict[str, str]) -> Document | None:
    used = set(mapping.values())
    rest: Document = {}
    for name, value in values.items():
        if name in used or value is None or value == "" or len(rest) >= _MOST_METADATA:
            continue
        rest[name] = value if isinstance(value, bool | int | float | str | dict | list) else str(value)
    return cut_arguments(rest) or None
