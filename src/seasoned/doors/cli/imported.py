"""What an import did, for people and as a document: what was read, what is new, and what could not be used."""

from typing import TYPE_CHECKING

from seasoned.doors.cli import output

if TYPE_CHECKING:
    from pathlib import Path

    from seasoned.app import Seasoned
    from seasoned.workers import ImportResult

__all__ = ["import_document", "nothing_usable", "show_import"]


def nothing_usable(paths: "list[Path]", result: "ImportResult") -> str:
    """Why an import of ``paths`` found nothing that it could use, as a sentence or two."""
    problems = _problems(result)
    if not problems:
        return f"There is nothing to import in {', '.join(map(str, paths))}: no file is of a known format."
    first = f"{output.head(problems[0]['place'], 200)}: {problems[0]['reason'].rstrip('.')}"
    more = f" And {len(problems) - 1} more (--json lists them all)." if len(problems) > 1 else ""
    return f"Nothing could be imported. {first}.{more}"


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


def import_document(seasoned: "Seasoned", result: "ImportResult") -> dict[str, object]:
    """The result as a document."""
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


def show_import(seasoned: "Seasoned", result: "ImportResult") -> None:
    """The result for people, and what the history now holds. Raises StoreError."""
    rate = f", {output.size(result.bytes_read / result.seconds)}/s" if result.seconds > 0 and result.bytes_read else ""
    output.say(
        f"Read {output.counted(len(result.files), 'file')} ({output.size(result.bytes_read)}) in {result.seconds:.1f} s{rate}; "
        f"{result.unchanged} unchanged; {output.counted(result.applied.new_traces, 'new execution')}."
    )
    counts = seasoned.store.counts(seasoned.namespace)
    outcomes = ", ".join(f"{count} {status}" for status, count in sorted(counts.by_status.items()))
    sources = ", ".join(f"{count} {source}" for source, count in sorted(counts.by_source.items()))
    output.say(
        f"The history now holds {output.counted(counts.sessions, 'session')}, {output.counted(counts.traces, 'execution')} "
        f"({output.number(counts.child_traces)} by sub-agents), {output.counted(counts.spans, 'span')} "
        f"({output.number(counts.failed_spans)} failed), {output.counted(counts.artifacts, 'changed file')}, "
        f"{output.counted(counts.tokens, 'token')}."
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
