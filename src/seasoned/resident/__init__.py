"""The resident service as everybody else sees it: where it is, whether it runs, how it is asked, started and stopped.

What costs (imports, the model, indexes) is paid once, by one process for each data folder, which ``doors.service`` is.
Invariant: one at a time holds ``run/service.lock``, a lock that the kernel gives back when its holder dies. So whatever
else lies in ``run`` may be stale: an address or a socket without a holder of the lock is replaced by the next start.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasoned.resident.asking import Reply, ask, peer_user
    from seasoned.resident.digest import code_stamp, settings_digest
    from seasoned.resident.holding import Held, Seat, hold, holder, listening
    from seasoned.resident.place import Place, private_folder
    from seasoned.resident.running import ensure_running, said_at_start, start_behind, stop, write_start

__all__ = [
    "Held",
    "Place",
    "Reply",
    "Seat",
    "ask",
    "code_stamp",
    "ensure_running",
    "hold",
    "holder",
    "listening",
    "peer_user",
    "private_folder",
    "said_at_start",
    "settings_digest",
    "start_behind",
    "stop",
    "write_start",
]

_HOMES = {
    **dict.fromkeys(("Reply", "ask", "peer_user"), "asking"),
    **dict.fromkeys(("code_stamp", "settings_digest"), "digest"),
    **dict.fromkeys(("Held", "Seat", "hold", "holder", "listening"), "holding"),
    **dict.fromkeys(("Place", "private_folder"), "place"),
    **dict.fromkeys(("ensure_running", "said_at_start", "start_behind", "stop", "write_start"), "running"),
}


def __getattr__(name: str) -> object:
    # A command that finds no address, as on a machine without the service, loads nothing but the place.
    if name in _HOMES:
        return getattr(import_module(f"seasoned.resident.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
