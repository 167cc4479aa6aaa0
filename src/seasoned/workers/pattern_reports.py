"""A way that worked, reported by whoever went it: a pattern that rests on one execution and says so.

The execution itself is read as the learner reads any (``learn.patterns.single``): its evidence, estimates and warnings
come from there, the steps and words from the report. Invariant: every figure of the answer is counted in the store or
None. *Applicability* is the mean likeness of the (at most five) nearest other tasks of the namespace; *reuse* the share
of the executions of this task's shape that came after the first and so could have used the pattern; *similar patterns*
are those of the library whose steps agree with these (order-aware F1 ≥ 0.7), or that are about the same task.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast, get_args

from seasoned.capture.excerpt import cut, cut_arguments
from seasoned.errors import NotFoundError, UsageError
from seasoned.learn.patterns import Suspicion, single, suspicions
from seasoned.learn.patterns.alignment import likeness
from seasoned.learn.statistics import confidence, posterior
from seasoned.learn.steps import StepKind
from seasoned.learn.steps import steps as steps_of
from seasoned.learn.templates import QUALITY_FLOOR, check_template, names_in, template_of, text_of_plan
from seasoned.library.words import keywords_of
from seasoned.model import AuditEntry, Document, Execution, Identity, Pattern, PatternStep, PatternType, Span, Template
from seasoned.model.ids import canonical_json, name_id, new_id
from seasoned.store import LibraryQuery, Store

__all__ = ["RecordedPattern", "ReportedPattern", "record_pattern"]

_SAME_WAY = 0.7
"""Agreement of steps from which the learner, too, takes two patterns for one way."""
_PAGE = 500
_NAMED = re.compile(r"\{([a-z][a-z0-9_]{0,60})\}")
_KINDS: tuple[StepKind, ...] = get_args(StepKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedPattern:
    """What the caller says, redacted."""

    fingerprint_id: str
    execution_id: str
    name: str
    pattern_type: PatternType
    steps: tuple[Document, ...]
    """Each with ``action`` or ``command`` and, where known, ``tool``, ``kind``, ``files``; ``{name}`` is a
    placeholder."""
    template: str | None = None
    """Template text; else it is made from the steps."""
    applicability_criteria: Document | None = None
    validation_criteria: Document | None = None
    quality_thresholds: Document | None = None
    required_tools: tuple[str, ...] = ()
    estimated_duration_ms: int | None = None
    applicable_domains: tuple[str, ...] = ()
    technology_requirements: tuple[str, ...] = ()
    create_template: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPattern:
    """The pattern as recorded."""

    pattern: Pattern
    template: Template | None
    template_reason: str | None
    """Why there is no template although one was asked for."""
    applicability: float | None
    neighbours: int
    """Tasks that the applicability rests on."""
    reuse: float | None
    shape_executions: int
    """Executions that the reuse rests on."""
    similar: tuple[str, ...]


def record_pattern(
    store: Store,
    who: Identity,
    report: ReportedPattern,
    *,
    neighbours: Sequence[float],
    now: datetime,
) -> RecordedPattern:
    """Record the pattern, durably. ``neighbours`` are the likenesses, 0..1, of other tasks, best first. It belongs to
    ``who``; what a local administrator reports, to the agent of the execution. Only what ``who`` may read counts as
    similar.

    Raises UsageError for an execution that failed or is of another task and for steps without an action, NotFoundError
    for one that the namespace does not have, TemplateError for a template that may not be used, StoreConflictError for
    a name that its owner has given already.
    """
    namespace = who.namespace
    execution = _execution(store, namespace, report)
    recommended = _steps(report.steps)
    drawn = single(execution, namespace=namespace)
    pattern = _pattern(report, execution, recommended, drawn, now)
    if not who.local:
        pattern = replace(pattern, agent_id=who.agent_id)
    near = list(neighbours[:5])
    applicability = round(sum(near) / len(near), 4) if near else None
    reuse, executions = _reuse(store, namespace, execution)
    data: Document = {
        **(pattern.pattern_data or {}),
        "applicability": {"likeness_of_tasks": applicability, "tasks": len(near)},
        "reuse": {"share": reuse, "executions": executions},
    }
    pattern = replace(pattern, pattern_data=data)
    pattern = replace(pattern, keywords=keywords_of(pattern))
    similar = tuple(
        each.pattern_id
        for each in _library(store, who)
        if each.fingerprint_id == pattern.fingerprint_id or likeness(_way(each), _way(pattern)) >= _SAME_WAY
    )
    template, reason = _template(pattern) if report.create_template else (None, None)
    with store.writing() as writing:
        if not writing.traces(pattern.execution_ids):
            raise NotFoundError(f"The execution {report.execution_id!r} was forgotten meanwhile.")
        writing.save_patterns([pattern])
        told: Document = {
            "pattern_name": pattern.pattern_name, "version": pattern.version, "access_level": pattern.access_level,
        }  # fmt: skip
        entry = AuditEntry(
            namespace=namespace, who=who.agent_id, what="create", subject=pattern.pattern_id, after=told, at=now
        )
        writing.save_audit([entry])
        if template is not None:
            writing.save_templates([template])
    return RecordedPattern(
        pattern=store.pattern(namespace, pattern.pattern_id) or pattern,
        template=template,
        template_reason=reason,
        applicability=applicability,
        neighbours=len(near),
        reuse=reuse,
        shape_executions=executions,
        similar=similar,
    )


def _execution(store: Store, namespace: str, report: ReportedPattern) -> Execution:
    trace = store.trace(namespace, report.execution_id)
    if trace is None:
        raise NotFoundError(f"There is no execution {report.execution_id!r} in namespace {namespace!r}.")
    execution = store.executions([trace.execution_id])[0]
    own = execution.fingerprint.fingerprint_id if execution.fingerprint else None
    if own != report.fingerprint_id:
        raise UsageError(f"Execution {trace.execution_id} is of task {own}, not of {report.fingerprint_id}.")
    if trace.success is False:
        raise UsageError(f"Execution {trace.execution_id} failed; a success pattern rests on one that did not.")
    if trace.status == "in_progress":
        raise UsageError(f"Execution {trace.execution_id} has not ended yet.")
    return execution


def _steps(documents: Sequence[Document]) -> tuple[PatternStep, ...]:
    if not documents:
        raise UsageError("--recommended-steps: at least one step is needed.")
    return tuple(_step(number, document) for number, document in enumerate(documents, 1))


def _step(number: int, document: Document) -> PatternStep:
    command = document.get("command")
    action = document.get("action") or document.get("step_type") or document.get("description")
    if isinstance(document.get("step"), str):
        action = action or document["step"]
    if not isinstance(command, str) and not (isinstance(action, str) and action.strip()):
        raise UsageError(f"--recommended-steps: step {number} needs an `action` or a `command`.")
    kind = document.get("kind")
    if kind is not None and kind not in _KINDS:
        raise UsageError(f"--recommended-steps: step {number}: kind {kind!r}; allowed are {', '.join(_KINDS)}.")
    duration = document.get("duration_ms")
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, int | float) or duration < 0):
        raise UsageError(f"--recommended-steps: step {number}: duration_ms must be a number ≥ 0, not {duration!r}.")
    text = str(action) if action else f"Run `{command}`"
    if isinstance(command, str) and action and command not in text:
        text = f"{text}: Run `{command}`"
    read = _read(document, command if isinstance(command, str) else None)
    return PatternStep(
        number=number,
        action=cut(" ".join(text.split()), 600),
        tool=read[1],
        target=read[2],
        kind=cast("StepKind", kind or read[0]),
        seen_in=1,
        of=1,
        median_duration_ms=None if duration is None else round(duration),
    )


def _read(document: Document, command: str | None) -> tuple[str, str, str]:
    """Kind, tool and target, as the learner would read the call; a step in words alone is a change by no tool."""
    tool = str(document.get("tool") or ("Bash" if command else ""))
    files = document.get("files") or document.get("files_modified") or ()
    listed = (
        [str(each) for each in cast("list[object]", files)]
        if isinstance(files, list)
        else [str(files)]
        if files
        else []
    )
    if not tool:
        return "change", "", ", ".join(listed)[:160]
    known = {"action", "step", "step_number", "step_type", "description", "tool", "kind", "files", "files_modified"}
    rest = {key: value for key, value in document.items() if key not in {*known, "command", "duration_ms", "outcome"}}
    arguments: Document = {**rest, **({"command": command} if command else {})}
    if listed:
        arguments.setdefault("file_path", listed[0])
    call = Span(
        span_id=name_id("step", canonical_json(document)),
        execution_id=name_id("step"),
        number=0,
        kind="tool",
        name=tool,
        tool=tool,
        outcome="success",
        files=tuple(listed),
        arguments=cut_arguments(arguments),
    )
    found = steps_of([call])
    if not found:
        return "change", tool[:200], ", ".join(listed)[:160]
    return found[-1].kind, found[-1].tool, found[-1].target[:160]


def _pattern(
    report: ReportedPattern,
    execution: Execution,
    recommended: tuple[PatternStep, ...],
    drawn: Pattern | None,
    now: datetime,
) -> Pattern:
    trace, fingerprint = execution.trace, execution.fingerprint
    known = 0 if trace.success is None else 1
    score = posterior(float(trace.success is True), known)
    actions = [step.action for step in recommended]
    names = (
        names_in(report.template) if report.template else sorted({n for text in actions for n in _NAMED.findall(text)})
    )
    schema = _schema(names, drawn)
    content = report.template or text_of_plan(report.name, actions, frozenset(names))
    check_template(content, schema)
    told = "\n".join([report.name, content, *actions])
    flags = {"rests_on_one_execution", *(drawn.review_flags if drawn is not None else ())}
    flags |= {"few_outcomes"} if known < 3 else set()
    flags |= {"outcome_unknown"} if not known else set()
    found = suspicions(told)
    flags |= {"instructions_in_text"} if found else set()
    data = dict(drawn.pattern_data or {}) if drawn is not None else {}
    data |= {
        "description": f"{len(recommended)} steps, recorded from 1 execution by {trace.agent_name or 'its agent'}.",
        "solution": "; then ".join(actions)[:1_000],
        "placeholders": schema,
        "suspicions": [*cast("list[object]", data.get("suspicions") or []), *_suspected(found)],
    }
    if trace.quality_score is not None:
        data["quality"] = trace.quality_score
    return Pattern(
        pattern_id=new_id(now),
        pattern_name=report.name,
        namespace=trace.namespace,
        agent_id=trace.agent_id or trace.agent_name or "seasoned",
        category=fingerprint.task_type if fingerprint else None,
        subcategory=fingerprint.domain if fingerprint else None,
        pattern_type=report.pattern_type,
        intent=fingerprint.intent if fingerprint else None,
        fingerprint_id=report.fingerprint_id,
        execution_ids=(trace.execution_id,),
        extraction_method="recorded",
        pattern_data=data,
        pattern_template=content,
        applicability_criteria=report.applicability_criteria or (drawn.applicability_criteria if drawn else None),
        recommended_steps=recommended,
        required_tools=report.required_tools or tuple(sorted({step.tool for step in recommended if step.tool})),
        estimated_duration_ms=report.estimated_duration_ms
        if report.estimated_duration_ms is not None
        else trace.duration_ms,
        validation_criteria=report.validation_criteria or (drawn.validation_criteria if drawn else None),
        quality_thresholds=report.quality_thresholds,
        applicable_domains=report.applicable_domains or ((fingerprint.domain,) if fingerprint else ()),
        technology_requirements=report.technology_requirements or trace.technology_stack,
        success_score=score,
        evidence_count=known,
        evidence_success_count=int(trace.success is True),
        success_rate=score,
        confidence_score=round(confidence(known), 6),
        complexity_score=fingerprint.complexity_score if fingerprint else None,
        learning_weight=trace.outcome_confidence,
        origin_trust=drawn.origin_trust if drawn is not None else "own",
        review_flags=tuple(sorted(flags)),
        extracted_at=now,
    )


def _suspected(found: Sequence[Suspicion]) -> list[Document]:
    return [{"kind": each.kind, "place": "report", "excerpt": each.excerpt} for each in found]


def _schema(names: Sequence[str], drawn: Pattern | None) -> Document:
    """One text for each placeholder; described as in the execution where that has one of this name."""
    about: dict[str, object] = {}
    seen = (drawn.pattern_data or {}).get("placeholders") if drawn is not None else None
    if isinstance(seen, dict):
        about = cast("dict[str, object]", cast("Document", seen).get("properties") or {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {name: about.get(name, {"type": "string", "minLength": 1}) for name in names},
        "required": list(names),
        "additionalProperties": False,
    }


def _template(pattern: Pattern) -> tuple[Template | None, str | None]:
    template = template_of(pattern)
    if template is not None:
        return template, None
    quality = (pattern.pattern_data or {}).get("quality", pattern.success_score)
    schema = cast("Document", (pattern.pattern_data or {})["placeholders"])
    if not schema["properties"]:
        return None, "The steps have no placeholders: write what varies as {name}."
    known = "unknown" if quality is None else f"{quality:.2f}"
    return None, f"The quality of the execution is {known}; a template asks for {QUALITY_FLOOR}."


def _way(pattern: Pattern) -> list[str]:
    return [f"{step.kind} {step.tool or step.action.casefold()}" for step in pattern.recommended_steps]


def _library(store: Store, who: Identity) -> list[Pattern]:
    found: list[Pattern] = []
    query = LibraryQuery(namespace=who.namespace, limit=_PAGE)
    while page := store.visible_patterns(who, replace(query, offset=len(found))):
        found += page
    return found


def _reuse(store: Store, namespace: str, execution: Execution) -> tuple[float | None, int]:
    if execution.fingerprint is None:
        return None, 0
    alike = store.by_hash(namespace, shape_hash=execution.fingerprint.shape_hash)
    count = sum(each.stats.execution_count for each in store.fingerprints(alike).values())
    return (round((count - 1) / count, 4) if count else None), count
