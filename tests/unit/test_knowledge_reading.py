"""Which tool of a foreign server is asked, with what, and what is made of its answer."""

import json

import pytest

from seasoned.knowledge.reading import read_results, refusal
from seasoned.knowledge.tools import OfferedTool, UnfitServerError, arguments_for, search_tool


def tool(name: str = "search", required: tuple[str, ...] = (), **properties: object) -> OfferedTool:
    return OfferedTool(name=name, input_schema={"properties": properties, "required": list(required)})


TEXT = {"type": "string"}
WHOLE = {"type": "integer"}


@pytest.mark.parametrize(
    ("names", "wanted", "preset", "chosen"),
    [
        (("add", "searchDocs"), None, None, "searchDocs"),
        (("read", "perform_rag_QUERY"), None, None, "perform_rag_QUERY"),
        (("search", "query"), "query", None, "query"),
        (("add",), "add", None, "add"),
        (("perform_rag_query", "search_code"), None, "archon", "perform_rag_query"),
        (("perform_rag_query", "rag_search_knowledge_base"), None, "archon", "rag_search_knowledge_base"),
    ],
)
def test_the_tool(names: tuple[str, ...], wanted: str | None, preset: str | None, chosen: str) -> None:
    assert search_tool([tool(name) for name in names], wanted=wanted, preset=preset).name == chosen


@pytest.mark.parametrize(
    ("names", "wanted", "preset", "said"),
    [
        (("search", "query"), None, None, "set knowledge.tool to one of search, query"),
        (("add", "remove"), None, None, "one of add, remove"),
        ((), None, None, "one of none at all"),
        (("search",), "find", None, "no tool 'find'; it has search"),
        (("search",), None, "archon", "preset archon"),
        (tuple(f"search{n}" for n in range(50)), None, None, "search7, …"),
    ],
)
def test_no_tool_is_guessed(names: tuple[str, ...], wanted: str | None, preset: str | None, said: str) -> None:
    with pytest.raises(UnfitServerError, match=said):
        search_tool([tool(name) for name in names], wanted=wanted, preset=preset)


@pytest.mark.parametrize(
    ("offered", "arguments"),
    [
        (tool(query=TEXT, match_count=WHOLE), {"query": "x", "match_count": 5}),
        (tool(q=TEXT, top_k={"type": "number"}), {"q": "x", "top_k": 5}),
        (tool(text=TEXT, source=TEXT), {"text": "x"}),
        (tool(limit=TEXT, query={"anyOf": [TEXT, {"type": "null"}]}), {"query": "x"}),
        (tool(query={"type": ["string", "null"]}, limit={"type": "integer", "maximum": 3}), {"query": "x", "limit": 3}),
        (tool(query={}, limit={"type": "integer", "minimum": 10}), {"query": "x", "limit": 10}),
        (tool(required=("needle",), needle=TEXT, path=TEXT), {"needle": "x"}),
    ],
)
def test_arguments_fit_the_schema(offered: OfferedTool, arguments: dict[str, object]) -> None:
    assert arguments_for(offered, "x", 5) == arguments


@pytest.mark.parametrize(
    ("offered", "said"),
    [
        (tool(query=WHOLE), "takes no query"),
        (tool(one=TEXT, two=TEXT), "takes no query"),
        (OfferedTool(name="search", input_schema={"properties": 7, "required": "all"}), "takes no query"),
        (tool(required=("query", "library"), query=TEXT, library=TEXT), "needs library"),
    ],
)
def test_a_tool_that_wants_something_else(offered: OfferedTool, said: str) -> None:
    with pytest.raises(UnfitServerError, match=said):
        arguments_for(offered, "x", 5)


ITEM = {"title": "T", "content": "C", "url": "u", "similarity_score": 0.5}


@pytest.mark.parametrize("name", ["results", "matches", "documents", "data", "result"])
def test_a_list_below_a_usual_name_structured_or_as_text(name: str) -> None:
    for structured, texts in (
        ({name: [ITEM]}, ()),
        (None, (json.dumps({name: [ITEM]}),)),
        ({"result": json.dumps({name: [ITEM]})}, ()),
    ):
        (found,) = read_results(structured, texts, 5)
        assert (found.title, found.text, found.url, found.score) == ("T", "C", "u", 0.5)


def test_what_the_item_lacks_is_looked_for_inside_it() -> None:
    (found,) = read_results([{"score": 2, "document": {"page_content": "C"}, "metadata": {"source": "a.md"}}], (), 5)
    assert (found.title, found.text, found.url, found.score) == (None, "C", "a.md", 2.0)
    (entity,) = read_results({"entities": [{"name": "N", "observations": ["a", 1, "b"]}], "relations": []}, (), 5)
    assert (entity.title, entity.text) == ("N", "a\nb")


@pytest.mark.parametrize(
    ("structured", "texts", "told"),
    [
        (None, ("plain words", "more"), ["plain words", "more"]),
        (None, ("[not json",), ["[not json"]),
        ({"results": []}, ("nothing found",), []),
        ([["a"], ["b", "c"]], (), ["a", "b", "c"]),
        ([1, None, {}, {"content": ""}, "d"], (), ["d"]),
        ({"content": "one passage"}, (), ["one passage"]),
        (None, ("", "\x00 "), []),
        ([{"content": "c", "score": float("nan")}], (), ["c"]),
        (None, ("[" * 100_000,), ["[" * 999 + "…"]),
    ],
)
def test_whatever_comes(structured: object, texts: tuple[str, ...], told: list[str]) -> None:
    assert [each.text for each in read_results(structured, texts, 5)] == told


@pytest.mark.parametrize(
    ("structured", "texts", "said"),
    [
        ({"success": False, "error": "no key"}, (), "no key"),
        (None, ('{"success": false}',), "no reason given"),
        ({"error": {"code": 7}}, (), '{"code": 7}'),
        ({"success": True, "error": None, "results": []}, (), None),
        ({"error": "one of two failed", "results": [ITEM]}, (), None),
        (None, ("error",), None),
    ],
)
def test_an_error_in_the_body(structured: object, texts: tuple[str, ...], said: str | None) -> None:
    assert refusal(structured, texts) == said
