"""Unified diffs, as agents submit them and ``git diff`` writes them: which files changed, by how many lines.

A hunk's header says how many lines it holds, and lines are counted by it: a deleted line that begins with ``-- ``
looks like a file header and is none. Within a hunk, each run of deletions that additions follow counts as lines
modified one for one, and the rest as added or deleted, as ``line_changes`` does for edits.
Format: https://git-scm.com/docs/diff-format
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from seasoned.capture.assemble import ExecutionBuilder

__all__ = ["FileChange", "file_changes", "line_changes", "record_patch"]

_HUNK = re.compile(r"@@ -\d+(?:,(\d{1,9}))? \+\d+(?:,(\d{1,9}))? @@")
_SIGNS = {"-", "+", " ", "", "\\", "\r"}
"""First characters of lines inside a hunk; an empty line is context whose blank somebody trimmed."""
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(slots=True, kw_only=True)
class FileChange:
    """One file of a patch."""

    path: str
    """As in the repository, without ``a/`` and ``b/``; the new name of a renamed file."""
    added: int = 0
    modified: int = 0
    deleted: int = 0
    created: bool = False
    """The file was new; then ``lines`` is all of it."""
    lines: list[str] = field(default_factory=list[str])
    """Lines of a new file, without line ends."""


def line_changes(old: str, new: str) -> tuple[int, int, int]:
    """(added, modified, deleted) lines between two texts.

    Common head and tail are taken off; of what remains, lines are paired one for one as modified and the rest counts
    as added or deleted. Linear, and equal to a minimal diff for the single-hunk edits that agents make.
    """
    before, after = old.splitlines(), new.splitlines()
    head = 0
    limit = min(len(before), len(after))
    while head < limit and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < limit - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    gone, come = len(before) - head - tail, len(after) - head - tail
    modified = min(gone, come)
    return come - modified, modified, gone - modified


def file_changes(patch: str) -> Iterator[FileChange]:
    """Each file of a unified diff, in its order. Text that is no diff yields nothing."""
    change: FileChange | None = None
    old_path = ""
    old_left = new_left = gone = 0
    for line in patch.split("\n"):
        sign = line[:1]
        if change is not None and (old_left > 0 or new_left > 0) and sign in _SIGNS:
            if sign == "-":
                old_left, gone = old_left - 1, gone + 1
                change.deleted += 1
            elif sign == "+":
                new_left -= 1
                if gone:
                    gone -= 1
                    change.deleted -= 1
                    change.modified += 1
                else:
                    change.added += 1
                if change.created:
                    change.lines.append(line[1:].rstrip("\r"))
            elif sign != "\\":
                old_left, new_left, gone = old_left - 1, new_left - 1, 0
            continue
        old_left = new_left = 0  # Also where a header promised more lines than there are.
        if hunk := _HUNK.match(line):
            old_left, new_left, gone = int(hunk[1] or 1), int(hunk[2] or 1), 0
        elif line.startswith("diff --git "):
            if change is not None:
                yield change
            change, old_path = None, ""
            named = _git_header(line[len("diff --git ") :].rstrip("\r"))
            if named:
                change = FileChange(path=named)
        elif line.startswith("--- "):
            old_path = _path(line[4:])
        elif line.startswith("+++ "):
            new_path = _path(line[4:])
            path = new_path if new_path != "/dev/null" else old_path
            if change is None or (change.path != path and (change.added or change.modified or change.deleted)):
                if change is not None:
                    yield change
                change = FileChange(path=path)
            change.path, change.created = path, old_path == "/dev/null"
    if change is not None:
        yield change


def record_patch(builder: ExecutionBuilder, patch: str) -> None:
    """Make each file that ``patch`` changes an artifact of the execution."""
    for change in file_changes(patch):
        content = "\n".join(change.lines) + "\n" if change.created else None
        builder.changed(
            change.path, added=change.added, modified=change.modified, deleted=change.deleted, content=content
        )


def _git_header(text: str) -> str | None:
    """The new name in ``a/x b/x``; None where names hold spaces and the other header lines have to tell."""
    if text.startswith('"'):
        parts = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
        return _path('"' + parts[-1] + '"') if parts else None
    middle = len(text) // 2
    if text[:2] == "a/" and text[middle : middle + 3] == " b/" and text[2:middle] == text[middle + 3 :]:
        return text[2:middle]
    old, _, new = text.partition(" b/")
    return new if old.startswith("a/") and new and " b/" not in new else None


def _path(text: str) -> str:
    text = text.split("\t", 1)[0].rstrip("\r ")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        raw = _ESCAPE.sub(lambda m: chr(int(m[1], 8)) if m[1].isdigit() else _LETTERS.get(m[1], m[1]), text[1:-1])
        text = raw.encode("latin-1", "replace").decode("utf-8", "replace") if "\\" in text else raw
    return text[2:] if text[:2] in {"a/", "b/"} else text
