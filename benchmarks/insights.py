"""Domain analysis: how long it takes, and how it grows with the number of executions.

    python benchmarks/insights.py [PATHS…] [--sizes 100 1000 10000] [--hundred-thousand] [--repeat N] [--json]

*insights* is ``PerformanceAnalyzer.analyze_domain`` over executions in memory, *metrics* ``MetricsCollector.add`` of each
and all groups, *chains* ``ChainMiner``. Executions are copies of real ones, the bundled sample's or those of PATHS, with
their spans; a copy has its own ids, file names and times, twenty share a task shape, and every third succeeds and every
third fails, so that every question of the analysis is asked. Every fifth is a sub-agent's. The *exponent* is that of growth between two sizes,
log(time ratio) / log(size ratio): 1 is linear; n log n is 1.15 from 100 to 1,000 and 1.1 from 10,000 to 100,000. Times are
of the processor, the best of the repeats. Targets: 100 executions within 100 ms, 10,000 within 10 s, at most n log n.
"""

import gc
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

from material.figures import Figures, options, show
from seasoned.evaluate.runs import read_transcripts
from seasoned.learn import fingerprint
from seasoned.learn.chains import ChainMiner
from seasoned.learn.insights import PerformanceAnalyzer
from seasoned.learn.metrics import MetricsCollector
from seasoned.model import Execution, Span, Status, Trace
from seasoned.model.ids import name_id
from seasoned.sample import sample_folder

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_OF_A_SHAPE = 20
_OUTCOMES: tuple[Status, ...] = ("success", "failure", "unknown")
_NAMESPACE = "bench"


def originals(paths: Sequence[Path]) -> list[tuple[Trace, tuple[Span, ...]]]:
    """Real executions that have spans."""
    found: list[tuple[Trace, tuple[Span, ...]]] = []
    for transcript in read_transcripts(list(paths) or [sample_folder()]):
        for trace in transcript.traces:
            spans = tuple(span for span in transcript.spans if span.execution_id == trace.execution_id)
            if spans:
                found.append((trace, spans))
    return found


def copies(real: Sequence[tuple[Trace, tuple[Span, ...]]], count: int) -> Iterator[Execution]:
    """``count`` executions, made of real ones in turn."""
    draw = random.Random(7)
    for number in range(count):
        trace, spans = real[number % len(real)]
        execution_id = name_id("copy", str(number))
        # Letters, as numbers are literals and would not make another shape.
        word = "".join(chr(97 + int(digit)) for digit in str(number // _OF_A_SHAPE))
        began = _FIRST + timedelta(minutes=number)
        yield Execution(
            trace=replace(
                trace, execution_id=execution_id, session_id=f"session {number // 2}", started_at=began,
                parent_id=name_id("copy", str(number - 1)) if number % 5 == 4 else None, root_id=None, agent_chain=(),
                agent_name="reviewer" if number % 5 == 4 else "agent", status=_OUTCOMES[draw.randrange(3)], outcome_tier="explicit",
            ),
            fingerprint=fingerprint(f"do {word} in the {word} module", _NAMESPACE),
            spans=tuple(
                replace(
                    span, span_id=f"{execution_id}{at}", execution_id=execution_id,
                    files=tuple(f"{number}/{path}" for path in span.files),
                    duration_ms=None if span.duration_ms is None else int(span.duration_ms * draw.uniform(0.5, 2)),
                )
                for at, span in enumerate(spans)
            ),
        )  # fmt: skip


def insights(executions: Sequence[Execution]) -> object:
    return PerformanceAnalyzer().analyze_domain(executions, None)


def metrics(executions: Sequence[Execution]) -> object:
    collector = MetricsCollector()
    for execution in executions:
        collector.add(execution)
    return collector.groups("all"), collector.groups("tool"), collector.phases()


def chains(executions: Sequence[Execution]) -> object:
    miner = ChainMiner(_NAMESPACE)
    for execution in executions:
        miner.add(execution)
    return miner.result()


def best_ms(call: Callable[[], object], repeat: int) -> float:
    """Of processor time."""
    found = math.inf
    for _ in range(repeat):
        gc.collect()
        began = process_time()
        call()
        found = min(found, process_time() - began)
    return found * 1000


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 1_000, 10_000])
    parser.add_argument("--hundred-thousand", action="store_true", help="also 100,000 executions; takes minutes")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    real = originals(arguments.paths)
    sizes: list[int] = sorted({*arguments.sizes, *([100_000] if arguments.hundred_thousand else [])})
    executions = list(copies(real, sizes[-1]))
    rows: dict[str, Figures] = {}
    for name, call in (("insights", insights), ("metrics", metrics), ("chains", chains)):
        before: tuple[int, float] | None = None
        call(executions[: min(100, sizes[0])])  # modules load and patterns compile on first use
        for size in sizes:
            some = executions[:size]
            took = best_ms(lambda call=call, some=some: call(some), arguments.repeat if size <= 10_000 else 1)
            exponent = None if before is None else math.log(took / before[1]) / math.log(size / before[0])
            rows[f"{name}, {size:,}"] = {
                "ms": round(took, 1),
                "µs per execution": round(took / size * 1000, 1),
                "exponent": None if exponent is None else round(exponent, 3),
            }
            before = (size, took)
    spans = sum(len(execution.spans) for execution in executions)
    notes = [f"{spans / len(executions):.1f} spans per execution, copied from {len(real)} real ones"]
    show("domain analysis", rows, as_json=arguments.json, notes=notes)


if __name__ == "__main__":
    main()
