"""Text from traces that tries to tell its reader what to do.

A pattern is read by agents, and its words come from prompts, results and files that anybody may have written. A text
that addresses the reader instead of describing the work (``ignore previous instructions``), that hides characters, that
plays a role marker, or that asks for data to be sent away, is flagged in the candidate; a person decides. This is a
sieve, not a wall: an attacker who knows the rules can word around them, so nothing here ever makes a text *trusted*.

The kinds follow the classes of OWASP's LLM01 (https://genai.owasp.org/llmrisk/llm01-prompt-injection/) and of Greshake et
al. 2023 (https://arxiv.org/abs/2302.12173). Every expression is linear: bounded repetitions over fixed words.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

__all__ = ["Suspicion", "SuspicionKind", "suspicions"]

SuspicionKind = Literal["overrides", "hidden_text", "role_marker", "sends_away", "runs_remote", "conceals"]

_GAP = r"[\s\W]{1,6}"
_BEFORE = r"(?:previous|prior|earlier|above|preceding|former|existing|original|your|system|the|all|any|other|safety)"
_ORDERS = (
    r"(?:instructions?|prompts?|rules?|guidelines?|directions?|directives?|commands?|constraints?|policies|policy)"
)
_SECRETS = (
    r"(?:api[_ -]?keys?|secrets?|tokens?|passwords?|credentials?|\.env|ssh[_ -]?keys?|private[_ -]?keys?|id_rsa|cookies?|"
    r"environment variables|env vars|system prompt|conversation|chat history)"
)
_RULES: tuple[tuple[SuspicionKind, str], ...] = (
    (
        "overrides",
        rf"\b(?:ignore|disregard|forget|override|bypass|dismiss|neglect)(?:{_GAP}(?:all|any|every|of|the))"
        rf"{{0,3}}{_GAP}(?:{_BEFORE}{_GAP}){{1,4}}(?:\w{{1,20}}{_GAP})?{_ORDERS}\b",
    ),
    (
        "overrides",
        rf"\b(?:ignore|disregard|forget)(?:{_GAP}(?:all|everything|anything|of|the|that|was|is|said))"
        rf"{{0,5}}{_GAP}(?:above|before|previously|so{_GAP}far){_GAP}(?:and|instead|now)\b",
    ),
    ("overrides", rf"\b(?:new|updated|revised|real|actual){_GAP}(?:system{_GAP})?instructions?\s{{0,3}}:"),
    ("overrides", rf"\byou{_GAP}are{_GAP}now{_GAP}(?:an?|the|in|no{_GAP}longer|free|dan\b)"),
    (
        "overrides",
        rf"\b(?:do{_GAP}not|don.?t|stop){_GAP}(?:follow|obey|listen{_GAP}to){_GAP}(?:{_BEFORE}{_GAP}){{0,3}}{_ORDERS}\b",
    ),
    (
        "overrides",
        rf"\b(?:ai|llm|language{_GAP}model|assistant|agent)s?{_GAP}(?:reading|processing|parsing){_GAP}this\b",
    ),
    (
        "role_marker",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>|\[/?(?:INST|SYSTEM)\]|<</?SYS>>",
    ),
    ("role_marker", r"(?m)^\s{0,8}(?:#{1,4}\s{0,3})?(?:system|assistant)(?:\s(?:message|prompt))?\s{0,3}:\s{0,3}\S"),
    ("role_marker", r"(?i)</?(?:system|important|instructions?|system_prompt|assistant)>"),
    (
        "sends_away",
        rf"\b(?:send|post|upload|forward|e-?mail|exfiltrate|transmit|leak|curl|submit){_GAP}(?:[^\n.]{{0,80}}{_GAP})?"
        rf"{_SECRETS}\b[^\n]{{0,80}}(?:https?://|\b(?:to|at|via){_GAP}\S{{1,80}}(?:@|\.[a-z]{{2,6}}\b))",
    ),
    ("sends_away", rf"https?://[^\s\"'<>]{{1,200}}[?&][^\s\"'<>=]{{1,40}}=(?:\$|\{{|%7b|<)?{_SECRETS}"),
    ("sends_away", r"!\[[^\]\n]{0,100}\]\(https?://[^)\s]{1,200}[?&][^)\s=]{1,40}=[^)\s]{0,200}\)"),
    ("runs_remote", r"\b(?:curl|wget|iwr|invoke-webrequest)\b[^\n|;]{0,200}\|\s{0,3}(?:sudo\s)?(?:ba|z|da)?sh\b"),
    ("runs_remote", r"\b(?:base64|xxd)\s[^\n|;]{0,120}\|\s{0,3}(?:sudo\s)?(?:ba|z|da)?sh\b"),
    (
        "conceals",
        rf"\b(?:do{_GAP}not|don.?t|never|without)\s(?:tell(?:ing)?|mention(?:ing)?|inform(?:ing)?|notify(?:ing)?|reveal(?:ing)?|"
        rf"alert(?:ing)?)(?:{_GAP}(?:this|that|it|anything))?(?:{_GAP}to)?{_GAP}(?:the{_GAP})?(?:user|human|developer|operator|owner)\b",
    ),
)
_COMPILED: tuple[tuple[SuspicionKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _RULES
)
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
"""Zero-width, direction and tag characters; not the joiners that emoji and many scripts need."""
_SPLITTING = re.compile(
    "\x1b(?:\\[[0-?]{0,32}[ -/]{0,8}[@-~]|\\][^\x07\x1b]{0,256}(?:\x07|\x1b\\\\)?|[@-Z\\\\^_])"
    "|[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e01ef]|[\x00-\x08\x0e-\x1f\x7f]"
)
"""What is not seen and may stand in the middle of a word to hide it from rules: terminal control, joiners, controls."""
_CONCEALING = re.compile("\x1b\\[(?:[0-9;]{0,32};)?8(?:;[0-9;]{0,32})?m")
"""The terminal is told not to show what follows."""
_SELECTORS = re.compile("[\U000e0100-\U000e01ef]|[\ufe00-\ufe0f]{2,}")
"""256 signs that change how the one before them looks: a byte each. Scripts use one at a time, and the first of these
hardly ever."""
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u0131\u03bf\u03b1\u03bd\u0261",
    "aeopcyxijsdhioavg",
)
"""Cyrillic and Greek letters that look like Latin ones (https://www.unicode.org/reports/tr39/ §4), lower case."""
_READ = 50_000
"""Characters from the beginning, and as many from the end, that are read."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Suspicion:
    """One place that looks like an attempt."""

    kind: SuspicionKind
    excerpt: str
    """The words, at most 80 characters, fit to be shown."""


def suspicions(text: str) -> tuple[Suspicion, ...]:
    """What in ``text`` tries to instruct its reader; empty for most. One of each kind. Never raises.

    Read in its compatibility form, letters that look Latin as such, without what is not seen, so that none hides a word.
    Of a text above 100 000 characters the middle is not read.
    """
    text = text if len(text) <= 2 * _READ else f"{text[:_READ]}\n{text[-_READ:]}"
    found: dict[SuspicionKind, Suspicion] = {}
    hidden = "".join([*_INVISIBLE.findall(text.lstrip("\ufeff")), *_SELECTORS.findall(text)])
    if len(hidden) >= 3 or _TAGS.search(text):
        found["hidden_text"] = Suspicion(kind="hidden_text", excerpt=f"{len(hidden)} invisible characters")
    elif met := _CONCEALING.search(text):
        found["hidden_text"] = Suspicion(kind="hidden_text", excerpt="the terminal is told to hide what follows")
    plain = unicodedata.normalize("NFKC", _SPLITTING.sub("", text)).translate(_LOOKALIKES)
    for kind, pattern in _COMPILED:
        if kind not in found and (met := pattern.search(plain)):
            found[kind] = Suspicion(kind=kind, excerpt=" ".join(met.group().split())[:80])
    return tuple(found[kind] for kind in sorted(found))
