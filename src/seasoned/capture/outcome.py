"""How an execution went: many small pieces of evidence in, one honest verdict out.

Invariant: a pure function of the signals. Evidence of one kind never adds up with itself (a test run twice is one
test result, and the later run replaces the earlier), weak signals never decide, and where what is left is thin the
answer is ``unknown`` (20-30 % wrong outcomes erase the gain of routing, so a missing outcome costs
less than a wrong one).

How it is combined. ``BASIS`` says for each kind how probable its verdict is if it were the only signal; a signal's own
``weight`` (0..1) says how surely it was seen, and scales the log-odds of that. Within one side (success or failure)
the strongest signal counts in full and every further one with half its log-odds, because checks of the same work are
correlated; then the sides are subtracted. This is a naive-Bayes sum with a discount for dependence: monotone in every
signal, blind to the order of signals of different families. An answer needs at least one deciding signal on its own
side and a probability of at least ``DECISIVE``.

Three things stand outside the sum. What the data itself states (reward, verdict) decides alone. A stop by the user or
by a quota that nothing follows is ``aborted``, whatever the checks said before. And a rejection after which the agent
went to work again speaks about the work before it: it becomes a weak signal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from seasoned.model.trace import OutcomeTier, Signal, Status

__all__ = ["BASIS", "DECISIVE", "SignalKind", "Verdict", "infer", "quality", "signal"]

SignalKind = Literal[
    "reward",
    "verdict",
    "user_accepted",
    "user_rejected",
    "test",
    "build",
    "lint",
    "types",
    "format",
    "security",
    "commit",
    "merge",
    "push",
    "survived",
    "revert",
    "interruption",
    "quota",
    "resumed",
    "user_correction",
    "failed_end",
    "asked_again",
]
"""What was seen. ``resumed`` says that the agent worked on after what stands before it; ``failed_end`` that the last
tool calls failed; ``asked_again`` that the same prompt was put again at once; ``survived`` that the commit is still in
the history; ``commit``, ``merge`` and ``push`` that the command went through. ``revert`` as a failure says that the
work was taken out again; as a success only that the agent reverted something, which takes back its own commits."""

DECISIVE = 0.7
"""Least probability with which a success or a failure is claimed. 0.7 keeps a claim's expected error at or below the
30 % at which learning from outcomes stops paying."""

BASIS: dict[SignalKind, tuple[float, float, str]] = {
    # kind: (probability if it speaks for success, probability if it speaks for failure, what the numbers rest on)
    "reward": (1.0, 1.0, "stated by the data's own judge"),
    "verdict": (1.0, 1.0, "stated by the data's own judge or by an explicit call"),
    "user_accepted": (0.9, 0.5, "judgement: words of thanks sometimes praise a step, not the task"),
    "user_rejected": (0.5, 0.9, "judgement: plain words against the result, with nothing done about it after"),
    "test": (0.75, 0.8, "judgement: green tests do not prove that the task was done, red ones at the end rarely fit"),
    "build": (0.6, 0.8, "judgement: what builds may still be wrong, so a build alone does not decide"),
    "lint": (0.55, 0.6, "judgement: style says little about the task; never decides"),
    "types": (0.58, 0.65, "judgement: as lint, a little closer to correctness; never decides"),
    "format": (0.5, 0.5, "says nothing about the task"),
    "security": (0.55, 0.6, "judgement: as lint; never decides"),
    "commit": (0.7, 0.5, "judgement: work is rarely committed when it is known to be wrong; may be undone later"),
    "merge": (0.85, 0.5, "judgement: accepted by whoever keeps the branch"),
    "push": (0.7, 0.5, "judgement: as commit"),
    "survived": (0.85, 0.5, "judgement: still in the history when looked at"),
    "revert": (0.5, 0.95, "judgement: somebody took the trouble to take it out"),
    "interruption": (0.95, 0.95, "the agent's own mark in the transcript; the rest is for marks put by accident"),
    "quota": (0.95, 0.95, "the provider's own message"),
    "resumed": (0.5, 0.5, "says nothing by itself"),
    "user_correction": (0.5, 0.55, "weak: the work corrected is usually put right within the same trace"),
    "failed_end": (0.5, 0.6, "weak: changes sign between domains, so it never decides"),
    "asked_again": (0.5, 0.6, "weak: as failed_end"),
}
"""The documented confidence of each kind. None of the judgements has been measured against labels: no labelled set
has tests, commits and a user at once. They order the evidence; evaluation reports how often the answers are right."""

_WEAK: frozenset[str] = frozenset({"user_correction", "failed_end", "asked_again", "resumed"})
_SIDE: frozenset[str] = frozenset({"lint", "types", "format", "security"})
"""Checks that say something about the work, but not whether the task was done; like the weak ones they never decide."""
_STOPS: frozenset[str] = frozenset({"interruption", "quota"})
_WORDS: frozenset[str] = frozenset({"user_accepted", "user_rejected"})
_DELIVERY: frozenset[str] = frozenset({"commit", "merge", "push", "survived", "revert"})
_STATED: frozenset[str] = frozenset({"reward", "verdict"})
_GOES_ON: frozenset[str] = frozenset(get_args(SignalKind)) - _STOPS - _STATED - {"failed_end", "survived", "revert"}
"""Signals that show that the execution went on after a stop: words, checks, deliveries, ``resumed``."""
_CAP = math.log(0.97 / 0.03)
"""No sum of judgements is more certain than 0.97; only what the data states is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the signals say together."""

    status: Status
    tier: OutcomeTier
    """``explicit`` wherever the status is not ``unknown`` or ``in_progress``; consensus needs other runs."""
    confidence: float | None
    """0..1, of the status; None while the status is ``unknown`` or ``in_progress``."""
    user_acceptance: bool | None
    """The user's last words on it; a rejection that the agent answered with more work still stands here."""
    quality: float | None
    """0..1, see ``quality``; None with fewer than two terms."""
    evidence: tuple[Signal, ...]
    """All signals, in the order given."""


