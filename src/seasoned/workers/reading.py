"""Reading histories: files → recordings → redacted events, in batches, here or in processes of their own.

Reading, assembling and redacting a file are pure and cost most of an import's time. A batch that leaves a process is
encoded events and goes through a bounded queue: memory is that of a few batches, whatever the size of the history. A
batch says how far its file is read only where everything before that place is in it or behind it.
"""

import multiprocessing
import os
import queue
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from seasoned.capture import Found, Redactor, Report, Resume, Source, digest, importer
from seasoned.capture.discover import UNKNOWN_TIME
from seasoned.errors import InputError, SeasonedError, UnreadableFileError
from seasoned.learn.fingerprint import task_hash
from seasoned.model import Event, ExecutionUpdate
from seasoned.model.codec import encode_event, encode_payload
from seasoned.model.ids import fingerprint_id, name_id
from seasoned.store import ImportState

__all__ = [
    "BATCH_EVENTS",
    "BATCH_SPANS",
    "Batch",
    "FileResult",
    "ImportOptions",
    "Task",
    "batches",
    "event_of",
    "noted_by",
    "state_name",
]

BATCH_EVENTS = 200
BATCH_SPANS = 4_000
_DEFAULT_NAMESPACE = "default"
_PARALLEL_FROM_BYTES = 24 * 1024 * 1024
"""Below this, starting processes costs more than it saves (0.25 s for the first batch, measured)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How to import."""

    namespace: str
    redactor_key: bytes
    """Key of the namespace's placeholders."""
    redactor_rules: tuple[tuple[str, str], ...] = ()
    """The user's own (name, pattern) rules."""
    redactor_allow: tuple[str, ...] = ()
    only: str | None = None
    """Name of the one importer to use for every file."""
    jobs: int | None = None
    """Reading processes; None: as many as there are spare cores and enough to do."""
    again: bool = False
    """Read files anew that are known and unchanged."""
    dry_run: bool = False
    """Read and count, write nothing."""


@dataclass(slots=True, kw_only=True)
class FileResult:
    """What became of one file."""

    path: Path
    importer: str
    report: Report
    error: str | None = None
    """Why the rest of the file could not be read."""


@dataclass(slots=True, kw_only=True)
class Task:
    """One file to read."""

    found: Found
    known: ImportState | None
    """How far it was read before; None: from the start."""


@dataclass(slots=True, kw_only=True)
class Batch:
    """News of one file on its way to the writer."""

    index: int
    """Of its task."""
    events: list[bytes] | list[Event]
    progress: ImportState | None = None
    bytes_done: int = 0
    redactions: int = 0
    """Secrets replaced in the whole file; stands on its last batch."""
    result: FileResult | None = None
    """Set on the file's last batch."""


def event_of(update: ExecutionUpdate, *, now: datetime) -> Event:
    """The event that carries a redacted update. ``now`` stands in where the source knows no time."""
    trace = update.trace
    ended = trace.status != "in_progress"
    content = blake2b(encode_payload(update, keep=True), digest_size=16).hexdigest()
    correlation_id = trace.correlation_id or trace.execution_id
    key = correlation_id
    if ended and trace.prompt:
        key = fingerprint_id(task_hash(trace.namespace, trace.prompt))
    return Event(
        event_id=name_id(trace.execution_id, "update", content),
        topic="task-executions" if ended else "agent-actions",
        key=key,
        occurred_at=trace.completed_at or trace.started_at or now,
        namespace=trace.namespace,
        correlation_id=correlation_id,
        root_id=trace.root_id,
        parent_id=trace.parent_id,
        payload=update,
    )


def state_name(found: Found, options: ImportOptions) -> str:
    """Each namespace has its own progress: a file that one has read is not known to another."""
    # A file's name is bytes to the system; those that are no text are written as escapes.
    path = os.fsencode(found.path).decode("utf-8", "backslashreplace")
    return path if options.namespace == _DEFAULT_NAMESPACE else f"{path} in {options.namespace}"


def noted_by(names: Iterable[str], namespace: str) -> list[str]:
    """Names under which ``namespace`` may have noted an import. Of the default namespace's nobody can tell them from
    another's, so all are; a file that is noted no more is read once more, which changes nothing."""
    return [name for name in names if namespace == _DEFAULT_NAMESPACE or name.endswith(f" in {namespace}")]


def batches(tasks: list[Task], options: ImportOptions, total: int) -> Iterator[Batch]:
    """Read every file, here or in processes of their own; ``total`` is the bytes of all of them. Raises InputError when
    a reading process is lost; what is wrong with a file stands in its result."""
    jobs = options.jobs
    if jobs is None:
        spare = max(1, (os.cpu_count() or 1) - 1)
        jobs = 0 if total < _PARALLEL_FROM_BYTES else min(spare, len(tasks))
    if jobs <= 0:
        redactor = _redactor(options)
        for index, task in enumerate(tasks):
            yield from _read_file(index, task, options, redactor)
    else:
        yield from _read_in_processes(tasks, options, jobs)


def _redactor(options: ImportOptions) -> Redactor:
    """One for all files that a process reads: it remembers the texts that files have in common."""
    return Redactor(options.redactor_key, extra_rules=options.redactor_rules, allow=options.redactor_allow)


