"""What a shell call says about the work: its checks, each with its verdict.

One line often runs several checks (``go vet ./... && go test ./... | tail``). Each is judged by itself and each is
evidence of its own kind; the call as a whole has failed as soon as one of them has, whatever the exit code of the line
says (``| tail``, ``|| true``, ``; echo done`` hide it: a fifth of the checks in real sessions fail that way).
"""

from dataclasses import dataclass

from seasoned.capture.checks import checks_of, verdict
from seasoned.capture.excerpt import cut
from seasoned.model import Signal, SpanOutcome

__all__ = ["Judged", "judge_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How a shell call went."""

    outcome: SpanOutcome
    error_type: str | None
    """``hidden_by_pipe`` where only the output tells of the failure."""
    checks: dict[str, str]
    """Kind → ``passed`` or ``failed``, in the order of the line; checks whose end is not known are left out."""
    signals: tuple[Signal, ...]
    """The same as evidence."""


def judge_command(
    command: str, outcome: SpanOutcome, *, exit_code: int | None, output: str, error_type: str | None
) -> Judged:
    """Judge a call that ran ``command``. ``outcome`` and ``error_type`` are what the agent's record says.

    ``exit_code`` is that of the whole line; None where it is not known, which ``outcome`` then stands for. A call that
    was refused or cancelled says nothing about the work.
    """
    if outcome in {"rejected", "cancelled"}:
        return Judged(outcome=outcome, error_type=error_type, checks={}, signals=())
    if exit_code is None and outcome != "unknown":
        exit_code = 0 if outcome == "success" else 1
    judged = {check.kind: verdict(check, exit_code, output) for check in checks_of(command)}
    known = {kind: ended for kind, ended in judged.items() if ended != "unknown"}
    if outcome == "success" and "failed" in known.values():
        outcome, error_type = "failure", "hidden_by_pipe"
    detail = cut(command, 160)
    signals = (
        Signal(kind=kind, verdict="success" if ended == "passed" else "failure", weight=1.0, detail=detail)
        for kind, ended in known.items()
    )
    return Judged(outcome=outcome, error_type=error_type, checks=dict(known), signals=tuple(signals))
