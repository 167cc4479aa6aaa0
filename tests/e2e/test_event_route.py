"""``seasoned serve`` as programs meet it: a process of its own on a port of loopback."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from command import PROGRAM, environment, run, without_privileges
from mcp_servers import opened, token

pytestmark = pytest.mark.slow

WAIT_S = 60


def until(condition: Callable[[], Any]) -> Any:
    """What ``condition`` gives as soon as that is something; fails after a minute."""
    end, pause = time.monotonic() + WAIT_S, threading.Event()
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come about"
        pause.wait(0.05)
    return found


@contextmanager
def served(home: Path, *options: str, **variables: str) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """A server; gives its address, up to the type of event, and its process."""
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", *options],
        env=environment(home, **variables),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:
        try:
            assert process.stderr is not None
            said = ""
            while "Events are taken at " not in said:
                line = process.stderr.readline()
                assert line, said
                said += line
            yield said.split("Events are taken at ")[1].split(";")[0], process
        finally:
            process.terminate()
            out, err = process.communicate(timeout=30)
        assert out == ""
        assert "Traceback" not in err, err


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def secret(home: Path) -> str:
    return token(home, "ci")


@pytest.fixture(scope="module")
def url(home: Path, secret: str) -> Iterator[str]:
    with served(home) as (address, _):
        yield address


def post(url: str, kind: str, secret: str | None, content: Any, **headers: str) -> httpx2.Response:
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if secret is not None:
        sent["Authorization"] = f"Bearer {secret}"
    body = content if isinstance(content, bytes) or hasattr(content, "__next__") else json.dumps(content).encode()
    return httpx2.post(url + kind, content=body, headers=sent, timeout=60)


def shown(home: Path, execution_id: str) -> Any:
    """The execution as the command shows it; None before it is there."""
    answer = run(home, "traces", "show", execution_id, "--json")
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def test_a_run_told_by_http_is_an_execution(url: str, home: Path, secret: str) -> None:
    """Its events come out of order, one of them twice, and hold a secret."""
    key = "ghp_" + "Z9y8X7w6V5u4T3s2R1q0P9o8N7m6L5k4J3i2"
    events: list[tuple[str, Any]] = [
        ("complete", {"success": True, "quality_score": 0.9, "artifacts": ["src/a.py"], "duration_ms": 9000, "timestamp": "2026-05-04T12:00:09Z"}),
        ("tool", {"tool": "make", "arguments": {"key": key}, "exit_code": 2, "timestamp": "2026-05-04T12:00:05Z"}),
        ("prompt", {"prompt": f"Publish with {key}", "agent": "release", "timestamp": "2026-05-04T12:00:00Z"}),
        ("tool", {"tool": "make", "arguments": {"key": key}, "exit_code": 2, "timestamp": "2026-05-04T12:00:05Z"}),
        ("llm", {"model": "m", "input_tokens": 5, "success": True, "timestamp": "2026-05-04T12:00:03Z"}),
    ]  # fmt: skip
    ids: set[str] = set()
    for kind, event in events:
        answer = post(url, kind, secret, event, X_Correlation_ID="build 17")
        assert answer.status_code == 202, answer.text
        ids |= {each["execution_id"] for each in answer.json()["events"]}
    (execution_id,) = ids
    found = until(lambda: (it := shown(home, execution_id)) and len(it["spans"]) == 2 and it["trace"]["prompt"] and it)
    trace = found["trace"]
    assert (trace["status"], trace["outcome_tier"], trace["quality_score"], trace["source"]) == (
        "success",
        "explicit",
        0.9,
        "http",
    )
    assert (trace["duration_ms"], trace["correlation_id"], trace["agent_name"]) == (9000, "build 17", "release")
    assert [(each["kind"], each["name"], each["outcome"]) for each in found["spans"]] == [
        ("llm", "m", "success"),
        ("tool", "make", "failure"),
    ]
    assert [each["file_path"] for each in found["artifacts"]] == ["src/a.py"]
    assert key not in json.dumps(found)
    assert "«redacted:" in trace["prompt"]


def test_lines_are_taken_as_they_come(url: str, home: Path, secret: str) -> None:
    """Those before a break stay, though nobody got an answer."""

    def lines() -> Iterator[bytes]:
        for number in range(200):
            yield b'{"tool": "t", "timestamp": %d}\n' % (1_777_895_990 + number)
        yield b"no\n"

    answer = post(url, "tool", secret, lines(), X_Correlation_ID="lines", Content_Type="application/x-ndjson").json()
    assert (answer["accepted"], answer["rejected"][0]["place"]) == (200, "line 201")
    execution_id = answer["events"][0]["execution_id"]
    until(lambda: (it := shown(home, execution_id)) and len(it["spans"]) == 200)

    def broken() -> Iterator[bytes]:
        yield b'{"tool": "before the break"}\n'
        spool = home / ".local" / "share" / "seasoned" / "spool"
        until(lambda: any(b"before the break" in each.read_bytes() for each in spool.iterdir()))
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        post(url, "tool", secret, broken(), X_Correlation_ID=execution_id, Content_Type="application/x-ndjson")
    until(lambda: "before the break" in json.dumps(shown(home, execution_id)))


@pytest.mark.parametrize("wrong", [None, "seasoned_unknown", "x" * 5000])
def test_nobody_is_let_in_without_a_token(url: str, wrong: str | None) -> None:
    answer = post(url, "tool", wrong, {"tool": "t"}, X_Correlation_ID="c")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "oken" in answer.json()["detail"]


def test_a_web_page_cannot_reach_it(url: str, secret: str) -> None:
    event = {"tool": "t"}
    for host in ("evil.example", "evil.example:8181", "127.0.0.1.evil.example", ""):
        assert post(url, "tool", secret, event, Host=host).status_code in {400, 421}
    for origin in ("http://evil.example", "null", "https://127.0.0.1.evil.example"):
        assert post(url, "tool", secret, event, X_Correlation_ID="c", Origin=origin).status_code == 403
    assert post(url, "tool", secret, event, X_Correlation_ID="c", Origin="http://localhost:3000").status_code == 202
    assert post(url, "tool", secret, event, X_Correlation_ID="c", Content_Type="text/plain").status_code == 415


def test_methods_and_addresses_that_are_not_there(url: str, secret: str) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = httpx2.request(method, url + "tool", headers={"Authorization": f"Bearer {secret}"})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert httpx2.post(url.removesuffix("api/traces/")).status_code == 404
    assert post(url, "tool", secret, b"a" * (5 << 20)).status_code == 413
    assert post(url, "tool", secret, b"[" * 100_000).status_code == 400


def test_too_often_and_in_another_namespace(tmp_path: Path) -> None:
    """An event is of its bearer's namespace, whatever the server's, with placeholders of that namespace."""
    key = "ghp_" + "Z9y8X7w6V5u4T3s2R1q0P9o8N7m6L5k4J3i2"
    here, there = token(tmp_path, "ci"), token(tmp_path, "ci", namespace="other")
    with served(tmp_path, SEASONED_LIMITS__CAPTURE="2") as (url, _):
        ids = [
            post(url, "prompt", secret, {"prompt": f"Use {key}"}, X_Correlation_ID="c").json()["events"][0][
                "execution_id"
            ]
            for secret in (here, there)
        ]
        assert post(url, "tool", here, [{"tool": "t"}] * 100, X_Correlation_ID="c").status_code == 202
        often = post(url, "tool", here, {"tool": "t"}, X_Correlation_ID="c")
        assert (often.status_code, 1 <= int(often.headers["Retry-After"]) <= 60) == (429, True)
    assert ids[0] != ids[1]
    prompts: list[str] = []
    for namespace, mine, others in (("default", ids[0], ids[1]), ("other", ids[1], ids[0])):
        with opened(tmp_path, SEASONED_NAMESPACE=namespace) as seasoned:
            found = seasoned.store.trace(namespace, mine)
            assert found is not None
            assert seasoned.store.trace(namespace, others) is None
            assert found.prompt == seasoned.redactor.text(f"Use {key}")
            prompts.append(found.prompt or "")
    assert prompts[0] != prompts[1]


def test_what_is_accepted_survives_a_kill(tmp_path: Path) -> None:
    secret = token(tmp_path, "ci")
    with served(tmp_path) as (url, process):
        answer = post(
            url, "tool", secret, [{"tool": f"t{number}"} for number in range(300)], X_Correlation_ID="c"
        ).json()
        process.kill()
        process.wait(timeout=30)
    assert answer["accepted"] == 300
    assert len(shown(tmp_path, answer["events"][0]["execution_id"])["spans"]) == 300


def test_a_spool_that_cannot_be_written(tmp_path: Path) -> None:
    secret = token(tmp_path, "ci")
    spool = tmp_path / ".local" / "share" / "seasoned" / "spool"
    spool.mkdir(exist_ok=True)
    spool.chmod(0o500)
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0"], env=environment(tmp_path), cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        preexec_fn=without_privileges,  # noqa: PLW1509
    )  # fmt: skip
    try:
        assert process.stderr is not None
        url = process.stderr.readline().split(" at ")[1].split(";")[0]
        refused = post(url, "tool", secret, {"tool": "t"}, X_Correlation_ID="c")
        assert (refused.status_code, refused.json()["accepted"]) == (503, 0)
        assert "ermission denied" in refused.json()["detail"]
        spool.chmod(0o700)
        assert post(url, "tool", secret, {"tool": "t"}, X_Correlation_ID="c").status_code == 202
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_command_itself(tmp_path: Path, url: str, home: Path) -> None:
    offered = json.loads(run(tmp_path, "serve", "--json").stdout)
    assert offered["routes"][0]["path"] == "/api/traces/{event_type}"
    open_to_all = run(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
    assert (open_to_all.returncode, "nobody has a token yet" in open_to_all.stderr) == (2, True)
    port = httpx2.URL(url).port
    taken = run(home, "serve", "--port", str(port))
    assert (taken.returncode, f"port {port} cannot be used" in taken.stderr) == (2, True)
    with served(tmp_path) as (_, process):
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
