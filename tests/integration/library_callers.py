"""The library as several agents of one store have it, for tests that play them against each other."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seasoned.capture import Redactor
from seasoned.library import Library, Rules
from seasoned.model import Identity, Role
from seasoned.store import open_store
from seasoned.store.sql import SqlStore

__all__ = ["DATA", "NOON", "SECRET", "Callers", "opened"]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
DATA = {"problem": "tests fail now and then", "solution": "seed the random order", "steps": ["find the seed"]}


class Callers:
    """Everybody who has a library in this store."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.now = NOON
        self.rules = Rules()
        self.redactor = Redactor(b"0123456789abcdef")
        self.ana, self.bob = self.agent("ana"), self.agent("bob")
        self.librarian = self.agent("liz", role="librarian")
        self.admin = self.agent("root", role="admin", local=True)

    def agent(self, name: str, *, role: Role = "agent", namespace: str = "n", local: bool = False) -> Library:
        """The library as this agent has it."""
        who = Identity(namespace=namespace, agent_id=name, role=role, local=local)
        return Library(self.store, who, redactor=self.redactor, clock=lambda: self.now, rules=self.rules)


@contextmanager
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Callers, None, None]:
    """Callers of a fresh store, of the engine that ``request`` names."""
    given = request.param == "postgresql"
    store = open_store(request.getfixturevalue("postgres_url") if given else f"sqlite:///{tmp_path / 'store.db'}")
    try:
        yield Callers(store)
    finally:
        store.close()
