"""Nearest vectors: exact by brute force while that is fast, an approximate graph above.

Up to ``EXACT_LIMIT`` vectors a matrix product over a memory-mapped file is exact and takes a few milliseconds, and
nothing can be wrong with it. Above, usearch's HNSW graph (Malkov and Yashunin, https://arxiv.org/abs/1603.09320),
opened by mmap (``opened``).

Derived data: the ``embeddings`` table is the truth. An index is compared with its mark (number of vectors, position of
the last change) when a process first asks and at every ``refresh``. A few changes are kept in memory; more of them make
a new generation of the files, for which a graph is caught up rather than built anew. Several processes may share a
folder: writing holds a file lock, a reader notices a new generation by one ``stat``.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from filelock import FileLock

from seasoned.embed.generation import current, index_key, publish
from seasoned.embed.opened import Mark, Opened, empty_graph, mapped
from seasoned.embed.port import Neighbour, Vectors
from seasoned.errors import StoreUnavailableError

if TYPE_CHECKING:
    from usearch.index import Index

__all__ = ["EXACT_LIMIT", "EmbeddingReader", "UsearchIndex"]

EXACT_LIMIT = 50_000
"""Vectors up to which search is brute force."""
_IN_MEMORY = 4_096
"""Changes kept in memory before the files are written anew: 6 MB at 384 dimensions, 0.3 ms more a search."""
_CHUNK = 16_384
"""Vectors taken from the table at a time: 25 MB at 384 dimensions; a graph adds them with one thread a core."""

_ALONE = 1_024
"""Vectors of a graph that one thread adds. Several threads that add to a graph of a few vectors leave some of them
without a link that leads there: of the first 80, one in 250 was never found again; from here on none was."""


class EmbeddingReader(Protocol):
    """What an index needs of the store; ``store.port.Store`` has it."""

    def embeddings(self, namespace: str, model: str, *, after: str = "") -> Iterator[tuple[str, bytes]]:
        """(owner id, little-endian float32 bytes) in id order. Streams."""
        ...

    def embedding_mark(self, namespace: str, model: str) -> Mark:
        """(how many there are, position of the last change to any vector, its owner). Equal marks: nothing changed."""
        ...

    def embedding_changes(self, namespace: str, model: str, position: int) -> Iterator[tuple[str, bytes]]:
        """Vectors inserted or replaced at ``position`` or behind it, as in ``embeddings``, in that order. Streams."""
        ...


class UsearchIndex:
    """``VectorIndex`` in a folder of files. Thread-safe; several processes may share the folder."""

    def __init__(
        self, folder: Path, reader: EmbeddingReader, *, exact_limit: int = EXACT_LIMIT, in_memory: int = _IN_MEMORY
    ) -> None:
        """``folder`` is made when first written, for its owner alone: vectors give away what was asked.

        ``in_memory``: changes kept there before the files are written anew.
        """
        self._folder = folder
        self._reader = reader
        self._exact_limit = exact_limit
        self._in_memory = in_memory
        self._lock = threading.RLock()
        self._open: dict[str, Opened | None] = {}

    def nearest(self, namespace: str, model: str, vector: Vectors, limit: int) -> list[Neighbour]:
        """See ``VectorIndex.nearest``."""
        opened = self._current(namespace, model)
        if opened is None or limit < 1:
            return []
        found = sorted((-cosine, owner) for cosine, owner in opened.nearest(vector.astype(np.float32), limit))
        return [Neighbour(owner_id=owner, similarity=_clamp(-value)) for value, owner in found[:limit]]

    def similarities(self, namespace: str, model: str, vector: Vectors, owner_ids: Sequence[str]) -> dict[str, float]:
        """See ``VectorIndex.similarities``. Above ``EXACT_LIMIT`` right to a few 1e-5."""
        opened = self._current(namespace, model)
        if opened is None:
            return {}
        found = opened.similarities(vector.astype(np.float32), owner_ids)
        return {owner: _clamp(cosine) for owner, cosine in found.items()}

    def refresh(self, namespace: str, model: str) -> int:
        """See ``VectorIndex.refresh``. Costs one look at the table's mark where nothing has changed."""
        key = index_key(namespace, model)
        with self._lock:
            opened = self._opened(key)
            mark = self._reader.embedding_mark(namespace, model)
            if opened is None and not mark[0]:
                self._open[key] = None
                return 0
            if opened is not None and opened.seen != mark:
                opened = self._caught_up(opened, namespace, model, mark)
            if opened is None:
                return self._renew(key, namespace, model)
            self._open[key] = opened
            return opened.live

    def rebuild(self, namespace: str, model: str) -> int:
        """Build anew from the table, whatever is there."""
        with self._lock:
            return self._renew(index_key(namespace, model), namespace, model, anew=True)

    def _current(self, namespace: str, model: str) -> Opened | None:
        key = index_key(namespace, model)
        with self._lock:
            if key not in self._open:
                self.refresh(namespace, model)
            return self._opened(key)

    def _opened(self, key: str) -> Opened | None:
        """The current generation, opened again when the file says that it is another one."""
        try:
            stat = (self._folder / f"{key}.json").stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailableError(f"vector index {self._folder}: {error}") from error
        stamp = (stat.st_ino, stat.st_mtime_ns)
        opened = self._open.get(key)
        if opened is not None and opened.stamp == stamp:
            return opened
        found = current(self._folder, key)
        opened = mapped(self._folder, *found, stamp) if found is not None else None
        if opened is not None:
            self._open[key] = opened
        return opened

    def _caught_up(self, opened: Opened, namespace: str, model: str, mark: Mark) -> Opened | None:
        """With the table's changes in memory; None where they are too many, or where something was taken out."""
        _, position, newest = opened.seen
        if mark[1] < position or (mark[0] > self._exact_limit) != (opened.generation.kind == "graph"):
            return None
        # What is cut off here is too much in any case.
        told = islice(self._reader.embedding_changes(namespace, model, position), self._in_memory + 2)
        changes = {owner: data for place, (owner, data) in enumerate(told) if place or owner != newest}
        if len(changes.keys() | opened.newer.keys()) > self._in_memory:
            return None
        caught = opened.with_newer({owner: _row(data) for owner, data in changes.items()}, mark)
        return caught if caught.live == mark[0] else None

    def _renew(self, key: str, namespace: str, model: str, *, anew: bool = False) -> int:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailableError(f"vector index {self._folder}: {error}") from error
        with FileLock(self._folder / f"{key}.lock"):
            mark = self._reader.embedding_mark(namespace, model)
            opened = None if anew else self._opened(key)  # another process may have renewed it meanwhile
            if opened is None or opened.generation.mark != mark:
                if mark[0] > self._exact_limit:
                    self._renew_graph(namespace, model, opened, mark)
                else:
                    self._renew_flat(namespace, model, mark)
        opened = self._opened(key)
        self._open[key] = opened
        return opened.live if opened else 0

    def _renew_flat(self, namespace: str, model: str, mark: Mark) -> None:
        ids: list[str] = []
        chunks = [rows for part, rows in _chunks(self._reader.embeddings(namespace, model)) if ids.extend(part) is None]
        dimensions = chunks[0].shape[1] if chunks else 0

        def write(file: Path) -> None:
            with file.open("wb") as handle:
                for rows in chunks:
                    handle.write(rows.astype("<f4").tobytes())

        publish(
            *(self._folder, namespace, model),
            kind="flat", dimensions=dimensions, ids=ids, mark=mark, write_vectors=write,
        )  # fmt: skip

    def _renew_graph(self, namespace: str, model: str, opened: Opened | None, mark: Mark) -> None:
        """The graph that there is with the changes since; a new one where there is none, or where that does not add up.

        Changes name what came, not what went: where the numbers differ then, something was deleted.
        """
        built: _Growing | None = None
        if opened is not None and opened.graph is not None and opened.generation.position <= mark[1]:
            built = _Growing.of(opened, self._folder)
            built.take(self._reader.embedding_changes(namespace, model, opened.generation.position))
            if built.live < mark[0]:
                built = None
            elif built.live > mark[0]:
                built.keep_only({owner for owner, _ in self._reader.embeddings(namespace, model)})
        if built is None:
            built = _Growing()
            built.take(self._reader.embeddings(namespace, model))
        graph = cast(Any, built.graph)
        publish(
            *(self._folder, namespace, model),
            kind="graph", dimensions=graph.ndim, ids=built.ids, mark=mark,
            write_vectors=lambda file: graph.save(str(file)),
        )  # fmt: skip


