"""Fixes that are shown: how many there are, what they rest on, and whether agents would have been right to take them.

*Imitation*: sessions are left out one at a time. For each failure in the session left out, the fix mined from all other
sessions is asked for. It counts as right where the agent then did just that and it worked, and as wrong where the agent
overcame the failure in another way; a failure that nobody overcame judges no fix and is only counted. The figure errs
on the strict side: another way does not prove the fix wrong.

``coverage`` has no floor: of all failures that count, the share for which a fix would have been shown.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from seasoned.evaluate.intervals import cluster_interval
from seasoned.evaluate.report import Figure, Part, Report, Target
from seasoned.evaluate.runs import read_transcripts
from seasoned.learn import fingerprint
from seasoned.learn.failures.attempts import Attempt, attempts
from seasoned.learn.failures.lookup import Fix, FixIndex
from seasoned.learn.failures.mining import CARRIED, FailureMiner, MinedFailure, resolution_id
from seasoned.learn.failures.resolutions import Recovery, recovery
from seasoned.model import Execution, Span, Trace
from seasoned.store.knowledge_port import KnowledgeStore

__all__ = ["executions_of", "fixes_report", "run_fixes", "run_own_fixes", "shown_fixes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One failure, as an agent would have asked about it."""

    session: str
    family: str
    call: Attempt
    ended: Recovery


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    asked: _Asked
    fixes: tuple[Fix, ...]
    """What all other sessions would have told."""
    own: str | None
    """resolution_id of what the agent then did, where it can be carried over."""


def run_fixes(paths: Sequence[Path], *, seed: int = 0) -> Report:
    """On transcripts at or below ``paths``. Raises UsageError where there is none."""
    problems: list[str] = []
    return fixes_report(executions_of(paths, problems), seed=seed, problems=problems)


def run_own_fixes(store: KnowledgeStore, namespace: str, *, seed: int = 0) -> Report:
    """On the imported history."""
    return fixes_report((one for batch in store.all_executions(namespace) for one in batch), seed=seed)


def executions_of(paths: Sequence[Path], unreadable: list[str]) -> list[Execution]:
    """Every execution of the transcripts at or below ``paths``; what cannot be read is described in ``unreadable``."""
    found: dict[str, tuple[Trace, list[Span]]] = {}
    for transcript in read_transcripts(paths, unreadable=unreadable):
        for trace in transcript.traces:
            found[trace.execution_id] = trace, []
        for span in transcript.spans:
            if span.execution_id in found:
                found[span.execution_id][1].append(span)
    return [
        Execution(
            trace=trace,
            fingerprint=fingerprint(trace.prompt, trace.namespace) if trace.prompt else None,
            spans=tuple(sorted(spans, key=lambda span: (span.number, span.span_id))),
        )
        for _, (trace, spans) in sorted(found.items())
    ]


def shown_fixes(mined: Iterable[MinedFailure]) -> list[tuple[MinedFailure, int]]:
    """(failure, place of the resolution) of everything that would be shown."""
    return [
        (one, place)
        for one in mined
        for place, resolution in enumerate(one.resolutions)
        if _facts(one, resolution.resolution_id).get("shown") is True
    ]


def fixes_report(executions: Iterable[Execution], *, seed: int = 0, problems: Sequence[str] = ()) -> Report:
    """On ``executions``, each of which is read once. ``problems``: sentences to add to the notes."""
    miner = FailureMiner()
    asked: list[_Asked] = []
    for execution in executions:
        miner.add(execution)
        asked += _questions(execution)
    mined = miner.result()
    shown = shown_fixes(mined)
    answered = _answers(miner, asked)
    behind = [int(str(_facts(one, one.resolutions[place].resolution_id)["sessions"])) for one, place in shown]
    figures = (
        Figure(key="shown", n=len(mined), value=float(len(shown))),
        Figure(
            key="sessions_behind", n=len(behind), value=float(min(behind)) if behind else None, target=Target(least=2)
        ),
        _coverage(answered, seed),
        _imitation(answered, seed),
    )
    remedies = Counter(one.ended.remedy for one in asked)
    notes = [
        f"{len(asked)} failures that count in {len({one.session for one in asked})} sessions, {len(mined)} signatures; left out: "
        + (", ".join(f"{name} {count}" for name, count in sorted(miner.left_out.items())) or "none"),
        "how they ended: " + ", ".join(f"{name} {count}" for name, count in sorted(remedies.items())),
        "An edit to code is no fix that can be carried over: it is counted and never shown.",
        *problems[:5],
    ]
    return Report(name="fixes", parts=(Part(name="all", n=len(asked), figures=figures),), notes=tuple(notes))


