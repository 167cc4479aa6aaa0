"""Advice as the application has it: the advisor wired once, what it asks kept in memory, its answers recorded.

Invariant: an agent waits for nothing that can be done without it. The embedding model takes part once ``warm`` has
loaded it; what is known of failures is read anew behind the answers when somebody has learned; and what was advised goes
to the spool, where it is safe from a crash of this process.
"""

import getpass
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

from seasoned import bus
from seasoned.advise import SimilarTaskFinder, recommended
from seasoned.advise.advisor import Advised, Advisor, Limits
from seasoned.advise.experiment import Schedule, anew, schedule
from seasoned.advise.known_failures import KnownFailures, known_failures
from seasoned.advise.modes import Effective, effective
from seasoned.advise.session_memory import TOO_LATE, Decided, SessionMemory
from seasoned.app.parts import now
from seasoned.capture.excerpt import cut, cut_arguments, ends
from seasoned.errors import EventError, StoreError, UnreadableFileError
from seasoned.model import AdviceUpdate, Match, SimilarTasks
from seasoned.model.advice import ALL_AGENTS, Advice, Mode, ModeName, Moment
from seasoned.model.codec import decode_event
from seasoned.model.limits import ARGUMENTS_LIMIT, ERROR_LIMIT, PROMPT_LIMIT
from seasoned.resident.place import Place, private_folder
from seasoned.workers.feedback import advice_event

if TYPE_CHECKING:
    from seasoned.advise import Recommended
    from seasoned.app.parts import Parts

__all__ = ["Advising"]

_log = logging.getLogger("seasoned.advising")
_LOOKED_S = 2.0
"""How long what is known of failures is believed before it is asked whether it has changed."""
_FILES = 20
_MOST_TOKENS = 128
"""Of a prompt whose meaning is looked at while an agent waits. The built-in model takes 20 ms for so many and 44 ms for
the 256 of its window, as long as the hook waits at all. Measured on the longer 82 of 420 real prompts: the vector stays
0.92 alike, and the nearest other task is the same for 74 %; words and hashes are always those of the whole prompt."""


