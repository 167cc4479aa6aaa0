"""What a tool call is: whether it changes, checks, looks or hands over, and what it acts on.

The vocabulary that ``learn.effects`` (what a run changed) and ``learn.steps`` (what a run did, in order) share, so that
the two can never disagree on what counts as a change. Tools of programming agents are listed. Tools with names of their
own (``mcp__shop__get_order``, ``cancel_reservation``) are judged by the verb that their name begins with; a name
without a known verb counts as a change, because a missing change makes different runs look alike, which is the worse
mistake.
"""

import json
import re
from collections.abc import Mapping
from typing import Literal, cast

from seasoned.model import Document, Span

__all__ = [
    "DELIVERS",
    "DONE",
    "EDITS",
    "INWARD",
    "PROGRAMMED",
    "SHELLS",
    "canonical",
    "is_prose",
    "line_of",
    "named_kind",
    "only_reads",
    "paths_of",
    "tool_name",
    "unwrapped",
    "without_place",
    "writes_piped",
]

DONE = frozenset({"success", "unknown"})
"""Span outcomes after which the effect stands. ``unknown``: Codex does not say how most calls went."""
EDITS = frozenset({"edit", "write", "multiedit", "notebookedit", "apply_patch", "write_file", "replace", "create_file"})
SHELLS = frozenset(
    {"bash", "powershell", "exec_command", "shell", "shell_command", "run", "run_shell_command", "execute"}
)
PROGRAMMED = frozenset(
    {"execute_code", "python", "run_ipython", "str_replace_based_edit_tool", "str_replace_editor", "text_editor"}
)
"""Tools whose arguments are a program or an edit of a file, under names of their own."""
_DELEGATES = frozenset({"agent", "task", "skill", "spawn_agent"})
_LOOKS = frozenset(
    """glob grep ls notebookread read read_file webfetch websearch web_fetch web_search google_web_search""".split()
)
_BOOKKEEPING = frozenset(
    """askuserquestion bashoutput close_agent enterplanmode exitplanmode killbash killshell taskcreate taskget tasklist
    taskoutput taskstop taskupdate todoread todowrite toolsearch update_plan wait_agent write_stdin""".split()
)
"""Tools by which an agent keeps its own house: they neither find out nor change anything."""
INWARD = _DELEGATES | _LOOKS | _BOOKKEEPING
"""Tools that look, plan, wait or delegate. What a delegate does is in its own trace."""
_LOOK_VERBS = frozenset(
    """calculate check compare compute count describe display estimate fetch find get glance grep inspect is list load
    look lookup ls open peek preview query read resolve retrieve search show stat suggest summarize tail validate
    verify view wait""".split()
)
_TALK_VERBS = frozenset(
    "answer ask explain finish greet notify plan reason reflect remind reply report respond say summarise tell "
    "think".split()
)
_HAND_OVER_VERBS = frozenset({"escalate", "handoff", "transfer"})
"""Handing over to a person is talk: it changes who speaks, not the state."""
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
_SHOWING = frozenset({("checks",), ("diff",), ("list",), ("status",), ("view",), ("watch",)})
_READING_SECOND: Mapping[tuple[str, str], frozenset[tuple[str, ...]]] = {
    **{("gh", what): _SHOWING for what in ("issue", "pr", "release", "repo", "run", "workflow", "label")},
    ("git", "stash"): frozenset({("list",), ("show",)}),
    ("git", "worktree"): frozenset({("list",)}),
    ("docker", "compose"): frozenset({("logs",), ("ps",), ("config",)}),
}
_FED = frozenset("bash crontab dd docker gh git kubectl mysql patch psql sh sqlite3 ssh sudo zsh".split())
DELIVERS = frozenset({"commit", "merge", "push", "revert"})
"""Kinds of ``check_command`` that change something; the others only check."""
_PROSE_WORDS = 8
_VERB = re.compile(r"[a-z]+|[A-Z][a-z]*")
_PATH_KEYS = ("file_path", "notebook_path", "path", "filename")


def tool_name(span: Span) -> str:
    """The tool's own name, without the server or name space in front of it; case is kept."""
    return (span.tool or span.name).rsplit("__", 1)[-1].rsplit(".", 1)[-1]


