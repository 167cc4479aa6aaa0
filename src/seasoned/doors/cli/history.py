"""Commands for people: ``up``, ``import``, ``traces``, ``similar``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.imported import import_document, nothing_usable, show_import
from seasoned.doors.cli.pages import say_learned
from seasoned.doors.cli.residing import answered
from seasoned.doors.cli.root import AsJson, application, context, must_exist
from seasoned.errors import InputError, NotFoundError, UsageError
from seasoned.model.ids import short_id

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.model import Match, SimilarTasks
    from seasoned.workers import ImportResult

__all__: list[str] = []

traces = typer.Typer(help="Recorded executions.", no_args_is_help=True, rich_markup_mode=None)
application.add_typer(traces, name="traces")


@application.command()
def up(invocation: typer.Context, as_json: AsJson = False) -> None:
    """Find and import this machine's histories. Learns from them, and says what they hold."""
    from seasoned.capture import agent_homes
    from seasoned.sample import sample_folder

    with context(invocation).open() as seasoned:
        homes = agent_homes(Path.home(), dict(os.environ))
        folders = [folder for home in homes for folder in sorted(home.path.glob(home.pattern))]
        sample = not folders
        result = _import(seasoned, [sample_folder()] if sample else folders, quiet=as_json)
        sample_dropped = 0 if sample else seasoned.forget_sample()
        embedded = _embed(seasoned, quiet=as_json)
        with output.stage_progress(quiet=as_json) as on_progress:
            seasoned.hear_outcomes()
            learned = seasoned.learn(on_progress=on_progress)
        counts = seasoned.store.counts(seasoned.namespace)
        if as_json:
            document = import_document(seasoned, result)
            document |= {
                "sample": sample,
                "sample_forgotten": sample_dropped,
                "agents": [home.agent for home in homes],
                "embedded": embedded,
                "learned": learned,
            }
            output.emit_json(document | {"history": counts})
            return
        if sample:
            output.say("No agent history was found on this machine, so here is a small real one (see its CREDITS):")
        else:
            output.say(f"Found: {', '.join(home.agent for home in homes)}.")
        if sample_dropped:
            output.say(f"The bundled sample ({output.counted(sample_dropped, 'execution')}) was taken out again.")
        show_import(seasoned, result)
        say_learned(learned)
        _try_next(seasoned)


