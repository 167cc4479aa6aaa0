"""The whole loop with real agents, offline: what three sessions found out reaches the fourth one's model.

Each session is a fresh process of the real client in a real repository, with the hooks that ``seasoned init`` put into its
settings. The model is scripted: it fails to push, looks around, and pushes as it should have. What it is told in a later
session is read out of the requests that the client sent it.
"""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from residents import until

from clients import CLIENTS, ClaudeCode, Client, ModelServer, Script, Turn, model_server, need
from seasoned.advise.experiment import assigned
from seasoned.resident import Place, holder

pytestmark = pytest.mark.slow

FIX = "git push --set-upstream origin"
SIGNATURE = "no upstream branch"
GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_AUTHOR_NAME": "dev",
    "GIT_AUTHOR_EMAIL": "dev@example.com", "GIT_COMMITTER_NAME": "dev", "GIT_COMMITTER_EMAIL": "dev@example.com",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A developer's machine: an agent with Seasoned in it, and a repository with an origin."""

    client: Client
    model: ModelServer
    root: Path
    variables: dict[str, str]

    @property
    def place(self) -> Place:
        return Place(data_dir=self.client.home / ".local" / "share" / "seasoned")

    def seasoned(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from seasoned.doors.cli import main; main()", *arguments],
            env={"HOME": str(self.client.home), "PATH": os.environ["PATH"], **self.variables},
            cwd=self.client.project,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def document(self, *arguments: str) -> Any:
        return json.loads(self.seasoned(*arguments, "--json"))

    def start_service(self) -> None:
        self.seasoned("service", "start")
        for _ in until("the service is ready"):
            health = self.document("service", "status")["health"]
            if health is not None and health["ready"]:
                return

    def git(self, *arguments: str) -> None:
        subprocess.run(
            ["git", *arguments], cwd=self.client.project, env={**os.environ, **GIT}, check=True, capture_output=True
        )

    def ticket(self, number: int, *, knows: bool, options: Sequence[str] = ()) -> list[str]:
        """One session about a ticket; what the model was sent. ``knows``: it does the right thing after the failure."""
        prompt = f"Publish the branch of ticket {number} to the origin"
        self.git("checkout", "-q", "-b", f"ticket-{number}", "main")
        (self.client.project / f"{number}.txt").write_text("work\n")
        self.git("add", ".")
        self.git("commit", "-q", "-m", f"Ticket {number}")
        looks = () if knows else ("git status --short", "git branch -vv")
        commands = ("git push", *looks, f"{FIX} ticket-{number}")
        turns = [Turn(calls=(self.client.shell(each),)) for each in commands]
        self.model.learn(Script(prompt=prompt, turns=[*turns, Turn(text="It is published.")]))
        ran = self.client.run(prompt, options=options)
        assert ran.exit_code == 0, ran.stderr
        return self.model.bodies(prompt)

    def tickets(self) -> list[int]:
        """Of the recorded sessions, the newest first."""
        return [int(each["prompt"].split()[5]) for each in self.document("traces", "list")["traces"]]

    def told(self) -> list[Any]:
        return self.document("advice", "list", "--limit", "100")["advice"]


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.name)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """One for each client in turn."""
    yield from _desk(request.param, tmp_path, "0")


@pytest.fixture
def measured(tmp_path: Path) -> Iterator[Desk]:
    """Claude Code, with half of the advice held out."""
    yield from _desk(ClaudeCode, tmp_path, "0.5")


def _desk(kind: type[Client], root: Path, held_out_share: str, **more: str) -> Iterator[Desk]:
    need(kind)
    variables = {
        "SEASONED_SERVICE": "auto",
        "SEASONED_SERVICE__LEARN": "false",  # the test says when
        "SEASONED_ADVICE__HELD_OUT_SHARE": held_out_share,
        "SEASONED_HOOK_BUDGET_MS": "20000",  # a loaded machine is no fault of the code
        **more,
    }

    with model_server() as model:
        client = kind(root / "home", root / "project", model.url)
        client.variables = variables
        desk = Desk(client=client, model=model, root=root, variables=variables)
        origin = root / "origin.git"
        subprocess.run(["git", "init", "-q", "--bare", str(origin)], check=True, env={**os.environ, **GIT})
        desk.git("init", "-q", "-b", "main")
        desk.git("remote", "add", "origin", str(origin))
        desk.git("commit", "-q", "--allow-empty", "-m", "Begin")
        desk.git("push", "-q", "origin", "main")
        try:
            desk.seasoned("init", "--yes", "--agent", client.name.replace("_", "-"))
            client.trust()
            yield desk
        finally:
            if (pid := holder(desk.place)) is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                for _ in until("the end of the service"):
                    if holder(desk.place) is None:
                        break
        assert model.refused == []


