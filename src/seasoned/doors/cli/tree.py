"""One execution as a tree: what was asked, what was done, how long it took, errors where they happened."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seasoned.doors.cli import output
from seasoned.model import Artifact, Span, Trace
from seasoned.model.ids import short_id

if TYPE_CHECKING:
    from rich.tree import Tree

__all__ = ["show_trace"]

_MARK = {"success": "✓", "failure": "✗", "rejected": "⊘", "cancelled": "–", "skipped": "–", "unknown": "?"}
_STYLE = {"failure": "red", "rejected": "yellow", "cancelled": "dim", "unknown": "dim"}
_TELLING = ("command", "cmd", "file_path", "path", "pattern", "query", "url", "description", "prompt", "skill")
"""Arguments that say best what a call did, best first."""


def show_trace(trace: Trace, spans: Sequence[Span], artifacts: Sequence[Artifact], children: Sequence[Trace]) -> None:
    """Print one execution."""
    from rich.text import Text
    from rich.tree import Tree

    went = trace.status if trace.outcome_confidence is None else f"{trace.status} ({trace.outcome_confidence:.0%} sure)"
    output.say(f"{trace.execution_id}  {went}  {output.duration(trace.duration_ms)}")
    where = " · ".join(filter(None, (trace.source, trace.source_version, trace.model, trace.repo or trace.cwd)))
    output.say(f"{output.when(trace.started_at)} UTC · {output.clean(where)}")
    if trace.total_tokens_used is not None:
        output.say(
            f"tokens: {output.number(trace.input_tokens)} in, {output.number(trace.output_tokens)} out, "
            f"{output.number(trace.cache_read_tokens)} from cache; {output.number(trace.api_calls_count)} model calls"
            + (f"; ${trace.cost_usd:.4f}" if trace.cost_usd is not None else "")
        )
    if trace.outcome_evidence:
        output.say("evidence:")
        for signal in trace.outcome_evidence[-6:]:
            output.say(f"  {signal.kind} → {signal.verdict}: {output.head(signal.detail, 90)}")
    elif trace.status == "unknown":
        output.say("evidence: none, so the outcome stays unknown")
    root = Tree(Text(output.head(trace.prompt, 100) or "(no prompt)", style="bold"))
    nodes: dict[str, Tree] = {}
    for span in spans:
        parent = nodes.get(span.parent_span_id or "", root)
        nodes[span.span_id] = _add(parent, span)
    for text in trace.follow_ups:
        root.add(Text(f"user: {output.head(text, 100)}", style="italic"))
    for child in children:
        label = f"⮑ {child.agent_name or 'sub-agent'} {short_id(child.execution_id)}  {child.status}  "
        root.add(Text(label + output.duration(child.duration_ms) + "  " + output.head(child.prompt, 60)))
    output.console().print(root)
    if artifacts:
        output.say("changed files:")
        for artifact in artifacts:
            added, modified, deleted = artifact.lines_added, artifact.lines_modified, artifact.lines_deleted
            output.say(f"  {output.clean(artifact.file_path)}  +{added or 0} ~{modified or 0} -{deleted or 0}")


def _add(parent: "Tree", span: Span) -> "Tree":
    from rich.text import Text

    label = Text()
    label.append(f"{_MARK[span.outcome]} ", style=_STYLE.get(span.outcome, "green"))
    label.append(output.clean(span.name), style="bold" if span.kind == "tool" else "cyan")
    label.append(f"  {output.head(_telling(span), 84)}")
    if span.duration_ms is not None:
        label.append(f"  {output.duration(span.duration_ms)}", style="dim")
    node = parent.add(label)
    if span.outcome in {"failure", "rejected"} and span.error_message:
        node.add(Text(f"{span.error_type or 'error'}: {output.head(span.error_message, 150)}", style="red"))
    return node


def _telling(span: Span) -> str:
    arguments = span.arguments or {}
    for name in _TELLING:
        value = arguments.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value:
            return " ".join(str(part) for part in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if span.kind == "llm":
        return span.result_preview or ""
    return ", ".join(f"{key}={value}" for key, value in list(arguments.items())[:3])
