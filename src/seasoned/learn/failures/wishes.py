"""Whether words that corrected an agent ask for something, and what such a wish is called.

Not everything that a user says when they stop an agent is a wish: "I'll take it from here", "wait, let's discuss",
"I had two sessions in parallel" tell where things stand and teach nothing about how the work is to be done. A lesson
from words is drawn only where they say what to do, what not to do, or what is not right; a question only where it
proposes something ("can't we change those to take an id instead?").

English only, like ``capture.followup``: what is said in another language becomes no candidate, the harmless side. The
rules were written with the corrections of 717 recorded executions in view, so that no precision is claimed for others;
``tests/data/entireio/corrections.jsonl`` holds those that may be passed on. Every repetition is bounded.
"""

import re

__all__ = ["asks_for_something", "name_of_wish"]

_READ = 1_000
_VERBS = (
    r"use|keep|remove|add|make|put|move|rename|change|drop|leave|revert|undo|stick|go back|run|ask|skip|avoid|try|write|do"
    r"|call|follow|prefer|create|delete|replace|split|merge|stop|show|set|return|pass|swap|name|restore|commit|switch|just"
)
_LEAD = re.compile(
    r"^(?:(?:no+|nope|na+h?|ok(?:ay)?|wait|actually|well|so|but|and|sorry|please|pls|hmm+|emm+|yes|rather|really|thinking again"
    r"|wondering now|on second thought|scratch that)\b[\s,.:;?!\-]{0,6}){1,6}",
    re.IGNORECASE,
)
_NO_WISH = re.compile(
    r"\bi(?:'|’)?(?:ll| will) (?:take|do|handle|finish|continue|check|look)\b"
    r"|^(?:let(?:'|’)?s |we (?:should|need to) |(?:can|could) we )?(?:discuss|talk|think|pause|wait|hold on|chat)\b.{0,40}$"
    r"|^stop(?: here| now| it| this| that| there)?$|^(?:just )?(?:one|a|give me a) (?:moment|second|sec|minute)\b",
    re.IGNORECASE,
)
_LETS = re.compile(
    r"\blet(?:'|’)?s (?!discuss|talk|think|see|wait|pause|start\b|stop\b|continue|go on|chat|check|look)\w",
    re.IGNORECASE,
)
_ORDER = re.compile(rf"^(?:{_VERBS})\b|[.;:,] (?:please )?(?:{_VERBS})\b(?! (?:it|that)\b.{{0,5}}$)", re.IGNORECASE)
_DIRECTS = re.compile(
    r"\binstead\b|\bshould(?:n(?:'|’)?t)?\b|\bmust(?:n(?:'|’)?t)?\b|\b(?:never|always)\b|\bplease\b"
    r"|\b(?:we|i|you) (?:really |just |only |also )?(?:want|prefer|need to|have to|don(?:'|’)?t (?:want|need|use)|do not|only)\b"
    r"|\b(?:i|we)(?:'|’)d (?:like|prefer|rather)\b|\b(?:don(?:'|’)t|do not) (?!see|know|think|understand|get|work|show)\w"
    r"|\bstick (?:to|with)\b|\bchange (?:in|of) plans?\b|\bmy point (?:is|was)\b|\bbelongs?\b"
    r"|\b(?:is|are|was|were)(?:n(?:'|’)t| not) (?:correct|right|what|how|including|supposed|meant)\b"
    r"|\b(?:is|that(?:'|’)s|it(?:'|’)s|this is) wrong\b|\bno need (?:for|to)\b|, not (?:a|an|the|in|on|next|like|with)\b"
    r"|^only\b|\btoo (?:complicated|complex|long|verbose|much|many)\b|\bsimplify\b|\bget rid of\b|\bput (?:it|this|that|them) back\b|\bback to the\b",
    re.IGNORECASE,
)
_PROPOSES = re.compile(
    r"\binstead\b|\bwhy (?:not|don(?:'|’)?t|aren(?:'|’)?t|do you not)\b|\b(?:what|how) about\b|\bshould(?:n(?:'|’)?t)? (?:we|you|it|this)\b"
    r"|\b(?:can|could)(?:n?(?:'|’)?t)? (?:we|you|it|this)\b (?!explain|help|tell|check|look|see|clarify|confirm|describe|discuss|talk"
    r"|show me|walk|go over)|\b(?:are|do) we not\b|\bwe not (?:just )?\w{2,20}ing\b|\b(?:aren(?:'|’)?t|don(?:'|’)?t) we\b|\bbetter to\b",
    re.IGNORECASE,
)
_NAME = 72
"""Characters of a name."""
_SIGNS = re.compile(r"[^\w\s'’.,:;?!/()<>@#%&+=*\"-]+|\*{2,}")


def asks_for_something(words: str) -> bool:
    """Whether ``words``, said to a proposal or a result, tell how it is to be done. Reads 1000 characters."""
    text = " ".join(words[:_READ].split())
    bare = _LEAD.sub("", text)
    if not bare or _NO_WISH.search(bare):
        return False
    if text.endswith("?"):
        return bool(_PROPOSES.search(bare))
    return bool(_DIRECTS.search(text)) or any(rule.search(bare) for rule in (_ORDER, _LETS, _PROPOSES))


def name_of_wish(words: str) -> str:
    """``words`` as the name of a pattern: whole words, at most 72 characters, the words in front left out that only say
    that it is a correction. Never empty."""
    text = _SIGNS.sub(" ", " ".join(words[:_READ].split()))
    bare = " ".join((_LEAD.sub("", text) or text).split()).rstrip(" .,;:!")
    if len(bare) > _NAME:
        head = bare[:_NAME]
        bare = (head.rsplit(" ", 1)[0] if " " in head[20:] else head).rstrip(" .,;:!(") + "…"
    return bare or "correction"
