"""What every store must do with traces, spans and artifacts, as tests; a part of ``seasoned.testing.stores``."""
# ruff: noqa: D102  the name of a test is its sentence

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

from seasoned.model import Artifact, Signal, Span
from seasoned.model.ids import name_id
from seasoned.store.port import Store, TraceQuery
from seasoned.testing.store_records import NOON, event, fingerprint, save, span, trace

__all__ = ["RowContract"]


class RowContract:
    """Saving, replacing, stubs, queries."""

    # -- rows ---------------------------------------------------------------------------------------------------
    def test_what_is_saved_is_read_back_equal(self, store: Store) -> None:
        full = trace(
            "full",
            revision=7,
            correlation_id="c",
            agent_chain=("outer", "inner", "größe"),
            follow_ups=("no, not so", 'with "quotes"'),
            completed_at=NOON.replace(microsecond=123457),
            outcome_tier="explicit",
            outcome_confidence=0.9,
            outcome_evidence=(Signal(kind="check", verdict="success", weight=0.5, detail="pytest"),),
            user_acceptance=False,
            total_tokens_used=3_000_000_000,
            cost_usd=0.125,
            technology_stack=("python",),
            context={"depth": [1, 2.5, {"x": None, "y": True}], "text": "ü\n"},
            tags=("a", "b"),
            metadata={},
        )
        call = span(
            full,
            "full",
            number=3,
            parent_span_id=name_id("span", "outer"),
            started_at=NOON,
            duration_ms=0,
            outcome="failure",
            error_message="no such file: 'x'",
            files=("a b.py", "ü.py"),
            arguments={"command": "ls -l | wc", "n": 3},
            result_bytes=5_000_000_000,
        )
        outer = span(full, "outer", kind="llm", number=1)
        artifact = Artifact(
            artifact_id=name_id("artifact"),
            execution_id=full.execution_id,
            file_path="src/ä.py",
            artifact_type="source_code",
            lines_added=3,
            quality_score=0.75,
            onex_compliance_score=0.5,
            onex_node_type="Effect",
            pattern_compliance={"rules": ["name"]},
            complexity_metrics={"most": 11, "function": "ä"},
            test_coverage=81.5,
            tests_passed=3,
            tests_failed=0,
            lint_passed=False,
            type_check_passed=True,
            metadata={"tool": "Edit"},
        )
        save(store, [(full, None)], [call, outer])
        with store.writing() as writing:
            writing.save_artifacts([artifact])
        assert store.trace("n", full.execution_id) == full
        assert store.spans(full.execution_id) == [outer, call]
        assert store.artifacts(full.execution_id) == [artifact]

    def test_the_fullest_reading_stands_whatever_came_first(self, store: Store) -> None:
        """A session that grows is told at every checkpoint, and files may come in any order."""
        readings = [(1, 5, None, "a"), (40, 201, 900, "b"), (40, 199, None, "c")]
        for order in permutations(readings):
            run = trace(f"grown {order}")
            with store.writing() as writing:
                writing.save_traces([(run, None)])
                for added, deleted, tokens, content in order:
                    artifact = Artifact(
                        artifact_id=name_id("grown", run.execution_id),
                        execution_id=run.execution_id,
                        file_path="a.py",
                        artifact_type="source_code",
                        lines_added=added,
                        lines_deleted=deleted,
                        content_hash=content * 64,
                    )
                    writing.save_artifacts([artifact])
                    writing.save_spans([span(run, f"call {order}", result_bytes=added, tokens=tokens)])
            (kept,), (found,) = store.artifacts(run.execution_id), store.spans(run.execution_id)
            assert (kept.lines_added, kept.lines_deleted, kept.content_hash) == (40, 201, "b" * 64)
            assert (found.result_bytes, found.tokens) == (40, 900)

    def test_what_an_artifact_leaves_open_stays_as_it_was_known(self, store: Store) -> None:
        full = trace("full")
        save(store, [(full, None)])
        pieces = [
            Artifact(
                artifact_id=name_id("artifact"),
                execution_id=full.execution_id,
                file_path="a.py",
                artifact_type="source_code",
                **said,  # pyright: ignore[reportArgumentType]
            )
            for said in ({"lines_added": 3, "metadata": {"tool": "Edit"}}, {"lint_passed": False, "quality_score": 0.5})
        ]
        for piece in (*pieces, pieces[0]):
            with store.writing() as writing:
                writing.save_artifacts([piece])
        (found,) = store.artifacts(full.execution_id)
        assert (found.lines_added, found.lint_passed, found.quality_score) == (3, False, 0.5)
        assert found.metadata == {"tool": "Edit"}

    def test_times_of_other_zones_come_back_in_utc(self, store: Store) -> None:
        moved = trace("zone", started_at=datetime.fromisoformat("2026-03-01T14:00:00+05:30"))
        save(store, [(moved, None)])
        found = store.trace("n", moved.execution_id)
        assert found is not None
        assert found.started_at == moved.started_at
        assert repr(found.started_at) == repr(datetime(2026, 3, 1, 8, 30, tzinfo=UTC))

    def test_an_exception_takes_everything_back(self, store: Store) -> None:
        class Stop(Exception):  # noqa: N818
            pass

        try:
            with store.writing() as writing:
                writing.save_fingerprints([fingerprint("a", "word")])
                writing.save_traces([(trace("a"), name_id("fingerprint", "a"))])
                writing.append([event("a")])
                writing.commit_offset("c", 5)
                raise Stop
        except Stop:
            pass
        assert store.counts("n").traces == 0
        assert store.read_log(0, 10) == []
        assert store.document_frequencies("n", ["word"]) == ({"word": 0}, 0)
        assert store.keyword_candidates("n", ["word"], 5) == []

    def test_a_savepoint_fails_alone(self, store: Store) -> None:
        with store.writing() as writing:
            writing.commit_offset("kept", 1)
            try:
                with writing.savepoint():
                    writing.save_traces([(trace("lost"), None)])
                    with writing.savepoint():
                        writing.commit_offset("lost", 2)
                    raise KeyError("inside")
            except KeyError:
                pass
            with writing.savepoint():
                writing.save_traces([(trace("kept"), None)])
            assert (writing.committed_offset("kept"), writing.committed_offset("lost")) == (1, 0)
        assert [found.prompt for found in store.traces(TraceQuery(namespace="n"))] == ["do kept"]

    def test_a_trace_is_replaced_whole(self, store: Store) -> None:
        save(store, [(trace("a", error_message="old", tags=("old",)), None)])
        newer = trace("a", revision=2, status="failure", prompt="do it")
        save(store, [(newer, None)])
        assert store.traces(TraceQuery(namespace="n")) == [newer]

    def test_pieces_of_a_span_end_alike_in_every_order(self, store: Store) -> None:
        owner = trace("a")
        save(store, [(owner, None)])
        pieces = (
            span(owner, "s"),
            span(owner, "s", arguments={"a": 1}, started_at=NOON),
            span(owner, "s", outcome="failure", result_bytes=10, error_message="b"),
            span(owner, "s", outcome="failure", result_bytes=10, error_message="a"),
            span(owner, "s", outcome="unknown", result_bytes=99),
        )
        for order in permutations(pieces):
            with store.writing() as writing:
                for number, piece in enumerate(order):
                    other = replace(piece, span_id=name_id("span", repr(order)))
                    writing.save_spans([other] if number % 2 else [other, other])
        found = {replace(item, span_id="") for item in map(_hashable, store.spans(owner.execution_id))}
        assert found == {replace(pieces[2], span_id="")}

    # -- stubs --------------------------------------------------------------------------------------------------
    def test_a_missing_parent_gets_a_stub_that_is_filled_in_later(self, store: Store) -> None:
        parent = trace("parent")
        child = trace("child", parent_id=parent.execution_id, root_id=name_id("trace", "root"))
        save(store, [(child, None)])
        stub = store.trace("n", parent.execution_id)
        assert stub is not None
        assert (stub.status, stub.revision, stub.prompt) == ("in_progress", 0, None)
        assert store.children(parent.execution_id) == [child]
        save(store, [(parent, None)])
        assert store.trace("n", parent.execution_id) == parent

    def test_spans_may_come_before_their_trace_and_their_parent(self, store: Store) -> None:
        owner = trace("late")
        inner = span(owner, "inner", number=1, parent_span_id=name_id("span", "outer"))
        with store.writing() as writing:
            writing.save_spans([inner])
            writing.refresh_derived([owner.execution_id], [])
        assert store.trace("n", owner.execution_id) is None
        assert store.counts("n").traces == 0
        outer = span(owner, "outer", kind="llm", outcome="success")
        save(store, [(owner, None)], [outer])
        assert store.trace("n", owner.execution_id) == owner
        assert store.spans(owner.execution_id) == [outer, inner]
        assert store.counts("n").spans == 2

    # -- queries ------------------------------------------------------------------------------------------------
    def test_every_condition_of_a_query_holds(self, store: Store) -> None:
        owner, other = fingerprint("a"), fingerprint("b", domain="frontend", task_type="testing")
        runs = [
            trace("0", started_at=NOON, status="failure"),
            trace("1", started_at=NOON + timedelta(hours=1), source="codex", agent_name="codex"),
            trace("2", started_at=NOON + timedelta(hours=2), session_id="s2", parent_id=name_id("trace", "0")),
            trace("3", started_at=None),
        ]
        save(store, [(run, owner if index != 1 else other) for index, run in enumerate(runs)])
        save(store, [(trace("elsewhere", namespace="m"), None)])

        def ask(**conditions: object) -> str:
            found = store.traces(TraceQuery(namespace="n", **conditions))  # pyright: ignore[reportArgumentType]
            return "".join(str(item.prompt)[-1] for item in found)

        assert ask() == "2103"
        assert ask(limit=2) == "21"
        assert ask(limit=2, offset=1) == "10"
        assert ask(status="failure") == "0"
        assert (
            ask(source="codex") == ask(agent_name="codex") == ask(domain="frontend") == ask(task_type="testing") == "1"
        )
        assert ask(domain="database", status="success") == "23"
        assert ask(session_id="s2") == "2"
        assert ask(fingerprint_id=owner.fingerprint_id) == "203"
        assert ask(since=NOON + timedelta(hours=1)) == "21"
        assert ask(until=NOON + timedelta(hours=1)) == "0"
        assert ask(roots_only=True) == "103"

    def test_a_unique_prefix_names_a_trace(self, store: Store) -> None:
        one = trace("one", execution_id="aaaaaaaa-1111-5111-8111-111111111111")
        two = trace("two", execution_id="aaaaaaaa-2222-5111-8111-111111111111")
        save(store, [(one, None), (two, None)])
        assert store.trace("n", "aaaaaaaa-1") == one
        assert store.trace("n", "AAAAAAAA-22") == two
        assert store.trace("n", "aaaaaaaa") is None
        assert store.trace("n", "aaaaa") is None
        assert store.trace("n", "bbbbbb") is None
        assert store.trace("n", "not an id") is None
        assert store.trace("m", one.execution_id) is None

    def test_counts(self, store: Store) -> None:
        parent = trace("1", total_tokens_used=10)
        child = trace("2", parent_id=parent.execution_id, status="unknown", total_tokens_used=5)
        save(
            store, [(parent, fingerprint("a")), (child, None)], [span(parent, "x"), span(child, "y", outcome="failure")]
        )
        counts = store.counts("n")
        assert (counts.sessions, counts.traces, counts.child_traces) == (1, 2, 1)
        assert (counts.spans, counts.failed_spans, counts.fingerprints, counts.tokens) == (2, 1, 1, 15)
        assert counts.by_status == {"success": 1, "unknown": 1}
        assert counts.by_source == {"claude_code": 2}
        assert store.counts("empty").traces == 0


def _hashable(value: Span) -> Span:
    assert not value.arguments
    return replace(value, arguments=None)
