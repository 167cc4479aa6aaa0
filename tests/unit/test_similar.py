"""Similar tasks against a real SQLite store and a real index; the embedder is real where meaning counts."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seasoned.advise import SimilarTaskFinder
from seasoned.embed import MiniLmEmbedder, UsearchIndex
from seasoned.learn import fingerprint
from seasoned.model import Trace
from seasoned.model.ids import name_id
from seasoned.store import Store, open_store
from seasoned.workers import embed_pending

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAST = (
    "Redirect to the login form when the JWT expires",
    "Fix the crash in src/checkout/cart.ts when userId is missing",
    "Fix the crash in src/checkout/summary.ts when orderId is missing",
    "Update the changelog for release 1.4.0",
    "Draw an architecture diagram",
)


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    return MiniLmEmbedder()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    with store.writing() as writing:
        writing.save_fingerprints([fingerprint(text, "n") for text in PAST])
    yield store
    store.close()


@pytest.fixture
def finder(store: Store, embedder: MiniLmEmbedder, tmp_path: Path) -> SimilarTaskFinder:
    embed_pending(store, embedder)
    return SimilarTaskFinder(store, index=UsearchIndex(tmp_path / "vectors", store), embedder=embedder)


def test_finds_what_means_the_same(finder: SimilarTaskFinder) -> None:
    answer = finder.find("n", "send people to the sign-in page once their token has run out")
    assert answer.matches[0].fingerprint.original_prompt == PAST[0]
    assert answer.matches[0].kind == "similar"
    assert answer.searched == answer.embedded == len(PAST)
    assert "1 is alike" in answer.reason


def test_the_same_task_comes_first_and_scores_one(finder: SimilarTaskFinder) -> None:
    answer = finder.find("n", "  draw AN architecture\ndiagram ")
    assert [match.kind for match in answer.matches][:1] == ["exact"]
    assert answer.matches[0].score == 1
    assert "the same task was done before" in answer.reason


def test_the_same_shape_is_relevant_whatever_its_score(store: Store) -> None:
    answer = SimilarTaskFinder(store).find("n", "Update the changelog for release 2.0.1")
    assert (answer.matches[0].kind, answer.matches[0].fingerprint.original_prompt) == ("shape", PAST[3])
    assert answer.matches[0].score < 1


def test_names_decide_between_near_copies(finder: SimilarTaskFinder) -> None:
    for word, expected in (("cart.ts", PAST[1]), ("summary.ts", PAST[2])):
        best = finder.find("n", f"{word} crashes again").matches[0]
        assert best.fingerprint.original_prompt == expected
        assert word in best.shared_keywords


def test_a_name_does_not_hide_what_says_the_same_without_it(finder: SimilarTaskFinder) -> None:
    answer = finder.find("n", "show the login form after the JWT expired: userId orderId cart.ts summary.ts")
    assert PAST[0] in [match.fingerprint.original_prompt for match in answer.matches]


def test_nothing_relevant_is_an_answer(finder: SimilarTaskFinder, store: Store) -> None:
    for asked in (finder, SimilarTaskFinder(store)):
        answer = asked.find("n", "bake a chocolate cake for twelve guests")
        assert answer.matches == ()
        assert answer.searched == len(PAST)
        assert answer.reason.startswith("None of the 5 past tasks")


def test_says_when_there_is_no_history(finder: SimilarTaskFinder) -> None:
    answer = finder.find("elsewhere", "Draw an architecture diagram")
    assert (answer.matches, answer.searched, answer.embedded) == ((), 0, 0)
    assert answer.reason == "Nothing has been recorded in this namespace yet."
    assert finder.find("n", " \n").reason == "The prompt is empty."


def test_namespaces_stay_apart(finder: SimilarTaskFinder, store: Store, embedder: MiniLmEmbedder) -> None:
    with store.writing() as writing:
        writing.save_fingerprints([fingerprint("Draw an architecture diagram", "other")])
    embed_pending(store, embedder)
    assert [match.fingerprint.namespace for match in finder.find("other", "draw an architecture diagram").matches] == [
        "other"
    ]
    assert all(match.fingerprint.namespace == "n" for match in finder.find("n", "draw a diagram").matches)


def test_without_an_embedder_it_says_what_it_rests_on(store: Store) -> None:
    answer = SimilarTaskFinder(store).find("n", "crash in cart.ts when the userId is missing")
    assert answer.matches[0].fingerprint.original_prompt == PAST[1]
    assert answer.embedded is None
    assert answer.matches[0].terms[0].value is None
    assert "without embeddings" in answer.reason


def test_what_has_no_vector_yet_is_still_found(finder: SimilarTaskFinder, store: Store) -> None:
    with store.writing() as writing:
        writing.save_fingerprints([fingerprint("Repair InvoiceTable paging", "n")])
    answer = finder.find("n", "InvoiceTable paging broken")
    assert answer.matches[0].fingerprint.original_prompt == "Repair InvoiceTable paging"
    assert "1 of them has no embedding yet" in answer.reason


def test_min_score_and_limit_hold(finder: SimilarTaskFinder) -> None:
    everything = finder.find("n", "fix the crash", min_score=0.0)
    assert len(everything.matches) == len(PAST)
    scores = [match.score for match in everything.matches]
    assert scores == sorted(scores, reverse=True)
    assert len(finder.find("n", "fix the crash", min_score=0.0, limit=2).matches) == 2
    assert finder.find("n", "fix the crash", min_score=0.999).matches == ()


def test_the_most_telling_executions_come_with_it(store: Store) -> None:
    print_ = fingerprint(PAST[4], "n")
    plain = Trace(execution_id="", namespace="n", source="sdk", prompt=PAST[4], started_at=NOON)
    runs = [
        replace(plain, execution_id=name_id("failed"), status="failure", started_at=NOON + timedelta(hours=9)),
        replace(plain, execution_id=name_id("old"), status="success", quality_score=0.9),
        replace(
            plain,
            execution_id=name_id("new"),
            status="success",
            quality_score=0.9,
            started_at=NOON + timedelta(hours=1),
        ),
        replace(
            plain,
            execution_id=name_id("poor"),
            status="success",
            quality_score=0.2,
            started_at=NOON + timedelta(hours=2),
        ),
    ]
    with store.writing() as writing:
        writing.save_traces([(run, print_.fingerprint_id) for run in runs])
        writing.refresh_derived([run.execution_id for run in runs], [print_.fingerprint_id])
    (match, *_) = SimilarTaskFinder(store).find("n", PAST[4]).matches
    assert [run.execution_id for run in match.executions] == [name_id("new"), name_id("old"), name_id("poor")]
    assert match.stats.execution_count == 4


def test_an_unknown_task_type_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="no task type 'cooking'"):
        SimilarTaskFinder(store).find("n", "x", task_type="cooking")


def test_the_published_strategy_can_be_chosen(store: Store) -> None:
    answer = SimilarTaskFinder(store, strategy="published").find("n", "fix the crash", min_score=0.0)
    weights = {term.name: round(term.weight, 2) for term in answer.matches[0].terms}
    assert weights == {"semantic": 0.0, "keyword": 0.5, "domain": 0.33, "task_type": 0.17}


def test_another_script_is_said(finder: SimilarTaskFinder) -> None:
    assert "knows en only" in finder.find("n", "修复登录错误").reason


def test_a_cold_process_imports_no_array_library() -> None:
    code = (
        "import sys; import seasoned.advise; "
        "print(sorted({'numpy', 'onnxruntime', 'usearch', 'tokenizers', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
