"""Corrections by the user: what was proposed, what was said, what was done instead.

A refused tool call, an interruption or a "no, do it this way" is no failure of a tool. It says what this user or this
project wants, and a wish that was said twice will be said again. Every correction is a candidate of type
``preference``; like ones are merged, and those with several occasions come first.

Words are kept as they stand (redacted): a rule that a program distils from one sentence would claim more than was said.
They were written by a user, or by whatever a user pasted, so that suspicious ones are flagged for the reviewer.

Pure; the order in which executions come does not matter.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from seasoned.capture.followup import classify_follow_up
from seasoned.learn.calls import tool_name
from seasoned.learn.failures.attempts import Attempt, attempts
from seasoned.learn.failures.families import likeness
from seasoned.learn.failures.wishes import asks_for_something, name_of_wish
from seasoned.learn.patterns.suspicion import suspicions
from seasoned.model import LEARNER, Document, Execution, Pattern
from seasoned.model.ids import name_id

__all__ = ["Correction", "CorrectionMiner"]

_SAID = re.compile(r"the user said:\s*(?P<said>.+)", re.DOTALL | re.IGNORECASE)
_STOPPED = re.compile(r"STOP what you are doing|interrupted by (?:the )?user", re.IGNORECASE)
_PASTED = re.compile(
    r"^\s*(?:[❯$>#%]\s|=== |---|\{|\[|error:|traceback|\S{1,80}@\S{1,80}[:~])|\n.*\n.*\n", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_][\w'\-]+")
_STOP_WORDS = frozenset(
    """a an and are as at be but by can can't could do does don't for from have i i'm if in instead is isn't it it's just
    let's me my no not of on or our please should so sorry that the then there this to use wait was we what with would
    you your yes ok okay need want now""".split()
)
_FEWEST_WORDS = 3
_MOST_WORDS = 80
_ALIKE = 0.5
"""Share of telling words that two corrections must have in common to be one wish."""
_SHOWN = 200
_KEPT = 20
_BEFORE_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One occasion."""

    occasion_id: str
    """The span that was refused; for words behind a result, the execution and their number."""
    execution_id: str
    namespace: str
    session: str
    at: datetime
    how: str
    """``refused``, ``interrupted`` or ``said``."""
    proposed: str | None
    """The call that was refused; None for words behind a result."""
    said: str | None
    """The user's words; None where the call was refused without any."""
    instead: str | None
    """What was done for it next; None where that is not known."""
    repo: str | None = None
    domain: str | None = None
    task_type: str | None = None


class CorrectionMiner:
    """Feed it executions with ``add``, in any order, then ask for ``result``. Memory: the corrections."""

    def __init__(self) -> None:
        self._found: dict[str, Correction] = {}

    def add(self, execution: Execution) -> None:
        """Take in what the user corrected there. An execution that was fed before changes nothing."""
        calls = attempts(execution.spans)
        said: set[str] = set()
        for place, call in enumerate(calls):
            correction = _refused(execution, calls, place, call)
            if correction is not None:
                said.add(" ".join((correction.said or "").split()))
                self._found[correction.occasion_id] = correction
        before = execution.trace.prompt or ""
        for number, words in enumerate(execution.trace.follow_ups):
            if " ".join(words.split()) not in said:
                correction = _said(execution, number, words, before)
                if correction is not None:
                    self._found[correction.occasion_id] = correction
            before = words

    def corrections(self) -> list[Correction]:
        """Every occasion, oldest first, ties by id."""
        return sorted(self._found.values(), key=lambda one: (one.at, one.occasion_id))

    def result(self) -> list[Pattern]:
        """One candidate for each wish, repeated ones first, ties by id. What was refused without a word teaches only
        where it was refused in several sessions: once may be a slip of the hand."""
        patterns = [
            _pattern(found)
            for found in _merged(self.corrections())
            if any(one.said for one in found) or len({one.session for one in found}) > 1
        ]
        return _named_apart(sorted(patterns, key=lambda one: (-_count(one), one.pattern_id)))


def _refused(execution: Execution, calls: Sequence[Attempt], place: int, call: Attempt) -> Correction | None:
    span, trace = call.span, execution.trace
    refused = span.outcome == "rejected" or call.left_out == "rejected"
    interrupted = span.error_type == "interrupted" or call.left_out == "interrupted"
    if not (refused or interrupted):
        return None
    text = f"{span.error_message or ''}\n{span.result_preview or ''}"
    found = _SAID.search(text)
    said = found["said"].strip() if found else None
    if said is not None and _STOPPED.search(said):
        said = None
    if said is not None and (len(_WORD.findall(said)) < _FEWEST_WORDS or not asks_for_something(said)):
        return None
    instead = _instead(calls, place, call)
    if said is None and instead is None:
        return None  # somebody said stop: of what they wanted, nothing is known
    return Correction(
        occasion_id=span.span_id,
        execution_id=trace.execution_id,
        namespace=trace.namespace,
        session=trace.session_id or trace.execution_id,
        at=span.started_at or trace.started_at or _BEFORE_TIME,
        how="refused" if refused else "interrupted",
        proposed=_told(call),
        said=said,
        instead=instead,
        repo=trace.repo,
        domain=execution.fingerprint.domain if execution.fingerprint else None,
        task_type=execution.fingerprint.task_type if execution.fingerprint else None,
    )


