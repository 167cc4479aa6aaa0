"""Moments at which an agent can be told something, out of what its hook was given.

Invariant: whatever a payload holds, this raises nothing; what is no moment is None. A moment's id is the agent's own,
so that a hook that runs twice is one moment.
"""

from seasoned.capture.hooks.events import HookEvent, call_of, event_of_payload
from seasoned.capture.hooks.responses import failed_in_claude, failed_in_codex, failed_in_gemini
from seasoned.capture.importers.claude_records import Block, Line
from seasoned.capture.importers.claude_words import spoken
from seasoned.capture.importers.codex_records import request_in
from seasoned.capture.importers.gemini_chat import spoken_in
from seasoned.model import Document, Moment, MomentName

__all__ = ["moment_of", "words_of"]

_PROMPT = {"claude_code": "UserPromptSubmit", "codex": "UserPromptSubmit", "gemini": "BeforeAgent"}
_BEFORE = {"claude_code": "PreToolUse", "codex": "PreToolUse", "gemini": "BeforeTool"}
_AFTER = {
    "claude_code": ("PostToolUseFailure", failed_in_claude),
    "codex": ("PostToolUse", failed_in_codex),
    "gemini": ("AfterTool", failed_in_gemini),
}
_SHELL = frozenset({"Bash", "bash", "PowerShell", "run_shell_command"})


def moment_of(source: str, payload: Document) -> Moment | None:
    """The moment that a payload of ``source`` (``claude_code``, ``codex``, ``gemini``) tells of; None for all others.

    A failure is one only where the payload proves it. Interruptions, refusals and denied permissions are none, nor are
    prompts that no person wrote (notices of background tasks). Texts are raw.
    """
    event = event_of_payload(source, payload, at=None)
    if event is None or source not in _PROMPT:
        return None
    if event.name == _PROMPT[source]:
        prompt = words_of(source, event.text("prompt") or "")
        if prompt is None:
            return None
        native = event.text("prompt_id") or event.text("turn_id")
        return _moment("prompt", event, native_id=native, prompt=prompt)
    native = event.text("tool_use_id")
    if event.name == _BEFORE[source]:
        return _moment("before_tool", event, native_id=native)
    name, failed_in = _AFTER[source]
    failed = failed_in(payload) if event.name == name else None
    return _moment("after_failure", event, native_id=native, error=failed.error) if failed is not None else None


def _moment(
    name: MomentName, event: HookEvent, *, native_id: str | None, prompt: str | None = None, error: str | None = None
) -> Moment:
    tool, arguments = call_of(event) if prompt is None else (None, {})
    command = arguments.get("command") if tool in _SHELL else None
    return Moment(
        name=name,
        source=event.source,
        session_id=event.session_id,
        native_id=native_id,
        prompt=prompt,
        tool=tool,
        command=command if isinstance(command, str) and command else None,
        arguments=arguments or None,
        error=error,
        cwd=event.text("cwd"),
        sub_agent=event.text("agent_id") is not None,
        at=event.at,
    )


def words_of(source: str, prompt: str) -> str | None:
    """What the user said, as the trace's prompt has it; None where nobody spoke (a notice of a background task)."""
    if source == "claude_code":
        words = spoken(Line(), [Block(type="text", text=prompt)])
        return words.text if words.kind == "prompt" else None
    said = spoken_in({"content": prompt}) if source == "gemini" else request_in(prompt)
    return said if said is not None and said.strip() else None
