"""What makes two failures the same."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.learn.failures import families, kind_of, signature
from seasoned.learn.failures.masking import SIGNATURE_WORDS, mask, plain
from seasoned.learn.failures.telling import telling
from seasoned.learn.failures.wordings import CAUSES, cause_of

GO_FAILURE = """?   \texample.org/sync/cmd\t[no test files]
--- FAIL: TestRun_Tags (0.00s)
    integration_test.go:214: tag sync failed: push target refs: compute objects to push: object not found
FAIL
FAIL\texample.org/sync/internal/syncer\t0.339s
"""
LINT = """Exit code 1
[lint] $ golangci-lint run ./...
paths/paths.go:601:7: G306: Expect WriteFile permissions to be 0600 or less (gosec)
\t_ = os.WriteFile(readme, []byte(text), 0o644)
paths/other.go:12:1: Error return value of `os.Chdir` is not checked (errcheck)
3 issues:
* gosec: 2
* errcheck: 1
[lint] ERROR task failed
"""
TRACEBACK = """Traceback (most recent call last):
  File "/testbed/reproduce.py", line 1, in <module>
    from package.aliases import to_snake
  File "/testbed/package/version.py", line 5, in inner
    raise KeyError('x')
KeyError: 'x'
"""


def text(message: str, command: str = "", tool: str = "Bash") -> str:
    return signature(tool, command, message).text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cat: a.txt: No such file or directory", "zsh:1: no such file or directory: b/c.md"),
        ("File does not exist.", "/bin/sh: 1: cd: can't cd to /srv/build"),
        ("bash: ponyc: command not found", "zsh:1: command not found: go"),
        (
            "String to replace not found in file.\nString: x",
            "ERROR:\nNo replacement was performed, old_str `a` did not appear",
        ),
        ("Error: payment method card_4856383 not found", "Error: payment method not found"),
        ("Error: total price is 375, but paid 299", "Error: total price is 1203, but paid 833"),
        ("\x1b[31merror: flight HAT139 has no seats\x1b[0m", "Error: flight HAT290 has no seats"),
        (
            GO_FAILURE,
            "--- FAIL: TestOther (0.01s)\n    a_test.go:9: resync v2 failed: compute objects: object not found\nFAIL",
        ),
        ('a/b.go:6:2: "strings" imported and not used\nFAIL', '# p\n./c.go:15:2: "time" imported and not used'),
        (
            "fatal: The current branch x has no upstream branch.",
            "There is no tracking information for the current branch.",
        ),
        ("10%\r50%\rcurl: (6) Could not resolve host: example.org", "dial tcp: lookup proxy.example: no such host"),
    ],
)
def test_one_cause_in_other_words(one: str, other: str) -> None:
    assert text(one) == text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bash: go: command not found", "bash: ./go: No such file or directory"),
        ("Error: not enough seats on flight HAT139", "Error: flight HAT271 not available on date 2024-05-10"),
        ("a.go:1:2: undefined: fmt", 'a.go:1:2: "time" imported and not used'),
        ("push failed: status code: 500", "push failed: status code: 403"),
        ("remote: error: GH006: Protected branch", "remote: error: GH001: Large files detected"),
        ("Invalid value for x: 'a'. Expected one of ['b'].", "Invalid value for x: 7.0. Expected one of [0.07]."),
        (LINT, LINT.replace("* gosec: 2", "* gosec: 0")),
        (GO_FAILURE, GO_FAILURE.replace("object not found", "remote repository is empty")),
    ],
)
def test_two_causes(one: str, other: str) -> None:
    assert text(one) != text(other)


def test_the_telling_line_is_not_the_first() -> None:
    assert text(GO_FAILURE, "go test ./...") == "object not found"
    assert text(LINT, "mise run lint") == "lint rule gosec g306"
    read = telling(TRACEBACK)
    assert read.line == "KeyError: 'x'"
    assert read.frames == ("version.py inner", "reproduce.py <module>")
    assert text("step 1 ok\nstep 2 ok\nfatal: index file corrupt\nhint: rebuild it") == "index file corrupt"


def test_an_empty_message_names_the_program() -> None:
    assert text("Exit code 2", "cd x && go vet ./...") == "go vet: exit code 2, no cause told"
    assert text("Exit code 2", "go vet ./...") != text("Exit code 2", "mise run lint")
    assert not signature("Bash", "make", "Exit code 1").informative


def test_what_make_says_itself_is_a_cause_and_what_it_passes_on_is_none() -> None:
    missing = text("Exit code 2\nmake: *** No rule to make target 'report'.  Stop.", "make report")
    assert missing == text("make[1]: *** No rule to make target 'sums'.  Stop.\nmake: *** [all] Error 2", "make all")
    assert missing.startswith("no rule to make target")
    assert not signature("Bash", "make x", "Exit code 2\nmake: *** [Makefile:2: x] Error 1").informative


def test_what_a_program_only_shows_is_not_its_error() -> None:
    shown = "README.md:3: error: the word error stands here\nsrc/a.go:1:2: undefined: x"
    assert not signature("Bash", "rg -n error .", shown).informative
    assert (
        text(f"rg: pkg: No such file or directory (os error 2)\n{shown}", "rg -n error pkg .")
        == "no such file or directory"
    )


def test_an_assertion_does_not_take_the_cause_of_what_it_tests() -> None:
    message = (
        "--- FAIL: TestKeeps (0.1s)\n    a_test.go:9: target was deleted: stat /tmp/x: no such file or directory\nFAIL"
    )
    assert signature("Bash", "go test ./...", message).cause is None
    refused = message.replace("no such file or directory", "bind: operation not permitted")
    assert signature("Bash", "go test ./...", refused).text == "operation not permitted"


def test_every_cause_recognises_itself_once() -> None:
    assert len({cause.text for cause in CAUSES}) == len(CAUSES)
    assert cause_of("everything is fine", in_test=False) is None


@given(st.text(max_size=400), st.text(max_size=60))
def test_any_text_has_a_signature(message: str, command: str) -> None:
    read = signature("Bash", command, message)
    assert read.text
    assert read.text == signature("Bash", command, message).text


@given(st.text(max_size=300))
def test_a_masked_line_is_short_and_in_lower_case(line: str) -> None:
    masked = mask(line)
    assert len(masked.split()) <= SIGNATURE_WORDS
    assert masked == masked.casefold()


@given(st.text(alphabet=" abc\x1b[0123;mK\r\n", max_size=80))
def test_plain_text_has_no_terminal_sequence(line: str) -> None:
    assert "\x1b[0m" not in plain(line)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_never_matter(one: int, other: int) -> None:
    assert mask(f"limit {one} exceeded in worker") == mask(f"limit {other} exceeded in worker")


def test_families_do_not_depend_on_order() -> None:
    texts = [
        "gift card balance is not enough",
        "gift card balance is not enough for the price difference",
        "payment method not found",
        "index file corrupt",
    ]
    expected = families(texts)
    assert expected[texts[0]] == expected[texts[1]] == texts[0]
    assert expected[texts[2]] != expected[texts[3]]
    for seed in range(5):
        shuffled = texts * 2
        random.Random(seed).shuffle(shuffled)
        assert families(shuffled) == expected


@pytest.mark.parametrize(
    ("command", "message", "kind"),
    [
        ("go test ./...", GO_FAILURE, "quality_gate_failure"),
        ("mise run lint", LINT, "quality_gate_failure"),
        ("go build ./...", "a.go:1:2: undefined: fmt", "compilation_error"),
        ("python x.py", "Traceback (most recent call last):\nNameError: name 'x' is not defined", "runtime_error"),
        ("python x.py", "ModuleNotFoundError: No module named 'y'", "dependency_missing"),
        ("git push", "ssh: Could not resolve hostname x: nodename nor servname provided", "network"),
        ("go mod tidy", "open /x.lock: operation not permitted", "permission_denied"),
        ("make", "Exit code 137", "resource_exhausted"),
        ("make", "Exit code 124", "timeout"),
        ("git commit -m x", "nothing to commit, working tree clean", "tool_error"),
        ("frob", "Exit code 1", "unknown"),
    ],
)
def test_kinds(command: str, message: str, kind: str) -> None:
    read = signature("Bash", command, message)
    assert kind_of(read, tool="Bash", command=command, error_type=None) == kind


def test_kind_of_an_application_that_refuses_and_of_a_stated_timeout() -> None:
    refused = signature("book_reservation", "", "Error: not enough seats on flight HAT139")
    assert kind_of(refused, tool="book_reservation", command="", error_type="tool_error") == "validation_failure"
    assert kind_of(refused, tool="book_reservation", command="", error_type="timeout") == "timeout"
