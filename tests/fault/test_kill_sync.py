"""kill -9 at random points of a library sync: one more sync, undisturbed, gives what an undisturbed one gives.

In each trial files are new, edited (with a secret), moved and edited while active; a process that syncs them is killed at a
random moment, some twice. Every edit must then be one version, every file one pattern, and nothing may be left over.
"""

import os
import random
import signal
import sys
import traceback
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

import pytest

from seasoned.capture import Redactor
from seasoned.library import Library
from seasoned.library.sync import sync_folder
from seasoned.library.sync_report import SyncReport
from seasoned.model import Identity
from seasoned.store import open_store

pytestmark = pytest.mark.slow

TRIALS = int(os.environ.get("FAULT_TRIALS", "10"))
SECRET = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
LONGEST_S = 0.08
"""Before a kill; an undisturbed sync takes about as long."""
EACH = 4
"""Files of each kind."""


def synced(folder: Path) -> SyncReport:
    """One sync, in this process."""
    store = open_store(f"sqlite:///{folder / 's.db'}", busy_timeout_s=30)
    try:
        return sync_folder(library_of(store), folder)
    finally:
        store.close()


def library_of(store: object) -> Library:
    who = Identity(namespace="default", agent_id="ada", role="admin", local=True)
    return Library(store, who, redactor=Redactor(b"k" * 32), clock=lambda: datetime.now(UTC))  # pyright: ignore[reportArgumentType]


def killed(folder: Path, seconds: float) -> bool:
    """A sync in a process of its own, killed after that time; whether it was still at work."""
    pid = os.fork()
    if pid == 0:
        try:
            synced(folder)
        except BaseException:  # noqa: BLE001  shown; the parent sees by the patterns what is missing
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(0)
    until = monotonic() + seconds
    while monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
        sleep(0.0005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def prepare(folder: Path) -> None:
    """Files as a person leaves them after a first sync."""
    root = folder / ".agent" / "patterns"
    for name in ("candidates", "active", "deprecated"):
        (root / name).mkdir(parents=True)
    kinds = ("edited", "moved", "grown")
    for kind, number in ((kind, number) for kind in kinds for number in range(EACH)):
        where = "active" if kind == "grown" else "candidates"
        (root / where / f"{kind}{number}.md").write_text(page(f"{kind} {number}"), encoding="utf-8")
    assert synced(folder).exit_code == 0
    for number in range(EACH):
        (root / "candidates" / f"new{number}.md").write_text(page(f"new {number}", SECRET), encoding="utf-8")
        for path in (root / "candidates" / f"edited{number}.md", root / "active" / f"grown{number}.md"):
            path.write_text(path.read_text("utf-8").replace("It fails", f"With {SECRET}"), encoding="utf-8")
        path = root / "candidates" / f"moved{number}.md"
        path.write_text(path.read_text("utf-8").replace("name:", "waiver: seen to work\nname:"), encoding="utf-8")
        path.rename(root / "active" / path.name)


def page(name: str, problem: str = "It fails") -> str:
    return f"---\nname: {name}\nwaiver: seen to work\n---\n\n## Problem\n\n{problem}.\n"


@pytest.mark.parametrize("seed", range(TRIALS))
def test_killed_at_random_points(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    prepare(tmp_path)
    for _ in range(chance.choice((1, 2))):
        killed(tmp_path, chance.uniform(0.0, LONGEST_S))
    report = synced(tmp_path)
    assert report.exit_code == 0, report.changes
    store = open_store(f"sqlite:///{tmp_path / 's.db'}")
    try:
        patterns = library_of(store).get_patterns_by_agent("ada", limit=1000)
    finally:
        store.close()
    found = Counter((each.pattern_name.partition(" ")[0], each.version, each.status) for each in patterns)
    wanted = {
        ("new", "1.0.0", "candidate"): EACH,
        ("edited", "1.0.0", "candidate"): EACH,
        ("moved", "1.0.0", "active"): EACH,
        ("grown", "1.0.0", "active"): EACH,
    }
    grown = Counter({(name, status): count for (name, version, status), count in found.items() if version != "1.0.0"})
    assert {key: count for key, count in found.items() if key[1] == "1.0.0"} == wanted
    assert grown == {("grown", "candidate"): EACH}
    files = [each for each in (tmp_path / ".agent").rglob("*") if each.is_file() and not each.name.startswith(".sync")]
    assert len(files) == 5 * EACH, sorted(files)
    held = [*files, *tmp_path.glob("s.db*")]
    assert not [each for each in held if SECRET.encode() in each.read_bytes()]
    assert synced(tmp_path).changes == ()
