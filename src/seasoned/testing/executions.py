"""What every store must do when it is asked for whole executions, as tests (``testing.knowledge``)."""
# ruff: noqa: D102  the name of a test is its sentence

from dataclasses import replace

from seasoned.model import Artifact
from seasoned.model.ids import name_id
from seasoned.store.port import Store
from seasoned.testing.stores import fingerprint, save, span, trace

__all__ = ["ExecutionContract"]


class ExecutionContract:
    """Subclass with a ``store`` fixture that gives an empty store."""

    # -- executions ------------------------------------------------------------------------------------------
    def test_executions_come_whole_and_in_the_order_asked(self, store: Store) -> None:
        owner = fingerprint("a", "word", file_patterns=("*.py",))
        runs = [trace("1"), trace("2", prompt=None), trace("3", status="in_progress")]
        calls = [span(runs[0], str(number), number=9 - number // 3, arguments={"n": number}) for number in range(6)]
        save(store, [(runs[0], owner), (runs[1], None), (runs[2], owner)], [*calls, span(runs[2], "x")])
        in_order = sorted(calls, key=lambda call: (call.number, call.span_id))
        files = [
            Artifact(
                artifact_id=name_id(path),
                execution_id=runs[0].execution_id,
                file_path=path,
                artifact_type="source_code",
            )
            for path in ("b.py", "B.py", "a.py")
        ]
        with store.writing() as writing:
            writing.save_artifacts(files)
            writing.save_spans([span(trace("unheard"), "y")])
        asked = [runs[2].execution_id, name_id("none"), "no id", runs[0].execution_id, trace("unheard").execution_id]
        third, first = store.executions([*asked, runs[0].execution_id])
        assert (third.trace, third.fingerprint, len(third.spans), third.artifacts) == (runs[2], owner, 1, ())
        assert (first.trace, first.fingerprint) == (runs[0], owner)
        assert first.spans == tuple(store.spans(runs[0].execution_id)) == tuple(in_order)
        assert first.artifacts == tuple(store.artifacts(runs[0].execution_id))
        assert [item.file_path for item in first.artifacts] == ["B.py", "a.py", "b.py"]
        (second,) = store.executions([runs[1].execution_id])
        assert (second.trace, second.fingerprint, second.spans) == (runs[1], None, ())
        assert store.executions([]) == []

    def test_every_ended_execution_is_read_once_in_id_order(self, store: Store) -> None:
        owner = fingerprint("a")
        runs = [trace(str(number), session_id=None if number % 2 else "s") for number in range(7)]
        asked_nothing = trace("silent", prompt=None)
        others = [trace("open", status="in_progress"), trace("m", namespace="m")]
        save(store, [*((run, owner) for run in (*runs, others[0])), (asked_nothing, None), (others[1], None)])
        wanted = sorted((*runs, asked_nothing), key=lambda run: run.execution_id)
        for batch in (1, 3, 4, 8, 100):
            batches = list(store.all_executions("n", batch=batch))
            assert [item.trace for items in batches for item in items] == wanted
            assert {len(items) for items in batches[:-1]} <= {batch}
        assert list(store.all_executions("nobody")) == []
        tasks = [(run.execution_id, owner.fingerprint_id, run.session_id) for run in wanted if run.prompt]
        assert list(store.execution_tasks("n")) == tasks
        assert list(store.execution_tasks("m")) == []

    def test_reading_all_executions_holds_nothing_between_batches(self, store: Store) -> None:
        save(store, [(trace(str(number)), None) for number in range(4)])
        batches = store.all_executions("n", batch=2)
        first = next(batches)
        with store.writing() as writing:
            writing.save_traces([(replace(first[0].trace, revision=5), None)])
        assert len(next(batches)) == 2
        assert list(batches) == []
