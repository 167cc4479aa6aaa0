"""``seasoned doctor`` as a user runs it: every stage of the self-test broken in the code, and what stands around the
store broken on the machine. Each time the stage is named, with what to do, and the exit code is 1.

A fault in the code comes from outside, by a ``sitecustomize`` that takes one part out of the real program before it starts.
"""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command import run, without_privileges
from residents import ON, resident, started, until

from seasoned.resident import Place, holder

pytestmark = pytest.mark.slow

Row = dict[str, Any]


def doctor(home: Path, *arguments: str, **more: Any) -> tuple[int, dict[str, Row]]:
    """Exit code, and every row by its name."""
    done = run(home, "--home", home / "data", "doctor", "--json", *arguments, **more)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    rows = {each["name"]: each for part in ("self_test", "stages", "checks") for each in found[part]}
    assert found["healthy"] is all(each["healthy"] for each in rows.values())
    assert done.returncode == (0 if found["healthy"] else 1)
    return done.returncode, rows


def unwell(rows: dict[str, Row]) -> list[str]:
    return [name for name, row in rows.items() if not row["healthy"]]


# -- the self-test ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is taken out of the program, and the stage that must say so."""

    stage: str
    says: str
    code: str
    model: bool = False
    """Whether the embedding model takes part; without it a run is half as long."""