def line_of(arguments: Document) -> str:
    """The shell line among the arguments of a call of a shell; empty where there is none."""
    line = next((text for key in ("command", "cmd") if isinstance(text := arguments.get(key), str)), None)
    if line is None:
        words = arguments.get("command")
        return " ".join(map(str, cast(list[object], words))) if isinstance(words, list) else ""
    return line


def paths_of(span: Span) -> tuple[str, ...]:
    """What an edit or a read of a file acts on."""
    arguments = span.arguments or {}
    return span.files or tuple(path for key in _PATH_KEYS if isinstance(path := arguments.get(key), str))


def named_kind(name: str) -> Literal["change", "look", "talk", "delegate", "none"]:
    """What a call of a tool that is neither a shell nor an editor does, by its ``tool_name``."""
    folded = name.casefold()
    if folded in _BOOKKEEPING:
        return "none"
    if folded in _DELEGATES:
        return "delegate"
    if folded in _LOOKS:
        return "look"
    found = _VERB.search(name)
    verb = found.group().casefold() if found else ""
    if verb in _LOOK_VERBS:
        return "look"
    if verb in _HAND_OVER_VERBS:
        return "delegate"
    return "talk" if verb in _TALK_VERBS else "change"


def only_reads(program: str, words: tuple[str, ...]) -> bool:
    """Whether a command without its program's name in ``words`` leaves everything as it is."""
    if program in {"sed", "perl"}:
        return not any(word.startswith(("-i", "-pi", "--in-place")) for word in words)
    if program == "find":
        return "-delete" not in words and all(
            only_reads(inner[0].rsplit("/", 1)[-1], inner[1:]) for inner in _executed(words)
        )
    if program == "xargs":
        inner = unwrapped((program, *words))
        return inner[0] == "xargs" or only_reads(inner[0].rsplit("/", 1)[-1], inner[1:])
    if program in _READING:
        return True
    plain = [word for word in without_place(program, words) if not word.startswith("-")]
    if plain[:1] and plain[0] in _READING_OF.get(program, ()):
        return True
    return tuple(plain[1:2]) in _READING_SECOND.get((program, plain[0]), ()) if plain else False


_VALUED_OF_XARGS = frozenset("-I -J -L -n -P -s -d -E -a -R -S".split())


def unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command that ``xargs`` runs, for a command that is one; else ``words``. Never empty."""
    if words[0].rsplit("/", 1)[-1] != "xargs":
        return words
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _VALUED_OF_XARGS else 1
    return words[at:] or words


def _executed(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """What ``find`` runs on what it finds."""
    found: list[tuple[str, ...]] = []
    for at, word in enumerate(words):
        if word in {"-exec", "-execdir", "-ok", "-okdir"} and (inner := words[at + 1 :]):
            end = next((n for n, each in enumerate(inner) if each in {";", "\\;", "+"}), len(inner))
            found.append(inner[: max(1, end)])
    return found


def writes_piped(words: tuple[str, ...]) -> bool:
    """Whether a command at the end of a pipe changes something with what it is fed. Of others than those that are
    known to, no: most show a part (``head``, ``jq``) or are scripts that do."""
    inner = unwrapped(words)
    program = inner[0].rsplit("/", 1)[-1]
    if program == "tee":
        return any(not word.startswith(("-", "/dev/", "/tmp/")) for word in inner[1:])  # noqa: S108
    if inner is not words or program in _FED:
        return not only_reads(program, inner[1:])
    return False


def without_place(program: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """``words`` of a git command without the options in front of its verb that take a value: ``-C folder log``."""
    while program == "git" and len(words) > 1 and words[0] in {"-C", "-c"}:
        words = words[2:]
    return words


def is_prose(text: str) -> bool:
    """Whether a string explains rather than names: eight words or more."""
    return len(text.split()) >= _PROSE_WORDS


def canonical(value: object) -> object:
    """One spelling for values that mean the same: case, blanks, the order of lists, ``1`` and ``1.0`` and ``"1"``,
    an absent value and an empty one. Prose becomes None."""
    if isinstance(value, Mapping):
        items = {str(key): canonical(item) for key, item in cast(Mapping[object, object], value).items()}
        return {key: item for key, item in items.items() if item not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        items = [canonical(item) for item in cast(list[object], value)]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, str):
        return None if is_prose(value) else _number(" ".join(value.casefold().split()))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(str(value))
    return value


def _number(text: str) -> str:
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", text):
        return text.rstrip("0").rstrip(".")
    return text