def signal(kind: SignalKind, verdict: Status, detail: str = "") -> Signal:
    """A signal that was plainly seen (weight 1). ``detail`` is cut to 200 characters and not yet redacted."""
    return Signal(kind=kind, verdict=verdict, weight=1.0, detail=" ".join(detail.split())[:200])


def infer(signals: Sequence[Signal], *, ended: bool, attended: bool = False) -> Verdict:
    """The outcome that ``signals``, in the order in which they happened, speak for.

    ``ended``: nothing more will come (a new task began, the session ended or has been idle). While it is False only
    what the data itself states is believed; everything else is ``in_progress``. ``attended``: a user was there who
    could have corrected it; words of a user among the signals say so too. Kinds that are not known count for nothing.
    """
    evidence = tuple(signals)
    status, confidence = _decide(evidence, ended)
    words = [s for s in evidence if s.kind in _WORDS]
    decided = status in ("success", "failure", "aborted")
    return Verdict(
        status=status,
        tier="explicit" if decided else "unknown",
        confidence=round(confidence, 4) if decided and confidence is not None else None,
        user_acceptance=words[-1].kind == "user_accepted" if words else None,
        quality=quality(evidence, status, attended=attended),
        evidence=evidence,
    )


def _decide(evidence: tuple[Signal, ...], ended: bool) -> tuple[Status, float | None]:
    for kind in ("reward", "verdict"):
        stated = [s for s in evidence if s.kind == kind and s.verdict in ("success", "failure", "aborted")]
        if stated:
            return stated[-1].verdict, min(max(stated[-1].weight, 0.0), 1.0)
    if not ended:
        return "in_progress", None
    stop = _final_stop(evidence)
    if stop is not None:
        return "aborted", BASIS["interruption"][1] * min(max(stop.weight, 0.0), 1.0)
    return _weigh(_current(evidence))


