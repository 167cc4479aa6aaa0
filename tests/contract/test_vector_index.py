"""The index file under its contract, exact and as a graph; crashes, damage, and several processes."""

from pathlib import Path

import pytest

from seasoned.embed import UsearchIndex
from seasoned.errors import StoreUnavailableError
from seasoned.testing.indexes import Indexed, Table, VectorIndexContract, unit_rows


class TestExact(VectorIndexContract):
    @pytest.fixture
    def indexed(self, tmp_path: Path) -> Indexed:
        table = Table()
        return Indexed(table=table, index=UsearchIndex(tmp_path / "vectors", table))


class TestGraph(VectorIndexContract):
    """Graphs from the second vector on. Approximate in general; at these sizes it must find everything."""

    @pytest.fixture(params=[0, 4, 4_096], ids=["in-files", "few-in-memory", "in-memory"])
    def indexed(self, tmp_path: Path, request: pytest.FixtureRequest) -> Indexed:
        table = Table()
        index = UsearchIndex(tmp_path / "vectors", table, exact_limit=1, in_memory=int(request.param))
        return Indexed(table=table, index=index)


@pytest.fixture(params=[50_000, 10], ids=["exact", "graph"])
def limit(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_opens_again_without_reading_the_table(tmp_path: Path, limit: int) -> None:
    table = Table()
    owners = Indexed(table=table, index=UsearchIndex(tmp_path, table, exact_limit=limit)).fill(30)

    class CountOnly(Table):
        def embeddings(self, namespace: str, model: str, *, after: str = ""):
            raise AssertionError("the table was read")

        embedding_changes = embeddings  # pyright: ignore[reportAssignmentType]

    index = UsearchIndex(tmp_path, CountOnly(table.rows, table.written), exact_limit=limit)
    for owner, vector in owners.items():
        assert index.nearest("n", "m", vector, 1)[0].owner_id == owner


@pytest.mark.parametrize("damage", ["cut", "emptied", "gone", "ids", "no-json"])
def test_is_rebuilt_when_a_file_is_damaged(tmp_path: Path, limit: int, damage: str) -> None:
    table = Table()
    owners = Indexed(table=table, index=UsearchIndex(tmp_path, table, exact_limit=limit)).fill(30)
    (vectors,) = [file for file in tmp_path.iterdir() if file.suffix in (".f32", ".usearch")]
    (ids,) = tmp_path.glob("*.ids")
    (described,) = tmp_path.glob("*.json")
    match damage:
        case "cut":
            vectors.write_bytes(vectors.read_bytes()[:-7])
        case "emptied":
            vectors.write_bytes(b"")
        case "gone":
            vectors.unlink()
        case "ids":
            ids.write_bytes(ids.read_bytes().replace(b"\n", b"x\n", 1))
        case _:
            described.write_text("{")
    index = UsearchIndex(tmp_path, table, exact_limit=limit)
    for owner, vector in owners.items():
        assert index.nearest("n", "m", vector, 1)[0].owner_id == owner


def test_a_crash_before_the_rename_leaves_the_old_index(tmp_path: Path, limit: int) -> None:
    table = Table()
    owners = Indexed(table=table, index=UsearchIndex(tmp_path, table, exact_limit=limit)).fill(30)
    key = next(iter(tmp_path.glob("*.json"))).stem
    for orphan in (f"{key}.dead.f32", f"{key}.dead.ids", f"{key}.dead.json.tmp"):
        (tmp_path / orphan).write_bytes(b"half")
    index = UsearchIndex(tmp_path, table, exact_limit=limit)
    owner, vector = next(iter(owners.items()))
    assert index.nearest("n", "m", vector, 1)[0].owner_id == owner
    index.rebuild("n", "m")
    assert not list(tmp_path.glob("*.dead.*"))


def test_another_process_sees_new_files(tmp_path: Path, limit: int) -> None:
    table = Table()
    mine, theirs = (UsearchIndex(tmp_path, table, exact_limit=limit, in_memory=4) for _ in range(2))
    Indexed(table=table, index=mine).fill(30)
    assert len(theirs.nearest("n", "m", unit_rows(1, seed=5)[0], 100)) == 30
    added = Indexed(table=table, index=mine).fill(5, seed=2)
    owner, vector = next(iter(added.items()))
    assert theirs.nearest("n", "m", vector, 1)[0].owner_id == owner


def test_a_few_changes_leave_the_files_alone(tmp_path: Path, limit: int) -> None:
    table = Table()
    mine, theirs = (UsearchIndex(tmp_path, table, exact_limit=limit, in_memory=9) for _ in range(2))
    Indexed(table=table, index=mine).fill(30)
    files = {file.name for file in tmp_path.iterdir()}
    added = {**Indexed(table=table, index=mine).fill(5, seed=2), **Indexed(table=table, index=mine).fill(4, seed=3)}
    assert {file.name for file in tmp_path.iterdir()} == files
    for owner, vector in added.items():
        assert theirs.nearest("n", "m", vector, 1)[0].owner_id == owner
        assert mine.nearest("n", "m", vector, 1)[0].owner_id == owner
    Indexed(table=table, index=mine).fill(1, seed=4)
    assert {file.name for file in tmp_path.iterdir()} != files
    assert len(mine.nearest("n", "m", unit_rows(1, seed=5)[0], 100)) == 40


def test_rebuild_takes_in_a_replaced_vector(tmp_path: Path, limit: int) -> None:
    table = Table()
    index = UsearchIndex(tmp_path, table, exact_limit=limit)
    owner = next(iter(Indexed(table=table, index=index).fill(30)))
    vector = unit_rows(1, seed=77)[0]
    table.put("n", "m", {owner: vector})
    assert index.rebuild("n", "m") == 30
    assert index.nearest("n", "m", vector, 1)[0].owner_id == owner


def test_grows_from_exact_to_graph(tmp_path: Path) -> None:
    table = Table()
    indexed = Indexed(table=table, index=UsearchIndex(tmp_path, table, exact_limit=50))
    indexed.fill(40)
    assert list(tmp_path.glob("*.f32"))
    owners = indexed.fill(40, seed=2)
    assert [file.suffix for file in tmp_path.iterdir() if file.suffix in (".f32", ".usearch")] == [".usearch"]
    for owner, vector in owners.items():
        assert indexed.index.nearest("n", "m", vector, 1)[0].owner_id == owner


def test_the_folder_is_its_owner_s_alone(tmp_path: Path) -> None:
    table = Table()
    Indexed(table=table, index=UsearchIndex(tmp_path / "vectors", table)).fill(3)
    assert (tmp_path / "vectors").stat().st_mode & 0o077 == 0


def test_says_so_when_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    table = Table()
    with pytest.raises(StoreUnavailableError, match="vector index"):
        Indexed(table=table, index=UsearchIndex(tmp_path / "file" / "vectors", table)).fill(3)
