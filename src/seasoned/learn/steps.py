"""What a run did, as steps that can be compared with another run's.

A transcript holds calls; a person would tell steps: found the customer, looked at the orders, cancelled one, ran the
tests. Each step is an effect (what kind of thing, by which tool, on what), never a wording, in two spellings: ``key``
with its literals (the same deed again) and ``form`` without them (the same kind of deed on something else).

Left out, but counted on the step that they belong to: calls that failed and were tried again, looks at what was looked
at already, the same deed several times in a row. Left out altogether: calls that were refused or cancelled, thinking
and talking, the agent's own bookkeeping, shell commands without news (``cd``, ``echo``). A check that failed stays: it
told something.

That a sequence of actions is the unit, and concrete values are not, follows Agent Workflow Memory
(https://arxiv.org/abs/2409.07429, §2.2: actions deduplicated by their abstract form), here without a model service.

Pure; the order in which spans are given does not matter.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

from seasoned.capture.check_commands import check_command
from seasoned.capture.checks import checks_of, verdict
from seasoned.capture.shell_lines import steps_of
from seasoned.learn.arguments import (
    Argument,
    command_arguments,
    file_class,
    form_of_words,
    named_arguments,
    slot_of,
    spelled,
)
from seasoned.learn.calls import (
    DELIVERS,
    DONE,
    EDITS,
    PROGRAMMED,
    SHELLS,
    line_of,
    named_kind,
    only_reads,
    paths_of,
    tool_name,
    unwrapped,
    without_place,
    writes_piped,
)
from seasoned.model import Span

__all__ = ["Step", "StepKind", "steps"]

StepKind = Literal["change", "check", "look", "delegate"]

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SILENT = frozenset(
    """: . [ alias cd clear date echo export false mktemp popd printf pushd pwd set shift sleep source test trap true
    type ulimit umask unset wait""".split()
)
"""Commands that neither find anything out nor leave anything."""
_LOOKING = {
    **dict.fromkeys("awk bat cat head jq less more nl od sed strings tail wc yq".split(), "read"),
    **dict.fromkeys("ag egrep fgrep grep rg".split(), "search"),
    **dict.fromkeys("fd find ls tree".split(), "list"),
}
_NAMED_LOOKS = {
    "read": "read",
    "read_file": "read",
    "notebookread": "read",
    "grep": "search",
    "glob": "list",
    "ls": "list",
    "webfetch": "fetch a page",
    "web_fetch": "fetch a page",
    "websearch": "search the web",
    "web_search": "search the web",
    "google_web_search": "search the web",
}
"""One name for what agents call differently, so that one agent's run aligns with another's."""
_VERBS = frozenset(
    """apt apt-get aws az brew bundle bun cargo composer conda deno docker docker-compose dotnet flutter gcloud gem gh
    git go gradle heroku helm just kubectl make mise mix mvn nix npm npx nx pip pipx pnpm podman poetry rails rake rustup
    systemctl task terraform turbo uv vercel yarn""".split()
)
"""Programs whose first word says what they do."""
_TWO_VERBS: dict[str, frozenset[str]] = {
    "gh": frozenset(),
    "docker": frozenset({"compose", "container", "image", "network", "volume"}),
    "mise": frozenset({"run", "tasks"}),
    "npm": frozenset({"run"}),
    "pnpm": frozenset({"run"}),
    "yarn": frozenset({"run"}),
    "bun": frozenset({"run"}),
    "uv": frozenset({"pip", "run"}),
    "git": frozenset({"stash", "worktree", "submodule", "remote", "bisect", "notes"}),
}
"""Where the second word belongs to it: after these, or after any (empty)."""
_DELEGATE_KEYS = ("agent_type", "name", "skill", "subagent_type")
_GRAVE = frozenset(
    "--amend --delete --force --force-with-lease --hard --in-place --no-verify -D -d -f -i -r -rf -fr".split()
)
"""Options that make another deed of a command; the others only say how."""
_DEPTH = 3
_CUT = "…[+"
"""How a text begins to end that was cut on import (``capture.excerpt``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a run did."""

    number: int
    """Order, from 1."""
    kind: StepKind
    tool: str
    """Tool without its server's prefix, folded; for a shell command its program and verb (``git push``)."""
    target: str
    """What it acts on, literals as typed slots: ``order_id=<id>``, ``*.go``, ``--force <word>``."""
    form: str
    """Equal for the same kind of deed, whatever the literals."""
    key: str
    """Equal for the same deed: form and normalised literals."""
    arguments: tuple[Argument, ...] = ()
    words: tuple[str, ...] = ()
    """Of a shell command, as typed, without values of variables that belong to one task; ``Argument.place`` points into
    it."""
    span_ids: tuple[str, ...]
    """Calls that it stands for, in order, failed ones included; the last is the one that stood."""
    duration_ms: int | None = None
    """Of its calls together; None where no call says, or where a line of several commands does not divide."""
    times: int = 1
    """How often it was done: in a row, or for a look also later on."""
    failed: int = 0
    """Calls of the same form that failed before it."""
    passed: bool | None = None
    """Of a check: whether it passed; None where that is not known, and for all other kinds."""

    @property
    def program(self) -> str | None:
        """What a shell command runs; None where it is none."""
        return next((word for word in self.words if not _ASSIGNMENT.match(word)), None)


def steps(spans: Iterable[Span]) -> tuple[Step, ...]:
    """What the tool calls among ``spans`` did, in order. Never raises."""
    ordered = sorted(
        (span for span in spans if span.kind == "tool"), key=lambda span: (span.execution_id, span.number, span.span_id)
    )
    found: list[list[Step]] = []  # what is one step, by its parts: joining them one by one would take quadratic time
    looked: dict[str, int] = {}
    failed: dict[str, list[str]] = {}
    for span in ordered:
        if span.outcome not in DONE and span.outcome != "failure":
            continue
        for done in _of_call(span):
            step = done
            if span.outcome == "failure" and step.kind != "check":
                failed.setdefault(step.form, []).append(span.span_id)
                continue
            before = failed.pop(step.form, ())
            if before:
                step = replace(step, span_ids=(*before, *step.span_ids), failed=len(before))
            at = looked.get(step.key) if step.kind == "look" else len(found) - 1
            if at is not None and at >= 0 and found[at][0].key == step.key:
                found[at].append(step)
                continue
            if step.kind == "look":
                looked[step.key] = len(found)
            elif step.kind == "change":
                looked.clear()  # what is looked at after a change may be news
            found.append([step])
    return tuple(_joined(parts, number) for number, parts in enumerate(found, 1))


def _joined(parts: list[Step], number: int) -> Step:
    durations = [each.duration_ms for each in parts if each.duration_ms is not None]
    return replace(
        parts[0],
        number=number,
        span_ids=tuple(span_id for each in parts for span_id in each.span_ids),
        duration_ms=sum(durations) if durations else None,
        times=sum(each.times for each in parts),
        failed=sum(each.failed for each in parts),
        passed=parts[-1].passed,
    )


def _of_call(span: Span) -> list[Step]:
    name = tool_name(span)
    folded = name.casefold()
    arguments = span.arguments or {}
    if folded in SHELLS:
        found = _of_line(span, line_of(arguments), _DEPTH)
        return [replace(found[0], duration_ms=span.duration_ms)] if len(found) == 1 else found
    if folded in EDITS or folded in PROGRAMMED:
        paths = paths_of(span)
        if paths or folded in EDITS:
            return [_on_file(span, "change", "edit", path) for path in paths]
        return [_step(span, "change", folded, named_arguments(arguments))]
    kind = named_kind(name)
    if kind in ("none", "talk"):
        return []
    if folded in _NAMED_LOOKS:
        tool = _NAMED_LOOKS[folded]
        if tool == "read" and (paths := paths_of(span)):
            return [_on_file(span, "look", "read", path) for path in paths[:1]]
        return [_step(span, "look", tool, named_arguments(arguments))]
    if kind == "delegate":
        target = " ".join(str(arguments[key]) for key in _DELEGATE_KEYS if key in arguments)
        return [_step(span, "delegate", folded, (), form=f"delegate {folded} {target}".strip(), target=target)]
    return [_step(span, kind, folded, named_arguments(arguments))]


def _step(
    span: Span,
    kind: StepKind,
    tool: str,
    arguments: tuple[Argument, ...],
    *,
    form: str | None = None,
    target: str | None = None,
    words: tuple[str, ...] = (),
    passed: bool | None = None,
    timed: bool = True,
) -> Step:
    form = f"{kind} {tool}" if form is None else form
    return Step(
        number=0,
        kind=kind,
        tool=tool,
        target=", ".join(each.typed for each in arguments) if target is None else target,
        form=form,
        key=f"{form} {spelled(arguments)}",
        arguments=arguments,
        words=words,
        span_ids=(span.span_id,),
        duration_ms=span.duration_ms if timed else None,
        passed=passed,
    )


def _on_file(span: Span, kind: StepKind, tool: str, path: str) -> Step:
    kept = path.removeprefix("./")
    target = file_class(kept)
    argument = Argument(name="path", value=kept, slot="path")
    return _step(span, kind, tool, (argument,), form=f"{kind} {tool} {target}", target=target)


def _of_line(span: Span, line: str, depth: int) -> list[Step]:
    found: list[Step] = []
    commands = steps_of(_whole(line))
    results = _check_results(span, line)
    piped = 0
    for command in commands:
        if piped:
            piped -= 1
            if not writes_piped(command.words):
                continue
        else:
            piped = len(command.filters)
        words = _without_values(command.words)
        own = unwrapped(words[sum(1 for _ in takewhile(_ASSIGNMENT.match, words)) :] or words)
        program = own[0].rsplit("/", 1)[-1]
        check = check_command(own)
        if check is not None and check[0] == "shell":
            found += _of_line(span, check[1], depth - 1) if depth else []
            continue
        if check is not None and check[0] not in DELIVERS:
            taken = set(check[1].split())
            rest = tuple(word for word in own if word not in taken)
            arguments = command_arguments(check[1], words, rest)
            found.append(
                _step(
                    span,
                    "check",
                    check[1],
                    arguments,
                    words=words,
                    passed=results.get(check[0]),
                    timed=False,
                )
            )
            continue
        if program in _SILENT or "=" in own[0] or not program[:1].isalpha():
            continue
        reads = check is None and only_reads(program, own[1:])
        found.append(_of_command(span, words, own, program, "look" if reads else "change"))
    return found


def _without_values(words: tuple[str, ...]) -> tuple[str, ...]:
    """``words`` with the variables set in front, but of their values only paths, switches and plain words: others
    belong to one task."""
    kept = list(words)
    for at, word in enumerate(takewhile(_ASSIGNMENT.match, words)):
        name, _, value = word.partition("=")
        if len(value) > 2 and (slot_of(value) not in ("", "path") or "«" in value):  # CI=1 is a switch
            kept[at] = f"{name}=…"
    return tuple(kept)


def _of_command(span: Span, words: tuple[str, ...], own: tuple[str, ...], program: str, kind: StepKind) -> Step:
    rest = without_place(program, own[1:])
    tool = program
    if kind == "look" and program in _LOOKING:
        tool = _LOOKING[program]
        arguments = command_arguments(tool, words, rest)
        paths = [each for each in arguments if each.slot == "path"]
        if tool == "read" and paths:
            return replace(_on_file(span, "look", "read", paths[-1].value), words=(), duration_ms=None)
        return _step(span, kind, tool, arguments, timed=False)
    if program in _VERBS:
        verbs = [word for word in rest[:4] if not word.startswith("-")][:2]
        if verbs:
            second = program in _TWO_VERBS and (not _TWO_VERBS[program] or verbs[0] in _TWO_VERBS[program])
            said = verbs[: 2 if second else 1]
            tool = " ".join([program, *said])
            left = list(rest)
            for word in said:
                left.remove(word)
            rest = tuple(left)
    arguments = command_arguments(tool, words, rest)
    target = form_of_words(rest, arguments)
    grave = [option for option in target.split() if option in _GRAVE]
    form = " ".join([kind, tool, *grave])
    return _step(span, kind, tool, arguments, form=form, target=target, words=words, timed=False)


def _whole(line: str) -> str:
    """``line`` as far as it can be read: what was cut away on import may have closed a quote."""
    if _CUT not in line:
        return line
    head = line.split(_CUT, 1)[0]
    opened = ""
    start = 0
    for index, char in enumerate(head):
        if char in "'\"" and (index == 0 or head[index - 1] != "\\"):
            if not opened:
                opened, start = char, index
            elif opened == char:
                opened = ""
    return head[:start] if opened else head


def _check_results(span: Span, line: str) -> dict[str, bool | None]:
    exit_code = {"success": 0, "failure": 1}.get(span.outcome)
    output = f"{span.result_preview or ''}\n{span.error_message or ''}"
    told = {"passed": True, "failed": False, "unknown": None}
    return {check.kind: told[verdict(check, exit_code, output)] for check in checks_of(line)}
