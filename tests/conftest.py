"""Fixtures shared by all tests: one real PostgreSQL for the whole run, a fresh database for each test that asks.

The summary names what was skipped and why, once per reason.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

from seasoned.testing.postgres import PostgresServer, postgres_server

# A loaded machine is no fault of the code; time is measured in benchmarks.
settings.register_profile("seasoned", deadline=None)
settings.load_profile("seasoned")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for PostgreSQL is slow: the fast tests do without a server."""
    for item in items:
        asked = {*getattr(item, "fixturenames", ())} & {"postgres", "postgres_url"}
        if asked or "postgres" in item.nodeid.partition("::")[2].casefold():
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason: a test that did not run is no test that passed."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server; started on first use."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A fresh database with the newest schema."""
    with postgres.database() as url:
        yield url
