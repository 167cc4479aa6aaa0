"""Agent Skills in and out of the library: what is published, what is imported, what is left alone."""

from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from seasoned.capture import Redactor
from seasoned.library import Library
from seasoned.library.skills import SkillChange, import_skills, publish_skills, skill_name
from seasoned.model import Identity, Pattern
from seasoned.store import open_store
from seasoned.store.sql import SqlStore

WAIVER = "seen to work by hand"
OTHERS = """---
name: rotate-keys
# what an agent chooses by
description: Rotates signing keys. Use when a key is older than a year.
license: MIT  # as the repository
metadata:
  author: ada
  importance: 8
allowed-tools: Bash(openssl:*) Read
---

# Rotating keys

Some words first.

## When to Use

* a key is old
* a key leaked

## Steps

1) Make a key
2) Publish it

## My own section

kept as it is

## Expected Improvement

No key older than a year.
"""


@pytest.fixture
def store(tmp_path: Path) -> Generator[SqlStore, None, None]:
    opened = open_store(f"sqlite:///{tmp_path / 's.db'}")
    yield opened
    opened.close()


def library_of(store: SqlStore, agent: str = "ada", *, local: bool = True) -> Library:
    ticks = count()
    who = Identity(namespace="default", agent_id=agent, role="admin" if local else "agent", local=local)
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    return Library(store, who, redactor=Redactor(b"k" * 32), clock=lambda: start + timedelta(seconds=next(ticks)))


@pytest.fixture
def library(store: SqlStore) -> Library:
    return library_of(store)


def active(library: Library, name: str = "Fix flaky tests", **data: object) -> Pattern:
    content = {"problem": "Tests fail now and then.", "steps": ["Run `pytest -x`"], **data}
    made = library.create_pattern(name, "bugfix", content, access_level="team")
    return library.promote(made.pattern_id, waiver=WAIVER)


def skill(folder: Path, text: str, name: str = "rotate-keys") -> Path:
    path = folder / name / "SKILL.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def whats(found: Sequence[SkillChange]) -> list[str]:
    return [each.what for each in found]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Fix flaky tests", "fix-flaky-tests"),
        ("../../etc/passwd", "etc-passwd"),
        ("Ärger -- mit Ümlauten", "arger-mit-umlauten"),
        ("日本", ""),
        ("x" * 100, "x" * 64),
        ("a" * 63 + "-b", "a" * 63),
    ],
)
def test_names_are_as_the_format_wants_them(name: str, wanted: str) -> None:
    assert skill_name(name) == wanted


def test_publishing_writes_once_and_follows_the_library(library: Library, tmp_path: Path) -> None:
    made = active(library)
    assert whats(publish_skills(library, tmp_path)) == ["published"]
    path = tmp_path / ".claude" / "skills" / "fix-flaky-tests" / "SKILL.md"
    text = path.read_text(encoding="utf-8")
    assert text.startswith("---\nname: fix-flaky-tests\ndescription: Tests fail now and then.\n")
    assert "## Steps\n\n1. Run `pytest -x`\n" in text
    assert "seasoned:figures" not in text
    assert whats(publish_skills(library, tmp_path)) == ["unchanged"]
    library.deprecate(made.pattern_id, "old")
    active(library, "Fix flaky tests 2")
    assert [each.path for each in publish_skills(library, tmp_path)] == ["fix-flaky-tests-2/SKILL.md"]


def test_the_best_active_version_is_published(library: Library, tmp_path: Path) -> None:
    made = active(library)
    publish_skills(library, tmp_path)
    new = library.create_version(made.pattern_id, {"problem": "Other."})
    library.promote(new.pattern_id, waiver=WAIVER)
    for _ in range(3):
        library.use_pattern(new.pattern_id, "ada", 1.0, success=True)
    (change,) = publish_skills(library, tmp_path)
    assert (change.what, change.pattern_id) == ("republished", new.pattern_id)


def test_skills_of_others_and_changed_ones_are_left_alone(library: Library, tmp_path: Path) -> None:
    active(library)
    path = skill(tmp_path / ".claude" / "skills", "---\nname: x\n---\nmine\n", "fix-flaky-tests")
    assert whats(publish_skills(library, tmp_path)) == ["kept"]
    assert path.read_text(encoding="utf-8") == "---\nname: x\n---\nmine\n"
    path.unlink()
    (path.parent / "notes.txt").write_text("mine", encoding="utf-8")
    assert whats(publish_skills(library, tmp_path)) == ["kept"]
    (path.parent / "notes.txt").unlink()
    assert whats(publish_skills(library, tmp_path)) == ["published"]
    edited = path.read_text(encoding="utf-8") + "\nby hand\n"
    path.write_text(edited, encoding="utf-8")
    assert whats(publish_skills(library, tmp_path)) == ["kept"]
    assert path.read_text(encoding="utf-8") == edited


