"""SWE-agent trajectories (``.traj``), 0.x and 1.x: one document per attempted issue.

``trajectory`` holds the steps ``{action, observation, response, thought, state, execution_time}`` (the last since
1.x), ``info`` how it ended: ``exit_status``, ``submission`` (a patch), ``model_stats``. ``history`` repeats
everything as chat messages and is only asked for the issue's text. There are no times of day.

``exit_status: submitted`` says that a patch was handed in, not that it is right; the file holds no verdict, so the
outcome stays unknown unless a limit stopped the agent (aborted) or it gave the task up (failure). Steps carry no exit
code either: a step counts as failed only where SWE-agent's own tools or the shell said so in words.
Written by https://github.com/SWE-agent/SWE-agent (docs/usage/trajectories.md).
"""

import re
import shlex
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import msgspec

from seasoned.capture.assemble import ExecutionBuilder, Facts
from seasoned.capture.documents import outline, whole
from seasoned.capture.jsonl import as_utf8_json
from seasoned.capture.loose import document_of, number_of, text_of, whole_of
from seasoned.capture.outcome import signal
from seasoned.capture.patches import record_patch
from seasoned.capture.port import Recording, Report, Resume, Source
from seasoned.errors import InputError
from seasoned.model import Document, SpanOutcome
from seasoned.model.ids import source_id

__all__ = ["SweAgentImporter"]

NEWEST_SEEN = (1, 1)
_TOOLS = {
    "str_replace_editor", "edit_anthropic", "open", "goto", "scroll_up", "scroll_down", "create", "edit", "insert",
    "append", "search_dir", "search_file", "find_file", "filemap", "view_image", "submit", "exit_forfeit", "undo_edit",
    "connect_start", "connect_sendline", "connect_exec", "debug_start", "debug_stop", "decompile", "disassemble",
}  # fmt: skip
"""Commands that SWE-agent's tool bundles add to the shell. Anything else is a shell line."""
_REFUSED = re.compile(
    r"\s*(?:ERROR:|Error:|Usage:|Your proposed edit has introduced|Your edit was not applied"
    r"|No replacement was performed"
    r"|Text not found|File .{0,300} not found|Invalid|The command '.{0,300}' (?:is blocked|has timed out))",
    re.DOTALL,
)
_SHELL_ERROR = re.compile(
    r"^(?:/bin/|/usr/bin/)?(?:ba)?sh: .{0,300}(?:command not found|No such file or directory|syntax error)"
    r"|^EXECUTION TIMED OUT",
    re.MULTILINE,
)
_ISSUE = (
    re.compile(r"<(pr_description|issue_description|issue)>\s*(?P<issue>.*?)\s*</\1>", re.DOTALL),
    re.compile(r"\bISSUE:\n(?P<issue>.*?)\n\s*INSTRUCTIONS:", re.DOTALL),
)
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\r?$", re.MULTILINE)
_LIMITS = ("exit_cost", "exit_context", "exit_total_execution_time", "exit_command_timeout")
_FAULTS_OF_OTHERS = ("exit_api", "exit_environment_error")
_LARGEST_PARSED = 4_000
"""Characters of an action that is taken apart into arguments; longer ones are kept as they stand."""


class _Step(msgspec.Struct):
    action: object = None
    observation: object = None
    response: object = None
    execution_time: object = None
    state: object = None


class _Message(msgspec.Struct):
    role: object = None
    content: object = None
    is_demo: object = None
    message_type: object = None


class _Trajectory(msgspec.Struct):
    trajectory: list[_Step]
    environment: object = None
    history: msgspec.Raw = msgspec.Raw(b"[]")
    info: object = None
    replay_config: object = None
    problem_statement: object = None


_decoder = msgspec.json.Decoder(_Trajectory)
_messages = msgspec.json.Decoder(list[_Message])


class SweAgentImporter:
    """Reads ``swe_agent`` trajectories."""

    name = "swe_agent"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002  # the port's signature; content decides
        """A ``trajectory`` of actions with their observations."""
        return {"trajectory[].action", "trajectory[].observation"} <= outline(head)

    def read(self, source: Source, report: Report) -> Iterator[Recording]:
        """The one execution in the file."""
        if source.resume is not None and source.resume.offset >= source.size:
            return
        document = _decode(source)
        report.records += len(document.trajectory)
        info = document_of(document.info)
        if _is_newer(text_of(info.get("swe_agent_version"))):
            report.newer_version = text_of(info.get("swe_agent_version"))
        replay = document_of(document.replay_config)
        problem = document_of(document.problem_statement) or document_of(replay.get("problem_statement"))
        facts = _facts(source, document, info, replay)
        prompt = text_of(problem.get("text") or problem.get("problem_statement")) or _issue(document.history, report)
        builder = ExecutionBuilder(
            facts, source_id(self.name, facts.session_id, "trajectory"), prompt=prompt or None, started_at=None
        )
        builder.records = len(document.trajectory) + 1
        for step in document.trajectory:
            _record_step(builder, step)
        _record_end(builder, info)
        model = document_of(document_of(replay.get("agent")).get("model"))
        builder.model = text_of(model.get("name")) or None
        builder.tags = (f"task:{text_of(problem.get('id')) or text_of(source.path.stem)}",)
        yield from builder.build(ended=True, resume=Resume(offset=source.size))


