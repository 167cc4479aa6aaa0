"""What every store must do with what was learned, as tests. Subclass with a ``store`` fixture, as ``testing.stores``.

Only the port is used. Examples of every record have a value in every field, so that a field that is forgotten on the
way in or out is missed.
"""
# ruff: noqa: D102  the name of a test is its sentence

from dataclasses import replace
from datetime import datetime

import pytest

from seasoned.errors import StoreConflictError, StoreError
from seasoned.model import PatternStep, ResolutionStep
from seasoned.model.ids import name_id
from seasoned.store.knowledge_port import FailureQuery, PatternQuery
from seasoned.store.port import Store
from seasoned.testing.executions import ExecutionContract
from seasoned.testing.failures import FailureContract
from seasoned.testing.knowledge_records import (
    CONTRAST,
    DOCUMENT,
    ODD,
    STEPS,
    chain,
    changed,
    failure,
    full_pattern,
    occurrence,
    pattern,
    resolution,
    same,
    silent,
    template,
)
from seasoned.testing.stores import NOON, fingerprint, save, trace

__all__ = ["KnowledgeContract"]


class KnowledgeContract(FailureContract, ExecutionContract):
    """Subclass with a ``store`` fixture that gives an empty store."""

    # -- patterns --------------------------------------------------------------------------------------------
    def test_a_pattern_is_read_back_equal(self, store: Store) -> None:
        owner, parent = fingerprint("a"), pattern("parent")
        full = full_pattern(owner.fingerprint_id, parent)
        assert silent(full) == {"created_at", "updated_at"}
        with store.writing() as writing:
            writing.save_fingerprints([owner])
            writing.save_patterns([full, parent])  # what is pointed at may come later in the transaction
        found = store.pattern("n", full.pattern_id)
        assert same(found, full)
        assert found is not None
        assert {type(item) for item in found.recommended_steps} == {PatternStep}
        assert same(store.pattern("n", parent.pattern_id), parent)
        assert store.pattern("n", name_id("nothing")) is None

    def test_a_contrast_without_bounds_is_kept(self, store: Store) -> None:
        """A step that every success has and no failure: its odds ratio is without bound."""
        step = replace(STEPS[0], contrast=replace(CONTRAST, odds_ratio=None, high=None))
        with store.writing() as writing:
            writing.save_patterns([pattern("sure", recommended_steps=(step,))])
        found = store.pattern("n", "sure")
        assert found is not None
        assert found.recommended_steps == (step,)

    def test_saving_again_replaces_and_keeps_the_time_of_birth(self, store: Store) -> None:
        with store.writing() as writing:
            writing.save_patterns([pattern("a", intent="old", review_flags=("one_session",))])
        first = store.pattern("n", "a")
        newer = pattern("a", status="active", created_at=NOON, updated_at=NOON)
        for _ in range(2):
            with store.writing() as writing:
                writing.save_patterns([newer])
        found = store.pattern("n", "a")
        assert first is not None
        assert found is not None
        assert found == replace(newer, created_at=first.created_at, updated_at=found.updated_at)
        assert first.created_at is not None
        assert found.updated_at is not None
        assert NOON < first.created_at <= found.updated_at

    def test_a_name_is_taken_once_per_owner_and_version(self, store: Store) -> None:
        first = pattern("a")
        others = [
            replace(first, pattern_id=name_id("1"), version="1.0.1"),
            replace(first, pattern_id=name_id("2"), agent_id="other"),
            replace(first, pattern_id=name_id("3"), namespace="other"),
        ]
        with store.writing() as writing:
            writing.save_patterns([first, *others])
        again = replace(first, pattern_id=name_id("4"))
        with pytest.raises(StoreConflictError, match="name is taken in this version"), store.writing() as writing:
            writing.save_patterns([again])
        with pytest.raises(StoreConflictError, match="a name is taken"), store.writing() as writing:
            writing.save_templates([template("t"), template("t", template_id=name_id("5"))])
        with pytest.raises(StoreConflictError, match="signature"), store.writing() as writing:
            writing.replace_failure(failure("f"), [], [])
            writing.replace_failure(failure("f", failure_id=name_id("6")), [], [])
        assert len(store.patterns(PatternQuery(namespace="n"))) == 3
        assert store.failures(FailureQuery(namespace="n")) == []

    def test_an_id_cannot_be_carried_off_by_another_namespace(self, store: Store) -> None:
        kept, owner = pattern("a"), failure("f")
        happened = occurrence(owner, "1")
        with store.writing() as writing:
            writing.save_patterns([kept])
            writing.save_templates([template("t")])
            writing.replace_failure(owner, [resolution(owner, "r")], [happened])
            writing.replace_chains("n", [chain("x", "y")])
        thief = failure("g", namespace="m")
        moved: dict[str, object] = {"failure_id": thief.failure_id, "namespace": "m"}
        for attempt in range(6):
            with pytest.raises(StoreConflictError, match="the id is taken"), store.writing() as writing:
                match attempt:
                    case 0:
                        writing.save_patterns([replace(kept, namespace="m", pattern_name="mine")])
                    case 1:
                        writing.save_templates([template("t", namespace="m")])
                    case 2:
                        writing.replace_failure(replace(owner, namespace="m"), [], [])
                    case 3:
                        writing.replace_failure(thief, [changed(resolution(owner, "r"), moved)], [])
                    case 4:
                        writing.replace_failure(thief, [], [changed(happened, moved)])
                    case _:
                        writing.replace_chains("m", [chain("x", "y", chain_id=chain("x", "y").chain_id, namespace="m")])
        assert same(store.pattern("n", kept.pattern_id), kept)
        assert store.failures(FailureQuery(namespace="m")) == []
        assert store.occurrences(owner.failure_id) == [happened]
        assert store.chains("n") == [chain("x", "y")]

    def test_a_key_is_an_id_a_prefix_or_a_name(self, store: Store) -> None:
        low, high = "abcdef01-0000-5000-8000-00000000000{}".format, "abcdef02-0000-5000-8000-000000000000"
        versions = ("1.9.0", "1.10.0-rc.1", "1.10.0", "1.10.0-rc.2", "odd")
        items = [
            pattern("p", pattern_id=low(place), version=version, agent_id=f"a{place}")
            for place, version in enumerate(versions)
        ]
        with store.writing() as writing:
            writing.save_patterns([*items, pattern("q", pattern_id=high), pattern("deadbeef"), pattern("elsewhere")])
            writing.save_templates([template("t"), template("u", agent_id="b")])
            writing.replace_failure(failure("f"), [], [])

        def found(key: str, namespace: str = "n") -> str | None:
            item = store.pattern(namespace, key)
            return None if item is None else item.pattern_name + item.version

        assert found(high) == found(high.upper()) == found("abcdef02") == "q1.0.0"
        assert found("abcdef02-") == found("ABCDEF02-0") == "q1.0.0"
        assert [found(key) for key in ("abcdef", "abcdef01", "abcde", "", "\0", "p\0", "\udc80", "p'", "%")] == [
            None
        ] * 9
        assert found("p") == "p1.10.0"
        assert found("deadbeef") == "deadbeef1.0.0"
        assert [found(key, "m") for key in (high, "abcdef02", "p")] == [None, None, None]
        whole = store.template("n", "t")
        assert whole is not None
        assert store.template("n", whole.template_id[:8]) == whole
        assert [store.template("m", key) for key in (whole.template_id, "t")] == [None, None]
        assert store.failure("n", "f") == store.failure("n", failure("f").failure_id[:7]) == failure("f")
        assert [store.failure("m", key) for key in (failure("f").failure_id, "f")] == [None, None]

    def test_patterns_are_asked_for_by_every_condition(self, store: Store) -> None:
        owner = fingerprint("a")
        items = [
            pattern("B", confidence_score=0.5, status="active"),
            pattern("a", confidence_score=0.5, pattern_type="fix", category="testing"),
            pattern("É", confidence_score=0.5, fingerprint_id=owner.fingerprint_id),
            pattern("first", confidence_score=0.75, subcategory="database", extraction_method="cluster"),
            pattern("last", status="rejected"),
            pattern("other", namespace="m", confidence_score=1.0),
        ]
        with store.writing() as writing:
            writing.save_fingerprints([owner])
            writing.save_patterns(items)

        def names(**conditions: object) -> list[str]:
            query = replace(PatternQuery(namespace="n"), **conditions)  # pyright: ignore[reportArgumentType]
            return [item.pattern_name for item in store.patterns(query)]

        assert names() == ["first", "B", "a", "É", "last"]
        assert names(limit=2, offset=1) == ["B", "a"]
        assert names(status=("active", "rejected")) == ["B", "last"]
        assert names(pattern_type="fix") == names(category="testing") == ["a"]
        assert names(subcategory="database", extraction_method="cluster") == ["first"]
        assert names(subcategory="database", category="testing") == []
        assert names(fingerprint_ids=(owner.fingerprint_id, "no id")) == ["É"]
        assert names(fingerprint_ids=("no id",)) == []

    def test_deleting_a_version_moves_its_children_to_its_parent(self, store: Store) -> None:
        ids = [name_id("pattern", str(number)) for number in range(4)]
        line = [pattern(str(number), parent_pattern_id=ids[number - 1] if number else None) for number in range(4)]
        with store.writing() as writing:
            writing.save_patterns(line)
        with store.writing() as writing:
            writing.delete_patterns([ids[1], ids[2], name_id("unknown"), "no id"])
        found = store.patterns(PatternQuery(namespace="n"))
        assert [(item.pattern_id, item.parent_pattern_id) for item in found] == [(ids[0], None), (ids[3], ids[0])]
        with store.writing() as writing:
            writing.delete_patterns(ids)
            writing.delete_patterns(ids)
        assert store.patterns(PatternQuery(namespace="n")) == []

    # -- templates -------------------------------------------------------------------------------------------
    def test_a_template_is_read_back_equal(self, store: Store) -> None:
        source, run = pattern("source"), trace("run")
        texts = ("category", "subcategory", "description", "usage_example")
        full = template(
            "full", **dict.fromkeys(texts, ODD), template_content=ODD * 1000, placeholder_schema=DOCUMENT,
            access_level="private", template_version="2.0.0", prerequisites={}, validation_rules=DOCUMENT,
            quality_score=0.0, success_rate=1.0, avg_quality_score=0.1, derived_from_pattern_id=source.pattern_id,
            derived_from_execution_id=run.execution_id, usage_count=2**62, tags=(ODD, ""), metadata=DOCUMENT,
            deprecated_at=NOON,
        )  # fmt: skip
        assert silent(full) == {"created_at", "updated_at"}
        save(store, [(run, None)])
        with store.writing() as writing:
            writing.save_patterns([source])
            writing.save_templates([full, template("A"), template("b"), template("m", namespace="m")])
        assert same(store.template("n", full.template_id), full)
        assert [item.template_name for item in store.templates("n")] == ["A", "b", "full"]
        assert [item.template_name for item in store.templates("n", limit=1, offset=2)] == ["full"]
        assert [item.template_name for item in store.templates("n", derived_from=[source.pattern_id])] == ["full"]
        assert store.templates("m", derived_from=[source.pattern_id]) == []
        assert store.templates("n", derived_from=[name_id("unknown"), "no id"]) == []
        with store.writing() as writing:
            writing.delete_templates([full.template_id, name_id("unknown"), "no id"])
        assert [item.template_name for item in store.templates("n")] == ["A", "b"]

    # -- values ----------------------------------------------------------------------------------------------
    def test_what_no_database_could_hold_is_refused_by_name_and_not_quoted(self, store: Store) -> None:
        owner = failure("secret")
        step = replace(STEPS[0], contrast=replace(CONTRAST, high=float("inf")))
        wrong = {
            "pattern_name": pattern("secret", pattern_name="secret\0"),
            "intent": pattern("secret", intent="secret\udc80"),
            "review_flags": pattern("secret", review_flags=("secret\0",)),
            "pattern_data": pattern("secret", pattern_data={"a": ["secret\0"]}),
            "metadata": pattern("secret", metadata={"secret\ud800": 1}),
            "waiver": pattern("secret", waiver={"a": object()}),
            "recommended_steps": pattern("secret", recommended_steps=(STEPS[1], step)),
            "confidence_score": pattern("secret", confidence_score=float("nan")),
            "bytes": pattern("secret", pattern_name="ü" * 1301),
        }
        for name, value in wrong.items():
            with (
                pytest.raises(StoreError, match=rf"patterns [0-9a-f'-]+: .*{name}") as caught,
                store.writing() as writing,
            ):
                writing.save_patterns([value])
            assert "secret" not in str(caught.value)
        for steps in ((ResolutionStep(tool="secret\0", command=""),), (ResolutionStep(tool="", command="\ud800"),)):
            with pytest.raises(StoreError, match="steps cannot be stored"), store.writing() as writing:
                writing.replace_failure(owner, [resolution(owner, "a", steps=steps)], [])
        with pytest.raises(StoreError, match="message cannot be stored"), store.writing() as writing:
            writing.replace_failure(owner, [], [occurrence(owner, "1", message="secret\0")])
        with pytest.raises(StoreError), store.writing() as writing:
            writing.save_patterns([pattern("huge", usage_count=2**63)])
        with pytest.raises(ValueError, match="naive time"), store.writing() as writing:
            writing.save_patterns([pattern("a", extracted_at=datetime(2026, 1, 1))])  # noqa: DTZ001
        assert store.patterns(PatternQuery(namespace="n")) == []
        assert store.failures(FailureQuery(namespace="n")) == []

    def test_a_value_out_of_range_is_refused_with_what_is_allowed(self, store: Store) -> None:
        wrong = {
            "success_score BETWEEN 0 AND 1": pattern("secret", success_score=1.5),
            "status IN ('candidate', ": pattern("secret", status="done"),
            "usage_count >= success_count + failure_count": pattern("secret", success_count=1),
            "learning_weight BETWEEN 0 AND 10": pattern("secret", learning_weight=-1.0),
        }
        for allowed, value in wrong.items():
            with pytest.raises(StoreError) as caught, store.writing() as writing:
                writing.save_patterns([value])
            assert f"Allowed in patterns: {allowed}" in str(caught.value)
            assert "secret" not in str(caught.value)
        with pytest.raises(StoreError, match="fix_success_rate BETWEEN 0 AND 100"), store.writing() as writing:
            writing.replace_failure(failure("f", fix_success_rate=100.5), [], [])
        with store.writing() as writing:
            writing.replace_failure(failure("f", fix_success_rate=100.0), [], [])
