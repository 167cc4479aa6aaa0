"""A session by chuk-mcp, run as a program of its own: it leaves streams open, which is no matter of ours.

Called with a JSON object: ``{"command", "arguments", "environment"}`` or ``{"url", "token"}``; prints what it saw.
"""

import json
import sys
from typing import Any

import anyio
from chuk_mcp.client import MCPClient  # pyright: ignore[reportMissingTypeStubs]
from chuk_mcp.transports.http import (  # pyright: ignore[reportMissingTypeStubs]
    StreamableHTTPParameters,
    StreamableHTTPTransport,
)
from chuk_mcp.transports.stdio import StdioParameters, StdioTransport  # pyright: ignore[reportMissingTypeStubs]


async def seen(client: Any) -> dict[str, Any]:
    tools = [tool.name for tool in await client.list_tools()]
    made = await client.call_tool(
        "learn_pattern", {"pattern_name": "Push", "pattern_content": "git push -u", "category": "operations"}
    )
    pattern_id = made.structuredContent["result"]["pattern_id"]
    applied = await client.call_tool("apply_pattern", {"pattern_query": "git push"})
    used = await client.call_tool("record_usage", {"pattern_id": pattern_id, "success": True})
    wrong = await client.call_tool("record_usage", {"pattern_id": "nothing"})
    resources = [each.uri for each in await client.list_resources()]
    page = await client.read_resource(resources[0])
    prompt = await client.get_prompt("apply_pattern", {"pattern": "Push", "task": "push it"})
    return {
        "tools": tools,
        "pattern_id": pattern_id,
        "made": [made.isError, json.loads(made.content[0]["text"]) == made.structuredContent],
        "applied": [each["pattern_id"] for each in applied.structuredContent["result"]["patterns"]],
        "usage_count": used.structuredContent["result"]["usage_count"],
        "wrong": [wrong.isError, wrong.structuredContent["code"]],
        "resources": resources,
        "page": str(page),
        "prompt": str(prompt),
    }


async def main(given: dict[str, Any]) -> None:
    if "url" in given:
        transport: Any = StreamableHTTPTransport(
            StreamableHTTPParameters(url=given["url"], bearer_token=given["token"])
        )
    else:
        transport = StdioTransport(
            StdioParameters(command=given["command"], args=given["arguments"], env=given["environment"])
        )
    async with transport:
        sys.stdout.write(json.dumps(await seen(MCPClient(transport))))


if __name__ == "__main__":
    anyio.run(main, json.loads(sys.argv[1]))
