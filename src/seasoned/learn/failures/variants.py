"""How a call that worked differs from the same call that failed.

Two kinds of call. A shell command is words: the difference is the words that were added, dropped or changed between the
failing command and the later command of the same program, assignments in front included. An API call is named
arguments: the difference is the arguments that changed. Both are generalised: a literal that differs from task to task
becomes a ``{slot}``, and a value that the error message itself names is said to come from there.

A variant that only asks for less (``| tail``, fewer tests), or only hides the exit code (``|| true``, ``2>/dev/null``),
or switches a guard off (``--no-verify``) is no remedy.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from seasoned.capture.shell_lines import steps_of
from seasoned.learn.calls import canonical
from seasoned.learn.failures.program import deciding, name_of, simple_commands
from seasoned.learn.slots import shape
from seasoned.model import Document

__all__ = ["Variant", "argument_variant", "command_variant", "generalised", "other_program"]

_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
_GUARDS = frozenset(
    {"--no-verify", "-n", "--no-gpg-sign", "--force", "-f", "--skip-tests", "-DskipTests", "--no-check"}
)
_HIDES = re.compile(r"\|\|\s*(?:true|:|echo\b)|2>\s?/dev/null|;\s*true\b|\bset \+e\b")
_ASKS_LESS = frozenset(
    """--help -h --version --list --dry-run --stat --shortstat --name-only --name-status --collect-only --quiet -q --no-run
    --list-tests --summary""".split()
)
"""Options with which a program does not do what was asked, or says less of it."""
_RUNNERS = frozenset({"run", "exec", "run-script", "dlx"})
_OPTION = re.compile(r"^--?[A-Za-z][\w\-]*")
_RANGE = re.compile(r"[-+]?\d[\d,.:$;\-]*[pq]?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_SLOT_NAME = {"path": "path", "url": "url", "number": "number", "hash": "commit", "quoted": "text", "id": "id"}
_MOST_WORDS = 14
_ANOTHER, _OUT, _FEWER, _MORE = "to another value", "left out", "to fewer entries", "to more entries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The difference between a failing call and the same call that worked."""

    text: str
    """The working call with ``{slots}`` for what differs from task to task."""
    example: str
    """As it stood, at most 300 characters."""
    change: str
    """What changed, in words: ``add --set-upstream``."""
    key: str
    """Equal for the same change, whatever the literals."""
    no_remedy: str | None = None
    """Why it is none: ``narrows``, ``hides``, ``guard off``, ``same call``, ``other names`` (the two differ only in
    paths, numbers and texts, and those belong to their task)."""


def command_variant(failed: str, worked: str, name: str, message: str) -> Variant | None:
    """The change from line ``failed`` to line ``worked`` in the command ``name`` (program with verb); None where one
    of them does not run it."""
    one, two = _words(failed, name), _words(worked, name)
    if one is None or two is None:
        return None
    (set_one, words_one), (set_two, words_two) = one, two
    if name.rsplit(" ", 1)[-1] in _RUNNERS and _parts_of(_task(words_one), _task(words_two)) is None:
        return None
    added = [word for word in words_two if word not in words_one]
    dropped = [word for word in words_one if word not in words_two]
    assigned = [word for word in set_two if word not in set_one]
    unset = [word for word in set_one if word not in set_two]
    no_remedy = None
    if _hidings(worked, name) - _hidings(failed, name):
        no_remedy = "hides"
    elif not (added or dropped or assigned or unset):
        no_remedy = "same call"
    elif not (assigned or unset) and all(_is_part(word, dropped) for word in added):
        no_remedy = "narrows"  # nothing new, or only a part of what was asked before
    elif not _ASKS_LESS.isdisjoint(added):
        no_remedy = "narrows"
    elif not (assigned or unset) and set(_general(added)) <= set(_general(words_one)):
        no_remedy = "other names"
    elif added and all(word in _GUARDS for word in added) and not assigned and "ignored" not in message:
        no_remedy = "guard off"
    said: list[str] = []
    if assigned:
        said.append("set " + " ".join(generalised(word, message) for word in assigned))
    if unset:
        said.append("without " + " ".join(generalised(word, message) for word in unset))
    if added and dropped:
        said.append(f"{_listed(added, message)} instead of {_listed(dropped, message)}")
    elif added:
        said.append(f"add {_listed(added, message)}")
    elif dropped:
        said.append(f"leave out {_listed(dropped, message)}")
    text = " ".join(generalised(word, message) for word in (*set_two, *words_two[:_MOST_WORDS]))
    change = "; ".join(said) or "the same call again"
    return Variant(text=text, example=_cut(worked), change=change, key=f"{name}: {change}", no_remedy=no_remedy)


