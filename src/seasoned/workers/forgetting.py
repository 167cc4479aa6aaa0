"""Erasing executions, and everything that was derived from them: rows, log, and what was learned.

One write transaction does all of it: the rows go, what stays is counted again, outcomes by agreement are judged again, and
the learner runs on what is left, inside the same transaction (``Store.within``). So nobody ever sees a store that is half
forgotten, and a process that is killed has done nothing, or everything but ``tidy``, which may run as often as one likes.
Other writers wait meanwhile; trackers and hooks do not, since they write to the spool.

Invariant: ``forget`` of B in a history of A and B leaves the rows of A imported alone, but for clocks, row numbers, positions
of the log, the audit log and the ids of B, which stay so that no later import brings B back.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from seasoned.capture import find
from seasoned.errors import AccessDeniedError, UnreadableFileError
from seasoned.learn.fingerprint import file_patterns, fingerprint
from seasoned.library.learned import untouched
from seasoned.model import LEARNER, AuditEntry, Fingerprint, Identity, Pattern, Template
from seasoned.model.codec import decode_event
from seasoned.store import Forgotten, Holdings, PatternQuery, Selection, Store, TaskSource, TraceQuery, Writing
from seasoned.workers.agreement import settle_again
from seasoned.workers.learning import LearnOptions, learn_history
from seasoned.workers.reading import ImportOptions, Task, batches, noted_by, state_name
from seasoned.workers.unlearning import detached, disposable, failure_without, pattern_without, upheld

__all__ = ["Erased", "executions_in", "forget", "forget_late", "patterns_behind", "strike_lines"]

_PAGE = 500
_MOST_RUNS = 200
"""Of one task; beyond, agreement judges none of them."""
_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_EVERY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What one ``forget`` did."""

    execution_ids: tuple[str, ...]
    holdings: Holdings
    sessions: tuple[str, ...] = ()
    """Sessions that lost executions."""
    events: int = 0
    """Entries of the log."""
    dead_letters: int = 0
    patterns_withdrawn: int = 0
    """Candidates that nobody had used, and that rested on nothing else."""
    patterns_flagged: int = 0
    """Patterns that somebody had used or judged: they stay, without their quotations, and a reviewer must look."""
    learned_again: bool = False
    """False where the learner had never run."""
    others: dict[str, int] = field(default_factory=dict[str, int])
    """What else went, by name: rows about a person, or everything that was learned."""


def forget(
    store: Store,
    selection: Selection,
    who: Identity,
    *,
    model: str | None,
    now: datetime,
    options: LearnOptions | None = None,
    remember: bool = True,
    files: Sequence[str] = (),
    before_commit: Callable[[], None] | None = None,
) -> Erased:
    """Erase what ``selection`` names in the namespace of ``who``, durably. ``model`` names the embeddings to learn by,
    with ``options``.

    ``remember``: keep the ids, so that they cannot come back; not for a sample that nobody has to be protected from.
    ``files``: names of imports that are noted no more.
    ``before_commit`` is called inside the transaction, last: fault tests stop the process there. Raises
    AccessDeniedError for anybody but an administrator, StoreError; then nothing has changed.
    """
    namespace = who.namespace
    if who.role != "admin":
        raise AccessDeniedError(f"{who.agent_id} may not forget: administrators of {namespace} may.")
    with store.writing() as writing:
        inside = store.within(writing)
        ids = inside.selected(namespace, selection)
        resting = patterns_behind(inside, namespace, ids) if ids else []
        templates = _templates_behind(inside, namespace, resting, ids) if ids else []
        gone = writing.forget_executions(namespace, ids, remember=remember)
        noted = noted_by(inside.import_states(), namespace) if selection.everything else []
        writing.drop_import_state([*files, *noted])
        others = writing.forget_person(namespace, selection.user_id) if selection.user_id is not None else {}
        withdrawn = flagged = 0
        learned = False
        if ids:
            _settle_rows(writing, namespace, gone)
            settle_again(inside, writing, _touched(inside, namespace, gone))
            withdrawn, flagged = _unlearn(writing, namespace, ids, resting, templates)
            _unlearn_failures(inside, writing, namespace, gone)
            if selection.everything:
                others |= writing.forget_learned(namespace)
            learned = writing.learned_before(namespace)
            if learned:
                learn_history(inside, namespace, model=model, now=now, options=options, again=True)
            emptied = [each.template_id for each in templates if each.usage_count]
            writing.delete_templates(
                [key for key in emptied if (left := inside.template(namespace, key)) and not left.template_content]
            )
        if ids or any(others.values()):
            writing.save_audit([_entry(who, ids, gone, now)])
        if before_commit is not None:
            before_commit()
    return Erased(
        execution_ids=tuple(ids),
        holdings=gone.holdings,
        sessions=gone.sessions,
        events=gone.events,
        dead_letters=gone.dead_letters,
        patterns_withdrawn=withdrawn,
        patterns_flagged=flagged,
        learned_again=learned,
        others={name: count for name, count in others.items() if count},
    )


