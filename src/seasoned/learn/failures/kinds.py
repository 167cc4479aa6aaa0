"""Which of the eleven failure types a failure is.

By rule, most telling first: what the source itself says (a timeout), a known cause, the sort of line that told, the
exception's class, the exit code, and last what kind of check the program is. ``unknown`` is an answer: a log without a
cause gets no type for the look of it.
"""

import re

from seasoned.capture.check_commands import check_command
from seasoned.learn.failures.program import deciding, is_shell
from seasoned.learn.failures.signature import Signature
from seasoned.model import FailureType

__all__ = ["kind_of"]

_STATED: dict[str, FailureType] = {
    "timeout": "timeout",
    "permission_denied": "permission_denied",
    "rate_limit": "resource_exhausted",
}
_RAISED: tuple[tuple[re.Pattern[str], FailureType], ...] = (
    (re.compile(r"timeout", re.I), "timeout"),
    (re.compile(r"memory|recursion|resource", re.I), "resource_exhausted"),
    (re.compile(r"permission|forbidden|unauthori[sz]ed|authentication", re.I), "permission_denied"),
    (re.compile(r"modulenotfound|importerror|dependency", re.I), "dependency_missing"),
    (re.compile(r"connection|http|socket|ssl|network|dns", re.I), "network"),
    (re.compile(r"syntax|indentation|compile|^error(?:\[e| ts)\d", re.I), "compilation_error"),
    (re.compile(r"assertion", re.I), "quality_gate_failure"),
    (re.compile(r"validation|schema|parse|decode", re.I), "validation_failure"),
)
_EXITS: dict[int, FailureType] = {
    124: "timeout",
    126: "permission_denied",
    127: "dependency_missing",
    134: "runtime_error",
    137: "resource_exhausted",
    139: "runtime_error",
}
_SAID: tuple[tuple[re.Pattern[str], FailureType], ...] = (
    (
        re.compile(r"status(?: ?code)? ?(?:429|529)|quota|thread limit|size limit|limit reached", re.I),
        "resource_exhausted",
    ),
    (
        re.compile(
            r"status(?: ?code)? ?(?:401|403)|unauthori[sz]ed|forbidden|not authorized|authentication failed", re.I
        ),
        "permission_denied",
    ),
    (
        re.compile(r"status(?: ?code)? ?5\d\d|broken pipe|\beof\b|tls|certificate verify|remote end hung up", re.I),
        "network",
    ),
    (re.compile(r"need to be formatted|would reformat|not formatted|coverage|lint", re.I), "quality_gate_failure"),
    (
        re.compile(r"nil pointer|segmentation fault|stack overflow|core dumped|typeerror|valueerror|keyerror", re.I),
        "runtime_error",
    ),
)
_GATES = frozenset({"test", "lint", "format", "types", "security"})


def kind_of(read: Signature, *, tool: str, command: str, error_type: str | None) -> FailureType:
    """The type of a failure. ``error_type``: as the span has it."""
    if error_type in _STATED:
        return _STATED[error_type]
    told = read.telling
    if read.cause is not None:
        if read.cause.kind == "compilation_error" and told.sort == "raised" and "syntax" not in read.cause.text:
            return "runtime_error"
        return read.cause.kind
    match told.sort:
        case "lint":
            return "quality_gate_failure"
        case "test":
            return "quality_gate_failure"
        case "code":
            return "compilation_error"
        case "raised":
            return _matching(_RAISED, told.line.split(":", 1)[0]) or _matching(_SAID, told.line) or "runtime_error"
        case "nothing":
            return _unsaid(told.exit_code, tool, command)
        case _:
            pass
    said = _matching(_SAID, told.line)
    if said is not None:
        return said
    if is_shell(tool):
        check = _check(command)
        return "quality_gate_failure" if check in _GATES else "compilation_error" if check == "build" else "tool_error"
    return "tool_error" if tool.casefold() in _OWN_TOOLS else "validation_failure"


_OWN_TOOLS = frozenset(
    """read write edit multiedit notebookedit glob grep ls webfetch websearch task agent bashoutput apply_patch
    write_stdin spawn_agent str_replace_editor str_replace_based_edit_tool read_file write_file replace taskoutput
    list_mcp_resources""".split()
)
"""Tools of the agent itself. Those of an application (booking, ordering) fail because they refuse what they are given."""


def _matching(rules: tuple[tuple[re.Pattern[str], FailureType], ...], text: str) -> FailureType | None:
    return next((kind for pattern, kind in rules if pattern.search(text)), None)


def _unsaid(exit_code: int | None, tool: str, command: str) -> FailureType:
    if exit_code in _EXITS:
        return _EXITS[exit_code]
    check = _check(command) if is_shell(tool) else None
    if check in _GATES:
        return "quality_gate_failure"
    return "compilation_error" if check == "build" else "unknown"


def _check(command: str) -> str | None:
    step = deciding(command)
    found = check_command(step.words) if step is not None else None
    return found[0] if found is not None else None
