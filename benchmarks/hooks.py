"""What agents' hooks cost them, whole process, beside the start of `/bin/true` and of a Python that does nothing.

    python benchmarks/hooks.py [PATHS…] [--turns N] [--json]

Each turn of a table starts every command once, so that all meet the same machine. *capture hook*: keeps a tool call's
payload. *prompt hook*: keeps a prompt and asks the service, with the service up, up while it takes in sessions behind,
away, starting, hung (SIGSTOP) and killed (its socket is still there). *told*: in how many turns the agent was given a
text; nothing is held out here, and each turn is a session of its own that asks about a task done before.
Then commands of which the service has the answer, and questions over the socket without a process.

PATHS: histories to learn from instead of the bundled ones. Targets (targets.md): capture hook p95 at most 5 ms over
`/bin/true`; prompt hook with the service up p95 at most 50 ms; a fix looked up p95 at most 5 ms.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from time import monotonic, sleep

from material.figures import Figures, options, show, spread, timed_ms
from seasoned.app import Seasoned
from seasoned.doors.hooks import HOOK
from seasoned.errors import ServiceError
from seasoned.resident import Place, ask, holder, settings_digest, start_behind, stop
from seasoned.sample import sample_folder
from seasoned.settings import Loaded, load
from seasoned.store import TraceQuery

TOOL_CALL = json.dumps(
    {"session_id": "b", "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_use_id": "t", "cwd": "/nowhere",
     "tool_input": {"command": "make test"}, "tool_response": {"stdout": "ok\n" * 500, "stderr": ""}}
).encode()  # fmt: skip


_SETTLES_S = 0.5
"""After which what worked for a killed service has ended."""


class Bench:
    """One data folder with a history, and the processes that are measured on it."""

    def __init__(self, folder: Path, paths: list[Path]) -> None:
        self.home = folder
        self.place = Place(data_dir=folder / "data")
        kept = {key: value for key, value in os.environ.items() if key in {"PATH", "LANG", "TMPDIR"}}
        self.environment = {**kept, "HOME": str(folder), "SEASONED_ADVICE__HELD_OUT_SHARE": "0"}
        os.environ.clear()
        os.environ.update(self.environment)  # for what is started from here
        self.loaded: Loaded = load(self.environment, working_dir=folder, flags={"data_dir": self.place.data_dir})
        with Seasoned(self.loaded) as seasoned:
            seasoned.import_histories(paths or [sample_folder()])
            seasoned.learn()
            past = seasoned.store.traces(TraceQuery(namespace=seasoned.namespace, roots_only=True, limit=200))
            self.tasks = sorted({each.prompt for each in past if each.prompt and 20 < len(each.prompt) < 4000})
            self.executions = seasoned.store.counts(seasoned.namespace).traces
        self._tasks = cycle(self.tasks)
        self._number = 0
        self.told = 0

    def hook(self, mode: str, payload: bytes) -> bytes:
        command = ["sh", str(HOOK), "claude_code", mode, str(self.place.data_dir)]
        done = subprocess.run(command, input=payload, env=self.environment, check=True, capture_output=True)
        return done.stdout

    def prompt(self, session: str | None = None) -> bytes:
        self._number += 1
        said = {"session_id": session or f"session-{self._number}", "hook_event_name": "UserPromptSubmit"}
        return json.dumps(said | {"prompt": next(self._tasks), "cwd": "/nowhere"}).encode()

    def ask(self) -> None:
        self.told += bool(self.hook("ask", self.prompt()))

    def command(self, *arguments: str) -> None:
        line = [sys.executable, "-c", "from seasoned.doors.cli import main; main()", "--home", str(self.place.data_dir)]
        subprocess.run([*line, *arguments], env=self.environment, check=True, capture_output=True)

    def start(self) -> None:
        self.place.asked.unlink(missing_ok=True)
        if holder(self.place) is None:
            start_behind(self.place, wait_s=30)
        self.when_ready()

    def when_ready(self) -> None:
        until = monotonic() + 60
        while monotonic() < until:
            try:
                health = json.loads(ask(self.place, "/health", method="GET").body)
            except ServiceError:
                health = {}
            if health.get("ready") and not health.get("working"):
                return
            sleep(0.02)
        raise SystemExit(f"The service is not ready: {self.place.log}")

    def end(self) -> None:
        self.place.asked.touch()  # nobody starts it again
        if (pid := holder(self.place)) is not None:
            os.kill(pid, signal.SIGCONT)
            stop(self.place)

    def kill(self) -> None:
        if (pid := holder(self.place)) is not None:
            os.kill(pid, signal.SIGKILL)
            while holder(self.place) is not None:
                sleep(0.002)

    def sessions(self, count: int) -> None:
        """As many sessions as hooks leave them, for the service to take in."""
        for number in range(count):
            session = f"behind-{self._number}-{number}"
            end = {"session_id": session, "hook_event_name": "SessionEnd", "cwd": "/nowhere"}
            call = json.loads(TOOL_CALL) | {"session_id": session}
            calls = [json.dumps(call | {"tool_use_id": f"t{each}"}).encode() for each in range(40)]
            for place, payload in enumerate((self.prompt(session), *calls, json.dumps(end).encode())):
                path = self.place.data_dir / "inbox" / f"claude_code.{900_000 + number}.{self._number}{place:04d}"
                path.write_bytes(payload)


def true() -> None:
    subprocess.run([shutil.which("true") or "/bin/true"], check=True)


def nothing() -> None:
    subprocess.run([sys.executable, "-S", "-c", "pass"], check=True)


def table(
    turns: int, commands: dict[str, Callable[[], object]], before: Callable[[], object] | None = None
) -> dict[str, Figures]:
    """Every command once a turn; the first turn does not count. ``before`` each turn, not timed."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(turns + 1):
        if before is not None:
            before()
        for name, command in commands.items():
            took = timed_ms(command)
            if turn:
                taken[name].append(took)
    least = spread(next(iter(taken.values())))
    rows: dict[str, Figures] = {}
    for name, each in taken.items():
        row = spread(each)
        over = {
            f"{key}_over": round(float(row[f"{key}_ms"] or 0) - float(least[f"{key}_ms"] or 0), 2)
            for key in ("p50", "p95")
        }
        rows[name] = {**row, **over}
    return rows