def forget_late(
    store: Store, namespace: str, *, model: str | None, now: datetime, options: LearnOptions | None = None
) -> list[str]:
    """Erase what came before the event that told that a forgotten execution had delegated it; ids. For whoever has taken
    events in. Raises StoreError."""
    late = store.come_late(namespace)
    if not late:
        return []
    itself = Identity(namespace=namespace, agent_id=LEARNER, role="admin")
    chosen = Selection(execution_ids=tuple(late))
    return list(forget(store, chosen, itself, model=model, now=now, options=options).execution_ids)


def patterns_behind(store: Store, namespace: str, execution_ids: Iterable[str]) -> list[Pattern]:
    """Patterns that rest on any of these executions, and the versions drawn from such: those have its words, and no
    executions of their own."""
    ids = frozenset(execution_ids)
    found: dict[str, Pattern] = {}
    below: dict[str, list[str]] = {}
    offset = 0
    while page := store.patterns(PatternQuery(namespace=namespace, limit=_PAGE, offset=offset)):
        for pattern in page:
            if not ids.isdisjoint(pattern.execution_ids):
                found[pattern.pattern_id] = pattern
            elif pattern.parent_pattern_id is not None:
                below.setdefault(pattern.parent_pattern_id, []).append(pattern.pattern_id)
        offset += len(page)
    waiting = list(found)
    while waiting:
        for key in below.pop(waiting.pop(), ()):
            version = store.pattern(namespace, key)
            if version is not None and not version.execution_ids:
                found[key] = version
            waiting.append(key)
    return list(found.values())


def _entry(who: Identity, ids: Sequence[str], gone: Forgotten, now: datetime) -> AuditEntry:
    return AuditEntry(
        namespace=who.namespace,
        who=f"{who.acting} for {who.agent_id}" if who.acting else who.agent_id,
        what="forget",
        subject=ids[0] if len(ids) == 1 else None,
        after={"executions": len(ids), "spans": gone.holdings.spans, "events": gone.events},
        at=now,
    )


# -- rows that stay ------------------------------------------------------------------------------------------------
def _settle_rows(writing: Writing, namespace: str, gone: Forgotten) -> None:
    """Shared calls to their other owner, fingerprints to what their executions say, counters and columns anew."""
    if gone.shared:
        writing.save_spans(gone.shared)
    writing.reshape_tasks([_task(each, namespace) for each in writing.task_sources(gone.fingerprints).values()])
    writing.refresh_derived([], gone.fingerprints)


def _task(sources: Sequence[TaskSource], namespace: str) -> Fingerprint:
    """The fingerprint of executions of one task, as the writer would have made it of these alone."""
    patterns = {pattern for each in sources for pattern in file_patterns(each.files)}
    stack = {technology for each in sources for technology in each.technology_stack}
    first = min(each.prompt for each in sources)
    return replace(
        fingerprint(first, namespace),
        file_patterns=tuple(sorted(patterns)),
        technology_stack=tuple(sorted(stack)),
    )


def _touched(store: Store, namespace: str, gone: Forgotten) -> set[str]:
    """Executions whose outcome may have been told by, or told in view of, those that are gone: runs of the same tasks,
    what was asked later in the same sessions, and what had delegated them."""
    found = set(gone.parents)
    for runs in store.executions_of(gone.fingerprints, per_fingerprint=_MOST_RUNS).values():
        found.update(trace.execution_id for trace in runs)
    for session_id in gone.sessions:
        query = TraceQuery(namespace=namespace, session_id=session_id, limit=_EVERY)
        found.update(trace.execution_id for trace in store.traces(query))
    return found


# -- what was learned ----------------------------------------------------------------------------------------------
def _templates_behind(store: Store, namespace: str, resting: Sequence[Pattern], ids: Sequence[str]) -> list[Template]:
    patterns, executions = {each.pattern_id for each in resting}, set(ids)
    found: list[Template] = []
    offset = 0
    while page := store.templates(namespace, limit=_PAGE, offset=offset):
        found += [
            template
            for template in page
            if template.derived_from_pattern_id in patterns or template.derived_from_execution_id in executions
        ]
        offset += len(page)
    return found


