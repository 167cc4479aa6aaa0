"""Failures with their occurrences and remedies, from executions fed one at a time.

Invariant: the result depends on the executions, not on the order in which they came, and feeding one twice changes
nothing. All that is kept is counted by ids or chosen by a total order.

Memory: one small record per occurrence (its texts are in the store already; only ``EXAMPLES`` messages per signature
are kept), plus the distinct signatures and remedies.

A remedy is *shown* only where it may be believed: it worked in at least two sessions, more often than not, and agents
do not find it by themselves, and where the outcomes of its runs are known, these did not mostly fail. Everything else
is kept with the reason why not. Sessions that were told of the failure say nothing about what agents find by themselves:
else a fix that helps would be taken back for it.
"""

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median

from seasoned.capture.excerpt import cut
from seasoned.learn.failures.attempts import Attempt, LeftOut, attempts
from seasoned.learn.failures.factors import FactorCounter, Factors
from seasoned.learn.failures.families import families
from seasoned.learn.failures.kinds import kind_of
from seasoned.learn.failures.prevention import prevention
from seasoned.learn.failures.refusals import installs_unnamed
from seasoned.learn.failures.resolutions import Recovery, recovery
from seasoned.learn.statistics import posterior
from seasoned.model import Document, Execution, FailureOccurrence, FailurePattern, FailureType, Resolution
from seasoned.model.failure import ResolutionStep
from seasoned.model.ids import name_id
from seasoned.model.limits import ERROR_LIMIT

__all__ = ["CARRIED", "EXAMPLES", "LEAST_SESSIONS", "FailureMiner", "MinedFailure", "resolution_id"]

