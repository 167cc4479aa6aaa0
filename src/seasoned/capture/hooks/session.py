"""Reading the hooks of one session: events and what was remembered of earlier ones → recordings, and what is done with.

Invariant: a pure function of its arguments. An execution that is still open is read again from its first event each
time, so nothing of it need be remembered; what is remembered is what ids need (``state``). Events delivered twice count
once. A span's size is left out: where a transcript tells of the same call, its account is fuller, and stands.

An execution that was closed (the session ended, or was idle) is not opened again. Words with which the user carries on,
and whatever the agent does before a new task (a command that ran for an hour ends), are left to the transcript, which has
all of it: an execution of their own would tell the same work twice. So is what hooks are told of a session that began
before they were there, until its next task.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from seasoned.capture.followup import classify_follow_up, remembered_words, said_again
from seasoned.capture.hooks.claude import ClaudeHooks
from seasoned.capture.hooks.codex import CodexHooks
from seasoned.capture.hooks.events import HookEvent
from seasoned.capture.hooks.gemini import GeminiHooks
from seasoned.capture.hooks.moments import words_of
from seasoned.capture.loose import document_of, items_of
from seasoned.capture.port import Recording, Report
from seasoned.model import Document

__all__ = ["IDLE", "HookSession", "at_work", "read_hooks"]

IDLE = timedelta(minutes=30)
"""So long after its last event a session counts as over."""
_KEPT = 64
"""Identities of events that are remembered when they are gone: a second delivery comes within moments."""
_TURN_ENDS = frozenset({"Stop", "StopFailure", "AfterAgent", "SessionEnd"})
_WORKS = frozenset({"UserPromptSubmit", "BeforeAgent", "PreToolUse", "BeforeTool"})
_PROMPTS = frozenset({"UserPromptSubmit", "BeforeAgent"})
_GOES_ON = frozenset({"SessionStart", "UserPromptSubmit", "BeforeAgent"})
_TAKEN_UP = frozenset({"resume", "compact", "fork"})
"""``SessionStart.source`` where the conversation goes on."""
_UNSEEN: Document = {"interrupted": False}
"""What is known of an execution that went on before the first event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSession:
    """What one reading gave."""

    recordings: tuple[Recording, ...]
    """Not redacted."""
    done: tuple[HookEvent, ...]
    """Events that no later reading needs, once the recordings and ``state`` are kept."""
    state: Document
    """For the next reading, which gets the events that are not done. JSON; bounded."""
    report: Report


class _Reader(Protocol):
    def event(self, event: HookEvent, place: int) -> Iterator[Recording]: ...
    def finish(self, over: int | None) -> Iterator[Recording]: ...
    def needs(self, event: HookEvent) -> bool: ...


def at_work(events: Sequence[HookEvent], *, now: datetime) -> bool:
    """Whether the agent is in the middle of a turn: more is to come at any moment."""
    events = sorted(events, key=lambda event: event.order)
    last = next((event for event in reversed(events) if event.name in _TURN_ENDS or event.name in _WORKS), None)
    return last is not None and last.name in _WORKS and not _is_over(events, now)


