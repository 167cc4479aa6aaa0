"""What came between a failing call and the first later success of the same call.

Most of what follows a failure is this task's own work: an edit to code mends *this* code. What can be carried over to
another task is a change of the *call*: other words for the same program, other arguments for the same tool, a step
before it, or another tool for the same purpose. Everything else is named for what it is and only counted.

The same call is one of the same program and verb (or tool) whose words, literals aside, agree for the most part: a
``sed`` that reads another file is no remedy for a ``sed`` whose file is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from seasoned.learn.calls import EDITS, canonical, named_kind, only_reads, paths_of
from seasoned.learn.failures.attempts import Attempt
from seasoned.learn.failures.program import simple_commands
from seasoned.learn.failures.refusals import refusal, refusal_of_steps
from seasoned.learn.failures.variants import Variant, argument_variant, command_variant, generalised, other_program
from seasoned.model import Document
from seasoned.model.failure import ResolutionStep

__all__ = ["MOST_CALLS", "Recovery", "Remedy", "recovery"]

MOST_CALLS = 8
"""Calls after a failure within which a success is taken for its remedy. Of 121 failures in ten public histories that
were followed, within 40 calls and without an edit between, by a success of the same call, 85 % were within 3 calls and
99 % within 8."""
_ALIKE = 0.5
"""Share of words, literals aside, that two calls of one program must have in common."""
_ALIKE_PATH = 0.72
"""Similarity of two file names at which the one is taken for the misspelt other."""

Remedy = Literal[
    "variant",
    "preparation",
    "other_tool",
    "retry",
    "edit",
    "narrows",
    "hides",
    "guard off",
    "harmful",
    "other names",
    "unclear",
    "none",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How one failure ended."""

    remedy: Remedy
    """``variant``, ``preparation`` and ``other_tool`` can be carried over; the others are counted only."""
    calls: int | None = None
    """Tool calls from the failure to the success, 1 for the next one; None without success."""
    duration_ms: int | None = None
    """From the start of the failing call to that of the success; None where the source has no times."""
    steps: tuple[ResolutionStep, ...] = ()
    description: str = ""
    key: str = ""
    """Equal for the same remedy, whatever the literals. Empty for what cannot be carried over."""
    tried: tuple[str, ...] = ()
    """Keys of remedies that were tried in between and failed too, distinct."""


def recovery(calls: Sequence[Attempt], place: int) -> Recovery:
    """How the failed call at ``place`` ended. Never raises."""
    failed = calls[place]
    read = failed.signature
    mends_code = read is not None and (
        read.telling.sort in ("test", "lint", "code") or (read.cause is not None and read.cause.remedy == "code")
    )
    tried: list[str] = []
    for index in range(place + 1, min(len(calls), place + 1 + (4 * MOST_CALLS if mends_code else MOST_CALLS))):
        call = calls[index]
        other = _same_purpose(failed, call)
        if not (other or _same_call(failed, call)):
            continue
        if call.span.outcome == "failure":
            if call.failed and not mends_code and not _edited(calls[place + 1 : index]):
                found = _other_tool(failed, call) if other else _remedy(failed, call, calls[place + 1 : index])
                tried += [found[3]] if found[3] else []
            continue
        if call.span.outcome != "success":
            continue
        between = calls[place + 1 : index]
        took = _took(failed, call)
        if mends_code or _edited(between):
            return Recovery(remedy="edit", calls=index - place, duration_ms=took)
        found = _other_tool(failed, call) if other else _remedy(failed, call, between)
        return Recovery(
            remedy=found[0],
            calls=index - place,
            duration_ms=took,
            steps=found[1],
            description=found[2],
            key=found[3],
            tried=tuple(dict.fromkeys(key for key in tried if key != found[3])),
        )
    return Recovery(remedy="none", tried=tuple(dict.fromkeys(tried)))


_Found = tuple[Remedy, tuple[ResolutionStep, ...], str, str]


def _harmless(found: _Found, *lines: str) -> _Found:
    """``found``, or that it is nothing to be carried over: what may do harm is counted and kept nowhere."""
    return ("harmful", (), "", "") if refusal_of_steps(found[2], found[1], *lines) else found


