"""What the database computes against the same computed by hand, in plain Python: on real histories and on chance."""

import json
from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import combinations, count, pairwise
from math import log
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from seasoned.embed import open_embedder
from seasoned.model import Event, ExecutionUpdate, Span, Trace
from seasoned.model.ids import name_id
from seasoned.sample import sample_folder
from seasoned.store import TraceQuery, open_store
from seasoned.store.doctor import examine
from seasoned.store.sql import SqlStore
from seasoned.testing.stores import NOON, event, span, trace
from seasoned.workers import ImportOptions, Writer, embed_pending, import_histories

HISTORIES = sorted(sample_folder().rglob("*.jsonl"), key=lambda path: path.stat().st_size)[:6]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[SqlStore, None, None]:
    given = request.param == "postgresql"
    opened = open_store(request.getfixturevalue("postgres_url") if given else f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    opened.close()


def bring_in(store: SqlStore) -> list[Trace]:
    import_histories(HISTORIES, store, Writer(store), ImportOptions(namespace="n", redactor_key=b"k" * 32, jobs=0))
    return store.traces(TraceQuery(namespace="n", limit=10_000))


def in_order(spans: Sequence[Span]) -> list[Span]:
    return sorted((each for each in spans if each.name), key=lambda each: (each.number, each.span_id))


def test_views_show_what_the_records_say(store: SqlStore) -> None:
    traces = bring_in(store)
    assert len(traces) > 10
    with store.engine.reading() as session:
        paths = {row[0]: row[1:] for row in session.rows(
            "SELECT path_id, total_duration_ms, quality_score, steps FROM execution_paths")}  # fmt: skip
        logs = {row[0]: row[1:] for row in session.rows(
            "SELECT execution_id, status, user_prompt, duration_ms, quality_score FROM agent_execution_logs")}  # fmt: skip
        prompts = dict(session.rows("SELECT execution_id, prompt_text FROM execution_traces"))
        hooks = {row[0] for row in session.rows("SELECT span_id FROM hook_executions")}
        derived = {row[0]: row[1:] for row in session.rows(
            "SELECT execution_id, span_count, failed_span_count, step_count, path_signature FROM execution_traces")}  # fmt: skip
    for each in traces:
        spans = in_order(store.spans(each.execution_id))
        steps = [item for item in spans if item.kind in {"phase", "tool", "llm"}]
        told = paths[each.execution_id]
        assert told[:2] == (each.duration_ms, each.quality_score)
        assert [(step["name"], step["outcome"]) for step in json.loads(told[2] or "[]")] == [
            (item.name, item.outcome) for item in steps
        ]
        assert logs[each.execution_id] == (each.status, each.prompt, each.duration_ms, each.quality_score)
        assert prompts[each.execution_id] == each.prompt
        assert {item.span_id for item in spans if item.kind == "hook"} <= hooks
        signature = sha256("\x1f".join(f"{item.kind}:{item.tool or item.name}" for item in steps).encode()).hexdigest()
        failed = sum(item.outcome == "failure" for item in spans)
        assert derived[each.execution_id] == (len(spans), failed, len(steps), signature if steps else None)


def test_similarity_by_sql_is_what_a_plain_program_computes(postgres_url: str) -> None:
    """The published formula over every pair of real prompts: vectors of the built-in model, words weighed by rarity."""
    store = open_store(postgres_url)
    bring_in(store)
    embedder = open_embedder("minilm")
    embed_pending(store, embedder)
    with store.engine.reading() as session:
        ids = [row[0] for row in session.rows("SELECT fingerprint_id FROM task_fingerprints ORDER BY 1 LIMIT 12")]
        every = session.rows("SELECT prompt_tokens FROM task_fingerprints")
    known = {key: item.fingerprint for key, item in store.fingerprints(ids).items()}
    vectors = {key: memoryview(data).cast("f").tolist() for key, data in store.embeddings("n", embedder.info.model)}
    frequency: defaultdict[str, int] = defaultdict(int)
    for (tokens,) in every:
        for token in tokens:
            frequency[token] += 1

    def weight(tokens: set[str]) -> float:
        return sum(log(1 + len(every) / frequency[token]) for token in tokens)

    def cosine(one: Sequence[float], other: Sequence[float]) -> float:
        product = sum(a * b for a, b in zip(one, other, strict=True))
        return product / (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5

    compared = 0
    for one, other in combinations(ids, 2):
        a, b = known[one], known[other]
        words, others = set(a.prompt_tokens), set(b.prompt_tokens)
        keyword = weight(words & others) / weight(words | others) if words | others else 0.0
        semantic = max(0.0, min(1.0, cosine(vectors[one], vectors[other])))
        expected = 0.4 * semantic + 0.3 * keyword + 0.2 * (a.domain == b.domain) + 0.1 * (a.task_type == b.task_type)
        with store.engine.reading() as session:
            found = session.rows("SELECT compute_task_similarity(?::uuid, ?::uuid)", (one, other))[0][0]
        assert found == pytest.approx(expected, abs=2e-6), (a.normalized_prompt, b.normalized_prompt)
        compared += 1
    assert compared >= 30
    store.close()


PROMPTS = ("Fix the login test", "Write docs", "Fix the login test in src/a.py", None)
EXAMPLES = count()
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {
            "run": st.integers(0, 3),
            "revision": st.integers(1, 4),
            "prompt": st.sampled_from(PROMPTS),
            "status": st.sampled_from(["success", "failure", "aborted", "in_progress"]),
            "duration_ms": st.none() | st.integers(0, 9),
            "quality_score": st.none() | st.sampled_from([0.0, 0.25, 1.0]),
            "day": st.none() | st.integers(0, 3),
            "namespace": st.sampled_from(["n", "n", "m"]),
            "parent": st.none() | st.integers(0, 4),
            "spans": st.lists(
                st.tuples(st.integers(0, 3), st.sampled_from(["success", "failure", "unknown"])), max_size=3
            ),
        }
    ),
    min_size=1,
    max_size=8,
)


