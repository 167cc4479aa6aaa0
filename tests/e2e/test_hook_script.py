"""``hook.sh`` as an agent runs it, under each shell that is here: what it keeps, that it says nothing and never fails."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from command import without_privileges

from seasoned.doors.hooks import ASK, HOOK

pytestmark = pytest.mark.slow

PROMPT = json.dumps(
    {"session_id": "s", "hook_event_name": "UserPromptSubmit", "prompt": "Fix «it»\n$(touch x)"}
).encode()
SHELLS = [
    shell for shell in (["sh"], ["dash"], ["bash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])
]
TOOLS = os.environ["PATH"]


@pytest.fixture(params=SHELLS, ids=" ".join)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return request.param


def hook(
    shell: list[str],
    *arguments: str | Path,
    stdin: bytes = PROMPT,
    script: Path = HOOK,
    given: Mapping[str, str] | None = None,
    **variables: str,
) -> "subprocess.CompletedProcess[bytes]":
    """Run it to its end. Whatever happens it ends well and says nothing; what it says on purpose is looked at elsewhere."""
    done = subprocess.run(
        [*shell, str(script), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={"PATH": TOOLS, **variables, **(given or {})},
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    return done


def kept(data: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((data / "inbox").iterdir())] if (data / "inbox").is_dir() else []


@pytest.mark.parametrize("name", ["plain", "with space", 'o\'clock "x" $HOME `id` *', "-n", "größe"])
def test_a_payload_is_kept_as_it_came_in_a_private_file(shell: list[str], tmp_path: Path, name: str) -> None:
    data = tmp_path / name / "data"
    for content in (PROMPT, b'{"a":"\\u0000 \xff\x00 no line end', os.urandom(3 << 20)):
        before = set(kept(data))
        assert hook(shell, "claude_code", "-", data, stdin=content).stdout == b""
        assert set(kept(data)) - before == {content}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (data / "inbox").iterdir()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (data, data / "inbox")} == {0o700}
    assert sorted(path.name for path in data.iterdir()) == ["inbox"]


def test_calls_at_once_make_a_file_each(shell: list[str], tmp_path: Path) -> None:
    running = [
        subprocess.Popen([*shell, str(HOOK), "gemini", "-", str(tmp_path / "d")], stdin=subprocess.PIPE)
        for _ in range(20)
    ]
    for number, each in enumerate(running):
        each.communicate(f'{{"n":{number}}}'.encode(), timeout=30)
    assert sorted(kept(tmp_path / "d")) == sorted(f'{{"n":{number}}}'.encode() for number in range(20))


def test_a_name_that_an_older_process_took_is_left_alone(shell: list[str], tmp_path: Path) -> None:
    """Process ids come again, while the files of an open session stay."""
    inbox = tmp_path / "inbox"
    inbox.mkdir(mode=0o700)
    # The script's own number is not known before; so the names of all that could come next are taken.
    waiting = f'for n in 0 1; do true >"{inbox}/codex.$$.$n"; done; ln -s gone "{inbox}/codex.$$.2"; . "$0"'
    done = subprocess.run(
        [*shell, "-c", waiting, str(HOOK), "codex", "-", str(tmp_path)],
        input=PROMPT,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    found = {path.name.rpartition(".")[2]: path for path in inbox.iterdir()}
    assert set(found) == {"0", "1", "2", "3"}
    assert found["3"].read_bytes() == PROMPT
    assert [found[number].stat().st_size for number in "01"] == [0, 0]
    assert not (inbox / "gone").exists()


def test_where_the_data_folder_is(shell: list[str], tmp_path: Path) -> None:
    """As the settings have it: SEASONED_HOME, else XDG_DATA_HOME, else the home folder."""
    given = {
        "a": {"SEASONED_HOME": str(tmp_path / "a"), "XDG_DATA_HOME": str(tmp_path / "no")},
        "b/seasoned": {"XDG_DATA_HOME": str(tmp_path / "b"), "HOME": str(tmp_path / "no")},
        "c/.local/share/seasoned": {"HOME": str(tmp_path / "c")},
        "d/e": {"SEASONED_HOME": "~/e", "HOME": str(tmp_path / "d")},
    }
    for place, variables in given.items():
        hook(shell, "claude_code", "-", given=variables)
        assert kept(tmp_path / place) == [PROMPT]
    assert not (tmp_path / "no").exists()


def test_no_home_at_all(shell: list[str], tmp_path: Path) -> None:
    """The user's own folder is asked for; nothing is written beside the agent's work."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "getent").write_text(f"#!/bin/sh\necho me:x:0:0:me:{tmp_path}/home:/bin/sh\n")
    (tools / "getent").chmod(0o755)
    hook(shell, "codex", "-", PATH=f"{tools}:{TOOLS}")
    assert kept(tmp_path / "home/.local/share/seasoned") == [PROMPT]


