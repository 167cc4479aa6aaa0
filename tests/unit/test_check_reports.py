"""Reports of checks: each format says of a file what it says, and of others nothing."""

import json
import os
from pathlib import Path

import pytest

from seasoned.capture.check_reports import CheckReport, project_root, reports_about

SOURCE = "def f(x):\n    return x\n\n\ndef g(x):\n    return -x\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "src" / "app").mkdir(parents=True)
    source(tmp_path).write_text(SOURCE)
    os.utime(source(tmp_path), (1_000_000, 1_000_000))
    return tmp_path


def source(project: Path) -> Path:
    return project / "src" / "app" / "a.py"


def put(project: Path, name: str, content: object) -> None:
    place = project / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content if isinstance(content, str) else json.dumps(content))


def only(project: Path) -> CheckReport:
    found, problems = reports_about(source(project))
    assert problems == []
    (report,) = found
    return report


COBERTURA = """<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage line-rate="0.9"><sources><source>{root}/src</source></sources><packages><package><classes>
<class name="a.py" filename="app/a.py"><methods><method name="f"><lines><line number="2" hits="9"/></lines></method></methods>
<lines><line number="1" hits="1"/><line number="2" hits="3"/><line number="5" hits="1"/><line number="6" hits="0"/></lines>
</class>
<class name="b.py" filename="app/b.py"><lines><line number="1" hits="0"/></lines></class>
</classes></package></packages></coverage>"""


def test_cobertura_below_its_source_folder(project: Path) -> None:
    put(project, "coverage.xml", COBERTURA.format(root=project))
    report = only(project)
    assert (report.kind, report.coverage, report.uncovered, report.path) == ("coverage", 75.0, (6,), "coverage.xml")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "lcov.info",
            "TN:\nSF:src/app/a.py\nDA:1,1\nDA:2,3\nDA:5,1\nDA:6,0\nend_of_record\nSF:b.py\nDA:1,0\nend_of_record\n",
        ),
        (
            "coverage.json",
            {"totals": {}, "files": {"src/app/a.py": {"summary": {"percent_covered": 75.0}, "missing_lines": [6]}}},
        ),
        ("coverage/coverage-summary.json", {"total": {"lines": {"pct": 1}}, "src/app/a.py": {"lines": {"pct": 75}}}),
        (
            "coverage/coverage-final.json",
            {
                "src/app/a.py": {
                    "path": "",
                    "statementMap": {str(n): {"start": {"line": line}} for n, line in enumerate((1, 2, 5, 6))},
                    "s": {"0": 1, "1": 3, "2": 1, "3": 0},
                }
            },
        ),
    ],
)
def test_coverage_in_other_formats(project: Path, name: str, content: object) -> None:
    put(project, name, content)
    report = only(project)
    assert (report.kind, report.coverage) == ("coverage", 75.0)


def test_go_profile_by_the_import_path_of_the_module(project: Path) -> None:
    go = project / "pkg" / "main.go"
    put(project, "pkg/main.go", "package pkg\n")
    put(project, "pkg/sub/main.go", "package sub\n")
    put(project, "go.mod", "module example.org/mod\n\ngo 1.22\n")
    put(
        project,
        "coverage.out",
        "mode: set\nexample.org/mod/pkg/main.go:3.13,5.2 3 1\nexample.org/mod/pkg/main.go:7.1,8.2 1 0\n"
        "example.org/mod/pkg/sub/main.go:1.1,2.2 5 0\nbroken line\n",
    )
    (report,), problems = reports_about(go)
    assert (report.tool, report.coverage, report.uncovered, problems) == ("go cover", 75.0, (7, 8), [])


def test_junit_of_the_file_before_that_of_the_run(project: Path) -> None:
    suite = (
        '<testsuites><testsuite name="s"><testcase classname="src.app.a" name="one"/>'
        '<testcase classname="src.app.a.TestA" name="two"><failure message="no"/></testcase>'
        '<testcase classname="src.app.a" name="three"><skipped/></testcase>'
        '<testcase classname="other" name="four"/><testcase classname="other" name="five"><error/></testcase>'
        "</testsuite></testsuites>"
    )
    put(project, "junit.xml", suite)
    report = only(project)
    assert (report.about_file, report.passed, report.failed) == (True, 1, 1)
    put(project, "junit.xml", suite.replace("src.app.a", "elsewhere"))
    report = only(project)
    assert (report.about_file, report.passed, report.failed) == (False, 2, 2)


def sarif(tool: str, *, listed: bool, uri: str = "src/app/a.py", level: str | None = None) -> object:
    result = {
        "ruleId": "R1",
        "message": {"text": "bad\nthing"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 2}}}],
    }
    run: dict[str, object] = {
        "tool": {"driver": {"name": tool}},
        "results": [result | ({"level": level} if level else {})],
    }
    if listed:
        run["artifacts"] = [{"location": {"uri": "src/app/a.py"}}]
    return {"version": "2.1.0", "runs": [run]}


