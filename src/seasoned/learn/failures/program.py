"""Which program of a call it was: the tool's name, or the command of a shell line that decides its exit code."""

import re
from functools import lru_cache

from seasoned.capture.shell_lines import Step, steps_of
from seasoned.learn.calls import SHELLS

__all__ = [
    "SHOWING",
    "VERBS",
    "deciding",
    "is_shell",
    "name_of",
    "program_of",
    "shows_only",
    "simple_commands",
    "unwrapped",
]

VERBS = frozenset(
    """apt apt-get aws az brew bundle bun cargo composer conda deno docker docker-compose dotnet flutter gcloud gem gh
    git go gradle helm just kubectl make mise mix nix npm npx nx pip pipx pnpm podman poetry rails rake rustup
    systemctl task terraform turbo uv yarn python python3 node""".split()
)
"""Programs whose first word says what they do."""
SHOWING = frozenset("rg grep egrep fgrep cat sed awk head tail less ls find fd nl wc diff jq tree ag".split()) | {
    "git diff",
    "git show",
    "git log",
    "git grep",
    "git blame",
}
"""Programs that print what others wrote."""
_QUIET = frozenset(
    """cd pushd popd export source . set echo printf true : sleep unset umask touch alias trap date pwd mkdir""".split()
)
_WRAPPERS = frozenset({"env", "time", "timeout", "gtimeout", "sudo", "nohup", "command", "exec", "nice", "xvfb-run"})
_SHELL_TOOLS = SHELLS | {"execute_bash", "terminal", "bash_tool", "run_terminal_cmd"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PLACES = {"git": ("-C", "-c"), "make": ("-C", "-f")}
"""Options in front of a verb that take a value."""
_VERB = re.compile(r"[a-z][\w:\-]{0,30}$")


def is_shell(tool: str) -> bool:
    """Whether ``tool`` runs shell lines."""
    return tool.rsplit("__", 1)[-1].rsplit(".", 1)[-1].casefold() in _SHELL_TOOLS


def unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    """``words`` without assignments and wrappers in front: ``env A=1 timeout 5 go test`` is ``go test``."""
    while words and (_ASSIGNMENT.match(words[0]) or words[0] in _WRAPPERS or words[0][:1].isdigit()):
        wrapper = words[0] in _WRAPPERS
        words = words[1:]
        while wrapper and words and words[0].startswith("-"):
            words = words[1:]
    return words


@lru_cache(maxsize=1024)
def simple_commands(line: str) -> tuple[Step, ...]:
    """The commands of ``line`` that do something, filters of a pipe left out."""
    kept: list[Step] = []
    piped = 0
    for step in steps_of(line):
        if piped:
            piped -= 1
            continue
        piped = len(step.filters)
        words = unwrapped(step.words)
        if words and words[0] not in _QUIET:
            kept.append(Step(words=words, exit=step.exit, filters=step.filters, printed_exit=step.printed_exit))
    return tuple(kept)


def deciding(line: str) -> Step | None:
    """The command whose exit code the agent saw: the last one that is not hidden."""
    commands = simple_commands(line)
    open_ = [step for step in commands if step.exit != "hidden"]
    return (open_ or list(commands) or [None])[-1]


def name_of(words: tuple[str, ...]) -> str:
    """Program and, where it says what is done, its verb: ``git push``, ``go test``, ``ls``."""
    program = words[0].rsplit("/", 1)[-1]
    if program in VERBS:
        rest = words[1:]
        while len(rest) > 1 and rest[0] in _PLACES.get(program, ()):
            rest = rest[2:]
        verb = next((word for word in rest if not word.startswith("-")), None)
        if verb is not None and _VERB.match(verb):
            return f"{program} {verb}"
        if program in {"python", "python3"} and "-m" in rest:
            return f"{program} -m"
    return program


def program_of(tool: str, command: str) -> str:
    """The program, with its verb, that a failing call ran; the tool's name for what is no shell."""
    if is_shell(tool) and command:
        step = deciding(command)
        if step is not None:
            return name_of(step.words).casefold()
    return tool.rsplit("__", 1)[-1].casefold() or "unknown tool"


def shows_only(line: str) -> bool:
    """Whether all that ``line`` does is to print what others wrote, so that its output is no message of its own."""
    commands = simple_commands(line)
    return bool(commands) and all(name_of(step.words) in SHOWING for step in commands)
