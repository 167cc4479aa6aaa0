"""The SQL store under its contract for the library, on both engines."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seasoned.store import Store, open_store
from seasoned.testing.knowledge_records import pattern
from seasoned.testing.library_store import LibraryStoreContract


class TestSqlite(LibraryStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = open_store(f"sqlite:///{tmp_path / 'store.db'}", busy_timeout_s=60)
        yield store
        store.close()

    def test_four_processes_count_exactly(self, store: Store, tmp_path: Path) -> None:
        used = pattern("used")
        with store.writing() as writing:
            writing.save_patterns([used])
        code = (
            "import sys; from seasoned.store import open_store; from seasoned.testing.knowledge_records import pattern; "
            "from seasoned.testing.library_records import usage; s = open_store(sys.argv[1], busy_timeout_s=60)\n"
            "for n in range(25):\n"
            "    with s.writing(durable=False) as w: w.save_usage(usage(pattern('used'), sys.argv[2] + str(n), success=n % 2 == 0))"
        )
        url = f"sqlite:///{tmp_path / 'store.db'}"
        started = [subprocess.Popen([sys.executable, "-c", code, url, f"{number}-"]) for number in range(4)]
        assert [process.wait(120) for process in started] == [0] * 4
        found = store.pattern("n", used.pattern_id)
        assert found is not None
        assert (found.usage_count, found.success_count, found.failure_count) == (100, 52, 48)


class TestPostgres(LibraryStoreContract):
    enforces = True

    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        store = open_store(postgres_url, busy_timeout_s=60)
        yield store
        store.close()
