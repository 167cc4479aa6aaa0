"""The plugin packages: in step with the program, with each other and with what `seasoned init` writes."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from typer.main import get_command

from seasoned.agents.clients import CLIENTS, Client
from seasoned.capture.followup import asks_to_learn, classify_follow_up
from seasoned.doors.cli.root import application

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
HOOKS = ROOT / "src" / "seasoned" / "doors" / "hooks"
NAMES = ("claude-code", "codex", "gemini")
MANIFESTS = {
    "claude-code": PLUGINS / "claude-code" / ".claude-plugin" / "plugin.json",
    "codex": PLUGINS / "codex" / ".codex-plugin" / "plugin.json",
    "gemini": PLUGINS / "gemini" / "gemini-extension.json",
}
SERVERS = {
    "claude-code": PLUGINS / "claude-code" / ".mcp.json",
    "codex": PLUGINS / "codex" / ".mcp.json",
    "gemini": MANIFESTS["gemini"],
}
FOLDER = {"claude-code": "${CLAUDE_PLUGIN_ROOT}", "codex": "${PLUGIN_ROOT}", "gemini": "${extensionPath}"}
MARKETPLACES = (ROOT / ".claude-plugin" / "marketplace.json", ROOT / ".agents" / "plugins" / "marketplace.json")
COMMANDS = (
    "capture-task-execution",
    "check-similar-tasks",
    "log-code-quality",
    "record-failure-pattern",
    "record-success-pattern",
)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def skill(name: str, command: str) -> str:
    return (PLUGINS / name / "skills" / command / "SKILL.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_called_and_counted_like_the_program(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    manifest = read(MANIFESTS[name])
    assert (manifest["name"], manifest["version"]) == ("seasoned", project["version"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("script", ["hook.sh", "ask.py"])
def test_its_scripts_are_the_program_s(name: str, script: str) -> None:
    ours, theirs = HOOKS / script, PLUGINS / name / "hooks" / script
    same = theirs.read_bytes() == ours.read_bytes()
    assert same, f"cp {ours.relative_to(ROOT)} {theirs.relative_to(ROOT)}"


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_its_hooks_are_those_that_init_writes(client: Client) -> None:
    wanted: dict[str, list[object]] = {}
    for hook in client.hooks:
        command = f'sh "{FOLDER[client.name]}/hooks/hook.sh" {client.source} {"ask" if hook.asks else "-"} || :'
        named = {"name": "seasoned"} if client.named_hooks else {}
        handler = {**named, "type": "command", "command": command, "timeout": hook.timeout}
        matcher = {} if hook.matcher is None else {"matcher": hook.matcher}
        wanted.setdefault(hook.event, []).append({**matcher, "hooks": [handler]})
    assert read(PLUGINS / client.name / "hooks" / "hooks.json")["hooks"] == wanted


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_the_mcp_server(name: str) -> None:
    assert read(SERVERS[name])["mcpServers"] == {"seasoned": {"command": "seasoned", "args": ["mcp"]}}


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_skill_for_each_command_and_no_other(name: str) -> None:
    found = {path.parent.name for path in (PLUGINS / name / "skills").glob("*/SKILL.md")}
    assert found - {"learn"} == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_three_say_the_same(command: str) -> None:
    said = {name: skill(name, command) for name in NAMES}
    different = [name for name in NAMES if said[name] != said["claude-code"]]
    assert different == [], "write it in plugins/claude-code/skills and copy it to the others"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_skill_names_every_option_and_none_that_is_not_there(command: str) -> None:
    text = skill("claude-code", command)
    group = get_command(application)
    assert isinstance(group, click.Group)
    options = [each for each in group.commands[command].params if isinstance(each, click.Option) and not each.hidden]
    there = {word for each in options for word in (*each.opts, *each.secondary_opts)}
    said = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text.replace('fix "ERROR TEXT" --json', "")))
    assert said <= there
    # Switches that are on by themselves are named by what turns them off, if at all.
    assert there - said <= {"--semantic", "--knowledge", "--no-knowledge"}


@pytest.mark.parametrize(
    "path", sorted(PLUGINS.glob("*/skills/*/SKILL.md")), ids=lambda path: f"{path.parts[-4]}-{path.parts[-2]}"
)
def test_a_skill_is_named_as_its_folder_and_short(path: Path) -> None:
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    assert fields["name"] == path.parent.name
    assert 40 <= len(fields["description"]) <= 300
    assert len(body.splitlines()) <= 45


def test_only_the_user_approves() -> None:
    assert "\ndisable-model-invocation: true\n" in skill("claude-code", "learn")
    policy = PLUGINS / "codex" / "skills" / "learn" / "agents" / "openai.yaml"
    assert policy.read_text(encoding="utf-8") == "policy:\n  allow_implicit_invocation: false\n"
    assert not (PLUGINS / "gemini" / "skills" / "learn").exists()


def test_the_command_that_approves_is_no_task_of_its_own() -> None:
    gemini = tomllib.loads((PLUGINS / "gemini" / "commands" / "learn.toml").read_text(encoding="utf-8"))
    for words in ("/seasoned:learn", "/seasoned:learn please", "/learn", "$learn", "$seasoned:learn", gemini["prompt"]):
        assert classify_follow_up("Add a test", words, interrupted=False) == "acceptance", words
    others = ("/learning", "learn how the parser works", "Explain `seasoned learn --approve last`", "/seasoned:other x")
    for words in others:
        assert not asks_to_learn(words), words


@pytest.mark.parametrize(("name", "path"), list(zip(NAMES[:2], MARKETPLACES, strict=True)))
def test_a_marketplace_leads_to_its_plugin(name: str, path: Path) -> None:
    (entry,) = read(path)["plugins"]
    source = entry["source"]
    assert entry["name"] == read(MANIFESTS[name])["name"]
    assert (ROOT / (source if isinstance(source, str) else source["path"])).resolve() == (PLUGINS / name).resolve()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a working copy")
def test_nothing_of_it_is_left_out_of_the_repository() -> None:
    files = [*PLUGINS.rglob("*"), *MARKETPLACES]
    names = "\n".join(str(path.relative_to(ROOT)) for path in files if path.is_file())
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=ROOT,
        input=names,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ignored.returncode, ignored.stdout) == (1, "")
