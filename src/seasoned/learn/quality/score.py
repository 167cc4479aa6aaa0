"""One figure for the quality of a file, and what it is made of.

The score is the weighted mean of the parts that are known, each 0..1:

==============  ======  ==============================================================================================
part            weight  value
==============  ======  ==============================================================================================
complexity        0.25  share of the functions' code lines in functions of complexity ≤ 10 (McCabe 1976,
                        https://doi.org/10.1109/TSE.1976.233837)
function_size     0.10  share of them in functions of ≤ 60 code lines (Holzmann 2006, rule 4,
                        https://doi.org/10.1109/MC.2006.212)
tests             0.25  passed / (passed + failed)
coverage          0.15  covered lines / lines
lint              0.10  1 - (5 · errors + warnings) / code lines, at least 0: pylint's rating, scaled to 0..1
                        (https://pylint.readthedocs.io/en/stable/user_guide/configuration/all-options.html#evaluation)
types             0.10  1 where the check passed, else 0
security          0.05  1 where the check passed, else 0
==============  ======  ==============================================================================================

The weights are stated, not fitted: whether tests pass and whether a reader can follow come first. Invariant: a part
that is neither measured nor stated takes no weight, and nothing known at all is None; what was measured stands before
what was stated, and the assessment says of each part which it was and how much weight the whole rests on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from seasoned.capture.check_reports import CheckReport
from seasoned.learn.quality.complexity import CodeFigures

__all__ = ["LONG_FUNCTION", "MCCABE", "WEIGHTS", "Basis", "Known", "PartName", "Stated", "known_figures", "quality_of"]

MCCABE = 10
LONG_FUNCTION = 60
PartName = Literal["complexity", "function_size", "tests", "coverage", "lint", "types", "security"]
Basis = Literal["measured", "stated", "mixed"]
WEIGHTS: dict[PartName, float] = {
    "complexity": 0.25,
    "function_size": 0.10,
    "tests": 0.25,
    "coverage": 0.15,
    "lint": 0.10,
    "types": 0.10,
    "security": 0.05,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the caller says; None where it says nothing."""

    quality_score: float | None = None
    """0..1; counts only where no part is known."""
    test_coverage: float | None = None
    """Percent, 0..100."""
    tests_passed: int | None = None
    tests_failed: int | None = None
    lint_passed: bool | None = None
    type_check_passed: bool | None = None
    security_scan_passed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The figures of a file, measured before stated."""

    test_coverage: float | None
    tests_passed: int | None
    tests_failed: int | None
    lint_passed: bool | None
    type_check_passed: bool | None
    security_scan_passed: bool | None
    basis: dict[str, Basis]
    """By field; fields that are not known are absent."""
    sources: dict[str, str]
    """By measured field: the report that says so."""


def known_figures(reports: Sequence[CheckReport], stated: Stated) -> Known:
    """What is known of a file. Stale reports say nothing. Of several coverage or test reports the first, nearest to the
    file, counts; a check has passed when no report of its kind has an error or, for lint, any finding."""
    fresh = [report for report in reports if not report.stale]
    basis: dict[str, Basis] = {}
    sources: dict[str, str] = {}

    def measured(name: str, report: CheckReport) -> None:
        basis[name] = "measured"
        sources[name] = report.path

    coverage, passed, failed = stated.test_coverage, stated.tests_passed, stated.tests_failed
    for report in fresh:
        if report.kind == "coverage" and report.coverage is not None:
            coverage = report.coverage
            measured("test_coverage", report)
            break
    tests = [report for report in fresh if report.kind == "tests" and report.passed is not None]
    # Its own tests say more of it than the whole run does.
    for report in sorted(tests, key=lambda each: not each.about_file)[:1]:
        passed, failed = report.passed, report.failed
        measured("tests_passed", report)
        measured("tests_failed", report)
    verdicts = {
        "lint_passed": stated.lint_passed,
        "type_check_passed": stated.type_check_passed,
        "security_scan_passed": stated.security_scan_passed,
    }
    for name, kind in (("lint_passed", "lint"), ("type_check_passed", "types"), ("security_scan_passed", "security")):
        own = [report for report in fresh if report.kind == kind]
        if own:
            verdicts[name] = not any(
                finding.is_error or kind == "lint" for report in own for finding in report.findings
            )
            measured(name, own[0])
    for name, value in (
        ("test_coverage", coverage),
        ("tests_passed", passed),
        ("tests_failed", failed),
        *verdicts.items(),
    ):
        if value is not None:
            basis.setdefault(name, "stated")
    return Known(
        test_coverage=coverage,
        tests_passed=passed,
        tests_failed=failed,
        lint_passed=verdicts["lint_passed"],
        type_check_passed=verdicts["type_check_passed"],
        security_scan_passed=verdicts["security_scan_passed"],
        basis=basis,
        sources=sources,
    )


def quality_of(
    code: CodeFigures | None, reports: Sequence[CheckReport], known: Known
) -> tuple[float | None, dict[PartName, float]]:
    """The score, 0..1, and the value of each part that is known; None when none is."""
    parts: dict[PartName, float] = {}
    functions = (code.functions if code is not None else None) or ()
    total = sum(each.lines for each in functions)
    if total:
        parts["complexity"] = sum(each.lines for each in functions if each.complexity <= MCCABE) / total
        parts["function_size"] = sum(each.lines for each in functions if each.lines <= LONG_FUNCTION) / total
    ran = (known.tests_passed or 0) + (known.tests_failed or 0)
    if ran and known.tests_passed is not None:
        parts["tests"] = known.tests_passed / ran
    if known.test_coverage is not None:
        parts["coverage"] = known.test_coverage / 100
    if known.lint_passed is not None:
        parts["lint"] = _lint(code, reports, known)
    if known.type_check_passed is not None:
        parts["types"] = float(known.type_check_passed)
    if known.security_scan_passed is not None:
        parts["security"] = float(known.security_scan_passed)
    weight = sum(WEIGHTS[name] for name in parts)
    if not weight:
        return None, {}
    score = sum(WEIGHTS[name] * value for name, value in parts.items()) / weight
    return round(score, 4), {name: round(value, 4) for name, value in parts.items()}


def _lint(code: CodeFigures | None, reports: Sequence[CheckReport], known: Known) -> float:
    # The same tool may have left its report in two formats.
    findings = {each for report in reports if report.kind == "lint" and not report.stale for each in report.findings}
    lines = code.code_lines if code is not None else None
    if known.basis.get("lint_passed") != "measured" or not findings or not lines:
        return float(bool(known.lint_passed))
    return max(0.0, 1 - sum(5 if each.is_error else 1 for each in findings) / lines)
