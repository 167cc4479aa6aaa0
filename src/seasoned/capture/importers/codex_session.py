"""Reading one Codex rollout: which execution each record belongs to, and from where reading may resume.

Ids. A prompt's is its ``turn_id``, which hooks carry too; before there were turn ids (0.66 to 0.10x), its text and how
often the session has seen it. A call's is its ``call_id``. The session is the one that hooks name. Words that the user
puts in while a turn runs have that turn's id and steer its task, so they belong to it.

Tokens. ``token_count`` repeats itself whenever a rate limit changes, and newer versions say the same in a
``token_usage_record`` first. A model call counts once: when the running total has changed. Summed over a file, what is
counted equals the last total (measured on 18 sessions, to the token).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import cast

import msgspec

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.conversation import Conversation
from seasoned.capture.importers.codex_calls import Calls, End
from seasoned.capture.importers.codex_ends import told_by_event, told_by_item
from seasoned.capture.importers.codex_records import (
    IGNORED_EVENTS,
    IGNORED_ITEMS,
    IGNORED_LINES,
    Line,
    Payload,
    content_text,
    context_of,
    document_in,
    own_words,
    request_in,
    usage_of,
    version_of,
    word,
)
from seasoned.capture.importers.codex_threads import time_in_id
from seasoned.capture.importers.codex_turns import Turns
from seasoned.capture.loose import document_of, text_of, time_of, whole_of
from seasoned.capture.port import Recording, Report, Resume, Source
from seasoned.model import Document, SpanOutcome
from seasoned.model.ids import source_id

__all__ = ["NAME", "Session"]

NAME = "codex"
_NEWEST: tuple[int, ...] = (0, 169, 0)
_SPAWNED = "You are the newly spawned agent"
"""With these words a fork's copy replaces what the spawning call gave the parent."""
_QUOTA = ("usage_limit", "rate_limit", "quota", "insufficient_quota", "budget")


