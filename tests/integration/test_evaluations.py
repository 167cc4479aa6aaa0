"""The evaluations on small real data, through the product's own importers and embedder."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seasoned.embed import open_embedder
from seasoned.errors import InputError, UsageError
from seasoned.evaluate import (
    Report,
    packaged_paraphrases,
    run_outcomes,
    run_own_retrieval,
    run_paraphrases,
    run_retrieval,
)
from seasoned.model import Artifact, Event, ExecutionUpdate, Trace
from seasoned.model.ids import name_id
from seasoned.store import open_store
from seasoned.store.sql import SqlStore
from seasoned.workers import Writer
from seasoned.workers.reading import event_of

pytestmark = pytest.mark.slow

DATA = Path(__file__).parent.parent / "data"
TRIALS = DATA / "tau-bench" / "four_trials.json"


def figures(report: Report, part: int = 0) -> dict[str, float | None]:
    return {figure.key: figure.value for figure in report.parts[part].figures}


def test_retrieval_beats_an_empty_and_a_shuffled_question() -> None:
    report = run_retrieval([DATA / "entireio" / "history"], open_embedder())
    told = report.to_json()
    assert {"list10_recall", "file_recall_at_5", "mrr", "n", "baselines", "intervals"} <= told.keys()
    first = report.parts[0].figures[0]
    baselines = dict(first.baselines)
    shuffled = figures(report, -1)["list10_recall"]
    assert baselines["empty"] == 0.0
    assert first.value is not None and shuffled is not None and baselines["ceiling"] is not None
    assert shuffled < first.value <= baselines["ceiling"]
    assert first.interval is not None and first.interval.low <= first.value <= first.interval.high


@pytest.mark.parametrize(
    ("prompt", "recall"), [("store the secret", 0.5), ("store the secret " + "of the vault " * 3, 0.25)]
)
def test_neither_the_future_nor_the_own_session_answers(tmp_path: Path, prompt: str, recall: float) -> None:
    asked = [(f"s{day}", day, f"tidy module number {day}", "common.py") for day in range(1, 7)]
    asked += [(name, day, prompt, "vault.py") for name, day in (("s", 7), ("s", 8), ("t", 9))]
    rows = [{"checkpoint_id": str(day), "session_id": name, "_prompt_head": text} for name, day, text, _ in asked]
    commits = [
        {"sha": str(day), "author_date": f"2026-01-0{day}T00:00:00Z", "checkpoint_ids": [str(day)], "files": [[file, 1, 0]]}
        for _, day, _, file in asked
    ]  # fmt: skip
    (tmp_path / "checkpoints.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "commits.jsonl").write_text("\n".join(map(json.dumps, commits)))
    report = run_retrieval([tmp_path], open_embedder())
    # Asked with at least five tasks before them: days 6 to 9. Day 6 knows its file. Days 7 and 8 are one session and
    # only day 9, which is later, could tell them theirs. Day 9 may learn from them, unless a prompt that long and equal
    # says that it is the same work carried over.
    assert report.parts[0].n == 4
    assert figures(report)["list10_recall"] == recall


def own_history(store: SqlStore, sessions: int, *, repo: str = "shop") -> None:
    """``sessions`` sessions a day apart, each with a prompt of its own that changes a file the third one before had."""
    events: list[Event] = []
    for number in range(sessions):
        topic = ("vault", "ledger", "menu")[number % 3]
        execution_id = name_id("own", repo, str(number))
        started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
        trace = Trace(
            execution_id=execution_id,
            namespace="default",
            revision=1,
            session_id=f"{repo} {number}",
            source="claude_code",
            prompt=f"change the {topic} so that case {number} works",
            repo=repo,
            started_at=started,
            completed_at=started + timedelta(hours=1),
            status="unknown",
        )
        artifact = Artifact(
            artifact_id=name_id("file", execution_id),
            execution_id=execution_id,
            file_path=f"{topic}.py",
            artifact_type="source_code",
            lines_added=3,
        )
        events.append(event_of(ExecutionUpdate(trace=trace, artifacts=(artifact,)), now=started))
    Writer(store).ingest(events)


def test_the_own_history_is_measured_where_it_is_large_enough(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 's.db'}")
    try:
        own_history(store, 7)
        with pytest.raises(UsageError, match=r"too small.*7 prompts that changed files, 2 of them"):
            run_own_retrieval(store, "default", open_embedder())
        own_history(store, 40)
        own_history(store, 3, repo="elsewhere")
        report = run_own_retrieval(store, "default", open_embedder())
        with pytest.raises(UsageError, match="0 prompts"):
            run_own_retrieval(store, "nobody", open_embedder())
    finally:
        store.close()
    assert report.parts[0].n == 35  # five have too little before them, and those elsewhere know nothing of these
    assert [part.name for part in report.parts] == ["all", "prompts shuffled among the questions"]
    assert figures(report)["file_recall_at_5"] == 1.0
    assert figures(report)["mrr"] == 1.0
    shuffled = figures(report, -1)["mrr"]
    assert shuffled is not None and shuffled < 0.9


def test_outcomes_hide_the_reward_from_the_inference() -> None:
    report = run_outcomes([TRIALS])
    rewards = [record["reward"] for record in json.loads(TRIALS.read_text())]
    found = figures(report)
    assert report.parts[0].n == len(rewards) == 24
    assert found["unknown_share"] == 1.0  # a conversation without its reward says nothing about itself
    constant = {f.key: dict(f.baselines).get("constant") for f in report.parts[0].figures}
    assert constant["consensus_precision"] == pytest.approx(sum(rewards) / 24)
    assert found["consensus_auc"] is not None and found["consensus_auc"] > 0.7
    assert found["consensus_precision"] is not None and found["consensus_precision"] > 1.5 * sum(rewards) / 24
    shuffled = figures(report, -1)["consensus_auc"]
    assert shuffled is not None and shuffled < 0.7


def test_labels_stand_in_where_the_data_state_nothing(tmp_path: Path) -> None:
    names = ["claude_code_2_1_12_shell.jsonl", "claude_code_2_1_121_interrupts.jsonl"]
    labels = tmp_path / "labels.jsonl"
    labels.write_text("\n".join(json.dumps({"transcript": name, "success": n == 0}) for n, name in enumerate(names)))
    report = run_outcomes([DATA / "entireio" / name for name in names], labels)
    assert report.parts[0].n == 2
    assert figures(report)["interrupted_recall"] == 1.0
    assert "consensus_auc" not in figures(report)
    labels.write_text(json.dumps({"transcript": "elsewhere.jsonl", "success": True}))
    with pytest.raises(InputError, match="none of its transcripts"):
        run_outcomes([DATA / "entireio" / names[0]], labels)
    labels.write_text('{"transcript": "x", "success": "yes"}')
    with pytest.raises(InputError, match="line 1"):
        run_outcomes([DATA / "entireio" / names[0]], labels)


def test_every_stop_in_real_sessions_is_recognised() -> None:
    report = run_outcomes([DATA / "entireio", DATA / "claude-code-viewer"])
    stops = {figure.key: figure for figure in report.parts[0].figures}["interrupted_recall"]
    assert stops.n >= 5
    assert stops.value == 1.0


def test_paraphrases_of_a_group_find_each_other(tmp_path: Path) -> None:
    rows = [
        ("auth", "Limit the attempts to log in"),
        ("auth", "Stop people from guessing passwords by trying again and again"),
        ("csv", "Export the table as comma separated values"),
        ("csv", "Let me download this list for a spreadsheet"),
        ("alone", "Rename the settings page"),
    ]
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(json.dumps({"group": group, "prompt": prompt}) for group, prompt in rows))
    report = run_paraphrases([file], open_embedder())
    assert report.parts[0].n == 4
    assert figures(report)["top1"] == 1.0
    baselines = {"published", "embedding", "BM25", "shared words", "constant"}
    assert set(dict(report.parts[0].figures[1].baselines)) == baselines
    told = figures(report)
    assert told["overlap"] is not None and 0 <= told["overlap"] < 0.2
    file.write_text('{"group": "a", "prompt": "b"}\n{"query": "a", "target": "b"}')
    with pytest.raises(InputError, match="line 2"):
        run_paraphrases([file], open_embedder())


def test_what_is_asked_does_not_make_its_own_words_common(tmp_path: Path) -> None:
    # "zebra" stands in one other prompt only: without the question itself it is the rarest word there is.
    prompts = [("a", "zebra migration"), ("a", "zebra"), *((f"b{n}", f"migration number {n}") for n in range(6))]
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(json.dumps({"group": group, "prompt": prompt}) for group, prompt in prompts))
    report = run_paraphrases([file], open_embedder())
    assert dict(report.parts[0].figures[1].baselines)["BM25"] == 1.0


def test_the_packaged_sets_are_large_and_hold_no_half_that_was_chosen_on_to_a_target() -> None:
    sets = {path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in packaged_paraphrases()}
    assert list(sets) == ["paraphrases_low_overlap", "paraphrases_no_overlap", "identifiers"]
    assert len(sets["paraphrases_low_overlap"]) >= 100
    assert sum(row.get("half") == "blind" for row in sets["identifiers"]) >= 80
    for rows in sets.values():
        halves: dict[str, set[str | None]] = {}
        for row in rows:
            halves.setdefault(row["family"], set()).add(row.get("half"))
        assert {len(each) for each in halves.values()} == {1}  # no family on both sides
        assert len({row["query"] for row in rows}) == len(rows)
        assert all(row["target"] not in (row["query"], *row["distractors"]) for row in rows)


def test_a_half_that_was_chosen_on_is_held_against_no_target(tmp_path: Path) -> None:
    rows = [
        {"family": half, "half": half, "query": f"Stop the {word} from failing", "target": f"Repair the {word}"}
        for half, words in (("tune", ("printer", "scanner")), ("test", ("kettle", "toaster")))
        for word in words
    ]
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    held = {
        part.name: any(figure.target is not None for figure in part.figures)
        for part in run_paraphrases([file], open_embedder()).parts
    }
    assert held == {
        "mine, targets only": False,
        "mine, targets only, test half": True,
        "mine, targets only, tune half": False,
        "mine, targets only, prompts shuffled": False,
    }


def test_nothing_to_measure_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name a folder"):
        run_retrieval([], open_embedder())
    with pytest.raises(UsageError, match="No transcript"):
        run_outcomes([tmp_path])
    with pytest.raises(UsageError, match="known outcome"):
        run_outcomes([DATA / "agent-runs" / "claude_code_2_1_220_basic.jsonl"])