def _questions(execution: Execution) -> list[_Asked]:
    trace = execution.trace
    session = trace.session_id or trace.root_id or trace.execution_id
    family = execution.fingerprint.task_hash if execution.fingerprint else session
    calls = attempts(execution.spans)
    return [
        _Asked(session=session, family=family, call=call, ended=recovery(calls, place))
        for place, call in enumerate(calls)
        if call.failed
    ]


def _answers(miner: FailureMiner, asked: Sequence[_Asked]) -> list[_Answered]:
    answered: list[_Answered] = []
    for session in sorted({one.session for one in asked}):
        mined = miner.result(without_session=session)
        index = FixIndex(
            [one.failure for one in mined],
            {one.failure.failure_id: one.resolutions for one in mined if one.resolutions},
        )
        for one in asked:
            if one.session != session:
                continue
            text = one.call.span.error_message or one.call.span.result_preview or ""
            answer = index.fix_for(text, tool=one.call.tool, command=one.call.line or None)
            carried = one.ended.remedy in CARRIED and answer.failure is not None
            own = resolution_id(answer.failure.failure_id, one.ended.key) if carried and answer.failure else None
            answered.append(_Answered(asked=one, fixes=answer.fixes, own=own))
    return answered


def _coverage(answered: Sequence[_Answered], seed: int) -> Figure:
    told = np.array([bool(one.fixes) for one in answered], dtype=bool)

    def share(drawn: NDArray[np.intp]) -> float:
        return float(told[drawn].mean()) if len(drawn) else float("nan")

    families = [one.asked.family for one in answered]
    value = share(np.arange(len(told), dtype=np.intp)) if len(told) else None
    return Figure(
        key="coverage",
        n=len(told),
        value=value,
        interval=cluster_interval(families, share, seed=seed, share=True) if len(told) else None,
    )


def _imitation(answered: Sequence[_Answered], seed: int) -> Figure:
    judged = [one for one in answered if one.fixes and one.asked.ended.calls is not None]
    right = np.array([one.fixes[0].resolution.resolution_id == one.own for one in judged], dtype=bool)
    again = [one.asked.ended.remedy == "retry" for one in judged]

    def share(drawn: NDArray[np.intp]) -> float:
        return float(right[drawn].mean())

    return Figure(
        key="imitation_precision",
        n=len(judged),
        value=share(np.arange(len(right), dtype=np.intp)) if judged else None,
        interval=cluster_interval([one.asked.family for one in judged], share, seed=seed, share=True)
        if judged
        else None,
        baselines=(
            ("the same call again", sum(again) / len(again) if again else None),
            ("commonest remedy of all", _commonest(answered, judged)),
        ),
        target=Target(least=0.8),
    )


def _commonest(answered: Sequence[_Answered], judged: Sequence[_Answered]) -> float | None:
    """What one remedy for everything would score: the one that was seen most often."""
    counted = Counter(one.asked.ended.key for one in answered if one.asked.ended.key)
    if not counted or not judged:
        return None
    key = min(counted, key=lambda one: (-counted[one], one))
    return sum(one.asked.ended.key == key for one in judged) / len(judged)


def _facts(one: MinedFailure, resolution: str) -> dict[str, object]:
    told = cast(dict[str, dict[str, object]], (one.failure.metadata or {}).get("resolutions") or {})
    return told.get(resolution, {})
