"""A query for 1000 executions by domain, time and status, beside reading the same rows with nothing made of them.

    python benchmarks/query.py [PATHS…] [--traces N] [--repeat N] [--json]

A store of N executions (``material/history.py``: copies of real ones) answers several queries of which
each gives 1000 full ``Trace`` values. The reference is ``sqlite3`` fetching the whole rows of the same executions by
their ids, in the same transaction form, and nothing more. Target: p95 ≤ 20 ms at 100,000.
"""

import json
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path

from material.figures import Figures, options, show, spread, timed_ms
from material.history import FIRST, STEP, fill, opened, real_traces
from seasoned.store import TraceQuery

_LIMIT = 1_000


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--traces", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=60)
    arguments = parser.parse_args()
    rows: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="seasoned-bench-") as folder:
        originals = real_traces(arguments.paths, Path(folder))
        with opened(Path(folder) / "home") as seasoned:
            store, namespace = seasoned.store, seasoned.namespace
            kinds = fill(store, originals, arguments.traces, namespace).most_common()
            (domain, status), often = kinds[0]
            (rare, rare_status), seldom = next(each for each in reversed(kinds) if each[1] > _LIMIT or each is kinds[0])
            middle = FIRST + arguments.traces // 2 * STEP
            base = TraceQuery(namespace=namespace, limit=_LIMIT)
            queries = {
                "domain, status, since": replace(base, domain=domain, status=status, since=FIRST + STEP),
                "domain, status, between": replace(base, domain=domain, status=status, since=FIRST, until=middle),
                "rare domain, status, since": replace(base, domain=rare, status=rare_status, since=FIRST + STEP),
                "domain": replace(base, domain=domain),
                "status": replace(base, status=status),
                "time": replace(base, since=FIRST, until=middle),
            }
            file = Path(folder) / "home" / "seasoned.db"
            with sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None) as raw:
                for name, query in queries.items():
                    found = store.traces(query)
                    ids = json.dumps([each.execution_id for each in found])
                    sql = "SELECT * FROM execution_traces WHERE execution_id IN (SELECT value FROM json_each(?))"
                    ours: list[float] = []
                    theirs: list[float] = []
                    for _ in range(arguments.repeat):
                        ours.append(timed_ms(lambda query=query: store.traces(query)))
                        theirs.append(timed_ms(lambda ids=ids, sql=sql: raw.execute(sql, (ids,)).fetchall()))
                    measured, plain = spread(ours), spread(theirs)
                    rows[name] = {
                        "traces": len(found), **measured, "least_ms": round(min(ours), 2), "plain_p50_ms": plain["p50_ms"],
                        "plain_p95_ms": plain["p95_ms"],
                        "ratio_p50": round(float(measured["p50_ms"] or 0) / float(plain["p50_ms"] or 1), 2),
                    }  # fmt: skip
            raw.close()
            size = file.stat().st_size / 1e6
    notes = [
        f"{len(originals)} real executions were copied; the database has {size:,.0f} MB; {often:,} are of {domain}, "
        f"{status}; {seldom:,} of {rare}, {rare_status}"
    ]
    show(f"{_LIMIT:,} of {arguments.traces:,} executions", rows, as_json=arguments.json, notes=notes)


if __name__ == "__main__":
    main()
