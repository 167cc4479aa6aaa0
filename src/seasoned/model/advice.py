"""Advice: moments at which an agent could be told something, and what was told or withheld there.

Invariant: what is logged says with which probability it was given, and by which unit chance decided, so that the effect
can be read from the log alone. No text of a prompt, a command or an error stands in it: ids, scores and counts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from seasoned.model.trace import Document

__all__ = [
    "ALL_AGENTS",
    "Advice",
    "AdviceItem",
    "AdviceKind",
    "Arm",
    "Mode",
    "ModeName",
    "Moment",
    "MomentName",
    "Opportunity",
]

AdviceKind = Literal["similar", "pattern", "route", "fix", "plan"]
Arm = Literal["given", "held_out"]
Opportunity = Literal["automatic", "asked"]
MomentName = Literal["prompt", "before_tool", "after_failure", "asked"]
ModeName = Literal["shadow", "suggest", "opt_in", "auto"]

ALL_AGENTS = "*"
"""In ``Mode.agent``: of every agent that has no mode of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something an agent is about to do, or saw fail, as its hook tells it. Raw text, never stored."""

    name: MomentName
    source: str
    """The agent's name as in ``Trace.source``."""
    session_id: str
    native_id: str | None = None
    """The agent's own id of it: of the prompt at ``prompt``, of the call at the others."""
    prompt: str | None = None
    """At ``prompt``."""
    tool: str | None = None
    command: str | None = None
    """The shell line of a call that runs one."""
    arguments: Document | None = None
    error: str | None = None
    """At ``after_failure``."""
    cwd: str | None = None
    sub_agent: bool = False
    """Whether a sub-agent is at work."""
    at: datetime | None = None
    """Aware; None: now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceItem:
    """One thing that was, or would have been, told."""

    kind: Literal["similar", "pattern", "shortcut", "fix", "warning"]
    id: str
    """Of the fingerprint, the pattern, or the resolution."""
    score: float
    """0..1: similarity, applicability, or the chance that a fix works."""
    failure_id: str | None = None
    """Of ``fix`` and ``warning``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One moment: what there was to say, whether it was said, and what became of it.

    Pieces of the same advice merge by id: a field that is None leaves what was known.
    """

    advice_id: str
    """UUIDv5 over source, session, moment and the agent's own id, so that a hook that is run again adds nothing."""
    namespace: str
    given_at: datetime
    """Aware UTC; the moment, also of what was withheld."""
    session_id: str | None = None
    execution_id: str | None = None
    """Set once the execution is recorded."""
    about_id: str | None = None
    """Id that the execution (at ``prompt``) or the span (of a call) has, where the agent names it; a prompt that goes on
    with a task has an execution of its own only in name."""
    agent_id: str | None = None
    """The identity that asked."""
    source: str | None = None
    user_id: str | None = None
    """The operating system's user."""
    repo: str | None = None
    """Root of the working copy, else the working directory."""
    moment: MomentName | None = None
    kind: AdviceKind | None = None
    """Of its first item; None where there was nothing to say."""
    opportunity: Opportunity | None = None
    arm: Arm | None = None
    """None: chance had no part in it, as there was nothing to say or the mode says nothing."""
    share: float | None = None
    """Probability of ``given`` when chance decided, 0..1; None where it did not."""
    unit: str | None = None
    """What chance decided over: ``session:<id>``, or ``fix:<session>:<signature>``."""
    subject: str | None = None
    """What it was about: a failure's signature; None for prompts."""
    items: tuple[AdviceItem, ...] | None = None
    """Best first; also of what was withheld. Empty: nothing relevant."""
    reason: str | None = None
    """Why nothing was said, in a few fixed words; None where something was."""
    latency_ms: int | None = None
    tokens_added: int | None = None
    """Estimated tokens of the text that the agent was given; 0 where it was given none."""
    followed: bool | None = None
    """Whether the agent then did what was advised (of what was withheld: did it by itself). None: not known."""
    accepted: bool | None = None
    """Whether the user accepted the execution's result. None: nobody said."""
    outcome: str | None = None
    """The execution's status, or of a fix ``recovered`` or ``not_recovered``. None: not known yet."""
    endpoints: Document | None = None
    """What was measured afterwards, by name: success (0 or 1), quality, duration_ms, tokens, cost_usd, steps,
    steps_to_recovery, same_failure_again (0 or 1), repeated_failures (count). Absent: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How far Seasoned goes with one agent, or with all."""

    namespace: str
    agent: str = ALL_AGENTS
    """A source (``claude_code``), or ``*``."""
    mode: ModeName = "suggest"
    kill_switch: bool = False
    """Nothing is said, whatever the mode; capture goes on."""
    set_by: str | None = None
    set_at: datetime | None = None
