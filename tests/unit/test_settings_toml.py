"""Edits of a TOML file: one table comes and goes, whatever strings, comments and arrays around it look like."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from seasoned import agents
from seasoned.agents import Records, Surroundings, Target, apply, plan_in, plan_out
from seasoned.agents.edits import spliced
from seasoned.agents.toml_text import read_toml, splice_table, without_table
from seasoned.errors import InputError

SERVER = ("mcp_servers", "seasoned")
ENTRY: dict[str, Any] = {"command": '/opt/s"x\\', "args": ["--home", "/ä b", "mcp"]}
LOOKS_LIKE = ("[mcp_servers.seasoned]", "[mcp_servers]", "[[a]]", "command = 'x'", "# [b]", "]", "x = [", "it's", "")
COMMENTS = ("", " # why", ' # it\'s "one" [x', " # '''", ' # """', " #]")
"""What could be taken for something else than a comment."""


@st.composite
def long_strings(draw: st.DrawFn) -> str:
    """A string of several lines, which may hold quotes of its own and end with two."""
    quote = draw(st.sampled_from(['"', "'"]))
    lines = draw(st.lists(st.sampled_from([*LOOKS_LIKE, quote, quote * 2, "\u2028"]), max_size=4))
    escapes = ("", "\\\\", '\\"""', "\\\n  ") if quote == '"' else ("", "\\")
    inner = "\n".join(lines) + draw(st.sampled_from(escapes))
    inner = draw(st.sampled_from(["", "\n"])) + inner.replace(quote * 3, quote * 2)
    return quote * 3 + inner.rstrip(quote) + quote * draw(st.integers(0, 2)) + quote * 3


STRINGS = st.sampled_from(
    ['"a \\" [b] # c"', "'[x] \" #'", '"]"', "'['", '""', "''", '"\\\\"', '"[mcp_servers.seasoned]"']
)
PLAIN = STRINGS | long_strings() | st.sampled_from(["1", "true", "1979-05-27T07:32:00Z", "0x1F", "inf"])


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """An array, on one line or on many with comments between."""
    items = draw(st.lists(inner, max_size=3))
    if draw(st.booleans()):
        return "[" + ", ".join(items) + "]"
    end = draw(st.sampled_from(COMMENTS)) + "\n"
    last = draw(st.sampled_from(["", ","])) if items else ""
    return "[" + end + (f",{end}  ").join(items) + last + end + "]"


VALUES = st.recursive(PLAIN, arrays, max_leaves=5)
IN_LINE = st.builds("{{ a = {}, \"b]\" = '[' }}".format, STRINGS)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file as somebody may have written it, with servers of others, or none."""
    rows: list[str] = []
    number = 0
    headers = ["mcp_servers.db", "\"mcp_servers\" . 'files'", "mcp_servers", 'projects."/a [b]"', "features"]
    for header in ["", *draw(st.lists(st.sampled_from([*headers, "[list]", "[list]"]), max_size=4, unique=False))]:
        if header and (header == "[list]" or f"[{header}]" not in "\n".join(rows)):
            rows.append(draw(st.sampled_from(["", " ", "\t"])) + f"[{header}]" + draw(st.sampled_from(COMMENTS)))
        for value in draw(st.lists(VALUES | IN_LINE, max_size=3)):
            number += 1
            name = draw(st.sampled_from(["k{}", '"k {} ["', "k{}.below", "'[k{}]'"])).format(number)
            rows.append(f"{name} = {value}{draw(st.sampled_from(COMMENTS))}")
        rows += draw(st.lists(st.sampled_from(["", "# [mcp_servers.seasoned]", "  # '''", "\t"]), max_size=2))
    text = "\n".join(rows) + draw(st.sampled_from(["", "\n", "\n\n"]))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        reject()
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode()


def value_of(data: bytes) -> dict[str, Any]:
    return tomllib.loads(data.decode("utf-8-sig"))


def around(home: Path) -> Surroundings:
    return Surroundings(
        home=home, environment={}, data_dir=home / "data of mine", program=("/opt/seasoned/bin/seasoned",)
    )


def target_in(home: Path) -> Target:
    client = agents.client("codex")
    assert client is not None
    return agents.targets(client, around(home))[1]


@given(data=files())
def test_in_and_out_is_the_same_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    home = tmp_path_factory.mktemp("home")
    target, records = target_in(home), Records(home / "data of mine")
    target.path.parent.mkdir()
    target.path.write_bytes(data)
    old = value_of(data)
    change = plan_in(target, around(home), records)
    apply([change], records)
    after = target.path.read_bytes()
    assert after.startswith(data)
    value = value_of(after)
    assert value["mcp_servers"].pop("seasoned")["args"][-1] == "mcp"
    assert str({"mcp_servers": {}, **old}) == str({"mcp_servers": {}, **value})
    again = plan_in(target, around(home), records)
    assert again.action == "none" and again.record == change.record
    apply([plan_out(target, records)], records)
    assert target.path.read_bytes() == data
    assert records.all() == ()


@given(data=files(), behind=files(), tools=st.booleans())
def test_among_what_came_later_and_without_a_record(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, behind: bytes, tools: bool
) -> None:
    """What a client or the user wrote behind it stays, to the byte but for one line end."""
    home = tmp_path_factory.mktemp("home")
    target, records = target_in(home), Records(home / "data of mine")
    target.path.parent.mkdir()
    target.path.write_bytes(data)
    after = plan_in(target, around(home), records).after
    assert after is not None
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    later = newline + b"# later" + newline + b"[later]" + newline + behind.removeprefix(b"\xef\xbb\xbf")
    allowed = b"[mcp_servers.seasoned.tools.x] # mine" + newline + b"approval = '[a]'" + newline if tools else b""
    target.path.write_bytes(after + allowed + later)
    try:
        meant = value_of(data + newline + later)
    except tomllib.TOMLDecodeError:
        reject()  # the two have a name in common
    left = plan_out(target, records).after
    assert left is not None
    assert str(value_of(left)) == str(meant)
    assert left in (data + later, data + newline + later)


@given(data=files(), behind=files(), args=arrays(STRINGS | long_strings()))
def test_an_entry_of_another_version_is_brought_up_where_it_stands(data: bytes, behind: bytes, args: str) -> None:
    text, rest = data.decode("utf-8-sig"), behind.decode("utf-8-sig")
    table = f"[mcp_servers.seasoned] # ours\n'args' = {args} # old\ncommand = 'old'\nmine = [\n [1]\n]\n# of mine\nenv.A = 'b'\n"
    text = f"{text}\n{table}\n[later]\n{rest}"
    try:
        old = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        reject()  # the two have a name in common
    splice = splice_table(text, SERVER, ENTRY)
    value = tomllib.loads(spliced(text, [splice]))
    assert value["mcp_servers"]["seasoned"] == {**ENTRY, "mine": [[1]], "env": {"A": "b"}}
    value["mcp_servers"]["seasoned"] = old["mcp_servers"]["seasoned"]
    assert str(value) == str(old)
    assert splice.inserted.endswith("# of mine\nenv.A = 'b'\n"), "with what the user said about it"


@pytest.mark.parametrize(
    "text",
    [
        'a = ["""x"""", """\n[mcp_servers.seasoned]\n"""]\n',
        "a = ['''x'''', '''\n[mcp_servers.seasoned]\n''']\n",
        'a = """\\"""\n[mcp_servers.seasoned]\n"""\n',
        "a = '''\\'''\nb = '''\n[mcp_servers.seasoned]\n'''\n",
        "a = '\"\"\"'\nb = '\"\"\"' # '''\n",
        'a = ["""x"""", "]"]\n',
        "a = ['''x'''', ']']\n",
        "a = [ # [mcp_servers.seasoned]\n  [1]\n]\n",
        'a = "\\\\" # "\nb = """\n[mcp_servers.seasoned]"""\n',
    ],
)
def test_what_only_looks_like_the_table_is_left(text: str) -> None:
    assert without_table(text, SERVER) == []
    splice = splice_table(text, SERVER, ENTRY)
    result = spliced(text, [splice])
    assert (splice.start, read_toml(result)["mcp_servers"]) == (len(text), {"seasoned": ENTRY})
    assert spliced(result, without_table(result, SERVER)) == text


