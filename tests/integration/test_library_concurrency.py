"""Many agents at one pattern at once: every use is counted once, and what is done to it has some order."""

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from threading import Barrier

import pytest

from seasoned.capture import Redactor, Report, Source, importer
from seasoned.errors import SeasonedError
from seasoned.library import LearningService, Library
from seasoned.model import Identity, Pattern
from seasoned.store import PatternQuery, Store, open_store
from seasoned.store.doctor import examine
from seasoned.store.sql import SqlStore
from seasoned.workers import Writer, event_of, learn_history

pytestmark = pytest.mark.slow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRIALS = Path(__file__).parent.parent / "data" / "tau-bench" / "recurring.json"
OUTCOMES = (True, True, False, None)
DATA = {"problem": "tests fail now and then", "solution": "seed the random order"}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = open_store(url, busy_timeout_s=60)
    yield opened
    opened.close()


def library(store: Store, agent_id: str, role: str = "agent", namespace: str = "north") -> Library:
    who = Identity(namespace=namespace, agent_id=agent_id, role=role)  # pyright: ignore[reportArgumentType]
    return Library(store, who, redactor=Redactor(b"0" * 32), clock=lambda: datetime.now(UTC))


def shared_pattern(store: Store, name: str = "Fix flaky tests", *, level: str = "team") -> Pattern:
    return library(store, "ana").create_pattern(name, "testing", DATA, access_level=level, learning_weight=2.0)  # pyright: ignore[reportArgumentType]


def exact(found: Pattern, uses: int, successes: int, failures: int) -> None:
    """Counts, and the rate and confidence that follow from them with a learning weight of 2."""
    known = successes + failures
    assert (found.usage_count, found.success_count, found.failure_count) == (uses, successes, failures)
    assert found.success_rate == pytest.approx((successes + 1.0) / (known + 2.0), abs=1e-6)
    assert found.confidence_score == pytest.approx(known / (known + 12.5), abs=1e-6)


def test_fifty_agents_use_one_pattern_at_once_and_each_use_counts_once(store: SqlStore) -> None:
    pattern = shared_pattern(store)

    async def all_at_once() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(50))
        services = [LearningService(library(store, f"agent-{number}")) for number in range(50)]
        await asyncio.gather(
            *(
                service.use_pattern(pattern.pattern_id, None, 0.5, success=each)
                for service in services
                for each in OUTCOMES
            )
        )

    asyncio.run(all_at_once())
    found = library(store, "ana").get_pattern(pattern.pattern_id)
    assert found is not None
    exact(found, uses=200, successes=100, failures=50)
    usages = library(store, "ana").usages(pattern.pattern_id, limit=1000)
    assert [sum(each.success is outcome for each in usages) for outcome in (True, False, None)] == [100, 50, 50]
    assert {each.agent_id for each in usages} == {f"agent-{number}" for number in range(50)}
    assert found.last_used_at == max(each.used_at for each in usages)
    assert examine(store).found == {}


def _use(url: str, pattern_id: str, process: int, threads: int) -> int:
    store = open_store(url, busy_timeout_s=60)
    try:
        services = [library(store, f"agent-{process}-{number}") for number in range(threads)]
        with ThreadPoolExecutor(threads) as pool:
            done = [
                pool.submit(each.use_pattern, pattern_id, None, 0.25, outcome)
                for each in services
                for outcome in OUTCOMES
            ]
            return sum(each.result().usage_count > 0 for each in done)
    finally:
        store.close()


def test_four_processes_of_several_threads_lose_no_use(url: str, store: SqlStore) -> None:
    pattern = shared_pattern(store)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=context) as pool:
        done = [pool.submit(_use, url, pattern.pattern_id, process, 6) for process in range(4)]
        assert [each.result() for each in done] == [24] * 4
    found = library(store, "ana").get_pattern(pattern.pattern_id)
    assert found is not None
    exact(found, uses=96, successes=48, failures=24)


