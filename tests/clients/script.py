"""What a scripted model says: turns, kept in scripts that are found by the prompt they answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Call", "Script", "Turn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One tool call, named as the client that is driven names its tools."""

    name: str
    input: Mapping[str, Any] | str
    """A string is the input of a free-form tool (Codex's `apply_patch`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One answer of the model; without calls it ends the task."""

    text: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The answers to one prompt, of a person or of an agent that starts a sub-agent."""

    prompt: str
    turns: Sequence[Turn | Callable[[str], Turn]]
    """A function is given the request's body and decides by what stands in it, as a model does that reads advice."""
