"""Row-level security, by raw SQL: a login that is only a member of ``seasoned_agent`` gets nothing past the policy."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import quote

import pytest
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import Error

from seasoned.errors import AccessDeniedError, StoreError
from seasoned.library.access import may_read, right
from seasoned.model import Identity, Role
from seasoned.store import LibraryQuery, open_store
from seasoned.store.migrate import downgrade
from seasoned.store.postgres import PostgresEngine
from seasoned.store.schema import METADATA
from seasoned.store.sql import SqlStore
from seasoned.testing.knowledge_records import failure, occurrence, pattern, resolution, template
from seasoned.testing.library_records import PATTERNS, READERS, expected, fill_library
from seasoned.testing.postgres import PostgresServer
from seasoned.testing.stores import fingerprint, save, span, trace

READABLE = {
    "agent_chaining_patterns", "audit_log", "code_artifacts", "embeddings", "execution_traces", "failure_occurrences",
    "failure_patterns", "keyword_counts", "library_revision", "pattern_keywords", "pattern_templates", "pattern_usages",
    "patterns", "resolutions", "similarity_weights", "spans", "task_fingerprints",
}  # fmt: skip
WRITABLE = {"patterns", "pattern_templates", "pattern_usages", "audit_log"}
LEVELS_OF_TEMPLATES = [
    template(f"{level} {owner} {namespace}", namespace=namespace, agent_id=owner, access_level=level)
    for level in ("private", "team", "shared", "public", "system")
    for owner in ("owner", "seasoned")
    for namespace in ("n", "m")
]


@contextmanager
def a_login(url: str) -> Generator[str, None, None]:
    """URL of a new login without any right of its own; gone afterwards."""
    name = f"seasoned_login_{secrets.token_hex(4)}"
    with Connection.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        try:
            yield make_conninfo(url, user=name)
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def filled(postgres: PostgresServer) -> Generator[tuple[SqlStore, str], None, None]:
    """A store with something in every table that an agent may ask, and the URL of a login for agents."""
    with postgres.database() as url:
        store = open_store(url)
        fill_library(store)
        for namespace in ("n", "m"):
            run, owner = (
                trace(f"run-{namespace}", namespace=namespace),
                fingerprint(f"f-{namespace}", "word", namespace=namespace),
            )
            save(store, [(run, owner)], [span(run, f"s-{namespace}")])
            broken = failure(f"broken {namespace}", namespace=namespace)
            with store.writing() as writing:
                writing.replace_failure(broken, [resolution(broken, "a")], [occurrence(broken, "1")])
                writing.save_embeddings("m", [(namespace, owner.fingerprint_id, [1.0, 0.0])])
        with store.writing() as writing:
            writing.save_templates(LEVELS_OF_TEMPLATES)
        with a_login(url) as login:
            with Connection.connect(url, autocommit=True) as connection:
                connection.execute(sql.SQL("GRANT seasoned_agent TO {}").format(sql.Identifier(_user(login))))
            yield store, login
        store.close()


def _user(login: str) -> str:
    return str(conninfo_to_dict(login)["user"])


@contextmanager
def as_reader(login: str, reader: Identity | None) -> Generator[Connection[tuple[Any, ...]], None, None]:
    with Connection.connect(login) as connection:
        if reader is not None:
            for name in ("namespace", "agent_id", "role"):
                connection.execute("SELECT set_config(%s, %s, false)", (f"seasoned.{name}", getattr(reader, name)))
            connection.commit()
        yield connection
        connection.rollback()


def _ids(connection: Connection[tuple[Any, ...]], statement: str) -> set[str]:
    return {str(row[0]) for row in connection.execute(statement.encode())}


def test_every_table_with_a_namespace_is_behind_policies(filled: tuple[SqlStore, str]) -> None:
    wanted = {table.name for table in METADATA.tables.values() if "namespace" in table.columns}
    with filled[0].engine.reading() as session:
        rows = session.rows("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
    assert {row[0] for row in rows} == wanted | {"pattern_keywords"}


def test_tables_outside_the_agents_business_are_closed(filled: tuple[SqlStore, str]) -> None:
    with Connection.connect(filled[1], autocommit=True) as connection:
        for name in METADATA.tables:
            rights = {
                kind
                for kind in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
                if connection.execute("SELECT has_table_privilege(%s, %s)", (name, kind)).fetchone() == (True,)
            }
            wanted = {"SELECT"} if name in READABLE else set[str]()
            wanted |= {"INSERT"} if name in WRITABLE else set()
            wanted |= {"UPDATE", "DELETE"} if name in {"patterns", "pattern_templates"} else set()
            assert rights == wanted, name


def test_reading_gives_what_the_policy_says_and_not_one_row_more(filled: tuple[SqlStore, str]) -> None:
    for reader in READERS:
        allowed = expected(reader)
        with as_reader(filled[1], reader) as connection:
            assert _ids(connection, "SELECT pattern_id FROM patterns") == allowed, reader
            assert _ids(connection, "SELECT pattern_id FROM learning_patterns") == allowed
            assert _ids(connection, "SELECT DISTINCT pattern_id FROM pattern_keywords") == allowed
            assert _ids(connection, "SELECT DISTINCT pattern_id FROM pattern_usages") <= allowed
            assert _ids(connection, "SELECT DISTINCT namespace FROM pattern_usages") <= {reader.namespace}
            assert _ids(connection, "SELECT owner_id FROM embeddings WHERE owner_kind = 'pattern'") == allowed
            told = filled[0].audit(reader, limit=1_000)
            assert connection.execute("SELECT count(*) FROM audit_log").fetchone() == (len(told),), reader
            templates = {
                item.template_id
                for item in LEVELS_OF_TEMPLATES
                if may_read(
                    reader,
                    pattern("x", namespace=item.namespace, agent_id=item.agent_id, access_level=item.access_level),
                )
            }
            assert _ids(connection, "SELECT template_id FROM pattern_templates") == templates
            for name in READABLE - {"audit_log", "pattern_usages", "pattern_templates", "patterns", "embeddings"}:
                if "namespace" in METADATA.tables[name].columns:
                    found = _ids(connection, f"SELECT DISTINCT namespace FROM {name}")
                    assert found <= {reader.namespace}, (reader, name)
                    if reader.namespace in {"n", "m"} and name not in {"code_artifacts", "agent_chaining_patterns"}:
                        assert found == {reader.namespace}, (reader, name)


def test_without_settings_nothing_is_seen(filled: tuple[SqlStore, str]) -> None:
    half = Identity(namespace="n", agent_id="")
    for reader in (
        None,
        half,
        Identity(namespace="", agent_id="a"),
        Identity(namespace="n", agent_id="a", role=cast("Role", "boss")),
    ):
        with as_reader(filled[1], reader) as connection:
            for name in READABLE - {"library_revision", "similarity_weights"}:
                assert connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone() == (0,), (reader, name)


def test_changing_is_what_the_policy_says_and_not_one_row_more(filled: tuple[SqlStore, str]) -> None:
    for reader in READERS:
        owned = {item.pattern_id for item in PATTERNS if right(reader, "change", item) == "yes"}
        judged = {item.pattern_id for item in PATTERNS if right(reader, "promote", item) in {"yes", "asks"}}
        with as_reader(filled[1], reader) as connection:
            assert _ids(connection, "DELETE FROM patterns RETURNING pattern_id") == owned, reader
            connection.rollback()
            flagged = "UPDATE patterns SET review_flags = '{x}' RETURNING pattern_id"
            assert _ids(connection, flagged) == judged | owned, reader
            connection.rollback()
            for item in PATTERNS:
                for column, value in (("intent", "x"), ("namespace", "else"), ("agent_id", "thief")):
                    done = _done(
                        connection, f"UPDATE patterns SET {column} = '{value}' WHERE pattern_id = '{item.pattern_id}'"
                    )
                    assert done == (1 if column == "intent" and item.pattern_id in owned else 0), (reader, item)
                done = _done(
                    connection, f"UPDATE patterns SET status = 'active' WHERE pattern_id = '{item.pattern_id}'"
                )
                able = item.status == "active" and item.pattern_id in judged | owned
                assert done == (1 if able or right(reader, "promote", item) == "yes" else 0), (reader, item)
            assert _done(connection, "UPDATE pattern_usages SET success = false") == 0
            assert _done(connection, "DELETE FROM audit_log") == 0


def _done(connection: Connection[tuple[Any, ...]], statement: str) -> int:
    """Rows touched; 0 where it is refused."""
    try:
        return connection.execute(statement.encode()).rowcount
    except Error as error:
        assert error.sqlstate == "42501", error
        return 0
    finally:
        connection.rollback()


def test_inserting_is_for_oneself(filled: tuple[SqlStore, str]) -> None:
    columns = (
        "pattern_id, pattern_name, namespace, agent_id, pattern_type, status, access_level, shared_with_agents, version, "
        "execution_ids, required_tools, applicable_domains, technology_requirements, origin_trust, review_flags, "
        "created_at, updated_at"
    )
    public = next(item for item in PATTERNS if item.access_level == "public")
    hidden = next(
        item for item in PATTERNS if (item.access_level, item.agent_id, item.namespace) == ("private", "owner", "m")
    )
    for reader in READERS:
        with as_reader(filled[1], reader) as connection:
            for namespace in ("n", "m", reader.namespace):
                for owner in ("owner", "seasoned", reader.agent_id):
                    for level in ("private", "team", "system"):
                        for status in ("candidate", "active"):
                            made = pattern("made", namespace=namespace, agent_id=owner, access_level=level)
                            try:
                                done = connection.execute(
                                    f"INSERT INTO patterns ({columns}) VALUES (gen_random_uuid(), 'made', %s, %s, 'fix', %s, "
                                    "%s, '{}', '1.0.0', '{}', '{}', '{}', '{}', 'own', '{}', now(), now())".encode(),
                                    (namespace, owner, status, level),
                                ).rowcount
                            except Error as error:
                                assert error.sqlstate == "42501", error
                                done = 0
                            connection.rollback()
                            mine = namespace == reader.namespace and (
                                owner == reader.agent_id or (owner == "seasoned" and reader.role == "admin")
                            )
                            able = (mine or level == "system") and right(reader, "change", made) == "yes"
                            able = able and (status == "candidate" or right(reader, "promote", made) == "yes")
                            assert done == able, (reader, made, status)
            for who, used, able in (
                (reader.agent_id, public, True),
                ("else", public, False),
                (reader.agent_id, hidden, None),
            ):
                said = f"'{used.pattern_id}', $q${reader.namespace}$q$, $q${who}$q$, now()"
                done = _done(
                    connection,
                    f"INSERT INTO pattern_usages (usage_id, pattern_id, namespace, agent_id, used_at) VALUES (gen_random_uuid(), {said})",
                )
                assert done == (may_read(reader, used) if able is None else able), (reader, who)
            for who, able in ((reader.agent_id, True), (f"boss for {reader.agent_id}", True), ("else", False)):
                said = f"$q${reader.namespace}$q$, $q${who}$q$, 'create', now()"
                done = _done(connection, f"INSERT INTO audit_log (namespace, who, what, at) VALUES ({said})")
                assert done == able, (reader, who)


def test_no_right_leaks_to_whoever_borrows_the_connection_next(postgres_url: str) -> None:
    store = open_store(postgres_url, pool=(1, 1))
    reader = Identity(namespace="n", agent_id="a")
    with store.writing() as writing:
        writing.save_patterns([pattern("a", agent_id="b", access_level="private")])
    state = "SELECT current_user, current_setting('seasoned.agent_id', true)"
    with store.engine.reading() as session:
        ((service, _),) = session.rows(state)
    with store.engine.reading(reader) as session:
        assert session.rows(state) == [("seasoned_agent", "a")]
        with pytest.raises(AccessDeniedError, match="api_tokens"):
            session.rows("SELECT * FROM api_tokens")
    with pytest.raises(ZeroDivisionError), store.engine.writing(durable=False, reader=reader) as session:
        with session.as_service():
            assert session.rows(state)[0][0] == service
            with session.as_service():
                assert not session.confined
            assert session.rows(state)[0][0] == service
        assert session.rows(state) == [("seasoned_agent", "a")]
        raise ZeroDivisionError
    with pytest.raises(StoreError), store.engine.writing(durable=False, reader=reader) as session, session.as_service():
        session.rows("SELECT nonsense")
    with store.writing(reader=reader) as writing:
        with pytest.raises(StoreError), writing.savepoint(), writing.as_service():
            writing.save_patterns([pattern("b", success_score=7.0)])
        assert writing.pattern(pattern("a").pattern_id) is None
        writing.save_patterns([pattern("mine", agent_id="a")])
    for block in (store.engine.reading(), store.engine.writing(durable=False)):
        with block as session:
            assert session.rows(state) == [(service, "")]
            assert len(session.rows("SELECT 1 FROM patterns")) == 2
    store.close()


def test_a_user_without_rights_is_told_what_somebody_must_run(postgres: PostgresServer) -> None:
    """A plain owner of a database, as managed servers give one: no superuser, nothing passes by the policies."""
    with postgres.database(migrated=False) as url, a_login(url) as login:
        user = _user(login)
        with Connection.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(user)))
            connection.execute("CREATE EXTENSION vector")
            there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'seasoned_agent'").fetchone()
            if there is None:
                connection.execute("CREATE ROLE seasoned_agent NOLOGIN")
        target = _as_url(login)
        with pytest.raises(StoreError, match=rf"CREATE ROLE seasoned_agent NOLOGIN; GRANT seasoned_agent TO {user};"):
            open_store(target)
        with Connection.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("GRANT seasoned_agent TO {}").format(sql.Identifier(user)))
        store = open_store(target)
        fill_library(store)
        assert store.count_visible(READERS[1], LibraryQuery()) == len(expected(READERS[1]))
        assert len(store.without_pattern_embedding("none", 99)) == len(PATTERNS)
        assert isinstance(store.engine, PostgresEngine)
        downgrade(store.engine, "0001", lose_data=True)
        with store.engine.reading() as session:
            assert session.rows("SELECT count(*) FROM patterns") == [(len(PATTERNS),)]
            assert session.rows("SELECT relname FROM pg_class WHERE relrowsecurity") == []
        store.close()


def _as_url(conninfo: str) -> str:
    given = conninfo_to_dict(conninfo)
    return f"postgresql://{given['user']}@/{given['dbname']}?host={quote(str(given['host']), safe='')}"
