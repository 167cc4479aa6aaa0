"""What became of advice: both arms measured alike, from the executions that followed it, on both engines."""

from collections.abc import Generator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from seasoned.capture import Redactor
from seasoned.learn.failures.mining import FailureMiner
from seasoned.library import Library
from seasoned.model import (
    Advice,
    AdviceItem,
    Execution,
    ExecutionUpdate,
    Identity,
    Pattern,
    PatternStep,
    Resolution,
    ResolutionStep,
    Span,
    SpanOutcome,
    Trace,
)
from seasoned.model.ids import name_id, source_id
from seasoned.store import FailureQuery, Store, open_store
from seasoned.testing.knowledge_records import pattern
from seasoned.testing.stores import NOON
from seasoned.workers import Writer, event_of, learn_history
from seasoned.workers.feedback import Heard, advice_event, hear

LATER = NOON + timedelta(hours=2)
MISSING = "fatal: The current branch topic has no upstream branch."
PUSH, UPSTREAM = "git push", "git push --set-upstream origin topic"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Store, None, None]:
    url = f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(url)
    yield opened
    opened.close()


def run(session: str, prompt: str = "p1", **changes: object) -> Trace:
    ended = Trace(
        execution_id=source_id("claude_code", session, prompt),
        namespace="n",
        revision=9,
        source="claude_code",
        session_id=session,
        agent_name="claude",
        prompt="Push the branch",
        started_at=NOON,
        completed_at=NOON + timedelta(minutes=5),
        duration_ms=300_000,
        status="success",
        outcome_tier="explicit",
        outcome_confidence=1.0,
        quality_score=0.9,
        total_tokens_used=1_000,
    )
    return replace(ended, **changes)  # pyright: ignore[reportArgumentType]


def call(trace: Trace, number: int, command: str, outcome: SpanOutcome = "success", error: str | None = None) -> Span:
    return Span(
        span_id=source_id("claude_code", trace.session_id or "", f"call{number}"),
        execution_id=trace.execution_id,
        number=number,
        kind="tool",
        name="Bash",
        tool="Bash",
        started_at=NOON + timedelta(seconds=number),
        duration_ms=500,
        outcome=outcome,
        error_type="exit_code" if error else None,
        error_message=f"Exit code 128\n{error}" if error else None,
        arguments={"command": command},
    )


def record(store: Store, trace: Trace, *spans: Span) -> None:
    Writer(store).ingest([event_of(ExecutionUpdate(trace=trace, spans=spans), now=NOON)])


def fix_for(store: Store, by_hand: Resolution | None = None) -> tuple[str, AdviceItem]:
    """Failure and fix as they are mined from two sessions, or ``by_hand`` instead; (signature, item)."""
    miner = FailureMiner()
    for session in ("past1", "past2"):
        trace = run(session)
        ended = ("ls", "git status", UPSTREAM)
        done = [call(trace, number, command) for number, command in enumerate(ended, 1)]
        calls = (call(trace, 0, PUSH, "failure", MISSING), *done)
        miner.add(Execution(trace=trace, spans=calls))
        record(store, trace, *calls)
    (mined,) = miner.result()
    known, met = mined.resolutions, mined.occurrences
    if by_hand is not None:
        known = (replace(by_hand, failure_id=mined.failure.failure_id),)
        met = tuple(replace(each, resolved_by=None) for each in met)
    with store.writing() as writing:
        writing.replace_failure(mined.failure, known, met)
    item = AdviceItem(kind="fix", id=known[0].resolution_id, score=0.8, failure_id=mined.failure.failure_id)
    return mined.failure.signature, item


def told(session: str, native: str, **changes: object) -> Advice:
    advice = Advice(
        advice_id=name_id("advice", session, native),
        namespace="n",
        given_at=NOON + timedelta(seconds=1),
        session_id=session,
        about_id=source_id("claude_code", session, native),
        agent_id="local",
        source="claude_code",
        moment="prompt",
        kind="pattern",
        opportunity="automatic",
        arm="given",
        share=0.5,
        unit=f"session:{session}",
        items=(),
    )
    return replace(advice, **changes)  # pyright: ignore[reportArgumentType]


