"""What happens to an event: it is written, embedded and learned from; and how histories become events."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasoned.workers.agreement import Settled, settle_outcomes
    from seasoned.workers.embedding import embed_pending
    from seasoned.workers.hooking import TakenIn, strike_payloads, take_inbox
    from seasoned.workers.importing import ImportProgress, ImportResult, import_histories
    from seasoned.workers.learning import Learned, known_fixes, learn_history
    from seasoned.workers.reading import FileResult, ImportOptions, event_of
    from seasoned.workers.spooling import take_spool
    from seasoned.workers.writer import CONSUMER, Applied, Writer

__all__ = [
    "CONSUMER",
    "Applied",
    "FileResult",
    "ImportOptions",
    "ImportProgress",
    "ImportResult",
    "Learned",
    "Settled",
    "TakenIn",
    "Writer",
    "embed_pending",
    "event_of",
    "import_histories",
    "known_fixes",
    "learn_history",
    "settle_outcomes",
    "strike_payloads",
    "take_inbox",
    "take_spool",
]

_HOME = {
    **dict.fromkeys(("Settled", "settle_outcomes"), "agreement"),
    "embed_pending": "embedding",
    **dict.fromkeys(("TakenIn", "strike_payloads", "take_inbox"), "hooking"),
    **dict.fromkeys(("ImportProgress", "ImportResult", "import_histories"), "importing"),
    **dict.fromkeys(("Learned", "known_fixes", "learn_history"), "learning"),
    **dict.fromkeys(("FileResult", "ImportOptions", "event_of"), "reading"),
    "take_spool": "spooling",
    **dict.fromkeys(("CONSUMER", "Applied", "Writer"), "writer"),
}


def __getattr__(name: str) -> object:
    # A process that only asks a question loads no importer and no writer.
    if name in _HOME:
        return getattr(import_module(f"seasoned.workers.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
