"""What a Gemini CLI chat means: prompts, replies, calls, and what the user took back.

Ids. Gemini's hooks carry neither prompt nor call ids, so both are named by what they are and how often they came
before: a hook arrives at the same names. A message's and a call's own ids only keep apart what was read already.

Tokens. ``input`` includes the cached ones, ``thoughts`` are output that is not shown, ``tool`` is input that tools
added; the four make up ``total`` (checked on real messages). A message is written again when its calls are done: it
counts once.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.conversation import Conversation
from seasoned.capture.loose import document_of, items_of, text_of, time_of, whole_of
from seasoned.capture.patches import line_changes, record_patch
from seasoned.capture.port import Recording, Report, Resume, Source
from seasoned.model import Document, SpanOutcome
from seasoned.model.ids import source_id

__all__ = ["NAME", "Chat", "spoken_in"]

NAME = "gemini"
_AGENT = "gemini-cli"
_SHELL = frozenset({"run_shell_command", "ShellTool"})
_WRITES = frozenset({"write_file", "replace", "edit"})
_DONE = frozenset({"success", "error", "cancelled"})
_UNDER_WAY = frozenset({"validating", "scheduled", "executing", "awaiting_approval"})
_TOKENS = ("input", "output", "cached", "thoughts", "tool")
_KEPT_MESSAGES = 300
"""Ids of earlier messages that are remembered: all messages may be told again after a compression."""
_NOT_SPOKEN = ("<session_context>", "<state_snapshot>", "System: Please continue.", "<hook_context>")
_REFERENCED = "\n--- Content from referenced files ---"
_WORKSPACE = re.compile(
    r"(?:Workspace Directories:\*\*\s*\n\s*-|current(?:ly)? working (?:in the )?directory:?)\s+(\S[^\n]*)"
)
_EXIT = re.compile(r"^Exit Code: (-?\d{1,11})$", re.MULTILINE)
_FRAME = re.compile(r"\n(?:Error: |Exit Code: |Signal: |Background PIDs: |Process Group PGID: |</untrusted_context>)")
_CANCELLED = re.compile(r"request cancelled|user cancelled|operation cancelled", re.IGNORECASE)
_QUOTA = re.compile(r"quota|RESOURCE_EXHAUSTED|rate limit|\b429\b", re.IGNORECASE)


class Chat:
    """The state of reading one chat."""

    def __init__(self, source: Source, report: Report) -> None:
        state = source.resume.state if source.resume is not None else {}
        self._report = report
        # A sub-agent's chat lies in a folder that is named by the session it was spawned in.
        self._folder = source.path.parent.name
        self._facts = Facts(source=NAME, namespace=source.namespace, session_id=source.path.stem)
        self._talk = Conversation(self._facts, state)
        self._resume = source.resume
        self._header: Document = {}
        self.header(document_of(state.get("header")))
        self._messages: dict[str, None] = {}
        self._calls: set[str] = set()
        earlier = (item for item in items_of(state.get("earlier")) if isinstance(item, str))
        self._earlier: dict[str, None] = dict.fromkeys(earlier)
        self._settled = False

    # -- the header -----------------------------------------------------------------------------------------
    def header(self, fields: Document) -> None:
        """Fields of the session as a whole: those given replace those known."""
        for name in ("sessionId", "kind"):
            value = fields.get(name)
            if isinstance(value, str) and value:
                self._header[name] = value[:200]
        directories = items_of(fields.get("directories"))
        if directories and isinstance(directories[0], str):
            self._header["cwd"] = directories[0][:1_000]
        cwd = fields.get("cwd")
        if isinstance(cwd, str) and cwd:
            self._header["cwd"] = cwd[:1_000]
        session, root = self._header.get("sessionId"), self._header.get("cwd")
        sub_agent = self._header.get("kind") == "subagent"
        name = "sub-agent" if sub_agent else _AGENT
        self._facts = replace(
            self._facts,
            session_id=str(session) if session else self._facts.session_id,
            cwd=str(root) if root else None,
            agent_name=name,
            agent_chain=(_AGENT, name) if sub_agent else (name,),
            parent_id=source_id(NAME, self._folder, "session") if sub_agent and self._folder != "chats" else None,
        )

    # -- messages -------------------------------------------------------------------------------------------
    def message(self, message: Document, start: int) -> Iterator[Recording]:
        """One message, perhaps again with more in it; its record begins at byte ``start``."""
        kind, at = str(message.get("type")), time_of(message.get("timestamp"))
        native = _word(message.get("id"))
        if native is not None and native in self._earlier:
            self._report.ignore("message of an earlier task, told again")
        elif kind == "user":
            yield from self._user(message, native, start, at)
        elif kind in {"gemini", "model"}:
            yield from self._reply(message, native, start, at)
        elif kind in {"info", "error", "warning"}:
            self._notice(kind, text_of(message.get("content")), at)
        else:
            self._report.unknown(f"message/{kind}")

    def rewind(self) -> None:
        """The user took the conversation back to before a message: the task at hand was given up."""
        builder = self._talk.current
        if builder is None:
            self._report.ignore("$rewindTo")
            return
        builder.seen(None)
        builder.interrupt("rewound by the user")
        self._settled = True

    def stopped(self, at: datetime | None) -> None:
        """The client says that the turn is over. Chats do not say it; hooks do."""
        builder = self._talk.current
        if builder is not None and at is not None:
            builder.last_at = max(at, builder.last_at or at)
        self._settled = True

    def finish(self, whole: Resume | None, *, over: int | None = None) -> Iterator[Recording]:
        """The end of the chat. ``whole``: it is a document, read at once. ``over``: the session itself is over, and
        whatever may follow of it begins at this place."""
        if over is not None:
            self._settled, whole = True, self._resume_at(over)
        yield from self._talk.finish(resume=whole or self._resume, ended=self._settled)

    def _user(self, message: Document, native: str | None, start: int, at: datetime | None) -> Iterator[Recording]:
        text = spoken_in(message)
        if text is None:
            if found := _WORKSPACE.search(text_of(message.get("content"))[:20_000]):
                self.header({"cwd": found[1].strip()})
            self._report.ignore("message/user without words")
            return
        if native is not None and native in self._messages:
            return
        talk, old = self._talk, self._talk.current
        talk.facts = self._facts
        before = self._resume_at(start)
        recordings = list(talk.prompt(text, start=start, at=at))
        self._settled = False
        if talk.current is old and old is not None:
            talk.facts = old.facts
            self._note(native)
            return
        yield from (replace(item, resume=before) if item.resume is not None else item for item in recordings)
        self._begin(before)
        self._note(native)

    def _resume_at(self, start: int) -> Resume:
        """Where the execution that begins now can be read from, knowing what was read of those before."""
        state = {**self._talk.state(), "header": dict(self._header), "earlier": self._later()}
        return Resume(offset=start, state=state)

    def _later(self) -> list[str]:
        return [*self._earlier, *self._messages][-_KEPT_MESSAGES:]

    def _begin(self, before: Resume) -> None:
        self._resume = before
        self._earlier = dict.fromkeys(self._later())
        self._messages.clear()
        self._calls.clear()

    def _headless(self, native: str | None, start: int, at: datetime | None) -> ExecutionBuilder:
        execution_id = source_id(NAME, self._facts.session_id, f"headless:{native or start}")
        self._begin(self._resume_at(start))
        self._talk.current = ExecutionBuilder(self._facts, execution_id, prompt=None, started_at=at)
        return self._talk.current

    def _reply(self, message: Document, native: str | None, start: int, at: datetime | None) -> Iterator[Recording]:
        builder = self._talk.current or self._headless(native, start, at)
        model = _word(message.get("model"))
        builder.model = model or builder.model
        spoke = model is not None or "content" in message or "tokens" in message
        if spoke:
            builder.seen(at)
        if spoke and (native is None or native not in self._messages):
            self._note(native)
            told = document_of(message.get("tokens"))
            if told and not any(name in told for name in _TOKENS):
                self._report.unknown("tokens")
            tokens = _count(builder, told)
            builder.add(
                "llm",
                model or "model",
                native_id=native,
                at=at,
                text=text_of(message.get("content") or message.get("parts")) or None,
                model=model,
                tokens=tokens,
            )
        calls = [document_of(call) for call in items_of(message.get("toolCalls"))]
        for call in calls:
            self._call(builder, call, at)
            yield from builder.partial()
        self._settled = not calls

    def _call(self, builder: ExecutionBuilder, call: Document, asked_at: datetime | None) -> None:
        native, status = _word(call.get("id")), str(call.get("status"))
        if native is not None and native in self._calls:
            return
        if status not in _DONE:
            if status in _UNDER_WAY or not call.get("result"):
                return
            self._report.unknown(f"call/{status}")
        if native is not None:
            self._calls.add(native)
        name = _word(call.get("name")) or "no name"
        arguments = document_of(call.get("args"))
        command = arguments.get("command") if name in _SHELL else None
        path = arguments.get("file_path", arguments.get("absolute_path", arguments.get("path")))
        span_id = builder.begin(
            "tool",
            name,
            arguments=arguments,
            at=asked_at,
            files=(path,) if isinstance(path, str) and path else (),
            command=command if isinstance(command, str) and command else None,
        )
        result, failed = _result_of(call)
        outcome, error_type, exit_code = _outcome(status, result, failed, shell=name in _SHELL)
        if outcome == "success" and name in _WRITES and isinstance(path, str):
            _record(builder, path, arguments, call.get("resultDisplay"), result)
        at = time_of(call.get("timestamp"))
        body = _body(result) if name in _SHELL else result
        builder.end(span_id, outcome=outcome, result=body, at=at, exit_code=exit_code, error_type=error_type)
        builder.seen(at)

    def _notice(self, kind: str, text: str, at: datetime | None) -> None:
        builder = self._talk.current
        if builder is None or (kind != "error" and not _CANCELLED.search(text[:200])):
            self._report.ignore(f"message/{kind}")
            return
        builder.seen(at)
        self._settled = True
        if _CANCELLED.search(text[:200]):
            builder.interrupt(text[:200])
            return
        builder.error_type, builder.error_message = "api_error", text
        if _QUOTA.search(text[:2_000]):
            builder.interrupt(text[:200], kind="quota")

    def _note(self, native: str | None) -> None:
        if native is not None:
            self._messages[native] = None


def spoken_in(message: Document) -> str | None:
    """What the user said; None for results, context and other text that Gemini CLI wrote in the user's name."""
    content = message.get("displayContent") or message.get("content") or message.get("parts")
    if any("functionResponse" in document_of(part) for part in items_of(content)):
        return None
    text = text_of(content).split(_REFERENCED, 1)[0]
    return None if not text.strip() or text.lstrip().startswith(_NOT_SPOKEN) else text


