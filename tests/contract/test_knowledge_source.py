"""Knowledge sources under their contract, against real MCP servers on stdio and HTTP, and against broken ones."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from seasoned.knowledge import KnowledgeAnswer, KnowledgeSource, McpSource
from seasoned.testing.knowledge_source import BUDGET_MS, QUERY, KnowledgeSourceContract, KnownPassages

pytestmark = pytest.mark.slow

SERVER = Path(__file__).with_name("search_server.py")


def stdio(mode: str, folder: Path, tool: str | None = None, preset: str | None = None) -> McpSource:
    return McpSource(command=(sys.executable, str(SERVER), mode), tool=tool, preset=preset, working_dir=folder)


def asked(source: KnowledgeSource, most: int = 5) -> KnowledgeAnswer:
    return source.search(QUERY, most=most, budget_ms=BUDGET_MS)


def gone(pid: int) -> bool:
    """Whether no such process runs, once the kernel has had a moment."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True  # dead, and not collected yet by whoever adopted it
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False


class TestKnownPassages(KnowledgeSourceContract):
    @pytest.fixture
    def source(self) -> KnowledgeSource:
        return KnownPassages()

    @pytest.fixture
    def empty(self) -> KnowledgeSource:
        return KnownPassages(())

    @pytest.fixture
    def down(self) -> KnowledgeSource:
        return KnownPassages(fault="It is down.")

    @pytest.fixture
    def hung(self) -> KnowledgeSource:
        return KnownPassages(fault="It did not answer.")


