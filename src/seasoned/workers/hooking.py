"""The inbox's way into the database: payloads of hooks, read by session, redacted, applied, and only then deleted.

Invariant: a payload leaves the inbox only after the transaction that holds what it says is on disk, together with what
must be remembered of its session (``ImportState`` under ``hooks:<source>:<session>``). A kill in between leaves the
files; the next drain reads them again and arrives at the same events, whose ids make that harmless.

The payloads of an execution that is still open stay: it is told of at the end of each turn, whole, and rests on all of
them. In the middle of a turn nothing is told, so that the log does not hold a long execution a hundred times.

Where the agent's own transcript is there by then, it knows more (tokens, models): its path is handed to the caller,
who may import it. Rows do not depend on which of the two came first.
"""

import os
import stat
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import cast

from seasoned.bus import BadLine, Inbox, Payload
from seasoned.capture import recognise
from seasoned.capture.hooks import IDLE, HookEvent, HookSession, at_work, event_of_payload, read_hooks
from seasoned.errors import UnreadableFileError
from seasoned.model import Document, ExecutionUpdate
from seasoned.store import ImportState, Store
from seasoned.workers.reading import event_of
from seasoned.workers.reporting import REPORTS, take_reports
from seasoned.workers.writer import Applied, Writer

__all__ = ["TakenIn", "strike_payloads", "take_inbox"]

IMPORTER = "hooks"
"""``ImportState.importer`` of a session's hooks."""
_REMOVED = "removed"
"""In a session's state: files that go right after the commit."""
_DEFAULT_NAMESPACE = "default"
_TELLS_TRANSCRIPT = frozenset({"Stop", "StopFailure", "SubagentStop", "AfterAgent", "SessionEnd"})
_TRANSCRIPTS = frozenset({".json", ".jsonl"})
_NO_EVENT = "a JSON object that names no event (hook_event_name) or no session (session_id)"


@dataclass(slots=True, kw_only=True)
class TakenIn:
    """What one drain of the inbox did."""

    payloads: int = 0
    """Whole payloads found, those of open executions included, which are found by every drain."""
    done: int = 0
    """Payloads deleted."""
    sessions: int = 0
    """Sessions of which something was told."""
    applied: list[Applied] = field(default_factory=list[Applied])
    transcripts: list[Path] = field(default_factory=list[Path])
    """Agents' own transcripts of those sessions, as far as they are there, this user's and of a known format."""
    unknown: dict[str, int] = field(default_factory=dict[str, int])
    """Events that this version does not know, with their counts; ignored."""
    bad: list[BadLine] = field(default_factory=list[BadLine])
    """Files set aside, and sessions that could not be read; the first of them, with the reason."""
    bad_files: int = 0
    foreign: tuple[Path, ...] = ()
    unfinished: int = 0
    busy: bool = False
    """Another drain has the inbox, or there is none: nothing was done."""


@dataclass(slots=True)
class _Session:
    """The payloads of one session, by the names of their files."""

    source: str
    session_id: str
    payloads: dict[str, Payload] = field(default_factory=dict[str, Payload])
    events: list[HookEvent] = field(default_factory=list[HookEvent])

    def mark(self, place: str) -> str:
        """Of a file, as it is remembered once it is to be deleted: names come again, with another time."""
        name = f"{place} {self.payloads[place].modified_ns}"
        return blake2b(name.encode(), digest_size=8).hexdigest()

    def leave(self, places: set[str]) -> list[Payload]:
        """Take these files out of what there is to read."""
        self.events = [event for event in self.events if event.place not in places]
        return [self.payloads.pop(place) for place in sorted(places)]

    def digest(self) -> str:
        """Changes with every file that comes."""
        return blake2b(" ".join(sorted(map(self.mark, self.payloads))).encode(), digest_size=16).hexdigest()

    def progress(self, name: str, state: Document, newest_ns: int) -> ImportState:
        """How far the session is read, with the files that are kept and when the last one came."""
        kept = self.payloads.values()
        return ImportState(
            file=name,
            size=sum(payload.size for payload in kept),
            modified_ns=newest_ns,
            offset=0,
            digest=self.digest(),
            state=state,
            importer=IMPORTER,
        )


