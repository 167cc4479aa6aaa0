"""What every store must do, as tests. Subclass, give a ``store`` fixture, and run pytest::

    class TestMine(StoreContract):
        @pytest.fixture
        def store(self) -> Iterator[Store]:
            ...

Only the port is used, so that a store of another make can be held to it. Times are fixed; nothing waits for a clock.
"""

from seasoned.testing.store_fingerprints import FingerprintContract
from seasoned.testing.store_log import LogContract
from seasoned.testing.store_records import NOON, event, fingerprint, save, span, trace
from seasoned.testing.store_rows import RowContract

__all__ = ["NOON", "StoreContract", "event", "fingerprint", "save", "span", "trace"]


class StoreContract(RowContract, FingerprintContract, LogContract):
    """Subclass with a ``store`` fixture that gives an empty store."""
