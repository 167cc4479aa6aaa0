"""The library on the command line: what a person sees, types, and gets wrong."""

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from command import run

pytestmark = pytest.mark.slow

SECRET = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
DATA = json.dumps({"problem": "uploads time out", "solution": f"retry, not with {SECRET}", "steps": ["wait", "again"]})


def ok(home: Path, *arguments: str) -> str:
    done = run(home, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def document(home: Path, *arguments: str) -> Any:
    return json.loads(ok(home, *arguments, "--json"))


def refused(home: Path, *arguments: str) -> CompletedProcess[str]:
    done = run(home, *arguments)
    assert done.returncode not in {0, 1}, done.stdout
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With one pattern that ``coder`` recorded for the team."""
    made = ok(
        tmp_path, "--as-agent", "coder", "patterns", "create", "Retry uploads", "--category", "operations", "--access",
        "team", "--data", DATA,
    )  # fmt: skip
    assert made.startswith("Retry uploads 1.0.0 (")
    assert made.endswith("recorded as candidate, access team\n")
    return tmp_path


def test_a_session_from_recording_to_deprecation(home: Path) -> None:
    coder = ("--as-agent", "coder", "patterns")
    assert "waits for a reviewer" in ok(home, *coder, "promote", "Retry uploads")
    queue = ok(home, "patterns", "review")
    assert "coder asks for its promotion" in queue
    assert "still needs: validation" in queue
    assert "give a waiver" in refused(home, "patterns", "promote", "Retry uploads").stderr
    assert ok(home, "patterns", "promote", "Retry uploads", "--waive", f"tried with {SECRET}").endswith(": active\n")
    assert refused(home, "patterns", "promote", "Retry uploads", "--waive", "x").returncode == 11
    assert "Retry uploads 1.0.0" in ok(home, *coder, "recommend", "--task", "an upload times out")
    used = ok(home, *coder, "use", "Retry uploads", "--success", "true", "--seconds", "2.5")
    assert "1 use" in used
    (version,) = document(home, "patterns", "history", "Retry uploads")["versions"]
    assert version["pattern"]["success_count"] == 1
    told = ok(home, "patterns", "history", "Retry uploads")
    assert [line.split("  ")[2] for line in told.splitlines() if ":" in line and "  20" in line][:1] == ["local"]
    assert "coder  worked, 2.5 s" in told
    assert "success 0.75" in told
    assert SECRET not in told
    figures = document(home, "patterns", "analytics", "--days", "7")
    assert (figures["overview"]["total_applications"], figures["overview"]["days"]) == (1, 7)
    assert ok(home, *coder, "deprecate", "Retry uploads", "--reason", "the service retries").endswith(": deprecated\n")
    ok(home, *coder, "use", "Retry uploads")
    assert ok(home, "patterns", "review").startswith("! deprecated pattern used: Retry uploads, 1 time")
    for file in home.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file


def test_what_is_private_is_not_there_for_anybody_else(home: Path) -> None:
    ok(home, "--as-agent", "coder", "patterns", "share", "Retry uploads", "--access", "private")
    (mine,) = document(home, "--as-agent", "coder", "patterns", "search", "upload")["patterns"]
    key = mine["pattern"]["pattern_id"]
    absent = "01900000-0000-7000-8000-000000000000"
    for command in (
        ("show", key), ("history", key), ("use", key), ("promote", key, "--waive", "x"), ("diff", key, key),
        ("deprecate", key, "--reason", "x"), ("delete", key, "--yes"), ("share", key, "--access", "team"),
    ):  # fmt: skip
        for who in ((), ("--as-agent", "other")):
            hidden = refused(home, *who, "patterns", *command)
            never = refused(home, *who, "patterns", *(absent if each == key else each for each in command))
            assert (hidden.returncode, hidden.stderr) == (never.returncode, never.stderr.replace(absent, key))
    assert ok(home, "patterns", "search", "upload") == "Nothing in the library answers that.\n"
    assert document(home, "patterns", "analytics")["total_patterns"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create", "x", "--category", "c", "--data", "{}"), 2, "holds no text"),
        (("create", "x", "--category", "c", "--data", "[1]"), 2, "--data"),
        (("create", "x", "--category", "c", "--data", '{"a": NaN}'), 2, "--data"),
        (("create", "x\x1b[2J", "--category", "c", "--data", '{"a": "b"}'), 2, "U+001B"),
        (("create", "Retry uploads", "--category", "c", "--data", '{"a": "b"}'), 11, "taken"),
        (("use", "Retry uploads", "--success", "maybe"), 2, "true and false"),
        (("use", "nothing"), 4, "nothing"),
        (("share", "Retry uploads", "--access", "shared", "--share-with", "a b"), 2, "shared_with_agents"),
        (("reject", "Retry uploads", "--reason", " "), 2, "reason"),
        (("clear", "Retry uploads", "--reason", "r"), 10, "cleared by a reviewer"),
        (("diff", "Retry uploads"), 2, "no parent"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_refusal_is_one_line_with_its_code(home: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run(home, "--as-agent", "coder", "patterns", *arguments)
    assert said in done.stderr
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stdout) == (code, "")


def test_changing_what_is_somebody_elses_is_not_allowed(home: Path) -> None:
    for who in ("other", "second"):
        done = refused(home, "--as-agent", who, "patterns", "delete", "Retry uploads", "--yes")
        assert done.stderr == f"seasoned: {who} may not delete 'Retry uploads': coder may.\n"
        assert done.returncode == 10
    for answer in (b"n\n", b""):
        kept = run(home, "--as-agent", "coder", "patterns", "delete", "Retry uploads", stdin=answer)
        assert kept.returncode == 2
        assert "Delete Retry uploads 1.0.0 and its 0 uses?" in kept.stderr
    assert document(home, "patterns", "show", "Retry uploads")["version"] == "1.0.0"
    assert "name" in refused(home, "--as-agent", "a b", "patterns", "review").stderr
    assert "learner" in refused(home, "--as-agent", "seasoned", "patterns", "review").stderr


def test_tokens_are_shown_once_and_listed_by_hash(tmp_path: Path) -> None:
    assert "No tokens" in ok(tmp_path, "token", "list")
    made = run(tmp_path, "token", "create", "bot", "--role", "librarian", "--expires", "30d")
    secret = made.stdout.strip()
    assert made.returncode == 0
    assert "For bot, librarian of default, until 20" in made.stderr
    listed = ok(tmp_path, "token", "list")
    assert secret not in listed
    (told,) = document(tmp_path, "token", "list")["tokens"]
    assert (told["agent"], told["role"], told["state"]) == ("bot", "librarian", "valid")
    assert told["hash"] in ok(tmp_path, "token", "revoke", told["hash"])
    assert document(tmp_path, "token", "list")["tokens"][0]["state"] == "revoked"
    for bad in (
        ("create", "a b"),
        ("create", "x", "--expires", "0d"),
        ("create", "x", "--expires", "soon"),
        ("revoke", "zzz"),
    ):
        assert refused(tmp_path, "token", *bad).returncode in {2, 3, 4}
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or secret[9:].encode() not in file.read_bytes(), file