FAULTS = {
    "hooks are not read": Fault(
        stage="record",
        says="0 executions with 0 calls",
        code="import seasoned.workers.hooking as at; at.read_hooks = None",
    ),
    "the writer drops calls": Fault(
        stage="record",
        says="3 executions with 0 calls",
        code="from seasoned.store.writing import SqlWriting as at; at.save_spans = lambda self, spans: None",
    ),
    "the writer drops executions": Fault(
        stage="record",
        says="install this version of Seasoned anew",
        code="from seasoned.workers import Writer as at; at._apply_each = lambda *given: None",
    ),
    "nothing is embedded": Fault(
        stage="embed",
        says="0 of them have a vector",
        code="import seasoned.workers as at; at.embed_pending = lambda *given: 0",
        model=True,
    ),
    "the index of vectors is empty": Fault(
        stage="embed",
        says="asked for 3 and gave 0",
        code="from seasoned.embed import UsearchIndex as at; at.nearest = lambda *given: []",
        model=True,
    ),
    "all vectors are alike": Fault(
        stage="retrieve",
        says="nothing in common",
        code=(
            "import numpy as np; from seasoned.embed.minilm import MiniLmEmbedder as at\n"
            "one = np.eye(1, 384, dtype=np.float32)\n"
            "at.embed = lambda self, texts, kind, **more: np.repeat(one, len(texts), axis=0)"
        ),
        model=True,
    ),
    "no steps are extracted": Fault(
        stage="learn",
        says="0 kinds of failure",
        code="import seasoned.learn.failures.mining as at; at.attempts = lambda *given: ()",
    ),
    "no patterns are drawn": Fault(
        stage="learn",
        says="no pattern",
        code="import seasoned.workers.learning as at; at.extract = lambda *given, **more: []",
    ),
    "a stage meets what nobody expects": Fault(
        stage="learn",
        says="TypeError: unexpected",
        code="import seasoned.workers as at\ndef fail(*given, **more): raise TypeError('unexpected')\nat.learn_history = fail",
    ),
    "what was learned is not kept": Fault(
        stage="retrieve",
        says="its fix was not found",
        code=(
            "from seasoned.store.knowledge_writing import KnowledgeWrites as at\n"
            "at.replace_failure = lambda *given: None"
        ),
    ),
    "full text finds nothing": Fault(
        stage="retrieve",
        says="by its words",
        code="from seasoned.store.search import SearchReads as at; at.keyword_candidates = lambda *given: []",
        model=True,
    ),
    "fixes are not found": Fault(
        stage="retrieve",
        says="its fix was not found",
        code="from seasoned.learn.failures import FixIndex as at; at._offered = lambda *given: []",
    ),
    "no moment is recognised": Fault(
        stage="advise",
        says="not recognised",
        code="import seasoned.capture.hooks as at; at.moment_of = lambda *given: None",
    ),
    "the advisor is silent": Fault(
        stage="advise",
        says="did not change",
        code="import seasoned.advise.advisor as at; at.fix_pieces = lambda answer: []",
    ),
    "the advisor says always the same": Fault(
        stage="advise",
        says="before anything was known",
        code=(
            "from dataclasses import replace; from seasoned.advise.advisor import Advisor as at\n"
            "look = at.advise\nat.advise = lambda self, moment: replace(look(self, moment), text='Be careful.')"
        ),
    ),
    "the agent's format holds nothing": Fault(
        stage="advise",
        says="hook would print",
        code="import seasoned.capture.hooks as at; at.hook_output = lambda *given: b''",
    ),
    "advice is not recorded": Fault(
        stage="feedback",
        says="none of it is recorded",
        code="from seasoned.bus import Spool as at; at.write = lambda self, event: True",
    ),
    "nobody hears what became of it": Fault(
        stage="feedback",
        says="not heard",
        code=(
            "import seasoned.workers.feedback as at; heard = at.Heard\nat.hear = lambda *given, **more: heard()"
        ),
    ),
    "secrets are not taken out": Fault(
        stage="secrets",
        says="in clear",
        code="from seasoned.capture import Redactor as at; at.update = lambda self, update: update",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_stage_broken_in_the_code_is_named(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(fault.code + "\n")
    variables = {"PYTHONPATH": str(broken)} | ({} if fault.model else {"SEASONED_EMBED__PROVIDER": "none"})
    code, rows = doctor(tmp_path, variables=variables)
    assert code == 1
    first, *others = unwell(rows)
    assert first == fault.stage
    assert fault.says in rows[first]["detail"]
    assert all(f"not reached, because {fault.stage} failed" in rows[each]["detail"] for each in others)


@pytest.mark.parametrize(
    ("script", "says"),
    [("cat >/dev/null\n", "kept 0 payloads"), ("cat >/dev/null\nexit 2\n", "ended with 2"), ("echo hello\n", "hello")],
    ids=["keeps nothing", "blocks the agent", "talks to the agent"],
)
def test_a_broken_hook_script_is_named(tmp_path: Path, script: str, says: str) -> None:
    hooks = tmp_path / "data" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "hook.sh").write_text(script)
    code, rows = doctor(tmp_path, SEASONED_EMBED__PROVIDER="none")
    assert code == 1
    assert unwell(rows)[0] == "capture"
    assert says in rows["capture"]["detail"]
    assert "seasoned init" in rows["capture"]["detail"]


def test_all_is_well_with_the_model_and_without(tmp_path: Path) -> None:
    for variables in ({}, {"SEASONED_EMBED__PROVIDER": "none"}):
        assert doctor(tmp_path, variables=variables)[0] == 0
    said = run(tmp_path, "--home", tmp_path / "data", "doctor").stdout
    assert said.rstrip().endswith("All is well.")


# -- the service -----------------------------------------------------------------------------------------------------
@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Where the service of this test is; whoever it is is ended."""
    with resident(tmp_path) as found:
        yield found


def service_row(home: Path) -> Row:
    return doctor(home, "--no-self-test", variables=ON)[1]["service"]


def test_a_service_that_hangs_was_killed_or_stopped(place: Place, tmp_path: Path) -> None:
    started(tmp_path)
    assert service_row(tmp_path)["healthy"], "it is ready"
    pid = holder(place)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    hung = service_row(tmp_path)
    assert not hung["healthy"]
    assert f"kill -9 {pid}" in hung["detail"]
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGKILL)
    for _ in until("the end of the service"):
        if holder(place) is None:
            break
    killed = service_row(tmp_path)
    assert not killed["healthy"]
    assert "seasoned service start" in killed["detail"]
    started(tmp_path)
    assert run(tmp_path, "--home", place.data_dir, "service", "stop").returncode == 0
    assert service_row(tmp_path)["healthy"], "nobody needs it"


def newer_schema(data: Path) -> None:
    with closing(sqlite3.connect(data / "seasoned.db")) as database, database:
        database.execute("UPDATE seasoned_version SET version_num = '9999'")


def test_a_service_that_does_not_get_ready(place: Place, tmp_path: Path) -> None:
    """The same fault stands in the rows of the store."""
    assert doctor(tmp_path, "--no-self-test")[0] == 0
    newer_schema(place.data_dir)
    assert run(tmp_path, "--home", place.data_dir, "service", "start", variables=ON).returncode == 0
    for _ in until("the service has tried"):
        if not service_row(tmp_path)["healthy"]:
            break
    code, rows = doctor(tmp_path, "--no-self-test", variables=ON)
    assert code == 1
    assert "Upgrade Seasoned" in rows["service"]["detail"]
    assert "Upgrade Seasoned" in rows["store"]["detail"]


def test_a_service_whose_work_behind_fails(place: Place, tmp_path: Path) -> None:
    """It answers as ever, and nothing that hooks tell is taken in."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import sys\nfrom seasoned.app import Seasoned\nfrom seasoned.errors import StoreBusyError\n"
        "def fail(self): raise StoreBusyError('Somebody else writes.')\n"
        "if sys.argv[:1] == ['-m']: Seasoned.drain_spool = fail\n"  # the process that works, not the doctor
    )
    started(tmp_path, PYTHONPATH=str(broken))
    row: Row = {}
    for _ in until("the service has tried"):
        row = service_row(tmp_path)
        if not row["healthy"]:
            break
    assert "drain fails: Somebody else writes." in row["detail"]
    assert "service.log" in row["detail"]


def test_a_service_that_cannot_start(place: Place, tmp_path: Path) -> None:
    place.run.mkdir(parents=True, mode=0o700)
    place.started_log.write_text("Traceback:\nModuleNotFoundError: No module named 'seasoned'\n")
    place.asked.touch()
    long_ago = time.time() - 60
    os.utime(place.asked, (long_ago, long_ago))
    row = service_row(tmp_path)
    assert not row["healthy"]
    assert "No module named" in row["detail"]
    assert "seasoned service run" in row["detail"]


# -- hooks and folders -----------------------------------------------------------------------------------------------
@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A home in which ``init`` has put hooks into every agent."""
    for folder in (".claude", ".codex", ".gemini"):
        (tmp_path / folder).mkdir()
    done = run(tmp_path, "--home", tmp_path / "data", "init", "--yes")
    assert done.returncode == 0, done.stderr
    return tmp_path


def without_hook(home: Path, event: str) -> None:
    path = home / ".claude" / "settings.json"
    settings = json.loads(path.read_text())
    del settings["hooks"][event]
    path.write_text(json.dumps(settings))


def switched_off(home: Path) -> None:
    path = home / ".claude" / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "disableAllHooks": True}))


def elsewhere(home: Path) -> None:
    for name in (".claude/settings.json", ".codex/hooks.json", ".gemini/settings.json"):
        path = home / name
        path.write_text(path.read_text().replace(f"{home}/data", f"{home}/moved"))


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "the script is missing": (lambda home: (home / "data/hooks/hook.sh").unlink(), "hook.sh, which is not there"),
    "the asker is missing": (lambda home: (home / "data/hooks/ask.py").unlink(), "ask.py, which is not there"),
    "the data folder moved": (elsewhere, "moved, which is gone"),
    "the hooks are switched off": (
        switched_off,
        '"disableAllHooks" is true: the hooks are idle until you change that',
    ),
    "the settings were replaced": (lambda home: (home / ".codex/hooks.json").write_text("{}"), "are gone"),
    "one hook was taken out": (lambda home: without_hook(home, "PostToolUseFailure"), "PostToolUseFailure"),
    "the settings are no JSON": (lambda home: (home / ".gemini/settings.json").write_text("{"), "settings.json"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_hooks_that_are_not_in_place_are_named(installed: Path, name: str) -> None:
    breaks, says = BROKEN[name]
    breaks(installed)
    code, rows = doctor(installed, "--no-self-test")
    assert (code, unwell(rows)) == (1, ["hooks"])
    assert says in rows["hooks"]["detail"]


def test_a_project_that_is_gone_misses_no_hooks(installed: Path) -> None:
    project = installed / "project"
    (project / ".git").mkdir(parents=True)
    done = run(
        project,
        "--home",
        installed / "data",
        "init",
        "--project",
        "--yes",
        "--agent",
        "claude-code",
        HOME=str(installed),
    )
    assert done.returncode == 0, done.stderr
    code, rows = doctor(installed, "--no-self-test")
    assert code == 0, "all are in place"
    assert all(name in rows["hooks"]["detail"] for name in ("Claude Code, ", "Codex CLI", "Gemini CLI", str(project)))
    project.rename(installed / "gone")
    assert doctor(installed, "--no-self-test")[0] == 0


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    assert doctor(tmp_path, "--no-self-test")[0] == 0
    (tmp_path / "data").chmod(0o500)
    (tmp_path / "data" / "seasoned.db").chmod(0o400)
    try:
        code, rows = doctor(tmp_path, "--no-self-test", before=without_privileges)
    finally:
        (tmp_path / "data").chmod(0o700)
    assert code == 1
    assert "data" in rows["database"]["detail"]


def test_a_damaged_database(tmp_path: Path) -> None:
    assert doctor(tmp_path, "--no-self-test")[0] == 0
    path = tmp_path / "data" / "seasoned.db"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    code, rows = doctor(tmp_path, "--no-self-test")
    assert code == 1
    assert "backup" in rows["database"]["detail"]
