"""Reading one Claude Code file: which execution each line belongs to, and from where reading may resume.

Ids. A prompt's is its ``promptId`` from version 2.1.196 on, because from there hooks carry the same id; before, its
text and how often the session has seen it, which a hook knows as well. A call's is its ``tool_use_id``. The session of
an execution is the one that its prompt names: 2.1.12 mixes the lines of two sessions in one file after ``/clear``, and
forks copy old lines under ``forkedFrom``, which then counts.

Replays. A line whose uuid was read before is dropped. A prompt that was read before drops everything up to the first
line that is newer than all lines read until then. What that takes is remembered over ``Resume``: ids of prompts, the
newest time, and the tokens of the last few messages, whose lines may stand on both sides of a prompt.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import cast

import msgspec

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.conversation import Conversation
from seasoned.capture.importers.claude_agents import Agents
from seasoned.capture.importers.claude_chain import HOOK_OUTCOMES, Chain, Counted, context_of, record_hook
from seasoned.capture.importers.claude_kinds import EMPTY_ATTACHMENTS, EMPTY_LINES, EMPTY_SYSTEM, KNOWN_BLOCKS
from seasoned.capture.importers.claude_records import (
    Block,
    Line,
    Message,
    message_of,
    payload_of,
    report_of,
    version_of,
    word,
)
from seasoned.capture.importers.claude_words import INTERRUPTED, rejection_words, spoken
from seasoned.capture.loose import document_of, items_of, time_of
from seasoned.capture.outcome import signal
from seasoned.capture.port import Recording, Report, Resume, Source
from seasoned.model import Document
from seasoned.model.ids import source_id

__all__ = ["NAME", "Session"]

NAME = "claude_code"
_AGENT = "claude-code"
_NEWEST: tuple[int, ...] = (2, 1, 220)
_OLDEST: tuple[int, ...] = (0,)
_HOOKS_KNOW_PROMPTS: tuple[int, ...] = (2, 1, 196)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_CHAINED = frozenset({"user", "assistant", "attachment", "system"})
_BESIDE = frozenset({"attachment", "system"})
_KEPT_MESSAGES = 8
_KEPT_PROMPTS = 500
_KEPT_LINKS = 50
_KEPT_LINES = 100_000


class Session:
    """The state of reading one file. ``line`` takes its records in order, ``finish`` says that there are no more."""

    def __init__(self, source: Source, report: Report) -> None:
        state = source.resume.state if source.resume is not None else {}
        self._report = report
        self._folder_session, run = _place(source.path)
        self._talk = Conversation(
            Facts(source=NAME, namespace=source.namespace, session_id=source.path.stem, repo=word(state.get("repo"))),
            state,
        )
        self._agent = word(state.get("agent")) or _AGENT
        self._root = word(state.get("root"))
        self._links = _strings(state.get("links"))
        self._seen_prompts = _strings(state.get("seen"))
        self._newest = word(state.get("newest")) or ""
        self._counted: Counted = _counted(state.get("messages"))
        self._main: Chain | None = None
        self._resume = source.resume
        self._prompt_id: str | None = None
        self._agents = Agents(self._counted, report, run)
        self._version: object = None
        self._lines: set[str] = set()
        self._opened = ""
        self._replaying: str | None = None
        self._begun = self._state()
        """What was known before the first line: a file of side chains alone is read again from where they begin."""

    # -- lines ----------------------------------------------------------------------------------------------
    def line(self, line: Line, start: int) -> Iterator[Recording]:
        """One record, which begins at byte ``start``."""
        kind = word(line.type)
        if kind in _CHAINED:
            if self._is_replay(line, kind) or (kind in _BESIDE and self._is_stale(line)):
                self._report.ignore("replay")
                return
            if kind == "attachment":
                yield from self._attachment(line)
            elif kind == "system":
                self._system(line)
            else:
                yield from self._spoken(line, kind, start)
            if isinstance(line.timestamp, str) and line.timestamp > self._newest:
                self._newest = line.timestamp
        elif kind == "pr-link":
            self._pull_request(line)
        elif kind == "agent-setting":
            self._agent = word(line.agent_setting) or self._agent
        elif kind in EMPTY_LINES:
            self._report.ignore(kind)
        else:
            self._report.unknown(kind or "no type")

    def stopped(self, at: datetime | None, agent_id: str | None = None) -> None:
        """The client says that the turn is over, the main one's or that of a sub-agent: calls without a result get none.

        Transcripts do not say it; hooks do."""
        chain = self._main if agent_id is None else self._agents.known(agent_id)
        if chain is not None:
            chain.stop(at)

    def finish(self, *, over: int | None = None) -> Iterator[Recording]:
        """The end of the file: what is still open, with the place where it begins.

        ``over``: the session itself is over, and whatever may follow of it begins at this place."""
        main = self._main
        if main is None:
            start = self._agents.first_start()
            sides = self._agents.end()
            resume = Resume(offset=start, state=self._begun) if start is not None else None
            yield from sides[:-1]
            yield from (replace(last, resume=resume) for last in sides[-1:])
            return
        yield from self._agents.end()
        main.close_replies()
        if over is not None:
            main.stop(None)
            self._resume = Resume(offset=over, state=self._state())
        yield from self._talk.finish(resume=self._resume, ended=main.ended)

    def _is_replay(self, line: Line, kind: str) -> bool:
        uuid = line.uuid if isinstance(line.uuid, str) and _UUID.match(line.uuid) else None
        if self._replaying is not None and isinstance(line.timestamp, str) and line.timestamp > self._replaying:
            self._replaying = None
        if uuid is None:
            return self._replaying is not None
        if uuid in self._lines:
            return True
        at = line.timestamp if isinstance(line.timestamp, str) else None
        if kind == "user" and uuid[-12:] in self._seen_prompts and at is not None and at <= self._newest:
            self._replaying = self._newest
        if self._replaying is not None:
            return True
        if len(self._lines) >= _KEPT_LINES:
            self._lines.clear()
        self._lines.add(uuid)
        return False

    def _is_stale(self, line: Line) -> bool:
        """Whether a line that is no part of the talk is older than the task that is open."""
        return isinstance(line.timestamp, str) and line.timestamp < self._opened

    def _spoken(self, line: Line, kind: str, start: int) -> Iterator[Recording]:
        self._note_version(line)
        message = message_of(line.message)
        at = time_of(line.timestamp)
        blocks = message.blocks()
        self._note_unknown(message, blocks, kind)
        results = [block for block in blocks if block.type == "tool_result"] if kind == "user" else []
        if line.is_sidechain is True:
            words = _text(blocks) if kind == "user" and not results else None
            chain = self._agents.chain_of(line, words, start=start, main=self._main, facts=self._facts)
            if chain is None:
                return
        elif kind == "user" and not results:
            yield from self._user(line, blocks, start, at)
            return
        else:
            chain = self._main or self._headless(line, start, at)
        chain.builder.seen(at)
        if kind == "assistant":
            delegations = chain.reply(line, message, at)
        else:
            report = report_of(line.tool_use_result)
            delegations = [done for block in results for done in chain.result(block, report, at)]
            self._remarks(chain, results, blocks, at)
        for delegation in delegations:
            yield from self._agents.delegated(chain.builder, delegation)
        yield from chain.builder.partial()

    # -- the main chain -------------------------------------------------------------------------------------
    def _user(self, line: Line, blocks: list[Block], start: int, at: datetime | None) -> Iterator[Recording]:
        words = spoken(line, blocks)
        if words.kind == "prompt":
            yield from self._prompt(line, words.text, start, at)
        elif words.kind == "ignored":
            self._report.ignore(words.text)
        elif self._main is not None:
            self._main.builder.seen(at)
            self._main.builder.interrupt(words.text)
            self._main.settled = True

    def _prompt(self, line: Line, text: str, start: int, at: datetime | None) -> Iterator[Recording]:
        old, talk = self._main, self._talk
        native = _prompt_id(line)
        if old is not None and native is not None and native == self._prompt_id:
            old.builder.seen(at)
            return
        if old is not None:
            old.close_replies()
        kept = dict(list(self._counted.items())[-_KEPT_MESSAGES:])
        self._counted.clear()
        self._counted.update(kept)
        before = Resume(offset=start, state=self._state())
        talk.facts = self._facts(line)
        recordings = list(talk.prompt(text, start=start, at=at, native_id=native))
        if isinstance(line.uuid, str) and _UUID.match(line.uuid):
            self._seen_prompts = [*self._seen_prompts[1 - _KEPT_PROMPTS :], line.uuid[-12:]]
        if old is not None and talk.current is old.builder:
            talk.facts = old.builder.facts
            old.settled = False
            yield from recordings
            return
        yield from self._agents.end()
        yield from (replace(item, resume=before) if item.resume is not None else item for item in recordings)
        self._resume = before
        self._prompt_id = native
        self._begin(line, start)

    def _headless(self, line: Line, start: int, at: datetime | None) -> Chain:
        """Work whose prompt is not in the file: it begins in the middle of a session."""
        facts = self._talk.facts = self._facts(line)
        self._resume = Resume(offset=start, state=self._state())
        self._prompt_id = _prompt_id(line)
        native = self._prompt_id or f"headless:{word(line.uuid) or start}"
        execution_id = source_id(NAME, facts.session_id, native)
        self._talk.current = ExecutionBuilder(facts, execution_id, prompt=None, started_at=at)
        return self._begin(line, start)

    def _begin(self, line: Line, start: int) -> Chain:
        builder = self._talk.current
        assert builder is not None
        builder.context = context_of(line)
        self._lines = {line.uuid} if isinstance(line.uuid, str) else set()
        self._opened = word(line.timestamp) or ""
        self._main = Chain(builder, self._counted, start)
        return self._main

    def _remarks(self, chain: Chain, results: list[Block], blocks: list[Block], at: datetime | None) -> None:
        """What the user said while refusing a call, and interruptions that share the record with results."""
        for block in results:
            text = block.content if isinstance(block.content, str) else ""
            if block.is_error is True and (said := rejection_words(text)) is not None and chain is self._main:
                self._talk.interject(said, at=at, kind="correction")
        for block in blocks:
            if block.type == "text" and isinstance(block.text, str) and block.text.startswith(INTERRUPTED):
                chain.builder.interrupt(block.text[:80])
                chain.settled = True

    # -- other lines ----------------------------------------------------------------------------------------
    def _attachment(self, line: Line) -> Iterator[Recording]:
        payload = payload_of(line.attachment)
        kind = word(payload.get("type")) or "no type"
        chain = self._agents.known(word(line.agent_id)) if line.is_sidechain is True else self._main
        if kind == "queued_command":
            yield from self._queued(payload, time_of(line.timestamp))
        elif kind in HOOK_OUTCOMES and chain is not None:
            record_hook(chain.builder, payload, outcome=HOOK_OUTCOMES[kind], native_id=word(line.uuid))
            yield from chain.builder.partial()
        elif kind in EMPTY_ATTACHMENTS or kind in HOOK_OUTCOMES:
            self._report.ignore(f"attachment/{kind}")
        else:
            self._report.unknown(f"attachment/{kind}")

    def _queued(self, payload: Document, at: datetime | None) -> Iterator[Recording]:
        """Words that the user put in while the agent was at work; they steer the task at hand."""
        message = message_of(msgspec.Raw(msgspec.json.encode({"content": payload.get("prompt")})))
        words = spoken(Line(origin=payload.get("origin"), is_meta=payload.get("isMeta")), message.blocks())
        if words.kind == "prompt" and payload.get("commandMode", "prompt") == "prompt" and self._main is not None:
            self._talk.interject(words.text, at=at)
        else:
            self._report.ignore("attachment/queued_command")
        yield from ()

    def _system(self, line: Line) -> None:
        kind = word(line.subtype) or "no subtype"
        main = self._main
        if kind == "turn_duration" and main is not None:
            main.settled = True
        elif kind == "stop_hook_summary" and main is not None:
            infos = items_of(line.hook_infos)
            for place, info in enumerate(infos[:20]):
                if isinstance(info, dict):
                    native = f"{word(line.uuid)}:{place}" if word(line.uuid) else None
                    told = {"hookName": "Stop", **cast(Document, info)}
                    record_hook(main.builder, told, outcome="success", native_id=native)
        elif kind == "api_refusal" and main is not None:
            main.builder.error_type = "refusal"
        elif kind in EMPTY_SYSTEM or kind in {"turn_duration", "stop_hook_summary", "api_refusal"}:
            self._report.ignore(f"system/{kind}")
        else:
            self._report.unknown(f"system/{kind}")

    def _pull_request(self, line: Line) -> None:
        """A pull request that the session opened. Claude Code repeats the line whenever it takes the session up."""
        repo = word(line.pr_repository)
        link = f"{repo}#{line.pr_number}"[:200]
        if link in self._links or not isinstance(line.pr_number, int):
            self._report.ignore("pr-link")
            return
        self._links = [*self._links[1 - _KEPT_LINKS :], link]
        if self._main is not None:
            self._main.builder.signal(signal("push", "success", f"pull request {link}"))
            self._main.builder.facts.repo = self._main.builder.facts.repo or repo

    # -- what is known of the session -----------------------------------------------------------------------
    def _facts(self, line: Line) -> Facts:
        """Facts for an execution that begins with ``line``."""
        cwd = word(line.cwd)
        if cwd is not None and (self._root is None or not f"{cwd}/".startswith(f"{self._root}/")):
            self._root = cwd
        forked = document_of(line.forked_from)
        session = word(forked.get("sessionId")) or word(line.session_id) or self._talk.facts.session_id
        if self._folder_session is not None and session == f"agent-{line.agent_id}":
            session = self._folder_session
        branch = word(line.git_branch)
        return replace(
            self._talk.facts,
            session_id=session,
            agent_name=self._agent,
            agent_chain=(self._agent,),
            source_version=word(line.version),
            cwd=self._root,
            git_branch=branch if branch != "HEAD" else None,
        )

    def _state(self) -> Document:
        return {
            **self._talk.state(),
            "agent": self._agent,
            "repo": self._talk.facts.repo,
            "root": self._root,
            "links": list(self._links),
            "seen": list(self._seen_prompts),
            "newest": self._newest,
            "messages": {key: list(tokens) for key, tokens in self._counted.items()},
        }

    def _note_unknown(self, message: Message, blocks: list[Block], kind: str) -> None:
        """Count what a newer version says in a way that this one does not read."""
        for block in blocks:
            name = word(block.type) or "no type"
            if name not in KNOWN_BLOCKS and not name.endswith("_tool_result"):
                self._report.unknown(f"block/{name}")
        if message.content is None:
            self._report.unknown(f"{kind} without content")
        if message.usage is not None and not message.usage.is_known:
            self._report.unknown("usage")

    def _note_version(self, line: Line) -> None:
        version = version_of(line.version) if line.version != self._version else None
        self._version = line.version
        if version is not None and version > _NEWEST and version > (version_of(self._report.newer_version) or _NEWEST):
            self._report.newer_version = str(line.version)[:40]


def _prompt_id(line: Line) -> str | None:
    """The prompt's id where hooks know it too. A line without a version was made from what a hook was given."""
    known = line.version is None or (version_of(line.version) or _OLDEST) >= _HOOKS_KNOW_PROMPTS
    return word(line.prompt_id) if known else None


def _place(path: Path) -> tuple[str | None, str | None]:
    """(session, workflow run) by ``<session>/subagents/`` and ``<session>/subagents/workflows/<run>/``."""
    folders = [folder.name for folder in path.parents]
    if folders[:1] == ["subagents"]:
        return "".join(folders[1:2]) or None, None
    if folders[1:3] == ["workflows", "subagents"]:
        return "".join(folders[3:4]) or None, folders[0]
    return None, None


def _text(blocks: list[Block]) -> str:
    return "\n".join(block.text for block in blocks if block.type == "text" and isinstance(block.text, str))


def _strings(value: object) -> list[str]:
    return [item for item in cast(list[object], value) if isinstance(item, str)] if isinstance(value, list) else []


def _counted(value: object) -> Counted:
    counted: Counted = {}
    for key, tokens in cast(Document, value).items() if isinstance(value, dict) else ():
        match tokens:
            case [int() as one, int() as two, int() as three, int() as four]:
                counted[key] = (one, two, three, four)
            case _:
                continue
    return counted