class Session:
    """The state of reading one file. ``line`` takes its records in order, ``finish`` says that there are no more."""

    def __init__(self, source: Source, report: Report, *, from_hooks: bool = False) -> None:
        """``from_hooks``: the records were made from what hooks were given, where a command's exit code is missing."""
        state = source.resume.state if source.resume is not None else {}
        self._report = report
        self._turns = Turns(state.get("turns"), source.path.stem[-36:])
        facts = Facts(source=NAME, namespace=source.namespace, session_id=source.path.stem)
        self._talk = Conversation(facts, state)
        self._calls = Calls(exit_codes=not from_hooks)
        self._resume = source.resume
        self._model = word(state.get("model"))
        self._context = document_of(state.get("context"))
        total = state.get("total")
        self._total: object = cast("list[object]", total) if isinstance(total, list) else None
        self._settled = False
        self._last_prompt: str | None = None
        self._unclaimed: tuple[str, object, int] | None = None
        """Words to the model in the user's name that no event has confirmed as a prompt, their time and place."""
        self._reply: str | None = None
        self._reply_at: datetime | None = None
        self._stamp: object = None

    # -- lines ----------------------------------------------------------------------------------------------
    def line(self, line: Line, start: int) -> Iterator[Recording]:
        """One record, which begins at byte ``start``."""
        payload, kind = line.payload, word(line.type) or "no type"
        if payload is None:
            self._report.unknown(kind)
        elif kind == "response_item":
            yield from self._item(payload, word(payload.type) or "no type", line.timestamp, start)
        elif kind == "event_msg":
            yield from self._event(payload, word(payload.type) or "no type", line.timestamp, start)
        elif kind == "session_meta":
            self._turns.meta(payload, line.timestamp)
            self._note_version(payload.cli_version)
        elif kind == "turn_context":
            yield from self._turn_begins(payload, line.timestamp, start)
            self._model = word(payload.model) or self._model
            self._context = context_of(payload)
            self._seen(line.timestamp, telling=False)
        elif kind == "token_usage_record":
            self._tokens(document_of(payload.thread_token_usage), document_of(payload.usage))
        elif kind in IGNORED_LINES:
            self._report.ignore(kind)
        else:
            self._report.unknown(kind)

    def finish(self, *, over: int | None = None) -> Iterator[Recording]:
        """The end of the file: what is still open, with the place where it begins.

        ``over``: the session itself is over, and whatever may follow of it begins at this place."""
        self._close()
        if over is not None:
            self._settled = True
            self._resume = Resume(offset=over, state=self._state())
        yield from self._talk.finish(resume=self._resume, ended=self._settled)

    # -- turns ----------------------------------------------------------------------------------------------
    def _turn_begins(self, payload: Payload, stamp: object, start: int) -> Iterator[Recording]:
        if self._turns.begins(payload, stamp) and self._talk.current is not None:
            yield from self._leave_copy(start)

    def _leave_copy(self, start: int) -> Iterator[Recording]:
        """The copied history is over. A sub-agent was spawned by the turn that it ends in."""
        current = self._talk.current
        assert current is not None
        self._close()
        self._turns.spawner = current.execution_id
        self._resume = Resume(offset=start, state=self._state())
        yield from self._talk.finish(resume=self._resume, ended=self._settled)
        self._settled = False

    def _prompt(self, text: str, stamp: object, start: int) -> Iterator[Recording]:
        text = request_in(text)
        if not text.strip():
            return
        self._unclaimed = None
        turn = self._turns.current
        if turn is None:
            yield from self._turn_begins(Payload(), stamp, start)
        talk, at = self._talk, self._time(stamp)
        if talk.current is not None and turn is not None and turn == self._turns.prompted:
            if text != self._last_prompt:
                talk.interject(text, at=at)
                self._last_prompt = text
            return
        before = Resume(offset=start, state=self._state())
        self._close()
        old = talk.current
        talk.facts = self._turns.facts(talk.facts)
        recordings = list(talk.prompt(text, start=start, at=at or time_in_id(turn), native_id=turn))
        self._turns.prompted, self._last_prompt, self._settled = turn, text, False
        if talk.current is old and old is not None:
            talk.facts = old.facts
            if self._turns.copied:
                old.last_at = None
            return
        self._resume = before
        yield from (replace(item, resume=before) if item.resume is not None else item for item in recordings)
        self._begun()

    def _claim(self) -> Iterator[Recording]:
        """The model sets to work, and no event has told what it was asked: then its own input is all there is."""
        said, self._unclaimed = self._unclaimed, None
        if said is not None and (self._turns.unprompted or self._talk.current is None):
            yield from self._prompt(*said)

    def _headless(self, call_id: str | None, stamp: object, start: int) -> ExecutionBuilder:
        """Work whose prompt is not in the file, or not in the clear."""
        self._resume = Resume(offset=start, state=self._state())
        facts = self._talk.facts = self._turns.facts(self._talk.facts)
        turn = self._turns.current
        execution_id = source_id(NAME, facts.session_id, turn or f"headless:{call_id or start}")
        at = time_in_id(turn) if self._turns.copied else time_of(stamp)
        self._talk.current = ExecutionBuilder(facts, execution_id, prompt=None, started_at=at)
        self._turns.prompted, self._settled = turn, False
        return self._begun()

    def _begun(self) -> ExecutionBuilder:
        builder = self._talk.current
        assert builder is not None
        builder.model, builder.context = self._model, dict(self._context) or None
        if self._turns.copied:
            builder.last_at = None
        return builder

    # -- response items -------------------------------------------------------------------------------------
    def _item(self, payload: Payload, kind: str, stamp: object, start: int) -> Iterator[Recording]:
        if kind in {"function_call", "custom_tool_call", "local_shell_call", "tool_search_call"}:
            yield from self._claim()
            yield from self._call(payload, kind, stamp, start)
        elif kind in {"function_call_output", "custom_tool_call_output", "tool_search_output"}:
            builder = self._seen(stamp)
            value: object = (
                payload.output if kind != "tool_search_output" else msgspec.json.encode(payload.tools).decode()
            )
            call_id = word(payload.call_id)
            if call_id is not None and not (self._turns.copied and text_of(value).startswith(_SPAWNED)):
                self._calls.output(call_id, value, self._time(stamp))
            if builder is not None:
                yield from builder.partial()
        elif kind in {"web_search_call", "image_generation_call"}:
            yield from self._at_once(payload, kind.removesuffix("_call"), stamp, start)
        elif kind == "message":
            if payload.role == "assistant":
                yield from self._claim()
                self._reply_begins(content_text(payload.content), stamp)
            else:
                if payload.role == "user":
                    words = own_words(payload.content)
                    self._unclaimed = (words, stamp, start) if words is not None else self._unclaimed
                self._report.ignore(f"message/{word(payload.role) or 'no role'}")
        elif kind == "agent_message":
            yield from self._from_agent(payload, stamp, start)
        elif kind in IGNORED_ITEMS:
            self._seen(stamp, telling=False)
            self._report.ignore(kind)
        else:
            self._report.unknown(f"response_item/{kind}")

    def _call(self, payload: Payload, kind: str, stamp: object, start: int) -> Iterator[Recording]:
        call_id = word(payload.call_id) or word(payload.id)
        self._settled = False
        builder = self._seen(stamp) or self._headless(call_id, stamp, start)
        if kind == "local_shell_call":
            name, arguments = "local_shell", payload.action
        elif kind == "tool_search_call":
            name, arguments = "tool_search", payload.arguments
        else:
            name = word(payload.name) or "no name"
            arguments = payload.arguments if kind == "function_call" else payload.input
        space = word(payload.namespace)
        if space is not None and not name.startswith(space):
            name = f"{space}__{name}" if not space.endswith("__") else space + name
        self._calls.begin(builder, name, arguments, call_id, self._time(stamp))
        yield from builder.partial()

    def _at_once(self, payload: Payload, name: str, stamp: object, start: int) -> Iterator[Recording]:
        """A call that the model's provider ran itself: one record says it all."""
        native = word(payload.id)
        builder = self._seen(stamp) or self._headless(native, stamp, start)
        action = document_of(payload.action)
        span_id = builder.begin("tool", name, native_id=native, arguments=action, at=self._time(stamp))
        outcome: SpanOutcome = "failure" if payload.status == "failed" else "success"
        builder.end(span_id, outcome=outcome, error_type="tool_error" if outcome == "failure" else None)
        yield from builder.partial()

    def _from_agent(self, payload: Payload, stamp: object, start: int) -> Iterator[Recording]:
        """Agents talk to each other (0.145 on). What a sub-agent's parent says first is its prompt."""
        own, text = self._turns.own, content_text(payload.content)
        to_me = own.agent_path is None or payload.recipient == own.agent_path
        if own.sub_agent and self._turns.unprompted and to_me and text:
            yield from self._prompt(text, stamp, start)
        else:
            self._seen(stamp, telling=False)
            self._report.ignore("agent_message")

    def _reply_begins(self, text: str, stamp: object) -> None:
        builder = self._seen(stamp)
        if builder is None:
            return
        self._end_reply(None)
        self._settled = self._settled or not self._turns.told
        self._reply = text
        self._reply_at = self._time(stamp)

    def _end_reply(self, tokens: int | None) -> None:
        """The reply's tokens follow it, or never come."""
        text, self._reply = self._reply, None
        builder = self._talk.current
        if text is None or builder is None:
            return
        span_id = builder.begin("llm", self._model or "model", at=self._reply_at, model=self._model)
        builder.end(span_id, outcome="success", result=text, tokens=tokens)

    # -- events ---------------------------------------------------------------------------------------------
    def _event(self, payload: Payload, kind: str, stamp: object, start: int) -> Iterator[Recording]:
        if kind == "token_count":
            info = payload.info
            self._seen(stamp)
            if isinstance(info, dict):
                told = cast("Document", info)
                self._tokens(document_of(told.get("total_token_usage")), document_of(told.get("last_token_usage")))
        elif kind == "user_message":
            yield from self._prompt(text_of(payload.message), stamp, start)
        elif kind == "task_started":
            yield from self._turn_begins(payload, stamp, start)
            self._seen(stamp, telling=False)
        elif kind in {"task_complete", "turn_complete"}:
            self._seen(stamp, telling=False)
            self._error(document_of(payload.error))
            self._turns.end()
            self._settled = True
        elif kind == "turn_aborted":
            self._seen(stamp)
            if self._talk.current is not None:
                reason = word(payload.reason) or "interrupted"
                quota = any(mark in reason for mark in _QUOTA)
                self._talk.current.interrupt(reason, kind="quota" if quota else "interruption")
            self._turns.end()
            self._settled = True
        elif kind == "error":
            self._seen(stamp)
            self._error({"message": payload.message, "codex_error_info": payload.codex_error_info})
        elif kind == "item_completed":
            yield from self._item_completed(payload.item, stamp, start)
        elif kind in {"exec_command_end", "mcp_tool_call_end", "patch_apply_end"}:
            yield from self._ended(payload.call_id, *told_by_event(payload, kind), stamp)
        elif kind in IGNORED_EVENTS or kind.endswith(("_begin", "_delta")):
            self._seen(stamp, telling=False)
            self._report.ignore(kind)
        else:
            self._report.unknown(f"event_msg/{kind}")

    def _item_completed(self, raw: msgspec.Raw, stamp: object, start: int) -> Iterator[Recording]:
        """The form in which newer histories tell what the events of old told."""
        item = document_in(raw)
        kind = word(item.get("type")) or "no type"
        if kind == "UserMessage":
            yield from self._prompt(text_of(item.get("content")), stamp, start)
        elif (told := told_by_item(item, kind)) is not None:
            yield from self._ended(item.get("id"), *told, stamp)
        else:
            self._seen(stamp, telling=False)
            self._report.ignore(f"item_completed/{kind}")

    def _ended(self, call: object, name: str, arguments: Document, end: End, stamp: object) -> Iterator[Recording]:
        """A call is over that the model asked for, or a program of the model, or the user."""
        builder, call_id, at = self._seen(stamp), word(call), self._time(stamp)
        if builder is None or call_id is None or self._calls.ended(call_id, end):
            return
        if name == "user_shell":
            self._calls.begin(builder, name, arguments, call_id, at)
            self._calls.ended(call_id, end)
            self._calls.output(call_id, end.result, at)
        elif not self._calls.nested(builder, name, arguments, call_id, end, at):
            self._report.ignore("end of a call that was not begun")
        yield from builder.partial()

    def _error(self, error: Document) -> None:
        """Why a turn could not go on, where it says."""
        builder, message = self._talk.current, text_of(error.get("message"))
        if builder is None or not message:
            return
        info = error.get("codex_error_info")
        kind = next(iter(cast("Document", info)), "") if isinstance(info, dict) else info
        builder.error_type = f"api_{kind}"[:60] if isinstance(kind, str) and kind else "api_error"
        builder.error_message = message
        if any(mark in builder.error_type for mark in _QUOTA):
            builder.interrupt(message, kind="quota")

    def _tokens(self, total: Document, last: Document) -> None:
        key = [whole_of(total.get(name)) for name in ("input_tokens", "cached_input_tokens", "output_tokens")]
        if key == self._total or not last:
            return
        self._total = key
        given, read, written, output = usage_of(last)
        self._end_reply(given + read + written + output)
        builder = self._talk.current
        if builder is None:
            return
        builder.count_tokens(input_=given, output=output, cache_read=read, cache_write=written)
        builder.model = self._model or builder.model

    # -- bookkeeping ----------------------------------------------------------------------------------------
    def _time(self, stamp: object) -> datetime | None:
        return None if self._turns.copied else time_of(stamp)

    def _seen(self, stamp: object, *, telling: bool = True) -> ExecutionBuilder | None:
        """Count a record for the execution under way. Of two pieces of one execution the one that rests on more records
        wins: a copy counts only the ``telling`` ones, so that the original outranks it."""
        builder = self._talk.current
        if builder is None:
            return None
        copied = self._turns.copied
        if telling or not copied:
            builder.records += 1
        # What stands between two turns, the opening of the next one included, took none of this one's time.
        if not copied and not self._settled:
            self._stamp = stamp
        return builder

    def _close(self) -> None:
        """Nothing of the execution under way follows, or what follows is not known to be of it."""
        self._end_reply(None)
        self._calls.settle()
        at, self._stamp = time_of(self._stamp), None
        builder = self._talk.current
        if builder is not None and at is not None:
            builder.last_at = max(at, builder.last_at or at)

    def _state(self) -> Document:
        return {
            **self._talk.state(),
            "turns": self._turns.state(),
            "model": self._model,
            "context": dict(self._context),
            "total": self._total,
        }

    def _note_version(self, told: object) -> None:
        version = version_of(told)
        if version is not None and version > (version_of(self._report.newer_version) or _NEWEST):
            self._report.newer_version = str(told)[:40]
