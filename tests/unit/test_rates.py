"""How often an agent may ask: exact under threads, by agent and kind."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from seasoned.answers.rates import Rates
from seasoned.errors import TooManyCallsError
from seasoned.model import Identity


def agent(name: str, namespace: str = "default") -> Identity:
    return Identity(namespace=namespace, agent_id=name, role="agent")


def counted(rates: Rates, who: Identity) -> bool:
    try:
        rates.count(who, "check")
    except TooManyCallsError:
        return False
    return True


def test_as_many_as_are_allowed_and_no_more() -> None:
    rates = Rates({"check": 50})
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(counted, rates, agent("a")) for _ in range(400)]
    assert sum(each.result() for each in waiting) == 50


def test_each_agent_and_kind_has_its_own_count() -> None:
    rates = Rates({"check": 1, "record": 1})
    rates.count(agent("a"), "check")
    rates.count(agent("a"), "record")
    rates.count(agent("b"), "check")
    rates.count(agent("a", "elsewhere"), "check")
    with pytest.raises(TooManyCallsError, match=r"^a may make 1 calls of this kind \(check\) a minute") as error:
        rates.count(agent("a"), "check")
    assert 1 <= error.value.retry_after_s <= 60
