"""Tests, builds, lints and deliveries inside shell lines, and how they ended.

A check is the best evidence that a transcript holds, and its exit code the easiest to read wrongly. Rules here:
the code is believed only where it is the check's own; a code that says "did not run" (missing command, time-out, kill
by a signal) is no result; everywhere else the output is read, and where it does not say, the answer is ``unknown``.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from seasoned.capture import check_output
from seasoned.capture.check_commands import CheckKind, check_command
from seasoned.capture.shell_lines import Step, steps_of

__all__ = ["Check", "CheckKind", "CheckVerdict", "checks_of", "verdict"]

CheckVerdict = Literal["passed", "failed", "unknown"]

_VISIBILITY = ("own", "chain", "hidden")
_DID_NOT_RUN = frozenset({124, 126, 127, 130, 137, 143})
"""timeout(1), not executable, not found, and ends by SIGINT, SIGKILL and SIGTERM
(https://www.gnu.org/software/bash/manual/html_node/Exit-Status.html)."""
_NOTHING_TO_DO = re.compile(
    r"^(?:nothing to commit|no changes added to commit|nothing added to commit)|no test files|No tests? (?:found|ran)"
    r"|^collected 0 items|no tests ran|Everything up-to-date|did not match any file",
    re.MULTILINE,
)
_WHOLE = frozenset({"tail", "cat", "tee", "less", "ts", "sed", "nl"})
"""Filters that let the last lines through, where results stand."""
_SILENT = frozenset({"go build", "go vet", "tsc", "gofmt", "eslint", "cargo check", "make", "gcc", "clang", "vet"})
"""Tools whose success is silence."""
_NOTHING_SHOWN = re.compile(r"\A\s*(?:\(no output\)|\(Bash completed with no output\))?\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A command that says how the work stands."""

    kind: CheckKind
    tool: str
    """What runs it, short: ``go test``, ``pytest``, ``mise test``."""
    exit: Literal["own", "chain", "hidden"]
    """What the exit code of the whole line says about it, see ``shell_lines.Step``."""
    filters: tuple[str, ...] = ()
    """Names of the commands that its output went through."""
    sees_failures: bool = True
    """False where a filter may have taken the lines away that would tell of a failure (``head``, ``grep ok``)."""
    shown_lines: int | None = None
    """``head -n``: as long as fewer lines are shown, nothing was cut."""
    alone: bool = True
    """False where the line runs other checks too, whose output stands in the same text."""
    printed_exit: str | None = None
    """Regular expression of an exit code printed by the line itself."""

    @property
    def hidden(self) -> bool:
        """Whether the exit code of the line says nothing about the check."""
        return self.exit == "hidden"


def checks_of(command: str) -> tuple[Check, ...]:
    """The checks of a shell line, one of each kind, in the order in which the kinds last appear.

    Several of one kind count as the last of them, but with the least visible code: each may be the red one.
    """
    found = _checks(command, 3)
    by_kind: dict[CheckKind, Check] = {}
    for check in found:
        before = by_kind.pop(check.kind, check)
        by_kind[check.kind] = replace(check, exit=max(before.exit, check.exit, key=_VISIBILITY.index))
    return tuple(check if len(found) < 2 else replace(check, alone=False) for check in by_kind.values())


def verdict(check: Check, exit_code: int | None, output: str) -> CheckVerdict:
    """How ``check`` ended. ``exit_code`` is that of the whole line, None where unknown; ``output`` what was shown."""
    if check.printed_exit is not None and (printed := re.findall(check.printed_exit, output)):
        return _by_code(check, int(printed[-1]), output)
    if exit_code is not None:
        if check.exit == "own" or (check.exit == "chain" and exit_code == 0):
            return _by_code(check, exit_code, output)
        if exit_code in _DID_NOT_RUN and not check.hidden:
            return "unknown"
    return _by_output(check, output)


def _by_code(check: Check, exit_code: int, output: str) -> CheckVerdict:
    if exit_code in _DID_NOT_RUN:
        return "unknown"
    if _NOTHING_TO_DO.search(output) and not check_output.passed(check.kind, output):
        return "failed" if exit_code != 0 and check_output.failed(check.kind, output, alone=check.alone) else "unknown"
    return "passed" if exit_code == 0 else "failed"


def _by_output(check: Check, output: str) -> CheckVerdict:
    if check_output.failed(check.kind, output, alone=check.alone):
        return "failed"
    if not check.sees_failures or (check.shown_lines is not None and output.count("\n") + 1 >= check.shown_lines):
        return "unknown"
    if check_output.passed(check.kind, output):
        return "passed"
    if check.tool in _SILENT and check.filters and _NOTHING_SHOWN.match(output):
        return "passed"
    return "unknown"


def _checks(command: str, depth: int) -> list[Check]:
    found: list[Check] = []
    for step in steps_of(command):
        recognised = check_command(step.words)
        if recognised is None:
            continue
        kind, tool = recognised
        if kind == "shell":
            inner = _checks(tool, depth - 1) if depth else []
            found.extend(_within(step, check) for check in inner)
        else:
            found.append(_check(step, kind, tool))
    return found


def _check(step: Step, kind: CheckKind, tool: str) -> Check:
    filters = tuple(words[0].rsplit("/", 1)[-1] for words in step.filters)
    return Check(
        kind=kind,
        tool=tool,
        exit=step.exit,
        filters=filters,
        sees_failures=all(_shows_failures(words) for words in step.filters),
        shown_lines=min((limit for words in step.filters if (limit := _head_limit(words)) is not None), default=None),
        printed_exit=step.printed_exit,
    )


def _within(step: Step, inner: Check) -> Check:
    """``inner`` was found in ``bash -c "…"``; what hides either code hides it."""
    outer = _check(step, inner.kind, inner.tool)
    limits = [limit for limit in (inner.shown_lines, outer.shown_lines) if limit is not None]
    return replace(
        inner,
        exit=max(outer.exit, inner.exit, key=_VISIBILITY.index),
        filters=inner.filters + outer.filters,
        sees_failures=inner.sees_failures and outer.sees_failures,
        shown_lines=min(limits, default=None),
        printed_exit=inner.printed_exit or outer.printed_exit,
    )


def _shows_failures(words: tuple[str, ...]) -> bool:
    name = words[0].rsplit("/", 1)[-1]
    if name in {"grep", "rg", "egrep", "ag"}:
        text = " ".join(words[1:])
        return "-v" in words[1:] or re.search(r"FAIL|[Ff]ail|[Ee]rror|ERR", text) is not None
    return name in _WHOLE or _head_limit(words) is not None


def _head_limit(words: tuple[str, ...]) -> int | None:
    if words[0].rsplit("/", 1)[-1] != "head":
        return None
    found = re.search(r"(?:^|\s)-(?:n\s*|-lines=)?(\d{1,9})\b", " ".join(words[1:]))
    return int(found[1]) if found else 10 if len(words) == 1 else None
