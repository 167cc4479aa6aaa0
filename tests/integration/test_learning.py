"""From a recorded history to knowledge and back: real runs of recurring tasks, learned from through the store."""

from collections.abc import Generator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from seasoned.capture import Report, Source, importer
from seasoned.learn.patterns import Options
from seasoned.learn.steps import steps
from seasoned.model import Event, Pattern
from seasoned.store import FailureQuery, PatternQuery, open_store
from seasoned.store.sql import SqlStore
from seasoned.workers import Writer, event_of, learn_history
from seasoned.workers.approving import approval_of
from seasoned.workers.learning import LearnOptions

TRIALS = Path(__file__).parent.parent / "data" / "tau-bench" / "recurring.json"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[SqlStore, None, None]:
    url = f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def events() -> list[Event]:
    source = Source(path=TRIALS, namespace="default", size=TRIALS.stat().st_size)
    read = importer("tau_bench").read(source, Report())
    return [event_of(recording.update, now=NOON) for recording in read]


def learn(store: SqlStore, **options: object):
    return learn_history(store, "default", model=None, now=NOON, **options)  # pyright: ignore[reportArgumentType]


def knowledge(store: SqlStore) -> tuple[list[dict[str, object]], list[dict[str, object]], list[object]]:
    """Everything learned, without the wall clock."""
    clocks = {"created_at": None, "updated_at": None, "extracted_at": None}
    patterns = store.patterns(PatternQuery(namespace="default", limit=1000))
    failures = store.failures(FailureQuery(namespace="default", limit=1000))
    resolutions = store.resolutions([each.failure_id for each in failures])
    occurrences = [store.occurrences(each.failure_id, limit=1000) for each in failures]
    return (
        [asdict(replace(each, **clocks)) for each in patterns],
        [asdict(each) for each in failures],
        [sorted(resolutions.items()), occurrences, store.chains("default")],
    )


def test_recurring_tasks_become_patterns_with_their_evidence(store: SqlStore, events: list[Event]) -> None:
    Writer(store).ingest(events)
    learned = learn(store)
    patterns = store.patterns(PatternQuery(namespace="default", limit=1000))
    assert learned.executions == 32
    assert learned.patterns == len(patterns) > 0
    for pattern in patterns:
        runs = store.executions(pattern.execution_ids)
        known = [each for each in runs if each.trace.success is not None]
        assert len(runs) == len(pattern.execution_ids)
        assert pattern.evidence_count == len(known)
        assert pattern.evidence_success_count == sum(each.trace.success is True for each in known)
        assert pattern.status == "candidate"


def test_nothing_new_nothing_done(store: SqlStore, events: list[Event]) -> None:
    Writer(store).ingest(events)
    learn(store)
    before = knowledge(store)
    assert learn(store).nothing_new
    again = learn(store, again=True)
    assert (again.patterns_saved, again.patterns_withdrawn) == (0, 0)
    assert knowledge(store) == before


@pytest.mark.parametrize("seed", (1, 2))
def test_the_order_of_import_does_not_matter(tmp_path: Path, events: list[Event], seed: int) -> None:
    """All at once, or half, learned from, and then the rest in another order: the same knowledge."""
    shuffled = Random(seed).sample(events, len(events))
    whole, parts = (open_store(f"sqlite:///{tmp_path / name}.db") for name in ("whole", "parts"))
    Writer(whole).ingest(events)
    learn(whole)
    Writer(parts).ingest(shuffled[:13])
    learn(parts)
    Writer(parts).ingest(shuffled[13:])
    learn(parts)
    assert knowledge(parts) == knowledge(whole)
    whole.close()
    parts.close()


