"""Calls that have failed before, so that an agent about to make one again can be told.

A call is the same where the program and its arguments are: for a shell line its commands word by word (what is written
into a message aside), for another tool its arguments. A warning takes as much evidence as can be asked for: this very
call failed in this way in two sessions or more, the lower end of the interval of its rate (``learn.statistics.rate``) is
above one half over everything that was recorded, it did not work the last time here, and a fix is known that agents may
be shown. Four failures without a success are the least that can meet this.

The index is built in two passes, of which the second is seldom needed: calls of failures whose fix is shown, from the
executions in which they failed; then, only where one of them has failed often enough, how often it was made at all.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from seasoned.capture.shell_lines import LINE_LIMIT, steps_of
from seasoned.learn.calls import line_of, tool_name
from seasoned.learn.failures.attempts import attempts
from seasoned.learn.failures.program import is_shell
from seasoned.learn.statistics import Rate, rate
from seasoned.model import Document, Execution
from seasoned.model.ids import canonical_json

__all__ = ["CallHistory", "FailingCalls", "call_key", "failing_calls"]

_LEAST_SESSIONS = 2
_LEAST_LOW = 0.5
_MOST_CALLS = 1_000
"""Calls kept in the index, those that failed most often."""
_MESSAGES = frozenset({"-m", "--message", "--title", "--body"})
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class CallHistory:
    """What became of one call."""

    failed: Counter[str] = field(default_factory=Counter[str])
    """By failure_id, with a fix that is shown."""
    sessions: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """In which it failed, by failure_id."""
    tried: int = 0
    """How often it was made, however it ended."""
    last: dict[str, tuple[datetime, bool]] = field(default_factory=dict[str, tuple[datetime, bool]])
    """When it was made last, and whether it worked then, by working directory."""

    def likely(self) -> tuple[str, Rate] | None:
        """The failure to be expected and how often it was seen; None where the evidence does not allow a warning."""
        for failure_id, count in self.failed.most_common(1):
            seen = rate(count, max(self.tried, count))
            if seen is not None and seen.low > _LEAST_LOW and len(self.sessions[failure_id]) >= _LEAST_SESSIONS:
                return failure_id, seen
        return None


class FailingCalls:
    """Calls about which there is something to say, by ``call_key``."""

    def __init__(self, calls: Mapping[str, CallHistory]) -> None:
        self._calls = calls

    def __len__(self) -> int:
        return len(self._calls)

    def history(self, tool: str, arguments: Document, cwd: str | None) -> CallHistory | None:
        """What is known against this call; None for nearly every one, and for one that worked here the last time."""
        if not self._calls:
            return None
        found = self._calls.get(call_key(tool, arguments, cwd))
        if found is None or found.last.get(cwd or "", (_LONG_AGO, False))[1]:
            return None
        return found


def call_key(tool: str, arguments: Document, cwd: str | None) -> str:
    """Equal for calls that are the same. Never raises."""
    name = tool.rsplit("__", 1)[-1].rsplit(".", 1)[-1].casefold()
    line = line_of(arguments) if is_shell(name) else ""
    if not line:
        return _digest(name, canonical_json({"": _squeezed(arguments)}))
    if "<<" in line or len(line) > LINE_LIMIT:  # what a program is fed belongs to the call
        return _digest("shell", line)
    commands = [_words(step.words) for step in steps_of(line)]
    here = ["cd", cwd] if cwd is not None else None
    return _digest("shell", canonical_json({"": [words for words in commands if words != here]}))


def _words(words: Sequence[str]) -> list[str]:
    return ["…" if at and words[at - 1] in _MESSAGES else word for at, word in enumerate(words)]


def _squeezed(value: object) -> object:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Mapping):
        named = cast("Mapping[object, object]", value)
        return {str(key): _squeezed(each) for key, each in named.items()}
    return [_squeezed(each) for each in cast("list[object]", value)] if isinstance(value, list) else value


def _digest(kind: str, text: str) -> str:
    return hashlib.blake2b(f"{kind}\x1f{text}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def failing_calls(
    failed: Iterable[Execution], shown: Mapping[str, str], everything: Callable[[], Iterator[Execution]]
) -> FailingCalls:
    """``shown``: failure_id by signature, of those with a fix to show; ``failed``: the executions in which they occurred;
    ``everything``: all executions, read only where a call is worth counting."""
    calls: dict[str, CallHistory] = {}
    for execution in failed:
        for key, failure_id, session in _failures(execution, shown):
            history = calls.setdefault(key, CallHistory())
            history.failed[failure_id] += 1
            history.sessions.setdefault(failure_id, set()).add(session)
    worth = {key: each for key, each in calls.items() if each.likely() is not None}
    if len(worth) > _MOST_CALLS:
        often = sorted(worth, key=lambda key: (-worth[key].failed.most_common(1)[0][1], key))
        worth = {key: worth[key] for key in often[:_MOST_CALLS]}
    if worth:
        for execution in everything():
            _count(execution, worth)
    return FailingCalls({key: each for key, each in worth.items() if each.likely() is not None})


def _failures(execution: Execution, shown: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(call, failure_id, session) of each failing call that counts."""
    trace = execution.trace
    session = trace.session_id or trace.root_id or trace.execution_id
    for each in attempts(execution.spans):
        failure_id = shown.get(each.signature.text) if each.failed and each.signature is not None else None
        if failure_id is not None:
            yield call_key(each.tool, each.span.arguments or {}, trace.cwd), failure_id, session


def _count(execution: Execution, calls: Mapping[str, CallHistory]) -> None:
    trace = execution.trace
    for span in execution.spans:
        if span.kind != "tool":
            continue
        found = calls.get(call_key(tool_name(span), span.arguments or {}, trace.cwd))
        if found is None:
            continue
        found.tried += 1
        at = span.started_at or trace.started_at or _LONG_AGO
        if at >= found.last.get(trace.cwd or "", (_LONG_AGO, False))[0]:
            found.last[trace.cwd or ""] = at, span.outcome == "success"
