"""Cutting foreign text to a length, without ever cutting a secret in two.

Redaction comes after the cut, and half a secret is not recognised any more. A cut therefore falls only on a
character that cannot stand inside a secret; where there is none within reach, the whole run is dropped.
"""

import re

from seasoned.model.limits import ARGUMENT_LIMIT, ARGUMENTS_LIMIT, PREVIEW_LIMIT
from seasoned.model.trace import Document

__all__ = ["cut", "cut_arguments", "ends", "plain"]

_REACH = 512
"""Longest secret on one line that a cut must not split (JWTs are longer, and are known by their head)."""
_OUTSIDE = re.compile(r"[^A-Za-z0-9+/=_.\-~%:@]")
_KEY_REACH = 16_384
_KEY_SO_FAR = re.compile(r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)[A-Za-z0-9+/=\s\\\"',:.-]*")
_KEY_LINES = re.compile(
    r"(?:\s|\\[nr]|[\"',])*(?:[A-Za-z0-9+/=]{16,}(?:\s|\\[nr]|[\"',])*)+(?:[A-Za-z0-9+/]{1,15}={1,2}(?![A-Za-z]))?"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """The text as UTF-8 can carry it: lone surrogates and NULs, which PostgreSQL refuses, become U+FFFD."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # found out faster than by the pattern, which looks at every character
            text = _SURROGATE.sub("\ufffd", text)
    return text.replace("\0", "\ufffd") if "\0" in text else text


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters of ``text`` and a mark that says how many are missing."""
    if len(text) <= limit:
        return plain(text)
    head = _head(text, limit)
    return f"{plain(head)}…[+{len(text) - len(head)} characters]"


def ends(text: str, limit: int = PREVIEW_LIMIT) -> str:
    """Head and tail of ``text`` within ``limit`` characters: results say at the end how it went."""
    if len(text) <= limit:
        return plain(text)
    head = _head(text, limit // 2)
    tail = _without_key(text, _tail(text, limit // 2))
    return f"{plain(head)}…[+{len(text) - len(head) - len(tail)}]…{plain(tail)}"


def cut_arguments(arguments: Document) -> Document:
    """Arguments of a call with long strings cut, all of them together within ``ARGUMENTS_LIMIT`` characters.

    Containers keep their shape up to 50 entries and 6 levels; what is left out is counted where it stood.
    """
    budget = [ARGUMENTS_LIMIT]
    return {plain(key)[:100]: _cut_value(value, budget, 6) for key, value in list(arguments.items())[:50]}


def _cut_value(value: object, budget: list[int], depth: int) -> object:
    if isinstance(value, str):
        kept = cut(value, max(40, min(ARGUMENT_LIMIT, budget[0])))
        budget[0] -= len(kept)
        return kept
    if isinstance(value, dict):
        items: list[tuple[object, object]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if depth == 0 or budget[0] <= 0:
            return f"…[{len(items)} entries]"
        return {plain(str(key))[:100]: _cut_value(item, budget, depth - 1) for key, item in items[:50]}
    if isinstance(value, list):
        entries: list[object] = value  # pyright: ignore[reportUnknownVariableType]
        if depth == 0 or budget[0] <= 0:
            return f"…[{len(entries)} entries]"
        return [_cut_value(item, budget, depth - 1) for item in entries[:50]]
    if isinstance(value, int | float) and not -(2**53) < value < 2**53:
        return str(value)
    return value


def _head(text: str, limit: int) -> str:
    start = max(0, limit - _REACH)
    for position in range(limit, start, -1):
        if _OUTSIDE.match(text, position):
            return text[:position]
    return text[:start]


def _tail(text: str, limit: int) -> str:
    first = len(text) - limit
    found = _OUTSIDE.search(text, first - 1, min(len(text), first + _REACH))
    return text[found.end() :] if found else text[first + _REACH :]


def _without_key(text: str, tail: str) -> str:
    """``tail`` of ``text`` without the lines of a private key that begins before it: nothing in them says what they are."""
    at = len(text) - len(tail)
    begins = text.rfind("-----BEGIN", max(0, at - _KEY_REACH), at)
    if begins < 0 or text.find("-----END", begins, at) >= 0:
        return tail
    key = _KEY_SO_FAR.match(text, begins, at + _KEY_REACH)
    lines = _KEY_LINES.match(text, max(at, key.end(1))) if key is not None and key.end() >= at else None
    return text[lines.end() :] if lines is not None else tail