def processes(bench: Bench, turns: int) -> dict[str, Figures]:
    """The hooks, in each state of the service."""

    def state(name: str, count: int, before: Callable[[], object] | None = None) -> dict[str, Figures]:
        bench.told = 0
        found = table(count, {f"/bin/true ({name})": true, f"prompt hook, service {name}": bench.ask}, before)
        found[f"prompt hook, service {name}"]["told"] = f"{min(bench.told, count)} of {count}"
        return found

    bench.start()
    bench.told = 0
    capture = {"capture hook": lambda: bench.hook("-", TOOL_CALL), "prompt hook, service up": bench.ask}
    rows = table(turns, {"/bin/true": true, "python3 -S -c pass": nothing, **capture})
    rows["prompt hook, service up"]["told"] = f"{min(bench.told, turns)} of {turns}"
    rows |= state("up, taking in", turns, lambda: bench.sessions(2))
    bench.when_ready()
    pid = holder(bench.place)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        rows |= state("hung", turns // 2)
    finally:
        os.kill(pid, signal.SIGCONT)
    bench.place.asked.touch()
    bench.kill()
    rows |= state("killed", turns // 2, bench.place.asked.touch)
    bench.start()
    bench.end()
    rows |= state("away", turns // 2, bench.place.asked.touch)

    def away() -> None:
        bench.start()  # what the last turn started must not be in this one's way
        bench.kill()
        sleep(_SETTLES_S)
        bench.place.asked.unlink(missing_ok=True)

    rows |= state("away, starting it", turns // 5, away)
    rows |= state("starting", turns // 5, lambda: _starting(bench))
    return rows


def _starting(bench: Bench) -> None:
    """A service that was started 100 ms ago."""
    bench.start()
    bench.kill()
    sleep(_SETTLES_S)
    start_behind(bench.place)
    sleep(0.1)


def questions(bench: Bench, turns: int) -> dict[str, Figures]:
    """Without a process of the caller's: what the service itself takes, socket included."""
    digest = {"Seasoned-Digest": settings_digest((each.key, each.value) for each in bench.loaded.origins)}
    errors = cycle(
        ["mise: command not found", "fatal: not a git repository", "ModuleNotFoundError: No module named 'x'"]
    )

    def post(path: str, given: dict[str, object]) -> None:
        reply = ask(bench.place, path, json.dumps(given).encode(), headers=digest)
        assert reply.status == 200, reply

    tasks = cycle(bench.tasks)
    asked: dict[str, Callable[[], object]] = {
        "health": lambda: ask(bench.place, "/health", method="GET"),
        "known fix": lambda: post("/fix", {"error": next(errors), "tool": "Bash"}),
        "check-similar": lambda: post("/similar", {"prompt": next(tasks) + " again"}),
        "prompt of a hook": lambda: ask(bench.place, "/hook/claude_code", bench.prompt()),
    }
    return table(turns, asked)


def commands(bench: Bench, turns: int) -> dict[str, Figures]:
    """Commands, with the service up, and cold."""
    similar = ("check-similar-tasks", "--prompt", "Fix the failing tests of the parser")
    alone = {**bench.environment, "SEASONED_SERVICE": "off"}

    def cold(*more: str) -> None:
        line = [
            sys.executable,
            "-c",
            "from seasoned.doors.cli import main; main()",
            "--home",
            str(bench.place.data_dir),
        ]
        subprocess.run([*line, *similar, *more], env=alone, check=True, capture_output=True)

    return table(
        turns,
        {
            "python3 -S -c pass": nothing,
            "check-similar-tasks by the service": lambda: bench.command(*similar),
            "check-similar-tasks cold": cold,
            "check-similar-tasks cold, no model": lambda: cold("--no-semantic"),
            "failures fix by the service": lambda: bench.command("failures", "fix", "mise: command not found"),
        },
    )


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--turns", type=int, default=100, help="of the hooks; fewer of what takes longer")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seasoned-bench-") as folder:
        bench = Bench(Path(folder), arguments.paths)
        size = f"{bench.executions:,} executions"
        try:
            show(f"hooks, whole process, {size}", processes(bench, arguments.turns), as_json=arguments.json)
            bench.start()
            show(f"over the socket, {size}", questions(bench, arguments.turns), as_json=arguments.json)
            show("commands, whole process", commands(bench, arguments.turns // 10), as_json=arguments.json)
        finally:
            bench.end()


if __name__ == "__main__":
    main()
