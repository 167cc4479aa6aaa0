"""Settings files written, or not: two calls at once, one that is killed or stopped, files that came and went."""

import json
import os
import tempfile
import threading
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from seasoned import agents
from seasoned.agents import Change, Record, Records, Surroundings, Target, apply, plan_in, plan_out
from seasoned.errors import ConflictError, InputError, OutputError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home of söme 'one' $USER"


@pytest.fixture
def records(home: Path) -> Records:
    return Records(home / "data")


def around(home: Path, **more: Any) -> Surroundings:
    program = ("/opt/seasoned/bin/seasoned",)
    return Surroundings(home=home, environment={}, data_dir=home / "data", program=program, **more)


def targets(home: Path, name: str = "codex") -> tuple[Target, ...]:
    client = agents.client(name)
    assert client is not None
    return agents.targets(client, around(home))


def plans(home: Path, records: Records, name: str = "codex") -> list[Change]:
    return [plan_in(target, around(home), records) for target in targets(home, name)]


def remove(home: Path, records: Records, name: str = "codex") -> None:
    apply([plan_out(target, records) for target in targets(home, name)], records)


def left(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if "data" not in path.parts)


def test_of_two_at_once_the_later_writes_nothing_and_undoes_nothing(home: Path, records: Records) -> None:
    first, second = plans(home, records), plans(home, records)
    apply(first, records)
    written = [target.path.read_bytes() for target in targets(home)]
    with pytest.raises(ConflictError, match="just been changed"):
        apply(second, records)
    assert [target.path.read_bytes() for target in targets(home)] == written
    assert [records.get(change.target.path) for change in first] == [change.record for change in first]
    remove(home, records)
    assert left(home) == []


def test_the_later_waits_for_the_earlier(home: Path, records: Records) -> None:
    changes = plans(home, records)
    late = threading.Thread(target=apply, args=(changes, records), daemon=True)
    with records.locked():
        late.start()
        late.join(0.2)
        assert late.is_alive() and not changes[0].target.path.exists()
    late.join(30)
    assert changes[0].target.path.exists()


def test_what_was_killed_between_two_files_is_finished_by_the_next(home: Path, records: Records) -> None:
    config = targets(home)[1].path
    config.parent.mkdir(parents=True)
    config.write_text("model = 'x'")
    first, second = plans(home, records)
    apply([first], records)
    assert second.record is not None
    records.save(second.record)  # and there it was killed: the record stands, the file is as before
    again = plans(home, records)
    assert [change.action for change in again] == ["none", "change"]
    apply(again, records)
    remove(home, records)
    assert config.read_text() == "model = 'x'" and left(home) == [".codex", ".codex/config.toml"]


def test_what_was_killed_between_two_files_can_be_taken_out(home: Path, records: Records) -> None:
    first, second = plans(home, records)
    apply([first], records)
    assert second.record is not None
    records.save(second.record)
    remove(home, records)
    assert left(home) == [] and records.all() == ()


class Interrupted(Records):
    """The user presses Ctrl-C at the second file."""

    def save(self, record: Record) -> None:
        if self.all():
            raise KeyboardInterrupt
        super().save(record)


def test_what_the_user_stops_is_put_back(home: Path) -> None:
    records = Interrupted(home / "data")
    with pytest.raises(KeyboardInterrupt):
        apply(plans(home, records), records)
    assert left(home) == [] and records.all() == ()


def test_a_file_that_was_deleted_and_one_that_was_replaced_are_written_anew(home: Path, records: Records) -> None:
    apply(plans(home, records), records)
    hooks, config = (target.path for target in targets(home))
    hooks.unlink()
    config.write_text("# mine\nmodel = 'y'")
    apply(plans(home, records), records)
    remove(home, records)
    assert not hooks.exists()
    assert config.read_text() == "# mine\nmodel = 'y'", "to the byte, as if ours had never been there before"


@pytest.mark.parametrize("name", ["codex", "gemini", "claude-code"])
def test_a_file_that_we_made_goes_though_a_client_wrote_it_anew(home: Path, records: Records, name: str) -> None:
    apply(plans(home, records, name), records)
    for target in targets(home, name):
        text = target.path.read_text()
        target.path.write_text(text + "\n" if target.syntax == "toml" else json.dumps(json.loads(text), indent=4))
    remove(home, records, name)
    assert left(home) == []


@pytest.mark.parametrize(("mine", "kept"), [('{"a": 1}', '{"a": 1}'), ("// mine\n{}", "// mine\n{}\n")])
def test_a_file_that_we_made_stays_with_what_came_into_it(home: Path, records: Records, mine: str, kept: str) -> None:
    (target,) = targets(home, "gemini")
    apply(plans(home, records, "gemini"), records)
    ours = target.path.read_text()
    target.path.write_text(f"// mine\n{ours}" if mine.startswith("//") else json.dumps({**json.loads(ours), "a": 1}))
    remove(home, records, "gemini")
    assert target.path.read_text() == kept


def test_a_folder_that_we_made_stays_with_what_came_into_it(home: Path, records: Records) -> None:
    apply(plans(home, records), records)
    (home / ".codex" / "auth.json").write_text("{}")
    remove(home, records)
    assert left(home) == [".codex", ".codex/auth.json"]


def test_a_record_that_cannot_be_written_leaves_nothing_behind(home: Path, records: Records) -> None:
    changes = plans(home, records)
    place = home / "data" / "installed"
    place.mkdir(parents=True)
    assert changes[0].record is not None
    records.save(changes[0].record)
    (record,) = place.iterdir()
    record.unlink()
    record.mkdir()  # where the record should go
    with pytest.raises(OutputError, match="installed"):
        records.save(changes[0].record)
    assert [path.name for path in place.iterdir()] == [record.name]