def read_hooks(
    source: str, namespace: str, session_id: str, events: Sequence[HookEvent], state: Document, *, now: datetime
) -> HookSession:
    """Read the ``events`` of one session, in whatever order they are given. ``state`` is that of the reading before,
    or empty; ``now`` (aware) tells whether the session has been idle for so long that it is over."""
    events = sorted(events, key=lambda event: event.order)
    report = Report()
    reader = _reader(source, namespace, session_id, document_of(state.get("reading")), report, events)
    recent = [item for item in items_of(state.get("recent")) if isinstance(item, str)]
    seen = set(recent)
    turn = 0
    known: list[str | None] = []
    recordings: list[Recording] = []
    before = document_of(state.get("closed")) if state or _from_its_beginning(events) else _UNSEEN
    continuing = _continuing(source, events, before) if before else 0
    for place, event in enumerate(events):
        identity = event.identity(turn)
        known.append(identity)
        if place < continuing:
            report.ignore("follow-up of an execution that is closed")
            continue
        if identity is not None and identity in seen:
            report.ignore("delivered again")
            continue
        if identity is not None:
            seen.add(identity)
        turn += event.name in _TURN_ENDS
        report.records += 1
        recordings.extend(reader.event(event, place))
    over = len(events) if _is_over(events, now) else None
    ending = list(reader.finish(over))
    recordings.extend(ending)
    resume = next((item.resume for item in reversed(recordings) if item.resume is not None), None)
    open_from = resume.offset if ending and ending[-1].resume is not None and resume is not None else len(events)
    done = [place for place in range(open_from) if over is not None or not reader.needs(events[place])]
    closed = _closed(ending, _carried_on(source, events[:continuing], before)) if over is not None or not ending else {}
    gone = [identity for place in done if (identity := known[place]) is not None]
    return HookSession(
        recordings=tuple(_without_sizes(item) for item in recordings),
        done=tuple(events[place] for place in done),
        state={
            "reading": resume.state if resume is not None else document_of(state.get("reading")),
            "closed": closed,
            "recent": list(dict.fromkeys([*recent, *gone]))[-_KEPT:],
        },
        report=report,
    )


def _reader(
    source: str, namespace: str, session_id: str, state: Document, report: Report, events: Sequence[HookEvent]
) -> _Reader:
    if source == "claude_code":
        return ClaudeHooks(namespace, session_id, state, report)
    if source == "codex":
        turns = (event.text("turn_id") for event in events if event.name in _PROMPTS)
        prompted = frozenset(turn for turn in turns if turn is not None)
        return CodexHooks(namespace, session_id, state, report, prompted=prompted)
    if source == "gemini":
        return GeminiHooks(namespace, session_id, state, report)
    raise ValueError(f"no hooks are read of {source!r}; known are claude_code, codex, gemini")


def _from_its_beginning(events: Sequence[HookEvent]) -> bool:
    return any(event.name == "SessionStart" and event.text("source") not in _TAKEN_UP for event in events)


def _is_over(events: Sequence[HookEvent], now: datetime) -> bool:
    if events and abs(now - events[-1].at) >= IDLE:
        return True  # from the future: the clock was wrong, and nobody waits until then
    ends = [place for place, event in enumerate(events) if event.name == "SessionEnd"]
    return bool(ends) and not any(event.name in _GOES_ON for event in events[ends[-1] :])


def _closed(ending: Sequence[Recording], before: Document) -> Document:
    """What is remembered of the execution with which the session ended."""
    if not ending:
        return before
    trace = ending[-1].update.trace
    said = trace.follow_ups[-1] if trace.follow_ups else trace.prompt or ""
    return {"interrupted": trace.status == "aborted", "said": remembered_words(said)}


def _carried_on(source: str, events: Sequence[HookEvent], closed: Document) -> Document:
    """``closed``, after what carried it on."""
    prompts = [event.text("prompt") or "" for event in events if event.name in _PROMPTS]
    said = [words for words in (words_of(source, prompt) for prompt in prompts) if words is not None]
    return {"interrupted": False, "said": remembered_words(said[-1])} if said else closed


def _continuing(source: str, events: Sequence[HookEvent], closed: Document) -> int:
    """How many of the first events carry on the execution that was closed: all before the words that begin a task."""
    for place, event in enumerate(events):
        words = words_of(source, event.text("prompt") or "") if event.name in _PROMPTS else None
        if words is None:
            continue
        interrupted = closed.get("interrupted") is True
        if said_again(document_of(closed.get("said")), words, interrupted=interrupted):
            continue
        if classify_follow_up("", words, interrupted=interrupted) is None:
            return place
        closed = _carried_on(source, [event], closed)
    return len(events)


def _without_sizes(item: Recording) -> Recording:
    spans = tuple(replace(span, result_bytes=None) for span in item.update.spans if span.kind == "tool")
    return replace(item, update=replace(item.update, spans=spans), resume=None)
