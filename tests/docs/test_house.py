"""The house's own rules: one way of imports, documents that hold, locks that name no host."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def test_no_room_reaches_up() -> None:
    command = [
        sys.executable,
        "-c",
        "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())",
    ]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_room_is_described() -> None:
    bare = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "src" / "seasoned").rglob("*.py"))
        if not re.match(r'(r?""".{10})', path.read_text(encoding="utf-8"), re.DOTALL)
    ]
    assert bare == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_decisions_are_numbered_without_gaps_and_have_the_same_parts() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04d}" for number in range(1, len(records) + 1)]
    for path in records:
        parts = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert parts == ["Question", "Decision", "Measured", "Consequences"], path.name


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_hold_hashes_and_name_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert re.search(r"^\s*-(i|-index|-extra|-find|-trusted)", text, re.MULTILINE) is None
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    assert [
        entry.split()[0] for entry in entries if not re.search(r"==\S+.*--hash=sha256:[0-9a-f]{64}", entry, re.DOTALL)
    ] == []


def test_the_locks_agree_and_hold_what_the_project_asks_for() -> None:
    versions = [set(re.findall(r"^(\S+==\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)) for lock in LOCKS]
    by_name = dict(zip([lock.name for lock in LOCKS], versions, strict=True))
    assert by_name["requirements.lock"] <= by_name["requirements-dev.lock"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    locked = {entry.split("==")[0] for entry in by_name["requirements-dev.lock"]}
    wanted = [*project["project"]["dependencies"], *groups["dev"], *groups["bench"]]
    assert {re.split(r"[\[=<>~! ]", name)[0] for name in wanted} <= locked


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


def test_the_architecture_draws_every_room_and_worker() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "seasoned"
    rooms = {path.parent.name for path in source.glob("*/__init__.py")}
    below = {path.parent.name for path in (source / "learn").glob("*/__init__.py")}
    workers = {path.stem for path in (source / "workers").glob("[a-z]*.py")} - {"redacted"}
    assert {name for name in rooms | below | workers if not re.search(rf"\b{name}\b", text)} == set()


def test_the_glossary_says_each_word_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", (ROOT / "GLOSSARY.md").read_text(encoding="utf-8"), re.MULTILINE)
    words = [word for word, _ in rows if word not in {"word", "---"}]
    assert len(words) > 50
    assert sorted(words) == sorted(set(words))


def test_documents_name_no_machine() -> None:
    for document in DOCUMENTS:
        found = re.findall(r"(?<![\w.~])/(?:home|root|work|Users|tmp)/\w+", document.read_text(encoding="utf-8"))
        assert found == [], document.name
