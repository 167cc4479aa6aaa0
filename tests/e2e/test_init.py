"""``seasoned init`` as a user runs it: into agents' settings, and out, with the real clients reading what it wrote."""

import json
import os
import pty
import resource
import select
import shutil
import stat
import subprocess
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import PROGRAM, environment, run, without_privileges

from clients import CLIENTS, Client, Codex, Script, Turn, model_server, need

pytestmark = pytest.mark.slow

DATA = Path(".local/share/seasoned")
CLAUDE, CODEX, GEMINI = ".claude/settings.json", ".codex/hooks.json", ".gemini/settings.json"
DEADLINE_S = 60.0

STATES: dict[str, dict[str, bytes]] = {
    "nothing yet": {},
    "empty": {CLAUDE: b"", GEMINI: b"", ".codex/config.toml": b"", ".claude.json": b""},
    "two spaces": {CLAUDE: b'{\n  "theme": "dark",\n  "hooks": {}\n}\n', ".claude.json": b'{\n  "mcpServers": {}\n}'},
    "four spaces": {CLAUDE: b'{\n    "hooks": {\n        "Stop": []\n    }\n}', GEMINI: b'{\n    "mcpServers": {}\n}\n\n'},
    "tabs": {CLAUDE: b'{\n\t"env": {\n\t\t"A": "b"\n\t}\n}\n', CODEX: b'{\n\t"hooks": {}\n}\n'},
    "one line": {CLAUDE: b'{"env":{"A":"b"},"model":"x"}', GEMINI: b'{"ui": {"theme": "GitHub"}}\n', CODEX: b"{}"},
    "CRLF and BOM": {
        CLAUDE: b'\xef\xbb\xbf{\r\n  "model": "x"\r\n}\r\n',
        ".codex/config.toml": b'model = "x"\r\n[features]\r\nhooks = true\r\n',
    },
    "comments": {GEMINI: b'// my settings\n{\n  "ui": {} // later: "hooks": {\n  /* none */\n}\n'},
    "no line end": {".codex/config.toml": b"[a]\nb = '''\n[mcp_servers.seasoned]\n'''"},
    "hooks of others": {
        CLAUDE: b'{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "lint"}]}]}}',
        GEMINI: b'{\n  "hooks": {\n    "AfterTool": [\n      { "hooks": [ { "type": "command", "command": "x" } ] }\n    ]\n  }\n}',
    },
    "much": {".claude.json": json.dumps({"projects": {f"/p/{n}": {"history": ["x" * 200]} for n in range(20_000)}}).encode()},
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which every agent has its folder."""
    for folder in (".claude", ".codex", ".gemini"):
        (tmp_path / folder).mkdir()
    return tmp_path


def seasoned_init(home: Path, *arguments: str | Path, **more: Any) -> dict[str, Any]:
    done = run(home, "init", "--json", *arguments, **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def contents(home: Path) -> dict[str, tuple[int, bytes | None]]:
    """Every file and folder of the home but Seasoned's own, with its rights."""
    found: dict[str, tuple[int, bytes | None]] = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if name.startswith((".local", ".cache")):
            continue
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        found[name] = (path.lstat().st_mode, data)
    return found


@pytest.mark.parametrize("state", STATES)
def test_in_twice_and_out(home: Path, state: str) -> None:
    for name, data in STATES[state].items():
        (home / name).write_bytes(data)
        (home / name).chmod(0o640)
    before = contents(home)
    first = seasoned_init(home, "--yes")
    files = [file for agent in first["agents"] for file in agent["files"]]
    assert first["applied"] and len(files) == 5
    for file in files:
        assert file["action"] == ("change" if file["path"].removeprefix(f"{home}/") in before else "create")
    during = contents(home)
    for name in before:
        assert during[name][0] == before[name][0], "its rights"
    settings = json.loads((home / CLAUDE).read_bytes().decode("utf-8-sig"))
    assert "UserPromptSubmit" in settings["hooks"]
    assert json.loads((home / ".claude.json").read_bytes())["mcpServers"]["seasoned"]["args"][-1] == "mcp"
    again = seasoned_init(home, "--yes")
    assert not again["applied"]
    assert contents(home) == during
    out = seasoned_init(home, "--remove", "--yes")
    assert out["applied"]
    assert contents(home) == before
    assert not seasoned_init(home, "--remove", "--yes")["applied"]


def test_what_the_entries_call_is_there_and_private(home: Path) -> None:
    seasoned_init(home, "--yes")
    data = home / DATA
    for name in ("hooks/hook.sh", "hooks/ask.py", "run/start"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
    for name in (".", "hooks", "run", "installed"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o700
    command = json.loads((data / "run/start").read_text())
    assert command[-4:] == ["--home", str(data), "service", "run"]
    hook = json.loads((home / CLAUDE).read_text())["hooks"]["Stop"][0]["hooks"][0]["command"]
    payload = b'{"hook_event_name": "Stop", "session_id": "s"}'
    done = subprocess.run(["sh", "-c", hook], input=payload, capture_output=True, check=True, cwd="/")
    assert (done.stdout, done.stderr) == (b"", b"")
    (kept,) = (data / "inbox").iterdir()
    assert kept.name.startswith("claude_code.") and kept.read_bytes() == payload
    # A copy that was damaged, or is of another version, is put right; the settings stay as they are.
    (data / "hooks/hook.sh").write_text("exit 1")
    assert seasoned_init(home, "--yes")["scripts"] == [str(data / "hooks/hook.sh")]


def test_a_data_folder_with_an_odd_name(home: Path) -> None:
    data = home / 'it\'s $HOME "data"'
    done = run(home, "--home", data, "init", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    for name in (CLAUDE, CODEX):
        hook = json.loads((home / name).read_text())["hooks"]["Stop"][0]["hooks"][0]["command"]
        subprocess.run(["sh", "-c", hook], input=b"{}", capture_output=True, check=True)
    assert len(list((data / "inbox").iterdir())) == 2
    assert run(home, "init", "--remove", "--yes").returncode == 0, "another data folder knows the entries too"
    assert "hooks" not in (home / CLAUDE).read_text()


def test_the_server_s_entry_starts_it(home: Path) -> None:
    data = home / "data of 'söme' one"
    done = run(home, "--home", data, "init", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}).encode() + b"\n"
    servers = [json.loads((home / name).read_text())["mcpServers"]["seasoned"] for name in (".claude.json", GEMINI)]
    servers.append(tomllib.loads((home / ".codex/config.toml").read_text())["mcp_servers"]["seasoned"])
    assert len({tuple(entry["args"]) for entry in servers}) == 1
    for command in {(entry["command"], *entry["args"]) for entry in servers}:
        run_by_client = subprocess.run(
            command, env=environment(home), cwd="/", input=asked, capture_output=True, check=True, timeout=DEADLINE_S
        )
        assert json.loads(run_by_client.stdout)["result"]["serverInfo"]["name"] == "seasoned"
    assert (data / "run").is_dir() and not (home / DATA).exists()


def test_links_stay_links(home: Path) -> None:
    dotfiles = home / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "claude.json").write_text('{"model": "x"}')
    (home / CLAUDE).symlink_to(Path("..") / "dotfiles" / "claude.json")
    (home / GEMINI).symlink_to(dotfiles / "gemini.json")  # whose file is yet to come
    before = contents(home)
    answer = seasoned_init(home, "--yes")
    assert str(dotfiles / "claude.json") in [file["target"] for file in answer["agents"][0]["files"]]
    assert (home / CLAUDE).is_symlink() and "hooks" in (dotfiles / "claude.json").read_text()
    assert (home / GEMINI).is_symlink() and "hooks" in (dotfiles / "gemini.json").read_text()
    seasoned_init(home, "--remove", "--yes")
    assert contents(home) == before


def written(text: str | bytes, mode: int = 0o644) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)

    return damage


def linked_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def hard_linked(path: Path) -> None:
    path.write_text("{}")
    path.with_name("other").hardlink_to(path)


def in_a_closed_folder(path: Path) -> None:
    path.parent.chmod(0o500)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (written('{\n  "a": 1,\n}'), "line 3, column 1"),
        (written('{"hooks": "none"}'), "hooks is a string"),
        (written(b'{"a": "\xff"}'), "line 1, byte 8: no UTF-8"),
        (Path.mkdir, "no regular file"),
        (os.mkfifo, "no regular file"),
        (linked_to_itself, "Too many levels of symbolic links"),
        (written("{}", 0o400), "read-only (mode 0400)"),
        (written("{}", 0), "Permission denied"),
        (hard_linked, "hard links"),
        (in_a_closed_folder, "cannot be written to"),
    ],
)
def test_what_cannot_be_edited_is_refused_and_nothing_is_written(
    home: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(home / GEMINI)
    before = contents(home)
    done = run(home, "init", "--yes", before=without_privileges)
    (home / GEMINI).parent.chmod(0o755)
    assert done.returncode in {3, 9}
    assert said in done.stderr and str(home / GEMINI) in done.stderr
    assert {name: data for name, (_, data) in contents(home).items()} == {
        name: data for name, (_, data) in before.items()
    }


def test_it_asks_and_takes_no_for_an_answer(home: Path) -> None:
    before = contents(home)
    done = run(home, "init")
    assert done.returncode == 2
    assert "--yes" in done.stderr and "+++ " in done.stdout
    assert run(home, "init", "--json").returncode == 2
    assert contents(home) == before
    assert not (home / DATA / "hooks").exists()
    code, said = at_a_terminal(home, b"\n", "init")
    assert code == 2 and "Write 5 files? [y/N]" in said and "nothing was done" in said
    assert contents(home) == before
    code, said = at_a_terminal(home, b"y\n", "init")
    assert code == 0 and "Mode: suggest" in said and "seasoned init --remove" in said and "Hooks need review" in said
    code, said = at_a_terminal(home, b"y\n", "init", "--remove")
    assert code == 0 and "Take it out of 5 files? [y/N]" in said
    assert contents(home) == before


def at_a_terminal(home: Path, typed: bytes | Callable[[], bytes], *arguments: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *arguments], env=environment(home), cwd=home, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said, until, asked = b"", time.monotonic() + DEADLINE_S, False
    while time.monotonic() < until:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                said += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        if not asked and b"[y/N]" in said:
            asked = True
            os.write(ours, typed() if callable(typed) else typed)
    code = process.wait(timeout=DEADLINE_S)
    os.close(ours)
    return code, said.decode()


def test_a_dry_run_shows_and_writes_nothing(home: Path) -> None:
    (home / CLAUDE).write_text('{\n  "model": "x",\n  "env": {"GITHUB_TOKEN": "ghp_' + "a1B2" * 9 + '"}\n}')
    before = contents(home)
    answer = seasoned_init(home, "--dry-run")
    assert not answer["applied"] and contents(home) == before and not (home / DATA).exists()
    diff = answer["agents"][0]["files"][0]["diff"]
    assert '\n   "model"' in diff and '+  "hooks": {' in diff
    assert "a1B2" not in diff, "what stands beside may be a secret"


def test_only_what_is_found_or_chosen(tmp_path: Path) -> None:
    done = run(tmp_path, "init", "--yes", PATH="/nowhere")
    assert done.returncode == 4 and "`codex`" in done.stderr
    assert run(tmp_path, "init", "--agent", "cursor").returncode == 2
    assert seasoned_init(tmp_path, "--dry-run", "--agent", "claude_code")["agents"][0]["chosen"], "as records name it"
    answer = seasoned_init(tmp_path, "--yes", "--agent", "codex", PATH="/nowhere")
    assert [agent["chosen"] for agent in answer["agents"]] == [False, True, False]
    assert not (tmp_path / ".claude").exists() and (tmp_path / CODEX).exists()
    seasoned_init(tmp_path, "--remove", "--yes")
    assert not (tmp_path / ".codex").exists(), "the folder was made by us"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gemini").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "gemini").chmod(0o755)
    answer = seasoned_init(tmp_path, "--dry-run", PATH=str(tmp_path / "bin"))
    assert [agent["found"] for agent in answer["agents"]] == [None, None, str(tmp_path / "bin" / "gemini")]


def test_folders_that_agents_name_themselves(tmp_path: Path) -> None:
    places = {"CLAUDE_CONFIG_DIR": "c", "CODEX_HOME": "x", "GEMINI_CLI_HOME": "g"}
    variables = {name: str(tmp_path / folder) for name, folder in places.items()}
    answer = seasoned_init(
        tmp_path, *(f"--agent={name}" for name in ("claude-code", "codex", "gemini")), "--yes", variables=variables
    )
    paths = {file["path"].removeprefix(f"{tmp_path}/") for agent in answer["agents"] for file in agent["files"]}
    assert paths == {"c/settings.json", "c/.claude.json", "x/hooks.json", "x/config.toml", "g/.gemini/settings.json"}
    seasoned_init(tmp_path, "--remove", "--yes", variables=variables)
    assert contents(tmp_path) == {}


def test_a_project(home: Path) -> None:
    project = home / "work" / "project"
    (project / "below").mkdir(parents=True)
    (project / ".git").mkdir()
    (project / ".claude").mkdir()
    (project / ".claude" / "settings.json").write_text('{"shared": true}')
    (home / ".claude.json").write_text(json.dumps({"projects": {str(project): {"allowedTools": []}}}, indent=2))
    before = contents(home)
    done = subprocess.run(
        [*PROGRAM, "init", "--project", "--yes", "--json"],
        env=environment(home), cwd=project / "below", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["level"] == str(project)
    assert (project / ".claude/settings.json").read_text() == '{"shared": true}', "it is everybody's"
    assert "hooks" in json.loads((project / ".claude/settings.local.json").read_text())
    state = json.loads((home / ".claude.json").read_text())
    assert list(state["projects"][str(project)]["mcpServers"]) == ["seasoned"] and "mcpServers" not in state
    assert "seasoned" in (project / ".codex/config.toml").read_text()
    user = seasoned_init(home, "--yes")
    assert str(project / ".claude/settings.local.json") in user["elsewhere"]
    seasoned_init(home, "--remove", "--yes")
    undone = subprocess.run(
        [*PROGRAM, "init", "--project", "--remove", "--yes"],
        env=environment(home), cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert undone.returncode == 0, undone.stderr
    assert contents(home) == before
    assert run(home, "init", "--project").returncode == 2, "the home is no project"


def test_what_the_user_changed_meanwhile_stays(home: Path) -> None:
    (home / CLAUDE).write_text('{\n  "model": "x",\n  "permissions": {"allow": ["Read"]}\n}\n')
    (home / ".codex/config.toml").write_text('model = "x"\n')
    seasoned_init(home, "--yes")
    text = (home / CLAUDE).read_text().replace('"x"', '"y"').replace('"Read"', '"Read",   "Edit"')
    (home / CLAUDE).write_text(text)
    toml = (
        home / ".codex/config.toml"
    ).read_text() + '\n[mcp_servers.seasoned.tools.get_fix]\napproval_mode = "approve"\n'
    toml += '\n# trust\n[projects."/x"]\ntrust_level = "trusted"\n'
    (home / ".codex/config.toml").write_text(toml)
    assert not seasoned_init(home, "--yes")["applied"]
    seasoned_init(home, "--remove", "--yes")
    assert (home / CLAUDE).read_text() == '{\n  "model": "y",\n  "permissions": {"allow": ["Read",   "Edit"]}\n}\n'
    left = (home / ".codex/config.toml").read_text()
    assert left.startswith('model = "x"\n') and left.endswith('# trust\n[projects."/x"]\ntrust_level = "trusted"\n')
    assert "seasoned" not in left and "get_fix" not in left, "alone it would be a server without a command"


def test_without_its_record(home: Path) -> None:
    original = (
        '{\n  "hooks": {\n    "Stop": [\n      {"hooks": [{"type": "command", "command": "say done"}]}\n    ]\n  }\n}\n'
    )
    (home / CLAUDE).write_text(original)
    seasoned_init(home, "--yes")
    shutil.rmtree(home / DATA)
    seasoned_init(home, "--remove", "--yes")
    assert (home / CLAUDE).read_text() == original


def test_a_server_of_the_same_name_is_left_alone(home: Path) -> None:
    (home / ".claude.json").write_text('{"mcpServers": {"seasoned": {"type": "http", "url": "http://127.0.0.1:8182"}}}')
    before = (home / ".claude.json").read_bytes()
    answer = seasoned_init(home, "--yes", "--agent", "claude-code")
    assert "not ours" in answer["agents"][0]["files"][1]["attention"][0]
    seasoned_init(home, "--remove", "--yes")
    assert (home / ".claude.json").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (CLAUDE, '{"disableAllHooks": true}'),
        (GEMINI, '{"hooksConfig": {"enabled": false}}'),
        (GEMINI, '{"hooksConfig": {"disabled": ["seasoned"]}}'),
        (".codex/config.toml", "[features]\nhooks = false\n"),
    ],
)
def test_switches_that_make_it_idle_are_named_and_left(home: Path, name: str, text: str) -> None:
    (home / name).write_text(text)
    done = run(home, "init", "--dry-run")
    assert f"Note: {home / name}: " in done.stdout
    assert run(home, "init", "--yes").returncode == 0
    key = text.split('"')[1] if name != ".codex/config.toml" else "hooks = false"
    assert key in (home / name).read_text()


def test_a_plugin_of_ours_is_named_before_it_asks(home: Path) -> None:
    (home / CLAUDE).write_text('{"enabledPlugins": {"seasoned@market": true}}')
    (home / ".codex/config.toml").write_text('[plugins."seasoned@seasoned"]\nenabled = true\n')
    (home / ".gemini/extensions/seasoned").mkdir(parents=True)
    done = run(home, "init")
    assert done.returncode == 2
    for client in ("Claude Code", "Codex CLI", "Gemini CLI"):
        assert f"Note: {client} has Seasoned as a plugin as well" in done.stdout


def files_may_not_grow(size: int) -> Callable[[], None]:
    """As on a full disk: what is written beyond is refused."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [0, 600, 2500, 4000])
def test_a_full_disk_leaves_all_as_it_was(home: Path, size: int) -> None:
    seasoned_init(home, "--yes")  # the scripts are there: what fails is a record or a settings file
    seasoned_init(home, "--remove", "--yes")
    before = contents(home)
    done = run(home, "init", "--yes", before=files_may_not_grow(size))
    assert done.returncode == 9 and "File too large" in done.stderr, done.stderr
    assert contents(home) == before
    assert [path.name for path in (home / DATA / "installed").iterdir()] == []
    assert seasoned_init(home, "--yes")["applied"]


def test_two_at_once_leave_what_one_would(home: Path) -> None:
    (home / CLAUDE).write_text('{"model":"x"}')
    before = contents(home)
    both = [
        subprocess.Popen(
            [*PROGRAM, "init", "--yes"],
            env=environment(home),
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=DEADLINE_S)[1].decode() for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 11]), said  # one after the other, or the later one found other files
    assert not seasoned_init(home, "--yes")["applied"]
    seasoned_init(home, "--remove", "--yes")
    assert contents(home) == before


def test_what_changes_between_the_question_and_the_answer_is_kept(home: Path) -> None:
    def edited() -> bytes:
        (home / GEMINI).write_text('{"ui": {}}')
        return b"y\n"

    code, said = at_a_terminal(home, edited, "init")
    assert code == 11 and f"{home / GEMINI} has just been changed" in said and "create" in said
    assert (home / GEMINI).read_text() == '{"ui": {}}'
    assert not (home / CLAUDE).exists() and not (home / CODEX).exists()


def test_flags_that_would_be_lost_are_refused(home: Path) -> None:
    done = run(home, "--namespace", "other", "init", "--yes")
    assert done.returncode == 2 and "--namespace" in done.stderr


FIRED = {
    "claude_code": ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"],
    "codex": ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"],
    "gemini": ["SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "SessionEnd"],
}


@pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.name)
def test_the_real_client_runs_what_was_written(tmp_path: Path, kind: type[Client]) -> None:
    need(kind)
    home, project = tmp_path / "home", tmp_path / "project"
    prompt = "Please see whether all is well."
    turns: list[Turn] = []
    with model_server(Script(prompt=prompt, turns=turns)) as server:
        client = kind(home, project, server.url)
        turns += [Turn(calls=(client.shell("true"),)), Turn(text="It is.")]
        before = contents(home)
        seasoned_init(home, "--yes", "--agent", kind.name.replace("_", "-"))
        # What the client calls, and nothing behind it: its MCP server would take some of the inbox as it starts.
        kept = tmp_path / "kept"
        kept.mkdir()
        (home / DATA / "hooks" / "hook.sh").write_text(f'cat >"$(mktemp {kept}/XXXXXX)"\n')
        client.trust()
        ran = client.run(prompt)
    assert ran.exit_code == 0, ran.stderr
    told = [json.loads(path.read_bytes())["hook_event_name"] for path in kept.iterdir()]
    assert sorted(told) == sorted(FIRED[kind.name])
    seasoned_init(home, "--remove", "--yes")
    after = contents(home)
    changed = [name for name in before if after.get(name) != before[name]]
    assert changed == ([".codex/config.toml"] if kind is Codex else []), "where Codex keeps what was trusted"
    assert ".codex/hooks.json" not in after
    assert "mcp_servers" not in (after.get(".codex/config.toml", (0, b""))[1] or b"").decode()
