"""The doctor's table for real data: each stage broken as it would break, and no alarm where all is well.

Time passes by giving the table a later ``now``; what lies about is real payloads, rows and files of a real data folder.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stage_faults import (
    DAY,
    FAULTS,
    HOUR,
    NOTHING,
    change,
    give,
    log,
    opened,
    payloads,
    segment,
)

from seasoned.agents import Standing, client
from seasoned.app import Seasoned
from seasoned.doors.cli.checkup import checkup
from seasoned.doors.cli.incoming import came_in, waits
from seasoned.doors.cli.outside import hooks_row
from seasoned.doors.cli.stages import StageRow, stage_rows
from seasoned.store.stages import stage_counts

TOLD = (1, 2, 3)


def table(
    seasoned: Seasoned, *, later: timedelta = timedelta(0), standing: tuple[Standing, ...] = ()
) -> dict[str, StageRow]:
    """The rows by name, as they would be ``later``."""
    now = datetime.now(UTC) + later
    since = now - max(DAY, later + HOUR)  # what was made for the test stays in sight
    counts = stage_counts(seasoned.store, seasoned.namespace, since, seasoned.embedding_model)
    rows = [
        hooks_row(standing, seasoned.data_dir),
        came_in(seasoned, counts.events, since=since, now=now, standing=standing),
        *stage_rows(seasoned, counts, since=since, now=now, waiting=waits(seasoned.data_dir)),
    ]
    return {row.name: row for row in rows}


def unwell(rows: dict[str, StageRow]) -> set[str]:
    return {row.name for row in rows.values() if not row.healthy}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that three sessions were told to, and learned from."""
    data = tmp_path_factory.mktemp("learned") / "data"
    data.mkdir(mode=0o700)
    for number in TOLD:
        payloads(data, number)
    with opened(data) as seasoned:
        assert seasoned.learn().fixes_shown == 1
    return data


@pytest.fixture
def home(learned: Path, tmp_path: Path) -> Iterator[Seasoned]:
    """A copy of it, open."""
    seasoned = opened(Path(shutil.copytree(learned, tmp_path / "data")))
    yield seasoned
    seasoned.close()


