"""The outcome of a run, judged by the effects of other runs of the same task.

Where nothing in a transcript says how it went, other runs of the same task may: right runs agree, because there are
few ways to be right, and wrong ones differ, because there are many ways to be wrong. The figure is the share of the
other runs whose effects (``learn.effects``) are exactly the same. Invariant: a pure function of the runs, independent
of their order; a run never speaks for itself, nor does a copy of it.

What it is worth was measured (``seasoned evaluate outcomes``): area under the curve 0.91 on 69 retail tasks with 3
runs each, of which the share of right runs is high, and 0.80 on 50 airline tasks with 4 runs of one weak model each,
where runs agree on the same mistake. A success is therefore claimed only where *all* others agree, and failure is
never claimed: disagreement says that somebody is wrong, not who (with some of the others agreeing, 83 % were right on
one set and 36 % on the other).

What was measured are requests that say all that is needed, each begun anew. A history holds other repetitions, whose
agreement means nothing: "continue" and "commit" mean something else each time, a request that is put again in its
session was not met the first time, and two edits of one file may be one right and one wrong. Nothing is claimed for
those (``self_contained``, ``effects.telling``, ``Run.blamed``): no labelled data say what agreement is worth there.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from seasoned.learn.effects import Effect
from seasoned.learn.keywords import keywords
from seasoned.model import OutcomeTier, Signal, Status, Trace

__all__ = [
    "Agreement",
    "ConsensusOutcome",
    "Run",
    "agreements",
    "blamed",
    "consensus",
    "self_contained",
    "with_agreement",
    "without_agreement",
]

_FEWEST_OTHERS = 2
_AGREED = 0.95
"""Measured: 0.98 of the 180 runs for which a success is claimed were right (both sets together); rounded down."""
_FEWEST_WORDS = 10
"""Distinct keywords of a request that can stand alone. The shortest of the measured sets has 10; prompts that came back
in other sessions of real histories (``Start``, ``Review the code changes``, run this script) have 1 to 7, and one 11."""
_READ = 600
"""Characters of a prompt that are looked at for them."""
_KIND = "consensus"
_AGAINST = frozenset({"asked_again", "user_correction", "user_rejected"})
"""Signals by which a user speaks against a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a task."""

    run_id: str
    effects: frozenset[Effect]
    origin: str = ""
    """What copies of one run have in common (a session that was forked); empty: the run itself."""
    telling: bool = True
    """Whether equal effects mean the same deed (``effects.telling``)."""
    blamed: bool = False
    """Whether it is known to have failed, or the user's words were against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far the other runs of the task did the same."""

    run_id: str
    others: int
    """How many other runs there are, ≥ 0; copies of one count once, copies of this one not at all."""
    same: int
    """How many of them have exactly the same effects."""
    sound: bool = True
    """Whether all runs with these effects are telling and none of them is blamed."""

    @property
    def share(self) -> float | None:
        """``same / others``; None for a run without others."""
        return self.same / self.others if self.others else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusOutcome:
    """What agreement alone says of a run."""

    status: Status
    """``success`` or ``unknown``."""
    tier: OutcomeTier
    confidence: float | None
    """0..1; None while the status is unknown."""


def blamed(trace: Trace) -> bool:
    """Whether a run is known to have failed, or the user spoke against it."""
    return trace.status == "failure" or any(signal.kind in _AGAINST for signal in trace.outcome_evidence)


def self_contained(prompt: str) -> bool:
    """Whether ``prompt`` says enough to be the same task each time it is asked; ``continue`` does not."""
    return len(keywords(prompt[:_READ])) >= _FEWEST_WORDS


def agreements(runs: Sequence[Run]) -> list[Agreement]:
    """One for each of ``runs``, all of the same task, in their order."""
    told: dict[str, set[frozenset[Effect]]] = {}
    unsound: set[frozenset[Effect]] = set()
    for run in runs:
        told.setdefault(run.origin or run.run_id, set()).add(run.effects)
        if run.blamed or not run.telling:
            unsound.add(run.effects)
    counts = Counter(next(iter(done)) for done in told.values() if len(done) == 1)
    found: list[Agreement] = []
    for run in runs:
        own = len(told[run.origin or run.run_id]) == 1
        found.append(
            Agreement(
                run_id=run.run_id,
                others=len(told) - 1,
                same=counts[run.effects] - own,
                sound=own and run.effects not in unsound,
            )
        )
    return found


def consensus(agreement: Agreement) -> ConsensusOutcome:
    """The outcome that an agreement supports: a success where at least two others exist and all did the same."""
    if agreement.sound and agreement.others >= _FEWEST_OTHERS and agreement.same == agreement.others:
        return ConsensusOutcome(status="success", tier="consensus", confidence=_AGREED)
    return ConsensusOutcome(status="unknown", tier="unknown", confidence=None)


def with_agreement(trace: Trace, agreement: Agreement, done: frozenset[Effect]) -> Trace:
    """``trace`` with the outcome that ``agreement`` supports, and with the evidence for it.

    Only an outcome that is otherwise unknown is touched: what is stated or was checked stands. An older claim is
    withdrawn first, so that the result is a function of the runs as they now are.
    """
    bare = without_agreement(trace)
    outcome = consensus(agreement)
    if outcome.confidence is None or bare.status != "unknown" or bare.outcome_tier != "unknown":
        return bare
    tools = ", ".join(sorted({effect.tool for effect in done})) or "nothing was changed"
    evidence = Signal(
        kind=_KIND,
        verdict=outcome.status,
        weight=outcome.confidence,
        detail=f"all {agreement.others} other runs of this task had the same effects: {tools}"[:200],
    )
    return replace(
        bare,
        status=outcome.status,
        outcome_tier=outcome.tier,
        outcome_confidence=outcome.confidence,
        outcome_evidence=(*bare.outcome_evidence, evidence),
    )


def without_agreement(trace: Trace) -> Trace:
    """``trace`` as its own source tells it: the inverse of ``with_agreement``."""
    if trace.outcome_tier != "consensus":
        return trace
    return replace(
        trace,
        status="unknown",
        outcome_tier="unknown",
        outcome_confidence=None,
        outcome_evidence=tuple(signal for signal in trace.outcome_evidence if signal.kind != _KIND),
    )
