"""Who calls over HTTP, and by what name: the same rules at every door that listens on a port.

Invariant: nobody is let in but the bearer of a token that is valid at that moment; and where a server is called by a name
that it was not given, nothing is answered. A web page can make a browser send requests to this machine under the page's
own host name (DNS rebinding), so that what listens on loopback must ask by which name it was called.
"""

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seasoned.errors import AccessDeniedError, UsageError

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.model import Identity

__all__ = ["allowed_hosts", "allowed_origins", "bearer", "check_tokens", "is_loopback"]


def bearer(seasoned: "Seasoned", authorization: str) -> "Identity":
    """Whose token the header ``Authorization`` holds. Raises AccessDeniedError; StoreError."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AccessDeniedError(
            "A token is needed, as the header Authorization: Bearer TOKEN; `seasoned token create` makes one."
        )
    return seasoned.identify(token.strip())


def check_tokens(seasoned: "Seasoned", host: str) -> str:
    """What should be said before listening on ``host``; nothing where somebody has a token.

    Raises UsageError where nobody has one and the address can be reached from elsewhere.
    """
    if any(each.revoked_at is None for each in seasoned.store.tokens(seasoned.namespace)):
        return ""
    if not is_loopback(host):
        raise UsageError(
            f"--host {host} can be reached from elsewhere, and nobody has a token yet: make one first with "
            "`seasoned token create`, and put TLS in front."
        )
    return "Nobody has a token yet, so that every request is refused: `seasoned token create` makes one.\n"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def allowed_hosts(names: Sequence[str]) -> list[str]:
    """Values of the header ``Host`` that are let in: loopback and ``names``; ``:*`` stands for any port."""
    hosts = ["127.0.0.1", "localhost", "[::1]", *(f"[{name}]" if ":" in name else name for name in names)]
    return [each for host in hosts for each in (host, f"{host}:*")]


def allowed_origins(names: Sequence[str]) -> list[str]:
    """Values of the header ``Origin`` that are let in, likewise."""
    return [f"{scheme}://{host}" for host in allowed_hosts(names) for scheme in ("http", "https")]
