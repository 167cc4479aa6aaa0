"""``seasoned mcp`` on standard input and output: what a client sees of it, and lines that no client sends."""

import json
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from command import PROGRAM, environment, run
from mcp import Client
from mcp_servers import answered, on_pipes, refused

from seasoned.doors.mcp import offered

pytestmark = pytest.mark.slow

TOOLS: dict[str, Any] = {tool["name"]: tool for tool in offered()["tools"]}
NAMES = sorted(TOOLS)


def session(home: Path, work: Callable[[Client], Any]) -> None:
    async def main() -> None:
        async with Client(on_pipes(home), read_timeout_seconds=60) as client:
            await work(client)

    anyio.run(main)


def test_a_run_from_capture_to_fix(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(x):\n    return x\n")

    async def work(client: Client) -> None:
        ran = await answered(
            client, "capture_task_execution", prompt="Push the branch of issue 12", task_type="auto", domain="auto",
            agent="coder", success=True, quality_score=0.9, duration_ms=900,
            steps_json=[{"tool": "Bash", "action": "push", "command": "git push"}],
        )  # fmt: skip
        told = await answered(client, "check_similar_tasks", prompt="Push the branch of issue 12", semantic=False)
        assert told["matches"][0]["fingerprint_id"] == ran["fingerprint_id"]
        file = await answered(
            client, "log_code_quality", path_id=ran["path_id"], file_path="a.py", artifact_type="auto", language="auto"
        )
        assert file["basis"]
        error = "fatal: The current branch x has no upstream branch."
        failed = await answered(
            client, "record_failure_pattern", fingerprint_id=ran["fingerprint_id"], failure_type="auto",
            error_message=error, context_at_failure={"tool": "Bash", "command": "git push"},
            resolution_steps=[{"command": "git push -u origin HEAD"}],
        )  # fmt: skip
        fix = await answered(client, "get_fix", error=error, tool="Bash", command="git push")
        assert (fix["failure_id"], fix["occurrence_count"]) == (failed["failure_id"], 1)
        kept = await answered(
            client, "record_success_pattern", fingerprint_id=ran["fingerprint_id"], path_id=ran["path_id"],
            pattern_name="Push", pattern_type="workflow", recommended_steps=[{"command": "git push"}],
        )  # fmt: skip
        assert kept["status"] == "candidate"

    session(tmp_path, work)


def test_what_is_said_matches_what_the_command_says(tmp_path: Path) -> None:
    """One document behind both doors."""
    spoken = run(tmp_path, "check-similar-tasks", "--prompt", "p", "--no-semantic", "--technologies", "go")
    by_command = json.loads(spoken.stdout)

    async def work(client: Client) -> None:
        told = await answered(client, "check_similar_tasks", prompt="p", semantic=False, technologies=["go"])
        for answer in (told, by_command):
            answer.pop("latency_ms")
        assert told == by_command

    session(tmp_path, work)


WRONG: dict[str, Any] = {
    "a number": 12345678901234567890, "a text": "x", "nothing": None, "a list": [[]], "an object": {"a": {"b": []}},
    "true": True, "empty": "",
}  # fmt: skip
REFUSED: dict[str, Any] = {"huge": "a" * 1_000_001, "NUL": "a\0b", "deep": json.loads("[" * 60 + "]" * 60)}


@pytest.mark.slow
def test_nonsense_is_answered_and_changes_nothing(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        assert (await refused(client, "get_fix", error="a" * 10_000_000))[0] == "ValidationError"
        for name in NAMES:
            schema = TOOLS[name]["inputSchema"]
            if schema.get("required"):
                assert (await refused(client, name))[0] == "UsageError"
            assert "no argument" in (await refused(client, name, no_such_argument=1))[1]
            for argument in schema["properties"]:
                for value in REFUSED.values():
                    code, message = await refused(client, name, **{argument: value})
                    assert code in {"ValidationError", "UsageError"}, message
                for value in WRONG.values():
                    found = await client.call_tool(name, {argument: value})
                    document: Any = found.structured_content
                    assert set(document) >= {"success", "result", "message"}
                    assert document.get("code") != "InternalError", (name, argument, document)
        assert (await refused(client, "route_task"))[0] == "NotFoundError"
        assert (await answered(client, "get_pattern_analytics"))["total_patterns"] == 0

    session(tmp_path, work)


def test_errors_spell_arguments_as_the_tool_does(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        _, message = await refused(client, "check_similar_tasks", prompt="p", min_similarity=2)
        assert message.startswith("min_similarity: ")
        _, message = await refused(client, "check_similar_tasks", prompt="p", task_type="cooking")
        assert message.startswith("task_type 'cooking': allowed are auto, code_generation")
        _, message = await refused(client, "evolve_pattern", pattern_id="x")
        assert message == "Missing: evolution_data or success_feedback; one of them is needed."

    session(tmp_path, work)


@contextmanager
def raw(home: Path) -> Generator[Callable[[bytes], Any]]:
    """Send a line, read the line that answers it; at the end standard error is empty and the exit code 0."""
    process = subprocess.Popen(
        [*PROGRAM, "mcp"], env=environment(home), cwd=home,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    writing, reading = process.stdin, process.stdout

    def ask(line: bytes) -> Any:
        writing.write(line + b"\n")
        writing.flush()
        return json.loads(reading.readline())

    try:
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        ask(json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}).encode())
        writing.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        yield ask
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (0, b"", b"")


def call(number: int, arguments: str) -> bytes:
    params = f'{{"name":"get_fix","arguments":{arguments}}}'
    return f'{{"jsonrpc":"2.0","id":{number},"method":"tools/call","params":{params}}}'.encode()


def test_lines_that_cannot_be_read_are_answered_too(tmp_path: Path) -> None:
    deep = "[" * 300 + "]" * 300
    with raw(tmp_path) as ask:
        for number, arguments in enumerate(
            ('{"error":"\\ud800"}', f'{{"error":{deep}}}', f'{{"error":{"9" * 5000}}}'), 1
        ):
            answer = ask(call(number, arguments))
            assert (answer["id"], answer["error"]["code"]) == (number, -32700), answer
        for line in (b"garbage", b"{", b"\xff\xfe", b"[" * 100_000):
            answer = ask(line)
            assert (answer["id"], answer["error"]["code"]) == (None, -32700), answer
        assert ask(call(9, '{"error":"still here"}'))["result"]["structuredContent"]["success"] is True


def test_a_client_that_goes_leaves_no_words_behind(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "mcp"], env=environment(tmp_path), cwd=tmp_path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stdin.write(call(1, '{"error":"e"}') + b"\n" + b"garbage\n")
    process.stdin.close()
    with process.stderr:
        said = process.stderr.read()
    assert (process.wait(timeout=30), said) == (141, b"")


def test_without_a_place_to_keep_anything_each_call_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    async def work() -> None:
        server = on_pipes(tmp_path, SEASONED_HOME=str(tmp_path / "file" / "data"))
        async with Client(server, read_timeout_seconds=60) as client:
            assert len((await client.list_tools()).tools) == len(NAMES)
            code, message = await refused(client, "get_pattern_analytics")
            assert (code, "--home or SEASONED_HOME" in message) == ("StoreUnavailableError", True)

    anyio.run(work)
