"""The doctor's table of stages: how much of the last day's work came in, was recorded, matched, advised and used.

Invariant: a stage that got something and gave nothing is an error, said with both figures. "Nothing came in" is none where
no agent ran; it is one where an agent with our hooks wrote its own transcript and its hooks said nothing.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seasoned.doors.cli import output

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.model import Advice
    from seasoned.store.stages import StageCounts

__all__ = ["StageRow", "stage_rows"]

_WAITED = timedelta(minutes=15)
"""A hook's payload that lies longer in the inbox, without its session going on, was overlooked."""
_OPEN = timedelta(minutes=45)
"""An execution without an end is closed after 30 minutes; its payloads may lie so long."""
_HEARD = timedelta(hours=1)
_NOT_YET = timedelta(hours=1)
"""What came in within the last hour may wait for somebody to learn from it."""
_FEW_FAILURES = 20
"""From so many failed calls on it is odd that nothing at all is known."""
_LOG_BYTES = 64 << 10
_SILENT = frozenset({"shadow mode", "switched off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRow:
    """One stage."""

    name: str
    healthy: bool
    came: str
    """What came in, in words and figures; empty where that is the row above."""
    detail: str


def stage_rows(
    seasoned: "Seasoned",
    *,
    now: datetime,
    hours: int = 24,
    installed: Sequence[tuple[str, Path, str]] = (),
) -> list[StageRow]:
    """The table. ``installed``: (agent, folder with its transcripts, glob below it) of agents that have our hooks."""
    from seasoned.store.stages import stage_counts

    since = now - timedelta(hours=hours)
    counts = stage_counts(seasoned.store, seasoned.namespace, since)
    advice = [
        each for each in seasoned.store.all_advice(seasoned.namespace, since=since) if each.opportunity == "automatic"
    ]
    return [
        _came_in(seasoned, counts, since, now, installed),
        _recorded(counts),
        _embedded(seasoned, counts, now),
        _learned(counts, now),
        _matched(counts, advice),
        _advised(seasoned, advice),
        _used(seasoned, advice, counts, now),
    ]


# -- stages ----------------------------------------------------------------------------------------------------------
def _came_in(
    seasoned: "Seasoned",
    counts: "StageCounts",
    since: datetime,
    now: datetime,
    installed: Sequence[tuple[str, Path, str]],
) -> StageRow:
    from seasoned import bus

    hooked = Counter[str]()
    newest: dict[str, float] = {}
    for name, state in seasoned.store.import_states().items():
        if state.importer == "hooks":
            source = name.split(":")[1] if ":" in name else name
            newest[source] = max(newest.get(source, 0.0), state.modified_ns / 1e9)
            hooked[source] += state.modified_ns / 1e9 >= since.timestamp()
    waiting = _waiting(seasoned.data_dir / bus.INBOX_FOLDER)
    for path, at in waiting:
        source = path.name.partition(".")[0]
        newest[source] = max(newest.get(source, 0.0), at)
    problems: list[str] = []
    if old := [path for path, at in waiting if at < (now - _OPEN).timestamp()]:
        problems.append(
            f"{len(old)} payloads of hooks wait since {output.when(_time(min(at for _, at in waiting)))}: nobody takes "
            "them in. Any `seasoned` command does; is the service stopped?"
        )
    for agent, folder, pattern in installed:
        wrote = _newest_file(folder, pattern)
        heard = newest.get(agent, 0.0)
        if wrote >= since.timestamp() and wrote - heard > _WAITED.total_seconds():
            problems.append(
                f"{agent} worked at {output.when(_time(wrote))} and its hooks said nothing"
                f"{f' since {output.when(_time(heard))}' if heard else ''}: `seasoned init` shows whether they are in place"
            )
    if failed := _failed_hooks(seasoned.data_dir / "hooks.log", since):
        problems.append(f"hooks failed {len(failed)} times; the last: {failed[-1]}")
    if problems:
        return StageRow(name="came in", healthy=False, came="", detail="; ".join(problems))
    said = f"{output.number(counts.events)} events"
    if hooked:
        said += f"; {sum(hooked.values())} sessions told by hooks"
    return StageRow(
        name="came in", healthy=True, came="", detail=f"{said}; {len(waiting)} payloads of sessions under way"
    )


def _recorded(counts: "StageCounts") -> StageRow:
    executions = sum(counts.executions.values())
    by = ", ".join(f"{source} {number}" for source, number in counts.executions.items())
    return StageRow(
        name="recorded",
        healthy=not (counts.events and not executions and counts.dead_letters),
        came=f"{output.number(counts.events)} events",
        detail=f"{output.number(executions)} executions{f' ({by})' if by else ''}, {output.number(counts.spans)} calls"
        + (f"; {counts.dead_letters} events could not be applied" if counts.dead_letters else ""),
    )


def _embedded(seasoned: "Seasoned", counts: "StageCounts", now: datetime) -> StageRow:
    off = seasoned.embedder is None
    waited = counts.last_recorded_at is not None and now - counts.last_recorded_at > _NOT_YET
    return StageRow(
        name="embedded",
        healthy=off or counts.vectors > 0 or not (counts.prompts and waited),
        came=f"{output.number(counts.prompts)} prompts",
        detail="switched off" if off else f"{output.number(counts.vectors)} have a vector",
    )


def _learned(counts: "StageCounts", now: datetime) -> StageRow:
    executions = sum(counts.executions.values())
    last = counts.last_learned_at
    said = "never" if last is None else f"last {output.when(last)}"
    recorded = counts.last_recorded_at
    waited = recorded is not None and now - recorded > _NOT_YET
    stale = counts.behind > 0 and waited and (last is None or now - last > timedelta(hours=24))
    return StageRow(
        name="learned",
        healthy=not (executions and stale),
        came=f"{output.number(counts.behind)} events since",
        detail=said + ("; `seasoned learn` catches up" if executions and stale else ""),
    )


def _matched(counts: "StageCounts", advice: "Sequence[Advice]") -> StageRow:
    prompts = sum(each.moment == "prompt" for each in advice)
    failures = sum(each.moment == "after_failure" for each in advice)
    matched = sum(bool(each.items) for each in advice)
    broken = failures >= _FEW_FAILURES and not matched and counts.last_learned_at is not None
    detail = f"{matched} with something known"
    if latencies := sorted(each.latency_ms for each in advice if each.latency_ms is not None):
        detail += f"; looked up in {latencies[len(latencies) // 2]} ms, 95 % within {latencies[int(0.95 * (len(latencies) - 1))]} ms"
    if broken:
        detail += "; not one of them had anything: `seasoned advice ask` shows why for a prompt or an error"
    return StageRow(
        name="matched", healthy=not broken, came=f"{prompts} prompts, {failures} failed calls by hooks", detail=detail
    )


def _advised(seasoned: "Seasoned", advice: "Sequence[Advice]") -> StageRow:
    matched = [each for each in advice if each.items]
    given = sum(each.arm == "given" for each in matched)
    held = sum(each.arm == "held_out" for each in matched)
    silent = sum(each.reason in _SILENT for each in advice)
    lost = len(matched) - given - held - sum(each.reason in _SILENT for each in matched)
    detail = f"{given} given, {held} held out to measure"
    if silent:
        detail += (
            f", {silent} not said: {', '.join(sorted({str(each.reason) for each in advice if each.reason in _SILENT}))}"
        )
    if (seasoned.data_dir / "run" / "silent").exists():
        detail += "; the kill switch is on (`seasoned advice on`)"
    if lost:
        detail += f"; {lost} were lost without a reason"
    return StageRow(name="advised", healthy=not lost, came=f"{len(matched)} matched", detail=detail)


def _used(seasoned: "Seasoned", advice: "Sequence[Advice]", counts: "StageCounts", now: datetime) -> StageRow:
    given = [each for each in advice if each.arm == "given"]
    heard = [each for each in given if each.outcome is not None]
    followed = sum(each.followed is True for each in given)
    overdue = [each for each in given if each.outcome is None and _is_over(seasoned, each, now)]
    detail = f"{followed} followed; of {len(heard)} it is known how it ended; {counts.usages} uses of patterns"
    if overdue:
        detail += f"; of {len(overdue)} whose execution is over nobody asked: `seasoned learn` does"
    return StageRow(name="used", healthy=not overdue, came=f"{len(given)} given", detail=detail)


def _is_over(seasoned: "Seasoned", advice: "Advice", now: datetime) -> bool:
    from seasoned.store import TraceQuery

    if advice.session_id is None or now - advice.given_at < _HEARD:
        return False
    query = TraceQuery(namespace=seasoned.namespace, session_id=advice.session_id, limit=50)
    traces = seasoned.store.traces(query)
    return bool(traces) and all(
        trace.status != "in_progress" and trace.completed_at is not None and now - trace.completed_at > _HEARD
        for trace in traces
    )


# -- files -----------------------------------------------------------------------------------------------------------
def _waiting(inbox: Path) -> list[tuple[Path, float]]:
    found: list[tuple[Path, float]] = []
    if inbox.is_dir():
        for entry in os.scandir(inbox):
            if not entry.name.endswith(".bad") and entry.is_file(follow_symlinks=False):
                found.append((Path(entry.path), entry.stat().st_mtime))
    return found


def _newest_file(folder: Path, pattern: str) -> float:
    newest = 0.0
    for path in folder.glob(pattern):
        try:
            newest = max(newest, path.stat().st_mtime)
        except FileNotFoundError:
            continue
    return newest


def _failed_hooks(log: Path, since: datetime) -> list[str]:
    """Lines of the hooks' log that are newer than ``since``; each begins with its time in UTC."""
    if not log.is_file():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return [
        output.clean(line)[:200]
        for line in lines
        if line[:20] >= since.strftime("%Y-%m-%dT%H:%M:%SZ") and line[4:5] == "-"
    ]


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
