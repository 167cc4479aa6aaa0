"""Whether a run went the way of a pattern: how many of its steps were done, in their order.

A step was done where the run has one of the same tool on the same target. A target with placeholders or typed slots stands
for any: what the run put in for them is its own business. Optional steps do not count against a run.
"""

from collections.abc import Iterable, Sequence

from seasoned.learn.steps import steps
from seasoned.model import PatternStep, Span

__all__ = ["FOLLOWED", "adherence"]

FOLLOWED = 0.6
"""Share of the required steps from which on a run is said to have followed the pattern: as large as the support that a step
needs to be in one (specification, learning §6)."""


def adherence(wanted: Sequence[PatternStep], spans: Iterable[Span]) -> float | None:
    """Share, 0..1, of the required steps that were done in order (longest common subsequence); None where the pattern names
    no tools, so that nothing can be compared."""
    required = [step for step in wanted if not step.optional and step.tool]
    if not required:
        return None
    done = [(step.tool, step.target) for step in steps(spans)]
    longest = [0] * (len(done) + 1)
    for step in required:
        before = longest[:]
        for place, (tool, target) in enumerate(done, 1):
            same = tool == step.tool.casefold() and (target == step.target or _is_open(step.target))
            longest[place] = before[place - 1] + 1 if same else max(before[place], longest[place - 1])
    return longest[-1] / len(required)


def _is_open(target: str) -> bool:
    return not target or "{" in target or "<" in target or "*" in target
