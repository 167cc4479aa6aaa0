"""An execution as the learner sees it: everything that is known of one run, in one value."""

from dataclasses import dataclass

from seasoned.model.fingerprint import Fingerprint
from seasoned.model.trace import Artifact, Span, Trace

__all__ = ["Execution"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run with its task, its spans and what it left."""

    trace: Trace
    fingerprint: Fingerprint | None = None
    """None for a run without a prompt."""
    spans: tuple[Span, ...] = ()
    """By ``number``."""
    artifacts: tuple[Artifact, ...] = ()
    """By path."""
