"""Literals out of an error line: what stays is what any run of the same error would say.

The mask is fixed: it looks at the one line and at nothing that was seen before, so that a signature never depends on
what else was imported or in which order. (Template miners, which learn the variable places from the stream, give
another template for another order; they may group signatures, never make them.)

Two kinds of literals. *Names of things* (paths, ids, hashes, addresses) vanish, because messages mention or omit them
freely: ``payment method 7504069 not found`` and ``payment method not found`` are one error. *Values* leave their type
(``<n>``, ``<text>``, ``<list>``), because an error about a number is often not the error about a text. Codes of errors
(``GH006``, ``E0308``, a status 500) stay: they are the error.

Every repetition is bounded or possessive; the work is linear in the length of the line.
"""

import re

__all__ = ["MASKED_LIMIT", "mask", "plain"]

MASKED_LIMIT = 600
"""Characters of a line that are looked at: longer ones carry data, not a message."""
SIGNATURE_WORDS = 24
"""Words that are kept of a masked line: what follows is detail, and differs."""

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]{0,20}[ -/]?[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)?|[()][A-Z0-9]|[=>78cDEHM])")
_EXTENSION = (
    "py|pyi|ipynb|go|rs|c|h|cc|cpp|hpp|cs|java|kt|swift|rb|php|pl|lua|sh|sql|js|jsx|ts|tsx|mjs|cjs|vue|svelte|html|css"
    "|scss|json|jsonl|yaml|yml|toml|ini|cfg|conf|xml|csv|md|rst|txt|log|lock|mod|sum|proto|pony|exe|zip|tar|gz|so|dll|db"
)
_PLACE = r"(?::\d{1,7}(?::\d{1,7})?|\(\d{1,7},\d{1,7}\))?"
_LITERAL = re.compile(
    "|".join(
        (
            r"(?P<code>\b(?:status(?: ?code)?|http(?:/\d(?:\.\d)?)?|exit(?:ed with)?(?: ?code| status))[:=]? ?\d{1,4}\b"
            r"|\b[A-Z]{1,8}-?\d{2,6}(?=[:\])])"
            r"|\b(?:E|ERR_)[A-Z][A-Z_]{2,40}\b)",
            r"(?P<url>\b[a-zA-Z][a-zA-Z0-9+.\-]{1,10}://[^\s\"'`<>]++|\bgit@[\w.\-]{1,100}:[^\s\"'`<>]++)",
            r"(?P<redacted>«redacted:[a-z0-9\-]{1,60}(?::[0-9a-f]{8})?»)",
            r"(?P<email>(?<![\w.+\-])[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,6}+)",
            r"(?P<text>\"(?:[^\"\\]|\\.){0,300}+\"|`[^`]{1,400}`|“[^”]{1,300}”|‘[^’]{1,300}’"
            r"|(?<![\w'])'(?:[^'\\]|\\.){0,300}+'(?!\w))",
            r"(?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)",
            r"(?P<time>\b\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[Tt ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[Zz]"
            r"|[+\-]\d{2}:?\d{2})?)?|\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?\b)",
            r"(?P<duration>\b\d{1,12}(?:\.\d{1,9})? ?(?:ns|us|µs|ms|secs?|seconds?|minutes?|mins?|hours?|s|m|h)\b)",
            r"(?P<address>\b0x[0-9a-fA-F]{1,32}\b|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"
            r"|\[[0-9a-f:]{2,45}\](?::\d{1,5})?)",
            rf"(?P<path>(?<![\w<])(?:~|\.{{1,2}}|[A-Za-z]:)?[/\\][\w.@+~\-]++(?:[/\\][\w.@+~\-]++)*+[/\\]?{_PLACE}"
            rf"|(?<![\w<])[\w.@+~\-]++(?:/[\w.@+~\-\*]++)++/?{_PLACE}"
            rf"|(?<![\w<])[\w@+~\-.]{{1,100}}\.(?:{_EXTENSION}){_PLACE}(?!\w))",
            r"(?P<host>\b(?:[a-zA-Z0-9\-]{1,63}\.){1,6}(?:com|org|net|io|dev|local|internal|app)(?::\d{1,5})?\b)",
            r"(?P<hash>\b(?=[0-9a-f]{0,63}[a-f])(?=[a-f]{0,63}\d)[0-9a-f]{7,64}\b)",
            r"(?P<id>\b(?=[A-Za-z]{1,20}[\w\-]{0,60}\d)[A-Za-z][A-Za-z]{0,20}(?:[_\-][A-Za-z]{1,20}){0,4}[_\-]?\d[\w\-]{0,60}\b"
            r"|(?<!\w)#\d{1,9}\b|\b\d{1,9}[A-Za-z_][\w\-]{1,40}\b)",
            r"(?P<n>(?<![\w.])[-+]?\d{1,40}(?:[.,_]\d{1,40}){0,6}+(?:[eE][-+]?\d{1,4})?%?)",
        )
    )
)
_NAMES = frozenset({"url", "email", "uuid", "address", "path", "host", "hash", "id", "redacted"})
_LIST = re.compile(r"\[[<>a-z\s,|:\-]{0,200}+\]")
_LISTED = re.compile(r"<(?:n|text|list|dict|time|duration)>|^\[\s*\]$")
_DICT = re.compile(r"\{[<>a-z\s,|:\-]{0,200}+\}")
_WORD = re.compile(r"<[a-z]+>|[\w]+(?:[\-'.][\w]+)*", re.UNICODE)
_DEPTH = 4


def plain(text: str) -> str:
    """``text`` without terminal sequences, with one kind of line end; a line that a progress bar wrote over keeps what
    stood last."""
    text = _ANSI.sub("", text) if "\x1b" in text else text
    if "\r" in text:
        text = "\n".join(line.rsplit("\r", 1)[-1] for line in text.replace("\r\n", "\n").split("\n"))
    return text


def mask(line: str) -> str:
    """The words of ``line`` in lower case, literals masked, at most ``SIGNATURE_WORDS``. Empty where
    nothing but literals stood there."""
    masked = _LITERAL.sub(_slot, line[:MASKED_LIMIT])
    for _ in range(_DEPTH):
        before = masked
        masked = _LIST.sub(lambda found: "<list>" if _LISTED.search(found[0]) else found[0], masked)
        masked = _DICT.sub("<dict>", masked)
        if masked == before:
            break
    words = _WORD.findall(masked.casefold())
    kept: list[str] = []
    for word in words:
        if not (word.startswith("<") and kept and kept[-1] == word):
            kept.append(word)
    return " ".join(kept[:SIGNATURE_WORDS])


def _slot(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind == "code":
        return found[0].replace("_", "-")
    return " " if kind in _NAMES else f"<{kind}>"
