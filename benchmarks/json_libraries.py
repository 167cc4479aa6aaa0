"""Which JSON library reads real transcripts fastest, and which writes our events fastest, in one run.

    python benchmarks/json_libraries.py [FILE_OR_FOLDER…] [--repeat N] [--json]

Reading: every ``*.jsonl`` below the paths, line by line, in the ways that an importer may choose. Writing: one event of
the tracker. Prints MB/s and ratios to the standard library (docs/decisions/0001-json-library.md).
"""

import json
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import msgspec
import orjson

from material.figures import Figures, options, show
from material.history import SAMPLE
from seasoned.model import Event, ExecutionUpdate, Span, Trace
from seasoned.model.codec import encode_event


class _Block(msgspec.Struct):
    """The fields of a message's block that an importer looks at."""

    type: str = ""
    id: str | None = None
    name: str | None = None
    text: str | None = None
    tool_use_id: str | None = None
    is_error: bool | None = None
    input: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct):
    role: str | None = None
    model: str | None = None
    content: str | list[_Block] = ""
    usage: msgspec.Raw = msgspec.Raw()


class _Line(msgspec.Struct):
    type: str | None = None
    uuid: str | None = None
    parentUuid: str | None = None  # noqa: N815
    timestamp: str | None = None
    cwd: str | None = None
    message: _Message | None = None


def read(lines: list[bytes], decode: Callable[[bytes], object], refuses: type[Exception]) -> tuple[float, int]:
    """Seconds for all lines, and how many were refused."""
    refused = 0
    began = perf_counter()
    for line in lines:
        try:
            decode(line)
        except refuses:
            refused += 1
    return perf_counter() - began, refused


def event() -> Event:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    trace = Trace(execution_id="e" * 36, namespace="default", revision=1, source="sdk")
    span = Span(
        span_id="s" * 36,
        execution_id="e" * 36,
        number=7,
        kind="tool",
        name="bash",
        tool="bash",
        started_at=now,
        duration_ms=50,
        outcome="success",
        arguments={"command": "pytest -q tests/unit/test_login.py", "description": "Run the login tests"},
    )
    return Event(
        event_id="i" * 36,
        topic="agent-actions",
        key="e" * 36,
        occurred_at=now,
        namespace="default",
        payload=ExecutionUpdate(trace=trace, spans=(span,)),
    )


def each(call: Callable[[], object], times: int = 20_000) -> float:
    """Microseconds of one call."""
    began = perf_counter()
    for _ in range(times):
        call()
    return (perf_counter() - began) / times * 1e6


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("paths", nargs="*", type=Path, default=[SAMPLE])
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    files = sorted({file for path in arguments.paths for file in (path.rglob("*.jsonl") if path.is_dir() else [path])})
    lines = [line for file in files for line in file.read_bytes().splitlines() if line.strip()]
    size = sum(map(len, lines))
    untyped, typed = msgspec.json.Decoder(), msgspec.json.Decoder(_Line)
    one = event()
    plain = msgspec.to_builtins(one)
    readers: dict[str, tuple[Callable[[bytes], object], type[Exception]]] = {
        "json.loads": (json.loads, ValueError),
        "orjson.loads": (orjson.loads, orjson.JSONDecodeError),
        "msgspec untyped": (untyped.decode, msgspec.DecodeError),
        "msgspec typed, payloads left raw": (typed.decode, msgspec.DecodeError),
    }
    writers: dict[str, Callable[[], object]] = {
        "json.dumps of plain values": lambda: json.dumps(plain),
        "orjson.dumps of the records": lambda: orjson.dumps(one),
        "msgspec of the records, defaults left out": lambda: encode_event(one),
        "msgspec of the records": lambda: msgspec.json.encode(one),
    }
    rates: dict[str, list[float]] = {name: [] for name in readers}
    refused: dict[str, int] = {}
    costs: dict[str, list[float]] = {name: [] for name in writers}
    for _ in range(arguments.repeat):
        for name, (decode, refuses) in readers.items():
            seconds, refused[name] = read(lines, decode, refuses)
            rates[name].append(size / seconds / 1e6)
        for name, call in writers.items():
            costs[name].append(each(call))
    base = statistics.median(rates["json.loads"])
    reading: dict[str, Figures] = {
        name: {
            "mb_per_s": round(statistics.median(all_rates)), "min": round(min(all_rates)), "max": round(max(all_rates)),
            "ratio_to_json": round(statistics.median(all_rates) / base, 2), "lines_refused": refused[name],
        }
        for name, all_rates in rates.items()
    }  # fmt: skip
    writing: dict[str, Figures] = {
        name: {"us": round(statistics.median(all_costs), 2), "bytes": len(writers[name]())}  # pyright: ignore[reportArgumentType]
        for name, all_costs in costs.items()
    }
    title = f"reading {len(lines):,} lines, {size / 1e6:.1f} MB, of {len(files)} transcripts"
    show(title, reading, as_json=arguments.json)
    show("writing one event of the tracker", writing, as_json=arguments.json)


if __name__ == "__main__":
    main()
