"""What an agent did: traces, their spans and the artifacts they left.

A value here is *a piece of knowledge about one execution*, not necessarily all of it. Pieces of the same
execution arrive from several places (a parent transcript that names its sub-agent, the sub-agent's own
file, a hook, a re-import of a transcript that has grown) and in any order; ``merge_traces`` joins them,
and the result does not depend on the order. ``None`` therefore always means "this piece does not say".
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Literal

__all__ = [
    "APPROVED",
    "Artifact",
    "ArtifactType",
    "Document",
    "OnexNodeType",
    "OutcomeTier",
    "Signal",
    "Span",
    "SpanKind",
    "SpanOutcome",
    "Status",
    "Trace",
    "merge_traces",
]

Document = dict[str, object]
"""A JSON object. Used only for what foreign sources shape (arguments, metadata), never for our own records."""

Status = Literal["in_progress", "success", "failure", "aborted", "unknown"]
OutcomeTier = Literal["explicit", "consensus", "unknown"]
SpanKind = Literal["phase", "tool", "llm", "hook", "endpoint"]
SpanOutcome = Literal["success", "failure", "rejected", "cancelled", "skipped", "unknown"]
ArtifactType = Literal["source_code", "test", "config", "documentation"]
OnexNodeType = Literal["Effect", "Compute", "Reducer", "Orchestrator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One piece of evidence about how an execution went."""

    kind: str
    """What was seen: reward, verdict, approved, user_accepted, user_rejected, check, commit, interruption, quota, …"""
    verdict: Status
    """What it speaks for."""
    weight: float
    """How much it counts, 0..1; see ``capture.outcome``."""
    detail: str = ""
    """The words, command or figure seen, short and redacted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One run of one task by an agent, from prompt to outcome."""

    execution_id: str
    """UUIDv5 for anything an agent did (``model.ids``); also called path_id and trace_id."""
    namespace: str
    """The tenant that it belongs to."""
    revision: int = 0
    """How much of the source this piece rests on (records read so far); where pieces disagree the higher one wins.
    0: a mention by somebody else."""
    correlation_id: str | None = None
    """Joins executions of one request; the session where the source has nothing finer."""
    root_id: str | None = None
    """Topmost execution of the delegation tree; None for a root."""
    parent_id: str | None = None
    """The execution that delegated this one."""
    session_id: str | None = None
    """The agent's own id of the session."""
    user_id: str | None = None
    agent_id: str | None = None
    """Identity that acted, where agents are registered."""
    agent_name: str | None = None
    """Name of the agent or sub-agent, e.g. ``claude-code``, ``Explore``, ``gpt-4o``."""
    agent_chain: tuple[str, ...] = ()
    """Names from the outermost agent to this one, in order."""
    source: str | None = None
    """Where it was seen: claude_code, codex, gemini, opencode, swe_agent, openhands, tau_bench, atif, sdk, git, …"""
    source_version: str | None = None
    """Version that the source states of itself."""
    model: str | None = None
    """Language model that did most of the work."""
    prompt: str | None = None
    """What was asked, redacted."""
    follow_ups: tuple[str, ...] = ()
    """Later words of the user that belong to the same task (corrections, continuations), redacted, in order."""
    started_at: datetime | None = None
    """Aware UTC."""
    completed_at: datetime | None = None
    """Aware UTC; None while in progress."""
    duration_ms: int | None = None
    """Wall time from start to completion, ≥ 0."""
    status: Status = "in_progress"
    outcome_tier: OutcomeTier = "unknown"
    """How the status is known."""
    outcome_confidence: float | None = None
    """0..1; travels as a weight into everything learned. None while nothing is known."""
    outcome_evidence: tuple[Signal, ...] = ()
    """Every signal that was seen, also those that lost."""
    quality_score: float | None = None
    """0..1; None with fewer than two signals."""
    user_acceptance: bool | None = None
    """The user's own words: True accepted, False rejected, None said nothing."""
    error_type: str | None = None
    error_message: str | None = None
    """Redacted; why the run as a whole failed, where the source says."""
    api_calls_count: int | None = None
    input_tokens: int | None = None
    """Prompt tokens that were not read from a cache."""
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    total_tokens_used: int | None = None
    """Sum of the four where they are known, else what the source states."""
    cost_usd: float | None = None
    """Only what the source states; never computed from a price list that may be stale."""
    cache_hits: int | None = None
    pattern_used_id: str | None = None
    template_used_id: str | None = None
    repo: str | None = None
    git_branch: str | None = None
    git_commit: str | None = None
    cwd: str | None = None
    technology_stack: tuple[str, ...] = ()
    """Languages and frameworks that the files, tools and manifests show, sorted."""
    context: Document | None = None
    tags: tuple[str, ...] = ()
    metadata: Document | None = None

    @property
    def success(self) -> bool | None:
        """True or False where the status says so, None where it does not."""
        return {"success": True, "failure": False}.get(self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One timed thing inside a trace. Spans form a tree by ``parent_span_id``."""

    span_id: str
    execution_id: str
    parent_span_id: str | None = None
    number: int
    """Order inside the execution, from 0."""
    kind: SpanKind
    name: str
    """What a person would call it: the tool's name, the model's, the phase's."""
    tool: str | None = None
    model: str | None = None
    description: str | None = None
    started_at: datetime | None = None
    duration_ms: int | None = None
    """≥ 0; None where the source does not say."""
    outcome: SpanOutcome = "unknown"
    """``rejected`` by the user and ``cancelled`` with a sibling or by an interruption are no failures of the tool."""
    error_type: str | None = None
    """exit_code, tool_error, permission_denied, timeout, interrupted, hidden_by_pipe, …"""
    error_message: str | None = None
    """Redacted, at most ``ERROR_LIMIT`` characters."""
    files: tuple[str, ...] = ()
    """Paths that it read or wrote, relative to the working directory where they lie inside it."""
    arguments: Document | None = None
    """Redacted; strings cut at ``ARGUMENT_LIMIT`` characters."""
    result_preview: str | None = None
    """Redacted head and tail of the result, at most ``PREVIEW_LIMIT`` characters."""
    result_bytes: int | None = None
    """Size of the whole result, UTF-8."""
    tokens: int | None = None
    """Tokens of a model call, all kinds together."""
    attributes: Document | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a trace created or changed."""

    artifact_id: str
    execution_id: str
    file_path: str
    artifact_type: ArtifactType
    language: str | None = None
    content_hash: str | None = None
    """SHA-256 of the content, hex, where the content was seen whole."""
    content_preview: str | None = None
    """First 500 characters, redacted; absent under the hash-only setting."""
    lines_added: int | None = None
    lines_modified: int | None = None
    """Lines replaced one for one; not counted again in added and deleted."""
    lines_deleted: int | None = None
    quality_score: float | None = None
    """0..1; ``metadata["quality"]`` says what it was made of. None in all of the following: not known."""
    onex_compliance_score: float | None = None
    """0..1, of files that belong to an ONEX node alone."""
    onex_node_type: OnexNodeType | None = None
    pattern_compliance: Document | None = None
    complexity_metrics: Document | None = None
    test_coverage: float | None = None
    """*Percent*, 0..100."""
    tests_passed: int | None = None
    tests_failed: int | None = None
    lint_passed: bool | None = None
    type_check_passed: bool | None = None
    security_scan_passed: bool | None = None
    metadata: Document | None = None


_LATER_WINS_TOGETHER = (
    # These say one thing together; they are taken from one piece, never mixed.
    "completed_at",
    "duration_ms",
    "status",
    "outcome_tier",
    "outcome_confidence",
    "outcome_evidence",
    "quality_score",
    "user_acceptance",
    "error_type",
    "error_message",
    "follow_ups",
)
_ENDED: tuple[Status, ...] = ("success", "failure", "aborted", "unknown")
APPROVED = "approved"
"""Kind of the signal that says that the user approved the execution by a command. It comes from beside the source: no
reading of the source, however full, knows of it or takes it back."""
_ALONE = tuple(
    field.name
    for field in fields(Trace)
    if field.name not in {*_LATER_WINS_TOGETHER, "execution_id", "namespace", "revision"}
)


def _ending(piece: Trace) -> tuple[bool, int, str]:
    together = tuple(getattr(piece, name) for name in _LATER_WINS_TOGETHER)
    return piece.status in _ENDED, piece.revision, repr(together)


def merge_traces(one: Trace, other: Trace) -> Trace:
    """Everything that two pieces know about the same execution.

    Field by field the piece with the higher revision wins where it says anything; how the run ended is taken whole from
    the fullest piece that has seen an end, and an approval by the user stays over it. Pieces of equal revision that
    disagree (a forked transcript) are decided by content, so the merge is commutative and idempotent. It is associative
    as long as a fuller reading does not know less than a shorter one of the same source, which importers guarantee.
    """
    if one.execution_id != other.execution_id:
        raise ValueError(f"not the same execution: {one.execution_id} and {other.execution_id}")
    strong, weak = (one, other) if one.revision >= other.revision else (other, one)
    equal = one.revision == other.revision
    changes: dict[str, object] = {}
    for name in _ALONE:
        mine, theirs = getattr(strong, name), getattr(weak, name)
        if theirs is None or theirs in ((), mine):
            continue
        if mine is None or mine == () or (equal and repr(theirs) > repr(mine)):
            changes[name] = theirs
    if _ending(weak) > _ending(strong):
        for name in _LATER_WINS_TOGETHER:
            changes[name] = getattr(weak, name)
    merged = replace(strong, **changes)  # pyright: ignore[reportArgumentType]  # names come from fields(Trace)
    approvals = {each for piece in (one, other) for each in piece.outcome_evidence if each.kind == APPROVED}
    return _approved(merged, approvals) if approvals else merged


def _approved(trace: Trace, approvals: set[Signal]) -> Trace:
    """It went well, whatever else was seen: the user said so, looking at it."""
    others = tuple(each for each in trace.outcome_evidence if each.kind != APPROVED)
    return replace(
        trace,
        status="success",
        outcome_tier="explicit",
        outcome_confidence=1.0,
        outcome_evidence=(*others, *sorted(approvals, key=repr)),
        user_acceptance=True,
    )