def heard(store: Store, now: datetime = LATER) -> Heard:
    who = Identity(namespace="n", agent_id="local", role="admin", local=True)
    library = Library(store, who, redactor=Redactor(b"k" * 32), clock=lambda: now)
    return hear(
        store,
        Writer(store),
        "n",
        now=now,
        use_pattern=library.use_pattern,
        pattern_of=lambda pattern_id: store.pattern("n", pattern_id),
    )


def advised(store: Store, *advice: Advice) -> None:
    Writer(store).ingest([advice_event(each) for each in advice])


def one(store: Store, advice: Advice) -> Advice:
    found = store.advice("n", advice.advice_id)
    assert found is not None
    return found


@pytest.mark.parametrize("arm", ["given", "held_out"])
def test_a_fix_that_was_taken_counts_as_followed_and_recovered(store: Store, arm: str) -> None:
    signature, item = fix_for(store)
    trace = run("s")
    record(store, trace, call(trace, 0, PUSH, "failure", MISSING), call(trace, 1, UPSTREAM))
    advice = told("s", "call0", moment="after_failure", kind="fix", arm=arm, subject=signature, items=(item,))
    advised(store, advice)
    assert heard(store) == Heard(looked_at=1, changed=1)
    found = one(store, advice)
    assert (found.followed, found.outcome, found.execution_id) == (True, "recovered", trace.execution_id)
    assert found.endpoints == {
        "steps_to_recovery": 1, "same_failure_again": 0, "repeated_failures": 0, "success": 1,
        "duration_ms": 300_000, "tokens": 1_000,
    }  # fmt: skip
    assert heard(store) == Heard(looked_at=1)


def test_a_fix_that_was_not_taken_and_a_failure_that_came_again(store: Store) -> None:
    signature, item = fix_for(store)
    trace = run("s", status="failure")
    record(
        store, trace, call(trace, 0, PUSH, "failure", MISSING), call(trace, 1, "git log"),
        call(trace, 2, PUSH, "failure", MISSING),
    )  # fmt: skip
    advice = told("s", "call0", moment="after_failure", kind="fix", subject=signature, items=(item,))
    advised(store, advice)
    heard(store)
    found = one(store, advice)
    assert (found.followed, found.outcome) == (False, "not_recovered")
    assert found.endpoints is not None
    assert (found.endpoints["same_failure_again"], found.endpoints["repeated_failures"]) == (1, 1)
    assert found.endpoints["success"] == 0
    assert "steps_to_recovery" not in found.endpoints


Seen = tuple[str, SpanOutcome, str | None]
FAILED: Seen = (PUSH, "failure", MISSING)
TAKEN: Seen = (UPSTREAM, "success", None)


@pytest.mark.parametrize("arm", ["given", "held_out"])
@pytest.mark.parametrize(
    ("after", "followed", "outcome", "again"),
    [
        pytest.param([TAKEN], True, "recovered", 0, id="taken"),
        pytest.param([], False, "not_recovered", 0, id="nothing more was done"),
        pytest.param([FAILED], False, "not_recovered", 1, id="the same once more"),
        pytest.param([FAILED, TAKEN], True, "recovered", 1, id="taken the second time"),
        pytest.param([(PUSH, "success", None)], False, "recovered", 0, id="the same worked"),
        pytest.param(
            [(UPSTREAM, "failure", "fatal: unable to access: Could not resolve host")], True, "not_recovered", 0,
            id="taken, and it failed otherwise",
        ),
        pytest.param([("git log", "success", None)] * 9 + [TAKEN], False, "not_recovered", 0, id="much later"),
        pytest.param([("echo git push --set-upstream origin x", "success", None)], False, "not_recovered", 0, id="said"),
        pytest.param([(PUSH, "unknown", None)], False, None, None, id="how the same ended is not known"),
        pytest.param([(UPSTREAM, "unknown", None)], True, None, None, id="how the taken one ended is not known"),
        pytest.param([FAILED, (PUSH, "unknown", None)], False, None, 1, id="once more, then not known"),
    ],
)  # fmt: skip
def test_how_a_fix_is_judged(
    store: Store, arm: str, after: list[Seen], followed: bool, outcome: str | None, again: int | None
) -> None:
    signature, item = fix_for(store)
    trace = run("s")
    record(store, trace, *(call(trace, number, *seen) for number, seen in enumerate([FAILED, *after])))
    advice = told("s", "call0", moment="after_failure", kind="fix", arm=arm, subject=signature, items=(item,))
    advised(store, advice)
    heard(store)
    found = one(store, advice)
    assert (found.followed, found.outcome) == (followed, outcome)
    assert found.endpoints is not None
    assert found.endpoints.get("same_failure_again") == again
    assert heard(store) == Heard(looked_at=1)


