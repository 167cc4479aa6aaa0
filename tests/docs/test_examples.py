"""What the documents show is run: Python as it stands, with what it is said to print, and shell lines to a good end.

The reader's machine is played by a home folder with the bundled sessions where the agents themselves would have put
them. Ids in examples are stand-ins: before a line runs, each is replaced by one that this history has.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seasoned.sample import sample_folder

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = f'#!/bin/sh\nexec "{sys.executable}" -c "from seasoned.doors.cli import main; main()" "$@"\n'
IDS = {
    "traces": ("traces", "execution_id"),
    "patterns": ("patterns", "pattern_id"),
    "failures": ("failures", "failure_id"),
}
TIMEOUT_S = 120


def blocks(language: str) -> list[tuple[Path, int, str]]:
    """Page, line and text of every block of this language."""
    found: list[tuple[Path, int, str]] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            found.append((page, text.count("\n", 0, match.start()) + 2, match[1]))
    return found


PYTHON = blocks("python")
LINES = [
    (page, line + offset, text)
    for page, line, block in blocks("sh")
    for offset, text in enumerate(block.splitlines())
    if text.startswith("seasoned ")
]


def places(examples: list[tuple[Path, int, str]]) -> list[str]:
    return [f"{page.name}:{line}" for page, line, _ in examples]


class Reader:
    """Somebody with a home folder and the command ``seasoned``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        tools = home / "bin"
        tools.mkdir()
        (tools / "seasoned").write_text(COMMAND, encoding="utf-8")
        (tools / "seasoned").chmod(0o755)
        kept = {key: value for key, value in os.environ.items() if key in {"LANG", "TMPDIR"}}
        path = f"{tools}{os.pathsep}{os.environ['PATH']}"
        self.environment = {
            **kept,
            "HOME": str(home),
            "PATH": path,
            "PYTHONWARNINGS": "error",
            "SEASONED_SERVICE": "off",
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.home, env=self.environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )

    def an_id(self, kind: str) -> str:
        group, key = IDS[kind]
        listed = self.run("seasoned", group, "list", "--limit", "1", "--json")
        assert listed.returncode == 0, listed.stderr
        return json.loads(listed.stdout)[group][0][key][:8]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    home = tmp_path_factory.mktemp("reader")
    shutil.copytree(sample_folder() / "claude", home / ".claude" / "projects" / "work")
    shutil.copytree(sample_folder() / "codex", home / ".codex" / "sessions")
    reader = Reader(home)
    assert reader.run("seasoned", "up").returncode == 0
    return reader


@pytest.fixture
def fresh(reader: Reader, tmp_path: Path) -> Reader:
    """The same history, to be changed."""
    shutil.copytree(reader.home, tmp_path / "home")
    shutil.rmtree(tmp_path / "home" / "bin")
    return Reader(tmp_path / "home")


@pytest.mark.parametrize(("page", "line", "program"), PYTHON, ids=places(PYTHON))
def test_python_examples_do_what_they_say(fresh: Reader, page: Path, line: int, program: str) -> None:
    done = fresh.run(sys.executable, "-c", program)
    assert done.returncode == 0, f"{page.name}:{line}: {done.stderr}"
    said = [expected for text in program.splitlines() for expected in re.findall(r"  # → (.*)$", text)]
    assert done.stdout.splitlines() == said, f"{page.name}:{line}"


@pytest.mark.slow
@pytest.mark.parametrize(("page", "line", "text"), LINES, ids=places(LINES))
def test_shell_lines_end_well(reader: Reader, page: Path, line: int, text: str) -> None:
    kind = text.split()[1]
    if kind in IDS:
        text = re.sub(r"(?<= show )[0-9a-f]{8}", reader.an_id(kind), text)
    done = reader.run("sh", "-c", text)
    assert done.returncode == 0, f"{page.name}:{line}: {done.stderr}"
    assert done.stdout


def test_there_are_examples_to_run() -> None:
    assert {page.name for page, _, _ in PYTHON} >= {"README.md", "python.md"}
    assert {page.name for page, _, _ in LINES} >= {"README.md", "guide.md"}


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md"]:
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
        assert named <= targets, page.name
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert targets <= set(re.findall(r"make ([a-z-]+)", contributing))
