"""Outcomes by agreement: real runs of the same tasks, their rewards hidden, through the real import and store."""

import json
from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from seasoned.evaluate import run_outcomes
from seasoned.model import Event, ExecutionUpdate, Signal, Span, Trace
from seasoned.model.ids import name_id
from seasoned.store import TraceQuery, open_store
from seasoned.store.sql import SqlStore
from seasoned.workers import ImportOptions, Writer, import_histories
from seasoned.workers.agreement import Settled, settle_outcomes
from seasoned.workers.reading import event_of

TRIALS = Path(__file__).parent.parent / "data" / "tau-bench" / "four_trials.json"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROMPT = "Return the laptop of order W3826449 and send the money back to the gift card of Lei Wilson in Texas, please"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[SqlStore, None, None]:
    url = f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(url)
    yield opened
    opened.close()


def run(
    name: str,
    *arguments: str,
    prompt: str = PROMPT,
    tool: str = "mcp__shop__return_items",
    session: str | None = None,
    minutes: int | None = None,
    **changes: object,
) -> Event:
    """A run whose outcome nobody states: it looks at the order, then calls ``tool`` once for each of ``arguments``."""
    execution_id = name_id("run", name)
    started = NOON + timedelta(minutes=sum(name.encode()) if minutes is None else minutes)
    trace = Trace(
        execution_id=execution_id,
        namespace="default",
        revision=9,
        session_id=session or f"session {name}",
        source="claude_code",
        prompt=prompt,
        started_at=started,
        completed_at=started + timedelta(minutes=1),
        status="unknown",
    )
    calls = [("mcp__shop__get_order", {"id": "W1"}), *((tool, {"command": each, "id": each}) for each in arguments)]
    spans = tuple(
        Span(
            span_id=name_id("span", name, str(number)),
            execution_id=execution_id,
            number=number,
            kind="tool",
            name=called,
            tool=called,
            outcome="success",
            arguments=dict(given),
        )
        for number, (called, given) in enumerate(calls)
    )
    known = replace(trace, **changes)  # pyright: ignore[reportArgumentType]
    return event_of(ExecutionUpdate(trace=known, spans=spans), now=NOON)


def settled(store: SqlStore, *events: Event) -> dict[str, str]:
    """Ingest, settle; id → tier of every trace."""
    Writer(store).ingest(events)
    settle_outcomes(store)
    return tiers(store)


def tiers(store: SqlStore) -> dict[str, str]:
    return {trace.execution_id: trace.outcome_tier for trace in store.traces(TraceQuery(namespace="default"))}


def claimed(store: SqlStore, *events: Event) -> int:
    return Counter(settled(store, *events).values())["consensus"]


def test_real_runs_get_what_the_evaluation_says(store: SqlStore, tmp_path: Path) -> None:
    records = json.loads(TRIALS.read_text())
    truth = {(f"task:{each['task_id']}", f"trial:{each['trial']}"): each["reward"] == 1 for each in records}
    hidden = tmp_path / TRIALS.name
    hidden.write_text(json.dumps([each | {"reward": None} for each in records]))
    options = ImportOptions(namespace="default", redactor_key=b"k" * 32, jobs=0)
    import_histories([hidden], store, Writer(store), options)
    told = settle_outcomes(store)
    found = store.traces(TraceQuery(namespace="default", limit=100))
    sure = [trace for trace in found if trace.outcome_tier == "consensus"]
    figures = {figure.key: figure for figure in run_outcomes([TRIALS]).parts[0].figures}
    assert told == Settled(claimed=len(sure)) and len(sure) == figures["consensus_precision"].n > 0
    right = sum(truth[trace.tags[0], trace.tags[1]] for trace in sure) / len(sure)
    assert right == pytest.approx(figures["consensus_precision"].value)
    assert len(sure) / len(found) == pytest.approx(figures["consensus_coverage"].value)
    assert {(t.status, t.outcome_confidence, t.outcome_evidence[-1].kind) for t in sure} == {
        ("success", 0.95, "consensus")
    }
    assert settle_outcomes(store) == Settled()
    import_histories([hidden], store, Writer(store), replace(options, again=True))
    assert settle_outcomes(store) == Settled()


def test_with_rewards_nothing_is_claimed(store: SqlStore) -> None:
    options = ImportOptions(namespace="default", redactor_key=b"k" * 32, jobs=0)
    import_histories([TRIALS], store, Writer(store), options)
    assert settle_outcomes(store) == Settled()
    assert set(tiers(store).values()) == {"explicit"}


def test_a_run_that_disagrees_withdraws_the_claims(store: SqlStore) -> None:
    assert claimed(store, run("a", "W1"), run("b", "W1")) == 0
    assert claimed(store, run("c", "W1")) == 3
    Writer(store).ingest([run("d", "W2")])
    assert settle_outcomes(store) == Settled(withdrawn=3)
    for trace in store.traces(TraceQuery(namespace="default")):
        assert (trace.status, trace.outcome_confidence, trace.outcome_evidence) == ("unknown", None, ())
    [fingerprint_id] = store.by_hash("default", task_hash=_hash())
    assert store.fingerprints([fingerprint_id])[fingerprint_id].stats.success_count == 0


