"""What the database itself promises to people who use it by SQL: constraints, cascades, views, functions."""

import json
import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seasoned.embed.port import Neighbour
from seasoned.errors import StoreError, UsageError
from seasoned.model import Artifact
from seasoned.model.ids import name_id
from seasoned.store import open_store
from seasoned.store.doctor import examine
from seasoned.store.pgvector import PgVectorIndex, ensure_index
from seasoned.store.rows import codec_of
from seasoned.store.schema import METADATA, index_statements
from seasoned.store.session import Session
from seasoned.store.sql import SqlStore
from seasoned.testing.stores import NOON, fingerprint, save, span, trace


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[SqlStore, None, None]:
    given = request.param == "postgresql"
    opened = open_store(request.getfixturevalue("postgres_url") if given else f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    opened.close()


@pytest.fixture
def pg(postgres_url: str) -> Generator[SqlStore, None, None]:
    opened = open_store(postgres_url)
    yield opened
    opened.close()


def add_pattern(session: Session, name: str, *, parent: str | None = None, **values: object) -> str:
    """A pattern with the columns that must be there, and ``values``."""
    codec = codec_of(session.dialect)
    none, at = codec.list(()), codec.time(NOON)
    lists = ("shared_with_agents", "execution_ids", "required_tools", "applicable_domains", "technology_requirements")
    row: dict[str, object] = {
        **dict.fromkeys((*lists, "review_flags"), none),
        "pattern_id": name_id("pattern", name),
        "parent_pattern_id": name_id("pattern", parent) if parent else None,
        "pattern_name": name,
        "namespace": "n",
        "agent_id": "a",
        "pattern_type": "fix",
        "status": "active",
        "access_level": "team",
        "version": "1.0.0",
        "origin_trust": "own",
        "created_at": at,
        "updated_at": at,
        **values,
    }
    session.run(f"INSERT INTO patterns ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    return str(row["pattern_id"])


def test_deleting_a_fingerprint_deletes_what_hangs_on_it(store: SqlStore) -> None:
    gone, kept = fingerprint("gone", "word", "x"), fingerprint("kept", "word")
    runs = [trace("1"), trace("2")]
    save(store, [(runs[0], gone), (runs[1], kept)], [span(run, run.execution_id) for run in runs])
    with store.writing() as writing:
        writing.save_embeddings("m", [("n", item.fingerprint_id, [1.0, 0.0]) for item in (gone, kept)])
    with store.engine.writing(durable=True) as session:
        session.run("DELETE FROM task_fingerprints WHERE fingerprint_id = ?", (gone.fingerprint_id,))
    counts = store.counts("n")
    assert (counts.traces, counts.spans, counts.fingerprints) == (1, 1, 1)
    assert store.spans(runs[0].execution_id) == []
    assert [owner for owner, _ in store.embeddings("n", "m")] == [kept.fingerprint_id]
    assert store.document_frequencies("n", ["word", "x"]) == ({"word": 1, "x": 0}, 1)
    assert store.keyword_candidates("n", ["x", "word"], 5) == [kept.fingerprint_id]
    assert examine(store).found == {}


def test_deleting_a_version_moves_its_children_to_its_parent(store: SqlStore) -> None:
    with store.engine.writing(durable=True) as session:
        first = add_pattern(session, "1")
        middle = add_pattern(session, "2", parent="1")
        last = add_pattern(session, "3", parent="2")
    with store.engine.writing(durable=True) as session:
        session.run("DELETE FROM patterns WHERE pattern_id = ?", (middle,))
        assert session.rows("SELECT parent_pattern_id FROM patterns WHERE pattern_id = ?", (last,)) == [(first,)]


def test_every_score_rate_and_enumeration_is_checked(store: SqlStore) -> None:
    """One wrong value for each column that the data model limits; the constraint that stops it names the column."""
    wrong: dict[str, Any] = {
        "status": "x",
        "pattern_type": "x",
        "access_level": "x",
        "origin_trust": "x",
        "success_score": 1.01,
        "success_rate": -0.01,
        "confidence_score": 2,
        "learning_weight": 10.5,
        "avg_quality_improvement": -1.5,
        "complexity_score": 7,
        "usage_count": -1,
        "evidence_count": -3,
    }
    for column, value in wrong.items():
        with (
            pytest.raises(StoreError, match=f"ck_patterns_(?:{column}|outcomes|evidence)"),
            store.engine.writing(durable=True) as session,
        ):
            add_pattern(session, "p", **{column: value})
    with store.engine.writing(durable=True) as session:
        add_pattern(session, "p", learning_weight=10, success_rate=1, avg_quality_improvement=-1)


def test_no_score_or_rate_is_without_its_check() -> None:
    unchecked: list[str] = []
    for table in METADATA.tables.values():
        checked = " ".join(str(getattr(c, "sqltext", "")) for c in table.constraints)
        for column in table.columns:
            named = column.name.endswith(("_score", "_rate", "_confidence", "_coverage")) or column.name == "confidence"
            listed = column.name in {"status", "state", "kind", "outcome_tier", "role", "period", "arm", "topic"}
            if (
                named or (listed and table.name not in {"dead_letters", "import_state"})
            ) and f"{column.name} " not in checked:
                unchecked.append(f"{table.name}.{column.name}")
    # what an importer remembers is a document; dead letters keep the topic as it came
    assert unchecked == []


def test_views_show_the_rows_under_the_names_of_the_field(store: SqlStore) -> None:
    run = trace("1", tags=("a",), quality_score=0.5)
    steps = [
        span(run, "b", number=1, name="Edit", outcome="failure", error_type="tool_error"),
        span(run, "a", number=0, name="Bash", duration_ms=5),
        span(run, "h", number=2, kind="hook", name="PreToolUse"),
        span(run, "e", number=3, kind="endpoint", name="/api/x"),
    ]
    save(store, [(run, fingerprint("f"))], steps)
    with store.engine.writing(durable=True) as session:
        add_pattern(session, "p", success_rate=0.25, usage_count=4, success_count=1)
        path = session.rows("SELECT path_id, total_duration_ms, quality_score, steps FROM execution_paths")[0]
        assert path[:3] == (run.execution_id, 5000, 0.5)
        assert [(step["name"], step["outcome"]) for step in json.loads(path[3])] == [
            ("Bash", "unknown"),
            ("Edit", "failure"),
        ]
        assert session.rows("SELECT reuse_count, success_rate FROM success_patterns") == [(4, 25.0)]
        assert session.rows("SELECT status, duration_ms FROM agent_execution_logs") == [("success", 5000)]
        assert session.rows("SELECT hook_name FROM hook_executions") == [("PreToolUse",)]
        assert session.rows("SELECT endpoint FROM endpoint_calls") == [("/api/x",)]
        assert session.rows("SELECT prompt_text, step_count FROM execution_traces") == [("do 1", 2)]
        for view in ("learning_patterns", "pattern_usage_log", "pattern_usage_history", "error_patterns"):
            session.rows(f"SELECT * FROM {view}")


def test_the_doctor_finds_and_repairs_what_is_off(store: SqlStore) -> None:
    owner = fingerprint("a", "one", "two")
    run = trace("1")
    save(store, [(run, owner), (trace("2"), owner)], [span(run, "s")])
    with store.writing() as writing:
        writing.save_embeddings("m", [("n", owner.fingerprint_id, [1.0]), ("n", name_id("nobody"), [1.0])])
        writing.commit_offset("w", 99)
    damage = {
        "trace_counters": "UPDATE execution_traces SET step_count = 7, path_signature = NULL WHERE prompt = 'do 1'",
        "fingerprint_counters": "UPDATE task_fingerprints SET success_count = 9, avg_quality_score = 0.5",
        "keyword_counts": "UPDATE keyword_counts SET fingerprints = 5 WHERE token IN ('one', '')",
        "span_namespaces": "UPDATE spans SET namespace = 'other'",
    }
    if store.engine.dialect == "sqlite":
        damage["full_text"] = "INSERT INTO fingerprint_search (rowid, terms) VALUES (999, '6ex6f6e65')"
    with store.engine.writing(durable=True) as session:
        for statement in damage.values():
            session.run(statement)
        add_pattern(session, "p", usage_count=3, success_count=1)
    found = examine(store)
    expected = {
        "trace_counters": 1,
        "fingerprint_counters": 1,
        "keyword_counts": 2,
        "span_namespaces": 1,
        "pattern_counters": 1,
        "orphan_embeddings": 1,
        "consumer_offsets": 1,
        **({"full_text": 1} if "full_text" in damage else {}),
    }
    assert found.found == expected
    assert not found.sound
    by_check = {finding.check: finding for finding in found.findings}
    assert by_check["trace_counters"].subject == run.execution_id
    assert "step_count=7" in by_check["trace_counters"].found
    assert "step_count=1" in by_check["trace_counters"].expected
    assert by_check["fingerprint_counters"].expected == "success_count=2, avg_quality_score=None"
    repaired = examine(store, repair=True)
    assert repaired.repaired == sum(expected.values())
    assert examine(store).found == {}
    with store.writing() as writing:
        assert writing.committed_offset("w") == 0  # applied again from the beginning, which changes nothing
    assert store.keyword_candidates("n", ["one"], 5) == [owner.fingerprint_id]


DAMAGE = {
    "foreign_keys": ("PRAGMA foreign_keys=OFF", "DELETE FROM execution_traces WHERE prompt = 'do 1'"),
    "artifact_fingerprints": ("UPDATE code_artifacts SET fingerprint_id = NULL",),
    "orphan_spans": ("UPDATE spans SET parent_span_id = 'aaaaaaaa-1111-5111-8111-111111111111'",),
    "waiting_traces": ("UPDATE execution_traces SET namespace = ''", "UPDATE spans SET namespace = ''"),
    "orphan_embeddings": ("UPDATE embeddings SET owner_id = 'aaaaaaaa-1111-5111-8111-111111111111'",),
    "keyword_counts": ("DELETE FROM keyword_counts WHERE token = 'two'",),
    "full_text": ("INSERT INTO fingerprint_search (fingerprint_search) VALUES ('delete-all')",),
    "indexes": (),
}
HOPELESS = {"foreign_keys", "orphan_spans", "waiting_traces"}
SQLITE_ONLY = {"foreign_keys", "full_text"}


@pytest.mark.parametrize(
    ("store", "check"),
    [("sqlite", check) for check in DAMAGE] + [("postgresql", check) for check in DAMAGE if check not in SQLITE_ONLY],
    indirect=["store"],
)
def test_each_damage_is_found_and_repaired_or_has_a_remedy(store: SqlStore, check: str) -> None:
    owner, run = fingerprint("a", "one", "two"), trace("1")
    save(store, [(run, owner)], [span(run, "s")])
    with store.writing() as writing:
        writing.save_embeddings("m", [("n", owner.fingerprint_id, [1.0])])
        writing.save_artifacts(
            [
                Artifact(
                    artifact_id=name_id("artifact"), execution_id=run.execution_id, file_path="a", artifact_type="test"
                )
            ]
        )
    assert examine(store).found == {}
    statements = list(DAMAGE[check])
    if check == "foreign_keys":
        with closing(sqlite3.connect(store.engine.place, isolation_level=None)) as other:
            for statement in statements:
                other.execute(statement)
    elif check == "indexes":
        name = min(index_statements(store.engine.dialect))
        with store.engine.writing(durable=True) as session:
            session.run(f"DROP INDEX {name}")
    else:
        with store.engine.writing(durable=True) as session:
            for statement in statements:
                session.run(statement)
    health = examine(store, repair=True)
    assert check in health.found
    finding = next(each for each in health.findings if each.check == check)
    assert bool(finding.remedy) == (check in HOPELESS)
    assert health.sound == (check not in HOPELESS)
    left = examine(store).found
    assert set(left) == ({check} if check in HOPELESS else set())


# -- PostgreSQL only ---------------------------------------------------------------------------------------------
def test_lists_are_arrays_and_views_ask_with_the_rights_of_the_asker(pg: SqlStore) -> None:
    save(pg, [(trace("1", tags=("a", "b")), None)])
    with pg.engine.reading() as session:
        assert session.rows("SELECT array_length(tags, 1) FROM execution_traces") == [(2,)]
        options = session.rows(
            "SELECT DISTINCT reloptions FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace"
        )
        assert options == [(["security_invoker=true"],)]


def test_similarity_by_sql_follows_the_published_formula(pg: SqlStore) -> None:
    a = fingerprint("a", "fix", "login", "timeout")
    b = fingerprint("b", "fix", "login", "crash", task_type="testing")
    c = fingerprint("c", "write", "docs", domain="general", task_type="documentation")
    with pg.writing() as writing:
        writing.save_fingerprints([a, b, c])

    def similarity(one: str, other: str) -> float:
        with pg.engine.reading() as session:
            return session.rows("SELECT compute_task_similarity(?::uuid, ?::uuid)", (one, other))[0][0]

    assert similarity(a.fingerprint_id, a.fingerprint_id) == pytest.approx(1.0)
    assert similarity(a.fingerprint_id, c.fingerprint_id) == pytest.approx(0.0)
    # ln(1 + 3/2) for a word in two of three fingerprints, ln(1 + 3) for one in one
    common, rare = 2 * np.log(2.5), 2 * np.log(4.0)
    keyword = common / (common + rare)
    # no vector: its 0.40 goes to the others
    expected = (0.30 * keyword + 0.20 * 1 + 0.10 * 0) / 0.60
    assert similarity(a.fingerprint_id, b.fingerprint_id) == pytest.approx(expected)
    assert similarity(b.fingerprint_id, a.fingerprint_id) == pytest.approx(expected)
    with pg.writing() as writing:
        writing.save_embeddings(
            "m",
            [
                ("n", a.fingerprint_id, [1.0, 0.0]),
                ("n", b.fingerprint_id, [0.6, 0.8]),
                ("n", c.fingerprint_id, [-1, 0]),
            ],
        )
    expected = 0.40 * 0.6 + 0.30 * keyword + 0.20
    assert similarity(a.fingerprint_id, b.fingerprint_id) == pytest.approx(expected)
    assert similarity(a.fingerprint_id, c.fingerprint_id) == pytest.approx(0.0)  # −1 is clamped


def test_similar_tasks_by_sql(pg: SqlStore) -> None:
    items = [
        fingerprint("a", "fix", "login", "timeout"),
        fingerprint("b", "fix", "docs", task_type="documentation", domain="general"),
        fingerprint("c", "paint", "house", domain="general"),
    ]
    with pg.writing() as writing:
        writing.save_fingerprints(items)
        writing.save_embeddings("m", [("n", item.fingerprint_id, [1.0, float(i)]) for i, item in enumerate(items)])

    def ask(arguments: str, *values: object) -> list[str]:
        with pg.engine.reading() as session:
            rows = session.rows(f"SELECT fingerprint_id, similarity FROM find_similar_tasks({arguments})", values)
        scores = [row[1] for row in rows]
        assert scores == sorted(scores, reverse=True)
        names = {item.fingerprint_id: item.task_hash[-1] for item in items}
        return [names[row[0]] for row in rows]

    assert ask("?", "Fix the LOGIN timeout!") == ["a"]
    assert ask("?, p_min_similarity => 0", "Fix the LOGIN timeout!") == ["a", "b"]
    assert ask("?, 'documentation', 'general', p_min_similarity => 0.1", "fix") == ["b", "a"]
    assert ask("?, p_min_similarity => 0, p_limit => 1", "fix") in (["a"], ["b"])
    assert ask("?", "nothing known '); DROP TABLE spans; --") == []
    assert ask("?, p_embedding => '[0, 1]', p_min_similarity => 0.3", "unheard") == ["c", "b"]
    assert ask("?, p_embedding => '[0, 1, 0]', p_min_similarity => 0", "unheard") == []


def test_nearest_is_exact_below_the_threshold_and_close_above(pg: SqlStore) -> None:
    random = np.random.default_rng(7)
    centres = random.normal(size=(20, 24))
    vectors = (centres[random.integers(0, 20, 600)] + 0.3 * random.normal(size=(600, 24))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [name_id("v", str(i)) for i in range(600)]
    with pg.writing() as writing:
        writing.save_embeddings("m", [("n", owner, vector) for owner, vector in zip(ids, vectors, strict=True)])
        writing.save_embeddings("m", [("other", name_id("o"), vectors[0])])
        writing.save_embeddings("m2", [("n", name_id("m2"), [1.0, 0.0])])
    with pg.engine.writing(durable=False) as session:
        assert not ensure_index(session, "m", 24)
        assert ensure_index(session, "m", 24, at_least=100)
        assert not ensure_index(session, "m", 4096, at_least=0)
    exact = PgVectorIndex(pg, Neighbour)
    close = PgVectorIndex(pg, Neighbour, exact_below=100)
    hits = 0
    for i in range(20):
        query = vectors[i * 3]
        true = vectors @ query
        found = exact.nearest("n", "m", query, 10)
        assert [item.similarity for item in found] == pytest.approx(sorted(true, reverse=True)[:10], abs=1e-5)
        assert found[0].owner_id == ids[i * 3]
        hits += len({item.owner_id for item in found} & {item.owner_id for item in close.nearest("n", "m", query, 10)})
    assert hits >= 0.9 * 200
    assert exact.refresh("n", "m") == 600
    assert exact.nearest("n", "unknown", vectors[0], 3) == []
    assert exact.nearest("n", "m", vectors[0], 0) == []


def test_ties_are_ordered_by_owner(pg: SqlStore) -> None:
    ids = [name_id("v", str(i)) for i in range(9)]
    with pg.writing() as writing:
        writing.save_embeddings("m", [("n", owner, [1.0, 0.0]) for owner in ids])
    found = PgVectorIndex(pg, Neighbour).nearest("n", "m", np.array([1.0, 0.0], np.float32), 4)
    assert [item.owner_id for item in found] == sorted(ids)[:4]


def test_the_vector_index_needs_postgresql(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(UsageError):
        PgVectorIndex(store, Neighbour)
    store.close()
