"""What a shell call with several checks says, check by check. Outputs are those of real sessions, cut."""

import pytest

from seasoned.capture.evidence import judge_command
from seasoned.model import SpanOutcome

TESTS = "ok  \tentire.io/entire/git-sync/internal/syncer\t22.426s\nok  \tentire.io/entire/git-sync/unstable\t(cached)\n"
ISSUE = (
    "internal/syncer/progress.go:135:32: redefines-builtin-id: redefinition of the built-in function max (revive)\n"
    "func truncateHost(host string, max int) string {\n1 issues:\n* revive: 1"
)


@pytest.mark.parametrize(
    ("command", "exit_code", "output", "outcome", "checks"),
    [
        ("mise run test && mise run lint", 0, TESTS + "0 issues.", "success", {"test": "passed", "lint": "passed"}),
        (
            "go test ./... 2>&1 | tail -20; golangci-lint run ./... 2>&1 | tail -10",
            0,
            TESTS + ISSUE,
            "failure",
            {"test": "passed", "lint": "failed"},
        ),
        (
            "go vet ./... && go test ./... | tail -3",
            0,
            "--- FAIL: TestX (0.1s)\nFAIL",
            "failure",
            {"lint": "passed", "test": "failed"},
        ),
        ("npm run lint && npm test", 1, "✖ 2 problems (2 errors, 0 warnings)", "failure", {"lint": "failed"}),
        ("ls -la && git status", 0, "", "success", {}),
    ],
)
def test_each_check_of_a_line_is_judged_by_itself(
    command: str, exit_code: int, output: str, outcome: SpanOutcome, checks: dict[str, str]
) -> None:
    told: SpanOutcome = "failure" if exit_code else "success"
    judged = judge_command(
        command, told, exit_code=exit_code, output=output, error_type="exit_code" if exit_code else None
    )
    assert (judged.outcome, judged.checks) == (outcome, checks)
    assert {item.kind: item.verdict for item in judged.signals} == {
        kind: "success" if ended == "passed" else "failure" for kind, ended in checks.items()
    }
    hidden = exit_code == 0 and outcome == "failure"
    assert judged.error_type == ("hidden_by_pipe" if hidden else "exit_code" if exit_code else None)


@pytest.mark.parametrize("outcome", ["rejected", "cancelled"])
def test_a_call_that_was_not_made_is_no_evidence(outcome: SpanOutcome) -> None:
    judged = judge_command("go test ./...", outcome, exit_code=None, output="FAIL", error_type="user_rejected")
    assert (judged.outcome, judged.error_type, judged.signals) == (outcome, "user_rejected", ())


def test_without_an_exit_code_only_the_output_speaks() -> None:
    assert judge_command("go test ./...", "unknown", exit_code=None, output="", error_type=None).signals == ()
    judged = judge_command("go test ./...", "unknown", exit_code=None, output="--- FAIL: TestX (0s)", error_type=None)
    assert judged.checks == {"test": "failed"}
