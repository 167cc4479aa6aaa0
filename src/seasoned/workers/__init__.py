"""What happens to an event: it is written, embedded; and how histories become events."""

from seasoned.workers.embedding import embed_pending
from seasoned.workers.importing import ImportProgress, ImportResult, import_histories
from seasoned.workers.reading import FileResult, ImportOptions
from seasoned.workers.writer import CONSUMER, Applied, Writer

__all__ = [
    "CONSUMER",
    "Applied",
    "FileResult",
    "ImportOptions",
    "ImportProgress",
    "ImportResult",
    "Writer",
    "embed_pending",
    "import_histories",
]
