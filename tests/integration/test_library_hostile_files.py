"""``.agent/patterns`` as a stranger, an accident or a second process leaves it: nothing outside it is touched, nothing is
taken for deleted, and what one person may not see is not felt in what sync says."""

import base64
import os
import stat
import threading
import zlib
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from filelock import FileLock

from seasoned.capture import Redactor
from seasoned.errors import ConflictError, InputError
from seasoned.library import Library
from seasoned.library import folder as folder_module
from seasoned.library.folder import LOCK, STATE
from seasoned.library.sync import sync_folder
from seasoned.library.sync_report import Change, SyncOptions, SyncReport
from seasoned.model import Identity, Pattern, Role
from seasoned.store import open_store
from seasoned.store.sql import SqlStore

SECRET = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
CANDIDATE = "candidates/fix-it.md"


@pytest.fixture
def store(tmp_path: Path) -> Generator[SqlStore, None, None]:
    opened = open_store(f"sqlite:///{tmp_path / 's.db'}")
    yield opened
    opened.close()


def library_of(store: SqlStore, agent: str = "ada", *, role: Role = "agent", namespace: str = "default") -> Library:
    ticks = count()
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    who = Identity(namespace=namespace, agent_id=agent, role=role, local=role == "admin")
    return Library(store, who, redactor=Redactor(b"k" * 32), clock=lambda: start + timedelta(seconds=next(ticks)))


@pytest.fixture
def library(store: SqlStore) -> Library:
    return library_of(store, role="admin")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / ".agent" / "patterns"
    (folder / "candidates").mkdir(parents=True)
    return folder


def sync(library: Library, root: Path, **options: object) -> SyncReport:
    return sync_folder(library, root.parent.parent, SyncOptions(**options))  # pyright: ignore[reportArgumentType]


def record(library: Library, name: str = "Fix it", access: str = "team") -> Pattern:
    return library.create_pattern(name, "bugfix", {"problem": "It fails."}, access_level=access)  # pyright: ignore[reportArgumentType]


def only(report: SyncReport) -> Change:
    assert len(report.changes) == 1, report.changes
    return report.changes[0]


def text_of(name: str = "A", more: str = "") -> str:
    return f"---\n{more}name: {name}\n---\n\n## Problem\n\nx\n"


# -- whose it is ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("whose", ["private of another", "public of another namespace", "nobody's"])
def test_an_id_that_is_not_for_me_is_one_that_nobody_has(store: SqlStore, root: Path, whose: str) -> None:
    if whose == "private of another":
        key = record(library_of(store, "bob"), access="private").pattern_id
    elif whose == "public of another namespace":
        key = record(library_of(store, "bob", namespace="elsewhere"), access="public").pattern_id
    else:
        key = "01a1fdb9-dec8-7a52-96f5-5009c2bce81b"
    (root / CANDIDATE).write_text(text_of("Mine", f"id: {key}\n"), encoding="utf-8")
    change = only(sync(library_of(store), root, delete=True))
    assert change.what == "refused"
    assert change.message.replace(key, "ID") == (
        f"{CANDIDATE}: no pattern of this library has the id ID; take the line `id` out to record a new one."
    )
    assert library_of(store).get_patterns_by_agent("ada") == []


def test_a_sync_as_another_agent_removes_nothing_that_it_may_not_see(store: SqlStore, root: Path) -> None:
    record(library_of(store), access="private")
    sync(library_of(store), root)
    change = only(sync(library_of(store, "bob"), root, delete=True))
    assert (change.what, change.path) == ("pattern_gone", CANDIDATE)
    assert "not to be read by bob" in change.message
    assert sync(library_of(store), root, delete=True).changes == ()


# -- names ------------------------------------------------------------------------------------------------------------
def test_long_and_turning_and_invisible_names_become_plain_files(library: Library, root: Path) -> None:
    record(library, "n" * 200)
    assert only(sync(library, root)).path == f"candidates/{'n' * 80}.md"
    for number, name in enumerate(("a\u202egpj.exe", "in\u200bvisible", "x" * 300)):
        (root / "candidates" / f"{number}.md").write_text(text_of(name), encoding="utf-8")
    told = sync(library, root).changes
    assert [each.what for each in told] == ["refused"] * 3
    assert len(library.get_patterns_by_agent("ada")) == 1


def test_a_name_that_differs_in_case_alone_gets_a_file_of_its_own(library: Library, root: Path) -> None:
    record(library, "Fix It")
    record(library, "fix it")
    assert len({each.path.casefold() for each in sync(library, root).changes}) == 2
    assert sync(library, root).changes == ()


def test_a_file_whose_name_is_no_text_is_shown(library: Library, root: Path) -> None:
    path = os.fsencode(root / "candidates") + b"/\xff.md"
    Path(os.fsdecode(path)).write_text(text_of(), encoding="utf-8")
    change = only(sync(library, root))
    assert (change.what, change.path) == ("broken", "candidates/\\udcff.md")
    assert "rename the file" in change.message


# -- what is no file --------------------------------------------------------------------------------------------------
def test_a_folder_in_the_place_of_a_file_is_not_a_deleted_pattern(library: Library, root: Path) -> None:
    made = record(library)
    sync(library, root)
    (root / CANDIDATE).unlink()
    (root / CANDIDATE).mkdir()
    assert only(sync(library, root, delete=True)).what == "broken"
    assert library.get_pattern(made.pattern_id) is not None


def test_a_pipe_does_not_hold_up_a_sync(library: Library, root: Path) -> None:
    os.mkfifo(root / CANDIDATE)
    assert "not a regular file" in only(sync(library, root)).message


