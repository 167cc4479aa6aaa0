"""``seasoned advice``: what agents are told through their hooks, how far that goes, and off; ``patterns replay``."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.arguments import argument
from seasoned.doors.cli.knowledge import Limit, patterns
from seasoned.doors.cli.residing import as_service
from seasoned.doors.cli.root import AsJson, application, context
from seasoned.errors import NotFoundError, UsageError
from seasoned.model.ids import short_id

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.model import Advice, Mode

__all__: list[str] = []

advice = typer.Typer(help="What agents are told: modes, off and on, what was said.", no_args_is_help=True)
application.add_typer(advice, name="advice")

Agent = Annotated[
    str, typer.Option("--agent", help="claude_code, codex, gemini, …; * is all others.", show_default=True)
]

_PLANNING = ("opt_in", "auto")


@advice.command("status")
def status(invocation: typer.Context, as_json: AsJson = False) -> None:
    """Show how far advice goes and what became of the last moments."""
    from collections import Counter

    from seasoned.advise.modes import DEFAULT_MODE

    with context(invocation).open() as seasoned:
        modes, silenced = seasoned.advising.modes(), seasoned.advising.silenced()
        plans = _plans(seasoned) if any(each.mode in _PLANNING for each in modes) else None
        counts = Counter(
            (each.moment or "asked", each.reason or "said") for each in seasoned.store.all_advice(seasoned.namespace)
        )
    enabled = as_service(context(invocation).load()).settings.advice.enabled  # what a project says reaches no hook
    switched = any(each.kill_switch for each in modes) or silenced or not enabled
    moments = [
        {"moment": moment, "became": became, "count": counts[moment, became]} for moment, became in sorted(counts)
    ]
    if as_json:
        document = {"on": not switched, "enabled": enabled, "silenced": silenced, "default_mode": DEFAULT_MODE}
        output.emit_json({**document, "modes": modes, "moments": moments})
        return
    output.say(f"Advice is {'off' if switched else 'on'}{_because(modes, silenced=silenced, enabled=enabled)}.")
    for each in modes:
        output.say(f"  {each.agent}: {each.mode}{', switched off' if each.kill_switch else ''}")
    if plans is not None:
        output.say(f"  {plans}")
    if not any(each.agent == "*" for each in modes):
        output.say(f"  *: {DEFAULT_MODE} (default)")
    if moments:
        rows = [(str(each["moment"]), str(each["became"]), output.number(int(str(each["count"])))) for each in moments]
        output.table(("moment", "what became of it", "times"), rows, right={2: True})
    else:
        output.say("No agent has come to a moment for it yet.")


def _because(modes: "list[Mode]", *, silenced: bool, enabled: bool) -> str:
    if not enabled:
        return ": the setting advice.enabled is false"
    if any(each.kill_switch for each in modes):
        return ": switched off by `seasoned advice off`"
    return ": another namespace of this data folder switched it off" if silenced else ""


@advice.command("off")
def off(invocation: typer.Context, as_json: AsJson = False) -> None:
    """Say nothing any more, to no agent, from now on. What agents do is recorded as before."""
    with context(invocation).open() as seasoned:
        saved = seasoned.advising.set_kill_switch(on=True)
    _said(saved, "Advice is off. `seasoned advice on` takes that back.", as_json=as_json)


@advice.command("on")
def on(invocation: typer.Context, as_json: AsJson = False) -> None:
    """Take `off` back. Each agent's mode is as it was."""
    with context(invocation).open() as seasoned:
        saved = seasoned.advising.set_kill_switch(on=False)
    _said(saved, "Advice is on.", as_json=as_json)


@advice.command("mode")
def mode(
    invocation: typer.Context,
    name: Annotated[
        Literal["shadow", "suggest", "opt_in", "auto"], typer.Argument(help="How far to go.", show_default=False)
    ],
    agent: Agent = "*",
    as_json: AsJson = False,
) -> None:
    """Set how far advice goes. shadow: say nothing; suggest: inform; opt_in: plans for agents with a mode; auto: for all."""
    if not agent or len(agent) > 100:
        raise UsageError("--agent: a name of 1 to 100 characters is needed, such as claude_code; * is all others.")
    agent = _source(agent)
    with context(invocation).open() as seasoned:
        saved = seasoned.advising.set_mode(name, agent)
        plans = f" {_plans(seasoned)}" if name in _PLANNING else ""
    switched = " It is switched off; `seasoned advice on` lets it speak." if saved.kill_switch else ""
    _said(saved, f"{output.head(agent)}: {name}.{plans}{switched}", as_json=as_json)


