"""Advice in the format in which each agent takes it from a hook, within the agent's limits.

Sources: https://code.claude.com/docs/en/hooks (``additionalContext``, 10,000 characters, more is put into a file);
``codex-rs/hooks/schema/generated`` of https://github.com/openai/codex (no field beyond the schema's);
https://geminicli.com/docs/hooks/reference (``additionalContext`` of BeforeAgent, AfterTool and SessionStart).
"""

import json

from seasoned.capture.excerpt import cut

__all__ = ["LIMIT", "hook_output"]

LIMIT = 10_000
"""Characters of one text. Claude Code's limit; the others state none, and nobody wants to read more."""
_MARK = 40
"""Room for the words that say how much is missing."""

_TAKEN = {
    "claude_code": frozenset(
        {"SessionStart", "SubagentStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"}
        | {"PostToolBatch"}
    ),
    "codex": frozenset({"SessionStart", "SubagentStart", "UserPromptSubmit", "PreToolUse", "PostToolUse"}),
    "gemini": frozenset({"SessionStart", "BeforeAgent", "AfterTool"}),
}


def hook_output(source: str, event_name: str, text: str | None) -> bytes:
    """What the hook of ``event_name`` prints so that the agent is told ``text``; ``b""`` for nothing to say, and where
    that agent takes nothing from that event. Longer texts than ``LIMIT`` are cut. One line of ASCII JSON."""
    if not text or event_name not in _TAKEN.get(source, ()):
        return b""
    told = text if len(text) <= LIMIT else cut(text, LIMIT - _MARK)
    output = {"hookSpecificOutput": {"hookEventName": event_name, "additionalContext": told}}
    return json.dumps(output, separators=(",", ":")).encode()
