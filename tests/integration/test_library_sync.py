"""The library and ``.agent/patterns``: what a person does with the files, and what sync then does and says."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seasoned.capture import Redactor
from seasoned.errors import InputError, NotFoundError
from seasoned.library import Library
from seasoned.library.folder import STATE
from seasoned.library.sync import sync_folder
from seasoned.library.sync_report import Change, SyncOptions, SyncReport
from seasoned.model import Identity, Pattern
from seasoned.store import open_store
from seasoned.store.sql import SqlStore

Sync = Callable[..., SyncReport]
WAIVER = "seen to work by hand"


class Clock:
    """A clock that goes on by a second each time it is read."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[SqlStore, None, None]:
    given = request.param == "postgresql"
    opened = open_store(request.getfixturevalue("postgres_url") if given else f"sqlite:///{tmp_path / 's.db'}")
    yield opened
    opened.close()


def library_of(store: SqlStore, agent: str = "ada", role: str = "admin", namespace: str = "default") -> Library:
    who = Identity(namespace=namespace, agent_id=agent, role=role, local=role == "admin")  # pyright: ignore[reportArgumentType]
    return Library(store, who, redactor=Redactor(b"k" * 32), clock=Clock())


@pytest.fixture
def library(store: SqlStore) -> Library:
    return library_of(store)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def sync(library: Library, project: Path) -> Sync:
    def run(**options: object) -> SyncReport:
        return sync_folder(library, project, SyncOptions(**options))  # pyright: ignore[reportArgumentType]

    return run


def page(project: Path, path: str) -> Path:
    return project / ".agent" / "patterns" / path


def paths(project: Path) -> list[str]:
    root = project / ".agent" / "patterns"
    return sorted(each.relative_to(root).as_posix() for each in root.rglob("*.md"))


def record(library: Library, name: str = "Fix flaky tests", **more: object) -> Pattern:
    data = {"problem": "Tests fail now and then.", "steps": ["Run `pytest -x`", "Fix the seed"], "extra": {"kept": 1}}
    given = {"pattern_name": name, "category": "bugfix", "pattern_data": data, "access_level": "team", **more}
    return library.create_pattern(**given)  # pyright: ignore[reportArgumentType]


def put(project: Path, path: str, old: str, new: str) -> None:
    file = page(project, path)
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def said(report: SyncReport) -> list[tuple[str, str]]:
    return [(each.what, each.path) for each in report.changes]


def only(report: SyncReport) -> Change:
    assert len(report.changes) == 1, report.changes
    return report.changes[0]


NAME = "fix-flaky-tests"
CANDIDATE, ACTIVE, DEPRECATED = f"candidates/{NAME}.md", f"active/{NAME}.md", f"deprecated/{NAME}.md"


def test_a_pattern_becomes_a_file_and_a_second_sync_does_nothing(library: Library, project: Path, sync: Sync) -> None:
    made = record(library)
    assert said(sync()) == [("written", CANDIDATE)]
    text = page(project, CANDIDATE).read_text(encoding="utf-8")
    assert f"id: {made.pattern_id}" in text
    assert "## Problem\n\nTests fail now and then.\n" in text
    assert "1. Run `pytest -x`\n2. Fix the seed\n" in text
    report = sync()
    assert (report.changes, report.unchanged, report.exit_code) == ((), 1, 0)


def test_a_dry_run_changes_nothing(library: Library, project: Path, sync: Sync) -> None:
    record(library)
    assert said(sync(dry_run=True)) == [("written", CANDIDATE)]
    assert not (project / ".agent").exists()


def test_an_edit_of_an_unused_candidate_changes_it(library: Library, project: Path, sync: Sync) -> None:
    made = record(library)
    sync()
    put(project, CANDIDATE, "now and then", "on Mondays")
    assert said(sync()) == [("edited", CANDIDATE)]
    after = library.get_pattern(made.pattern_id)
    assert after is not None
    assert after.pattern_data is not None
    assert after.pattern_data["problem"] == "Tests fail on Mondays."
    assert after.pattern_data["extra"] == {"kept": 1}
    assert sync().changes == ()


