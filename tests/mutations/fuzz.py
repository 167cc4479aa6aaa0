"""A great many mutations through every importer, the redactor, the wire form and, for a share, the writer.

What holds for each: nothing but the documented errors is raised, within a bounded time; every piece is well formed and
can be written and read as an event; one damaged line costs no more than that line; the writer takes everything that
arrives, without dead letters. ``make fuzz`` runs 100 000; the tests run a slice. The same seed gives the same files, so
that a failure names all that is needed to see it again.
"""

import argparse
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import FrameType

from formats import FORMATS, Format, content
from mutators import Mutated

from seasoned.capture import Redactor
from seasoned.capture.discover import recognise
from seasoned.capture.importers import importer
from seasoned.capture.port import Recording, Report, Source
from seasoned.errors import InputError
from seasoned.model import Event, Span
from seasoned.model.codec import decode_event, encode_event
from seasoned.store import open_store
from seasoned.workers import Writer
from seasoned.workers.reading import event_of

__all__ = ["Failure", "Outcome", "run"]

SECONDS = 10.0
"""Of processor time for one mutation, a thousand times what one takes."""
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_WRITE_EVERY = 10
_STORE_LASTS = 60
"""Mutations written into one database, so that pieces of one execution meet others of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One mutation that broke a promise."""

    format: str
    number: int
    what: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one format's mutations came to."""

    format: str
    mutations: int = 0
    refused: int = 0
    """Files refused as a whole, with InputError."""
    with_skips: int = 0
    """Files in which records were skipped and counted."""
    executions: int = 0
    written: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter[str])
    failures: list[Failure] = field(default_factory=list[Failure])


class BrokenPromiseError(AssertionError):
    """A mutation broke one of the promises above."""


def run(fmt: Format, numbers: range, folder: Path, *, seed: int = 0) -> Outcome:
    """Every mutation of ``numbers``; failures are collected, not raised."""
    outcome = Outcome(format=fmt.name)
    began = time.process_time()
    redactor = Redactor(b"k" * 32)
    waiting: list[Event] = []
    for number in numbers:
        random = Random(f"{seed}:{fmt.name}:{number}")
        what = "before it was made"
        try:
            path, mutated = fmt.write(folder, number, random)
            what = mutated.what
            outcome.kinds[what] += 1
            with _bounded():
                events = _one(fmt, path, mutated, number, redactor, outcome)
            if number % _WRITE_EVERY == 0:
                waiting += events
                outcome.written += 1
                if outcome.written % _STORE_LASTS == 0:
                    _write(waiting, folder)
        except Exception as error:  # noqa: BLE001  # a crash is what is looked for; it is recorded whole
            trail = "".join(traceback.format_exception(error)[-3:])
            outcome.failures.append(Failure(format=fmt.name, number=number, what=what, reason=trail))
            waiting.clear()
        outcome.mutations += 1
    try:
        _write(waiting, folder)
    except Exception as error:  # noqa: BLE001
        outcome.failures.append(
            Failure(
                format=fmt.name, number=numbers.stop, what="writing", reason="".join(traceback.format_exception(error))
            )
        )
    outcome.seconds = time.process_time() - began
    return outcome


def _one(fmt: Format, path: Path, mutated: Mutated, number: int, redactor: Redactor, outcome: Outcome) -> list[Event]:
    if number % 4 == 0:
        recognise(path)
    report = Report()
    source = Source(path=path, namespace="mutated", size=path.stat().st_size)
    try:
        recordings = list(importer(fmt.importer).read(source, report))
    except InputError as error:
        _promise(bool(str(error)), "a refusal without a reason")
        _promise(fmt.kind != "lines", f"a file of lines was refused whole: {error}")
        outcome.refused += 1
        return []
    outcome.with_skips += report.skipped > 0
    outcome.executions += len({recording.update.trace.execution_id for recording in recordings})
    for recording in recordings:
        _well_formed(recording)
    if fmt.kind == "lines" and (mutated.inserted or mutated.damaged is not None):
        _others_arrived(fmt, mutated, number, recordings, report)
    events: list[Event] = []
    for recording in recordings:
        update = redactor.update(recording.update) if number % 5 == 0 else recording.update
        event = event_of(update, now=_NOW)
        _promise(decode_event(encode_event(event)) == event, "an event does not survive its wire form")
        events.append(event)
    return events


