"""``seasoned token``: how agents on other machines, or behind a server, say who they are."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context
from seasoned.errors import UsageError

if TYPE_CHECKING:
    from seasoned.model import Token

__all__: list[str] = []

tokens = typer.Typer(help="API tokens: create, list, revoke.", no_args_is_help=True, rich_markup_mode=None)
application.add_typer(tokens, name="token")

_SPAN = re.compile(r"(\d{1,5})([hdw])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@tokens.command("create")
def create(
    invocation: typer.Context,
    agent: Annotated[str, typer.Argument(help="The agent that it makes its bearer.", show_default=False)],
    role: Annotated[
        Literal["agent", "librarian", "admin"], typer.Option(help="What its bearer may be; librarians review.")
    ] = "agent",
    expires: Annotated[str | None, typer.Option(help="Such as 12h, 30d, 8w; unset: until it is revoked.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown once; only its hash is kept."""
    from seasoned.library import create_token

    lives = None if expires is None else _span(expires)
    with context(invocation).open() as seasoned:
        made = create_token(seasoned.store, seasoned.me, agent_id=agent, role=role, lives=lives, now=datetime.now(UTC))
    if as_json:
        output.emit_json({"token": made.secret, **_told(made.token)})
        return
    output.say(made.secret)
    typer.echo(
        f"For {made.token.agent_id}, {role} of {made.token.namespace}"
        + (f", until {made.token.expires_at:%Y-%m-%d %H:%M} UTC" if made.token.expires_at else "")
        + ". It is not shown again.",
        err=True,
    )


@tokens.command("list")
def list_all(invocation: typer.Context, as_json: AsJson = False) -> None:
    """List tokens, the oldest first."""
    from seasoned.library import list_tokens

    with context(invocation).open() as seasoned:
        found = list_tokens(seasoned.store, seasoned.me)
    if as_json:
        output.emit_json({"tokens": [_told(each) for each in found]})
        return
    if not found:
        output.say("No tokens. `seasoned token create AGENT` makes one.")
        return
    output.table(
        ("token", "agent", "role", "made", "last used", "state"),
        [
            (
                each.hash[:12],
                each.agent_id,
                each.scopes[0],
                _day(each.created_at),
                _day(each.last_used_at),
                _state(each),
            )
            for each in found
        ],
    )


@tokens.command("revoke")
def revoke(
    invocation: typer.Context,
    token: Annotated[str, typer.Argument(help="As listed (6 characters will do), or the token itself.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a token, from now on and for good."""
    from seasoned.library import revoke_token

    with context(invocation).open() as seasoned:
        revoked = revoke_token(seasoned.store, seasoned.me, token, now=datetime.now(UTC))
    if as_json:
        output.emit_json(_told(revoked))
    else:
        output.say(f"{revoked.hash[:12]} of {revoked.agent_id}: revoked")


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise UsageError(f"--expires {text!r}: allowed are a number and h, d or w, such as 12h, 30d, 8w.")
    return int(found[1]) * _UNITS[found[2]]


def _told(token: "Token") -> dict[str, object]:
    return {
        "hash": token.hash[:12],
        "agent": token.agent_id,
        "namespace": token.namespace,
        "role": token.scopes[0],
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
        "state": _state(token),
    }


def _state(token: "Token") -> str:
    if token.revoked_at is not None:
        return "revoked"
    expired = token.expires_at is not None and token.expires_at <= datetime.now(UTC)
    return "expired" if expired else "valid"


def _day(when: datetime | None) -> str:
    return "–" if when is None else f"{when:%Y-%m-%d %H:%M}"
