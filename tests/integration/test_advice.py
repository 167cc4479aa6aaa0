"""Advice over a real store: learned from recorded runs, recorded itself, kept over a restart, switched off at once."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
from typer.testing import CliRunner

from seasoned.app import Seasoned
from seasoned.doors.cli.root import application
from seasoned.model import ExecutionUpdate, Moment, Pattern, Span, Trace
from seasoned.model.ids import name_id
from seasoned.settings import load

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ERROR = "Exit code 128\nfatal: The current branch topic has no upstream branch."
CALLS = ("git push", "git status", "git branch -vv", "git log --oneline", "git push --set-upstream origin topic")
TASK = "Publish the release branch of the billing service"


def opened(home: Path, **flags: object) -> Seasoned:
    given = {"embed.provider": "none", "advice.held_out_share": 0.0, "data_dir": home, **flags}
    return Seasoned(load({"HOME": str(home)}, working_dir=home, flags=given))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five sessions that met the same failure and its remedy, learned from."""
    home = tmp_path_factory.mktemp("history")
    with opened(home) as seasoned:
        for number in range(5):
            execution_id = name_id("run", str(number))
            spans = [
                Span(
                    span_id=name_id(execution_id, str(at)), execution_id=execution_id, number=at + 1, kind="tool",
                    name="Bash", tool="Bash", arguments={"command": command},
                    outcome="success" if at else "failure", error_message=None if at else ERROR,
                    started_at=NOON + timedelta(hours=number, minutes=at),
                )
                for at, command in enumerate(CALLS)
            ]  # fmt: skip
            trace = Trace(
                execution_id=execution_id, namespace="default", revision=1, source="claude_code", status="success",
                session_id=f"old{number}", prompt=f"{TASK} number {number}", started_at=NOON + timedelta(hours=number),
                completed_at=NOON + timedelta(hours=number, minutes=9), cwd="/w/shop",
            )  # fmt: skip
            seasoned.record(ExecutionUpdate(trace=trace, spans=tuple(spans)))
        assert seasoned.learn().fixes_shown == 1
    return home