def moves(store: Store, pattern_id: str) -> dict[str, Callable[[], object]]:
    """What four agents do to one pattern."""
    return {
        "promote": lambda: library(store, "lib", "librarian").promote(pattern_id, waiver="it was tried"),
        "update": lambda: library(store, "ana").update_pattern(pattern_id, pattern_data={"solution": "sort them"}),
        "use": lambda: library(store, "ben").use_pattern(pattern_id, success=True),
        "delete": lambda: library(store, "ana").delete_pattern(pattern_id),
    }


def result_of(move: Callable[[], object]) -> str:
    try:
        move()
    except SeasonedError as error:
        return type(error).__name__
    return "done"


def ended(store: Store, results: dict[str, str]) -> tuple[object, ...]:
    """Results, and the end state without ids and clocks."""
    versions = store.patterns(PatternQuery(namespace="north", limit=1000))
    ids = {each.pattern_id for each in versions}
    state = [
        (each.version, each.status, each.usage_count, each.success_count, str(each.pattern_data), each.success_rate,
         each.parent_pattern_id in ids)
        for each in versions
    ]  # fmt: skip
    return tuple(sorted(results.items())), tuple(sorted(state))


def emptied(store: Store) -> None:
    with store.writing() as writing:
        writing.delete_patterns([each.pattern_id for each in store.patterns(PatternQuery(namespace="north"))])


def some_orders(store: Store, names: Sequence[str]) -> set[tuple[object, ...]]:
    """How it can end, one after the other."""
    found: set[tuple[object, ...]] = set()
    for order in permutations(names):
        emptied(store)
        todo = moves(store, shared_pattern(store).pattern_id)
        found.add(ended(store, {name: result_of(todo[name]) for name in order}))
    return found


@pytest.mark.parametrize(
    "names", [("promote", "update", "use", "delete"), ("promote", "update", "use")], ids=["with deletion", "without"]
)
def test_what_is_done_to_one_pattern_at_once_ends_as_some_order_of_it(store: SqlStore, names: tuple[str, ...]) -> None:
    possible = some_orders(store, names)
    seen: set[tuple[object, ...]] = set()
    for _ in range(12):
        emptied(store)
        todo = moves(store, shared_pattern(store).pattern_id)
        start = Barrier(len(names))

        def together(name: str, todo: dict[str, Callable[[], object]] = todo, start: Barrier = start) -> str:
            start.wait()
            return result_of(todo[name])

        with ThreadPoolExecutor(len(names)) as pool:
            results = dict(zip(names, pool.map(together, names), strict=True))
        seen.add(ended(store, results))
    assert seen <= possible


def test_learning_anew_loses_no_use(store: SqlStore) -> None:
    source = Source(path=TRIALS, namespace="north", size=TRIALS.stat().st_size)
    read = importer("tau_bench").read(source, Report())
    Writer(store).ingest([event_of(recording.update, now=NOON) for recording in read])
    learn_history(store, "north", model=None, now=NOON)
    learned = store.patterns(PatternQuery(namespace="north", limit=1000))
    start = Barrier(8)

    def learn(_: int) -> int:
        start.wait()
        return sum(learn_history(store, "north", model=None, now=NOON, again=True).patterns > 0 for _ in range(3))

    def use(agent: int) -> int:
        start.wait()
        caller = library(store, f"agent-{agent}")
        return sum(
            result_of(lambda each=each: caller.use_pattern(each.pattern_id, success=True)) == "done" for each in learned
        )

    with ThreadPoolExecutor(8) as pool:
        learning = [pool.submit(learn, number) for number in range(2)]
        using = [pool.submit(use, number) for number in range(6)]
        assert [each.result() for each in learning] == [3, 3]
        assert [each.result() for each in using] == [len(learned)] * 6
    after = {each.pattern_id: each for each in store.patterns(PatternQuery(namespace="north", limit=1000))}
    for pattern in learned:
        found = after[pattern.pattern_id]
        assert (found.usage_count, found.success_count) == (pattern.usage_count + 6, pattern.success_count + 6)
        known = found.evidence_count + found.success_count + found.failure_count
        assert found.confidence_score == pytest.approx(known / (known + 12.5), abs=1e-6)
    assert examine(store).found == {}
