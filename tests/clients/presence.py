"""Whether a client is there to be driven. On CI all are; elsewhere their tests skip, and the summary says what is missing."""

import os

import pytest

from clients.client import Client

__all__ = ["need"]


def need(kind: type[Client]) -> None:
    """Skip the test where the client is not installed; fail it where `AGENT_CLIENTS=required` stands (`.ci/run`)."""
    if kind.installed():
        return
    missing = f"{kind.name} is not installed: say `make agents`"
    if os.environ.get("AGENT_CLIENTS") == "required":
        pytest.fail(missing)
    pytest.skip(missing)
