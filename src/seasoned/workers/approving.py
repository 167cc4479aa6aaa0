"""Approval: a user says of an execution that it was well done.

It is evidence from beside the source, so it travels as a piece of its own that says nothing else (``model.APPROVED``):
whatever is read of the execution later, by hook or from its transcript, is merged with it and does not take it back.
The same approval twice is one event.
"""

from pathlib import Path

from seasoned.capture.followup import asks_to_learn
from seasoned.errors import NotFoundError, UsageError
from seasoned.model import APPROVED, ExecutionUpdate, Signal, Trace
from seasoned.store import Store, TraceQuery

__all__ = ["approval_of", "execution_meant"]

_LOOKED_THROUGH = 200
"""Newest executions among which the last one of a folder is looked for."""
_DETAIL = "seasoned learn --approve"


def execution_meant(store: Store, namespace: str, which: str, *, folder: Path) -> Trace:
    """The execution that ``which`` names: ``last`` (the newest that an agent ran in ``folder``, above it or below it),
    ``session:ID`` (the newest of that session), or an id, of which the first 6 characters will do.

    Tasks of sub-agents belong to the work that delegated them and are not meant. Raises NotFoundError that says what
    was looked for, UsageError for an id that is too short, StoreError.
    """
    kind, colon, session = which.partition(":")
    if kind == "session" and colon:
        if found := _newest(store, TraceQuery(namespace=namespace, session_id=session, roots_only=True)):
            return found
        raise NotFoundError(
            f"Nothing is recorded of a session {session!r}. Its hooks may be off: `seasoned import` takes its transcript."
        )
    if which == "last":
        query = TraceQuery(namespace=namespace, roots_only=True, limit=_LOOKED_THROUGH)
        if found := _newest(store, query, folder=folder):
            return found
        raise NotFoundError(
            f"Among the last {_LOOKED_THROUGH} executions none was run by an agent in {folder}. "
            "`seasoned traces list` shows them; name one by its id."
        )
    if len(which) < 6:
        raise UsageError(
            f"{which!r} names no execution; allowed are last, session:ID and an id (6 characters or more)."
        )
    if (named := store.trace(namespace, which)) is not None:
        return named
    raise NotFoundError(f"No execution is called {which!r}. `seasoned traces list` shows them.")


def approval_of(trace: Trace) -> ExecutionUpdate:
    """The piece of knowledge that the user approved it."""
    approval = Signal(kind=APPROVED, verdict="success", weight=1.0, detail=_DETAIL)
    return ExecutionUpdate(
        trace=Trace(
            execution_id=trace.execution_id,
            namespace=trace.namespace,
            user_acceptance=True,
            outcome_evidence=(approval,),
        )
    )


def _newest(store: Store, query: TraceQuery, *, folder: Path | None = None) -> Trace | None:
    """The newest execution by an agent, the command that approves left out."""
    return next(
        (
            each
            for each in store.traces(query)
            if each.session_id is not None
            and not asks_to_learn(each.prompt or "")
            and (folder is None or _around(folder, each.cwd))
        ),
        None,
    )


def _around(folder: Path, cwd: str | None) -> bool:
    if cwd is None:
        return False
    other = Path(cwd)
    return folder.is_relative_to(other) or other.is_relative_to(folder)
