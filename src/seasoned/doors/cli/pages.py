"""A pattern, a failure and its fixes as a page of text: first what to do, then what it rests on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from seasoned.doors.cli import output
from seasoned.model import Contrast, Document, FailureOccurrence, FailurePattern, Pattern, PatternStep, Resolution
from seasoned.model.ids import short_id

if TYPE_CHECKING:
    from seasoned.answers.fix_answer import ToldFixes
    from seasoned.workers import Learned

__all__ = ["say_learned", "show_failure", "show_fixes", "show_pattern"]

_FLAGS = {
    "also_seen_failing": "others went the same way and failed",
    "few_outcomes": "fewer than three known outcomes",
    "instructions_in_text": "a text in it tries to instruct the reader: read it before use",
    "outcome_from_own_checks": "its runs are known to have gone well by their own tests and builds alone",
    "nothing_was_said": "the user refused without a word: the reason is not known",
    "one_prompt": "one prompt, put several times",
    "one_session": "all from one session",
    "order_varies": "the order of some steps varies",
    "outcome_unknown": "nobody said how some of its runs went",
    "read_outside_content": "its runs read texts from outside the project, such as web pages",
    "rests_on_one_execution": "rests on a single execution",
    "some_sources_forgotten": "some of its runs were erased: its quotations went with them, its steps may be theirs",
    "sources_forgotten": "all of its runs were erased: nothing stands behind it any more",
}

_LINE = 400
"""Characters of one line of a text that are shown."""


def say_learned(learned: "Learned") -> None:
    """What a run of the learner found."""
    if learned.nothing_new:
        output.say("Nothing was recorded since the last time; nothing to learn.")
        return
    changed = f"{learned.patterns_saved} new or changed, {learned.patterns_withdrawn} withdrawn as no longer true"
    preferences = f", {learned.preferences} of them what users asked for" if learned.preferences else ""
    shown = f", {learned.fixes_shown} with a fix that agents may be shown" if learned.fixes_shown else ""
    chains = f"; {output.counted(learned.chains, 'hand-over')} between agents" if learned.chains else ""
    output.say(
        f"Learned from {output.counted(learned.executions, 'execution')}: {output.counted(learned.patterns, 'pattern')}"
        f"{preferences} ({changed}); {output.counted(learned.failures, 'kind')} of failure, seen "
        f"{output.counted(learned.occurrences, 'time')}{shown}{chains}."
    )


def show_pattern(pattern: Pattern) -> None:
    """One pattern."""
    data = pattern.pattern_data or {}
    output.say(f"{output.clean(pattern.pattern_name)}")
    output.say(
        f"{pattern.pattern_id}  {pattern.pattern_type}, {pattern.status}, version {pattern.version}, "
        f"owner {output.clean(pattern.agent_id)}"
    )
    output.say(_evidence(pattern))
    if pattern.pattern_type == "preference":
        _occasions(data.get("occasions"))
    if pattern.estimated_duration_ms is not None:
        output.say(f"takes {output.duration(pattern.estimated_duration_ms)} (median){_range(data.get('duration_ms'))}")
    _section("what it is for", data.get("problem"))
    if pattern.recommended_steps:
        output.say("\nsteps, and in how many of its runs each was seen")
        for step in pattern.recommended_steps:
            output.say(f"  {step.number}. {output.clean(step.action)}  {_support(step)}")
            if step.contrast is not None:
                output.say(f"     {_contrast(step.contrast)}")
    else:
        _section("what to do", data.get("solution"))
    _placeholders(data.get("placeholders"))
    _section("use it when", data.get("when_to_use"))
    _section("not when", data.get("when_not_to_use"))
    _section("before", data.get("prerequisites"))
    _section("done when", _criteria(pattern.validation_criteria))
    _section("mind", data.get("gotchas"))
    _section("why", data.get("rationale"))
    if pattern.review_flags:
        output.say("\nfor the reviewer")
        for flag in pattern.review_flags:
            output.say(f"  ! {_FLAGS.get(flag, flag.replace('_', ' '))}")
    output.say(f"\nseen in: {', '.join(map(short_id, pattern.execution_ids[:12]))}{_more(pattern.execution_ids, 12)}")


def show_failure(
    failure: FailurePattern, resolutions: Sequence[Resolution], occurrences: Sequence[FailureOccurrence]
) -> None:
    """One kind of failure."""
    output.say(output.head(failure.signature, 300))
    output.say(f"{failure.failure_id}  {failure.failure_type}{_of(failure.failed_step)}")
    first, last = output.when(failure.first_occurrence_at), output.when(failure.last_occurrence_at)
    usually = f", usually resolved after {output.duration(failure.time_to_resolve_ms)}"
    output.say(
        f"seen {_times(failure.occurrence_count)}"
        + ("" if last == "–" else f", {last} UTC" if first == last else f", {first} to {last} UTC")
        + (usually if failure.time_to_resolve_ms else "")
    )
    _section("for example", failure.error_message)
    if resolutions:
        output.say("\nwhat fixed it")
        for resolution in resolutions:
            _resolution(resolution)
    else:
        output.say("\nno fix is known")
    reason = (failure.metadata or {}).get("not_shown")
    if isinstance(reason, str) and resolutions:
        output.say(f"  not offered to agents: {output.clean(reason)}")
    _section("likely cause", failure.root_cause_analysis)
    from seasoned.learn.failures.refusals import refusal

    before = failure.prevention_strategy
    why = refusal(before) if before else None
    _section(f"to prevent it (never offered to agents: it {why})" if why else "to prevent it", before)
    if occurrences:
        newest = f", the newest {len(occurrences)}" if failure.occurrence_count > len(occurrences) else ""
        output.say(f"\nwhere (`seasoned traces show ID`){newest}")
        for each in occurrences:
            took = "" if each.time_to_resolve_ms is None else f" after {output.duration(each.time_to_resolve_ms)}"
            went = f"  resolved{took}" if each.resolved_by else ""
            moment = output.when(each.occurred_at)
            output.say(f"  {short_id(each.execution_id or '–')}" + ("" if moment == "–" else f"  {moment}") + went)


def show_fixes(answer: "ToldFixes") -> None:
    """What fixed an error before, best first, or why nothing is offered."""
    reason = output.clean(answer.reason)
    output.say(f"{reason[:1].upper()}{reason[1:]}{':' if answer.fixes else '.'}")
    for rank, fix in enumerate(answer.fixes, 1):
        output.say(f"\n{rank}. {output.clean(fix.resolution.description)}")
        _commands(fix.resolution, "   ")
        output.say(f"   why: {output.clean('; '.join(fix.reasons))}")
    if answer.failure is not None:
        what = "more about it" if answer.fixes else "what was tried"
        output.say(f"\n{what}: seasoned failures show {answer.failure.failure_id[:8]}")


def _resolution(resolution: Resolution) -> None:
    worked = f"worked {resolution.times_worked} of {resolution.times_seen} times"
    output.say(f"  - {output.clean(resolution.description)}  ({worked}, {resolution.source})")
    _commands(resolution, "    ", examples=True)
    from seasoned.learn.failures.refusals import refusal_of

    if (why := refusal_of(resolution)) is not None:
        output.say(f"    ! never offered to agents: it {why}")


def _commands(resolution: Resolution, indent: str, *, examples: bool = False) -> None:
    """Its steps. Only what a shell takes is written as one types it there."""
    for step in resolution.steps:
        shell = not (step.command.startswith(f"{step.tool}(") or step.command.endswith(" again"))
        output.say(f"{indent}{'$' if shell else '→'} {output.clean(step.command)}")
        if examples and step.example and step.example != step.command:
            output.say(f"{indent}  for example: {output.head(step.example, 160)}")


def _occasions(occasions: object) -> None:
    """What users said to what was proposed, and what was done in its place."""
    told = cast("list[Document]", occasions) if isinstance(occasions, list) else []
    for title, key in (
        ("what the user said", "said"),
        ("to this proposal", "proposed"),
        ("what was done then", "done_instead"),
    ):
        _section(title, list(dict.fromkeys(str(each[key]) for each in told if each.get(key)))[:5])


def _evidence(pattern: Pattern) -> str:
    runs = len(pattern.execution_ids)
    if pattern.pattern_type == "preference":
        return f"said in {output.counted(runs, 'run')}"
    if not pattern.evidence_count:
        return f"seen in {output.counted(runs, 'run')}, how {'it' if runs == 1 else 'they'} went is not known"
    expect = "" if pattern.success_rate is None else f"; expect {pattern.success_rate:.0%} (posterior mean)"
    sure = "" if pattern.confidence_score is None else f" · confidence {pattern.confidence_score:.2f} of 1"
    known, unknown = pattern.evidence_count, runs - pattern.evidence_count
    beside = f", {unknown} more went unjudged" if unknown > 0 else ""
    return f"{pattern.evidence_success_count} of {known} runs succeeded{beside}{expect}{sure}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{output.number(count)} times"


def _support(step: PatternStep) -> str:
    notes = [f"{step.seen_in} of {step.of}"]
    if step.optional:
        notes.append("optional")
    if step.median_duration_ms is not None:
        notes.append(output.duration(step.median_duration_ms))
    return f"[{', '.join(notes)}]"


def _contrast(contrast: Contrast) -> str:
    said = "without exception"
    if contrast.odds_ratio and contrast.high is not None:
        said = f"odds ratio {contrast.odds_ratio:.1f} ({contrast.low:.1f}–{contrast.high:.1f})"
    return (
        f"{contrast.verdict}: {said}, q {contrast.q_value:.3f}, {contrast.successes} successes and "
        f"{contrast.failures} failures"
    )


def _placeholders(schema: object) -> None:
    properties = cast("Document", schema).get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not properties:
        return
    output.say("\nplaceholders")
    for name, about in cast("dict[str, Document]", properties).items():
        examples = cast("list[object]", about.get("examples") or [])
        shown = ", ".join(output.head(str(each), 60) for each in examples[:3])
        described = about.get("description")
        said = f"; {output.clean(described)}" if isinstance(described, str) else ""
        output.say(f"  {name}: {about.get('type', 'any')}{said}" + (f", as {shown}" if shown else ""))


def _criteria(criteria: Document | None) -> list[str]:
    if not criteria:
        return []
    checks = criteria.get("checks")
    if not isinstance(checks, list):
        return [f"{key.replace('_', ' ')}: {value}" for key, value in criteria.items()]
    said: list[str] = []
    for check in cast("list[Document]", checks):
        passed, of = check.get("passed_in"), check.get("of")
        counts = f" (it passed in {passed} of {of})" if passed is not None and of is not None else ""
        said.append(f"step {check.get('step')} passes{counts}" if "step" in check else f"{check.get('check')}{counts}")
    return said


def _section(title: str, content: object) -> None:
    if not content:
        return
    output.say(f"\n{title}")
    items = cast("list[object]", content) if isinstance(content, list) else [content]
    for item in items:
        lines = str(item).splitlines()
        for line in lines[:12]:
            cut = output.clean(line)
            output.say(f"  {cut if len(cut) <= _LINE else cut[: _LINE - 1] + '…'}")
        if len(lines) > 12:
            output.say(f"  … and {len(lines) - 12} more lines (--json holds them)")


def _range(duration: object) -> str:
    if not isinstance(duration, dict):
        return ""
    told = cast("Document", duration)
    low, high = told.get("low"), told.get("high")
    if isinstance(low, int | float) and isinstance(high, int | float) and low < high:
        return f", {output.duration(low)} to {output.duration(high)}"
    return ""


def _of(step: str | None) -> str:
    return f", {output.clean(step)}" if step else ""


def _more(items: Sequence[str], shown: int) -> str:
    return f" and {len(items) - shown} more" if len(items) > shown else ""
