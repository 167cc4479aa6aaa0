"""The MCP server as the access matrix drives it: the official client, in this process, and every tool and resource."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from mcp import Client, MCPError

from seasoned.app import Seasoned
from seasoned.doors.mcp.server import server_for
from seasoned.model import Identity, Pattern
from seasoned.testing.access_faces import Answer
from seasoned.testing.access_table import Attempt, Outcome

_OUTCOMES: dict[str, Outcome] = {"NotFoundError": "hidden", "AccessDeniedError": "no", "ConflictError": "moot"}
_R = TypeVar("_R")


class McpFace:
    """Tools, resources and the prompt."""

    def __init__(self, seasoned: Seasoned) -> None:
        """``seasoned``: of which each identity has its own view, as the HTTP server gives it to the bearer of a token."""
        self._seasoned = seasoned

    def covers(self, operation: Attempt, pattern: Pattern) -> bool:
        """There is no tool that shares, deletes or turns down."""
        return operation in {"read", "use", "branch", "promote"}

    def narrowed(self, who: Identity, pattern: Pattern, outcome: Outcome) -> Outcome:
        """The same."""
        return outcome

    def attempts(self, who: Identity, operation: Attempt, patterns: Sequence[Pattern]) -> list[Answer]:
        """One by one, in one session."""

        async def all_of_them(client: Client) -> list[Answer]:
            return [await _attempt(client, operation, each) for each in patterns]

        return self._in_session(who, all_of_them)

    def seen(self, who: Identity, patterns: Sequence[Pattern]) -> str:
        """All that can be asked."""
        return self._in_session(who, lambda client: _seen(client, patterns))

    def _in_session(self, who: Identity, work: Callable[[Client], Coroutine[Any, Any, _R]]) -> _R:
        server = server_for(lambda _: self._seasoned.seen_by(who))

        async def run() -> _R:
            async with Client(server) as client:
                return await work(client)

        return asyncio.run(run())


async def _attempt(client: Client, operation: Attempt, pattern: Pattern) -> Answer:
    key = pattern.pattern_id
    if operation == "read":
        try:
            await client.read_resource(f"seasoned://patterns/{key}")
        except MCPError as error:
            return Answer(outcome=_OUTCOMES[error.error.data["code"]], said=str(error))
        return Answer(outcome="yes")
    if operation == "use":
        document = await _called(client, "record_usage", pattern_id=key, success=True, execution_time=0.5)
    elif operation == "promote":
        document = await _called(client, "promote_pattern", pattern_id=key, waiver="it was tried")
        if document["success"]:
            assert document["result"]["promoted"] is not document["result"]["asked"]
            return Answer(outcome="yes" if document["result"]["promoted"] else "asks")
    else:
        document = await _called(client, "evolve_pattern", pattern_id=key, evolution_data={"solution": "another"})
    if not document["success"]:
        return Answer(outcome=_OUTCOMES[document["code"]], said=document["message"])
    return Answer(outcome="yes")


async def _called(client: Client, tool: str, **arguments: object) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    return result.structured_content


async def _seen(client: Client, patterns: Sequence[Pattern]) -> str:
    told: list[object] = []
    told.append(await _called(client, "get_pattern_analytics"))
    told.append(await _called(client, "suggest_learning_opportunities"))
    listed = await client.list_resources()
    told.append(listed)
    while listed.next_cursor is not None:
        listed = await client.list_resources(cursor=listed.next_cursor)
        told.append(listed)
    for each in patterns:
        word = each.pattern_name.split()[-1]
        found = await _called(
            client, "apply_pattern", pattern_query=f"problem {word}", max_patterns=50, min_similarity=0
        )
        if found["result"] is not None:
            for one in found["result"]["patterns"]:
                one["shared_words"] = [shared for shared in one["shared_words"] if shared != word]
        told.append(found)
        similar = await _called(client, "check_similar_tasks", prompt=f"problem {word}")
        told.append({name: value for name, value in similar["result"].items() if name != "query_fingerprint"})
        for key in (each.pattern_id, each.pattern_id[:18], each.pattern_name):
            for ask in (_resource, _prompt):
                told.append(await ask(client, key))
    return "\n".join(repr(each) for each in told)


async def _resource(client: Client, key: str) -> str:
    try:
        return repr(await client.read_resource(f"seasoned://patterns/{key.replace(' ', '%20')}"))
    except MCPError as error:
        return _without(str(error), key)


async def _prompt(client: Client, key: str) -> str:
    try:
        return repr(await client.get_prompt("apply_pattern", {"pattern": key, "task": "anything"}))
    except MCPError as error:
        return _without(str(error), key)


def _without(said: str, key: str) -> str:
    return said.replace(key, "KEY").replace(key.replace(" ", "%20"), "KEY")
