"""How far a pattern is to be trusted: its success, what its recent uses say, and what has changed around it.

Pure functions of a pattern's counts. Invariant: a use whose outcome is unknown moves nothing; a claim of its author
(the learning weight) is never evidence, it only makes the prior slower to move.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from seasoned.learn.statistics import confidence, posterior
from seasoned.model import FALLING, WORTH_SHARING, Pattern

__all__ = [
    "BLOCKING",
    "BaseScore",
    "Counts",
    "Rules",
    "auto_applied",
    "base_score",
    "best_key",
    "decayed",
    "judged",
    "ready_by_policy",
    "success_rate",
]

BLOCKING = frozenset({FALLING, "instructions_in_text", "read_outside_content", "sources_forgotten"})
"""Flags with which nothing is promoted or applied without a person."""

_RECENT = 10
"""Known outcomes that count as recent."""
_LEAST_USES = 5
"""Sharing by merit begins at so many uses; a review for falling success above so many."""
_SHARED_ABOVE, _REVIEWED_BELOW = 0.8, 0.7
_HALF_LIFE_DAYS = 180.0
"""Of the confidence in a pattern whose stack nobody uses any more; a choice, not a measurement."""
_USES_IN_FULL = 10
"""Uses from which usage counts in full in the base score."""


class Counts(Protocol):
    """What is counted of a pattern; a ``Pattern`` and a ``PatternCard`` both have it."""

    @property
    def evidence_count(self) -> int: ...  # noqa: D102
    @property
    def evidence_success_count(self) -> int: ...  # noqa: D102
    @property
    def usage_count(self) -> int: ...  # noqa: D102
    @property
    def success_count(self) -> int: ...  # noqa: D102
    @property
    def failure_count(self) -> int: ...  # noqa: D102
    @property
    def learning_weight(self) -> float | None: ...  # noqa: D102
    @property
    def success_rate(self) -> float | None: ...  # noqa: D102
    @property
    def confidence_score(self) -> float | None: ...  # noqa: D102
    @property
    def review_flags(self) -> tuple[str, ...]: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The policy of a library; see ``settings.LibrarySettings``."""

    auto_promote: bool = False
    auto_promote_uses: int = 5
    auto_promote_success: float = 0.8


def success_rate(counts: Counts) -> float | None:
    """Posterior mean of success over source executions and usages with a known outcome, 0..1; None without any.

    The learning weight is the weight of the prior, so that a heavier one moves slower."""
    won = counts.evidence_success_count + counts.success_count
    rate = posterior(won, known_outcomes(counts), counts.learning_weight)
    return None if rate is None else round(rate, 6)


def known_outcomes(counts: Counts) -> int:
    """Source executions and usages whose outcome is known."""
    return counts.evidence_count + counts.success_count + counts.failure_count


def decayed(score: float | None, *, technologies: Collection[str], in_use: Collection[str], age_days: float) -> float:
    """Confidence, 0..1, as it is worth now: where none of the pattern's ``technologies`` is ``in_use`` in its namespace
    any more, halved every 180 days since it last was used or drawn. Without a stack it does not age."""
    if not score or not technologies or not in_use:
        return score or 0.0
    current = {each.casefold() for each in in_use}
    if any(each.casefold() in current for each in technologies):
        return score
    return score * 0.5 ** (max(0.0, age_days) / _HALF_LIFE_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseScore:
    """The parts of the published score, each 0..1, and their sum: 0.4 · success + 0.3 · usage + 0.3 · confidence."""

    success: float
    """The success rate; 0 where no outcome is known."""
    usage: float
    """min(usage_count / 10, 1)."""
    confidence: float
    """Decayed."""

    @property
    def total(self) -> float:
        """0..1."""
        return 0.4 * self.success + 0.3 * self.usage + 0.3 * self.confidence


def base_score(counts: Counts, confidence_now: float) -> BaseScore:
    """How good a pattern is by itself, whoever asks."""
    return BaseScore(
        success=counts.success_rate or 0.0,
        usage=min(counts.usage_count / _USES_IN_FULL, 1.0),
        confidence=confidence_now,
    )


def best_key(counts: Counts) -> tuple[float, int]:
    """Sorts versions of one pattern by what they are worth: base score, then number of known outcomes."""
    return base_score(counts, counts.confidence_score or 0.0).total, known_outcomes(counts)


def judged(pattern: Pattern, recent: Sequence[bool]) -> Pattern:
    """``pattern``, whose counts are up to date, with rate, confidence and flags that follow from them. ``recent`` are
    the newest known outcomes of its usages, newest first; empty where nothing was learned of an outcome. Outcomes that a
    reviewer has looked at do not make it fall again."""
    known = known_outcomes(pattern)
    rate = success_rate(pattern)
    flags = set(pattern.review_flags)
    used = pattern.success_count + pattern.failure_count
    unseen = used - _reviewed_uses(pattern)
    outcomes = recent[: min(_RECENT, max(unseen, 0))]
    if unseen > _LEAST_USES and outcomes and sum(outcomes) / len(outcomes) < _threshold(pattern):
        flags.add(FALLING)  # only a reviewer takes it away
    if pattern.access_level == "private" and used >= _LEAST_USES and rate is not None and rate > _SHARED_ABOVE:
        flags.add(WORTH_SHARING)
    else:
        flags.discard(WORTH_SHARING)
    return replace(
        pattern,
        success_rate=rate,
        confidence_score=round(confidence(known), 6) if known else None,
        review_flags=tuple(sorted(flags)),
    )


def _threshold(pattern: Pattern) -> float:
    stated = (pattern.quality_thresholds or {}).get("min_success_rate")
    if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 <= stated <= 1:
        return float(stated)
    return _REVIEWED_BELOW


def _reviewed_uses(pattern: Pattern) -> int:
    noted = (pattern.metadata or {}).get("reviewed_uses")
    return noted if isinstance(noted, int) else 0


def auto_applied(pattern: Pattern) -> bool:
    """Whether it may be put before an agent that did not ask: active, and nothing a person should look at first."""
    return pattern.status == "active" and not BLOCKING.intersection(pattern.review_flags)


def ready_by_policy(pattern: Pattern, rules: Rules) -> bool:
    """Whether ``rules`` promote it without a reviewer: validated, used enough, successful, its own namespace's, and
    without a flag that a person must judge."""
    return (
        rules.auto_promote
        and pattern.status == "candidate"
        and pattern.validation_status == "validated"
        and pattern.usage_count >= rules.auto_promote_uses
        and (pattern.success_rate or 0.0) >= rules.auto_promote_success
        and pattern.origin_trust in {"own", "team"}
        and pattern.duplicate_of is None
        and not BLOCKING.intersection(pattern.review_flags)
    )


def days_between(earlier: datetime, later: datetime) -> float:
    """Days, fractions included."""
    return (later - earlier).total_seconds() / 86_400
