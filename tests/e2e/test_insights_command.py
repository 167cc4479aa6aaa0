"""``seasoned insights`` and ``seasoned evaluate durations`` as a user runs them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import run

from seasoned.sample import sample_folder


def trials() -> str:
    """Eight trials, one after the other, whose tests take two thirds as long as the agent."""
    lines: list[str] = []
    for number in range(8):
        begun = datetime(2026, 3, 1, number, tzinfo=UTC)
        times = {"trial": (0, 500), "agent": (0, 300 + number), "test": (300 + number, 500)}
        row: dict[str, object] = {
            "trial_name": f"trial {number}",
            "task_id": "maze",
            "instruction": "Find the way out of the maze",
            "is_resolved": number % 2 == 0,
            "agent": "walker",
            "id": f"run {number}",
        }
        for what, (first, last) in times.items():
            row[f"{what}_started_at"] = (begun + timedelta(seconds=first)).isoformat()
            row[f"{what}_ended_at"] = (begun + timedelta(seconds=last)).isoformat()
        lines.append(json.dumps(row) + "\n")
    return "".join(lines)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has imported the sample and eight trials."""
    home = tmp_path_factory.mktemp("home")
    (home / "trials.jsonl").write_text(trials())
    done = run(home, "import", sample_folder(), home / "trials.jsonl", "--no-embed", "--jobs", "0")
    assert done.returncode == 0, done.stderr
    return home


def test_insights_name_the_executions_behind_them(home: Path) -> None:
    done = run(home, "insights", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["executions"] > 20
    assert 0 < found["confidence"] < 1
    assert found["estimates"][0]["phase"] is None
    slow = {insight["subject"]: insight for insight in found["insights"] if insight["kind"] == "slow_phase"}
    assert {"agent", "test"} <= set(slow)
    assert slow["agent"]["n"] == len(slow["agent"]["execution_ids"]) == 8
    assert slow["agent"]["low"] <= 303_500 <= slow["agent"]["high"]
    shown = run(home, "traces", "show", slow["agent"]["execution_ids"][0][:8])
    assert shown.returncode == 0, shown.stderr
    assert "maze" in shown.stdout
    text = run(home, "insights")
    assert slow["agent"]["sentence"] in text.stdout
    assert "What to expect" in text.stdout


def test_a_domain_without_executions_says_so(home: Path) -> None:
    done = run(home, "insights", "--domain", "no such domain")
    assert done.returncode == 0, done.stderr
    assert "no execution" in done.stdout


def test_a_history_too_short_to_tell_is_measured_without_claims(home: Path) -> None:
    done = run(home, "evaluate", "durations", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ratio_after_20"] is None
    assert found["targets"]["ratio_after_20"]["met"] is False
    assert found["n"] > 10
