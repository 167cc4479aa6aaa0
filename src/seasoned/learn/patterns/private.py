"""What of a task is about one person or one thing, left out of the words that other people's agents read.

A pattern is told in the words of the tasks behind it; whose order it was is nobody's business and tells nothing about
the way. Taken out of a prompt are its literals (``learn.slots``), what the calls named (ids, addresses, names of
people) wherever the prompt repeats it, and handles made of a name (``ann_lee_5901``) with the name that they hold.
A sieve: a name that no call and no handle carries is not told from any other word.
"""

import re
from collections.abc import Iterable, Sequence

from seasoned.learn.arguments import is_private
from seasoned.learn.fingerprint import normalise
from seasoned.learn.slots import shape
from seasoned.learn.steps import Step
from seasoned.model import Execution

__all__ = ["private_words", "without_home", "without_private"]

_HANDLE = re.compile(r"(?<![\w@.])[A-Za-z]{2,40}(?:[._][A-Za-z]{2,40}){1,4}[._]?\d{2,12}(?![\w@])")
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,100}")
_WORD = re.compile(r"[\w#][\w#.@+-]*")
_PIECE = re.compile(r"[^\W\d_]{3,}")
_HOME = re.compile(r"(/(?:Users|home)|[A-Za-z]:\\Users)[/\\][^/\\\s'\"`]{1,64}")
_READ = 20_000


def private_words(sources: Sequence[Execution], steps: Iterable[Sequence[Step]]) -> frozenset[str]:
    """Words, folded, that are about one person or thing in ``sources``; ``steps`` are theirs."""
    found: set[str] = set()
    for own in steps:
        for step in own:
            for argument in step.arguments:
                value = argument.value.casefold().strip()
                if is_private(argument):
                    found.update({value, *_PIECE.findall(value.split("@")[0])})
                elif argument.slot in {"id", "uuid"} and (argument.value.isupper() or any(map(str.isdigit, value))):
                    found.update({value, value.lstrip("#")})
    for source in sources:
        prompt = (source.trace.prompt or "")[:_READ]
        for pattern in (_HANDLE, _ADDRESS):
            for handle in pattern.findall(prompt):
                # A capital says that the piece is a name here: ``credit_card_24`` does not make "credit card" one.
                named = [each for each in _PIECE.findall(handle.split("@")[0]) if each.capitalize() in prompt]
                found.update(each.casefold() for each in (handle, *named))
    return frozenset(found)


def without_private(prompt: str, words: frozenset[str]) -> str:
    """``prompt`` normalised, its literals as ``<kind>``, each of ``words`` and each handle as ``…``."""
    shaped = shape(normalise(prompt[:_READ])).prompt
    text = _WORD.sub(lambda met: "…" if _within(met.group(), words) else met.group(), _HANDLE.sub("…", shaped))
    return re.sub(r"…(?:\s+…)+", "…", text)


def _within(word: str, words: frozenset[str]) -> bool:
    return word in words or word.strip(".#-") in words


def without_home(text: str) -> str:
    """``text`` without the name of the user in paths of a home folder."""
    return _HOME.sub(r"\1/…", text)
