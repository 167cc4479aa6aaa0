"""How a session is cut into executions, and what is known of each when the next begins."""

from datetime import UTC, datetime, timedelta

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.conversation import Conversation
from seasoned.capture.port import Recording, Resume
from seasoned.model import merge_traces

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRST = "Add a flag that prints the version of the program"
SECOND = "Explain how the retry loop in the client decides when to give up"


def facts() -> Facts:
    return Facts(source="claude_code", namespace="default", session_id="s")


def run(builder: ExecutionBuilder, command: str, output: str, *, native_id: str) -> None:
    span = builder.begin("tool", "Bash", native_id=native_id, arguments={"command": command}, command=command)
    builder.end(span, outcome="success", result=output, exit_code=0, at=START + timedelta(minutes=1))


def begun() -> Conversation:
    talk = Conversation(facts())
    assert list(talk.prompt(FIRST, start=0, at=START)) == []
    assert talk.current is not None
    run(talk.current, "go vet ./... && go test ./...", "ok  \tx\t0.1s", native_id="1")
    return talk


def finished(talk: Conversation) -> Recording:
    [item] = talk.finish(resume=Resume(offset=0), ended=True)
    return item


def test_a_user_who_goes_on_without_a_correction_was_there_to_make_one() -> None:
    """Quality has a term for it: outcome 0.4, tests 0.3, lint 0.1 are the same in both, no correction is 0.1 more."""
    alone = finished(begun()).update.trace
    [item] = begun().prompt(SECOND, start=900, at=START + timedelta(hours=1))
    attended = item.update.trace
    assert alone.status == attended.status == "success"
    assert alone.quality_score == attended.quality_score == 1.0

    gone_on, left = begun(), begun()
    for talk in (gone_on, left):
        assert talk.current is not None
        run(talk.current, "go test ./... | tail", "--- FAIL: TestX (0.1s)\nFAIL", native_id="2")
    [item] = gone_on.prompt(SECOND, start=900, at=None)
    assert finished(left).update.trace.quality_score == 0.125
    assert item.update.trace.quality_score == 0.2222


def test_what_is_known_when_the_user_has_gone_on_outranks_what_was_known_before() -> None:
    """The same execution read once from the growing file, once from the grown one: in either order the latter stays."""
    early = finished(begun()).update.trace
    [item] = begun().prompt(SECOND, start=900, at=START + timedelta(hours=1))
    late = item.update.trace
    assert early.execution_id == late.execution_id
    assert late.revision > early.revision
    assert merge_traces(early, late) == merge_traces(late, early)


def test_words_after_the_end_of_another_file_s_task_begin_their_own() -> None:
    """Even such as would be a follow-up of a task whose beginning is known."""
    talk = Conversation(facts())
    talk.current = ExecutionBuilder(facts(), "e", prompt=None, started_at=START)
    talk.current.interrupt("[Request interrupted by user]")
    [rest] = talk.prompt("no, use the other file", start=10, at=START)
    assert (rest.update.trace.status, rest.update.trace.follow_ups) == ("aborted", ())
    assert talk.current is not None
    assert (talk.current.prompt, talk.current.follow_ups) == ("no, use the other file", [])


def test_what_holds_nothing_is_no_execution() -> None:
    talk = Conversation(facts())
    talk.current = ExecutionBuilder(facts(), "e", prompt=None, started_at=START)
    assert list(talk.prompt(FIRST, start=10, at=START)) == []
    empty = Conversation(facts())
    empty.current = ExecutionBuilder(facts(), "e", prompt=None, started_at=START)
    assert list(empty.finish(resume=None)) == []


def test_work_without_a_prompt_is_an_execution() -> None:
    talk = Conversation(facts())
    talk.current = ExecutionBuilder(facts(), "e", prompt=None, started_at=START)
    run(talk.current, "ls", "a", native_id="1")
    assert finished(talk).update.trace.prompt is None
