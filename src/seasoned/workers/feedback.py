"""What became of advice: read from the executions that followed it, for what was given and what was withheld alike.

Invariant: both arms are looked at with the same eyes. Nothing here asks whether something was said before it measures
what happened; only the use of a pattern, which is evidence for the pattern, is recorded for what was given and followed.

What is found is a function of the rows, told as events (``AdviceUpdate``) like the advice itself; hearing twice says
nothing new. Advice stays open while its execution runs, and is looked at once more for some days after it has ended,
because a user's word, an import of the transcript or a commit may come late.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from seasoned.errors import AccessDeniedError, NotFoundError
from seasoned.learn.failures.attempts import Attempt, attempts
from seasoned.learn.failures.mining import CARRIED, resolution_id
from seasoned.learn.failures.program import simple_commands
from seasoned.learn.failures.resolutions import MOST_CALLS, recovery
from seasoned.learn.patterns.adherence import FOLLOWED, adherence
from seasoned.model import Advice, AdviceUpdate, Document, Event, Pattern, Resolution, Trace
from seasoned.model.codec import encode_payload
from seasoned.model.ids import name_id
from seasoned.store import Store, TraceQuery
from seasoned.workers.writer import Writer

__all__ = ["Heard", "PatternUse", "advice_event", "hear"]

_LOOK_BACK = timedelta(days=14)
"""Advice older than this is not looked at again."""
_IDLE = timedelta(minutes=30)
"""After so long without an end an execution is over (specification, capture §1)."""
_EARLY = timedelta(seconds=5)
"""A hook may run this long before the agent writes down the prompt that it was called for."""
_KNOWN = frozenset({"success", "failure"})
_MOST_TRACES = 500
_BATCH = 200
_FACTS = ("execution_id", "followed", "accepted", "outcome", "endpoints")


class PatternUse(Protocol):
    """Records that a pattern was applied; ``library.use_pattern`` of whoever acts."""

    def __call__(
        self,
        pattern_id: str,
        *,
        execution_time: float | None,
        success: bool | None,
        execution_id: str,
        usage_id: str,
        context_data: Document,
    ) -> object:
        """Once for each ``usage_id``. Raises NotFoundError, AccessDeniedError."""
        ...


@dataclass(slots=True, kw_only=True)
class Heard:
    """What one pass did."""

    looked_at: int = 0
    """Pieces of advice."""
    changed: int = 0
    """Of them, those of which something new is known."""
    usages: int = 0
    """Patterns that were given and followed."""


@dataclass(frozen=True, slots=True)
class _Run:
    trace: Trace
    calls: tuple[Attempt, ...]

    def place_of(self, span_id: str | None) -> int | None:
        return next((place for place, call in enumerate(self.calls) if call.span.span_id == span_id), None)


def advice_event(advice: Advice, *, heard_at: datetime | None = None) -> Event:
    """The event that carries a piece of advice, or, with ``heard_at``, news of it; named by its content."""
    update = AdviceUpdate(advice=advice)
    # What was true, then was not, and is true again, is told three times.
    when = heard_at.isoformat() if heard_at is not None else ""
    return Event(
        event_id=name_id(advice.advice_id, "told", when, encode_payload(update, keep=True).decode()),
        topic="advice-events",
        key=advice.session_id or advice.advice_id,
        occurred_at=advice.given_at,
        namespace=advice.namespace,
        payload=update,
    )


def hear(
    store: Store,
    writer: Writer,
    namespace: str,
    *,
    now: datetime,
    use_pattern: PatternUse,
    pattern_of: Callable[[str], Pattern | None],
) -> Heard:
    """Look at the advice given or withheld in the last 14 days; durable on return. Raises StoreError."""
    heard = Heard()
    advice = store.all_advice(namespace, since=now - _LOOK_BACK)
    by_session: dict[str, list[Advice]] = {}
    for each in advice:
        if each.opportunity == "automatic" and each.session_id is not None:
            by_session.setdefault(each.session_id, []).append(each)
    news: list[Event] = []
    for session_id, told in by_session.items():
        runs = _runs(store, namespace, session_id)
        known = store.resolutions(
            sorted({item.failure_id for each in told for item in each.items or () if item.failure_id})
        )
        resolutions = {one.resolution_id: one for several in known.values() for one in several}
        for each in told:
            heard.looked_at += 1
            found = _outcome(each, runs, resolutions, pattern_of, now)
            if found is None:
                continue
            if any(getattr(found, name) not in (None, getattr(each, name)) for name in _FACTS):
                heard.changed += 1
                news.append(advice_event(_only_facts(found), heard_at=now))
            if each.outcome not in _KNOWN:
                heard.usages += _record_uses(found, runs, use_pattern)
        if len(news) >= _BATCH:
            writer.ingest(news)
            news = []
    if news:
        writer.ingest(news)
    return heard


def _only_facts(found: Advice) -> Advice:
    bare = Advice(
        advice_id=found.advice_id, namespace=found.namespace, given_at=found.given_at, session_id=found.session_id
    )
    return replace(bare, **{name: getattr(found, name) for name in _FACTS})


def _runs(store: Store, namespace: str, session_id: str) -> list[_Run]:
    """Executions of the session in order, those of sub-agents too."""
    traces = store.traces(TraceQuery(namespace=namespace, session_id=session_id, limit=_MOST_TRACES))
    traces.sort(
        key=lambda trace: (trace.started_at is None, trace.started_at or trace.execution_id, trace.execution_id)
    )
    return [_Run(trace, attempts(store.spans(trace.execution_id))) for trace in traces]


def _outcome(
    advice: Advice,
    runs: Sequence[_Run],
    resolutions: dict[str, Resolution],
    pattern_of: Callable[[str], Pattern | None],
    now: datetime,
) -> Advice | None:
    run, place = _where(advice, runs)
    if run is None or not _is_over(run.trace, now):
        return None
    linked = replace(advice, execution_id=run.trace.execution_id, accepted=run.trace.user_acceptance)
    if advice.moment == "prompt":
        endpoints = _of_run(run, runs)
        # A pattern learns from the very runs that are judged by it, so the first judgement of a run stands.
        judged = advice.followed is not None and (advice.endpoints or {}).get("steps") == endpoints["steps"]
        followed = advice.followed if judged else _followed_pattern(advice, run, pattern_of)
        return replace(linked, outcome=run.trace.status, followed=followed, endpoints=endpoints)
    if place is None:
        return linked
    return _of_call(linked, run, place, runs, resolutions)


def _where(advice: Advice, runs: Sequence[_Run]) -> tuple[_Run | None, int | None]:
    """The execution that the advice belongs to, and the call that it is about."""
    if advice.moment == "prompt":
        named = next((run for run in runs if run.trace.execution_id == advice.about_id), None)
        return named or _begun_at(advice.given_at, [run for run in runs if run.trace.parent_id is None]), None
    if advice.about_id is not None:
        for run in runs:
            place = run.place_of(advice.about_id)
            if place is not None:
                return run, place
        return None, None
    # An agent that gives its calls no ids: the last call with this failure that was over by then.
    run = _at(advice.given_at, runs)
    if run is None:
        return None, None
    over = [
        place
        for place, call in enumerate(run.calls)
        if call.signature is not None
        and call.signature.text == advice.subject
        and call.span.started_at is not None
        and call.span.started_at <= advice.given_at + _EARLY
    ]
    return run, over[-1] if over else None


def _begun_at(moment: datetime, runs: Sequence[_Run]) -> _Run | None:
    """The execution of a prompt said at ``moment``: the one that began nearest to it; of a prompt with which a task goes
    on, the one that was at work."""
    begun = [
        (abs(run.trace.started_at - moment), number)
        for number, run in enumerate(runs)
        if run.trace.started_at is not None and abs(run.trace.started_at - moment) <= _EARLY
    ]
    return runs[min(begun)[1]] if begun else _at(moment, runs)


def _at(moment: datetime, runs: Sequence[_Run]) -> _Run | None:
    """The execution that was at work at ``moment``: the last one that had begun, and had not ended. None where there is
    none: what happened after an execution belongs to one that is not recorded yet."""
    begun = [
        run
        for run in runs
        if run.trace.started_at is not None
        and run.trace.started_at <= moment
        and (run.trace.completed_at is None or run.trace.completed_at >= moment - _EARLY)
    ]
    return begun[-1] if begun else None


def _is_over(trace: Trace, now: datetime) -> bool:
    if trace.status != "in_progress":
        return True
    last = trace.completed_at or trace.started_at
    return last is not None and now - last > _IDLE


def _of_run(run: _Run, runs: Sequence[_Run]) -> Document:
    """What is measured at a prompt: the execution, what it delegated, and what failed in the session from then on."""
    trace = run.trace
    spent = [each.trace for each in runs if each is run or each.trace.parent_id == trace.execution_id]
    failures = [
        call.signature.text
        for each in runs[runs.index(run) :]
        for call in each.calls
        if call.failed and call.signature is not None
    ]
    own = {call.signature.text for call in run.calls if call.failed and call.signature is not None}
    told: Document = {
        **_whole(trace, spent),
        "steps": len(run.calls),
        "repeated_failures": len([each for each in failures if each in own]) - len(own),
    }
    return told if trace.quality_score is None else {**told, "quality": trace.quality_score}


def _whole(trace: Trace, spent: Sequence[Trace]) -> dict[str, float | int]:
    """Of an execution, as far as it is known; ``spent``: the executions whose tokens and cost count."""
    told = {
        "success": {"success": 1, "failure": 0}.get(trace.status),
        "duration_ms": trace.duration_ms,
        "tokens": _sum(each.total_tokens_used for each in spent),
        "cost_usd": _sum(each.cost_usd for each in spent),
    }
    return {name: value for name, value in told.items() if value is not None}


def _sum(values: Iterable[float | int | None]) -> float | int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _followed_pattern(advice: Advice, run: _Run, pattern_of: Callable[[str], Pattern | None]) -> bool | None:
    """Whether it went the way of any pattern among the items; None where none can be compared."""
    found: list[bool] = []
    for item in advice.items or ():
        pattern = pattern_of(item.id) if item.kind in {"pattern", "shortcut"} else None
        share = adherence(pattern.recommended_steps, [call.span for call in run.calls]) if pattern is not None else None
        if share is not None:
            found.append(share >= FOLLOWED)
    return any(found) if found else None


def _of_call(advice: Advice, run: _Run, place: int, runs: Sequence[_Run], resolutions: dict[str, Resolution]) -> Advice:
    call = run.calls[place]
    behind = runs[runs.index(run) + 1 :]
    later = [*run.calls[place + 1 :], *(each for other in behind for each in other.calls)]
    if advice.moment == "before_tool":
        failed = _has(call, advice.subject)
        told = _whole(run.trace, [run.trace])
        if failed or call.span.outcome != "unknown":
            told["same_failure_again"] = int(failed)
        followed = _followed_fix(advice, run, place, resolutions)
        return replace(advice, outcome=run.trace.status, followed=followed, endpoints=told)
    ended = recovery(run.calls, place)
    again = sum(_has(each, advice.subject) for each in later)
    told = _whole(run.trace, [run.trace])
    unknown = ended.calls is None and _may_have_worked(call, run.calls[place + 1 : place + 1 + MOST_CALLS])
    if again or not unknown:
        told |= {"same_failure_again": int(again > 0), "repeated_failures": again}
    if ended.calls is not None:
        told["steps_to_recovery"] = ended.calls
    outcome = "recovered" if ended.calls is not None else None if unknown else "not_recovered"
    followed = _followed_fix(advice, run, place, resolutions)
    return replace(advice, outcome=outcome, followed=followed, endpoints=told)


def _has(call: Attempt, subject: str | None) -> bool:
    return call.failed and call.signature is not None and call.signature.text == subject


def _may_have_worked(failed: Attempt, calls: Sequence[Attempt]) -> bool:
    """Whether the same program or tool was called once more and nobody knows how that ended."""
    return any(each.span.outcome == "unknown" and each.name == failed.name for each in calls)


def _followed_fix(advice: Advice, run: _Run, place: int, resolutions: Mapping[str, Resolution]) -> bool | None:
    """Whether any of the remedies was then tried; None where there are none."""
    call, calls = run.calls[place], run.calls[place + 1 : place + 1 + MOST_CALLS]
    keys: set[str] = set()
    if call.failed:
        ended = recovery(run.calls, place)
        keys = {*ended.tried, *([ended.key] if ended.remedy in CARRIED else [])}
    found = [
        any(key and item.id == resolution_id(item.failure_id or "", key) for key in keys)
        or _does(resolutions.get(item.id), call, calls)
        for item in advice.items or ()
        if item.kind in {"fix", "warning"}
    ]
    return any(found) if found else None


def _does(resolution: Resolution | None, failed: Attempt, calls: Sequence[Attempt]) -> bool:
    """Whether ``calls`` have every literal word of each of the resolution's commands, in one of the same program. What the
    call that failed had already is no part of the remedy: to make it once more is not to follow."""
    wanted = [command.words for step in (resolution.steps if resolution is not None else ())
              for command in simple_commands(step.command)]  # fmt: skip
    done = [command.words for call in calls for command in simple_commands(call.line)]
    had = [command.words for command in simple_commands(failed.line)]
    news = [words for words in wanted if not _among(words, had)]
    return bool(news) and all(_among(words, done) for words in news)


def _among(wanted: Sequence[str], commands: Sequence[Sequence[str]]) -> bool:
    literal = {word for word in wanted if "{" not in word and "<" not in word and word != "…"}
    return any(words[0] == wanted[0] and literal <= set(words) for words in commands)


def _record_uses(advice: Advice, runs: Sequence[_Run], use_pattern: PatternUse) -> int:
    if advice.arm != "given" or advice.reason is not None or not advice.followed or advice.moment != "prompt":
        return 0
    trace = next(run.trace for run in runs if run.trace.execution_id == advice.execution_id)
    if trace.status not in _KNOWN:
        return 0
    used = 0
    for item in advice.items or ():
        if item.kind not in {"pattern", "shortcut"}:
            continue
        try:
            use_pattern(
                item.id,
                execution_time=trace.duration_ms / 1000 if trace.duration_ms is not None else None,
                success=trace.status == "success",
                execution_id=trace.execution_id,
                usage_id=name_id(advice.advice_id, "usage", item.id),
                context_data={"advice_id": advice.advice_id},
            )
            used += 1
        except (NotFoundError, AccessDeniedError):
            continue  # deleted, or taken back, since it was given
    return used
