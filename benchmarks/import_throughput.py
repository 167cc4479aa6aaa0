"""Import throughput beside reading and parsing the same bytes with a fast JSON parser, in one run.

    python benchmarks/import_throughput.py [FILE_OR_FOLDER…] [--repeat N] [--copies N] [--jobs J]

Prints MB/s of transcript, by the clock and by the processor time of this process, the ratio to the parser, rows per
second, peak memory of this process and bytes of database per span. Target (targets.md): at least 50 MB/s per core,
memory flat. Without a path the bundled sample is read.

The histories are copied ``--copies`` times under other names and session ids to reach a size that can be timed; without
the option as often as it takes for 20 MB. Copies share their prompts, whose fingerprints are remembered: the more
copies, the less of the time is spent on prompts. A first run also pays for loading the importers.
"""

import argparse
import json
import math
import resource
import statistics
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import orjson

from seasoned.app import Seasoned
from seasoned.capture import find
from seasoned.sample import sample_folder
from seasoned.settings import load

ENOUGH_BYTES = 20_000_000


def copies(files: list[Path], into: Path, count: int) -> list[Path]:
    """The same transcripts as other sessions: their ids get another first digit, so that nothing is a duplicate."""
    made: list[Path] = []
    for number in range(count):
        for index, file in enumerate(files):
            data = file.read_bytes()
            for key in (b'"sessionId":"', b'"session_id":"', b'"id":"0'):
                data = data.replace(key, key + b"%02d" % number)
            path = into / f"{number}-{index}-{file.name}"
            path.write_bytes(data)
            made.append(path)
    return made


def parse(files: list[Path]) -> float:
    """Seconds to read and parse every line."""
    began = perf_counter()
    for file in files:
        with file.open("rb") as lines:
            for line in lines:
                try:
                    orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue
    return perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, default=[sample_folder()])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--copies", type=int)
    parser.add_argument("--jobs", type=int, default=0)
    arguments = parser.parse_args()
    found = [each.path for each in find(arguments.paths, []) if each.path.suffix == ".jsonl"]
    count = arguments.copies or math.ceil(ENOUGH_BYTES / sum(file.stat().st_size for file in found))
    with tempfile.TemporaryDirectory(prefix="seasoned-bench-") as folder:
        files = copies(found, Path(folder), count)
        size = sum(file.stat().st_size for file in files)
        results: list[dict[str, float]] = []
        for turn in range(arguments.repeat):
            parsed = parse(files)
            home = Path(folder) / f"home{turn}"
            home.mkdir()
            with Seasoned(load({"HOME": str(home), "SEASONED_HOME": str(home)}, working_dir=home)) as seasoned:
                seasoned.store  # noqa: B018  # opened, and its schema made, before the clock starts
                began, began_cpu = perf_counter(), process_time()
                result = seasoned.import_histories(files, jobs=arguments.jobs)
                took, took_cpu = perf_counter() - began, process_time() - began_cpu
                spans = seasoned.store.counts(seasoned.namespace).spans
            database = sum(file.stat().st_size for file in home.glob("seasoned.db*"))
            results.append(
                {
                    "mb": size / 1e6,
                    "parse_mb_per_s": size / parsed / 1e6,
                    "import_mb_per_s": size / took / 1e6,
                    "import_mb_per_cpu_s_of_this_process": size / took_cpu / 1e6,
                    "ratio_import_to_parse_time": took / parsed,
                    "spans_per_s": spans / took,
                    "database_bytes_per_span": database / max(spans, 1),
                    "dead": len(result.applied.dead),
                }
            )
    figures = {
        key: {
            "min": round(min(each[key] for each in results), 2),
            "median": round(statistics.median(each[key] for each in results), 2),
            "max": round(max(each[key] for each in results), 2),
        }
        for key in results[0]
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"jobs": arguments.jobs, "peak_memory_mb": round(peak, 1), "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
