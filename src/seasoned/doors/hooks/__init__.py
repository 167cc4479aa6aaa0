"""What agents run: ``hook.sh``, which keeps what they say, and ``ask.py``, which lets the service answer.

They stand alone, without this package: a POSIX shell and any Python 3 run them. ``seasoned init`` names them in the
agents' settings by their path, so they are data of the package and never moved.
"""

from pathlib import Path

__all__ = ["ASK", "HOOK"]

HOOK = Path(__file__).parent / "hook.sh"
"""``sh hook.sh SOURCE [ask|-] [DATA_FOLDER]``."""
ASK = Path(__file__).parent / "ask.py"
"""Run by ``hook.sh``."""
