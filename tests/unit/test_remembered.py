"""What is remembered to save time changes nothing: the same answers, and no more memory than stated."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.capture import check_output
from seasoned.capture.dropped import dropped_reason
from seasoned.capture.redact import Redactor
from seasoned.learn import classify, fingerprint, keywords, normalise, shape, slots
from seasoned.model import Event, ExecutionUpdate, Span, Trace, codec
from seasoned.model.codec import decode_event, encode_event, encode_payload

KEY = b"0123456789abcdef"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def update(name: str) -> ExecutionUpdate:
    return ExecutionUpdate(trace=Trace(execution_id="0" * 36, namespace="default", prompt=name))


# -- redaction ------------------------------------------------------------------------------------------------------
def test_a_repeated_secret_is_counted_each_time() -> None:
    redactor = Redactor(KEY)
    first = redactor.text(f"token {GITHUB}")
    assert redactor.redactions == 1
    assert redactor.text(f"token {GITHUB}") == first
    assert redactor.redactions == 2


def test_a_repeated_clean_text_is_the_object_that_was_given() -> None:
    redactor = Redactor(KEY)
    texts = ["".join(["go build ", "./internal/store"]) for _ in range(2)]
    assert texts[0] is not texts[1]
    assert [redactor.text(text) is text for text in texts] == [True, True]


def test_more_texts_than_are_kept() -> None:
    redactor = Redactor(KEY)
    for number in range(20_000):
        redactor.text(f"/Users/somebody/work/{number:06}")
    assert redactor.text("/Users/somebody/work/000000") == "~/work/000000"


@pytest.mark.parametrize(
    "command", ['cat ".net"rc', r"head .p\gpass", "cat id_'rsa'", '"e"nv', "cat ~/.aws/cred'entials'"]
)
def test_quotes_do_not_hide_a_secret_file_from_the_cheap_test(command: str) -> None:
    span = Span(
        span_id="0" * 36,
        execution_id="0" * 36,
        number=0,
        kind="tool",
        name="Bash",
        outcome="success",
        arguments={"command": command},
    )
    assert dropped_reason(span, outside_known=True) in {"secret-file", "environment"}


# -- events ---------------------------------------------------------------------------------------------------------
def test_a_kept_payload_is_encoded_as_it_was_and_then_forgotten() -> None:
    payload = update("one")
    encoded = encode_payload(payload, keep=True)
    assert encode_payload(payload) is encoded
    again = encode_payload(payload)
    assert again == encoded
    assert again is not encoded


def test_an_event_read_from_its_line_is_encoded_as_that_line() -> None:
    event = Event(
        event_id="1" * 36,
        topic="task-executions",
        key="k",
        occurred_at=datetime(2026, 1, 2, tzinfo=UTC),
        namespace="default",
        payload=update("one"),
    )
    line = encode_event(event)
    read = decode_event(line, keep=True)
    assert read == event
    assert encode_payload(read.payload) == encode_payload(event.payload)


def test_payloads_that_nobody_asks_for_again_do_not_pile_up() -> None:
    kept = codec._KeptPayloads()  # pyright: ignore[reportPrivateUsage]
    for number in range(40):
        kept.keep(update(str(number)), bytes(1 << 20))
    assert len(kept) <= 10


# -- prompts --------------------------------------------------------------------------------------------------------
WORDY = st.lists(
    st.sampled_from(
        'fix the tests, please. see `a b` "c d" src/app.py 12 ms 1.2.3 #7 ab-12 don\'t x_y https://a.b/c e.g. c:\\x '
        "2024-01-02 … é 日本 'q r' (and) word: v2 -3 50% a@b.co abc123f".split(" ")
    )
    | st.text(max_size=6),
    max_size=25,
).map(" ".join)


@given(WORDY)
def test_passing_over_words_takes_out_the_same_literals(text: str) -> None:
    kinds = slots._KINDS  # pyright: ignore[reportPrivateUsage]
    plainly = slots.re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds))
    assert [slot.kind for slot in shape(text).slots] == [match.lastgroup for match in plainly.finditer(text)]


@given(WORDY)
def test_asking_twice_gives_the_same_fingerprint(text: str) -> None:
    assert fingerprint(text, "default") == fingerprint(text, "default")
    assert (keywords(text), classify(normalise(text))) == (keywords(text), classify(normalise(text)))


def test_long_runs_of_marks_are_cut_beside_short_ones() -> None:
    assert normalise("é" + "x" + "\u0327" * 40) == "éx̧" + "\u0327" * 29
    assert normalise("\u0301" * 30).count("\u0301") == 30


# -- output of checks -----------------------------------------------------------------------------------------------
RED_TESTS = """--- FAIL: TestA
FAIL\tpkg
panic: x
[build failed]
=== 1 failed in 2s
2 failed in 3.1s
FAILED tests/a.py::b
FAILED (failures=1)
Tests: 1 failed, 2 passed
  3 failing
test result: FAILED. 1 passed
3 examples, 1 failure
Tests run: 3, Failures: 1
9 tests completed, 2 failed
FAILURES!
Failed!  - Failed: 1
2 tests failed out of 9
# fail 2
not ok 3 - x
 4 fail
Executed 3 tests, with 1 failure
FAILED | 1 passed | 2 failed
DONE 3 tests, 1 failure
ERROR tests/a.py""".splitlines()
RED_COMPILERS = """a.c:1:2: error: x
a.c:1:2: fatal error: x
./cmd/a.go:3:4: undefined: b
vet: x.go:1:1: z
error[E0382]: use of moved value
src/a.ts(1,2): error TS2304: Cannot find name
e: file:///a.kt:1:2 x
e: a.kts: x
[ERROR] COMPILATION
SyntaxError: x
npm ERR! code 1
npm error code 1
error Command failed with exit code 2.
 ELIFECYCLE  Command failed
 ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL
make: *** [all] Error 1
gmake[2]: *** [x] Terminated
[lint:go] ERROR task failed
mise ERROR x
FAILURE: Build failed with an exception
BUILD FAILED
[INFO] BUILD FAILURE
sh: foo: not found
bash: ./x: No such file or directory""".splitlines()


@pytest.mark.parametrize("line", RED_TESTS)
def test_the_cheap_test_lets_every_red_line_of_a_test_run_through(line: str) -> None:
    assert check_output.failed("test", f"$ run\n{line}\nend", alone=False)


@pytest.mark.parametrize("line", RED_COMPILERS)
def test_the_cheap_test_lets_every_complaint_of_a_compiler_through(line: str) -> None:
    assert check_output.failed("build", f"$ run\n{line}\nend", alone=True)