def test_values_as_deep_as_the_reader_goes_are_refused_or_edited(home: Path, records: Records) -> None:
    (target,) = targets(home, "gemini")
    target.path.parent.mkdir(parents=True)
    outcomes: set[str] = set()
    for depth in range(40, 1200, 20):
        text = '{"a": ' + "[" * depth + "]" * depth + "}"
        target.path.write_text(text)
        try:
            after = plan_in(target, around(home), records).after
        except InputError as error:
            assert "nested too deeply" in str(error)
            outcomes.add("refused")
        else:
            assert after is not None and after.decode().startswith(text[:-1])
            outcomes.add("edited")
    assert outcomes == {"edited", "refused"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("owner", [(0, 0), (65534, 4711)])
def test_what_belongs_to_somebody_else_is_refused(home: Path, records: Records, owner: tuple[int, int]) -> None:
    (target,) = targets(home, "gemini")
    target.path.parent.mkdir(parents=True)
    target.path.write_text("{}")
    os.chown(target.path, *owner)
    for folder in takewhile(lambda each: each != Path(tempfile.gettempdir()), (home, *home.parents)):
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(OutputError, match=rf"belongs to somebody else \(user {owner[0]}, group {owner[1]}\)"):
            plans(home, records, "gemini")
    finally:
        os.seteuid(0)


PLUGINS: dict[str, tuple[str, str, str]] = {
    "claude-code": (
        ".claude/settings.json",
        '{"enabledPlugins": {"seasoned@market": true}}',
        "claude plugin uninstall",
    ),
    "codex": (".codex/config.toml", '[plugins."seasoned@market"]\nenabled = true\n', "codex plugin remove"),
    "gemini": (".gemini/extensions/seasoned/gemini-extension.json", "{}", "gemini extensions uninstall seasoned"),
}


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_of_ours_is_noticed(home: Path, records: Records, name: str) -> None:
    place, text, remedy = PLUGINS[name]
    (home / place).parent.mkdir(parents=True)
    (home / place).write_text(text)
    for _ in range(2):  # before, and when all stands already
        changes = plans(home, records, name)
        (said,) = [note for change in changes for note in change.attention]
        assert "told twice" in said and remedy in said
        apply(changes, records)
    (home / place).write_text(text.replace("true", "false").replace("seasoned@", "other@"))
    if name == "gemini":
        (home / place).unlink()
        (home / place).parent.rmdir()
    assert [note for change in plans(home, records, name) for note in change.attention] == []


def test_a_plugin_of_ours_is_noticed_from_a_project(home: Path, records: Records) -> None:
    project = home / "project"
    (project / ".claude").mkdir(parents=True)
    (project / ".claude" / "settings.json").write_text('{"enabledPlugins": {"seasoned@team": true}}')
    client = agents.client("claude-code")
    assert client is not None
    here = around(home, project=project)
    notes = [note for target in agents.targets(client, here) for note in plan_in(target, here, records).attention]
    assert len(notes) == 1 and str(project / ".claude" / "settings.json") in notes[0]


def test_a_byte_order_mark_that_codex_stumbles_over_is_named(home: Path, records: Records) -> None:
    (hooks, config), mark = (target.path for target in targets(home)), b"\xef\xbb\xbf"
    hooks.parent.mkdir(parents=True)
    hooks.write_bytes(mark + b"{}")
    config.write_bytes(mark + b"a = 1\n")  # this it reads
    assert [[str(hooks) in note for note in change.attention] for change in plans(home, records)] == [[True], []]


def test_what_cannot_be_read_is_named_where_it_stands(home: Path, records: Records) -> None:
    hooks, config = (target.path for target in targets(home))
    hooks.parent.mkdir(parents=True)
    config.write_text("a = [")
    with pytest.raises(InputError) as refused:
        plans(home, records)
    assert str(config) in str(refused.value) and str(hooks) not in str(refused.value)


@pytest.mark.parametrize("rewritten", [False, True])
@pytest.mark.parametrize("order", [("user", "project"), ("project", "user")])
def test_of_two_levels_in_one_file_only_the_one_that_is_meant_goes(
    home: Path, records: Records, order: tuple[str, str], rewritten: bool
) -> None:
    """Claude Code has the user's MCP servers and those of each project in one file, which it rewrites all the time."""
    client = agents.client("claude-code")
    assert client is not None
    path = home / ".claude.json"
    home.mkdir()
    path.write_text('{"numStartups":3}')
    levels = {"user": around(home), "project": around(home, project=home / "p")}
    places = {name: next(one for one in agents.targets(client, levels[name]) if one.path == path) for name in levels}
    first, second = order

    def into(name: str) -> None:
        apply([plan_in(places[name], levels[name], records)], records)

    def out(name: str) -> None:
        apply([plan_out(places[name], records)], records)

    into(first)
    if rewritten:
        path.write_text(path.read_text().replace('"numStartups":3', '"numStartups":4'))
    alone = path.read_text()
    into(second)
    out(second)
    assert path.read_text() == alone
    into(second)
    out(first)
    standing = plan_in(places[second], levels[second], records)
    assert (standing.action, plan_out(places[first], records).action) == ("none", "none")
    out(second)
    assert json.loads(path.read_text()) == {"numStartups": 3 + rewritten}
