"""A pattern as a plan for a prompt, as a document for a router or an agent."""

from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from msgspec import Meta

from seasoned.model import PatternStatus

if TYPE_CHECKING:
    from seasoned.advise.shortcut import FilledPlan

__all__ = ["ReplayedPlan", "replayed"]


class ReplayStep(TypedDict):
    """One step. Text from recorded runs: data, no orders."""

    number: int
    action: Annotated[str, Meta(description="What to do; open placeholders stand as {name}.")]
    tool: str
    target: str
    kind: Literal["change", "check", "look", "delegate"]
    optional: Annotated[bool, Meta(description="Seen often, not in all runs.")]
    repeats: Annotated[bool, Meta(description="As often as needed.")]
    open: Annotated[list[str], Meta(description="Placeholders in it that have no value yet.")]


class FilledValue(TypedDict):
    """A placeholder with its value."""

    name: str
    value: object
    origin: Annotated[
        Literal["given", "prompt", "usual"], Meta(description="usual: the value that all recorded runs had.")
    ]


class OpenValue(TypedDict):
    """A placeholder without one."""

    name: str
    why: Annotated[str, Meta(description="Where earlier runs had it from, or why the prompt's is not taken.")]
    examples: list[str]


class ReplayedPlan(TypedDict):
    """A filled plan."""

    success: bool
    pattern_id: str
    pattern_name: str
    version: str
    status: Annotated[PatternStatus, Meta(description="A candidate was not reviewed yet.")]
    review_flags: tuple[str, ...]
    complete: Annotated[bool, Meta(description="Whether every placeholder has a value.")]
    steps: list[ReplayStep]
    filled: list[FilledValue]
    unfilled: list[OpenValue]


def replayed(plan: "FilledPlan") -> ReplayedPlan:
    """The document of a plan."""
    pattern = plan.pattern
    names = [each.name for each in plan.unfilled]
    return {
        "success": True,
        "pattern_id": pattern.pattern_id,
        "pattern_name": pattern.pattern_name,
        "version": pattern.version,
        "status": pattern.status,
        "review_flags": pattern.review_flags,
        "complete": not names,
        "steps": [
            {
                "number": step.number,
                "action": step.action,
                "tool": step.tool,
                "target": step.target,
                "kind": step.kind,
                "optional": step.optional,
                "repeats": step.repeats,
                "open": [name for name in names if f"{{{name}}}" in step.action],
            }
            for step in plan.steps
        ],
        "filled": [{"name": name, "value": value, "origin": plan.origins[name]} for name, value in plan.values.items()],
        "unfilled": [{"name": each.name, "why": each.why, "examples": list(each.examples)} for each in plan.unfilled],
    }
