"""A made-up past for the advisor: tasks, patterns, failures, and a place to be told at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from seasoned.advise.advisor import Advised, Advisor, Limits
from seasoned.advise.failing_calls import FailingCalls, failing_calls
from seasoned.advise.known_failures import KnownFailures, ShownFix
from seasoned.advise.modes import Effective, effective
from seasoned.advise.recommended import Recommendation, Recommended
from seasoned.advise.session_memory import Decided, SessionMemory
from seasoned.learn.failures import FixIndex
from seasoned.learn.failures.signature import signature
from seasoned.learn.fingerprint import fingerprint
from seasoned.model import (
    Advice,
    Arm,
    Document,
    Execution,
    FailurePattern,
    FingerprintStats,
    Match,
    Mode,
    Moment,
    Pattern,
    PatternStep,
    Resolution,
    ResolutionStep,
    SimilarTasks,
    Span,
    Trace,
)
from seasoned.model.ids import name_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROMPT = "Fix the flaky login test in the billing service"
ERROR = "fatal: The current branch topic has no upstream branch."
PUSH = "git push"


def match(prompt: str = PROMPT, *, score: float = 0.9, kind: str = "similar", runs: int = 3) -> Match:
    trace = Trace(execution_id=name_id("run", prompt), namespace="n", revision=1, prompt=prompt, cwd="/w/shop")
    return Match(
        fingerprint=fingerprint(prompt, "n"),
        stats=FingerprintStats(
            first_seen_at=NOON, last_seen_at=NOON, execution_count=runs, success_count=2, failure_count=1,
            avg_execution_time_ms=240_000.0, avg_quality_score=None,
        ),
        kind=kind,  # pyright: ignore[reportArgumentType]
        score=score,
        terms=(),
        shared_keywords=(),
        executions=(trace,),
    )  # fmt: skip


def step(number: int, action: str) -> PatternStep:
    return PatternStep(number=number, action=action, tool="t", target="", seen_in=3, of=3)


def pattern(**changes: object) -> Pattern:
    plain = Pattern(
        pattern_id=name_id("pattern"), pattern_name="Fix a test", namespace="n", agent_id="seasoned",
        pattern_type="workflow", status="active", validation_status="validated", evidence_count=4,
        evidence_success_count=3, recommended_steps=(step(1, "Run `pytest {path}`"), step(2, "Edit {path}")),
        pattern_data={"placeholders": {"properties": {
            "path": {"type": "string", "minLength": 1, "description": "named in the task; used in step 1",
                     "examples": ["tests/test_a.py"]}}}},
    )  # fmt: skip
    return replace(plain, **changes)  # pyright: ignore[reportArgumentType]


def known(calls: FailingCalls | None = None, *, source: str = "mined", worked: int = 3) -> KnownFailures:
    read = signature("Bash", PUSH, ERROR)
    failure_id = name_id("failure")
    fix = Resolution(
        resolution_id=name_id("fix"), failure_id=failure_id, namespace="n",
        description="`git push --set-upstream origin {word}` (add --set-upstream origin).",
        steps=(ResolutionStep(tool="Bash", command="git push --set-upstream origin {word}",
                              example="git push --set-upstream origin topic"),),
        times_seen=worked, times_worked=worked, source=source,  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    facts: Document = {fix.resolution_id: {"shown": True, "sessions": 2, "programs": ["git push"]}}
    failure = FailurePattern(
        failure_id=failure_id, namespace="n", signature=read.text, occurrence_count=5,
        metadata={"sessions": 4, "resolutions": facts},
    )  # fmt: skip
    return KnownFailures(
        fixes=FixIndex([failure], {failure_id: [fix]}),
        shown={failure_id: ShownFix(failure=failure, resolution=fix, chance=0.875)},
        met={fingerprint(PROMPT, "n").fingerprint_id: {failure_id: 3}},
        calls=calls or FailingCalls({}),
    )


@dataclass
class MadePast:
    """A past that is small enough to be seen whole."""

    matches: tuple[Match, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    failed: KnownFailures = field(default_factory=known)
    modes: Sequence[Mode] = ()

    def similar(self, prompt: str, limit: int, floor: float | None) -> SimilarTasks:
        return SimilarTasks(
            prompt=prompt, matches=self.matches[:limit], searched=9, embedded=9, reason="", latency_ms=0
        )

    def recommended(self, matches: Sequence[Match]) -> Recommended:
        found = [Recommendation(pattern=each, match=matches[0], applicability=0.8) for each in self.patterns if matches]
        return Recommended(patterns=tuple(found), templates=(), candidates=0)

    def files_of(self, execution_id: str) -> Sequence[str]:
        return ["src/login.py"]

    def failures(self) -> KnownFailures:
        return self.failed

    def mode_of(self, source: str) -> Effective:
        return effective(self.modes, source)


class Said:
    """An advisor over a made past, with what it stored."""

    def __init__(self, past: MadePast, *, arm: Arm = "given", limits: Limits | None = None) -> None:
        self.rows: list[Advice] = []
        self.arm: Arm = arm
        self.past = past
        self.limits = limits or Limits()
        self.clock: Callable[[], datetime] = lambda: NOON
        self.restart()

    def restart(self) -> None:
        self.advisor = Advisor(
            self.past,
            SessionMemory(lambda session: [row for row in self.rows if row.session_id == session]),
            namespace="n",
            agent_id="local",
            decide=lambda _: Decided(arm=self.arm, share=0.5),
            redact=lambda text: text.replace("hunter2", "«redacted:password:0123456789abcdef»"),
            limits=self.limits,
            clock=self.now,
        )

    def now(self) -> datetime:
        return self.clock()

    def at(self, moment: Moment) -> Advised:
        found = self.advisor.advise(moment)
        if found.logged:
            self.rows.append(found.advice)
        return found


def prompt(text: str = PROMPT, *, native_id: str = "p1", source: str = "claude_code") -> Moment:
    return Moment(name="prompt", source=source, session_id="s", native_id=native_id, prompt=text)


def failed(native_id: str = "c1", *, error: str = ERROR, command: str = PUSH) -> Moment:
    return Moment(
        name="after_failure", source="claude_code", session_id="s", native_id=native_id, tool="Bash", command=command,
        error=error,
    )  # fmt: skip


def run(number: int, *outcomes: str, command: str = PUSH, cwd: str = "/w") -> Execution:
    trace = Trace(
        execution_id=name_id("e", str(number)), namespace="n", revision=1, session_id=f"s{number}", cwd=cwd,
        started_at=NOON.replace(minute=number),
    )  # fmt: skip
    spans = [
        Span(
            span_id=name_id(trace.execution_id, str(at)), execution_id=trace.execution_id, number=at + 1, kind="tool",
            name="Bash", tool="Bash", arguments={"command": command, "description": f"try {at}"},
            outcome=outcome, error_message=ERROR if outcome == "failure" else None,  # pyright: ignore[reportArgumentType]
        )
        for at, outcome in enumerate(outcomes)
    ]  # fmt: skip
    return Execution(trace=trace, spans=tuple(spans))


def index(*runs: Execution) -> FailingCalls:
    read = signature("Bash", PUSH, ERROR)
    return failing_calls(runs, {read.text: name_id("failure")}, lambda: iter(runs))


FAILS = [run(number, "failure") for number in range(1, 5)]
