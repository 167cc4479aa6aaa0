"""Where every request to the library begins: who asks, and the few things that all requests share.

Invariant: a pattern reaches a method only through ``_readable`` or ``_within``, which decide by ``access``; a change
and its audit entry are one transaction.
"""

import unicodedata
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

from seasoned.capture import Redactor
from seasoned.errors import AccessDeniedError, ConflictError, StoreConflictError, ValidationError
from seasoned.library import checks
from seasoned.library.access import Operation, Right, allow
from seasoned.library.references import named_in, without
from seasoned.library.trust import Rules
from seasoned.model import AuditEntry, Document, Identity, Pattern
from seasoned.store import LibraryQuery, Store, Writing

if TYPE_CHECKING:
    from seasoned.embed import Embedder

__all__ = ["Desk"]

Clock = Callable[[], datetime]


class Desk:
    """The library as one caller has it. Cheap to make; safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        who: Identity,
        *,
        redactor: Redactor,
        clock: Clock,
        rules: Rules | None = None,
        embedder: "Embedder | None" = None,
        cache: dict[tuple[object, ...], tuple[int, Document]] | None = None,
        cache_size: int = 64,
    ) -> None:
        """``embedder``: for search by meaning; None: by words alone. ``clock``: aware now. ``cache``: of analytics, to be
        shared between callers; ``cache_size``: answers kept in it."""
        self.store = store
        self.who = who
        self.rules = rules or Rules()
        self.embedder = embedder
        self.cache = {} if cache is None else cache
        self.cache_size = cache_size
        self._redactor = redactor
        self._clock = clock

    # -- who ----------------------------------------------------------------------------------------------------
    def _as_caller(self, field: str, agent_id: str | None) -> str:
        """The caller's own id; an id that was given must be that."""
        if agent_id is not None and agent_id != self.who.agent_id:
            instead = (
                f" A local administrator acts for others by as_agent({agent_id!r})."
                if self.who.local and self.who.role == "admin"
                else ""
            )
            raise AccessDeniedError(
                f"{field}: {agent_id!r} is not the caller, who is {self.who.agent_id!r}; identity comes from the token or "
                f"this machine's settings, never from an argument.{instead}"
            )
        return self.who.agent_id

    def _as_namespace(self, namespace: str | None) -> str:
        """The caller's namespace; ``default`` and None stand for it."""
        if namespace is not None and namespace not in ("default", self.who.namespace):  # a list is no key
            raise AccessDeniedError(
                f"namespace: {namespace!r} is not the caller's, which is {self.who.namespace!r}; patterns are written there."
            )
        return self.who.namespace

    @property
    def _signature(self) -> str:
        """Whose name stands under a decision."""
        return self.who.agent_id if self.who.acting is None else f"{self.who.acting} for {self.who.agent_id}"

    # -- what it says -------------------------------------------------------------------------------------------
    def _text(self, field: str, value: object) -> str:
        """Free text, checked and redacted."""
        return self._redactor.text(checks.text(field, value))

    def _label(self, field: str, value: object) -> str:
        return self._redactor.text(checks.label(field, value))

    def _labels(self, field: str, value: object) -> tuple[str, ...]:
        return tuple(sorted({self._redactor.text(each) for each in checks.labels(field, value)}))

    def _document(self, field: str, value: object, *, limit: int = checks.DATA_LIMIT) -> Document:
        """A JSON object, checked and redacted, its names included."""
        return cast(Document, self._names(self._redactor.document(checks.document(field, value, limit=limit))))

    def _names(self, value: object) -> object:
        if isinstance(value, dict):
            given = cast("dict[str, object]", value)
            return {self._redactor.text(key): self._names(each) for key, each in given.items()}
        if isinstance(value, list):
            return [self._names(each) for each in cast("list[object]", value)]
        return value

    def _agents(self, field: str, value: object) -> tuple[str, ...]:
        """Agent ids. One that looks like a secret is refused, as none can be redacted and still mean somebody; an address
        is somebody."""
        agents = checks.agent_list(field, value)
        for each in agents:
            if "@" not in each and self._redactor.text(each) != each:
                raise ValidationError(
                    f"{field}: {self._redactor.text(each)} looks like a secret, not like an agent's id."
                )
        return agents

    def as_kept(self, value: object) -> object:
        """A text, list or object as the library would keep it: without its secrets."""
        return self._names(self._redactor.document({"value": value}))["value"]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType]

    # -- patterns -----------------------------------------------------------------------------------------------
    def _readable(self, key: str, operation: Operation = "read") -> tuple[Pattern, Right]:
        """The pattern that ``key`` names. Raises NotFoundError, AccessDeniedError."""
        found = self._named(key)
        return found, allow(self.who, operation, found, str(key))  # pyright: ignore[reportReturnType]  # allow raises for None

    def _named(self, key: object) -> Pattern | None:
        """What the caller may read by this id, beginning of an id, or name; names are kept composed."""
        if not isinstance(key, str):
            raise ValidationError(f"pattern_id: a text is needed, not {type(key).__name__}.")
        return self.store.visible_pattern(self.who, unicodedata.normalize("NFC", key.strip()))

    def _within(self, writing: Writing, pattern_id: str, operation: Operation) -> tuple[Pattern, Right]:
        """The pattern as it stands in the transaction, and whether the caller then still may. Raises as ``_readable``."""
        found = writing.pattern(pattern_id)
        return found, allow(self.who, operation, found, pattern_id)  # pyright: ignore[reportReturnType]  # allow raises for None

    def _shown(self, patterns: Sequence[Pattern]) -> list[Pattern]:
        """As the caller may see them: references to what it may not read are left out, and what comes from another
        namespace says so."""
        own = {pattern.pattern_id for pattern in patterns}
        hidden = self._unreadable({each for pattern in patterns for each in named_in(pattern)} - own)
        shown = [without(pattern, hidden) for pattern in patterns]
        return [
            each if each.namespace == self.who.namespace else replace(each, origin_trust="foreign") for each in shown
        ]

    def _unreadable(self, ids: Collection[str]) -> set[str]:
        """Those of ``ids`` that are no pattern which the caller may read."""
        if not ids:
            return set()
        cards = self.store.cards(self.who, LibraryQuery(pattern_ids=tuple(sorted(ids))))
        return set(ids) - {card.pattern_id for card in cards}

    # -- changes ------------------------------------------------------------------------------------------------
    @contextmanager
    def _changing(self) -> Generator[Writing, None, None]:
        """A transaction inside the caller's rights. A name that is taken raises ConflictError."""
        try:
            with self.store.writing(reader=self.who) as writing:
                yield writing
        except StoreConflictError as error:
            raise ConflictError(
                "That name is taken in this version by another pattern of the same owner; choose another name, or make a "
                "new version of the one that is there."
            ) from error

    def _note(
        self,
        writing: Writing,
        what: str,
        pattern: Pattern | None,
        *,
        before: Document | None = None,
        after: Document | None = None,
        reason: str | None = None,
        by: str | None = None,
    ) -> None:
        with writing.as_service():
            writing.save_audit(
                [
                    AuditEntry(
                        namespace=pattern.namespace if pattern is not None else self.who.namespace,
                        who=by or self._signature,
                        what=what,
                        subject=pattern.pattern_id if pattern is not None else None,
                        before=before,
                        after=after,
                        reason=reason,
                        at=self._clock(),
                    )
                ]
            )
