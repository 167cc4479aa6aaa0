"""Runs with a known outcome, grouped by task and by family, from transcripts or from the store.

Labels come from a JSONL of ``{transcript, success, customer or group}`` or from what the data state (a reward, a
verdict). Families join what resembles itself for reasons that have nothing to do with learning: runs of one task, of
one customer or group, and tasks whose prompts share an identifier (a user, an order).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seasoned.evaluate.labels import read_labels
from seasoned.evaluate.runs import read_transcripts
from seasoned.learn import fingerprint
from seasoned.learn.patterns.contrast import rests_on_own_checks
from seasoned.learn.steps import Step, steps
from seasoned.model import Execution, Fingerprint, Span, Trace

__all__ = ["LabelledRun", "labelled_executions", "labelled_transcripts"]

_IDENTIFIER = re.compile(r"(?<![\w@.])(?=\w*\d)(?=\w*[A-Za-z_])\w{6,40}(?![\w@])")
_SHARED_BY = 12
"""An identifier in more tasks than this is a word of the domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRun:
    """One run of a task."""

    trace: Trace
    fingerprint: Fingerprint
    steps: tuple[Step, ...]
    success: bool
    family: str
    """Runs and tasks of one family never stand on both sides of a split."""
    set_name: str

    @property
    def task(self) -> str:
        """Runs of one task have the same."""
        return self.fingerprint.task_hash


def labelled_transcripts(
    paths: Sequence[Path], labels: Path | None = None, *, unreadable: list[str] | None = None
) -> list[LabelledRun]:
    """Every run with a known outcome at or below ``paths``; by set, task and execution.

    Without ``labels``, a ``labels.jsonl`` in one of the folders is used. Raises UsageError without transcripts,
    InputError naming the line of the labels that is not as described."""
    read = read_transcripts(paths, unreadable=unreadable)
    told = read_labels(paths, labels, read)
    found: list[tuple[Trace, Sequence[Span], bool, str, str]] = []
    for transcript in read:
        label = told.get(transcript.path)
        if label is not None and transcript.runs:
            # A label speaks for the whole transcript; its first root is the task, the others went on from there.
            whose = label.customer or label.group or ""
            name = transcript.path.parent.parent.name
            found.append((transcript.runs[0].trace, transcript.spans, label.success, whose, name))
            continue
        found += [
            (run.trace, run.spans, run.label, "", transcript.path.stem)
            for run in transcript.runs
            if run.label is not None
        ]
    return _runs(found)


def labelled_executions(executions: Iterable[Execution], *, independent: bool = False) -> list[LabelledRun]:
    """Root executions of a store whose outcome is known otherwise than by comparing runs.

    ``independent``: and otherwise than from the checks that they ran themselves."""
    found = [
        (each.trace, each.spans, each.trace.status == "success", each.trace.session_id or "", "store")
        for each in executions
        if each.trace.success is not None
        and each.trace.outcome_tier == "explicit"
        and not (independent and rests_on_own_checks(each.trace))
        and each.trace.parent_id is None
        and each.trace.prompt
    ]
    return _runs(found)


def _runs(found: Sequence[tuple[Trace, Sequence[Span], bool, str, str]]) -> list[LabelledRun]:
    prints = [fingerprint(trace.prompt or "", "evaluation") for trace, *_ in found]
    families = _families(
        [
            (prints[number].task_hash, whose and f"{name} {whose}", trace.prompt or "")
            for number, (trace, _, _, whose, name) in enumerate(found)
        ]
    )
    runs = [
        LabelledRun(
            trace=trace,
            fingerprint=prints[number],
            steps=steps(spans),
            success=won,
            family=families[number],
            set_name=name,
        )
        for number, (trace, spans, won, _, name) in enumerate(found)
    ]
    return sorted(runs, key=lambda run: (run.set_name, run.task, run.trace.execution_id))


def _families(runs: Sequence[tuple[str, str, str]]) -> list[str]:
    """By run: the smallest task hash that it hangs together with."""
    sharing: dict[str, set[str]] = {}
    for task, whose, prompt in runs:
        if whose:
            sharing.setdefault(f"whose {whose}", set()).add(task)
        for identifier in set(_IDENTIFIER.findall(prompt)):
            sharing.setdefault(f"id {identifier.casefold()}", set()).add(task)
    above = {task: task for task, _, _ in runs}

    def top(task: str) -> str:
        while above[task] != task:
            task = above[task]
        return task

    for name, tasks in sorted(sharing.items()):
        if name.startswith("id ") and len(tasks) > _SHARED_BY:
            continue
        tops = sorted({top(task) for task in tasks})
        for other in tops[1:]:
            above[other] = tops[0]
    return [top(task) for task, _, _ in runs]
