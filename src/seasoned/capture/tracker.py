"""The tracker: a program records its own execution as it happens, call by call.

Invariant: *when a call has returned, what it recorded is with the sink*, and the default sink is the spool, which
survives the process. Nothing waits to be sent: each call is one event, a piece of knowledge that the writer merges with
the others in any order. So a run that is killed leaves everything up to its last call, and is closed later by whoever
finds it idle. A bounded number of calls is also kept, so that what ``complete`` returns can be measured on the spot.

Where a call belongs is known by context variables, not by globals: a tracker opened inside another's block becomes its
child, an asyncio task inherits the tracker and the open phases of the task that started it, and phases that two tasks
open at the same time do not get into each other's way. Threads begin with an empty context; calls on a tracker that was
handed to a thread hang below the innermost phase of the thread that made the tracker.

Nothing here raises because of what is recorded or where it goes; only calls that make no sense raise (UsageError).
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import fields, replace
from datetime import UTC
from operator import attrgetter
from types import TracebackType
from typing import ParamSpec, Protocol, Self, TypeVar
from uuid import UUID

from seasoned.capture.calls import (
    ArtifactLike,
    artifact_from,
    document_from,
    elapsed_ms,
    ending_of,
    error_from,
    stated,
    status_from,
)
from seasoned.capture.decorate import traced
from seasoned.capture.excerpt import cut, plain
from seasoned.capture.recorder import Recorder
from seasoned.capture.sink import NAME_LIMIT, Clock, ExecutionStream, Sink, default_namespace, utc_now
from seasoned.errors import UnbalancedPhaseError, UsageError
from seasoned.model.execution import CompletedTrace
from seasoned.model.ids import new_id
from seasoned.model.limits import PROMPT_LIMIT
from seasoned.model.trace import Artifact, Signal, Status, Trace

__all__ = ["AgentBundle", "ExecutionTracker"]

P = ParamSpec("P")
R = TypeVar("R")


class AgentBundle(Protocol):
    """Anything that has the agent's name."""

    @property
    def name(self) -> str:
        """Name of the agent."""
        ...


def _uuid(name: str, value: str | None) -> str | None:
    """The id as the records write it. Raises UsageError."""
    if not value:
        return None
    try:
        return str(UUID(value))
    except ValueError as error:
        raise UsageError(f"ExecutionTracker: {name} is the UUID of an execution, not {value[:80]!r}") from error


_current: ContextVar["ExecutionTracker | None"] = ContextVar("seasoned_tracker", default=None)


