"""The only place that builds things: settings in, a wired ``Seasoned`` out.

Everything that costs (the database driver, the model, the index) is opened when it is first used, so that a command
that only reads hashes does not pay for a neural network. What was opened is closed by ``close``.
"""

import errno
import hashlib
import hmac
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING

from seasoned import bus, workers
from seasoned.advise import Recommended, SimilarTaskFinder, recommended
from seasoned.capture import Redactor
from seasoned.capture.excerpt import cut
from seasoned.errors import NotFoundError, StoreFullError, StoreUnavailableError, UsageError
from seasoned.model import ExecutionUpdate, Match, SimilarTasks, Trace
from seasoned.model.limits import PROMPT_LIMIT
from seasoned.settings import Loaded
from seasoned.store import SqlStore, open_store

if TYPE_CHECKING:
    from seasoned.embed import Embedder, VectorIndex
    from seasoned.learn.failures import FixAnswer
    from seasoned.learn.insights import PerformanceInsights
    from seasoned.learn.quality import Stated
    from seasoned.workers import Applied, ImportProgress, ImportResult, Learned, Writer
    from seasoned.workers.failure_reports import RecordedFailure, ReportedFailure
    from seasoned.workers.learning import Stage
    from seasoned.workers.measuring import Measured, StatedFile
    from seasoned.workers.pattern_reports import RecordedPattern, ReportedPattern

__all__ = ["Seasoned"]

DATABASE_FILE = "seasoned.db"
KEY_FILE = "redaction.key"


