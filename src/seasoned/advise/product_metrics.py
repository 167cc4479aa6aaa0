"""The figures that the product set itself as targets, as they are here.

Invariant: a figure is measured, with what it rests on and an interval where it is a share, or it is *not measured yet*
with the reason. Nothing is put in the place of what is not known, and none of these is an effect but where the
experiment made it one: those are taken from ``effects``, and for them the held-out mean is what they are relative to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from seasoned.advise.effects import Answered, Effect, answered, opportunities
from seasoned.advise.endpoints import PLANS
from seasoned.learn.statistics import rate
from seasoned.model import Advice, Identity
from seasoned.store import LibraryQuery, Store, TraceQuery

__all__ = ["ProductMetric", "Standing", "product_metrics"]

Kind = Literal["share", "change", "count"]
Standing = Literal["met", "missed", "open"]
"""The whole interval reaches the target, or none of it, or it cannot be told yet."""

_PERIOD_DAYS: Final = 90
_HIGH_QUALITY = 0.85
"""From which quality on an execution is a high-quality one: the specification of capture, §2."""
_NEWEST = 5_000
"""Successes of which the extraction rate is told."""
_ALL = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductMetric:
    """One figure beside its target."""

    name: str
    label: str
    kind: Kind
    """``share``: 0..1; ``change``: relative, −0.1 is a tenth less; ``count``."""
    target: float | None
    """None: none was set."""
    at_most: bool = False
    """Whether the target is met from below, as where less is better."""
    value: float | None = None
    """None: not measured yet."""
    low: float | None = None
    high: float | None = None
    n: int = 0
    """What it rests on."""
    of: str
    """What ``n`` counts."""
    reason: str | None = None
    """Why it is not measured yet."""

    @property
    def standing(self) -> Standing | None:
        """Whether the target is reached; None where there is no value, or no target."""
        if self.value is None or self.target is None:
            return None
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        if self.at_most:
            return "met" if high <= self.target else "missed" if low > self.target else "open"
        return "met" if low >= self.target else "missed" if high < self.target else "open"


def product_metrics(
    store: Store,
    who: Identity,
    rows: Sequence[Advice],
    questions: Sequence[Answered],
    *,
    now: datetime,
    since: datetime | None = None,
) -> tuple[ProductMetric, ...]:
    """All of them. ``rows``: the whole log of advice; ``questions``: what the experiment says of what began at ``since``
    or later. Raises StoreError."""
    begin = now - timedelta(days=_PERIOD_DAYS)
    by_name = {each.name: each for each in questions}
    matched = answered(PLANS, opportunities(rows, wanted=_offers_pattern, since=since)["plans"])
    counted = [row for row in rows if since is None or row.given_at >= since]
    recent = [row for row in counted if row.given_at >= begin]
    return (
        _reuse(store, who, recent, begin),
        _change("quality", "quality on pattern-matched tasks", 0.15, _of(matched, "quality"), "sessions"),
        _change(
            "duration", "duration on pattern-matched tasks", -0.45, _of(matched, "duration_ms"), "sessions", less=True
        ),
        _change(
            "repeated_failures", "repeated failures", -0.60, _of(by_name["fixes"], "same_failure_again"),
            "failures with a known fix", less=True,
        ),
        _change(
            "failure_prevention", "failures in spite of a warning", None, _of(by_name["warnings"], "same_failure_again"),
            "calls with a known failure", less=True,
        ),
        _extraction(store, who),
        ProductMetric(
            name="matching", label="matches judged right", kind="share", target=0.8, of="judgements",
            reason="nobody's judgement of a match is recorded",
        ),
        _templates(store, who),
        ProductMetric(
            name="routing", label="routing confidence", kind="change", target=0.10, of="routing decisions",
            reason="no routing decision is recorded",
        ),
        _growth(store, who),
        _acceptance(counted),
    )  # fmt: skip


def _offers_pattern(row: Advice) -> bool:
    return any(item.kind in {"pattern", "shortcut"} for item in row.items or ())


def _share(name: str, label: str, target: float, part: int, whole: int, *, of: str, reason: str) -> ProductMetric:
    found = rate(part, whole)
    if found is None:
        return ProductMetric(name=name, label=label, kind="share", target=target, of=of, reason=reason)
    return ProductMetric(
        name=name, label=label, kind="share", target=target, value=found.value, low=found.low, high=found.high,
        n=whole, of=of,
    )  # fmt: skip


def _reuse(store: Store, who: Identity, recent: Sequence[Advice], since: datetime) -> ProductMetric:
    """Of the tasks at whose prompt the hook asked: those in which a pattern was followed, or its use recorded."""
    counts = store.usage_counts(who, since=since, query=LibraryQuery(namespace=who.namespace))
    used = {
        usage.execution_id
        for pattern_id in sorted({each.pattern_id for each in counts})
        for usage in store.usages(who, pattern_id, limit=_NEWEST)
    }
    tasks: dict[str, bool] = {}
    for row in recent:
        if row.moment != "prompt":
            continue
        followed = row.followed is True and row.arm != "held_out" and _offers_pattern(row)
        key = row.execution_id or row.advice_id
        tasks[key] = tasks.get(key, False) or followed or key in used
    return _share(
        "pattern_reuse", f"pattern reuse, last {_PERIOD_DAYS} days", 0.4, sum(tasks.values()), len(tasks),
        of="tasks", reason=f"no prompt came through a hook in the last {_PERIOD_DAYS} days",
    )  # fmt: skip


def _of(question: Answered, endpoint: str) -> Effect:
    return next(each for each in question.effects if each.endpoint == endpoint)


def _change(
    name: str, label: str, target: float | None, effect: Effect, of: str, *, less: bool = False
) -> ProductMetric:
    """An effect of the experiment, relative to what was held out."""
    n = effect.n_given + effect.n_held_out
    bare = ProductMetric(name=name, label=label, kind="change", target=target, at_most=less, n=n, of=of)
    if effect.difference is None or effect.low is None or effect.high is None or not effect.held_out:
        few = f"n = {n} ({of}): not of both kinds, given and held out" if n else f"not known of any {of}"
        return replace(bare, reason=few)
    if effect.verdict == "not_comparable":
        return replace(bare, reason="given and held out are not comparable")
    base = 1.0 if effect.scale == "ratio" else effect.held_out
    return replace(
        bare,
        value=max(-1.0, effect.difference / base),
        low=max(-1.0, effect.low / base),
        high=effect.high / base,
    )


def _extraction(store: Store, who: Identity) -> ProductMetric:
    behind = {
        execution_id
        for pattern in store.visible_patterns(
            who, LibraryQuery(namespace=who.namespace, status=("candidate", "active", "deprecated"), limit=_ALL)
        )
        for execution_id in pattern.execution_ids
    }
    newest = store.traces(TraceQuery(namespace=who.namespace, status="success", limit=_NEWEST))
    good = [trace.execution_id for trace in newest if (trace.quality_score or 0.0) >= _HIGH_QUALITY]
    return _share(
        "extraction", "high-quality executions behind a pattern", 0.3, sum(each in behind for each in good), len(good),
        of="executions", reason=f"no recorded execution has a quality of {_HIGH_QUALITY} or more",
    )  # fmt: skip


def _templates(store: Store, who: Identity) -> ProductMetric:
    usable = [each for each in store.templates(who.namespace, limit=_ALL) if each.deprecated_at is None]
    return _share(
        "template_adoption", "templates that were used", 0.5, sum(each.usage_count > 0 for each in usable), len(usable),
        of="templates", reason="there is no template",
    )  # fmt: skip


def _growth(store: Store, who: Identity) -> ProductMetric:
    cards = store.cards(who, LibraryQuery(namespace=who.namespace, status=("candidate", "active")))
    active = sum(card.status == "active" for card in cards)
    label = f"patterns ({active} active, {len(cards) - active} candidates)"
    return ProductMetric(
        name="patterns", label=label, kind="count", target=100, value=float(len(cards)), n=len(cards), of="patterns"
    )


def _acceptance(rows: Sequence[Advice]) -> ProductMetric:
    """Of the executions that were given advice and whose user said something of the result: those that were
    accepted."""
    said = {
        row.execution_id or row.advice_id: row.accepted
        for row in rows
        if row.accepted is not None and row.items and row.arm != "held_out" and row.reason is None
    }
    return _share(
        "acceptance", "results accepted, after advice", 0.85, sum(map(bool, said.values())), len(said),
        of="executions", reason="no user has said of an advised execution whether the result was accepted",
    )  # fmt: skip
