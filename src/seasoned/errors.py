"""Every error that Seasoned raises on purpose, in one tree.

::

    SeasonedError                    exit code
    ├── UsageError                   2   a command, argument or call that makes no sense
    │   ├── SettingsError            2   an unknown key or a bad value, with its file and line
    │   ├── UnbalancedPhaseError     2   a phase ended that was not begun
    │   └── ValidationError          2   a value that the library does not take, with what it takes
    ├── InputError                   3   foreign data that cannot be used, with its place
    │   ├── UnreadableFileError      3   the operating system would not give the bytes
    │   └── UnknownFormatError       3   no importer recognises the file
    ├── NotFoundError                4   the id names nothing that the caller may see
    ├── AccessDeniedError           10   a PermissionError: the caller may see it, but not do this
    ├── ConflictError               11   a name that is taken, or a change that another one came before
    ├── TooManyCallsError           12   more calls than an agent may make in a minute; says when to try again
    ├── StoreError                   5
    │   ├── StoreUnavailableError    5   cannot be reached, opened or written (rights, network)
    │   ├── StoreBusyError           5   locked by another writer for longer than the time-out
    │   ├── StoreFullError           5   no space left on the device
    │   ├── StoreTooNewError         5   written by a newer Seasoned
    │   ├── StoreOutdatedError       5   needs a migration that was not allowed to run
    │   ├── StoreCorruptError        5   the database says that it is damaged
    │   └── StoreConflictError       5   a name or id that is taken
    ├── EventError                   6
    │   ├── UnknownEventVersionError 6   a newer payload than this version reads
    │   └── MalformedEventError      6   a payload that breaks its own schema
    ├── EmbedderError                7   the model's files are missing or not the ones expected
    ├── DependencyMissingError       8   an optional part is not installed; names the extra
    ├── ServiceError                13   the resident service cannot run, or does not answer
    └── OutputError                  9   an answer or export cannot be written (no space, closed, rights)
        └── ReaderGoneError        141   whoever read the output has gone; nothing is said then

The message of each says what was wrong, where, and what is allowed or what to do next. Adapters
translate foreign errors at their own edge (``raise … from exc``); nothing above them sees a driver's.
"""

from typing import ClassVar

__all__ = [
    "AccessDeniedError",
    "ConflictError",
    "DependencyMissingError",
    "EmbedderError",
    "EventError",
    "InputError",
    "MalformedEventError",
    "NotFoundError",
    "OutputError",
    "ReaderGoneError",
    "SeasonedError",
    "ServiceError",
    "SettingsError",
    "StoreBusyError",
    "StoreConflictError",
    "StoreCorruptError",
    "StoreError",
    "StoreFullError",
    "StoreOutdatedError",
    "StoreTooNewError",
    "StoreUnavailableError",
    "TooManyCallsError",
    "UnbalancedPhaseError",
    "UnknownEventVersionError",
    "UnknownFormatError",
    "UnreadableFileError",
    "UsageError",
    "ValidationError",
]


class SeasonedError(Exception):
    """Root of the tree. ``str(error)`` is fit to be shown to a user as it stands."""

    exit_code: ClassVar[int] = 1
    """What a command that ends with this error exits with."""


class UsageError(SeasonedError):
    """A command, argument or call that makes no sense."""

    exit_code = 2


class SettingsError(UsageError):
    """An unknown setting or a value out of range; names the file, the line and what is allowed."""


class UnbalancedPhaseError(UsageError):
    """A phase was ended that is not the innermost open one; names the phase."""


class ValidationError(UsageError):
    """A value that the library does not take; names the field and what is allowed."""


class InputError(SeasonedError):
    """Foreign data that cannot be used; names the file and, where known, the line or byte."""

    exit_code = 3


class UnreadableFileError(InputError):
    """The operating system would not give the bytes (rights, vanished, not a regular file)."""


class UnknownFormatError(InputError):
    """No importer recognises the file."""


class NotFoundError(SeasonedError):
    """The id names nothing that the caller may see."""

    exit_code = 4


class AccessDeniedError(SeasonedError, PermissionError):
    """The caller may see the thing, but not do this to it; says who may. Also the built-in PermissionError."""

    exit_code = 10


class ConflictError(SeasonedError):
    """A name that is taken, or a change that another one came before; nothing was changed."""

    exit_code = 11


class TooManyCallsError(SeasonedError):
    """An agent made more calls in a minute than it may; nothing was done."""

    exit_code = 12

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """Whole seconds after which the next call is let in, ≥ 1."""


class StoreError(SeasonedError):
    """The database could not do what was asked; nothing of the transaction remains."""

    exit_code = 5


class StoreUnavailableError(StoreError):
    """The database cannot be reached, opened or written."""


class StoreBusyError(StoreError):
    """Another writer held the database for longer than the time-out."""


class StoreFullError(StoreError):
    """No space is left on the device; the transaction was rolled back."""


class StoreTooNewError(StoreError):
    """The schema was written by a newer Seasoned; this one refuses to touch it."""


class StoreOutdatedError(StoreError):
    """The schema is older than this Seasoned; ``seasoned db migrate`` upgrades it."""


class StoreCorruptError(StoreError):
    """The database file is damaged or is no database."""


class StoreConflictError(StoreError):
    """A name, or an id, that is taken."""


class EventError(SeasonedError):
    """An event that cannot take effect; it goes to the dead letters with this reason."""

    exit_code = 6


class UnknownEventVersionError(EventError):
    """The payload's schema_version is newer than this Seasoned reads."""


class MalformedEventError(EventError):
    """The payload breaks its own schema."""


class EmbedderError(SeasonedError):
    """The embedding model is missing, damaged or not the one expected."""

    exit_code = 7


class DependencyMissingError(SeasonedError):
    """An optional part is not installed; the message names the extra that brings it."""

    exit_code = 8


class ServiceError(SeasonedError):
    """The resident service cannot run here, or does not answer; whoever only wanted to save time does without it."""

    exit_code = 13


class OutputError(SeasonedError):
    """An answer or an export cannot be written; names the place. What was stored stays stored."""

    exit_code = 9


class ReaderGoneError(OutputError):
    """Whoever read the output (``head``, a pager) has gone. 141 is what a shell reports of a program that SIGPIPE ended."""

    exit_code = 141