def _plans(seasoned: "Seasoned") -> str:
    """From what plans can be given now."""
    from seasoned.store import LibraryQuery

    active = seasoned.store.cards(seasoned.me, LibraryQuery(status=("active",)))
    validated = sum(each.validation_status == "validated" for each in active)
    said = f"Plans are given from validated patterns: {validated} of {output.counted(len(active), 'active one')}."
    return said if validated else f"{said} Until one is, agents are informed as by suggest."


def _source(agent: str) -> str:
    """As hooks name it: `init` takes the same agents as ``claude-code``."""
    return agent.replace("-", "_")


def _said(saved: "Mode", text: str, *, as_json: bool) -> None:
    if as_json:
        output.emit_json(saved)
    else:
        output.say(text)


@advice.command("list")
def list_advice(
    invocation: typer.Context,
    session: Annotated[str | None, typer.Option("--session", help="Only of this session.", show_default=False)] = None,
    said: Annotated[bool | None, typer.Option("--said/--withheld", help="Only what was, or was not, said.")] = None,
    limit: Limit = 30,
    as_json: AsJson = False,
) -> None:
    """List what was said, what was not and why, and what became of it. Newest first."""
    from itertools import islice

    with context(invocation).open() as seasoned:
        if session is None:
            rows = seasoned.store.all_advice(seasoned.namespace, newest_first=True)
        else:
            rows = reversed(seasoned.store.advice_of_session(seasoned.namespace, session))
        found = list(islice((each for each in rows if said is None or (each.reason is None) == said), limit))
    if as_json:
        output.emit_json({"advice": found})
        return
    if not found:
        any_ = session is None and said is None
        output.say("No advice is recorded here yet." if any_ else "No advice matches.")
        return
    output.table(
        ("id", "when", "agent", "moment", "said", "about", "then"),
        [
            (
                each.advice_id[:8],
                output.when(each.given_at),
                output.head(each.source, 20),
                each.moment or "–",
                each.reason or f"yes, {output.counted(each.tokens_added or 0, 'token')}",
                output.head(_about(each), 60),
                _then(each),
            )
            for each in found
        ],
    )
    output.say(f"\nseasoned advice show {found[0].advice_id[:8]}")


def _about(found: "Advice") -> str:
    told = ", ".join(f"{item.kind} {short_id(item.failure_id or item.id)}" for item in found.items or ())
    return told or found.subject or "–"


def _then(found: "Advice") -> str:
    followed = {True: "followed", False: "not followed", None: ""}[found.followed]
    return ", ".join(part for part in (followed, found.outcome or "") if part) or "–"