def told(number: int, operation: dict[str, object], salt: str) -> Event:
    name = f"{salt} {operation['run']}"
    parent = operation["parent"]
    run = trace(
        name,
        **{
            key: operation[key] for key in ("revision", "prompt", "status", "duration_ms", "quality_score", "namespace")
        },
        started_at=None if operation["day"] is None else NOON + timedelta(days=int(str(operation["day"]))),
        completed_at=None,
        parent_id=None if parent in {None, operation["run"]} else name_id("trace", f"{salt} {parent}"),
    )
    pieces: list[tuple[int, str]] = operation["spans"]  # pyright: ignore[reportAssignmentType]
    spans = tuple(
        span(run, f"{salt} {which}", name=f"Tool{which}", number=which, outcome=outcome) for which, outcome in pieces
    )
    return replace(event(f"{salt} {number}", namespace=run.namespace), payload=ExecutionUpdate(trace=run, spans=spans))


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(operations=OPERATIONS, cuts=st.sets(st.integers(1, 7)))
def test_counters_are_what_counting_by_hand_gives_after_anything(
    store: SqlStore, operations: list[dict[str, object]], cuts: set[int]
) -> None:
    """Pieces in any number, order and batch: traces change their prompt, spans their trace, namespaces collide."""
    salt = str(next(EXAMPLES))  # one store serves every example
    events = [told(number, operation, salt) for number, operation in enumerate(operations)]
    edges = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    for start, end in pairwise(edges):
        assert Writer(store).ingest(events[start:end]).dead == []
    first_owner: dict[str, str] = {}
    for each in events:
        first_owner.setdefault(each.update.trace.execution_id, each.namespace)
    with store.engine.reading() as session:
        rows = session.rows(
            "SELECT execution_id, namespace, fingerprint_id, status, duration_ms, quality_score FROM execution_traces"
        )
        counters = session.rows(
            "SELECT fingerprint_id, execution_count, success_count, failure_count, avg_execution_time_ms, "
            "avg_quality_score FROM task_fingerprints"
        )
    owners = {row[0]: row[1] for row in rows}
    assert {key: owners[key] for key in first_owner} == first_owner
    by_fingerprint: defaultdict[str, list[tuple[str, int | None, float | None]]] = defaultdict(list)
    for _, _, owner, status, duration, quality in rows:
        by_fingerprint[owner].append((status, duration, quality))
    for fingerprint_id, *found in counters:
        runs = by_fingerprint[fingerprint_id]
        durations = [run[1] for run in runs if run[1] is not None]
        qualities = [run[2] for run in runs if run[2] is not None]
        expected = [
            len(runs),
            sum(run[0] == "success" for run in runs),
            sum(run[0] == "failure" for run in runs),
            sum(durations) / len(durations) if durations else None,
            sum(qualities) / len(qualities) if qualities else None,
        ]
        assert found == pytest.approx(expected)
    assert examine(store).found == {}