def test_what_people_decided_stays(store: SqlStore, events: list[Event]) -> None:
    Writer(store).ingest(events[:16])
    learn(store)
    chosen = store.patterns(PatternQuery(namespace="default", limit=1))[0]
    with store.writing() as writing:
        writing.save_patterns([replace(chosen, status="rejected", deprecation_reason="not our way")])
    Writer(store).ingest(events[16:])
    learn(store)
    kept = store.pattern("default", chosen.pattern_id)
    assert kept is not None
    assert (kept.status, kept.deprecation_reason) == ("rejected", "not our way")


def test_a_candidate_that_the_history_no_longer_supports_goes(store: SqlStore, events: list[Event]) -> None:
    Writer(store).ingest(events)
    learn(store)
    stale = Pattern(
        pattern_id="11111111-1111-5111-8111-111111111111",
        pattern_name="Once seen",
        namespace="default",
        agent_id="seasoned",
        pattern_type="workflow",
        extraction_method="cluster",
    )
    with store.writing() as writing:
        writing.save_patterns(
            [stale, replace(stale, pattern_id=stale.pattern_id.replace("1", "2"), pattern_name="Used", usage_count=1)]
        )
    learned = learn(store, again=True)
    assert learned.patterns_withdrawn == 1
    assert store.pattern("default", "Once seen") is None
    assert store.pattern("default", "Used") is not None


def test_failures_are_counted_from_the_calls(store: SqlStore, events: list[Event]) -> None:
    Writer(store).ingest(events)
    learned = learn(store)
    failures = store.failures(FailureQuery(namespace="default", limit=1000))
    assert learned.failures == len(failures) > 0
    for failure in failures:
        assert failure.occurrence_count == len(store.occurrences(failure.failure_id, limit=1000)) > 0


def test_a_step_that_no_failure_has_is_learned_and_said(store: SqlStore) -> None:
    """Four trials that succeeded with a step and four that failed without it: an odds ratio without bound."""
    file = TRIALS.parent / "four_trials.json"
    for path in (file, TRIALS):
        source = Source(path=path, namespace="default", size=path.stat().st_size)
        read = importer("tau_bench").read(source, Report())
        Writer(store).ingest([event_of(recording.update, now=NOON) for recording in read])
    learn(store)
    patterns = store.patterns(PatternQuery(namespace="default", limit=1000))
    contrasts = [step.contrast for each in patterns for step in each.recommended_steps if step.contrast is not None]
    assert any(each.odds_ratio is None and each.verdict == "helps" for each in contrasts)


def test_a_run_that_its_user_approved_becomes_a_pattern_that_rests_on_one(store: SqlStore, events: list[Event]) -> None:
    """Until there are enough like it: then what several runs show takes its place."""
    few = Options(least_executions=1000)
    Writer(store).ingest(events)
    assert learn(store, options=LearnOptions(patterns=few)).patterns == 0
    chosen = next(
        execution.trace
        for batch in store.all_executions("default")
        for execution in batch
        if execution.trace.success and len(steps(execution.spans)) > 2
    )
    Writer(store).ingest([event_of(approval_of(chosen), now=NOON)])
    learn(store, options=LearnOptions(patterns=few))
    (alone,) = store.patterns(PatternQuery(namespace="default", limit=10))
    assert (alone.status, alone.execution_ids, alone.evidence_count) == ("candidate", (chosen.execution_id,), 1)
    assert learn(store, options=LearnOptions(patterns=few)).nothing_new
    learn(store)
    grown = store.patterns(PatternQuery(namespace="default", limit=1000))
    shown_by_several = any(
        chosen.execution_id in each.execution_ids for each in grown if each.extraction_method == "cluster"
    )
    assert [each for each in grown if each.extraction_method == "single"] == ([] if shown_by_several else [alone])


def test_other_options_learn_anew(store: SqlStore, events: list[Event]) -> None:
    Writer(store).ingest(events)
    strict, loose = learn(store), learn(store, options=LearnOptions(fix_sessions=1))
    assert not loose.nothing_new
    assert loose.resolutions == strict.resolutions
    assert loose.fixes_shown >= strict.fixes_shown
