"""The doctor's self-test: the whole loop, once, in a throw-away namespace and folder.

Three made-up sessions of an agent meet the same failed command and get over it in the same way; a fourth meets it again.
Each goes through the hook script that the agents run, and through the same rooms as a real one. In the end something must
have *changed*: what the fourth session is told about the failure is not what the first was told. A stage that got
something and gives nothing is where it broke; those behind it were not reached.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seasoned.doors.cli import output
from seasoned.errors import SeasonedError
from seasoned.model.codec import encode_event

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.model import Document, SimilarTasks
    from seasoned.settings import Loaded

__all__ = ["STAGES", "SelfTest", "Stage", "hook_script", "made_up_session", "settings_in"]

STAGES = ("capture", "record", "embed", "learn", "retrieve", "advise", "feedback", "secrets")
_TAUGHT = (1, 2, 3)
"""Sessions to learn from: so many give a pattern."""
_CALLS = len(_TAUGHT) * 4
"""What ``made_up_session`` makes of each: one that fails, three that do not."""
_TOLD = 4
"""The session that is told what was learned."""
_SCRIPT = Path(__file__).parent.parent / "hooks" / "hook.sh"
_NAMESPACE = "self-test"
_PROMPT = "Push the branch of ticket {number} to the origin and open a pull request"
_LIKE = "Push my branch of the ticket and open the pull request on origin please"
"""In other words: neither its hash nor its shape is known, so words and vectors must find it."""
_UNLIKE = "Bake a cake with cherries"
_ERROR = (
    "Exit code 128\nfatal: The current branch ticket-{number} has no upstream branch.\n"
    "To push the current branch and set the remote as upstream, use\n"
)
_FIX = "git push --set-upstream origin"
_SECRET = "AKIA" + "Z7Q3M5N8P2R4T6V9"  # no key of anybody: the form of one, so that a real detector must find it
_WAIT_S = 20.0
_REMEDIES = {
    "capture": "`seasoned init` writes the hook script anew",
    "embed": "the setting embed.provider chooses another model, or none",
}
_REMEDY = "your own data are not touched by this: install this version of Seasoned anew; where that does not help, report this line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How one stage went."""

    name: str
    healthy: bool
    reached: bool = True
    detail: str


class _Broken(Exception):  # noqa: N818  a finding, not an error of the program
    """A stage that gave nothing, with what was expected of it."""


def hook_script(data_dir: Path) -> Path:
    """The script that agents run: the installed one, else the package's."""
    installed = data_dir / "hooks" / "hook.sh"
    return installed if installed.exists() else _SCRIPT


class SelfTest:
    """One run in a folder of its own, which is gone afterwards."""

    def __init__(self, open_in: "Callable[[Path], Seasoned]", *, script: Path, shell: str = "sh") -> None:
        """``open_in``: opens Seasoned with its data in the folder given, under ``settings_in`` of it."""
        self._open_in = open_in
        self._script = script
        self._shell = shell

    def run(self) -> list[Stage]:
        """Every stage in order. Raises nothing that a stage may raise: it is what the stage found."""
        found: list[Stage] = []
        with tempfile.TemporaryDirectory(prefix="seasoned-self-test-") as folder:
            run = _Run(Path(folder) / "data", self._script, self._shell, self._open_in)
            try:
                for name in STAGES:
                    if found and not found[-1].healthy:
                        detail = f"not reached, because {next(each.name for each in found if not each.healthy)} failed"
                        found.append(Stage(name=name, healthy=False, reached=False, detail=detail))
                        continue
                    found.append(_stage(name, getattr(run, name)))
            finally:
                run.close()
        return found


def _stage(name: str, work: Callable[[], str]) -> Stage:
    try:
        return Stage(name=name, healthy=True, detail=work())
    except (SeasonedError, OSError, subprocess.SubprocessError) as error:
        return Stage(name=name, healthy=False, detail=str(error))
    except Exception as error:  # noqa: BLE001  whatever breaks a stage is what is looked for; it is said, with the stage
        found = str(error) if isinstance(error, _Broken) else f"{type(error).__name__}: {error}"
        return Stage(name=name, healthy=False, detail=f"{found}; {_REMEDIES.get(name, _REMEDY)}")


def settings_in(loaded: "Loaded", folder: Path) -> "Loaded":
    """This machine's settings, but for where data lie, whose they are, and that chance has no part."""
    from seasoned.settings import load

    given = {origin.key: origin.value for origin in loaded.origins if origin.source != "default"}
    kept = {key: value for key, value in given.items() if key.partition(".")[0] in {"embed", "similarity", "redaction"}}
    return load(
        {},
        working_dir=folder,
        flags={
            **kept,
            "data_dir": folder,
            "store.url": f"sqlite:///{folder / 'self-test.db'}",
            "namespace": _NAMESPACE,
            "advice.enabled": True,
            "advice.held_out_share": 0.0,
        },
    )


