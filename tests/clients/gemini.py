"""Gemini CLI."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from clients.client import AGENTS, NODE, Client, Ran, add_hooks, finished
from clients.script import Call

__all__ = ["Gemini"]


class Gemini(Client):
    """`gemini -p`, every tool approved."""

    name = "gemini"
    events = (
        "SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "SessionEnd", "Notification",
        "PreCompress",
    )  # fmt: skip

    @classmethod
    def command(cls) -> list[str]:
        return [str(NODE), str(AGENTS / "@google" / "gemini-cli" / "bundle" / "gemini.js")]

    def settle(self) -> None:
        self._settings.parent.mkdir(exist_ok=True)
        settings = {
            # Without a name each request is routed first, by another model, with retries for a minute.
            "model": {"name": "gemini-2.5-pro"},
            "privacy": {"usageStatisticsEnabled": False},
            "telemetry": {"enabled": False},
            "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
            "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
        }
        self._settings.write_text(json.dumps(settings, indent=2))

    def hook(self, commands: Mapping[str, str]) -> None:
        settings = json.loads(self._settings.read_text())
        add_hooks(settings, commands)
        self._settings.write_text(json.dumps(settings, indent=2))

    def run(self, prompt: str, *, resume: str | None = None, options: Sequence[str] = ()) -> Ran:
        again = [] if resume is None else ["--resume", resume]
        done, lines = self.start(["--yolo", "-o", "stream-json", *again, *options, "-p", prompt])
        sessions = [line["session_id"] for line in lines if line.get("type") == "init"]
        return finished(done, sessions, self.home / ".gemini" / "tmp", "*/chats/session-*-{:.8}.jsonl")

    def shell(self, command: str) -> Call:
        return Call(name="run_shell_command", input={"command": command, "description": "Run it"})

    def write(self, name: str, text: str) -> Call:
        return Call(name="write_file", input={"file_path": str(self.project / name), "content": text})

    def edit(self, name: str, old: str, new: str) -> Call:
        changes = {"file_path": str(self.project / name), "old_string": old, "new_string": new}
        return Call(name="replace", input=changes | {"instruction": f"Replace {old!r} by {new!r}."})

    def environment(self) -> dict[str, str]:
        return super().environment() | {"GOOGLE_GEMINI_BASE_URL": self.model_url, "GEMINI_API_KEY": "scripted"}

    @property
    def _settings(self) -> Path:
        return self.home / ".gemini" / "settings.json"