@pytest.mark.parametrize("name", [STATE, LOCK])
def test_what_sync_keeps_for_itself_is_never_a_link(library: Library, root: Path, name: str) -> None:
    outside = root.parent.parent.parent / "outside"
    outside.write_text("theirs", encoding="utf-8")
    (root / name).symlink_to(outside)
    with pytest.raises(InputError, match="symbolic link"):
        sync(library, root)
    assert outside.read_text(encoding="utf-8") == "theirs"


def test_paths_in_the_state_lead_nowhere(library: Library, root: Path) -> None:
    made = record(library)
    sync(library, root)
    outside = root.parent / "outside.md"
    outside.write_text("theirs", encoding="utf-8")
    state = (root / STATE).read_text(encoding="utf-8")
    (root / STATE).write_text(state.replace(CANDIDATE, "../outside.md"), encoding="utf-8")
    (root / CANDIDATE).unlink()
    assert only(sync(library, root, take={"../outside.md": "library"})).path == CANDIDATE
    library.delete_pattern(made.pattern_id)
    sync(library, root, delete=True)
    assert outside.read_text(encoding="utf-8") == "theirs"


def test_a_state_that_unpacks_without_end_does_not(library: Library, root: Path) -> None:
    made = record(library)
    sync(library, root)
    state = (root / STATE).read_text(encoding="utf-8")
    packed = base64.b64encode(zlib.compress(b"x" * 200_000_000, 9)).decode()
    begin = state.index('"base": "') + len('"base": "')
    (root / STATE).write_text(state[:begin] + packed + state[state.index('"', begin) :], encoding="utf-8")
    library.update_pattern(made.pattern_id, pattern_data={"problem": "One."})
    (root / CANDIDATE).write_text((root / CANDIDATE).read_text("utf-8").replace("It fails", "Two"), encoding="utf-8")
    change = only(sync(library, root))
    assert change.what == "conflict"
    assert len(change.diff) < 10 * folder_module.MOST_BYTES


# -- secrets ----------------------------------------------------------------------------------------------------------
def test_a_secret_in_a_file_reaches_no_database_and_leaves_the_file(library: Library, root: Path) -> None:
    made = record(library, "Old")
    sync(library, root)
    (root / "candidates" / "new.md").write_text(
        f"---\nname: New\ntoken: {SECRET}\n---\n\n## Problem\n\n{SECRET}\n\n## Mine\n\n{SECRET}\n", encoding="utf-8"
    )
    old = root / "candidates" / "old.md"
    old.write_text(old.read_text("utf-8").replace("It fails", f"export TOKEN={SECRET}"), encoding="utf-8")
    assert sorted(each.what for each in sync(library, root).changes) == ["created", "edited"]
    held = [*root.rglob("*"), *root.parent.parent.parent.glob("s.db*")]
    assert not [each for each in held if each.is_file() and SECRET.encode() in each.read_bytes()]
    assert "«redacted:" in old.read_text("utf-8")
    assert sync(library, root).changes == ()
    assert library.get_pattern(made.pattern_id) is not None


@pytest.mark.parametrize("status", ["candidate", "active"])
def test_an_edit_with_a_secret_that_was_cut_off_is_known_again(library: Library, root: Path, status: str) -> None:
    """The library has it, the file and the state are as they were before."""
    made = record(library)
    if status == "active":
        library.promote(made.pattern_id, waiver="seen to work")
    sync(library, root)
    path = root / ("active" if status == "active" else "candidates") / "fix-it.md"
    state, edited = (root / STATE).read_bytes(), path.read_text("utf-8").replace("It fails", f"Use {SECRET}")
    path.write_text(edited, encoding="utf-8")
    sync(library, root)
    path.write_text(edited, encoding="utf-8")
    (root / STATE).write_bytes(state)
    report = sync(library, root)
    assert report.exit_code == 0, report.changes
    assert len(library.get_patterns_by_agent("ada")) == (2 if status == "active" else 1)
    assert SECRET not in path.read_text("utf-8")
    assert sync(library, root).changes == ()


def test_a_new_file_with_a_secret_that_was_cut_off_is_known_again(library: Library, root: Path) -> None:
    path = root / "candidates" / "new.md"
    path.write_text(text_of("New").replace("x", SECRET), encoding="utf-8")
    sync(library, root)
    path.write_text(text_of("New").replace("x", SECRET), encoding="utf-8")
    (root / STATE).unlink()
    assert only(sync(library, root)).what == "created"
    assert len(library.get_patterns_by_agent("ada")) == 1


# -- two at once ------------------------------------------------------------------------------------------------------
def test_syncs_at_once_make_of_one_file_one_pattern(store: SqlStore, root: Path) -> None:
    for number in range(20):
        (root / "candidates" / f"{number}.md").write_text(text_of(f"Way {number}"), encoding="utf-8")
    reports: list[SyncReport] = []
    threads = [threading.Thread(target=lambda: reports.append(sync(library_of(store), root))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(each.changes) for each in reports) == [0, 0, 0, 20]
    assert len(library_of(store).get_patterns_by_agent("ada")) == 20


def test_a_sync_that_waits_too_long_says_for_what(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "_WAIT_S", 0)
    with FileLock(root / LOCK), pytest.raises(ConflictError, match="another sync is at work"):
        sync(library, root)
    assert sync(library, root, dry_run=True).changes == ()


def test_a_file_is_readable_for_the_team(library: Library, root: Path) -> None:
    record(library)
    sync(library, root)
    assert stat.S_IMODE((root / CANDIDATE).stat().st_mode) & 0o444 == 0o444
