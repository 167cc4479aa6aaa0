"""Commands for people: ``up``, ``import``, ``traces``, ``similar``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seasoned.doors.cli import output
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
            learned = seasoned.learn(on_progress=on_progress)
        counts = seasoned.store.counts(seasoned.namespace)
        if as_json:
            document = _import_document(seasoned, result)
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
        _summary(seasoned, result)
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
            output.emit_json(_import_document(seasoned, result))
        elif usable:
            _summary(seasoned, result)
    if not usable:
        raise InputError(_nothing_usable(paths, _problems(result)))


def _nothing_usable(paths: list[Path], problems: list[dict[str, str]]) -> str:
    if not problems:
        return f"There is nothing to import in {', '.join(map(str, paths))}: no file is of a known format."
    first = f"{output.head(problems[0]['place'], 200)}: {problems[0]['reason'].rstrip('.')}"
    more = f" And {len(problems) - 1} more (--json lists them all)." if len(problems) > 1 else ""
    return f"Nothing could be imported. {first}.{more}"


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


def _problems(result: "ImportResult") -> list[dict[str, str]]:
    from seasoned.capture.discover import misfit

    found = [{"place": reason.partition(": ")[0], "reason": reason.partition(": ")[2]} for reason in result.unreadable]
    found += [
        {"place": str(path), "reason": misfit(path) or "no importer recognises this file; --agent names its format"}
        for path in result.not_recognised
    ]
    for file in result.files:
        if file.error:
            found.append({"place": str(file.path), "reason": file.error})
        found += [{"place": f"{file.path}: {note.place}", "reason": note.reason} for note in file.report.notes]
        if file.report.skipped > len(file.report.notes):
            more = file.report.skipped - len(file.report.notes)
            found.append({"place": str(file.path), "reason": f"{more} more records could not be used"})
        if file.report.newer_version:
            found.append(
                {
                    "place": str(file.path),
                    "reason": f"written by {file.report.newer_version}, newer than the versions this was tried with",
                }
            )
    found += [{"place": "event log", "reason": reason} for reason in result.applied.dead]
    return [{key: output.printable(text) for key, text in problem.items()} for problem in found]


def _unknown_records(result: "ImportResult") -> dict[str, int]:
    unknown: dict[str, int] = {}
    for file in result.files:
        for kind, count in file.report.unknown_records.items():
            unknown[kind] = unknown.get(kind, 0) + count
    return unknown


def _import_document(seasoned: "Seasoned", result: "ImportResult") -> dict[str, object]:
    from seasoned.settings import without_password

    tally = result.tally
    return {
        "files": len(result.files),
        "sessions": len(tally.sessions),
        "traces": len(tally.traces),
        "spans": tally.spans,
        "tool_calls": tally.tool_calls,
        "tool_errors": tally.tool_errors,
        "input_tokens": tally.input_tokens,
        "output_tokens": tally.output_tokens,
        "added": result.applied.new_traces,
        "updated": len(tally.traces) - result.applied.new_traces,
        "skipped": result.unchanged,
        "forgotten": result.applied.forgotten,
        "redactions": tally.redactions,
        "outcomes_by_agreement": result.settled.claimed,
        "outcomes_withdrawn": result.settled.withdrawn,
        "unknown_records": _unknown_records(result),
        "problems": _problems(result),
        "bytes": result.bytes_read,
        "seconds": round(result.seconds, 3),
        "database": without_password(seasoned.database_url),
    }


def _summary(seasoned: "Seasoned", result: "ImportResult") -> None:
    rate = f", {output.size(result.bytes_read / result.seconds)}/s" if result.seconds > 0 and result.bytes_read else ""
    output.say(
        f"Read {len(result.files)} files ({output.size(result.bytes_read)}) in {result.seconds:.1f} s{rate}; "
        f"{result.unchanged} unchanged. {result.applied.new_traces} executions are new."
    )
    counts = seasoned.store.counts(seasoned.namespace)
    outcomes = ", ".join(f"{count} {status}" for status, count in sorted(counts.by_status.items()))
    sources = ", ".join(f"{count} {source}" for source, count in sorted(counts.by_source.items()))
    output.say(
        f"The history now holds {output.number(counts.sessions)} sessions, {output.number(counts.traces)} executions "
        f"({output.number(counts.child_traces)} by sub-agents), {output.number(counts.spans)} spans "
        f"({output.number(counts.failed_spans)} failed), {output.number(counts.artifacts)} changed files, "
        f"{output.number(counts.tokens)} tokens."
    )
    output.say(f"  by source: {sources or '–'}")
    output.say(f"  outcomes: {outcomes or '–'}")
    if result.settled.claimed or result.settled.withdrawn:
        output.say(
            f"  by agreement of several runs of one task: {result.settled.claimed} outcomes are new, "
            f"{result.settled.withdrawn} were withdrawn"
        )
    if result.applied.forgotten:
        output.say(f"  left out: {output.counted(result.applied.forgotten, 'piece')} of executions that were forgotten")
    unknown = _unknown_records(result)
    if unknown:
        kinds = ", ".join(f"{output.clean(kind)} ({count})" for kind, count in sorted(unknown.items())[:10])
        more = ", …" if len(unknown) > 10 else ""
        output.say(f"  note: records of kinds that this version does not know were left out: {kinds}{more}")
    problems = _problems(result)
    for problem in problems[:10]:
        output.say(f"  note: {output.head(problem['place'], 300)}: {output.head(problem['reason'], 300)}")
    if len(problems) > 10:
        output.say(f"  … and {len(problems) - 10} more notes (--json lists them all).")


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
