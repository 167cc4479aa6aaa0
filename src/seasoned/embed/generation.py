"""Files of a vector index: written whole under a new name, made current by one rename.

``<key>.json`` is the commit point: it names a generation and says how large its files must be. A generation is
either flat (``.f32``: rows of little-endian float32, searched by brute force, exact) or a graph (``.usearch``), each
with the owner ids beside it (``.ids``: one a line, in row order). A crash at any point leaves the old generation
current and at most some orphans, which the next one removes. A generation that does not match its own description
counts as absent: the table is the truth, the index is rebuilt.

Readers keep what they have mapped: on POSIX an unlinked file lives until its last map is gone.
"""

import hashlib
import os
import secrets
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from seasoned.errors import StoreUnavailableError

__all__ = ["Generation", "current", "index_key", "indexed_models", "publish"]


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """What ``<key>.json`` says."""

    name: str
    kind: Literal["flat", "graph"]
    namespace: str
    model: str
    dimensions: int
    rows: int
    """Lines of ``.ids``; a graph may have fewer vectors, the lines of removed ones are empty."""
    live: int
    """Vectors that can be found."""
    vector_bytes: int
    ids_crc: int
    """CRC-32 of ``.ids``."""
    counted: int = -1
    """Vectors in the table when this generation was begun."""
    position: int = 0
    """The table's last change then."""
    newest: str = ""
    """Owner of that change."""

    @property
    def mark(self) -> tuple[int, int, str]:
        """State of the table when this generation was begun."""
        return self.counted, self.position, self.newest

    def vectors(self, folder: Path) -> Path:
        """The file of vectors."""
        return folder / f"{self.name}.{'f32' if self.kind == 'flat' else 'usearch'}"

    def ids(self, folder: Path) -> Path:
        """The file of owner ids."""
        return folder / f"{self.name}.ids"


def index_key(namespace: str, model: str) -> str:
    """File name stem of a namespace and model, whatever characters they have."""
    return hashlib.sha256(f"{namespace}\x1f{model}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


def current(folder: Path, key: str) -> tuple[Generation, list[str]] | None:
    """The current generation and its owner ids; None where there is none that is whole."""
    try:
        generation = msgspec.json.decode((folder / f"{key}.json").read_bytes(), type=Generation)
        ids = generation.ids(folder).read_bytes()
        size = generation.vectors(folder).stat().st_size
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    except OSError as error:
        raise StoreUnavailableError(f"vector index {folder}: {error}") from error
    lines = ids.decode("utf-8", "surrogatepass").split("\n")[:-1]
    whole = size == generation.vector_bytes and zlib.crc32(ids) == generation.ids_crc and len(lines) == generation.rows
    return (generation, lines) if whole else None


def indexed_models(folder: Path, namespace: str) -> list[str]:
    """Models of which ``folder`` holds an index of this namespace, sorted. Raises StoreUnavailableError."""
    found: set[str] = set()
    try:
        for file in folder.glob("*.json"):
            try:
                generation = msgspec.json.decode(file.read_bytes(), type=Generation)
            except (FileNotFoundError, msgspec.DecodeError):
                continue  # replaced meanwhile, or damaged: rebuilt when it is next asked for
            if generation.namespace == namespace:
                found.add(generation.model)
    except OSError as error:
        raise StoreUnavailableError(f"vector index {folder}: {error}") from error
    return sorted(found)


def publish(
    folder: Path,
    namespace: str,
    model: str,
    *,
    kind: Literal["flat", "graph"],
    dimensions: int,
    ids: list[str],
    mark: tuple[int, int, str],
    write_vectors: Callable[[Path], None],
) -> Generation:
    """Write a new generation and make it current. Call with the key's lock held. Raises StoreUnavailableError.

    ``mark``: of the table, taken before its vectors were read; what came meanwhile is then told again, never missed.
    """
    key = index_key(namespace, model)
    data = "".join(f"{owner}\n" for owner in ids).encode("utf-8", "surrogatepass")
    name = f"{key}.{secrets.token_hex(6)}"
    draft = Generation(
        name=name,
        kind=kind,
        namespace=namespace,
        model=model,
        dimensions=dimensions,
        rows=len(ids),
        live=sum(1 for owner in ids if owner),
        vector_bytes=0,
        ids_crc=zlib.crc32(data),
        counted=mark[0],
        position=mark[1],
        newest=mark[2],
    )
    try:
        write_vectors(draft.vectors(folder))
        _sync(draft.vectors(folder))
        draft.ids(folder).write_bytes(data)
        _sync(draft.ids(folder))
        done = msgspec.structs.replace(draft, vector_bytes=draft.vectors(folder).stat().st_size)
        temporary = folder / f"{name}.json.tmp"
        temporary.write_bytes(msgspec.json.encode(done))
        _sync(temporary)
        temporary.replace(folder / f"{key}.json")
        for file in folder.glob(f"{key}.*"):
            if not file.name.startswith(name) and file.suffix in (".f32", ".usearch", ".ids", ".tmp"):
                file.unlink(missing_ok=True)
    except OSError as error:
        for file in folder.glob(f"{name}.*"):
            file.unlink(missing_ok=True)
        raise StoreUnavailableError(f"vector index {folder} cannot be written: {error}") from error
    return done


def _sync(file: Path) -> None:
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())
