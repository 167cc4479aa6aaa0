"""The doctor's table of stages behind the intake: how much was recorded, embedded, learned, matched, advised and used.

Invariant: a stage that got something and gave nothing is an error, said with both figures and what to do. What may still
be on its way is none: each stage has the time that it takes where all is well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from seasoned.doors.cli import output

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.model import Advice
    from seasoned.store.stages import StageCounts

__all__ = ["StageRow", "stage_rows", "told_sessions"]

_HEARD = timedelta(hours=1)
_UNRECORDED = timedelta(hours=2)
"""A session is recorded half an hour after it fell silent at the latest."""
_NOT_YET = timedelta(hours=1)
"""What came in within the last hour may wait for somebody to embed it and learn from it for the first time."""
_STALE = timedelta(hours=24)
"""Where that was ever done, what is new may wait so long: for a service that is off, and a user who calls ``learn``."""
_LOOKED_AT = 50
"""Events about executions, the newest, that are compared with their rows."""
_FEW_FAILURES, _FEW_KNOWN = 20, 5
"""From so many failed calls on it is looked at whether what is known of them was found; some fix may not suit a call."""
_FEW_SESSIONS = 3
"""The first prompts of a day may come before the service has started."""
_FEW_LATE = 5
_SILENT = frozenset({"shadow mode", "switched off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRow:
    """One stage."""

    name: str
    healthy: bool
    came: str
    """What came in, in words and figures; empty where that is the row above."""
    detail: str
    """What was found, and what to do where it is not well."""


def stage_rows(
    seasoned: "Seasoned", counts: "StageCounts", *, since: datetime, now: datetime, waiting: bool
) -> list[StageRow]:
    """The rows. ``waiting``: whether inbox or spool hold anything, so that something may not be recorded yet. Raises
    StoreError."""
    advice = [
        each for each in seasoned.store.all_advice(seasoned.namespace, since=since) if each.opportunity == "automatic"
    ]
    return [
        _recorded(seasoned, counts),
        _embedded(seasoned, counts, now),
        _learned(counts, now),
        _asked(seasoned, advice, since),
        _matched(seasoned, advice),
        _advised(seasoned, advice),
        _used(seasoned, advice, counts, now, waiting=waiting),
    ]


def told_sessions(seasoned: "Seasoned") -> Mapping[str, Sequence[float]]:
    """When each session that hooks told of last said something, in seconds since 1970, by agent."""
    ours = "" if seasoned.namespace == "default" else f" in {seasoned.namespace}"
    found: dict[str, list[float]] = {}
    for name, state in seasoned.store.import_states().items():
        told, _, space = name.partition(" in ")
        if state.importer == "hooks" and (f" in {space}" if space else "") == ours:
            found.setdefault(told.split(":")[1], []).append(state.modified_ns / 1e9)
    return found


# -- stages ----------------------------------------------------------------------------------------------------------
def _recorded(seasoned: "Seasoned", counts: "StageCounts") -> StageRow:
    executions = sum(counts.executions.values())
    by = ", ".join(f"{source} {number}" for source, number in counts.executions.items())
    by = f" ({by}; without sub-agents')" if by else ""
    looked, without, empty = _without_rows(seasoned, counts.newest_position)
    detail = f"{output.counted(executions, 'execution')}{by}, {output.counted(counts.spans, 'call')}"
    if without or empty:
        detail += (
            f"; of the newest {output.counted(looked, 'event')} {without} without its execution, {empty} without its "
            "calls: `seasoned db export`, then `seasoned db import` into a new database makes the rows anew"
        )
    if counts.dead_letters:
        detail += (
            f"; {output.counted(counts.dead_letters, 'event')} could not be applied: `seasoned dead-letters list` says "
            "why, `seasoned dead-letters redrive` tries again"
        )
    return StageRow(
        name="recorded",
        healthy=not (without or empty or counts.dead_letters),
        came=output.counted(counts.events, "event"),
        detail=detail,
    )


def _without_rows(seasoned: "Seasoned", newest: int) -> tuple[int, int, int]:
    """Of the newest events about executions: how many were looked at, whose execution has no row, whose calls none."""
    from seasoned.model import ExecutionUpdate

    store = seasoned.store
    told = [
        each.event.payload
        for each in store.read_log(max(0, newest - _LOOKED_AT), _LOOKED_AT)
        if each.event is not None
        and each.event.namespace == seasoned.namespace
        and isinstance(each.event.payload, ExecutionUpdate)
    ]
    without = empty = 0
    for each in told:
        trace = store.trace(seasoned.namespace, each.trace.execution_id)
        if trace is None:
            without += 1
        elif each.spans and not store.spans(trace.execution_id):
            empty += 1
    return len(told), without, empty


def _embedded(seasoned: "Seasoned", counts: "StageCounts", now: datetime) -> StageRow:
    off = seasoned.embedder is None
    since = counts.unembedded_since
    waits = now - since if since is not None else timedelta(0)
    overdue = waits > (_STALE if counts.vectors else _NOT_YET)
    detail = f"{output.number(counts.vectors)} with a vector"
    if overdue:
        detail += (
            f"; {output.number(counts.unembedded)} of all without one, the first since {output.when(since)}: "
            "`seasoned learn` embeds them, or says why not"
        )
    return StageRow(
        name="embedded",
        healthy=off or not overdue,
        came=output.counted(counts.prompts, "prompt"),
        detail="switched off" if off else detail,
    )


def _learned(counts: "StageCounts", now: datetime) -> StageRow:
    last = counts.last_learned_at
    said = "never" if last is None else f"last {output.when(last)}"
    waits = now - counts.behind_since if counts.behind_since is not None else timedelta(0)
    overdue = waits > (_NOT_YET if last is None else _STALE)
    if overdue:
        said += f"; the first of these waits since {output.when(counts.behind_since)}: `seasoned learn` catches up"
    came = output.counted(counts.behind, "event") + ("" if last is None else " since")
    return StageRow(name="learned", healthy=not overdue, came=came, detail=said)


def _asked(seasoned: "Seasoned", advice: "Sequence[Advice]", since: datetime) -> StageRow:
    silenced = seasoned.advising.silenced()
    off = silenced or seasoned.settings.service.use == "off"
    # Who was silent until a moment ago was not asked until then.
    switched = [mode.set_at for mode in seasoned.advising.modes() if mode.set_at is not None]
    begin = max([since, *switched]).timestamp()
    sessions = sum(at >= begin for times in told_sessions(seasoned).values() for at in times)
    prompts = sum(each.moment == "prompt" for each in advice)
    failures = sum(each.moment == "after_failure" for each in advice)
    broken = sessions >= _FEW_SESSIONS and not advice and not off
    detail = f"{output.counted(prompts, 'prompt')}, {output.counted(failures, 'failed call')}"
    if off:
        detail += "; the kill switch is on (`seasoned advice on`)" if silenced else "; the service is switched off"
    elif broken:
        detail += (
            ": nobody asks what to tell these sessions. `seasoned service start` says whether the service can start; "
            f"{seasoned.data_dir / 'hooks.log'} what hooks met with"
        )
    return StageRow(
        name="asked", healthy=not broken, came=f"{output.counted(sessions, 'session')} told by hooks", detail=detail
    )


def _matched(seasoned: "Seasoned", advice: "Sequence[Advice]") -> StageRow:
    asked = [each for each in advice if each.reason != "switched off"]
    failures = [each for each in asked if each.moment == "after_failure"]
    matched = sum(bool(each.items) for each in asked)
    suspect = len(failures) >= _FEW_FAILURES and not matched
    missed = _known(seasoned, failures) if suspect else 0
    broken = missed >= _FEW_KNOWN
    detail = f"{matched} with something known"
    if latencies := sorted(each.latency_ms for each in advice if each.latency_ms is not None):
        late = latencies[int(0.95 * (len(latencies) - 1))]
        detail += f"; looked up in {latencies[len(latencies) // 2]} ms, 95 % within {late} ms"
    if broken:
        detail += (
            f"; of {missed} of the {len(failures)} failed calls a fix is known: `seasoned service stop` has all read anew; "
            "`seasoned advice ask` shows what is said to an error"
        )
    return StageRow(name="matched", healthy=not broken, came=output.counted(len(asked), "moment"), detail=detail)


def _known(seasoned: "Seasoned", failures: "Sequence[Advice]") -> int:
    """How many of these failed calls were of a kind whose fix had worked for the last time an hour before."""
    from seasoned.advise.known_failures import known_failures

    worked = {
        each.failure.signature: each.resolution.last_worked_at
        for each in known_failures(seasoned.store, seasoned.namespace).shown.values()
    }
    last = [(each, worked.get(each.subject or "")) for each in failures]
    return sum(at is not None and each.given_at - at > _NOT_YET for each, at in last)


def _advised(seasoned: "Seasoned", advice: "Sequence[Advice]") -> StageRow:
    matched = [each for each in advice if each.items]
    given = [each for each in matched if each.arm == "given"]
    held = sum(each.arm == "held_out" for each in matched)
    late = sum(each.reason == "too late" for each in given)
    silent = [str(each.reason) for each in advice if each.reason in _SILENT]
    lost = len(matched) - len(given) - held - sum(each.reason in _SILENT for each in matched)
    too_late = late >= _FEW_LATE and late > len(given) / 2
    detail = f"{len(given) - late} given, {held} held out to measure"
    if silent:
        detail += f", {len(silent)} not said: {', '.join(sorted(set(silent)))}"
    if late:
        detail += f", {late} too late for the agent"
    if too_late:
        detail += f": the machine is busy, or {seasoned.data_dir / 'run' / 'service.log'} says what takes so long"
    if lost:
        detail += f"; {lost} lost without a reason: `seasoned service stop`, then see whether it happens again"
    return StageRow(
        name="advised", healthy=not (lost or too_late), came=f"{len(matched)} with something known", detail=detail
    )


def _used(
    seasoned: "Seasoned", advice: "Sequence[Advice]", counts: "StageCounts", now: datetime, *, waiting: bool
) -> StageRow:
    decided = [each for each in advice if each.arm is not None]
    given = [each for each in decided if each.arm == "given"]
    heard = [each for each in given if each.outcome is not None]
    followed = sum(each.followed is True for each in given)
    states = {
        session: _session_state(seasoned, session, now)
        for session in {each.session_id for each in decided if each.outcome is None}
        if session is not None
    }
    overdue = [
        each
        for each in decided
        if each.outcome is None and states.get(each.session_id or "") == "over" and now - each.given_at > _HEARD
    ]
    unrecorded = [
        each
        for each in decided
        if states.get(each.session_id or "") == "unknown" and now - each.given_at > _UNRECORDED and not waiting
    ]
    detail = f"{followed} followed; of {len(heard)} it is known how it ended; {output.counted(counts.usages, 'use')} of patterns"
    if overdue:
        detail += (
            f"; of {len(overdue)} whose execution is over it is not: `seasoned learn` looks; those of which it then is "
            "still not known are about calls that hooks did not tell of"
        )
    if unrecorded:
        sessions = len({each.session_id for each in unrecorded})
        detail += (
            f"; {output.counted(sessions, 'session')} that asked {'was' if sessions == 1 else 'were'} never recorded: "
            "`seasoned import` takes them from the agent's own history"
        )
    return StageRow(name="used", healthy=not (overdue or unrecorded), came=f"{len(given)} given", detail=detail)


def _session_state(seasoned: "Seasoned", session_id: str, now: datetime) -> str:
    """``unknown``: nothing is recorded of it; ``over``: everything has ended a while ago; else ``open``."""
    from seasoned.store import TraceQuery

    traces = seasoned.store.traces(TraceQuery(namespace=seasoned.namespace, session_id=session_id, limit=50))
    if not traces:
        return "unknown"
    over = all(
        trace.status != "in_progress" and trace.completed_at is not None and now - trace.completed_at > _HEARD
        for trace in traces
    )
    return "over" if over else "open"
