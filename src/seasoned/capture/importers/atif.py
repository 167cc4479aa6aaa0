"""ATIF, the Agent Trajectory Interchange Format of Harbor: ``trajectory.json``, versions 1.0 to 1.8.

A document is one run: ``agent``, then ``steps`` of source ``user``, ``agent`` or ``system``. An agent's step carries
its ``tool_calls`` and, in ``observation.results``, what came of them, matched by ``source_call_id``. Sub-agents are
embedded whole in ``subagent_trajectories`` (since 1.7) and referred to from the result of the call that started them.

Traps. ``prompt_tokens`` include ``cached_tokens``. Steps with ``is_copied_context`` repeat an earlier trajectory and
must not count again. ``session_id`` names the run, not the document: continuations and sub-agents share it, so
``trajectory_id`` is part of the name here where there is one. Nothing says whether a call failed except what
producers put under ``extra``. The verdict is not in the trajectory: Harbor writes it to ``result.json`` beside the
run, which is read where it lies there. Specification:
https://github.com/harbor-framework/harbor/blob/main/rfcs/0001-trajectory-format.md
"""

import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import msgspec

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.conversation import Conversation
from seasoned.capture.documents import outline, whole
from seasoned.capture.importers.benchmark import Calls, last_resumes, reward_signal
from seasoned.capture.jsonl import as_utf8_json
from seasoned.capture.loose import document_of, items_of, number_of, text_of, time_of, whole_of
from seasoned.capture.patches import line_changes
from seasoned.capture.port import Recording, Report, Source
from seasoned.errors import InputError
from seasoned.model import Document, SpanOutcome
from seasoned.model.ids import source_id

__all__ = ["AtifImporter"]

NEWEST_SEEN = (1, 8)
_VERSION = re.compile(rb'"schema_version"\s*:\s*"ATIF-v\d')
_COMMANDS = ("command", "cmd", "keystrokes", "script")
_SHELLS = {
    "bash",
    "shell",
    "execute_bash",
    "exec_command",
    "run_shell_command",
    "run_command",
    "bash_command",
    "local_shell",
}
_PATHS = ("file_path", "path", "filename", "filePath", "notebook_path")
_MAX_DEPTH = 20
_RESULT_BYTES = 1024 * 1024


class _Trajectory(msgspec.Struct):
    schema_version: str
    steps: list[object]
    session_id: object = None
    trajectory_id: object = None
    agent: object = None
    final_metrics: object = None
    subagent_trajectories: object = None
    extra: object = None


_decoder = msgspec.json.Decoder(_Trajectory)


class AtifImporter:
    """Reads ``atif`` trajectories."""

    name = "atif"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  # the port's signature; content decides
        """A document that states an ATIF version and has an agent or steps."""
        return _VERSION.search(head) is not None and bool({"agent", "steps"} & outline(head))

    def read(self, source: Source, report: Report) -> Iterator[Recording]:
        """One execution per task of the conversation, then those of its sub-agents."""
        if source.resume is not None and source.resume.offset >= source.size:
            return
        yield from last_resumes(self._read(source, report), source)

    def _read(self, source: Source, report: Report) -> Iterator[Recording]:
        document = _decode(source)
        found = re.match(r"ATIF-v(\d+)\.(\d+)", document.schema_version)
        if found and (int(found[1]), int(found[2])) > NEWEST_SEEN:
            report.newer_version = document.schema_version
        yield from _Reader(source, report, document, _harbor_result(source.path)).recordings()


