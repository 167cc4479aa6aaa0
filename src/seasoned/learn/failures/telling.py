"""The line of an output that says what went wrong.

Outputs of failed calls begin with what went well. Which line tells is decided by what kind of output it is: a failed
test's assertion, a linter's most frequent rule, a compiler's first complaint, a traceback's last line, else the first
line that speaks of an error. A log without such a line tells nothing, and that is an answer.

One pass over the lines; nothing is remembered between outputs.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from seasoned.learn.failures.masking import plain

__all__ = ["Telling", "bare", "innermost", "telling"]

LINES_LIMIT = 400
"""Lines that are looked at; stored errors are shorter."""

_Sort = Literal["test", "lint", "code", "raised", "said", "document", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What an output says of its failure."""

    line: str
    """The line without its place and its runner's prefix; for a linter the rule. Empty for ``nothing``."""
    sort: _Sort
    """``test``: an assertion of a test; ``lint``: a rule; ``code``: a compiler's complaint about a place in a file;
    ``raised``: an exception or a panic; ``said``: any other line; ``document``: JSON; ``nothing``."""
    test: str | None = None
    """Name of the failed test, where it is a test's."""
    exit_code: int | None = None
    """Where the output states it."""
    frames: tuple[str, ...] = ()
    """Top frames of a stack, innermost first, at most three: functions or files without line numbers."""


