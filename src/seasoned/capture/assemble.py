"""From an agent's records to one execution: the part that every importer shares.

An importer tells an ``ExecutionBuilder`` what it reads, in file order: a call, its result, tokens, an interruption. The
builder pairs calls with results, judges the checks among them, weighs the evidence, and yields ``Recording``s. Which
execution a record belongs to is not decided here: importers of interactive agents leave that to ``conversation``; where
one document is one task, a builder is all there is.

Nothing here knows a format, and nothing grows with the execution: spans of a very long one leave in parts.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b, sha256

from seasoned.capture.evidence import judge_command
from seasoned.capture.excerpt import cut, cut_arguments, ends, plain
from seasoned.capture.outcome import infer
from seasoned.capture.port import Recording, Resume
from seasoned.capture.stack import artifact_type_of, language_of, stack_of
from seasoned.model import Artifact, Document, ExecutionUpdate, Signal, Span, SpanKind, SpanOutcome, Trace
from seasoned.model.ids import canonical_json, name_id, occurrence_id, source_id
from seasoned.model.limits import ERROR_LIMIT, PROMPT_LIMIT

__all__ = ["ExecutionBuilder", "Facts"]

SPANS_PER_PART = 500
_MAX_SIGNALS = 200


@dataclass(slots=True, kw_only=True)
class Facts:
    """What a source says of a session as a whole; updated while it is read."""

    source: str
    """The importer's name."""
    namespace: str
    session_id: str
    agent_name: str | None = None
    agent_chain: tuple[str, ...] = ()
    source_version: str | None = None
    cwd: str | None = None
    repo: str | None = None
    git_branch: str | None = None
    git_commit: str | None = None
    user_id: str | None = None
    parent_id: str | None = None
    root_id: str | None = None


class _OpenSpan:
    """A call whose result has not been read yet."""

    __slots__ = ("arguments", "command", "files", "kind", "model", "name", "number", "parent", "started_at", "tool")

    def __init__(self, number: int, kind: SpanKind, name: str) -> None:
        self.number = number
        self.kind: SpanKind = kind
        self.name = name
        self.tool: str | None = None
        self.model: str | None = None
        self.arguments: Document | None = None
        self.files: tuple[str, ...] = ()
        self.command: str | None = None
        self.parent: str | None = None
        self.started_at: datetime | None = None


