"""Fixtures of the tests with real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from residents import resident

from seasoned.resident import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Of a service that the test may start; whatever runs is ended with it."""
    with resident(tmp_path) as found:
        yield found
