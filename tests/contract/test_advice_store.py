"""The SQL store under its contract for advice, on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seasoned.store import Store, open_store
from seasoned.testing.advice import AdviceContract


class TestSqlite(AdviceContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
        yield store
        store.close()


class TestPostgres(AdviceContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        store = open_store(postgres_url)
        yield store
        store.close()
