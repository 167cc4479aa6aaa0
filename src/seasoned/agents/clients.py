"""The agents that Seasoned can be put into: where each keeps its settings, which events it tells its hooks, and what it
cannot do.

Written against Claude Code 2.1.330, Codex CLI 0.169 and Gemini CLI 0.61; an event that an older client does not know is
skipped by it. A hook *asks* where its answer can reach the agent, and only keeps what happened elsewhere: a question
costs a process more. All are waited for, though Claude Code offers ``async``: so what is kept has the order in which it
happened, and nothing of it ends with the client.
"""

from dataclasses import dataclass
from typing import Literal

from seasoned.agents.entries import Source

__all__ = ["CLIENTS", "Client", "Hook", "Name", "client"]

Name = Literal["claude-code", "codex", "gemini"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One entry for one event."""

    event: str
    asks: bool = False
    """Whether the answer is awaited and given to the agent."""
    matcher: str | None = None
    """Which tools; None: all. A regular expression in each agent."""
    timeout: int
    """In the agent's own unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One agent."""

    name: Name
    title: str
    source: Source
    program: str
    """Its command."""
    folder: str
    """Its folder of settings, in the user's home and in a project."""
    home_variable: str
    """Names another folder for the user's settings."""
    home_below: str
    """What stands below that folder on the way to the settings; empty: they are in it."""
    hooks: tuple[Hook, ...]
    named_hooks: bool
    """Whether an entry has a name, by which the user can turn it off."""
    gives: tuple[str, ...]
    cannot: tuple[str, ...]
    next_steps: tuple[str, ...] = ()
    """What the user has to do now."""
    project_steps: tuple[str, ...] = ()
    """What is to be known of a project's own settings."""


def _seconds(*asking: str, keeping: tuple[str, ...]) -> tuple[Hook, ...]:
    return (
        *(Hook(event=event, asks=True, timeout=_LIMIT_S) for event in asking),
        *(Hook(event=event, timeout=_LIMIT_S) for event in keeping),
    )


_LIMIT_S = 5
"""A hook ends by itself within a tenth of a second; after this the agent ends one whose machine is stuck."""
_SHORT_LIMIT_S = 3
"""What Codex allows SessionEnd and Interrupt; it warns of more at each start."""

_CLAUDE_CODE = Client(
    name="claude-code",
    title="Claude Code",
    source="claude_code",
    program="claude",
    folder=".claude",
    home_variable="CLAUDE_CONFIG_DIR",
    home_below="",
    hooks=(
        # A session's start asks, so that the service runs by the first prompt.
        Hook(event="SessionStart", asks=True, timeout=_LIMIT_S),
        Hook(event="UserPromptSubmit", asks=True, timeout=_LIMIT_S),
        Hook(event="PreToolUse", asks=True, matcher="Bash", timeout=_LIMIT_S),
        Hook(event="PreToolUse", matcher="^(?!Bash$)", timeout=_LIMIT_S),
        Hook(event="PostToolUse", timeout=_LIMIT_S),
        Hook(event="PostToolUseFailure", asks=True, timeout=_LIMIT_S),
        *_seconds(
            keeping=(
                "PermissionDenied",
                "Stop",
                "StopFailure",
                "SubagentStart",
                "SubagentStop",
                "PreCompact",
                "SessionEnd",
            )
        ),
    ),
    named_hooks=False,
    gives=(
        "similar tasks and patterns with a prompt",
        "a warning before a shell command that is known to fail",
        "the known fix right after a failed call",
        "the whole session, sub-agents included, as it happens",
    ),
    cannot=("it tells no hook of a call with bad arguments or against a rule; `seasoned import` finds it",),
    next_steps=("Sessions that are open now take the hooks up when they are started again.",),
)

_CODEX = Client(
    name="codex",
    title="Codex CLI",
    source="codex",
    program="codex",
    folder=".codex",
    home_variable="CODEX_HOME",
    home_below="",
    hooks=(
        *_seconds(
            "SessionStart",
            "UserPromptSubmit",
            "PreToolUse",  # for all tools: its matchers cannot say "all but one"
            "PostToolUse",  # of failed calls too: there is no event for them alone
            keeping=("Stop", "StopFailure", "SubagentStart", "SubagentStop", "PreCompact"),
        ),
        Hook(event="SessionEnd", timeout=_SHORT_LIMIT_S),
        Hook(event="Interrupt", timeout=_SHORT_LIMIT_S),
    ),
    named_hooks=False,
    gives=(
        "similar tasks and patterns with a prompt",
        "a warning before a call that is known to fail",
        "the known fix after a call whose output shows a failure",
        "prompts, calls and answers as they happen",
    ),
    cannot=(
        "it has no event for a failed call: a failure is read from the call's output",
        "versions before 0.169 tell neither the end of a session nor an interruption",
    ),
    next_steps=(
        'Codex runs a hook only after you trusted it: start `codex`; where it says "Hooks need review" choose '
        '"Trust all and continue", or type /hooks and trust them there. Until then they are silent.',
    ),
    project_steps=(
        "Codex reads a project's .codex only where you trust the project; it asks when you start it there.",
        ".codex/hooks.json and .codex/config.toml name paths of this machine: keep them out of version control.",
    ),
)

_GEMINI = Client(
    name="gemini",
    title="Gemini CLI",
    source="gemini",
    program="gemini",
    folder=".gemini",
    home_variable="GEMINI_CLI_HOME",
    home_below=".gemini",
    hooks=tuple(
        Hook(event=event, asks=asks, timeout=_LIMIT_S * 1000)
        for event, asks in (
            ("SessionStart", True),
            ("BeforeAgent", True),
            ("BeforeTool", False),  # it can be refused or rewritten there, not told anything
            ("AfterTool", True),
            ("AfterAgent", False),
            # Not PreCompress: 0.61 fires it before each request to the model, whether it compresses or not.
            ("SessionEnd", False),
        )
    ),
    named_hooks=True,
    gives=(
        "similar tasks and patterns with a prompt",
        "the known fix after a failed call",
        "prompts, calls and answers as they happen",
    ),
    cannot=(
        "nothing can be told before a call",
        "it runs no hooks in a folder that you did not trust, where folder trust is on",
    ),
    project_steps=(
        "Gemini reads .gemini only in the folder in which it is started: not in one below it.",
        ".gemini/settings.json names paths of this machine: keep it out of version control.",
    ),
)

CLIENTS = (_CLAUDE_CODE, _CODEX, _GEMINI)


def client(name: str) -> Client | None:
    """The client of this name; None for a name that is none of theirs."""
    return next((each for each in CLIENTS if each.name == name), None)