def _result_of(call: Document) -> tuple[str, bool]:
    """(text, whether it stands under ``error``) of a call's function responses."""
    texts: list[str] = []
    failed = False
    for part in items_of(call.get("result")):
        response = document_of(document_of(document_of(part).get("functionResponse")).get("response"))
        error = text_of(response.get("error"))
        failed = failed or bool(error)
        texts.append(error or text_of(response.get("output")))
    display = call.get("resultDisplay")
    return "\n".join(filter(None, texts)) or (display if isinstance(display, str) else ""), failed


def _outcome(status: str, result: str, failed: bool, *, shell: bool) -> tuple[SpanOutcome, str | None, int | None]:
    if status == "cancelled":
        refused = "did not allow" in result or "rejected" in result[:300].lower()
        return ("rejected", "permission_denied", None) if refused else ("cancelled", "interrupted", None)
    if status == "error" or failed:
        return "failure", "tool_error", None
    if status not in _DONE:
        return "unknown", None, None
    if not shell:
        return "success", None, None
    codes = _EXIT.findall(result)
    code = int(codes[-1]) if codes else 0
    if "Command was automatically cancelled because it exceeded the timeout" in result:
        return "failure", "timeout", None
    return ("failure", "exit_code", code) if code else ("success", None, code)


def _body(result: str) -> str:
    """What a command printed, without the frame (``Command: … Output: … Error: … Exit Code: …``) around it."""
    start = 0 if result.startswith("Output: ") else result.find("\nOutput: ") + 1
    if not result.startswith("Output: ", start):
        return result
    frames = [found.start() for found in _FRAME.finditer(result, start)]
    return result[start + len("Output: ") : frames[0] if frames else len(result)]