class _Run:
    """The stages, each a method that says what it saw or raises ``_Broken``."""

    def __init__(self, data: Path, script: Path, shell: str, open_in: "Callable[[Path], Seasoned]") -> None:
        data.mkdir(mode=0o700)
        self._data = data
        self._script = script
        self._shell = shell
        self._open_in = open_in
        self._seasoned: Seasoned | None = None
        self._calls = 0
        self._early: Exception | None = None

    @property
    def seasoned(self) -> "Seasoned":
        """Opened when it is first needed."""
        if self._seasoned is None:
            self._seasoned = self._open_in(self._data)
        return self._seasoned

    def close(self) -> None:
        """Leave the folder."""
        if self._seasoned is not None:
            self._seasoned.close()

    # -- stages ------------------------------------------------------------------------------------------------------
    def capture(self) -> str:
        """The sessions to learn from, through the hook script."""
        for number in _TAUGHT:
            for payload in made_up_session(number):
                self._hook(payload)
        inbox = self._data / "inbox"
        kept = len(list(inbox.iterdir())) if inbox.is_dir() else 0
        if kept != self._calls:
            raise _Broken(f"{self._script} was called {self._calls} times and kept {kept} payloads")
        return f"{kept} hook calls kept, through {self._script}"

    def record(self) -> str:
        """Into rows."""
        try:
            self._tell_early()
        except Exception as error:  # noqa: BLE001  raised where it belongs, in ``advise``
            self._early = error
        self.seasoned.drain_spool()
        counts = self.seasoned.store.counts(_NAMESPACE)
        if counts.traces != len(_TAUGHT) or counts.failed_spans != len(_TAUGHT) or counts.spans < _CALLS:
            raise _Broken(
                f"{len(_TAUGHT)} sessions with {_CALLS} calls, {len(_TAUGHT)} of them failed, went in; {counts.traces} "
                f"executions with {counts.spans} calls, {counts.failed_spans} of them failed, were recorded"
            )
        return f"{counts.traces} executions, {counts.spans} calls, {counts.failed_spans} of them failed"

    def embed(self) -> str:
        """Into vectors."""
        embedder, index = self.seasoned.embedder, self.seasoned.index
        if embedder is None or index is None:
            return "switched off"
        model = embedder.info.model
        self.seasoned.embed_pending()
        tasks = self.seasoned.store.counts(_NAMESPACE).fingerprints
        vectors = self.seasoned.store.embedding_count(_NAMESPACE, model)
        if not tasks or vectors != tasks:
            raise _Broken(f"{model} was given {tasks} tasks, and {vectors} of them have a vector")
        index.refresh(_NAMESPACE, model)
        near = index.nearest(_NAMESPACE, model, embedder.embed([_LIKE], "query")[0], tasks)
        if len(near) != tasks:
            raise _Broken(f"{vectors} vectors are stored, and the index was asked for {tasks} and gave {len(near)}")
        return f"{vectors} vectors of {model}"

    def learn(self) -> str:
        """Into knowledge."""
        learned = self.seasoned.learn(again=True)
        if learned.executions != len(_TAUGHT) or not learned.failures or not learned.fixes_shown:
            raise _Broken(
                f"{len(_TAUGHT)} executions with the same failure and fix were there; {learned.executions} were read and "
                f"gave {learned.failures} kinds of failure, {learned.fixes_shown} of them with a fix"
            )
        if not learned.patterns:
            raise _Broken(f"{learned.executions} executions of one task went the same way, and gave no pattern of it")
        shown = output.counted(learned.fixes_shown, "kind of failure and its fix", "kinds of failure and their fixes")
        return f"{shown}, and {output.counted(learned.patterns, 'pattern')}, from {learned.executions} executions"

    def retrieve(self) -> str:
        """A like task is found, by words and by vectors, an unlike one is not; and the fix."""
        by_words = self.seasoned.similar(_LIKE, semantic=False)
        if not by_words.matches:
            raise _Broken("a prompt in other words than the recorded ones found none of them by its words")
        found = self.seasoned.similar(_LIKE)
        if not found.matches:
            raise _Broken("a prompt in other words than the recorded ones found none of them")
        if self.seasoned.embedder is not None and _nearness(found) is None:
            raise _Broken(
                "a prompt in other words than the recorded ones was not compared by vectors, though they are there"
            )
        if self.seasoned.similar(_UNLIKE).matches:
            raise _Broken("a prompt that has nothing in common with the recorded ones found them all the same")
        fixes = self.seasoned.fixes(_ERROR.format(number=73), tool="Bash", command="git push").fixes
        if not fixes:
            raise _Broken("the recorded failure was looked up, and its fix was not found")
        kind = "with vectors" if found.embedded is not None else "from words alone"
        return f"a like task at {found.matches[0].score:.2f} ({kind}), and {output.counted(len(fixes), 'fix', 'fixes')}"

    def advise(self) -> str:
        """What is told has changed."""
        from seasoned.capture.hooks import hook_output

        # Opened anew, as a service does that has not seen the beginning.
        self.close()
        self._seasoned = None
        for payload in made_up_session(_TOLD)[:3]:
            self._hook(payload)
        failure = self._failure(_TOLD)
        self._hook(failure)
        after = self.seasoned.advise(_moment(failure)).text
        if self._early is not None:
            raise self._early
        if after is None or _FIX not in after:
            raise _Broken(f"what a session is told about the failure did not change: {after or 'nothing'!r}")
        if _FIX.encode() not in hook_output("claude_code", str(failure["hook_event_name"]), after):
            raise _Broken("the advice is there, and not in what the agent's hook would print")
        return f"before learning nothing, after it: {_FIX} …"

    def _tell_early(self) -> None:
        if self.seasoned.advise(_moment(self._failure(_TOLD))).text is not None:
            raise _Broken("advice was given before anything was known")

    def feedback(self) -> str:
        """That it was taken comes back."""
        for payload in made_up_session(_TOLD, told=True)[4:]:
            self._hook(payload)
        self.seasoned.drain_spool()
        self.seasoned.hear_outcomes()
        told = [each for each in self.seasoned.store.all_advice(_NAMESPACE) if each.items]
        if not told:
            raise _Broken("advice was given, and none of it is recorded")
        if not any(each.outcome == "recovered" and each.followed for each in told):
            heard = ", ".join(f"{each.outcome or 'not heard'}, followed: {each.followed}" for each in told)
            raise _Broken(f"the last session took the fix, and what is known of it is: {heard}")
        return "the fix was taken and worked, and is counted"

    def secrets(self) -> str:
        """The key that stood in a command is nowhere."""
        logged = [encode_event(each.event) for each in self.seasoned.store.read_log(0, 1_000) if each.event is not None]
        if any(_SECRET.encode() in each for each in logged):
            raise _Broken("a key that stood in a command is in the event log in clear")
        self.close()
        self._seasoned = None
        files = [path for path in self._data.rglob("*") if path.is_file()]
        holding = [path for path in files if _SECRET.encode() in path.read_bytes()]
        if holding:
            raise _Broken(f"a key that stood in a command is in {holding[0].relative_to(self._data)} in clear")
        return f"a key that stood in a command is in none of {len(logged)} events and {len(files)} files"

    # -- the agent ---------------------------------------------------------------------------------------------------
    def _hook(self, payload: "Document") -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEASONED_")}
        done = subprocess.run(
            [self._shell, str(self._script), "claude_code", "-", str(self._data)],
            input=json.dumps(payload).encode(),
            env=environment,
            capture_output=True,
            timeout=_WAIT_S,
            check=False,
        )
        self._calls += 1
        if done.returncode != 0 or done.stdout:
            raise _Broken(
                f"{self._script} ended with {done.returncode} and said {done.stdout[:80]!r}; an agent would see that"
            )

    @staticmethod
    def _failure(number: int) -> "Document":
        return made_up_session(number)[3]


