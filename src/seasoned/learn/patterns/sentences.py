"""The sentences of a pattern that are made of counts: drawn from one cluster or joined from several, they read the same.

Each is a function of numbers alone, so that no sentence can say something else than the numbers beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from seasoned.model import Document, PatternStep

__all__ = ["Troubles", "criteria", "description", "gotchas", "rationale", "solution", "when_not"]

_LONGEST = 960


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """Of one step: in how many executions that have it what happened."""

    failed: int
    """A call of it failed before it went through."""
    red: int
    """Of a check: it was red at least once."""
    passed: int
    """Of a check: it was green in the end, and the execution is known to have succeeded."""


def executions(count: int) -> str:
    """``1 execution``, ``2 executions``."""
    return "1 execution" if count == 1 else f"{count} executions"


def description(steps: Sequence[PatternStep], of: int, *, one_task: bool) -> str:
    """How many steps of how many executions."""
    what = "one task" if of == 1 else "one task, asked again" if one_task else "alike tasks"
    always = sum(not step.optional for step in steps)
    number = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
    return f"{number} common to {executions(of)} of {what}: {always} in all of them, {len(steps) - always} in most."


def solution(steps: Sequence[PatternStep]) -> str:
    """The steps that all have; where there are none, those that most have."""
    told = [step.action for step in steps if not step.optional] or [step.action for step in steps]
    return "; then ".join(told)[:_LONGEST]


def rationale(successes: int, unknown: int, failures: int) -> str:
    """What it was seen in."""
    seen = f"Seen in {executions(successes + unknown)}: {successes} successful, {unknown} of unknown outcome."
    return f"{seen} {executions(failures)} more went the same way and failed." if failures else seen


def when_not(schema: Document, failures: int) -> list[str]:
    """What speaks against using it: what must be known, and those that failed."""
    properties = cast("Mapping[str, Document]", schema["properties"])
    told = [
        name for name, about in properties.items() if str(about.get("description", "")).startswith("named in the task")
    ]
    found = [f"The task does not say {', '.join(told)}."] if told else []
    if failures:
        found.append(f"{executions(failures)} went this way and failed; look at what they were asked.")
    return found


def gotchas(steps: Sequence[PatternStep], troubles: Sequence[Troubles]) -> list[str]:
    """Where executions had trouble on the way."""
    found: list[str] = []
    for step, each in zip(steps, troubles, strict=True):
        if each.failed:
            found.append(f"Step {step.number} failed at first in {each.failed} of {executions(step.seen_in)}.")
        if each.red:
            found.append(
                f"The check of step {step.number} was red in {each.red} of {executions(step.seen_in)} on the way."
            )
    return found


def criteria(
    steps: Sequence[PatternStep], troubles: Sequence[Troubles], successes: int, quality: float | None
) -> Document | None:
    """Checks that successful executions passed in the end, and the quality they were held to."""
    checks: list[Document] = [
        {"step": step.number, "check": step.action, "passed_in": each.passed, "of": successes}
        for step, each in zip(steps, troubles, strict=True)
        if step.kind == "check" and each.passed
    ]
    if not checks:
        return None
    return {"checks": checks, **({"quality_score": quality} if quality is not None else {})}
