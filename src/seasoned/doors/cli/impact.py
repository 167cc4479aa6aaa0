"""``seasoned impact``: does it help, and how sure may one be of it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context
from seasoned.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seasoned.advise.effects import Answered, Effect
    from seasoned.advise.experiment import HoldOut
    from seasoned.advise.impact import Naive
    from seasoned.advise.product_metrics import ProductMetric
    from seasoned.answers.impact import Impact, MeasuredMetric

__all__: list[str] = []

_STANDING = {"met": "met", "missed": "not met", "open": "open"}

_SAID = {
    "helps": "helps",
    "harms": "HARMS",
    "no_difference": "no difference that matters",
    "cannot_tell": "cannot tell yet",
    "not_comparable": "not comparable",
    "no_data": "no data yet",
}


@application.command()
def impact(
    invocation: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(help="Only advice from this day or time (UTC, as 2026-03-01) on.", show_default=False),
    ] = None,
    restart: Annotated[
        bool,
        typer.Option("--restart", help="Begin the experiment anew: what was measured before decides nothing any more."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Does advice help? Given against held out, with intervals, and what it would still take to tell."""
    from seasoned.answers.impact import impact_of

    if restart and since is not None:
        raise UsageError("--restart begins now, --since looks back: one of them is allowed.")
    begins = None if since is None else _moment(since)
    with context(invocation).open() as seasoned:
        seasoned.hear_outcomes()
        if restart:
            seasoned.advising.start_anew()
        found = impact_of(seasoned, since=begins)
    if as_json:
        output.emit_json(found)
    else:
        _show(found)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--since {output.head(text, 40)}: allowed is a day or a time, as 2026-03-01 or 2026-03-01T12:00."
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _show(found: "Impact") -> None:
    output.say(output.clean(found.headline))
    if found.since is not None:
        before = "; `--since 2000-01-01` tells of all" if found.since == found.anew_at else ""
        output.say(f"Only what began at {output.when(found.since)} UTC or later is counted{before}.")
    if not any(each.n_given + each.n_held_out for each in found.questions):
        _say_what_to_do(found)
    else:
        output.say(
            f"{output.when(found.first_at)} to {output.when(found.last_at)} UTC: {output.counted(found.moments, 'moment')}, "
            f"{output.number(found.with_something)} with something to say. Chance decides who is told; intervals hold "
            "however often you look."
        )
        for question, held in zip(found.questions, found.hold_outs, strict=True):
            if question.n_given + question.n_held_out:
                _show_question(question, held)
        _show_naive(found.naive)
    _show_metrics(found.metrics)


def _say_what_to_do(found: "Impact") -> None:
    output.say(
        "What will be measured: steps to recovery where a known fix was shown, success of sessions where similar tasks "
        "were; beside them quality, duration, tokens, cost and repeated failures."
    )
    if any(held.share == 1 for held in found.hold_outs):
        output.say("The setting advice.held_out_share is 0: nothing is held out, so nothing can be measured.")
    if not found.moments and found.since is not None:
        output.say("What to do: work as usual, and look again in a week.")
    elif not found.moments:
        output.say("What to do: connect an agent with `seasoned init`, work as usual, and look again in a week.")
    else:
        output.say(
            f"Seen so far: {output.counted(found.moments, 'moment')}, {output.number(found.with_something)} with something "
            "to say. What to do: import and learn from more history (`seasoned up`), and see that advice is not switched "
            "off (`seasoned advice status`)."
        )


def _show_question(question: "Answered", held: "HoldOut") -> None:
    output.say(f"\n{question.title}: {_SAID[question.verdict]}")
    output.say(
        f"  {output.counted(question.n_given, question.one, question.many)} given, {output.number(question.n_held_out)} held out; "
        + _from_now_on(held)
    )
    for note in question.notes:
        output.say(f"  {output.clean(note)}")
    rows = [_effect_row(each) for each in question.effects if each.n_given + each.n_held_out]
    if rows:
        columns = ("", "given", "held out", "difference", "interval", "", "n", "not known", "needs")
        output.table(columns, rows, right={1: True, 2: True, 3: True})
        if any(each.primary for each in question.effects):
            output.say("  * decides. Intervals of the others are wider, so that all of them hold together.")
    silent = [each.label for each in question.effects if not each.n_given + each.n_held_out]
    if silent:
        output.say(f"  Not known of any: {', '.join(silent)}.")


