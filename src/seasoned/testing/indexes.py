"""What every vector index must do, as tests. Subclass, give an ``indexed`` fixture, and run pytest::

    class TestMine(VectorIndexContract):
        @pytest.fixture
        def indexed(self, tmp_path: Path) -> Indexed:
            table = Table()
            return Indexed(table=table, index=MyIndex(tmp_path, table))

``Table`` is a small complete stand-in for the ``embeddings`` table; an index that has no use for a reader (because it
is the table) gives one whose writes reach it.
"""
# ruff: noqa: D102  the name of a test is its sentence

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from seasoned.embed import VectorIndex, Vectors
from seasoned.model.ids import name_id

__all__ = ["Indexed", "Table", "VectorIndexContract", "unit_rows"]

_DIMENSIONS = 16
_ROUNDING = 5e-4
"""Of a cosine, where an index keeps half-precision floats; in 16 dimensions it weighs more than in hundreds."""


def unit_rows(count: int, *, seed: int, dimensions: int = _DIMENSIONS) -> Vectors:
    """``(count, dimensions) float32``, L2-normalised, in random directions that ``seed`` fixes."""
    rows = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@dataclass
class Table:
    """The ``embeddings`` table in memory: an ``EmbeddingReader`` that can be written to."""

    rows: dict[tuple[str, str], dict[str, Vectors]] = field(default_factory=dict[tuple[str, str], dict[str, Vectors]])
    written: dict[tuple[str, str, str], int] = field(default_factory=dict[tuple[str, str, str], int])
    """Position of the last change of each (namespace, model, owner)."""

    def put(self, namespace: str, model: str, vectors: dict[str, Vectors]) -> None:
        """Insert or replace."""
        self.rows.setdefault((namespace, model), {}).update(vectors)
        for owner in vectors:
            self.written[namespace, model, owner] = max(self.written.values(), default=0) + 1

    def drop(self, namespace: str, model: str, owner_id: str) -> None:
        """Delete one."""
        del self.rows[namespace, model][owner_id]
        del self.written[namespace, model, owner_id]

    def embeddings(self, namespace: str, model: str, *, after: str = "") -> Iterator[tuple[str, bytes]]:
        """In id order."""
        for owner, vector in sorted(self.rows.get((namespace, model), {}).items(), key=lambda item: item[0]):
            if owner > after:
                yield owner, vector.astype("<f4").tobytes()

    def embedding_count(self, namespace: str, model: str) -> int:
        """How many there are."""
        return len(self.rows.get((namespace, model), {}))

    def embedding_mark(self, namespace: str, model: str) -> tuple[int, int, str]:
        """How many there are, the last change to any vector, and its owner."""
        position, owner = max(((at, key[2]) for key, at in self.written.items()), default=(0, ""))
        return self.embedding_count(namespace, model), position, owner

    def embedding_changes(self, namespace: str, model: str, position: int) -> Iterator[tuple[str, bytes]]:
        """In the order of change."""
        for (of, kind, owner), at in sorted(self.written.items(), key=lambda item: item[1]):
            if (of, kind) == (namespace, model) and at >= position:
                yield owner, self.rows[namespace, model][owner].astype("<f4").tobytes()


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """An index and the table that it is derived from."""

    table: Table
    index: VectorIndex

    def fill(self, count: int, *, seed: int = 1, namespace: str = "n", model: str = "m") -> dict[str, Vectors]:
        """Put ``count`` vectors into the table, refresh, and return them by owner."""
        rows = unit_rows(count, seed=seed)
        owners = {name_id("vector", namespace, model, str(seed), str(at)): rows[at] for at in range(count)}
        self.table.put(namespace, model, owners)
        assert self.index.refresh(namespace, model) == self.table.embedding_count(namespace, model)
        return owners


