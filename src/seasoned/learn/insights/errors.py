"""Errors that recur: the same signature (``learn.failures``) in several executions of several sessions.

Counted by execution, not by call: an agent that hits one wall ten times in a row has met it once. Refused and cancelled
calls are no errors, and an error whose message says nothing is left out.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from seasoned.learn.insights.gathered import MOST_IDS, Run
from seasoned.learn.insights.records import Insight
from seasoned.learn.insights.wording import counted, percent, quoted
from seasoned.learn.statistics import confidence, rate

__all__ = ["common_errors"]

_FEWEST_EXECUTIONS = 3
_FEWEST_SESSIONS = 2
_MOST = 5


def common_errors(runs: Sequence[Run]) -> list[Insight]:
    """The most common ones, most executions first."""
    calls: dict[str, Counter[str]] = defaultdict(Counter)
    programs: dict[str, Counter[str]] = defaultdict(Counter)
    sessions: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for signature, program in run.errors:
            calls[signature][run.execution_id] += 1
            programs[signature][program] += 1
            sessions[signature].add(run.session)
    recurring = [
        signature
        for signature, met in calls.items()
        if len(met) >= _FEWEST_EXECUTIONS and len(sessions[signature]) >= _FEWEST_SESSIONS
    ]
    recurring.sort(key=lambda signature: (-len(calls[signature]), signature))
    found: list[Insight] = []
    for signature in recurring[:_MOST]:
        met = calls[signature]
        share = rate(len(met), len(runs))
        assert share is not None
        program, often = min(programs[signature].items(), key=lambda item: (-item[1], item[0]))
        whose = "always" if often == met.total() else f"{often} of {met.total()} times"
        found.append(
            Insight(
                kind="error",
                subject=signature,
                sentence=(
                    f"{len(met)} of {counted(len(runs), 'execution')} ({percent(share.value)}, in "
                    f"{counted(len(sessions[signature]), 'session')}) ran into {quoted(signature)}, {whose} from {quoted(program, 40)}; "
                    "`seasoned failures fix` says what helped, where that is known."
                ),
                evidence="measured",
                execution_ids=tuple(sorted(met, key=lambda each: (-met[each], each))[:MOST_IDS]),
                n=len(met),
                value=share.value,
                low=share.low,
                high=share.high,
                unit="share of executions",
                confidence=confidence(len(met)),
            )
        )
    return found
