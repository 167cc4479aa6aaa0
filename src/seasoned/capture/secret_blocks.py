"""Secrets of many lines: private keys, also cut ones, and dumps of an environment."""

import re

from seasoned.capture.secret_hits import REACH, Hit

__all__ = ["environment", "private_key", "private_key_end", "putty_key"]

_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_CUT = re.compile(
    rb"(?:[ \t\r\n\"',]|\\[nr])*(?:(?:Proc-Type|DEK-Info|Version|Comment)[^\n\\]{0,100}(?:\n|\\n))*"
    rb"(?:(?:[ \t\r\n\"',]|\\[nr])*[A-Za-z0-9/+=]{16,})+(?:(?:[\r\n]|\\[nr])*[A-Za-z0-9/+]{1,15}={0,2}(?![A-Za-z]))?"
)
"""The body of a key whose end was cut off: runs of base64, line breaks in any escape between them."""
_PEM_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")


def private_key(text: bytes, start: int) -> Hit | None:
    """A PEM private key that begins at ``start``, whole or cut off."""
    head = _PEM.match(text, start, start + 120)
    if head is None:
        return None
    # Another key's beginning ends the search, so that many beginnings without an end stay linear.
    following = text.find(b"-----BEGIN", head.end(), head.end() + 16_384)
    tail = _PEM_END.search(text, head.end(), following if following >= 0 else head.end() + 16_384)
    if tail is not None:
        return Hit("private-key", start, tail.end()) if tail.start() - head.end() > 60 else None
    cut = _PEM_CUT.match(text, head.end(), head.end() + 16_384)
    return Hit("private-key", start, cut.end()) if cut else None


_PEM_BODY = re.compile(rb"[A-Za-z0-9/+= \t\r\n\"',\\]*")
_PEM_LINE = re.compile(rb"[A-Za-z0-9/+=]{16,}")


def private_key_end(text: bytes, start: int) -> Hit | None:
    """The rest of a PEM private key that ends at ``start`` and whose beginning was cut off, as it is from long results."""
    end = _PEM_END.match(text, start, start + 120)
    if end is None:
        return None
    least = max(0, start - 16_384)
    # Dashes are no part of a body: many ends without one stay linear.
    before = text[max(least, text.rfind(b"-", least, start) + 1) : start]
    body = _PEM_BODY.match(before[::-1])
    line = _PEM_LINE.search(before, len(before) - body.end()) if body else None
    return Hit("private-key", start - len(before) + line.start(), end.end()) if line else None


_PUTTY = re.compile(rb"Private-Lines: \d+(?:\r?\n|\\n)((?:[A-Za-z0-9+/=]{1,80}(?:\r?\n|\\n|$))+)")


def putty_key(text: bytes, start: int) -> Hit | None:
    """The private lines of a PuTTY key."""
    found = _PUTTY.search(text, start, start + REACH)
    return Hit("private-key", found.start(1), found.end(1)) if found else None


_ENV_LINE = re.compile(rb"(?:export |declare -x )?[A-Za-z_][A-Za-z0-9_]*=[^\n]*(?:\n|$)")
_USUAL = (b"HOME=", b"SHELL=", b"USER=", b"PWD=", b"LANG=", b"TERM=", b"LOGNAME=", b"SHLVL=", b"HOSTNAME=", b"_=")


def environment(text: bytes, start: int) -> Hit | None:
    """The dump of an environment around its ``PATH=`` line: five assignments or more, two others of the usual ones."""
    near = text[_lines_back(text, start, 40) : _lines_on(text, start, 40)]
    if near.count(b"\n") < 4 or sum(near.startswith(name) or b"\n" + name in near for name in _USUAL) < 2:
        return None
    begin, end = _lines_back(text, start, 1000), _lines_on(text, start, 2000)
    return Hit("environment", begin, end - 1 if text[end - 1 : end] == b"\n" else end)


def _lines_back(text: bytes, position: int, limit: int) -> int:
    """Where the run of assignments begins that ends before ``position``, at most ``limit`` lines up."""
    for _ in range(limit):
        previous = text.rfind(b"\n", max(0, position - REACH), max(0, position - 1)) + 1
        if previous >= position or not _ENV_LINE.fullmatch(text, previous, position):
            break
        position = previous
    return position


def _lines_on(text: bytes, position: int, limit: int) -> int:
    for _ in range(limit):
        found = _ENV_LINE.match(text, position, position + REACH)
        if found is None:
            break
        position = found.end()
    return position
