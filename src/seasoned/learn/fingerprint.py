"""What was asked, as an identity and as features: normalise, hash, shape, keywords, class.

Invariant: everything here is a function of the prompt, the files and the stack alone. No count, no document
frequency and no clock enters, so the order in which histories are imported cannot change a fingerprint.

Two hashes serve two questions. ``task_hash`` keeps literals: the same task asked again. ``shape_hash`` leaves them
out (``learn.slots``): the same kind of task about something else.
"""

import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Literal

from seasoned.learn.classify import classify
from seasoned.learn.keywords import keywords
from seasoned.learn.slots import shape
from seasoned.model import Fingerprint, TaskType
from seasoned.model.ids import fingerprint_id
from seasoned.model.limits import PROMPT_LIMIT

__all__ = ["file_patterns", "fingerprint", "normalise", "shape_hash", "task_hash"]

_NON_STARTERS = 30
"""Longest run of combining marks that is kept: the Stream-Safe Text Format, https://www.unicode.org/reports/tr15/
§13. No language needs more, and the normalisation forms sort such a run in quadratic time."""
_LONG_RUN = re.compile(f"[^\x00-\u02ff]{{{_NON_STARTERS + 1},}}")
"""No combining mark lies below U+0300. Where this finds nothing, which is nearly everywhere, there is no such run."""
_FILE_PATTERNS = 20
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
"""Control (Cc) and format (Cf) characters that are no white space. Spelled out: looking each character of a prompt up
was a tenth of an import."""
_LIST_ITEM = re.compile(r"(?:^|\n)[ \t]{0,8}(?:[-*•]|\d{1,2}[.)])[ \t]")


def normalise(prompt: str) -> str:
    """One spelling for texts that say the same: Unicode compatibility forms, case and white space.

    NFKC with case folding as the Unicode standard defines caseless compatibility matching
    (https://www.unicode.org/versions/latest/core-spec/chapter-3/, D146), control and format characters out, every
    run of white space one space, none at the ends. Literals are kept. Idempotent; takes any text, never raises.
    """
    text = prompt
    if not text.isascii():
        text = _stream_safe(text)
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
        text = unicodedata.normalize("NFKC", text.casefold())
        text = _stream_safe(text)
    else:
        text = text.lower()
    if not text.isprintable():
        text = _INVISIBLE.sub("", text)
    return " ".join(text.split())


def task_hash(namespace: str, prompt: str) -> str:
    """SHA-256 (hex) of a namespace and a prompt, which is normalised here: the same task asked again."""
    return _digest(namespace, normalise(prompt[:PROMPT_LIMIT]))


def shape_hash(namespace: str, shape_prompt: str) -> str:
    """SHA-256 (hex) of a namespace and a shape (``Shape.prompt``); never equal to a task hash."""
    return _digest(namespace, "shape\x1f" + shape_prompt)


def fingerprint(
    prompt: str,
    namespace: str,
    files: Sequence[str] = (),
    stack: Sequence[str] = (),
    task_type: TaskType | Literal["auto"] = "auto",
    domain: str = "auto",
) -> Fingerprint:
    """The fingerprint of ``prompt``, which must be redacted already.

    ``files`` are the paths that the task touched or names, ``stack`` the technologies seen. ``auto`` asks the
    classifier; anything else is taken as stated, with confidence 1. A prompt longer than ``PROMPT_LIMIT`` is cut.
    """
    prompt = prompt[:PROMPT_LIMIT]
    normalised = normalise(prompt)
    shaped = shape(normalised)
    digest = _digest(namespace, normalised)
    classes = classify(normalised, files)
    tokens = keywords(prompt)
    return Fingerprint(
        fingerprint_id=fingerprint_id(digest),
        namespace=namespace,
        task_hash=digest,
        shape_hash=shape_hash(namespace, shaped.prompt),
        shape_prompt=shaped.prompt,
        task_type=classes.task_type if task_type == "auto" else task_type,
        task_type_confidence=classes.task_type_confidence if task_type == "auto" else 1.0,
        domain=classes.domain if domain == "auto" else domain,
        domain_confidence=classes.domain_confidence if domain == "auto" else 1.0,
        intent=classes.intent,
        complexity_score=_complexity(prompt, len(tokens), files),
        original_prompt=prompt,
        normalized_prompt=normalised,
        prompt_tokens=tokens,
        file_patterns=file_patterns(files),
        technology_stack=tuple(sorted(set(stack))),
    )


def _digest(namespace: str, text: str) -> str:
    return hashlib.sha256(f"{namespace}\x1f{text}".encode("utf-8", "surrogatepass")).hexdigest()


def _stream_safe(text: str) -> str:
    if not _LONG_RUN.search(text):
        return text
    kept: list[str] = []
    run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) else 0
        if run <= _NON_STARTERS:
            kept.append(char)
    return "".join(kept)


def file_patterns(files: Iterable[str]) -> tuple[str, ...]:
    """``src/app/views.py`` → ``src/**/*.py``: where the work was and of what kind, at most 20, sorted."""
    patterns: set[str] = set()
    for file in files:
        path = PurePosixPath(file.replace("\\", "/"))
        parts = [part for part in path.parts if part not in ("/", ".", "..")]
        if not parts:
            continue
        leaf = f"*{path.suffix}" if path.suffix else parts[-1]
        patterns.add(f"{parts[0]}/**/{leaf}" if len(parts) > 1 else leaf)
    return tuple(sorted(patterns)[:_FILE_PATTERNS])


def _complexity(prompt: str, distinct: int, files: Sequence[str]) -> float:
    """0..1, growing with what has to be kept in mind: distinct words, listed items and files.

    A stated ordering, not a learned estimate: 30 distinct words, 4 listed items or 6 files each reach 0.63 alone.
    """
    load = distinct / 30 + len(_LIST_ITEM.findall(prompt)) / 4 + len(set(files)) / 6
    return round(1 - math.exp(-load), 3)
