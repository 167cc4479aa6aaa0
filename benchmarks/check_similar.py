"""check-similar beside a vector store of the field, in one run: how long an answer takes, and how good the index is.

    python benchmarks/check_similar.py [PATHS…] [--sizes 10000 100000] [--million] [--queries N] [--json]

*In the service*: one ``Seasoned`` held open, asked for prompts that it has not seen: redaction, fingerprint, embedding
of the prompt by the built-in model, candidates by hash, vector and word, score, executions of what is returned.
*Cold*: ``seasoned check-similar-tasks --no-semantic`` as a process of its own (hashes and full text, no model), beside
the start of a Python that does nothing.
*Index*: our index and faiss on the same vectors with the same queries, ten neighbours each, one thread each. faiss
stands for the field twice: IndexFlatIP, which is exact and gives the truth for recall, and IndexHNSWFlat with our
graph's figures (16 links, 64 candidates while building, 256 while searching) in single precision.

How prompts and vectors are made: ``material/prompts.py``. PATHS: histories to take sentences from instead of the
bundled ones. Targets: service p95 ≤ 10 ms at 100,000 and ≤ 25 ms at 1,000,000; cold p95 ≤ 150 ms.
"""

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from time import perf_counter

import faiss  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from material.figures import Figures, options, show, spread, timed_ms
from material.prompts import Recombined, real_sentences, recombined_rows
from seasoned.app import Seasoned
from seasoned.embed import Vectors, open_embedder
from seasoned.model import Trace
from seasoned.model.ids import name_id
from seasoned.settings import load

_LINKS, _BUILDING, _SEARCHING = 16, 64, 256
_NEIGHBOURS = 10
_BATCH = 2_000
_MODEL_PROMPTS = 6_000


def fill(seasoned: Seasoned, prompts: Recombined, vectors: Vectors) -> list[str]:
    """Fingerprints with a vector and one finished execution each; their ids by row."""
    namespace, ids = seasoned.namespace, []
    model = seasoned.embedder.info.model  # pyright: ignore[reportOptionalMemberAccess]
    first = datetime(2026, 1, 1, tzinfo=UTC)
    stream = prompts.fingerprints(namespace)
    while batch := list(islice(stream, _BATCH)):
        start = len(ids)
        owners = [each.fingerprint_id for each in batch]
        ids += owners
        traces = [
            Trace(
                execution_id=name_id("bench", str(start + at)), namespace=namespace, revision=1, prompt=each.original_prompt,
                source="sdk", agent_name="bench", started_at=first + timedelta(seconds=start + at), duration_ms=1_000,
                status=("success", "failure", "unknown")[at % 3],
            )
            for at, each in enumerate(batch)
        ]  # fmt: skip
        with seasoned.store.writing(durable=False) as writing:
            writing.save_fingerprints(batch)
            writing.save_traces(list(zip(traces, owners, strict=True)))
            writing.refresh_derived([trace.execution_id for trace in traces], owners)
            rows = vectors[start : start + len(owners)]
            writing.save_embeddings(model, ((namespace, owner, row) for owner, row in zip(owners, rows, strict=True)))  # pyright: ignore[reportArgumentType]
    return ids


def recall(found: list[set[str]], true: list[set[str]]) -> float:
    return round(float(np.mean([len(one & other) / len(other) for one, other in zip(found, true, strict=True)])), 4)


def faiss_rows(vectors: Vectors, queries: Vectors, ids: list[str]) -> tuple[dict[str, Figures], list[set[str]]]:
    """Exact and graph; and what is true."""
    rows: dict[str, Figures] = {}
    true: list[set[str]] = []
    flat = faiss.IndexFlatIP(vectors.shape[1])
    graph = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = _BUILDING
    graph.hnsw.efSearch = _SEARCHING
    for name, index in (("faiss flat", flat), ("faiss HNSW", graph)):
        began = perf_counter()
        index.add(vectors)
        built = perf_counter() - began
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        took: list[float] = []
        found: list[set[str]] = []
        for query in queries:
            began = perf_counter()
            _, nearest = index.search(query[None], _NEIGHBOURS)
            took.append((perf_counter() - began) * 1000)
            found.append({ids[row] for row in nearest[0].tolist()})
        faiss.omp_set_num_threads(threads)
        true = true or found
        rows[name] = {**spread(took), "recall_at_10": recall(found, true), "build_s": round(built, 2)}
    return rows, true