def _unlearn(
    writing: Writing, namespace: str, ids: Sequence[str], resting: Sequence[Pattern], templates: Sequence[Template]
) -> tuple[int, int]:
    """Take the forgotten executions out of patterns and templates; how many were withdrawn, how many flagged.

    Candidates that the learner drew and nobody touched are left to it: it draws them anew or withdraws them.
    """
    gone = frozenset(ids)
    by_id = {each.pattern_id: each for each in resting}
    drawn = {each.pattern_name for each in resting if each.agent_id == LEARNER}
    # Private patterns of a user who is forgotten went with it.
    deleted = {key: each for key, each in by_id.items() if writing.pattern(key) is None}
    withdraw: dict[str, Pattern] = {}
    keep: list[Pattern] = []
    for pattern in resting:
        if pattern.pattern_id in deleted:
            continue
        left = upheld(pattern, gone, by_id)
        if disposable(pattern) and not left:
            withdraw[pattern.pattern_id] = pattern
        elif not untouched(pattern):
            sources = writing.traces(pattern.execution_ids)
            keep.append(pattern_without(pattern, gone, sources, something_left=left, drawn_names=drawn))
    writing.quiet(namespace, list(by_id))
    writing.drop_pattern_vectors(list(by_id))
    writing.delete_templates([each.template_id for each in templates if not each.usage_count])
    writing.save_templates([_emptied(each) for each in templates if each.usage_count])
    writing.delete_patterns(list(withdraw))
    writing.save_patterns([detached(each, withdraw | deleted) for each in keep])
    return len(withdraw), len(keep)


def _emptied(template: Template) -> Template:
    """A used template keeps its counts until the learner has said whether its pattern still gives it."""
    return replace(
        template,
        template_content="",
        placeholder_schema={},
        description=None,
        usage_example=None,
        prerequisites=None,
        validation_rules=None,
        derived_from_execution_id=None,
        metadata=None,
    )


def _unlearn_failures(store: Store, writing: Writing, namespace: str, gone: Forgotten) -> None:
    """Failures that agents reported, as the remaining reports tell them; the learner mines the others anew."""
    for failure_id in gone.failures:
        failure = store.failure(namespace, failure_id)
        if failure is None or "reported" not in (failure.metadata or {}):
            continue
        resolutions = store.resolutions([failure_id]).get(failure_id, [])
        occurrences = store.occurrences(failure_id, limit=_EVERY)
        left = failure_without(failure, resolutions, occurrences, gone.by_resolution)
        # Recorded resolutions survive a replacement, so the whole goes first.
        writing.delete_failures([failure_id])
        if left is not None:
            writing.replace_failure(*left)


# -- outside the database ------------------------------------------------------------------------------------------
def executions_in(paths: Sequence[Path], options: ImportOptions) -> tuple[set[str], list[str]]:
    """Ids of the executions that the files at or below ``paths`` tell of, and the names under which their import is
    noted. Reads them; writes nothing. Raises InputError."""
    tasks = [Task(found=found, known=None) for found in find(paths, [])]
    ids: set[str] = set()
    for batch in batches(tasks, options, sum(task.found.size for task in tasks)):
        for item in batch.events:
            event = decode_event(item) if isinstance(item, bytes) else item
            ids.add(event.update.trace.execution_id)
    return ids, [state_name(task.found, options) for task in tasks]


def strike_lines(folder: Path, execution_ids: Iterable[str]) -> int:
    """Take lines that name any of these executions out of the files that the spool has set aside; how many there were.
    A line that was torn before its id cannot be told and stays. Raises UnreadableFileError."""
    wanted = {each.encode() for each in execution_ids}
    struck = 0
    try:
        for path in sorted(folder.glob("*.bad")):
            lines = path.read_bytes().splitlines(keepends=True)
            kept = [line for line in lines if wanted.isdisjoint(_ID.findall(line))]
            if len(kept) == len(lines):
                continue
            struck += len(lines) - len(kept)
            partial = path.with_name(f".{path.name}.new")
            partial.write_bytes(b"".join(kept))
            partial.chmod(0o600)
            partial.replace(path)
            if not kept:
                path.unlink()
    except OSError as error:
        raise UnreadableFileError(f"{error.filename or folder}: {error.strerror}") from error
    return struck
