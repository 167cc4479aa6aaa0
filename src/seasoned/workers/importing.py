"""Importing histories: what is read (``workers.reading``) goes to the writer, with how far it was read.

This process alone writes. Progress in a file is saved in the transaction that holds its rows, so an import that is
killed goes on where its last commit ended, and arrives at the rows of an undisturbed one.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seasoned.capture import Found, find
from seasoned.capture.discover import UNKNOWN_TIME
from seasoned.model import Event, ExecutionUpdate
from seasoned.model.codec import decode_event
from seasoned.store import ImportState, Store
from seasoned.workers.agreement import Settled
from seasoned.workers.reading import BATCH_EVENTS, BATCH_SPANS, FileResult, ImportOptions, Task, batches, state_name
from seasoned.workers.writer import Applied, Writer

__all__ = ["ImportProgress", "ImportResult", "Tally", "import_histories"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """Where a running import stands."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    traces: int
    spans: int


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was read, whether new or known. An execution that stands in several files counts once."""

    traces: dict[str, tuple[int, int, int]] = field(default_factory=dict[str, tuple[int, int, int]])
    """Execution id → revision, input and output tokens of its fullest reading."""
    sessions: set[str] = field(default_factory=set[str])
    span_ids: set[int] = field(default_factory=set[int])
    """Hashes of span ids: 60 bytes for each span instead of 200."""
    tool_calls: int = 0
    tool_errors: int = 0
    redactions: int = 0

    def add(self, update: ExecutionUpdate) -> None:
        """Count one update."""
        trace = update.trace
        tokens = (trace.revision, trace.input_tokens or 0, trace.output_tokens or 0)
        if trace.execution_id not in self.traces or tokens > self.traces[trace.execution_id]:
            self.traces[trace.execution_id] = tokens
        if trace.session_id:
            self.sessions.add(trace.session_id)
        for span in update.spans:
            key = hash(span.span_id)
            if key in self.span_ids:
                continue
            self.span_ids.add(key)
            if span.kind == "tool":
                self.tool_calls += 1
                self.tool_errors += span.outcome == "failure"

    @property
    def spans(self) -> int:
        """Distinct spans."""
        return len(self.span_ids)

    @property
    def input_tokens(self) -> int:
        """Prompt tokens not read from a cache."""
        return sum(tokens[1] for tokens in self.traces.values())

    @property
    def output_tokens(self) -> int:
        """Generated tokens."""
        return sum(tokens[2] for tokens in self.traces.values())


@dataclass(slots=True, kw_only=True)
class ImportResult:
    """What one import did."""

    files: list[FileResult] = field(default_factory=list[FileResult])
    """Those that were read."""
    unchanged: int = 0
    """Files known already, and not read again."""
    unreadable: list[str] = field(default_factory=list[str])
    """Files and folders that could not be opened, with the reason."""
    not_recognised: list[Path] = field(default_factory=list[Path])
    """Files that were named directly and that no importer reads."""
    bytes_read: int = 0
    seconds: float = 0.0
    tally: Tally = field(default_factory=Tally)
    applied: Applied = field(default_factory=Applied)
    settled: Settled = field(default_factory=Settled)
    """Outcomes by agreement with other runs, made or withdrawn after the import."""


def import_histories(
    paths: Sequence[Path],
    store: Store,
    writer: Writer,
    options: ImportOptions,
    on_progress: Callable[[ImportProgress], None] | None = None,
) -> ImportResult:
    """Import every history at or below ``paths``.

    A file that cannot be read costs no other; StoreError ends the import, and what was committed stays.
    """
    result = ImportResult()
    files = list(find(paths, result.unreadable, only=options.only))
    states = store.import_states([state_name(found, options) for found in files])
    tasks: list[Task] = []
    found_below: set[Path] = set()
    for found in files:
        found_below.add(found.path)
        known = states.get(state_name(found, options))
        if not options.again and known is not None and _unchanged(found, known):
            result.unchanged += 1
        else:
            tasks.append(Task(found=found, known=None if options.again else known))
    refused = {reason.partition(": ")[0] for reason in result.unreadable}
    result.not_recognised = [
        path for path in paths if str(path) not in refused and path.is_file() and path.resolve() not in found_below
    ]
    total = sum(task.found.size for task in tasks)
    files_done = bytes_done = 0
    pending: list[Event] = []
    progress: dict[str, ImportState] = {}

    def flush() -> None:
        if pending or progress:
            if not options.dry_run:
                _add(result.applied, writer.ingest(pending, list(progress.values())))
            pending.clear()
            progress.clear()

    done_of: dict[int, int] = {}
    for batch in batches(tasks, options, total):
        for item in batch.events:
            event = decode_event(item, keep=True) if isinstance(item, bytes) else item
            result.tally.add(event.update)
            pending.append(event)
        if batch.progress is not None:
            progress[batch.progress.file] = batch.progress
        bytes_done += batch.bytes_done - done_of.get(batch.index, 0)
        done_of[batch.index] = batch.bytes_done
        if batch.result is not None:
            files_done += 1
            result.files.append(batch.result)
            result.tally.redactions += batch.redactions
        if len(pending) >= BATCH_EVENTS or sum(len(event.update.spans) for event in pending) >= BATCH_SPANS:
            flush()
        if on_progress is not None:
            on_progress(
                ImportProgress(
                    files_done=files_done,
                    files_total=len(tasks),
                    bytes_done=bytes_done,
                    bytes_total=total,
                    traces=result.applied.traces,
                    spans=result.applied.spans,
                )
            )
    flush()
    result.applied.dead += _elsewhere(result.applied, options.namespace)
    result.bytes_read = bytes_done
    result.files.sort(key=lambda each: each.path)
    return result


def _elsewhere(applied: Applied, namespace: str) -> list[str]:
    """What is said of executions that another namespace has, in one sentence for each of those."""
    return [
        f"{count} executions belong to namespace {owner!r}, which recorded them first; they stay there and are not in "
        f"{namespace!r}"
        for owner, count in sorted(Counter(applied.elsewhere.values()).items())
    ]


def _unchanged(found: Found, known: ImportState) -> bool:
    if found.modified_ns == UNKNOWN_TIME:
        return False
    return found.importer == known.importer and found.size == known.size and found.modified_ns == known.modified_ns


def _add(total: Applied, more: Applied) -> None:
    total.events += more.events
    total.duplicates += more.duplicates
    total.traces += more.traces
    total.new_traces += more.new_traces
    total.spans += more.spans
    total.forgotten += more.forgotten
    total.dead.extend(more.dead)
    total.elsewhere.update(more.elsewhere)
    total.dead.extend(reason for event, reason in more.refused if event.update.trace.execution_id not in more.elsewhere)
