"""Pattern files as a user has them: written, edited, moved, renamed, deleted and conflicting by hand, and what
``seasoned library sync`` then says."""

import json
from pathlib import Path
from typing import Any

import pytest
from command import run, without_privileges

pytestmark = pytest.mark.slow

PATTERNS = Path(".agent/patterns")
NEW = "---\nname: Fix flaky tests\ncategory: bugfix\naccess: team\n---\n\n## Problem\n\nTests fail.\n\n## Steps\n\n1. Fix the seed\n"
FLAKY, ACTIVE = "candidates/flaky.md", "active/flaky.md"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "seasoned.toml").write_text('[embed]\nprovider = "none"\n')
    write(tmp_path, FLAKY, NEW)
    return tmp_path


def write(home: Path, path: str, text: str) -> None:
    (home / PATTERNS / path).parent.mkdir(parents=True, exist_ok=True)
    (home / PATTERNS / path).write_text(text, encoding="utf-8")


def edit(home: Path, path: str, old: str, new: str) -> None:
    text = (home / PATTERNS / path).read_text("utf-8")
    assert old in text
    write(home, path, text.replace(old, new))


def move(home: Path, path: str, to: str) -> None:
    (home / PATTERNS / to).parent.mkdir(parents=True, exist_ok=True)
    (home / PATTERNS / path).rename(home / PATTERNS / to)


def sync(home: Path, *more: str, code: int = 0) -> str:
    done = run(home, "library", "sync", *more)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def told(home: Path, *arguments: str) -> Any:
    done = run(home, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_written_edited_moved_renamed_and_edited_again(home: Path) -> None:
    assert sync(home) == (
        "created      candidates/flaky.md: recorded as 'Fix flaky tests' 1.0.0, a candidate\n1 change, 0 unchanged.\n"
    )
    edit(home, FLAKY, "Tests fail.", "Tests fail on Mondays.")
    assert sync(home).startswith("edited       candidates/flaky.md: version 1.0.0 follows the file\n")
    move(home, FLAKY, ACTIVE)
    refused = sync(home, code=3)
    assert refused.startswith("refused      active/flaky.md: 'Fix flaky tests' cannot be promoted")
    assert "waiver: why" in refused
    edit(home, ACTIVE, "access: team", "access: team\nwaiver: seen to work")
    assert sync(home).startswith("promoted     active/flaky.md: version 1.0.0 is active\n")
    move(home, ACTIVE, "active/tests.md")
    assert sync(home) == "0 changes, 1 unchanged.\n"
    edit(home, "active/tests.md", "1. Fix the seed", "1. Fix the seed\n2. Run it ten times")
    assert sync(home).splitlines()[:2] == [
        "new version  candidates/fix-flaky-tests.md: version 1.1.0, a candidate, made of the edit of 1.0.0",
        "rewritten    active/tests.md: 1.0.0 stays active until that is promoted",
    ]
    assert "Run it ten times" not in (home / PATTERNS / "active/tests.md").read_text("utf-8")
    move(home, "active/tests.md", "deprecated/tests.md")
    assert sync(home).startswith("deprecated   deprecated/tests.md: version 1.0.0: moved by hand to deprecated\n")


def test_two_clones_conflict_and_one_is_taken(home: Path) -> None:
    sync(home)
    other = home / "other"
    other.mkdir()
    assert "written      candidates/fix-flaky-tests.md" in sync(home, "--project", "other")
    edit(home, FLAKY, "Tests fail.", "By one.")
    sync(home)
    theirs = "candidates/fix-flaky-tests.md"
    edit(other, theirs, "Tests fail.", "By the other.")
    before = (other / PATTERNS / theirs).read_bytes()
    said = sync(home, "--project", "other", code=11)
    assert f"conflict     {theirs}: changed on both sides; --take library={theirs} or --take file={theirs}" in said
    for line in ("    -Tests fail.", "    +By one.", "    +By the other."):
        assert line in said.splitlines()
    assert (other / PATTERNS / theirs).read_bytes() == before
    assert "edited" in sync(home, "--project", "other", "--take", f"file={theirs}")
    assert "rewritten" in sync(home)
    assert "By the other." in (home / PATTERNS / FLAKY).read_text("utf-8")


def test_a_deleted_file_is_asked_about(home: Path) -> None:
    sync(home)
    (home / PATTERNS / FLAKY).unlink()
    assert "file gone    candidates/flaky.md: the file is gone; --delete deletes the pattern" in sync(home)
    assert "written      candidates/fix-flaky-tests.md: written again" in sync(home, "--take", f"library={FLAKY}")
    (home / PATTERNS / "candidates/fix-flaky-tests.md").unlink()
    assert "deleted      candidates/fix-flaky-tests.md" in sync(home, "--delete")
    assert told(home, "library", "sync")["changes"] == []


def test_broken_and_unwritable_files_are_named(home: Path) -> None:
    sync(home)
    write(home, "candidates/broken.md", "---\nname: [\n---\n")
    edit(home, FLAKY, "Tests fail.", "Tests fail often.")
    said = sync(home, code=3)
    assert "broken       candidates/broken.md:3: the front matter is no YAML" in said
    assert "edited       candidates/flaky.md" in said
    (home / PATTERNS / "candidates/broken.md").unlink()
    write(home, "candidates/second.md", NEW.replace("flaky", "slow"))
    folder = home / PATTERNS / "candidates"
    folder.chmod(0o500)
    done = run(home, "library", "sync", before=without_privileges)
    folder.chmod(0o000)
    unlisted = run(home, "library", "sync", before=without_privileges)
    folder.chmod(0o700)
    for each, code, why in ((done, 9, "candidates/second.md: Permission denied"), (unlisted, 3, "candidates/")):
        assert each.returncode == code, each.stderr
        assert why in each.stderr
        assert "Traceback" not in each.stderr
    assert "created      candidates/second.md" in sync(home)
    assert told(home, "library", "sync") == {"changes": [], "unchanged": 2, "dry_run": False}


def test_a_line_that_names_nothing(home: Path) -> None:
    assert "library=NAME or file=NAME is needed" in run(home, "library", "sync", "--take", "nowhere=x").stderr
    done = run(home, "library", "sync", "--take", "library=nope")
    assert (done.returncode, "'nope' is no path, name or id" in done.stderr) == (4, True)
