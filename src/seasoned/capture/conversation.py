"""From a session to its tasks: one execution per task, follow-ups in the task that they belong to.

An importer of an interactive agent tells a ``Conversation`` what the user says, in file order, and works on the
``current`` execution between. A prompt either belongs to the open task (``followup``) or ends it and begins the next.

Nothing here grows with the session but the count of each prompt's wording, which ids need: finished executions leave
at once.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.excerpt import cut
from seasoned.capture.followup import classify_follow_up
from seasoned.capture.port import Recording, Resume
from seasoned.model import Document, Signal
from seasoned.model.ids import occurrence_id, source_id

__all__ = ["Conversation"]

_MAX_FOLLOW_UPS = 50


class Conversation:
    """An interactive session: prompts, and what the agent did about each."""

    def __init__(self, facts: Facts, state: Document | None = None) -> None:
        self.facts = facts
        self.current: ExecutionBuilder | None = None
        self._prompts: dict[str, int] = {}
        restored = (state or {}).get("prompts")
        if isinstance(restored, dict):
            self._prompts = {str(key): int(count) for key, count in restored.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]

    def prompt(
        self, text: str, *, start: int, at: datetime | None, native_id: str | None = None
    ) -> Iterator[Recording]:
        """The user said something. Yields the execution that it ends, if any; the user was there when that ended.

        ``start``: byte where its record begins, from which reading can resume. ``native_id``: an id that the agent's
        hooks know as well; without one the id comes from text and ordinal.
        """
        current = self.current
        if current is not None and not current.is_bare:
            before = current.follow_ups[-1] if current.follow_ups else current.prompt or ""
            kind = classify_follow_up(before, text, interrupted=current.interrupted)
            if kind is not None:
                self._follow_up(current, kind, text, at)
                return
        if current is not None and not current.is_empty:
            # That the user went on is one more thing known of it than a reading of a shorter file knows.
            current.records += 1
            yield from current.build(ended=True, attended=True, resume=Resume(offset=start, state=self.state()))
        key = blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest()
        ordinal = self._prompts.get(key, 0)
        self._prompts[key] = ordinal + 1
        facts = self.facts
        execution_id = (
            source_id(facts.source, facts.session_id, native_id)
            if native_id
            else occurrence_id(facts.source, facts.session_id, "prompt", text, ordinal)
        )
        self.current = ExecutionBuilder(facts, execution_id, prompt=text, started_at=at)

    def interject(self, text: str, *, at: datetime | None, kind: str | None = None) -> None:
        """The user put in a word while the agent was at work: it belongs to the open task, whatever it says.

        ``kind`` where the source says what it is (``correction``: words with which a call was refused). Without an
        open task nothing happens.
        """
        current = self.current
        if current is not None:
            before = current.follow_ups[-1] if current.follow_ups else current.prompt or ""
            kind = kind or classify_follow_up(before, text, interrupted=False) or "continuation"
            self._follow_up(current, kind, text, at)

    def state(self) -> Document:
        """What a later import needs to give the next executions the same ids."""
        return {"prompts": dict(self._prompts)}

    def finish(self, *, resume: Resume | None, ended: bool = True) -> Iterator[Recording]:
        """The source is read to its end. ``resume`` stands where the open execution begins."""
        if self.current is not None:
            if not self.current.is_empty:
                yield from self.current.build(ended=ended, resume=resume)
            self.current = None

    @staticmethod
    def _follow_up(current: ExecutionBuilder, kind: str, text: str, at: datetime | None) -> None:
        current.seen(at)
        if len(current.follow_ups) < _MAX_FOLLOW_UPS:
            current.follow_ups.append(cut(text, 2_000))
        current.resume_after_interruption()
        detail = cut(text, 160)
        if kind == "acceptance":
            current.signal(Signal(kind="user_accepted", verdict="success", weight=1.0, detail=detail))
        elif kind in {"rejection", "correction"}:
            told = "user_rejected" if kind == "rejection" else "user_correction"
            current.signal(Signal(kind=told, verdict="failure", weight=1.0, detail=detail))
