"""How the resident service begins and ends, and where it listens, with real processes."""

import json
import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
from command import PROGRAM, environment, run
from residents import ON, TASK, alone, ask_hook, health, prompt, resident, served, started, until

from seasoned.doors.hooks import ASK
from seasoned.resident import Place, ask, hold, holder, listening

pytestmark = pytest.mark.slow


# -- its life --------------------------------------------------------------------------------------------------------
def test_start_status_stop(place: Place, tmp_path: Path) -> None:
    nobody = run(tmp_path, "--home", place.data_dir, "service", "status", variables=ON)
    assert nobody.stdout.startswith("No service runs")
    pid = started(tmp_path)["pid"]
    assert pid == holder(place)
    assert {path.name for path in place.run.iterdir()} >= {"address", "start", "python", "service.lock", "service.sock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.run.iterdir()} == {0o600}
    assert stat.S_IMODE(place.run.stat().st_mode) == stat.S_IMODE(place.data_dir.stat().st_mode) == 0o700
    again = run(tmp_path, "--home", place.data_dir, "service", "start", variables=ON)
    assert again.stdout.startswith("It runs already.")
    assert run(tmp_path, "--home", place.data_dir, "service", "stop", variables=ON).stdout == "Stopped.\n"
    assert holder(place) is None
    assert not place.address.exists()
    assert not (place.run / "service.sock").exists()
    assert run(tmp_path, "--home", place.data_dir, "service", "stop", variables=ON).stdout == "It did not run.\n"
    assert place.started_log.read_text() == ""


def test_of_many_starts_at_once_one_lives(place: Place, tmp_path: Path) -> None:
    command = [*PROGRAM, "--home", str(place.data_dir), "service", "run", "--json"]
    running = [
        subprocess.Popen(command, env=environment(tmp_path, **ON), cwd=tmp_path, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for _ in until("three have ended"):
        if sum(each.poll() is not None for each in running) == 3:
            break
    (alive,) = [each for each in running if each.poll() is None]
    for _ in until("it listens"):
        if place.address.exists():
            break
    assert json.loads(ask(place, "/health", method="GET").body)["pid"] == alive.pid == holder(place)
    assert [json.loads(each.communicate()[0])["ran"] for each in running if each is not alive] == [False] * 3
    alive.send_signal(signal.SIGTERM)
    assert json.loads(alive.communicate(timeout=30)[0])["ran"] is True
    assert alive.returncode == 0
    assert not place.address.exists()


def test_a_killed_one_leaves_nothing_in_the_way(place: Place, tmp_path: Path) -> None:
    first = started(tmp_path)["pid"]
    os.kill(first, signal.SIGKILL)
    for _ in until("it is dead"):
        if holder(place) is None:
            break
    assert place.address.exists()  # stale, as its socket
    assert served(tmp_path, "similar", "--json", TASK)["matches"] == []
    assert ask_hook(tmp_path, prompt("s", TASK)).stdout == b""
    place.asked.unlink(missing_ok=True)
    assert started(tmp_path)["pid"] != first


def test_a_hook_starts_it_for_the_next_time_and_not_again_and_again(place: Place, tmp_path: Path) -> None:
    started(tmp_path)  # says how it is started
    run(tmp_path, "--home", place.data_dir, "service", "stop", variables=ON)
    asked = int(time.time()) - 1  # a moment ago
    os.utime(place.asked, (asked, asked))
    assert ask_hook(tmp_path, prompt("s", TASK)).stdout == b""
    assert place.asked.stat().st_mtime == asked
    place.asked.unlink()
    assert ask_hook(tmp_path, prompt("s", TASK)).stdout == b""
    for _ in until("the service runs"):
        if holder(place) is not None:
            break
    (place.run / "silent").touch()
    place.asked.unlink()
    run(tmp_path, "--home", place.data_dir, "service", "stop", variables=ON)
    ask_hook(tmp_path, prompt("s", TASK))
    assert not place.asked.exists()


def test_an_answer_that_is_not_whole_is_none(tmp_path: Path) -> None:
    """Whoever listens: what is printed is all of an answer, or nothing."""
    place = Place(data_dir=tmp_path / "data")
    held = hold(place)
    assert held is not None
    listener, _ = listening(place, {})
    payload = tmp_path / "payload"
    payload.write_bytes(b"{}")
    for said in (
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\noops",
        b"HTTP/1.1 200 OK\r\n\r\nno length",
        b"",
        b"\xff" * 70_000,
    ):
        asking = subprocess.Popen(
            ["python3", "-I", "-S", str(ASK), str(payload), str(place.data_dir), "codex"],
            env=environment(tmp_path, SEASONED_HOOK_BUDGET_MS="10000"),
            stdout=subprocess.PIPE,
        )
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(said)
        assert (asking.communicate(timeout=30)[0], asking.returncode) == (b"", 0), said[:40]
    listener.close()
    held.release()


def test_it_ends_when_nobody_needs_it(place: Place, tmp_path: Path) -> None:
    done = run(tmp_path, "--home", place.data_dir, "service", "start", variables=ON, SEASONED_SERVICE__IDLE_S="0.5")
    assert done.returncode == 0, done.stderr
    for _ in until("it has ended by itself"):
        if holder(place) is None:
            break
    assert "Nobody needed it" in place.log.read_text()
    assert not place.address.exists()
    inbox = place.data_dir / "inbox"
    inbox.mkdir(mode=0o700, exist_ok=True)
    (inbox / "claude_code.1.0").write_bytes(prompt("open", "An open session"))
    ahead = time.time() + 50  # within a minute: what is further ahead is of a clock that was wrong
    os.utime(inbox / "claude_code.1.0", (ahead, ahead))
    started(tmp_path, SEASONED_SERVICE__IDLE_S="0.5")
    later = time.monotonic() + 3
    for _ in until("three seconds are over"):
        assert holder(place) is not None, place.log.read_text()
        if time.monotonic() > later:
            break


def test_switched_off_nothing_is_started(place: Place, tmp_path: Path) -> None:
    alone(tmp_path, "similar", "--json", TASK)
    ask_hook(tmp_path, prompt("s", TASK), {"SEASONED_SERVICE": "off"})
    assert not place.run.exists()
    refused = run(tmp_path, "--home", place.data_dir, "service", "start")
    assert (refused.returncode, "is off" in refused.stderr) == (2, True)
    served(tmp_path, "similar", "--json", TASK)
    for _ in until("the command has started it"):
        if holder(place) is not None:
            break


def test_it_has_no_settings_of_one_command(place: Place, tmp_path: Path) -> None:
    for option in (("--namespace", "other"), ("--database-url", "sqlite:///x.db"), ("--as-agent", "bob")):
        refused = run(tmp_path, "--home", place.data_dir, *option, "service", "start", variables=ON)
        assert (refused.returncode, "only --home counts" in refused.stderr) == (2, True)
    assert not place.data_dir.exists()


# -- where it listens ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["run", "data"])
def test_a_folder_that_others_can_write_is_refused(place: Place, tmp_path: Path, what: str) -> None:
    place.run.mkdir(parents=True)
    (place.run if what == "run" else place.data_dir).chmod(0o777)
    refused = run(tmp_path, "--home", place.data_dir, "service", "run", variables=ON)
    assert refused.returncode == 13
    assert "can write to" in refused.stderr
    assert run(tmp_path, "--home", place.data_dir, "similar", TASK, variables=ON).returncode == 0


def test_a_path_that_is_no_text(tmp_path: Path) -> None:
    home = Path(os.fsdecode(bytes(tmp_path) + b"/gr\xf6\xdfe"))
    home.mkdir()
    with resident(home) as place:
        assert started(home)["data_dir"] == f"{tmp_path}/gr\ufffd\ufffde/data"
        assert ask_hook(home, prompt("s", TASK)).stdout == b""
        assert health(home)["answered"] == 1
        assert "gr\\udcf6" in place.log.read_text()
        assert run(home, "--home", place.data_dir, "service", "status", "--json", variables=ON).returncode == 0
        assert run(home, "--home", place.data_dir, "service", "stop", variables=ON).returncode == 0


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    home.mkdir()
    runtime = tmp_path / "r"
    runtime.mkdir(mode=0o700)
    variables = {**ON, "XDG_RUNTIME_DIR": str(runtime)}
    with resident(home) as place:
        started(home, **variables)
        address = Path(os.fsdecode(place.address.read_bytes()))
        assert not address.is_relative_to(home)
        assert len(os.fsencode(address)) <= 100
        assert stat.S_IMODE(address.parent.stat().st_mode) == 0o700
        assert run(home, "--home", place.data_dir, "service", "stop", variables=variables).returncode == 0
        assert not address.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_other_users_are_refused_even_where_they_reach_the_socket(tmp_path: Path) -> None:
    place = Place(data_dir=tmp_path / "data")
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
        "s.connect(sys.argv[1]); print(len(s.recv(999)))"  # nothing is asked: a refusal is the end of it at once
    )
    with resident(tmp_path):
        started(tmp_path)
        for folder in (place.run, *place.run.parents):
            if folder.stat().st_mode & 0o001 == 0:
                folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
        socket = place.run / "service.sock"
        socket.chmod(0o666)
        done = subprocess.run(
            ["/usr/bin/env", "python3", "-I", "-c", program, str(socket)], capture_output=True, check=False, timeout=30
        )
        assert done.stdout == b"0\n", done.stderr
        assert "User 65534 was refused." in place.log.read_text()
        assert health(tmp_path)["ready"]
