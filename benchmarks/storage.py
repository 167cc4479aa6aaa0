"""Bytes of database per span, index and event log included, beside gzip of the transcripts that the spans came from.

    python benchmarks/storage.py [PATHS…] [--json]

The histories (the bundled sample, unless others are given) are imported into an empty SQLite store, without vectors and
with; the write-ahead log is folded in before the file is measured. An empty store counts too: it is what a small sample
mostly consists of, so it is also given apart. Target: at most 1.5 KB (1,536 bytes) per span of a typical coding trace.
"""

import gzip
import tempfile
from pathlib import Path

from material.figures import Figures, options, show
from material.history import SAMPLE, opened
from seasoned.capture import find


def database_bytes(home: Path) -> int:
    return sum(file.stat().st_size for file in home.glob("seasoned.db*"))


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    arguments = parser.parse_args()
    paths = arguments.paths or [SAMPLE]
    files = [found.path for found in find(paths, [])]
    raw = sum(file.stat().st_size for file in files)
    packed = sum(len(gzip.compress(file.read_bytes())) for file in files)
    with tempfile.TemporaryDirectory(prefix="seasoned-bench-") as folder:
        homes = {name: Path(folder) / name for name in ("empty", "rows")}
        with opened(homes["empty"]) as seasoned:
            seasoned.store.counts(seasoned.namespace)
        with opened(homes["rows"]) as seasoned:
            seasoned.import_histories(paths, jobs=0)
            spans = seasoned.store.counts(seasoned.namespace).spans
        empty, rows = (database_bytes(home) for home in homes.values())
        with opened(homes["rows"]) as seasoned:
            seasoned.embed_pending()
            assert seasoned.index is not None
            assert seasoned.embedder is not None
            seasoned.index.refresh(seasoned.namespace, seasoned.embedder.info.model)
        vectors = database_bytes(homes["rows"]) + sum(
            file.stat().st_size for file in (homes["rows"] / "vectors").iterdir()
        )

    def row(size: int) -> Figures:
        return {"bytes": size, "bytes_per_span": round(size / spans, 1), "ratio_to_gzip": round(size / packed, 2)}

    figures = {
        "database": row(rows), "… without an empty one": row(rows - empty), "… with vectors and their index": row(vectors),
        "transcripts": row(raw), "gzip of the transcripts": row(packed),
    }  # fmt: skip
    show(
        f"storage of {spans:,} spans from {len(files)} transcripts",
        figures,
        as_json=arguments.json,
        notes=["target: 1,536 bytes per span"],
    )


if __name__ == "__main__":
    main()
