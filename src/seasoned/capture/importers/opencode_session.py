"""One opencode session: messages and parts as executions.

Ids are opencode's own: a prompt is named by its message, a call by its part (``callID`` is the model provider's and may
repeat). A session with a parent is a sub-agent's; the parent's ``task`` call names it, so that the child knows which
execution it was spawned by.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.conversation import Conversation
from seasoned.capture.importers.opencode_store import Message, Part, Store
from seasoned.capture.loose import document_of, items_of, number_of, text_of, time_of, whole_of
from seasoned.capture.outcome import signal
from seasoned.capture.patches import file_changes, line_changes, record_patch
from seasoned.capture.port import Recording, Report
from seasoned.model import Document, SpanOutcome
from seasoned.model.ids import source_id

__all__ = ["NAME", "Parent", "read_session"]

NAME = "opencode"
_IGNORED_PARTS = frozenset(
    {"reasoning", "step-start", "step-finish", "snapshot", "patch", "file", "agent", "compaction", "retry"}
)
_REFUSED = ("rejected permission", "user rejected", "user dismissed", "prevents you from using this specific tool call")
_WRITES = frozenset({"write", "edit", "multiedit", "patch", "apply_patch"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The execution that spawned a session."""

    execution_id: str
    root_id: str
    agent_chain: tuple[str, ...]


def read_session(
    store: Store, session: Document, namespace: str, report: Report, parents: dict[str, Parent]
) -> Iterator[Recording]:
    """The executions of one session. Notes in ``parents`` which sessions they spawned, by their ids."""
    reader = _Reader(session, namespace, report, parents)
    for message_id, message, parts in store.messages(reader.session_id):
        yield from reader.message(message_id, message, parts)
    yield from reader.finish()


class _Reader:
    def __init__(self, session: Document, namespace: str, report: Report, parents: dict[str, Parent]) -> None:
        self.session_id = _word(session.get("id")) or "unknown"
        self._parents = parents
        self._report = report
        parent_session = _word(session.get("parentID"))
        parent = parents.get(self.session_id)
        self._agent = (_word(session.get("agent")) or "sub-agent") if parent_session else NAME
        self._parent_session, self._parent = parent_session, parent
        self._facts = Facts(
            source=NAME,
            namespace=namespace,
            session_id=self.session_id,
            source_version=_word(session.get("version")),
            cwd=_word(session.get("directory")),
        )
        self._reverted = _word(document_of(session.get("revert")).get("messageID"))
        self._talk = Conversation(self._facts)
        self._settled = False
        self._name_agent(self._agent)

    def _name_agent(self, name: str) -> None:
        self._agent = name
        self._facts.agent_name = name
        above = self._parent.agent_chain if self._parent else (NAME,)
        self._facts.agent_chain = (*above, name) if self._parent_session else (name,)
        if self._parent is not None:
            self._facts.parent_id, self._facts.root_id = self._parent.execution_id, self._parent.root_id
        elif self._parent_session is not None:
            self._facts.parent_id = source_id(NAME, self._parent_session, "session")

    def message(self, message_id: str, message: Message, parts: list[Part]) -> Iterator[Recording]:
        """One message with its parts."""
        if message.role == "user":
            yield from self._user(message_id, message, parts)
        elif message.role == "assistant":
            yield from self._assistant(message_id, message, parts)
        else:
            self._report.unknown(f"message/{message.role}")

    def finish(self) -> Iterator[Recording]:
        """The session is read to its end."""
        yield from self._talk.finish(resume=None, ended=self._settled)

    def _user(self, message_id: str, message: Message, parts: list[Part]) -> Iterator[Recording]:
        said = [part.text for part in parts if part.type == "text" and not part.synthetic and not part.ignored]
        text = "\n".join(item for item in said if isinstance(item, str) and item.strip())
        if not text:
            text = "\n".join(part.prompt for part in parts if part.type == "subtask" and isinstance(part.prompt, str))
        if not text.strip():
            self._report.ignore("message without words of the user")
            return
        if self._parent_session is not None and self._agent == "sub-agent":
            self._name_agent(_word(message.agent) or self._agent)
        old = self._talk.current
        # Nothing can be resumed inside a database; the importer says at its end that it was read.
        for recording in self._talk.prompt(text, start=0, at=_created(message), native_id=message_id):
            yield Recording(update=recording.update)
        self._settled = False
        builder = self._talk.current
        if builder is not None and builder is not old:
            agent = _word(message.agent)
            builder.context = {"agent": agent} if agent else None
        if builder is not None and self._reverted is not None and message_id >= self._reverted:
            builder.signal(signal("revert", "failure", "the user took the session back to before this message"))

    def _assistant(self, message_id: str, message: Message, parts: list[Part]) -> Iterator[Recording]:
        at, times = _created(message), document_of(message.time)
        builder = self._talk.current
        if builder is None:
            execution_id = source_id(NAME, self.session_id, f"headless:{message_id}")
            builder = self._talk.current = ExecutionBuilder(self._facts, execution_id, prompt=None, started_at=at)
        builder.seen(at)
        model = _word(message.model_id) or _word(document_of(message.model).get("modelID"))
        builder.model = model or builder.model
        span_id = builder.begin("llm", model or "model", native_id=message_id, at=at, model=model)
        words: list[str] = []
        for part in parts:
            kind = str(part.type)
            if kind == "text" and isinstance(part.text, str):
                words.append(part.text)
            elif kind == "tool":
                self._call(builder, part)
                yield from builder.partial()
            elif kind in _IGNORED_PARTS:
                self._report.ignore(f"part/{kind}")
            elif kind != "text":
                self._report.unknown(f"part/{kind}")
        error = document_of(message.error)
        tokens = _count(builder, message)
        completed = time_of(times.get("completed"))
        builder.end(
            span_id,
            outcome="failure" if error else "success",
            result="\n".join(words) or None,
            at=completed,
            error_type=_word(error.get("name")),
            error_message=text_of(document_of(error.get("data")).get("message")) or None,
            tokens=tokens,
        )
        builder.seen(completed)
        if error:
            _failed(builder, error)
        self._settled = bool(error) or (
            completed is not None and str(message.finish) not in {"tool-calls", "tool_calls"}
        )

    def _call(self, builder: ExecutionBuilder, part: Part) -> None:
        state, name = document_of(part.state), _word(part.tool) or "no name"
        arguments, times = document_of(state.get("input")), document_of(state.get("time"))
        details = document_of(state.get("metadata"))
        path = arguments.get("filePath", arguments.get("path"))
        command = arguments.get("command") if name in {"bash", "shell"} else None
        start, end = time_of(times.get("start")), time_of(times.get("end"))
        span_id = builder.begin(
            "tool",
            name,
            native_id=_word(part.id),
            arguments=arguments,
            at=start,
            files=(path,) if isinstance(path, str) and path else (),
            command=command if isinstance(command, str) and command else None,
        )
        spawned = _word(details.get("sessionId"))
        if spawned is not None and spawned != self.session_id:
            root = self._facts.root_id or self._facts.parent_id or builder.execution_id
            chain = self._facts.agent_chain
            self._parents[spawned] = Parent(execution_id=builder.execution_id, root_id=root, agent_chain=chain)
        status = str(state.get("status"))
        if status not in {"completed", "success", "error"}:
            return  # pending or running: left open, the execution's end decides
        result = text_of(state.get("output")) if status != "error" else text_of(state.get("error"))
        outcome, error_type, exit_code = _outcome(status, details, result)
        if outcome == "success" and name in _WRITES:
            _record(builder, arguments, details)
        builder.end(span_id, outcome=outcome, result=result, at=end, exit_code=exit_code, error_type=error_type)
        builder.seen(end)


