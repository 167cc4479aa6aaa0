"""``seasoned insights``: what many executions of a domain teach."""

from typing import TYPE_CHECKING, Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context
from seasoned.model.ids import short_id

if TYPE_CHECKING:
    from seasoned.learn.insights import Insight, PerformanceInsights

__all__: list[str] = []

_HEADINGS = {
    "Goes with success or failure": ("helpful_tool", "harmful_tool", "phase_order"),
    "Where the time goes": ("slow_phase", "slower_than_before"),
    "Errors that recur": ("error",),
}
_SHOWN_IDS = 3


@application.command()
def insights(
    invocation: typer.Context,
    domain: Annotated[
        str | None, typer.Option(help="Only tasks of this domain (security, testing, …); else all.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What goes with success, where the time goes, which errors recur, and how long tasks take."""
    with context(invocation).open() as seasoned:
        found = seasoned.insights(domain)
    if as_json:
        output.emit_json(found)
    else:
        _show(found)


def _show(found: "PerformanceInsights") -> None:
    where = "All domains" if found.domain is None else f"Domain {output.head(found.domain, 40)}"
    rate = found.outcomes.rate
    succeeded = (
        "" if rate is None else f" {rate.value:.0%} succeeded ({rate.low:.0%} to {rate.high:.0%}, n = {rate.n})."
    )
    output.say(f"{where}: {output.clean(found.reason)}{succeeded} Confidence {found.confidence:.2f}.")
    sections = [
        (heading, [each for each in found.insights if each.kind in kinds and each.evidence != "seen"])
        for heading, kinds in _HEADINGS.items()
    ]
    sections.append(("Seen, not tested", [each for each in found.insights if each.evidence == "seen"]))
    for heading, told in sections:
        if told:
            output.say(f"\n{heading}")
        for insight in told:
            output.say(f"- {output.clean(insight.sentence)}")
            output.say(f"  {insight.evidence}, confidence {insight.confidence:.2f}; {_ids(insight)}")
    if found.estimates:
        output.say("\nWhat to expect (four of five take between low and high)")
        rows = [
            (
                output.head(each.phase or "whole execution", 40) + (" (derived)" if each.derived else ""),
                str(each.n),
                output.duration(each.low_ms),
                output.duration(each.median_ms),
                output.duration(each.high_ms),
            )
            for each in found.estimates
        ]
        output.table(("phase", "n", "low", "median", "high"), rows, right={1: True})


def _ids(insight: "Insight") -> str:
    shown = ", ".join(map(short_id, insight.execution_ids[:_SHOWN_IDS]))
    more = insight.n - min(_SHOWN_IDS, len(insight.execution_ids))
    return f"see seasoned traces show {shown}" + (f" and {more} more (--json names them)" if more > 0 else "")
