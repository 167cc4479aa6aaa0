"""What every store must do with fingerprints and their vectors, as tests; a part of ``seasoned.testing.stores``."""
# ruff: noqa: D102  the name of a test is its sentence

from dataclasses import replace
from datetime import timedelta
from struct import pack

from seasoned.model.ids import name_id
from seasoned.store.port import Store
from seasoned.testing.store_records import NOON, fingerprint, save, trace

__all__ = ["FingerprintContract"]

AWKWARD = ("it's", 'quo"te', "back\\slash", "größe", "naïve café", "a&b|!c", "x:*", "%", "日本", "-", "'")
"""Words that mean something to a query language, or are no ASCII."""


class FingerprintContract:
    """Counters, hashes, words, vectors."""

    # -- fingerprints -------------------------------------------------------------------------------------------
    def test_counters_are_those_of_the_rows(self, store: Store) -> None:
        owner = fingerprint("a")
        runs = [
            trace("1", started_at=NOON, duration_ms=100, quality_score=0.5),
            trace("2", started_at=NOON + timedelta(days=1), duration_ms=300, status="failure"),
            trace("3", started_at=None, duration_ms=None, status="aborted"),
        ]
        for _ in range(2):
            for run in runs:
                save(store, [(run, owner)])
        stats = store.fingerprints([owner.fingerprint_id])[owner.fingerprint_id].stats
        assert (stats.execution_count, stats.success_count, stats.failure_count) == (3, 1, 1)
        assert (stats.avg_execution_time_ms, stats.avg_quality_score) == (200.0, 0.5)
        assert (stats.first_seen_at, stats.last_seen_at) == (NOON, NOON + timedelta(days=1))

    def test_counters_follow_a_trace_whose_prompt_grew(self, store: Store) -> None:
        short, long = fingerprint("short"), fingerprint("long")
        save(store, [(trace("1"), short)])
        save(store, [(trace("1", revision=2), long)])
        found = store.fingerprints([short.fingerprint_id, long.fingerprint_id])
        assert [item.stats.execution_count for item in found.values()] == [0, 1]

    def test_files_and_stack_grow_by_union_and_the_rest_stays(self, store: Store) -> None:
        first = fingerprint("a", "x", file_patterns=("*.py", "*.md"), technology_stack=("python",))
        second = replace(first, file_patterns=("*.rs",), technology_stack=(), original_prompt="other words")
        with store.writing() as writing:
            writing.save_fingerprints([first])
        with store.writing() as writing:
            writing.save_fingerprints([second, first])
        kept = store.fingerprints([first.fingerprint_id])[first.fingerprint_id].fingerprint
        assert kept == replace(first, file_patterns=("*.md", "*.py", "*.rs"))
        assert store.document_frequencies("n", ["x"]) == ({"x": 1}, 1)

    def test_hashes_find_the_most_executed_first(self, store: Store) -> None:
        seldom, often = fingerprint("seldom"), fingerprint("often")
        save(store, [(trace("1"), seldom), (trace("2"), often), (trace("3"), often)])
        assert store.by_hash("n", shape_hash="shape") == [often.fingerprint_id, seldom.fingerprint_id]
        assert store.by_hash("n", task_hash=seldom.task_hash) == [seldom.fingerprint_id]
        assert store.by_hash("other", shape_hash="shape") == []
        assert store.by_hash("n", task_hash="unknown") == []

    def test_any_word_finds_exactly_its_own(self, store: Store) -> None:
        with store.writing() as writing:
            writing.save_fingerprints([fingerprint(word, word, "shared") for word in AWKWARD])
            writing.save_fingerprints([fingerprint("elsewhere", *AWKWARD, namespace="m")])
        for word in AWKWARD:
            assert store.keyword_candidates("n", [word], 50) == [name_id("fingerprint", word)]
        assert set(store.keyword_candidates("n", ["shared", *AWKWARD], 50)) == {
            name_id("fingerprint", word) for word in AWKWARD
        }
        assert store.keyword_candidates("n", ["share", "unknown", ""], 50) == []
        assert store.keyword_candidates("n", [], 50) == []

    def test_rare_words_rank_above_common_ones(self, store: Store) -> None:
        with store.writing() as writing:
            writing.save_fingerprints([fingerprint(f"c{i}", "common") for i in range(10)])
            writing.save_fingerprints([fingerprint("both", "common", "rare"), fingerprint("rare", "rare")])
        found = store.keyword_candidates("n", ["common", "rare"], 3)
        assert found[:2] == [name_id("fingerprint", "both"), name_id("fingerprint", "rare")]
        assert len(found) == 3
        assert store.document_frequencies("n", ["common", "none"]) == ({"common": 11, "none": 0}, 12)

    def test_executions_of_are_the_newest(self, store: Store) -> None:
        owner, alone = fingerprint("a"), fingerprint("b")
        runs = [trace(str(i), started_at=NOON + timedelta(hours=i)) for i in range(4)]
        save(store, [(run, owner) for run in runs])
        save(store, [(trace("undated", started_at=None), owner)])
        found = store.executions_of([owner.fingerprint_id, alone.fingerprint_id], per_fingerprint=2)
        assert found[owner.fingerprint_id] == [runs[3], runs[2]]
        assert not found.get(alone.fingerprint_id)

    # -- embeddings ---------------------------------------------------------------------------------------------
    def test_embeddings_are_kept_per_model_and_exactly(self, store: Store) -> None:
        owners = [fingerprint(str(i)) for i in range(3)]
        vector = [0.1, -2.5e-8, 1 / 3]
        with store.writing(durable=False) as writing:
            writing.save_fingerprints(owners)
            writing.save_embeddings("m1", [("n", owner.fingerprint_id, vector) for owner in owners[:2]])
            writing.save_embeddings("m2", [("n", owners[0].fingerprint_id, [1.0])])
            writing.save_embeddings("m2", [("n", owners[0].fingerprint_id, [0.5, 0.5])])
        ids = sorted(owner.fingerprint_id for owner in owners[:2])
        assert list(store.embeddings("n", "m1")) == [(owner_id, pack("<3f", *vector)) for owner_id in ids]
        assert [owner_id for owner_id, _ in store.embeddings("n", "m1", after=ids[0])] == ids[1:]
        assert list(store.embeddings("n", "m2")) == [(owners[0].fingerprint_id, pack("<2f", 0.5, 0.5))]
        assert (store.embedding_count("n", "m1"), store.embedding_count("m", "m1")) == (2, 0)
        assert store.without_embedding("m1", 10) == [("n", owners[2].fingerprint_id, "do 2")]
        assert len(store.without_embedding("m3", 2)) == 2
