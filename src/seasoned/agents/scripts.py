"""The hook scripts in the data folder: copies, so that an agent's settings name a path that stays when the Python
environment of Seasoned moves or goes. A call of a script that is gone would be an error shown to the user at every
prompt; so they stay when the entries are taken out, for sessions that still run with them.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from seasoned.errors import OutputError

__all__ = ["SCRIPTS", "write_scripts"]

SCRIPTS: Final = ("hook.sh", "ask.py")
"""Their names, below ``hooks`` in the data folder."""
_FOLDER = "hooks"


def write_scripts(data_dir: Path, scripts: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Put each script, by name, into the data folder; those that were written, not those that stood there already.

    Each is replaced in one step: an agent may be reading it. Raises OutputError.
    """
    folder = data_dir / _FOLDER
    written: list[Path] = []
    path, partial = folder, None
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        for name, data in scripts.items():
            path = folder / name
            if path.is_file() and path.read_bytes() == data:
                continue
            partial = folder / f".{name}.{os.getpid()}"
            partial.write_bytes(data)
            partial.chmod(0o600)
            partial.replace(path)
            written.append(path)
    except OSError as error:
        if partial is not None:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        raise OutputError(f"{path}: {error.strerror or error}.") from error
    return tuple(written)
