"""What Codex's end events say of a call: exit code, duration, refusal, and the changes that a patch made.

The same facts come as ``exec_command_end``, ``patch_apply_end`` and ``mcp_tool_call_end`` (up to 0.126, the last two to
0.14x) and as completed items (``CommandExecution``, ``FileChange``, ``McpToolCall``) in newer histories.
"""

from seasoned.capture.importers.codex_calls import End
from seasoned.capture.importers.codex_commands import shell_line
from seasoned.capture.importers.codex_records import Payload, document_in, milliseconds_of, word
from seasoned.capture.loose import document_of, text_of
from seasoned.capture.patches import FileChange, file_changes
from seasoned.model import Document, SpanOutcome

__all__ = ["told_by_event", "told_by_item"]

_OUTCOMES: dict[str, SpanOutcome] = {"completed": "success", "failed": "failure", "declined": "rejected"}


def told_by_event(payload: Payload, kind: str) -> tuple[str, Document, End]:
    """(tool, arguments, end) of ``exec_command_end``, ``patch_apply_end`` or ``mcp_tool_call_end``."""
    if kind == "mcp_tool_call_end":
        invocation = document_of(payload.invocation)
        return _mcp_name(invocation), document_of(invocation.get("arguments")), _end_of_mcp(payload)
    names = ("exit_code", "duration", "status", "success", "changes", "stdout")
    end = _end_of({name: getattr(payload, name) for name in names})
    if kind == "patch_apply_end":
        return "apply_patch", {}, end
    return "user_shell" if payload.source == "user_shell" else "exec_command", _shell(payload.command), end


def told_by_item(item: Document, kind: str) -> tuple[str, Document, End] | None:
    """(tool, arguments, end) of a completed item; None for one that is no call."""
    if kind == "CommandExecution":
        return "exec_command", _shell(item.get("command")), _end_of(item)
    if kind == "FileChange":
        return "apply_patch", {}, _end_of(item)
    if kind == "McpToolCall":
        return _mcp_name(item), document_of(item.get("arguments")), _end_of(item)
    return None


def _shell(command: object) -> Document:
    line = shell_line(command)
    return {"cmd": line} if line is not None else {}


def _mcp_name(invocation: Document) -> str:
    """The name that the model calls an MCP tool by: ``mcp__server__tool``."""
    return f"mcp__{word(invocation.get('server')) or 'server'}__{word(invocation.get('tool')) or 'tool'}"


def _end_of(item: Document) -> End:
    """An end event or a completed item of a command, patch or MCP call."""
    code = item.get("exit_code")
    status = word(item.get("status"))
    outcome = _OUTCOMES.get(status or "")
    if isinstance(item.get("success"), bool):
        outcome = "success" if item["success"] else "failure"
    if document_of(item.get("result")).get("isError") is True or item.get("error"):
        outcome = "failure"
    printed = item.get("aggregated_output", item.get("stdout"))
    error_type = (
        None if outcome in {"success", None} else "permission_denied" if outcome == "rejected" else "tool_error"
    )
    return End(
        exit_code=code if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**32 else None,
        duration_ms=milliseconds_of(item.get("duration")),
        outcome=outcome,
        error_type=error_type,
        result=printed if isinstance(printed, str) else text_of(document_of(item.get("result")).get("content")) or None,
        changes=_changes_of(item.get("changes")) if isinstance(item.get("changes"), dict) else (),
    )


def _end_of_mcp(payload: Payload) -> End:
    """What ``mcp_tool_call_end`` says: ``result`` is ``{"Ok": …}`` or ``{"Err": text}``."""
    result = document_in(payload.result)
    inner = document_of(result.get("Ok"))
    failed = "Err" in result or inner.get("isError") is True
    text = result.get("Err") if "Err" in result else text_of(inner.get("content"))
    return End(
        duration_ms=milliseconds_of(payload.duration),
        outcome="failure" if failed else "success",
        error_type="tool_error" if failed else None,
        result=text if isinstance(text, str) else None,
    )


def _changes_of(value: object) -> tuple[FileChange, ...]:
    """The ``changes`` of a patch event: path → ``{type, unified_diff | content, move_path}``."""
    found: list[FileChange] = []
    for path, told in list(document_of(value).items())[:500]:
        change = document_of(told)
        diff, content, moved = change.get("unified_diff"), change.get("content"), change.get("move_path")
        target = moved if isinstance(moved, str) and moved else path
        kind = change.get("type")
        if isinstance(diff, str):
            whole = next(file_changes(f"--- a/{path}\n+++ b/{path}\n{diff}"), None)
            lines = (whole.added, whole.modified, whole.deleted) if whole else (0, 0, 0)
            found.append(FileChange(path=target, added=lines[0], modified=lines[1], deleted=lines[2]))
        elif isinstance(content, str):
            lines = content.splitlines()
            added, deleted = (0, len(lines)) if kind == "delete" else (len(lines), 0)
            created = kind == "add"
            found.append(
                FileChange(path=target, added=added, deleted=deleted, created=created, lines=lines if created else [])
            )
        else:
            found.append(FileChange(path=target))
    return tuple(found)
