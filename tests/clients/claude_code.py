"""Claude Code, printing its stream of messages. A program of its own: it wants no Node."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from clients.client import AGENTS, Client, Ran, add_hooks, finished
from clients.script import Call

__all__ = ["ClaudeCode"]


class ClaudeCode(Client):
    """`claude -p`."""

    name = "claude_code"
    events = (
        "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch",
        "SubagentStart", "SubagentStop", "Stop", "StopFailure", "SessionEnd", "PermissionRequest", "PermissionDenied",
        "PreCompact", "PostCompact", "Notification",
    )  # fmt: skip

    @classmethod
    def command(cls) -> list[str]:
        # One package per platform holds the program; npm installs the one that fits.
        found = sorted((AGENTS / "@anthropic-ai").glob("claude-code-*/claude"))
        return [str(found[0] if found else AGENTS / "@anthropic-ai" / "claude-code")]

    def settle(self) -> None:
        self._settings.parent.mkdir(exist_ok=True)
        allowed = ["Bash(*)", "Read", "Write", "Edit", "Agent"]
        self._settings.write_text(json.dumps({"permissions": {"allow": allowed}}, indent=2))

    def hook(self, commands: Mapping[str, str]) -> None:
        settings = json.loads(self._settings.read_text())
        add_hooks(settings, commands)
        self._settings.write_text(json.dumps(settings, indent=2))

    def run(self, prompt: str, *, resume: str | None = None, options: Sequence[str] = ()) -> Ran:
        again = [] if resume is None else ["--resume", resume]
        done, lines = self.start(["-p", prompt, "--output-format", "stream-json", "--verbose", *again, *options])
        sessions = [line["session_id"] for line in lines if "session_id" in line]
        return finished(done, sessions, self.home / ".claude" / "projects", "*/{}.jsonl")

    def shell(self, command: str) -> Call:
        return Call(name="Bash", input={"command": command, "description": "Run it"})

    def write(self, name: str, text: str) -> Call:
        return Call(name="Write", input={"file_path": str(self.project / name), "content": text})

    def edit(self, name: str, old: str, new: str) -> Call:
        changes = {"file_path": str(self.project / name), "old_string": old, "new_string": new}
        return Call(name="Edit", input=changes)

    def agent(self, prompt: str, *, in_background: bool) -> Call:
        """The call that gives a sub-agent this prompt; its answers come from the script for it."""
        task = {"description": "A part of it", "prompt": prompt, "subagent_type": "general-purpose"}
        return Call(name="Agent", input=task | {"run_in_background": in_background})

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "ANTHROPIC_BASE_URL": self.model_url,
            "ANTHROPIC_API_KEY": "scripted",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }

    @property
    def _settings(self) -> Path:
        return self.home / ".claude" / "settings.json"
