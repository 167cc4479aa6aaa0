"""From literals to placeholders: what varies between runs becomes a name with a type, what does not stays.

Anti-unification (Plotkin 1970 and Reynolds 1970; surveyed by Cerna and Kutsia, https://arxiv.org/abs/2302.00277) of the
steps in one column of an alignment: arguments that agree in all runs are constants, the others become variables, and
arguments that vary *together*, having the same values run by run, are the same variable. Where the runs are of one
task, or of tasks about one thing, agreement proves nothing: a typed literal (a path, a number) that stands in the prompt
or comes out of an earlier step becomes a placeholder too, with the value as its default. Of a single prompt so does
every value that is seen there. What names one thing or one person (an id, an address, a date) is never a constant and
never a default, however often it was the same: the next task would be done to somebody else's order. Examples of what
is about a person show its form only.

Where a value comes from is said when it can be seen: in the prompt, or in the preview of an earlier step's result.
Previews are cut, so silence about the origin means nothing.

Invariant: every placeholder in a step is described in the schema and the other way round; names are identifiers.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from seasoned.learn.arguments import Argument, is_private
from seasoned.learn.patterns.alignment import Alignment, Column, Instance
from seasoned.learn.steps import Step
from seasoned.model import Document

__all__ = ["Bound", "General", "RunText", "generalise"]

_EXAMPLES = 3
_EXAMPLE_LENGTH = 120
_SEEN_SHARE = 0.6
"""Of the runs that have a value, in how many its origin must be visible before it is named."""
_ORIGIN_LENGTH = 3
"""Shorter values stand in any text by chance."""
_NUMBER_LENGTH = 4
"""So do numbers of fewer digits."""
_LITERAL = frozenset({"date", "email", "hash", "id", "list", "number", "path", "url", "uuid", "version"})
_NAMES_ONE = frozenset({"email", "hash", "id", "list", "uuid"})
"""What names one thing among many: of a single prompt nothing says that another would name the same."""
_NEVER_FIXED = _NAMES_ONE | {"date", "object"}
"""The same of arguments that a tool names: no procedure has them for constants."""
_BY_CHANCE = frozenset({"", "number", "date", "text"})
"""Types of which two arguments have equal values easily without being one."""
_DISTINCT = 3
_FEWEST_FOR_PATTERN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RunText:
    """What of a run may say where a value comes from."""

    prompt: str
    results: Mapping[str, str]
    """Preview of the result, by span_id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One argument of a common step: either a constant or a placeholder."""

    name: str
    """Of the argument."""
    place: int
    """In the words of the exemplary command; -1 for named arguments."""
    constant: str | None
    placeholder: str | None
    slot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class General:
    """The common steps with placeholders."""

    arguments: tuple[tuple[Bound, ...], ...]
    """For each column."""
    exemplars: tuple[Step, ...]
    """For each column, the step whose wording stands for it."""
    schema: Document
    """JSON Schema (2020-12) of an object with a property for each placeholder."""


@dataclass(slots=True)
class _Variable:
    name: str
    argument: str
    """Name of the argument that it was first."""
    slot: str
    private: bool
    values: dict[int, tuple[str, ...]]
    """By run: one value, or several where the step is a loop."""
    columns: list[int] = field(default_factory=list[int])
    origin: str = ""
    default: str | None = None
    needed: bool = False


def generalise(alignment: Alignment, runs: Sequence[RunText], *, optional: Sequence[bool]) -> General:
    """Constants and placeholders of the columns of ``alignment``; ``runs`` by number, ``optional`` by column."""
    one_prompt = len({run.prompt for run in runs}) == 1
    variables: list[_Variable] = []
    taken: Counter[str] = Counter()
    columns: list[tuple[Bound, ...]] = []
    exemplars = [_exemplar(column) for column in alignment.columns]
    for number, (column, exemplar) in enumerate(zip(alignment.columns, exemplars, strict=True)):
        bound: list[Bound] = []
        seen: Counter[str] = Counter()
        for argument in exemplar.arguments:
            occurrence = seen[argument.name]
            seen[argument.name] += 1
            values = _values(column, argument.name, occurrence)
            if 2 * len(values) < len(column.instances):
                continue
            flat = {value for each in values.values() for value in each}
            origin = _origin(values, runs, alignment.columns[:number])
            fixed = len(flat) == 1
            names_one = _names_one(argument, one_prompt=one_prompt)
            free = names_one or (bool(origin) and (one_prompt or argument.slot in _LITERAL))
            if fixed and not free:
                constant = argument.value
                bound.append(
                    Bound(
                        name=argument.name,
                        place=argument.place,
                        constant=constant,
                        placeholder=None,
                        slot=argument.slot,
                    )
                )
                continue
            variable = _same(variables, values, argument)
            if variable is None:
                variable = _Variable(
                    name=_fresh(_identifier(argument), taken),
                    argument=argument.name,
                    slot=argument.slot,
                    values=values,
                    private=is_private(argument),
                )
                variable.origin = origin or _among(variables, values)
                variable.default = argument.value if fixed and not names_one else None
                variables.append(variable)
            variable.columns.append(number)
            variable.needed = variable.needed or not optional[number]
            bound.append(
                Bound(
                    name=argument.name,
                    place=argument.place,
                    constant=None,
                    placeholder=variable.name,
                    slot=argument.slot,
                )
            )
        columns.append(tuple(bound))
    return General(arguments=tuple(columns), exemplars=tuple(exemplars), schema=_schema(variables))


def _names_one(argument: Argument, *, one_prompt: bool) -> bool:
    if argument.place >= 0:
        return one_prompt and argument.slot in _NAMES_ONE
    return argument.slot in _NEVER_FIXED or is_private(argument) or (one_prompt and argument.slot == "text")


def _exemplar(column: Column) -> Step:
    """The step whose arguments and wording most runs share."""

    def outline(step: Step) -> str:
        holes = {place for argument in step.arguments for place in argument.places}
        words = [word for place, word in enumerate(step.words) if place not in holes]
        return json.dumps([words, [argument.name for argument in step.arguments]])

    counts = Counter(outline(step) for each in column.instances for step in each.steps)
    return min(
        (step for each in column.instances for step in each.steps),
        key=lambda step: (-counts[outline(step)], outline(step), step.key),
    )


def _values(column: Column, name: str, occurrence: int) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for instance in column.instances:
        values = [value for step in instance.steps if (value := _value(step, name, occurrence)) is not None]
        if values:
            found[instance.run] = tuple(dict.fromkeys(values))
    return found


def _value(step: Step, name: str, occurrence: int) -> str | None:
    named = [argument.value for argument in step.arguments if argument.name == name]
    return named[occurrence] if occurrence < len(named) else None


def _same(
    variables: Sequence[_Variable], values: Mapping[int, tuple[str, ...]], argument: Argument
) -> _Variable | None:
    for variable in variables:
        shared = variable.values.keys() & values.keys()
        if variable.slot != argument.slot or 2 * len(shared) < len(values):
            continue
        if not all(variable.values[run] == values[run] for run in shared):
            continue
        # A quantity of 1 and a bag count of 1 are two things; so are two words that agree in a single run.
        distinct = len({values[run] for run in shared})
        if argument.slot not in _BY_CHANCE or distinct >= _DISTINCT:
            return variable
        if variable.argument == argument.name and (argument.slot in _LITERAL or distinct > 1):
            return variable
    return None


def _among(variables: Sequence[_Variable], values: Mapping[int, tuple[str, ...]]) -> str:
    for variable in variables:
        shared = variable.values.keys() & values.keys()
        if 2 * len(shared) >= len(values) and all(set(values[run]) <= set(variable.values[run]) for run in shared):
            return f"one of those of step {variable.columns[0] + 1}"
    return ""


def _origin(values: Mapping[int, tuple[str, ...]], runs: Sequence[RunText], before: Sequence[Column]) -> str:
    """Where the values stand first in enough of the runs; empty where that is not seen."""
    asked = {run: _pieces(each) for run, each in values.items()}
    asked = {run: each for run, each in asked.items() if each}
    least = max(1.0, _SEEN_SHARE * len(values))
    if len(asked) < least:
        return ""
    stated = sum(all(_stands(piece, runs[run].prompt.casefold()) for piece in each) for run, each in asked.items())
    if stated >= least:
        return "named in the task"
    for number, column in enumerate(before, 1):
        by_run = {instance.run: instance for instance in column.instances}
        met = sum(_shows(by_run.get(run), runs[run], each) for run, each in asked.items())
        if met >= least:
            return f"from the result of step {number}"
    return ""


def _pieces(values: tuple[str, ...]) -> list[str]:
    pieces: list[str] = []
    for value in values:
        parts: list[str] = re.findall(r'"([^"]+)"', value) if value.startswith("[") else [value]
        pieces += [part.casefold().lstrip("#") for part in parts]
    long = all(len(piece) >= (_NUMBER_LENGTH if piece.isdecimal() else _ORIGIN_LENGTH) for piece in pieces)
    return pieces if pieces and long else []


def _stands(piece: str, text: str) -> bool:
    """Whether ``piece`` stands in ``text`` by itself, not as a part of a longer word or number."""
    at = text.find(piece)
    while at >= 0:
        end = at + len(piece)
        if not (text[at - 1 : at].isalnum() and piece[0].isalnum()) and not (
            text[end : end + 1].isalnum() and piece[-1].isalnum()
        ):
            return True
        at = text.find(piece, at + 1)
    return False


def _shows(instance: Instance | None, run: RunText, pieces: list[str]) -> bool:
    if instance is None:
        return False
    shown = "\n".join(run.results.get(span, "") for step in instance.steps for span in step.span_ids).casefold()
    return all(_stands(piece, shown) for piece in pieces)


def _identifier(argument: Argument) -> str:
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", argument.name)
    name = re.sub(r"[^a-z0-9]+", "_", split.casefold()).strip("_")[:40]
    return name if name[:1].isalpha() else f"value_{name}".rstrip("_")


def _fresh(name: str, taken: Counter[str]) -> str:
    taken[name] += 1
    if taken[name] == 1:
        return name
    # ``path_2`` may itself be the name of an argument.
    return _fresh(f"{name}_{taken[name]}", taken)


def _schema(variables: Sequence[_Variable]) -> Document:
    properties: Document = {}
    for variable in variables:
        values = [value for run in sorted(variable.values) for value in variable.values[run]]
        counts = Counter(values)
        ranked = sorted(counts, key=lambda value: (-counts[value], value))
        steps = ", ".join(str(number + 1) for number in sorted(set(variable.columns)))
        where = f"step{'s' if ',' in steps else ''} {steps}"
        about = _type(variable.slot, ranked)
        about["description"] = f"{variable.origin}; used in {where}" if variable.origin else f"used in {where}"
        shown = list(dict.fromkeys(_form_of(value) if variable.private else value for value in ranked))[:_EXAMPLES]
        about["examples"] = [_typed(value, str(about["type"])) for value in shown]
        if variable.default is not None:
            about["default"] = _typed(variable.default, str(about["type"]))
        properties[variable.name] = about
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": sorted(each.name for each in variables if each.needed and each.default is None),
        "additionalProperties": False,
    }


def _form_of(value: str) -> str:
    """A value about a person as its form: ``mia_4516`` → ``xxx_0000``; an address at a domain kept for examples
    (RFC 2606)."""
    if "@" in value and not value.startswith(("[", "{")):
        return "name@example.com"
    if value.startswith(("[", "{")):
        return value[0] + {"[": "]", "{": "}"}[value[0]]
    return "".join(
        "0" if char.isdecimal() else "X" if char.isupper() else "x" if char.isalpha() else char for char in value
    )


def _typed(value: str, kind: str) -> object:
    if kind == "integer":
        return int(value)
    if kind == "number":
        return float(value)
    if kind in {"array", "object"}:
        return json.loads(value)
    return value[:_EXAMPLE_LENGTH]


def _type(slot: str, values: Sequence[str]) -> Document:
    if slot == "number":
        if all(re.fullmatch(r"-?\d{1,15}", value) for value in values):
            return {"type": "integer"}
        if all(re.fullmatch(r"-?\d{1,15}(?:\.\d{1,15})?", value) for value in values):
            return {"type": "number"}
    if slot in {"list", "object"} and all(_is_json(value) for value in values):
        return {"type": "array" if slot == "list" else "object"}
    if slot in {"email", "uuid"}:
        return {"type": "string", "format": slot}
    if slot == "url" and all(value.startswith(("http://", "https://")) for value in values):
        return {"type": "string", "format": "uri"}
    if slot in {"hash", "id", "version", "date"} and len(values) >= _FEWEST_FOR_PATTERN:
        start = re.match(r"[^0-9]*", _beginning(values))
        same = start[0] if start is not None and slot == "id" else ""
        outlines = {_outline(value, same) for value in values}
        if len(outlines) == 1:
            return {"type": "string", "pattern": outlines.pop()}
    return {"type": "string", "minLength": 1}


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _beginning(values: Sequence[str]) -> str:
    """What all of them begin with."""
    low, high = min(values), max(values)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
    return low[:same]


_SPECIAL = re.compile(r"([\\.^$|?*+()\[\]{}])")


def _outline(value: str, same: str) -> str:
    """``#W123`` → ``^#W[0-9]+$`` where all begin with ``same``: the classes of the other characters, in order.

    Of hexadecimal strings, that. Readable by any engine for regular expressions, RE2 included."""
    if re.fullmatch(r"[0-9a-f]{7,64}", value) and not value.isdigit():
        return "^[0-9a-f]{7,64}$"
    if re.fullmatch(r"(?=.*[0-9])[0-9A-Z]{4,20}", value) and not value.isdigit():
        return "^[0-9A-Z]+$"
    classes = ((r"[0-9]+", "[0-9]+"), (r"[A-Z]+", "[A-Z]+"), (r"[a-z]+", "[a-z]+"))
    parts = [_SPECIAL.sub(r"\\\1", same)]
    at = len(same)
    while at < len(value):
        for matches, stands in classes:
            if met := re.compile(matches).match(value, at):
                parts.append(stands)
                at = met.end()
                break
        else:
            parts.append(_SPECIAL.sub(r"\\\1", value[at]))
            at += 1
    return f"^{''.join(parts)}$"
