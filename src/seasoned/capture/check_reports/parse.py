"""Report formats, told apart by their content.

=============================  =========  =============================================================================
format                         says       defined at
=============================  =========  =============================================================================
Cobertura XML                  coverage   https://github.com/cobertura/web/blob/master/htdocs/xml/coverage-04.dtd
JUnit XML                      tests      https://github.com/testmoapp/junitxml
lcov tracefile                 coverage   geninfo(1), "Tracefile format"
coverage.py JSON               coverage   https://coverage.readthedocs.io/en/latest/commands/cmd_json.html
Istanbul JSON (both kinds)     coverage   https://istanbul.js.org/docs/advanced/alternative-reporters/
Go cover profile               coverage   ``cmd/cover``: ``name:line.column,line.column statements count``
SARIF 2.1.0                    lint, security  https://docs.oasis-open.org/sarif/sarif/v2.1.0/
ruff, ESLint, pyright, bandit  lint, types, security  their ``--output-format json``
=============================  =========  =============================================================================

ESLint, bandit and (where a run lists its artifacts) SARIF name the files they read; ruff and pyright name only files
with findings, so that a clean file cannot be told from one that was not looked at.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import msgspec

from seasoned.capture.check_reports.report import CheckReport, Finding, ReportKind, Subject, UnreadableReportError
from seasoned.capture.check_reports.xml import read_xml

__all__ = ["parse_report"]

_MOST_FINDINGS = 200
_GO_BLOCK = re.compile(r"(.+):(\d{1,7})\.\d{1,7},(\d{1,7})\.\d{1,7} (\d{1,7}) (\d{1,18})\Z")
_SECURITY = re.compile(
    r"codeql|semgrep|bandit|gosec|trivy|snyk|gitleaks|checkov|brakeman|grype|security", re.IGNORECASE
)
_TYPES = re.compile(r"pyright|mypy|tsc|typecheck|pyre|pytype", re.IGNORECASE)
Rows = list[dict[str, object]]


def parse_report(content: bytes, *, place: Path, shown: str, stale: bool, subject: Subject) -> list[CheckReport]:
    """What the report says of the subject; empty where it is no report that is known, or does not name the file.

    Raises UnreadableReportError for one that is broken.
    """
    about = _About(place=place, shown=shown, stale=stale, subject=subject)
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return _xml(content, about)
    if start.startswith((b"{", b"[")):
        try:
            return _json(msgspec.json.decode(content), about)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise UnreadableReportError(f"no JSON: {error}") from error
    text = content.decode("utf-8", "replace")
    if text.startswith("mode: "):
        return _go_profile(text, about)
    if re.match(r"(?:TN:|SF:)", text):
        return _lcov(text, about)
    return []


class _About:
    """The report being read, and the file it is asked about."""

    def __init__(self, *, place: Path, shown: str, stale: bool, subject: Subject) -> None:
        self._folder = place.parent
        self._shown = shown
        self._stale = stale
        self._subject = subject

    def named(self, path: object, sources: tuple[str, ...] = ()) -> bool:
        return isinstance(path, str) and self._subject.is_named(path, self._folder, sources)

    def report(
        self,
        kind: ReportKind,
        tool: str,
        *,
        about_file: bool = True,
        coverage: float | None = None,
        uncovered: list[int] | None = None,
        passed: int | None = None,
        failed: int | None = None,
        findings: list[Finding] | None = None,
    ) -> CheckReport:
        return CheckReport(
            kind=kind,
            tool=tool[:80],
            path=self._shown,
            stale=self._stale,
            about_file=about_file,
            coverage=None if coverage is None else round(min(100.0, max(0.0, coverage)), 2),
            uncovered=tuple(sorted(set(uncovered or ()))[:_MOST_FINDINGS]),
            passed=passed,
            failed=failed,
            findings=tuple((findings or [])[:_MOST_FINDINGS]),
        )

    def covered(self, tool: str, hits: Mapping[int, int]) -> list[CheckReport]:
        """From hits by line."""
        if not hits:
            return []
        share = 100 * sum(count > 0 for count in hits.values()) / len(hits)
        return [self.report("coverage", tool, coverage=share, uncovered=[line for line, n in hits.items() if n <= 0])]


def _xml(content: bytes, about: _About) -> list[CheckReport]:
    read = read_xml(content, about.named)
    if read is None:
        return []
    if read.sort == "coverage":
        return about.covered("cobertura", read.hits)
    if read.of_file is not None:
        return [about.report("tests", "junit", passed=read.of_file[0], failed=read.of_file[1])]
    if sum(read.of_run) == 0:
        return []
    return [about.report("tests", "junit", about_file=False, passed=read.of_run[0], failed=read.of_run[1])]


def _go_profile(text: str, about: _About) -> list[CheckReport]:
    statements = covered = 0
    open_lines: list[int] = []
    for line in text.splitlines()[1:]:
        block = _GO_BLOCK.match(line)
        if block is None or not about.named(block[1]):
            continue
        number = int(block[4])
        statements += number
        if int(block[5]) > 0:
            covered += number
        else:
            open_lines += range(int(block[2]), min(int(block[3]), int(block[2]) + _MOST_FINDINGS) + 1)
    if statements == 0:
        return []
    return [about.report("coverage", "go cover", coverage=100 * covered / statements, uncovered=open_lines)]


def _lcov(text: str, about: _About) -> list[CheckReport]:
    hits: dict[int, int] = {}
    ours = False
    for line in text.splitlines():
        if line.startswith("SF:"):
            ours = about.named(line[3:].strip())
        elif ours and (found := re.match(r"DA:(\d{1,7}),(-?\d{1,18})", line)):
            hits[int(found[1])] = hits.get(int(found[1]), 0) + int(found[2])
    return about.covered("lcov", hits)


# -- JSON -----------------------------------------------------------------------------------------------------------
def _json(document: object, about: _About) -> list[CheckReport]:
    if isinstance(document, list):
        rows = _rows(cast("list[object]", document))
        if not rows:
            return []
        if "filePath" in rows[0]:
            return _eslint(rows, about)
        return _ruff(rows, about) if {"filename", "code"} <= rows[0].keys() else []
    read = _document(document)
    readers: list[tuple[bool, Callable[[], list[CheckReport]]]] = [
        ("runs" in read and ("$schema" in read or "version" in read), lambda: _sarif(read, about)),
        ("generalDiagnostics" in read, lambda: _pyright(read, about)),
        ("results" in read and "metrics" in read, lambda: _bandit(read, about)),
        ("files" in read and "totals" in read, lambda: _coverage_py(read, about)),
    ]
    for recognised, reader in readers:
        if recognised:
            return reader()
    return _istanbul(read, about)


def _document(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _rows(value: object) -> Rows:
    if not isinstance(value, list):
        return []
    return [cast("dict[str, object]", item) for item in cast("list[object]", value) if isinstance(item, dict)]


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _finding(line: object, rule: object, message: object, *, is_error: bool) -> Finding:
    number = _number(line)
    return Finding(
        line=number if number is not None and number >= 1 else None,
        rule=str(rule)[:100] if rule else None,
        message=" ".join(str(message or "").split())[:300],
        is_error=is_error,
    )


def _eslint(rows: Rows, about: _About) -> list[CheckReport]:
    for row in rows:
        if about.named(row.get("filePath")):
            findings = [
                _finding(each.get("line"), each.get("ruleId"), each.get("message"), is_error=each.get("severity") == 2)
                for each in _rows(row.get("messages"))
            ]
            return [about.report("lint", "eslint", findings=findings)]
    return []


def _ruff(rows: Rows, about: _About) -> list[CheckReport]:
    findings = [
        _finding(_document(row.get("location")).get("row"), row.get("code"), row.get("message"), is_error=True)
        for row in rows
        if about.named(row.get("filename"))
    ]
    return [about.report("lint", "ruff", findings=findings)] if findings else []


def _pyright(read: Mapping[str, object], about: _About) -> list[CheckReport]:
    findings = [
        _finding(
            (_number(_document(_document(row.get("range")).get("start")).get("line")) or 0) + 1,
            row.get("rule"),
            row.get("message"),
            is_error=row.get("severity") == "error",
        )
        for row in _rows(read.get("generalDiagnostics"))
        if about.named(row.get("file"))
    ]
    return [about.report("types", "pyright", findings=findings)] if findings else []


def _bandit(read: Mapping[str, object], about: _About) -> list[CheckReport]:
    findings = [
        _finding(
            row.get("line_number"),
            row.get("test_id"),
            row.get("issue_text"),
            is_error=row.get("issue_severity") != "LOW",
        )
        for row in _rows(read.get("results"))
        if about.named(row.get("filename"))
    ]
    looked_at = any(about.named(name) for name in _document(read.get("metrics")))
    return [about.report("security", "bandit", findings=findings)] if findings or looked_at else []


def _sarif(read: Mapping[str, object], about: _About) -> list[CheckReport]:
    found: list[CheckReport] = []
    for run in _rows(read.get("runs")):
        tool = str(_document(_document(run.get("tool")).get("driver")).get("name") or "sarif")
        findings: list[Finding] = []
        for result in _rows(run.get("results")):
            if _rows(result.get("suppressions")):
                continue
            for location in _rows(result.get("locations")):
                physical = _document(location.get("physicalLocation"))
                if about.named(_document(physical.get("artifactLocation")).get("uri")):
                    text = _document(result.get("message")).get("text")
                    line = _document(physical.get("region")).get("startLine")
                    # The level of a result that says none is "warning": SARIF 2.1.0, 3.27.10.
                    findings.append(_finding(line, result.get("ruleId"), text, is_error=result.get("level") == "error"))
        listed = any(
            about.named(_document(artifact.get("location")).get("uri")) for artifact in _rows(run.get("artifacts"))
        )
        if findings or listed:
            kind: ReportKind = "security" if _SECURITY.search(tool) else "types" if _TYPES.search(tool) else "lint"
            found.append(about.report(kind, tool, findings=findings))
    return found


def _coverage_py(read: Mapping[str, object], about: _About) -> list[CheckReport]:
    for name, file in _document(read.get("files")).items():
        if about.named(name):
            entry = _document(file)
            share = _document(entry.get("summary")).get("percent_covered")
            lines = cast(
                "list[object]", entry.get("missing_lines") if isinstance(entry.get("missing_lines"), list) else []
            )
            if isinstance(share, int | float):
                missing = [line for line in lines if isinstance(line, int)]
                return [about.report("coverage", "coverage.py", coverage=float(share), uncovered=missing)]
    return []


def _istanbul(read: Mapping[str, object], about: _About) -> list[CheckReport]:
    for name, file in read.items():
        if not about.named(name):
            continue
        entry = _document(file)
        share = _document(entry.get("lines")).get("pct")
        if isinstance(share, int | float):
            return [about.report("coverage", "istanbul", coverage=float(share))]
        counts = _document(entry.get("s"))
        places = _document(entry.get("statementMap"))
        hits: dict[int, int] = {}
        for key, count in counts.items():
            line = _number(_document(_document(places.get(key)).get("start")).get("line"))
            if line is not None:
                hits[line] = max(hits.get(line, 0), _number(count) or 0)
        return about.covered("istanbul", hits)
    return []
