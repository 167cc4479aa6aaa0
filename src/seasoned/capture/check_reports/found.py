"""Finding reports near a file: from its folder up to the project's, under the names that tools give them.

Names are tried, not searched for: a few dozen ``stat`` calls, whatever the size of the project. What a file holds is
decided by its content (``parse``), not by its name.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from seasoned.capture.check_reports.parse import parse_report
from seasoned.capture.check_reports.report import CheckReport, ReportProblem, Subject, UnreadableReportError

__all__ = ["MOST_BYTES", "project_root", "reports_about"]

MOST_BYTES = 20 << 20
"""Of one report."""
_MOST_REPORTS = 40
_MOST_LEVELS = 12
_ROOTS = (".git", "pyproject.toml", "package.json", "go.mod", "Cargo.toml", "pom.xml", "build.gradle", "composer.json")
_FOLDERS = (
    ".",
    "coverage",
    "reports",
    "report",
    "test-results",
    "test-reports",
    "build/reports",
    "target/surefire-reports",
)
_NAMES = (
    "coverage.xml", "cobertura.xml", "cobertura-coverage.xml", "coverage.json", "coverage-summary.json",
    "coverage-final.json", "lcov.info", "coverage.info", "coverage.lcov", "coverage.out", "cover.out", "coverage.txt",
    "cover.profile", "c.out", "junit.xml", "results.xml", "report.xml", "pytest.xml", "ruff.json", "ruff-report.json",
    "eslint.json", "eslint-report.json", "eslint-results.json", "pyright.json", "basedpyright.json", "bandit.json",
    "bandit-report.json",
)  # fmt: skip
_MODULE = re.compile(r"(?m)^module\s+\"?([^\s\"]{1,300})")
_PATTERNS = ("*.sarif", "*.sarif.json", "junit-*.xml", "junit_*.xml", "TEST-*.xml")


def project_root(path: Path) -> Path:
    """The folder of the project that the file belongs to: the nearest that holds a repository, else the farthest that
    holds a build file, else the file's own."""
    named: Path | None = None
    for folder in list(path.parents)[:_MOST_LEVELS]:
        if (folder / ".git").exists():
            return folder
        if any((folder / name).exists() for name in _ROOTS):
            named = folder
    return named or path.parent


def reports_about(path: Path) -> tuple[list[CheckReport], list[ReportProblem]]:
    """What reports near ``path`` (absolute, a regular file) say of it, and those that could not be read."""
    root = project_root(path)
    subject = Subject(path=path, root=root, import_path=_import_path(path, root))
    changed = path.stat().st_mtime_ns
    reports: list[CheckReport] = []
    problems: list[ReportProblem] = []
    for number, (place, status) in enumerate(_candidates(subject)):
        if number >= _MOST_REPORTS:
            problems.append(
                ReportProblem(path=".", reason=f"more than {_MOST_REPORTS} reports; the others were left out")
            )
            break
        shown = place.relative_to(root).as_posix()
        try:
            if status.st_size > MOST_BYTES:
                raise UnreadableReportError(f"it has {status.st_size:,} bytes; {MOST_BYTES:,} are read at most")
            content = place.read_bytes()
            reports += parse_report(
                content, place=place, shown=shown, stale=status.st_mtime_ns < changed, subject=subject
            )
        except UnreadableReportError as error:
            problems.append(ReportProblem(path=shown, reason=str(error)))
        except OSError as error:
            problems.append(ReportProblem(path=shown, reason=error.strerror or str(error)))
    return reports, problems


def _import_path(path: Path, root: Path) -> str | None:
    """``module/folder/file.go``, by the module's own ``go.mod``; None for a file of no Go module."""
    for folder in path.parents if path.suffix == ".go" else ():
        try:
            with (folder / "go.mod").open(encoding="utf-8", errors="replace") as file:
                module = _MODULE.search(file.read(10_000))
        except OSError:
            module = None  # not here: the next one up
        if module is not None:
            return f"{module[1]}/{path.relative_to(folder).as_posix()}"
        if folder == root:
            break
    return None


def _candidates(subject: Subject) -> Iterator[tuple[Path, os.stat_result]]:
    seen: set[Path] = {subject.path}
    folder = subject.path.parent
    while True:
        for inner in _FOLDERS:
            place = folder / inner
            names = [place / name for name in _NAMES]
            if place.is_dir():
                names += [found for pattern in _PATTERNS for found in sorted(place.glob(pattern))]
            for name in names:
                try:
                    status = name.stat()
                except OSError:
                    continue  # not there: most are not
                if name not in seen and stat.S_ISREG(status.st_mode):
                    seen.add(name)
                    yield name, status
        if folder == subject.root:
            return
        folder = folder.parent
