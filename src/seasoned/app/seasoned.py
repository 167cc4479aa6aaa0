"""What a user asks for, each a method: over the parts, under the doors.

Invariant: what comes in is redacted here before it goes anywhere, and whoever asks (``me``) is handed down.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from seasoned import workers
from seasoned.advise import Recommended, SimilarTaskFinder, recommended
from seasoned.app.parts import now
from seasoned.app.recording import Recording
from seasoned.capture.excerpt import cut
from seasoned.model import Match, Moment, Pattern, SimilarTasks, Trace
from seasoned.model.limits import PROMPT_LIMIT
from seasoned.settings import Loaded

if TYPE_CHECKING:
    from seasoned.advise.advisor import Advised
    from seasoned.advise.hybrid import AskedBeside
    from seasoned.advise.shortcut import FilledPlan
    from seasoned.app.advising import Advising
    from seasoned.knowledge import KnowledgeAnswer
    from seasoned.learn.failures import FixAnswer
    from seasoned.learn.insights import PerformanceInsights
    from seasoned.workers import Learned
    from seasoned.workers.feedback import Heard
    from seasoned.workers.learning import Stage
    from seasoned.workers.pattern_reports import RecordedPattern, ReportedPattern

__all__ = ["Seasoned"]


class Seasoned(Recording, AbstractContextManager["Seasoned"]):
    """One data folder, opened. Methods take and return values of ``model``; errors are of ``errors``."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded)
        self._finders: dict[bool, SimilarTaskFinder] = {}

    def __enter__(self) -> "Seasoned":
        self.drain_spool()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- what a user asks for -------------------------------------------------------------------------------
    def record_pattern(self, report: "ReportedPattern") -> "RecordedPattern":
        """Redact and record a way that worked; see ``workers.pattern_reports``."""
        from seasoned.workers.pattern_reports import record_pattern
        from seasoned.workers.redacted import redacted

        near: list[float] = []
        task = self.store.fingerprints([report.fingerprint_id]).get(report.fingerprint_id)
        if task is not None and task.fingerprint.namespace == self.namespace:
            found = self.similar(task.fingerprint.original_prompt, limit=6, min_score=0.0, semantic=False)
            near = [each.score for each in found.matches if each.fingerprint.fingerprint_id != report.fingerprint_id]
        clean = redacted(report, self.redactor)
        return record_pattern(
            self.store,
            self.me,
            clean,
            neighbours=near,
            now=datetime.now(UTC),
        )

    def similar(
        self,
        prompt: str,
        *,
        task_type: str = "auto",
        domain: str = "auto",
        limit: int = 5,
        min_score: float | None = None,
        semantic: bool = True,
    ) -> SimilarTasks:
        """Past tasks like this one. ``semantic=False``: from hashes and full text alone, without loading the model."""
        # Kept: a finder knows for a moment how many vectors there are, which takes longer to ask than all the rest.
        finder = self._finders.get(semantic)
        if finder is None:
            finder = self._finders[semantic] = SimilarTaskFinder(
                self.store,
                index=self.index if semantic else None,
                embedder=self.embedder if semantic else None,
                strategy=self.settings.similarity.strategy,
            )
        return finder.find(
            self.namespace,
            self.redactor.text(cut(prompt, PROMPT_LIMIT)),
            task_type=task_type,
            domain=domain,
            limit=limit,
            min_score=self.settings.similarity.min_score if min_score is None else min_score,
        )

    def ask_knowledge(self, prompt: str) -> "AskedBeside | None":
        """Send ``prompt``, redacted, to the knowledge base; ``answer()`` of what is returned waits for it, within its
        budget. None where none is configured. Raises SettingsError."""
        if self.knowledge_source is None:
            return None
        from seasoned.advise.hybrid import AskedBeside

        given = self.settings.knowledge
        query = self.redactor.text(cut(prompt, PROMPT_LIMIT))
        return AskedBeside(
            self.knowledge_source, query, most=given.most, budget_ms=given.budget_ms, redact=self.redactor.text
        )

    def recommended(self, matches: Sequence[Match], knowledge: "KnowledgeAnswer | None" = None) -> Recommended:
        """Patterns and templates that were learned from ``matches``; ``knowledge``, what a knowledge base says, has a
        part in their order. Raises StoreError."""
        return recommended(self.store, self.me, matches, knowledge=knowledge)

    @cached_property
    def advising(self) -> "Advising":
        """What agents are told at the moments of their hooks; kept, as it remembers sessions and holds indexes."""
        from seasoned.app.advising import Advising

        return Advising(self)

    def advise(self, moment: Moment) -> "Advised":
        """What to tell an agent at this moment, if anything; recorded. Raises StoreError, EmbedderError."""
        return self.advising.advise(moment)

    def replay(self, pattern: Pattern, prompt: str, values: Mapping[str, str] | None = None) -> "FilledPlan":
        """``pattern`` as a plan for ``prompt``, with ``values`` by placeholder before those of the prompt. Raises
        StoreError, InputError where the pattern's placeholders are not described as they may be."""
        from seasoned.advise.shortcut import filled

        drawn_from = None
        if pattern.fingerprint_id is not None and pattern.namespace == self.namespace:
            task = self.store.fingerprints([pattern.fingerprint_id]).get(pattern.fingerprint_id)
            drawn_from = None if task is None else task.fingerprint.original_prompt
        given = {name: self.redactor.text(value) for name, value in (values or {}).items()}
        return filled(pattern, self.redactor.text(cut(prompt, PROMPT_LIMIT)), drawn_from=drawn_from, given=given)

    def insights(self, domain: str | None = None) -> "PerformanceInsights":
        """What the recorded executions of ``domain`` teach; None for all. Raises StoreError."""
        from seasoned.learn.insights import PerformanceAnalyzer

        batches = self.store.all_executions(self.namespace)
        return PerformanceAnalyzer().analyze_domain((each for batch in batches for each in batch), domain)

    def learn(
        self, *, again: bool = False, on_progress: "Callable[[Stage, int, int], None] | None" = None
    ) -> "Learned":
        """Learn from everything recorded; see ``workers.learning``. Embeds first what is not embedded yet; what became
        of advice counts as far as ``hear_outcomes`` has looked."""
        self.embed_pending()
        return workers.learn_history(
            self.store,
            self.namespace,
            model=self.embedding_model,
            now=datetime.now(UTC),
            options=self.learn_options,
            again=again,
            on_progress=on_progress,
        )

    def approve(self, which: str) -> Trace:
        """Record that the user approves an execution: ``last`` in the current folder, ``session:ID`` or an id; returns
        it as it now stands. Raises NotFoundError, UsageError; see ``workers.approving``."""
        from seasoned.workers.approving import approval_of, execution_meant

        return self.record(approval_of(execution_meant(self.store, self.namespace, which, folder=Path.cwd())))

    def hear_outcomes(self) -> "Heard":
        """What became of advice, from the executions that followed it; durable. See ``workers.feedback``."""
        from seasoned.workers.feedback import hear

        return hear(
            self.store,
            self.writer,
            self.namespace,
            now=now(),
            use_pattern=self.library.use_pattern,
            pattern_of=lambda pattern_id: self.store.pattern(self.namespace, pattern_id),
        )

    def fixes(self, error: str, *, tool: str | None = None, command: str | None = None) -> "FixAnswer":
        """What fixed this error before; an answer without fixes says why there are none."""
        known = workers.known_fixes(self.store, self.namespace)
        return known.fix_for(self.redactor.text(cut(error, PROMPT_LIMIT)), tool=tool, command=command)
