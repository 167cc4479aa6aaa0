"""The formats under mutation: real samples of each importer, and how each kind of file is mutated."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from mutators import Mutated, mutate_bytes, mutate_document, mutate_lines, mutate_value

__all__ = ["FORMATS", "Format"]

DATA = Path(__file__).parent.parent / "data"
_OPENCODE = DATA / "agent-sessions" / "opencode_storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format."""

    name: str
    importer: str
    samples: tuple[Path, ...]
    kind: str
    """``lines``, ``document``, ``table``, ``database``, ``folder``."""
    alone: bool = False
    """Each line is an execution of its own, so that damage to one costs no other anything."""

    def write(self, folder: Path, number: int, random: Random) -> tuple[Path, Mutated]:
        """A mutated file in ``folder``."""
        sample = self.samples[number % len(self.samples)]
        match self.kind:
            case "database":
                return _database(sample, folder, random)
            case "folder":
                return _storage(folder, random)
            case _:
                other = random.choice(self.samples)
                mutated = _MUTATE[self.kind](content(sample), content(other), random)
                path = folder / f"mutated{sample.suffix}"
                path.write_bytes(mutated.data)
                return path, mutated


@cache
def content(path: Path) -> bytes:
    """A sample's bytes."""
    return path.read_bytes()


def _document(data: bytes, _other: bytes, random: Random) -> Mutated:
    if random.random() < 0.3:
        return mutate_bytes(data, random)
    value, what = mutate_document(json.loads(data), random, random.choice((1, 1, 1, 2, 4, 12)))
    indent = random.choice((None, 2))
    text = json.dumps(value, ensure_ascii=random.random() < 0.5, indent=indent)
    return Mutated(data=text.encode("utf-8", "surrogatepass"), what=what)


def _table(data: bytes, other: bytes, random: Random) -> Mutated:
    if random.random() < 0.4:
        return mutate_lines(data, other, random)
    lines = data.decode().split("\n")
    at = random.randrange(len(lines))
    fields = lines[at].split(",")
    fields[random.randrange(len(fields))] = str(mutate_value("x", random))
    if random.random() < 0.2:
        random.shuffle(fields)
    lines[at] = ",".join(fields)
    return Mutated(data="\n".join(lines).encode("utf-8", "surrogatepass"), what="field")


_MUTATE: dict[str, Callable[[bytes, bytes, Random], Mutated]] = {
    "lines": mutate_lines,
    "document": _document,
    "table": _table,
}


@cache
def _database_bytes(script: Path) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(script.read_text("utf-8"))
        return connection.serialize()


def _database(script: Path, folder: Path, random: Random) -> tuple[Path, Mutated]:
    """A real database: with damaged pages, or with odd values in its rows."""
    path = folder / "opencode.db"
    data = _database_bytes(script)
    if random.random() < 0.3:
        mutated = mutate_bytes(data, random)
        path.write_bytes(mutated.data)
        return path, mutated
    names: set[str] = set()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(data)
        connection.execute("PRAGMA foreign_keys=OFF")
        for _ in range(random.choice((1, 1, 2, 5))):
            names.add(_change_row(connection, random))
        path.write_bytes(connection.serialize())
    return path, Mutated(data=b"", what="+".join(sorted(names)))


def _change_row(connection: sqlite3.Connection, random: Random) -> str:
    table = random.choice(("session", "message", "part"))
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    row = connection.execute(f"SELECT rowid, * FROM {table} ORDER BY random() LIMIT 1").fetchone()
    if row is None:
        return "nothing left"
    if random.random() < 0.1:
        connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row[0],))
        return "row lost"
    if random.random() < 0.03:
        column = random.choice(columns)
        connection.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO odd_{column}")
        return "column renamed"
    column = "data" if "data" in columns and random.random() < 0.8 else random.choice(columns)
    value = row[1 + columns.index(column)]
    if column == "data" and random.random() < 0.8:
        try:
            document, what = mutate_document(json.loads(value), random, random.choice((1, 1, 3)))
        except (ValueError, TypeError):
            document, what = None, "swapped"
        new: object = json.dumps(document)
    else:
        new, what = mutate_value(value, random), f"column {'data' if column == 'data' else 'value'}"
        if isinstance(new, list | dict):
            new = json.dumps(new)
        elif isinstance(new, int) and abs(new) >= 2**63:
            new = float(new)
        elif isinstance(new, str):
            new = (
                new.encode("utf-8", "surrogatepass")
                if random.random() < 0.2
                else new.encode("utf-8", "replace").decode()
            )
    try:
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, row[0]))
    except sqlite3.IntegrityError:
        connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row[0],))
        what = "row lost"
    return what


