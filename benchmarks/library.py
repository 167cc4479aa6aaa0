"""The library at 1,000 and 10,000 patterns on SQLite and PostgreSQL, as an agent calls it in a service that is warm.

    python benchmarks/library.py [--sizes 1000 10000] [--repeat N] [--sqlite-only] [--json]

Patterns are what the learner draws from real runs (``tests/data/tau-bench/recurring.json``), copied with other texts: real
sentences recombined (``material/prompts.py``), which are also the questions; vectors are those of the sentences, made by
the built-in model. A third is private and nobody's business of the caller, every second of the rest is active. *by
meaning* is a search by words and meaning without the time for embedding the question, which is a row of its own. *lookup*
is the reference for whatever reads rows: one row by its key in plain SQL, in the same run; *brute force* that for
whatever compares vectors: NumPy over the same matrix. *ratio* is to the reference, *growth* to the smaller size. Targets
of ours: search p95 ≤ 25 ms, recommend ≤ 50 ms, analytics ≤ 200 ms when nothing is kept of it.
"""

import gc
import random
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import psycopg

from material.figures import Figures, options, show, spread, timed_ms
from material.prompts import Recombined, real_sentences, recombined_rows
from seasoned.capture import Redactor, Report, Source, importer
from seasoned.embed import Embedder, EmbedderInfo, Vectors, open_embedder
from seasoned.library import Library
from seasoned.library.trust import judged
from seasoned.library.words import keywords_of
from seasoned.model import Identity, Pattern, PatternUsage
from seasoned.model.ids import name_id
from seasoned.store import PatternQuery, SqlStore, open_store
from seasoned.testing.postgres import postgres_server
from seasoned.workers import Writer, event_of, learn_history

_TRIALS = Path(__file__).parents[1] / "tests/data/tau-bench/recurring.json"
_NAMESPACE = "bench"
_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_QUESTIONS = 40
_BATCH = 1_000
_LEVELS: tuple[Literal["private", "team", "public"], ...] = ("private", "team", "public")
_OWNERS = ("ana", "ben", "lea", "me")


class Prepared:
    """The built-in embedder, with the vectors of the questions made beforehand."""

    def __init__(self, model: Embedder, texts: Sequence[str]) -> None:
        self.model = model
        self.known = dict(zip(texts, model.embed(texts, "query"), strict=True))

    @property
    def info(self) -> EmbedderInfo:
        return self.model.info

    def embed(
        self, texts: Sequence[str], kind: Literal["query", "document"], *, most_tokens: int | None = None
    ) -> Vectors:
        found = [self.known.get(text) for text in texts]
        if any(each is None for each in found):
            return self.model.embed(texts, kind, most_tokens=most_tokens)
        return np.stack([each for each in found if each is not None])


def originals(folder: Path) -> list[Pattern]:
    """What the learner draws from the recurring runs."""
    with closing(open_store(f"sqlite:///{folder / 'originals.db'}")) as store:
        source = Source(path=_TRIALS, namespace=_NAMESPACE, size=_TRIALS.stat().st_size)
        Writer(store).ingest([event_of(each.update, now=_NOW) for each in importer("tau_bench").read(source, Report())])
        learn_history(store, _NAMESPACE, model=None, now=_NOW)
        return store.patterns(PatternQuery(namespace=_NAMESPACE, limit=1_000))


def copies(real: Sequence[Pattern], texts: Sequence[str]) -> Iterator[Pattern]:
    """One for each text. Every tenth is the next version of the one before."""
    draw = random.Random(3)
    before: Pattern | None = None
    for number, text in enumerate(texts):
        original = real[number % len(real)]
        words = text.split()
        plain = replace(
            original,
            pattern_id=name_id("bench", str(number)), pattern_name=f"{' '.join(words[:8])[:150]} {number}",
            agent_id=_OWNERS[draw.randrange(3)], access_level=_LEVELS[draw.randrange(3)],
            category=f"kind {draw.randrange(12)}", subcategory=f"area {draw.randrange(20)}", fingerprint_id=None,
            execution_ids=(), duplicate_of=None, status="active" if draw.random() < 0.5 else "candidate",
            pattern_data={**(original.pattern_data or {}), "problem": text, "solution": " ".join(reversed(words))},
            review_flags=(), parent_pattern_id=before.pattern_id if before and number % 10 == 9 else None,
        )  # fmt: skip
        before = replace(plain, keywords=keywords_of(plain))
        yield before


def fill(store: SqlStore, patterns: Sequence[Pattern], vectors: Vectors, model: str) -> None:
    """Patterns, three usages for every second, and vectors."""
    draw = random.Random(4)
    for start in range(0, len(patterns), _BATCH):
        part = patterns[start : start + _BATCH]
        with store.writing(durable=False) as writing:
            writing.save_patterns(part)
            for pattern in part[::2]:
                for use in range(3):
                    usage = PatternUsage(
                        usage_id=name_id("use", pattern.pattern_id, str(use)), pattern_id=pattern.pattern_id,
                        namespace=_NAMESPACE, agent_id=_OWNERS[draw.randrange(len(_OWNERS))], success=draw.random() < 0.8,
                        execution_time_ms=1_000, used_at=datetime.now(UTC) - timedelta(minutes=draw.randrange(60_000)),
                    )  # fmt: skip
                    writing.save_usage(usage)
            writing.save_standing([judged(found, ()) for each in part if (found := writing.pattern(each.pattern_id))])
            rows = [(each.namespace, each.pattern_id, vectors[start + at].tolist()) for at, each in enumerate(part)]
            writing.save_pattern_embeddings(model, rows)


