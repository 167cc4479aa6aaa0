"""What the resident service rests on is taken away while it runs: its files, its settings, whoever works for it."""

import json
import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import pytest
from command import PROGRAM, environment, run
from residents import ON, below, health, resident, started, until

from seasoned.errors import ServiceError
from seasoned.resident import Place, hold, listening

pytestmark = pytest.mark.slow


@contextmanager
def in_front(home: Path, **variables: str) -> Generator["subprocess.Popen[bytes]"]:
    """One that is a process of this one's, so that its end is seen; ready."""
    command = [*PROGRAM, "--home", str(home / "data"), "service", "run"]
    process = subprocess.Popen(command, env=environment(home, **{**ON, **variables}), cwd=home)
    try:
        for _ in until("it is ready"):
            with suppress(ServiceError):
                if health(home)["ready"]:
                    break
        yield process
    finally:
        process.kill()
        process.wait(timeout=30)


def leave(place: Place, session: str, name: str) -> Path:
    """A session from its beginning to its end in the inbox; the path of its first file."""
    inbox = place.data_dir / "inbox"
    inbox.mkdir(mode=0o700, exist_ok=True)
    events = ({"hook_event_name": "UserPromptSubmit", "prompt": f"Task of {session}"},
              {"hook_event_name": "SessionEnd", "reason": "other"})  # fmt: skip
    for number, event in enumerate(events):
        partial = inbox / f"{name}.{number}"
        partial.write_text(json.dumps({"session_id": session, "cwd": "/nowhere", **event}))
        partial.rename(inbox / f"claude_code.{name}.{number}")
    return inbox / f"claude_code.{name}.0"


def test_a_data_folder_that_was_removed_and_made_again_is_not_its_own(place: Place, tmp_path: Path) -> None:
    """It has the removed database open; what it took in would be gone with it."""
    gone, made = tmp_path / "gone", Place(data_dir=tmp_path / "made")
    with in_front(tmp_path) as process:
        first = leave(place, "before", "1")
        for _ in until("it has taken in what was there"):
            if not first.exists():
                break
        held = hold(made)
        assert held is not None
        try:
            leave(made, "after", "2")
            place.data_dir.rename(gone)
            made.data_dir.rename(place.data_dir)
            listener, _ = listening(place, {})
            with listener:
                process.wait(timeout=30)
            assert f"{place.lock} is gone or another's" in (gone / "run" / "service.log").read_text()
            # What belongs to the one that came after it is left alone.
            assert place.address.exists()
            assert (place.run / "service.sock").exists()
        finally:
            held.release()
    listed = json.loads(run(tmp_path, "--home", place.data_dir, "traces", "list", "--json").stdout)
    assert [each["prompt"] for each in listed["traces"]] == ["Task of after"]


@pytest.mark.parametrize("name", ["address", "service.sock"])
def test_one_that_nobody_finds_any_more_ends(tmp_path: Path, name: str) -> None:
    """Else no other could start as long as agents keep it awake, and none of them would be answered."""
    with resident(tmp_path) as place, in_front(tmp_path) as process:
        (place.run / name).unlink()
        process.wait(timeout=30)
        assert f"{place.run / name} is gone or another's" in place.log.read_text()
        assert not place.address.exists()
        assert not (place.run / "service.sock").exists()


def test_under_changed_settings_another_one_answers(tmp_path: Path) -> None:
    settings = tmp_path / ".config" / "seasoned" / "seasoned.toml"
    settings.parent.mkdir(parents=True)
    with resident(tmp_path) as place, in_front(tmp_path) as process:
        before = health(tmp_path)["digest"]
        settings.write_text("[advice]\nenabled = false\n")
        process.wait(timeout=30)
        assert "The settings were changed" in place.log.read_text()
        assert started(tmp_path)["digest"] != before


def test_what_fails_behind_is_tried_less_and_less_often(tmp_path: Path) -> None:
    """Also at the end of a session: what it fails at would cost a processor for ever."""
    settings = tmp_path / ".config" / "seasoned" / "seasoned.toml"
    settings.parent.mkdir(parents=True)
    with resident(tmp_path) as place, in_front(tmp_path) as process:
        settings.write_text("[advice]\nenabled = 5\n")  # what works for it cannot start
        for _ in until("the one who works for it is killed"):
            if workers := below(process.pid):
                os.kill(workers[0], signal.SIGKILL)
                break
        left = leave(place, "ended", "1")
        for _ in until("it has failed twice"):
            failed = [line for line in place.log.read_text().splitlines() if "drain failed" in line]
            if len(failed) == 2:
                break
        first, second = (datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").astimezone() for line in failed)  # pyright: ignore[reportPossiblyUnboundVariable]
        assert (second - first).total_seconds() >= 2
        assert "seasoned.toml" in health(tmp_path)["failing"]["drain"]
        assert (process.poll(), left.exists()) == (None, True)
        settings.unlink()
        for _ in until("it has taken it in"):
            if not left.exists():
                break
        for _ in until("nothing fails any more"):
            if health(tmp_path)["failing"] == {}:
                break


def test_an_inbox_that_is_none_does_not_stop_what_is_done_behind(place: Place, tmp_path: Path) -> None:
    place.data_dir.mkdir(mode=0o700)
    (place.data_dir / "inbox").write_text("in the way")
    started(tmp_path)
    (place.data_dir / "inbox").unlink()
    left = leave(place, "ended", "1")
    for _ in until("it has taken it in"):
        if not left.exists():
            break