def _well_formed(recording: Recording) -> None:
    update = recording.update
    _promise(len(update.trace.execution_id) == 36, "an execution without an id")
    _promise(len(update.spans) <= 500, "more than 500 spans in one piece")
    for span in update.spans:
        _promise(span.execution_id == update.trace.execution_id, "a span of another execution")
        _promise(span.duration_ms is None or span.duration_ms >= 0, "a negative duration")
    for when in (update.trace.started_at, update.trace.completed_at):
        _promise(when is None or when.utcoffset() is not None, "a time without a zone")


_KEPT: dict[tuple[Path, int | None], Counter[str]] = {}


def _others_arrived(
    fmt: Format, mutated: Mutated, number: int, recordings: Sequence[Recording], report: Report
) -> None:
    """Damage to one line costs what its absence would cost, and no more; and it is counted."""
    sample = fmt.samples[number % len(fmt.samples)]
    kept = _of_whole(fmt, sample, None)
    if mutated.damaged is not None:
        kept &= _of_whole(fmt, sample, mutated.damaged)
    lost = kept - _calls(recordings)
    _promise(not lost, f"calls of untouched lines are gone: {sorted(lost)[:3]}")
    _promise(
        report.skipped + sum(report.unknown_records.values()) > 0 or mutated.damaged is not None, "nothing was counted"
    )


def _of_whole(fmt: Format, sample: Path, without: int | None) -> Counter[str]:
    """Calls in the sample, read without one of its lines."""
    if (sample, without) not in _KEPT:
        lines = content(sample).splitlines(keepends=True)
        if without is not None:
            del lines[without]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"mutated{sample.suffix}")
            path.write_bytes(b"".join(lines))
            source = Source(path=path, namespace="mutated", size=path.stat().st_size)
            _KEPT[sample, without] = _calls(list(importer(fmt.importer).read(source, Report())))
    return _KEPT[sample, without]


def _calls(recordings: Sequence[Recording]) -> Counter[str]:
    """Distinct calls by what was called with what: their executions may be other ones once a prompt is lost."""
    spans: dict[str, Span] = {span.span_id: span for each in recordings for span in each.update.spans}
    return Counter(f"{span.name} {span.arguments}" for span in spans.values() if span.kind == "tool")


def _write(events: list[Event], folder: Path) -> None:
    """Everything into a fresh database; nothing may be left over."""
    path = folder / "written.db"
    for stale in folder.glob("written.db*"):
        stale.unlink()
    with closing(open_store(f"sqlite:///{path}")) as store:
        applied = Writer(store).ingest(events)
        _promise(not applied.dead, f"dead letters: {applied.dead[:3]}")
        known = store.counts("mutated").traces
        wanted = len({event.update.trace.execution_id for event in events})
        # More, where a piece names a root or parent that no piece tells of.
        _promise(known >= wanted, f"{known} traces of {wanted} were stored")
    events.clear()


def _promise(kept: bool, otherwise: str) -> None:
    if not kept:
        raise BrokenPromiseError(otherwise)


@contextmanager
def _bounded() -> Generator[None, None, None]:
    def late(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"took more than {SECONDS:g} s of processor time")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def main() -> int:
    """Run and print one line per format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="mutations of all formats together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", action="append", help="only this one (may be repeated)")
    parser.add_argument("--number", type=int, help="only this mutation")
    chosen = parser.parse_args()
    formats = [fmt for fmt in FORMATS if not chosen.format or fmt.name in chosen.format]
    each = -(-chosen.count // len(formats))
    numbers = range(each) if chosen.number is None else range(chosen.number, chosen.number + 1)
    total = failures = 0
    seconds = 0.0
    print(
        f"{'format':22}{'mutations':>10}{'refused':>9}{'skipping':>9}{'executions':>11}{'written':>8}{'CPU s':>8}{'failures':>9}"
    )
    for fmt in formats:
        with tempfile.TemporaryDirectory(prefix="seasoned-fuzz-") as folder:
            outcome = run(fmt, numbers, Path(folder), seed=chosen.seed)
        print(
            f"{fmt.name:22}{outcome.mutations:10}{outcome.refused:9}{outcome.with_skips:9}{outcome.executions:11}"
            f"{outcome.written:8}{outcome.seconds:8.1f}{len(outcome.failures):9}",
            flush=True,
        )
        for failure in outcome.failures[:20]:
            print(f"  --format {fmt.name!r} --number {failure.number} ({failure.what}):\n{failure.reason}")
        total, failures, seconds = (
            total + outcome.mutations,
            failures + len(outcome.failures),
            seconds + outcome.seconds,
        )
    print(f"{total} mutations, {failures} failures, {seconds:.0f} s of processor time")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
