"""Writing what was learned, inside the one write transaction.

Invariant: counters that are counts of rows are taken from the rows, whatever the record says: ``occurrence_count`` of a
failure, ``times_worked`` of a mined resolution. What replaces is a whole: after ``replace_failure`` and
``replace_chains`` the rows are a function of what was given, so twice is once and the order of failures is free.

An id belongs to the namespace that had it first. Ids are made of contents and can be guessed; a save from elsewhere
must not carry a row over.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from seasoned.errors import AccessDeniedError, StoreConflictError, StoreError
from seasoned.model import AgentChain, FailureOccurrence, FailurePattern, Pattern, Resolution, Template
from seasoned.store.dialect import Dialect, among, ids_parameter, upsert
from seasoned.store.knowledge_rows import RecordCodec, knowledge_codec_of, known_ids
from seasoned.store.session import Clock, Session

__all__ = ["KnowledgeWrites"]

_KEY_BYTES = 2_600
"""Of the texts of a unique key together. A row of a PostgreSQL B-tree holds 2,704 bytes
(https://www.postgresql.org/docs/current/btree.html); SQLite has no such limit, but its rows must fit there too."""
_NOT_RECORDED = "resolutions.source = 'mined' OR excluded.source = 'recorded'"
"""What somebody recorded stays as recorded when the same steps are also mined."""

_Named = TypeVar("_Named", Pattern, Template, FailurePattern)
_Kept = TypeVar("_Kept", Pattern, Template, FailurePattern, AgentChain, Resolution, FailureOccurrence)


class KnowledgeWrites:
    """The part of ``store.port.Writing`` that is about knowledge."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._dialect: Dialect = session.dialect
        self._knowledge = knowledge_codec_of(session.dialect)

    # -- patterns and templates ----------------------------------------------------------------------------------
    def save_patterns(self, patterns: Sequence[Pattern]) -> None:
        """Insert or replace; ``created_at`` of an existing row stays."""
        for pattern in patterns:
            if any(len(word.encode(errors="replace")) > _KEY_BYTES for word in pattern.keywords):
                raise StoreError(f"patterns {pattern.pattern_id}: a keyword is longer than {_KEY_BYTES} bytes.")
        now = self._clock()
        stamped = [replace(pattern, created_at=now, updated_at=now) for pattern in patterns]
        if self._session.confined:
            stamped = [pattern for pattern in stamped if not self._changed(pattern)]
        names = [(pattern.namespace, pattern.agent_id, pattern.pattern_name, pattern.version) for pattern in stamped]
        self._save(self._knowledge.patterns, stamped, names, "patterns: a name is taken in this version by another one")

    def _changed(self, pattern: Pattern) -> bool:
        """Write what is new about a pattern that the reader sees, and nothing else; False where it sees none.

        Whoever may judge a pattern may not write what it says, not even as it was. An upsert would: it must be allowed
        to insert the row whole before it finds it there.
        """
        codec = self._knowledge.patterns
        rows = self._session.rows(f"SELECT {codec.selected} FROM patterns WHERE pattern_id = ?", (pattern.pattern_id,))
        if not rows:
            return False
        found = codec.record(rows[0])
        new = replace(pattern, created_at=found.created_at)
        names = [name for name in codec.columns if getattr(new, name) != getattr(found, name)]
        if found.namespace != pattern.namespace:
            raise StoreConflictError(f"{codec.table} {pattern.pattern_id}: the id is taken.")
        changes = ", ".join(f"{name} = ?" for name in names)
        touched = self._session.run(
            f"UPDATE patterns SET {changes} WHERE pattern_id = ?", codec.part(new, (*names, "pattern_id"))
        )
        if not touched:
            raise AccessDeniedError(f"patterns {pattern.pattern_id}: only its owner and its reviewers may change it.")
        return True

    def delete_patterns(self, pattern_ids: Sequence[str]) -> None:
        """Those that exist; children move to the parent of the deleted one."""
        # One statement each: the trigger that moves children would change rows that the same statement is to delete,
        # which PostgreSQL refuses.
        ids = known_ids(pattern_ids)
        self._session.many("DELETE FROM patterns WHERE pattern_id = ?", [(item,) for item in ids])
        if self._session.confined and self._session.rows(
            f"SELECT 1 FROM patterns WHERE {among(self._dialect, 'pattern_id')} LIMIT 1",
            (ids_parameter(self._dialect, ids),),
        ):
            # What may not be deleted is not there for the statement, and no error.
            raise AccessDeniedError("patterns: only its owner may delete a pattern.")

    def save_templates(self, templates: Sequence[Template]) -> None:
        """Insert or replace; ``created_at`` of an existing row stays."""
        now = self._clock()
        stamped = [replace(template, created_at=now, updated_at=now) for template in templates]
        names = [(template.namespace, template.agent_id, template.template_name) for template in templates]
        self._save(self._knowledge.templates, stamped, names, "templates: a name is taken by another one")

    def delete_templates(self, template_ids: Sequence[str]) -> None:
        """Those that exist."""
        self._delete("pattern_templates", "template_id", known_ids(template_ids))

    # -- failures ------------------------------------------------------------------------------------------------
    def replace_failure(
        self,
        failure: FailurePattern,
        resolutions: Sequence[Resolution],
        occurrences: Sequence[FailureOccurrence],
    ) -> None:
        """The failure with everything mined about it."""
        for part in (*resolutions, *occurrences):
            if (part.failure_id, part.namespace) != (failure.failure_id, failure.namespace):
                raise StoreError(f"failure {failure.failure_id}: what is stored with it belongs to another failure.")
        happened = {item.occurrence_id: item for item in occurrences}
        worked: dict[str, int] = {}
        for item in happened.values():
            if item.resolved_by is not None:
                worked[item.resolved_by] = worked.get(item.resolved_by, 0) + 1
        self._save(
            self._knowledge.failures,
            [replace(failure, occurrence_count=len(happened))],
            [(failure.namespace, failure.signature)],
            "failures: the signature stands already, under another id",
        )
        # What is no longer mined goes first: an occurrence that still points to it is then an error, not set to NULL.
        self._drop_others("resolutions", "resolution_id", failure, [item.resolution_id for item in resolutions])
        self._drop_others("failure_occurrences", "occurrence_id", failure, list(happened))
        found = [_counted(item, worked.get(item.resolution_id, 0)) for item in resolutions]
        self._own(self._knowledge.resolutions, found)
        self._insert(self._knowledge.resolutions, found, where=_NOT_RECORDED)
        self._own(self._knowledge.occurrences, list(happened.values()))
        self._insert(self._knowledge.occurrences, list(happened.values()))

    def _drop_others(self, table: str, key: str, failure: FailurePattern, kept: list[str]) -> None:
        mined = " AND source = 'mined'" if table == "resolutions" else ""
        self._session.run(
            f"DELETE FROM {table} WHERE failure_id = ?{mined} AND NOT ({among(self._dialect, key)})",
            (failure.failure_id, ids_parameter(self._dialect, kept)),
        )

    def delete_failures(self, failure_ids: Sequence[str]) -> None:
        """Those that exist, with their occurrences and resolutions."""
        ids = known_ids(failure_ids)
        self._delete("failure_patterns", "failure_id", ids)
        self._delete("embeddings", "owner_kind = 'failure' AND owner_id", ids)

    # -- chains --------------------------------------------------------------------------------------------------
    def replace_chains(self, namespace: str, chains: Sequence[AgentChain]) -> None:
        """These are all chains of the namespace from now on."""
        if any(chain.namespace != namespace for chain in chains):
            raise StoreError(f"chains of namespace {namespace!a}: one of another namespace is among them.")
        self._session.run("DELETE FROM agent_chaining_patterns WHERE namespace = ?", (namespace,))
        self._own(self._knowledge.chains, chains)
        self._insert(self._knowledge.chains, chains)

    # -- all of them ---------------------------------------------------------------------------------------------
    def _save(
        self, codec: RecordCodec[_Named], records: Sequence[_Named], names: Sequence[tuple[str, ...]], taken: str
    ) -> None:
        for record, name in zip(records, names, strict=True):
            size = sum(len(part.encode(errors="replace")) for part in name)
            if size > _KEY_BYTES:
                raise StoreError(
                    f"{codec.table} {getattr(record, codec.key)}: its name has {size} bytes with all that makes it "
                    f"unique, {_KEY_BYTES} are allowed."
                )
        self._own(codec, records)
        try:
            self._insert(codec, records)
        except StoreConflictError as error:
            raise StoreConflictError(f"{taken}. Give it another name. ({error})") from error

    def _own(self, codec: RecordCodec[_Kept], records: Sequence[_Kept]) -> None:
        wanted = {str(getattr(record, codec.key)): record.namespace for record in records}
        rows = self._session.rows(
            f"SELECT {codec.key}, namespace FROM {codec.table} WHERE {among(self._dialect, codec.key)}",
            (ids_parameter(self._dialect, sorted(wanted)),),
        )
        for key, namespace in rows:
            if wanted.get(key) != namespace:
                raise StoreConflictError(f"{codec.table} {key}: the id is taken.")

    def _insert(self, codec: RecordCodec[_Kept], records: Sequence[_Kept], *, where: str = "") -> None:
        sql = upsert(codec.table, codec.columns, codec.key, keep=("created_at",), where=where)
        self._session.many(sql, [codec.row(record) for record in records])

    def _delete(self, table: str, column: str, ids: Sequence[str]) -> None:
        self._session.run(
            f"DELETE FROM {table} WHERE {among(self._dialect, column)}", (ids_parameter(self._dialect, ids),)
        )


def _counted(resolution: Resolution, worked: int) -> Resolution:
    if resolution.source == "recorded":
        return resolution
    return replace(resolution, times_worked=worked, times_seen=max(worked, resolution.times_seen))
