"""What a report says of one file, and how a path in a report is recognised as that file."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from seasoned.errors import InputError

__all__ = ["CheckReport", "Finding", "ReportKind", "ReportProblem", "Subject", "UnreadableReportError"]

ReportKind = Literal["coverage", "tests", "lint", "types", "security"]


class UnreadableReportError(InputError):
    """A report that is none, or is written in a way that is refused; names what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found in the file."""

    line: int | None
    rule: str | None
    message: str
    """At most 300 characters."""
    is_error: bool
    """False: a warning or a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """One report, as far as it is about the file."""

    kind: ReportKind
    tool: str
    path: str
    """Where the report lies, below the project's folder."""
    stale: bool
    """The report is older than the file: it speaks of an earlier state and proves nothing."""
    about_file: bool
    """Whether it names the file. A tests report that names none of its tests by file speaks of the whole run."""
    coverage: float | None = None
    """Percent of lines covered, 0..100."""
    uncovered: tuple[int, ...] = ()
    """Lines, as far as the report names them."""
    passed: int | None = None
    failed: int | None = None
    """Tests that failed or broke; those skipped are in neither."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportProblem:
    """A report that could not be read."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The file that reports are asked about."""

    path: Path
    """Absolute."""
    root: Path
    """Absolute folder of the project, above or around ``path``."""
    import_path: str | None = None
    """How a Go tool calls it: the module's path and the file's below it."""
    relative: str = field(init=False)
    """``path`` below ``root``, with ``/``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "relative", self.path.relative_to(self.root).as_posix())

    def is_named(self, named: str, folder: Path, sources: tuple[str, ...] = ()) -> bool:
        """Whether a report in ``folder`` means this file by ``named``: its absolute path, a path below the report's
        folder, the project or one of ``sources``, or its import path."""
        text = named.removeprefix("file://").replace("\\", "/")
        while text.startswith("./"):
            text = text[2:]
        if not text:
            return False
        if PurePosixPath(text).is_absolute():
            return Path(text) == self.path
        if text in {self.relative, self.import_path}:
            return True
        return any(Path(base, text) == self.path for base in (folder, *sources))
