"""The same server, met by a client that shares no code with the SDK: chuk-mcp, an implementation of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import PROGRAM, environment
from mcp_servers import http_server, token

pytestmark = pytest.mark.slow


def session(given: dict[str, Any]) -> dict[str, Any]:
    script = Path(__file__).with_name("other_client.py")
    done = subprocess.run(
        [sys.executable, str(script), json.dumps(given)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def judge(seen: dict[str, Any]) -> None:
    assert {"learn_pattern", "apply_pattern", "record_usage", "get_fix"} <= set(seen["tools"])
    assert seen["made"] == [False, True], "the text says what the structured content says"
    assert seen["applied"] == [seen["pattern_id"]]
    assert seen["usage_count"] == 1
    assert seen["wrong"] == [True, "NotFoundError"]
    assert seen["resources"] == [f"seasoned://patterns/{seen['pattern_id']}"]
    assert "git push -u" in seen["page"]
    assert "push it" in seen["prompt"]


def test_on_pipes(tmp_path: Path) -> None:
    judge(session({"command": PROGRAM[0], "arguments": [*PROGRAM[1:], "mcp"], "environment": environment(tmp_path)}))


def test_over_http(tmp_path: Path) -> None:
    secret = token(tmp_path, "coder")
    with http_server(tmp_path) as url:
        judge(session({"url": url, "token": secret}))
