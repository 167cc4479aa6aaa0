"""Agent chains: hand-overs that recur, counted by task, beside the same tasks without them."""

import random
from dataclasses import replace

import pytest
from measured_runs import execution

from seasoned.learn.chains import ChainMiner
from seasoned.model import AgentChain, Execution, Status


def task(name: str, *, status: Status = "success", duration_ms: int = 1000, shape: str = "s") -> Execution:
    return execution(name, status=status, duration_ms=duration_ms, agent_name="lead", shape=shape)


def below(parent: Execution, name: str, *, agent: str = "explorer", stated: bool = True) -> Execution:
    return execution(
        name,
        status="unknown",
        agent_name=agent,
        agent_chain=("lead", agent) if stated else (),
        parent_id=parent.trace.execution_id,
        root_id=parent.trace.execution_id,
    )


def mined(executions: list[Execution]) -> list[AgentChain]:
    miner = ChainMiner("n")
    for each in executions:
        miner.add(each)
    return miner.result()


def history() -> list[Execution]:
    helped = [task(f"with {at}", status="success" if at else "failure", duration_ms=3000) for at in range(4)]
    alone = [task(f"alone {at}", status="failure" if at % 2 else "success") for at in range(6)]
    return [*helped, *alone, *(below(each, f"child {at}") for at, each in enumerate(helped))]


def test_a_chain_is_worth_what_it_does_for_the_task() -> None:
    (found,) = mined(history())
    assert found.chain == ("lead", "explorer")
    assert (found.task_type, found.domain, found.support) == ("debugging", "database", 4)
    assert (found.success_rate, found.avg_duration_ms) == (0.75, 3000)


def test_beside_the_same_tasks_without_it() -> None:
    miner = ChainMiner("n")
    for each in [*history(), execution("other", agent_name="lead", domain="frontend"), execution("o", agent_name="x")]:
        miner.add(each)
    (found,) = miner.comparisons()
    assert found.without == 6
    assert found.success is not None
    assert found.success.value == 0.25
    assert found.duration_ratio is not None
    assert found.duration_ratio.value == pytest.approx(3)
    assert len(found.execution_ids) == 4


def test_ten_sub_agents_of_one_task_are_one_task() -> None:
    top = task("top")
    assert mined([top, *(below(top, str(at)) for at in range(10))]) == []


def test_a_chain_that_nobody_states_is_read_from_parents() -> None:
    tops = [task(str(at)) for at in range(2)]
    middle = [below(top, f"m{at}", agent="builder", stated=False) for at, top in enumerate(tops)]
    deep = [replace(below(parent, f"d{at}", agent="tester", stated=False)) for at, parent in enumerate(middle)]
    deep = [
        replace(each, trace=replace(each.trace, root_id=top.trace.execution_id))
        for each, top in zip(deep, tops, strict=True)
    ]
    assert [each.chain for each in mined([*deep, *middle, *tops])] == [
        ("lead", "builder"),
        ("lead", "builder", "tester"),
    ]


def test_a_sub_agent_does_not_stand_in_for_a_task_that_is_not_known() -> None:
    missing = [task(str(at)) for at in range(2)]
    (found,) = mined([replace(each) for at, top in enumerate(missing) for each in [below(top, f"c{at}")]])
    assert (found.support, found.success_rate, found.avg_duration_ms, found.task_type) == (2, None, None, None)


def test_the_order_of_executions_does_not_matter() -> None:
    runs = history()
    first = mined(runs)
    for seed in range(5):
        random.Random(seed).shuffle(runs)
        assert mined([*runs, runs[0]]) == first
