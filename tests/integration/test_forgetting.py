"""Forgetting: what is left is what would be there had it never been recorded, and the bytes are gone."""

import os
import random
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from forgetful import CLOCK, MARKER, URLS, WHO, Opener, erase, ingest, pattern, update

from seasoned.model import Artifact, Event, ExecutionUpdate, Template, Trace
from seasoned.model.ids import name_id
from seasoned.store import PatternQuery, Selection, SqlStore, open_store
from seasoned.store.doctor import examine
from seasoned.testing.forgetting import rows_of
from seasoned.workers import (
    ImportOptions,
    Writer,
    event_of,
    import_histories,
    learn_history,
    settle_outcomes,
)
from seasoned.workers.exporting import export_lines
from seasoned.workers.forgetting import forget, strike_lines
from seasoned.workers.unlearning import SOME_FORGOTTEN, SOURCES_FORGOTTEN

DATA = Path(__file__).parents[1] / "data"
HISTORIES = [DATA / name for name in ("entireio", "agtrace", "agent-runs", "claude-code-viewer", "openhands")]
OPTIONS = ImportOptions(namespace="default", redactor_key=b"k" * 32, jobs=0)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """Real histories of several agents, as the events that tell of them."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('events') / 'all.db'}")
    import_histories(HISTORIES, store, Writer(store), OPTIONS)
    found: list[Event] = []
    position = 0
    while batch := store.read_log(position, 500):
        found += [each.event for each in batch if each.event is not None]
        position = batch[-1].position
    store.close()
    return found


def fill(store: SqlStore, events: Sequence[Event], *, learn: bool = True) -> None:
    writer = Writer(store)
    for start in range(0, len(events), 200):
        writer.ingest(events[start : start + 200])
    settle_outcomes(store)
    if learn:
        learn_history(store, "default", model=None, now=CLOCK)


def executions_of(events: Sequence[Event]) -> list[str]:
    """Roots, sorted."""
    return sorted({each.update.trace.execution_id for each in events if each.update.trace.parent_id is None})


@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_is_the_rest_imported_alone(opened: Opener, events: list[Event], seed: int) -> None:
    chance = random.Random(seed)
    roots = executions_of(events)
    chosen = chance.sample(roots, (1, 3, len(roots) // 3, 2 * len(roots) // 3)[seed])
    forgetful, innocent = opened("forgetful"), opened("innocent")
    fill(forgetful, events)
    gone = set(erase(forgetful, *chosen))
    assert gone.issuperset(chosen)
    fill(innocent, [each for each in events if each.update.trace.execution_id not in gone])
    assert rows_of(forgetful) == rows_of(innocent)
    assert examine(forgetful).findings == []


def test_everything(opened: Opener, events: list[Event]) -> None:
    store = opened("all")
    fill(store, events)
    done = forget(store, Selection(everything=True), WHO, model=None, now=CLOCK)
    assert done.holdings.executions == len(done.execution_ids) > len(executions_of(events)) - 1
    left = {name: len(rows) for name, rows in rows_of(store).items() if rows}
    assert left == {"similarity_weights": 1}


def test_a_forgotten_execution_does_not_come_back(opened: Opener, events: list[Event]) -> None:
    store = opened("again")
    fill(store, events, learn=False)
    chosen = executions_of(events)[0]
    gone = erase(store, chosen)
    before = rows_of(store)
    applied = Writer(store).ingest(events)
    assert applied.forgotten == sum(each.update.trace.execution_id in gone for each in events)
    assert rows_of(store) == before
    child = Trace(execution_id=name_id("late", "child"), namespace="default", parent_id=chosen, prompt="more")
    applied = Writer(store).ingest([event_of(ExecutionUpdate(trace=child), now=CLOCK)])
    assert (applied.forgotten, applied.new_traces) == (1, 0)
    assert store.forgotten_ids("default", [child.execution_id]) == {child.execution_id}
    assert rows_of(store) == before


def test_the_bytes_leave_the_file(tmp_path: Path, events: list[Event]) -> None:
    path = tmp_path / "store.db"
    store = open_store(f"sqlite:///{path}", clock=lambda: CLOCK)
    fill(store, events, learn=False)
    (chosen,) = ingest(store, update("one", MARKER))
    fill(store, events[:1], learn=False)

    def traces_of_it() -> bool:
        held = b"".join(each.read_bytes() for each in tmp_path.iterdir())
        return MARKER.encode() in held or MARKER.encode().hex().upper().encode() in held

    assert traces_of_it()
    erase(store, chosen)
    assert store.scrub()
    assert not traces_of_it()
    store.close()
    assert not traces_of_it()


@pytest.mark.parametrize("at", ["before the commit", "after it"])
def test_killed_half_way_and_repeated(opened: Opener, events: list[Event], at: str) -> None:
    chosen = executions_of(events)[3]
    calm, killed = opened("calm"), opened("killed")
    for store in (calm, killed):
        fill(store, events)
    before = rows_of(killed)
    gone = erase(calm, chosen)

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        mine = open_store(URLS[killed], clock=lambda: CLOCK)
        stop = die if at == "before the commit" else None
        chosen_one = Selection(execution_ids=(chosen,))
        forget(mine, chosen_one, WHO, model=None, now=CLOCK, before_commit=stop)
        die()
    os.waitpid(child, 0)
    if at == "before the commit":
        assert rows_of(killed) == before
    assert set(erase(killed, chosen)) <= set(gone)
    assert rows_of(killed) == rows_of(calm)


def test_patterns_lose_what_rested_on_it(opened: Opener) -> None:
    store = opened("patterns")
    one, other = ingest(store, update("one", MARKER), update("other", "date"))
    lone = pattern("unused", [one])
    active = pattern("active", [one], status="active")
    both = pattern("both", [one, other], status="active", usage_count=2, success_count=1, failure_count=1)
    aside = pattern("aside", [other], pattern_data={"problem": "dates"})
    template = Template(
        template_id=name_id("template"),
        template_name="t",
        namespace="default",
        agent_id="seasoned",
        template_content=MARKER,
        placeholder_schema={},
        derived_from_pattern_id=active.pattern_id,
        usage_count=3,
    )
    with store.writing() as writing:
        writing.save_patterns([lone, active, both, aside])
        writing.save_templates([template])
    stored = store.pattern("default", aside.pattern_id)
    done = forget(store, Selection(execution_ids=(one,)), WHO, model=None, now=CLOCK)
    assert (done.patterns_withdrawn, done.patterns_flagged) == (1, 2)
    found = {each.pattern_id: each for each in store.patterns(PatternQuery(namespace="default"))}
    assert found.keys() == {active.pattern_id, both.pattern_id, aside.pattern_id}
    assert found[aside.pattern_id] == stored
    bare, partly = found[active.pattern_id], found[both.pattern_id]
    assert (bare.status, bare.execution_ids, bare.evidence_count, bare.success_rate) == ("active", (), 0, None)
    assert bare.review_flags == (SOURCES_FORGOTTEN,)
    assert MARKER not in repr(bare)
    assert (partly.execution_ids, partly.evidence_count, partly.usage_count) == ((other,), 1, 2)
    assert partly.success_rate == pytest.approx((1 + 1 + 0.5) / (1 + 2 + 1))
    assert partly.review_flags == (SOME_FORGOTTEN,)
    assert MARKER not in repr((partly.pattern_data, partly.pattern_template))
    assert store.templates("default") == []


def test_a_call_that_two_tell_of_goes_back_to_the_other(opened: Opener) -> None:
    store = opened("shared")
    first, second = update("first", "a"), update("second", "b")
    fuller = replace(first.spans[0], execution_id=second.trace.execution_id, result_bytes=99)
    told_again = replace(second, spans=(*second.spans, fuller))
    ingest(store, first, told_again)
    assert store.spans(first.trace.execution_id) == []
    erase(store, second.trace.execution_id)
    assert [each.span_id for each in store.spans(first.trace.execution_id)] == [first.spans[0].span_id]
    assert examine(store).findings == []


def test_nobody_elses_namespace_is_touched(opened: Opener) -> None:
    store = opened("tenants")
    mine = update("mine", "a")
    theirs = update("theirs", "b", namespace="other", parent_id=mine.trace.execution_id)
    ingest(store, mine, theirs)
    erase(store, mine.trace.execution_id, theirs.trace.execution_id)
    assert store.trace("other", theirs.trace.execution_id) is not None
    assert store.trace("default", mine.trace.execution_id) is None


def test_selection(opened: Opener) -> None:
    store = opened("selection")
    ingest(
        store,
        update("a", "a", user_id="ann", agent_name="coder"),
        update("b", "b", parent_id=name_id("run", "a")),
        update("c", "c", agent_id="coder"),
        update("d", "d", namespace="other", user_id="ann"),
    )
    a, b, c = (name_id("run", each) for each in "abc")
    assert store.selected("default", Selection(user_id="ann")) == sorted([a, b])
    assert store.selected("default", Selection(agent="coder")) == sorted([a, b, c])
    assert store.selected("default", Selection(session_id="session of c")) == [c]
    assert store.selected("default", Selection(execution_ids=(b,))) == [b]
    assert store.selected("default", Selection()) == []


def test_export_comes_back_as_it_was(opened: Opener, events: list[Event], tmp_path: Path) -> None:
    store, copy = opened("store"), opened("copy")
    fill(store, events, learn=False)
    with store.writing() as writing:
        writing.save_patterns([pattern("hers", [], agent_id="claude-code"), pattern("his", [], agent_id="bob")])
    chosen = Selection(agent="claude-code")
    ids = store.selected("default", chosen)
    lines = list(export_lines(store, "default", chosen, now=CLOCK))
    assert [kind for kind, _ in lines if kind != "event"] == ["pattern"]
    assert b'"his"' not in b"".join(line for _, line in lines)
    file = tmp_path / "export.jsonl"
    file.write_bytes(b"".join(line for _, line in lines))
    result = import_histories([file], copy, Writer(copy), OPTIONS)
    (read,) = result.files
    assert read.report.ignored_records == {"pattern": 1}
    assert not read.report.notes
    settle_outcomes(copy)
    assert copy.selected("default", Selection(everything=True)) == ids
    for before, after in zip(store.executions(ids), copy.executions(ids), strict=True):
        assert (after.trace, after.spans, after.artifacts) == (before.trace, before.spans, before.artifacts)


def test_lines_set_aside_are_struck(tmp_path: Path) -> None:
    ours, theirs = name_id("a"), name_id("b")
    (tmp_path / "1.bad").write_text(f'{{"x": "{ours}"}}\n{{"x": "{theirs}"}}\n')
    (tmp_path / "2.bad").write_text(f"{ours}\n")
    assert strike_lines(tmp_path, [ours]) == 2
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("1.bad", f'{{"x": "{theirs}"}}\n')]


@pytest.mark.parametrize("seed", range(3))
def test_outcomes_by_agreement_rest_on_the_runs_that_are_left(opened: Opener, tmp_path: Path, seed: int) -> None:
    source = open_store(f"sqlite:///{tmp_path / 'source.db'}")
    import_histories([DATA / "tau-bench" / "four_trials.json"], source, Writer(source), OPTIONS)
    told = [each.event for each in source.read_log(0, 1_000) if each.event is not None]
    source.close()
    # As a source would tell them that knows no outcomes.
    unknown = {"status": "unknown", "outcome_tier": "unknown", "outcome_confidence": None, "outcome_evidence": ()}
    silent = [
        event_of(replace(each.update, trace=replace(each.update.trace, quality_score=None, **unknown)), now=CLOCK)
        for each in told
    ]
    forgetful, innocent = opened("forgetful"), opened("innocent")
    fill(forgetful, silent, learn=False)
    claimed = [each for each in rows_of(forgetful)["execution_traces"] if "'consensus'" in each]
    assert claimed
    chosen = random.Random(seed).sample(executions_of(silent), 20)
    gone = set(erase(forgetful, *chosen))
    fill(innocent, [each for each in silent if each.update.trace.execution_id not in gone], learn=False)
    assert rows_of(forgetful) == rows_of(innocent)


def test_tasks_and_stubs_are_as_the_others_tell_them(opened: Opener) -> None:
    def told(name: str, prompt: str, file: str, **more: object) -> ExecutionUpdate:
        made = update(name, "x", prompt=prompt, **more)
        owner = made.trace.execution_id
        change = Artifact(
            artifact_id=name_id("file", name),
            execution_id=owner,
            file_path=file,
            artifact_type="source_code",
            lines_added=1,
        )
        return replace(made, artifacts=(change,))

    stay = told("stay", "repair the usesession hook", "src/a.py")
    go = told(
        "go", "Repair the useSession hook", "lib/b.rs", parent_id=name_id("never", "told"), technology_stack=("rust",)
    )
    forgetful, innocent = opened("forgetful"), opened("innocent")
    ingest(forgetful, stay, go)
    ingest(innocent, stay)
    assert rows_of(forgetful)["task_fingerprints"] != rows_of(innocent)["task_fingerprints"]
    erase(forgetful, go.trace.execution_id)
    assert rows_of(forgetful) == rows_of(innocent)
