"""What Claude Code's tools touch, and how their results say that they went.

Invariant: a result is judged by the marks that the client itself puts into it, never by words that a program printed.
A refusal by the user and a call cancelled with a sibling or by an interruption are no failures of the tool.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from seasoned.capture.importers.claude_records import ToolReport
from seasoned.capture.importers.claude_words import INTERRUPTED
from seasoned.capture.loose import document_of, whole_of
from seasoned.capture.patches import line_changes
from seasoned.model import SpanOutcome

__all__ = [
    "DELEGATING",
    "Change",
    "Judgement",
    "change_of",
    "command_of",
    "commits_in",
    "duration_of",
    "files_of",
    "judge",
]

DELEGATING = frozenset({"Task", "Agent"})
"""Tools that start a sub-agent (Task until 2.1.63, then Agent)."""
_PATHS = ("file_path", "notebook_path", "path")
_EXIT = re.compile(r"Exit code (\d{1,3})\b")
_COMMIT = re.compile(r"^\[[^\]\n]{1,200} ([0-9a-f]{7,40})\] ", re.MULTILINE)
_DENIED = re.compile(
    r"Permission to use .{1,300} has been denied"
    r"|Claude requested permissions to |Permission for this action has been denied",
    re.DOTALL,
)
_REFUSED = ("The user doesn't want to proceed with this tool use", "The user doesn't want to take this action")
_CANCELLED = ("Sibling tool call errored", "Cancelled: parallel tool call", "Cancelled by sibling")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How a call went."""

    outcome: SpanOutcome
    error_type: str | None = None
    exit_code: int | None = None
    text: str
    """The result without the client's wrapping tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an edit did to a file."""

    path: str
    added: int = 0
    modified: int = 0
    deleted: int = 0
    content: str | None = None
    """The whole file, where the call wrote it whole."""


def judge(text: str, *, is_error: bool, report: ToolReport | None) -> Judgement:
    """How the call went whose result reads ``text``."""
    tagged = text.startswith("<tool_use_error>")
    if tagged:
        text = text.removeprefix("<tool_use_error>").removesuffix("</tool_use_error>")
    if not is_error and not tagged:
        if report is not None and report.interrupted is True:
            return Judgement(outcome="cancelled", error_type="interrupted", text=text)
        started_only = report is not None and isinstance(report.background_task_id, str)
        return Judgement(outcome="unknown" if started_only else "success", text=text)
    if text.startswith(_REFUSED):
        return Judgement(outcome="rejected", error_type="user_rejected", text=text)
    if text.startswith(INTERRUPTED):
        return Judgement(outcome="cancelled", error_type="interrupted", text=text)
    if text.startswith(_CANCELLED):
        return Judgement(outcome="cancelled", error_type="sibling", text=text)
    if _DENIED.match(text):
        return Judgement(outcome="failure", error_type="permission_denied", text=text)
    exited = _EXIT.match(text)
    if exited is not None:
        timed_out = text.startswith("Command timed out", exited.end() + 1)
        error_type = "timeout" if timed_out else "exit_code"
        return Judgement(outcome="failure", error_type=error_type, exit_code=int(exited.group(1)), text=text)
    if text.startswith("Command timed out"):
        return Judgement(outcome="failure", error_type="timeout", text=text)
    if text.startswith("InputValidationError"):
        return Judgement(outcome="failure", error_type="invalid_arguments", text=text)
    return Judgement(outcome="failure", error_type="tool_error", text=text)


def files_of(arguments: Mapping[str, object]) -> tuple[str, ...]:
    """Paths that the arguments name."""
    return tuple(path for key in _PATHS if isinstance(path := arguments.get(key), str) and path)


def command_of(tool: str, arguments: Mapping[str, object]) -> str | None:
    """The shell line of a call that runs one."""
    command = arguments.get("command")
    return command if tool in {"Bash", "bash", "PowerShell"} and isinstance(command, str) else None


def commits_in(command: str | None, output: str, report: ToolReport | None) -> list[str]:
    """Abbreviated hashes of the commits that a shell call made, by the client's word or git's."""
    if report is not None:
        sha = document_of(document_of(report.git_operation).get("commit")).get("sha")
        if isinstance(sha, str) and sha:
            return [sha[:40]]
    if command is None or "git" not in command or "commit" not in command:
        return []
    return _COMMIT.findall(output[:20_000])


def change_of(tool: str, arguments: Mapping[str, object], report: ToolReport | None) -> Change | None:
    """What a successful call of ``tool`` did to a file; None when it is no editing tool."""
    path = arguments.get("notebook_path" if tool == "NotebookEdit" else "file_path")
    if not isinstance(path, str) or not path:
        return None
    patch = _patch_changes(report.structured_patch) if report is not None else None
    match tool:
        case "Write":
            content = _text(arguments, "content")
            if patch is None or (patch == (0, 0, 0) and report is not None and report.type == "create"):
                patch = (len(content.splitlines()), 0, 0)
            return Change(path=path, added=patch[0], modified=patch[1], deleted=patch[2], content=content)
        case "Edit":
            patch = patch or line_changes(_text(arguments, "old_string"), _text(arguments, "new_string"))
        case "MultiEdit":
            patch = patch or _edits_changes(arguments.get("edits"))
        case "NotebookEdit":
            patch = _notebook_changes(arguments, report)
        case _:
            # A tool of another name or version that says itself what it did to the file.
            if patch is None:
                return None
    return Change(path=path, added=patch[0], modified=patch[1], deleted=patch[2])


def _text(arguments: Mapping[str, object], key: str) -> str:
    value = arguments.get(key)
    return value if isinstance(value, str) else ""


def _patch_changes(patch: object) -> tuple[int, int, int] | None:
    """(added, modified, deleted) of hunks whose lines begin with ``+``, ``-`` or a space; None when there is none."""
    if not isinstance(patch, list):
        return None
    added = modified = deleted = 0
    for hunk in cast(list[object], patch):
        lines = cast(dict[str, object], hunk).get("lines") if isinstance(hunk, dict) else None
        if not isinstance(lines, list):
            return None
        come = gone = 0
        for line in [*cast(list[object], lines), " "]:
            mark = line[:1] if isinstance(line, str) else " "
            if mark == "+":
                come += 1
            elif mark == "-":
                gone += 1
            elif mark != "\\":
                pairs = min(come, gone)
                added, modified, deleted = added + come - pairs, modified + pairs, deleted + gone - pairs
                come = gone = 0
    return added, modified, deleted


def _edits_changes(edits: object) -> tuple[int, int, int]:
    total = [0, 0, 0]
    for edit in cast(list[object], edits) if isinstance(edits, list) else []:
        if isinstance(edit, dict):
            fields = cast(dict[str, object], edit)
            for place, count in enumerate(line_changes(_text(fields, "old_string"), _text(fields, "new_string"))):
                total[place] += count
    return total[0], total[1], total[2]


def _notebook_changes(arguments: Mapping[str, object], report: ToolReport | None) -> tuple[int, int, int]:
    if report is not None and isinstance(report.original_file, str) and isinstance(report.updated_file, str):
        return line_changes(report.original_file, report.updated_file)
    lines = len(_text(arguments, "new_source").splitlines())
    mode = arguments.get("edit_mode")
    return (lines, 0, 0) if mode == "insert" else (0, 0, 0) if mode == "delete" else (0, lines, 0)


def duration_of(report: ToolReport | None) -> int | None:
    """Milliseconds that the client states; None where it does not."""
    if report is None:
        return None
    return whole_of(report.total_duration_ms) or whole_of(report.duration_ms)
