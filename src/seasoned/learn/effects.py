"""What a run changed in the world, as a set that can be compared with another run's.

Two agents reach the same end by different words and in different order. What they have in common, if both are right,
is their effects: calls that changed something, as (tool, normalised target). Looking, thinking, checking and talking
leave no effect, and neither does a call that failed, was refused or was cancelled. Order and repetition do not count.

Whether a call changes something is told by its class (``learn.calls``). Handing over to a person
(``transfer_to_human_agents``) is talk: it changes who speaks, not the state. Shell lines are taken apart; commands that
only read or check leave nothing.

The target is the file for edits (two right edits differ in wording), the command for shell lines, and all arguments
for everything else, without prose: strings of eight words or more are explanations, not targets.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from seasoned.capture.check_commands import check_command
from seasoned.capture.shell_lines import steps_of
from seasoned.learn.calls import (
    DELIVERS,
    DONE,
    EDITS,
    INWARD,
    PROGRAMMED,
    SHELLS,
    canonical,
    is_prose,
    line_of,
    named_kind,
    only_reads,
    paths_of,
    tool_name,
    unwrapped,
)
from seasoned.model import Span

__all__ = ["Effect", "effects", "telling"]


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
        if span.kind == "tool" and span.outcome in DONE:
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
        if span.kind != "tool" or span.outcome not in DONE:
            continue
        folded = tool_name(span).casefold()
        if folded in EDITS or folded in PROGRAMMED or (folded in SHELLS and any(True for _ in _of_call(span))):
            return False
        looked = looked or not (folded in INWARD or folded in SHELLS)
    return looked


def _of_call(span: Span) -> Iterable[Effect]:
    name = tool_name(span)
    folded = name.casefold()
    arguments = span.arguments or {}
    if folded in SHELLS:
        return _of_line(line_of(arguments), 3)
    if folded in EDITS:
        return [Effect(tool="edit", target=path) for path in paths_of(span)]
    if named_kind(name) != "change":
        return ()
    return [Effect(tool=folded, target=json.dumps(canonical(arguments), sort_keys=True, ensure_ascii=False))]


def _of_line(line: str, depth: int) -> list[Effect]:
    found: list[Effect] = []
    for step in steps_of(line):
        words = unwrapped(step.words)
        program = words[0].rsplit("/", 1)[-1]
        check = check_command(words)
        if check is not None and check[0] == "shell":
            found += _of_line(check[1], depth - 1) if depth else []
            continue
        if check is not None and check[0] not in DELIVERS:
            continue
        if check is None and only_reads(program, words[1:]):
            continue
        target = check[0] if check is not None else " ".join(word for word in words[1:] if not is_prose(word))
        found.append(Effect(tool=program, target=target))
    return found