_EXIT = re.compile(
    r"^(?:exit code|process exited with code|exited with code|command failed with exit code) (\d{1,3})\b[.:]?", re.I
)
_RUNNER = re.compile(r"^(?:\[[\w:.\-]{1,40}\] |#\d{1,4} \d[\d.]{0,10} |\d{4}-\d\d-\d\dT[\d:.]{8,20}Z ?)")
_ERROR_TASK = re.compile(
    r"^(?:error task failed|finished in|fail$|fail\s|g?make(?:\[\d+\])?: \*\*\* (?:\[|waiting)|npm (?:warn|notice)|error: script|> )",
    re.I,
)
_PLACE = re.compile(
    r"^(?P<indent>\s*)(?:-->\s*|at )?(?P<file>[\w.@+~/\\\-]{1,300}\.[A-Za-z]{1,8})(?::(?P<line>\d{1,7})(?::\d{1,7})?:?|\(\d{1,7},\d{1,7}\):)"
    r"\s+(?P<said>\S.*)$"
)
_NO_SOURCE = re.compile(r"\.(?:log|txt)$")
_RULE = re.compile(r"(?<=\s)\((?P<rule>[a-z][a-z0-9\-]{2,30})\)\s*$")
_RULE_CODE = re.compile(r"^(?!E0\d|TS\d)(?P<rule>[A-Z]{1,5}\d{2,5})\b:?\s+\S")
_RULE_COUNT = re.compile(r"^\* (?P<rule>[a-z][\w\-]{1,30}): (?P<n>\d{1,6})$")
_TYPECHECK = frozenset({"typecheck", "typechecking"})
_GO_FAILED = re.compile(r"^\s*--- FAIL: (?P<test>[\w/.\-]{1,200})")
_GO_NEXT = re.compile(r"^(?:\s*--- (?:FAIL|PASS|SKIP)|=== |FAIL|ok\s|PASS)")
_PY_FAILED = re.compile(r"^FAILED (?P<test>[^\s]{1,300})(?: - (?P<said>.+))?$")
_PY_SAID = re.compile(r"^E   +(?P<said>\S.*)$")
_RAISED = re.compile(
    r"^(?:\s*(?:Uncaught |Unhandled )?)(?P<said>(?:[\w.]{1,120}\.)?[A-Z]\w{0,60}(?:Error|Exception|Interrupt|Exit|Failure)"
    r"(?:: .*|$))"
)
_PANIC = re.compile(r"^(?:panic: |thread '.{1,80}' panicked at|fatal error: )(?P<said>.*)$")
_CODED = re.compile(r"^(?P<said>error(?:\[[A-Z]\d{3,5}\]| [A-Z]{1,4}\d{3,6}):? .*)$")
_FRAME = re.compile(
    r"^\s*(?:File \"(?P<py>[^\"]{1,300})\", line \d+, in (?P<py_in>\S{1,80})|at (?P<js>[\w.<>$ ]{1,80}) \()"
)
_SPEAKS = re.compile(
    r"\berrors?\b|\bfatal\b|\bfail(?:ed|ure|s|ing)?\b|\bcan(?:no|')t\b|\bcannot\b|\bcould ?n[o']t\b|\bcould not\b|\bunable\b"
    r"|\bdenied\b|\brefused\b|\bnot found\b|\bno such\b|\binvalid\b|\bunknown\b|\bunexpected\b|\bmissing\b|\bexceed"
    r"|\btimed? ?out\b|\babort|\bexception\b|✗|✖|❌|\bnot permitted\b|\brejected\b|\bdoes not\b|\bdoes ?n't\b|\bundefined\b"
    r"|\bunresolved\b|\bconflicts?\b|\bnot allowed\b|\billegal\b|\bno changes\b|\bnothing to\b|\bnot available\b"
    r"|\bnot enough\b|\bdid not\b|\bno matches\b|\bare ignored\b|\bimported and not used\b|\bno version is set\b"
    r"|\bnot been\b|\bneed to be\b|\bmust\b|\bno rule to make\b|\bno targets\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"^\s*(?:hint:|note:|warn(?:ing)?\b|info\b|debug\b|ok\s|pass\b|✓|✔|\?\s|#|//|\d+ (?:issues?|errors?|problems?)\b|=== |---)"
    r"|\b0 (?:errors?|failed|failures|issues)\b|\b(?:pass|PASS)(?:ed)?:|file-level",
    re.IGNORECASE,
)
_USAGE = re.compile(r"^(?:usage|flags|options|available commands):?", re.IGNORECASE)
_SUBJECT = re.compile(
    r"^(?:error executing tool [\w.\-]{1,80}: |(?:fatal|error|err|failed?|failure|exception|ERROR)\s*[:!]\s*|npm err! |g?make(?:\[\d+\])?: \*\*\* |\[[\w ]{1,20}\]\s+|[✗✖❌×]\s*|"
    r"(?:[\w./\-~]{1,80}: )(?:line \d{1,6}: |\d{1,6}: )?(?=\S)|E\s{2,})",
    re.IGNORECASE,
)
_NESTED = re.compile(
    r"\"(?:sub_error|error_message|error|message|detail|reason|stderr)\"\s*:\s*\[?\s*\"(?P<said>(?:[^\"\\]|\\.){1,400})"
)
_FIRST_STRING = re.compile(r"^\s*\[\s*\"(?P<said>(?:[^\"\\]|\\.){1,400})\"?")
_WRAPPED = re.compile(r"(?:message|text): \"(?P<said>(?:[^\"\\]|\\.){4,})", re.DOTALL)
_INNER = re.compile(r": (?=[A-Za-z][\w']*[ ,-][\w])")


def telling(text: str, *, shows: str | None = None) -> Telling:
    """What ``text`` says of its failure. Never raises.

    ``shows``: a program that prints what others wrote (``rg``, ``cat``): of its output only the lines that it or the
    shell signed with their name are about itself.
    """
    text = _unwrapped(plain(text))
    lines = text.split("\n")[:LINES_LIMIT]
    exit_code: int | None = None
    kept: list[str] = []
    for raw in lines:
        line = _RUNNER.sub("", raw.rstrip())
        found = _EXIT.match(line)
        if found is not None:
            exit_code = int(found[1])
        rest = line if found is None else line[found.end() :].strip()
        if rest.strip():
            kept.append(rest)
    if shows is not None:
        kept = _signed(kept, shows)
        text = ""
    told = _documented(text) or _tested(kept) or _linted(kept) or _placed(kept) or _thrown(kept) or _said(kept)
    line, sort, test = told
    return Telling(line=line, sort=sort, test=test, exit_code=exit_code, frames=_frames(kept))


_Told = tuple[str, _Sort, str | None]


def _unwrapped(text: str) -> str:
    """The message inside a harness's own rendering of an error, with its line ends."""
    if 'message: "' not in text and 'text: "' not in text:
        return text
    inner = [found["said"] for found in _WRAPPED.finditer(text)]
    said = max(inner, key=len, default="")
    # written out twice over: \\n inside a string inside a string
    said = said.replace("\\\\n", "\n").replace("\\n", "\n").replace('\\\\\\"', '"').replace('\\"', '"')
    return said or text


def _documented(text: str) -> _Told | None:
    """An error told as JSON: its first sentence and the innermost message."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    first, nested = _FIRST_STRING.match(text), [found["said"] for found in _NESTED.finditer(text)]
    said = [first["said"]] if first else []
    if nested:
        said.append(nested[0].replace('\\"', '"'))
    return (" | ".join(said), "document", None) if said else None


def _signed(lines: list[str], program: str) -> list[str]:
    names = (
        f"{program.split(maxsplit=1)[0]}: ",
        "fatal: ",
        "zsh:",
        "bash: ",
        "sh: ",
        "/bin/sh: ",
        "(eval):",
        "error: ",
        "Error: ",
    )
    return [line for line in lines if line.startswith(names)] or (lines if len(lines) == 1 else [])


def _tested(lines: list[str]) -> _Told | None:
    for number, line in enumerate(lines):
        failed = _GO_FAILED.match(line)
        if failed is not None:
            said = _assertion(lines, number)
            return (said, "test", failed["test"]) if said else None
    name: str | None = None
    for line in lines:
        failed = _PY_FAILED.match(line)
        if failed is not None:
            name = failed["test"].rsplit("::", 1)[-1]
            break
    for line in lines:
        said = _PY_SAID.match(line)
        if said is not None:
            return said["said"], "test", name
    return None


def _assertion(lines: list[str], failed: int) -> str | None:
    """What the test at ``failed`` complained of: behind its line, or, in a verbose log, before it."""
    for line in lines[failed + 1 :]:
        if _GO_FAILED.match(line):
            continue
        if _GO_NEXT.match(line):
            break
        if (found := _PLACE.match(line)) is not None:
            return found["said"]
        if (found := _PANIC.match(line)) is not None:
            return found["said"]
    first: str | None = None
    for line in reversed(lines[:failed]):
        if _GO_NEXT.match(line) and not line.startswith("=== "):
            break
        if (found := _PLACE.match(line)) is not None:
            first = found["said"]
        if line.startswith("=== RUN"):
            break
    return first


def _linted(lines: list[str]) -> _Told | None:
    rules: Counter[str] = Counter()
    for line in lines:
        counted = _RULE_COUNT.match(line)
        if counted is not None:
            rules[counted["rule"]] += int(counted["n"])
    summed = bool(rules)
    codes: dict[str, str] = {}
    for line in lines:
        placed = _PLACE.match(line)
        if placed is None:
            continue
        code, rule = _RULE_CODE.match(placed["said"]), _RULE.search(placed["said"])
        if rule is not None and code is not None:
            codes.setdefault(rule["rule"], code["rule"])
        if not summed and (rule or code) is not None:
            rules[(rule or code)["rule"]] += 1  # pyright: ignore[reportOptionalSubscript]  # one of them is not None
    if not rules:
        return None
    rule = max(rules, key=lambda name: rules[name])  # the first of equals: dicts keep the order of the output
    if rule in _TYPECHECK:
        return None
    return " ".join(["lint rule", rule, codes.get(rule, "")]).rstrip(), "lint", None


def _placed(lines: list[str]) -> _Told | None:
    for line in lines:
        found = _PLACE.match(line)
        if found is None or _NO_SOURCE.search(found["file"]) or _ASIDE.match(found["said"]):
            continue
        said = found["said"]
        rule = _RULE.search(said)
        if rule is not None and rule["rule"] in _TYPECHECK:
            said = said[: rule.start()].rstrip()
        if len(said.split()) >= 2 and not said.startswith(": #"):
            return said, "code", None
    return None


def _thrown(lines: list[str]) -> _Told | None:
    for line in lines:
        for pattern in (_CODED, _PANIC):
            if (found := pattern.match(line)) is not None and found["said"].strip():
                return found["said"], "raised", None
    traced = any(line.startswith("Traceback (most recent") for line in lines)
    for line in reversed(lines) if traced else lines:
        if (found := _RAISED.match(line)) is not None:
            return found["said"], "raised", None
    return None


def _said(lines: list[str]) -> _Told:
    in_usage = False
    for line in lines:
        bare = line.strip()
        if _USAGE.match(bare):
            in_usage = True
        if _ERROR_TASK.match(bare) or _ASIDE.search(line) or (in_usage and line[:1] in " \t"):
            continue
        if _SPEAKS.search(bare) and len(bare.split()) > 1:
            return bare, "said", None
    rest = [line.strip() for line in lines if not _ERROR_TASK.match(line.strip()) and not _ASIDE.search(line)]
    if len(rest) == 1:
        return rest[0], "said", None
    return "", "nothing", None


def bare(line: str) -> str:
    """``line`` without the words in front that only say that it is an error, or whose."""
    for _ in range(3):
        found = _SUBJECT.match(line)
        if found is None or len(line) - found.end() < 8:
            break
        line = line[found.end() :]
    return line


def innermost(said: str) -> str:
    """The end of a chain ``a: b: c`` of wrapped errors, which names the cause; the rest says on what way it came up."""
    said = said.split("[recovered", 1)[0].rstrip()
    parts = _INNER.split(said)
    last = parts[-1]
    return last if len(re.findall(r"[A-Za-z]{2,}", last)) >= 2 else ": ".join(parts[-2:])


def _frames(lines: list[str]) -> tuple[str, ...]:
    frames: list[str] = []
    traced = False
    for line in lines:
        traced = traced or line.startswith("Traceback (most recent")
        found = _FRAME.match(line)
        if found is not None:
            frames.append(f"{found['py'].rsplit('/', 1)[-1]} {found['py_in']}" if found["py"] else found["js"].strip())
    return tuple((frames[::-1] if traced else frames)[:3])
