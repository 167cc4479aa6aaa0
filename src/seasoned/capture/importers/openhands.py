"""OpenHands: evaluation and resolver results (``output.jsonl``) and exported conversations (a JSON array of events).

Both hold the same events: an action ``{id, source, action, args, tool_call_metadata}`` and, with its id as ``cause``,
an observation ``{observation, content, extras}``. The oldest results have no ids and put the arguments beside the
action; there an observation belongs to the action before it. A line of ``output.jsonl`` is one task; a conversation
is cut into tasks like any other.

Traps. An observation has no error flag: a refused edit is an ``edit`` observation whose text begins with ``ERROR:``,
and a command's exit code is in ``extras.metadata`` (``extras`` itself, in older files). ``llm_metrics`` on each
action are *accumulated*, so the last one counts and their sum would not. Tool-call ids repeat between tasks
(``toolu_01``). ``success`` in resolver results is a language model's opinion of the patch and weighs as one;
``error`` with a maximum of iterations or budget is a limit, hence ``aborted``. Written by
https://github.com/OpenHands/OpenHands (openhands/events, evaluation/utils/shared.py).
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import msgspec

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.documents import outline
from seasoned.capture.importers.benchmark import last_resumes
from seasoned.capture.importers.openhands_events import WORKSPACE, Events, follow_conversation
from seasoned.capture.jsonl import as_utf8_json, open_source, records
from seasoned.capture.loose import document_of, items_of, named, number_of, text_of, time_of, whole_of
from seasoned.capture.patches import record_patch
from seasoned.capture.port import Recording, Report, Resume, Source
from seasoned.model import Document, Signal
from seasoned.model.ids import source_id

__all__ = ["OpenHandsImporter"]

_UPLOADED = re.compile(r"<uploaded_files>\s*(/\S+)\s*</uploaded_files>")
_OPINION = 0.7
"""Weight of the resolver's own model judging its patch. A judgement: such judges were never measured on our data."""
_LIMIT_WORDS = ("maximum iteration", "maximum budget", "max budget", "ratelimit", "rate limit")
_STOP_WORDS = ("timeout", "timed out", "runtime", "connection", "container")


class _Result(msgspec.Struct):
    history: msgspec.Raw
    instance_id: object = None
    instruction: object = None
    issue: object = None
    metadata: object = None
    metrics: object = None
    error: object = None
    test_result: object = None
    git_patch: object = None
    base_commit: object = None
    instance: object = None
    success: object = None
    result_explanation: object = None
    report: object = None


_decoder = msgspec.json.Decoder(_Result)
_ARRAY = re.compile(rb"[\xef\xbb\xbf\s]*\[\s*(?:\{|\]|\Z)")
_history = msgspec.json.Decoder(list[object])


class OpenHandsImporter:
    """Reads ``openhands`` results and conversations."""

    name = "openhands"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  # the port's signature; content decides
        """A line with a ``history`` of actions or observations, or an array of such events."""
        keys = outline(head)
        if "history" in keys:
            events = keys & {"history[].action", "history[].observation", "history[][].action"}
            return bool(events) and bool(keys & {"instruction", "instance_id", "issue"})
        return bool(keys & {"[].action", "[].observation"}) and {"[].id", "[].source"} <= keys

    def read(self, source: Source, report: Report) -> Iterator[Recording]:
        """One execution per line of results; one or more of a conversation."""
        if _begins_with_array(source):
            if source.resume is None or source.resume.offset < source.size:
                yield from last_resumes(follow_conversation(source, report), source)
            return
        for line in records(source, report, _decoder):
            history = _events_of(line.record.history)
            if history is None:
                report.skip(f"line {line.number}", "history is no list of events")
                continue
            yield from _execution(source, report, line.record, history, Resume(offset=line.end))


def _events_of(history: msgspec.Raw) -> list[object] | None:
    try:
        return _history.decode(history)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        repaired = as_utf8_json(bytes(history))
    try:
        return _history.decode(repaired) if repaired is not None else None
    except (msgspec.DecodeError, RecursionError):
        return None