TEXTS = [
    "",
    'model = "x" # c',
    'model = "x"\n',
    '[features]\nhooks = true\n\n[mcp_servers.db]\ncommand = "db"\n',
    'a = """\n[mcp_servers.seasoned]\n"""\r\n[mcp_servers.db] # mine\r\ncommand = "db"\r\n',
    "[mcp_servers]\n",
    "x = [\n  [1],\n  [2],\n]\n[[p]]\nq = 1\n[[p]]\nq = '# no comment'\n# end",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_table_comes_and_goes(text: str) -> None:
    splice = splice_table(text, SERVER, ENTRY)
    result = spliced(text, [splice])
    assert result.startswith(text)
    value = tomllib.loads(result)
    assert value["mcp_servers"].pop("seasoned") == ENTRY
    old = tomllib.loads(text)
    assert value == (old if "mcp_servers" in old else {**old, "mcp_servers": {}})
    # Out again by its lines, not by the record: only the line end that the last line lacked is more.
    out = spliced(result, without_table(result, SERVER))
    assert out == text or out == text + ("\r\n" if "\r\n" in text else "\n")


def test_a_table_between_others() -> None:
    text = '[mcp_servers.seasoned]\ncommand = "old"\nargs = []\nenabled = false\n# about b\n\n[b]\nc = 1\n'
    text += '[mcp_servers.seasoned.tools.x]\napproval_mode = "approve"\n[c]\n'
    result = spliced(text, [splice_table(text, SERVER, ENTRY)])
    value: Any = read_toml(result)
    assert value["mcp_servers"]["seasoned"]["enabled"] is False, "what the user set beside"
    assert value["mcp_servers"]["seasoned"]["args"] == ENTRY["args"]
    assert spliced(text, without_table(text, SERVER)) == "# about b\n\n[b]\nc = 1\n[c]\n"


@pytest.mark.parametrize("text", ["mcp_servers = {}\n", 'mcp_servers = { db = { command = "x" } }'])
def test_a_table_in_one_line_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not written as tables"):
        splice_table(text, SERVER, ENTRY)


def test_an_entry_in_one_line_is_not_torn_out(tmp_path: Path) -> None:
    target, records = target_in(tmp_path), Records(tmp_path / "data")
    target.path.parent.mkdir()
    text = '[mcp_servers]\nseasoned = { command = "x", args = ["--home", "/x", "mcp"] }\n'
    target.path.write_text(text)
    with pytest.raises(InputError, match="do it by hand"):
        plan_out(target, records)
    assert target.path.read_text() == text