@cache
def _storage_files() -> dict[Path, bytes]:
    return {path.relative_to(_OPENCODE): path.read_bytes() for path in sorted(_OPENCODE.rglob("*")) if path.is_file()}


def _storage(folder: Path, random: Random) -> tuple[Path, Mutated]:
    """opencode's older folders of small files; one of them is mutated, or lost."""
    files = dict(_storage_files())
    sessions = [path for path in files if path.parts[0] == "session"]
    victim = random.choice([path for path in files if path.suffix == ".json"])
    if random.random() < 0.1 and victim not in sessions:
        del files[victim]
        mutated = Mutated(data=b"", what="file lost")
    else:
        mutated = _document(files[victim], b"", random)
        files[victim] = mutated.data
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    if victim not in files:
        (folder / victim).unlink(missing_ok=True)
    return folder / (victim if victim in sessions else random.choice(sessions)), mutated


def _data(*names: str) -> tuple[Path, ...]:
    return tuple(DATA / name for name in names)


FORMATS: tuple[Format, ...] = (
    Format(name="Claude Code", importer="claude_code", kind="lines", samples=_data(
        "agent-runs/claude_code_2_1_220_fail.jsonl", "agtrace/claude_code_2_0_28.jsonl",
        "claude-code-viewer/claude_code_1_0_98_permission.jsonl", "entireio/claude_code_2_1_123_command.jsonl",
        "entireio/claude_code_2_1_178_pull_request.jsonl", "agtrace/claude_code_2_0_28_agent.jsonl",
        "entireio/claude_code_2_0_74_ide.jsonl")),
    Format(name="Codex", importer="codex", kind="lines", samples=_data(
        "agent-runs/codex_0_169.jsonl", "agent-sessions/codex_0_146.jsonl", "agtrace/codex_0_66.jsonl",
        "entireio/codex_0_139_review.jsonl")),
    Format(name="Gemini JSON", importer="gemini", kind="document", samples=_data(
        "agtrace/gemini_0_20.json", "entireio/gemini_0_23_begun.json", "entireio/gemini_0_23_whole.json")),
    Format(name="Gemini JSONL", importer="gemini", kind="lines", samples=_data(
        "agent-runs/gemini_2026_11.jsonl", "agent-sessions/gemini_0_40.jsonl")),
    Format(name="opencode SQLite", importer="opencode", kind="database", samples=_data("agent-runs/opencode_1_18.sql")),
    Format(name="opencode files", importer="opencode", kind="folder", samples=(_OPENCODE,)),
    Format(name="SWE-agent", importer="swe_agent", kind="document", samples=_data(
        "swe-agent/pydicom__pydicom-1458.traj", "swe-smith/pydantic__pydantic.acb0f10f.pr_8316.traj")),
    Format(name="OpenHands", importer="openhands", kind="document", samples=_data(
        "openhands/conversation_basic_interactions.json", "openhands/conversation_wrong_initial_state.json",
        "openhands/conversation_basic_gui_mode.json")),
    Format(name="OpenHands JSONL", importer="openhands", kind="lines", alone=True, samples=_data(
        "openhands/resolver_output.jsonl", "openhands/evaluation_output.jsonl")),
    Format(name="tau-bench", importer="tau_bench", kind="document", samples=_data(
        "tau-bench/gpt-4o-airline.json", "tau-bench/four_trials.json")),
    Format(name="tau2-bench", importer="tau2_bench", kind="document", samples=_data("tau2-bench/results.json")),
    Format(name="ATIF", importer="atif", kind="document", samples=_data(
        "made/atif_1_7_subagent.json", "made/atif_1_2_totals.json")),
    Format(name="Terminal-Bench", importer="terminal_bench", kind="document", samples=_data(
        "made/terminal_bench_results.json")),
    Format(name="Terminal-Bench JSONL", importer="terminal_bench", kind="lines", alone=True, samples=_data(
        "made/terminal_bench_trials.jsonl")),
    Format(name="Seasoned JSONL", importer="seasoned_jsonl", kind="lines", alone=True, samples=_data(
        "made/seasoned_events.jsonl")),
    Format(name="table CSV", importer="table", kind="table", samples=_data("made/old_logs.csv")),
)  # fmt: skip
