"""Words for a pattern: its name, and a sentence for each step.

Text of a trace is foreign text. Whatever of it enters a pattern is one line of visible characters, cut; braces that are
not placeholders are set apart from what they enclose, so that they are not read as some. Invariant: a function of the
steps and of the task's shape, never of ids or counts, so that the same content gets the same words.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seasoned.learn.patterns.private import without_home

if TYPE_CHECKING:
    from seasoned.learn.patterns.generalise import Bound
    from seasoned.learn.steps import Step

__all__ = ["REPEATED", "action_of", "name_of", "plain", "step_title"]

_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u2069\u3164\ufeff\uffa0\U000e0000-\U000e0fff]"
    "|[\ufe00-\ufe0f]{2,}"
)
"""What is not shown; any text can be written in it. One variation selector belongs to the sign before it, as of emoji."""
_BRACED = re.compile(r"\{([a-z][a-z0-9_]{0,60})\}")
REPEATED = ", as often as needed"
"""How the sentence of a loop ends."""
_VALUE = 80
_NAME = 90
_TITLE_STEPS = 4
_SLOTTED = re.compile(r"<(?:[a-z]+)>")
_COURTESY = re.compile(
    r"^(?:(?:please|ok(?:ay)?|so|now|hi|hey|can you|could you|can we|could we|i want to|i'd like to|let's|lets|also|"
    r"we need to|i need you to|you are [^.]{0,80}\.)[\s,:]+)+"
)
_SENTENCE_END = re.compile(r"(?<=\w)[.:;?!\n](?:\s|$)|\s[-–—(]\s?|,\s")


def plain(text: str, limit: int) -> str:
    """One line of visible characters, at most ``limit``; a cut one ends in ``…``."""
    seen = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in _UNSEEN.sub("", text[: 4 * limit]))
    line = " ".join(seen.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def action_of(step: "Step", bounds: "Sequence[Bound]", *, repeats: bool) -> str:
    """A sentence that tells to do ``step``, placeholders as ``{name}``."""
    shown = {(bound.name, bound.place): _shown(bound) for bound in bounds}
    if step.words:
        by_place = {bound.place: _shown(bound) for bound in bounds if bound.place >= 0}
        first = {argument.place for argument in step.arguments}
        later = {place for argument in step.arguments for place in argument.places[1:]}
        words = [
            by_place.get(at, "…" if at in first else _constant(word))
            for at, word in enumerate(step.words)
            if at not in later
        ]
        # A value that was a heredoc is not among the words.
        sentence = f"Run `{' '.join(words)}{' …' if words[-1] in {'-m', '-F'} else ''}`"
    elif step.tool in {"edit", "read"} and len(bounds) == 1:
        what = shown[bounds[0].name, bounds[0].place]
        kind = "" if bounds[0].constant is not None or step.target == what else f" ({step.target})"
        sentence = f"{step.tool.capitalize()} {what}{kind}"
    elif step.tool in {"edit", "read"}:
        sentence = f"{step.tool.capitalize()} {step.target}"
    elif step.tool in {"search", "list", "fetch a page", "search the web"}:
        told = " in ".join(list(shown.values())[:2])
        verb = {"search": "Search for", "list": "List files", "search the web": "Search the web for"}.get(
            step.tool, step.tool.capitalize()
        )
        sentence = f"{verb} {told}".strip()
    elif step.kind == "delegate" and step.target and not bounds:
        sentence = f"Delegate to {step.tool} {plain(step.target, 60)}"
    else:
        told = ", ".join(f"{bound.name}={_shown(bound)}" for bound in bounds)
        sentence = f"Call {step.tool}({told})"
    return sentence + REPEATED if repeats else sentence


def _shown(bound: "Bound") -> str:
    return f"{{{bound.placeholder}}}" if bound.placeholder is not None else _constant(bound.constant or "")


def _constant(text: str) -> str:
    return _BRACED.sub(r"{ \1 }", plain(without_home(text), _VALUE))


def step_title(step: "Step") -> str:
    """A few words for a step inside a name: ``return delivered order items``, ``run go test``, ``edit *.go``."""
    if step.kind == "check":
        return f"run {step.tool}"
    if step.kind == "delegate" and step.target:
        return f"delegate to {plain(step.target, 40)}"
    if step.program and step.tool.split(" ")[0] == step.program:
        return step.tool
    if step.tool in {"edit", "read"}:
        return f"{step.tool} {step.target}"
    return " ".join(re.sub(r"([a-z])([A-Z])", r"\1 \2", step.tool).replace("_", " ").replace("-", " ").split())


def name_of(steps: "Sequence[Step]", shape_prompt: str | None) -> str:
    """A name that a person understands: the task in its own words where there are some, and the steps that matter.

    ``shape_prompt`` is the shape that the runs share; None where they share none or it would tell nothing.
    """
    weighty = [step for step in steps if step.kind != "look"] or list(steps)
    titles = dict.fromkeys(step_title(step) for step in weighty)
    if len(titles) > _TITLE_STEPS:
        titles = dict.fromkeys(_telling(weighty))
    deeds = ", ".join(titles)
    looks = dict.fromkeys(step_title(step) for step in steps if step.kind == "look")
    if shape_prompt is not None and (head := _head(shape_prompt)):
        return plain(f"{head}: {deeds}", _NAME)
    if len(titles) == 1 and looks:
        deeds = f"{deeds} after {list(looks)[-1]}"
    return plain(deeds[:1].upper() + deeds[1:], _NAME)


def _telling(steps: "Sequence[Step]") -> list[str]:
    """Titles of the first change, the last two checks and the last change or hand-over, in their order."""
    by_kind = {
        kind: [n for n, step in enumerate(steps) if (step.kind == "check") == (kind == "check")]
        for kind in ("check", "deed")
    }
    checks = list({step_title(steps[n]): n for n in by_kind["check"]}.values())[-2:]
    picked = {*checks, *by_kind["deed"][:1], *by_kind["deed"][-1:]}
    if len(picked) < _TITLE_STEPS:
        picked |= set(by_kind["deed"][: 1 + _TITLE_STEPS - len(picked)])
    return [step_title(steps[n]) for n in sorted(picked)]


def _head(shape_prompt: str) -> str:
    """The first clause of the prompt, literals as ``…``; empty where it says too little."""
    text = _COURTESY.sub("", _SLOTTED.sub("…", plain(shape_prompt, 400)))
    clause = _SENTENCE_END.split(text, maxsplit=1)[0].strip(" …,.:;")
    words = clause.split()
    if len([word for word in words if word.isalpha()]) < 2:
        return ""
    short = " ".join(words[:9])
    return short[:1].upper() + short[1:]