class _Reader:
    """One trajectory, the root or a sub-agent's."""

    def __init__(
        self,
        source: Source,
        report: Report,
        document: _Trajectory,
        result: Document,
        *,
        parent: ExecutionBuilder | None = None,
        depth: int = 0,
    ) -> None:
        self._source = source
        self._report = report
        self._document = document
        self._result = result
        self._depth = depth
        agent = document_of(document.agent)
        self._model = text_of(agent.get("model_name")) or None
        name = text_of(agent.get("name")) or "agent"
        chain = (*parent.facts.agent_chain, name) if parent else (name,)
        extra = document_of(agent.get("extra"))
        cwds, branches = items_of(extra.get("cwds")), items_of(extra.get("git_branches"))
        self._facts = Facts(
            source="atif",
            namespace=source.namespace,
            session_id=_session(document),
            agent_name=name,
            agent_chain=chain,
            source_version=text_of(agent.get("version")) or None,
            cwd=text_of(cwds[0]) or None if cwds else None,
            git_branch=text_of(branches[0]) or None if branches else None,
            parent_id=parent.execution_id if parent else None,
            root_id=(parent.facts.root_id or parent.execution_id) if parent else None,
        )
        self._conversation = Conversation(self._facts)
        self._calls: Calls | None = None
        self._delegated: dict[str, ExecutionBuilder] = {}
        self._edits: dict[str, tuple[str, str | None, str]] = {}
        self._counted = False
        self._costs_known = True

    def recordings(self) -> Iterator[Recording]:
        """Those of this trajectory, then those of the sub-agents embedded in it."""
        for number, item in enumerate(self._document.steps):
            step = document_of(item)
            at = time_of(step.get("timestamp"))
            self._report.records += 1
            origin = step.get("source")
            if step.get("is_copied_context") is True:
                self._report.ignore("copied context")
            elif origin == "user":
                yield from self._prompt(text_of(step.get("message")), at)
            elif origin == "agent":
                self._agent_step(step, at)
            elif origin == "system":
                self._observe(step)
                self._report.ignore("system")
            else:
                self._report.unknown(f"source {origin}" if isinstance(origin, str) else f"steps[{number}]")
        last = self._conversation.current
        if last is not None:
            self._finish(last)
            yield from self._conversation.finish(resume=None)
        yield from self._children(last)

    def _prompt(self, text: str, at: datetime | None) -> Iterator[Recording]:
        before = self._conversation.current
        yield from self._conversation.prompt(text, start=0, at=at)
        if self._conversation.current is not before:
            self._begin()

    def _begin(self) -> ExecutionBuilder:
        builder = self._conversation.current
        if builder is None:
            # A continuation or a sub-agent whose orders are not written down.
            execution_id = source_id("atif", self._facts.session_id, "steps")
            builder = ExecutionBuilder(self._facts, execution_id, prompt=None, started_at=None)
            self._conversation.current = builder
        builder.model = self._model
        self._calls = Calls(builder)
        self._costs_known = True
        return builder

    def _agent_step(self, step: Document, at: datetime | None) -> None:
        builder = self._conversation.current or self._begin()
        builder.seen(at)
        builder.model = text_of(step.get("model_name")) or builder.model
        self._count(builder, step)
        for call in map(document_of, items_of(step.get("tool_calls"))):
            arguments = document_of(call.get("arguments"))
            name, native = text_of(call.get("function_name")), text_of(call.get("tool_call_id"))
            if edit := _edit(arguments):
                self._edits[native] = edit
            self._calls_of().begin(
                native,
                name,
                arguments,
                at=at,
                command=_command(name, arguments),
                files=tuple(path for key in _PATHS if isinstance(path := arguments.get(key), str)),
            )
        self._observe(step)

    def _calls_of(self) -> Calls:
        if self._calls is None:
            self._begin()
        assert self._calls is not None
        return self._calls

    def _observe(self, step: Document) -> None:
        """Results of a step. A step states one time only, so how long a call took is not known."""
        for result in map(document_of, items_of(document_of(step.get("observation")).get("results"))):
            references = [document_of(item) for item in items_of(result.get("subagent_trajectory_ref"))]
            if self._conversation.current is not None:
                for reference in references:
                    self._delegated[text_of(reference.get("trajectory_id"))] = self._conversation.current
            native = text_of(result.get("source_call_id"))
            if not native or self._calls is None:
                continue
            outcome, error_type, exit_code = _outcome(result)
            attributes: Document = {
                key: [text_of(reference.get(key)) for reference in references]
                for key in ("trajectory_id", "trajectory_path")
                if any(reference.get(key) for reference in references)
            }
            ended = self._calls.end(
                native,
                outcome=outcome,
                result=text_of(result.get("content")),
                exit_code=exit_code,
                error_type=error_type,
                attributes=attributes or None,
            )
            edit = self._edits.pop(native, None)
            if edit is not None and outcome != "failure":
                _record_edit(self._conversation.current, *edit)
            if not ended:
                self._report.skip(f"step {step.get('step_id')}", "a result whose call is not in the trajectory")

    def _count(self, builder: ExecutionBuilder, step: Document) -> None:
        metrics = document_of(step.get("metrics"))
        if not metrics:
            return
        extra = document_of(metrics.get("extra"))
        prompt, cached = whole_of(metrics.get("prompt_tokens")) or 0, whole_of(metrics.get("cached_tokens")) or 0
        written = min(whole_of(extra.get("cache_creation_input_tokens")) or 0, max(0, prompt - cached))
        calls = step.get("llm_call_count")
        self._counted = True
        builder.count_tokens(
            input_=max(0, prompt - cached - written),
            output=whole_of(metrics.get("completion_tokens")) or 0,
            cache_read=cached,
            cache_write=written,
            calls=calls if isinstance(calls, int) and calls >= 0 else 1,
        )
        cost = number_of(metrics.get("cost_usd"))
        self._costs_known = self._costs_known and cost is not None
        builder.cost_usd = (builder.cost_usd or 0) + (cost or 0) if self._costs_known else None

    def _finish(self, builder: ExecutionBuilder) -> None:
        """What is said of the run as a whole belongs to its last task, where the steps do not say it."""
        totals = document_of(self._document.final_metrics)
        if not self._counted and totals:
            prompt, cached = (whole_of(totals.get(f"total_{kind}_tokens")) or 0 for kind in ("prompt", "cached"))
            steps = sum(document_of(item).get("source") == "agent" for item in self._document.steps)
            builder.count_tokens(
                input_=max(0, prompt - cached),
                output=whole_of(totals.get("total_completion_tokens")) or 0,
                cache_read=cached,
                calls=steps,
            )
            builder.cost_usd = number_of(totals.get("total_cost_usd"))
        self._judge(builder)

    def _judge(self, builder: ExecutionBuilder) -> None:
        if self._depth:
            return
        rewards = document_of(document_of(self._result.get("verifier_result")).get("rewards"))
        reward = number_of(rewards.get("reward")) if "reward" in rewards else None
        if reward is None and len(rewards) == 1:
            reward = number_of(next(iter(rewards.values())))
        for place in (
            document_of(self._document.extra),
            document_of(document_of(self._document.final_metrics).get("extra")),
        ):
            reward = number_of(place.get("reward")) if reward is None else reward
        if reward is not None:
            builder.signal(reward_signal(reward))
        failure = document_of(self._result.get("exception_info"))
        if failure:
            builder.error_type = text_of(failure.get("exception_type")) or None
            builder.error_message = text_of(failure.get("exception_message")) or None
            if reward is None and "Timeout" in (builder.error_type or ""):
                builder.interrupt(builder.error_type or "timeout", kind="quota")
        if task := text_of(self._result.get("task_name")):
            builder.tags = (f"task:{task}",)

    def _children(self, last: ExecutionBuilder | None) -> Iterator[Recording]:
        for number, item in enumerate(items_of(self._document.subagent_trajectories)):
            place = f"subagent_trajectories[{number}]"
            try:
                child = msgspec.convert(item, _Trajectory)
            except msgspec.ValidationError as error:
                self._report.skip(place, f"no trajectory: {error}")
                continue
            if self._depth >= _MAX_DEPTH:
                self._report.skip(place, "sub-agents nested too deeply")
                return
            parent = self._delegated.get(text_of(child.trajectory_id), last)
            child.session_id = child.session_id or self._document.session_id or self._document.trajectory_id
            yield from _Reader(self._source, self._report, child, {}, parent=parent, depth=self._depth + 1).recordings()