@advice.command("show")
def show(
    invocation: typer.Context,
    advice_id: Annotated[str, typer.Argument(help="Id, or its first 6 characters.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show one moment: what there was to say, what chance decided, what came of it."""
    with context(invocation).open() as seasoned:
        found = seasoned.store.advice(seasoned.namespace, advice_id)
    if found is None:
        raise NotFoundError(f"There is no advice {advice_id!r}. `seasoned advice list` shows what there is.")
    if as_json:
        output.emit_json(found)
        return
    output.say(f"{found.advice_id}  {output.when(found.given_at)}  {found.moment or '–'}  {output.head(found.source)}")
    output.say(f"said: {'yes' if found.reason is None else f'no, {found.reason}'}")
    if found.arm is not None:
        output.say(f"by chance: {found.arm}, probability of given {found.share}, over {output.head(found.unit, 120)}")
    if found.subject:
        output.say(f"about: {output.head(found.subject, 160)}")
    for item in found.items or ():
        place = _place(item.kind, item.failure_id or item.id)
        output.say(f"  {item.kind} {item.score:.2f}  {place}")
    output.say(
        f"took {found.latency_ms or 0} ms; {output.counted(found.tokens_added or 0, 'token')} (estimated); then: {_then(found)}"
    )
    if found.endpoints:
        output.say("  ".join(f"{name}={value}" for name, value in sorted(found.endpoints.items())))


def _place(kind: str, identity: str) -> str:
    match kind:
        case "fix" | "warning":
            return f"seasoned failures show {short_id(identity)}"
        case "pattern" | "shortcut":
            return f"seasoned patterns show {short_id(identity)}"
        case _:
            return f"task {identity}"


@advice.command("ask")
def ask(
    invocation: typer.Context,
    prompt: Annotated[str | None, typer.Argument(help="A task; @file or -.", show_default=False)] = None,
    error: Annotated[str | None, typer.Option(help="An error just seen; @file or -.", show_default=False)] = None,
    tool: Annotated[str | None, typer.Option(help="The tool that failed.", show_default=False)] = None,
    command: Annotated[str | None, typer.Option(help="Its command line.", show_default=False)] = None,
    agent: Annotated[str, typer.Option("--agent", help="As which agent.")] = "claude_code",
    as_json: AsJson = False,
) -> None:
    """Show what an agent would be told. Of a task, of an error, or before a command. Records nothing."""
    from seasoned.model import Moment

    if prompt is None and error is None and command is None:
        raise UsageError("Give a task, --error, or --command (for what is said before it).")
    if prompt is not None and (error is not None or command is not None):
        raise UsageError("Give a task or a call, not both.")
    name = "prompt" if prompt is not None else "after_failure" if error is not None else "before_tool"
    moment = Moment(
        name=name,
        source=_source(agent),
        session_id="",
        prompt=None if prompt is None else argument("PROMPT", prompt),
        error=None if error is None else argument("--error", error),
        tool=tool or ("Bash" if command is not None else None),
        command=command,
        arguments=None if command is None else {"command": command},
    )
    with context(invocation).open() as seasoned:
        if prompt is not None:
            seasoned.advising.warm()
        answer = seasoned.advising.preview(moment)
        modes = seasoned.advising.modes()
    if as_json:
        output.emit_json({"text": answer.text, "advice": answer.advice, "modes": modes})
        return
    if answer.text is None:
        output.say("Nothing: nothing that is known here is relevant to it.")
        return
    output.say(output.clean(answer.text))
    output.say(
        f"\n{output.counted(answer.advice.tokens_added or 0, 'token')} (estimated), {answer.advice.latency_ms} ms."
    )


@patterns.command("replay")
def replay(
    invocation: typer.Context,
    pattern: Annotated[
        str, typer.Argument(help="Id, the beginning of one (6 characters), or name.", show_default=False)
    ],
    prompt: Annotated[str, typer.Option(help="The task at hand; @file or -.")],
    values: Annotated[
        list[str] | None,
        typer.Option("--value", metavar="NAME=VALUE", help="A placeholder's value; before the prompt's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fill a pattern's steps for a task. What the prompt does not say stays open and is listed."""
    from seasoned.answers import replayed

    given: dict[str, str] = {}
    for each in values or []:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"--value {each!r}: NAME=VALUE is needed.")
        given[name] = value
    ctx = context(invocation)
    with ctx.open() as seasoned:
        found = ctx.library(seasoned).get_pattern(pattern)
        if found is None:
            raise NotFoundError(f"There is no pattern {pattern!r}. `seasoned patterns list` shows what there is.")
        plan = seasoned.replay(found, argument("--prompt", prompt), given)
    if unknown := sorted(given.keys() - plan.values.keys() - {each.name for each in plan.unfilled}):
        raise UsageError(f"--value {unknown[0]}: is no placeholder of this pattern.")
    document = replayed(plan)
    if as_json:
        output.emit_json(document)
        return
    output.say(f"{output.clean(found.pattern_name)} {found.version} ({short_id(found.pattern_id)}, {found.status})")
    for step in document["steps"]:
        often = "" if not step["optional"] else " (not in all runs)"
        output.say(f"  {step['number']}. {output.clean(step['action'])}{often}")
    for filled in document["filled"]:
        output.say(f"  {filled['name']} = {output.head(str(filled['value']), 120)}  ({filled['origin']})")
    for open_ in document["unfilled"]:
        shown = (
            f"; such as {', '.join(output.head(each, 40) for each in open_['examples'])}" if open_["examples"] else ""
        )
        output.say(f"  {open_['name']} is open: {output.head(open_['why'], 120)}{shown}")
