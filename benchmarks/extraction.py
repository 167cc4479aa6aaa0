"""Pattern extraction at 100, 1,000 and 10,000 traces: how long it takes and how it grows.

    python benchmarks/extraction.py [PATHS…] [--sizes 100 1000 10000] [--large] [--json]

Traces are copies of real ones (PATHS, else the bundled sample): numbers and identifiers are dealt out anew in prompt,
arguments and results alike, and each copy is a session of its own, so that shapes recur and literals do not. Of every
``fresh`` traces one gets a prompt of recombined words instead, so that the number of shapes grows with the history.

*clusters* reads fingerprints alone; *extract* sees one cluster's executions at a time, at most 200; *library* settles
and merges. Processor time of this process, best of three up to 1,000 traces. The growth exponent is the slope of log
time over log size between neighbouring sizes: 1 is linear, n log n is 1.1 to 1.15 here. Memory is the peak of the whole
process, executions of one cluster included. ``--large`` adds 100,000.
"""

import math
import re
import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from time import process_time
from typing import TypeVar

from material.figures import Figures, options, show
from seasoned.evaluate.runs import read_transcripts
from seasoned.learn import fingerprint
from seasoned.learn.patterns import Cluster, Options, clusters, deduplicate, extract, settle
from seasoned.model import Document, Execution, Fingerprint, Pattern, Span, Trace
from seasoned.model.ids import name_id
from seasoned.sample import sample_folder

_LITERAL = re.compile(r"\b\d{2,}\b|\b[0-9a-f]{7,40}\b")
_FRESH = 10
Result = TypeVar("Result")


class Copies:
    """Any number of executions, each made when it is asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.real = [run for transcript in read_transcripts(paths) for run in transcript.runs if run.spans]
        self.words = sorted({word for run in self.real for word in (run.trace.prompt or "").split() if word.isalpha()})

    def prompt(self, number: int) -> str:
        """The prompt of copy ``number``."""
        if number % _FRESH == 0:
            random = Random(number)
            return " ".join(random.choice(self.words) for _ in range(12))
        return _varied(self.real[number % len(self.real)].trace.prompt or "", number)

    def fingerprint(self, number: int) -> Fingerprint:
        """The fingerprint of copy ``number``."""
        return fingerprint(
            self.prompt(number), "bench", stack=self.real[number % len(self.real)].trace.technology_stack
        )

    def execution(self, number: int) -> Execution:
        """Copy ``number``, whole."""
        run = self.real[number % len(self.real)]
        execution_id = copy_id(number)
        trace: Trace = replace(
            run.trace,
            execution_id=execution_id,
            session_id=f"session {number}",
            prompt=self.prompt(number),
            status=("success", "unknown", "success", "failure")[number % 4],
            outcome_tier="explicit",
            outcome_confidence=0.9,
            quality_score=None,
        )
        spans = tuple(_span(span, execution_id, number) for span in run.spans)
        return Execution(trace=trace, fingerprint=self.fingerprint(number), spans=spans)


def copy_id(number: int) -> str:
    return name_id("extraction benchmark", str(number))


def _varied(text: str, number: int) -> str:
    def other(match: re.Match[str]) -> str:
        random = Random(f"{number} {match[0]}")
        return "".join(random.choice("0123456789") if char.isdigit() else char for char in match[0])

    return _LITERAL.sub(other, text)


def _span(span: Span, execution_id: str, number: int) -> Span:
    arguments: Document = {
        key: _varied(value, number) if isinstance(value, str) else value
        for key, value in (span.arguments or {}).items()
    }
    return replace(
        span,
        execution_id=execution_id,
        span_id=name_id(execution_id, span.span_id),
        arguments=arguments,
        result_preview=_varied(span.result_preview, number) if span.result_preview else None,
    )


def measure(copies: Copies, size: int) -> Figures:
    """Seconds of each part for ``size`` traces; copies are made outside of what is timed."""
    tasks = [(copy_id(number), copies.fingerprint(number), f"session {number}") for number in range(size)]
    numbers = {execution_id: number for number, (execution_id, _, _) in enumerate(tasks)}
    clustering, found = timed(lambda: clusters(tasks), repeat=3 if size <= 1000 else 1)
    chosen = Options()
    extracting = 0.0
    patterns: list[Pattern] = []
    grown = [each for each in found if len(each.members) >= chosen.least_executions]
    for cluster, executions in loaded(grown, copies, numbers, chosen.most_executions):
        began = process_time()
        patterns += extract(cluster, executions, namespace="bench", options=chosen)
        extracting += process_time() - began
    merging, merged = timed(lambda: deduplicate(settle(patterns), []), repeat=1)
    return {
        "clusters": len(grown),
        "patterns": len(merged.save),
        "clusters_s": round(clustering, 4),
        "extract_s": round(extracting, 4),
        "library_s": round(merging, 4),
        "total_s": round(clustering + extracting + merging, 4),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def loaded(
    found: Sequence[Cluster], copies: Copies, numbers: dict[str, int], most: int
) -> Iterator[tuple[Cluster, list[Execution]]]:
    for cluster in found:
        yield cluster, [copies.execution(numbers[execution_id]) for execution_id in cluster.chosen(most)]


def timed(call: Callable[[], Result], *, repeat: int) -> tuple[float, Result]:
    """Best of ``repeat``."""
    best = math.inf
    while True:
        began = process_time()
        result = call()
        best = min(best, process_time() - began)
        repeat -= 1
        if repeat <= 0:
            return best, result


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 1_000, 10_000])
    parser.add_argument("--large", action="store_true", help="100,000 traces too")
    given = parser.parse_args()
    copies = Copies(given.paths or [sample_folder()])
    sizes = [*given.sizes, *([100_000] if given.large else [])]
    rows: dict[str, Figures] = {}
    before: tuple[int, float] | None = None
    for size in sizes:
        row = measure(copies, size)
        total = float(str(row["total_s"]))
        if before is not None:
            row["growth"] = round(math.log(total / before[1]) / math.log(size / before[0]), 3)
        before = size, total
        rows[f"{size:,} traces"] = row
    show("Pattern extraction", rows, as_json=given.json, notes=[f"{len(copies.real)} real traces copied."])


if __name__ == "__main__":
    main()
