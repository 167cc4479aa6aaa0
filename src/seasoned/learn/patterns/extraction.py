"""From a cluster of alike executions to patterns: align, contrast, generalise, and say what it rests on.

The sources of a pattern are successes (of known quality above the floor, or of unknown quality). Where a cluster has
too few of them, runs with an unknown outcome join: most histories state no outcome, and "this is how it was done, n
times, nobody said how it went" is worth knowing as long as it is said. Such a pattern is flagged ``outcome_unknown``,
its rates count the known outcomes only, and its steps are "seen in", never "helps". Failures are never sources; they
contrast, and those that went the same way count against the pattern.

Runs of a cluster that do not go the same way are told apart first (star clustering by order-aware F1 of their steps);
a way that fewer than two runs share, or that explains less than half of them, is no common way and yields nothing.

Invariant: the same executions give the same patterns, byte for byte, in whatever order they come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from seasoned.learn.patterns.alignment import Alignment, TokenRun, align, likeness, recurring, tokens_of
from seasoned.learn.patterns.clustering import Cluster
from seasoned.learn.patterns.contrast import (
    FEWEST_OUTCOMES,
    RATE,
    Labelled,
    Tested,
    known_outcome,
    lessons,
    tested,
)
from seasoned.learn.patterns.evidence import Evidence
from seasoned.learn.patterns.generalise import RunText, generalise
from seasoned.learn.patterns.record import pattern_of
from seasoned.learn.steps import Step, steps
from seasoned.model import Execution, Pattern

__all__ = ["Options", "extract", "single"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a pattern asks for. The defaults are those of the specification of learning."""

    least_executions: int = 3
    """Executions of a cluster, whatever their outcome, ≥ 1."""
    support: float = 0.6
    """Share of the sources that must have a step, 0..1."""
    quality: float = 0.85
    """Of a source, where it is known, 0..1."""
    agreement: float = 0.5
    """Order-aware F1 from which two runs went the same way, and which the common way must reach on average."""
    least_steps: int = 2
    most_executions: int = 200
    """Of a cluster that are looked at: the first by id, which are hashes, hence a sample."""
    discovery_rate: float = RATE
    least_outcomes: int = FEWEST_OUTCOMES
    """Successes, and failures, of a task shape before it may say what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    execution: Execution
    steps: tuple[Step, ...]

    @property
    def outcome(self) -> bool | None:
        return self.execution.trace.success

    @property
    def id(self) -> str:
        return self.execution.trace.execution_id


def extract(
    cluster: Cluster, executions: Sequence[Execution], *, namespace: str, options: Options | None = None
) -> tuple[Pattern, ...]:
    """Patterns of ``cluster``, the one with most evidence first; ``executions`` are its members', in any order.

    Those that are missing are left out, others are ignored. Contrasts are corrected over what this call asked;
    ``library.settle`` corrects them over many clusters."""
    options = options or Options()
    members = set(cluster.execution_ids)
    ordered = sorted(
        (each for each in executions if each.trace.execution_id in members), key=lambda each: each.trace.execution_id
    )[: options.most_executions]
    routine = cluster.kind == "routine"
    runs = [
        _Run(execution=each, steps=_deeds(each) if routine else steps(each.spans))
        for each in ordered
        if each.trace.status != "in_progress"
    ]
    if routine:
        runs = [run for run in runs if run.steps]
    if len(runs) < options.least_executions:
        return ()
    found: list[Pattern] = []
    for group in _groups(_sources(runs, options), options):
        pattern = _pattern(group, runs, cluster, namespace, options)
        if pattern is not None:
            found.append(pattern)
    unique = {pattern.pattern_id: pattern for pattern in reversed(found)}
    return tuple(
        sorted(unique.values(), key=lambda each: (-each.evidence_count, -len(each.execution_ids), each.pattern_id))
    )


def single(execution: Execution, *, namespace: str, options: Options | None = None) -> Pattern | None:
    """The pattern that one execution shows, marked as resting on one; None where it took no steps.

    Whoever asks for it vouches for the execution; its outcome enters as it is known."""
    run = _Run(execution=execution, steps=steps(execution.spans))
    if not run.steps:
        return None
    return _pattern([run], [run], None, namespace, options or Options())


def _sources(runs: Sequence[_Run], options: Options) -> list[_Run]:
    def good(run: _Run) -> bool:
        quality = run.execution.trace.quality_score
        return run.outcome is True and (quality is None or quality >= options.quality)

    successes = [run for run in runs if good(run)]
    if len(successes) >= options.least_executions:
        return successes
    return [run for run in runs if good(run) or (run.execution.trace.status == "unknown")]


def _groups(sources: Sequence[_Run], options: Options) -> list[list[_Run]]:
    """The sources by the way they went, largest first. Each is near to its centre; ties go by tokens, then id."""
    tokens = [tuple(tokens_of(number, run.steps).tokens) for number, run in enumerate(sources)]
    distinct = sorted(set(tokens))
    near: dict[tuple[str, ...], list[tuple[str, ...]]] = {one: [] for one in distinct}
    for at, one in enumerate(distinct):
        for other in distinct[at:]:
            # No more can be common than the shorter one has.
            if 2 * min(len(one), len(other)) < options.agreement * (len(one) + len(other)):
                continue
            if likeness(one, other) >= options.agreement:
                near[one].append(other)
                if other != one:
                    near[other].append(one)
    members: dict[tuple[str, ...], list[_Run]] = {one: [] for one in distinct}
    for run, own in zip(sources, tokens, strict=True):
        members[own].append(run)
    free = set(distinct)
    groups: list[list[_Run]] = []
    for centre in sorted(distinct, key=lambda one: (-sum(len(members[other]) for other in near[one]), one)):
        if centre not in free:
            continue
        star = [other for other in near[centre] if other in free]
        free -= set(star)
        groups.append(sorted((run for other in star for run in members[other]), key=lambda run: run.id))
    return [group for group in groups if _enough(group, options)]


def _enough(group: Sequence[_Run], options: Options) -> bool:
    known = all(run.outcome is True for run in group)
    return len(group) >= (min(2, options.least_executions) if known else options.least_executions)


def _pattern(
    group: Sequence[_Run],
    runs: Sequence[_Run],
    cluster: Cluster | None,
    namespace: str,
    options: Options,
) -> Pattern | None:
    tasks = {run.execution.fingerprint.task_hash if run.execution.fingerprint else run.id for run in group}
    literal = recurring([run.steps for run in group], options.support, one_task=len(tasks) == 1)
    sequences = [tokens_of(number, run.steps, literal) for number, run in enumerate(group)]
    alignment = align(sequences, options.support)
    if cluster is not None and not _common_way(alignment, group, cluster, options):
        return None
    way = [column.token for column in alignment.columns]
    everyone = {run.id: tokens_of(number, run.steps, literal) for number, run in enumerate(runs)}
    least_near = min(likeness(way, each.tokens) for each in sequences)
    against = [run for run in runs if run.outcome is False and likeness(way, everyone[run.id].tokens) >= least_near]
    asked = _asked(alignment, runs, everyone, options)
    optional = [len(column.instances) < len(group) for column in alignment.columns]
    general = generalise(alignment, [_text(run) for run in group], optional=optional)
    evidence = Evidence(
        sources=tuple(run.execution for run in group),
        failures=tuple(run.execution for run in against),
        others=tuple(run.execution for run in runs if run not in group and run not in against),
        steps=tuple(run.steps for run in group),
    )
    return pattern_of(
        alignment,
        general,
        evidence,
        optional=optional,
        contrasts=lessons(asked, rate=options.discovery_rate),
        p_values=[each.test.p_value for each in asked],
        cluster=cluster,
        namespace=namespace,
        quality=options.quality,
    )


_EVERYDAY = frozenset({"read", "search", "list", "git status", "git diff", "git log", "git show", "search the web"})


def _common_way(alignment: Alignment, group: Sequence[_Run], cluster: Cluster, options: Options) -> bool:
    """Whether there is a way worth telling: enough steps, true of the runs, and not just a look around.

    A routine is what is done to check and to hand over, by habit: in several sessions, whatever was asked."""
    if len(alignment.columns) < options.least_steps or alignment.tightness < options.agreement:
        return False
    told = [column.instances[0].steps[0] for column in alignment.columns]
    if cluster.kind == "routine":
        sessions = {run.execution.trace.session_id or run.id for run in group}
        enough = len(group) >= options.least_executions and len(sessions) > 1
        return enough and any(step.kind == "check" or step.tool in _HANDS_OVER for step in told)
    if all(step.kind == "look" for step in told):
        # That looking was enough is worth knowing only from runs that are known to have succeeded by it.
        won = sum(run.outcome is True for run in group)
        return won >= options.least_executions and any(step.tool not in _EVERYDAY for step in told)
    return True


_HANDS_OVER = frozenset({"git commit", "git push", "git merge", "gh pr create", "gh pr merge"})


def _deeds(execution: Execution) -> tuple[Step, ...]:
    """The steps without the looks, which differ with every task."""
    return tuple(step for step in steps(execution.spans) if step.kind != "look")


def _text(run: _Run) -> RunText:
    trace = run.execution.trace
    return RunText(
        prompt=" ".join([trace.prompt or "", *trace.follow_ups]),
        results={span.span_id: span.result_preview for span in run.execution.spans if span.result_preview},
    )


def _asked(alignment: Alignment, runs: Sequence[_Run], everyone: dict[str, TokenRun], options: Options) -> list[Tested]:
    """What is asked of a way: does a step help, does its place, does passing a check, and what do failures do?"""
    labelled = [
        Labelled(
            run=number,
            success=outcome,
            stratum=run.execution.fingerprint.shape_hash,
            session=run.execution.trace.session_id or run.id,
        )
        for number, run in enumerate(runs)
        if (outcome := known_outcome(run.execution.trace)) is not None and run.execution.fingerprint is not None
    ]
    if not labelled:
        return []
    return tested(subjects(alignment, [everyone[run.id] for run in runs]), labelled, least=options.least_outcomes)


def subjects(alignment: Alignment, runs: Sequence[TokenRun]) -> dict[str, frozenset[int]]:
    """Which runs (numbers) have what may be asked about: each token; the order of neighbouring steps of the common way,
    ``a → b``; a check of it that passed, ``passed: a``."""
    having: dict[str, set[int]] = {}
    way = [column.token for column in alignment.columns]
    for number, run in enumerate(runs):
        places: dict[str, int] = {}
        for place, (token, behind) in enumerate(zip(run.tokens, run.steps, strict=True)):
            places.setdefault(token, place)
            having.setdefault(token, set()).add(number)
            if behind[-1].kind == "check" and behind[-1].passed and token in way:
                having.setdefault(f"passed: {token}", set()).add(number)
        for one, other in pairwise(way):
            if one in places and other in places and places[one] < places[other]:
                having.setdefault(f"{one} → {other}", set()).add(number)
    return {subject: frozenset(numbers) for subject, numbers in having.items()}
