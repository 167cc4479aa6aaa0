"""An execution as the learner sees it: everything that is known of one run, in one value."""

from dataclasses import dataclass, field, fields

from seasoned.model.fingerprint import Fingerprint
from seasoned.model.trace import Artifact, Span, Trace

__all__ = ["CompletedTrace", "Execution"]


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompletedTrace(Trace):
    """A trace as its own tracker completed it, with the calls that were recorded in this process on the side.

    It stands wherever a ``Trace`` does, equals the bare one, and is measured with its phases and tools. Events carry
    the bare one: the spans here are as the program gave them, not redacted, and went to the sink one by one.
    """

    spans: tuple[Span, ...] = field(default=(), repr=False)
    """By ``number``; the first ones, where there were more than a tracker keeps."""
    spans_left_out: int = 0
    """Spans that were recorded and are not among ``spans``."""

    @property
    def bare(self) -> Trace:
        """The trace alone."""
        return Trace(**{name: getattr(self, name) for name in _FIELDS})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trace) and all(getattr(self, name) == getattr(other, name) for name in _FIELDS)

    __hash__ = Trace.__hash__


_FIELDS = tuple(each.name for each in fields(Trace))