class Seasoned(AbstractContextManager["Seasoned"]):
    """One data folder, opened. Methods take and return values of ``model``; errors are of ``errors``."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.settings = loaded.settings
        self.namespace = loaded.settings.namespace
        self.data_dir = loaded.data_dir
        self._finders: dict[bool, SimilarTaskFinder] = {}

    def __enter__(self) -> "Seasoned":
        self.drain_spool()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the database."""
        if "store" in self.__dict__:
            self.store.close()

    # -- parts ----------------------------------------------------------------------------------------------
    @property
    def database_url(self) -> str:
        """The store's address as configured, or the SQLite file in the data folder."""
        return self.settings.store.url or f"sqlite:///{self.data_dir / DATABASE_FILE}"

    @cached_property
    def store(self) -> SqlStore:
        """The database, created and migrated where needed."""
        self.ensure_data_dir()
        store = self.settings.store
        return open_store(self.database_url, busy_timeout_s=store.busy_timeout_s, pool=(store.pool_min, store.pool_max))

    @cached_property
    def writer(self) -> "Writer":
        """Applies events to the store."""
        return workers.Writer(self.store)

    @cached_property
    def embedder(self) -> "Embedder | None":
        """The configured embedding model; None where embeddings are switched off. Its weights load on first use."""
        from seasoned.embed import open_embedder

        provider = self.settings.embed.provider
        return None if provider == "none" else open_embedder(provider)

    @cached_property
    def index(self) -> "VectorIndex | None":
        """Nearest vectors: pgvector on PostgreSQL, an index file beside SQLite."""
        from seasoned.embed import Neighbour, UsearchIndex

        if self.embedder is None:
            return None
        if self.database_url.startswith("postgres"):
            from seasoned.store.pgvector import PgVectorIndex

            return PgVectorIndex(self.store, Neighbour)
        return UsearchIndex(self.data_dir / "vectors", self.store)

    @cached_property
    def redactor_key(self) -> bytes:
        """Key of this namespace's placeholders: derived from a random key that never leaves the data folder."""
        self.ensure_data_dir()
        path = self.data_dir / KEY_FILE
        try:
            if not path.exists():
                _make_key(path)
            master = path.read_bytes()
        except OSError as error:
            kind = StoreFullError if error.errno == errno.ENOSPC else StoreUnavailableError
            raise kind(f"{path}: {error.strerror or error}. Nothing was imported.") from error
        if len(master) != 32:
            raise StoreUnavailableError(
                f"{path} holds {len(master)} bytes instead of 32: restore it from a backup, or delete it "
                "(secrets redacted from then on get other placeholders)."
            )
        return hmac.new(master, self.namespace.encode(), hashlib.sha256).digest()

    @cached_property
    def redactor(self) -> Redactor:
        """Replaces secrets, with the user's own rules and allow-list."""
        rules = self.settings.redaction
        return Redactor(self.redactor_key, extra_rules=tuple(rules.rules.items()), allow=rules.allow)

    # -- what a user asks for -------------------------------------------------------------------------------
    def import_histories(
        self,
        paths: Sequence[Path],
        *,
        only: str | None = None,
        jobs: int | None = None,
        again: bool = False,
        dry_run: bool = False,
        on_progress: "Callable[[ImportProgress], None] | None" = None,
    ) -> "ImportResult":
        """Import what lies at or below ``paths``; see ``workers.importing``. Embeddings follow by ``embed_pending``."""
        rules = self.settings.redaction
        options = workers.ImportOptions(
            namespace=self.namespace,
            redactor_key=self.redactor_key,
            redactor_rules=tuple(rules.rules.items()),
            redactor_allow=rules.allow,
            only=only,
            jobs=self.settings.imports.jobs if jobs is None else jobs,
            again=again,
            dry_run=dry_run,
        )
        began = perf_counter()
        result = workers.import_histories(paths, self.store, self.writer, options, on_progress)
        if not dry_run:
            result.settled = workers.settle_outcomes(self.store)
        result.seconds = perf_counter() - began
        return result

    def embed_pending(self, on_progress: Callable[[int, int], None] | None = None) -> int:
        """Vectors for every fingerprint that has none yet; returns how many were made."""
        if self.embedder is None:
            return 0
        return workers.embed_pending(self.store, self.embedder, on_progress)

    def drain_spool(self) -> int:
        """Take in what trackers and hooks have spooled since; returns how many events. Nothing there costs nothing."""
        folder = self.data_dir / bus.SPOOL_FOLDER
        try:
            if not folder.is_dir() or not any(folder.iterdir()):
                return 0
        except OSError as error:
            raise StoreUnavailableError(
                f"{folder}: {error.strerror or error}. The data folder must be readable and writable for this user."
            ) from error
        with closing(bus.Spool(folder)) as spool:
            drained, _ = workers.take_spool(
                spool, self.writer, self.redactor.update, redact_document=self.redactor.document
            )
        if drained.events:
            workers.settle_outcomes(self.store)
        return drained.events

    def set_aside(self) -> int:
        """Files of the spool that hold lines which could not be read."""
        folder = self.data_dir / bus.SPOOL_FOLDER
        return len(list(folder.glob("*.bad"))) if folder.is_dir() else 0

    def redrive(self, event_ids: Sequence[str] | None = None) -> "Applied":
        """Try the dead letters again, or those named; without names also the lines that the spool set aside.

        Raises NotFoundError when a name is that of no dead letter."""
        if event_ids is not None:
            known = {letter.event_id for letter in self.store.dead_letters()}
            if unknown := [each for each in event_ids if each not in known]:
                raise NotFoundError(f"There is no dead letter of the event {', '.join(unknown)}.")
        elif self.set_aside():
            with closing(bus.Spool(self.data_dir / bus.SPOOL_FOLDER)) as spool:
                spool.restore_bad()
            self.drain_spool()
        applied = self.writer.replay(event_ids)
        workers.settle_outcomes(self.store)
        return applied

    def record(self, update: ExecutionUpdate) -> Trace:
        """Redact and record one execution, durably; returns the trace as it now stands."""
        redacted = self.redactor.update(replace(update, trace=replace(update.trace, namespace=self.namespace)))
        done = self.writer.ingest([workers.event_of(redacted, now=datetime.now(UTC))])
        if reasons := done.dead + [reason for _, reason in done.refused]:
            raise UsageError(f"The execution was not recorded: {reasons[0]}.")
        stored = self.store.trace(self.namespace, redacted.trace.execution_id)
        return stored or redacted.trace

    def log_quality(self, execution_id: str, file_path: str, *, stated: "Stated", about: "StatedFile") -> "Measured":
        """Measure a file that an execution changed, and record what is known of it; see ``workers.measuring``."""
        from seasoned.workers.measuring import look_at, measured_artifact

        trace = self.store.trace(self.namespace, execution_id)
        if trace is None:
            raise NotFoundError(f"There is no execution {execution_id!r} in namespace {self.namespace!r}.")
        folders = [Path.cwd(), *([Path(trace.cwd)] if trace.cwd else [])]
        known = self.store.artifacts(trace.execution_id)
        seen = look_at(file_path, folders)
        found = measured_artifact(trace, known, file_path, seen, stated=stated, about=about, now=datetime.now(UTC))
        mention = Trace(execution_id=trace.execution_id, namespace=self.namespace, revision=0)
        self.record(ExecutionUpdate(trace=mention, artifacts=(found.artifact,)))
        stored = {each.artifact_id: each for each in self.store.artifacts(trace.execution_id)}
        return replace(found, artifact=stored.get(found.artifact.artifact_id, found.artifact))

    def record_failure(self, report: "ReportedFailure") -> "RecordedFailure":
        """Redact and record a failure that an agent reports; see ``workers.failure_reports``."""
        from seasoned.workers.failure_reports import record_failure
        from seasoned.workers.redacted import redacted

        return record_failure(self.store, self.namespace, redacted(report, self.redactor), now=datetime.now(UTC))

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
        return record_pattern(self.store, self.namespace, clean, neighbours=near, now=datetime.now(UTC))

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

    def recommended(self, matches: Sequence[Match]) -> Recommended:
        """Patterns and templates that were learned from ``matches``. Raises StoreError."""
        return recommended(self.store, self.namespace, matches)

    def insights(self, domain: str | None = None) -> "PerformanceInsights":
        """What the recorded executions of ``domain`` teach; None for all. Raises StoreError."""
        from seasoned.learn.insights import PerformanceAnalyzer

        batches = self.store.all_executions(self.namespace)
        return PerformanceAnalyzer().analyze_domain((each for batch in batches for each in batch), domain)

    def learn(
        self, *, again: bool = False, on_progress: "Callable[[Stage, int, int], None] | None" = None
    ) -> "Learned":
        """Learn from everything recorded; see ``workers.learning``. Embeds first what is not embedded yet."""
        self.embed_pending()
        model = self.embedder.info.model if self.embedder is not None else None
        return workers.learn_history(
            self.store, self.namespace, model=model, now=datetime.now(UTC), again=again, on_progress=on_progress
        )

    def fixes(self, error: str, *, tool: str | None = None, command: str | None = None) -> "FixAnswer":
        """What fixed this error before; an answer without fixes says why there are none."""
        known = workers.known_fixes(self.store, self.namespace)
        return known.fix_for(self.redactor.text(cut(error, PROMPT_LIMIT)), tool=tool, command=command)

    def ensure_data_dir(self) -> None:
        """Make the data folder, private to the user. Raises StoreUnavailableError."""
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailableError(
                f"The data folder {self.data_dir} cannot be made: {error.strerror or error}. "
                "Give another with --home or SEASONED_HOME."
            ) from error


def _make_key(path: Path) -> None:
    """Write a fresh key, whole or not at all; where another process was faster, its key stands."""
    descriptor, partial = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(partial, path)
    finally:
        Path(partial).unlink()
