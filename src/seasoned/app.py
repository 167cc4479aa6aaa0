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
from functools import cached_property
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING

from seasoned import bus, workers
from seasoned.advise import SimilarTaskFinder
from seasoned.capture import Redactor
from seasoned.capture.excerpt import cut
from seasoned.errors import NotFoundError, StoreFullError, StoreUnavailableError, UsageError
from seasoned.model import ExecutionUpdate, SimilarTasks, Trace
from seasoned.model.limits import PROMPT_LIMIT
from seasoned.settings import Loaded
from seasoned.store import SqlStore, open_store

if TYPE_CHECKING:
    from seasoned.embed import Embedder, VectorIndex
    from seasoned.workers import Applied, ImportProgress, ImportResult, Writer

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
        from datetime import UTC, datetime

        done = self.writer.ingest([workers.event_of(redacted, now=datetime.now(UTC))])
        if reasons := done.dead + [reason for _, reason in done.refused]:
            raise UsageError(f"The execution was not recorded: {reasons[0]}.")
        stored = self.store.trace(self.namespace, redacted.trace.execution_id)
        return stored or redacted.trace

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
