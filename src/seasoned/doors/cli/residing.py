"""``seasoned service``, and how commands let the service answer.

Invariant: an answer is the same whoever gives it. The service is asked only where it runs the same code under the same
settings, and whatever it cannot do (it is away, busy, of another version, or the question was wrong) the command does
by itself, in silence.
"""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, Context, application, context
from seasoned.errors import ServiceError, UsageError

if TYPE_CHECKING:
    import msgspec

    from seasoned.app import Seasoned
    from seasoned.resident import Place
    from seasoned.settings import Loaded

__all__ = ["answered", "as_service"]

Answer = TypeVar("Answer")

_ANSWER_S = 3.0
"""A knowledge base may take two of them."""
_START_S = 20.0

service = typer.Typer(
    help="The process in the background that answers hooks and commands at once.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
application.add_typer(service, name="service")


def answered(
    asking: Context,
    route: str,
    given: "msgspec.Struct | Mapping[str, object]",
    kind: "type[Answer]",
    alone: "Callable[[Seasoned], Answer]",
) -> Answer:
    """The service's answer to ``given``, as ``kind``; where it has none, that of ``alone``, and the service is started
    for the next time. Raises what ``alone`` raises."""
    loaded = asking.load()
    use = asking.agent is None and loaded.settings.service.use == "auto"
    if use and (found := _asked(loaded, route, given)) is not None:
        import msgspec

        return msgspec.json.decode(found, type=kind)
    with asking.open() as seasoned:
        answer = alone(seasoned)
    if use:
        _start_for_the_next(loaded)
    return answer


def _asked(loaded: "Loaded", route: str, given: "msgspec.Struct | Mapping[str, object]") -> bytes | None:
    from seasoned.resident import Place

    place = Place(data_dir=loaded.data_dir)
    if not place.address.exists():
        return None
    import msgspec

    from seasoned.resident import ask

    try:
        headers = {"Seasoned-Digest": _digest(loaded)}
        reply = ask(place, f"/{route}", msgspec.json.encode(given), headers=headers, budget_s=_ANSWER_S)
    except ServiceError:
        return None
    return reply.body if reply.status == 200 else None


def _start_for_the_next(loaded: "Loaded") -> None:
    """Where the service would run under other settings than this command it would be of no use to it."""
    from seasoned.resident import Place, ensure_running

    try:
        if _digest(as_service(loaded)) == _digest(loaded):
            ensure_running(Place(data_dir=loaded.data_dir))
    except ServiceError:
        return  # the command has answered; `seasoned service start` says what is wrong


def _digest(loaded: "Loaded") -> str:
    from seasoned.resident import settings_digest

    return settings_digest((origin.key, origin.value) for origin in loaded.origins)


def as_service(loaded: "Loaded") -> "Loaded":
    """The settings as the service has them: of the user, whatever project the command is called in."""
    from seasoned.settings import load

    return load(working_dir=loaded.data_dir, flags={"data_dir": loaded.data_dir})


def _place(invocation: typer.Context) -> "tuple[Place, Loaded]":
    from seasoned.resident import Place

    asking = context(invocation)
    if asking.agent is not None or any(value is not None for name, value in asking.flags.items() if name != "data_dir"):
        raise UsageError(
            "The service has the settings of file and environment; of the global options only --home counts."
        )
    loaded = as_service(asking.load())
    return Place(data_dir=loaded.data_dir), loaded


@service.command("run")
def run(invocation: typer.Context, as_json: AsJson = False) -> None:
    """Be the service, in the foreground, until it has idled or is stopped."""
    place, loaded = _place(invocation)
    # By name alone: a door imports nothing of another.
    ran = bool(import_module("seasoned.doors.service").serve(loaded))
    if as_json:
        output.emit_json({"ran": ran, "data_dir": str(place.data_dir)})
    elif not ran:
        output.say(f"The service of {place.data_dir} runs already.")


@service.command("start")
def start(invocation: typer.Context, as_json: AsJson = False) -> None:
    """Start the service in the background. Waits until it answers."""
    from seasoned.resident import holder, start_behind

    place, loaded = _place(invocation)
    if loaded.settings.service.use == "off":
        raise UsageError("The setting service.use (SEASONED_SERVICE) is off.")
    ran = holder(place) is not None
    if not ran:
        start_behind(place, wait_s=_START_S)
    _show(place, as_json=as_json, said="It runs already." if ran else "Started.")


@service.command("stop")
def stop(invocation: typer.Context, as_json: AsJson = False) -> None:
    """Stop the service. Hooks and commands start it again when they need it."""
    from seasoned.resident import stop as stop_service

    place, _ = _place(invocation)
    stopped = stop_service(place)
    if as_json:
        output.emit_json({"stopped": stopped})
    else:
        output.say("Stopped." if stopped else "It did not run.")


@service.command("status")
def status(invocation: typer.Context, as_json: AsJson = False) -> None:
    """Show whether the service runs, and how it is."""
    place, _ = _place(invocation)
    _show(place, as_json=as_json)


def _show(place: "Place", *, as_json: bool, said: str = "") -> None:
    from seasoned.resident import holder

    pid = holder(place)
    health, problem = _health(place) if pid is not None else ({}, None)
    document = {
        "running": pid is not None,
        "answers": bool(health),
        "problem": problem,
        "pid": pid,
        "data_dir": str(place.data_dir),
        "address": os.fsdecode(place.address.read_bytes()) if place.address.exists() else None,
        "log": str(place.log),
        "health": health or None,
    }
    if as_json:
        output.emit_json(document)
        return
    if said:
        output.say(said)
    if pid is None:
        output.say(f"No service runs for {document['data_dir']}. Hooks and commands start it when they need it.")
    elif problem is not None:
        output.say(f"The service of {document['data_dir']} is process {pid}, but: {problem}")
    else:
        output.say(f"The service of {document['data_dir']} is process {pid}; it listens at {document['address']}.")
        state = "ready" if health.get("ready") else f"not ready ({health.get('failed') or 'it loads'})"
        output.say(
            f"It is {state}, runs for {output.duration(float(str(health['up_s'])) * 1000)}, and has answered "
            f"{output.counted(int(str(health['answered'])), 'question')}. Its log is {document['log']}."
        )


def _health(place: "Place") -> tuple[dict[str, object], str | None]:
    import msgspec

    from seasoned.resident import ask

    try:
        reply = ask(place, "/health", method="GET", budget_s=2)
    except ServiceError as error:
        return {}, str(error)
    return msgspec.json.decode(reply.body, type=dict[str, object]), None