def _outcome(status: str, details: Document, result: str) -> tuple[SpanOutcome, str | None, int | None]:
    if status == "error":
        lowered = result[:300].lower()
        if any(words in lowered for words in _REFUSED):
            return "rejected", "permission_denied", None
        if "aborted" in lowered and "tool execution" in lowered:
            return "cancelled", "interrupted", None
        return "failure", "tool_error", None
    code = details.get("exit")
    if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**32:
        return ("failure", "exit_code", code) if code else ("success", None, 0)
    if "terminated command after exceeding timeout" in result[-600:]:
        return "failure", "timeout", None
    if "User aborted the command" in result[-600:]:
        return "cancelled", "interrupted", None
    return "success", None, None


def _record(builder: ExecutionBuilder, arguments: Document, details: Document) -> None:
    """The files that a call wrote, by the first of its reports that tells."""
    told = [document_of(details.get("filediff"))]
    told += [document_of(document_of(item).get("filediff")) for item in items_of(details.get("results"))]
    told += [document_of(item) for item in items_of(details.get("files")) if not isinstance(item, str)]
    told = [item for item in told if item]
    for item in told:
        path = _word(item.get("movePath")) or _word(item.get("file")) or _word(item.get("filePath"))
        before, after, patch = item.get("before"), item.get("after"), item.get("patch", item.get("diff"))
        if path is None:
            continue
        if isinstance(patch, str) and (change := next(file_changes(patch), None)) is not None:
            lines = change.added, change.modified, change.deleted
        elif isinstance(before, str) and isinstance(after, str):
            lines = line_changes(before, after)
        else:
            lines = whole_of(item.get("additions")) or 0, 0, whole_of(item.get("deletions")) or 0
        content = after if isinstance(after, str) and not before else None
        builder.changed(path, added=lines[0], modified=lines[1], deleted=lines[2], content=content)
    if told:
        return
    path, content, diff = arguments.get("filePath"), arguments.get("content"), details.get("diff")
    if isinstance(diff, str) and diff:
        record_patch(builder, diff)
    elif isinstance(path, str) and isinstance(content, str):
        added = len(content.splitlines()) if details.get("exists") is not True else 0
        builder.changed(path, added=added, content=content)


def _count(builder: ExecutionBuilder, message: Message) -> int | None:
    """Count a message's tokens; gives their sum. ``input`` leaves the cached ones out."""
    told = document_of(message.tokens)
    cache = document_of(told.get("cache"))
    given, output, reasoning = (whole_of(told.get(name)) or 0 for name in ("input", "output", "reasoning"))
    read, written = whole_of(cache.get("read")) or 0, whole_of(cache.get("write")) or 0
    if given + output + read + written != whole_of(told.get("total")):
        output += reasoning
    cost = number_of(message.cost)
    if cost:
        builder.cost_usd = (builder.cost_usd or 0.0) + cost
    if not told:
        return None
    builder.count_tokens(input_=given, output=output, cache_read=read, cache_write=written)
    return given + output + read + written


def _failed(builder: ExecutionBuilder, error: Document) -> None:
    name, data = _word(error.get("name")) or "error", document_of(error.get("data"))
    message = text_of(data.get("message"))
    if name == "MessageAbortedError":
        builder.interrupt(message or name)
        return
    builder.error_type, builder.error_message = name[:60], message or name
    lowered = message.lower()
    if whole_of(data.get("statusCode")) == 429 or "quota" in lowered or "rate limit" in lowered:
        builder.interrupt(message, kind="quota")


def _created(message: Message) -> datetime | None:
    return time_of(document_of(message.time).get("created"))


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