def _read_file(index: int, task: Task, options: ImportOptions, redactor: Redactor) -> Iterator[Batch]:
    """One file's news. The last batch bears the result; what went wrong with the file stands there."""
    found = task.found
    name = state_name(found, options)
    report = Report()
    result = FileResult(path=found.path, importer=found.importer, report=report)
    redactions_before = redactor.redactions
    known_time = found.modified_ns != UNKNOWN_TIME
    now = datetime.fromtimestamp(found.modified_ns / 1e9, tz=UTC) if known_time else datetime.now(UTC)
    source = Source(path=found.path, namespace=options.namespace, size=found.size, resume=_resume(task))
    events: list[Event] = []
    spans = 0
    told = False
    reached: Resume | None = None
    state: ImportState | None = None
    try:
        for recording in importer(found.importer).read(source, report):
            events.append(event_of(redactor.update(recording.update), now=now))
            spans += len(recording.update.spans)
            told, reached = True, recording.resume or reached
            if len(events) >= BATCH_EVENTS or spans >= BATCH_SPANS:
                # Progress may only be saved with everything before it, and a resume point lies behind its recording.
                yield Batch(
                    index=index,
                    events=events,
                    progress=_state(name, found, recording.resume, final=False)
                    if recording.resume is not None
                    else None,
                    bytes_done=reached.offset if reached is not None else 0,
                )
                events, spans = [], 0
        if reached is None:
            # Where nothing is told yet, the next reading needs what stands there so far: a session's header, say.
            reached = Resume(offset=found.size) if told else source.resume or Resume(offset=0)
        state = _state(name, found, reached, final=True)
    except SeasonedError as error:
        result.error = str(error)
    except Exception as error:  # noqa: BLE001  # the outermost loop over files: one must not cost the others
        result.error = f"the importer {found.importer} failed: {_fault(error)}. Please report this."
    yield Batch(
        index=index,
        events=events,
        progress=state,
        bytes_done=found.size,
        redactions=redactor.redactions - redactions_before,
        result=result,
    )


def _fault(error: Exception) -> str:
    """Which error and where, without its text: that may quote what stands in the file."""
    trail = error.__traceback__
    while trail is not None and trail.tb_next is not None:
        trail = trail.tb_next
    place = f" in {Path(trail.tb_frame.f_code.co_filename).name}:{trail.tb_lineno}" if trail is not None else ""
    return f"{type(error).__name__}{place}"


def _state(name: str, found: Found, resume: Resume, *, final: bool) -> ImportState:
    return ImportState(
        file=name,
        size=found.size if final else resume.offset,
        modified_ns=max(0, found.modified_ns) if final else 0,
        offset=resume.offset,
        digest=digest(found.path, resume.offset) if found.path.is_file() else "",
        state=resume.state,
        importer=found.importer,
    )


def _resume(task: Task) -> Resume | None:
    known, found = task.known, task.found
    if known is None or known.importer != found.importer or known.offset > found.size:
        return None
    if found.path.is_file():
        try:
            if digest(found.path, known.offset) != known.digest:
                return None
        except UnreadableFileError:
            return None
    return Resume(offset=known.offset, state=dict(known.state))


def _read_in_processes(tasks: list[Task], options: ImportOptions, jobs: int) -> Iterator[Batch]:
    context = multiprocessing.get_context("spawn")
    todo: multiprocessing.Queue[tuple[int, Task] | None] = context.Queue()
    done: multiprocessing.Queue[Batch | str] = context.Queue(maxsize=4 * jobs)
    # Largest first, so that no process is left alone with the biggest file at the end.
    for index, task in sorted(enumerate(tasks), key=lambda item: -item[1].found.size):
        todo.put((index, task))
    for _ in range(jobs):
        todo.put(None)
    processes = [context.Process(target=_work, args=(todo, done, options), daemon=True) for _ in range(jobs)]
    # An interruption is this process's business. Blocked from the start on: ignoring it would come too late for one
    # that is still loading, and each would print its own last words.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for process in processes:
            process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    open_files = len(tasks)
    try:
        while open_files:
            try:
                batch = done.get(timeout=1.0)
            except queue.Empty:
                if not any(process.is_alive() for process in processes) and done.empty():
                    raise InputError("A reading process ended without a word; run again with --jobs 0.") from None
                continue
            if isinstance(batch, str):
                raise InputError(f"A reading process failed: {batch}")
            open_files -= batch.result is not None
            yield batch
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
            process.join()


def _work(
    todo: "multiprocessing.Queue[tuple[int, Task] | None]",
    done: "multiprocessing.Queue[Batch | str]",
    options: ImportOptions,
) -> None:
    try:
        redactor = _redactor(options)
        while (item := todo.get()) is not None:
            for batch in _read_file(item[0], item[1], options, redactor):
                batch.events = [encode_event(event) for event in batch.events if isinstance(event, Event)]
                done.put(batch)
    except Exception as error:  # the process's outermost loop: the parent turns this into its own error
        done.put(f"{type(error).__name__}: {error}")
        raise