def quality(signals: Sequence[Signal], status: Status, *, attended: bool) -> float | None:
    """Quality of an execution with that ``status``, 0..1; None when fewer than two of its five terms are known.

    The weighted mean of what is present: outcome 0.4, tests and build 0.3, lint / types / security 0.1, no
    correction by the user 0.1, work survived 0.1; the weight of a missing term goes to the others. No correction
    counts only where a user was there (``attended``, or words of a user among the signals).
    """
    last: dict[str, float] = {}
    survived: float | None = None
    for item in signals:
        value = {"success": 1.0, "failure": 0.0}.get(item.verdict)
        if value is None:
            continue
        last[item.kind] = value
        attended = attended or item.kind.startswith("user_")
        if item.kind == "survived" or (item.kind == "revert" and value == 0.0):
            survived = value
    terms = (
        (0.4, {"success": 1.0, "failure": 0.0}.get(status)),
        (0.3, _mean([last[kind] for kind in ("test", "build") if kind in last])),
        (0.1, _mean([last[kind] for kind in ("lint", "types", "security") if kind in last])),
        (0.1, float(not {"user_correction", "user_rejected"} & last.keys()) if attended else None),
        (0.1, survived),
    )
    known = [(weight, value) for weight, value in terms if value is not None]
    if len(known) < 2:
        return None
    return round(sum(weight * value for weight, value in known) / sum(weight for weight, _ in known), 4)


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _final_stop(evidence: tuple[Signal, ...]) -> Signal | None:
    """The interruption or quota stop after which nothing shows that the execution went on."""
    for item in reversed(evidence):
        if item.kind in _STOPS:
            return item
        if item.kind in _GOES_ON:
            return None
    return None


def _current(evidence: tuple[Signal, ...]) -> list[Signal]:
    """The signals that still speak: the last of each family, the strongest delivery since the last revert."""
    latest: dict[str, Signal] = {}
    deliveries: dict[str, Signal] = {}
    for item in evidence:
        if item.verdict not in ("success", "failure") or item.kind in _STOPS:
            if item.kind == "resumed" and latest.get("words", item).kind == "user_rejected":
                answered = latest.pop("words")
                latest["user_correction"] = signal("user_correction", "failure", answered.detail)
            continue
        if item.kind in _WORDS:
            latest["words"] = item
        elif item.kind == "revert":
            deliveries = {"revert": item} if item.verdict == "failure" else {}
        elif item.kind in _DELIVERY:
            if item.verdict == "success":
                deliveries.pop("revert", None)
                deliveries[item.kind] = item
        else:
            latest[item.kind] = item
    kept = list(latest.values())
    if deliveries:
        kept.append(max(deliveries.values(), key=_delivered))
    return kept


def _weigh(current: list[Signal]) -> tuple[Status, float | None]:
    sides: dict[str, list[float]] = {"success": [], "failure": []}
    explicit: set[str] = set()
    for item in current:
        basis = BASIS.get(item.kind)  # pyright: ignore[reportArgumentType, reportCallIssue]  # foreign kinds give None
        if basis is None:
            continue
        probability = min(basis[0] if item.verdict == "success" else basis[1], 0.99)
        odds = math.log(probability / (1 - probability)) * min(max(item.weight, 0.0), 1.0)
        if odds <= 0:
            continue
        sides[item.verdict].append(odds)
        if item.kind not in _WEAK and item.kind not in _SIDE:
            explicit.add(item.verdict)
    total = _side(sides["success"]) - _side(sides["failure"])
    candidates: tuple[tuple[Status, float], ...] = (("success", total), ("failure", -total))
    for status, odds in candidates:
        probability = 1 / (1 + math.exp(-min(odds, _CAP)))
        if status in explicit and probability >= DECISIVE - 1e-9:
            return status, probability
    return "unknown", None


def _side(odds: list[float]) -> float:
    return math.fsum(sorted(odds)) / 2 + max(odds) / 2 if odds else 0.0


def _delivered(item: Signal) -> tuple[float, str]:
    return max(BASIS[item.kind][:2]) * item.weight, item.kind  # pyright: ignore[reportArgumentType]  # one of _DELIVERY