def test_an_edit_of_an_active_pattern_makes_a_new_version(library: Library, project: Path, sync: Sync) -> None:
    made = library.promote(record(library).pattern_id, waiver=WAIVER)
    sync()
    before = page(project, ACTIVE).read_text(encoding="utf-8")
    put(project, ACTIVE, "2. Fix the seed", "2. Fix the seed\n3. [check] Run it ten times")
    report = sync()
    assert said(report) == [("new_version", CANDIDATE), ("rewritten", ACTIVE)]
    assert page(project, ACTIVE).read_text(encoding="utf-8") == before
    (new,) = [each for each in library.get_patterns_by_agent("ada") if each.status == "candidate"]
    assert (new.parent_pattern_id, new.version) == (made.pattern_id, "1.1.0")
    assert (new.pattern_data or {})["steps"] == [
        "Run `pytest -x`",
        "Fix the seed",
        {"action": "Run it ten times", "kind": "check"},
    ]
    assert sync().changes == ()


def test_moving_a_file_promotes_and_deprecates(library: Library, project: Path, sync: Sync) -> None:
    made = record(library)
    sync()
    put(project, CANDIDATE, "owner: ada", f"owner: ada\nwaiver: {WAIVER}")
    page(project, ACTIVE).parent.mkdir()
    page(project, CANDIDATE).rename(page(project, ACTIVE))
    assert said(sync()) == [("promoted", ACTIVE)]
    active = library.get_pattern(made.pattern_id)
    assert active is not None
    assert (active.status, active.waiver) == ("active", {"name": "ada", "reason": WAIVER})
    page(project, DEPRECATED).parent.mkdir()
    page(project, ACTIVE).rename(page(project, DEPRECATED))
    assert said(sync()) == [("deprecated", DEPRECATED)]
    after = library.get_pattern(made.pattern_id)
    assert after is not None
    assert (after.status, after.deprecation_reason) == ("deprecated", "moved by hand to deprecated")
    assert sync().changes == ()


def test_a_promotion_without_validation_or_waiver_is_refused(library: Library, project: Path, sync: Sync) -> None:
    made = record(library)
    sync()
    page(project, ACTIVE).parent.mkdir()
    page(project, CANDIDATE).rename(page(project, ACTIVE))
    refused = only(sync())
    assert refused.what == "refused"
    assert "waiver: why" in refused.message
    assert paths(project) == [ACTIVE]
    after = library.get_pattern(made.pattern_id)
    assert after is not None
    assert after.status == "candidate"


def test_a_move_back_to_candidates_is_refused(library: Library, project: Path, sync: Sync) -> None:
    library.promote(record(library).pattern_id, waiver=WAIVER)
    sync()
    page(project, CANDIDATE).parent.mkdir()
    page(project, ACTIVE).rename(page(project, CANDIDATE))
    report = sync()
    assert "does not become a candidate again" in only(report).message
    assert report.exit_code != 0
    assert paths(project) == [CANDIDATE]


def test_a_new_file_is_recorded_and_keeps_what_was_written(library: Library, project: Path, sync: Sync) -> None:
    file = page(project, "candidates/Mein Weg.md")
    file.parent.mkdir(parents=True)
    file.write_bytes(
        "\ufeff---\r\n# mine\r\nname: Schlüssel drehen\r\nmood: good  # today\r\n---\r\n\r\n## Problem\r\n\r\nRost.\r\n\r\n"
        "## Lieder\r\n\r\nla la\r\n".encode()
    )
    assert said(sync()) == [("created", "candidates/Mein Weg.md")]
    (made,) = library.get_patterns_by_agent("ada")
    assert (made.pattern_name, made.category, made.access_level) == ("Schlüssel drehen", "general", "private")
    data = file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf---\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")
    text = data.decode("utf-8-sig").replace("\r\n", "\n")
    for line in ("# mine", "mood: good  # today", "## Lieder", "la la", f"id: {made.pattern_id}"):
        assert f"\n{line}\n" in text
    assert sync().changes == ()
    file.unlink()
    assert said(sync(take={"candidates/Mein Weg.md": "library"})) == [("written", "candidates/schlüssel-drehen.md")]
    again = page(project, "candidates/schlüssel-drehen.md").read_text(encoding="utf-8")
    assert "mood: good  # today" in again
    assert "## Lieder\n\nla la\n" in again


