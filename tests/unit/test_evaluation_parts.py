"""Intervals, reports and the reading of joined histories."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.errors import InputError, UnreadableFileError
from seasoned.evaluate import Figure, Interval, Part, Report, Target
from seasoned.evaluate.histories import read_history
from seasoned.evaluate.intervals import auc, cluster_interval
from seasoned.evaluate.raw_marks import raw_marks

HISTORY = Path(__file__).parent.parent / "data" / "entireio" / "history"


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_in_order(scored: list[tuple[int, bool]]) -> None:
    good = [score for score, truth in scored if truth]
    bad = [score for score, truth in scored if not truth]
    pairs = [(one > other) + (one == other) / 2 for one in good for other in bad]
    found = auc(np.asarray([score for score, _ in scored], dtype=float), np.asarray([truth for _, truth in scored]))
    assert math.isnan(found) if not pairs else found == pytest.approx(sum(pairs) / len(pairs))


def test_families_widen_an_interval() -> None:
    values = np.repeat(np.random.default_rng(1).random(20), 10)

    def mean(drawn: np.ndarray) -> float:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
        return float(values[drawn].mean())  # pyright: ignore[reportUnknownArgumentType]

    apart = cluster_interval(list(range(200)), mean)
    together = cluster_interval([number // 10 for number in range(200)], mean)
    assert apart is not None and together is not None
    assert together.high - together.low > 2 * (apart.high - apart.low)
    assert together.low < values.mean() < together.high
    assert cluster_interval([number // 10 for number in range(200)], mean) == together
    assert cluster_interval(["one"] * 200, mean) is None
    assert cluster_interval(list(range(9)), lambda _: float("nan")) is None


def test_a_share_that_never_failed_is_not_certain() -> None:
    families = [number // 4 for number in range(36)]
    bare = cluster_interval(families, lambda _: 1.0)
    sure = cluster_interval(families, lambda _: 1.0, share=True)
    none = cluster_interval(families, lambda _: 0.0, share=True)
    assert bare == Interval(low=1.0, high=1.0)
    assert sure is not None and sure.high == 1.0
    assert sure.low == pytest.approx(0.025 ** (1 / 9))  # the exact limit for 9 of 9
    assert none is not None and none.high == pytest.approx(1 - sure.low)
    values = np.arange(36) % 2
    mixed = cluster_interval(families, lambda drawn: float(values[drawn].mean()), share=True)
    assert mixed == cluster_interval(families, lambda drawn: float(values[drawn].mean()))


def test_a_target_needs_its_lower_bound_too() -> None:
    target = Target(least=1.2, low_above=1.0)
    assert target.met(1.3, Interval(low=1.05, high=1.5))
    assert not target.met(1.3, Interval(low=0.98, high=1.5))
    assert not target.met(1.3, None)
    assert not target.met(1.1, Interval(low=1.05, high=1.2))
    assert not target.met(None, None)


def test_a_report_has_the_agreed_keys_and_a_table() -> None:
    figure = Figure(
        key="mrr",
        n=7,
        value=0.5,
        interval=Interval(low=0.4, high=0.6),
        baselines=(("bm25", 0.25), ("none", float("nan"))),
        target=Target(least=0.6),
    )
    report = Report(name="retrieval", parts=(Part(name="all", n=7, figures=(figure,)), Part(name="b", n=0, figures=())))
    told = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert told["mrr"] == 0.5
    assert told["n"] == 7
    assert told["baselines"] == {"bm25": {"mrr": 0.25}, "none": {"mrr": None}}
    assert told["intervals"] == {"mrr": [0.4, 0.6]}
    assert told["targets"]["mrr"]["met"] is False
    assert set(told["parts"]) == {"b"}
    row = report.to_text().splitlines()[4].split()
    assert row[:6] == ["mrr", "7", "0.500", "0.400", "to", "0.600"]
    assert "not defined" in report.to_text()


def test_a_real_history_is_joined_and_grouped() -> None:
    history = read_history(HISTORY)
    asked = [task for task in history.tasks if task.asked]
    rows = [json.loads(line) for line in (HISTORY / "checkpoints.jsonl").read_text().splitlines()]
    assert len(asked) == sum(bool(row.get("_prompt_head")) for row in rows)
    assert len(history.changes) == 90
    assert [task.done_at for task in history.tasks] == sorted(task.done_at for task in history.tasks)
    by_session: dict[str, set[str]] = {}
    for task in asked:
        by_session.setdefault(task.session, set()).add(task.family)
    assert {len(families) for families in by_session.values()} == {1}
    assert len({task.family for task in asked}) > 5


def test_prompts_carried_over_join_their_sessions(tmp_path: Path) -> None:
    prompt = "please make the importer read the newer records too"
    rows = [
        {"checkpoint_id": "c1", "session_id": "s1", "_prompt_head": prompt},
        {"checkpoint_id": "c2", "session_id": "s2", "_prompt_head": prompt},
        {"checkpoint_id": "c3", "session_id": "s3", "_prompt_head": "continue"},
        {"checkpoint_id": "c4", "session_id": "s4", "_prompt_head": "continue"},
    ]
    (tmp_path / "checkpoints.jsonl").write_text("\n".join(map(json.dumps, rows)))
    commits = [
        {"sha": f"a{n}", "author_date": f"2026-01-0{n}T00:00:00+01:00", "checkpoint_ids": [f"c{n}"], "files": [["f", 1, 0]]}
        for n in (1, 2, 3, 4)
    ]  # fmt: skip
    (tmp_path / "commits.jsonl").write_text("\n".join(map(json.dumps, commits)))
    one, two, three, four = (task.family for task in read_history(tmp_path).tasks)
    assert one == two
    assert len({one, three, four}) == 3


@pytest.mark.parametrize("line", ["{", "[]", '{"sha": 3}', "\xff"])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "checkpoints.jsonl").write_text("")
    (tmp_path / "commits.jsonl").write_bytes(b"\n" + line.encode("latin-1"))
    with pytest.raises(InputError, match=r"commits\.jsonl, line 2"):
        read_history(tmp_path)
    with pytest.raises(UnreadableFileError, match=r"checkpoints\.jsonl"):
        read_history(tmp_path / "nowhere")


def test_marks_are_found_in_raw_lines_whatever_else_is_there(tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    call = {
        "type": "tool_use",
        "id": "t1",
        "name": "Bash",
        "input": {"command": "cd x && go test ./... 2>&1 | tail -5"},
    }
    result = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [{"type": "text", "text": "--- FAIL: TestX\nFAIL"}],
    }
    orphan = {"type": "tool_result", "tool_use_id": "t9", "is_error": True, "content": "Cancelled: parallel tool call"}
    lines: list[object] = [
        {"type": "assistant", "message": {"content": [call]}},
        {"type": "user", "message": {"content": [result, orphan]}},
        {"type": "user", "message": {"content": "[Request interrupted by user]"}, "timestamp": "2026-01-01T00:00:00Z"},
        ["no object"],
        {"message": None, "timestamp": 3},
    ]
    file.write_bytes(b"\xff\n{torn\n" + "\n".join(json.dumps(line) for line in lines).encode())
    assert [(mark.kind, mark.line) for mark in raw_marks(file)] == [
        ("piped_check", 4),
        ("piped_failure", 4),
        ("interruption", 5),
    ]


def test_a_figure_that_could_not_be_computed_meets_no_target() -> None:
    for target in (Target(least=0.5), Target(most=0.5)):
        assert not target.met(math.nan, None)
        assert not target.met(None, None)
