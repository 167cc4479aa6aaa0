"""A changed file, measured: read it, read the reports beside it, and say what is known of its quality.

Invariant: what can be seen is measured and not taken from the caller; the answer names which figures are which. Nothing
is run and nothing written: a file is read whole up to ``MOST_BYTES``, reports are looked for by name near it.
"""

import hashlib
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from seasoned.capture.check_reports import CheckReport, ReportProblem, project_root, reports_about
from seasoned.capture.excerpt import cut
from seasoned.capture.stack import language_of
from seasoned.errors import UnreadableFileError, UsageError
from seasoned.learn.quality import Assessment, CodeFigures, OnexReading, Stated, assess, measure, read_onex
from seasoned.model import Artifact, ArtifactType, Document, OnexNodeType, Trace
from seasoned.model.ids import name_id

__all__ = ["FileSeen", "Measured", "StatedFile", "look_at", "measured_artifact"]

MOST_BYTES = 20 << 20
_PREVIEW = 500
_LONGEST_PATH = 500
_CONTRACT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedFile:
    """What the caller says of the file besides its quality; None where it says nothing."""

    artifact_type: ArtifactType
    language: str | None = None
    lines_added: int | None = None
    lines_modified: int | None = None
    lines_deleted: int | None = None
    complexity_metrics: Document | None = None
    onex_compliance: float | None = None
    onex_node_type: OnexNodeType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSeen:
    """What was seen of the file."""

    content_hash: str
    preview: str
    figures: CodeFigures | None
    """None for what is no text."""
    onex: OnexReading | None
    reports: tuple[CheckReport, ...]
    problems: tuple[ReportProblem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The artifact as it is to be recorded, and how it came to its figures."""

    artifact: Artifact
    assessment: Assessment
    seen: FileSeen | None
    basis: Document
    """By field: ``measured`` or ``stated``."""


def look_at(file_path: str, folders: Sequence[Path]) -> FileSeen | None:
    """What can be seen of the file: at its absolute path, or below the first of ``folders`` that has it. None where it
    is nowhere. Raises UnreadableFileError for one that is there and cannot be read, UsageError for what is no path."""
    if not file_path.strip():
        raise UsageError("--file-path is empty.")
    if len(file_path) > _LONGEST_PATH:
        raise UsageError(f"--file-path has {len(file_path):,} characters; {_LONGEST_PATH} are kept at most.")
    if "\0" in file_path:
        raise UsageError("--file-path holds a NUL character.")
    named = Path(file_path)
    with suppress(RuntimeError):  # "~name" of nobody is a name like any other
        named = named.expanduser()
    for place in [named] if named.is_absolute() else [folder / named for folder in folders]:
        try:
            status = place.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue  # not there
        except OSError as error:  # no rights, a link to itself: something is there
            raise UnreadableFileError(f"{file_path}: {error.strerror or error}.") from error
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFileError(f"{file_path} is no regular file.")
        if status.st_size > MOST_BYTES:
            raise UnreadableFileError(f"{file_path} has {status.st_size:,} bytes; {MOST_BYTES:,} are measured at most.")
        try:
            with place.open("rb") as file:  # what the system makes up as it is read states no size
                content = file.read(MOST_BYTES + 1)
            if len(content) > MOST_BYTES:
                raise UnreadableFileError(f"{file_path} goes on after {MOST_BYTES:,} bytes; no more are measured.")
            return _seen(place.resolve(), content)
        except OSError as error:
            raise UnreadableFileError(f"{file_path}: {error.strerror or error}.") from error
    return None


def _seen(place: Path, content: bytes) -> FileSeen:
    text = content.decode("utf-8", "replace")
    readable = b"\0" not in content[:8192]
    reports, problems = reports_about(place)
    shown = place.relative_to(project_root(place)).as_posix()
    return FileSeen(
        content_hash=hashlib.sha256(content).hexdigest(),
        preview=cut(text, _PREVIEW) if readable else "",
        figures=measure(text, place.name) if readable else None,
        onex=read_onex(text, shown, _contract(place)) if readable else None,
        reports=tuple(reports),
        problems=tuple(problems),
    )


def _contract(place: Path) -> str | None:
    try:
        with (place.parent / "contract.yaml").open("rb") as file:
            return file.read(_CONTRACT_BYTES).decode("utf-8", "replace")
    except OSError:
        return None  # most files have none


def measured_artifact(
    trace: Trace,
    known: Sequence[Artifact],
    file_path: str,
    seen: FileSeen | None,
    *,
    stated: Stated,
    about: StatedFile,
    now: datetime,
) -> Measured:
    """The artifact of ``trace`` for this file with what was seen and stated. ``known`` are those that the trace has
    already: the same file keeps its id."""
    path = _below(file_path, trace.cwd)
    old = next((each for each in known if each.file_path == path), None)
    onex = seen.onex if seen is not None else None
    assessment = assess(
        seen.figures if seen is not None else None,
        seen.reports if seen is not None else (),
        stated,
        onex,
        seen=seen is not None,
    )
    figures = assessment.figures
    basis: Document = dict(figures.basis)
    if assessment.score_basis is not None:
        basis["quality_score"] = assessment.score_basis
    if onex is not None or about.onex_compliance is not None:
        basis["onex_compliance_score"] = "measured" if onex is not None else "stated"
    counted = seen is not None and seen.figures is not None and seen.figures.functions is not None
    metrics = seen.figures.to_document() if seen is not None and seen.figures is not None else None
    if about.complexity_metrics and not counted:
        metrics = {**(metrics or {}), **about.complexity_metrics}
    if metrics:
        basis["complexity_metrics"] = "measured" if counted or not about.complexity_metrics else "stated"
    artifact = Artifact(
        artifact_id=old.artifact_id if old is not None else name_id(trace.execution_id, "artifact", path),
        execution_id=trace.execution_id,
        file_path=cut(path, _LONGEST_PATH),
        artifact_type=about.artifact_type,
        language=about.language or language_of(path),
        content_hash=seen.content_hash if seen is not None else None,
        content_preview=(seen.preview or None) if seen is not None else None,
        lines_added=about.lines_added,
        lines_modified=about.lines_modified,
        lines_deleted=about.lines_deleted,
        quality_score=assessment.score,
        onex_compliance_score=onex.compliance if onex is not None else about.onex_compliance,
        onex_node_type=(onex.node_type if onex is not None else None) or about.onex_node_type,
        pattern_compliance={"onex": onex.rules} if onex is not None else None,
        complexity_metrics=metrics,
        test_coverage=figures.test_coverage,
        tests_passed=figures.tests_passed,
        tests_failed=figures.tests_failed,
        lint_passed=figures.lint_passed,
        type_check_passed=figures.type_check_passed,
        security_scan_passed=figures.security_scan_passed,
    )
    quality: Document = {
        "measured_at": now.isoformat(),
        "basis": basis,
        "parts": dict(assessment.parts),
        "known_weight": assessment.known_weight,
        "reports": sorted(set(figures.sources.values())),
    }
    before = old.metadata if old is not None and old.metadata else {}
    return Measured(
        artifact=replace(artifact, metadata={**before, "quality": quality}),
        assessment=assessment,
        seen=seen,
        basis=basis,
    )


def _below(file_path: str, folder: str | None) -> str:
    """As importers write it: relative to the working directory where it lies inside it."""
    path = Path(file_path)
    if folder and path.is_absolute() and path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return file_path.removeprefix("./")
