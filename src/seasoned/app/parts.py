"""What a ``Seasoned`` is made of, each part opened when it is first used.

A command that only reads hashes does not pay for a neural network, nor one that lists for the index.
"""

import copy
import errno
import hashlib
import hmac
import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from seasoned import workers
from seasoned.capture import Redactor
from seasoned.errors import SettingsError, StoreFullError, StoreUnavailableError
from seasoned.model import Document, Identity
from seasoned.settings import Loaded
from seasoned.store import SqlStore, open_store

if TYPE_CHECKING:
    from seasoned.embed import Embedder, VectorIndex
    from seasoned.knowledge import KnowledgeSource
    from seasoned.library import Library
    from seasoned.workers import Writer
    from seasoned.workers.learning import LearnOptions

__all__ = ["Parts", "now"]

DATABASE_FILE = "seasoned.db"
KEY_FILE = "redaction.key"


class Parts:
    """One data folder, and what is opened in it. What was opened is closed by ``close``."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.settings = loaded.settings
        self.namespace = loaded.settings.namespace
        self.data_dir = loaded.data_dir
        self._who: Identity | None = None
        self._analytics: dict[tuple[object, ...], tuple[int, Document]] = {}

    def close(self) -> None:
        """Release the database."""
        if (advising := self.__dict__.get("advising")) is not None:
            advising.close()
        if "store" in self.__dict__:
            self.store.close()

    @property
    def learn_options(self) -> "LearnOptions":
        """What learning asks for, as the settings have it."""
        from seasoned.learn.patterns import Options
        from seasoned.workers.learning import LearnOptions

        given = self.settings.learn
        asked = Options(least_executions=given.least_executions, support=given.support, quality=given.quality)
        return LearnOptions(patterns=asked, fix_sessions=given.fix_sessions)

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

    @property
    def embedding_model(self) -> str | None:
        """Name of the configured embedding model, as vectors are kept under; None where embeddings are switched off."""
        return None if self.embedder is None else self.embedder.info.model

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
    def knowledge_source(self) -> "KnowledgeSource | None":
        """The knowledge base of the settings; None where none is configured. Raises SettingsError."""
        given = self.settings.knowledge
        if not given.command and given.url is None:
            return None
        from seasoned.knowledge import McpSource

        self.ensure_data_dir()
        try:
            return McpSource(
                command=given.command,
                url=given.url,
                token=given.token,
                tool=given.tool,
                preset=given.preset,
                working_dir=self.data_dir,
            )
        except ValueError as error:
            raise SettingsError(f"knowledge: {error}.") from error

    @property
    def me(self) -> Identity:
        """Who acts: unless ``seen_by`` says otherwise this machine's own, a local administrator of the namespace."""
        return self._who or Identity(
            namespace=self.namespace, agent_id=self.settings.agent_id, role="admin", local=True
        )

    @cached_property
    def library(self) -> "Library":
        """The pattern library as this machine's own identity has it."""
        return self.library_for(self.me)

    def library_for(self, who: Identity) -> "Library":
        """The pattern library as ``who`` has it."""
        from seasoned.library import Library, Rules

        rules = self.settings.library
        return Library(
            self.store,
            who,
            redactor=self.redactor,
            clock=now,
            rules=Rules(
                auto_promote=rules.auto_promote,
                auto_promote_uses=rules.auto_promote_uses,
                auto_promote_success=rules.auto_promote_success,
            ),
            embedder=self.embedder,
            cache=self._analytics,
        )

    def seen_by(self, who: Identity) -> Self:
        """The same as ``who`` has it: in its namespace, inside its rights. It shares what is open, and is not closed."""
        # Opened here, so that views share them and none opens its own.
        _ = self.store, self.writer, self.embedder, self.index, self.knowledge_source
        other = copy.copy(self)
        for name in ("redactor_key", "redactor", "library", "advising"):
            vars(other).pop(name, None)
        other.namespace, other._who = who.namespace, who
        return other

    def identify(self, token: str) -> Identity:
        """Whose token this is. Raises AccessDeniedError."""
        from seasoned.library import authenticate

        return authenticate(self.store, token, now())

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

    def ensure_data_dir(self) -> None:
        """Make the data folder, private to the user. Raises StoreUnavailableError."""
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailableError(
                f"The data folder {self.data_dir} cannot be made: {error.strerror or error}. "
                "Give another with --home or SEASONED_HOME."
            ) from error


def now() -> datetime:
    """Aware."""
    return datetime.now(UTC)


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