def _record(builder: ExecutionBuilder, path: str, arguments: Document, display: object, result: str) -> None:
    shown = document_of(display) if not isinstance(display, str) else {}
    before, after, diff = shown.get("originalContent"), shown.get("newContent"), shown.get("fileDiff")
    content = arguments.get("content")
    if isinstance(after, str) and (isinstance(before, str) or before is None):
        lines = line_changes(before or "", after)
        builder.changed(path, added=lines[0], modified=lines[1], deleted=lines[2], content=after)
    elif isinstance(content, str):
        added = len(content.splitlines()) if "new file" in result else 0
        builder.changed(path, added=added, content=content)
    elif isinstance(diff, str) and diff:
        record_patch(builder, diff)
    else:
        old, new = arguments.get("old_string"), arguments.get("new_string")
        lines = line_changes(old, new) if isinstance(old, str) and isinstance(new, str) else (0, 0, 0)
        builder.changed(path, added=lines[0], modified=lines[1], deleted=lines[2])


def _count(builder: ExecutionBuilder, told: Document) -> int | None:
    if not told:
        return None
    given, output, cached, thoughts, tool = (whole_of(told.get(name)) or 0 for name in _TOKENS)
    if not given and not output:
        return None  # a message that only tells of calls; no model was asked for it
    cached = min(cached, given)
    builder.count_tokens(input_=given - cached + tool, output=output + thoughts, cache_read=cached)
    return given + tool + output + thoughts


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