class _Growing:
    """A graph in the making, with the owner of each of its rows."""

    def __init__(self) -> None:
        self.graph: Index | None = None
        self.ids: list[str] = []
        self._rows: dict[str, int] = {}

    @classmethod
    def of(cls, opened: Opened, folder: Path) -> "_Growing":
        """A copy of what lies in the files."""
        grown = cls()
        grown.graph = empty_graph(opened.generation.dimensions)
        cast(Any, grown.graph).load(str(opened.generation.vectors(folder)))
        grown.ids = list(opened.ids)
        grown._rows = dict(opened.rows)
        return grown

    @property
    def live(self) -> int:
        return len(self._rows)

    def take(self, vectors: Iterable[tuple[str, bytes]]) -> None:
        """Add these, each in place of what its owner had."""
        for owners, rows in _chunks(vectors):
            if self.graph is None:
                self.graph = empty_graph(rows.shape[1])
            for owner in owners:
                self._remove(owner)
            keys = np.arange(len(self.ids), len(self.ids) + len(owners), dtype=np.uint64)
            alone = max(0, min(len(keys), _ALONE - len(self.graph)))
            self.graph.add(keys[:alone], rows[:alone], threads=1)
            self.graph.add(keys[alone:], rows[alone:])
            self._rows.update(zip(owners, keys.tolist(), strict=True))
            self.ids.extend(owners)

    def keep_only(self, owners: set[str]) -> None:
        """Take out every other."""
        for owner in [owner for owner in self._rows if owner not in owners]:
            self._remove(owner)

    def _remove(self, owner: str) -> None:
        row = self._rows.pop(owner, None)
        if row is not None:
            assert self.graph is not None
            self.graph.remove(row)
            self.ids[row] = ""


def _chunks(vectors: Iterable[tuple[str, bytes]]) -> Iterator[tuple[list[str], Vectors]]:
    stream = iter(vectors)
    while part := dict(islice(stream, _CHUNK)):
        yield list(part), _matrix(list(part.values()))


def _matrix(data: Sequence[bytes]) -> Vectors:
    return np.frombuffer(b"".join(data), dtype="<f4").reshape(len(data), -1).astype(np.float32)


def _row(data: bytes) -> Vectors:
    return np.frombuffer(data, dtype="<f4").astype(np.float32)


def _clamp(value: float) -> float:
    return max(-1.0, min(1.0, value))