class Advising:
    """Made once for an opened ``Seasoned``; safe to share between threads."""

    def __init__(self, parts: "Parts") -> None:
        self._parts = parts
        given = parts.settings.advice
        self._namespace = parts.namespace
        self._past = _Past(parts)
        self._spool = bus.Spool(parts.data_dir / bus.SPOOL_FOLDER)
        self._memory = SessionMemory(self._recorded)
        self._given_at_least = 1 - given.held_out_share
        self._schedule: Schedule | None = None
        self._scheduling = Lock()
        self.advisor = Advisor(
            self._past,
            self._memory,
            namespace=self._namespace,
            agent_id=parts.me.agent_id,
            decide=self._decide,
            redact=parts.redactor.text,
            limits=Limits(
                enabled=given.enabled,
                budget_tokens=given.budget_tokens,
                most_tasks=given.limit,
                floor=parts.settings.similarity.min_score if given.floor is None else given.floor,
                strategy=parts.settings.similarity.strategy,
            ),
            user_id=_user(),
            repo_of=_repo_of,
            clock=now,
        )

    def advise(self, moment: Moment) -> Advised:
        """What to say at this moment; recorded. Raises StoreError, EmbedderError, UnreadableFileError."""
        advised = self.advisor.advise(self._clean(moment))
        if advised.logged:
            self._spool.write(advice_event(advised.advice))
        return advised

    def undelivered(self, advised: Advised) -> None:
        """Record that the agent did not get the text: it came too late. What chance decided stands."""
        advice = advised.advice
        self.advisor.undelivered(advice)
        late = Advice(
            advice_id=advice.advice_id,
            namespace=advice.namespace,
            given_at=advice.given_at,
            session_id=advice.session_id,
            reason=TOO_LATE,
            tokens_added=0,
        )
        self._spool.write(advice_event(late))

    def preview(self, moment: Moment) -> Advised:
        """What an agent would be told, whatever mode and chance say; nothing is recorded or remembered."""
        return self.advisor.preview(self._clean(moment))

    def warm(self) -> None:
        """Load what answers need: model, indexes, what is known of failures. Takes a second or two; may run beside
        answers, which do without the model until it is there."""
        self._past.warm()
        self.reschedule()

    def reschedule(self) -> None:
        """Look again at what the experiment says: how much to hold out. For when feedback came in; about a second for
        100,000 pieces of advice."""
        planned = self._planned()
        with self._scheduling:
            self._schedule = planned

    def start_anew(self) -> datetime:
        """Let what was measured until now no longer decide how much is given, as after harm that was looked into; it stays
        in the log. Returns the time from which on it counts. Raises StoreError."""
        mark = anew(namespace=self._namespace, agent_id=self._parts.me.agent_id, at=now())
        self._parts.writer.ingest([advice_event(mark)])
        self.reschedule()
        return mark.given_at

    def close(self) -> None:
        """Leave the spool's segment."""
        self._spool.close()

    # -- modes ----------------------------------------------------------------------------------------------------
    def modes(self) -> list[Mode]:
        """As they are set, by agent."""
        return self._parts.store.modes(self._namespace)

    def set_mode(self, mode: ModeName, agent: str = ALL_AGENTS) -> Mode:
        """How far to go with ``agent``. A kill switch that is on stays on. Raises StoreError."""
        return self._set(agent, mode, kill_switch=None)

    def set_kill_switch(self, on: bool) -> Mode:
        """Say nothing any more, to nobody, from now on; or take that back. Raises StoreError.

        The file that hooks look at is shared by all namespaces of the data folder: switching off silences them all at
        once, switching on leaves those silent that have a switch of their own."""
        silent = Place(data_dir=self._parts.data_dir).silent
        if on:
            private_folder(silent.parent)
            silent.touch(mode=0o600)
        saved = self._set(ALL_AGENTS, None, kill_switch=on)
        if not on:
            silent.unlink(missing_ok=True)
        return saved

    def silenced(self) -> bool:
        """Whether hooks are kept from asking."""
        return Place(data_dir=self._parts.data_dir).silent.exists()

    def _set(self, agent: str, name: ModeName | None, *, kill_switch: bool | None) -> Mode:
        before = {each.agent: each for each in self.modes()}.get(agent, Mode(namespace=self._namespace, agent=agent))
        saved = replace(
            before,
            mode=name or before.mode,
            kill_switch=before.kill_switch if kill_switch is None else kill_switch,
            set_by=self._parts.me.agent_id,
            set_at=now(),
        )
        with self._parts.store.writing() as writing:
            writing.save_mode(saved)
        return saved

    def _recorded(self, session_id: str) -> list[Advice]:
        """Of a session, oldest first; also what a process that was killed left in the spool, where nobody has taken it in
        yet. The spool is read first: what is taken in meanwhile is seen twice rather than not at all."""
        waiting = [each for each in self._waiting() if each.session_id == session_id]
        stored = self._parts.store.advice_of_session(self._namespace, session_id)
        late = {each.advice_id for each in waiting if each.reason == TOO_LATE}
        both = [*stored, *(each for each in waiting if each.moment is not None)]
        return [replace(each, reason=TOO_LATE) if each.advice_id in late else each for each in both]

    def _waiting(self) -> Iterator[Advice]:
        for segment in self._spool.segments():
            try:
                lines = segment.read_bytes().splitlines()
            except FileNotFoundError:  # taken in since
                continue
            except OSError as error:
                raise UnreadableFileError(f"{segment}: {error.strerror}") from error
            for line in lines:
                if b"advice-events" not in line:
                    continue
                try:
                    update = decode_event(line).payload
                except EventError:  # the drain reports it
                    continue
                if isinstance(update, AdviceUpdate) and update.advice.namespace == self._namespace:
                    yield update.advice

    # -- parts ----------------------------------------------------------------------------------------------------
    def _decide(self, unit: str) -> Decided:
        with self._scheduling:
            if self._schedule is None:
                self._schedule = self._planned()
            planned = self._schedule
        return planned.of(unit).at_least(self._given_at_least).decide(unit, self._namespace)

    def _planned(self) -> Schedule:
        return schedule(self._parts.store.drawn_advice(self._namespace))

    def _clean(self, moment: Moment) -> Moment:
        """Cut as what is recorded is cut, and redacted."""
        text = self._parts.redactor.text
        arguments = None if moment.arguments is None else cut_arguments(moment.arguments)
        return replace(
            moment,
            prompt=None if moment.prompt is None else text(cut(moment.prompt, PROMPT_LIMIT)),
            command=None if moment.command is None else text(cut(moment.command, ARGUMENTS_LIMIT)),
            error=None if moment.error is None else text(ends(moment.error, ERROR_LIMIT)),
            arguments=None if arguments is None else self._parts.redactor.document(arguments),
            cwd=None if moment.cwd is None else text(moment.cwd),
        )