def test_an_owner_of_somebody_else_is_refused(library: Library, project: Path, sync: Sync) -> None:
    file = page(project, "candidates/a.md")
    file.parent.mkdir(parents=True)
    text = "---\nname: A\nowner: bob\n---\n\n## Problem\n\nx\n"
    file.write_text(text, encoding="utf-8")
    report = sync()
    assert (only(report).what, report.exit_code) == ("refused", 10)
    assert library.get_patterns_by_agent("bob") == []
    assert file.read_text(encoding="utf-8") == text


def test_a_deleted_file_deletes_only_when_asked(library: Library, project: Path, sync: Sync) -> None:
    made = record(library)
    sync()
    page(project, CANDIDATE).unlink()
    assert said(sync()) == [("file_gone", CANDIDATE)]
    assert library.get_pattern(made.pattern_id) is not None
    assert said(sync(delete=True)) == [("deleted", CANDIDATE)]
    assert library.get_pattern(made.pattern_id) is None
    assert sync().changes == ()


def test_a_pattern_that_is_gone_leaves_its_file_until_asked(library: Library, project: Path, sync: Sync) -> None:
    made = record(library)
    sync()
    library.delete_pattern(made.pattern_id)
    assert said(sync()) == [("pattern_gone", CANDIDATE)]
    assert said(sync(delete=True)) == [("removed", CANDIDATE)]
    assert paths(project) == []


def test_a_rejected_pattern_has_no_file(library: Library, project: Path, sync: Sync) -> None:
    made = record(library)
    sync()
    library.reject(made.pattern_id, "wrong")
    assert said(sync()) == [("removed", CANDIDATE)]
    assert paths(project) == []


def test_a_change_in_the_library_is_written(library: Library, project: Path, sync: Sync) -> None:
    made = record(library)
    sync()
    data = {**(made.pattern_data or {}), "problem": "Other."}
    library.update_pattern(made.pattern_id, pattern_data=data)
    assert said(sync()) == [("rewritten", CANDIDATE)]
    assert "Other." in page(project, CANDIDATE).read_text(encoding="utf-8")
    library.promote(made.pattern_id, waiver=WAIVER)
    assert said(sync()) == [("moved", ACTIVE)]
    assert paths(project) == [ACTIVE]


@pytest.mark.parametrize("side", ["library", "file"])
def test_a_conflict_is_shown_and_settled(library: Library, project: Path, sync: Sync, side: str) -> None:
    made = record(library)
    sync()
    library.update_pattern(made.pattern_id, pattern_data={**(made.pattern_data or {}), "problem": "By the library."})
    put(project, CANDIDATE, "Tests fail now and then.", "By hand.")
    before = page(project, CANDIDATE).read_text(encoding="utf-8")
    report = sync()
    conflict = only(report)
    assert (conflict.what, report.exit_code) == ("conflict", 11)
    for line in ("-Tests fail now and then.", "+By the library.", "+By hand."):
        assert line in conflict.diff.splitlines()
    assert page(project, CANDIDATE).read_text(encoding="utf-8") == before
    assert sync(take={CANDIDATE: side}).exit_code == 0
    after = library.get_pattern(made.pattern_id)
    assert after is not None
    wanted = "By the library." if side == "library" else "By hand."
    assert (after.pattern_data or {})["problem"] == wanted
    assert wanted in page(project, CANDIDATE).read_text(encoding="utf-8")
    assert sync().changes == ()


def test_a_renamed_file_keeps_its_identity(library: Library, project: Path, sync: Sync) -> None:
    record(library)
    sync()
    page(project, CANDIDATE).rename(page(project, "candidates/other.md"))
    assert sync().changes == ()
    put(project, "candidates/other.md", "now and then", "often")
    assert said(sync()) == [("edited", "candidates/other.md")]