@pytest.mark.slow
class TestStdio(KnowledgeSourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> KnowledgeSource:
        return stdio("docs", tmp_path)

    @pytest.fixture
    def empty(self, tmp_path: Path) -> KnowledgeSource:
        return stdio("empty", tmp_path)

    @pytest.fixture
    def down(self, tmp_path: Path) -> KnowledgeSource:
        return McpSource(command=(str(tmp_path / "nothing"),), working_dir=tmp_path)

    @pytest.fixture
    def hung(self, tmp_path: Path) -> KnowledgeSource:
        return stdio("deaf", tmp_path)


class Http:
    """Servers on loopback, one process for each mode, started when first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[subprocess.Popen[bytes], int]] = {}

    def source(self, mode: str, folder: Path) -> McpSource:
        if mode not in self._running:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port: int = free.getsockname()[1]
            process = subprocess.Popen(
                [sys.executable, str(SERVER), mode, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            self._running[mode] = process, port
            while process.poll() is None and not _listens(port):
                time.sleep(0.02)
        return McpSource(url=f"http://127.0.0.1:{self._running[mode][1]}/mcp", working_dir=folder)

    def close(self) -> None:
        for process, _ in self._running.values():
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def http() -> Generator[Http, None, None]:
    servers = Http()
    yield servers
    servers.close()


class TestHttp(KnowledgeSourceContract):
    @pytest.fixture
    def source(self, http: Http, tmp_path: Path) -> KnowledgeSource:
        return http.source("docs", tmp_path)

    @pytest.fixture
    def empty(self, http: Http, tmp_path: Path) -> KnowledgeSource:
        return http.source("empty", tmp_path)

    @pytest.fixture
    def down(self, tmp_path: Path) -> KnowledgeSource:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        return McpSource(url=f"http://127.0.0.1:{port}/mcp", working_dir=tmp_path)

    @pytest.fixture
    def hung(self, tmp_path: Path) -> Generator[KnowledgeSource, None, None]:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            yield McpSource(url=f"http://127.0.0.1:{silent.getsockname()[1]}/mcp", working_dir=tmp_path)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("dies", "it ended with 3"),
        ("keyless", "it ended with 1: no key: set DOCS_KEY"),
        ("raises", "its tool search_documents refuses: Error executing tool"),
        ("refuses", "no credits left"),
        ("huge", "it sent more than 4 MB in one message"),
        ("several", "set knowledge.tool to one of search_documents, search_code_examples"),
    ],
)
def test_a_server_that_fails_is_an_answer_that_says_how(mode: str, said: str, tmp_path: Path) -> None:
    found = asked(stdio(mode, tmp_path))
    assert (found.available, found.results) == (False, ())
    assert said in found.said


@pytest.mark.parametrize("mode", ["raises", "refuses", "huge"])
def test_so_is_one_on_http(mode: str, http: Http, tmp_path: Path) -> None:
    found = asked(http.source(mode, tmp_path))
    assert (found.available, found.results) == (False, ())
    assert found.said


def test_words_from_outside_are_cut_and_hold_no_control_characters(tmp_path: Path) -> None:
    (found,) = asked(stdio("foul", tmp_path)).results
    assert found.text.startswith("[31mred[0m back nul end long long")
    assert (len(found.text) <= 1_000, found.text[-1]) == (True, "…")
    assert found.title is not None
    assert found.url is not None
    assert (len(found.title) <= 200, len(found.url) <= 500, found.score) == (True, True, 1_000_000.0)
    assert all(sign.isprintable() for sign in found.text + found.title + found.url)


def test_a_flood_is_cut_to_what_was_asked_for(tmp_path: Path) -> None:
    assert [each.text for each in asked(stdio("many", tmp_path), most=3).results] == [
        "passage 0",
        "passage 1",
        "passage 2",
    ]


@pytest.mark.parametrize(
    ("mode", "tool", "preset", "available"),
    [
        ("several", "search_documents", None, True),
        ("archon", None, "archon", True),
        ("docs", None, "archon", False),
        ("docs", "no_such_tool", None, False),
    ],
)
def test_the_tool_that_is_asked(
    mode: str, tool: str | None, preset: str | None, available: bool, tmp_path: Path
) -> None:
    found = asked(stdio(mode, tmp_path, tool, preset))
    assert found.available is available, found.said
    assert available or "search_documents" in found.said


def test_a_server_that_knows_no_handshake_is_asked_without_one(tmp_path: Path) -> None:
    found = asked(stdio("stateless", tmp_path))
    assert [each.text for each in found.results] == ["a passage"], found.said


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["docs", "hangs", "deaf"])
def test_no_process_outlives_its_question(mode: str, tmp_path: Path) -> None:
    # The shell starts the server as a child of its own, as npx and uvx do; both write down their ids.
    pids = tmp_path / "pids"
    script = f"echo $$ >> {pids}; {sys.executable} {SERVER} {mode} & echo $! >> {pids}; wait $!"
    source = McpSource(command=("sh", "-c", f"exec 3<&0; {script.replace(' & ', ' <&3 & ')}"), working_dir=tmp_path)
    found = source.search(QUERY, most=1, budget_ms=BUDGET_MS if mode == "docs" else 1_000)
    assert found.available is (mode == "docs"), found.said
    started = [int(line) for line in pids.read_text().split()]
    assert len(started) == 2
    assert all(gone(pid) for pid in started)


def test_a_server_of_a_program_that_exits_while_it_waits_is_ended(tmp_path: Path) -> None:
    program = f"""
import threading, time
from pathlib import Path
from seasoned.knowledge import McpSource
pid = Path({str(tmp_path / "pid")!r})
source = McpSource(command=("sh", "-c", f"echo $$ > {{pid}}.new; mv {{pid}}.new {{pid}}; sleep 600"), working_dir=pid.parent)
threading.Thread(target=lambda: source.search("x", most=1, budget_ms=60_000), daemon=True).start()
while not pid.exists():
    time.sleep(0.01)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_server_sees_nothing_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEASONED_DATABASE_URL", "postgresql://me:secret@db/x")
    monkeypatch.setenv("DOCS_KEY", "k")
    source = McpSource(
        command=("sh", "-c", 'echo "$DOCS_KEY-${SEASONED_DATABASE_URL:-none}" >&2'), working_dir=tmp_path
    )
    assert asked(source).said.endswith("it ended with 0: k-none.")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"command": ("a",), "url": "http://host/mcp"},
        {"url": "ftp://host"},
        {"url": "http://"},
        {"url": "host:80"},
        {"command": ("a",), "preset": "other"},
    ],
)
def test_a_source_that_cannot_be(given: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"address|preset"):
        McpSource(working_dir=tmp_path, **given)  # pyright: ignore[reportArgumentType]
