"""What a call of the tracker costs beside `file.write` of the same line, in one run.

    python benchmarks/tracker.py [--calls N] [--repeat N] [--folder FOLDER] [--json]

The calls alternate, so that both meet the same machine. ``--folder`` says on which disk the spool lies. Prints
microseconds (median, 95th percentile) of each repeat's median run, and the ratio of the medians. Target (targets.md):
``record_tool_use`` at most 20 µs, streamed to disk.
"""

import statistics
import tempfile
from pathlib import Path
from time import perf_counter_ns

from material.figures import Figures, options, show
from seasoned import ExecutionTracker, Spool
from seasoned.model import Event
from seasoned.model.codec import encode_event

ARGUMENTS = {"command": "cd src && pytest -q tests/unit/test_login.py", "description": "Run the login tests"}


class Tee:
    """The spool, and the last event that went into it."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.last: Event | None = None

    def write(self, event: Event, /) -> bool:
        self.last = event
        return self.spool.write(event)


def run(folder: Path, calls: int) -> dict[str, list[float]]:
    """Microseconds of each call."""
    spool = Spool(folder / "spool")
    sample = Tee(Spool(folder / "sample"))
    taken: dict[str, list[float]] = {"record_tool_use": [], "spool.write": [], "encode_event": [], "file.write": []}
    with (folder / "reference").open("ab", buffering=0) as file:
        tracker = ExecutionTracker("benchmark", sink=sample)
        tracker.start_phase("work")
        tracker.record_tool_use("bash", ARGUMENTS, duration_ms=50, success=True)
        event = sample.last
        assert event is not None
        line = encode_event(event) + b"\n"
        measured = ExecutionTracker("benchmark", sink=spool)
        measured.start_phase("work")
        for _ in range(calls):
            began = perf_counter_ns()
            measured.record_tool_use("bash", ARGUMENTS, duration_ms=50, success=True)
            called = perf_counter_ns()
            file.write(line)
            written = perf_counter_ns()
            encode_event(event)
            encoded = perf_counter_ns()
            spool.write(event)
            spooled = perf_counter_ns()
            taken["record_tool_use"].append((called - began) / 1000)
            taken["file.write"].append((written - called) / 1000)
            taken["encode_event"].append((encoded - written) / 1000)
            taken["spool.write"].append((spooled - encoded) / 1000)
    return taken


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--calls", type=int, default=5_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    runs: list[dict[str, list[float]]] = []
    for _ in range(arguments.repeat):
        with tempfile.TemporaryDirectory(prefix="seasoned-bench-", dir=arguments.folder) as folder:
            runs.append(run(Path(folder), arguments.calls))
    plain = [statistics.median(one["file.write"]) for one in runs]
    rows: dict[str, Figures] = {}
    for name in runs[0]:
        medians = [statistics.median(one[name]) for one in runs]
        ratios = [median / reference for median, reference in zip(medians, plain, strict=True)]
        rows[name] = {
            "median_us": round(statistics.median(medians), 2),
            "p95_us": round(statistics.median(statistics.quantiles(one[name], n=20)[18] for one in runs), 2),
            "ratio_min": round(min(ratios), 1),
            "ratio_median": round(statistics.median(ratios), 1),
            "ratio_max": round(max(ratios), 1),
        }
    title = f"{arguments.repeat} × {arguments.calls:,} calls of the tracker"
    show(title, rows, as_json=arguments.json, notes=["target: median 20 µs; ratios are to file.write of the same run"])


if __name__ == "__main__":
    main()
