"""The access matrix on every way to the library and both engines."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mcp_face import McpFace

from seasoned.app import Seasoned
from seasoned.capture import Redactor
from seasoned.library import Library
from seasoned.model import Identity
from seasoned.settings import load
from seasoned.store import Store, open_store
from seasoned.testing.access import AccessContract
from seasoned.testing.access_faces import Face, FilesFace, PythonFace
from seasoned.testing.access_table import CELLS
from seasoned.testing.word_embedder import WordEmbedder

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    given = request.param == "postgresql"
    return request.getfixturevalue("postgres_url") if given else f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def library_of(store: Store) -> Callable[[Identity], Library]:
    """The library as an identity has it; all share one cache, as in a server."""
    shared = Library(
        store,
        Identity(namespace="north", agent_id="nobody"),
        redactor=Redactor(b"0" * 32),
        clock=lambda: datetime.now(UTC),
        embedder=WordEmbedder(),
    )

    def of(who: Identity) -> Library:
        return Library(
            store,
            who,
            redactor=Redactor(b"0" * 32),
            clock=lambda: datetime.now(UTC),
            embedder=WordEmbedder(),
            cache=shared.cache,
        )

    return of


class TestPython(AccessContract):
    cells = CELLS

    @pytest.fixture
    def face(self, library_of: Callable[[Identity], Library]) -> Face:
        return PythonFace(library_of)


class TestFiles(AccessContract):
    cells = 14 * (4 * 40 + 2 * 20)

    @pytest.fixture
    def face(self, library_of: Callable[[Identity], Library], tmp_path: Path) -> Face:
        return FilesFace(library_of, tmp_path / "folders")


class TestMcp(AccessContract):
    cells = 14 * 4 * 40

    @pytest.fixture
    def face(self, url: str, tmp_path: Path) -> Iterator[Face]:
        home = tmp_path / "home"
        home.mkdir()
        flags = {"store.url": url, "embed.provider": "none"}
        with Seasoned(load({"HOME": str(home), "SEASONED_HOME": str(home)}, working_dir=home, flags=flags)) as seasoned:
            yield McpFace(seasoned)
