"""Which tool of a server searches, and how it wants to be called.

Servers agree on the protocol, not on names: the tool is called ``search_docs`` or ``perform_rag_query``, its text
``query`` or ``q``, its limit ``top_k`` or ``match_count``. Invariant: nothing is guessed where two choices are open. Then
the user is told what to set, as a wrong guess would send prompts to a tool that may do anything with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

__all__ = ["PRESETS", "OfferedTool", "UnfitServerError", "arguments_for", "search_tool"]

PRESETS: Mapping[str, tuple[str, ...]] = {"archon": ("rag_search_knowledge_base", "perform_rag_query")}
"""Names of a product's search tool, newest first: Archon renamed its own."""
_QUERY = ("query", "q", "text", "search_query", "search", "question", "prompt", "keywords")
_MOST = ("match_count", "limit", "top_k", "max_results", "num_results", "n_results", "count", "k")
_SHOWN = 8


class UnfitServerError(Exception):
    """The server has no tool that can be asked; the message says what to set. Stays inside this room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTool:
    """A tool as its server describes it."""

    name: str
    input_schema: Mapping[str, object]
    """JSON Schema of the arguments, untrusted."""


def search_tool(offered: Sequence[OfferedTool], *, wanted: str | None, preset: str | None) -> OfferedTool:
    """The tool to ask: the ``wanted`` one, else the preset's, else the only one whose name says that it searches.

    Raises UnfitServerError.
    """
    by_name = {each.name: each for each in offered}
    if wanted is not None:
        if wanted not in by_name:
            raise UnfitServerError(f"it has no tool {wanted!r}; it has {_listed(by_name)}")
        return by_name[wanted]
    if preset is not None:
        for name in PRESETS[preset]:
            if name in by_name:
                return by_name[name]
        raise UnfitServerError(
            f"it has none of the tools of the preset {preset} ({', '.join(PRESETS[preset])}); it has {_listed(by_name)}"
        )
    searching = [name for name in by_name if any(word in name.casefold() for word in ("search", "query"))]
    if len(searching) == 1:
        return by_name[searching[0]]
    if searching:
        raise UnfitServerError(f"several of its tools search; set knowledge.tool to one of {_listed(searching)}")
    raise UnfitServerError(f"no tool's name says that it searches; set knowledge.tool to one of {_listed(by_name)}")


def arguments_for(tool: OfferedTool, query: str, most: int) -> dict[str, object]:
    """Arguments that fit the tool's schema: the query, and how many results where it takes that.

    Raises UnfitServerError where it takes no query, or asks for more than that.
    """
    properties = _mapping(tool.input_schema.get("properties"))
    required = [each for each in _list(tool.input_schema.get("required")) if isinstance(each, str)]
    texts = [name for name in properties if _allows(properties[name], "string")]
    key = next((name for name in _QUERY if name in texts), None)
    if key is None:
        needed = [name for name in required if name in texts]
        only = needed if needed else texts
        if len(only) != 1:
            raise UnfitServerError(f"its tool {tool.name} takes no query (none of {', '.join(_QUERY[:3])})")
        key = only[0]
    arguments: dict[str, object] = {key: query}
    limit = next((name for name in _MOST if name in properties and _allows(properties[name], "integer")), None)
    if limit is not None:
        arguments[limit] = _within(_mapping(properties[limit]), most)
    lacking = [name for name in required if name not in arguments]
    if lacking:
        raise UnfitServerError(
            f"its tool {tool.name} needs {', '.join(_short(each) for each in lacking[:_SHOWN])}, which a search has not"
        )
    return arguments


def _allows(schema: object, kind: str) -> bool:
    """Whether a value of this JSON type passes; a property that names no type takes any."""
    found = _mapping(schema)
    options = [_mapping(each) for key in ("anyOf", "oneOf") for each in _list(found.get(key))]
    if options:
        return any(_allows(each, kind) for each in options)
    stated = found.get("type")
    kinds = _list(stated) or [stated]
    return stated is None or kind in kinds or (kind == "integer" and "number" in kinds)


def _within(schema: Mapping[str, object], most: int) -> int:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(high, int | float) and most > high:
        most = int(high)
    return max(most, int(low)) if isinstance(low, int | float) else most


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _listed(names: Sequence[str] | Mapping[str, object]) -> str:
    every = list(names)
    if not every:
        return "none at all"
    return ", ".join(_short(each) for each in every[:_SHOWN]) + (", …" if len(every) > _SHOWN else "")


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"
