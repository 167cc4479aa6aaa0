"""A shell line taken apart: which commands it runs, and whose exit code the agent saw.

An agent sees one exit code for a whole line. ``go test ./... | tail`` reports the code of ``tail``: 14 % of such
"successful" lines hide a failure. So every command here comes with the answer to one question: what does
the line's exit code say about it?

This is no shell. It understands quotes, heredocs, comments, groups, chains, pipes, ``set -e`` and ``pipefail`` as far
as that question needs; whatever lies beyond (loops, conditions, functions) counts as ``hidden``, so that a mistake
leads to reading the output and never to believing a code. One regular expression of alternatives that cannot overlap
scans the line once: linear in its length, whatever it holds.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

__all__ = ["LINE_LIMIT", "Step", "steps_of"]

LINE_LIMIT = 20_000
"""Characters of a line that are looked at."""

_HEREDOC = re.compile(r"<<-?[ \t]*(['\"\\]?)([A-Za-z_]\w*)\1")
_TOKEN = re.compile(
    r"""(?P<word>[A-Za-z_./~:=,@%+{}\[\]*?!^-][^\s;&|()<>"'\\$`]*)
      | (?P<blank>[ \t\r]+|\\\n)
      | (?P<redirect>\d*>&\d?-?|&>>?|\d*>>?\|?|\d*<{1,3}&?)
      | (?P<operator>&&|\|\||\|&|;;|[;&|\n()])
      | (?P<comment>(?<![^\s;&|()])\#[^\n]*)
      | (?P<part>'[^']*'|"(?:[^"\\]|\\.)*"|\$\([^()]*\)|`[^`]*`|\\.|[^\s;&|()<>"'\\$`]+|.)""",
    re.VERBOSE | re.DOTALL,
)
"""``word`` is a ``part`` without quotes that nothing else can begin like: first, as it is the most frequent one."""
_PIPED_GROUP = re.compile(r"[ \t]*\|(?!\|)")
_PRINTED = re.compile(r"\$\?|\$\{PIPESTATUS\[0\]\}|\$PIPESTATUS|\$\{pipestatus\[1\]\}")
_OPENERS = frozenset({"if", "then", "elif", "else", "while", "until", "do", "for", "case", "select"})
_CLOSERS = frozenset({"fi", "done", "esac"})
_CANNOT_FAIL = frozenset(
    {"cd", "pushd", "popd", "export", "source", ".", "set", "echo", "printf", "mkdir", "true", ":", "sleep", "unset"}
    | {"umask", "touch", "ulimit", "alias", "trap", "date", "pwd"}
)
"""Commands that do not fail in practice; a red exit code of ``cd x && go test`` belongs to the test."""
_FAIL_ON = frozenset({"exit", "false", "return"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One simple command of a line."""

    words: tuple[str, ...]
    """Unquoted, without redirections; at least one."""
    exit: Literal["own", "chain", "hidden"]
    """``own``: the line's exit code is this command's. ``chain``: 0 means that it passed, another code may be a
    neighbour's. ``hidden``: the code says nothing about it."""
    filters: tuple[tuple[str, ...], ...] = ()
    """The commands that its output goes through before anybody sees it."""
    printed_exit: str | None = None
    """A regular expression whose only group is the exit code that ``; echo "exit $?"`` printed."""


class _Command:
    __slots__ = ("compound", "operator", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.operator = ";"
        self.compound = False


def steps_of(line: str) -> tuple[Step, ...]:
    """The simple commands of ``line`` in order. Never raises; what cannot be read is left out."""
    return _steps_of(line[:LINE_LIMIT])


@lru_cache(maxsize=512)
def _steps_of(line: str) -> tuple[Step, ...]:
    # Kept: checks and redaction ask about the same line one after the other, and agents run the same line again (of
    # 4 056 lines asked about 1 811 were distinct). Half a megabyte at the usual length, 20 MB at the worst.
    commands = _commands(_without_heredocs(line))
    pipefail = any(c.words[0] == "set" and "pipefail" in c.words for c in commands)
    strict = any(c.words[0] == "set" and c.words[1:] and re.match(r"-\w*e", c.words[1]) for c in commands)
    steps: list[Step] = []
    for index, command in enumerate(commands):
        last = index
        while commands[last].operator in {"|", "|&"} and last + 1 < len(commands):
            last += 1
        exit_ = _exit(commands, index, last, pipefail=pipefail, strict=strict)
        steps.append(
            Step(
                words=tuple(command.words),
                exit=exit_,
                filters=tuple(tuple(c.words) for c in commands[index + 1 : last + 1]),
                printed_exit=_printed(commands, index, last) if exit_ == "hidden" else None,
            )
        )
    return tuple(steps)


def _without_heredocs(line: str) -> str:
    if "<<" not in line:
        return line
    kept: list[str] = []
    position = 0
    for found in _HEREDOC.finditer(line):
        if found.start() < position or line.startswith("<<<", found.start()):
            continue
        body = line.find("\n", found.end())
        if body < 0:
            break
        end = re.compile(rf"^[ \t]*{found[2]}[ \t]*(?=\)|\"|$)", re.MULTILINE).search(line, body + 1)
        if end is None:
            kept.append(line[position : body + 1])
            return "".join(kept)
        kept.append(line[position:body])
        kept.append("\n")
        position = end.end()
    kept.append(line[position:])
    return "".join(kept)


def _commands(line: str) -> list[_Command]:
    commands: list[_Command] = []
    groups: list[int] = []
    current = _Command()
    word: str | None = None
    skip_word = False
    compound = 0

    def end_word() -> None:
        nonlocal word, skip_word
        if word is None:
            return
        if skip_word:
            skip_word = False
        else:
            current.words.append(word)
        word = None

    def end_command(operator: str) -> None:
        nonlocal current, compound
        end_word()
        words = current.words
        while words and (words[0] in _OPENERS or words[0] in {"!", "{", "time"}):
            compound += words[0] in {"if", "while", "until", "for", "case", "select"}
            current.compound = current.compound or words[0] not in {"{", "time"}
            if words[0] in {"for", "case", "select"}:
                words.clear()
            else:
                del words[0]
        closes = bool(words) and (words[0] in _CLOSERS or words[0] == "}")
        if closes:
            compound = max(0, compound - (words[0] in _CLOSERS))
            words.clear()
        if words:
            current.compound = current.compound or compound > 0
            current.operator = operator
            commands.append(current)
        elif commands and operator not in {";", "\n"} and commands[-1].operator in {";", "\n", ")"}:
            commands[-1].operator = operator
        current = _Command()

    for token in _TOKEN.finditer(line):
        kind, text = token.lastgroup, token[0]
        if kind == "word":
            word = text if word is None else word + text
        elif kind == "part":
            word = (word or "") + _unquoted(text)
        elif kind == "redirect":
            if word is not None and word.isdigit():
                word = None
            end_word()
            skip_word = not re.search(r"&\d?-?$", text) or text in {"&>", "&>>"}
        elif kind == "operator":
            if text == "(":
                end_word()
                groups.append(len(commands))
            elif text == ")":
                end_command(")")
                start = groups.pop() if groups else 0
                groups_end = len(commands)
                if _PIPED_GROUP.match(line, token.end()):
                    for command in commands[start:groups_end]:
                        command.compound = True
            else:
                end_command(text)
        else:
            end_word()
    end_command(";")
    return commands


def _unquoted(part: str) -> str:
    if len(part) >= 2 and part[0] == part[-1] and part[0] in "'\"":
        return part[1:-1]
    if part.startswith("\\") and len(part) == 2:
        return part[1]
    return part


def _exit(
    commands: list[_Command], first: int, last: int, *, pipefail: bool, strict: bool
) -> Literal["own", "chain", "hidden"]:
    command = commands[first]
    if command.compound or (last > first and not pipefail):
        return "hidden"
    alone = True
    position = last
    while position + 1 < len(commands):
        operator = commands[position].operator
        following = commands[position + 1].words[0]
        if operator == "||":
            if following not in _FAIL_ON:
                return "hidden"
            break
        if operator in {";", "\n", ")"} and not strict:
            return "hidden"
        if operator == "&":
            return "hidden"
        alone = alone and _cannot_fail(commands[position + 1])
        position += 1
    else:
        if commands[position].operator == "&":
            return "hidden"
    for position in range(first - 1, -1, -1):
        operator = commands[position].operator
        if operator == "||" or (operator in {"|", "|&"} and pipefail):
            return "hidden" if operator == "||" else "chain"
        if operator in {";", "\n", "&", ")"} and not strict:
            break
        if operator not in {"|", "|&"}:
            alone = alone and _cannot_fail(commands[position])
    return "own" if alone else "chain"


def _cannot_fail(command: _Command) -> bool:
    return command.words[0] in _CANNOT_FAIL or command.words[:2] == ["git", "add"]


def _printed(commands: list[_Command], first: int, last: int) -> str | None:
    if last + 1 >= len(commands) or commands[last].operator not in {";", "\n"}:
        return None
    after = commands[last + 1].words
    text = " ".join(after[1:])
    found = _PRINTED.search(text)
    if after[0] not in {"echo", "printf"} or found is None or (last > first and found[0] == "$?"):
        return None
    before = text[: found.start()].removeprefix("-e ").rsplit("\\n", 1)[-1]
    return rf"(?m)^{re.escape(before)}(\d+)\b"
