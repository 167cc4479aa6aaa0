"""Checks in shell lines: which they are, what their exit code says, and how they ended."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.capture.checks import Check, checks_of, verdict
from seasoned.capture.shell_lines import steps_of

DATA = Path(__file__).parents[1] / "data" / "entireio" / "checks.jsonl"
REAL = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]


TELLING = ("test", "build", "types", "lint", "security", "merge", "push", "commit", "revert", "format")


def found(command: str) -> Check:
    """The most telling check of a line."""
    return min(checks_of(command), key=lambda check: TELLING.index(check.kind))


@pytest.mark.parametrize("case", REAL, ids=lambda case: case["command"][:40])
def test_real_commands(case: dict[str, object]) -> None:
    check = found(str(case["command"]))
    exit_code = case["exit_code"]
    assert exit_code is None or isinstance(exit_code, int)
    assert (check.kind, check.hidden) == (case["kind"], case["hidden"])
    assert verdict(check, exit_code, str(case["output"])) == case["verdict"]


def test_the_data_holds_hidden_failures() -> None:
    hidden = [case for case in REAL if case["hidden"] and case["verdict"] == "failed" and case["exit_code"] == 0]
    assert len(hidden) >= 10


@pytest.mark.parametrize(
    ("command", "kind", "tool"),
    [
        ("pytest -q", "test", "pytest"),
        ("cd app && FOO=1 python -m pytest tests/x.py", "test", "pytest"),
        ("uv run --with x pytest", "test", "pytest"),
        ("poetry run python -m unittest discover", "test", "unittest"),
        ("timeout 60 go test ./...", "test", "go test"),
        ("env CI=1 npx jest --ci", "test", "jest"),
        ("npm t", "test", "npm test"),
        ("pnpm run test:unit", "test", "pnpm test:unit"),
        ("yarn build", "build", "yarn build"),
        ("bash -lc 'cd x && cargo test --all'", "test", "cargo test"),
        ("cargo clippy -- -D warnings", "lint", "cargo clippy"),
        ("mise exec -- golangci-lint run ./...", "lint", "golangci-lint"),
        ("npx tsc --noEmit", "types", "tsc"),
        ("./gradlew test", "test", "gradlew test"),
        ("mvn -q -DskipITs verify", "test", "mvn verify"),
        ("dotnet build -c Release", "build", "dotnet build"),
        ("make", "build", "make"),
        ("make check", "test", "make check"),
        ("tox -e lint", "lint", "tox"),
        ("./scripts/run-tests.sh", "test", "run-tests.sh"),
        ("docker compose exec -T web pytest -x", "test", "pytest"),
        ("node --test", "test", "node"),
        ("ruff check src", "lint", "ruff check"),
        ("pip-audit", "security", "pip-audit"),
        ("git -C sub commit -m 'fix: tests'", "commit", "git commit"),
        ("gh pr merge 12 --squash", "merge", "gh pr merge"),
        ("git revert HEAD", "revert", "git revert"),
        ("git reset --hard HEAD~1", "revert", "git reset"),
        ("git push -u origin x", "push", "git push"),
    ],
)
def test_recognised(command: str, kind: str, tool: str) -> None:
    check = found(command)
    assert (check.kind, check.tool) == (kind, tool)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "ls tests",
        "cat pytest.ini",
        "grep -rn 'go test' .",
        "echo run make test",
        "pytest --version",
        "go test -list .",
        "npm install jest",
        "git status",
        "git merge-base a b",
        "git merge --abort",
        "git commit --dry-run",
        "test -f x && echo yes",
        'git log --grep="npm test"',
        "mise install",
        "cat <<'EOF'\npytest\nEOF",
    ],
)
def test_not_a_check(command: str) -> None:
    assert checks_of(command) == ()


@pytest.mark.parametrize(
    ("command", "exit_"),
    [
        ("go test ./...", "own"),
        ("cd x && go test ./...", "own"),
        ("git add -A && git commit -m x", "own"),
        ("npm run gen && npm test", "chain"),
        ("go test ./... | tail -5", "hidden"),
        ("set -o pipefail; go test ./... | tail -5", "own"),
        ("go test ./... || true", "hidden"),
        ("go test ./... || exit 1", "own"),
        ("go test ./... ; echo done", "hidden"),
        ("set -e; go test ./...; echo done", "own"),
        ("go test ./... > out.txt 2>&1", "own"),
        ("(cd a && go test ./...) | tail", "hidden"),
        ("go test ./... &", "hidden"),
        ("if go test ./...; then echo ok; fi", "hidden"),
        ("for p in a b; do go test ./$p; done", "hidden"),
        ("! go test ./...", "hidden"),
        ("bash -c 'go test ./... | tail'", "hidden"),
    ],
)
def test_what_the_exit_code_says(command: str, exit_: str) -> None:
    assert found(command).exit == exit_


@pytest.mark.parametrize(
    ("command", "exit_code", "output", "expected"),
    [
        ("pytest", 0, "", "passed"),
        ("pytest", 1, "", "failed"),
        ("pytest", 127, "pytest: command not found", "unknown"),
        ("timeout 5 pytest", 124, "", "unknown"),
        ("pytest", 137, "Killed", "unknown"),
        ("pytest", 5, "collected 0 items\n", "unknown"),
        ("pytest", None, "===== 3 passed in 0.1s =====", "passed"),
        ("pytest | tail -3", 0, "FAILED tests/a.py::b\n== 1 failed, 2 passed in 1s ==", "failed"),
        ("pytest -q | tail -3", 0, "2 passed in 1.02s", "passed"),
        ("npx jest | tail", 0, "Tests:       1 failed, 3 passed, 4 total", "failed"),
        ("npx vitest run | tail", 0, " Test Files  2 passed (2)\n      Tests  9 passed (9)", "passed"),
        ("cargo test | tail", 0, "test result: FAILED. 1 passed; 1 failed;", "failed"),
        ("mvn test | tail", 0, "[INFO] BUILD SUCCESS", "passed"),
        ("./gradlew build | tail", 0, "BUILD FAILED in 3s", "failed"),
        ("npx tsc --noEmit | head -20", 0, "src/a.ts(3,5): error TS2322: Type", "failed"),
        ("npx tsc --noEmit | head -20", 0, "", "passed"),
        ("npx eslint . | tail", 0, "✖ 3 problems (2 errors, 1 warning)", "failed"),
        ("make all | tail", 0, "make: *** [all] Error 2", "failed"),
        ("go build ./... 2>&1 | head -20", 0, "(Bash completed with no output)", "passed"),
        ("go test ./... | grep -c ok", 0, "3", "unknown"),
        ("go test ./... | grep ^ok", 0, "ok  \ta\t0.1s", "unknown"),
        ("go test ./... | head -2", 0, "ok  \ta\t0.1s\nok  \tb\t0.1s", "unknown"),
        ("go test ./... | head -9", 0, "ok  \ta\t0.1s", "passed"),
        ('go test ./... | tail -1; echo "exit=${PIPESTATUS[0]}"', 0, "x\nexit=1\n", "failed"),
        ('go test ./...; echo "exit $?"', 0, "…\nexit 0", "passed"),
        ("go test ./... ; make lint", 0, "--- FAIL: TestX (0.1s)\nFAIL", "failed"),
        ("npm run lint && npm test", 1, "✖ 2 problems (2 errors, 0 warnings)", "unknown"),
        ("git commit -m x", 1, "nothing to commit, working tree clean", "unknown"),
        ("git commit -m x", 1, "ruff....Failed", "failed"),
        ("git push | tail -1", 0, " ! [rejected]        main -> main (fetch first)", "failed"),
        ("git push 2>&1 | tail -1", 0, "   1234567..89abcde  main -> main", "passed"),
        ("go test ./... | tail", 0, "\x1b[31m--- FAIL: TestX (0.00s)\x1b[0m", "failed"),
    ],
)
def test_verdicts(command: str, exit_code: int | None, output: str, expected: str) -> None:
    assert verdict(found(command), exit_code, output) == expected


def test_every_check_of_a_line_is_listed() -> None:
    kinds = [check.kind for check in checks_of("npm run lint && npm test && git commit -am x && git push")]
    assert kinds == ["lint", "test", "commit", "push"]


def test_several_checks_of_one_kind_are_one_that_shows_least() -> None:
    (check,) = checks_of("pytest tests/a | tail -3; pytest tests/b")
    assert (check.kind, check.exit, check.alone, check.filters) == ("test", "hidden", False, ())


def test_a_heredoc_is_no_command() -> None:
    line = 'git commit -m "$(cat <<\'EOF\'\nrun npm test && make lint\nIt\'s "done"\nEOF\n)" && git push'
    assert [check.kind for check in checks_of(line)] == ["commit", "push"]


@given(st.text(alphabet="ab \t\n'\"\\$(){}|&;<>#!=-`EOF", max_size=200))
def test_no_line_breaks_the_reader(line: str) -> None:
    for step in steps_of(line):
        assert step.words
    checks_of(line)


@given(
    st.text(max_size=300), st.sampled_from(["go test | tail", "npx eslint . ; echo", "git push | cat", "cargo build"])
)
def test_no_output_breaks_the_verdict(output: str, command: str) -> None:
    assert verdict(found(command), None, output) in {"passed", "failed", "unknown"}
