"""What to say to an agent at the three moments: before a task, before a call, after a failure.

Each moment goes the same way. What there is to say is looked up and worded; what came up in this session already is
left out; then the mode and, where there is something to say, chance decide whether it is said. Every prompt and every
failure leaves an ``Advice``, also where nothing is relevant, so that what advice does can be read from the log.

Invariant: what is looked up does not depend on whether it will be said. Given and withheld moments differ by chance
alone, which is what makes them comparable.

Nothing here waits for a model, a knowledge base or a network; text goes in redacted, and what is told is redacted once
more before it is counted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Literal, Protocol

from seasoned.advise.known_failures import KnownFailures
from seasoned.advise.modes import Effective
from seasoned.advise.recommended import Recommended
from seasoned.advise.session_memory import Decided, SessionMemory
from seasoned.advise.shortcut import SHORTCUT_SCORE, filled
from seasoned.advise.wording import (
    Piece,
    Told,
    compose,
    failure_piece,
    fix_pieces,
    pattern_piece,
    redacted,
    safe,
    shortcut_piece,
    task_piece,
    warning_piece,
)
from seasoned.learn.keywords import keywords
from seasoned.learn.similarity import StrategyName, named_strategy
from seasoned.library.trust import auto_applied
from seasoned.model import Match, SimilarTasks
from seasoned.model.advice import Advice, AdviceKind, Arm, Moment
from seasoned.model.ids import name_id, source_id

__all__ = ["Advised", "Advisor", "Limits", "Past", "Reason"]

Reason = Literal["nothing relevant", "told before", "withheld before", "held out", "shadow mode", "switched off"]
"""Why nothing was said."""
_REPEATED: dict[Arm, Reason] = {"given": "told before", "held_out": "withheld before"}
_KINDS: dict[str, AdviceKind] = {
    "similar": "similar",
    "pattern": "pattern",
    "shortcut": "plan",
    "fix": "fix",
    "warning": "fix",
}
_FEWEST_KEYWORDS = 3
"""A prompt with fewer says too little to be like another: "go on" is the same task as every other "go on"."""
_MOST_FAILURES = 2
"""Known failures that are told before a task."""
_LEAST_USES = 2
"""Times that a fix which somebody recorded must have worked before it is told to those who did not ask."""


class Past(Protocol):
    """What the advisor asks, each of it in milliseconds. Raises StoreError."""

    def similar(self, prompt: str, limit: int, floor: float | None) -> SimilarTasks:
        """Past tasks; without a model that is not loaded yet. ``floor`` None: the calibrated one."""
        ...

    def recommended(self, matches: Sequence[Match]) -> Recommended:
        """Patterns of these tasks, of those that the identity at work may read."""
        ...

    def files_of(self, execution_id: str) -> Sequence[str]:
        """Paths that an execution changed."""
        ...

    def failures(self) -> KnownFailures:
        """As of the last time that somebody learned."""
        ...

    def mode_of(self, source: str) -> Effective:
        """How far to go with this agent, now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the settings say."""

    enabled: bool = True
    budget_tokens: int = 400
    """Estimated tokens of one text (``wording``)."""
    most_tasks: int = 3
    floor: float | None = None
    """Score below which a task is not relevant; None: the strategy's calibrated one."""
    strategy: StrategyName = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """What was decided at one moment."""

    advice: Advice
    """What there was to say, and what became of it."""
    text: str | None
    """What the agent is told; None for nothing."""
    logged: bool = True
    """Whether the advice is to be recorded: not where a call is about to be made and there is nothing against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What there is to say."""

    pieces: Sequence[Piece]
    unit: str
    subject: str | None = None