def _from_now_on(held: "HoldOut") -> str:
    if held.share == 0:
        return "from now on nothing is given any more"
    if held.share == 1:
        return "from now on all are given (advice.held_out_share is 0), so nothing more is learned of what it does"
    return f"from now on {held.share:.0%} are given ({held.state})"


def _effect_row(effect: "Effect") -> tuple[str, ...]:
    from seasoned.advise.impact import between, rounded, spoken

    # Until it can be told, the middle of an interval is no effect, and the arms' figures are no means.
    told = effect.verdict in ("helps", "harms", "no_difference")
    return (
        f"  {effect.label}{' *' if effect.primary else ''}",
        _value(effect.endpoint, effect.given if told else None),
        _value(effect.endpoint, effect.held_out if told else None),
        spoken(effect.scale, effect.difference) if told and effect.difference is not None else "–",
        between(effect),
        _SAID[effect.verdict],
        f"{effect.n_given}+{effect.n_held_out}",
        f"{effect.unknown_given}+{effect.unknown_held_out}" if effect.unknown_given + effect.unknown_held_out else "",
        "" if effect.needed is None else f"about {rounded(effect.needed)} more",
    )


def _value(endpoint: str, value: float | None) -> str:
    if value is None:
        return "–"
    match endpoint:
        case "success" | "same_failure_again":
            return f"{value:.1%}"
        case "duration_ms":
            return output.duration(value)
        case "tokens":
            return output.number(value)
        case "cost_usd":
            return f"${value:.3f}"
        case _:
            return f"{value:.2f}"


def _show_naive(naive: "Sequence[Naive]") -> None:
    if not naive:
        return
    from seasoned.advise.impact import spoken

    output.say(
        "\nNaive comparison, NOT an effect: prompts with advice against all without. Advice is there for work that was "
        "done before, which goes differently with or without it."
    )
    rows = [
        (
            f"  {each.label}",
            _value(each.endpoint, each.with_advice),
            _value(each.endpoint, each.without),
            spoken(each.scale, each.difference),
            f"{each.n_with}+{each.n_without}",
        )
        for each in naive
    ]
    output.table(("", "with", "without", "difference", "n"), rows, right={1: True, 2: True, 3: True})


def _show_metrics(metrics: "Sequence[MeasuredMetric]") -> None:
    output.say("\nFigures of the product against their targets")
    rows: list[tuple[str, ...]] = []
    for each in metrics:
        figure = each.figure
        if figure.value is None:
            measured, basis = "not measured yet", output.clean(figure.reason or "")
        else:
            measured = _figure(figure, figure.value)
            if figure.low is not None and figure.high is not None:
                measured += f" ({_figure(figure, figure.low)} to {_figure(figure, figure.high)})"
            if each.standing is not None:
                measured = f"{_STANDING[each.standing]}: {measured}"
            basis = f"n = {output.number(figure.n)} ({figure.of})"
        target = "none set" if figure.target is None else _target(figure, figure.target)
        rows.append((f"  {figure.label}", target, measured, basis))
    output.table(("", "target", "measured", ""), rows, right={1: True})


def _figure(figure: "ProductMetric", value: float) -> str:
    match figure.kind:
        case "share":
            return f"{value:.0%}"
        case "change":
            return f"{100 * value:+.0f}%".replace("-", "−")
        case "count":
            return output.number(value)


def _target(figure: "ProductMetric", target: float) -> str:
    sign = "" if figure.kind == "change" else "≥ "
    return sign + _figure(figure, target)