def _nearness(found: "SimilarTasks") -> float | None:
    """How near the nearest is by its vector; None where vectors took no part."""
    return next((term.value for term in found.matches[0].terms if term.name == "semantic"), None)


def _moment(payload: "Document"):  # noqa: ANN202  the type costs an import at start
    from seasoned.capture.hooks import moment_of

    moment = moment_of("claude_code", payload)
    if moment is None:
        raise _Broken("a failed call of a hook is not recognised as one")
    return moment


def made_up_session(number: int, *, told: bool = False) -> "list[Document]":
    """What Claude Code tells its hooks in a session that fails to push; one that was told how does it at once."""
    common: Document = {
        "session_id": f"00000000-0000-4000-8000-{number:012d}",
        "prompt_id": f"00000000-0000-4000-9000-{number:012d}",
        "transcript_path": "",
        "cwd": "/self-test",
        "permission_mode": "default",
    }
    push = f"{_FIX} ticket-{number}"
    lines = [push] if told else [f"AWS_KEY={_SECRET} git status", "git branch -vv", push]
    prompt = _PROMPT.format(number=number)
    payloads: list[Document] = [
        {**common, "hook_event_name": "SessionStart", "source": "startup"},
        {**common, "hook_event_name": "UserPromptSubmit", "prompt": prompt},
        _before(common, number, 0, "git push"),
        {
            **_before(common, number, 0, "git push"),
            "hook_event_name": "PostToolUseFailure",
            "error": _ERROR.format(number=number),
            "is_interrupt": False,
            "duration_ms": 30,
        },
    ]
    for place, line in enumerate(lines, 1):
        call = _before(common, number, place, line)
        said = {"stdout": "done", "stderr": "", "interrupted": False}
        payloads += [call, {**call, "hook_event_name": "PostToolUse", "tool_response": said, "duration_ms": 20}]
    payloads += [
        {**common, "hook_event_name": "Stop", "stop_hook_active": False, "last_assistant_message": "Pushed."},
        {**common, "hook_event_name": "SessionEnd", "reason": "other"},
    ]
    return payloads


def _before(common: "Document", number: int, place: int, line: str) -> "Document":
    return {
        **common,
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": line},
        "tool_use_id": f"toolu_{number}_{place}",
    }