def measured(call: Callable[[int], object], repeat: int) -> list[float]:
    """Milliseconds of each call, which is told its number; the first two are not counted."""
    for number in range(2):
        call(number)
    gc.collect()
    return [timed_ms(lambda number=number: call(number)) for number in range(2, repeat + 2)]


def calls(
    library: Library, words_only: Library, questions: Sequence[str], ids: Sequence[str], tag: str
) -> Iterator[tuple[str, str, Callable[[int], object]]]:
    """Row, its reference, and the call."""

    def question(number: int) -> str:
        return questions[number % len(questions)]

    yield "search, words", "lookup", lambda number: words_only.search_patterns(question(number), limit=10)
    yield "search, by meaning", "brute force", lambda number: library.search_patterns(question(number), limit=10)
    yield "search, by category", "lookup", lambda number: library.search_patterns(category=f"kind {number % 12}")
    yield "recommend", "lookup", lambda _: library.recommend_patterns()
    yield (
        "recommend for a task",
        "brute force",
        lambda number: library.recommend_patterns(context_data={"task": question(number)}),
    )
    yield "get", "lookup", lambda number: library.get_pattern(ids[number % len(ids)])
    yield "analytics, kept", "lookup", lambda _: library.get_pattern_analytics()

    def anew(_: int) -> object:
        library.cache.clear()
        return library.get_pattern_analytics()

    yield "analytics, anew", "lookup", anew
    yield "learning opportunities", "lookup", lambda _: library.suggest_learning_opportunities()
    yield "review queue", "lookup", lambda _: library.review_queue(20)
    yield "use", "lookup", lambda number: library.use_pattern(ids[number % len(ids)], success=True)
    yield (
        "create",
        "lookup",
        lambda number: library.create_pattern(
            f"{tag} {number}", "kind 1", {"problem": question(number), "solution": "as before"}
        ),
    )


def lookup(url: str, ids: Sequence[str], stack: ExitStack) -> Callable[[int], object]:
    """One row by its key, in plain SQL."""
    if url.startswith("sqlite"):
        raw = stack.enter_context(closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)))
        sql = "SELECT * FROM patterns WHERE pattern_id = ?"
        return lambda number: raw.execute(sql, (ids[number % len(ids)],)).fetchall()
    there = stack.enter_context(psycopg.connect(url, autocommit=True))
    return lambda number: there.execute(
        "SELECT * FROM patterns WHERE pattern_id = %s", (ids[number % len(ids)],)
    ).fetchall()


def figures_of(
    url: str, patterns: Sequence[Pattern], vectors: Vectors, questions: Sequence[str], model: Prepared, repeat: int
) -> dict[str, Figures]:
    """Every row on one store."""
    rows: dict[str, Figures] = {}
    with ExitStack() as stack:
        store = stack.enter_context(closing(open_store(url)))
        fill(store, patterns, vectors, model.info.model)
        me = Identity(namespace=_NAMESPACE, agent_id="me", role="librarian")

        def library(embedder: Prepared | None) -> Library:
            return Library(store, me, redactor=Redactor(b"0" * 32), clock=lambda: datetime.now(UTC), embedder=embedder)

        ids = [each.pattern_id for each in patterns if each.access_level != "private"][:: max(1, len(patterns) // 200)]
        asked = [model.known[each] for each in questions]
        references = {
            "lookup": measured(lookup(url, ids, stack), repeat),
            "brute force": measured(lambda n: np.argsort(vectors @ asked[n % len(asked)])[-200:], repeat),
        }
        rows |= {name: spread(took) for name, took in references.items()}
        for name, beside, call in calls(library(model), library(None), questions, ids, f"{len(patterns)} made"):
            took = spread(measured(call, repeat))
            least = float(rows[beside]["p50_ms"] or 1)
            rows[name] = {**took, "beside": beside, "ratio_p50": round(float(took["p50_ms"] or 0) / least, 1)}
    return rows


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[1_000, 10_000])
    parser.add_argument("--repeat", type=int, default=40)
    parser.add_argument("--sqlite-only", action="store_true")
    arguments = parser.parse_args()
    sizes: list[int] = sorted(arguments.sizes)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seasoned-bench-")))
        model = open_embedder("minilm")
        sentences = real_sentences((), 2_000)
        made = Recombined(
            sentences, model.embed(sentences, "document"), recombined_rows(len(sentences), sizes[-1], seed=8)
        )
        texts = [made.text(row) for row in range(sizes[-1])]
        vectors = made.vectors(9)
        questions = sentences[:: max(1, len(sentences) // _QUESTIONS)][:_QUESTIONS]
        prepared = Prepared(model, questions)
        patterns = list(copies(originals(folder), texts))
        server = None if arguments.sqlite_only else stack.enter_context(postgres_server())
        embedding = spread(measured(lambda n: model.embed([questions[n % _QUESTIONS]], "query"), arguments.repeat))
        for engine in ("SQLite", "PostgreSQL") if server is not None else ("SQLite",):
            rows: dict[str, Figures] = {"embedding a question": embedding}
            before: dict[str, Figures] = {}
            for size in sizes:
                with ExitStack() as database:
                    url = f"sqlite:///{folder / f'{size}.db'}"
                    if engine == "PostgreSQL" and server is not None:
                        url = database.enter_context(server.database())
                    found = figures_of(url, patterns[:size], vectors[:size], questions, prepared, arguments.repeat)
                for name, row in found.items():
                    smaller = float(before[name]["p50_ms"] or 0) if before else 0.0
                    growth = round(float(row["p50_ms"] or 0) / smaller, 1) if smaller else None
                    rows[f"{name}, {size:,}"] = {**row, "growth": growth}
                before = found
            show(f"library on {engine}", rows, as_json=arguments.json)


if __name__ == "__main__":
    main()
