"""Patterns and templates: reusable knowledge, with the executions that it rests on.

Invariant: a pattern never says more than its evidence. ``success_rate`` is None until an outcome is known, what a step
is worth is said by a ``Contrast`` or not at all, and every pattern names the executions behind it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from seasoned.model.ids import name_id
from seasoned.model.trace import Document

__all__ = [
    "AccessLevel",
    "AgentChain",
    "Contrast",
    "OriginTrust",
    "Pattern",
    "PatternStatus",
    "PatternStep",
    "PatternType",
    "Template",
]

PatternType = Literal[
    "workflow",
    "code_template",
    "validation_sequence",
    "tool_chain",
    "fix",
    "preference",
    "agent_routing",
    "hook_sequence",
    "endpoint_chain",
]
PatternStatus = Literal["candidate", "active", "deprecated", "rejected"]
AccessLevel = Literal["private", "team", "shared", "public", "system"]
OriginTrust = Literal["own", "team", "foreign", "read_outside_content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How a step, an order or a check separates success from failure among executions of the same task shape."""

    verdict: Literal["helps", "harms"]
    odds_ratio: float | None
    """Common odds ratio over the strata (Mantel-Haenszel), ≥ 0; above 1: more successes with it. None: without bound,
    as there was no failure with it or no success without it."""
    low: float
    """Lower end of its 95 % interval."""
    high: float | None
    """Upper end; None: without bound."""
    p_value: float
    """Of the stratified test, before the correction for many tests."""
    q_value: float
    """After it (false discovery rate)."""
    successes: int
    """Executions with a known outcome that it rests on."""
    failures: int
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternStep:
    """One step of a pattern: an effect (tool and normalised target), not a wording."""

    number: int
    """Order, from 1."""
    action: str
    """A sentence fit to be shown; placeholders stand as ``{name}``."""
    tool: str
    """Tool or, for a shell line, its program."""
    target: str
    """What it acts on; placeholders stand as ``{name}``."""
    kind: Literal["change", "check", "look", "delegate"] = "change"
    """``check`` steps become validation criteria."""
    seen_in: int
    """Executions of ``of`` in which it stood."""
    of: int
    optional: bool = False
    """Seen often, not in all."""
    repeats: bool = False
    """A loop: done several times over in most of the executions that have it."""
    median_duration_ms: int | None = None
    contrast: Contrast | None = None
    """None: the counts do not allow a word on whether it helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One version of a piece of reusable knowledge."""

    pattern_id: str
    """UUIDv5 of namespace and content for one that was extracted, UUIDv7 for one that was recorded."""
    pattern_name: str
    namespace: str
    agent_id: str
    """Owner; ``seasoned`` for what the learner extracted."""
    category: str | None = None
    """Task type."""
    subcategory: str | None = None
    """Domain."""
    pattern_type: PatternType
    intent: str | None = None
    status: PatternStatus = "candidate"
    access_level: AccessLevel = "team"
    shared_with_agents: tuple[str, ...] = ()
    version: str = "1.0.0"
    """Semantic version."""
    parent_pattern_id: str | None = None
    fingerprint_id: str | None = None
    """The task that stands for the cluster it was drawn from."""
    execution_ids: tuple[str, ...] = ()
    """Sorted."""
    extraction_method: str | None = None
    """``cluster``, ``single``, ``correction``, ``recorded``, …"""
    pattern_data: Document | None = None
    """description, problem, solution, rationale, example, when_to_use, when_not_to_use, prerequisites, gotchas, …"""
    pattern_template: str | None = None
    """Text with placeholders in Jinja's notation."""
    applicability_criteria: Document | None = None
    recommended_steps: tuple[PatternStep, ...] = ()
    required_tools: tuple[str, ...] = ()
    estimated_duration_ms: int | None = None
    validation_criteria: Document | None = None
    quality_thresholds: Document | None = None
    applicable_domains: tuple[str, ...] = ()
    technology_requirements: tuple[str, ...] = ()
    success_score: float | None = None
    """0..1, at extraction: posterior mean over source executions with a known outcome; None without any."""
    evidence_count: int = 0
    """Source executions with a known outcome (success or failure)."""
    evidence_success_count: int = 0
    usage_count: int = 0
    success_count: int = 0
    """Of the usages; those that are in neither this nor ``failure_count`` have an unknown outcome."""
    failure_count: int = 0
    """Of the usages."""
    success_rate: float | None = None
    """0..1: posterior mean over source executions and usages whose outcome is known; None without any."""
    avg_quality_improvement: float | None = None
    confidence_score: float | None = None
    """n / (n + 12.5) with n known outcomes."""
    learning_weight: float | None = None
    complexity_score: float | None = None
    validation_status: str | None = None
    origin_trust: OriginTrust = "own"
    review_flags: tuple[str, ...] = ()
    """What a reviewer must look at: ``rests_on_one_execution``, ``one_session``, ``instructions_in_text``, …"""
    duplicate_of: str | None = None
    successor_id: str | None = None
    deprecation_reason: str | None = None
    waiver: Document | None = None
    extracted_at: datetime | None = None
    last_used_at: datetime | None = None
    created_at: datetime | None = None
    """Wall clock of the store; None before it is stored."""
    updated_at: datetime | None = None
    deprecated_at: datetime | None = None
    keywords: tuple[str, ...] = ()
    """Words that it is found by, sorted; of name, problem, when to use it, steps, category (``library.words``)."""
    metadata: Document | None = None

    def create_version(self, new_version: str, pattern_data: Document, **changes: object) -> "Pattern":
        """The next version of this one as a value, not recorded yet (``LearningService.create_version`` records it): a
        candidate without evidence or use, with this one as parent. ``changes``: further fields by name."""
        fresh: dict[str, Any] = {name: getattr(self, name) for name in _CARRIED}
        fresh |= {"parent_pattern_id": self.pattern_id, "version": new_version, "pattern_data": pattern_data, **changes}
        fresh.setdefault("pattern_id", name_id("version", self.pattern_id, new_version))
        return Pattern(**fresh)


