"""What makes two failures the same: the signature.

Invariant: a signature is a function of one failing call alone, its tool, its command and its message, so it does not
depend on what else was imported, on its order, or on the day. Calls with one signature are meant to have one cause and
one kind of remedy; that is what hand-labelled pairs of real failures measure (``seasoned evaluate failures --pairs``).

Built in three steps: the line that tells (``telling``), a common wording for errors that programs tell differently
(``wordings``), else the line with its literals masked (``masking``). Where a message says nothing of its own (``Exit
code 1``) the program belongs to the signature, and where a test's assertion is all literals its name does.
"""

import re
from dataclasses import dataclass, replace

from seasoned.learn.failures.masking import mask, plain
from seasoned.learn.failures.program import SHOWING, is_shell, program_of, shows_only
from seasoned.learn.failures.telling import Telling, bare, innermost, telling
from seasoned.learn.failures.wordings import Cause, cause_of
from seasoned.model.limits import ERROR_LIMIT

__all__ = ["Signature", "signature"]

_SHORT = 12
"""Lines of a message in which a known wording is looked for where no line speaks of an error."""
_LETTERS = re.compile(r"(?<![<\w])[^\W\d_]{3,}(?![\w>])")
_GENERIC = frozenset(
    """assert assertion assertionerror error errors failed failure expected expect actual got but want wanted true
    false none null nil equal the and not with that this value should was has have been are for from unexpected exit
    code exception status exited process command task test tests run""".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The identity of a failure, with what it was read from."""

    text: str
    """Never empty, at most a few hundred characters, lower case; the same for failures of one cause."""
    cause: Cause | None
    """The known cause, where the wording is one."""
    telling: Telling
    program: str
    """Tool or, for a shell line, the program and verb that failed."""
    informative: bool
    """Whether the message itself says what went wrong. False: the signature is only that this program failed."""


def signature(tool: str, command: str, message: str) -> Signature:
    """The signature of a failing call. ``tool``: its name; ``command``: the shell line, or empty; ``message``: the
    error as recorded. Linear in the message, of which ``ERROR_LIMIT`` characters at either end are read. Never raises.
    """
    if len(message) > 2 * ERROR_LIMIT:
        message = f"{message[:ERROR_LIMIT]}\n{message[-ERROR_LIMIT:]}"
    program = program_of(tool, command)
    told = telling(message, shows=program if is_shell(tool) and shows_only(command) else None)
    if told.sort == "nothing" and program not in SHOWING:
        told = _listed(told, message)
    if told.sort == "nothing":
        code = f"exit code {told.exit_code}" if told.exit_code not in (None, 0, 1) else "failed"
        return Signature(
            text=f"{program}: {code}, no cause told", cause=None, telling=told, program=program, informative=False
        )
    if told.sort == "lint":
        return Signature(text=told.line.casefold(), cause=None, telling=told, program=program, informative=True)
    cause = cause_of(told.line, in_test=told.sort == "test") if " | " not in told.line else None
    if cause is not None:
        return Signature(text=cause.text, cause=cause, telling=told, program=program, informative=True)
    masked = mask(_said(told))
    words = {word for word in _LETTERS.findall(masked) if word not in _GENERIC}
    if words:
        return Signature(text=masked, cause=None, telling=told, program=program, informative=True)
    subject = told.test.split("/", 1)[0].casefold() if told.test else program
    return Signature(
        text=f"{subject}: {masked or 'failed'}", cause=None, telling=told, program=program, informative=bool(told.test)
    )


def _said(told: Telling) -> str:
    match told.sort:
        case "said":
            return bare(told.line)
        case "document":
            return told.line
        case _:
            return innermost(told.line)


def _listed(told: Telling, message: str) -> Telling:
    """A known wording without any word of error in it, in a short message."""
    lines = plain(message).split("\n")
    for line in lines if len(lines) <= _SHORT else ():
        if cause_of(line, in_test=False) is not None:
            return replace(told, line=line.strip(), sort="said")
    return told
