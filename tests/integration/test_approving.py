"""A user's approval: which execution is meant, and that nothing that is read of it later takes it back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seasoned.errors import NotFoundError, UsageError
from seasoned.model import APPROVED, Event, ExecutionUpdate, Signal, Trace
from seasoned.model.ids import name_id
from seasoned.store import Store, open_store
from seasoned.workers import Writer
from seasoned.workers.approving import approval_of, execution_meant
from seasoned.workers.reading import event_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = Path("/projects/shop")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(url)
    yield opened
    opened.close()


def run(
    name: str, minutes: int, *, session: str | None = "s1", cwd: Path | None = HERE, prompt: str = "Do it"
) -> Trace:
    return Trace(
        execution_id=name_id("run", name),
        namespace="default",
        revision=5,
        session_id=session,
        source="claude_code",
        prompt=prompt,
        started_at=NOON + timedelta(minutes=minutes),
        completed_at=NOON + timedelta(minutes=minutes + 1),
        status="unknown",
        cwd=None if cwd is None else str(cwd),
    )


def put(store: Store, *updates: ExecutionUpdate) -> None:
    events: list[Event] = [event_of(each, now=NOON) for each in updates]
    Writer(store).ingest(events)


def traces(*runs: Trace) -> list[ExecutionUpdate]:
    return [ExecutionUpdate(trace=each) for each in runs]


def meant(store: Store, which: str) -> str:
    return execution_meant(store, "default", which, folder=HERE).execution_id


def test_the_last_one_is_the_newest_that_an_agent_ran_here(store: Store) -> None:
    wanted = run("wanted", 3, cwd=HERE / "api")
    put(
        store,
        *traces(
            run("older", 1),
            wanted,
            run("elsewhere", 5, cwd=Path("/projects/shopping")),
            run("nowhere", 6, cwd=None),
            run("a commit", 7, session=None),
            run("the command itself", 8, prompt="/seasoned:learn"),
            replace(run("a sub-agent", 9), parent_id=wanted.execution_id, root_id=wanted.execution_id),
        ),
    )
    assert meant(store, "last") == wanted.execution_id


def test_a_session_means_its_last_task(store: Store) -> None:
    second = run("second", 2, cwd=Path("/elsewhere"))
    put(
        store,
        *traces(
            run("first", 1),
            second,
            replace(run("a sub-agent", 5), parent_id=second.execution_id, root_id=second.execution_id),
            run("the command itself", 3, prompt="$learn"),
            run("another", 4, session="s2"),
        ),
    )
    assert meant(store, "session:s1") == name_id("run", "second")


def test_an_id_or_its_beginning_will_do(store: Store) -> None:
    put(store, *traces(run("one", 1), run("two", 2)))
    one = name_id("run", "one")
    assert meant(store, one) == meant(store, one[:8]) == one


@pytest.mark.parametrize("which", ["last", "session:s1", "session:", "01234567"])
def test_nothing_is_approved_in_place_of_what_is_not_there(store: Store, which: str) -> None:
    put(store, *traces(run("elsewhere", 1, session="s2", cwd=Path("/elsewhere"))))
    with pytest.raises(NotFoundError):
        meant(store, which)


def test_what_names_nothing_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="last, session:ID"):
        meant(store, "newst")


def test_no_later_reading_takes_it_back(store: Store) -> None:
    early = run("one", 1)
    put(store, *traces(early))
    put(store, approval_of(early))
    put(store, approval_of(early))
    failed = Signal(kind="test", verdict="failure", weight=1.0)
    late = replace(early, revision=50, status="failure", outcome_tier="explicit", outcome_evidence=(failed,))
    put(store, *traces(late))
    stored = store.trace("default", early.execution_id)
    assert stored is not None
    assert (stored.status, stored.outcome_tier, stored.outcome_confidence) == ("success", "explicit", 1.0)
    assert stored.user_acceptance is True
    assert [each.kind for each in stored.outcome_evidence] == ["test", APPROVED]
    assert (stored.revision, stored.completed_at) == (50, late.completed_at)
    assert len(store.read_log(0, 100)) == 3, "the same approval twice is one event"
