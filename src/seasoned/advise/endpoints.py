"""What the experiment measures: the endpoints of each question, their scales, and what would be worth knowing.

Invariant: everything here was fixed before the data: which endpoint decides, how large an effect is of interest, where
extreme values are cut. A question has one endpoint that decides it; the others share one error rate among them
(Bonferroni), so that with many endpoints the chance of a wrong word does not grow."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from seasoned.model.advice import Advice

__all__ = ["ENDPOINTS", "PLANS", "QUESTIONS", "Endpoint", "Question", "QuestionName", "question_of"]

QuestionName = Literal["plans", "fixes", "warnings"]
Scale = Literal["share", "number", "ratio"]
"""How a difference is said: in points, in the endpoint's own unit, or in percent of the held-out value."""

_MOST_STEPS = 10.0
"""Steps to recovery from which on more make no difference; it is also what a failure counts that was never recovered
from, so that giving up is not mistaken for being quick."""
_CUT = math.log(16)
"""A duration, a cost or a count of tokens more than 16 times over or under what was expected counts as 16 times: the
tails of these are so heavy that a few values would decide (winsorising, on the log scale)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One figure that is measured after an opportunity."""

    name: str
    """As in ``Advice.endpoints``."""
    label: str
    scale: Scale
    better: Literal[1, -1]
    """1: more is better."""
    read: Callable[[Advice], float | None]
    """Its value, logarithms of those on the scale ``ratio``; None where it is not known."""
    cut: float
    """Largest distance from the expected value that counts, in the same scale."""
    first: float
    """What is expected before anything was seen."""
    smallest: float
    """Smallest difference of interest, > 0, in the same scale."""
    spread: float
    """Standard deviation assumed before anything was seen, to say how many are needed."""


def _named(name: str, lowest: float, highest: float = math.inf) -> Callable[[Advice], float | None]:
    def read(advice: Advice) -> float | None:
        value = (advice.endpoints or {}).get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"endpoint {name} of advice {advice.advice_id} is no finite number: {value!r}")
        return min(max(float(value), lowest), highest)

    return read


def _log(name: str, lowest: float) -> Callable[[Advice], float | None]:
    plain = _named(name, lowest)

    def read(advice: Advice) -> float | None:
        value = plain(advice)
        return None if value is None else math.log(value)

    return read


def _steps_to_recovery(advice: Advice) -> float | None:
    value = _named("steps_to_recovery", 0.0, _MOST_STEPS)(advice)
    return _MOST_STEPS if value is None and advice.outcome == "not_recovered" else value


def _success(advice: Advice) -> float | None:
    value = _named("success", 0.0, 1.0)(advice)
    return {"success": 1.0, "failure": 0.0}.get(advice.outcome or "") if value is None else value


_TENTH_LESS = -math.log(0.9)
ENDPOINTS: Final = {
    each.name: each
    for each in (
        Endpoint(
            name="success", label="success", scale="share", better=1, read=_success,
            cut=1.0, first=0.75, smallest=0.05, spread=math.sqrt(0.75 * 0.25),
        ),
        Endpoint(
            name="steps_to_recovery", label="steps to recovery", scale="number", better=-1, read=_steps_to_recovery,
            cut=7.0, first=4.0, smallest=1.0, spread=3.0,
        ),
        Endpoint(
            name="same_failure_again", label="same failure again", scale="share", better=-1,
            read=_named("same_failure_again", 0.0, 1.0), cut=1.0, first=0.3, smallest=0.1, spread=math.sqrt(0.3 * 0.7),
        ),
        Endpoint(
            name="quality", label="quality", scale="number", better=1, read=_named("quality", 0.0, 1.0),
            cut=0.5, first=0.75, smallest=0.05, spread=0.2,
        ),
        Endpoint(
            name="duration_ms", label="duration", scale="ratio", better=-1, read=_log("duration_ms", 1.0),
            cut=_CUT, first=math.log(180_000), smallest=_TENTH_LESS, spread=1.2,
        ),
        Endpoint(
            name="tokens", label="tokens", scale="ratio", better=-1, read=_log("tokens", 1.0),
            cut=_CUT, first=math.log(100_000), smallest=_TENTH_LESS, spread=1.2,
        ),
        Endpoint(
            name="cost_usd", label="cost", scale="ratio", better=-1, read=_log("cost_usd", 1e-4),
            cut=_CUT, first=math.log(0.3), smallest=_TENTH_LESS, spread=1.2,
        ),
        Endpoint(
            name="steps", label="steps", scale="ratio", better=-1, read=_log("steps", 1.0),
            cut=_CUT, first=math.log(15), smallest=_TENTH_LESS, spread=0.9,
        ),
        Endpoint(
            name="repeated_failures", label="repeated failures", scale="number", better=-1,
            read=_named("repeated_failures", 0.0), cut=4.0, first=0.5, smallest=0.2, spread=1.0,
        ),
    )
}  # fmt: skip
"""By name. Where values are cut and what is of interest is ours; with those of success as many sessions are needed as
the design was chosen by (``experiment``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing that the experiment asks."""

    name: QuestionName
    title: str
    one: str
    """What chance decides over, in words; ``many``: of several."""
    many: str
    primary: str | None
    """The endpoint that decides it; None: nothing is decided by it."""
    others: tuple[str, ...]

    def alpha(self, endpoint: str, level: float) -> float:
        """Chance of a miss that this endpoint may use, where the primary may use 1 − ``level`` and the others together
        as much."""
        return (1 - level) if endpoint == self.primary else (1 - level) / len(self.others)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """All of them, the one that decides first."""
        return self.others if self.primary is None else (self.primary, *self.others)


QUESTIONS: Final = (
    Question(
        name="fixes", title="Known fixes right after a failure", one="failure with a known fix",
        many="failures with a known fix",
        primary="steps_to_recovery",
        others=("same_failure_again", "success", "duration_ms", "tokens", "cost_usd", "repeated_failures"),
    ),
    Question(
        name="plans", title="Similar tasks and patterns at the prompt", one="session", many="sessions",
        primary="success",
        others=("quality", "duration_ms", "tokens", "cost_usd", "steps", "repeated_failures"),
    ),
    Question(
        name="warnings", title="Warnings before a call", one="call with a known failure", many="calls with a known failure",
        primary=None, others=("same_failure_again", "success"),
    ),
)  # fmt: skip

PLANS: Final = next(each for each in QUESTIONS if each.name == "plans")


def question_of(first: Advice) -> QuestionName:
    """What the first opportunity of a unit asks."""
    if not (first.unit or "").startswith("fix:"):
        return "plans"
    return "warnings" if first.moment == "before_tool" else "fixes"