EXAMPLES = 20
"""Messages kept per signature."""
CARRIED = frozenset({"variant", "preparation", "other_tool"})
"""Remedies that can be carried over to another task."""
LEAST_SESSIONS = 2
"""In which a remedy must have worked before it is shown (specification, targets)."""
_LEAST_ENDS = 2
"""Runs whose end is known, from which on the end counts against a remedy."""
_BY_THEMSELVES = 2
"""Calls within which a recovery counts as found by the agent itself (specification, targets)."""
_BEFORE_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""When a failure happened whose source has no times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinedFailure:
    """One failure with everything mined about it, as ``replace_failure`` of the store takes it."""

    failure: FailurePattern
    resolutions: tuple[Resolution, ...]
    """Best first: shown ones, then by the posterior of working, then by sessions and id."""
    occurrences: tuple[FailureOccurrence, ...]
    """Oldest first, ties by id."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """One occurrence, as little of it as will do."""

    span_id: str
    execution_id: str
    namespace: str
    session: str
    fingerprint_id: str | None
    at: datetime
    program: str
    tool: str
    remedy: str
    key: str
    tried: tuple[str, ...]
    calls: int | None
    duration_ms: int | None
    went_well: bool | None
    """How the whole execution ended."""


@dataclass(slots=True)
class _Group:
    kinds: Counter[FailureType] = field(default_factory=Counter[FailureType])
    seen: dict[str, _Seen] = field(default_factory=dict[str, _Seen])
    examples: dict[tuple[datetime, str], tuple[str, str, str]] = field(
        default_factory=dict[tuple[datetime, str], tuple[str, str, str]]
    )
    """(message, stack, command) by time and span."""
    remedies: dict[str, tuple[tuple[datetime, str], tuple[ResolutionStep, ...], str]] = field(
        default_factory=dict[str, tuple[tuple[datetime, str], tuple[ResolutionStep, ...], str]]
    )
    """By key, as it stood the first time: (time and span, steps, description)."""


class FailureMiner:
    """Feed it executions with ``add``, in any order, then ask for ``result``."""

    def __init__(self, least_sessions: int = LEAST_SESSIONS, *, told: Set[tuple[str, str]] = frozenset()) -> None:
        """``least_sessions``: in which a remedy must have worked before it is shown, ≥ 1. ``told``: of each session the
        failures of which its agent was told, as (session, failure_id)."""
        self._least_sessions = least_sessions
        self._told = told
        self._groups: dict[tuple[str, str], _Group] = {}
        self._fed: set[str] = set()
        self._factors = FactorCounter()
        self.left_out: Counter[LeftOut] = Counter()
        """Failed calls that teach nothing, by reason."""

    def add(self, execution: Execution) -> None:
        """Take in what failed there. An execution that was fed before changes nothing."""
        trace = execution.trace
        if trace.execution_id in self._fed:
            return
        self._fed.add(trace.execution_id)
        calls = attempts(execution.spans)
        signatures: list[tuple[str, str, str]] = []
        for place, call in enumerate(calls):
            if call.left_out is not None:
                self.left_out[call.left_out] += 1
            if call.failed and call.signature is not None:
                signatures.append((call.signature.text, call.tool, calls[place - 1].name if place else ""))
                self._take(execution, call, recovery(calls, place))
        self._factors.add(execution, calls, signatures)

    def _take(self, execution: Execution, call: Attempt, ended: Recovery) -> None:
        read, span, trace = call.signature, call.span, execution.trace
        assert read is not None
        group = self._groups.setdefault((trace.namespace, read.text), _Group())
        group.kinds[kind_of(read, tool=call.tool, command=call.line, error_type=span.error_type)] += 1
        at = span.started_at or trace.started_at or _BEFORE_TIME
        seen = _Seen(
            span_id=span.span_id,
            execution_id=trace.execution_id,
            namespace=trace.namespace,
            session=trace.session_id or trace.root_id or trace.execution_id,
            fingerprint_id=execution.fingerprint.fingerprint_id if execution.fingerprint else None,
            at=at,
            program=call.name,
            tool=call.tool,
            remedy=ended.remedy,
            key=ended.key,
            tried=ended.tried,
            calls=ended.calls,
            duration_ms=ended.duration_ms,
            went_well={"success": True, "failure": False}.get(trace.status),
        )
        group.seen[span.span_id] = seen
        place = (at, span.span_id)
        message = span.error_message or span.result_preview or ""
        if len(message) > 2 * ERROR_LIMIT:  # recorded ones are cut already, with a mark behind the limit
            message = cut(message, ERROR_LIMIT)
        group.examples[place] = (message, "\n".join(read.telling.frames), call.line)
        if len(group.examples) > EXAMPLES:
            del group.examples[max(group.examples)]
        if ended.key and (ended.key not in group.remedies or place < group.remedies[ended.key][0]):
            group.remedies[ended.key] = (place, ended.steps, ended.description)

    def result(self, *, without_session: str | None = None) -> list[MinedFailure]:
        """Every failure, most frequent first, ties by signature.

        ``without_session``: as if that session had not been fed (to judge fixes by what others found); factors are
        then left out, since they count executions.
        """
        groups = self._groups
        if without_session is not None:
            groups = {
                key: left for key, group in groups.items() if (left := _without(group, without_session)) is not None
            }
        texts: dict[str, list[str]] = {}
        for namespace, text in groups:
            texts.setdefault(namespace, []).append(text)
        named = {namespace: families(found) for namespace, found in texts.items()}
        factors = self._factors.result() if without_session is None else {}
        mined = [
            _mined(
                namespace,
                text,
                group,
                named[namespace][text],
                factors.get((namespace, text)),
                self._least_sessions,
                self._told,
            )
            for (namespace, text), group in groups.items()
        ]
        return sorted(
            mined, key=lambda one: (-one.failure.occurrence_count, one.failure.signature, one.failure.namespace)
        )


def _without(group: _Group, session: str) -> _Group | None:
    seen = {span: one for span, one in group.seen.items() if one.session != session}
    if not seen:
        return None
    keys = {one.key for one in seen.values()}
    return _Group(
        kinds=group.kinds,
        seen=seen,
        examples={place: example for place, example in group.examples.items() if place[1] in seen},
        remedies={key: remedy for key, remedy in group.remedies.items() if key in keys},
    )


def _mined(
    namespace: str,
    text: str,
    group: _Group,
    family: str,
    factors: Factors | None,
    least_sessions: int,
    told: Set[tuple[str, str]],
) -> MinedFailure:
    failure_id = name_id(namespace, "failure", text)
    seen = sorted(group.seen.values(), key=lambda one: (one.at, one.span_id))
    followed: dict[str, list[_Seen]] = {}
    called: dict[str, list[_Seen]] = {}
    untold = [one for one in seen if (one.session, failure_id) not in told]
    for one in untold:
        called.setdefault(one.program, []).append(one)
    for one in seen:
        for key in {one.key, *one.tried}:
            followed.setdefault(key, []).append(one)
    judged = [
        _resolution(namespace, failure_id, key, group, followed[key], called, least_sessions)
        for key in sorted(group.remedies)
    ]
    judged.sort(
        key=lambda one: (not one[1]["shown"], -_score(one[0]), -int(str(one[1]["sessions"])), one[0].resolution_id)
    )
    resolutions = tuple(one[0] for one in judged)
    by_key = {str(one[1]["key"]): one[0].resolution_id for one in judged}
    best, facts = judged[0] if judged else (None, None)
    shown = facts is not None and facts["shown"] is True
    example = group.examples[min(group.examples)] if group.examples else ("", "", "")
    took = [one.duration_ms for one in seen if one.duration_ms is not None]
    remedies = Counter(one.remedy for one in seen)
    metadata: Document = {
        "shown": shown,
        "not_shown": None if shown else (str(facts["not_shown"]) if facts else _none_why(remedies)),
        "sessions": len({one.session for one in seen}),
        "self_recovered": _by_themselves(untold),
        "remedies": {name: remedies[name] for name in sorted(remedies)},
        "resolutions": {
            resolution.resolution_id: {name: value for name, value in told.items() if name != "key"}
            for resolution, told in judged
        },
    }
    failure = FailurePattern(
        failure_id=failure_id,
        namespace=namespace,
        signature=text,
        failure_type=min(group.kinds, key=lambda kind: (-group.kinds[kind], kind)),
        error_category=family,
        error_message=example[0] or None,
        error_stack_trace=example[1] or None,
        failed_step=_most(one.program for one in seen),
        root_cause_analysis=factors.sentence if factors else None,
        contributing_factors=factors.document if factors else None,
        resolution_applied=best.description if best is not None else None,
        resolution_steps={"steps": [_step(step) for step in best.steps]} if best is not None else None,
        time_to_resolve_ms=int(median(took)) if took else None,
        occurrence_count=len(seen),
        first_occurrence_at=next((one.at for one in seen if one.at > _BEFORE_TIME), None),
        last_occurrence_at=seen[-1].at if seen[-1].at > _BEFORE_TIME else None,
        prevention_strategy=prevention(best, str(facts["kind"])) if best is not None and facts and shown else None,
        automated_fix_available=shown and best is not None and _is_replayable(best),
        fix_success_rate=100 * best.times_worked / best.times_seen if best is not None and best.times_seen else None,
        context_at_failure={"command": example[2][:300]} if example[2] else None,
        metadata=metadata,
    )
    occurrences = tuple(
        FailureOccurrence(
            occurrence_id=name_id(one.span_id, "occurrence"),
            failure_id=failure_id,
            namespace=namespace,
            execution_id=one.execution_id,
            span_id=one.span_id,
            fingerprint_id=one.fingerprint_id,
            message=group.examples[(one.at, one.span_id)][0] or None
            if (one.at, one.span_id) in group.examples
            else None,
            occurred_at=one.at,
            resolved_by=by_key.get(one.key),
            time_to_resolve_ms=one.duration_ms,
        )
        for one in seen
    )
    return MinedFailure(failure=failure, resolutions=resolutions, occurrences=occurrences)


def _resolution(
    namespace: str,
    failure_id: str,
    key: str,
    group: _Group,
    tried: list[_Seen],
    called: dict[str, list[_Seen]],
    least_sessions: int,
) -> tuple[Resolution, Document]:
    _, steps, description = group.remedies[key]
    worked = [one for one in tried if one.key == key]
    programs = {one.program for one in worked}
    asked = [one for program in sorted(programs) for one in called.get(program, ())]
    sessions = len({one.session for one in worked})
    tasks = len({one.fingerprint_id or one.execution_id for one in worked})
    alone = _by_themselves(asked)
    chance = posterior(len(worked), len(tried)) or 0.0
    # A call that gets past an error may only have silenced it: paying the total that an error names is no remedy for
    # having ordered the wrong thing.
    ends = {one.execution_id: one.went_well for one in worked if one.went_well is not None}
    why: str | None = None
    if sessions < least_sessions:
        why = "rests on one session" if sessions == 1 else f"rests on {sessions} sessions"
    elif tasks < min(least_sessions, LEAST_SESSIONS):
        why = "rests on one task, done several times"
    elif alone is not None and alone >= 0.5:
        share = sum(1 for one in asked if one.calls is not None and one.calls <= _BY_THEMSELVES)
        why = f"agents recover by themselves within {_BY_THEMSELVES} calls ({share} of {len(asked)})"
    elif chance < 0.5:
        why = f"worked {len(worked)} of {len(tried)} times"
    elif len(ends) >= _LEAST_ENDS and (posterior(sum(ends.values()), len(ends)) or 0.0) < 0.5:
        lost = len(ends) - sum(ends.values())
        why = f"the error went away, but {lost} of {len(ends)} of the runs failed in the end"
    elif any(
        installs_unnamed(line, (message for message, _, _ in group.examples.values()))
        for step in steps
        for line in (step.command, step.example or "")
    ):
        why = "installs what the error does not name"
    resolution = Resolution(
        resolution_id=resolution_id(failure_id, key),
        failure_id=failure_id,
        namespace=namespace,
        description=description,
        steps=steps,
        times_seen=len(tried),
        times_worked=len(worked),
        last_worked_at=max((one.at for one in worked if one.at > _BEFORE_TIME), default=None),
    )
    return resolution, {
        "key": key,
        "shown": why is None,
        "not_shown": why,
        "sessions": sessions,
        "tasks": tasks,
        "self_recovered": alone,
        "ended_well": f"{sum(ends.values())} of {len(ends)}" if ends else None,
        "kind": _most(one.remedy for one in worked) or "variant",
        "programs": sorted(programs),
        "executions": sorted({one.execution_id for one in worked})[:EXAMPLES],
    }


def resolution_id(failure_id: str, key: str) -> str:
    """Id of the remedy ``key`` (``Recovery.key``) of a failure."""
    return name_id(failure_id, "resolution", key)


def _is_replayable(resolution: Resolution) -> bool:
    """Whether it has worked and can be done again as it stands, with nothing to be filled in."""
    return resolution.times_worked > 0 and not any("{" in step.command for step in resolution.steps)


def _score(resolution: Resolution) -> float:
    return posterior(resolution.times_worked, resolution.times_seen) or 0.0


def _by_themselves(seen: list[_Seen]) -> float | None:
    """Share of failures that the agent overcame within two calls, by whatever means."""
    if not seen:
        return None
    return sum(1 for one in seen if one.calls is not None and one.calls <= _BY_THEMSELVES) / len(seen)


def _none_why(remedies: Counter[str]) -> str:
    name = min(remedies, key=lambda one: (-remedies[one], one))
    return {
        "edit": "was overcome by editing, which belongs to its task",
        "none": "no success of the same call followed",
        "retry": "the same call simply worked again",
        "narrows": "only a narrower call succeeded",
        "hides": "only hiding the exit code helped",
        "guard off": "only switching a guard off helped",
        "harmful": "only a step helped that can do harm, which is never offered",
        "other names": "the call that worked differs only in names and values of its own task",
    }.get(name, "what helped is not clear")


def _most(values: Iterable[str]) -> str | None:
    counted = Counter(values)
    return min(counted, key=lambda one: (-counted[one], one)) if counted else None


def _step(step: ResolutionStep) -> Document:
    return {"tool": step.tool, "command": step.command, "example": step.example}
