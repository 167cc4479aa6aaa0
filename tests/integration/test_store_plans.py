"""Every hot query is answered through an index, on both engines; seen by asking the engine for its plan.

The queries are not repeated here: the store runs on an engine that explains each one before running it.
"""

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from seasoned.embed.port import Neighbour
from seasoned.model import AuditEntry, Identity, PatternUsage
from seasoned.model.ids import name_id
from seasoned.store import FailureQuery, LibraryQuery, PatternQuery, TraceQuery, Writing, open_store
from seasoned.store.dialect import Dialect
from seasoned.store.pgvector import PgVectorIndex, ensure_index
from seasoned.store.postgres import PostgresEngine
from seasoned.store.session import Engine, Parameters, Row, Session
from seasoned.store.sql import SqlStore
from seasoned.testing.knowledge_records import chain, failure, occurrence, pattern, resolution, template
from seasoned.testing.postgres import PostgresServer
from seasoned.testing.stores import NOON, event, fingerprint, span, trace


class Explaining:
    """A session that notes the plan of every query."""

    def __init__(self, session: Session, plans: list[str]) -> None:
        self._session = session
        self._plans = plans
        self.dialect: Dialect = session.dialect

    @property
    def confined(self) -> bool:
        return self._session.confined

    def as_service(self) -> AbstractContextManager[None]:
        return self._session.as_service()

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        explain = "EXPLAIN QUERY PLAN " if self.dialect == "sqlite" else "EXPLAIN "
        self._plans.append("\n".join(str(row[-1]) for row in self._session.rows(explain + sql, parameters)))
        return self._session.rows(sql, parameters)

    def stream(self, sql: str, parameters: Parameters = ()) -> Iterator[Row]:
        return self._session.stream(sql, parameters)

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        if sql.startswith(("UPDATE", "DELETE")):
            explain = "EXPLAIN QUERY PLAN " if self.dialect == "sqlite" else "EXPLAIN "
            self._plans.append("\n".join(str(row[-1]) for row in self._session.rows(explain + sql, parameters)))
        return self._session.run(sql, parameters)

    def many(self, sql: str, rows: Iterable[Parameters]) -> None:
        self._session.many(sql, rows)


class ExplainingEngine:
    def __init__(self, engine: Engine) -> None:
        self.inner = engine
        self.plans: list[str] = []
        self.dialect: Dialect = engine.dialect
        self.place = engine.place
        self.settings: tuple[str, ...] = ("enable_seqscan",)

    @contextmanager
    def reading(self, reader: Identity | None = None) -> Generator[Session, None, None]:
        with self.inner.reading(reader) as session:
            self._discourage(session)
            yield Explaining(session, self.plans)

    @contextmanager
    def writing(self, *, durable: bool, reader: Identity | None = None) -> Generator[Session, None, None]:
        with self.inner.writing(durable=durable, reader=reader) as session:
            self._discourage(session)
            yield Explaining(session, self.plans)

    def _discourage(self, session: Session) -> None:
        # The tables of a test are small enough to be read whole; what counts is whether there is another way.
        for setting in self.settings if self.dialect == "postgresql" else ():
            session.run(f"SET LOCAL {setting} = off")

    def close(self) -> None:
        self.inner.close()


def _fill_library(writing: Writing) -> None:
    for number in range(300):
        item = name_id("pattern", str(number))
        namespace = "n" if number % 10 else "other"
        writing.save_audit([AuditEntry(namespace=namespace, who="a", what="create", subject=item, at=NOON)])
        writing.save_usage(
            PatternUsage(
                usage_id=name_id("usage", item),
                pattern_id=item,
                namespace=namespace,
                agent_id=("seasoned", "a")[number % 2],
                used_at=NOON + timedelta(minutes=number),
            )
        )


def _fill_knowledge(writing: Writing) -> None:
    names = [(str(i), "n" if i % 10 else "other") for i in range(500)]
    writing.save_patterns(
        [
            pattern(
                name,
                namespace=namespace,
                status=("active", "candidate")[i % 2],
                fingerprint_id=name_id("fingerprint", name),
                keywords=("word", name),
            )
            for i, (name, namespace) in enumerate(names)
        ]
    )
    writing.save_templates([template(name, namespace=namespace) for name, namespace in names])
    for name, namespace in names[:100]:
        owner = failure(name, namespace=namespace)
        fixes = [resolution(owner, "a"), resolution(owner, "b")]
        events = [occurrence(owner, str(number), resolved_by=fixes[0].resolution_id) for number in range(5)]
        writing.replace_failure(owner, fixes, events)
    for namespace in ("n", "other"):
        writing.replace_chains(namespace, [chain(namespace, str(i), namespace=namespace) for i in range(100)])


