"""An MCP server with a search tool, on the official SDK: ``search_server.py MODE [PORT]``; with a port on HTTP."""

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver import MCPServer

PASSAGES = [
    {"title": "Release", "content": "A release is published by its tag.", "url": "https://docs.example/release"},
    {"title": "Tags", "content": "A tag is published with git push --tags.", "url": "https://docs.example/tags"},
    {"title": "Rights", "content": "Maintainers publish.", "url": "https://docs.example/rights"},
]
FOUL = "\x1b[31mred\x1b[0m \u202eback\u202c \x00nul\u200b end " + "long " * 1000


def made(mode: str) -> MCPServer:
    server = MCPServer(f"docs {mode}")

    def documents(query: str, match_count: int = 5) -> dict[str, Any]:
        """Search the documentation."""
        match mode:
            case "empty":
                return {"results": []}
            case "dies":
                os._exit(3)
            case "hangs":
                time.sleep(600)
            case "raises":
                raise ValueError("the index is being built")
            case "refuses":
                return {"success": False, "error": "no credits left"}
            case "foul":
                return {"results": [{"title": FOUL, "content": FOUL, "url": FOUL, "score": float(10**6)}]}
            case "huge":
                return {"results": [{"content": "x" * 9_000_000}]}
            case "many":
                return {"results": [{"content": f"passage {number}"} for number in range(5_000)]}
            case _:
                pass
        return {"results": PASSAGES[:match_count], "asked": query}

    server.add_tool(documents, name="rag_search_knowledge_base" if mode == "archon" else "search_documents")
    if mode in {"several", "archon"}:

        def examples(query: str) -> Mapping[str, Any]:
            """Search code examples."""
            return {"results": []}

        server.add_tool(examples, name="search_code_examples")
    return server


def speak_statelessly() -> None:
    """Answer in the protocol of 2026 alone, which has no handshake."""
    kept = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    answers: dict[str, dict[str, Any]] = {
        "server/discover": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, **kept},
        "tools/list": {"tools": [{"name": "search", "inputSchema": schema}], **kept},
        "tools/call": {"content": [{"type": "text", "text": "a passage"}], "resultType": "complete"},
    }
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            found = answers.get(message["method"])
            body = {"result": found} if found else {"error": {"code": -32601, "message": "Method not found"}}
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **body}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "stateless":
        speak_statelessly()
        sys.exit()
    if sys.argv[1] == "deaf":
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        time.sleep(600)
    if sys.argv[1] == "keyless":
        sys.exit("no key: set DOCS_KEY")
    if len(sys.argv) > 2:
        made(sys.argv[1]).run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        made(sys.argv[1]).run("stdio")
