"""Percentiles and tables. Every figure goes into one document, which is printed as a table or, with ``--json``, as is."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

import numpy as np

Figures = dict[str, float | int | str | None]
"""One row of a table: a column's name and what stands there."""


def options(docstring: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the benchmark's docstring, with ``--json``."""
    parser = argparse.ArgumentParser(description=docstring, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    return parser


def timed_ms(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    began = perf_counter()
    call()
    return (perf_counter() - began) * 1000


def spread(milliseconds: Sequence[float]) -> Figures:
    """p50, p95, p99 and the number of calls."""
    p50, p95, p99 = (float(value) for value in np.percentile(milliseconds, [50, 95, 99]))
    return {"p50_ms": round(p50, 3), "p95_ms": round(p95, 3), "p99_ms": round(p99, 3), "calls": len(milliseconds)}


def show(title: str, rows: Mapping[str, Figures], *, as_json: bool, notes: Sequence[str] = ()) -> None:
    """Print rows by name; columns in the order in which they first appear."""
    if as_json:
        print(json.dumps({"benchmark": title, "rows": rows, "notes": list(notes)}))
        return
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = [["", *columns], *([name, *(_cell(row.get(column)) for column in columns)] for name, row in rows.items())]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns) + 1)]
    print(title)
    for line in cells:
        first, *others = (
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join([first, *others]).rstrip())
    for note in notes:
        print(f"  {note}")


def _cell(value: float | str | None) -> str:
    match value:
        case None:
            return ""
        case float():
            return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
        case int():
            return f"{value:,}"
        case str():
            return value