def index_row(seasoned: Seasoned, queries: Vectors, true: list[set[str]]) -> Figures:
    index, embedder = seasoned.index, seasoned.embedder
    assert index is not None
    assert embedder is not None
    model = embedder.info.model
    began = perf_counter()
    index.refresh(seasoned.namespace, model)
    built = perf_counter() - began
    unchanged = min(timed_ms(lambda index=index: index.refresh(seasoned.namespace, model)) for _ in range(5))
    took: list[float] = []
    found: list[set[str]] = []
    for query in queries:
        began = perf_counter()
        neighbours = index.nearest(seasoned.namespace, model, query, _NEIGHBOURS)
        took.append((perf_counter() - began) * 1000)
        found.append({neighbour.owner_id for neighbour in neighbours})
    return {
        **spread(took),
        "recall_at_10": recall(found, true),
        "build_s": round(built, 2),
        "unchanged_refresh_ms": round(unchanged, 2),
    }


def grown_ms(seasoned: Seasoned, more: Recombined, vectors: Vectors) -> float:
    """Milliseconds until an index that is there has taken in these."""
    fill(seasoned, more, vectors)
    assert seasoned.index is not None
    assert seasoned.embedder is not None
    index, model = seasoned.index, seasoned.embedder.info.model
    return round(timed_ms(lambda: index.refresh(seasoned.namespace, model)), 1)


def cold(home: Path, asked: list[str], working: Path) -> dict[str, Figures]:
    """Whole processes, alternating with the reference."""
    environment = {**os.environ, "SEASONED_HOME": str(home), "HOME": str(working), "SEASONED_SERVICE": "off"}
    command = [str(Path(sys.executable).parent / "seasoned"), "check-similar-tasks", "--no-semantic", "--prompt"]
    ours: list[float] = []
    start: list[float] = []
    for prompt in asked:
        for taken, line in ((start, [sys.executable, "-c", "pass"]), (ours, [*command, prompt])):
            taken.append(
                timed_ms(lambda line=line: subprocess.run(line, env=environment, check=True, capture_output=True))
            )
    return {"cold process, no model": spread(ours), "python -c pass": spread(start)}


def measure(size: int, sentences: list[str], vectors_of: Vectors, queries: int) -> tuple[dict[str, Figures], list[str]]:
    with tempfile.TemporaryDirectory(prefix="seasoned-bench-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        with Seasoned(load({"HOME": folder, "SEASONED_HOME": str(home)}, working_dir=home)) as seasoned:
            assert seasoned.embedder is not None
            made = Recombined(sentences, vectors_of, recombined_rows(len(sentences), size + 100 + queries, seed=2))
            vectors = made.vectors(3)
            past, later, asked = (
                Recombined(made.sentences, vectors_of, made.parts[rows])
                for rows in (slice(size), slice(size, size + 100), slice(size + 100, None))
            )
            began = perf_counter()
            ids = fill(seasoned, past, vectors[:size])
            filled = perf_counter() - began
            references, true = faiss_rows(vectors[:size], vectors[size + 100 :], ids)
            ours = index_row(seasoned, vectors[size + 100 :], true)
            prompts = [asked.text(row) for row in range(queries)]
            for prompt in prompts[:5]:
                seasoned.similar(prompt)
            answers = spread([timed_ms(lambda prompt=prompt: seasoned.similar(prompt)) for prompt in prompts])
            embedder = seasoned.embedder
            embedding = spread(
                [timed_ms(lambda prompt=prompt: embedder.embed([prompt], "query")) for prompt in prompts]
            )
            words = spread([timed_ms(lambda p=prompt: seasoned.similar(p, semantic=False)) for prompt in prompts])
            grown = grown_ms(seasoned, later, vectors[size : size + 100])
            rows: dict[str, Figures] = {
                "in the service": answers,
                "… of it embedding the prompt": embedding,
                "in the service, no model": words,
                "our index": ours,
                **references,
            }
            files = sum(file.stat().st_size for file in (home / "vectors").iterdir()) / 1e6
        rows |= cold(home, prompts[:30], Path(folder))
        hnsw = references["faiss HNSW"]
        notes = [
            f"our index against faiss HNSW: p95 × {float(ours['p95_ms'] or 0) / float(hnsw['p95_ms'] or 1):.2f}, "
            f"building × {float(ours['build_s'] or 0) / float(hnsw['build_s'] or 1):.2f} (ours reads the table and "
            f"writes {files:,.0f} MB durably)",
            f"100 more vectors are found after {grown} ms; filling the store took {filled:.0f} s",
        ]
        return rows, notes


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000], help="fingerprints in the store")
    parser.add_argument("--million", action="store_true", help="1,000,000 too: some 20 minutes, 8 GB of memory")
    parser.add_argument("--queries", type=int, default=200)
    arguments = parser.parse_args()
    sentences = real_sentences(arguments.paths, _MODEL_PROMPTS)
    vectors = open_embedder().embed(sentences, "document")
    for size in [*arguments.sizes, *([1_000_000] if arguments.million else [])]:
        rows, notes = measure(size, sentences, vectors, arguments.queries)
        title = f"check-similar, {size:,} fingerprints of {len(sentences):,} real sentences"
        show(title, rows, as_json=arguments.json, notes=notes)


if __name__ == "__main__":
    main()