def _begins_with_array(source: Source) -> bool:
    """Whether the file is one array of events; a damaged first line may begin with a bracket too."""
    with open_source(source.path) as file:
        return _ARRAY.match(file.read(4096)) is not None


def _execution(
    source: Source, report: Report, result: _Result, history: list[object], resume: Resume
) -> Iterator[Recording]:
    issue = document_of(result.issue)
    instance = document_of(result.instance)
    metadata = document_of(result.metadata)
    task = text_of(result.instance_id) or "/".join(
        named(issue[key]) for key in ("owner", "repo", "number") if key in issue
    )
    mark = blake2b(bytes(result.history), digest_size=8).hexdigest()
    model = text_of(document_of(metadata.get("llm_config")).get("model"))
    repo = text_of(instance.get("repo")) or "/".join(
        text_of(issue.get(key)) for key in ("owner", "repo") if key in issue
    )
    uploaded = _UPLOADED.search(text_of(result.instruction))
    facts = Facts(
        source="openhands",
        namespace=source.namespace,
        session_id=f"{task}/{mark}",
        agent_name=text_of(metadata.get("agent_class")) or "openhands",
        cwd=uploaded[1] if uploaded else WORKSPACE,
        repo=repo or None,
        git_commit=text_of(instance.get("base_commit") or result.base_commit) or None,
    )
    prompt = (
        text_of(instance.get("problem_statement"))
        or "\n\n".join(filter(None, (text_of(issue.get("title")), text_of(issue.get("body")))))
        or text_of(result.instruction)
    )
    started_at = next((at for at in (time_of(document_of(e).get("timestamp")) for e in history[:3]) if at), None)
    builder = ExecutionBuilder(
        facts, source_id("openhands", facts.session_id, "history"), prompt=prompt or None, started_at=started_at
    )
    builder.model = model or None
    patch = text_of(document_of(result.test_result).get("git_patch")) or text_of(result.git_patch)
    events = Events(builder, report, has_patch=bool(patch))
    for event in history:
        # Results of 2024 pair each action with its observation in a list of two.
        for part in items_of(event) or [event]:
            events.read(document_of(part), first_prompt=True)
    events.count_tokens(document_of(result.metrics))
    _judge(builder, result)
    if patch:
        record_patch(builder, patch.replace("\r\n", "\n"))
    builder.tags = (f"task:{task}",)
    yield from builder.build(ended=True, resume=resume)


def _judge(builder: ExecutionBuilder, result: _Result) -> None:
    report: Document = document_of(result.report) or document_of(document_of(result.test_result).get("report"))
    resolved = report.get("resolved")
    if isinstance(resolved, bool):
        verdict = "success" if resolved else "failure"
        builder.signal(Signal(kind="verdict", verdict=verdict, weight=1.0, detail="resolved in the evaluation report"))
    error = text_of(result.error)
    if error:
        builder.error_message = error
        builder.error_type = error.split(":", 1)[0][:80] if ":" in error[:80] else "error"
        lowered = error.lower()
        if any(word in lowered for word in _LIMIT_WORDS):
            builder.interrupt(error, kind="quota")
        elif any(word in lowered for word in _STOP_WORDS):
            builder.interrupt(error)
    elif isinstance(result.success, bool):
        verdict = "success" if result.success else "failure"
        detail = f"the resolver's model: {text_of(result.result_explanation)[:150]}"
        builder.signal(Signal(kind="verdict", verdict=verdict, weight=_OPINION, detail=detail))
    cost = number_of(document_of(result.metrics).get("accumulated_cost"))
    if cost:
        builder.cost_usd = cost
    latencies = [document_of(item) for item in items_of(document_of(result.metrics).get("response_latencies"))]
    seconds = sum(number_of(item.get("latency")) or 0 for item in latencies)
    if seconds:
        builder.metadata = {**(builder.metadata or {}), "model_ms": whole_of(seconds * 1000)}
