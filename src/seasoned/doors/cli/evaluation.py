"""``seasoned evaluate``: figures about Seasoned itself, each with its count, interval and baselines."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.root import AsJson, application, context, must_exist
from seasoned.errors import UsageError

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.embed import Embedder
    from seasoned.evaluate.labelled_runs import LabelledRun
    from seasoned.evaluate.report import Report

__all__: list[str] = []

evaluate = typer.Typer(help="Measure how good the answers are.", no_args_is_help=True, rich_markup_mode=None)
application.add_typer(evaluate, name="evaluate")

Seed = Annotated[int, typer.Option(help="Of the resampling; the same seed gives the same figures.")]

Labels = Annotated[
    Path | None, typer.Option(help="JSONL of {transcript, success, customer or group}; else from the data.")
]


@evaluate.command()
def retrieval(
    invocation: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders with checkpoints.jsonl and commits.jsonl; else the imported history."),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """The files that a new prompt will touch. Asked of past work, in time order."""
    from seasoned.evaluate.retrieval import run_own_retrieval, run_retrieval

    must_exist(paths or [])
    with context(invocation).open() as seasoned:
        embedder = _embedder(seasoned)
        if paths:
            report = run_retrieval(paths, embedder, seed=seed)
        else:
            report = run_own_retrieval(seasoned.store, seasoned.namespace, embedder, seed=seed)
        _show(report, as_json=as_json)


@evaluate.command()
def paraphrases(
    invocation: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="JSONL of {group, prompt}; else the sets that come with Seasoned.")
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """The same task in other words. Is it found among the others?"""
    from seasoned.evaluate.paraphrases import packaged_paraphrases, run_paraphrases

    must_exist(paths or [])
    with context(invocation).open() as seasoned:
        _show(run_paraphrases(paths or packaged_paraphrases(), _embedder(seasoned), seed=seed), as_json=as_json)


@evaluate.command()
def outcomes(
    paths: Annotated[list[Path], typer.Argument(help="Transcripts, or folders that hold some.")],
    labels: Annotated[
        Path | None, typer.Option(help="JSONL of {transcript, success, customer or group}; else from the data.")
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Inferred outcomes against known ones. In their three tiers."""
    from seasoned.evaluate.outcomes import run_outcomes

    must_exist([*paths, *([labels] if labels else [])])
    _show(run_outcomes(paths, labels, seed=seed), as_json=as_json)


@evaluate.command()
def steps(
    invocation: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Transcripts, or folders that hold some; else the imported history.")
    ] = None,
    labels: Labels = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Recommended steps against those taken. By successful runs, for tasks that recur and for new ones."""
    from seasoned.evaluate.steps import run_steps

    with context(invocation).open() as seasoned:
        runs = _labelled_runs(seasoned, paths, labels, independent=False)
        _show(run_steps(runs, seasoned.embedder, seed=seed), as_json=as_json)


@evaluate.command()
def lessons(
    invocation: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Transcripts, or folders that hold some; else the imported history.")
    ] = None,
    labels: Labels = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Steps that are said to make the difference. From true outcomes, and from outcomes dealt out anew."""
    from seasoned.evaluate.lessons import run_lessons

    with context(invocation).open() as seasoned:
        _show(run_lessons(_labelled_runs(seasoned, paths, labels, independent=True), seed=seed), as_json=as_json)


@evaluate.command()
def durations(
    invocation: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Transcripts, or folders that hold some; else the imported history.")
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Predicted durations against true ones. Each from the past alone, in the order of time."""
    from seasoned.evaluate.durations import run_durations, run_own_durations

    must_exist(paths or [])
    if paths:
        _show(run_durations(paths, seed=seed), as_json=as_json)
        return
    with context(invocation).open() as seasoned:
        _show(run_own_durations(seasoned.store, seasoned.namespace, seed=seed), as_json=as_json)


@evaluate.command()
def failures(
    path: Annotated[Path | None, typer.Argument(help="JSONL of {error, label}.")] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="JSONL of pairs, NAME.labels.jsonl beside it; else the set that comes with Seasoned."),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Failure signatures against true causes. Do they put together what has the same cause?"""
    from seasoned.evaluate.failures import run_failures

    must_exist([one for one in (path, pairs) if one is not None])
    _show(run_failures(path, pairs, seed=seed), as_json=as_json)


@evaluate.command()
def fixes(
    invocation: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Transcripts, or folders that hold some; else the imported history.")
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Fixes that would be shown. What they rest on, and what agents did of themselves."""
    from seasoned.evaluate.fixes import run_fixes, run_own_fixes

    must_exist(paths or [])
    if paths:
        _show(run_fixes(paths, seed=seed), as_json=as_json)
        return
    with context(invocation).open() as seasoned:
        _show(run_own_fixes(seasoned.store, seasoned.namespace, seed=seed), as_json=as_json)


def _labelled_runs(
    seasoned: "Seasoned", paths: list[Path] | None, labels: Path | None, *, independent: bool
) -> "list[LabelledRun]":
    from seasoned.evaluate.labelled_runs import labelled_executions, labelled_transcripts

    if paths:
        must_exist([*paths, *([labels] if labels else [])])
        return labelled_transcripts(paths, labels)
    if labels is not None:
        raise UsageError("--labels speaks of transcripts; give their paths too.")
    batches = seasoned.store.all_executions(seasoned.namespace)
    return labelled_executions((each for batch in batches for each in batch), independent=independent)


def _embedder(seasoned: "Seasoned") -> "Embedder":
    if seasoned.embedder is None:
        raise UsageError("This evaluation needs embeddings, which are switched off (embed.provider = none).")
    return seasoned.embedder


def _show(report: "Report", *, as_json: bool) -> None:
    if as_json:
        output.emit_json(report.to_json())
    else:
        output.say(report.to_text())
