"""Codex CLI. Its hooks run only once a person has reviewed them; `trust` does the same by the client's own means."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from clients.client import AGENTS, NODE, Client, Ran, add_hooks, finished
from clients.script import Call

__all__ = ["Codex"]


class Codex(Client):
    """`codex exec`."""

    name = "codex"
    events = (
        "SessionStart", "UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "PreCompact",
        "PostCompact", "SubagentStart", "SubagentStop", "Stop",
    )  # fmt: skip

    @classmethod
    def command(cls) -> list[str]:
        return [str(NODE), str(AGENTS / "@openai" / "codex" / "bin" / "codex.js")]

    def settle(self) -> None:
        # A model that the client does not know gets no apply_patch; the newest are sent their tools in another form.
        # With plugins on, each start asks two hosts for catalogues.
        (self.home / ".codex").mkdir(exist_ok=True)
        (self.home / ".codex" / "config.toml").write_text(
            f"""model = "gpt-5.5"
model_provider = "scripted"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[analytics]
enabled = false

[features]
plugins = false

[model_providers.scripted]
name = "scripted"
base_url = "{self.model_url}/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
request_max_retries = 0
stream_max_retries = 0
supports_websockets = false
"""
        )

    def hook(self, commands: Mapping[str, str]) -> None:
        path = self.home / ".codex" / "hooks.json"
        settings: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        add_hooks(settings, commands)
        path.write_text(json.dumps(settings, indent=2))
        self.trust()

    def trust(self) -> None:
        path = self.home / ".codex" / "config.toml"
        text = path.read_text()
        for hook in self.listed():
            head = f"\n[hooks.state.{json.dumps(hook['key'])}]\n"
            before, found, rest = text.partition(head)
            text = before + (rest.partition("\n")[2] if found else "")
            text += f"{head}trusted_hash = {json.dumps(hook['currentHash'])}\n"
        path.write_text(text)

    def listed(self) -> list[dict[str, Any]]:
        """The hooks as the client lists them for review, each with `key`, `currentHash` and `trustStatus`."""
        asked = [
            {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "tests", "version": "1"}}},
            {"method": "initialized"},
            {"id": 2, "method": "hooks/list", "params": {"cwds": [str(self.project)]}},
        ]
        answer: dict[str, Any] = {}
        with subprocess.Popen(
            [*self.command(), "app-server"],
            cwd=self.project,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.writelines(json.dumps(each) + "\n" for each in asked)
            server.stdin.flush()
            while answer.get("id") != 2:
                line = server.stdout.readline()
                assert line, "codex app-server ended before it listed the hooks"
                answer = json.loads(line)
            server.terminate()
        return answer["result"]["data"][0]["hooks"]

    def run(self, prompt: str, *, resume: str | None = None, options: Sequence[str] = ()) -> Ran:
        again = [] if resume is None else ["resume", resume]
        done, lines = self.start(["exec", "--json", "--skip-git-repo-check", *options, *again, prompt])
        sessions = [line["thread_id"] for line in lines if line.get("type") == "thread.started"]
        return finished(done, sessions, self.home / ".codex" / "sessions", "**/rollout-*-{}.jsonl")

    def shell(self, command: str) -> Call:
        return Call(name="exec_command", input={"cmd": command})

    def write(self, name: str, text: str) -> Call:
        lines = "".join(f"+{line}\n" for line in text.splitlines())
        return Call(name="apply_patch", input=f"*** Begin Patch\n*** Add File: {name}\n{lines}*** End Patch")

    def edit(self, name: str, old: str, new: str) -> Call:
        changes = f"*** Update File: {name}\n@@\n-{old}\n+{new}\n"
        return Call(name="apply_patch", input=f"*** Begin Patch\n{changes}*** End Patch")

    def environment(self) -> dict[str, str]:
        return super().environment() | {"SCRIPTED_KEY": "scripted"}
