"""What an answer about similar tasks brings along: patterns and templates of the matched tasks, on both stores."""

from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seasoned.advise import SimilarTaskFinder, recommended
from seasoned.knowledge import KnowledgeAnswer, KnowledgeResult
from seasoned.learn.keywords import keywords
from seasoned.model import ExecutionUpdate, Identity, Match, Trace
from seasoned.model.ids import name_id
from seasoned.store import open_store
from seasoned.store.sql import SqlStore
from seasoned.testing.knowledge_records import pattern, template
from seasoned.workers import Writer
from seasoned.workers.reading import event_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROMPT = "Fix the flaky login test"

ME = Identity(namespace="n", agent_id="local", role="admin", local=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[SqlStore, None, None]:
    url = f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def matches(store: SqlStore) -> tuple[Match, ...]:
    for name, prompt in (("a", PROMPT), ("b", "Write the release notes")):
        trace = Trace(
            execution_id=name_id("run", name), namespace="n", revision=1, prompt=prompt, status="success",
            started_at=NOON, completed_at=NOON, source="sdk",
        )  # fmt: skip
        Writer(store).ingest([event_of(ExecutionUpdate(trace=trace), now=NOON)])
    found = SimilarTaskFinder(store, index=None, embedder=None).find("n", PROMPT, min_score=0.7)
    assert len(found.matches) == 1
    return found.matches


def test_active_ones_come_first_then_the_most_applicable_at_most_three(
    store: SqlStore, matches: tuple[Match, ...]
) -> None:
    task = matches[0].fingerprint.fingerprint_id
    patterns = [
        pattern("weak", fingerprint_id=task, confidence_score=0.1, success_rate=0.5),
        pattern("sure", fingerprint_id=task, confidence_score=0.9, success_rate=0.9),
        pattern("middle", fingerprint_id=task, confidence_score=0.5, success_rate=0.9),
        pattern("used", fingerprint_id=task, confidence_score=0.1, success_rate=0.5, status="active"),
    ]
    with store.writing() as writing:
        writing.save_patterns(patterns)
        writing.save_templates(
            [
                template("of weak", derived_from_pattern_id=patterns[0].pattern_id),
                template("of sure", derived_from_pattern_id=patterns[1].pattern_id),
                template("of used", derived_from_pattern_id=patterns[3].pattern_id),
                template("old", derived_from_pattern_id=patterns[3].pattern_id, deprecated_at=NOON),
            ]
        )
    found = recommended(store, ME, matches)
    assert [each.pattern.pattern_name for each in found.patterns] == ["used", "sure", "middle"]
    assert [each.template_name for each in found.templates] == ["of used", "of sure"]
    assert found.candidates == 3
    score = matches[0].score
    assert found.patterns[1].applicability == round((0.35 * score + 0.20 * 0.9 + 0.30 * 0.9) / 0.85, 4)


def test_what_may_not_be_shown_is_not(store: SqlStore, matches: tuple[Match, ...]) -> None:
    task = matches[0].fingerprint.fingerprint_id
    (other,) = {owner for _, owner, _ in store.execution_tasks("n")} - {task}
    good = pattern("good", fingerprint_id=task)
    with store.writing() as writing:
        writing.save_patterns(
            [
                good,
                pattern("poisoned", fingerprint_id=task, review_flags=("instructions_in_text",), status="active"),
                pattern("rejected", fingerprint_id=task, status="rejected"),
                pattern("deprecated", fingerprint_id=task, status="deprecated"),
                pattern("superseded", fingerprint_id=task, successor_id=good.pattern_id),
                pattern("twin", fingerprint_id=task, duplicate_of=good.pattern_id),
                pattern("another task", fingerprint_id=other),
                pattern("another tenant", fingerprint_id=task, namespace="m"),
            ]
        )
    assert [each.pattern.pattern_name for each in recommended(store, ME, matches).patterns] == ["good"]


def test_nothing_alike_brings_nothing(store: SqlStore) -> None:
    found = recommended(store, ME, ())
    assert (found.patterns, found.templates, found.candidates) == ((), (), 0)


def test_what_a_knowledge_base_speaks_of_moves_up(store: SqlStore, matches: tuple[Match, ...]) -> None:
    task = matches[0].fingerprint.fingerprint_id
    patterns = [
        pattern("Restart it", fingerprint_id=task, confidence_score=0.5, success_rate=0.9, recommended_steps=()),
        pattern(
            "Clear cookies first", fingerprint_id=task, confidence_score=0.4, success_rate=0.9, recommended_steps=()
        ),
    ]
    with store.writing() as writing:
        writing.save_patterns(patterns)

    def order(*texts: str, flags: tuple[str, ...] = ()) -> list[tuple[str, float | None]]:
        passages = tuple(KnowledgeResult(text=text, flags=flags) for text in texts)
        answer = KnowledgeAnswer(source="s", asked="q", available=True, results=passages, said="Found.", took_ms=1)
        found = recommended(store, ME, matches, knowledge=answer).patterns
        return [(each.pattern.pattern_name, each.outside) for each in found]

    intent = frozenset(keywords(f"Clear cookies first {patterns[1].intent or ''}"))
    assert order("Cookies: clear them.", "Wait.")[0] == ("Clear cookies first", 2 / len(intent))
    unchanged = [("Restart it", None), ("Clear cookies first", None)]
    assert order() == unchanged
    assert order("Clear the cookies.", flags=("instructions_in_text",)) == unchanged
