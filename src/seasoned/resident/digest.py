"""Whether one process may answer for another: the same code, under the same settings.

A command asks the service only where this digest is the same on both sides. What is left out makes no difference to an
answer: the data folder (each has its own service) and the service's own settings.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

__all__ = ["code_stamp", "settings_digest"]


def settings_digest(values: Iterable[tuple[str, object]]) -> str:
    """SHA-256, in hex, of the code and the settings that apply (dotted path, value), in any order. It tells nothing of
    the secrets among them."""
    kept = sorted((key, value) for key, value in values if key != "data_dir" and not key.startswith("service."))
    return hashlib.sha256(json.dumps([code_stamp(), kept], default=str).encode()).hexdigest()


def code_stamp() -> tuple[str, int, int]:
    """Which installation this is: where it lies, and the file that every upgrade replaces. Asking for the version's
    name would cost a command 20 ms. An installation that is gone has no times."""
    path = Path(__file__).parents[1] / "__init__.py"
    try:
        about = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), about.st_ino, about.st_mtime_ns
