"""``seasoned forget`` and ``seasoned export``: taking somebody's data out, and handing them over.

What would go is shown before anything does. Text from traces is not shown here at all: counts tell enough.
"""

import os
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context
from seasoned.errors import NotFoundError, OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seasoned.app import Seasoned
    from seasoned.store import Holdings, Selection

__all__: list[str] = []

Executions = Annotated[
    list[str] | None, typer.Argument(help="Ids, or at least their first 6 characters.", show_default=False)
]
Session = Annotated[str | None, typer.Option("--session", help="Every execution of this session of an agent's.")]
User = Annotated[str | None, typer.Option("--user", help="Every execution of this user, and what else is about them.")]
Agent = Annotated[str | None, typer.Option("--agent", help="Every execution of the agent with this name or id.")]


@application.command()
def forget(
    invocation: typer.Context,
    executions: Executions = None,
    session: Session = None,
    user: User = None,
    agent: Agent = None,
    source: Annotated[str | None, typer.Option("--source", help="`sample`: the bundled sample.")] = None,
    everything: Annotated[
        str | None, typer.Option("--everything", help="All of the namespace; give its name.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase executions. With all that they delegated and everything that was derived or learned from them."""
    from seasoned.workers.forgetting import patterns_behind

    if source not in {None, "sample"}:
        raise UsageError(f"--source {source}: allowed is `sample`, the bundled sample.")
    if source is not None and any((executions, session, user, agent, everything)):
        raise UsageError("--source sample stands alone.")
    _by_an_administrator(invocation)
    with context(invocation).open() as seasoned:
        if everything is not None and everything != seasoned.namespace:
            raise UsageError(f"--everything {everything}: the namespace is called {seasoned.namespace!r}.")
        if source is not None:
            selection, known = _of_executions(seasoned.sample_executions()[0]), set[str]()
        else:
            selection, known = _selection(seasoned, executions, session, user, agent, everything=everything is not None)
        ids = seasoned.store.selected(seasoned.namespace, selection)
        resting = len(patterns_behind(seasoned.store, seasoned.namespace, ids)) if ids else 0
        holdings = seasoned.store.holdings(ids)
        about = seasoned.store.held_about(seasoned.namespace, [user], ids) if user is not None else ()
        beside = Counter(kind for kind, _ in about)
        if not ids and not known and not beside:
            raise NotFoundError("No execution matches. `seasoned traces list --all` shows them.")
        if dry_run:
            shown: dict[str, object] = {"would_forget": holdings, "patterns": resting, "forgotten_before": len(known)}
            _show(shown | {"beside": dict(sorted(beside.items()))}, as_json=as_json)
            return
        if not yes:
            if as_json or not sys.stdin.isatty():
                raise UsageError("Nothing can be asked here. --dry-run shows what would go; then say --yes.")
            output.say(_sentence(holdings, resting) + _beside(beside))
            typer.confirm("Forget it? It cannot be brought back", abort=True)
        if source is not None:
            seasoned.forget_sample()
            _show({"forgotten": holdings, "patterns": resting}, as_json=as_json)
            return
        erased = seasoned.forget(selection)
        emptied = seasoned.tidy([*erased.execution_ids, *sorted(known)])
        if as_json:
            output.emit_json({"forgotten": erased, "forgotten_before": len(known), "files_emptied": emptied})
            return
        if erased.execution_ids or not known:
            output.say(f"Forgotten: {_counts(erased.holdings)}, {output.counted(erased.events, 'event')} of the log.")
        if known:
            output.say(f"{output.counted(len(known), 'execution')} forgotten before; nothing of it is left.")
        if erased.patterns_withdrawn or erased.patterns_flagged:
            output.say(
                f"{output.counted(erased.patterns_withdrawn, 'pattern')} withdrawn; {erased.patterns_flagged} that "
                "somebody had used or judged kept without quotations, to be reviewed."
            )
        for name, count in erased.others.items():
            output.say(f"  {name.replace('_', ' ')}: {output.number(count)}")
        if not emptied:
            output.say(
                "Another process reads the database; its log is emptied when that is done, or by forgetting again."
            )


@application.command()
def export(
    invocation: typer.Context,
    executions: Executions = None,
    session: Session = None,
    user: User = None,
    agent: Agent = None,
    file: Annotated[
        Path | None, typer.Option("--output", help="To be written; else standard output.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write what is stored about somebody. As lines of JSON that `seasoned import` reads back."""
    from seasoned.workers.exporting import export_lines

    if as_json and file is None:
        raise UsageError("--json needs --output: standard output is taken by the lines.")
    _by_an_administrator(invocation)
    with context(invocation).open() as seasoned:
        selection, _ = _selection(seasoned, executions, session, user, agent, everything=False)
        lines = export_lines(seasoned.store, seasoned.namespace, selection, now=datetime.now(UTC))
        if file is None:
            for _, line in lines:
                output.say(line.decode().rstrip("\n"))
            return
        counts: Counter[str] = Counter()
        try:
            descriptor, partial = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # 0600
            try:
                with os.fdopen(descriptor, "wb") as out:
                    for kind, line in lines:
                        counts[kind] += 1
                        out.write(line)
                Path(partial).replace(file)
            finally:
                Path(partial).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{file}: {error.strerror or error}.") from error
    if as_json:
        output.emit_json({"file": output.printable(str(file)), "lines": dict(sorted(counts.items()))})
        return
    kinds = ", ".join(output.counted(count, kind.replace("_", " ")) for kind, count in sorted(counts.items()))
    output.say(f"Written to {output.printable(str(file))}: {kinds or 'nothing, as nothing matches'}.")


def _by_an_administrator(invocation: typer.Context) -> None:
    if (name := context(invocation).agent) is not None:
        raise UsageError(f"--as-agent {name}: administrators forget and export, in their own name; leave it out.")


def _selection(
    seasoned: "Seasoned",
    executions: list[str] | None,
    session: str | None,
    user: str | None,
    agent: str | None,
    *,
    everything: bool,
) -> "tuple[Selection, set[str]]":
    """What is meant, and which of the executions named were forgotten before."""
    from seasoned.store import Selection

    ids: list[str] = []
    known: set[str] = set()
    for given in executions or ():
        trace = seasoned.store.trace(seasoned.namespace, given) if len(given) >= 6 else None
        before = seasoned.store.forgotten_ids(seasoned.namespace, [given])
        if trace is None and not before:
            raise NotFoundError(
                f"No execution is called {given!r} (at least 6 characters, and of one only). "
                "`seasoned traces list --all` shows them."
            )
        known |= before
        ids += [trace.execution_id] if trace is not None else []
    if not (executions or session or user or agent or everything):
        raise UsageError("Say what: executions by id, --session, --user or --agent; `--help` has it all.")
    return (
        Selection(execution_ids=tuple(ids), session_id=session, user_id=user, agent=agent, everything=everything),
        known,
    )


def _of_executions(ids: list[str]) -> "Selection":
    from seasoned.store import Selection

    return Selection(execution_ids=tuple(ids))


def _counts(holdings: "Holdings") -> str:
    parts = (
        (holdings.executions, "execution", ""),
        (holdings.children, "of them by a sub-agent", "of them by sub-agents"),
        (holdings.spans, "span", ""),
        (holdings.artifacts, "changed file", ""),
        (holdings.tasks, "task", ""),
        (holdings.failures, "failing call learned from", "failing calls learned from"),
        (holdings.advice, "answer given", "answers given"),
    )
    return ", ".join(output.counted(count, one, many) for count, one, many in parts if count) or "nothing"


def _sentence(holdings: "Holdings", patterns: int) -> str:
    resting = f" Patterns that rest on it, to be drawn again, withdrawn or flagged: {patterns}."
    return f"This goes for good: {_counts(holdings)}." + (resting if patterns else "")


def _beside(held: "Mapping[str, int]") -> str:
    """What is said about a user beside executions."""
    kinds = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in sorted(held.items()))
    return (
        f" About the user beside: {kinds}. Private patterns and advice go, the rest stays without words."
        if kinds
        else ""
    )


def _show(document: dict[str, object], *, as_json: bool) -> None:
    from seasoned.store import Holdings

    if as_json:
        output.emit_json(document)
        return
    for key in ("would_forget", "forgotten"):
        holdings = document.get(key)
        if isinstance(holdings, Holdings):
            output.say(f"{key.replace('_', ' ').capitalize()}: {_counts(holdings)}.")
    output.say(f"Patterns that rest on it: {document['patterns']}.")
    if beside := _beside(cast("Mapping[str, int]", document.get("beside", {}))):
        output.say(beside.strip())