def test_sarif_tells_lint_from_security_and_levels(project: Path) -> None:
    put(project, "x.sarif", sarif("Semgrep", listed=False, level="error"))
    report = only(project)
    assert report.kind == "security"
    assert [(each.line, each.rule, each.message, each.is_error) for each in report.findings] == [
        (2, "R1", "bad thing", True)
    ]
    put(project, "x.sarif", sarif("golangci-lint", listed=True, uri="src/app/b.py"))
    report = only(project)
    assert (report.kind, report.findings) == ("lint", ())


def test_sarif_of_other_files_says_nothing(project: Path) -> None:
    put(project, "x.sarif", sarif("golangci-lint", listed=False, uri="src/app/b.py"))
    assert reports_about(source(project)) == ([], [])


def test_linters_that_name_clean_files_and_those_that_do_not(project: Path) -> None:
    messages: list[object] = []
    put(project, "eslint.json", [{"filePath": str(source(project)), "messages": messages}])
    assert (only(project).tool, only(project).findings) == ("eslint", ())
    (project / "eslint.json").unlink()
    clean = {"filename": "src/app/b.py", "code": "F401", "message": "unused", "location": {"row": 3}}
    put(project, "ruff.json", [clean])
    assert reports_about(source(project)) == ([], [])
    put(project, "ruff.json", [clean, {**clean, "filename": str(source(project))}])
    assert [(each.line, each.rule) for each in only(project).findings] == [(3, "F401")]


def test_pyright_and_bandit(project: Path) -> None:
    put(
        project,
        "pyright.json",
        {
            "generalDiagnostics": [
                {"file": str(source(project)), "severity": "error", "message": "m", "range": {"start": {"line": 4}}}
            ]
        },
    )
    report = only(project)
    assert (report.kind, report.findings[0].line, report.findings[0].is_error) == ("types", 5, True)
    (project / "pyright.json").unlink()
    put(project, "bandit.json", {"results": [], "metrics": {"./src/app/a.py": {}}})
    assert (only(project).kind, only(project).findings) == ("security", ())


def test_a_report_older_than_the_file_is_stale(project: Path) -> None:
    put(project, "coverage.xml", COBERTURA.format(root=project))
    assert not only(project).stale
    os.utime(project / "coverage.xml", (999_999, 999_999))
    assert only(project).stale


BOMB = '<?xml version="1.0"?><!DOCTYPE c [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><coverage><x y="&b;"/></coverage>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE c [<!ENTITY a SYSTEM "file:///etc/hostname">]><coverage>&a;</coverage>'


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("coverage.xml", BOMB, "entities"),
        ("coverage.xml", OUTSIDE, "entities"),
        ("junit.xml", "<testsuites><testsuite>", "no XML"),
        ("junit.xml", "<a>" * 200 + "</a>" * 200, "nested"),
        ("ruff.json", "[{", "no JSON"),
        ("ruff.json", "[" * 100_000, "no JSON"),
    ],
)
def test_a_broken_report_is_named_and_left_out(project: Path, name: str, content: str, reason: str) -> None:
    put(project, name, content)
    found, problems = reports_about(source(project))
    assert found == []
    assert [each.path for each in problems] == [name]
    assert reason in problems[0].reason


@pytest.mark.parametrize("content", ["", "hello", "[]", "{}", "<html/>", "[1]", '{"runs": 3, "version": 1}', "null"])
def test_what_is_no_report_says_nothing(project: Path, content: str) -> None:
    for name in ("coverage.xml", "coverage.json", "lcov.info", "junit.xml", "x.sarif"):
        put(project, name, content)
    assert reports_about(source(project)) == ([], [])


def test_only_regular_files_up_to_the_project_are_read(project: Path) -> None:
    os.mkfifo(project / "coverage.xml")
    put(project.parent, "lcov.info", f"SF:{source(project)}\nDA:1,1\n")
    assert reports_about(source(project)) == ([], [])


def test_the_root_of_a_project(tmp_path: Path) -> None:
    put(tmp_path, "outer/pyproject.toml", "")
    put(tmp_path, "outer/inner/package.json", "{}")
    put(tmp_path, "outer/inner/src/a.ts", "")
    assert project_root(tmp_path / "outer/inner/src/a.ts") == tmp_path / "outer"
    (tmp_path / "outer/inner/.git").mkdir()
    assert project_root(tmp_path / "outer/inner/src/a.ts") == tmp_path / "outer/inner"
    put(tmp_path, "alone/a.ts", "")
    assert project_root(tmp_path / "alone/a.ts") == tmp_path / "alone"
