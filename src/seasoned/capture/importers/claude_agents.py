"""Sub-agents of a Claude Code session, wherever their lines stand.

Invariant: one sub-agent is one execution, whose id follows from the session and the agent's id (up to 1.0.x, which gave
agents none, from the call that started it). A workflow's agents are children of the workflow's run, which is an
execution without lines of its own: their files name it by their folder, the parent by the call that started it. The
parent's lines and the agent's own say different things of it, in
files that are read in any order: the parent yields a mention with the place in the tree, the agent's lines the work.
"""

from collections.abc import Callable, Iterator

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.excerpt import cut
from seasoned.capture.importers.claude_chain import Chain, Counted, Delegation, context_of
from seasoned.capture.importers.claude_records import Line, word
from seasoned.capture.importers.claude_tools import DELEGATING
from seasoned.capture.importers.claude_words import INTERRUPTED
from seasoned.capture.loose import time_of
from seasoned.capture.port import Recording, Report
from seasoned.model import ExecutionUpdate, Trace
from seasoned.model.ids import source_id
from seasoned.model.limits import PROMPT_LIMIT

__all__ = ["Agents"]

_DEFAULT_AGENT = "general-purpose"
_WARM_UP = "Warmup"
"""What 2.0.x says to agents that it starts in advance, to fill a cache: nobody asked for anything."""
_KEPT_FOLLOW_UPS = 50


class Agents:
    """The sub-agents whose lines stand in the file that is being read."""

    def __init__(self, counted: Counted, report: Report, run: str | None) -> None:
        self._run = run
        """The workflow's run whose agent the file belongs to."""
        self._counted = counted
        self._report = report
        self._chains: dict[str, Chain] = {}
        self._key_of: dict[str, str] = {}
        self._idle: set[str] = set()

    def known(self, agent_id: str | None) -> Chain | None:
        """The chain of this agent, if any line of it was read."""
        return self._chains.get(agent_id) if agent_id is not None else None

    def first_start(self) -> int | None:
        """Byte at which the first open chain begins."""
        return min((chain.start for chain in self._chains.values()), default=None)

    def chain_of(
        self, line: Line, text: str | None, *, start: int, main: Chain | None, facts: Callable[[Line], Facts]
    ) -> Chain | None:
        """The chain to which a side line's work belongs; None where the line holds words, or nobody asked for it.

        ``text``: what the line says to the agent; None where it holds a reply or results.
        """
        agent_id, parent, uuid = word(line.agent_id), word(line.parent_uuid), word(line.uuid)
        key = agent_id or self._key_of.get(parent or "") or self._claim(text, main) or uuid or f"byte {start}"
        if uuid is not None and agent_id is None:
            self._key_of[uuid] = key
        chain = self._chains.get(key)
        if chain is None and text is not None and text.strip() == _WARM_UP:
            self._idle.add(key)
        if key in self._idle:
            self._report.ignore("warmup")
            return None
        if chain is None:
            builder = self._begin(line, key, text, main, facts(line))
            chain = self._chains[key] = Chain(builder, self._counted, start)
            return chain if text is None else None
        if text is None:
            told = chain.builder.facts
            told.agent_name = told.agent_name or word(line.attribution_agent)
            return chain
        chain.builder.seen(time_of(line.timestamp))
        if text.startswith(INTERRUPTED):
            chain.builder.interrupt(text[:80])
            chain.settled = True
        elif line.is_meta is not True and text.strip() and len(chain.builder.follow_ups) < _KEPT_FOLLOW_UPS:
            chain.builder.follow_ups.append(cut(text, 2_000))
        return None

    def delegated(self, parent: ExecutionBuilder, told: Delegation) -> Iterator[Recording]:
        """What a parent knows of its child when the delegating call returns."""
        inline = self._chains.pop(told.call_id, None)
        if inline is not None:
            inline.close_replies()
            yield from inline.builder.build(ended=True)
        elif told.run_id is not None:
            yield Recording(update=ExecutionUpdate(trace=_mention(parent, told, _run_key(told.run_id))))
        elif told.agent_id is not None:
            yield Recording(update=ExecutionUpdate(trace=_mention(parent, told, f"agent:{told.agent_id}")))

    def end(self) -> list[Recording]:
        """All chains as they are: a new task began, or the file is read."""
        recordings: list[Recording] = []
        for chain in self._chains.values():
            chain.close_replies()
            recordings.extend(chain.builder.build(ended=chain.ended))
        self._chains.clear()
        self._key_of.clear()
        self._idle.clear()
        return recordings

    def _claim(self, text: str | None, main: Chain | None) -> str | None:
        """The open delegating call whose prompt a chain without an agent's id begins with."""
        if text is None or main is None:
            return None
        for call_id, call in main.calls.items():
            if call.tool in DELEGATING and call.arguments.get("prompt") == text and call_id not in self._chains:
                return call_id
        return None

    def _begin(self, line: Line, key: str, text: str | None, main: Chain | None, facts: Facts) -> ExecutionBuilder:
        facts.agent_name, facts.agent_chain = word(line.attribution_agent), ()
        if main is not None:
            parent, call = main.builder, main.calls.get(key)
            facts.parent_id, facts.root_id = parent.execution_id, parent.facts.root_id or parent.execution_id
            if call is not None:
                facts.agent_name = word(call.arguments.get("subagent_type")) or _DEFAULT_AGENT
            if facts.agent_name is not None:
                facts.agent_chain = (*parent.facts.agent_chain, facts.agent_name)
        elif self._run is not None:
            facts.parent_id = source_id(facts.source, facts.session_id, _run_key(self._run))
        execution_id = source_id(facts.source, facts.session_id, f"agent:{key}")
        builder = ExecutionBuilder(facts, execution_id, prompt=text, started_at=time_of(line.timestamp))
        builder.context = context_of(line)
        return builder


def _run_key(run: str) -> str:
    return f"workflow:{run}"


def _mention(parent: ExecutionBuilder, told: Delegation, key: str) -> Trace:
    """The child as its parent knows it. A parent that is a sub-agent in its own file does not know what is above it."""
    facts = parent.facts
    ended = told.ended_at is not None
    placed = bool(facts.agent_chain)
    return Trace(
        execution_id=source_id(facts.source, facts.session_id, key),
        namespace=facts.namespace,
        correlation_id=facts.session_id,
        root_id=facts.root_id or (parent.execution_id if placed else None),
        parent_id=parent.execution_id,
        session_id=facts.session_id,
        agent_name=told.agent_type,
        agent_chain=(*facts.agent_chain, told.agent_type) if placed else (),
        source=facts.source,
        prompt=cut(told.prompt, PROMPT_LIMIT) if told.prompt is not None else None,
        started_at=told.started_at,
        completed_at=told.ended_at,
        duration_ms=told.duration_ms if ended else None,
        status="unknown" if ended else "in_progress",
    )
