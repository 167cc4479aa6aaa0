"""Task fingerprints: the identity of a task, and what an answer about similar tasks is made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from seasoned.model.trace import Trace

__all__ = [
    "Domain",
    "Fingerprint",
    "FingerprintStats",
    "Intent",
    "Match",
    "MatchKind",
    "ScoreTerm",
    "SimilarTasks",
    "TaskType",
]

TaskType = Literal[
    "code_generation", "refactoring", "debugging", "testing", "documentation", "research", "operations", "other"
]
Domain = str
"""api_development, database, frontend, infrastructure, security, data, testing, general, or a caller's own."""
Intent = Literal["debug", "develop", "test", "deploy", "explain", "other"]
MatchKind = Literal["exact", "shape", "similar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What was asked, reduced to what makes two askings the same or alike."""

    fingerprint_id: str
    """UUIDv5 of ``task_hash``."""
    namespace: str
    task_hash: str
    """SHA-256 (hex) of namespace and normalised prompt, literals kept. Unique."""
    shape_hash: str
    """SHA-256 (hex) of namespace and ``shape_prompt``."""
    shape_prompt: str
    """The normalised prompt with its literals replaced by typed slots."""
    task_type: TaskType
    task_type_confidence: float
    """0..1, of the classifier; 1.0 where a caller stated the type."""
    domain: Domain
    domain_confidence: float
    intent: Intent
    complexity_score: float
    """0..1."""
    original_prompt: str
    """Redacted."""
    normalized_prompt: str
    prompt_tokens: tuple[str, ...]
    """Distinct keywords, unweighted, sorted."""
    file_patterns: tuple[str, ...] = ()
    technology_stack: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FingerprintStats:
    """What became of the executions of one fingerprint; counted in the transaction that records them."""

    first_seen_at: datetime | None
    last_seen_at: datetime | None
    execution_count: int
    success_count: int
    failure_count: int
    """Executions with unknown, aborted or open outcome are in neither count."""
    avg_execution_time_ms: float | None
    avg_quality_score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTerm:
    """One term of a similarity score: ``weight · value`` is its share."""

    name: Literal["semantic", "keyword", "domain", "task_type"]
    value: float | None
    """0..1; None where it could not be computed, its weight then goes to the others."""
    weight: float
    """0..1 after redistribution; the weights of a match sum to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One past task like the one asked about, with the reasons why it is thought to be."""

    fingerprint: Fingerprint
    stats: FingerprintStats
    kind: MatchKind
    score: float
    """0..1."""
    terms: tuple[ScoreTerm, ...]
    shared_keywords: tuple[str, ...]
    """Rarest first."""
    executions: tuple[Trace, ...]
    """Most telling executions behind it, newest first among equals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarTasks:
    """An answer. ``matches`` may be empty: nothing relevant is an answer too, and ``reason`` says why."""

    prompt: str
    matches: tuple[Match, ...]
    searched: int
    """Fingerprints in reach of the search."""
    embedded: int | None
    """How many of them had a vector of the model asked; None when no embedder took part."""
    reason: str
    """One sentence fit to be shown."""
    latency_ms: float
