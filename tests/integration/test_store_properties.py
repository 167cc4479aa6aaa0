"""Properties of the store: what goes in comes out, order and repetition do not matter, words are found exactly."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta, timezone
from math import log
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seasoned.learn import fingerprint as learned
from seasoned.model import Span
from seasoned.model.ids import name_id
from seasoned.store import open_store
from seasoned.store.dialect import prefix_bounds
from seasoned.store.doctor import examine
from seasoned.store.encoding import (
    decode_list,
    decode_time,
    list_text,
    time_text,
    vector_bytes,
    vector_text,
)
from seasoned.store.sql import SqlStore
from seasoned.testing.stores import fingerprint, span, trace

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TIMES = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001  the zone is drawn apart
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
JSON = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[SqlStore, None, None]:
    if request.param == "sqlite":
        opened = open_store(f"sqlite:///{tmp_path_factory.mktemp('properties') / 'store.db'}")
        yield opened
        opened.close()
    else:
        with request.getfixturevalue("postgres").database() as url:
            opened = open_store(url)
            yield opened
            opened.close()


@given(TIMES, TIMES)
def test_the_text_of_a_time_sorts_as_the_time_does(one: datetime, other: datetime) -> None:
    assert decode_time(time_text(one)) == one
    assert decode_time(time_text(one)).tzinfo is UTC
    assert len(time_text(one)) == 27
    assert (time_text(one) < time_text(other)) == (one < other)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_lists_come_back(values: list[str]) -> None:
    assert decode_list(list_text(values)) == tuple(values)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
def test_vectors_keep_every_bit(values: list[float]) -> None:
    data = vector_bytes(values)
    assert vector_bytes([float(text) for text in vector_text(data)[1:-1].split(",")]) == data


@given(st.uuids(), st.integers(1, 36))
def test_the_bounds_of_a_prefix_hold_its_ids_and_no_other(value: object, length: int) -> None:
    text = str(value)
    bounds = prefix_bounds(text[:length].upper())
    assert bounds is not None
    assert bounds[0] <= text <= bounds[1]
    assert all(len(bound) == 36 and bound.startswith(text[:length]) for bound in bounds)


@QUICK
@given(
    st.fixed_dictionaries(
        {
            "prompt": TEXT,
            "cwd": st.none() | TEXT,
            "tags": st.lists(TEXT, max_size=3).map(tuple),
            "started_at": st.none() | TIMES,
            "duration_ms": st.none() | st.integers(0, 2**53),
            "quality_score": st.none() | st.floats(0, 1),
            "cost_usd": st.none() | st.floats(0, 1e9),
            "user_acceptance": st.none() | st.booleans(),
            "metadata": st.none() | st.dictionaries(TEXT, JSON),
        }
    )
)
def test_traces_come_back_equal(store: SqlStore, changes: dict[str, object]) -> None:
    value = trace("property", **changes)
    with store.writing(durable=False) as writing:
        writing.save_traces([(value, None)])
        assert writing.traces([value.execution_id]) == {value.execution_id: value}


PIECES = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["Bash", "Edit"]),
            "outcome": st.sampled_from(["unknown", "success", "failure"]),
            "result_bytes": st.none() | st.integers(0, 3),
            "duration_ms": st.none() | st.integers(0, 2),
            "error_message": st.none() | st.sampled_from(["a", "b", "É", "z"]),
            "number": st.integers(0, 2),
        }
    ),
    min_size=1,
    max_size=5,
)


@QUICK
@given(PIECES, st.randoms(use_true_random=False), st.integers(0, 10**9))
def test_neither_order_nor_repetition_of_pieces_matters(
    store: SqlStore, pieces: list[dict[str, object]], random: Random, run: int
) -> None:
    def saved(suffix: str, order: list[dict[str, object]]) -> list[Span]:
        other = trace(f"order {run} {suffix}")
        with store.writing(durable=False) as writing:
            if suffix == "early":
                writing.save_traces([(other, None)])
            for piece in order:
                parent = name_id("parent", other.execution_id)
                writing.save_spans([span(other, f"{run} {suffix}", parent_span_id=parent, **piece)])
            writing.save_traces([(other, None)])
            writing.refresh_derived([other.execution_id], [])
        return store.spans(other.execution_id)

    shuffled = pieces * 2
    random.shuffle(shuffled)
    first, second = saved("early", pieces), saved("late", shuffled)
    assert [_content(item) for item in first if item.name] == [_content(item) for item in second if item.name]
    assert len(first) == len(second) == 2


def _content(item: Span) -> tuple[object, ...]:
    return item.name, item.outcome, item.result_bytes, item.duration_ms, item.error_message, item.number


SPELLINGS = st.lists(
    st.sampled_from(
        [
            "Fix useSession in hooks.ts",
            "fix usesession in hooks.ts",
            "  fix  useSession\nin hooks.ts",
            "FIX USESESSION IN HOOKS.TS",  # sorts before most and has lost two keywords
        ]
    ),
    min_size=1,
    max_size=5,
)


@QUICK
@given(SPELLINGS, st.randoms(use_true_random=False), st.integers(0, 10**9), st.booleans())
def test_the_order_of_spellings_of_a_prompt_does_not_matter(
    store: SqlStore, prompts: list[str], random: Random, run: int, together: bool
) -> None:
    def saved(namespace: str, order: list[str]) -> tuple[object, ...]:
        prints = [learned(prompt, namespace) for prompt in order]
        for batch in [prints] if together else [[each] for each in prints]:
            with store.writing(durable=False) as writing:
                writing.save_fingerprints(batch)
        one = store.fingerprints([prints[0].fingerprint_id])[prints[0].fingerprint_id].fingerprint
        words = ("session", "usesession", "fix", "hooks", "use", "ts")
        found = [bool(store.keyword_candidates(namespace, [word], 5)) for word in words]
        assert found == [word in one.prompt_tokens for word in words]
        return (
            one.original_prompt,
            one.prompt_tokens,
            one.complexity_score,
            store.document_frequencies(namespace, words),
        )

    shuffled = prompts * 2
    random.shuffle(shuffled)
    assert saved(f"s{run}a", prompts) == saved(f"s{run}b", shuffled)
    drifted = examine(store).found
    assert not drifted.get("keyword_counts") and not drifted.get("full_text")


def test_words_find_what_counting_by_hand_finds(store: SqlStore) -> None:
    random = Random(5)
    vocabulary = [f"w{i}" for i in range(40)]
    weights = [1 / (i + 1) for i in range(40)]
    items = {
        name_id("fingerprint", f"words {i}"): fingerprint(
            f"words {i}", *set(random.choices(vocabulary, weights, k=6)), namespace="words"
        )
        for i in range(300)
    }
    with store.writing(durable=False) as writing:
        writing.save_fingerprints(list(items.values()))
    frequency = {word: sum(word in item.prompt_tokens for item in items.values()) for word in vocabulary}
    for _ in range(20):
        asked = random.sample(vocabulary, 4)
        scores = {
            key: sum(log(1 + len(items) / frequency[word]) for word in asked if word in item.prompt_tokens)
            for key, item in items.items()
        }
        wanted = sorted((-round(score, 9), key) for key, score in scores.items() if score)[:15]
        found = store.keyword_candidates("words", asked, 15)
        assert [(-round(scores[key], 9), key) for key in found] == wanted
