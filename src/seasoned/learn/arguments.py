"""The arguments of a step: each with a name, its literal value, and the type of thing that it is.

The type (``slot``) is what makes two calls comparable that act on different things, and what a placeholder is later
described by. It is read from the value by the same rules that take literals out of prompts (``learn.slots``), so that
a number in a prompt and the same number in a call are the same thing. Invariant: a pure function of one call.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import cast

from seasoned.learn.calls import canonical, is_prose
from seasoned.learn.slots import shape
from seasoned.model import Document
from seasoned.model.ids import canonical_json

__all__ = [
    "Argument",
    "command_arguments",
    "file_class",
    "form_of_words",
    "is_private",
    "named_arguments",
    "names_one",
    "slot_of",
    "spelled",
]

_WHOLE = re.compile(r"<([a-z]+)>\Z")
_IDENTIFIER = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z#_])#?[\w-]{3,80}\Z")
_REVISION = re.compile(r"(?:HEAD|[\w./-]+)(?:[~^]\d*|@\{\w+\})*(?:\.{2,3}\S*)?\Z")
_VALUE_LIMIT = 400
_ARGUMENT_LIMIT = 12
_VALUED = {
    "-m": "message",
    "--message": "message",
    "-F": "file",
    "-b": "branch",
    "-B": "branch",
    "--branch": "branch",
    "--base": "base",
    "--head": "head",
    "--title": "title",
    "--body": "body",
    "--body-file": "file",
    "-t": "tag",
    "--tag": "tag",
    "-run": "test",
    "-k": "test",
    "-o": "output",
    "--output": "output",
    "-n": "count",
    "-c": "count",
    "--repo": "repository",
    "-R": "repository",
    "--timeout": "timeout",
    "-timeout": "timeout",
    "-count": "count",
    "--json": "fields",
    "--jq": "filter",
    "-q": "filter",
    "-e": "pattern",
    "--format": "format",
    "--pretty": "format",
}
"""Options of common programs whose next word is their value, and what it is called."""
_LISTED = frozenset({"package", "path", "word"})
"""Words of which there may be any number."""
_BRANCHES = frozenset({"git checkout", "git switch", "git push", "git pull", "git merge", "git rebase", "git branch"})
_REVISIONS = frozenset(
    {"git diff", "git show", "git log", "git cherry-pick", "git reset", "git revert", "git rev-parse"}
)
_PACKAGES = frozenset({"go test", "go build", "go vet", "npm install", "pip install", "go get", "go install", "npm i"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One value that a call was given."""

    name: str
    """The tool's own name for it; for a word of a command what kind of thing it is: path, branch, message, …"""
    value: str
    """As given; a list or an object as canonical JSON."""
    slot: str = ""
    """A ``SlotKind``, ``text`` (prose), ``list``, ``object``; empty for a plain word."""
    place: int = -1
    """Index among the words of the command; -1 for an argument with a name of its own."""
    width: int = 1
    """How many words of the command it is: ``git add a b`` has one argument of two."""

    @property
    def places(self) -> range:
        """Of its words in the command."""
        return range(self.place, self.place + self.width) if self.place >= 0 else range(0)

    @property
    def typed(self) -> str:
        """``name=<slot>`` for a literal, ``name=value`` for a plain word."""
        shown = f"<{self.slot}>" if self.slot else " ".join(self.value.casefold().split())[:60]
        return shown if self.place >= 0 else f"{self.name}={shown}"


_NAMES_ONE = frozenset({"date", "email", "hash", "id", "list", "number", "object", "url", "uuid"})
_PRIVATE = re.compile(
    r"(?:(?:first|last|middle|full|family|given|birth|sur|user|customer|passenger|contact|recipient|holder)_?names?|"
    r"e_?mails?|(?:e_?mail|home|street|billing|shipping)_?address(?:es)?|address_?\d?|phone(?:_?number)?|street|city|"
    r"zip(?:_?code)?|post(?:al)?_?code|dob|date_of_birth|birth_?(?:date|day)|passport(?:_?number)?|ssn|"
    r"(?:user|customer|member|patient|passenger|employee|person)s?_?ids?|passengers?)"
)


def names_one(argument: Argument) -> bool:
    """Whether the value names one thing among many, so that another task would name another."""
    return argument.slot in _NAMES_ONE or is_private(argument)


def is_private(argument: Argument) -> bool:
    """Whether the argument is by its name, or by its form, about a person."""
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", argument.name).casefold()
    return argument.slot == "email" or (argument.place < 0 and _PRIVATE.fullmatch(split) is not None)


def slot_of(value: str, name: str = "") -> str:
    """What type of thing a value is; empty for a plain word or two."""
    text = " ".join(value[:_VALUE_LIMIT].split())
    whole = _WHOLE.match(shape(text.casefold()).prompt)
    if whole is not None and whole[1] != "code":
        return whole[1]
    if name.casefold().endswith(("_id", "_ids")) or name.casefold() == "id":
        return "id"
    if _IDENTIFIER.match(text):
        return "id"
    if "/" in text and " " not in text and not text.endswith("/..."):
        return "path"
    return "text" if len(text.split()) > 3 else ""


