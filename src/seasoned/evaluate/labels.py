"""Known outcomes of transcripts, told beside them.

A line is ``{transcript, success, customer or group}``; ``transcript`` is a path relative to the file of labels, or the
end of a transcript's path that no other of them has.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from seasoned.errors import InputError, UnreadableFileError
from seasoned.evaluate.runs import Transcript

__all__ = ["Label", "read_labels"]

_NAME = "labels.jsonl"


class Label(msgspec.Struct):
    """How one transcript ended."""

    transcript: str
    success: bool
    customer: str | None = None
    """Family that the task belongs to."""
    group: str | None = None
    """The same, where there are no customers."""


def read_labels(paths: Sequence[Path], labels: Path | None, read: Sequence[Transcript]) -> dict[Path, Label]:
    """The labels of ``read`` by path, from ``labels`` or else from every ``labels.jsonl`` directly in one of ``paths``.

    Raises UnreadableFileError, and InputError naming a line that is not as described or that names several transcripts,
    or a file none of whose transcripts was read."""
    files = [labels] if labels is not None else [path / _NAME for path in paths if (path / _NAME).is_file()]
    told: dict[Path, Label] = {}
    for file in files:
        told |= _labelled(file, read)
    return told


def _labelled(path: Path, read: Sequence[Transcript]) -> dict[Path, Label]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    decoder = msgspec.json.Decoder(Label)
    found: dict[Path, Label] = {}
    known = {transcript.path: transcript.path.as_posix() for transcript in read}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            label = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}, line {number}: {error}") from error
        beside = (path.parent / label.transcript).resolve()
        ends = (
            [beside] if beside in known else [p for p, text in known.items() if text.endswith("/" + label.transcript)]
        )
        if len(ends) == 1:
            found[ends[0]] = label
        elif len(ends) > 1:
            raise InputError(f"{path}, line {number}: {label.transcript} names {len(ends)} of the transcripts given.")
    if not found:
        raise InputError(f"{path}: none of its transcripts is among those given.")
    return found