class Advisor:
    """Decides at moments. Safe to share between threads."""

    def __init__(
        self,
        past: Past,
        memory: SessionMemory,
        *,
        namespace: str,
        agent_id: str,
        decide: Callable[[str], Decided],
        redact: Callable[[str], str],
        limits: Limits,
        user_id: str | None = None,
        repo_of: Callable[[str], str | None] = lambda folder: folder,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``decide``: how chance decides over a unit (``advise.experiment``); ``repo_of``: root of the working copy in
        which a folder lies. Texts of moments must be redacted already; ``redact`` is for what goes out."""
        self._past = past
        self._memory = memory
        self._namespace = namespace
        self._agent_id = agent_id
        self._decide = decide
        self._redact = redact
        self._limits = limits
        self._user_id = user_id
        self._repo_of = repo_of
        self._clock = clock

    def advise(self, moment: Moment) -> Advised:
        """Decide what to say, and remember it for the session. Raises StoreError, and what the embedder raises."""
        begun = perf_counter()
        mode = self._past.mode_of(moment.source)
        off = mode.silent or not self._limits.enabled
        found = _Found(pieces=(), unit=_unit(moment, None)) if off else self._look(moment, mode)
        with self._memory.turn(moment.session_id):
            advice_id = self._advice_id(moment)
            items = [piece.item for piece in found.pieces]
            fresh = self._memory.fresh(moment.session_id, advice_id, items)
            told = compose([piece for piece in found.pieces if piece.item in fresh], self._limits.budget_tokens)
            decided, reason = self._settle(moment, mode, found, told, off=off)
            advice = Advice(
                advice_id=advice_id,
                namespace=self._namespace,
                given_at=moment.at or self._clock(),
                session_id=moment.session_id,
                about_id=_about_id(moment),
                agent_id=self._agent_id,
                source=moment.source,
                user_id=self._user_id,
                repo=self._repo_of(moment.cwd) if moment.cwd else None,
                moment=moment.name,
                kind=_KINDS[told.items[0].kind] if told.items else None,
                opportunity="automatic",
                arm=decided.arm if decided is not None else None,
                share=decided.share if decided is not None else None,
                unit=found.unit if decided is not None else None,
                subject=found.subject,
                items=told.items,
                reason=reason,
                latency_ms=round((perf_counter() - begun) * 1000),
                tokens_added=told.tokens if reason is None else 0,
            )
            logged = moment.name != "before_tool" or bool(found.pieces)
            if logged:
                self._memory.note(moment.session_id, advice)
        return Advised(advice=advice, text=told.text if reason is None else None, logged=logged)

    def undelivered(self, advice: Advice) -> None:
        """The text of ``advice`` did not reach the agent: what it says may still be told. What chance decided stands."""
        if advice.session_id is not None:
            self._memory.forget(advice.session_id, advice.advice_id)

    def preview(self, moment: Moment) -> Advised:
        """What would be said if neither mode nor chance nor an earlier word spoke against it; nothing is remembered."""
        begun = perf_counter()
        found = self._look(moment, self._past.mode_of(moment.source))
        told = compose(found.pieces, self._limits.budget_tokens)
        advice = Advice(
            advice_id=_advice_id(self._namespace, moment, 0),
            namespace=self._namespace,
            given_at=moment.at or self._clock(),
            agent_id=self._agent_id,
            source=moment.source,
            moment=moment.name,
            kind=_KINDS[told.items[0].kind] if told.items else None,
            opportunity="asked",
            subject=found.subject,
            items=told.items,
            reason=None if told.items else "nothing relevant",
            latency_ms=round((perf_counter() - begun) * 1000),
            tokens_added=told.tokens,
        )
        return Advised(advice=advice, text=told.text if told.items else None, logged=False)

    def _settle(
        self, moment: Moment, mode: Effective, found: _Found, told: Told, *, off: bool
    ) -> tuple[Decided | None, Reason | None]:
        if off:
            return None, "switched off"
        if not told.items:
            before = self._memory.before(moment.session_id, [piece.item for piece in found.pieces])
            return None, _REPEATED[before] if before is not None else "nothing relevant"
        if mode.name == "shadow":
            return None, "shadow mode"
        decided = self._memory.decided(moment.session_id, found.unit, lambda: self._decide(found.unit))
        return decided, None if decided.arm == "given" else "held out"

    # -- what there is to say -----------------------------------------------------------------------------------------
    def _look(self, moment: Moment, mode: Effective) -> _Found:
        match moment.name:
            case "prompt" | "asked":
                found = _Found(pieces=self._for_task(moment, mode), unit=_unit(moment, None))
            case "after_failure":
                found = self._for_failure(moment)
            case "before_tool":
                found = self._for_call(moment)
        pieces = [redacted(each, self._redact) for each in found.pieces]
        return replace(found, pieces=[each for each in pieces if safe(each)])

    def _advice_id(self, moment: Moment) -> str:
        """Of one moment. What an agent gives no id may happen again, word for word, and is then another moment."""
        repeat = 0
        advice_id = _advice_id(self._namespace, moment, repeat)
        while moment.native_id is None and self._memory.recorded(moment.session_id, advice_id):
            repeat += 1
            advice_id = _advice_id(self._namespace, moment, repeat)
        return advice_id

    def _for_task(self, moment: Moment, mode: Effective) -> list[Piece]:
        if not moment.prompt:
            return []
        answer = self._past.similar(moment.prompt, self._limits.most_tasks, self._limits.floor)
        strategy = named_strategy(self._limits.strategy)
        floor = strategy.floor if answer.embedded is not None else strategy.keyword_floor
        if self._limits.floor is not None:
            floor = self._limits.floor
        alike = [each for each in answer.matches if each.kind != "similar" or each.score >= floor]
        says_enough = len(keywords(moment.prompt)) >= _FEWEST_KEYWORDS
        matches = [each for each in alike if says_enough and len(each.fingerprint.prompt_tokens) >= _FEWEST_KEYWORDS]
        pieces: list[Piece] = []
        covered: set[str] = set()
        # Somebody has looked at an active pattern: of the same task it counts, however short the prompt.
        same = [each for each in alike if each.kind != "similar" and each not in matches]
        for found in self._past.recommended([*matches, *same]).patterns:
            pattern = found.pattern
            if not auto_applied(pattern):
                continue
            covered.add(found.match.fingerprint.fingerprint_id)
            plan = mode.plans and found.match.score >= SHORTCUT_SCORE and pattern.validation_status == "validated"
            if plan:
                drawn_from = found.match.fingerprint.original_prompt
                pieces.append(shortcut_piece(found, filled(pattern, moment.prompt, drawn_from=drawn_from)))
            else:
                pieces.append(pattern_piece(found))
        runs = {each.fingerprint.fingerprint_id: each.stats.execution_count for each in matches}
        for each in self._past.failures().of_tasks(runs)[:_MOST_FAILURES]:
            shown = each.shown
            pieces.append(
                failure_piece(shown.failure, shown.resolution, chance=shown.chance, met=each.met, runs=each.runs)
            )
        # Beside a pattern, which says how, one past task is enough.
        for match in matches[: 1 if covered else None]:
            if match.fingerprint.fingerprint_id not in covered:
                best = match.executions[0].execution_id if match.executions else None
                piece = task_piece(match, self._past.files_of(best) if best is not None else ())
                pieces += [] if piece is None else [piece]
        return pieces

    def _for_failure(self, moment: Moment) -> _Found:
        if not moment.error:
            return _Found(pieces=(), unit=_unit(moment, None))
        answer = self._past.failures().fixes.fix_for(moment.error, tool=moment.tool, command=moment.command)
        told = {
            fix.resolution.resolution_id
            for fix in answer.fixes
            if fix.resolution.source == "mined" or fix.resolution.times_worked >= _LEAST_USES
        }
        pieces = [each for each in fix_pieces(answer) if each.item.id in told]
        subject = answer.signature.text
        return _Found(pieces=pieces, unit=_unit(moment, subject), subject=subject)

    def _for_call(self, moment: Moment) -> _Found:
        known = self._past.failures()
        nothing = _Found(pieces=(), unit=_unit(moment, None))
        if not moment.tool or not len(known.calls):
            return nothing
        arguments = moment.arguments or ({"command": moment.command} if moment.command else {})
        history = known.calls.history(moment.tool, arguments, moment.cwd)
        likely = history.likely() if history is not None else None
        shown = known.shown.get(likely[0]) if likely is not None else None
        if history is None or likely is None or shown is None:
            return nothing
        piece = warning_piece(
            shown.failure,
            shown.resolution,
            chance=likely[1].low,
            failed=likely[1].successes,
            tried=likely[1].n,
            sessions=len(history.sessions[likely[0]]),
        )
        subject = shown.failure.signature
        return _Found(pieces=[piece], unit=_unit(moment, subject), subject=subject)


def _unit(moment: Moment, signature: str | None) -> str:
    if moment.name in ("prompt", "asked") or signature is None:
        return f"session:{moment.session_id}"
    return f"fix:{moment.session_id}:{signature}"


def _about_id(moment: Moment) -> str | None:
    return source_id(moment.source, moment.session_id, moment.native_id) if moment.native_id is not None else None


def _advice_id(namespace: str, moment: Moment, repeat: int) -> str:
    """Of one moment of one session. Where the agent gives it no id, what was asked or failed names it, and how often it
    was before (``repeat``)."""
    native = moment.native_id
    if native is None:
        said: Mapping[str, str | None] = {"prompt": moment.prompt, "asked": moment.prompt}
        again = str(repeat) if repeat else None
        native = "\x1e".join(filter(None, (said.get(moment.name), moment.tool, moment.command, moment.error, again)))
    return name_id("advice", namespace, moment.source, moment.session_id, moment.name, native)
