"""What is told, in words: short, true to the counts, cut to a budget of tokens, and marked as data.

A piece is one thing to tell: a first line that makes sense alone, and further lines that may be left out. Invariant: no
recorded text leaves here but as single lines of visible characters, cut, between the marks of ``library.delimited``;
and a piece in which recorded text addresses its reader is not told at all (``safe``).

Quotation marks and angle brackets of recorded text are not those of the text around it, so that a prompt cannot end its
quotation and go on with counts of its own, nor draw something that looks like a mark.

Tokens are estimated as a third of the bytes in UTF-8, rounded up. English prose has some four bytes to a token, paths
and commands nearer three, so that the estimate errs on the side of saying less; no tokenizer of any model is asked.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from seasoned.advise.recommended import Recommendation
from seasoned.advise.shortcut import FilledPlan
from seasoned.learn.failures import FixAnswer
from seasoned.learn.patterns.suspicion import suspicions
from seasoned.learn.patterns.wording import plain
from seasoned.library.delimited import LONGEST, delimited
from seasoned.model import FailurePattern, Match, Pattern, PatternStep, Resolution
from seasoned.model.advice import AdviceItem
from seasoned.model.ids import short_id

__all__ = [
    "Piece",
    "Told",
    "compose",
    "estimated_tokens",
    "failure_piece",
    "fix_pieces",
    "pattern_piece",
    "redacted",
    "safe",
    "shortcut_piece",
    "task_piece",
    "warning_piece",
]

_HEAD = "Seasoned, from earlier runs:"
_BYTES_PER_TOKEN = 3
_PROMPT, _ERROR, _FIX, _STEP, _EXAMPLE = 140, 140, 240, 150, 160
"""Characters of one recorded text of that sort."""
_MOST_STEPS = 12
_FILES = 3
_LEAST_LINES = 2
"""A plan of which not even one step fits is not told."""
_OURS = str.maketrans("«»\uff1c\ufe64\uff1e\ufe65", "‹›‹‹››")
_PLACEHOLDER = re.compile(r"(«redacted:[\w:.-]{1,80}»)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One thing to tell."""

    item: AdviceItem
    lines: tuple[str, ...]
    """The first stands alone; the others go from the end where the budget is short."""
    least: int = 1
    """Lines without which it is not told."""
    more: str = ""
    """What is said instead of lines that were left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A text within its budget."""

    text: str
    """Empty where nothing fits."""
    items: tuple[AdviceItem, ...]
    """What of it is told, in order."""
    tokens: int
    """Estimated, of the whole text."""


def estimated_tokens(text: str) -> int:
    """See the module: bytes in UTF-8 divided by three, rounded up."""
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)


def safe(piece: Piece) -> bool:
    """Whether nothing in it tries to instruct its reader."""
    return not suspicions("\n".join(piece.lines))


def redacted(piece: Piece, redact: Callable[[str], str]) -> Piece:
    """``piece`` once more through ``redact``: before it is counted, as a placeholder may be longer than what it hides."""
    lines = redact("\n".join(piece.lines)).split("\n")
    return replace(piece, lines=tuple(lines), least=min(piece.least, len(lines)))


def compose(pieces: Sequence[Piece], budget_tokens: int) -> Told:
    """As many of ``pieces`` as fit, in their order; what does not fit is left out and smaller ones behind it may."""
    kept: list[str] = []
    items: list[AdviceItem] = []
    for piece in pieces:
        lines = list(piece.lines)
        while len(lines) >= max(1, piece.least):
            tail = [piece.more] if piece.more and len(lines) < len(piece.lines) else []
            if _fits([*kept, *lines, *tail], budget_tokens):
                kept += [*lines, *tail]
                items.append(piece.item)
                break
            lines.pop()
    text = _framed(kept) if kept else ""
    return Told(text=text, items=tuple(items), tokens=estimated_tokens(text))


def _fits(lines: Sequence[str], budget_tokens: int) -> bool:
    length = sum(len(line) + 1 for line in lines)  # of what is longer, the marks would hold the beginning only
    return length <= LONGEST and estimated_tokens(_framed(lines)) <= budget_tokens


def _framed(lines: Sequence[str]) -> str:
    return f"{_HEAD}\n{delimited(chr(10).join(lines))}"


def _seen(text: str, limit: int) -> str:
    """Recorded text: one line of visible characters, none of them a mark of ours."""
    parts = _PLACEHOLDER.split(plain(text, limit))
    return "".join(part if at % 2 else part.translate(_OURS) for at, part in enumerate(parts))


# -- before the task --------------------------------------------------------------------------------------------------
def task_piece(match: Match, files: Sequence[str]) -> Piece | None:
    """A past task; ``files`` that its best run changed. None where neither they nor how it went is known: that it was once
    asked helps nobody. How long it took is not told: that is mostly the time in which a person was away."""
    found = match.fingerprint
    facts = [part for part in (_outcomes(match),) if part]
    if files:
        named = ", ".join(_seen(each, 80) for each in files[:_FILES])
        facts.append(f"it changed {named}{' and others' if len(files) > _FILES else ''}")
    if not facts:
        return None
    best = match.executions[0] if match.executions else None
    trace = f"seasoned traces show {short_id(best.execution_id)}" if best is not None else ""
    if best is not None and (place := best.repo or best.cwd):
        facts.insert(0, f"in {_seen(place.rstrip('/').rsplit('/', 1)[-1], 40)}")
    # Of the same task the score says little: where few tasks are known, every word is a common one.
    likeness = {"exact": "The same task", "shape": "The same task with other names", "similar": "A like task"}
    known = "; ".join(filter(None, (f"{match.score:.2f}" if match.kind == "similar" else "", trace)))
    head = f"{likeness[match.kind]}{f' ({known})' if known else ''}: «{_seen(found.original_prompt, _PROMPT)}»"
    line = f"- {head}: {'; '.join(facts)}."
    return Piece(item=AdviceItem(kind="similar", id=found.fingerprint_id, score=round(match.score, 4)), lines=(line,))


