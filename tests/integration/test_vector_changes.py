"""The vector index notices every kind of change in a real table, at the price of reading the changes alone."""

from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest

from seasoned.embed import UsearchIndex
from seasoned.model.ids import name_id
from seasoned.store import open_store
from seasoned.store.sql import SqlStore
from seasoned.testing.indexes import unit_rows

ROWS = unit_rows(60, seed=1)
OWNERS = [name_id("vector", str(number)) for number in range(60)]


def save(store: SqlStore, numbers: range | list[int], *, rows: np.ndarray = ROWS, namespace: str = "n") -> None:
    with store.writing(durable=False) as writing:
        writing.save_embeddings("m", [(namespace, OWNERS[number], rows[number].tolist()) for number in numbers])


@pytest.fixture
def store(tmp_path: Path) -> Generator[SqlStore, None, None]:
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


@pytest.fixture(params=[1, 50_000], ids=["graph", "exact"])
def index(request: pytest.FixtureRequest, tmp_path: Path, store: SqlStore) -> UsearchIndex:
    save(store, range(40))
    index = UsearchIndex(tmp_path / "vectors", store, exact_limit=int(request.param))
    assert index.refresh("n", "m") == 40
    return index


def nearest(index: UsearchIndex, vector: np.ndarray) -> str:
    return index.nearest("n", "m", vector, 1)[0].owner_id


def test_a_replaced_vector_is_noticed(store: SqlStore, index: UsearchIndex) -> None:
    other = ROWS.copy()
    other[[0, 39]] = ROWS[[58, 59]]
    save(store, [0, 39], rows=other)
    assert index.refresh("n", "m") == 40
    assert nearest(index, ROWS[58]) == OWNERS[0]
    assert nearest(index, ROWS[59]) == OWNERS[39]
    assert nearest(index, ROWS[0]) != OWNERS[0]
    other[0] = ROWS[57]
    save(store, [0], rows=other)
    index.refresh("n", "m")
    assert nearest(index, ROWS[57]) == OWNERS[0]


def test_one_that_came_for_the_newest_is_noticed(store: SqlStore, index: UsearchIndex) -> None:
    with store.engine.writing(durable=False) as session:
        session.run("DELETE FROM embeddings WHERE owner_id = ?", (OWNERS[39],))
    save(store, [50])
    assert index.refresh("n", "m") == 40
    assert nearest(index, ROWS[50]) == OWNERS[50]
    assert nearest(index, ROWS[39]) != OWNERS[39]


def test_the_same_vector_again_and_another_namespace_change_nothing(store: SqlStore, index: UsearchIndex) -> None:
    before = store.embedding_mark("n", "m")
    save(store, range(40))
    assert store.embedding_mark("n", "m") == before
    save(store, range(40, 50), namespace="other")
    assert index.refresh("n", "m") == 40
    assert nearest(index, ROWS[45]) != OWNERS[45]


def test_only_changes_are_read(store: SqlStore, index: UsearchIndex, tmp_path: Path) -> None:
    class ChangesOnly(SqlStore):
        def embeddings(self, namespace: str, model: str, *, after: str = "") -> Iterator[tuple[str, bytes]]:
            raise AssertionError("the whole table was read")

    again = UsearchIndex(tmp_path / "vectors", ChangesOnly(store.engine, store._clock), exact_limit=index._exact_limit)  # pyright: ignore[reportPrivateUsage]
    save(store, range(40, 50))
    assert again.refresh("n", "m") == 50
    assert nearest(again, ROWS[45]) == OWNERS[45]
    position = store.embedding_mark("n", "m")[1]
    assert [owner for owner, _ in store.embedding_changes("n", "m", position - 1)] == OWNERS[48:50]
