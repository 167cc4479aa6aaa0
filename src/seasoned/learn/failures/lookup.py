"""The known fix for an error text: exact signature first, then its family, and else no fix.

"No known fix" is an answer. What is offered was shown to work in several sessions; a remedy of another program is not
offered for this one, because a variant of ``git push`` is none of ``npm publish``. What may do harm is not offered,
whoever recorded it (``refusals``).

Look-up is a few dictionary reads and one signature; building the index costs once.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from seasoned.learn.failures.masking import mask
from seasoned.learn.failures.program import program_of
from seasoned.learn.failures.refusals import refusal_of
from seasoned.learn.failures.signature import Signature, signature
from seasoned.learn.statistics import Rate, posterior, rate
from seasoned.model import Document, FailurePattern, Resolution

__all__ = ["Fix", "FixAnswer", "FixIndex", "fix_for", "worded"]

_LEAST_CHANCE = 0.5
"""Posterior of working below which nothing is offered."""
_MOST = 3
_SAME_WORDING = 0.5
"""Share of the words of either (Jaccard) that a reported fix and an error must have in common: one cause, such as a
missing dependency, has many programs."""
_WORDS = re.compile(r"[^\W\d_]{2,}")
_SIGNED = re.compile(r"\s{0,20}(?:/[\w./\-]{0,80}/)?([a-z][a-z0-9_\-]{0,30})(?:: line \d{1,6})?: (?=\S)")
"""A program that signs its message: ``cat: a.txt: No such file or directory``."""
_NO_PROGRAMS = frozenset(
    "error fatal warning warn bash sh zsh dash fish env sudo failed failure panic exception err usage hint note".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One fix that is offered, with why."""

    failure_id: str
    resolution: Resolution
    match: Literal["signature", "family"]
    chance: float
    """Posterior mean of its working, 0..1."""
    rate: Rate | None
    """How often it worked of the times it was tried."""
    sessions: int
    """Distinct sessions in which it worked."""
    reasons: tuple[str, ...]
    """Sentences fit to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixAnswer:
    """What is known about an error."""

    signature: Signature
    failure: FailurePattern | None
    """The failure with this signature, whether or not a fix is known."""
    fixes: tuple[Fix, ...]
    """Best first, at most three; empty: no known fix."""
    reason: str
    """Why there is none, or what the answer rests on."""


class FixIndex:
    """Failures and resolutions of one namespace, ready to be asked."""

    def __init__(self, failures: Iterable[FailurePattern], resolutions: Mapping[str, Sequence[Resolution]]) -> None:
        """``resolutions``: by failure_id, as ``store.resolutions`` gives them."""
        self._by_signature: dict[str, FailurePattern] = {}
        self._by_family: dict[str, list[FailurePattern]] = {}
        self._resolutions = resolutions
        for failure in sorted(failures, key=lambda one: one.failure_id):
            self._by_signature[failure.signature] = failure
            self._by_family.setdefault(failure.error_category or failure.signature, []).append(failure)

    def fix_for(self, text: str, *, tool: str | None = None, command: str | None = None) -> FixAnswer:
        """What is known about the error ``text``. ``tool`` and ``command``: the failing call, where they are known;
        without a command nothing is known of its program, and fixes of any program are offered with that said."""
        read = signature(tool or ("shell" if command else "unknown tool"), command or "", text)
        failure = self._by_signature.get(read.text)
        name = program_of(tool or "shell", command or "") if command else (tool or "").rsplit("__", 1)[-1].casefold()
        signed = _SIGNED.match(text) if not name else None
        if signed is not None and signed[1] not in _NO_PROGRAMS:
            name = signed[1]
        fixes = self._offered(failure, read, name, "signature") if failure is not None else []
        if not fixes and failure is not None and failure.error_category is not None:
            for relative in self._by_family.get(failure.error_category, ()):
                if relative.failure_id != failure.failure_id:
                    fixes += self._offered(relative, read, name, "family")
        fixes.sort(key=lambda fix: (fix.match != "signature", -fix.chance, -fix.sessions, fix.resolution.resolution_id))
        return FixAnswer(
            signature=read, failure=failure, fixes=tuple(fixes[:_MOST]), reason=self._reason(failure, fixes)
        )

    def _reason(self, failure: FailurePattern | None, fixes: list[Fix]) -> str:
        if fixes or failure is None:
            return _reason(failure, fixes)
        known = self._resolutions.get(failure.failure_id, ())
        refused = next((why for each in known if (why := refusal_of(each)) is not None), None)
        if refused is not None:
            return f"no known fix: seen {failure.occurrence_count} times; what helped {refused}, and is never offered"
        return _reason(failure, fixes)

    def _offered(
        self, failure: FailurePattern, read: Signature, name: str, match: Literal["signature", "family"]
    ) -> list[Fix]:
        told = _documents(failure.metadata, "resolutions")
        wordings = cast("dict[str, Document]", (_documents(failure.metadata, "reported")).get("wordings") or {})
        found: list[Fix] = []
        for resolution in self._resolutions.get(failure.failure_id, ()):
            facts = told.get(resolution.resolution_id, {})
            if resolution.source == "mined" and facts.get("shown") is not True:
                continue
            wording = wordings.get(resolution.resolution_id)
            if resolution.source == "recorded" and wording is not None and not _is_for(wording, read):
                continue
            programs = [str(one) for one in cast(list[object], facts.get("programs") or [])]
            known = {program.casefold() for program in programs}
            if name and programs and name not in known and not any(one.startswith(f"{name} ") for one in known):
                continue
            chance = posterior(resolution.times_worked, resolution.times_seen)
            if resolution.source == "mined" and (chance is None or chance < _LEAST_CHANCE):
                continue
            if refusal_of(resolution) is not None:
                continue
            sessions = int(str(facts.get("sessions") or 0))
            found.append(
                Fix(
                    failure_id=failure.failure_id,
                    resolution=resolution,
                    match=match,
                    chance=chance if chance is not None else _LEAST_CHANCE,
                    rate=rate(min(resolution.times_worked, resolution.times_seen), resolution.times_seen),
                    sessions=sessions,
                    reasons=_reasons(failure, resolution, match, sessions, programs, name),
                )
            )
        return found


def worded(read: Signature, resolution: Resolution) -> Document:
    """For which words of an error a reported resolution is: the line without its literals, and those literals that the
    resolution names itself (``pip install tenacity`` is for no other module)."""
    line = mask(read.telling.line)
    literal = set(_WORDS.findall(read.telling.line)) - set(_WORDS.findall(line))
    text = " ".join((resolution.description, *(step.command for step in resolution.steps)))
    return {"line": line, "named": sorted(literal & set(_WORDS.findall(text)))}


def _is_for(wording: Document, read: Signature) -> bool:
    named = cast("list[str]", wording.get("named") or [])
    if not set(named) <= set(_WORDS.findall(read.telling.line)):
        return False
    mine, theirs = set(_WORDS.findall(mask(read.telling.line))), set(_WORDS.findall(str(wording.get("line"))))
    return not mine | theirs or len(mine & theirs) / len(mine | theirs) >= _SAME_WORDING


def fix_for(
    text: str,
    *,
    tool: str | None = None,
    command: str | None = None,
    failures: Iterable[FailurePattern],
    resolutions: Mapping[str, Sequence[Resolution]],
) -> FixAnswer:
    """``FixIndex.fix_for`` for one question."""
    return FixIndex(failures, resolutions).fix_for(text, tool=tool, command=command)


def _reasons(
    failure: FailurePattern, resolution: Resolution, match: str, sessions: int, programs: list[str], name: str
) -> tuple[str, ...]:
    reasons = ["the same error" if match == "signature" else f"an alike error: {failure.signature}"]
    if resolution.source == "recorded":
        reasons.append("recorded by somebody, not mined")
    elif sessions:
        reasons.append(f"worked {resolution.times_worked} of {resolution.times_seen} times, in {sessions} sessions")
    if not name and programs:
        reasons.append(f"seen with {', '.join(programs)} only")
    return tuple(reasons)


def _reason(failure: FailurePattern | None, fixes: list[Fix]) -> str:
    if fixes:
        return f"{len(fixes)} known fix{'es' if len(fixes) > 1 else ''}"
    if failure is None:
        return "this error has not been seen"
    why = (failure.metadata or {}).get("not_shown")
    seen = f"seen {failure.occurrence_count} times"
    return f"no known fix: {seen}; {why}" if isinstance(why, str) else f"no known fix for this call: {seen}"


def _documents(metadata: Mapping[str, object] | None, key: str) -> dict[str, dict[str, object]]:
    found = (metadata or {}).get(key)
    return cast(dict[str, dict[str, object]], found) if isinstance(found, dict) else {}
