"""Words that tell one task from another, for full-text search and for the keyword term of a score.

Identifiers and paths count twice: whole, where an exact match is strong evidence, and in parts, where a reworded
prompt still meets them (``EnsureMetadataGitignore`` → the whole, ``ensure``, ``metadata``, ``gitignore``). Words are
stored unweighted; how much one counts is a matter of how rare it is when the question is asked.

No stemming: the words here are those that a person sees, and inflection is what the embedding is for.
"""

import re
import unicodedata
from functools import lru_cache

__all__ = ["KEYWORD_LIMIT", "keywords", "names"]

KEYWORD_LIMIT = 400
"""Distinct keywords kept of one prompt; the first ones win, as a task is named before it is detailed."""
_LENGTH = 64
_ENDS = "./:\\@#+-_"
_NAME = re.compile(r"\d|[a-z0-9][A-Z]|[A-Z]{2}[a-z]|\w[._/:\\@#]\w|\w-\w+-\w")
_RUN = re.compile(r"[\w][\w./:\\@#+\-]*+")
_PIECE = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
"""Thai, Japanese and Chinese write no spaces; pairs of characters stand in for words there."""

_STOP = frozenset(
    # English function words, and the courtesies in which prompts are wrapped.
    """
    a about above after again all also am an and any are aren't as at be because been before being below between
    both but by can can't could couldn't did didn't do does doesn't doing don don't down during each either else
    etc even every few for from further get gets got had has hasn't have haven't having he her here hers him his
    how i i'd i'll i'm i've if in into is isn't it it's its itself just know let let's lets like ll look make
    makes may maybe me might more most much must my need needs no nor not now of off ok okay on once one only or
    other our ours out over own please re really s same she should shouldn't so some something still such sure t
    than thank thanks that that's the their theirs them then there these they thing things think this those
    through to too try until up us use used using ve very want wants was wasn't way we we're well were what
    what's when where which while who whom why will with won't would wouldn't yeah yep yes yet you you're your
    yours
    """.split()
)


def keywords(prompt: str) -> tuple[str, ...]:
    """Distinct keywords of ``prompt``, case-folded, sorted; at most ``KEYWORD_LIMIT``. Never raises.

    Give it the prompt as written: where case has been folded already, identifiers in camel case can no longer be
    taken apart.
    """
    found: dict[str, None] = {}
    for match in _RUN.finditer(_composed(prompt)):
        run = match.group().rstrip(_ENDS)
        if not run.isascii():
            _unspaced(run, found)
        if len(run) > _LENGTH * 4:
            run = run[: _LENGTH * 4]
        found.update(_words_of(run))
        if len(found) >= KEYWORD_LIMIT:
            break
    return tuple(sorted(list(found)[:KEYWORD_LIMIT]))


def names(prompt: str) -> frozenset[str]:
    """Those keywords of ``prompt`` that look like names out of code, not words of a language.

    Identifiers in camel or snake case, paths, versions, numbers and codes (``GH006``), options, dotted names and
    constants in capitals, whole; not their parts. Asked of the prompt as written, as folding hides camel case.
    """
    found: set[str] = set()
    for run in _RUN.findall(_composed(prompt)):
        found.update(_names_of(run.rstrip(_ENDS)[: _LENGTH * 4]))
    return frozenset(found)


@lru_cache(maxsize=8_192)
def _names_of(run: str) -> tuple[str, ...]:
    """The names in a run of characters without a blank; kept for the reason that ``_words_of`` has."""
    found: dict[str, None] = {}
    inner = run.replace("'", "")
    if _NAME.search(inner) or (len(inner) > 2 and inner.isupper() and inner.isascii()):
        _keep(run, found)
        if "/" in run or "\\" in run:
            _keep(_basename(run), found)
    return tuple(found)


def _composed(prompt: str) -> str:
    return prompt if prompt.isascii() else unicodedata.normalize("NFC", prompt)


def _basename(run: str) -> str:
    return re.split(r"[/\\]", run)[-1].split(":")[0]


@lru_cache(maxsize=8_192)
def _words_of(run: str) -> dict[str, None]:
    """The keywords in a run of characters without a blank. Kept, as prompts share most of their words: a third of the time."""
    found: dict[str, None] = {}
    pieces = _PIECE.findall(run)
    _keep(run, found)
    if len(pieces) > 1 and ("/" in run or "\\" in run):
        _keep(_basename(run), found)
    for piece in pieces:
        _keep(piece, found)
        parts = _CAMEL.split(piece)
        if len(parts) > 1:
            for part in parts:
                _keep(part, found)
    return found


def _keep(word: str, found: dict[str, None]) -> None:
    folded = word[:_LENGTH].casefold()
    if len(folded) > 1 and folded not in _STOP and not (folded.isdigit() and len(folded) < 3):
        found[folded] = None


def _unspaced(run: str, found: dict[str, None]) -> None:
    for stretch in _UNSPACED.findall(run):
        for at in range(len(stretch) - 1):
            found[stretch[at : at + 2]] = None