def _escalated(call: Attempt) -> bool:
    """Whether the call asked to be let out of its sandbox, as Codex and Claude Code spell it."""
    arguments = call.span.arguments or {}
    return arguments.get("sandbox_permissions") == "require_escalated" or any(
        arguments.get(name) is True for name in ("with_escalated_permissions", "dangerouslyDisableSandbox")
    )


def _remedy(failed: Attempt, worked: Attempt, between: Sequence[Attempt]) -> _Found:
    if _escalated(worked) and not _escalated(failed):
        return "guard off", (), "", ""  # a person let it out of the sandbox: the words that changed did not help
    found = _what_helped(failed, worked, between)
    match found[0]:
        case "preparation":
            return _harmless(found, worked.line, *(call.line for call in between if not _only_looks(call)))
        case "variant":
            return _harmless(found, worked.line)
        case "retry" if refusal(failed.line) is None:
            return _harmless(found, worked.line)  # the same words with more rights
        case _:
            return found


def _what_helped(failed: Attempt, worked: Attempt, between: Sequence[Attempt]) -> _Found:
    variant = _variant(failed, worked)
    if variant is None:
        return "unclear", (), "", ""
    edits = failed.tool.casefold() in EDITS  # what an edit writes belongs to its task; what counts is the way there
    if edits and worked.tool != failed.tool:
        return "unclear", (), "", ""  # a file that was written anew was not edited after all
    text = f"{failed.tool} again" if edits else variant.text
    # arguments of other calls are a task's own data: names, amounts, contents of files
    step = ResolutionStep(tool=worked.tool, command=text, example=variant.example if worked.line else None)
    if edits and variant.no_remedy != "same call" and not _preparations(failed, between):
        return "other names", (), "", ""
    if edits or variant.no_remedy == "same call":
        before = _preparations(failed, between)
        if not before:
            return "retry", (), "", ""
        if len(before) > 2:
            return "unclear", (), "", ""
        names = " and ".join(f"`{one.command}`" for one in before)
        key = f"{'edit' if edits else failed.name} after {' + '.join(one.command for one in before)}"
        then = "the same call" if variant.no_remedy == "same call" else "edit"
        return "preparation", (*before, step), f"First {names}, then {then} again.", key
    match variant.no_remedy:
        case "narrows":
            return "narrows", (), "", ""
        case "hides":
            return "hides", (), "", ""
        case "guard off":
            return "guard off", (), "", ""
        case "other names":
            return "other names", (), "", ""
        case _:
            pass
    name = failed.name
    said = f"`{variant.text}` ({variant.change})." if failed.line else ""
    return "variant", (step,), said or f"Call `{name}` again: {variant.change}.", variant.key


def _edited(calls: Sequence[Attempt]) -> bool:
    return any(call.edits and call.span.outcome == "success" for call in calls)


def _variant(failed: Attempt, worked: Attempt) -> Variant | None:
    read = failed.signature
    message = (failed.span.error_message or failed.span.result_preview or "") if read is not None else ""
    if failed.line:
        if not worked.line:
            return None
        if failed.name not in worked.names:
            return other_program(failed.line, worked.line, failed.name)
        return command_variant(failed.line, worked.line, failed.name, message)
    return argument_variant(failed.tool, failed.span.arguments or {}, worked.span.arguments or {}, message)


def _other_tool(failed: Attempt, worked: Attempt) -> _Found:
    arguments = ", ".join(f"{key}={{{key}}}" for key in sorted(worked.span.arguments or {}))
    step = ResolutionStep(tool=worked.tool, command=f"{worked.tool}({arguments})")
    description = f"Use `{worked.tool}` instead of `{failed.tool}`."
    return _harmless(("other_tool", (step,), description, f"{failed.tool} -> {worked.tool}"))


