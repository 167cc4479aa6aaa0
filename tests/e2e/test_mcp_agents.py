"""Several agents at one ``seasoned mcp --http``, on both stores: who has which token decides what there is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp_servers import answered, bearing, http_server, opened, refused, token
from psycopg import Connection, sql

from seasoned.library import revoke_token
from seasoned.model import Identity
from seasoned.testing.postgres import PostgresServer

pytestmark = pytest.mark.slow

ADMIN = Identity(namespace="default", agent_id="local", role="admin", local=True)
NOBODY = "01a1f000-0000-7000-8000-000000000000"
SECRET = "ghp_" + "a1B2" * 9
AT_ONCE = 20
UNLIMITED = {f"SEASONED_LIMITS__{kind}": "1000000" for kind in ("CHECK", "CAPTURE", "RECORD")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server, its store, and a token of each agent."""

    url: str
    home: Path
    variables: dict[str, str]
    tokens: dict[str, str]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    if request.param == "sqlite":
        yield from serving(home, {})
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.database() as url:
            yield from serving(home, {"SEASONED_DATABASE_URL": url})


def serving(home: Path, variables: dict[str, str]) -> Iterator[Served]:
    tokens = {
        "alice": token(home, "alice", variables=variables),
        "bob": token(home, "bob", variables=variables),
        "lib": token(home, "lib", "librarian", variables=variables),
        "admin": token(home, "root", "admin", variables=variables),
        "away": token(home, "alice", namespace="elsewhere", variables=variables),
    }
    with http_server(home, **variables, **UNLIMITED) as url:
        yield Served(url=url, home=home, variables=variables, tokens=tokens)


