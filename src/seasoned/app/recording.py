"""What comes in and what goes out again: histories, hooks' and trackers' spools, single executions, forgetting.

Invariant: what comes in is redacted here before it goes anywhere, and whatever was forgotten stays out, also where events
of it come late.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from seasoned import bus, workers
from seasoned.app.parts import Parts, now
from seasoned.errors import NotFoundError, StoreUnavailableError, UsageError
from seasoned.model import ExecutionUpdate, Trace
from seasoned.store import Selection

if TYPE_CHECKING:
    from seasoned.learn.quality import Stated
    from seasoned.workers import Applied, ImportProgress, ImportResult, TakenIn
    from seasoned.workers.failure_reports import RecordedFailure, ReportedFailure
    from seasoned.workers.forgetting import Erased
    from seasoned.workers.measuring import Measured, StatedFile

__all__ = ["Recording"]

_log = logging.getLogger("seasoned.recording")


class Recording(Parts):
    """The parts, and what writes executions into them and takes them out."""

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
            self._forget_late(result.applied.forgotten)
            result.settled = workers.settle_outcomes(self.store)
        result.seconds = perf_counter() - began
        return result

    def embed_pending(self, on_progress: Callable[[int, int], None] | None = None) -> int:
        """Vectors for every fingerprint that has none yet; returns how many were made."""
        if self.embedder is None:
            return 0
        return workers.embed_pending(self.store, self.embedder, on_progress)

    def drain_spool(self) -> int:
        """Take in what trackers and hooks have spooled since; returns how many events. Nothing there costs nothing.

        The transcripts that finished hooks name are imported too; see ``drain_inbox``."""
        events = 0
        if (taken := self.drain_inbox()) is not None:
            events = sum(each.events for each in taken.applied)
            if taken.transcripts:
                self.import_histories(taken.transcripts, jobs=0)
        folder = self.data_dir / bus.SPOOL_FOLDER
        if not self._holds_anything(folder):
            return events
        with closing(bus.Spool(folder)) as spool:
            drained, applied = workers.take_spool(
                spool, self.writer, self.redactor.update, redact_document=self.redactor.document
            )
        if drained.events:
            self._forget_late(sum(each.forgotten for each in applied))
            workers.settle_outcomes(self.store)
        return events + drained.events

    def drain_inbox(self) -> "TakenIn | None":
        """Take in what agents' hooks were told; see ``workers.hooking``. What it returns names the transcripts that may
        be imported now. None where nothing waits, which costs nothing."""
        folder = self.data_dir / bus.INBOX_FOLDER
        if not self._holds_anything(folder):
            return None
        taken = workers.take_inbox(
            bus.Inbox(folder),
            self.store,
            self.writer,
            self.redactor.update,
            namespace=self.namespace,
            now=now(),
        )
        for each in taken.bad:
            _log.warning("%s: %s", each.place, each.reason)
        if taken.sessions:
            self._forget_late(sum(each.forgotten for each in taken.applied))
            workers.settle_outcomes(self.store)
        return taken

    @staticmethod
    def _holds_anything(folder: Path) -> bool:
        try:
            return folder.is_dir() and any(folder.iterdir())
        except OSError as error:
            raise StoreUnavailableError(
                f"{folder}: {error.strerror or error}. The data folder must be readable and writable for this user."
            ) from error

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
        self._forget_late(applied.forgotten)
        workers.settle_outcomes(self.store)
        return applied

    def record(self, update: ExecutionUpdate) -> Trace:
        """Redact and record one execution, durably; returns the trace as it now stands."""
        redacted = self.redactor.update(replace(update, trace=replace(update.trace, namespace=self.namespace)))
        done = self.writer.ingest([workers.event_of(redacted, now=datetime.now(UTC))])
        if done.elsewhere:  # whose it is, is nobody else's business
            raise UsageError(
                f"The execution was not recorded: the id {redacted.trace.execution_id} is taken; leave it out, and one is made."
            )
        if reasons := done.dead + [reason for _, reason in done.refused]:
            raise UsageError(f"The execution was not recorded: {reasons[0]}.")
        if done.forgotten:
            self._forget_late(done.forgotten)
            raise UsageError("The execution was not recorded: it, or the one that delegated it, was forgotten.")
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
        # Whoever comes by a token is elsewhere: this machine's files are none of its business.
        seen = look_at(file_path, folders) if self.me.local else None
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

    def forget(self, selection: Selection) -> "Erased":
        """Erase executions with everything derived from them, durably; see ``workers.forgetting``. ``tidy`` afterwards."""
        from seasoned.workers.forgetting import forget

        erased = forget(
            self.store, selection, self.me, model=self.embedding_model, now=now(), options=self.learn_options
        )
        bus.Inbox(self.data_dir / bus.INBOX_FOLDER).strike_set_aside(None if selection.everything else erased.sessions)
        return erased

    def _forget_late(self, left_out: int) -> None:
        """After events were taken in, ``left_out`` of which were of forgotten executions."""
        if not left_out:
            return
        from seasoned.workers.forgetting import forget_late

        if late := forget_late(
            self.store, self.namespace, model=self.embedding_model, now=now(), options=self.learn_options
        ):
            self.tidy(late)

    def tidy(self, execution_ids: Sequence[str]) -> bool:
        """See to it that nothing of what was forgotten lingers in files: the database's own, the vector index, lines that
        the spool set aside, payloads of hooks whose execution was open. May be repeated. False where another process
        keeps the database's log from being emptied."""
        from seasoned.embed import UsearchIndex
        from seasoned.embed.generation import indexed_models
        from seasoned.workers.forgetting import strike_lines

        strike_lines(self.data_dir / bus.SPOOL_FOLDER, execution_ids)
        workers.strike_payloads(
            bus.Inbox(self.data_dir / bus.INBOX_FOLDER),
            self.store,
            self.writer,
            self.redactor.update,
            execution_ids,
            namespace=self.namespace,
            now=now(),
        )
        if not self.database_url.startswith("postgres"):
            folder = self.data_dir / "vectors"
            index = UsearchIndex(folder, self.store)
            for model in indexed_models(folder, self.namespace):
                index.rebuild(self.namespace, model)
        return self.store.scrub()

    def sample_executions(self) -> tuple[list[str], list[str]]:
        """Ids of the bundled sample's executions that are stored, and names under which its import is noted; both empty
        where it was not imported."""
        from seasoned.sample import sample_folder
        from seasoned.workers.forgetting import executions_in

        options = workers.ImportOptions(namespace=self.namespace, redactor_key=self.redactor_key, jobs=0)
        inside = str(sample_folder().resolve())
        known = [name for name in self.store.import_states() if name.startswith(inside)]
        if not known:
            return [], []
        ids, names = executions_in([sample_folder()], options)
        noted = sorted(set(names).intersection(known))
        chosen = Selection(execution_ids=tuple(sorted(ids)))
        return (self.store.selected(self.namespace, chosen), noted) if noted else ([], [])

    def forget_sample(self) -> int:
        """Take the bundled sample out, so that it can be imported again; how many executions that were."""
        from seasoned.workers.forgetting import forget

        ids, noted = self.sample_executions()
        if noted:
            chosen = Selection(execution_ids=tuple(ids))
            forget(
                self.store,
                chosen,
                self.me,
                model=self.embedding_model,
                now=now(),
                options=self.learn_options,
                remember=False,
                files=noted,
            )
        return len(ids)
