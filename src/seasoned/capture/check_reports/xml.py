"""Coverage and test reports in XML, read as a stream.

The reader is expat itself (https://docs.python.org/3/library/pyexpat.html) with a handler that refuses every entity
declaration: neither a "billion laughs" nor an external entity gets as far as being expanded, and no tree is built.
``defusedxml`` does the same around ElementTree; its last release is of 2021, and these few lines need no tree.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from xml.parsers import expat  # entity declarations are refused below

from seasoned.capture.check_reports.report import UnreadableReportError

__all__ = ["XmlReport", "read_xml"]

_DEPTH = 100


@dataclass(slots=True, kw_only=True)
class XmlReport:
    """What was read."""

    sort: Literal["coverage", "tests"]
    hits: dict[int, int] = field(default_factory=dict[int, int])
    """Coverage: by line of the file."""
    of_file: tuple[int, int] | None = None
    """Tests: passed and failed of those that name the file; None where none does."""
    of_run: tuple[int, int] = (0, 0)


class _Reader:
    def __init__(self, named: Callable[[object, tuple[str, ...]], bool]) -> None:
        self._named = named
        self.report: XmlReport | None = None
        self._path: list[str] = []
        self._text = ""
        self._sources: list[str] = []
        self._is_ours = False
        self._suite_files: list[str] = []
        self._case: dict[str, str] | None = None
        self._went: Literal["passed", "failed", "skipped"] = "passed"

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rsplit(":", 1)[-1]
        self._path.append(name)
        self._text = ""
        if len(self._path) > _DEPTH:
            raise UnreadableReportError(f"its elements are nested more than {_DEPTH} deep")
        if len(self._path) == 1:
            if name == "coverage":
                self.report = XmlReport(sort="coverage")
            elif name in {"testsuites", "testsuite"}:
                self.report = XmlReport(sort="tests")
        if self.report is None:
            return
        if self.report.sort == "coverage":
            self._coverage(name, attributes)
        else:
            self._tests(name, attributes)

    def _coverage(self, name: str, attributes: dict[str, str]) -> None:
        assert self.report is not None
        if name == "class":
            self._is_ours = self._named(attributes.get("filename"), tuple(self._sources))
        # Lines stand below the class and, as a rule again, below its methods.
        elif name == "line" and self._is_ours:
            line, hits = attributes.get("number", ""), attributes.get("hits", "")
            if line.isdecimal() and hits.isdecimal() and len(line) < 8 and len(hits) < 19:
                known = self.report.hits.get(int(line), 0)
                self.report.hits[int(line)] = max(known, int(hits))

    def _tests(self, name: str, attributes: dict[str, str]) -> None:
        if name == "testsuite":
            self._suite_files.append(attributes.get("file") or attributes.get("filepath") or "")
        elif name == "testcase":
            self._case, self._went = attributes, "passed"
        elif self._case is not None and name in {"failure", "error"}:
            self._went = "failed"
        elif self._case is not None and name == "skipped" and self._went != "failed":
            self._went = "skipped"

    def text(self, data: str) -> None:
        if self._path[-1:] == ["source"] and len(self._text) < 4_096:
            self._text += data

    def end(self, _tag: str) -> None:
        name = self._path.pop()
        if self.report is None:
            return
        if name == "source" and self.report.sort == "coverage" and len(self._sources) < 100:
            self._sources.append(self._text.strip())
        elif name == "class":
            self._is_ours = False
        elif name == "testsuite" and self._suite_files:
            self._suite_files.pop()
        elif name == "testcase" and self._case is not None:
            self._count(self._case)
            self._case = None

    def _count(self, case: dict[str, str]) -> None:
        assert self.report is not None
        won, lost = self._went == "passed", self._went == "failed"
        self.report.of_run = (self.report.of_run[0] + won, self.report.of_run[1] + lost)
        file = case.get("file") or next((each for each in reversed(self._suite_files) if each), "")
        # pytest names the module: tests.unit.test_x, or tests.unit.test_x.TestClass.
        dotted = case.get("classname", "").replace(".", "/")
        candidates = [file] if file else [f"{dotted}.py", f"{dotted.rpartition('/')[0]}.py"] if dotted else []
        if any(self._named(each, ()) for each in candidates):
            known = self.report.of_file or (0, 0)
            self.report.of_file = (known[0] + won, known[1] + lost)


def read_xml(content: bytes, named: Callable[[object, tuple[str, ...]], bool]) -> XmlReport | None:
    """A coverage or test report as far as it is about the file that ``named`` recognises (a path, and the source
    folders that a coverage report gives). None for other XML. Raises UnreadableReportError for what is no XML or
    declares entities."""
    reader = _Reader(named)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise UnreadableReportError(f"no XML: {error}") from error
    return reader.report


def _refuse(*_: object) -> None:
    raise UnreadableReportError("it declares entities, which could expand without end")
