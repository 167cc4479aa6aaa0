"""Are stops recognised as stops, and failures that a pipe hides as failures?

Every mark that ``evaluate.raw_marks`` finds in the raw lines is looked up in what the importer made of the file. A
refused or cancelled call must be a span that says ``rejected`` or ``cancelled``. An interruption or a quota stop must
stand among the evidence of the execution in which it happened, and that execution must not count as a failure: it is
``aborted`` when nothing followed, and keeps its outcome when the user let it go on.
"""

from collections.abc import Sequence

import numpy as np

from seasoned.evaluate.intervals import cluster_interval
from seasoned.evaluate.raw_marks import MarkKind, RawMark, raw_marks
from seasoned.evaluate.report import Figure, Target
from seasoned.evaluate.runs import Transcript
from seasoned.model import Span
from seasoned.model.ids import source_id

__all__ = ["stop_figures"]

_READ_RAW = frozenset({"claude_code", "codex"})
_STOPS: tuple[MarkKind, ...] = ("rejection", "cancellation", "interruption", "quota")
_ASIDE = frozenset({"rejected", "cancelled"})


def stop_figures(transcripts: Sequence[Transcript], *, seed: int = 0) -> list[Figure]:
    """``interrupted_recall``, ``piped_recall`` and ``piped_false_alarms``; family = file. Empty without any mark."""
    stops: list[tuple[str, bool]] = []
    hidden: list[tuple[str, bool]] = []
    clean: list[tuple[str, bool]] = []
    for transcript in transcripts:
        if transcript.importer not in _READ_RAW:
            continue
        family = str(transcript.path)
        marks = list(raw_marks(transcript.path))
        calls = _calls(transcript, marks)
        failing = {mark.call_id for mark in marks if mark.kind == "piped_failure"}
        for mark in marks:
            span = calls.get(mark.call_id or "")
            if mark.kind in _STOPS:
                stops.append((family, _recognised(mark, span, transcript)))
            elif mark.kind == "piped_failure":
                hidden.append((family, span is not None and span.outcome == "failure"))
            elif mark.call_id not in failing:
                clean.append((family, span is not None and span.outcome == "failure"))
    checks = len(hidden) + len(clean)
    constant = (("exit code", 0.0),)
    return [
        *_figure("interrupted_recall", stops, seed, Target(least=0.99), (("constant", 0.0),)),
        *_figure("piped_recall", hidden, seed, Target(least=0.99), constant),
        *_figure("piped_false_alarms", clean, seed, None, constant),
        *([Figure(key="piped_fail_share", n=checks, value=len(hidden) / checks)] if checks else []),
    ]


def _calls(transcript: Transcript, marks: Sequence[RawMark]) -> dict[str, Span]:
    """Spans by the agent's own id of the call."""
    spans = {span.span_id: span for span in transcript.spans}
    sessions = {trace.session_id for trace in transcript.traces if trace.session_id}
    found: dict[str, Span] = {}
    for mark in marks:
        for session in sessions if mark.call_id else ():
            span = spans.get(source_id(transcript.importer, session, mark.call_id or ""))
            if span is not None:
                found[mark.call_id or ""] = span
    return found


def _recognised(mark: RawMark, span: Span | None, transcript: Transcript) -> bool:
    if mark.call_id is not None:
        return span is not None and span.outcome in _ASIDE
    for trace in transcript.traces:
        begun = mark.at is None or trace.started_at is None or trace.started_at <= mark.at
        over = mark.at is not None and trace.completed_at is not None and trace.completed_at < mark.at
        seen = any(signal.kind == mark.kind for signal in trace.outcome_evidence)
        if begun and not over and seen and trace.status != "failure":
            return True
    return False


def _figure(
    key: str, found: list[tuple[str, bool]], seed: int, target: Target | None, baselines: tuple[tuple[str, float], ...]
) -> list[Figure]:
    if not found:
        return []
    right = np.asarray([hit for _, hit in found], dtype=np.float64)
    families = [family for family, _ in found]
    interval = cluster_interval(families, lambda drawn: float(right[drawn].mean()), seed=seed, share=True)
    return [
        Figure(key=key, n=len(found), value=float(right.mean()), interval=interval, target=target, baselines=baselines)
    ]
