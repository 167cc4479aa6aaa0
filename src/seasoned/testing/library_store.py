"""What every store must do with the shared library, as tests. Subclass with a ``store`` fixture, as ``testing.stores``.

A store that enforces rights by itself says ``enforces = True`` and is then asked to refuse, too.
"""
# ruff: noqa: D102  the name of a test is its sentence

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from seasoned.errors import AccessDeniedError, NotFoundError, StoreError
from seasoned.library.access import Operation, right
from seasoned.model import Agent, Alert, Identity, Pattern, Token
from seasoned.model.ids import name_id
from seasoned.store import LibraryQuery, Store
from seasoned.testing.knowledge_records import pattern
from seasoned.testing.library_reads import LibraryReadContract
from seasoned.testing.library_records import PATTERNS, READERS, SERVICE, usage
from seasoned.testing.stores import NOON, fingerprint, save, trace

__all__ = ["LibraryStoreContract"]

_ALL = LibraryQuery(limit=1_000)


class LibraryStoreContract(LibraryReadContract):
    """Subclass with a ``store`` fixture that gives an empty store."""

    enforces: bool = False
    """Whether the store itself refuses what a reader may not do."""

    # -- using -------------------------------------------------------------------------------------------------------
    def test_a_usage_counts_once_and_by_its_outcome(self, store: Store) -> None:
        used = pattern("used", agent_id="owner")
        with store.writing() as writing:
            writing.save_patterns([used])
        other = Identity(namespace="n", agent_id="other")
        outcomes = (True, False, None, True)
        for number, success in enumerate(outcomes):
            one = usage(
                used, str(number), success=success, used_at=NOON - timedelta(hours=number), quality_delta=-0.5,
                execution_time_ms=number, context_data={"ü": [1, None]},
            )  # fmt: skip
            for _ in range(2):
                with store.writing(reader=other) as writing:
                    writing.save_usage(one)
            assert store.usages(other, used.pattern_id)[-1] == one
        found = store.visible_pattern(other, used.pattern_id)
        assert found is not None
        assert (found.usage_count, found.success_count, found.failure_count) == (4, 2, 1)
        assert found.last_used_at == NOON
        with store.writing(reader=other) as writing:
            writing.save_usage(usage(used, "last", success=False, used_at=NOON + timedelta(1)))
            with writing.as_service():
                assert writing.recent_outcomes(used.pattern_id, 3) == [False, True, False]
            again = writing.pattern(used.pattern_id)
            assert again is not None
            assert (again.usage_count, again.last_used_at) == (5, NOON + timedelta(1))
        for unknown in (name_id("nobody"), "nonsense"):
            with pytest.raises(NotFoundError), store.writing(reader=other) as writing:
                writing.save_usage(replace(usage(used, "x"), pattern_id=unknown))

    def test_fifty_users_at_once_are_counted_exactly(self, store: Store) -> None:
        used = pattern("used", agent_id="owner")
        with store.writing() as writing:
            writing.save_patterns([used])
        begin, errors = threading.Barrier(50), list[BaseException]()

        def use(number: int) -> None:
            reader = Identity(namespace="n", agent_id=f"agent-{number}")
            begin.wait()
            try:
                for turn in range(3):
                    with store.writing(durable=False, reader=reader) as writing:
                        one = usage(
                            used, f"{number}/{turn}", agent_id=reader.agent_id, success=(True, False, None)[turn]
                        )
                        writing.save_usage(one)
            except BaseException as error:  # noqa: BLE001  shown by the assertion
                errors.append(error)

        threads = [threading.Thread(target=use, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert errors == []
        found = store.visible_pattern(SERVICE, used.pattern_id)
        assert found is not None
        assert (found.usage_count, found.success_count, found.failure_count) == (150, 50, 50)
        assert len(store.usages(SERVICE, used.pattern_id, limit=999)) == 150

    def test_the_standing_of_a_pattern_is_written_alone(self, store: Store) -> None:
        before = pattern("a", intent="kept", status="active")
        with store.writing() as writing:
            writing.save_patterns([before])
            writing.save_standing(
                [
                    replace(
                        before, intent="not written", success_rate=0.25, confidence_score=0.5, status="deprecated",
                        review_flags=("falling", "ü"), usage_count=9,
                    ),
                    pattern("nobody"),
                ]
            )  # fmt: skip
        found = store.visible_pattern(SERVICE, "a")
        assert found is not None
        want = replace(
            before, success_rate=0.25, confidence_score=0.5, status="deprecated", review_flags=("falling", "ü"),
            created_at=found.created_at, updated_at=found.updated_at,
        )  # fmt: skip
        assert found == want
        assert store.count_visible(SERVICE, _ALL) == 1

    # -- changing ----------------------------------------------------------------------------------------------------
    def test_whoever_may_change_promote_or_delete_can(self, store: Store) -> None:
        with store.writing() as writing:
            writing.save_patterns(PATTERNS)
        denied = 0
        for reader in READERS:
            for stored in PATTERNS:
                # As it is read: who judges a pattern reads it first.
                item = store.pattern(stored.namespace, stored.pattern_id)
                assert item is not None
                tries: tuple[tuple[Operation, Pattern | None], ...] = (
                    ("change", replace(item, intent="new")),
                    ("promote", replace(item, status="active", waiver={"who": "x"})),
                    ("promote", replace(item, status="rejected", deprecation_reason="bad")),
                    ("promote", replace(item, review_flags=("x",), metadata={"reviewed_flags": ["y"]})),
                    ("change", replace(item, metadata={"mine": 1, "reviewed_flags": ["y"]})),
                    ("delete", None),
                )
                for operation, changed in tries:
                    given = right(reader, operation, item)
                    able = given == "yes" or (given == "asks" and changed is not None and changed.status != "active")
                    if given == "asks" and item.status == "active":
                        continue  # what an owner may do with what is active already is the library's to say
                    if able or self.enforces:
                        denied += not able
                        _tried(store, reader, item, changed, able=able)
        assert not self.enforces or denied > 500

    # -- what changed, who there is ----------------------------------------------------------------------------------
    def test_the_revision_grows_with_every_change_and_with_nothing_else(self, store: Store) -> None:
        seen = [store.library_revision()]
        used = pattern("a")

        def grew() -> bool:
            seen.append(store.library_revision())
            return seen[-1] > seen[-2]

        with store.writing() as writing:
            writing.save_patterns([used])
        assert grew()
        with store.writing() as writing:
            writing.save_usage(usage(used, "1"))
        assert grew()
        with store.writing() as writing:
            writing.save_standing([used])
        assert grew()
        with store.writing() as writing:
            writing.delete_patterns([used.pattern_id])
        assert grew()
        with pytest.raises(ZeroDivisionError), store.writing() as writing:
            writing.save_patterns([used])
            raise ZeroDivisionError
        with store.writing() as writing:
            writing.commit_offset("c", 1)
        assert not grew()

    def test_an_alert_is_one_until_it_recovers(self, store: Store) -> None:
        alert = Alert(
            alert_id=name_id("alert"), namespace="n", rule="deprecated_pattern_used", subject="s",
            details={"by": "a"}, first_seen_at=NOON, last_seen_at=NOON,
        )  # fmt: skip
        later = replace(alert, first_seen_at=NOON + timedelta(1), last_seen_at=NOON + timedelta(1), details=None)
        with store.writing() as writing:
            writing.raise_alert(alert)
        assert store.alerts("n") == [alert]
        assert store.alerts("m") == []
        with store.writing() as writing:
            writing.raise_alert(later)
        assert store.alerts("n") == [replace(later, occurrences=2, first_seen_at=NOON)]
        with store.writing() as writing:
            writing.raise_alert(replace(alert, alert_id=name_id("two"), state="recovered"))
        assert len(store.alerts("n")) == 1
        assert len(store.alerts("n", open_only=False)) == 2
        with store.writing() as writing:
            writing.raise_alert(replace(later, alert_id=name_id("two")))
        assert replace(later, alert_id=name_id("two")) in store.alerts("n")

    def test_agents_and_tokens_are_kept_by_namespace(self, store: Store) -> None:
        agent = Agent(namespace="n", agent_id="a", name="A", role="librarian", created_at=NOON)
        token = Token(hash="00ff", namespace="n", agent_id="a", scopes=("agent",), created_at=NOON, expires_at=NOON)
        with store.writing() as writing:
            for item in (agent, replace(agent, agent_id="b"), replace(agent, namespace="m", role="admin")):
                writing.save_agent(item)
            writing.save_agent(replace(agent, name="B", created_at=NOON + timedelta(1)))
            writing.save_token(token)
            writing.save_token(replace(token, hash="01", created_at=NOON - timedelta(1)))
            writing.save_token(replace(token, hash="02", namespace="m"))
            writing.save_token(replace(token, revoked_at=NOON, last_used_at=NOON))
        assert store.agents("n") == [replace(agent, name="B"), replace(agent, agent_id="b")]
        assert [item.role for item in store.agents("m")] == ["admin"]
        assert [item.hash for item in store.tokens("n")] == ["01", "00ff"]
        assert store.token("00ff") == replace(token, revoked_at=NOON, last_used_at=NOON)
        assert store.token("no") is None

    def test_areas_and_technologies_are_those_of_the_namespace(self, store: Store) -> None:
        kinds = [
            fingerprint("a", technology_stack=("python",), domain="database", task_type="testing"),
            fingerprint("b", technology_stack=("go", "python"), domain="database", task_type="testing"),
            fingerprint("c", technology_stack=("cobol",), domain="frontend", task_type="debugging"),
        ]
        runs = [
            (trace("1", status="success", started_at=NOON), kinds[0]),
            (trace("2", status="failure", started_at=NOON), kinds[1]),
            (trace("3", status="unknown", started_at=NOON), kinds[1]),
            (trace("4", status="success", started_at=NOON - timedelta(days=100)), kinds[2]),
        ]
        save(store, runs)
        assert store.technologies("n") == ["go", "python"]
        assert [(a.task_type, a.domain, a.executions, a.successes, a.failures) for a in store.task_areas("n")] == [
            ("testing", "database", 3, 1, 1),
            ("debugging", "frontend", 1, 1, 0),
        ]
        assert store.technologies("m") == []
        assert store.task_areas("m") == []


def _tried(store: Store, reader: Identity, item: Pattern, changed: Pattern | None, *, able: bool) -> None:
    """Try it, and take it back."""
    where = (reader, item.pattern_name, changed and changed.status)
    done = False
    try:
        with store.writing(reader=reader) as writing:
            if changed is None:
                writing.delete_patterns([item.pattern_id])
            else:
                writing.save_patterns([changed])
            with writing.as_service():
                found = writing.pattern(item.pattern_id)
                done = found is None if changed is None else found is not None and found != item and (
                    (found.intent, found.status, found.metadata) == (changed.intent, changed.status, changed.metadata)
                )  # fmt: skip
            raise _UndoneError
    except _UndoneError:
        assert done == able, where
    except (AccessDeniedError, StoreError) as error:
        assert not able, (*where, error)


class _UndoneError(Exception):
    """Ends a transaction whose writes are to vanish."""