def _outcomes(match: Match) -> str:
    won = match.stats.success_count
    known = won + match.stats.failure_count
    if known == 1:
        return "it went well" if won else "it did not go well"
    return f"went well {won} of {_times(known)}" if known else ""


def pattern_piece(found: Recommendation) -> Piece:
    """A pattern of a like task: its steps as they are kept, placeholders open."""
    pattern = found.pattern
    steps = [_step(each) for each in pattern.recommended_steps]
    return Piece(
        item=AdviceItem(kind="pattern", id=pattern.pattern_id, score=found.applicability),
        lines=(f"- How a like task was done{_about(pattern, found.match)}", *steps[:_MOST_STEPS]),
        least=_LEAST_LINES,
        more=f"  … further steps: seasoned patterns show {short_id(pattern.pattern_id)}",
    )


def shortcut_piece(found: Recommendation, plan: FilledPlan) -> Piece:
    """A plan for this very task."""
    pattern = found.pattern
    steps = [_step(each) for each in plan.steps]
    open_ = _seen(", ".join(f"{{{each.name}}}" for each in plan.unfilled), _STEP)  # why stands in `patterns replay`
    note = f"; still open: {open_}" if open_ else ""
    return Piece(
        item=AdviceItem(kind="shortcut", id=pattern.pattern_id, score=found.applicability),
        lines=(f"- A plan for this task{_about(pattern, found.match)[:-1]}{note}:", *steps[:_MOST_STEPS]),
        least=_LEAST_LINES,
        more=f"  … whole: seasoned patterns replay {short_id(pattern.pattern_id)}",
    )


def _about(pattern: Pattern, match: Match) -> str:
    known = pattern.evidence_count + pattern.success_count + pattern.failure_count
    won = pattern.evidence_success_count + pattern.success_count
    rate = f"{won} of {known} runs went well" if known else "how its runs ended is not known"
    name = _seen(pattern.pattern_name, 90)
    likeness = {"exact": "the same task", "shape": "the same with other names", "similar": f"{match.score:.2f} alike"}
    return f" ({likeness[match.kind]}; {rate}; seasoned patterns show {short_id(pattern.pattern_id)}): «{name}»:"


def _step(step: PatternStep) -> str:
    often = f" (in {step.seen_in} of {step.of} runs)" if step.optional else ""
    return f"  {step.number}. {_seen(step.action, _STEP)}{often}"


def failure_piece(failure: FailurePattern, fix: Resolution, *, chance: float, met: int, runs: int) -> Piece:
    """A failure that ``met`` of ``runs`` runs of the like tasks met, and what ended it."""
    seen = f"met in {met} of {_times(runs, 'run')} of such tasks; seasoned failures show {short_id(failure.failure_id)}"
    line = f"- To avoid ({seen}): {_error(failure)}. {_worked(fix, None)}"
    item = AdviceItem(kind="warning", id=fix.resolution_id, score=round(chance, 4), failure_id=failure.failure_id)
    return Piece(item=item, lines=(line,))


# -- at a call --------------------------------------------------------------------------------------------------------
def fix_pieces(answer: FixAnswer) -> list[Piece]:
    """The known fixes of an error that was just seen, best first."""
    pieces: list[Piece] = []
    for fix in answer.fixes:
        failure = answer.failure
        if failure is not None and fix.match == "signature":
            sessions = (failure.metadata or {}).get("sessions")
            where = f" in {_times(sessions, 'session')}" if isinstance(sessions, int) and sessions else ""
            head = f"This error was seen {_times(failure.occurrence_count)} before{where}"
        else:
            head = "An error like this one was seen before"
        line = f"- {head} (seasoned failures show {short_id(fix.failure_id)}). {_worked(fix.resolution, fix.sessions)}"
        item = AdviceItem(
            kind="fix", id=fix.resolution.resolution_id, score=round(fix.chance, 4), failure_id=fix.failure_id
        )
        pieces.append(Piece(item=item, lines=(line,)))
    return pieces


def warning_piece(
    failure: FailurePattern, fix: Resolution, *, chance: float, failed: int, tried: int, sessions: int
) -> Piece:
    """This very call failed before; ``chance``: lower bound of its failing again."""
    line = (
        f"- This very call failed {failed} of {_times(tried)} before, in {_times(sessions, 'session')}: "
        f"{_error(failure)} (seasoned failures show {short_id(failure.failure_id)}). {_worked(fix, None)}"
    )
    item = AdviceItem(kind="warning", id=fix.resolution_id, score=round(chance, 4), failure_id=failure.failure_id)
    return Piece(item=item, lines=(line,))


def _error(failure: FailurePattern) -> str:
    return f"«{_seen(failure.signature, _ERROR)}»"


def _worked(fix: Resolution, sessions: int | None) -> str:
    where = f", {_times(sessions, 'session')}" if sessions else ""
    counts = f" ({fix.times_worked} of {_times(fix.times_seen)} it was tried{where})" if fix.times_seen else ""
    text = f"What worked{counts}: {_seen(fix.description, _FIX)}"
    step = next((each for each in fix.steps if each.example and "{" in each.command), None)
    return f"{text} For example `{_seen(step.example or '', _EXAMPLE)}`." if step is not None else text


def _times(count: int, noun: str = "time") -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