def take_inbox(
    inbox: Inbox,
    store: Store,
    writer: Writer,
    redact: Callable[[ExecutionUpdate], ExecutionUpdate],
    *,
    namespace: str,
    now: datetime,
) -> TakenIn:
    """Drain ``inbox`` through ``redact`` into ``writer``. ``now`` (aware): a session whose last event is ``IDLE`` old is
    over. A session that cannot be read costs no other.

    Raises StoreError when a commit fails and UnreadableFileError when the folder refuses; what was committed before
    stays, the rest stays in the inbox.
    """
    taken = TakenIn()
    with inbox.held() as held:
        if not held:
            taken.busy = True
            return taken
        waiting = inbox.read()
        taken.payloads, taken.unfinished, taken.foreign = len(waiting.payloads), waiting.unfinished, waiting.foreign
        taken.bad, taken.bad_files = list(waiting.bad), waiting.bad_files
        reports = [payload for payload in waiting.payloads if payload.source == REPORTS]
        if reports:
            filed = take_reports(inbox, reports, writer, redact, namespace=namespace)
            taken.applied += filed.applied
            taken.bad, taken.bad_files = [*taken.bad, *filed.bad], taken.bad_files + len(filed.bad)
            taken.done += filed.done
        hooks = [payload for payload in waiting.payloads if payload.source != REPORTS]
        if not hooks:
            return taken
        sessions = {_state_name(session, namespace): session for session in _sessions(inbox, hooks, taken)}
        states = store.import_states(list(sessions))
        drain = _Drain(inbox=inbox, writer=writer, redact=redact, namespace=namespace, now=now, taken=taken)
        for name, session in sessions.items():
            transcripts = _transcripts(session, now)
            before = taken.sessions
            drain.take(session, states.get(name), name)
            if taken.sessions > before:
                taken.transcripts.extend(path for path in transcripts if path not in taken.transcripts)
    return taken


def strike_payloads(
    inbox: Inbox,
    store: Store,
    writer: Writer,
    redact: Callable[[ExecutionUpdate], ExecutionUpdate],
    execution_ids: Collection[str],
    *,
    namespace: str,
    now: datetime,
) -> int:
    """Take the payloads of forgotten executions that were still open out of the inbox; how many files that were. Their
    sessions are over with that: the writer keeps nothing of what was forgotten, and what follows is the transcript's.

    Waits for a drain that is under way. Raises as ``take_inbox`` does.
    """
    taken, gone = TakenIn(), frozenset(execution_ids)
    with inbox.held(wait=True) as held:
        hooks = [payload for payload in inbox.read().payloads if payload.source != REPORTS] if held and gone else []
        sessions = {_state_name(session, namespace): session for session in _sessions(inbox, hooks, taken)}
        states = store.import_states(list(sessions))
        drain = _Drain(inbox=inbox, writer=writer, redact=redact, namespace=namespace, now=now, taken=taken, over=True)
        for name, session in sessions.items():
            if not gone.isdisjoint(drain.executions(session, states.get(name))):
                drain.take(session, states.get(name), name)
    return taken.done


def _sessions(inbox: Inbox, payloads: Sequence[Payload], taken: TakenIn) -> list[_Session]:
    """Payloads by session, in the order of their names. What names none is set aside."""
    found: dict[tuple[str, str], _Session] = {}
    for payload in payloads:
        at = datetime.fromtimestamp(payload.modified_ns / 1e9, UTC)
        event = event_of_payload(payload.source, payload.content, at=at, place=payload.path.name)
        if event is None:
            taken.bad.append(inbox.set_aside(payload, _NO_EVENT))
            taken.bad_files += 1
            continue
        key = (event.source, event.session_id)
        session = found.setdefault(key, _Session(*key))
        session.payloads[event.place] = payload
        session.events.append(event)
    return list(found.values())


