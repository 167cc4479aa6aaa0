"""What a sync is asked, and what it says it did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from seasoned.errors import AccessDeniedError, ConflictError, InputError

__all__ = ["Change", "Side", "SyncOptions", "SyncReport", "What"]

Side = Literal["library", "file"]
What = Literal[
    "written", "rewritten", "moved", "removed", "created", "edited", "new_version", "promoted", "asked", "deprecated",
    "deleted", "file_gone", "pattern_gone", "conflict", "refused", "broken",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """How to sync."""

    dry_run: bool = False
    """Say what would be done, and do nothing."""
    delete: bool = False
    """What is gone on one side goes on the other."""
    take: Mapping[str, Side] = field(default_factory=dict[str, Side])
    """Which side counts, by path, name or id of a pattern."""
    figures: bool = False
    """Write counts anew also where nothing else changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that was done, or could not be."""

    what: What
    path: str
    """Below ``.agent/patterns``."""
    pattern_id: str | None = None
    message: str
    """A sentence."""
    diff: str = ""
    """Of a conflict: what either side changed."""
    error: str | None = None
    """Name of the error, of something refused or broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What a sync did."""

    changes: tuple[Change, ...]
    unchanged: int
    dry_run: bool

    @property
    def exit_code(self) -> int:
        """0; that of ConflictError where there is a conflict, else of AccessDeniedError, InputError where something was
        refused or cannot be read."""
        whats = {each.what for each in self.changes}
        if "conflict" in whats:
            return ConflictError.exit_code
        if any(each.error == AccessDeniedError.__name__ for each in self.changes):
            return AccessDeniedError.exit_code
        return InputError.exit_code if whats & {"refused", "broken"} else 0
