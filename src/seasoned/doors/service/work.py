"""A process of its own for what is done behind: take in what hooks and trackers left, embed it, hear what became of
advice, learn.

    python -m seasoned.doors.service.work DATA_FOLDER

It does one job for each line on its standard input (``drain`` or ``learn``), says how it went as one line of JSON, and
ends with its input: so it ends after a killed service, once it has done what it was at. It runs at low priority.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import msgspec

from seasoned.app import Seasoned
from seasoned.errors import SeasonedError
from seasoned.settings import load

__all__ = ["main"]

_NICE = 10


def main() -> None:
    """Work until there is no more to do."""
    os.umask(0o077)
    with suppress(OSError):
        os.nice(_NICE)
    seasoned: Seasoned | None = None
    try:
        for line in sys.stdin:
            began = perf_counter()
            try:
                seasoned = seasoned or Seasoned(load(flags={"data_dir": Path(sys.argv[1])}))
                done = _learn(seasoned) if line.strip() == "learn" else _drain(seasoned)
            except SeasonedError as error:
                done: dict[str, object] = {"failed": str(error).encode("utf-8", "replace").decode()}
            done["seconds"] = round(perf_counter() - began, 3)
            sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
            sys.stdout.flush()
    finally:
        if seasoned is not None:
            seasoned.close()


def _drain(seasoned: Seasoned) -> dict[str, object]:
    events = seasoned.drain_spool()
    return {"events": events, "embedded": seasoned.embed_pending() if events else 0}


def _learn(seasoned: Seasoned) -> dict[str, object]:
    heard = seasoned.hear_outcomes()
    learned = seasoned.learn().executions if seasoned.settings.service.learn else 0
    return {"heard": heard.changed, "learned": learned}


if __name__ == "__main__":
    main()