def _preparations(failed: Attempt, between: Sequence[Attempt]) -> list[ResolutionStep]:
    """What was done in between, changes alone where there are any."""
    done = [one for one in between if one.span.outcome == "success"]
    changes = [one for one in done if not _only_looks(one)]
    if not changes and failed.line:
        return []  # a shell command is not mended by having looked at something
    found: dict[str, ResolutionStep] = {}
    for one in changes or done:
        if one.line:
            for step in simple_commands(one.line):
                text = " ".join(generalised(word) for word in step.words[:10])
                found.setdefault(text, ResolutionStep(tool=one.tool, command=text, example=one.line[:300]))
        elif _target(one) is None or _target(one) == _target(failed):
            keys = sorted(one.span.arguments or {})
            if _target(one) is not None:  # the file says which; how much of it was read belongs to the task
                keys = [key for key in keys if "path" in key] or keys
            text = f"{one.tool}({', '.join(f'{key}={{{key}}}' for key in keys[:4])})"
            found.setdefault(text, ResolutionStep(tool=one.tool, command=text))
    return list(found.values())


def _only_looks(call: Attempt) -> bool:
    if call.line:
        return all(only_reads(step.words[0].rsplit("/", 1)[-1], step.words[1:]) for step in simple_commands(call.line))
    return named_kind(call.tool) in ("look", "none", "talk")


def _same_call(failed: Attempt, call: Attempt) -> bool:
    if bool(failed.line) != bool(call.line):
        return False
    if failed.line:
        if failed.name in call.names:
            return _alike(failed, call)
        return _is_missing(failed) and other_program(failed.line, call.line, failed.name) is not None
    if failed.tool != call.tool:
        both = failed.tool.casefold() in EDITS and call.tool.casefold() in EDITS
        return both and _target(failed) is not None and _target(failed) == _target(call)
    one, two = failed.span.arguments or {}, call.span.arguments or {}
    if one.get("command") != two.get("command"):
        return False  # an editor that now shows instead of replacing does something else
    target = _target(failed)
    if target is not None:
        return target == _target(call) or (failed.tool.casefold() not in EDITS and _close(target, _target(call)))
    return _agrees(one, two)


def _is_missing(failed: Attempt) -> bool:
    return failed.signature is not None and failed.signature.text in ("command not found", "no such file or directory")


def _agrees(one: Document, two: Document) -> bool:
    keys = one.keys() | two.keys()
    if not keys:
        return True
    equal = sum(canonical(one.get(key)) == canonical(two.get(key)) for key in keys)
    if len(keys) > 1:
        return equal >= 1 and equal >= 0.3 * len(keys)
    key = next(iter(keys))
    return equal == 1 or SequenceMatcher(None, str(one.get(key)), str(two.get(key))).ratio() >= _ALIKE_PATH


def _alike(failed: Attempt, call: Attempt) -> bool:
    one, two = _literals_aside(failed), _literals_aside(call)
    if not one or not two:
        return True
    if len(one & two) / min(len(one), len(two)) < _ALIKE:
        return False
    read = failed.signature
    if read is None or read.text != "no such file or directory":
        return True
    paths = {word for word in _words(failed) if "/" in word or "." in word}
    others = {word for word in _words(call) if "/" in word or "." in word}
    return any(_close(path, other) for path in paths for other in others)


def _literals_aside(call: Attempt) -> frozenset[str]:
    return frozenset(generalised(word) for word in _words(call))


def _words(call: Attempt) -> list[str]:
    return [word for step in simple_commands(call.line) for word in step.words[1:]]


def _close(one: str, other: str | None) -> bool:
    if other is None:
        return False
    first, second = one.rstrip("/").rsplit("/", 1)[-1], other.rstrip("/").rsplit("/", 1)[-1]
    return first == second or SequenceMatcher(None, first, second).ratio() >= _ALIKE_PATH


def _same_purpose(failed: Attempt, call: Attempt) -> bool:
    """Another tool whose name begins with the same verb and object: ``find_user_id_by_email``, ``…_by_name_zip``."""
    if failed.line or call.line or failed.tool == call.tool:
        return False
    one, two = failed.tool.casefold().split("_"), call.tool.casefold().split("_")
    shared = 0
    while shared < min(len(one), len(two)) and one[shared] == two[shared]:
        shared += 1
    return shared >= 2 and shared >= 0.5 * min(len(one), len(two))


def _target(call: Attempt) -> str | None:
    paths = paths_of(call.span)
    return paths[0] if paths and not call.line else None


def _took(failed: Attempt, worked: Attempt) -> int | None:
    one, two = failed.span.started_at, worked.span.started_at
    return None if one is None or two is None else max(0, int((two - one).total_seconds() * 1000))