@pytest.mark.parametrize(
    ("after", "followed"),
    [
        ([FAILED], False),  # the same call again is half of the advice, and the half that was known
        ([(PUSH, "success", None)], False),
        ([("git remote add origin https://h/x", "success", None), (PUSH, "success", None)], True),
        ([("git remote add origin https://h/y", "success", None), FAILED], True),
        ([("git remote add origin https://h/z", "success", None)], True),
    ],
)
def test_something_done_first_is_the_advice_not_the_call_that_failed(
    store: Store, after: list[Seen], followed: bool
) -> None:
    steps = (
        ResolutionStep(tool="Bash", command="git remote add origin {url}"),
        ResolutionStep(tool="Bash", command=PUSH),
    )
    by_hand = Resolution(
        resolution_id=name_id("first"),
        failure_id="",
        namespace="n",
        description="First …",
        steps=steps,
        source="recorded",
    )
    signature, item = fix_for(store, by_hand)
    trace = run("s")
    record(store, trace, *(call(trace, number, *seen) for number, seen in enumerate([FAILED, *after])))
    advice = told("s", "call0", moment="after_failure", kind="fix", subject=signature, items=(item,))
    advised(store, advice)
    heard(store)
    assert one(store, advice).followed is followed


@pytest.mark.parametrize(
    ("made", "followed", "again"),
    [
        ([FAILED], False, 1),
        ([FAILED, TAKEN], True, 1),
        ([(PUSH, "success", None)], False, 0),
        ([(PUSH, "unknown", None)], False, None),
        ([(PUSH, "failure", "fatal: unable to access: Could not resolve host")], False, 0),
    ],
)
def test_how_a_warning_is_judged(store: Store, made: list[Seen], followed: bool, again: int | None) -> None:
    signature, item = fix_for(store)
    trace = run("s")
    record(store, trace, *(call(trace, number, *seen) for number, seen in enumerate(made)))
    warning = replace(item, kind="warning")
    advice = told("s", "call0", moment="before_tool", kind="fix", subject=signature, items=(warning,))
    advised(store, advice)
    heard(store)
    found = one(store, advice)
    assert found.followed is followed
    assert found.endpoints is not None
    assert found.endpoints.get("same_failure_again") == again


def test_an_execution_that_is_recorded_late_is_waited_for(store: Store) -> None:
    known = active(store)
    first = run("s")
    way = ("git add .", "git commit -m x", UPSTREAM)
    record(store, first, *(call(first, number, line) for number, line in enumerate(way)))
    item = AdviceItem(kind="pattern", id=known.pattern_id, score=0.9)
    second = told("s", "p2", given_at=NOON + timedelta(minutes=20), items=(item,))
    advised(store, second)
    assert heard(store) == Heard(looked_at=1)
    assert one(store, second).execution_id is None
    late = run(
        "s", "p2", started_at=NOON + timedelta(minutes=20), completed_at=NOON + timedelta(hours=1), status="failure"
    )
    record(store, late, call(late, 7, "ls"))
    assert heard(store) == Heard(looked_at=1, changed=1)
    found = one(store, second)
    assert (found.execution_id, found.outcome, found.followed) == (late.execution_id, "failure", False)