def _fill(store: SqlStore) -> None:
    owners = [
        fingerprint(
            str(i), "word", f"w{i}", domain=("database", "frontend")[i % 2], shape_hash=f"shape-{i}",
            namespace="n" if i < 900 else "other",
        )
        for i in range(1000)
    ]  # fmt: skip
    runs = [
        trace(
            f"{i}/{j}", started_at=NOON + timedelta(minutes=3 * i + j), status=("success", "failure", "unknown")[j],
            session_id=f"s{i // 10}", namespace=owners[i].namespace,
        )
        for i in range(1000)
        for j in range(3)
    ]  # fmt: skip
    with store.writing(durable=False) as writing:
        writing.append([event(str(i)) for i in range(500)])
        writing.save_fingerprints(owners)
        writing.save_traces([(run, owners[i // 3].fingerprint_id) for i, run in enumerate(runs)])
        writing.save_spans([span(run, f"{run.execution_id}/{k}", number=k) for run in runs[:300] for k in range(5)])
        writing.save_embeddings(
            "m", [(owner.namespace, owner.fingerprint_id, [float(i), 1.0, 0.5]) for i, owner in enumerate(owners[:980])]
        )
        writing.refresh_derived([run.execution_id for run in runs], [owner.fingerprint_id for owner in owners])
        _fill_knowledge(writing)
        _fill_library(writing)
    if store.engine.dialect == "postgresql":  # its own housekeeping would do so a minute later
        assert isinstance(store.engine, PostgresEngine)
        connection = store.engine.connect()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
        connection.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Generator[SqlStore, None, None]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'store.db'}"
        else:
            url = stack.enter_context(postgres.database())
        store = open_store(url)
        stack.callback(store.close)
        _fill(store)
        yield store


@pytest.fixture
def store(filled: SqlStore) -> SqlStore:
    return SqlStore(ExplainingEngine(filled.engine), lambda: datetime.now(UTC))


OWNERS = [name_id("fingerprint", str(i)) for i in range(3)]
RUNS = [name_id("trace", f"{i}/0") for i in range(3)]
PATTERN = name_id("pattern", "1")
FAILURE = name_id("failure", "1")
HOT: dict[str, tuple[Callable[[SqlStore], object], str]] = {
    # name: (call, index that must serve it)
    "traces newest": (lambda s: s.traces(TraceQuery(namespace="n")), "ix_execution_traces_time"),
    "traces by time": (
        lambda s: s.traces(TraceQuery(namespace="n", since=NOON, until=NOON + timedelta(minutes=9))),
        "ix_execution_traces_time",
    ),
    "traces by status": (lambda s: s.traces(TraceQuery(namespace="n", status="failure")), "ix_execution_traces_status"),
    "traces by domain, status, time": (
        lambda s: s.traces(TraceQuery(namespace="n", domain="database", status="success", since=NOON)),
        "ix_execution_traces_",
    ),
    "traces by session": (lambda s: s.traces(TraceQuery(namespace="n", session_id="s1")), "ix_execution_traces_"),
    "trace by prefix": (lambda s: s.trace("n", RUNS[0][:9]), "execution_traces"),
    "children": (lambda s: s.children(RUNS[0]), "ix_execution_traces_parent_id"),
    "spans": (lambda s: s.spans(RUNS[0]), "ix_spans_execution"),
    "artifacts": (lambda s: s.artifacts(RUNS[0]), "code_artifacts"),
    "executions": (lambda s: s.executions_of(OWNERS, per_fingerprint=2), "ix_execution_traces_fingerprint"),
    "fingerprints": (lambda s: s.fingerprints(OWNERS), "task_fingerprints"),
    "task hash": (lambda s: s.by_hash("n", task_hash="hash-1"), "task_fingerprints"),
    "shape hash": (lambda s: s.by_hash("n", shape_hash="shape-1"), "ix_task_fingerprints_shape"),
    "frequencies": (lambda s: s.document_frequencies("n", ["word", "w1"]), "keyword_counts"),
    "keywords": (lambda s: s.keyword_candidates("n", ["word", "w1"], 10), "keyword_counts"),
    "vectors": (lambda s: list(s.embeddings("n", "m")), "embeddings"),
    "log": (lambda s: s.read_log(5, 10), "events"),
    "pattern by prefix": (lambda s: s.pattern("n", PATTERN[:9]), "patterns"),
    "pattern by name": (lambda s: s.pattern("n", "1"), "patterns_"),
    "patterns": (lambda s: s.patterns(PatternQuery(namespace="n")), "patterns_"),
    "patterns by status": (lambda s: s.patterns(PatternQuery(namespace="n", status=("active",))), "ix_patterns_status"),
    "patterns of tasks": (
        lambda s: s.patterns(PatternQuery(namespace="n", fingerprint_ids=tuple(OWNERS))),
        "ix_patterns_fingerprint",
    ),
    "patterns of tasks by status": (
        lambda s: s.patterns(PatternQuery(namespace="n", status=("active",), fingerprint_ids=tuple(OWNERS))),
        "ix_patterns_fingerprint",
    ),
    "templates of patterns": (
        lambda s: s.templates("n", derived_from=[PATTERN]),
        "ix_pattern_templates_pattern",
    ),
    "template by name": (lambda s: s.template("n", "1"), "pattern_templates_"),
    "templates": (lambda s: s.templates("n"), "pattern_templates_"),
    "failure by signature": (lambda s: s.failure("n", "1"), "failure_patterns_"),
    "failures": (lambda s: s.failures(FailureQuery(namespace="n", resolved=True)), "ix_resolutions_failure"),
    "resolutions": (lambda s: s.resolutions([FAILURE]), "ix_resolutions_failure"),
    "occurrences": (lambda s: s.occurrences(FAILURE), "ix_failure_occurrences_failure"),
    "chains": (lambda s: s.chains("n"), "ix_agent_chaining_patterns_kind"),
    "whole executions": (lambda s: s.executions(RUNS), "ix_spans_execution"),
    "all executions": (lambda s: next(s.all_executions("n", batch=3)), "execution_traces"),
    "tasks of executions": (lambda s: next(s.execution_tasks("n")), "execution_traces"),
}
WHO = Identity(namespace="n", agent_id="seasoned", role="librarian")
HOT.update({
    "library by id": (lambda s: s.visible_pattern(WHO, PATTERN), "patterns"),
    "library by name": (lambda s: s.visible_pattern(WHO, "1"), "ix_patterns_name"),
    "library of a status": (
        lambda s: s.visible_patterns(WHO, LibraryQuery(namespace="n", status=("active",))), "ix_patterns_status",
    ),
    "library, everywhere": (lambda s: s.visible_patterns(WHO, LibraryQuery()), "patterns"),
    "library of an owner": (lambda s: s.cards(WHO, LibraryQuery(namespace="n", agent_id="seasoned")), "patterns"),
    "family": (lambda s: s.family(WHO, PATTERN), "ix_patterns_parent"),
    "usages": (lambda s: s.usages(WHO, PATTERN), "ix_pattern_usages_pattern"),
    "used by": (lambda s: s.used_by(WHO), "ix_pattern_usages_agent"),
    "audit": (lambda s: s.audit(WHO), "ix_audit_log_"),
    "audit of one": (lambda s: s.audit(WHO, subject=PATTERN), "ix_audit_log_subject"),
    "token": (lambda s: s.token("h"), "api_tokens"),
})  # fmt: skip
_READ_WHOLE = re.compile(r"Seq Scan on (\w+)|^SCAN (\w+)$", re.MULTILINE)


_BY_RIGHTS = {"used by", "usages", "audit", "audit of one"}
_HASHED = {"patterns", "audit_log"}
"""What a reader may read is looked up once for the whole answer, if that is cheaper than once for each row."""
_RESULTS = {"k", "u", "d", "upwards", "downwards"}
"""What a statement makes for itself on the way: rows by a word, the steps up and down a family."""


def read_whole(plan: str) -> set[str]:
    """Tables that a plan reads from one end to the other."""
    return {one or other for one, other in _READ_WHOLE.findall(plan)} - _RESULTS


@pytest.mark.parametrize("name", HOT)
def test_hot_reads_use_an_index(store: SqlStore, name: str) -> None:
    call, index = HOT[name]
    call(store)
    engine = store.engine
    assert isinstance(engine, ExplainingEngine)
    assert engine.plans
    for plan in engine.plans:
        assert not read_whole(plan) - (_HASHED if name in _BY_RIGHTS and engine.dialect == "postgresql" else set()), (
            plan
        )
        assert re.search(r"index|primary key", plan, re.IGNORECASE), plan
    assert any(re.search(index, plan) for plan in engine.plans), engine.plans


@pytest.mark.parametrize(
    "name",
    [
        *("traces newest", "traces by time", "traces by status", "executions", "log", "vectors", "all executions"),
        "tasks of executions",
    ],
)
def test_what_is_asked_in_order_is_read_in_order(store: SqlStore, name: str) -> None:
    engine = store.engine
    assert isinstance(engine, ExplainingEngine)
    # bitmap scans lose the order and win on tables this small
    engine.settings = ("enable_seqscan", "enable_sort", "enable_bitmapscan")
    HOT[name][0](store)
    for plan in engine.plans:
        assert "Sort" not in plan, plan
        assert "TEMP B-TREE" not in plan, plan


def test_full_text_uses_its_index(store: SqlStore) -> None:
    engine = store.engine
    assert isinstance(engine, ExplainingEngine)
    store.keyword_candidates("n", ["w1"], 10)
    wanted = "fingerprint_search VIRTUAL TABLE INDEX" if engine.dialect == "sqlite" else "ix_task_fingerprints_search"
    assert any(wanted in plan for plan in engine.plans), engine.plans


def test_words_of_patterns_use_their_index(store: SqlStore) -> None:
    """On PostgreSQL the rights to a pattern are looked up once for all words, which reads every pattern's owner."""
    engine = store.engine
    assert isinstance(engine, ExplainingEngine)
    assert len(store.keyword_patterns(WHO, ["7", "word"], LibraryQuery(), 9)) == 9
    (plan,) = engine.plans
    wanted = "SEARCH pattern_keywords USING PRIMARY KEY" if engine.dialect == "sqlite" else "using pk_pattern_keywords"
    assert wanted in plan, plan


def test_pending_embeddings_are_looked_up_by_key(store: SqlStore) -> None:
    """Every fingerprint is looked at, but no vector is read."""
    engine = store.engine
    assert isinstance(engine, ExplainingEngine)
    engine.settings = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
    assert len(store.without_embedding("m", 100)) == 20
    (plan,) = engine.plans
    wanted = r"e USING COVERING INDEX" if engine.dialect == "sqlite" else r"Index Only Scan using \w+ on embeddings e"
    assert re.search(wanted, plan), plan


def test_counters_are_computed_from_the_index_alone(store: SqlStore) -> None:
    engine = store.engine
    assert isinstance(engine, ExplainingEngine)
    with store.writing() as writing:
        writing.refresh_derived(RUNS, OWNERS)
    (plan,) = [plan for plan in engine.plans if "ix_execution_traces_fingerprint" in plan]
    wanted = r"t USING COVERING INDEX" if engine.dialect == "sqlite" else r"Index Only Scan using ix_execution_traces_f"
    assert re.search(wanted, plan), plan
    for plan in engine.plans:
        assert not read_whole(plan), plan


def test_saving_looks_up_what_it_meets_by_key(store: SqlStore) -> None:
    engine = store.engine
    assert isinstance(engine, ExplainingEngine)
    run = trace("0/0", revision=1)
    with store.writing() as writing:
        writing.append([event("1")])
        writing.traces([run.execution_id])
        writing.save_fingerprints([fingerprint("1")])
        writing.save_traces([(run, OWNERS[0])])
        writing.save_spans([span(run, "new")])
    assert len(engine.plans) >= 5
    for plan in engine.plans:
        assert not read_whole(plan), plan


def test_saving_what_was_learned_looks_up_what_it_meets_by_key(store: SqlStore) -> None:
    engine = store.engine
    assert isinstance(engine, ExplainingEngine)
    owner = failure("1")
    with store.writing() as writing:
        writing.save_patterns([pattern("1", fingerprint_id=OWNERS[0])])
        writing.replace_failure(owner, [resolution(owner, "a")], [occurrence(owner, "1")])
        writing.replace_chains("n", [chain("a", "b")])
        writing.delete_failures([name_id("failure", "2")])
    assert len(engine.plans) >= 9
    for plan in engine.plans:
        assert not read_whole(plan), plan


def test_nearest_uses_the_index_of_the_model(store: SqlStore) -> None:
    engine = store.engine
    assert isinstance(engine, ExplainingEngine)
    if engine.dialect == "sqlite":
        return
    with engine.inner.writing(durable=False) as session:
        assert ensure_index(session, "m", 3, at_least=10)
    engine.settings = ("enable_seqscan", "enable_sort")
    found = PgVectorIndex(store, Neighbour, exact_below=0).nearest("n", "m", [0.0, 1.0, 0.5], 3)
    assert found[0].owner_id == name_id("fingerprint", "0")
    assert any("ix_embeddings_hnsw_" in plan for plan in engine.plans), engine.plans
