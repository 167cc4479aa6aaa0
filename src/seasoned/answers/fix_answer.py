"""What ``seasoned failures fix`` shows, as a record that can be sent."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seasoned.learn.failures import Fix
from seasoned.model import FailurePattern

if TYPE_CHECKING:
    from seasoned.app import Seasoned

__all__ = ["ToldFixes", "told_fixes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFixes:
    """Known fixes of an error, with all their evidence."""

    signature: str
    program: str
    informative: bool
    """Whether the message itself says what went wrong."""
    failure: FailurePattern | None
    fixes: tuple[Fix, ...]
    """Best first; empty: no known fix."""
    reason: str


def told_fixes(seasoned: "Seasoned", error: str, *, tool: str | None, command: str | None) -> ToldFixes:
    """Ask. Raises StoreError."""
    answer = seasoned.fixes(error, tool=tool, command=command)
    return ToldFixes(
        signature=answer.signature.text,
        program=answer.signature.program,
        informative=answer.signature.informative,
        failure=answer.failure,
        fixes=answer.fixes,
        reason=answer.reason,
    )
