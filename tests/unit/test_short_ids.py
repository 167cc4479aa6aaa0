"""Ids as people and agents are shown them: short, and still naming one thing."""

from datetime import UTC, datetime

from seasoned.model.ids import name_id, new_id, short_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_of_a_hash_eight_digits() -> None:
    identity = name_id("claude_code", "session", "prompt")
    assert short_id(identity) == identity[:8]


def test_ids_of_one_minute_are_told_apart() -> None:
    ids = [new_id(NOW.replace(second=second)) for second in range(60)]
    assert len({short_id(each) for each in ids}) == len(ids)
    assert all(each.startswith(short_id(each)) for each in ids)


def test_what_is_no_id_stays() -> None:
    assert short_id("–") == "–"
