"""Scores: their bounds, what each term does, and the two strategies on the texts that they were measured on."""

import json
from collections import Counter
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.learn import MEASURED, PUBLISHED, Scorer, Strategy, Weights, fingerprint, named_strategy, similarity
from seasoned.model import Fingerprint

WORDS = st.lists(
    st.sampled_from("fix the login crash in cart.ts GH006 parse_row add tests Invoice 日本".split()), max_size=8
).map(" ".join)
STRATEGIES = pytest.mark.parametrize("strategy", [MEASURED, PUBLISHED], ids=lambda strategy: strategy.name)


def _frequencies(*past: Fingerprint) -> tuple[Counter[str], int]:
    return Counter(token for task in past for token in task.prompt_tokens), len(past)


def _score(asked: str, other: str, cosine: float | None, strategy: Strategy = MEASURED) -> float:
    task = fingerprint(other, "n")
    frequencies, documents = _frequencies(task, fingerprint("something else entirely", "n"))
    return similarity(
        fingerprint(asked, "n"),
        task,
        cosine=cosine,
        document_frequencies=frequencies,
        documents=documents,
        strategy=strategy,
    )


@STRATEGIES
@given(asked=WORDS, other=WORDS, cosine=st.none() | st.floats(-1, 1))
def test_a_score_is_the_sum_of_its_terms(strategy: Strategy, asked: str, other: str, cosine: float | None) -> None:
    task = fingerprint(other, "n")
    frequencies, documents = _frequencies(task)
    scorer = Scorer(fingerprint(asked, "n"), document_frequencies=frequencies, documents=documents, strategy=strategy)
    score, terms = scorer.score(task, cosine), scorer.terms(task, cosine)
    assert 0 <= score <= 1
    assert sum(term.weight for term in terms) == pytest.approx(1)
    assert score == pytest.approx(sum(term.weight * (term.value or 0) for term in terms))
    assert [term.name for term in terms] == ["semantic", "keyword", "domain", "task_type"]
    assert scorer.scores([task], [cosine]) == [score]


@STRATEGIES
@given(asked=WORDS, other=WORDS, low=st.floats(-1, 1), high=st.floats(-1, 1))
def test_more_alike_in_meaning_never_scores_less(
    strategy: Strategy, asked: str, other: str, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    assert _score(asked, other, low, strategy) <= _score(asked, other, high, strategy)


def test_published_weighs_as_published() -> None:
    # Nothing is shared but the class: 0.40 · 0.5 + 0.20 + 0.10
    assert _score("yes", "continue", 0.5, PUBLISHED) == pytest.approx(0.5)
    assert (PUBLISHED.weights.semantic, PUBLISHED.weights.keyword) == (0.40, 0.30)


def test_a_missing_embedding_leaves_its_weight_to_the_others() -> None:
    assert _score("yes", "continue", None, PUBLISHED) == pytest.approx(0.3 / 0.6)
    assert _score("fix the login", "fix the login", None) == pytest.approx(1)


def test_plain_language_is_left_to_the_embedding() -> None:
    assert _score("stop guessing of passwords", "add login limits for passwords", 0.61) == pytest.approx(0.61)


def test_a_known_name_outweighs_a_near_meaning() -> None:
    right = fingerprint("remote: error: GH006: Protected branch update failed", "n")
    wrong = fingerprint("push refused by GH001", "n")
    frequencies, documents = _frequencies(right, wrong)
    scorer = Scorer(fingerprint("push refused by GH006", "n"), document_frequencies=frequencies, documents=documents)
    assert scorer.score(right, 0.44) > scorer.score(wrong, 0.9)


def test_a_name_nobody_used_changes_nothing() -> None:
    assert _score("look at Frobnicator", "look at this page", 0.61) == pytest.approx(0.61)


def test_rarer_keywords_come_first() -> None:
    past = [fingerprint(text, "n") for text in ("login cart.ts", "login page", "login form")]
    frequencies, documents = _frequencies(*past)
    scorer = Scorer(fingerprint("login cart.ts", "n"), document_frequencies=frequencies, documents=documents)
    shared = scorer.shared_keywords(past[0])
    assert shared[-1] == "login"
    assert set(shared) == {"cart", "cart.ts", "login", "ts"}


def test_weights_must_be_shares() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        Weights(semantic=0.5, keyword=0.6, domain=0, task_type=0)
    with pytest.raises(ValueError, match="at least 0"):
        Weights(semantic=1.5, keyword=-0.5, domain=0, task_type=0)


def test_strategies_have_names() -> None:
    assert named_strategy("published") is PUBLISHED
    assert named_strategy("measured") is MEASURED


@pytest.mark.parametrize(("name", "least"), [("identifiers", 60), ("paraphrases_no_overlap", 80)])
def test_the_texts_measured_on_are_whole(name: str, least: int) -> None:
    data = files("seasoned.evaluate") / "data" / f"{name}.jsonl"
    rows = [json.loads(line) for line in data.read_text("utf-8").splitlines()]
    assert len(rows) >= least
    assert len({row["query"] for row in rows}) == len(rows)
    halves = {half: {row["family"] for row in rows if row["half"] == half} for half in ("tune", "test")}
    assert halves["tune"]
    assert halves["test"]
    assert not halves["tune"] & halves["test"], "a family stands in both halves"
    for row in rows:
        assert row["target"] not in row["distractors"]
        assert row["query"] not in (row["target"], *row["distractors"])


def test_names_alone_find_most_of_the_identifiers() -> None:
    """Without any embedding, on the half kept aside: the keyword term does its part."""
    data = files("seasoned.evaluate") / "data" / "identifiers.jsonl"
    rows = [row for line in data.read_text("utf-8").splitlines() if (row := json.loads(line))["half"] == "test"]
    found = 0
    for row in rows:
        past = [fingerprint(text, "n") for text in (row["target"], *row["distractors"])]
        frequencies, documents = _frequencies(*past)
        scorer = Scorer(fingerprint(row["query"], "n"), document_frequencies=frequencies, documents=documents)
        scores = scorer.scores(past, [None] * len(past))
        found += scores[0] > max(scores[1:])
    assert found / len(rows) > 0.75