def test_one_id_in_two_files_names_both(library: Library, project: Path, sync: Sync) -> None:
    record(library)
    sync()
    copy = page(project, "candidates/copy.md")
    copy.write_bytes(page(project, CANDIDATE).read_bytes())
    report = sync()
    assert (only(report).what, report.exit_code) == ("broken", 3)
    assert "candidates/copy.md" in only(report).message
    assert CANDIDATE in only(report).message


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"---\nname: [\n---\n", ":3: the front matter is no YAML"),
        (b"---\nname: a\n", ":1: the front matter is not ended"),
        (b"---\na: &x 1\nb: *x\n---\n", ":2: YAML anchors"),
        (b"---\na: !!python/name:os.system 1\n---\n", ":2: YAML tags"),
        (b"---\nname: a\nname: b\n---\n", ":3: 'name' stands twice"),
        (b"---\naccess: all\n---\n", ":2: access: one of private"),
        (b"---\nname: a\n---\n## Problem\nx\n## problem\ny\n", ":6: the section 'problem' stands twice"),
        (b"\xff\xfe a", ":1: not UTF-8"),
        (b"a\0b", "holds a NUL byte"),
        (b"x" * 10_000_000, "at most 1,048,576"),
        (b"---\na: " + b"[" * 5_000 + b"\n---\n", "nested deeper"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_file_does_not_stop_the_others(
    library: Library, project: Path, sync: Sync, data: bytes, told: str
) -> None:
    record(library)
    sync()
    put(project, CANDIDATE, "now and then", "often")
    page(project, "candidates/broken.md").write_bytes(data)
    report = sync()
    assert said(report) == [("broken", "candidates/broken.md"), ("edited", CANDIDATE)]
    assert told in report.changes[0].message
    assert report.exit_code == 3
    assert page(project, "candidates/broken.md").read_bytes() == data


def test_a_file_that_cannot_be_read_is_not_gone(library: Library, project: Path, sync: Sync) -> None:
    made = record(library)
    sync()
    page(project, CANDIDATE).write_bytes(b"\xff")
    assert said(sync(delete=True)) == [("broken", CANDIDATE)]
    assert library.get_pattern(made.pattern_id) is not None


def test_links_are_not_followed(library: Library, project: Path, sync: Sync, tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("---\nname: Secret\n---\n\n## Problem\n\nx\n", encoding="utf-8")
    folder = page(project, "candidates")
    folder.mkdir(parents=True)
    (folder / "link.md").symlink_to(outside)
    assert "symbolic link" in only(sync()).message
    assert library.get_patterns_by_agent("ada") == []
    (project / ".agent" / "patterns" / "active").symlink_to(tmp_path)
    with pytest.raises(InputError, match="symbolic link"):
        sync()


def test_other_files_are_left_alone(library: Library, project: Path, sync: Sync) -> None:
    record(library)
    folder = page(project, "candidates")
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    (folder / f"{NAME.upper()}.MD").write_text("---\nname: Other\n---\n\n## Problem\n\nx\n", encoding="utf-8")
    report = sync()
    assert ("written", f"candidates/{NAME}-1-0-0.md") in said(report)
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert len(paths(project) + list(folder.glob("*.MD"))) == 2


def test_what_may_not_be_read_is_never_written(store: SqlStore, project: Path) -> None:
    record(library_of(store, "bob", "agent"), "Private way", access_level="private")
    record(library_of(store, "bob", "agent"), "Team way")
    report = sync_folder(library_of(store, "ada", "agent"), project)
    assert said(report) == [("written", "candidates/team-way.md")]


def test_what_may_not_be_changed_says_who_may(store: SqlStore, project: Path) -> None:
    theirs = record(library_of(store, "bob", "agent"))
    library = library_of(store, "ada", "agent")
    sync_folder(library, project)
    put(project, CANDIDATE, "now and then", "often")
    text = page(project, CANDIDATE).read_text(encoding="utf-8")
    report = sync_folder(library, project)
    assert (only(report).what, report.exit_code) == ("refused", 10)
    assert "bob may" in only(report).message
    assert page(project, CANDIDATE).read_text(encoding="utf-8") == text
    assert library.get_pattern(theirs.pattern_id) == theirs


def test_an_edit_of_somebody_elses_active_pattern_makes_no_branch(store: SqlStore, project: Path) -> None:
    made = record(library_of(store, "bob", "agent"))
    library_of(store).promote(made.pattern_id, waiver=WAIVER)
    library = library_of(store, "ada", "agent")
    sync_folder(library, project)
    put(project, ACTIVE, "now and then", "often")
    assert only(sync_folder(library, project)).what == "refused"
    assert library.get_patterns_by_agent("ada") == []


def test_an_owner_who_is_no_reviewer_asks(store: SqlStore, project: Path) -> None:
    library = library_of(store, "ada", "agent")
    made = record(library)
    sync_folder(library, project)
    page(project, ACTIVE).parent.mkdir()
    page(project, CANDIDATE).rename(page(project, ACTIVE))
    assert said(sync_folder(library, project)) == [("asked", CANDIDATE)]
    assert paths(project) == [CANDIDATE]
    after = library.get_pattern(made.pattern_id)
    assert after is not None
    assert "promotion_asked" in after.review_flags
    assert sync_folder(library, project).changes == ()


def test_another_namespace_is_refused(store: SqlStore, library: Library, project: Path, sync: Sync) -> None:
    record(library)
    sync()
    with pytest.raises(InputError, match="namespace 'default'"):
        sync_folder(library_of(store, namespace="other"), project)


def test_an_unknown_take_is_refused(library: Library, project: Path, sync: Sync) -> None:
    record(library)
    with pytest.raises(NotFoundError, match="nowhere"):
        sync(take={"nowhere": "file"})


def test_usage_alone_rewrites_no_file_unless_asked(library: Library, project: Path, sync: Sync) -> None:
    made = record(library)
    sync()
    library.use_pattern(made.pattern_id, "ada", 1.0, success=True)
    assert sync().changes == ()
    assert said(sync(figures=True)) == [("rewritten", CANDIDATE)]
    assert "- used 1 time: 1 successful, 0 failed" in page(project, CANDIDATE).read_text(encoding="utf-8")


class Killed(BaseException):
    """What kill -9 is to a process: nothing after it runs."""


@pytest.mark.parametrize("what", ["edit", "edit_active", "new", "move", "written"])
def test_a_sync_cut_off_ends_the_same(library: Library, store: SqlStore, project: Path, sync: Sync, what: str) -> None:
    """Cut off at each write of a file or of the state in turn, then run once more: one outcome, nothing twice."""
    for number in range(6):
        folder = project / str(number)
        folder.mkdir()
        agent = library_of(store, f"agent{number}")
        _cut_off(agent, folder, what, number)


def _cut_off(library: Library, project: Path, what: str, number: int) -> None:
    from seasoned.library.folder import PatternFolder
    from seasoned.library.sync import _Sync  # pyright: ignore[reportPrivateUsage]

    class Cut(PatternFolder):
        left = number

        def _cut(self) -> None:
            if self.left == 0:
                raise Killed
            self.left -= 1

        def write(self, path: str, text: str, **more: object) -> None:
            self._cut()
            super().write(path, text, **more)  # pyright: ignore[reportArgumentType]
            self._cut()

        def move(self, old: str, new: str, digest: str) -> None:
            self._cut()
            super().move(old, new, digest)
            self._cut()

        def remember(self, namespace: str, patterns: object) -> None:
            raise Killed

    name = f"way of {library.who.agent_id}"
    path = f"candidates/way-of-{library.who.agent_id}.md"
    if what == "new":
        page(project, path).parent.mkdir(parents=True)
        page(project, path).write_text(f"---\nname: {name}\n---\n\n## Problem\n\nHard.\n", encoding="utf-8")
    elif what != "written":
        made = record(library, name, access_level="private")
        if what == "edit_active":
            library.promote(made.pattern_id, waiver=WAIVER)
            path = path.replace("candidates", "active")
        sync_folder(library, project)
    else:
        record(library, name, access_level="private")
    if what.startswith("edit"):
        put(project, path, "now and then", "often")
    if what == "move":
        put(project, path, "access: private", f"access: private\nwaiver: {WAIVER}")
        page(project, "active").mkdir(exist_ok=True)
        page(project, path).rename(page(project, path.replace("candidates", "active")))
    with pytest.raises(Killed):
        _Sync(library, Cut(project), SyncOptions()).run()
        raise Killed
    report = sync_folder(library, project)
    assert report.exit_code == 0, report.changes
    own = [each for each in library.get_patterns_by_agent(library.who.agent_id) if each.pattern_name == name]
    assert len(own) == (2 if what == "edit_active" else 1)
    files = [each for each in paths(project) if library.who.agent_id in each]
    assert len(files) == len(own)
    assert sync_folder(library, project).changes == ()
    assert (project / ".agent" / "patterns" / STATE).exists()