class VectorIndexContract:
    """The tests; each takes the ``indexed`` fixture that the subclass gives."""

    def test_finds_nothing_where_there_is_nothing(self, indexed: Indexed) -> None:
        query = unit_rows(1, seed=9)[0]
        assert indexed.index.nearest("n", "m", query, 5) == []
        assert indexed.index.similarities("n", "m", query, [name_id("a")]) == {}
        assert indexed.index.refresh("n", "m") == 0

    def test_finds_the_nearest_in_order(self, indexed: Indexed) -> None:
        owners = indexed.fill(200)
        for query in unit_rows(10, seed=7):
            expected = sorted(((-float(query @ vector), owner) for owner, vector in owners.items()))[:5]
            found = indexed.index.nearest("n", "m", query, 5)
            assert np.allclose([n.similarity for n in found], [-value for value, _ in expected], atol=_ROUNDING)
            # Neighbours that a rounded vector cannot tell apart may change places.
            true = [float(query @ owners[neighbour.owner_id]) for neighbour in found]
            assert len({neighbour.owner_id for neighbour in found}) == 5
            assert np.allclose(true, [-value for value, _ in expected], atol=_ROUNDING)

    def test_orders_ties_by_owner(self, indexed: Indexed) -> None:
        vector = unit_rows(1, seed=3)[0]
        owners = [name_id("tie", str(at)) for at in range(12)]
        indexed.table.put("n", "m", dict(zip(owners, [vector] * len(owners), strict=True)))
        indexed.index.refresh("n", "m")
        found = indexed.index.nearest("n", "m", vector, 12)
        assert [neighbour.owner_id for neighbour in found] == sorted(owners)

    def test_keeps_cosines_in_range(self, indexed: Indexed) -> None:
        owners = indexed.fill(50)
        for vector in owners.values():
            assert all(-1 <= n.similarity <= 1 for n in indexed.index.nearest("n", "m", vector, 50))

    def test_gives_fewer_where_there_are_fewer(self, indexed: Indexed) -> None:
        indexed.fill(3)
        assert len(indexed.index.nearest("n", "m", unit_rows(1, seed=2)[0], 10)) == 3
        assert indexed.index.nearest("n", "m", unit_rows(1, seed=2)[0], 0) == []

    def test_does_not_mix_namespaces_or_models(self, indexed: Indexed) -> None:
        mine = indexed.fill(20, seed=1)
        theirs = indexed.fill(20, seed=2, namespace="other")
        older = indexed.fill(20, seed=4, model="older")
        query = next(iter(theirs.values()))
        assert {n.owner_id for n in indexed.index.nearest("n", "m", query, 60)} == set(mine)
        assert {n.owner_id for n in indexed.index.nearest("n", "older", query, 60)} == set(older)
        assert indexed.index.similarities("n", "m", query, list(theirs)) == {}

    def test_takes_in_what_was_added_and_removed(self, indexed: Indexed) -> None:
        owners = indexed.fill(40)
        gone, kept = list(owners)[:2]
        indexed.table.drop("n", "m", gone)
        assert indexed.index.refresh("n", "m") == 39
        assert indexed.index.nearest("n", "m", owners[gone], 1)[0].owner_id != gone
        assert indexed.index.nearest("n", "m", owners[kept], 1)[0].owner_id == kept
        added = indexed.fill(5, seed=8)
        for owner, vector in added.items():
            assert indexed.index.nearest("n", "m", vector, 1)[0].owner_id == owner

    def test_takes_in_what_was_replaced(self, indexed: Indexed) -> None:
        owners = indexed.fill(40)
        changed, other = list(owners)[7:9]
        vector = unit_rows(1, seed=77)[0]
        indexed.table.put("n", "m", {changed: vector})
        assert indexed.index.refresh("n", "m") == 40
        best = indexed.index.nearest("n", "m", vector, 40)
        assert best[0].owner_id == changed
        assert [neighbour.owner_id for neighbour in best].count(changed) == 1
        assert indexed.index.similarities("n", "m", vector, [changed])[changed] > 0.999
        assert indexed.index.nearest("n", "m", owners[changed], 1)[0].owner_id != changed
        assert indexed.index.nearest("n", "m", owners[other], 1)[0].owner_id == other

    def test_takes_in_one_that_came_for_one_that_went(self, indexed: Indexed) -> None:
        owners = indexed.fill(40)
        newest = list(owners)[-1]
        vector, owner = unit_rows(1, seed=78)[0], name_id("vector", "came later")
        indexed.table.drop("n", "m", newest)
        indexed.table.put("n", "m", {owner: vector})
        assert indexed.index.refresh("n", "m") == 40
        assert indexed.index.nearest("n", "m", vector, 1)[0].owner_id == owner
        assert newest not in {neighbour.owner_id for neighbour in indexed.index.nearest("n", "m", vector, 50)}

    def test_gives_the_exact_cosine_of_those_asked(self, indexed: Indexed) -> None:
        owners = indexed.fill(60)
        query = unit_rows(1, seed=6)[0]
        asked = [*list(owners)[5:9], name_id("unknown")]
        found = indexed.index.similarities("n", "m", query, asked)
        assert set(found) == set(asked[:-1])
        assert all(abs(value - float(query @ owners[owner])) < _ROUNDING for owner, value in found.items())
