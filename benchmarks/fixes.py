"""Fix look-up on a failed call, and mining of failures; growth with the number of executions.

    python benchmarks/fixes.py [--sizes 100 1000 10000] [--large] [--repeat N] [--json]

*look-up* is ``FixIndex.fix_for`` in a process that holds the index, asked with the messages of the hand-labelled pairs
(real failures, at most 1,500 characters) and with messages as long as they may get; beside it, splitting the same
message into words, which any look-up must do. *mine* is ``FailureMiner``: each execution fails two of its calls with
such a message and goes on. Times of look-ups are wall time of single calls; those of mining are of the processor, the
best of the repeats. The *exponent* is log(time ratio) / log(size ratio). Target: look-up p95 ≤ 5 ms, at most n log n.
"""

import json
import math
import random
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import process_time

from material.figures import Figures, options, show, spread, timed_ms
from seasoned.evaluate.failures import packaged_pairs
from seasoned.learn import fingerprint
from seasoned.learn.failures import FailureMiner, FixIndex, MinedFailure
from seasoned.model import Execution, Span, Trace
from seasoned.model.ids import name_id

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_CALLS = 12
_LONGEST = 1_500

Failed = tuple[str, str, str]
"""Tool, command and message."""


def failures() -> list[Failed]:
    """Distinct real failures."""
    found: set[Failed] = set()
    for line in packaged_pairs().read_text().splitlines():
        pair: dict[str, str] = json.loads(line)
        found |= {(pair[f"tool_{side}"], pair[f"command_{side}"], pair[f"error_{side}"]) for side in "ab"}
    return sorted(found)


def made(count: int, real: Sequence[Failed], seed: int) -> list[Execution]:
    """Executions of ``_CALLS`` calls, two of which fail and work a few calls later with one more option."""
    choose = random.Random(seed)
    executions: list[Execution] = []
    for number in range(count):
        execution_id = name_id("bench", str(number))
        calls: list[tuple[str, str, str | None]] = [("Bash", f"git log -{place}", None) for place in range(_CALLS)]
        for place in (2, 6):
            tool, command, message = choose.choice(real)
            calls[place] = (tool, command, f"{message} {number}")
            calls[place + 3] = (tool, f"{command} --verbose", None)
        at = _FIRST + timedelta(minutes=number)
        spans = tuple(
            Span(
                span_id=name_id(execution_id, str(place)), execution_id=execution_id, number=place, kind="tool", name=tool,
                tool=tool, outcome="failure" if message else "success", error_message=message,
                arguments={"command": command}, started_at=at + timedelta(seconds=place),
            )
            for place, (tool, command, message) in enumerate(calls)
        )  # fmt: skip
        prompt = f"task number {number // 3} of the bench"
        trace = Trace(
            execution_id=execution_id, namespace="bench", session_id=f"s{number // 2}", prompt=prompt, started_at=at,
            agent_name="bench", technology_stack=("go",) if number % 2 else ("python",), source="sdk",
        )  # fmt: skip
        executions.append(Execution(trace=trace, fingerprint=fingerprint(prompt, "bench"), spans=spans))
    return executions


def mine(executions: Sequence[Execution]) -> list[MinedFailure]:
    """What a learner does with them."""
    miner = FailureMiner()
    for execution in executions:
        miner.add(execution)
    return miner.result()


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--large", action="store_true", help="100,000 executions too; takes minutes")
    parser.add_argument("--repeat", type=int, default=2)
    given = parser.parse_args()
    real = failures()
    rows: dict[str, Figures] = {}
    mined: list[MinedFailure] = []
    before: tuple[int, float] | None = None
    for size in [*given.sizes, *([100_000] if given.large else [])]:
        executions = made(size, real, seed=size)
        times: list[float] = []
        for _ in range(given.repeat):
            began = process_time()
            mined = mine(executions)
            times.append(process_time() - began)
        tracemalloc.start()
        mine(executions[: min(size, 1_000)])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        best = min(times)
        exponent = math.log(best / before[1]) / math.log(size / before[0]) if before else None
        rows[f"mine {size:,}"] = {
            "seconds": round(best, 3), "exponent": round(exponent, 2) if exponent is not None else None,
            "signatures": len(mined), "peak_mib_first_1000": round(peak / 2**20, 1),
        }  # fmt: skip
        before = size, best
    index = FixIndex([one.failure for one in mined], {one.failure.failure_id: one.resolutions for one in mined})
    index.fix_for("warm up")
    asked = [timed_ms(lambda each=each: index.fix_for(each[2], tool=each[0], command=each[1])) for each in real * 5]
    words = [timed_ms(lambda each=each: each[2].split()) for each in real * 5]
    long = [(tool, command, (message * _LONGEST)[:_LONGEST]) for tool, command, message in real if message]
    longest = [timed_ms(lambda each=each: index.fix_for(each[2], tool=each[0], command=each[1])) for each in long]
    rows["look-up"] = spread(asked)
    rows["look-up, longest messages"] = spread(longest)
    rows["words of the message"] = spread(words)
    show("fixes", rows, as_json=given.json, notes=[f"{len(real)} real failures, {len(mined)} signatures in the index"])


if __name__ == "__main__":
    main()
