"""The inbox: what a hook left is read when it is whole, kept until it is removed, and nothing foreign is touched."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from seasoned.bus import Inbox
from seasoned.bus.inbox import MAX_BYTES
from seasoned.errors import UnreadableFileError

NOW = 1_795_272_874 * 10**9
SECOND = 10**9
PAYLOAD = {"session_id": "s", "hook_event_name": "Stop", "text": "é"}


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    folder = tmp_path / "inbox"
    folder.mkdir(mode=0o700)
    return Inbox(folder, now_ns=lambda: NOW)


@pytest.fixture
def put(inbox: Inbox) -> Callable[..., Path]:
    def make(name: str, data: bytes, *, age_s: int = 0) -> Path:
        path = inbox.folder / name
        path.write_bytes(data)
        os.utime(path, ns=(NOW - age_s * SECOND, NOW - age_s * SECOND))
        return path

    return make


def names(inbox: Inbox) -> list[str]:
    return sorted(path.name for path in inbox.folder.iterdir())


def test_a_payload_is_read_and_stays_until_it_is_removed(inbox: Inbox, put: Callable[..., Path]) -> None:
    put("claude_code.12.0", json.dumps(PAYLOAD).encode() + b"\n", age_s=5)
    (payload,) = inbox.read().payloads
    assert (payload.source, payload.content, payload.modified_ns) == ("claude_code", PAYLOAD, NOW - 5 * SECOND)
    assert names(inbox) == ["claude_code.12.0"]
    assert inbox.remove([payload]) == 1
    assert inbox.remove([payload]) == 0
    assert names(inbox) == []


def test_a_file_that_came_anew_under_its_name_is_not_removed(inbox: Inbox, put: Callable[..., Path]) -> None:
    put("codex.12.0", b"{}", age_s=5)
    (payload,) = inbox.read().payloads
    put("codex.12.0", b'{"new": 1}')
    assert inbox.remove([payload]) == 0
    assert names(inbox) == ["codex.12.0"]


@pytest.mark.parametrize("data", [b"", b'{"session_id": "s', b"[1]", b"\xff{}", b"[" * 5000])
def test_what_is_not_whole_waits_a_minute(data: bytes, inbox: Inbox, put: Callable[..., Path]) -> None:
    put("gemini.1.0", data, age_s=60)
    first = inbox.read()
    assert (first.payloads, first.unfinished, first.bad_files) == ((), 1, 0)
    path = put("gemini.1.0", data, age_s=61)
    written = path.stat().st_mtime_ns
    second = inbox.read()
    assert (second.payloads, second.unfinished, second.bad_files) == ((), 0, 1)
    assert "torn" in second.bad[0].reason
    assert names(inbox) == [f"gemini.1.0.{written}.bad"]
    assert (inbox.folder / f"gemini.1.0.{written}.bad").read_bytes() == data
    third = inbox.read()
    assert (third.bad_files, third.foreign) == (0, ())


def test_what_was_torn_while_the_clock_was_wrong_does_not_wait_for_it(inbox: Inbox, put: Callable[..., Path]) -> None:
    put("gemini.1.0", b'{"session', age_s=-7200)
    assert inbox.read().bad_files == 1


def test_what_was_set_aside_is_struck_by_the_names_in_it(inbox: Inbox, put: Callable[..., Path]) -> None:
    kept, gone, large = (f"codex.{number}.0.17.bad" for number in (1, 2, 3))
    put(kept, b'{"session_id": "another", "pro')
    put(gone, b'{"session_id": "this-one", "prompt": "x')
    os.truncate(put(large, b""), 4 * MAX_BYTES + 1)
    put("notes.bad", b"this-one")
    assert inbox.strike_set_aside([]) == 0
    assert inbox.strike_set_aside(["this-one"]) == 2
    assert names(inbox) == [kept, "notes.bad"]
    assert inbox.strike_set_aside(None) == 1
    assert names(inbox) == ["notes.bad"]


def test_who_waits_gets_the_inbox_when_the_other_drain_is_done(inbox: Inbox) -> None:
    order: list[str] = []

    def wait() -> None:
        with Inbox(inbox.folder).held(wait=True) as held:
            order.append(f"second {held}")

    waiting = threading.Thread(target=wait)
    with inbox.held():
        waiting.start()
        order.append("first")
    waiting.join(timeout=30)
    assert order == ["first", "second True"]


def test_what_is_too_large_is_set_aside_unread(inbox: Inbox, put: Callable[..., Path]) -> None:
    path = put("codex.1.0", b"")
    os.truncate(path, MAX_BYTES + 1)
    found = inbox.read()
    assert (found.payloads, found.bad_files) == ((), 1)
    assert "16 MiB" in found.bad[0].reason


def test_what_is_foreign_is_named_and_left(inbox: Inbox, put: Callable[..., Path], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"session_id": "s"}')
    put("notes.txt", b"{}", age_s=900)
    put("cursor.1.0", b"{}", age_s=900)
    (inbox.folder / "codex.2.0").symlink_to(secret)
    os.mkfifo(inbox.folder / "codex.3.0")
    (inbox.folder / "codex.4.0").mkdir()
    before = names(inbox)
    found = inbox.read()
    assert [path.name for path in found.foreign] == before
    assert (found.payloads, found.bad_files, names(inbox)) == ((), 0, before)


def test_one_drain_at_a_time(inbox: Inbox) -> None:
    other = Inbox(inbox.folder)
    with inbox.held() as first:
        assert first
        with other.held() as second:
            assert not second
    with other.held() as third:
        assert third


def test_no_folder_holds_nothing(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "none")
    with inbox.held() as held:
        assert not held
    assert inbox.read().payloads == ()


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("")
    inbox = Inbox(tmp_path / "inbox")
    with pytest.raises(UnreadableFileError, match="inbox"), inbox.held():
        pass
    with pytest.raises(UnreadableFileError, match="inbox"):
        inbox.read()