def named_arguments(arguments: Document) -> tuple[Argument, ...]:
    """Arguments of a tool that names them, sorted; empty values are none."""
    found: list[Argument] = []
    for name in sorted(arguments):
        value = arguments[name]
        if value in (None, "", [], {}) or len(found) == _ARGUMENT_LIMIT:
            continue
        if isinstance(value, str):
            argument = Argument(name=name, value=value[:_VALUE_LIMIT], slot=slot_of(value, name))
            # ``first_name=Olivia`` is a plain word, but no word of the procedure.
            found.append(replace(argument, slot="text") if not argument.slot and is_private(argument) else argument)
        elif isinstance(value, bool):
            found.append(Argument(name=name, value="true" if value else "false"))
        elif isinstance(value, int | float):
            found.append(Argument(name=name, value=str(value), slot="number"))
        elif isinstance(value, Mapping):
            text = canonical_json({str(key): item for key, item in cast("Mapping[object, object]", value).items()})
            found.append(Argument(name=name, value=text[:_VALUE_LIMIT], slot="object"))
        elif isinstance(value, list):
            text = canonical_json(cast("list[object]", value))
            found.append(Argument(name=name, value=text[:_VALUE_LIMIT], slot="list"))
    return tuple(found)


def command_arguments(tool: str, words: Sequence[str], rest: Sequence[str]) -> tuple[Argument, ...]:
    """Arguments of a shell command: ``rest`` are those of its ``words`` that are not its name."""
    found: list[Argument] = []
    place = 0
    before = ""
    for word in rest:
        while place < len(words) and words[place] != word:
            place += 1
        at = place if place < len(words) else -1
        place += 1
        if (word.startswith("-") and len(word) > 1) or at <= 0:
            before = word
            continue
        if word in {"run", "exec"} and not found:
            continue
        name = None if tool in {"list", "read", "search"} else _option_value(tool, before)
        before = ""
        slot = "text" if "<<" in word or word.startswith("$(") else slot_of(word)
        if name is None:
            name = _word_name(tool, word, slot, len(found))
            last = found[-1] if found else None
            if last is not None and last.name == name and last.places.stop == at and name in _LISTED:
                value = f"{last.value} {word}"[:_VALUE_LIMIT]
                found[-1] = replace(last, value=value, width=last.width + 1)
                continue
        found.append(Argument(name=name, value=word[:_VALUE_LIMIT], slot=slot, place=at))
        if len(found) == _ARGUMENT_LIMIT:
            break
    return tuple(found)


def _option_value(tool: str, option: str) -> str | None:
    if option == "-m" and not tool.startswith(("git", "hg")):
        return "module"
    return _VALUED.get(option)


def _word_name(tool: str, word: str, slot: str, number: int) -> str:
    if tool in _PACKAGES:
        return "package"
    if tool == "search":
        return "pattern" if number == 0 else "path"
    if tool in _REVISIONS and slot not in {"path"}:
        return "commit" if slot == "hash" else "revision"
    if tool in _BRANCHES:
        return "remote" if word in {"origin", "upstream"} else "branch"
    if tool.startswith("gh pr") and slot in {"number", "url", "id"}:
        return "pull_request"
    if slot == "hash":
        return "commit"
    return slot if slot and slot not in {"code", "quoted"} else "text" if slot else "word"


def form_of_words(rest: Sequence[str], arguments: Sequence[Argument]) -> str:
    """Options of a command and the kinds of its other words, without order, repetition or values."""
    options = sorted({word.split("=", 1)[0] for word in rest if word.startswith("-") and len(word) > 1})[:8]
    kinds = sorted({f"<{argument.name}>" for argument in arguments})
    return " ".join([*options, *kinds])


def spelled(arguments: Sequence[Argument]) -> str:
    """One text for arguments that mean the same: order, case, blanks and prose do not count."""
    parts: list[str] = []
    for argument in arguments:
        value = argument.value
        if argument.slot in {"list", "object"}:
            folded = _spelled_json(value)
        elif is_prose(value):
            continue
        else:
            folded = str(canonical(value))
        parts.append(f"{argument.name}={folded}")
    return " ".join(sorted(parts))


def _spelled_json(value: str) -> str:
    try:
        return json.dumps(canonical(json.loads(value)), sort_keys=True, ensure_ascii=False)
    except ValueError:  # cut on import
        return value.casefold()


def file_class(path: str) -> str:
    """The kind of file that a path names: ``*.go``, ``test *.go``, ``makefile``."""
    pure = PurePosixPath(path.replace("\\", "/"))
    folded = pure.name.casefold()
    kind = f"*{pure.suffix.casefold()}" if pure.suffix else folded
    stem = folded.rsplit(".", 1)[0]
    tests = re.search(r"(?:^|[_.-])(?:tests?|spec)(?:$|[_.-])", stem) or {"tests", "test", "__tests__"} & {
        part.casefold() for part in pure.parts[:-1]
    }
    return f"test {kind}" if tests else kind
