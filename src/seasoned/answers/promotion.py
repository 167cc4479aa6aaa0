"""Making a pattern active, or asking for it: which of the two is decided by who asks (``library.access``)."""

from typing import TYPE_CHECKING, Annotated, TypedDict

from msgspec import Meta

from seasoned.answers.checked import Arguments, Label, Names
from seasoned.model import PROMOTION_ASKED, PatternStatus

if TYPE_CHECKING:
    from seasoned.app import Seasoned

__all__ = ["PromotePattern", "PromotedPattern", "promote_pattern"]

Sentence = Annotated[str, Meta(max_length=20_000)]


class PromotePattern(Arguments, frozen=True, kw_only=True):
    """Arguments of ``promote_pattern``."""

    pattern_id: Annotated[Label, Meta(description="The pattern, or the version of it, that is to be active.")]
    waiver: Annotated[
        Sentence | None,
        Meta(description="Why it may be active though it was not validated; kept with your name."),
    ] = None
    distinct_from: Annotated[
        Names | None, Meta(description="Ids of active patterns that look alike, but say something else.")
    ] = None
    reason: Annotated[Sentence | None, Meta(description="Why; kept in the audit log.")] = None


class PromotedPattern(TypedDict):
    """The pattern after it."""

    success: bool
    pattern_id: str
    pattern_name: str
    version: str
    promoted: Annotated[bool, Meta(description="Whether it is active now.")]
    asked: Annotated[bool, Meta(description="You own it, and are no reviewer: it waits in the review queue.")]
    status: PatternStatus
    access_level: str
    owner: str
    review_flags: Annotated[tuple[str, ...], Meta(description="What a reviewer must look at.")]


def promote_pattern(seasoned: "Seasoned", given: PromotePattern) -> PromotedPattern:
    """Make it active, or ask for that. Raises NotFoundError, AccessDeniedError, ConflictError, ValidationError with
    everything that is missing, StoreError."""
    after = seasoned.library.promote(
        given.pattern_id,
        reason=given.reason,
        waiver=given.waiver,
        distinct_from=given.distinct_from or (),
    )
    active = after.status == "active"
    return {
        "success": True,
        "pattern_id": after.pattern_id,
        "pattern_name": after.pattern_name,
        "version": after.version,
        "promoted": active,
        "asked": not active and PROMOTION_ASKED in after.review_flags,
        "status": after.status,
        "access_level": after.access_level,
        "owner": after.agent_id,
        "review_flags": after.review_flags,
    }
