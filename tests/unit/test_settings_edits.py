"""Edits of agents' settings: only what is ours comes and goes, to the byte, whatever the file looks like."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned import agents
from seasoned.agents import Records, Surroundings, Target, apply, plan_in, plan_out
from seasoned.agents.edits import spliced, unspliced
from seasoned.agents.entries import hook_command, is_our_hook
from seasoned.agents.json_text import Append, Insert, Remove, Replace, changed_value, read_json, splice_json
from seasoned.errors import ConflictError, InputError, SeasonedError

FOREIGN: list[dict[str, Any]] = [
    {"matcher": "Write", "hooks": [{"type": "command", "command": "prettier --write"}]},
    {
        "hooks": [
            {"type": "command", "command": "sh '/x/hooks/hook.sh'", "timeout": 3},
            {"type": "prompt", "prompt": "ok?"},
        ]
    },
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**20) | st.text(max_size=6) | st.sampled_from([1e-7, -0.0, 1.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.text(max_size=5).filter(
    lambda key: key not in {"hooks", "mcpServers", "hooksConfig", "features", "enabledPlugins", "disableAllHooks"}
)
EVENTS = st.dictionaries(
    st.sampled_from(["PreToolUse", "BeforeTool", "Stop", "SessionEnd", "Notification"]),
    st.lists(st.sampled_from(FOREIGN), max_size=3),
    max_size=4,
)
SERVERS = st.dictionaries(
    st.sampled_from(["db", "files", "söme"]), st.just({"command": "x", "args": ["mcp"]}), max_size=2
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    document = draw(st.dictionaries(KEYS, VALUES, max_size=3))
    if draw(st.booleans()):
        document["hooks"] = draw(EVENTS)
    if draw(st.booleans()):
        document["mcpServers"] = draw(SERVERS)
    names = draw(st.permutations(list(document)))
    return {name: document[name] for name in names}


@st.composite
def layouts(draw: st.DrawFn) -> bytes:
    """A settings file as somebody may have written it."""
    document = draw(documents())
    indent = draw(st.sampled_from([None, "  ", "    ", "\t", ""]))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (",", " : ")]))
    text = json.dumps(document, indent=indent, separators=separators, ensure_ascii=draw(st.booleans()))
    text = draw(st.sampled_from(["", "\n", " \t"])) + text + draw(st.sampled_from(["", "\n", "\n\n", "  "]))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode("utf-8", "surrogatepass")


def surroundings(home: Path, **more: Any) -> Surroundings:
    return Surroundings(
        home=home, environment={}, data_dir=home / "data of mine", program=("/opt/seasoned/bin/seasoned",), **more
    )


def target_in(home: Path, name: str = "gemini") -> Target:
    client = agents.client(name)
    assert client is not None
    return agents.targets(client, surroundings(home))[0]


@given(data=layouts(), name=st.sampled_from(["gemini", "claude-code", "codex"]))
def test_in_and_out_is_the_same_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str) -> None:
    home = tmp_path_factory.mktemp("home")
    target, records = target_in(home, name), Records(home / "data of mine")
    target.path.parent.mkdir()
    target.path.write_bytes(data)
    change = plan_in(target, surroundings(home), records)
    apply([change], records)
    after = target.path.read_bytes()
    assert after != data
    before = json.loads(data.decode("utf-8-sig"))
    value = json.loads(after.decode("utf-8-sig"))
    for key in before.keys() - {"hooks", "mcpServers"}:
        assert json.dumps(value[key]) == json.dumps(before[key])
    for event, groups in before.get("hooks", {}).items():
        assert value["hooks"][event][: len(groups)] == groups, "order and place of what others wrote"
    again = plan_in(target, surroundings(home), records)
    assert again.action == "none" and again.record == change.record
    out = plan_out(target, records)
    assert out.after == data
    apply([out], records)
    assert target.path.read_bytes() == data
    assert records.all() == ()


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s",:\[\]{}]+|[,:\[\]{}]')
BLANKS = ("", " ", "\t", "\n", "\r\n", "\n\n    ", " \r\n\t")
REMARKS = (' // it\'s "quoted", [{\n', "/* , } */", "/* // */", "\n  // }\n", '/*\n"hooks": {\n*/ ')


@st.composite
def oddly_written(draw: st.DrawFn, *, comments: bool) -> str:
    """JSON with blanks, and comments, wherever they may stand, escapes, and keys that stand there twice."""
    gaps = st.sampled_from((*BLANKS, *REMARKS) if comments else BLANKS)
    tokens = _TOKEN.findall(json.dumps(draw(documents()), ensure_ascii=draw(st.booleans())))
    if len(tokens) > 2 and draw(st.booleans()):
        tokens[1:1] = ['"twice"', ":", "1.50", ",", '"\\u0074wice"', ":", "[1E2]", ","]
    return "".join(draw(gaps) + token for token in tokens) + draw(gaps)


@given(data=st.data(), name=st.sampled_from(["gemini", "claude-code"]))
def test_in_and_out_of_what_is_oddly_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, name: str
) -> None:
    home, comments = tmp_path_factory.mktemp("home"), name == "gemini"
    text = data.draw(oddly_written(comments=comments))
    target, records = target_in(home, name), Records(home / "data of mine")
    target.path.parent.mkdir()
    target.path.write_bytes(text.encode())
    change = plan_in(target, surroundings(home), records)
    assert change.after is not None and change.record is not None
    before: Any = read_json(text, comments=comments)
    value: Any = read_json(change.after.decode(), comments=comments)
    for key in before.keys() - {"hooks", "mcpServers"}:
        assert json.dumps(value[key]) == json.dumps(before[key])
    for event, groups in before.get("hooks", {}).items():
        assert value["hooks"][event][: len(groups)] == groups
    for remark in REMARKS:
        assert change.after.decode().count(remark.strip()) >= text.count(remark.strip()), "what was said stays"
    apply([change], records)
    again = plan_in(target, surroundings(home), records)
    assert again.action == "none" and again.record == change.record
    assert plan_out(target, records).after == text.encode()
    records.drop(target.path)
    alone = plan_out(target, records).after
    assert alone is not None
    assert without_empties(json_of(alone, comments)) == without_empties(json_of(text.encode(), comments))


def json_of(data: bytes, comments: bool) -> Any:
    return read_json(data.decode(), comments=comments)


@given(data=layouts(), known=st.booleans(), picked=st.integers(0, 5), name=st.sampled_from(["gemini", "claude-code"]))
def test_what_the_user_did_meanwhile_stays(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, known: bool, picked: int, name: str
) -> None:
    """Editing between, and taking out, is editing the file that never had ours."""
    home = tmp_path_factory.mktemp("home")
    target, records = target_in(home, name), Records(home / "data of mine")
    target.path.parent.mkdir()
    target.path.write_bytes(data)
    text = data.decode("utf-8-sig")
    edit = users_edit(json.loads(text), picked)
    if edit is None:
        return
    alone = spliced(text, [splice_json(text, edit, comments=False)])
    apply([plan_in(target, surroundings(home), records)], records)
    with_ours = target.path.read_bytes().decode("utf-8-sig")
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    edited = spliced(with_ours, [splice_json(with_ours, edit, comments=False)])
    target.path.write_bytes(mark + edited.encode("utf-8", "surrogatepass"))
    if not known:
        records.drop(target.path)
    out = plan_out(target, records).after
    assert out is not None
    value, meant = json.loads(out.decode("utf-8-sig")), json.loads(alone)
    if known:
        assert json.dumps(value) == json.dumps(meant)
        if isinstance(edit, Replace):
            assert out == mark + alone.encode("utf-8", "surrogatepass")
    else:
        assert without_empties(value) == without_empties(meant)


def users_edit(document: dict[str, Any], picked: int) -> Any:
    """One of the things that a user may do to a file of theirs."""
    hooks = document.get("hooks", {})
    full = [event for event, groups in hooks.items() if groups]
    names = [name for name in document if name not in {"hooks", "mcpServers"}]
    match picked:
        case 0:
            return Insert(path=(), members={"new": {"of": ["mine"]}})
        case 1 if full:
            return Append(path=("hooks", full[0]), item=FOREIGN[0])
        case 2 if full:
            return Remove(path=("hooks", full[0], 0))
        case 3 if names:
            return Replace(path=(names[-1],), value="changed")
        case 4 if names:
            return Remove(path=(names[0],))
        case 5 if full:
            return Replace(path=("hooks", full[-1], 0, "hooks", 0), value={"type": "command", "command": "other"})
        case _:
            return None


def without_empties(document: dict[str, Any]) -> dict[str, Any]:
    """Without hooks and servers that hold nothing: without a record nobody knows whose they were."""
    hooks = {event: groups for event, groups in document.get("hooks", {}).items() if groups}
    rest = {key: value for key, value in document.items() if key not in {"hooks", "mcpServers"}}
    return {**rest, "hooks": hooks, "mcpServers": document.get("mcpServers", {})}


@given(text=st.data())
def test_edits_do_what_they_say(text: st.DataObject) -> None:
    """Text and value go the same way, with comments in every gap, and back."""
    document = text.draw(documents())
    pretty = json.dumps(document, indent=2, ensure_ascii=False)
    comment = text.draw(st.sampled_from(["", ' // it\'s "quoted", [so]', " /* a\n, b */"]))
    lines = [line + comment if line.endswith((",", "{", "[")) else line for line in pretty.split("\n")]
    source = "\n".join(lines)
    edit = users_edit(document, text.draw(st.integers(0, 5)))
    if edit is None:
        return
    splice = splice_json(source, edit, comments=True)
    result = spliced(source, [splice])
    assert json.dumps(read_json(result, comments=True)) == json.dumps(changed_value(json.loads(pretty), edit))
    assert unspliced(result, [splice]) == source
    if comment and isinstance(edit, Insert | Append):
        assert result.count(comment.strip()) == source.count(comment.strip())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "the file is an array"),
        ('"x"', "the file is a string"),
        ('{"hooks": []}', "hooks is an array"),
        ('{"hooks": {"AfterTool": {}}}', "hooks.AfterTool is an object"),
        ('{"mcpServers": null}', "mcpServers is null"),
        ('{"hooks": {}, "hooks": {}}', "'hooks' stands there twice"),
        ('{"a": 1', "line 1, column 8"),
    ],
)
def test_settings_of_another_shape_are_refused(tmp_path: Path, text: str, said: str) -> None:
    target, records = target_in(tmp_path), Records(tmp_path / "data")
    target.path.parent.mkdir()
    target.path.write_text(text)
    with pytest.raises(InputError, match=said) as refused:
        plan_in(target, surroundings(tmp_path), records)
    assert str(target.path) in str(refused.value)
    assert target.path.read_text() == text


def test_no_utf8_is_refused_with_its_place(tmp_path: Path) -> None:
    target = target_in(tmp_path)
    target.path.parent.mkdir()
    target.path.write_bytes(b'{\n "a": "\xff"}')
    with pytest.raises(InputError, match="line 2, byte 8"):
        plan_in(target, surroundings(tmp_path), Records(tmp_path / "data"))


def test_an_older_entry_is_brought_up_to_date_where_it_stands(tmp_path: Path) -> None:
    target, records = target_in(tmp_path, "codex"), Records(tmp_path / "data")
    old = {
        "type": "command",
        "command": hook_command("codex", asks=False, data_dir=Path("/old")),
        "timeout": 60,
        "mine": 1,
    }
    document = {
        "hooks": {
            "PreToolUse": [FOREIGN[0], {"matcher": "Bash", "hooks": [old]}, FOREIGN[1]],
            "Retired": [{"hooks": [old]}],
            "Stop": [{"hooks": [FOREIGN[1]["hooks"][0], old]}],
        }
    }
    target.path.parent.mkdir()
    target.path.write_text(json.dumps(document, indent=4))
    change = plan_in(target, surroundings(tmp_path), records)
    assert change.after is not None
    hooks = json.loads(change.after)["hooks"]
    command = hook_command("codex", asks=True, data_dir=tmp_path / "data of mine")
    group = {"hooks": [{"type": "command", "command": command, "timeout": 5, "mine": 1}]}
    assert hooks["PreToolUse"] == [FOREIGN[0], group, FOREIGN[1]]
    assert "Retired" not in hooks
    assert hooks["Stop"][0] == {"hooks": [FOREIGN[1]["hooks"][0]]}
    assert is_our_hook(hooks["Stop"][1]["hooks"][0])
    apply([change], records)
    assert plan_in(target, surroundings(tmp_path), records).action == "none"
    out = plan_out(target, records).after
    assert out is not None
    assert json.loads(out) == {"hooks": {"PreToolUse": FOREIGN, "Stop": [{"hooks": [FOREIGN[1]["hooks"][0]]}]}}


def test_an_update_of_what_was_left_untouched_still_goes_back_to_the_first_bytes(tmp_path: Path) -> None:
    target, records = target_in(tmp_path), Records(tmp_path / "data")
    target.path.parent.mkdir()
    target.path.write_text('{"theme": "dark"}')
    apply([plan_in(target, surroundings(tmp_path), records)], records)
    moved = Surroundings(home=tmp_path, environment={}, data_dir=Path("/elsewhere"), program=("/new/seasoned",))
    change = plan_in(target, moved, records)
    assert change.action == "change"
    apply([change], records)
    assert "data of mine" not in target.path.read_text()
    apply([plan_out(target, records)], records)
    assert target.path.read_text() == '{"theme": "dark"}'


def test_where_one_file_fails_all_are_as_before(tmp_path: Path) -> None:
    client = agents.client("codex")
    assert client is not None
    first, second = agents.targets(client, surroundings(tmp_path))
    records = Records(tmp_path / "data")
    second.path.parent.mkdir()
    second.path.write_text("a = 1\n")
    changes = [plan_in(target, surroundings(tmp_path), records) for target in (first, second)]
    second.path.write_text("a = 2\n")  # somebody is quicker
    with pytest.raises(ConflictError, match="just been changed"):
        apply(changes, records)
    assert not first.path.exists()
    assert second.path.read_text() == "a = 2\n"
    assert records.all() == ()
    assert [path.name for path in second.path.parent.iterdir()] == ["config.toml"], "no temporary file stays"


def test_a_damaged_record_is_said(tmp_path: Path) -> None:
    target, records = target_in(tmp_path), Records(tmp_path / "data")
    target.path.parent.mkdir()
    apply([plan_in(target, surroundings(tmp_path), records)], records)
    (record,) = (tmp_path / "data" / "installed").iterdir()
    assert record.stat().st_mode & 0o777 == 0o600
    record.write_text("{")
    with pytest.raises(SeasonedError, match="Delete it"):
        plan_out(target, records)
    record.unlink()
    out = plan_out(target, records)
    assert out.after is not None and json.loads(out.after) == {}


def test_records_hold_no_copy_of_the_settings(tmp_path: Path) -> None:
    target, records = target_in(tmp_path), Records(tmp_path / "data")
    target.path.parent.mkdir()
    target.path.write_text('{"key": "hunter2hunter2", "hooks": {"AfterTool": []}, "last": {"token": "hunter3hunter3"}}')
    apply([plan_in(target, surroundings(tmp_path), records)], records)
    (record,) = (tmp_path / "data" / "installed").iterdir()
    assert b"hunter" not in record.read_bytes()