# -- no alarm --------------------------------------------------------------------------------------------------------
def test_nothing_yet(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as seasoned:
        assert unwell(table(seasoned)) == set()
        assert unwell(table(seasoned, later=30 * DAY)) == set()


def test_taken_in_a_moment_ago(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    for number in TOLD[:2]:
        payloads(tmp_path / "data", number)
    with opened(tmp_path / "data") as seasoned:
        rows = table(seasoned)
        assert unwell(rows) == set()
        assert "2 executions" in rows["recorded"].detail


def test_learned(home: Seasoned) -> None:
    give(home, "s")
    assert unwell(table(home)) == set()


def test_a_session_under_way(home: Seasoned) -> None:
    """One that is at its task for hours keeps its payloads, the first of them old."""
    give(home, "s")
    payloads(home.data_dir, 4, parts=slice(0, 4), ago=3 * HOUR)
    payloads(home.data_dir, 4, parts=slice(4, 5), ago=timedelta(minutes=1))
    assert unwell(table(home)) == set()


@pytest.mark.parametrize(
    "facts",
    [
        {"arm": "held_out", "reason": "held out", "tokens_added": 0},
        {"arm": None, "reason": "shadow mode", "tokens_added": 0},
        {"arm": None, "reason": "switched off", "items": ()},
        NOTHING,
        {"arm": None, "reason": "told before", "items": ()},
        {"reason": "too late", "tokens_added": 0},
    ],
    ids=lambda facts: str(facts["reason"]),
)
def test_what_was_not_said_with_a_reason(home: Seasoned, facts: dict[str, object]) -> None:
    for number in range(4):
        give(home, f"s{number}", **facts)
    assert unwell(table(home)) == set()


def test_advice_is_switched_off(home: Seasoned) -> None:
    for number in range(30):
        give(home, f"s{number}", arm=None, reason="switched off", items=(), subject="x")
    assert unwell(table(home)) == set()


def test_the_kill_switch(home: Seasoned) -> None:
    home.advising.set_kill_switch(on=True)
    rows = table(home)
    assert unwell(rows) == set()
    assert "kill switch" in rows["asked"].detail
    home.advising.set_kill_switch(on=False)
    assert unwell(table(home)) == set(), "until a moment ago nobody was to ask"


def test_without_a_service(learned: Path, tmp_path: Path) -> None:
    """What waits is taken in by any command; a day without one is too long."""
    data = Path(shutil.copytree(learned, tmp_path / "data"))
    payloads(data, 4, ago=2 * HOUR)
    with closing(opened(data, service__use="off")) as seasoned:
        assert unwell(table(seasoned)) == set()
        assert unwell(table(seasoned, later=DAY)) == {"came in"}


def test_other_namespaces_count_for_themselves(learned: Path, tmp_path: Path) -> None:
    with opened(Path(shutil.copytree(learned, tmp_path / "data")), namespace="other") as seasoned:
        rows = table(seasoned)
        assert unwell(rows) == set()
        assert rows["asked"].came.startswith("0 ")


# -- each stage broken -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_stage_is_named_with_what_to_do(home: Seasoned, name: str) -> None:
    fault = FAULTS[name]
    if fault.row != "asked":
        give(home, "s", **NOTHING)  # somebody asks
        assert unwell(table(home, later=fault.later)) == set(), "all was well before"
    fault.breaks(home)
    rows = table(home, later=fault.later)
    assert unwell(rows) == {fault.row}
    assert fault.says in rows[fault.row].detail


def test_lines_that_were_set_aside(home: Seasoned) -> None:
    segment(home)
    home.drain_spool()
    found = {each.name: each for each in checkup(home, repair=False)}
    assert not found["set aside"].healthy
    assert "seasoned dead-letters redrive" in found["set aside"].detail


def test_full_text_that_is_missing_is_found_and_made_anew(home: Seasoned) -> None:
    change(home, "INSERT INTO fingerprint_search (fingerprint_search) VALUES ('delete-all')")
    found = {each.name: each for each in checkup(home, repair=False)}
    assert not found["full text"].healthy
    assert "--repair" in found["full text"].detail
    assert all(each.healthy for each in checkup(home, repair=True))


def test_on_postgresql(home: Seasoned, tmp_path: Path, postgres_url: str) -> None:
    """The counts are asked of both engines in the same words."""
    (tmp_path / "other").mkdir(mode=0o700)
    for number in TOLD:
        payloads(tmp_path / "other", number)
    with opened(tmp_path / "other", store__url=postgres_url) as seasoned:
        give(seasoned, "s", **NOTHING)
        assert unwell(table(seasoned)) == set()
        assert unwell(table(seasoned, later=2 * HOUR)) == {"embedded", "learned"}
        seasoned.learn()
        rows = table(seasoned, later=2 * HOUR)
    give(home, "s", **NOTHING)
    here = table(home, later=2 * HOUR)
    assert {name: (row.healthy, row.came) for name, row in rows.items()} == {
        name: (row.healthy, row.came) for name, row in here.items()
    }


# -- hooks and transcripts -------------------------------------------------------------------------------------------
@pytest.fixture
def standing(home: Seasoned, tmp_path: Path) -> Standing:
    """Hooks of Claude Code, in place since an hour."""
    agent = client("claude-code")
    assert agent is not None
    scripts = home.data_dir / "hooks"
    scripts.mkdir()
    for name in ("hook.sh", "ask.py"):
        (scripts / name).write_text("")
    return Standing(
        client=agent,
        path=tmp_path / ".claude" / "settings.json",
        level="user",
        written_at=time.time() - 3600,
        events=("Stop",),
        missing=(),
        data_dirs=(home.data_dir,),
        idle=(),
    )


def transcript(standing: Standing, begun: timedelta, wrote: timedelta) -> None:
    """One of Claude Code's, ``begun`` and last written so long ago."""
    path = standing.path.parent / "projects" / "-work" / "s.jsonl"
    path.parent.mkdir(parents=True)
    at = (datetime.now(UTC) - begun).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    path.write_text(json.dumps({"type": "user", "timestamp": at}) + "\n")
    then = time.time() - wrote.total_seconds()
    os.utime(path, (then, then))


@pytest.fixture
def silent(home: Seasoned) -> Seasoned:
    """Its hooks said nothing for two days."""
    change(
        home, f"UPDATE import_state SET modified_ns = {time.time_ns() - 2 * 86_400 * 10**9} WHERE importer = 'hooks'"
    )
    give(home, "s", **NOTHING)
    return home


MINUTE = timedelta(minutes=1)


def test_an_agent_works_and_its_hooks_say_nothing(silent: Seasoned, standing: Standing) -> None:
    transcript(standing, 30 * MINUTE, MINUTE)
    rows = table(silent, standing=(standing,))
    assert unwell(rows) == {"came in"}
    assert "start its session anew" in rows["came in"].detail


@pytest.mark.parametrize(
    ("begun", "wrote", "changed"),
    [
        (5 * HOUR, MINUTE, {}),
        (30 * MINUTE, MINUTE, {"level": "/some/project"}),
        (30 * MINUTE, MINUTE, {"written_at": None}),
        (60 * HOUR, 50 * HOUR, {"written_at": 0.0}),
    ],
    ids=["open before init", "hooks of one project", "a plugin's", "long ago"],
)
def test_silence_that_is_none(
    silent: Seasoned, standing: Standing, begun: timedelta, wrote: timedelta, changed: dict[str, object]
) -> None:
    transcript(standing, begun, wrote)
    given = replace(standing, **changed)  # pyright: ignore[reportArgumentType]
    assert unwell(table(silent, standing=(given,))) == set()


def test_hooks_that_the_user_switched_off_are_named_and_nothing_else(silent: Seasoned, standing: Standing) -> None:
    transcript(standing, 30 * MINUTE, MINUTE)
    given = replace(standing, idle=("they are idle",))
    assert unwell(table(silent, standing=(given,))) == {"hooks"}


def test_one_late_answer_is_no_alarm(silent: Seasoned) -> None:
    log("ask claude_code: no answer: TimeoutError: timed out")(silent)
    assert unwell(table(silent)) == set()


def test_hooks_that_are_in_place(home: Seasoned, standing: Standing) -> None:
    row = hooks_row((standing,), home.data_dir)
    assert row.healthy
    assert "Claude Code" in row.detail


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"events": ()}, "are gone"),
        ({"missing": ("SessionEnd",)}, "no hook for SessionEnd"),
        ({"data_dirs": (Path("/gone/data"),)}, "/gone/data, which is gone"),
    ],
    ids=["taken out by hand", "one is missing", "their data folder is gone"],
)
def test_hooks_that_are_not(home: Seasoned, standing: Standing, changed: dict[str, object], says: str) -> None:
    given = replace(standing, **changed)  # pyright: ignore[reportArgumentType]
    row = hooks_row((given,), home.data_dir)
    assert not row.healthy
    assert says in row.detail
    assert "seasoned init --agent claude-code" in row.detail


def test_hooks_whose_script_is_missing(home: Seasoned, standing: Standing) -> None:
    (home.data_dir / "hooks" / "ask.py").unlink()
    row = hooks_row((standing,), home.data_dir)
    assert not row.healthy
    assert "ask.py" in row.detail
