"""``seasoned evaluate failures`` and ``fixes``: the figures, on cases whose figures can be told by hand."""

import json
from pathlib import Path

import pytest
from learned_runs import Call, execution, shell

from seasoned.capture.dropped import dropped_reason
from seasoned.errors import InputError
from seasoned.evaluate.failures import run_failures
from seasoned.evaluate.fixes import fixes_report
from seasoned.evaluate.groupings import adjusted_mutual_information, homogeneity
from seasoned.model import Execution, Span


def test_homogeneity_and_adjusted_mutual_information() -> None:
    labels = ["a", "a", "b", "b"]
    assert homogeneity([1, 1, 2, 2], labels) == pytest.approx(1.0)
    assert homogeneity([1, 1, 1, 1], labels) == pytest.approx(0.0)
    assert homogeneity([1, 2, 3, 4], labels) == pytest.approx(1.0)
    assert adjusted_mutual_information([1, 1, 2, 2], labels) == pytest.approx(1.0)
    assert adjusted_mutual_information([1, 2, 3, 4], labels) == pytest.approx(0.0, abs=1e-9)
    # whichever of the four stands alone, the mutual information is the same: nothing above chance
    assert adjusted_mutual_information([1, 1, 1, 2], labels) == pytest.approx(0.0, abs=1e-9)


def test_the_packaged_pairs_reach_their_targets_and_beat_the_first_words() -> None:
    report = run_failures(None).to_json()
    for key in ("precision", "recall"):
        told = report["targets"][key]  # type: ignore[index,call-overload]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType, reportArgumentType, reportCallIssue]
        assert told["met"] is True
    first = report["baselines"]["first words"]  # type: ignore[index,call-overload]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType, reportArgumentType, reportCallIssue]
    assert float(str(report["precision"])) > first["precision"]
    assert float(str(report["recall"])) > first["recall"]
    permuted = report["parts"]["permuted input"]  # type: ignore[index,call-overload]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType, reportArgumentType, reportCallIssue]
    assert permuted["differing_signatures"] == 0


def test_labelled_errors_and_a_line_without_a_label(tmp_path: Path) -> None:
    path = tmp_path / "errors.jsonl"
    rows = [{"error": f"Error: seat {n}A is taken", "label": "seat"} for n in range(4)]
    rows += [{"error": f"Error: card {n} has expired", "label": "card"} for n in range(4)]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    report = run_failures(path).to_json()
    assert report["homogeneity"] == pytest.approx(1.0)
    assert report["ami"] == pytest.approx(1.0)
    assert report["clusters"] == 2
    path.write_text('{"error": "x"}')
    with pytest.raises(InputError, match="line 1"):
        run_failures(path)


def push(number: int, worked: str = "git push -u origin topic") -> Execution:
    looks = [shell("git log -3"), shell("git branch -a")]
    calls: list[Call] = [shell("git push", "failure", "fatal: The current branch t has no upstream branch."), *looks]
    return execution(f"p{number}", f"push part {'abcdefgh'[number]}", [*calls, shell(worked)])


def test_fixes_are_judged_by_what_other_sessions_found() -> None:
    report = fixes_report([push(number) for number in range(4)]).to_json()
    assert report["shown"] == 1
    assert report["sessions_behind"] == 4
    assert report["coverage"] == pytest.approx(1.0)
    assert report["imitation_precision"] == pytest.approx(1.0)
    assert report["baselines"]["the same call again"]["imitation_precision"] == 0  # type: ignore[index,call-overload]  # pyright: ignore[reportIndexIssue, reportArgumentType, reportCallIssue]


def test_an_agent_that_went_another_way_counts_against_the_fix() -> None:
    other = push(3, "git push --all")
    report = fixes_report([*(push(number) for number in range(3)), other]).to_json()
    assert report["imitation_precision"] == pytest.approx(0.75)


def test_without_failures_nothing_is_claimed() -> None:
    report = fixes_report([execution("calm", "look around", [shell("ls")])]).to_json()
    assert report["shown"] == 0
    assert report["imitation_precision"] is None
    assert report["coverage"] is None


def test_a_reader_that_failed_has_no_content_to_drop() -> None:
    read = {
        "span_id": "s",
        "execution_id": "e",
        "number": 0,
        "kind": "tool",
        "name": "Read",
        "files": ("/elsewhere/a.go",),
    }
    assert dropped_reason(Span(**read, outcome="success"), outside_known=True) == "outside-file"  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert dropped_reason(Span(**read, outcome="failure"), outside_known=True) is None  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    env = {**read, "files": ("/elsewhere/.env",)}
    assert dropped_reason(Span(**env, outcome="failure"), outside_known=True) == "env-file"  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