def _task(words: tuple[str, ...]) -> str:
    """What a runner was told to run: ``lint`` of ``mise run lint``."""
    place = next((index for index, word in enumerate(words) if word in _RUNNERS), len(words))
    return next((word for word in words[place + 1 :] if not word.startswith("-")), "")


def _parts_of(one: str, two: str) -> bool | None:
    """False: the same; True: ``two`` is a part of ``one`` (``lint:go`` of ``lint``); None: another task altogether."""
    return False if one == two else True if _is_part(two, [one]) else None


def _is_part(word: str, of: list[str]) -> bool:
    return any(len(each) > 1 and word.startswith((f"{each}:", f"{each}/", f"{each}[", f"{each}.")) for each in of)


def argument_variant(tool: str, failed: Document, worked: Document, message: str) -> Variant:
    """The change between two calls of an API tool."""
    message_names = frozenset(re.findall(r"\w+", message))
    changed = sorted(
        key
        for key in failed.keys() | worked.keys()
        if canonical(failed.get(key)) != canonical(worked.get(key))  # spelling alone is no change
    )
    told = {key: _value(worked.get(key), failed.get(key), message) for key in changed}
    telling = [key for key, value in told.items() if value not in (_ANOTHER, _OUT, _FEWER)]
    named = [key for key in changed if key in message_names and told[key] in (_OUT, _ANOTHER)]
    no_remedy = None
    if not changed:
        no_remedy = "same call"
    elif (not telling and not named) or _belongs_to_its_task(told, named):
        no_remedy = "other names" if _ANOTHER in told.values() else "narrows"
    said = [f"{key} {told[key]}" for key in changed]
    change = "change " + ", ".join(said) if changed else "the same call again"
    example = json.dumps({key: worked.get(key) for key in changed or worked}, sort_keys=True, ensure_ascii=False)
    return Variant(
        text=f"{tool}({', '.join([*(f'{key}={{{key}}}' for key in changed), *(['…'] if len(worked) > len(changed) else [])])})",
        example=_cut(example),
        change=change,
        key=f"{tool}: {change}",
        no_remedy=no_remedy,
    )


def _belongs_to_its_task(told: Mapping[str, str], named: list[str]) -> bool:
    """Whether all that can be said is that a list grew while other values changed too: that is another request, such as
    the return of another order."""
    others = [key for key, value in told.items() if value == _ANOTHER and key not in named]
    return bool(others) and not named and all(value in (_ANOTHER, _OUT, _FEWER, _MORE) for value in told.values())


def generalised(word: str, message: str = "") -> str:
    """``word`` with what varies from task to task as a slot. An option keeps its name, a program its name."""
    if _OPTION.match(word):
        option, equals, value = word.partition("=")
        return f"{option}={generalised(value, message)}" if equals and value else word
    if _RANGE.fullmatch(word):
        return "{number}"
    name, equals, value = word.partition("=")
    if equals and name.isidentifier() and value:
        return f"{name}={value if value.startswith('$') or len(value) < 4 else generalised(value, message)}"
    if re.fullmatch(r"[\w.@~+\-]*(?:/[\w.@~+\-*]*)+", word) and len(word) > 3 and not word.startswith("./..."):
        return "{path}"
    read = shape(word)
    slots = read.slots
    if len(slots) == 1 and len(slots[0].value) >= 0.6 * len(word):
        return "{" + _SLOT_NAME.get(slots[0].kind, slots[0].kind) + "}"
    if len(word.split()) > 3 or len(word) > 40:
        return "{text}"
    return word


