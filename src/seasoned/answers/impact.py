"""What advice did: given against held out, the figures that the product set itself, and nothing that is not
measured."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from seasoned.advise.effects import Answered
from seasoned.advise.experiment import HoldOut
from seasoned.advise.impact import ImpactReport, Naive, impact
from seasoned.advise.product_metrics import ProductMetric, Standing, product_metrics

if TYPE_CHECKING:
    from seasoned.app import Seasoned

__all__ = ["Impact", "MeasuredMetric", "impact_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredMetric:
    """A figure of the product with whether it reaches its target."""

    figure: ProductMetric
    standing: Standing | None
    """None: not measured yet, or no target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """The answer of ``seasoned impact``."""

    headline: str
    since: datetime | None
    """Only what began then or later is told of; None: all."""
    anew_at: datetime | None
    """When the experiment was begun anew, the last time."""
    questions: tuple[Answered, ...]
    hold_outs: tuple[HoldOut, ...]
    naive: tuple[Naive, ...]
    """With and without advice, whyever there was none: no effect."""
    metrics: tuple[MeasuredMetric, ...]
    moments: int
    with_something: int
    asked: int
    first_at: datetime | None
    last_at: datetime | None


def impact_of(seasoned: "Seasoned", *, since: datetime | None = None) -> Impact:
    """The report on what began at ``since`` or later; on all since the experiment was begun, if that is None. Raises
    StoreError."""
    rows = list(seasoned.store.all_advice(seasoned.namespace))
    report: ImpactReport = impact(rows, since=since, at_least=1 - seasoned.settings.advice.held_out_share)
    metrics = product_metrics(
        seasoned.store, seasoned.me, rows, report.questions, now=datetime.now(UTC), since=report.since
    )
    return Impact(
        headline=report.headline,
        since=report.since,
        anew_at=report.anew_at,
        questions=report.questions,
        hold_outs=report.hold_outs,
        naive=report.naive,
        metrics=tuple(MeasuredMetric(figure=each, standing=each.standing) for each in metrics),
        moments=report.moments,
        with_something=report.with_something,
        asked=report.asked,
        first_at=report.first_at,
        last_at=report.last_at,
    )
