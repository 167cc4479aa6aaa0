"""The library with which a shell script reports what it does: ``tracing_utils.sh``, to be sourced.

It is written for any POSIX shell, since what runs in hooks, containers and CI is rarely bash. Invariant: *whatever
happens in it, the script that sourced it goes on as if it were not there*: no exit code, no output, no job to wait for,
no input eaten, no descriptor kept open. Tested with dash and bash, under ``set -eu``.
"""

from pathlib import Path

__all__ = ["shell_library"]


def shell_library() -> Path:
    """Path of the library as installed."""
    return Path(__file__).with_name("tracing_utils.sh")