def _hidings(line: str, name: str) -> frozenset[str]:
    """By what the failure of ``name`` in ``line`` is kept from being seen."""
    found = {" ".join(match.split()) for match in _HIDES.findall(line)}
    if any(step.exit == "hidden" for step in simple_commands(line) if name_of(step.words) == name):
        found.add("exit code")
    return frozenset(found)


def _general(words: list[str] | tuple[str, ...]) -> list[str]:
    return [generalised(word) for word in words]


def other_program(failed: str, worked: str, name: str) -> Variant | None:
    """The change from a program that is not there to another one that is given the same words, or that runs it:
    ``python3`` for ``python``, ``mise exec -- go`` for ``go``. None where ``worked`` does neither."""
    steps = [step for step in simple_commands(failed) if name_of(step.words) == name]
    if not steps:
        return None
    words = steps[-1].words
    program = words[0]
    for step in simple_commands(worked):
        if step.words[0] == program or len(step.words) < 2:
            continue
        if step.words[0].rsplit("/", 1)[-1] == program.rsplit("/", 1)[-1]:
            said = f"{step.words[0]} by its path instead of {program}"
        elif program in step.words[1:5]:
            said = f"run it by {' '.join(step.words[: step.words.index(program)])}"
        elif len(words) > 1 and step.words[1:] == words[1:]:
            said = f"{step.words[0]} instead of {program}"
        else:
            continue
        text = " ".join([step.words[0], *(generalised(word) for word in step.words[1:_MOST_WORDS])])
        return Variant(text=text, example=_cut(worked), change=said, key=f"{program}: {said}")
    return None


def _words(line: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    steps = [step for step in simple_commands(line) if name_of(step.words) == name]
    if not steps:
        return None
    last = deciding(line)
    step = last if last in steps else steps[-1]
    whole = next((raw.words for raw in steps_of(line) if raw.words[-len(step.words) :] == step.words), step.words)
    return tuple(word for word in whole[: -len(step.words)] if _ASSIGNED.match(word)), step.words


def _listed(words: list[str], message: str) -> str:
    shown = list(dict.fromkeys(generalised(word, message) for word in words))
    return " ".join(shown[:4]) + (" …" if len(shown) > 4 else "")


def _value(value: object, before: object, message: str) -> str:
    """What is said of a changed argument: where its value is to be had from, never the value of another task."""
    if value in (None, "", [], {}):
        return _OUT
    named = set(_NUMBER.findall(message))
    amounts = _numbers(value)
    if named and amounts:
        total = sum(amounts)
        place = _place_of(total, message)
        if place is not None and _place_of(sum(_numbers(before)), message) != place:
            return f"so that its amounts add up to the {place} that the error names"
    if isinstance(value, str) and isinstance(before, str) and "/" in value and "/" in before:
        one, two = value.rstrip("/").rsplit("/", 1), before.rstrip("/").rsplit("/", 1)
        if one[1] == two[1]:
            return "to the same file name in another folder"
        if one[0] == two[0]:
            return "to a similar file name in the same folder"
    if isinstance(value, str) and len(value) > 1 and value in message:
        return "to the value that the error names"
    if isinstance(value, list) and isinstance(before, list):
        one, two = len(cast(list[object], value)), len(cast(list[object], before))
        if one != two:
            return _MORE if one > two else _FEWER
    return _ANOTHER


def _numbers(value: object) -> list[float]:
    if isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [float(value)]
    if isinstance(value, Mapping):
        return [number for item in cast(Mapping[object, object], value).values() for number in _numbers(item)]
    if isinstance(value, list):
        return [number for item in cast(list[object], value) for number in _numbers(item)]
    return []


def _place_of(total: float, message: str) -> str | None:
    """The words in front of ``total`` in the message: ``total price``."""
    for found in re.finditer(r"((?:[A-Za-z]+ ){1,3})(?:is |of |= |: )?(-?\d+(?:\.\d+)?)", message):
        if abs(float(found[2]) - total) < 0.005:
            words = [word for word in found[1].split() if word.lower() not in {"is", "of", "but", "the", "was"}]
            return " ".join(words) or None
    return None


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 300 else flat[:299] + "…"
