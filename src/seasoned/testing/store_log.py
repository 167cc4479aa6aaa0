"""What every store must do with the event log, consumers and writers, as tests; a part of
``seasoned.testing.stores``.
"""
# ruff: noqa: D102  the name of a test is its sentence

import threading
from dataclasses import replace

from seasoned.store.port import ImportState, Store
from seasoned.testing.store_records import event, trace

__all__ = ["LogContract"]


class LogContract:
    """Positions, offsets, dead letters, import states, writers beside each other."""

    # -- log ----------------------------------------------------------------------------------------------------
    def test_the_log_keeps_order_and_takes_each_event_once(self, store: Store) -> None:
        with store.writing() as writing:
            assert writing.log_head() == 0
            assert len(writing.append([event("a"), event("b"), event("a")]).fresh) == 2
        with store.writing() as writing:
            appended = writing.append([event("b"), event("c")])
            head = writing.log_head()
        assert ([item.event_id for item in appended.fresh], appended.duplicates) == ([event("c").event_id], 1)
        log = store.read_log(0, 10)
        assert [delivery.event for delivery in log] == [event("a"), event("b"), event("c")]
        positions = [delivery.position for delivery in log]
        assert positions == sorted(set(positions))
        assert positions[-1] == head
        assert store.read_log(positions[0], 1) == log[1:2]

    def test_an_event_of_a_newer_version_is_delivered_with_its_reason(self, store: Store) -> None:
        with store.writing() as writing:
            writing.append([event("new", schema_version=99), event("old")])
        newer, old = store.read_log(0, 10)
        assert (newer.event, newer.event_id) == (None, event("new").event_id)
        assert "99" in (newer.error or "")
        assert old.event == event("old")

    def test_offsets_and_dead_letters(self, store: Store) -> None:
        with store.writing() as writing:
            writing.append([event("a")])
        (delivery,) = store.read_log(0, 1)
        for reason in ("first", "second"):
            with store.writing() as writing:
                assert writing.committed_offset("w") == (0 if reason == "first" else delivery.position)
                writing.commit_offset("w", delivery.position)
                writing.save_dead_letter(delivery, "w", reason)
        (letter,) = store.dead_letters("w")
        assert (letter.error, letter.attempts, letter.state, letter.topic) == ("second", 2, "dead", "task-executions")
        with store.writing() as writing:
            writing.resolve_dead_letter(letter.event_id, "w")
        assert [item.state for item in store.dead_letters()] == ["replayed"]
        assert store.dead_letters("another") == []

    def test_import_states_are_kept_by_file(self, store: Store) -> None:
        state = ImportState(
            file="/a b/ü.jsonl", size=5_000_000_000, modified_ns=1_800_000_000_000_000_000, offset=3, digest="d",
            state={"open": ["x"], "n": 1}, importer="claude_code",
        )  # fmt: skip
        newer = replace(state, offset=9, state={})
        for item in (state, newer):
            with store.writing() as writing:
                writing.save_import_state(item)
            assert store.import_states() == {item.file: item}
        other = replace(state, file="/b")
        with store.writing() as writing:
            writing.save_import_state(other)
        assert store.import_states([state.file, "/none", state.file]) == {newer.file: newer}
        assert store.import_states(["/b", state.file]) == {newer.file: newer, other.file: other}
        assert store.import_states([]) == {}

    # -- concurrency --------------------------------------------------------------------------------------------
    def test_readers_neither_wait_for_the_writer_nor_see_it_early(self, store: Store) -> None:
        with store.writing() as writing:
            writing.save_traces([(trace("a"), None)])
            seen: list[int] = []
            readers = [threading.Thread(target=lambda: seen.append(store.counts("n").traces)) for _ in range(3)]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join(20)
            assert seen == [0, 0, 0]
        assert store.counts("n").traces == 1

    def test_writers_queue_and_none_is_lost(self, store: Store) -> None:
        def count_up() -> None:
            for _ in range(5):
                with store.writing() as writing:
                    writing.commit_offset("c", writing.committed_offset("c") + 1)

        writers = [threading.Thread(target=count_up) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(60)
        with store.writing() as writing:
            assert writing.committed_offset("c") == 20