def _instead(calls: Sequence[Attempt], place: int, refused: Attempt) -> str | None:
    """The next call of the same tool that was let through: on the same file for an edit, another line for a shell."""
    for call in calls[place + 1 : place + 7]:
        if call.tool != refused.tool or call.span.outcome != "success":
            continue
        if refused.line and call.line != refused.line and set(call.names) & set(refused.names):
            return _told(call)
        if not refused.line and refused.span.files and call.span.files == refused.span.files:
            return _told(call)
    return None


def _said(execution: Execution, number: int, words: str, before: str) -> Correction | None:
    trace = execution.trace
    count = len(_WORD.findall(words))
    if not _FEWEST_WORDS <= count <= _MOST_WORDS or _PASTED.search(words):
        return None
    if classify_follow_up(before, words, interrupted=False) != "correction" or not asks_for_something(words):
        return None
    return Correction(
        occasion_id=name_id(trace.execution_id, "said", str(number)),
        execution_id=trace.execution_id,
        namespace=trace.namespace,
        session=trace.session_id or trace.execution_id,
        at=trace.completed_at or trace.started_at or _BEFORE_TIME,
        how="said",
        proposed=None,
        said=words.strip(),
        instead=None,
        repo=trace.repo,
        domain=execution.fingerprint.domain if execution.fingerprint else None,
        task_type=execution.fingerprint.task_type if execution.fingerprint else None,
    )


def _told(call: Attempt) -> str:
    arguments = call.span.arguments or {}
    if call.line:
        return _cut(call.line)
    file = call.span.files[0] if call.span.files else ""
    new = next(
        (value for key in ("new_string", "content", "plan", "input") if isinstance(value := arguments.get(key), str)),
        "",
    )
    return _cut(" ".join(part for part in (tool_name(call.span), file, new and f": {new}") if part))


def _merged(found: list[Correction]) -> list[list[Correction]]:
    """Like words, and refusals of the same call without words, together."""
    groups: list[tuple[frozenset[str], list[Correction]]] = []
    by_word: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in sorted(found, key=lambda each: (each.said or "", each.proposed or "", each.occasion_id)):
        text = one.said or one.proposed or ""
        words = frozenset(word.casefold() for word in _WORD.findall(text)) - _STOP_WORDS
        near = sorted({index for word in words for index in by_word[one.namespace, word]})
        place = next((index for index in near if likeness(words, groups[index][0], {}) >= _ALIKE), None)
        if place is None:
            place = len(groups)
            groups.append((words, []))
            for word in words:
                by_word[one.namespace, word].append(place)
        groups[place][1].append(one)
    return [members for _, members in groups]


def _pattern(found: list[Correction]) -> Pattern:
    found = sorted(found, key=lambda one: (one.at, one.occasion_id))
    last = found[-1]
    wish = next((one.said for one in reversed(found) if one.said), None)
    head = _cut(wish) if wish else f"not: {last.proposed}"
    first = min(one.occasion_id for one in found)
    pattern_id = name_id(last.namespace, "preference", first)
    sessions = {one.session for one in found}
    flags = {flag for one in found for text in (one.said, one.proposed) if text for flag in _flags(text)}
    if len(found) == 1:
        flags.add("rests_on_one_execution")
    if len(sessions) == 1:
        flags.add("one_session")
    if wish is None:
        flags.add("nothing_was_said")
    occasions: list[Document] = [
        {
            "execution_id": one.execution_id,
            "at": one.at.isoformat(),
            "how": one.how,
            "proposed": one.proposed,
            "said": one.said and _cut(one.said),
            "done_instead": one.instead,
        }
        for one in found[-_KEPT:]
    ]
    repos = sorted({one.repo for one in found if one.repo})
    return Pattern(
        pattern_id=pattern_id,
        pattern_name=name_of_wish(wish) if wish else name_of_wish(f"not {last.proposed}"),
        namespace=last.namespace,
        agent_id=LEARNER,
        category=last.task_type,
        subcategory=last.domain,
        pattern_type="preference",
        intent=head,
        status="candidate",
        execution_ids=tuple(sorted({one.execution_id for one in found})),
        extraction_method="correction",
        pattern_data={
            "description": f"The user corrected the agent: {head}",
            "proposed": last.proposed,
            "said": wish and _cut(wish),
            "done_instead": last.instead,
            "occasions": list(occasions),
            "count": len(found),
            "sessions": len(sessions),
        },
        applicability_criteria={"repos": list(repos)} if repos else None,
        applicable_domains=tuple(sorted({one.domain for one in found if one.domain})),
        review_flags=tuple(sorted(flags)),
        extracted_at=last.at,
    )


def _named_apart(patterns: list[Pattern]) -> list[Pattern]:
    """Names are unique; of two wishes that begin alike the second gets a number."""
    seen: Counter[tuple[str, str]] = Counter()
    found: list[Pattern] = []
    for pattern in patterns:
        seen[pattern.namespace, pattern.pattern_name] += 1
        number = seen[pattern.namespace, pattern.pattern_name]
        found.append(pattern if number == 1 else replace(pattern, pattern_name=f"{pattern.pattern_name} ({number})"))
    return found


def _flags(text: str) -> list[str]:
    return [f"instructions_in_text:{one.kind}" for one in suspicions(text)]


def _count(pattern: Pattern) -> int:
    return int(str((pattern.pattern_data or {}).get("count") or 0))


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else flat[: _SHOWN - 1] + "…"
