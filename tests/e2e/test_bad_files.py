"""Files that are none, or not what they say, through the command: one clear word each, and all that is good arrives."""

import json
import os
import socket
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import run, without_privileges

from seasoned.capture.discover import recognise
from seasoned.capture.port import Report, Source
from seasoned.sample import sample_folder
from seasoned.testing.importers import Rows

pytestmark = pytest.mark.slow

HISTORY = sample_folder() / "claude" / "c9883595c929_0.jsonl"
OTHER = sample_folder() / "claude" / "8cfa910f8ef9_2.jsonl"
Make = Callable[[Path], object]
Case = tuple[str, Make, str]


def _written(data: bytes) -> Make:
    return lambda path: path.write_bytes(data)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(HISTORY)


def _database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE a (b)")
    connection.close()


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name has 108 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def _deep(path: Path) -> None:
    lines = OTHER.read_bytes().splitlines(keepends=True)
    deep = b'{"type":"user","message":' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"
    path.write_bytes(lines[0] + deep + b"".join(lines[1:]))


def _long_line(path: Path) -> None:
    lines = OTHER.read_bytes().splitlines(keepends=True)
    with path.open("wb") as file:
        file.write(lines[0] + b'{"type":"user","message":{"role":"user","content":"')
        for _ in range(66):
            file.write(b"x" * 1024 * 1024)
        file.write(b'"}}\n' + b"".join(lines[1:]))


NONE_AT_ALL: list[Case] = [
    ("empty.jsonl", _written(b""), "empty"),
    ("noise.jsonl", _written(bytes(range(256)) * 300), "binary data"),
    ("windows.jsonl", _written(OTHER.read_text("utf-8").encode("utf-16")), "UTF-16"),
    ("archive.jsonl", _zip, "ZIP"),
    ("base.jsonl", _database, "SQLite"),
    ("picture.traj", _written(b"\x89PNG\r\n\x1a\n" + bytes(900)), "picture"),
    ("itself.jsonl", lambda path: path.symlink_to(path.name), "symbolic links"),
    ("pipe.jsonl", os.mkfifo, "not a regular file"),
    ("pipe.db", os.mkfifo, "not a regular file"),
    ("socket.jsonl", _socket, "not a regular file"),
]
DAMAGED: list[Case] = [
    ("deep.jsonl", _deep, "nested too deeply"),
    ("long.jsonl", _long_line, "longer than 64 MB"),
    ("marked.jsonl", lambda path: path.write_bytes(b"<<<<<<< HEAD\n" + OTHER.read_bytes()), "no JSON"),
    ("torn.jsonl", lambda path: path.write_bytes(OTHER.read_bytes()[:-40]), "cut off"),
]
SILENT: list[Case] = [
    ("nulls.jsonl", lambda path: path.write_bytes(b"\0" * 100_000 + b"\n" + OTHER.read_bytes()), ""),
    ("nan.jsonl", lambda path: path.write_bytes(OTHER.read_bytes().replace(b'"input_tokens":', b'"input_tokens":NaN,"x":')), ""),
    ("odd\udcff\udcfe.jsonl", lambda path: path.write_bytes(OTHER.read_bytes()), ""),
]  # fmt: skip


