"""One wording for errors that programs tell differently.

``cat: a: No such file or directory``, ``File does not exist.`` and ``can't cd to /b`` have one cause and one remedy.
Each entry names such a cause and the phrases of shells, compilers, version control, package managers and agents' own
tools that tell it. What is not listed keeps its own (masked) words, so that the list can only join, never hide.

A cause is said to be ``environment`` where changing the *call* can overcome it: these are the failures whose fixes
can be carried over to another task (``learn.failures.resolutions``). ``code`` errors are overcome by editing.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from seasoned.model import FailureType

__all__ = ["CAUSES", "Cause", "cause_of", "named_cause"]

_Where = Literal["anywhere", "outside_tests"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """An error with many wordings."""

    text: str
    """How signatures spell it."""
    kind: FailureType
    remedy: Literal["environment", "code", "none"]
    """What overcomes it: another call, an edit, or neither (waiting, asking)."""
    in_tests: bool
    """Whether it is still the cause when a test's assertion mentions it. A missing path in an assertion is what the
    test is about; a port that the sandbox refuses is not."""
    pattern: re.Pattern[str]


def _cause(
    text: str,
    pattern: str,
    kind: FailureType,
    remedy: Literal["environment", "code", "none"] = "environment",
    *,
    in_tests: bool = True,
) -> Cause:
    return Cause(text=text, kind=kind, remedy=remedy, in_tests=in_tests, pattern=re.compile(pattern, re.IGNORECASE))


CAUSES: tuple[Cause, ...] = (
    # what stands first wins where a line tells two
    _cause(
        "command not found",
        r"\bcommand not found\b|is not recognized as an internal|executable file not found|target shim binary not found"
        r"|no version is set for command|^(?:/?[\w/]{0,20}sh|env)(?:: \d{1,4}| \d{1,4})?: (?:\d{1,4}: )?\S{1,80}: not found$"
        r"|^\S{1,60} not found$|command not found in path",
        "dependency_missing",
    ),
    _cause(
        "host name cannot be resolved",
        r"\bno such host\b|could not resolve (?:host|proxy)|\bENOTFOUND\b|EAI_AGAIN|temporary failure in name resolution"
        r"|name or service not known|nodename nor servname|temporary failure resolving",
        "network",
    ),
    _cause(
        "connection refused",
        r"connection refused|\bECONNREFUSED\b|failed to connect to|could ?n[o']t connect to|connection reset|ECONNRESET",
        "network",
    ),
    _cause(
        "operation not permitted",
        r"operation not permitted|\bEPERM\b|sandbox ?\(?denied|read-only file system|\bEROFS\b",
        "permission_denied",
    ),
    _cause("permission denied", r"permission denied|\bEACCES\b|access is denied", "permission_denied", in_tests=False),
    _cause("no space left", r"no space left on device|\bENOSPC\b|disk quota exceeded", "resource_exhausted"),
    _cause(
        "out of memory",
        r"out of memory|\bENOMEM\b|cannot allocate memory|\bMemoryError\b|heap limit|\bOOM\b|signal: killed",
        "resource_exhausted",
    ),
    _cause("address already in use", r"address already in use|\bEADDRINUSE\b", "resource_exhausted"),
    _cause(
        "output too large",
        r"exceeds maximum allowed (?:tokens|size)|content \([\d.]+ ?[kmg]?b?\) exceeds|too large to read|argument list too long",
        "resource_exhausted",
    ),
    _cause(
        "rate limit reached",
        r"rate.?limit|too many requests|quota (?:exceeded|reached)|overloaded_error|usage limit reached",
        "resource_exhausted",
        "none",
    ),
    _cause(
        "timed out",
        r"\btimed? ?out\b(?! to)|deadline exceeded|\bETIMEDOUT\b|timeout (?:of|after|exceeded)",
        "timeout",
        in_tests=False,
    ),
    _cause(
        "file was not read before it was written",
        r"has not been read yet|read it first before",
        "tool_error",
    ),
    _cause(
        "file changed since it was read",
        r"modified since (?:it was )?(?:last )?read|unexpectedly modified|changed since (?:it was )?last read",
        "tool_error",
    ),
    _cause(
        "text to replace not found",
        r"string to replace not found|did not appear verbatim|no replacement was performed, old_str|failed to find (?:expected lines|context)"
        r"|old_str(?:ing)? (?:was )?not found|could not find the (?:string|text) to replace|0 occurrences found",
        "tool_error",
    ),
    _cause(
        "text to replace found several times",
        r"found \d+ matches of the string|multiple occurrences of (?:old_str|the)|is not unique in the file",
        "tool_error",
    ),
    _cause(
        "nothing would change",
        r"old_string and new_string are (?:exactly )?the same|no changes to make|identical to the original|must be different",
        "tool_error",
    ),
    _cause(
        "path is ignored by version control",
        r"paths? (?:is|are) ignored by one of your \.gitignore",
        "tool_error",
    ),
    _cause("pathspec matches nothing", r"pathspec .{0,200} did not match", "tool_error"),
    _cause(
        "nothing to commit",
        r"nothing to commit|no changes added to commit|nothing added to commit",
        "tool_error",
    ),
    _cause(
        "no upstream branch", r"has no upstream branch|no tracking information|no upstream configured", "tool_error"
    ),
    _cause(
        "push rejected: the remote is ahead",
        r"non-fast-forward|\(fetch first\)|updates were rejected because",
        "tool_error",
    ),
    _cause(
        "protected branch refuses the push",
        r"\bGH0(?:06|13)\b|protected branch (?:hook declined|update failed)|pre-receive hook declined",
        "permission_denied",
    ),
    _cause(
        "merge conflict",
        r"automatic merge failed|^CONFLICT \(|fix conflicts and|unmerged files|could not apply [0-9a-f]{6,}",
        "tool_error",
        "code",
    ),
    _cause(
        "local changes would be overwritten",
        r"local changes .{0,60}would be overwritten|please commit your changes or stash|cannot .{0,30}you have unstaged changes",
        "tool_error",
    ),
    _cause("lock of version control is held", r"unable to create .{0,200}\.lock.{0,30}exists", "tool_error"),
    _cause(
        "working directory was deleted", r"working directory .{0,200}was deleted|getcwd: cannot access", "tool_error"
    ),
    _cause("not a repository", r"not a git repository", "tool_error"),
    _cause("shell pattern matches nothing", r"\bno matches found:", "tool_error"),
    _cause("is a directory", r"\bis a directory\b|\bEISDIR\b", "tool_error", in_tests=False),
    _cause("not a directory", r"\bnot a directory\b|\bENOTDIR\b", "tool_error", in_tests=False),
    _cause(
        "package not in the index",
        r"no matching distribution found|could not find a version that satisfies|is not in (?:this|the npm) registry"
        r"|unable to locate package|404 not found - get https?:",
        "dependency_missing",
    ),
    _cause(
        "missing dependency",
        r"no module named|cannot find module|cannot find package|no required module provides package|could not import"
        r"|unresolved import|is not in (?:std|goroot)\b|module not found|missing go\.sum entry|can't resolve '"
        r"|cannot open shared object|could not find \w{2,40} \(missing|ERR_MODULE_NOT_FOUND|updates to go\.mod needed|can't find crate",
        "dependency_missing",
    ),
    _cause(
        "no such file or directory",
        r"no such file or directory|file (?:does not|doesn't) exist|path (?:does not|doesn't) exist|\bENOENT\b"
        r"|cannot find the (?:file|path) specified|can't cd to|directory (?:does not|doesn't) exist|file not found\b"
        r"|does not exist on disk|the path .{0,200} does not exist",
        "tool_error",
        in_tests=False,
    ),
    _cause("program built for another platform", r"exec format error|bad cpu type", "tool_error"),
    _cause(
        "wrong type",
        r"cannot use .{1,200} as .{1,200}(?:value in|type)|mismatched types|is not assignable to (?:type|parameter)"
        r"|\bTS(?:2345|2322)\b|incompatible types",
        "compilation_error",
        "code",
    ),
    _cause(
        "undefined member",
        r"has no field or method|has no attribute|does not exist (?:on|in) type|no method named|no field .{1,60} on type"
        r"|\bTS2339\b",
        "compilation_error",
        "code",
    ),
    _cause(
        "undefined name",
        r"\bundefined: |\bname '[^']{1,80}' is not defined|\bis not defined$|cannot find name|cannot find (?:value|function"
        r"|type|macro) |undeclared name|use of undeclared|\bTS2304\b",
        "compilation_error",
        "code",
    ),
    _cause(
        "imported and not used",
        r"imported and not used|unused import|imported but unused",
        "compilation_error",
        "code",
    ),
    _cause("declared and not used", r"declared and not used|unused variable", "compilation_error", "code"),
    _cause(
        "declared twice", r"redeclared in this block|already declared|duplicate identifier", "compilation_error", "code"
    ),
    _cause(
        "wrong number of arguments",
        r"(?:not enough|too many) arguments in call|takes \d+ positional arguments?|expected \d+ arguments?, (?:but )?got",
        "compilation_error",
        "code",
    ),
    _cause(
        "syntax error",
        r"\bsyntax ?errors?\b|\bIndentationError\b|^expected '.{1,3}', found|unterminated string|error TS1\d{3}\b"
        r"|^expected declaration, found|^expected statement, found|unexpected token",
        "compilation_error",
        "code",
    ),
    _cause(
        "required argument missing",
        r"required parameter|parameter .{1,80} is required|missing \d+ required positional|following arguments are"
        r" required|required (?:option|argument|flag|field)|must be provided|InputValidationError",
        "validation_failure",
    ),
    _cause(
        "value outside what is allowed",
        r"is expected to be one of|invalid choice|parameter: \[|must be one of|not a valid choice|out of range\b",
        "validation_failure",
    ),
    _cause(
        "unknown command or option",
        r"unknown (?:sub)?command|unrecognized (?:arguments?|option)|unknown (?:flag|option|shorthand|MCP server)"
        r"|(?:illegal|invalid) option|no such option|unexpected argument|flag provided but not defined|unknown json field",
        "validation_failure",
    ),
)


@cache
def _by_text() -> dict[str, Cause]:
    return {cause.text: cause for cause in CAUSES}


def cause_of(line: str, *, in_test: bool) -> Cause | None:
    """The first cause that ``line`` tells; ``in_test``: the line is a test's own assertion."""
    for cause in CAUSES:
        if (cause.in_tests or not in_test) and cause.pattern.search(line):
            return cause
    return None


def named_cause(text: str) -> Cause | None:
    """The cause that signatures spell so."""
    return _by_text().get(text)