def test_counters_follow(store: SqlStore) -> None:
    assert claimed(store, run("a", "W1"), run("b", "W1"), run("c", "W1")) == 3
    [fingerprint_id] = store.by_hash("default", task_hash=_hash())
    assert store.fingerprints([fingerprint_id])[fingerprint_id].stats.success_count == 3


def _hash() -> str:
    from seasoned.learn import task_hash

    return task_hash("default", PROMPT)


def test_the_order_and_the_size_of_deliveries_do_not_count(tmp_path: Path) -> None:
    events = [run("a", "W1"), run("b", "W1"), run("c", "W1", "W2"), run("d", "W1")]
    events += [run(f"x{n}", "W7", prompt=PROMPT + " soon") for n in range(4)]
    events.append(run("a", "W1", revision=4))
    found: set[tuple[tuple[str, str], ...]] = set()
    for seed in range(6):
        order = list(events)
        Random(seed).shuffle(order)
        store = open_store(f"sqlite:///{tmp_path / f'{seed}.db'}")
        for event in order:
            Writer(store).ingest([event])
            if seed % 2:
                settle_outcomes(store)
        settle_outcomes(store)
        found.add(tuple(sorted(tiers(store).items())))
        store.close()
    assert len(found) == 1
    assert Counter(tier for _, tier in found.pop()) == {"consensus": 4, "unknown": 4}


def test_news_of_a_run_do_not_carry_the_old_claim(store: SqlStore) -> None:
    assert claimed(store, run("a", "W1"), run("b", "W1"), run("c", "W1")) == 3
    rejected = Signal(kind="user_rejected", verdict="failure", weight=1.0)
    failed = run(
        "a", "W1", revision=12, status="failure", outcome_tier="explicit", outcome_confidence=0.9,
        outcome_evidence=(rejected,),
    )  # fmt: skip
    found = settled(store, failed)
    assert Counter(found.values()) == {"explicit": 1, "unknown": 2}
    trace = store.trace("default", name_id("run", "a"))
    assert trace is not None and (trace.status, trace.outcome_evidence) == ("failure", (rejected,))


def test_a_stated_outcome_stands(store: SqlStore) -> None:
    stated = run("c", "W1", status="success", outcome_tier="explicit", outcome_confidence=1.0)
    found = settled(store, run("a", "W1"), run("b", "W1"), stated)
    assert Counter(found.values()) == {"consensus": 2, "explicit": 1}
    trace = store.trace("default", name_id("run", "c"))
    assert trace is not None and trace.outcome_confidence == 1.0


@pytest.mark.parametrize("prompt", ["continue", "commit", "yes, go on please", "Run the tests again and fix it"])
def test_routine_prompts_claim_nothing(store: SqlStore, prompt: str) -> None:
    assert claimed(store, *(run(name, "W1", prompt=prompt) for name in "abcd")) == 0


@pytest.mark.parametrize("tool", ["Edit", "Write", "Bash", "exec_command"])
def test_edits_and_commands_claim_nothing(store: SqlStore, tool: str) -> None:
    assert claimed(store, *(run(name, "rm -r build", tool=tool) for name in "abcd")) == 0


def test_a_prompt_put_twice_in_a_session_claims_nothing(store: SqlStore) -> None:
    assert claimed(store, run("a", "W1"), run("b", "W1"), run("c", "W1"), run("d", "W1", session="session a")) == 0


def test_a_run_that_was_not_the_beginning_does_not_count(store: SqlStore) -> None:
    before = run("first", prompt="hello", session="session c", minutes=-50)
    assert claimed(store, run("a", "W1"), run("b", "W1"), run("c", "W1"), before) == 0
    further = run("d", "W1", follow_ups=("and the other one too",))
    assert claimed(store, further) == 0
    assert claimed(store, run("e", "W1")) == 3


def test_copies_of_one_run_count_once(store: SqlStore) -> None:
    assert claimed(store, *(run(name, "W1", minutes=3) for name in "abcd")) == 0


def test_the_words_of_the_user_outweigh_agreement(store: SqlStore) -> None:
    again = (Signal(kind="asked_again", verdict="failure", weight=1.0),)
    assert claimed(store, run("a", "W1"), run("b", "W1"), run("c", "W1", outcome_evidence=again)) == 0


def test_what_a_sub_agent_did_counts(store: SqlStore) -> None:
    parents = [run(name) for name in "abc"]
    children = [
        run(f"child {name}", target, parent_id=name_id("run", name), prompt="do it", session=f"session {name}")
        for name, target in (("a", "W1"), ("b", "W1"), ("c", "W2"))
    ]
    assert claimed(store, *parents, *children) == 0


def test_a_run_in_progress_is_left_out(store: SqlStore) -> None:
    assert claimed(store, run("a", "W1"), run("b", "W1"), run("c", "W1", status="in_progress", completed_at=None)) == 0
    assert claimed(store, run("c", "W1", revision=10)) == 3