def imported(home: Path, *paths: Path, before: Callable[[], object] | None = None) -> dict[str, Any]:
    result = run(home, "import", *paths, "--no-embed", "--json", before=before)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds a good history."""
    made = tmp_path / "histories"
    made.mkdir()
    (made / "m_good.jsonl").write_bytes(HISTORY.read_bytes())
    return made


def test_each_is_named_with_what_is_wrong_and_costs_no_other(tmp_path: Path, folder: Path) -> None:
    for name, make, _ in (*NONE_AT_ALL, *DAMAGED, *SILENT):
        make(folder / name)
    found = imported(tmp_path, folder)
    told = {problem["place"]: problem["reason"] for problem in found["problems"]}
    for name, _, says in NONE_AT_ALL:
        assert says in told[str(folder / name)]
    for name, _, says in DAMAGED:
        assert any(says in reason for place, reason in told.items() if place.startswith(f"{folder / name}: "))
    assert not [place for place in told if Path(place).name.startswith(("nulls", "nan", "odd"))]
    assert found["files"] == 1 + len(DAMAGED) + len(SILENT)
    assert found["added"] == 2
    again = imported(tmp_path, folder)
    assert again["added"] == 0
    assert again["skipped"] >= 1 + len(SILENT), "what was read whole is known"


@pytest.mark.parametrize(("name", "make", "says"), (*NONE_AT_ALL[1:4:2], NONE_AT_ALL[7]), ids=["noise", "zip", "pipe"])
def test_alone_it_is_an_error_with_one_line(tmp_path: Path, folder: Path, name: str, make: Make, says: str) -> None:
    make(folder / name)
    alone = run(tmp_path, "import", folder / name)
    assert (alone.returncode, alone.stdout) == (3, "")
    assert len(alone.stderr.strip().splitlines()) == 1
    assert says in alone.stderr
    assert name in alone.stderr


@pytest.mark.parametrize(("name", "make", "_"), DAMAGED, ids=[case[0] for case in DAMAGED])
def test_the_neighbours_of_a_damaged_line_arrive(tmp_path: Path, name: str, make: Make, _: str) -> None:
    path = tmp_path / name
    make(path)
    chosen = recognise(path)
    assert chosen is not None
    report = Report()
    source = Source(path=path, namespace="damaged", size=path.stat().st_size)
    kept = Rows(list(chosen.read(source, report)))
    assert report.skipped == 1
    assert kept.spans or name == "torn.jsonl"


def test_devices_and_folders_that_lead_to_themselves_end(tmp_path: Path, folder: Path) -> None:
    (folder / "below").symlink_to(folder, target_is_directory=True)
    assert imported(tmp_path, folder)["files"] == 1
    result = run(tmp_path, "import", "/dev/zero", "/dev/null", "/dev/random", "--json", timeout=60)
    assert result.returncode == 3
    assert "/dev/zero: not a regular file" in result.stderr
    assert {problem["reason"] for problem in json.loads(result.stdout)["problems"]} == {"not a regular file"}


def test_files_and_folders_without_rights(tmp_path: Path, folder: Path) -> None:
    (folder / "locked.jsonl").write_bytes(OTHER.read_bytes())
    (folder / "closed").mkdir()
    (folder / "closed" / "inside.jsonl").write_bytes(OTHER.read_bytes())
    (folder / "locked.jsonl").chmod(0)
    (folder / "closed").chmod(0)
    try:
        found = imported(tmp_path, folder, folder / "closed" / "inside.jsonl", before=without_privileges)
        alone = run(tmp_path, "import", folder / "locked.jsonl", before=without_privileges)
    finally:
        (folder / "closed").chmod(0o700)
    assert found["added"] == 1
    assert {problem["place"] for problem in found["problems"]} == {
        str(folder / "closed"),
        str(folder / "locked.jsonl"),
        str(folder / "closed" / "inside.jsonl"),
    }
    assert {problem["reason"] for problem in found["problems"]} == {"Permission denied"}
    assert (alone.returncode, "Permission denied" in alone.stderr) == (3, True)


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    result = run(tmp_path, "import", "x" * 300)
    assert (result.returncode, "too long" in result.stderr) == (3, True)


@pytest.mark.slow
def test_a_very_large_file_takes_little_memory(tmp_path: Path, folder: Path) -> None:
    record = OTHER.read_bytes()
    with (folder / "large.jsonl").open("wb") as file:
        while file.tell() < 300_000_000:
            file.write(record)

    def bounded() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))

    result = run(tmp_path, "import", folder, "--no-embed", "--json", "--jobs", "0", before=bounded, timeout=400)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["added"] == 2
