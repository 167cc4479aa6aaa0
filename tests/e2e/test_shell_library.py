"""The shell library in real scripts of real shells: what they log arrives once, and they notice nothing of it."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from command import PROGRAM, environment, run, without_privileges
from mcp_servers import opened, token

from seasoned.bus import INBOX_FOLDER, Inbox
from seasoned.capture.shell import shell_library
from seasoned.workers import take_inbox

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
KNOWN = {
    "dash": ["dash"],
    "bash": ["bash"],
    "bash --posix": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "yash": ["yash"],
    "zsh": ["zsh"],
}
SHELLS = [name for name, command in KNOWN.items() if shutil.which(command[0])]
assert {"dash", "bash"} <= set(SHELLS)
HANGS_S = 20
"""Shorter than what waits anywhere in the library: a script that ends later has waited for it."""
DATA = Path(".local", "share", "seasoned")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return KNOWN[request.param]


def script(
    home: Path, shell: list[str], text: str, *, stdin: str = "", before: Callable[[], object] | None = None, **more: str
) -> list[str]:
    """Lines that a script prints which sources the library under ``set -eu``; everything else must be silent."""
    path = home / "script.sh"
    path.write_text(f'set -eu\n. "{shell_library()}"\n{text}\n', encoding="utf-8")
    done = subprocess.run(
        [*shell, str(path)], cwd=home, env=environment(home, **more), capture_output=True, text=True, input=stdin,
        timeout=HANGS_S, check=False, preexec_fn=before,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def inbox(home: Path) -> list[Any]:
    """What waits in the inbox, by name."""
    folder = home / DATA / INBOX_FOLDER
    assert folder.stat().st_mode & 0o777 == 0o700
    files = sorted(folder.iterdir())
    assert {each.stat().st_mode & 0o777 for each in files} <= {0o600}
    assert all(re.fullmatch(r"shell\.\d+\.\d+", each.name) for each in files)
    return [json.loads(each.read_text()) for each in files]


def take(home: Path) -> None:
    """Drain the inbox as commands do."""
    with opened(home) as seasoned:
        box = Inbox(home / DATA / INBOX_FOLDER)
        redact = seasoned.redactor.update
        taken = take_inbox(box, seasoned.store, seasoned.writer, redact, namespace="default", now=datetime.now(UTC))
    assert not taken.busy
    assert taken.bad == []


def shown(home: Path, execution_id: str) -> Any:
    answer = run(home, "traces", "show", execution_id, "--json")
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def until(condition: Callable[[], Any]) -> Any:
    """What ``condition`` gives as soon as that is something; fails after a minute."""
    end, pause = time.monotonic() + 60, threading.Event()
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come about"
        pause.wait(0.05)
    return found


IDS = "get_correlation_id; get_root_id; get_parent_id"


def test_ids_are_made_once_and_handed_down(tmp_path: Path, shell: list[str]) -> None:
    nested = f"{' '.join(shell)} -c '. \"{shell_library()}\"; {IDS}'"
    printed = script(tmp_path, shell, f'{IDS}; . "{shell_library()}"; {nested}; ({IDS}); env | grep "^SEASONED_.*_ID="')
    assert len(printed) == 12
    (made,) = {each.rpartition("=")[2] for each in printed}
    named = UUID(made)
    assert (str(named), named.version, named.variant) == (made, 7, "specified in RFC 4122")
    assert abs((named.int >> 80) / 1000 - time.time()) < 60
    assert script(tmp_path, shell, IDS) != printed[:3]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"CORRELATION": "c", "ROOT": "r", "PARENT": "p"}, ["c", "r", "p"]),
        ({"CORRELATION": "c"}, ["c", "c", "c"]),
        ({"CORRELATION": "c", "PARENT": "p"}, ["c", "p", "p"]),
        ({"CORRELATION": "c", "ROOT": "r"}, ["c", "r", "r"]),
        ({"CORRELATION": "", "PARENT": "p"}, [None, "p", "p"]),
        ({"CORRELATION": 'c"\nx: y', "ROOT": "$(echo r)", "PARENT": "a b"}, [None, None, None]),
    ],
)
def test_ids_that_are_given(
    tmp_path: Path, shell: list[str], given: dict[str, str], expected: list[str | None]
) -> None:
    printed = script(
        tmp_path, shell, IDS, before=None, **{f"SEASONED_{name}_ID": value for name, value in given.items()}
    )
    made = {each for each, wanted in zip(printed, expected, strict=True) if wanted is None}
    assert [each if wanted else None for each, wanted in zip(printed, expected, strict=True)] == expected
    assert all(UUID(each).version == 7 for each in made)
    assert len(made) <= 1


def test_the_script_notices_nothing(tmp_path: Path, shell: list[str]) -> None:
    """Though the service takes the connection and never answers: no output, job, input, variable or option is touched."""
    with socket.socket(socket.AF_UNIX) as listening:
        (tmp_path / DATA / "run").mkdir(parents=True)
        path = tmp_path / "s"
        listening.bind(str(path))
        listening.listen(64)
        (tmp_path / DATA / "run" / "address").write_bytes(bytes(path))
        printed = script(
            tmp_path,
            shell,
            """
            true & mine=$!; wait; before=$(set -o | grep -v xtrace)
            file=f event=e data=d id=i at=a url=u number=n inbox=b socket=s type=t IFS=:
            log_trace_event tool '{"tool":"a"}'
            log_trace_event nonsense 'no JSON'
            log_trace_event
            [ "$mine" = "$!" ] && wait && echo "no job"
            [ "$before" = "$(set -o | grep -v xtrace)" ] && echo "no option"
            echo "$file$event$data$id$at$url$number$inbox$socket$type$IFS"
            while read -r line; do echo "read $line"; log_trace_event tool '{"tool":"b"}'; done
            trap 'echo "the end"' EXIT
            log_trace_event tool '{"tool":"c"}' && echo fine
            """,
            stdin="one\ntwo\n",
        )
    assert printed == ["no job", "no option", "fediaunbst:", "read one", "read two", "fine", "the end"]
    assert len(list((tmp_path / DATA / INBOX_FOLDER).iterdir())) == 6


def test_without_a_service_everything_is_in_the_inbox_and_becomes_rows(tmp_path: Path, shell: list[str]) -> None:
    (correlation,) = script(
        tmp_path,
        shell,
        """
        log_trace_event prompt '{"prompt": "Publish version 2.1", "agent": "release-script"}'
        started=$(start_trace_timer); code=0; output=$(printf 'no "rule"\\n\\tto make'; exit 2) || code=$?
        log_trace_event tool "{\\"tool\\": \\"make\\", \\"exit_code\\": $code,
            \\"duration_ms\\": $(calculate_duration "$started"), \\"output\\": $(trace_json_string "$output")}"
        log_trace_event complete '{"success": false}'
        get_correlation_id
        """,
    )
    assert [each["event_type"] for each in inbox(tmp_path)] == ["prompt", "tool", "complete"]
    take(tmp_path)
    assert inbox(tmp_path) == []
    found = shown(tmp_path, correlation)
    trace, (span,) = found["trace"], found["spans"]
    assert (trace["prompt"], trace["agent_name"], trace["status"]) == (
        "Publish version 2.1",
        "release-script",
        "failure",
    )
    assert (trace["root_id"], trace["parent_id"], trace["correlation_id"]) == (None, None, correlation)
    assert 0 <= span["duration_ms"] <= trace["duration_ms"] < HANGS_S * 1000
    assert (span["name"], span["outcome"], span["result_preview"]) == ("make", "failure", 'no "rule"\n\tto make')


def test_a_script_below_may_be_a_run_of_its_own(tmp_path: Path, shell: list[str]) -> None:
    below = tmp_path / "below.sh"
    below.write_text(f'. "{shell_library()}"; log_trace_event prompt \'{{"prompt": "Below"}}\'; get_correlation_id\n')
    start = f'SEASONED_PARENT_ID=$(get_correlation_id) SEASONED_CORRELATION_ID= {" ".join(shell)} "{below}"'
    above, child = script(tmp_path, shell, f"get_correlation_id\n{start}")
    take(tmp_path)
    trace = shown(tmp_path, child)["trace"]
    assert (trace["parent_id"], trace["root_id"], trace["prompt"]) == (above, above, "Below")


PARALLEL = """
part() { for number in 1 2 3 4 5 6 7 8 9 10; do log_trace_event tool "{\\"tool\\": \\"t$1.$number\\"}"; done; }
for each in 0 1 2 3 4 5 6 7 8 9; do part $each & done
wait
get_correlation_id
"""
NAMES = Counter(f"t{part}.{number}" for part in range(10) for number in range(1, 11))


def names(home: Path, correlation: str) -> Counter[str]:
    found = shown(home, correlation)
    return Counter(span["name"] for span in found["spans"]) if found else Counter()


def test_a_hundred_at_once_without_a_service(tmp_path: Path, shell: list[str]) -> None:
    (correlation,) = script(tmp_path, shell, PARALLEL)
    waiting = inbox(tmp_path)
    assert Counter(each["event"]["tool"] for each in waiting) == NAMES
    assert len({each["headers"]["X-Event-ID"] for each in waiting}) == 100
    take(tmp_path)
    assert names(tmp_path, correlation) == NAMES


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Path]:
    """A home with a resident service."""
    variables = environment(tmp_path, SEASONED_SERVICE="auto", SEASONED_EMBED__PROVIDER="none")
    process = subprocess.Popen([*PROGRAM, "service", "run"], env=variables, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        until(lambda: (tmp_path / DATA / "run" / "address").exists() or process.poll() is not None)
        assert process.poll() is None
        yield tmp_path
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_a_hundred_at_once_to_the_service(service: Path, shell: list[str]) -> None:
    """All arrive once, whether the service or the drain of the inbox was faster."""
    (correlation,) = script(service, shell, PARALLEL)
    until(lambda: not any((service / DATA / INBOX_FOLDER).iterdir()))
    until(lambda: names(service, correlation).total() >= 100)
    assert names(service, correlation) == NAMES


def test_a_server_elsewhere(tmp_path: Path, shell: list[str]) -> None:
    """It gets what its token allows; the rest waits here."""
    secret = token(tmp_path, "ci")
    here = tmp_path / "here"
    here.mkdir()
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0"], env=environment(tmp_path), cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        url = process.stderr.readline().split(" at ")[1].split("/api/")[0]
        log = """log_trace_event prompt '{"prompt": "Elsewhere"}'; get_correlation_id"""
        (correlation,) = script(here, shell, log, SEASONED_URL=url + "/", SEASONED_TOKEN=secret)
        until(lambda: shown(tmp_path, correlation))
        assert not (here / DATA).exists()
        script(here, shell, log, SEASONED_URL=url, SEASONED_TOKEN="wrong")
        until(lambda: (here / DATA / INBOX_FOLDER).exists() and len(list((here / DATA / INBOX_FOLDER).iterdir())) == 1)
    finally:
        process.terminate()
        process.communicate(timeout=30)
    script(here, shell, log, SEASONED_URL="http://127.0.0.1:1", SEASONED_TOKEN=secret)
    until(lambda: len(list((here / DATA / INBOX_FOLDER).iterdir())) == 2)


def tools(folder: Path, *without: str, date: str | None = None) -> str:
    """A PATH with what the library may use but ``without`` these, and perhaps another ``date``."""
    folder.mkdir()
    for name in (
        "sed",
        "tr",
        "od",
        "mkdir",
        "rm",
        "curl",
        "perl",
        "cut",
        "cksum",
        "ls",
        "cat",
        "env",
        "grep",
        "date",
        "printf",
    ):
        found = shutil.which(name)
        if found and name not in without and not (name == "date" and date):
            (folder / name).symlink_to(found)
    if date:
        (folder / "date").write_text(f"#!/bin/sh\n{date}\n")
        (folder / "date").chmod(0o755)
    return str(folder)


NO_NANOSECONDS = (
    'for each; do :; done; seconds=$(/bin/date +%s); [ "$each" = +%s ] && echo $seconds || echo ${seconds}N'
)


@pytest.mark.parametrize("without", [("curl",), ("perl",), ("perl", "od", "curl"), ("date", "od", "perl", "sed", "tr")])
def test_tools_that_are_missing(tmp_path: Path, shell: list[str], without: tuple[str, ...]) -> None:
    """With hardly any of them the script still goes on; without curl or perl nothing is lost."""
    whole = [shutil.which(shell[0]) or "", *shell[1:]]
    path = tools(tmp_path / "tools", *without, date=None if "date" in without else NO_NANOSECONDS)
    log = (
        """started=$(start_trace_timer); log_trace_event tool '{"tool":"a"}'; calculate_duration "$started"; echo on"""
    )
    *took, on = script(tmp_path, whole, log, PATH=path)
    assert on == "on"
    (event,) = inbox(tmp_path)
    assert UUID(event["headers"]["X-Correlation-ID"]).version == 7
    if "date" not in without:
        assert abs(int(event["headers"]["X-Event-Time"]) / 1000 - time.time()) < 60
        assert 0 <= int(took[0]) < HANGS_S * 1000
    take(tmp_path)
    assert inbox(tmp_path) == []


def test_timers_know_milliseconds_without_gnu_date(tmp_path: Path, shell: list[str]) -> None:
    whole = [shutil.which(shell[0]) or "", *shell[1:]]
    path = tools(tmp_path / "tools", date=NO_NANOSECONDS)
    moments = script(tmp_path, whole, "for each in 1 2 3 4 5 6; do start_trace_timer; done", PATH=path)
    assert any(int(each) % 1000 for each in moments), moments
    assert script(tmp_path, whole, "calculate_duration; calculate_duration x; calculate_duration 99999999999999") == [
        "null",
        "null",
        "0",
    ]


@pytest.mark.parametrize(
    "text", ["", 'a "b" \\c', "tab\tline\nline\r\n", "ünïcode 漢字 🙂", "%s $(x) `y` '", "-n", "\\n\\u0041"]
)
def test_any_text_as_json(tmp_path: Path, shell: list[str], text: str) -> None:
    (printed,) = script(tmp_path, shell, 'trace_json_string "$TEXT"', TEXT=text)
    assert json.loads(printed) == text
    (bare,) = script(tmp_path, shell, 'trace_json_string "$TEXT"', TEXT=f"\x1b[1m\x01{text}")
    assert json.loads(bare) == f"[1m{text}"


def test_a_data_folder_that_cannot_be_written(tmp_path: Path, shell: list[str]) -> None:
    (tmp_path / DATA).mkdir(parents=True)
    (tmp_path / DATA).chmod(0o500)
    log = 'log_trace_event tool \'{"tool":"a"}\'; echo on'
    assert script(tmp_path, shell, log, before=without_privileges) == ["on"]
    (tmp_path / DATA).chmod(0o700)
    assert script(tmp_path, shell, log, SEASONED_HOME="/dev/null/x") == ["on"]


def test_what_is_wrong_is_set_aside_and_said(tmp_path: Path) -> None:
    script(
        tmp_path, ["dash"], "log_trace_event nonsense '{}'; log_trace_event tool '{\"tool\": 5, \"duration_ms\": -1}'"
    )
    with opened(tmp_path) as seasoned:
        box = Inbox(tmp_path / DATA / INBOX_FOLDER)
        redact = seasoned.redactor.update
        taken = take_inbox(box, seasoned.store, seasoned.writer, redact, namespace="default", now=datetime.now(UTC))
    if taken.bad:  # else opening has set them aside
        assert len(taken.bad) == 2
        assert "event_type is one of prompt, tool" in taken.bad[0].reason + taken.bad[1].reason
    assert {each.suffix for each in (tmp_path / DATA / INBOX_FOLDER).iterdir()} == {".bad"}


def test_the_path_that_the_command_prints() -> None:
    printed = run(ROOT, "config", "shell-library", HOME=os.devnull).stdout
    assert Path(printed.strip()) == shell_library()
    assert json.loads(run(ROOT, "config", "shell-library", "--json", HOME=os.devnull).stdout) == {
        "path": printed.strip()
    }


def test_the_script_of_the_documentation(tmp_path: Path, shell: list[str]) -> None:
    """As it stands there, with a ``make`` that fails."""
    page = (ROOT / "docs" / "shell.md").read_text(encoding="utf-8")
    text = re.findall(r"^```sh\n(#!.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, body in (("make", "echo 'No rule'; exit 2"), ("seasoned", f'echo "{shell_library()}"')):
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    path = tmp_path / "documented.sh"
    path.write_text(text)
    variables = environment(tmp_path) | {"PATH": f"{programs}:{os.environ['PATH']}", "SEASONED_CORRELATION_ID": "doc"}
    done = subprocess.run([*shell, str(path)], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    events = inbox(tmp_path)
    assert [each["event_type"] for each in events] == ["prompt", "tool", "complete"]
    assert (events[1]["event"]["exit_code"], events[1]["event"]["output"]) == (2, "No rule")
    assert events[2]["event"] == {"success": False}
    take(tmp_path)