def _decode(source: Source) -> _Trajectory:
    data = whole(source)
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        repaired = as_utf8_json(data)
        if repaired is None:
            raise InputError(f"{source.path}: no ATIF trajectory: the document is cut off or damaged") from error
        try:
            return _decoder.decode(repaired)
        except (msgspec.DecodeError, RecursionError) as second:
            raise InputError(f"{source.path}: no ATIF trajectory: {second}") from second


def _session(document: _Trajectory) -> str:
    run, own = text_of(document.session_id), text_of(document.trajectory_id)
    if run and own and run != own:
        return f"{run}/{own}"
    if run or own:
        return run or own
    first = "\n".join(
        text_of(document_of(item).get(key)) for item in document.steps[:3] for key in ("timestamp", "message")
    )
    return blake2b(first.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _command(name: str, arguments: Document) -> str | None:
    if name.lower() not in _SHELLS:
        return None
    for key in _COMMANDS:
        value = arguments.get(key)
        if isinstance(value, str):
            return value
        if words := items_of(value):
            return " ".join(map(text_of, words))
    return None


def _edit(arguments: Document) -> tuple[str, str | None, str] | None:
    """(path, old text or None for a whole file, new text), by the argument names that agents' editing tools share."""
    path = next((value for key in _PATHS if isinstance(value := arguments.get(key), str)), None)
    if path is None:
        return None
    for old, new in (("old_string", "new_string"), ("old_str", "new_str"), ("old_text", "new_text")):
        if isinstance(before := arguments.get(old), str) and isinstance(after := arguments.get(new), str):
            return path, before, after
    whole_text = arguments.get("content", arguments.get("file_text"))
    return (path, None, whole_text) if isinstance(whole_text, str) else None


def _record_edit(builder: ExecutionBuilder | None, path: str, old: str | None, new: str) -> None:
    if builder is not None:
        added, modified, deleted = line_changes(old or "", new)
        builder.changed(path, added=added, modified=modified, deleted=deleted, content=new if old is None else None)


def _outcome(result: Document) -> tuple[SpanOutcome, str | None, int | None]:
    """By what producers put under ``extra``: Harbor's own converters use these keys."""
    extra = document_of(result.get("extra"))
    code = extra.get("exit_code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    for key in ("tool_result_is_error", "is_error", "isError"):
        flag = extra.get(key)
        if isinstance(flag, bool):
            return ("failure", "tool_error", code) if flag else ("success", None, code)
    if code is not None:
        return ("failure", "exit_code", code) if code else ("success", None, code)
    if text_of(result.get("content")).lstrip().startswith("[error]"):
        return "failure", "tool_error", None
    return "unknown", None, None


def _harbor_result(path: Path) -> Document:
    """``result.json`` of the trial in whose ``agent`` folder the trajectory lies, else nothing."""
    for folder in (path.parent, path.parent.parent):
        place = folder / "result.json"
        try:
            if place.is_file() and place.stat().st_size <= _RESULT_BYTES:
                found = document_of(msgspec.json.decode(place.read_bytes()))
                if "trial_name" in found and "agent_info" in found:
                    return found
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
    return {}
