"""What tries to stay behind after forgetting, and what tries to come back: words, versions, races, late links."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from forgetful import CLOCK, MARKER, WHO, Opener, erase, ingest, pattern, places_of, update

from seasoned.embed import EmbedderInfo
from seasoned.errors import AccessDeniedError
from seasoned.model import (
    Alert,
    Artifact,
    AuditEntry,
    ExecutionUpdate,
    Identity,
    PatternUsage,
    Span,
    Template,
    Trace,
)
from seasoned.model.ids import name_id
from seasoned.store import PatternQuery, Selection, SqlStore, open_store
from seasoned.store.doctor import examine
from seasoned.store.transfer import export_store, import_store
from seasoned.testing.forgetting import rows_of
from seasoned.workers import Writer, embed_pending, event_of, learn_history
from seasoned.workers.exporting import export_lines
from seasoned.workers.failure_reports import ReportedFailure, record_failure
from seasoned.workers.forgetting import forget, forget_late
from seasoned.workers.unlearning import SOME_FORGOTTEN, SOURCES_FORGOTTEN

USER = f"user-{MARKER}"


def everywhere(store: SqlStore) -> str:
    """An execution with MARKER wherever a word can stand, beside one without; the id of the first."""
    told = update("one", MARKER, user_id=USER, error_message=MARKER, cwd=f"/{MARKER}", tags=(MARKER,))
    owner = told.trace.execution_id
    change = Artifact(
        artifact_id=name_id("file"),
        execution_id=owner,
        file_path=f"src/{MARKER}.py",
        artifact_type="source_code",
        content_preview=MARKER,
    )
    ingest(store, replace(told, artifacts=(change,)), update("other", "date", user_id="someone"))
    task = store.executions([owner])[0].fingerprint
    assert task is not None
    by = pattern("by", [owner], agent_id=USER, access_level="private", status="active")
    drawn = pattern("drawn", [owner], status="active", pattern_name=f"Repair {MARKER}", agent_id="seasoned")
    version = drawn.create_version("1.1.0", {"problem": f"{MARKER} still"}, agent_id="ann", metadata={"note": MARKER})
    plain = pattern("plain", [name_id("run", "other")], pattern_data={}, pattern_template=None, recommended_steps=())
    with store.writing() as writing:
        writing.save_patterns([by, drawn, version, plain])
        writing.save_templates(
            [
                Template(
                    template_id=name_id("template"),
                    template_name="t",
                    namespace="default",
                    agent_id="seasoned",
                    template_content=MARKER,
                    placeholder_schema={"title": MARKER},
                    derived_from_execution_id=owner,
                )
            ]
        )
        writing.save_usage(
            PatternUsage(
                usage_id=name_id("usage"),
                pattern_id=plain.pattern_id,
                namespace="default",
                execution_id=owner,
                agent_id="ann",
                success=True,
                context_data={"said": MARKER},
                used_at=CLOCK,
            )
        )
        writing.save_audit(
            [
                AuditEntry(namespace="default", who="ann", what=what, subject=subject, before={"name": MARKER},
                           reason=MARKER, at=CLOCK)
                for what, subject in (("promote", drawn.pattern_id), ("change", name_id("no more")),
                                      ("delete", name_id("no more")))
            ]
        )  # fmt: skip
        writing.raise_alert(
            Alert(
                alert_id=name_id("alert"),
                namespace="default",
                rule="deprecated_pattern_used",
                subject=drawn.pattern_id,
                details={"pattern_name": MARKER},
                first_seen_at=CLOCK,
                last_seen_at=CLOCK,
            )
        )
    for execution_id in (owner, None):
        record_failure(
            store,
            "default",
            ReportedFailure(
                fingerprint_id=task.fingerprint_id,
                failure_type=None,
                error_message=f"ValueError: bad {MARKER} of {execution_id is None}",
                execution_id=execution_id,
                root_cause=MARKER,
                resolution=f"use {MARKER}",
            ),
            now=CLOCK,
        )
    with store.engine.writing(durable=False) as session:
        session.run(
            "INSERT INTO advice (advice_id, namespace, execution_id, agent_id, kind, opportunity, arm, items, given_at) "
            "SELECT ?, 'default', ?, ?, 'similar', 'asked', 'given', ?, created_at FROM execution_traces "
            "WHERE execution_id = ?",
            (name_id("advice"), owner, USER, f'{{"text": "{MARKER}"}}', owner),
        )
        session.run(
            "INSERT INTO agent_routing_decisions (decision_id, execution_id, namespace, request, selected_agent, "
            "decided_at) SELECT ?, ?, 'default', ?, 'coder', created_at FROM execution_traces WHERE execution_id = ?",
            (name_id("routing"), owner, MARKER, owner),
        )
    return owner


@pytest.mark.parametrize("by", ["execution", "user"])
def test_no_word_is_left_anywhere(opened: Opener, by: str) -> None:
    store = opened("words")
    owner = everywhere(store)
    assert len(places_of(store, MARKER)) > 15
    done = forget(
        store,
        Selection(user_id=USER) if by == "user" else Selection(execution_ids=(owner,)),
        WHO,
        model=None,
        now=CLOCK,
    )
    assert done.execution_ids == (owner,)
    # Of a user, who stays the owner of a pattern of its own unless it is the user that is forgotten.
    left = {"patterns"} if by == "execution" else set[str]()
    assert set(places_of(store, MARKER)) == left
    if by == "execution":
        assert set(places_of(store, USER)) == left
    else:
        assert done.others == {"private_patterns": 1}
    plain = store.pattern("default", name_id("pattern", "plain"))
    assert plain is not None
    assert plain.execution_ids == (name_id("run", "other"),)
    assert examine(store).findings == []


def test_all_that_is_held_is_handed_over(opened: Opener) -> None:
    store = opened("export")
    everywhere(store)
    lines = list(export_lines(store, "default", Selection(user_id=USER), now=CLOCK))
    kinds = [kind for kind, _ in lines]
    assert kinds == ["event", "pattern", "pattern_usage", "advice", "agent_routing_decision"]
    assert all(MARKER.encode() in line for _, line in lines)
    assert b'"items":{"text":' in lines[3][1].replace(b" ", b"")


def test_versions_rest_on_what_their_parents_rest_on(opened: Opener) -> None:
    store = opened("versions")
    one, other = ingest(store, update("one", MARKER), update("other", "date"))
    both = pattern("both", [one, other], status="active")
    candidate = pattern("candidate", [one])
    drawn = both.create_version("2.0.0", {"problem": MARKER}, status="active")
    lost = candidate.create_version("2.0.0", {"problem": MARKER}, status="active", usage_count=1)
    twin = pattern("twin", [one], status="active", duplicate_of=candidate.pattern_id, pattern_data={})
    unused = drawn.create_version("2.1.0", {"problem": MARKER})
    with store.writing() as writing:
        writing.save_patterns([both, candidate, drawn, lost, twin, unused])
    done = forget(store, Selection(execution_ids=(one,)), WHO, model=None, now=CLOCK)
    assert (done.patterns_withdrawn, done.patterns_flagged) == (1, 5)
    left = {each.pattern_id: each for each in store.patterns(PatternQuery(namespace="default"))}
    assert candidate.pattern_id not in left
    assert left[lost.pattern_id].parent_pattern_id is None
    assert left[twin.pattern_id].duplicate_of is None
    assert {key: each.review_flags for key, each in left.items()} == {
        both.pattern_id: (SOME_FORGOTTEN,),
        drawn.pattern_id: (SOME_FORGOTTEN,),
        unused.pattern_id: (SOME_FORGOTTEN,),
        lost.pattern_id: (SOURCES_FORGOTTEN,),
        twin.pattern_id: (SOURCES_FORGOTTEN,),
    }
    assert all(MARKER not in repr(left[each.pattern_id].pattern_data) for each in (both, drawn, lost, twin, unused))


def test_what_came_before_the_link_to_its_parent(opened: Opener) -> None:
    store = opened("late")
    parent, child, grandchild = update("parent", "a"), update("child", MARKER), update("grandchild", MARKER)
    grandchild = replace(grandchild, trace=replace(grandchild.trace, parent_id=child.trace.execution_id))
    other = update("other", "date")
    ingest(store, parent, child, grandchild, other)
    erase(store, parent.trace.execution_id)
    assert forget_late(store, "default", model=None, now=CLOCK) == []
    link = Trace(
        execution_id=child.trace.execution_id, namespace="default", revision=0, parent_id=parent.trace.execution_id
    )
    ingest(store, ExecutionUpdate(trace=link))
    gone = sorted([child.trace.execution_id, grandchild.trace.execution_id])
    assert forget_late(store, "default", model=None, now=CLOCK) == gone
    assert places_of(store, MARKER) == []
    assert store.selected("default", Selection(everything=True)) == [other.trace.execution_id]


def test_parts_of_a_forgotten_execution_do_not_come_with_another(opened: Opener) -> None:
    store = opened("parts")
    one, other = update("one", MARKER), update("other", "date")
    stray = Span(
        span_id=name_id("stray"),
        execution_id=one.trace.execution_id,
        number=9,
        kind="tool",
        name="Bash",
        tool="Bash",
        outcome="success",
        arguments={"command": MARKER},
    )
    mixed = replace(other, spans=(*other.spans, stray))
    ingest(store, one, other, mixed)
    assert [letter.state for letter in store.dead_letters()] == ["dead"]
    erase(store, one.trace.execution_id)
    assert places_of(store, MARKER) == []
    assert Writer(store).ingest([event_of(mixed, now=CLOCK)]).forgotten == 1
    assert places_of(store, MARKER) == []
    assert store.trace("default", other.trace.execution_id) is not None
    assert store.forgotten_ids("default", [other.trace.execution_id]) == set()


def test_a_learner_that_had_read_it_before_learns_again(opened: Opener) -> None:
    store = opened("learner")
    runs = [update(f"run {each}", f"{MARKER} number {each % 2}") for each in range(6)]
    ids = ingest(store, *runs)
    assert learn_history(store, "default", model=None, now=CLOCK).executions == 6
    told: list[str] = []

    def meanwhile(stage: str, done: int, total: int) -> None:
        del done, total
        if stage == "patterns" and not told:
            told.extend(erase(store, *ids[1:]))

    learned = learn_history(store, "default", model=None, now=CLOCK, again=True, on_progress=meanwhile)
    assert learned.executions == 1
    assert {each for one in store.patterns(PatternQuery(namespace="default")) for each in one.execution_ids} <= {ids[0]}
    assert not set(told).intersection(repr(rows_of(store)).split("'"))


class ForgetfulEmbedder:
    """One vector for every text; the executions are forgotten while it computes."""

    def __init__(self, store: SqlStore, ids: Sequence[str]) -> None:
        self.info = EmbedderInfo(model="same", dimensions=3, languages=("en",))
        self._store, self._ids = store, ids

    def embed(self, texts: Sequence[str], kind: str) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
        del kind
        erase(self._store, *self._ids)
        return np.ones((len(texts), 3), dtype=np.float32)


def test_no_vector_comes_after_the_words_are_gone(opened: Opener) -> None:
    store = opened("vectors")
    one, _ = ingest(store, update("one", MARKER), update("other", "date"))
    embed_pending(store, ForgetfulEmbedder(store, [one]))  # type: ignore[arg-type]
    assert examine(store).findings == []
    assert len(list(store.embeddings("default", "same"))) == 1


@pytest.mark.parametrize("role", ["agent", "librarian"])
def test_only_an_administrator_forgets(opened: Opener, role: str) -> None:
    store = opened("rights")
    (one,) = ingest(store, update("one", "date"))
    before = rows_of(store)
    who = Identity(namespace="default", agent_id="ann", role=role)  # type: ignore[arg-type]
    with pytest.raises(AccessDeniedError, match="administrators of default"):
        forget(store, Selection(execution_ids=(one,)), who, model=None, now=CLOCK)
    stranger = Identity(namespace="elsewhere", agent_id="ann", role="admin")
    assert forget(store, Selection(execution_ids=(one,)), stranger, model=None, now=CLOCK).execution_ids == ()
    assert rows_of(store) == before


def test_what_was_forgotten_travels_with_the_database(opened: Opener, tmp_path: Path) -> None:
    store, copy = opened("store"), opened("copy")
    told = update("one", MARKER)
    ingest(store, told, update("other", "date"))
    erase(store, told.trace.execution_id)
    export_store(store, tmp_path / "all.jsonl")
    assert MARKER.encode() not in (tmp_path / "all.jsonl").read_bytes()
    import_store(copy, tmp_path / "all.jsonl")
    assert Writer(copy).ingest([event_of(told, now=CLOCK)]).forgotten == 1
    assert rows_of(copy) == rows_of(store)


def test_bytes_that_were_freed_before_leave_the_file_too(tmp_path: Path) -> None:
    """Where SQLite is built without secure_delete, what an update frees stays in free pages: no row tells of it."""
    path = tmp_path / "store.db"
    store = open_store(f"sqlite:///{path}", clock=lambda: CLOCK)
    (one, _) = ingest(store, update("one", "date"), update("other", "time"))
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("PRAGMA secure_delete=OFF")
        raw.execute("UPDATE execution_traces SET error_message = ?", (f"{MARKER} " * 2_000,))
        raw.commit()
        raw.execute("UPDATE execution_traces SET error_message = NULL")

    def held() -> bool:
        return MARKER.encode() in b"".join(each.read_bytes() for each in tmp_path.iterdir())

    assert places_of(store, MARKER) == []
    assert held()
    erase(store, one)
    assert store.scrub()
    store.close()
    assert not held()
