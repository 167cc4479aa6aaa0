"""Fixtures that several modules here share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forgetful import CLOCK, URLS, Opener

from seasoned.store import SqlStore, open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens a store of its own for each name."""
    stores: list[SqlStore] = []
    leave: list[Callable[[], object]] = []

    def open_one(name: str) -> SqlStore:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path / name}.db"
        else:
            database = request.getfixturevalue("postgres").database()
            url = database.__enter__()
            leave.append(lambda: database.__exit__(None, None, None))
        stores.append(open_store(url, clock=lambda: CLOCK))
        URLS[stores[-1]] = url
        return stores[-1]

    yield open_one
    for store in stores:
        del URLS[store]
        store.close()
    for each in leave:
        each()
