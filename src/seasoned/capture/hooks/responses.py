"""What a tool gave back, as hooks tell it, and whether it shows a failure beyond doubt.

Codex says of a command no more than what it printed (0.169; whole sessions were recorded). Its rollout knows the exit
code by then (``rollout``); where that cannot be read, output is proof of a failure only where the shell itself says so:
a line that is one command, and nothing but ``command not found`` for an answer.
"""

import re
from dataclasses import dataclass

import msgspec

from seasoned.capture.hooks.rollout import ended_in_rollout
from seasoned.capture.importers.claude_tools import judge
from seasoned.capture.importers.codex_output import output_of
from seasoned.capture.loose import document_of, items_of, text_of, whole_of
from seasoned.model import Document

__all__ = ["Failed", "failed_in_claude", "failed_in_codex", "failed_in_gemini", "output_in_claude", "output_in_codex"]

_HEADER = re.compile(r"(?:Chunk ID: |Exit code: |Wall time|Process exited with code )")
_SEVERAL = re.compile(r"[;&|\n`]|\$\(")
_NOT_FOUND = re.compile(r"(?:/\S{1,80}/)?\w{0,4}sh: (?:line )?\d+: (?:[^\n]{1,200}): (?:command )?not found\s*")
_GEMINI_EXIT = re.compile(r"^Exit Code: (-?\d{1,11})$", re.MULTILINE)
_GEMINI_STOPPED = re.compile(r"(?:request|user|operation) cancelled|did not allow", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A call that failed."""

    error: str
    """What the tool or the shell printed; not redacted."""
    exit_code: int | None = None


def failed_in_claude(payload: Document) -> Failed | None:
    """Of a ``PostToolUseFailure``; None where the user stopped or refused the call, or a rule denied it."""
    error = payload.get("error")
    if payload.get("is_interrupt") is True or not isinstance(error, str) or not error.strip():
        return None
    judged = judge(error, is_error=True, report=None)
    if judged.outcome != "failure" or judged.error_type == "permission_denied":
        return None
    return Failed(error=judged.text, exit_code=judged.exit_code)


def failed_in_codex(payload: Document) -> Failed | None:
    """Of a ``PostToolUse``; None where the response does not prove that the call failed."""
    response = payload.get("tool_response")
    text = output_in_codex(response)
    code = None if isinstance(response, str) else document_of(response).get("exit_code")
    if isinstance(code, int) and not isinstance(code, bool) and code:
        return Failed(error=text, exit_code=code)
    if _HEADER.match(text):
        output = output_of(text)
        if output.exit_code:
            return Failed(error=output.body, exit_code=output.exit_code)
    ended = ended_in_rollout(payload.get("transcript_path"), payload.get("tool_use_id"))
    if ended is not None:
        code = whole_of(ended.get("exit_code"))
        printed = text.strip() or text_of(ended.get("aggregated_output"))
        return Failed(error=printed, exit_code=code) if code and printed else None
    command = document_of(payload.get("tool_input")).get("command")
    alone = payload.get("tool_name") == "Bash" and isinstance(command, str) and not _SEVERAL.search(command.strip())
    return Failed(error=text.strip(), exit_code=127) if alone and _NOT_FOUND.fullmatch(text) else None


def failed_in_gemini(payload: Document) -> Failed | None:
    """Of an ``AfterTool``; None where the call went well or the user stopped it."""
    response = document_of(payload.get("tool_response"))
    message = text_of(document_of(response.get("error")).get("message")) or text_of(response.get("error"))
    if message:
        return None if _GEMINI_STOPPED.search(message[:300]) else Failed(error=message)
    if payload.get("tool_name") != "run_shell_command":
        return None
    text = text_of(response.get("llmContent"))
    codes = _GEMINI_EXIT.findall(text)
    if not codes or not int(codes[-1]):
        return None
    shown = response.get("returnDisplay")
    return Failed(error=shown if isinstance(shown, str) and shown else text, exit_code=int(codes[-1]))


def output_in_claude(response: object) -> str:
    """What a tool gave back, as text; of a response of unknown shape the whole."""
    if isinstance(response, str):
        return response
    told = document_of(response)
    if "stdout" in told or "stderr" in told:
        parts = (told.get("stdout"), told.get("stderr"))
        return "\n".join(part for part in parts if isinstance(part, str) and part)
    if "structuredPatch" in told:
        return ""  # an edit: what it did stands in the arguments, and the response holds the whole file
    inner = document_of(told.get("file")) or told
    if text := text_of(inner.get("content")) or text_of(response):
        return text
    if items := items_of(told.get("filenames")):
        return "\n".join(item for item in items if isinstance(item, str))
    return _whole(response)


def output_in_codex(response: object) -> str:
    """What a tool gave back, as text; of a response of unknown shape the whole."""
    if isinstance(response, str):
        return response
    told = document_of(response)
    parts = (told.get("output"), told.get("stdout"), told.get("stderr"))
    text = text_of(response) or "\n".join(part for part in parts if isinstance(part, str) and part)
    return text or _whole(response)


def _whole(response: object) -> str:
    return "" if response is None else msgspec.json.encode(response).decode()
