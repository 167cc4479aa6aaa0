"""What the output of a test, build, lint or delivery command says about how it ended.

Used where the exit code is hidden or unknown. Each tool states its result in a line of its own; the patterns below
are those lines, one per tool family, taken from what the tools print. A sentence that merely mentions a failure is
not enough: patterns are anchored to a line's start or carry the tool's own punctuation, because test names and log
lines say "error" all the time.

Invariant: a red line outranks a green one (a package that passed does not undo one that failed), and a green result
needs a line that says so. Silence counts as success only for tools whose success is silence.
"""

import re
from collections.abc import Mapping

__all__ = ["OUTPUT_LIMIT", "failed", "passed"]

OUTPUT_LIMIT = 64_000
"""Characters that are looked at: half from the head, half from the tail, where results stand."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.MULTILINE)


_NONZERO = r"[1-9]\d*"
_COMPILER = _any(
    r"^[^\s:][^\n:]{0,200}:\d+:\d+: (?:fatal )?error\b",  # gcc, clang, swiftc
    r"^(?:\./|\.\./|vet: )?[\w./\\-]{1,200}\.go:\d+:\d+: ",  # go build, go vet, golangci-lint
    r"^error(?:\[E\d{4}\])?: ",  # rustc, cargo
    r"\berror (?:TS|CS|MSB|FS)\d{3,5}\b",  # tsc, csc, msbuild
    r"^e: (?:file:)?\S+\.kts?:",  # kotlinc
    r"^\[ERROR\] ",  # maven
    r"^SyntaxError: ",
    r"^(?:npm ERR!|npm error|error Command failed| ?ELIFECYCLE\b|.{0,40}ERR_PNPM_)",
    r"^g?make(?:\[\d+\])?: \*\*\* ",
    r"^\[[\w:.-]{1,80}\] ERROR task failed|^mise ERROR ",
    r"^FAILURE: Build failed|^BUILD FAILED|\bBUILD FAILURE\b|^Build FAILED",
    r"^(?:ba|z|da)?sh: .{0,200}(?:not found|No such file or directory)$",
)
_FAILED: Mapping[str, re.Pattern[str]] = {
    "test": _any(
        r"^(?:\s*--- FAIL: |FAIL(?:[\t ]|$)|panic: )",  # go test
        r"^\[(?:build|setup) failed\]",
        rf"^=+ .{{0,120}}\b{_NONZERO} (?:failed|errors?)\b",  # pytest
        rf"^{_NONZERO} (?:failed|errors?)\b.{{0,80}} in [\d.]+",  # pytest -q
        r"^(?:FAILED|ERROR) \S+(?:::|\.py)",
        r"^FAILED \((?:failures|errors)=",  # unittest
        rf"^Tests?:\s.{{0,40}}\b{_NONZERO} failed",  # jest
        rf"^\s*(?:Test Files|Tests|Test Suites:?)\s.{{0,40}}\b{_NONZERO} failed",  # vitest, jest
        rf"^\s*{_NONZERO} failing\b",  # mocha
        r"^test result: FAILED\b",  # cargo test
        rf"^\s*{_NONZERO} examples?, .{{0,20}}\b{_NONZERO} failures?",  # rspec
        rf"Tests run: \d+, Failures: (?:{_NONZERO}|\d+, Errors: {_NONZERO})",  # surefire, JUnit
        rf"^\d+ tests? completed, {_NONZERO} failed",  # gradle
        r"^(?:FAILURES!|ERRORS!)$|^Tests: \d+, Assertions: .{0,60}(?:Failures|Errors): [1-9]",  # phpunit
        r"^Failed! +- Failed:",  # dotnet
        rf"\b{_NONZERO} tests? failed out of \d+",  # ctest
        rf"^# fail {_NONZERO}|^not ok \d+(?! .{{0,200}}# (?:TODO|SKIP))",  # TAP, node
        rf"^\s*{_NONZERO} fail$",  # bun
        rf"^Executed \d+ tests?, with {_NONZERO} failures?",  # swift, XCTest
        rf"^(?:FAILED|failed) \| .{{0,60}}{_NONZERO} failed",  # deno
        rf"^DONE \d+ tests?.{{0,40}}, {_NONZERO} (?:failures?|errors?)",  # gotestsum
    ),
    "build": _any(r"^# [\w./-]+\.[\w./-]+$", r"^panic: ", r"^✘ \[ERROR\]|^error during build"),
    "lint": _any(
        rf"^✖ {_NONZERO} problems? \({_NONZERO} errors?",  # eslint
        rf"^Found {_NONZERO} (?:errors?|warnings? and {_NONZERO} errors?)",  # ruff, biome, oxlint
        rf"^{_NONZERO} issues?(?::|\.|$)",  # golangci-lint
        r"^(?:src/|\./)?[\w./\\-]{1,200}\.\w{1,5}:\d+:\d+:? [A-Z]{1,4}\d{2,4}\b",  # ruff, flake8, pylint
        r"^Your code has been rated at (?!10\.00)",
        rf"^{_NONZERO} files? (?:inspected|would be reformatted|need)",
        rf"^\d+ files? inspected, {_NONZERO} offenses?",  # rubocop
    ),
    "types": _any(
        rf"^Found {_NONZERO} errors?\b",  # mypy, tsc
        rf"^{_NONZERO} errors?, ",  # pyright
        r"^\S.{0,200}: error: ",
    ),
    "format": _any(
        rf"^{_NONZERO} files? would be reformatted|^would reformat ",
        r"^\[warn\] Code style issues|^Diff in ",
    ),
    "security": _any(rf"\b{_NONZERO} (?:vulnerabilit(?:y|ies)|known vulnerabilit)", r"^Your code is affected by [1-9]"),
    "commit": _any(r"^(?:error|fatal): ", r"^.{0,80}(?:hook|Hook).{0,40}(?:failed|exited with code)"),
    "merge": _any(r"^(?:error|fatal): ", r"^CONFLICT |^Automatic merge failed"),
    "push": _any(r"^(?:error|fatal): ", r"^ ! \[(?:remote )?rejected\]"),
    "revert": _any(r"^(?:error|fatal): ", r"^CONFLICT "),
}
_PASSED: Mapping[str, re.Pattern[str]] = {
    "test": _any(
        r"^ok  ?\t?\s*\S+\s+(?:[\d.]+s|\(cached\))|^PASS$",
        r"^=+ .{0,120}\b\d+ passed\b|^\d+ passed\b.{0,80} in [\d.]+",
        r"^OK(?: \(|$)",
        r"^Tests?:\s.{0,40}\b\d+ passed|^\s*(?:Test Files|Tests)\s.{0,40}\b\d+ passed",
        r"^\s*\d+ passing\b",
        r"^test result: ok\b",
        rf"^\s*{_NONZERO} examples?, 0 failures",
        r"^BUILD SUCCESSFUL|\bBUILD SUCCESS\b",
        r"^Passed! +- Failed: +0",
        r"^100% tests passed",
        r"^# fail 0$",
        r"^\s*0 fail$",
        rf"^Executed {_NONZERO} tests?, with 0 failures",
        r"^ok \| \d+ passed",
        r"^DONE \d+ tests?(?:, \d+ skipped)? in ",
    ),
    "build": _any(
        r"^BUILD SUCCESSFUL|\bBUILD SUCCESS\b|^Build succeeded",
        r"^\s*Finished `?(?:dev|release|test|bench)\b|^\s*Compiled successfully|✓ built in |^Successfully built ",
    ),
    "lint": _any(
        r"^All checks passed!|^0 issues\.?$|^Found 0 (?:errors|warnings)|no offenses detected|rated at 10\.00"
    ),
    "types": _any(r"^Success: no issues found|^0 errors, |^Found 0 errors"),
    "format": _any(r"^\d+ files? (?:left unchanged|reformatted)|^All matched files use Prettier"),
    "security": _any(r"^found 0 vulnerabilities|^No (?:known )?vulnerabilities found|^No issues identified"),
    "commit": _any(r"^\[[^\s\]]+(?: \(root-commit\))? [0-9a-f]{7,40}\] "),
    "merge": _any(r"^Fast-forward$|^Merge made by |^Already up to date|[Mm]erged pull request"),
    "push": _any(r"^\s*[+*]?\s*(?:[0-9a-f]{7,40}\.\.\.?[0-9a-f]{7,40}|\[new (?:branch|tag)\]) .*->"),
    "revert": _any(r"^\[[^\s\]]+ [0-9a-f]{7,40}\] |^HEAD is now at "),
}


_TEST_WORDS = ("fail", "error", "panic", "not ok")
_COMPILER_WORDS = ("error", ".go:", ".kt", "err!", "elifecycle", "err_pnpm", "make", "fail", "sh: ")
"""Lower-case words, one of which stands in whatever ``_FAILED["test"]`` and ``_COMPILER`` match. Looking for them first
spares three outputs of four the patterns, which are tried at every character: it halves the time of ``failed``."""


def failed(kind: str, output: str, *, alone: bool) -> bool:
    """Whether a line of ``output`` says that a check of this kind failed.

    ``alone``: the output is that of one check, so that a compiler's or task runner's complaint can only be about it.
    """
    text = _looked_at(output)
    if (kind != "test" or _has_any(_TEST_WORDS, text)) and _FAILED[kind].search(text) is not None:
        return True
    judged = alone and kind not in _DELIVERIES and _has_any(_COMPILER_WORDS, text)
    return judged and _COMPILER.search(text) is not None


def passed(kind: str, output: str) -> bool:
    """Whether a line of ``output`` says that it passed; a red line elsewhere is for the caller to ask about first."""
    return _PASSED[kind].search(_looked_at(output)) is not None


def _has_any(words: tuple[str, ...], text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in words)


_DELIVERIES = frozenset({"merge", "push", "revert"})
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TASK_PREFIX = re.compile(r"^\[[a-z][\w:./-]{0,60}\] (?!ERROR )", re.MULTILINE)
"""``mise`` puts the task's name before each line."""


def _looked_at(output: str) -> str:
    if len(output) > OUTPUT_LIMIT:
        output = output[: OUTPUT_LIMIT // 2] + "\n" + output[-OUTPUT_LIMIT // 2 :]
    if "\x1b" in output:
        output = _ESCAPES.sub("", output)
    return _TASK_PREFIX.sub("", output) if "[" in output else output
