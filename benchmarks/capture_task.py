"""capture-task-execution beside the plain insert of the same rows, in one run.

    python benchmarks/capture_task.py [PATHS…] [--calls N] [--steps N] [--json]

One call is what the command does in a service that holds a store open: the description becomes a trace with its spans
and artifacts, similar tasks are counted (hashes and words), secrets are taken out, the event goes to the log and its
rows to their tables, durably. The reference opens a copy of the same schema with ``sqlite3`` and inserts the rows that
the call left (trace, spans, artifacts, fingerprint, event) in one transaction of the same durability, encoded before
the clock starts. Calls alternate. ``--past``: executions that are in the store before. Target: p95 ≤ 20 ms.
"""

import sqlite3
import tempfile
from itertools import islice
from pathlib import Path
from time import perf_counter

from material.figures import Figures, options, show, spread
from material.history import copies, fill, opened, real_traces
from seasoned.app import Seasoned
from seasoned.capture.record import described_execution
from seasoned.learn.fingerprint import fingerprint

_TABLES = ("events", "task_fingerprints", "execution_traces", "spans", "code_artifacts")
_TOOLS = ("read", "edit", "bash", "grep")


def captured(seasoned: Seasoned, prompt: str, steps: int) -> str:
    """The whole of one command; the id of what it recorded."""
    update = described_execution(
        namespace=seasoned.namespace,
        prompt=prompt,
        agent="bench",
        success=True,
        quality_score=0.8,
        duration_ms=90_000,
        steps=[
            {"step": number + 1, "action": f"{_TOOLS[number % 4]} the module", "tool": _TOOLS[number % 4],
             "files": [f"src/module_{number}.py"], "duration_ms": 1_200, "outcome": "success"}
            for number in range(steps)
        ],
        artifacts=[{"file": "src/module_1.py", "type": "source_code", "language": "python", "lines_added": 12}],
    )  # fmt: skip
    seasoned.similar(prompt, semantic=False)
    trace = seasoned.record(update)
    fingerprint(trace.prompt or "", seasoned.namespace)
    return trace.execution_id


class Plain:
    """The same tables, filled by plain inserts."""

    def __init__(self, file: Path, source: Path) -> None:
        self._from = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
        self._into = sqlite3.connect(file, isolation_level=None)
        self._into.execute("PRAGMA journal_mode=WAL")
        self._into.execute("PRAGMA synchronous=FULL")
        self._columns: dict[str, list[str]] = {}
        self._last = {}
        for (sql,) in self._from.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('table', 'index') AND tbl_name IN "
            "('events', 'task_fingerprints', 'execution_traces', 'spans', 'code_artifacts')"
        ):
            self._into.execute(sql)
        for table in _TABLES:
            columns = self._from.execute(f"SELECT name FROM pragma_table_xinfo('{table}') WHERE hidden = 0")
            self._columns[table] = [name for (name,) in columns]
            self._last[table] = self._newest(table)

    def _newest(self, table: str) -> int:
        return int(self._from.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()[0])

    def insert_new(self) -> float:
        """Milliseconds to insert what has appeared in the source since the last time."""
        found: list[tuple[str, list[tuple[object, ...]]]] = []
        for table in _TABLES:
            names = self._columns[table]
            rows = self._from.execute(
                f"SELECT {', '.join(chr(34) + name + chr(34) for name in names)} FROM {table} WHERE rowid > ?",
                (self._last[table],),
            ).fetchall()
            self._last[table] = self._newest(table)
            quoted = ", ".join(f'"{name}"' for name in names)
            found.append((f"INSERT INTO {table} ({quoted}) VALUES ({', '.join('?' * len(names))})", rows))
        began = perf_counter()
        self._into.execute("BEGIN IMMEDIATE")
        for sql, rows in found:
            self._into.executemany(sql, rows)
        self._into.execute("COMMIT")
        return (perf_counter() - began) * 1000

    def close(self) -> None:
        self._from.close()
        self._into.close()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--steps", type=int, default=20, help="steps of each execution")
    parser.add_argument("--past", type=int, default=10_000)
    arguments = parser.parse_args()
    ours: list[float] = []
    plain: list[float] = []
    with tempfile.TemporaryDirectory(prefix="seasoned-bench-") as folder:
        originals = real_traces(arguments.paths, Path(folder))
        home = Path(folder) / "home"
        with opened(home) as seasoned:
            fill(seasoned.store, originals, arguments.past, seasoned.namespace)
            # Prompts from another part of the same stream: some were executed before, some not.
            prompts = [
                trace.prompt or ""
                for trace, _ in islice(copies(originals, 5 * arguments.past, "n"), arguments.calls + 5)
            ]
            reference = Plain(Path(folder) / "plain.db", home / "seasoned.db")
            for number, prompt in enumerate(prompts):
                began = perf_counter()
                captured(seasoned, prompt, arguments.steps)
                took = (perf_counter() - began) * 1000
                inserted = reference.insert_new()
                if number >= 5:
                    ours.append(took)
                    plain.append(inserted)
            reference.close()
    rows: dict[str, Figures] = {"capture-task-execution": spread(ours), "plain insert of the same rows": spread(plain)}
    ratio = float(rows["capture-task-execution"]["p50_ms"] or 0) / float(
        rows["plain insert of the same rows"]["p50_ms"] or 1
    )
    rows["capture-task-execution"]["ratio_p50"] = round(ratio, 1)
    title = f"capture of an execution with {arguments.steps} steps into a store of {arguments.past:,}"
    show(title, rows, as_json=arguments.json, notes=["target: p95 20 ms; both commits wait for the disk"])


if __name__ == "__main__":
    main()
