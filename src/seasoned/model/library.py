"""Who acts on the library, and what happens to a pattern: identities, usages, audit entries, tokens.

Invariant: an identity is established once, by a token or by this machine's own configuration, and handed down; no
method takes one from an argument.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from seasoned.model.trace import Document

__all__ = [
    "FALLING",
    "LEARNER",
    "PROMOTION_ASKED",
    "REVIEW_NOTES",
    "WORTH_SHARING",
    "Agent",
    "Alert",
    "AuditEntry",
    "Identity",
    "PatternUsage",
    "Role",
    "Token",
]

Role = Literal["agent", "librarian", "admin"]

LEARNER = "seasoned"
"""Owner of what was learned from the history; administrators of the namespace act for it."""


FALLING = "falling_success"
"""Review flag: the pattern's recent uses fell below its threshold."""
WORTH_SHARING = "worth_sharing"
"""Review flag: private, and good enough to be proposed for the team."""
PROMOTION_ASKED = "promotion_asked"
"""Review flag: its owner wants it promoted and waits for a reviewer."""
REVIEW_NOTES = frozenset({"distinct_from", "reviewed_flags", "reviewed_uses"})
"""Of a pattern's metadata, what only reviewing writes: ids of like patterns that say something else, flags that were
looked at, and how many uses with a known outcome there were when a falling success was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks."""

    namespace: str
    agent_id: str
    role: Role = "agent"
    local: bool = False
    """Of this machine's own configuration: a person, and no token, stands behind it."""
    acting: str | None = None
    """The local administrator who acts in this agent's name; None: the agent itself."""

    @property
    def reviewer(self) -> bool:
        """Whether it may judge the patterns of others that it may read: a librarian or an administrator."""
        return self.role != "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternUsage:
    """One application of a pattern."""

    usage_id: str
    pattern_id: str
    namespace: str
    """Of the agent that used it."""
    execution_id: str | None = None
    agent_id: str
    execution_time_ms: int | None = None
    success: bool | None = None
    """None: unknown; it counts as use, not as evidence."""
    quality_delta: float | None = None
    """−1..1 against what is usual for the task; None: not known."""
    context_data: Document | None = None
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One move in the library; append-only."""

    namespace: str
    who: str
    """Agent id; ``NAME for AGENT`` where a local administrator acted in an agent's name; ``policy`` for a rule."""
    what: str
    """create, change, share, promote, reject, deprecate, delete, flag, review, token_create, token_revoke, forget, …"""
    subject: str | None = None
    """Id of what it was done to."""
    before: Document | None = None
    """What changed, as it was; None for something new."""
    after: Document | None = None
    reason: str | None = None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that a person should look at; one for each rule and subject."""

    alert_id: str
    """UUIDv5 of namespace, rule and subject."""
    namespace: str
    rule: str
    """``deprecated_pattern_used``, …"""
    subject: str
    details: Document | None = None
    occurrences: int = 1
    first_seen_at: datetime
    last_seen_at: datetime
    state: Literal["open", "recovered"] = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A known identity of a namespace."""

    namespace: str
    agent_id: str
    name: str
    role: Role = "agent"
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token, of which only the hash is kept."""

    hash: str
    """SHA-256 of the token, hex. The token has 256 random bits, so that a slow hash would add nothing."""
    namespace: str
    agent_id: str
    scopes: tuple[Role, ...]
    """Exactly one: what whoever bears it may be."""
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