def test_what_did_not_reach_the_agent_is_no_use_of_a_pattern(store: Store) -> None:
    known = active(store)
    trace = run("s")
    record(store, trace, call(trace, 0, "git add ."), call(trace, 1, "git commit -m x"), call(trace, 2, UPSTREAM))
    item = AdviceItem(kind="pattern", id=known.pattern_id, score=0.9)
    late = told("s", "p1", items=(item,), reason="too late", tokens_added=0)
    advised(store, late)
    assert heard(store).usages == 0
    assert one(store, late).followed is True


def test_an_agent_without_ids_is_found_by_time_and_signature(store: Store) -> None:
    signature, item = fix_for(store)
    trace = run("s")
    record(store, trace, call(trace, 0, PUSH, "failure", MISSING), call(trace, 1, UPSTREAM))
    advice = told("s", "x", about_id=None, moment="after_failure", kind="fix", subject=signature, items=(item,))
    advised(store, advice)
    heard(store)
    assert one(store, advice).outcome == "recovered"


def test_without_ids_the_next_task_is_not_taken_for_the_one_at_work(store: Store) -> None:
    """Two tasks of a session a few seconds apart."""
    signature, item = fix_for(store)
    one_, two = run("s", "p1", completed_at=NOON + timedelta(seconds=4)), run("s", "p2")
    two = replace(two, started_at=NOON + timedelta(seconds=4))
    record(store, one_, call(one_, 0, PUSH, "failure", MISSING), call(one_, 1, UPSTREAM))
    record(store, two, replace(call(two, 5, "ls"), span_id=source_id("claude_code", "s", "other")))
    failed = told("s", "x", about_id=None, moment="after_failure", kind="fix", subject=signature, items=(item,))
    prompt = told("s", "y", about_id=None)
    advised(store, failed, prompt)
    heard(store)
    assert (one(store, failed).execution_id, one(store, failed).outcome) == (one_.execution_id, "recovered")
    assert one(store, prompt).execution_id == one_.execution_id


def active(store: Store) -> Pattern:
    steps = tuple(
        PatternStep(number=number, action=command, tool=" ".join(command.split()[:2]), target="", seen_in=3, of=3)
        for number, command in enumerate(("git add", "git commit", "git push"), 1)
    )
    known = pattern("way", status="active", recommended_steps=steps, agent_id="local")
    with store.writing() as writing:
        writing.save_patterns([known])
    return known


def test_a_pattern_that_was_followed_is_used_once(store: Store) -> None:
    known = active(store)
    trace = run("s", user_acceptance=True)
    record(store, trace, call(trace, 0, "git add ."), call(trace, 1, "git commit -m x"), call(trace, 2, UPSTREAM))
    advice = told("s", "p1", items=(AdviceItem(kind="pattern", id=known.pattern_id, score=0.9),))
    advised(store, advice)
    before = store.pattern("n", known.pattern_id)
    assert heard(store) == Heard(looked_at=1, changed=1, usages=1)
    assert heard(store) == Heard(looked_at=1)
    found, after = one(store, advice), store.pattern("n", known.pattern_id)
    assert (found.followed, found.accepted, found.outcome) == (True, True, "success")
    assert found.endpoints is not None
    assert (found.endpoints["steps"], found.endpoints["quality"], found.endpoints["success"]) == (3, 0.9, 1)
    assert before is not None
    assert after is not None
    assert (after.usage_count, after.success_count) == (before.usage_count + 1, before.success_count + 1)


def test_a_run_is_judged_by_the_pattern_that_it_was_told_not_by_what_was_made_of_it_since(store: Store) -> None:
    known = active(store)
    trace = run("s")
    record(store, trace, call(trace, 0, "make dist"))
    advice = told("s", "p1", items=(AdviceItem(kind="pattern", id=known.pattern_id, score=0.9),))
    advised(store, advice)
    heard(store)
    assert one(store, advice).followed is False
    made = PatternStep(number=1, action="make dist", tool="make dist", target="", seen_in=4, of=4)
    with store.writing() as writing:
        writing.save_patterns([replace(known, recommended_steps=(made,))])
    heard(store)
    assert one(store, advice).followed is False
    record(store, replace(trace, revision=10), call(trace, 0, "make dist"), call(trace, 1, "ls"))
    heard(store)
    assert one(store, advice).followed is True, "what is newly known of the run is looked at"


