"""Failures: what makes two of them the same, which of them count, what overcame them, and what users corrected."""

from seasoned.learn.failures.attempts import Attempt, LeftOut, attempts
from seasoned.learn.failures.corrections import Correction, CorrectionMiner
from seasoned.learn.failures.families import families
from seasoned.learn.failures.kinds import kind_of
from seasoned.learn.failures.lookup import Fix, FixAnswer, FixIndex, fix_for
from seasoned.learn.failures.mining import FailureMiner, MinedFailure
from seasoned.learn.failures.resolutions import Recovery, Remedy, recovery
from seasoned.learn.failures.signature import Signature, signature

__all__ = [
    "Attempt",
    "Correction",
    "CorrectionMiner",
    "FailureMiner",
    "Fix",
    "FixAnswer",
    "FixIndex",
    "LeftOut",
    "MinedFailure",
    "Recovery",
    "Remedy",
    "Signature",
    "attempts",
    "families",
    "fix_for",
    "kind_of",
    "recovery",
    "signature",
]