def _decode(source: Source) -> _Trajectory:
    data = whole(source)
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        repaired = as_utf8_json(data)
        if repaired is not None:
            try:
                return _decoder.decode(repaired)
            except (msgspec.DecodeError, RecursionError):
                pass
        raise InputError(f"{source.path}: no SWE-agent trajectory: the document is cut off or damaged") from error


def _is_newer(version: str) -> bool:
    found = re.match(r"(\d+)\.(\d+)", version)
    return bool(found) and (int(found[1]), int(found[2])) > NEWEST_SEEN


def _facts(source: Source, document: _Trajectory, info: Document, replay: Document) -> Facts:
    """The session is named by file and first answer: the same issue is attempted in many runs, in equal file names."""
    path = source.path
    first = document.trajectory[0] if document.trajectory else _Step()
    mark = blake2b(f"{text_of(first.response)}\n{text_of(first.action)}".encode("utf-8", "replace"), digest_size=6)
    repo = document_of(document_of(replay.get("env")).get("repo"))
    cwd = text_of(document_of(first.state).get("working_dir"))
    return Facts(
        source="swe_agent",
        namespace=source.namespace,
        session_id=f"{text_of(path.stem)}/{mark.hexdigest()}",
        agent_name="swe-agent",
        source_version=text_of(info.get("swe_agent_version")) or None,
        cwd=cwd if cwd.startswith("/") else None,
        repo=text_of(repo.get("github_url") or repo.get("repo_name")) or None,
        git_commit=text_of(repo.get("base_commit")) or None,
    )


def _issue(history: msgspec.Raw, report: Report) -> str:
    """The issue's text in the first message that is no demonstration."""
    try:
        messages = _messages.decode(history)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        report.skip("history", "not a list of messages; the issue's text is unknown")
        return ""
    for message in messages:
        if message.role != "user" or str(message.is_demo) == "True" or message.message_type == "demonstration":
            continue
        text = text_of(message.content)
        for pattern in _ISSUE:
            if found := pattern.search(text):
                return found["issue"]
        return text
    return ""


def _record_step(builder: ExecutionBuilder, step: _Step) -> None:
    action, observation = text_of(step.action).strip("\n"), text_of(step.observation)
    builder.seen(None)
    if not action.strip():
        # An answer without an action: the model broke the format, or there was nothing left to do.
        return
    word = action.split(None, 1)[0]
    tool = word if word in _TOOLS else None
    arguments = _arguments(word, action) if tool else Document(command=action)
    path = arguments.get("path")
    span_id = builder.begin(
        "tool",
        tool or "bash",
        arguments=arguments,
        files=(path,) if isinstance(path, str) else (),
        command=None if tool else action,
    )
    outcome, error_type = _outcome(tool, action, observation)
    seconds = number_of(step.execution_time)
    builder.end(
        span_id,
        outcome=outcome,
        result=observation,
        duration_ms=round(seconds * 1000) if seconds is not None and 0 <= seconds < 1e12 else None,
        error_type=error_type,
    )


def _outcome(tool: str | None, action: str, observation: str) -> tuple[SpanOutcome, str | None]:
    if tool is not None:
        return ("failure", "tool_error") if _REFUSED.match(observation[:400]) else ("success", None)
    found = _SHELL_ERROR.search(observation)
    if found is None:
        died = "python" in action and _TRACEBACK.search(observation) is not None
        return ("failure", "exception") if died else ("unknown", None)
    return "failure", "timeout" if found[0].startswith("EXECUTION") else "shell_error"


def _arguments(word: str, action: str) -> Document:
    """Words and ``--options`` of a tool's command line; the line itself where it cannot be taken apart."""
    if len(action) > _LARGEST_PARSED or word == "edit":
        return {"command": action}
    try:
        words = shlex.split(action)[1:]
    except ValueError:
        return {"command": action}
    arguments: Document = {}
    plain: list[str] = []
    option: str | None = None
    for part in words:
        if part.startswith("--") and part[2:].isidentifier():
            option = part[2:]
            arguments[option] = ""
        elif option is not None:
            arguments[option] = f"{arguments[option]} {part}".strip()
        else:
            plain.append(part)
    if word == "str_replace_editor" and plain:
        arguments["command"] = plain.pop(0)
    if plain and word not in {"search_dir", "search_file", "find_file", "submit"}:
        arguments["path"] = plain.pop(0)
    if plain:
        arguments["words"] = plain
    return arguments


def _record_end(builder: ExecutionBuilder, info: Document) -> None:
    status = text_of(info.get("exit_status"))
    submission = text_of(info.get("submission"))
    if submission:
        record_patch(builder, submission)
    limit = next((each for each in (*_LIMITS, *_FAULTS_OF_OTHERS) if each in status), None)
    if limit is not None:
        builder.interrupt(f"stopped: {status}", kind="quota" if limit in _LIMITS else "interruption")
    elif "exit_forfeit" in status:
        builder.signal(signal("verdict", "failure", "the agent gave the task up"))
    if status and status != "submitted":
        builder.error_type = limit or status.removeprefix("submitted (").removesuffix(")")
    stats = document_of(info.get("model_stats"))
    calls = whole_of(stats.get("api_calls")) or 0
    if calls:
        # Demonstrations by hand state zeros, which is not a count.
        builder.count_tokens(
            input_=whole_of(stats.get("tokens_sent")) or 0,
            output=whole_of(stats.get("tokens_received")) or 0,
            calls=calls,
        )
        builder.cost_usd = number_of(stats.get("instance_cost"))
    builder.metadata = {"exit_status": status or None, "submitted_patch": bool(submission)}
