"""The agents' own settings: finding them, planning what changes in them, changing them, and taking it back.

Invariant: nothing is written that was not shown, no file is ever half written, and what is not ours keeps every byte.
Only ``doors.cli`` uses this room; what an agent tells its hooks is read by ``capture.hooks``.
"""

from seasoned.agents.changes import Change, apply, plan_in, plan_out
from seasoned.agents.clients import CLIENTS, Client, Hook, client
from seasoned.agents.differences import unified_diff
from seasoned.agents.places import Found, Surroundings, Target, find, targets
from seasoned.agents.records import Record, Records
from seasoned.agents.scripts import SCRIPTS, write_scripts
from seasoned.agents.standing import Standing, standing

__all__ = [
    "CLIENTS",
    "SCRIPTS",
    "Change",
    "Client",
    "Found",
    "Hook",
    "Record",
    "Records",
    "Standing",
    "Surroundings",
    "Target",
    "apply",
    "client",
    "find",
    "plan_in",
    "plan_out",
    "standing",
    "targets",
    "unified_diff",
    "write_scripts",
]
