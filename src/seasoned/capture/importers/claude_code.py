"""Claude Code's transcripts, ``~/.claude/projects/<folder>/<session>.jsonl``; written against 1.0.98 to 2.1.220.

A file holds one session as a log of lines; sub-agents stand in it as side chains (up to 2.0) or in files of their own,
``agent-<id>.jsonl``. The main chain is cut into one execution per task; each sub-agent is one child execution, named
by the agent's id, so that the parent's file, which tells of it, and its own arrive at the same row in any order.

The work is split by what can be wrong on its own: ``claude_records`` (shapes), ``claude_words`` (who spoke),
``claude_tools`` (results and files), ``claude_chain`` (one execution), ``claude_session`` (the file).

Sources: real sessions, and the JSON Schemas that https://github.com/moru-ai/agent-schemas derives from them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec

from seasoned.capture.importers.claude_records import line_decoder
from seasoned.capture.importers.claude_session import NAME, Session
from seasoned.capture.jsonl import records
from seasoned.capture.port import Recording, Report, Source

__all__ = ["ClaudeCodeImporter"]

_CONVERSATION = frozenset({"user", "assistant", "system", "attachment", "progress"})
_MARKS = (b'"parentUuid":', b'"isSidechain":')


class ClaudeCodeImporter:
    """Reads sessions of Claude Code and of its sub-agents."""

    name = NAME

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  # the port's signature; content decides
        """Whether the first lines are Claude Code's; by content alone.

        Other agents descend from the same format (Qwen Code); what they lack is ``isSidechain`` or the content list.
        """
        lines = head.split(b"\n")
        for line in lines[:200]:
            verdict = _looks(line)
            if verdict is not None:
                return verdict
        return False

    def read(self, source: Source, report: Report) -> Iterator[Recording]:
        """Executions in the order in which they end; see ``Importer.read``."""
        session = Session(source, report)
        for line in records(source, report, line_decoder):
            yield from session.line(line.record, line.start)
        yield from session.finish()


def _looks(line: bytes) -> bool | None:
    """Whether one line is Claude Code's; None where it does not tell."""
    if not line.strip():
        return None
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # A damaged line, or one that is longer than the head: its marks stand before the content.
        return True if all(mark in line for mark in _MARKS) else None
    if not isinstance(value, dict):
        return False
    record = cast(dict[str, object], value)
    kind = record.get("type")
    if isinstance(kind, str) and kind in _CONVERSATION:
        if "sessionId" not in record and not ("uuid" in record and "parentUuid" in record):
            return False
        message = record.get("message")
        if "isSidechain" in record or (isinstance(message, dict) and "content" in message):
            return True
        return None if message is None else False
    if kind == "summary" and "leafUuid" in record:
        return True
    if kind == "file-history-snapshot" and "snapshot" in record:
        return True
    return None
