"""A pattern as a plan for the task at hand: its steps, with what the prompt says in place of the placeholders.

A value is taken from the prompt only where it can be told which: where the prompt has the shape of the task that the
pattern was drawn from, by its place; else where the prompt has one value of that type, which looks like those of earlier
runs, and the pattern one placeholder for it: a customer's ``ann_lee_42`` is no reservation ``3RK2T9``, though both are ids.
Everything else stays open and is listed with where runs had it from. Invariant: a value that is filled in fits
the placeholder's schema and, inside a command, is one word to the shell and no option of the program.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from seasoned.learn.arguments import slot_of
from seasoned.learn.fingerprint import normalise
from seasoned.learn.placeholders import problems
from seasoned.learn.slots import shape
from seasoned.model import Document, Pattern, PatternStep

__all__ = ["SHORTCUT_SCORE", "FilledPlan", "Unfilled", "filled"]

SHORTCUT_SCORE = 0.85
"""Similarity from which a pattern's steps are a plan for the task: the specification of advice, §1."""
_IN_TASK = "named in the task"
"""How ``learn.patterns.generalise`` says that runs had a value from their prompt."""
_NAMED = re.compile(r"\{([a-z][a-z0-9_]{0,60})\}")
_COMMAND = re.compile(r"(?<=Run `)[^`]*(?=`)")
_REDACTED = "«redacted:"
_LONGEST = 300
_LOOSE = frozenset({"id", "hash", "path", "text"})
"""Kinds of literal that hold values of more than one sort."""
_ENDING = re.compile(r"\.[a-z][a-z0-9]{0,9}$")
_RUN = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfilled:
    """A placeholder that stays open."""

    name: str
    why: str
    """Where runs had its value from, or why none of the prompt's is taken."""
    examples: tuple[str, ...]
    """Values of earlier runs; what is about a person shows its form only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledPlan:
    """A plan that a router or an agent can go by."""

    pattern: Pattern
    steps: tuple[PatternStep, ...]
    """In order; open placeholders stand as ``{name}``."""
    values: Mapping[str, object]
    """By placeholder, as they were filled in."""
    origins: Mapping[str, Literal["given", "prompt", "usual"]]
    """Where each value came from; ``usual``: all runs had it."""
    unfilled: tuple[Unfilled, ...]


def filled(
    pattern: Pattern, prompt: str, *, drawn_from: str | None = None, given: Mapping[str, str] | None = None
) -> FilledPlan:
    """``pattern`` for the task ``prompt`` (redacted). ``drawn_from``: the prompt of the task that stands for the pattern;
    ``given``: values by placeholder, which count before the prompt's. Those that do not fit stay out. Never raises for
    a pattern that the learner drew; InputError where its placeholder schema is none."""
    schema = _schema(pattern)
    values: dict[str, object] = {}
    origins: dict[str, Literal["given", "prompt", "usual"]] = {}
    unfilled: list[Unfilled] = []
    slots = _slots(prompt)
    placed = _placed(prompt, drawn_from)
    in_commands = {name for step in pattern.recommended_steps for name in _in_commands(step.action)}
    rivals = _rivals(schema)
    for name, about in schema.items():
        origin = str(about.get("description") or "").split(";", 1)[0]
        stated = (given or {}).get(name)
        told, why = (stated, "the given value does not fit") if stated is not None else (None, origin)
        if stated is None and origin == _IN_TASK:
            told, why = _from_prompt(about, rivals, slots, placed)
        value = None if told is None else _fitting(name, about, told)
        if value is not None and name in in_commands and (str(value).startswith("-") or "`" in str(value)):
            value, why = None, "the value found would be read as an option or as a command"
        if value is not None:
            values[name], origins[name] = value, "given" if stated is not None else "prompt"
        elif stated is None and "default" in about:
            values[name], origins[name] = about["default"], "usual"
        else:
            examples = tuple(str(each) for each in cast("list[object]", about.get("examples") or []))
            why = why if not why.startswith("used in") else "differs from run to run"
            unfilled.append(Unfilled(name=name, why=why or "differs from run to run", examples=examples))
    steps = tuple(
        replace(step, action=_put(step.action, values), target=_named(step.target, values))
        for step in pattern.recommended_steps
    )
    return FilledPlan(pattern=pattern, steps=steps, values=values, origins=origins, unfilled=tuple(unfilled))


def _schema(pattern: Pattern) -> dict[str, Document]:
    described = (pattern.pattern_data or {}).get("placeholders")
    properties = cast("Document", described).get("properties") if isinstance(described, Mapping) else None
    if not isinstance(properties, Mapping):
        return {}
    found = cast("Mapping[str, object]", properties)
    return {name: cast("Document", about) for name, about in found.items() if isinstance(about, Mapping)}


def _kind(about: Document) -> str:
    """The kind of literal that a placeholder takes, in the words of ``learn.slots``; empty for a plain word."""
    form = about.get("format")
    if form in ("email", "uuid"):
        return str(form)
    if form == "uri":
        return "url"
    if about.get("type") in ("integer", "number"):
        return "number"
    kinds = {slot_of(str(each)) for each in cast("list[object]", about.get("examples") or [])}
    return kinds.pop() if len(kinds) == 1 else ""


def _rivals(schema: Mapping[str, Document]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for about in schema.values():
        if str(about.get("description") or "").startswith(_IN_TASK):
            counts[_kind(about)] = counts.get(_kind(about), 0) + 1
    return counts


def _slots(prompt: str) -> list[tuple[str, str]]:
    """(kind, value as it was written) of the prompt's literals; quotes and backticks taken off."""
    line = " ".join(prompt.split())
    found: list[tuple[str, str]] = []
    at = 0
    for slot in shape(normalise(prompt)).slots:
        # The normalised prompt is in lower case; a value goes into the plan as it was written.
        written = re.compile(re.escape(slot.value), re.IGNORECASE).search(line, at)
        value = written.group() if written is not None else slot.value
        at = written.end() if written is not None else at
        kind: str = slot.kind
        if kind in ("code", "quoted"):
            value = value[1:-1].strip()
            kind = slot_of(value) or "text"
        found.append((kind, value))
    return found