@pytest.mark.parametrize("source", ["", "unknown", "../codex", "claude_code x"])
def test_an_unknown_agent_leaves_nothing(shell: list[str], tmp_path: Path, source: str) -> None:
    hook(shell, source, "ask", tmp_path / "d", stdin=PROMPT * 100_000)
    assert not (tmp_path / "d").exists()


def test_nothing_said_is_no_event(shell: list[str], tmp_path: Path) -> None:
    hook(shell, "codex", "-", tmp_path, stdin=b"")
    assert kept(tmp_path) == []
    assert (tmp_path / "hooks.log").read_text().endswith("hook codex: not kept: the agent said nothing\n")


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "inbox").mkdir(parents=True)
    (data / "inbox").chmod(0o500)
    done = subprocess.run(
        ["sh", str(HOOK), "codex", "ask", str(data)],
        input=PROMPT * 10_000,  # more than a pipe holds: whoever writes it is read to the end
        capture_output=True,
        check=False,
        preexec_fn=without_privileges,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert kept(data) == []
    assert "no file can be made in the inbox" in (data / "hooks.log").read_text()


def test_a_data_folder_that_is_a_file(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    hook(shell, "codex", "ask", tmp_path / "data", stdin=PROMPT * 10_000)
    assert (tmp_path / "data").read_text() == "in the way"


def test_a_full_disk_leaves_no_half_of_an_event(tmp_path: Path) -> None:
    """A limit to the size of files stands for the disk: what fits is written, the rest is refused."""
    script = 'trap "" XFSZ; ulimit -f 8; exec sh "$@"'
    done = subprocess.run(
        ["bash", "-c", script, "-", str(HOOK), "codex", "-", str(tmp_path)],
        input=b"x" * (1 << 20),
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert kept(tmp_path) == []
    assert "could not be written whole" in (tmp_path / "hooks.log").read_text()


def test_the_log_is_bounded(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "hooks.log").write_bytes(b"old\n" * 20_000)
    for _ in range(2):
        hook(shell, "codex", "-", tmp_path, stdin=b"")
    assert (tmp_path / "hooks.log").read_bytes().count(b"\n") == 2
    assert (tmp_path / "hooks.log.1").stat().st_size == 80_000


def test_an_agent_that_closes_its_pipe_late(shell: list[str], tmp_path: Path) -> None:
    """What it has said is in the file by then; and stays there when it kills the hook instead."""
    for end in ("close", "kill"):
        data = tmp_path / end
        running = subprocess.Popen(
            [*shell, str(HOOK), "gemini", "-", str(data)], stdin=subprocess.PIPE, start_new_session=True
        )
        assert running.stdin is not None
        running.stdin.write(PROMPT)
        running.stdin.flush()
        for _ in until():
            if kept(data) == [PROMPT]:
                break
        if end == "close":
            running.stdin.close()
            assert running.wait(timeout=30) == 0
        else:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait(timeout=30)
            running.stdin.close()
        assert kept(data) == [PROMPT]


def until(seconds: float = 20) -> Iterator[None]:
    """Turns until the deadline."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
    pytest.fail("It did not come about.")


# -- asking ------------------------------------------------------------------------------------------------------------
def as_python(data: Path, script: str) -> Path:
    """A program in place of the Python that hooks ask with."""
    run = data / "run"
    run.mkdir(parents=True)
    program = data / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    (run / "python").write_text(f"{program}\n")
    return program


def test_asking_is_told_the_file_and_answers_on_standard_output(shell: list[str], tmp_path: Path) -> None:
    as_python(tmp_path, 'cat "$4"; printf "|%s|%s|%s" "$3" "$5" "$6"')
    done = hook(shell, "claude_code", "ask", tmp_path)
    assert done.stdout == PROMPT + f"|{ASK}|{tmp_path}|claude_code".encode()


def test_a_folder_that_the_environment_names_says_nothing_of_what_is_run(shell: list[str], tmp_path: Path) -> None:
    """A project can name one: an agent that reads its .env hands it on, and the folder came with the checkout."""
    ran = tmp_path / "ran"
    as_python(tmp_path / "d", f'touch "{ran}"')
    (tmp_path / "d" / "run").chmod(0o755)
    command = json.dumps([shutil.which("touch"), str(ran)])
    (tmp_path / "d" / "run" / "start").write_text(command)
    for name, value in {"SEASONED_HOME": tmp_path / "d", "XDG_DATA_HOME": tmp_path}.items():
        if name == "XDG_DATA_HOME":
            (tmp_path / "d").rename(tmp_path / "seasoned")
        assert hook(shell, "gemini", "ask", given={name: str(value)}).stdout == b""
    assert kept(tmp_path / "seasoned") == [PROMPT, PROMPT]
    assert "the folder run is not private" in (tmp_path / "seasoned" / "hooks.log").read_text()
    assert not ran.exists()


@pytest.mark.parametrize("variable", ["SEASONED_HOME", "XDG_DATA_HOME"])
def test_a_folder_that_is_another_one_in_each_project_is_none(
    shell: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.chdir(tmp_path)
    as_python(tmp_path / "seasoned", "touch ran")
    hook(shell, "gemini", "ask", given={variable: "seasoned" if variable == "SEASONED_HOME" else "."})
    assert kept(tmp_path / "seasoned") == []
    assert not (tmp_path / "ran").exists()


def test_a_python_without_its_whole_path_is_not_run(
    shell: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    as_python(tmp_path, "touch ran")
    (tmp_path / "run" / "python").write_text("./python\n")
    hook(shell, "codex", "ask", tmp_path)
    assert kept(tmp_path) == [PROMPT]
    assert not (tmp_path / "ran").exists()


def test_a_log_that_leads_elsewhere_is_not_written(shell: list[str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("theirs\n")
    (tmp_path / "hooks.log").symlink_to(other)
    hook(shell, "codex", "-", tmp_path, stdin=b"")
    (tmp_path / "run").mkdir(mode=0o755)
    hook(shell, "codex", "ask", tmp_path)
    assert other.read_text() == "theirs\n"


@pytest.mark.parametrize("script", ["exit 2", "kill -9 $$", "echo loud >&2; exit 127"])
def test_whatever_becomes_of_asking_the_agent_goes_on(shell: list[str], tmp_path: Path, script: str) -> None:
    """2 would block the agent's call; it is what Python ends with where it does not find its file."""
    as_python(tmp_path, script)
    assert hook(shell, "claude_code", "ask", tmp_path).stdout == b""
    assert kept(tmp_path) == [PROMPT]


def test_no_python_is_said_and_no_harm(shell: list[str], tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("cat", "mkdir", "date", "wc", "mv", "rm"):
        (tools / name).symlink_to(shutil.which(name) or name)
    found = [shutil.which(shell[0]) or shell[0], *shell[1:]]
    assert hook(found, "claude_code", "ask", tmp_path / "d", PATH=str(tools)).stdout == b""
    assert kept(tmp_path / "d") == [PROMPT]
    assert "python3 cannot be run" in (tmp_path / "d" / "hooks.log").read_text()


@pytest.mark.skipif(not Path("/bin/cat").exists(), reason="the programs of every system are elsewhere here")
def test_an_empty_path(shell: list[str], tmp_path: Path) -> None:
    found = [shutil.which(shell[0]) or shell[0], *shell[1:]]
    hook(found, "claude_code", "-", tmp_path, PATH="")
    assert kept(tmp_path) == [PROMPT]


def test_a_standard_input_that_is_closed(shell: list[str], tmp_path: Path) -> None:
    """Nor are the other two there: what is opened takes their numbers."""
    command = [*shell, str(HOOK), "claude_code", "ask", str(tmp_path)]
    done = subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "-", *command], check=False, timeout=30)
    assert done.returncode == 0
    assert kept(tmp_path) == []


def test_switched_off_nobody_is_asked(shell: list[str], tmp_path: Path) -> None:
    as_python(tmp_path, "echo asked")
    assert hook(shell, "claude_code", "ask", tmp_path).stdout == b"asked\n"
    assert hook(shell, "claude_code", "-", tmp_path).stdout == b""
    assert hook(shell, "claude_code", "ask", tmp_path, SEASONED_SERVICE="off").stdout == b""
    (tmp_path / "run" / "silent").touch()
    assert hook(shell, "claude_code", "ask", tmp_path).stdout == b""
    assert kept(tmp_path) == [PROMPT] * 4


def test_called_from_its_own_folder(shell: list[str], tmp_path: Path) -> None:
    as_python(tmp_path, 'printf %s "$3"')
    (tmp_path / "hook.sh").write_bytes(HOOK.read_bytes())
    done = subprocess.run(
        [*shell, "hook.sh", "codex", "ask", str(tmp_path)],
        input=PROMPT,
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.stdout == b"./ask.py"


def test_the_scripts_are_in_the_package_and_run_with_any_python() -> None:
    assert HOOK.is_file()
    assert ASK.is_file()
    program = f"import sys; sys.argv = ['ask.py']; exec(open({str(ASK)!r}).read())"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