@application.command("import")
def import_(
    invocation: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(help="Transcripts, or folders that hold some.", show_default=False, readable=False),
    ],
    agent: Annotated[str | None, typer.Option("--agent", help="Format; else told from the content.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=0, help="Reading processes; 0: none beside this.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also files that are known and unchanged.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count, write nothing.")] = False,
    embed: Annotated[bool, typer.Option("--embed/--no-embed", help="Embed the new prompts afterwards.")] = True,
    as_json: AsJson = False,
) -> None:
    """Import agent histories. Every format is recognised, known files are skipped, grown ones read on."""
    must_exist([path for path in paths if "#" not in str(path)])
    with context(invocation).open() as seasoned:
        result = _import(seasoned, paths, quiet=as_json, only=agent, jobs=jobs, again=again, dry_run=dry_run)
        if embed and not dry_run:
            _embed(seasoned, quiet=as_json)
        usable = result.unchanged or any(not file.error for file in result.files)
        if as_json:
            output.emit_json(import_document(seasoned, result))
        elif usable:
            show_import(seasoned, result)
    if not usable:
        raise InputError(nothing_usable(paths, result))


@traces.command("list")
def traces_list(
    invocation: typer.Context,
    status: Annotated[str | None, typer.Option(help="in_progress, success, failure, aborted or unknown.")] = None,
    domain: Annotated[str | None, typer.Option(help="Only tasks of this domain: security, testing, …")] = None,
    source: Annotated[str | None, typer.Option(help="claude_code, codex, gemini, …")] = None,
    session: Annotated[str | None, typer.Option(help="Only those of this session of the agent's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Leave out so many of the newest.")] = 0,
    all_: Annotated[bool, typer.Option("--all", help="Sub-agents' executions too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List executions, newest first."""
    from seasoned.store import TraceQuery

    allowed = ("in_progress", "success", "failure", "aborted", "unknown")
    if status is not None and status not in allowed:
        raise UsageError(f"--status {status}: allowed are {', '.join(allowed)}.")
    with context(invocation).open() as seasoned:
        found = seasoned.store.traces(
            TraceQuery(
                namespace=seasoned.namespace,
                status=status,
                domain=domain,
                source=source,
                session_id=session,
                roots_only=not all_,
                limit=limit,
                offset=offset,
            )
        )
    if as_json:
        output.emit_json({"traces": found})
        return
    rows = [
        (
            short_id(trace.execution_id),
            output.when(trace.started_at),
            trace.source or "–",
            _status(trace.status, trace.outcome_confidence),
            output.duration(trace.duration_ms),
            output.number(trace.total_tokens_used),
            output.head(trace.prompt, 70),
        )
        for trace in found
    ]
    if rows:
        output.table(
            ("id", "started (UTC)", "source", "outcome", "took", "tokens", "prompt"), rows, right={4: True, 5: True}
        )
        output.say(
            f"\nseasoned traces show {short_id(found[0].execution_id)}"
            + (f" · older ones: --offset {offset + limit}" if len(found) == limit else "")
        )
    elif status or domain or source or session or offset:
        output.say("No execution matches.")
    else:
        output.say(
            "Nothing is recorded yet. `seasoned up` finds this machine's histories, `seasoned import PATH` others."
        )


@traces.command("show")
def traces_show(
    invocation: typer.Context,
    execution: Annotated[str, typer.Argument(help="Id, or at least its first 6 characters.")],
    as_json: AsJson = False,
) -> None:
    """Show one execution as a tree. With durations, and errors in place."""
    from seasoned.doors.cli.tree import show_trace

    with context(invocation).open() as seasoned:
        store = seasoned.store
        trace = store.trace(seasoned.namespace, execution) if len(execution) >= 6 else None
        if trace is None:
            raise NotFoundError(
                f"No execution, or more than one, begins with {execution!r} (at least 6 characters are needed). "
                "`seasoned traces list` shows them."
            )
        spans, artifacts = store.spans(trace.execution_id), store.artifacts(trace.execution_id)
        children = store.children(trace.execution_id)
        if as_json:
            output.emit_json({"trace": trace, "spans": spans, "artifacts": artifacts, "children": children})
            return
        show_trace(trace, spans, artifacts, children)


@application.command()
def similar(
    invocation: typer.Context,
    prompt: Annotated[str, typer.Argument(help="What is to be done.", show_default=False)],
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 5,
    min_score: Annotated[float | None, typer.Option(min=0, max=1, help="Floor; else the calibrated one.")] = None,
    semantic: Annotated[bool, typer.Option("--semantic/--no-semantic", help="Use the embedding model.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show past tasks like this one. With how they went, and why they are thought to be alike."""
    if not prompt.strip():
        raise UsageError("The prompt is empty.")
    from seasoned.model import SimilarTasks

    given = {"prompt": prompt, "limit": limit, "min_score": min_score, "semantic": semantic}
    answer = answered(
        context(invocation),
        "matches",
        given,
        SimilarTasks,
        lambda seasoned: seasoned.similar(prompt, limit=limit, min_score=min_score, semantic=semantic),
    )
    if as_json:
        output.emit_json(answer)
        return
    show_similar(answer)


def show_similar(answer: "SimilarTasks") -> None:
    """An answer for a terminal."""
    output.say(answer.reason)
    if not answer.searched:
        output.say("`seasoned up` finds this machine's histories, `seasoned import PATH` takes others.")
    for rank, match in enumerate(answer.matches, 1):
        stats = match.stats
        known = stats.success_count + stats.failure_count
        went = f"{stats.success_count} of {known} succeeded" if known else "outcome unknown"
        output.say()
        output.say(f"{rank}. {output.head(match.fingerprint.original_prompt, 100)}")
        output.say(
            f"   {match.score:.2f} {match.kind} · {match.fingerprint.task_type}, {match.fingerprint.domain} · "
            f"done {stats.execution_count}×, {went} · usually {output.duration(stats.avg_execution_time_ms)}"
        )
        output.say(f"   why: {_why(match)}")
        for trace in match.executions[:2]:
            output.say(
                f"   → seasoned traces show {short_id(trace.execution_id)}   "
                f"{output.when(trace.started_at)}  {trace.source}  {_status(trace.status, trace.outcome_confidence)}"
            )


def _why(match: "Match") -> str:
    if match.kind == "exact":
        return "the same prompt"
    terms = [
        f"{term.name.replace('_', ' ')} {term.value:.2f}×{term.weight:.2f}"
        for term in match.terms
        if term.value and term.weight
    ]
    words = (
        f"; shared: {', '.join(output.clean(word) for word in match.shared_keywords[:8])}"
        if match.shared_keywords
        else ""
    )
    lead = "the same prompt but for its literals; " if match.kind == "shape" else ""
    return f"{lead}{' + '.join(terms)}{words}"


def _status(status: str, confidence: float | None) -> str:
    return f"{status} {confidence:.0%}" if confidence and status in {"success", "failure"} else status


def _import(
    seasoned: "Seasoned",
    paths: list[Path],
    *,
    quiet: bool,
    only: str | None = None,
    jobs: int | None = None,
    again: bool = False,
    dry_run: bool = False,
) -> "ImportResult":
    with output.import_progress(quiet) as on_progress:
        return seasoned.import_histories(
            paths, only=only, jobs=jobs, again=again, dry_run=dry_run, on_progress=on_progress
        )


def _embed(seasoned: "Seasoned", *, quiet: bool) -> int:
    if seasoned.embedder is None:
        return 0
    counts = seasoned.store.counts(seasoned.namespace)
    waiting = counts.fingerprints - seasoned.store.embedding_count(seasoned.namespace, seasoned.embedder.info.model)
    with output.step_progress("Embedding", waiting, quiet) as on_progress:
        return seasoned.embed_pending(on_progress)


def _try_next(seasoned: "Seasoned") -> None:
    from seasoned.store import TraceQuery

    newest = next(
        (
            trace
            for trace in seasoned.store.traces(TraceQuery(namespace=seasoned.namespace, roots_only=True, limit=20))
            if trace.prompt and len(trace.prompt) > 20
        ),
        None,
    )
    output.say()
    output.say("Try next:")
    if newest is not None:
        words = _first_words(newest.prompt or "")
        output.say(f'  seasoned similar "{words}"')
        output.say(f"  seasoned traces show {short_id(newest.execution_id)}")
    output.say("  seasoned patterns list")
    output.say("  seasoned failures list")
    output.say("  seasoned insights")
    output.say("  seasoned init    # so that your agents are told, and what they do is recorded as it happens")


def _first_words(prompt: str) -> str:
    """The beginning of a prompt, cut between words, fit to stand between a shell's double quotes."""
    words = output.head(prompt, 60)
    if words.endswith("…"):
        words = words[:-1].rpartition(" ")[0] or words[:-1]
    return words.translate({ord('"'): "'", ord("`"): "'", ord("$"): None, ord("\\"): None, ord("!"): None})