class ExecutionBuilder:
    """Collects one execution. All texts given are raw; they are cut here and redacted later."""

    def __init__(self, facts: Facts, execution_id: str, *, prompt: str | None, started_at: datetime | None) -> None:
        self.facts = facts
        self.execution_id = execution_id
        self.prompt = prompt
        self.started_at = started_at
        self.last_at = started_at
        self.records = 1
        self.follow_ups: list[str] = []
        self.interrupted = False
        self.model: str | None = None
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.cache_read_tokens: int | None = None
        self.cache_write_tokens: int | None = None
        self.total_tokens: int | None = None
        self.api_calls: int | None = None
        self.cost_usd: float | None = None
        self.error_type: str | None = None
        self.error_message: str | None = None
        self.tags: tuple[str, ...] = ()
        self.context: Document | None = None
        self.metadata: Document | None = None
        self._signals: list[Signal] = []
        self._open: dict[str, _OpenSpan] = {}
        self._closed: list[Span] = []
        self._artifacts: dict[str, Artifact] = {}
        self._artifact_lines: dict[str, tuple[int, int, int]] = {}
        self._paths: set[str] = set()
        self._commands: set[str] = set()
        self._numbers = 0
        self._ordinals: dict[str, int] = {}

    # -- what happened --------------------------------------------------------------------------------------
    def seen(self, at: datetime | None) -> None:
        """One more record of this execution was read, with its time where it has one."""
        self.records += 1
        if at is not None and (self.last_at is None or at > self.last_at):
            self.last_at = at
            if self.started_at is None:
                self.started_at = at

    def begin(
        self,
        kind: SpanKind,
        name: str,
        *,
        native_id: str | None = None,
        arguments: Document | None = None,
        at: datetime | None = None,
        files: tuple[str, ...] = (),
        command: str | None = None,
        tool: str | None = None,
        model: str | None = None,
        parent_span_id: str | None = None,
    ) -> str:
        """A call began; returns its span id. ``native_id`` is the agent's own id of it (tool_use_id, call_id).

        ``command`` is the shell line of a call that runs one: checks and commits are read from it.
        A second beginning of the same call changes nothing.
        """
        span_id = self.span_id(kind, name, native_id, arguments)
        if span_id in self._open:
            return span_id
        if self._signals and self._signals[-1].kind == "user_rejected":
            # The user refused something and the agent worked on: the refusal is a correction, not the end.
            self.signal(Signal(kind="resumed", verdict="unknown", weight=1.0))
        span = _OpenSpan(self._numbers, kind, plain(name)[:200])
        self._numbers += 1
        span.tool = plain(tool)[:200] if tool else (span.name if kind == "tool" else None)
        span.model = model
        span.arguments = cut_arguments(arguments) if arguments else None
        span.files = tuple(self.relative(path) for path in files[:20])
        span.command = command
        span.parent = parent_span_id
        span.started_at = at
        self._paths.update(span.files)
        if command and len(self._commands) < 200:
            self._commands.add(command[:200])
        self._open[span_id] = span
        return span_id

    def span_id(self, kind: SpanKind, name: str, native_id: str | None, arguments: Document | None) -> str:
        """The id that ``begin`` gives; hooks and importers arrive at the same one."""
        facts = self.facts
        if native_id:
            return source_id(facts.source, facts.session_id, native_id)
        call = canonical_json({"name": name, "arguments": arguments or {}})
        key = blake2b(call.encode("utf-8", "replace"), digest_size=8).hexdigest()
        ordinal = self._ordinals.get(key, 0)
        self._ordinals[key] = ordinal + 1
        return name_id(self.execution_id, occurrence_id(facts.source, facts.session_id, kind, call, ordinal))

    def is_open(self, native_id: str) -> bool:
        """Whether a call with this native id has begun here and not ended."""
        return source_id(self.facts.source, self.facts.session_id, native_id) in self._open

    def end(
        self,
        span_id: str,
        *,
        outcome: SpanOutcome,
        result: str | None = None,
        result_bytes: int | None = None,
        at: datetime | None = None,
        duration_ms: int | None = None,
        exit_code: int | None = None,
        error_type: str | None = None,
        error_message: str | None = None,
        tokens: int | None = None,
        attributes: Document | None = None,
    ) -> None:
        """The call ended. ``result`` is its whole output: it is judged here and kept as an excerpt.

        ``attributes`` gets ``checks``, kind → ``passed`` or ``failed``, where the call ran any. An unknown ``span_id``
        is ignored: its beginning was lost with a damaged record.
        """
        span = self._open.pop(span_id, None)
        if span is None:
            return
        if duration_ms is None and at is not None and span.started_at is not None:
            duration_ms = max(0, round((at - span.started_at).total_seconds() * 1000))
        if span.command is not None:
            judged = judge_command(
                span.command, outcome, exit_code=exit_code, output=result or "", error_type=error_type
            )
            outcome, error_type = judged.outcome, judged.error_type
            for signal in judged.signals:
                self.signal(signal)
            if judged.checks:
                attributes = {**(attributes or {}), "checks": judged.checks}
        if outcome == "failure" and error_message is None:
            error_message = result
        self._closed.append(
            Span(
                span_id=span_id,
                execution_id=self.execution_id,
                parent_span_id=span.parent,
                number=span.number,
                kind=span.kind,
                name=span.name,
                tool=span.tool,
                model=span.model,
                started_at=span.started_at,
                duration_ms=duration_ms,
                outcome=outcome,
                error_type=error_type,
                error_message=ends(error_message, ERROR_LIMIT) if error_message else None,
                files=span.files,
                arguments=span.arguments,
                result_preview=ends(result) if result else None,
                result_bytes=result_bytes
                if result_bytes is not None
                else (len(result.encode("utf-8", "replace")) if result is not None else None),
                tokens=tokens,
                attributes=attributes,
            )
        )

    def add(
        self,
        kind: SpanKind,
        name: str,
        *,
        native_id: str | None = None,
        at: datetime | None = None,
        duration_ms: int | None = None,
        outcome: SpanOutcome = "success",
        text: str | None = None,
        model: str | None = None,
        tokens: int | None = None,
        attributes: Document | None = None,
    ) -> None:
        """A span that is told of in one record (a model's reply, a hook)."""
        span_id = self.begin(kind, name, native_id=native_id, at=at, model=model)
        self.end(span_id, outcome=outcome, result=text, duration_ms=duration_ms, tokens=tokens, attributes=attributes)

    def changed(
        self, path: str, *, added: int = 0, modified: int = 0, deleted: int = 0, content: str | None = None
    ) -> None:
        """The execution wrote ``path``; line counts add up over its edits. ``content``: the whole file, where seen."""
        relative = self.relative(path)
        before = self._artifact_lines.get(relative, (0, 0, 0))
        lines = (before[0] + added, before[1] + modified, before[2] + deleted)
        self._artifact_lines[relative] = lines
        self._paths.add(relative)
        encoded = content.encode("utf-8", "replace") if content is not None else None
        self._artifacts[relative] = Artifact(
            artifact_id=name_id(self.execution_id, "artifact", relative),
            execution_id=self.execution_id,
            file_path=relative,
            artifact_type=artifact_type_of(relative),
            language=language_of(relative),
            content_hash=sha256(encoded).hexdigest() if encoded is not None else None,
            content_preview=cut(content, 500) if content is not None else None,
            lines_added=lines[0],
            lines_modified=lines[1],
            lines_deleted=lines[2],
        )

    def count_tokens(
        self, *, input_: int = 0, output: int = 0, cache_read: int = 0, cache_write: int = 0, calls: int = 1
    ) -> None:
        """Tokens of ``calls`` model calls, each kind once. The importer sees to it that no call counts twice.

        No call takes no tokens: four zeros say that the source does not tell, and leave unknown what was.
        """
        self.api_calls = (self.api_calls or 0) + calls
        if not (input_ or output or cache_read or cache_write):
            return
        self.input_tokens = (self.input_tokens or 0) + input_
        self.output_tokens = (self.output_tokens or 0) + output
        self.cache_read_tokens = (self.cache_read_tokens or 0) + cache_read
        self.cache_write_tokens = (self.cache_write_tokens or 0) + cache_write
        self.total_tokens = (self.total_tokens or 0) + input_ + output + cache_read + cache_write

    def signal(self, signal: Signal) -> None:
        """One more piece of evidence, in the order in which it was seen."""
        if len(self._signals) >= _MAX_SIGNALS:
            del self._signals[_MAX_SIGNALS // 2]
        self._signals.append(signal)

    def interrupt(self, reason: str, *, kind: str = "interruption") -> None:
        """The user (or a quota: ``kind="quota"``) stopped it here. A later follow-up takes this back."""
        self.interrupted = True
        self.signal(Signal(kind=kind, verdict="aborted", weight=1.0, detail=cut(reason, 200)))

    def resume_after_interruption(self) -> None:
        """It went on: the interruption, which stays in the evidence, was none of the whole task."""
        if self.interrupted:
            self.interrupted = False
            self.signal(Signal(kind="resumed", verdict="unknown", weight=1.0))

    def relative(self, path: str) -> str:
        """``path`` relative to the working directory where it lies inside it, cut to 500 characters."""
        cwd = self.facts.cwd
        if cwd and path.startswith(cwd) and path[len(cwd) : len(cwd) + 1] in {"/", "\\"}:
            path = path[len(cwd) + 1 :]
        return plain(path)[:500]

    # -- what comes of it -----------------------------------------------------------------------------------
    def partial(self) -> list[Recording]:
        """Parts that can leave already, so that a very long execution does not pile up."""
        if len(self._closed) < SPANS_PER_PART:
            return []
        spans, self._closed = tuple(self._closed), []
        return [Recording(update=ExecutionUpdate(trace=self._mention(), spans=spans))]

    @property
    def is_bare(self) -> bool:
        """Whether nothing was asked and nothing done here: at most the end of a task that another file holds."""
        return not (self.prompt or self.follow_ups or self._numbers or self.api_calls or self._artifacts)

    @property
    def is_empty(self) -> bool:
        """Whether it is bare and does not even tell how that task ended."""
        return self.is_bare and not self._signals

    def build(self, *, ended: bool, attended: bool = False, resume: Resume | None = None) -> list[Recording]:
        """Everything known. ``ended``: the source goes on behind it, or says that it is over. ``attended``: the user
        was there when it ended and could have corrected it."""
        for span_id in list(self._open):
            self.end(span_id, outcome="cancelled" if self.interrupted else "unknown")
        self._closed.sort(key=lambda span: span.number)
        recordings: list[Recording] = []
        while len(self._closed) > SPANS_PER_PART:
            head, self._closed = self._closed[:SPANS_PER_PART], self._closed[SPANS_PER_PART:]
            recordings.append(Recording(update=ExecutionUpdate(trace=self._mention(), spans=tuple(head))))
        update = ExecutionUpdate(
            trace=self._trace(ended, attended), spans=tuple(self._closed), artifacts=tuple(self._artifacts.values())
        )
        recordings.append(Recording(update=update, resume=resume))
        return recordings

    def _mention(self) -> Trace:
        return Trace(execution_id=self.execution_id, namespace=self.facts.namespace)

    def _trace(self, ended: bool, attended: bool) -> Trace:
        facts = self.facts
        verdict = infer(self._signals, ended=ended, attended=attended)
        duration_ms = None
        if self.started_at is not None and self.last_at is not None:
            duration_ms = max(0, round((self.last_at - self.started_at).total_seconds() * 1000))
        done = verdict.status != "in_progress"
        return Trace(
            execution_id=self.execution_id,
            namespace=facts.namespace,
            revision=self.records,
            correlation_id=facts.session_id,
            root_id=facts.root_id,
            parent_id=facts.parent_id,
            session_id=facts.session_id,
            user_id=facts.user_id,
            agent_name=facts.agent_name,
            agent_chain=facts.agent_chain,
            source=facts.source,
            source_version=facts.source_version,
            model=self.model,
            prompt=cut(self.prompt, PROMPT_LIMIT) if self.prompt is not None else None,
            follow_ups=tuple(self.follow_ups),
            started_at=self.started_at,
            completed_at=self.last_at if done else None,
            duration_ms=duration_ms if done else None,
            status=verdict.status,
            outcome_tier=verdict.tier,
            outcome_confidence=verdict.confidence,
            outcome_evidence=tuple(self._signals),
            quality_score=verdict.quality,
            user_acceptance=verdict.user_acceptance,
            error_type=self.error_type,
            error_message=ends(self.error_message, ERROR_LIMIT) if self.error_message else None,
            api_calls_count=self.api_calls,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cache_read_tokens=self.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens,
            total_tokens_used=self.total_tokens,
            cost_usd=self.cost_usd,
            repo=facts.repo,
            git_branch=facts.git_branch,
            git_commit=facts.git_commit,
            cwd=facts.cwd,
            technology_stack=stack_of(self._paths, self._commands),
            context=self.context,
            tags=self.tags,
            metadata=self.metadata,
        )
