"""A log of advice as the product would write it, of outcomes that a test decides."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from seasoned.advise.experiment import HoldOut
from seasoned.model import Advice, AdviceItem, Document

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NAMESPACE = "team"
PATTERN = (AdviceItem(kind="pattern", id="p", score=0.9),)
FIX = (AdviceItem(kind="fix", id="r", score=0.8, failure_id="f"),)

Ends = Callable[[int, bool], Document]
"""Endpoints of unit ``number``, given or not."""


def sessions(count: int, ends: Ends, *, share: float = 0.5, places: int = 3, begin: int = 0) -> Iterator[Advice]:
    """One prompt of each of ``count`` sessions."""
    for number in range(begin, begin + count):
        unit = f"session:s{number}"
        decided = HoldOut(share=share).decide(unit, NAMESPACE)
        given = decided.arm == "given"
        yield Advice(
            advice_id=f"a{number:06}", namespace=NAMESPACE, given_at=BEGIN + timedelta(minutes=number),
            session_id=f"s{number}", execution_id=f"e{number}", user_id=f"u{number % places}", repo="/work", source="claude_code",
            moment="prompt", kind="pattern", opportunity="automatic", arm=decided.arm, share=share, unit=unit,
            items=PATTERN, reason=None if given else "held out", endpoints=ends(number, given),
        )  # fmt: skip


def failures(count: int, ends: Ends, *, each: int = 3, share: float = 0.5, places: int = 20) -> Iterator[Advice]:
    """``count`` failures, ``each`` of them in one session."""
    for number in range(count):
        session, signature = f"s{number // each}", f"sig{number % 7}.{number % each}"
        unit = f"fix:{session}:{signature}"
        decided = HoldOut(share=share).decide(unit, NAMESPACE)
        given = decided.arm == "given"
        yield Advice(
            advice_id=f"f{number:06}", namespace=NAMESPACE, given_at=BEGIN + timedelta(minutes=number),
            session_id=session, user_id=f"u{number // each % places}", repo="/work", source="claude_code", moment="after_failure",
            kind="fix", opportunity="automatic", arm=decided.arm, share=share, unit=unit, subject=signature, items=FIX,
            reason=None if given else "held out", endpoints=ends(number, given),
        )  # fmt: skip
