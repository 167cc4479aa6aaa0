"""The assessment of one file: figures, what is wrong with it, and what to do.

Every issue names its place, its figure, the limit and where the limit comes from; a recommendation is a sentence about
this file and no other. A file in which nothing is wrong gets none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from seasoned.capture.check_reports import CheckReport, Finding
from seasoned.learn.patterns.suspicion import suspicions
from seasoned.learn.patterns.wording import plain
from seasoned.learn.quality.complexity import CodeFigures
from seasoned.learn.quality.onex import OnexReading
from seasoned.learn.quality.score import (
    LONG_FUNCTION,
    MCCABE,
    WEIGHTS,
    Basis,
    Known,
    PartName,
    Stated,
    known_figures,
    quality_of,
)

__all__ = ["Assessment", "QualityIssue", "assess"]

_COVERAGE_FLOOR = 80.0
"""Percent. Above it coverage says little of tests (Inozemtseva and Holmes 2014,
https://doi.org/10.1145/2568225.2568271); below it whole branches run untested."""
_MOST_ISSUES = 20
_MOST_RECOMMENDED = 5
_LONGEST = 500
_ADDRESSES = "(a text that addresses its reader; not repeated)"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityIssue:
    """One thing that is wrong."""

    kind: str
    """``complexity``, ``function_size``, ``tests``, ``coverage``, ``lint``, ``types``, ``security``, ``onex``."""
    message: str
    line: int | None = None
    function: str | None = None
    figure: float | None = None
    threshold: float | None = None
    source: str | None = None
    """Where the threshold, or the finding, comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What is known of the quality of one file."""

    score: float | None
    """0..1; None where nothing is known."""
    score_basis: Basis | None
    """``mixed`` where some parts were measured and others are the caller's word."""
    parts: dict[PartName, float]
    known_weight: float
    """Share of the whole weight that the known parts have, 0..1."""
    figures: Known
    issues: tuple[QualityIssue, ...]
    recommendations: tuple[str, ...]
    notes: tuple[str, ...]
    """What kept a figure from being measured."""


def assess(
    code: CodeFigures | None,
    reports: Sequence[CheckReport],
    stated: Stated,
    onex: OnexReading | None = None,
    *,
    seen: bool = True,
) -> Assessment:
    """The assessment; ``code`` is None where the file is no text or was not ``seen``. Deterministic."""
    figures = known_figures(reports, stated)
    score, parts = quality_of(code, reports, figures)
    bases: set[Basis] = {*figures.basis.values()}
    if "complexity" in parts:
        bases.add("measured")
    basis: Basis | None = None
    if score is not None:
        basis = bases.pop() if len(bases) == 1 else "mixed"
    elif stated.quality_score is not None:
        score, basis = stated.quality_score, "stated"
    issues = [_harmless(issue) for issue in _issues(code, reports, figures, onex)]
    return Assessment(
        score=score,
        score_basis=basis,
        parts=parts,
        known_weight=round(sum(WEIGHTS[name] for name in parts), 4),
        figures=figures,
        issues=tuple(issues[:_MOST_ISSUES]),
        recommendations=tuple(_recommendations(issues)),
        notes=tuple(_notes(code, reports, stated, basis, len(issues), seen=seen)),
    )


def _issues(
    code: CodeFigures | None, reports: Sequence[CheckReport], figures: Known, onex: OnexReading | None
) -> Iterator[QualityIssue]:
    if figures.tests_failed:
        yield QualityIssue(
            kind="tests",
            message="1 test fails." if figures.tests_failed == 1 else f"{figures.tests_failed} tests fail.",
            figure=figures.tests_failed,
            threshold=0,
            source=figures.sources.get("tests_failed", "stated"),
        )
    told: set[tuple[str, Finding]] = set()
    for report in reports:
        if report.stale or report.kind not in {"lint", "types", "security"}:
            continue
        for finding in sorted(report.findings, key=lambda each: (not each.is_error, each.line or 0, each.rule or "")):
            if (report.kind, finding) in told:
                continue
            told.add((report.kind, finding))
            yield QualityIssue(
                kind=report.kind,
                message=": ".join(part for part in (finding.rule, finding.message) if part) or "no message",
                line=finding.line,
                source=f"{report.tool}, {report.path}",
            )
    for function in sorted((code.functions if code else None) or (), key=lambda each: (-each.complexity, each.line)):
        if function.complexity > MCCABE:
            yield QualityIssue(
                kind="complexity",
                message=f"{function.name} has a cyclomatic complexity of {function.complexity}, above {MCCABE}.",
                line=function.line,
                function=function.name,
                figure=function.complexity,
                threshold=MCCABE,
                source="McCabe 1976",
            )
    for function in sorted((code.functions if code else None) or (), key=lambda each: (-each.lines, each.line)):
        if function.lines > LONG_FUNCTION:
            yield QualityIssue(
                kind="function_size",
                message=f"{function.name} has {function.lines} lines of code, more than {LONG_FUNCTION}.",
                line=function.line,
                function=function.name,
                figure=function.lines,
                threshold=LONG_FUNCTION,
                source="Holzmann 2006, rule 4",
            )
    if figures.test_coverage is not None and figures.test_coverage < _COVERAGE_FLOOR:
        yield QualityIssue(
            kind="coverage",
            message=f"Tests reach {figures.test_coverage:g} % of its lines, below {_COVERAGE_FLOOR:g} %.{_open(reports)}",
            figure=figures.test_coverage,
            threshold=_COVERAGE_FLOOR,
            source=figures.sources.get("test_coverage", "stated"),
        )
    for sentence in onex.broken if onex else ():
        yield QualityIssue(kind="onex", message=sentence, source="ONEX four-node architecture")


def _harmless(issue: QualityIssue) -> QualityIssue:
    """Reports and names are foreign text that an agent will read as advice: one line, and not repeated where it
    addresses its reader."""
    parts = {"message": issue.message, "function": issue.function, "source": issue.source}
    return replace(
        issue,
        **{
            name: _ADDRESSES if suspicions(text) else plain(text, _LONGEST)
            for name, text in parts.items()
            if text is not None
        },
    )


def _open(reports: Sequence[CheckReport]) -> str:
    for report in reports:
        if report.kind == "coverage" and not report.stale and report.uncovered:
            return f" Not reached: lines {_ranges(report.uncovered)}."
    return ""


def _ranges(lines: Sequence[int]) -> str:
    """``1-3, 7``, at most eight of them."""
    found: list[list[int]] = []
    for line in lines:
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    shown = [f"{low}-{high}" if high > low else str(low) for low, high in found[:8]]
    return ", ".join(shown) + (", …" if len(found) > 8 else "")


def _recommendations(issues: Sequence[QualityIssue]) -> Iterator[str]:
    by_kind: dict[str, list[QualityIssue]] = {}
    for issue in issues:
        by_kind.setdefault(issue.kind, []).append(issue)
    for number, (kind, found) in enumerate(by_kind.items()):
        if number >= _MOST_RECOMMENDED:
            return
        first = found[0]
        at = f"line {first.line}" if first.line is not None else ""
        more = f" ({len(found) - 1} more like it)" if len(found) > 1 else ""
        match kind:
            case "tests":
                yield f"Make the failing tests pass before anything else: {first.message}"
            case "complexity":
                yield (
                    f"Split {first.function} ({at}): {first.figure:g} paths, {first.figure - MCCABE:g} above the limit"
                    f"{more}."
                    if first.figure is not None
                    else first.message
                )
            case "function_size":
                yield f"Take parts out of {first.function} ({at}): {first.message}{more}"
            case "coverage":
                yield f"Write tests for what none reaches. {first.message}"
            case _:
                place = f"{at}: " if at else ""
                yield f"Mend what {first.source} says: {place}{first.message}{more}"


def _notes(
    code: CodeFigures | None,
    reports: Sequence[CheckReport],
    stated: Stated,
    basis: Basis | None,
    issues: int,
    *,
    seen: bool,
) -> Iterator[str]:
    if stated.quality_score is not None and basis in {"measured", "mixed"}:
        yield f"The stated quality score {stated.quality_score:g} was not used: the file could be measured."
    if not seen:
        yield "The file was not seen; its figures are those stated."
    elif code is None:
        yield "The file is no text: nothing in it was counted."
    elif code.functions is None:
        yield "The language is not one whose functions can be counted."
    for report in reports:
        if report.stale:
            yield f"{report.path} ({report.tool}, {report.kind}) is older than the file and was not counted."
        elif not report.about_file:
            yield f"{report.path} names none of its tests by this file; the figures are those of the whole run."
    if issues > _MOST_ISSUES:
        yield f"{issues - _MOST_ISSUES} more issues are left out."