@pytest.mark.parametrize(("arm", "shown"), [("given", True), ("held_out", False)])
def test_a_fix_that_helps_is_not_taken_back_for_it(store: Store, arm: str, shown: bool) -> None:
    _, item = fix_for(store)
    for number in range(4):
        trace = replace(run(f"s{number}"), prompt=f"Push the {('parser', 'lexer', 'cache', 'docs')[number]}")
        record(store, trace, call(trace, 0, PUSH, "failure", MISSING), call(trace, 1, UPSTREAM))
        advised(store, told(f"s{number}", "call0", moment="after_failure", kind="fix", items=(item,), arm=arm))
    learn_history(store, "n", model=None, now=LATER)
    (failure,) = store.failures(FailureQuery(namespace="n", limit=9))
    assert failure.metadata is not None
    assert failure.metadata["shown"] is shown, failure.metadata["not_shown"]


@pytest.mark.parametrize("changes", [{"arm": "held_out"}, {"arm": None}])
def test_what_was_not_given_is_measured_and_not_counted_as_use(store: Store, changes: dict[str, object]) -> None:
    known = active(store)
    trace = run("s")
    record(store, trace, call(trace, 0, "git add ."), call(trace, 1, "git commit -m x"), call(trace, 2, UPSTREAM))
    advice = told("s", "p1", items=(AdviceItem(kind="pattern", id=known.pattern_id, score=0.9),), **changes)
    advised(store, advice)
    assert heard(store).usages == 0
    assert one(store, advice).followed is True
    after = store.pattern("n", known.pattern_id)
    assert after is not None
    assert after.usage_count == known.usage_count


def test_nothing_is_said_before_the_execution_is_over(store: Store) -> None:
    trace = run("s", status="in_progress", completed_at=None, duration_ms=None, revision=2)
    record(store, trace, call(trace, 0, "ls"))
    advice = told("s", "p1")
    advised(store, advice)
    assert heard(store, NOON + timedelta(minutes=1)) == Heard(looked_at=1)
    assert one(store, advice).outcome is None
    record(store, run("s"))
    assert heard(store).changed == 1
    assert one(store, advice).outcome == "success"


def test_a_later_word_of_the_user_changes_what_was_heard(store: Store) -> None:
    advice = told("s", "p1")
    advised(store, advice)
    record(store, run("s", status="unknown", outcome_tier="unknown", outcome_confidence=None))
    heard(store)
    assert one(store, advice).outcome == "unknown"
    record(store, run("s", revision=12, user_acceptance=True))
    heard(store, LATER + timedelta(days=1))
    assert (one(store, advice).outcome, one(store, advice).accepted) == ("success", True)


def test_a_prompt_that_goes_on_with_a_task_belongs_to_it(store: Store) -> None:
    record(store, run("s"))
    record(store, run("s", "p3", started_at=NOON + timedelta(hours=1), completed_at=LATER, status="failure"))
    follow_up = told("s", "p2", given_at=NOON + timedelta(minutes=3))
    advised(store, follow_up)
    heard(store)
    assert one(store, follow_up).execution_id == run("s").execution_id
    assert one(store, follow_up).outcome == "success"


def test_replay_of_the_log_gives_the_same_advice(store: Store, tmp_path: Path) -> None:
    signature, item = fix_for(store)
    trace = run("s")
    record(store, trace, call(trace, 0, PUSH, "failure", MISSING), call(trace, 1, UPSTREAM))
    advised(
        store, told("s", "call0", moment="after_failure", kind="fix", subject=signature, items=(item,)), told("s", "p1")
    )
    heard(store)
    other = open_store(f"sqlite:///{tmp_path / 'again.db'}")
    logged = [entry.event for entry in store.read_log(0, 100) if entry.event is not None]
    Writer(other).ingest(logged)
    assert list(other.all_advice("n")) == list(store.all_advice("n"))
    other.close()