@dataclass(slots=True, kw_only=True)
class _Drain:
    """What the sessions of one drain have in common."""

    inbox: Inbox
    writer: Writer
    redact: Callable[[ExecutionUpdate], ExecutionUpdate]
    namespace: str
    now: datetime
    taken: TakenIn
    over: bool = False
    """Whether the sessions are over, whatever the agents are at."""

    def executions(self, session: _Session, known: ImportState | None) -> set[str]:
        """Ids of the executions that the payloads of a session tell of."""
        reading = self._read(session, dict(known.state) if known is not None else {})
        traces = [item.update.trace for item in reading.recordings] if reading is not None else []
        return {each for trace in traces for each in (trace.execution_id, trace.parent_id, trace.root_id) if each}

    def take(self, session: _Session, known: ImportState | None, name: str) -> None:
        """Read one session, commit what is told, and delete what is done with."""
        state = dict(known.state) if known is not None else {}
        gone = set(cast("list[str]", state.pop(_REMOVED, [])))
        # A drain that was killed between its commit and the deletion.
        self.taken.done += self.inbox.remove(
            session.leave({key for key in session.payloads if session.mark(key) in gone})
        )
        if not session.events:
            return
        idle = self.over or abs(self.now - max(event.at for event in session.events)) >= IDLE
        if known is not None and known.digest == session.digest() and not idle:
            return  # told already, and nothing has come since
        if not self.over and at_work(session.events, now=self.now):
            return
        reading = self._read(session, state)
        if reading is None:
            return
        told = [event_of(self.redact(item.update), now=self.now) for item in reading.recordings]
        done = {event.place for event in reading.done}
        removed = sorted(session.mark(place) for place in done)
        newest_ns = max(payload.modified_ns for payload in session.payloads.values())
        payloads = session.leave(done)
        progress = session.progress(name, reading.state, newest_ns)
        applied = self.writer.ingest(told, [replace(progress, state={**reading.state, _REMOVED: removed})])
        self.taken.applied.append(applied)
        for _, why in applied.refused:
            self._say(f"something of session {session.session_id} was not kept: {why}")
        if payloads:
            self.taken.done += self.inbox.remove(payloads)
            self.writer.ingest([], [progress])
        self.taken.sessions += 1
        for kind, count in reading.report.unknown_records.items():
            self.taken.unknown[kind] = self.taken.unknown.get(kind, 0) + count

    def _read(self, session: _Session, state: Document) -> HookSession | None:
        now = max(self.now, *(event.at + IDLE for event in session.events)) if self.over else self.now
        try:
            return read_hooks(session.source, self.namespace, session.session_id, session.events, state, now=now)
        except Exception as error:  # noqa: BLE001  # the loop over sessions: one must not cost the others
            reason = (
                f"hooks of session {session.session_id} cannot be read: {type(error).__name__}. Please report this."
            )
            self._say(reason)
            return None

    def _say(self, reason: str) -> None:
        self.taken.bad.append(BadLine(place=str(self.inbox.folder), reason=reason))


def _state_name(session: _Session, namespace: str) -> str:
    name = f"hooks:{session.source}:{session.session_id}"
    return name if namespace == _DEFAULT_NAMESPACE else f"{name} in {namespace}"


def _transcripts(session: _Session, now: datetime) -> list[Path]:
    """Transcripts that the payloads name, after the turn that they are about, or when no more is to come of it."""
    named = (
        event.text(field)
        for event in session.events
        if event.name in _TELLS_TRANSCRIPT or abs(now - event.at) >= IDLE
        for field in ("transcript_path", "agent_transcript_path")
    )
    return [path for name in dict.fromkeys(named) if name and _is_transcript(path := Path(name), session.source)]


def _is_transcript(path: Path, source: str) -> bool:
    """Whether the file is there, a regular one, this user's, and of the agent's format. A payload may name anything;
    what the kernel makes up (``/proc/kmsg``) has no size, and reading it may wait for ever."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or not status.st_size:
            return False
        if not path.is_absolute() or path.suffix not in _TRANSCRIPTS:
            return False
        found = recognise(path)
    except (OSError, ValueError, UnreadableFileError):
        return False
    return found is not None and found.name == source