@pytest.fixture
def home(history: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    copy.mkdir(mode=0o700)
    for each in history.iterdir():
        if each.is_file():
            (copy / each.name).write_bytes(each.read_bytes())
    return copy


@pytest.fixture
def seasoned(home: Path) -> Iterator[Seasoned]:
    with opened(home) as found:
        yield found


def failure(session: str = "new", native_id: str = "c1") -> Moment:
    return Moment(
        name="after_failure", source="claude_code", session_id=session, native_id=native_id, tool="Bash",
        command="git push", error=ERROR, cwd="/w/shop", arguments={"command": "git push"},
    )  # fmt: skip


def task(session: str = "new", native_id: str = "p1") -> Moment:
    return Moment(
        name="prompt", source="claude_code", session_id=session, native_id=native_id, prompt=f"{TASK} number 7"
    )


def test_the_three_moments_over_what_was_learned(seasoned: Seasoned) -> None:
    before = seasoned.advise(task())
    assert before.text is not None
    assert "met in 3 of 3 runs of such tasks" in before.text
    call = replace(failure("second"), name="before_tool", native_id="c0")
    warned = seasoned.advise(call)
    assert warned.text is not None
    assert "This very call failed 5 of 5 times before, in 5 sessions" in warned.text
    after = seasoned.advise(failure("third"))
    assert after.text is not None
    assert "git push --set-upstream origin" in after.text
    assert seasoned.drain_spool() == 3
    rows = list(seasoned.store.all_advice("default"))
    assert {(row.moment, row.arm, row.share, row.reason) for row in rows} == {
        ("prompt", "given", 1.0, None), ("before_tool", "given", 1.0, None), ("after_failure", "given", 1.0, None),
    }  # fmt: skip
    stored = {row.advice_id: row for row in rows}
    assert stored[after.advice.advice_id].items == after.advice.items
    assert stored[after.advice.advice_id].repo == "/w/shop"


def test_a_session_is_remembered_over_a_restart(home: Path) -> None:
    with opened(home) as first:
        assert first.advise(failure()).text is not None
        assert first.advise(failure(native_id="c2")).advice.reason == "told before"
    with opened(home) as second:
        assert second.advise(failure(native_id="c3")).advice.reason == "told before"
        assert second.advise(failure(session="other")).text is not None


@pytest.mark.parametrize("share", [0.0, 0.9])
def test_what_a_killed_process_left_in_the_spool_is_remembered(home: Path, share: float) -> None:
    held_out = {"advice.held_out_share": share}
    with opened(home, **held_out) as killed, opened(home) as next_one:
        before = [killed.advise(failure(session=f"s{n}")).advice for n in range(8)]
        killed.advising.undelivered(killed.advise(failure(session="late")))
        assert not list(next_one.store.all_advice("default"))  # nobody has drained the spool
        after = [next_one.advise(failure(session=f"s{n}", native_id="c2")).advice for n in range(8)]
        told = {"given": "told before", "held_out": "withheld before"}
        assert [each.reason for each in after] == [told[each.arm or "given"] for each in before]


def test_a_text_that_came_too_late_may_be_told_the_next_time(seasoned: Seasoned) -> None:
    late = seasoned.advise(failure())
    seasoned.advising.undelivered(late)
    again = seasoned.advise(failure(native_id="c2"))
    assert again.text == late.text
    assert seasoned.advise(failure(native_id="c3")).advice.reason == "told before"
    seasoned.drain_spool()
    rows = {row.about_id: row for row in seasoned.store.advice_of_session("default", "new")}
    assert [row.reason for row in rows.values()] == ["too late", None, "told before"]
    assert len({row.unit for row in rows.values() if row.unit}) == 1


def test_shares_are_what_the_settings_say_and_the_first_arm_stands(home: Path) -> None:
    with opened(home, **{"advice.held_out_share": 0.9}) as seasoned:
        arms = {f"s{n}": seasoned.advise(failure(session=f"s{n}")).advice for n in range(60)}
    held = {name for name, row in arms.items() if row.arm == "held_out"}
    assert 40 <= len(held) < 60
    assert {round(row.share or 0, 9) for row in arms.values()} == {0.1}
    with opened(home) as later:
        assert later.advise(failure(session=min(held), native_id="c2")).advice.reason == "withheld before"


def test_a_secret_comes_neither_in_nor_out(seasoned: Seasoned) -> None:
    secret = "ghp_" + "a1B2" * 9
    moment = replace(failure(), error=f"{ERROR}\ntoken {secret}", command=f"git push https://x:{secret}@h/r")
    seen = seasoned.advise(moment)
    prompt = seasoned.advise(replace(task(), prompt=f"{TASK} with {secret}"))
    seasoned.drain_spool()
    written = f"{seen}{prompt}{seasoned.store.advice_of_session('default', 'new')}"
    assert secret not in written
    assert TASK not in repr(seasoned.store.advice_of_session("default", "new"))


def test_off_is_at_once_for_everybody_and_on_takes_it_back(home: Path, seasoned: Seasoned) -> None:
    seasoned.advising.set_mode("auto", "codex")
    with opened(home) as elsewhere:
        elsewhere.advising.set_kill_switch(on=True)
        assert (home / "run" / "silent").exists()
    assert seasoned.advise(failure()).advice.reason == "switched off"
    assert seasoned.advise(replace(failure(), source="codex")).advice.reason == "switched off"
    seasoned.advising.set_kill_switch(on=False)
    assert not (home / "run" / "silent").exists()
    assert seasoned.advise(failure()).text is not None
    assert {each.agent: each.mode for each in seasoned.advising.modes()} == {"*": "suggest", "codex": "auto"}


@pytest.mark.slow
def test_what_is_learned_later_is_known_without_a_restart(history: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "fresh") as seasoned:
        assert seasoned.advise(failure()).advice.reason == "nothing relevant"
        mark = seasoned.store.failures_mark("default")
        with opened(history) as other:
            executions = list(other.store.all_executions("default"))
        for execution in executions[0]:
            seasoned.record(ExecutionUpdate(trace=execution.trace, spans=execution.spans))
        seasoned.learn()
        assert seasoned.store.failures_mark("default") != mark
        assert seasoned.store.failures_mark("elsewhere") == mark
        deadline = monotonic() + 30
        text, number = None, 0
        while text is None and monotonic() < deadline:
            number += 1
            text = seasoned.advise(failure(session=f"s{number}")).text
            Event().wait(0.01)
        assert text is not None


def test_the_commands_say_what_was_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(home) as seasoned:
        seasoned.advise(failure())
        seasoned.advise(replace(failure(session="quiet"), error="nothing that anybody has seen"))
        ways = [Pattern(
            pattern_id=name_id("way"), pattern_name="Publish", namespace="default", agent_id="local",
            pattern_type="workflow", pattern_data={"placeholders": {"properties": {
                "branch": {"type": "string", "description": "used in step 1", "examples": ["main"]}}}},
        )]  # fmt: skip
        with seasoned.store.writing() as writing:
            writing.save_patterns(ways)
    run = CliRunner()

    def ask(*words: str, code: int = 0) -> str:
        done = run.invoke(application, ["--home", str(home), *words], env={"SEASONED_EMBED__PROVIDER": "none"})
        assert done.exit_code == code, (done.output, done.exception)
        return done.stdout

    listed = json.loads(ask("advice", "list", "--json"))["advice"]
    assert {row["reason"] for row in listed} == {None, "nothing relevant"}
    assert len(json.loads(ask("advice", "list", "--said", "--json"))["advice"]) == 1
    said = next(row for row in listed if row["reason"] is None)
    shown = json.loads(ask("advice", "show", said["advice_id"][:8], "--json"))
    assert shown == said
    assert "seasoned failures show" in ask("advice", "show", said["advice_id"][:8])
    assert "The current branch" not in json.dumps(listed)
    told = json.loads(ask("advice", "ask", "--error", ERROR, "--command", "git push", "--json"))
    assert "git push --set-upstream origin" in told["text"]
    assert "This very call failed" in ask("advice", "ask", "--command", "git push")
    assert ask("advice", "ask", "Bake a cake with strawberries").startswith("Nothing")
    assert len(json.loads(ask("advice", "list", "--json"))["advice"]) == 2  # asking records nothing
    ask("advice", "off")
    status = json.loads(ask("advice", "status", "--json"))
    assert (status["on"], status["silenced"]) == (False, True)
    assert "validated patterns: 0 of 0 active ones" in (auto := ask("advice", "mode", "auto"))
    assert "switched off" in auto
    assert ask("advice", "mode", "shadow", "--agent", "claude-code") == "claude_code: shadow.\n"  # as `init` names it
    assert ask("advice", "list", "--session", "none") == "No advice matches.\n"
    ask("advice", "on")
    assert "Advice is on." in ask("advice", "status")
    (project := home.parent / "project").mkdir()
    (project / "seasoned.toml").write_text("[advice]\nenabled = false\n")
    monkeypatch.chdir(project)
    assert "Advice is on." in ask("advice", "status")  # hooks hear nothing of a project's file
    plan = json.loads(ask("patterns", "replay", name_id("way")[:8], "--prompt", "x", "--value", "branch=dev", "--json"))
    assert (plan["complete"], plan["filled"]) == (True, [{"name": "branch", "value": "dev", "origin": "given"}])
    assert "branch is open" in ask("patterns", "replay", "Publish", "--prompt", "x")