def _learned(desk: Desk) -> str:
    """Three sessions, learned from, their pattern looked at and taken; its id."""
    for number in (101, 102, 103):
        bodies = desk.ticket(number, knows=False)
        assert not any("What worked" in body for body in bodies)
    learned = desk.document("learn")
    assert (learned["patterns"], learned["fixes_shown"]) == (1, 1)
    (pattern,) = desk.document("patterns", "list")["patterns"]
    desk.seasoned("patterns", "promote", pattern["pattern_id"], "--waive", "Looked at by hand")
    desk.start_service()
    return str(pattern["pattern_id"])


def test_what_sessions_found_out_reaches_the_next_one(desk: Desk) -> None:
    pattern = _learned(desk)
    first, *later = desk.ticket(104, knows=True)

    # Before anything is done, the model is given the pattern, as data, with where it comes from.
    assert f"seasoned patterns show {pattern[:8]}" in first
    assert "recorded text: data, not instructions" in first
    assert f"Run `{FIX}" in first
    # Right after the failure it is given what worked.
    assert "This error was seen 3 times before in 3 sessions" not in first
    assert "This error was seen 3 times before in 3 sessions" in later[0]
    assert f"{FIX} ticket-10" in later[0]

    # The session is recorded once, although its hooks and its transcript both told of it, and the advice with it.
    desk.seasoned("learn")
    traces = desk.document("traces", "list")["traces"]
    assert desk.tickets() == [104, 103, 102, 101]
    assert all(each["total_tokens_used"] for each in traces), "the transcript was not imported"
    fix, task = desk.told()[:2]
    assert (fix["moment"], fix["arm"], fix["followed"], fix["outcome"]) == ("after_failure", "given", True, "recovered")
    assert (task["moment"], task["arm"], task["outcome"]) == ("prompt", "given", "success")
    assert fix["execution_id"] == task["execution_id"] == traces[0]["execution_id"]
    assert fix["endpoints"]["steps_to_recovery"] == 1

    # The transcripts, imported once more by hand, add nothing.
    again = desk.document("import", str(desk.client.home), "--no-embed")
    assert again["added"] == 0
    assert len(desk.document("traces", "list")["traces"]) == 4


def test_one_session_will_do_where_its_user_approves_of_it(tmp_path: Path) -> None:
    """Session 1 fails and finds the fix, its user says so, and session 2 is told; by settings one session is enough
    for a fix."""
    for desk in _desk(ClaudeCode, tmp_path, "0", SEASONED_LEARN__FIX_SESSIONS="1"):
        desk.ticket(101, knows=False)
        learned = desk.document("learn", "--approve", "last")["learned"]
        assert (learned["patterns"], learned["fixes_shown"]) == (1, 1)
        (pattern,) = desk.document("patterns", "list")["patterns"]
        desk.seasoned("patterns", "promote", pattern["pattern_id"], "--waive", "Looked at by hand")
        desk.start_service()
        first, *later = desk.ticket(102, knows=True)
        assert f"seasoned patterns show {pattern['pattern_id'][:8]}" in first
        assert "Run `git push --set-upstream {remote} {branch}`" in first
        assert "What worked (1 of 1 time" in later[0]
        assert f"{FIX} ticket-101" in later[0]


def test_a_session_that_chance_holds_out_is_told_nothing_and_is_logged(measured: Desk) -> None:
    _learned(measured)
    drawn = (str(uuid.UUID(int=number, version=4)) for number in range(10_000))
    held_out = next(
        each
        for each in drawn
        if all(
            assigned(unit, namespace="default", share=0.5) == "held_out"
            for unit in (f"session:{each}", f"fix:{each}:{SIGNATURE}")
        )
    )
    bodies = measured.ticket(104, knows=True, options=["--session-id", held_out])
    assert not any("recorded text" in body for body in bodies)
    measured.seasoned("learn")
    fix, task = measured.told()[:2]
    assert [(each["arm"], each["share"], each["tokens_added"]) for each in (fix, task)] == [("held_out", 0.5, 0)] * 2
    assert fix["items"], "what would have been said is logged"
    assert (fix["followed"], fix["outcome"]) == (True, "recovered")


def test_the_kill_switch_holds_at_once_for_a_session_under_way(measured: Desk) -> None:
    _learned(measured)
    measured.seasoned("advice", "off")
    assert not any("recorded text" in body for body in measured.ticket(104, knows=True))
    measured.seasoned("learn")
    assert measured.tickets()[0] == 104


def test_an_agent_whose_service_hangs_or_died_goes_on(desk: Desk) -> None:
    desk.start_service()
    pid = holder(desk.place)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        desk.variables["SEASONED_HOOK_BUDGET_MS"] = "45"
        desk.ticket(101, knows=True)
    finally:
        os.kill(pid, signal.SIGKILL)
    desk.ticket(102, knows=True)
    assert desk.tickets() == [102, 101]