class ExecutionTracker(Recorder):
    """Records one execution. Use it as a block, as a decorator, or call by call.

    ::

        with ExecutionTracker("my-agent", prompt="Fix the login test") as tracker:
            tracker.start_phase("analysis")
            tracker.record_tool_use("bash", {"command": "pytest"}, duration_ms=1200, success=False)
            tracker.end_phase("analysis")
            tracker.complete("success", artifacts=["src/login.py"])

    A block that raises ends as a failure (as aborted when it was interrupted or cancelled), one that ends without
    ``complete`` as unknown. As a decorator each call of the function is an execution of its own;
    ``ExecutionTracker.current()`` finds it inside. Safe to share between threads and asyncio tasks.
    """

    def __init__(
        self,
        agent: str | AgentBundle,
        *,
        prompt: str | None = None,
        sink: Sink | None = None,
        namespace: str | None = None,
        session_id: str | None = None,
        user_id: str | None = None,
        correlation_id: str | None = None,
        parent_id: str | None = None,
        root_id: str | None = None,
        context: Mapping[str, object] | None = None,
        tags: Sequence[str] = (),
        clock: Clock | None = None,
    ) -> None:
        """Nothing is recorded before the first call or the beginning of the block.

        What is left out of ``sink``, ``namespace``, ``session_id``, ``user_id``, ``correlation_id``, ``parent_id``,
        ``root_id`` and ``clock`` is taken from the tracker in whose block this one is made; without one the
        execution is a root, at the system's time, in the namespace of the user's settings (``default`` where a ``sink``
        is given). Give the ids, which are UUIDs, to continue an execution of another process. ``clock`` returns aware
        times. Raises UsageError for an agent without a name, a root without a parent or an id that is none.
        """
        name = agent if isinstance(agent, str) else agent.name
        if not name:
            raise UsageError("ExecutionTracker: the agent needs a name")
        if root_id and not parent_id:
            raise UsageError("ExecutionTracker: root_id is given without parent_id; an execution below a root has both")
        self._again: Callable[[], ExecutionTracker] = functools.partial(
            type(self),
            agent,
            prompt=prompt,
            sink=sink,
            namespace=namespace,
            session_id=session_id,
            user_id=user_id,
            correlation_id=correlation_id,
            parent_id=parent_id,
            root_id=root_id,
            context=context,
            tags=tags,
            clock=clock,
        )
        parent_id, root_id = _uuid("parent_id", parent_id), _uuid("root_id", root_id)
        outer = _current.get()
        above = outer.trace if outer else None
        if parent_id is None and above is not None:
            parent_id, root_id = above.execution_id, above.root_id or above.execution_id
        clock = clock or (outer.stream.clock if outer else utc_now)
        started_at = clock()
        if started_at.tzinfo is None:
            raise UsageError("ExecutionTracker: the clock must give aware times")
        execution_id = new_id(started_at)
        chain = above.agent_chain if above else ()
        trace = Trace(
            execution_id=execution_id,
            namespace=plain(namespace or (above.namespace if above else "default" if sink else default_namespace())),
            revision=1,
            correlation_id=plain(correlation_id or (above and above.correlation_id) or execution_id),
            parent_id=parent_id,
            root_id=root_id or parent_id,
            session_id=plain(session_id or (above and above.session_id) or "") or None,
            user_id=plain(user_id or (above and above.user_id) or "") or None,
            agent_name=cut(name, NAME_LIMIT),
            agent_chain=(*chain, cut(name, NAME_LIMIT)),
            source="sdk",
            prompt=None if prompt is None else cut(prompt, PROMPT_LIMIT),
            started_at=started_at.astimezone(UTC),
            context=document_from(context),
            tags=tuple(cut(tag, NAME_LIMIT) for tag in tags),
        )
        super().__init__(ExecutionStream(trace, sink or (outer.stream.sink if outer else None), clock))
        self._completed: CompletedTrace | None = None
        self._before: list[ExecutionTracker | None] = []

    # -- what it is ------------------------------------------------------------------------------------------
    @classmethod
    def current(cls) -> "ExecutionTracker | None":
        """The tracker whose block the caller is in; None outside of any."""
        return _current.get()

    @property
    def execution_id(self) -> str:
        """UUIDv7; known before anything is recorded."""
        return self._execution_id

    @property
    def trace(self) -> Trace:
        """What is known of the execution now."""
        return self._completed or self.stream.trace

    # -- the end ---------------------------------------------------------------------------------------------
    def complete(
        self,
        outcome: str | bool | None = None,
        *,
        quality_score: float | None = None,
        artifacts: Iterable[ArtifactLike] = (),
        error: BaseException | str | None = None,
    ) -> CompletedTrace:
        """End the execution and return its trace, with the first ``recorder.MOST_KEPT`` calls for ``learn.metrics``.

        ``outcome``: success, failure, aborted or unknown, in any case, or True and False; what is stated here is an
        explicit outcome. None is unknown, or a failure where an ``error`` is given. ``quality_score`` is 0..1.
        ``artifacts`` are files created or changed. Calls that end later (in other threads) are still recorded.
        Raises UsageError for another outcome or score, or a second completion; UnbalancedPhaseError names a phase
        that is still open. Then nothing is recorded, and it can be called again.
        """
        status = status_from(outcome, error)
        if quality_score is not None and not 0 <= quality_score <= 1:
            raise UsageError(f"complete: quality_score is from 0 to 1, not {quality_score}")
        records = tuple(artifact_from(self.execution_id, artifact) for artifact in artifacts)
        still_open = self._phases.innermost_first()
        if still_open and self._completed is None:
            raise UnbalancedPhaseError(f"phase {still_open[0].name!r} is still open")
        said = () if status == "unknown" else (stated("verdict", status, "stated by the caller"),)
        return self._complete(status, said, quality_score, records, error)

    def _complete(
        self,
        status: Status,
        evidence: tuple[Signal, ...] = (),
        quality_score: float | None = None,
        artifacts: tuple[Artifact, ...] = (),
        error: BaseException | str | None = None,
    ) -> CompletedTrace:
        with self._lock:
            if self._completed is not None:
                raise UsageError(f"execution {self.execution_id} is complete already ({self._completed.status})")
            now = self.stream.now()
            kind, message = (None, None) if error is None else error_from(error)
            trace = replace(
                self.stream.trace,
                **self._totals.values() | {"revision": self.stream.revision()},
                completed_at=now,
                duration_ms=elapsed_ms(self.stream.trace.started_at, now),
                status=status,
                outcome_tier="explicit" if evidence else "unknown",
                outcome_confidence=max((signal.weight for signal in evidence), default=None),
                outcome_evidence=evidence,
                quality_score=quality_score,
                error_type=kind,
                error_message=message,
            )
            self.stream.send(trace, artifacts=artifacts, topic="task-executions", now=now)
            kept = sorted(self._kept.copy().values(), key=attrgetter("number"))
            values = {each.name: getattr(trace, each.name) for each in fields(trace)}
            self._completed = CompletedTrace(**values, spans=tuple(kept), spans_left_out=self._left_out)
            return self._completed

    def _close(self, error: BaseException | None) -> None:
        """The block has ended."""
        if self._completed is not None:
            return
        left = self._phases.innermost_first()
        for phase in left:
            self._send_end(self._phases.close(phase), "cancelled" if error is None else "failure", error)
        status, said = ending_of(error)
        self._complete(status, said, error=error if said else None)
        if left and error is None:
            raise UnbalancedPhaseError(f"phase {left[0].name!r} was still open when the block ended")

    def __enter__(self) -> Self:
        if self._completed is not None:
            raise UsageError(f"execution {self.execution_id} is complete; make a new tracker for the next one")
        self._before.append(_current.get())
        _current.set(self)
        self.stream.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # No Token: a generator may leave the block in another context than it entered it.
        _current.set(self._before.pop())
        self._close(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate ``function`` or a coroutine function: each call is an execution with the settings given here.

        Raises UsageError for generator functions, whose body does not run when they are called.
        """
        return traced(function, self._again)