def test_what_a_private_pattern_looks_like_to_somebody_else(served: Served) -> None:
    """Nothing: in no list, count, search, answer or error is it told from what was never there."""

    async def everything(client: Client, key: str, own: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for tool in ("get_pattern_analytics", "suggest_learning_opportunities"):
            found[tool] = await answered(client, tool)
        found["apply"] = await answered(client, "apply_pattern", pattern_query="rotate the zebra key", min_similarity=0)
        found["similar"] = await answered(client, "check_similar_tasks", prompt="zebra key", semantic=False)
        found["similar"].pop("latency_ms")
        found["resources"] = [str(each.uri) for each in (await client.list_resources()).resources]
        found["usage"] = await refused(client, "record_usage", pattern_id=key)
        found["evolve"] = await refused(client, "evolve_pattern", pattern_id=key, success_feedback=True)
        found["promote"] = await refused(client, "promote_pattern", pattern_id=key, waiver="w", reason="r")
        found["apart"] = await refused(client, "promote_pattern", pattern_id=own, waiver="w", distinct_from=[key])
        for name, asking in (
            ("read", lambda: client.read_resource(f"seasoned://patterns/{key}")),
            ("prompt", lambda: client.get_prompt("apply_pattern", {"pattern": key, "task": "t"})),
        ):
            with pytest.raises(MCPError) as error:
                await asking()
            found[name] = (error.value.code, str(error.value).replace(key, "KEY"))
        return json.loads(json.dumps(found).replace(key, "KEY"))

    async def main() -> None:
        others = ("bob", "lib", "admin", "away")
        before: dict[str, Any] = {}
        own: dict[str, str] = {}
        for name in others:
            async with bearing(served.url, served.tokens[name]) as client:
                made = await learned(client, f"Own of {name}", "paint the shed")
                own[name] = made["pattern_id"]
                before[name] = await everything(client, NOBODY, own[name])
        async with bearing(served.url, served.tokens["alice"]) as client:
            made = await learned(client, "Zebra", "rotate the zebra key")
            assert made["access_level"] == "private"
            assert (await answered(client, "apply_pattern", pattern_query="zebra key"))["found"]
        for name in others:
            async with bearing(served.url, served.tokens[name]) as client:
                for key in (made["pattern_id"], "Zebra"):
                    assert await everything(client, key, own[name]) == before[name], (name, key)

    anyio.run(main)


def test_the_token_says_who_it_is(served: Served) -> None:
    async def main() -> None:
        async with bearing(served.url, served.tokens["bob"]) as client:
            ran, kept = await worked(client, "Paint the shed", "Paint")
            file = await answered(
                client, "log_code_quality", path_id=ran["path_id"], file_path=str(Path(__file__)),
                artifact_type="auto", language="auto",
            )  # fmt: skip
            assert file["content_hash"] is None, "files of the server's machine are not looked at"
        with opened(served.home, **served.variables) as seasoned:
            found = seasoned.library.get_pattern(kept["pattern_id"])
            assert found is not None
            assert found.agent_id == "bob", "the agent of the run is an argument, and no identity"
        async with bearing(served.url, served.tokens["away"]) as client:
            told = await answered(client, "check_similar_tasks", prompt="Paint the shed", semantic=False)
            assert (told["matches_found"], told["recommended_patterns"]) == (0, []), "another namespace"
            code, message = await refused(
                client, "capture_task_execution", prompt="p", task_type="auto", domain="auto", agent="a",
                success=True, auto_detect=True, execution_id=ran["path_id"],
            )  # fmt: skip
            assert (code, "default" in message) == ("UsageError", False), "nor is it named"

    anyio.run(main)


def test_an_owner_asks_and_a_librarian_promotes(served: Served) -> None:
    async def main() -> None:
        async with bearing(served.url, served.tokens["bob"]) as bob, bearing(served.url, served.tokens["lib"]) as lib:
            _, kept = await worked(bob, "Caulk the gutter", "Caulk")
            asked = await bob.call_tool("promote_pattern", {"pattern_id": kept["pattern_id"], "waiver": "I say so"})
            document: Any = asked.structured_content
            assert (document["result"]["promoted"], document["result"]["asked"]) == (False, True)
            assert "waits for a reviewer" in document["message"]
            assert "promotion_asked" in document["result"]["review_flags"]
            code, message = await refused(lib, "promote_pattern", pattern_id=kept["pattern_id"])
            assert (code, "give a waiver" in message) == ("ValidationError", True)
            done = await answered(lib, "promote_pattern", pattern_id=kept["pattern_id"], waiver="read it")
            assert (done["promoted"], done["owner"], done["status"]) == (True, "bob", "active")
            async with bearing(served.url, served.tokens["alice"]) as alice:
                code, message = await refused(alice, "promote_pattern", pattern_id=kept["pattern_id"], waiver="w")
                assert (code, "reviewers of its namespace" in message) == ("AccessDeniedError", True)
                found = await answered(alice, "apply_pattern", pattern_query="caulk the gutter")
                assert found["application_guidance"]["recommended_pattern"] == "Caulk"
        with opened(served.home, **served.variables) as seasoned:
            entries = seasoned.library.audit(kept["pattern_id"])
        assert [(each.what, each.who) for each in entries[:2]] == [("promote", "lib"), ("ask", "bob")]

    anyio.run(main)


def test_a_token_revoked_in_the_middle_of_a_session(served: Served) -> None:
    secret = token(served.home, "soon", variables=served.variables)

    async def main() -> None:
        async with bearing(served.url, secret) as client:
            await learned(client, "Mine", "hang the door")
            with opened(served.home, **served.variables) as seasoned:
                revoke_token(seasoned.store, ADMIN, secret, now=datetime.now(UTC))
            with pytest.raises(MCPError):
                await client.call_tool("get_pattern_analytics", {})
            with pytest.raises(MCPError):
                await client.list_resources()

    anyio.run(main)
    answer = httpx2.post(served.url, content=b"{}", headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, "was revoked" in answer.json()["error_description"]) == (401, True)


def test_twenty_clients_at_once_are_counted_exactly(served: Served) -> None:
    uses = 4

    async def main() -> None:
        async with bearing(served.url, served.tokens["bob"]) as bob:
            _, kept = await worked(bob, "Oil the hinges", "Oil")

        async def one(number: int) -> None:
            async with bearing(served.url, served.tokens[("alice", "bob", "lib", "admin")[number % 4]]) as client:
                for turn in range(uses):
                    await answered(
                        client, "record_usage", pattern_id=kept["pattern_id"], success=turn > 0, execution_time=1
                    )
                await learned(client, f"Of client {number}", f"text {number}")

        async with anyio.create_task_group() as group:
            for number in range(AT_ONCE):
                group.start_soon(one, number)
        with opened(served.home, **served.variables) as seasoned:
            found = seasoned.library.get_pattern(kept["pattern_id"])
            assert found is not None
            counts = found.usage_count, found.success_count, found.failure_count
            assert counts == (AT_ONCE * uses, AT_ONCE * (uses - 1), AT_ONCE)
            assert len(seasoned.library.usages(kept["pattern_id"], limit=200)) == AT_ONCE * uses

    anyio.run(main)


def test_no_secret_that_is_told_is_kept(served: Served) -> None:
    async def main() -> None:
        async with bearing(served.url, served.tokens["alice"]) as client:
            made = await answered(
                client, "learn_pattern", pattern_name=f"Key {SECRET}", category=f"c {SECRET}",
                pattern_content={f"k {SECRET}": [f"v {SECRET}"]}, examples=[SECRET, {SECRET: SECRET}],
            )  # fmt: skip
            key = made["pattern_id"]
            await answered(client, "record_usage", pattern_id=key, context_data={"x": SECRET, SECRET: 1})
            await answered(client, "evolve_pattern", pattern_id=key, notes=SECRET, evolution_data={"e": SECRET})
            await answered(client, "promote_pattern", pattern_id=key, waiver=SECRET, reason=SECRET)
            for tool, argument in (("apply_pattern", "pattern_query"), ("get_fix", "error")):
                await answered(client, tool, **{argument: SECRET})
            await refused(client, "record_usage", pattern_id=SECRET)

    anyio.run(main)
    kept = "\n".join(rows(served)) + "".join(
        each.read_bytes().decode("latin-1") for each in served.home.rglob("*") if each.is_file()
    )
    assert "redacted:github-token" in kept
    assert SECRET not in kept


def rows(served: Served) -> list[str]:
    """Every row of PostgreSQL as text; SQLite's stand in its file."""
    url = served.variables.get("SEASONED_DATABASE_URL")
    if url is None:
        return []
    with Connection.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        texts = [
            connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name))).fetchall()
            for (name,) in tables
        ]
    return [text for table in texts for (text,) in table]


async def learned(client: Client, name: str, content: str) -> Any:
    """A private pattern of the caller's own."""
    return await answered(client, "learn_pattern", pattern_name=name, pattern_content=content, category="security")


async def worked(client: Client, task: str, name: str) -> tuple[Any, Any]:
    """A task that went well, and the team's pattern of it."""
    ran = await answered(
        client, "capture_task_execution", prompt=task, task_type="auto", domain="auto", agent="alice", success=True,
        auto_detect=True,
    )  # fmt: skip
    kept = await answered(
        client, "record_success_pattern", fingerprint_id=ran["fingerprint_id"], path_id=ran["path_id"],
        pattern_name=name, pattern_type="workflow", recommended_steps=[{"action": task}],
    )  # fmt: skip
    return ran, kept