def _placed(prompt: str, drawn_from: str | None) -> dict[str, set[str]]:
    """Of two prompts of one shape: what stands now where a value stood in the other, by that value in lower case."""
    if drawn_from is None or shape(normalise(prompt)).prompt != shape(normalise(drawn_from)).prompt:
        return {}
    found: dict[str, set[str]] = {}
    for (_, before), (_, now) in zip(_slots(drawn_from), _slots(prompt), strict=False):
        found.setdefault(before.casefold(), set()).add(now)
    return found


def _from_prompt(
    about: Document,
    rivals: Mapping[str, int],
    slots: Sequence[tuple[str, str]],
    placed: Mapping[str, set[str]],
) -> tuple[str | None, str]:
    """The prompt's value for a placeholder, or None and why."""
    examples = [str(each).casefold() for each in cast("list[object]", about.get("examples") or [])]
    by_place = {value for each in examples for value in placed.get(each, ())}
    if len(by_place) == 1:
        return by_place.pop(), ""
    kind = _kind(about)
    forms = {_form(each) for each in examples}
    fit = {value for each, value in slots if each == kind and (kind not in _LOOSE or _form(value) in forms)}
    if not kind or not fit:
        return None, f"{_IN_TASK} of earlier runs, not found in this prompt"
    if len(fit) > 1 or rivals.get(kind, 0) > 1:
        return None, f"{_IN_TASK}; which of its values cannot be told"
    return fit.pop(), ""


def _form(value: str) -> str:
    """What a value looks like: of a path its ending, of another its signs in order, with runs of letters and digits told
    apart only where they are digits alone."""
    text = value.casefold()
    ending = _ENDING.search(text)
    if "/" in text or ending is not None:
        return ending.group() if ending is not None else "/"
    return _RUN.sub(lambda met: "9" if met.group().isdigit() else "a", text)


def _fitting(name: str, about: Document, told: str) -> object | None:
    """``told`` as the schema's type; None where it does not fit or was redacted."""
    if _REDACTED in told or len(told) > _LONGEST:
        return None
    value: object = told
    kind = about.get("type")
    if kind in ("integer", "number"):
        try:
            value = int(told) if kind == "integer" else float(told)
        except ValueError:
            return None
    elif kind in ("array", "object"):
        return None
    schema: Document = {"type": "object", "properties": {name: about}}
    return None if problems(schema, {name: value}) else value


def _in_commands(action: str) -> list[str]:
    return [name for command in _COMMAND.findall(action) for name in _NAMED.findall(command)]


def _put(action: str, values: Mapping[str, object]) -> str:
    parts: list[str] = []
    at = 0
    for command in _COMMAND.finditer(action):
        parts += [_named(action[at : command.start()], values), _named(command.group(), values, quoted=True)]
        at = command.end()
    return "".join([*parts, _named(action[at:], values)])


def _named(text: str, values: Mapping[str, object], *, quoted: bool = False) -> str:
    def value_of(met: re.Match[str]) -> str:
        value = values.get(met[1])
        if value is None:
            return met.group()
        return shlex.quote(str(value)) if quoted else str(value)

    return _NAMED.sub(value_of, text)
