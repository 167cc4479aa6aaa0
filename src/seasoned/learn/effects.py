"""What a run changed in the world, as a set that can be compared with another run's.

Two agents reach the same end by different words and in different order. What they have in common, if both are right,
is their effects: calls that changed something, as (tool, normalised target). Looking, thinking, checking and talking
leave no effect, and neither does a call that failed, was refused or was cancelled. Order and repetition do not count.

Whether a call changes something is told by its class. Tools of programming agents are listed. Tools with names of
their own (``mcp__shop__get_order``, ``cancel_reservation``) are judged by the verb that their name begins with;
a name without a known verb counts as an effect, because a missing effect makes different runs look alike, which is
the worse mistake. Handing over to a person (``transfer_to_human_agents``) is talk: it changes who speaks, not the
state. Shell lines are taken apart; commands that only read or check leave nothing.

The target is the file for edits (two right edits differ in wording), the command for shell lines, and all arguments
for everything else, without prose: strings of eight words or more are explanations, not targets.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from seasoned.capture.check_commands import check_command
from seasoned.capture.shell_lines import steps_of
from seasoned.model import Span

__all__ = ["Effect", "effects", "telling"]

_DONE = frozenset({"success", "unknown"})
"""Span outcomes after which the effect stands. ``unknown``: Codex does not say how most calls went."""
_EDITS = frozenset(
    {"edit", "write", "multiedit", "notebookedit", "apply_patch", "write_file", "replace", "create_file"}
)
_SHELLS = frozenset(
    {"bash", "powershell", "exec_command", "shell", "shell_command", "run", "run_shell_command", "execute"}
)
_PROGRAMMED = frozenset(
    {"execute_code", "python", "run_ipython", "str_replace_based_edit_tool", "str_replace_editor", "text_editor"}
)
"""Tools whose arguments are a program or an edit of a file, under names of their own."""
_INWARD = frozenset(
    """agent askuserquestion bashoutput close_agent enterplanmode exitplanmode glob grep killbash killshell ls
    notebookread read read_file skill spawn_agent task taskcreate taskget tasklist taskoutput taskstop taskupdate
    todoread todowrite toolsearch update_plan wait_agent webfetch websearch write_stdin""".split()
)
"""Tools that look, plan, wait or delegate. What a delegate does is in its own trace."""
_NO_EFFECT_VERBS = frozenset(
    # reading
    """calculate check compare compute count describe display estimate fetch find get glance grep inspect is list load
    look lookup ls open peek preview query read resolve retrieve search show stat suggest summarize tail validate
    verify view wait"""
    # thinking and talking
    """ answer ask escalate explain finish greet handoff notify plan reason reflect remind reply report respond say
    summarise tell think transfer""".split()
)
_READING = frozenset(
    """[ alias awk basename bat cat cd clear cmp column command comm cut date df diff dig dirname du echo env export
    false fd file find git-lfs grep egrep fgrep head hexdump history host hostname id jq less ls lsof man md5sum more
    nl nslookup od pgrep popd printenv printf ps pushd pwd readlink realpath rg sed set sha256sum sleep sort stat
    strings tac tail test time top tr tree true type ulimit uname uniq unset uptime wc wait whereis which whoami
    xxd yq""".split()
)
_READING_OF = {
    "git": frozenset(
        """blame branch cat-file config describe diff fetch grep help log ls-files ls-remote ls-tree merge-base reflog
        remote rev-list rev-parse shortlog show show-ref status version whatchanged""".split()
    ),
    "gh": frozenset({"api", "auth", "browse", "search", "status"}),
    "go": frozenset({"doc", "env", "list", "tool", "version"}),
    "docker": frozenset({"images", "info", "inspect", "logs", "ps", "version"}),
    "kubectl": frozenset({"describe", "explain", "get", "logs", "top", "version"}),
    "npm": frozenset({"audit", "ls", "outdated", "view"}),
    "pip": frozenset({"check", "freeze", "list", "show"}),
}
_DELIVERS = frozenset({"commit", "merge", "push", "revert"})
"""Kinds of ``check_command`` that change something; the others only check."""
_PROSE_WORDS = 8
_VERB = re.compile(r"[a-z]+|[A-Z][a-z]*")
_PATH_KEYS = ("file_path", "notebook_path", "path", "filename")


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Effect:
    """One change of the world."""

    tool: str
    """Without the server's prefix, folded; a shell command's program."""
    target: str
    """Canonical JSON of the normalised arguments, a path, or the words of a command."""


def effects(spans: Iterable[Span]) -> frozenset[Effect]:
    """What the tool calls among ``spans`` changed. Independent of their order."""
    found: set[Effect] = set()
    for span in spans:
        if span.kind == "tool" and span.outcome in _DONE:
            found.update(_of_call(span))
    return frozenset(found)


def telling(spans: Iterable[Span]) -> bool:
    """Whether a run's effects say all that it did, so that another run with the same effects did the same.

    Calls of named tools do: their arguments are the change. Edits do not (of two edits of one file one may be right
    and the other wrong), nor do shell lines that change something (what they do depends on what they find). Nothing
    at all says nothing either, unless named tools were used to look: then leaving things alone was the decision.
    """
    looked = False
    for span in spans:
        if span.kind != "tool" or span.outcome not in _DONE:
            continue
        folded = _name(span).casefold()
        if folded in _EDITS or folded in _PROGRAMMED or (folded in _SHELLS and any(True for _ in _of_call(span))):
            return False
        looked = looked or not (folded in _INWARD or folded in _SHELLS)
    return looked


def _name(span: Span) -> str:
    return (span.tool or span.name).rsplit("__", 1)[-1].rsplit(".", 1)[-1]


def _of_call(span: Span) -> Iterable[Effect]:
    name = _name(span)
    folded = name.casefold()
    arguments = span.arguments or {}
    if folded in _SHELLS:
        line = next((text for key in ("command", "cmd") if isinstance(text := arguments.get(key), str)), None)
        if line is None:
            words = arguments.get("command")
            line = " ".join(map(str, cast(list[object], words))) if isinstance(words, list) else ""
        return _of_line(line, 3)
    if folded in _EDITS:
        named = [path for key in _PATH_KEYS if isinstance(path := arguments.get(key), str)]
        return [Effect(tool="edit", target=path) for path in (span.files or named)]
    if folded in _INWARD or _verb(name) in _NO_EFFECT_VERBS:
        return ()
    return [Effect(tool=folded, target=json.dumps(_normal(arguments), sort_keys=True, ensure_ascii=False))]


def _of_line(line: str, depth: int) -> list[Effect]:
    found: list[Effect] = []
    for step in steps_of(line):
        program = step.words[0].rsplit("/", 1)[-1]
        check = check_command(step.words)
        if check is not None and check[0] == "shell":
            found += _of_line(check[1], depth - 1) if depth else []
            continue
        if check is not None and check[0] not in _DELIVERS:
            continue
        if check is None and _only_reads(program, step.words[1:]):
            continue
        target = check[0] if check is not None else " ".join(word for word in step.words[1:] if not _is_prose(word))
        found.append(Effect(tool=program, target=target))
    return found


def _only_reads(program: str, words: tuple[str, ...]) -> bool:
    if program in {"sed", "perl"}:
        return not any(word.startswith(("-i", "-pi", "--in-place")) for word in words)
    if program == "find":
        return not any(word in {"-delete", "-exec", "-execdir"} for word in words)
    if program in _READING:
        return True
    first = next((word for word in words if not word.startswith("-")), "")
    return first in _READING_OF.get(program, ())


def _verb(name: str) -> str:
    found = _VERB.search(name)
    return found.group().casefold() if found else ""


def _is_prose(text: str) -> bool:
    return len(text.split()) >= _PROSE_WORDS


def _normal(value: object) -> object:
    """One spelling for values that mean the same: case, blanks, the order of lists, ``1`` and ``1.0`` and ``"1"``,
    an absent value and an empty one."""
    if isinstance(value, Mapping):
        items = {str(key): _normal(item) for key, item in cast(Mapping[object, object], value).items()}
        return {key: item for key, item in items.items() if item not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        items = [_normal(item) for item in cast(list[object], value)]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, str):
        return None if _is_prose(value) else _number(" ".join(value.casefold().split()))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(str(value))
    return value


def _number(text: str) -> str:
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", text):
        return text.rstrip("0").rstrip(".")
    return text