_CARRIED = (
    "pattern_name", "namespace", "agent_id", "category", "subcategory", "pattern_type", "intent", "access_level",
    "shared_with_agents", "fingerprint_id", "pattern_template", "applicability_criteria", "required_tools",
    "estimated_duration_ms", "validation_criteria", "quality_thresholds", "applicable_domains",
    "technology_requirements", "learning_weight", "complexity_score", "origin_trust", "metadata",
)  # fmt: skip
"""What a version has from its parent: what it is about and whose it is, not what was seen of the parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text with typed placeholders that can be filled."""

    template_id: str
    template_name: str
    """Unique per namespace and owner."""
    namespace: str
    agent_id: str
    access_level: AccessLevel = "team"
    template_version: str = "1.0.0"
    category: str | None = None
    subcategory: str | None = None
    template_content: str
    """Jinja, filled in a sandbox."""
    placeholder_schema: Document
    """JSON Schema (2020-12) of an object with one property for each placeholder."""
    description: str | None = None
    usage_example: str | None = None
    prerequisites: Document | None = None
    quality_score: float | None = None
    validation_rules: Document | None = None
    derived_from_pattern_id: str | None = None
    derived_from_execution_id: str | None = None
    usage_count: int = 0
    success_rate: float | None = None
    avg_quality_score: float | None = None
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deprecated_at: datetime | None = None
    metadata: Document | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChain:
    """A hand-over sequence that recurs."""

    chain_id: str
    """UUIDv5 of namespace, chain, task type and domain."""
    namespace: str
    chain: tuple[str, ...]
    """Agent names in order, at least two."""
    task_type: str | None
    domain: str | None
    support: int
    """Executions with it, ≥ 1."""
    success_rate: float | None
    """0..1 over those with a known outcome."""
    avg_duration_ms: float | None
    last_seen_at: datetime | None
