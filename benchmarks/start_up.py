"""What a fresh process pays for Seasoned, beside one that does nothing, in one run.

    python benchmarks/start_up.py [--repeat N]

Each turn starts every command once, so that all meet the same machine; a first turn, which fills the system's file
cache, does not count. Prints milliseconds by the clock (median and spread) and what each takes longer than
``python -c pass``. Targets (targets.md): ``import seasoned`` at most 30 ms, ``seasoned --help`` at most 150 ms.
"""

import argparse
import json
import statistics
import subprocess
import sys
from time import perf_counter

REFERENCE = "python -c pass"
COMMANDS: dict[str, list[str]] = {
    REFERENCE: [sys.executable, "-c", "pass"],
    "import seasoned": [sys.executable, "-c", "import seasoned"],
    "from seasoned import ExecutionTracker": [sys.executable, "-c", "from seasoned import ExecutionTracker"],
    # What the installed script `seasoned` does.
    "seasoned --help": [sys.executable, "-c", "from seasoned.doors.cli import main; main()", "--help"],
}


def run_once(command: list[str]) -> float:
    """Milliseconds until the process has ended. Raises CalledProcessError when it failed."""
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=15)
    arguments = parser.parse_args()
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(arguments.repeat + 1):
        for name, command in COMMANDS.items():
            milliseconds = run_once(command)
            if turn:
                taken[name].append(milliseconds)
    reference = statistics.median(taken[REFERENCE])
    figures = {
        name: {
            "min_ms": round(min(times), 1),
            "median_ms": round(statistics.median(times), 1),
            "max_ms": round(max(times), 1),
            "longer_than_pass_ms": round(statistics.median(times) - reference, 1),
            "ratio": round(statistics.median(times) / reference, 2),
        }
        for name, times in taken.items()
    }
    print(json.dumps({"repeat": arguments.repeat, "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