def test_links_are_not_written_through(library: Library, tmp_path: Path) -> None:
    active(library)
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / ".claude" / "skills").mkdir(parents=True)
    (tmp_path / ".claude" / "skills" / "fix-flaky-tests").symlink_to(outside)
    assert whats(publish_skills(library, tmp_path)) == ["kept"]
    assert list(outside.iterdir()) == []


def test_a_pattern_that_a_reviewer_must_look_at_waits(library: Library, tmp_path: Path) -> None:
    made = active(library)
    for _ in range(6):
        library.use_pattern(made.pattern_id, "ada", 1.0, success=False)
    (change,) = publish_skills(library, tmp_path)
    assert change.what == "waiting"
    assert "falling_success" in change.message
    assert not (tmp_path / ".claude").exists()


def test_what_is_imported_is_what_is_published(library: Library, tmp_path: Path) -> None:
    path = skill(tmp_path / "theirs", OTHERS)
    (change,) = import_skills(library, [tmp_path / "theirs"])
    assert change.what == "imported"
    made = library.get_pattern(change.pattern_id or "")
    assert made is not None
    assert (made.agent_id, made.category, made.access_level, made.learning_weight) == ("ada", "general", "team", 8.0)
    data, told = made.pattern_data or {}, made.metadata or {}
    assert data["steps"] == ["Make a key", "Publish it"]
    assert data["expected_improvement"] == "No key older than a year."
    assert data["description"] == "Rotates signing keys. Use when a key is older than a year."
    assert told["migrated_from"] == str(path)
    assert told["original_frontmatter"] == {
        "name": "rotate-keys",
        "description": "Rotates signing keys. Use when a key is older than a year.",
        "license": "MIT",
        "metadata": {"author": "ada", "importance": 8},
        "allowed-tools": "Bash(openssl:*) Read",
    }
    library.promote(made.pattern_id, waiver=WAIVER)
    publish_skills(library, tmp_path)
    text = (tmp_path / ".claude" / "skills" / "rotate-keys" / "SKILL.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("  seasoned-")]
    assert lines == OTHERS.splitlines()


def test_a_second_import_changes_nothing_and_a_changed_skill_is_a_version(library: Library, tmp_path: Path) -> None:
    path = skill(tmp_path, OTHERS)
    import_skills(library, [tmp_path])
    revision = library.store.library_revision()
    assert whats(import_skills(library, [tmp_path, path])) == ["unchanged"]
    assert library.store.library_revision() == revision
    skill(tmp_path, OTHERS.replace("2) Publish it", "2) Publish it\n3) Take the old one back"))
    (change,) = import_skills(library, [path])
    assert change.what == "new_version"
    made = library.get_pattern(change.pattern_id or "")
    assert made is not None
    assert made.version == "1.1.0"
    assert whats(import_skills(library, [path])) == ["unchanged"]


def test_an_author_owns_only_where_a_local_administrator_acts(store: SqlStore, tmp_path: Path) -> None:
    path = skill(tmp_path, OTHERS.replace("author: ada", "author: bob"))
    (change,) = import_skills(library_of(store, "eve", local=False), [path])
    made = library_of(store).get_pattern(change.pattern_id or "")
    assert made is not None
    assert made.agent_id == "eve"
    (change,) = import_skills(library_of(store), [path])
    made = library_of(store).get_pattern(change.pattern_id or "")
    assert made is not None
    assert made.agent_id == "bob"


def test_a_broken_skill_does_not_stop_the_others(library: Library, tmp_path: Path) -> None:
    skill(tmp_path, "---\nname: [\n---\nx\n", "a")
    skill(tmp_path, OTHERS.replace("importance: 8", "importance: high"), "b")
    skill(tmp_path, OTHERS, "c")
    first, second, third = import_skills(library, [tmp_path])
    assert (first.what, second.what, third.what) == ("broken", "broken", "imported")
    assert "a/SKILL.md:3: the front matter is no YAML" in first.message
    assert "importance: a number from 0 to 10 is needed, not 'high'" in second.message


def test_what_was_published_is_not_imported(library: Library, tmp_path: Path) -> None:
    active(library)
    publish_skills(library, tmp_path)
    assert whats(import_skills(library, [tmp_path])) == ["kept"]


def test_dry_runs_do_nothing(library: Library, tmp_path: Path) -> None:
    active(library)
    skill(tmp_path / "theirs", OTHERS)
    assert whats(publish_skills(library, tmp_path, dry_run=True)) == ["published"]
    assert whats(import_skills(library, [tmp_path / "theirs"], dry_run=True)) == ["imported"]
    assert not (tmp_path / ".claude").exists()
    assert len(library.get_patterns_by_agent("ada")) == 1


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_the_byte_order_mark_come_back(library: Library, tmp_path: Path, mark: str) -> None:
    path = skill(tmp_path / "theirs", "")
    path.write_bytes((mark + OTHERS.replace("\n", "\r\n")).encode())
    (change,) = import_skills(library, [path])
    library.promote(change.pattern_id or "", waiver=WAIVER)
    assert whats(publish_skills(library, tmp_path)) == ["published"]
    written = (tmp_path / ".claude" / "skills" / "rotate-keys" / "SKILL.md").read_bytes()
    assert written.startswith(mark.encode() + b"---\r\n")
    assert b"\n" not in written.replace(b"\r\n", b"")
    assert whats(publish_skills(library, tmp_path)) == ["unchanged"]


def test_files_beside_a_skill_are_named_and_never_touched(library: Library, tmp_path: Path) -> None:
    path = skill(tmp_path / "theirs", OTHERS)
    for name in ("scripts/rotate.sh", "references/keys.md"):
        (path.parent / name).parent.mkdir()
        (path.parent / name).write_text("theirs", encoding="utf-8")
    (change,) = import_skills(library, [path])
    assert "not taken over: references/keys.md, scripts/rotate.sh" in change.message
    library.promote(change.pattern_id or "", waiver=WAIVER)
    (published,) = publish_skills(library, tmp_path)
    assert "without the files that stood beside it: references/keys.md, scripts/rotate.sh" in published.message
    target = tmp_path / ".claude" / "skills" / "rotate-keys"
    assert "  seasoned-without: references/keys.md, scripts/rotate.sh\n" in (target / "SKILL.md").read_text("utf-8")
    (target / "scripts").mkdir()
    (target / "scripts" / "rotate.sh").write_text("mine", encoding="utf-8")
    assert whats(publish_skills(library, tmp_path)) == ["republished"]
    assert "  seasoned-without: references/keys.md\n" in (target / "SKILL.md").read_text("utf-8")
    assert (target / "scripts" / "rotate.sh").read_text("utf-8") == "mine"


def test_what_is_named_beside_a_skill_leads_nowhere_else(library: Library, tmp_path: Path) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("x", encoding="utf-8")
    made = active(library, skill={"text": OTHERS, "digest": "x", "beside": ["../../../nowhere", str(outside), 3, "a"]})
    (change,) = publish_skills(library, tmp_path)
    assert change.pattern_id == made.pattern_id
    assert change.message == "version 1.0.0; without the files that stood beside it: a"


def test_a_changed_front_matter_is_the_one_that_is_kept(library: Library, tmp_path: Path) -> None:
    path = skill(tmp_path, OTHERS)
    import_skills(library, [path])
    skill(tmp_path, OTHERS.replace("license: MIT", "license: ISC"))
    (change,) = import_skills(library, [path])
    made = library.get_pattern(change.pattern_id or "")
    assert made is not None
    kept = (made.metadata or {})["original_frontmatter"]
    assert isinstance(kept, dict)
    assert kept["license"] == "ISC"
    assert (made.metadata or {})["migrated_from"] == str(path)


def test_a_mark_is_believed_by_its_id_alone(library: Library, tmp_path: Path) -> None:
    active(library)
    path = skill(tmp_path, OTHERS.replace("  importance", "  seasoned-id: Fix flaky tests\n  importance"))
    assert whats(import_skills(library, [path])) == ["imported"]


def test_a_published_skill_that_was_changed_says_where_to_change_it(library: Library, tmp_path: Path) -> None:
    active(library)
    publish_skills(library, tmp_path)
    path = tmp_path / ".claude" / "skills" / "fix-flaky-tests" / "SKILL.md"
    path.write_text(path.read_text("utf-8") + "\nby hand\n", encoding="utf-8")
    (change,) = import_skills(library, [path])
    assert change.what == "kept"
    assert "make that change in the library" in change.message


def test_secrets_of_a_skill_reach_neither_database_nor_repository(library: Library, tmp_path: Path) -> None:
    secret = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    text = OTHERS.replace("license: MIT", f"license: {secret}").replace("Make a key", f"Use {secret}")
    (change,) = import_skills(library, [skill(tmp_path / "theirs", text)])
    library.promote(change.pattern_id or "", waiver=WAIVER)
    publish_skills(library, tmp_path)
    held = [*tmp_path.glob("s.db*"), *(tmp_path / ".claude").rglob("SKILL.md")]
    assert len(held) >= 2
    assert not [each for each in held if secret.encode() in each.read_bytes()]
    assert whats(import_skills(library, [tmp_path / "theirs"])) == ["unchanged"]
