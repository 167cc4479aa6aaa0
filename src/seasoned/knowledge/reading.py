"""What a search tool answered, as passages: structured content, else JSON in text, else the text itself.

The protocol says nothing of what a search returns, so the shape is recognised: a list below one of the usual names, and
in each of its items a text, a title, an address and a score below the usual names. Everything here is outside content:
invariant: whatever comes in, what goes out is at most ``most`` passages of bounded length without control characters.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import cast

from seasoned.knowledge.port import KnowledgeResult

__all__ = ["TEXT_LIMIT", "plain", "read_results", "refusal", "visible"]

TEXT_LIMIT = 1_000
_TITLE_LIMIT, _URL_LIMIT = 200, 500
_LISTS = ("results", "matches", "documents", "data", "result", "items", "hits", "entities", "chunks", "passages")
_TITLES = ("title", "name", "heading", "filename")
_TEXTS = ("content", "text", "snippet", "body", "passage", "chunk", "page_content", "document", "excerpt", "summary")
_TEXTS_ALSO = ("description", "observations", "preview")
_URLS = ("url", "source_url", "link", "uri", "source", "path", "file_path", "permalink")
_SCORES = ("score", "similarity", "similarity_score", "relevance", "relevance_score", "rerank_score")
_INNER = ("metadata", "document", "entity", "chunk", "item")
"""Objects inside an item that may hold what the item itself does not."""
_DEPTH = 4
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control and invisible format characters: bidirectional overrides and tags hide text from people, not from models."""


def visible(text: str) -> str:
    """``text`` without control characters and what no encoding can carry."""
    return _CONTROL.sub("", text)


def plain(text: str, limit: int, *, one_line: bool = False) -> str:
    """``text`` without control characters, at most ``limit`` characters; an ellipsis ends what was cut."""
    # Cut first: what is thrown away need not be cleaned. Twice the limit leaves room for what is taken out.
    kept = visible(text[: 2 * limit].replace("\r\n", "\n"))
    kept = " ".join(kept.split()) if one_line else kept.strip()
    return kept if len(kept) <= limit and len(text) <= 2 * limit else kept[: limit - 1].rstrip() + "…"


def read_results(structured: object, texts: Sequence[str], most: int) -> tuple[KnowledgeResult, ...]:
    """At most ``most`` passages of a tool's answer; ``texts`` are its text blocks. Empty where it found nothing."""
    parsed = [_parsed(text) for text in texts]
    for document in (structured, *(each for each in parsed if each is not None)):
        found = _listed(document, _DEPTH)
        if found is not None:
            return _first(found, most)
    documents = [found for each in (structured, *parsed) if (found := _mapping(each))]
    if documents:
        return _first(documents, most)
    return _first(list(texts), most)


def refusal(structured: object, texts: Sequence[str]) -> str | None:
    """The error that a tool reports in the body of a successful answer, as Archon does; None: it reports none."""
    for document in (structured, *(_parsed(text) for text in texts)):
        body = _mapping(document)
        error = body.get("error")
        if body.get("success") is False or (error and _listed(document, _DEPTH) is None):
            said = error or body.get("message") or "no reason given"
            return said if isinstance(said, str) else json.dumps(said)
    return None


def _parsed(text: str) -> object:
    """The JSON that a text is; None where it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _listed(document: object, depth: int) -> Sequence[object] | None:
    """The list of items in an answer, a few levels down; None: there is none."""
    if isinstance(document, list):
        return cast("list[object]", document)
    body = _mapping(document)
    if depth:
        for name in _LISTS:
            if name in body and (found := _listed(_opened(body[name]), depth - 1)) is not None:
                return found
    return None


def _opened(value: object) -> object:
    """JSON inside a string, as servers send it that write their answer as text and then wrap it."""
    return value if not isinstance(value, str) else _parsed(value)


def _first(items: Sequence[object], most: int) -> tuple[KnowledgeResult, ...]:
    flat = (inner for item in items for inner in (cast("list[object]", item) if isinstance(item, list) else [item]))
    found = (result for item in flat if (result := _result(item)) is not None)
    return tuple(islice(found, most))


def _result(item: object) -> KnowledgeResult | None:
    if isinstance(item, str):
        text = plain(item, TEXT_LIMIT)
        return KnowledgeResult(text=text) if text else None
    layers = list(_layers(item))
    title = _text_at(layers, _TITLES, _TITLE_LIMIT, one_line=True)
    text = _text_at(layers, _TEXTS, TEXT_LIMIT) or _text_at(layers, _TEXTS_ALSO, TEXT_LIMIT) or title
    if text is None:
        return None
    return KnowledgeResult(
        title=title, text=text, url=_text_at(layers, _URLS, _URL_LIMIT, one_line=True), score=_score(layers)
    )


def _layers(item: object) -> Iterator[Mapping[str, object]]:
    body = _mapping(item)
    yield body
    for name in _INNER:
        if inner := _mapping(body.get(name)):
            yield inner


def _text_at(
    layers: Sequence[Mapping[str, object]], names: Sequence[str], limit: int, *, one_line: bool = False
) -> str | None:
    for layer in layers:
        for name in names:
            value = layer.get(name)
            if isinstance(value, list):
                value = "\n".join(each for each in cast("list[object]", value)[:50] if isinstance(each, str))
            if isinstance(value, str) and (text := plain(value, limit, one_line=one_line)):
                return text
    return None


def _score(layers: Sequence[Mapping[str, object]]) -> float | None:
    for layer in layers:
        for name in _SCORES:
            value = layer.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
                return float(value)
    return None


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
