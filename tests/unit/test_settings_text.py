"""What edits of agents' settings are made of: JSON changed as text, entries that are ours, differences."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned import agents
from seasoned.agents.edits import spliced
from seasoned.agents.entries import hook_command, is_our_hook, is_our_server
from seasoned.agents.json_text import Append, Insert, Remove, Replace, read_json, splice_json
from seasoned.errors import InputError, UsageError


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        ('{}', Insert(path=(), members={"a": 1}), '{\n  "a": 1\n}'),
        ('{"a":1}', Insert(path=(), members={"b": [2]}), '{"a":1,"b":[2]}'),
        ('{"a": 1, "c": 2}', Insert(path=(), members={"b": {"d": 2}}), '{"a": 1, "c": 2, "b":{"d":2}}'),
        ('{\n\t"a": []\n}\n', Append(path=("a",), item={"b": 1}), '{\n\t"a": [\n\t\t{\n\t\t\t"b": 1\n\t\t}\n\t]\n}\n'),
        ('{\r\n "a": 1\r\n}', Insert(path=(), members={"b": 2}), '{\r\n "a": 1,\r\n "b": 2\r\n}'),
        ('{\n  "a": 1 // mine\n}', Insert(path=(), members={"b": 2}), '{\n  "a": 1, // mine\n  "b": 2\n}'),
        ('{\n  "a": 1, // mine\n  "b": 2\n}', Remove(path=("b",)), '{\n  "a": 1 // mine\n}'),
        ('{\n  "a": 1, // mine\n  "b": 2,\n  "c": 3\n}', Remove(path=("b",)), '{\n  "a": 1, // mine\n  "c": 3\n}'),
        ('{\n  "a": 1,\n  "b": 2,\n\n  "c": 3\n}', Remove(path=("b",)), '{\n  "a": 1,\n\n  "c": 3\n}'),
        ('{\n  "a": 1,\n  "b": 2\n}', Remove(path=("a",)), '{\n  "b": 2\n}'),
        ('{"a": {"b": 1} // why\n}', Remove(path=("a", "b")), '{"a": {} // why\n}'),
        ('{\n  // only this\n}', Insert(path=(), members={"a": 1}), '{\n  // only this\n  "a": 1\n}'),
        ('{"c": {"a":{ // why\n}}}', Insert(path=("c", "a"), members={"b": 1}), '{"c": {"a":{ // why\n"b":1}}}'),
        ('// only this\n', Insert(path=(), members={"a": 1}), '// only this\n{\n  "a": 1\n}\n'),
        ('{"a": 1, // mine\n "b": 2}', Remove(path=("b",)), '{"a": 1 // mine\n}'),
        ('{"u": "http://x", "a": 1}', Remove(path=("a",)), '{"u": "http://x"}'),
        ('', Insert(path=(), members={"a": 1}), '{\n  "a": 1\n}\n'),
        ('{"a": 1 /* x */}', Insert(path=(), members={"b": 2}), '{"a": 1, /* x */ "b":2}'),
        ('{"x": 1.50, "a": "\\u00e9", "b": 1E2}', Replace(path=("x",), value=2), '{"x": 2, "a": "\\u00e9", "b": 1E2}'),
    ],
)  # fmt: skip
def test_layout_is_kept(before: str, edit: Any, after: str) -> None:
    splice = splice_json(before, edit, comments=True)
    result = spliced(before, [splice])
    assert read_json(result, comments=True) == read_json(after, comments=True)
    assert result.replace(", /* x */ ", ", /* x */").replace('": ', '":') == after.replace(
        ", /* x */ ", ", /* x */"
    ).replace('": ', '":')


@pytest.mark.parametrize(
    ("text", "comments", "said"),
    [
        ("{", False, "line 1, column 2"),
        ('{"a": 1,\n "b": nope}', False, "line 2, column 7"),
        ('{"a": 1,\n}', True, "line 2, column 1"),
        ('{"a": 1} {', False, "line 1, column 10: nothing may follow"),
        ('{\n// mine\n"a": 1}', False, "line 2, column 1"),
        ('{"a": NaN}', False, "NaN"),
        ('{"a": ' + "[" * 100_000, False, "nested too deeply"),
        ('{"a": "\x01"}', False, "control character"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text: str, comments: bool, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_json(text, comments=comments)


@given(name=st.text(st.characters(exclude_characters="\0/", exclude_categories=("Cs",)), min_size=1, max_size=12))
def test_a_command_is_known_again(name: str) -> None:
    folder = Path("/data") / name
    command = hook_command("codex", asks=True, data_dir=folder)
    assert shlex.split(command) == ["sh", f"{folder}/hooks/hook.sh", "codex", "ask", str(folder), "||", ":"]
    assert is_our_hook({"type": "command", "command": command})
    assert is_our_hook({"type": "command", "command": command.removesuffix(" || :")})


def test_a_shell_reads_the_folder_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s $HOME ${HOME} "x" `id` \\ $(id)\nend $'
    (folder / "hooks").mkdir(parents=True)
    (folder / "hooks" / "hook.sh").write_text('printf "%s|" "$@"')
    command = hook_command("gemini", asks=False, data_dir=folder)
    for shell in ("sh", "bash"):
        done = subprocess.run([shell, "-c", command], capture_output=True, text=True, check=True)
        assert done.stdout == f"gemini|-|{folder}|"
    shutil.rmtree(folder)
    assert subprocess.run(["sh", "-c", command], capture_output=True, check=False).returncode == 0, "2 stops the agent"
    assert "$HOME" not in command and "${" not in command, "Gemini puts variables in wherever it sees them"


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "sh '/x/hooks/hook.sh' codex ask '/y'"},
        {"command": "sh /x/hooks/hook.sh codex"},
        {"command": "bash '/x/hooks/hook.sh' codex ask '/x'"},
        {"command": "sh '/x/hooks/hook.sh' cursor ask '/x'"},
        {"command": "sh '/x/hooks/hook.sh' codex ask '/x' || exit 2"},
        {"command": "sh '/x/hooks/hook.sh codex ask /x"},
        {"command": ["sh", "/x/hooks/hook.sh", "codex", "ask", "/x"]},
        {"type": "command"},
        "sh '/x/hooks/hook.sh' codex ask '/x'",
        None,
    ],
)
def test_what_is_not_ours_is_not_taken_for_ours(entry: object) -> None:
    assert not is_our_hook(entry)


def test_servers_of_others_are_not_ours() -> None:
    assert is_our_server({"command": "x", "args": ["-P", "--home", "/x", "mcp"]})
    for other in ({"command": "x", "args": ["mcp"]}, {"url": "http://x"}, {"command": ["x"], "args": []}, None):
        assert not is_our_server(other)


def test_a_folder_that_no_file_can_name_is_refused() -> None:
    with pytest.raises(UsageError, match="--home"):
        hook_command("codex", asks=True, data_dir=Path("/data/\udcff"))


def test_the_difference_is_exact() -> None:
    assert agents.unified_diff("", "a\nb\n", old_name="/dev/null", new_name="b").split("\n")[2] == "@@ -0,0 +1,2 @@"
    old = "".join(f"{number}\n" for number in range(30))
    new = old.replace("20\n", "20\nnew\n") + "end"
    shown = agents.unified_diff(old, new, old_name="a", new_name="b")
    assert shown == (
        "--- a\n+++ b\n@@ -19,6 +19,7 @@\n 18\n 19\n 20\n+new\n 21\n 22\n 23\n"
        "@@ -28,3 +29,4 @@\n 27\n 28\n 29\n+end\n\\ No newline at end of file\n"
    )


@given(old=st.text("ab\n", max_size=40), new=st.text("ab\n", max_size=40))
def test_patch_reads_the_difference(tmp_path_factory: pytest.TempPathFactory, old: str, new: str) -> None:
    rows = agents.unified_diff(old, new, old_name="a", new_name="b")
    assert (rows == "") == (old == new)
    assert applied(old, rows) == new


def applied(old: str, diff: str) -> str:
    """What the diff makes of a text, by the format's own rules."""
    lines = old.splitlines(keepends=True)
    result: list[str] = []
    at = 0
    rows = diff.splitlines(keepends=True)[2:]
    for number, row in enumerate(rows):
        bare = number + 1 < len(rows) and rows[number + 1].startswith("\\")
        content = row[1:].rstrip("\n") if bare else row[1:]
        if row.startswith("@@"):
            start, _, length = row.split()[1][1:].partition(",")
            begin = int(start) - (length != "0")
            result += lines[at:begin]
            at = begin
        elif row.startswith("+"):
            result.append(content)
        elif not row.startswith("\\"):
            assert lines[at] == content
            if row.startswith(" "):
                result.append(content)
            at += 1
    return "".join(result + lines[at:])