class _Past:
    """What the advisor asks, over the store."""

    def __init__(self, parts: "Parts") -> None:
        self._parts = parts
        self._by_words = SimilarTaskFinder(parts.store, strategy=parts.settings.similarity.strategy)
        self._by_meaning: SimilarTaskFinder | None = None
        self._failures: KnownFailures | None = None
        self._mark: tuple[object, ...] = ()
        self._looked = 0.0
        self._lock = Lock()
        self._reading = Lock()

    def similar(self, prompt: str, limit: int, floor: float | None) -> SimilarTasks:
        """By meaning once the model is loaded, else by hashes and words."""
        finder = self._by_meaning or self._by_words
        return finder.find(self._parts.namespace, prompt, limit=limit, min_score=floor)

    def recommended(self, matches: Sequence[Match]) -> "Recommended":
        """Of those that the local identity may read."""
        return recommended(self._parts.store, self._parts.me, matches)

    def files_of(self, execution_id: str) -> list[str]:
        """Paths, relative to the working directory where they lie below it."""
        return [each.file_path for each in self._parts.store.artifacts(execution_id)][:_FILES]

    def mode_of(self, source: str) -> Effective:
        """Read each time: a switch must work at once."""
        return effective(self._parts.store.modes(self._parts.namespace), source)

    def failures(self) -> KnownFailures:
        """The first call reads them; later ones give what is there, and have newer ones read behind the answer."""
        known = self._failures
        if known is None:
            with self._reading:
                return self._failures or self._read()
        with self._lock:
            due = monotonic() - self._looked > _LOOKED_S
            if due:
                self._looked = monotonic()
        if due and self._parts.store.failures_mark(self._parts.namespace) != self._mark and not self._reading.locked():
            Thread(target=self._read_again, name="known-failures", daemon=True).start()
        return known

    def _read_again(self) -> None:
        with self._reading:
            try:
                self._read()
            except StoreError as error:  # what was known before stands, and the next look tries again
                _log.warning("what is known of failures could not be read anew: %s", error)

    def _read(self) -> KnownFailures:
        mark = self._parts.store.failures_mark(self._parts.namespace)
        known = known_failures(self._parts.store, self._parts.namespace)
        self._failures, self._mark, self._looked = known, mark, monotonic()
        return known

    def warm(self) -> None:
        self.failures()
        index, embedder = self._parts.index, self._parts.embedder
        if index is None or embedder is None or self._by_meaning is not None:
            return
        finder = SimilarTaskFinder(
            self._parts.store,
            index=index,
            embedder=embedder,
            strategy=self._parts.settings.similarity.strategy,
            most_tokens=_MOST_TOKENS,
        )
        finder.find(self._parts.namespace, "Load the model and the index", limit=1)
        # Of an empty history nothing is embedded; the model is loaded all the same.
        embedder.embed(["Load the model"], "query")
        self._by_meaning = finder


@lru_cache(maxsize=256)
def _repo_of(folder: str) -> str:
    """Root of the working copy, else the folder itself; nothing is run for it."""
    path = Path(folder)
    if not path.is_absolute():
        return folder
    return next((str(each) for each in (path, *path.parents) if (each / ".git").exists()), folder)


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None
